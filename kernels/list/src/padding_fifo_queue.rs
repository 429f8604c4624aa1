//! `PaddingFIFOQueue` and `PaddingFIFOQueueV2`.

use savedmodel_op::{Construction, Kernel, Op};
use savedmodel_tensor::{DType, Error, Result};

use crate::queue_kind::{Order, kernel, operator, shapes};

/// A handle to a queue of the session whose tensors may differ in the sizes that their shapes leave open, made if there is
/// none of that name.
///
/// Those that are taken out together are padded with zeros to the largest of them.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/PaddingFIFOQueueV2>
pub const OPS: &[Op] =
    &[operator("PaddingFIFOQueue", ATTRS, build, true), operator("PaddingFIFOQueueV2", ATTRS, build, false)];

const ATTRS: &[&str] = &[
    "component_types: list(type) >= 1",
    "shapes: list(shape) >= 0 = []",
    "capacity: int = -1",
    "container: string = ''",
    "shared_name: string = ''",
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtypes: Vec<DType> = node.attr("component_types")?;
    let shapes = shapes(node, dtypes.len())?;
    if shapes.len() != dtypes.len() {
        return Err(Error::invalid_argument(format!(
            "Shapes must be provided for all components, but received {} dtypes and 0 shapes.",
            dtypes.len()
        )));
    }
    if let Some(shape) = shapes.iter().find(|shape| shape.rank().is_none()) {
        return Err(Error::invalid_argument(format!("shape {shape} must have known rank.")));
    }
    kernel(node, Order::Padded, dtypes, shapes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::cases::Pairs;
    use savedmodel_tensor::PartialShape;

    #[test]
    fn pads() {
        let pairs =
            Pairs::of(&OPS[1], vec![PartialShape::of_rank(1), PartialShape::new([None, Some(2)])], &[]);
        let check = |name: &str, inputs: &str, want: &str| {
            let got = pairs.answer(name, inputs);
            assert!(got == want || !want.is_empty() && got.starts_with(want), "{got}\n{want}");
        };
        check("QueueEnqueueV2", "float[2] 1 2; string[1,2] 'a' 'b'", "");
        check("QueueEnqueueV2", "float[0]; string[0,2]", "");
        check("QueueEnqueueManyV2", "float[1,3] 7 8 9; string[1,2,2] 'c' 'd' 'e' 'f'", "");
        let wrong = "INVALID_ARGUMENT: Shape mismatch in tuple component 1. Expected [?,2], got [1,1]";
        check("QueueEnqueueV2", "float[1] 1; string[1,1] 'a'", wrong);
        let wrong = "INVALID_ARGUMENT: Shape mismatch in tuple component 1. Expected [1,?,2], got [1,2]";
        check("QueueEnqueueManyV2", "float[1,1] 1; string[1,2] 'a' 'b'", wrong);
        check("QueueDequeueManyV2", "int32[] 0", "float[0,0]; string[0,0,2]");
        let all = "float[3,3] 1 2 0 0 0 0 7 8 9; string[3,2,2] 'a' 'b' '' '' '' '' '' '' 'c' 'd' 'e' 'f'";
        check("QueueDequeueManyV2", "int32[] 3", all);
        check("QueueCloseV2", "", "");
        check("QueueDequeueUpToV2", "int32[] 3", "OUT_OF_RANGE: PaddingFIFOQueue 'q' is closed and has");
        check("QueueDequeueV2", "", "OUT_OF_RANGE: FIFOQueue 'q' is closed and has");
    }
}
