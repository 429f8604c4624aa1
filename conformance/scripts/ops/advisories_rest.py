"""Calls from security advisories: what shape inference, handles in files, types of nodes and maps of tensors took on trust."""

import numpy as np
import tensorflow as tf
from calls import advisory, c64, f32, i32, i64
from ops.advisories import F, HUGE, L, N, S, raw
from ops.advisories_graphs import call, constant, doubled, node, spoiled
from ops.advisories_quantized import Q, quantized
from ops.array_shapes import ints
from ops.text import one, text

for id, places in (("jwf9-w5xm-f437", [[-1]]), ("jwf9-w5xm-f437", [[0], [-3]]), ("2022-35938", [[-(2**31)]]), ("2022-35938", [[2**31 - 1]])):
    advisory("GatherNd", id, [F(3, 2), np.array(places, i32)])
for shape in (np.zeros((1, 1), i32), ints(0), ints(-1), ints(2**31 - 1, 2**31 - 1), np.array(3, i32)):
    for parameter in (F(1), F(0), F(2, 2), F(3)):
        advisory("ParameterizedTruncatedNormal", "2022-35984", [shape, parameter, F(1), S(-1), F(1)], {"seed": 1, "seed2": 2})
for size in ((2**31 - 1, 2**31 - 1), (0, 2), (-1, 2), (2,), (2, 2, 2)):
    advisory("CropAndResize", "8jj7-5vxc-pg2q", [F(1, 3, 3, 1), np.array([[0, 0, 1, 1]], f32), ints(0), ints(*size)])
for name in ("AddManySparseToTensorsMap", "AddSparseToTensorsMap"):
    for places, count, shape in (([[0, 0]], 1, [HUGE, HUGE]), ([[0, 0]], 1, [2**32, 2**32]), ([[0, 0]], 2, [2, 2]), ([[0, 0, 0]], 1, [2, 2]), ([[5, 0]], 1, [2, 2]), ([[-1, 0]], 1, [2, 2]), ([[0, 0]], 1, [-1, 2]), ([[0]], 1, []), ([0], 1, [2])):
        def kept(feed, name=name, places=places, count=count, shape=shape):
            return [getattr(raw, name)(sparse_indices=feed(np.array(places, i64)), sparse_values=feed(F(count)), sparse_shape=feed(L(*shape)), shared_name="m")]

        advisory(name, "2cpx-427x-q2c6" if shape[:1] == [HUGE] else "6445-fm66-fvq2", kept)
for rows, columns in ((0, 0), (0, 3), (3, 0)):
    advisory("Svd", "2022-35988", [F(2, rows, columns)], {"full_matrices": False})
for value in (S(1), F(0), F(1), F(0, 3)):
    advisory("RandomShuffle", "2023-25674", [value], {"seed": 1, "seed2": 2})
for weights in (F(4), F(1), S(1), F(1, 2), F(2, 1)):
    advisory("Bincount", "2023-25675", [ints(1, 2), N(3), weights])
    advisory("DenseBincount", "2023-25675", [ints(1, 2), N(3), weights])
for values, shape in (([S(1), S(2)], [2]), ([S(1)], []), ([F(1, 2), F(2, 2)], [3, 2]), ([F(1, 2), F(1, 3)], [2, 2])):
    advisory("ParallelConcat", "2023-25676", [values], {"shape": shape})
for lengths in (L(0, 1), L(0, 2**31), L(-1, 1)):
    advisory("UnicodeEncode", "2022-29209", [ints(97), lengths], {"output_encoding": "UTF-8"})


# Maps of tensors look at the bytes of their keys.
for key in (S(1), one("key"), L(1, 2), text(), np.zeros((0, 2), c64), np.array(True)):
    def entered(feed, key=key, whole=True):
        kept = raw.TensorMapInsert(input_handle=raw.EmptyTensorMap(), key=feed(key), value=feed(F(2)))
        other = feed(key) if whole else feed(np.zeros(3, i64))
        dtype = tf.as_dtype("string" if key.dtype == object else key.dtype)
        return [raw.TensorMapSize(input_handle=kept), raw.TensorMapHasKey(input_handle=kept, key=other), raw.TensorMapStackKeys(input_handle=kept, key_dtype=dtype)]

    advisory("TensorMapInsert", "2022-29210", entered)
    advisory("TensorMapLookup", "2022-29210", lambda feed, key=key: [raw.TensorMapLookup(input_handle=raw.EmptyTensorMap(), key=feed(key), value_dtype=tf.float32)])
    advisory("TensorMapErase", "2022-29210", lambda feed, key=key: [raw.TensorMapSize(input_handle=raw.TensorMapErase(input_handle=raw.EmptyTensorMap(), key=feed(key), value_dtype=tf.float32))])


# Graphs that were changed after they were made.
def dequantize(feed):
    x, low, high = quantized(Q, F(2), F(2))(lambda value: feed(value) if np.ndim(value) < 2 else tf.constant(value))
    return [raw.Dequantize(input=x, min_range=low, max_range=high, axis=0, name="outer")]


for axis in (2**31 - 1, -(2**31), 2, -3):
    spoiled("Dequantize", "c6fh-56w7-fvjw", lambda graph, axis=axis: node(graph, "outer").attr["axis"].__setattr__("i", axis), dequantize)
for name, attrs in (("SparseMatrixNNZ", {}), ("CSRSparseMatrixToDense", {"type": tf.float32})):
    def no_matrix(feed, name=name, attrs=attrs):
        raw.EmptyTensorMap(name="inner")
        matrix = raw.SparseTensorToCSRSparseMatrix(indices=np.zeros((1, 2), i64), values=F(1), dense_shape=L(2, 2))
        return [getattr(raw, name)(**{"sparse_matrix" if name == "SparseMatrixNNZ" else "sparse_input": matrix}, **attrs, name="outer")]

    spoiled(name, "2022-41901", lambda graph: node(graph, "outer").input.__setitem__(0, "inner"), no_matrix)


def handle_of(kind, change):
    def spoil(graph):
        inner = node(graph, "inner")
        inner.attr["dtype"].type = kind
        tensor = inner.attr["value"].tensor
        tensor.Clear()
        tensor.dtype = kind
        change(tensor)

    return spoil


def resource(**fields):
    def change(tensor):
        handle = tensor.resource_handle_val.add(device="/cpu:0", container="c", name="n", **fields)
        shape = handle.dtypes_and_shapes.add(dtype=999)
        shape.shape.dim.add(size=-7)

    return change


def reading(feed):
    """A constant, which a change turns into a handle, and what reads a variable by it."""
    return [raw.ReadVariableOp(resource=raw.Placeholder(dtype=tf.resource, shape=None, name="inner"), dtype=tf.float32, name="outer")]


def made_constant(kind, change):
    def spoil(graph):
        inner = node(graph, "inner")
        inner.op = "Const"
        inner.attr.clear()
        inner.attr["value"].tensor.SetInParent()
        handle_of(kind, change)(graph)

    return spoil


RESOURCE, VARIANT = 20, 21
spoiled("ReadVariableOp", "8rcj-c8pj-v3m3", made_constant(RESOURCE, resource(hash_code=7, maybe_type_name="nonsense")), reading)
spoiled("ReadVariableOp", "8rcj-c8pj-v3m3", made_constant(RESOURCE, lambda tensor: None), reading)
spoiled("ReadVariableOp", "8rcj-c8pj-v3m3", made_constant(RESOURCE, lambda tensor: tensor.tensor_shape.dim.add(size=2**40)), reading)
spoiled("ReadVariableOp", "8rcj-c8pj-v3m3", made_constant(VARIANT, lambda tensor: tensor.variant_val.add(type_name="nonsense", metadata=b"\xff")), reading)
for change in (lambda kind: kind.__setattr__("type_id", 9999), lambda kind: kind.args.add(type_id=1), lambda kind: (kind.__setattr__("type_id", 1001), [kind.args.add(type_id=1001).args.add(type_id=3) for _ in range(5)])):
    for case in ("2022-36016", "rww7-2gpw-fv6j", "77gp-3h4r-6428"):
        place = "outer" if case == "2022-36016" else "inner"
        spoiled("Neg", case, lambda graph, change=change, place=place: change(node(graph, place).experimental_type), constant if place == "inner" and case[0] == "7" else doubled)


spoiled("PartitionedCall", "pqrv-8r2f-7278", lambda graph: graph.library.function.add().CopyFrom(graph.library.function[0]), call)
spoiled("PartitionedCall", "pqrv-8r2f-7278", lambda graph: graph.library.function[0].signature.input_arg[0].__setattr__("type", 999), call)
spoiled("PartitionedCall", "pqrv-8r2f-7278", lambda graph: node(graph, "PartitionedCall").attr["f"].func.__setattr__("name", ""), call)


def one_another(graph):
    """Two functions call each other for ever."""
    first = graph.library.function[0]
    second = graph.library.function.add()
    second.CopyFrom(first)
    second.signature.name = "the_other"
    for function, called in ((first, second), (second, first)):
        inner = function.node_def[0]
        inner.op = "PartitionedCall"
        inner.attr.clear()
        inner.attr["Tin"].list.type.append(1)
        inner.attr["Tout"].list.type.append(1)
        inner.attr["f"].func.name = called.signature.name
        function.node_def[1].input[0] = f"{inner.name}:output:0"


spoiled("PartitionedCall", "h67m-xg8f-fxcf", one_another, call)
spoiled("Neg", "8r7c-3cm2-3h8f", lambda graph: graph.node.add().CopyFrom(node(graph, "inner")))
