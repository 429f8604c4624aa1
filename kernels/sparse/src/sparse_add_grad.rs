//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor, Unit, by_width};

/// The gradients of `SparseAdd` and `SparseSlice` with respect to values: each value takes the gradient of the place that it went to.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseAddGrad>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSliceGrad>
pub const OPS: &[Op] = &[
    Op {
        name: "SparseAddGrad",
        inputs: &["backprop_val_grad: T", "a_indices: int64", "b_indices: int64", "sum_indices: int64"],
        outputs: &["a_val_grad: T", "b_val_grad: T"],
        attrs: &[NUMBERS],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, &[1, 2]),
        kernels: Kernels::All(&[("T", SUMS)], build_add),
    },
    Op {
        name: "SparseSliceGrad",
        inputs: &[
            "backprop_val_grad: T",
            "input_indices: int64",
            "input_start: int64",
            "output_indices: int64",
        ],
        outputs: &["val_grad: T"],
        attrs: &[NUMBERS],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, &[1]),
        kernels: Kernels::All(&[("T", dtypes::NUMBERS)], build_slice),
    },
];

const NUMBERS: &str = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, \
                       qint16, quint16, uint16, complex128, half, uint32, uint64}";
const SUMS: &[DType] = &[
    DType::Float,
    DType::Double,
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Int64,
    DType::Complex64,
    DType::Complex128,
];

/// Vectors as long as the indices in the inputs.
fn shape(ctx: &ShapeContext<'_>, indices: &[usize]) -> Result<Vec<PartialShape>> {
    Ok(indices.iter().map(|&i| PartialShape::new([ctx.input(i).dim(0)])).collect())
}

/// A matrix of indices as rows of `i64`.
fn matrix<'a>(ctx: &'a Context<'_>, i: usize, name: &str) -> Result<(Vec<&'a [i64]>, usize)> {
    let tensor = ctx.input(i);
    let &[_, rank] = tensor.shape().dims() else {
        let text = format!("Input {name} should be a matrix but received shape: {}", tensor.shape());
        return Err(Error::invalid_argument(text));
    };
    Ok((tensor.as_slice::<i64>()?.chunks_exact(rank.max(1)).collect(), rank))
}

/// The gradients, one for each of `count` rows of indices.
fn gradients<'a>(ctx: &'a Context<'_>, count: usize) -> Result<&'a Tensor> {
    let tensor = ctx.input(0);
    if tensor.rank() != 1 {
        let text =
            format!("Input backprop_val_grad should be a vector but received shape: {}", tensor.shape());
        return Err(Error::invalid_argument(text));
    }
    if tensor.elements() != count {
        return Err(Error::invalid_argument(format!(
            "# elements of backprop_val_grad and # rows of indices should match: {} vs. {count}",
            tensor.elements()
        )));
    }
    Ok(tensor)
}

/// A gradient for each of `places`, zero where there is none.
fn pick(ctx: &Context<'_>, gradients: &Tensor, places: &[Option<usize>]) -> Result<Tensor> {
    let mut out = ctx.run().allocate(gradients.dtype(), [places.len()])?;
    by_width!(gradients.dtype(), U => copy::<U>(gradients, places, &mut out))?;
    Ok(out)
}

fn copy<U: Unit>(gradients: &Tensor, places: &[Option<usize>], out: &mut Tensor) -> Result<()> {
    let gradients = gradients.units::<U>()?;
    for (out, place) in out.units_mut::<U>()?.iter_mut().zip(places) {
        if let Some(place) = *place {
            out.clone_from(&gradients[place]);
        }
    }
    Ok(())
}

fn build_add(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [a, b, sum] =
            [(1, "a_indices"), (2, "b_indices"), (3, "sum_indices")].map(|(i, name)| matrix(ctx, i, name));
        let (a, b, sum) = (a?, b?, sum?);
        if a.1 != b.1 || b.1 != sum.1 {
            let text =
                format!("The densified operands should have the same ndims: {}, {}, {}", a.1, b.1, sum.1);
            return Err(Error::invalid_argument(text));
        }
        let gradients = gradients(ctx, sum.0.len())?;
        // All are in order. An index that the sum left out has no gradient.
        let [a, b] = [a.0, b.0].map(|indices| {
            let mut places = vec![None; indices.len()];
            let mut at = 0;
            for (place, index) in sum.0.iter().enumerate() {
                at += indices[at..].iter().take_while(|&&own| own < *index).count();
                if indices.get(at) == Some(index) {
                    places[at] = Some(place);
                    at += 1;
                }
            }
            places
        });
        let (a, b) = (pick(ctx, gradients, &a)?, pick(ctx, gradients, &b)?);
        ctx.set(0, a);
        ctx.set(1, b);
        Ok(())
    }))
}

fn build_slice(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let ((input, rank), (output, output_rank)) =
            (matrix(ctx, 1, "input_indices")?, matrix(ctx, 3, "output_indices")?);
        let start = ctx.input(2);
        if start.rank() != 1 || start.elements() != rank || output_rank != rank {
            let text = format!("Expected input_start to be a vector of length {rank}, got {}", start.shape());
            return Err(Error::invalid_argument(text));
        }
        let start = start.as_slice::<i64>()?;
        let gradients = gradients(ctx, output.len())?;
        let mut places = vec![None; input.len()];
        let mut at = 0;
        for (place, index) in places.iter_mut().zip(&input) {
            let moved = index.iter().zip(start).map(|(index, start)| index.wrapping_sub(*start));
            if output.get(at).is_some_and(|wanted| moved.eq(wanted.iter().copied())) {
                *place = Some(at);
                at += 1;
            }
        }
        if at != output.len() {
            return Err(Error::internal(format!(
                "Elements of backprop_val_grad aren't all propagated. Num elements:{}, used: {at}",
                output.len()
            )));
        }
        let out = pick(ctx, gradients, &places)?;
        ctx.set(0, out);
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
                (
                    "SparseAddGrad",
                    "",
                    "float[3] 1 2 3; int64[2,1] 0 5; int64[2,1] 3 5; int64[3,1] 0 3 5",
                    "float[2] 1 3; float[2] 2 3",
                ),
                (
                    "SparseAddGrad",
                    "",
                    "float[2] 1 2; int64[2,1] 0 5; int64[2,1] 3 5; int64[3,1] 0 3 5",
                    "INVALID_ARGUMENT: # elements of backprop_val_grad and # rows of indices should match: 2 vs. 3",
                ),
                (
                    "SparseSliceGrad",
                    "",
                    "int32[1] 7; int64[3,2] 0 1 1 2 2 0; int64[2] 1 1; int64[1,2] 0 1",
                    "int32[3] 0 7 0",
                ),
                (
                    "SparseSliceGrad",
                    "",
                    "int32[1] 7; int64[3,2] 0 1 1 2 2 0; int64[2] 1 1; int64[1,2] 1 1",
                    "INTERNAL: Elements of backprop_val_grad aren't all propagated. Num elements:1, used: 0",
                ),
            ],
        );
    }
}
