"""Models as jax2tf writes them without native serialisation: the operators of the bridge to XLA in functions that are to be compiled."""

import numpy as np
import tensorflow as tf
from models import model
from models.keras_dense import normal
from ops.xla import conv_numbers, dot_numbers, gather_numbers, select_argmax
from records import Case, Predict
from tensorflow.compiler.tf2xla.ops import gen_xla_ops as gen


def scalars(body, *dtypes):
    return tf.function(body, autograph=False).get_concrete_function(*[tf.TensorSpec([], dtype) for dtype in dtypes])


class Net(tf.Module):
    """Convolution, pooling, dense layer, the best class and its row of a table."""

    def __init__(self):
        super().__init__()
        self.filter = tf.Variable(normal(3, 3, 2, 4))
        self.bias = tf.Variable(normal(4))
        self.kernel = tf.Variable(normal(3 * 3 * 4, 5))
        self.table = tf.Variable(normal(5, 3))
        self.maximum = scalars(tf.maximum, tf.float32, tf.float32)
        self.argmax = scalars(select_argmax, tf.float32, tf.int32, tf.float32, tf.int32)

    def __call__(self, x):
        ones = [1, 1]
        numbers = conv_numbers("N01C", "01IO", "N01C")
        x = gen.xla_conv_v2(x, self.filter, ones, [[1, 1], [1, 1]], ones, ones, 1, dimension_numbers=numbers, precision_config=b"",
                            preferred_element_type=tf.float32, batch_group_count=1)
        x = tf.nn.relu(x + tf.broadcast_to(tf.reshape(self.bias, [1, 1, 1, 4]), tf.shape(x)))
        four = [1, 2, 2, 1]
        x = gen.xla_reduce_window(x, tf.constant(-np.inf, tf.float32), four, four, [1] * 4, [1] * 4, [[0, 0]] * 4, computation=self.maximum)
        x = tf.reshape(x, [-1, 3 * 3 * 4])
        x = gen.xla_dot_v2(x, self.kernel, dimension_numbers=dot_numbers([1], [0]), precision_config=b"", preferred_element_type=tf.float32)
        classes = tf.broadcast_to(tf.reshape(tf.range(5), [1, 5]), tf.shape(x))
        starts = [tf.constant(-np.inf, tf.float32), tf.constant(0)]
        best, index = gen.xla_variadic_reduce_v2([x, classes], starts, dimensions_to_reduce=[1], reducer=self.argmax)
        rows = gen.xla_gather(self.table, tf.reshape(index, [-1, 1]), [1, 3], dimension_numbers=gather_numbers([1], [0], [0], 1), indices_are_sorted=False)
        return {"scores": x, "best": best, "index": index, "rows": rows}


@model
def xla_net(folder):
    net = Net()
    spec = [tf.TensorSpec([None, 6, 6, 2], tf.float32, name="x")]
    net.call = tf.function(net.__call__, input_signature=spec, jit_compile=True, autograph=False)
    net.plain = tf.function(net.__call__, input_signature=spec, autograph=False)
    tf.saved_model.save(net, folder, signatures={"serving_default": net.call, "plain": net.plain})
    records = [Predict({"x": normal(n, 6, 6, 2)}, signature=s) for s in ("serving_default", "plain") for n in (1, 3)]
    return Case(records)


@model
def xla_grouped_conv3d(folder):
    """Groups of channels in three dimensions, which compiled functions alone take, as Keras 3 makes them."""

    class Groups(tf.Module):
        def __init__(self):
            super().__init__()
            self.filter, self.bias = tf.Variable(normal(2, 2, 2, 2, 6)), tf.Variable(normal(6))

        @tf.function(input_signature=[tf.TensorSpec([None, 3, 4, 3, 4], tf.float32, name="x")])
        def call(self, x):
            convolved = tf.function(lambda: tf.nn.convolution(x, self.filter, padding="SAME"), jit_compile=True, autograph=False)()
            y = tf.nn.relu(tf.nn.bias_add(convolved, self.bias))
            return {"y": y, "dx": tf.gradients(y, x)[0]}

    module = Groups()
    tf.saved_model.save(module, folder, signatures=module.call)
    return Case([Predict({"x": normal(n, 3, 4, 3, 4)}) for n in (1, 2)])
