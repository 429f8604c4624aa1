"""Counts the operator cases, and asks TensorFlow again for every answer: what is on disk must be what it says now.

    python check_op_cases.py [FILE...]
"""

import glob
import os
import sys

import environment  # noqa: F401  (sets TensorFlow up first)
import engine
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import prediction_log_pb2

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases/ops")


def groups(path: str):
    """(MetaGraphDef, logs) of each group of a file."""
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    records = iter(tf.compat.v1.io.tf_record_iterator(path, options))
    for record in records:
        meta = meta_graph_pb2.MetaGraphDef.FromString(record)
        count = len(meta.collection_def["expected"].bytes_list.value)
        yield meta, [prediction_log_pb2.PredictionLog.FromString(next(records)) for _ in range(count)]


def request(log) -> engine.Request:
    asked = log.session_run_log.request
    feeds = {feed.name: feed.tensor for feed in asked.feed}
    return engine.Request(feeds, list(asked.fetch), list(asked.target))


def differs(meta, logs) -> str:
    """How today's answers differ from the file's, or nothing."""
    expected = [text.decode() for text in meta.collection_def["expected"].bytes_list.value]
    try:
        session = engine.Session(meta.graph_def)
    except engine.BadGraph as error:
        return "" if all(expected) else f"does not load: {error}"
    for number, (log, said) in enumerate(zip(logs, expected)):
        answer, now = engine.ask(session, request(log))
        if now.split(":")[0] != said.split(":")[0]:
            return f"run {number}: {said or 'an answer'} became {now or 'an answer'}"
        if not now and answer != log:
            return f"run {number}: other values"
    session.close()
    return ""


def main() -> None:
    files = sys.argv[1:] or sorted(glob.glob(os.path.join(CASES, "*/*.gz")))
    theirs = [path for path in files if ("/onednn/" in os.path.abspath(path)) != environment.ONEDNN]
    files = [path for path in files if path not in theirs]
    graphs = runs = errors = bad = 0
    for path in files:
        for index, (meta, logs) in enumerate(groups(path)):
            graphs += 1
            runs += len(logs)
            errors += sum(map(bool, meta.collection_def["expected"].bytes_list.value))
            problem = differs(meta, logs)
            if problem:
                bad += 1
                print(f"{os.path.relpath(path, CASES)} group {index}: {problem}"[:300], flush=True)
    size = sum(map(os.path.getsize, files))
    print(f"{len(files)} files, {size} bytes, {graphs} graphs, {runs} runs, {errors} errors expected, {bad} groups differ")
    environment.with_onednn(theirs)


if __name__ == "__main__":
    main()
