//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Shape, f16};

use crate::crop_and_resize::{Span, place};

/// The gradient of `CropAndResize` with respect to its images, of which it takes the shape.
///
/// Parts are rounded to the type of the result and added there, in the order of the crops.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CropAndResizeGradImage>
pub const OP: Op = Op {
    name: "CropAndResizeGradImage",
    inputs: &["grads: float", "boxes: float", "box_ind: int32", "image_size: int32"],
    outputs: &["output: T"],
    attrs: &["T: {float, half, double}", "method: {'bilinear', 'nearest'} = 'bilinear'"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let sizes = ctx.integers(3).filter(|sizes| sizes.len() == 4);
    Ok(vec![match sizes {
        Some(sizes) => PartialShape::new(sizes.iter().map(|&size| usize::try_from(size).ok())),
        None => PartialShape::of_rank(4),
    }])
}

/// A type that gradients are added up in.
trait Gradient: Element + std::ops::Add<Output = Self> {
    fn round(value: f32) -> Self;
}

macro_rules! gradients {
    ($($t:ty: $round:expr;)*) => {$(
        impl Gradient for $t {
            fn round(value: f32) -> $t {
                $round(value)
            }
        }
    )*};
}

gradients! { f32: f32::from; f64: f64::from; f16: f16::from_f32; }

fn build<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let nearest = node.attr::<String>("method")? == "nearest";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let sizes = check(ctx)?;
        let [gradient, boxes] = [0, 1].map(|i| ctx.input(i).as_slice::<f32>());
        let (gradient, boxes, images) = (gradient?, boxes?, ctx.input(2).as_slice::<i32>()?);
        let mut out = ctx.allocate(T::DTYPE, sizes.clone())?;
        let &[batch, height, width, channels] = sizes.dims() else { return Ok(()) };
        if images.iter().any(|&image| usize::try_from(image).map_or(true, |image| image >= batch)) {
            return Err(Error::out_of_range("box_index has values outside [0, batch_size)"));
        }
        let crop = &ctx.input(0).shape()[1..3];
        let sums = out.as_mut_slice::<T>()?;
        sums.fill(T::default());
        let size = crop[0] * crop[1] * channels;
        for ((gradient, edges), &image) in
            gradient.chunks_exact(size.max(1)).zip(boxes.chunks_exact(4)).zip(images)
        {
            let span = |ends: [usize; 2], side, crop, at| {
                Span::of(place(ends.map(|end| edges[end]), side, crop, at), side, nearest)
            };
            for (pixel, gradient) in gradient.chunks_exact(channels).enumerate() {
                let y = span([0, 2], height, crop[0], pixel / crop[1]);
                let (Some(y), Some(x)) = (y, span([1, 3], width, crop[1], pixel % crop[1])) else { continue };
                for (row, down) in [(y.lower, 1.0 - y.weight), (y.upper, y.weight)] {
                    for (column, across) in [(x.lower, 1.0 - x.weight), (x.upper, x.weight)] {
                        let first = ((image as usize * height + row) * width + column) * channels;
                        for (sum, gradient) in sums[first..first + channels].iter_mut().zip(gradient) {
                            *sum = *sum + T::round(across * (down * gradient));
                        }
                    }
                }
            }
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// The shape of the result.
fn check(ctx: &Context<'_>) -> Result<Shape> {
    let [gradient, boxes, index, size] = [0, 1, 2, 3].map(|i| ctx.input(i).shape());
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if gradient.rank() != 4 {
        return refuse(format!("grads image must be 4-D{gradient}"));
    }
    if gradient[1] == 0 || gradient[2] == 0 {
        return refuse("grads dimensions must be positive".to_owned());
    }
    if boxes.rank() != 2 || index.rank() != 1 {
        return refuse(format!("boxes must be 2-D and box_ind 1-D, got: {boxes} and {index}"));
    }
    if boxes[0] != index[0] || boxes[0] > 0 && boxes[1] != 4 {
        return refuse("boxes and box_index have incompatible shape".to_owned());
    }
    if size.dims() != [4] {
        return refuse(format!("image_size must be 1-D and have 4 elements{size}"));
    }
    let sizes = Shape::from_i64(&ctx.input(3).to_i64s()?)?;
    if sizes[1] == 0 || sizes[2] == 0 {
        return refuse("image dimensions must be positive".to_owned());
    }
    if gradient[0] != boxes[0] || gradient[3] != sizes[3] {
        return refuse("boxes, image and grads have incompatible shape".to_owned());
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "CropAndResizeGradImage",
                    "T=float",
                    "float[1,1,3,1] 1 2 3; float[1,4] 0 0 0 1; int32[1] 0; int32[4] 1 1 2 1",
                    "float[1,1,2,1] 2 4",
                ),
                (
                    "CropAndResizeGradImage",
                    "T=half method=nearest",
                    "float[1,1,3,1] 1 2 3; float[1,4] 0 -1 0 1; int32[1] 1; int32[4] 2 1 2 1",
                    "half[2,1,2,1] 0 0 2 3",
                ),
                (
                    "CropAndResizeGradImage",
                    "T=float",
                    "float[1,1,3,1] 1 2 3; float[1,4] 0 0 0 1; int32[1] 1; int32[4] 1 1 2 1",
                    "OUT_OF_RANGE: box_index has values outside [0, batch_size)",
                ),
            ],
        );
    }
}
