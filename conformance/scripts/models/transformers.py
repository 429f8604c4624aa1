"""Attention models."""

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from models import model
from models.keras_dense import normal, randomize
from records import Case, Predict


def block(layers, x, heads, width, mask=None):
    attended = layers.MultiHeadAttention(heads, width // heads)(x, x, attention_mask=mask)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, attended]))
    hidden = layers.Dense(2 * width, activation="gelu")(x)
    return layers.LayerNormalization()(layers.Add()([x, layers.Dense(width)(hidden)]))


@model
def tf_keras_transformer(folder):
    layers = tf_keras.layers
    tokens = tf_keras.Input((None,), dtype=tf.int32, name="tokens")
    mask = tf_keras.Input((None,), dtype=tf.int32, name="mask")
    x = layers.Embedding(20, 8)(tokens)
    for _ in range(2):
        x = block(layers, x, 2, 8, mask[:, tf.newaxis, :])
    net = tf_keras.Model({"tokens": tokens, "mask": mask}, {"first": x[:, 0], "all": x})
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([
        Predict({
            "tokens": np.random.randint(0, 20, (batch, time)).astype(np.int32),
            "mask": (np.arange(time)[None, :] < 1 + np.arange(batch)[:, None] * 3).astype(np.int32),
        })
        for batch, time in ((1, 5), (3, 9), (2, 16))
    ])


@model
def keras3_transformer(folder):
    layers = keras.layers
    features = keras.Input((None, 8), name="features")
    x = block(layers, features, 4, 8)
    x = layers.GlobalAveragePooling1D()(x)
    net = keras.Model(features, layers.Dense(3, activation="log_softmax")(x))
    randomize(net)
    net.export(folder, verbose=False)
    return Case([Predict({"features": normal(b, t, 8)}) for b, t in ((1, 4), (2, 17), (5, 1))])


@model
def decoder_step(folder):
    """A cached causal decoder step: einsum, cache update by index, top-k choice."""

    class Decoder(tf.Module):
        def __init__(self):
            self.embedding = tf.Variable(normal(17, 8))
            self.query, self.key, self.value = (tf.Variable(normal(8, 2, 4) / 3) for _ in range(3))
            self.out = tf.Variable(normal(2, 4, 8) / 3)

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int32, "token"),
                tf.TensorSpec([], tf.int32, "position"),
                tf.TensorSpec([None, None, 2, 4], tf.float32, "keys"),
                tf.TensorSpec([None, None, 2, 4], tf.float32, "values"),
            ]
        )
        def step(self, token, position, keys, values):
            x = tf.gather(self.embedding, token)
            q = tf.einsum("bd,dhk->bhk", x, self.query)
            k = tf.einsum("bd,dhk->bhk", x, self.key)
            v = tf.einsum("bd,dhk->bhk", x, self.value)
            place = tf.one_hot(position, tf.shape(keys)[1])[None, :, None, None]
            keys = keys * (1 - place) + place * k[:, None]
            values = values * (1 - place) + place * v[:, None]
            scores = tf.einsum("bhk,bthk->bht", q, keys) / 2.0
            unseen = tf.range(tf.shape(keys)[1]) > position
            weights = tf.nn.softmax(tf.where(unseen, -1e9, scores))
            x += tf.einsum("bht,bthk,hkd->bd", weights, values, self.out)
            logits = tf.matmul(x, self.embedding, transpose_b=True)
            best, index = tf.math.top_k(logits, 3)
            return {"keys": keys, "values": values, "best": best, "index": index}

    module = Decoder()
    tf.saved_model.save(module, folder, signatures=module.step)
    return Case([
        Predict({
            "token": np.random.randint(0, 17, batch).astype(np.int32),
            "position": np.int32(position),
            "keys": normal(batch, 6, 2, 4),
            "values": normal(batch, 6, 2, 4),
        })
        for batch, position in ((1, 0), (3, 4), (2, 5))
    ])
