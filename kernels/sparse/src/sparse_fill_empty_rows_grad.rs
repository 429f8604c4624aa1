//! `SparseFillEmptyRowsGrad` and `RaggedFillEmptyRowsGrad`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, Tensor, bf16, f16};

use crate::number::Number;

/// The gradients of `SparseFillEmptyRows` and `RaggedFillEmptyRows`: of each value what stands at its place, and of the
/// default value the sum of what stands at the other places.
///
/// Takes two vectors, the places (which may repeat) and the gradient of all values; gives a vector as long as the first and
/// a scalar. `INVALID_ARGUMENT` for other ranks and for places outside of the second.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseFillEmptyRowsGrad>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedFillEmptyRowsGrad>
pub const OPS: &[Op] = &[GRADIENT, Op { name: "RaggedFillEmptyRowsGrad", ..GRADIENT }];

const GRADIENT: Op = Op {
    name: "SparseFillEmptyRowsGrad",
    inputs: &["reverse_index_map: int64", "grad_values: T"],
    outputs: &["d_values: T", "d_default_value: T"],
    attrs: &["T: type"],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| Ok(vec![ctx.input(0), PartialShape::from([])]),
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64),
};

fn build<T: Number>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        for (i, name) in ["reverse_index_map", "grad_values"].into_iter().enumerate() {
            let shape = ctx.input(i).shape();
            if shape.rank() != 1 {
                return Err(Error::invalid_argument(format!("{name} must be a vector, saw: {shape}")));
            }
        }
        let mut output = ctx.allocate(T::DTYPE, [ctx.input(0).elements()])?;
        let mut seen = ctx.run().allocate(savedmodel_tensor::DType::Bool, [ctx.input(1).elements()])?;
        let (places, values) = (ctx.input(0).as_slice::<i64>()?, ctx.input(1).as_slice::<T>()?);
        let seen = seen.as_mut_slice::<bool>()?;
        for (to, &place) in output.as_mut_slice::<T>()?.iter_mut().zip(places) {
            let at = usize::try_from(place).ok().filter(|&at| at < values.len()).ok_or_else(|| {
                let count = values.len();
                Error::invalid_argument(format!(
                    "Elements in reverse index must be in [0, {count}) but got {place}"
                ))
            })?;
            *to = values[at];
            seen[at] = true;
        }
        let rest = values.iter().zip(&*seen).filter(|(_, seen)| !**seen);
        let default = rest.fold(T::default(), |sum, (&value, _)| sum.plus(value));
        ctx.set(0, output);
        ctx.set(1, Tensor::scalar(default));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let (sparse, ragged) = ("SparseFillEmptyRowsGrad", "RaggedFillEmptyRowsGrad");
        check_rows(
            crate::OPS,
            &[
                (sparse, "", "int64[3] 3 0 3; float[5] 1 2 3 4 5", "float[3] 4 1 4; float[] 10"),
                (ragged, "", "int64[0]; int8[2] 100 100", "int8[0]; int8[] -56"),
                (sparse, "", "int64[1] 0; double[1] 7", "double[1] 7; double[] 0"),
                (
                    sparse,
                    "",
                    "int64[1] 2; float[2] 1 2",
                    "INVALID_ARGUMENT: Elements in reverse index must be in [0, 2) but got 2",
                ),
                (sparse, "", "int64[1] -1; float[0]", "INVALID_ARGUMENT: Elements in reverse index"),
                (sparse, "", "int64[] 0; float[1] 1", "INVALID_ARGUMENT: reverse_index_map must be a vector"),
                (sparse, "", "int64[1] 0; float[] 1", "INVALID_ARGUMENT: grad_values must be a vector"),
            ],
        );
    }
}
