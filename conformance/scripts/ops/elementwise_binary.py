"""Element-wise operators of two or more arguments, with broadcasting; casts and choices."""

import numpy as np
from calls import (
    BIG, ROUNDED, VECTOR_SIZES, Bad, Call, c64, denormals, dtypes, f16, bf16, f32, f64, i8, i16, i32, i64, is_complex, is_float, is_integer, is_unsigned, op, periodic, specials, u8, u16, u32, u64, values,
)
from ops import variants

BROADCASTS = (
    ((), ()), ((3,), ()), ((), (2, 2)), ((4, 1), (1, 5)), ((2, 3, 1, 2), (3, 4, 1)), ((0, 3), (1, 3)), ((1,), (0,)),
    ((5, 33), (33,)), ((5, 33), (5, 1)), ((2, 1, 3, 1, 2), (1, 4, 1, 2, 1)), ((1, 1), (17,)), ((2, 8, 3), (2, 1, 3)),
)


def pairs(dtype) -> list[np.ndarray]:
    """Every special value against every other."""
    picked = specials(dtype)
    if is_complex(dtype):
        picked = picked[::5]
    elif is_float(dtype):
        picked = np.concatenate([picked[:14], picked[24:27]])
    return [np.repeat(picked, len(picked)), np.tile(picked, len(picked))]


def nonzero(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, np.ones_like(x), x)


def binary(name, rng, low=-4.0, high=4.0, special=True, second=None, second_range=None):
    """Every dtype: specials against specials; all broadcasts, vector widths and a big one in one dtype."""
    first = second is None
    second = second or (lambda x: x)
    low2, high2 = second_range or (low, high)
    all_dtypes = dtypes(name)
    for dtype in all_dtypes:
        rounded = ROUNDED if is_complex(dtype) else ""
        kind = "complex special" if is_complex(dtype) else ""
        if special and (first or is_float(dtype)):
            yield Call(pairs(dtype), tolerance=rounded, kind=kind)
        if special and is_float(dtype):
            yield Call([denormals(dtype), np.ones(5).astype(dtype)], kind="denormal")
        for left, right in ((11, 11), ((2, 3), (3,)), ((2, 1), (1, 3)), ((3,), ())):
            a, b = values(rng, dtype, left, low, high), values(rng, dtype, right, low2, high2)
            yield Call([a, second(b)], tolerance=rounded)
    dtype = f32 if f32 in all_dtypes else all_dtypes[0]
    for left, right in BROADCASTS:
        a, b = values(rng, dtype, left, low, high), values(rng, dtype, right, low2, high2)
        yield Call([a, second(b)])
        yield Call([values(rng, dtype, right, low, high), second(values(rng, dtype, left, low2, high2))])
    for size in VECTOR_SIZES:
        yield Call([values(rng, dtype, (size,), low, high), second(values(rng, dtype, (size,), low2, high2))])
    big = periodic(rng, dtype, BIG, low, high)
    yield Call([big, second(np.roll(periodic(rng, dtype, BIG, low2, high2), 3))])
    yield Call([big[:-1].reshape(8, -1), second(values(rng, dtype, (8, 1), low2, high2))])
    yield Bad([values(rng, dtype, (2,)), nonzero(values(rng, dtype, (3,)))])
    yield Bad([values(rng, dtype, (2, 3)), nonzero(values(rng, dtype, (2,)))])


@op("Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference", family="math")
def arithmetic(name, rng):
    yield from binary(name, rng)


@op("LogicalAnd", "LogicalOr", family="math")
def logical(name, rng):
    both = [np.array([True, True, False, False]), np.array([True, False, True, False])]
    yield Call(both)
    for left, right in BROADCASTS:
        yield Call([values(rng, np.bool_, left), values(rng, np.bool_, right)])
    yield Call([periodic(rng, np.bool_, BIG), np.roll(periodic(rng, np.bool_, BIG), 1)])
    yield Bad([values(rng, np.bool_, (2,)), values(rng, np.bool_, (3,))])


@op("Less", "LessEqual", "Greater", "GreaterEqual", family="math")
def ordering(name, rng):
    yield from binary(name, rng, -2, 2)


@op("Equal", "NotEqual", family="math")
def equality(name, rng):
    yield from binary(name, rng, -2, 2)
    for shapes in ((((2,), (3,)), ((2, 3), (2,)), ((0,), (2,)))):
        left, right = (values(rng, i32, shape) for shape in shapes)
        yield Call([left, right], {"incompatible_shape_error": False})


@op("Div", "RealDiv", "TruncateDiv", "FloorDiv", "FloorMod", "Mod", "TruncateMod", family="math")
def division(name, rng):
    yield from binary(name, rng, -9, 9, second=nonzero)
    for dtype in dtypes(name):
        if is_integer(dtype):
            extremes = specials(dtype)
            divisors = extremes[extremes != 0]
            yield Call([np.repeat(extremes, len(divisors)), np.tile(divisors, len(extremes))])
            if name != "RealDiv":
                yield Bad([np.array([4, 5], dtype), np.array([2, 0], dtype)])
                yield Bad([np.array(4, dtype), np.array(0, dtype)])


@op("DivNoNan", "MulNoNan", "Xlogy", "Xdivy", "Xlog1py", family="math", tolerance="ulp 4")
def guarded(name, rng):
    yield from binary(name, rng, 0, 6)


@op("Pow", family="math", tolerance="ulp 4")
def power(name, rng):
    for dtype in dtypes(name):
        if is_integer(dtype):
            bases = values(rng, dtype, (24,), -7, 9)
            yield Call([bases, np.abs(values(rng, dtype, (24,), 0, 8))])
            extremes = specials(dtype)
            yield Call([extremes, np.array(3, dtype)])
            yield Call([extremes, np.array(0, dtype)])
            if not is_unsigned(dtype):
                yield Bad([np.array([2, 3], dtype), np.array([1, -1], dtype)])
                yield Bad([np.array([1], dtype), np.array(-1, dtype)])
        else:
            special = "complex special" if is_complex(dtype) else ""
            yield Call(pairs(dtype), tolerance=ROUNDED if special else "", kind=special)
            yield Call([values(rng, dtype, (31,), 0.1, 5), values(rng, dtype, (31,), -3, 3)],
                       tolerance="eps 64" if special else "")
    for exponent in (0.0, 0.5, -0.5, 1.0, 2.0, 3.0, -1.0, 0.33):
        yield Call([values(rng, f32, (3, 7), -4, 4), np.float32(exponent)])
    for left, right in BROADCASTS:
        yield Call([values(rng, f32, left, 0.1, 5), values(rng, f32, right, -3, 3)])
    yield Call([periodic(rng, f32, BIG, 0.1, 5), periodic(rng, f32, BIG, -3, 3)])


@op("Atan2", "NextAfter", family="math", tolerance="ulp 4")
def two_reals(name, rng):
    yield from binary(name, rng)


@op("Igamma", "Igammac", "Zeta", "Polygamma", family="math", tolerance="eps 64")
def gammas(name, rng):
    for dtype in dtypes(name):
        low = 1.1 if name == "Zeta" else 0.1
        first = values(rng, dtype, (40,), low, 8)
        if name == "Polygamma":
            first = np.floor(first)
        yield Call([first, values(rng, dtype, (40,), 0.1, 8)])
        yield Call([first[:3].reshape(3, 1), values(rng, dtype, (4,), 0.1, 8)])
        edge = np.array([0, 0, 1, -1, np.nan, 2, np.inf, 2], np.float64).astype(dtype)
        yield Call([edge, edge[::-1].copy()])


@op("Betainc", family="math", tolerance="eps 64")
def betainc(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (20,), 0.1, 6), values(rng, dtype, (20,), 0.1, 6), values(rng, dtype, (20,), 0, 1)])
        yield Call([np.array(2, dtype), np.array(3, dtype), values(rng, dtype, (2, 3), 0, 1)])
        yield Call([np.array([0, -1, 1, 1], dtype), np.array([1, 1, 0, 1], dtype), np.array([0.5, 0.5, 0.5, 2]).astype(dtype)])


@op("BitwiseAnd", "BitwiseOr", "BitwiseXor", family="math")
def bitwise(name, rng):
    yield from binary(name, rng, -100, 100)


@op("LeftShift", "RightShift", family="math")
def shifts(name, rng):
    for dtype in dtypes(name):
        bits = np.dtype(dtype).itemsize * 8
        amounts = np.array([0, 1, bits - 1, bits, bits + 1, 100] + ([] if is_unsigned(dtype) else [-1, -100])).astype(dtype)
        numbers = specials(dtype)
        yield Call([np.repeat(numbers, len(amounts)), np.tile(amounts, len(numbers))])
        yield Call([values(rng, dtype, (2, 3), -50, 50), values(rng, dtype, (3,), 0, 7)])
    for left, right in BROADCASTS:
        yield Call([values(rng, i32, left, -50, 50), values(rng, i32, right, 0, 31)])


@op("ApproximateEqual", family="math")
def approximate(name, rng):
    for dtype in dtypes(name):
        x = values(rng, dtype, (33,))
        noise = values(rng, dtype, (33,), -1, 1)
        for tolerance in (1e-5, 0.5, 1.5):
            yield Call([x, x + noise], {"tolerance": tolerance})
    yield Call([specials(f32), specials(f32)])
    yield Bad([values(rng, f32, (2,)), values(rng, f32, (3,))])


@op("Complex", family="math")
def make_complex(name, rng):
    for dtype, to in ((f32, c64), (f64, np.complex128)):
        yield Call(pairs(dtype), {"Tout": to})
        for left, right in BROADCASTS:
            yield Call([values(rng, dtype, left), values(rng, dtype, right)], {"Tout": to})


@op("AddN", family="math", tolerance="eps 2")
def add_n(name, rng):
    for dtype in dtypes(name):
        for count in (1, 2, 3, 5):
            yield Call([[values(rng, dtype, (2, 3)) for _ in range(count)]])
    for count in (8, 9, 10, 17):
        yield Call([[values(rng, f32, (17,)) for _ in range(count)]])
    for shape in ((), (0,), (2, 0, 1), (1, 2, 3, 2)):
        yield Call([[values(rng, f32, shape) for _ in range(3)]])
    yield Call([[periodic(rng, f32, BIG) for _ in range(3)]])
    yield Bad([[values(rng, f32, (2,)), values(rng, f32, (3,))]])
    yield from variants.sums(rng)


@op("AccumulateNV2", family="math", tolerance="eps 2")
def accumulate_n(name, rng):
    for dtype in (f32, f64, f16, bf16, i8, u8, i32, u64, c64, np.complex128):
        for count in (1, 2, 3, 5):
            yield Call([[values(rng, dtype, (2, 3)) for _ in range(count)]], {"shape": [2, 3]})
    for shape in ((), (0,), (17,)):
        yield Call([[values(rng, f32, shape) for _ in range(3)]], {"shape": None})
    yield Call([[np.array([-0.0], f32)] * 2], {"shape": [4]})
    yield Bad([[values(rng, f32, (2,)), values(rng, f32, (3,))]], attrs={"shape": [2]})


@op("Select", family="math")
def select(name, rng):
    for dtype in dtypes(name):
        for shape in ((), (4,), (2, 3), (0, 2)):
            yield Call([values(rng, np.bool_, shape), values(rng, dtype, shape), values(rng, dtype, shape)])
        yield Call([values(rng, np.bool_, (3,)), values(rng, dtype, (3, 2)), values(rng, dtype, (3, 2))])
        yield Call([np.array(True), values(rng, dtype, (3, 2)), values(rng, dtype, (3, 2))])
    for condition, shape in (((2,), (3, 2)), ((3, 1), (3, 2)), ((2, 3), (3, 2)), ((1,), (3,))):
        yield Bad([values(rng, np.bool_, condition), values(rng, f32, shape), values(rng, f32, shape)])
    yield Bad([np.array(True), values(rng, f32, (2,)), values(rng, f32, (3,))])


@op("SelectV2", family="math")
def select_v2(name, rng):
    for dtype in dtypes(name):
        for condition, then, other in (
            ((), (), ()), ((4,), (4,), (4,)), ((), (2, 3), (3,)), ((2, 1), (3,), ()), ((3,), (), (2, 1)),
            ((2, 3), (2, 3), (1, 1)), ((0, 1), (3,), (1,)), ((2, 1, 3, 1), (4, 1, 2), (1, 1, 1, 2)),
        ):
            yield Call([values(rng, np.bool_, condition), values(rng, dtype, then), values(rng, dtype, other)])
    yield Call([periodic(rng, np.bool_, BIG), periodic(rng, f32, BIG), np.float32(3)])
    yield Bad([values(rng, np.bool_, (2,)), values(rng, f32, (3,)), values(rng, f32, (1,))])


@op("ClipByValue", family="math")
def clip(name, rng):
    for dtype in dtypes(name):
        if is_complex(dtype):
            continue
        x = values(rng, dtype, (3, 5), -8, 8)
        yield Call([x, np.array(1, dtype), np.array(4, dtype)])
        yield Call([x, values(rng, dtype, (3, 5), -3, 0), values(rng, dtype, (3, 5), 1, 4)])
        yield Call([x, values(rng, dtype, (3, 5), -3, 0), np.array(2, dtype)])
        yield Call([x, np.array(1, dtype), values(rng, dtype, (3, 5), 1, 4)])
    for size in (*VECTOR_SIZES, 0):
        yield Call([values(rng, f32, (size,)), np.float32(-1), np.float32(2)])
    yield Call([specials(f32), np.float32(-1), np.float32(2)])
    yield Call([values(rng, f32, (9,)), np.float32(2), np.float32(-1)])
    yield Bad([values(rng, f32, (3, 5)), values(rng, f32, (5,)), np.float32(2)])


CASTS = (np.bool_, u8, i8, u16, i16, u32, i32, u64, i64, f16, bf16, f32, f64, c64, np.complex128)


@op("Cast", family="math")
def cast(name, rng):
    """Every pair of dtypes. Where C leaves the result open (out of range), the group is marked."""
    for source in CASTS:
        for target in CASTS:
            extremes = specials(source)
            with np.errstate(all="ignore"):
                wide = np.real(extremes.astype(np.complex128)) if is_complex(source) else extremes.astype(np.float64)
            if is_integer(target) and (is_float(source) or is_complex(source)):
                info = np.iinfo(target)
                inside = np.isfinite(wide) & (wide > float(info.min) - 1) & (wide < float(info.max))
                yield Call([extremes[inside]], {"DstT": target})
                yield Call([extremes[~inside]], {"DstT": target}, kind="out of range")
            else:
                yield Call([extremes], {"DstT": target})
            yield Call([values(rng, source, (2, 5), -100, 100)], {"DstT": target})
    for shape in ((), (0, 2), (1, 2, 3, 1)):
        yield Call([values(rng, f32, shape)], {"DstT": i32})
    truncated = np.array([1.00390625, 1.005859375, -1.01171875, 3.3895314e38, np.nan, 1e-40], f32)
    yield Call([truncated], {"DstT": bf16, "Truncate": True})
    yield Call([truncated], {"DstT": f16, "Truncate": True})
    yield Call([truncated], {"DstT": bf16})
    yield Call([truncated.astype(f64)], {"DstT": f32, "Truncate": True})
    half_ties = np.array([2049, 2051, 65519, 65520, 5.96e-8, 2.98e-8, 1e-9], f32)
    yield Call([half_ties], {"DstT": f16})
    yield Call([periodic(rng, f32, BIG, -100, 100)], {"DstT": i32})
    yield Call([periodic(rng, u8, BIG, 0, 255)], {"DstT": f32})
    yield Bad([values(rng, object, (2,))], attrs={"DstT": i32})
    yield Bad([values(rng, f32, (2,))], attrs={"DstT": object})


@op("Bitcast", family="array")
def bitcast(name, rng):
    kinds = (u8, i8, u16, i16, f16, bf16, u32, i32, f32, u64, i64, f64, c64, np.complex128)
    for source in kinds:
        for target in kinds:
            a, b = np.dtype(source).itemsize, np.dtype(target).itemsize
            for shape in ((3,), (2, 3)):
                x = values(rng, source, shape if a >= b else (*shape, b // a), -50, 50)
                yield Call([x], {"type": target}, tolerance="exact", kind="bits" if is_float(target) else "")
    yield Call([np.float32(1.5)], {"type": i32})
    yield Call([np.zeros((0, 4), u8)], {"type": i32})
    yield Bad([np.zeros((3, 3), u8)], attrs={"type": i32})
    yield Bad([np.array(3, u8)], attrs={"type": i32})


@op("CheckNumerics", family="math")
def check_numerics(name, rng):
    for dtype in dtypes(name):
        for shape in ((), (0,), (2, 3), (1000,)):
            yield Call([values(rng, dtype, shape)], {"message": "m"})
        for bad in ([np.nan], [np.inf, 1], [-np.inf], [np.nan, np.inf]):
            yield Bad([np.array(bad).astype(dtype)], attrs={"message": "checked"})


@op("SigmoidGrad", "TanhGrad", "InvGrad", "ReciprocalGrad", "SqrtGrad", "RsqrtGrad", family="math", tolerance="eps 4")
def gradients(name, rng):
    for dtype in dtypes(name):
        for shape in ((), (17,), (2, 3), (0,)):
            yield Call([values(rng, dtype, shape, 0.2, 3), values(rng, dtype, shape)], tolerance="eps 64")


@op("ReluGrad", "Relu6Grad", "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad", "LeakyReluGrad", family="nn",
    tolerance="eps 4")
def activation_gradients(name, rng):
    for dtype in dtypes(name):
        for shape in ((), (17,), (2, 3), (0,)):
            yield Call([values(rng, dtype, shape), values(rng, dtype, shape)])
    yield Bad([values(rng, f32, (2,)), values(rng, f32, (3,))])
