"""Variables of both kinds: sequences of runs in one session."""

import numpy as np
import tensorflow as tf
from calls import Scene, bf16, c64, f16, f32, f64, i8, i32, i64, op, u8, values

raw = tf.raw_ops
KINDS = (f16, bf16, f32, f64, i8, i32, i64, u8, np.bool_, c64, object)
NUMBERS = (f16, bf16, f32, f64, i8, i32, i64, u8, c64)


def tf_type(dtype) -> tf.DType:
    return tf.string if dtype is object else tf.dtypes.as_dtype(dtype)


def resource(feed, dtype, value, shape=None):
    handle = raw.VarHandleOp(dtype=tf_type(dtype), shape=shape, shared_name="v")
    return handle, raw.AssignVariableOp(resource=handle, value=feed(value))


@op("VarHandleOp", "AssignVariableOp", "ReadVariableOp", "VarIsInitializedOp", "VariableShape", "DestroyResourceOp", family="state")
def resources(name, rng):
    for dtype in KINDS:
        x = values(rng, dtype, (2, 3))

        def build(feed, x=x, dtype=dtype):
            handle, assign = resource(feed, dtype, x)
            known = raw.VarIsInitializedOp(resource=handle)
            read = raw.ReadVariableOp(resource=handle, dtype=tf_type(dtype))
            again = raw.AssignVariableOp(resource=handle, value=feed(values(rng, dtype, (4,))))
            shape = raw.VariableShape(input=handle)
            destroy = raw.DestroyResourceOp(resource=handle)
            return [[known], [assign], [known, read, shape], [again], [read, shape], [destroy], [known]]

        yield Scene(build)

    def unread(feed):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="v")
        return [raw.ReadVariableOp(resource=handle, dtype=tf.float32)]

    def wrong_shape(feed):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="v")
        return [[raw.AssignVariableOp(resource=handle, value=feed(np.ones(3, f32)), validate_shape=True)]]

    def destroyed_twice(feed):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="v")
        return [[raw.DestroyResourceOp(resource=handle, ignore_lookup_error=False)]]

    for build in (unread, destroyed_twice, wrong_shape):
        yield Scene(build, fails=True)


@op("AssignAddVariableOp", "AssignSubVariableOp", family="state")
def resource_updates(name, rng):
    for dtype in NUMBERS:
        x, y = values(rng, dtype, (2, 3)), values(rng, dtype, (2, 3))

        def build(feed, x=x, y=y, dtype=dtype):
            handle, assign = resource(feed, dtype, x)
            update = getattr(raw, name)(resource=handle, value=feed(y))
            read = raw.ReadVariableOp(resource=handle, dtype=tf_type(dtype))
            return [[assign], [update], [read], [update], [read]]

        yield Scene(build)

    def wrong(shape):
        def build(feed):
            handle, assign = resource(feed, f32, np.ones(2, f32))
            return [[assign], [getattr(raw, name)(resource=handle, value=feed(np.ones(shape, f32)))]]

        return Scene(build, fails=True)

    yield wrong((3,))
    yield wrong(())

    def unset(feed):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="v")
        return [[getattr(raw, name)(resource=handle, value=feed(np.ones(2, f32)))]]

    yield Scene(unset, fails=True)


@op("ResourceGather", "ResourceGatherNd", family="state")
def resource_gather(name, rng):
    for dtype in KINDS:
        for index in (i32, i64):
            x = values(rng, dtype, (4, 2))
            where = np.array([[3, 0], [1, 1]], index)

            def build(feed, x=x, where=where, dtype=dtype):
                handle, assign = resource(feed, dtype, x)
                return [[assign], [getattr(raw, name)(resource=handle, indices=feed(where), dtype=tf_type(dtype))]]

            yield Scene(build) if name == "ResourceGather" else Scene(lambda feed, b=build, w=where: b(feed, where=w % 2))

    def batched(feed):
        handle, assign = resource(feed, f32, values(rng, f32, (2, 3, 2)))
        return [[assign], [raw.ResourceGather(resource=handle, indices=feed(np.array([[2, 0], [1, 1]], i32)), dtype=tf.float32, batch_dims=1)]]

    if name == "ResourceGather":
        yield Scene(batched)
    for bad in ([[4, 0]], [[-1, 0]], [[0, 5]]):
        def failing(feed, bad=bad):
            handle, assign = resource(feed, f32, np.ones((4, 2), f32))
            return [[assign], [getattr(raw, name)(resource=handle, indices=feed(np.array(bad, i32)), dtype=tf.float32)]]

        yield Scene(failing, fails=True)


@op("ResourceScatterUpdate", "ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterMul", "ResourceScatterDiv", "ResourceScatterMin",
    "ResourceScatterMax", family="state")
def resource_scatter(name, rng):
    kinds = KINDS if name.endswith("Update") else (f32, f64, f16, bf16, i32, i64)
    for dtype in kinds:
        for index in (i32, i64):
            for where, shape in (([3, 0, 3], (3, 2)), (2, (2,)), ([[0, 1], [3, 3]], (2, 2, 2))):
                x, update = values(rng, dtype, (4, 2), 1, 9), values(rng, dtype, shape, 1, 9)

                def build(feed, x=x, update=update, where=where, index=index, dtype=dtype):
                    handle, assign = resource(feed, dtype, x)
                    scatter = getattr(raw, name)(resource=handle, indices=feed(np.array(where, index)), updates=feed(update))
                    return [[assign], [scatter], [raw.ReadVariableOp(resource=handle, dtype=tf_type(dtype))]]

                yield Scene(build)
    for where, shape in (([4], (1, 2)), ([-1], (1, 2)), ([0, 1], (1, 2))):
        def failing(feed, where=where, shape=shape):
            handle, assign = resource(feed, f32, np.ones((4, 2), f32))
            return [[assign], [getattr(raw, name)(resource=handle, indices=feed(np.array(where, i32)), updates=feed(np.ones(shape, f32)))]]

        yield Scene(failing, fails=True)


@op("ResourceScatterNdUpdate", "ResourceScatterNdAdd", "ResourceScatterNdSub", family="state")
def resource_scatter_nd(name, rng):
    for dtype in (f32, f64, i32, i64):
        for where, shape in (([[3], [0]], (2, 2)), ([[1, 1], [0, 0]], (2,)), ([[2]], (1, 2))):
            x, update = values(rng, dtype, (4, 2)), values(rng, dtype, shape)

            def build(feed, x=x, update=update, where=where, dtype=dtype):
                handle, assign = resource(feed, dtype, x)
                scatter = getattr(raw, name)(ref=handle, indices=feed(np.array(where, i32)), updates=feed(update))
                return [[assign], [scatter], [raw.ReadVariableOp(resource=handle, dtype=tf_type(dtype))]]

            yield Scene(build)
    for where, shape in (([[4]], (1, 2)), ([[0, 2]], (1,)), ([[0]], (1, 3)), ([[0, 0, 0]], (1,))):
        def failing(feed, where=where, shape=shape):
            handle, assign = resource(feed, f32, np.ones((4, 2), f32))
            return [[assign], [getattr(raw, name)(ref=handle, indices=feed(np.array(where, i32)), updates=feed(np.ones(shape, f32)))]]

        yield Scene(failing, fails=True)


@op("VariableV2", "Variable", "Assign", "AssignAdd", "AssignSub", "IsVariableInitialized", "RefIdentity", family="state")
def references(name, rng):
    kind = "Variable" if name == "Variable" else "VariableV2"
    for dtype in KINDS if name in ("VariableV2", "Variable", "Assign") else NUMBERS:
        x, y = values(rng, dtype, (2, 3)), values(rng, dtype, (2, 3))

        def build(feed, x=x, y=y, dtype=dtype):
            variable = getattr(raw, kind)(shape=[2, 3], dtype=tf_type(dtype), shared_name="v")
            known = raw.IsVariableInitialized(ref=variable)
            assign = raw.Assign(ref=variable, value=feed(x))
            read = tf.identity(variable)
            runs = [[known], [assign.op], [known, read]]
            if dtype in NUMBERS:
                add, sub = raw.AssignAdd(ref=variable, value=feed(y)), raw.AssignSub(ref=variable, value=feed(y))
                runs += [[add.op], [read], [sub.op], [read]]
            reshaped = raw.Assign(ref=variable, value=feed(values(rng, dtype, (4,))), validate_shape=False)
            return [*runs, [tf.identity(reshaped)], [read]]

        yield Scene(build)

    def unset(feed):
        return [tf.identity(raw.VariableV2(shape=[2], dtype=tf.float32, shared_name="v"))]

    def wrong_shape(feed):
        variable = raw.VariableV2(shape=[2], dtype=tf.float32, shared_name="v")
        return [[raw.Assign(ref=variable, value=tf.identity(feed(np.ones(3, f32)))).op]]

    for build in (unset, wrong_shape):
        yield Scene(build, fails=True)


@op("ScatterUpdate", "ScatterAdd", "ScatterSub", "ScatterMul", "ScatterDiv", "ScatterMin", "ScatterMax", family="state")
def reference_scatter(name, rng):
    for dtype in KINDS if name.endswith("Update") else (f32, f64, i32, i64):
        for where, shape in (([3, 0, 3], (3, 2)), (2, (2,))):
            x, update = values(rng, dtype, (4, 2), 1, 9), values(rng, dtype, shape, 1, 9)

            def build(feed, x=x, update=update, where=where, dtype=dtype):
                variable = raw.VariableV2(shape=[4, 2], dtype=tf_type(dtype), shared_name="v")
                assign = raw.Assign(ref=variable, value=feed(x))
                scatter = getattr(raw, name)(ref=variable, indices=feed(np.array(where, i32)), updates=feed(update))
                return [[assign.op], [scatter.op], [tf.identity(variable)]]

            yield Scene(build)
    for where, shape in (([4], (1, 2)), ([-1], (1, 2)), ([0, 1], (1, 2))):
        def failing(feed, where=where, shape=shape):
            variable = raw.VariableV2(shape=[4, 2], dtype=tf.float32, shared_name="v")
            assign = raw.Assign(ref=variable, value=feed(np.ones((4, 2), f32)))
            return [[assign.op], [getattr(raw, name)(ref=variable, indices=feed(np.array(where, i32)), updates=feed(np.ones(shape, f32))).op]]

        yield Scene(failing, fails=True)


@op("ScatterNdUpdate", "ScatterNdAdd", "ScatterNdSub", "ScatterNdMax", "ScatterNdMin", "ResourceScatterNdMax", "ResourceScatterNdMin", family="state")
def scatter_nd(name, rng):
    by_handle = name.startswith("Resource")

    def variable(feed, dtype, x):
        if by_handle:
            return resource(feed, dtype, x)
        made = raw.VariableV2(shape=x.shape, dtype=tf_type(dtype), shared_name="v")
        return made, raw.Assign(ref=made, value=feed(x)).op

    def scene(x, where, update, fails=False, **attrs):
        dtype = object if x.dtype == object else x.dtype.type

        def build(feed):
            made, assign = variable(feed, dtype, x)
            scatter = getattr(raw, name)(ref=made, indices=feed(where), updates=feed(update), **attrs)
            read = raw.ReadVariableOp(resource=made, dtype=tf_type(dtype)) if by_handle else tf.identity(scatter)
            return [[assign], [read]] if not by_handle else [[assign], [scatter]] + [[read]] * (not fails)

        return Scene(build, fails=fails)

    for dtype in (f16, f32, i32, i64, u8, *((object, np.bool_) if name == "ScatterNdUpdate" else ())):
        for where, shape in (([[3], [0]], (2, 2)), ([[1, 1], [0, 0], [1, 1]], (3,)), ([[[2]]], (1, 1, 2))):
            yield scene(values(rng, dtype, (4, 2)), np.array(where, i32), values(rng, dtype, shape))
    ones = np.ones((4, 2), f32)
    yield scene(ones, np.array([[4], [1]], i64), 2 * np.ones((2, 2), f32), bad_indices_policy="IGNORE")
    yield scene(ones[:, 0], np.array([1, 3], i32), np.ones(2, f32))
    yield scene(ones, np.zeros((0, 1), i32), np.zeros((0, 2), f32))
    for where, shape in (([[4]], (1, 2)), ([[0, 2]], (1,)), ([[0]], (1, 3)), ([[0, 0, 0]], (1,)), ([[0]], (2, 2)), ([[0]], ())):
        yield scene(ones, np.array(where, i32), np.ones(shape, f32), fails=True)


@op("StridedSliceAssign", "ResourceStridedSliceAssign", family="state")
def strided_slice_assign(name, rng):
    def scene(x, bounds, value, fails=False, **attrs):
        dtype = object if x.dtype == object else x.dtype.type

        def build(feed):
            places = {key: feed(np.array(bound, i32)) for key, bound in zip(("begin", "end", "strides"), bounds)}
            if name == "ResourceStridedSliceAssign":
                made, assign = resource(feed, dtype, x)
                change = raw.ResourceStridedSliceAssign(ref=made, **places, value=feed(value), **attrs)
                return [[assign], [change]] + [[raw.ReadVariableOp(resource=made, dtype=tf_type(dtype))]] * (not fails)
            made = raw.VariableV2(shape=x.shape, dtype=tf_type(dtype), shared_name="v")
            assign = raw.Assign(ref=made, value=feed(x)).op
            return [[assign], [tf.identity(raw.StridedSliceAssign(ref=made, **places, value=feed(value), **attrs))]]

        return Scene(build, fails=fails)

    for dtype in (f16, f32, i64, np.bool_, object):
        yield scene(values(rng, dtype, (4,)), ([1], [3], [1]), values(rng, dtype, (2,)))
        yield scene(values(rng, dtype, (3, 4)), ([0, 3], [3, 0], [2, -2]), values(rng, dtype, (2, 2)))
    x = np.arange(12, dtype=f32).reshape(3, 4)
    yield scene(x, ([1], [2], [1]), np.float32(9))
    yield scene(x, ([1], [2], [1]), np.array([9, 8, 7, 6], f32), shrink_axis_mask=1)
    yield scene(x, ([0, 1], [0, 3], [1, 1]), np.array([[[5, 6]]], f32), begin_mask=1, end_mask=1)
    yield scene(x, ([2], [1], [1]), np.ones(7, f32))
    for bounds, shape in ((([1], [3], [1]), (3,)), (([0], [1], [0]), (4,)), (([0, 0, 0], [1, 1, 1], [1, 1, 1]), (1,))):
        yield scene(x, bounds, np.ones(shape, f32), fails=True)


@op("ApplyGradientDescent", "ResourceApplyGradientDescent", family="state")
def gradient_descent(name, rng):
    def scene(x, alpha, delta, fails=False):
        dtype = x.dtype.type

        def build(feed):
            if name == "ResourceApplyGradientDescent":
                made, assign = resource(feed, dtype, x)
                change = raw.ResourceApplyGradientDescent(var=made, alpha=feed(alpha), delta=feed(delta))
                return [[assign], [change]] + [[raw.ReadVariableOp(resource=made, dtype=tf_type(dtype))]] * (not fails)
            made = raw.VariableV2(shape=x.shape, dtype=tf_type(dtype), shared_name="v")
            assign = raw.Assign(ref=made, value=feed(x)).op
            return [[assign], [tf.identity(raw.ApplyGradientDescent(var=made, alpha=feed(alpha), delta=feed(delta)))]]

        return Scene(build, fails=fails, tolerance="ulp 1")

    for dtype in (f16, bf16, f32, f64):
        yield scene(values(rng, dtype, (5, 3)), np.array(0.3, dtype), values(rng, dtype, (5, 3)))
    yield scene(np.ones(2, f32), np.float32(1), np.ones(3, f32), fails=True)
    yield scene(np.ones(2, f32), np.ones(1, f32), np.ones(2, f32), fails=True)


@op("TemporaryVariable", "DestroyTemporaryVariable", family="state")
def temporary(name, rng):
    def scene(kept, fails=False):
        def build(feed):
            made = raw.TemporaryVariable(shape=[2], dtype=tf.float32, var_name="t")
            filled = raw.Assign(ref=made, value=feed(np.array([1, 2], f32)))
            more = raw.AssignAdd(ref=filled, value=feed(np.array([3, 4], f32)))
            result = raw.DestroyTemporaryVariable(ref=more, var_name=kept)
            return [[result], [result]]

        return Scene(build, fails=fails)

    yield scene("t")

    def unknown(feed):
        made = raw.TemporaryVariable(shape=[2], dtype=tf.float32, var_name="t")
        filled = raw.Assign(ref=made, value=feed(np.array([1, 2], f32)))
        return [[raw.DestroyTemporaryVariable(ref=filled, var_name="u")]]

    yield Scene(unknown, fails=True)
