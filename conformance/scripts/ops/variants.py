"""Graphs that add, clear and conjugate variants: lists, maps, ragged tensors and optionals."""

import numpy as np
import tensorflow as tf
from calls import Scene, bf16, f16, f32, f64, i32, i64, values

raw = tf.raw_ops
ROWS = np.array([0, 1, 3], i64)


def listed(feed, parts, dtype, shape=(-1,)):
    """A list of vectors; None is an element that was not set."""
    handle = raw.TensorListReserve(element_shape=feed(np.array(shape, i32)), num_elements=len(parts), element_dtype=dtype)
    for i, part in enumerate(parts):
        if part is not None:
            handle = raw.TensorListSetItem(input_handle=handle, index=i, item=feed(part))
    return handle


def elements(handle, count, dtype):
    shape = np.array(2, i32)[None]
    return [raw.TensorListGetItem(input_handle=handle, index=i, element_shape=shape, element_dtype=dtype) for i in range(count)]


def ragged(feed, rows, part):
    return raw.RaggedTensorToVariant(rt_nested_splits=[feed(rows)], rt_dense_values=feed(part), batched_input=False)


def flat(handle, dtype):
    return [*raw.RaggedTensorFromVariant(encoded_ragged=handle, input_ragged_rank=1, output_ragged_rank=1, Tvalues=dtype, Tsplits=tf.int64)[1:]][0]


def optional(feed, *parts):
    return raw.OptionalFromValue(components=[feed(part) for part in parts]) if parts else raw.OptionalNone()


def mapped(feed, entries):
    handle = raw.EmptyTensorMap()
    for key, part in entries:
        handle = raw.TensorMapInsert(input_handle=handle, key=feed(np.array(key, i64)), value=feed(part))
    return handle


def sums(rng):
    add = lambda *handles: raw.AddN(inputs=list(handles))
    some = lambda dtype, *shape: values(rng, dtype, shape)
    for dtype in (f16, bf16, f32, f64, np.int8, i32, np.uint16, i64, np.complex64):
        x = [some(dtype, 2) for _ in range(4)]
        kind = tf.dtypes.as_dtype(dtype)
        yield Scene(lambda feed, x=x, kind=kind: elements(add(listed(feed, [x[0], None, x[1], None], kind), listed(feed, [x[2], x[3], None, None], kind, (2,))), 4, kind))
    three = [[some(f32, 2)] for _ in range(3)]
    yield Scene(lambda feed: elements(add(*(listed(feed, x, tf.float32) for x in three)), 1, tf.float32))
    yield Scene(lambda feed: elements(add(listed(feed, three[0], tf.float32)), 1, tf.float32))
    x, y, wide = some(f32, 2), some(f32, 2), some(f32, 3)
    refused = lambda a, b: Scene(lambda feed: [raw.TensorListLength(input_handle=add(a(feed), b(feed)))], fails=True)
    vector = lambda *parts, dtype=tf.float32, shape=(-1,): lambda feed: listed(feed, parts, dtype, shape)
    yield refused(vector(x, y), vector(x))
    yield refused(vector(x), vector(wide))
    yield refused(vector(x), vector(x[None], shape=(1, 2)))
    yield refused(vector(x > 0, dtype=tf.bool), vector(x > 0, dtype=tf.bool))
    yield refused(lambda feed: tf.stack([vector(x)(feed)]), lambda feed: tf.stack([vector(x)(feed)]))
    yield refused(vector(x), lambda feed: raw.EmptyTensorMap())
    yield refused(*[lambda feed: tf.data.Dataset.range(3)._variant_tensor] * 2)
    for rows in (ROWS, np.array([0, 2, 3], i64), np.array([0, 3], i64)):
        a, b = some(f32, 3), some(f32, 3)
        yield Scene(lambda feed, rows=rows, a=a, b=b: [flat(add(ragged(feed, ROWS, a), ragged(feed, rows, b)), tf.float32)], fails=rows is not ROWS)
    yield Scene(lambda feed: [raw.OptionalHasValue(optional=add(optional(feed), optional(feed)))])
    for other in ((y, wide), (wide, wide), ()):
        yield Scene(lambda feed, other=other: list(raw.OptionalGetValue(optional=add(optional(feed, x, wide), optional(feed, *other)), output_types=[tf.float32] * 2, output_shapes=[None] * 2)), fails=len(other) != 2 or other[0] is wide)
    for key in (1, 2, 3):
        yield Scene(lambda feed, key=key: [raw.TensorMapLookup(input_handle=add(mapped(feed, [(1, x), (2, y)]), mapped(feed, [(3, x), (1, y)])), key=feed(np.array(key, i64)), value_dtype=tf.float32)])


def zeros(rng):
    x, words = values(rng, f32, (2,)), np.array([b"a", b"b"], object)
    clear = lambda handle: raw.ZerosLike(x=handle)
    yield Scene(lambda feed: elements(clear(listed(feed, [x, None, x], tf.float32, (2,))), 3, tf.float32))
    yield Scene(lambda feed: elements(clear(listed(feed, [words], tf.string)), 1, tf.string), fails=True)
    yield Scene(lambda feed: elements(clear(listed(feed, [x > 0], tf.bool)), 1, tf.bool))
    yield Scene(lambda feed: [raw.TensorListLength(input_handle=clear(tf.stack([listed(feed, [x], tf.float32)]))[0])], fails=True)
    yield Scene(lambda feed: [flat(clear(ragged(feed, ROWS, values(rng, f32, (3,)))), tf.float32)])
    yield Scene(lambda feed: list(raw.OptionalGetValue(optional=clear(optional(feed, x)), output_types=[tf.float32], output_shapes=[None])))
    yield Scene(lambda feed: [raw.OptionalHasValue(optional=clear(optional(feed)))])
    yield Scene(lambda feed: list(raw.OptionalGetValue(optional=clear(optional(feed, words)), output_types=[tf.string], output_shapes=[None])), fails=True)


def conjugates(rng):
    x = values(rng, f32, (2,))
    yield Scene(lambda feed: [raw.TensorListLength(input_handle=raw.Conj(input=listed(feed, [x], tf.float32)))], fails=True)
    yield Scene(lambda feed: [raw.TensorListLength(input_handle=raw.Conj(input=tf.stack([listed(feed, [x], tf.float32)])))], fails=True)
