//! See [`OPS`].

use num_traits::{AsPrimitive, Float};
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, bf16, f16};

use crate::conv::attributes::rank_error;
use crate::conv::element::Convolve;
use crate::conv::forward::Sizes;
use crate::conv::kernel::window;
use crate::layout::Images;
use crate::plain_conv::{self, Moves, steps};
use crate::window::{Dim, Padding, explicit};

/// Images, perhaps resized bilinearly, that are padded with their reflection and convolved.
///
/// As in TensorFlow, the other images of a batch are read as the first one: its rows stay in a buffer.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FusedPadConv2D>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FusedResizeAndPadConv2D>
pub const OPS: &[Op] = &[
    Op {
        name: "FusedPadConv2D",
        inputs: &["input: T", "paddings: int32", "filter: T"],
        outputs: &["output: T"],
        attrs: &[
            "T: {half, bfloat16, float, double}",
            "mode: {'REFLECT', 'SYMMETRIC'}",
            "strides: list(int)",
            "padding: {'SAME', 'VALID'}",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, false),
        kernels: by_dtype!("T"; pad: f16 bf16 f32 f64),
    },
    Op {
        name: "FusedResizeAndPadConv2D",
        inputs: &["input: T", "size: int32", "paddings: int32", "filter: T"],
        outputs: &["output: T"],
        attrs: &[
            "T: {half, float, double}",
            "resize_align_corners: bool = false",
            "mode: {'REFLECT', 'SYMMETRIC'}",
            "strides: list(int)",
            "padding: {'SAME', 'VALID'}",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, true),
        kernels: by_dtype!("T"; resize_and_pad: f16 f32 f64),
    },
];

fn shape(ctx: &ShapeContext<'_>, resizes: bool) -> Result<Vec<PartialShape>> {
    let paddings = 1 + usize::from(resizes);
    let (input, filter) = (ctx.input(0), ctx.input(paddings + 1));
    for (name, shape) in [("input", &input), ("filter", &filter)] {
        if shape.rank().is_some_and(|rank| rank != 4) {
            return Err(rank_error(name, 2, shape));
        }
    }
    let mut space = [input.dim(1), input.dim(2)];
    if resizes {
        let size = ctx.integers(1).unwrap_or_default();
        space = [0, 1].map(|axis| size.get(axis).and_then(|&size| usize::try_from(size).ok()));
    }
    let cells = ctx.integers(paddings).unwrap_or_default();
    let known = |at: usize| cells.get(at).and_then(|&cells| usize::try_from(cells).ok());
    let padded = [0, 1].map(|axis| {
        let [before, after] = [known(2 * axis + 2)?, known(2 * axis + 3)?];
        space[axis]?.checked_add(before)?.checked_add(after)
    });
    let strides: Vec<i64> = ctx.attr("strides").unwrap_or_default();
    let padding: String = ctx.attr("padding").unwrap_or_default();
    let sizes = moves(&strides, &padding)?.outputs(&padded, &filter)?;
    Ok(vec![PartialShape::new(vec![input.dim(0), sizes[0], sizes[1], filter.dim(3)])])
}

fn moves(strides: &[i64], padding: &str) -> Result<Moves> {
    Ok(Moves {
        spatial: 2,
        strides: steps("strides", strides, 2, false)?,
        dilations: [1; 3],
        padding: explicit(padding, &[], 2, false)?,
    })
}

fn pad<T: Convolve + Float>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    f32: AsPrimitive<T>,
{
    build::<T>(node, None)
}

fn resize_and_pad<T: Convolve + Float>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    f32: AsPrimitive<T>,
{
    build::<T>(node, Some(node.attr("resize_align_corners")?))
}

/// `aligned` tells whether corners stay in place, if images are resized.
fn build<T: Convolve + Float>(node: &Construction<'_>, aligned: Option<bool>) -> Result<Box<dyn Kernel>>
where
    f32: AsPrimitive<T>,
{
    let skip = usize::from(node.attr::<String>("mode")? == "REFLECT");
    let moves = moves(&node.attr::<Vec<i64>>("strides")?, &node.attr::<String>("padding")?)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let paddings = 1 + usize::from(aligned.is_some());
        let (input, filter) = (ctx.input(0), ctx.input(paddings + 1));
        for (name, tensor) in [("input", input), ("filter", filter)] {
            if tensor.rank() != 4 {
                return Err(rank_error(name, 2, tensor.shape()));
            }
        }
        let images = Images::of(input.shape(), false);
        let size = aligned.map(|_| size(ctx.input(1))).transpose()?;
        let edges = edges(ctx.input(paddings))?;
        let line = |axis: usize| {
            let cells = images.space[axis + 1];
            let scale =
                aligned.zip(size).map(|(aligned, size)| (scale(cells, size[axis], aligned), size[axis]));
            Lines::new(cells, scale, edges[axis], skip)
        };
        let output = Mirrored { images, lines: [line(0)?, line(1)?] }.convolve::<T>(ctx, &moves, filter)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The two sizes to which images are resized.
fn size(size: &Tensor) -> Result<[usize; 2]> {
    if size.rank() != 1 || size.elements() != 2 {
        return Err(Error::invalid_argument(format!(
            "size must be a vector of two elements, but has shape {}",
            size.shape()
        )));
    }
    let values = size.as_slice::<i32>()?;
    match [values[0], values[1]].map(usize::try_from) {
        [Ok(height @ 1..), Ok(width @ 1..)] => Ok([height, width]),
        _ => Err(Error::invalid_argument("output dimensions must be positive")),
    }
}

/// Cells before and after the rows and the columns.
fn edges(paddings: &Tensor) -> Result<[[usize; 2]; 2]> {
    if paddings.shape().dims() != [4, 2] {
        return Err(Error::invalid_argument(format!(
            "paddings must be a matrix with 4 rows and 2 columns: {}",
            paddings.shape()
        )));
    }
    let mut edges = [[0; 2]; 4];
    for (edge, &cells) in edges.as_flattened_mut().iter_mut().zip(paddings.as_slice::<i32>()?) {
        *edge = usize::try_from(cells)
            .map_err(|_| Error::invalid_argument(format!("paddings must be non-negative: {cells}")))?;
    }
    let [batch, rows, columns, channels] = edges;
    if [batch, channels] != [[0; 2]; 2] {
        return Err(Error::invalid_argument("Fused mirror padding only support spatial padding"));
    }
    Ok([rows, columns])
}

fn scale(cells: usize, wanted: usize, aligned: bool) -> f32 {
    if aligned && wanted > 1 {
        cells.saturating_sub(1) as f32 / (wanted - 1) as f32
    } else {
        cells as f32 / wanted as f32
    }
}

/// The rows or columns of a resized and padded image.
struct Lines {
    /// How many the given image has.
    given: usize,
    /// How many it is resized to, and the distance between them.
    resized: usize,
    scale: Option<f32>,
    before: usize,
    total: usize,
    skip: usize,
    /// How many the first window leaves out.
    late: usize,
}

/// A row or column between two of the given image.
struct Line {
    low: usize,
    high: usize,
    weight: f32,
}

impl Lines {
    fn new(
        given: usize,
        scale: Option<(f32, usize)>,
        [before, after]: [usize; 2],
        skip: usize,
    ) -> Result<Lines> {
        let resized = scale.map_or(given, |(_, resized)| resized);
        if before + skip > resized || after + skip > resized {
            let must = ["no greater than", "less than"][skip];
            return Err(Error::invalid_argument(format!(
                "paddings must be {must} the dimension size: {before}, {after} for {resized}"
            )));
        }
        let scale = scale.map(|(scale, _)| scale);
        Ok(Lines { given, resized, scale, before, total: before + resized + after, skip, late: 0 })
    }

    /// Lets windows that leave cells out be in the middle, as TensorFlow does, whatever the padding.
    fn center(&mut self, dim: &mut Dim, padding: &Padding) {
        let reach =
            (dim.output - 1) * dim.stride + dim.window + usize::from(matches!(padding, Padding::Valid));
        self.late = dim.input.saturating_sub(reach) / 2;
        self.total -= self.late;
        dim.input -= self.late;
    }

    fn line(&self, at: usize) -> Line {
        let at = at + self.late;
        let at = if at < self.before {
            self.before - at - 1 + self.skip
        } else if at < self.before + self.resized {
            at - self.before
        } else {
            2 * self.resized + self.before - at - 1 - self.skip
        };
        let Some(scale) = self.scale else { return Line { low: at, high: at, weight: 0.0 } };
        let place = at as f32 * scale;
        let low = (place.floor() as usize).min(self.given - 1);
        Line { low, high: (low + 1).min(self.given - 1), weight: place - place.floor() }
    }
}

/// Images, resized and padded.
struct Mirrored {
    images: Images,
    lines: [Lines; 2],
}

impl Mirrored {
    fn convolve<T: Convolve + Float>(
        mut self,
        ctx: &Context<'_>,
        moves: &Moves,
        filter: &Tensor,
    ) -> Result<Tensor>
    where
        f32: AsPrimitive<T>,
    {
        let (batch, channels, outputs) = (self.images.batch, self.images.channels, filter.shape()[3]);
        if channels != filter.shape()[2] {
            return Err(Error::invalid_argument(format!(
                "input and filter must have the same depth: {channels} vs {}",
                filter.shape()[2]
            )));
        }
        if ctx.input(0).elements() == 0 || filter.elements() == 0 {
            return Err(Error::invalid_argument("Input, filter and output tensors can't be empty"));
        }
        let [height, width] = [0, 1].map(|axis| self.lines[axis].total);
        let mut dims = moves.dims([1, height, width], window(filter.shape()))?;
        let output = Images { batch, space: dims.map(|dim| dim.output), channels: outputs };
        if output.pixels() == 0 {
            return Err(Error::invalid_argument("Output tensor can't be empty"));
        }
        for (lines, dim) in self.lines.iter_mut().zip(&mut dims[1..]) {
            lines.center(dim, &moves.padding);
        }
        let input = Images { batch, space: dims.map(|dim| dim.input), channels };
        for shape in [&input, &output].map(|images| images.shape(2, false)) {
            let bytes = shape.checked_elements()?.checked_mul(size_of::<T>());
            if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
                return Err(Error::invalid_argument(format!("A tensor of shape {shape} is too large")));
            }
        }
        let mut out = ctx.allocate(T::DTYPE, output.shape(2, false))?;
        let held = held::<T>(&dims, channels)?;
        let [input, output] = [input, output].map(|images| Images { batch: batch.min(2), ..images });
        let mut padded = ctx.allocate(T::DTYPE, input.shape(2, false))?;
        self.fill(ctx.input(0).as_slice::<T>()?, padded.as_mut_slice::<T>()?, |row| held.row(row));
        let sizes = Sizes { input, output, dims, groups: 1 };
        let out_slice = out.as_mut_slice::<T>()?;
        let image = out_slice.len() / batch;
        plain_conv::run::<T>(&sizes, padded.as_slice()?, filter, &mut out_slice[..batch.min(2) * image])?;
        for later in 2..batch {
            out_slice.copy_within(image..2 * image, later * image);
        }
        Ok(out)
    }

    /// Fills in the first image, and another one whose rows are those that `held` says.
    fn fill<T: Convolve + Float>(&self, input: &[T], padded: &mut [T], held: impl Fn(usize) -> usize + Sync)
    where
        f32: AsPrimitive<T>,
    {
        let ([rows, columns], channels) = (&self.lines, self.images.channels);
        let given = columns.given * channels;
        let length = columns.total * channels;
        par::for_rows_mut(padded, length, 4096 / length + 1, |first, padded| {
            for (at, padded) in (first..).zip(padded.chunks_exact_mut(length)) {
                let row = if at < rows.total { at } else { held(at - rows.total) };
                if row >= rows.total {
                    padded.fill(T::zero());
                    continue;
                }
                let (row, image) = (rows.line(row), &input[..rows.given * given]);
                let [top, bottom] = [row.low, row.high].map(|row| &image[row * given..][..given]);
                for (at, pixel) in padded.chunks_exact_mut(channels).enumerate() {
                    let column = columns.line(at);
                    let [left, right] = [column.low, column.high].map(|column| column * channels);
                    if columns.scale.is_none() {
                        pixel.copy_from_slice(&top[left..][..channels]);
                        continue;
                    }
                    let (x, y): (T, T) = (column.weight.as_(), row.weight.as_());
                    for (i, out) in pixel.iter_mut().enumerate() {
                        let [above, below] =
                            [top, bottom].map(|row| row[left + i] + (row[right + i] - row[left + i]) * x);
                        *out = above + (below - above) * y;
                    }
                }
            }
        });
    }
}

/// The rows of the first image that TensorFlow's buffer holds in the end: the last `rows` before `end`.
struct Held {
    rows: usize,
    end: usize,
}

impl Held {
    /// The row that lies in the place of another one.
    fn row(&self, row: usize) -> usize {
        row + self.end.saturating_sub(row + 1) / self.rows * self.rows
    }
}

/// What is held after a run over images that are convolved in `dims`.
fn held<T>(dims: &[Dim; 3], channels: usize) -> Result<Held> {
    /// Numbers that fit in the buffer of rows; a check takes them for bytes.
    const ROWS: usize = 8 << 20;
    let [_, rows, columns] = dims;
    let cells =
        |sizes: &[usize]| sizes.iter().fold(size_of::<T>(), |product, &size| product.saturating_mul(size));
    if cells(&[rows.window, columns.window, channels]) > 16 << 20 {
        return Err(Error::invalid_argument("Im2Col patch too large for buffer"));
    }
    let line = ((columns.output - 1) * columns.stride + columns.window).saturating_mul(channels);
    if cells(&[rows.window, line]) > ROWS {
        return Err(Error::invalid_argument("Input too large for resize cache"));
    }
    let (held, last) = (ROWS / line, rows.output * rows.stride + rows.window);
    let end = (0..rows.output).map(|at| at * rows.stride).fold(0, |end, origin| {
        if end < origin + rows.window { last.min(end.max(origin + held)) } else { end }
    });
    Ok(Held { rows: held, end: end.saturating_sub(rows.before) })
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let image = "float[1,3,3,1] 1 2 3 4 5 6 7 8 9";
        let filter = "float[1,1,1,1] 2";
        let pads = "int32[4,2] 0 0 1 0 0 2 0 0";
        let none = "int32[4,2] 0 0 0 0 0 0 0 0";
        let rows = [
            (
                "FusedPadConv2D",
                "mode=REFLECT strides=[1,1,1,1] padding=VALID",
                format!("{image}; {pads}; {filter}"),
                "float[1,4,5,1] 8 10 12 10 8 2 4 6 4 2 8 10 12 10 8 14 16 18 16 14",
            ),
            (
                "FusedPadConv2D",
                "mode=SYMMETRIC strides=[1,2,2,1] padding=SAME",
                format!("{image}; {pads}; float[2,2,1,1] 1 0 0 1"),
                "float[1,2,3,1] 3 6 2 12 15 5",
            ),
            (
                "FusedResizeAndPadConv2D",
                "mode=REFLECT strides=[1,1,1,1] padding=VALID",
                format!("double[1,2,1,1] 1 2; int32[2] 4 1; {none}; double[1,1,1,1] 2"),
                "double[1,4,1,1] 2 3 4 4",
            ),
            (
                "FusedResizeAndPadConv2D",
                "mode=REFLECT strides=[1,1,1,1] padding=VALID resize_align_corners=true",
                format!("half[1,2,1,1] 1 2; int32[2] 3 1; {none}; half[1,1,1,1] 2"),
                "half[1,3,1,1] 2 3 4",
            ),
        ];
        let rows = rows.map(|(op, attrs, inputs, want)| (op, attrs, &*inputs.leak(), want));
        check_rows(crate::OPS, &rows);
    }

    #[test]
    fn errors() {
        let (image, filter, none) = ("float[1,1,2,1] 1 2", "float[1,1,1,1] 1", "int32[4,2] 0 0 0 0 0 0 0 0");
        let pad = |image: &str, paddings: &str, filter: &str, want: &'static str| {
            ("FusedPadConv2D", format!("{image}; {paddings}; {filter}"), want)
        };
        let resize = |size: &str, want: &'static str| {
            ("FusedResizeAndPadConv2D", format!("{image}; {size}; {none}; {filter}"), want)
        };
        let rows = [
            pad(
                "float[1,2,1] 1 2",
                none,
                filter,
                "INVALID_ARGUMENT: convolution input must be 4-dimensional",
            ),
            pad(image, none, "float[1] 1", "INVALID_ARGUMENT: convolution filter must be 4-dimensional"),
            pad(image, "int32[2] 0 0", filter, "INVALID_ARGUMENT: paddings must be a matrix"),
            pad(
                image,
                "int32[4,2] 0 0 0 0 0 -1 0 0",
                filter,
                "INVALID_ARGUMENT: paddings must be non-negative",
            ),
            pad(image, "int32[4,2] 0 0 0 0 0 2 0 0", filter, "INVALID_ARGUMENT: paddings must be less than"),
            pad(image, "int32[4,2] 0 0 0 0 0 0 0 1", filter, "INVALID_ARGUMENT: Fused mirror padding only"),
            pad(image, none, "float[1,1,2,1] 1 1", "INVALID_ARGUMENT: input and filter must have the same"),
            pad(image, none, "float[1,1,1,0]", "INVALID_ARGUMENT: Input, filter and output tensors can't"),
            pad("float[0,2,2,1]", none, filter, "INVALID_ARGUMENT: Input, filter and output tensors can't"),
            resize("int32[3] 1 1 1", "INVALID_ARGUMENT: size must be a vector of two elements"),
            resize("int32[2] 0 1", "INVALID_ARGUMENT: output dimensions must be positive"),
            resize("int32[2] 1000000000 1000000000", "RESOURCE_EXHAUSTED: OOM when allocating tensor"),
            resize("int32[2] 2147483647 2147483647", "INVALID_ARGUMENT: A tensor of shape"),
        ];
        let attrs = "mode=REFLECT strides=[1,1,1,1] padding=VALID";
        let rows = rows.map(|(op, inputs, want)| (op, attrs, &*inputs.leak(), want));
        check_rows(crate::OPS, &rows);
    }
}
