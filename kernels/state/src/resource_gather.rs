//! `ResourceGather` and `ResourceGatherNd`: rows of a variable, chosen by index.

use savedmodel_kernels_array::gather::gather;
use savedmodel_kernels_array::gather_nd::gather_nd;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::Result;

use crate::update::existing;

/// What `GatherV2` (along the first axis) and `GatherNd` give for the value of a variable.
///
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
        shape: shape::unknown,
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
        // TensorFlow gathers behind the batch dimensions.
        let output = gather(ctx.run(), &value, ctx.input(1), batch_dims.max(0), batch_dims)?;
        ctx.set(0, output);
        Ok(())
    }))
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
        let handle = Tensor::from_handles([], vec![Handle::new("", "v", variable)]).unwrap();
        let call = |op: usize, indices: Tensor| {
            let run =
                OpTest::new(&OPS[op]).attr("dtype", DType::Int32).input(handle.clone()).input(indices).run();
            run.map(|out| out[0].as_slice::<i32>().unwrap().to_vec()).map_err(|e| e.message().to_owned())
        };
        assert_eq!(call(0, Tensor::from_vec([2], vec![2_i64, 0]).unwrap()), Ok(vec![5, 6, 1, 2]));
        assert_eq!(call(1, Tensor::from_vec([1, 2], vec![1_i32, 1]).unwrap()), Ok(vec![4]));
        assert!(call(0, Tensor::scalar(3_i32)).unwrap_err().contains("not in [0, 3)"));
    }
}
