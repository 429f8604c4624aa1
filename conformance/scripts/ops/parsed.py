"""Datasets of what is parsed: records of CSV files, and examples."""

import gzip
import tempfile
import zlib

import numpy as np
import tensorflow as tf

from calls import Scene, f32, f64, i32, i64, op
from ops.datasets import Data, drained, fails
from ops.grouped import count, dataset, read

raw = tf.raw_ops
tf1 = tf.compat.v1
PLAIN = b"1,2.5,a\n-3,,b\r\n4,1e3,\"c,\"\"\n\"\r,,d"


@op("CSVDataset", "CSVDatasetV2", "ExperimentalCSVDataset", family="data")
def csv(name, rng):
    later = name.endswith("V2")
    usual = [np.array([7], i32), np.array([0.5], f32), np.array([], object)]

    def make(feed, path, defaults=usual, **more):
        arguments = {"compression_type": "", "buffer_size": 9, "header": False, "field_delim": ",", "use_quote_delim": True, "na_value": "", "select_cols": np.zeros(0, i64), **more}
        if later:
            arguments.setdefault("exclude_cols", np.zeros(0, i64))
        defaults = [feed(value) for value in defaults]
        return getattr(raw, name)(filenames=path, record_defaults=defaults, output_shapes=[[]] * len(defaults), **arguments)

    def rows(file, content, defaults=usual, **more):
        """All rows up to the first error or the end."""
        specs = tuple(tf.TensorSpec([], tf.string if value.dtype == object else value.dtype) for value in defaults)
        good = answered(content, lambda path: dataset(make(tf.constant, path, defaults, **more), specs))
        return read(name + file, content, lambda feed, path: dataset(make(feed, path, defaults, **more), specs), good)

    for kind, pack in (("", bytes), ("GZIP", gzip.compress), ("ZLIB", zlib.compress)):
        yield rows(f"plain{kind}", pack(PLAIN), compression_type=kind)
    text = [np.array([], object)] * 2
    strings = [np.array([b"d"], object)] * 2
    for index, content in enumerate((b"a,b", b"a,b\n", b"a,\n,b\r\n\r\n\n", b"a,\n", b"\"a\",\"b\"", b"\"\",\"\"\"\"\n\"x\"\"y\"\"z\",\"\r\n,\"\r\"\"\"\"\",\"a\"\"\"", b"a b, c \n\t,\"d \"\n", b"\xff\0,\xc3\n", b"\n", b"")):
        yield rows(f"strings{index}", content, strings)
        yield rows(f"bare{index}", content, strings, use_quote_delim=False)
    for index, content in enumerate((b"a\n", b"a,b,c\nd,e\n", b"a,b\"c\n", b"\"a\"b,c\n", b"\"a", b"a,\"b\"\"", b"a,\"b\"x\"\nc,d\n", b"a,\nb,c")):
        yield rows(f"wrong{index}", content, text)
    for dtype, words in ((i32, (b"12", b" 12 ", b"-2147483648", b"2147483648", b"1.0", b"+5", b"0x10", b"1 2")), (i64, (b"-9223372036854775808", b"9223372036854775808", b"x")), (f32, (b"1.5", b" -2e-3 ", b"inf", b"-nan", b"1e40", b"0x1p3", b"1.5f", b".", b"1,5")), (f64, (b"1e308", b"1e309", b"3.0000000000000001", b"nan", b"infinity", b"1d3"))):
        for index, word in enumerate(words):
            yield rows(f"{np.dtype(dtype).name}{index}", word + b"\n", [np.array(3, dtype)])
    yield rows("missing", b"1,NA,a\nNA,NA,NA\n", na_value="NA")
    yield rows("delimiter", b"1|2.5|a,b\n", field_delim="|")
    yield rows("tabs", b"1\t2.5\t\"a\tb\"\n", field_delim="\t")
    yield rows("header", b"n,\"x\n\",s,more\n1,2,a\n", header=True)
    yield rows("headeronly", b"n,x,s", header=True)
    yield rows("noheader", b"", header=True)
    yield rows("badheader", b"n,\"x", header=True)
    yield rows("select", b"x,1,y,2.5,a,z\nx,3\n", select_cols=np.array([1, 3, 4], i64))
    yield rows("beyond", b"1,2.5,a\n", select_cols=np.array([0, 1, 7], i64))
    if later:
        yield rows("exclude", b"x,1,y,2.5,a\nx,1,y,2.5,b,c\n", exclude_cols=np.array([0, 2, 9], i64))
        yield rows("excluded", b"1,2.5\n", exclude_cols=np.array([1], i64))
    no_file = lambda feed, **more: make(feed, feed(np.array(b"/no/file", object)), **more)
    yield fails(lambda feed: dataset(no_file(feed), tuple(tf.TensorSpec([], tf.as_dtype(dtype)) for dtype in (tf.int32, tf.float32, tf.string))))
    bad = [{"buffer_size": 0}, {"field_delim": ""}, {"field_delim": ",,"}, {"compression_type": "LZ"}, {"select_cols": np.array([0, 1], i64)}, {"select_cols": np.array([0, 2, 1], i64)}, {"select_cols": np.array([-1, 2, 3], i64)}, {"defaults": [np.array([1, 2], i32)]}, {"defaults": [np.array([[1]], i32)]}]
    if later:
        bad += [{"exclude_cols": np.array([1, 1], i64)}, {"exclude_cols": np.array([-1], i64)}, {"select_cols": np.array([0, 1, 2], i64), "exclude_cols": np.array([3], i64)}]
    for more in bad:
        yield Scene(lambda feed: [no_file(feed, **more).op], fails=True)
    yield Scene(lambda feed: [make(feed, feed(np.array([[b"x"]], object))).op], fails=True)
    yield read(name + "twice", b"1,2,a\n", lambda feed, path: dataset(make(feed, tf.stack([path, path])), tuple(tf.TensorSpec([], dtype) for dtype in (tf.int32, tf.float32, tf.string))), 2)


def answered(content, make):
    """How many rows there are before the first error or the end."""
    with tempfile.NamedTemporaryFile() as file, tf1.Graph().as_default(), tf1.Session() as session:
        file.write(content)
        file.flush()
        following = tf1.data.make_one_shot_iterator(make(file.name)).get_next()
        for count in range(99):
            try:
                session.run(following)
            except tf.errors.OpError:
                return count


def example(**features):
    def feature(value):
        if isinstance(value[0] if value else 0, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
        if any(isinstance(number, float) for number in value):
            return tf.train.Feature(float_list=tf.train.FloatList(value=value))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=value))

    return tf.train.Example(features=tf.train.Features(feature={key: feature(value) for key, value in features.items()})).SerializeToString(deterministic=True)


EXAMPLES = [example(a=[1.0, 2.0], b=[3], c=[b"x", b"y"]), example(b=[4, 5], c=[b"z"], a=[3.0, 4.0]), example(c=[b"w"], a=[5.0, 6.0], d=[7])]


@op("ParseExampleDataset", "ParseExampleDatasetV2", "ExperimentalParseExampleDataset", family="data")
def examples(name, rng):
    def make(feed, rows, calls=1, dense=(("a", f32, [2], ()),), sparse=(("c", tf.string),), ragged=(("b", tf.int64, tf.int32),), **more):
        """Dense features are (key, dtype, shape, default)."""
        if name.startswith("Exp"):
            ragged = ()
        keys = sorted([key for key, *_ in [*dense, *sparse, *ragged]])
        kinds = {**{key: (tf.as_dtype("string" if dtype is object else dtype), None) for key, dtype, *_ in dense}, **{key: (tf.variant, [3]) for key, *_ in sparse}, **{key: (tf.variant, []) for key, *_ in ragged}}
        attrs = {
            "sparse_keys": [key for key, _ in sparse], "sparse_types": [dtype for _, dtype in sparse],
            "dense_keys": [key for key, *_ in dense], "dense_shapes": [shape for _, _, shape, _ in dense],
            "output_types": [kinds[key][0] for key in keys], "output_shapes": [kinds[key][1] for key in keys],
        }
        if not name.startswith("Exp"):
            attrs.update(ragged_keys=[key for key, *_ in ragged], ragged_value_types=[values for _, values, _ in ragged], ragged_split_types=[splits for *_, splits in ragged])
        attrs.update(more)
        defaults = [feed(np.array(default, dtype)) for _, dtype, _, default in dense]
        input = Data.from_tensor_slices(feed(np.array(rows, object)))
        variant = getattr(raw, name)(input_dataset=input._variant_tensor, num_parallel_calls=count(feed, calls), dense_defaults=defaults, **attrs)
        structure = {}
        for key, dtype, shape, _ in dense:
            structure[key] = tf.TensorSpec(None, kinds[key][0])
        for key, dtype in sparse:
            structure[key] = tf.SparseTensorSpec([None, None], dtype)
        for key, values, splits in ragged:
            structure[key] = tf.RaggedTensorSpec([None, None], values, 1, splits)
        flat = lambda row: {key: value.flat_values if isinstance(value, tf.RaggedTensor) else value.values if isinstance(value, tf.SparseTensor) else value for key, value in row.items()}
        places = lambda row: {f"{key}/places": value.row_splits if isinstance(value, tf.RaggedTensor) else value.indices for key, value in row.items() if not isinstance(value, tf.Tensor)}
        return dataset(variant, structure).map(lambda row: {**flat(row), **places(row)})

    pairs = [EXAMPLES[:2], EXAMPLES[1:]]
    yield drained(lambda feed: make(feed, pairs), 2)
    yield drained(lambda feed: make(feed, pairs, -1), 2)
    yield drained(lambda feed: make(feed, [[EXAMPLES[0]], [b""]], dense=(("a", f32, [2], [8, 9]), ("z", object, [], b"none"))), 2)
    yield drained(lambda feed: make(feed, pairs, dense=(("a", f32, [None], 9), ("d", i64, [None, 1], 0))), 2)
    yield drained(lambda feed: make(feed, pairs, dense=(("b", i64, [None], -1),), ragged=(("c", tf.string, tf.int64), ("a", tf.float32, tf.int64)), sparse=(("d", tf.int64),)), 2)
    yield drained(lambda feed: make(feed, [[]]), 1)
    yield drained(lambda feed: make(feed, pairs, dense=(), ragged=(), sparse=(("b", tf.int64), ("c", tf.string))), 2)
    yield fails(lambda feed: make(feed, [[b"no example"]]))
    yield fails(lambda feed: make(feed, [[EXAMPLES[0]]], dense=(("z", f32, [2], ()),)))
    yield fails(lambda feed: make(feed, [[EXAMPLES[0]]], dense=(("a", f32, [3], ()),)))
    yield fails(lambda feed: make(feed, [[EXAMPLES[0]]], sparse=(("c", tf.int64),)))
    for wrong in ({"calls": 0}, {"calls": -2}, {"dense": (("a", f32, [3], [1, 2]),)}, {"dense": (("a", f32, [None], ()),)}, {"sparse": (("a", tf.float32),)}):
        yield Scene(lambda feed: [make(feed, pairs, **wrong)._variant_tensor.op], fails=True)
    if name.endswith("V2"):
        yield drained(lambda feed: make(feed, pairs, deterministic="false"), 2)
        yield Scene(lambda feed: [make(feed, pairs, deterministic="never")._variant_tensor.op], fails=True)
        yield drained(lambda feed: Data.from_tensor_slices(feed(np.array(EXAMPLES, object))).batch(2).apply(tf.data.experimental.parse_example_dataset({"a": tf.io.FixedLenFeature([2], tf.float32), "b": tf.io.VarLenFeature(tf.int64)})).map(lambda row: (row["a"], row["b"].values)), 2)
