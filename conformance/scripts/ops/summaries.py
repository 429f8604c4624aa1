"""Summaries, debugging, and sparse tensors that wait in maps."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, bf16, dtypes, f16, f32, f64, i32, i64, op, u8, values
from ops.array_shapes import ints
from ops.text import one, text

raw = tf.raw_ops


@op("ScalarSummary", family="control")
def scalars(name, rng):
    for dtype in dtypes(name):
        yield Call([text("a", "b"), values(rng, dtype, (2,))])
    yield Call([one("a"), np.float32(0)])
    yield Call([text(), np.zeros(0, f32)])
    yield Bad([text("a", "b"), np.zeros(1, f32)])
    yield Bad([one("a"), np.zeros(1, f32)])


@op("HistogramSummary", family="control")
def histograms(name, rng):
    for dtype in dtypes(name):
        yield Call([one("h"), values(rng, dtype, (40,), -50, 50)])
    yield Call([one("h"), np.zeros((0, 3), f32)])
    yield Call([one(""), np.array([0.0, -0.0, 1e-13, -1e-13, 1e25, -1e25], f64)])
    for bad in (np.nan, np.inf, -np.inf):
        yield Bad([one("h"), np.array([1, bad], f32)])
    yield Bad([text("h"), np.ones(1, f32)])


@op("MergeSummary", family="control")
def merges(name, rng):
    def summary(*pairs):
        return tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in pairs]).SerializeToString()

    yield Call([[one(summary(("a", 1.5))), text(summary(("b", 0)), summary(), summary(("c", 2), ("", 3), ("", 4)))]])
    yield Bad([[one(summary(("a", 1.5))), one(summary(("a", 2)))]])
    yield Bad([[one("zz")]])


@op("TensorSummary", "TensorSummaryV2", family="control")
def tensors(name, rng):
    metadata = tf.compat.v1.SummaryMetadata(display_name="shown").SerializeToString()
    for dtype in (f16, bf16, f32, i64, u8, np.bool_, object):
        x = values(rng, dtype, (2, 3))
        yield Call([x]) if name == "TensorSummary" else Call([one("t"), x, one(metadata)])
    if name == "TensorSummaryV2":
        yield Call([one(""), np.zeros(0, f32), one("")])
        yield Bad([text("t"), np.ones(1, f32), one("")])
        yield Bad([one("t"), np.ones(1, f32), text("")])


@op("DebugIdentity", "DebugIdentityV2", "DebugIdentityV3", family="control")
def debug(name, rng):
    for dtype in (f32, i64, np.bool_):
        yield Call([values(rng, dtype, (2, 3))], {} if name.endswith("V2") else {"tensor_name": "x:0"})


@op("AddSparseToTensorsMap", "AddManySparseToTensorsMap", "TakeManySparseFromTensorsMap", family="sparse")
def sparse_maps(name, rng):
    rows, sizes = np.array([[0, 1], [0, 3], [2, 0]], i64), np.array([3, 4], i64)
    for dtype in (f32, i32, object, np.bool_):
        kind = tf.string if dtype is object else tf.dtypes.as_dtype(dtype)

        def build(feed, dtype=dtype, kind=kind):
            sparse = {"sparse_indices": feed(rows), "sparse_values": feed(values(rng, dtype, (3,))), "sparse_shape": feed(sizes), "shared_name": "m"}
            single, many = raw.AddSparseToTensorsMap(**sparse), raw.AddManySparseToTensorsMap(**sparse)
            handles = tf.compat.v1.placeholder_with_default(np.array([2, 3, 1], i64), None)
            take = raw.TakeManySparseFromTensorsMap(sparse_handles=handles, dtype=kind, shared_name="m")
            first = raw.TakeManySparseFromTensorsMap(sparse_handles=feed(np.array([0], i64)), dtype=kind, shared_name="m")
            return [[single], [many], list(take), list(first)]

        yield Scene(build)

    def scene(shape, handles, fails=True):
        def build(feed):
            sparse = {"sparse_indices": feed(rows), "sparse_values": feed(np.ones(3, f32)), "sparse_shape": feed(np.array(shape, i64)), "shared_name": "m"}
            many = raw.AddManySparseToTensorsMap(**sparse)
            return [[many], list(raw.TakeManySparseFromTensorsMap(sparse_handles=feed(np.array(handles, i64)), dtype=tf.float32, shared_name="m"))]

        return Scene(build, fails=fails)

    yield scene([3, 4], [0, 7])
    yield scene([3, 4], [])

    def refused(shape):
        def build(feed):
            return [[raw.AddManySparseToTensorsMap(sparse_indices=feed(rows), sparse_values=feed(np.ones(3, f32)), sparse_shape=feed(np.array(shape, i64)), shared_name="m")]]

        return Scene(build, fails=True)

    for shape in ([2, 4], [3], [3, -4], [3, 3]):
        yield refused(shape)


@op("TensorMapStackKeys", family="list")
def stacked_keys(name, rng):
    """With one key, as the order of several is not told."""
    for dtype in (f32, i64, np.bool_, object):
        kind = tf.string if dtype is object else tf.dtypes.as_dtype(dtype)

        def build(feed, dtype=dtype, kind=kind):
            filled = raw.TensorMapInsert(input_handle=raw.EmptyTensorMap(), key=feed(values(rng, dtype, (2,))), value=feed(np.float32(1)))
            return [raw.TensorMapStackKeys(input_handle=filled, key_dtype=kind)]

        yield Scene(build)
    yield Scene(lambda feed: [raw.TensorMapStackKeys(input_handle=raw.EmptyTensorMap(), key_dtype=tf.int32)], fails=True)

    def wrong(feed):
        filled = raw.TensorMapInsert(input_handle=raw.EmptyTensorMap(), key=feed(ints(1, 2)), value=feed(np.float32(1)))
        return [raw.TensorMapStackKeys(input_handle=filled, key_dtype=tf.float32)]

    yield Scene(wrong, fails=True)


@op("QueueCloseV2", "QueueIsClosedV2", "FIFOQueue", "QueueEnqueue", "QueueEnqueueMany", "QueueDequeue", "QueueDequeueMany", "QueueDequeueUpTo", "QueueSize", "QueueClose", family="list")
def old_queues(name, rng):
    later = "V2" if name.endswith("V2") else ""
    use = lambda suffix: getattr(raw, f"Queue{suffix}{later}")
    types = [tf.float32, tf.string]

    def queue(feed):
        return getattr(raw, f"FIFOQueue{later}")(component_types=types, shapes=[[2], []], capacity=9, shared_name="q")

    def build(feed):
        made = queue(feed)
        single = use("Enqueue")(handle=made, components=[feed(values(rng, f32, (2,))), feed(one("one"))])
        many = use("EnqueueMany")(handle=made, components=[feed(values(rng, f32, (4, 2))), feed(text("a", "b", "c", "d"))])
        size = use("Size")(handle=made)
        take = use("Dequeue")(handle=made, component_types=types)
        two = use("DequeueMany")(handle=made, n=feed(np.array(2, i32)), component_types=types)
        none = use("DequeueMany")(handle=made, n=feed(np.array(0, i32)), component_types=types)
        rest = use("DequeueUpTo")(handle=made, n=feed(np.array(9, i32)), component_types=types)
        close, closed = use("Close")(handle=made), use("IsClosed")(handle=made)
        return [[single], [many], [size, closed], list(take), list(two), list(none), [close], [closed], list(rest), [size]]

    yield Scene(build)

    def after_close(last):
        def build(feed):
            made = queue(feed)
            single = use("Enqueue")(handle=made, components=[feed(np.ones(2, f32)), feed(one("one"))])
            return [[single], [use("Close")(handle=made)], last(made, feed)]

        return Scene(build, fails=True)

    yield after_close(lambda made, feed: [use("Enqueue")(handle=made, components=[feed(np.ones(2, f32)), feed(one("one"))])])
    yield after_close(lambda made, feed: list(use("DequeueMany")(handle=made, n=feed(np.array(2, i32)), component_types=types)))
    yield after_close(lambda made, feed: [use("Close")(handle=made)])
    yield after_close(lambda made, feed: list(use("Dequeue")(handle=made, component_types=[tf.int32, tf.string])))
    for numbers, words in ((np.ones(3, f32), one("a")), (np.ones(2, i32), one("a"))):
        def wrong(feed, numbers=numbers, words=words):
            return [[use("Enqueue")(handle=queue(feed), components=[feed(numbers), feed(words)])]]

        yield Scene(wrong, fails=True)

    def uneven(feed):
        return [[use("EnqueueMany")(handle=queue(feed), components=[feed(np.ones((2, 2), f32)), feed(text("a"))])]]

    yield Scene(uneven, fails=True)


SUMMARY = tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(tag="q", simple_value=3)]).SerializeToString()
EVENT = tf.compat.v1.Event(wall_time=3, step=4).SerializeToString()
STEP, TAG, COLOR = np.array(1, i64), one("t"), np.array([255, 0, 0, 255], u8)


def written(name, rng):
    """Inputs after the writer, and attributes, of the operators that write."""
    match name:
        case "WriteSummary":
            for dtype in (f16, bf16, f32, i64, u8, np.bool_, object):
                yield {"step": STEP, "tensor": values(rng, dtype, (2, 3)), "tag": TAG, "summary_metadata": one(b"zz" if dtype is u8 else b"")}
        case "WriteScalarSummary":
            for dtype in dtypes(name):
                yield {"step": STEP, "tag": TAG, "value": values(rng, dtype)}
        case "WriteHistogramSummary":
            for dtype in (*dtypes(name), np.bool_):
                yield {"step": STEP, "tag": TAG, "values": values(rng, dtype, (9,))}
            for bad in (np.nan, np.inf):
                yield {"step": STEP, "tag": TAG, "values": np.array([1, bad], f32)}
        case "WriteImageSummary":
            for dtype in dtypes(name):
                yield {"step": STEP, "tag": TAG, "tensor": values(rng, dtype, (2, 3, 4, 3)), "bad_color": COLOR, "max_images": 1}
            for shape, color in (((2, 3, 4, 2), COLOR), ((3, 4, 1), COLOR), ((1, 3, 4, 3), COLOR[:1]), ((1, 3, 4, 1), COLOR[0])):
                yield {"step": STEP, "tag": TAG, "tensor": values(rng, f32, shape), "bad_color": color}
        case "WriteAudioSummary":
            for shape, rate in (((2, 9), 10), ((2, 9, 2), 0.2), ((2, 9, 0), 10), ((2, 9), 0), ((2, 9), -1), ((2, 9), np.nan), ((2, 9), 1e20)):
                yield {"step": STEP, "tag": TAG, "tensor": values(rng, f32, shape), "sample_rate": f32(rate)}
        case "WriteGraphSummary":
            yield {"step": STEP, "tensor": one(tf.Graph().as_graph_def().SerializeToString())}
            yield {"step": STEP, "tensor": one("zz")}
        case "WriteRawProtoSummary":
            for tensor in (one(SUMMARY), text(SUMMARY, b"", SUMMARY), text(), one("zz"), text(SUMMARY, b"\n\x03\n\x01\xff")):
                yield {"step": STEP, "tensor": tensor}
        case "ImportEvent":
            for event in (EVENT, b"", b"zz", b"*\x02zz"):
                yield {"event": one(event)}
        case _:
            yield {}


@op(
    "SummaryWriter", "CreateSummaryFileWriter", "FlushSummaryWriter", "CloseSummaryWriter", "WriteSummary", "WriteScalarSummary", "WriteHistogramSummary", "WriteImageSummary",
    "WriteAudioSummary", "WriteGraphSummary", "WriteRawProtoSummary", "ImportEvent", family="control",
)  # fmt: skip
def writers(name, rng):
    """What is in the files tells of times, so that unit tests look at it."""

    def scene(inputs, opened):
        def build(feed):
            writer = raw.SummaryWriter(shared_name="w", container="")
            place = feed(one(f"/tmp/savedmodel-conformance/{name}"))
            numbers = {"max_queue": feed(np.array(2, i32)), "flush_millis": feed(np.array(1000, i32)), "filename_suffix": feed(one(".v2"))}
            create = raw.CreateSummaryFileWriter(writer=writer, logdir=place, **numbers)
            flush, close = raw.FlushSummaryWriter(writer=writer), raw.CloseSummaryWriter(writer=writer)
            given = {key: value if isinstance(value, int) else feed(value) for key, value in inputs.items()}
            use = flush if name in ("SummaryWriter", "CreateSummaryFileWriter") else getattr(raw, name)(writer=writer, **given)
            life = [[create], [create], [flush], [close], [create], [close]] if opened is None else [[create]] * opened
            return [*life, [use]]

        return Scene(build, fails=None)

    for inputs in written(name, rng):
        yield scene(inputs, 1)
    yield scene(inputs, 0)
    yield scene(inputs, None)

    def elsewhere(feed):
        made = raw.WriteFile(filename=f"/tmp/savedmodel-conformance/{name}.file", contents=feed(one("x")))
        writer = raw.SummaryWriter(shared_name="w", container="")
        rest = {"max_queue": 1, "flush_millis": 1, "filename_suffix": ""}
        return [[made], [raw.CreateSummaryFileWriter(writer=writer, logdir=f"/tmp/savedmodel-conformance/{name}.file/inside", **rest)]]

    if name == "CreateSummaryFileWriter":
        yield Scene(elsewhere, fails=True)
