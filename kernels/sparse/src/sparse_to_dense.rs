//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::coo::Coo;
use crate::shapes;

/// Writes values to places of a tensor that is filled with a default.
///
/// Indices are a matrix, or a vector of places in a vector, or a single place; there is a value for each, or one for
/// all. Unless `validate_indices` is false they must increase; else the last value for a place stays.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseToDense>
pub const OP: Op = Op {
    name: "SparseToDense",
    inputs: &["sparse_indices: Tindices", "output_shape: Tindices", "sparse_values: T", "default_value: T"],
    outputs: &["dense: T"],
    attrs: &["validate_indices: bool = true", "T: type", "Tindices: {int32, int64}"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", DTYPES), ("Tindices", INDICES)], build),
};

const DTYPES: &[DType] = &[
    DType::Float,
    DType::Double,
    DType::Half,
    DType::Bfloat16,
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Int64,
    DType::Uint8,
    DType::Uint16,
    DType::Uint32,
    DType::Uint64,
    DType::Bool,
    DType::Complex64,
    DType::Complex128,
    DType::String,
    DType::Qint8,
    DType::Quint8,
    DType::Qint16,
    DType::Quint16,
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![shapes::value(ctx, 1)])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let validate: bool = node.attr("validate_indices")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = check(ctx)?;
        let values = ctx.input(2);
        let indices = ctx.input(0).to_i64s()?;
        let places = places(&indices, &shape, values, validate)?;
        let mut output = ctx.allocate(values.dtype(), &shape)?;
        by_unit!(values.dtype(), U => write::<U>(&mut output, values, ctx.input(3), &places))?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The shape of the output, if all inputs fit together.
fn check(ctx: &Context<'_>) -> Result<Shape> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let (indices, sizes, values) = (ctx.input(0), ctx.input(1), ctx.input(2));
    let (count, rank) = match indices.shape()[..] {
        [] => (1, 1),
        [count] => (count, 1),
        [count, rank] => (count, rank),
        _ => {
            return refuse(format!(
                "sparse_indices should be a scalar, vector, or matrix, got shape {}",
                indices.shape()
            ));
        }
    };
    if sizes.rank() != 1 {
        return refuse(format!("output_shape must be rank 1, got shape {}", sizes.shape()));
    }
    if sizes.elements() != rank {
        return refuse(format!(
            "output_shape has incorrect number of elements: {} should be: {rank}",
            sizes.elements()
        ));
    }
    if values.rank() != 0 && values.shape()[..] != [count] {
        return refuse(format!(
            "sparse_values has incorrect shape {}, should be [] or [{count}]",
            values.shape()
        ));
    }
    if ctx.input(3).rank() != 0 {
        return refuse("default_value should be a scalar.".to_owned());
    }
    let sizes = sizes.to_i64s()?;
    match sizes.iter().find(|&&size| size < 0) {
        Some(size) => refuse(format!("Dimension {size} must be >= 0")),
        None => Shape::from_i64(&sizes),
    }
}

/// The place of each index in the output.
fn places(indices: &[i64], shape: &Shape, values: &Tensor, validate: bool) -> Result<Vec<usize>> {
    let (rank, sizes) = (shape.rank(), shape.to_i64());
    let count = indices.len().checked_div(rank).unwrap_or(values.elements());
    if validate && rank > 0 {
        let any = Tensor::zeros(DType::Bool, [count])?;
        Coo { indices, values: &any, sizes: &sizes }.check()?;
    }
    let place = |i: usize| {
        let index = &indices[i * rank..(i + 1) * rank];
        index.iter().zip(&sizes).try_fold(0_i64, |place, (&index, &size)| {
            (0..size).contains(&index).then(|| place * size + index)
        })
    };
    let found: Option<Vec<usize>> = (0..count).map(|i| place(i).map(|place| place as usize)).collect();
    found.ok_or_else(|| {
        Error::invalid_argument(format!("Indices are not valid (out of bounds).  Shape: {shape}"))
    })
}

fn write<U: Unit>(output: &mut Tensor, values: &Tensor, default: &Tensor, places: &[usize]) -> Result<()> {
    let (values, default) = (values.units::<U>()?, default.units::<U>()?);
    let output = output.units_mut::<U>()?;
    output.fill(default[0].clone());
    let one = values.len() == 1;
    for (i, &place) in places.iter().enumerate() {
        output[place].clone_from(&values[if one { 0 } else { i }]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseToDense";
        let loose = "validate_indices=false";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int64[3,2] 0 1 0 3 2 0; int64[2] 3 4; float[3] 1 2 3; float[] 0",
                    "float[3,4] 0 1 0 2 0 0 0 0 3 0 0 0",
                ),
                (op, "", "int32[2] 1 3; int32[1] 5; int8[] 7; int8[] 9", "int8[5] 9 7 9 7 9"),
                (op, "", "int32[] 1; int32[1] 3; string[1] 'a'; string[] 'z'", "string[3] 'z' 'a' 'z'"),
                (op, loose, "int64[2,1] 0 0; int64[1] 2; float[2] 1 2; float[] 0", "float[2] 2 0"),
                (op, "", "int64[0,2]; int64[2] 1 2; float[0]; float[] 3", "float[1,2] 3 3"),
                (op, "", "int64[1,0]; int64[0]; float[1] 7; float[] 3", "float[] 7"),
                (
                    op,
                    "",
                    "int64[2,2] 2 2 2 0; int64[2] 3 4; float[2] 1 2; float[] 0",
                    "INVALID_ARGUMENT: indices[1] = [2,0] is out of order. Many sparse ops require sorted indices.",
                ),
                (
                    op,
                    "",
                    "int64[2,1] 0 0; int64[1] 3; float[2] 1 2; float[] 0",
                    "INVALID_ARGUMENT: indices[1] = [0] is repeated",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 -1; int64[2] 3 4; float[1] 1; float[] 0",
                    "INVALID_ARGUMENT: indices[0] = [0,-1] is out of bounds: need 0 <= index < [3,4]",
                ),
                (
                    op,
                    loose,
                    "int64[1,2] 3 0; int64[2] 3 4; float[1] 1; float[] 0",
                    "INVALID_ARGUMENT: Indices are not valid (out of bounds).  Shape: [3,4]",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 1; int64[1] 3; float[1] 1; float[] 0",
                    "INVALID_ARGUMENT: output_shape has incorrect number of elements: 1 should be: 2",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 1; int64[2] 3 4; float[3] 1 2 3; float[] 0",
                    "INVALID_ARGUMENT: sparse_values has incorrect shape [3], should be [] or [1]",
                ),
            ],
        );
    }
}
