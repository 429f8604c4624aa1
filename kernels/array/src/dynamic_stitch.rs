//! Slices put in the order of their indices.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

const DTYPES: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Variant, Qint8, Quint8, Qint32,
];

const fn stitch(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["indices: N * int32", "data: N * T"],
        outputs: &["merged: T"],
        attrs: &["N: int >= 1", "T: type"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", DTYPES)], build),
    }
}

/// Puts the slices of several tensors where their indices say.
///
/// Of several slices for one place the last stays; a place without one is zero. `ParallelDynamicStitch` leaves both
/// cases open and is the same here.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DynamicStitch>.
pub const OPS: &[Op] = &[stitch("DynamicStitch"), stitch("ParallelDynamicStitch")];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let count = ctx.inputs.len() / 2;
    let mut slice = PartialShape::unknown();
    for i in 0..count {
        let (indices, data) = (ctx.input(i), ctx.input(count + i));
        let (Some(rank), Some(dims)) = (indices.rank(), data.dims()) else { continue };
        let Some(rest) = dims.get(rank..) else { continue };
        slice = slice.merge(&PartialShape::new(rest.iter().copied())).unwrap_or_default();
    }
    let numbers = (0..count).map(|i| ctx.integers(i)).collect::<Option<Vec<_>>>();
    let rows = numbers.map(|all| all.concat().into_iter().max().map_or(0, |last| (last + 1).max(0) as usize));
    Ok(vec![match slice.dims() {
        Some(dims) => PartialShape::new([rows].into_iter().chain(dims.iter().copied())),
        None => PartialShape::unknown(),
    }])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let count = ctx.input_len() / 2;
        let shape = merged(ctx, count)?;
        let mut output = ctx.run().allocate(ctx.input(count).dtype(), shape)?;
        by_unit!(output.dtype(), U => put::<U>(ctx, &mut output, count))?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The output's shape.
fn merged(ctx: &Context<'_>, count: usize) -> Result<Shape> {
    let mut last = -1;
    let slice = |i: usize| ctx.input(count + i).shape().get(ctx.input(i).rank()..).unwrap_or_default();
    for i in 0..count {
        let (indices, data) = (ctx.input(i), ctx.input(count + i));
        let numbers = indices.as_slice::<i32>()?;
        last = numbers.iter().copied().fold(last, i32::max);
        if !data.shape().starts_with(indices.shape()) {
            return Err(Error::invalid_argument(format!(
                "data[{i}].shape = {} does not start with indices[{i}].shape = {}",
                data.shape(),
                indices.shape()
            )));
        }
        if slice(i) != slice(0) {
            let shape = |j: usize| ctx.input(j).shape();
            return Err(Error::invalid_argument(format!(
                "Need data[0].shape[{}:] = data[{i}].shape[{}:], got data[0].shape = {}, data[{i}].shape = {}, \
                 indices[0].shape = {}, indices[{i}].shape = {}",
                ctx.input(0).rank(),
                indices.rank(),
                shape(count),
                shape(count + i),
                shape(0),
                shape(i)
            )));
        }
    }
    let rows = usize::try_from(i64::from(last) + 1).unwrap_or(0);
    Ok([rows].into_iter().chain(slice(0).iter().copied()).collect())
}

fn put<U: Unit>(ctx: &Context<'_>, output: &mut Tensor, count: usize) -> Result<()> {
    let row: usize = output.shape()[1..].iter().product();
    let out = output.units_mut::<U>()?;
    for i in 0..count {
        let (indices, data) = (ctx.input(i), ctx.input(count + i).units::<U>()?);
        for (j, &number) in indices.as_slice::<i32>()?.iter().enumerate() {
            let place = usize::try_from(number)
                .map_err(|_| Error::invalid_argument(format!("indices[{j}] is out of range")))?;
            out[place * row..][..row].clone_from_slice(&data[j * row..][..row]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                (
                    "DynamicStitch",
                    "N=2",
                    "int32[] 1; int32[2] 0 2; float[] 5; float[2] 6 7",
                    "float[3] 6 5 7",
                ),
                (
                    "DynamicStitch",
                    "N=2",
                    "int32[1] 1; int32[2] 0 1; float[1,2] 5 6; float[2,2] 7 8 9 10",
                    "float[2,2] 7 8 9 10",
                ),
                (
                    "DynamicStitch",
                    "N=2",
                    "int32[1] 1; int32[2] 0 4; float[1] 5; float[2] 7 8",
                    "float[5] 7 5 0 0 8",
                ),
                ("DynamicStitch", "N=1", "int32[2,1] 1 0; int16[2,1,2] 5 6 7 8", "int16[2,2] 7 8 5 6"),
                ("DynamicStitch", "N=1", "int32[0]; float[0,2]", "float[0,2]"),
                ("DynamicStitch", "N=1", "int32[1] 2; string[1] 'a'", "string[3] '' '' 'a'"),
                (
                    "ParallelDynamicStitch",
                    "N=2",
                    "int32[] 1; int32[2] 0 2; qint8[] 5; qint8[2] 6 7",
                    "qint8[3] 6 5 7",
                ),
                (
                    "DynamicStitch",
                    "N=1",
                    "int32[1] -1; float[1] 5",
                    "INVALID_ARGUMENT: indices[0] is out of range",
                ),
                (
                    "DynamicStitch",
                    "N=1",
                    "int32[2] 0 1; float[1] 5",
                    "INVALID_ARGUMENT: data[0].shape = [1] does not start with indices[0].shape = [2]",
                ),
                (
                    "DynamicStitch",
                    "N=2",
                    "int32[1] 0; int32[1] 1; float[1,2] 5 6; float[1,1] 5",
                    "INVALID_ARGUMENT: Need data[0].shape[1:] = data[1].shape[1:], got data[0].shape = [1,2], data[1].shape = [1,1], indices[0].shape = [1], indices[1].shape = [1]",
                ),
            ],
        );
    }
}
