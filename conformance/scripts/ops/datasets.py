"""Datasets and iterators: each dataset is made, and gone through to its end and beyond."""

import numpy as np
import tensorflow as tf
from calls import Scene, f32, i64, op, u8

tf1 = tf.compat.v1
Data = tf.data.Dataset
WORDS = np.array([b"a", b"", b"long word", b"d"], object)


def drained(make, rows, **rest):
    """Goes through a dataset `rows` times, and once more, which fails at its end."""

    def build(feed):
        iterator = tf1.data.make_initializable_iterator(make(feed), shared_name="iterator")
        following = tf.nest.flatten(iterator.get_next())
        return [[iterator.initializer]] + [following] * (rows + 1)

    return Scene(build, fails=True, **rest)


def fails(make, **rest):
    """Goes one step, which fails."""

    def build(feed):
        iterator = tf1.data.make_initializable_iterator(make(feed), shared_name="iterator")
        return [[iterator.initializer], tf.nest.flatten(iterator.get_next())]

    return Scene(build, fails=True, **rest)


def refused(make):
    """Is not made."""
    return Scene(lambda feed: [make(feed)._variant_tensor.op], fails=True)


def numbers(feed, n=7):
    return Data.range(feed(np.array(n, i64)))


def ragged(feed):
    """Rows of growing length, and their lengths."""
    return numbers(feed, 5).map(lambda i: (tf.range(i), tf.cast(i, tf.float32)))


@op("TensorDataset", "TensorSliceDataset", "RangeDataset", family="data")
def sources(name, rng):
    matrix = rng.uniform(-1, 1, (3, 2)).astype(f32)
    if name == "TensorDataset":
        yield drained(lambda feed: Data.from_tensors((feed(matrix), feed(WORDS))), 1)
        yield drained(lambda feed: Data.from_tensors({"a": feed(np.array(3, u8)), "b": 2.5}), 1)
    elif name == "TensorSliceDataset":
        yield drained(lambda feed: Data.from_tensor_slices((feed(matrix), feed(WORDS[:3]), feed(np.arange(3)))), 3)
        yield drained(lambda feed: Data.from_tensor_slices(tf.ensure_shape(feed(np.zeros((0, 4), f32)), [None, 4])), 0)
        raw = lambda *inputs: tf.raw_ops.TensorSliceDataset(components=list(inputs), output_shapes=[[]] * len(inputs))
        yield Scene(lambda feed: [raw(feed(np.zeros(3, f32)), feed(np.zeros(2, f32))).op], fails=True)
        yield Scene(lambda feed: [raw(feed(np.array(1, f32))).op], fails=True)
    else:
        for start, stop, step in ((0, 5, 1), (5, 0, -2), (3, 3, 1), (0, 5, -1), (-3, 4, 3)):
            for dtype in (tf.int64, tf.int32, tf.float32):
                yield drained(lambda feed: Data.range(feed(np.array(start)), stop, step, output_type=dtype), len(range(start, stop, step)))
        yield Scene(lambda feed: [tf.raw_ops.RangeDataset(start=0, stop=1, step=feed(np.array(0, i64)), output_types=[tf.int64], output_shapes=[[]]).op], fails=True)


@op("MapDataset", "ParallelMapDatasetV2", "FilterDataset", "TakeWhileDataset", "ScanDataset", family="data", tolerance="ulp 4")
def maps(name, rng):
    parallel = {"num_parallel_calls": 2, "deterministic": True} if "Parallel" in name else {}
    if "Map" in name:
        yield drained(lambda feed: numbers(feed).map(lambda i: i * i + 1, **parallel), 7)
        yield drained(lambda feed: (lambda scale: numbers(feed).map(lambda i: (tf.cast(i, f32) * scale, tf.strings.as_string(i)), **parallel))(feed(np.array(0.5, f32))), 7)
        yield drained(lambda feed: numbers(feed, 3).map(lambda i: tf.while_loop(lambda n: n < 100, lambda n: [n * 2 + 1], [i])[0], **parallel), 3)
        yield drained(lambda feed: Data.from_tensor_slices(feed(WORDS)).map(lambda w: tf.strings.length(w), **parallel), 4)
        yield drained(lambda feed: numbers(feed, 2).map(lambda i: i).map(lambda i: tf.fill([i], 7), **parallel), 2)
        yield fails(lambda feed: numbers(feed, 3).map(lambda i: tf.gather([1, 2], i + 5), **parallel))
        yield fails(lambda feed: numbers(feed, 3).map(lambda i: tf.debugging.check_numerics(tf.cast(i, f32) / 0.0, "no"), **parallel))
    elif name == "ScanDataset":
        yield drained(lambda feed: numbers(feed).scan(feed(np.array(1, i64)), lambda s, i: (s + i, s * i)), 7)
        yield drained(lambda feed: (lambda scale: numbers(feed, 3).scan(
            (feed(np.array([1, 2], f32)), feed(np.array("a", object))),
            lambda s, i: ((s[0] * scale, s[1] + "b"), {"x": s[0], "i": i, "s": s[1]})))(feed(np.array(0.5, f32))), 3)
        yield drained(lambda feed: numbers(feed, 0).scan(feed(np.array(1, i64)), lambda s, i: (s, i)), 0)
        yield fails(lambda feed: numbers(feed, 3).scan(feed(np.array(1, i64)), lambda s, i: (s, tf.gather([1, 2], i + 5))))
    elif name == "FilterDataset":
        yield drained(lambda feed: numbers(feed, 10).filter(lambda i: tf.equal(i % 3, 1)), 3)
        yield drained(lambda feed: numbers(feed).filter(lambda i: i > 99), 0)
    else:
        yield drained(lambda feed: numbers(feed).take_while(lambda i: i < 4), 4)
        yield drained(lambda feed: numbers(feed).take_while(lambda i: i < 0), 0)


@op("BatchDatasetV2", "PaddedBatchDatasetV2", "UnbatchDataset", "MapAndBatchDataset", "ParallelBatchDataset", family="data")
def batches(name, rng):
    if name == "BatchDatasetV2":
        for size, drop in ((3, False), (3, True), (7, True), (8, False), (8, True)):
            rows = 7 // size if drop else -(-7 // size)
            yield drained(lambda feed: numbers(feed).map(lambda i: (i, tf.strings.as_string(i), tf.fill([2, 1], i))).batch(feed(np.array(size, i64)), drop), rows)
        yield refused(lambda feed: numbers(feed).batch(feed(np.array(0, i64))))
        yield fails(lambda feed: ragged(feed).batch(2))
    elif name == "ParallelBatchDataset":
        yield drained(lambda feed: numbers(feed).batch(3, num_parallel_calls=2, deterministic=True), 3)
    elif name == "MapAndBatchDataset":
        yield drained(lambda feed: numbers(feed).apply(tf.data.experimental.map_and_batch(lambda i: i * 2, 3, num_parallel_calls=1)), 3)
        yield drained(lambda feed: numbers(feed).apply(tf.data.experimental.map_and_batch(lambda i: i * 2, 3, num_parallel_calls=1, drop_remainder=True)), 2)
    elif name == "PaddedBatchDatasetV2":
        for size, drop in ((2, False), (2, True), (5, False)):
            rows = 5 // size if drop else -(-5 // size)
            yield drained(lambda feed: ragged(feed).padded_batch(size, drop_remainder=drop), rows)
            yield drained(lambda feed: ragged(feed).padded_batch(size, ([6], []), (np.array(-1, i64), 0.0), drop_remainder=drop), rows)
        shaped = lambda feed: numbers(feed, 4).map(lambda i: tf.fill([i, 3 - i], tf.strings.as_string(i)))
        yield drained(lambda feed: shaped(feed).padded_batch(4, [None, None], "pad"), 1)
        yield drained(lambda feed: shaped(feed).padded_batch(3, [4, None], "pad"), 2)
        yield fails(lambda feed: ragged(feed).skip(3).padded_batch(2, ([2], [])))
        yield refused(lambda feed: ragged(feed).padded_batch(feed(np.array(-1, i64))))
    else:
        yield drained(lambda feed: numbers(feed).batch(3).unbatch(), 7)
        yield drained(lambda feed: ragged(feed).map(lambda a, b: (a, tf.zeros_like(a, tf.float32))).unbatch(), 10)


@op("TakeDataset", "SkipDataset", "RepeatDataset", "ConcatenateDataset", "ZipDataset", "ShardDataset", family="data")
def order(name, rng):
    count = lambda feed, n: feed(np.array(n, i64))
    if name == "TakeDataset":
        for n in (0, 3, 9, -1):
            yield drained(lambda feed: numbers(feed, 5).take(count(feed, n)), len(range(5)[:n]) if n >= 0 else 5)
    elif name == "SkipDataset":
        for n in (0, 3, 9, -1):
            yield drained(lambda feed: numbers(feed, 5).skip(count(feed, n)), len(range(5)[n:]) if n >= 0 else 0)
    elif name == "RepeatDataset":
        for n in (0, 1, 3):
            yield drained(lambda feed: numbers(feed, 2).repeat(count(feed, n)), 2 * n)
        yield drained(lambda feed: numbers(feed, 3).repeat().take(7), 7)
        yield drained(lambda feed: numbers(feed, 0).repeat(), 0)
    elif name == "ConcatenateDataset":
        yield drained(lambda feed: numbers(feed, 2).concatenate(numbers(feed, 3)), 5)
        yield drained(lambda feed: numbers(feed, 0).concatenate(numbers(feed, 1)).concatenate(numbers(feed, 0)), 1)
    elif name == "ZipDataset":
        yield drained(lambda feed: Data.zip((numbers(feed, 2), numbers(feed, 3), Data.from_tensor_slices(feed(WORDS)))), 2)
        yield drained(lambda feed: Data.zip((numbers(feed, 2).batch(2), ragged(feed))), 1)
    else:
        yield drained(lambda feed: numbers(feed).shard(count(feed, 3), count(feed, 1)), 2)
        yield refused(lambda feed: numbers(feed).shard(count(feed, 3), count(feed, 3)))
        yield refused(lambda feed: numbers(feed).shard(count(feed, 0), count(feed, 0)))


@op("UniqueDataset", "WindowDataset", "RewriteDataset", family="data")
def parts_of_rows(name, rng):
    if name == "UniqueDataset":
        for values, rows in (([3, 1, 3, 1, 2], 3), ([[1, 2], [1, 2], [2, 1]], 2), ([b"a", b"", b"a"], 2)):
            array = np.array(values, object if isinstance(values[0], bytes) else i64)
            yield drained(lambda feed: Data.from_tensor_slices(feed(array)).unique(), rows)
        yield drained(lambda feed: numbers(feed, 6).map(lambda i: tf.cast(i // 2, tf.int32)).unique(), 3)
        raw = lambda data, types: tf.raw_ops.UniqueDataset(input_dataset=data._variant_tensor, output_types=types, output_shapes=[[]] * len(types))
        yield Scene(lambda feed: [raw(Data.from_tensor_slices(feed(np.array([1], f32))), [tf.float32]).op], fails=True)
        yield Scene(lambda feed: [raw(Data.zip((numbers(feed, 1), numbers(feed, 1))), [tf.int64] * 2).op], fails=True)
    elif name == "WindowDataset":
        whole = lambda window: window.batch(20)
        for size, shift, stride, drops, rows in ((3, None, 1, False, 3), (3, 2, 1, False, 4), (3, 1, 2, False, 7), (3, 1, 2, True, 3), (2, 5, 1, False, 2), (4, 4, 1, True, 1), (9, 9, 1, True, 0)):
            yield drained(lambda feed: numbers(feed, 7).window(size, shift, stride, drops).flat_map(whole), rows)
        pairs = lambda feed: Data.zip((numbers(feed, 5), Data.from_tensor_slices(feed(WORDS))))
        yield drained(lambda feed: pairs(feed).window(3, 2).flat_map(lambda a, b: Data.zip((a.batch(3), b.batch(3)))), 2)
        raw = lambda feed, size, shift, stride: tf.raw_ops.WindowDataset(input_dataset=numbers(feed, 3)._variant_tensor, size=feed(np.array(size, i64)), shift=shift, stride=stride, drop_remainder=False, output_types=[tf.variant], output_shapes=[[]])
        for settings in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (-3, 1, 1), ([1], 1, 1)):
            yield Scene(lambda feed: [raw(feed, *settings).op], fails=True)
    else:
        yield drained(lambda feed: numbers(feed, 3).enumerate(), 3)
        raw = lambda feed, rewrite: tf.raw_ops.RewriteDataset(input_dataset=numbers(feed, 4).batch(9)._variant_tensor, rewrite_name=rewrite, output_types=[tf.int64], output_shapes=[[None]])
        for rewrite in ("replicate_on_split", "no such thing", ""):
            yield Scene(lambda feed: tf.raw_ops.DatasetToSingleElement(dataset=raw(feed, rewrite), output_types=[tf.int64], output_shapes=[[None]]))


@op("FlatMapDataset", "InterleaveDataset", "ParallelInterleaveDatasetV4", family="data")
def nested(name, rng):
    parts = lambda i: Data.range(i * 10, i * 10 + i)
    if name == "FlatMapDataset":
        yield drained(lambda feed: numbers(feed, 5).flat_map(parts), 10)
        yield drained(lambda feed: numbers(feed, 3).flat_map(lambda i: numbers(lambda v: i).map(lambda j: i + j)), 3)
    for cycle, block in ((1, 1), (2, 1), (3, 2), (9, 1)):
        if name == "InterleaveDataset":
            yield drained(lambda feed: numbers(feed, 5).interleave(parts, cycle, block), 10)
        elif name != "FlatMapDataset":
            yield drained(lambda feed: numbers(feed, 5).interleave(parts, cycle, block, num_parallel_calls=1, deterministic=True), 10)


@op("ShuffleDataset", "ShuffleDatasetV3", family="data")
def shuffles(name, rng):
    def raw(feed, size, seeds, reshuffle, input):
        kind = {"output_types": [tf.int64], "output_shapes": [[]]}
        if name.endswith("V3"):
            kind["seed_generator"] = tf.raw_ops.DummySeedGenerator()
        return getattr(tf.raw_ops, name)(input_dataset=input._variant_tensor, buffer_size=feed(np.array(size, i64)), seed=seeds[0], seed2=seeds[1], reshuffle_each_iteration=reshuffle, **kind)

    def gone_through(feed, variant, rows, times):
        iterator = tf.raw_ops.IteratorV2(shared_name="iterator", container="", output_types=[tf.int64], output_shapes=[[]])
        start = tf.raw_ops.MakeIterator(dataset=variant, iterator=iterator)
        following = tf.raw_ops.IteratorGetNext(iterator=iterator, output_types=[tf.int64], output_shapes=[[]])
        return ([[start]] + [following] * rows) * times

    for size, n in ((1, 5), (4, 10), (10, 10), (100, 10)):
        for seeds in ((1, 2), (0, 7)):
            yield Scene(lambda feed: gone_through(feed, raw(feed, size, seeds, True, numbers(feed, n)), n, 1))
    if not name.endswith("V3"):
        for reshuffle in (True, False):
            repeated = lambda feed: tf.raw_ops.RepeatDataset(input_dataset=raw(feed, 3, (5, 6), reshuffle, numbers(feed, 5)), count=3, output_types=[tf.int64], output_shapes=[[]])
            yield Scene(lambda feed: gone_through(feed, repeated(feed), 15, 1))
    yield Scene(lambda feed: [raw(feed, 0, (1, 2), True, numbers(feed)).op], fails=True)


@op("PrefetchDataset", "ModelDataset", "CacheDataset", "OptionsDataset", "AssertCardinalityDataset", family="data")
def others(name, rng):
    kind = {"output_types": [tf.int64], "output_shapes": [[]]}
    if name == "PrefetchDataset":
        yield drained(lambda feed: numbers(feed, 3).prefetch(feed(np.array(2, i64))), 3)
        yield drained(lambda feed: numbers(feed, 3).prefetch(-1), 3)
        yield refused(lambda feed: numbers(feed, 3).prefetch(feed(np.array(-2, i64))))
    elif name == "ModelDataset":
        model = lambda feed: tf.raw_ops.ModelDataset(input_dataset=numbers(feed, 4).batch(9)._variant_tensor, **kind)
        yield Scene(lambda feed: tf.raw_ops.DatasetToSingleElement(dataset=model(feed), output_types=[tf.int64], output_shapes=[[None]]))
    elif name == "CacheDataset":
        yield drained(lambda feed: numbers(feed, 3).cache().repeat(2), 6)
        yield drained(lambda feed: numbers(feed, 3).cache().take(2).repeat(2), 4)
    elif name == "OptionsDataset":
        yield drained(lambda feed: numbers(feed, 3).with_options(tf.data.Options()), 3)
    else:
        yield drained(lambda feed: numbers(feed, 3).apply(tf.data.experimental.assert_cardinality(3)), 3)
        for n in (0, 5):
            yield Scene(lambda feed: [numbers(feed, 3).apply(tf.data.experimental.assert_cardinality(n)).reduce(np.int64(0), lambda a, b: a + b)], fails=True)


@op("ReduceDataset", "DatasetToSingleElement", family="data", tolerance="ulp 4")
def reduces(name, rng):
    if name == "ReduceDataset":
        yield Scene(lambda feed: [numbers(feed, 100).reduce(feed(np.array(5, i64)), lambda a, b: a + b)])
        yield Scene(lambda feed: list(numbers(feed, 4).reduce((np.int64(0), feed(np.array("s", object))), lambda state, i: (state[0] + i, state[1] + tf.strings.as_string(i)))))
        yield Scene(lambda feed: [numbers(feed, 0).reduce(feed(np.array(5, i64)), lambda a, b: a + b)])
        yield Scene(lambda feed: [(lambda step: numbers(feed, 4).reduce(np.float32(1), lambda a, b: a * step + tf.cast(b, f32)))(feed(np.array(0.5, f32)))])
        yield Scene(lambda feed: [numbers(feed, 3).reduce(np.int64(0), lambda a, b: tf.gather(np.array([4, 5]), a + b))], fails=True)
    else:
        single = lambda data: tf.nest.flatten(tf.data.experimental.get_single_element(data))
        yield Scene(lambda feed: single(numbers(feed, 5).map(lambda i: (i, tf.strings.as_string(i))).batch(10)))
        yield Scene(lambda feed: single(numbers(feed, 0)), fails=True)
        yield Scene(lambda feed: single(numbers(feed, 2)), fails=True)


ITERATOR = {"output_types": [tf.int64], "output_shapes": [[]]}


@op("IteratorV2", "OneShotIterator", "IteratorGetNext", "IteratorGetNextAsOptional", "MakeIterator", "AnonymousIteratorV2", "AnonymousIteratorV3", family="data")
def iterators(name, rng):
    named = lambda label: tf.raw_ops.IteratorV2(shared_name=label, container="", **ITERATOR)
    following = lambda iterator: tf.raw_ops.IteratorGetNext(iterator=iterator, **ITERATOR)
    if name == "IteratorV2":
        yield Scene(lambda feed: [[following(named(""))[0]]], fails=True)

        def shared(feed):
            start = tf.raw_ops.MakeIterator(dataset=numbers(feed)._variant_tensor, iterator=named("x"))
            return [[start], following(named("x")), following(named("x")), [start], following(named("x"))]

        yield Scene(shared)
    elif name == "OneShotIterator":

        def one_shot(feed):
            from tensorflow.python.framework import function

            factory = function.Defun(capture_by_value=True)(lambda: Data.range(3).map(lambda i: i + 10)._variant_tensor)
            iterator = tf.raw_ops.OneShotIterator(dataset_factory=factory, container="", shared_name="", **ITERATOR)
            return [following(iterator)] * 4

        yield Scene(one_shot, fails=True)
    elif name == "IteratorGetNextAsOptional":

        def optional(feed):
            start = tf.raw_ops.MakeIterator(dataset=numbers(feed, 1)._variant_tensor, iterator=named("o"))
            value = tf.raw_ops.IteratorGetNextAsOptional(iterator=named("o"), **ITERATOR)
            return [[start], [tf.raw_ops.OptionalHasValue(optional=value), tf.raw_ops.OptionalGetValue(optional=value, **ITERATOR)[0]], [tf.raw_ops.OptionalHasValue(optional=value)]]

        yield Scene(optional)
    elif name.startswith("Anonymous"):

        def anonymous(feed):
            made = getattr(tf.raw_ops, name)(**ITERATOR)
            handle = made[0] if name.endswith("V2") else made
            with tf.control_dependencies([tf.raw_ops.MakeIterator(dataset=numbers(feed)._variant_tensor, iterator=handle)]):
                first = following(handle)[0]
            with tf.control_dependencies([first]):
                return [first, following(handle)[0]]

        yield Scene(anonymous)
    else:
        for n in (0, 2):
            yield drained(lambda feed: numbers(feed, n), n)
        # A loop over a dataset, as a function writes it.
        loop = tf.function(lambda n: Data.range(n).reduce(np.int64(1), lambda a, b: a * 2 + b))
        yield Scene(lambda feed: [loop(feed(np.array(6, i64)))])


@op("IteratorToStringHandle", "IteratorFromStringHandle", "IteratorFromStringHandleV2", family="data")
def iterator_handles(name, rng):
    """An iterator's handle as text, and what is read from texts."""
    text = lambda value: np.array(value, object)
    read = lambda handle, **declared: getattr(tf.raw_ops, name if "From" in name else "IteratorFromStringHandleV2")(string_handle=handle, **declared)
    following = lambda iterator: tf.raw_ops.IteratorGetNext(iterator=iterator, **ITERATOR)

    def there_and_back(feed, fetch_text=False, **declared):
        iterator = tf.raw_ops.IteratorV2(shared_name="there", container="", **ITERATOR)
        start = tf.raw_ops.MakeIterator(dataset=numbers(feed)._variant_tensor, iterator=iterator)
        handle = tf.raw_ops.IteratorToStringHandle(resource_handle=iterator)
        return [[start], [handle] if fetch_text else [*following(read(handle, **declared))], following(iterator)]

    for declared in ({}, ITERATOR, {"output_types": [tf.int64]}, {"output_types": [tf.int64], "output_shapes": [None]}):
        yield Scene(lambda feed, declared=declared: there_and_back(feed, **declared))
    yield Scene(lambda feed: there_and_back(feed, True))
    for declared in ({"output_types": [tf.int32]}, {"output_types": [tf.int64, tf.int64]}, {**ITERATOR, "output_shapes": [[2]]}):
        yield Scene(lambda feed, declared=declared: there_and_back(feed, **declared)[:2], fails=True)
    place = b"\n,/job:localhost/replica:0/task:0/device:CPU:0\x12\tlocalhost\x1a\x05other \xfd\x8c\xa5\xa4\x8e\xbf\xda\xe1{*%N10tensorflow4data16IteratorResourceE"
    for handle in (b"", b"bad", b"\x0a\x03CPU\x1a\x01v", place, place.replace(b"\xfd", b"\xfc"), place.replace(b"CPU:0", b"CPU:1")):
        yield Scene(lambda feed, handle=handle: [[read(feed(text(handle))).op]], fails=True)
    yield Scene(lambda feed: [[read(feed(text([place]))).op]], fails=True)


@op("OptionalFromValue", "OptionalNone", "OptionalHasValue", "OptionalGetValue", family="data")
def optionals(name, rng):
    some = lambda feed: tf.raw_ops.OptionalFromValue(components=[feed(np.arange(3, dtype=f32)), feed(WORDS)])
    get = lambda value: tf.raw_ops.OptionalGetValue(optional=value, output_types=[tf.float32, tf.string], output_shapes=[[None], [None]])
    if name == "OptionalNone":
        yield Scene(lambda feed: [tf.raw_ops.OptionalHasValue(optional=tf.raw_ops.OptionalNone())])
        yield Scene(lambda feed: get(tf.raw_ops.OptionalNone()), fails=True)
    else:
        yield Scene(lambda feed: [tf.raw_ops.OptionalHasValue(optional=some(feed)), *get(some(feed))])


@op("InitializeTableFromDataset", family="data")
def table(name, rng):
    def scene(make, keys, **rest):
        def build(feed):
            handle = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="table")
            start = tf.raw_ops.InitializeTableFromDataset(table_handle=handle, dataset=make(feed)._variant_tensor)
            found = tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=feed(keys), default_value=np.int64(-1))
            return [[start], [found, tf.raw_ops.LookupTableSizeV2(table_handle=handle)]]

        return Scene(build, **rest)

    keys = np.array([b"a", b"x", b"d"], object)
    yield scene(lambda feed: Data.zip((Data.from_tensor_slices(feed(WORDS)), numbers(feed))), keys)
    yield scene(lambda feed: Data.from_tensor_slices(feed(WORDS)).map(lambda w: (w, tf.cast(tf.strings.length(w), tf.int64))), keys)
    bad = lambda make: Scene(lambda feed: [tf.raw_ops.InitializeTableFromDataset(table_handle=tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64), dataset=make(feed)._variant_tensor)], fails=True)
    yield bad(lambda feed: Data.zip((Data.from_tensor_slices(feed(np.array([b"a", b"a"], object))), numbers(feed))))
