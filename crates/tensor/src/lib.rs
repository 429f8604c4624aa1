//! Dense tensors, their dtypes and shapes, and the error type of the whole project.
//!
//! A [`Tensor`] is a dtype, a [`Shape`] and shared, immutable data: cloning one copies a pointer, and
//! writing to one copies the data first unless nobody else holds it. This crate knows nothing of
//! graphs, operators or files. Start reading at [`Tensor`], then [`DType`] and [`Error`].
//!
//! `unsafe` lives in `buffer.rs` alone.
#![deny(unsafe_code)]

mod allocation;
mod buffer;
mod describe;
mod dtype;
mod element;
mod error;
mod handle;
mod inside;
mod shape;
mod tensor;
mod unit;
mod variant;

pub use allocation::{MAX_TENSOR_BYTES, release_kept_memory};
pub use buffer::{Buffer, ForeignBytes};
pub use bytes::Bytes;
pub use dtype::DType;
pub use element::{
    Element, Float4E2m1fn, Float8E4m3b11fnuz, Float8E4m3fn, Float8E4m3fnuz, Float8E5m2, Float8E5m2fnuz, Int2,
    Int4, Qint8, Qint16, Qint32, Quint8, Quint16, Uint2, Uint4,
};
pub use error::{Code, Error, Result};
pub use half::{bf16, f16};
pub use handle::Handle;
pub use inside::{sum_inside, zeros_inside};
pub use num_complex::{Complex32, Complex64};
pub use shape::{PartialShape, Shape};
pub use tensor::Tensor;
pub use unit::{Unit, UnitKind};
pub use variant::{Variant, VariantValue};
