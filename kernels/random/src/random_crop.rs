//! `RandomCrop`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_width};

use crate::generator::Generator;
use crate::philox::Words;

/// Cuts a part of a given height and width out of an image, anywhere in it.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomCrop>
pub const OP: Op = Op {
    name: "RandomCrop",
    inputs: &["image: T", "size: int64"],
    outputs: &["output: T"],
    attrs: &["T: {uint8, int8, int16, int32, int64, float, double}", "seed: int = 0", "seed2: int = 0"],
    effect: Effect::Random,
    shape,
    kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let channels = ctx.input(0).dim(2);
    let size = ctx.integers(1).filter(|size| size.len() == 2);
    let side = |axis: usize| usize::try_from(size.as_ref()?[axis] as i32).ok();
    Ok(vec![PartialShape::new([side(0), side(1), channels])])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let generator = Generator::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (height, width) = size(ctx.input(0), ctx.input(1))?;
        let channels = ctx.input(0).shape()[2];
        // TensorFlow asks for the memory before it looks at the sides.
        let mut output = ctx.allocate(ctx.input(0).dtype(), Shape::from([height, width, channels]))?;
        let [rows, columns] = [ctx.input(0).shape()[0], ctx.input(0).shape()[1]];
        for (what, side, wanted) in [("width", columns, width), ("height", rows, height)] {
            if side < wanted {
                return Err(Error::failed_precondition(format!(
                    "{what} must be >= target_{what}: {what} = {side}, target_{what} = {wanted}"
                )));
            }
        }
        // Two samples are set aside, however many are used.
        let mut words = Words::of(generator.reserve(2 * crate::distribution::RESERVED));
        let mut offset = |side: usize, wanted: usize| match side - wanted {
            0 => 0,
            rest => words.word() as usize % (rest + 1),
        };
        let left = offset(columns, width);
        let top = offset(rows, height);
        by_width!(ctx.input(0).dtype(), U => cut::<U>(ctx.input(0), [top, left], &mut output))?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The height and width that are wanted.
fn size(image: &Tensor, size: &Tensor) -> Result<(usize, usize)> {
    if image.rank() != 3 {
        return Err(Error::invalid_argument(format!("input must be 3-dimensional{}", image.shape())));
    }
    if size.rank() != 1 {
        return Err(Error::invalid_argument(format!("shape_t must be 1-dimensional{}", size.shape())));
    }
    let &[height, width] = size.as_slice::<i64>()? else {
        return Err(Error::invalid_argument(format!("shape_t must have two elements{}", size.shape())));
    };
    // TensorFlow reads the lower half of each.
    match (usize::try_from(height as i32), usize::try_from(width as i32)) {
        (Ok(height), Ok(width)) => Ok((height, width)),
        _ => Err(Error::invalid_argument(format!("size must not be negative: {height}, {width}"))),
    }
}

fn cut<U: Unit>(image: &Tensor, [top, left]: [usize; 2], out: &mut Tensor) -> Result<()> {
    let (columns, channels) = (image.shape()[1], image.shape()[2]);
    let length = out.shape()[1] * channels;
    if out.elements() > 0 {
        let from = image.units::<U>()?;
        for (y, row) in out.units_mut::<U>()?.chunks_exact_mut(length).enumerate() {
            row.clone_from_slice(&from[((top + y) * columns + left) * channels..][..length]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let image = "float[2,2,1] 1 2 3 4";
        let refused = |size: &str, want: &'static str| {
            let call: &'static str = format!("{image}; int64{size}").leak();
            ("RandomCrop", "seed=1", call, want)
        };
        check_rows(
            OPS,
            &[
                ("RandomCrop", "seed=1", "float[2,2,1] 1 2 3 4; int64[2] 2 2", "float[2,2,1] 1 2 3 4"),
                ("RandomCrop", "seed=1", "uint8[1,3,2] 1 2 1 2 1 2; int64[2] 1 1", "uint8[1,1,2] 1 2"),
                ("RandomCrop", "seed=1", "uint8[1,3,2] 1 2 1 2 1 2; int64[2] 0 1", "uint8[0,1,2]"),
                refused("[2] 3 2", "FAILED_PRECONDITION: height must be >= target_height"),
                refused("[2] 2 3", "FAILED_PRECONDITION: width must be >= target_width: width = 2"),
                refused("[2] -1 2", "INVALID_ARGUMENT: size must not be negative"),
                refused("[1] 1", "INVALID_ARGUMENT: shape_t must have two elements[1]"),
                refused("[] 1", "INVALID_ARGUMENT: shape_t must be 1-dimensional[]"),
                (
                    "RandomCrop",
                    "seed=1",
                    "uint8[1] 1; int64[2] 0 1",
                    "INVALID_ARGUMENT: input must be 3-dimensional[1]",
                ),
            ],
        );
    }
}
