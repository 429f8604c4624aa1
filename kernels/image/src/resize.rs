//! What the operators that resize images have in common: sizes, scales, and where pixels lie.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Kernel, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape};

use crate::pixel::{Images, Pixel, Rows};

/// The attributes that say where the pixels of a resized image lie.
#[derive(Clone, Copy, Debug, Default)]
pub struct Centers {
    /// The centres of the corner pixels stay where they are.
    pub align_corners: bool,
    /// Pixels are areas with their centres at 0.5, not points at 0.
    pub half_pixel: bool,
}

impl Centers {
    /// Reads both attributes.
    ///
    /// # Errors
    /// When there is none of these names.
    pub fn of(node: &Construction<'_>) -> Result<Centers> {
        Ok(Centers {
            align_corners: node.attr("align_corners")?,
            half_pixel: node.attr("half_pixel_centers")?,
        })
    }

    /// How far apart pixels of the result lie in the image.
    pub fn scale(self, from: usize, to: usize) -> f32 {
        match self.align_corners && to > 1 && from > 1 {
            true => (from - 1) as f32 / (to - 1) as f32,
            false => from as f32 / to as f32,
        }
    }

    /// Where pixel `at` of the result lies in the image, whose pixels are points at integers.
    pub fn place(self, at: usize, scale: f32) -> f32 {
        match self.half_pixel {
            true => (at as f32 + 0.5) * scale - 0.5,
            false => at as f32 * scale,
        }
    }
}

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Number of images.
    pub batch: usize,
    /// Height and width of the images.
    pub from: [usize; 2],
    /// Height and width of the results.
    pub to: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// Distance of neighbouring pixels of the result, down and across.
    pub scale: [f32; 2],
}

impl Sizes {
    /// Reads and checks the images (input 0) and the wanted size (input 1).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for images that are not of rank 4 or empty, and for a size that is not two positive numbers.
    pub fn of(ctx: &Context<'_>, centers: Centers) -> Result<Sizes> {
        let refuse = |text: String| Err(Error::invalid_argument(text));
        if centers.align_corners && centers.half_pixel {
            return refuse("If half_pixel_centers is True, align_corners must be False.".to_owned());
        }
        let shape = ctx.input(0).shape();
        let &[batch, height, width, channels] = shape.dims() else {
            return refuse(format!("input must be 4-dimensional{shape}"));
        };
        if channels == 0 {
            return refuse("image must have at least one channel".to_owned());
        }
        if height == 0 || width == 0 {
            return refuse("input image must be of non-zero size".to_owned());
        }
        if height.max(width) >= i32::MAX as usize {
            return refuse("input sizes must be between 0 and max int32".to_owned());
        }
        let to = wanted(ctx)?;
        if to[0].max(to[1]) > 1 << 20 {
            // Kernels keep some eight numbers for each row and column: there must be room for them.
            Shape::from([batch, to[0], to[1], channels]).checked_elements()?;
            ctx.allocate(DType::Double, [to[0] + to[1], 8])?;
        }
        let from = [height, width];
        let scale = [centers.scale(height, to[0]), centers.scale(width, to[1])];
        Ok(Sizes { batch, from, to, channels, scale })
    }

    /// The shape of the result.
    pub fn shape(&self) -> Shape {
        Shape::from([self.batch, self.to[0], self.to[1], self.channels])
    }

    /// Numbers in a row of an image.
    pub fn row_from(&self) -> usize {
        self.from[1] * self.channels
    }

    /// Numbers in a row of the result.
    pub fn row_to(&self) -> usize {
        self.to[1] * self.channels
    }
}

/// The wanted height and width, input 1.
fn wanted(ctx: &Context<'_>) -> Result<[usize; 2]> {
    let size = ctx.input(1);
    if size.rank() != 1 {
        return Err(Error::invalid_argument(format!("shape_t must be 1-dimensional{}", size.shape())));
    }
    let &[height, width] = size.as_slice::<i32>()? else {
        return Err(Error::invalid_argument(format!("shape_t must have two elements{}", size.shape())));
    };
    if height <= 0 || width <= 0 {
        return Err(Error::invalid_argument("output dimensions must be positive"));
    }
    Ok([height as usize, width as usize])
}

/// A kernel that draws images of single precision, of the wanted size, from images of `T`.
pub fn kernel<T: Pixel>(
    centers: Centers,
    draw: fn(&dyn Rows, &mut [f32], &Sizes, Centers),
) -> Box<dyn Kernel> {
    Box::new(move |ctx: &mut Context<'_>| {
        let sizes = Sizes::of(ctx, centers)?;
        let mut output = ctx.allocate(DType::Float, sizes.shape())?;
        let images = Images::new(ctx.input(0).as_slice::<T>()?, sizes.row_from());
        draw(&images, output.as_mut_slice()?, &sizes, centers);
        ctx.set(0, output);
        Ok(())
    })
}

/// Calls `draw(room, image, y, row)` for each row of the results; one number takes about `ns` nanoseconds.
///
/// Some neighbouring rows share their `room`.
pub fn for_rows<R>(
    out: &mut [f32],
    sizes: &Sizes,
    ns: f64,
    room: impl Fn() -> R + Sync,
    draw: impl Fn(&mut R, usize, usize, &mut [f32]) + Sync,
) {
    let (row, height) = (sizes.row_to(), sizes.to[0]);
    par::for_rows_mut(out, row, par::grain(row as f64 * ns).max(4), |first, rows| {
        let mut room = room();
        for (i, out) in rows.chunks_exact_mut(row).enumerate() {
            draw(&mut room, (first + i) / height, (first + i) % height, out);
        }
    });
}

/// Batch and channels of the images (input 0), the wanted height and width (input 1).
///
/// # Errors
/// None.
pub fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    sized(ctx, 1)
}

/// As [`shape`], with the wanted height and width in input `size`.
///
/// # Errors
/// None.
pub fn sized(ctx: &ShapeContext<'_>, size: usize) -> Result<Vec<PartialShape>> {
    let images = ctx.input(0);
    let size = ctx.integers(size).unwrap_or_default();
    let side = |axis: usize| size.get(axis).and_then(|&side| usize::try_from(side).ok());
    Ok(vec![PartialShape::new([images.dim(0), side(0), side(1), images.dim(3)])])
}
