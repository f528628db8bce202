//! The upper tail of the normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// The probability that a standard normal is above `z`; 1 for what is no number, since it proves nothing.
pub(super) fn upper_tail(z: f64) -> f64 {
    if z.is_nan() {
        return 1.0;
    }
    let x = z.abs() / SQRT_2;
    let tail = 0.5 * if x < 2.0 { 1.0 - erf(x) } else { erfc(x) };
    if z < 0.0 { 1.0 - tail } else { tail }
}

/// By its power series (DLMF 7.6.2), which for x < 2 needs no more than forty terms.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..60 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// By its continued fraction (DLMF 7.9.1), from the inside out.
fn erfc(x: f64) -> f64 {
    let mut fraction = x;
    for n in (1..80).rev() {
        fraction = x + f64::from(n) / 2.0 / fraction;
    }
    (-x * x).exp() / (PI.sqrt() * fraction)
}
