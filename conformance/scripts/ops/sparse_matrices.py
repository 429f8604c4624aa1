"""Sparse matrices in compressed rows; each operator with what makes its inputs and what shows its results."""

import numpy as np
import tensorflow as tf
from calls import Scene, dtypes, f32, i32, i64, op, values

raw = tf.raw_ops
ROWS = np.array([[0, 1], [0, 3], [2, 0]], i64)
BATCH = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1]], i64)


def sparse(feed, rng, dtype, rows=ROWS, sizes=(3, 4)):
    """The matrix; TensorFlow wants to know its rank when the graph is made."""
    indices = tf.ensure_shape(feed(rows), [None, rows.shape[1]])
    return raw.SparseTensorToCSRSparseMatrix(indices=indices, values=feed(values(rng, dtype, (len(rows),))), dense_shape=feed(np.array(sizes, i64)))


def shown(matrix, dtype):
    return list(raw.CSRSparseMatrixToSparseTensor(sparse_matrix=matrix, type=dtype))


@op("SparseTensorToCSRSparseMatrix", "CSRSparseMatrixToSparseTensor", "CSRSparseMatrixToDense", "CSRSparseMatrixComponents", "SparseMatrixNNZ", family="sparse")
def conversions(name, rng):
    def scene(dtype, rows, sizes, index=0, fails=False):
        def build(feed):
            matrix = sparse(feed, rng, dtype, rows, sizes)
            if name == "CSRSparseMatrixToDense":
                return [raw.CSRSparseMatrixToDense(sparse_input=matrix, type=dtype)]
            if name == "CSRSparseMatrixComponents":
                return list(raw.CSRSparseMatrixComponents(csr_sparse_matrix=matrix, index=tf.ensure_shape(feed(np.array(index, i32)), []), type=dtype))
            return [raw.SparseMatrixNNZ(sparse_matrix=matrix)] if name == "SparseMatrixNNZ" else shown(matrix, dtype)

        return Scene(build, fails=fails)

    for dtype in dtypes("SparseTensorToCSRSparseMatrix"):
        yield scene(dtype, ROWS, (3, 4))
        yield scene(dtype, BATCH, (2, 2, 2), 1)
    yield scene(f32, ROWS[::-1].copy(), (3, 4))
    yield scene(f32, np.array([[0, 1], [0, 0], [0, 1]], i64), (1, 2))
    yield scene(f32, ROWS[:0], (3, 4))
    for rows, sizes in ((ROWS, (2, 4)), (ROWS, (3, 3)), (-ROWS, (3, 4)), (ROWS, (3, 4, 5)), (ROWS, (2**40, 4))):
        yield scene(f32, rows, sizes, fails=True)
    if name == "CSRSparseMatrixComponents":
        yield scene(f32, ROWS, (3, 4), 1, fails=True)
        yield scene(f32, ROWS, (3, 4), -1, fails=True)


@op("DenseToCSRSparseMatrix", family="sparse")
def from_dense(name, rng):
    """TensorFlow refuses to make the graph without the ranks."""
    def scene(dtype, shape, rows, fails=False):
        def build(feed):
            matrix = raw.DenseToCSRSparseMatrix(dense_input=tf.ensure_shape(feed(values(rng, dtype, shape)), [None] * len(shape)), indices=tf.ensure_shape(feed(np.array(rows, i64)), [None, len(shape)]))
            return shown(matrix, dtype)

        return Scene(build, fails=fails)

    for dtype in dtypes(name):
        yield scene(dtype, (2, 3), [[0, 1], [1, 2]])
        yield scene(dtype, (2, 2, 2), BATCH)
    for shape, rows in (((2, 3), [[0, 3]]), ((2, 3), [[-1, 0]])):
        yield scene(f32, shape, rows, fails=True)


@op("SparseMatrixTranspose", family="sparse")
def transposes(name, rng):
    for dtype in dtypes(name, "type"):
        for rows, sizes in ((ROWS, (3, 4)), (BATCH, (2, 2, 2))):
            for conjugate in (False, True):
                def build(feed, dtype=dtype, rows=rows, sizes=sizes, conjugate=conjugate):
                    return shown(raw.SparseMatrixTranspose(input=sparse(feed, rng, dtype, rows, sizes), type=dtype, conjugate=conjugate), dtype)

                yield Scene(build)


@op("SparseMatrixMatMul", family="sparse", tolerance="eps 16")
def products(name, rng):
    def scene(dtype, rows, sizes, other, fails=False, **attrs):
        def build(feed):
            return [raw.SparseMatrixMatMul(a=sparse(feed, rng, dtype, rows, sizes), b=feed(values(rng, dtype, other)), **attrs)]

        return Scene(build, fails=fails)

    for dtype in dtypes(name):
        yield scene(dtype, ROWS, (3, 4), (4, 2))
        yield scene(dtype, ROWS, (3, 4), (2, 4), adjoint_b=True, transpose_output=True)
        yield scene(dtype, ROWS, (3, 4), (3, 2), adjoint_a=True, conjugate_output=True)
        yield scene(dtype, ROWS, (3, 4), (2, 3), transpose_a=True, transpose_b=True)
        yield scene(dtype, BATCH, (2, 2, 2), (2, 2, 3))
    for other in ((3, 2), (4,), (1, 4, 2)):
        yield scene(f32, ROWS, (3, 4), other, fails=True)
    yield scene(f32, BATCH, (2, 2, 2), (3, 2, 2), fails=True)


@op("SparseMatrixSparseMatMul", family="sparse", tolerance="eps 16")
def sparse_products(name, rng):
    def scene(dtype, a, b, fails=False, **attrs):
        def build(feed):
            left, right = (sparse(feed, rng, dtype, *matrix) for matrix in (a, b))
            return shown(raw.SparseMatrixSparseMatMul(a=left, b=right, type=dtype, **attrs), dtype)

        return Scene(build, fails=fails)

    tall = (np.array([[0, 0], [1, 1], [3, 0], [3, 1]], i64), (4, 2))
    for dtype in dtypes(name, "type"):
        yield scene(dtype, (ROWS, (3, 4)), tall)
        yield scene(dtype, (ROWS, (3, 4)), (ROWS, (3, 4)), adjoint_b=True)
        yield scene(dtype, (ROWS, (3, 4)), (ROWS, (3, 4)), transpose_a=True)
        yield scene(dtype, (BATCH, (2, 2, 2)), (BATCH, (2, 2, 2)))
    yield scene(f32, (ROWS, (3, 4)), (ROWS, (3, 4)), fails=True)
    yield scene(f32, (ROWS, (3, 4)), (BATCH, (2, 4, 2)), fails=True)


@op("SparseMatrixOrderingAMD", family="sparse")
def orderings(name, rng):
    """TensorFlow refuses to make the graph of a matrix that is not square."""
    def scene(matrix, dtype=f32):
        def build(feed):
            dense = np.asarray(matrix, dtype)
            indices = np.argwhere(dense != 0)
            fixed = lambda value: tf.ensure_shape(feed(value), value.shape)
            return [raw.SparseMatrixOrderingAMD(input=raw.DenseToCSRSparseMatrix(dense_input=fixed(dense), indices=fixed(indices)))]

        return Scene(build)

    def grid(n, reach):
        """A mesh whose nodes are numbered at random."""
        near = np.eye(n, dtype=bool)
        for step in (1, reach):
            near |= np.eye(n, k=step, dtype=bool) | np.eye(n, k=-step, dtype=bool)
        order = rng.permutation(n)
        return near[order][:, order]

    for n, share in ((1, 1), (2, 0.5), (3, 0.5), (8, 0.3), (20, 0.1), (20, 0.4), (60, 0.03), (60, 0.1), (120, 0.02), (200, 0.1)):
        some = rng.random((n, n)) < share
        yield scene(some)
        yield scene(some | np.eye(n, dtype=bool))
        yield scene(some | some.T | np.eye(n, dtype=bool))
    for n, reach in ((16, 4), (100, 10), (200, 40)):
        yield scene(grid(n, reach))
    star = np.eye(40, dtype=bool)
    star[7] = star[:, 7] = star[30] = star[:, 30] = True
    for dtype in dtypes("SparseMatrixSparseCholesky", "type"):
        yield scene(np.stack([star, star[::-1, ::-1], grid(40, 6)]), dtype=dtype)
    yield scene(np.zeros((3, 3)))
    yield scene(np.zeros((0, 0)))


@op("SparseMatrixSparseCholesky", family="sparse", tolerance="eps 16")
def factors(name, rng):
    def scene(dtype, matrix, order, fails=False):
        def build(feed):
            dense = np.asarray(matrix, dtype)
            indices = np.argwhere(dense != 0)
            fixed = lambda value: tf.ensure_shape(feed(value), value.shape)
            made = raw.DenseToCSRSparseMatrix(dense_input=fixed(dense), indices=fixed(indices))
            factor = raw.SparseMatrixSparseCholesky(input=made, permutation=fixed(np.array(order, i32)), type=tf.dtypes.as_dtype(dtype))
            return shown(factor, dtype)

        return Scene(build, fails=fails)

    for dtype in dtypes(name, "type"):
        for n, share in ((1, 1), (3, 0.5), (6, 0.3), (12, 0.15), (20, 0.1)):
            half = values(rng, dtype, (n, n)) * (rng.random((n, n)) < share)
            whole = half + half.conj().T + np.eye(n) * 9 * n**0.5
            yield scene(dtype, whole, rng.permutation(n))
            yield scene(dtype, np.stack([whole, np.tril(whole)]), [rng.permutation(n), np.arange(n)])
    for matrix, order in (([[1, 2], [2, 1]], [0, 1]), (np.zeros((2, 2)), [0, 1]), (np.eye(2), [[0, 1]]), ([[4, 1, 2], [1, 0.25, 0.5], [2, 0.5, 6]], [0, 1, 2])):
        yield scene(f32, matrix, order, True)
    yield scene(f32, [[1, np.nan], [np.nan, 9]], [0, 1])
    yield scene(f32, [[1e-30, 0], [0, 9]], [1, 0])
