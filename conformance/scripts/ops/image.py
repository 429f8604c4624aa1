"""Resizing, cropping, colours, boxes, encoded images."""

import struct
import zlib

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, dtypes, f32, i32, op, u8, values
from ops.array_shapes import ints
from ops.text import one, text

SIZES = (((1, 2, 2, 1), (4, 4)), ((1, 4, 6, 3), (2, 3)), ((2, 5, 4, 2), (7, 3)), ((1, 3, 3, 1), (3, 3)), ((1, 1, 1, 2), (3, 2)), ((1, 7, 5, 1), (1, 1)))


@op("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea", family="image", tolerance="eps 16")
def resize(name, rng):
    modes = ({}, {"align_corners": True}, {"half_pixel_centers": True}) if name != "ResizeArea" else ({}, {"align_corners": True})
    exact = "exact" if name == "ResizeNearestNeighbor" else ""
    for mode in modes:
        for dtype in dtypes(name):
            for shape, size in SIZES[:3] if dtype not in (f32, u8) else SIZES:
                yield Call([values(rng, dtype, shape, 0, 9), np.array(size, i32)], mode, tolerance=exact)
    yield Call([values(rng, f32, (1, 33, 31, 3)), ints(64, 17)], tolerance=exact)
    if name != "ResizeArea":
        yield Bad([values(rng, f32, (1, 2, 2, 1)), ints(4, 4)], attrs={"align_corners": True, "half_pixel_centers": True})
    for shape, size in (((2, 2, 1), [4, 4]), ((1, 2, 2, 1), [4]), ((1, 2, 2, 1), [0, 4]), ((1, 2, 2, 1), [-1, 4]), ((1, 0, 2, 1), [4, 4])):
        yield Bad([values(rng, f32, shape), np.array(size, i32)])


@op("CropAndResize", family="image", tolerance="eps 16")
def crop(name, rng):
    boxes = np.array([[0, 0, 1, 1], [0.2, 0.1, 0.7, 0.9], [0.9, 0.8, 0.1, 0.2], [-0.5, 0.5, 1.5, 2], [0.5, 0.5, 0.5, 0.5]], f32)
    index = ints(0, 1, 0, 1, 0)
    for dtype in dtypes(name):
        for method in ("bilinear", "nearest"):
            for size in ((3, 4), (1, 1), (7, 2)):
                yield Call([values(rng, dtype, (2, 5, 6, 2), 0, 9), boxes, index, np.array(size, i32)], {"method": method, "extrapolation_value": 7.0})
    image = values(rng, f32, (2, 5, 6, 2))
    for bad in ([image, boxes, ints(0, 2, 0, 1, 0), ints(2, 2)], [image, boxes, ints(0, -1, 0, 1, 0), ints(2, 2)], [image, boxes, index[:3], ints(2, 2)], [image, boxes, index, ints(0, 2)], [image[0], boxes, index, ints(2, 2)], [image, boxes[:, :3], index, ints(2, 2)]):
        yield Bad(bad)


@op("RGBToHSV", "HSVToRGB", family="image", tolerance="eps 8")
def colours(name, rng):
    for dtype in dtypes(name):
        for shape in ((3,), (4, 3), (1, 2, 3, 3), (0, 3)):
            yield Call([values(rng, dtype, shape, 0, 1)])
    yield Call([np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0.5, 0.5, 0.5]], f32)])
    yield Bad([values(rng, f32, (4,))])
    yield Bad([np.float32(1)])


@op("AdjustContrastv2", "AdjustHue", "AdjustSaturation", family="image", tolerance="eps 32")
def adjust(name, rng):
    for dtype in dtypes(name):
        for factor in (0.0, 0.3, 1.0, 2.5) if name != "AdjustHue" else (0.0, 0.3, -0.7, 1.0):
            yield Call([values(rng, dtype, (2, 3, 4, 3), 0, 1), np.float32(factor)])
            yield Call([values(rng, dtype, (3, 4, 3), 0, 1), np.float32(factor)])
    yield Bad([values(rng, f32, (4, 3)), np.float32(1)])
    yield Bad([values(rng, f32, (3, 4, 3)), np.ones(1, f32)])
    if name != "AdjustContrastv2":
        yield Bad([values(rng, f32, (3, 4, 2)), np.float32(1)])


def boxes(rng, count, dtype=f32):
    corner = rng.uniform(0, 3, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, 3, (count, 2))], 1).astype(dtype)


@op("NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5", family="image", tolerance="eps 8")
def suppress(name, rng):
    version = int(name[-1]) if name[-1].isdigit() else 1

    def call(b, s, limit, iou, score=-np.inf, attrs=None, kind=Call, t=f32):
        thresholds = [] if version == 1 else [np.array(iou).astype(t)]
        thresholds += [np.array(score).astype(t)] if version >= 3 else []
        thresholds += [np.array(0.5 if attrs and attrs.get("soft") else 0).astype(t)] if version == 5 else []
        attrs = {k: v for k, v in (attrs or {}).items() if k != "soft"}
        if version == 1:
            attrs["iou_threshold"] = float(iou)
        return kind([b, s, np.array(limit, i32), *thresholds], attrs=attrs)

    kinds = dtypes(name) if version > 1 else [f32]
    for t in kinds:
        for iou in (0.0, 0.3, 0.5, 1.0):
            for limit in (1, 3, 20):
                yield call(boxes(rng, 12, t), values(rng, t, (12,), 0, 1), limit, iou, t=t)
        if version >= 3:
            yield call(boxes(rng, 12, t), values(rng, t, (12,), 0, 1), 12, 0.5, 0.5, t=t)
        if version >= 4:
            yield call(boxes(rng, 8, t), values(rng, t, (8,), 0, 1), 10, 0.2, 0.3, {"pad_to_max_output_size": True}, t=t)
        if version == 5:
            yield call(boxes(rng, 8, t), values(rng, t, (8,), 0, 1), 8, 0.5, 0.1, {"soft": True}, t=t)
    flipped = boxes(rng, 5)[:, [2, 3, 0, 1]]
    yield call(flipped, np.ones(5, f32), 5, 0.5)
    yield call(np.zeros((0, 4), f32), np.zeros(0, f32), 5, 0.5)
    yield call(boxes(rng, 3), values(rng, f32, (3,), 0, 1), 0, 0.5)
    for b, s, iou in ((boxes(rng, 3), np.ones(2, f32), 0.5), (boxes(rng, 3), np.ones(3, f32), 1.5), (boxes(rng, 3), np.ones(3, f32), -0.1), (boxes(rng, 3)[:, :3], np.ones(3, f32), 0.5)):
        yield call(b, s, 3, iou, kind=Bad)


@op("NonMaxSuppressionWithOverlaps", family="image")
def overlaps(name, rng):
    matrix = values(rng, f32, (6, 6), 0, 1)
    matrix = (matrix + matrix.T) / 2
    for threshold in (0.3, 0.5, 0.9):
        yield Call([matrix, values(rng, f32, (6,), 0, 1), np.array(5, i32), np.float32(threshold), np.float32(0.2)])
    yield Bad([matrix[:5], values(rng, f32, (6,), 0, 1), np.array(5, i32), np.float32(0.5), np.float32(0.2)])


@op("CombinedNonMaxSuppression", family="image", tolerance="eps 8")
def combined(name, rng):
    for per_class in (False, True):
        for clip in (False, True):
            for classes in (1, 3):
                b = np.stack([boxes(rng, 6) / 4 for _ in range(2)])[:, :, None]
                b = np.repeat(b, classes, 2) if classes > 1 else b
                yield Call([b, values(rng, f32, (2, 6, classes), 0, 1), np.array(3, i32), np.array(5, i32), np.float32(0.4), np.float32(0.2)], {"pad_per_class": per_class, "clip_boxes": clip})
    yield Bad([np.zeros((1, 3, 2, 4), f32), np.zeros((1, 3, 3), f32), np.array(3, i32), np.array(5, i32), np.float32(0.4), np.float32(0.2)])
    yield Bad([np.zeros((1, 3, 1, 4), f32), np.zeros((1, 3, 3), f32), np.array(-3, i32), np.array(5, i32), np.float32(0.4), np.float32(0.2)])
    yield Bad([np.zeros((1, 3, 1, 4), f32), np.zeros((1, 3, 3), f32), np.array(3, i32), np.array(5, i32), np.float32(1.4), np.float32(0.2)])


@op("ImageProjectiveTransformV2", "ImageProjectiveTransformV3", family="image", tolerance="eps 32")
def projective(name, rng):
    third = name.endswith("V3")
    transforms = np.array([[1, 0, 0, 0, 1, 0, 0, 0], [1, 0.2, -1, 0.1, 0.9, 0.5, 0.01, 0.02]], f32)
    for dtype in dtypes(name, "dtype"):
        for mode in ("NEAREST", "BILINEAR"):
            for fill in ("CONSTANT", "REFLECT", "WRAP", "NEAREST"):
                inputs = [values(rng, dtype, (2, 4, 5, 2), 0, 9), transforms, ints(5, 4)] + ([np.float32(3)] if third else [])
                yield Call(inputs, {"interpolation": mode, "fill_mode": fill})
    tail = [np.float32(0)] if third else []
    yield Bad([values(rng, f32, (4, 5, 2)), transforms, ints(5, 4), *tail], attrs={"interpolation": "NEAREST"})
    yield Bad([values(rng, f32, (2, 4, 5, 2)), transforms[:, :7], ints(5, 4), *tail], attrs={"interpolation": "NEAREST"})
    yield Bad([values(rng, f32, (2, 4, 5, 2)), transforms, ints(5), *tail], attrs={"interpolation": "NEAREST"})


@op("ScaleAndTranslate", family="image", tolerance="eps 64")
def scale(name, rng):
    for kernel in ("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic"):
        for antialias in (False, True):
            yield Call([values(rng, f32, (1, 5, 6, 2), 0, 9), ints(7, 4), np.array([1.4, 0.66], f32), np.array([0.5, -0.3], f32)], {"kernel_type": kernel, "antialias": antialias})
    yield Bad([values(rng, f32, (1, 5, 6, 2)), ints(7, 4), np.array([0, 1], f32), np.zeros(2, f32)])


# One lossy pixel.
WEBP = "524946462800000057454250565038201c0000007001009d012a01000100020034259c027401400000fef34aeb51b400"


def pixels(rng, *shape, dtype=u8):
    return rng.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


@op("EncodePng", family="image", tolerance="exact")
def encode_png(name, rng):
    """Compared after decoding: how a PNG is compressed is free."""
    for dtype in (u8, np.uint16):
        for channels in (1, 2, 3, 4):
            def build(feed, dtype=dtype, channels=channels):
                encoded = tf.raw_ops.EncodePng(image=feed(pixels(rng, 5, 4, channels, dtype=dtype)))
                return [tf.raw_ops.DecodePng(contents=encoded, dtype=dtype)]

            yield Scene(build)
    yield Bad([pixels(rng, 5, 4)])
    yield Bad([pixels(rng, 5, 4, 5)])



def png(colour, depth, rows, *chunks, interlaced=0):
    """A PNG of any kind: `rows` are the bytes of each row, `chunks` stand before the data."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    width = len(rows[0]) * 8 // (depth * channels)
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, interlaced)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *(chunk(*c) for c in chunks), chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def rare_pngs(rng):
    """Palettes, transparent colours, small depths, gamma."""
    def row(length):
        return rng.integers(0, 256, length).astype(u8).tobytes()

    gamma, srgb, palette = (b"gAMA", struct.pack(">I", 45455)), (b"sRGB", b"\0"), (b"PLTE", row(48))
    for depth in (1, 2, 4):
        yield png(0, depth, [row(3), row(3)])
        yield png(3, depth, [row(2), row(2)], palette, (b"tRNS", row(1 << depth)))
    yield png(0, 8, [b"\1\2\3"], (b"tRNS", b"\0\2"))
    yield png(2, 8, [b"\1\2\3\4\5\6"], (b"tRNS", b"\0\4\0\5\0\6"))
    yield png(2, 16, [row(12), row(12)], gamma)
    for told in (gamma, srgb):
        yield png(2, 8, [row(12), row(12)], told)
    yield png(3, 4, [row(4)], palette, srgb)


@op("DecodePng", "DecodeImage", "DecodeJpeg", "DecodeBmp", "DecodeGif", family="image")
def decode(name, rng):
    smooth = (np.add.outer(np.arange(19), np.arange(26))[..., None] * np.array([4, 7, 2]) % 256).astype(u8)
    pngs = [tf.io.encode_png(pixels(rng, 5, 4, c, dtype=t)).numpy() for c in (1, 2, 3, 4) for t in (u8, np.uint16)]
    jpegs = [tf.io.encode_jpeg(smooth, quality=q, chroma_downsampling=c, progressive=p).numpy() for q, c, p in ((95, True, False), (60, False, False), (80, True, True))]
    jpegs.append(tf.io.encode_jpeg(smooth[..., :1], format="grayscale").numpy())
    bmp = b"BM" + np.array([54 + 24, 0, 54, 40, 2, 3], "<u4").tobytes() + np.array([1, 24], "<u2").tobytes() + np.array([0, 24, 0, 0, 0, 0], "<u4").tobytes() + bytes(range(24))
    gif = b"GIF89a\x02\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\xff,\x00\x00\x00\x00\x02\x00\x01\x00\x00\x02\x02D\n\x00;"
    # Two frames: the second covers a part and has a transparent colour.
    animation = bytes.fromhex(
        "47494638396103000200810000ff000000ff000000ff0908072c000000000300020040020444a811290021f9040100000300"
        "2c0100010002000100000202d40a003b"
    )
    sources = {"DecodePng": pngs, "DecodeJpeg": jpegs, "DecodeBmp": [bmp], "DecodeGif": [gif], "DecodeImage": pngs + jpegs + [bmp, gif]}[name]
    for encoded in sources:
        if name == "DecodeGif":
            yield Call([one(encoded)])
            continue
        for channels in (0, 1, 3, 4):
            if channels == 4 and encoded in jpegs or encoded == bmp and channels in (1, 4) or encoded == gif and channels in (1, 4):
                continue
            yield Call([one(encoded)], {"channels": channels}, kind="jpeg" if encoded in jpegs else "")
    if name == "DecodePng":
        for encoded in pngs:
            yield Call([one(encoded)], {"dtype": np.uint16})
        for encoded in rare_pngs(rng):
            for channels in (0, 1, 4):
                for dtype in (u8, np.uint16):
                    yield Call([one(encoded)], {"channels": channels, "dtype": dtype})
    if name in ("DecodeGif", "DecodeImage"):
        yield Call([one(animation)])
    if name == "DecodeImage":
        for dtype in (np.uint16, f32):
            yield Call([one(pngs[0])], {"dtype": dtype}, tolerance="eps 4")
            yield Call([one(pngs[5])], {"dtype": dtype}, tolerance="eps 4")
        yield Call([one(gif)], {"expand_animations": False})
    for ratio in (2, 4, 8) if name == "DecodeJpeg" else ():
        yield Call([one(jpegs[0])], {"ratio": ratio}, kind="jpeg")
    if name == "DecodeJpeg":
        for encoded in jpegs:
            yield Call([one(encoded)], {"dct_method": "INTEGER_ACCURATE"}, kind="jpeg")
        yield Call([one(jpegs[0])], {"fancy_upscaling": False}, kind="jpeg")
    for bad in (b"", b"junk", sources[0][:20], sources[0][: len(sources[0]) // 2]):
        yield Bad([one(bad)])
    yield Bad([text(sources[0])])
    if name != "DecodeGif":
        yield Bad([one(sources[0])], attrs={"channels": 2})


@op("DecodeWebP", family="image")
def decode_webp(name, rng):
    lossy = bytes.fromhex(WEBP)
    for channels in (0, 3):
        yield Call([one(lossy)], {"channels": channels})
    yield Bad([one(lossy)], attrs={"channels": 4})
    yield Bad([one(lossy[:20])])


@op("ExtractGlimpse", "ExtractGlimpseV2", family="image")
def glimpse(name, rng):
    images = values(rng, f32, (2, 5, 6, 2))
    for centered in (False, True):
        for normalized in (False, True):
            for offsets in ([[0, 0], [0.5, -0.5]], [[-2.5, 1], [3, 0.25]], [[9, 0], [0, -9]]):
                for size in ((2, 3), (7, 8)):
                    attrs = {"centered": centered, "normalized": normalized, "uniform_noise": False, "noise": "zero"}
                    yield Call([images, ints(*size), np.array(offsets, f32)], attrs)
    yield Bad([images[0], ints(2, 2), np.zeros((2, 2), f32)])
    yield Bad([images, ints(2), np.zeros((2, 2), f32)])
    yield Bad([images, ints(2, 2), np.zeros((1, 2), f32)])
    yield Bad([images, ints(2, 2), np.zeros((2, 2), f32)], attrs={"noise": "zero"})
