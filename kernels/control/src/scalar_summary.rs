//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::numbers::numbers;
use crate::wire;

/// A serialised `Summary` with the value of each tag.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ScalarSummary>
pub const OP: Op = Op {
    name: "ScalarSummary",
    inputs: &["tags: string", "values: T"],
    outputs: &["summary: string"],
    attrs: &["T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (tags, values) = (ctx.input(0), ctx.input(1));
        if tags.shape() != values.shape() {
            let tag = match tags.strings()? {
                [tag] => format!(" (tag '{}')", String::from_utf8_lossy(tag)),
                _ => String::new(),
            };
            return Err(Error::invalid_argument(format!(
                "tags and values are not the same shape: {} != {}{tag}",
                tags.shape(),
                values.shape()
            )));
        }
        let mut summary = Vec::new();
        for (tag, value) in tags.strings()?.iter().zip(numbers(values)?) {
            let mut message = Vec::new();
            if !tag.is_empty() {
                wire::bytes(&mut message, 1, tag);
            }
            wire::float(&mut message, 2, value as f32);
            wire::bytes(&mut summary, 1, &message);
        }
        ctx.set(0, Tensor::from_strings([], [summary])?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn table() {
        let call = |tags: &str, values: &str| {
            let run = OpTest::new(&OP).input(parse_tensor(tags)).input(parse_tensor(values)).run();
            run.map(|out| out[0].strings().unwrap()[0].to_vec()).map_err(|e| e.message().to_owned())
        };
        assert_eq!(call("string[] 'a'", "float[] 1.5").unwrap(), b"\n\x08\n\x01a\x15\0\0\xc0?");
        let two = b"\n\x08\n\x01a\x15\0\0\0\0\n\x05\x15\0\0\0@";
        assert_eq!(call("string[2] 'a' ''", "int64[2] 0 2").unwrap(), two);
        assert_eq!(call("string[0]", "half[0]").unwrap(), b"");
        let one = "tags and values are not the same shape: [] != [1] (tag 'a')";
        assert_eq!(call("string[] 'a'", "float[1] 0").unwrap_err(), one);
        let many = "tags and values are not the same shape: [2] != [1]";
        assert_eq!(call("string[2] 'a' 'b'", "float[1] 0").unwrap_err(), many);
    }
}
