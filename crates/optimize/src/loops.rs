//! Loops: those of V1 become calls of functions, products that no turn needs to wait for are computed before the first, and
//! loops around one recurrent cell become one operator.

mod hoist;
mod raise;
mod recurrent;

pub(crate) use hoist::products;
pub use raise::SWITCHES;
pub(crate) use raise::frames;
