//! The operators of the bridge to XLA, TensorFlow's compiler, which models made by jax2tf are written in, and others that are made of
//! operators of several families.
//!
//! Each is made of operators of other families (`calls`) and of walks over boxes of tensors. Functions of scalars, which reduce,
//! scatter and compare, are called with whole vectors where all their operators work element by element. Start reading at [`OPS`].
#![forbid(unsafe_code)]

mod broadcast_helper;
mod calls;
mod conv;
mod convolve;
mod dequantize;
mod dot;
mod dynamic_slice;
mod einsum;
mod gather;
mod numbers;
mod pad;
mod reduce;
mod reduce_precision;
mod reduce_window;
mod rng_bit_generator;
mod scatter;
mod select_and_scatter;
mod sort;
mod unary_ops_composition;
mod variadic_sort;
mod window;

use savedmodel_op::{Construction, Op};
use savedmodel_tensor::Result;

/// Every operator of the family.
pub static OPS: &[&[Op]] = &[
    conv::OPS,
    dot::OPS,
    dynamic_slice::OPS,
    reduce::OPS,
    sort::OPS,
    &[
        broadcast_helper::OP,
        dequantize::OP,
        einsum::OP,
        gather::OP,
        pad::OP,
        reduce_precision::OP,
        reduce_window::OP,
        rng_bit_generator::OP,
        scatter::OP,
        select_and_scatter::OP,
        unary_ops_composition::OP,
        variadic_sort::OP,
    ],
];

/// The declaration of the dtype of indices.
const INDICES: &str = "Tindices: {int32, int64}";

/// The declaration of a type attribute that takes numbers, and perhaps more.
macro_rules! numbers_attr {
    ($name:literal $($more:literal)?) => {
        concat!(
            $name,
            ": {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, ",
            "qint16, quint16, uint16, complex128, half, uint32, uint64",
            $($more,)?
            "}"
        )
    };
}
use numbers_attr;

/// Checks that the compiler has the dtypes of all inputs: it has no text, handles or what stands for something else.
fn check_dtypes(node: &Construction<'_>) -> Result<()> {
    let known = node.inputs.iter().all(|dtype| dtype.size().is_some() && !dtype.is_quantized());
    if known { Ok(()) } else { Err(node.no_kernel("T")) }
}
