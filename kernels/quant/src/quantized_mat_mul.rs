//! See [`OP`].

use savedmodel_math::gemm::{self, View};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Qint32, Quint8, Result, Tensor};

use crate::range::{Range, check_scalars, give, scalar, with_range};

/// The product of two matrices of 8-bit codes, as 32-bit codes over the range of such products.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedMatMul>
pub const OP: Op = Op {
    name: "QuantizedMatMul",
    inputs: &["a: T1", "b: T2", "min_a: float", "max_a: float", "min_b: float", "max_b: float"],
    outputs: &["out: Toutput", "min_out: float", "max_out: float"],
    attrs: &[
        "T1: {qint8, quint8, qint32, qint16, quint16}",
        "T2: {qint8, quint8, qint32, qint16, quint16}",
        "Toutput: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32",
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "Tactivation: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(
        &[("T1", &[DType::Quint8]), ("T2", &[DType::Quint8]), ("Toutput", &[DType::Qint32])],
        build,
    ),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    check_scalars(ctx, 2)?;
    let transposed = |name: &str| ctx.attr::<bool>(name).unwrap_or_default();
    let rows = ctx.input(0).dim(usize::from(transposed("transpose_a")));
    let columns = ctx.input(1).dim(usize::from(!transposed("transpose_b")));
    Ok(with_range(PartialShape::new([rows, columns])))
}

/// Codes less the one that stands for zero.
fn centered(tensor: &Tensor, range: Range) -> Result<Vec<i32>> {
    let zero = range.unclamped::<Quint8>(0.0) as i32;
    Ok(tensor.as_slice::<Quint8>()?.iter().map(|x| i32::from(x.0).wrapping_sub(zero)).collect())
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let transpose_a: bool = node.attr("transpose_a")?;
    let transpose_b: bool = node.attr("transpose_b")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        scalar(ctx, 2, "min_a")?;
        let a_range = Range::single(ctx, 2, ["min_a", "max_a"])?;
        let b_range = Range::single(ctx, 4, ["min_b", "max_b"])?;
        for (range, name) in [(a_range, "a"), (b_range, "b")] {
            if range.max.partial_cmp(&range.min) != Some(std::cmp::Ordering::Greater) {
                return Err(Error::invalid_argument(format!("max_{name} must be larger than min_{name}.")));
            }
        }
        let (a, b) = (ctx.input(0), ctx.input(1));
        let [Ok(a_shape), Ok(b_shape)] = [a, b].map(|t| <[usize; 2]>::try_from(t.shape().dims())) else {
            let i = usize::from(a.rank() == 2);
            return Err(Error::invalid_argument(format!("In[{i}] is not a matrix")));
        };
        let [m, k] = if transpose_a { [a_shape[1], a_shape[0]] } else { a_shape };
        let [inner, n] = if transpose_b { [b_shape[1], b_shape[0]] } else { b_shape };
        if k != inner {
            return Err(Error::invalid_argument(format!(
                "Matrix size-incompatible: In[0]: {}, In[1]: {}",
                a.shape(),
                b.shape()
            )));
        }
        let mut out = ctx.allocate(DType::Qint32, [m, n])?;
        if out.elements() > 0 && k > 0 {
            let (a, b) = (centered(a, a_range)?, centered(b, b_range)?);
            let views = (View::maybe_t(&a, [m, k], transpose_a), View::maybe_t(&b, [k, n], transpose_b));
            let mut products = vec![0_i32; m * n];
            gemm::integer([m, k, n], views.0, views.1, &mut products);
            let out = out.as_mut_slice::<Qint32>()?;
            out.iter_mut().zip(products).for_each(|(out, product)| *out = Qint32(product));
        }
        give(ctx, out, Range::of_products::<Quint8, Quint8>(a_range, b_range));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizedMatMul";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "quint8[2,3] 1 2 3 4 5 200; quint8[3,1] 1 2 3; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[2,1] -496 -17151; float[] -99076.53; float[] 99076.53",
                ),
                (
                    op,
                    "transpose_a=true transpose_b=true",
                    "quint8[3,1] 1 2 3; quint8[1,3] 1 2 3; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[1,1] -496; float[] -99076.53; float[] 99076.53",
                ),
                (
                    op,
                    "",
                    "quint8[1,1] 1; quint8[1,1] 1; float[] 1; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: max_a must be larger than min_a.",
                ),
                (
                    op,
                    "",
                    "quint8[1,1] 1; quint8[1,1] 1; float[1] 1; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: `min_a` must be rank 0 but is rank 1",
                ),
                (
                    op,
                    "",
                    "quint8[1,1] 1; quint8[2,1] 1 1; float[] 0; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: Matrix size-incompatible: In[0]: [1,1], In[1]: [2,1]",
                ),
                (
                    op,
                    "",
                    "quint8[1,1] 1; quint8[2] 1 1; float[] 0; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: In[1] is not a matrix",
                ),
            ],
        );
    }
}
