"""Shapes and ranges that were taken or refused otherwise than by TensorFlow, and special functions far out."""

import numpy as np
import tensorflow as tf
from calls import c64, c128, f16, f32, f64, found, i64
from ops.array_shapes import ints
from ops.found import F, L, N, RAMP, S, raw
from ops.quantized import Q, graph

NAN, INF = np.nan, np.inf


def optional(components, types, shapes):
    def build(feed):
        kept = raw.OptionalFromValue(components=[feed(component) for component in components])
        return list(raw.OptionalGetValue(optional=kept, output_types=types, output_shapes=shapes))

    return build


for shapes in ([[None], []], [[3], []], [[], []], [None, None], [[None, None], []]):
    found("OptionalGetValue", optional([RAMP(f32, 3), S(1)], [tf.float32, tf.float32], shapes))
found("OptionalGetValue", optional([RAMP(f32, 3)], [tf.int32], [[3]]))
found("OptionalGetValue", optional([RAMP(f32, 3), S(1)], [tf.float32], [[3]]))

for value, shape in ((F(2, 1), [2]), (S(1), [2]), (F(3), [2]), (F(2), [None]), (F(2, 2), [None])):
    found("PlaceholderWithDefault", lambda feed, value=value, shape=shape: [raw.PlaceholderWithDefault(input=feed(value), shape=shape)])
    found("PlaceholderWithDefault", [value], {"shape": shape}, const=(0,))

for index in (N(1), ints(1), ints(1, 1)):
    def listed(feed, index=index):
        reserved = raw.TensorListReserve(element_shape=feed(ints(-1)), num_elements=feed(N(3)), element_dtype=tf.float32)
        changed = raw.TensorListSetItem(input_handle=reserved, index=feed(index), item=feed(F(2)))
        return [raw.TensorListGetItem(input_handle=changed, index=feed(index), element_shape=feed(ints(-1)), element_dtype=tf.float32)]

    found("TensorListSetItem", listed)

CODES = Q(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40)
for low, high in ((S(-1), S(1)), (F(1), S(2)), (S(-1), F(1)), (F(2) * S(-1), S(1)), (S(-1), F(0)), (S(0), S(NAN)), (S(NAN), S(1)), (S(1), S(1))):
    found("QuantizedConcat", graph("QuantizedConcat", [N(1), [CODES, CODES], [low, S(-1)], [S(1), high]], {}), tolerance="eps 2")
    found("QuantizedConcat", graph("QuantizedConcat", [N(0), [CODES, CODES], [S(-2), low], [high, S(1)]], {}), tolerance="eps 2")
    found("QuantizedMatMul", graph("QuantizedMatMul", [CODES, CODES, low, high, S(-1), S(2)], {"Toutput": tf.qint32, "transpose_b": True}), tolerance="eps 2")
    found("QuantizedReshape", graph("QuantizedReshape", [CODES, ints(3, 2), low, high], {}))
    if low.size and high.size:
        image = Q(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3) * 20)
        found("QuantizedInstanceNorm", graph("QuantizedInstanceNorm", [image, low.reshape(-1)[0], high.reshape(-1)[0]], {}), tolerance="eps 2")
sums = Q(np.array([[3], [9]], np.int32) * 2**20, tf.qint32)
none = Q(np.zeros((2, 0), np.int32), tf.qint32)
found("QuantizedConcat", graph("QuantizedConcat", [N(1), [sums, none, sums], [S(0), S(-1), S(0.5)], [S(1), S(2), S(3)]], {}), tolerance="eps 2")
for low, high in ((RAMP(f32, 2), RAMP(f32, 2) + 3), (F(1), F(1)), (F(2), F(1)), (F(2), S(1)), (S(1), S(1)), (F(3), F(3)), (F(2, 1), F(2, 1))):
    input = Q(np.arange(-6, 6, dtype=np.int32).reshape(1, 2, 3, 2) * 2**20, tf.qint32)
    found("RequantizationRangePerChannel", graph("RequantizationRangePerChannel", [input, low, high], {"clip_value_max": 6.0}), tolerance="eps 2")

for dtype in (f32, f64):
    for pixel in ([0.7, NAN, 0.1], [NAN, 0.7, 0.1], [0.7, 0.1, NAN], [0.1, NAN, 0.7], [NAN, 0.1, 0.7], [NAN, NAN, 0.1], [INF, 0.1, 0.2], [0.1, INF, 0.2]):
        found("RGBToHSV", [np.array(pixel, dtype)], tolerance="eps 8")
    for count in (1, 3, 4, 7, 8, 9, 17):
        found("Relu6", [np.full(count, -0.0, dtype)])

splits = ints(0, 2, 2, 5)
for shape in ((4,), (4, 1), (1, 4), (2, 2)):
    for const in ((), (0, 1, 2)):
        found("RaggedGather", [[splits.reshape(shape)], RAMP(f32, 5), ints(2, 0)], {"OUTPUT_RAGGED_RANK": 1}, const=const)
    for const in ((), (0, 1)):
        found("RaggedTensorToSparse", [[splits.reshape(shape)], RAMP(f32, 5)], const=const)
places = np.array([[0, 1], [2, 0], [2, 2]], i64)
for size in (L(3, 4), L(-1, 4), L(3, -1), L(2**40, 4), L(2**40, 2**40)):
    found("SparseSoftmax", [places, RAMP(f64, 3), size], tolerance="eps 8")


def sequence(label):
    def build(feed):
        none = {"context_sparse_keys": [], "context_dense_keys": [], "feature_list_sparse_keys": [], "feature_list_dense_keys": []}
        lists = {"context_dense_defaults": [], "context_sparse_types": [], "feature_list_dense_types": [], "context_dense_shapes": []}
        rest = {"feature_list_sparse_types": [], "feature_list_dense_shapes": []}
        keys = {**none, "context_sparse_keys": [feed(np.array(b"a", object))], "context_sparse_types": [tf.int64]}
        empty = feed(np.array([], object))
        kept = raw.ParseSingleSequenceExample(
            serialized=feed(np.array(b"", object)), feature_list_dense_missing_assumed_empty=empty, debug_name=feed(label), **{**lists, **rest, **keys}
        )
        return [kept.context_sparse_values[0]]

    return build


for label in (b"name", [b"name"], [], [b"a", b"b"]):
    found("ParseSingleSequenceExample", sequence(np.array(label, object)))

for mask in (-1, 3, 5, 100, 4, -(2**31)):
    found("StridedSlice", [RAMP(f32, 5), ints(1), ints(3), ints(1)], {"ellipsis_mask": mask})
    found("StridedSlice", [RAMP(f32, 3, 4), ints(0, 0), ints(2, 3), ints(1, 1)], {"ellipsis_mask": mask})
WORDS = np.array([b"a", b"b", b"c"], object)
GRAMS = {"separator": " ", "ngram_widths": [2], "left_pad": "", "right_pad": "", "pad_width": 0, "preserve_short_sequences": False}
for shape in ((3,), (1, 3), (3, 1)):
    for const in ((), (0, 1)):
        found("StringNGrams", [WORDS.reshape(shape), ints(0, 3)], GRAMS, const=const)
for low in (S(-1), F(1) * S(-1), F(2) * S(-1)):
    for shape in (ints(0), ints(0, 2), ints(2), ints(3, 1)):
        found("StatelessParameterizedTruncatedNormal", [shape, ints(1, 2), S(0), S(1), low, S(1)], tolerance="ulp 16")
for dtype in (f32, f64, c64, c128):
    for bad in (INF, -INF, NAN):
        for rows, columns in ((3, 3), (2, 3), (3, 2), (1, 1)):
            matrix = RAMP(dtype, rows, columns)
            matrix[-1, -1] = bad
            found("Svd", [matrix], {"compute_uv": True, "full_matrices": True})

for ids in (ints(0, 2), ints(0, 2)[None], ints(0, 2)[:, None]):
    for const in ((), (0, 1, 2)):
        found("UnsortedSegmentJoin", [np.array([b"a", b"b"], object), ids, N(3)], const=const)

PAIRS = {
    "Zeta": [(INF, 2), (INF, 1e30), (1e30, 2), (2, 1e10), (100, 2), (INF, 1), (3, INF)],
    "Polygamma": [(1e30, 0.5), (1e30, -2), (1e10, 1e-30), (4, 2), (3, 0.5)],
    "Igamma": [(INF, INF), (1e30, 2), (2, 1e30), (INF, 1), (1, INF), (NAN, 0), (0.5, 100), (30, 20), (20, 30)],
}
PAIRS["Igammac"] = PAIRS["IgammaGradA"] = PAIRS["Igamma"]
for dtype in (f32, f64):
    for name, pairs in PAIRS.items():
        for pair in pairs:
            found(name, [dtype(x) for x in pair], tolerance="ulp 256")
    for a, b, x in ((NAN, 1, 0), (1, NAN, 1), (NAN, 1, 0.5), (1, NAN, 0.5), (NAN, 0, 0), (2, 1e10, 0.5), (1e10, 2, 0.5), (0.5, INF, 0.5)):
        found("Betainc", [dtype(a), dtype(b), dtype(x)], tolerance="eps 64")
    found("Dawsn", [np.array([1e5, -1e5, 9e8, -9e8, 2e9, -2e9, 1e30, -1e30, INF, -INF], dtype)], tolerance="ulp 32")
for a, b, x in ((0.5, 1e300, 0.9), (1e300, 0.5, 0.1)):
    found("Betainc", [f64(a), f64(b), f64(x)], tolerance="eps 64")

# Weights that are not finite, over padding and over cells.
for bad in (np.inf, -np.inf, np.nan):
    for dtype in (f32, f64, f16):
        for size, channels, outputs in ((5, 1, 1), (6, 3, 2), (12, 16, 16)):
            if size == 12 and (dtype is not f32 or bad != INF):
                continue
            image, kernel = RAMP(dtype, 1, size, size, channels), np.ones((3, 3, channels, outputs), dtype)
            kernel[0, 0, -1, 0] = bad
            for attrs in ({"padding": "SAME"}, {"padding": "SAME", "strides": [1, 2, 2, 1]}, {"padding": "VALID"}, {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 2, 1, 0, 0]}):
                attrs = {"strides": [1, 1, 1, 1], **attrs}
                for const in ((), (1,)):
                    found("Conv2D", [image, kernel], attrs, "eps 16", const)
                    if size < 9:
                        found("DepthwiseConv2dNative", [image, kernel], attrs, "eps 16", const)
        block = np.ones((3, 3, 3, 2, 2), dtype)
        block[0, 0, 0, 0, 0] = bad
        found("Conv3D", [RAMP(dtype, 1, 3, 4, 3, 2), block], {"padding": "SAME", "strides": [1] * 5}, "eps 16")
        if dtype is not f16:
            found("Conv2DBackpropInput", [ints(1, 5, 5, 1), np.where(np.arange(9).reshape(3, 3, 1, 1) == 0, bad, 1).astype(dtype), RAMP(dtype, 1, 5, 5, 1)], {"padding": "SAME", "strides": [1] * 4}, "eps 16")


def looped(limit):
    """A loop of V1 whose condition may be no scalar."""

    def build(feed):
        enter = raw.Enter(data=feed(np.array(0, np.int32)), frame_name="f")
        bound, step = (raw.Enter(data=feed(value), frame_name="f", is_constant=True) for value in (limit, np.array(1, np.int32)))
        merge, _ = raw.Merge(inputs=[enter, enter])
        done, going = raw.Switch(data=merge, pred=raw.LoopCond(input=raw.Less(x=merge, y=bound)))
        merge.op._update_input(1, raw.NextIteration(data=raw.AddV2(x=going, y=step)))
        return [raw.Exit(data=done)]

    return build


for limit in (ints(5, 5), ints(5), np.array(5, np.int32)):
    found("Enter", looped(limit))
