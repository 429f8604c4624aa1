//! `UniqueDataset`.

use std::collections::HashSet;

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::dataset::{DATASET, Dataset, give};

/// The rows of a dataset that were not there before; they have one component, of integers or strings.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniqueDataset>
pub const OP: Op = Op { name: "UniqueDataset", kernels: Kernels::one(build), ..DATASET };

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let types: Vec<DType> = node.attr("output_types")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check(&types)?;
        let input = Dataset::of(ctx.input(0))?;
        let unique = Dataset::new("UniqueDataset", move |run| {
            let (mut rows, mut seen) = (input.start(run)?, HashSet::new());
            Ok(Box::new(move |run: &Run<'_>| {
                while let Some(row) = rows.next(run)? {
                    check(&row.iter().map(Tensor::dtype).collect::<Vec<_>>())?;
                    if seen.insert(key(&row[0])?) {
                        return Ok(Some(row));
                    }
                }
                Ok(None)
            }))
        });
        give(ctx, unique)
    }))
}

fn check(types: &[DType]) -> Result<()> {
    let problem = match types {
        [DType::Int32 | DType::Int64 | DType::String] => return Ok(()),
        [_] => "a single `tf.int32`, `tf.int64`, or `tf.string` component.",
        _ => "a single component.",
    };
    Err(Error::invalid_argument(format!("UniqueDataset only supports inputs with {problem}")))
}

/// What equal tensors of one dtype have in common.
fn key(tensor: &Tensor) -> Result<(Shape, Vec<Vec<u8>>)> {
    let elements = match tensor.dtype() {
        DType::String => tensor.strings()?.iter().map(|text| text.to_vec()).collect(),
        DType::Int32 => tensor.as_slice::<i32>()?.iter().map(|x| x.to_ne_bytes().to_vec()).collect(),
        _ => tensor.as_slice::<i64>()?.iter().map(|x| x.to_ne_bytes().to_vec()).collect(),
    };
    Ok((tensor.shape().clone(), elements))
}
