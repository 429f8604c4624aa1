//! See [`OPS`].

use savedmodel_op::{Construction, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::codes::convolution::{Form, build as build_form};
use crate::conv::attributes::shape;

/// Convolutions of 8-bit codes, with the steps after them that their names tell, as TensorFlow's oneDNN kernels compute them.
///
/// Ranges are taken as symmetric: a code is a multiple of a scale, whatever the smaller end of its range is. Filters have a
/// range or one for each output channel; without a range of its own, the output's codes of 32 bits are multiples of the
/// product of the images' scale with the largest of the filters'. A signed summand makes codes above 127 become 127. Paddings
/// in `padding_list` go before `padding`. TensorFlow wants filters to be constants and summands to be in memory that
/// nothing else needs; these kernels don't.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedConv2DWithBiasAndReluAndRequantize>
pub const OPS: &[Op] = &[
    Op { name: "QuantizedConv2DAndRelu", ..COMMON },
    Op {
        name: "QuantizedConv2DAndReluAndRequantize",
        inputs: FROZEN,
        attrs: &[
            INPUT,
            FILTER,
            "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
            STRIDES,
            PADDING,
            DILATIONS,
            LIST,
        ],
        kernels: Kernels::All(&[UNSIGNED, SIGNED_FILTER, ("out_type", &[DType::Quint8])], build),
        ..COMMON
    },
    Op {
        name: "QuantizedConv2DAndRequantize",
        inputs: FROZEN,
        attrs: &[
            INPUT,
            FILTER,
            "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QINT8",
            STRIDES,
            PADDING,
            DILATIONS,
            LIST,
        ],
        kernels: Kernels::All(&[UNSIGNED, SIGNED_FILTER, ("out_type", &[DType::Qint8])], build),
        ..COMMON
    },
    Op { name: "QuantizedConv2DPerChannel", attrs: WITHOUT_LIST, ..COMMON },
    Op {
        name: "QuantizedConv2DWithBias",
        inputs: BIAS,
        kernels: Kernels::All(&[ANY, SIGNED_FILTER, WIDE], build),
        ..COMMON
    },
    Op {
        name: "QuantizedConv2DWithBiasAndRelu",
        inputs: BIAS,
        kernels: Kernels::All(&[ANY, SIGNED_FILTER, WIDE], build),
        ..COMMON
    },
    Op { name: "QuantizedConv2DWithBiasAndReluAndRequantize", ..REQUANTIZED },
    Op {
        name: "QuantizedConv2DWithBiasAndRequantize",
        attrs: &[
            INPUT,
            FILTER,
            BIASES,
            "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QINT8",
            STRIDES,
            PADDING,
            DILATIONS,
            LIST,
        ],
        kernels: Kernels::All(&[ANY, SIGNED_FILTER, ANY_BIAS, ("out_type", &[DType::Qint8])], build),
        ..REQUANTIZED
    },
    Op {
        name: "QuantizedConv2DWithBiasSignedSumAndReluAndRequantize",
        kernels: Kernels::All(
            &[
                UNSIGNED,
                SIGNED_FILTER,
                ANY_BIAS,
                ("Tsummand", &[DType::Qint8]),
                ("out_type", &[DType::Quint8]),
            ],
            build,
        ),
        ..SUMMED
    },
    Op {
        name: "QuantizedConv2DWithBiasSumAndRelu",
        inputs: &[
            "input: Tinput",
            "filter: Tfilter",
            "bias: float",
            "min_input: float",
            "max_input: float",
            "min_filter: float",
            "max_filter: float",
            "summand: float",
        ],
        ..COMMON
    },
    Op { name: "QuantizedConv2DWithBiasSumAndReluAndRequantize", ..SUMMED },
    Op { name: "QuantizedDepthwiseConv2D", attrs: WITHOUT_LIST, shape: depthwise, ..COMMON },
    Op {
        name: "QuantizedDepthwiseConv2DWithBias",
        inputs: BIAS,
        attrs: WITHOUT_LIST,
        shape: depthwise,
        ..COMMON
    },
    Op { name: "QuantizedDepthwiseConv2DWithBiasAndRelu", inputs: BIAS, shape: depthwise, ..COMMON },
    Op {
        name: "QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize",
        shape: depthwise,
        kernels: Kernels::All(&[UNSIGNED, SIGNED_FILTER, ANY_BIAS, ("out_type", &[DType::Quint8])], build),
        ..REQUANTIZED
    },
    Op { name: "_FusedQuantizedConv2D", ..FUSED },
    Op { name: "_FusedQuantizedDepthwiseConv2D", ..FUSED },
];

const COMMON: Op = Op {
    name: "",
    inputs: &[
        "input: Tinput",
        "filter: Tfilter",
        "min_input: float",
        "max_input: float",
        "min_filter: float",
        "max_filter: float",
    ],
    outputs: &["output: out_type", "min_output: float", "max_output: float"],
    attrs: &[INPUT, FILTER, OUTPUT, STRIDES, PADDING, DILATIONS, LIST],
    effect: Effect::Pure,
    shape: whole,
    kernels: Kernels::All(&[UNSIGNED, SIGNED_FILTER, WIDE], build),
};

const REQUANTIZED: Op = Op {
    inputs: &[
        "input: Tinput",
        "filter: Tfilter",
        "bias: Tbias",
        "min_input: float",
        "max_input: float",
        "min_filter: float",
        "max_filter: float",
        "min_freezed_output: float",
        "max_freezed_output: float",
    ],
    attrs: &[
        INPUT,
        FILTER,
        BIASES,
        "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
        STRIDES,
        PADDING,
        DILATIONS,
        LIST,
    ],
    kernels: Kernels::All(&[ANY, SIGNED_FILTER, ANY_BIAS, ("out_type", &[DType::Quint8])], build),
    ..COMMON
};

const SUMMED: Op = Op {
    inputs: &[
        "input: Tinput",
        "filter: Tfilter",
        "bias: Tbias",
        "min_input: float",
        "max_input: float",
        "min_filter: float",
        "max_filter: float",
        "min_freezed_output: float",
        "max_freezed_output: float",
        "summand: Tsummand",
        "min_summand: float",
        "max_summand: float",
    ],
    attrs: &[
        INPUT,
        FILTER,
        BIASES,
        "Tsummand: {qint8, quint8, qint32, qint16, quint16}",
        "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
        STRIDES,
        PADDING,
        DILATIONS,
        LIST,
    ],
    kernels: Kernels::All(
        &[UNSIGNED, SIGNED_FILTER, ANY_BIAS, ("Tsummand", &[DType::Quint8]), ("out_type", &[DType::Quint8])],
        build,
    ),
    ..COMMON
};

const FUSED: Op = Op {
    inputs: &["device_inputs: Tdevice_inputs", "host_inputs: Thost_inputs"],
    outputs: &["device_outputs: Tdevice_outputs", "host_outputs: Thost_outputs"],
    attrs: &[
        "Tinput: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
        "Tfilter: {qint8, quint8, qint32, qint16, quint16} = DT_QINT8",
        "Tbias: {float, qint32} = DT_QINT32",
        "Tsummand: {float, quint8, qint8, qint32}",
        OUTPUT,
        "Tdevice_inputs: list(type) >= 0 = []",
        "Thost_inputs: list(type) >= 0",
        "Tdevice_outputs: list(type) >= 0 = []",
        "Thost_outputs: list(type) >= 0",
        "data_format: string = 'NHWC'",
        STRIDES,
        "is_filter_const: bool = true",
        "is_bias_const: bool = true",
        "padding: {'SAME', 'VALID', 'EXPLICIT'}",
        "explicit_paddings: list(int) = []",
        DILATIONS,
        "fused_ops: list(string) = []",
        "alpha: float = 0.0",
    ],
    shape: fused,
    kernels: Kernels::All(
        &[ANY, SIGNED_FILTER, ANY_BIAS, ("out_type", &[DType::Qint8, DType::Quint8, DType::Qint32])],
        build_fused,
    ),
    ..COMMON
};

const FROZEN: &[&str] = &[
    "input: Tinput",
    "filter: Tfilter",
    "min_input: float",
    "max_input: float",
    "min_filter: float",
    "max_filter: float",
    "min_freezed_output: float",
    "max_freezed_output: float",
];
const BIAS: &[&str] = &[
    "input: Tinput",
    "filter: Tfilter",
    "bias: float",
    "min_input: float",
    "max_input: float",
    "min_filter: float",
    "max_filter: float",
];
const WITHOUT_LIST: &[&str] = &[INPUT, FILTER, OUTPUT, STRIDES, PADDING, DILATIONS];
const INPUT: &str = "Tinput: {qint8, quint8, qint32, qint16, quint16}";
const FILTER: &str = "Tfilter: {qint8, quint8, qint32, qint16, quint16}";
const BIASES: &str = "Tbias: {float, qint32}";
const OUTPUT: &str = "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32";
const STRIDES: &str = "strides: list(int)";
const PADDING: &str = "padding: {'SAME', 'VALID'}";
const DILATIONS: &str = "dilations: list(int) = [1, 1, 1, 1]";
const LIST: &str = "padding_list: list(int) = []";

type Types = (&'static str, &'static [DType]);
const UNSIGNED: Types = ("Tinput", &[DType::Quint8]);
const ANY: Types = ("Tinput", &[DType::Qint8, DType::Quint8]);
const SIGNED_FILTER: Types = ("Tfilter", &[DType::Qint8]);
const ANY_BIAS: Types = ("Tbias", &[DType::Float, DType::Qint32]);
const WIDE: Types = ("out_type", &[DType::Qint32]);

fn whole(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    ends(ctx, shape(ctx, 2, |_, outputs| outputs)?)
}

fn depthwise(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    ends(ctx, shape(ctx, 2, |channels, multiplier| channels?.checked_mul(multiplier?))?)
}

/// With the shapes of the ends of the output's range: those of the filters' for sums of 32 bits.
fn ends(ctx: &ShapeContext<'_>, mut shapes: Vec<PartialShape>) -> Result<Vec<PartialShape>> {
    let requantized = ctx.attr("out_type") != Some(DType::Qint32);
    let end = if requantized { PartialShape::of_rank(0) } else { PartialShape::unknown() };
    // No images may come out with another shape.
    if ctx.input(0).dim(0).is_none_or(|batch| batch == 0) {
        shapes[0] = PartialShape::of_rank(4);
    }
    shapes.extend([end.clone(), end]);
    Ok(shapes)
}

fn fused(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::unknown(); ctx.outputs])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let has = |part: &str| node.op().contains(part);
    let ranges = 2 + usize::from(has("Bias"));
    let frozen = has("Requantize").then_some(ranges + 4);
    let summand = has("Sum").then(|| match frozen {
        Some(frozen) => (frozen + 2, Some(frozen + 3)),
        None => (ranges + 4, None),
    });
    let (relu, depthwise) = (has("Relu"), has("Depthwise"));
    build_form(node, Form { bias: has("Bias").then_some(2), ranges, summand, relu, frozen, depthwise })
}

fn build_fused(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let steps: Vec<String> = node.attr("fused_ops")?;
    let known: [&[&str]; 10] = [
        &[],
        &["BiasAdd"],
        &["Relu"],
        &["Requantize"],
        &["BiasAdd", "Relu"],
        &["BiasAdd", "Requantize"],
        &["Relu", "Requantize"],
        &["BiasAdd", "Relu", "Requantize"],
        &["BiasAdd", "Sum", "Relu"],
        &["BiasAdd", "Sum", "Relu", "Requantize"],
    ];
    if !known.iter().any(|known| steps == *known) {
        return Err(Error::invalid_argument(format!(
            "Unsupported QuantizedConv fusion: [{}]",
            steps.join(",")
        )));
    }
    let has = |step: &str| steps.iter().any(|known| known == step);
    let (bias, sum, requantizes) = (has("BiasAdd"), has("Sum"), has("Requantize"));
    let (output, summand): (DType, DType) = (node.attr("out_type")?, node.attr("Tsummand")?);
    if requantizes != (output != DType::Qint32) || !sum && summand != output {
        return Err(node.no_kernel("out_type"));
    }
    if sum && (output == DType::Qint8 || (output == DType::Qint32) != (summand == DType::Float)) {
        return Err(node.unimplemented("Tsummand"));
    }
    if node.attr::<String>("data_format")? != "NHWC" {
        return Err(node.unimplemented("data_format"));
    }
    let ranges = 2 + usize::from(bias) + usize::from(sum);
    let ends = sum && requantizes;
    let form = Form {
        bias: bias.then_some(2),
        ranges,
        summand: sum.then_some((3, ends.then_some(ranges + 4))),
        relu: has("Relu"),
        frozen: requantizes.then_some(ranges + 4 + 2 * usize::from(ends)),
        depthwise: node.op().contains("Depthwise"),
    };
    let inputs = form.frozen.map_or(ranges + 4, |frozen| frozen + 2);
    if node.inputs.len() != inputs || node.outputs.len() != 3 || node.outputs[0] != output {
        return Err(Error::invalid_argument(format!(
            "operator {} with fused_ops [{}] takes {inputs} inputs and gives 3 outputs",
            node.op(),
            steps.join(",")
        )));
    }
    build_form(node, form)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let ranges = "float[] 0; float[] 2.55; float[] -1.27; float[] 1.27";
        let images = "quint8[1,1,2,1] 10 200; qint8[1,1,1,2] 3 -4";
        let leak = |text: String| -> &'static str { text.leak() };
        let attrs = "strides=[1,1,1,1] padding=VALID";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "QuantizedConv2DWithBiasAndReluAndRequantize",
                    attrs,
                    leak(format!("{images}; float[2] 0.5 1; {ranges}; float[] 0; float[] 25.5")),
                    "quint8[1,1,2,2] 5 10 6 9; float[] 0; float[] 25.5",
                ),
                (
                    "QuantizedConv2DWithBiasSumAndReluAndRequantize",
                    attrs,
                    leak(format!(
                        "{images}; float[2] 0.5 -20; {ranges}; float[] 0; float[] 25.5; quint8[1,1,2,2] 1 2 3 4; \
                         float[] 0; float[] 255"
                    )),
                    "quint8[1,1,2,2] 15 0 36 0; float[] 0; float[] 25.5",
                ),
                (
                    "QuantizedConv2DAndRelu",
                    "strides=[1,1,1,1] padding=VALID padding_list=[0,0,0,1,0,0,0,0]",
                    leak(format!("{images}; {ranges}")),
                    "qint32[1,2,2,2] 30 0 600 0 0 0 0 0; float[] -214748.36; float[] 214748.36",
                ),
                (
                    "QuantizedDepthwiseConv2D",
                    attrs,
                    leak(format!("{images}; {ranges}")),
                    "qint32[1,1,2,2] 30 -40 600 -800; float[] -214748.36; float[] 214748.36",
                ),
                (
                    "QuantizedConv2DPerChannel",
                    attrs,
                    leak(format!(
                        "{images}; float[] 0; float[] 2.55; float[2] -1.27 -0.635; float[2] 1.27 0.635"
                    )),
                    "qint32[1,1,2,2] 30 -20 600 -400; float[2] -214748.36 -107374.18; float[2] 214748.36 107374.18",
                ),
                (
                    "QuantizedConv2DWithBias",
                    attrs,
                    leak(format!("{images}; float[3] 1 2 3; {ranges}")),
                    "ABORTED: a bias of 3 elements for 2 channels",
                ),
                (
                    "QuantizedConv2DAndRelu",
                    "strides=[2,1,1,1] padding=VALID",
                    leak(format!("{images}; {ranges}")),
                    "UNIMPLEMENTED: Current implementation does not yet support strides",
                ),
                (
                    "QuantizedConv2DAndRelu",
                    "strides=[1,1,1,1] dilations=[1,1,1,2] padding=VALID",
                    leak(format!("{images}; {ranges}")),
                    "INVALID_ARGUMENT: Current implementation does not yet support dilations",
                ),
                (
                    "QuantizedConv2DAndRelu",
                    attrs,
                    leak(format!("{images}; float[] 0; float[] 1; float[3] 1 2 3; float[3] 1 2 3")),
                    "INVALID_ARGUMENT: min_filter and max_filter have 3 elements for 2 channels",
                ),
            ],
        );
    }
}
