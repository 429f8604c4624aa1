"""Operators whose relatives have cases elsewhere."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, combinations, dtypes, f32, f64, i32, i64, op, u64, values
from ops.array_shapes import ints
from ops.text import text

raw = tf.raw_ops


@op("ParameterizedTruncatedNormal", "StatelessParameterizedTruncatedNormal", family="random", tolerance="ulp 16")
def truncated(name, rng):
    stateless = name.startswith("Stateless")

    def call(dtype, shape, means, deviations, low, high, seed=(1, 2)):
        parameters = [np.array(x, dtype) for x in (means, deviations, low, high)]
        if stateless:
            return Call([np.array(shape, i32), np.array(seed, i64), *parameters], fails=None)
        return Call([np.array(shape, i32), *parameters], {"seed": seed[0], "seed2": seed[1]}, fails=None)

    for dtype in dtypes(name, "dtype"):
        for seed in ((1, 2), (7, -3)):
            yield call(dtype, [9], 0, 1, -2, 2, seed)
            yield call(dtype, [2, 8], [0, 1], [1, 2], [-1, 0], [1, 3], seed) if not stateless else call(dtype, [8, 2], [0, 1], [1, 2], [-1, 0], [1, 3], seed)
    for low, high in ((3, 4), (-9, -8), (0, np.inf), (-np.inf, 0), (-np.inf, np.inf), (1, 1), (2, 1)):
        yield call(f32, [7], 0, 1, low, high)
    for deviation in (0, -1, np.nan):
        yield call(f32, [3], 0, deviation, -1, 1)
    yield call(f32, [0], 0, 1, -1, 1)
    yield call(f32, [3, 2], [0, 0, 0], 1, -1, 1)
    yield call(f32, [-1], 0, 1, -1, 1)


@op("RandomPoisson", "StatefulRandomBinomial", "StatelessRandomBinomial", "StatelessRandomGammaV3", "RngSkip", "NonDeterministicInts", family="random", tolerance="ulp 16")
def distributions(name, rng):
    if name == "RandomPoisson":
        for dtype in dtypes(name, "dtype"):
            rate = np.array([0.5, 3, 20], dtype)

            def build(feed, dtype=dtype, rate=rate):
                y = raw.RandomPoisson(shape=feed(ints(6)), rate=feed(rate), seed=1, seed2=2)
                return [[y], [y]]

            yield Scene(build)
    elif name == "StatelessRandomBinomial":
        for dtype, to in combinations(name, "T", "dtype"):
            yield Call([ints(5, 2), ints(1, 2), np.array([10, 100], dtype), np.array([0.2, 0.7], dtype)], {"dtype": to})
        yield Bad([ints(-1), ints(1, 2), np.array(3.0), np.array(0.5)], attrs={"dtype": i64})
    elif name == "StatelessRandomGammaV3":
        for dtype in dtypes(name, "dtype"):
            for alpha in (0.3, 1, 7):
                yield Call([ints(9), np.array([7], u64), np.array([1, 2], u64), np.array(1, i32), np.array(alpha, dtype)])
            yield Call([ints(4, 3), np.array([7], u64), np.array([1, 2], u64), np.array(1, i32), np.array([0.5, 2, 9], dtype)])
    elif name == "NonDeterministicInts":
        for dtype in dtypes(name, "dtype"):
            yield Scene(lambda feed: [raw.Shape(input=raw.NonDeterministicInts(shape=feed(ints(2, 3)), dtype=dtype))])
        yield Bad([ints(-1)], attrs={"dtype": i64})
    else:

        def with_state(feed):
            handle = raw.VarHandleOp(dtype=tf.int64, shape=[None], shared_name="state")
            assign = raw.AssignVariableOp(resource=handle, value=feed(np.array([1, 2, 3], i64)))
            read = raw.ReadVariableOp(resource=handle, dtype=tf.int64)
            algorithm = feed(np.array(1, i64))
            if name == "RngSkip":
                return [[assign], [raw.RngSkip(resource=handle, algorithm=algorithm, delta=feed(np.array(70, i64)))], [read]]
            y = raw.StatefulRandomBinomial(resource=handle, algorithm=algorithm, shape=feed(ints(4, 2)), counts=feed(np.array([9, 50], f32)), probs=feed(np.array([0.3, 0.9], f32)), dtype=tf.int64)
            return [[assign], [y], [read]]

        yield Scene(with_state)


@op("CheckNumericsV2", family="math")
def check_numerics(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (3, 2))], {"message": "m"})
        for bad in (np.nan, np.inf, -np.inf):
            yield Bad([np.array([1, bad], dtype)], attrs={"message": "m"})


@op("AdjustContrast", family="image", tolerance="eps 4")
def contrast(name, rng):
    """A difference to a mean of some dozens of numbers is as exact as the mean."""
    for dtype in dtypes(name):
        n = lambda x: np.array(x, f32)
        for shape in ((3, 4, 3), (2, 3, 4, 1)):
            yield Call([values(rng, dtype, shape, 0, 90), n(1.7), n(0), n(80)])
    yield Bad([values(rng, f32, (3, 4)), np.array(1, f32), np.array(0, f32), np.array(1, f32)])


@op("Copy", "CopyHost", "GuaranteeConst", "DeepCopy", family="array")
def copies(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (2, 3))])
        yield Call([values(rng, dtype, ())])


@op("HostConst", family="array")
def host_const(name, rng):
    for dtype in (f32, i32, object, np.bool_):
        value = values(rng, dtype, (2, 2))
        yield Call([], {"value": value, "dtype": dtype})


@op("Empty", family="array")
def empty(name, rng):
    for dtype in dtypes(name, "dtype"):
        yield Call([ints(2, 3)], {"dtype": dtype, "init": True})
        yield Call([ints()], {"dtype": dtype, "init": True})
    yield Bad([ints(-1)], attrs={"dtype": f32})
    yield Bad([np.array(3, i32)], attrs={"dtype": f32})


@op("PlaceholderV2", family="control")
def placeholder(name, rng):
    yield Scene(lambda feed: [raw.Identity(input=raw.PlaceholderV2(dtype=tf.float32, shape=[]))], fails=True)


@op("ParallelConcat", family="array")
def parallel_concat(name, rng):
    for dtype in dtypes(name):
        for rows in (1, 3):
            yield Call([[values(rng, dtype, (1, 2)) for _ in range(rows)]], {"shape": [rows, 2]}, const=(0,))


@op("IgammaGradA", family="math", tolerance="close 1e-3 1e-4")
def igamma_grad(name, rng):
    """TensorFlow's derivative is a series that stops early."""
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (40,), 0.1, 9), values(rng, dtype, (40,), 0.1, 9)])


@op("QuantizeAndDequantize", family="quantization", tolerance="ulp 4")
def quantize(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (3, 4))], {"num_bits": 8})
        yield Call([values(rng, dtype, (3, 4))], {"num_bits": 4, "signed_input": True, "range_given": True, "input_min": -1.0, "input_max": 1.0})


@op("QueueIsClosed", family="list")
def queue_is_closed(name, rng):
    def build(feed):
        queue = raw.FIFOQueueV2(component_types=[tf.float32], shared_name="q")
        closed = raw.QueueIsClosedV2(handle=queue)
        return [[closed], [raw.QueueCloseV2(handle=queue)], [closed]]

    def older(feed):
        queue = raw.FIFOQueue(component_types=[tf.float32], shared_name="q")
        closed = raw.QueueIsClosed(handle=queue)
        return [[closed], [raw.QueueClose(handle=queue)], [closed]]

    yield Scene(older)
    yield Scene(build)


@op("DeserializeSparse", "DeserializeManySparse", family="sparse")
def deserialize(name, rng):
    many = name == "DeserializeManySparse"
    for dtype in (f32, i64, object, np.bool_):
        def build(feed, dtype=dtype):
            kind = tf.string if dtype is object else tf.dtypes.as_dtype(dtype)
            indices, shape = feed(np.array([[0, 1], [2, 0], [2, 2]], i64)), feed(np.array([4, 3], i64))
            if many:
                serialized = raw.SerializeManySparse(sparse_indices=indices, sparse_values=feed(values(rng, dtype, (3,))), sparse_shape=shape)
                return list(raw.DeserializeManySparse(serialized_sparse=serialized, dtype=kind))
            serialized = raw.SerializeSparse(sparse_indices=indices, sparse_values=feed(values(rng, dtype, (3,))), sparse_shape=shape)
            return [*raw.DeserializeSparse(serialized_sparse=serialized, dtype=kind), *raw.DeserializeSparse(serialized_sparse=tf.stack([serialized, serialized]), dtype=kind)]

        yield Scene(build)
    for bad in (text("a", "b", "c"), text("a", "b"), np.array(b"x", object)):
        yield Bad([bad[None] if bad.ndim else bad], attrs={"dtype": f32})


@op("RaggedFillEmptyRows", family="sparse")
def fill_empty_rows(name, rng):
    for dtype in dtypes(name):
        yield Call([np.array([0, 0, 2, 3], i64), values(rng, dtype, (4,)), np.array(5, i64), values(rng, dtype, ())])
    one = np.array(1, f32)
    yield Call([np.array([], i64), np.array([], f32), np.array(3, i64), one])
    yield Call([np.array([], i64), np.array([], f32), np.array(0, i64), one])
    for rows, count, size in (([0, 5], 2, 5), ([-1], 1, 5), ([1, 0], 2, 3), ([0], 2, 3), ([0], 1, 0)):
        yield Call([np.array(rows, i64), np.ones(count, f32), np.array(size, i64), one], fails=None)


@op("Timestamp", family="control")
def timestamp(name, rng):
    yield Scene(lambda feed: [raw.Greater(x=raw.Timestamp(), y=np.float64(1.5e9))])


@op("RaggedTensorToVariantGradient", family="sparse")
def variant_gradient(name, rng):
    for dtype in (f32, f64, i32):
        for split in (i32, i64):
            def build(feed, dtype=dtype, split=split):
                splits, kind = feed(np.array([0, 2, 2, 5], split)), tf.dtypes.as_dtype(dtype)
                encoded = raw.RaggedTensorToVariant(rt_nested_splits=[splits], rt_dense_values=feed(values(rng, dtype, (5, 2))), batched_input=True)
                return [raw.RaggedTensorToVariantGradient(encoded_ragged_grad=encoded, row_splits=splits, dense_values_shape=feed(ints(5, 2)), Tvalues=kind)]

            yield Scene(build)


@op("Conv3DBackpropInput", family="nn", tolerance="eps 64")
def backprop(name, rng):
    for dtype in (f32, f64):
        for padding, stride, grad in (("VALID", 1, (1, 3, 3, 3, 4)), ("SAME", 2, (1, 2, 2, 2, 4))):
            yield Call([values(rng, dtype, (1, 4, 4, 4, 3)), values(rng, dtype, (2, 2, 2, 3, 4)), values(rng, dtype, grad)], {"strides": [1, stride, stride, stride, 1], "padding": padding})


@op("ParseSingleSequenceExample", family="parsing")
def single_sequence(name, rng):
    def example():
        numbers = lambda *n: tf.train.Feature(int64_list=tf.train.Int64List(value=n))
        words = lambda *w: tf.train.Feature(bytes_list=tf.train.BytesList(value=w))
        lists = {"steps": tf.train.FeatureList(feature=[numbers(1, 2), numbers(3, 4)]), "ragged": tf.train.FeatureList(feature=[words(b"a"), words(), words(b"b", b"c")])}
        context = tf.train.Features(feature={"id": numbers(7), "tags": words(b"x", b"y")})
        return tf.train.SequenceExample(context=context, feature_lists=tf.train.FeatureLists(feature_list=lists)).SerializeToString()

    def call(serialized, missing, fails=False):
        scalar = lambda word: np.array(word, object)
        return Call([np.array(serialized, object), np.array(missing, object), [scalar(b"tags")], [scalar(b"id"), scalar(b"other")], [scalar(b"ragged")], [scalar(b"steps")],
                     [np.array([], i64), np.array([5], i64)], scalar(b"name")],
                    {"context_sparse_types": [object], "feature_list_dense_types": [i64], "context_dense_shapes": [[1], [1]], "feature_list_sparse_types": [object], "feature_list_dense_shapes": [[2]]}, fails=fails)

    yield call(example(), [])
    yield call(b"", [], fails=True)
    yield call(b"\x08", [], fails=True)
