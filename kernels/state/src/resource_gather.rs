//! `ResourceGather` and `ResourceGatherNd`: rows of a variable, chosen by index.

use savedmodel_kernels_array::gather::{checked, gather};
use savedmodel_kernels_array::gather_nd::gather_nd;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::update::existing;

/// What `GatherV2` (along the first axis behind the batch dimensions) and `GatherNd` give for the value of a variable.
///
/// As in TensorFlow, indices are checked also where rows are empty, and one that is out of range within its batch picks from a neighbour.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceGather>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceGatherNd>
pub const OPS: &[Op] = &[
    Op {
        name: "ResourceGather",
        inputs: &["resource: resource", "indices: Tindices"],
        outputs: &["output: dtype"],
        attrs: &[
            "batch_dims: int = 0",
            "validate_indices: bool = true",
            "dtype: type",
            "Tindices: {int32, int64}",
        ],
        effect: Effect::Read,
        shape: |ctx| match ctx.attr::<i64>("batch_dims") {
            Some(dims) if dims < 0 => {
                Err(Error::invalid_argument(format!("batch_dims is negative ({dims})")))
            }
            _ => shape::unknown(ctx),
        },
        kernels: Kernels::All(&[("Tindices", dtypes::INDICES)], build),
    },
    Op {
        name: "ResourceGatherNd",
        inputs: &["resource: resource", "indices: Tindices"],
        outputs: &["output: dtype"],
        attrs: &["dtype: type", "Tindices: {int32, int64}"],
        effect: Effect::Read,
        shape: shape::unknown,
        kernels: Kernels::All(&[("Tindices", dtypes::INDICES)], build_nd),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let batch_dims: i64 = node.attr("batch_dims")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let value = existing(ctx)?.read()?;
        let output = match usize::try_from(batch_dims) {
            Ok(dims) if dims > 0 && dims < value.rank() => in_batches(ctx, &value, dims)?,
            _ => rows(ctx, &value, ctx.input(1), batch_dims)?,
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn rows(ctx: &Context<'_>, value: &Tensor, indices: &Tensor, batch_dims: i64) -> Result<Tensor> {
    if let ([dim, ..], true) = (value.shape().dims(), value.elements() == 0) {
        checked(indices, *dim)?;
    }
    gather(ctx.run(), value, indices, batch_dims.max(0), batch_dims)
}

/// Rows of each batch: those of all of them, with indices that begin where a batch does.
fn in_batches(ctx: &Context<'_>, value: &Tensor, dims: usize) -> Result<Tensor> {
    let (from, by) = (value.shape().dims(), ctx.input(1).shape().dims());
    if by.get(..dims) != Some(&from[..dims]) {
        // Which says what is wrong.
        return gather(ctx.run(), value, ctx.input(1), dims as i64, dims as i64);
    }
    let shape: Vec<usize> = by.iter().chain(&from[dims + 1..]).copied().collect();
    let mut indices = ctx.input(1).to_i64s()?;
    let len = by[dims..].iter().fold(1, |len: usize, &dim| len.saturating_mul(dim)).max(1);
    for (batch, indices) in (0..).zip(indices.chunks_mut(len)) {
        indices
            .iter_mut()
            .for_each(|index| *index = index.wrapping_add(i64::wrapping_mul(batch, from[dims] as i64)));
    }
    let indices = Tensor::from_vec(by, indices)?;
    let count = from[..=dims].iter().fold(1, |count: usize, &dim| count.saturating_mul(dim));
    let flat = [count].into_iter().chain(from[dims + 1..].iter().copied());
    rows(ctx, &value.clone().reshape(flat.collect::<Vec<usize>>())?, &indices, 0)?.reshape(shape)
}

fn build_nd(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let value = existing(ctx)?.read()?;
        let output = gather_nd(ctx.run(), &value, ctx.input(1), false)?;
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{DType, Handle, PartialShape, Tensor};
    use std::sync::Arc;

    #[test]
    fn rows_of_a_variable() {
        let variable = Arc::new(Variable::new("v", DType::Int32, PartialShape::unknown()));
        variable.assign(Tensor::from_vec([3, 2], vec![1, 2, 3, 4, 5, 6]).unwrap()).unwrap();
        let handle = Tensor::from_handles([], vec![Handle::new("", "v", variable.clone())]).unwrap();
        let call_with = |op: usize, indices: Tensor, batch_dims: i64| {
            let test = OpTest::new(&OPS[op]).attr("dtype", DType::Int32).input(handle.clone()).input(indices);
            let run = if op == 0 { test.attr("batch_dims", batch_dims) } else { test }.run();
            run.map(|out| out[0].as_slice::<i32>().unwrap().to_vec()).map_err(|e| e.message().to_owned())
        };
        let call = |op, indices| call_with(op, indices, 0);
        assert_eq!(call(0, Tensor::from_vec([2], vec![2_i64, 0]).unwrap()), Ok(vec![5, 6, 1, 2]));
        assert_eq!(call(1, Tensor::from_vec([1, 2], vec![1_i32, 1]).unwrap()), Ok(vec![4]));
        assert!(call(0, Tensor::scalar(3_i32)).unwrap_err().contains("not in [0, 3)"));
        let columns = |columns: [i32; 3]| Tensor::from_slice([3, 1], &columns).unwrap();
        assert_eq!(call_with(0, columns([1, 0, 1]), 1), Ok(vec![2, 3, 6]));
        assert_eq!(call_with(0, columns([3, -1, 0]), 1), Ok(vec![4, 2, 5]));
        assert!(
            call_with(0, columns([0, 0, 2]), 1).unwrap_err().contains("indices[2,0] = 6 is not in [0, 6)")
        );
        variable.assign(Tensor::from_vec([3, 0], vec![0_i32; 0]).unwrap()).unwrap();
        assert_eq!(call(0, Tensor::scalar(2_i32)), Ok(vec![]));
        assert!(call(0, Tensor::scalar(3_i32)).unwrap_err().contains("not in [0, 3)"));
    }
}
