//! The one question about graphs asked here: what waits for itself?

mod cycles;

#[cfg(test)]
mod tests;

pub(crate) use cycles::cycles;
