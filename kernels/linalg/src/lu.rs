//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, DType, Error, PartialShape, Result};

use crate::dense::Scalar;
use crate::dense::lu::Lu;
use crate::matrices::{Batch, cube, each, fill, square_shape};

/// The triangular factors of square matrices whose rows are exchanged, and the row that came to each place.
///
/// Both factors are in one matrix; the ones on the diagonal of the lower factor are left out.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Lu>
pub const OP: Op = Op {
    name: "Lu",
    inputs: &["input: T"],
    outputs: &["lu: T", "p: output_idx_type"],
    attrs: &["T: {double, float, half, complex64, complex128}", "output_idx_type: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let lu = square_shape(ctx)?.swap_remove(0);
    let p = lu.dims().map(|dims| PartialShape::new(dims[..dims.len() - 1].iter().copied()));
    Ok(vec![lu, p.unwrap_or_default()])
}

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let index: DType = node.attr("output_idx_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let batch = Batch::square(ctx.input(0).shape())?;
        let mut factors = ctx.allocate(T::DTYPE, ctx.input(0).shape())?;
        let mut order = ctx.allocate(index, batch.with(&[batch.rows]))?;
        if factors.elements() > 0 {
            let data = ctx.input(0).as_slice::<T>()?;
            let results = each(batch.count(), cube(batch.rows), |i| {
                let lu = Lu::of(batch.matrix(data, i));
                match lu.is_invertible() {
                    true => Ok(lu),
                    false => Err(Error::invalid_argument("Input is not invertible.")),
                }
            })?;
            fill(&mut factors, results.iter().map(|lu| lu.factors.data()))?;
            let rows = results.iter().flat_map(|lu| &lu.order);
            match index {
                DType::Int64 => {
                    fill(&mut order, std::iter::once(&rows.map(|&i| i as i64).collect::<Vec<_>>()[..]))?
                }
                _ => fill(&mut order, std::iter::once(&rows.map(|&i| i as i32).collect::<Vec<_>>()[..]))?,
            }
        }
        ctx.set(0, factors);
        ctx.set(1, order);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("Lu", "", "float[2,2] 1 2 4 4", "float[2,2] 4 4 0.25 1; int32[2] 1 0"),
                (
                    "Lu",
                    "output_idx_type=int64",
                    "double[3,3] 1 2 4 4 4 4 8 4 0",
                    "double[3,3] 8 4 0 0.5 2 4 0.125 0.75 1; int64[3] 2 1 0",
                ),
                ("Lu", "", "complex64[1,1] 0+2i", "complex64[1,1] 0+2i; int32[1] 0"),
                ("Lu", "", "float[0,0]", "float[0,0]; int32[0]"),
                ("Lu", "", "float[1,1] 0", "INVALID_ARGUMENT: Input is not invertible."),
                ("Lu", "", "float[1,2] 1 1", "INVALID_ARGUMENT: Input matrix must be square."),
            ],
        );
    }
}
