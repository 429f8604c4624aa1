"""Makes cases that nobody has seen: the specs with another seed, and mutants of their calls. Nothing of it is kept in the project.

    python make_fresh_cases.py SEED DIRECTORY [OP...]
    cargo run -p savedmodel-conformance -- DIRECTORY

A mutant is a call with another value, shape, dtype or attribute. TensorFlow answers most of them with an error; what matters is that
this project gives the same, and neither panics nor hangs. Each operator is asked in processes of its own; a call that kills TensorFlow
ends one of them, and the next goes on after it. A file holds the groups of one operator; `kind` tells what was changed.
"""

import os
import resource
import signal
import sys
import zlib

import environment  # noqa: F401  (sets TensorFlow up first)
import numpy as np
import tensorflow as tf
from calls import Call, Scene, name as dtype_name
from engine import Maker, scene_graph, write
from make_op_cases import load_specs
from tensorflow.python.framework import op_def_registry

MEMORY = 6 << 30
SECONDS = 20
MUTANTS = 3
MOST_CALLS = 24
HUGE = (-1, 0, 1, 2, 5, 100, -(2**31), 2**31 - 1, 2**40, -(2**63), 2**63 - 1)
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 1e-40, 1.0)


def mutated_array(rng, value: np.ndarray) -> tuple[np.ndarray, str]:
    """An array that differs in shape, values or dtype, and what was done to it."""
    choice = rng.integers(0, 10)
    if choice < 4 and value.size and value.dtype.kind in "iufc":
        value = value.copy()
        at = rng.integers(0, value.size)
        picks = SPECIAL if value.dtype.kind in "fc" else [n for n in HUGE if np.can_cast(np.min_scalar_type(n), value.dtype)]
        if picks:
            value.reshape(-1)[at] = picks[rng.integers(0, len(picks))]
            return value, "value"
    if choice == 4 and value.dtype.kind in "iuf":
        others = [np.float32, np.float64, np.int32, np.int64, np.uint8]
        with np.errstate(all="ignore"):
            return value.astype(others[rng.integers(0, len(others))]), "dtype"
    return reshaped(rng, value), "shape"


def reshaped(rng, value: np.ndarray) -> np.ndarray:
    choice = rng.integers(0, 7)
    if choice == 0:
        return value[None]
    if choice == 1:
        return value.reshape(-1)
    if value.ndim == 0:
        return np.stack([value, value])
    if choice == 2:
        return value[..., None]
    if choice == 3:
        return value[0] if len(value) else value.reshape(-1)
    axis = rng.integers(0, value.ndim)
    if choice == 4:
        return np.take(value, [], axis)
    if choice == 5:
        return np.concatenate([value, value], axis)
    return np.delete(value, 0, axis) if value.shape[axis] else value.reshape(-1)


def mutated_attribute(rng, definition, value):
    kind = definition.type
    allowed = definition.allowed_values.list
    if kind == "int":
        return int(HUGE[rng.integers(0, len(HUGE))])
    if kind == "float":
        return float(SPECIAL[rng.integers(0, len(SPECIAL))])
    if kind == "bool":
        return not value
    if kind == "string":
        picks = [*allowed.s, b"", b"nonsense"]
        return picks[rng.integers(0, len(picks))]
    if kind == "list(int)":
        value = list(value or [])
        choice = rng.integers(0, 4)
        if choice == 0 or not value:
            return value + [1]
        if choice == 1:
            return value[:-1]
        value[rng.integers(0, len(value))] = int(HUGE[rng.integers(0, len(HUGE))])
        return value
    if kind == "shape":
        return [None, [], [2], [-1], [0, 3], [2**40, 2**40]][rng.integers(0, 6)]
    if kind == "type":
        picks = [t for t in allowed.type] or [1, 2, 3, 9, 7, 4, 10, 19, 14, 8]
        return tf.dtypes.as_dtype(picks[rng.integers(0, len(picks))])
    return value


def default(definition):
    """The value of an attribute that is not given."""
    value = definition.default_value
    return {"bool": value.b, "list(int)": list(value.list.i)}.get(definition.type)


def mutant(rng, op: str, call: Call) -> Call:
    """A call with one thing changed."""
    free = [a for a in op_def_registry.get(op).attr if not is_implied(op, a.name)]
    if free and (not call.inputs or rng.random() < 0.35):
        picked = free[rng.integers(0, len(free))]
        attrs = {**call.attrs}
        attrs[picked.name] = mutated_attribute(rng, picked, attrs.get(picked.name, default(picked)))
        return Call(call.inputs, attrs, call.tolerance, f"{picked.name}={attrs[picked.name]!r}"[:80], None, (), call.outputs)
    inputs = [list(x) if isinstance(x, list) else x for x in call.inputs]
    places = [(inputs, i) for i, x in enumerate(inputs) if not isinstance(x, list)]
    places += [(x, i) for x in inputs if isinstance(x, list) for i in range(len(x))]
    places = [(where, i) for where, i in places if isinstance(where[i], (np.ndarray, np.generic))]
    if not places:
        return Call(call.inputs, call.attrs, call.tolerance, "as it is", None, call.const, call.outputs)
    where, i = places[rng.integers(0, len(places))]
    where[i], what = mutated_array(rng, np.asarray(where[i]))
    const = (tuple(range(len(inputs))) if rng.random() < 0.3 else ()) if what != "dtype" else ()
    return Call(inputs, call.attrs, call.tolerance, f"{what} of input {i}, {dtype_name(where[i].dtype.type)}", None, const, call.outputs)


def scene_mutant(rng, scene: Scene) -> Scene | None:
    """A scene that is fed one other value, and named after what was done to it."""
    fed = []

    def count(feed):
        return scene.build(lambda value: fed.append(value) or feed(value))

    try:
        scene_graph(Scene(count))
    except tf.errors.OpError:
        return None
    places = [i for i, value in enumerate(fed) if isinstance(value, (np.ndarray, np.generic))]
    if not places:
        return None
    place = places[rng.integers(0, len(places))]
    value, what = mutated_array(rng, np.asarray(fed[place]))

    def build(feed):
        numbers = iter(range(len(fed) + 1000))
        return scene.build(lambda plain: feed(value if next(numbers) == place else plain))

    return Scene(build, scene.tolerance, f"{what} of feed {place}, {dtype_name(value.dtype.type)}", None)


def is_implied(op: str, attr: str) -> bool:
    """Whether inputs say what the attribute is."""
    return any(attr in (a.type_attr, a.number_attr, a.type_list_attr) for a in op_def_registry.get(op).input_arg)


def items(op: str, spec, seed: int):
    """The calls of an operator with this seed, each followed by its mutants."""
    rng = np.random.default_rng([seed, zlib.crc32(op.encode())])
    made = list(spec.generate(op, rng))
    if len(made) > MOST_CALLS:
        made = [made[i] for i in sorted(rng.permutation(len(made))[:MOST_CALLS])]
    for item in made:
        item.fails = None
        yield item
        if isinstance(item, Call) and sum(np.asarray(x).nbytes for x in flat(item.inputs)) < 20000:
            for _ in range(MUTANTS):
                try:
                    yield mutant(rng, op, item)
                except (ValueError, TypeError, OverflowError):
                    pass
        elif isinstance(item, Scene):
            for _ in range(MUTANTS):
                try:
                    changed = scene_mutant(rng, item)
                except (ValueError, TypeError, KeyError, AssertionError, OverflowError):
                    continue
                if changed is not None:
                    yield changed


def flat(inputs: list) -> list:
    return [y for x in inputs for y in (x if isinstance(x, list) else [x]) if isinstance(y, (np.ndarray, np.generic))]


def child(op: str, spec, seed: int, directory: str, state: tuple[str, int]) -> None:
    """Makes groups from one item on until the end or a crash; never returns."""
    progress, start = state
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY + (2 << 30), MEMORY + (2 << 30)))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        maker = Maker(op, spec, set(), progress)
        for index, item in enumerate(items(op, spec, seed)):
            if index < start:
                continue
            with open(progress, "w") as file:
                file.write(str(index))
            signal.alarm(SECONDS)
            try:
                group = maker.run(index, item)
            except (AssertionError, ValueError, TypeError, KeyError, OverflowError, tf.errors.OpError, MemoryError):
                group = None
            if group is not None:
                append(os.path.join(directory, f"{op}.tfrecord.gz"), group)
        code = 0
    finally:
        os._exit(code)


def append(path: str, group) -> None:
    """Adds a group to a file: what is there survives a crash."""
    write(path + ".part", [group])
    with open(path + ".part", "rb") as part, open(path, "ab") as whole:
        whole.write(part.read())
    os.remove(path + ".part")


def make(op: str, spec, seed: int, directory: str) -> None:
    progress = os.path.join(directory, f"{op}.progress")
    if os.path.exists(os.path.join(directory, f"{op}.tfrecord.gz")):
        return
    start, crashes = 0, 0
    while crashes < 40:
        pid = os.fork()
        if pid == 0:
            child(op, spec, seed, directory, (progress, start))
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            break
        crashes += 1
        with open(progress) as file:
            start = int(file.read() or start) + 1
    if os.path.exists(progress):
        os.remove(progress)
    print(f"{op}: {crashes} crashes", flush=True)


def main() -> None:
    seed, directory = int(sys.argv[1]), sys.argv[2]
    os.makedirs(directory, exist_ok=True)
    specs = load_specs()
    names = [op for op in sys.argv[3:] or sorted(specs) if "@" not in op]
    theirs = [op for op in names if (specs[op].family == "onednn") != environment.ONEDNN]
    for op in names:
        if op not in theirs:
            make(op, specs[op], seed, directory)
    environment.with_onednn([*sys.argv[1:3], *theirs] if theirs else [])


if __name__ == "__main__":
    main()
