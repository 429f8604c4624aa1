"""Corners of arithmetic that were answered otherwise than by TensorFlow: infinities, huge and tiny numbers, odd shapes."""

import numpy as np
import tensorflow as tf
from calls import bf16, c64, c128, f16, f32, f64, found, i32, i64, u8
from ops.array_shapes import ints
from ops.found import F, L, N, RAMP, S, raw

FLOATS = (f32, f64)
tiny = {f32: 1e-39, f64: 1e-310, f16: 3e-7, bf16: 1e-39}

# Numbers instead of as many as there are channels.
for mean, rest, shape in ((3, 3, (1, 2, 2, 6)), (2, 3, (2, 2, 2, 3)), (3, 6, (2, 2, 2, 3)), (6, 6, (2, 2, 2, 3))):
    for dtype in (f32, f64, f16):
        parts = [RAMP(dtype, mean), *[RAMP(dtype, rest) / dtype(4)] * 3]
        found("BatchNormWithGlobalNormalization", [RAMP(dtype, *shape), *parts], {"variance_epsilon": 0.01, "scale_after_normalization": True}, "eps 8")


def quantized_range(low, high):
    def build(feed):
        codes = raw.Bitcast(input=feed(np.array([-7, 100, 2**30], i32)), type=tf.qint32)
        return list(raw.RequantizationRange(input=codes, input_min=feed(low), input_max=feed(high)))

    return build


for low, high in ((np.array([-1], f32), S(1)), (S(-1), np.array([1, 9], f32)), (np.array([[-1]], f32), np.array([[1]], f32)), (S(-1), F(0)), (F(0), S(1))):
    found("RequantizationRange", quantized_range(low, high))


def scattered(name, shape, indices, updates):
    def build(feed):
        handle = raw.VarHandleOp(dtype=tf.as_dtype(updates.dtype), shape=None, shared_name="v")
        assign = raw.AssignVariableOp(resource=handle, value=feed(RAMP(updates.dtype, *shape)))
        change = getattr(raw, name)(resource=handle, indices=feed(indices), updates=feed(updates))
        return [[assign], [change], [raw.ReadVariableOp(resource=handle, dtype=tf.as_dtype(updates.dtype))]]

    return build


for name in ("ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterMul", "ResourceScatterDiv", "ResourceScatterMax", "ResourceScatterMin"):
    for shape, indices, updates in (((4, 2), ints(3, 0, 3), RAMP(f64, 3, 4)), ((4, 1), np.array(2, i64), RAMP(f32, 2)), ((4, 2), np.array(1, i64), RAMP(f32, 4)), ((4, 2, 3), ints(1), RAMP(f32, 1, 9)), ((4, 2), ints(1, 2), RAMP(f32, 4))):
        found(name, scattered(name, shape, indices, updates))

for kernel in ("mitchellcubic", "triangle", "lanczos3"):
    for scale, move in (([1.4, 0.66], [0.5, np.nan]), ([1, 1], [np.nan, 0]), ([1, 1], [np.inf, 0]), ([1, 1], [1e30, -1e30]), ([1e-30, 1], [0, 0]), ([1e30, 1], [0, 0])):
        for antialias in (False, True):
            found("ScaleAndTranslate", [RAMP(f32, 1, 3, 4, 1), ints(4, 3), np.array(scale, f32), np.array(move, f32)], {"kernel_type": kernel, "antialias": antialias}, "eps 64")


def drawn(name, algorithm, shape):
    def build(feed):
        handle = raw.VarHandleOp(dtype=tf.int64, shape=None, shared_name="state")
        assign = raw.AssignVariableOp(resource=handle, value=feed(L(algorithm, 1, 2, 3)))
        return [[assign], [raw.StatefulStandardNormal(resource=handle, shape=feed(shape))]]

    return build


for shape in (L(2**31 - 1), L(-1), L(2), np.array(2, i64), L(2**62, 4)):
    found("StatefulStandardNormal", drawn("", 5, shape))


# Functions far out.
HUGE = [1e30, -1e30, 1e10, -1e10, 1e5, -1e5, 1e300, -1e300, np.inf, -np.inf, np.nan, 0.0, -0.0]
for dtype in FLOATS:
    far = np.array(HUGE, f64).astype(dtype)
    for name in ("BesselI0", "BesselI0e", "BesselI1", "BesselI1e", "BesselK0", "BesselK0e", "BesselK1", "BesselK1e", "FresnelCos", "Expint", "Spence", "Digamma", "Lgamma", "Erfinv", "Ndtri", "Erf", "Erfc"):
        found(name, [far], tolerance="ulp 32")
    for name in ("TruncateMod", "FloorMod", "NextAfter", "Xlogy", "Xdivy"):
        grid = np.meshgrid(far, np.array([*HUGE, 1, 2, 0.5, -1, 3, 1e-30], f64).astype(dtype))
        found(name, [x.reshape(-1) for x in grid], tolerance="ulp 32")
for dtype in (f32, f64, f16, bf16):
    small = np.array([1, -1, 3, -5, 100, 0], f64) * tiny[dtype]
    grid = [x.reshape(-1).astype(dtype) for x in np.meshgrid(small, [*small, 1, -2, 0.5, 1e4])]
    for name in ("TruncateMod", "Mod", "FloorMod", "FloorDiv", "SquaredDifference", "DivNoNan"):
        if name == "Mod" and dtype in (f16, bf16):
            continue
        found(name, grid, tolerance="ulp 4")
        found(name, grid[::-1], tolerance="ulp 4")
    for shape in ((), (1,), (3,), (20,)):
        zeros = np.full(shape, -0.0, dtype)
        for name in ("Relu", "Elu", "Selu", "Softplus", "Softsign", "LeakyRelu"):
            found(name, [zeros])

for shape in (ints(-1), ints(5, -2), N(2), np.array([[2]], i32), L(2**40, 2**40), ints(3), ints(2, 3)):
    found("StatelessRandomBinomial", [shape, ints(1, 2), np.array([10, 20, 30], f64), f64(0.5)], {"dtype": i64})
for low, high in ((ints(0), ints(5)), (ints(0, 1), N(5)), (N(0), ints(5, 6)), (N(5), N(5)), (N(6), N(5)), (N(-(2**31)), N(2**31 - 1))):
    found("StatelessRandomUniformInt", [ints(3), ints(1, 2), low, high])
    found("StatelessRandomUniformIntV2", [ints(3), np.array([1], np.uint64), np.array([1, 2], np.uint64), N(1), low, high])
    found("RandomUniformInt", [ints(3), low, high], {"seed": 1, "seed2": 2})
for shape in (None, [], [2], [None], [2, None], [None, 3], [3, 2]):
    found("EnsureShape", [RAMP(f32, 2, 3)], {"shape": shape})
    found("EnsureShape", [S(1)], {"shape": shape})

# Matrices of complex numbers that are not finite, singular or empty.
for dtype in (c64, c128, f32, f64):
    for numbers in ([[np.inf, 1], [1, 2]], [[np.nan, 1], [1, 2]], [[1, 2], [2, 4]], [[0, 0], [0, 0]], [[1e30, 0], [0, 1e30]], [[2, 1], [1, 1e-30]]):
        m = np.array(numbers, dtype)
        if dtype in (c64, c128):
            m = m + np.array([[0, 1j], [-1j, 0]], dtype)
        for name in ("MatrixDeterminant", "LogMatrixDeterminant", "Cholesky"):
            found(name, [m], tolerance="eps 64")
        found("Lu", [m], tolerance="eps 64")
found("FresnelSin", [np.array([3.7e4, -1e5, 1e5, 1e30], f32)], tolerance="ulp 32")
found("FresnelSin", [np.array([3.6e4, 3.7e4, -1e5, 1e5, 1e300], f64)], tolerance="ulp 32")
for name in ("MaxPool", "AvgPool"):
    for ksize, strides in (([1, 2, 2, 1], [0, 2, 2, 1]), ([1, 2, 2, 1], [1, 0, 2, 1]), ([1, 2, 2, 1], [-1, 2, 2, 1]), ([2, 2, 2, 1], [0, 0, 1, 1]), ([0, 2, 2, 1], [0, 2, 2, 1])):
        if name == "MaxPool" or ksize[0]:
            found(name, [F(1, 4, 4, 1)], {"ksize": ksize, "strides": strides, "padding": "VALID"})
for shape in ((1, 4, 7, 1), (1, 1, 4, 7)):
    found("MaxPoolV2", [F(*shape), ints(1, 2, 3, 1), ints(1, 1, 2, 1)], {"padding": "SAME", "data_format": "NCHW"})
    found("MaxPoolV2", [F(*shape), ints(1, 1, 2, 3), ints(1, 1, 1, 2)], {"padding": "SAME", "data_format": "NCHW"})
for count in (ints(2), ints(2, 9), np.zeros((1, 1), i32)):
    def dequeue(feed, count=count):
        queue = raw.FIFOQueueV2(component_types=[tf.float32], shapes=[[]], shared_name="q")
        return [[raw.QueueEnqueueManyV2(handle=queue, components=[feed(RAMP(f32, 5))])], list(raw.QueueDequeueManyV2(handle=queue, n=feed(count), component_types=[tf.float32]))]

    found("QueueDequeueManyV2", dequeue)
PLACES = np.array([[0, 1], [0, 3], [2, 0], [2, 2]], i64)
for binary in (True, False):
    found("SparseBincount", [PLACES, L(1, 1, 0, 7), L(3, 4), np.array(4, i64), RAMP(i64, 3)], {"binary_output": binary})
for dtype in (c64, c128):
    for number in (np.inf, -np.inf, np.nan, 1e30):
        found("MatrixLogarithm", [np.array([[2, 1 - 1j, 0], [1 + 1j, number, 1], [0, 1, 3]], dtype)], tolerance="eps 64")

GRID = RAMP(f32, 1, 2, 2, 4)
for ksize, strides in (([1, 2, 2, 2], [1] * 4), ([1, 1, 1, 2], [1, 1, 1, 2]), ([1, 1, 1, 3], [1, 1, 1, 3]), ([1, 1, 1, 2**31 - 1], [1] * 4)):
    found("MaxPoolWithArgmax", [GRID], {"ksize": ksize, "strides": strides, "padding": "SAME"})
for points, centers, k in (([[np.nan, 1], [1, 1]], [[0, 0], [1, 1]], 2), ([[1, 1]], [[np.nan, 0], [1, 1]], 1), ([[np.inf, 1]], [[0, 0], [1, 1]], 1)):
    found("NearestNeighbors", [np.array(points, f32), np.array(centers, f32), np.array(k, i64)], tolerance="eps 64")
for shift in (-(2**63), 2**32 + 1, 2**31, 2**31 + 3, 2**63 - 1):
    found("Roll", [RAMP(i32, 5), np.array(shift, i64), np.array(0, i32)])
found("Roll", [RAMP(i32, 5), np.array([2**31 - 1] * 2, i32), np.array([0, 0], i32)])
for dtype, tiny in ((f32, 1e-40), (np.float64, 1e-310)):
    for name in ("TensorScatterMax", "TensorScatterMin"):
        for old, new in ((tiny, -1), (-tiny, -1), (1, tiny), (tiny, 2)):
            found(name, [np.array([old, old], dtype), np.array([[0]], i32), np.array([new], dtype)])
for shape in ((), (0,), (2,), (2, 0)):
    for dtype in (np.bool_, f32):
        found("StringFormat", [[np.zeros(shape, dtype)]], {"template": "{}", "placeholder": "{}", "summarize": 0})
for dims in (np.zeros((1, 1), i32), np.array(0, i32)):
    found("XlaBroadcastHelper", [RAMP(f32, 2, 1), RAMP(f32, 2), dims])
found("StatelessRandomBinomial", [np.array([2], i32), np.array([1, 2], i32), np.float64(1e30), np.float64(1)], {"dtype": i64})


def extremes(name, old, new):
    def build(feed):
        variable = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="v")
        assign = tf.raw_ops.AssignVariableOp(resource=variable, value=feed(np.array([old, old], f32)))
        change = getattr(tf.raw_ops, name)(resource=variable, indices=feed(np.array([0], i32)), updates=feed(np.array([new], f32)))
        return [[assign], [change], [tf.raw_ops.ReadVariableOp(resource=variable, dtype=tf.float32)]]

    return build


for old, new in ((1e-40, -1), (1, 1e-40), (-1e-40, -2)):
    found("ResourceScatterMax", extremes("ResourceScatterMax", old, new))
    found("ResourceScatterMin", extremes("ResourceScatterMin", old, new))

# Boxes that reach beyond all indices.
for start, size in (((0, 0), (-(2**63), 1)), ((-1, 0), (-(2**63), 2)), ((2**63 - 1, 0), (-1, 1)), ((1, 1), (2**63 - 1, 1)), ((-(2**63), 0), (2**63 - 1, 1)), ((0, 0), (-1, 1))):
    found("SparseSlice", [np.array([[0, 0], [1, 1]], i64), F(2), L(2, 2), np.array(start, i64), np.array(size, i64)])

# Windows over images are refused before windows without cells, and strides over channels are not looked at.
for size, strides in (([-1, 2, 2, 1], [1, 1, 1, 1]), ([0, 2, 2, 1], [1, 1, 1, 1]), ([2, 2, 2, 1], [1, 1, 1, 1]), ([1, 2, 2, 1], [1, 1, 1, 0]), ([1, 2, 2, 1], [1, 1, 1, -1]), ([1, 0, 2, 1], [1, 1, 1, 1]), ([0, 2, 2, 1], [1, 0, 1, 1])):
    found("AvgPool", [RAMP(f32, 1, 4, 4, 1)], {"ksize": size, "strides": strides, "padding": "SAME"})

for prob in (0.3, 0.5, 0.7, 1.0, 0.0, 2.0):
    for dtype in (f32, f64):
        found("StatelessRandomBinomial", [ints(3), ints(1, 2), dtype(np.inf), dtype(prob)], {"dtype": f64})


def with_ranges(name, codes, ranges, attrs):
    def build(feed):
        parts = [raw.Bitcast(input=feed(part), type=tf.qint32 if part.dtype == i32 else tf.quint8) for part in codes]
        ends = [feed(f32(end)) for end in ranges]
        if name == "Requantize":
            outputs = raw.Requantize(input=parts[0], input_min=ends[0], input_max=ends[1], requested_output_min=ends[2], requested_output_max=ends[3], **attrs)
        elif name == "QuantizedAdd":
            outputs = raw.QuantizedAdd(x=parts[0], y=parts[1], min_x=ends[0], max_x=ends[1], min_y=ends[2], max_y=ends[3])
        else:
            outputs = raw.QuantizedBiasAdd(input=parts[0], bias=parts[1], min_input=ends[0], max_input=ends[1], min_bias=ends[2], max_bias=ends[3], **attrs)
        kind = tf.int32 if outputs[0].dtype == tf.qint32 else tf.uint8
        return [raw.Bitcast(input=outputs[0], type=kind), *outputs[1:]]

    return build


WIDE, FIRST, SECOND = np.array([1, 100, -100, 2**31 - 1], i32), np.array([[1, 200, 7]], u8), np.array([5, 9, 255], u8)
for ends in ((-1, 1, np.nan, 1), (-1, 1, -1, np.nan), (-1, 1, -1, np.inf), (-1, 1, -np.inf, np.inf)):
    found("Requantize", with_ranges("Requantize", [WIDE], ends, {"out_type": tf.quint8}), tolerance="eps 2")
for ends in ((-1, 1, -1, np.inf), (-1, 1, -np.inf, 1), (-1, np.inf, -1, 1), (2, np.inf, -1, 1), (-1, 1, np.nan, 1)):
    found("QuantizedAdd", with_ranges("QuantizedAdd", [FIRST[0], SECOND], ends, {}), tolerance="eps 2")
for ends in ((np.nan, np.nan, -1, 1), (-1, 1, np.nan, 1), (-1, 1, -1, np.nan), (np.nan, 1, -1, 1), (-1, np.nan, np.nan, np.nan)):
    found("QuantizedBiasAdd", with_ranges("QuantizedBiasAdd", [FIRST, SECOND], ends, {"out_type": tf.qint32}), tolerance="eps 2")
