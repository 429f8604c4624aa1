"""tf.function models: V2 control flow, lists, nested calls, ragged and sparse results, several signatures."""

import numpy as np
import tensorflow as tf
from models import model
from records import Case, Predict

EXACT = dict(rtol=0, atol=0, why="integers, or single roundings in a fixed order")


def spec(shape, dtype=tf.float32, name="x") -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, name)


@model
def function_while(folder):
    """While with TensorArrays and growing shapes, nested, bounded."""

    class Loops(tf.Module):
        @tf.function(input_signature=[spec([None]), spec([], tf.int32, "n")])
        def loops(self, x, n):
            def total(i):
                add = lambda j, sum: (j + 1, sum + tf.cast(j, tf.float32))
                return tf.while_loop(lambda j, _: j < i, add, [0, 0.0])[1]

            def body(i, grown, squares):
                grown = tf.concat([grown, [tf.cast(i, tf.float32)]], 0)
                return i + 1, grown, squares.write(squares.size(), total(i))

            i, grown, squares = tf.while_loop(
                lambda i, grown, _: (i < n) & (tf.reduce_sum(grown) < 100.0), body,
                [0, x, tf.TensorArray(tf.float32, 0, dynamic_size=True)],
                shape_invariants=[tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None)],
                maximum_iterations=20,
            )
            return {"grown": grown, "i": i, "squares": squares.stack()}

    module = Loops()
    tf.saved_model.save(module, folder, signatures=module.loops)
    x = np.array([1, 2], np.float32)
    return Case([Predict({"x": x, "n": n}) for n in (0, 1, 6)] + [Predict({"x": 100 * x, "n": 4})], **EXACT)


@model
def function_cond_case(folder):
    """If and Case, nested, with side effects in branches and outputs of different shapes."""

    class Branches(tf.Module):
        def __init__(self):
            self.calls = tf.Variable([0, 0, 0], name="calls")

        @tf.function(input_signature=[spec([None]), spec([], tf.int32, "which")])
        def branch(self, x, which):
            def bump(i):
                self.calls.scatter_nd_add([[i]], [1])

            def first():
                bump(0)
                return tf.cond(tf.size(x) > 2, lambda: x[:2], lambda: x)

            def second():
                bump(1)
                return tf.concat([x, x], 0)

            def third():
                bump(2)
                return tf.zeros([0])

            y = tf.switch_case(which, [first, second, third])
            return {"y": y, "calls": self.calls.read_value()}

    module = Branches()
    tf.saved_model.save(module, folder, signatures=module.branch)
    x = np.array([1, 2, 3], np.float32)
    return Case(
        [Predict({"x": x, "which": w}) for w in (0, 1, 2, 5, -1)] + [Predict({"x": x[:1], "which": 0})], **EXACT
    )


@model
def function_map_scan(folder):
    """map_fn, scan, fold, vectorized_map: TensorLists in While, with several elements."""

    class Maps(tf.Module):
        @tf.function(input_signature=[spec([None, 3])])
        def maps(self, x):
            two = tf.map_fn(lambda row: (tf.reverse(row, [0]), tf.cast(tf.size(row), tf.int32)), x,
                            fn_output_signature=(tf.float32, tf.int32))
            return {
                "reversed": two[0],
                "sizes": two[1],
                "scan": tf.scan(lambda a, row: a + row, x),
                "fold": tf.foldl(lambda a, row: a * 0.5 + row, x),
                "right": tf.foldr(lambda a, row: a - row, x, tf.zeros([3])),
                "vectorized": tf.vectorized_map(lambda row: tf.reduce_sum(row * row), x),
            }

    module = Maps()
    tf.saved_model.save(module, folder, signatures=module.maps)
    return Case([Predict({"x": np.random.randint(-4, 5, (b, 3)).astype(np.float32)}) for b in (1, 4, 9)], **EXACT)


@model
def function_lists(folder):
    """TensorList operators directly: reserve, push, pop, set, get, split, gather, resize; nested lists."""

    class Lists(tf.Module):
        @tf.function(input_signature=[spec([None, 2])])
        def lists(self, x):
            raw, shape = tf.raw_ops, tf.constant([2])
            handle = raw.TensorListFromTensor(tensor=x, element_shape=shape)
            pushed = raw.TensorListPushBack(input_handle=handle, tensor=[7.0, 8.0])
            popped, last = raw.TensorListPopBack(input_handle=pushed, element_shape=shape, element_dtype=tf.float32)
            changed = raw.TensorListSetItem(input_handle=popped, index=0, item=[-1.0, -2.0])
            grown = raw.TensorListResize(input_handle=changed, size=tf.shape(x)[0] + 2)
            both = raw.TensorListConcatLists(input_a=handle, input_b=changed, element_dtype=tf.float32)
            stack = lambda h: raw.TensorListStack(input_handle=h, element_shape=shape, element_dtype=tf.float32)
            gathered = raw.TensorListGather(
                input_handle=both, indices=[1, 0], element_shape=shape, element_dtype=tf.float32
            )
            split = raw.TensorListSplit(tensor=x, element_shape=[-1, 2], lengths=[1, tf.cast(tf.shape(x)[0] - 1, tf.int64)])
            joined, lengths = raw.TensorListConcatV2(
                input_handle=split, element_shape=[-1, 2], leading_dims=tf.constant([], tf.int64),
                element_dtype=tf.float32,
            )
            return {
                "last": last, "original": stack(handle), "changed": stack(changed), "grown": stack(grown),
                "both": stack(both), "gathered": gathered, "joined": joined, "lengths": lengths,
                "length": raw.TensorListLength(input_handle=grown),
                "item": raw.TensorListGetItem(input_handle=grown, index=tf.shape(x)[0] + 1, element_shape=shape,
                                              element_dtype=tf.float32),
            }

    module = Lists()
    tf.saved_model.save(module, folder, signatures=module.lists)
    return Case(
        [Predict({"x": np.arange(2 * n, dtype=np.float32).reshape(n, 2)}) for n in (1, 4)],
        errors=[Predict({"x": np.zeros((0, 2), np.float32)})],
        **EXACT,
    )


@model
def function_nested_calls(folder):
    """Functions that call functions, twice with different constants, and capture variables."""

    class Nested(tf.Module):
        def __init__(self):
            self.weight = tf.Variable([2.0, 3.0])
            self.count = tf.Variable(0, dtype=tf.int64)

        @tf.function
        def scale(self, x, by):
            self.count.assign_add(1)
            return x * self.weight * by

        @tf.function
        def twice(self, x):
            return self.scale(self.scale(x, 2.0), tf.constant(0.5))

        @tf.function(input_signature=[spec([None, 2])])
        def call(self, x):
            y = self.twice(x) + self.scale(x, 1.0)
            return {"y": y, "count": self.count.read_value()}

        @tf.function(input_signature=[spec([2], name="weight")])
        def update(self, weight):
            old = self.weight.read_value()
            self.weight.assign(weight)
            return {"old": old, "new": self.weight.read_value()}

    module = Nested()
    tf.saved_model.save(module, folder, signatures={"call": module.call, "update": module.update})
    x = np.array([[1, 2], [3, 4]], np.float32)
    return Case([
        Predict({"x": x}, "call"), Predict({"weight": [5, 7]}, "update"), Predict({"x": x[:1]}, "call"),
        Predict({"x": x[:0]}, "call"),
    ], **EXACT)


@model
def function_ragged_sparse(folder):
    """Sparse and ragged inputs and outputs in the signature."""

    class Composite(tf.Module):
        @tf.function(input_signature=[tf.SparseTensorSpec([None, None], tf.float32)])
        def sparse(self, x):
            doubled = x * 2.0
            return {"doubled": doubled, "sum": tf.sparse.reduce_sum(x, 1), "dense": tf.sparse.to_dense(x)}

        @tf.function(input_signature=[spec([None], tf.string, "text")])
        def ragged(self, text):
            words = tf.strings.split(text, ",")
            lengths = tf.strings.length(words)
            return {
                "words": words,
                "longest": tf.reduce_max(lengths, 1),
                "mean": tf.reduce_mean(tf.cast(lengths, tf.float32), 1),
                "first": words[:, :1].to_tensor(b""),
            }

    module = Composite()
    tf.saved_model.save(module, folder, signatures={"sparse": module.sparse, "ragged": module.ragged})
    sparse = {
        "x": [[0, 1], [2, 0]],
        "x_1": [1.5, -2.0],
        "x_2": [3, 4],
    }
    return Case(
        [Predict({"text": [b"a,bb,ccc", b"dddd", b",e"]}, "ragged"), Predict({"text": [b"x"]}, "ragged")]
        + [Predict(sparse, "sparse")],
        **EXACT,
    )


@model
def function_assert(folder):
    """Assertions and checks: they run although nothing reads them."""

    class Checks(tf.Module):
        @tf.function(input_signature=[spec([None, None]), spec([], tf.int32, "limit")])
        def check(self, x, limit):
            tf.debugging.assert_less(tf.shape(x)[0], limit, message="too many rows")
            x = tf.debugging.check_numerics(x, "x has bad numbers")
            return {"y": tf.ensure_shape(x, [None, 2]) + 1.0}

    module = Checks()
    tf.saved_model.save(module, folder, signatures=module.check)
    ones = lambda *shape: np.ones(shape, np.float32)
    return Case(
        [Predict({"x": ones(2, 2), "limit": 3}), Predict({"x": ones(0, 2), "limit": 1})],
        errors=[
            Predict({"x": ones(3, 2), "limit": 3}),
            Predict({"x": ones(1, 2) * np.nan, "limit": 3}),
            Predict({"x": ones(1, 2) * np.inf, "limit": 3}),
            Predict({"x": ones(1, 3), "limit": 3}),
        ],
        **EXACT,
    )


@model
def function_defaults_and_unused(folder):
    """A signature that ignores one of its inputs and returns another as it is, and constants."""

    class Odd(tf.Module):
        def __init__(self):
            self.table = tf.constant(np.arange(6).reshape(2, 3))

        @tf.function(input_signature=[spec([None]), spec([None], tf.string, "unused")])
        def odd(self, x, unused):
            return {"x": x, "table": self.table, "same": x, "shape": tf.shape(x, out_type=tf.int64)}

    module = Odd()
    tf.saved_model.save(module, folder, signatures=module.odd)
    return Case([Predict({"x": [1.0, 2.0], "unused": [b"u"]}), Predict({"x": [], "unused": []})], **EXACT)
