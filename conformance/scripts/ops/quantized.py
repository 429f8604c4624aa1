"""Arithmetic on quantized values: the operators with ranges, and the uniform ones with scales and zero points."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from calls import Scene, advisory, f32, i32, op, values
from ops.array_shapes import ints
from tensorflow.python.framework import op_def_registry

raw = tf.raw_ops
S = np.float32
PLAIN = {tf.qint8: tf.int8, tf.quint8: tf.uint8, tf.qint16: tf.int16, tf.quint16: tf.uint16, tf.qint32: tf.int32}


@dataclass
class Q:
    """Codes of a quantized type."""

    codes: np.ndarray
    dtype: tf.DType = tf.quint8


def codes(rng, dtype, shape) -> Q:
    plain = PLAIN[dtype].as_numpy_dtype
    low, high = (-(2**20), 2**20) if dtype == tf.qint32 else (np.iinfo(plain).min, np.iinfo(plain).max)
    return Q(rng.integers(low, high + 1, shape).astype(plain), dtype)


def q8(*numbers) -> Q:
    return Q(np.array(numbers, np.uint8))


def graph(name, inputs, attrs):
    """Builds one operator whose quantized inputs and outputs are fed and fetched as the integers they hold."""

    def build(feed):
        def give(value):
            if isinstance(value, list):
                return [give(item) for item in value]
            if isinstance(value, Q):
                plain = PLAIN[value.dtype].as_numpy_dtype
                return raw.Bitcast(input=feed(np.asarray(value.codes).astype(plain)), type=value.dtype)
            return feed(value)

        arguments = {argument.name: give(value) for argument, value in zip(op_def_registry.get(name).input_arg, inputs, strict=True)}
        outputs = getattr(raw, name)(**arguments, **attrs)
        outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
        return [raw.Bitcast(input=output, type=PLAIN[output.dtype]) if output.dtype in PLAIN else output for output in outputs]

    return build


def Coded(name, inputs, attrs=None, **rest) -> Scene:
    return Scene(graph(name, inputs, attrs or {}), **rest)


def Wrong(name, inputs, attrs=None) -> Scene:
    return Coded(name, inputs, attrs, fails=True)


RANGES = ((S(-1), S(1)), (S(0), S(6)), (S(-3.5), S(0.25)))
VECTOR = np.zeros(0, f32)


@op("QuantizeDownAndShrinkRange", "RequantizationRange", family="quantization", tolerance="eps 2")
def shrink(name, rng):
    attrs = {"out_type": tf.quint8} if name.startswith("Quantize") else {}
    for low, high in RANGES:
        for shape in ((1,), (7,), (2, 3, 4)):
            yield Coded(name, [codes(rng, tf.qint32, shape), low, high], attrs)
    yield Coded(name, [Q(ints(-(2**31), 2**31 - 1, 0), tf.qint32), S(-100), S(100)], attrs)
    yield Wrong(name, [Q(ints(1, 2), tf.qint32), VECTOR, S(1)], attrs)
    yield Coded(name, [Q(ints(), tf.qint32), S(0), S(1)], attrs, fails=None)


@op("Requantize", family="quantization", tolerance="eps 2")
def requantize(name, rng):
    for to in (tf.quint8, tf.qint8):
        for low, high in RANGES:
            for wanted in ((S(-0.001), S(0.001)), (S(-1e-4), S(3e-4)), (S(-2), S(2))):
                yield Coded(name, [codes(rng, tf.qint32, (3, 5)), low, high, *wanted], {"out_type": to})
    yield Wrong(name, [Q(ints(1, 2), tf.qint32), S(0), S(1), VECTOR, S(1)], {"out_type": tf.quint8})
    yield Wrong(name, [Q(ints(1, 2), tf.qint32), S(0), S(1), S(1), S(-1)], {"out_type": tf.quint8})


@op("RequantizationRangePerChannel", family="quantization", tolerance="eps 2")
def range_per_channel(name, rng):
    for high in (6.0, 0.5):
        yield Coded(name, [codes(rng, tf.qint32, (1, 2, 3, 2)), np.array([-1, -2], f32), np.array([1, 3], f32)], {"clip_value_max": high})
    yield Wrong(name, [codes(rng, tf.qint32, (1, 2, 3, 2)), np.array([-1], f32), np.array([1, 3], f32)], {"clip_value_max": 6.0})


@op("RequantizePerChannel", family="quantization", tolerance="eps 2")
def requantize_per_channel(name, rng):
    for to in (tf.quint8, tf.qint8):
        for wanted in ((S(-0.001), S(0.001)), (S(0), S(0.002))):
            signed = to == tf.qint8 and wanted[0] == 0
            yield Coded(name, [codes(rng, tf.qint32, (1, 2, 3, 2)), np.array([-1, -2], f32), np.array([1, 3], f32), *wanted], {"out_type": to}, fails=signed)
    yield Wrong(name, [codes(rng, tf.qint32, (1, 2, 3, 2)), np.array([-1], f32), np.array([1, 3], f32), S(-1), S(1)], {"out_type": tf.quint8})


@op("QuantizedMatMul", family="quantization", tolerance="eps 2")
def mat_mul(name, rng):
    for shape in ((1, 3, 2), (5, 17, 9), (16, 32, 16)):
        for transposed in (False, True):
            m, k, n = shape
            a, b = codes(rng, tf.quint8, (k, m) if transposed else (m, k)), codes(rng, tf.quint8, (n, k) if transposed else (k, n))
            for low, high in RANGES:
                yield Coded(name, [a, b, low, high, S(-1), S(2)], {"transpose_a": transposed, "transpose_b": transposed})
    a, b = codes(rng, tf.quint8, (2, 3)), codes(rng, tf.quint8, (3, 2))
    yield Wrong(name, [a, a, S(0), S(1), S(0), S(1)])
    yield Wrong(name, [a, b, S(1), S(1), S(0), S(1)])
    yield Wrong(name, [a, b, np.zeros(2, f32), S(1), S(0), S(1)])


@op("QuantizedConv2D", family="quantization", tolerance="eps 2")
def conv2d(name, rng):
    for image, kernel in (((1, 5, 6, 2), (3, 2, 2, 3)), ((2, 6, 6, 4), (1, 1, 4, 8)), ((1, 7, 7, 1), (3, 3, 1, 2))):
        for stride, padding in ((1, "SAME"), (2, "SAME"), (1, "VALID"), (2, "VALID")):
            yield Coded(name, [codes(rng, tf.quint8, image), codes(rng, tf.quint8, kernel), S(-1), S(2), S(-1), S(1)], {"strides": [1, stride, stride, 1], "padding": padding})
    ok = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    image, kernel = codes(rng, tf.quint8, (1, 4, 4, 2)), codes(rng, tf.quint8, (2, 2, 2, 1))
    yield Wrong(name, [image, codes(rng, tf.quint8, (2, 2, 3, 1)), S(0), S(1), S(0), S(1)], ok)
    yield Wrong(name, [image, kernel, VECTOR, S(1), S(0), S(1)], ok)


@op("QuantizedBiasAdd", family="quantization", tolerance="eps 2")
def bias_add(name, rng):
    for dtype in (tf.quint8, tf.qint8):
        for shape in ((2, 3), (1, 2, 2, 17)):
            for low, high in RANGES:
                yield Coded(name, [codes(rng, dtype, shape), codes(rng, dtype, shape[-1:]), low, high, S(-1), S(2)], {"out_type": tf.qint32})
    yield Wrong(name, [codes(rng, tf.quint8, (2, 3)), codes(rng, tf.quint8, (2,)), S(0), S(1), S(0), S(1)], {"out_type": tf.qint32})
    yield Wrong(name, [codes(rng, tf.quint8, (2, 3)), codes(rng, tf.quint8, (3,)), VECTOR, S(1), S(0), S(1)], {"out_type": tf.qint32})


@op("QuantizedRelu", "QuantizedRelu6", family="quantization", tolerance="eps 2")
def relu(name, rng):
    for dtype in (tf.quint8, tf.qint32):
        for low, high in (*RANGES, (S(-10), S(10))):
            yield Coded(name, [codes(rng, dtype, (2, 9)), low, high], {"out_type": dtype})
    yield Wrong(name, [q8(1, 2), VECTOR, S(1)], {"out_type": tf.quint8})


@op("QuantizedMaxPool", "QuantizedAvgPool", family="quantization", tolerance="eps 2")
def pool(name, rng):
    for dtype in (tf.quint8, tf.qint8):
        for size, stride, padding in ((2, 2, "VALID"), (3, 2, "SAME"), (3, 1, "VALID"), (2, 1, "SAME")):
            yield Coded(name, [codes(rng, dtype, (2, 5, 6, 3)), S(-1), S(1)], {"ksize": [1, size, size, 1], "strides": [1, stride, stride, 1], "padding": padding})
    ok = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    yield Wrong(name, [codes(rng, tf.quint8, (5, 6, 3)), S(-1), S(1)], ok)
    yield Wrong(name, [codes(rng, tf.quint8, (1, 4, 4, 3)), np.zeros(2, f32), S(1)], ok)


@op("QuantizedConcat", family="quantization", tolerance="eps 2")
def concat(name, rng):
    for dtype in (tf.quint8, tf.qint32):
        for axis, shapes in ((0, ((2, 3), (1, 3))), (1, ((2, 1), (2, 2), (2, 4))), (0, ((1,), (5,)))):
            parts = [codes(rng, dtype, shape) for shape in shapes]
            for lows, highs in (((-1, -1, -1), (1, 1, 1)), ((0, -1, 0.5), (1, 2, 3))):
                yield Coded(name, [np.array(axis, i32), parts, [S(x) for x in lows[: len(parts)]], [S(x) for x in highs[: len(parts)]]])
    parts = [codes(rng, tf.quint8, (2, 3)), codes(rng, tf.quint8, (2, 2))]
    yield Wrong(name, [np.array(0, i32), parts, [S(0), S(0)], [S(1), S(1)]])
    yield Wrong(name, [np.array(5, i32), parts, [S(0), S(0)], [S(1), S(1)]])
    yield Wrong(name, [ints(1), parts, [S(0), VECTOR], [S(1), S(1)]])


@op("QuantizedAdd", "QuantizedMul", family="quantization", tolerance="eps 2")
def binary(name, rng):
    for a, b in (((2, 3), (2, 3)), ((3, 17), (17,)), ((2, 3), ()), ((), (2, 3)), ((4, 64), (64,))):
        for low, high in RANGES:
            yield Coded(name, [codes(rng, tf.quint8, a), codes(rng, tf.quint8, b), low, high, S(-1), S(2)])
    x = q8(1, 2, 3)
    yield Wrong(name, [x, x, VECTOR, S(1), S(0), S(1)])
    yield Wrong(name, [x, x, S(1), S(1), S(0), S(1)])
    yield Wrong(name, [x, q8(1, 2), S(0), S(1), S(0), S(1)])


@op("QuantizedReshape", family="quantization", tolerance="eps 2")
def reshape(name, rng):
    for dtype in (tf.quint8, tf.qint32):
        yield Coded(name, [codes(rng, dtype, (2, 3)), ints(3, -1), S(0), S(1)])
    yield Wrong(name, [codes(rng, tf.quint8, (2, 3)), ints(4), S(0), S(1)])
    yield Wrong(name, [codes(rng, tf.quint8, (2, 3)), ints(6), VECTOR, S(1)])


@op("QuantizedInstanceNorm", family="quantization", tolerance="eps 2")
def instance_norm(name, rng):
    for shape in ((1, 2, 2, 2), (2, 5, 4, 16), (1, 8, 8, 3)):
        for attrs in ({}, {"output_range_given": True, "given_y_min": -1.0, "given_y_max": 2.0}, {"variance_epsilon": 0.1, "min_separation": 10.0}):
            yield Coded(name, [codes(rng, tf.quint8, shape), S(0), S(10)], attrs)
    yield Wrong(name, [codes(rng, tf.quint8, (1, 2, 2, 2)), S(1), S(1)])
    yield Wrong(name, [codes(rng, tf.quint8, (1, 2, 2, 2)), VECTOR, S(1)])


@op("QuantizedBatchNormWithGlobalNormalization", family="quantization", tolerance="eps 2")
def batch_norm(name, rng):
    def inputs(shape, channels):
        vectors = ((S(0), S(2)), (S(0.5), S(3)), (S(-1), S(1)), (S(0), S(4)))
        return [codes(rng, tf.quint8, shape), S(0), S(10), *(part for low, high in vectors for part in (codes(rng, tf.quint8, channels), low, high))]

    for scaled in (False, True):
        yield Coded(name, inputs((2, 2, 3, 4), (4,)), {"out_type": tf.qint32, "variance_epsilon": 0.001, "scale_after_normalization": scaled})
    ok = {"out_type": tf.qint32, "variance_epsilon": 0.001, "scale_after_normalization": True}
    yield Wrong(name, inputs((2, 3, 4), (4,)), ok)
    yield Wrong(name, inputs((2, 2, 3, 4), (3,)), ok)
    yield Wrong(name, inputs((2, 2, 3, 4), (1, 4)), ok)


@op("QuantizedResizeBilinear", family="quantization", tolerance="eps 2")
def resize(name, rng):
    for dtype in (tf.quint8, tf.qint32):
        for size in ((3, 4), (7, 5), (2, 2), (1, 1)):
            for attrs in ({}, {"align_corners": True}, {"half_pixel_centers": True}):
                yield Coded(name, [codes(rng, dtype, (2, 3, 4, 2)), ints(*size), S(-1), S(3)], attrs)
    yield Coded(name, [codes(rng, tf.quint8, (1, 9, 9, 8)), ints(20, 17), S(0), S(1)])
    yield Wrong(name, [codes(rng, tf.quint8, (3, 4, 2)), ints(3, 4), S(0), S(1)])
    yield Wrong(name, [codes(rng, tf.quint8, (1, 3, 4, 2)), ints(0, 4), S(0), S(1)])
    yield Wrong(name, [codes(rng, tf.quint8, (1, 3, 4, 2)), ints(3, 4), VECTOR, S(1)])


# Uniform quantization ----------------------------------------------------------------------------

LIMITS = {tf.qint8: (-128, 127), tf.quint8: (0, 255), tf.qint32: (-(2**31), 2**31 - 1)}


def limits(dtype, prefix="") -> dict:
    low, high = LIMITS[dtype]
    return {f"{prefix}quantization_min_val": low, f"{prefix}quantization_max_val": high}


def three(dtypes) -> dict:
    return {key: value for prefix, dtype in zip(("lhs_", "rhs_", "output_"), dtypes) for key, value in limits(dtype, prefix).items()}


@op("UniformQuantize", family="quantization")
def uniform_quantize(name, rng):
    x = np.concatenate([values(rng, f32, (20,), -80, 80), np.array([0, 0.25, -0.25, 0.75, 1e20, -1e20], f32)])
    for dtype in (tf.qint8, tf.quint8, tf.qint32):
        for scale, zero in ((0.5, 3), (0.3, -1), (2, 0)):
            yield Coded(name, [x, S(scale), np.array(zero, i32)], {"Tout": dtype, **limits(dtype)})
    per_axis = {"Tout": tf.qint8, "quantization_axis": 1, "quantization_min_val": -127, "quantization_max_val": 127}
    yield Coded(name, [values(rng, f32, (2, 3, 2)), np.array([0.5, 0.1, 2], f32), ints(0, 3, -4)], per_axis)
    yield Coded(name, [x, S(-1), np.array(0, i32)], {"Tout": tf.qint8, **limits(tf.qint8)}, fails=None)
    yield Wrong(name, [values(rng, f32, (2, 3, 2)), np.ones(2, f32), ints(0, 0)], per_axis)


@op("UniformDequantize", family="quantization", tolerance="eps 2")
def uniform_dequantize(name, rng):
    for dtype in (tf.qint8, tf.quint8, tf.qint32):
        yield Coded(name, [codes(rng, dtype, (20,)), S(0.3), np.array(7, i32)], {"Tout": tf.float32, **limits(dtype)})
    yield Coded(name, [codes(rng, tf.qint8, (2, 3)), np.array([0.5, 0.1], f32), ints(1, 2)], {"Tout": tf.float32, "quantization_axis": 0, **limits(tf.qint8)})
    yield Wrong(name, [codes(rng, tf.qint8, (2, 3)), np.array([0.5, 0.1], f32), ints(1)], {"Tout": tf.float32, "quantization_axis": 0, **limits(tf.qint8)})


@op("UniformRequantize", family="quantization")
def uniform_requantize(name, rng):
    to = tf.qint8
    for source in (tf.qint8, tf.qint32):
        attrs = {"Tout": to, **limits(source, "input_"), **limits(to, "output_")}
        for scale in (0.3, 0.5, 70):
            yield Coded(name, [codes(rng, source, (20,)), S(0.5), np.array(3, i32), S(scale), np.array(-1, i32)], attrs)
        yield Coded(name, [codes(rng, source, (2, 3)), np.array([0.5, 0.1, 2], f32), ints(1, 2, 3), np.array([0.3, 0.2, 1], f32), ints(3, 2, 1)], {"input_quantization_axis": 1, "output_quantization_axis": 1, **attrs})
        yield Coded(name, [codes(rng, source, (2, 3)), np.array([0.5, 0.1, 2], f32), ints(1, 2, 3), S(0.25), np.array(0, i32)], {"input_quantization_axis": 1, **attrs})
        yield Coded(name, [codes(rng, source, (2, 3)), S(0.25), np.array(0, i32), np.array([0.5, 0.1, 2], f32), ints(1, 2, 3)], {"output_quantization_axis": 1, **attrs})
    attrs = {"Tout": tf.qint8, **limits(tf.qint8, "input_"), **limits(tf.qint8, "output_")}
    yield Wrong(name, [codes(rng, tf.qint8, (2, 3)), S(0), np.array(0, i32), S(1), np.array(0, i32)], attrs)
    yield Wrong(name, [codes(rng, tf.qint8, (2, 3)), np.ones(3, f32), ints(0, 0, 0), np.ones(2, f32), ints(0, 0)], {"input_quantization_axis": 1, "output_quantization_axis": 0, **attrs})


def scales(lhs=(S(0.5), np.array(1, i32)), rhs=(S(0.25), np.array(2, i32)), output=(S(0.1), np.array(4, i32))) -> list:
    return [*lhs, *rhs, *output]


MATRICES = {"Tout": tf.qint32, **three((tf.qint8, tf.qint8, tf.qint32))}


@op("UniformQuantizedDot", family="quantization")
def uniform_dot(name, rng):
    for m, k, n in ((1, 3, 2), (5, 17, 9)):
        a, b = codes(rng, tf.qint8, (m, k)), codes(rng, tf.qint8, (k, n))
        yield Coded(name, [a, b, *scales()], MATRICES)
        each = (values(rng, f32, (n,), 0.1, 1), values(rng, i32, (n,)))
        yield Coded(name, [a, b, *scales(rhs=each)], {"rhs_quantization_axis": 1, **MATRICES})
        yield Coded(name, [a, b, *scales(rhs=each, output=each)], {"rhs_quantization_axis": 1, "output_quantization_axis": 1, **MATRICES})
    a = codes(rng, tf.qint8, (2, 3))
    yield Wrong(name, [a, a, *scales()], MATRICES)
    yield Wrong(name, [a, codes(rng, tf.qint8, (3,)), *scales()], MATRICES)


@op("UniformQuantizedDotHybrid", family="quantization", tolerance="eps 32")
def uniform_dot_hybrid(name, rng):
    attrs = {"Tout": tf.float32, **limits(tf.qint8, "rhs_")}
    for m, k, n in ((1, 3, 2), (5, 17, 9)):
        a, b = values(rng, f32, (m, k)), codes(rng, tf.qint8, (k, n))
        yield Coded(name, [a, b, S(0.25), np.array(2, i32)], attrs)
        yield Coded(name, [a, b, values(rng, f32, (n,), 0.1, 1), values(rng, i32, (n,))], {"rhs_quantization_axis": 1, **attrs})
    yield Wrong(name, [values(rng, f32, (2, 3)), codes(rng, tf.qint8, (2, 3)), S(1), np.array(0, i32)], attrs)


# lhs, rhs, attributes. The features and batches are first unless the attributes say otherwise.
CONVOLUTIONS = (
    ((1, 2, 4, 5), (3, 2, 2, 3), {"padding": "SAME"}), ((2, 3, 5, 5), (2, 3, 3, 2), {"padding": "VALID", "window_strides": [2, 1]}), ((1, 2, 7), (2, 2, 3), {"padding": "SAME", "window_strides": [2]}),
    ((1, 1, 4, 4), (2, 1, 2, 2), {"padding": "EXPLICIT", "explicit_padding": [1, 0, 0, 2], "window_strides": [2, 1], "lhs_dilation": [1, 2], "rhs_dilation": [2, 1]}),
    ((1, 4, 4, 4), (6, 2, 2, 2), {"padding": "VALID", "feature_group_count": 2}), ((4, 2, 4, 4), (6, 2, 2, 2), {"padding": "VALID", "batch_group_count": 2}),
)


@op("UniformQuantizedConvolution", family="quantization")
def uniform_convolution(name, rng):
    for lhs, rhs, attrs in CONVOLUTIONS:
        a, b = codes(rng, tf.qint8, lhs), codes(rng, tf.qint8, rhs)
        yield Coded(name, [a, b, *scales()], {**attrs, **MATRICES})
        each = (values(rng, f32, rhs[:1], 0.1, 1), values(rng, i32, rhs[:1]))
        yield Coded(name, [a, b, *scales(rhs=each, output=each)], {"rhs_quantization_axis": 0, "output_quantization_axis": 1, **attrs, **MATRICES})
    ok = {"padding": "VALID", **MATRICES}
    a, b = codes(rng, tf.qint8, (1, 2, 4, 4)), codes(rng, tf.qint8, (3, 2, 2, 2))
    for lhs, rhs, attrs in ((a, codes(rng, tf.qint8, (3, 3, 2, 2)), ok), (a, codes(rng, tf.qint8, (3, 2, 2)), ok), (a, b, {**ok, "window_strides": [1]}), (a, b, {**ok, "window_strides": [0, 1]}), (a, b, {**ok, "feature_group_count": 0}), (a, b, {**ok, "padding": "ODD"}), (a, b, {**ok, "explicit_padding": [1, 1, 1, 1]})):
        yield Wrong(name, [lhs, rhs, *scales()], attrs)


@op("UniformQuantizedConvolutionHybrid", family="quantization", tolerance="eps 32")
def uniform_convolution_hybrid(name, rng):
    types = {"Tout": tf.float32, **limits(tf.qint8, "rhs_")}
    for lhs, rhs, attrs in CONVOLUTIONS:
        a, b = values(rng, f32, lhs), codes(rng, tf.qint8, rhs)
        yield Coded(name, [a, b, S(0.25), np.array(2, i32)], {**attrs, **types})
        yield Coded(name, [a, b, values(rng, f32, rhs[:1], 0.1, 1), values(rng, i32, rhs[:1])], {"rhs_quantization_axis": 0, **attrs, **types})
    yield Wrong(name, [values(rng, f32, (1, 2, 4, 4)), codes(rng, tf.qint8, (3, 3, 2, 2)), S(1), np.array(0, i32)], {"padding": "VALID", **types})


@op("UniformQuantizedAdd", family="quantization")
def uniform_add(name, rng):
    attrs = three((tf.qint32,) * 3)
    for a, b in (((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), ()), ((2, 3, 4), (1, 4))):
        yield Coded(name, [codes(rng, tf.qint32, a), codes(rng, tf.qint32, b), *scales()], attrs)
    each = (np.array([0.5, 0.1, 2], f32), ints(1, 2, 3))
    yield Coded(name, [codes(rng, tf.qint32, (2, 3)), codes(rng, tf.qint32, (3,)), *scales(each, each, each)], {"lhs_quantization_axis": 1, "rhs_quantization_axis": 0, "output_quantization_axis": 1, **attrs})
    yield Wrong(name, [codes(rng, tf.qint32, (2, 3)), codes(rng, tf.qint32, (2,)), *scales()], attrs)


@op("UniformQuantizedClipByValue", family="quantization")
def uniform_clip(name, rng):
    attrs = limits(tf.qint32)
    q32 = lambda *numbers: Q(ints(*numbers), tf.qint32)
    x = codes(rng, tf.qint32, (4, 3))
    yield Coded(name, [x, Q(np.array(-9000, i32), tf.qint32), Q(np.array(500000, i32), tf.qint32), S(0.5), np.array(1, i32)], attrs)
    yield Coded(name, [x, q32(0, 10, -5), q32(500, 10, 9000), np.array([0.5, 0.1, 2], f32), ints(1, 2, 3)], {"quantization_axis": 1, **attrs})
    yield Wrong(name, [x, q32(0, 10), q32(500, 10), S(0.5), np.array(1, i32)], attrs)


# What once crashed TensorFlow --------------------------------------------------------------------


def once(name, id, inputs, attrs=None) -> None:
    advisory(name, id, graph(name, inputs, attrs or {}))


A, B, NONE = q8(1, 2, 3), q8([1], [2], [3]), Q(np.zeros(0, np.uint8))
IMAGE = Q(np.ones((1, 2, 2, 1), np.uint8))
UNIT = [S(0), S(1)]
once("QuantizedConv2D", "x4g7-fvjj-prg8", [IMAGE, Q(np.ones((2, 2, 1, 0), np.uint8)), *UNIT, *UNIT], {"strides": [1] * 4, "padding": "SAME"})
once("QuantizedConv2D", "2022-29201", [IMAGE, IMAGE, VECTOR, S(1), *UNIT], {"strides": [1] * 4, "padding": "SAME"})
once("QuantizedMul", "6f84-42vf-ppwp", [NONE, A, *UNIT, *UNIT])
once("QuantizedMul", "m3f9-w3p3-p669", [A, A, VECTOR, S(1), *UNIT])
once("QuantizedAdd", "2022-35967", [A, A, VECTOR, VECTOR, *UNIT])
once("QuantizedAdd", "2022-35967", [A, A, *UNIT, np.zeros(2, f32), S(1)])
once("QuantizedReshape", "2gfx-95x2-5v3x", [A, ints(3), VECTOR, VECTOR])
once("QuantizedResizeBilinear", "8c89-2vwr-chcq", [IMAGE, ints(2, 2), VECTOR, VECTOR])
once("QuantizedBiasAdd", "m34j-p8rj-wjxq", [Q(np.zeros((2, 0), np.uint8)), NONE, *UNIT, *UNIT], {"out_type": tf.qint32})
once("QuantizedBiasAdd", "2022-35972", [Q(np.ones((1, 3), np.uint8)), A, VECTOR, S(1), *UNIT], {"out_type": tf.qint32})
NORM = {"out_type": tf.qint32, "variance_epsilon": 0.001, "scale_after_normalization": True}
once("QuantizedBatchNormWithGlobalNormalization", "4fg4-p75j-w5xj", [IMAGE, VECTOR, VECTOR, *([q8(1), *UNIT] * 4)], NORM)
once("QuantizedBatchNormWithGlobalNormalization", "x83m-p7pv-ch8v", [IMAGE, *UNIT, *([NONE, *UNIT] * 4)], NORM)
POOL = {"ksize": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "padding": "SAME"}
once("QuantizedMaxPool", "3mw4-6rj6-74g5", [IMAGE, VECTOR, S(1)], POOL)
once("QuantizedAvgPool", "2022-35966", [IMAGE, VECTOR, S(1)], POOL)
once("QuantizedInstanceNorm", "2022-35970", [IMAGE, VECTOR, S(1)])
once("QuantizedMatMul", "2022-35973", [Q(np.ones((1, 3), np.uint8)), B, np.zeros(2, f32), S(1), *UNIT])
once("QuantizeDownAndShrinkRange", "2022-35974", [Q(ints(1), tf.qint32), VECTOR, S(1)], {"out_type": tf.quint8})
for name in ("QuantizedRelu", "QuantizedRelu6"):
    once(name, "2022-35979", [A, VECTOR, S(1)], {"out_type": tf.quint8})
once("Requantize", "2022-36017", [Q(ints(1), tf.qint32), VECTOR, S(1), *UNIT], {"out_type": tf.quint8})
