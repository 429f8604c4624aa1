//! Blocks moved between depth and the two spatial dimensions.

use savedmodel_op::dtypes::POD_AND_POINTERS;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::layout::Layout;
use crate::strided;

/// `DepthToSpace` makes blocks of space of parts of the depth; `SpaceToDepth` does the reverse.
///
/// As in TensorFlow, the CPU knows the data format NHWC alone.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DepthToSpace>.
pub const OPS: &[Op] = &[
    Op {
        name: "DepthToSpace",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: type", "block_size: int >= 2", "data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'"],
        effect: Effect::Pure,
        shape: to_space_shape,
        kernels: Kernels::All(&[("T", POD_AND_POINTERS)], build),
    },
    Op {
        name: "SpaceToDepth",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: type", "block_size: int >= 2", "data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'"],
        effect: Effect::Pure,
        shape: to_depth_shape,
        kernels: Kernels::All(&[("T", POINTERS_QINT8)], build),
    },
];

const POINTERS_QINT8: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Resource, Variant, Qint8,
];

fn to_space_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![match (channels_last(ctx), ctx.input(0).known(), ctx.attr("block_size")) {
        (true, Some(input), Some(block)) => (&to_space(&input, block)?.0).into(),
        (true, None, _) => PartialShape::of_rank(4),
        _ => PartialShape::unknown(),
    }])
}

fn to_depth_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![match (channels_last(ctx), ctx.input(0).known(), ctx.attr("block_size")) {
        (true, Some(input), Some(block)) => (&to_depth(&input, block)?.0).into(),
        (true, None, _) => PartialShape::of_rank(4),
        _ => PartialShape::unknown(),
    }])
}

fn channels_last(ctx: &ShapeContext<'_>) -> bool {
    ctx.attr::<std::string::String>("data_format").is_none_or(|format| format == "NHWC")
}

/// The output's shape, and the output as a view of the input with its dimensions in another order.
fn to_space(input: &Shape, block: usize) -> Result<(Shape, Layout)> {
    let &[batch, height, width, depth] = input.dims() else {
        return Err(Error::invalid_argument(format!("Input rank should be: 4 instead of: {}", input.rank())));
    };
    let area = block.saturating_mul(block);
    if !depth.is_multiple_of(area) {
        return Err(Error::invalid_argument(format!(
            "Input depth dimension {depth} should be divisible by: {area}"
        )));
    }
    let layout = Layout::permuted(&[batch, height, width, block, block, depth / area], &[0, 1, 3, 2, 4, 5]);
    let grown = |size: usize| {
        size.checked_mul(block)
            .ok_or_else(|| Error::invalid_argument(format!("block_size {block} is too large")))
    };
    Ok((Shape::from([batch, grown(height)?, grown(width)?, depth / area]), layout))
}

/// As [`to_space`].
fn to_depth(input: &Shape, block: usize) -> Result<(Shape, Layout)> {
    let &[batch, height, width, depth] = input.dims() else {
        return Err(Error::invalid_argument(format!("Input rank should be 4 instead of {}", input.rank())));
    };
    if !height.is_multiple_of(block) || !width.is_multiple_of(block) {
        return Err(Error::invalid_argument(format!(
            "Image width {width} and height {height} should be divisible by block_size: {block}"
        )));
    }
    let (rows, cols) = (height / block, width / block);
    let grown = block.checked_mul(block).and_then(|area| area.checked_mul(depth));
    let grown = grown.ok_or_else(|| Error::invalid_argument(format!("block_size {block} is too large")))?;
    let layout = Layout::permuted(&[batch, rows, block, cols, block, depth], &[0, 1, 3, 2, 4, 5]);
    Ok((Shape::from([batch, rows, cols, grown]), layout))
}

/// The largest block of space whose area is an `i32`.
const WIDEST: usize = 46340;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<std::string::String>("data_format")? != "NHWC" {
        return Err(node.no_kernel("data_format"));
    }
    let block = node.int32("block_size")? as usize;
    if node.op() == "DepthToSpace" && block > WIDEST {
        return Err(Error::invalid_argument(format!(
            "Block size should be > 1 and <= {WIDEST} but was: {block}"
        )));
    }
    let moved = if node.op() == "DepthToSpace" { to_space } else { to_depth };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (shape, layout) = moved(ctx.input(0).shape(), block)?;
        let output = by_unit!(ctx.input(0).dtype(), U => copy::<U>(ctx, shape, &layout))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn copy<U: Unit>(ctx: &Context<'_>, shape: Shape, layout: &Layout) -> Result<Tensor> {
    let input = ctx.input(0);
    let mut output = ctx.allocate(input.dtype(), shape)?;
    strided::gather(output.units_mut::<U>()?, input.units()?, layout);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        ("DepthToSpace", "block_size=2", "float[1,1,2,4] 1 2 3 4 5 6 7 8", "float[1,2,4,1] 1 2 5 6 3 4 7 8"),
        (
            "DepthToSpace",
            "block_size=2",
            "string[1,1,1,4] 'a' 'b' 'c' 'd'",
            "string[1,2,2,1] 'a' 'b' 'c' 'd'",
        ),
        (
            "DepthToSpace",
            "block_size=3",
            "int8[1,1,1,9] 1 2 3 4 5 6 7 8 9",
            "int8[1,3,3,1] 1 2 3 4 5 6 7 8 9",
        ),
        ("DepthToSpace", "block_size=2", "float[0,1,1,4]", "float[0,2,2,1]"),
        ("SpaceToDepth", "block_size=2", "float[1,2,4,1] 1 2 3 4 5 6 7 8", "float[1,1,2,4] 1 2 5 6 3 4 7 8"),
        ("SpaceToDepth", "block_size=2", "qint8[1,2,2,2] 1 2 3 4 5 6 7 8", "qint8[1,1,1,8] 1 2 3 4 5 6 7 8"),
        (
            "DepthToSpace",
            "block_size=2",
            "float[1,1,1,3] 1 2 3",
            "INVALID_ARGUMENT: Input depth dimension 3 should be divisible by: 4",
        ),
        (
            "DepthToSpace",
            "block_size=2",
            "float[1,1,4] 1 2 3 4",
            "INVALID_ARGUMENT: Input rank should be: 4 instead of: 3",
        ),
        ("DepthToSpace", "block_size=2 data_format=NCHW", "float[1,4,1,1] 1 2 3 4", "INVALID_ARGUMENT"),
        (
            "SpaceToDepth",
            "block_size=2",
            "float[1,2,3,1] 1 2 3 4 5 6",
            "INVALID_ARGUMENT: Image width 3 and height 2 should be divisible by block_size: 2",
        ),
        (
            "SpaceToDepth",
            "block_size=2",
            "float[2,2,1] 1 2 3 4",
            "INVALID_ARGUMENT: Input rank should be 4 instead of 3",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
