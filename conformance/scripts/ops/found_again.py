"""Calls that advisories with something changed, and another seed, have found: each was answered otherwise than by TensorFlow."""

import numpy as np
import tensorflow as tf
from calls import bf16, c64, f16, f32, f64, found, i32, i64
from ops.array_shapes import ints
from ops.found import F, L, RAMP, S, raw
from ops.text import text

HUGE = 2**62

for shape in ((0, 4, 1), (4, 0, 1), (0, 1), (2, 1, 0)):
    for axes in range(1, len(shape) + 1):
        dimensions = "" if axes == 1 else f"{axes}D"
        found(f"RFFT{dimensions}", [F(*shape), ints(*[4] * axes)])
        found(f"IRFFT{dimensions}", [np.ones(shape, c64), ints(*[4] * axes)])
found("RFFT2D", [F(0, 4), ints(2**31 - 1, 2**31 - 1)])
for block in (46341, 2**31 - 1, 2**31, 2**40):
    found("DepthToSpace", [F(0, 0, 0, 0)], {"block_size": block})
found("CTCGreedyDecoder", [F(3, 2, 4), ints(1)], {"blank_index": 2**40})
GRAMS = {"separator": "", "ngram_widths": [2], "left_pad": "", "right_pad": "", "pad_width": 0, "preserve_short_sequences": False}
found("StringNGrams", [text("a", "b"), np.array([[0, 2]], i64)], GRAMS, const=(1,))
PLACE = np.zeros((1, 2), i64)
for first, second, axis in (((HUGE, 2), (HUGE, 2), 2), ((2, 2), (HUGE, 4), 2), ((2, HUGE), (2, HUGE), 1), ((HUGE, 4), (2, 2, 2), 0), ((-1, 2), (2, 2), 0), ((2, 2), (2, -1), 0), ((2, 2), (2, 2, 2), 0)):
    found("SparseConcat", [[PLACE, PLACE], [F(1), F(1)], [L(*first), L(*second)]], {"concat_dim": axis})
for means in (F(0), F(2, 2), F(3)):
    found("ParameterizedTruncatedNormal", [ints(2**31 - 1, 2**31 - 1), means, F(1), S(-1), F(1)], {"seed": 1, "seed2": 2})
for dtype in (f16, bf16, f32, f64):
    for numbers in ([np.nan, 1, 2], [1, np.nan, 2], [1, 2, np.nan], [np.nan, np.inf, -np.inf, np.nan], [-np.inf, -np.inf, 1]):
        for reverse in (False, True):
            found("CumulativeLogsumexp", [np.array(numbers, dtype), ints(0)[0]], {"reverse": reverse}, tolerance="eps 8")
# Windows that leave cells out lie in the middle.
for cells, stride, size in ((5, 4, 1), (5, 4, 2), (6, 4, 3), (6, 5, 2), (7, 5, 3), (8, 3, 3), (8, 5, 1), (9, 5, 2)):
    for padding in ("SAME", "VALID"):
        attrs = {"mode": "REFLECT", "strides": [1, stride, stride, 1], "padding": padding}
        image, none, filters = RAMP(f32, 1, cells, cells, 1), np.zeros((4, 2), i32), RAMP(f32, size, size, 1, 1)
        found("FusedPadConv2D", [image, none, filters], attrs)
        found("FusedResizeAndPadConv2D", [image, ints(cells, cells), none, filters], attrs)
for which in range(1, 5):
    for shape in ((6,), (0,), (1, 3)):
        parts = [F(1, 2, 2, 3), F(3), F(3), F(3), F(3)]
        parts[which] = F(*shape)
        found("BatchNormWithGlobalNormalization", parts, {"variance_epsilon": 0.1, "scale_after_normalization": False}, const=(0, which))
for ratio in ([1, 2, 2, 2], [1, 2, 2, 1]):
    for shape in ((1, 4, 4), (4,), (), (1, 4, 4, 1, 1)):
        for name in ("FractionalMaxPool", "FractionalAvgPool"):
            found(name, [F(*shape)], {"pooling_ratio": ratio, "seed": 1, "seed2": 2, "deterministic": True}, const=(0,))
for channels, depth, outputs in ((0, 1, 1), (0, 2, 2), (2, 1, 2), (4, 2, 2)):
    found("Conv3D", [F(1, 3, 3, 3, channels), F(2, 2, 2, depth, outputs)], {"strides": [1] * 5, "padding": "VALID"})
for channels, depth, outputs in ((2, 1, 2), (4, 2, 2)):
    found("Conv3DBackpropInputV2", [ints(1, 3, 3, 3, channels), F(2, 2, 2, depth, outputs), F(1, 2, 2, 2, outputs)], {"strides": [1] * 5, "padding": "VALID"})
for places, updates, shape in (([1, 3], (2,), (5,)), ([1, 3], (4,), (5, 4, 4)), ([1, 3], (2, 4), (5, 4)), ([1], (1,), (5,)), ([2], (4, 4), (3, 4, 4)), ([0, 1], (2, 1), (1, 3, 2, 1)), ([], (0,), (5,)), ([], (0, 5), (3, 5)), ([], (5,), (5,))):
    indices, slices = np.array(places, i32), RAMP(f32, *updates)
    found("ScatterNd", [indices, slices, ints(*shape)])
    for name in ("TensorScatterAdd", "TensorScatterUpdate", "TensorScatterMax"):
        found(name, [np.zeros(shape, f32), indices, slices])
    if places:
        found("ScatterNdNonAliasingAdd", [np.zeros(shape, f32), indices, slices])
for dtype in (f32, f16, i32, i64, np.uint8, c64):
    for fill in (" ", "-", "0", "+", "#", "x"):
        found("AsString", [np.array([1, 0, 100], dtype)], {"fill": fill})
        if dtype in (f32, c64):
            found("AsString", [np.array([1.5, np.nan, -np.inf, 0], dtype)], {"fill": fill, "precision": 0})
            found("AsString", [np.array([1.5, np.nan, -np.inf, 0], dtype)], {"fill": fill, "shortest": True})
found("AsString", [text("a")], {"fill": "x"})
found("AsString", [np.array([True])], {"fill": "x"})
for version, bits in (("V2", []), ("V3", [ints(8)[0]]), ("V4", [])):
    for value in (S(1.5), F(3)):
        found(f"QuantizeAndDequantize{version}", [value, S(-1), S(2), *bits], {"range_given": True})
for dtype in (f32, f64, c64):
    for value in (np.inf, -np.inf, np.nan):
        matrix = RAMP(dtype, 2, 2)
        matrix[0, 1] = value
        found("MatrixSquareRoot", [np.stack([np.eye(2, dtype=dtype), matrix])], tolerance="eps 256")
for names, serialized in ((np.zeros((0, 1), object), text("")), (text(""), np.array(b"", object)), (text("a"), text(""))):
    found("ParseExample", [serialized, names, [], [], []], {"Nsparse": 0, "Ndense": 0, "sparse_types": [], "Tdense": [], "dense_shapes": []}, const=(0, 1))


def table(feed, rows):
    handle = raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="table")
    data = tf.data.Dataset.from_tensor_slices(feed(rows)).map(lambda word: (word, tf.cast(tf.strings.length(word), tf.int64)))
    start = raw.InitializeTableFromDataset(table_handle=handle, dataset=data._variant_tensor)
    return [[start], [raw.LookupTableFindV2(table_handle=handle, keys=feed(text("a", "long", "d")), default_value=np.int64(-1)), raw.LookupTableSizeV2(table_handle=handle)]]


for rows in (text("a", "", "long", "d").reshape(1, 4), text("a", "bc", "long", "d").reshape(2, 2, 1), text("a", "a").reshape(1, 2)):
    found("InitializeTableFromDataset", lambda feed, rows=rows: table(feed, rows))


def infinite_scale(feed, factor):
    """A sum times a constant for each channel that is not finite."""
    image = feed(RAMP(f32, 1, 4, 4, 1) - 3)
    return [raw.Mul(x=raw.Conv2D(input=image, filter=tf.constant(RAMP(f32, 3, 3, 1, 2) - 5), strides=[1] * 4, padding="SAME"), y=tf.constant(np.array([2, factor], f32)))]


for factor in (np.inf, -np.inf, np.nan):
    found("Mul", lambda feed, factor=factor: infinite_scale(feed, factor))
found("SparseConcat", [[PLACE, PLACE[0]], [F(1), F(1)], [L(HUGE, 4), L(2, 2)]], {"concat_dim": 0})
found("SparseConcat", [[PLACE, PLACE], [F(1), F(1)], [L(HUGE, 4), L(2, 2)]], {"concat_dim": -(2**63)})
for shape in ((), (0, 3), (2, 3)):
    for axes in ([0, 0], [5], [-1], [[0]], [], 0):
        for const in ((), (1,), (0, 1)):
            found("ReverseV2", [F(*shape), np.array(axes, i32)], const=const)
for start in (0, 2):
    found("Conv3DBackpropFilterV2", [F(1, 4, 5, 3, 0), ints(2, 3, 2, 2, 3), F(1, 4, 5, 3, 3)], {"strides": [1] * 5, "padding": "SAME"}, const=(0, 1, 2)[start:])
found("Conv2DBackpropFilter", [F(1, 4, 5, 0), ints(2, 3, 2, 3), F(1, 4, 5, 3)], {"strides": [1] * 4, "padding": "SAME"})
found("Conv2DBackpropInput", [ints(1, 4, 5, 0), F(2, 3, 2, 3), F(1, 4, 5, 3)], {"strides": [1] * 4, "padding": "SAME"})
found("Conv3DBackpropInputV2", [ints(1, 4, 5, 3, 0), F(2, 3, 2, 2, 3), F(1, 4, 5, 3, 3)], {"strides": [1] * 5, "padding": "SAME"})
for perm in ([-(2**63), 1], [1, 2**32], [1, 2**32 + 1], [2**31, 1]):
    for name in ("Transpose", "ConjugateTranspose"):
        found(name, [F(2, 3), np.array(perm, i64)])
for groups in (2**63 - 1, 2**31, -(2**31) - 1, 2):
    found("Conv", [F(1, 4, 4, 2), F(3, 3, 2, 1)], {"strides": [1] * 4, "padding": "VALID", "groups": groups})
for before, after in (((0, 4), (0, 4)), ((0, 4), (0, 5)), ((0, 4), (-1, 5)), ((0, 4), (0,)), ((2, 4), (8,))):
    for rows in (2, 0):
        found("SparseReshape", [np.array([[0, 1], [0, 3]], i64)[:rows], L(*before), L(*after)])


def codes(feed, name, scale=1.0, axis=0):
    """An operator of codes, which are fed as bytes."""
    given = raw.Bitcast(input=feed(np.array([[1, 2], [3, 200]], np.uint8)), type=tf.quint8)
    if name == "UniformDequantize":
        return [raw.UniformDequantize(input=given, scales=feed(np.array(scale, f32)), zero_points=feed(np.array(7, i32)), Tout=tf.float32, quantization_min_val=0, quantization_max_val=255)]
    ends = [feed(S(-1)), feed(S(-1))], [feed(S(1)), feed(S(1))]
    output, low, high = raw.QuantizedConcat(concat_dim=feed(np.array(axis, i32)), values=[given, given], input_mins=ends[0], input_maxes=ends[1])
    return [raw.Bitcast(input=output, type=tf.uint8), low, high]


for scale in (0.0, -1.0, np.nan, np.inf, 0.5):
    found("UniformDequantize", lambda feed, scale=scale: codes(feed, "UniformDequantize", scale=scale))
for axis in ([0], [[0]], 1, []):
    found("QuantizedConcat", lambda feed, axis=axis: codes(feed, "QuantizedConcat", axis=axis))
