//! Numeric loops: slices in, slices out.
//!
//! This crate knows no tensors, shapes, dtypes or operators; kernels bring slices and sizes. It is the one home of
//! SIMD, and of the choice between one thread and many: every function is fast when called with everything at once.
//!
//! Start at [`par`] (chunks and threads) and [`simd`] (instruction sets); the
//! other modules hold the loops.

pub mod denormal;
pub mod par;
pub mod simd;
