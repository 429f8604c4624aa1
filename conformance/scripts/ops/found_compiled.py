"""Calls of operators of TensorFlow's compiler, and others, that changed calls have found: each was answered otherwise than by TensorFlow."""

import numpy as np
import tensorflow as tf
from calls import c64, c128, f32, f64, found, i8, i32, i64
from ops.array_shapes import ints
from ops.found import F, RAMP, raw
from tensorflow.compiler.tf2xla.ops import gen_xla_ops
from tensorflow.python.framework import function

N, INF = np.nan, np.inf

# A dimension of one is as long as the other tensor has it.
for a, b in (((1, 3, 4), (2, 5, 4)), ((2, 3, 4), (1, 5, 4)), ((2, 3, 1), (2, 5, 4))):
    found("XlaEinsum", [RAMP(f32, *a), RAMP(f32, *b)], {"equation": "bij,bkj->bik"}, tolerance="eps 16")
found("XlaEinsum", [RAMP(f32, 3), RAMP(f32, 1)], {"equation": "a,a->"}, tolerance="eps 16")
for shape in ((2, 1), (1, 2), (2,)):
    found("XlaDynamicSlice", [RAMP(f32, 4, 5), np.array([1, 2], i32).reshape(shape), ints(2, 3)])
for lhs, rhs, dims in (((3,), (3,), [-2]), ((3,), (3,), [0]), ((24,), (3,), [5]), ((24,), (3,), [0, 1]), ((2, 3), (2, 3), [0]), ((2, 3), (2, 3), [1, 0]),
                       ((2, 3), (2, 3), [0, 2]), ((2, 3), (2, 1), [0, 1]), ((), (), [0])):
    found("XlaBroadcastHelper", [RAMP(f32, *lhs), RAMP(f32, *rhs), np.array(dims, i64)])
DOT = b"\n\x01\x01\x12\x01\x00"
CONV = b"\x18\x02 \x032\x02\x00\x01@\x03P\x03Z\x02\x01\x02b\x02\x01\x02"
IMAGES = [F(1, 5, 4, 2), F(2, 3, 2, 3), ints(2, 1), np.zeros((2, 2), i32), ints(1, 1), ints(1, 1), ints(1)[0]]
for nonsense in (b"nonsense", b"\x80"):
    found("XlaDot", [F(2, 3), F(3, 2)], {"dimension_numbers": DOT, "precision_config": nonsense})
    found("XlaGather", [F(4, 5), ints(0, 3)[:, None], ints(1, 5)], {"dimension_numbers": nonsense, "indices_are_sorted": False})
    found("XlaConv", IMAGES, {"dimension_numbers": CONV, "precision_config": nonsense})
    found("XlaConv", IMAGES, {"dimension_numbers": nonsense, "precision_config": b""})
for at, others in ((2, (ints(), ints(2)[0], ints(2, 1)[None])), (3, (np.zeros((0, 2), i32), np.zeros((2, 4), i32), np.zeros(2, i32))), (4, (ints(), ints(2)[0])),
                   (5, (ints(), ints(2)[0])), (6, (ints(1), ints(0)[0], ints(5)[0]))):
    for other in others:
        found("XlaConv", [*IMAGES[:at], other, *IMAGES[at + 1:]], {"dimension_numbers": CONV, "precision_config": b""}, const=(2, 3, 4, 5, 6))
for dtype in (np.uint8, np.uint16, np.uint32, np.uint64, i8, np.int16, i32, i64):
    found("XlaDotV2", [RAMP(f64, 3, 4) * 9 - 30, RAMP(f64, 4, 2)], {"dimension_numbers": DOT, "precision_config": b"", "preferred_element_type": dtype})

# Numbers that TensorFlow counts with 32 bits.
for k in (-(2**63), -(2**33) + 2, 2**32 + 2, -(2**32), -1):
    for const in ((), (1,)):
        found("TopKV2", [RAMP(f32, 3, 9), np.array(k, i64)], const=const)
for count in (2**40, 2**32 + 3, 2**31):
    found("UnsortedSegmentMax", [RAMP(f32, 4), ints(1, 1, 0, 1), np.array(count, i64)])
    found("UnsortedSegmentSum", [F(4, 0), ints(1, 1, 0, 1), np.array(count, i64)])


def gradients(shape):
    def build(feed):
        handle, flow = raw.TensorArrayV3(size=feed(ints(2)[0]), dtype=tf.float32, clear_after_read=False)
        flow = raw.TensorArrayScatterV3(handle=handle, indices=feed(ints(0, 1)), value=feed(RAMP(f32, 2, 3)), flow_in=flow)
        return [raw.TensorArrayGradWithShape(handle=handle, flow_in=flow, shape_to_prepend=feed(shape), source="g")[1]]

    return build


for shape in (ints(2)[None], ints(2)[0], ints(), ints(-1)):
    found("TensorArrayGradWithShape", gradients(shape))


def requantized(zero, scale, scales, zeros, axis):
    def build(feed):
        codes = raw.Bitcast(input=feed(np.array([[-48, -104, -100], [35, 74, -5]], i8)), type=tf.qint8)
        codes = raw.UniformRequantize(
            input=codes, input_scales=feed(f32(scale)), input_zero_points=feed(i32(zero)), output_scales=feed(np.array(scales, f32)), output_zero_points=feed(np.array(zeros, i32)),
            Tout=tf.qint8, output_quantization_axis=axis, input_quantization_min_val=-128, input_quantization_max_val=127, output_quantization_min_val=-128, output_quantization_max_val=127)
        return [raw.Bitcast(input=codes, type=tf.int8)]

    return build


for zero in (-(2**31), -(2**31) + 100, 2**31 - 1):
    found("UniformRequantize", requantized(zero, 0.25, [0.5, 0.1, 2], [1, 2, 3], 1))
    found("UniformRequantize", requantized(zero, 0.1, 0.5, 2, -1))


def convolved(length, window, padding, stride):
    def build(feed):
        codes = lambda *shape: raw.Bitcast(input=feed(RAMP(i8, *shape)), type=tf.qint8)
        half, one = feed(f32(0.5)), feed(i32(1))
        limits = {f"{name}_quantization_{end}_val": value for name, bits in (("lhs", 7), ("rhs", 7), ("output", 31)) for end, value in (("min", -(2**bits)), ("max", 2**bits - 1))}
        sums = raw.UniformQuantizedConvolution(
            lhs=codes(1, 2, length), rhs=codes(2, 2, window), lhs_scales=half, lhs_zero_points=one, rhs_scales=half, rhs_zero_points=one, output_scales=half, output_zero_points=one,
            Tout=tf.qint32, padding=padding, window_strides=[stride], **limits)
        return [raw.Bitcast(input=sums, type=tf.int32)]

    return build


for length, window, stride in ((0, 3, 1), (0, 3, 2), (0, 3, 3), (0, 1, 1), (2, 3, 2), (2, 4, 2), (2, 5, 2)):
    for padding in ("SAME", "VALID"):
        found("UniformQuantizedConvolution", convolved(length, window, padding, stride))

for shape, ksize in (((1, 4, 4, 0), [1, 2, 2, 1]), ((1, 4, 4, 0), [1, 1, 1, 2]), ((0, 4, 4, 1), [1, 1, 1, 2])):
    for padding in ("SAME", "VALID"):
        found("MaxPool", [F(*shape)], {"ksize": ksize, "strides": ksize, "padding": padding}, const=(0,))

# Powers, quotients and longest columns of what is not finite.
PARTS = (0.0, -0.0, 1.0, -1.5, INF, -INF, N)
for dtype in (c64, c128):
    numbers = np.array([complex(a, b) for a in PARTS for b in PARTS], dtype)
    found("Pow", [numbers[:, None], numbers[None, :]], tolerance="eps 16")
    for number in (INF, -INF):
        for place in ((0, 0), (1, 1), (1, 0)):
            matrix = np.array([[10, 2.5], [2.5, 13]], dtype)
            matrix[place] = number
            found("MatrixTriangularSolve", [matrix, RAMP(dtype, 2, 2)], tolerance="eps 256")
for dtype in (f32, f64, c64, c128):
    for place in ((0, 0), (1, 1)):
        matrix = np.array([[10, 2.5], [2.5, 13]], dtype)
        matrix[place] = N
        found("MatrixSolveLs", [matrix, RAMP(dtype, 2, 2), f64(0)], {"fast": False}, tolerance="eps 1024")


# Axes and counts of which TensorFlow reads 32 bits; sizes that it does not look at; attributes that are no numbers.
for axis in (-(2**63), 2**32 + 1, 2**32, -(2**32) - 1, 2**31):
    found("ArgMax", [RAMP(f32, 3, 5), np.array(axis, i64)])
    found("ArgMin", [RAMP(f32, 3, 5), np.array(axis, i64)], const=(0, 1))
for recall in (N, 1e-40, -1e-40, 0.0, -0.0, 1.0000001, INF):
    found("ApproxTopK", [RAMP(f32, 9)], {"k": 3, "recall_target": recall})
for samples in (0, 399, 500):
    for const in ((), (0,)):
        found("AudioMicrofrontend", [np.zeros(samples, np.int16)], {"frame_stride": 0 if samples < 400 else 1}, const=const)
for first, second in (([2, 1, 3], [-1, 1]), ([-1, 1], [5]), ([], [-1, 3]), ([1, 1], [-(2**31)]), ([2, -1], [2, -1]), ([-1], [-2])):
    found("BroadcastGradientArgs", [np.array(first, i64), np.array(second, i64)])
for number in (INF, -INF):
    bands = RAMP(c64, 2, 3)
    bands[1, 0] = number
    found("BandedTriangularSolve", [bands, RAMP(c64, 3, 2)], {"lower": False}, tolerance="eps 64")
    found("BandedTriangularSolve", [bands, RAMP(c64, 3, 2)], {"lower": True}, tolerance="eps 64")
for key in ("instance_key", "group_key"):
    found("CollectiveReduce", [F(3)], {"group_size": 1, "group_key": 1, "instance_key": 1, "merge_op": "Add", "final_op": "Id", "subdiv_offsets": [0], key: -(2**63)})


def counted(first):
    def build(feed):
        below, next = function.Defun(tf.int32)(lambda i: i < 3), function.Defun(tf.int32)(lambda i: i + 1)
        return gen_xla_ops.xla_while(input=[feed(first)], cond=below, body=next)

    return build


for first in (ints(0)[0], ints(0, 0), ints(5)):
    found("XlaWhile", counted(first))
