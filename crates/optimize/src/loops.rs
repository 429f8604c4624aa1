//! Loops: those of V1 become calls of functions, and products that no turn needs to wait for are computed before the first.

mod hoist;
mod raise;

pub(crate) use hoist::products;
pub(crate) use raise::frames;
