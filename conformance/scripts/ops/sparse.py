"""Sparse tensors, ragged tensors, segments by index."""

import numpy as np
from calls import Bad, Call, c64, combinations, dtypes, f32, f64, i32, i64, is_complex, op, values
from ops.array_shapes import ints
from ops.text import one, text


def at(*rows) -> np.ndarray:
    return np.array(rows, i64)


ROWS = at([0, 1], [0, 3], [2, 0], [2, 2])
SHAPE = np.array([3, 4], i64)
EMPTY = np.zeros((0, 2), i64)


@op("SparseToDense", family="sparse")
def to_dense(name, rng):
    for dtype, index in combinations(name, "T", "Tindices"):
        yield Call([ROWS.astype(index), SHAPE.astype(index), values(rng, dtype, (4,)), values(rng, dtype, ())])
        yield Call([np.array([1, 3], index), np.array([5], index), values(rng, dtype, ()), values(rng, dtype, ())])
    zero = np.float32(0)
    yield Call([np.array(2, i64), np.array([4], i64), np.float32(5), zero])
    yield Call([np.zeros((0, 2), i64), SHAPE, np.zeros(0, f32), zero])
    yield Call([ROWS[::-1].copy(), SHAPE, values(rng, f32, (4,)), zero], {"validate_indices": False})
    yield Call([at([0, 0], [0, 0]), SHAPE, values(rng, f32, (2,)), zero], {"validate_indices": False})
    for rows, shape in ((ROWS[::-1].copy(), SHAPE), (at([0, 0], [0, 0]), SHAPE), (at([3, 0]), SHAPE), (at([0, -1]), SHAPE), (ROWS, SHAPE[:1])):
        yield Bad([rows, shape, np.ones(len(rows), f32), zero])
    yield Bad([ROWS, SHAPE, np.ones(3, f32), zero])
    yield Bad([at([3, 0]), SHAPE, np.ones(1, f32), zero], attrs={"validate_indices": False})


@op("SparseReorder", family="sparse")
def reorder(name, rng):
    for dtype in dtypes(name):
        yield Call([ROWS[[2, 0, 3, 1]], values(rng, dtype, (4,)), SHAPE])
    yield Call([at([1, 0, 1], [0, 2, 0], [0, 0, 3]), values(rng, f32, (3,)), np.array([2, 3, 4], i64)])
    yield Call([EMPTY, np.zeros(0, f32), SHAPE])
    yield Bad([at([3, 0]), np.ones(1, f32), SHAPE])
    yield Bad([ROWS, np.ones(3, f32), SHAPE])
    yield Bad([ROWS, np.ones(4, f32), SHAPE[:1]])


@op("SparseReshape", family="sparse")
def reshape(name, rng):
    for to in ([4, 3], [-1], [2, -1, 3], [12, 1]):
        yield Call([ROWS, SHAPE, np.array(to, i64)])
    yield Call([EMPTY, SHAPE, np.array([6, 2], i64)])
    yield Bad([EMPTY, np.array([0, 4], i64), np.array([0, -1], i64)])
    for to in ([5, 3], [-1, -1], [-1, 5], [-2, 6]):
        yield Bad([ROWS, SHAPE, np.array(to, i64)])


@op("SparseFillEmptyRows", family="sparse")
def fill_empty_rows(name, rng):
    for dtype in dtypes(name):
        yield Call([ROWS, values(rng, dtype, (4,)), np.array([5, 4], i64), values(rng, dtype, ())])
    yield Call([ROWS[[2, 0, 3, 1]], values(rng, f32, (4,)), np.array([4, 4], i64), np.float32(9)])
    yield Call([EMPTY, np.zeros(0, f32), np.array([2, 4], i64), np.float32(9)])
    yield Call([EMPTY, np.zeros(0, f32), np.array([0, 4], i64), np.float32(9)])
    for rows, shape in ((ROWS, [2, 4]), (at([-1, 0]), [2, 4]), (at([0, 0]), [0, 4])):
        yield Bad([rows, np.ones(len(rows), f32), np.array(shape, i64), np.float32(9)])
    yield Bad([ROWS, np.ones(4, f32), np.array([5, 4], i64), np.ones(1, f32)])
    yield Bad([ROWS, np.ones(3, f32), np.array([5, 4], i64), np.float32(9)])


@op("SparseReduceSum", "SparseReduceMax", family="sparse", tolerance="eps 8")
def reduce(name, rng):
    for dtype in dtypes(name):
        for axes in ([1], [0], [0, 1]):
            for keep in (False, True):
                yield Call([ROWS, values(rng, dtype, (4,), 1, 5), SHAPE, np.array(axes, i32)], {"keep_dims": keep})
    yield Call([ROWS, values(rng, f32, (4,)), SHAPE, np.array(-1, i32)])
    yield Call([EMPTY, np.zeros(0, f32), SHAPE, np.array([1], i32)])
    yield Bad([ROWS, np.ones(4, f32), SHAPE, np.array([2], i32)])


@op("SparseConcat", family="sparse")
def concat(name, rng):
    for dtype in dtypes(name):
        for axis in (0, 1, -1):
            yield Call([[ROWS, ROWS[:2]], [values(rng, dtype, (4,)), values(rng, dtype, (2,))], [SHAPE, SHAPE]], {"concat_dim": axis})
    yield Bad([[ROWS, ROWS], [np.ones(4, f32)] * 2, [SHAPE, np.array([4, 4], i64)]], attrs={"concat_dim": 1})
    yield Bad([[ROWS, ROWS], [np.ones(4, f32)] * 2, [SHAPE, SHAPE]], attrs={"concat_dim": 2})


@op("SparseSplit", family="sparse")
def split(name, rng):
    for dtype in dtypes(name):
        yield Call([np.array(1, i64), ROWS, values(rng, dtype, (4,)), SHAPE], {"num_split": 2})
        yield Call([np.array(0, i64), ROWS, values(rng, dtype, (4,)), SHAPE], {"num_split": 2})
    yield Bad([np.array(2, i64), ROWS, np.ones(4, f32), SHAPE], attrs={"num_split": 2})
    yield Bad([np.array(0, i64), ROWS, np.ones(4, f32), SHAPE], attrs={"num_split": 4})


@op("SparseSlice", family="sparse")
def slice_(name, rng):
    for dtype in dtypes(name):
        yield Call([ROWS, values(rng, dtype, (4,)), SHAPE, np.array([0, 1], i64), np.array([3, 2], i64)])
        yield Call([ROWS, values(rng, dtype, (4,)), SHAPE, np.array([1, 0], i64), np.array([9, 9], i64)])
    yield Call([ROWS, np.ones(4, f32), SHAPE, np.array([0, 0], i64), np.array([0, 4], i64)])
    yield Bad([ROWS, np.ones(4, f32), SHAPE, np.array([0], i64), np.array([1], i64)])


@op("SparseAdd", family="sparse")
def add(name, rng):
    for dtype in dtypes(name):
        # The kernel reads the threshold as the real part of T, whatever Treal says.
        real = {c64: f32, np.complex128: f64}.get(dtype, dtype)
        yield Call([ROWS, values(rng, dtype, (4,)), SHAPE, at([0, 0], [0, 3], [1, 1]), values(rng, dtype, (3,)), SHAPE, np.array(0, real)])
    yield Call([ROWS, np.array([1, 2, 3, 4], f32), SHAPE, ROWS, np.array([-1, -1.5, 0, 1], f32), SHAPE, np.float32(0.7)])
    yield Bad([ROWS, np.ones(4, f32), SHAPE, ROWS, np.ones(4, f32), np.array([4, 4], i64), np.float32(0)])


@op("SparseTensorDenseAdd", family="sparse")
def dense_add(name, rng):
    for dtype, index in combinations(name, "T", "Tindices"):
        yield Call([ROWS.astype(index), values(rng, dtype, (4,)), SHAPE.astype(index), values(rng, dtype, (3, 4))])
    yield Bad([ROWS, np.ones(4, f32), SHAPE, np.ones((3, 3), f32)])
    yield Bad([at([0, 5]), np.ones(1, f32), SHAPE, np.ones((3, 4), f32)])


@op("SparseTensorDenseMatMul", family="sparse", tolerance="eps 16")
def dense_matmul(name, rng):
    for dtype, index in combinations(name, "T", "Tindices"):
        for adj_a in (False, True):
            for adj_b in (False, True):
                inner = 3 if adj_a else 4
                b = (2, inner) if adj_b else (inner, 2)
                yield Call([ROWS.astype(index), values(rng, dtype, (4,)), SHAPE, values(rng, dtype, b)], {"adjoint_a": adj_a, "adjoint_b": adj_b})
    yield Call([EMPTY, np.zeros(0, f32), SHAPE, np.ones((4, 2), f32)])
    yield Bad([ROWS, np.ones(4, f32), SHAPE, np.ones((3, 2), f32)])
    yield Bad([at([0, 5]), np.ones(1, f32), SHAPE, np.ones((4, 2), f32)])
    yield Bad([at([3, 0]), np.ones(1, f32), SHAPE, np.ones((4, 2), f32)])


@op("SparseDenseCwiseAdd", "SparseDenseCwiseMul", "SparseDenseCwiseDiv", family="sparse")
def cwise(name, rng):
    for dtype in dtypes(name):
        tolerance = "eps 16" if is_complex(dtype) else ""
        for dense in ((3, 4), (4,), (), (3, 1)):
            yield Call([ROWS, values(rng, dtype, (4,)), SHAPE, np.maximum(values(rng, f32, dense, 1, 4), 1).astype(dtype)], tolerance=tolerance)
    yield Bad([ROWS, np.ones(4, f32), SHAPE, np.ones((3,), f32)])
    yield Bad([ROWS, np.ones(4, f32), SHAPE, np.ones((2, 3, 4), f32)])


@op("SparseSoftmax", family="sparse", tolerance="eps 8")
def softmax(name, rng):
    for dtype in dtypes(name):
        yield Call([ROWS, values(rng, dtype, (4,)), SHAPE])
        yield Call([at([0, 0, 1], [0, 0, 2], [1, 1, 0]), values(rng, dtype, (3,)), np.array([2, 2, 3], i64)])
    yield Bad([at([0], [1]), np.ones(2, f32), np.array([3], i64)])


SEGMENTS = ("SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN")


@op(*SEGMENTS, *(s + "WithNumSegments" for s in SEGMENTS), family="sparse", tolerance="eps 8")
def sparse_segments(name, rng):
    counted = name.endswith("WithNumSegments")
    tail = lambda n: [np.array(n, i32)] if counted else []
    for dtype, index, segment in combinations(name, "T", "Tidx", "Tsegmentids"):
        yield Call([values(rng, dtype, (5, 3)), np.array([4, 0, 0, 2], index), np.array([0, 0, 2, 2], segment), *tail(4)])
    for shape in ((5,), (5, 2, 2), (5, 17), (5, 1)):
        yield Call([values(rng, f32, shape), ints(1, 3, 4), ints(0, 1, 1), *tail(3)])
    yield Call([values(rng, f32, (5, 2)), np.zeros(0, i32), np.zeros(0, i32), *tail(2)])
    for index, segment in (([5], [0]), ([-1], [0]), ([0, 1], [1, 0]), ([0, 1], [0]), ([0], [-1])):
        yield Bad([values(rng, f32, (5, 2)), np.array(index, i32), np.array(segment, i32), *tail(2)])
    if counted:
        yield Bad([values(rng, f32, (5, 2)), ints(0, 1), ints(0, 2), np.array(2, i32)])


@op("SparseBincount", family="sparse", tolerance="eps 8")
def bincount(name, rng):
    for index, dtype in combinations(name, "Tidx", "T"):
        for binary in (False, True):
            for weights in (np.zeros(0, dtype), values(rng, dtype, (4,), 0, 4)):
                yield Call([ROWS, np.array([1, 1, 0, 7], index), SHAPE, np.array(4, index), weights], {"binary_output": binary})
    yield Bad([ROWS, ints(1, -1, 0, 2), SHAPE, np.array(4, i32), np.zeros(0, f32)])
    yield Bad([ROWS, ints(1, 1, 0, 2), SHAPE, np.array(-4, i32), np.zeros(0, f32)])
    yield Bad([at([5, 0]), ints(1), SHAPE, np.array(4, i32), np.zeros(0, f32)])


@op("RaggedBincount", family="sparse", tolerance="eps 8")
def ragged_bincount(name, rng):
    for index, dtype in combinations(name, "Tidx", "T"):
        for binary in (False, True):
            yield Call([np.array([0, 2, 2, 4], i64), np.array([1, 1, 0, 7], index), np.array(4, index), np.zeros(0, dtype)], {"binary_output": binary})
            yield Call([np.array([0, 2, 2, 4], i64), np.array([1, 1, 0, 7], index), np.array(4, index), values(rng, dtype, (4,), 0, 4)], {"binary_output": binary})
    for splits in ([0, 5], [1, 4], [0, 3, 2, 4]):
        yield Bad([np.array(splits, i64), ints(1, 1, 0, 3), np.array(4, i32), np.zeros(0, f32)])


@op("DenseCountSparseOutput", "SparseCountSparseOutput", "RaggedCountSparseOutput", family="sparse")
def counts(name, rng):
    def call(numbers, weights, attrs, kind=Call):
        if name.startswith("Dense"):
            inputs = [numbers.reshape(2, 2), weights.reshape(2, 2) if weights.size else weights]
        elif name.startswith("Sparse"):
            inputs = [ROWS, numbers, SHAPE, weights]
        else:
            inputs = [np.array([0, 2, 2, 4], i64), numbers, weights]
        return kind(inputs, attrs=attrs)

    for index, dtype in combinations(name, "T", "output_type"):
        for binary in (False, True):
            for low, high in ((-1, -1), (5, -1), (-1, 2)):
                attrs = {"binary_output": binary, "minlength": low, "maxlength": high, "output_type": dtype}
                yield call(np.array([3, 1, 1, 0], index), np.zeros(0, dtype), attrs)
                yield call(np.array([3, 1, 1, 0], index), values(rng, dtype, (4,), 1, 5), attrs)
    yield call(np.array([3, -1, 1, 0], i32), np.zeros(0, f32), {"binary_output": False, "output_type": f32}, Bad)


@op("RaggedRange", family="sparse")
def ragged_range(name, rng):
    for dtype, splits in combinations(name, "T", "Tsplits"):
        yield Call([np.array([0, 5, 2], dtype), np.array([3, 5, 8], dtype), np.array([1, 1, 3], dtype)], {"Tsplits": splits})
        yield Call([np.array(0, dtype), np.array([3, 5, 0], dtype), np.array(2, dtype)], {"Tsplits": splits})
    yield Call([np.array([5], f32), np.array([0], f32), np.array([-1.5], f32)])
    yield Bad([ints(0), ints(5), ints(0)])
    yield Bad([ints(0, 1), ints(5), ints(1)])


@op("RaggedGather", family="sparse")
def ragged_gather(name, rng):
    for dtype in dtypes(name, "Tvalues"):
        for splits in (i32, i64):
            yield Call([[np.array([0, 2, 2, 5], splits)], values(rng, dtype, (5,)), ints(2, 0, 1, 2)], {"OUTPUT_RAGGED_RANK": 1})
            yield Call([[np.array([0, 2, 2, 5], splits)], values(rng, dtype, (5, 2)), np.array([[2], [0]], i64)], {"OUTPUT_RAGGED_RANK": 2})
    yield Call([[np.array([0, 1, 3], i64), np.array([0, 2, 2, 5], i64)], values(rng, f32, (5,)), ints(1, 1)], {"OUTPUT_RAGGED_RANK": 2})
    for splits, index in (([0, 2, 5], [2]), ([0, 2, 5], [-1]), ([0, 2, 6], [1]), ([0, 3, 2, 5], [0])):
        yield Bad([[np.array(splits, i64)], values(rng, f32, (5,)), np.array(index, i32)], attrs={"OUTPUT_RAGGED_RANK": 1})


@op("RaggedTensorToSparse", family="sparse")
def ragged_to_sparse(name, rng):
    for dtype in dtypes(name, "T"):
        yield Call([[np.array([0, 2, 2, 5], i64)], values(rng, dtype, (5,))])
    yield Call([[np.array([0, 1, 3], i32), np.array([0, 2, 2, 5], i32)], values(rng, f32, (5, 2))])
    for splits in ([0, 6], [1, 5], [0, 3, 2, 5], []):
        yield Bad([[np.array(splits, i64)], values(rng, f32, (5,))])


@op("RaggedTensorToTensor", family="sparse")
def ragged_to_tensor(name, rng):
    splits = ["ROW_SPLITS"]
    for dtype, index, shape in combinations(name, "T", "Tindex", "Tshape"):
        for to in ([-1, -1], [4, 2], [2, 5]):
            yield Call([np.array(to, shape), values(rng, dtype, (5,)), values(rng, dtype, (), 7, 9), [np.array([0, 2, 2, 5], index)]], {"row_partition_types": splits})
        yield Call([np.array([-1, -1], shape), values(rng, dtype, (4,)), values(rng, dtype, (), 7, 9), [np.array(5, index), np.array([0, 0, 3, 4], index)]], {"row_partition_types": ["FIRST_DIM_SIZE", "VALUE_ROWIDS"]})
    yield Call([np.array([-1, -1, 2], i64), values(rng, f32, (5, 2)), np.array([8, 9], f32), [np.array([0, 2, 2, 5], i64)]], {"row_partition_types": splits})
    yield Call([np.array([-1, -1, -1], i64), values(rng, f32, (5,)), np.float32(0), [np.array([0, 1, 3], i64), np.array([0, 2, 2, 5], i64)]], {"row_partition_types": splits * 2})
    yield Call([np.array(-1, i64), values(rng, f32, (5,)), np.float32(0), [np.array([0, 2, 5], i64)]], {"row_partition_types": splits})
    for bad in ([0, 6], [1, 5], [0, 3, 2, 5]):
        yield Bad([np.array([-1, -1], i64), values(rng, f32, (5,)), np.float32(0), [np.array(bad, i64)]], attrs={"row_partition_types": splits})
    yield Bad([np.array([-1, -1], i64), values(rng, f32, (5,)), np.float32(0), [np.array(3, i64)]], attrs={"row_partition_types": ["FIRST_DIM_SIZE"]})


@op("RaggedCross", family="sparse")
def ragged_cross(name, rng):
    order = {"input_order": "RD", "hash_key": 956888297470, "out_values_type": object, "out_row_splits_type": i64}
    yield Call([[text("a", "b", "c")], [np.array([0, 2, 3], i64)], [], [], [], [text("x", "y").reshape(2, 1)]], {**order, "hashed_output": False, "num_buckets": 0})
    yield Call([[np.array([1, 2, 3], i64)], [np.array([0, 2, 3], i64)], [], [], [], [text("x", "y").reshape(2, 1)]], {**order, "hashed_output": True, "num_buckets": 100, "out_values_type": i64})


@op("SparseCross", "SparseCrossHashed", "SparseCrossV2", family="sparse")
def cross(name, rng):
    rows = [at([0, 0], [0, 1], [1, 0]), at([0, 0], [1, 0])]
    shapes = [np.array([2, 2], i64), np.array([2, 1], i64)]
    words = [text("a", "b", "c"), text("x", "y")]
    numbers = [np.array([5, 6, 7], i64), text("x", "y")]
    dense = [np.array([[1], [2]], i64)]
    if name == "SparseCross":
        base = {"hash_key": 956888297470, "internal_type": object}
        yield Call([rows, words, shapes, []], {**base, "hashed_output": False, "num_buckets": 0, "out_type": object, "dense_types": []})
        yield Call([rows, numbers, shapes, dense], {**base, "hashed_output": True, "num_buckets": 100, "out_type": i64, "internal_type": i64})
        yield Call([rows, words, shapes, []], {**base, "hashed_output": True, "num_buckets": 0, "out_type": i64, "dense_types": []})
    elif name == "SparseCrossHashed":
        for strong in (False, True):
            yield Call([rows, numbers, shapes, dense, np.array(100, i64), np.array(strong), np.array([1, 2], i64)])
        yield Call([rows, words, shapes, [], np.array(0, i64), np.array(False), np.array([1, 2], i64)], {"dense_types": []})
    else:
        yield Call([rows, words, shapes, [], one("_X_")], {"dense_types": []})
        yield Call([rows, words, shapes, [text("d", "e").reshape(2, 1)], one(",")])
        yield Bad([rows, words, shapes[::-1], [], one(",")], attrs={"dense_types": []})


@op("DenseToDenseSetOperation", family="sparse")
def set_operation(name, rng):
    for dtype in dtypes(name):
        for operation in ("a-b", "b-a", "intersection", "union"):
            yield Call([values(rng, dtype, (2, 4), 0, 5), values(rng, dtype, (2, 3), 0, 5)], {"set_operation": operation})
    yield Bad([ints(1, 2).reshape(1, 2), ints(1, 2).reshape(2, 1)], attrs={"set_operation": "union"})
    yield Bad([ints(1, 2).reshape(1, 2), ints(1, 2).reshape(1, 2)], attrs={"set_operation": "xor"})
