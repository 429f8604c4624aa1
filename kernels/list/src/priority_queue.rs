//! `PriorityQueue` and `PriorityQueueV2`.

use savedmodel_op::{Construction, Kernel, Op};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::queue_kind::{Order, kernel, known_shapes, operator};

/// A handle to a queue of the session that gives the tuple of the least priority first, made if there is none of that name.
///
/// The priority is a number in front of the declared tensors. Of those of one priority any comes first, as TensorFlow's heap
/// has it. All shapes must be declared.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/PriorityQueueV2>
pub const OPS: &[Op] =
    &[operator("PriorityQueue", ATTRS, build, true), operator("PriorityQueueV2", ATTRS, build, false)];

const ATTRS: &[&str] = &[
    "component_types: list(type) >= 0 = []",
    "shapes: list(shape) >= 0",
    "capacity: int = -1",
    "container: string = ''",
    "shared_name: string = ''",
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let mut dtypes: Vec<DType> = node.attr("component_types")?;
    let mut shapes = known_shapes(node, dtypes.len())?;
    if shapes.is_empty() {
        // TensorFlow makes one of tuples of any shape, which it then finds to be none of these.
        return Err(Error::invalid_argument("a PriorityQueue must know the shapes of its components"));
    }
    dtypes.insert(0, DType::Int64);
    shapes.insert(0, PartialShape::from([]));
    kernel(node, Order::Priority, dtypes, shapes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::cases::Pairs;

    #[test]
    fn least_first() {
        let pairs = Pairs::of(&OPS[1], vec![PartialShape::from([]); 2], &[]);
        let call = |name: &str, inputs: &str| pairs.answer(name, inputs);
        let many = "int64[5] 5 3 9 3 1; float[5] 0 1 2 3 4; string[5] 'a' 'b' 'c' 'd' 'e'";
        assert_eq!(call("QueueEnqueueManyV2", many), "");
        assert_eq!(call("QueueEnqueueV2", "int64[] 4; float[] 5; string[] 'f'"), "");
        let wrong = "INVALID_ARGUMENT: Shape mismatch in tuple component 0. Expected [], got [1]";
        assert_eq!(call("QueueEnqueueV2", "int64[1] 4; float[] 5; string[] 'f'"), wrong);
        let taken = "int64[3] 1 3 3; float[3] 4 1 3; string[3] 'e' 'b' 'd'";
        assert_eq!(pairs.call("QueueDequeueManyV2", types(), "int32[] 3"), taken);
        assert_eq!(pairs.call("QueueDequeueV2", types(), ""), "int64[] 4; float[] 5; string[] 'f'");
        assert_eq!(call("QueueCloseV2", ""), "");
        let few = "OUT_OF_RANGE: PriorityQueue 'q' is closed and has insufficient elements (requested 3, current size 2)";
        assert_eq!(pairs.call("QueueDequeueManyV2", types(), "int32[] 3"), few);
        let lost = "OUT_OF_RANGE: PriorityQueue 'q' is closed and has insufficient elements (requested 1, current size 0)";
        assert_eq!(pairs.call("QueueDequeueUpToV2", types(), "int32[] 3"), lost);
        assert_eq!(call("QueueSizeV2", ""), "int32[] 0");
    }

    fn types() -> Vec<(&'static str, savedmodel_op::testing::TestAttr)> {
        vec![("component_types", vec![DType::Int64, DType::Float, DType::String].into())]
    }
}
