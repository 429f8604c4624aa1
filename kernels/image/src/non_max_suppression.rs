//! Operators that choose boxes by score and drop those that overlap a better one.

pub mod combined;
pub mod priority;
pub mod single;
pub mod with_overlaps;

mod boxes;
mod select;
