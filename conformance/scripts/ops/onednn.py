"""Operators whose only kernels on a CPU are oneDNN's: made with oneDNN on, which a script turns on for this family."""

import numpy as np
import tensorflow as tf
from calls import Scene, f32, i8, i32, op, values
from engine import set_attr
from ops.array_shapes import ints
from ops.quantized import PLAIN, VECTOR, Q, S, codes
from tensorflow.core.framework import attr_value_pb2
from tensorflow.python.framework import op_def_registry

tf1, raw = tf.compat.v1, tf.raw_ops


def constant(value: Q) -> tf.Tensor:
    """Codes as a constant of the graph, as the kernels want filters."""
    proto = tf.make_tensor_proto(value.codes)
    proto.dtype = value.dtype.as_datatype_enum
    attrs = {"value": attr_value_pb2.AttrValue(tensor=proto), "dtype": attr_value_pb2.AttrValue(type=proto.dtype)}
    return tf1.get_default_graph().create_op("Const", [], [value.dtype], attrs=attrs).outputs[0]


def plain(outputs) -> list:
    return [raw.Bitcast(input=output, type=PLAIN[output.dtype]) if output.dtype in PLAIN else output for output in outputs]


def give(feed, value, own: bool):
    """Feeds codes as integers; what is to be a kernel's own is copied, so that it may write over it."""
    if isinstance(value, Q):
        fed = feed(np.asarray(value.codes))
        return raw.Bitcast(input=fed + tf.zeros_like(fed) if own else fed, type=value.dtype)
    fed = feed(value)
    return fed + tf.zeros_like(fed) if own else fed


def Fixed(name, inputs: dict, attrs, **rest) -> Scene:
    """One operator by the names of its inputs, whose filter (or `b`) is a constant."""

    def build(feed):
        given = {}
        for argument in op_def_registry.get(name).input_arg:
            value = inputs[argument.name]
            given[argument.name] = constant(value) if argument.name in ("filter", "b") else give(feed, value, argument.name == "summand")
        outputs = getattr(raw, name)(**given, **attrs)
        return plain(outputs if isinstance(outputs, tuple) else [outputs])

    return Scene(build, **rest)


def spoil(name, attrs):
    """Other lists of integers for the operator's node, in the graph that was built."""

    def change(graph):
        for node in graph.node:
            for key in attrs if node.op == name else ():
                node.attr[key].Clear()
                node.attr[key].list.i.extend(attrs[key])

    return change


STEPS = (
    ((1, 5, 6, 8), (3, 3, 8, 4), {"strides": [1, 1, 1, 1], "padding": "SAME"}),
    ((2, 7, 6, 3), (3, 2, 3, 16), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
    ((1, 6, 6, 32), (1, 1, 32, 7), {"strides": [1, 1, 1, 1], "padding": "VALID"}),
    ((1, 9, 7, 2), (3, 2, 2, 5), {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [1, 2, 2, 1]}),
    ((1, 7, 5, 4), (2, 2, 4, 3), {"strides": [1, 2, 1, 1], "padding": "VALID"}),
)
LISTED = ((1, 4, 4, 3), (3, 3, 3, 2), {"strides": [1, 1, 1, 1], "padding": "VALID", "padding_list": [0, 0, 1, 2, 0, 1, 0, 0]})
GROUPED = ((1, 4, 4, 6), (3, 3, 3, 4), {"strides": [1, 1, 1, 1], "padding": "SAME"})


def windows(image, kernel, attrs) -> list:
    """The spatial sizes of the result."""
    sizes = []
    for axis in (0, 1):
        stride, dilation = attrs["strides"][axis + 1], attrs.get("dilations", [1] * 4)[axis + 1]
        cells, reach = image[axis + 1], (kernel[axis] - 1) * dilation + 1
        if "padding_list" in attrs:
            cells += sum(attrs["padding_list"][2 * axis + 2 : 2 * axis + 4])
        sizes.append(-(-cells // stride) if attrs["padding"] == "SAME" else (cells - reach) // stride + 1)
    return sizes


def convolution(rng, name, steps, dtype=tf.quint8, many=False, kind=f32, **changes) -> Scene:
    """A convolution with inputs of all names, of which the operator takes its own."""
    image, kernel, attrs = steps
    depthwise = "Depthwise" in name
    if depthwise:
        kernel = (*kernel[:2], image[3], kernel[3] % 3 + 1)
    channels = kernel[2] * kernel[3] if depthwise else kernel[3]
    ends = (values(rng, f32, (channels,), -1, -0.2), values(rng, f32, (channels,), 0.1, 1)) if many else (S(-0.83), S(0.7))
    reach = 0.6 * 5.7 * (kernel[0] * kernel[1] * (1 if depthwise else kernel[2])) ** 0.5
    shape = (image[0], *windows(image, kernel, attrs), channels)
    summand = codes(rng, tf.qint8 if "Signed" in name else tf.quint8, shape) if "Requantize" in name else values(rng, f32, shape, -9, 9)
    inputs = {
        "input": codes(rng, dtype, image), "filter": codes(rng, tf.qint8, kernel),
        "bias": values(rng, f32, (channels,), -3, 3) if kind is f32 else Q(values(rng, i32, (channels,), -30000, 30000), tf.qint32),
        "min_input": S(-1.2), "max_input": S(5.7), "min_filter": ends[0], "max_filter": ends[1],
        "min_freezed_output": S(-0.5), "max_freezed_output": S(reach), "summand": summand, "min_summand": S(-0.3), "max_summand": S(0.7 * reach),
    }  # fmt: skip
    spoiled = {key: value for key, value in changes.items() if key not in inputs}
    return Fixed(name, {**inputs, **changes}, attrs, fails=None if changes else False, spoil=spoil(name, spoiled) if spoiled else None)


CONVOLUTIONS = [f"QuantizedConv2D{rest}" for rest in (
    "AndRelu", "AndReluAndRequantize", "AndRequantize", "PerChannel", "WithBias", "WithBiasAndRelu", "WithBiasAndReluAndRequantize", "WithBiasAndRequantize",
    "WithBiasSignedSumAndReluAndRequantize", "WithBiasSumAndRelu", "WithBiasSumAndReluAndRequantize",
)]  # fmt: skip
DEPTHWISE = [f"QuantizedDepthwiseConv2D{rest}" for rest in ("", "WithBias", "WithBiasAndRelu", "WithBiasAndReluAndRequantize")]


@op(*CONVOLUTIONS, *DEPTHWISE, family="onednn")
def convolutions(name, rng):
    attributes = {attr.name for attr in op_def_registry.get(name).attr}
    for steps in STEPS:
        yield convolution(rng, name, steps)
        yield convolution(rng, name, steps, many=True)
    if "padding_list" in attributes:
        yield convolution(rng, name, LISTED)
    if "Depthwise" not in name:
        yield convolution(rng, name, GROUPED)
        # Sums that single precision does not hold.
        deep = ((1, 1, 2, 900), (1, 1, 900, 3), {"strides": [1, 1, 1, 1], "padding": "VALID"})
        yield convolution(rng, name, deep)
        if "WithBias" in name and "Sum" not in name:
            for steps in STEPS[:3]:
                yield convolution(rng, name, steps, dtype=tf.qint8, many=steps[0][0] == 2)
    if "Tbias" in attributes:
        for many in (False, True):
            yield convolution(rng, name, STEPS[0], many=many, kind=i32)
    for changes in (
        {"input": codes(rng, tf.quint8, (0, 5, 6, 8))}, {"filter": codes(rng, tf.qint8, (3, 3, 5, 4))}, {"filter": Q(np.zeros((3, 3, 8, 0), i8), tf.qint8)},
        {"strides": [1, 1, 1]}, {"strides": [2, 1, 1, 1]}, {"strides": [1, 0, 1, 1]}, {"dilations": [1, 1, 1, 2]}, {"dilations": [1, 0, 1, 1]}, {"padding_list": [0, 0, 1, 1, 0, 0]}, {"padding_list": [1, 0, 1, 1, 0, 0, 0, 0]}, {"padding_list": [0, 0, -1, 1, 0, 0, 0, 0]}, {"min_filter": np.zeros(2, f32)},
        {"min_filter": np.zeros(0, f32), "max_filter": np.zeros(0, f32)}, {"min_filter": -np.ones(1, f32), "max_filter": np.ones(1, f32)}, {"min_input": np.zeros(1, f32)},
        {"max_freezed_output": np.zeros(1, f32)}, {"bias": np.zeros(3, f32)}, {"bias": np.zeros((1, 4), f32)}, {"bias": S(1)}, {"min_input": S(0), "max_input": S(0)},
        {"max_input": S(np.nan)}, {"max_input": S(np.inf)}, {"min_filter": S(0), "max_filter": S(0)}, {"max_freezed_output": S(np.nan)}, {"max_freezed_output": S(np.inf)},
        {"min_freezed_output": S(0), "max_freezed_output": S(0)},
    ):  # fmt: skip
        # The shape functions of depthwise convolutions don't look at lists, nor does what reads them.
        if "padding_list" not in changes or "padding_list" in attributes and "Depthwise" not in name:
            yield convolution(rng, name, STEPS[0], **changes)


def product(rng, name, shape, mode="MIN_FIRST", kind=f32, **changes) -> Scene:
    m, k, n = shape
    reach = 0.6 * 5.7 * k**0.5
    inputs = {
        "a": codes(rng, tf.quint8, (m, k)), "b": codes(rng, tf.qint8, (k, n)),
        "bias": values(rng, f32, (n,), -3, 3) if kind is f32 else Q(values(rng, i32, (n,), -100000, 100000), tf.qint32),
        "min_a": S(-1.2), "max_a": S(5.7), "min_b": S(-0.83), "max_b": S(0.7), "min_freezed_output": S(-0.5), "max_freezed_output": S(reach), **changes,
    }  # fmt: skip
    return Fixed(name, inputs, {"input_quant_mode": mode, **({"Toutput": tf.float32} if name.endswith("Dequantize") else {})}, fails=None if changes else False)


@op(*(f"QuantizedMatMulWithBias{rest}" for rest in ("", "AndDequantize", "AndRelu", "AndReluAndRequantize", "AndRequantize")), family="onednn")
def products(name, rng):
    biases = (f32, i32) if any(attr.name == "Tbias" for attr in op_def_registry.get(name).attr) else (f32,)
    for shape in ((1, 7, 1), (3, 5, 4), (16, 33, 17), (2, 1000, 3)):
        for mode in ("SCALED", "MIN_FIRST"):
            for bias in biases:
                yield product(rng, name, shape, mode, bias)
    for changes in (
        {"bias": np.zeros(3, f32)}, {"bias": np.zeros((1, 4), f32)}, {"a": codes(rng, tf.quint8, (3, 4))}, {"a": codes(rng, tf.quint8, (5,))},
        {"a": codes(rng, tf.quint8, (0, 5))}, {"b": Q(np.zeros((5, 0), i8), tf.qint8), "bias": np.zeros(0, f32)},
        {"max_b": S(0), "min_b": S(0)}, {"min_a": S(0), "max_a": S(0)}, {"min_a": S(3), "max_a": S(0)}, {"max_a": S(np.nan)}, {"max_a": S(np.inf)},
        {"max_freezed_output": S(np.nan)}, {"max_freezed_output": S(0), "min_freezed_output": S(0)}, {"max_freezed_output": S(np.inf)},
    ):  # fmt: skip
        yield product(rng, name, (3, 5, 4), **changes)
    for bias in biases:
        for changes in ({"min_a": np.ones(1, f32)}, {"max_b": np.ones((1, 1), f32)}, {"max_b": S(np.nan)}, {"min_b": S(np.nan)}):
            yield product(rng, name, (3, 5, 4), "SCALED", bias, **changes)


@op("_FusedQuantizedConv2D", "_FusedQuantizedDepthwiseConv2D", family="onednn")
def fused(name, rng):
    u8, s8, s32, real = tf.quint8, tf.qint8, tf.qint32, tf.float32
    for steps, source, bias, summand, to in (
        ([], u8, real, s32, s32), (["BiasAdd"], s8, real, s32, s32), (["BiasAdd"], u8, s32, s32, s32), (["Relu"], u8, s32, s32, s32), (["Requantize"], u8, s32, s8, s8),
        (["BiasAdd", "Relu"], u8, s32, s32, s32), (["BiasAdd", "Requantize"], u8, real, s8, s8), (["BiasAdd", "Requantize"], u8, real, u8, u8), (["Relu", "Requantize"], s8, s32, u8, u8),
        (["BiasAdd", "Relu", "Requantize"], s8, real, u8, u8), (["BiasAdd", "Relu", "Requantize"], u8, s32, s8, s8), (["BiasAdd", "Sum", "Relu"], u8, real, real, s32),
        (["BiasAdd", "Sum", "Relu", "Requantize"], u8, real, u8, u8), (["BiasAdd", "Sum", "Relu", "Requantize"], u8, s32, s8, u8), (["Relu", "BiasAdd"], u8, real, s32, s32),
        (["Requantize"], u8, s32, s32, s32), (["BiasAdd"], u8, real, u8, s32),
    ):  # fmt: skip
        yield fused_convolution(rng, name, steps, (source, bias, summand, to))


def fused_convolution(rng, name, fused_ops, types) -> Scene:
    """A convolution whose steps and types are attributes."""
    source, bias, summand, to = types
    image, kernel, attrs = STEPS[0]
    depthwise = "Depthwise" in name
    kernel = (3, 3, 8, 2) if depthwise else kernel
    channels = 16 if depthwise else 4
    biases = values(rng, f32, (channels,), -3, 3) if bias == tf.float32 else Q(values(rng, i32, (channels,), -30000, 30000), bias)
    shape = (*image[:3], channels)
    added = values(rng, f32, shape, -9, 9) if summand == tf.float32 else codes(rng, summand, shape)
    has = set(fused_ops)
    ends = [S(-1.2), S(5.7), values(rng, f32, (channels,), -1, -0.2), values(rng, f32, (channels,), 0.1, 1)]
    ends += [S(-0.3), S(7)] if {"Sum", "Requantize"} <= has else []
    ends += [S(-0.5), S(20)] if "Requantize" in has else []

    images, filters = codes(rng, source, image), codes(rng, tf.qint8, kernel)

    def build(feed):
        inputs = [give(feed, images, False), constant(filters)]
        inputs += [give(feed, biases, False)] if "BiasAdd" in has else []
        inputs += [give(feed, added, True)] if "Sum" in has else []
        given = {
            "Tinput": source, "Tfilter": tf.qint8, "Tbias": bias, "Tsummand": summand, "out_type": to, "Tdevice_inputs": [x.dtype for x in inputs], "Thost_inputs": [tf.float32] * len(ends),
            "Tdevice_outputs": [to], "Thost_outputs": [tf.float32] * 2, "fused_ops": fused_ops, **attrs,
        }  # fmt: skip
        return plain(node(name, [*inputs, *map(feed, ends)], [to, tf.float32, tf.float32], given))

    return Scene(build, fails=None)


def node(name, inputs, outputs, given) -> list:
    """The outputs of a node with these attributes."""
    attrs = {}
    for definition in op_def_registry.get(name).attr:
        if definition.name in given:
            set_attr(attrs.setdefault(definition.name, attr_value_pb2.AttrValue()), definition.type, given[definition.name])
    return list(tf1.get_default_graph().create_op(name, inputs, outputs, attrs=attrs, name="op").outputs)


@op("_QuantizedMaxPool3D", family="onednn")
def pool(name, rng):
    def scene(images, low=S(-1), high=S(2), **attrs):
        def build(feed):
            inputs = [raw.Bitcast(input=feed(images.codes), type=images.dtype), feed(low), feed(high)]
            return plain(node(name, inputs, [images.dtype, tf.float32, tf.float32], {"T": images.dtype, **attrs}))

        return Scene(build, fails=None)

    ok = {"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 2, 1], "padding": "VALID"}
    for dtype in (tf.quint8, tf.qint8):
        for size, stride in (((2, 2, 2), (2, 2, 2)), ((3, 2, 1), (1, 2, 3)), ((1, 3, 3), (1, 1, 1)), ((4, 5, 6), (1, 1, 1))):
            for padding in ("VALID", "SAME"):
                yield scene(codes(rng, dtype, (2, 4, 5, 6, 3)), ksize=[1, *size, 1], strides=[1, *stride, 1], padding=padding)
        yield scene(codes(rng, dtype, (1, 3, 4, 4, 4)), ksize=[1, 1, 2, 2, 2], strides=[1, 1, 2, 2, 2], padding="VALID", data_format="NCDHW")
        yield scene(codes(rng, dtype, (1, 3, 4, 4, 4)), **ok, data_format="NCDHW")
        yield scene(codes(rng, dtype, (0, 4, 4, 4, 3)), **ok)
    images = codes(rng, tf.quint8, (1, 4, 4, 4, 2))
    yield scene(codes(rng, tf.quint8, (4, 4, 4, 2)), **ok)
    yield scene(images, low=VECTOR, **ok)
    yield scene(images, high=VECTOR, **ok)
    yield scene(images, low=S(np.nan), high=S(-9), **ok)
    for changes in ({"ksize": [1, 5, 2, 2, 1]}, {"ksize": [1, 2, 2, 2, 2]}, {"ksize": [1, 1, 1, 1, 2]}, {"ksize": [1, 1, 1, 1, 2], "strides": [1, 1, 1, 1, 2]}, {"ksize": [2, 2, 2, 2, 1]}, {"ksize": [1, 0, 2, 2, 1]}, {"strides": [1, 1, 1, 1, 2]}, {"strides": [2, 1, 1, 1, 1]}):
        yield scene(images, **{**ok, **changes})


@op("QuantizedConcatV2", family="onednn")
def concat(name, rng):
    def scene(parts, axis, lows, highs, **rest):
        def build(feed):
            given = [raw.Bitcast(input=feed(part.codes), type=part.dtype) for part in parts]
            inputs = [*given, feed(axis), *map(feed, lows), *map(feed, highs)]
            dtype = parts[0].dtype
            return plain(node(name, inputs, [dtype, tf.float32, tf.float32], {"N": len(parts), "T": dtype, "Tidx": tf.dtypes.as_dtype(axis.dtype)}))

        return Scene(build, **rest)

    for dtype in (tf.quint8, tf.qint8):
        for axis, shapes in ((0, ((2, 3), (1, 3))), (1, ((2, 1), (2, 2), (2, 4))), (-1, ((2, 1), (2, 5)))):
            parts = [codes(rng, dtype, shape) for shape in shapes]
            for lows, highs in (((-1, -1, -1), (1, 1, 1)), ((0, -1, 0.5), (1, 2, 3))):
                yield scene(parts, np.array(axis, i32), [S(x) for x in lows[: len(parts)]], [S(x) for x in highs[: len(parts)]], fails=None)
    parts = [codes(rng, tf.quint8, (2, 3)), codes(rng, tf.quint8, (2, 2))]
    yield scene(parts, np.array(0, i32), [S(0), S(0)], [S(1), S(1)], fails=None)
    yield scene(parts, ints(1), [S(0), VECTOR], [S(1), S(1)], fails=None)
