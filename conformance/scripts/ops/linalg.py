"""Matrix products and decompositions."""

import numpy as np
import tensorflow as tf
from calls import VECTOR_SIZES, Bad, Call, Scene, combinations, dtypes, f32, f64, is_complex, is_float, op, periodic, values


@op("MatMul", family="linalg", tolerance="eps 32")
def matmul(name, rng):
    for dtype in dtypes(name):
        for ta in (False, True):
            for tb in (False, True):
                a, b = (3, 2) if ta else (2, 3), (4, 3) if tb else (3, 4)
                yield Call([values(rng, dtype, a), values(rng, dtype, b)], {"transpose_a": ta, "transpose_b": tb})
    for m, k, n in ((1, 1, 1), (1, 5, 1), (7, 3, 1), (1, 3, 7), (0, 3, 2), (2, 0, 3), (2, 3, 0), (5, 33, 17), (16, 16, 16), (31, 7, 15), (33, 65, 9), (6, 1, 8)):
        yield Call([values(rng, f32, (m, k)), values(rng, f32, (k, n))])
    for size in VECTOR_SIZES:
        yield Call([values(rng, f32, (3, size)), values(rng, f32, (size, size))])
    for dtype in (f32, f64):
        yield Call([periodic(rng, dtype, 9600).reshape(80, 120), periodic(rng, dtype, 12000).reshape(120, 100)])
    yield Call([np.array([[np.inf, 1], [0, np.nan]], f32), np.array([[0, 1], [2, 3]], f32)])
    for a, b in (((2, 3), (2, 3)), ((3,), (3, 2)), ((2, 3), (3,)), ((1, 2, 3), (3, 2))):
        yield Bad([values(rng, f32, a), values(rng, f32, b)])


@op("BatchMatMul", "BatchMatMulV2", family="linalg", tolerance="eps 32")
def batch_matmul(name, rng):
    for dtype in dtypes(name):
        for adj_x in (False, True):
            for adj_y in (False, True):
                x, y = (2, 3, 2) if adj_x else (2, 2, 3), (2, 4, 3) if adj_y else (2, 3, 4)
                yield Call([values(rng, dtype, x), values(rng, dtype, y)], {"adj_x": adj_x, "adj_y": adj_y})
    for x, y in (((2, 3), (3, 2)), ((2, 2, 3, 2), (2, 2, 2, 3)), ((0, 2, 3), (0, 3, 2)), ((2, 2, 0), (2, 0, 3)), ((3, 17, 8), (3, 8, 33)), ((8, 1, 16), (8, 16, 1))):
        yield Call([values(rng, f32, x), values(rng, f32, y)])
    wider = (((2, 3, 2), (2, 4)), ((3, 2), (4, 2, 3)), ((2, 1, 3, 2), (3, 2, 2)), ((1, 2, 3), (5, 3, 2)), ((2, 1, 1, 2, 3), (3, 1, 3, 2)))
    for x, y in wider:
        yield (Bad if name == "BatchMatMul" else Call)([values(rng, f32, x), values(rng, f32, y)])
    for x, y in (((2, 2, 3), (2, 2, 3)), ((2, 2, 3), (3, 3, 2)), ((3,), (3, 2))):
        yield Bad([values(rng, f32, x), values(rng, f32, y)])


@op("BatchMatMulV3", family="linalg", tolerance="eps 32")
def batch_matmul_v3(name, rng):
    for a, b, to in combinations(name, "Ta", "Tb", "Tout"):
        yield Call([values(rng, a, (2, 3, 5)), values(rng, b, (2, 5, 4))], {"Tout": to})
        yield Call([values(rng, a, (2, 1, 5, 3)), values(rng, b, (3, 4, 5))], {"Tout": to, "adj_x": True, "adj_y": True})
    yield Bad([values(rng, f32, (2, 2, 3)), values(rng, f32, (2, 2, 3))], attrs={"Tout": f32})


EINSUMS = (
    ("ij,jk->ik", (2, 3), (3, 4)), ("bij,bjk->bik", (2, 3, 2), (2, 2, 4)), ("ij->ji", (2, 3)), ("ii->i", (3, 3)), ("ii->", (3, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)),
    ("i,j->ij", (2,), (3,)), ("i,i->", (4,), (4,)), ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)), ("abcd,ade->abce", (2, 1, 2, 3), (2, 3, 2)), ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("bhqk,bhkd->bqhd", (2, 2, 3, 5), (2, 2, 5, 4)), ("btd,dhk->bthk", (2, 3, 4), (4, 2, 3)), ("bthk,hkd->btd", (2, 3, 2, 3), (2, 3, 4)), ("iij->ji", (2, 2, 3)), ("i...->...", (2, 3, 2)),
    ("ab,cd->abcd", (2, 2), (1, 3)), ("abc,cd->dab", (2, 2, 3), (3, 2)), ("...,...->...", (2, 3), (3,)), (",ab->ba", (), (2, 3)), ("ijk,kj->i", (2, 3, 4), (4, 3)), ("ij,ij->ij", (2, 3), (2, 3)), ("ij,jk->", (2, 3), (3, 2)), ("i->ii", (3,)),
)


@op("Einsum", family="linalg", tolerance="eps 32")
def einsum(name, rng):
    for equation, *shapes in EINSUMS:
        yield Call([[values(rng, f32, shape) for shape in shapes]], {"equation": equation})
    for dtype in dtypes(name):
        for equation, *shapes in (EINSUMS[0], EINSUMS[9]):
            yield Call([[values(rng, dtype, shape, -3, 3) for shape in shapes]], {"equation": equation})
    for equation, *shapes in (("ij,jk->ik", (2, 0), (0, 3)), ("ij,jk->ik", (0, 2), (2, 3))):
        yield Call([[values(rng, f32, shape) for shape in shapes]], {"equation": equation})
    for equation, *shapes in (("ij,jk->ik", (2, 3), (2, 3)), ("ij->ij", (2,)), ("ij,jk->il", (2, 3), (3, 2)), ("ij", (2, 3)), ("ij->iij", (2, 3, 4)), ("ij,jk->ik", (2, 3)), ("...ij->ij", (2, 2, 3)), ("ii->i", (2, 3))):
        yield Bad([[values(rng, f32, shape) for shape in shapes]], attrs={"equation": equation})


def solid(rng, dtype, *shape) -> np.ndarray:
    """Well conditioned square matrices."""
    x = values(rng, dtype, shape, -1, 1)
    return (x + 3 * np.eye(shape[-1])).astype(dtype)


def positive(rng, dtype, *shape) -> np.ndarray:
    x = values(rng, f64 if is_float(dtype) else np.complex128, shape, -1, 1)
    return (x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1])).astype(dtype)


@op("Cholesky", family="linalg", tolerance="eps 64")
def cholesky(name, rng):
    for dtype in dtypes(name):
        for shape in ((3, 3), (2, 4, 4), (1, 1)):
            yield Call([positive(rng, dtype, *shape)])
    yield Call([positive(rng, f32, 17, 17)])
    yield Call([np.zeros((0, 0), f32)])
    yield Call([np.zeros((2, 0, 0), f32)])
    for shape in ((2, 3), (3,)):
        yield Bad([values(rng, f32, shape)])


@op("MatrixInverse", family="linalg", tolerance="eps 256")
def inverse(name, rng):
    for dtype in dtypes(name):
        for shape in ((3, 3), (2, 4, 4), (1, 1)):
            for adjoint in (False, True):
                yield Call([solid(rng, dtype, *shape)], {"adjoint": adjoint})
    yield Call([np.zeros((0, 0), f32)])
    yield Call([solid(rng, f32, 17, 17)])
    yield Bad([np.ones((2, 2), f32)])
    yield Bad([values(rng, f32, (2, 3))])


@op("MatrixDeterminant", family="linalg", tolerance="eps 256")
def determinant(name, rng):
    for dtype in dtypes(name):
        for shape in ((3, 3), (2, 4, 4), (1, 1)):
            yield Call([solid(rng, dtype, *shape)])
    yield Call([np.ones((2, 2), f32)])
    yield Call([np.zeros((0, 0), f32)])
    yield Bad([values(rng, f32, (2, 3))])


@op("LogMatrixDeterminant", family="linalg", tolerance="eps 256")
def log_determinant(name, rng):
    for dtype in dtypes(name):
        for shape in ((3, 3), (2, 4, 4)):
            yield Call([solid(rng, dtype, *shape)])
    yield Bad([values(rng, f32, (2, 3))])


@op("MatrixSolve", family="linalg", tolerance="eps 256")
def solve(name, rng):
    for dtype in dtypes(name):
        for shape, right in (((3, 3), (3, 2)), ((2, 4, 4), (2, 4, 1))):
            for adjoint in (False, True):
                yield Call([solid(rng, dtype, *shape), values(rng, dtype, right)], {"adjoint": adjoint})
    yield Bad([np.ones((2, 2), f32), np.ones((2, 1), f32)])
    yield Bad([values(rng, f32, (2, 3)), values(rng, f32, (2, 1))])
    yield Bad([values(rng, f32, (3, 3)), values(rng, f32, (2, 1))])


@op("MatrixTriangularSolve", family="linalg", tolerance="eps 256")
def triangular_solve(name, rng):
    for dtype in dtypes(name):
        for lower in (False, True):
            for adjoint in (False, True):
                for shape, right in (((3, 3), (3, 2)), ((2, 4, 4), (2, 4, 1)), ((3, 3), (2, 3, 2))):
                    yield Call([solid(rng, dtype, *shape), values(rng, dtype, right)], {"lower": lower, "adjoint": adjoint})
    yield Bad([np.triu(np.ones((2, 2), f32)) * np.array([[1, 1], [1, 0]], f32), np.ones((2, 1), f32)])
    yield Bad([values(rng, f32, (2, 3)), values(rng, f32, (2, 1))])


@op("Qr", family="linalg", tolerance="eps 256")
def qr(name, rng):
    for dtype in dtypes(name):
        for shape in ((3, 3), (4, 2), (2, 3), (2, 3, 2)):
            for full in (False, True):
                yield Call([solid(rng, dtype, *shape) if shape[-1] == shape[-2] else values(rng, dtype, shape)], {"full_matrices": full})
    yield Bad([values(rng, f32, (3,))])


@op("Svd", family="linalg", tolerance="eps 256")
def svd(name, rng):
    """Vectors of complex matrices are free in phase: their absolute values and the product are compared."""

    def product(matrix):
        def build(feed):
            s, u, v = tf.raw_ops.Svd(input=feed(matrix), full_matrices=False)
            whole = tf.raw_ops.BatchMatMulV2(x=tf.raw_ops.Mul(x=u, y=tf.raw_ops.ExpandDims(input=s, axis=-2)), y=v, adj_y=True)
            return [s, whole, tf.raw_ops.ComplexAbs(x=u, Tout=s.dtype.real_dtype), tf.raw_ops.ComplexAbs(x=v, Tout=s.dtype.real_dtype)]

        return build

    for dtype in dtypes(name):
        for shape in ((3, 3), (4, 2), (2, 3), (2, 3, 2)):
            yield Call([values(rng, dtype, shape)], {"compute_uv": False}, outputs=(0,))
            matrix = values(rng, dtype, shape)
            yield Scene(product(matrix)) if is_complex(dtype) else Call([matrix], {"full_matrices": True})
    yield Bad([values(rng, f32, (3,))])


@op("SelfAdjointEigV2", family="linalg", tolerance="eps 256")
def eigenvalues(name, rng):
    for dtype in dtypes(name):
        for shape in ((3, 3), (2, 4, 4)):
            yield Call([positive(rng, dtype, *shape)], {"compute_v": False}, outputs=(0,))
            yield Call([positive(rng, dtype, *shape)])
    yield Bad([values(rng, f32, (2, 3))])


@op("Cross", family="linalg", tolerance="eps 4")
def cross(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (3,)), values(rng, dtype, (3,))])
        yield Call([values(rng, dtype, (2, 2, 3)), values(rng, dtype, (2, 2, 3))])
    yield Bad([values(rng, f32, (2,)), values(rng, f32, (2,))])
    yield Bad([values(rng, f32, (3,)), values(rng, f32, (2, 3))])


@op("Eig", family="linalg", tolerance="eps 1024")
def eigen(name, rng):
    """Eigenvectors are free in phase: their absolute values and `A v - v e` are compared."""

    def vectors(matrix, to):
        def build(feed):
            e, v = tf.raw_ops.Eig(input=feed(matrix), Tout=to)
            a = tf.raw_ops.Cast(x=feed(matrix), DstT=to)
            rest = tf.raw_ops.Sub(x=tf.raw_ops.BatchMatMulV2(x=a, y=v), y=tf.raw_ops.Mul(x=v, y=tf.raw_ops.ExpandDims(input=e, axis=-2)))
            return [e, tf.raw_ops.ComplexAbs(x=v, Tout=v.dtype.real_dtype), rest]

        return build

    for dtype, to in combinations(name, "T", "Tout"):
        if (np.dtype(dtype).itemsize * (1 if is_complex(dtype) else 2)) == np.dtype(to).itemsize:
            for shape in ((3, 3), (2, 4, 4), (1, 1)):
                yield Scene(vectors(values(rng, dtype, shape, -1, 1), tf.dtypes.as_dtype(to)))
            yield Call([positive(rng, dtype, 3, 3)], {"Tout": to})
            yield Call([values(rng, dtype, (5, 5), -1, 1)], {"Tout": to, "compute_v": False}, outputs=(0,))
    yield Bad([values(rng, f32, (2, 3))], attrs={"Tout": np.complex64})
    yield Bad([np.array([[np.nan]], f32)], attrs={"Tout": np.complex64})


@op("SelfAdjointEig", "BatchSelfAdjointEig", "BatchSelfAdjointEigV2", "BatchSvd", "BatchMatrixSolve", "BatchMatrixSolveLs", "BatchMatrixTriangularSolve",
    family="linalg", tolerance="eps 1024")
def batches(name, rng):
    for dtype in dtypes(name):
        if is_complex(dtype):
            continue
        square, right = positive(rng, dtype, 2, 3, 3), values(rng, dtype, (2, 3, 2))
        if "Solve" in name:
            yield Call([square, right, *([np.float64(0.1)] if "Ls" in name else [])])
        else:
            yield Call([square])
