"""Every dtype of variables, constants, inputs and outputs; random numbers; signal and image operators."""

import os

import numpy as np
import tensorflow as tf
from models import model
from records import Case, Predict
from tensorflow.core.protobuf import saved_model_pb2

NUMERIC = (
    tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64,
    tf.uint8, tf.uint16, tf.uint32, tf.uint64, tf.complex64, tf.complex128,
)


@model
def dtypes_all(folder):
    """One variable and one input per dtype; cast, multiply, select."""

    class Every(tf.Module):
        def __init__(self):
            self.of = {t.name: tf.Variable(tf.cast([3, 2, 1], t), name=t.name) for t in NUMERIC}
            self.flags = tf.Variable([True, False, True])
            self.words = tf.Variable(["a", "bb", ""])

        @tf.function(
            input_signature=[{t.name: tf.TensorSpec([None, 3], t, t.name) for t in NUMERIC}]
        )
        def every(self, inputs):
            outputs = {name: x * self.of[name].read_value() for name, x in inputs.items()}
            outputs["picked"] = tf.where(self.flags, inputs["int16"], tf.constant(-5, tf.int16))
            outputs["words"] = self.words.read_value()
            outputs["bool"] = tf.equal(inputs["uint8"], 6)
            outputs["to_half"] = tf.cast(inputs["float64"], tf.float16)
            outputs["to_uint8"] = tf.cast(inputs["int32"], tf.uint8)
            outputs["to_complex"] = tf.cast(inputs["bfloat16"], tf.complex64)
            return outputs

    module = Every()
    tf.saved_model.save(module, folder, signatures=module.every)

    def inputs(batch):
        values = {}
        for t in NUMERIC:
            x = np.random.randint(0, 100, (batch, 3)) if t.is_unsigned else np.random.randint(-40, 40, (batch, 3))
            x = x * (1.25 - 0.5j) if t.is_complex else x * 1.5 if t.is_floating else x
            values[t.name] = x.astype(t.as_numpy_dtype)
        return values

    return Case([Predict(inputs(batch)) for batch in (1, 4, 0)], rtol=1e-6, atol=0,
                why="complex products may be fused; the rest is exact")


@model
def dtypes_mixed_precision(folder):
    """Half and bfloat16 layers with float32 variables between casts."""

    class Mixed(tf.Module):
        def __init__(self):
            self.weight = tf.Variable(np.random.randn(6, 5).astype(np.float32))
            self.bias = tf.Variable(np.random.randn(5).astype(np.float32))

        @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, "x")])
        def mixed(self, x):
            def layer(dtype):
                y = tf.matmul(tf.cast(x, dtype), tf.cast(self.weight, dtype))
                return tf.nn.softmax(tf.nn.relu(tf.nn.bias_add(y, tf.cast(self.bias, dtype))))

            return {"half": layer(tf.float16), "bfloat16": layer(tf.bfloat16), "double": layer(tf.float64)}

    module = Mixed()
    tf.saved_model.save(module, folder, signatures=module.mixed)
    return Case([Predict({"x": np.random.randn(b, 6).astype(np.float32)}) for b in (1, 3, 17)],
                rtol=2e-2, atol=1e-3, why="bfloat16 keeps 8 bits, and sums round in another order")


@model
def random_stateless(folder):
    """Stateless random numbers from a seed that is fed."""

    class Random(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([2], tf.int32, "seed"), tf.TensorSpec([], tf.int32, "n")])
        def draw(self, seed, n):
            shape = tf.stack([n, 3])
            return {
                "uniform": tf.random.stateless_uniform(shape, seed),
                "double": tf.random.stateless_uniform(shape, seed, dtype=tf.float64),
                "int": tf.random.stateless_uniform(shape, seed, -5, 17, tf.int32),
                "long": tf.random.stateless_uniform(shape, seed, None, None, tf.int64),
                "normal": tf.random.stateless_normal(shape, seed),
                "truncated": tf.random.stateless_truncated_normal(shape, seed),
                "categorical": tf.random.stateless_categorical(tf.zeros([2, 5]), n, seed),
                "shuffled": tf.random.experimental.stateless_shuffle(tf.range(n), seed),
                "split": tf.random.split(seed, 3),
                "folded": tf.random.fold_in(seed, 7),
            }

    module = Random()
    tf.saved_model.save(module, folder, signatures=module.draw)
    return Case([Predict({"seed": seed, "n": n}) for seed, n in (([1, 2], 4), ([-7, 99], 17), ([0, 0], 1))],
                rtol=1e-5, atol=1e-6, why="logarithms and sines of the normal draws")


@model
def random_seeded_generator(folder):
    """tf.random.Generator: its state is a variable that moves on with every call; op-level seeds too."""

    class Random(tf.Module):
        def __init__(self):
            self.generator = tf.random.Generator.from_seed(1234, alg="philox")

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32, "n")])
        def draw(self, n):
            return {
                "uniform": self.generator.uniform([n]),
                "normal": self.generator.normal([n, 2]),
                "int": self.generator.uniform([n], 0, 10, tf.int32),
                "bits": self.generator.uniform_full_int([n], tf.uint64),
                "state": self.generator.state.read_value(),
                "seeded": tf.random.uniform([n], seed=5),
            }

    module = Random()
    tf.saved_model.save(module, folder, signatures=module.draw)
    return Case([Predict({"n": n}) for n in (3, 1, 5)], why="logarithms and sines of the normal draws")


@model
def random_streams(folder):
    """Operators with seeds of their own: each call goes on where the last one of its signature ended."""

    class Random(tf.Module):
        def draws(self):
            return {
                "uniform": tf.random.uniform([3], seed=1),
                "double": tf.random.uniform([2], dtype=tf.float64, seed=2),
                "int": tf.random.uniform([3], -5, 17, tf.int32, seed=3),
                "long": tf.random.uniform([3], 0, 1 << 40, tf.int64, seed=4),
                "normal": tf.random.normal([3], seed=5),
                "truncated": tf.random.truncated_normal([3], seed=6),
                "gamma": tf.random.gamma([2], [0.5, 2.0], seed=7),
                "poisson": tf.random.poisson([2], [0.5, 20.0], seed=8),
                "categorical": tf.random.categorical(tf.zeros([2, 5]), 3, seed=9),
                "shuffled": tf.random.shuffle(tf.range(6), seed=10),
                "dropped": tf.nn.dropout(tf.ones([6]), 0.5, seed=11),
            }

        @tf.function(input_signature=[])
        def first(self):
            return self.draws()

        @tf.function(input_signature=[])
        def second(self):
            return self.draws()

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32, "n")])
        def sums(self, n):
            total = tf.zeros([2])
            for _ in tf.range(n):
                total += tf.random.uniform([2], seed=12)
            return {"total": total}

    module = Random()
    tf.saved_model.save(module, folder, signatures={
        "serving_default": module.first, "second": module.second, "sums": module.sums})
    first, second = Predict({}), Predict({}, "second")
    sums = [Predict({"n": n}, "sums") for n in (2, 0, 3)]
    return Case([first, second, first, *sums, first, second], why="logarithms and sines of the normal draws")


@model
def image_pipeline(folder):
    """Decode, resize, crop, adjust: an image model's front, from PNG and JPEG bytes."""

    class Images(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "images")])
        def prepare(self, images):
            def one(encoded):
                image = tf.io.decode_image(encoded, 3, expand_animations=False)
                image = tf.image.convert_image_dtype(image, tf.float32)
                image = tf.image.resize(image, [9, 7])
                return tf.image.central_crop(tf.ensure_shape(image, [9, 7, 3]), 0.6)

            batch = tf.map_fn(one, images, fn_output_signature=tf.TensorSpec([None, None, 3], tf.float32))
            nearest = tf.image.resize(batch, [4, 4], method="nearest")
            return {"batch": batch, "nearest": nearest, "standard": tf.image.per_image_standardization(batch)}

    module = Images()
    tf.saved_model.save(module, folder, signatures=module.prepare)
    pixels = np.random.randint(0, 256, (13, 11, 3)).astype(np.uint8)
    smooth = (np.add.outer(np.arange(16), np.arange(24))[..., None] * [4, 2, 6] % 256).astype(np.uint8)
    png, jpeg = tf.io.encode_png(pixels).numpy(), tf.io.encode_jpeg(smooth, quality=90).numpy()
    gray = tf.io.encode_png(pixels[..., :1]).numpy()
    return Case([Predict({"images": [png, gray]}), Predict({"images": [jpeg]})],
                errors=[Predict({"images": [b"no image"]}), Predict({"images": [png[:40]]})],
                rtol=1e-4, atol=2e-3, why="JPEG decoders may differ by a level after upsampling")


@model
def signal_spectrum(folder):
    """STFT, mel spectrogram, inverse FFT, a window: an audio model's front."""

    class Spectrum(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "wave")])
        def spectrum(self, wave):
            stft = tf.signal.stft(wave, 16, 8, 32)
            magnitude = tf.abs(stft)
            mel = tf.signal.linear_to_mel_weight_matrix(5, 17, 8000, 100.0, 3900.0)
            return {
                "stft": stft,
                "mel": tf.math.log(tf.tensordot(magnitude, mel, 1) + 1e-3),
                "angle": tf.math.angle(stft + tf.complex(1.0, 0.5)),
                "inverse": tf.signal.irfft(stft, [32]),
                "fft": tf.signal.fft(tf.cast(wave[:, :12], tf.complex64)),
            }

    module = Spectrum()
    tf.saved_model.save(module, folder, signatures=module.spectrum)
    return Case([Predict({"wave": np.random.randn(*s).astype(np.float32)}) for s in ((1, 64), (3, 100))],
                rtol=1e-4, atol=1e-5, why="sums of a transform in another order")


@model
def unknown_operator(folder):
    """An operator that no registry knows, on a branch that only one signature reaches.

    TensorFlow answers for the graph as saved; afterwards the `Sinh` node is renamed to an unknown operator.
    """

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def known(self, x):
            return {"y": x * 2.0}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def unknown(self, x):
            return {"y": tf.raw_ops.Sinh(x=x)}

    def rename(folder):
        path = os.path.join(folder, "saved_model.pb")
        saved = saved_model_pb2.SavedModel()
        with open(path, "rb") as file:
            saved.ParseFromString(file.read())
        renamed = [
            node
            for function in saved.meta_graphs[0].graph_def.library.function
            for node in function.node_def
            if node.op == "Sinh"
        ]
        assert renamed
        for node in renamed:
            node.op = "VendorSpecialSinh"
        with open(path, "wb") as file:
            file.write(saved.SerializeToString(deterministic=True))

    module = Model()
    tf.saved_model.save(module, folder, signatures={"known": module.known, "unknown": module.unknown})
    return Case([Predict({"x": [1.0, -2.5]}, "known")], rtol=0, atol=0, why="one product", afterwards=rename)
