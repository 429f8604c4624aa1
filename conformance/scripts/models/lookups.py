"""Rows of tables as recommendation models look them up: identifiers folded into a table, and sums over many of them."""

import numpy as np
import tensorflow as tf
from models import model
from records import Case, Predict

FEATURES = 26


class Lookups(tf.Module):
    """Identifiers `[example, feature]` in; the tables have 7 rows."""

    def __init__(self):
        super().__init__()
        tables = np.random.standard_normal((FEATURES, 7, 3)).astype(np.float32)
        self.tables = [tf.Variable(table) for table in tables[:4]]
        self.biases = [tf.Variable(table[:, :1]) for table in tables]

    def wrapped(self, table, ids):
        """As Keras looks up, which counts negative indices from the end."""
        return tf.gather(table, tf.where(ids < 0, ids + 7, ids))

    @tf.function(input_signature=[tf.TensorSpec([None, FEATURES], tf.int64)])
    def wide_and_deep(self, ids):
        """More sums than one element-wise step holds."""
        ids = [tf.math.floormod(ids[:, i], 7) for i in range(FEATURES)]
        wide = self.wrapped(self.biases[0], ids[0])
        for bias, own in zip(self.biases[1:], ids[1:]):
            wide = wide + self.wrapped(bias, own)
        deep = tf.stack([self.wrapped(table, own) for table, own in zip(self.tables, ids)], axis=1)
        return {"wide": tf.sigmoid(wide), "deep": deep}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def folded(self, ids):
        """The remainder of a smaller divisor, of a negative one, and one that is taken elsewhere too."""
        five, back = ids % 5, tf.where(ids % -7 < 0, ids % -7 + 7, ids % -7)
        return {
            "five": tf.gather(self.tables[0], five),
            "back": tf.gather(self.tables[1], back),
            "ids": five,
            "mean": tf.reduce_mean(tf.gather(self.tables[2], ids[:, tf.newaxis] % 7), axis=1),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def by_divisors(self, ids, divisors):
        return {"y": tf.gather(self.tables[0], ids % divisors)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def outside(self, ids):
        return {"y": tf.gather(self.tables[0], ids % 9)}


@model
def rewrite_lookups(folder):
    np.random.seed(83)
    module = Lookups()
    names = ["wide_and_deep", "folded", "by_divisors", "outside"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})
    draw = np.random.default_rng(84)
    many = draw.integers(-(2**62), 2**62, (5, FEATURES))
    many[0, :3] = [-(2**63), 2**63 - 1, -1]
    ids = np.array([0, -1, 4, 2**31 - 1, -(2**31), 12, -7], np.int32)
    records = [Predict({"ids": part}, signature="wide_and_deep") for part in (many, many[:1], many[:0])]
    records += [Predict({"ids": part}, signature="folded") for part in (ids, ids[1:2], ids[:0])]
    records += [
        Predict({"ids": ids, "divisors": np.array([3, 3, 7, 5, 2, 1, 6], np.int32)}, signature="by_divisors"),
        Predict({"ids": np.array([6, 9, -3, 15], np.int64)}, signature="outside"),
    ]
    errors = [
        Predict({"ids": ids[:1], "divisors": np.array([0], np.int32)}, signature="by_divisors"),
        Predict({"ids": np.array([1, -1], np.int64)}, signature="outside"),
    ]
    return Case(
        records=records,
        errors=errors,
        rtol=1e-6,
        atol=1e-6,
        why="sigmoid and mean; the rest is exact",
    )
