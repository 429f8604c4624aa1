"""What kernels of TensorFlow check and compute at their edges: counts of arguments, distances that are no numbers, indices of empty rows."""

import numpy as np
import tensorflow as tf
from calls import bf16, f16, f32, f64, found, i32, i64
from ops.array_shapes import ints
from ops.found import RAMP, S, raw

STEPS = {"strides": [1] * 4, "padding": "VALID"}
for dtype in (f32, f64):
    image, filters, part = RAMP(dtype, 1, 3, 3, 2), RAMP(dtype, 2, 2, 2, 3), RAMP(dtype, 3)
    for count, given, steps in ((1, 2, "BiasAdd"), (2, 2, "BiasAdd"), (4, 4, "BiasAdd"), (2, 1, "BiasAdd Relu"), (4, 4, "FusedBatchNorm"), (3, 3, "FusedBatchNorm"), (5, 5, "FusedBatchNorm"), (1, 4, "FusedBatchNorm"), (1, 1, "")):
        found("_FusedConv2D", [image, filters, [part] * given, []], {**STEPS, "fused_ops": steps.split(), "num_args": count}, "eps 8")
    for wrong in (part[None], part[:, None]):
        found("_FusedConv2D", [image, filters, [wrong], []], {**STEPS, "fused_ops": ["BiasAdd"], "num_args": 1})
        found("_FusedConv2D", [image, filters, [part] * 3 + [wrong], []], {**STEPS, "fused_ops": ["FusedBatchNorm"], "num_args": 4})
    found("_FusedConv2D", [image, filters, [part], []], {**STEPS, "fused_ops": ["BiasAdd"], "num_args": 1, "filter_format": "OIHW"}, "eps 8")
    found("_FusedConv2D", [image, filters, [part], [S(1)]], {**STEPS, "fused_ops": ["BiasAdd"], "num_args": 1, "num_host_args": 1}, "eps 8")


def gathered(name, shape, indices, **attrs):
    def build(feed):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=None, shared_name="v")
        assign = raw.AssignVariableOp(resource=handle, value=feed(RAMP(f32, *shape)))
        return [[assign], [getattr(raw, name)(resource=handle, indices=feed(indices), dtype=tf.float32, **attrs)]]

    return build


for shape in ((3, 0), (0, 2), (0, 0), (3, 0, 2)):
    for places in (ints(5), ints(0), ints(-1), ints(), np.array([[0, 7]], i64)):
        found("ResourceGather", gathered("ResourceGather", shape, places))
        found("ResourceGatherNd", gathered("ResourceGatherNd", shape, places[..., None]))

for shape in ((2, 3), (2, 3, 2), (2, 3, 0), (2, 0, 2), (0, 3)):
    for places in (ints(1, 2), ints(3, 0), ints(0, -1), ints(-1, 0), ints(0, 3), ints()):
        given = places[: shape[0], None] if len(places) else np.zeros((shape[0], 0), i32)
        found("ResourceGather", gathered("ResourceGather", shape, given, batch_dims=1))

POINTS = np.array([[0, 0], [1, 1], [np.nan, 1], [3, np.inf]], f32)
CENTERS = ([[np.nan, 0], [1, 1], [2, 2]], [[0, 0], [1, 1], [2, 2]], [[np.inf, 0], [1, 1], [2, 2]], [[0, 0], [np.nan, 1], [np.nan, 2], [5, 5]], [[5, 5], [np.nan, 0], [2, 2], [np.nan, 0], [1, 1], [0, 0], [-np.inf, 0], [3, 3], [9, 9]])
for centers in CENTERS:
    for count in (1, 2, 3, 4, 8):
        found("NearestNeighbors", [POINTS, np.array(centers, f32), np.array(count, i64)])

for name in ("MaxPool3D", "AvgPool3D"):
    for dtype in (f16, bf16, f64, f32):
        for cells in ([1, 2, 2, 2, 1], [1, 1, 1, 1, 2]):
            found(name, [RAMP(dtype, 1, 2, 4, 4, 2)], {"ksize": cells, "strides": cells, "padding": "VALID"}, "eps 4")
