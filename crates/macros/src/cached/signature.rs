//! Which functions can be served, and what of their signature makes key and value.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{
    Error, FnArg, Ident, ItemFn, Lifetime, Pat, Result, ReturnType, Safety, Type, TypeImplTrait,
    TypeReference, spanned::Spanned, visit::Visit,
};

use super::options::Options;

/// A signature that can be served.
pub(super) struct Signature {
    pub(super) arguments: Vec<Argument>,
    pub(super) output: Type,
    /// Whether the returned type is written as a `Result`, whose `Err` is not kept.
    pub(super) is_result: bool,
}

pub(super) struct Argument {
    pub(super) name: Ident,
    pub(super) ty: Type,
    /// The owned type that stands in the key.
    pub(super) key: TokenStream,
    /// Makes it of the argument.
    pub(super) own: TokenStream,
}

impl Signature {
    /// Takes the signature apart, or says at the right place what cannot be served.
    pub(super) fn check(function: &ItemFn, options: &Options) -> Result<Self> {
        let sig = &function.sig;
        if let Some(receiver) = sig.receiver() {
            return Err(Error::new_spanned(
                receiver,
                "`cached` serves free functions only: a method's results belong to its `self`. \
                 Keep an `AsyncCache` in a field and use its `get_or_load`",
            ));
        }
        if sig.asyncness.is_none() {
            return Err(Error::new_spanned(
                sig.fn_token,
                "`cached` serves async functions only; write `async fn`",
            ));
        }
        if !matches!(sig.safety, Safety::Default) || sig.abi.is_some() || sig.variadic.is_some() {
            return Err(Error::new_spanned(
                sig,
                "`cached` serves safe functions of Rust's own ABI only",
            ));
        }
        if !sig.generics.params.is_empty() || sig.generics.where_clause.is_some() {
            return Err(Error::new_spanned(
                &sig.generics,
                "`cached` serves no generic functions: one cache has one type of key and value. \
                 Name the types, and leave lifetimes out",
            ));
        }
        let arguments = sig
            .inputs
            .iter()
            .enumerate()
            .map(|(i, argument)| Argument::check(i, argument))
            .collect::<Result<Vec<_>>>()?;
        let ReturnType::Type(_, output) = &sig.output else {
            return Err(Error::new_spanned(
                &sig.ident,
                "a function that returns nothing has nothing to be cached",
            ));
        };
        check_owned(
            output,
            "a cached value owns what it holds; return an owned type, or an `Arc` of one",
        )?;
        let is_result = is_result(output);
        if let Some((_, span)) = options.negative_ttl_seconds.filter(|_| !is_result) {
            return Err(Error::new(
                span,
                "`negative_ttl_seconds` is for functions that return a `Result`",
            ));
        }
        Ok(Self {
            arguments,
            output: (**output).clone(),
            is_result,
        })
    }
}

impl Argument {
    fn check(i: usize, argument: &FnArg) -> Result<Self> {
        let FnArg::Typed(argument) = argument else {
            return Err(Error::new_spanned(argument, "`cached` serves no methods"));
        };
        let name = match &*argument.pat {
            Pat::Ident(pattern) if pattern.subpat.is_none() => pattern.ident.clone(),
            _ => format_ident!("argument_{i}"),
        };
        let ty = &*argument.ty;
        let span = ty.span();
        let (key, own) = match ty {
            Type::Reference(TypeReference {
                mutability: Some(_),
                ..
            }) => {
                return Err(Error::new_spanned(
                    ty,
                    "a key cannot own a `&mut` argument; take it by value, or return what changes",
                ));
            }
            Type::Reference(TypeReference { elem, .. }) => {
                check_owned(elem, IN_KEY)?;
                (
                    quote_spanned!(span=> <#elem as ::std::borrow::ToOwned>::Owned),
                    quote_spanned!(span=> <#elem as ::std::borrow::ToOwned>::to_owned(#name)),
                )
            }
            _ => {
                check_owned(ty, IN_KEY)?;
                (
                    ty.to_token_stream(),
                    quote_spanned!(span=> <#ty as ::std::clone::Clone>::clone(&#name)),
                )
            }
        };
        Ok(Self {
            name,
            ty: ty.clone(),
            key,
            own,
        })
    }
}

const IN_KEY: &str = "a key cannot own a reference inside a type; take it by value, or as a plain `&T` whose \
     `T` is `ToOwned`";

/// Refuses what has no one owned type: borrows other than `'static`, `impl Trait` and `Self`.
fn check_owned(ty: &Type, why: &str) -> Result<()> {
    let mut search = Search { why, found: None };
    search.visit_type(ty);
    search.found.map_or(Ok(()), Err)
}

struct Search<'a> {
    why: &'a str,
    found: Option<Error>,
}

impl Search<'_> {
    fn refuse(&mut self, place: impl ToTokens, why: &str) {
        self.found
            .get_or_insert_with(|| Error::new_spanned(place, why));
    }
}

impl Visit<'_> for Search<'_> {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        let is_static = |lifetime: &Lifetime| lifetime.ident == "static";
        if reference.mutability.is_some() || !reference.lifetime.as_ref().is_some_and(is_static) {
            self.refuse(reference, self.why);
        }
        syn::visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.refuse(lifetime, self.why);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        self.refuse(
            ty,
            "`cached` cannot name the type behind `impl Trait`; write the type itself",
        );
    }

    fn visit_ident(&mut self, ident: &Ident) {
        if ident == "Self" {
            self.refuse(ident, "`cached` serves free functions only; name the type");
        }
    }
}

/// Says whether the type is written `Result`, `std::io::Result<…>` or alike.
fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "Result"),
        Type::Group(group) => is_result(&group.elem),
        Type::Paren(paren) => is_result(&paren.elem),
        _ => false,
    }
}
