"""Tables: sequences of runs in one session."""

import numpy as np
import tensorflow as tf
from calls import Scene, combinations, f32, i64, op, values
from ops.text import text

raw = tf.raw_ops


def tf_type(dtype) -> tf.DType:
    return tf.string if dtype is object else tf.dtypes.as_dtype(dtype)


def keys_of(dtype, *numbers) -> np.ndarray:
    return text(*(f"k{n}" for n in numbers)) if dtype is object else np.array(numbers, dtype)


STATIC = ("HashTableV2", "InitializeTableV2", "LookupTableFindV2", "LookupTableSizeV2")
OLD = ("HashTable", "InitializeTable", "LookupTableFind", "LookupTableSize")


@op(*STATIC, *OLD, family="lookup")
def static(name, rng):
    v2 = name.endswith("V2")
    make = raw.HashTableV2 if v2 else raw.HashTable
    initialize = raw.InitializeTableV2 if v2 else raw.InitializeTable
    find = raw.LookupTableFindV2 if v2 else raw.LookupTableFind
    size = raw.LookupTableSizeV2 if v2 else raw.LookupTableSize
    for key, value in combinations("HashTableV2", "key_dtype", "value_dtype"):
        stored, default = values(rng, value, (3,)), values(rng, value, ())

        def build(feed, key=key, value=value, stored=stored, default=default):
            table = make(key_dtype=tf_type(key), value_dtype=tf_type(value), shared_name="t")
            fill = initialize(table_handle=table, keys=feed(keys_of(key, 5, 7, 9)), values=feed(stored))
            found = find(table_handle=table, keys=feed(keys_of(key, 9, 1, 5, 9)), default_value=feed(default))
            matrix = find(table_handle=table, keys=feed(keys_of(key, 7, 5, 0, 7).reshape(2, 2)), default_value=feed(default))
            return [[fill], [found, matrix, size(table_handle=table)], [fill], [found]]

        yield Scene(build)

    def failing(change):
        def build(feed):
            table = make(key_dtype=tf.int64, value_dtype=tf.float32, shared_name="t")
            fill = initialize(table_handle=table, keys=feed(np.array(change.get("keys", [1, 2]), i64)), values=feed(np.array(change.get("values", [1, 2]), f32)))
            found = find(table_handle=table, keys=feed(change.get("find", np.array([1], i64))), default_value=feed(change.get("default", np.float32(0))))
            return [[found]] if change.get("unset") else [[fill]] if change.get("fill") else [[fill], [found]]

        return Scene(build, fails=True)

    for change in ({"unset": True}, {"keys": [1, 1], "values": [1, 2], "fill": True}, {"keys": [1, 2, 3], "fill": True}, {"find": text("a")}, {"default": np.ones(2, f32)}):
        yield failing(change)


@op("MutableHashTableV2", "MutableHashTable", "MutableHashTableOfTensorsV2", "MutableDenseHashTableV2", "LookupTableInsertV2", "LookupTableRemoveV2",
    "LookupTableImportV2", "LookupTableExportV2", family="lookup")
def mutable(name, rng):
    dense = "Dense" in name
    maker = name if name in ("MutableHashTableV2", "MutableHashTableOfTensorsV2", "MutableDenseHashTableV2") else "MutableHashTableV2"
    for key, value in combinations(maker, "key_dtype", "value_dtype"):
        shape = (2,) if "Tensors" in name else ()
        stored, more, default = values(rng, value, (3, *shape)), values(rng, value, (2, *shape)), values(rng, value, shape)

        def build(feed, key=key, value=value, stored=stored, more=more, default=default):
            attrs = dict(value_dtype=tf_type(value), shared_name="t")
            if dense:
                table = raw.MutableDenseHashTableV2(empty_key=feed(keys_of(key, -1)[0]), deleted_key=feed(keys_of(key, -2)[0]), value_shape=[], initial_num_buckets=4, **attrs)
            elif shape:
                table = raw.MutableHashTableOfTensorsV2(key_dtype=tf_type(key), value_shape=list(shape), **attrs)
            else:
                table = raw.MutableHashTableV2(key_dtype=tf_type(key), **attrs)
            insert = raw.LookupTableInsertV2(table_handle=table, keys=feed(keys_of(key, 5, 7, 5)), values=feed(stored))
            remove = raw.LookupTableRemoveV2(table_handle=table, keys=feed(keys_of(key, 7, 100)))
            load = raw.LookupTableImportV2(table_handle=table, keys=feed(keys_of(key, 1, 2)), values=feed(more))
            found = raw.LookupTableFindV2(table_handle=table, keys=feed(keys_of(key, 5, 7, 1, 9)), default_value=feed(default))
            size = raw.LookupTableSizeV2(table_handle=table)
            runs = [[size, found], [insert], [size, found], [remove], [size, found]]
            return runs if dense else [*runs, [load], [size, found]]

        yield Scene(build)

    def export_one(feed):
        """A table with one entry has one order."""
        table = raw.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="t")
        insert = raw.LookupTableInsertV2(table_handle=table, keys=feed(text("x")), values=feed(np.array([3], i64)))
        exported = raw.LookupTableExportV2(table_handle=table, Tkeys=tf.string, Tvalues=tf.int64)
        return [[*exported], [insert], [*exported]]

    yield Scene(export_one)

    def failing(change):
        def build(feed):
            table = raw.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.float32, shared_name="t")
            return [[raw.LookupTableInsertV2(table_handle=table, keys=feed(change[0]), values=feed(change[1]))]]

        return Scene(build, fails=True)

    for change in ((np.array([1, 2], i64), np.array([1], f32)), (text("a"), np.array([1], f32)), (np.array([1], i64), np.array([1], i64))):
        yield failing(change)


@op("AnonymousHashTable", "AnonymousMutableHashTable", "AnonymousMutableDenseHashTable", family="lookup")
def anonymous(name, rng):
    def build(feed):
        attrs = dict(value_dtype=tf.float32)
        if "Dense" in name:
            table = raw.AnonymousMutableDenseHashTable(empty_key=feed(np.array(-1, i64)), deleted_key=feed(np.array(-2, i64)), **attrs)
        else:
            table = getattr(raw, name)(key_dtype=tf.int64, **attrs)
        keys, stored = feed(np.array([4, 5], i64)), feed(np.array([1, 2], f32))
        asked, default = feed(np.array([5, 6], i64)), feed(np.float32(-1))
        fill = raw.LookupTableInsertV2 if "Mutable" in name else raw.InitializeTableV2
        with tf.control_dependencies([fill(table_handle=table, keys=keys, values=stored)]):
            return [raw.LookupTableFindV2(table_handle=table, keys=asked, default_value=default)]

    yield Scene(build)
