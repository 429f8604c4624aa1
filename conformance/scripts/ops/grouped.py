"""Datasets that choose, group, batch anew, draw and read files."""

import gzip
import os
import tempfile
import zlib

import numpy as np
import tensorflow as tf
from calls import Scene, f32, i32, i64, op
from ops.datasets import Data, drained, fails, numbers, ragged

raw = tf.raw_ops
tf1 = tf.compat.v1
KIND = {"output_types": [tf.int64], "output_shapes": [[]]}


def dataset(variant, spec=tf.TensorSpec([], tf.int64)):
    return tf.data.experimental.from_variant(variant, spec)


def count(feed, value):
    return feed(np.array(value, i64))


def gathered(make, **rest):
    """All rows at once, of what TensorFlow can't make an iterator of."""
    return Scene(lambda feed: [make(feed).batch(99).get_single_element()], **rest)


@op("DirectedInterleaveDataset", "ChooseFastestDataset", family="data")
def chosen(name, rng):
    if name == "ChooseFastestDataset":
        both = lambda feed: [numbers(feed, 3)._variant_tensor, numbers(feed, 3)._variant_tensor]
        yield drained(lambda feed: dataset(raw.ChooseFastestDataset(input_datasets=both(feed), num_experiments=2, **KIND)), 3)
        return
    parts = lambda feed: [numbers(feed, 3), Data.range(10, 14), numbers(feed, 0)]
    for choices, stop, rows in (([0, 1, 1, 0, 0, 0, 1, 1, 1, 0], False, 7), ([0, 1, 1, 0, 0, 0, 1], True, 5), ([0, 2, 1, 2], False, 2), ([2, 0], True, 0), ([], False, 0)):
        yield drained(lambda feed: Data.choose_from_datasets(parts(feed), Data.from_tensor_slices(feed(np.array(choices, i64))), stop_on_empty_dataset=stop), rows)
    for choices in ([3], [-1]):
        yield fails(lambda feed: Data.choose_from_datasets(parts(feed), Data.from_tensor_slices(feed(np.array(choices, i64)))))
    yield drained(lambda feed: Data.sample_from_datasets(parts(feed), [0.5, 0.3, 0.2], seed=3, stop_on_empty_dataset=False), 7)


@op("GroupByWindowDataset", "ExperimentalGroupByReducerDataset", "GroupByReducerDataset", family="data")
def groups(name, rng):
    if name == "GroupByWindowDataset":
        whole = lambda key, window: window.batch(9)
        for size, rows in ((2, 5), (3, 3), (9, 3), (1, 8)):
            yield drained(lambda feed: numbers(feed, 8).group_by_window(lambda i: 2 - i % 3, whole, size), rows)
        yield drained(lambda feed: numbers(feed, 8).group_by_window(lambda i: i % 3, lambda key, window: window.map(lambda i: i + 100 * key), window_size_func=lambda key: key + 1), 8)
        yield drained(lambda feed: numbers(feed, 4).group_by_window(lambda i: i % 2, lambda key, window: window.skip(5), 2), 0)
        yield drained(lambda feed: (lambda n: numbers(feed, 6).group_by_window(lambda i: i % n, lambda key, window: window.batch(9).map(lambda rows: rows + n), 2))(count(feed, 2)), 4)
        yield drained(lambda feed: ragged(feed).bucket_by_sequence_length(lambda a, b: tf.size(a), [2, 4], [2, 2, 2]), 3)
        yield fails(lambda feed: numbers(feed, 8).group_by_window(lambda i: i % 3, whole, window_size_func=lambda key: key))
        yield fails(lambda feed: numbers(feed, 8).group_by_window(lambda i: tf.gather(tf.constant([1], tf.int64), i + 5), whole, 2))
    else:
        if not name.startswith("Experimental"):
            keys = {"key_func_other_arguments": [], "init_func_other_arguments": [], "reduce_func_other_arguments": [], "finalize_func_other_arguments": []}
            functions = {"key_func": (lambda i: i % 2, 1), "init_func": (lambda key: key * 10, 1), "reduce_func": (lambda s, i: s + i, 2), "finalize_func": (lambda s: s * 2, 1)}

            def reduced(feed):
                made = {}
                for argument, (body, arity) in functions.items():
                    made[argument] = tf.function(body, input_signature=[tf.TensorSpec([], tf.int64)] * arity).get_concrete_function()
                    made[argument].add_to_graph(tf1.get_default_graph())
                return dataset(raw.GroupByReducerDataset(input_dataset=numbers(feed)._variant_tensor, **keys, **made, **KIND))

            yield drained(reduced, 2)
            return
        reducer = lambda init, reduce, finalize: tf.data.experimental.Reducer(init, reduce, finalize)
        apply = lambda feed, n, key, *functions: numbers(feed, n).apply(tf.data.experimental.group_by_reducer(key, reducer(*functions)))
        yield drained(lambda feed: apply(feed, 8, lambda i: 2 - i % 3, lambda key: key * 100, lambda s, i: s + i, lambda s: s), 3)
        yield drained(lambda feed: apply(feed, 5, lambda i: i % 2, lambda key: (np.int64(0), ""), lambda s, i: (s[0] + 1, s[1] + tf.strings.as_string(i)), lambda n, text: {"n": n, "text": text}), 2)
        yield drained(lambda feed: apply(feed, 0, lambda i: i, lambda key: key, lambda s, i: s + i, lambda s: s), 0)


@op("RebatchDatasetV2", "DenseToSparseBatchDataset", "IgnoreErrorsDataset", "ListDataset", "ParallelFilterDataset", family="data")
def shaped(name, rng):
    if name == "RebatchDatasetV2":
        for sizes, drop, rows in ((2, False, 4), (2, True, 3), ([2, 0, 1], False, 7), ([3, 0], True, 4), (9, False, 1), (9, True, 0)):
            yield drained(lambda feed: numbers(feed).batch(3).rebatch(feed(np.array(sizes, i64)), drop), rows)
        pairs = lambda feed: numbers(feed).map(lambda i: (i, tf.strings.as_string(i), tf.fill([2], i)))
        yield drained(lambda feed: pairs(feed).batch(4).rebatch(3), 3)
        yield drained(lambda feed: numbers(feed, 0).batch(3).rebatch(2), 0)
        raw_rebatch = lambda feed, input: raw.RebatchDatasetV2(input_dataset=input._variant_tensor, batch_sizes=count(feed, 2), drop_remainder=False, output_types=[tf.int64], output_shapes=[[None]])
        yield fails(lambda feed: dataset(raw_rebatch(feed, numbers(feed, 3)), tf.TensorSpec([None], tf.int64)))
        yield fails(lambda feed: ragged(feed).map(lambda a, b: (a, tf.zeros([3]))).skip(1).rebatch(2))
    elif name == "DenseToSparseBatchDataset":
        growing = lambda feed: ragged(feed).map(lambda a, b: a)
        parts = lambda batch: (batch.indices, batch.values, batch.dense_shape)
        for size, shape, rows in ((2, [6], 3), (9, [4], 1), (5, [9], 1)):
            yield drained(lambda feed: growing(feed).sparse_batch(size, shape).map(parts), rows)
        words = lambda feed: numbers(feed, 3).map(lambda i: tf.fill([i, 2], tf.strings.as_string(i)))
        yield drained(lambda feed: words(feed).sparse_batch(2, [4, 2]).map(parts), 2)
        raw_batch = lambda feed, shape: raw.DenseToSparseBatchDataset(input_dataset=growing(feed)._variant_tensor, batch_size=2, row_shape=count(feed, shape), output_types=[tf.int64], output_shapes=[[None, None]])
        yield drained(lambda feed: dataset(raw_batch(feed, [-1]), tf.SparseTensorSpec([None, None], tf.int64)).map(parts), 3)
        yield fails(lambda feed: growing(feed).skip(3).sparse_batch(2, [2]).map(parts))
        yield fails(lambda feed: dataset(raw_batch(feed, [9, 9]), tf.SparseTensorSpec([None, None], tf.int64)).map(parts))
        yield Scene(lambda feed: [raw_batch(feed, [-2]).op], fails=True)
    elif name == "IgnoreErrorsDataset":
        inverse = lambda feed: Data.from_tensor_slices(feed(np.array([1, 0, 2, 0], f32))).map(lambda x: tf.debugging.check_numerics(1 / x, "no"))
        yield drained(lambda feed: inverse(feed).ignore_errors(), 2)
        yield drained(lambda feed: inverse(feed).ignore_errors(log_warning=True).batch(3), 1)
    elif name == "ListDataset":
        yield drained(lambda feed: tf.data.experimental.from_list([(feed(np.array(i, i64)), f"text {i}") for i in range(3)]), 3)
        yield drained(lambda feed: tf.data.experimental.from_list([feed(np.arange(i, dtype=i32)) for i in range(3)]), 3)
    else:
        predicate = tf.function(lambda i: i % 3 > 0, input_signature=[tf.TensorSpec([], tf.int64)]).get_concrete_function

        def filtered(feed):
            keeps = predicate()
            keeps.add_to_graph(tf1.get_default_graph())
            return dataset(raw.ParallelFilterDataset(input_dataset=numbers(feed)._variant_tensor, other_arguments=[], num_parallel_calls=1, predicate=keeps, deterministic="true", **KIND))

        yield gathered(filtered)


@op("DatasetCardinality", family="data")
def cardinality(name, rng):
    five = lambda feed: numbers(feed, 5)
    odd = lambda feed: five(feed).filter(lambda i: i % 2 > 0)
    of = (five, odd, lambda feed: five(feed).batch(2), lambda feed: five(feed).batch(2, drop_remainder=True), lambda feed: five(feed).repeat(), lambda feed: five(feed).repeat(3).take(7), lambda feed: five(feed).repeat().take(7),
          lambda feed: five(feed).take(-1), lambda feed: odd(feed).take(0), lambda feed: odd(feed).take(3), lambda feed: five(feed).skip(2), lambda feed: five(feed).skip(-1), lambda feed: five(feed).skip(9), lambda feed: five(feed).repeat().skip(2), lambda feed: odd(feed).skip(1),
          lambda feed: odd(feed).repeat(), lambda feed: odd(feed).repeat(0), lambda feed: odd(feed).repeat(2), lambda feed: numbers(feed, 0).repeat(), lambda feed: five(feed).concatenate(numbers(feed, 2)), lambda feed: odd(feed).concatenate(five(feed)), lambda feed: odd(feed).concatenate(five(feed).repeat()),
          lambda feed: Data.zip((five(feed).repeat(), numbers(feed, 3))), lambda feed: Data.zip((odd(feed), five(feed))), lambda feed: Data.zip((five(feed).repeat(), five(feed).repeat())), lambda feed: five(feed).shard(3, 1), lambda feed: five(feed).shard(3, 2), lambda feed: five(feed).window(2), lambda feed: five(feed).window(2, 1, 2, True),
          lambda feed: five(feed).window(9, 1, 1, True), lambda feed: five(feed).scan(np.int64(0), lambda a, b: (a, b)), lambda feed: five(feed).padded_batch(2), lambda feed: five(feed).shuffle(3).cache().prefetch(2).map(lambda i: i + 1), lambda feed: five(feed).flat_map(lambda i: Data.range(3)), lambda feed: five(feed).interleave(lambda i: Data.range(3)),
          lambda feed: five(feed).take_while(lambda i: i < 3), lambda feed: five(feed).unique(), lambda feed: five(feed).ignore_errors(), lambda feed: Data.random(seed=1), lambda feed: five(feed).enumerate(), lambda feed: Data.from_tensors(3), lambda feed: Data.from_tensor_slices(feed(np.zeros((4, 2), f32))), lambda feed: Data.range(10, count(feed, 0), -3),
          lambda feed: five(feed).apply(tf.data.experimental.assert_cardinality(7)), lambda feed: Data.choose_from_datasets([five(feed), five(feed)], five(feed)), lambda feed: Data.choose_from_datasets([five(feed), five(feed).repeat()], five(feed), False), lambda feed: five(feed).map(lambda i: tf.range(i)).sparse_batch(2, [9]), lambda feed: five(feed).group_by_window(lambda i: i, lambda key, window: window, 2),
          lambda feed: five(feed).map(lambda i: i, num_parallel_calls=2).batch(2, num_parallel_calls=1), lambda feed: five(feed).batch(2).rebatch(3))
    for make in of:
        yield Scene(lambda feed: [make(feed).cardinality()])
    yield Scene(lambda feed: [raw.DatasetCardinality(input_dataset=raw.OptionalNone())], fails=True)


@op("RandomDataset", "RandomDatasetV2", "SamplingDataset", "ShuffleAndRepeatDataset", "ShuffleAndRepeatDatasetV2", family="data")
def drawn(name, rng):
    if name == "RandomDataset":
        for seed in (1, 4):
            yield drained(lambda feed: Data.random(seed=seed).take(6).repeat(2), 12)
    elif name == "RandomDatasetV2":
        for anew in (True, False):
            yield drained(lambda feed: Data.random(seed=4, rerandomize_each_iteration=anew).take(3).repeat(2), 6)
    elif name == "SamplingDataset":
        for rate in (0.0, 0.3, 0.7, 1.0):
            sampled = lambda feed: raw.SamplingDataset(input_dataset=numbers(feed, 20)._variant_tensor, rate=feed(np.array(rate, f32)), seed=count(feed, 3), seed2=count(feed, 4), **KIND)
            yield Scene(lambda feed: [dataset(sampled(feed)).batch(99).repeat(2).reduce(np.int64(0), lambda a, b: a * 7 + tf.reduce_sum(b * b))])
    else:
        seeds = {"seed_generator": raw.DummySeedGenerator} if name.endswith("V2") else {}

        def repeated(feed, n, size, times, seed=(1, 2)):
            more = {key: make() for key, make in seeds.items()}
            return dataset(getattr(raw, name)(input_dataset=numbers(feed, n)._variant_tensor, buffer_size=count(feed, size), seed=seed[0], seed2=seed[1], count=count(feed, times), **more, **KIND))

        for n, size, times in ((5, 3, 2), (5, 9, 3), (4, 1, 2), (0, 3, 2)):
            yield drained(lambda feed: repeated(feed, n, size, times), n * times)
        yield drained(lambda feed: repeated(feed, 4, 3, -1).take(11), 11)
        yield drained(lambda feed: repeated(feed, 0, 3, -1), 0)
        yield Scene(lambda feed: [repeated(feed, 5, 3, 0)._variant_tensor.op], fails=True)
        yield Scene(lambda feed: [repeated(feed, 5, 0, 1)._variant_tensor.op], fails=True)


@op("WrapDatasetVariant", "UnwrapDatasetVariant", "SparseTensorSliceDataset", family="data")
def variants(name, rng):
    if name == "SparseTensorSliceDataset":
        places, values = np.array([[0, 1], [0, 3], [2, 0]], i64), np.array([1, 2, 3], f32)
        for v in (values, np.array([b"a", b"b", b"c"], object), values > 1):
            sliced = lambda feed: raw.SparseTensorSliceDataset(indices=feed(places), values=feed(v), dense_shape=feed(np.array([4, 5], i64)))
            yield drained(lambda feed: dataset(sliced(feed), tuple(tf.TensorSpec(shape, dtype) for shape, dtype in (([None, 1], tf.int64), ([None], tf.as_dtype(v.dtype if v.dtype != object else tf.string)), ([1], tf.int64)))), 4)
        wrong = lambda feed, places, shape: raw.SparseTensorSliceDataset(indices=feed(places), values=feed(values), dense_shape=feed(np.array(shape, i64)))
        for p, shape in ((places[::-1], [4, 5]), (places, [4]), (places[0], [4, 5])):
            yield Scene(lambda feed: [wrong(feed, p, shape).op], fails=True)
        return
    yield drained(lambda feed: dataset(raw.UnwrapDatasetVariant(input_handle=raw.WrapDatasetVariant(input_handle=numbers(feed, 3)._variant_tensor))), 3)
    other = raw.WrapDatasetVariant if name.startswith("Wrap") else raw.UnwrapDatasetVariant
    yield Scene(lambda feed: [other(input_handle=raw.OptionalNone()).op], fails=True)


def read(file, content, make, rows, fails=True, **rest):
    """Writes a file, and goes through a dataset of what is in it, or takes all at once."""
    path = f"/tmp/savedmodel-conformance/{file.lower()}"

    def build(feed):
        written = raw.WriteFile(filename=path, contents=feed(np.array(content, object)))
        if rows is None:
            return [[written], [make(feed, feed(np.array(path.encode(), object))).batch(99).get_single_element()]]
        iterator = tf1.data.make_initializable_iterator(make(feed, feed(np.array(path.encode(), object))), shared_name="iterator")
        following = tf.nest.flatten(iterator.get_next())
        return [[written], [iterator.initializer]] + [following] * (rows + 1)

    return Scene(build, fails=fails, **rest)


def record(content: bytes) -> bytes:
    """A TFRecord, as TensorFlow writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "records")
        with tf.io.TFRecordWriter(path) as writer:
            writer.write(content)
        with open(path, "rb") as file:
            return file.read()


TEXT = b"a\rb\r\nccc\n\nlast"
LONE = b"x\n\r"
PACKED = (("", lambda content: content), ("GZIP", gzip.compress), ("ZLIB", zlib.compress))


@op("TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", family="data")
def files(name, rng):
    buffer = lambda feed: {"buffer_size": count(feed, 0)}
    if name == "TextLineDataset":
        for kind, pack in PACKED:
            yield read(f"{name}lines{kind}", pack(TEXT), lambda feed, path: tf.data.TextLineDataset(path, kind), 4)
        yield read(name + "twice", b"x\ny\n", lambda feed, path: tf.data.TextLineDataset(tf.stack([path, path])), 4)
        yield read(name + "lone", LONE, lambda feed, path: tf.data.TextLineDataset(path), 1)
        yield read(name + "nothing", b"", lambda feed, path: tf.data.TextLineDataset(path), 0)
        yield read(name + "plain", TEXT, lambda feed, path: tf.data.TextLineDataset(path, "GZIP"), 0)
        yield read(name + "short", gzip.compress(TEXT)[:-12], lambda feed, path: tf.data.TextLineDataset(path, "GZIP").take(1), 1)
        yield fails(lambda feed: tf.data.TextLineDataset(feed(np.array(b"/no/file", object))))
        yield fails(lambda feed: tf.data.TextLineDataset(feed(np.array(b"/", object))))
        make = lambda feed, **more: raw.TextLineDataset(**{"compression_type": "", **buffer(feed), **more})
        for shape, more in (([1], {"compression_type": "LZ"}), ([1], {"buffer_size": -1}), ([1, 1], {})):
            yield Scene(lambda feed: [make(feed, filenames=feed(np.full(shape, b"x", object)), **more).op], fails=True)
    elif name.startswith("TFRecord"):
        three = b"".join(record(content) for content in (b"one", b"", b"three" * 99))
        spec = tf.TensorSpec([], tf.string)
        make = lambda feed, path, kind="", **more: dataset(getattr(raw, name)(filenames=path, compression_type=kind, **buffer(feed), **more), spec)
        if name.endswith("V2"):
            offset = lambda feed, path, n, kind="": make(feed, path[None], kind, byte_offsets=feed(np.array([n], i64)))
            for kind, pack in PACKED:
                for n in (0, 19):
                    yield read(f"{name}{n}{kind}", pack(three), lambda feed, path: offset(feed, path, n, kind), None, False)
            yield read(name + "between", three, lambda feed, path: offset(feed, path, 5), None)
            yield read(name + "behind", three, lambda feed, path: offset(feed, path, 9999), None)
            yield read(name + "sizes", three, lambda feed, path: make(feed, path[None], byte_offsets=feed(np.zeros(2, i64))), None, False)
            yield read(name + "none", three, lambda feed, path: make(feed, path[None], byte_offsets=feed(np.zeros(0, i64))), None, False)
            return
        for kind, pack in PACKED:
            yield read(f"{name}records{kind}", pack(three), lambda feed, path: make(feed, path, kind), 3)
            yield read(f"{name}usual{kind}", pack(three), lambda feed, path: tf.data.TFRecordDataset(path, kind), 3)
        yield Scene(lambda feed: [raw.TFRecordDataset(filenames=feed(np.array(b"x", object)), compression_type="", buffer_size=-2).op], fails=True)
        for content in (three[:-1], three[:15], b"no record at all", three[:12] + b"off" + three[15:]):
            yield read(name + "damaged", content, lambda feed, path: make(feed, path), 2 if content == three[:-1] else 0)
        yield read(name + "begun", three[:25], lambda feed, path: make(feed, path), 1)
        yield fails(lambda feed: make(feed, feed(np.array(b"/no/file", object))))
    else:
        second = name.endswith("V2")
        spec = tf.TensorSpec([], tf.string)

        def make(feed, path, header, length, footer, kind="", **more):
            lengths = {"header_bytes": count(feed, header), "record_bytes": count(feed, length), "footer_bytes": count(feed, footer)}
            return getattr(raw, name)(filenames=path, **lengths, **{**buffer(feed), **more}, **({"compression_type": kind} if second else {}))

        for kind, pack in PACKED if second else PACKED[:1]:
            for header, length, footer, rows in ((1, 2, 1, 4), (0, 5, 0, 2), (0, 10, 0, 1), *(((4, 2, 6, 0),) if second else ())):
                yield read(f"{name}{header}{length}{kind}", pack(b"0123456789"), lambda feed, path: dataset(make(feed, path, header, length, footer, kind), spec), *((rows,) if second else (None, False)))
            yield read(f"{name}wrong{kind}", pack(b"0123456789"), lambda feed, path: dataset(make(feed, path, 1, 4, 0, kind), spec), (2 if kind else 0) if second else None)
        if second:
            yield fails(lambda feed: dataset(make(feed, feed(np.array(b"/no/file", object)), 0, 1, 0), spec))
        for lengths in ((-1, 1, 0), (0, 0, 0), (0, 1, -1)):
            yield Scene(lambda feed: [make(feed, feed(np.array(b"x", object)), *lengths).op], fails=True)
        yield Scene(lambda feed: [make(feed, feed(np.array(b"x", object)), 0, 1, 0, buffer_size=-1).op], fails=True)
