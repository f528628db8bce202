//! Series: a family's cells by the values of its labels, with a bound on how many there are.

mod cell;
mod family;
mod info;
mod native;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    cell::State,
    family::{Family, Row},
    info::Info,
    native::{SCHEMA, ZERO_THRESHOLD},
};
pub use self::{
    cell::{Counter, Dollars, Gauge, Histogram},
    family::OTHER,
};
