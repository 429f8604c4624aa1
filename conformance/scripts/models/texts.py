"""String operators, and parsing of tf.Example, tf.SequenceExample, CSV and raw bytes."""

import numpy as np
import tensorflow as tf
from models import model
from records import Case, Predict

EXACT = dict(rtol=0, atol=0, why="strings and integers; floats are parsed to the nearest")
TEXT = tf.TensorSpec([None], tf.string, "text")


@model
def string_cleaning(folder):
    """Lower, strip, replace, split, join, hash, substring, length, numbers: a text model's front."""

    class Clean(tf.Module):
        @tf.function(input_signature=[TEXT])
        def clean(self, text):
            lower = tf.strings.lower(tf.strings.strip(text), encoding="utf-8")
            plain = tf.strings.regex_replace(lower, r"[^a-z0-9é ]+", " ")
            words = tf.strings.split(plain)
            grams = tf.strings.ngrams(words, [1, 2], separator="_")
            hashed = tf.strings.to_hash_bucket_fast(grams.flat_values, 1000)
            return {
                "plain": plain,
                "words": words.to_tensor(b"<pad>"),
                "counts": words.row_lengths(),
                "hashed": tf.RaggedTensor.from_row_splits(hashed, grams.row_splits).to_tensor(-1),
                "strong": tf.strings.to_hash_bucket_strong(plain, 77, [3, 9]),
                "joined": tf.strings.reduce_join(words, axis=1, separator="-"),
                "bytes": tf.strings.length(text),
                "characters": tf.strings.length(text, unit="UTF8_CHAR"),
                "head": tf.strings.substr(lower, 0, 3, unit="UTF8_CHAR"),
                "full": tf.strings.regex_full_match(plain, r"[a-z ]*"),
                "upper": tf.strings.upper(text),
                "format": tf.strings.format("{} of {}", [tf.size(words.flat_values), tf.shape(text)]),
            }

    module = Clean()
    tf.saved_model.save(module, folder, signatures=module.clean)
    return Case([
        Predict({"text": [b"  Hello, World!  ", "Café AU lait\t".encode(), b""]}),
        Predict({"text": ["ÀÉÎ straße İ".encode(), b"a-b_c d.e", b"\xff\xfe bad utf8 1234"]}),
        Predict({"text": []}),
    ], **EXACT)


@model
def string_unicode(folder):
    """Unicode decoding and encoding, code points by ragged rows, base64, numbers to text and back."""

    class Unicode(tf.Module):
        @tf.function(input_signature=[TEXT, tf.TensorSpec([None], tf.float32, "numbers")])
        def points(self, text, numbers):
            points = tf.strings.unicode_decode(text, "UTF-8")
            _, starts = tf.strings.unicode_decode_with_offsets(text, "UTF-8")
            return {
                "points": points.to_tensor(-1),
                "lengths": points.row_lengths(),
                "starts": starts.to_tensor(-1),
                "reversed": tf.strings.unicode_encode(tf.reverse(points.to_tensor(32), [1]), "UTF-8"),
                "utf16": tf.strings.unicode_transcode(text, "UTF-8", "UTF-16-BE"),
                "scripts": tf.strings.unicode_script(points.flat_values),
                "base64": tf.io.encode_base64(text, pad=True),
                "round_trip": tf.io.decode_base64(tf.io.encode_base64(text)),
                "as_string": tf.strings.as_string(numbers, precision=3),
                "shortest": tf.strings.as_string(numbers, shortest=True),
                "scientific": tf.strings.as_string(numbers, scientific=True, width=16),
                "numbers": tf.strings.to_number(tf.strings.as_string(numbers, scientific=True, precision=9)),
            }

        @tf.function(input_signature=[TEXT])
        def number(self, text):
            return {
                "float": tf.strings.to_number(text),
                "double": tf.strings.to_number(text, tf.float64),
                "raw": tf.io.decode_raw(tf.strings.substr(tf.strings.join([text, "   "]), 0, 4), tf.int16),
            }

    module = Unicode()
    tf.saved_model.save(module, folder, signatures={"points": module.points, "number": module.number})
    numbers = np.array([0, -0.0, 1.5, -1e-7, 123456.789, np.inf, np.nan, 3.4e38], np.float32)
    return Case(
        [
            Predict({"text": ["héllo".encode(), "日本語".encode(), b"\xf0\x9f\x98\x80!"], "numbers": numbers}, "points"),
            Predict({"text": [b"bad \xe3\x28 bytes", b""], "numbers": numbers[:0]}, "points"),
            Predict({"text": [b"1.5", b" -2e3 ", b"inf", b"0x1A", b"nan"]}, "number"),
        ],
        errors=[Predict({"text": [b"1", b"two"]}, "number")],
        **EXACT,
    )


def features(**values) -> tf.train.Features:
    result = tf.train.Features()
    for name, value in values.items():
        feature = result.feature[name]
        if value and isinstance(value[0], bytes):
            feature.bytes_list.value.extend(value)
        elif value and isinstance(value[0], int):
            feature.int64_list.value.extend(value)
        else:
            feature.float_list.value.extend(value)
    return result


def example(**values) -> bytes:
    return tf.train.Example(features=features(**values)).SerializeToString(deterministic=True)


@model
def parse_examples(folder):
    """Dense with and without defaults, variable dense, sparse, ragged and partitioned ragged keys."""
    spec = {
        "dense": tf.io.FixedLenFeature([2], tf.float32),
        "default": tf.io.FixedLenFeature([], tf.int64, 42),
        "variable": tf.io.FixedLenSequenceFeature([2], tf.int64, allow_missing=True, default_value=-1),
        "words": tf.io.VarLenFeature(tf.string),
        "sparse": tf.io.SparseFeature("at", "values", tf.float32, 10),
        "ragged": tf.io.RaggedFeature(tf.float32, row_splits_dtype=tf.int64),
        "nested": tf.io.RaggedFeature(tf.int64, "nested", [tf.io.RaggedFeature.RowLengths("lengths")]),
    }

    class Parser(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def parse(self, inputs):
            parsed = tf.io.parse_example(inputs, spec)
            return {
                "dense": parsed["dense"],
                "default": parsed["default"],
                "variable": parsed["variable"],
                "words": tf.sparse.to_dense(parsed["words"], b"?"),
                "sparse": tf.sparse.to_dense(parsed["sparse"]),
                "ragged_values": parsed["ragged"].values,
                "ragged_splits": parsed["ragged"].row_splits,
                "nested": parsed["nested"].to_tensor(-7),
            }

        @tf.function(input_signature=[tf.TensorSpec([], tf.string, "inputs")])
        def one(self, inputs):
            return tf.io.parse_single_example(inputs, {k: spec[k] for k in ("dense", "default")})

    module = Parser()
    tf.saved_model.save(module, folder, signatures={"serving_default": module.parse, "one": module.one})
    full = example(
        dense=[1.5, -2.0], default=[7], variable=[1, 2, 3, 4], words=[b"a", b"bc"], at=[4, 1], values=[0.5, 2.0],
        ragged=[1.0, 2.0, 3.0], nested=[9, 8, 7], lengths=[2, 0, 1],
    )
    bare = example(dense=[0.0, 0.25])
    return Case(
        [
            Predict({"inputs": [full, bare, full]}),
            Predict({"inputs": [bare]}),
            Predict({"inputs": [full + example(default=[1000])]}),
            Predict({"inputs": []}),
            Predict({"inputs": full}, "one"),
        ],
        errors=[
            Predict({"inputs": [example(default=[7])]}),
            Predict({"inputs": [example(dense=[1.0])]}),
            Predict({"inputs": [example(dense=[1, 2])]}),
            Predict({"inputs": [example(dense=[1.0, 2.0], variable=[1, 2, 3])]}),
            Predict({"inputs": [example(dense=[1.0, 2.0], at=[10], values=[1.0])]}),
            Predict({"inputs": [example(dense=[1.0, 2.0], at=[1, 2], values=[1.0])]}),
            Predict({"inputs": [example(words=[b"abc"])[:-2]]}),
            Predict({"inputs": b"\x0a"}, "one"),
        ],
        **EXACT,
    )


@model
def parse_sequence_examples(folder):
    """Context and feature lists, padded, sparse and ragged."""
    context = {"id": tf.io.FixedLenFeature([], tf.string, b"none"), "tags": tf.io.VarLenFeature(tf.int64)}
    lists = {
        "frames": tf.io.FixedLenSequenceFeature([2], tf.float32, allow_missing=True),
        "words": tf.io.VarLenFeature(tf.string),
        "marks": tf.io.RaggedFeature(tf.int64),
    }

    class Parser(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def parse(self, inputs):
            head, body, lengths = tf.io.parse_sequence_example(inputs, context, lists)
            return {
                "id": head["id"],
                "tags": tf.sparse.to_dense(head["tags"], -1),
                "frames": body["frames"],
                "lengths": lengths["frames"],
                "words": tf.sparse.to_dense(body["words"], b"-"),
                "marks": body["marks"].to_tensor(-1),
            }

    def sequence(frames, words, marks, **head) -> bytes:
        result = tf.train.SequenceExample(context=features(**head))
        for name, steps in (("frames", frames), ("words", words), ("marks", marks)):
            for step in steps:
                entry = result.feature_lists.feature_list[name].feature.add()
                entry.CopyFrom(features(step=step).feature["step"])
        return result.SerializeToString(deterministic=True)

    module = Parser()
    tf.saved_model.save(module, folder, signatures=module.parse)
    long = sequence([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[b"a"], [b"d"], [b"b", b"c"]], [[1, 2], [3]], id=[b"x"], tags=[5, 6])
    short = sequence([[7.0, 8.0]], [], [], tags=[1])
    return Case(
        [Predict({"inputs": [long, short]}), Predict({"inputs": [short]}), Predict({"inputs": [long, long, short]})],
        errors=[Predict({"inputs": [sequence([[1.0]], [], [])]}), Predict({"inputs": [b"\x0a"]})],
        **EXACT,
    )


@model
def parse_csv(folder):
    """CSV rows of four dtypes, quoted fields, defaults; JSON-free joins of the columns."""

    class Parser(tf.Module):
        @tf.function(input_signature=[TEXT])
        def parse(self, text):
            number, real, word, wide = tf.io.decode_csv(
                text, [tf.constant([], tf.int32), [0.5], ["none"], tf.constant([-1], tf.int64)], na_value="NA"
            )
            return {"number": number, "real": real, "word": word, "wide": wide}

    module = Parser()
    tf.saved_model.save(module, folder, signatures=module.parse)
    return Case(
        [Predict({"text": [b'1,2.5,"a ""quoted"", word",9000000000', b"-7,,,", b"0,NA,x,NA"]}), Predict({"text": []})],
        errors=[Predict({"text": [b",1,a,1"]}), Predict({"text": [b"1,2,a"]}), Predict({"text": [b"1,x,a,1"]})],
        **EXACT,
    )
