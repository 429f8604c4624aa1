//! `FIFOQueue` and `FIFOQueueV2`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Handle, PartialShape, Result, Tensor};

use crate::queue::{Kind, Queue, known_shapes};

/// A handle to a queue of the session, made if there is none of that name.
///
/// Queues are shared by container and `shared_name`, or the node's own name where that is empty.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FIFOQueueV2>
pub const OPS: &[Op] = &[
    Op { outputs: &["handle: Ref(string)"], shape: shape::unknown, ..QUEUE },
    Op { name: "FIFOQueueV2", ..QUEUE },
];

const QUEUE: Op = Op {
    name: "FIFOQueue",
    inputs: &[],
    outputs: &["handle: resource"],
    attrs: &[
        "component_types: list(type) >= 1",
        "shapes: list(shape) >= 0 = []",
        "capacity: int = -1",
        "container: string = ''",
        "shared_name: string = ''",
    ],
    effect: Effect::Handle,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (container, shared): (String, String) = (node.attr("container")?, node.attr("shared_name")?);
    let name = if shared.is_empty() { node.name.to_owned() } else { shared };
    let dtypes: Vec<_> = node.attr("component_types")?;
    let shapes = known_shapes(&node.attr::<Vec<PartialShape>>("shapes")?, dtypes.len())?;
    let kind = Kind { dtypes, shapes, capacity: node.attr::<i64>("capacity")?.max(-1) };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = || Ok(Queue::new(&name, kind.clone()));
        let queue = ctx.run().resources.get_or_create(&container, &name, make)?;
        queue.check_kind(&kind)?;
        ctx.set(0, Tensor::from_handles([], vec![Handle::new(&container, &name, queue)])?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::DType;

    #[test]
    fn shared_by_name() {
        let resources = ResourceManager::new();
        let call = |op: usize, name: &str, dtype: DType, shapes: Vec<PartialShape>, capacity: i64| {
            let test = OpTest::new(&OPS[op]).resources(&resources).attr("shared_name", name);
            let test = test.attr("component_types", vec![dtype]).attr("shapes", shapes);
            let run = test.attr("capacity", capacity).run();
            run.map(|out| out[0].handles().unwrap()[0].clone()).map_err(|e| e.message().to_owned())
        };
        let first = call(1, "q", DType::Float, vec![], 2).unwrap();
        assert!(first.same(&call(0, "q", DType::Float, vec![], 2).unwrap()));
        assert!(!first.same(&call(1, "r", DType::Float, vec![], 2).unwrap()));
        let text = |result: Result<Handle, String>| result.unwrap_err();
        assert!(text(call(1, "q", DType::Int8, vec![], 2)).contains("has component types [float] but"));
        assert!(text(call(1, "q", DType::Float, vec![], 3)).contains("has capacity 2 but"));
        let shape = || PartialShape::from([2]);
        assert!(text(call(1, "q", DType::Float, vec![shape()], 2)).contains("component shapes [] but"));
        assert!(
            text(call(1, "s", DType::Float, vec![shape(); 2], 2)).contains("Different number of component")
        );
        assert!(text(call(1, "s", DType::Float, vec![PartialShape::unknown()], 2)).contains("must be known"));
    }
}
