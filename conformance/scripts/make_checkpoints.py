"""Writes small checkpoints of every kind, with the tensors they hold, to crates/bundle/tests/data.

Each folder holds a checkpoint with prefix `ckpt` and `expected.tfrecord`: NamedTensorProtos whose tensors TensorFlow
reads back, as raw content where the dtype allows it.

    python conformance/scripts/make_checkpoints.py
"""

import pathlib
import shutil

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import named_tensor_pb2
from tensorflow.python.checkpoint import checkpoint_management

OUT = pathlib.Path(__file__).parents[2] / "crates/bundle/tests/data"
v1 = tf.compat.v1


def folder(name):
    path = OUT / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def expect(path, tensors):
    with tf.io.TFRecordWriter(str(path / "expected.tfrecord")) as writer:
        for name, tensor in tensors.items():
            tensor = tf.convert_to_tensor(tensor)
            if tensor.dtype in (tf.string, tf.variant):
                proto = tensor_pb2.TensorProto.FromString(tf.io.serialize_tensor(tensor).numpy())
            else:
                proto = tensor_pb2.TensorProto(dtype=tensor.dtype.as_datatype_enum, tensor_shape=tensor.shape.as_proto())
                proto.tensor_content = tensor.numpy().tobytes()
            writer.write(named_tensor_pb2.NamedTensorProto(name=name, tensor=proto).SerializeToString())


def save(prefix, tensors, specs=None):
    names = list(tensors)
    specs = specs or [""] * len(names)
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=names, shape_and_slices=specs, tensors=list(tensors.values()))


def numbers():
    dtypes = "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 complex64 complex128 bool"
    tensors = {}
    for dtype in f"{dtypes} int4 uint4".split():
        values = np.arange(6).reshape(2, 3) % (2 if dtype == "bool" else 7)
        tensors[f"number/{dtype}"] = tf.cast(tf.constant(values, tf.int8), dtype)
    for dtype in ("E5M2", "E4M3FN", "E4M3FNUZ", "E4M3B11FNUZ", "E5M2FNUZ"):
        number = types_pb2.DataType.Value(f"DT_FLOAT8_{dtype}")
        proto = tensor_pb2.TensorProto(dtype=number, float8_val=bytes(range(60, 66)))
        proto.tensor_shape.dim.add().size = 6
        tensors[f"number/{dtype}"] = tf.raw_ops.ParseTensor(serialized=proto.SerializeToString(), out_type=number)
    for dtype in (tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32):
        raw = {1: tf.int8, 2: tf.int16, 4: tf.int32}[dtype.size]
        raw = {tf.quint8: tf.uint8, tf.quint16: tf.uint16}.get(dtype, raw)
        tensors[f"number/{dtype.name}"] = tf.bitcast(tf.constant([1, 2], raw), dtype)
    return tensors


def plain():
    path = folder("plain")
    tensors = numbers() | {
        "empty": tf.zeros([0, 3]),
        "scalar": tf.constant(42, tf.int64),
        "strings": tf.constant([["", "a"], [b"\xff\x00", "x" * 200]]),
        "no_strings": tf.constant([], tf.string),
        "variant": tf.raw_ops.TensorListFromTensor(tensor=tf.eye(2), element_shape=[2]),
    }
    save(path / "ckpt", tensors)
    expect(path, tensors)


def sharded():
    path = folder("sharded")
    a, b = {"a": tf.range(4), "z": tf.constant(["z"])}, {"b": tf.range(5.0)}
    save(path / "one", a)
    save(path / "two", b)
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(path / "one"), str(path / "two")], destination_prefix=str(path / "ckpt")
    )
    expect(path, a | b)


def sliced():
    path = folder("sliced")
    rows, grid = tf.reshape(tf.range(12), (4, 3)), tf.reshape(tf.range(300.0), (3, 100))
    text = tf.constant(["a", "bc", "def"])
    parts = {"4 3 0,1:-": ("rows", rows[:1]), "4 3 1,3:-": ("rows", rows[1:])}
    for r0, r1 in ((0, 2), (2, 3)):
        for c0, c1 in ((0, 70), (70, 100)):
            parts[f"3 100 {r0},{r1 - r0}:{c0},{c1 - c0}"] = ("grid", grid[r0:r1, c0:c1])
    parts |= {"3 0,2": ("text", text[:2]), "3 2,1": ("text", text[2:]), "": ("zwhole", rows)}
    names, tensors = zip(*parts.values())
    tf.raw_ops.SaveV2(
        prefix=str(path / "ckpt"), tensor_names=names, shape_and_slices=list(parts), tensors=list(tensors)
    )
    expect(path, {"rows": rows, "grid": grid, "text": text, "zwhole": rows})


def objects():
    path = folder("objects")
    root = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0], name="v"), child=tf.train.Checkpoint(w=tf.Variable(3)))
    root.write(str(path / "ckpt"))
    prefix = str(path / "ckpt")
    checkpoint_management.update_checkpoint_state_internal(str(path), prefix, [prefix], save_relative_paths=True)
    expect(path, {"v/.ATTRIBUTES/VARIABLE_VALUE": root.v, "child/w/.ATTRIBUTES/VARIABLE_VALUE": root.child.w})


def legacy(name, shard):
    path = folder(name)
    values = {
        "f": np.arange(6, dtype=np.float32).reshape(2, 3), "d": np.array([1.5, 2.5]), "i": np.int32(7),
        "l": np.array([1 << 40, -1]), "u": np.array([200], np.uint8), "s": np.array([-3, 3], np.int16),
        "c": np.array([1 + 2j], np.complex64), "b": np.array([True, False]), "h": np.array([0.5], np.float16),
        "t": np.array([b"x", b"", b"yz"]), "long": np.zeros(300, np.float32), "empty": np.zeros((0, 2), np.float32),
    }
    parts = np.arange(20, dtype=np.int32).reshape(5, 4)
    with v1.Graph().as_default(), v1.Session() as session:
        for key, value in values.items():
            with tf.device("/cpu:0"):  # Variables without a device go to a shard of their own.
                v1.Variable(value, name=key, use_resource=False)
        partitioned = v1.get_variable(
            "parts", shape=parts.shape, dtype=tf.int32, partitioner=v1.fixed_size_partitioner(2), use_resource=False
        )
        session.run(v1.global_variables_initializer())
        session.run([part.assign(value) for part, value in zip(partitioned, np.split(parts, [3]))])
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1, sharded=shard)
        saver.save(session, str(path / "ckpt"), write_meta_graph=False, write_state=False)
    values["parts"] = parts
    expect(path, values)


def main():
    plain()
    sharded()
    sliced()
    objects()
    legacy("legacy", shard=False)
    legacy("legacy_sharded", shard=True)


if __name__ == "__main__":
    main()
