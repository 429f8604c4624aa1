"""The operators of the bridge to XLA that have kernels for CPU: what jax2tf writes, and the corners of OpenXLA's semantics."""

import environment  # noqa: F401  (sets TensorFlow up first)
import numpy as np
import tensorflow as tf
from calls import (ALL, ROUNDED, Bad, Call, Scene, bf16, c64, c128, f16, f32, f64, i8, i16, i32, i64, is_complex, is_float, op,
                   specials, u8, u16, u32, u64, values)
from tensorflow.compiler.tf2xla.ops import gen_xla_ops as gen
from tensorflow.compiler.xla import xla_data_pb2
from tensorflow.python.framework import function as v1_function

NUMBERS = tuple(t for t in ALL if t not in (np.bool_, object))
WITH_BOOL = NUMBERS + (np.bool_,)
REALS = tuple(t for t in NUMBERS if not is_complex(t))


def scalars(body, *dtypes):
    """A function of scalars for an attribute."""
    types = [tf.dtypes.as_dtype(t) for t in dtypes]
    scalars.count += 1

    @v1_function.Defun(*types, func_name=f"scalars_{scalars.count}")
    def function(*arguments):
        return body(*arguments)

    return function


scalars.count = 0


def dot_numbers(lhs=(), rhs=(), lhs_batch=(), rhs_batch=()):
    message = xla_data_pb2.DotDimensionNumbers(
        lhs_contracting_dimensions=lhs, rhs_contracting_dimensions=rhs, lhs_batch_dimensions=lhs_batch, rhs_batch_dimensions=rhs_batch
    )
    return message.SerializeToString()


HIGHEST = xla_data_pb2.PrecisionConfig(operand_precision=[2, 2]).SerializeToString()


@op("XlaDotV2", family="xla", tolerance=ROUNDED)
def dot_v2(name, rng):
    def call(x, y, numbers, result=None, kind=Call, precision=b""):
        attrs = {"dimension_numbers": numbers, "precision_config": precision, "preferred_element_type": result or x.dtype.type}
        return kind([x, y], attrs=attrs)

    for dtype in NUMBERS:
        yield call(values(rng, dtype, (3, 5)), values(rng, dtype, (5, 4)), dot_numbers([1], [0]))
        yield call(values(rng, dtype, (2, 3, 5)), values(rng, dtype, (2, 4, 5)), dot_numbers([2], [2], [0], [0]))
    a, b = values(rng, f32, (2, 3, 4, 5)), values(rng, f32, (5, 3, 2, 6))
    for numbers in (([3], [0]), ([0, 3], [2, 0]), ([3], [0], [0], [2]), ([1, 3], [1, 0], [0], [2]), ([3], [0], [1, 0], [1, 2]), ([0, 1, 3], [2, 1, 0])):
        yield call(a, b, dot_numbers(*numbers))
    yield call(a, b, dot_numbers([3], [0]), precision=HIGHEST)
    yield call(values(rng, f32, (7,)), values(rng, f32, (7,)), dot_numbers([0], [0]))
    yield call(values(rng, f32, (4, 7)), values(rng, f32, (7,)), dot_numbers([1], [0]))
    yield call(values(rng, f32, ()), values(rng, f32, (3,)), dot_numbers())
    yield call(values(rng, f32, (2, 0)), values(rng, f32, (0, 3)), dot_numbers([1], [0]))
    yield call(values(rng, f32, (0, 2)), values(rng, f32, (2, 3)), dot_numbers([1], [0]))
    yield call(values(rng, c64, (3, 2, 4)), values(rng, c64, (3, 5, 4)), dot_numbers([2], [2], [0], [0]))
    for dtype, result in ((i8, i32), (u8, i32), (i16, i32), (i8, i16), (u8, u32), (bf16, f32), (f16, f32), (f32, f64), (i32, i64), (i32, f32)):
        low, high = (0, 120) if dtype in (u8,) else (-120, 120) if dtype in (i8,) else (-4, 4)
        yield call(values(rng, dtype, (3, 9), low, high), values(rng, dtype, (9, 2), low, high), dot_numbers([1], [0]), result)
    yield call(np.full((2, 3), 100, i8), np.full((3, 2), 100, i8), dot_numbers([1], [0]))
    yield call(np.full((1, 3), 2**62, i64), np.full((3, 1), 3, i64), dot_numbers([1], [0]))
    yield call(np.full((1, 3), 2**63, u64), np.full((3, 1), 3, u64), dot_numbers([1], [0]))
    yield call(values(rng, f32, (3, 5)), values(rng, bf16, (5, 4)), dot_numbers([1], [0]), f32)
    yield call(values(rng, i8, (3, 5)), values(rng, u8, (5, 4)), dot_numbers([1], [0]), i32)
    for x, y, numbers in (
        ((3, 5), (4, 5), ([1], [0])), ((3, 5), (5, 4), ([2], [0])), ((3, 5), (5, 4), ([1, 1], [0, 0])), ((3, 5), (5, 4), ([1], [])),
        ((3, 5), (5, 3), ([1], [0], [0], [0])), ((3, 5), (5, 4), ([-1], [0])), ((2, 5), (3, 5), ([1], [1], [0], [0])),
    ):
        yield call(values(rng, f32, x), values(rng, f32, y), dot_numbers(*numbers), kind=Bad)
    yield call(values(rng, f32, (3, 5)), values(rng, f32, (5, 4)), b"\x0a\x05a", kind=Bad)
    yield call(values(rng, f32, (3, 5)), values(rng, f32, (5, 4)), dot_numbers([1], [0]), kind=Bad, precision=b"\x80")


@op("XlaDot", family="xla", tolerance=ROUNDED)
def dot(name, rng):
    for dtype in NUMBERS:
        attrs = {"dimension_numbers": dot_numbers([1], [0]), "precision_config": b""}
        yield Call([values(rng, dtype, (3, 5)), values(rng, dtype, (5, 4))], attrs=attrs)
    yield Call([values(rng, f32, (2, 3, 5)), values(rng, f32, (2, 5, 4))], attrs={"dimension_numbers": dot_numbers([2], [1], [0], [0]), "precision_config": HIGHEST})
    yield Bad([values(rng, f32, (2, 3)), values(rng, f32, (2, 3))], attrs={"dimension_numbers": dot_numbers([1], [0]), "precision_config": b""})


def conv_numbers(lhs, rhs, out):
    """As JAX writes them: N, C and digits; I, O and digits."""
    spatial = [str(i) for i in range(len(lhs) - 2)]
    message = xla_data_pb2.ConvolutionDimensionNumbers(
        input_batch_dimension=lhs.index("N"), input_feature_dimension=lhs.index("C"), input_spatial_dimensions=[lhs.index(s) for s in spatial],
        kernel_input_feature_dimension=rhs.index("I"), kernel_output_feature_dimension=rhs.index("O"), kernel_spatial_dimensions=[rhs.index(s) for s in spatial],
        output_batch_dimension=out.index("N"), output_feature_dimension=out.index("C"), output_spatial_dimensions=[out.index(s) for s in spatial],
    )
    return message.SerializeToString()


def conv_inputs(x, w, strides, padding, lhs=None, rhs=None, groups=1, index=i32):
    ones = [1] * len(strides)
    return [x, w, np.array(strides, index), np.array(padding, index).reshape(-1, 2), np.array(lhs or ones, index), np.array(rhs or ones, index), np.array(groups, index)]


CONST = (2, 3, 4, 5, 6)


@op("XlaConvV2", family="xla", tolerance=ROUNDED)
def conv_v2(name, rng):
    def call(inputs, numbers, result=None, batch_groups=1, kind=Call, precision=b"", **rest):
        attrs = {"dimension_numbers": numbers, "precision_config": precision, "preferred_element_type": result or inputs[0].dtype.type}
        if batch_groups != 1:
            attrs["batch_group_count"] = batch_groups
        return kind(inputs, attrs=attrs, **rest)

    nhwc = conv_numbers("N01C", "01IO", "N01C")
    nchw = conv_numbers("NC01", "OI01", "NC01")
    for dtype in NUMBERS:
        yield call(conv_inputs(values(rng, dtype, (2, 5, 6, 3)), values(rng, dtype, (3, 2, 3, 4)), (1, 2), ((1, 1), (0, 1))), nhwc)
        yield call(conv_inputs(values(rng, dtype, (1, 5, 4)), values(rng, dtype, (3, 2, 4)), (1,), ((2, 0),), groups=2), conv_numbers("N0C", "0IO", "N0C"))
    # TensorFlow reads what is not its own where one side of a dimension is cut and the other padded.
    x, w = values(rng, f32, (2, 4, 7, 6)), values(rng, f32, (6, 4, 3, 3))
    for strides, padding, lhs, rhs in (
        ((1, 1), ((1, 1), (1, 1)), None, None), ((2, 3), ((0, 1), (2, 0)), None, None), ((1, 1), ((0, 0), (0, 0)), (2, 3), None),
        ((1, 1), ((2, 2), (2, 2)), None, (2, 2)), ((1, 2), ((-1, 0), (0, -2)), None, None), ((2, 1), ((3, -1), (0, 4)), (2, 2), (1, 2)),
        ((1, 1), ((-3, -3), (0, 0)), None, None), ((1, 1), ((0, 0), (0, 0)), None, (4, 1)), ((5, 5), ((4, 4), (4, 4)), (1, 2), (2, 1)),
    ):
        yield call(conv_inputs(x, w, strides, padding, lhs, rhs), nchw)
    yield call(conv_inputs(x, w, (1, 1), ((1, 1), (1, 1)), index=i64), nchw, precision=HIGHEST)
    yield call(conv_inputs(np.moveaxis(x, 0, 3).copy(), w.T.copy(), (1, 1), ((0, 0), (1, 0))), conv_numbers("C01N", "10IO", "0NC1"))
    for groups, multiplier in ((2, 1), (4, 1), (4, 3)):
        yield call(conv_inputs(x, values(rng, f32, (groups * multiplier, 4 // groups, 3, 3)), (1, 1), ((1, 1), (1, 1)), groups=groups), nchw)
        yield call(conv_inputs(x, values(rng, f32, (groups * multiplier, 4 // groups, 3, 3)), (1, 2), ((1, 1), (1, 1)), rhs=(2, 1), groups=groups), nchw)
    yield call(conv_inputs(values(rng, f32, (4, 5, 6, 3)), values(rng, f32, (3, 3, 3, 8)), (1, 1), ((0, 0), (0, 0))), nhwc, batch_groups=2)
    yield call(conv_inputs(values(rng, f32, (6, 5, 4)), values(rng, f32, (3, 4, 6)), (1,), ((1, 0),)), conv_numbers("N0C", "0IO", "N0C"), batch_groups=3)
    for dtype in (f32, f64, f16, i32):
        yield call(conv_inputs(values(rng, dtype, (2, 4, 5, 3, 2)), values(rng, dtype, (2, 3, 2, 2, 3)), (1, 2, 1), ((1, 0), (0, 0), (1, 1)), rhs=(1, 2, 1)), conv_numbers("N012C", "012IO", "N012C"))
    yield call(conv_inputs(values(rng, f32, (2, 3, 2, 3, 2, 2)), values(rng, f32, (2, 2, 1, 2, 2, 3)), (1, 1, 1, 2), ((1, 0), (0, 0), (1, 1), (0, 0))), conv_numbers("N0123C", "0123IO", "N0123C"))
    yield call(conv_inputs(values(rng, f32, (3, 4)), values(rng, f32, (4, 5)), (), np.zeros((0, 2))), conv_numbers("NC", "IO", "NC"))
    yield call(conv_inputs(values(rng, f32, (2, 8, 3)), values(rng, f32, (3, 3, 4)), (2,), ((1, 1),), lhs=(2,)), conv_numbers("N0C", "0IO", "N0C"))
    yield call(conv_inputs(values(rng, f32, (0, 5, 5, 3)), values(rng, f32, (3, 3, 3, 4)), (1, 1), ((0, 0), (0, 0))), nhwc)
    yield call(conv_inputs(values(rng, f32, (1, 2, 2, 3)), values(rng, f32, (3, 3, 3, 4)), (1, 1), ((0, 0), (0, 0))), nhwc)
    for dtype, result in ((i8, i32), (u8, i32), (bf16, f32), (f16, f32), (f32, f64)):
        yield call(conv_inputs(values(rng, dtype, (1, 4, 4, 2)), values(rng, dtype, (2, 2, 2, 3)), (1, 1), ((0, 0), (0, 0))), nhwc, result)
    y = values(rng, f32, (1, 4, 4, 4))
    for inputs in (
        conv_inputs(y, values(rng, f32, (2, 2, 3, 4)), (1, 1), ((0, 0), (0, 0))), conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (0, 1), ((0, 0), (0, 0))),
        conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (1,), ((0, 0), (0, 0))), conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (1, 1), ((0, 0),)),
        conv_inputs(y, values(rng, f32, (2, 2, 2, 3)), (1, 1), ((0, 0), (0, 0)), groups=2), conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (1, 1), ((0, 0), (0, 0)), lhs=(0, 1)),
        conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (1, 1), ((0, 0), (0, 0)), rhs=(1, 0)), conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (1, 1), ((0, 0), (0, 0)), groups=0),
        conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (-1, 1), ((0, 0), (0, 0))), conv_inputs(y, values(rng, f32, (2, 4, 4)), (1, 1), ((0, 0), (0, 0))),
        conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (1, 1), ((-9, 0), (0, 0))),
    ):
        yield call(inputs, nhwc, kind=Call, fails=None)
    yield call(conv_inputs(y, values(rng, f32, (2, 2, 4, 4)), (1, 1), ((0, 0), (0, 0))), b"\x80", kind=Bad)


@op("XlaConv", family="xla", tolerance=ROUNDED)
def conv(name, rng):
    attrs = {"dimension_numbers": conv_numbers("N01C", "01IO", "N01C"), "precision_config": b""}
    for dtype in NUMBERS:
        yield Call(conv_inputs(values(rng, dtype, (1, 5, 4, 2)), values(rng, dtype, (2, 3, 2, 3)), (2, 1), ((1, 0), (1, 1))), attrs=attrs)
    yield Call(conv_inputs(values(rng, f32, (1, 5, 4, 2)), values(rng, f32, (2, 3, 1, 4)), (1, 1), ((1, 0), (1, 1)), groups=2, index=i64), attrs=attrs)


def gather_numbers(offset=(), collapsed=(), start=(), vector=0, batching=(), start_batching=()):
    return xla_data_pb2.GatherDimensionNumbers(
        offset_dims=offset, collapsed_slice_dims=collapsed, start_index_map=start, index_vector_dim=vector, operand_batching_dims=batching,
        start_indices_batching_dims=start_batching,
    ).SerializeToString()


@op("XlaGather", family="xla")
def gather(name, rng):
    def call(x, indices, sizes, *numbers, kind=Call, index=i32, **rest):
        return kind([x, np.array(indices, index), np.array(sizes, index)], attrs={"dimension_numbers": gather_numbers(*numbers), "indices_are_sorted": False}, **rest)

    for dtype in WITH_BOOL:
        yield call(values(rng, dtype, (4, 5)), [[0], [3], [2]], (1, 5), [1], [0], [0], 1)
    x = values(rng, f32, (4, 5, 6))
    far = [[3, 4], [-1, 7], [100, -100], [2, 2]]
    for index in (i32, i64):
        yield call(x, far, (2, 3, 2), [1, 2, 3], [], [0, 1], 1, index=index)
    yield call(x, far, (1, 3, 6), [1, 2], [0], [0, 2], 1)
    yield call(x, far, (1, 1, 4), [0], [0, 1], [1, 0], 1)
    yield call(x, far, (1, 1, 1), [], [0, 1, 2], [2, 0], 1)
    yield call(x, np.transpose([far, far], (0, 2, 1)), (2, 1, 3), [0, 2], [1], [1, 2], 1)
    yield call(x, [1, 0, 5], (1, 5, 6), [0, 2], [0], [0], 1)
    yield call(x, [2, 3, 4], (2, 2, 2), [0, 1, 2], [], [0, 1, 2], 0)
    yield call(x, 2, (1, 5, 6), [0, 1], [0], [0], 0)
    yield call(x, np.zeros((0, 2)), (1, 5, 6), [1, 2], [0], [0, 1], 1)
    yield call(x, far, (0, 3, 2), [1, 2, 3], [], [0, 1], 1)
    yield call(values(rng, f32, (0, 3)), np.zeros((0, 1)), (0, 3), [1, 2], [], [0], 1)
    yield call(x, [[[1], [2]], [[0], [3]], [[4], [1]], [[2], [2]]], (1, 2, 6), [2, 3], [0], [1], 2, [], [])
    yield call(values(rng, f32, (3, 5, 2)), [[[1]], [[2]], [[9]]], (1, 2, 2), [2, 3], [], [1], 2, [0], [0])
    for sizes, numbers in (((2, 3), ([1, 2, 3], [], [0, 1], 1)), ((5, 3, 2), ([1, 2, 3], [], [0, 1], 1)), ((2, 3, 2), ([1, 2], [0], [0, 1], 1)), ((1, 3, 2), ([1, 2, 3], [0], [0, 1], 1)),
                           ((1, 3, 2), ([1, 2], [0], [0], 1)), ((1, 3, 2), ([1, 2], [0], [0, 3], 1)), ((1, 3, 2), ([1, 2], [0], [0, 0], 1)), ((1, 3, 2), ([2, 1], [0], [0, 1], 1)),
                           ((1, 3, 2), ([1, 7], [0], [0, 1], 1)), ((1, 3, 2), ([1, 2], [0], [0, 1], 3)), ((-1, 3, 2), ([1, 2, 3], [], [0, 1], 1))):
        yield call(x, far, sizes, *numbers, kind=Bad)


def scatter_numbers(window=(), inserted=(), start=(), vector=0, batching=(), index_batching=()):
    return xla_data_pb2.ScatterDimensionNumbers(
        update_window_dims=window, inserted_window_dims=inserted, scatter_dims_to_operand_dims=start, index_vector_dim=vector,
        input_batching_dims=batching, scatter_indices_batching_dims=index_batching,
    ).SerializeToString()


@op("XlaScatter", family="xla")
def scatter(name, rng):
    def scene(x, indices, updates, *numbers, body=tf.add, index=i32, **rest):
        function = scalars(body, x.dtype, x.dtype)

        def build(feed):
            return [gen.xla_scatter(feed(x), feed(np.array(indices, index)), feed(updates), update_computation=function, dimension_numbers=scatter_numbers(*numbers), indices_are_sorted=False)]

        return Scene(build, **rest)

    rows = [[1], [3], [1], [-1], [4], [0]]
    for dtype in NUMBERS:
        yield scene(values(rng, dtype, (4, 3)), rows, values(rng, dtype, (6, 3)), [1], [0], [0], 1, tolerance=ROUNDED)
    yield scene(values(rng, np.bool_, (4, 3)), rows, values(rng, np.bool_, (6, 3)), [1], [0], [0], 1, body=tf.logical_or)
    x = values(rng, f32, (4, 5, 6))
    for body in (lambda a, b: b, lambda a, b: a, tf.maximum, tf.minimum, tf.multiply, lambda a, b: a * 0.5 + b, lambda a, b: tf.reshape(a - b, []), lambda a, b: tf.constant(2.0)):
        yield scene(x, [[0, 1], [3, 4], [0, 1], [2, 2]], values(rng, f32, (4, 6)), [1], [0, 1], [0, 1], 1, body=body, tolerance="ulp 1")
    far = [[3, 4], [-1, 3], [2, 2], [1, 0], [100, 0]]
    for index in (i32, i64):
        yield scene(x, far, values(rng, f32, (5, 2, 3, 2)), [1, 2, 3], [], [0, 1], 1, index=index, tolerance="ulp 1")
    yield scene(x, far, values(rng, f32, (5, 2)), [1], [0, 1], [2, 1], 1, tolerance="ulp 1")
    yield scene(x, far, values(rng, f32, (2, 5)), [0], [1, 2], [2, 0], 1, tolerance="ulp 1")
    yield scene(x, [1, 3], values(rng, f32, (2, 5, 6)), [1, 2], [0], [0], 1)
    yield scene(x, 2, values(rng, f32, (5, 6)), [0, 1], [0], [0], 0)
    yield scene(x, np.zeros((0, 1)), values(rng, f32, (0, 5, 6)), [1, 2], [0], [0], 1)
    yield scene(x, [[0]], values(rng, f32, (1, 0, 5, 6)), [1, 2, 3], [], [0], 1)
    yield scene(values(rng, i32, (5,)), np.array([[0], [1], [0], [0], [4], [9]]), values(rng, i32, (6,)), [], [0], [0], 1, body=lambda a, b: a * 3 + b)
    yield scene(values(rng, f32, (3, 5)), [[[1]], [[2]], [[9]]], values(rng, f32, (3, 1)), [], [1], [1], 2, [0], [0])
    for updates, numbers in (((4, 3), ([1], [0], [0], 1)), ((6, 4), ([1], [0], [0], 1)), ((6, 3), ([1], [], [0], 1)), ((6, 3), ([1], [0], [0, 1], 1)), ((6, 3), ([1], [0], [2], 1)), ((6, 3), ([2], [0], [0], 1)), ((6, 3), ([1], [0], [0], 3))):
        yield scene(values(rng, f32, (4, 3)), rows, values(rng, f32, updates), *numbers, fails=True)


@op("XlaPad", family="xla")
def pad(name, rng):
    def call(x, value, low, high, interior, kind=Call, index=i32):
        return kind([x, np.asarray(value, x.dtype)] + [np.array(v, index) for v in (low, high, interior)])

    for dtype in WITH_BOOL:
        yield call(values(rng, dtype, (2, 3)), values(rng, dtype), (1, 0), (0, 2), (1, 0))
    x = values(rng, f32, (3, 4))
    for low, high, interior in (((-1, 0), (0, -2), (0, 0)), ((-1, -2), (-1, 3), (2, 1)), ((2, -3), (-4, 1), (1, 0)), ((0, 0), (0, 0), (0, 0)), ((-3, 0), (0, 0), (0, 0)), ((-2, 1), (-1, 1), (0, 3)), ((-5, 0), (9, 0), (0, 0)), ((9, 0), (-5, 0), (1, 0))):
        for index in (i32, i64):
            yield call(x, 7, low, high, interior, index=index)
    yield call(values(rng, f32, ()), 1, np.zeros(0), np.zeros(0), np.zeros(0))
    yield call(values(rng, f32, (0, 2)), 1, (2, 0), (1, 0), (5, 0))
    yield call(values(rng, i32, (2, 1, 3)), 9, (0, 1, 2), (1, 0, 0), (0, 4, 1))
    for low, high, interior in (((-4, 0), (0, 0), (0, 0)), ((0, 0), (0, 0), (-1, 0)), ((0,), (0, 0), (0, 0)), ((0, 0, 0), (0, 0, 0), (0, 0, 0)), ((0, 0), (0, -9), (0, 1))):
        yield call(x, 7, low, high, interior, kind=Bad)
    yield call(x, [7, 7], (0, 0), (0, 0), (0, 0), kind=Bad)


@op("XlaDynamicSlice", family="xla")
def dynamic_slice(name, rng):
    for dtype in WITH_BOOL:
        yield Call([values(rng, dtype, (4, 5)), np.array([1, 2], i32), np.array([2, 3], i32)])
    x = values(rng, f32, (4, 5))
    for start, size in (((-3, 9), (2, 2)), ((0, 0), (4, 5)), ((3, 4), (0, 1)), ((2**31 - 1, -2**31), (3, 4))):
        for index in (i32, i64):
            yield Call([x, np.array(start, index), np.array(size, index)])
    yield Call([values(rng, f32, ()), np.zeros(0, i32), np.zeros(0, i32)])
    for start, size in (((0, 0), (5, 1)), ((0,), (1, 1)), ((0, 0), (1,)), ((0, 0), (-1, 1)), ([[0, 0]], (1, 1))):
        yield Bad([x, np.array(start, i32), np.array(size, i32)])


@op("XlaDynamicUpdateSlice", family="xla")
def dynamic_update_slice(name, rng):
    for dtype in WITH_BOOL:
        yield Call([values(rng, dtype, (4, 5)), values(rng, dtype, (2, 3)), np.array([1, 2], i32)])
    x = values(rng, f32, (4, 5))
    for start, shape in (((-3, 9), (2, 2)), ((0, 0), (4, 5)), ((3, 4), (0, 1)), ((1, 1), (1, 5))):
        for index in (i32, i64):
            yield Call([x, values(rng, f32, shape), np.array(start, index)])
    yield Call([values(rng, f32, ()), values(rng, f32, ()), np.zeros(0, i32)])
    for start, shape in (((0, 0), (5, 1)), ((0,), (1, 1)), ((0, 0), (1,)), ([[0, 0]], (1, 1))):
        yield Bad([x, values(rng, f32, shape), np.array(start, i32)])


def select_argmax(value, index, other, other_index):
    """The reducer that JAX writes for argmax."""
    better = tf.logical_or(tf.greater(value, other), tf.not_equal(value, value))
    first = tf.logical_or(better, tf.logical_and(tf.equal(value, other), tf.less(index, other_index)))
    return tf.where(better, value, other), tf.where(first, index, other_index)


REDUCERS = {
    "add": (tf.add, 0), "mul": (tf.multiply, 1), "max": (tf.maximum, -100), "min": (tf.minimum, 100),
    "unlike": (lambda a, b: a * 0.5 + b, 1), "last": (lambda a, b: b, 0), "shaped": (lambda a, b: tf.reshape(a + b, []), 0),
}


@op("XlaReduce", family="xla", tolerance=ROUNDED)
def reduce(name, rng):
    def scene(x, start, dims, body, **rest):
        function = scalars(body, x.dtype, x.dtype)
        return Scene(lambda feed: [gen.xla_reduce(feed(x), feed(np.asarray(start, x.dtype)), dimensions_to_reduce=dims, reducer=function)], **rest)

    for dtype in NUMBERS:
        for body in ("add", "mul") if is_complex(dtype) else ("add", "mul", "max", "min"):
            yield scene(values(rng, dtype, (3, 4), 1, 3), 2, [1], REDUCERS[body][0])
    for body in (tf.logical_and, tf.logical_or, lambda a, b: tf.not_equal(a, b)):
        yield scene(values(rng, np.bool_, (3, 4)), True, [0], body)
    x = values(rng, f32, (2, 3, 4, 2))
    for dims in ([], [0], [3, 1], [0, 1, 2, 3], [2, 0]):
        for body in ("add", "max", "unlike"):
            yield scene(x, 1, dims, REDUCERS[body][0])
    for body in ("last", "shaped"):
        yield scene(x, 1, [1, 2], REDUCERS[body][0])
    for body in (tf.add, tf.maximum, lambda a, b: a * 2.0 + b):
        yield scene(np.zeros((3, 0), f32), 5, [1], body)
        yield scene(np.zeros((0, 3), f32), 5, [1], body)
        yield scene(np.array([[1, np.nan, 2], [np.nan, 1, 0], [np.nan] * 3], f32), np.nan, [1], body)
        yield scene(np.array([[1, np.nan, 2], [np.inf, -np.inf, 0], [-np.inf, -np.inf, -np.inf]], f32), -5, [1], body)
    yield scene(np.array([[120, 120, 7], [-128, -1, 3]], i8), 1, [1], tf.add)
    for dims in ([4], [0, 0], [-1]):
        yield scene(x, 1, dims, tf.add, fails=True)
    yield scene(x, [1, 2], [0], tf.add, fails=True)


@op("XlaVariadicReduce", family="xla", tolerance=ROUNDED)
def variadic_reduce(name, rng):
    def scene(inputs, starts, dims, body, **rest):
        function = scalars(body, *[x.dtype for x in inputs + inputs])
        return Scene(lambda feed: list(gen.xla_variadic_reduce([feed(x) for x in inputs], [feed(np.asarray(s, x.dtype)) for s, x in zip(starts, inputs)], dimensions_to_reduce=dims, reducer=function)), **rest)

    def both(a, b, c, d):
        return a + c, tf.maximum(b, d)

    for dtype in (f32, f64, i32, bf16):
        yield scene([values(rng, dtype, (3, 4)), values(rng, dtype, (3, 4))], [0, -9], [1], both)
        yield scene([values(rng, dtype, (3, 4)), values(rng, dtype, (3, 4))], [0, -9], [0, 1], both)
    yield scene([values(rng, f32, (3, 4))], [0], [1], tf.add)


@op("XlaVariadicReduceV2", family="xla", tolerance=ROUNDED)
def variadic_reduce_v2(name, rng):
    def scene(inputs, starts, dims, body, **rest):
        function = scalars(body, *[x.dtype for x in inputs + inputs])
        return Scene(lambda feed: list(gen.xla_variadic_reduce_v2([feed(x) for x in inputs], [feed(np.asarray(s, x.dtype)) for s, x in zip(starts, inputs)], dimensions_to_reduce=dims, reducer=function)), **rest)

    def numbers(shape, dim):
        return np.broadcast_to(np.arange(shape[dim], dtype=i32).reshape([-1 if i == dim else 1 for i in range(len(shape))]), shape).copy()

    for dtype in REALS:
        yield scene([values(rng, dtype, (3, 7)), numbers((3, 7), 1)], [0, 0], [1], select_argmax)
    x = values(rng, f32, (2, 5, 3), -2, 2).round().astype(f32)
    x[0, 2, 1] = x[0, 4, 1] = np.nan
    for dims in ([1], [0, 2], [2, 1, 0]):
        yield scene([x, numbers(x.shape, 1)], [-np.inf, 0], dims, select_argmax)
    yield scene([x, values(rng, f64, x.shape), values(rng, i32, x.shape)], [0, 1, 2], [1], lambda a, b, c, d, e, g: (a + d, b * e, tf.maximum(c, g)))
    yield scene([x], [1], [1], lambda a, b: a * b + 1.0)
    yield scene([x], [1], [1, 2], tf.add)
    yield scene([np.zeros((0, 3), f32), np.zeros((0, 3), i32)], [7, 8], [0], select_argmax)
    yield scene([x, numbers((5, 2), 0)], [0, 0], [0], select_argmax, fails=True)
    yield scene([x], [1], [3], tf.add, fails=True)
    yield scene([x], [1], [1], tf.greater, fails=True)


@op("XlaReduceWindow", family="xla", tolerance=ROUNDED)
def reduce_window(name, rng):
    def scene(x, start, sizes, strides, padding, body, base=None, dilation=None, index=i32, **rest):
        function = scalars(body, x.dtype, x.dtype)
        ones = [1] * len(sizes)
        steps = [np.array(v, index) for v in (sizes, strides, base or ones, dilation or ones)] + [np.array(padding, index).reshape(-1, 2)]
        return Scene(lambda feed: [gen.xla_reduce_window(feed(x), feed(np.asarray(start, x.dtype)), *[tf.constant(s) for s in steps], computation=function)], **rest)

    for dtype in NUMBERS:
        for body in ("add",) if is_complex(dtype) else ("add", "max", "min"):
            yield scene(values(rng, dtype, (4, 5), 1, 3), 0, (2, 3), (1, 2), ((1, 0), (0, 1)), REDUCERS[body][0])
    yield scene(values(rng, np.bool_, (4, 5)), False, (2, 2), (1, 1), ((0, 0), (0, 0)), tf.logical_or)
    x = values(rng, f32, (2, 6, 7, 3))
    x[0, 2, 3, 1] = np.nan
    for body, start in (("add", 0), ("max", -np.inf), ("min", 0.5), ("unlike", 1), ("mul", 2), ("add", 3)):
        for sizes, strides, padding, base, dilation in (
            ((1, 2, 2, 1), (1, 2, 2, 1), ((0, 0),) * 4, None, None), ((1, 3, 3, 1), (1, 2, 1, 1), ((0, 0), (1, 1), (1, 1), (0, 0)), None, None),
            ((1, 2, 3, 1), (1, 1, 1, 1), ((0, 0), (-1, 2), (2, -3), (0, 0)), None, (1, 2, 1, 1)), ((2, 2, 1, 3), (1, 1, 3, 1), ((1, 1), (0, 0), (0, 1), (0, 0)), (1, 2, 1, 1), None),
        ):
            yield scene(x, start, sizes, strides, padding, REDUCERS[body][0], base, dilation)
    yield scene(values(rng, f32, (3, 40)), 0, (1, 40), (1, 1), ((0, 0), (39, 0)), tf.add, index=i64)
    yield scene(values(rng, i32, (9,)), -(2**31), (9,), (1,), ((8, 0),), tf.maximum)
    yield scene(values(rng, f32, (2, 2)), 0, (3, 3), (1, 1), ((0, 0), (0, 0)), tf.add)
    yield scene(values(rng, f32, (4, 4)), 0, (2, 2), (1, 1), ((0, 0), (0, 0)), lambda a, b: tf.reshape(a + b, []))
    yield scene(values(rng, f32, ()), 3, (), (), np.zeros((0, 2)), tf.add)
    yield scene(values(rng, f32, (2, 3)), 3, (1, 1), (1, 2), ((0, 0), (0, 0)), tf.add)
    for body in ("max", "min"):
        yield scene(np.array([1, np.nan, np.nan, np.nan, 2, np.nan], f32), 1.5, (3,), (1,), ((1, 2),), REDUCERS[body][0])
        yield scene(np.array([1, np.nan, 2], f32), np.nan, (2,), (1,), ((0, 0),), REDUCERS[body][0])
    for sizes, strides, padding, base, dilation in (((0, 1), (1, 1), ((0, 0),) * 2, None, None), ((1, 1), (0, 1), ((0, 0),) * 2, None, None), ((1,), (1,), ((0, 0),), None, None),
                                                    ((1, 1), (1, 1), ((0, 0),), None, None), ((1, 1), (1, 1), ((0, 0),) * 2, (0, 1), None), ((1, 1), (1, 1), ((0, 0),) * 2, None, (1, 0)), ((1, 1), (1, 1), ((-5, 0), (0, 0)), None, None)):
        yield scene(values(rng, f32, (4, 5)), 0, sizes, strides, padding, tf.add, base, dilation, fails=None)


@op("XlaSelectAndScatter", family="xla", tolerance=ROUNDED)
def select_and_scatter(name, rng):
    def scene(x, sizes, strides, padding, source, start, select=tf.greater_equal, body=tf.add, index=i32, **rest):
        selects, combines = scalars(select, x.dtype, x.dtype), scalars(body, x.dtype, x.dtype)
        steps = [tf.constant, np.array(sizes, index), np.array(strides, index), np.array(padding, index).reshape(-1, 2)]

        def build(feed):
            return [gen.xla_select_and_scatter(feed(x), *[tf.constant(s) for s in steps[1:]], feed(source), feed(np.asarray(start, x.dtype)), select=selects, scatter=combines)]

        return Scene(build, **rest)

    for dtype in REALS:
        yield scene(values(rng, dtype, (4, 6), 0, 9), (2, 3), (2, 3), ((0, 0), (0, 0)), values(rng, dtype, (2, 2)), 0)
    x = values(rng, f32, (2, 5, 6, 2)).round(0)
    for select in (tf.greater_equal, tf.greater, tf.less_equal, lambda a, b: tf.constant(True)):
        yield scene(x, (1, 2, 3, 1), (1, 1, 2, 1), ((0, 0), (1, 0), (1, 2), (0, 0)), values(rng, f32, (2, 5, 4, 2)), 1, select=select)
    yield scene(x, (1, 3, 3, 1), (1, 1, 1, 1), ((0, 0), (1, 1), (1, 1), (0, 0)), values(rng, f32, x.shape), 0, body=tf.maximum, index=i64)
    yield scene(x, (1, 1, 1, 1), (1, 1, 1, 1), ((0, 0), (2, 2), (0, 0), (0, 0)), values(rng, f32, (2, 9, 6, 2)), 0)
    for sizes, strides, padding, source in (((1, 2, 2, 1), (1, 2, 2, 1), ((0, 0),) * 4, (2, 3, 3, 2)), ((1, 2, 2, 1), (1, 0, 2, 1), ((0, 0),) * 4, (2, 2, 3, 2)), ((1, 2, 2), (1, 1, 1), ((0, 0),) * 3, (2, 2, 3, 2))):
        yield scene(x, sizes, strides, padding, values(rng, f32, source), 0, fails=None)
    odd = np.array([[3, 3, np.nan, 1, np.inf], [np.nan, 2, 2, -0.0, 0.0], [-np.inf, np.nan, np.nan, 5, 5]], f32)
    yield scene(odd, (2, 2), (1, 1), ((0, 0), (0, 0)), values(rng, f32, (2, 4)), 2)
    for padding in (((1, 1), (2, 0)), ((0, 1), (1, 0))):
        rows, columns = 2 + sum(padding[0]), 4 + sum(padding[1])
        yield scene(np.nan_to_num(odd, nan=2), (2, 2), (1, 1), padding, values(rng, f32, (rows, columns)), 2)
    yield scene(odd, (2, 2), (1, 1), ((0, 0), (0, 0)), values(rng, f32, (2, 4)), [1], fails=True)


@op("XlaSort", family="xla")
def sort(name, rng):
    for dtype in REALS + (np.bool_,):
        yield Call([values(rng, dtype, (3, 9))])
        yield Call([specials(dtype)])
    yield Call([np.array([[np.nan, -0.0, 0.0, -np.nan, 1, -0.0], [0.0, -0.0, 0.0, -np.inf, np.inf, np.nan]], f32)])
    yield Call([values(rng, f32, (2, 0))])
    yield Call([values(rng, f32, (2, 3, 1))])
    yield Call([values(rng, f32, (1000,))])
    yield Call([values(rng, f32, ())], fails=None)
    yield Call([values(rng, c64, (4,))], fails=None)


@op("XlaKeyValueSort", family="xla")
def key_value_sort(name, rng):
    for dtype in REALS:
        yield Call([rng.permutation(12).astype(dtype).reshape(2, 6), values(rng, f32, (2, 6))])
        yield Call([values(rng, dtype, (2, 8), 0, 3), np.arange(16, dtype=i32).reshape(2, 8)])
    for dtype in WITH_BOOL:
        yield Call([rng.permutation(7).astype(f32), values(rng, dtype, (7,))])
    yield Call([values(rng, f32, (3, 0)), values(rng, f32, (3, 0))])
    yield Bad([values(rng, f32, (3, 4)), values(rng, f32, (3, 5))])
    yield Call([values(rng, f32, ()), values(rng, f32, ())], fails=None)


def total_order(a, b):
    """The comparator that JAX writes for numbers: zeros are equal, NaNs are last."""

    def key(x):
        x = tf.where(tf.equal(x, 0.0), tf.constant(0.0), x)
        x = tf.where(tf.not_equal(x, x), tf.constant(np.nan, tf.float32), x)
        bits = tf.bitcast(x, tf.int32)
        sign = tf.bitwise.right_shift(bits, tf.constant(31))
        return tf.bitwise.bitwise_xor(bits, tf.bitcast(tf.bitwise.right_shift(tf.bitcast(sign, tf.uint32), tf.constant(1, tf.uint32)), tf.int32))

    return tf.less(key(a), key(b))


@op("XlaVariadicSort", family="xla")
def variadic_sort(name, rng):
    def scene(inputs, dim, body, stable=True, **rest):
        function = scalars(body, *[x.dtype for x in inputs for _ in range(2)])
        return Scene(lambda feed: list(gen.xla_variadic_sort([feed(x) for x in inputs], tf.constant(dim), comparator=function, is_stable=stable)), **rest)

    for dtype in REALS:
        yield scene([values(rng, dtype, (3, 9), 0, 5)], 1, tf.less)
        yield scene([values(rng, dtype, (9, 3), 0, 5), np.arange(27, dtype=i32).reshape(9, 3)], 0, lambda a, b, c, d: tf.greater(a, b))
    x = np.array([3, np.nan, -0.0, 1, 0.0, -np.inf, -np.nan, 1, np.inf, -2, 0.0], f32)
    order = np.arange(len(x), dtype=i32)
    yield scene([x], 0, total_order)
    yield scene([x, order], -1, lambda a, b, c, d: total_order(a, b))
    yield scene([x, order], -1, lambda a, b, c, d: total_order(b, a), stable=False)
    yield scene([values(rng, i32, (2, 40, 3), 0, 3), values(rng, i32, (2, 40, 3), 0, 3), np.arange(240, dtype=i32).reshape(2, 40, 3)], 1,
                lambda a, b, c, d, e, g: tf.logical_or(tf.less(a, b), tf.logical_and(tf.equal(a, b), tf.less(c, d))))
    yield scene([values(rng, f32, (2, 33))], 1, lambda a, b: tf.reshape(tf.less(a, b), []))
    yield scene([rng.permutation(500).astype(f32)], 0, tf.less)
    yield scene([values(rng, np.bool_, (7,)), values(rng, c64, (7,)), values(rng, f64, (7,))], 0, lambda a, b, c, d, e, g: tf.less(e, g))
    yield scene([values(rng, f32, (3, 0))], 1, tf.less)
    yield scene([values(rng, f32, (0, 3))], 1, tf.less)
    yield scene([values(rng, f32, (3, 1))], 1, tf.less)
    for dim in (2, -3):
        yield scene([values(rng, f32, (3, 4))], dim, tf.less, fails=True)
    yield scene([values(rng, f32, (3, 4)), values(rng, f32, (4, 3))], 0, lambda a, b, c, d: tf.less(a, b), fails=True)
    yield scene([values(rng, f32, (3, 4))], 0, tf.add, fails=True)


@op("XlaEinsum", family="xla", tolerance=ROUNDED)
def einsum(name, rng):
    for dtype in (f32, bf16, c64):
        for equation, a, b in (("ab,bc->ac", (3, 4), (4, 5)), ("abc,cde->abde", (2, 3, 4), (4, 5, 2)), ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)), ("ab,cd->dbca", (2, 3), (2, 3)),
                               ("abc,abc->c", (2, 3, 4), (2, 3, 4)), ("a,a->", (5,), (5,)), ("ba,ca->bc", (2, 3), (4, 3))):
            yield Call([values(rng, dtype, a), values(rng, dtype, b)], attrs={"equation": equation})
    for equation, a, b in (("ab->a", (3, 4), (3, 4)), ("abc,bc->ac", (3, 4), (4, 5)), ("", (3,), (3,)), ("ab,bc->ad", (3, 4), (4, 5)), ("...a,ab->...b", (2, 3), (3, 4)), ("ab,bc", (3, 4), (4, 5)), ("aa,ab->ab", (3, 3), (3, 4)), ("ab,bc->a", (3, 4), (4, 5))):
        yield Call([values(rng, f32, a), values(rng, f32, b)], attrs={"equation": equation}, fails=None)


@op("XlaBroadcastHelper", family="xla")
def broadcast_helper(name, rng):
    def call(a, b, dims, kind=Call, index=i32, dtype=f32):
        return kind([values(rng, dtype, a), values(rng, dtype, b), np.array(dims, index)], fails=None) if kind is Call else kind([values(rng, dtype, a), values(rng, dtype, b), np.array(dims, index)])

    for dtype in NUMBERS:
        yield call((2, 3, 4), (3,), [1], dtype=dtype)
    for a, b, dims in (((2, 3), (2, 3), []), ((2, 3), (), []), ((3,), (2, 3, 4), [1]), ((2, 3, 4), (2, 4), [0, 2]), ((2, 3, 4), (3, 4), [1, 2]), ((2, 3, 4), (4, 2), [2, 0]), ((2, 3, 4), (1, 4), [0, 2]),
                       ((2, 3, 4), (3,), []), ((2, 3, 4), (3,), [0]), ((2, 3, 4), (3,), [3]), ((2, 3, 4), (3, 4), [1]), ((2, 3), (2, 3), [0, 1]), ((2, 3), (3, 2), []), ((2, 3, 3), (3, 3), [1, 1]), ((1, 3, 4), (2,), [0]), ((2, 3, 4), (3,), [-2])):
        for index in (i32, i64):
            yield call(a, b, dims, index=index)


@op("XlaReducePrecision", family="xla")
def reduce_precision(name, rng):
    for dtype in (f16, bf16, f32, f64):
        x = np.concatenate([specials(dtype).astype(f64), values(rng, f64, (40,), -3, 3), np.float64(2.0) ** np.arange(-24, 18), 1 + np.float64(2.0) ** -np.arange(1, 25), [255.5, 256, 65519, 65520, 131008]]).astype(dtype)
        for exponent, mantissa in ((5, 10), (8, 7), (8, 23), (11, 52), (4, 3), (5, 2), (2, 0), (1, 1), (8, 0), (5, 23), (30, 60)):
            yield Call([x], attrs={"exponent_bits": exponent, "mantissa_bits": mantissa})
    for exponent, mantissa in ((0, 3), (3, -1), (-2, 3), (2**31, 3), (2, 2**32)):
        yield Call([values(rng, f32, (3,))], attrs={"exponent_bits": exponent, "mantissa_bits": mantissa}, fails=None)


@op("XlaRngBitGenerator", family="xla")
def rng_bit_generator(name, rng):
    def call(algorithm, state, shape, dtype=u32, index=i32, **rest):
        return Call([np.array(algorithm, i32), np.array(state, u64), np.array(shape, index)], attrs={"dtype": dtype}, **rest)

    states = {1: [[7, 9], [7, 9, 11], [2**64 - 1, 2**64 - 2, 5], [2**63 + 3, 2**64 - 1, 2**64 - 1], [2**40, 2**64 - 1]], 2: [[7, 9], [2**40 + 1, 2**64 - 2], [1, 2**32 - 2]], 3: [[7, 9, 11]]}
    for algorithm, given in states.items():
        for state in given:
            for dtype in (u8, u32, u64):
                yield call(algorithm, state, (9,), dtype)
        for shape in ((), (0,), (3, 5), (5, 3), (2, 4), (3, 2, 2), (1, 3, 2), (6, 3), (0, 3), (1,), (3, 3, 3)):
            yield call(algorithm, given[0], shape)
            yield call(algorithm, given[0], shape, u64, i64)
        yield call(algorithm, given[0], (3, 3), u8)
    for algorithm, state, shape in ((0, [1, 2], (2,)), (4, [1, 2], (2,)), (1, [1], (2,)), (1, [1, 2, 3, 4], (2,)), (2, [1, 2, 3], (2,)), (2, [1], (2,)), (1, [[1, 2]], (2,)), (1, [1, 2], (-2,)), (1, [1, 2], ((2,),))):
        yield call(algorithm, state, shape, fails=None)
    for dtype in (i8, i32, i64):
        yield call(1, [1, 2], (2,), dtype, fails=None)


@op("XlaWhile", family="xla")
def loop(name, rng):
    def scene(body, condition, start, **rest):
        types = [tf.dtypes.as_dtype(np.asarray(a).dtype) for a in start]
        names = scalars.count = scalars.count + 2

        @v1_function.Defun(*types, func_name=f"body_{names}")
        def step(*inputs):
            return body(*inputs)

        @v1_function.Defun(*types, func_name=f"cond_{names}")
        def more(*inputs):
            return condition(*inputs)

        return Scene(lambda feed: list(gen.xla_while(input=[feed(np.asarray(a)) for a in start], cond=more, body=step)), **rest)

    x = values(rng, f32, (2, 2))
    for count in (0, 1, 5):
        yield scene(lambda i, x: (i + 1, x * 2), lambda i, x: i < count, [np.array(0, i32), x])
    yield scene(lambda i, x: (i + 1, x * 2), lambda i, x: tf.reduce_sum(tf.abs(x)) < 1000, [np.array(0, i64), x])
    yield scene(lambda x: x + 1.0, lambda x: x[0] < 5.0, [np.array([1, 2], f32)], fails=None)


@op("XlaSelfAdjointEig", "XlaSvd", family="linalg", tolerance="eps 64")
def decompositions(name, rng):
    """What has 16 bits is rounded at each step, which is not here; of complex matrices there are no values."""
    eigen = name == "XlaSelfAdjointEig"

    def call(matrix, max_iter=100, epsilon=1e-6, lower=True, **rest):
        attrs = {"lower": lower} if eigen else {"precision_config": rest.pop("precision_config", "")}
        return Call([matrix], {"max_iter": max_iter, "epsilon": epsilon, **attrs}, **rest)

    for dtype in (f32, f64):
        for shape in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (8, 8), (13, 13), (2, 3, 3), (2, 1, 4, 4), (2, 1, 1), (0, 2, 2)):
            yield call(values(rng, dtype, shape), lower=bool(rng.integers(2)))
        for max_iter in (-1, 0, 1, 2):
            yield call(values(rng, dtype, (5, 5)), max_iter)
        for epsilon in (1e-1, 1e-3, 1.6e-6):
            yield call(values(rng, dtype, (4, 4)), epsilon=epsilon)
        yield call(np.zeros((3, 3), dtype))
        yield call(np.diag([3, 1, 2]).astype(dtype))
        yield call(np.full((2, 2), np.nan, dtype))
        if not eigen:
            for shape in ((1, 4), (4, 1), (2, 3), (3, 2), (7, 4), (2, 4, 6)):
                yield call(values(rng, dtype, shape))
    yield call(np.eye(3, dtype=f32) * f32(1e20))
    for shape in ((2, 0, 2), (0, 3), (3, 0)):
        yield call(np.zeros(shape, f32), fails=True)
    for dtype in (i32, i8):
        yield call(np.eye(2, dtype=dtype), fails=True)
    if eigen:
        yield call(np.zeros((0, 0), f32))
        for shape in ((), (3,), (2, 3)):
            yield call(np.zeros(shape, f32), fails=True)
    else:
        yield call(np.eye(2, dtype=f32), precision_config="zzz", fails=True)
        yield call(np.eye(2, dtype=np.complex64), fails=True)


@op("XlaDequantize", family="xla")
def dequantized(name, rng):
    def call(words, low, high, turned=False, mode="MIN_COMBINED", **rest):
        attrs = {"min_range": low, "max_range": high, "mode": mode, "transpose_output": turned}
        return Call([np.asarray(words, u32)], attrs, **rest)

    every = np.arange(256, dtype=np.uint8).view(u32)
    for low, high in ((0, 1), (-1, 3), (1, -1), (0, 0), (-0.37, 12.9), (3, 1e30), (0, np.inf), (np.nan, 1)):
        yield call(every, low, high)
    for shape in ((0,), (2, 3), (2, 3, 2), (3, 1, 1, 2), (0, 3), (2, 0)):
        for turned in (False, True):
            yield call(rng.integers(0, 2**32, shape, dtype=np.uint64), -1, 2, turned)
    for mode in ("MIN_FIRST", "SCALED", ""):
        yield call(every, 0, 1, mode=mode, fails=True)
