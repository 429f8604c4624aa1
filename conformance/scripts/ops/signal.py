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


@op("AudioMicrofrontend", family="signal")
def microfrontend(name, rng):
    noise = lambda count, loud=8000: np.clip(rng.normal(0, loud, count), -32768, 32767).astype(np.int16)
    tone = (12000 * np.sin(np.arange(3000) * 0.4)).astype(np.int16)
    call = lambda audio, **attrs: Call([audio], attrs)
    for audio in (noise(1000), noise(600, 3), noise(600, 90000), tone[:1000], np.zeros(900, np.int16), np.full(900, -32768, np.int16), noise(399), noise(0)):
        for attrs in ({}, {"enable_pcan": True}, {"enable_log": False}, {"out_type": f32}):
            yield call(audio, **attrs)
    audio = np.concatenate([noise(900, 50), tone[:300]])
    for attrs in (
        {"sample_rate": 8000, "upper_band_limit": 3800.0}, {"sample_rate": 22050}, {"sample_rate": 1000, "upper_band_limit": 450.0},
        {"window_size": 30, "window_step": 20, "num_channels": 40}, {"window_size": 10, "window_step": 10}, {"num_channels": 1}, {"num_channels": 0}, {"num_channels": 300},
        {"lower_band_limit": 0.0}, {"lower_band_limit": -40.0}, {"lower_band_limit": 7600.0}, {"upper_band_limit": 100.0},
        {"smoothing_bits": 4}, {"smoothing_bits": 0}, {"even_smoothing": 0.5, "odd_smoothing": 1.0}, {"even_smoothing": 5.0}, {"odd_smoothing": -1.0}, {"min_signal_remaining": 0.9},
        {"enable_pcan": True, "pcan_strength": 0.3, "pcan_offset": 10.0}, {"enable_pcan": True, "pcan_strength": 2.0}, {"enable_pcan": True, "gain_bits": 18}, {"enable_pcan": True, "smoothing_bits": 6},
        {"enable_pcan": True, "pcan_strength": np.nan}, {"enable_pcan": True, "pcan_strength": -1.0, "enable_log": False}, {"enable_pcan": True, "pcan_offset": 0.0},
        {"scale_shift": 0}, {"scale_shift": 3}, {"scale_shift": 12}, {"out_scale": 25}, {"out_scale": -3}, {"out_scale": 25, "out_type": f32}, {"out_scale": 0, "out_type": f32},
        {"left_context": 2}, {"right_context": 3}, {"left_context": 2, "right_context": 1, "zero_padding": True, "frame_stride": 3}, {"frame_stride": 50},
        {"left_context": 3, "right_context": -2}, {"left_context": -1}, {"left_context": 40, "right_context": 40},
        {"sample_rate": 1000, "window_size": 4, "window_step": 1, "upper_band_limit": 200.0, "lower_band_limit": 1.0},
        {"sample_rate": 1000, "window_size": 8, "window_step": 3, "upper_band_limit": 400.0, "lower_band_limit": 1.0}, {"window_size": 60, "num_channels": 20},
    ):
        yield call(audio, **attrs)
    for attrs in (
        {"window_step": 0}, {"window_step": -10}, {"frame_stride": 0}, {"frame_stride": -1}, {"sample_rate": 0}, {"sample_rate": 999}, {"window_size": 0}, {"upper_band_limit": 8000.0},
        {"lower_band_limit": 20000.0}, {"num_channels": 2**31}, {"sample_rate": 1000, "window_size": 1, "window_step": 1},
    ):
        yield Bad([audio], attrs=attrs, const=(0,))
    yield Bad([audio[None]])
