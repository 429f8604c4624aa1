"""Reductions, scans, segments, counting and ordering."""

import numpy as np
from calls import (
    BIG, VECTOR_SIZES, Bad, Call, combinations, dtypes, f32, i32, i64, is_complex, is_float, is_integer, op, periodic, specials, values,
)

AXES = (
    ((5,), [0]), ((2, 3), [1]), ((2, 3), [0]), ((2, 3), [0, 1]), ((2, 3), []), ((2, 3, 4), [-1]), ((2, 3, 4), [0, 2]),
    ((2, 3, 4), [1]), ((2, 3, 2, 4), [1, 3]), ((2, 1, 3, 2, 2), [4, 0, 2]), ((), []), ((0, 3), [0]), ((0, 3), [1]), ((3, 0), [1]),
    ((33, 17), [0]), ((17, 33), [1]), ((3, 65), [-1]),
)


def reduce(name, rng, low=-4, high=4, dtype_list=None, **rest):
    every = dtype_list or dtypes(name)
    for dtype in every:
        index = i32
        for shape, axes in AXES if dtype in (f32, np.bool_) else AXES[:8]:
            for keep in (False, True):
                yield Call([values(rng, dtype, shape, low, high), np.array(axes, index)], {"keep_dims": keep}, **rest)
        yield Call([values(rng, dtype, (3, 4), low, high), np.array(1, i64)], **rest)
        if is_float(dtype) or is_integer(dtype):
            yield Call([specials(dtype), np.array([0], i32)], tolerance="exact" if name in ("Max", "Min") else "",
                       kind="" if name in ("Max", "Min") or is_integer(dtype) else "special values")
            yield Call([np.array([1, 2, 3, 4, 5]).astype(dtype), np.array(0, i32)], **rest)
    widest = f32 if f32 in every else every[0]
    for size in VECTOR_SIZES:
        yield Call([values(rng, widest, (3, size), low, high), np.array([1], i32)], **rest)
        yield Call([values(rng, widest, (size, 3), low, high), np.array([0], i32)], **rest)
    big = periodic(rng, widest, 70000, low, high)
    for shape, axes in (((70000,), [0]), ((7, 10000), [1]), ((10000, 7), [0]), ((10, 70, 100), [0, 2])):
        # TensorFlow adds ten thousand rows one after the other: measured, its sums are 42.5 epsilons of the largest off, those of the
        # other shapes 7.4 at most (means 0.7, norms 10.5).
        loose = name == "Sum" and shape == (10000, 7)
        yield Call([big.reshape(shape), np.array(axes, i32)], **({**rest, "tolerance": "eps 44"} if loose else rest))
    bad = values(rng, widest, (2, 3), low, high)
    for axes in ([2], [-3], [0, 0], [1, -1]):
        yield Bad([bad, np.array(axes, i32)])


@op("Max", "Min", "All", "Any", family="math")
def extreme(name, rng):
    yield from reduce(name, rng, dtype_list=[np.bool_] if name in ("All", "Any") else None)
    if name in ("Max", "Min"):
        for row in ([1, np.nan, 3], [np.nan, np.nan], [np.inf, -np.inf], [-0.0, 0.0]):
            yield Call([np.array(row, f32), np.array([0], i32)])


@op("Sum", "Mean", "EuclideanNorm", family="math", tolerance="eps 16")
def total(name, rng):
    yield from reduce(name, rng, tolerance="eps 16")


@op("Prod", family="math", tolerance="eps 64")
def product(name, rng):
    for dtype in dtypes(name):
        low, high = (0.5, 1.5) if is_float(dtype) or is_complex(dtype) else (1, 3)
        for shape, axes in AXES[:-3]:
            yield Call([values(rng, dtype, shape, low, high), np.array(axes, i32)])
    yield Call([values(rng, f32, (3, 65), 0.9, 1.1), np.array([1], i32)], {"keep_dims": True})
    yield Call([values(rng, i32, (3, 65), -9, 9), np.array([1], i64)])
    for axes in ([2], [-3], [0, 0]):
        yield Bad([values(rng, f32, (2, 3)), np.array(axes, i32)])


@op("ArgMax", "ArgMin", family="math")
def arg(name, rng):
    for dtype, index, to in combinations(name, "T", "Tidx", "output_type"):
        if is_complex(dtype) or index not in (i32, i64):  # the kernel reads a 16-bit axis as 32 bits
            continue
        for shape, axis in (((7,), 0), ((3, 5), 1), ((3, 5), 0), ((2, 3, 4), -2)):
            yield Call([values(rng, dtype, shape, -3, 3), np.array(axis, index)], {"output_type": to})
    for row in ([1, np.nan, 5], [np.nan, 5], [np.nan, np.nan], [np.inf, np.inf], [-0.0, 0.0], [2, 2, 1, 1]):
        yield Call([np.array(row, f32), np.array(0, i32)])
    for size in (*VECTOR_SIZES, 1000):
        yield Call([values(rng, f32, (2, size)), np.array(1, i32)])
        yield Call([values(rng, f32, (size, 2)), np.array(0, i32)])
    for shape, axis in (((2, 3, 2, 2), 1), ((2, 1, 2, 3, 2), 3), ((0, 3), 1), ((1,), 0)):
        yield Call([values(rng, f32, shape), np.array(axis, i64)])
    yield Call([periodic(rng, f32, BIG), np.array(0, i32)])
    for shape, axis in (((2, 3), 2), ((2, 3), -3), ((0, 3), 0), ((), 0)):
        yield Bad([values(rng, f32, shape), np.array(axis, i32)])
    yield Bad([values(rng, f32, (2, 3)), np.array([0], i32)])


@op("Cumsum", "Cumprod", family="math", tolerance="eps 16")
def scan(name, rng):
    low, high = (-4, 4) if name == "Cumsum" else (1, 2)
    for dtype in dtypes(name):
        for exclusive in (False, True):
            for backward in (False, True):
                for shape, axis in (((5,), 0), ((2, 3), 1), ((3, 2), 0), ((2, 3, 2), -2)):
                    attrs = {"exclusive": exclusive, "reverse": backward}
                    yield Call([values(rng, dtype, shape, low, high), np.array(axis, i32)], attrs)
    for shape, axis in (((0,), 0), ((2, 0), 1), ((2, 2, 1, 3), 3), ((1, 2, 2, 2, 2), 2), ((3, 33), 1), ((33, 3), 0)):
        yield Call([values(rng, f32, shape, low, high), np.array(axis, i64)])
    if name == "Cumsum":
        yield Call([periodic(rng, i32, BIG), np.array(0, i32)])
        yield Call([periodic(rng, f32, BIG), np.array(0, i32)])
    for axis in (2, -3):
        yield Bad([values(rng, f32, (2, 3)), np.array(axis, i32)])
    yield Bad([values(rng, f32, (2, 3)), np.array([0, 1], i32)])


@op("CumulativeLogsumexp", family="math", tolerance="eps 16")
def log_scan(name, rng):
    for dtype in dtypes(name):
        for exclusive in (False, True):
            for backward in (False, True):
                yield Call([values(rng, dtype, (2, 5)), np.array(1, i32)], {"exclusive": exclusive, "reverse": backward})
    yield Call([np.array([-np.inf, 0, 1, -np.inf], f32), np.array(0, i32)])


@op("SegmentSum", "SegmentMean", "SegmentProd", "SegmentMax", "SegmentMin", family="math", tolerance="eps 8")
def segments(name, rng):
    for dtype, index in combinations(name, "T", "Tindices"):
        for ids in ([0, 0, 1, 2], [0, 2, 2, 5], [1, 1, 1, 1], [0, 1, 2, 3]):
            yield Call([values(rng, dtype, (4, 3), 1, 4), np.array(ids, index)])
    for shape in ((4,), (4, 2, 2), (4, 17), (4, 1, 2, 2), (4, 0)):
        yield Call([values(rng, f32, shape), np.array([0, 0, 3, 3], i32)])
    yield Call([np.zeros((0, 3), f32), np.zeros(0, i32)])
    yield Call([np.array([np.nan, 1, np.inf, -np.inf], f32), np.array([0, 0, 1, 1], i32)])
    yield Bad([values(rng, f32, (3, 2)), np.array([1, 0, 2], i32)])
    yield Bad([values(rng, f32, (3, 2)), np.array([0, 1], i32)])
    yield Bad([values(rng, f32, (3, 2)), np.array([-1, 0, 1], i32)])
    yield Bad([values(rng, f32, (3, 2)), np.zeros((3, 1), i32)])
    yield Bad([np.float32(1), np.array([0], i32)])


@op("UnsortedSegmentSum", "UnsortedSegmentProd", "UnsortedSegmentMax", "UnsortedSegmentMin", family="math",
    tolerance="eps 8")
def unsorted_segments(name, rng):
    for dtype, index in combinations(name, "T", "Tindices"):
        for ids in ([2, 0, 2, 1], [-1, 0, -5, 3]):
            yield Call([values(rng, dtype, (4, 2), 1, 4), np.array(ids, index), np.array(5, i32)])
    for shape, ids in (((4,), [1, 1, 0, 1]), ((2, 2), [[0, 1], [1, 0]]), ((2, 2, 3), [[0, 1], [1, 0]]), ((2, 3, 2, 2), [1, 1])):
        yield Call([values(rng, f32, shape), np.array(ids, i32), np.array(3, i64)])
    yield Call([np.zeros((0, 2), f32), np.zeros(0, i32), np.array(2, i32)])
    yield Call([values(rng, f32, (2, 2)), np.array([-1, -1], i32), np.array(0, i32)])
    yield Bad([values(rng, f32, (3, 2)), np.array([0, 3, 1], i32), np.array(3, i32)])
    yield Bad([values(rng, f32, (3, 2)), np.array([0, 1], i32), np.array(3, i32)])
    yield Bad([values(rng, f32, (3, 2)), np.array([0, 1, 1], i32), np.array(-3, i32)])
    yield Bad([values(rng, f32, (3, 2)), np.array([0, 1, 1], i32), np.array([3], i32)])


@op("Bincount", family="math")
def bincount(name, rng):
    for dtype in dtypes(name):
        numbers = values(rng, i32, (20,), 0, 9)
        yield Call([numbers, np.array(10, i32), np.zeros(0, dtype)])
        yield Call([numbers, np.array(6, i32), values(rng, dtype, (20,), 0, 5)], tolerance="eps 8")
    yield Call([np.zeros(0, i32), np.array(3, i32), np.zeros(0, f32)])
    yield Call([np.array([[1, 2], [2, 5]], i32), np.array(0, i32), np.zeros(0, i32)])
    yield Call([np.array([[1, 2], [2, 5]], i32), np.array(4, i32), np.zeros(0, i32)])
    yield Bad([np.array([1, 2], i32), np.array(-1, i32), np.zeros(0, i32)])
    yield Bad([np.array([1, -2], i32), np.array(3, i32), np.zeros(0, i32)])
    yield Bad([np.array([1, 2], i32), np.array(3, i32), np.zeros(1, i32)])
    yield Bad([np.array([1, 2], i32), np.array([3], i32), np.zeros(0, i32)])


@op("DenseBincount", family="math")
def dense_bincount(name, rng):
    for index, dtype in combinations(name, "Tidx", "T"):
        for binary in (False, True):
            yield Call([values(rng, index, (12,), 0, 7), np.array(6, index), np.zeros(0, dtype)], {"binary_output": binary})
            yield Call([values(rng, index, (3, 4), 0, 7), np.array(8, index), values(rng, dtype, (3, 4), 0, 5)],
                       {"binary_output": binary}, tolerance="eps 8")
    yield Call([np.zeros((2, 0), i32), np.array(3, i32), np.zeros(0, f32)])
    yield Call([np.zeros((0, 2), i32), np.array(3, i32), np.zeros(0, f32)])
    yield Bad([np.array([1, -2], i32), np.array(3, i32), np.zeros(0, i32)])
    yield Bad([np.array([1, 2], i32), np.array(-3, i32), np.zeros(0, i32)])
    yield Bad([np.zeros((2, 2, 2), i32), np.array(3, i32), np.zeros(0, i32)])
    yield Bad([np.array([1, 2], i32), np.array(3, i32), np.zeros(1, f32)])
    yield Bad([np.array([1, 2], i32), np.array([3, 3], i32), np.zeros(0, f32)])


@op("Bucketize", family="math")
def bucketize(name, rng):
    for dtype in dtypes(name):
        for edges in ([-1.0, 0.0, 2.0], [0.5], [], [1.0, 1.0, 3.0]):
            yield Call([values(rng, dtype, (3, 5), -4, 4)], {"boundaries": edges})
    yield Call([specials(f32)], {"boundaries": [-1.0, 0.0, 2.0]})
    yield Call([np.float32(0)], {"boundaries": [0.0]})
    yield Call([np.zeros((0, 2), f32)], {"boundaries": [0.0]})
    yield Bad([values(rng, f32, (2,))], attrs={"boundaries": [1.0, 0.0]})


@op("HistogramFixedWidth", family="math")
def histogram(name, rng):
    for dtype in dtypes(name):
        for to in (i32, i64):
            yield Call([values(rng, dtype, (40,), -9, 9), np.array([-5, 5]).astype(dtype), np.array(7, i32)], {"dtype": to})
    yield Call([values(rng, f32, (2, 3)), np.array([0, 1], f32), np.array(1, i32)])
    yield Call([np.zeros(0, f32), np.array([0, 1], f32), np.array(3, i32)])
    for bounds, bins in (([1, 1], 3), ([2, 1], 3), ([0, 1], 0), ([0, 1], -2)):
        yield Bad([values(rng, f32, (4,)), np.array(bounds, f32), np.array(bins, i32)])


@op("TopKV2", family="nn")
def top_k(name, rng):
    for dtype, count, index in combinations(name, "T", "Tk", "index_type"):
        yield Call([values(rng, dtype, (3, 9), -5, 5), np.array(4, count)], {"index_type": index})
    for dtype in dtypes(name):
        for ordered in (True, False):
            for k in (0, 1, 5):
                yield Call([values(rng, dtype, (2, 2, 5), -3, 3), np.array(k, i32)], {"sorted": ordered},
                           kind="" if ordered or k in (0, 1) else "unsorted")
    for size in VECTOR_SIZES:
        yield Call([values(rng, f32, (2, size)), np.array((size + 1) // 2, i32)])
    yield Call([specials(f32), np.array(len(specials(f32)), i32)], kind="not a number")
    yield Call([np.array([1, 1, 1, 0, 0, 2, 2], f32), np.array(5, i32)])
    yield Call([periodic(rng, f32, 20000), np.array(10, i32)])
    yield Call([periodic(rng, f32, 2000), np.array(1500, i32)])
    yield Call([np.zeros((0, 4), f32), np.array(2, i32)])
    for shape, k in (((2, 3), 4), ((2, 3), -1), ((), 1)):
        yield Bad([values(rng, f32, shape), np.array(k, i32)])
    yield Bad([values(rng, f32, (3,)), np.array([1], i32)])


@op("TopK", family="nn")
def top_k_v1(name, rng):
    for dtype in dtypes(name):
        for k in (0, 1, 3):
            yield Call([values(rng, dtype, (2, 6), -5, 5)], {"k": k})
    yield Bad([values(rng, f32, (2, 3))], attrs={"k": 4})


@op("InTopK", "InTopKV2", family="nn")
def in_top_k(name, rng):
    predictions = np.array([[1, 2, 3], [3, 3, 1], [np.nan, 1, 2], [1, 2, np.inf], [0, 0, 0]], f32)
    for index in (i32, i64):
        for k in (1, 2, 3, 5, 0):
            for targets in ([2, 0, 1, 2, 1], [0, 1, 2, 0, 2], [1, -1, 0, 3, 0]):
                amount = {"k": k} if name == "InTopK" else {}
                inputs = [predictions, np.array(targets, index)] + ([] if amount else [np.array(k, index)])
                yield Call(inputs, amount)
    extra = [] if name == "InTopK" else [np.array(1, i32)]
    attrs = {"k": 1} if name == "InTopK" else {}
    yield Bad([predictions, np.array([1, 2], i32), *extra], attrs=attrs)
    yield Bad([predictions[0], np.array([1], i32), *extra], attrs=attrs)


@op("LowerBound", "UpperBound", family="array")
def bounds(name, rng):
    for dtype in dtypes(name):
        if dtype in (np.bool_, object) or is_complex(dtype):
            continue
        for to in (i32, i64):
            table = np.sort(values(rng, dtype, (3, 7), -5, 5), axis=1)
            yield Call([table, values(rng, dtype, (3, 4), -6, 6)], {"out_type": to})
    yield Call([np.zeros((2, 0), f32), values(rng, f32, (2, 3))])
    yield Call([np.array([[1, 1, 1]], f32), np.array([[1, 0, 2, np.nan, np.inf]], f32)])
    yield Bad([np.zeros((2, 3), f32), np.zeros((3, 3), f32)])
    yield Bad([np.zeros(3, f32), np.zeros((1, 3), f32)])


@op("L2Loss", family="nn", tolerance="eps 16")
def l2_loss(name, rng):
    for dtype in dtypes(name):
        for shape in ((), (1,), (0,), (17,), (2, 3, 2)):
            yield Call([values(rng, dtype, shape)])
    yield Call([periodic(rng, f32, BIG)])
