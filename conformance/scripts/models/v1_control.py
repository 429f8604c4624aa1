"""TF1 control flow: Switch and Merge, Enter, Exit and NextIteration, TensorArrays."""

import numpy as np
import tensorflow as tf
from models import model
from models.v1_graphs import save_single, signature, v1_graph
from records import Case, Predict, Run

tf1 = tf.compat.v1
EXACT = dict(rtol=0, atol=0, why="integers, or single roundings in a fixed order")


@model
def v1_while(folder):
    """Loops with several variables of different dtypes, some loop-invariant."""
    with v1_graph():
        n = tf1.placeholder(tf.int32, [], "n")
        x = tf1.placeholder(tf.float32, [None], "x")
        step = tf.constant(0.5)

        def body(i, total, power, text):
            return i + 1, total + tf.cast(i, tf.float32) * step * x, power * 2, tf1.strings.join([text, "."])

        i, total, power, text = tf1.while_loop(
            lambda i, *_: i < n, body, [0, tf.zeros_like(x), tf.constant(1, tf.int64), tf.constant("")],
            shape_invariants=[tf.TensorShape([]), x.shape, tf.TensorShape([]), tf.TensorShape([])],
            parallel_iterations=3,
        )
        save_single(folder, {
            "serving_default": signature(
                {"n": n, "x": x}, {"i": i, "total": total, "power": power, "text": text}
            )
        })
    x = np.array([1.5, -2, 8], np.float32)
    return Case(
        [Predict({"n": n, "x": x}) for n in (0, 1, 7)]
        + [Predict({"n": -3, "x": x[:0]}), Run({"n:0": 2, "x:0": x}, ["while/Exit_1:0", "while/Exit:0"])],
        errors=[Run({"x:0": x}, ["while/Exit_1:0"])],
        **EXACT,
    )


@model
def v1_while_nested(folder):
    """A loop in a loop; the inner bound depends on the outer variable."""
    with v1_graph():
        rows = tf1.placeholder(tf.int32, [], "rows")
        scale = tf1.placeholder(tf.int64, [2], "scale")

        def outer(i, total):
            def inner(j, acc):
                return j + 1, acc + scale * tf.cast(i * j, tf.int64)

            _, total = tf1.while_loop(lambda j, _: j <= i, inner, [0, total])
            return i + 1, total

        i, total = tf1.while_loop(lambda i, _: i < rows, outer, [0, tf.zeros([2], tf.int64)])
        save_single(folder, {"serving_default": signature({"rows": rows, "scale": scale}, {"i": i, "total": total})})
    return Case([Predict({"rows": n, "scale": [1, -3]}) for n in (0, 1, 5)], **EXACT)


@model
def v1_cond(folder):
    """Nested conds, one with branches of different shapes, one with an error in the dead branch."""
    with v1_graph():
        x = tf1.placeholder(tf.float32, [None], "x")
        flag = tf1.placeholder(tf.bool, [], "flag")
        deep = tf1.placeholder(tf.bool, [], "deep")
        inner = lambda: tf1.cond(deep, lambda: x * 10.0, lambda: tf.concat([x, x], 0))
        nested = tf1.cond(flag, inner, lambda: tf.zeros([0]))
        guarded = tf1.cond(
            tf.size(x) > 0, lambda: tf.gather(x, 0), lambda: tf.constant(-1.0), name="guarded"
        )
        checked = tf1.cond(
            flag, lambda: tf.identity(x),
            lambda: tf1.tuple([x], control_inputs=[tf1.Assert(deep, ["deep wanted", x])])[0],
        )
        dead, live = tf1.raw_ops.Switch(data=x, pred=flag, name="bare")
        merged, index = tf1.raw_ops.Merge(inputs=[dead + 1, live * 2], name="merged")
        save_single(folder, {
            "serving_default": signature(
                {"x": x, "flag": flag, "deep": deep},
                {"nested": nested, "guarded": guarded, "checked": checked, "merged": merged, "index": index},
            )
        })
    x = np.array([1, 2, 3], np.float32)
    inputs = lambda flag, deep, x=x: {"x": x, "flag": flag, "deep": deep}
    feeds = lambda flag: {"x:0": x, "flag:0": flag}
    return Case(
        [Predict(inputs(f, d)) for f, d in ((True, True), (True, False), (False, True))]
        + [Predict(inputs(True, True, x[:0])), Run(feeds(True), ["bare:1"]), Run(feeds(False), ["bare:0"])],
        errors=[Predict(inputs(False, False)), Run(feeds(True), ["bare:0"]), Run(feeds(False), ["bare:1"])],
        **EXACT,
    )


@model
def v1_cond_in_while(folder):
    """Collatz steps: cond in a loop, and a loop in a cond."""
    with v1_graph():
        start = tf1.placeholder(tf.int64, [], "start")
        loops = tf1.placeholder_with_default(True, [], "loops")

        def body(n, steps):
            n = tf1.cond(tf.equal(n % 2, 0), lambda: n // 2, lambda: 3 * n + 1)
            return n, steps + 1

        run = lambda: tf1.while_loop(lambda n, _: n > 1, body, [start, tf.constant(0)])
        n, steps = tf1.cond(loops, run, lambda: (start, tf.constant(-1)))
        save_single(folder, {"serving_default": signature({"start": start, "loops": loops}, {"n": n, "steps": steps})})
    return Case(
        [Predict({"start": s, "loops": True}) for s in (1, 6, 27)]
        + [Predict({"start": 6, "loops": False}), Run({"start:0": 5}, [steps.name])],
        **EXACT,
    )


@model
def v1_tensor_array(folder):
    """TensorArrayV3 in a loop: unstack, read, write, stack, gather, concat, split, dynamic size."""
    with v1_graph():
        x = tf1.placeholder(tf.float32, [None, 3], "x")
        count = tf.shape(x)[0]
        source = tf1.TensorArray(tf.float32, count, name="source").unstack(x)
        target = tf1.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False, clear_after_read=False, name="target")

        def body(i, running, target):
            running = running + source.read(i)
            return i + 1, running, target.write(i, running[: 1 + i % 3])

        _, last, target = tf1.while_loop(lambda i, *_: i < count, body, [0, tf.zeros([3]), target])
        sizes = tf.range(count) % 3 + 1
        back = tf1.TensorArray(tf.float32, count, infer_shape=False).split(target.concat(), sizes)
        picked = tf1.TensorArray(tf.int32, 4, clear_after_read=False).scatter([3, 1, 0, 2], [[5], [6], [7], [8]])
        save_single(folder, {
            "serving_default": signature({"x": x}, {
                "last": last,
                "size": target.size(),
                "concat": target.concat(),
                "first": back.read(0),
                "picked": picked.gather([2, 0, 2]),
                "stacked": picked.stack(),
            })
        })
    shapes = ((1, 3), (4, 3), (7, 3))
    return Case(
        [Predict({"x": np.arange(12, dtype=np.float32)[: 3 * 3].reshape(3, 3)})]
        + [Predict({"x": np.random.randint(-9, 9, s).astype(np.float32)}) for s in shapes],
        errors=[Predict({"x": np.zeros((0, 3), np.float32)})],
        **EXACT,
    )


@model
def v1_dynamic_rnn(folder):
    """tf.nn.dynamic_rnn's graph: a loop with a cond by sequence length, over a hand-written cell."""
    with v1_graph():
        x = tf1.placeholder(tf.float32, [None, None, 3], "x")
        lengths = tf1.placeholder(tf.int32, [None], "lengths")
        kernel = tf1.get_variable("kernel", initializer=np.random.randn(7, 8).astype(np.float32) / 3)
        bias = tf1.get_variable("bias", initializer=np.random.randn(8).astype(np.float32))
        batch, time = tf.unstack(tf.shape(x)[:2])
        steps = tf1.TensorArray(tf.float32, time).unstack(tf.transpose(x, [1, 0, 2]))
        outputs = tf1.TensorArray(tf.float32, time)

        def body(t, h, outputs):
            z, candidate = tf.split(tf1.nn.bias_add(tf.matmul(tf.concat([steps.read(t), h], 1), kernel), bias), 2, 1)
            gate = tf.sigmoid(z)
            fresh = gate * h + (1 - gate) * tf.tanh(candidate)
            alive = t < lengths
            keep_all = tf.reduce_all(alive)
            h = tf1.cond(keep_all, lambda: fresh, lambda: tf1.where(alive, fresh, h))
            h.set_shape([None, 4])
            return t + 1, h, outputs.write(t, h)

        _, state, outputs = tf1.while_loop(lambda t, *_: t < time, body, [0, tf.zeros([batch, 4]), outputs])
        save_single(folder, {
            "serving_default": signature(
                {"x": x, "lengths": lengths},
                {"state": state, "outputs": tf.transpose(outputs.stack(), [1, 0, 2])},
            )
        })
    return Case([
        Predict({"x": np.random.randn(b, t, 3).astype(np.float32), "lengths": lengths})
        for b, t, lengths in ((1, 5, [5]), (3, 7, [7, 2, 0]), (2, 1, [1, 1]))
    ])
