"""The vocabulary of operator specs: calls of one operator, small graphs, and values to call with."""

from dataclasses import dataclass, field
from typing import Callable

import environment  # noqa: F401  (sets TensorFlow up first)
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

SPECS: dict = {}


@dataclass
class Call:
    """One call of the operator. A list stands for an argument that takes several tensors.

    Dtype and length attributes follow from the inputs; others that have no default are given in `attrs`.
    """

    inputs: list
    attrs: dict = field(default_factory=dict)
    tolerance: str = ""
    kind: str = ""
    # Whether TensorFlow refuses; None if either will do.
    fails: bool | None = False
    # Inputs that are constants of the graph: indices, or None for "as the engine likes".
    const: tuple | None = None
    # The outputs to fetch, or None for all; some kernels leave an output uninitialized.
    outputs: tuple | None = None


@dataclass
class Scene:
    """A graph of several operators, for what cannot be fed or fetched.

    `build(feed)` is called inside a graph; `feed(value)` makes a placeholder. It returns the tensors and
    operations to run, or a list of such lists: runs in one session, one after the other.
    """

    build: Callable
    tolerance: str = ""
    kind: str = ""
    # Whether the last run fails; None if either will do.
    fails: bool | None = False
    # What changes the built GraphDef into one that TensorFlow may refuse to load.
    spoil: Callable | None = None


@dataclass
class Spec:
    family: str
    generate: Callable
    tolerance: str


def Bad(inputs, **rest) -> Call:
    """A call that TensorFlow refuses."""
    return Call(inputs, fails=True, **rest)


def advisory(name: str, case: str, inputs, attrs=None, tolerance="", spoil=None) -> None:
    """Adds a call from a security advisory: whatever TensorFlow 2.21 answers is recorded, or that it dies."""
    item = Scene(inputs, tolerance, case, None, spoil) if callable(inputs) else Call(inputs, attrs or {}, tolerance, case, None, ())
    spec = SPECS.setdefault(f"{name}@advisories", Spec("advisories", lambda op, rng, items=[]: iter(items), "exact"))
    spec.generate.__defaults__[0].append(item)


def found(name: str, inputs, attrs=None, tolerance="exact", const=()) -> None:
    """Adds a call that changed calls of new seeds have found: whatever TensorFlow 2.21 answers is recorded."""
    item = Scene(inputs, tolerance, fails=None) if callable(inputs) else Call(inputs, attrs or {}, tolerance, fails=None, const=const)
    spec = SPECS.setdefault(f"{name}@found", Spec("found", lambda op, rng, items=[]: iter(items), "exact"))
    spec.generate.__defaults__[0].append(item)


def op(*names: str, family: str, tolerance: str = "exact"):
    """Lists a generator `(op, rng) -> calls` for these operators."""

    def register(generate):
        for name in names:
            assert name not in SPECS, name
            SPECS[name] = Spec(family, generate, tolerance)
        return generate

    return register


# Dtypes ------------------------------------------------------------------------------------------

QUANTIZED = {"qint8", "quint8", "qint16", "quint16", "qint32"}
OPAQUE = {"resource", "variant"}
LATE = {"float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz", "int4", "uint4",
        "int2", "uint2"}

f16, f32, f64 = np.float16, np.float32, np.float64
bf16 = tf.bfloat16.as_numpy_dtype
i8, i16, i32, i64 = np.int8, np.int16, np.int32, np.int64
u8, u16, u32, u64 = np.uint8, np.uint16, np.uint32, np.uint64
c64, c128 = np.complex64, np.complex128
ALL = (f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, c64, c128, np.bool_, object)


def combinations(op: str, *attrs: str) -> list[tuple]:
    """The NumPy dtypes of `attrs` that CPU kernels of the operator take together, in a fixed order."""
    found = set()
    for kernel in kernels.get_registered_kernels_for_op(op).kernel:
        if kernel.device_type not in ("CPU", "DEFAULT") or kernel.label:
            continue
        allowed = {c.name: [tf.dtypes.as_dtype(t) for t in c.allowed_values.list.type] for c in kernel.constraint}
        rows = [()]
        for attr in attrs:
            legal = declared(op, attr)
            rows = [row + (t,) for row in rows for t in allowed.get(attr) or legal if not legal or t in legal]
        found.update(rows)
    usable = [row for row in found if all(t.name not in QUANTIZED | OPAQUE | LATE for t in row)]
    return [tuple(numpy_dtype(t) for t in row) for row in sorted(usable, key=lambda row: [t.as_datatype_enum for t in row])]


def dtypes(op: str, attr: str = "T") -> list:
    return [row[0] for row in combinations(op, attr)]


def declared(op: str, attr: str) -> list:
    """The dtypes that the declaration allows."""
    for definition in op_def_registry.get(op).attr:
        if definition.name == attr and definition.allowed_values.list.type:
            return [tf.dtypes.as_dtype(t) for t in definition.allowed_values.list.type]
    return [tf.dtypes.as_dtype("string" if t is object else t) for t in ALL]


def numpy_dtype(dtype: tf.DType):
    return object if dtype == tf.string else dtype.as_numpy_dtype


def name(dtype) -> str:
    return "string" if dtype is object else np.dtype(dtype).name


def is_float(dtype) -> bool:
    return dtype in (f16, bf16, f32, f64)


def is_complex(dtype) -> bool:
    return dtype in (c64, c128)


def is_integer(dtype) -> bool:
    return dtype is not object and np.dtype(dtype).kind in "iu"


def is_unsigned(dtype) -> bool:
    return dtype is not object and np.dtype(dtype).kind == "u"


# Values ------------------------------------------------------------------------------------------

WORDS = [b"", b"a", b"abc", b"Hello World", "é".encode(), "日本語".encode(), b"x\0y", b"\xff\xfe", b"  pad ", b"1.5"]


def values(rng, dtype, shape=(), low=-4.0, high=4.0) -> np.ndarray:
    """Random values of any dtype; integers and reals between the bounds (from 0 if unsigned)."""
    if dtype is object:
        picked = rng.integers(0, len(WORDS), shape)
        return np.array([WORDS[i] for i in np.ravel(picked)], object).reshape(shape)
    if dtype is np.bool_:
        return np.asarray(rng.integers(0, 2, shape)).astype(np.bool_)
    if is_integer(dtype):
        bottom = max(low, 0) if is_unsigned(dtype) else low
        return np.asarray(rng.integers(int(bottom), int(high) + 1, shape)).astype(dtype)
    real = rng.uniform(low, high, shape)
    if is_complex(dtype):
        real = real + 1j * rng.uniform(low, high, shape)
    return np.asarray(real).astype(dtype)


def specials(dtype) -> np.ndarray:
    """The values where implementations differ: zeros, infinities, NaN, extremes, ties of rounding."""
    if dtype is object:
        return np.array(WORDS, object)
    if dtype is np.bool_:
        return np.array([False, True])
    if is_integer(dtype):
        info = np.iinfo(dtype)
        picked = {info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7, info.max // 2}
        if not is_unsigned(dtype):
            picked |= {-1, -2, -3, -7, info.min // 2}
        return np.array(sorted(picked), dtype)
    reals = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 1e-3, -1e-3, 10, -10, 87, -87,
             100, 1e4, -1e4, 3.1415927, 0.9999, -0.9999]
    if is_complex(dtype):
        parts = [0.0, -0.0, 1.0, -1.5, np.inf, np.nan, 1e-3, -20.0]
        return np.array([complex(a, b) for a in parts for b in parts], dtype)
    finite = {f16: [65504, 6.104e-5], bf16: [3e38, 1.2e-38], f32: [3.4e38, 1.1754944e-38, 16777217], f64: [1.7e308, 2.3e-308]}
    return np.array(reals + finite[dtype] + [-x for x in finite[dtype]], np.float64).astype(dtype)


def denormals(dtype) -> np.ndarray:
    tiny = {f16: 6e-8, bf16: 9.2e-41, f32: 1e-45, f64: 5e-324}[dtype]
    return (np.array([1, -1, 3, 1000, -1000], np.float64) * tiny).astype(dtype)


def periodic(rng, dtype, count, low=-4.0, high=4.0) -> np.ndarray:
    """Many values that compress well: a short pattern of prime length, again and again."""
    return np.resize(values(rng, dtype, (251,), low, high), count)


# Tolerance of arithmetic whose order of roundings is free, for complex products above all.
ROUNDED = "eps 16"

VECTOR_SIZES = (1, 7, 8, 15, 16, 17, 31, 33)
SHAPES = ((), (1,), (5,), (0,), (2, 3), (3, 0, 2), (2, 1, 4), (2, 3, 2, 2), (1, 2, 1, 3, 2))
BIG = 70001
