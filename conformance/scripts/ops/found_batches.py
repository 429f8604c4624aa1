"""What calls of another generator found: batches, narrow types, ranges without zero, widths of strings."""

import numpy as np
import tensorflow as tf
from calls import bf16, c64, f16, f32, f64, found, i32, i64
from ops.array_shapes import ints
from ops.found import RAMP, S, raw

for mode in ("REFLECT", "SYMMETRIC"):
    for batch, height, strides in ((2, 5, 1), (3, 4, 2)):
        attrs = {"mode": mode, "strides": [1, strides, strides, 1], "padding": "SAME"}
        image, edges, filters = RAMP(f32, batch, height, 3, 2), ints([0, 0], [1, 0], [1, 1], [0, 0]), RAMP(f32, 3, 2, 2, 4)
        found("FusedPadConv2D", [image, edges, filters], attrs, "eps 16")
        found("FusedResizeAndPadConv2D", [image, ints(4, 6), edges, filters], attrs, "eps 16")
for dtype in (f16, bf16):
    g = np.array([-5.184, -2.113, 12.3, 0.6504, 137.1, -94.3], f64).astype(dtype)
    y = np.array([-1.4e-4, -0.2302, -0.9585, -3.512, -1.479, 0.1025], f64).astype(dtype)
    found("LeakyReluGrad", [g, y], {"alpha": 0.2})
    for name in ("EluGrad", "SeluGrad", "SoftsignGrad"):
        found(name, [g, y])
    found("SoftplusGrad", [g, y], tolerance="ulp 1")
    large = np.array([[-4584, 100], [300, 200], [0.001, 0.002]], f64).astype(dtype)
    found("EuclideanNorm", [large, ints(1)], tolerance="ulp 1")

for low, high in ((0.5, 1.0), (0.97, 1.47), (-3.0, -1.0), (-1.0, 2.0)):
    def ranged(feed, low=low, high=high):
        codes = feed(np.arange(48, dtype=np.uint8).reshape(1, 3, 4, 4) * 5)
        filters = feed(np.arange(48, dtype=np.uint8).reshape(2, 2, 4, 3) * 5)
        image, weights = (raw.Bitcast(input=x, type=tf.quint8) for x in (codes, filters))
        out = raw.QuantizedConv2D(input=image, filter=weights, min_input=S(low), max_input=S(high), min_filter=S(-1), max_filter=S(2), out_type=tf.qint32, strides=[1, 1, 1, 1], padding="SAME")
        return [raw.Bitcast(input=out[0], type=tf.int32), *out[1:]]

    def joined(feed, low=low, high=high):
        code = raw.Bitcast(input=feed(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40), type=tf.quint8)
        out = raw.QuantizedConcat(concat_dim=1, values=[code, code], input_mins=[S(low), S(low)], input_maxes=[S(high), S(high + 0.5)])
        return [raw.Bitcast(input=out[0], type=tf.uint8), *out[1:]]

    found("QuantizedConv2D", ranged, tolerance="eps 4")
    found("QuantizedConcat", joined, tolerance="eps 4")

words = np.array([b"hello world", b"x\0y", b"\xff\xfeabc", b""], object)
for width, precision, fill in ((0, 2, ""), (5, 2, ""), (3, 0, ""), (1, 5, ""), (8, 3, "-"), (-1, 3, "")):
    found("AsString", [words], {"width": width, "precision": precision, "fill": fill})

for sizes, dense in (((0, 2), (1, 2)), ((4, 0), (4, 1)), ((1, 2), (1, 1))):
    for name in ("SparseDenseCwiseMul", "SparseDenseCwiseAdd", "SparseDenseCwiseDiv"):
        found(name, [np.zeros((0, 2), i64), np.zeros(0, f32), np.array(sizes, i64), np.ones(dense, f32)])

for dtype in (f32, f64):
    x = np.array([2, 2, 3, 3, 5, 2, 3], f64).astype(dtype)
    found("Zeta", [x, np.array([-36.45597, -7.2, -100.25, -1.5, -20.5, 0.1, -3.7], f64).astype(dtype)], tolerance="eps 16")
    found("Polygamma", [x, np.array([-36.45597, -7.25, -100.25, -1.5, -20.5, 0.1, -3.75], f64).astype(dtype)], tolerance="eps 16")
grows = np.array([85, 88, 88.9, 90, 91.5, 100, -89, -91.5, 60, 1, -2, 0.5], f32)
for name in ("BesselI0", "BesselI1", "Expint"):
    found(name, [grows], tolerance="ulp 32")
found("Expint", [np.array([1e-42, -1e-42, 1e38, 3e38, 8e37, 0, 1, 2, 1e-42, -1e-42, 3e38], f32)], tolerance="ulp 32")
found("Expint", [np.array([1e308, 1.7e308, 1e300, 700, 715, 720], f64)], tolerance="ulp 32")

for merge in (False, True):
    found("CTCGreedyDecoder", [RAMP(f64, 6, 3, 4) * 1e3, ints(5, 6, 5)], {"merge_repeated": merge, "blank_index": 0}, "ulp 2")
found("ResizeBilinear", [np.ones((2, 2, 1, 4), f32), ints(2147483647, 2147483647)])

for dtype in (f32, f64, f16, bf16, c64):
    for count in (10, 15, 16, 17, 18, 26):
        scales = 10.0 ** (np.arange(count) % 5 - 2)
        found("AddN", [[((np.arange(40) * (7 + i) % 13 - 6) * scale / 7).astype(dtype) for i, scale in enumerate(scales)]])
