"""What optimisers fuse, in each of the forms in which models write it, and forms that look alike but mean something else."""

import numpy as np
import tensorflow as tf
from models import model
from records import Case, Predict


def normal(*shape) -> np.ndarray:
    return np.random.standard_normal(shape).astype(np.float32)


def spec(*shape, dtype=tf.float32):
    return tf.TensorSpec(shape, dtype)


class Attention(tf.Module):
    """Queries, keys and values `[batch, position, head, depth]` in, averages out."""

    @tf.function(input_signature=[spec(None, None, 2, 5), spec(None, None, 2, 5), spec(None, None, 2, 3), spec(None, 1, 1, None)])
    def einsum(self, q, k, v, mask):
        scores = tf.einsum("aecd,abcd->acbe", k, q * 0.4) + mask
        return {"y": tf.einsum("acbe,aecd->abcd", tf.nn.softmax(scores), v)}

    @tf.function(input_signature=[spec(None, None, 2, 5), spec(None, None, 2, 5), spec(None, None, 2, 3), spec(None, None, dtype=tf.bool)])
    def selected(self, q, k, v, keep):
        scores = tf.einsum("BTNH,BSNH->BNTS", q, k) * 0.4
        keep = tf.logical_and(tf.fill(tf.shape(scores), True), keep[:, None, None, :])
        return {"y": tf.einsum("BNTS,BSNH->BTNH", tf.nn.softmax(tf.where(keep, scores, -1e9)), v)}

    @tf.function(input_signature=[spec(None, None, 2, 5), spec(None, None, 2, 5), spec(None, None, 2, 3), spec(None, 1, None, None)])
    def transposed(self, q, k, v, mask):
        q, k, v = (tf.transpose(x, [0, 2, 1, 3]) for x in (q, k, v))
        scores = tf.matmul(q, k, transpose_b=True) / tf.sqrt(5.0) + mask
        return {"y": tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])}

    @tf.function(input_signature=[spec(None, None, 2, 5), spec(None, None, 1, 5), spec(None, None, 1, 3)])
    def shared(self, q, k, v):
        q, k, v = tf.transpose(q, [0, 2, 1, 3]), tf.transpose(k, [0, 2, 3, 1]), tf.transpose(v, [0, 2, 1, 3])
        return {"y": tf.matmul(tf.nn.softmax(tf.matmul(q, k)), v)}

    @tf.function(input_signature=[spec(None, None, 2, 5), spec(None, None, 2, 5), spec(None, None, 2, 3)])
    def watched(self, q, k, v):
        """The weights are asked for as well, so that nothing may swallow them."""
        weights = tf.nn.softmax(tf.einsum("bqhd,bkhd->bhqk", q, k))
        return {"weights": weights, "y": tf.einsum("bhqk,bkhd->bqhd", weights, v)}

    @tf.function(input_signature=[spec(None, None, 2, 5), spec(None, None, 2, 5), spec(None, None, 2, 3)])
    def over_queries(self, q, k, v):
        """The weights of keys are averaged over queries: no attention, though it has its shape."""
        weights = tf.nn.softmax(tf.einsum("bqhd,bkhd->bhqk", q, k))
        return {"y": tf.einsum("bhqk,bqhd->bkhd", weights, v)}


@model
def rewrite_attention(folder):
    np.random.seed(71)
    module = Attention()
    names = ["einsum", "selected", "transposed", "shared", "watched", "over_queries"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})

    def operands(batch, queries, keys, heads=2):
        return {"q": normal(batch, queries, 2, 5), "k": normal(batch, keys, heads, 5), "v": normal(batch, keys, heads, 3)}

    def added(*shape):
        return np.where(np.random.uniform(size=shape) < 0.3, np.float32(-1e9), 0).astype(np.float32)

    calls = []
    for batch, queries, keys in ((1, 1, 1), (2, 7, 9), (3, 33, 65), (1, 130, 77), (2, 0, 3)):
        some = operands(batch, queries, keys)
        calls += [
            Predict({**some, "mask": added(batch, 1, 1, keys)}, signature="einsum"),
            Predict({**some, "keep": np.random.uniform(size=(batch, keys)) < 0.7}, signature="selected"),
            Predict({**some, "mask": added(batch, 1, queries, keys)}, signature="transposed"),
            Predict(operands(batch, queries, keys, 1), signature="shared"),
            Predict(some, signature="watched"),
        ]
    calls += [Predict(operands(2, 7, 7), signature="over_queries")]
    none = {**operands(2, 4, 6), "keep": np.zeros((2, 6), bool)}
    calls += [Predict(none, signature="selected")]
    one = {**operands(1, 4, 6), "mask": added(3, 1, 4, 6)}
    few = operands(2, 3, 4)
    errors = [
        Predict({**few, "k": normal(2, 5, 2, 5)}, signature="watched"),
        Predict({**few, "v": normal(1, 4, 2, 3), "mask": added(2, 1, 1, 4)}, signature="einsum"),
        Predict({**few, "mask": added(2, 1, 1, 5)}, signature="einsum"),
        Predict({**few, "v": normal(2, 5, 2, 3), "mask": added(2, 1, 3, 4)}, signature="transposed"),
    ]
    return Case(calls + [Predict(one, signature="transposed")], errors=errors)


class Dense(tf.Module):
    """Products with what follows them."""

    def __init__(self):
        self.w = tf.Variable(normal(6, 8) / 2)
        self.b = tf.Variable(normal(8))
        self.parts = tf.Variable(normal(6, 2, 4))
        self.part_bias = tf.Variable(normal(2, 4))

    @tf.function(input_signature=[spec(None, None, 6)])
    def tensordot(self, x):
        y = tf.nn.bias_add(tf.tensordot(x, self.w, 1), self.b)
        return {"erf": tf.nn.gelu(y), "relu": tf.nn.relu(tf.nn.bias_add(tf.tensordot(x, self.w, 1), self.b))}

    @tf.function(input_signature=[spec(None, 6, None, 6)])
    def tensordots(self, x):
        """Over the last dimension and over others, which moves dimensions first."""
        shared = tf.tensordot(x, self.w, 1)
        square = tf.reshape(self.parts, [6, 8])[:, :6]
        return {
            "last": tf.nn.relu(tf.tensordot(x, self.w, 1) + self.b),
            "turned": tf.tensordot(x, tf.transpose(self.w), [[3], [1]]) + self.b,
            "second": tf.tensordot(x, self.w, [[1], [0]]) + self.b,
            "residual": tf.nn.relu(tf.tensordot(x, square, 1) + self.b[:6] + x),
            "shared": shared,
            "of_shared": tf.tanh(shared + self.b),
        }

    @tf.function(input_signature=[spec(None, None, 6)])
    def gelus(self, x):
        def y():
            return tf.matmul(x, self.w) + self.b

        def by_erfc(y):
            return 0.5 * y * tf.math.erfc(-y * 0.70710677)

        def by_cube(y):
            return y * 0.5 * (1.0 + tf.tanh(0.7978845608 * (y + 0.044715 * y * y * y)))

        kept = y()
        return {
            "erf": tf.nn.gelu(y()),
            "erfc": by_erfc(y()),
            "tanh": tf.nn.gelu(y(), approximate=True),
            "hard": (lambda y: y * (tf.nn.relu6(y + 3.0) / 6.0))(y()),
            "cube": by_cube(y()),
            "other": 0.5 * kept * (1.0 + tf.math.erf(kept / 1.5)),
            "kept": kept,
            "of_kept": tf.nn.gelu(kept),
        }

    @tf.function(input_signature=[spec(None, 3, 6)])
    def heads(self, x):
        y = tf.matmul(x, tf.reshape(self.parts, [6, 8]))
        split = tf.reshape(y, [-1, 3, 2, 4]) + self.part_bias
        # Here the bias does not lie along the channels.
        mixed = tf.reshape(tf.matmul(x, self.w), [-1, 8, 3]) + tf.reshape(self.b, [8, 1])[:, :1]
        return {"split": split, "mixed": mixed, "einsum": tf.einsum("abc,cde->abde", x, self.parts) + self.part_bias}

    @tf.function(input_signature=[spec(None, 6), spec(None, None), spec(None, None, 8)])
    def sums(self, x, other, deep):
        """Something is added to the product: as large, smaller, larger, of more dimensions."""

        def y():
            return tf.matmul(x, self.w) + self.b

        kept = y()
        return {
            "after": tf.tanh(y() + other),
            "before": tf.nn.relu(other + y()),
            "plain": other + y(),
            "deep": tf.sigmoid(y() + deep),
            "batches": tf.nn.gelu(tf.matmul(deep[..., :6], self.w) + self.b + deep),
            "twice": kept + kept,
            "of_itself": kept + tf.sin(kept),
        }


@model
def rewrite_dense(folder):
    np.random.seed(72)
    module = Dense()
    names = ["tensordot", "tensordots", "gelus", "heads", "sums"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})
    calls = []
    for batch, steps in ((1, 1), (2, 5), (4, 33), (0, 3)):
        calls += [Predict({"x": normal(batch, steps, 6) * 3}, signature=name) for name in ("tensordot", "gelus")]
    calls += [Predict({"x": normal(batch, 6, width, 6)}, signature="tensordots") for batch, width in ((1, 1), (2, 3), (3, 0))]
    calls += [Predict({"x": normal(batch, 3, 6)}, signature="heads") for batch in (1, 3, 17, 0)]

    def sums(rows, other, deep):
        return Predict({"x": normal(rows, 6), "other": normal(*other), "deep": normal(*deep)}, signature="sums")

    calls += [sums(3, (3, 8), (2, 3, 8)), sums(3, (1, 8), (1, 1, 8)), sums(1, (4, 8), (2, 4, 8)), sums(5, (5, 1), (1, 5, 8)), sums(0, (1, 1), (2, 1, 8))]
    errors = [Predict({"x": normal(2, 5)}, signature="tensordot"), sums(3, (2, 8), (1, 3, 8))]
    return Case(calls, errors=errors)


class Convolutions(tf.Module):
    """Convolutions with what stands around them."""

    def __init__(self):
        self.small = tf.Variable(normal(3, 3, 6, 8) / 5)
        self.deep = tf.Variable(normal(3, 3, 6, 1))
        self.wide = tf.Variable(normal(3, 3, 32, 32) / 10)
        self.b = tf.Variable(normal(8))
        self.wide_bias = tf.Variable(normal(32))
        self.scale = tf.Variable(normal(8))

    def conv(self, x, padding="VALID", strides=1):
        return tf.nn.conv2d(x, self.small, strides, padding)

    @tf.function(input_signature=[spec(None, None, None, 6)])
    def padded(self, x):
        once = [[0, 0], [1, 1], [0, 2], [0, 0]]
        shared = tf.pad(x, once)
        return {
            "conv": self.conv(tf.pad(x, once)),
            "strided": self.conv(tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]]), strides=2),
            "twice": self.conv(tf.pad(x, once), [[0, 0], [1, 0], [0, 1], [0, 0]]),
            "same": self.conv(tf.pad(x, once), "SAME"),
            "ones": self.conv(tf.pad(x, once, constant_values=1.0)),
            "mirrored": self.conv(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")),
            "batch": self.conv(tf.pad(x, [[1, 0], [1, 1], [0, 2], [0, 0]])),
            "depthwise": tf.nn.depthwise_conv2d(tf.pad(x, once), self.deep, [1, 2, 2, 1], "VALID"),
            "depthwise_relu": tf.nn.relu6(
                tf.nn.bias_add(tf.nn.depthwise_conv2d(tf.pad(x, once), self.deep, [1, 2, 2, 1], "VALID"), self.b[:6])),
            "shared": self.conv(shared),
            "kept": shared,
        }

    @tf.function(input_signature=[spec(None, None, None, 6)])
    def followed(self, x):
        def y():
            return tf.nn.bias_add(self.conv(x, "SAME"), self.b)

        watched, other = y(), self.conv(x, "SAME") * 0.5
        return {
            "relu": tf.nn.relu(y()),
            "relu6": tf.nn.relu6(y()),
            "leaky": tf.nn.leaky_relu(y(), 0.3),
            "silu": tf.nn.silu(y()),
            "hard": (lambda y: y * (tf.nn.relu6(y + 3.0) / 6.0))(y()),
            "hard_by_product": (lambda y: (1 / 6 * tf.nn.relu6(3.0 + y)) * y)(y()),
            "hard_of_four": (lambda y: y * (tf.nn.relu6(y + 4.0) / 6.0))(y()),
            "hard_upside_down": (lambda y: y * (6.0 / (tf.nn.relu6(y + 3.0) + 1.0)))(y()),
            "hard_of_others": (lambda y: y * (tf.nn.relu6(y * 3.0) / 6.0))(y()),
            "by_sigmoid": (lambda y: y * tf.sigmoid(y))(y()),
            "sum": y() + other,
            "sum_relu": tf.nn.relu(other + y()),
            "sum_of_one_image": y() + other[:1],
            "sum_of_channels": y() + tf.reduce_mean(x),
            "scaled": tf.nn.bias_add(self.conv(x, "SAME") * self.scale, self.b),
            "watched": watched,
            "of_watched": tf.nn.silu(watched),
        }

    @tf.function(input_signature=[spec(None, None, None, 32)])
    def by_tiles(self, x):
        y = tf.nn.bias_add(tf.nn.conv2d(x, self.wide, 1, "SAME"), self.wide_bias)
        return {"relu": tf.nn.relu(y), "valid": tf.nn.conv2d(x, self.wide, 1, "VALID"), "sum": tf.nn.relu(y + x)}


@model
def rewrite_convolutions(folder):
    np.random.seed(73)
    module = Convolutions()
    names = ["padded", "followed", "by_tiles"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})
    calls = []
    for batch, height, width in ((1, 3, 3), (2, 5, 8), (1, 14, 13)):
        x = normal(batch, height, width, 6)
        calls += [Predict({"x": x}, signature=name) for name in ("padded", "followed")]
    calls += [Predict({"x": normal(b, h, w, 32)}, signature="by_tiles") for b, h, w in ((1, 16, 16), (2, 11, 23), (1, 3, 4))]
    # Transforms of tiles round at the size of the largest of 288 products, not of their sum.
    return Case(calls, atol=2e-5, why="convolutions by tiles round at the size of the products")


class Bottlenecks(tf.Module):
    """Cells expanded and convolved by channel: images of all sizes, steps, paddings and activations."""

    def __init__(self):
        super().__init__()
        self.expand = tf.Variable(normal(1, 1, 7, 70) / 3.0)
        self.bias = tf.Variable(normal(70))
        self.small = tf.Variable(normal(3, 3, 70, 1) / 3.0)
        self.large = tf.Variable(normal(5, 5, 70, 1) / 5.0)
        self.offset = tf.Variable(normal(70))

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 7], tf.float32, "x")])
    def bottlenecks(self, x):
        def block(filters, activate, strides, padding, dilations=None):
            y = activate(tf.nn.conv2d(x, self.expand, 1, "SAME") + self.bias)
            y = tf.nn.depthwise_conv2d(y, filters, [1, strides, strides, 1], padding, dilations=dilations)
            return activate(y + self.offset)

        silu = lambda y: y * tf.sigmoid(y)
        blocks = {
            "relu6": block(self.small, tf.nn.relu6, 1, "SAME"),
            "silu": block(self.large, silu, 2, "SAME"),
            "plain": block(self.small, tf.identity, 1, "VALID", [2, 3]),
            "elu": block(self.large, tf.nn.elu, 1, [[0, 0], [1, 3], [0, 2], [0, 0]]),
        }
        # The outputs themselves are too many to keep.
        return {name: tf.reduce_mean(y, axis=2) for name, y in blocks.items()}


@model
def rewrite_bottlenecks(folder):
    np.random.seed(91)
    module = Bottlenecks()
    tf.saved_model.save(module, folder, signatures=module.bottlenecks)
    # The last ones are made in bands: 4 * 61 * 59 * 70 bytes are more than stay in cache.
    return Case([Predict({"x": normal(*dims, 7)}) for dims in ((1, 9, 11), (2, 17, 8), (1, 61, 59), (3, 40, 71))])


class Dilated(tf.Module):
    """Convolutions of cells dealt out to batches: lines and images, with bias, activation and padding before, and look-alikes."""

    def __init__(self):
        super().__init__()
        self.line = tf.Variable(normal(1, 2, 5, 6) / 3.0)
        self.column = tf.Variable(normal(3, 1, 5, 6) / 4.0)
        self.image = tf.Variable(normal(3, 2, 5, 6) / 5.0)
        self.channels = tf.Variable(normal(2, 3, 5, 1) / 2.0)
        self.bias = tf.Variable(normal(6))

    def dealt(self, x, block, pads, crops, convolve):
        y = tf.raw_ops.SpaceToBatchND(input=x, block_shape=block, paddings=pads)
        return tf.raw_ops.BatchToSpaceND(input=convolve(y), block_shape=block, crops=crops)

    @tf.function(input_signature=[tf.TensorSpec([None, 12, 5], tf.float32, "x")])
    def lines(self, x):
        def row(y):
            return tf.squeeze(tf.nn.conv2d(y[:, None], self.line, 1, "VALID"), [1])

        def column(y):
            return tf.squeeze(tf.nn.conv2d(tf.expand_dims(y, 2), self.column, 1, "VALID"), [-2])

        causal = tf.nn.bias_add(self.dealt(tf.pad(x, [[0, 0], [4, 0], [0, 0]]), [4], [[0, 0]], [[0, 0]], row), self.bias)
        return {
            "gated": tf.tanh(causal) * tf.sigmoid(self.dealt(x, [3], [[3, 0]], [[0, 0]], column) + self.bias[None, None]) [:, :1],
            "causal": causal,
            "cropped": tf.nn.relu(self.dealt(x, [5], [[5, 3]], [[0, 3]], row)),
            # More is cropped than was padded.
            "short": self.dealt(x, [4], [[0, 0]], [[1, 0]], row),
        }

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 9, 5], tf.float32, "x")])
    def images(self, x):
        convolve = lambda y: tf.nn.conv2d(y, self.image, 1, "VALID")
        depthwise = lambda y: tf.nn.depthwise_conv2d(y, self.channels, [1, 1, 1, 1], "VALID")
        watched = tf.raw_ops.SpaceToBatchND(input=x, block_shape=[2, 3], paddings=[[0, 0], [0, 0]])
        return {
            "both": tf.nn.relu(tf.nn.bias_add(self.dealt(x, [2, 3], [[2, 2], [3, 3]], [[0, 0], [1, 2]], convolve), self.bias)),
            "height": self.dealt(x, [2], [[1, 1]], [[0, 1]], depthwise),
            "steps": self.dealt(x, [2, 3], [[0, 0], [0, 0]], [[0, 0], [0, 0]], lambda y: tf.nn.conv2d(y, self.image, 1, "SAME")),
            "watched": watched,
            "of_watched": tf.raw_ops.BatchToSpaceND(input=convolve(watched), block_shape=[2, 3], crops=[[0, 0], [0, 0]]),
            # Put together otherwise than it was dealt out.
            "mixed": tf.raw_ops.BatchToSpaceND(input=convolve(watched), block_shape=[3, 2], crops=[[0, 0], [0, 0]]),
        }


@model
def rewrite_dilated(folder):
    np.random.seed(97)
    module = Dilated()
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in ("lines", "images")})
    lines = [Predict({"x": normal(batch, 12, 5)}, signature="lines") for batch in (1, 3)]
    return Case(lines + [Predict({"x": normal(batch, 8, 9, 5)}, signature="images") for batch in (1, 2)])


class Recurrent(tf.Module):
    """Loops around one cell, as layers write them, and loops that do a little more or less."""

    def __init__(self):
        self.x4, self.h4, self.b4 = (tf.Variable(normal(*s)) for s in ((3, 24), (6, 24), (24,)))
        self.x3, self.h3, self.b3, self.c3 = (tf.Variable(normal(*s)) for s in ((3, 15), (5, 15), (15,), (1, 15)))

    def lstm(self, x, h, c):
        i, f, g, o = tf.split(x @ self.x4 + h @ self.h4 + self.b4, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    def gru(self, x, h):
        xz, xr, xn = tf.split(tf.nn.bias_add(x @ self.x3, self.b3), 3, axis=-1)
        hz, hr, hn = tf.split(h @ self.h3 + self.c3, 3, axis=1)
        z, r = tf.sigmoid(xz + hz), tf.sigmoid(xr + hr)
        return z * h + (1 - z) * tf.tanh(xn + r * hn)

    @staticmethod
    def series(x):
        return tf.TensorArray(tf.float32, tf.shape(x)[1]).unstack(tf.transpose(x, [1, 0, 2]))

    @tf.function(input_signature=[spec(None, None, 3, dtype=tf.float32), spec(dtype=tf.int32), spec(dtype=tf.int32)])
    def layers(self, x, start, end):
        """From a start to an end, each output at its place, at one place, and at none."""
        batch, series = tf.shape(x)[0], self.series(x)
        zeros = lambda units: tf.zeros([batch, units])

        def lstm(t, h, c, out):
            h, c = self.lstm(series.read(t), h, c)
            return t + 1, h, c, out.write(t, h)

        def last(t, h, out):
            h = self.gru(series.read(t), h)
            return t + 1, h, out.write(1, h)

        array = lambda size: tf.TensorArray(tf.float32, size, element_shape=[None, None])
        below = lambda t, *_: t < end
        t, h, c, all_h = tf.while_loop(below, lstm, (start, zeros(6), zeros(6) + 0.5, array(tf.shape(x)[1])), maximum_iterations=4)
        turns, g, one = tf.while_loop(below, last, (start, zeros(5) - 0.5, array(2)))
        _, only = tf.while_loop(below, lambda t, h: (t + 1, self.gru(series.read(t), h)), (start, zeros(5)))
        stacked = lambda array, units: tf.cond(start < end, array.stack, lambda: zeros(units)[None])
        return {"t": t, "h": h, "c": c, "all": stacked(all_h, 6), "turns": turns, "g": g, "one": stacked(one, 5), "only": only}

    @tf.function(input_signature=[spec(None, None, 3, dtype=tf.float32)])
    def broadcast(self, x):
        """States of one row for all."""
        steps, series = tf.shape(x)[1], self.series(x)
        shapes = (tf.TensorShape([]), tf.TensorShape([None, 6]), tf.TensorShape([None, 6]))

        def body(t, h, c):
            return (t + 1, *self.lstm(series.read(t), h, c))

        _, h, c = tf.while_loop(lambda t, *_: t < steps, body, (0, tf.ones([1, 6]), tf.ones([1, 6])), shapes)
        return {"h": h, "c": c}

    @tf.function(input_signature=[spec(None, 6, 3, dtype=tf.float32)])
    def alike(self, x):
        """Steps of two, a state that is changed, a cell whose state is seen, an input that is used twice."""
        batch, series = tf.shape(x)[0], self.series(x)
        zeros = lambda units: tf.zeros([batch, units])
        _, two = tf.while_loop(lambda t, _: t < 6, lambda t, h: (t + 2, self.gru(series.read(t), h)), (0, zeros(5)))
        _, half = tf.while_loop(lambda t, _: t < 6, lambda t, h: (t + 1, self.gru(series.read(t), h) / 2), (0, zeros(5)))
        _, grown = tf.while_loop(
            lambda t, h: tf.logical_and(t < 6, tf.reduce_sum(h) < 3), lambda t, h: (t + 1, self.gru(series.read(t), h)), (0, zeros(5))
        )

        def seen(t, h, c, total):
            h, c = self.lstm(series.read(t), h, c)
            return t + 1, h, c, total + c

        _, h, c, total = tf.while_loop(lambda t, *_: t < 6, seen, (0, zeros(6), zeros(6), zeros(6)))
        swapped = lambda t, h, c: (t + 1, *reversed(self.lstm(series.read(t), h, c)))
        _, first, second = tf.while_loop(lambda t, *_: t < 6, swapped, (0, zeros(6), zeros(6)))
        back = lambda t, h: (t + 1, self.gru(series.read(5 - t), h))
        _, backwards = tf.while_loop(lambda t, _: t < 6, back, (0, zeros(5)))
        return {"two": two, "half": half, "grown": grown, "h": h, "c": c, "total": total, "first": first, "second": second, "backwards": backwards}


@model
def rewrite_recurrent(folder):
    np.random.seed(101)
    module = Recurrent()
    names = ("layers", "broadcast", "alike")
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})

    def layers(*bounds):
        return [
            Predict({"x": normal(batch, 5, 3), "start": np.int32(start), "end": np.int32(end)}, signature="layers") for batch, start, end in bounds
        ]

    broadcast = [Predict({"x": normal(batch, 4, 3)}, signature="broadcast") for batch in (1, 3)]
    alike = [Predict({"x": normal(batch, 6, 3)}, signature="alike") for batch in (1, 3)]
    return Case(layers((1, 0, 5), (3, 1, 3), (2, 3, 3), (1, 3, 5)) + broadcast + alike, errors=layers((2, 0, 9), (1, -1, 2), (1, 4, 7)))


class Shapes(tf.Module):
    """What is known of shapes before they are, and transpositions before products."""

    @tf.function(input_signature=[spec(None, None, None), spec(None, None, None)])
    def sizes(self, x, indices):
        rows = tf.reshape(x, [-1, 12])
        size = tf.shape(rows)
        batch, width = size[0], size[1]
        picks = tf.constant([-1, 3, 0, 11, -12])
        picks = tf.where(picks < 0, picks + width, picks)
        wide = tf.shape(rows, out_type=tf.int64)
        return {
            "picked": tf.gather(rows, picks, axis=1),
            "kept": tf.reshape(rows, [batch, 3, 4]),
            "turned": tf.reshape(rows, tf.stack([2, tf.cast(wide[0], tf.int32), 6])),
            "joined": tf.reshape(rows, tf.concat([size[:1], [4], [3]], 0)) + 1.0,
            "longer": tf.reshape(rows, tf.concat([tf.gather(wide, [0]), tf.constant([6, 2], tf.int64)], 0)),
            "zeros": tf.zeros([batch, 5]) + tf.cast(tf.rank(tf.zeros([batch, 5])), tf.float32),
            "width": wide[1:],
            "all": tf.size(tf.zeros([width, 2])),
            "square": tf.raw_ops.Square(x=size),
            "of_input": tf.shape(x)[1:] * tf.shape(indices)[0],
            "squeezed": tf.squeeze(tf.expand_dims(size, 0)[:, 1:]),
        }

    @tf.function(input_signature=[spec(None, None, None)])
    def unlike(self, x):
        """Sizes of one tensor for another."""
        rows = tf.reshape(x, [-1, 4])
        return {"y": tf.reshape(rows, [tf.shape(x)[0], 4]), "z": tf.reshape(x, [tf.shape(rows)[0], 2, 2])}

    @tf.function(input_signature=[spec(None, None, None), spec(None, None, None)])
    def transposed(self, x, y):
        swap = lambda t: tf.transpose(t, [0, 2, 1])
        half = tf.cast(x, tf.complex64) * (1 + 2j)
        return {
            "self": tf.matmul(x, swap(x)),
            "left": tf.matmul(tf.transpose(x, [-3, -1, -2]), x),
            "both": tf.matmul(swap(y), swap(x)),
            "twice": tf.matmul(swap(x), swap(y), transpose_a=True, transpose_b=True),
            "complex": tf.matmul(half, tf.transpose(half, [0, 2, 1])),
            "adjoint": tf.matmul(half, tf.transpose(half, [0, 2, 1], conjugate=True)),
            "around": tf.matmul(x, tf.transpose(tf.transpose(x, [2, 0, 1]), [1, 0, 2])),
        }


@model
def rewrite_shapes(folder):
    np.random.seed(103)
    module = Shapes()
    names = ("sizes", "unlike", "transposed")
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})
    sizes = [Predict({"x": normal(*dims, 6), "indices": normal(batch, 1, 1)}, signature="sizes") for dims, batch in (((1, 2), 2), ((3, 4), 0), ((0, 2), 1))]
    transposed = [
        Predict({"x": normal(batch, m, k), "y": normal(batch, k, m)}, signature="transposed")
        for batch, m, k in ((1, 1, 1), (2, 3, 5), (2, 18, 13), (1, 33, 40), (0, 3, 2), (2, 0, 3))
    ]
    unlike = [Predict({"x": normal(3, 2, 2)}, signature="unlike")]
    errors = [Predict({"x": normal(1, 5, 1), "indices": normal(1, 1, 1)}, signature="sizes")]
    return Case(sizes + unlike + transposed, errors=errors, atol=2e-4, why="sums of up to forty products of numbers up to ten cancel")
