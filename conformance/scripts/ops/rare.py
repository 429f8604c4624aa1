"""Operators that are seldom met: special functions, matrix functions, sparse minima, queues, maps, candidate cells."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, combinations, dtypes, f32, f64, i32, i64, op, values
from ops.array_shapes import ints
from ops.linalg import positive, solid
from ops.sparse import ROWS, SHAPE, at
from ops.text import one, text

raw = tf.raw_ops


@op("BesselI0", "BesselI0e", "BesselI1", "BesselI1e", "BesselJ0", "BesselJ1", "BesselK0", "BesselK0e", "BesselK1", "BesselK1e", "BesselY0",
    "BesselY1", "Dawsn", "Expint", "FresnelCos", "FresnelSin", "Spence", family="math", tolerance="eps 64")
def special_functions(name, rng):
    for dtype in dtypes(name):
        for low, high in ((0.01, 3), (3, 30), (-8, 8)):
            yield Call([values(rng, dtype, (40,), low, high)])
        yield Call([np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 1e-3, 100]).astype(dtype)])
        yield Call([values(rng, dtype, (2, 0))])
        yield Call([values(rng, dtype, (), 0.1, 2)])


@op("BatchCholesky", "BatchMatrixInverse", "BatchMatrixDeterminant", "MatrixExponential", "MatrixLogarithm", "MatrixSquareRoot", family="linalg", tolerance="eps 256")
def matrix_functions(name, rng):
    for dtype in dtypes(name):
        make = positive if name in ("BatchCholesky", "MatrixLogarithm", "MatrixSquareRoot") else solid
        for shape in ((3, 3), (2, 2, 2)):
            yield Call([make(rng, dtype, *shape)])
        if name == "MatrixSquareRoot":
            # Pairs of complex eigenvalues beside real ones, in any order.
            for n in (2, 3, 4, 5, 8, 13):
                near = values(rng, dtype, (2, n, n), -1, 1) + np.asarray(2 * n**0.5, dtype) * np.eye(n, dtype=dtype)
                turn = np.asarray([[0.1, 3], [-2, 0.1]], dtype)
                near[1, -2:, -2:] += turn
                near[1, :2, :2] += turn.T if n > 3 else 0
                yield Call([near])
    yield Bad([values(rng, dtypes(name)[0], (2, 3))])


@op("Lu", family="linalg", tolerance="eps 256")
def lu(name, rng):
    for dtype, to in combinations(name, "T", "output_idx_type"):
        for shape in ((3, 3), (2, 4, 4)):
            yield Call([solid(rng, dtype, *shape)], {"output_idx_type": to})
    yield Bad([np.zeros((2, 2), f32)])
    yield Bad([values(rng, f32, (2, 3))])


@op("TridiagonalMatMul", "TridiagonalSolve", family="linalg", tolerance="eps 256")
def tridiagonal(name, rng):
    for dtype in dtypes(name):
        if name == "TridiagonalMatMul":
            yield Call([values(rng, dtype, (1, 4)), values(rng, dtype, (1, 4)), values(rng, dtype, (1, 4)), values(rng, dtype, (4, 2))])
        else:
            diagonals = values(rng, dtype, (3, 4), -1, 1)
            diagonals[1] += 4
            for pivoting in (True, False):
                yield Call([diagonals, values(rng, dtype, (4, 2))], {"partial_pivoting": pivoting})


@op("BandedTriangularSolve", family="linalg", tolerance="eps 256")
def banded(name, rng):
    for dtype in dtypes(name):
        for lower in (True, False):
            bands = values(rng, dtype, (3, 5), -1, 1)
            bands[2 if lower else 0] += 4
            bands[0 if not lower else 2] += 1
            yield Call([bands, values(rng, dtype, (5, 2))], {"lower": lower})


@op("MatrixSolveLs", family="linalg", tolerance="eps 1024")
def least_squares(name, rng):
    for dtype in dtypes(name):
        for fast in (True, False):
            yield Call([values(rng, dtype, (5, 3)), values(rng, dtype, (5, 2)), np.float64(0.5 if fast else 0)], {"fast": fast})


@op("SparseMatMul", family="linalg", tolerance="eps 32")
def sparse_matmul(name, rng):
    for a, b in combinations(name, "Ta", "Tb"):
        x, y = values(rng, a, (3, 4)), values(rng, b, (4, 5))
        x[values(rng, np.bool_, (3, 4))] = 0
        yield Call([x, y], {"a_is_sparse": True})
        yield Call([x.T.copy(), y.T.copy()], {"transpose_a": True, "transpose_b": True})


@op("SparseSparseMaximum", "SparseSparseMinimum", family="sparse")
def sparse_extremes(name, rng):
    for dtype in dtypes(name):
        yield Call([ROWS, values(rng, dtype, (4,)), SHAPE, at([0, 0], [0, 3], [1, 1]), values(rng, dtype, (3,)), SHAPE])
    yield Bad([ROWS, np.ones(4, f32), SHAPE, ROWS, np.ones(4, f32), np.array([4, 4], i64)])


@op("SparseReduceSumSparse", "SparseReduceMaxSparse", family="sparse", tolerance="eps 8")
def reduce_sparse(name, rng):
    for dtype in dtypes(name):
        for axes in ([1], [0]):
            for keep in (False, True):
                yield Call([ROWS, values(rng, dtype, (4,), 1, 5), SHAPE, np.array(axes, i32)], {"keep_dims": keep})


@op("DenseToSparseSetOperation", "SparseToSparseSetOperation", "SetSize", family="sparse")
def sets(name, rng):
    for dtype in dtypes(name):
        rows = [at([0, 0], [0, 1], [1, 0]), values(rng, dtype, (3,), 0, 4), np.array([2, 2], i64)]
        if name == "SetSize":
            yield Call(rows)
            continue
        first = [values(rng, dtype, (2, 4), 0, 4)] if name.startswith("Dense") else [at([0, 0], [0, 1], [1, 1]), values(rng, dtype, (3,), 0, 4), np.array([2, 3], i64)]
        for operation in ("a-b", "b-a", "intersection", "union"):
            yield Call([*first, *rows], {"set_operation": operation}, kind="" if name.startswith("Dense") else "unordered sets")


@op("SerializeSparse", "SerializeManySparse", family="sparse")
def serialize(name, rng):
    """Serialized, and read back: the strings hold protobufs whose bytes may differ."""
    for dtype in (f32, i32, i64, object, np.bool_):
        kind = tf.string if dtype is object else tf.dtypes.as_dtype(dtype)

        def build(feed, dtype=dtype, kind=kind):
            rows, flat, shape = feed(ROWS), feed(values(rng, dtype, (4,))), feed(SHAPE)
            if name == "SerializeSparse":
                return list(raw.DeserializeSparse(serialized_sparse=raw.SerializeSparse(sparse_indices=rows, sparse_values=flat, sparse_shape=shape), dtype=kind))
            many = raw.SerializeManySparse(sparse_indices=rows, sparse_values=flat, sparse_shape=shape)
            return list(raw.DeserializeManySparse(serialized_sparse=many, dtype=kind))

        yield Scene(build)


@op("EmptyTensorMap", "TensorMapInsert", "TensorMapLookup", "TensorMapErase", "TensorMapHasKey", "TensorMapSize", family="list")
def maps(name, rng):
    for dtype in (i32, i64, object):
        key = (lambda n: one(f"k{n}")) if dtype is object else lambda n: np.array(n, dtype)

        def build(feed, key=key):
            handle = raw.EmptyTensorMap()
            for n in (1, 2):
                handle = raw.TensorMapInsert(input_handle=handle, key=feed(key(n)), value=feed(np.float32(n * 10)))
            erased = raw.TensorMapErase(input_handle=handle, key=feed(key(1)), value_dtype=tf.float32)
            look = lambda h, n: raw.TensorMapLookup(input_handle=h, key=feed(key(n)), value_dtype=tf.float32)
            has = lambda h, n: raw.TensorMapHasKey(input_handle=h, key=feed(key(n)))
            return [look(handle, 1), look(handle, 2), has(handle, 1), has(erased, 1), raw.TensorMapSize(input_handle=erased), raw.TensorMapSize(input_handle=handle)]

        yield Scene(build)

    def missing(feed):
        return [raw.TensorMapLookup(input_handle=raw.EmptyTensorMap(), key=feed(np.array(1, i32)), value_dtype=tf.float32)]

    yield Scene(missing, fails=True)


@op("StackV2", "StackPushV2", "StackPopV2", "StackCloseV2", family="list")
def stacks(name, rng):
    def build(feed):
        handle = raw.StackV2(max_size=feed(np.array(5, i32)), elem_type=tf.float32, stack_name="s")
        first = raw.StackPushV2(handle=handle, elem=feed(values(rng, f32, (2,))))
        with tf.control_dependencies([first]):
            second = raw.StackPushV2(handle=handle, elem=tf.identity(feed(values(rng, f32, (3,)))))
        with tf.control_dependencies([second]):
            top = raw.StackPopV2(handle=handle, elem_type=tf.float32)
        with tf.control_dependencies([top]):
            return [top, raw.StackPopV2(handle=handle, elem_type=tf.float32)]

    yield Scene(build)

    def empty(feed):
        handle = raw.StackV2(max_size=feed(np.array(5, i32)), elem_type=tf.float32, stack_name="s")
        return [raw.StackPopV2(handle=handle, elem_type=tf.float32)]

    yield Scene(empty, fails=True)


@op("FIFOQueueV2", "QueueEnqueueV2", "QueueEnqueueManyV2", "QueueDequeueV2", "QueueDequeueManyV2", "QueueDequeueUpToV2", "QueueSizeV2", family="list")
def queues(name, rng):
    def build(feed):
        queue = raw.FIFOQueueV2(component_types=[tf.float32, tf.string], shapes=[[], []], capacity=9, shared_name="q")
        one_more = raw.QueueEnqueueV2(handle=queue, components=[feed(np.float32(7)), feed(one("seven"))])
        many = raw.QueueEnqueueManyV2(handle=queue, components=[feed(values(rng, f32, (3,))), feed(text("a", "b", "c"))])
        size = raw.QueueSizeV2(handle=queue)
        types = [tf.float32, tf.string]
        single = raw.QueueDequeueV2(handle=queue, component_types=types)
        two = raw.QueueDequeueManyV2(handle=queue, n=feed(np.array(2, i32)), component_types=types)
        close = raw.QueueCloseV2(handle=queue)
        rest = raw.QueueDequeueUpToV2(handle=queue, n=feed(np.array(9, i32)), component_types=types)
        return [[one_more], [many], [size], [*single], [*two], [size], [close], [*rest], [size]]

    yield Scene(build)


@op("ExtractVolumePatches", family="array")
def volume_patches(name, rng):
    for dtype in dtypes(name):
        for padding in ("VALID", "SAME"):
            yield Call([values(rng, dtype, (1, 4, 5, 3, 2))], {"ksizes": [1, 2, 2, 1, 1], "strides": [1, 1, 2, 1, 1], "padding": padding})


@op("Fingerprint", family="array")
def fingerprint(name, rng):
    for dtype in (f32, i64, np.uint8, object):
        yield Call([values(rng, dtype, (3, 4)), one("farmhash64")])
    yield Bad([values(rng, f32, (2,)), one("md5")])


@op("InplaceAdd", "InplaceSub", "InplaceUpdate", family="array")
def inplace(name, rng):
    for dtype in (f32, f64, i32, i64):
        yield Call([values(rng, dtype, (4, 2)), ints(2, 0), values(rng, dtype, (2, 2))])
    yield Bad([values(rng, f32, (4, 2)), ints(2), values(rng, f32, (2, 2))])


@op("ScatterNdNonAliasingAdd", family="array")
def non_aliasing(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (4,)), np.array([[3], [0], [3]], i32), values(rng, dtype, (3,))])


@op("BatchMatrixDiag", "BatchMatrixDiagPart", "BatchMatrixBandPart", "BatchMatrixSetDiag", family="array")
def batch_matrices(name, rng):
    for dtype in (f32, f64, i32):
        x = values(rng, dtype, (2, 3, 3))
        if name == "BatchMatrixDiag":
            yield Call([x[0]])
        elif name == "BatchMatrixDiagPart":
            yield Call([x])
        elif name == "BatchMatrixBandPart":
            yield Call([x, np.array(1, i64), np.array(0, i64)])
        else:
            yield Call([x, values(rng, dtype, (2, 3))])


@op("NthElement", family="nn")
def nth(name, rng):
    for dtype in dtypes(name):
        for backward in (False, True):
            yield Call([values(rng, dtype, (3, 7), -9, 9), np.array(2, i32)], {"reverse": backward})
    yield Bad([values(rng, f32, (3, 7)), np.array(7, i32)])
    yield Bad([values(rng, f32, (3, 7)), np.array(-1, i32)])


@op("BatchNormWithGlobalNormalization", family="nn", tolerance="eps 32")
def global_norm(name, rng):
    for dtype in dtypes(name):
        for scale in (False, True):
            v = lambda: values(rng, dtype, (3,), 0.5, 2)
            yield Call([values(rng, dtype, (2, 2, 2, 3)), v(), v(), v(), v()], {"variance_epsilon": 0.001, "scale_after_normalization": scale})


@op("FractionalMaxPool", "FractionalAvgPool", family="nn", tolerance="eps 8")
def fractional(name, rng):
    for dtype in dtypes(name):
        for pseudo in (False, True):
            for overlapping in (False, True):
                yield Call([values(rng, dtype, (1, 7, 8, 2), -9, 9)], {"pooling_ratio": [1.0, 1.4, 1.7, 1.0], "pseudo_random": pseudo, "overlapping": overlapping, "deterministic": True, "seed": 1, "seed2": 2})
    for ratio in ([1.0, 1.4, 1.7, 2.0], [1.0, 0.5, 1.0, 1.0], [1.0, 99.0, 1.0, 1.0]):
        yield Bad([values(rng, f32, (1, 7, 8, 2))], attrs={"pooling_ratio": ratio})


@op("DrawBoundingBoxes", "DrawBoundingBoxesV2", family="image")
def draw(name, rng):
    boxes = np.array([[[0.1, 0.2, 0.8, 0.9], [0.5, 0.5, 1.5, 0.7]]], f32)
    colours = [np.array([[1, 0, 0], [0, 0.5, 1]], f32)] if name.endswith("V2") else []
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (1, 9, 8, 3), 0, 1), boxes, *colours])
    yield Bad([values(rng, f32, (1, 9, 8, 3)), boxes[..., :3], *colours])


@op("ExtractJpegShape", family="image")
def jpeg_shape(name, rng):
    encoded = tf.io.encode_jpeg(np.zeros((7, 5, 3), np.uint8)).numpy()
    for to in (i32, i64):
        yield Call([one(encoded)], {"output_type": to})
    yield Bad([one("junk")])


@op("RandomGamma", "RandomPoissonV2", family="random", tolerance="eps 64")
def gamma_poisson(name, rng):
    if name == "RandomGamma":
        for dtype in dtypes(name):
            yield Call([ints(6), np.array([0.5, 1, 3]).astype(dtype)], {"seed": 1, "seed2": 2})
        yield Bad([ints(-1), np.ones(1, f32)], attrs={"seed": 1})
    else:
        for dtype in dtypes(name, "R"):
            yield Call([ints(6), np.array([0.5, 5, 50]).astype(dtype)], {"seed": 1, "seed2": 2, "dtype": f64})


@op("StatelessRandomGammaV2", "StatelessRandomPoisson", family="random", tolerance="eps 64")
def stateless_gamma(name, rng):
    for dtype in dtypes(name, "dtype"):
        if name == "StatelessRandomPoisson":
            yield Call([ints(6, 3), ints(1, 2), np.array([0.5, 5, 50], f64)], {"dtype": dtype})
        else:
            yield Call([ints(6, 3), ints(1, 2), np.array([0.5, 1, 3]).astype(dtype)])


@op("RandomIndexShuffle", family="random")
def index_shuffle(name, rng):
    for dtype, seed in combinations(name, "dtype", "Tseed"):
        for index, top in ((0, 9), (5, 9), (9, 9), (3, 1000)):
            yield Call([np.array(index, dtype), np.array([1, 2, 3], seed), np.array(top, dtype)])


@op("ToBool", family="math")
def to_bool(name, rng):
    for dtype in (f32, f64, i32, i64, np.int8, np.uint8, np.bool_, object):
        for shape in ((), (0,), (2,)):
            yield Call([values(rng, dtype, shape, 0, 1)])


@op("CountUpTo", "ResourceCountUpTo", family="state")
def count_up(name, rng):
    def build(feed):
        if name == "CountUpTo":
            variable = raw.VariableV2(shape=[], dtype=tf.int32, shared_name="v")
            assign, count = raw.Assign(ref=variable, value=feed(np.array(3, i32))).op, raw.CountUpTo(ref=variable, limit=5)
        else:
            variable = raw.VarHandleOp(dtype=tf.int32, shape=[], shared_name="v")
            assign, count = raw.AssignVariableOp(resource=variable, value=feed(np.array(3, i32))), raw.ResourceCountUpTo(resource=variable, limit=5, T=tf.int32)
        return [[assign], [count], [count], [count]]

    yield Scene(build, fails=True)
