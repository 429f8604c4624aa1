"""Shapes, axes, joining, splitting, slicing, padding."""

import numpy as np
from calls import BIG, Bad, Call, dtypes, f32, i32, i64, op, periodic, u8, values


def movers(name, rng, shape, attr="T"):
    """A value of the shape in every dtype, for operators that only move data."""
    for dtype in dtypes(name, attr):
        yield dtype, values(rng, dtype, shape)


def ints(*numbers, dtype=i32) -> np.ndarray:
    return np.array(numbers, dtype)


@op("Reshape", family="array")
def reshape(name, rng):
    for dtype, x in movers(name, rng, (2, 6)):
        for index in (i32, i64):
            yield Call([x, ints(3, 4, dtype=index)])
            yield Call([x, ints(-1, dtype=index)])
    for shape, to in (((), []), ((), [1, 1]), ((1,), []), ((0, 3), [-1, 0]), ((0,), [0, 5]), ((2, 3, 2), [2, -1]), ((8,), [2, 1, 2, 1, 2])):
        yield Call([values(rng, f32, shape), np.array(to, i32)])
    for shape, to in (((6,), [4]), ((6,), [-1, -1]), ((6,), [-1, 4]), ((6,), [-2, 3]), ((0,), [-1, 0]), ((6,), [[6]])):
        yield Bad([values(rng, f32, shape), np.array(to, i32)])
    yield Bad([values(rng, f32, (6,)), np.array([2**31 + 2, 2**31 + 2], i64)])


@op("Shape", "Size", "Rank", family="array")
def shape_of(name, rng):
    for dtype, x in movers(name, rng, (2, 0, 3)):
        for to in (i32, i64):
            attrs = {} if name == "Rank" else {"out_type": to}
            for shape in ((), (3,), (2, 3, 1)):
                yield Call([values(rng, dtype, shape)], attrs)
            yield Call([x], attrs)


@op("ShapeN", family="array")
def shape_n(name, rng):
    for dtype in dtypes(name):
        for to in (i32, i64):
            yield Call([[values(rng, dtype, s) for s in ((), (2,), (0, 3))]], {"out_type": to})


@op("ExpandDims", family="array")
def expand_dims(name, rng):
    for dtype, x in movers(name, rng, (2, 3)):
        for axis in (0, 1, 2, -1, -3):
            yield Call([x, np.array(axis, i32)])
    for index in (i32, i64):
        yield Call([values(rng, f32, ()), np.array(0, index)])
        yield Call([values(rng, f32, (2,)), np.array([1], index)])
    for axis in (3, -4):
        yield Bad([values(rng, f32, (2, 3)), np.array(axis, i32)])
    yield Bad([values(rng, f32, (2, 3)), ints(0, 1)])


@op("Squeeze", family="array")
def squeeze(name, rng):
    for dtype, x in movers(name, rng, (1, 2, 1, 3)):
        for axes in ([], [0], [-2], [0, 2]):
            yield Call([x], {"squeeze_dims": axes})
    for shape in ((), (1,), (1, 1, 1), (0, 1)):
        yield Call([values(rng, f32, shape)])
    for axes in ([1], [4], [-5]):
        yield Bad([values(rng, f32, (1, 2, 1, 3))], attrs={"squeeze_dims": axes})


@op("EnsureShape", family="array")
def ensure_shape(name, rng):
    for dtype, x in movers(name, rng, (2, 3)):
        for shape in ([2, 3], [None, 3], None):
            yield Call([x], {"shape": shape})
    for shape in ([3, 2], [2], [2, 3, None], []):
        yield Bad([values(rng, f32, (2, 3))], attrs={"shape": shape})


@op("Transpose", "ConjugateTranspose", family="array")
def transpose(name, rng):
    for dtype, x in movers(name, rng, (2, 3, 4)):
        for order in ([2, 1, 0], [0, 2, 1], [1, 0, 2]):
            yield Call([x, np.array(order, i32)])
    for shape, order in (((), []), ((3,), [0]), ((2, 3), [1, 0]), ((2, 0), [1, 0]), ((2, 3, 2, 2), [0, 2, 3, 1]), ((1, 2, 3, 1, 2), [4, 2, 0, 1, 3]),
                         ((2, 1, 2, 1, 2, 3), [5, 3, 1, 0, 2, 4]), ((33, 17), [1, 0]), ((2, 8, 16), [0, 2, 1]), ((5, 31, 3), [1, 2, 0])):
        yield Call([values(rng, f32, shape), np.array(order, i64)])
        yield Call([values(rng, u8, shape), np.array(order, i32)])
    yield Call([periodic(rng, f32, 70000).reshape(100, 700), ints(1, 0)])
    yield Call([values(rng, f32, (2, 3)), ints(-1, 0)])
    for shape, order in (((2, 3), [0]), ((2, 3), [0, 0]), ((2, 3), [0, 2]), ((2, 3), [-3, 0]), ((2,), [[0]])):
        yield Bad([values(rng, f32, shape), np.array(order, i32)])


@op("InvertPermutation", family="array")
def invert_permutation(name, rng):
    for dtype in dtypes(name):
        for order in ([0], [2, 0, 1], [], [3, 2, 1, 0]):
            yield Call([np.array(order, dtype)])
        for order in ([0, 0], [0, 2], [-1, 0], [[0, 1]]):
            yield Bad([np.array(order, dtype)])


@op("ConcatV2", "Concat", family="array")
def concat(name, rng):
    def call(parts, axis, kind=Call):
        return kind([axis, parts] if name == "Concat" else [parts, axis])

    for dtype in dtypes(name):
        yield call([values(rng, dtype, (2, n)) for n in (1, 3, 0)], np.array(1, i32))
        yield call([values(rng, dtype, (n, 2)) for n in (1, 3)], np.array(0, i32))
    for shapes, axis in ((((3,), (2,)), 0), (((2, 1, 3), (2, 4, 3)), 1), (((2, 3, 1, 2),) * 3, 2), (((2, 2), (2, 0)), -1),
                         (((0, 2), (0, 2)), 1), (((1, 2, 1, 2, 3), (1, 2, 1, 2, 2)), 4), (((17, 3), (17, 5)), 1), (((2,),) * 9, 0)):
        yield call([values(rng, f32, s) for s in shapes], np.array(axis, i32))
    yield call([periodic(rng, f32, BIG), periodic(rng, f32, 1000)], np.array(0, i32))
    for shapes, axis in ((((2, 3), (3, 3)), 1), (((2,), (2, 1)), 0), (((2,), (2,)), 1), (((), ()), 0), (((2,), (2,)), -2)):
        yield call([values(rng, f32, s) for s in shapes], np.array(axis, i32), Bad)


@op("ConcatOffset", family="array")
def concat_offset(name, rng):
    for dtype in dtypes(name, "shape_type"):
        yield Call([np.array(1, i32), [ints(2, 3, 4, dtype=dtype), ints(2, 0, 4, dtype=dtype), ints(2, 5, 4, dtype=dtype)]])
        yield Call([np.array(-1, i32), [ints(2, dtype=dtype), ints(3, dtype=dtype)]])
    yield Bad([np.array(1, i32), [ints(2, 3), ints(3, 3)]])
    yield Bad([np.array(2, i32), [ints(2, 3), ints(2, 3)]])
    yield Bad([np.array(0, i32), [ints(2, 3), ints(2)]])


@op("Pack", family="array")
def pack(name, rng):
    for dtype in dtypes(name):
        for axis in (0, 1, -1):
            yield Call([[values(rng, dtype, (2, 3)) for _ in range(3)]], {"axis": axis})
        yield Call([[values(rng, dtype, ()) for _ in range(4)]])
    for shape, axis in (((0,), 0), ((2, 0), 2), ((2, 1, 3), -2), ((1, 2, 2, 2), 4)):
        yield Call([[values(rng, f32, shape) for _ in range(2)]], {"axis": axis})
    yield Call([[values(rng, f32, (3,))]])
    yield Bad([[values(rng, f32, (3,)), values(rng, f32, (2,))]])
    for axis in (2, -3):
        yield Bad([[values(rng, f32, (3,)), values(rng, f32, (3,))]], attrs={"axis": axis})


@op("Unpack", family="array")
def unpack(name, rng):
    for dtype in dtypes(name):
        for axis, count in ((0, 2), (1, 3), (-1, 4)):
            yield Call([values(rng, dtype, (2, 3, 4))], {"axis": axis, "num": count})
    for shape, axis, count in (((3,), 0, 3), ((0, 2), 0, 0), ((0, 2), 1, 2), ((1,), 0, 1), ((2, 2, 2, 2, 3), 3, 2)):
        if count:
            yield Call([values(rng, f32, shape)], {"axis": axis, "num": count})
    for shape, axis, count in (((2, 3), 0, 3), ((2, 3), 2, 2), ((), 0, 1)):
        yield Bad([values(rng, f32, shape)], attrs={"axis": axis, "num": count})


@op("Split", family="array")
def split(name, rng):
    for dtype in dtypes(name):
        for shape, axis, count in (((4, 3), 0, 2), ((2, 6), 1, 3), ((2, 6), -1, 2), ((4,), 0, 4)):
            yield Call([np.array(axis, i32), values(rng, dtype, shape)], {"num_split": count})
    for shape, axis, count in (((0, 2), 0, 3), ((2, 1, 4, 3), 2, 2), ((3,), 0, 1), ((2, 2, 34), 2, 2)):
        yield Call([np.array(axis, i32), values(rng, f32, shape)], {"num_split": count})
    for shape, axis, count in (((5,), 0, 2), ((4,), 1, 2), ((4,), -2, 2), ((), 0, 1)):
        yield Bad([np.array(axis, i32), values(rng, f32, shape)], attrs={"num_split": count})


@op("SplitV", family="array")
def split_v(name, rng):
    for dtype in dtypes(name):
        for index in (i32, i64):
            yield Call([values(rng, dtype, (5, 2)), ints(1, 3, 1, dtype=index), np.array(0, i32)], {"num_split": 3})
            yield Call([values(rng, dtype, (2, 5)), ints(2, -1, dtype=index), np.array(1, i32)], {"num_split": 2})
    yield Call([values(rng, f32, (2, 5)), ints(5), np.array(-1, i32)], {"num_split": 1})
    yield Call([values(rng, f32, (4,)), ints(0, 4, 0), np.array(0, i32)], {"num_split": 3})
    for sizes, axis in (([2, 2], 1), ([-1, -1], 1), ([6, -1], 1), ([2, 3], 2), ([-2, 7], 1), ([2, 3, 0], 1)):
        yield Bad([values(rng, f32, (2, 5)), np.array(sizes, i32), np.array(axis, i32)], attrs={"num_split": 2})


@op("Slice", family="array")
def slices(name, rng):
    for dtype in dtypes(name):
        for index in (i32, i64):
            yield Call([values(rng, dtype, (3, 5)), ints(1, 2, dtype=index), ints(2, 2, dtype=index)])
            yield Call([values(rng, dtype, (3, 5)), ints(0, 4, dtype=index), ints(-1, -1, dtype=index)])
    for shape, begin, size in (((4,), [1], [0]), ((4,), [4], [-1]), ((), [], []), ((2, 3, 4), [0, 1, 2], [2, 1, 2]), ((0, 3), [0, 1], [0, 2]),
                               ((2, 2, 3, 2), [1, 0, 1, 0], [1, -1, 2, 1]), ((1, 2, 3, 2, 2), [0, 1, 0, 0, 1], [1, 1, 2, -1, 1]), ((40, 33), [3, 1], [30, 31])):
        yield Call([values(rng, f32, shape), np.array(begin, i32), np.array(size, i32)])
    for begin, size in (([0], [5]), ([-1], [2]), ([5], [-1]), ([1], [-2]), ([3], [2]), ([0, 0], [1, 1])):
        yield Bad([values(rng, f32, (4,)), np.array(begin, i32), np.array(size, i32)])


STRIDES = (
    # shape, begin, end, strides, masks: begin, end, ellipsis, new_axis, shrink_axis
    ((5,), [1], [4], [1], {}), ((5,), [0], [5], [2], {}), ((5,), [-2], [9], [1], {}), ((5,), [9], [1], [1], {}),
    ((5,), [4], [0], [-1], {}), ((5,), [-1], [-9], [-2], {}), ((5,), [3], [0], [1], {"shrink_axis_mask": 1}),
    ((5,), [-1], [0], [1], {"shrink_axis_mask": 1}), ((5,), [0], [0], [-1], {"begin_mask": 1, "end_mask": 1}),
    ((3, 4), [1, 0], [3, 2], [1, 1], {}), ((3, 4), [1], [2], [1], {}), ((3, 4), [0, -1], [3, 4], [1, 1], {"shrink_axis_mask": 2}),
    ((3, 4), [0, 0], [0, 0], [1, 1], {"begin_mask": 3, "end_mask": 3, "new_axis_mask": 1}),
    ((2, 3, 4), [0, 1], [0, 2], [1, 1], {"ellipsis_mask": 1, "shrink_axis_mask": 2}),
    ((2, 3, 4), [1, 0, 0], [2, 0, 2], [1, 1, 1], {"ellipsis_mask": 2}), ((2, 3, 4), [0, 0, 0], [0, 0, 0], [1, 1, 1], {"begin_mask": 7, "end_mask": 7}),
    ((2, 3, 4), [1, 0, 0, 1], [2, 0, 0, 3], [1, 1, 1, 1], {"ellipsis_mask": 2, "new_axis_mask": 4}),
    ((2, 3, 4), [1, 0], [2, 0], [1, 1], {"shrink_axis_mask": 1, "new_axis_mask": 2}),
    ((2, 3, 4), [0, 2, 3], [2, 0, 0], [1, -1, -2], {}), ((2, 3, 2, 4), [0, 1, 0, 1], [2, 3, 2, 4], [1, 1, 1, 2], {}),
    ((2, 1, 3, 2, 2), [1, 0, 2, 0, 0], [2, 1, 0, 2, 2], [1, 1, -1, 1, 1], {"shrink_axis_mask": 1}), ((0, 3), [0, 1], [0, 3], [1, 1], {}),
    ((3,), [1], [1], [1], {}), ((), [], [], [], {}), ((3,), [0], [0], [1], {"ellipsis_mask": 1}), ((4, 33), [1, 0], [3, 33], [1, 1], {}),
    ((3, 4), [0, 0], [2**31 - 1, -(2**31)], [1, 1], {}), ((6, 5), [5, 0], [0, 5], [-2, 2], {"end_mask": 1}),
)
BAD_STRIDES = (
    ((5,), [0], [5], [0], {}), ((5,), [5], [6], [1], {"shrink_axis_mask": 1}), ((5,), [-6], [6], [1], {"shrink_axis_mask": 1}),
    ((5,), [3], [2], [-1], {"shrink_axis_mask": 1}), ((5,), [0, 0], [1, 1], [1, 1], {}), ((5,), [0, 0], [1, 1], [1, 1], {"ellipsis_mask": 3}),
    ((5,), [0], [1, 1], [1], {}),
)


@op("StridedSlice", family="array")
def strided_slice(name, rng):
    for index in (i32, i64):
        for shape, begin, end, strides, masks in STRIDES:
            yield Call([values(rng, f32, shape), *(np.array(x, index) for x in (begin, end, strides))], masks)
    for dtype in dtypes(name):
        for shape, begin, end, strides, masks in STRIDES[8:13]:
            yield Call([values(rng, dtype, shape), *(np.array(x, i32) for x in (begin, end, strides))], masks)
    for shape, begin, end, strides, masks in BAD_STRIDES:
        yield Bad([values(rng, f32, shape), *(np.array(x, i32) for x in (begin, end, strides))], attrs=masks)


@op("StridedSliceGrad", family="array")
def strided_slice_grad(name, rng):
    for shape, begin, end, strides, masks in STRIDES[:11]:
        spec = [slice(None)] * len(shape)
        for axis, (b, e, s) in enumerate(zip(begin, end, strides)):
            free_b, free_e = masks.get("begin_mask", 0) >> axis & 1, masks.get("end_mask", 0) >> axis & 1
            spec[axis] = b if masks.get("shrink_axis_mask", 0) >> axis & 1 else slice(None if free_b else b, None if free_e else e, s)
        picked = np.zeros(shape, f32)[tuple(spec)]
        yield Call([np.array(shape, i32), *(np.array(x, i32) for x in (begin, end, strides)), values(rng, f32, picked.shape)], masks)
    yield Bad([ints(5), ints(0), ints(3), ints(1), values(rng, f32, (2,))])


@op("TensorStridedSliceUpdate", family="array")
def strided_slice_update(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (3, 4)), ints(0, 1), ints(3, 3), ints(2, 1), values(rng, dtype, (2, 2))])
        yield Call([values(rng, dtype, (5,)), ints(3), ints(0), ints(1), values(rng, dtype, ())], {"shrink_axis_mask": 1})
    yield Call([values(rng, f32, (3, 4)), ints(0, 1), ints(3, 3), ints(1, 1), values(rng, f32, (2,))])
    yield Bad([values(rng, f32, (3, 4)), ints(0, 1), ints(3, 3), ints(1, 1), values(rng, f32, (4, 2))])


@op("Tile", family="array")
def tile(name, rng):
    for dtype, x in movers(name, rng, (2, 3)):
        for index in (i32, i64):
            yield Call([x, ints(2, 3, dtype=index)])
            yield Call([x, ints(1, 0, dtype=index)])
    for shape, times in (((), []), ((3,), [4]), ((1, 2, 1), [3, 1, 2]), ((0, 2), [3, 2]), ((1, 2, 2, 1), [2, 1, 2, 3]), ((2, 1, 1, 2, 2), [1, 2, 3, 1, 1]), ((1,), [33])):
        yield Call([values(rng, f32, shape), np.array(times, i32)])
    for times in ([2], [2, -1], [[2, 2]], [2, 2, 2]):
        yield Bad([values(rng, f32, (2, 3)), np.array(times, i32)])


PADS = (((), np.zeros((0, 2), i32)), ((3,), [[1, 2]]), ((2, 3), [[0, 1], [2, 0]]), ((2, 1, 2), [[1, 1], [0, 3], [1, 0]]), ((0, 2), [[1, 0], [0, 1]]),
        ((2, 2, 1, 3), [[0, 0], [1, 1], [2, 0], [0, 0]]), ((1, 2, 1, 2, 2), [[0, 0], [0, 1], [1, 1], [0, 0], [2, 0]]), ((3, 17), [[0, 0], [1, 14]]))


@op("Pad", "PadV2", family="array")
def pad(name, rng):
    value = lambda dtype: [values(rng, dtype, (), 5, 9)] if name == "PadV2" else []
    for dtype in dtypes(name):
        for index in (i32, i64):
            yield Call([values(rng, dtype, (2, 3)), np.array([[1, 0], [0, 2]], index), *value(dtype)])
    for shape, amounts in PADS:
        yield Call([values(rng, f32, shape), np.array(amounts, i32), *value(f32)])
    for amounts in ([[1, -1], [0, 0]], [[1, 1]], [1, 1], [[1], [1]]):
        yield Bad([values(rng, f32, (2, 3)), np.array(amounts, i32), *value(f32)])


@op("MirrorPad", family="array")
def mirror_pad(name, rng):
    for mode in ("REFLECT", "SYMMETRIC"):
        for dtype in dtypes(name):
            for index in (i32, i64):
                yield Call([values(rng, dtype, (3, 4)), np.array([[1, 2], [0, 3]], index)], {"mode": mode})
        for shape, amounts in (((4,), [[3, 2]]), ((2, 3, 2), [[1, 0], [2, 2], [1, 1]]), ((2, 2, 3, 2), [[0, 0], [1, 1], [2, 1], [0, 0]]), ((), np.zeros((0, 2))),
                               ((1, 2, 2, 2, 2), [[0, 0], [1, 0], [0, 1], [1, 1], [0, 0]])):
            yield Call([values(rng, f32, shape), np.array(amounts, i32)], {"mode": mode})
        for amounts in ([[5, 0], [0, 0]], [[-1, 0], [0, 0]], [[0, 0]], [[0, 4 if mode == "REFLECT" else 5], [0, 0]]):
            yield Bad([values(rng, f32, (3, 4)), np.array(amounts, i32)], attrs={"mode": mode})


@op("Fill", family="array")
def fill(name, rng):
    for dtype in dtypes(name):
        for index in (i32, i64):
            for dims in ([], [3], [2, 0], [1, 2, 3]):
                yield Call([np.array(dims, index), values(rng, dtype, (), 1, 9)])
    yield Bad([ints(-1), np.float32(1)])
    yield Bad([ints(2), np.ones(2, f32)])
    yield Bad([np.array([[2]], i32), np.float32(1)])


@op("BroadcastTo", family="array")
def broadcast_to(name, rng):
    for dtype in dtypes(name):
        for index in (i32, i64):
            yield Call([values(rng, dtype, (2, 1)), ints(3, 2, 4, dtype=index)])
            yield Call([values(rng, dtype, ()), ints(2, dtype=index)])
    for shape, to in (((1,), [0]), ((0,), [2, 0]), ((3,), [3]), ((1, 1, 1), [2, 3, 4]), ((2, 1, 3, 1), [2, 4, 3, 2]), ((1, 2, 1, 2, 1), [2, 2, 3, 2, 2]), ((17,), [3, 17])):
        yield Call([values(rng, f32, shape), np.array(to, i32)])
    for shape, to in (((2,), [3]), ((2, 3), [3]), ((2,), [2, 3]), ((1,), [-1])):
        yield Bad([values(rng, f32, shape), np.array(to, i32)])


@op("BroadcastArgs", "BroadcastGradientArgs", family="array")
def broadcast_args(name, rng):
    for dtype in (i32, i64):
        for left, right in (([], []), ([2, 3], [3]), ([2, 1, 3], [4, 1]), ([1], [0]), ([2, 3], [2, 3]), ([1, 1], [5]), ([], [2, 3])):
            yield Call([np.array(left, dtype), np.array(right, dtype)])
        yield Bad([np.array([2], dtype), np.array([3], dtype)])
        yield Bad([np.array([[2]], dtype), np.array([3], dtype)])
