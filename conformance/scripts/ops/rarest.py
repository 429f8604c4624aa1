"""Operators that hardly any model has: convolutions of any rank or of padded images, nearest neighbors, monotone fits."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, advisory, combinations, dtypes, f32, f64, i32, i64, op, values
from ops.array_shapes import ints
from ops.nn import CONV
from tensorflow.core.protobuf import composite_tensor_variant_pb2
from tensorflow.python.saved_model import nested_structure_coder

VALID = {"strides": [1, 1, 1, 1], "padding": "VALID"}


@op("Conv", family="nn", tolerance="eps 32")
def conv(name, rng):
    for dtype in dtypes(name):
        for image, kernel, strides, padding, dilations in CONV[:10] if dtype is f32 else CONV[:3]:
            attrs = {"strides": [1, *strides, 1], "padding": padding}
            if kernel[2] == image[3]:
                yield Call([values(rng, dtype, image, -2, 2), values(rng, dtype, kernel, -1, 1)], {**attrs, "dilations": [1, *dilations, 1]})
                yield Call([values(rng, dtype, (2, *image), -2, 2), values(rng, dtype, kernel, -1, 1)], {**attrs, "batch_dims": 2})
        yield Call([values(rng, dtype, (5, 4, 2), -2, 2), values(rng, dtype, (2, 3, 2, 3), -1, 1)], {**VALID, "batch_dims": 0})
        for padding, stride in (("SAME", 1), ("VALID", 2)):
            yield Call([values(rng, dtype, (2, 4, 5, 3, 2), -2, 2), values(rng, dtype, (2, 3, 2, 2, 3), -1, 1)], {"strides": [1, stride, 1, stride, 1], "padding": padding})
    explicit = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 3, 0, 0]}
    yield Call([values(rng, f32, (1, 5, 6, 2)), values(rng, f32, (3, 3, 2, 3))], {"strides": [1, 1, 2, 1], **explicit})
    image, kernel = (1, 4, 4, 2), (2, 2, 2, 3)
    for image, kernel, attrs in ((image, (2, 2, 3, 1), {}), (image, (2, 2, 1, 2), {}), (image, (2, 2, 2), {}), ((1, 4, 2), (2, 2, 2), {}), (image, kernel, {"groups": 2}), (image, kernel, {"strides": [1, 1]}), (image, kernel, {"strides": [2, 1, 1, 1]}),
                                 (image, kernel, {"strides": [1, 0, 1, 1]}), (image, kernel, {"dilations": [1, 2]}), (image, (2, 2, 2, 0), {}), (image, (6, 6, 2, 1), {}), (image, kernel, {"batch_dims": 3}), (image, kernel, {"explicit_paddings": [0] * 8})):
        yield Bad([values(rng, f32, image), values(rng, f32, kernel)], attrs={**VALID, **attrs})


PADS = np.array([[0, 0], [1, 2], [0, 3], [0, 0]], i32)


@op("FusedPadConv2D", "FusedResizeAndPadConv2D", family="nn", tolerance="eps 64")
def fused_pad(name, rng):
    """One image each: TensorFlow 2.21 answers for the first in place of all."""
    sizes = [[ints(7, 5)], [ints(4, 4)], [ints(12, 4)]] if "Resize" in name else [[]]
    for dtype in dtypes(name):
        for size in sizes:
            for mode in ("REFLECT", "SYMMETRIC"):
                for stride, padding in ((1, "VALID"), (2, "SAME")):
                    yield Call([values(rng, dtype, (1, 5, 4, 3), -2, 2), *size, PADS, values(rng, dtype, (3, 2, 3, 4), -1, 1)], {"mode": mode, "strides": [1, stride, stride, 1], "padding": padding})
    if sizes[0]:
        yield Call([values(rng, f32, (1, 5, 4, 3)), ints(9, 9), PADS, values(rng, f32, (3, 2, 3, 4))], {"mode": "REFLECT", "resize_align_corners": True, **VALID})
        for size in (ints(0, 4), ints(4), np.array([[4, 4]], i32)):
            yield Bad([values(rng, f32, (1, 5, 4, 3)), size, PADS, values(rng, f32, (3, 2, 3, 4))], attrs={"mode": "REFLECT", **VALID})
    image, kernel = (1, 5, 4, 3), (3, 2, 3, 4)
    for shape, pads, filter in ((image, PADS[:3], kernel), (image, -PADS, kernel), (image, PADS * 4, kernel), (image, PADS + 1, kernel), (image, PADS, (3, 2, 2, 4)), (image, PADS, (3, 2, 3)), ((0, 5, 4, 3), PADS, kernel)):
        yield Bad([values(rng, f32, shape), *sizes[0], pads, values(rng, f32, filter)], attrs={"mode": "REFLECT", **VALID})


@op("IsotonicRegression", family="math", tolerance="eps 16")
def isotonic(name, rng):
    for dtype, to in combinations(name, "T", "output_dtype"):
        for shape in ((7,), (3, 9), (2, 2, 17), (2, 0), ()):
            yield Call([values(rng, dtype, shape, -20, 20)], {"output_dtype": to})
        yield Call([np.array([5, 3, 3, 1, 2, 2, 4, 0]).astype(dtype)], {"output_dtype": to})


@op("NearestNeighbors", family="math", tolerance="eps 64")
def neighbors(name, rng):
    for points, centers, width in ((3, 4, 2), (20, 30, 7), (5, 3, 1)):
        for k in (0, 1, 3, 100):
            yield Call([values(rng, f32, (points, width)), values(rng, f32, (centers, width)), np.array(k, i64)])
    yield Call([np.zeros((2, 1), f32), np.array([[1], [-1], [1], [0]], f32), np.array(3, i64)])
    a, b, k = values(rng, f32, (3, 2)), values(rng, f32, (4, 2)), np.array(2, i64)
    for inputs in ([a[0], b, k], [a, b[0], k], [a, b, np.array([2])], [a[:0], b, k], [a, values(rng, f32, (4, 3)), k]):
        yield Bad(inputs)


@op("SobolSample", family="math")
def sobol(name, rng):
    """From number 2**30 - 1 on TensorFlow's points are negative, for lack of a bit."""
    n = lambda number: np.array(number, i32)
    for dtype in (f32, f64):
        for dim, count, skip in ((1, 9, 0), (3, 8, 5), (40, 5, 100), (2, 3, 2**29), (7, 4, 2**30 - 10), (300, 2, 12345)):
            yield Call([n(dim), n(count), n(skip)], {"dtype": dtype})
    yield Call([n(21200), n(1), n(77777)], {"dtype": f32})
    for dim, count, skip in ((0, 1, 0), (1, 0, 0), (1, 1, -1), (21201, 1, 0), (1, 1, 2**31 - 2)):
        yield Bad([n(dim), n(count), n(skip)], attrs={"dtype": f32})


@op("ApproxTopK", family="nn")
def approx_top_k(name, rng):
    for dtype in dtypes(name):
        for shape, k, axis in (((9,), 3, -1), ((4, 17), 5, -1), ((2, 3, 6), 2, -1)):
            for whole in (True, False):
                yield Call([values(rng, dtype, shape)], {"k": k, "reduction_dimension": axis, "aggregate_to_topk": whole})
    yield Call([values(rng, f32, (2, 5))], {"k": 0})
    for shape, attrs in (((2, 5), {"k": 6}), ((), {"k": 1})):
        yield Bad([values(rng, f32, shape)], attrs=attrs)


@op("ComputeAccidentalHits", family="nn")
def accidental_hits(name, rng):
    for batch, true, sampled in ((3, 1, 5), (2, 4, 9), (1, 2, 0), (0, 2, 3)):
        yield Call([values(rng, i64, (batch, true), 0, 6), rng.permutation(12)[:sampled].astype(i64)], {"num_true": true})
    yield Bad([np.zeros((3, 2), i64), np.zeros(2, i64)], attrs={"num_true": 1})
    yield Bad([np.zeros(3, i64), np.zeros(2, i64)], attrs={"num_true": 1})


@op("CompositeTensorVariantFromComponents", "CompositeTensorVariantToComponents", family="list")
def composites(name, rng):
    def there_and_back(types):
        def build(feed):
            ragged = tf.RaggedTensor.from_row_splits(feed(values(rng, f32, (4,))), feed(np.array([0, 1, 4], i64)), validate=False)
            metadata = tf.RaggedTensorSpec([None, None], tf.float32)
            proto = composite_tensor_variant_pb2.CompositeTensorVariantMetadata()
            proto.type_spec_proto.CopyFrom(nested_structure_coder.encode_structure(metadata).type_spec_value)
            raw = proto.SerializeToString()
            encoded = tf.raw_ops.CompositeTensorVariantFromComponents(components=[ragged.values, ragged.row_splits], metadata=raw)
            return list(tf.raw_ops.CompositeTensorVariantToComponents(encoded=encoded, metadata=raw, Tcomponents=types))

        return build

    yield Scene(there_and_back([tf.float32, tf.int64]))
    yield Scene(there_and_back([tf.float32]), fails=True)
    yield Scene(there_and_back([tf.float32, tf.int32]), fails=True)


# What once crashed TensorFlow --------------------------------------------------------------------

N = lambda number: np.array(number, i32)
F = lambda *shape: np.ones(shape, f32)
advisory("SobolSample", "2022-35935", [ints(3), N(2), N(0)], {"dtype": f32})
advisory("SobolSample", "2022-35935", [N(3), ints(2, 2), N(0)], {"dtype": f32})
advisory("FusedResizeAndPadConv2D", "2022-41885", [F(1, 1, 1, 1), ints(2**31 - 1, 2**31 - 1), np.zeros((4, 2), i32), F(1, 1, 1, 2)], {"mode": "REFLECT", **VALID})
advisory("CTCGreedyDecoder", "fphq-gw9m-ghrv", [F(3, 2, 4), ints(4, 1)])
advisory("CTCGreedyDecoder", "fphq-gw9m-ghrv", [F(0, 2, 4), ints(0, 0)])
advisory("CTCBeamSearchDecoder", "vq2r-5xvm-3hc3", [F(0, 2, 4), ints(0, 0)], {"beam_width": 2, "top_paths": 1})
advisory("BandedTriangularSolve", "2xgj-xhgf-ggjv", [F(0, 0), F(0, 0)])
advisory("BandedTriangularSolve", "2xgj-xhgf-ggjv", [F(2, 0), F(0, 1)])
advisory("SparseMatMul", "xw93-v57j-fcgh", [F(0, 0), F(0, 2)])
advisory("SparseMatMul", "xw93-v57j-fcgh", [F(2, 0), F(0, 2)])
for name in ("FractionalMaxPool", "FractionalAvgPool"):
    for id, ratio in (("f78g-q7r4-9wcv", [1, 9, 1, 1]), ("87v6-crgm-2gfj", [1, 1.5, 4, 1]), ("2022-41900", [1, 0.5, 1, 1]), ("2022-41900", [1, 1, 1]), ("2023-25801", [1, 1, 1, 2]), ("2023-25801", [1, 1.5, 1.5, 1.00001])):
        advisory(name, id, [F(1, 3, 3, 1)], {"pooling_ratio": [float(x) for x in ratio], "deterministic": True, "seed": 1, "seed2": 1})
CELL = [F(1, 2), F(1, 3), F(1, 3), F(5, 12), F(3), F(3), F(3), F(12)]
for at, wrong in ((0, F(2)), (3, F(5)), (7, F(1)), (4, F(1, 3)), (3, F(0, 0))):
    advisory("LSTMBlockCell", "2022-29200", [*CELL[:at], wrong, *CELL[at + 1 :]])
LAYER = [np.array(1, i64), F(1, 1, 2), F(1, 3), F(1, 3), F(5, 12), F(3), F(3), F(3), F(12)]
for at, wrong in ((0, np.array([1], i64)), (1, F(1, 2)), (8, F(1)), (4, F(2, 12))):
    advisory("BlockLSTMV2", "2022-35964", [*LAYER[:at], wrong, *LAYER[at + 1 :]])
GATES = [F(1, 2), F(1, 3), F(5, 6), F(5, 3), F(6), F(3)]
for at, wrong in ((2, F(5, 3)), (3, F(1, 1)), (4, F(1)), (5, F(0))):
    advisory("GRUBlockCell", "2023-25658", [*GATES[:at], wrong, *GATES[at + 1 :]])
