"""Calls that changed calls of new seeds (`make_fresh_cases.py`) have found: each was answered otherwise than by TensorFlow."""

import numpy as np
import tensorflow as tf
from calls import c64, c128, f32, f64, found, i32, i64
from ops.array_shapes import ints

S = np.float32
F = lambda *shape: np.ones(shape, f32)
L = lambda *numbers: np.array(numbers, i64)
N = lambda number: np.array(number, i32)
RAMP = lambda dtype, *shape: np.arange(1, 1 + np.prod(shape)).astype(dtype).reshape(shape)
raw = tf.raw_ops

found("Acosh", [np.array([-1.7e308, -1e300, 1.7e308, 0.5], f64)], tolerance="ulp 4")
found("DrawBoundingBoxes", [F(1, 9, 8, 3) / 2, np.array([[[np.inf, 0.5, 1.5, 0.7], [0.1, -np.inf, 0.8, 0.9], [0, 0, 1e30, 1]]], f32)])
found("DenseCountSparseOutput", [np.array([[3, 1], [1, 0]], i32), np.array([[2, 3], [1e-40, 4]], f32)], {"binary_output": False})
found("Conv", [np.zeros((2, 0, 7, 7, 1), f32), F(3, 3, 1, 2)], {"strides": [1] * 4, "padding": "SAME", "batch_dims": 2})
for name in ("AvgPool", "MaxPool"):
    found(name, [F(1, 1, 4, 2)], {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}, const=(0,))
for dtype in (f64, i32):
    found("Conv2D", [RAMP(dtype, 1, 2, 4, 4), RAMP(dtype, 2, 2, 2, 1)], {"strides": [1] * 4, "padding": "SAME", "data_format": "NCHW"})
    found("Conv2DBackpropInput", [ints(1, 2, 4, 4), RAMP(dtype, 2, 2, 2, 1), RAMP(dtype, 1, 1, 4, 4)], {"strides": [1] * 4, "padding": "SAME", "data_format": "NCHW"})
    found("Conv2DBackpropInput", [ints(1, 4, 4, 2), RAMP(dtype, 2, 2, 2, 1), RAMP(dtype, 1, 4, 4, 1)], {"strides": [1] * 4, "padding": "SAME", "dilations": [1, 2, 2, 1]})
    found("Conv2DBackpropInputV2", [RAMP(dtype, 1, 4, 4, 2), RAMP(dtype, 2, 2, 2, 1), RAMP(dtype, 1, 4, 4, 1)], {"strides": [1] * 4, "padding": "SAME"})
found("DepthwiseConv2dNative", [RAMP(f64, 1, 4, 4, 2), RAMP(f64, 2, 2, 2, 1)], {"strides": [1] * 4, "padding": "SAME", "dilations": [1, 2, 2, 1]})
found("DepthwiseConv2dNative", [RAMP(f64, 1, 2, 4, 4), RAMP(f64, 2, 2, 2, 1)], {"strides": [1] * 4, "padding": "SAME", "data_format": "NCHW"})
found("DepthwiseConv2dNative", [F(2, 6, 0, 2), F(2, 3, 2, 1)], {"strides": [1, 2, 2, 1], "padding": "VALID"}, const=(0, 1))
found("Conv3D", [RAMP(f64, 1, 4, 4, 4, 2), RAMP(f64, 2, 2, 2, 2, 1)], {"strides": [1] * 5, "padding": "SAME", "dilations": [1, 2, 2, 2, 1]})
found("Conv3D", [F(1, 1, 4, 4, 1), F(2, 2, 2, 1, 1)], {"strides": [1] * 5, "padding": "VALID"}, const=(0, 1))
found("Conv3DBackpropInputV2", [ints(1, 4, 4, 4, 2), RAMP(f64, 2, 2, 2, 2, 1), RAMP(f64, 1, 4, 4, 4, 1)], {"strides": [1] * 5, "padding": "SAME", "dilations": [1, 2, 2, 2, 1]})
found("AvgPool", [F(1, 4, 4, 2)], {"ksize": [1, 2, 2, 2], "strides": [1] * 4, "padding": "VALID", "data_format": "NCHW"})
found("AvgPool3D", [F(1, 4, 4, 4, 2)], {"ksize": [1, 2, 2, 2, 2], "strides": [1] * 5, "padding": "VALID", "data_format": "NCDHW"})
for steps in ({"strides": [1, 2, 1, 2**40]}, {"strides": [2**40, 2, 1, 1]}, {"rates": [1, 2**40, 1, 1]}):
    found("Dilation2D", [F(1, 4, 4, 2), F(2, 2, 2)], {"strides": [1] * 4, "rates": [1] * 4, "padding": "SAME", **steps})
found("Conv2D", [F(1, 4, 4, 1), F(2, 2, 1, 1)], {"strides": [1, 2**40, 1, 1], "padding": "SAME"})
for length, size, stride in ((9, 1, 3), (8, 2, 4), (10, 3, 5), (7, 2, 4)):
    found("ExtractVolumePatches", [RAMP(i32, 1, length, 2, 1, 1)], {"ksizes": [1, size, 1, 1, 1], "strides": [1, stride, 1, 1, 1], "padding": "SAME"})
    found("ExtractImagePatches", [RAMP(i32, 1, length, 2, 1)], {"ksizes": [1, size, 1, 1], "strides": [1, stride, 1, 1], "rates": [1] * 4, "padding": "SAME"})
for below in (-(2**63), -(2**32), -(2**31), -(2**31) - 1):
    found("MatrixBandPart", [RAMP(i32, 3, 4), np.array(below, i64), np.array(0, i64)])
    found("MatrixBandPart", [RAMP(i32, 3, 4), np.array(0, i64), np.array(below, i64)])
for name in ("MatrixDiagPartV2", "MatrixDiagPartV3"):
    for padding in (np.zeros(1, f32), np.zeros(2, f32), np.zeros(0, f32), np.zeros((1, 1), f32)):
        found(name, [RAMP(f32, 2, 3), ints(0, 1), padding])
for name in ("InplaceAdd", "InplaceSub", "InplaceUpdate"):
    found(name, [np.zeros((0, 2), i64), ints(2, 0), RAMP(i64, 2, 2)])
found("ExtractGlimpse", [RAMP(f32, 2, 5, 6, 1), ints(2, 3), np.array([[0, 0], [np.nan, -0.5]], f32)], {"noise": "zero", "uniform_noise": False, "normalized": False})
for pixel in ([np.nan, 0.2, 0.3], [0.4, np.nan, 0.3], [np.inf, 0.2, 0.3], [0.4, np.inf, 0.3], [0.4, 1e30, 0.3]):
    found("HSVToRGB", [np.array(pixel, f32)], tolerance="eps 8")
found("ImageSummary", [np.array(b"t", object), np.zeros((0, 0, 1, 1), f32)])
found("ImageSummary", [np.array(b"t", object), np.zeros((0, 2, 3, 1), f32)])
for dtype in (f32, f64):
    found("Igamma", [np.array([np.nan, 0, -1, np.inf, 2, 1], dtype), np.array([0, 0, 0, 0, 0, np.nan], dtype)])
for dtype in (c64, c128):
    found("Mean", [np.zeros((0, 2), dtype), ints(0)])
for version in ("2", "3", "4"):
    bits = [N(8)] if version == "3" else []
    name = f"QuantizeAndDequantizeV{version}"
    for low, high, attrs in ((S(np.nan), S(4), {"range_given": True}), (S(0), S(np.nan), {"range_given": True}), (F(2), S(4), {"range_given": False}), (S(0), F(2), {"range_given": False}), (S(0), S(4), {"range_given": False, "axis": 0})):
        found(name, [RAMP(f32, 3), low, high, *bits], attrs, const=(0, 1, 2))
found("RaggedBincount", [L(0, 2, 2, 4), np.array([[1], [1], [0], [7]], i32), N(4), RAMP(f32, 4)])
found("RaggedGather", [[L(0, 2, 2, 5)[None]], RAMP(f64, 5), ints(2, 0, 1, 2)], {"OUTPUT_RAGGED_RANK": 1})
found("RaggedTensorToSparse", [[ints(0, 1, 3), ints(0, 2, 2, 5)[None]], RAMP(f32, 5, 2)])
found("RandomIndexShuffle", [N(3), ints(1, 2, 3), N(1000)], {"rounds": 2**40})
for axis in (ints(7), ints(-3)):
    found("ReverseV2", [np.zeros((0, 2), f32), axis])
I = np.array([[0, 1], [0, 3], [2, 0], [2, 2]], i64)
for shape, start, size in (([3, -1], [1, 0], [9, 9]), ([-3, 4], [0, 0], [9, 9]), ([3, 4], [1, 0], [-5, 9]), ([3, 4], [-1, 0], [2, 9]), ([3, 4], [2**62, 0], [2**62, 2])):
    found("SparseSlice", [I, RAMP(f32, 4), L(*shape), L(*start), L(*size)])
for place in ((1, 3), (0, 1)):
    dense = RAMP(f32, 3, 4)
    dense[place] = 0
    found("SparseDenseCwiseDiv", [I, RAMP(f32, 4), L(3, 4), dense])
found("SparseBincount", [I, L(1, 1, 0, 7), L(3, 4), np.array(4, i64), RAMP(i32, 8)], {"binary_output": False})


def scattered(name, indices, updates):
    """Rows of a variable of four rows of two."""

    def build(feed):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[4, 2], shared_name="v")
        assign = raw.AssignVariableOp(resource=handle, value=feed(RAMP(f32, 4, 2)))
        change = getattr(raw, name)(resource=handle, indices=feed(indices), updates=feed(updates))
        return [[assign], [change], [raw.ReadVariableOp(resource=handle, dtype=tf.float32)]]

    return build


for name in ("ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterUpdate", "ResourceScatterMax", "ResourceScatterMin"):
    found(name, scattered(name, ints(), F(3, 2)))
    found(name, scattered(name, ints(1), np.array([[np.nan, 9]], f32)))

for mask in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"):
    for number in (2**40, -(2**40)):
        found("StridedSlice", [RAMP(f32, 4), ints(0), ints(2), ints(1)], {mask: number})
text = lambda *words: np.array([word.encode() for word in words], object)
for number in (2**40, -(2**63)):
    found("StringSplitV2", [text("a b c"), np.array(b"", object)], {"maxsplit": number})
    found("StringFormat", [[ints(1, 2)]], {"summarize": number})
    for attrs in ({"pad_width": number}, {"ngram_widths": [number]}):
        found("StringNGrams", [text("a", "b"), L(0, 2)], {"separator": "", "ngram_widths": [2], "left_pad": "", "right_pad": "", "pad_width": 0, "preserve_short_sequences": False, **attrs})
for times in (ints(2), ints(1), ints(0)):
    found("Tile", [RAMP(np.uint16, 3), times])
found("Switch", lambda feed: [raw.Switch(data=feed(F(1)), pred=feed(np.array([True]))).output_true])
for version in ("TensorArrayV2", "TensorArrayV3"):
    found(version, lambda feed, version=version: [getattr(raw, version)(size=feed(ints(2)), dtype=tf.float32)[0].op])
found("TensorListScatterV2", lambda feed: [raw.TensorListLength(input_handle=raw.TensorListScatterV2(
    tensor=feed(F(2, 2)), indices=feed(ints(0, 1)), element_shape=feed(ints(2)), num_elements=feed(ints(3))))])
