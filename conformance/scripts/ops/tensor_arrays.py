"""The first two versions of TensorArrays, and stacks: their handles are references or strings."""

import numpy as np
import tensorflow as tf
from calls import Scene, f32, i32, i64, op, values
from ops.array_shapes import ints
from ops.lists import KINDS, tf_type

raw = tf.raw_ops
STEPS = ("", "Write", "Read", "Gather", "Scatter", "Concat", "Split", "Size", "Close")


@op(*(f"TensorArray{step}{version}" for version in ("", "V2") for step in STEPS), "TensorArrayPack", "TensorArrayUnpack", family="list")
def tensor_array(name, rng):
    version = "V2" if name.endswith("V2") else ""

    def array(feed, dtype=f32, size=3, **attrs):
        return getattr(raw, f"TensorArray{version}")(size=feed(np.array(size, i32)), dtype=tf_type(dtype), **attrs)

    def step(word, handle, **arguments):
        return getattr(raw, f"TensorArray{word}{'' if word in ('Pack', 'Unpack') else version}")(handle=handle, **arguments)

    def index(feed, i):
        return feed(np.array(i, i32))

    def after(flow, make):
        """The handle is no output of what writes: order is what control edges say."""
        with tf.control_dependencies([flow]):
            return make()

    for dtype in KINDS if name.endswith(("Scatter", "ScatterV2", "Gather", "GatherV2", "Pack", "Unpack")) else (f32, i64, object):
        x, kind = values(rng, dtype, (3, 2)), tf_type(dtype)

        def build(feed, x=x, dtype=dtype, kind=kind):
            handle = array(feed, dtype, clear_after_read=False)
            start = tf.constant(0.0)
            if name in ("TensorArrayPack", "TensorArrayUnpack"):
                flow = step("Unpack", handle, value=feed(x), flow_in=start)
                return [after(flow, lambda: step("Pack", handle, flow_in=flow, dtype=kind))]
            if name.startswith("TensorArraySplit"):
                flow = step("Split", handle, value=feed(x), lengths=feed(np.array([1, 0, 2], i64)), flow_in=start)
            elif name.startswith("TensorArrayWrite"):
                flow = start
                for i in (2, 0, 1):
                    flow = after(flow, lambda: step("Write", handle, index=index(feed, i), value=feed(x[i]), flow_in=flow))
            else:
                flow = step("Scatter", handle, indices=feed(ints(2, 0, 1)), value=feed(x), flow_in=start)
            read = after(flow, lambda: step("Read", handle, index=index(feed, 2), flow_in=flow, dtype=kind))
            size = after(flow, lambda: step("Size", handle, flow_in=flow))
            if name.startswith("TensorArraySplit"):
                return [read, size]
            gathered = after(flow, lambda: step("Gather", handle, indices=feed(ints(1, 1, 2)), flow_in=flow, dtype=kind))
            joined = after(flow, lambda: step("Concat", handle, flow_in=flow, dtype=kind))
            return [gathered, *joined, read, size]

        yield Scene(build)

    def failing(steps, **attrs):
        def build(feed):
            handle, flow, result = array(feed, **attrs), tf.constant(0.0), []
            for word, i in steps:
                if word == "write":
                    flow = after(flow, lambda: step("Write", handle, index=index(feed, i), value=feed(np.ones(2, f32)), flow_in=flow))
                elif word == "close":
                    closed = after(result[-1] if result else flow, lambda: step("Close", handle))
                    flow = after(closed, lambda: tf.identity(flow))
                else:
                    with tf.control_dependencies([flow, *result]):
                        result.append(step("Read", handle, index=index(feed, i), flow_in=flow, dtype=tf.float32))
            return result or [flow]

        return Scene(build, fails=True)

    write, read = ("write", 0), ("read", 0)
    for steps in ([read], [write, read, read], [write, write], [("write", 3)], [("write", -1)], [write, ("close", 0), read]):
        yield failing(steps)
    yield failing([read], size=-1)


@op("Stack", "StackPush", "StackPop", "StackClose", family="list")
def stacks(name, rng):
    for dtype in KINDS[:6]:
        x, y = values(rng, dtype, (2,)), values(rng, dtype, ())

        def build(feed, x=x, y=y, dtype=dtype):
            handle = raw.Stack(elem_type=tf_type(dtype), stack_name="s")
            first = raw.StackPush(handle=handle, elem=feed(x))
            with tf.control_dependencies([first]):
                second = raw.StackPush(handle=handle, elem=feed(y))
            with tf.control_dependencies([second]):
                popped = raw.StackPop(handle=handle, elem_type=tf_type(dtype))
            with tf.control_dependencies([popped]):
                last = raw.StackPop(handle=handle, elem_type=tf_type(dtype))
            return [first, popped, last]

        yield Scene(build)

    def failing(kind):
        def build(feed):
            handle = raw.Stack(elem_type=tf.float32, stack_name="s")
            if kind == "empty":
                return [raw.StackPop(handle=handle, elem_type=tf.float32)]
            if kind == "other":
                return [raw.StackPush(handle=handle, elem=feed(np.ones(2, i32)))]
            with tf.control_dependencies([raw.StackClose(handle=handle)]):
                return [raw.StackPush(handle=handle, elem=feed(np.ones(2, f32)))]

        return Scene(build, fails=True)

    for kind in ("empty", "other", "closed"):
        yield failing(kind)
