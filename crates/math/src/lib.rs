//! Numeric loops: slices in, slices out.
//!
//! This crate knows no tensors, shapes, dtypes or operators; kernels bring slices and sizes. It is the one home of
//! SIMD, and of the choice between one thread and many: every function is fast when called with everything at once.
//!
//! Start at [`par`] (chunks and threads) and [`simd`] (instruction sets); [`map`] applies any closure, [`unary`] and
//! [`binary`] hold the vectorised functions, [`chain`] computes several of them in one pass, [`lane`] has their scalar forms for
//! use in loops of your own, [`packet`] what TensorFlow's loops make of denormals; [`reduce`], [`softmax`] and [`norm`] work
//! along axes, [`rows`] picks rows of tables, [`order`] sorts as TensorFlow's C++ library does, [`gemm`] multiplies matrices, [`attention`] and [`recurrent`] keep what lies between products in cache, [`winograd`] and [`depthwise`] convolve without; [`philox`] makes random bits.

pub mod attention;
pub mod binary;
pub mod chain;
pub mod denormal;
pub mod depthwise;
pub mod gemm;
pub mod lane;
pub mod limits;
pub mod map;
pub mod narrow;
pub mod norm;
pub mod order;
pub mod packet;
pub mod par;
pub mod philox;
pub mod recurrent;
pub mod reduce;
pub mod rows;
pub mod simd;
pub mod softmax;
pub mod unary;
pub mod winograd;

mod shared_loop;
mod side_by_side;
#[cfg(test)]
mod ulp;
