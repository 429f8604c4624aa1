"""Fake quantization, and quantized values."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, dtypes, f32, i32, op, specials, values

raw = tf.raw_ops
X = np.array([-2, -1.01, -1, -0.5, -0.003, 0, 0.003, 0.1, 0.5, 1, 1.01, 7, 250, 300], f32)


@op("FakeQuantWithMinMaxArgs", family="quantization", tolerance="eps 2")
def fake_args(name, rng):
    for bits in (2, 4, 8, 16):
        for narrow in (False, True):
            for low, high in ((-6, 6), (0, 1), (-1, 0), (0.5, 1.5), (-0.1, 3)):
                yield Call([X], {"min": float(low), "max": float(high), "num_bits": bits, "narrow_range": narrow})
    yield Call([values(rng, f32, (2, 0))])
    yield Bad([X], attrs={"min": 1.0, "max": -1.0})
    yield Bad([X], attrs={"num_bits": 1})


@op("FakeQuantWithMinMaxVars", family="quantization", tolerance="eps 2")
def fake_vars(name, rng):
    for bits in (2, 8, 16):
        for narrow in (False, True):
            for low, high in ((-6, 6), (0, 1), (-1, 0), (0.5, 1.5), (-0.1, 3), (0, 0)):
                yield Call([X, np.float32(low), np.float32(high)], {"num_bits": bits, "narrow_range": narrow})
    yield Bad([X, np.zeros(1, f32), np.float32(1)])


@op("FakeQuantWithMinMaxVarsPerChannel", family="quantization", tolerance="eps 2")
def fake_channels(name, rng):
    for narrow in (False, True):
        for shape in ((3,), (4, 3), (2, 2, 3), (1, 2, 2, 3)):
            yield Call([values(rng, f32, shape, -8, 8), np.array([-6, 0, -1], f32), np.array([6, 1, 0.5], f32)], {"narrow_range": narrow})
    yield Bad([values(rng, f32, (4, 3)), np.zeros(2, f32), np.ones(3, f32)])


@op("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4", family="quantization", tolerance="eps 2")
def round_trip(name, rng):
    bits = [np.array(8, i32)] if name.endswith("V3") else []
    for dtype in dtypes(name):
        for signed in (True, False):
            for given in (True, False):
                for narrow in (False, True):
                    attrs = {"signed_input": signed, "range_given": given, "narrow_range": narrow}
                    low = -3 if signed else 0
                    yield Call([values(rng, dtype, (11,), low, 5), np.array(low).astype(dtype), np.array(4).astype(dtype), *bits], attrs)
    if not bits:
        for mode in ("HALF_TO_EVEN", "HALF_UP"):
            yield Call([X, np.float32(-1), np.float32(1)], {"round_mode": mode, "range_given": True, "num_bits": 4})
    if name.endswith("V2"):
        yield Call([values(rng, f32, (2, 3)), np.array([-1, -2, -3], f32), np.array([1, 2, 3], f32)], {"axis": 1, "range_given": True})
    yield Bad([X, np.float32(1), np.float32(-1), *bits], attrs={"range_given": True})
    yield Bad([values(rng, f32, (2, 3)), np.zeros(2, f32), np.ones(2, f32), *bits], attrs={"axis": 1, "range_given": True})


QTYPES = (tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32)


@op("QuantizeV2", family="quantization")
def quantize(name, rng):
    """Quantized outputs are fetched as the integers they hold."""
    plain = {tf.qint8: tf.int8, tf.quint8: tf.uint8, tf.qint16: tf.int16, tf.quint16: tf.uint16, tf.qint32: tf.int32}
    for dtype in QTYPES:
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in ((-1, 1), (0, 6), (-3, 5)):
                def build(feed, dtype=dtype, mode=mode, low=low, high=high):
                    y = raw.QuantizeV2(input=feed(X), min_range=feed(np.float32(low)), max_range=feed(np.float32(high)), T=dtype, mode=mode, round_mode="HALF_TO_EVEN" if mode == "SCALED" else "HALF_AWAY_FROM_ZERO")
                    return [raw.Bitcast(input=y.output, type=plain[dtype]), y.output_min, y.output_max]

                yield Scene(build, tolerance="eps 2")

    def wrong(feed):
        return [raw.QuantizeV2(input=feed(X), min_range=feed(np.float32(1)), max_range=feed(np.float32(-1)), T=tf.quint8).output_min]

    yield Scene(wrong, fails=True)


@op("Dequantize", family="quantization", tolerance="eps 2")
def dequantize(name, rng):
    plain = {tf.qint8: np.int8, tf.quint8: np.uint8, tf.qint16: np.int16, tf.quint16: np.uint16, tf.qint32: i32}
    for dtype in QTYPES:
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in ((-1, 1), (0, 6)):
                def build(feed, dtype=dtype, mode=mode, low=low, high=high):
                    q = raw.Bitcast(input=feed(specials(plain[dtype])), type=dtype)
                    return [raw.Dequantize(input=q, min_range=feed(np.float32(low)), max_range=feed(np.float32(high)), mode=mode)]

                yield Scene(build)
