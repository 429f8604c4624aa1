"""Readers: what takes names out of a queue and gives records."""

import gzip
import os
import zlib

import numpy as np
import tensorflow as tf

from calls import Scene, i64, op
from ops.grouped import record

raw = tf.raw_ops
FOLDER = "/tmp/savedmodel-conformance/readers"
TEXT = b"one\r\ntwo\n\nthree\r"
TEN = b"0123456789"


def word(value):
    return np.array(value, object)


class Reader:
    """A reader with a queue of files, and the operators of its version on it."""

    def __init__(self, feed, name, files, folder, **attrs):
        self.later = "V2" if name.endswith("V2") else ""
        self.feed = feed
        self.handle = getattr(raw, name)(**attrs)
        self.queue = getattr(raw, f"FIFOQueue{self.later}")(component_types=[tf.string], shared_name="files")
        names = []
        self.writes = []
        for file, content in files:
            path = f"{FOLDER}/{folder}/{file}".encode() if content is not None else file.encode()
            if content is not None:
                self.writes.append(raw.WriteFile(filename=feed(word(path)), contents=feed(word(content))))
            names.append(path)
        self.names = feed(np.array(names, object))

    def start(self):
        return [self.writes or [tf.no_op()], [getattr(raw, f"QueueEnqueueMany{self.later}")(handle=self.queue, components=[self.names])]]

    def use(self, suffix, **arguments):
        return getattr(raw, f"Reader{suffix}{self.later}")(reader_handle=self.handle, **arguments)

    def one(self):
        return list(self.use("Read", queue_handle=self.queue))

    def many(self, n):
        return list(self.use("ReadUpTo", queue_handle=self.queue, num_records=self.feed(np.array(n, i64))))

    def counts(self):
        return [self.use("NumRecordsProduced"), self.use("NumWorkUnitsCompleted")]

    def close(self):
        return [getattr(raw, f"QueueClose{self.later}")(handle=self.queue)]

    def save(self):
        return [self.use("SerializeState")]

    def restore(self, state):
        return [self.use("RestoreState", state=self.feed(word(state)))]

    def reset(self):
        return [self.use("Reset")]


def scene(name, files, steps, fails=False, folder="", **attrs):
    """A reader of files: `steps(reader)` are the runs."""
    folder = f"{folder or name}-{scene.count}"
    scene.count += 1

    def build(feed):
        reader = Reader(feed, name, files, folder, **attrs)
        runs = reader.start()
        for step in steps(reader):
            runs += [step, reader.counts()]
        return runs if not fails else runs[:-1]

    return Scene(build, fails=fails)


scene.count = 0
VERBS = [f"Reader{verb}{later}" for later in ("", "V2") for verb in ("Read", "ReadUpTo", "NumRecordsProduced", "NumWorkUnitsCompleted", "Reset", "SerializeState", "RestoreState")]


@op("TextLineReader", "TextLineReaderV2", *VERBS, family="data")
def lines(name, rng):
    own = name
    if name.startswith("Reader"):
        name = "TextLineReader" + ("V2" if name.endswith("V2") else "")
    of = lambda files, steps, fails=False, **attrs: scene(name, files, steps, fails, own, **attrs)
    files = [("a", TEXT), ("b", b""), ("c", b"\r"), ("d", b"x\ny"), ("e", b"a\n\r")]
    yield of(files, lambda reader: [reader.one() for _ in range(7)])
    for skip in (1, 2, 9):
        yield of(files, lambda reader: [reader.many(3), *([reader.one()] if skip == 1 else [])] if skip < 9 else [reader.counts()], skip_header_lines=skip)
    yield of(files, lambda reader: [reader.many(2), reader.many(0), reader.many(5), reader.reset(), reader.many(9)])
    yield of([("/no/such/file", None), *files], lambda reader: [reader.one()], True)
    yield of([("/tmp", None), *files], lambda reader: [reader.one()], True)
    yield of(files[:1], lambda reader: [reader.many(9), reader.close(), reader.one()], True)
    yield of(files, lambda reader: [reader.one(), reader.save()], True)
    yield of(files, lambda reader: [reader.one(), reader.restore(b"")], True)
    yield Scene(lambda feed: [[Reader(feed, name, [], "", skip_header_lines=-1).handle]], fails=True) if not name.endswith("V2") else Scene(lambda feed: Reader(feed, name, [], "", skip_header_lines=-1).counts(), fails=True)
    later = "V2" if name.endswith("V2") else ""
    for types, values in (([tf.string, tf.string], [word(b"a"), word(b"b")]), ([tf.int32], [np.int32(1)]), ([tf.string], [np.array([b"a", b"b"], object)])):
        def wrong(feed, types=types, values=values):
            reader = Reader(feed, name, [], "")
            queue = getattr(raw, f"FIFOQueue{later}")(component_types=types, shared_name="other")
            put = getattr(raw, f"QueueEnqueue{later}")(handle=queue, components=[feed(value) for value in values])
            return [[put], list(reader.use("Read", queue_handle=queue))]

        yield Scene(wrong, fails=True)


@op("WholeFileReader", "WholeFileReaderV2", "IdentityReader", "IdentityReaderV2", family="data")
def units(name, rng):
    whole = name.startswith("Whole")
    files = [("a", TEXT), ("b", b""), ("c", TEN * 9)]
    yield scene(name, files, lambda reader: [reader.one(), reader.save(), reader.many(5), reader.one()])
    yield scene(name, files, lambda reader: [reader.many(0), reader.many(1), reader.reset(), reader.save(), reader.one()])
    # Two units begun and finished, five records, and the name of the last.
    yield scene(name, files, lambda reader: [reader.one(), reader.restore(b"\x08\x02\x10\x02\x18\x05\x22\x03abc"), reader.save(), reader.one()])
    yield scene(name, files, lambda reader: [reader.one(), reader.restore(b""), reader.one()])
    for state in (b"\x08\x03\x10\x02", b"\x08\x02\x10\x02\x18" + b"\xff" * 9 + b"\x01", b"zzz"):
        yield scene(name, files, lambda reader: [reader.one(), reader.restore(state)], True)
    yield scene(name, [("/no/such/file", None)], lambda reader: [reader.one()], whole)
    yield scene(name, [("/tmp", None)], lambda reader: [reader.one()], whole)
    other = "TextLineReader" + ("V2" if name.endswith("V2") else "")

    def shared(feed):
        first = Reader(feed, name, files, f"{name}shared", shared_name="r")
        second = Reader(feed, other, files, f"{name}shared", shared_name="r")
        return [*first.start(), second.one(), first.one()]

    yield Scene(shared)


@op("FixedLengthRecordReader", "FixedLengthRecordReaderV2", family="data")
def fixed(name, rng):
    later = name.endswith("V2")
    files = [("a", TEN), ("b", TEN[:3]), ("c", TEN * 3)]
    if not later:
        # Its kernel asks for an attribute that only the second version has.
        yield scene(name, files, lambda reader: [reader.one()], True, record_bytes=4)
        return
    for attrs in (
        {"record_bytes": 4}, {"record_bytes": 4, "header_bytes": 2, "footer_bytes": 3}, {"record_bytes": 4, "hop_bytes": 2, "header_bytes": 1},
        {"record_bytes": 2, "hop_bytes": 5, "footer_bytes": 1}, {"record_bytes": 3, "hop_bytes": 1, "footer_bytes": 2}, {"record_bytes": 1, "hop_bytes": 7}, {"record_bytes": 3},
    ):
        yield scene(name, files, lambda reader: [reader.many(2), reader.one(), reader.many(1)], **attrs)
    yield scene(name, files, lambda reader: [reader.many(2), reader.one()], record_bytes=0)
    yield scene(name, files, lambda reader: [reader.one()], True, record_bytes=4, header_bytes=11)
    yield scene(name, [("/no/such/file", None)], lambda reader: [reader.one()], True, record_bytes=1)
    yield scene(name, [("/tmp", None)], lambda reader: [reader.one()], True, record_bytes=1)
    for attrs in ({"record_bytes": -1}, {"record_bytes": 1, "header_bytes": -1}, {"record_bytes": 1, "footer_bytes": -1}, {"record_bytes": 1, "hop_bytes": -1}):
        yield Scene(lambda feed: Reader(feed, name, [], "", **attrs).counts(), fails=True)
    for encoding, pack in (("GZIP", gzip.compress), ("ZLIB", zlib.compress), ("ZIP", bytes)):
        yield scene(name, [("a", pack(TEN * 2))], lambda reader: [reader.many(2), reader.one(), reader.many(1)], record_bytes=3, hop_bytes=4, header_bytes=1, encoding=encoding)


@op("TFRecordReader", "TFRecordReaderV2", family="data")
def records(name, rng):
    three = b"".join(record(content) for content in (b"abc", b"", TEN))
    for kind, pack in (("", bytes), ("GZIP", gzip.compress), ("ZLIB", zlib.compress), ("ZIP", bytes)):
        files = [("a", pack(three)), ("b", pack(b"")), ("c", pack(record(TEN * 9)))]
        yield scene(name, files, lambda reader: [reader.one(), reader.many(9), reader.many(2)], compression_type=kind)
    for content in (three[:-1], b"no record at all", three[:12] + b"off" + three[15:]):
        yield scene(name, [("a", content), ("b", three)], lambda reader: [reader.many(9)], True)
    yield scene(name, [("a", three[:30]), ("b", three)], lambda reader: [reader.many(9), reader.one()])
    yield scene(name, [("/no/such/file", None)], lambda reader: [reader.one()], True)
