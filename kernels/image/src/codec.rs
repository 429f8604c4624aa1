//! Encoded images.

pub mod decode_image;
pub mod encode_jpeg;
pub mod encode_png;
pub mod extract_jpeg_shape;

mod bmp;
mod gif;
mod jpeg;
mod png;
mod webp;

use savedmodel_op::{Context, Run};
use savedmodel_tensor::{Bytes, Error, Result, Shape, Tensor};

/// Where a decoder puts an image once it knows its size, within the limits of the run.
#[derive(Clone, Copy)]
pub struct Canvas<'a> {
    run: Run<'a>,
}

impl<'a> Canvas<'a> {
    /// The canvas of a call.
    pub fn of(ctx: &Context<'a>) -> Canvas<'a> {
        Canvas { run: ctx.run() }
    }

    /// A black image.
    ///
    /// # Errors
    /// As those of [`Run::allocate`].
    pub fn allocate(&self, dtype: savedmodel_tensor::DType, shape: impl Into<Shape>) -> Result<Tensor> {
        self.run.allocate(dtype, shape)
    }

    /// The most bytes that an image may take.
    pub fn limit(&self) -> usize {
        self.run.limits.tensor_bytes
    }
}

/// The file that input 0 holds.
///
/// # Errors
/// `INVALID_ARGUMENT`, in the words of `refuse`, when it is no scalar.
fn contents<'a>(ctx: &'a Context<'_>, refuse: fn(&Shape) -> String) -> Result<&'a Bytes> {
    let tensor = ctx.input(0);
    match tensor.strings()? {
        [file] if tensor.rank() == 0 => Ok(file),
        _ => Err(Error::invalid_argument(refuse(tensor.shape()))),
    }
}
