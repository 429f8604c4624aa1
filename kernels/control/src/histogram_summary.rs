//! See [`OP`].

use std::sync::LazyLock;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::numbers::numbers;
use crate::wire;

/// A serialised `Summary` with a histogram: how many values lie between limits that grow by a tenth each.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/HistogramSummary>
pub const OP: Op = Op {
    name: "HistogramSummary",
    inputs: &["tag: string", "values: T"],
    outputs: &["summary: string"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], build),
};

/// The limits of the buckets, each above the values in it.
static LIMITS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut positive = Vec::new();
    let mut limit = 1e-12;
    while limit < 1e20 {
        positive.push(limit);
        limit *= 1.1;
    }
    positive.push(f64::MAX);
    let negative = positive.iter().rev().map(|&limit| -limit);
    negative.chain([0.0]).chain(positive.iter().copied()).collect()
});

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let name = node.name.to_owned();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let tag = ctx.input(0);
        if tag.rank() != 0 {
            return Err(Error::invalid_argument("tags must be scalar"));
        }
        let histogram = histogram(&numbers(ctx.input(1))?, &name)?;
        let (mut message, mut summary) = (Vec::new(), Vec::new());
        if !tag.strings()?[0].is_empty() {
            wire::bytes(&mut message, 1, &tag.strings()?[0]);
        }
        wire::bytes(&mut message, 5, &histogram);
        wire::bytes(&mut summary, 1, &message);
        ctx.set(0, Tensor::from_strings([], [summary])?);
        Ok(())
    }))
}

/// A serialised `HistogramProto` of what messages call `name`.
///
/// # Errors
/// `INVALID_ARGUMENT` for a value that no bucket has.
pub fn histogram(values: &[f64], name: &str) -> Result<Vec<u8>> {
    let mut counts = vec![0.0; LIMITS.len()];
    let (mut min, mut max, mut sum, mut squares) = (f64::MAX, -f64::MAX, 0.0, 0.0);
    for &value in values {
        if value.is_nan() {
            return Err(Error::invalid_argument(format!("Nan in summary histogram for: {name}")));
        }
        let bucket = LIMITS.partition_point(|&limit| limit <= value);
        let count = counts.get_mut(bucket).filter(|_| value.is_finite());
        *count.ok_or_else(|| Error::invalid_argument(format!("Infinity in Histogram for: {name}")))? += 1.0;
        min = if min > value { value } else { min };
        max = if max < value { value } else { max };
        sum += value;
        squares += value * value;
    }
    let (mut limits, mut buckets): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    // Of neighbours without values the last one stands for all.
    for run in
        LIMITS.iter().copied().zip(counts).collect::<Vec<_>>().chunk_by(|a, b| a.1 == 0.0 && b.1 == 0.0)
    {
        let (limit, count) = run[run.len() - 1];
        limits.push(limit);
        buckets.push(count);
    }
    let mut message = Vec::new();
    for (field, value) in [(1, min), (2, max), (3, values.len() as f64), (4, sum), (5, squares)] {
        wire::double(&mut message, field, value);
    }
    wire::doubles(&mut message, 6, &limits);
    wire::doubles(&mut message, 7, &buckets);
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn table() {
        let call = |tag: &str, values: &str| {
            let run = OpTest::new(&OP).input(parse_tensor(tag)).input(parse_tensor(values)).run();
            run.map(|out| out[0].strings().unwrap()[0].to_vec()).map_err(|e| e.message().to_owned())
        };
        let (most, least) = (b"\xff\xff\xff\xff\xff\xff\xef\x7f", b"\xff\xff\xff\xff\xff\xff\xef\xff");
        let empty =
            [&b"\n+\n\x01h*&\t"[..], most, b"\x11", least, b"2\x08", most, b":\x08\0\0\0\0\0\0\0\0"].concat();
        assert_eq!(call("string[] 'h'", "float[0]").unwrap(), empty);
        let zeros = [
            &b"\nB\n\x01h*=\x19\0\0\0\0\0\0\0@2\x18\0\0\0\0\0\0\0\0\x11\xea-\x81\x99\x97q="[..],
            most,
            b":\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0@\0\0\0\0\0\0\0\0",
        ]
        .concat();
        assert_eq!(call("string[] 'h'", "float[2] 0 -0").unwrap(), zeros);
        let middle = [
            &b"\nf\n\x01h*a\t\0\0\0\0\0\0\xf8?\x11\0\0\0\0\0\0\xf8?\x19\0\0\0\0\0\0\xf0?!\0\0\0\0\0\0\xf8?)\0\0\0\0\0\0\x02@"
                [..],
            b"2\x18\x85E\xcc\x9f\xc0\xa2\xf7?yL\xfa\xe2\xd3\xff\xf9?",
            most,
            b":\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0?\0\0\0\0\0\0\0\0",
        ]
        .concat();
        assert_eq!(call("string[] 'h'", "bfloat16[] 1.5").unwrap(), middle);
        assert_eq!(call("string[1] 'h'", "float[1] 1").unwrap_err(), "tags must be scalar");
        assert_eq!(call("string[] 'h'", "float[1] nan").unwrap_err(), "Nan in summary histogram for: test");
        assert_eq!(call("string[] 'h'", "float[1] inf").unwrap_err(), "Infinity in Histogram for: test");
        assert!(call("string[] 'h'", "double[1] 1.7976931348623157e308").is_err());
    }
}
