//! `TensorArrayV3` and its older forms: where arrays begin.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ResourceManager, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor};

use crate::tensor_array::{Options, TensorArray};

/// Each makes a new array of unwritten tensors each time it runs, and gives its handle.
///
/// The handle is a resource, a reference (`TensorArray`) or the two names of the array (`TensorArrayV2`). An array is
/// gone when nobody holds its handle; one that is only known by name when the same node has made 4096 more.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayV3>
pub const OPS: &[Op] = &[
    Op {
        name: "TensorArrayV3",
        inputs: &["size: int32"],
        outputs: &["handle: resource", "flow: float"],
        attrs: &[
            "dtype: type",
            "element_shape: shape = { unknown_rank: true }",
            "dynamic_size: bool = false",
            "clear_after_read: bool = true",
            "identical_element_shapes: bool = false",
            "tensor_array_name: string = ''",
        ],
        effect: Effect::Random,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "TensorArrayV2",
        inputs: &["size: int32"],
        outputs: &["handle: string"],
        attrs: &[
            "dtype: type",
            "element_shape: shape = { unknown_rank: true }",
            "dynamic_size: bool = false",
            "clear_after_read: bool = true",
            "tensor_array_name: string = ''",
        ],
        effect: Effect::Random,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "TensorArray",
        inputs: &["size: int32"],
        outputs: &["handle: Ref(string)"],
        attrs: &[
            "dtype: type",
            "dynamic_size: bool = false",
            "clear_after_read: bool = true",
            "tensor_array_name: string = ''",
            "element_shape: shape = { unknown_rank: true }",
        ],
        effect: Effect::Random,
        shape: |_| Ok(vec![PartialShape::unknown()]),
        kernels: Kernels::one(build),
    },
];

/// How many arrays of one node the session knows by name.
const MOST_BY_NAME: usize = 4096;

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(match ctx.outputs {
        2 => vec![PartialShape::of_rank(0); 2],
        _ => vec![PartialShape::from([2])],
    })
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let options = Options {
        dtype: node.attr("dtype")?,
        shape: node.attr("element_shape")?,
        dynamic_size: node.attr("dynamic_size")?,
        clear_after_read: node.attr("clear_after_read")?,
        identical_shapes: node.attr("identical_element_shapes").unwrap_or(false),
    };
    let given: String = node.attr("tensor_array_name")?;
    let name = if given.is_empty() { node.name.to_owned() } else { given };
    let by_name = node.op == "TensorArrayV2";
    let names = Mutex::new(VecDeque::new());
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let size = ctx.input(0);
        if size.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "TensorArray size must be scalar, but had shape: {}",
                size.shape()
            )));
        }
        let size: i32 = size.to_scalar()?;
        let size = usize::try_from(size).map_err(|_| Error::invalid_argument("Size should be >= 0."))?;
        let array = Arc::new(TensorArray::new(&name, options.clone(), size, &ctx.run())?);
        if by_name {
            let handle = publish(ctx.run().resources, &array, &names)?;
            ctx.set(0, handle);
            return Ok(());
        }
        ctx.set(0, Tensor::from_handles(Shape::scalar(), vec![array.handle()])?);
        if ctx.output_len() > 1 {
            ctx.set(1, Tensor::scalar(0.0_f32));
        }
        Ok(())
    }))
}

/// Makes an array known to the session by name, and gives its names; forgets the oldest of many.
fn publish(
    resources: &ResourceManager,
    array: &Arc<TensorArray>,
    names: &Mutex<VecDeque<String>>,
) -> Result<Tensor> {
    let container = array.container();
    resources.put(container, array.name(), Arc::clone(array));
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    names.push_back(array.name().to_owned());
    if names.len() > MOST_BY_NAME {
        let oldest = names.pop_front().unwrap_or_default();
        resources.remove::<TensorArray>(container, &oldest);
    }
    Tensor::from_strings([2], [container.to_owned(), array.name().to_owned()])
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;

    #[test]
    fn handles() {
        for (op, size) in [
            ("TensorArrayV3", "TensorArraySizeV3"),
            ("TensorArrayV2", "TensorArraySizeV2"),
            ("TensorArray", "TensorArraySize"),
        ] {
            let array = Array::new(op, 3, vec![]).unwrap();
            assert_eq!(array.call(size, vec![], ""), "int32[] 3");
        }
        let error = Array::new("TensorArrayV3", -1, vec![]).err().unwrap();
        assert_eq!(error.message(), "Size should be >= 0.");
    }
}
