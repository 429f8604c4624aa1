//! Blocks of space put together from the batch.

use savedmodel_math::par;
use savedmodel_op::dtypes::{INDICES, REAL_NUMBERS};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_width};

use crate::blocks::{self, Block, Names};
use crate::{index, strided};

/// Moves batches back into the positions of blocks of space and crops the result.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BatchToSpaceND>.
pub const OPS: &[Op] = &[
    Op {
        name: "BatchToSpaceND",
        inputs: &["input: T", "block_shape: Tblock_shape", "crops: Tcrops"],
        outputs: &["output: T"],
        attrs: &["T: type", "Tblock_shape: {int32, int64} = DT_INT32", "Tcrops: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape: shape_nd,
        kernels: Kernels::All(
            &[("T", REAL_NUMBERS), ("Tblock_shape", INDICES), ("Tcrops", INDICES)],
            build_nd,
        ),
    },
    Op {
        name: "BatchToSpace",
        inputs: &["input: T", "crops: Tidx"],
        outputs: &["output: T"],
        attrs: &["T: type", "block_size: int >= 2", "Tidx: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape: shape_2d,
        kernels: Kernels::All(&[("T", REAL_NUMBERS), ("Tidx", INDICES)], build_2d),
    },
];

const NAMES: Names = Names { margins: "crops", capital: "Crops" };

fn shape_nd(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    Ok(vec![match (input.known(), ctx.value(1), ctx.value(2)) {
        (Some(input), Some(sizes), Some(crops)) => (&spread(&input, &blocks::sizes(sizes)?, crops)?.0).into(),
        _ => input.rank().map_or_else(PartialShape::unknown, PartialShape::of_rank),
    }])
}

fn shape_2d(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let size = ctx.attr("block_size").unwrap_or(0);
    Ok(vec![match (ctx.input(0).known(), ctx.value(1)) {
        (Some(input), Some(crops)) => (&spread(&input, &[size, size], crops)?.0).into(),
        _ => PartialShape::of_rank(4),
    }])
}

fn build_nd(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let sizes = blocks::sizes(ctx.input(1))?;
        compute(ctx, &sizes, 2)
    }))
}

fn build_2d(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let size: i64 = node.attr("block_size")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rank = ctx.input(0).rank();
        if rank != 4 {
            return Err(Error::invalid_argument(format!("Input rank should be: 4 instead of: {rank}")));
        }
        compute(ctx, &[size, size], 1)
    }))
}

fn compute(ctx: &mut Context<'_>, sizes: &[i64], crops: usize) -> Result<()> {
    let input = ctx.input(0);
    let (shape, blocks) = spread(input.shape(), sizes, ctx.input(crops))?;
    let output = if blocks.is_empty() {
        ctx.take(0)
    } else {
        by_width!(input.dtype(), U => rearrange::<U>(ctx, shape, &blocks))?
    };
    ctx.set(0, output);
    Ok(())
}

/// The output's shape, and the blocks.
fn spread(input: &Shape, sizes: &[i64], crops: &Tensor) -> Result<(Shape, Vec<Block>)> {
    if let Some(&bad) = sizes.iter().find(|&&size| size <= 0) {
        let product = if bad == 0 { 0 } else { sizes.iter().fold(1_i64, |a, &b| a.saturating_mul(b)) };
        return Err(Error::invalid_argument(format!(
            "Product of block sizes must be positive, got {product}"
        )));
    }
    let blocks = blocks::blocks(input, sizes, crops, &NAMES)?;
    let area = blocks::area(&blocks)?;
    if !input[0].is_multiple_of(area) {
        return Err(Error::invalid_argument(format!(
            "Input batch dimension ({}) is not divisible by product of block sizes ({area})",
            input[0]
        )));
    }
    let mut dims = input.to_i64();
    dims[0] /= area as i64;
    for (i, (dim, block)) in dims[1..].iter_mut().zip(&blocks).enumerate() {
        let whole = dim.saturating_mul(block.size as i64);
        *dim = whole.saturating_sub(block.before as i64).saturating_sub(block.after as i64);
        if *dim < 0 {
            return Err(Error::invalid_argument(format!("cropped_shape[{i}]={dim} must be non-negative")));
        }
    }
    Ok((index::shape(&dims)?, blocks))
}

/// Fills the output line by line along the last blocked dimension.
fn rearrange<U: Unit>(ctx: &Context<'_>, shape: Shape, blocks: &[Block]) -> Result<Tensor> {
    let input = ctx.input(0);
    let (from, to) = (input.shape().clone(), shape.clone());
    let mut output = ctx.allocate(input.dtype(), shape)?;
    let (out, src) = (output.units_mut::<U>()?, input.units::<U>()?);
    let last = blocks.len();
    let depth: usize = from[last + 1..].iter().product();
    let line = to[last] * depth;
    // Lines of neighbouring positions in the last block lie one output batch apart.
    let batch_step = to[0] * from[1..last].iter().product::<usize>();
    par::for_rows_mut(out, line, (strided::grain::<U>() / line.max(1)).max(1), |first, lines| {
        for (i, out) in lines.chunks_exact_mut(line).enumerate() {
            let base = source(&from, &to, blocks, first + i);
            for (col, out) in out.chunks_exact_mut(depth).enumerate() {
                let place = col + blocks[last - 1].before;
                let (at, within) = (place / blocks[last - 1].size, place % blocks[last - 1].size);
                let line = base + within * batch_step;
                out.clone_from_slice(&src[(line * from[last] + at) * depth..][..depth]);
            }
        }
    });
    Ok(output)
}

/// The number of the input's line that holds the first position of the last block for a line of the output.
fn source(from: &Shape, to: &Shape, blocks: &[Block], mut line: usize) -> usize {
    let last = blocks.len();
    let (mut at, mut stride) = (0, 1);
    let (mut offsets, mut radix) = (0, blocks[last - 1].size);
    for i in (1..last).rev() {
        let block = blocks[i - 1];
        let place = line % to[i] + block.before;
        line /= to[i];
        at += place / block.size * stride;
        stride *= from[i];
        offsets += place % block.size * radix;
        radix *= block.size;
    }
    at + (offsets * to[0] + line) * stride
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        (
            "BatchToSpaceND",
            "",
            "float[4,1,1,1] 1 2 3 4; int32[2] 2 2; int32[2,2] 0 0 0 0",
            "float[1,2,2,1] 1 2 3 4",
        ),
        (
            "BatchToSpaceND",
            "",
            "float[4,2,1,1] 1 2 3 4 5 6 7 8; int32[2] 2 2; int32[2,2] 1 0 0 1",
            "float[1,3,1,1] 5 2 6",
        ),
        (
            "BatchToSpaceND",
            "",
            "int16[4,3,1] 1 2 3 4 5 6 7 8 9 10 11 12; int64[1] 2; int64[1,2] 1 2",
            "int16[2,3,1] 7 2 8 10 5 11",
        ),
        (
            "BatchToSpaceND",
            "",
            "float[8,1,1,2] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; int32[3] 2 1 4; int32[3,2] 0 0 0 0 3 1",
            "float[1,2,1,4] 7 2 4 6 15 10 12 14",
        ),
        ("BatchToSpaceND", "", "float[3,1] 1 2 3; int32[0]; int32[0,2]", "float[3,1] 1 2 3"),
        (
            "BatchToSpaceND",
            "",
            "float[4,1,1,1,1,1] 1 2 3 4; int32[5] 2 1 2 1 1; int32[5,2] 0 0 0 0 0 0 0 0 0 0",
            "float[1,2,1,2,1,1] 1 2 3 4",
        ),
        ("BatchToSpace", "block_size=2", "float[4,1,1,1] 1 2 3 4; int32[2,2] 0 0 1 0", "float[1,2,1,1] 2 4"),
        (
            "BatchToSpaceND",
            "",
            "float[4,1,1,1] 1 2 3 4; int32[2] 2 2; int32[2,2] 2 1 0 0",
            "INVALID_ARGUMENT: cropped_shape[0]=-1 must be non-negative",
        ),
        (
            "BatchToSpaceND",
            "",
            "float[4,1,1,1] 1 2 3 4; int32[2] 2 2; int32[2,2] -1 1 0 0",
            "INVALID_ARGUMENT: Crops must be non-negative",
        ),
        (
            "BatchToSpaceND",
            "",
            "float[3,1,1,1] 1 2 3; int32[2] 2 2; int32[2,2] 0 1 0 0",
            "INVALID_ARGUMENT: Input batch dimension (3) is not divisible by product of block sizes (4)",
        ),
        (
            "BatchToSpaceND",
            "",
            "float[3,1,1,1] 1 2 3; int32[2] 0 2; int32[2,2] 0 1 0 0",
            "INVALID_ARGUMENT: Product of block sizes must be positive, got 0",
        ),
        (
            "BatchToSpaceND",
            "",
            "float[3] 1 2 3; int32[1] 3; int32[1,2] 0 0",
            "INVALID_ARGUMENT: input rank should be >= 2 instead of 1",
        ),
        (
            "BatchToSpaceND",
            "",
            "float[3,1] 1 2 3; int32[1] 3; int32[2,2] 0 0 0 0",
            "INVALID_ARGUMENT: crops should have shape [1, 2] instead of [2,2]",
        ),
        (
            "BatchToSpace",
            "block_size=2",
            "float[4,1,1,1] 1 2 3 4; int32[2] 0 0",
            "INVALID_ARGUMENT: crops should have shape [2, 2] instead of [2]",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
