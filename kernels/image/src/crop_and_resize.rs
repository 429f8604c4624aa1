//! See [`OP`].

use savedmodel_math::par;
use savedmodel_math::simd::{self, Isa};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Error, PartialShape, Result, f16};

use crate::pixel::{Images, Pixel, Rows};

/// Cuts boxes out of images and resizes each to one size, by interpolation or by the nearest pixel.
///
/// A box is two corners, y before x, in parts of the image's height and width, and may be flipped or lie outside, where
/// pixels are `extrapolation_value`. A crop of one row or column takes the middle of its box.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CropAndResize>
pub const OP: Op = Op {
    name: "CropAndResize",
    inputs: &["image: T", "boxes: float", "box_ind: int32", "crop_size: int32"],
    outputs: &["crops: float"],
    attrs: &[
        "T: {uint8, uint16, int8, int16, int32, int64, half, float, double}",
        "method: {'bilinear', 'nearest'} = 'bilinear'",
        "extrapolation_value: float = 0.0",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: u8 u16 i8 i16 i32 i64 f16 f32 f64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let size = ctx.integers(3).unwrap_or_default();
    let side = |axis: usize| size.get(axis).and_then(|&side| usize::try_from(side).ok());
    let count = ctx.input(1).dim(0).or(ctx.input(2).dim(0));
    Ok(vec![PartialShape::new([count, side(0), side(1), ctx.input(0).dim(3)])])
}

fn build<T: Pixel>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let nearest = node.attr::<String>("method")? == "nearest";
    let outside = node.attr("extrapolation_value")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let sizes = Sizes::of(ctx)?;
        let mut crops =
            ctx.allocate(DType::Float, [sizes.count, sizes.crop[0], sizes.crop[1], sizes.channels])?;
        let (boxes, images_of) = (ctx.input(1).as_slice::<f32>()?, ctx.input(2).as_slice::<i32>()?);
        if images_of.iter().any(|&image| usize::try_from(image).map_or(true, |image| image >= sizes.batch)) {
            return Err(Error::out_of_range("box_index has values outside [0, batch_size)"));
        }
        if crops.elements() > 0 && !boxes.iter().all(|x| x.is_finite()) {
            return Err(Error::invalid_argument("Boxes contains at least one element that is not finite"));
        }
        let images = Images::new(ctx.input(0).as_slice::<T>()?, sizes.image[1] * sizes.channels);
        let crop = Crop { images: &images, boxes, images_of, sizes, nearest, outside };
        crop.draw(crops.as_mut_slice()?);
        ctx.set(0, crops);
        Ok(())
    }))
}

#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    image: [usize; 2],
    channels: usize,
    count: usize,
    crop: [usize; 2],
}

impl Sizes {
    fn of(ctx: &Context<'_>) -> Result<Sizes> {
        let [image, boxes, index, size] = [0, 1, 2, 3].map(|i| ctx.input(i).shape());
        let refuse = |text: String| Err(Error::invalid_argument(text));
        let &[batch, height, width, channels] = image.dims() else {
            return refuse(format!("input image must be 4-D{image}"));
        };
        if height == 0 || width == 0 {
            return refuse("image dimensions must be positive".to_owned());
        }
        if boxes.rank() != 2 {
            return refuse(format!("boxes must be 2-D, got: {boxes}"));
        }
        if index.rank() != 1 {
            return refuse(format!("box_indices must be rank 1 but is shape {index}"));
        }
        let count = if boxes.elements() == 0 && index.elements() == 0 { 0 } else { boxes[0] };
        if count > 0 && boxes[1] != 4 {
            return refuse("boxes must have 4 columns".to_owned());
        }
        if index[0] != count {
            return refuse("box_index has incompatible shape".to_owned());
        }
        if size.rank() != 1 {
            return refuse(format!("crop_size must be 1-D{size}"));
        }
        let &[crop_height, crop_width] = ctx.input(3).as_slice::<i32>()? else {
            return refuse(format!("crop_size must have two elements{size}"));
        };
        if crop_height <= 0 || crop_width <= 0 {
            return refuse("crop dimensions must be positive".to_owned());
        }
        let crop = [crop_height as usize, crop_width as usize];
        Ok(Sizes { batch, image: [height, width], channels, count, crop })
    }
}

struct Crop<'a> {
    images: &'a dyn Rows,
    boxes: &'a [f32],
    images_of: &'a [i32],
    sizes: Sizes,
    nearest: bool,
    outside: f32,
}

impl Crop<'_> {
    fn draw(&self, crops: &mut [f32]) {
        let Sizes { image: [height, width], channels, crop, .. } = self.sizes;
        let row = crop[1] * channels;
        par::for_rows_mut(crops, row, par::grain(row as f64).max(4), |first, rows| {
            let mut room = [const { Vec::new() }; 2];
            let (mut columns, mut columns_of) = (Columns::default(), usize::MAX);
            for (i, out) in rows.chunks_exact_mut(row).enumerate() {
                let (at, y) = ((first + i) / crop[0], (first + i) % crop[0]);
                let &[y1, x1, y2, x2] = &self.boxes[at * 4..][..4] else { continue };
                if columns_of != at {
                    columns = Columns::of([x1, x2], width, crop[1], self.nearest);
                    columns_of = at;
                }
                let Some(rows) = Span::of(place([y1, y2], height, crop[0], y), height, self.nearest) else {
                    out.fill(self.outside);
                    continue;
                };
                let above = self.images_of[at] as usize * height;
                let part = columns.start * channels..columns.end * channels;
                let mut ends = [rows.lower, rows.upper].into_iter();
                let [top, bottom] = room.each_mut().map(|room| {
                    let row = above + ends.next().unwrap_or_default();
                    self.images.part(row, part.clone(), room)
                });
                let weight = rows.weight;
                let outside = self.outside;
                simd::dispatch(Row { top, bottom, weight, columns: &columns, channels, outside, out });
            }
        });
    }
}

/// Where row or column `at` of a crop lies in an image, which has pixels at integers.
pub fn place([from, to]: [f32; 2], side: usize, crop: usize, at: usize) -> f32 {
    let last = (side - 1) as f32;
    if crop > 1 {
        let scale = (to - from) * last / (crop - 1) as f32;
        from * last + at as f32 * scale
    } else {
        (0.5 * f64::from(from + to) * f64::from(last)) as f32
    }
}

/// The two pixels around a place, and how near the upper one is.
#[derive(Clone, Copy)]
pub struct Span {
    pub lower: usize,
    pub upper: usize,
    pub weight: f32,
}

impl Span {
    /// `None` outside of the image.
    pub fn of(place: f32, side: usize, nearest: bool) -> Option<Span> {
        if !(0.0..=(side - 1) as f32).contains(&place) {
            return None;
        }
        Some(match nearest {
            true => Span { lower: place.round() as usize, upper: place.round() as usize, weight: 0.0 },
            false => Span {
                lower: place.floor() as usize,
                upper: place.ceil() as usize,
                weight: place - place.floor(),
            },
        })
    }
}

/// The columns of a crop, counted from the first column of the image that one needs.
#[derive(Default)]
struct Columns {
    spans: Vec<Option<Span>>,
    start: usize,
    end: usize,
}

impl Columns {
    fn of(ends: [f32; 2], width: usize, crop: usize, nearest: bool) -> Columns {
        let span = |x| Span::of(place(ends, width, crop, x), width, nearest);
        let mut spans: Vec<Option<Span>> = (0..crop).map(span).collect();
        let start = spans.iter().flatten().map(|span| span.lower).min().unwrap_or(0);
        let end = spans.iter().flatten().map(|span| span.upper + 1).max().unwrap_or(0);
        for span in spans.iter_mut().flatten() {
            (span.lower, span.upper) = (span.lower - start, span.upper - start);
        }
        Columns { spans, start, end }
    }
}

/// A row of a crop, from two rows of the image.
struct Row<'a> {
    top: &'a [f32],
    bottom: &'a [f32],
    weight: f32,
    columns: &'a Columns,
    channels: usize,
    outside: f32,
    out: &'a mut [f32],
}

impl simd::Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (out, span) in self.out.chunks_exact_mut(self.channels).zip(&self.columns.spans) {
            let Some(span) = span else {
                out.fill(self.outside);
                continue;
            };
            let top = [span.lower, span.upper].map(|at| &self.top[at * self.channels..][..self.channels]);
            let bottom =
                [span.lower, span.upper].map(|at| &self.bottom[at * self.channels..][..self.channels]);
            let pixels = top[0].iter().zip(top[1]).zip(bottom[0].iter().zip(bottom[1]));
            for (out, ((top_left, top_right), (bottom_left, bottom_right))) in out.iter_mut().zip(pixels) {
                let top = top_left + (top_right - top_left) * span.weight;
                let bottom = bottom_left + (bottom_right - bottom_left) * span.weight;
                *out = top + (bottom - top) * self.weight;
            }
        }
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
                    "CropAndResize",
                    "",
                    "float[1,2,2,1] 1 2 3 4; float[1,4] 0 0 1 1; int32[1] 0; int32[2] 3 3",
                    "float[1,3,3,1] 1 1.5 2 2 2.5 3 3 3.5 4",
                ),
                (
                    "CropAndResize",
                    "extrapolation_value=-1",
                    "uint8[2,2,2,2] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; float[2,4] 1 1 0 0 -0.5 0.5 0.5 1; int32[2] 1 0; int32[2] 2 3",
                    "float[2,2,3,2] 15 16 14 15 13 14 11 12 10 11 9 10 -1 -1 -1 -1 -1 -1 4 5 4.5 5.5 5 6",
                ),
                (
                    "CropAndResize",
                    "method=nearest",
                    "half[1,1,4,1] 1 2 3 4; float[1,4] 0 0.2 0 0.9; int32[1] 0; int32[2] 1 3",
                    "float[1,1,3,1] 2 3 4",
                ),
                (
                    "CropAndResize",
                    "",
                    "int64[1,3,3,1] 1 2 3 4 5 6 7 8 9; float[1,4] 0.2 0.4 0.6 0.5; int32[1] 0; int32[2] 1 1",
                    "float[1,1,1,1] 4.3",
                ),
                (
                    "CropAndResize",
                    "",
                    "float[1,2,2,1] 1 2 3 4; float[0,4]; int32[0]; int32[2] 3 3",
                    "float[0,3,3,1]",
                ),
                (
                    "CropAndResize",
                    "",
                    "float[1,2,2,1] 1 2 3 4; float[1,4] 0 0 1 1; int32[1] 1; int32[2] 3 3",
                    "OUT_OF_RANGE: box_index has values outside [0, batch_size)",
                ),
                (
                    "CropAndResize",
                    "",
                    "float[1,2,2,1] 1 2 3 4; float[1,4] 0 nan 1 1; int32[1] 0; int32[2] 3 3",
                    "INVALID_ARGUMENT: Boxes contains at least one element that is not finite",
                ),
                (
                    "CropAndResize",
                    "",
                    "float[1,2,2,1] 1 2 3 4; float[1,4] 0 0 1 1; int32[2] 0 0; int32[2] 3 3",
                    "INVALID_ARGUMENT: box_index has incompatible shape",
                ),
                (
                    "CropAndResize",
                    "",
                    "float[1,2,2,1] 1 2 3 4; float[4] 0 0 1 1; int32[1] 0; int32[2] 3 3",
                    "INVALID_ARGUMENT: boxes must be 2-D, got: [4]",
                ),
                (
                    "CropAndResize",
                    "",
                    "float[1,2,0,1]; float[1,4] 0 0 1 1; int32[1] 0; int32[2] 3 3",
                    "INVALID_ARGUMENT: image dimensions must be positive",
                ),
                (
                    "CropAndResize",
                    "",
                    "float[1,2,2,1] 1 2 3 4; float[1,4] 0 0 1 1; int32[1] 0; int32[2] 3 0",
                    "INVALID_ARGUMENT: crop dimensions must be positive",
                ),
            ],
        );
    }
}
