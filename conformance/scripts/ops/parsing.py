"""Examples, CSV, raw bytes, serialized tensors."""

import zlib

import numpy as np
import tensorflow as tf
from calls import ALL, Bad, Call, dtypes, f32, f64, i32, i64, op, u8, values
from ops.text import one, text


def features(**named) -> tf.train.Features:
    result = tf.train.Features()
    for name, value in named.items():
        feature = result.feature[name]
        if value is None:
            continue
        kind, numbers = value
        getattr(feature, kind).SetInParent()
        getattr(feature, kind).value.extend(numbers)
    return result


def floats(*x):
    return "float_list", x


def longs(*x):
    return "int64_list", x


def words(*x):
    return "bytes_list", x


def example(**named) -> bytes:
    return tf.train.Example(features=features(**named)).SerializeToString(deterministic=True)


FULL = example(d=floats(1.5, -2), s=longs(4, 5, 6), w=words(b"a", b"bc"), v=longs(1, 2, 3, 4))
BARE = example(d=floats(0, 3))
EMPTY_LIST = example(d=floats(9, 9), s=longs(), w=words(), v=longs())
NO_KIND = example(d=floats(7, 8), s=None, w=None)


def parse(serialized, dense_default=None, kind=Call, dense_shape=(2,), names=None, **rest):
    default = np.zeros(0, f32) if dense_default is None else np.array(dense_default, f32)
    names = text() if names is None else names
    inputs = [serialized, names, text("s", "w"), text("d", "v"), text("r"), [default, np.array([-1], i64)]]
    attrs = {"num_sparse": 2, "sparse_types": [i64, object], "ragged_value_types": [f32], "ragged_split_types": [i64],
             "dense_shapes": [list(dense_shape), [None]], "Tdense": [f32, i64]}
    return kind(inputs, attrs=attrs, const=(), **rest)


@op("ParseExampleV2", family="parse")
def parse_example(name, rng):
    ragged = example(d=floats(1, 2), r=floats(1, 2, 3))
    for batch in (text(FULL, BARE), text(EMPTY_LIST), text(NO_KIND, ragged), text(), text(ragged, FULL, ragged)):
        yield parse(batch)
        yield parse(batch, dense_default=[5, 6])
    yield parse(one(FULL))
    yield parse(text(FULL + example(s=longs(99))))
    missing = example(s=longs(1))
    for bad in (missing, example(d=floats(1)), example(d=longs(1, 2)), example(d=floats(1, 2), s=floats(1)), example(d=floats(1, 2), r=longs(1)), b"\x0a", b"abc\xff"[:3]):
        yield parse(text(FULL, bad), kind=Bad)
        yield parse(text(bad), kind=Bad, names=text("named"))


@op("ParseExample", family="parse")
def parse_example_v1(name, rng):
    attrs = {"sparse_types": [i64], "dense_shapes": [[2]], "Tdense": [f32]}
    for batch in (text(FULL, BARE), text(EMPTY_LIST), text()):
        yield Call([batch, text(), [one("s")], [one("d")], [np.zeros(0, f32)]], attrs)
    for bad in (example(s=longs(1)), example(d=floats(1)), example(d=longs(1, 2)), b"\x0a"):
        yield Bad([text(bad), text(), [one("s")], [one("d")], [np.zeros(0, f32)]], attrs=attrs)


@op("ParseSingleExample", family="parse")
def parse_single(name, rng):
    attrs = {"num_sparse": 2, "sparse_keys": ["s", "w"], "sparse_types": [i64, object], "dense_keys": ["d"], "dense_shapes": [[2]], "Tdense": [f32]}
    for serialized in (FULL, BARE, EMPTY_LIST):
        yield Call([one(serialized), [np.zeros(0, f32)]], attrs)
    yield Call([one(example()), [np.array([4, 5], f32)]], attrs)
    for bad in (example(s=longs(1)), example(d=floats(1)), example(d=longs(1, 2)), b"\x0a"):
        yield Bad([one(bad), [np.zeros(0, f32)]], attrs=attrs)


def sequence(context, **lists) -> bytes:
    result = tf.train.SequenceExample(context=context)
    for name, steps in lists.items():
        for step in steps:
            result.feature_lists.feature_list[name].feature.add().CopyFrom(features(x=step).feature["x"])
    return result.SerializeToString(deterministic=True)


@op("ParseSequenceExampleV2", family="parse")
def parse_sequence(name, rng):
    long = sequence(features(c=floats(1), s=longs(1, 2)), d=[floats(1, 2), floats(3, 4), floats(5, 6)], v=[words(b"a"), words(b"b", b"c")])
    short = sequence(features(c=floats(2)), d=[floats(7, 8)])
    attrs = {"Ncontext_sparse": 1, "context_sparse_types": [i64], "Tcontext_dense": [f32], "context_dense_shapes": [[]], "context_ragged_value_types": [],
             "context_ragged_split_types": [], "Nfeature_list_sparse": 1, "feature_list_sparse_types": [object], "Nfeature_list_dense": 1,
             "feature_list_dense_types": [f32], "feature_list_dense_shapes": [[2]], "feature_list_ragged_value_types": [], "feature_list_ragged_split_types": []}

    def call(batch, kind=Call):
        inputs = [batch, text(), text("s"), text("c"), text(), text("v"), text("d"), text(), np.array([False]), [np.zeros(0, f32)]]
        return kind(inputs, attrs=attrs, const=())

    for batch in (text(long, short), text(short), text(long)):
        yield call(batch)
    for bad in (sequence(features(), d=[floats(1, 2)]), sequence(features(c=floats(1))), sequence(features(c=floats(1)), d=[floats(1)]), sequence(features(c=longs(1)), d=[floats(1, 2)]), b"\x0a"):
        yield call(text(bad), Bad)


@op("DecodeCSV", family="parse")
def decode_csv(name, rng):
    defaults = [np.array([7], i32), np.array([0.5], f32), text("none"), np.array([-1], i64), np.array([2.5], f64)]
    for records in (text("1,2.5,abc,9000000000,1e3"), text(",,,,", "3,-1,\"a,b\",4,5"), text("1,2,\"say \"\"hi\"\"\",4,5"), text()):
        yield Call([records, defaults])
    yield Call([one("1,2,c,4,5"), defaults])
    yield Call([text("1;2;c;4;5"), defaults], {"field_delim": ";"})
    yield Call([text("1,2,\"c,4,5"), [np.array([0], i32), np.array([0], f32), text(""), np.array([0], i64), np.array([0], f64)]], {"use_quote_delim": False})
    yield Call([text("NA,2,NA,4,NA"), defaults], {"na_value": "NA"})
    yield Call([text("1,2,c,4,5,6,7"), defaults[:2]], {"select_cols": [0, 4]})
    required = [np.zeros(0, i32), *defaults[1:]]
    for records, given in ((text(",1,a,2,3"), required), (text("1,2,3"), defaults), (text("1,2,a,4,5,6"), defaults), (text("x,2,a,4,5"), defaults), (text("1,y,a,4,5"), defaults),
                           (text("99999999999,2,a,4,5"), defaults), (text("1,2,\"a,4,5"), defaults), (text("1,2,a\"b,4,5"), defaults)):
        yield Bad([records, given])
    yield Bad([text("1,2"), [np.zeros((2, 2), i32), np.array([1], i32)]])


@op("DecodeRaw", family="parse")
def decode_raw(name, rng):
    for dtype in dtypes(name, "out_type"):
        if dtype is object:
            continue
        for little in (True, False):
            yield Call([text(bytes(range(64, 96)), bytes(range(100, 132)))], {"out_type": dtype, "little_endian": little})
    yield Call([one(b"")], {"out_type": u8})
    yield Call([text(b"abcd").reshape(1, 1)], {"out_type": i32})
    yield Bad([text(b"abc")], attrs={"out_type": i32})
    yield Bad([text(b"abcd", b"ab")], attrs={"out_type": u8})


@op("DecodePaddedRaw", family="parse")
def decode_padded(name, rng):
    for dtype in dtypes(name, "out_type"):
        yield Call([text(bytes(range(64, 96)), b"abcdefgh"), np.array(32, i32)], {"out_type": dtype})
    yield Bad([text(b"abc"), np.array(3, i32)], attrs={"out_type": i32})
    yield Bad([text(b"abc"), np.array(0, i32)], attrs={"out_type": u8})


@op("DecodeCompressed", family="parse")
def decompress(name, rng):
    data = b"some bytes " * 20
    gzip = zlib.compressobj(9, zlib.DEFLATED, 31)
    zipped = gzip.compress(data) + gzip.flush()
    yield Call([text(data)], {"compression_type": ""})
    yield Call([text(zlib.compress(data))], {"compression_type": "ZLIB"})
    yield Call([text(zipped)], {"compression_type": "GZIP"})
    yield Bad([text(b"junk")], attrs={"compression_type": "ZLIB"})
    yield Bad([text(b"junk")], attrs={"compression_type": "LZ"})


@op("SerializeTensor", "ParseTensor", family="parse")
def tensors(name, rng):
    for dtype in ALL:
        for shape in ((), (3,), (2, 0)):
            x = values(rng, dtype, shape)
            if name == "SerializeTensor":
                yield Call([x])
            else:
                yield Call([one(tf.io.serialize_tensor(tf.constant(x)).numpy())], {"out_type": dtype})
    if name == "ParseTensor":
        for bad in (b"junk", b"\x08", tf.io.serialize_tensor(tf.constant([1.0])).numpy()):
            yield Bad([one(bad)], attrs={"out_type": i32})
