"""Makes the models that TensorFlow's own documentation of SavedModels shows: `conformance/cases/documentation/<name>/`.

    python make_documentation.py [NAME...]

What they answer stands in the documentation, and in `crates/savedmodel/tests/documentation.rs`. Each function names the page.
"""

import os
import shutil
import sys
import tempfile

import environment  # noqa: F401
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "../cases/documentation")
v1 = tf.compat.v1


def adder(folder: str) -> None:
    """`tf.saved_model.save`: a module with one function, which is the default signature."""

    class Adder(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec(shape=[], dtype=tf.float32)])
        def add(self, x):
            return x + x

    tf.saved_model.save(Adder(), folder)


def signature(folder: str) -> None:
    """`tf.saved_model.load`: `imported.signatures["serving_default"](x=tf.constant([[1.]]))`."""

    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable([[5.0]], name="w")

        @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="x")])
        def serve(self, x):
            return {"output": tf.matmul(x, self.w)}

    model = Model()
    tf.saved_model.save(model, folder, signatures=model.serve)


def checkpoint(folder: str) -> None:
    """`tf.saved_model.load`: a Checkpoint with `v = 3` whose `f(2)` is 6."""
    exported = tf.train.Checkpoint(v=tf.Variable(3.0))
    exported.f = tf.function(
        lambda x: exported.v * x, input_signature=[tf.TensorSpec(shape=None, dtype=tf.float32)])
    tf.saved_model.save(exported, folder)


def custom_module(folder: str) -> None:
    """The guide "Using the SavedModel format": traces, state, several signatures with names for outputs."""

    class CustomModule(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable(1.0)

        @tf.function
        def __call__(self, x):
            return {"custom_output_name": x * self.v}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def mutate(self, new_v):
            self.v.assign(new_v)

    module = CustomModule()
    module(tf.constant(0.0))
    call = module.__call__.get_concrete_function(tf.TensorSpec(None, tf.float32))
    signatures = {
        "serving_default": call,
        "array_input": module.__call__.get_concrete_function(tf.TensorSpec([None], tf.float32)),
    }
    tf.saved_model.save(module, folder, signatures=signatures)


def keras(folder: str) -> None:
    """`tf.saved_model.load`: a Keras model, called as an object and by its signature."""
    import tf_keras
    inputs = tf_keras.Input(shape=(1,), name="x")
    layer = tf_keras.layers.Dense(2, name="output", kernel_initializer="ones", bias_initializer="ones")
    tf.saved_model.save(tf_keras.Model(inputs, layer(inputs)), folder)


def simple_save(folder: str) -> None:
    """`tf.saved_model.load` on TensorFlow 1 and the guide "Migrate SavedModel": `prune("x:0", "out:0")`, `restore`."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [], name="x")
        v = v1.get_variable("v", initializer=tf.constant(3.0), use_resource=True)
        out = tf.multiply(v, x, name="out")
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, folder, inputs={"x": x}, outputs={"out": out})
        session.run(v.assign(7.0))
        v1.train.Saver(save_relative_paths=True).save(
            session, os.path.join(folder, "later/values"), write_meta_graph=False)


def builder(folder: str) -> None:
    """`tf.compat.v1.saved_model.Builder`: two metagraphs with tags of one's own over the same variables."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        w = v1.get_variable("w", shape=[4, 2], initializer=v1.ones_initializer(), use_resource=True)
        y = tf.nn.softmax(tf.matmul(x, w), name="y")
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.build_tensor_info
        predict = v1.saved_model.build_signature_def(
            {"images": info(x)}, {"scores": info(y)}, v1.saved_model.signature_constants.PREDICT_METHOD_NAME)
        made = v1.saved_model.Builder(folder)
        made.add_meta_graph_and_variables(session, ["foo-tag"], signature_def_map={"foo": predict})
        made.add_meta_graph(["bar-tag", "baz-tag"], signature_def_map={"bar": predict})
        made.save()


def main() -> None:
    for make in (adder, signature, checkpoint, custom_module, keras, simple_save, builder):
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = os.path.join(scratch, "model")
            make(folder)
            fingerprint = os.path.join(folder, "fingerprint.pb")
            if os.path.exists(fingerprint):
                os.remove(fingerprint)
            target = os.path.join(CASES, make.__name__)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder, target)


if __name__ == "__main__":
    main()
