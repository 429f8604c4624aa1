"""Calls from security advisories, of quantised operators, pools, decoders, cells and what keeps tensors."""

import numpy as np
import tensorflow as tf
from calls import advisory, c64, f32, f64, i32, i64, u8
from ops.advisories import CONV2, F, HUGE, I, L, N, S, list_of, raw
from ops.array_shapes import ints
from ops.text import one, text

LOW, HIGH = S(-1), S(1)


def quantized(array, low=LOW, high=HIGH, dtype=tf.quint8):
    """Makes `array` a quantised tensor, which can't be fed from NumPy."""
    return lambda feed: (raw.Bitcast(input=feed(np.asarray(array, u8 if dtype == tf.quint8 else np.int8 if dtype == tf.qint8 else i32)), type=dtype), feed(low), feed(high))


def scene(name, case, build):
    advisory(name, case, lambda feed: list(build(feed)))


Q = np.ones((2, 2), u8)
IMAGE = np.ones((1, 4, 4, 2), u8)
for case, value, low in (("m3f9-w3p3-p669", Q, F(0)), ("m3f9-w3p3-p669", Q, F(2)), ("6f84-42vf-ppwp", np.zeros((0, 2), u8), LOW), ("2022-35967", Q, F(0)), ("2022-35967", Q, F(1))):
    for name in ("QuantizedMul", "QuantizedAdd"):
        def binary(feed, name=name, value=value, low=low):
            x, a, b = quantized(value, low)(feed)
            y, c, d = quantized(Q[:1])(feed)
            return getattr(raw, name)(x=x, y=y, min_x=a, max_x=b, min_y=c, max_y=d, Toutput=tf.qint32)

        scene(name, case, binary)
for case, low in (("2gfx-95x2-5v3x", F(0)), ("2gfx-95x2-5v3x", F(3))):
    def reshape(feed, low=low):
        x, a, b = quantized(Q, low)(feed)
        return raw.QuantizedReshape(tensor=x, shape=feed(ints(4)), input_min=a, input_max=b)

    scene("QuantizedReshape", case, reshape)
for case, low, size in (("8c89-2vwr-chcq", F(0), (3, 3)), ("8c89-2vwr-chcq", F(2), (3, 3)), ("jfp7-4j67-8r3q", LOW, (2**31 - 1, 2**31 - 1)), ("jfp7-4j67-8r3q", LOW, (-1, 3)), ("jfp7-4j67-8r3q", LOW, (0, 3)), ("jfp7-4j67-8r3q", LOW, (7, 5))):
    def resize(feed, low=low, size=size):
        x, a, b = quantized(IMAGE, low)(feed)
        return raw.QuantizedResizeBilinear(images=x, size=feed(ints(*size)), min=a, max=b, half_pixel_centers=size == (7, 5))

    scene("QuantizedResizeBilinear", case, resize)
for case, shape, bias, low in (("m34j-p8rj-wjxq", (2, 2), 0, LOW), ("m34j-p8rj-wjxq", (2, 0), 0, LOW), ("2022-35972", (2, 2), 2, F(0)), ("2022-35972", (2, 2), 2, F(2)), ("2022-35972", (2, 2), 3, LOW)):
    def bias_add(feed, shape=shape, bias=bias, low=low):
        x, a, b = quantized(np.ones(shape, u8), low)(feed)
        y, c, d = quantized(np.ones(bias, u8))(feed)
        return raw.QuantizedBiasAdd(input=x, bias=y, min_input=a, max_input=b, min_bias=c, max_bias=d, out_type=tf.qint32)

    scene("QuantizedBiasAdd", case, bias_add)
for case, depth, low, other in (("4fg4-p75j-w5xj", 2, F(0), LOW), ("4fg4-p75j-w5xj", 2, LOW, F(0)), ("x83m-p7pv-ch8v", 0, LOW, LOW), ("p45v-v4pw-77jr", 3, LOW, LOW)):
    def batch_norm(feed, depth=depth, low=low, other=other):
        t, a, b = quantized(IMAGE, low)(feed)
        rest = {}
        for part, short in (("m", "m"), ("v", "v"), ("beta", "beta"), ("gamma", "gamma")):
            rest[part], rest[f"{short}_min"], rest[f"{short}_max"] = quantized(np.ones(depth, u8), other)(feed)
        return raw.QuantizedBatchNormWithGlobalNormalization(t=t, t_min=a, t_max=b, out_type=tf.qint32, variance_epsilon=0.1, scale_after_normalization=True, **rest)

    scene("QuantizedBatchNormWithGlobalNormalization", case, batch_norm)
for case, filters, low in (("x4g7-fvjj-prg8", (2, 2, 2, 0), LOW), ("x4g7-fvjj-prg8", (0, 2, 2, 1), LOW), ("x4g7-fvjj-prg8", (2, 2, 0, 1), LOW), ("2022-29201", (2, 2, 2, 1), F(0)), ("2022-29201", (2, 2, 2, 1), F(2))):
    def conv(feed, filters=filters, low=low):
        x, a, b = quantized(IMAGE, low)(feed)
        w, c, d = quantized(np.ones(filters, u8))(feed)
        return raw.QuantizedConv2D(input=x, filter=w, min_input=a, max_input=b, min_filter=c, max_filter=d, strides=[1] * 4, padding="VALID")

    scene("QuantizedConv2D", case, conv)
for case, low, shape in (("2022-35973", F(0), (2, 2)), ("2022-35973", F(3), (2, 2)), ("2022-35973", LOW, (2,)), ("2022-35973", LOW, (3, 2))):
    def mat_mul(feed, low=low, shape=shape):
        x, a, b = quantized(Q)(feed)
        y, c, d = quantized(np.ones(shape, u8), low)(feed)
        return raw.QuantizedMatMul(a=x, b=y, min_a=a, max_a=b, min_b=c, max_b=d)

    scene("QuantizedMatMul", case, mat_mul)
for case, low, high in (("2022-35979", F(0), HIGH), ("2022-35979", LOW, F(2)), ("2022-35979", F(1), HIGH)):
    for name in ("QuantizedRelu", "QuantizedRelu6", "QuantizedReluX"):
        def relu(feed, name=name, low=low, high=high):
            x, a, b = quantized(Q, low, high)(feed)
            rest = {"max_value": feed(S(1))} if name == "QuantizedReluX" else {}
            return getattr(raw, name)(features=x, min_features=a, max_features=b, **rest)

        scene(name, case, relu)
for case, low, high in (("2022-35974", F(0), HIGH), ("2022-35974", LOW, F(0)), ("2022-35974", F(2), F(2))):
    def shrink(feed, low=low, high=high):
        x, a, b = quantized(Q, low, high, tf.qint32)(feed)
        return raw.QuantizeDownAndShrinkRange(input=x, input_min=a, input_max=b, out_type=tf.quint8)

    scene("QuantizeDownAndShrinkRange", case, shrink)
for case, low, asked in (("v82p-hv3v-p6qp", F(0), LOW), ("2022-36017", F(2), LOW), ("2022-36017", LOW, F(0)), ("2022-36017", LOW, F(2))):
    def requantize(feed, low=low, asked=asked):
        x, a, b = quantized(Q, low, HIGH, tf.qint32)(feed)
        return raw.Requantize(input=x, input_min=a, input_max=b, requested_output_min=feed(asked), requested_output_max=feed(HIGH), out_type=tf.quint8)

    scene("Requantize", case, requantize)
for name, case in (("QuantizedMaxPool", "3mw4-6rj6-74g5"), ("QuantizedAvgPool", "2022-35966")):
    for low, ksize in ((F(0), [1, 2, 2, 1]), (F(2), [1, 2, 2, 1]), (LOW, [1, 9, 9, 1]), (LOW, [1, 0, 2, 1]), (LOW, [1, 2**31 - 1, 2, 1])):
        def pool(feed, name=name, low=low, ksize=ksize):
            x, a, b = quantized(IMAGE, low)(feed)
            return getattr(raw, name)(input=x, min_input=a, max_input=b, ksize=ksize, strides=[1] * 4, padding="VALID")

        scene(name, case, pool)
for low, high in ((F(0), HIGH), (F(2), HIGH), (LOW, F(2)), (LOW, LOW)):
    def instance_norm(feed, low=low, high=high):
        x, a, b = quantized(IMAGE, low, high)(feed)
        return raw.QuantizedInstanceNorm(x=x, x_min=a, x_max=b)

    scene("QuantizedInstanceNorm", "2022-35970", instance_norm)
for case, low, high, axis in (("c45w-2wxr-pp53", F(1), F(2), 1), ("c45w-2wxr-pp53", F(2), F(1), -1), ("qfpc-5pjr-mh26", F(2), F(2), 1), ("23hm-7w47-xw72", F(4), F(4), 0), ("c45w-2wxr-pp53", F(0), F(0), -1), ("c45w-2wxr-pp53", F(3), F(3), 0)):
    def dequantize(feed, low=low, high=high, axis=axis):
        x, a, b = quantized(Q, low, high)(lambda value: feed(value) if np.ndim(value) < 2 else tf.constant(value))
        return [raw.Dequantize(input=x, min_range=a, max_range=b, axis=axis)]

    scene("Dequantize", case, dequantize)
for axis in (9, -2, 2**31 - 1):
    advisory("QuantizeAndDequantizeV2", "49rx-x2rw-pc6f", [F(2, 3), F(3), F(3)], {"axis": axis})
    advisory("QuantizeAndDequantizeV3", "49rx-x2rw-pc6f", [F(2, 3), F(3), F(3), N(8)], {"axis": axis})

RATIO = {"seed": 1, "seed2": 2, "deterministic": True}
for name in ("FractionalAvgPool", "FractionalMaxPool"):
    for case, ratio, shape in (("f78g-q7r4-9wcv", [1, 9, 9, 1], (1, 4, 4, 1)), ("87v6-crgm-2gfj", [1, 4.5, 1, 1], (1, 4, 4, 1)), ("2022-41900", [1, 0.5, 1, 1], (1, 4, 4, 1)), ("2022-41900", [1, 1.5, 1.5], (1, 4, 4, 1)), ("2022-41900", [1, np.nan, 1.5, 1], (1, 4, 4, 1)), ("2022-41900", [1, -2, 1.5, 1], (1, 4, 4, 1)), ("2023-25801", [1, 1.5, 1.5, 1.5], (1, 4, 4, 4)), ("2023-25801", [2, 1.5, 1.5, 1], (2, 4, 4, 1)), ("f78g-q7r4-9wcv", [1, 1.5, 1.5, 1], (1, 0, 4, 1)), ("f78g-q7r4-9wcv", [1, np.inf, 1, 1], (1, 4, 4, 1))):
        advisory(name, case, [F(*shape)], {"pooling_ratio": ratio, **RATIO})
for stride in (0, -1):
    for name in ("MaxPool", "AvgPool"):
        advisory(name, "26j7-6w8w-7922", [F(1, 4, 4, 1)], {"ksize": [1, 2, 2, 1], "strides": [1, stride, 1, 1], "padding": "VALID"})
    advisory("Conv2D", "v3f7-j968-4h5f", [F(1, 4, 4, 1), F(2, 2, 1, 1)], {"strides": [1, stride, 1, 1], "padding": "SAME"})
    advisory("DepthwiseConv2dNative", "v3f7-j968-4h5f", [F(1, 4, 4, 1), F(2, 2, 1, 1)], {"strides": [1, stride, stride, 1], "padding": "SAME"})
for filters in ((0, 0, 1, 1), (2, 2, 0, 0), (2, 0, 1, 1)):
    advisory("Conv2D", "9c8h-2mv3-49ww", [F(1, 4, 4, 1), F(*filters)], CONV2)
    advisory("DepthwiseConv2dNative", "9c8h-2mv3-49ww", [F(1, 4, 4, 1), F(*filters)], CONV2)
for size, pads in (((2**31 - 1, 2**31 - 1), [[0, 0]] * 4), ((0, 4), [[0, 0]] * 4), ((-1, 4), [[0, 0]] * 4), ((4, 4), [[0, 0], [2**31 - 1] * 2, [0, 0], [0, 0]]), ((4, 4), [[0, 0]] * 3), ((4, 4), [[1, 0], [0, 0], [0, 0], [0, 0]])):
    advisory("FusedResizeAndPadConv2D", "2022-41885", [F(1, 3, 3, 1), ints(*size), np.array(pads, i32), F(2, 2, 1, 1)], {"mode": "REFLECT", "strides": [1] * 4, "padding": "VALID"})

for lengths in ((9, 1), (-1, 1), (1,), (2**31 - 1, 1)):
    advisory("CTCGreedyDecoder", "fphq-gw9m-ghrv", [F(3, 2, 4), ints(*lengths)])
for shape, lengths in (((0, 2, 4), (0, 0)), ((3, 0, 4), ()), ((3, 2, 0), (1, 1)), ((3, 2, 4), (9, 1)), ((3, 2, 4), (1,))):
    advisory("CTCBeamSearchDecoder", "vq2r-5xvm-3hc3", [F(*shape), ints(*lengths)], {"beam_width": 2, "top_paths": 1})
for places in ([[5, 0]], [[-1, 0]], [[0, 2**62]], [[0, -5]], [[2**62, 0]]):
    advisory("CTCLoss", "vvg4-vgrv-xfr7", [F(3, 2, 4), np.array(places, i64), ints(1), ints(3, 3)])
advisory("CTCLoss", "vvg4-vgrv-xfr7", [F(3, 2, 4), np.zeros((0, 2), i64), I(0), ints(3, 3)])
advisory("SparseMatMul", "xw93-v57j-fcgh", [F(0, 2), F(2, 0)])
advisory("SparseMatMul", "xw93-v57j-fcgh", [F(2, 0), F(0, 3)])
for bands, right in (((0, 3), (3, 1)), ((1, 0), (0, 1)), ((2, 3), (2, 1)), ((0, 0), (0, 0)), ((4, 3), (3, 1)), ((3,), (3, 1))):
    advisory("BandedTriangularSolve", "2xgj-xhgf-ggjv", [F(*bands), F(*right)])
for x, y in (((2,), (3,)), ((0,), (2,)), ((1,), (3,)), ((2, 2), (4,))):
    for name in ("SigmoidGrad", "TanhGrad", "SqrtGrad", "RsqrtGrad", "InvGrad", "ReciprocalGrad"):
        advisory(name, "q3g3-h9r4-prrc", [F(*x), F(*y)])
    for name in ("ReluGrad", "Relu6Grad", "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad", "LeakyReluGrad"):
        advisory(name, "q3g3-h9r4-prrc", [F(*x), F(*y)])


def cell(batch=2, inputs=3, units=4, **other):
    parts = dict(x=(batch, inputs), cs_prev=(batch, units), h_prev=(batch, units), w=(inputs + units, 4 * units), wci=(units,), wcf=(units,), wco=(units,), b=(4 * units,))
    return [F(*other.get(name, shape)) for name, shape in parts.items()]


for other in (dict(x=()), dict(cs_prev=(4,)), dict(w=(7,)), dict(b=()), dict(wci=(3,)), dict(h_prev=(2, 0)), dict(w=(0, 0)), dict(wcf=()), dict(cs_prev=(2, 5))):
    advisory("LSTMBlockCell", "2022-29200", cell(**other), tolerance="eps 32")
    block = cell(**other)
    advisory("BlockLSTMV2", "2022-35964", [np.array(2, i64), F(3, *block[0].shape), *block[1:]])
advisory("BlockLSTMV2", "2022-35964", [np.zeros(0, i64), F(3, 2, 3), *cell()[1:]])
advisory("BlockLSTMV2", "2022-35964", [np.array(9, i64), F(3, 2, 3), *cell()[1:]])
GRU = ((2, 3), (2, 4), (7, 8), (7, 4), (8,), (4,))
for place, shape in ((0, (2,)), (1, (2,)), (2, ()), (2, (7, 0)), (3, (7,)), (4, ()), (5, (3,)), (3, (6, 4)), (1, (3, 4)), (2, (7, 7))):
    advisory("GRUBlockCell", "2023-25658", [F(*(shape if i == place else usual)) for i, usual in enumerate(GRU)])

for case, places, count in (("TFSA-2020-021", [9], 2), ("TFSA-2020-021", [-1], 2), ("2022-41898", [], 0), ("2022-41898", [0], 0)):
    advisory("SparseFillEmptyRowsGrad", case, [np.array(places, i64), F(count)])
advisory("SparseFillEmptyRowsGrad", "TFSA-2020-022", [L(0), F(2, 2)])
advisory("SparseFillEmptyRowsGrad", "TFSA-2020-022", [L(0), F()])
for pads in ([[2**31 - 1, 2**31 - 1]], [[-1, 0]], [[4, 4]], [[2**31 - 1, 0]], [[0, 0, 0]]):
    advisory("MirrorPadGrad", "2022-41895", [F(4), np.array(pads, i32)], {"mode": "SYMMETRIC"})
advisory("MirrorPadGrad", "2022-41895", [F(4), np.array([[HUGE, HUGE]], i64)], {"mode": "REFLECT"})
for shape in ((0,), (2,), (1,)):
    handles = np.full(shape, b"h", object)
    advisory("GetSessionTensor", "2022-29191", lambda feed, handles=handles: [raw.GetSessionTensor(handle=feed(handles), dtype=tf.float32)])
    advisory("DeleteSessionTensor", "2022-29194", lambda feed, handles=handles: [raw.DeleteSessionTensor(handle=feed(handles))])
advisory("GetSessionTensor", "TFSA-2020-012", lambda feed: [raw.GetSessionTensor(handle=feed(one("h")), dtype=tf.float32)])
for key in (L(), L(1, 2), np.zeros((0, 1), i64)):
    for indices in (ints(), ints(0)):
        case = "278g-rq84-9hmg" if not key.size else "gcvh-66ff-4mwm"
        for kind in ("", "Ordered"):
            advisory(f"{kind}MapStage", case, lambda feed, key=key, indices=indices, kind=kind: [getattr(raw, f"{kind}MapStage")(key=feed(key), indices=feed(indices), values=[feed(F(1))], dtypes=[tf.float32], shared_name="m")])
            advisory(f"{kind}MapPeek", "qr82-2c78-4m8h", lambda feed, key=key, indices=indices, kind=kind: list(getattr(raw, f"{kind}MapPeek")(key=feed(key), indices=feed(indices), dtypes=[tf.float32], shared_name="m")))
            advisory(f"{kind}MapUnstage", "qr82-2c78-4m8h", lambda feed, key=key, indices=indices, kind=kind: list(getattr(raw, f"{kind}MapUnstage")(key=feed(key), indices=feed(indices), dtypes=[tf.float32], shared_name="m")))
advisory("MapUnstageNoKey", "qr82-2c78-4m8h", lambda feed: list(raw.MapUnstageNoKey(indices=feed(ints()), dtypes=[tf.float32], shared_name="m").values))
for index in (ints(), ints(0), ints(0, 1)):
    advisory("StagePeek", "2022-29195", lambda feed, index=index: [[raw.Stage(values=[feed(F(1))], shared_name="s")], list(raw.StagePeek(index=feed(index), dtypes=[tf.float32], shared_name="s"))])
for made in (lambda feed: list_of(feed), lambda feed: raw.EmptyTensorMap(), lambda feed: raw.TensorListReserve(element_shape=feed(ints()), num_elements=feed(N(0)), element_dtype=tf.variant)):
    advisory("UncompressElement", "6gv8-p3vj-pxvr", lambda feed, made=made: list(raw.UncompressElement(compressed=made(feed), output_types=[tf.float32], output_shapes=[[]])))
    advisory("CompositeTensorVariantToComponents", "2022-41909", lambda feed, made=made: list(raw.CompositeTensorVariantToComponents(encoded=made(feed), metadata="", Tcomponents=[tf.float32])))
advisory("UncompressElement", "c9qf-r67m-p7cg", lambda feed: list(raw.UncompressElement(compressed=raw.CompressElement(components=[feed(F(0))]), output_types=[tf.float32], output_shapes=[[0]])))
