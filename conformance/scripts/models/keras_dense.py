"""Feed-forward Keras models, exported by Keras 3 and saved by tf_keras."""

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from models import model
from records import Case, Predict


def normal(*shape) -> np.ndarray:
    return np.random.standard_normal(shape).astype(np.float32)


def randomize(net) -> None:
    """Gives every weight a plausible value, also those that start as zeros or ones."""
    for weight in net.weights:
        shape = tuple(weight.shape)
        if weight.dtype not in ("float32", tf.float32):
            continue
        fan = max(1, int(np.prod(shape[:-1])))
        value = normal(*shape) / np.sqrt(fan)
        name = getattr(weight, "path", weight.name)
        if "variance" in name:
            value = np.abs(value) + 0.5
        elif "gamma" in name:
            value = 1 + 0.1 * value
        weight.assign(value)


@model
def keras3_mlp(folder):
    net = keras.Sequential([
        keras.Input((7,), name="features"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(9, activation="tanh"),
        keras.layers.Dense(3, activation="softmax"),
    ])
    randomize(net)
    net.export(folder, verbose=False)
    return Case(
        [Predict({"features": normal(batch, 7)}) for batch in (1, 3, 17, 0)],
        errors=[Predict({"features": normal(2, 6)})],
    )


@model
def tf_keras_mlp(folder):
    net = tf_keras.Sequential([
        tf_keras.Input((5,), name="features"),
        tf_keras.layers.Dense(8, activation="elu"),
        tf_keras.layers.LayerNormalization(),
        tf_keras.layers.Dense(8, activation="selu", use_bias=False),
        tf_keras.layers.PReLU(),
        tf_keras.layers.Dense(2, activation="sigmoid", name="head"),
    ])
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([Predict({"features": normal(batch, 5)}) for batch in (1, 4, 33)])


@model
def keras3_two_inputs(folder):
    left, right = keras.Input((4,), name="left"), keras.Input((3, 2), name="right")
    flat = keras.layers.Flatten()(right)
    mixed = keras.layers.Concatenate()([left, flat])
    hidden = keras.layers.Dense(6, activation="swish")(mixed)
    outputs = {
        "mean": keras.layers.Dense(1, activation="softplus", name="mean")(hidden),
        "gate": keras.layers.Multiply()([hidden, keras.layers.Dense(6, activation="hard_sigmoid")(mixed)]),
    }
    net = keras.Model({"left": left, "right": right}, outputs)
    randomize(net)
    net.export(folder, verbose=False)
    return Case([Predict({"left": normal(b, 4), "right": normal(b, 3, 2)}) for b in (1, 2, 5)])


@model
def keras3_pooled_embedding(folder):
    """Lookups whose indices count from either end, summed up and averaged along each axis."""
    tokens = keras.Input((7,), dtype="int32", name="tokens")
    rows = keras.layers.Embedding(50, 13)(tokens)
    outputs = {
        "rows": rows,
        "mean": keras.layers.GlobalAveragePooling1D()(rows),
        "sum": keras.ops.sum(keras.layers.Embedding(50, 70)(tokens), axis=1, keepdims=True),
        "inner": keras.ops.mean(keras.layers.Embedding(50, 5)(tokens), axis=-1),
        "outer": keras.ops.mean(keras.layers.Embedding(50, 6)(tokens), axis=0),
        "norm": keras.layers.LayerNormalization(center=False)(keras.layers.LayerNormalization()(rows)),
    }
    net = keras.Model(tokens, outputs)
    randomize(net)
    net.export(folder, verbose=False)
    batches = [np.arange(7 * b, dtype=np.int32).reshape(b, 7) * 11 % 100 - 50 for b in (1, 3)]
    return Case(
        [Predict({"tokens": tokens}) for tokens in batches],
        errors=[Predict({"tokens": np.full((1, 7), number, np.int32)}) for number in (50, -51)],
    )


@model
def tf_keras_cnn(folder):
    layers = tf_keras.layers
    net = tf_keras.Sequential([
        tf_keras.Input((None, None, 3), name="image"),
        layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.BatchNormalization(),
        layers.LeakyReLU(0.1),
        layers.Conv2D(6, (1, 3), dilation_rate=(1, 2), padding="valid", activation="relu"),
        layers.ZeroPadding2D(((1, 0), (2, 1))),
        layers.MaxPooling2D(2),
        layers.SeparableConv2D(5, 3, padding="same", activation="tanh"),
        layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        layers.AveragePooling2D(3, strides=1, padding="same"),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="softmax", name="classes"),
    ])
    randomize(net)
    net.save(folder, save_format="tf")
    shapes = [(1, 16, 16, 3), (2, 21, 18, 3), (3, 17, 33, 3)]
    return Case([Predict({"image": normal(*shape)}) for shape in shapes])


@model
def keras3_cnn(folder):
    layers = keras.layers
    image = keras.Input((15, 15, 4), name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    x = layers.BatchNormalization()(x)
    shortcut = x
    x = layers.Conv2D(8, 3, padding="same", groups=2)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(layers.Add()([x, shortcut]))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding="valid")(x)
    squeeze = layers.GlobalAveragePooling2D(keepdims=True)(x)
    squeeze = layers.Conv2D(16, 1, activation="sigmoid")(squeeze)
    x = layers.Multiply()([x, squeeze])
    up = layers.Conv2DTranspose(2, 2, strides=2, padding="valid", name="up")(x)
    net = keras.Model(image, [layers.GlobalMaxPooling2D()(x), layers.Activation("gelu")(up)])
    randomize(net)
    net.export(folder, verbose=False)
    return Case([Predict({"image": normal(batch, 15, 15, 4)}) for batch in (1, 2, 3)])


@model
def tf_keras_conv1d_conv3d(folder):
    layers = tf_keras.layers
    line = tf_keras.Input((None, 4), name="line")
    cube = tf_keras.Input((6, 5, 4, 2), name="cube")
    x = layers.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu")(line)
    x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(3, 2, strides=2, padding="valid")(x)
    y = layers.Conv3D(4, 3, padding="same", activation="relu")(cube)
    y = layers.AveragePooling3D(2)(y)
    y = layers.Conv3DTranspose(2, 2, strides=2)(y)
    y = layers.MaxPooling3D((2, 1, 2), padding="same")(y)
    net = tf_keras.Model([line, cube], {"x": layers.GlobalMaxPooling1D()(x), "y": y})
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([
        Predict({"line": normal(batch, length, 4), "cube": normal(batch, 6, 5, 4, 2)})
        for batch, length in ((1, 12), (2, 31), (3, 8))
    ])


@model
def keras3_preprocessing(folder):
    """Normalization, discretization and category encodings in the graph."""
    layers = keras.layers
    normalization = layers.Normalization(mean=[1.0, -2.0, 0.5], variance=[4.0, 0.25, 1.0])
    numbers = keras.Input((3,), name="numbers")
    category = keras.Input((2,), dtype="int64", name="category")
    buckets = layers.Discretization(bin_boundaries=[-1.0, 0.0, 2.5], output_mode="int")(numbers)
    embedded = layers.Embedding(10, 4)(category)
    multi_hot = layers.CategoryEncoding(10, output_mode="multi_hot")(category)
    net = keras.Model(
        {"numbers": numbers, "category": category},
        {
            "normalized": normalization(numbers),
            "buckets": buckets,
            "embedded": layers.Flatten()(embedded),
            "multi_hot": multi_hot,
        },
    )
    net.export(folder, verbose=False)
    return Case([
        Predict({"numbers": 3 * normal(batch, 3), "category": np.random.randint(0, 10, (batch, 2))})
        for batch in (1, 4, 16)
    ])
