//! `SampleDistortedBoundingBox`, its second version and the stateless one.

use std::sync::Arc;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::arguments::seeded;
use crate::generator::Generator;
use crate::philox::{Philox, Words};

/// Draws a part of an image that has a random size and shape and shows enough of one of the boxes.
///
/// The outputs are begin and size as `Slice` takes them, and the part as a box. When no attempt gives a part that will do, it is the whole
/// image.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SampleDistortedBoundingBoxV2>
pub const OPS: &[Op] = &[
    Op {
        name: "SampleDistortedBoundingBox",
        inputs: &["image_size: T", "bounding_boxes: float"],
        attrs: &[
            INTEGERS,
            "seed: int = 0",
            "seed2: int = 0",
            "min_object_covered: float = 0.1",
            ASPECT,
            AREA,
            ATTEMPTS,
            WHOLE,
        ],
        ..VERSION_2
    },
    VERSION_2,
    Op {
        name: "StatelessSampleDistortedBoundingBox",
        inputs: &["image_size: T", "bounding_boxes: float", "min_object_covered: float", "seed: Tseed"],
        attrs: &[INTEGERS, "Tseed: {int32, int64}", ASPECT, AREA, ATTEMPTS, WHOLE],
        effect: Effect::Pure,
        kernels: Kernels::All(&[("T", SIZES), ("Tseed", dtypes::INDICES)], build),
        ..VERSION_2
    },
];

const SIZES: &[DType] = &[DType::Uint8, DType::Int8, DType::Int16, DType::Int32, DType::Int64];
const INTEGERS: &str = "T: {uint8, int8, int16, int32, int64}";
const ASPECT: &str = "aspect_ratio_range: list(float) = [0.75, 1.33]";
const AREA: &str = "area_range: list(float) = [0.05, 1]";
const ATTEMPTS: &str = "max_attempts: int = 100";
const WHOLE: &str = "use_image_if_no_bounding_boxes: bool = false";

const VERSION_2: Op = Op {
    name: "SampleDistortedBoundingBoxV2",
    inputs: &["image_size: T", "bounding_boxes: float", "min_object_covered: float"],
    outputs: &["begin: T", "size: T", "bboxes: float"],
    attrs: &[INTEGERS, "seed: int = 0", "seed2: int = 0", ASPECT, AREA, ATTEMPTS, WHOLE],
    effect: Effect::Random,
    shape,
    kernels: Kernels::All(&[("T", SIZES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    for (i, &rank) in [1, 3, 0, 1].iter().enumerate().take(ctx.inputs.len()) {
        if ctx.input(i).rank().is_some_and(|found| found != rank) {
            return Err(Error::invalid_argument(format!(
                "Shape must be rank {rank} but is {}",
                ctx.input(i)
            )));
        }
    }
    let dim = |i: usize, axis: usize, want: usize| match ctx.input(i).dim(axis) {
        Some(found) if found != want => {
            Err(Error::invalid_argument(format!("Dimension must be {want} but is {found}")))
        }
        _ => Ok(()),
    };
    dim(0, 0, 3)?;
    dim(1, 2, 4)?;
    let three = PartialShape::new([Some(3)]);
    Ok(vec![three.clone(), three, PartialShape::new([Some(1), Some(1), Some(4)])])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let constraints = Constraints::of(node)?;
    let attribute = node.attr::<f32>("min_object_covered").ok();
    if attribute.is_some() {
        covered(attribute)?;
    }
    let generator: Option<Arc<Generator>> = match node.op.starts_with("Stateless") {
        true => None,
        false => Some(Generator::of(node)?),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let stream = match &generator {
            Some(generator) => generator.reserve(u64::from(constraints.attempts)),
            None => seeded(ctx.input(3))?,
        };
        let (height, width) = image_size(ctx.input(0))?;
        let boxes = ctx.input(1);
        if boxes.rank() != 3 || boxes.shape()[2] != 4 {
            return Err(Error::invalid_argument(format!(
                "bounding boxes must have shape [batch, num_boxes, 4], got {}",
                boxes.shape()
            )));
        }
        let least = match attribute {
            Some(least) => least,
            None => covered(scalar(ctx.input(2)))?,
        };
        let objects = objects(boxes.as_slice::<f32>()?, (height, width), constraints.whole)?;
        // Nothing shows more than all of an object, or one that is smaller than a pixel.
        let hopeless = least > 1.0 || objects.iter().all(|object| object.area() < 1.0);
        let part = match hopeless {
            true => None,
            false => constraints.draw((height, width), stream, |part| part.shows(least, &objects)),
        };
        give(ctx, part.unwrap_or(Rectangle { x: [0, width], y: [0, height] }), (height, width))
    }))
}

fn scalar(tensor: &Tensor) -> Option<f32> {
    (tensor.rank() == 0).then(|| tensor.to_scalar::<f32>().ok())?
}

fn covered(least: Option<f32>) -> Result<f32> {
    match least {
        Some(least) if least >= 0.0 => Ok(least),
        Some(least) => {
            Err(Error::invalid_argument(format!("Min object covered must be non-negative: {least}")))
        }
        None => Err(Error::invalid_argument("min_object_covered must be 0-D")),
    }
}

/// Height and width.
fn image_size(size: &Tensor) -> Result<(i32, i32)> {
    if size.shape()[..] != [3] {
        return Err(Error::invalid_argument(format!(
            "image_size must contain 3 elements, got {}",
            size.shape()
        )));
    }
    let size = size.to_i64s()?;
    let fit = |name: &str, n: i64| match i32::try_from(n) {
        Ok(n) if (0..i32::MAX).contains(&n) => Ok(n),
        _ => Err(Error::invalid_argument(format!("image {name} cannot be >= int32 max"))),
    };
    Ok((fit("height", size[0])?, fit("width", size[1])?))
}

/// Pixels, from the first to the one after the last.
#[derive(Clone, Copy)]
struct Rectangle {
    x: [i32; 2],
    y: [i32; 2],
}

impl Rectangle {
    fn area(&self) -> f32 {
        (self.x[1].wrapping_sub(self.x[0])).wrapping_mul(self.y[1].wrapping_sub(self.y[0])) as f32
    }

    fn shared_area(&self, other: &Rectangle) -> f32 {
        let both = |a: [i32; 2], b: [i32; 2]| [a[0].max(b[0]), a[1].min(b[1])];
        let shared = Rectangle { x: both(self.x, other.x), y: both(self.y, other.y) };
        if shared.x[0] > shared.x[1] || shared.y[0] > shared.y[1] { 0.0 } else { shared.area() }
    }

    /// Whether at least such a part of one of the objects is inside. What is smaller than a pixel is nothing.
    fn shows(&self, least: f32, objects: &[Rectangle]) -> bool {
        let visible = |object: &&Rectangle| object.area() >= 1.0;
        self.area() >= 1.0
            && objects.iter().filter(visible).any(|object| self.shared_area(object) / object.area() >= least)
    }
}

fn objects(boxes: &[f32], (height, width): (i32, i32), whole: bool) -> Result<Vec<Rectangle>> {
    if let Some(bad) = boxes.iter().find(|corner| !(0.0..=1.0).contains(*corner)) {
        return Err(Error::invalid_argument(format!(
            "All bounding box coordinates must be in [0.0, 1.0]: {bad}"
        )));
    }
    if boxes.is_empty() {
        let what = "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you wish to not \
                    provide any bounding boxes.";
        let all = Rectangle { x: [0, width], y: [0, height] };
        return if whole { Ok(vec![all]) } else { Err(Error::invalid_argument(what)) };
    }
    let pixel = |part: f32, size: i32| (part * size as f32) as i32;
    let rectangle = |corners: &[f32]| Rectangle {
        x: [pixel(corners[1], width), pixel(corners[3], width)],
        y: [pixel(corners[0], height), pixel(corners[2], height)],
    };
    Ok(boxes.chunks_exact(4).map(rectangle).collect())
}

/// What a part must be like.
#[derive(Clone, Copy)]
struct Constraints {
    aspect: [f32; 2],
    area: [f32; 2],
    attempts: u32,
    whole: bool,
}

impl Constraints {
    fn of(node: &Construction<'_>) -> Result<Constraints> {
        let pair = |name: &str| -> Result<[f32; 2]> {
            let range: Vec<f32> = node.attr(name)?;
            match <[f32; 2]>::try_from(range) {
                Ok([low, high]) if low > 0.0 && high > 0.0 => Ok([low, high]),
                _ => Err(Error::invalid_argument(format!("{name} must be two numbers above zero"))),
            }
        };
        let area = pair("area_range")?;
        if area.iter().any(|&part| part > 1.0) {
            return Err(Error::invalid_argument("Area range must be less then or equal to 1.0"));
        }
        let attempts = node.attr::<i64>("max_attempts")?;
        match u32::try_from(attempts) {
            Ok(attempts) if (1..=i32::MAX as u32).contains(&attempts) => Ok(Constraints {
                aspect: pair("aspect_ratio_range")?,
                area,
                attempts,
                whole: node.attr("use_image_if_no_bounding_boxes")?,
            }),
            _ => Err(Error::invalid_argument(format!("Max attempts must be non-negative: {attempts}"))),
        }
    }

    /// The first part that will do.
    fn draw(
        &self,
        image: (i32, i32),
        stream: Philox,
        will_do: impl Fn(&Rectangle) -> bool,
    ) -> Option<Rectangle> {
        if self.area[0] > self.area[1] || image.0 == 0 || image.1 == 0 {
            return None;
        }
        let mut words = Words::of(stream);
        let [low, high] = self.aspect;
        (0..self.attempts).find_map(|_| {
            let aspect = words.uniform() * (high - low) + low;
            self.attempt(image, aspect, &mut words).filter(&will_do)
        })
    }

    /// A part with this ratio of width to height; none when the roundings leave the range of areas.
    fn attempt(&self, (height, width): (i32, i32), aspect: f32, words: &mut Words) -> Option<Rectangle> {
        let [least, most] = self.area.map(|part| part * width as f32 * height as f32);
        if aspect <= 0.0 {
            return None;
        }
        // As x86 converts what does not fit 64 bits.
        let rounded = |x: f32| if x.abs() < 9e18 { x.round_ties_even() as i64 as i32 } else { 0 };
        let across = |tall: i32| rounded(tall as f32 * aspect);
        let mut highest = rounded((most / aspect).sqrt());
        if across(highest) > width {
            highest = ((f64::from(width) + 0.5 - f64::from(1e-7_f32)) / f64::from(aspect)) as i32;
            highest -= i32::from(across(highest) > width);
        }
        let highest = highest.min(height);
        let mut tall = rounded((least / aspect).sqrt()).min(highest);
        if tall < highest {
            tall = tall.wrapping_add(words.below(highest.wrapping_sub(tall).wrapping_add(1) as u32) as i32);
        }
        let area = |tall: i32| across(tall).wrapping_mul(tall) as f32;
        tall += i32::from(area(tall) < least);
        tall -= i32::from(area(tall) > most);
        let (wide, area) = (across(tall), area(tall));
        if !(least..=most).contains(&area) || !(1..=width).contains(&wide) || !(1..=height).contains(&tall) {
            return None;
        }
        let mut start =
            |size: i32, part: i32| if part < size { words.below((size - part) as u32) as i32 } else { 0 };
        let y = start(height, tall);
        let x = start(width, wide);
        Some(Rectangle { x: [x, x + wide], y: [y, y + tall] })
    }
}

fn give(ctx: &mut Context<'_>, part: Rectangle, (height, width): (i32, i32)) -> Result<()> {
    let begin = [part.y[0], part.x[0], 0].map(i64::from);
    let size = [part.y[1] - part.y[0], part.x[1] - part.x[0], -1].map(i64::from);
    let dtype = ctx.input(0).dtype();
    let corner = |at: i32, size: i32| at as f32 / size as f32;
    let corners: Vec<f32> =
        [0, 1].iter().flat_map(|&i| [corner(part.y[i], height), corner(part.x[i], width)]).collect();
    ctx.set(0, narrowed(dtype, begin)?);
    ctx.set(1, narrowed(dtype, size)?);
    ctx.set(2, Tensor::from_vec([1, 1, 4], corners)?);
    Ok(())
}

fn narrowed(dtype: DType, values: [i64; 3]) -> Result<Tensor> {
    match dtype {
        DType::Uint8 => Tensor::from_vec([3], values.map(|v| v as u8).to_vec()),
        DType::Int8 => Tensor::from_vec([3], values.map(|v| v as i8).to_vec()),
        DType::Int16 => Tensor::from_vec([3], values.map(|v| v as i16).to_vec()),
        DType::Int32 => Tensor::from_vec([3], values.map(|v| v as i32).to_vec()),
        _ => Tensor::from_vec([3], values.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "StatelessSampleDistortedBoundingBox";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int32[3] 120 80 3; float[1,1,4] 0.1 0.2 0.6 0.7; float[] 0.5; int32[2] 1 2",
                    "int32[3] 40 1 0; int32[3] 49 61 -1; float[1,1,4] 0.33333334 0.0125 0.7416667 0.775",
                ),
                (
                    "SampleDistortedBoundingBox",
                    "seed=1 seed2=2 use_image_if_no_bounding_boxes=true",
                    "uint8[3] 20 30 3; float[1,0,4]",
                    "uint8[3] 6 15 0; uint8[3] 11 11 255; float[1,1,4] 0.3 0.5 0.85 0.8666667",
                ),
                (
                    op,
                    "max_attempts=1",
                    "int64[3] 12 8 3; float[1,1,4] 0.1 0.2 0.6 0.7; float[] 2; int32[2] 1 2",
                    "int64[3] 0 0 0; int64[3] 12 8 -1; float[1,1,4] 0 0 1 1",
                ),
                (
                    op,
                    "",
                    "int32[3] 12 8 3; float[1,0,4]; float[] 0.1; int32[2] 1 2",
                    "INVALID_ARGUMENT: No bounding boxes provided as input.",
                ),
            ],
        );
    }
}
