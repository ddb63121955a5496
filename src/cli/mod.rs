//! cli.

pub mod check;
