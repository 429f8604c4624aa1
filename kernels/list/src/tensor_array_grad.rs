//! `TensorArrayGradV3` and `TensorArrayGradWithShape`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Shape, Tensor};

use crate::tensor_array::TensorArray;

/// Gives the array of gradients of an array, for one source of gradients; the array can't grow any more.
///
/// What is written to the same place of it adds up. With `shape_to_prepend` its elements have these dimensions more.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayGradV3>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayGradWithShape>
pub const OPS: &[Op] = &[
    gradient("TensorArrayGradV3", &["handle: resource", "flow_in: float"]),
    gradient("TensorArrayGradWithShape", &["handle: resource", "flow_in: float", "shape_to_prepend: int32"]),
];

const fn gradient(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["grad_handle: resource", "flow_out: float"],
        attrs: &["source: string"],
        effect: Effect::Write,
        shape: shape::scalar,
        kernels: Kernels::one(build),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let source: String = node.attr("source")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let prepended = match ctx.input_len() {
            3.. => to_sizes(ctx.input(2))?,
            _ => Vec::new(),
        };
        let gradient = TensorArray::of(ctx, 0)?.gradient(&source, &prepended, &ctx.run())?;
        let flow = ctx.take(1);
        ctx.set(0, Tensor::from_handles(Shape::scalar(), vec![gradient.handle()])?);
        ctx.set(1, flow);
        Ok(())
    }))
}

fn to_sizes(sizes: &Tensor) -> Result<Vec<usize>> {
    if sizes.rank() != 1 {
        let shape = sizes.shape();
        return Err(Error::invalid_argument(format!(
            "shape must be a vector of {{int32,int64}}, got shape {shape}"
        )));
    }
    let size = |&size: &i32| {
        usize::try_from(size).map_err(|_| {
            Error::invalid_argument(format!("shape_to_prepend must be fully defined, got {size}"))
        })
    };
    sizes.as_slice::<i32>()?.iter().map(size).collect()
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;

    #[test]
    fn sums() {
        let array = Array::of(3, vec![("clear_after_read", false.into())]);
        array.write(0, "float[2] 1 2");
        let gradient = array.gradient("gradients");
        let call = |name: &str, inputs: &str| gradient.call(name, vec![], inputs);
        let read = |i: i32| {
            let dtype = vec![("dtype", savedmodel_tensor::DType::Float.into())];
            gradient.call("TensorArrayReadV3", dtype, &format!("int32[] {i}"))
        };
        gradient.write(0, "float[2] 3 4");
        gradient.write(0, "float[2] 5 6");
        assert!(call("TensorArrayWriteV3", "int32[] 0; float[1] 1").ends_with(
            "Could not aggregate to TensorArray index 0 because the existing shape is [2] but the new input shape is [1]."
        ));
        assert_eq!(read(0), "float[2] 8 10");
        assert!(read(1).contains("the element shape is not fully defined: <unknown>"));
        assert!(
            call("TensorArrayWriteV3", "int32[] 3; float[1] 1").contains("not resizeable and size is: 3")
        );
    }

    #[test]
    fn the_forward_array_tells_shapes() {
        let array = Array::of(1, vec![]);
        array.write(0, "float[2] 1 2");
        let dtype = vec![("dtype", savedmodel_tensor::DType::Float.into())];
        assert_eq!(array.gradient("g").call("TensorArrayReadV3", dtype, "int32[] 0"), "float[2] 0 0");
    }
}
