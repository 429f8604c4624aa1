//! Operators that change the colours of pixels.

pub mod adjust_contrast;
pub mod adjust_hue;
pub mod adjust_saturation;
pub mod hsv;

use savedmodel_op::Context;
use savedmodel_tensor::{Error, Result};

/// The number that input `i`, called `name`, holds.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is no scalar.
fn scalar(ctx: &Context<'_>, i: usize, name: &str) -> Result<f32> {
    let tensor = ctx.input(i);
    if tensor.rank() != 0 {
        return Err(Error::invalid_argument(format!("{name} must be scalar: {}", tensor.shape())));
    }
    tensor.to_scalar()
}

/// Checks that input 0 may be images.
///
/// # Errors
/// `INVALID_ARGUMENT` when it has less than three dimensions.
fn check_rank(ctx: &Context<'_>) -> Result<()> {
    let shape = ctx.input(0).shape();
    if shape.rank() < 3 {
        return Err(Error::invalid_argument(format!("input must be at least 3-D, got shape{shape}")));
    }
    Ok(())
}

/// Checks that the images of input 0 have three channels.
///
/// # Errors
/// `INVALID_ARGUMENT` when they have others.
fn check_rgb(ctx: &Context<'_>) -> Result<()> {
    let channels = ctx.input(0).shape().last().copied().unwrap_or(0);
    if channels != 3 {
        return Err(Error::invalid_argument(format!(
            "input must have 3 channels but instead has {channels} channels."
        )));
    }
    Ok(())
}
