"""String operators."""

import numpy as np
from calls import WORDS, Bad, Call, dtypes, f32, f64, i32, i64, op, specials, u32, u64, values
from ops.array_shapes import ints


def text(*words) -> np.ndarray:
    return np.array([w.encode() if isinstance(w, str) else w for w in words], object)


def one(word) -> np.ndarray:
    return np.array(word.encode() if isinstance(word, str) else word, object)


UNICODE = text("", "abc", "ABC déf", "Straße ÀÉİ", "日本語", "🙂!", "ẞ ﬁ ŉ", "a\u0301e", "\u00a0x\u00a0", "  tab\t\n ")
BROKEN = text(b"\xff\xfe", b"ok\xc3", b"\xe3\x28\xa1", b"\xf0\x9f\x98", b"\xc0\x80", b"\xed\xa0\x80")


@op("StringLower", "StringUpper", family="text")
def case(name, rng):
    yield Call([UNICODE])
    yield Call([UNICODE], {"encoding": "utf-8"})
    yield Call([BROKEN])
    yield Call([BROKEN], {"encoding": "utf-8"})
    for shape in ((), (0,), (2, 3), (2, 1, 2, 2)):
        yield Call([values(rng, object, shape)])
    yield Bad([UNICODE], attrs={"encoding": "latin-1"})


@op("StringStrip", family="text")
def strip(name, rng):
    yield Call([UNICODE])
    yield Call([text(" a ", "\t\n\v\f\r b \x00", "   ", "\x1c x", "c\u2003")])
    for shape in ((), (0, 2), (2, 3)):
        yield Call([values(rng, object, shape)])


@op("StringLength", family="text")
def length(name, rng):
    for unit in ("BYTE", "UTF8_CHAR"):
        yield Call([UNICODE], {"unit": unit})
        yield Call([BROKEN], {"unit": unit})
        yield Call([values(rng, object, (2, 0))], {"unit": unit})
    yield Call([one("x")])


@op("StringJoin", family="text")
def join(name, rng):
    for separator in ("", ", "):
        yield Call([[text("a", "b"), text("x", "y")]], {"separator": separator})
        yield Call([[text("a", "b"), one("mid"), text("x", "")]], {"separator": separator})
    yield Call([[one("a"), one("b")]])
    yield Call([[text("a")]])
    yield Call([[values(rng, object, (2, 3)), values(rng, object, (2, 3))]])
    yield Call([[values(rng, object, (0,)), one("x")]])
    yield Bad([[text("a", "b"), text("a")]])


@op("ReduceJoin", family="text")
def reduce_join(name, rng):
    for axes in ([0], [1], [-1], [0, 1], [1, 0], []):
        for keep in (False, True):
            yield Call([text("a", "b", "c", "d").reshape(2, 2), np.array(axes, i32)], {"keep_dims": keep, "separator": "."})
    yield Call([values(rng, object, (2, 3, 2)), ints(2, 0)])
    yield Call([values(rng, object, (2, 0)), ints(1)])
    yield Call([values(rng, object, (3,)), np.array(0, i32)])
    for axes in ([2], [-3], [0, 0]):
        yield Bad([values(rng, object, (2, 2)), np.array(axes, i32)])


@op("Substr", family="text")
def substr(name, rng):
    for unit in ("BYTE", "UTF8_CHAR"):
        for index in (i32, i64):
            for position, count in ((0, 2), (1, 100), (-2, 1), (0, 0)):
                yield Call([text("abc", "日本語", "héllo"), np.array(position, index), np.array(count, index)], {"unit": unit})
        yield Call([text("abc", "hello"), ints(1, -3), ints(1, 2)], {"unit": unit})
        yield Call([text("abcdef", "hello!", "xyzxyz", "qwerty").reshape(2, 2), ints(1, 2), ints(2, 3)], {"unit": unit})
        yield Call([one("abc"), ints(0, 1), ints(2, 1)], {"unit": unit})
        yield Call([text("abc").reshape(1, 1), np.array(0, i32), np.array(-1, i32)], {"unit": unit})
        for position in (4, -4):
            yield Bad([text("abc"), np.array(position, i32), np.array(1, i32)], attrs={"unit": unit})
    yield Bad([text("abc"), ints(0), np.array(1, i32)])
    yield Bad([text("abc", "d"), ints(0, 0, 0), ints(1, 1, 1)])


@op("AsString", family="text")
def as_string(name, rng):
    for dtype in dtypes(name):
        yield Call([specials(dtype)])
        yield Call([values(rng, dtype, (2, 3), -100, 100)])
        if dtype not in (np.bool_, object):
            yield Call([values(rng, dtype, (3,), -100, 100)], {"width": 6})
            yield Call([values(rng, dtype, (3,), -100, 100)], {"width": 6, "fill": "0"})
            yield Call([values(rng, dtype, (3,), -100, 100)], {"width": 6, "fill": "-"})
    for dtype in (f32, f64):
        x = np.array([0, -0.0, 1, 1.5, 1e-5, 123456789, 1e20, -3.14159265, 0.1, 1e-30], dtype)
        for attrs in ({"precision": 2}, {"precision": 0}, {"scientific": True}, {"scientific": True, "precision": 3}, {"shortest": True}, {"shortest": True, "precision": 3}, {"width": 12, "precision": 3, "fill": " "}, {"width": 9, "fill": "+"}):
            yield Call([x], attrs)
    for attrs in ({"scientific": True}, {"shortest": True}, {"precision": 2}, {"fill": "xx", "width": 3}):
        yield Bad([ints(1, 2)], attrs=attrs)
    yield Bad([np.array([1.5], f32)], attrs={"scientific": True, "shortest": True})


@op("StringToNumber", family="text")
def to_number(name, rng):
    for dtype in dtypes(name, "out_type"):
        yield Call([text("0", "7", "+12", " 42 ", "00012")], {"out_type": dtype})
        yield (Bad if dtype in (u32, u64) else Call)([text("-7")], attrs={"out_type": dtype})
        if dtype in (f32, f64):
            yield Call([text("1.5", "-2e3", ".5", "5.", "1e-50", "inf", "-INF", "nan", "0x1A", "1e400", "-0", "3.4028236e38", "0.1")], {"out_type": dtype})
        for bad in ("", "abc", "1.5x", "1 2", "1e", "--1", "9999999999999999999999x"):
            yield Bad([text("1", bad)], attrs={"out_type": dtype})
    for number in ("2147483648", "1.5", "0x10"):
        yield Bad([text(number)], attrs={"out_type": i32})
    yield Bad([text("9223372036854775808")], attrs={"out_type": i64})


@op("StringToHashBucketFast", "StringToHashBucket", family="text")
def hash_bucket(name, rng):
    long = text(*("x" * n for n in (1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 127, 128, 200, 1000)))
    for words in (UNICODE, BROKEN, long, np.array(WORDS, object).reshape(2, 5)):
        for buckets in (1, 10, 1000000007, 2**62):
            yield Call([words], {"num_buckets": buckets})
    yield Call([one("a")], {"num_buckets": 7})


@op("StringToHashBucketStrong", family="text")
def hash_strong(name, rng):
    for key in ([1, 2], [0, 0], [-5, 2**62]):
        yield Call([UNICODE], {"num_buckets": 1000, "key": key})
        yield Call([text(*("y" * n for n in range(0, 20)))], {"num_buckets": 2**61, "key": key})
    yield Bad([UNICODE], attrs={"num_buckets": 10, "key": [1]})


@op("RegexReplace", family="text")
def regex_replace(name, rng):
    for pattern, rewrite in PATTERNS:
        for whole in (True, False):
            yield Call([UNICODE, one(pattern), one(rewrite)], {"replace_global": whole})
    yield Bad([UNICODE, one("(?=x)"), one("")])
    yield Bad([UNICODE, one("("), one("")])
    yield Bad([UNICODE, text("a"), one("")])


PATTERNS = (("[aeiou]", "*"), ("(\\w)(\\w)", "\\2\\1"), ("", "-"), (".", "\\0\\0"), ("\\s+", " "), ("\\pL", "L"), ("(?i)ABC", "x"), ("^a|c$", "#"), ("[^\\x00-\\x7f]", "?"), ("x*", "_"), ("(a)|(b)", "<\\2>"), ("\\bd", "D"))


@op("StaticRegexReplace", family="text")
def static_regex_replace(name, rng):
    for pattern, rewrite in PATTERNS:
        yield Call([UNICODE], {"pattern": pattern, "rewrite": rewrite})
    yield Call([BROKEN], {"pattern": "o", "rewrite": "0"})
    yield Call([UNICODE], {"pattern": "a", "rewrite": "\\1"})
    yield Bad([UNICODE], attrs={"pattern": "(?<=x)", "rewrite": ""})


@op("RegexFullMatch", family="text")
def full_match(name, rng):
    for pattern in ("[a-z]+", "", ".*", "(?s).*", "abc|x", "\\p{Han}+", "A.*f"):
        yield Call([UNICODE, one(pattern)])
    yield Bad([UNICODE, one("[")])


@op("StaticRegexFullMatch", family="text")
def static_full_match(name, rng):
    for pattern in ("[a-z]+", "", ".*", "(?s).*", "abc|x", "\\p{Han}+"):
        yield Call([UNICODE], {"pattern": pattern})
    yield Bad([UNICODE], attrs={"pattern": "["})


SPLITS = text("a b  c", "", " lead", "x,y,,z", ",", "one", "tab\tnew\nline", "a--b-c")


@op("StringSplit", family="text")
def split_v1(name, rng):
    for delimiter in (" ", ", ", "", "-"):
        for skip in (True, False):
            yield Call([SPLITS, one(delimiter)], {"skip_empty": skip})
    yield Call([np.zeros(0, object), one(" ")])
    yield Bad([SPLITS.reshape(2, 4), one(" ")])
    yield Bad([SPLITS, text(" ", ",")])


@op("StringSplitV2", family="text")
def split_v2(name, rng):
    for separator in (" ", ",", "", "--", "é"):
        for limit in (-1, 0, 1, 2):
            yield Call([SPLITS, one(separator)], {"maxsplit": limit})
    yield Call([np.zeros(0, object), one(" ")])
    yield Bad([SPLITS.reshape(2, 4), one(" ")])


@op("StringNGrams", family="text")
def ngrams(name, rng):
    words = text("a", "b", "c", "d", "e", "f")
    for dtype in dtypes(name, "Tsplits"):
        for widths in ([1], [2], [2, 3], [5]):
            for left, right, pad, short in (("", "", 0, False), ("<", ">", -1, False), ("<", ">", 1, False), ("", "", 0, True)):
                attrs = {"separator": "|", "ngram_widths": widths, "left_pad": left, "right_pad": right, "pad_width": pad, "preserve_short_sequences": short}
                yield Call([words, np.array([0, 3, 3, 4, 6], dtype)], attrs)
    attrs = {"separator": "", "ngram_widths": [2], "left_pad": "", "right_pad": "", "pad_width": 0, "preserve_short_sequences": False}
    for splits in ([0, 7], [1, 6], [0, 4, 2, 6], [0, -1]):
        yield Bad([words, np.array(splits, i64)], attrs=attrs)
    yield Bad([words, np.array([0, 6], i64)], attrs={**attrs, "ngram_widths": [0]})


@op("StringFormat", family="text")
def string_format(name, rng):
    for value in (ints(1, 2, 3), np.arange(10, dtype=i32), np.float32(1.5), np.arange(24, dtype=f32).reshape(2, 3, 4), text("a", "b"), np.array([True, False]), np.zeros((0, 2), f32)):
        yield Call([[value]], {"template": "x = %s.", "placeholder": "%s"})
        yield Call([[value]], {"template": "{}", "placeholder": "{}", "summarize": -1})
    yield Call([[ints(1), text("z")]], {"template": "{} and {}", "placeholder": "{}"})
    yield Bad([[ints(1)]], attrs={"template": "none", "placeholder": "{}"})
    yield Bad([[ints(1), ints(2)]], attrs={"template": "{}", "placeholder": "{}"})


@op("EncodeBase64", "DecodeBase64", family="text")
def base64(name, rng):
    if name == "EncodeBase64":
        for pad in (False, True):
            yield Call([text("", "a", "ab", "abc", "abcd", b"\xff\xfe\xfb\x00")], {"pad": pad})
    else:
        yield Call([text("", "YQ", "YWI", "YWJj", "YQ==", "YWI=", "__77", "-_-_")])
        for bad in ("Y", "YQ=", "Y!==", "+/+/", "YQ=a", "====", "YWJjZ"):
            yield Bad([text(bad)])


@op("UnicodeDecode", "UnicodeDecodeWithOffsets", family="text")
def unicode_decode(name, rng):
    for dtype in dtypes(name, "Tsplits"):
        yield Call([UNICODE], {"input_encoding": "UTF-8", "Tsplits": dtype})
    for errors in ("replace", "ignore"):
        yield Call([BROKEN], {"input_encoding": "UTF-8", "errors": errors})
        yield Call([text("a\x01b\x7f")], {"input_encoding": "UTF-8", "errors": errors, "replace_control_characters": True, "replacement_char": 63})
    yield Call([text(b"\x00a\x30\x42", b"\xd8\x3d\xde\x42")], {"input_encoding": "UTF-16-BE"})
    yield Call([text(b"\x00\x00\x00a")], {"input_encoding": "UTF-32-BE"})
    yield Call([text(b"caf\xe9")], {"input_encoding": "ISO-8859-1"})
    yield Call([np.zeros(0, object)], {"input_encoding": "UTF-8"})
    yield Bad([BROKEN], attrs={"input_encoding": "UTF-8", "errors": "strict"})
    yield Bad([UNICODE], attrs={"input_encoding": "NO-SUCH"})


@op("UnicodeEncode", family="text")
def unicode_encode(name, rng):
    points = np.array([97, 0x65E5, 0x1F642, 98, 0xE9], i32)
    for dtype in dtypes(name, "Tsplits"):
        for encoding in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
            yield Call([points, np.array([0, 2, 2, 5], dtype)], {"output_encoding": encoding})
    for errors in ("replace", "ignore"):
        yield Call([np.array([97, 0xD800, 0x110000, -1, 98], i32), np.array([0, 5], i64)], {"output_encoding": "UTF-8", "errors": errors})
    yield Bad([np.array([0xD800], i32), np.array([0, 1], i64)], attrs={"output_encoding": "UTF-8", "errors": "strict"})
    for splits in ([0, 6], [1, 5], [0, 3, 2, 5]):
        yield Bad([points, np.array(splits, i64)], attrs={"output_encoding": "UTF-8"})


@op("UnicodeTranscode", family="text")
def transcode(name, rng):
    for encoding in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
        yield Call([UNICODE], {"input_encoding": "UTF-8", "output_encoding": encoding})
    for errors in ("replace", "ignore"):
        yield Call([BROKEN], {"input_encoding": "UTF-8", "output_encoding": "UTF-8", "errors": errors})
    yield Call([text("a\x01b\n")], {"input_encoding": "UTF-8", "output_encoding": "UTF-8", "replace_control_characters": True})
    yield Call([text(b"caf\xe9")], {"input_encoding": "ISO-8859-1", "output_encoding": "UTF-8"})
    yield Bad([BROKEN], attrs={"input_encoding": "UTF-8", "output_encoding": "UTF-8", "errors": "strict"})


@op("UnicodeScript", family="text")
def script(name, rng):
    yield Call([np.array([97, 0x65E5, 0x3042, 0x416, 0x5D0, 32, 0x1F642, -1, 0x110000, 0x3B1], i32)])
    yield Call([np.array(97, i32)])
    yield Call([np.zeros((0, 2), i32)])


@op("UnsortedSegmentJoin", family="text")
def segment_join(name, rng):
    for index in (i32, i64):
        yield Call([text("a", "b", "c", "d"), np.array([1, 0, 1, 1], index), np.array(3, index)], {"separator": ":"})
        yield Call([text("a", "b", "c", "d").reshape(2, 2), np.array([1, 1], index), np.array(2, index)])
    for ids, count in (([0, 3], 3), ([0], 3), ([0, -2], 3), ([0, 1], -1)):
        yield Bad([text("a", "b"), np.array(ids, i32), np.array(count, i32)])
