//! `ListDataset`.

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::dataset::{DATASET, Row, give};
use crate::window::of_rows;

/// The dataset of rows whose components are listed, row after row.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ListDataset>
pub const OP: Op = Op {
    name: "ListDataset",
    inputs: &["tensors: Tinput_types"],
    attrs: &[
        "Tinput_types: list(type) >= 1",
        "output_types: list(type) >= 1",
        "output_shapes: list(shape) >= 1",
        "metadata: string = ''",
    ],
    kernels: Kernels::one(build),
    ..DATASET
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let components = node.attr::<Vec<DType>>("output_types")?.len();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let tensors: Vec<Tensor> = ctx.inputs(0).cloned().collect();
        if !tensors.len().is_multiple_of(components) {
            return Err(Error::invalid_argument(
                "Expect number of tensors to be a multiple of the components.",
            ));
        }
        give(ctx, of_rows(tensors.chunks_exact(components).map(Row::from).collect()))
    }))
}
