"""Gradients that stand in graphs of their own: of pools, convolutions, normalisation, resized images, sparse segments."""

import numpy as np
from calls import Bad, Call, combinations, dtypes, f32, i32, i64, op, values
from ops.array_shapes import ints
from ops.nn import CONV, POOLS, square, window


def outputs(size, taps, stride, padding, dilation=1) -> int:
    """Windows over cells."""
    return -(-size // stride) if padding == "SAME" else (size - (taps - 1) * dilation - 1) // stride + 1


def pooled(image, size, stride, padding) -> tuple:
    return (image[0], *(outputs(n, k, s, padding) for n, k, s in zip(image[1:], size, stride)), image[-1])


CUBES = (((1, 4, 5, 6, 2), (2, 2, 2), (2, 2, 2), "VALID"), ((2, 3, 4, 5, 1), (2, 3, 2), (1, 2, 2), "SAME"), ((1, 3, 3, 4, 3), (3, 3, 3), (1, 1, 1), "VALID"))


@op("AvgPoolGrad", "AvgPool3DGrad", family="nn", tolerance="eps 8")
def avg_pool_grad(name, rng):
    cubes = "3D" in name
    for dtype in dtypes(name):
        for image, size, stride, padding in CUBES if cubes else POOLS:
            yield Call([np.array(image, i32), values(rng, dtype, pooled(image, size, stride, padding))], {**window(size, stride), "padding": padding})
    if cubes:
        ok = {**window((2, 2, 2), (1, 1, 1)), "padding": "VALID"}
        for sizes, gradient in (([1, 3, 3, 3], (1, 2, 2, 2, 1)), ([1, 3, 3, 3, 1], (2, 2, 2, 1))):
            yield Bad([np.array(sizes, i32), values(rng, f32, gradient)], attrs=ok)
        yield Bad([ints(1, 3, 3, 3, 2), values(rng, f32, (1, 2, 2, 2, 1))], attrs={**ok, "ksize": [1, 2, 2, 2, 2]})
        return
    ok = {**window((2, 2), (1, 1)), "padding": "VALID"}
    yield Call([ints(1, 3, 3, 1), values(rng, f32, (1, 3, 2, 1))], ok)
    yield Call([ints(1, 3, 3, 1), values(rng, f32, (1, 1, 2, 1))], ok)
    for sizes, gradient in (([1, 3, 3], (1, 2, 2, 1)), ([1, 3, 3, 1], (2, 2, 1))):
        yield Bad([np.array(sizes, i32), values(rng, f32, gradient)], attrs=ok)
    for windows in (5, 4):
        yield Call([ints(1, 3, 3, 1), values(rng, f32, (1, windows, 2, 1))], ok, fails=windows == 5)
    for attrs in ({"ksize": [1, 2, 2, 2]}, {"ksize": [2, 2, 2, 1]}, {"strides": [1, 0, 1, 1]}):
        yield Bad([ints(1, 3, 3, 2), values(rng, f32, (1, 2, 2, 2))], attrs={**ok, **attrs})


@op("MaxPoolGrad", "MaxPoolGradV2", "MaxPoolGradWithArgmax", "MaxPool3DGrad", family="nn", tolerance="eps 4")
def max_pool_grad(name, rng):
    def call(dtype, image, size, stride, padding, kind=Call, shapes=None, **more):
        shape = pooled(image, size, stride, padding)
        before, after = values(rng, dtype, image, 0, 3), values(rng, dtype, shape, 0, 3)
        gradient = values(rng, dtype, (shapes or {}).get("grad", shape), 0, 9)
        after = values(rng, dtype, (shapes or {}).get("output", shape), 0, 3)
        attrs = {**window(size, stride), "padding": padding, **more}
        if name == "MaxPoolGradWithArgmax":
            cells = int(np.prod(image if more.get("include_batch_in_index") else image[1:]))
            return kind([before, gradient, rng.integers(0, cells, shape).astype(i64)], attrs=attrs)
        if name == "MaxPoolGradV2":
            size, stride = attrs.pop("ksize"), attrs.pop("strides")
            return kind([before, after, gradient, np.array(size, i32), np.array(stride, i32)], attrs=attrs)
        return kind([before, after, gradient], attrs=attrs)

    cubes = "3D" in name
    for dtype in [row[0] for row in combinations(name, "T")]:
        for image, size, stride, padding in CUBES if cubes else POOLS:
            yield call(dtype, image, size, stride, padding)
    if cubes:
        for shapes in ({"grad": (1, 1, 2, 2, 2)}, {"output": (1, 2, 2, 3, 1)}):
            yield call(f32, *CUBES[0], kind=Bad, shapes=shapes)
        return
    for shapes in ({"grad": (1, 1, 3, 2)},) + (({"output": (1, 2, 2, 2)}, {"output": (2, 3, 2)}) if "Argmax" not in name else ()):
        yield call(f32, *POOLS[0], kind=Bad, shapes=shapes)
    if name == "MaxPoolGrad":
        wild = np.array([np.nan, 1, 2, 2, np.nan, 0, 1, np.nan, -1], f32).reshape(1, 3, 3, 1)
        yield Call([wild, wild[:, :2, :2], values(rng, f32, (1, 2, 2, 1))], {**window((2, 2), (1, 1)), "padding": "VALID"}, kind="not a number")
        image, explicit = values(rng, f32, (1, 5, 6, 2)), {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 1, 0, 1, 0, 0]}
        yield Call([image, values(rng, f32, (1, 3, 3, 2)), values(rng, f32, (1, 3, 3, 2))], {**window((2, 2), (2, 2)), **explicit})
        yield Bad([image, image, image], attrs={**window((1, 1), (1, 1)), "padding": "SAME", "data_format": "NCHW"})
        yield Bad([image, image, image], attrs={"ksize": [1, 1, 1, 1], "strides": [1, 1, 1, 2], "padding": "SAME"})
        yield Bad([image, image[..., :1], image[..., :1]], attrs={"ksize": [1, 1, 1, 2], "strides": [1, 1, 1, 2], "padding": "SAME"})
    if name == "MaxPoolGradWithArgmax":
        yield call(f32, (2, 4, 4, 3), (2, 2), (2, 2), "VALID", include_batch_in_index=True)
        yield call(f32, (2, 4, 4, 3), (3, 3), (1, 1), "SAME", include_batch_in_index=True)


@op("MaxPoolGradGrad", family="nn")
def max_pool_grad_grad(name, rng):
    for dtype in dtypes(name):
        for image, size, stride, padding in POOLS:
            x = values(rng, dtype, image, 0, 3)
            yield Call([x, values(rng, dtype, pooled(image, size, stride, padding), 0, 3), values(rng, dtype, image)], {**window(size, stride), "padding": padding})
    image = np.array([np.nan, 1, 2, 2, np.nan, 0, 1, np.nan, -1], f32).reshape(1, 3, 3, 1)
    yield Call([image, np.array([2, 2, np.nan, 1], f32).reshape(1, 2, 2, 1), values(rng, f32, (1, 3, 3, 1))], {**window((2, 2), (1, 1)), "padding": "VALID"}, kind="not a number")
    for output, gradient in (((1, 2, 2, 1), (1, 2, 2, 1)), ((1, 2, 1, 1), (1, 3, 3, 1)), ((2, 2, 1), (1, 3, 3, 1))):
        yield Bad([image, values(rng, f32, output), values(rng, f32, gradient)], attrs={**window((2, 2), (1, 1)), "padding": "VALID"})


@op("BiasAddGrad", family="nn", tolerance="eps 8")
def bias_add_grad(name, rng):
    for dtype in dtypes(name):
        for shape in ((2, 3), (4, 2, 3), (2, 3, 3, 4), (2, 2, 3, 2, 5)):
            yield Call([values(rng, dtype, shape)])
        for shape in ((2, 3), (4, 2, 3), (2, 3, 3, 4)):
            yield Call([values(rng, dtype, shape)], {"data_format": "NCHW"})
    yield Call([values(rng, f32, (0, 3))])
    yield Call([values(rng, f32, (3, 0))])
    yield Bad([values(rng, f32, (3,))])


@op("Conv2DBackpropFilter", family="nn", tolerance="eps 64")
def filter_grad(name, rng):
    for dtype in dtypes(name):
        for image, kernel, strides, padding, dilations in CONV if dtype is f32 else CONV[:2]:
            if dilations != (1, 1) or kernel[2] != image[3]:
                continue
            shape = (image[0], *(outputs(n, k, s, padding) for n, k, s in zip(image[1:3], kernel, strides)), kernel[3])
            yield Call([values(rng, dtype, image), np.array(kernel, i32), values(rng, dtype, shape, -1, 1)], {**square(strides), "padding": padding})
    explicit = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 3, 0, 0]}
    yield Call([values(rng, f32, (1, 5, 6, 2)), ints(3, 3, 2, 3), values(rng, f32, (1, 6, 7, 3))], {**square((1, 1)), **explicit})
    ok = {**square((1, 1)), "padding": "VALID"}
    for image, kernel, gradient in (((1, 5, 5, 2), [3, 3, 2], (1, 3, 3, 3)), ((1, 5, 5, 2), [3, 3, 2, 3], (1, 4, 3, 3)), ((2, 5, 5, 2), [3, 3, 2, 3], (1, 3, 3, 3)), ((1, 5, 5, 2), [3, 3, 2, 4], (1, 3, 3, 3)), ((5, 5, 2), [3, 3, 2, 3], (1, 3, 3, 3))):
        yield Bad([values(rng, f32, image), np.array(kernel, i32), values(rng, f32, gradient)], attrs=ok)


@op("Conv3DBackpropFilter", "Conv3DBackpropFilterV2", family="nn", tolerance="eps 64")
def filter_grad_3d(name, rng):
    sizes = (lambda kernel, dtype: np.array(kernel, i32)) if name.endswith("V2") else (lambda kernel, dtype: np.zeros(kernel, dtype))
    for dtype in dtypes(name):
        for image, kernel, gradient, stride, padding in (((1, 4, 5, 3, 2), (2, 3, 2, 2, 3), (1, 4, 5, 3, 3), 1, "SAME"), ((2, 3, 4, 4, 1), (2, 2, 3, 1, 2), (2, 1, 2, 1, 2), 2, "VALID"), ((1, 5, 5, 5, 1), (3, 3, 3, 1, 1), (1, 3, 3, 3, 1), 2, "SAME")):
            yield Call([values(rng, dtype, image), sizes(kernel, dtype), values(rng, dtype, gradient, -1, 1)], {"strides": [1, stride, stride, stride, 1], "padding": padding})
    for kernel, gradient in (((2, 2, 2, 2, 3), (1, 3, 3, 2, 3)), ((2, 2, 2, 1, 3), (1, 3, 3, 3, 3)), ((2, 2, 2, 2, 3), (2, 3, 3, 3, 3))):
        yield Bad([values(rng, f32, (1, 4, 4, 4, 2)), sizes(kernel, f32), values(rng, f32, gradient)], attrs={"strides": [1] * 5, "padding": "VALID"})


@op("DepthwiseConv2dNativeBackpropInput", "DepthwiseConv2dNativeBackpropFilter", family="nn", tolerance="eps 64")
def depthwise_grad(name, rng):
    to_input = name.endswith("Input")

    def call(dtype, image, kernel, gradient, attrs, kind=Call):
        sizes = np.array(image if to_input else kernel, i32)
        other = values(rng, dtype, kernel if to_input else image)
        gradient = values(rng, dtype, gradient, -1, 1)
        return kind([sizes, other, gradient] if to_input else [other, sizes, gradient], attrs=attrs)

    for dtype in dtypes(name):
        for image, kernel, stride, padding in (((1, 5, 6, 3), (3, 3, 3, 1), 1, "SAME"), ((2, 6, 5, 2), (2, 3, 2, 3), 2, "VALID"), ((1, 7, 7, 1), (3, 3, 1, 4), 2, "SAME"), ((2, 6, 6, 17), (3, 3, 17, 1), 1, "VALID")):
            shape = (image[0], *(outputs(n, k, stride, padding) for n, k in zip(image[1:3], kernel)), kernel[2] * kernel[3])
            yield call(dtype, image, kernel, shape, {"strides": [1, stride, stride, 1], "padding": padding})
    ok = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    yield call(f32, (1, 5, 5, 2), (3, 3, 2, 1), (1, 5, 5, 2), {**ok, "dilations": [1, 2, 2, 1]})
    yield call(f32, (1, 5, 5, 2), (3, 3, 2, 1), (1, 4, 6, 2), {**ok, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 2, 1, 0, 0]})
    for image, kernel, gradient, attrs in (((1, 5, 5, 2), (3, 3, 3, 1), (1, 5, 5, 3), ok), ((1, 5, 5, 2), (3, 3, 2, 1), (1, 4, 5, 2), ok), ((1, 5, 5, 2), (3, 3, 2, 2), (1, 5, 5, 2), ok), ((2, 5, 5, 2), (3, 3, 2, 1), (1, 5, 5, 2), ok), ((1, 5, 5, 2), (3, 3, 2, 1), (1, 5, 5, 2), {**ok, "data_format": "NCHW"}), ((1, 5, 5, 2), (3, 3, 2, 1), (1, 5, 3, 2), {**ok, "strides": [1, 1, 2, 1]})):
        yield call(f32, image, kernel, gradient, attrs, Bad)


@op("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3", family="nn", tolerance="eps 64")
def batch_norm_grad(name, rng):
    third = [np.zeros(1, f32)] if name.endswith("V3") else []

    def call(dtype, shape, attrs, channels=None, kind=Call, x=None):
        channels = shape[1 if attrs.get("data_format", "").startswith("NC") else -1] if channels is None else channels
        vector = lambda low, high: values(rng, f32, (channels,), low, high)
        return kind([values(rng, dtype, shape, -1, 1), values(rng, dtype, x or shape, -2, 2), vector(0.5, 2), vector(-1, 1), vector(0.1, 2), *third], attrs=attrs)

    for dtype in dtypes(name):
        for training in (True, False):
            for shape in ((2, 3, 4, 5), (1, 1, 1, 3), (3, 2, 2, 1)):
                yield call(dtype, shape, {"is_training": training})
        yield call(dtype, (2, 3, 4, 5), {"data_format": "NCHW", "epsilon": 0.01})
    yield call(f32, (0, 2, 2, 3), {})
    yield call(f32, (0, 2, 2, 3), {"is_training": False})
    if third:
        for layout in ("NDHWC", "NCDHW"):
            yield call(f32, (2, 3, 2, 2, 4), {"data_format": layout})
    for channels, x in ((4, None), (3, (2, 2, 1, 3))):
        yield call(f32, (2, 2, 2, 3), {}, channels, Bad, x)
    yield call(f32, (2, 2, 3), {}, 3, Bad)


@op("LRNGrad", family="nn", tolerance="eps 16")
def lrn_grad(name, rng):
    for dtype in dtypes(name):
        for shape in ((2, 2, 3, 4), (1, 2, 1, 13)):
            for attrs in ({}, {"depth_radius": 1, "bias": 2.0, "alpha": 0.5, "beta": 0.75}, {"depth_radius": 2, "beta": 1.0}, {"depth_radius": 0}):
                yield Call([values(rng, dtype, shape, -1, 1), values(rng, dtype, shape, -1, 1), values(rng, dtype, shape, -1, 1)], attrs)
    image = values(rng, f32, (1, 1, 2, 3))
    yield Bad([image, image, image[..., :2]])
    yield Bad([image[0], image[0], image[0]])


@op("ResizeBilinearGrad", "ResizeBicubicGrad", "ResizeNearestNeighborGrad", family="image", tolerance="eps 16")
def resize_grad(name, rng):
    nearest = "Nearest" in name
    for dtype in dtypes(name):
        for large, small in (((2, 5, 7, 3), (3, 4)), ((1, 2, 3, 2), (6, 5)), ((1, 4, 4, 1), (4, 4)), ((1, 1, 1, 2), (3, 3)), ((1, 3, 1, 2), (1, 4))):
            for attrs in ({}, {"align_corners": True}, {"half_pixel_centers": True}):
                gradient = values(rng, dtype if nearest else f32, large, 0, 3)
                target = np.array(small, i32) if nearest else np.zeros((large[0], *small, large[3]), dtype)
                yield Call([gradient, target], attrs)
    gradient = values(rng, f32, (1, 2, 2, 1))
    if nearest:
        yield Call([values(rng, f32, (1, 5, 3, 2)), ints(3, 4)], {"align_corners": True, "half_pixel_centers": True})
        for shape in ((0, 2, 2, 1), (1, 0, 2, 1), (1, 2, 2, 0)):
            yield Call([values(rng, f32, shape), ints(3, 4)])
        for size in ([0, 2], [-1, 2], [2, 2, 2]):
            yield Bad([gradient, np.array(size, i32)])
    else:
        yield Bad([gradient, np.zeros((1, 2, 2), f32)])
        yield Call([gradient, np.zeros((2, 2, 2, 2), f32)])
        yield Bad([gradient[0], np.zeros((1, 2, 2, 1), f32)])
        yield Bad([gradient, np.zeros((1, 2, 2, 1), f32)], attrs={"align_corners": True, "half_pixel_centers": True})


SEGMENTS = ("SparseSegmentSumGrad", "SparseSegmentMeanGrad", "SparseSegmentSqrtNGrad")


@op(*SEGMENTS, *(name + "V2" for name in SEGMENTS), family="sparse", tolerance="eps 8")
def segment_grad(name, rng):
    for dtype, index, segment in combinations(name, "T", "Tidx", "Tsegmentids"):
        yield Call([values(rng, dtype, (3, 2)), np.array([4, 0, 0, 2, 4], index), np.array([0, 0, 1, 2, 2], segment), np.array(6, i32)])
    for shape in ((3,), (3, 2, 2), (3, 17)):
        yield Call([values(rng, f32, shape), ints(1, 3, 1), ints(0, 2, 2), np.array(4, i32)])
    if name.endswith("V2"):
        yield Call([values(rng, f32, (3, 2)), np.zeros(0, i32), np.zeros(0, i32), np.array(2, i32)])
    for index, segment in (([5], [0]), ([-1], [0]), ([0], [3]), ([0], [-1]), ([0, 1], [0])):
        yield Bad([values(rng, f32, (3, 2)), np.array(index, i32), np.array(segment, i32), np.array(5, i32)])


@op("FakeQuantWithMinMaxArgsGradient", "FakeQuantWithMinMaxVarsGradient", "FakeQuantWithMinMaxVarsPerChannelGradient", family="quantization", tolerance="eps 8")
def fake_quant_grad(name, rng):
    narrow = ({}, {"num_bits": 4, "narrow_range": True})
    for shape in ((7,), (2, 5), (2, 2, 3, 4)):
        gradient, x = values(rng, f32, shape), values(rng, f32, shape, -2, 2)
        for attrs in narrow:
            if name.endswith("ArgsGradient"):
                yield Call([gradient, x], {"min": -1.0, "max": 1.5, **attrs})
            elif name.endswith("VarsGradient"):
                for low, high in ((-1.0, 1.5), (0.0, 0.0), (0.1, 1.2)):
                    yield Call([gradient, x, np.array(low, f32), np.array(high, f32)], attrs)
            else:
                yield Call([gradient, x, np.linspace(-1, 0, shape[-1]).astype(f32), np.linspace(1.5, 0, shape[-1]).astype(f32)], attrs)
    limits = {"ArgsGradient": [], "VarsGradient": [np.array(-1, f32), np.array(1, f32)]}.get(name.removeprefix("FakeQuantWithMinMax"), [-np.ones(3, f32), np.ones(3, f32)])
    yield Bad([values(rng, f32, (2,)), values(rng, f32, (3,)), *limits])
    if limits:
        yield Bad([values(rng, f32, (3,)), values(rng, f32, (3,)), np.ones(2, f32), np.ones(2, f32)])


@op("CropAndResizeGradImage", family="image", tolerance="eps 16")
def crop_grad(name, rng):
    boxes = np.array([[0, 0, 1, 1], [0.1, 0.8, 0.9, 0.3], [-0.5, 0.2, 0.5, 1.4]], f32)
    for dtype in dtypes(name):
        for method in ("bilinear", "nearest"):
            for crop in ((3, 4), (1, 1), (6, 2)):
                yield Call([values(rng, f32, (3, *crop, 2)), boxes, ints(0, 1, 0), ints(2, 5, 4, 2)], {"T": dtype, "method": method})
    for places, size in (([0, 2, 0], [2, 5, 4, 2]), ([0, 1], [2, 5, 4, 2]), ([0, 1, 0], [2, 5, 4]), ([0, 1, 0], [2, 0, 4, 2]), ([0, 1, 0], [2, 5, 4, 3])):
        yield Bad([values(rng, f32, (3, 2, 2, 2)), boxes, np.array(places, i32), np.array(size, i32)], attrs={"T": f32})


@op("ScaleAndTranslateGrad", family="image", tolerance="eps 32")
def scale_grad(name, rng):
    for kernel in ("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic"):
        for large, small, scale, move in (((2, 7, 9, 2), (5, 6), (1.4, 1.5), (0, 0)), ((1, 3, 4, 1), (8, 7), (0.4, 0.6), (0.5, -1))):
            for antialias in (True, False):
                yield Call([values(rng, f32, large), np.zeros((large[0], *small, large[3]), f32), np.array(scale, f32), np.array(move, f32)], {"kernel_type": kernel, "antialias": antialias})
    gradient, image = values(rng, f32, (1, 3, 3, 1)), np.zeros((1, 2, 2, 1), f32)
    yield Bad([gradient, image, np.zeros(2, f32), np.zeros(2, f32)])
    yield Bad([gradient, image, np.ones(3, f32), np.zeros(2, f32)])
    yield Bad([gradient, image, np.ones(2, f32), np.zeros(2, f32)], attrs={"kernel_type": "no such"})
    yield Bad([gradient[0], image, np.ones(2, f32), np.zeros(2, f32)])


@op("SparseAddGrad", "SparseSliceGrad", family="sparse")
def sparse_grad(name, rng):
    at = lambda *places: np.array(places, i64).reshape(-1, 2)
    for dtype in dtypes(name):
        if name == "SparseAddGrad":
            yield Call([values(rng, dtype, (4,)), at([0, 1], [2, 0]), at([0, 1], [1, 1], [3, 0]), at([0, 1], [1, 1], [2, 0], [3, 0])])
        else:
            yield Call([values(rng, dtype, (2,)), at([0, 1], [1, 2], [2, 0], [2, 2]), np.array([1, 1], i64), at([0, 1], [1, 1])])
    if name == "SparseAddGrad":
        yield Call([np.zeros(0, f32), at(), at(), at()])
        yield Call([values(rng, f32, (1,)), at([0, 1], [2, 0]), at(), at([2, 0])])
        for gradient, indices in (((3,), at([0, 1], [2, 0])), ((2, 1), at([0, 1], [2, 0])), ((1,), np.zeros((1, 3), i64)), ((2,), np.zeros(2, i64))):
            yield Bad([values(rng, f32, gradient), at([0, 1]), at([2, 0]), indices])
    else:
        for start, output in (([1], at([0, 1])), ([1, 1], at([0, 1], [1, 1])), ([1, 1], at([0, 0]))):
            yield Bad([values(rng, f32, (1,)), at([0, 1], [1, 2]), np.array(start, i64), output])
