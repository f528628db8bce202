//! `#[cached]`: options, what it can serve, and the code it writes.

mod options;
mod signature;
#[cfg(test)]
mod tests;
mod write;

use proc_macro2::TokenStream;
use syn::{ItemFn, Result};

use options::Options;
use signature::Signature;

/// The code that stands in place of the function.
pub(crate) fn expand(options: TokenStream, function: TokenStream) -> Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    let function: ItemFn = syn::parse2(function)?;
    let signature = Signature::check(&function, &options)?;
    Ok(write::write(&options, &function, &signature))
}
