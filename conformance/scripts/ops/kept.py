"""Staging areas, tensors that a session keeps, compressed elements, and gradients that are left in graphs."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, dtypes, f32, f64, i8, i32, i64, op, values
from ops.array_shapes import ints
from ops.text import one, text

raw = tf.raw_ops
KINDS = [tf.float32, tf.int32]
N = lambda number: np.array(number, i64)


@op("Stage", "Unstage", "StagePeek", "StageSize", "StageClear", family="list")
def stage(name, rng):
    area = dict(shared_name="s")

    def use(feed, **limits):
        limits = {**area, **limits}
        put = lambda *tensors: [raw.Stage(values=[feed(t) for t in tensors], **limits)]
        take = lambda kinds=KINDS: list(raw.Unstage(dtypes=kinds, **limits))
        peek = lambda index, kinds=KINDS: list(raw.StagePeek(index=feed(np.array(index, i32)), dtypes=kinds, **limits))
        size = [raw.StageSize(dtypes=KINDS, **limits)]
        return put, take, peek, size, [raw.StageClear(dtypes=KINDS, **limits)]

    def whole(feed):
        put, take, peek, size, clear = use(feed)
        a, b = put(f32(1), i32(2)), put(values(rng, f32, (2,)), ints(4, 5))
        return [a, b, size, peek(1), peek(0), take(), size, take(), a, b, clear, size]

    yield Scene(whole)
    for kinds in ([tf.float32], [tf.int32, tf.int32], [tf.float32, tf.int32, tf.int32]):
        def mismatch(feed, kinds=kinds):
            put, take, peek, _, _ = use(feed)
            return [put(f32(1), i32(2)), take(kinds) if len(kinds) > 1 else peek(0, kinds)]

        yield Scene(mismatch, fails=True)
    yield Scene(lambda feed: [use(feed)[0](f32(1)), use(feed)[2]([0], [tf.float32])], fails=True)
    for strings, limit in ((text("a"), 24), (text("a"), 25), (text("abc", "d"), 52), (text("abc", "d"), 51)):
        yield Scene(lambda feed, strings=strings, limit=limit: [use(feed, memory_limit=limit)[0](strings)], fails=None)
    for array, limit in ((values(rng, f64, (3,)), 24), (values(rng, f64, (3,)), 23), (values(rng, i8, (3,)), 3), (np.zeros(0, f32), 1)):
        yield Scene(lambda feed, array=array, limit=limit: [use(feed, memory_limit=limit, capacity=1)[0](array)], fails=None)


@op(*(f"{kind}{name}" for kind in ("", "Ordered") for name in ("MapStage", "MapUnstage", "MapPeek", "MapUnstageNoKey", "MapSize", "MapIncompleteSize", "MapClear")), family="list")
def map_stage(name, rng):
    kind = "Ordered" if name.startswith("Ordered") else ""

    def use(feed, **limits):
        limits = dict(shared_name="m", **limits)
        made = lambda what, **rest: getattr(raw, f"{kind}Map{what}")(**limits, **rest)
        at = lambda indices: feed(np.array(indices, i32))
        put = lambda key, indices, *tensors: [made("Stage", key=feed(N(key)), indices=at(indices), values=[feed(t) for t in tensors], dtypes=KINDS)]
        take = lambda key, indices, kinds=KINDS: list(made("Unstage", key=feed(N(key)), indices=at(indices), dtypes=kinds))
        peek = lambda key, indices, kinds=KINDS: list(made("Peek", key=feed(N(key)), indices=at(indices), dtypes=kinds))

        def next(indices, kinds=KINDS):
            taken = made("UnstageNoKey", indices=at(indices), dtypes=kinds)
            return [taken.key, *taken.values]

        return put, take, peek, next, [made("Size", dtypes=KINDS)], [made("IncompleteSize", dtypes=KINDS)], [made("Clear", dtypes=KINDS)]

    pair = (f32(1.5), i32(2))

    def whole(feed):
        put, take, peek, next, size, incomplete, clear = use(feed)
        return [put(1, [0, 1], *pair), put(1, [0, 1], f32(9), i32(9)), size, peek(1, [0, 1]), take(1, [0, 1]), size, put(7, [1], i32(4)), incomplete,
                put(7, [0], f32(3)), incomplete, size, next([0, 1]), put(2, [0], f32(3)), put(3, [0, 1], *pair), clear, size, incomplete]

    def order(feed):
        put, take, peek, next, size, _, _ = use(feed)
        return [*(put(key, [0, 1], f32(key), i32(key)) for key in (5, 3, -9)), next([0, 1]), size, next([0, 1]), next([0, 1]), size]

    yield Scene(whole)
    yield Scene(order, fails=None)
    for key, indices, tensors in ((1, [5], [f32(1)]), (1, [-1], [f32(1)]), (1, [], [f32(1)]), (1, [1, 0], pair), (1, [0, 0], pair), (1, [0, 1, 2], pair), ([], [0, 1], pair), ([1, 2], [0, 1], pair), ([3], [0, 1], pair), (1, [0], pair), (1, 0, [f32(1)]), (1, [[0, 1]], pair)):
        def odd(feed, key=key, indices=indices, tensors=tensors):
            return [use(feed)[0](key, indices, *tensors)]

        yield Scene(odd, fails=None)
    for key, indices, kinds in ((1, [0], KINDS), (1, [0, 1], [tf.int32] * 2), (1, [0, 2], KINDS), (1, [2], [tf.int32]), (1, [-1], [tf.int32]), (1, [], KINDS), ([1], [0, 1], KINDS), ([], [0, 1], KINDS)):
        for what in (1, 2):
            def got(feed, key=key, indices=indices, kinds=kinds, what=what):
                made = use(feed)
                return [made[0](1, [0, 1], *pair), made[what](key, indices, kinds)]

            yield Scene(got, fails=None)
    def twice(feed, take):
        made = use(feed)
        return [made[0](1, [0], f32(1)), made[5], *([made[0](1, [0], f32(1))] if not take else [made[0](1, [1], i32(1)), made[1](1, [0, 1]), made[0](1, [1], i32(1)), made[0](1, [1], i32(1))])]

    yield Scene(lambda feed: twice(feed, False), fails=True)
    yield Scene(lambda feed: twice(feed, True), fails=True)
    for limit, indices, tensors in ((3, [0], [f32(1)]), (4, [0], [f32(1)]), (4, [0, 1], pair), (3, [0, 1], pair)):
        yield Scene(lambda feed, limit=limit, indices=indices, tensors=tensors: [use(feed, memory_limit=limit)[0](1, indices, *tensors)], fails=None)


@op("GetSessionHandle", "GetSessionTensor", "DeleteSessionTensor", "GetSessionHandleV2", family="state")
def session(name, rng):
    handle = lambda n: one(f"h;{n};/job:localhost/replica:0/task:0/device:CPU:0")

    def whole(feed, value):
        value = feed(value)
        kept = raw.GetSessionHandle(value=value, name="h")
        get = lambda n: raw.GetSessionTensor(handle=feed(handle(n)), dtype=value.dtype)
        forget = raw.DeleteSessionTensor(handle=feed(handle(0)))
        return [[kept], [kept], [get(1)], [get(0)], [forget], [get(1)], [get(0)] if rng.random() < 0.5 else [forget]]

    for value in (values(rng, f32, (2, 3)), np.array(3, i64), text("a", ""), np.zeros((0, 2), np.bool_)):
        yield Scene(lambda feed, value=value: whole(feed, value), fails=True)
    for n in ("9", "0;"):
        yield Scene(lambda feed, n=n: [raw.GetSessionTensor(handle=feed(handle(n)), dtype=tf.float32)], fails=True)
    for shape in ((1,), (2,), (0,)):
        for build in (lambda h: [raw.GetSessionTensor(handle=h, dtype=tf.float32)], lambda h: [raw.DeleteSessionTensor(handle=h)]):
            yield Scene(lambda feed, shape=shape, build=build: build(feed(np.full(shape, b"a", object))), fails=True)
    yield Scene(lambda feed: [[raw.GetSessionHandle(value=feed(f32(1)), name="h")], [raw.GetSessionTensor(handle=feed(handle(0)), dtype=tf.int32)]], fails=True)
    yield Scene(lambda feed: [raw.Shape(input=raw.GetSessionHandleV2(value=feed(f32(1))))])


@op("CompressElement", "UncompressElement", family="list")
def compressed(name, rng):
    def there(feed, tensors, kinds):
        packed = raw.CompressElement(components=[feed(t) for t in tensors])
        return list(raw.UncompressElement(compressed=packed, output_types=kinds, output_shapes=[None] * len(kinds)))

    arrays = [values(rng, dtype, (2, 3)) for dtype in (f32, f64, i8, np.bool_, object)]
    yield Scene(lambda feed: there(feed, arrays, [tf.float32, tf.float64, tf.int8, tf.bool, tf.string]))
    yield Scene(lambda feed: there(feed, [np.zeros((0, 2), i64), text("a", "bc")], [tf.int64, tf.string]))
    for kinds in ([tf.float32], [tf.float32, tf.float32], [tf.float32, tf.int32, tf.int32]):
        yield Scene(lambda feed, kinds=kinds: there(feed, [f32(1), i32(2)], kinds), fails=True)
    wrong = lambda feed: raw.TensorListReserve(element_shape=feed(ints(2)), num_elements=feed(np.array(3, i32)), element_dtype=tf.float32)
    yield Scene(lambda feed: list(raw.UncompressElement(compressed=wrong(feed), output_types=[tf.float32], output_shapes=[[]])), fails=True)
    pack = lambda feed: raw.CompressElement(components=[feed(f32(1))])
    yield Scene(lambda feed: list(raw.UncompressElement(compressed=pack(feed), output_types=[tf.float32], output_shapes=[[7]])), fails=None)


@op("SparseFillEmptyRowsGrad", "RaggedFillEmptyRowsGrad", family="sparse", tolerance="eps 4")
def fill_empty_rows_grad(name, rng):
    for dtype in dtypes(name):
        yield Call([np.array([3, 0, 3, 5], i64), values(rng, dtype, (7,))])
    yield Call([np.zeros(0, i64), values(rng, f32, (3,))])
    yield Call([np.zeros(0, i64), np.zeros(0, f32)])
    for places, count in (([7], 3), ([-1], 3), ([0], 0), ([2**40], 3)):
        yield Bad([np.array(places, i64), values(rng, f32, (count,))])
    for places, grads in ((N(0), np.ones(2, f32)), (np.zeros(1, i64), f32(1)), (np.zeros((1, 1), i64), np.ones(2, f32)), (np.zeros(1, i64), np.ones((2, 1), f32))):
        yield Bad([places, grads])


@op("MirrorPadGrad", family="array", tolerance="eps 4")
def mirror_pad_grad(name, rng):
    for mode in ("REFLECT", "SYMMETRIC"):
        for dtype in dtypes(name):
            yield Call([values(rng, dtype, (5, 6)), ints(1, 1, 2, 1).reshape(2, 2)], {"mode": mode})
        for shape, pads in (((), np.zeros((0, 2))), ((7,), [[2, 2]]), ((2, 6, 3), [[0, 0], [1, 2], [0, 1]]), ((1, 4, 2, 5), [[0, 0], [0, 1], [0, 0], [1, 1]]), ((3, 1, 3, 1, 4), [[1, 0], [0, 0], [0, 1], [0, 0], [1, 0]]), ((3, 2), [[0, 0], [0, 0]]), ((40, 50), [[3, 4], [6, 5]])):
            yield Call([values(rng, f32, shape), np.array(pads, i64 if len(shape) % 2 else i32)], {"mode": mode})
        for shape, pads in (((5,), [[2, 2]]), ((4,), [[2, 2]]), ((4,), [[5, 0]]), ((4,), [[-1, 0]]), ((9,), [[1, 1], [1, 1]]), ((9,), [[1, 1, 1]]), ((9,), [1, 1]), ((9,), [[2**31 - 1] * 2]), ((0, 3), [[0, 0], [0, 0]]), ((2, 0), [[1, 0], [0, 0]]), ((1,) * 6, [[0, 0]] * 6), ((2,), [[1, 0]]), ((6,), [[2, 3]])):
            yield Call([np.ones(shape, f32), np.array(pads, i32)], {"mode": mode}, fails=None)


@op("CTCLoss", family="nn", tolerance="close 2e-5 2e-6")
def ctc_loss(name, rng):
    places = np.array([[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]], i64)
    labels = lambda *numbers: np.array(numbers, i32)
    for dtype in dtypes(name):
        x = values(rng, dtype, (7, 2, 4))
        for attrs in ({}, {"ctc_merge_repeated": False}, {"preprocess_collapse_repeated": True}, {"ignore_longer_outputs_than_inputs": True}):
            for numbers in ((0, 1, 2, 1, 0), (1, 1, 2, 2, 2), (0, 3, 3, 1, 9), (3, 3, 3, 2, 2)):
                yield Call([x, places, labels(*numbers), ints(7, 4)], attrs, fails=None)
    x = values(rng, f32, (5, 2, 4))
    for numbers, lengths in (((0, 1, 2, 1, 0), (2, 4)), ((0, 1, 2, 1, 0), (0, 5)), ((1, 1, 1, 2, 2), (3, 2))):
        for ignore in (False, True):
            yield Call([x, places, labels(*numbers), ints(*lengths)], {"ignore_longer_outputs_than_inputs": ignore}, fails=None)
    for special in (np.nan, np.inf, -np.inf, 1e4, -1e4, 1e30):
        changed = x.copy()
        changed[0, 0, 3] = changed[2, 1, 0] = special
        yield Call([changed, places, labels(0, 1, 2, 1, 0), ints(5, 4)])
    yield Call([x[:, :, :1], places, labels(0, 0, 0, 0, 0), ints(5, 4)])
    yield Call([x, places + ints(0, 7), labels(0, 1, 2, 1, 0), ints(5, 4)])
    good = [x, places, labels(0, 1, 2, 1, 0), ints(5, 4)]
    for i, wrong in ((0, x[0]), (0, x[:, :0]), (0, x[:0]), (1, places[:3]), (1, places[::-1]), (1, places * 0), (1, places - 1), (1, places + 1), (1, places[:, :1]), (1, np.pad(places, ((0, 0), (0, 1)))), (1, places[:, 0]), (1, np.where(places == 2, 2**63 - 1, places)), (2, labels(0, 1)), (2, labels(0, 1, -1, 0, 0)), (2, labels(3, 1, 1, 0, 0)), (2, labels(0, 1, 2, 1, 0)[None]), (3, ints(5)), (3, ints(6, 4)), (3, ints(-1, 4)), (3, ints(5, 4)[None]), (3, ints(2, 4))):
        yield Bad([*good[:i], wrong, *good[i + 1:]])
    yield Bad([x, places[:3], labels(0, 1, 2), ints(5, 4)])
