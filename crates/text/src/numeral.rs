//! Numbers to and from text.

mod print;
mod read;

pub use print::{Notation, Style, exact_f32, exact_f64, shortest6};
pub use read::{Float, Integer, read_float, read_integer};
