"""Operators that TensorFlow's rewrites leave in graphs, those of messages and vocabularies, and what tells of a run."""

import itertools

import numpy as np
import tensorflow as tf
from calls import ALL, Bad, Call, Scene, bf16, c64, c128, dtypes, f16, f32, f64, i8, i16, i32, i64, op, u8, u16, u32, u64, values
from google.protobuf import descriptor_pb2, text_format
from ops.array_shapes import ints
from ops.text import one, text
from tensorflow.python.framework import function

raw = tf.raw_ops


@op("DebugNumericSummaryV2", family="control")
def numeric_summaries(name, rng):
    unusual = np.array([[1, -1, 0, np.nan], [np.inf, -np.inf, 1e-45, -0.0]])
    for dtype in (f16, bf16, f32, f64, i8, i32, i64, u8, u16, u64, np.bool_):
        for mode in (2, 3, 4, 5, 8):
            x = unusual.astype(dtype) if dtype in (f16, bf16, f32, f64) else values(rng, dtype, (2, 3))
            yield Call([x], {"tensor_debug_mode": mode, "tensor_id": 7})
    for shape in ((), (0, 3), (1, 2, 1, 2, 1, 1, 3)):
        for mode in (3, 4, 5):
            yield Call([np.zeros(shape, f32)], {"tensor_debug_mode": mode, "output_dtype": f64})
    for mode in (-1, 0, 1, 6, 7, 9):
        yield Bad([np.ones(2, f32)], attrs={"tensor_debug_mode": mode})
    for mode in (2, 3, 4, 5):
        yield Bad([np.ones(2, f32)], attrs={"tensor_debug_mode": mode, "tensor_id": 2**24 + 1})
        yield Bad([np.ones(2, f32)], attrs={"tensor_debug_mode": mode, "tensor_id": 2**53 + 1, "output_dtype": f64})
    yield Call([np.ones(2, f32)], {"tensor_debug_mode": 8, "tensor_id": 2**53 + 1})
    yield Bad([text("a")], attrs={"tensor_debug_mode": 5})
    yield Bad([np.ones(2, c64)], attrs={"tensor_debug_mode": 5})


@op("DebugNanCount", family="control")
def nan_counts(name, rng):
    for dtype in (f16, bf16, f32, f64):
        yield Call([np.array([1, np.nan, np.inf, np.nan], dtype)], {"tensor_name": "x:0"})
    for dtype in (i8, i16, i32, i64, u8, u16, u32, u64):
        yield Call([values(rng, dtype, (3,))], {"tensor_name": "x:0"})
    yield Call([np.zeros((0, 2), f32)], {"tensor_name": "x"})
    yield Call([np.ones(2, f32)], {"tensor_name": "x:0", "gated_grpc": True})
    for label in ("", "x:y", "x:y:0"):
        yield Bad([np.ones(2, f32)], attrs={"tensor_name": label})
    yield Bad([text("a")], attrs={"tensor_name": "x"})


@op("XlaSharding", "XlaOptimizationBarrier", "XlaSpmdShardToFullShape", family="control")
def shardings(name, rng):
    for dtype in (f16, bf16, f32, f64, i8, i32, i64, u8, u16, u64, np.bool_, c64, c128):
        x = values(rng, dtype, (2, 3))
        if name.endswith("Barrier"):
            yield Call([[x, values(rng, f32, ())]])
        else:
            yield Call([x], {"manual_sharding": "", "full_shape": [2, 3]} if name.startswith("XlaSpmd") else {})
    if name == "XlaSharding":
        yield Bad([np.ones(2, f32)], attrs={"sharding": "zzz"})
        yield Bad([text("a")])
    elif name.startswith("XlaSpmd"):
        yield Bad([np.ones(2, f32)], attrs={"manual_sharding": "zzz", "full_shape": [2]})
        yield Bad([np.ones(2, f32)], attrs={"manual_sharding": "", "full_shape": [4]})
        yield Bad([text("a")], attrs={"manual_sharding": "", "full_shape": [1]})
    else:
        yield Bad([[text("a")]])


# Each function makes more of the error of the one before.
@op("_UnaryOpsComposition", family="xla", tolerance="eps 64")
def compositions(name, rng):
    functions = (
        ("Abs",), ("Abs", "Sqrt"), ("Elu", "Exp", "Expm1", "Floor"), ("Square", "Inv", "Log", "Log1p"), ("Neg", "Reciprocal", "Relu", "Relu6"),
        ("Round", "Ceil"), ("Abs", "Rsqrt", "Selu"), ("Sin", "Cos", "Tanh", "Sigmoid"),
    )
    wide = (("Abs", "Acosh"), ("Tanh", "Acos", "Asin"), ("Asinh", "Atan", "Cosh", "Atanh"), ("Rint",), ("Sinh", "Tan"))
    for dtype in (f16, f32, f64):
        for names in (*functions, *(wide if dtype is not f16 else ())):
            for shape in ((), (3, 19), (0, 2)):
                yield Call([values(rng, dtype, shape)], {"op_names": list(names)})
            yield Call([np.array([np.nan, np.inf, -np.inf, -0.0, 0], dtype)], {"op_names": list(names)})
    for names in ([], ["Abs", "Softplus"], [""], ["Identity"], ["Erf"]):
        yield Bad([values(rng, f32, (2,))], attrs={"op_names": names})
    yield Bad([values(rng, f16, (2,))], attrs={"op_names": ["Acos"]})


@op("RandomCrop", family="random")
def crops(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (5, 7, 3)), np.array([2, 3], i64)], {"seed": 3, "seed2": 5})
    image = values(rng, f32, (4, 6, 2))
    for size in ([4, 6], [0, 0], [1, 6], [4, 1], [2**32 + 2, 3], [3, 5]):
        yield Call([image, np.array(size, i64)], {"seed": 9})
    yield Call([image[..., :0], np.array([2, 3], i64)], {"seed": 9})
    for size in ([5, 6], [4, 7], [1], [[1, 2]], [1, 2, 3]):
        yield Bad([image, np.array(size, i64)], attrs={"seed": 9})
    yield Bad([image[0], np.array([1, 1], i64)], attrs={"seed": 9})


@op("StatefulStandardNormal", family="random", tolerance="eps 8")
def old_stateful_normal(name, rng):
    def scene(state, dtype=tf.float32, shape=(5,), sizes=i64, fails=False):
        def build(feed):
            variable = raw.VarHandleOp(dtype=tf.int64, shape=None, shared_name="state")
            assign = raw.AssignVariableOp(resource=variable, value=feed(np.array(state, i64)))
            drawn = raw.StatefulStandardNormal(resource=variable, shape=feed(np.array(shape, sizes)), dtype=dtype)
            read = raw.ReadVariableOp(resource=variable, dtype=tf.int64)
            return [[assign], [drawn]] if fails else [[assign], [drawn], [read], [drawn]]

        return Scene(build, fails=fails)

    for dtype in (tf.float16, tf.bfloat16, tf.float32, tf.float64):
        yield scene([1, 2, 3, 4], dtype, (3, 7))
    for state in ([3, 1, 2, 3], [1, -1, -1, 5, 6], [1, 2**62, -(2**63), 4]):
        yield scene(state, sizes=i32)
    for state in ([1, 2, 3], [2, 1, 2, 3], [5, 1, 2, 3], [], [[1, 2, 3, 4]], [7]):
        yield scene(state, fails=True)
    yield scene([1, 2, 3, 4], shape=(-1,), fails=True)


@op("StochasticCastToInt", family="random")
def stochastic_casts(name, rng):
    key, counter, philox = np.array([7], u64), np.array([5, 9], u64), np.array(1, i32)
    for dtype in (f16, bf16, f32, f64):
        for to in (i8, i16, i32):
            for size in (1, 5, 8, 19, 40):
                x = values(rng, dtype, (size,), -30, 30)
                x[::4] = np.floor(x[::4].astype(f32)).astype(dtype)
                yield Call([x, key, counter, philox], {"Tout": to})
            special = np.array([np.nan, np.inf, -np.inf, 1e5, -1e5, 127.5, -128.5, 0, -0.0, 3e9], f64).astype(dtype)
            yield Call([special, key, counter, np.array(3, i32)], {"Tout": to})
    x = np.array([1.5, 2.5], f32)
    yield Call([x.reshape(2, 1), key, counter, philox], {"Tout": i32})
    yield Bad([x, key, counter, np.array(2, i32)], attrs={"Tout": i32})
    yield Bad([x, key, counter, np.array([1], i32)], attrs={"Tout": i32})
    yield Bad([x, counter, counter, philox], attrs={"Tout": i32})
    yield Bad([x, key, key[:0], philox], attrs={"Tout": i32})


@op("GenerateVocabRemapping", family="lookup")
def remappings(name, rng):
    number = itertools.count()

    def scene(new, old, fails=False, **attrs):
        place = f"/tmp/savedmodel-conformance-{name}-{next(number)}"

        def build(feed):
            paths = [feed(np.array((place + label).encode(), object)) for label in ("new", "old")]
            written = [raw.WriteFile(filename=path, contents=feed(np.array(content, object))) for path, content in zip(paths, (new, old))]
            with tf.control_dependencies(written):
                made = raw.GenerateVocabRemapping(new_vocab_file=tf.identity(paths[0]), old_vocab_file=tf.identity(paths[1]), **attrs)
            return [list(made)]

        return Scene(build, fails=fails)

    new, old = b"a\nb\nc\nd\n", b"c\na\nx\n"
    yield scene(new, old, new_vocab_offset=0, num_new_vocab=4)
    yield scene(new, old, new_vocab_offset=1, num_new_vocab=2, old_vocab_size=1)
    yield scene(new, old, new_vocab_offset=1, num_new_vocab=0)
    yield scene(b"a\na\nb", new, new_vocab_offset=0, num_new_vocab=3)
    for bad in ((new, old, 1, 4, -1), (new, b"a\na\n", 0, 4, -1), (b"", new, 0, 0, -1), (new, b"", 0, 1, -1), (new, old, 0, 1, 9), (new, old, 0, 1, 0), (new, old, 2**31 - 1, 4, -1)):
        yield scene(*bad[:2], fails=True, new_vocab_offset=bad[2], num_new_vocab=bad[3], old_vocab_size=bad[4])
    yield Bad([one(""), one("x")], attrs={"new_vocab_offset": 0, "num_new_vocab": 1})
    yield Bad([one("/none/x"), one("x")], attrs={"new_vocab_offset": 0, "num_new_vocab": 1})
    yield Bad([text("x"), one("x")], attrs={"new_vocab_offset": 0, "num_new_vocab": 1})


@op("RefSelect", family="state")
def selected_references(name, rng):
    def scene(index, fails=False):
        def build(feed):
            variables = [raw.VariableV2(shape=[2], dtype=tf.float32, shared_name=f"v{i}") for i in range(3)]
            start = [raw.Assign(ref=variable, value=feed(np.array([i, i + 1], f32))) for i, variable in enumerate(variables)]
            chosen = raw.RefSelect(index=feed(np.array(index, i32)), inputs=variables)
            return [[item.op for item in start], [tf.identity(chosen)], [raw.AssignAdd(ref=chosen, value=feed(np.array([10, 20], f32)))], [tf.identity(v) for v in variables]][: 2 if fails else 4]

        return Scene(build, fails=fails)

    for index in (0, 1, 2):
        yield scene(index)
    for index in (-1, 3, [1]):
        yield scene(index, fails=True)


@op("Save", "SaveSlices", family="io")
def old_saves(name, rng):
    number = itertools.count()

    def scene(names, tensors, slices=None, restored=None, fails=False, file=None):
        file = file or f"/tmp/savedmodel-conformance-{name}-{next(number)}".encode()

        def build(feed):
            inputs = {"filename": feed(np.array(file, object)), "tensor_names": feed(np.array(names, object)), "data": [feed(x) for x in tensors]}
            if name == "SaveSlices":
                inputs["shapes_and_slices"] = feed(np.array(slices if slices is not None else [b""] * len(names), object))
            saved = getattr(raw, name)(**inputs)
            if fails:
                return [[saved]]
            back = []
            for label, dtype in restored or [(label, tensors[i].dtype) for i, label in enumerate(names)]:
                kind = tf.string if dtype == object else tf.dtypes.as_dtype(dtype)
                back.append(raw.Restore(file_pattern=feed(np.array(file, object)), tensor_name=feed(np.array(label, object)), dt=kind))
            return [[saved], back]

        return Scene(build, fails=fails)

    for dtype in (f16, f32, f64, i8, i16, i32, i64, u8, u16, np.bool_, c64, c128, object):
        yield scene([b"x", b"y"], [values(rng, dtype, (2, 3)), values(rng, dtype, ())])
    yield scene([b"x"], [np.zeros((0, 2), f32)])
    for dtype in (bf16, u32, u64):
        yield scene([b"x"], [values(rng, dtype, (2,))], fails=True)
    pair = [np.array([1, 2], f32), np.array([3, 4], f32)]
    yield scene([b"x", b"y", b"z"], pair, [b""] * 2, fails=True)
    yield scene([b"x"], pair[:1], fails=True, file=b"/none/x")
    yield scene([b"x", b"x"], [pair[0], np.ones(3, f32)], fails=True)
    if name == "SaveSlices":
        yield scene([b"x", b"x"], pair, [b"4 0,2", b"4 2,2"], [(b"x", f32)])
        for slices in ([b"4 0,2", b"5 2,2"], [b"4 0,3", b"4 2,2"], [b"foo", b""], [b""], [b"4 3,2", b""]):
            yield scene([b"x", b"x"], pair, slices, fails=True)
        yield scene([b"x", b"x"], [pair[0], np.ones(2, i32)], [b"4 0,2", b"4 2,2"], fails=True)


@op("_TensorToHashBucketFast", family="text")
def hashed_numbers(name, rng):
    for dtype in (i8, i16, i32, i64, u8, u16, u32, u64):
        info = np.iinfo(dtype)
        x = [np.array([[info.min, info.max], [0, 7]], dtype)]
        # TensorFlow has kernels for those without a sign, which refuse.
        yield Bad(x, attrs={"num_buckets": 7}) if info.min == 0 else Call(x, {"num_buckets": 1000003})
    yield Call([np.zeros((0, 2), i32)], {"num_buckets": 10})
    yield Bad([np.ones(2, i32)], attrs={"num_buckets": 0})
    yield Bad([np.ones(2, f32)], attrs={"num_buckets": 10})


@op("_If", "_While", family="control")
def rewritten_flow(name, rng):
    def build(feed):
        @function.Defun(tf.int32, tf.float32)
        def below(i, x):
            return tf.less(i, 5)

        @function.Defun(tf.int32, tf.float32)
        def turn(i, x):
            return i + 1, x * 2.0

        @function.Defun(tf.float32)
        def double(x):
            return x * 2.0

        @function.Defun(tf.float32)
        def negative(x):
            return -x

        graph = tf.compat.v1.get_default_graph()
        for made in (below, turn, double, negative):
            made.add_to_graph(graph)
        x = feed(values(rng, f32, (2, 2)))

        if name == "_If":
            conditions = (feed(np.array(True)), feed(np.array(False)), feed(np.array(3, i32)), feed(np.zeros(0, f32)))
            attrs = [branches(double.name, negative.name, condition.dtype) for condition in conditions]
            return [list(graph.create_op(name, [condition, x], [tf.float32], attrs=a, name="chosen").outputs) for condition, a in zip(conditions, attrs)]
        made = graph.create_op(name, [feed(np.array(0, i32)), x], [tf.int32, tf.float32], attrs=loop(below.name, turn.name), name="repeated")
        return [list(made.outputs)]

    yield Scene(build)


def types(*of):
    value = tf.compat.v1.AttrValue()
    value.list.type.extend(dtype.as_datatype_enum for dtype in of)
    return value


def named(function):
    return tf.compat.v1.AttrValue(func=tf.compat.v1.NameAttrList(name=function))


def branches(then_branch, else_branch, condition):
    return {"Tcond": tf.compat.v1.AttrValue(type=condition.as_datatype_enum), "Tin": types(tf.float32), "Tout": types(tf.float32), "then_branch": named(then_branch), "else_branch": named(else_branch)}


def loop(cond, body):
    return {"T": types(tf.int32, tf.float32), "cond": named(cond), "body": named(body)}


DESCRIPTORS = """
file { name: "a.proto" package: "p" syntax: "proto2"
  message_type { name: "M"
    field { name: "d" number: 1 label: LABEL_OPTIONAL type: TYPE_DOUBLE default_value: "1.5" }
    field { name: "f" number: 2 label: LABEL_OPTIONAL type: TYPE_FLOAT default_value: "-inf" }
    field { name: "i64" number: 3 label: LABEL_OPTIONAL type: TYPE_INT64 default_value: "-7" }
    field { name: "u64" number: 4 label: LABEL_OPTIONAL type: TYPE_UINT64 default_value: "300" }
    field { name: "i32" number: 5 label: LABEL_OPTIONAL type: TYPE_INT32 default_value: "-300" }
    field { name: "x64" number: 6 label: LABEL_OPTIONAL type: TYPE_FIXED64 default_value: "1000" }
    field { name: "x32" number: 7 label: LABEL_OPTIONAL type: TYPE_FIXED32 default_value: "257" }
    field { name: "b" number: 8 label: LABEL_OPTIONAL type: TYPE_BOOL default_value: "true" }
    field { name: "s" number: 9 label: LABEL_OPTIONAL type: TYPE_STRING default_value: "dflt" }
    field { name: "g" number: 10 label: LABEL_OPTIONAL type: TYPE_GROUP type_name: ".p.M.G" }
    field { name: "m" number: 11 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.M" }
    field { name: "y" number: 12 label: LABEL_OPTIONAL type: TYPE_BYTES default_value: "a\\000b" }
    field { name: "u32" number: 13 label: LABEL_OPTIONAL type: TYPE_UINT32 default_value: "4000000000" }
    field { name: "e" number: 14 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".p.E" default_value: "TWO" }
    field { name: "sx32" number: 15 label: LABEL_OPTIONAL type: TYPE_SFIXED32 default_value: "-9" }
    field { name: "sx64" number: 16 label: LABEL_OPTIONAL type: TYPE_SFIXED64 }
    field { name: "s32" number: 17 label: LABEL_OPTIONAL type: TYPE_SINT32 default_value: "-5" }
    field { name: "s64" number: 18 label: LABEL_OPTIONAL type: TYPE_SINT64 }
    field { name: "e2" number: 19 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".p.E" }
    field { name: "ri" number: 20 label: LABEL_REPEATED type: TYPE_INT32 }
    field { name: "rip" number: 21 label: LABEL_REPEATED type: TYPE_INT32 options { packed: true } }
    field { name: "rs" number: 22 label: LABEL_REPEATED type: TYPE_STRING }
    field { name: "re" number: 23 label: LABEL_REPEATED type: TYPE_ENUM type_name: ".p.E" }
    field { name: "rd" number: 24 label: LABEL_REPEATED type: TYPE_DOUBLE }
    field { name: "rfp" number: 25 label: LABEL_REPEATED type: TYPE_FLOAT options { packed: true } }
    nested_type { name: "G" field { name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 } }
    extension_range { start: 100 end: 200 }
  }
  enum_type { name: "E" value { name: "ONE" number: 1 } value { name: "TWO" number: 2 } value { name: "NEG" number: -1 } }
  extension { name: "ext" extendee: ".p.M" number: 100 label: LABEL_OPTIONAL type: TYPE_INT32 }
}
file { name: "b.proto" package: "q" syntax: "proto3"
  message_type { name: "N"
    field { name: "i" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 }
    field { name: "s" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "r" number: 3 label: LABEL_REPEATED type: TYPE_INT64 }
    field { name: "n" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".q.N" }
    field { name: "o" number: 5 label: LABEL_OPTIONAL type: TYPE_INT32 oneof_index: 0 }
    field { name: "p" number: 6 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
    oneof_decl { name: "one" }
  }
  message_type { name: "R"
    field { name: "n" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".q.N" }
  }
}
"""
SOURCE = b"bytes://" + text_format.Parse(DESCRIPTORS, descriptor_pb2.FileDescriptorSet()).SerializeToString()
FIELDS = {
    "d": f64, "f": f32, "i64": i64, "u64": u64, "i32": i32, "x64": u64, "x32": u32, "b": np.bool_, "s": object, "g": object,
    "m": object, "y": object, "u32": u32, "e": i32, "sx32": i32, "sx64": i64, "s32": i32, "s64": i64, "e2": i32, "ri": i32,
    "rip": i32, "rs": object, "re": i32, "rd": f64, "rfp": f32,
}
WIDER = {"f": f64, "i32": i64, "x32": u64, "u32": u64, "sx32": i64, "s32": i64, "ri": i64, "rip": i64, "rfp": f64}
# Tags and values of all fields of M.
WHOLE = (
    b"\x09\0\0\0\0\0\0\x08\x40\x15\0\0\x20\xc0\x18\x05\x20\x06\x28\xf9\xff\xff\xff\xff\xff\xff\xff\xff\x01\x31\1\2\3\4\5\6\7\x88\x3d\1\2\3\x84"
    b"\x40\0\x4a\2hi\x53\x08\x05\x54\x5a\2\x28\1\x62\1\xff\x68\xff\xff\xff\xff\x0f\x70\x09\x7d\1\2\3\x84\x81\1\1\2\3\4\5\6\7\x88\x88\1\x0d\x90\1\x0e\x98\1\2"
    b"\xa0\1\3\xa2\1\2\4\5\xaa\1\2\6\7\xa8\1\x08\xb2\1\1p\xb2\1\0\xb8\1\2\xba\1\2\1\2\xc1\1\0\0\0\0\0\0\xf0\x3f\xca\1\4\0\0\0\x40"
)


def tf_types(kinds):
    return [tf.string if kind is object else tf.dtypes.as_dtype(kind) for kind in kinds]


def blobs(*items):
    return np.array(list(items) + [None], object)[:-1]


def decoding(data, names, kinds=None, **rest):
    attrs = {"field_names": names, "output_types": tf_types(kinds or [FIELDS.get(n, i32) for n in names]), "message_type": "p.M", "descriptor_source": SOURCE}
    return [data if isinstance(data, np.ndarray) else blobs(*data)], {**attrs, **rest}


@op("DecodeProtoV2", family="parsing")
def decoded_protos(name, rng):
    def good(data, names, kinds=None, **rest):
        inputs, attrs = decoding(data, names, kinds, **rest)
        return Call(inputs, attrs)

    def bad(data, names, kinds=None, **rest):
        inputs, attrs = decoding(data, names, kinds, **rest)
        return Bad(inputs, attrs=attrs)

    everything = list(FIELDS)
    yield good([WHOLE, b""], everything)
    yield good([b"", WHOLE, WHOLE + WHOLE], everything[::-1])
    yield good([WHOLE, b""], list(WIDER), list(WIDER.values()))
    yield good(np.array([[WHOLE, b""], [b"\x28\2\x28\3", WHOLE[9:]]], object), ["i32", "rs", "m"])
    yield good([WHOLE], everything, sanitize=True)
    for field in FIELDS:
        yield good([WHOLE, b"\xf8\x3f\x01"], [field])
    yield good([b"\xa0\6\5"], ["p.ext", "i32"])
    yield good([b"\x28\5"], ["i32", "i32"])
    yield good([b"\x28\1\x18\2\x28\7"], ["i32", "i64"])
    for data in (b"\x2a\x0a" + b"\xff" * 9 + b"\1", b"\x2d\1\0\0\0", b"\x2a\0", b"\x2a\2\5\6\x28\1", b"\xa8\x80\x80\x80\x80\0\5", b"\x29\1\2\3\4\5\6\7\x08", b"\x28" + b"\xff" * 9 + b"\1"):
        yield good([data], ["i32"], [i64])
    yield good([b"\xa2\1\x0a" + b"\xff" * 9 + b"\1\xa0\1" + b"\xff" * 9 + b"\1"], ["ri"], [i64])
    yield good([b"\x40\x80\x80\x80\x80\x10", b"\x42\1\0"], ["b"])
    yield good([b"\x53\x53\x54\x54"], ["g"])
    yield good([b"\x4a\2\xff\xfe"], ["s"], sanitize=True)
    yield good([b"\x5a\2\x28\1\x5a\3\x4a\1z\x28\7"], ["m", "i32"], sanitize=True)
    yield good([b"\x70\7\x5a\5\x28\5\x4a\1q"], ["e", "m"], sanitize=True)
    words = b'i32: 5 m { s: "q" i32: 3 ri: [2, 1] rip: 4 } rip: [1, 2] G { a: 1 } [p.ext]: 3 f: nan e: NEG b: false y: "\\001"'
    yield good([words], ["i32", "m", "rip", "g", "p.ext", "f", "e", "b", "y"], message_format="text")
    for data in (b"zz: 5", b"i32: 5 i32: 6", b"e: THREE", b"e: 7", b"i32: 'x'", b"i32: 5 }", b"m {", b"i32: 99999999999"):
        yield bad([data], ["i32"], message_format="text")
    third = {"message_type": "q.N"}
    many = [["i", "s", "r", "n", "o", "p"], [i32, object, i64, object, i32, object]]
    for data in (b"\x08\0\x12\0\x1a\2\1\2\x22\4\x10\1\x08\0\x28\1\x32\1x", b"\x22\7\x18\5\x18\6\x12\1a\x22\2\x08\7"):
        yield good([data], *many, **third)
        yield good([data], *many, sanitize=True, **third)
    yield good([b'i: 0 r: [1, 2] n { s: "a" } p: ""'], *many, message_format="text", **third)
    yield bad([b"\x12\1\xff"], ["s"], sanitize=True, **third)
    yield bad([b"o: 1 p: 'x'"], ["o"], [i32], message_format="text", **third)
    example = tf.train.Example(features=tf.train.Features(feature={"a": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, 2]))}))
    yield good([example.SerializeToString()], ["features"], [object], message_type="tensorflow.Example", descriptor_source="local://")
    yield good([b"\x0d\0\0\x80\x3f"], ["value"], [f32], message_type="tensorflow.FloatList", descriptor_source="local://")
    corrupt = (b"\x2a\1\x85", b"\x53\x08\5", b"\x5a\5\x28\1", b"\x54", b"\0", b"\x28", b"\x28\1\0\x28\2", b"\x34", b"\x28\1\x0c\x28\2", b"\x28" + b"\xff" * 10 + b"\1", b"\x28\1\x2a\0", b"\x53" * 150 + b"\x54" * 150, b"\1\0", b"\x2a\x80\x80\x80\x80\x10")
    for data in corrupt:
        yield bad([data], ["i32", "g", "m"])
    yield bad([b"\xa0\1\1\xa2\1\0"], ["ri"])
    yield bad([b"\xc2\1\7abcdefg"], ["rd"])
    yield bad([], ["i32"])
    yield bad([b""], ["zz"])
    yield bad([b""], ["ext"])
    yield bad([b""], ["i32"], [f32])
    yield bad([b""], ["i32"], [i32, i32])
    for attrs in ({"message_type": "p.X"}, {"message_type": ".p.M"}, {"descriptor_source": b"bytes://"}, {"descriptor_source": b"/none/x"}, {"descriptor_source": b"bytes://zzz"}, {"descriptor_source": "local://"}, {"message_format": "json"}):
        yield bad([b""], ["i32"], **attrs)


@op("EncodeProto", family="parsing")
def encoded_protos(name, rng):
    def call(sizes, arrays, names, bad=False, **rest):
        attrs = {"field_names": names, "message_type": "p.M", "descriptor_source": SOURCE, **rest}
        inputs = [np.array(sizes, i32), arrays]
        return Bad(inputs, attrs=attrs) if bad else Call(inputs, attrs)

    kinds = {**FIELDS, "g": object, "m": object}
    some = {field: values(rng, kind, (2, 3), -5, 100) for field, kind in kinds.items()}
    sizes = rng.integers(0, 4, (2, len(kinds)))
    yield call(sizes, list(some.values()), list(some))
    yield call(sizes, list(some.values())[::-1], list(some)[::-1])
    for field, kind in {**kinds, **{f"{k} ": v for k, v in WIDER.items()}}.items():
        field = field.strip()
        x = values(rng, kind, (1, 2, 2), -5, 2**40 if kind in (i64, u64) else 100)
        yield call([[[2], [1]]], [x], [field])
    for size in (-1, -3):
        for field in ("ri", "rip", "rfp", "rs"):
            yield call([[size]], [values(rng, kinds[field], (1, 2))], [field])
    yield call(np.zeros((0, 1)), [np.zeros((0, 2), i32)], ["i32"])
    yield call([[1, 1]], [ints([3]).astype(i32), ints([4]).astype(i32)], ["i32", "i32"])
    x = np.array([[3]], i32)
    yield call([[1]], [np.array([[2]], i64)], ["r"], message_type="q.N")
    yield call([[1]], [x], ["p.ext"], bad=True)
    yield call([[1]], [x.astype(f32)], ["i32"], bad=True)
    yield call([1], [x[0]], ["i32"], bad=True)
    yield call([[1], [1]], [x], ["i32"], bad=True)
    yield call([[1, 1]], [x, np.array([[3], [4]], i32)], ["i32", "ri"], bad=True)
    yield call([[1, 1]], [x], ["i32", "ri"], bad=True)
    yield call([[2]], [x], ["i32"], bad=True)
    yield call([[1]], [x], ["zz"], bad=True)
    yield call([[1]], [x], ["i32"], message_type="p.X", bad=True)
    yield call([[1]], [x], ["i32"], descriptor_source=b"bytes://zzz", bad=True)


@op("DecodeJSONExample", family="parsing")
def json_examples(name, rng):
    def text_of(kind, value):
        return b'{"features":{"feature":{"a":{"' + kind + b'":{"value":' + value + b"}}}}}"

    integers = (b'"1e2"', b"1e2", b'"1.0"', b'"+1"', b'"-0x1"', b'"010"', b"-0", b"9223372036854775807", b"-9223372036854775808", b"[[1], 2, [[3]]]", b"10.50e1", b'"0X1F"', b"[null, 1]", b"[]", b"null", b"[1, 2,]")
    floats = (b'" 1 "', b'"0x1"', b'"inf"', b'"-Infinity"', b'"nan"', b'"NaN"', b'"1e400"', b"1e-50", b"[1e+2, -0.5, null]", b'"+1"', b"3.4028234e38", b"1e-40")
    strings = (b'"aG"', b'"aGk"', b'["aGk=", ""]', b'"aGl"', b"'aGk='", b'"\\u0061Gk="', b"null", b'"+/-_"')
    yield Call([blobs(*(text_of(b"int64List", v) for v in integers))])
    yield Call([blobs(*(text_of(b"float_list", v) for v in floats))])
    yield Call([blobs(*(text_of(b"bytesList", v) for v in strings)).reshape(2, 4)])
    feature = lambda inner: b'{"features":{"feature":{' + inner + b"}}}"
    whole = (
        b"{}", b'{"features":{}}', b'{"features":null}', b'{"features":{"feature":null}}', b"{'features':{}}", b"{features:{},}", b' {"features" : { } } ',
        b'{"features":{},"features":{}}', feature(b'"a":null'), feature(b'"a":{}, "b":{}'), feature(b'"":{}'), feature(b"a:{}"), feature(b"'a\"':{}"),
        feature(b'"\\ud83d\\ude00":{}'), feature(b'"a\tb\0":{}'), feature(b'"\\\'\\/\\b\\f\\r\\t\\n\\\\":{}'), feature(b'"a":{"floatList":null}'),
        feature(b'"a":{"float_list":{"value":[1],"value":[2]}}'), b'{"features":{"feature":{"a":{}},"feature":{"b":{}}}}', feature(b'"b":{"int64List":{"value":[3]}},"a":{"bytesList":{"value":["aGk="]}}'),
    )
    yield Call([blobs(*whole)])
    yield Call([blobs()])
    wrong = [text_of(b"int64List", v) for v in (b'" 1"', b'"1 "', b"010", b"true", b'""', b"1.", b".5", b"+1", b"0x10", b"-9223372036854775809", b"9223372036854775807.0", b"Infinity", b"1.5", b"[1,,2]", b"[,1]", b"[1 2]", b"{}", b"[" * 200 + b"]" * 200)]
    wrong += [text_of(b"floatList", v) for v in (b"NaN", b"1e39", b"1.", b"-.5", b"01", b'""', b"true", b"1e", b"-", b'"x"', b"1e400")]
    wrong += [text_of(b"bytesList", v) for v in (b'"a"', b'"aGk=="', b'"a Gk="', b"1", b'"aGk=\\n"', b'"!!"')]
    wrong += [b"", b"null", b"[]", b"{,}", b'{"zz":1}', b'{"features":{}', b'{"features":{}}}', b'{"features":{}}x', b"//c\n{}", b'{"features" {}}', b'{"features":[]}', b'{"features":1}', b'{"Features":{}}', b'{"@type":"x"}']
    wrong += [feature(v) for v in (b'"a":{},"a":{}', b'"a":{"float_list":{},"floatList":{}}', b'"a":{"x":1}', b"1:{}", b"true:{}", b'"a":{} "b":{}', b'"\\ud83d":{}', b'"\\x41":{}')]
    for text_ in wrong:
        yield Bad([blobs(text_)])


SUMMARY = """
file { name: "s.proto" package: "s" syntax: "proto3"
  message_type { name: "Summary" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_BYTES } }
  message_type { name: "Value"
    field { name: "tag" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "image" number: 4 label: LABEL_OPTIONAL type: TYPE_BYTES } }
  message_type { name: "Image"
    field { name: "height" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 }
    field { name: "width" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 }
    field { name: "colorspace" number: 3 label: LABEL_OPTIONAL type: TYPE_INT32 }
    field { name: "file" number: 4 label: LABEL_OPTIONAL type: TYPE_BYTES } }
}
"""
SUMMARIES = b"bytes://" + text_format.Parse(SUMMARY, descriptor_pb2.FileDescriptorSet()).SerializeToString()


@op("ImageSummary", family="control")
def image_summaries(name, rng):
    """Files may be compressed in another way: what is in them is compared."""

    def scene(image, **attrs):
        def build(feed):
            def fields(data, message, **names):
                return raw.DecodeProtoV2(bytes=data, message_type=message, field_names=list(names), output_types=list(names.values()), descriptor_source=SUMMARIES).values

            made = raw.ImageSummary(tag=feed(one("t")), tensor=feed(image), **attrs)
            (found,) = fields(made, "s.Summary", value=tf.string)
            tag, picture = fields(tf.reshape(found, [-1]), "s.Value", tag=tf.string, image=tf.string)
            *sizes, file = fields(tf.reshape(picture, [-1]), "s.Image", height=tf.int32, width=tf.int32, colorspace=tf.int32, file=tf.string)
            return [[tag, *sizes, raw.DecodePng(contents=tf.reshape(file, [-1])[0])]]

        return Scene(build)

    for channels in (1, 3, 4):
        yield scene(values(rng, u8, (2, 3, 4, channels), 0, 255))
        for dtype in (f16, f32, f64):
            for low, high in ((-3, 2), (0, 5), (1e-8, 2e-8), (-1e-8, 1e-8), (-200, 3)):
                yield scene(values(rng, dtype, (1, 3, 4, channels), 0, 1) * dtype(high - low) + dtype(low), max_images=1)
            x = values(rng, dtype, (1, 2, 3, channels))
            x[0, 0, 0, 0], x[0, 1, 1, -1], x[0, 1, 2, 0] = np.nan, np.inf, -np.inf
            yield scene(x, bad_color=tf.make_tensor_proto(np.array([1, 2, 3, 4, 5], u8)))
            yield scene(np.full((1, 1, 2, channels), np.nan, dtype))
    yield scene(values(rng, u8, (5, 1, 1, 1)), max_images=2)
    yield Call([one("t"), np.zeros((0, 1, 1, 1), f32)])
    for bad in (np.zeros((1, 1, 1, 2), f32), np.zeros((1, 1, 1), f32), np.zeros((1, 0, 1, 1), f32), np.zeros((1, 1, 1, 1), i32)):
        yield Bad([one("t"), bad])
    x = np.zeros((1, 1, 1, 4), f32)
    yield Bad([text("t"), x])
    for color in (np.array([1, 2, 3], u8), np.ones(4, f32), np.array(1, u8)):
        yield Bad([one("t"), x], attrs={"bad_color": color})
    yield Bad([one("t"), x], attrs={"max_images": 0})


@op("AudioSummaryV2", family="control")
def audio_summaries(name, rng):
    def call(shape, rate, bad=False, **attrs):
        inputs = [one("t"), values(rng, f32, shape, -1.5, 1.5), np.array(rate, f32)]
        return Bad(inputs, attrs=attrs) if bad else Call(inputs, attrs)

    for shape in ((2, 3), (1, 4, 2), (5, 2, 1), (1, 0, 1), (0, 3)):
        yield call(shape, 44100.5)
    for most in (1, 2, 9):
        yield call((4, 2), 8000, max_outputs=most)
    for rate in (0.4, 0.5, 1.5, 2.5, 4e9):
        yield call((1, 1), rate)
    yield Call([one(""), np.array([[0.5, -1, np.nan, 1, 0.99999]], f32), np.array(8, f32)])
    yield Call([one("t"), np.zeros((1, 1), f32), np.array([8], f32)])
    for shape, rate in (((2,), 8), ((1, 1, 1, 1), 8), ((1, 2), 0), ((1, 2), -5), ((1, 2), np.nan), ((1, 2), 1e20), ((1, 2), 5e9), ((1, 2, 0), 8)):
        yield call(shape, rate, True)
    yield call((1, 2), 8, True, max_outputs=0)
    yield Bad([text("t"), np.zeros((1, 1), f32), np.array(8, f32)])


STEPS = (["BiasAdd"], ["BiasAdd", "Relu"], ["BiasAdd", "Relu6"], ["BiasAdd", "Elu"], ["BiasAdd", "LeakyRelu"])


@op("_FusedMatMul", family="linalg", tolerance="eps 32")
def fused_products(name, rng):
    for dtype in (f16, bf16, f32):
        for m, k, n in ((1, 3, 2), (5, 17, 9)):
            a, b, bias = values(rng, dtype, (m, k), -2, 2), values(rng, dtype, (k, n), -2, 2), values(rng, dtype, (n,))
            for steps in (*STEPS, ["BiasAdd", "Tanh"], ["BiasAdd", "Sigmoid"]):
                yield Call([a, b, [bias]], {"fused_ops": steps, "leakyrelu_alpha": 0.3})
            yield Call([a.T.copy(), b.T.copy(), [bias]], {"fused_ops": ["BiasAdd"], "transpose_a": True, "transpose_b": True})
    a, b, bias = values(rng, f32, (2, 3)), values(rng, f32, (3, 4)), values(rng, f32, (4,))
    yield Call([a[:0], b, [bias]], {"fused_ops": ["BiasAdd"]})
    yield Call([a[:, :0], b[:0], [bias]], {"fused_ops": ["BiasAdd", "Relu"]})
    for steps in ([], ["Relu"], ["BiasAdd", "Exp"], ["BiasAdd", "Add"]):
        yield Bad([a, b, [bias]], attrs={"fused_ops": steps})
    ok = {"fused_ops": ["BiasAdd"]}
    yield Bad([a, b, [bias, bias]], attrs=ok)
    yield Bad([a, b, [bias[:3]]], attrs=ok)
    yield Bad([a, b, [bias[None]]], attrs=ok)
    yield Bad([a, b[:2], [bias]], attrs=ok)
    yield Bad([a[0], b, [bias]], attrs=ok)


@op("_FusedConv2D", family="nn", tolerance="eps 32")
def fused_convolutions(name, rng):
    base = {"strides": [1, 1, 1, 1], "padding": "SAME", "num_args": 1}
    for dtype in (f32, f64):
        for image, kernel, attrs in (((1, 5, 6, 2), (3, 2, 2, 3), {}), ((2, 6, 6, 4), (1, 1, 4, 8), {"strides": [1, 2, 2, 1]}), ((1, 7, 7, 1), (3, 3, 1, 2), {"padding": "VALID", "dilations": [1, 2, 2, 1]}), ((1, 4, 4, 2), (2, 2, 2, 3), {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 2, 0, 0]})):
            x, w, bias = values(rng, dtype, image), values(rng, dtype, kernel, -1, 1), values(rng, dtype, kernel[3:])
            for steps in STEPS:
                yield Call([x, w, [bias], []], {**base, **attrs, "fused_ops": steps, "leakyrelu_alpha": 0.3})
            norm = [values(rng, dtype, kernel[3:], 0.5, 2) for _ in range(4)]
            for steps in STEPS:
                yield Call([x, w, norm, []], {**base, **attrs, "num_args": 4, "fused_ops": ["FusedBatchNorm", *steps[1:]], "epsilon": 0.01, "leakyrelu_alpha": 0.3})
    x, w, bias = values(rng, f32, (1, 4, 4, 2)), values(rng, f32, (2, 2, 2, 3)), values(rng, f32, (3,))
    yield Call([x[:0], w, [bias], []], {**base, "fused_ops": ["BiasAdd"]})
    # This project's own graphs have more steps than TensorFlow's.
    for steps in ([], ["Relu"], ["BiasAdd", "Exp"]):
        yield Bad([x, w, [bias], []], attrs={**base, "fused_ops": steps})
    ok = {**base, "fused_ops": ["BiasAdd"]}
    yield Bad([x, w, [bias[:2]], []], attrs=ok)
    yield Bad([x, w, [bias[None]], []], attrs=ok)
    yield Bad([x[0], w, [bias], []], attrs=ok)
    yield Bad([x, w, [bias], []], attrs={**ok, "strides": [1, 0, 1, 1]})


@op("SdcaFprint", family="text")
def fingerprints(name, rng):
    words = [bytes(rng.integers(0, 256, n, dtype=np.uint8)) for n in (*range(0, 40), 63, 64, 100, 127, 128, 143, 144, 145, 160, 175, 176, 200, 271, 272, 273, 300, 400, 1000)]
    yield Call([blobs(*words)])
    yield Call([blobs()])
    yield Bad([one("a")])
    yield Bad([text("a").reshape(1, 1)])
