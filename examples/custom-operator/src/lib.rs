//! An operator that TensorFlow does not have itself, for models that were made with a package that brings it.
//!
//! TensorFlow Addons registers `Addons>Hardshrink`; a model with one is refused until somebody says what it computes. That takes an
//! [`Op`]: the declaration as in the package's `REGISTER_OP`, what is known of shapes, and kernels. A [`Registry`] with it is handed over
//! when a model is loaded:
//!
//! ```no_run
//! # fn main() -> savedmodel::Result<()> {
//! let options = savedmodel::LoadOptions { registry: Some(savedmodel_custom_operator::registry()), ..Default::default() };
//! let model = savedmodel::SavedModel::load_with("path/to/model", &options)?;
//! # Ok(())
//! # }
//! ```
//!
//! This crate knows nothing of the project but its façade; yours may stand anywhere.
#![forbid(unsafe_code)]

use std::sync::Arc;

use savedmodel::op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel::{DType, Element, Registry, Result};

/// The operators of this crate.
pub const OPS: &[Op] = &[Op {
    name: "Addons>Hardshrink",
    inputs: &["features: T"],
    outputs: &["activations: T"],
    attrs: &["T: {float, double}", "lower: float = -0.5", "upper: float = 0.5"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::ByDType("T", &[(DType::Float, build::<f32>), (DType::Double, build::<f64>)]),
}];

/// The operators of `savedmodel` and those of this crate.
pub fn registry() -> Arc<Registry> {
    let mut registry = Registry::clone(&savedmodel::registry());
    registry.add(&[OPS]);
    Arc::new(registry)
}

/// What lies between `lower` and `upper`, both included, becomes zero.
fn build<T: Element + PartialOrd + From<f32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (lower, upper): (f32, f32) = (node.attr("lower")?, node.attr("upper")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (zero, lower, upper) = (T::from(0.0), T::from(lower), T::from(upper));
        let shape = ctx.input(0).shape().clone();
        let mut output = ctx.allocate(T::DTYPE, shape)?;
        let inputs = ctx.input(0).as_slice::<T>()?;
        for (y, &x) in output.as_mut_slice::<T>()?.iter_mut().zip(inputs) {
            *y = if x >= lower && x <= upper { zero } else { x };
        }
        ctx.set(0, output);
        Ok(())
    }))
}
