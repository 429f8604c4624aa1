"""Versions of operators that newer ones have replaced, which old models still hold, and relatives of operators that have cases."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, bf16, combinations, f32, i64, op, values
from ops.datasets import drained, numbers
from ops.lookup import keys_of, tf_type
from ops.onednn import node
from ops.text import text
from tensorflow.python.framework import function

raw = tf.raw_ops
KIND = {"output_types": [tf.int64], "output_shapes": [[]]}


def dataset(variant, rows=()):
    """A variant as a dataset with rows of this shape."""
    return tf.data.experimental.from_variant(variant, tf.TensorSpec(list(rows), tf.int64))


def raw_dataset(make, rows, shape=()):
    """Goes through what a raw operator makes of the numbers from 0 to 6."""
    return drained(lambda feed: dataset(make(feed, numbers(feed)._variant_tensor), shape), rows)


@op("ShuffleDatasetV2", "CacheDatasetV2", "OptimizeDataset", "OptimizeDatasetV2", "FinalizeDataset",
    "MaxIntraOpParallelismDataset", "PrivateThreadPoolDataset", "NonSerializableDataset", "DummyMemoryCache",
    "AnonymousMemoryCache", "DummySeedGenerator", "AnonymousSeedGenerator", family="data")
def datasets(name, rng):
    n = lambda feed, value: feed(np.array(value, i64))
    if name == "ShuffleDatasetV2":
        yield raw_dataset(lambda feed, input: raw.ShuffleDatasetV2(input_dataset=input, buffer_size=n(feed, 1), seed_generator=raw.DummySeedGenerator(), **KIND), 7)
    elif name in ("CacheDatasetV2", "DummyMemoryCache"):
        cached = lambda feed, input: raw.CacheDatasetV2(input_dataset=input, filename="", cache=raw.DummyMemoryCache(), **KIND)
        yield raw_dataset(lambda feed, input: raw.RepeatDataset(input_dataset=cached(feed, input), count=n(feed, 2), **KIND), 14)
    elif name == "AnonymousMemoryCache":  # TensorFlow can't delete one that it owns

        def with_cache(feed):
            handle, _ = raw.AnonymousMemoryCache()
            cached = raw.CacheDatasetV2(input_dataset=numbers(feed, 4)._variant_tensor, filename="", cache=handle, **KIND)
            return [dataset(cached).repeat(2).reduce(np.int64(0), lambda a, b: a + b)]

        yield Scene(with_cache)
    elif name in ("DummySeedGenerator", "AnonymousSeedGenerator"):

        def with_seeds(feed):
            if name == "DummySeedGenerator":
                handle = raw.DummySeedGenerator()
            else:
                handle, _ = raw.AnonymousSeedGenerator(seed=n(feed, 3), seed2=n(feed, 4), reshuffle=feed(np.array(True)))
            shuffled = raw.ShuffleDatasetV3(input_dataset=numbers(feed)._variant_tensor, buffer_size=n(feed, 9), seed=n(feed, 1), seed2=n(feed, 2), seed_generator=handle, **KIND)
            return [dataset(shuffled).reduce(np.int64(0), lambda a, b: a + b)]

        yield Scene(with_seeds)
    else:
        make = {
            "OptimizeDataset": lambda feed, input: raw.OptimizeDataset(input_dataset=input, optimizations=feed(np.array([], object)), **KIND),
            "OptimizeDatasetV2": lambda feed, input: raw.OptimizeDatasetV2(input_dataset=input, optimizations_enabled=feed(np.array([], object)), optimizations_disabled=feed(np.array([], object)), optimizations_default=feed(np.array([], object)), **KIND),
            "FinalizeDataset": lambda feed, input: raw.FinalizeDataset(input_dataset=input, **KIND),
            "MaxIntraOpParallelismDataset": lambda feed, input: raw.MaxIntraOpParallelismDataset(input_dataset=input, max_intra_op_parallelism=n(feed, 1), **KIND),
            "PrivateThreadPoolDataset": lambda feed, input: raw.PrivateThreadPoolDataset(input_dataset=input, num_threads=n(feed, 2), **KIND),
            "NonSerializableDataset": lambda feed, input: raw.NonSerializableDataset(input_dataset=input, **KIND),
        }[name]
        yield raw_dataset(make, 7)


@op("ParallelMapDataset", "ParallelInterleaveDatasetV2", "ParallelInterleaveDatasetV3", family="data")
def parallel(name, rng):
    def variant(feed):
        input = numbers(feed, 5)._variant_tensor
        if name == "ParallelMapDataset":
            square = function.Defun(tf.int64)(lambda i: i * i + 1)
            return raw.ParallelMapDataset(input_dataset=input, other_arguments=[], num_parallel_calls=2, f=square, **KIND)
        several = function.Defun(tf.int64)(lambda i: tf.data.Dataset.range(i * 10, i * 10 + i)._variant_tensor)
        common = dict(input_dataset=input, other_arguments=[], cycle_length=2, block_length=1, num_parallel_calls=1, f=several, **KIND)
        return getattr(raw, name)(**common, **({"deterministic": "true"} if name.endswith("V3") else {}))

    yield drained(lambda feed: dataset(variant(feed)), 5 if name == "ParallelMapDataset" else 10)


@op("LegacyParallelInterleaveDatasetV2", "ParallelInterleaveDataset", family="data")
def eager(name, rng):
    def variant(feed, lens, sizes):
        several = function.Defun(tf.int64)(lambda i: tf.data.Dataset.range(i * 10, i * 10 + tf.gather(tf.constant(lens, tf.int64), i))._variant_tensor)
        names = ("cycle_length", "block_length", "buffer_output_elements", "prefetch_input_elements")
        common = dict(input_dataset=numbers(feed, len(lens))._variant_tensor, other_arguments=[], f=several, **KIND, **{key: feed(np.array(size, i64)) for key, size in zip(names, sizes)})
        return getattr(raw, name)(**common, **({"deterministic": "true"} if name.endswith("V2") else {"sloppy": False}))

    for lens, sizes in (
        ([0, 1, 2, 3, 4], (2, 1, 1, 1)), ([4, 0, 3, 3, 3, 1, 3, 2], (1, 3, 1, 0)), ([2, 2, 0, 1, 1, 1, 1, 3], (3, 3, 9, 2)), ([0, 1, 1, 1, 0, 2, 4, 3], (3, 3, 9, 3)),
        ([3, 5, 1], (9, 2, 9, 0)), ([4, 2, 0, 0, 4, 0, 4, 1], (4, 1, 9, 1)), ([0, 0], (2, 2, 1, 1)), ([], (2, 1, 1, 1)),
    ):  # fmt: skip
        yield drained(lambda feed: dataset(variant(feed, lens, sizes)), sum(lens))
    for sizes in ((0, 1, 1, 1), (-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, -1, 1), (1, 1, 1, -1)):
        yield Scene(lambda feed: [variant(feed, [1], sizes).op], fails=True)


@op("Iterator", "IteratorGetNextSync", "AnonymousIterator", "DeleteIterator", family="data")
def iterators(name, rng):
    def build(feed):
        deleter = None
        if name == "Iterator":
            handle = raw.Iterator(shared_name="i", container="", **KIND)
        elif name == "IteratorGetNextSync":
            handle = raw.IteratorV2(shared_name="i", container="", **KIND)
        else:
            handle, deleter = raw.AnonymousIteratorV2(**KIND) if name == "DeleteIterator" else (raw.AnonymousIterator(**KIND), None)
        next = raw.IteratorGetNextSync if name == "IteratorGetNextSync" else raw.IteratorGetNext
        with tf.control_dependencies([raw.MakeIterator(dataset=numbers(feed)._variant_tensor, iterator=handle)]):
            first = next(iterator=handle, **KIND)[0]
        with tf.control_dependencies([first]):
            second = next(iterator=handle, **KIND)[0]
        if deleter is None:
            return [first, second]
        with tf.control_dependencies([second]):
            delete = raw.DeleteIterator(handle=handle, deleter=deleter)
        with tf.control_dependencies([delete]):
            return [first, tf.identity(second)]

    yield Scene(build)


def vocabulary(feed, name, lines):
    """A file with lines, written before anything reads it."""
    path = f"/tmp/savedmodel-conformance/{name}"
    return feed(np.array(path.encode(), object)), raw.WriteFile(filename=path, contents=feed(np.array(lines, object)))


@op("InitializeTableFromTextFile", "InitializeTableFromTextFileV2", family="lookup")
def text_file(name, rng):
    v2 = name.endswith("V2")
    make, initialize = (raw.HashTableV2, raw.InitializeTableFromTextFileV2) if v2 else (raw.HashTable, raw.InitializeTableFromTextFile)
    find, size = (raw.LookupTableFindV2, raw.LookupTableSizeV2) if v2 else (raw.LookupTableFind, raw.LookupTableSize)

    def scene(lines, key, value, key_index, value_index, fails=False, **rest):
        def build(feed):
            path, write = vocabulary(feed, f"{name}.txt", lines)
            table = make(key_dtype=tf_type(key), value_dtype=tf_type(value), shared_name="t")
            with tf.control_dependencies([write]):
                fill = initialize(table_handle=table, filename=path, key_index=key_index, value_index=value_index, **rest)
            keys = feed(text("a", "b", "x", "c") if key is object else np.array([0, 1, 2, 7], key))
            found = find(table_handle=table, keys=keys, default_value=feed(np.array("?" if value is object else -1, value)))
            return [[fill]] if fails else [[fill], [found, size(table_handle=table)]]

        return Scene(build, fails=fails)

    yield scene(b"a\nb\nc\n", object, i64, -2, -1)
    yield scene(b"a\r\nb\r\nc", object, i64, -2, -1)
    yield scene(b"a\nb\nc\n", i64, object, -1, -2)
    yield scene(b"a\nb\nc\n", object, i64, -2, -1, vocab_size=2)
    yield scene(b"a\t5\nb\t6\n", object, i64, 0, 1)
    yield scene(b"a,1.5,z\nb,2.5,y\n", object, f32, 0, 1, delimiter=",")
    yield scene(b"1,a\n2,b\n", i64, object, 0, 1, delimiter=",")
    yield scene(b"", object, i64, -2, -1, fails=True)
    if v2:
        yield scene(b"a\nb\nc\n", object, i64, -2, -1, offset=1)
        yield scene(b"a\nb\nc\n", i64, object, -1, -2, offset=1)
    for lines, key, value, at, rest in ((b"a\nb\n", object, i64, (-2, -1), {"vocab_size": 3}), (b"a\na\n", object, i64, (-2, -1), {}), (b"a\n\nb\n", object, i64, (-2, -1), {}),
                                        (b"a\tb\n", object, i64, (0, 1), {}), (b"a\n", object, i64, (0, 1), {}), (b"a\n", object, i64, (-1, -2), {}),
                                        (b"a\n", object, i64, (-2, -1), {"delimiter": "ab"})):
        yield scene(lines, key, value, *at, fails=True, **rest)

    def missing(feed):
        table = make(key_dtype=tf.string, value_dtype=tf.int64, shared_name="t")
        return [initialize(table_handle=table, filename=feed(np.array(b"/no/such/file", object)), key_index=-2, value_index=-1)]

    yield Scene(missing, fails=True)


@op("LookupTableInsert", "LookupTableImport", "LookupTableExport", "MutableHashTableOfTensors", "AnonymousMutableHashTableOfTensors", family="lookup")
def old_tables(name, rng):
    anonymous = name.startswith("Anonymous")
    maker = name if name.startswith(("Mutable", "Anonymous")) else "MutableHashTable"
    for key, value in combinations(maker, "key_dtype", "value_dtype"):
        shape = (2,) if "Tensors" in name else ()
        stored, default = values(rng, value, (1 if "port" in name else 3, *shape)), values(rng, value, shape)

        def build(feed, key=key, value=value, stored=stored, default=default):
            attrs = {"value_dtype": tf_type(value), **({} if anonymous else {"shared_name": "t"})}
            if shape:
                table = getattr(raw, maker)(key_dtype=tf_type(key), value_shape=list(shape), **attrs)
            else:
                table = raw.MutableHashTable(key_dtype=tf_type(key), **attrs)
            if anonymous:
                with tf.control_dependencies([raw.LookupTableInsertV2(table_handle=table, keys=feed(keys_of(key, 5, 7, 5)), values=feed(stored))]):
                    return [raw.LookupTableFindV2(table_handle=table, keys=feed(keys_of(key, 5, 7, 9)), default_value=feed(default)), raw.LookupTableSizeV2(table_handle=table)]
            found = raw.LookupTableFind(table_handle=table, keys=feed(keys_of(key, 5, 7, 9)), default_value=feed(default))
            size = raw.LookupTableSize(table_handle=table)
            if "port" in name:
                load = raw.LookupTableImport(table_handle=table, keys=feed(keys_of(key, 5)), values=feed(stored))
                return [[size], [load], [size, found], [*raw.LookupTableExport(table_handle=table, Tkeys=tf_type(key), Tvalues=tf_type(value))]]
            return [[size, found], [raw.LookupTableInsert(table_handle=table, keys=feed(keys_of(key, 5, 7, 5)), values=feed(stored))], [size, found]]

        yield Scene(build)


@op("ReadFile", "WriteFile", "MatchingFiles", family="io")
def files(name, rng):
    def build(feed):
        first, write = vocabulary(feed, f"{name}/b.txt", b"one\0two")
        _, other = vocabulary(feed, f"{name}/a.txt", b"")
        pattern = feed(np.array([f"/tmp/savedmodel-conformance/{name}/[ab].t?t", f"/tmp/savedmodel-conformance/{name}/b*", "/no/such/*"], object))
        return [[write], [other], [raw.ReadFile(filename=first), raw.MatchingFiles(pattern=pattern)]]

    yield Scene(build)
    missing = np.array(b"/no/such/file", object)
    if name == "ReadFile":
        yield Bad([missing])
        yield Bad([text("a", "b")])
    elif name == "WriteFile":
        yield Bad([text("a", "b"), np.array(b"", object)])
        yield Bad([np.array(b"/tmp/savedmodel-conformance/x", object), text("a", "b")])
    else:
        yield Call([missing])
        yield Bad([text("a").reshape(1, 1)])


@op("SaveV2", "RestoreV2", "Restore", "RestoreSlice", "MergeV2Checkpoints", family="io")
def checkpoints(name, rng):
    """Written and read back; Restore reads both forms."""

    def build(feed):
        # The first format makes no directories.
        place = f"/tmp/savedmodel-conformance-{name}" if name in ("Restore", "RestoreSlice") else f"/tmp/savedmodel-conformance/{name}"
        prefix = feed(np.array(place.encode(), object))
        part = feed(np.array(f"/tmp/savedmodel-conformance/{name}.part".encode(), object))
        x, words, y = values(rng, f32, (4, 3)), text("a", "", "long\0word"), values(rng, bf16, ())
        names, slices = feed(text("x", "words", "y")), feed(text("", "", ""))
        data = [feed(x), feed(words), feed(y)]
        if name == "Restore":
            save = raw.Save(filename=prefix, tensor_names=feed(text("x", "words")), data=data[:2])
        elif name == "RestoreSlice":
            save = raw.SaveSlices(filename=prefix, tensor_names=feed(text("x", "words")), shapes_and_slices=feed(text("4 3 0,4:0,3", "")), data=data[:2])
        elif name == "MergeV2Checkpoints":
            save = raw.SaveV2(prefix=part, tensor_names=names, shape_and_slices=slices, tensors=data)
            with tf.control_dependencies([save]):
                save = raw.MergeV2Checkpoints(checkpoint_prefixes=tf.reshape(part, [1]), destination_prefix=prefix, delete_old_dirs=False)
        else:
            save = raw.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=data)
        if name == "Restore":
            read = [raw.Restore(file_pattern=prefix, tensor_name=feed(np.array(b"x", object)), dt=tf.float32)]
        elif name == "RestoreSlice":
            read = [raw.RestoreSlice(file_pattern=prefix, tensor_name=feed(np.array(b"x", object)), shape_and_slice=feed(np.array(b"4 3 1,2:0,3", object)), dt=tf.float32)]
        else:
            read = raw.RestoreV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, dtypes=[tf.float32, tf.string, tf.bfloat16])
            read += raw.RestoreV2(prefix=prefix, tensor_names=feed(text("x")), shape_and_slices=feed(text("4 3 0,2:1,1")), dtypes=[tf.float32])
        return [[save], [*read]]

    yield Scene(build)

    def bad(restore):
        def build(feed):
            prefix = feed(np.array(f"/tmp/savedmodel-conformance/{name}.bad".encode(), object))
            save = raw.SaveV2(prefix=prefix, tensor_names=feed(text("x")), shape_and_slices=feed(text("")), tensors=[feed(np.ones((2, 3), f32))])
            return [[save], [restore(feed, prefix)]]

        return Scene(build, fails=True)

    one = lambda feed, prefix, tensor, slice, kind: raw.RestoreV2(prefix=prefix, tensor_names=feed(text(*tensor)), shape_and_slices=feed(text(*slice)), dtypes=kind)[0]
    if name == "RestoreV2":
        for tensor, slice, kind in ((["z"], [""], [tf.float32]), (["x"], [""], [tf.int32]), (["x"], ["2 3 0,3:-"], [tf.float32]), (["x"], ["nonsense"], [tf.float32]), (["x"], ["3 3 -:-"], [tf.float32]), (["x"], ["", ""], [tf.float32])):
            yield bad(lambda feed, prefix: one(feed, prefix, tensor, slice, kind))
        yield bad(lambda feed, prefix: one(feed, feed(np.array(b"/no/such/checkpoint", object)), ["x"], [""], [tf.float32]))
    elif name == "SaveV2":
        path = np.array(b"/tmp/savedmodel-conformance/bad", object)
        for inputs in ([path, text("a", "b"), text(""), [np.ones(2, f32)]], [path, text("a"), text("2 0,1"), [np.ones(2, f32)]], [path, text("a"), text("x"), [np.ones(2, f32)]]):
            yield Bad(inputs)


@op("Skipgram", family="random")
def skipgrams(name, rng):
    """Its stream of random numbers is always the same."""

    def scene(words, runs=2, **attrs):
        def build(feed):
            path = f"/tmp/savedmodel-conformance/{name}.txt"
            write = raw.WriteFile(filename=path, contents=feed(np.array(words, object)))
            types = [tf.string, tf.int32, tf.int64, tf.int32, tf.int64, tf.int32, tf.int32]
            return [[write], *[node(name, [], types, {"filename": path, "batch_size": 9, "min_count": 1, "window_size": 3, **attrs})] * runs]

        return Scene(build, fails=None)

    def spread(distinct, count):
        return b" ".join(b"w%d" % x for x in rng.integers(0, distinct, count))

    few = b"a b c a b d e f a a g h c c d b a " * 3
    for subsample in (1e-3, 0.0, -1.0, 0.5):
        yield scene(few, subsample=subsample)
    for changes in ({"min_count": 4}, {"min_count": 1000}, {"min_count": -1}, {"batch_size": 0}, {"batch_size": 3001}, {"window_size": 0}, {"window_size": 5}, {"window_size": 6}, {"filename": "/no/such"}):
        yield scene(few, 1 if "filename" in changes or changes.get("window_size") == 6 else 2, **changes)
    yield scene(b"a" * 100 + b" \n\t" + b"b\0c \xc3\xa9\xc2\xa0x \x0b\x0c" * 20)
    for distinct, count in ((16, 60), (17, 60), (40, 300), (200, 900), (3000, 2000)):
        yield scene(spread(distinct, count))
