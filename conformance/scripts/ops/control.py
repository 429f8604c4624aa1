"""Control flow of both kinds, function calls, assertions."""

import numpy as np
import tensorflow as tf
from calls import ALL, Bad, Call, Scene, f32, i32, i64, op, values
from ops.array_shapes import ints
from ops.text import text
from tensorflow.python.framework import function

raw = tf.raw_ops


@op("Switch", "Merge", family="control")
def switch_merge(name, rng):
    for dtype in ALL:
        for choice in (True, False):
            x = values(rng, dtype, (2,))

            def build(feed, x=x, choice=choice):
                dead, live = raw.Switch(data=feed(x), pred=feed(np.array(choice)))
                value, index = raw.Merge(inputs=[tf.identity(dead), tf.identity(live)])
                return [value, index]

            yield Scene(build)

    def fetch_dead(feed):
        return [raw.Switch(data=feed(np.float32(1)), pred=feed(np.array(True))).output_false]

    def through_switch(feed):
        """A control edge from the Switch itself is alive."""
        dead, _ = raw.Switch(data=feed(np.float32(1)), pred=feed(np.array(True)))
        with tf.control_dependencies([dead]):
            return [tf.identity(tf.constant(3.0))]

    yield Scene(through_switch)

    def through_dead(feed):
        dead, _ = raw.Switch(data=feed(np.float32(1)), pred=feed(np.array(True)))
        with tf.control_dependencies([tf.identity(dead)]):
            return [tf.identity(tf.constant(3.0))]

    def both_dead(feed):
        first, _ = raw.Switch(data=feed(np.float32(1)), pred=feed(np.array(True)))
        _, second = raw.Switch(data=feed(np.float32(1)), pred=feed(np.array(False)))
        return [raw.Merge(inputs=[first, second]).output]

    def pred_vector(feed):
        return [raw.Switch(data=feed(np.float32(1)), pred=feed(np.array([True, False]))).output_false]

    for build in (fetch_dead, through_dead, both_dead, pred_vector):
        yield Scene(build, fails=True)


@op("Enter", "Exit", "NextIteration", "LoopCond", family="control")
def frames(name, rng):
    """Loops by hand: several variables, an invariant, a loop whose condition is false at once, and nested frames."""

    def loop(frame, start, limit, parallel):
        enter = raw.Enter(data=start, frame_name=frame, parallel_iterations=parallel)
        merge, _ = raw.Merge(inputs=[enter, enter])
        bound = raw.Enter(data=limit, frame_name=frame, is_constant=True, parallel_iterations=parallel)
        condition = raw.LoopCond(input=raw.Less(x=merge, y=bound))
        done, going = raw.Switch(data=merge, pred=condition)
        step = raw.Enter(data=tf.constant(3), frame_name=frame, is_constant=True, parallel_iterations=parallel)
        back = raw.NextIteration(data=raw.AddV2(x=tf.identity(going), y=step))
        merge.op._update_input(1, back)
        return raw.Exit(data=done)

    for start, limit in ((0, 5), (7, 5), (0, 100)):
        for parallel in (1, 10):
            def build(feed, start=start, limit=limit, parallel=parallel):
                return [loop("f", feed(np.array(start, i32)), feed(np.array(limit, i32)), parallel)]

            yield Scene(build)

    def library(feed):
        tf.compat.v1.disable_control_flow_v2()
        n, x = feed(np.array(4, i32)), feed(np.array([1, 2], f32))
        inner = lambda i, y: tf.compat.v1.while_loop(lambda j, _: j < i, lambda j, y: (j + 1, y * 2 + x), [tf.constant(0), y])[1]
        return list(tf.compat.v1.while_loop(lambda i, _: i < n, lambda i, y: (i + 1, inner(i, y)), [tf.constant(0), x]))

    yield Scene(library)


def functions(count):
    """Small functions to choose from, by Defun so that graphs hold them in their library."""

    def make(number):
        @v1_function.Defun(tf.float32, func_name=f"branch{number}")
        def branch(x):
            return x * float(number + 1), tf.size(x) + number

        return branch

    return [make(number) for number in range(count)]


@op("If", "StatelessIf", "Case", "StatelessCase", family="control")
def branches(name, rng):
    run = getattr(raw, name)
    x = values(rng, f32, (3,))
    if name.endswith("If"):
        for condition in (np.array(True), np.array(False), np.array(2, i32), np.array(0, i64), np.float32(0.5), np.array(b"", object), np.array(b"x", object), np.zeros(0, f32), np.ones(2, i32)):
            def build(feed, condition=condition):
                then, other = functions(2)
                return list(run(cond=feed(condition), input=[feed(x)], Tout=[tf.float32, tf.int32], then_branch=then, else_branch=other))

            yield Scene(build)
    else:
        for index in (0, 1, 2, 3, -1):
            def build(feed, index=index):
                return list(run(branch_index=feed(np.array(index, i32)), input=[feed(x)], Tout=[tf.float32, tf.int32], branches=functions(3)))

            yield Scene(build)


@op("While", "StatelessWhile", family="control")
def loops(name, rng):
    for limit in (0, 1, 10):
        def build(feed, limit=limit):
            @v1_function.Defun(tf.int32, tf.float32, tf.int32, func_name="condition")
            def condition(i, x, n):
                return i < n

            @v1_function.Defun(tf.int32, tf.float32, tf.int32, func_name="body")
            def body(i, x, n):
                return i + 1, x * 0.5 + tf.cast(i, tf.float32), n

            start = [feed(np.array(0, i32)), feed(values(rng, f32, (2,))), feed(np.array(limit, i32))]
            return list(getattr(raw, name)(input=start, cond=condition, body=body))

        yield Scene(build)


@op("PartitionedCall", "StatefulPartitionedCall", family="control")
def calls(name, rng):
    def build(feed):
        @v1_function.Defun(tf.float32, func_name="inner")
        def inner(x):
            return x + 1.0

        @v1_function.Defun(tf.float32, tf.float32, func_name="outer")
        def outer(x, y):
            return inner(x) * y, x

        return list(getattr(raw, name)(args=[feed(values(rng, f32, (2,))), feed(np.float32(3))], Tout=[tf.float32, tf.float32], f=outer))

    yield Scene(build)


@op("Assert", family="control")
def assertion(name, rng):
    data = [ints(1, 2, 3, 4, 5), np.float32(2.5), text("a", "b"), np.array([True])]
    yield Call([np.array(True), data])
    yield Call([np.array(True), data], {"summarize": 1})
    for summarize in (3, 1, -1, 10):
        yield Bad([np.array(False), data], attrs={"summarize": summarize})
    yield Bad([np.array([True, True]), data])
    yield from waiting_constants()


def waiting_constants():
    """Constants that wait: whatever becomes of them, what they wait for runs, and runs before what takes them."""
    x = np.array([-1, 2], f32)
    takers = (
        (1.0, lambda x, c: x * c), (0.0, lambda x, c: x + c), (1.0, lambda x, c: tf.square(c)), (1.0, lambda x, c: c),
        (1.0, lambda x, c: tf.identity(c) + x), ([2], lambda x, c: x + tf.fill(c, 0.0)), (1.0, lambda x, c: -(-x) * c),
        ([1.0], lambda x, c: tf.nn.relu(tf.nn.bias_add(tf.matmul(x[None], tf.ones([2, 1])), c))),
        (0, lambda x, c: tf.reduce_sum(x, c)), ([1, 0], lambda x, c: tf.transpose(x[None], c)),
    )
    for value, take in takers:
        for guarded in (False, True):

            def refused(feed, value=value, take=take, guarded=guarded):
                fed = feed(x)
                condition = tf.reduce_all(fed > 0)
                with tf.control_dependencies([tf.identity(condition)]):
                    check = raw.Assert(condition=condition, data=[fed])
                if guarded:
                    dead, live = raw.Switch(data=condition, pred=condition)
                    with tf.control_dependencies([tf.identity(dead)]):
                        check = raw.Assert(condition=dead, data=[raw.Switch(data=fed, pred=condition).output_false])
                    with tf.control_dependencies([check]):
                        failed = tf.identity(dead)
                    check = raw.Merge(inputs=[failed, tf.identity(live)]).output.op
                with tf.control_dependencies([check]):
                    constant = tf.constant(value)
                return [take(fed, constant)]

            yield Scene(refused, fails=True)

    def read(handle):
        return raw.ReadVariableOp(resource=handle, dtype=tf.float32)

    def after(handle, waited):
        with tf.control_dependencies([waited]):
            return read(handle)

    def add(handle, value):
        with tf.control_dependencies([raw.AssignAddVariableOp(resource=handle, value=value)]):
            return read(handle)

    uses = (
        lambda handle, x, c: add(handle, c), lambda handle, x, c: after(handle, c), lambda handle, x, c: after(handle, x * c),
        lambda handle, x, c: after(handle, tf.square(c)) + x, lambda handle, x, c: add(handle, x * c),
        lambda handle, x, c: add(handle, tf.square(c)),
    )
    for use in uses:

        def ordered(feed, use=use):
            fed = feed(x)
            handle = raw.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="v")
            first = raw.AssignVariableOp(resource=handle, value=tf.ones(2))
            with tf.control_dependencies([first]):
                old = read(handle)
            with tf.control_dependencies([old]):
                second = raw.AssignVariableOp(resource=handle, value=old + 4.0)
            with tf.control_dependencies([second]):
                constant = tf.constant([1.0, 1.0])
            return [use(handle, fed, constant)]

        yield Scene(ordered)


@op("NoOp", "ControlTrigger", family="control")
def no_op(name, rng):
    yield Call([])

    def ordered(feed):
        """Control edges order an update before the read."""
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="v")
        value = feed(np.float32(4))
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=value)]):
            done = getattr(raw, name)()
        with tf.control_dependencies([done]):
            return [raw.ReadVariableOp(resource=handle, dtype=tf.float32)]

    yield Scene(ordered)


@op("Placeholder", "PlaceholderWithDefault", family="control")
def placeholders(name, rng):
    for dtype in ALL:
        x = values(rng, dtype, (2,))

        def build(feed, x=x):
            kept = feed(x)
            if name == "Placeholder":
                return [tf.identity(kept)]
            return [raw.PlaceholderWithDefault(input=kept, shape=[2])]

        yield Scene(build)

    def unfed(feed):
        return [tf.identity(raw.Placeholder(dtype=tf.float32, shape=[2], name="missing"))]

    yield Scene(unfed, fails=True)


@op("Const", family="control")
def constants(name, rng):
    for dtype in ALL:
        for shape in ((), (3,), (2, 0), (2, 2)):
            x = values(rng, dtype, shape)
            yield Call([], {"value": x, "dtype": dtype})
    from tensorflow.core.framework import tensor_pb2, types_pb2

    compact = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT)
    compact.tensor_shape.dim.add(size=5)
    for numbers in ([], [7.0], [7.0, 8.0]):
        del compact.float_val[:]
        compact.float_val.extend(numbers)
        copy = tensor_pb2.TensorProto()
        copy.CopyFrom(compact)
        yield Call([], {"value": copy, "dtype": f32})


@op("For", family="control")
def counted(name, rng):
    def loop(start, limit, delta, body=lambda i, x, n: (x * 2 + tf.cast(i, f32), n + 1), **rest):
        def build(feed):
            step = function.Defun(tf.int32, tf.float32, tf.int64)(body)
            numbers = [feed(np.array(number, i32)) for number in (start, limit, delta)]
            return list(raw.For(start=numbers[0], limit=numbers[1], delta=numbers[2], input=[feed(np.array([1, 2], f32)), feed(np.array(0, i64))], body=step))

        return Scene(build, **rest)

    for range in ((0, 3, 1), (0, 5, 2), (3, 0, -1), (0, 0, 1), (0, 0, 0), (2, 2, -1), (-2, 2, 3), (5, -5, -4), (-(2**31), -(2**31) + 2, 1)):
        yield loop(*range)
    yield loop(0, 3, 1, lambda i, x, n: (tf.concat([x, x], 0), n + 1))
    for range in ((0, 3, 0), (3, 0, 1), (0, 3, -1), ([0], 3, 1), (0, [3, 4], 1), (0, 3, [1])):
        yield loop(*range, fails=True)
    for body in (lambda i, x, n: (x,), lambda i, x, n: (n, x), lambda i, x, n: (x + tf.gather([1.0, 2.0], i + 9), n)):
        yield loop(0, 3, 1, body, fails=True)
