//! Convolutions of all kinds, as products of patches with filter matrices.
//!
//! `attributes` reads what the operators share, `patches` gives the left operand, `element` multiplies,
//! `forward` and `transposed` say which products make a convolution and its gradient, `all_taps` the one that makes all of it, `depthwise` is the direct loop
//! for one input channel per filter, `kernel` goes from tensors to slices, `finish` adds what fused operators do, `ready` keeps constant filters.
//! All compute with channels innermost; `NCHW` is transposed on the way in and out.

mod all_taps;
pub mod attributes;
pub mod element;
pub mod finish;
pub mod forward;
pub mod kernel;
mod patches;
pub mod ready;
pub mod transposed;

#[cfg(test)]
mod tests;
