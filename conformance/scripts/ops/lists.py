"""TensorLists and TensorArrays: graphs of a few operators, because handles cannot be fetched."""

import numpy as np
import tensorflow as tf
from calls import Scene, bf16, f16, f32, f64, i32, i64, op, values
from ops.array_shapes import ints

raw = tf.raw_ops
KINDS = (f16, bf16, f32, f64, np.int8, i32, i64, np.uint8, np.bool_, np.complex64, object)


def tf_type(dtype) -> tf.DType:
    return tf.string if dtype is object else tf.dtypes.as_dtype(dtype)


def stack(handle, shape, dtype=f32, count=-1):
    return raw.TensorListStack(input_handle=handle, element_shape=shape, element_dtype=tf_type(dtype), num_elements=count)


def item(handle, index, shape, dtype=f32):
    return raw.TensorListGetItem(input_handle=handle, index=index, element_shape=shape, element_dtype=tf_type(dtype))


@op("TensorListFromTensor", "TensorListStack", "TensorListLength", "TensorListGetItem", "TensorListElementShape", family="list")
def from_tensor(name, rng):
    for dtype in KINDS:
        for shape in ((3, 2), (2,), (1, 2, 2)):
            x = values(rng, dtype, shape)

            def build(feed, x=x, dtype=dtype):
                element = feed(np.array(x.shape[1:], i32))
                handle = raw.TensorListFromTensor(tensor=feed(x), element_shape=element)
                return [
                    stack(handle, element, dtype), stack(handle, feed(np.array(-1, i32)), dtype, x.shape[0]),
                    raw.TensorListLength(input_handle=handle), item(handle, feed(np.array(0, i32)), element, dtype),
                    raw.TensorListElementShape(input_handle=handle, shape_type=tf.int64),
                ]

            yield Scene(build)

    def failing(change):
        def build(feed):
            handle = raw.TensorListFromTensor(tensor=feed(np.ones((3, 2), f32)), element_shape=feed(change.get("given", ints(2))))
            if "index" in change:
                return [item(handle, feed(np.array(change["index"], i32)), feed(ints(2)))]
            return [stack(handle, feed(change.get("shape", ints(2))), count=change.get("count", -1))]

        return Scene(build, fails=True)

    for change in ({"given": ints(3)}, {"index": 3}, {"index": -1}, {"shape": ints(3)}, {"count": 4}):
        yield failing(change)

    def scalar(feed):
        return [raw.TensorListLength(input_handle=raw.TensorListFromTensor(tensor=feed(np.float32(1)), element_shape=feed(np.zeros(0, i32))))]

    yield Scene(scalar, fails=True)


@op("TensorListReserve", "TensorListSetItem", "TensorListResize", "EmptyTensorList", family="list")
def reserve(name, rng):
    for dtype in KINDS:
        x = values(rng, dtype, (2,))

        def build(feed, x=x, dtype=dtype):
            handle = raw.TensorListReserve(element_shape=feed(ints(2)), num_elements=feed(np.array(3, i32)), element_dtype=tf_type(dtype))
            changed = raw.TensorListSetItem(input_handle=handle, index=feed(np.array(1, i32)), item=feed(x))
            longer = raw.TensorListResize(input_handle=changed, size=feed(np.array(4, i32)))
            shorter = raw.TensorListResize(input_handle=changed, size=feed(np.array(2, i32)))
            fetched = [stack(h, feed(ints(2)), dtype) for h in (changed, longer, shorter)]
            return [*fetched, item(handle, feed(np.array(1, i32)), feed(ints(2)), dtype), raw.TensorListLength(input_handle=handle)]

        yield Scene(build)

    def unknown(feed):
        """The shape of unset elements is found from the set ones."""
        handle = raw.TensorListReserve(element_shape=feed(np.array(-1, i32)), num_elements=feed(np.array(3, i32)), element_dtype=tf.float32)
        handle = raw.TensorListSetItem(input_handle=handle, index=feed(np.array(2, i32)), item=feed(values(rng, f32, (2, 2))))
        return [stack(handle, feed(np.array(-1, i32))), item(handle, feed(np.array(0, i32)), feed(np.array(-1, i32)))]

    yield Scene(unknown)

    def growing(feed):
        handle = raw.EmptyTensorList(element_shape=feed(ints(-1)), max_num_elements=feed(np.array(-1, i32)), element_dtype=tf.float32)
        handle = raw.TensorListSetItem(input_handle=handle, index=feed(np.array(2, i32)), item=feed(values(rng, f32, (2,))), resize_if_index_out_of_bounds=True)
        return [raw.TensorListLength(input_handle=handle), stack(handle, feed(ints(2)))]

    yield Scene(growing)

    def failing(change):
        def build(feed):
            handle = raw.TensorListReserve(element_shape=feed(change.get("shape", ints(2))), num_elements=feed(np.array(change.get("count", 3), i32)), element_dtype=tf.float32)
            if "resize" in change:
                handle = raw.TensorListResize(input_handle=handle, size=feed(np.array(change["resize"], i32)))
            if "index" in change:
                handle = raw.TensorListSetItem(input_handle=handle, index=feed(np.array(change["index"], i32)), item=feed(change.get("item", np.ones(2, f32))))
            return [stack(handle, feed(change.get("stack", ints(2))))]

        return Scene(build, fails=True)

    for change in ({"count": -1}, {"index": 3}, {"index": -1}, {"index": 0, "item": np.ones(3, f32)}, {"index": 0, "item": ints(1, 2)}, {"resize": -1},
                   {"shape": np.array(-1, i32), "stack": np.array(-1, i32)}):
        yield failing(change)


@op("TensorListPushBack", "TensorListPopBack", "TensorListConcatLists", "TensorListPushBackBatch", family="list")
def push(name, rng):
    for dtype in KINDS:
        x, y = values(rng, dtype, (2,)), values(rng, dtype, (2,))

        def build(feed, x=x, y=y, dtype=dtype):
            shape = feed(ints(2))
            empty = raw.EmptyTensorList(element_shape=shape, max_num_elements=feed(np.array(5, i32)), element_dtype=tf_type(dtype))
            first = raw.TensorListPushBack(input_handle=empty, tensor=feed(x))
            second = raw.TensorListPushBack(input_handle=first, tensor=feed(y))
            popped, last = raw.TensorListPopBack(input_handle=second, element_shape=shape, element_dtype=tf_type(dtype))
            both = raw.TensorListConcatLists(input_a=second, input_b=popped, element_dtype=tf_type(dtype))
            batch = raw.TensorListPushBackBatch(input_handles=tf.stack([first, popped]), tensor=feed(np.stack([y, x])))
            return [stack(second, shape, dtype), last, stack(popped, shape, dtype), stack(both, shape, dtype), stack(batch[1], shape, dtype)]

        yield Scene(build)

    def pop_empty(feed):
        empty = raw.EmptyTensorList(element_shape=feed(ints(2)), max_num_elements=feed(np.array(5, i32)), element_dtype=tf.float32)
        return [raw.TensorListPopBack(input_handle=empty, element_shape=feed(ints(2)), element_dtype=tf.float32).tensor]

    def too_many(feed):
        handle = raw.EmptyTensorList(element_shape=feed(ints(2)), max_num_elements=feed(np.array(1, i32)), element_dtype=tf.float32)
        for _ in range(2):
            handle = raw.TensorListPushBack(input_handle=handle, tensor=feed(np.ones(2, f32)))
        return [stack(handle, feed(ints(2)))]

    def wrong_shape(feed):
        handle = raw.EmptyTensorList(element_shape=feed(ints(2)), max_num_elements=feed(np.array(-1, i32)), element_dtype=tf.float32)
        return [stack(raw.TensorListPushBack(input_handle=handle, tensor=feed(np.ones(3, f32))), feed(ints(2)))]

    for build in (pop_empty, too_many, wrong_shape):
        yield Scene(build, fails=True)


@op("TensorListGather", "TensorListScatter", "TensorListScatterV2", "TensorListScatterIntoExistingList", family="list")
def scatter(name, rng):
    for dtype in KINDS:
        x = values(rng, dtype, (3, 2))

        def build(feed, x=x, dtype=dtype):
            shape, index, tensor = feed(ints(2)), feed(ints(3, 0, 1)), feed(x)
            handles = [
                raw.TensorListScatter(tensor=tensor, indices=index, element_shape=shape),
                raw.TensorListScatterV2(tensor=tensor, indices=index, element_shape=shape, num_elements=feed(np.array(6, i32))),
                raw.TensorListScatterIntoExistingList(
                    input_handle=raw.TensorListReserve(element_shape=shape, num_elements=feed(np.array(4, i32)), element_dtype=tf_type(dtype)),
                    tensor=tensor, indices=index),
            ]
            gathered = raw.TensorListGather(input_handle=handles[1], indices=feed(ints(3, 5, 0)), element_shape=shape, element_dtype=tf_type(dtype))
            return [*(stack(h, shape, dtype) for h in handles), gathered]

        yield Scene(build)

    def failing(index, gather):
        def build(feed):
            handle = raw.TensorListScatterV2(tensor=feed(np.ones((2, 2), f32)), indices=feed(np.array(index, i32)), element_shape=feed(ints(2)), num_elements=feed(np.array(4, i32)))
            return [raw.TensorListGather(input_handle=handle, indices=feed(np.array(gather, i32)), element_shape=feed(ints(2)), element_dtype=tf.float32)]

        return Scene(build, fails=True)

    for index, gather in (([0, 4], [0]), ([0, -1], [0]), ([0], [0]), ([0, 1], [4]), ([0, 1], [-1])):
        yield failing(index, gather)


@op("TensorListSplit", "TensorListConcat", "TensorListConcatV2", family="list")
def concat(name, rng):
    for dtype in KINDS:
        x = values(rng, dtype, (6, 2))

        def build(feed, x=x, dtype=dtype):
            shape = feed(ints(-1, 2))
            handle = raw.TensorListSplit(tensor=feed(x), element_shape=shape, lengths=feed(np.array([1, 3, 0, 2], i64)))
            v1 = raw.TensorListConcat(input_handle=handle, element_dtype=tf_type(dtype), element_shape=[None, 2])
            v2 = raw.TensorListConcatV2(input_handle=handle, element_shape=shape, leading_dims=feed(np.zeros(0, i64)), element_dtype=tf_type(dtype))
            return [*v1, *v2, item(handle, feed(np.array(1, i32)), shape, dtype)]

        yield Scene(build)

    def leading(feed):
        """Unset elements become zeros of their leading dimension."""
        handle = raw.TensorListReserve(element_shape=feed(ints(-1, 2)), num_elements=feed(np.array(3, i32)), element_dtype=tf.float32)
        handle = raw.TensorListSetItem(input_handle=handle, index=feed(np.array(1, i32)), item=feed(values(rng, f32, (2, 2))))
        return list(raw.TensorListConcatV2(input_handle=handle, element_shape=feed(ints(-1, 2)), leading_dims=feed(np.array([1, 2, 3], i64)), element_dtype=tf.float32))

    yield Scene(leading)

    def failing(lengths):
        def build(feed):
            handle = raw.TensorListSplit(tensor=feed(np.ones((6, 2), f32)), element_shape=feed(ints(-1, 2)), lengths=feed(np.array(lengths, i64)))
            return [raw.TensorListLength(input_handle=handle)]

        return Scene(build, fails=True)

    for lengths in ([1, 2], [1, 6], [-1, 7], [[6]]):
        yield failing(lengths)

    def empty(feed):
        handle = raw.EmptyTensorList(element_shape=feed(ints(-1, -1)), max_num_elements=feed(np.array(-1, i32)), element_dtype=tf.float32)
        return list(raw.TensorListConcatV2(input_handle=handle, element_shape=feed(ints(-1, -1)), leading_dims=feed(np.zeros(0, i64)), element_dtype=tf.float32))

    yield Scene(empty, fails=True)


@op("TensorArrayV3", "TensorArrayWriteV3", "TensorArrayReadV3", "TensorArrayGatherV3", "TensorArrayScatterV3", "TensorArrayConcatV3",
    "TensorArraySplitV3", "TensorArraySizeV3", "TensorArrayCloseV3", family="list")
def tensor_array(name, rng):
    def array(feed, dtype=f32, size=3, **attrs):
        return raw.TensorArrayV3(size=feed(np.array(size, i32)), dtype=tf_type(dtype), **attrs)

    def index(feed, i):
        return feed(np.array(i, i32))

    for dtype in KINDS:
        x = values(rng, dtype, (3, 2))

        def build(feed, x=x, dtype=dtype):
            handle, flow = array(feed, dtype, clear_after_read=False)
            flow = raw.TensorArrayScatterV3(handle=handle, indices=feed(ints(2, 0, 1)), value=feed(x), flow_in=flow)
            kind = tf_type(dtype)
            gathered = raw.TensorArrayGatherV3(handle=handle, indices=feed(ints(1, 1, 2)), flow_in=flow, dtype=kind)
            joined = raw.TensorArrayConcatV3(handle=handle, flow_in=flow, dtype=kind)
            read = raw.TensorArrayReadV3(handle=handle, index=index(feed, 2), flow_in=flow, dtype=kind)
            return [gathered, *joined, read, raw.TensorArraySizeV3(handle=handle, flow_in=flow)]

        yield Scene(build)

    def split(feed):
        handle, flow = array(feed)
        flow = raw.TensorArraySplitV3(handle=handle, value=feed(values(rng, f32, (6, 2))), lengths=feed(np.array([1, 3, 2], i64)), flow_in=flow)
        return [raw.TensorArrayReadV3(handle=handle, index=index(feed, i), flow_in=flow, dtype=tf.float32) for i in range(3)]

    yield Scene(split)

    def dynamic(feed):
        handle, flow = array(feed, size=0, dynamic_size=True)
        for i in (0, 2):
            flow = raw.TensorArrayWriteV3(handle=handle, index=index(feed, i), value=feed(values(rng, f32, (2,))), flow_in=flow)
        return [raw.TensorArraySizeV3(handle=handle, flow_in=flow), raw.TensorArrayReadV3(handle=handle, index=index(feed, 2), flow_in=flow, dtype=tf.float32)]

    yield Scene(dynamic)

    def zeros(feed):
        """Unwritten elements of known shape read as zeros."""
        handle, flow = array(feed, element_shape=[2])
        flow = raw.TensorArrayWriteV3(handle=handle, index=index(feed, 1), value=feed(values(rng, f32, (2,))), flow_in=flow)
        return [raw.TensorArrayGatherV3(handle=handle, indices=feed(ints(0, 1, 2)), flow_in=flow, dtype=tf.float32)]

    yield Scene(zeros)

    def failing(steps, attrs=None):
        def build(feed):
            handle, flow = array(feed, **(attrs or {}))
            result = []
            for step, i in steps:
                if step == "write":
                    flow = raw.TensorArrayWriteV3(handle=handle, index=index(feed, i), value=feed(np.ones(2, f32)), flow_in=flow)
                elif step == "wide":
                    flow = raw.TensorArrayWriteV3(handle=handle, index=index(feed, i), value=feed(np.ones(3, f32)), flow_in=flow)
                elif step == "close":
                    with tf.control_dependencies([flow, *result]):
                        close = raw.TensorArrayCloseV3(handle=handle)
                    with tf.control_dependencies([close]):
                        flow = tf.identity(flow)
                else:
                    with tf.control_dependencies(result):
                        result.append(raw.TensorArrayReadV3(handle=handle, index=index(feed, i), flow_in=flow, dtype=tf.float32))
            return result or [raw.TensorArraySizeV3(handle=handle, flow_in=flow)]

        return Scene(build, fails=True)

    write, read = ("write", 0), ("read", 0)
    for steps in ([read], [write, read, read], [write, write], [("write", 3)], [("write", -1)], [write, ("read", 3)], [write, ("close", 0), read]):
        yield failing(steps)
    yield failing([write, ("wide", 1), read], {"identical_element_shapes": True})
    yield failing([("wide", 0)], {"element_shape": [2]})
    yield failing([read], {"size": -1})
