"""Random numbers from given seeds, and the state of generators."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, combinations, dtypes, f32, i32, i64, op, u64, values
from ops.array_shapes import ints

raw = tf.raw_ops
SHAPES = ([], [1], [3], [4], [5], [2, 3], [0], [17], [70])
SEEDS = ((1, 2), (5, 0), (0, 7), (2**40 + 3, -9))
NORMAL = ("StatelessRandomNormal", "StatelessRandomNormalV2", "StatelessTruncatedNormal", "StatelessTruncatedNormalV2")


@op("RandomUniform", "RandomStandardNormal", "TruncatedNormal", family="random", tolerance="ulp 16")
def stateful(name, rng):
    """Two runs of each node: the stream goes on."""
    function = getattr(raw, name)

    def scene(shape, dtype, seeds, index=i32):
        def build(feed):
            y = function(shape=feed(np.array(shape, index)), dtype=dtype, seed=seeds[0], seed2=seeds[1])
            return [[y], [y]]

        return Scene(build)

    for dtype in dtypes(name, "dtype"):
        for seeds in SEEDS[:2]:
            yield scene([9], dtype, seeds)
    for shape in SHAPES:
        yield scene(shape, f32, (1, 2), i64)
    yield scene([3000], f32, (1, 2))
    for seeds in SEEDS:
        yield scene([5], f32, seeds)
    yield Bad([ints(-1)], attrs={"dtype": f32, "seed": 1})
    yield Bad([np.array([[2]], i32)], attrs={"dtype": f32, "seed": 1})


@op("RandomUniformInt", family="random")
def uniform_int(name, rng):
    for dtype in dtypes(name, "Tout"):
        for low, high in ((0, 10), (-5, 3), (0, 1), (-(2**31), 2**31 - 1)):
            def build(feed, low=low, high=high, dtype=dtype):
                y = raw.RandomUniformInt(shape=feed(ints(20)), minval=feed(np.array(low, dtype)), maxval=feed(np.array(high, dtype)), seed=1, seed2=2)
                return [[y], [y]]

            yield Scene(build)
    for low, high in ((3, 3), (4, 3)):
        yield Bad([ints(2), np.array(low, i32), np.array(high, i32)], attrs={"seed": 1})
    yield Bad([ints(2), ints(0, 1), np.array(5, i32)], attrs={"seed": 1})


@op("RandomShuffle", family="random")
def shuffle(name, rng):
    for dtype in dtypes(name):
        for shape in ((5,), (4, 2)):
            yield Call([values(rng, dtype, shape, 0, 9)], {"seed": 1, "seed2": 2})
    for shape in ((), (1,), (0, 3), (33,)):
        yield Call([values(rng, f32, shape)], {"seed": 3, "seed2": 4})


@op("Multinomial", family="random")
def multinomial(name, rng):
    for dtype, to in combinations(name, "T", "output_dtype"):
        yield Call([values(rng, dtype, (2, 5), -2, 2), np.array(20, i32)], {"seed": 1, "seed2": 2, "output_dtype": to})
    yield Call([np.array([[0, -np.inf, 1], [np.nan, 0, 0]], f32), np.array(9, i32)], {"seed": 1, "seed2": 2}, kind="not a number")
    yield Call([np.zeros((0, 3), f32), np.array(2, i32)], {"seed": 1})
    yield Bad([np.zeros((2, 0), f32), np.array(2, i32)], attrs={"seed": 1})
    yield Bad([np.zeros((2, 3), f32), np.array(-1, i32)], attrs={"seed": 1})
    yield Bad([np.zeros(3, f32), np.array(1, i32)], attrs={"seed": 1})


@op("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal", family="random", tolerance="ulp 16")
def stateless(name, rng):
    tolerance = "exact" if "Uniform" in name else ""
    for dtype, seed in combinations(name, "dtype", "Tseed"):
        for pair in ((1, 2), (-3, 77)):
            yield Call([ints(9), np.array(pair, seed)], {"dtype": dtype}, tolerance=tolerance)
    for shape in SHAPES:
        yield Call([np.array(shape, i64), np.array([2**40, 1], i64)], {"dtype": f32}, tolerance=tolerance)
    yield Call([ints(1000), ints(1, 2)], {"dtype": f32}, tolerance=tolerance)
    yield Bad([ints(2), ints(1)], attrs={"dtype": f32})
    yield Bad([ints(-2), ints(1, 2)], attrs={"dtype": f32})


@op("StatelessRandomUniformInt", "StatelessRandomUniformFullInt", family="random")
def stateless_int(name, rng):
    full = name.endswith("FullInt")
    for dtype in dtypes(name, "dtype"):
        for low, high in ((0, 10), (1, 7), (0, 1)):
            bounds = [] if full else [np.array(low, dtype), np.array(high, dtype)]
            yield Call([ints(13), ints(1, low), *bounds], {"dtype": dtype})
    if not full:
        yield Bad([ints(2), ints(1, 2), np.array(3, i32), np.array(3, i32)])
        yield Bad([ints(2), ints(1, 2), ints(0, 1), np.array(3, i32)])


def key_counter(key, *counter) -> list:
    return [np.array([key], u64), np.array(counter, u64)]


@op("StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2", family="random", tolerance="ulp 16")
def stateless_v2(name, rng):
    tolerance = "exact" if "Uniform" in name else ""
    for algorithm in (1, 3):
        for dtype in dtypes(name, "dtype"):
            yield Call([ints(9), *key_counter(7, 1, 2), np.array(algorithm, i32)], {"dtype": dtype}, tolerance=tolerance)
    for shape in SHAPES:
        yield Call([np.array(shape, i64), *key_counter(2**63 + 1, 2**64 - 1, 3), np.array(1, i32)], {"dtype": f32}, tolerance=tolerance)
    yield Bad([ints(2), *key_counter(1, 2), np.array(1, i32)], attrs={"dtype": f32})
    yield Bad([ints(2), *key_counter(1, 2, 3), np.array(9, i32)], attrs={"dtype": f32})
    yield Bad([ints(2), np.array([1, 2], u64), np.array([1, 2], u64), np.array(1, i32)], attrs={"dtype": f32})


@op("StatelessRandomUniformIntV2", "StatelessRandomUniformFullIntV2", family="random")
def stateless_int_v2(name, rng):
    full = "Full" in name
    for algorithm in (1, 3):
        for dtype in dtypes(name, "dtype"):
            bounds = [] if full else [np.array(2, dtype), np.array(9, dtype)]
            yield Call([ints(13), *key_counter(7, 1, 2), np.array(algorithm, i32), *bounds], {"dtype": dtype})


@op("StatelessRandomGetKeyCounter", "StatelessRandomGetKeyCounterAlg", "StatelessRandomGetAlg", family="random")
def key_counters(name, rng):
    if name.endswith("GetAlg"):
        yield Call([])
        return
    for dtype in dtypes(name, "Tseed"):
        for pair in ((1, 2), (0, 0), (-5, 2**31 - 1)):
            yield Call([np.array(pair, dtype)])
    yield Bad([ints(1)])
    yield Bad([ints(1, 2, 3)])


@op("StatelessShuffle", family="random")
def stateless_shuffle(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (6,), 0, 9), *key_counter(7, 1, 2), np.array(1, i32)])
    for shape in ((), (1,), (5, 2), (0, 2), (40,)):
        yield Call([values(rng, f32, shape), *key_counter(1, 2, 3), np.array(1, i32)])


@op("StatelessMultinomial", family="random")
def stateless_multinomial(name, rng):
    for dtype, seed, to in combinations(name, "T", "Tseed", "output_dtype"):
        yield Call([values(rng, dtype, (2, 5), -2, 2), np.array(20, i32), np.array([1, 2], seed)], {"output_dtype": to})
    yield Bad([np.zeros((2, 3), f32), np.array(-1, i32), ints(1, 2)])


GENERATORS = {
    "StatefulUniform": f32, "StatefulStandardNormalV2": f32, "StatefulTruncatedNormal": f32, "StatefulUniformFullInt": u64, "StatefulUniformInt": i32,
}


@op(*GENERATORS, "RngReadAndSkip", family="random", tolerance="ulp 16")
def generators(name, rng):
    """A state variable of tf.random.Generator that moves on."""

    def scene(dtype, algorithm, shape):
        def build(feed):
            handle = raw.VarHandleOp(dtype=tf.int64, shape=[None], shared_name="state")
            assign = raw.AssignVariableOp(resource=handle, value=feed(np.array([1, 2, 3], i64)))
            read = raw.ReadVariableOp(resource=handle, dtype=tf.int64)
            if name == "RngReadAndSkip":
                y = raw.RngReadAndSkip(resource=handle, alg=feed(np.array(algorithm, i32)), delta=feed(np.array(5, u64)))
            else:
                common = dict(resource=handle, algorithm=feed(np.array(algorithm, i64)), shape=feed(np.array(shape, i64)))
                if name == "StatefulUniformInt":
                    y = raw.StatefulUniformInt(minval=feed(np.array(-3, dtype)), maxval=feed(np.array(9, dtype)), **common)
                else:
                    y = getattr(raw, name)(dtype=dtype, **common)
            return [[assign], [y], [read], [y], [read]]

        return Scene(build)

    if name == "RngReadAndSkip":
        yield scene(None, 1, [])
        return
    for dtype in dtypes(name, "dtype"):
        for shape in ([7], [2, 3], [0], []):
            yield scene(dtype, 1, shape)
