//! What stands in the parentheses of the attribute.

use proc_macro2::{Span, TokenStream};
use syn::{
    Error, Ident, LitStr, Path, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser as _},
};

use super::Measure;

/// What a label of a metric may have, as crate monitoring says it.
const MAX_BYTES: usize = 128;

pub(super) struct Options {
    pub(super) texts: Vec<LitStr>,
    /// Where the crate is found whose code the written code uses, if not at `::monitoring`.
    pub(super) krate: Option<Path>,
}

impl Options {
    pub(super) fn parse(measure: Measure, options: TokenStream) -> Result<Self> {
        let parse = |input: ParseStream<'_>| Self::parse_in(measure, input);
        parse.parse2(options)
    }

    fn parse_in(measure: Measure, input: ParseStream<'_>) -> Result<Self> {
        let (said, example) = measure.texts();
        let (mut texts, mut krate) = (Vec::new(), None);
        while !input.is_empty() {
            if input.peek(LitStr) {
                let text: LitStr = input.parse()?;
                if texts.len() == said.len() {
                    let message = format!(
                        "`{}` takes {} only: {example}",
                        measure.name(),
                        said.join(" and ")
                    );
                    return Err(Error::new(text.span(), message));
                }
                check(&text, said[texts.len()])?;
                texts.push(text);
            } else if input.peek(Ident::peek_any) {
                // `crate` is a keyword.
                let key = input.call(Ident::parse_any)?;
                if key != "crate" {
                    let message = format!(
                        "`{}` knows no option `{key}`; it knows `crate`",
                        measure.name()
                    );
                    return Err(Error::new(key.span(), message));
                }
                input.parse::<Token![=]>()?;
                let path = input.call(Path::parse_mod_style)?;
                if krate.replace(path).is_some() {
                    return Err(Error::new(key.span(), "`crate` is given twice"));
                }
            } else {
                let missing = said.get(texts.len()).unwrap_or(&"a text");
                let message = format!("{missing} is a text, written in quotes: {example}");
                return Err(Error::new(input.span(), message));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if let Some(missing) = said.get(texts.len()) {
            let message = format!("{missing} is missing: {example}");
            return Err(Error::new(Span::call_site(), message));
        }
        Ok(Self { texts, krate })
    }
}

/// What a label has no room for would count as `other`, which nobody means.
fn check(text: &LitStr, said: &str) -> Result<()> {
    let value = text.value();
    let message = if value.is_empty() {
        format!("{said} has a name")
    } else if value.len() > MAX_BYTES {
        format!("{said} has a name of at most {MAX_BYTES} bytes")
    } else if value.contains(char::is_control) {
        format!("{said} has a name without control characters")
    } else {
        return Ok(());
    };
    Err(Error::new(text.span(), message))
}
