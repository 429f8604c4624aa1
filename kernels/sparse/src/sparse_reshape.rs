//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use crate::coo::{list, matrix, to_shape, vector};

/// Gives the indices that the values of a sparse tensor have in another dense shape of as many elements.
///
/// One size of the new shape may be -1. Indices are not held against the shape.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseReshape>
pub const OP: Op = Op {
    name: "SparseReshape",
    inputs: &["input_indices: int64", "input_shape: int64", "new_shape: int64"],
    outputs: &["output_indices: int64", "output_shape: int64"],
    attrs: &[],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rank = ctx.input(2).dim(0);
    Ok(vec![PartialShape::new([ctx.input(0).dim(0), rank]), PartialShape::new([rank])])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let refuse = |what: String| Err(Error::invalid_argument(what));
        let (indices, from, to) = (ctx.input(0), ctx.input(1), ctx.input(2));
        let &[count, rank] = &indices.shape()[..] else {
            return refuse("Input must be a matrix.".to_owned());
        };
        if from.rank() != 1 {
            return refuse("Input shape must be a vector.".to_owned());
        }
        if to.rank() != 1 {
            return refuse(format!("Target shape should be a vector but received shape {}", to.shape()));
        }
        if rank != from.elements() {
            return refuse("Input tensor rank must match input shape length.".to_owned());
        }
        let from = to_shape(from.as_slice()?)?;
        let to = target(&from, to.as_slice()?)?;
        if count > 0 && from != to && (from.elements() == 0 || to.elements() == 0) {
            return refuse(format!(
                "Input tensor has {count} non zero elements but input shape ({from}) or output shape ({to}) is empty"
            ));
        }
        let output = match from == to {
            true => ctx.take(0),
            false => matrix(count, to.rank(), convert(indices.as_slice()?, &from, &to))?,
        };
        ctx.set(0, output);
        ctx.set(1, vector(to.to_i64())?);
        Ok(())
    }))
}

/// The new shape, with the size that is left to tell.
fn target(from: &Shape, sizes: &[i64]) -> Result<Shape> {
    let elements = from.checked_elements()?;
    let mut free = None;
    let mut known = Vec::with_capacity(sizes.len());
    for (i, &size) in sizes.iter().enumerate() {
        match size {
            -1 if free.is_some() => {
                return Err(Error::invalid_argument(format!(
                    "only one output dimension may be -1, not both {} and {i}",
                    free.unwrap_or(i)
                )));
            }
            -1 => {
                free = Some(i);
                known.push(1);
            }
            ..0 => {
                return Err(Error::invalid_argument(format!("size {i} must be non-negative, not {size}")));
            }
            size => known.push(size),
        }
    }
    let product = to_shape(&known)?.checked_elements()?;
    if let Some(free) = free {
        if product == 0 {
            return Err(Error::invalid_argument(
                "reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are \
                 non-zero",
            ));
        }
        known[free] = (elements / product) as i64;
        if !elements.is_multiple_of(product) {
            return Err(Error::invalid_argument(format!(
                "Input to reshape is a SparseTensor with {elements} dense values, but the requested shape requires a \
                 multiple of {product}. input_shape={from} output_shape={}",
                list(&known)
            )));
        }
    } else if product != elements {
        return Err(Error::invalid_argument(format!(
            "Input to reshape is a tensor with {elements} dense values, but the requested shape has {product}. \
             input_shape={from} output_shape={}",
            list(&known)
        )));
    }
    to_shape(&known)
}

/// The indices in the new shape.
fn convert(indices: &[i64], from: &Shape, to: &Shape) -> Vec<i64> {
    if from.rank() == 0 || to.rank() == 0 || from.elements() == 0 {
        return vec![0; if from.rank() == 0 { 0 } else { indices.len() / from.rank() * to.rank() }];
    }
    let (inputs, outputs) = (strides(from), strides(to));
    let mut converted = Vec::with_capacity(indices.len() / from.rank() * to.rank());
    for index in indices.chunks_exact(from.rank()) {
        let products = index.iter().zip(&inputs).map(|(&i, &stride)| i.wrapping_mul(stride));
        let mut place = products.fold(0, i64::wrapping_add);
        converted.extend(outputs.iter().map(|&stride| {
            let digit = place.wrapping_div(stride);
            place = place.wrapping_sub(digit.wrapping_mul(stride));
            digit
        }));
    }
    converted
}

/// How far apart elements lie along each dimension.
fn strides(shape: &Shape) -> Vec<i64> {
    let mut strides = vec![1; shape.rank()];
    for axis in (1..shape.rank()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as i64;
    }
    strides
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseReshape";
        let three =
            |new: &str| -> &'static str { format!("int64[3,2] 0 1 0 3 2 0; int64[2] 3 4; {new}").leak() };
        check_rows(
            OPS,
            &[
                (op, "", three("int64[2] 4 3"), "int64[3,2] 0 1 1 0 2 2; int64[2] 4 3"),
                (op, "", three("int64[2] -1 2"), "int64[3,2] 0 1 1 1 4 0; int64[2] 6 2"),
                (op, "", three("int64[1] 12"), "int64[3,1] 1 3 8; int64[1] 12"),
                (op, "", three("int64[2] 3 4"), "int64[3,2] 0 1 0 3 2 0; int64[2] 3 4"),
                (op, "", "int64[1,2] 5 5; int64[2] 3 4; int64[2] 4 3", "int64[1,2] 8 1; int64[2] 4 3"),
                (op, "", "int64[1,2] -1 0; int64[2] 3 4; int64[2] 4 3", "int64[1,2] -1 -1; int64[2] 4 3"),
                (op, "", "int64[0,2]; int64[2] 0 4; int64[2] 5 -1", "int64[0,2]; int64[2] 5 0"),
                (op, "", "int64[1,2] 0 0; int64[2] 1 1; int64[0]", "int64[1,0]; int64[0]"),
                (
                    op,
                    "",
                    three("int64[2] -1 -1"),
                    "INVALID_ARGUMENT: only one output dimension may be -1, not both 0 and 1",
                ),
                (op, "", three("int64[2] -2 6"), "INVALID_ARGUMENT: size 0 must be non-negative, not -2"),
                (
                    op,
                    "",
                    three("int64[2] -1 5"),
                    "INVALID_ARGUMENT: Input to reshape is a SparseTensor with 12 dense values",
                ),
                (
                    op,
                    "",
                    three("int64[2] 5 3"),
                    "INVALID_ARGUMENT: Input to reshape is a tensor with 12 dense values",
                ),
                (op, "", three("int64[2] 4294967296 4294967296"), "INVALID_ARGUMENT"),
                (
                    op,
                    "",
                    "int64[1,1] 0; int64[2] 3 4; int64[1] 12",
                    "INVALID_ARGUMENT: Input tensor rank must match",
                ),
            ],
        );
    }
}
