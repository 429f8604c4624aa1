"""Element-wise operators of one argument."""

import numpy as np
from calls import (
    BIG, ROUNDED, SHAPES, VECTOR_SIZES, Call, bf16, denormals, dtypes, f16, f32, f64, is_complex, op, periodic, specials, values,
)
from ops import variants


def unary(name, rng, low=-4.0, high=4.0, special=True):
    """Every dtype: special values, all ranks, empty; vector widths and a big one in float32."""
    for dtype in dtypes(name):
        rounded = ROUNDED if is_complex(dtype) else ""
        if special:
            yield Call([specials(dtype)], tolerance=rounded, kind="complex special" if rounded else "")
        yield Call([values(rng, dtype, (37,), low, high)], tolerance=rounded)
        if dtype in (f16, bf16, f32, f64) and special:
            yield Call([denormals(dtype)], kind="denormal")
        for shape in SHAPES if dtype is f32 else ((), (0, 2), (2, 3, 2)):
            yield Call([values(rng, dtype, shape, low, high)], tolerance=rounded)
    widest = f32 if f32 in dtypes(name) else dtypes(name)[0]
    for size in VECTOR_SIZES:
        yield Call([values(rng, widest, (size,), low, high)])
    yield Call([periodic(rng, widest, BIG, low, high)])


@op("Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Rint", "Square", "IsNan", "IsInf", "IsFinite", "Relu", "Relu6",
    "Invert", "PopulationCount", family="math")
def exact(name, rng):
    yield from unary(name, rng)


@op("ZerosLike", "OnesLike", "Identity", "StopGradient", "Snapshot", "PreventGradient", family="array")
def alike(name, rng):
    for dtype in dtypes(name):
        yield Call([specials(dtype)])
        for shape in SHAPES:
            yield Call([values(rng, dtype, shape)])
    if name == "ZerosLike":
        yield from variants.zeros(rng)


@op("LogicalNot", family="math")
def logical_not(name, rng):
    for shape in SHAPES:
        yield Call([values(rng, np.bool_, shape)])
    yield Call([periodic(rng, np.bool_, BIG)])


@op("Real", "Imag", family="math")
def component(name, rng):
    for dtype, real in ((np.complex64, f32), (np.complex128, f64)):
        yield Call([specials(dtype)], {"Tout": real})
        for shape in SHAPES:
            yield Call([values(rng, dtype, shape)], {"Tout": real})


@op("Conj", family="math")
def conjugate(name, rng):
    for dtype in dtypes(name):
        yield Call([specials(dtype)])
        for shape in SHAPES:
            yield Call([values(rng, dtype, shape)])
    yield from variants.conjugates(rng)


@op("ComplexAbs", "Angle", family="math", tolerance="ulp 4")
def complex_real(name, rng):
    yield from component(name, rng)


# TensorFlow subtracts one from a rounded exponential, and so does this project: near zero the last places are gone. Elu(-0.001) of
# TensorFlow is 86.5 units of the last place off in float32 and 139.6 in float64, which is half an epsilon of one (Selu: 152 and 245,
# 0.87 of an epsilon). Two exponentials that are exact to a unit differ there by an epsilon, times Selu's 1.76.
@op("Elu", "Selu", family="math", tolerance="ulp 4")
def exponential_less_one(name, rng):
    for call in unary(name, rng):
        dtype = call.inputs[0].dtype
        if dtype in (f32, f64):
            epsilon = float(np.finfo(dtype).eps)
            call.tolerance = f"close {2 * epsilon} {epsilon if name == 'Elu' else 1.76 * epsilon}"
        yield call


# In float32 TensorFlow's is up to 6.26 units of the last place off (at -4.851228), this project's up to 2.5; in other dtypes both are close.
@op("Sigmoid", family="math", tolerance="ulp 4")
def sigmoid(name, rng):
    for call in unary(name, rng):
        if call.inputs[0].dtype == f32:
            call.tolerance = "ulp 9"
        yield call


@op("Exp", "Expm1", "Tanh", "Erf", "Erfc", "Sin", "Cos", "Atan", "Asinh", "Sinh", "Cosh", "Softplus", "Softsign", "Sqrt", "Inv",
    "Reciprocal", family="math", tolerance="ulp 4")
def transcendental(name, rng):
    yield from unary(name, rng)


@op("Lgamma", "Digamma", family="math", tolerance="eps 16")
def gamma(name, rng):
    yield from unary(name, rng, 0.01, 20.0)
    yield from unary(name, rng, -3.9, 0.0, special=False)


@op("Log", "Log1p", "Rsqrt", family="math", tolerance="ulp 4")
def of_positive(name, rng):
    yield from unary(name, rng, 0.01, 20.0)


@op("Asin", "Acos", "Atanh", "Erfinv", family="math", tolerance="ulp 4")
def of_unit_interval(name, rng):
    yield from unary(name, rng, -0.999, 0.999)


@op("Ndtri", family="math", tolerance="ulp 16")
def of_probability(name, rng):
    yield from unary(name, rng, 0.001, 0.999)


@op("Acosh", family="math", tolerance="ulp 4")
def of_more_than_one(name, rng):
    yield from unary(name, rng, 1.0, 50.0)


@op("Tan", family="math", tolerance="ulp 8")
def tangent(name, rng):
    yield from unary(name, rng, -1.5, 1.5)


@op("LeakyRelu", family="nn")
def leaky_relu(name, rng):
    for dtype in dtypes(name):
        yield Call([specials(dtype)])
        for alpha in (0.0, 0.1, 1.5, -0.5):
            yield Call([values(rng, dtype, (3, 11))], {"alpha": alpha})
    for size in VECTOR_SIZES:
        yield Call([values(rng, f32, (size,))], {"alpha": 0.3})
    yield Call([periodic(rng, f32, BIG)])
