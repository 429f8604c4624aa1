//! See [`OP`].

use savedmodel_op::dtypes::POD_AND_POINTERS;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, by_unit};

use crate::gather::{Picks, position};

/// Deals slices out to a fixed number of outputs, by a number for each.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DynamicPartition>
pub const OP: Op = Op {
    name: "DynamicPartition",
    inputs: &["data: T", "partitions: int32"],
    outputs: &["outputs: num_partitions * T"],
    attrs: &["num_partitions: int >= 1", "T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POD_AND_POINTERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (data, partitions) = (ctx.input(0), ctx.input(1));
    let shape = match (data.dims(), partitions.rank()) {
        (Some(dims), Some(rank)) if rank <= dims.len() => {
            PartialShape::new([None].into_iter().chain(dims[rank..].iter().copied()))
        }
        _ => PartialShape::unknown(),
    };
    Ok(vec![shape; ctx.outputs])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (data, partitions) = (ctx.input(0), ctx.input(1));
        if !data.shape().starts_with(partitions.shape()) {
            return Err(Error::invalid_argument(format!(
                "data.shape must start with partitions.shape, got data.shape = {}, partitions.shape = {}",
                data.shape(),
                partitions.shape()
            )));
        }
        let count = ctx.output_len();
        let mut parts = vec![Vec::new(); count];
        for (i, &part) in partitions.as_slice::<i32>()?.iter().enumerate() {
            match usize::try_from(part).ok().and_then(|part| parts.get_mut(part)) {
                Some(numbers) => numbers.push(i),
                None => {
                    let place = position(partitions.shape(), i);
                    let text = format!("partitions{place} = {part} is not in [0, {count})");
                    return Err(Error::invalid_argument(text));
                }
            }
        }
        let (dtype, dim) = (data.dtype(), partitions.elements());
        let slice = Shape::from(&data.shape()[partitions.rank()..]);
        let row = slice.elements();
        for (i, numbers) in parts.into_iter().enumerate() {
            let mut shape = slice.clone();
            shape.insert(0, numbers.len());
            let mut output = ctx.allocate(dtype, shape)?;
            let picks = Picks { outer: 1, dim, count: numbers.len(), row };
            by_unit!(dtype, U => picks.copy::<U>(output.units_mut()?, ctx.input(0).units()?, &numbers));
            ctx.set(i, output);
        }
        Ok(())
    }))
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
                    "DynamicPartition",
                    "num_partitions=2",
                    "float[4] 1 2 3 4; int32[4] 0 1 1 0",
                    "float[2] 1 4; float[2] 2 3",
                ),
                (
                    "DynamicPartition",
                    "num_partitions=2",
                    "string[2,2] 'a' 'b' 'c' 'd'; int32[2] 1 1",
                    "string[0,2]; string[2,2] 'a' 'b' 'c' 'd'",
                ),
                (
                    "DynamicPartition",
                    "num_partitions=3",
                    "int8[2,2] 1 2 3 4; int32[2,2] 1 1 0 1",
                    "int8[1] 3; int8[3] 1 2 4; int8[0]",
                ),
                (
                    "DynamicPartition",
                    "num_partitions=2",
                    "float[2] 1 2; int32[] 1",
                    "float[0,2]; float[1,2] 1 2",
                ),
                ("DynamicPartition", "num_partitions=1", "float[0,3]; int32[0]", "float[0,3]"),
                (
                    "DynamicPartition",
                    "num_partitions=2",
                    "float[2,0]; int32[2] 1 0",
                    "float[1,0]; float[1,0]",
                ),
                (
                    "DynamicPartition",
                    "num_partitions=2",
                    "float[2,2] 1 2 3 4; int32[2] 1 2",
                    "INVALID_ARGUMENT: partitions[1] = 2 is not in [0, 2)",
                ),
                (
                    "DynamicPartition",
                    "num_partitions=2",
                    "float[2,2] 1 2 3 4; int32[2] 1 -1",
                    "INVALID_ARGUMENT: partitions[1] = -1 is not in [0, 2)",
                ),
                (
                    "DynamicPartition",
                    "num_partitions=2",
                    "float[2,2] 1 2 3 4; int32[3] 1 0 0",
                    "INVALID_ARGUMENT: data.shape must start with partitions.shape, got data.shape = [2,2], partitions.shape = [3]",
                ),
            ],
        );
    }
}
