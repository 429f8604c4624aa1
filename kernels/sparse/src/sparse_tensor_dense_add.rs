//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Complex32, Complex64, DType, Error, Result, Tensor, bf16, f16};

use crate::number::Number;

/// Adds a sparse tensor to a dense one of the same shape; values at the same place add up.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseTensorDenseAdd>
pub const OP: Op = Op {
    name: "SparseTensorDenseAdd",
    inputs: &["a_indices: Tindices", "a_values: T", "a_shape: Tindices", "b: T"],
    outputs: &["output: T"],
    attrs: &["T: numbertype", "Tindices: {int32, int64}"],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| Ok(vec![ctx.input(3)]),
    kernels: Kernels::All(&[("T", savedmodel_op::dtypes::NUMBERS), ("Tindices", INDICES)], build),
};

type Add = fn(&mut Tensor, &Tensor, &[usize]) -> Result<()>;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("T")?;
    let add: Add = match dtype {
        DType::Float => add::<f32>,
        DType::Double => add::<f64>,
        DType::Half => add::<f16>,
        DType::Bfloat16 => add::<bf16>,
        DType::Int8 => add::<i8>,
        DType::Int16 => add::<i16>,
        DType::Int32 => add::<i32>,
        DType::Int64 => add::<i64>,
        DType::Uint8 => add::<u8>,
        DType::Uint16 => add::<u16>,
        DType::Uint32 => add::<u32>,
        DType::Uint64 => add::<u64>,
        DType::Complex64 => add::<Complex32>,
        DType::Complex128 => add::<Complex64>,
        _ => return Err(node.no_kernel("T")),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let places = places(ctx)?;
        let mut output = ctx.take(3);
        add(&mut output, ctx.input(1), &places)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The place of each value in the dense tensor.
fn places(ctx: &Context<'_>) -> Result<Vec<usize>> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let (indices, values, sizes, dense) = (ctx.input(0), ctx.input(1), ctx.input(2), ctx.input(3));
    let &[count, rank] = &indices.shape()[..] else {
        return refuse(format!("Input a_indices should be a matrix but received shape: {}", indices.shape()));
    };
    if values.rank() != 1 || sizes.rank() != 1 {
        return refuse(format!(
            "Inputs a_values and a_shape should be vectors but received shapes: {} and {}",
            values.shape(),
            sizes.shape()
        ));
    }
    for (a, b) in [(count, values.elements()), (rank, sizes.elements())] {
        if a != b {
            return refuse(format!("Dimensions {a} and {b} are not compatible"));
        }
    }
    if rank != dense.rank() {
        return refuse(format!("Two operands have different ranks; received: {rank} and {}", dense.rank()));
    }
    if !(1..=5).contains(&rank) {
        return refuse(format!(
            "Only tensors with ranks between 1 and 5 are currently supported.  Tensor rank: {rank}"
        ));
    }
    let sizes = sizes.to_i64s()?;
    for (axis, (&a, &b)) in sizes.iter().zip(dense.shape().iter()).enumerate() {
        if a != b as i64 {
            return refuse(format!(
                "Dimension {axis} does not equal (no broadcasting is supported): sparse side {a} vs dense side {b}"
            ));
        }
    }
    let indices = indices.to_i64s()?;
    let mut places = Vec::with_capacity(count);
    for (i, index) in indices.chunks_exact(rank).enumerate() {
        let mut place = 0;
        for (axis, (&index, &size)) in index.iter().zip(&sizes).enumerate() {
            if !(0..size).contains(&index) {
                let shape = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                return refuse(format!(
                    "Sparse tensor has an invalid index on dimension {axis}: a_indices({i},{axis}) = {index}, dense \
                     tensor shape: {shape}"
                ));
            }
            place = place * size + index;
        }
        places.push(place as usize);
    }
    Ok(places)
}

fn add<T: Number>(output: &mut Tensor, values: &Tensor, places: &[usize]) -> Result<()> {
    let output = output.as_mut_slice::<T>()?;
    for (&place, &value) in places.iter().zip(values.as_slice::<T>()?) {
        output[place] = output[place].plus(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseTensorDenseAdd";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int64[3,2] 0 1 0 1 1 0; float[3] 1 2 3; int64[2] 2 2; float[2,2] 1 1 1 1",
                    "float[2,2] 1 4 4 1",
                ),
                (op, "", "int32[1,1] 1; int8[1] 100; int32[1] 2; int8[2] 1 100", "int8[2] 1 -56"),
                (op, "", "int64[0,1]; bfloat16[0]; int64[1] 2; bfloat16[2] 1 2", "bfloat16[2] 1 2"),
                (
                    op,
                    "",
                    "int64[1,2] 0 5; float[1] 1; int64[2] 3 4; float[3,4] 0 0 0 0 0 0 0 0 0 0 0 0",
                    "INVALID_ARGUMENT: Sparse tensor has an invalid index on dimension 1: a_indices(0,1) = 5, dense tensor \
                 shape: 3 4",
                ),
                (
                    op,
                    "",
                    "int64[0,1]; float[0]; int64[1] 4; float[3] 0 0 0",
                    "INVALID_ARGUMENT: Dimension 0 does not equal (no broadcasting is supported): sparse side 4 vs dense \
                 side 3",
                ),
                (
                    op,
                    "",
                    "int64[0,2]; float[0]; int64[2] 4 4; float[3] 0 0 0",
                    "INVALID_ARGUMENT: Two operands have different ranks; received: 2 and 1",
                ),
                (
                    op,
                    "",
                    "int64[0,0]; float[0]; int64[0]; float[] 0",
                    "INVALID_ARGUMENT: Only tensors with ranks between 1 and 5 are currently supported.  Tensor rank: 0",
                ),
            ],
        );
    }
}
