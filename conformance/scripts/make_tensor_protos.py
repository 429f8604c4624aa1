"""Writes proto/tests/data/tensors.tfrecord: TensorProtos in all forms, each followed by what TensorFlow reads.

A record is a serialized TensorProto; the next one is TensorFlow's own serialization of the tensor it parsed,
as raw content where the dtype allows it, or an empty record where TensorFlow refuses the message.

    python conformance/scripts/make_tensor_protos.py
"""

import pathlib

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

OUT = pathlib.Path(__file__).parents[2] / "proto/tests/data/tensors.tfrecord"

INTS = "INT32 UINT8 INT16 INT8 QINT8 QUINT8 QINT32 QINT16 QUINT16 UINT16 INT4 UINT4 INT2 UINT2".split()
FLOAT8 = "FLOAT8_E5M2 FLOAT8_E4M3FN FLOAT8_E4M3FNUZ FLOAT8_E4M3B11FNUZ FLOAT8_E5M2FNUZ FLOAT4_E2M1FN".split()

CASES = [
    *[(dtype, [2, 2], {"int_val": [1, -1, 70000]}) for dtype in INTS],
    *[(dtype, [3], {"tensor_content": b"\x01\x06\xff"}) for dtype in "UINT8 INT8 INT4 UINT4 INT2 UINT2".split()],
    *[(dtype, [3], {"float8_val": b"\x01\x05"}) for dtype in FLOAT8],
    ("FLOAT", [], {"float_val": [1.5]}),
    ("FLOAT", [3], {}),
    ("FLOAT", [3], {"float_val": [1, 2]}),
    ("FLOAT", [2], {"float_val": [1, 2, 3]}),
    ("FLOAT", [2], {"int_val": [1, 2]}),
    ("FLOAT", [2], {"tensor_content": bytes(range(8))}),
    ("FLOAT", [2], {"tensor_content": bytes(range(8)), "float_val": [9]}),
    ("FLOAT", [2], {"tensor_content": bytes(range(7))}),
    ("FLOAT", [0], {"tensor_content": bytes(range(7))}),
    ("FLOAT", [-1], {}),
    ("FLOAT", [1 << 40, 1 << 40], {"float_val": [1]}),
    ("FLOAT", [1] * 255, {"float_val": [1]}),
    ("FLOAT_REF", [1], {"float_val": [1]}),
    ("INVALID", [1], {"float_val": [1]}),
    ("DOUBLE", [3], {"double_val": [1, 2e300]}),
    ("HALF", [3], {"half_val": [0x3C00, 0x1BC00]}),
    ("BFLOAT16", [3], {"half_val": [0x3F80, 0x13F81]}),
    ("INT64", [3], {"int64_val": [-1, 1 << 62]}),
    ("UINT32", [3], {"uint32_val": [1, (1 << 32) - 1]}),
    ("UINT64", [3], {"uint64_val": [1, (1 << 64) - 1]}),
    ("BOOL", [3], {"bool_val": [True, False]}),
    ("BOOL", [2], {"tensor_content": b"\x01\x00"}),
    ("BOOL", [2], {"tensor_content": b"\x01\x02"}),
    ("COMPLEX64", [3], {"scomplex_val": [1, 2, 3]}),
    ("COMPLEX64", [3], {"scomplex_val": [1, 2, 3, 4]}),
    ("COMPLEX64", [3], {"scomplex_val": [1]}),
    ("COMPLEX128", [2], {"dcomplex_val": [1, 2, 3, 4]}),
    ("STRING", [3], {"string_val": [b"a", b"\xff\x00"]}),
    ("STRING", [1], {"string_val": [b"a", b"b"]}),
    ("STRING", [2], {}),
    ("STRING", [2], {"tensor_content": b"\x01\x02abc"}),
    ("STRING", [2], {"tensor_content": b"\x01\x02ab"}),
]


def message(dtype, shape, values):
    proto = tensor_pb2.TensorProto(dtype=getattr(types_pb2, "DT_" + dtype))
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    for name, value in values.items():
        if isinstance(value, bytes):
            setattr(proto, name, value)
        else:
            getattr(proto, name).extend(value)
    return proto


def raw_content(tensor):
    if tensor.dtype == tf.string:
        return tf.io.serialize_tensor(tensor).numpy()
    proto = tensor_pb2.TensorProto(dtype=tensor.dtype.as_datatype_enum, tensor_shape=tensor.shape.as_proto())
    values = tensor.numpy()
    if tensor.dtype.name in ("int4", "uint4", "int2", "uint2"):  # NumPy may leave unused bits of a byte set.
        values = values.astype("int32").astype("int8")
    proto.tensor_content = values.tobytes()
    return proto.SerializeToString()


def main():
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(OUT)) as writer:
        for case in CASES:
            proto = message(*case)
            writer.write(proto.SerializeToString())
            try:
                parsed = raw_content(tf.raw_ops.ParseTensor(serialized=proto.SerializeToString(), out_type=proto.dtype))
            except (tf.errors.InvalidArgumentError, TypeError):
                parsed = b""
            writer.write(parsed)


if __name__ == "__main__":
    main()
