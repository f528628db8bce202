//! Command-line arguments, taken out one by one; what is left over is an error.

use anyhow::{Result, bail};

pub(crate) struct Args(Vec<String>);

impl Args {
    pub(crate) fn new(args: impl Iterator<Item = String>) -> Self {
        Self(args.collect())
    }

    /// Takes the first argument that is no option.
    pub(crate) fn positional(&mut self) -> Option<String> {
        let first = self.0.first()?;
        let is_help = matches!(first.as_str(), "--help" | "-h");
        (is_help || !first.starts_with('-')).then(|| self.0.remove(0))
    }

    /// Takes every occurrence of a switch and says whether there was one.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let n_before = self.0.len();
        self.0.retain(|arg| arg != name);
        self.0.len() < n_before
    }

    /// Takes the values of an option that may be repeated, as `--name value` or `--name=value`.
    pub(crate) fn values(&mut self, name: &str) -> Result<Vec<String>> {
        let mut values = Vec::new();
        let mut rest = Vec::new();
        let mut args = std::mem::take(&mut self.0).into_iter();
        while let Some(arg) = args.next() {
            if arg == name {
                let Some(value) = args.next() else {
                    bail!("{name} needs a value")
                };
                values.push(value);
            } else if let Some(value) = arg
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='))
            {
                values.push(value.to_owned());
            } else {
                rest.push(arg);
            }
        }
        self.0 = rest;
        Ok(values)
    }

    pub(crate) fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        bail!(
            "unexpected arguments: {} (see `cargo xtask help`)",
            self.0.join(" ")
        )
    }
}
