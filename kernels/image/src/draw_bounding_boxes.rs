//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Element, Error, Result, Tensor, f16};

/// Draws the outlines of boxes onto images, one pixel wide.
///
/// A box is `[y_min, x_min, y_max, x_max]` in parts of the image's height and width; what lies outside is left out, and so
/// are boxes that are flipped. Colours are taken in turn, from a table of ten if there are none.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DrawBoundingBoxesV2>
pub const OPS: &[Op] = &[
    Op {
        name: "DrawBoundingBoxes",
        inputs: &["images: T", "boxes: float"],
        outputs: &["output: T"],
        attrs: &["T: {float, half} = DT_FLOAT"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: by_dtype!("T"; build: f32 f16),
    },
    Op {
        name: "DrawBoundingBoxesV2",
        inputs: &["images: T", "boxes: float", "colors: float"],
        outputs: &["output: T"],
        attrs: &["T: {float, half} = DT_FLOAT"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: by_dtype!("T"; build: f32 f16),
    },
];

/// Yellow, blue, red, lime, purple, olive, maroon, navy, aqua, fuchsia.
const COLORS: [[f32; 4]; 10] = [
    [1.0, 1.0, 0.0, 1.0],
    [0.0, 0.0, 1.0, 1.0],
    [1.0, 0.0, 0.0, 1.0],
    [0.0, 1.0, 0.0, 1.0],
    [0.5, 0.0, 0.5, 1.0],
    [0.5, 0.5, 0.0, 1.0],
    [0.5, 0.0, 0.0, 1.0],
    [0.0, 0.0, 0.5, 1.0],
    [0.0, 1.0, 1.0, 1.0],
    [1.0, 0.0, 1.0, 1.0],
];

/// A number that pixels may have.
trait Sample: Element {
    fn of_single(x: f32) -> Self;
}

impl Sample for f32 {
    fn of_single(x: f32) -> f32 {
        x
    }
}

impl Sample for f16 {
    fn of_single(x: f32) -> f16 {
        f16::from_f32(x)
    }
}

fn build<T: Sample>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let has_colors = node.inputs.len() > 2;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [height, width, depth] = check(ctx)?;
        let mut colors = if has_colors { given(ctx.input(2), depth)? } else { Vec::new() };
        if colors.is_empty() {
            let first = |color: &[f32; 4]| if depth == 1 { [1.0; 4] } else { *color };
            colors = COLORS.iter().flat_map(|color| first(color).into_iter().take(depth)).collect();
        }
        let colors: Vec<T> = colors.into_iter().map(T::of_single).collect();
        let mut images = ctx.take(0);
        let boxes = ctx.input(1);
        let count = boxes.shape()[1];
        let size = height * width * depth;
        let pixels = images.as_mut_slice::<T>()?;
        for (i, corners) in boxes.as_slice::<f32>()?.as_chunks::<4>().0.iter().enumerate() {
            let color = i % count % (colors.len() / depth);
            let color = &colors[color * depth..][..depth];
            let image = &mut pixels[i / count * size..][..size];
            Canvas { image, height, width, color }.outline(*corners)?;
        }
        ctx.set(0, images);
        Ok(())
    }))
}

/// Height, width and channels of the images.
fn check(ctx: &Context<'_>) -> Result<[usize; 3]> {
    let (images, boxes) = (ctx.input(0).shape(), ctx.input(1).shape());
    let refuse = |text: &str| Err(Error::invalid_argument(text));
    let &[batch, height, width, depth] = images.dims() else {
        return refuse("The rank of the images should be 4");
    };
    let &[box_batch, _, corners] = boxes.dims() else {
        return refuse("The rank of the boxes tensor should be 3");
    };
    if batch != box_batch {
        return refuse("The batch sizes should be the same");
    }
    if ![1, 3, 4].contains(&depth) {
        return refuse("Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA)");
    }
    if corners != 4 {
        return refuse(&format!("The size of the third dimension of the box must be 4. Received: {corners}"));
    }
    Ok([height, width, depth])
}

/// The first `depth` channels of the colours.
fn given(colors: &Tensor, depth: usize) -> Result<Vec<f32>> {
    let shape = colors.shape();
    let &[_, channels] = shape.dims() else {
        return Err(Error::invalid_argument(format!("colors must be a 2-D matrix{shape}")));
    };
    if channels < depth {
        return Err(Error::invalid_argument(format!(
            "colors must have equal or more channels than the image provided: {shape}"
        )));
    }
    let rows = colors.as_slice::<f32>()?.chunks_exact(channels);
    Ok(rows.flat_map(|color| &color[..depth]).copied().collect())
}

/// An image that is drawn on.
struct Canvas<'a, T> {
    image: &'a mut [T],
    height: usize,
    width: usize,
    color: &'a [T],
}

/// A side of a box in pixels, and what of it lies inside.
struct Side {
    from: i64,
    to: i64,
    inside: std::ops::RangeInclusive<usize>,
}

impl Side {
    /// `None` when the side is flipped or wholly outside.
    fn of([from, to]: [f32; 2], length: usize, what: &str) -> Result<Option<Side>> {
        let last = length as i64 - 1;
        // What no integer holds lies far below, as the processor converts it.
        let pixel = |x: f32| match x * last as f32 {
            place if place.abs() < i64::MAX as f32 => place as i64,
            _ => i64::MIN,
        };
        let (from, to) = (pixel(from), pixel(to));
        if from > to || from > last || to < 0 {
            return Ok(None);
        }
        match usize::try_from(to.min(last)) {
            Ok(end) => Ok(Some(Side { from, to, inside: from.max(0) as usize..=end })),
            Err(_) => Err(Error::invalid_argument(format!("Max box {what} clamp is less than 0."))),
        }
    }
}

impl<T: Copy> Canvas<'_, T> {
    fn outline(&mut self, [top, left, bottom, right]: [f32; 4]) -> Result<()> {
        let rows = Side::of([top, bottom], self.height, "row")?;
        let Some(rows) = rows else { return Ok(()) };
        let Some(columns) = Side::of([left, right], self.width, "col")? else { return Ok(()) };
        for y in [rows.from, rows.to] {
            if (0..self.height as i64).contains(&y) {
                columns.inside.clone().for_each(|x| self.dot(y as usize, x));
            }
        }
        for x in [columns.from, columns.to] {
            if (0..self.width as i64).contains(&x) {
                rows.inside.clone().for_each(|y| self.dot(y, x as usize));
            }
        }
        Ok(())
    }

    fn dot(&mut self, y: usize, x: usize) {
        let depth = self.color.len();
        self.image[(y * self.width + x) * depth..][..depth].copy_from_slice(self.color);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "DrawBoundingBoxes",
                    "",
                    "float[1,3,4,1] 2 2 2 2 2 2 2 2 2 2 2 2; float[1,1,4] 0 0 1 1",
                    "float[1,3,4,1] 1 1 1 1 1 2 2 1 1 1 1 1",
                ),
                (
                    "DrawBoundingBoxes",
                    "",
                    "half[1,2,2,3] 0 0 0 0 0 0 0 0 0 0 0 0; float[1,2,4] 0 0 0 0 1 1 1 1",
                    "half[1,2,2,3] 1 1 0 0 0 0 0 0 0 0 0 1",
                ),
                (
                    "DrawBoundingBoxes",
                    "",
                    "float[2,3,1,1] 2 2 2 2 2 2; float[2,1,4] 0.6 -1 2 0.5 0.9 0 0.4 1",
                    "float[2,3,1,1] 2 1 1 2 2 2",
                ),
                (
                    "DrawBoundingBoxesV2",
                    "",
                    "float[1,2,2,1] 0 0 0 0; float[1,2,4] 0 0 0 0 1 1 1 1; float[1,2] 5 6",
                    "float[1,2,2,1] 5 0 0 5",
                ),
                (
                    "DrawBoundingBoxesV2",
                    "",
                    "float[1,2,2,1] 0 0 0 0; float[1,2,4] 0 0 0 0 1 1 1 1; float[0,2]",
                    "float[1,2,2,1] 1 0 0 1",
                ),
                (
                    "DrawBoundingBoxesV2",
                    "",
                    "float[1,2,2,1] 0 0 0 0; float[1,0,4]; float[0,2]",
                    "float[1,2,2,1] 0 0 0 0",
                ),
                (
                    "DrawBoundingBoxes",
                    "",
                    "float[1,1,1,2] 0 0; float[1,1,4] 0 0 1 1",
                    "INVALID_ARGUMENT: Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA)",
                ),
                ("DrawBoundingBoxes", "", "float[1,0,2,3]; float[1,1,4] 0 0 1 1", "float[1,0,2,3]"),
                (
                    "DrawBoundingBoxes",
                    "",
                    "float[1,0,2,3]; float[1,1,4] 1.5 0 -0.5 1",
                    "INVALID_ARGUMENT: Max box row clamp is less than 0.",
                ),
                (
                    "DrawBoundingBoxes",
                    "",
                    "float[1,1,1,1] 0; float[2,1,4] 0 0 1 1 0 0 1 1",
                    "INVALID_ARGUMENT: The batch sizes should be the same",
                ),
                (
                    "DrawBoundingBoxes",
                    "",
                    "float[1,1,1,1] 0; float[1,1,3] 0 0 1",
                    "INVALID_ARGUMENT: The size of the third dimension of the box must be 4. Received: 3",
                ),
                (
                    "DrawBoundingBoxesV2",
                    "",
                    "float[1,1,1,3] 0 0 0; float[1,1,4] 0 0 1 1; float[1,2] 5 6",
                    "INVALID_ARGUMENT: colors must have equal or more channels than the image provided: [1,2]",
                ),
            ],
        );
    }
}
