//! `WrapDatasetVariant` and `UnwrapDatasetVariant`.

use savedmodel_op::{Context, Effect, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Variant, VariantValue};

use crate::dataset::Dataset;

/// A dataset in a variant that is copied between devices, and out of it again.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WrapDatasetVariant>
pub const OPS: &[Op] = &[
    Op { name: "WrapDatasetVariant", kernels: Kernels::one(|_| Ok(Box::new(wrap))), ..OP },
    Op { name: "UnwrapDatasetVariant", kernels: Kernels::one(|_| Ok(Box::new(unwrap))), ..OP },
];

const OP: Op = Op {
    name: "",
    inputs: &["input_handle: variant"],
    outputs: &["output_handle: variant"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::Runtime,
};

/// A dataset that is wrapped.
#[derive(Clone, Debug)]
struct Wrapped(Dataset);

impl VariantValue for Wrapped {
    fn type_name(&self) -> &'static str {
        "tensorflow::WrappedDatasetVariant"
    }
}

fn wrap(ctx: &mut Context<'_>) -> Result<()> {
    let wrapped = Wrapped(Dataset::of(ctx.input(0))?);
    ctx.set(0, Tensor::from_variants(Shape::scalar(), vec![Variant::new(wrapped)])?);
    Ok(())
}

fn unwrap(ctx: &mut Context<'_>) -> Result<()> {
    let wrapped = match ctx.input(0).variants()? {
        [variant] if ctx.input(0).rank() == 0 => variant.get::<Wrapped>().cloned(),
        _ => None,
    };
    let Wrapped(dataset) =
        wrapped.ok_or_else(|| Error::invalid_argument("Tensor must be a WrappedDataset variant object."))?;
    ctx.set(0, dataset.into_tensor()?);
    Ok(())
}
