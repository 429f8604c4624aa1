//! `ReaderRead` and `ReaderReadUpTo`, in both versions.

use savedmodel_kernels_list::Queue;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor};

use crate::dataset::scalar;
use crate::reader::{Reader, Record};

/// They give the next record of a reader, or some of them: keys and values.
///
/// What the reader works on it takes out of a queue. Where TensorFlow waits for more, this is an error.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReaderReadV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReaderReadUpToV2>
pub const OPS: &[Op] = &[
    Op { name: "ReaderRead", inputs: &["reader_handle: Ref(string)", "queue_handle: Ref(string)"], ..READ },
    Op { name: "ReaderReadV2", ..READ },
    Op {
        name: "ReaderReadUpTo",
        inputs: &["reader_handle: Ref(string)", "queue_handle: Ref(string)", "num_records: int64"],
        ..READ_UP_TO
    },
    Op { name: "ReaderReadUpToV2", ..READ_UP_TO },
];

const READ: Op = Op {
    name: "",
    inputs: &["reader_handle: resource", "queue_handle: resource"],
    outputs: &["key: string", "value: string"],
    attrs: &[],
    effect: Effect::Write,
    shape: shape::scalar,
    kernels: Kernels::one(build_one),
};

const READ_UP_TO: Op = Op {
    inputs: &["reader_handle: resource", "queue_handle: resource", "num_records: int64"],
    outputs: &["keys: string", "values: string"],
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::of_rank(1); 2]),
    kernels: Kernels::one(build_many),
    ..READ
};

fn build_one(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let records = ctx.resource::<Reader>(0)?.read(1, ctx.resource::<Queue>(1)?, ctx)?;
        give(ctx, Shape::scalar(), records)
    }))
}

fn build_many(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let most: i64 = scalar(ctx, 2, "num_records")?;
        let most = usize::try_from(most)
            .map_err(|_| Error::invalid_argument(format!("num_records must be >= 0, not {most}")))?;
        let records = ctx.resource::<Reader>(0)?.read(most, ctx.resource::<Queue>(1)?, ctx)?;
        give(ctx, Shape::from([records.len()]), records)
    }))
}

fn give(ctx: &mut Context<'_>, shape: Shape, records: Vec<Record>) -> Result<()> {
    let (keys, values): (Vec<_>, Vec<_>) =
        records.into_iter().map(|record| (record.key, record.value)).unzip();
    ctx.set(0, Tensor::from_strings(shape.clone(), keys)?);
    ctx.set(1, Tensor::from_strings(shape, values)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::reader::cases::Reading;

    #[test]
    fn one_and_many() {
        let reading = Reading::of("TextLineReaderV2", &[], &[b"a\nb\nc", b"", b"d"]);
        let call = |name: &str, inputs: &str| reading.call(name, inputs).replace(&reading.folder(), "");
        assert_eq!(call("ReaderReadV2", ""), "string[] '/0:1'; string[] 'a'");
        assert_eq!(reading.read("int64[] 0"), "string[0]; string[0]");
        assert_eq!(call("ReaderReadUpToV2", "int64[] 5"), "string[2] '/0:2' '/0:3'; string[2] 'b' 'c'");
        assert_eq!(reading.read("int64[] -1"), "INVALID_ARGUMENT: num_records must be >= 0, not -1");
        assert_eq!(reading.read("int64[1] 1"), "INVALID_ARGUMENT: num_records must be a scalar");
        assert_eq!(call("ReaderReadV2", ""), "string[] '/2:1'; string[] 'd'");
        assert!(call("ReaderReadV2", "").starts_with("DEADLINE_EXCEEDED: "));
    }
}
