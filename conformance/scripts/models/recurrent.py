"""Recurrent Keras models: LSTM and GRU loops over TensorLists, masks, state."""

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from models import model
from models.keras_dense import normal, randomize
from records import Case, Predict


def masked(batch, time, features) -> np.ndarray:
    """Rows whose last steps are all zero, as a Masking layer wants them."""
    value = normal(batch, time, features)
    for row in range(batch):
        value[row, time - row % time :] = 0
    return value


@model
def tf_keras_lstm(folder):
    net = tf_keras.Sequential([
        tf_keras.Input((None, 3), name="sequence"),
        tf_keras.layers.LSTM(5, return_sequences=True),
        tf_keras.layers.LSTM(4),
        tf_keras.layers.Dense(2, name="head"),
    ])
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([Predict({"sequence": normal(*s)}) for s in ((1, 6, 3), (3, 1, 3), (17, 9, 3))])


@model
def tf_keras_gru_masked(folder):
    net = tf_keras.Sequential([
        tf_keras.Input((7, 3), name="sequence"),
        tf_keras.layers.Masking(),
        tf_keras.layers.GRU(5, return_sequences=True),
        tf_keras.layers.GRU(4, reset_after=False, go_backwards=True),
    ])
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([Predict({"sequence": masked(batch, 7, 3)}) for batch in (1, 5, 8)])


@model
def tf_keras_bidirectional(folder):
    net = tf_keras.Sequential([
        tf_keras.Input((None,), dtype=tf.int32, name="tokens"),
        tf_keras.layers.Embedding(12, 4, mask_zero=True),
        tf_keras.layers.Bidirectional(tf_keras.layers.LSTM(3, return_sequences=True), merge_mode="concat"),
        tf_keras.layers.Bidirectional(tf_keras.layers.GRU(3), merge_mode="sum"),
    ])
    randomize(net)
    net.export(folder)
    tokens = [[[3, 1, 4, 0, 0]], [[11, 10, 9], [5, 0, 0], [7, 7, 0]]]
    return Case(
        [Predict({"tokens": np.array(t, np.int32)}) for t in tokens],
        errors=[Predict({"tokens": np.array([[3, 12]], np.int32)})],
    )


@model
def tf_keras_stateful_lstm(folder):
    """State lives in variables, from record to record."""
    net = tf_keras.Sequential([
        tf_keras.Input(batch_shape=(2, 3, 4), name="sequence"),
        tf_keras.layers.LSTM(3, stateful=True, unroll=True),
    ])
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([Predict({"sequence": normal(2, 3, 4)}) for _ in range(3)])


@model
def tf_keras_conv_lstm(folder):
    net = tf_keras.Sequential([
        tf_keras.Input((3, 5, 4, 2), name="frames"),
        tf_keras.layers.ConvLSTM2D(2, 3, padding="same"),
    ])
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([Predict({"frames": normal(batch, 3, 5, 4, 2)}) for batch in (1, 2)])


@model
def keras3_lstm(folder):
    sequence = keras.Input((None, 3), name="sequence")
    x, h, c = keras.layers.LSTM(5, return_sequences=True, return_state=True)(sequence)
    net = keras.Model(sequence, {"x": x, "h": h, "c": c})
    randomize(net)
    net.export(folder, verbose=False)
    return Case([Predict({"sequence": normal(*s)}) for s in ((1, 6, 3), (3, 1, 3), (2, 17, 3))])


@model
def keras3_gru_bidirectional(folder):
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(12, 4, mask_zero=True)(tokens)
    x = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))(x)
    x = keras.layers.TimeDistributed(keras.layers.Dense(2))(x)
    net = keras.Model(tokens, x)
    randomize(net)
    net.export(folder, verbose=False)
    batches = [[[3, 1, 4, 0, 0, 0]], [[1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0], [9, 0, 8, 0, 7, 0]]]
    return Case([Predict({"tokens": np.array(b, np.int32)}) for b in batches])


@model
def tf_keras_rnn_cells(folder):
    """A stack of plain cells in a generic RNN, one backwards."""
    cells = [tf_keras.layers.SimpleRNNCell(4), tf_keras.layers.GRUCell(3), tf_keras.layers.LSTMCell(2)]
    net = tf_keras.Sequential([
        tf_keras.Input((None, 3), name="sequence"),
        tf_keras.layers.SimpleRNN(4, return_sequences=True, go_backwards=True),
        tf_keras.layers.RNN(cells, return_sequences=True, time_major=False),
    ])
    randomize(net)
    net.save(folder, save_format="tf")
    return Case([Predict({"sequence": normal(*s)}) for s in ((1, 4, 3), (2, 8, 3))])


@model
def function_cells(folder):
    """Cells written out in a loop: products of what is read from a list, gates in other orders, a state that broadcasts."""

    class Cells(tf.Module):
        def __init__(self):
            weights = lambda *shape: tf.Variable(normal(*shape))
            self.x, self.h, self.bias = weights(3, 20), weights(5, 20), weights(20)
            self.gx, self.gh = weights(12, 3), weights(4, 12)

        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32, name="series")])
        def run(self, series):
            steps, batch = tf.shape(series)[0], tf.shape(series)[1]
            read = tf.TensorArray(tf.float32, steps, element_shape=[None, 3]).unstack(series)

            def body(t, c, h, g, out):
                x = read.read(t)
                o, i, f, new = tf.split(self.bias + (tf.matmul(x, self.x) + tf.matmul(h, self.h)), 4, axis=-1)
                c = tf.sigmoid(i) * tf.tanh(new) + c * tf.sigmoid(f)
                h = tf.tanh(c) * tf.sigmoid(o)
                xr, xz, xn = tf.split(tf.matmul(x, self.gx, transpose_b=True), 3, axis=1)
                hr, hz, hn = tf.split(tf.matmul(g, self.gh), 3, axis=1)
                z = tf.sigmoid(xz + hz)
                g = (1 - z) * tf.tanh(tf.sigmoid(hr + xr) * hn + xn) + z * g
                return t + 1, c, h, g, out.write(t, tf.concat([h, g], 1))

            zeros = lambda width: tf.zeros([batch, width])
            start = (0, zeros(5), zeros(5), zeros(4), tf.TensorArray(tf.float32, steps))
            _, c, h, g, out = tf.while_loop(lambda t, *_: t < steps, body, start)
            return {"c": c, "h": h, "g": g, "out": out.stack()}

    module = Cells()
    tf.saved_model.save(module, folder, signatures=module.run)
    return Case([Predict({"series": normal(*s)}) for s in ((4, 1, 3), (1, 5, 3), (6, 17, 3))])
