//! `#[measure_duration]`, `#[measure_api_call]` and `#[measure_task]`: options, what they can serve, and
//! the code they write.

mod options;
#[cfg(test)]
mod tests;
mod write;

use proc_macro2::TokenStream;
use syn::{Error, ItemFn, Result, ReturnType, Type};

use options::Options;

/// Which attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Duration,
    ApiCall,
    Task,
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Self::Duration => "measure_duration",
            Self::ApiCall => "measure_api_call",
            Self::Task => "measure_task",
        }
    }

    /// What its texts say, in their order, and how it is written.
    fn texts(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Duration => (&["a stage"], "#[measure_duration(\"planning\")]"),
            Self::ApiCall => (
                &["a provider", "a method"],
                "#[measure_api_call(\"gitea\", \"create_issue\")]",
            ),
            Self::Task => (&["a type of task"], "#[measure_task(\"feature\")]"),
        }
    }
}

/// The function with its body measured.
pub(crate) fn expand(
    measure: Measure,
    options: TokenStream,
    function: TokenStream,
) -> Result<TokenStream> {
    let options = Options::parse(measure, options)?;
    let function: ItemFn = syn::parse2(function)?;
    check(measure, &function)?;
    Ok(write::write(measure, &options, function))
}

fn check(measure: Measure, function: &ItemFn) -> Result<()> {
    let (sig, name) = (&function.sig, measure.name());
    if sig.constness.is_some() {
        let message = format!("`{name}` serves no `const fn`: it has no time");
        return Err(Error::new_spanned(sig.constness, message));
    }
    if sig.asyncness.is_some() {
        return Ok(());
    }
    let message = match &sig.output {
        ReturnType::Type(_, output) if is_future(output) => format!(
            "`{name}` would measure how long the future takes to be made; write `async fn`, or give the \
             future to `Metrics::{name}`"
        ),
        _ => format!("`{name}` serves async functions only; write `async fn`"),
    };
    Err(Error::new_spanned(sig.fn_token, message))
}

/// Whether a type is written `impl Future`, or as a box of one.
fn is_future(ty: &Type) -> bool {
    let text = quote::quote!(#ty).to_string();
    text.split(|c: char| !c.is_alphanumeric())
        .any(|word| matches!(word, "Future" | "BoxFuture" | "LocalBoxFuture"))
}
