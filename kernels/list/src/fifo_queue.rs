//! `FIFOQueue` and `FIFOQueueV2`.

use savedmodel_op::{Construction, Kernel, Op};
use savedmodel_tensor::{DType, Result};

use crate::queue_kind::{Order, kernel, known_shapes, operator};

/// A handle to a queue of the session, made if there is none of that name.
///
/// Queues are shared by container and `shared_name`, or the node's own name where that is empty.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FIFOQueueV2>
pub const OPS: &[Op] =
    &[operator("FIFOQueue", ATTRS, build, true), operator("FIFOQueueV2", ATTRS, build, false)];

const ATTRS: &[&str] = &[
    "component_types: list(type) >= 1",
    "shapes: list(shape) >= 0 = []",
    "capacity: int = -1",
    "container: string = ''",
    "shared_name: string = ''",
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtypes: Vec<DType> = node.attr("component_types")?;
    let shapes = known_shapes(node, dtypes.len())?;
    kernel(node, Order::First, dtypes, shapes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{Handle, PartialShape};

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
        assert!(text(call(1, "q", DType::Int8, vec![], 2)).contains("has component types float but"));
        assert!(text(call(1, "q", DType::Float, vec![], 3)).contains("has capacity 2 but"));
        let shape = || PartialShape::from([2]);
        assert!(text(call(1, "q", DType::Float, vec![shape()], 2)).contains("component shapes [] but"));
        assert!(
            text(call(1, "s", DType::Float, vec![shape(); 2], 2)).contains("Different number of component")
        );
        assert!(
            text(call(1, "s", DType::Float, vec![PartialShape::unknown()], 2))
                .contains("is not fully defined")
        );
    }
}
