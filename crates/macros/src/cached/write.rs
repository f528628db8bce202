//! The code in place of the function: the function itself, and an empty type of its name that gives
//! the cache.
//!
//! A function and a type may have one name, since functions live in the namespace of values. A type
//! is better than a module here: it sees the same names as the function, inside a function body too.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, Ident, ItemFn, spanned::Spanned};

use super::{options::Options, signature::Signature};

pub(super) fn write(options: &Options, function: &ItemFn, signature: &Signature) -> TokenStream {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = function;
    let (of_body, of_function): (Vec<_>, Vec<_>) = attrs.iter().partition(|a| is_lint(a));
    let conditions = attrs.iter().filter(|a| a.path().is_ident("cfg"));
    let conditions: Vec<&Attribute> = conditions.collect();
    // What a type lacks is said at the signature, and not at the attribute.
    let krate = match &options.krate {
        Some(path) => quote!(#path),
        None => quote_spanned!(sig.ident.span()=> ::perf_utils),
    };
    let support = quote_spanned!(sig.ident.span()=> #krate::support);
    let (name, inputs, output) = (&sig.ident, &sig.inputs, &sig.output);
    let ty = &signature.output;

    let names: Vec<_> = signature.arguments.iter().map(|a| &a.name).collect();
    let types: Vec<_> = signature.arguments.iter().map(|a| &a.ty).collect();
    let keys: Vec<_> = signature.arguments.iter().map(|a| &a.key).collect();
    let owned: Vec<_> = signature.arguments.iter().map(|a| &a.own).collect();
    let checks = signature.arguments.iter().map(|argument| {
        let key = &argument.key;
        quote_spanned!(argument.ty.span()=> #support::check_key::<#key>();)
    });

    // Names that the function's own cannot meet.
    let uncached = Ident::new("uncached", Span::mixed_site());
    let key = Ident::new("key", Span::mixed_site());
    let load = Ident::new("load", Span::mixed_site());
    let load_it = quote!(let #load = move || #uncached(#(#names),*););
    let (value, call) = if signature.is_result {
        let share = match options.negative_ttl_seconds {
            Some(_) => quote_spanned!(ty.span()=>
                #support::share_by_clone::<<#ty as #support::Fallible>::Error>()),
            None => quote! {{
                use #support::{NotShared as _, SharedByClone as _};
                (&#support::Probe::<<#ty as #support::Fallible>::Error>::new()).share()
            }},
        };
        let value = quote_spanned!(ty.span()=> <#ty as #support::Fallible>::Value);
        let call = quote_spanned!(name.span()=> #support::fallible(#name::cache(), #key, #share, #load).await);
        (value, call)
    } else {
        let check = quote_spanned!(ty.span()=> #support::check_not_result::<#ty, _>(););
        let call = quote_spanned!(name.span()=> { #check #support::infallible(#name::cache(), #key, #load).await });
        (quote!(#ty), call)
    };
    let check_value = quote_spanned!(ty.span()=> #support::check_value::<#value>(););
    let of_type = format!("The cache of the function [`{name}()`].");
    let of_cache = format!("What [`{name}()`] has returned, by its arguments.");
    let cache = quote_spanned!(name.span()=> #krate::AsyncCache<(#(#keys,)*), #value>);
    let numbers = [
        option(options.ttl_seconds),
        option(options.max_size),
        option(options.negative_ttl_seconds.map(|(seconds, _)| seconds)),
    ];
    let new = quote_spanned!(name.span()=> #support::new_cache(#(#numbers),*));
    quote! {
        #(#of_function)*
        #vis async fn #name(#(#names: #types),*) #output {
            #(#of_body)*
            async fn #uncached(#inputs) #output #block

            #(#checks)*
            #check_value
            let #key = (#(#owned,)*);
            #load_it
            #call
        }

        #(#conditions)*
        #[doc = #of_type]
        #[derive(::std::fmt::Debug)]
        #[allow(non_camel_case_types, reason = "it has the function's name")]
        #vis enum #name {}

        #(#conditions)*
        impl #name {
            #[doc = #of_cache]
            #[allow(dead_code, reason = "not every cache is looked at")]
            #vis fn cache() -> &'static #cache {
                static CACHE: ::std::sync::OnceLock<#cache> = ::std::sync::OnceLock::new();
                CACHE.get_or_init(|| #new)
            }
        }
    }
}

/// Lints are about the body that a person wrote, which moves into a function of its own.
fn is_lint(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"]
        .iter()
        .any(|lint| attribute.path().is_ident(lint))
}

fn option(number: Option<u64>) -> TokenStream {
    match number {
        Some(number) => quote!(::std::option::Option::Some(#number)),
        None => quote!(::std::option::Option::None),
    }
}
