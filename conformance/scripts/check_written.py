"""Loads what `savedmodel` writes with TensorFlow, and compares the answers with those of the model that it comes from.

    cargo build -p savedmodel-cli && cargo build -p savedmodel --example softmax
    python check_written.py [DIRECTORY_OF_BINARIES] [NAME...]

Each model is saved again, pruned, frozen and written as text; TensorFlow loads the result both ways, by `tf.saved_model.load`
and by the loader of TensorFlow 1. Without names, all models of the cases that can be called with made-up inputs are checked.
"""

import os
import subprocess
import sys
import tempfile

import environment  # noqa: F401
import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
CASES = os.path.join(HERE, "../cases")
v1 = tf.compat.v1

MODELS = [
    "models/keras3_mlp", "models/keras3_lstm", "models/keras3_gru_bidirectional", "models/keras3_transformer",
    "models/tf_keras_mlp", "models/tf_keras_stateful_lstm", "models/function_while", "models/function_cond_case",
    "models/function_nested_calls", "models/table_text_file", "models/table_tensors", "models/table_mutable",
    "models/table_v1_assets", "models/v1_ref_variables", "models/v1_resource_variables", "models/v1_partitioned",
    "models/v1_dynamic_rnn", "models/v1_classify_regress", "models/v1_while", "models/v1_tensor_array",
    "models/v1_several_metagraphs", "objects/objects", "objects/tables", "objects/anonymous",
]
ACTIONS = {
    "saved": ["convert"],
    "text": ["convert", "--text"],
    "pruned": ["prune"],
    "frozen": ["freeze"],
}


class Checker:
    def __init__(self, binaries: str, room: str):
        self.binary = os.path.join(binaries, "savedmodel")
        self.softmax = os.path.join(binaries, "examples/softmax")
        self.room = room
        self.failed = 0
        self.passed = 0

    def note(self, what: str, fault: str | None) -> None:
        self.passed += fault is None
        self.failed += fault is not None
        print(f"{what}: {'ok' if fault is None else fault}", flush=True)

    def run(self, *arguments: str) -> str | None:
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else done.stderr.strip()

    def model(self, name: str) -> None:
        folder = os.path.join(CASES, name, "model")
        folder = folder if os.path.isdir(folder) else os.path.join(CASES, name)
        for tags in tag_sets(folder):
            without_names = name == "objects/anonymous"
            expected = answers_v2(folder, None, tags) if without_names else answers_v1(folder, tags)
            # TensorFlow 2 refuses signatures that give references.
            both = guarded(lambda: answers_v2(folder, None, tags) and None) is None
            for action, command in ACTIONS.items():
                out = os.path.join(self.room, f"{name.replace('/', '_')}_{'_'.join(tags)}_{action}")
                what = f"{name} [{', '.join(tags)}] {action}"
                fault = self.run(command[0], folder, out, "--tags", ",".join(tags), *command[1:])
                if fault is not None:
                    self.note(what, f"not written: {fault}")
                    continue
                # Tables without names are empty in each session of TensorFlow 1; the objects are what fills them.
                if not (without_names and command[0] == "convert"):
                    self.note(
                        f"{what}, TensorFlow 1's loader", guarded(lambda: differ(expected, answers_v1(out, tags))))
                if both:
                    self.note(f"{what}, tf.saved_model.load", guarded(lambda: differ(expected, answers_v2(out))))

    def graphs(self) -> None:
        """Frozen graphs without a SavedModel, and a MetaGraphDef with its checkpoints."""
        folder = os.path.join(CASES, "models/keras3_mlp/model")
        frozen = os.path.join(self.room, "frozen.pb")
        self.note("frozen graph", self.run("freeze", folder, frozen) or guarded(lambda: imported(folder, frozen)))
        saver = os.path.join(CASES, "objects/saver")
        for checkpoint in ("new", "old"):
            for meta in ("new.meta", "old.meta"):
                out = os.path.join(self.room, f"saver_{checkpoint}_{meta}")
                fault = self.run(
                    "convert", os.path.join(saver, meta), out + "_model", "--checkpoint", os.path.join(saver, checkpoint),
                    "--input", "x=x:0", "--output", "y=y:0")
                expected = {"serving_default": {"y": np.float32([4, 5] if checkpoint == "new" else [40, 50])}}
                fill = {"x": np.float32([1])}
                self.note(
                    f"{meta} with checkpoint {checkpoint}",
                    fault or guarded(lambda: differ(expected, answers_v2(out + "_model", fill))))
        whole = os.path.join(self.room, "copy.meta")
        source = os.path.join(CASES, "models/v1_partitioned/model")
        self.note("MetaGraphDef", self.run("convert", source, whole) or guarded(lambda: import_meta(source, whole)))

    def simple_save(self) -> None:
        place = os.path.join(self.room, "softmax")
        subprocess.run([self.softmax, place], check=True)
        weights = ((np.arange(7840) % 13 - 6) / np.float32(13)).astype(np.float32).reshape(784, 10)
        x = np.random.default_rng(1).random((3, 784), np.float32)
        y = tf.nn.softmax(x @ weights + np.float32(0.5)).numpy()
        simple = os.path.join(place, "simple")
        self.note("simple_save", guarded(
            lambda: differ({"serving_default": {"y": y}}, answers_v2(simple, {"x": x}))
            or differ({"serving_default": {"y": y}}, answers_v1(simple, ["serve"], {"x": x}))
            or variables(simple)))
        functions = os.path.join(place, "functions")
        for choice in (True, False):
            given = {"x": np.float32([1, 2]), "choice": np.array(choice)}
            expected = {"serving_default": {"y": np.float32([3, 6] if choice else [-1, -2])}}
            self.note(f"functions, {choice}", guarded(
                lambda: differ(expected, answers_v2(functions, given))
                or differ(expected, answers_v1(functions, ["serve"], given))))
        tags = os.path.join(place, "tags")
        for own in (["foo-tag"], ["foo-tag", "train"]):
            self.note(f"simple_save with tags {own}", guarded(
                lambda: differ({"predict_images": {"scores": y}}, answers_v1(tags, own, {"images": x}))
                or differ({"predict_images": {"scores": y}}, answers_v2(tags, {"images": x}, own))))


def guarded(check) -> str | None:
    try:
        return check()
    except Exception as error:  # pylint: disable=broad-except
        return f"{type(error).__name__}: {error}"


def tag_sets(folder: str) -> list[list[str]]:
    from tensorflow.python.saved_model import loader_impl
    return [list(graph.meta_info_def.tags) for graph in loader_impl.parse_saved_model(folder).meta_graphs]


def made_up(name: str, dtype: tf.DType, dims) -> np.ndarray:
    """A value of that dtype and shape, always the same."""
    dims = [2 if dim is None or dim < 0 else dim for dim in ([] if dims is None else dims)]
    random = np.random.default_rng(7)
    if dtype == tf.string:
        text = example() if name in ("inputs", "examples") else b"b"
        return np.full(dims, text, object)
    if dtype == tf.bool:
        return np.ones(dims, bool)
    if dtype.is_floating:
        return random.standard_normal(dims).astype(dtype.as_numpy_dtype)
    return np.ones(dims, dtype.as_numpy_dtype)


def example() -> bytes:
    feature = {"x": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5, -1.5]))}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def answers_v1(folder: str, tags: list[str], given=None) -> dict:
    """The answer of each signature, each in a session of its own."""
    answers = {}
    with tf.Graph().as_default(), v1.Session(config=environment.session_config()) as session:
        meta = v1.saved_model.loader.load(session, tags, folder)
    for key, signature in sorted(meta.signature_def.items()):
        if key.startswith("__") or any(not info.name for info in signature.inputs.values()):
            continue
        with tf.Graph().as_default(), v1.Session(config=environment.session_config()) as session:
            v1.saved_model.loader.load(session, tags, folder)
            feeds = {
                info.name: (given or {}).get(name, made_up(name, tf.as_dtype(info.dtype), dims_of(info)))
                for name, info in signature.inputs.items()
            }
            fetches = {name: info.name for name, info in signature.outputs.items() if info.name}
            answers[key] = outcome(lambda: session.run(fetches, feeds))
    return answers


def dims_of(info):
    return None if info.tensor_shape.unknown_rank else [dim.size for dim in info.tensor_shape.dim]


def answers_v2(folder: str, given=None, tags=None) -> dict:
    answers = {}
    for key in sorted(tf.saved_model.load(folder, tags).signatures):
        # State goes on from signature to signature; each begins anew.
        function = tf.saved_model.load(folder, tags).signatures[key]
        specs = function.structured_input_signature[1]
        if any(not isinstance(spec, tf.TensorSpec) for spec in specs.values()):
            continue
        inputs = {
            name: tf.constant((given or {}).get(name, made_up(
                name, spec.dtype, spec.shape.dims and spec.shape.as_list())), spec.dtype)
            for name, spec in specs.items()
        }
        answers[key] = outcome(lambda: {k: v.numpy() for k, v in function(**inputs).items() if hasattr(v, "numpy")})
    return answers


def outcome(run):
    """The answer, or the kind of error."""
    try:
        return run()
    except tf.errors.OpError as error:
        return type(error).__name__


def differ(expected: dict, found: dict) -> str | None:
    for key, want in expected.items():
        if key not in found:
            return f"signature '{key}' is missing"
        got = found[key]
        if isinstance(want, str) or isinstance(got, str):
            if want is not got and want != got:
                return f"signature '{key}': {got}, not {want}"
            continue
        for name, value in want.items():
            if name not in got:
                return f"signature '{key}': output '{name}' is missing"
            a, b = np.asarray(value), np.asarray(got[name])
            numbers = a.dtype.kind in "fciub" and b.dtype.kind in "fciub"
            same = np.allclose(a, b, 1e-5, 1e-6, equal_nan=True) if numbers else np.array_equal(a, b)
            if a.shape != b.shape or not same:
                return f"signature '{key}': output '{name}' is {b}, not {a}"
    return None


def imported(folder: str, frozen: str) -> str | None:
    expected = answers_v1(folder, ["serve"])["serving_default"]
    graph = v1.GraphDef()
    with open(frozen, "rb") as file:
        graph.ParseFromString(file.read())
    with tf.Graph().as_default(), v1.Session(config=environment.session_config()) as session:
        meta = v1.saved_model.loader.load(session, ["serve"], folder)
    signature = meta.signature_def["serving_default"]
    with tf.Graph().as_default(), v1.Session(config=environment.session_config()) as session:
        tf.import_graph_def(graph, name="")
        feeds = {
            info.name: made_up(name, tf.as_dtype(info.dtype), dims_of(info))
            for name, info in signature.inputs.items()
        }
        found = session.run({name: info.name for name, info in signature.outputs.items()}, feeds)
    return differ({"s": expected}, {"s": found})


def import_meta(source: str, meta: str) -> str | None:
    expected = answers_v1(source, ["serve"])["serving_default"]
    with tf.Graph().as_default(), v1.Session(config=environment.session_config()) as session:
        saver = v1.train.import_meta_graph(meta)
        saver.restore(session, meta[: -len(".meta")])
        signature = v1.MetaGraphDef()
        with open(meta, "rb") as file:
            signature.ParseFromString(file.read())
        signature = signature.signature_def["serving_default"]
        feeds = {
            info.name: made_up(name, tf.as_dtype(info.dtype), dims_of(info))
            for name, info in signature.inputs.items()
        }
        found = session.run({name: info.name for name, info in signature.outputs.items()}, feeds)
    return differ({"s": expected}, {"s": found})


def variables(folder: str) -> str | None:
    found = sorted(variable.name for variable in tf.saved_model.load(folder).variables)
    return None if found == ["b:0", "w:0"] else f"the variables are {found}"


def main() -> None:
    binaries = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target/debug")
    with tempfile.TemporaryDirectory() as room:
        checker = Checker(binaries, room)
        for name in sys.argv[2:] or MODELS:
            checker.model(name)
        if not sys.argv[2:]:
            checker.graphs()
            checker.simple_save()
        print(f"{checker.passed} passed, {checker.failed} failed")
    sys.exit(checker.failed > 0)


if __name__ == "__main__":
    main()
