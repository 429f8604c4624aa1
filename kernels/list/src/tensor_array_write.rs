//! `TensorArrayWriteV3` and its older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::tensor_array::TensorArray;

/// Writes one element of an array; each can be written once.
///
/// `flow_in` is passed on: it orders what is done to an array.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayWriteV3>
pub const OPS: &[Op] = &[
    write("TensorArrayWriteV3", &["handle: resource", "index: int32", "value: T", "flow_in: float"]),
    write("TensorArrayWriteV2", &["handle: string", "index: int32", "value: T", "flow_in: float"]),
    write("TensorArrayWrite", &["handle: Ref(string)", "index: int32", "value: T", "flow_in: float"]),
];

const fn write(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["flow_out: float"],
        attrs: &["T: type"],
        effect: Effect::Write,
        shape: shape::scalar,
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
    }
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let index = to_index(ctx.input(1))?;
        let array = TensorArray::of(ctx, 0)?;
        array.check_write(ctx.input(2).dtype())?;
        let value = ctx.take(2);
        array.write(index, value, &ctx.run())?;
        let flow = ctx.take(3);
        ctx.set(0, flow);
        Ok(())
    }))
}

/// The number in a scalar index.
pub(crate) fn to_index(index: &Tensor) -> Result<i32> {
    match index.as_slice::<i32>()? {
        &[value] if index.rank() == 0 => Ok(value),
        _ => Err(Error::invalid_argument(format!(
            "TensorArray index must be scalar, but had shape: {}",
            index.shape()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;
    use savedmodel_tensor::PartialShape;

    #[test]
    fn table() {
        let check = |array: &Array, inputs: &str, want: &str| {
            let got = array.call("TensorArrayWriteV3", vec![], inputs);
            assert!(got.contains(want), "{inputs}: {got}");
        };
        let array = Array::of(2, vec![("identical_element_shapes", true.into())]);
        check(&array, "int32[] 0; float[2] 1 2", "float[] 0");
        check(&array, "int32[] 0; float[2] 1 2", "index 0 because it has already been written to.");
        check(&array, "int32[] 1; float[1] 1", "the value shape is [1] which is incompatible with");
        check(
            &array,
            "int32[] 2; float[2] 1 2",
            "Tried to write to index 2 but array is not resizeable and size is: 2",
        );
        check(&array, "int32[] -1; float[2] 1 2", "Tried to write to index -1");
        check(&array, "int32[1] 1; float[2] 1 2", "TensorArray index must be scalar, but had shape: [1]");
        check(
            &array,
            "int32[] 1; int32[2] 1 2",
            "TensorArray dtype is float but Op is trying to write dtype int32.",
        );
        let shape = PartialShape::new([None, Some(2)]);
        let array = Array::of(0, vec![("dynamic_size", true.into()), ("element_shape", shape.into())]);
        check(&array, "int32[] 7; float[1,2] 1 2", "float[] 0");
        assert_eq!(array.call("TensorArraySizeV3", vec![], ""), "int32[] 8");
        check(&array, "int32[] 8; float[1] 1", "inferred element shape: [?,2]");
    }
}
