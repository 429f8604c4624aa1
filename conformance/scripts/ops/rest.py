"""Fused recurrent cells, CTC decoders, references through control flow, printing, file names."""

import numpy as np
import tensorflow as tf
from calls import ALL, Bad, Call, Scene, dtypes, f32, f64, i32, i64, op, values
from ops.array_shapes import ints
from ops.text import one, text

raw = tf.raw_ops


def cell(rng, dtype, batch, inputs, units) -> dict:
    """The arguments that LSTM cells and blocks share."""
    v = lambda *shape: values(rng, dtype, shape, -1, 1)
    return dict(cs_prev=v(batch, units), h_prev=v(batch, units), w=v(inputs + units, 4 * units), wci=v(units), wcf=v(units), wco=v(units), b=v(4 * units))


@op("LSTMBlockCell", family="nn", tolerance="eps 32")
def lstm_cell(name, rng):
    for dtype in dtypes(name):
        for batch, inputs, units in ((2, 3, 4), (1, 5, 2)):
            for attrs in ({}, {"use_peephole": True}, {"forget_bias": 0.0, "cell_clip": 0.5}):
                yield Call([values(rng, dtype, (batch, inputs)), *cell(rng, dtype, batch, inputs, units).values()], attrs)
    yield Bad([values(rng, f32, (2, 9)), *cell(rng, f32, 2, 3, 4).values()])


@op("BlockLSTM", "BlockLSTMV2", family="nn", tolerance="eps 32")
def block_lstm(name, rng):
    for dtype in dtypes(name):
        for batch, inputs, units in ((2, 3, 4), (1, 5, 2)):
            for attrs in ({}, {"use_peephole": True, "cell_clip": 0.5}):
                yield Call([np.array(5, i64), values(rng, dtype, (5, batch, inputs), -1, 1), *cell(rng, dtype, batch, inputs, units).values()], attrs)
    yield Bad([np.array(5, i64), values(rng, f32, (5, 2, 9)), *cell(rng, f32, 2, 3, 4).values()])


@op("GRUBlockCell", family="nn", tolerance="eps 32")
def gru_cell(name, rng):
    for dtype in dtypes(name):
        for batch, inputs, units in ((2, 3, 4), (1, 5, 2)):
            v = lambda *shape: values(rng, dtype, shape, -1, 1)
            yield Call([v(batch, inputs), v(batch, units), v(inputs + units, 2 * units), v(inputs + units, units), v(2 * units), v(units)])
    yield Bad([values(rng, f32, shape) for shape in ((2, 3), (2, 4), (6, 8), (7, 4), (8,), (4,))])


@op("CTCGreedyDecoder", family="nn", tolerance="eps 16")
def ctc_greedy(name, rng):
    for dtype in dtypes(name):
        for merge in (False, True):
            yield Call([values(rng, dtype, (6, 2, 4)), ints(6, 3)], {"merge_repeated": merge})
        yield Call([values(rng, dtype, (6, 2, 4)), ints(0, 6)], {"blank_index": 0})
    for lengths in ([7, 3], [6], [-1, 2]):
        yield Bad([values(rng, f32, (6, 2, 4)), np.array(lengths, i32)])


@op("CTCBeamSearchDecoder", family="nn", tolerance="eps 64")
def ctc_beam(name, rng):
    for dtype in dtypes(name):
        for width, paths in ((4, 1), (10, 3)):
            for merge in (False, True):
                yield Call([values(rng, dtype, (6, 2, 4)), ints(6, 3)], {"beam_width": width, "top_paths": paths, "merge_repeated": merge})
    for lengths in ([7, 3], [6]):
        yield Bad([values(rng, f32, (6, 2, 4)), np.array(lengths, i32)], attrs={"beam_width": 4, "top_paths": 1})
    yield Bad([values(rng, f32, (6, 2, 4)), ints(6, 3)], attrs={"beam_width": 2, "top_paths": 3})


@op("RefSwitch", "RefMerge", "RefEnter", "RefExit", "RefNextIteration", family="control")
def references(name, rng):
    def variable(feed, value, shared="v"):
        made = raw.VariableV2(shape=np.shape(value), dtype=tf.float32, shared_name=shared)
        return made, raw.Assign(ref=made, value=feed(value)).op

    for choice in (True, False):
        def build(feed, choice=choice):
            v, assign = variable(feed, np.float32(3))
            first, second = raw.RefSwitch(data=v, pred=feed(np.array(choice)))
            value, index = raw.RefMerge(inputs=[first, second])
            return [[assign], [tf.identity(value), index]]

        yield Scene(build)

    def loop(feed):
        v, assign = variable(feed, np.float32(3))
        inside = raw.RefEnter(data=v, frame_name="f")
        return [[assign], [tf.identity(raw.RefExit(data=inside))]]

    yield Scene(loop)


@op("RaggedTensorToVariant", "RaggedTensorFromVariant", family="sparse")
def ragged_variants(name, rng):
    for dtype in (f32, i32, i64, object):
        kind = tf.string if dtype is object else tf.dtypes.as_dtype(dtype)
        for batched in (False, True):
            def build(feed, dtype=dtype, kind=kind, batched=batched):
                encoded = raw.RaggedTensorToVariant(rt_nested_splits=[feed(np.array([0, 2, 2, 5], i64))], rt_dense_values=feed(values(rng, dtype, (5,))), batched_input=batched)
                splits, flat = raw.RaggedTensorFromVariant(encoded_ragged=encoded, input_ragged_rank=0 if batched else 1, output_ragged_rank=1, Tvalues=kind, Tsplits=tf.int64)
                return [*splits, flat]

            yield Scene(build)

    def rows(feed):
        """Each row by itself, gathered in another order."""
        encoded = raw.RaggedTensorToVariant(rt_nested_splits=[feed(np.array([0, 2, 2, 5], i64))], rt_dense_values=feed(values(rng, f32, (5,))), batched_input=True)
        splits, flat = raw.RaggedTensorFromVariant(encoded_ragged=tf.gather(encoded, feed(ints(2, 0, 2))), input_ragged_rank=0, output_ragged_rank=1, Tvalues=tf.float32, Tsplits=tf.int64)
        return [*splits, flat]

    yield Scene(rows)


@op("Print", "PrintV2", family="control")
def prints(name, rng):
    if name == "Print":
        for dtype in (f32, i32, object):
            yield Call([values(rng, dtype, (3,)), [ints(1, 2), text("a")]], {"message": "m: ", "first_n": 1})
        return
    yield Call([one("to the log")], {"output_stream": "log(info)"})
    yield Bad([text("a", "b")])
    yield Bad([one("x")], attrs={"output_stream": "nowhere"})


@op("ShardedFilename", "ShardedFilespec", family="state")
def sharded(name, rng):
    if name == "ShardedFilename":
        for shard, shards in ((0, 1), (3, 12), (-1, 5), (100000, 123456)):
            yield Call([one("a/b"), np.array(shard, i32), np.array(shards, i32)])
    else:
        for shards in (1, 12, 123456):
            yield Call([one("a/b"), np.array(shards, i32)])


@op("DisableCopyOnRead", family="state")
def copy_on_read(name, rng):
    def build(feed):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="v")
        assign = raw.AssignVariableOp(resource=handle, value=feed(np.array([1, 2], f32)))
        return [[assign], [raw.DisableCopyOnRead(resource=handle)], [raw.ReadVariableOp(resource=handle, dtype=tf.float32)]]

    yield Scene(build)


@op("DeviceIndex", family="control")
def device_index(name, rng):
    for names in (["CPU"], ["GPU", "CPU"], ["TPU"]):
        yield Call([], {"device_names": names})


@op("FakeParam", family="control")
def fake_param(name, rng):
    """Its value never matters; it must only be there."""
    for dtype in ALL:
        yield Call([], {"dtype": dtype, "shape": [0]})


@op("EncodeJpeg", family="image")
def encode_jpeg(name, rng):
    smooth = (np.add.outer(np.arange(17), np.arange(20))[..., None] * np.array([4, 7, 2]) % 256).astype(np.uint8)
    for image in (smooth, smooth[..., :1]):
        for quality in (30, 95):
            yield Call([image], {"quality": quality}, kind="jpeg")
        for attrs in ({"progressive": True}, {"optimize_size": True}, {"chroma_downsampling": False}, {"xmp_metadata": "x", "density_unit": "cm"}):
            yield Call([image], attrs, kind="jpeg")
    yield Bad([smooth[..., :2]])
    yield Bad([smooth[0]])
    yield Bad([smooth], attrs={"quality": 101})


@op("EncodeJpegVariableQuality", family="image")
def encode_jpeg_quality(name, rng):
    smooth = (np.add.outer(np.arange(17), np.arange(20))[..., None] * np.array([4, 7, 2]) % 256).astype(np.uint8)
    for image in (smooth, smooth[..., :1]):
        for quality in (0, 30, 100):
            yield Call([image, np.array(quality, i32)], kind="jpeg")
    yield Bad([smooth, np.array(101, i32)])
    yield Bad([smooth, np.array([50], i32)])
    yield Bad([smooth[..., :2], np.array(50, i32)])


@op("DecodeAndCropJpeg", family="image")
def crop_jpeg(name, rng):
    smooth = (np.add.outer(np.arange(19), np.arange(26))[..., None] * np.array([4, 7, 2]) % 256).astype(np.uint8)
    encoded = tf.io.encode_jpeg(smooth, quality=90).numpy()
    for window in ([0, 0, 19, 26], [3, 5, 7, 11], [8, 16, 8, 8]):
        for channels in (0, 1):
            yield Call([one(encoded), np.array(window, i32)], {"channels": channels}, kind="jpeg")
    for window in ([0, 0, 20, 5], [-1, 0, 2, 2], [0, 0, 0, 5], [0, 0, 5]):
        yield Bad([one(encoded), np.array(window, i32)])


@op("ParseSequenceExample", family="parse")
def parse_sequence_v1(name, rng):
    example = tf.train.SequenceExample()
    example.context.feature["c"].float_list.value.append(1.5)
    for row in ([1, 2], [3, 4]):
        example.feature_lists.feature_list["d"].feature.add().float_list.value.extend(row)
    serialized = example.SerializeToString(deterministic=True)
    attrs = {
        "feature_list_dense_missing_assumed_empty": [], "context_sparse_keys": [], "context_dense_keys": ["c"], "feature_list_sparse_keys": [],
        "feature_list_dense_keys": ["d"], "Ncontext_dense": 1, "Nfeature_list_dense": 1, "feature_list_dense_types": [f32],
        "context_dense_shapes": [[]], "feature_list_dense_shapes": [[2]],
    }
    yield Call([text(serialized), text(""), [np.zeros(0, f32)]], attrs)
    yield Call([text(serialized, serialized), text("", ""), [np.zeros(0, f32)]], attrs)
    yield Bad([text(tf.train.SequenceExample().SerializeToString()), text("n"), [np.zeros(0, f32)]], attrs=attrs)
    yield Bad([text(b"\x0a"), text("n"), [np.zeros(0, f32)]], attrs=attrs)


@op("BatchFunction", family="control")
def batch_function(name, rng):
    from tensorflow.python.framework import function as v1_function

    def build(feed):
        @v1_function.Defun(tf.float32, tf.float32, func_name="batched")
        def batched(x, weight):
            return x * weight

        weight = feed(np.float32(3))
        return raw.BatchFunction(in_tensors=[feed(values(rng, f32, (3, 2)))], captured_tensors=[weight], f=batched, num_batch_threads=1, max_batch_size=8,
                                 batch_timeout_micros=1, Tout=[tf.float32])

    yield Scene(build)


@op("Batch", "Unbatch", family="array")
def batches(name, rng):
    """What one call puts into a batch and takes out of it; the number of a call is another each time."""
    if name == "Batch":

        def scene(inputs, allowed=(), most=8, **rest):
            def build(feed):
                tensors, index, call = raw.Batch(in_tensors=[feed(x) for x in inputs], num_batch_threads=1, max_batch_size=most, batch_timeout_micros=1000,
                                                 grad_timeout_micros=1000, allowed_batch_sizes=list(allowed))
                rows = [raw.Unbatch(batched_tensor=x, batch_index=index, id=call, timeout_micros=1000000) for x in tensors]
                return [*tensors, index[:, 1:], tf.equal(index[:, 0], call), *rows]

            return Scene(build, **rest)

        for dtype in (f32, f64, i32, i64, np.bool_, object):
            yield scene([values(rng, dtype, (3, 2))])
            yield scene([values(rng, dtype, (3, 2))], (2, 4, 8))
        yield scene([values(rng, f32, (3, 2)), values(rng, i64, (3,))], (4, 8))
        yield scene([values(rng, f32, (3, 0))], (4, 8))
        yield scene([values(rng, f32, (8,))], (1, 8))
        for inputs, allowed, most in (([(3, 2), (2, 2)], (), 8), ([()], (), 8), ([(9, 2)], (), 8), ([(9, 2)], (4, 8), 8), ([(3, 2)], (4, 2), 4), ([(3, 2)], (2,), 4), ([(3, 2)], (), 0)):
            yield scene([values(rng, f32, shape) for shape in inputs], allowed, most, fails=True)
    else:
        two = [[5, 0, 2], [7, 2, 4]]
        for dtype in (f32, i64, object):
            for call in (5, 7):
                yield Call([values(rng, dtype, (4, 2)), np.array(two, i64), np.array(call, i64)], {"timeout_micros": 1000})
        yield Call([values(rng, f32, (4,)), np.array([[5, 0, 2], [5, 2, 4]], i64), np.array(5, i64)], {"timeout_micros": 1000})
        yield Call([values(rng, f32, (4,)), np.array([[5, 3, 4], [7, 0, 2]], i64), np.array(7, i64)], {"timeout_micros": 1000})
        for index, call in ((two, 9), ([[5, 0, 2], [7, 2, 9]], 7), ([[1, 0]], 1)):
            yield Bad([values(rng, f32, (4, 2)), np.array(index, i64), np.array(call, i64)], attrs={"timeout_micros": 1000})
