//! Blocks of space moved into the batch.

use savedmodel_math::par;
use savedmodel_op::dtypes::{INDICES, REAL_NUMBERS};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_width};

use crate::blocks::{self, Block, Names};
use crate::{index, strided};

/// Pads the spatial dimensions with zeros and moves each position of a block into a batch of its own.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SpaceToBatchND>.
pub const OPS: &[Op] = &[
    Op {
        name: "SpaceToBatchND",
        inputs: &["input: T", "block_shape: Tblock_shape", "paddings: Tpaddings"],
        outputs: &["output: T"],
        attrs: &[
            "T: type",
            "Tblock_shape: {int32, int64} = DT_INT32",
            "Tpaddings: {int32, int64} = DT_INT32",
        ],
        effect: Effect::Pure,
        shape: shape_nd,
        kernels: Kernels::All(
            &[("T", REAL_NUMBERS), ("Tblock_shape", INDICES), ("Tpaddings", INDICES)],
            build_nd,
        ),
    },
    Op {
        name: "SpaceToBatch",
        inputs: &["input: T", "paddings: Tpaddings"],
        outputs: &["output: T"],
        attrs: &["T: type", "Tpaddings: {int32, int64} = DT_INT32", "block_size: int >= 2"],
        effect: Effect::Pure,
        shape: shape_2d,
        kernels: Kernels::All(&[("T", REAL_NUMBERS), ("Tpaddings", INDICES)], build_2d),
    },
];

const NAMES: Names = Names { margins: "paddings", capital: "Paddings" };

fn shape_nd(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    Ok(vec![match (input.known(), ctx.value(1), ctx.value(2)) {
        (Some(input), Some(sizes), Some(paddings)) => {
            let blocks = blocks::blocks(&input, &blocks::sizes(sizes)?, paddings, &NAMES)?;
            (&batched(&input, &blocks)?).into()
        }
        _ => input.rank().map_or_else(PartialShape::unknown, PartialShape::of_rank),
    }])
}

fn shape_2d(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let size = ctx.attr("block_size").unwrap_or(0);
    Ok(vec![match (ctx.input(0).known(), ctx.value(1)) {
        (Some(input), Some(paddings)) => {
            let blocks = blocks::blocks(&input, &[size, size], paddings, &NAMES)?;
            (&batched(&input, &blocks)?).into()
        }
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
            return Err(Error::invalid_argument(format!("Input rank should be: 4instead of: {rank}")));
        }
        compute(ctx, &[size, size], 1)
    }))
}

fn compute(ctx: &mut Context<'_>, sizes: &[i64], paddings: usize) -> Result<()> {
    let input = ctx.input(0);
    let blocks = blocks::blocks(input.shape(), sizes, ctx.input(paddings), &NAMES)?;
    let shape = batched(input.shape(), &blocks)?;
    let output = if blocks.is_empty() {
        ctx.take(0)
    } else {
        by_width!(input.dtype(), U => rearrange::<U>(ctx, shape, &blocks))?
    };
    ctx.set(0, output);
    Ok(())
}

fn batched(input: &Shape, blocks: &[Block]) -> Result<Shape> {
    let mut dims = input.to_i64();
    dims[0] = dims[0].saturating_mul(blocks::area(blocks)? as i64);
    for (i, (dim, block)) in dims[1..].iter_mut().zip(blocks).enumerate() {
        let padded = dim.saturating_add(block.before as i64).saturating_add(block.after as i64);
        if padded % block.size as i64 != 0 {
            return Err(Error::invalid_argument(format!(
                "padded_shape[{i}]={padded} is not divisible by block_shape[{i}]={}",
                block.size
            )));
        }
        *dim = padded / block.size as i64;
    }
    index::shape(&dims)
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
    par::for_rows_mut(out, line, (strided::grain::<U>() / line.max(1)).max(1), |first, lines| {
        for (i, out) in lines.chunks_exact_mut(line).enumerate() {
            match source(&from, &to, blocks, first + i) {
                Some((at, offset)) => {
                    let src = &src[at * from[last] * depth..][..from[last] * depth];
                    fill_line(out, src, depth, (blocks[last - 1], offset));
                }
                None => out.fill(U::default()),
            }
        }
    });
    Ok(output)
}

/// The number of the input's line that a line of the output takes from, unless that is all padding, and the
/// position within the last block that it takes.
fn source(from: &Shape, to: &Shape, blocks: &[Block], mut line: usize) -> Option<(usize, usize)> {
    let last = blocks.len();
    let mut places = vec![0; last];
    for i in (1..last).rev() {
        places[i] = line % to[i];
        line /= to[i];
    }
    let (mut offsets, batch) = (line / from[0].max(1), line % from[0].max(1));
    let within = offsets % blocks[last - 1].size;
    offsets /= blocks[last - 1].size;
    let (mut at, mut stride) = (0, 1);
    for i in (1..last).rev() {
        let block = blocks[i - 1];
        let place = places[i] * block.size + offsets % block.size;
        offsets /= block.size;
        at += place.checked_sub(block.before).filter(|&place| place < from[i])? * stride;
        stride *= from[i];
    }
    Some((at + batch * stride, within))
}

/// Takes every block-th position of `src`, beginning at `offset` of the padded line.
fn fill_line<U: Unit>(out: &mut [U], src: &[U], depth: usize, (block, offset): (Block, usize)) {
    if depth == 0 {
        return;
    }
    let len = src.len() / depth;
    for (i, out) in out.chunks_exact_mut(depth).enumerate() {
        match (i * block.size + offset).checked_sub(block.before).filter(|&at| at < len) {
            Some(at) => out.clone_from_slice(&src[at * depth..][..depth]),
            None => out.fill(U::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        (
            "SpaceToBatchND",
            "",
            "float[1,2,2,1] 1 2 3 4; int32[2] 2 2; int32[2,2] 0 0 0 0",
            "float[4,1,1,1] 1 2 3 4",
        ),
        (
            "SpaceToBatchND",
            "",
            "float[2,3] 1 2 3 4 5 6; int64[1] 2; int64[1,2] 1 0",
            "float[4,2] 0 2 0 5 1 3 4 6",
        ),
        (
            "SpaceToBatchND",
            "",
            "int8[1,2,3,2] 1 2 3 4 5 6 7 8 9 10 11 12; int32[2] 1 2; int32[2,2] 1 0 0 1",
            "int8[2,3,2,2] 0 0 0 0 1 2 5 6 7 8 11 12 0 0 0 0 3 4 0 0 9 10 0 0",
        ),
        (
            "SpaceToBatchND",
            "",
            "float[2,2,2,2] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; int32[3] 2 1 2; int32[3,2] 1 1 0 0 0 2",
            "float[8,2,2,2] 0 0 0 0 5 0 7 0 0 0 0 0 13 0 15 0 0 0 0 0 6 0 8 0 0 0 0 0 14 0 16 0 1 0 3 0 0 0 0 0 9 0 11 0 0 0 0 0 2 0 4 0 0 0 0 0 10 0 12 0 0 0 0 0",
        ),
        ("SpaceToBatchND", "", "float[1,2] 1 2; int32[0]; int32[0,2]", "float[1,2] 1 2"),
        ("SpaceToBatchND", "", "float[0,2]; int32[1] 2; int32[1,2] 0 0", "float[0,1]"),
        (
            "SpaceToBatch",
            "block_size=2",
            "float[1,2,4,1] 1 2 3 4 5 6 7 8; int32[2,2] 0 0 2 0",
            "float[4,1,3,1] 0 1 3 0 2 4 0 5 7 0 6 8",
        ),
        (
            "SpaceToBatchND",
            "",
            "float[1,2,2,1] 1 2 3 4; int32[2] 2 2; int32[2,2] 0 1 0 0",
            "INVALID_ARGUMENT: padded_shape[0]=3 is not divisible by block_shape[0]=2",
        ),
        (
            "SpaceToBatchND",
            "",
            "float[1,2,2,1] 1 2 3 4; int32[2] 2 2; int32[2,2] 0 -2 0 0",
            "INVALID_ARGUMENT: Paddings must be non-negative",
        ),
        (
            "SpaceToBatchND",
            "",
            "float[1,2,2,1] 1 2 3 4; int32[2] 2 0; int32[2,2] 0 0 0 0",
            "INVALID_ARGUMENT: All values in block_shape must be positive, got value, 0 at index 1.",
        ),
        (
            "SpaceToBatchND",
            "",
            "float[3] 1 2 3; int32[1] 3; int32[1,2] 0 0",
            "INVALID_ARGUMENT: input rank should be >= 2 instead of 1",
        ),
        (
            "SpaceToBatchND",
            "",
            "float[1,2,2,1] 1 2 3 4; int32[1,2] 2 0; int32[2,2] 0 0 0 0",
            "INVALID_ARGUMENT: block_shape rank should be 1 instead of 2",
        ),
        (
            "SpaceToBatch",
            "block_size=2",
            "float[2,2,1] 1 2 3 4; int32[2,2] 0 0 0 0",
            "INVALID_ARGUMENT: Input rank should be: 4instead of: 3",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
