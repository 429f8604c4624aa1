//! `SparseDenseCwiseAdd`, `SparseDenseCwiseMul` and `SparseDenseCwiseDiv`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, bf16, f16};

use crate::coo::to_shape;
use crate::number::Real;

/// The values of a sparse tensor, each combined with the element of a dense tensor at its place.
///
/// The dense tensor broadcasts to the sparse one's shape; places without a value stay without one.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseDenseCwiseAdd>
pub const OPS: &[Op] =
    &[cwise("SparseDenseCwiseAdd"), cwise("SparseDenseCwiseMul"), cwise("SparseDenseCwiseDiv")];

const fn cwise(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["sp_indices: int64", "sp_values: T", "sp_shape: int64", "dense: T"],
        outputs: &["output: T"],
        attrs: &["T: numbertype"],
        effect: Effect::Pure,
        shape: |ctx: &ShapeContext<'_>| Ok(vec![PartialShape::new([crate::shapes::len(ctx, 0)])]),
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    }
}

fn build<T: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let divides = node.op.ends_with("Div");
    let combine: fn(T, T) -> T = match node.op {
        op if op.ends_with("Add") => T::plus,
        op if op.ends_with("Mul") => T::times,
        _ => T::over,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let places = places(ctx)?;
        let dense = ctx.input(3).as_slice::<T>()?;
        if divides && places.iter().any(|&place| dense[place] == T::default()) {
            return Err(Error::invalid_argument(
                "SparseDenseCwiseDiv cannot divide by zero,but input dense tensor contains zero ",
            ));
        }
        let mut output = ctx.allocate(T::DTYPE, [places.len()])?;
        let pairs = ctx.input(1).as_slice::<T>()?.iter().zip(&places);
        for (out, (&value, &place)) in output.as_mut_slice::<T>()?.iter_mut().zip(pairs) {
            *out = combine(value, dense[place]);
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// For each value, the place of the element of the dense tensor that stands at its index.
fn places(ctx: &Context<'_>) -> Result<Vec<usize>> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let (indices, values, sizes, dense) = (ctx.input(0), ctx.input(1), ctx.input(2), ctx.input(3));
    let &[count, rank] = &indices.shape()[..] else {
        return refuse(format!(
            "Input sp_indices should be a matrix but received shape: {}",
            indices.shape()
        ));
    };
    if values.rank() != 1 || sizes.rank() != 1 {
        return refuse(format!(
            "Inputs sp_values and sp_shape should be vectors but received shapes: {} and {}",
            values.shape(),
            sizes.shape()
        ));
    }
    if values.elements() != count {
        return refuse(format!(
            "The first dimension of values and indices should match. ({} vs. {count})",
            values.elements()
        ));
    }
    if sizes.elements() != rank {
        return refuse(format!(
            "Number of dimensions must match second dimension of indices. Got {} dimensions, indices shape: {}",
            sizes.elements(),
            indices.shape()
        ));
    }
    let shape = to_shape(sizes.as_slice()?)?;
    let shrinks = shape.iter().rev().zip(dense.shape().iter().rev()).any(|(to, from)| to < from);
    if shrinks || Shape::broadcast(dense.shape(), &shape).as_ref() != Some(&shape) {
        return refuse(format!(
            "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: {shape} vs. {}",
            dense.shape()
        ));
    }
    let steps = steps(dense.shape(), rank);
    let within =
        |index: &[i64]| index.iter().zip(shape.iter()).all(|(&i, &size)| (0..size as i64).contains(&i));
    let place = |index: &[i64]| index.iter().zip(&steps).map(|(&i, &step)| i as usize * step).sum();
    let indices = indices.as_slice::<i64>()?;
    let found = (0..count).map(|i| &indices[i * rank..(i + 1) * rank]);
    let places: Option<Vec<usize>> = found.map(|index| within(index).then(|| place(index))).collect();
    places.ok_or_else(|| {
        Error::invalid_argument("Provided indices are out-of-bounds w.r.t. dense side with broadcasted shape")
    })
}

/// How far apart the elements of a tensor lie along each of `rank` dimensions that it broadcasts to.
fn steps(shape: &Shape, rank: usize) -> Vec<usize> {
    let mut steps = vec![0; rank];
    let mut step = 1;
    for (to, &dim) in steps.iter_mut().rev().zip(shape.iter().rev()) {
        *to = if dim == 1 { 0 } else { step };
        step *= dim;
    }
    steps
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let three = |dense: &str| -> &'static str {
            format!("int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4; {dense}").leak()
        };
        let full = three("float[3,4] 0 1 2 3 4 5 6 7 8 9 10 11");
        let (add, mul, div) = ("SparseDenseCwiseAdd", "SparseDenseCwiseMul", "SparseDenseCwiseDiv");
        check_rows(
            OPS,
            &[
                (mul, "", full, "float[3] 1 6 24"),
                (add, "", three("float[4] 1 2 3 4"), "float[3] 3 6 4"),
                (mul, "", three("float[3,1] 1 2 3"), "float[3] 1 2 9"),
                (div, "", three("float[] 2"), "float[3] 0.5 1 1.5"),
                (div, "", "int64[1,1] 0; int32[1] -7; int64[1] 2; int32[2] 2 0", "int32[1] -3"),
                (div, "", "int64[1,1] 0; int32[1] -7; int64[1] 1; int32[1] 2", "int32[1] -3"),
                (
                    div,
                    "",
                    "int64[1,1] 1; int32[1] -7; int64[1] 2; int32[2] 2 0",
                    "INVALID_ARGUMENT: SparseDenseCwiseDiv cannot divide by zero",
                ),
                (
                    mul,
                    "",
                    three("float[3] 1 2 3"),
                    "INVALID_ARGUMENT: SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: \
                 [3,4] vs. [3]",
                ),
                (
                    mul,
                    "",
                    "int64[1,1] 1; int8[1] 1; int64[1] 1; int8[] 2",
                    "INVALID_ARGUMENT: Provided indices are out-of-bounds w.r.t. dense side with broadcasted shape",
                ),
            ],
        );
    }
}
