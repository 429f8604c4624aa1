//! `RandomShuffleQueue` and `RandomShuffleQueueV2`.

use savedmodel_op::{Construction, Kernel, Op};
use savedmodel_tensor::{DType, Error, Result};

use crate::queue_kind::{Order, capacity, kernel, known_shapes, operator};

/// A handle to a queue of the session that gives its tuples in an order that is drawn, as TensorFlow draws it if there are
/// seeds; made if there is none of that name.
///
/// While it is open, `min_after_dequeue` tuples stay inside.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomShuffleQueueV2>
pub const OPS: &[Op] = &[
    operator("RandomShuffleQueue", ATTRS, build, true),
    operator("RandomShuffleQueueV2", ATTRS, build, false),
];

const ATTRS: &[&str] = &[
    "component_types: list(type) >= 1",
    "shapes: list(shape) >= 0 = []",
    "capacity: int = -1",
    "min_after_dequeue: int = 0",
    "seed: int = 0",
    "seed2: int = 0",
    "container: string = ''",
    "shared_name: string = ''",
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let stay = node.int32("min_after_dequeue")?;
    let capacity = capacity(node)?;
    let Ok(count) = usize::try_from(stay) else {
        return Err(Error::invalid_argument(format!("min_after_dequeue {stay} must be >= 0")));
    };
    if (0..=stay).contains(&capacity) {
        let text = format!("min_after_dequeue {stay} must be < capacity {capacity}");
        return Err(Error::invalid_argument(text));
    }
    let dtypes: Vec<DType> = node.attr("component_types")?;
    let shapes = known_shapes(node, dtypes.len())?;
    let seeds = [node.attr("seed")?, node.attr("seed2")?];
    kernel(node, Order::Random { stay: count, seeds }, dtypes, shapes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::cases::Pairs;
    use savedmodel_tensor::PartialShape;

    #[test]
    fn draws() {
        let attrs = [("seed", 1), ("seed2", 2), ("min_after_dequeue", 2)];
        let pairs = Pairs::of(&OPS[1], vec![PartialShape::from([]); 2], &attrs);
        let call = |name: &str, inputs: &str| pairs.answer(name, inputs);
        assert_eq!(call("QueueEnqueueManyV2", "float[5] 0 1 2 3 4; string[5] 'a' 'b' 'c' 'd' 'e'"), "");
        assert_eq!(call("QueueDequeueV2", ""), "float[] 4; string[] 'e'");
        assert!(call("QueueDequeueManyV2", "int32[] 3").starts_with("DEADLINE_EXCEEDED: RandomShuffleQueue"));
        assert_eq!(call("QueueDequeueManyV2", "int32[] 2"), "float[2] 3 0; string[2] 'd' 'a'");
        assert!(call("QueueDequeueV2", "").starts_with("DEADLINE_EXCEEDED: RandomShuffleQueue 'q' has"));
        assert_eq!(call("QueueCloseV2", ""), "");
        assert_eq!(call("QueueSizeV2", ""), "int32[] 2");
        assert!(
            call("QueueDequeueManyV2", "int32[] 3").starts_with("OUT_OF_RANGE: RandomShuffleQueue 'q' is")
        );
        let rest = call("QueueDequeueUpToV2", "int32[] 3");
        assert!(
            ["float[2] 1 2; string[2] 'b' 'c'", "float[2] 2 1; string[2] 'c' 'b'"].contains(&&*rest),
            "{rest}"
        );
        assert!(
            call("QueueEnqueueV2", "float[] 1; string[] 'a'").starts_with("CANCELLED: RandomShuffleQueue")
        );
    }
}
