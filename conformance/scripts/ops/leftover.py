"""Older versions and rare relatives of operators that have cases elsewhere."""

import numpy as np
import tensorflow as tf
from calls import Bad, Scene, f32, f64, i32, i64, op, values
from ops.array_shapes import ints

raw = tf.raw_ops


@op("ImmutableConst", family="array")
def immutable(name, rng):
    def scene(kind, shape, content, fails=False):
        place = f"/tmp/savedmodel-conformance-{name}-{kind.name}-{len(content)}"

        def build(feed):
            written = raw.WriteFile(filename=feed(np.array(place.encode(), object)), contents=feed(np.array(content, object)))
            return [[written], [raw.ImmutableConst(dtype=kind, shape=shape, memory_region_name=place)]]

        return Scene(build, fails=fails)

    for kind in (tf.float32, tf.float64, tf.int32, tf.int64, tf.uint8, tf.float16, tf.bfloat16, tf.complex64):
        yield scene(kind, [2, 3], rng.integers(0, 60, 6 * kind.size).astype(np.uint8).tobytes())
    yield scene(tf.int32, [], b"\1\2\3\4\5\6\7\x08")
    yield scene(tf.int32, [3], b"\1\2\3\4", fails=True)
    yield scene(tf.string, [1], b"abcd" * 9, fails=True)
    yield Bad([], attrs={"dtype": f32, "shape": [2], "memory_region_name": "/none/x"})


@op("TensorArrayGradV3", "TensorArrayGradWithShape", family="list")
def gradients(name, rng):
    def scene(dtype, twice=False, fails=False, source="g"):
        def build(feed):
            index = lambda i: feed(np.array(i, i32))
            handle, flow = raw.TensorArrayV3(size=index(2), dtype=tf.dtypes.as_dtype(dtype), clear_after_read=False)
            flow = raw.TensorArrayScatterV3(handle=handle, indices=feed(ints(0, 1)), value=feed(values(rng, dtype, (2, 3))), flow_in=flow)
            extra = {"shape_to_prepend": feed(ints(2))} if name.endswith("Shape") else {}
            shape = (2, 3) if extra else (3,)
            made, gradient = getattr(raw, name)(handle=handle, flow_in=flow, source=source, **extra)
            if fails:
                return [raw.TensorArrayReadV3(handle=made, index=index(5), flow_in=gradient, dtype=tf.dtypes.as_dtype(dtype))]
            for i in (0, 1, 1) if twice else (0, 1):
                gradient = raw.TensorArrayWriteV3(handle=made, index=index(i), value=feed(values(rng, dtype, shape)), flow_in=gradient)
            return [raw.TensorArrayReadV3(handle=made, index=index(i), flow_in=gradient, dtype=tf.dtypes.as_dtype(dtype)) for i in (0, 1)] + [raw.TensorArraySizeV3(handle=made, flow_in=gradient)]

        return Scene(build, fails=fails)

    for dtype in (f32, f64, i32, i64):
        yield scene(dtype)
    yield scene(f32, twice=True)
    yield scene(f32, fails=True)
