"""Times single operators beside TensorFlow, one thread each, and prints a table.

    python time_operators.py BINARY [WORD...]     the rows of ../operators.txt whose text holds a word; all without words

Each row becomes a SavedModel of one raw operator. The two take turns; a cell is the least of the medians of a turn, so the ratio
holds for that machine in that hour.
"""

import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", OMP_NUM_THREADS="1")
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

ROWS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../operators.txt")
ROUNDS, SECONDS = 4, 0.25


def tensor(text: str, rng) -> np.ndarray:
    dtype, shape, kind, rest = re.fullmatch(r"(\w+)\[([\d,]*)\](?:([<=])(.*))?", text).groups()
    shape = [int(d) for d in shape.split(",") if d]
    if dtype == "string":
        words = np.array(["Word%d and more" % i for i in rng.integers(0, 5000, int(np.prod(shape)))], object)
        return words.reshape(shape)
    dtype = tf.as_dtype(dtype).as_numpy_dtype
    if kind == "=":
        return np.array([float(v) for v in rest.split(",")]).astype(dtype).reshape(shape)
    if kind == "<":
        return (rng.random(shape) * float(rest)).astype(dtype)
    if np.issubdtype(dtype, np.complexfloating):
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def attribute(text: str):
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("["):
        return [int(v) for v in text[1:-1].split(",")]
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return text


def rows():
    for line in open(ROWS):
        if line.strip() and not line.startswith("#"):
            yield [part.strip() for part in line.split("|")]


def save(op: str, attrs: str, inputs: str, folder: str):
    """The SavedModel of a row; gives its function and what is fed."""
    rng = np.random.default_rng(7)
    definition = op_def_registry.get(op)
    given = [text.strip() for text in inputs.split(";")]
    values = [tensor(text.removeprefix("const "), rng) for text in given]
    fed = {f"x{i}": value for i, (text, value) in enumerate(zip(given, values)) if not text.startswith("const ")}
    attrs = dict(pair.split("=", 1) for pair in attrs.split())
    attrs = {name: attribute(value) for name, value in attrs.items()}
    attrs = {name: tf.as_dtype(value) if name in ("DstT", "out_type") else value for name, value in attrs.items()}

    def call(**feeds):
        arguments = [feeds.get(f"x{i}", value) for i, value in enumerate(values)]
        named, at = {}, 0
        # The generated functions name some arguments otherwise than the declaration, but keep their order.
        for name, arg in zip(inspect.signature(getattr(tf.raw_ops, op)).parameters, definition.input_arg):
            count = len(values) - len(definition.input_arg) + 1 if arg.number_attr else 1
            part, at = arguments[at : at + count], at + count
            named[name] = part if arg.number_attr else part[0]
        result = getattr(tf.raw_ops, op)(**named, **attrs)
        result = result if isinstance(result, (list, tuple)) else [result]
        return {f"y{i}": y for i, y in enumerate(result)}

    module = tf.Module()
    specs = {name: tf.TensorSpec(value.shape, tf.as_dtype(value.dtype) if value.dtype != object else tf.string, name) for name, value in fed.items()}
    module.call = tf.function(call, autograph=False)
    concrete = module.call.get_concrete_function(**specs)
    tf.saved_model.save(module, os.path.join(folder, "model"), signatures=concrete)
    np.savez(os.path.join(folder, "inputs.npz"), **{k: v.astype("S") if v.dtype == object else v for k, v in fed.items()})
    return concrete, {name: tf.constant(value) for name, value in fed.items()}


def median(call) -> float:
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    binary, words = sys.argv[1], sys.argv[2:]
    print("| operator | TensorFlow, ms | savedmodel, ms | ratio |\n|---|--:|--:|--:|")
    for op, attrs, inputs in rows():
        if words and not any(word in " ".join((op, attrs, inputs)) for word in words):
            continue
        with tempfile.TemporaryDirectory() as folder:
            concrete, fed = save(op, attrs, inputs, folder)
            concrete(**fed)
            own, other = [], []
            for _ in range(ROUNDS):
                other.append(median(lambda: concrete(**fed)))
                runs = max(5, min(20000, int(1e3 * SECONDS / other[-1])))
                command = [binary, "bench", f"{folder}/model", "--inputs", f"{folder}/inputs.npz", "--threads", "1", "--runs", str(runs), "--json"]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"{op}: {done.stderr}")
                own.append(json.loads(done.stdout)["median_ms"])
            text = inputs.replace("const ", "")
            name = f"`{op}` {attrs + ' ' if attrs else ''}{text}"
            print(f"| {name} | {min(other):.3g} | {min(own):.3g} | {min(own) / min(other):.2f} |", flush=True)


main()
