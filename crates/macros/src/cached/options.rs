//! What stands in the parentheses of the attribute.

use proc_macro2::Span;
use syn::{
    Error, Ident, LitInt, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

const KNOWN: &str = "`ttl_seconds`, `max_size`, `negative_ttl_seconds` and `crate`";

pub(super) struct Options {
    pub(super) ttl_seconds: Option<u64>,
    pub(super) max_size: Option<u64>,
    /// With the place that asks for it, where an error type that cannot serve it is reported.
    pub(super) negative_ttl_seconds: Option<(u64, Span)>,
    /// Where the crate is found whose code the written code uses, if not at `::perf_utils`.
    pub(super) krate: Option<Path>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut ttl_seconds, mut max_size, mut negative, mut krate) = (None, None, None, None);
        while !input.is_empty() {
            // `crate` is a keyword.
            let key = input.call(Ident::parse_any)?;
            let name = key.to_string();
            if !matches!(
                name.as_str(),
                "ttl_seconds" | "max_size" | "negative_ttl_seconds" | "crate"
            ) {
                let message = format!("`cached` knows no option `{name}`; it knows {KNOWN}");
                return Err(Error::new(key.span(), message));
            }
            input.parse::<Token![=]>()?;
            let repeated = match name.as_str() {
                "ttl_seconds" => ttl_seconds.replace(at_least_one(&name, input)?).is_some(),
                "max_size" => max_size.replace(at_least_one(&name, input)?).is_some(),
                "negative_ttl_seconds" => {
                    let value = (at_least_one(&name, input)?, key.span());
                    negative.replace(value).is_some()
                }
                _ => krate.replace(input.call(Path::parse_mod_style)?).is_some(),
            };
            if repeated {
                return Err(Error::new(key.span(), format!("`{name}` is given twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Self {
            ttl_seconds,
            max_size,
            negative_ttl_seconds: negative,
            krate,
        })
    }
}

fn at_least_one(name: &str, input: ParseStream<'_>) -> Result<u64> {
    let whole = |error: Error| {
        Error::new(
            error.span(),
            format!("`{name}` is a whole number, written as digits"),
        )
    };
    let literal: LitInt = input.parse().map_err(whole)?;
    match literal.base10_parse().map_err(whole)? {
        0 => Err(Error::new(
            literal.span(),
            format!("`{name}` is 0, which would keep nothing; remove the attribute instead"),
        )),
        number => Ok(number),
    }
}
