//! What writes summaries.

use savedmodel_kernels_control::{histogram, numbers, wire};
use savedmodel_kernels_image::image_summary;
use savedmodel_kernels_signal::audio_summary;
use savedmodel_op::message::bytes;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_proto::tensor_proto::from_tensor;
use savedmodel_proto::{GraphDef, Message, decode};
use savedmodel_tensor::{Bytes, DType, Error, Result, Tensor};

use crate::events::event;
use crate::message::{is_event, is_metadata, is_summary};
use crate::writer::{Writer, one, string};

/// They give a writer an event with a summary of a step: a tensor with metadata, a number, a histogram, images, sounds; or with a
/// graph, with serialised summaries, or one that is serialised itself.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteSummary>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteScalarSummary>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteHistogramSummary>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteImageSummary>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteAudioSummary>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteGraphSummary>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WriteRawProtoSummary>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ImportEvent>
pub const OPS: &[Op] = &[
    Op {
        name: "WriteSummary",
        inputs: &["writer: resource", "step: int64", "tensor: T", "tag: string", "summary_metadata: string"],
        attrs: &["T: type"],
        kernels: Kernels::one(|_| kernel(tensor)),
        ..WRITE
    },
    Op {
        name: "WriteScalarSummary",
        inputs: &["writer: resource", "step: int64", "tag: string", "value: T"],
        attrs: &[
            "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
        ],
        kernels: Kernels::one(|_| kernel(scalar)),
        ..WRITE
    },
    Op {
        name: "WriteHistogramSummary",
        inputs: &["writer: resource", "step: int64", "tag: string", "values: T"],
        attrs: &[
            "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, bool} = DT_FLOAT",
        ],
        kernels: Kernels::one(|_| kernel(values)),
        ..WRITE
    },
    Op {
        name: "WriteImageSummary",
        inputs: &["writer: resource", "step: int64", "tag: string", "tensor: T", "bad_color: uint8"],
        attrs: &["max_images: int >= 1 = 3", "T: {uint8, double, float, half} = DT_FLOAT"],
        kernels: Kernels::one(build_images),
        ..WRITE
    },
    Op {
        name: "WriteAudioSummary",
        inputs: &["writer: resource", "step: int64", "tag: string", "tensor: float", "sample_rate: float"],
        attrs: &["max_outputs: int >= 1 = 3"],
        kernels: Kernels::one(build_sounds),
        ..WRITE
    },
    Op { name: "WriteGraphSummary", kernels: Kernels::one(|_| kernel(graph)), ..WRITE },
    Op { name: "WriteRawProtoSummary", kernels: Kernels::one(|_| kernel(summaries)), ..WRITE },
    Op {
        name: "ImportEvent",
        inputs: &["writer: resource", "event: string"],
        kernels: Kernels::one(build_import),
        ..WRITE
    },
];

const WRITE: Op = Op {
    name: "",
    inputs: &["writer: resource", "step: int64", "tensor: string"],
    outputs: &[],
    attrs: &[],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build_import),
};

/// The fields of an event.
const GRAPH: u8 = 4;
const SUMMARY: u8 = 5;

/// A kernel that makes a field of an event, and what is in it.
fn kernel(
    make: impl Fn(&Context<'_>) -> Result<(u8, Vec<u8>)> + Send + Sync + 'static,
) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        ctx.resource::<Writer>(0)?.with(|events| {
            let step = *one::<i64>(ctx, 1, "step")?;
            let (field, message) = make(ctx)?;
            events.add(event(step, field, &message))
        })
    }))
}

/// A summary of one value, whose tag is followed by what `fill` adds.
fn value(tag: &[u8], fill: impl FnOnce(&mut Vec<u8>)) -> (u8, Vec<u8>) {
    let (mut value, mut summary) = (Vec::new(), Vec::new());
    if !tag.is_empty() {
        bytes(&mut value, 1, tag);
    }
    fill(&mut value);
    bytes(&mut summary, 1, &value);
    (SUMMARY, summary)
}

fn tensor(ctx: &Context<'_>) -> Result<(u8, Vec<u8>)> {
    let (tag, metadata) = (string(ctx, 3, "tag")?, string(ctx, 4, "summary_metadata")?);
    let tensor = from_tensor(ctx.input(2))?.encode_to_vec();
    Ok(value(tag, |value| {
        bytes(value, 8, &tensor);
        if !metadata.is_empty() {
            // What can't be read stands for metadata that say nothing.
            bytes(value, 9, if is_metadata(metadata) { metadata } else { b"" });
        }
    }))
}

/// An error for what TensorFlow's writer does not take.
fn check_dtype(tensor: &Tensor) -> Result<()> {
    match tensor.dtype() {
        DType::Bfloat16 => Err(Error::unimplemented("SummaryFileWriter bfloat16 not supported.")),
        _ => Ok(()),
    }
}

fn scalar(ctx: &Context<'_>) -> Result<(u8, Vec<u8>)> {
    let (tag, tensor) = (string(ctx, 2, "tag")?, ctx.input(3));
    check_dtype(tensor)?;
    // Wide integers are rounded once.
    let first = match tensor.dtype() {
        DType::Int64 => tensor.as_slice::<i64>()?.first().map(|&value| value as f32),
        DType::Uint64 => tensor.as_slice::<u64>()?.first().map(|&value| value as f32),
        _ => numbers(tensor)?.first().map(|&value| value as f32),
    };
    let first = first.ok_or_else(|| Error::invalid_argument("value must not be empty"))?;
    Ok(value(tag, |value| wire::float(value, 2, first)))
}

fn values(ctx: &Context<'_>) -> Result<(u8, Vec<u8>)> {
    let (tag, tensor) = (string(ctx, 2, "tag")?, ctx.input(3));
    if tensor.elements() > 0 {
        check_dtype(tensor)?;
    }
    let numbers = match tensor.dtype() {
        DType::Bool => tensor.as_slice::<bool>()?.iter().map(|&value| f64::from(u8::from(value))).collect(),
        _ => numbers(tensor)?,
    };
    let name = String::from_utf8_lossy(tag);
    if let Some(&bad) = numbers.iter().find(|number| !number.is_finite()) {
        let what = if bad.is_nan() { "Nan" } else { "Infinity" };
        return Err(Error::invalid_argument(format!("{what} in summary histogram for: {name}")));
    }
    let histogram = histogram(&numbers, &name)?;
    Ok(value(tag, |value| bytes(value, 5, &histogram)))
}

fn build_images(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most = node.int32("max_images")?;
    kernel(move |ctx| {
        let (tag, color) = (string(ctx, 2, "tag")?, ctx.input(4));
        if color.rank() != 1 {
            return Err(Error::invalid_argument(format!(
                "bad_color must be a vector, got shape {}",
                color.shape()
            )));
        }
        Ok((SUMMARY, image_summary(tag, ctx.input(3), most, color.as_slice()?)?))
    })
}

fn build_sounds(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most = node.int32("max_outputs")?;
    kernel(move |ctx| {
        let (tag, rate) = (string(ctx, 2, "tag")?, *one::<f32>(ctx, 4, "sample_rate")?);
        Ok((SUMMARY, audio_summary(tag, ctx.input(3), most, rate)?))
    })
}

fn graph(ctx: &Context<'_>) -> Result<(u8, Vec<u8>)> {
    let graph = string(ctx, 2, "tensor")?;
    decode::<GraphDef>(graph.clone())
        .map_err(|_| Error::data_loss("Bad tf.GraphDef binary proto tensor string"))?;
    Ok((GRAPH, graph.to_vec()))
}

fn summaries(ctx: &Context<'_>) -> Result<(u8, Vec<u8>)> {
    let parts: &[Bytes] = ctx.input(2).strings()?;
    if let Some(bad) = parts.iter().position(|part| !is_summary(part)) {
        return Err(Error::data_loss(format!(
            "Bad tf.compat.v1.Summary binary proto tensor string at index {bad}"
        )));
    }
    Ok((SUMMARY, parts.concat()))
}

fn build_import(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        ctx.resource::<Writer>(0)?.with(|events| {
            let event = string(ctx, 1, "event")?;
            if !is_event(event) {
                return Err(Error::data_loss("Bad tf.Event binary proto tensor string"));
            }
            events.add(event.to_vec())
        })
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::parse_tensor;
    use savedmodel_tensor::Tensor;

    use crate::writer::tests::{call, events, place};

    /// Calls, with the events or the error that come of them.
    type Row = (&'static str, &'static [(&'static str, i64)], &'static str, &'static [u8]);

    fn check(rows: &[Row]) {
        for &(name, attrs, inputs, want) in rows {
            let (resources, directory) = (ResourceManager::new(), tempfile::tempdir().unwrap());
            let made = call(&resources, "CreateSummaryFileWriter", &[], place(directory.path(), 0));
            assert_eq!(made, "ok");
            let inputs: Vec<Tensor> = inputs.split("; ").map(parse_tensor).collect();
            let got = match &*call(&resources, name, attrs, inputs) {
                "ok" => events(directory.path()).concat(),
                error => error.as_bytes().to_vec(),
            };
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
            assert_eq!(text(&got), text(want), "{name}");
        }
    }

    #[test]
    fn tensors() {
        check(&[
            (
                "WriteSummary",
                &[],
                "int64[] 5; float[2] 1 2; string[] 't'; string[] '\x12\x01d'",
                b"\x10\x05*\x1e\n\x1c\n\x01tB\x12\x08\x01\x12\x04\x12\x02\x08\x02\"\x08\0\0\x80?\0\0\0@J\x03\x12\x01d",
            ),
            (
                "WriteSummary",
                &[],
                "int64[] -5; string[2] 'a' 'b'; string[] ''; string[] ''",
                b"\x10\xfb\xff\xff\xff\xff\xff\xff\xff\xff\x01*\x12\n\x10B\x0e\x08\x07\x12\x04\x12\x02\x08\x02B\x01aB\x01b",
            ),
            (
                "WriteSummary",
                &[],
                "int64[1] 0; int32[] 3; string[1] 'x'; string[] 'zz'",
                b"*\x13\n\x11\n\x01xB\n\x08\x03\x12\0\"\x04\x03\0\0\0J\0",
            ),
            (
                "WriteSummary",
                &[],
                "int64[2] 0 1; int32[] 3; string[] 'x'; string[] ''",
                b"INVALID_ARGUMENT: step must be a scalar, got shape [2]",
            ),
        ]);
    }

    #[test]
    fn numbers() {
        let nan = b"INVALID_ARGUMENT: Nan in summary histogram for: h";
        let infinity = b"INVALID_ARGUMENT: Infinity in summary histogram for: h";
        let narrow = b"UNIMPLEMENTED: SummaryFileWriter bfloat16 not supported.";
        check(&[
            ("WriteScalarSummary", &[], "int64[] 1; string[] 's'; int64[2] 7 8", b"\x10\x01*\n\n\x08\n\x01s\x15\0\0\xe0@"),
            ("WriteScalarSummary", &[], "int64[] 1; string[] 's'; float[] 0", b"\x10\x01*\n\n\x08\n\x01s\x15\0\0\0\0"),
            ("WriteScalarSummary", &[], "int64[] 1; string[] 's'; bfloat16[] 0", narrow),
            (
                "WriteScalarSummary",
                &[],
                "int64[] 1; string[] 's'; float[0]",
                b"INVALID_ARGUMENT: value must not be empty",
            ),
            ("WriteHistogramSummary", &[], "int64[] 1; string[] 'h'; float[1] NaN", nan),
            ("WriteHistogramSummary", &[], "int64[] 1; string[] 'h'; half[2] 1 inf", infinity),
            ("WriteHistogramSummary", &[], "int64[] 1; string[] 'h'; bfloat16[1] 1", narrow),
            (
                "WriteHistogramSummary",
                &[],
                "int64[] 1; string[] 'h'; bool[1] true",
                b"\x10\x01*h\nf\n\x01h*a\t\0\0\0\0\0\0\xf0?\x11\0\0\0\0\0\0\xf0?\x19\0\0\0\0\0\0\xf0?!\0\0\0\0\0\0\xf0?)\0\0\0\0\0\0\xf0?\
                  2\x18\x08\x99i\x19\x15Z\xed?+\x14\xfa\xcd\xbe$\xf0?\xff\xff\xff\xff\xff\xff\xef\x7f:\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0?\0\0\0\0\0\0\0\0",
            ),
        ]);
    }

    #[test]
    fn pictures_and_messages() {
        let one: &[(&str, i64)] = &[("max_images", 1)];
        check(&[
            (
                "WriteImageSummary",
                one,
                "int64[] 1; string[] 'i'; float[1,1,1,3] 1 1 1; uint8[1] 255",
                b"INVALID_ARGUMENT: expected depth <= bad_color.size, got depth = 3, bad_color.size = 1",
            ),
            (
                "WriteImageSummary",
                one,
                "int64[] 1; string[] 'i'; uint8[0,1,1,1]; uint8[] 255",
                b"INVALID_ARGUMENT: bad_color must be a vector, got shape []",
            ),
            ("WriteImageSummary", one, "int64[] 1; string[] 'i'; uint8[0,1,1,1]; uint8[0]", b"\x10\x01*\0"),
            (
                "WriteAudioSummary",
                &[("max_outputs", 1)],
                "int64[] 1; string[] 'a'; float[1,3,1] 0 0 0; float[] 10.3",
                b"\x10\x01*U\nS\n\x07a/audio2H\r\xcd\xcc$A\x10\x01\x18\x03\"2RIFF*\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\n\0\0\0\x14\0\0\0\
                  \x02\0\x10\0data\x06\0\0\0\0\0\0\0\0\0*\taudio/wav",
            ),
            ("WriteGraphSummary", &[], "int64[] 1; string[] '\"\x02\x08\x01'", b"\x10\x01\"\x04\"\x02\x08\x01"),
            (
                "WriteGraphSummary",
                &[],
                "int64[] 1; string[] 'zz'",
                b"DATA_LOSS: Bad tf.GraphDef binary proto tensor string",
            ),
            ("WriteRawProtoSummary", &[], "int64[] 1; string[2] '' ''", b"\x10\x01*\0"),
            (
                "WriteRawProtoSummary",
                &[],
                "int64[] 1; string[2] '' 'zz'",
                b"DATA_LOSS: Bad tf.compat.v1.Summary binary proto tensor string at index 1",
            ),
            ("ImportEvent", &[], "string[] 'zz'", b"DATA_LOSS: Bad tf.Event binary proto tensor string"),
        ]);
        let (resources, directory) = (ResourceManager::new(), tempfile::tempdir().unwrap());
        call(&resources, "CreateSummaryFileWriter", &[], place(directory.path(), 0));
        let event = Tensor::from_strings([], ["\t\0\0\0\0\0\0\x08@\x10\x04"]).unwrap();
        assert_eq!(call(&resources, "ImportEvent", &[], vec![event]), "ok");
        assert_eq!(events(directory.path()), [b"\x10\x04"]);
    }
}
