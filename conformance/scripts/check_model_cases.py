"""Asks TensorFlow again for every record of the model cases: what is on disk must be what it says now.

    python check_model_cases.py [NAME...]
"""

import base64
import json
import os
import sys

import environment  # noqa: F401  (sets TensorFlow up first)
import records
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases/models")


def request(log):
    """The request of a record, as a value."""
    tags = tuple(log.log_metadata.saved_model_tags)
    kind = log.WhichOneof("log_type")
    asked = getattr(log, kind).request
    if kind == "session_run_log":
        return records.Run({f.name: f.tensor for f in asked.feed}, list(asked.fetch), list(asked.target), tags)
    name = asked.model_spec.signature_name
    if kind == "predict_log":
        return records.Predict(dict(asked.inputs), name, tags)
    shape = records.Classify if kind == "classify_log" else records.Regress
    return shape(list(asked.input.example_list.examples), name, tags)


def check(name: str) -> list[str]:
    folder = os.path.join(CASES, name)
    log = records.Log(os.path.join(folder, "model"), name)
    problems = []
    path = os.path.join(folder, "prediction_log.tfrecord")
    for number, record in enumerate(tf.compat.v1.io.tf_record_iterator(path)):
        stored = prediction_log_pb2.PredictionLog.FromString(record)
        if log.record(request(stored)) != stored:
            problems.append(f"record {number} differs")
    with open(os.path.join(folder, "case.json")) as file:
        errors = json.load(file).get("errors", [])
    for number, error in enumerate(errors):
        stored = prediction_log_pb2.PredictionLog.FromString(base64.b64decode(error["record_b64"]))
        if log.error(request(stored))["code"] != error["code"]:
            problems.append(f"error {number} differs")
    return problems


def main() -> None:
    names = sys.argv[1:] or sorted(n for n in os.listdir(CASES) if not n.endswith(".tmp"))
    for name in names:
        try:
            problems = check(name)
        except Exception as error:  # noqa: BLE001  (one model's trouble is reported beside the others')
            problems = [f"{type(error).__name__}: {error}"[:300]]
        for problem in problems:
            print(f"{name}: {problem}", flush=True)
    print(f"{len(names)} models checked")


if __name__ == "__main__":
    main()
