//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::layout::{Axis, Layout, strides};
use crate::{index, strided};

/// Repeats a tensor along each of its dimensions.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Tile>
pub const OP: Op = Op {
    name: "Tile",
    inputs: &["input: T", "multiples: Tmultiples"],
    outputs: &["output: T"],
    attrs: &["T: type", "Tmultiples: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tmultiples", INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let rank = input.rank().or(ctx.input(1).dim(0)).filter(|&rank| rank <= Shape::MAX_RANK);
    let Some(rank) = rank else { return Ok(vec![PartialShape::unknown()]) };
    let multiples = ctx.integers(1).filter(|multiples| multiples.len() == rank);
    let dim = |i: usize| {
        let times = usize::try_from(multiples.as_ref()?[i]).ok();
        input.dim(i).zip(times).and_then(|(dim, times)| dim.checked_mul(times))
    };
    Ok(vec![PartialShape::new((0..rank).map(dim))])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0).shape();
        let multiples = multiples(ctx.input(1), input.rank())?;
        let product =
            |(&dim, &times): (&usize, &usize)| i64::try_from(dim.saturating_mul(times)).unwrap_or(i64::MAX);
        let dims: Vec<i64> = input.iter().zip(&multiples).map(product).collect();
        let shape = index::shape(&dims)?;
        let output = if shape == *input {
            ctx.take(0)
        } else if ctx.input(0).dtype() == DType::Uint16 && shape.elements() > 0 {
            // The one type that TensorFlow's kernel has left out.
            return Err(Error::unimplemented(
                "TileOp : The input data type is not supported, DataType : uint16",
            ));
        } else {
            by_unit!(ctx.input(0).dtype(), U => tile::<U>(ctx, shape, &multiples))?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn multiples(t: &Tensor, rank: usize) -> Result<Vec<usize>> {
    if t.rank() != 1 {
        return Err(Error::invalid_argument(format!(
            "Expected multiples to be 1-D, but got shape {}",
            t.shape()
        )));
    }
    if t.elements() != rank {
        return Err(Error::invalid_argument(format!(
            "Expected multiples argument to be a vector of length {rank} but got length {}",
            t.elements()
        )));
    }
    let multiple = |(i, times): (usize, i64)| {
        usize::try_from(times)
            .map_err(|_| Error::invalid_argument(format!("Expected multiples[{i}] >= 0, but got {times}")))
    };
    t.to_i64s()?.into_iter().enumerate().map(multiple).collect()
}

fn tile<U: Unit>(ctx: &Context<'_>, shape: Shape, multiples: &[usize]) -> Result<Tensor> {
    let input = ctx.input(0);
    let mut output = ctx.allocate(input.dtype(), shape)?;
    if output.elements() == 0 {
        return Ok(output);
    }
    let own = strides(input.shape());
    let axes = (0..multiples.len()).flat_map(|i| {
        [Axis { len: multiples[i], stride: 0 }, Axis { len: input.shape()[i], stride: own[i] }]
    });
    strided::gather(output.units_mut::<U>()?, input.units()?, &Layout::new(0, axes));
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Tile", "", "float[2] 1 2; int32[1] 3", "float[6] 1 2 1 2 1 2"),
                (
                    "Tile",
                    "",
                    "float[2,2] 1 2 3 4; int32[2] 2 2",
                    "float[4,4] 1 2 1 2 3 4 3 4 1 2 1 2 3 4 3 4",
                ),
                ("Tile", "", "string[1,2] 'a' 'b'; int64[2] 2 1", "string[2,2] 'a' 'b' 'a' 'b'"),
                (
                    "Tile",
                    "",
                    "int16[2,1,2] 1 2 3 4; int32[3] 1 2 2",
                    "int16[2,2,4] 1 2 1 2 1 2 1 2 3 4 3 4 3 4 3 4",
                ),
                ("Tile", "", "float[2] 1 2; int32[1] 0", "float[0]"),
                ("Tile", "", "float[] 1; int32[0]", "float[] 1"),
                ("Tile", "", "bool[0,2]; int32[2] 2 2", "bool[0,4]"),
                (
                    "Tile",
                    "",
                    "float[2] 1 2; int32[1] -1",
                    "INVALID_ARGUMENT: Expected multiples[0] >= 0, but got -1",
                ),
                (
                    "Tile",
                    "",
                    "float[2] 1 2; int32[2] 1 1",
                    "INVALID_ARGUMENT: Expected multiples argument to be a vector of length 1 but got length 2",
                ),
                (
                    "Tile",
                    "",
                    "float[2] 1 2; int32[] 1",
                    "INVALID_ARGUMENT: Expected multiples to be 1-D, but got shape []",
                ),
            ],
        );
    }
}
