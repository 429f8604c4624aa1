"""Fourier transforms and the audio front end."""

import numpy as np
from calls import Bad, Call, c64, dtypes, f32, f64, i32, op, values
from ops.array_shapes import ints
from ops.text import one

C128 = np.complex128


@op("FFT", "IFFT", "FFT2D", "IFFT2D", "FFT3D", "IFFT3D", family="signal", tolerance="eps 32")
def fft(name, rng):
    rank = int(name[-2]) if name.endswith("D") else 1
    for dtype in dtypes(name, "Tcomplex"):
        for size in (1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 30, 31) if rank == 1 else (1, 2, 3, 4, 5):
            yield Call([values(rng, dtype, (2, *(size + i for i in range(rank))))])
        yield Call([values(rng, dtype, (3,) * rank)])
    yield Call([np.zeros((0, *(3,) * rank), c64)])
    yield Bad([np.complex64(1)])


@op("RFFT", family="signal", tolerance="eps 32")
def rfft(name, rng):
    for dtype, to in ((f32, c64), (f64, C128)):
        for size in (1, 2, 3, 4, 5, 8, 15, 16, 32, 31):
            yield Call([values(rng, dtype, (2, size)), ints(size)], {"Tcomplex": to})
        yield Call([values(rng, dtype, (2, 10)), ints(6)], {"Tcomplex": to})
    yield Bad([values(rng, f32, (2, 4)), ints(5)])
    yield Bad([values(rng, f32, (2, 4)), ints(4, 4)])
    yield Bad([values(rng, f32, (2, 4)), ints(-4)])
    yield Bad([np.float32(1), ints(1)])


@op("IRFFT", family="signal", tolerance="eps 32")
def irfft(name, rng):
    for dtype, to in ((c64, f32), (C128, f64)):
        for size in (2, 3, 4, 5, 8, 15, 16, 32, 31):
            yield Call([values(rng, dtype, (2, size // 2 + 1)), ints(size)], {"Treal": to})
        yield Call([values(rng, dtype, (2, 10)), ints(6)], {"Treal": to})
    yield Bad([values(rng, c64, (2, 3)), ints(8)])
    yield Bad([values(rng, c64, (2, 3)), ints(4, 4)])


@op("RFFT2D", "IRFFT2D", "RFFT3D", "IRFFT3D", family="signal", tolerance="eps 32")
def rfft_nd(name, rng):
    rank, back = int(name[-2]), name.startswith("I")
    for sizes in ((4, 6, 5)[:rank], (3, 5, 4)[:rank]):
        last = sizes[-1] // 2 + 1 if back else sizes[-1]
        yield Call([values(rng, c64 if back else f32, (2, *sizes[:-1], last)), np.array(sizes, i32)])


@op("AudioSpectrogram", family="signal", tolerance="eps 64")
def spectrogram(name, rng):
    for squared in (False, True):
        for window, stride in ((8, 4), (10, 3), (16, 16)):
            yield Call([values(rng, f32, (40, 2), -1, 1)], {"window_size": window, "stride": stride, "magnitude_squared": squared})
    yield Bad([values(rng, f32, (40,))], attrs={"window_size": 8, "stride": 4})
    yield Bad([values(rng, f32, (40, 1))], attrs={"window_size": 1, "stride": 4})
    yield Bad([values(rng, f32, (40, 1))], attrs={"window_size": 8, "stride": 0})


@op("Mfcc", family="signal", tolerance="close 1e-4 1e-3")
def mfcc(name, rng):
    for channels, coefficients in ((40, 13), (20, 10)):
        yield Call([values(rng, f32, (1, 3, 65), 0, 4), np.array(16000, i32)], {"filterbank_channel_count": channels, "dct_coefficient_count": coefficients})
    yield Bad([values(rng, f32, (3, 65)), np.array(16000, i32)])
    yield Bad([values(rng, f32, (1, 3, 65)), np.array(0, i32)])


@op("DecodeWav", "EncodeWav", family="signal")
def wav(name, rng):
    if name == "EncodeWav":
        for shape in ((5, 1), (4, 2)):
            yield Call([values(rng, f32, shape, -1, 1), np.array(8000, i32)])
        yield Call([np.array([[0], [1], [-1], [2], [-2], [0.5]], f32), np.array(8000, i32)])
        yield Bad([values(rng, f32, (5,)), np.array(8000, i32)])
        return
    import tensorflow as tf

    for shape in ((5, 1), (4, 2)):
        encoded = tf.audio.encode_wav(values(rng, f32, shape, -1, 1), 8000).numpy()
        yield Call([one(encoded)])
        yield Call([one(encoded)], {"desired_channels": 1, "desired_samples": 3})
        yield Call([one(encoded)], {"desired_channels": 2, "desired_samples": 8})
    for bad in (b"", b"RIFF", encoded[:30], encoded[:-3], encoded[:22] + b"\0\0" + encoded[24:]):
        yield Bad([one(bad)])
