"""Calls that once crashed TensorFlow or read beyond its buffers: what 2.21 says to them."""

import numpy as np
import tensorflow as tf
from calls import advisory, c64, f32, f64, i32, i64, u8
from ops.array_shapes import ints
from ops.text import one, text

F = lambda *shape: np.ones(shape, f32)
I = lambda *shape: np.zeros(shape, i32)
L = lambda *numbers: np.array(numbers, i64)
N = lambda number: np.array(number, i32)
S = np.float32
HUGE = 2**62
COUNT = {"binary_output": False}
raw = tf.raw_ops

for id, inputs in {
    "TFSA-2020-020": [np.zeros((2, 2), i64), L(1, 1), L(2, 2), F(1)],
    "TFSA-2020-019": [L(0, 1), L(1, 1), L(2, 2), F(0)],
    "TFSA-2020-018": [np.zeros((3, 2), i64), L(1, 1), L(2, 2), F(0)],
    "hr84-fqvp-48mm": [np.zeros((1, 2), i64), L(1), L(-1, 2), F(0)],
    "wvjw-p9f5-vq28": [np.zeros((1, 2), i64), L(1), np.zeros(0, i64), F(0)],
    "x4qx-4fjv-hmw6": [np.zeros((1, 2), i64), L(2**31 - 1), L(2, 2), F(0)],
    "44qp-9wwf-734r": [np.array([[5, 0]], i64), L(1), L(2, 2), F(0)],
}.items():
    advisory("SparseCountSparseOutput", id, inputs, COUNT)
for id, inputs in {
    "TFSA-2020-020": [L(0, 2), L(1, 1), F(1)],
    "x5cp-9pcf-pp3h": [L(), L(1, 1), F(0)],
    "x7rp-74x2-mjf3": [L(1, 2), L(1, 1), F(0)],
    "p5f8-gfw5-33w4": [L(0, 1), L(1, 1), F(0)],
}.items():
    advisory("RaggedCountSparseOutput", id, inputs, COUNT)
advisory("DenseCountSparseOutput", "qg48-85hg-mqc5", [np.zeros((0, 2), i64), F(0)], COUNT)
advisory("DenseCountSparseOutput", "qg48-85hg-mqc5", [L(1, 2), F(1)], COUNT)

for fill in ("s", "%", "0%", "  "):
    advisory("AsString", "TFSA-2020-013", [ints(1, 2)], {"width": 5, "fill": fill})
GRAMS = {"separator": "", "ngram_widths": [2], "left_pad": "", "right_pad": "", "pad_width": 0, "preserve_short_sequences": False}
for id, splits, attrs in (
    ("TFSA-2020-011", [0, 9], {}), ("xqfj-35wv-m3cr", [0, 2, 1], {}), ("xqfj-35wv-m3cr", [0, -1, 2], {}), ("4hrh-9vmp-2jgg", [0, 0, 2], {"left_pad": "L", "right_pad": "R", "pad_width": -1, "ngram_widths": [3]}),
    ("h6jh-7gv5-28vg", [0, 2], {"ngram_widths": [-2]}), ("98j8-c9q4-r38g", [0, 2], {"left_pad": "x", "ngram_widths": [2], "pad_width": -5}), ("TFSA-2020-011", [], {}),
):
    advisory("StringNGrams", id, [text("a", "b"), L(*splits)], {**GRAMS, **attrs})

for id, data, ids in (("hx2x-85gr-wrpq", F(3), [-1, 0, 1]), ("p2cq-cprg-frvm", F(3), [2, 0, 1]), ("cq76-mxrc-vchh", F(1, 4096), [2**31 - 2]), ("hx2x-85gr-wrpq", F(2, 2), [-5, -4])):
    for name in ("SegmentSum", "SegmentMax", "SegmentMean"):
        advisory(name, id, [data, np.array(ids, i32)])
advisory("UnsortedSegmentSum", "TFSA-2019-002", [F(2), ints(0, 1), np.array(HUGE, i64)])
advisory("UnsortedSegmentJoin", "jhq9-wm9m-cf89", [text("a"), ints(0), I(0)])
advisory("UnsortedSegmentJoin", "2022-29197", [text("a"), ints(0), ints(1, 2)])
advisory("UnsortedSegmentJoin", "2022-29204", [text("a"), ints(0), N(-1)])

for name in ("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV4"):
    for id, low, high, attrs in (("rrfp-j2mp-hq9c", S(0), S(1), {"axis": 9}), ("mq5c-prh3-3f3h", S(0), S(1), {"axis": -7}), ("2022-41910", F(5), F(5), {"axis": 1}), ("2023-25668", F(0), F(0), {"axis": 0, "range_given": True})):
        advisory(name, id, [F(2, 3), low, high], attrs)
advisory("QuantizeAndDequantizeV3", "h9px-9vqg-222h", [F(2, 3), S(0), S(1), N(8)], {"axis": 9})
advisory("QuantizeAndDequantizeV3", "2022-36026", [F(2, 3), S(0), S(1), ints(8, 8)])
advisory("FakeQuantWithMinMaxVars", "2022-35971", [F(2), F(2), S(1)])
advisory("FakeQuantWithMinMaxVars", "2022-35971", [F(2), F(0), S(1)])
advisory("FakeQuantWithMinMaxVarsPerChannel", "2022-36019", [F(2, 2), F(2, 2), F(2)])


def quantize(axis, count):
    """A range of so many numbers for an axis."""
    return lambda feed: [
        raw.QuantizeV2(input=feed(F(2, 2)), min_range=feed(F(count) - 1), max_range=feed(F(count)), T=tf.quint8, axis=axis).output_min
    ]


advisory("QuantizeV2", "g25h-jr74-qp5j", quantize(9, 2))
advisory("QuantizeV2", "g25h-jr74-qp5j", quantize(1, 3))

advisory("CropAndResize", "xwhf-g6j5-j5gc", [F(1, 3, 3, 1), np.array([[np.nan, 0, 1, 1]], f32), ints(0), ints(2, 2)])
advisory("CropAndResize", "xwhf-g6j5-j5gc", [F(1, 3, 3, 1), np.array([[0, 0, 1e30, 1]], f32), ints(0), ints(2, 2)])
for source, target in (("ABCD", "ABCD"), ("NHWC", "1234"), ("NHWC", "NHW")):
    advisory("DataFormatVecPermute", "c9f3-9wfr-wgh7", [ints(1, 2, 3, 4)], {"src_format": source, "dst_format": target})
for id, splits in (("4278-2v5v-65r4", [0]), ("8h46-5m9h-7553", [7, 2]), ("2022-35986", [])):
    advisory("RaggedBincount", id, [L(*splits), ints(1, 1), N(2), F(0)])
advisory("DenseBincount", "2022-35987", [ints(1, 2), N(3), np.ones((2, 2, 2), f32)])
advisory("DenseBincount", "f2vv-v9cg-qhh7", [ints(1, 2), I(0), F(0)])
advisory("Bincount", "f2vv-v9cg-qhh7", [ints(1, 2), I(0), F(0)])
advisory("Bincount", "f2vv-v9cg-qhh7", [ints(1, 2), N(3), F(9)])
advisory("SparseBincount", "374m-jm66-3vj8", [np.array([[0, 0]], i64), ints(99), L(1, 1), N(3), F(0)])
advisory("SparseBincount", "2022-35982", [L(0), ints(1), L(1), N(3), F(2)])

advisory("MatrixDiagPart", "hc6c-75p4-hmq4", [np.zeros((0, 0), f32)])
for version in ("V2", "V3"):
    advisory(f"MatrixDiagPart{version}", "fcwc-p4fc-c5cc", [F(2, 2), N(0), F(0)])
    advisory(f"MatrixDiag{version}", "5xwc-mrhx-5g3m", [F(2), I(0), N(-1), N(-1), S(0)])
    advisory(f"MatrixDiag{version}", "5xwc-mrhx-5g3m", [F(2), N(0), I(0), N(-1), S(0)])
    advisory(f"MatrixSetDiag{version}", "6p5r-g9mq-ggh2", [F(2, 2), F(2), I(0)])
    advisory(f"MatrixDiagPart{version}", "hc6c-75p4-hmq4", [np.zeros((0, 3), f32), N(0), S(0)])

CONV3 = {"strides": [1] * 5, "padding": "VALID"}
advisory("Conv3D", "772p-x54p-hjrv", [F(1, 4, 4, 4, 2), F(2, 2, 2, 2, 0)], CONV3)
advisory("Conv3D", "772p-x54p-hjrv", [F(1, 4, 4, 4, 0), F(2, 2, 2, 0, 1)], CONV3)
advisory("Conv3DBackpropInputV2", "wcv5-qrj6-9pfm", [ints(1, 4, 4, 4, 2), F(2, 2, 2, 3, 1), F(1, 3, 3, 3, 1)], CONV3)
advisory("Conv3DBackpropInputV2", "c968-pq7h-7fxv", [ints(1, 4, 4, 4, 2), F(2, 2, 2, 2, 0), F(1, 3, 3, 3, 0)], CONV3)
advisory("Conv3DBackpropInputV2", "2023-25661", [ints(1, 2**30, 2**30, 4, 2), F(2, 2, 2, 2, 1), F(1, 3, 3, 3, 1)], CONV3)
CONV2 = {"strides": [1] * 4, "padding": "VALID"}
advisory("Conv2D", "4vf2-4xcg-65cx", [F(1, 4, 4, 2), F(2, 2, 0, 1)], CONV2)
advisory("Conv2D", "2022-35996", [F(1, 4, 4, 2), F(2, 2, 2, 0)], CONV2)
advisory("Conv2D", "6hpv-v2rx-c5g6", [F(1, 4, 4, 2), F(0, 2, 2, 1)], CONV2)
advisory("Conv2DBackpropInput", "xm2v-8rrw-w9pm", [ints(1, 4, 4, 0), F(2, 2, 0, 1), F(1, 3, 3, 1)], CONV2)
advisory("Conv2DBackpropInput", "2022-35969", [ints(1, 4), F(2, 2, 1, 1), F(1, 3, 3, 1)], CONV2)
advisory("Conv2DBackpropInput", "2022-35969", [np.zeros((2, 2), i32), F(2, 2, 1, 1), F(1, 3, 3, 1)], CONV2)
advisory("Conv2DBackpropInput", "2022-35999", [ints(1, 4, 4, 1), F(2, 2, 1, 1), F(0, 3, 3, 1)], CONV2)
for id, window in (("m539-j985-hcr8", [1, -2, 2, 1]), ("2022-35989", [1, 2**31 - 1, 2**31 - 1, 1]), ("m539-j985-hcr8", [1, 2**31 - 1, 2, 1])):
    for name in ("MaxPool", "AvgPool"):
        advisory(name, id, [F(1, 4, 4, 1)], {"ksize": window, "strides": [1] * 4, "padding": "VALID"})
advisory("MaxPool", "9vpm-rcf4-9wqw", [F(0, 4, 4, 1)], {"ksize": [1, 2, 2, 1], "strides": [1] * 4, "padding": "SAME"})
advisory("Dilation2D", "pvrc-hg3f-58r6", [F(1, 4, 4, 0), F(2, 2, 0)], {"strides": [1] * 4, "rates": [1] * 4, "padding": "SAME"})
for id, x, scale, mean in (("r35g-4525-29fq", F(1, 2, 2, 0), F(0), F(0)), ("9xh4-23q4-v6wr", F(1, 2, 2, 3), F(0), F(3)), ("f54p-f6jp-4rhr", F(1, 2, 2, 3), F(3), F(0))):
    advisory("FusedBatchNorm", id, [x, scale, scale, mean, mean], {"is_training": False})
    advisory("FusedBatchNormV3", id, [x, scale, scale, mean, mean], {"is_training": False})
advisory("LRN", "2022-35985", [F(4, 4)])

advisory("EncodePng", "3qxp-qjq7-w4hf", [np.zeros((0, 0, 3), u8)])
advisory("DecodeBmp", "TFSA-2018-001", [one(b"BM" + np.array([2**31 - 1, 0, 54, 40, 2**30, 2**30], "<u4").tobytes() + np.array([1, 24], "<u2").tobytes() + bytes(60))])
advisory("DecodeGif", "TFSA-2018-002", [one(b"GIF89a\x02\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\xff;")])
advisory("DecodePng", "24x4-6qmh-88qg", [one(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (2**31 - 1).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00" + bytes(8))])
for name in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea"):
    advisory(name, "5hx2-qx8j-qjqm", [F(1, 2, 2, 1), ints(2**31 - 1, 2**31 - 1)])
TRANSFORM = np.array([[1, 0, 0, 0, 1, 0, 0, 0]], f32)
advisory("ImageProjectiveTransformV2", "2022-41886", [F(1, 2, 2, 1), TRANSFORM, ints(2**30, 2**30)], {"interpolation": "NEAREST"})
advisory("ImageProjectiveTransformV2", "2022-41886", [F(1, 2, 2, 1), TRANSFORM, ints(-1, 5)], {"interpolation": "NEAREST"})
for name, extra in (("NonMaxSuppressionV3", [S(0.5), S(0)]), ("NonMaxSuppressionV2", [S(0.5)]), ("NonMaxSuppressionV4", [S(0.5), S(0)])):
    advisory(name, "vmjw-c2vp-p33c", [F(2, 4), F(2), N(-1), *extra])

TRIPLE = [np.array([[0, 1]], i64), F(1), L(2, 2)]
advisory("SparseConcat", "6j9c-grc6-5m6g", [[TRIPLE[0]] * 2, [F(1)] * 2, [L(HUGE, 2)] * 2], {"concat_dim": 1})
advisory("SparseConcat", "6j9c-grc6-5m6g", [[TRIPLE[0]] * 2, [F(1)] * 2, [L(2, HUGE)] * 2], {"concat_dim": 1})
advisory("SparseSplit", "mqh2-9wrp-vx84", [np.array(0, i64), np.array([[9, 9]], i64), F(1), L(2, 2)], {"num_split": 2})
advisory("SparseFillEmptyRows", "r6pg-pjwc-j585", [np.zeros((1, 2), i64), F(1), L(), S(0)])
advisory("SparseFillEmptyRows", "rg3m-hqc5-344v", [np.zeros((1, 2), i64), F(3), L(2, 2), S(0)])
advisory("SparseFillEmptyRows", "v768-w7m9-2vmm", [np.zeros(0, i64), F(0), L(2, 2), S(0)])
for name in ("SparseDenseCwiseMul", "SparseDenseCwiseAdd", "SparseDenseCwiseDiv"):
    advisory(name, "wp3c-xw9g-gpcg", [np.array([[9, 9]], i64), F(1), L(2, 2), F(2, 2)])
    advisory(name, "rrx2-r989-2c43", [np.zeros((1, 2), i64), F(1), L(HUGE, HUGE), F(1)])
advisory("SparseDenseCwiseDiv", "hp4c-x6r7-6555", [np.zeros((1, 2), i64), ints(4), L(2, 2), I(2, 2)])
for id, operand in (("cjc7-49v2-jp64", [np.zeros((0, 2), i64), F(3), L(2, 2)]), ("gv26-jpj9-c8gq", [np.zeros((1, 3), i64), F(1), L(2, 2, 2)]), ("cjc7-49v2-jp64", [np.zeros((1, 2), i64), F(1), L()])):
    advisory("SparseAdd", id, [*TRIPLE, *operand, S(0)])
for id, rows, shape, to in (("9rpc-5v9q-5r7f", [[0, 0]], [2], [2]), ("95xm-g58g-3p88", [[0, 0]], [2, 2], [0, -1]), ("xvjm-fvxx-q3hv", [[0, 0]], [HUGE, HUGE], [-1]), ("9rpc-5v9q-5r7f", [0], [2], [2])):
    advisory("SparseReshape", id, [np.array(rows, i64), L(*shape), L(*to)])
advisory("SparseReduceSum", "cgfm-62j4-v4rf", [np.array([[7, 7]], i64), F(1), L(2, 2), ints(0)])
advisory("SparseReduceSum", "cgfm-62j4-v4rf", [np.zeros((1, 2), i64), F(1), L(), ints(0)])
advisory("SparseReduceMax", "cgfm-62j4-v4rf", [np.array([[-1, 0]], i64), F(1), L(2, 2), ints(1)])
advisory("SparseTensorDenseAdd", "2022-29206", [L(0), F(1), L(2), F(2)])
advisory("SparseTensorDenseAdd", "2022-29206", [np.zeros((1, 3), i64), F(1), L(2, 2), F(2, 2)])
for id, a, b in (("75f6-78jr-4656", L(), L(1, 1)), ("2022-29208", L(1, 1), L(1, 1)), ("2023-25662", L(HUGE, HUGE), L(HUGE, HUGE))):
    advisory("EditDistance", id, [np.array([[5, 0]], i64), text("a"), a, np.array([[0, 0]], i64), text("b"), b])
CROSS = {"hashed_output": False, "num_buckets": 0, "hash_key": 1, "out_type": object, "internal_type": object}
advisory("SparseCross", "772j-h9xw-ffp5", [[], [], [], [np.array([[1]], i64)]], {**CROSS, "sparse_types": []})
advisory("SparseCrossV2", "2022-35997", [[TRIPLE[0]], [text("a")], [L(2, 2)], [], text("x", "y")], {"dense_types": []})
for shape, count in ((L(-1, 2), 1), (L(2, 2), 2)):
    advisory("SparseTensorDenseMatMul", "4f99-p9c2-3j8x", [np.zeros((1, 2), i64), F(count), shape, F(2, 2)])

advisory("MatrixTriangularSolve", "vqw6-72r7-fgw7", [F(2, 3), F(2, 1)])
advisory("MatrixTriangularSolve", "vqw6-72r7-fgw7", [F(1), F(1)])
for shape in ((0, 3), (0,)):
    advisory("Reverse", "fxqh-cfjm-fp93", [F(*shape), np.array([True] * 3)])
advisory("UnicodeEncode", "59q2-x2qc-4c97", [ints(97), L(0, 5)], {"output_encoding": "UTF-8"})
advisory("UnicodeEncode", "w74j-v8xh-3w5h", [ints(97), L()], {"output_encoding": "UTF-8"})
ROWS = {"row_partition_types": ["FIRST_DIM_SIZE", "VALUE_ROWIDS"]}
advisory("RaggedTensorToTensor", "8gv3-57p6-g35r", [L(-1, -1), F(3), S(0), [np.array(2, i64), L(0)]], ROWS)
advisory("RaggedTensorToTensor", "rgvq-pcvf-hx75", [L(-1, -1), F(0), S(0), [L()]], {"row_partition_types": ["ROW_SPLITS"]})
advisory("RaggedTensorToTensor", "rgvq-pcvf-hx75", [L(), F(2), S(0), [L(0, 2)]], {"row_partition_types": ["ROW_SPLITS"]})
for splits in ([], [0, 3, 1, 2], [0, -1, 2]):
    advisory("RaggedTensorToSparse", "4xfp-4pfp-89wg", [[L(*splits)], F(2)])
for splits in ([], [0], [0, 9]):
    advisory("RaggedGather", "9c8h-vvrj-w2p8", [[L(*splits)], F(2), ints(0)], {"OUTPUT_RAGGED_RANK": 1})
for start, limit, step in ((0, 2**62, 1), (-(2**62), 2**62, 1), (0, 2**63 - 1, 1)):
    advisory("RaggedRange", "2022-35940", [L(start), L(limit), L(step)])
advisory("RaggedRange", "2022-35940", [np.array([0], f32), np.array([1e30], f32), np.array([1e-30], f32)])
advisory("Range", "qx3f-p745-w4hr", [np.array(x, i64) for x in (-(2**62) * 2, 2**63 - 1, 1)])
advisory("Range", "xrqm-fpgr-6hhx", [np.array(x, f32) for x in (0, 1e38, 1e-38)])
advisory("Range", "2022-36015", [np.array(x, f64) for x in (0, 1e300, 1)])

advisory("IRFFT", "36vm-xw34-x4pj", [np.ones((2, 3), c64), ints(2**31 - 1)])
advisory("RFFT", "ph87-fvjr-v33w", [F(0, 4), ints(4)])
advisory("RFFT", "2022-29213", [F(2, 4), ints()])
advisory("RFFT", "2022-29213", [F(2, 4), np.zeros((1, 1), i32)])
advisory("ReverseSequence", "6qgm-fv6v-rfpv", [F(2, 2), L(1, 1)], {"seq_dim": -1})
advisory("ReverseSequence", "6gmv-pjp9-p8w8", [F(2, 2), L(1, 1)], {"seq_dim": 1, "batch_dim": -9})
for name in ("SpaceToDepth", "DepthToSpace"):
    for block in (0, 1, -2):
        advisory(name, "j7rm-8ww4-xx2g", [F(1, 2, 2, 4)], {"block_size": block})
advisory("BatchToSpaceND", "cfx7-2xpc-8w4h", [F(4, 2, 2, 1), ints(0, 0), I(2, 2)])
advisory("SpaceToBatchND", "2022-29203", [F(1, 2, 2, 1), ints(2**30, 2**30), I(2, 2)])
advisory("SplitV", "cpf4-wx82-gxp6", [F(4), ints(-3, 7), N(0)], {"num_split": 2})
advisory("DecodePaddedRaw", "8pmx-p244-g88h", [text("abc"), N(3)], {"out_type": np.uint16})
for position, count in ((ints(0), ints(1, 2)), (I(1, 1, 1), I(1, 1, 1)), (ints(0, 0, 0), ints(1, 1, 1))):
    advisory("Substr", "mmq6-q8r3-48fm", [text("ab", "c"), position, count])
advisory("ConjugateTranspose", "xqfj-cr6q-pc8w", [np.ones((2, 3), c64), ints(0)])
for name in ("LowerBound", "UpperBound"):
    advisory(name, "9697-98pf-4rw7", [F(3), F(3)])
    advisory(name, "2022-35965", [F(0), F(0)])
    advisory(name, "2023-33976", [F(1, 2, 3), F(1, 2, 3)])
advisory("UnravelIndex", "2wmv-37vq-52g5", [ints(1), ints(0, 3)])
advisory("UnravelIndex", "34f9-hjfq-rr8j", [L(1), L(2**32, 2**32)])
advisory("Tile", "2p25-55c9-h58q", [F(2, 2), L(HUGE, HUGE)])
advisory("Reshape", "2022-35934", [F(2), L(2**33, 2**33)])
advisory("Fill", "prcg-wp5q-rv7p", [L(2**33, 2**33), S(0)])
advisory("Einsum", "j86v-p27c-73fm", [[F(2, 2)]], {"equation": "...i->..."})
advisory("ConcatV2", "m4hf-j54p-p353", [[F(2), F(2)], np.array(2**32, i64)])
advisory("Transpose", "3ff2-r28g-w7h9", [F(2, 3), ints(-1, 0)])
advisory("GatherNd", "2022-35937", [F(2), np.array([[0, 0, 0]], i32)])
advisory("ScatterNd", "2022-35939", [np.array([[9]], i32), F(1), ints(3)])
advisory("HistogramFixedWidth", "2022-29211", [np.array([np.nan], f32), np.array([0, 1], f32), N(3)])
advisory("DynamicStitch", "2023-25659", [[ints(0, 1)], [F(5)]])
advisory("BroadcastGradientArgs", "2022-41890", [ints(2, 3), ints(4, 5)])
advisory("Mfcc", "2022-41896", [F(1, 1, 5), N(16000)], {"filterbank_channel_count": 2**31 - 1})
advisory("AudioSpectrogram", "2023-25666", [F(8, 1)], {"window_size": 0, "stride": 1})
advisory("AudioSpectrogram", "2023-25666", [F(8, 1)], {"window_size": 4, "stride": -1})
advisory("StringFormat", "2023-25660", [[ints(1, 2)]], {"template": "{}", "placeholder": "{}", "summarize": 0})
advisory("Switch", "TFSA-2020-026", lambda feed: [raw.Switch(data=feed(F(1)), pred=feed(np.array(False))).output_true])


def list_of(feed, count=3):
    return raw.TensorListReserve(element_shape=feed(ints(2)), num_elements=feed(N(count)), element_dtype=tf.float32)


def length(handle):
    return [raw.TensorListLength(input_handle=handle)]


advisory("TensorListReserve", "27j5-4p9v-pp67", lambda feed: length(list_of(feed, -1)))
advisory("TensorListReserve", "2022-35960", lambda feed: length(raw.TensorListReserve(element_shape=feed(ints(2)), num_elements=feed(I(0)), element_dtype=tf.float32)))
advisory("EmptyTensorList", "2022-35998", lambda feed: length(raw.EmptyTensorList(element_shape=feed(ints(2)), max_num_elements=feed(I(0)), element_dtype=tf.float32)))
advisory("TensorListResize", "2022-41893", lambda feed: length(raw.TensorListResize(input_handle=list_of(feed), size=feed(ints(1, 2)))))
advisory("TensorListFromTensor", "2022-35992", lambda feed: length(raw.TensorListFromTensor(tensor=feed(F(2, 2)), element_shape=feed(np.zeros((2, 2), i32)))))
advisory("TensorListScatter", "2022-35991", lambda feed: length(raw.TensorListScatter(tensor=feed(F(2, 2)), indices=feed(ints(0, 1)), element_shape=feed(np.zeros((2, 2), i32)))))
advisory("TensorListSplit", "2023-25673", lambda feed: length(raw.TensorListSplit(tensor=feed(F(2, 2)), element_shape=feed(N(2)), lengths=feed(L(1, 1)))))


def gather(feed, shape, index, batch):
    handle = raw.VarHandleOp(dtype=tf.float32, shape=None, shared_name="v")
    assign = raw.AssignVariableOp(resource=handle, value=feed(F(*shape)))
    return [[assign], [raw.ResourceGather(resource=handle, indices=feed(np.array(index, i32)), dtype=tf.float32, batch_dims=batch)]]


advisory("ResourceGather", "qjj8-32p7-h289", lambda feed: gather(feed, (0, 2), np.zeros((0, 1)), 1))
advisory("ResourceGather", "2r8p-fg3c-wcj4", lambda feed: gather(feed, (2, 2), [[0]], 5))

# Ragged inputs come from other operators.
for axis in (-2, 7):
    advisory("QuantizeV2", "cvgx-3v3q-m36c", [F(2, 3), F(1), F(1)], {"T": tf.quint8, "axis": axis})
for splits, values in ((L(), F(0)), (L(0, 5), F(2)), (L(1, 2), F(2)), (L(0, 2, 1), F(2))):
    advisory("RaggedTensorToVariant", "84mw-34w6-2q43", lambda feed, splits=splits, values=values: list(raw.RaggedTensorFromVariant(
        encoded_ragged=raw.RaggedTensorToVariant(rt_nested_splits=[feed(splits)], rt_dense_values=feed(values), batched_input=True),
        input_ragged_rank=0, output_ragged_rank=1, Tvalues=tf.float32).output_nested_splits))
advisory("RaggedTensorToTensor", "hwr7-8gxx-fj5p", [L(2), F(2), S(0), []], {"row_partition_types": [], "Tindex": i64})
advisory("DrawBoundingBoxes", "393f-2jr3-cp69", [F(2, 0, 2, 3), F(2, 1, 4)])
advisory("DrawBoundingBoxes", "whr9-vfh2-7hm6", [F(2, 3, 3, 3), F(2, 1, 3)])
advisory("DrawBoundingBoxes", "2022-36001", [F(1, 3, 3, 3), F(1, 1, 4) * 1e30])
for shape in (L(), L(0), L(-1), np.array(1, i32), L(2**40, 2**40)):
    advisory("ParameterizedTruncatedNormal", "4p4p-www8-8fv9", [shape, F(1), F(1), F(1), F(1)], {"seed": 1})
    advisory("RandomGamma", "2022-36004", [shape, F(1)], {"seed": 1})
    advisory("RandomPoissonV2", "2022-36003", [shape, F(1)], {"seed": 1, "dtype": i64})
for block in (0, 1, -1, 2**31 - 1):
    advisory("DepthToSpace", "vf94-36g5-69v8", [F(1, 2, 2, 4)], {"block_size": block})
    advisory("SpaceToDepth", "vf94-36g5-69v8", [F(1, 2, 2, 4)], {"block_size": block})
    advisory("SpaceToBatchND", "v52p-hfjf-wg88", [F(1, 2, 2, 1), ints(block, 1), np.zeros((2, 2), i32)])
for count in (0, -1, 3):
    advisory("Split", "97wf-p777-86jq", [N(0), F(4)], {"num_split": count})
for shape, updates in ((ints(0, 1), F(1, 2)), (ints(5), F(1, 2))):
    for name in ("InplaceAdd", "InplaceUpdate"):
        advisory(name, "cm5x-837x-jf3c", [F(3, 2), shape, updates])
        advisory(name, "cm5x-837x-jf3c", [F(0, 2), ints(), F(0, 2)])
advisory("ParallelConcat", "7v94-64hj-m82h", [[F(0, 2)]], {"shape": [0, 2]})
advisory("DeserializeSparse", "x3v8-c8qx-3j3r", [np.array(b"", object)], {"dtype": f32})
for ksize in (2**31 - 1, 0, -1, 2**40):
    advisory("AvgPool", "2022-35941", [F(1, 3, 3, 1)], {"ksize": [1, ksize, 1, 1], "strides": [1, 1, 1, 1], "padding": "VALID"})
    advisory("MaxPool", "q7f7-544h-67h9", [F(1, 3, 3, 1)], {"ksize": [1, 2, 2, 1], "strides": [1, ksize, 1, 1], "padding": "SAME"})
for id, pads in (("2022-41895", [[2**31 - 1, 2**31 - 1]]), ("2022-41895", [[-1, 0]]), ("2022-41895", [[4, 4]])):
    advisory("MirrorPad", id, [F(4), np.array(pads, i32)], {"mode": "SYMMETRIC"})
for second in ([np.zeros((0, 2), i64), F(0), L(2, 2)], [np.zeros((1, 1), i64), F(1), L(2)], [np.zeros((1, 2), i64), F(2), L(2, 2)]):
    advisory("SparseSparseMaximum", "2023-25665", [np.zeros((1, 2), i64), F(1), L(2, 2), *second])
for indices, sizes in ((np.array([[5, 0]], i64), L(2, 2)), (np.array([[0, 5]], i64), L(2, 2)), (np.array([[0, 0, 5]], i64), L(2, 2, 2))):
    advisory("SparseTensorToCSRSparseMatrix", "hmg3-c7xj-6qwm", lambda feed, indices=indices, sizes=sizes: [raw.CSRSparseMatrixToDense(
        sparse_input=raw.SparseTensorToCSRSparseMatrix(indices=indices, values=feed(F(1)), dense_shape=tf.ensure_shape(feed(sizes), sizes.shape)), type=tf.float32)])
for data in (b"GIF89a\xff\xff\xff\xff\x00\x00\x00", b"GIF89a", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x02\x00\x00\x00", b"BM" + b"\xff" * 60, b"\xff\xd8\xff\xe0"):
    for name in ("DecodeGif", "DecodePng", "DecodeBmp", "DecodeImage"):
        advisory(name, "2023-25667", [np.array(data, object)])
