"""Queues that pad, shuffle and sort, and barriers."""

import numpy as np
import tensorflow as tf

from calls import Scene, bf16, c64, f32, i32, i64, op, values

raw = tf.raw_ops
TYPES = [tf.float32, tf.string]


def strings(*words):
    return np.array([word.encode() for word in words], object)


def one(word):
    return np.array(word.encode(), object)


class Queue:
    """A queue, and the operators of its version on it."""

    def __init__(self, feed, name, types, **attrs):
        self.later = "V2" if name.endswith("V2") else ""
        self.feed, self.types = feed, [tf.int64, *types] if name.startswith("Priority") else types
        self.handle = getattr(raw, name)(component_types=types, shared_name="q", **attrs)

    def use(self, suffix, **arguments):
        return getattr(raw, f"Queue{suffix}{self.later}")(handle=self.handle, **arguments)

    def put(self, *tuple):
        return [self.use("Enqueue", components=[self.feed(part) for part in tuple])]

    def put_many(self, *tuple):
        return [self.use("EnqueueMany", components=[self.feed(part) for part in tuple])]

    def take(self):
        return list(self.use("Dequeue", component_types=self.types))

    def take_many(self, n):
        return list(self.use("DequeueMany", n=self.feed(np.array(n, i32)), component_types=self.types))

    def take_up_to(self, n):
        return list(self.use("DequeueUpTo", n=self.feed(np.array(n, i32)), component_types=self.types))

    def size(self):
        return [self.use("Size"), self.use("IsClosed")]

    def close(self, cancel=False):
        return [self.use("Close", cancel_pending_enqueues=cancel)]


def misuses(name, types, tuple, **attrs):
    """Calls that fail, each after one that does not."""
    for last in (
        lambda queue: queue.take_many(3),
        lambda queue: queue.take_up_to(3),
        lambda queue: queue.take(),
        lambda queue: queue.put(*tuple),
        lambda queue: queue.put_many(*[np.stack([part]) for part in tuple]),
        lambda queue: queue.close(),
    ):
        def closed(feed, last=last):
            queue = Queue(feed, name, types, **attrs)
            return [queue.size(), queue.close(), queue.size(), last(queue)]

        yield Scene(closed, fails=True)
    for last in (
        lambda queue: queue.put(*tuple[:-1]),
        lambda queue: queue.put(*tuple[:-1], np.array([[[1, 2]]], f32)),
        lambda queue: queue.put(np.array([[[1, 2]]], i64), *tuple[1:]),
        lambda queue: queue.put_many(*tuple),
        lambda queue: queue.put_many(*[np.stack([part] * (1 + i)) for i, part in enumerate(tuple)]),
        lambda queue: queue.take_many(-1),
    ):
        def wrong(feed, last=last):
            queue = Queue(feed, name, types, **attrs)
            return [queue.size(), last(queue)]

        yield Scene(wrong, fails=True)


def of_kinds(name, types):
    """A queue, and one of another kind and the same name."""
    later = "V2" if name.endswith("V2") else ""
    for other in ("FIFO", "PaddingFIFO", "RandomShuffle", "Priority"):
        second = f"{other}Queue{later}"
        for pair in ((name, second), (second, name)):
            yield Scene(lambda feed, pair=pair: [Queue(feed, kind, types, shapes=[[2], []]).size() for kind in pair], fails=name != second)


def made(name, wanted):
    """Whether queues can be made of these attributes, and are the same."""
    for attrs in wanted:
        def build(feed, attrs=attrs):
            return [Queue(feed, name, **attrs).size() for attrs in attrs]

        yield Scene(build, fails=None)


@op("PaddingFIFOQueue", "PaddingFIFOQueueV2", family="list")
def padding(name, rng):
    shapes = [[None], [None, 2]]

    def build(feed):
        queue = Queue(feed, name, TYPES, shapes=shapes, capacity=9)
        yield queue.put(values(rng, f32, (2,)), np.stack([strings("a", "b")]))
        yield queue.put(values(rng, f32, (1,)), np.stack([strings("c", "d"), strings("e", "f")]))
        yield queue.put(values(rng, f32, (0,)), np.zeros((0, 2), object))
        yield queue.put_many(values(rng, f32, (2, 3)), np.stack([[strings("a", "b")], [strings("g", "h")]]))
        yield queue.put_many(values(rng, f32, (0, 3)), np.zeros((0, 1, 2), object))
        yield queue.take_many(0)
        yield queue.take()
        yield queue.take_many(3)
        yield queue.put_many(values(rng, f32, (2, 1)), np.stack([[strings("i", "j")] * 3] * 2))
        yield queue.close()
        yield queue.size()
        yield queue.take_up_to(9)

    yield Scene(lambda feed: list(build(feed)))
    for dtype in (np.bool_, np.int8, bf16, f32, i64, c64, np.complex128):
        def kinds(feed, dtype=dtype):
            queue = Queue(feed, name, [tf.as_dtype(dtype)], shapes=[[None, 2, None]])
            return [queue.put(values(rng, dtype, (2, 2, 1))), queue.put(values(rng, dtype, (1, 2, 3))), queue.take_many(2)]

        yield Scene(kinds)

    def scalars(feed):
        queue = Queue(feed, name, TYPES, shapes=[[], []])
        return [queue.put(np.float32(1), one("a")), queue.put(np.float32(2), one("b")), queue.take_many(2)]

    yield Scene(scalars)
    for rank in (4, 5):
        def deep(feed, rank=rank):
            queue = Queue(feed, name, [tf.float32], shapes=[[None] * rank])
            return [queue.put(np.ones([1] * rank, f32)), queue.put(np.ones([2] * rank, f32)), queue.take_many(2)]

        yield Scene(deep, fails=rank > 4)
    yield from misuses(name, TYPES, (np.ones(3, f32), np.stack([strings("a", "b")])), shapes=shapes)
    yield from of_kinds(name, TYPES)
    base = {"types": TYPES, "shapes": [[None], []], "capacity": 9}
    wanted = [{"shapes": [None, []]}, {"shapes": [[]]}, {"shapes": []}, {"shapes": [[4], []]}, {"shapes": [[None], [2]]}, {"capacity": 8}, {"capacity": -3}, {"types": [tf.int32, tf.string]}]
    yield from made(name, [[base, base]] + [[base, {**base, **other}] for other in wanted])


@op("RandomShuffleQueue", "RandomShuffleQueueV2", family="list")
def shuffling(name, rng):
    for seed, seed2 in ((1, 2), (0, 5), (-3, 7), (2**40, 0)):
        def build(feed, seed=seed, seed2=seed2):
            queue = Queue(feed, name, [tf.int32], shapes=[[]], seed=seed, seed2=seed2, min_after_dequeue=2, capacity=30)
            yield queue.put_many(np.arange(20, dtype=i32))
            yield queue.take()
            yield queue.take_many(5)
            yield queue.take_many(0)
            yield queue.put(np.array(77, i32))
            yield queue.take_up_to(7)
            yield queue.put_many(np.arange(100, 104, dtype=i32))
            yield queue.take_many(6)
            yield queue.close()
            yield queue.take_up_to(4)
            yield queue.take_many(1)
            yield queue.size()
            yield queue.take_up_to(5)

        yield Scene(lambda feed, build=build: list(build(feed)))

    def shapeless(feed):
        queue = Queue(feed, name, TYPES, seed=3, min_after_dequeue=1)
        sizes = [queue.put(np.ones(i, f32), one(str(i))) for i in range(5)]
        return [*sizes, queue.take(), queue.take(), queue.take()]

    yield Scene(shapeless)
    yield Scene(lambda feed: [Queue(feed, name, TYPES).take_many(1)], fails=True)
    yield from misuses(name, TYPES, (np.ones(3, f32), one("a")), shapes=[[3], []])
    yield from of_kinds(name, TYPES)
    base = {"types": TYPES, "shapes": [[2], []], "capacity": 9, "min_after_dequeue": 1, "seed": 3, "seed2": 4}
    wanted = [{"shapes": [[None], []]}, {"shapes": [[2]]}, {"shapes": []}, {"capacity": 8}, {"capacity": 1}, {"capacity": 0}, {"types": [tf.int32, tf.string]}]
    wanted += [{"min_after_dequeue": 9}, {"min_after_dequeue": -1}, {"min_after_dequeue": 2}, {"seed": 5}, {"seed2": 5}]
    yield from made(name, [[base, base]] + [[base, {**base, **other}] for other in wanted] + [[{**base, **other}] for other in wanted])


@op("PriorityQueue", "PriorityQueueV2", family="list")
def sorting(name, rng):
    def build(feed):
        queue = Queue(feed, name, [tf.int32], shapes=[[]], capacity=99)
        priorities = rng.integers(0, 4, 40)
        yield queue.put_many(priorities, np.arange(40, dtype=i32))
        yield queue.take()
        yield queue.take_many(16)
        yield queue.put_many(priorities[:9], np.arange(100, 109, dtype=i32))
        yield queue.put(np.array(-(2**63)), np.array(7, i32))
        yield queue.take_up_to(2)
        yield queue.take_many(0)
        yield queue.close()
        yield queue.take_many(20)
        yield queue.size()
        yield queue.take_up_to(11)
        yield queue.size()

    for _ in range(2):
        yield Scene(lambda feed: list(build(feed)))

    def fewer(feed):
        queue = Queue(feed, name, [tf.int32], shapes=[[]])
        return [queue.put_many(np.arange(3), np.arange(3, dtype=i32)), queue.close(), queue.take_up_to(5)]

    yield Scene(fewer, fails=True)

    def none(feed):
        queue = Queue(feed, name, [], shapes=[])
        return [queue.put(np.array(3))]

    yield Scene(none, fails=True)
    yield from misuses(name, TYPES, (np.array(1), np.ones(3, f32), one("a")), shapes=[[3], []])
    yield from of_kinds(name, TYPES)
    base = {"types": TYPES, "shapes": [[2], []], "capacity": 9}
    wanted = [{"shapes": [[None], []]}, {"shapes": [[2]]}, {"shapes": []}, {"shapes": [[2], [1]]}, {"capacity": 8}, {"types": [tf.int32, tf.string]}]
    yield from made(name, [[base, base]] + [[base, {**base, **other}] for other in wanted] + [[{**base, **other}] for other in wanted])


class Barrier:
    """A barrier, and the operators on it."""

    def __init__(self, feed, **attrs):
        self.feed, self.types = feed, attrs.get("component_types", TYPES)
        self.handle = raw.Barrier(**{"component_types": TYPES, "shapes": [[2], []], "shared_name": "b", **attrs})

    def put(self, component, keys, parts):
        return [raw.BarrierInsertMany(handle=self.handle, keys=self.feed(keys), values=self.feed(parts), component_index=component)]

    def take(self, n, small=False, types=None):
        taken = raw.BarrierTakeMany(handle=self.handle, num_elements=self.feed(np.array(n, i32)), component_types=types or self.types, allow_small_batch=small)
        return [taken.indices, taken.keys, *taken.values]

    def sizes(self):
        return [raw.BarrierReadySize(handle=self.handle), raw.BarrierIncompleteSize(handle=self.handle)]

    def close(self, cancel=False):
        return [raw.BarrierClose(handle=self.handle, cancel_pending_enqueues=cancel)]


@op("Barrier", "BarrierInsertMany", "BarrierTakeMany", "BarrierClose", "BarrierReadySize", "BarrierIncompleteSize", family="list")
def barriers(name, rng):
    def build(feed):
        barrier = Barrier(feed)
        yield barrier.sizes()
        yield barrier.put(0, strings("a", "b", "c"), values(rng, f32, (3, 2)))
        yield barrier.put(1, strings("c", "d", "a"), strings("C", "D", "A"))
        yield barrier.sizes()
        yield barrier.put(1, strings("c"), strings("Z"))
        yield barrier.put(0, strings("d"), values(rng, f32, (1, 2)))
        yield barrier.take(0)
        yield barrier.take(1)
        yield barrier.put(1, strings("b"), strings("B"))
        yield barrier.take(3)
        yield barrier.put(0, strings("e", "c", "f", "g"), values(rng, f32, (4, 2)))
        yield barrier.put(0, strings(), np.zeros((0, 2), f32))
        yield barrier.close()
        yield barrier.sizes()
        yield barrier.take(9, True)
        yield barrier.put(1, strings("g", "e"), strings("G", "E"))
        yield barrier.put(1, strings("f"), strings("F"))
        yield barrier.put(1, strings(), strings())
        yield barrier.sizes()
        yield barrier.take(2)
        yield barrier.take(9, True)

    yield Scene(lambda feed: list(build(feed)))
    new = values(rng, f32, (1, 2))
    for cancel in (False, True):
        for last in (
            lambda barrier: barrier.put(0, strings("new"), new),
            lambda barrier: barrier.put(1, strings("a"), strings("A")),
            lambda barrier: barrier.put(0, strings(), np.zeros((0, 2), f32)),
            lambda barrier: barrier.take(2),
            lambda barrier: barrier.take(2, True),
            lambda barrier: barrier.take(0),
            lambda barrier: barrier.close(),
            lambda barrier: barrier.close(True),
        ):
            def closed(feed, last=last, cancel=cancel):
                barrier = Barrier(feed)
                return [barrier.put(0, strings("a"), new), barrier.close(cancel), barrier.sizes(), last(barrier)]

            yield Scene(closed, fails=None)
    for last in (
        lambda barrier: barrier.put(0, strings("a"), new),
        lambda barrier: barrier.put(2, strings("b"), new),
        lambda barrier: barrier.put(0, strings("b"), strings("B")),
        lambda barrier: barrier.put(0, strings("b", "b"), np.ones((2, 2), f32)),
        lambda barrier: barrier.put(0, strings("b"), np.ones((1, 0), f32)),
        lambda barrier: barrier.take(np.array([1])),
        lambda barrier: barrier.take(0, types=[tf.float32]),
    ):
        def wrong(feed, last=last):
            barrier = Barrier(feed)
            return [barrier.put(0, strings("a"), new), last(barrier)]

        yield Scene(wrong, fails=True)

    def mismatch(feed):
        barrier = Barrier(feed)
        return [barrier.put(0, strings("a"), np.ones((1, 3), f32)), barrier.sizes(), barrier.put(1, strings("a"), strings("A"))]

    yield Scene(mismatch, fails=True)
    for other in ({}, {"capacity": 5}, {"shapes": []}, {"shapes": [[None], []]}, {"shapes": [[3], []]}, {"component_types": [tf.int32, tf.string]}):
        yield Scene(lambda feed, other=other: [Barrier(feed).sizes(), Barrier(feed, **other).sizes()], fails=bool(other))
