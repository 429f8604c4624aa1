"""Convolution, pooling, normalisation, softmax, bias."""

import numpy as np
from calls import VECTOR_SIZES, Bad, Call, combinations, dtypes, f32, i32, i64, op, periodic, values
from ops.array_shapes import ints

CONV = (
    # input, filter, strides, padding, dilations
    ((1, 5, 5, 2), (3, 3, 2, 3), (1, 1), "VALID", (1, 1)), ((2, 5, 6, 3), (3, 2, 3, 4), (2, 2), "SAME", (1, 1)), ((1, 7, 7, 1), (3, 3, 1, 2), (1, 1), "SAME", (2, 2)),
    ((1, 8, 5, 2), (1, 1, 2, 5), (1, 1), "VALID", (1, 1)), ((2, 4, 4, 3), (1, 1, 3, 2), (2, 2), "SAME", (1, 1)), ((1, 6, 6, 4), (3, 3, 2, 6), (1, 1), "SAME", (1, 1)),
    ((1, 9, 7, 2), (2, 3, 2, 2), (3, 1), "VALID", (1, 2)), ((1, 5, 5, 2), (5, 5, 2, 1), (1, 1), "VALID", (1, 1)), ((1, 3, 3, 1), (4, 4, 1, 1), (1, 1), "SAME", (1, 1)),
    ((1, 10, 11, 17), (3, 3, 17, 9), (2, 1), "SAME", (1, 1)), ((3, 6, 5, 8), (3, 3, 4, 16), (1, 2), "VALID", (1, 1)), ((0, 5, 5, 2), (3, 3, 2, 3), (1, 1), "VALID", (1, 1)),
)


def square(strides, dilations=(1, 1)) -> dict:
    return {"strides": [1, *strides, 1], "dilations": [1, *dilations, 1]}


@op("Conv2D", family="nn", tolerance="eps 32")
def conv2d(name, rng):
    for dtype in dtypes(name):
        for image, kernel, strides, padding, dilations in CONV if dtype is f32 else CONV[:6]:
            x, w = values(rng, dtype, image, -2, 2), values(rng, dtype, kernel, -1, 1)
            yield Call([x, w], {**square(strides, dilations), "padding": padding})
    explicit = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 3, 0, 0]}
    yield Call([values(rng, f32, (1, 5, 6, 2)), values(rng, f32, (3, 3, 2, 3))], {**square((1, 1)), **explicit})
    yield Call([values(rng, f32, (1, 5, 6, 2)), values(rng, f32, (2, 3, 2, 3))], {**square((2, 1), (1, 2)), **explicit})
    yield Call([periodic(rng, f32, 32 * 32 * 8).reshape(1, 32, 32, 8), values(rng, f32, (3, 3, 8, 16), -1, 1)], {**square((1, 1)), "padding": "SAME"})
    yield Call([periodic(rng, f32, 28 * 28 * 16).reshape(1, 28, 28, 16), values(rng, f32, (1, 1, 16, 24), -1, 1)], {**square((1, 1)), "padding": "VALID"})
    ok = {**square((1, 1)), "padding": "VALID"}
    for image, kernel, attrs in (((1, 5, 5, 3), (3, 3, 2, 4), ok), ((5, 5, 2), (3, 3, 2, 3), ok), ((1, 5, 5, 2), (3, 2, 3), ok), ((1, 5, 5, 4), (3, 3, 2, 3), ok),
                                 ((1, 5, 5, 2), (3, 3, 2, 3), {**ok, "strides": [2, 1, 1, 1]}), ((1, 5, 5, 2), (3, 3, 2, 3), {**ok, "strides": [1, 0, 1, 1]}),
                                 ((1, 5, 5, 2), (3, 3, 2, 3), {**ok, "dilations": [1, 0, 1, 1]}), ((1, 5, 5, 2), (3, 3, 0, 3), ok),
                                 ((1, 5, 5, 2), (3, 3, 2, 3), {**ok, "padding": "EXPLICIT", "explicit_paddings": [0, 0, -1, 0, 0, 0, 0, 0]})):
        yield Bad([values(rng, f32, image), values(rng, f32, kernel)], attrs=attrs)


@op("DepthwiseConv2dNative", family="nn", tolerance="eps 32")
def depthwise(name, rng):
    for dtype in dtypes(name):
        for image, kernel, stride, padding in (((1, 5, 6, 3), (3, 3, 3, 1), 1, "SAME"), ((2, 6, 5, 2), (2, 3, 2, 3), 2, "VALID"), ((1, 7, 7, 1), (3, 3, 1, 4), 2, "SAME")):
            yield Call([values(rng, dtype, image, -2, 2), values(rng, dtype, kernel, -1, 1)], {"strides": [1, stride, stride, 1], "padding": padding})
    for image, kernel, stride, padding, dilation in (((1, 9, 8, 17), (3, 3, 17, 1), 1, "VALID", 2), ((1, 9, 8, 8), (3, 3, 8, 2), 1, "SAME", 3), ((1, 12, 12, 16), (5, 5, 16, 1), 1, "SAME", 1), ((0, 5, 5, 2), (3, 3, 2, 1), 1, "SAME", 1)):
        yield Call([values(rng, f32, image), values(rng, f32, kernel)], {"strides": [1, stride, stride, 1], "padding": padding, "dilations": [1, dilation, dilation, 1]})
    yield Call([values(rng, f32, (1, 5, 5, 2)), values(rng, f32, (3, 3, 2, 1))], {"strides": [1, 1, 1, 1], "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 2, 1, 0, 0]})
    ok = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    for image, kernel, attrs in (((1, 5, 5, 2), (3, 3, 3, 1), ok), ((5, 5, 2), (3, 3, 2, 1), ok), ((1, 5, 5, 2), (3, 3, 2, 1), {**ok, "strides": [1, 1, 2, 1]})):
        yield Bad([values(rng, f32, image), values(rng, f32, kernel)], attrs=attrs)


@op("Conv2DBackpropInput", family="nn", tolerance="eps 32")
def conv2d_transposed(name, rng):
    for dtype in dtypes(name):
        for image, kernel, strides, padding, dilations in (CONV[0:5] + CONV[7:9] + CONV[9:10] if dtype is f32 else CONV[:2]):
            size = lambda n, k, s, d: -(-n // s) if padding == "SAME" else (n - (k - 1) * d - 1) // s + 1
            h = size(image[1], kernel[0], strides[0], dilations[0])
            w = size(image[2], kernel[1], strides[1], dilations[1])
            if dilations != (1, 1) and dtype is i32:
                continue
            gradient = values(rng, dtype, (image[0], h, w, kernel[3]), -2, 2)
            yield Call([np.array(image, i32), values(rng, dtype, kernel, -1, 1), gradient], {**square(strides, dilations), "padding": padding})
    yield Call([ints(1, 5, 6, 2), values(rng, f32, (3, 3, 2, 3)), values(rng, f32, (1, 6, 7, 3))], {**square((1, 1)), "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 3, 0, 0]})
    yield Call([ints(5, 6), values(rng, f32, (3, 3, 2, 3)), values(rng, f32, (2, 5, 6, 3))], {**square((1, 1)), "padding": "SAME"})
    yield Call([ints(0, 5, 6, 2), values(rng, f32, (3, 3, 2, 3)), values(rng, f32, (0, 5, 6, 3))], {**square((1, 1)), "padding": "SAME"})
    ok = {**square((1, 1)), "padding": "VALID"}
    for sizes, kernel, gradient in (([1, 5, 5, 2], (3, 3, 2, 3), (1, 4, 3, 3)), ([1, 5, 5, 3], (3, 3, 2, 3), (1, 3, 3, 3)), ([1, 5, 5, 2], (3, 3, 2, 3), (1, 3, 3, 2)), ([2, 5, 5, 2], (3, 3, 2, 3), (1, 3, 3, 3)), ([1, 5, 5], (3, 3, 2, 3), (1, 3, 3, 3))):
        yield Bad([np.array(sizes, i32), values(rng, f32, kernel), values(rng, f32, gradient)], attrs=ok)


@op("Conv3D", family="nn", tolerance="eps 32")
def conv3d(name, rng):
    for dtype in dtypes(name):
        for image, kernel, stride, padding in (((1, 4, 5, 3, 2), (2, 3, 2, 2, 3), 1, "SAME"), ((2, 3, 4, 4, 1), (2, 2, 3, 1, 2), 2, "VALID"), ((1, 5, 5, 5, 1), (3, 3, 3, 1, 1), 2, "SAME"), ((1, 2, 2, 2, 3), (1, 1, 1, 3, 2), 1, "VALID")):
            yield Call([values(rng, dtype, image, -2, 2), values(rng, dtype, kernel, -1, 1)], {"strides": [1, stride, stride, stride, 1], "padding": padding})
    yield Call([values(rng, f32, (1, 5, 6, 7, 2)), values(rng, f32, (2, 2, 2, 2, 3))], {"strides": [1] * 5, "padding": "VALID", "dilations": [1, 2, 1, 3, 1]})
    ok = {"strides": [1] * 5, "padding": "VALID"}
    for image, kernel in (((1, 4, 4, 4, 3), (2, 2, 2, 2, 1)), ((4, 4, 4, 2), (2, 2, 2, 2, 1)), ((1, 1, 4, 4, 2), (2, 2, 2, 2, 1))):
        yield Bad([values(rng, f32, image), values(rng, f32, kernel)], attrs=ok)


@op("Conv3DBackpropInputV2", family="nn", tolerance="eps 32")
def conv3d_transposed(name, rng):
    for dtype in dtypes(name):
        for sizes, kernel, gradient, stride, padding in (([1, 4, 5, 3, 2], (2, 3, 2, 2, 3), (1, 4, 5, 3, 3), 1, "SAME"), ([2, 3, 4, 4, 1], (2, 2, 3, 1, 2), (2, 1, 2, 1, 2), 2, "VALID"), ([1, 5, 5, 5, 1], (3, 3, 3, 1, 1), (1, 3, 3, 3, 1), 2, "SAME")):
            for index in (i32, i64):
                yield Call([np.array(sizes, index), values(rng, dtype, kernel, -1, 1), values(rng, dtype, gradient)], {"strides": [1, stride, stride, stride, 1], "padding": padding})
    yield Bad([ints(1, 4, 4, 4, 2), values(rng, f32, (2, 2, 2, 2, 1)), values(rng, f32, (1, 4, 4, 4, 1))], attrs={"strides": [1] * 5, "padding": "VALID"})


POOLS = (((1, 5, 6, 2), (2, 2), (2, 2), "VALID"), ((2, 5, 5, 3), (3, 3), (2, 2), "SAME"), ((1, 4, 7, 1), (2, 3), (1, 2), "SAME"), ((1, 6, 6, 17), (3, 2), (1, 1), "VALID"), ((1, 3, 3, 2), (3, 3), (1, 1), "VALID"))


def window(size, stride) -> dict:
    return {"ksize": [1, *size, 1], "strides": [1, *stride, 1]}


@op("MaxPool", "AvgPool", family="nn", tolerance="eps 8")
def pool(name, rng):
    exact = "exact" if name == "MaxPool" else ""
    for dtype in dtypes(name):
        for image, size, stride, padding in POOLS:
            yield Call([values(rng, dtype, image)], {**window(size, stride), "padding": padding}, tolerance=exact)
    for image, size, stride, padding in (((1, 16, 15, 8), (3, 3), (2, 2), "SAME"), ((0, 4, 4, 2), (2, 2), (2, 2), "SAME"), ((1, 30, 30, 32), (2, 2), (2, 2), "VALID")):
        yield Call([periodic(rng, f32, int(np.prod(image))).reshape(image)], {**window(size, stride), "padding": padding}, tolerance=exact)
    if name == "MaxPool":
        yield Call([values(rng, f32, (1, 5, 6, 2))], {**window((2, 2), (2, 2)), "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 1, 0, 1, 0, 0]}, tolerance=exact)
        yield Call([values(rng, f32, (1, 3, 3, 4))], {"ksize": [1, 1, 1, 2], "strides": [1, 1, 1, 2], "padding": "VALID"}, tolerance=exact)
        yield Call([np.array([1, np.nan, 3, 2], f32).reshape(1, 2, 2, 1)], {**window((2, 2), (1, 1)), "padding": "SAME"}, tolerance=exact, kind="not a number")
    for image, attrs in (((4, 4, 2), window((2, 2), (2, 2))), ((1, 4, 4, 2), {"ksize": [2, 2, 2, 1], "strides": [1] * 4}), ((1, 4, 4, 2), {"ksize": [1, 0, 2, 1], "strides": [1] * 4}), ((1, 4, 4, 2), {"ksize": [1, 2, 2, 1], "strides": [1, 0, 1, 1]})):
        yield Bad([values(rng, f32, image)], attrs={**attrs, "padding": "VALID"})


@op("MaxPoolV2", family="nn")
def max_pool_v2(name, rng):
    for dtype in dtypes(name):
        for image, size, stride, padding in POOLS[:3]:
            yield Call([values(rng, dtype, image), ints(1, *size, 1), ints(1, *stride, 1)], {"padding": padding})
    yield Bad([values(rng, f32, (1, 4, 4, 2)), ints(1, 2, 2), ints(1, 1, 1, 1)], attrs={"padding": "VALID"})
    yield Bad([values(rng, f32, (1, 4, 4, 2)), ints(1, 0, 2, 1), ints(1, 1, 1, 1)], attrs={"padding": "VALID"})


@op("MaxPoolWithArgmax", family="nn")
def max_pool_argmax(name, rng):
    for dtype, index in combinations(name, "T", "Targmax"):
        for batch in (False, True):
            yield Call([values(rng, dtype, (2, 5, 5, 3), -9, 9)], {**window((2, 2), (2, 2)), "padding": "SAME", "include_batch_in_index": batch, "Targmax": index})
    yield Call([np.ones((1, 4, 4, 1), f32)], {**window((3, 3), (1, 1)), "padding": "VALID"})
    yield Bad([values(rng, f32, (4, 4, 1))], attrs={**window((3, 3), (1, 1)), "padding": "VALID"})


@op("MaxPool3D", "AvgPool3D", family="nn", tolerance="eps 8")
def pool3d(name, rng):
    for dtype in dtypes(name):
        for image, size, stride, padding in (((1, 4, 5, 6, 2), (2, 2, 2), (2, 2, 2), "VALID"), ((2, 3, 4, 5, 1), (2, 3, 2), (1, 2, 2), "SAME")):
            yield Call([values(rng, dtype, image)], {**window(size, stride), "padding": padding})
    yield Bad([values(rng, f32, (4, 4, 4, 1))], attrs={**window((2, 2, 2), (1, 1, 1)), "padding": "VALID"})


@op("Dilation2D", family="nn", tolerance="eps 2")
def dilation(name, rng):
    for dtype in dtypes(name):
        for padding in ("SAME", "VALID"):
            yield Call([values(rng, dtype, (1, 5, 6, 2)), values(rng, dtype, (2, 3, 2))], {"strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1], "padding": padding})
    yield Bad([values(rng, f32, (1, 5, 6, 2)), values(rng, f32, (2, 3, 3))], attrs={"strides": [1] * 4, "rates": [1] * 4, "padding": "SAME"})


@op("BiasAdd", family="nn")
def bias_add(name, rng):
    for dtype in dtypes(name):
        for shape in ((2, 3), (2, 2, 3), (1, 2, 2, 3), (1, 2, 1, 2, 3)):
            yield Call([values(rng, dtype, shape), values(rng, dtype, (3,))])
            if len(shape) > 2:
                yield Call([values(rng, dtype, shape), values(rng, dtype, (shape[1],))], {"data_format": "NCHW"})
    for size in VECTOR_SIZES:
        yield Call([values(rng, f32, (3, size)), values(rng, f32, (size,))])
    yield Call([np.zeros((0, 3), f32), values(rng, f32, (3,))])
    yield Call([periodic(rng, f32, 70000).reshape(700, 100), values(rng, f32, (100,))])
    for shape, bias in (((2, 3), (2,)), ((3,), (3,)), ((2, 3), (1, 3))):
        yield Bad([values(rng, f32, shape), values(rng, f32, bias)])


@op("BiasAddV1", family="nn")
def bias_add_v1(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (2, 2, 3)), values(rng, dtype, (3,))])


@op("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", family="nn", tolerance="eps 64")
def batch_norm(name, rng):
    for dtype in dtypes(name):
        stat = dtype if name == "FusedBatchNorm" else f32
        side = lambda n: [values(rng, stat, (n,), 0.5, 2), values(rng, stat, (n,))]
        for shape in ((2, 3, 4, 5), (1, 1, 1, 3), (3, 2, 2, 17)):
            n = shape[-1]
            yield Call([values(rng, dtype, shape), *side(n), values(rng, stat, (n,)), values(rng, stat, (n,), 0.5, 3)], {"is_training": False, "epsilon": 0.001}, outputs=(0, 1, 2))
        yield Call([values(rng, dtype, (2, 3, 4, 5)), *side(5), np.zeros(0, stat), np.zeros(0, stat)], {"is_training": True})
        channels = [values(rng, dtype, (2, 3, 4, 2)), *side(3), values(rng, stat, (3,)), values(rng, stat, (3,), 0.5, 3)]
        yield Call(channels, {"is_training": False, "data_format": "NCHW"}, outputs=(0, 1, 2))
    if name == "FusedBatchNormV3":
        yield Call([values(rng, f32, (2, 2, 2, 2, 3)), *(values(rng, f32, (3,), 0.5, 1) for _ in range(4))], {"is_training": False, "data_format": "NDHWC"}, outputs=(0, 1, 2))
    x = values(rng, f32, (2, 2, 2, 3))
    v = lambda n: values(rng, f32, (n,), 0.5, 1)
    for inputs in ([x, v(2), v(3), v(3), v(3)], [x, v(3), v(3), v(2), v(3)], [x[0], v(3), v(3), v(3), v(3)], [x, v(3), v(3), v(0), v(0)]):
        yield Bad(inputs, attrs={"is_training": False})


@op("Softmax", "LogSoftmax", family="nn", tolerance="eps 8")
def softmax(name, rng):
    for dtype in dtypes(name):
        for shape in ((5,), (2, 3), (2, 3, 4), (0, 3), (2, 1)):
            yield Call([values(rng, dtype, shape, -6, 6)])
    for size in (*VECTOR_SIZES, 1000):
        yield Call([values(rng, f32, (3, size), -9, 9)])
    for row in ([-np.inf] * 3, [np.inf, 0, 1], [np.nan, 0, 1], [1000, 999, -1000], [-np.inf, 0, 1], [88, 89, 90]):
        yield Call([np.array([row], f32)])
    yield Call([values(rng, f32, (2, 2, 3, 2, 5), -3, 3)])
    yield Call([periodic(rng, f32, 70000).reshape(700, 100)])
    yield Bad([np.float32(1)])


@op("LRN", family="nn", tolerance="eps 16")
def lrn(name, rng):
    for dtype in dtypes(name):
        for radius, bias, alpha, beta in ((5, 1.0, 1.0, 0.5), (1, 2.0, 0.1, 0.75), (0, 1.0, 1.0, 1.0)):
            yield Call([values(rng, dtype, (1, 2, 3, 7))], {"depth_radius": radius, "bias": bias, "alpha": alpha, "beta": beta})
    yield Bad([values(rng, f32, (2, 3, 7))])


@op("SoftmaxCrossEntropyWithLogits", family="nn", tolerance="eps 16")
def cross_entropy(name, rng):
    for dtype in dtypes(name):
        yield Call([values(rng, dtype, (3, 4)), values(rng, dtype, (3, 4), 0, 1)])
        yield Call([values(rng, dtype, (3, 4)), values(rng, dtype, (1, 4), 0, 1)])
    yield Bad([values(rng, f32, (3, 4)), values(rng, f32, (3, 3))])


@op("SparseSoftmaxCrossEntropyWithLogits", family="nn", tolerance="eps 16")
def sparse_cross_entropy(name, rng):
    for dtype, index in combinations(name, "T", "Tlabels"):
        yield Call([values(rng, dtype, (3, 4)), np.array([0, 3, 1], index)])
    yield Bad([values(rng, f32, (3, 4)), ints(0, 4, 1)])
    yield Bad([values(rng, f32, (3, 4)), ints(0, 1)])
