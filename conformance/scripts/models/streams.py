"""Random operators: the numbers that TensorFlow draws, call after call."""

import numpy as np
import tensorflow as tf
from models import model
from records import Case, Predict

SEED = {"seed": 7, "seed2": 11}


class Streams(tf.Module):
    def __init__(self):
        self.generator = tf.random.Generator.from_seed(42)

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def seeded(self, n):
        raw, shape = tf.raw_ops, tf.stack([n, 3])
        rates = tf.constant([0.5, 3.0, 20.0])
        return {
            "uniform": raw.RandomUniform(shape=shape, dtype=tf.float32, **SEED),
            "uniform_double": raw.RandomUniform(shape=shape, dtype=tf.float64, **SEED),
            "uniform_half": raw.RandomUniform(shape=shape, dtype=tf.half, **SEED),
            "integers": raw.RandomUniformInt(shape=shape, minval=-5, maxval=100, **SEED),
            "normal": raw.RandomStandardNormal(shape=shape, dtype=tf.float32, **SEED),
            "truncated": raw.TruncatedNormal(shape=shape, dtype=tf.float32, **SEED),
            "parameterized": raw.ParameterizedTruncatedNormal(
                shape=shape, means=1.0, stdevs=2.0, minvals=-1.0, maxvals=2.0, **SEED),
            "shuffled": raw.RandomShuffle(value=tf.range(n * 3), **SEED),
            "classes": raw.Multinomial(logits=[[0.1, 0.2, 3.0]], num_samples=n, **SEED),
            "gamma": raw.RandomGamma(shape=[n], alpha=rates, **SEED),
            "poisson": raw.RandomPoissonV2(shape=[n], rate=rates, dtype=tf.int64, **SEED),
            "again": raw.RandomUniform(shape=shape, dtype=tf.float32, **SEED),
        }

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def generated(self, n):
        g = self.generator
        return {
            "normal": g.normal([n, 3]),
            "uniform": g.uniform([n, 3]),
            "integers": g.uniform([n], -10, 1000, tf.int64),
            "full": g.uniform_full_int([n], tf.uint32),
            "truncated": g.truncated_normal([n]),
            "binomial": g.binomial([n], 20.0, 0.3),
            "split": g.make_seeds(2),
        }

    @tf.function(input_signature=[tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.int32)])
    def stateless(self, seed, n):
        random, image = tf.random, tf.reshape(tf.range(60.0), [4, 5, 3])
        return {
            "uniform": random.stateless_uniform([n, 3], seed),
            "integers": random.stateless_uniform([n], seed, -3, 50, tf.int32),
            "full": random.stateless_uniform([n], seed, None, None, tf.uint64),
            "normal": random.stateless_normal([n], seed, dtype=tf.float64),
            "truncated": random.stateless_truncated_normal([n], seed, dtype=tf.bfloat16),
            "gamma": random.stateless_gamma([n, 2], seed, [0.5, 4.0]),
            "poisson": random.stateless_poisson([n, 2], seed, [0.5, 30.0], tf.int32),
            "binomial": random.stateless_binomial([n], seed, 10.0, 0.4, tf.int32),
            "classes": random.stateless_categorical([[0.5, 1.0, 2.0]], n, seed),
            "shuffled": random.experimental.stateless_shuffle(tf.range(n), seed),
            "folded": random.experimental.stateless_fold_in(seed, 9),
            "split": random.experimental.stateless_split(seed, 3),
            "cropped": tf.image.stateless_random_crop(image, [2, 2, 3], seed),
        }


@model
def random_sequences(folder):
    module = Streams()
    names = ["seeded", "generated", "stateless"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})
    n = np.int32
    calls = [Predict({"n": n(count)}, signature=name) for count in (2, 5, 70) for name in ("seeded", "generated")]
    calls += [Predict({"seed": np.array(seed, n), "n": n(count)}, signature="stateless")
              for seed, count in (([1, 2], 4), ([-7, 0], 33), ([2**31 - 1, -(2**31)], 9))]
    return Case(calls)
