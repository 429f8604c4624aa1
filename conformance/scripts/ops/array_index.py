"""Gather, scatter, choose, order by index; matrices' diagonals; blocks and patches."""

import numpy as np
from calls import ALL, Bad, Call, combinations, dtypes, f32, f64, i32, i64, is_complex, op, periodic, specials, values
from ops.array_shapes import ints


@op("Gather", family="array")
def gather(name, rng):
    for dtype, index in combinations(name, "Tparams", "Tindices"):
        yield Call([values(rng, dtype, (5, 3)), np.array([[4, 0], [2, 2]], index)])
        yield Call([values(rng, dtype, (5,)), np.array(3, index)])
    yield Call([values(rng, f32, (3, 2, 2)), np.zeros(0, i32)])
    for shape, index in (((5,), [5]), ((5,), [0, -1]), ((0, 2), [0]), ((5,), [[0], [9]])):
        yield Bad([values(rng, f32, shape), np.array(index, i32)])
    yield Bad([np.float32(1), ints(0)])


@op("GatherV2", family="array")
def gather_v2(name, rng):
    for dtype, index in combinations(name, "Tparams", "Tindices"):
        yield Call([values(rng, dtype, (4, 3)), np.array([3, 0, 3], index), np.array(0, i32)])
        yield Call([values(rng, dtype, (2, 4)), np.array([[1], [3]], index), np.array(1, i32)])
    for shape, index, axis, batch in (
        ((2, 3, 4), [2, 0], 1, 0), ((2, 3, 4), [[0, 1], [3, 2]], -1, 0), ((2, 3, 4), [[2, 0], [1, 1]], 1, 1), ((2, 3, 4), [[3], [1]], 2, 1),
        ((2, 2, 3), [[[0], [2]], [[1], [0]]], 2, 2), ((2, 3), [[0, 2], [1, 1]], -1, -1), ((3,), 2, 0, 0), ((0, 3), [], 0, 0), ((3, 0), [1, 2], 0, 0),
        ((2, 1, 3, 2, 2), [0, 2, 1], 2, 0), ((9, 17), [8, 0, 3], 0, 0), ((2, 3), [1, 0], 0, 0), ((0, 3), [], 1, 0),
    ):
        for at in (i32, i64):
            yield Call([values(rng, f32, shape), np.array(index, i32), np.array(axis, at)], {"batch_dims": batch})
    yield Call([periodic(rng, f32, 64000).reshape(1000, 64), values(rng, i32, (900,), 0, 999), np.array(0, i32)])
    for shape, index, axis, batch in (((4,), [4], 0, 0), ((4,), [-1], 0, 0), ((2, 3), [0], 2, 0), ((2, 3), [0], -3, 0), ((2, 3), [[0]], 1, 1),
                                      ((2, 3), [0, 1], 0, 1), ((2, 3, 4), [[3, 0], [1, 1]], 1, 1), ((), [0], 0, 0), ((2, 3), [0, 1], 1, 2)):
        yield Bad([values(rng, f32, shape), np.array(index, i32), np.array(axis, i32)], attrs={"batch_dims": batch})


@op("GatherNd", family="array")
def gather_nd(name, rng):
    for dtype, index in combinations(name, "Tparams", "Tindices"):
        yield Call([values(rng, dtype, (3, 4)), np.array([[2, 3], [0, 0]], index)])
        yield Call([values(rng, dtype, (3, 4)), np.array([[2], [1]], index)])
    for shape, index in (((3, 4), [1, 2]), ((3, 4), np.zeros((2, 0))), ((3, 4), np.zeros((0, 2))), ((2, 3, 2), [[[1, 2], [0, 1]]]), ((2, 2, 2, 2, 3), [[1, 0, 1, 1, 2]]),
                         ((5,), [[4], [0]]), ((2, 3, 2), [[0], [1], [0]])):
        yield Call([values(rng, f32, shape), np.array(index, i32)])
    for shape, index in (((3, 4), [[3, 0]]), ((3, 4), [[0, -1]]), ((3,), [[0, 0]]), ((0, 3), [[0, 0]]), ((3,), 1)):
        yield Bad([values(rng, f32, shape), np.array(index, i32)])


@op("ScatterNd", family="array")
def scatter_nd(name, rng):
    for dtype, index in combinations(name, "T", "Tindices"):
        yield Call([np.array([[3], [0], [3]], index), values(rng, dtype, (3,)), np.array([5], index)], kind="text" if dtype is object else "")
        yield Call([np.array([[1], [0]], index), values(rng, dtype, (2, 2)), np.array([3, 2], index)])
        yield Call([np.array([[1, 1], [0, 2]], index), values(rng, dtype, (2,)), np.array([2, 3], index)])
    yield Call([np.zeros((0, 1), i32), np.zeros((0,), f32), ints(3)])
    yield Call([np.array([[[0, 1], [1, 0]]], i32), values(rng, f32, (1, 2, 3)), ints(2, 2, 3)])
    for index, shape, to in (([[5]], (1,), [5]), ([[-1]], (1,), [5]), ([[0], [1]], (1,), [5]), ([[0]], (1, 2), [5, 3]), ([[0, 0, 0]], (1,), [2, 2]), ([[0]], (1,), [-1])):
        yield Bad([np.array(index, i32), values(rng, f32, shape), np.array(to, i32)])


@op("TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub", "TensorScatterMax", "TensorScatterMin", family="array")
def tensor_scatter(name, rng):
    for dtype, index in combinations(name, "T", "Tindices"):
        if is_complex(dtype) and name[-3:] in ("Max", "Min"):
            continue
        yield Call([values(rng, dtype, (5,)), np.array([[3], [0], [3]], index), values(rng, dtype, (3,))])
        yield Call([values(rng, dtype, (3, 2)), np.array([[1], [0]], index), values(rng, dtype, (2, 2))])
        yield Call([values(rng, dtype, (2, 3)), np.array([[1, 1], [0, 2]], index), values(rng, dtype, (2,))])
    yield Call([values(rng, f32, (3,)), np.zeros((0, 1), i32), np.zeros(0, f32)])
    yield Call([values(rng, f32, (2, 2, 3)), np.array([[[0, 1], [1, 0]]], i32), values(rng, f32, (1, 2, 3))])
    yield Call([specials(f32)[:6], np.array([[0], [2], [4]], i32), np.array([np.nan, 1, -1], f32)])
    for shape, index, update in (((5,), [[5]], (1,)), ((5,), [[-1]], (1,)), ((5,), [[0], [1]], (1,)), ((5, 3), [[0]], (1, 2)), ((), [[0]], (1,)), ((2,), [[0, 0]], (1,))):
        yield Bad([values(rng, f32, shape), np.array(index, i32), values(rng, f32, update)])


@op("OneHot", family="array")
def one_hot(name, rng):
    for dtype, index in combinations(name, "T", "TI"):
        yield Call([np.array([0, 2, 5], index), np.array(3, i32), values(rng, dtype, ()), values(rng, dtype, ())])
    for index, depth, axis in (([1, -1, 2], 3, 0), ([[0, 1], [2, 3]], 4, 1), ([[0, 1], [2, 3]], 4, 2), (1, 3, -1), ([], 3, -1), ([0], 0, -1), ([[[1, 0]]], 2, 0)):
        yield Call([np.array(index, i32), np.array(depth, i32), np.float32(1), np.float32(0)], {"axis": axis})
    one = [np.float32(1), np.float32(0)]
    yield Bad([ints(0), np.array(-1, i32), *one])
    yield Bad([ints(0), ints(3, 3), *one])
    yield Bad([ints(0), np.array(3, i32), *one], attrs={"axis": 2})
    yield Bad([ints(0), np.array(3, i32), np.ones(2, f32), np.float32(0)])


@op("Where", family="array")
def where(name, rng):
    for dtype in dtypes(name):
        for shape in ((7,), (2, 3), (2, 1, 3)):
            x = values(rng, dtype, shape, -1, 1)
            yield Call([np.where(rng.uniform(size=shape) < 0.5, x, np.zeros_like(x))])
    yield Call([specials(f32)])
    for shape in ((0,), (2, 0), (2, 2, 2, 2), (2, 1, 2, 2, 2)):
        yield Call([values(rng, np.bool_, shape)])
    yield Bad([np.array(True)])
    yield Call([periodic(rng, np.bool_, 5000)])


@op("Unique", "UniqueWithCounts", family="array")
def unique(name, rng):
    for dtype, to in combinations(name, "T", "out_idx"):
        yield Call([values(rng, dtype, (12,), -3, 3)], {"out_idx": to})
        yield Call([values(rng, dtype, (0,))], {"out_idx": to})
    yield Call([np.array([np.nan, 1, np.nan, -0.0, 0.0], f32)], kind="not a number")
    yield Bad([values(rng, f32, (2, 2))])
    yield Bad([np.float32(1)])


@op("UniqueV2", "UniqueWithCountsV2", family="array")
def unique_v2(name, rng):
    for dtype, axis in combinations(name, "T", "Taxis"):
        yield Call([values(rng, dtype, (12,), -3, 3), np.zeros(0, axis)])
        yield Call([np.repeat(values(rng, dtype, (3, 2), 0, 1), 2, axis=0), np.array([0], axis)])
        yield Call([np.repeat(values(rng, dtype, (2, 3), 0, 1), 2, axis=1), np.array([1], axis)], {"out_idx": i64})
    yield Call([values(rng, i32, (2, 2, 3), 0, 1), ints(-1)])
    yield Call([np.zeros((0, 2), i32), ints(0)])
    yield Bad([values(rng, f32, (2, 2)), np.zeros(0, i32)])
    yield Bad([values(rng, f32, (2, 2)), ints(2)])
    yield Bad([values(rng, f32, (2, 2)), ints(0, 1)])


@op("ListDiff", family="array")
def list_diff(name, rng):
    for dtype, to in combinations(name, "T", "out_idx"):
        yield Call([values(rng, dtype, (9,), 0, 4), values(rng, dtype, (3,), 0, 4)], {"out_idx": to})
    yield Call([np.zeros(0, i32), ints(1)])
    yield Call([ints(3, 3, 1), np.zeros(0, i32)])
    yield Bad([np.zeros((1, 2), i32), ints(1)])


@op("Range", family="math")
def range_(name, rng):
    for dtype in dtypes(name, "Tidx"):
        for start, limit, delta in ((0, 5, 1), (2, 11, 3), (5, 5, 1), (3, 4, 7)):
            yield Call([np.array(x, dtype) for x in (start, limit, delta)])
        if not np.issubdtype(dtype, np.unsignedinteger):
            yield Call([np.array(x, dtype) for x in (5, -4, -2)])
            yield Bad([np.array(x, dtype) for x in (0, 5, -1)])
        yield Bad([np.array(x, dtype) for x in (5, 0, 1)])
        yield Bad([np.array(x, dtype) for x in (0, 5, 0)])
    for start, limit, delta in ((0, 1, 0.1), (0, 1, 0.3), (-1, 1, 0.25), (1, 0, -0.1)):
        yield Call([np.array(x, f32) for x in (start, limit, delta)])
        yield Call([np.array(x, f64) for x in (start, limit, delta)])
    yield Bad([ints(0), np.array(5, i32), ints(1, 2)])
    yield Bad([np.array(x, f32) for x in (0, np.inf, 1)])


@op("LinSpace", family="math", tolerance="ulp 2")
def lin_space(name, rng):
    for dtype in dtypes(name):
        for start, stop, count in ((0, 1, 5), (2, -3, 7), (1, 1, 3), (4, 9, 1), (0, 1, 33)):
            for index in (i32, i64):
                yield Call([np.array(start).astype(dtype), np.array(stop).astype(dtype), np.array(count, index)])
    yield Bad([np.float32(0), np.float32(1), np.array(0, i32)])
    yield Bad([np.float32(0), np.float32(1), ints(2)])
    yield Bad([np.ones(1, f32), np.float32(1), np.array(2, i32)])


@op("DynamicPartition", family="array")
def dynamic_partition(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (6,)), ints(0, 2, 1, 0, 2, 2)], {"num_partitions": 3})
        yield Call([values(rng, dtype, (3, 2)), ints(1, 0, 1)], {"num_partitions": 4})
    yield Call([values(rng, f32, (2, 2, 3)), np.array([[0, 1], [1, 0]], i32)], {"num_partitions": 2})
    yield Call([np.float32(3), np.array(1, i32)], {"num_partitions": 2})
    yield Call([np.zeros((0, 2), f32), np.zeros(0, i32)], {"num_partitions": 2})
    for index in ([0, 2], [0, -1]):
        yield Bad([values(rng, f32, (2,)), np.array(index, i32)], attrs={"num_partitions": 2})
    yield Bad([values(rng, f32, (3,)), ints(0, 1)], attrs={"num_partitions": 2})


@op("DynamicStitch", "ParallelDynamicStitch", family="array")
def dynamic_stitch(name, rng):
    for dtype in dtypes(name):
        yield Call([[ints(3, 0), ints(1, 2)], [values(rng, dtype, (2, 2)), values(rng, dtype, (2, 2))]])
        yield Call([[np.array(0, i32), np.array([[1, 2]], i32)], [values(rng, dtype, ()), values(rng, dtype, (1, 2))]])
    yield Call([[ints(0, 1, 0), ints(1)], [values(rng, f32, (3,)), values(rng, f32, (1,))]])
    yield Call([[np.zeros(0, i32)], [np.zeros((0, 3), f32)]])
    yield Bad([[ints(0, -1)], [values(rng, f32, (2,))]])
    yield Bad([[ints(0, 1)], [values(rng, f32, (3,))]])
    yield Bad([[ints(0), ints(1)], [values(rng, f32, (1, 2)), values(rng, f32, (1, 3))]])


@op("ReverseV2", family="array")
def reverse_v2(name, rng):
    for dtype in dtypes(name):
        for axes in ([0], [1], [-1, 0], []):
            yield Call([values(rng, dtype, (2, 3)), np.array(axes, i32)])
    for shape, axes in (((4,), [0]), ((2, 3, 4), [1]), ((2, 3, 4), [0, 2]), ((2, 3, 2, 2), [3, 1]), ((1, 2, 3, 2, 2), [2]), ((0, 2), [0]), ((), []), ((5, 17, 3), [1])):
        yield Call([values(rng, f32, shape), np.array(axes, i64)])
    for axes in ([2], [-3], [0, 0], [[0]]):
        yield Bad([values(rng, f32, (2, 3)), np.array(axes, i32)])


@op("Reverse", family="array")
def reverse(name, rng):
    for dtype in dtypes(name):
        for flags in ([True, False], [True, True], [False, False]):
            yield Call([values(rng, dtype, (2, 3)), np.array(flags)])
    yield Call([values(rng, f32, (2, 3, 2, 2)), np.array([False, True, False, True])])
    yield Bad([values(rng, f32, (2, 3)), np.array([True])])


@op("ReverseSequence", family="array")
def reverse_sequence(name, rng):
    for dtype, length in combinations(name, "T", "Tlen"):
        yield Call([values(rng, dtype, (2, 4)), np.array([3, 1], length)], {"seq_dim": 1, "batch_dim": 0})
        yield Call([values(rng, dtype, (4, 2, 2)), np.array([4, 0], length)], {"seq_dim": 0, "batch_dim": 1})
    yield Call([values(rng, f32, (2, 3, 3, 2)), np.array([2, 3, 0], i64)], {"seq_dim": 1, "batch_dim": 2})
    for lengths, attrs in (([5, 1], {"seq_dim": 1}), ([-1, 1], {"seq_dim": 1}), ([1, 1, 1], {"seq_dim": 1}), ([1, 1], {"seq_dim": 0}), ([1, 1], {"seq_dim": 2})):
        yield Bad([values(rng, f32, (2, 4)), np.array(lengths, i64)], attrs=attrs)


@op("Roll", family="array")
def roll(name, rng):
    for dtype in dtypes(name):
        for shift, axis in ((1, 0), (-4, 1)):
            yield Call([values(rng, dtype, (2, 5)), np.array(shift, i32), np.array(axis, i32)])
    for shape, shift, axis in (((7,), 3, 0), ((2, 3, 4), [1, -2], [0, 2]), ((2, 3), [1, 1], [1, 1]), ((0, 3), 1, 1), ((3, 33), 5, -1), ((2, 2, 3, 2), [1], [2])):
        yield Call([values(rng, f32, shape), np.array(shift, i64), np.array(axis, i32)])
    for shape, shift, axis in (((3,), 1, 1), ((3,), [1, 2], [0]), ((), 1, 0), ((3,), 1, -2)):
        yield Bad([values(rng, f32, shape), np.array(shift, i32), np.array(axis, i32)])


@op("MatrixBandPart", family="array")
def band_part(name, rng):
    for dtype, index in combinations(name, "T", "Tindex"):
        for lower, upper in ((1, 0), (-1, 1), (0, -1), (2, 2)):
            yield Call([values(rng, dtype, (3, 4), 1, 9), np.array(lower, index), np.array(upper, index)])
    for shape in ((2, 3, 3), (2, 2, 4, 2), (17, 17), (2, 3)):
        yield Call([values(rng, f32, shape), np.array(1, i64), np.array(2, i64)])
    for shape, lower, upper in (((3, 3), 4, 0), ((3, 3), 0, 5), ((3,), 0, 0)):
        yield Bad([values(rng, f32, shape), np.array(lower, i64), np.array(upper, i64)])


@op("MatrixDiag", "MatrixDiagPart", "MatrixSetDiag", "Diag", "DiagPart", family="array")
def diagonals(name, rng):
    for dtype in dtypes(name):
        if name in ("MatrixDiag", "Diag"):
            for shape in ((3,), (2, 4)):
                yield Call([values(rng, dtype, shape, 1, 9)])
        elif name == "MatrixDiagPart":
            for shape in ((3, 3), (2, 4), (2, 4, 2)):
                yield Call([values(rng, dtype, shape)])
        elif name == "DiagPart":
            for shape in ((3, 3), (2, 3, 2, 3)):
                yield Call([values(rng, dtype, shape)])
        else:
            for shape in ((3, 3), (2, 4), (2, 4, 2)):
                yield Call([values(rng, dtype, shape), values(rng, dtype, (*shape[:-2], min(shape[-2:])))])
    bad = {"MatrixDiag": [()], "Diag": [()], "MatrixDiagPart": [(3,)], "DiagPart": [(2, 3), (3,), (2, 3, 3, 2)]}
    for shape in bad.get(name, []):
        yield Bad([values(rng, f32, shape)])
    if name == "MatrixSetDiag":
        yield Bad([values(rng, f32, (3, 3)), values(rng, f32, (2,))])
        yield Bad([values(rng, f32, (3,)), np.float32(1)])


ALIGNS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")


@op("MatrixDiagV2", "MatrixDiagV3", family="array")
def matrix_diag(name, rng):
    free = np.array(-1, i32)
    for dtype in dtypes(name):
        zero = np.array(b"p") if dtype is object else np.array(0, dtype)
        zero = zero.astype(object) if dtype is object else zero
        yield Call([values(rng, dtype, (2, 3), 1, 9), np.array(0, i32), free, free, zero])
        yield Call([values(rng, dtype, (3,), 1, 9), np.array(1, i32), free, free, zero])
        yield Call([values(rng, dtype, (2, 3, 3), 1, 9), ints(-1, 1), np.array(4, i32), np.array(3, i32), zero])
    for align in ALIGNS if name.endswith("V3") else (None,):
        attrs = {"align": align} if align else {}
        yield Call([values(rng, f32, (4, 3)), ints(-1, 2), np.array(3, i32), np.array(4, i32), np.float32(7)], attrs)
        yield Call([values(rng, f32, (2, 2)), ints(0, 1), np.array(2, i32), np.array(5, i32), np.float32(7)], attrs)
    for index, rows, columns in (([1, 0], -1, -1), ([0, 0, 0], -1, -1), ([0], 2, 9), ([5], 2, 2), ([0, 1], -1, -1)):
        yield Bad([values(rng, f32, (3,)), np.array(index, i32), np.array(rows, i32), np.array(columns, i32), np.float32(0)])


@op("MatrixDiagPartV2", "MatrixDiagPartV3", family="array")
def matrix_diag_part(name, rng):
    for dtype in dtypes(name):
        zero = values(rng, dtype, (), 0, 1)
        yield Call([values(rng, dtype, (2, 3, 4)), np.array(0, i32), zero])
        yield Call([values(rng, dtype, (3, 4)), ints(-1, 2), zero])
    for align in ALIGNS if name.endswith("V3") else (None,):
        for index in ([-2, 0], [1, 3], [-2, 3], [2]):
            yield Call([values(rng, f32, (3, 4)), np.array(index, i32), np.float32(9)], {"align": align} if align else {})
    for shape, index in (((3,), [0]), ((3, 4), [4]), ((3, 4), [-3]), ((3, 4), [1, 0]), ((3, 4), [0, 1, 2])):
        yield Bad([values(rng, f32, shape), np.array(index, i32), np.float32(0)])


@op("MatrixSetDiagV2", "MatrixSetDiagV3", family="array")
def matrix_set_diag(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (3, 4)), values(rng, dtype, (3,)), np.array(0, i32)])
        yield Call([values(rng, dtype, (2, 3, 4)), values(rng, dtype, (2, 2, 3)), ints(0, 1)])
    for align in ALIGNS if name.endswith("V3") else (None,):
        attrs = {"align": align} if align else {}
        yield Call([values(rng, f32, (3, 4)), values(rng, f32, (4, 3)), ints(-1, 2)], attrs)
    for shape, diagonal, index in (((3, 4), (2,), [0]), ((3, 4), (3,), [4]), ((3, 4), (2, 3), [1, 0]), ((3,), (3,), [0]), ((3, 4), (1, 3), [0, 1])):
        yield Bad([values(rng, f32, shape), values(rng, f32, diagonal), np.array(index, i32)])


@op("DepthToSpace", "SpaceToDepth", family="array")
def depth_space(name, rng):
    for dtype in dtypes(name):
        shape = (1, 2, 3, 8) if name == "DepthToSpace" else (1, 4, 6, 2)
        yield Call([values(rng, dtype, shape)], {"block_size": 2})
    for shape in ((2, 1, 2, 9), (1, 3, 3, 18)) if name == "DepthToSpace" else ((2, 3, 6, 1), (1, 9, 3, 2)):
        yield Call([values(rng, f32, shape)], {"block_size": 3})
    bad = (((1, 2, 2, 3), 2), ((1, 2, 2), 2)) if name == "DepthToSpace" else (((1, 3, 4, 1), 2), ((1, 4, 3, 1), 2), ((4, 4, 1), 2))
    for shape, block in bad:
        yield Bad([values(rng, f32, shape)], attrs={"block_size": block})


@op("SpaceToBatch", "BatchToSpace", family="array")
def space_batch(name, rng):
    for dtype in dtypes(name):
        if name == "SpaceToBatch":
            yield Call([values(rng, dtype, (1, 3, 4, 2)), np.array([[1, 0], [0, 2]], i32)], {"block_size": 2})
        else:
            yield Call([values(rng, dtype, (4, 2, 3, 2)), np.array([[1, 0], [0, 2]], i32)], {"block_size": 2})
    shape = (1, 3, 4, 2) if name == "SpaceToBatch" else (3, 2, 3, 2)
    yield Bad([values(rng, f32, shape), np.zeros((2, 2), i32)], attrs={"block_size": 2})
    yield Bad([values(rng, f32, shape), np.array([[-1, 0], [0, 0]], i32)], attrs={"block_size": 2})


@op("SpaceToBatchND", "BatchToSpaceND", family="array")
def space_batch_nd(name, rng):
    forward = name == "SpaceToBatchND"
    for dtype in dtypes(name):
        for index in (i32, i64):
            shape = (1, 4, 3, 2) if forward else (4, 2, 2, 2)
            crops = [[0, 0], [1, 0]] if forward else [[0, 1], [1, 0]]
            yield Call([values(rng, dtype, shape), np.array([2, 2], index), np.array(crops, index)])
    for shape, block, pads in (((2, 6), [3], [[0, 0]]), ((1, 4, 4), [2, 2], [[1, 1], [0, 0]]), ((1, 2, 2, 2, 3), [2, 1, 2], [[0, 0], [1, 0], [1, 1]]), ((3, 2), [], np.zeros((0, 2)))):
        if not forward:
            shape = (shape[0] * int(np.prod(block)), *shape[1:])
        yield Call([values(rng, f32, shape), np.array(block, i32), np.array(pads, i32)])
    shape = (1, 3, 4, 2) if forward else (3, 2, 3, 2)
    for block, pads in (([2, 2], [[0, 0], [0, 0]]), ([0, 2], [[0, 0], [0, 0]]), ([1, 1], [[-1, 0], [0, 0]]), ([2], [[0, 0], [0, 0]]), ([2, 2, 2, 2], [[0, 0]] * 4)):
        yield Bad([values(rng, f32, shape), np.array(block, i32), np.array(pads, i32)])


@op("ExtractImagePatches", family="array")
def patches(name, rng):
    for dtype in dtypes(name):
        for padding in ("VALID", "SAME"):
            yield Call([values(rng, dtype, (1, 5, 6, 2))], {"ksizes": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "rates": [1, 1, 1, 1], "padding": padding})
    yield Call([values(rng, f32, (2, 7, 7, 1))], {"ksizes": [1, 2, 2, 1], "strides": [1, 1, 2, 1], "rates": [1, 3, 2, 1], "padding": "VALID"})
    yield Bad([values(rng, f32, (5, 6, 2))], attrs={"ksizes": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "VALID"})


@op("UnravelIndex", family="array")
def unravel(name, rng):
    for dtype in dtypes(name, "Tidx"):
        for index, dims in (([0, 5, 11], [3, 4]), (7, [2, 2, 3]), ([], [2, 3])):
            yield Call([np.array(index, dtype), np.array(dims, dtype)])
        for index, dims in (([12], [3, 4]), ([0], [0, 4]), ([1], 5), ([-1], [3, 4])):
            yield Bad([np.array(index, dtype), np.array(dims, dtype)])


@op("DataFormatVecPermute", "DataFormatDimMap", family="array")
def data_format(name, rng):
    for dtype in dtypes(name):
        for source, target in (("NHWC", "NCHW"), ("NCHW", "NHWC"), ("NHWC", "HWNC")):
            attrs = {"src_format": source, "dst_format": target}
            yield Call([np.array([0, 1, 2, 3], dtype)], attrs)
            yield Call([np.array([[5, 6], [7, 8]], dtype) if name == "DataFormatVecPermute" else np.array([[-1, -4]], dtype)], attrs)
            if name == "DataFormatVecPermute":
                yield Call([np.array([7, 9], dtype)], attrs)
                yield Call([values(rng, dtype, (4, 2))], attrs)
                yield Bad([np.array([1, 2, 3], dtype)], attrs=attrs)
            else:
                yield Bad([np.array([4], dtype)], attrs=attrs)


@op("IdentityN", family="array")
def identity_n(name, rng):
    yield Call([[values(rng, dtype, (2, 2)) for dtype in ALL]])
    yield Call([[np.float32(1)]])


@op("EditDistance", family="array")
def edit_distance(name, rng):
    index = lambda rows: np.array(rows, i64).reshape(-1, 2)
    for dtype in dtypes(name):
        a, b = values(rng, dtype, (5,), 0, 3), values(rng, dtype, (4,), 0, 3)
        rows = [index([[0, 0], [0, 1], [0, 2], [2, 0], [2, 1]]), a, np.array([3, 3], i64), index([[0, 0], [0, 1], [1, 0], [2, 0]]), b, np.array([3, 2], i64)]
        for normalize in (True, False):
            yield Call(rows, {"normalize": normalize})
    rows[2] = np.array([2, 3], i64)
    yield Bad(rows)
