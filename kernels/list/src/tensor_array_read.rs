//! `TensorArrayReadV3` and its older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{DType, Result};

use crate::tensor_array::TensorArray;
use crate::tensor_array_write::to_index;

/// Reads one element of an array, and forgets it if the array was made with `clear_after_read`.
///
/// An element that was not written is zeros if the shape of the elements is known.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayReadV3>
pub const OPS: &[Op] = &[
    read("TensorArrayReadV3", &["handle: resource", "index: int32", "flow_in: float"]),
    read("TensorArrayReadV2", &["handle: string", "index: int32", "flow_in: float"]),
    read("TensorArrayRead", &["handle: Ref(string)", "index: int32", "flow_in: float"]),
];

const fn read(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["value: dtype"],
        attrs: &["dtype: type"],
        effect: Effect::Read,
        shape: shape::unknown,
        kernels: Kernels::All(&[("dtype", dtypes::POD_AND_POINTERS)], build),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let index = to_index(ctx.input(1))?;
        let array = TensorArray::of(ctx, 0)?;
        array.check_read(dtype)?;
        let value = array.read(index, &ctx.run())?;
        ctx.set(0, value);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;
    use savedmodel_tensor::{DType, PartialShape};

    #[test]
    fn table() {
        let check = |array: &Array, inputs: &str, want: &str| {
            let got = array.call("TensorArrayReadV3", vec![("dtype", DType::Float.into())], inputs);
            assert!(got.contains(want), "{inputs}: {got}");
        };
        let array = Array::of(2, vec![]);
        array.write(0, "float[2] 1 2");
        check(&array, "int32[] 0", "float[2] 1 2");
        check(
            &array,
            "int32[] 0",
            "Could not read index 0 twice because it was cleared after a previous read",
        );
        check(&array, "int32[] 1", "the element shape is not fully defined: <unknown>");
        check(&array, "int32[] 2", "INVALID_ARGUMENT: Tried to read from index 2 but array size is: 2");
        check(&array, "int32[] -1", "Tried to read from index -1");
        let got = array.call("TensorArrayReadV3", vec![("dtype", DType::Int32.into())], "int32[] 1");
        assert_eq!(got, "INVALID_ARGUMENT: TensorArray dtype is float but Op requested dtype int32.");
        let shape = ("element_shape", PartialShape::from([1]).into());
        let array = Array::of(2, vec![("clear_after_read", false.into()), shape]);
        check(&array, "int32[] 1", "float[1] 0");
        check(&array, "int32[] 1", "float[1] 0");
        let got = array.call("TensorArrayWriteV3", vec![], "int32[] 1; float[1] 1");
        assert!(got.ends_with("because it has already been read."), "{got}");
    }
}
