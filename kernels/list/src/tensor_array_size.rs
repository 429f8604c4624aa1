//! `TensorArraySizeV3`, `TensorArrayCloseV3` and their older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::tensor_array::TensorArray;

/// The number of elements of an array; and closing it, after which it can't be used any more.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArraySizeV3>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArrayCloseV3>
pub const OPS: &[Op] = &[
    size("TensorArraySizeV3", &["handle: resource", "flow_in: float"]),
    size("TensorArraySizeV2", &["handle: string", "flow_in: float"]),
    size("TensorArraySize", &["handle: Ref(string)", "flow_in: float"]),
    close("TensorArrayCloseV3", &["handle: resource"]),
    close("TensorArrayCloseV2", &["handle: string"]),
    close("TensorArrayClose", &["handle: Ref(string)"]),
];

const fn size(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["size: int32"],
        attrs: &[],
        effect: Effect::Read,
        shape: shape::scalar,
        kernels: Kernels::one(build_size),
    }
}

const fn close(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &[],
        attrs: &[],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::one(build_close),
    }
}

fn build_size(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let size = TensorArray::of(ctx, 0)?.size()?;
        let size = i32::try_from(size).map_err(|_| Error::internal("an array longer than int32 can tell"))?;
        ctx.set(0, Tensor::scalar(size));
        Ok(())
    }))
}

fn build_close(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        TensorArray::of(ctx, 0)?.close();
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;

    #[test]
    fn closed_for_good() {
        let array = Array::of(2, vec![]);
        assert_eq!(array.call("TensorArraySizeV3", vec![], ""), "int32[] 2");
        assert_eq!(array.call("TensorArrayCloseV3", vec![], ""), "");
        assert!(array.call("TensorArraySizeV3", vec![], "").ends_with("has already been closed."));
        assert!(
            array
                .call("TensorArrayWriteV3", vec![], "int32[] 0; float[] 1")
                .ends_with("already been closed.")
        );
        let array = Array::new("TensorArrayV2", 2, vec![]).unwrap();
        array.call("TensorArrayCloseV2", vec![], "");
        assert!(array.call("TensorArraySizeV2", vec![], "").ends_with("has already been closed."));
    }
}
