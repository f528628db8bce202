//! The code: the same function, whose body is an async block between a start and an end.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ItemFn, ReturnType, Type, spanned::Spanned as _, visit::Visit};

use super::{Measure, options::Options};

pub(super) fn write(measure: Measure, options: &Options, function: ItemFn) -> TokenStream {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = function;
    let krate = match &options.krate {
        Some(path) => quote!(#path),
        None => quote_spanned!(sig.ident.span()=> ::monitoring),
    };
    let support = quote!(#krate::metrics::support);
    let begin = match measure {
        Measure::Duration => quote!(stage),
        Measure::ApiCall => quote!(call),
        Measure::Task => quote!(task),
    };
    let texts = &options.texts;

    // Names that the function's own cannot meet.
    let begun = Ident::new("begun", Span::mixed_site());
    let returned = Ident::new("returned", Span::mixed_site());
    // A `?` in the block needs to know the type of the error: a return that is never made tells it.
    let told = match &sig.output {
        ReturnType::Type(_, ty) if is_written_out(ty) => quote_spanned! {ty.span()=>
            if false {
                return #support::of_type::<#ty>();
            }
        },
        _ => TokenStream::new(),
    };
    quote! {
        #(#attrs)*
        #vis #sig {
            let #begun = #support::#begin(#(#texts),*);
            let #returned = async move {
                #told
                #block
            }
            .await;
            {
                use #support::{OfAny as _, OfResult as _};
                #begun.end((&#support::Probe::new(&#returned)).status());
            }
            #returned
        }
    }
}

/// Whether a type can stand in a `let`: it has no `impl Trait` in it.
fn is_written_out(ty: &Type) -> bool {
    struct Search(bool);
    impl Visit<'_> for Search {
        fn visit_type_impl_trait(&mut self, _: &syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    search.visit_type(ty);
    !search.0
}
