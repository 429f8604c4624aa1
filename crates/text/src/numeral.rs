//! Numbers to and from text.

mod print;
mod read;

pub use print::{Notation, Style, shortest6};
pub use read::{Float, Integer, read_float, read_integer};
