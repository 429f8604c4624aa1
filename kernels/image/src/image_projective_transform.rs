//! See [`OPS`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, bf16, f16};

use crate::resize::sized;

/// Transforms images by a projection of the result's pixels onto the image's.
///
/// The eight numbers of a transform are the rows of a matrix whose last element is one; one transform may serve all
/// images. What lies outside of the image is a constant (zero in V2) or follows from the image by `fill_mode`. Integers
/// that were interpolated are cut off, not rounded.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ImageProjectiveTransformV3>
pub const OPS: &[Op] = &[
    Op {
        name: "ImageProjectiveTransformV2",
        inputs: &["images: dtype", "transforms: float", "output_shape: int32"],
        outputs: &["transformed_images: dtype"],
        attrs: &[
            "dtype: {uint8, int32, int64, half, bfloat16, float, double}",
            "interpolation: string",
            "fill_mode: string = 'CONSTANT'",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("dtype"; build: u8 i32 i64 f16 bf16 f32 f64),
    },
    Op {
        name: "ImageProjectiveTransformV3",
        inputs: &["images: dtype", "transforms: float", "output_shape: int32", "fill_value: float"],
        outputs: &["transformed_images: dtype"],
        attrs: &[
            "dtype: {uint8, int32, int64, half, bfloat16, float, double}",
            "interpolation: string",
            "fill_mode: string = 'CONSTANT'",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("dtype"; build: u8 i32 i64 f16 bf16 f32 f64),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    sized(ctx, 2)
}

/// A number that interpolated pixels may have.
trait Sample: Element {
    fn single(self) -> f32;
    fn of_single(x: f32) -> Self;
}

macro_rules! samples {
    ($($type:ty: $single:expr, $of_single:expr;)*) => {
        $(impl Sample for $type {
            fn single(self) -> f32 { $single(self) }
            fn of_single(x: f32) -> $type { $of_single(x) }
        })*
    };
}

samples! {
    // A fill value beyond 255 keeps its last byte.
    u8: f32::from, |x| x as i32 as u8;
    i32: |x| x as f32, |x| x as i32;
    i64: |x| x as f32, |x| x as i64;
    f16: f16::to_f32, f16::from_f32;
    bf16: bf16::to_f32, bf16::from_f32;
    f32: |x| x, |x| x;
    f64: |x| x as f32, f64::from;
}

/// What lies outside of an image.
#[derive(Clone, Copy)]
enum Fill {
    /// The image backwards, with its last pixel: `dcba|abcd|dcba`.
    Reflect,
    /// The image again: `abcd|abcd|abcd`.
    Wrap,
    /// A constant.
    Constant,
    /// Its last pixel.
    Nearest,
}

impl Fill {
    fn named(name: &str) -> Option<Fill> {
        Some(match name {
            "REFLECT" => Fill::Reflect,
            "WRAP" => Fill::Wrap,
            "CONSTANT" => Fill::Constant,
            "NEAREST" => Fill::Nearest,
            _ => return None,
        })
    }

    /// The place within a side of `length` pixels that stands for `place`; places that a constant fills stay outside.
    fn place(self, place: f32, length: i64) -> f32 {
        let last = (length - 1) as f32;
        let outside = place < 0.0 || place > last;
        let found = match self {
            Fill::Constant => return place,
            Fill::Nearest => place,
            Fill::Reflect | Fill::Wrap if outside && length <= 1 => 0.0,
            Fill::Reflect if outside => reflect(place, length),
            Fill::Wrap if outside => wrap(place, length),
            Fill::Reflect | Fill::Wrap => place,
        };
        // NaN stays; a side of no pixels has no place inside.
        let found = if found < 0.0 { 0.0 } else { found };
        if found > last { last } else { found }
    }
}

fn reflect(place: f32, length: i64) -> f32 {
    let period = 2 * length;
    let periods = |x: f32| period.wrapping_mul((x / period as f32) as i64) as f32;
    if place < 0.0 {
        let place = periods(-place) + place;
        if place < -(length as f32) { place + period as f32 } else { -place - 1.0 }
    } else {
        let place = place - periods(place);
        if place >= length as f32 { period as f32 - place - 1.0 } else { place }
    }
}

fn wrap(place: f32, length: i64) -> f32 {
    let periods = |x: f32| (x / (length - 1) as f32) as i64;
    if place < 0.0 {
        place + length.wrapping_mul(periods(-place).wrapping_add(1)) as f32
    } else {
        place - length.wrapping_mul(periods(place)) as f32
    }
}

fn build<T: Sample>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let refuse = |what: &str, name: &str| Error::invalid_argument(format!("Invalid {what} {name}"));
    let interpolation: String = node.attr("interpolation")?;
    let bilinear = match interpolation.as_str() {
        "NEAREST" => false,
        "BILINEAR" => true,
        other => return Err(refuse("interpolation", other)),
    };
    let mode: String = node.attr("fill_mode")?;
    let mode = Fill::named(&mode).ok_or_else(|| refuse("mode", &mode))?;
    let has_fill = node.inputs.len() > 3;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [height, width] = check(ctx)?;
        let fill = match has_fill {
            true if ctx.input(3).rank() == 0 => ctx.input(3).to_scalar::<f32>()?,
            true => {
                let shape = ctx.input(3).shape();
                return Err(Error::invalid_argument(format!("fill_value must be a scalar{shape}")));
            }
            false => 0.0,
        };
        let shape = ctx.input(0).shape();
        let (batch, from, channels) = (shape[0], [shape[1], shape[2]], shape[3]);
        let mut output = ctx.allocate(T::DTYPE, [batch, height, width, channels])?;
        let pixels = ctx.input(0).as_slice::<T>()?;
        let transform = Transform { pixels, from, channels, mode, bilinear, fill: T::of_single(fill) };
        let transforms = ctx.input(1).as_slice::<f32>()?;
        transform.draw(output.as_mut_slice()?, [height, width], transforms);
        ctx.set(0, output);
        Ok(())
    }))
}

/// The height and width of the result.
fn check(ctx: &Context<'_>) -> Result<[usize; 2]> {
    let [images, transforms, size] = [0, 1, 2].map(|i| ctx.input(i).shape());
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if images.rank() != 4 {
        return refuse("Input images must have rank 4".to_owned());
    }
    if transforms.rank() != 2 || transforms[1] != 8 || ![images[0], 1].contains(&transforms[0]) {
        return refuse("Input transform should be num_images x 8 or 1 x 8".to_owned());
    }
    if size.rank() != 1 {
        return refuse(format!("output shape must be 1-dimensional{size}"));
    }
    let &[height, width] = ctx.input(2).as_slice::<i32>()? else {
        return refuse(format!("output shape must have two elements{size}"));
    };
    if height <= 0 || width <= 0 {
        return refuse("output dimensions must be positive".to_owned());
    }
    Ok([height as usize, width as usize])
}

struct Transform<'a, T> {
    pixels: &'a [T],
    from: [usize; 2],
    channels: usize,
    mode: Fill,
    bilinear: bool,
    fill: T,
}

impl<T: Sample> Transform<'_, T> {
    fn draw(&self, out: &mut [T], [height, width]: [usize; 2], transforms: &[f32]) {
        let row = width * self.channels;
        par::for_rows_mut(out, row, par::grain(row as f64 * 3.0), |first, rows| {
            for (i, out) in rows.chunks_exact_mut(row).enumerate() {
                let (image, y) = ((first + i) / height, (first + i) % height);
                let transform = if transforms.len() == 8 { transforms } else { &transforms[image * 8..] };
                for (x, out) in out.chunks_exact_mut(self.channels).enumerate() {
                    match project(transform, x as f32, y as f32) {
                        Some(place) => self.pixel(image, place, out),
                        None => out.fill(self.fill),
                    }
                }
            }
        });
    }

    /// The pixel that lies at a place, which may be outside, of an image.
    fn pixel(&self, image: usize, [y, x]: [f32; 2], out: &mut [T]) {
        let [height, width] = self.from;
        let (y, x) = (self.mode.place(y, height as i64), self.mode.place(x, width as i64));
        let read = |y: f32, x: f32| {
            let inside = (0.0..height as f32).contains(&y) && (0.0..width as f32).contains(&x);
            inside.then(|| {
                let at = (image * self.from[0] + y as usize) * self.from[1] + x as usize;
                &self.pixels[at * self.channels..][..self.channels]
            })
        };
        if !self.bilinear {
            return match read(y.round(), x.round()) {
                Some(pixel) => out.copy_from_slice(pixel),
                None => out.fill(self.fill),
            };
        }
        let (top, left) = (y.floor(), x.floor());
        let (bottom, right) = (top + 1.0, left + 1.0);
        let corners = [read(top, left), read(top, right), read(bottom, left), read(bottom, right)];
        for (channel, out) in out.iter_mut().enumerate() {
            let [a, b, c, d] = corners.map(|pixel| pixel.map_or(self.fill, |pixel| pixel[channel]).single());
            let above = (right - x) * a + (x - left) * b;
            let below = (right - x) * c + (x - left) * d;
            *out = T::of_single((bottom - y) * above + (y - top) * below);
        }
    }
}

/// Where a pixel of the result comes from, down and across; `None` when that is infinitely far.
fn project(transform: &[f32], x: f32, y: f32) -> Option<[f32; 2]> {
    let &[a0, a1, a2, b0, b1, b2, c0, c1] = transform.first_chunk::<8>()?;
    let depth = c0 * x + c1 * y + 1.0;
    (depth != 0.0).then(|| [(b0 * x + b1 * y + b2) / depth, (a0 * x + a1 * y + a2) / depth])
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "ImageProjectiveTransformV2",
                    "interpolation=NEAREST",
                    "uint8[1,2,3,1] 1 2 3 4 5 6; float[1,8] 1 0 1 0 1 0 0 0; int32[2] 2 3",
                    "uint8[1,2,3,1] 2 3 0 5 6 0",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=BILINEAR",
                    "int32[1,2,2,2] 1 2 3 4 5 6 7 8; float[1,8] 1 0 0.5 0 1 0 0 0; int32[2] 2 2; float[] 9",
                    "int32[1,2,2,2] 2 3 6 6 6 7 8 8",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=NEAREST fill_mode=REFLECT",
                    "float[1,1,3,1] 1 2 3; float[1,8] 1 0 -5 0 1 0 0 0; int32[2] 1 12; float[] 9",
                    "float[1,1,12,1] 2 3 3 2 1 1 2 3 3 2 1 1",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=NEAREST fill_mode=WRAP",
                    "half[1,1,3,1] 1 2 3; float[1,8] 1 0 -5 0 1 0 0 0; int32[2] 1 12; float[] 9",
                    "half[1,1,12,1] 3 3 3 3 3 1 2 3 1 1 1 1",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=BILINEAR fill_mode=NEAREST",
                    "double[2,1,3,1] 1 2 3 4 5 6; float[2,8] 1 0 -1 0 1 0 0 0 0.5 0 0 0 1 0 0 0; int32[2] 1 5; float[] 9",
                    "double[2,1,5,1] 1 1 2 3 3 4 4.5 5 5.5 6",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=NEAREST",
                    "int64[1,1,3,1] 1 2 3; float[1,8] 1 0 0 0 1 0 -0.5 0; int32[2] 1 4; float[] 9",
                    "int64[1,1,4,1] 1 3 9 9",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=BILINEAR",
                    "uint8[1,1,1,1] 1; float[1,8] 1 0 5 0 1 0 0 0; int32[2] 1 1; float[] 300",
                    "uint8[1,1,1,1] 44",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=BILINEAR fill_mode=REFLECT",
                    "float[1,0,1,1]; float[1,8] 1 0 5 0 1 0 0 0; int32[2] 1 1; float[] 3",
                    "float[1,1,1,1] 3",
                ),
                (
                    "ImageProjectiveTransformV3",
                    "interpolation=NEAREST",
                    "float[1,1,1,1] 1; float[1,8] 1 0 5 0 1 0 0 0; int32[2] 1 1; float[1] 3",
                    "INVALID_ARGUMENT: fill_value must be a scalar[1]",
                ),
                (
                    "ImageProjectiveTransformV2",
                    "interpolation=NEAREST",
                    "float[1,1,1,1] 1; float[2,8] 1 0 5 0 1 0 0 0 1 2 3 4 5 6 7 8; int32[2] 1 1",
                    "INVALID_ARGUMENT: Input transform should be num_images x 8 or 1 x 8",
                ),
                (
                    "ImageProjectiveTransformV2",
                    "interpolation=NEAREST",
                    "float[1,1,1,1] 1; float[1,8] 1 0 5 0 1 0 0 0; int32[2] 1 0",
                    "INVALID_ARGUMENT: output dimensions must be positive",
                ),
            ],
        );
    }
}
