//! The program `automation`.

fn main() {}
