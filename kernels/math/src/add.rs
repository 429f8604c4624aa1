//! `Add`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, DType, Result, Tensor};

use crate::arithmetic;
use crate::elementwise::broadcast::Broadcast;

/// Adds tensors that broadcast; strings are joined.
///
/// It is the older form of `AddV2`, which has no strings.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Add`.
pub const OP: Op = Op {
    name: "Add",
    inputs: &["x: T", "y: T"],
    outputs: &["z: T"],
    attrs: &[
        "T: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128, string}",
    ],
    effect: Effect::Pure,
    shape: shape::broadcast,
    kernels: Kernels::All(
        &[(
            "T",
            &[
                DType::Bfloat16,
                DType::Half,
                DType::Float,
                DType::Double,
                DType::Uint8,
                DType::Int8,
                DType::Int16,
                DType::Int32,
                DType::Int64,
                DType::Complex64,
                DType::Complex128,
                DType::String,
            ],
        )],
        build,
    ),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    match node.attr("T")? {
        DType::String => Ok(Box::new(join)),
        dtype => arithmetic::add(dtype, node),
    }
}

fn join(ctx: &mut Context<'_>) -> Result<()> {
    let (x, y) = (ctx.input(0), ctx.input(1));
    let shape = shape::broadcast_known(x.shape(), y.shape())?;
    let (a, b) = (x.strings()?, y.strings()?);
    let pairs = Broadcast::new(x.shape(), y.shape(), &shape);
    let joined = pairs.pairs().map(|(i, j)| Bytes::from([&a[i][..], &b[j]].concat()));
    let z = Tensor::from_strings(shape.clone(), joined)?;
    ctx.set(0, z);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};

    #[test]
    fn values() {
        let strings = |v: &[&'static str]| Tensor::from_strings([v.len()], v.iter().copied()).unwrap();
        let add = || op(&[OP], "Add");
        check(add(), [Tensor::scalar(1.5_f32), Tensor::scalar(2.0_f32)], Tensor::scalar(3.5_f32));
        check(add(), [Tensor::scalar(127_i8), Tensor::scalar(1_i8)], Tensor::scalar(-128_i8));
        check(add(), [strings(&["a", ""]), strings(&["c"])], strings(&["ac", "c"]));
        error(add(), [strings(&["a", "b"]), strings(&["a", "b", "c"])], "Incompatible shapes: [2] vs. [3]");
        error(add(), [Tensor::scalar(1_u16), Tensor::scalar(1_u16)], "uint16");
    }
}
