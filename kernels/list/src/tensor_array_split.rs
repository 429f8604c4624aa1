//! `TensorArraySplitV3` and its older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::tensor_array::TensorArray;

/// Writes pieces of a tensor, cut along its first dimension, to the places of an array from the first on.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorArraySplitV3>
pub const OPS: &[Op] = &[
    split("TensorArraySplitV3", &["handle: resource", "value: T", "lengths: int64", "flow_in: float"]),
    split("TensorArraySplitV2", &["handle: string", "value: T", "lengths: int64", "flow_in: float"]),
    split("TensorArraySplit", &["handle: Ref(string)", "value: T", "lengths: int64", "flow_in: float"]),
];

const fn split(name: &'static str, inputs: &'static [&'static str]) -> Op {
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
        let array = TensorArray::of(ctx, 0)?;
        let value = ctx.input(1);
        let lengths = check(value, ctx.input(2), &array)?;
        let mut start = 0;
        for (i, length) in lengths.into_iter().enumerate() {
            array.write(i as i32, value.rows(start, start + length)?, &ctx.run())?;
            start += length;
        }
        let flow = ctx.take(3);
        ctx.set(0, flow);
        Ok(())
    }))
}

fn check(value: &Tensor, lengths: &Tensor, array: &TensorArray) -> Result<Vec<usize>> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    if lengths.rank() != 1 {
        return refuse(format!("Expected lengths to be a vector, received shape: {}", lengths.shape()));
    }
    let Some(&rows) = value.shape().first() else {
        return refuse("Expected value to be at least a vector, but received shape: []".to_owned());
    };
    let lengths = lengths.as_slice::<i64>()?;
    let total = lengths.iter().fold(0_i64, |sum, &length| sum.saturating_add(length));
    if total != rows as i64 {
        return refuse(format!(
            "Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {total} and value's shape \
             is: {}",
            value.shape()
        ));
    }
    array.check_write(value.dtype())?;
    let (size, can_grow) = array.size_limits()?;
    if lengths.len() != size && !(can_grow && size < lengths.len()) {
        return refuse(format!(
            "TensorArray's size is not equal to the size of lengths ({size} vs. {}), and the TensorArray is not marked \
             as dynamically resizeable",
            lengths.len()
        ));
    }
    let length = |&length: &i64| {
        usize::try_from(length)
            .map_err(|_| Error::invalid_argument(format!("Invalid value in lengths: {length}")))
    };
    lengths.iter().map(length).collect()
}

#[cfg(test)]
mod tests {
    use crate::array_cases::Array;
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let check = |size: i32, grows: bool, inputs: &str, want: &str| {
            let array = Array::of(size, vec![("dynamic_size", grows.into())]);
            let flow = array.call("TensorArraySplitV3", vec![], inputs);
            let got = match flow.as_str() {
                "float[] 0" => array.call("TensorArrayConcatV3", vec![("dtype", DType::Float.into())], ""),
                _ => flow,
            };
            assert!(got.contains(want), "{inputs}: {got}");
        };
        check(3, false, "float[3] 1 2 3; int64[3] 1 0 2", "float[3] 1 2 3; int64[3] 1 0 2");
        check(1, true, "float[2] 1 2; int64[2] 1 1", "float[2] 1 2; int64[2] 1 1");
        check(2, false, "float[2] 1 2; int64[2] 1 2", "but sum of lengths is 3 and value's shape is: [2]");
        check(3, true, "float[2] 1 2; int64[2] 1 1", "not equal to the size of lengths (3 vs. 2)");
        check(2, false, "float[2] 1 2; int64[2] 3 -1", "Invalid value in lengths: -1");
        check(2, false, "float[] 1; int64[2] 3 -1", "Expected value to be at least a vector");
        check(2, false, "float[1] 1; int64[1,1] 1", "Expected lengths to be a vector, received shape: [1,1]");
        check(2, false, "int32[2] 1 2; int64[2] 1 1", "Op is trying to write dtype int32.");
    }
}
