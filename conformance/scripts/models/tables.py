"""Lookup tables: from text files, from tensors, mutable, dense."""

import os
import tempfile

import numpy as np
import tensorflow as tf
from models import model
from models.v1_graphs import save_single, signature, v1_graph
from records import Case, Predict

tf1 = tf.compat.v1
EXACT = dict(rtol=0, atol=0, why="table values are copied")
STRINGS = tf.TensorSpec([None], tf.string, "words")


def vocabulary(text: str, name="vocabulary.txt") -> str:
    path = os.path.join(tempfile.mkdtemp(), name)
    with open(path, "wb") as file:
        file.write(text.encode())
    return path


@model
def table_text_file(folder):
    """Tables over one asset file: whole lines to numbers, numbers to lines, columns; hashed unknown words."""
    path = vocabulary("the\t10\t0.5\nquick\t-3\t1e3\nfox é\t7\t-0.25\r\n")

    class Tables(tf.Module):
        def __init__(self):
            lookup, t = tf.lookup, tf.lookup.TextFileIndex
            asset = tf.saved_model.Asset(path)

            def table(key_dtype, key, value_dtype, value, default):
                source = lookup.TextFileInitializer(asset, key_dtype, key, value_dtype, value)
                return lookup.StaticHashTable(source, default)

            self.line_number = table(tf.string, t.WHOLE_LINE, tf.int64, t.LINE_NUMBER, -1)
            self.line = table(tf.int64, t.LINE_NUMBER, tf.string, t.WHOLE_LINE, "?")
            self.integer = table(tf.string, 0, tf.int64, 1, -99)
            self.real = table(tf.int64, 1, tf.float32, 2, 0.0)
            source = lookup.TextFileInitializer(asset, tf.string, 0, tf.int64, t.LINE_NUMBER)
            self.hashed = lookup.StaticVocabularyTable(source, 4)
            self.asset = asset

        @tf.function(input_signature=[STRINGS])
        def words(self, words):
            return {
                "integer": self.integer.lookup(words),
                "line_number": self.line_number.lookup(words),
                "hashed": self.hashed.lookup(words),
                "size": self.hashed.size(),
            }

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64, "ids")])
        def ids(self, ids):
            return {"line": self.line.lookup(ids), "real": self.real.lookup(ids)}

    module = Tables()
    tf.saved_model.save(module, folder, signatures={"words": module.words, "ids": module.ids})
    words = [b"quick", b"the", b"fox \xc3\xa9", b"", b"fox", b"the\t10\t0.5", b"unknown"]
    return Case(
        [
            Predict({"words": words}, "words"),
            Predict({"words": []}, "words"),
            Predict({"ids": [[0, 1], [2, 3], [-3, 10]]}, "ids"),
        ],
        **EXACT,
    )


@model
def table_v1_assets(folder):
    """TF1 tables: an asset fed to the init op, an init op of tensors, out-of-vocabulary buckets."""
    with v1_graph():
        words = tf1.placeholder(tf.string, [None, None], "words")
        ids = tf1.placeholder(tf.int64, [None], "ids")
        path = vocabulary("b\na\nc\n", "letters.txt")
        to_id = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(path, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
                                          tf.lookup.TextFileIndex.LINE_NUMBER), 3)
        to_word = tf1.lookup.StaticHashTable(
            tf1.lookup.KeyValueTensorInitializer(tf.constant([5, 6], tf.int64), tf.constant(["five", "six"])), "none")
        save_single(
            folder,
            {"words": signature({"words": words}, {"ids": to_id.lookup(words)}),
             "ids": signature({"ids": ids}, {"words": to_word.lookup(ids)})},
            init=tf1.tables_initializer(),
            assets_collection=tf1.get_collection(tf1.GraphKeys.ASSET_FILEPATHS),
        )
    return Case(
        [
            Predict({"words": [[b"a", b"b"], [b"zz", b"c"]]}, "words"),
            Predict({"words": np.zeros((0, 2), object)}, "words"),
            Predict({"ids": [6, 7, 5]}, "ids"),
        ],
        **EXACT,
    )


@model
def table_tensors(folder):
    """Tables from tensors in several dtypes, and their export."""

    class Tables(tf.Module):
        def __init__(self):
            def table(keys, values, default):
                return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default)

            self.strings = table(tf.constant(["a", "b", ""]), tf.constant([1, 2, 3]), -1)
            self.texts = table(tf.constant(["a", "b"]), tf.constant(["x", "y\0z"]), "none")
            self.reals = table(tf.constant([2, -4], tf.int64), tf.constant([2.5, -np.inf], tf.float64), np.nan)
            self.flags = table(tf.constant(["t", "f"]), tf.constant([True, False]), False)

        @tf.function(input_signature=[STRINGS, tf.TensorSpec([None], tf.int64, "ids")])
        def look(self, words, ids):
            return {
                "strings": self.strings.lookup(words),
                "texts": self.texts.lookup(words),
                "reals": self.reals.lookup(ids),
                "flags": self.flags.lookup(words),
            }

    module = Tables()
    tf.saved_model.save(module, folder, signatures=module.look)
    return Case([
        Predict({"words": [b"a", b"", b"t", b"zz", b"b"], "ids": [2, 3, -4]}),
        Predict({"words": [], "ids": []}),
    ], **EXACT)


@model
def table_mutable(folder):
    """Mutable hash tables and a dense table: insert, remove, size, export, over several calls; saved content."""

    class Tables(tf.Module):
        def __init__(self):
            self.words = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
            self.words.insert(tf.constant(["kept", "also"]), tf.constant([7, 8], tf.int64))
            self.vectors = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, [0.0, -1.0])
            self.dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -5, -1, -2, initial_num_buckets=4)

        @tf.function(input_signature=[STRINGS, tf.TensorSpec([None], tf.int64, "numbers")])
        def insert(self, words, numbers):
            self.words.insert(words, numbers)
            self.vectors.insert(numbers, tf.stack([tf.cast(numbers, tf.float32), tf.ones_like(numbers, tf.float32)], 1))
            self.dense.insert(numbers, numbers * numbers)
            return {"sizes": tf.stack([self.words.size(), self.vectors.size(), self.dense.size()])}

        @tf.function(input_signature=[STRINGS, tf.TensorSpec([None], tf.int64, "numbers")])
        def find(self, words, numbers):
            keys, values = self.words.export()
            order = tf.argsort(values)
            return {
                "words": self.words.lookup(words),
                "vectors": self.vectors.lookup(numbers),
                "dense": self.dense.lookup(numbers),
                "sorted_keys": tf.gather(keys, order),
                "sorted_values": tf.gather(values, order),
            }

        @tf.function(input_signature=[STRINGS, tf.TensorSpec([None], tf.int64, "numbers")])
        def remove(self, words, numbers):
            self.words.remove(words)
            self.vectors.remove(numbers)
            self.dense.erase(numbers)
            return {"sizes": tf.stack([self.words.size(), self.vectors.size(), self.dense.size()])}

    module = Tables()
    tf.saved_model.save(module, folder, signatures={
        "insert": module.insert, "find": module.find, "remove": module.remove,
    })
    ask = lambda words, numbers, key: Predict({"words": words, "numbers": numbers}, key)
    return Case(
        [
            ask([b"kept", b"x"], [1], "find"),
            ask([b"x", b"y", b"x"], [1, 2, 3], "insert"),
            ask([b"x", b"y", b"none"], [3, 1, 9], "find"),
            ask([b"x", b"missing"], [2, 9], "remove"),
            ask([b"x", b"y", b"kept"], [2, 3], "find"),
            ask([], [], "insert"),
        ],
        errors=[ask([b"z"], [-1], "insert"), ask([b"z"], [-2], "insert"), ask([b"x", b"y"], [5], "insert")],
        **EXACT,
    )


@model
def table_uninitialized(folder):
    """A TF1 table whose init op is not the model's: lookups fail."""
    with v1_graph():
        table = tf1.lookup.StaticHashTable(
            tf1.lookup.KeyValueTensorInitializer(tf.constant([1, 2], tf.int64), tf.constant([3.0, 4.0])), -1.0)
        ids = tf1.placeholder(tf.int64, [None], "ids")
        found = table.lookup(ids)
        save_single(folder, {"serving_default": signature({"ids": ids}, {"found": found})})
    return Case([], errors=[Predict({"ids": [1]})], **EXACT)
