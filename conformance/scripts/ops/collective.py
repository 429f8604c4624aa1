"""Operators of groups of devices, for a group of one."""

import numpy as np
from calls import Bad, Call, bf16, f16, f32, f64, i32, i64, op, values

GROUP = {"group_size": 1, "group_key": 1, "instance_key": 1}
KINDS = (f16, f32, f64, i32, i64)


@op("CollectiveReduce", "CollectiveGather", "CollectiveBcastSend", family="control")
def collectives(name, rng):
    attrs = {**GROUP, "shape": [2, 3]}
    if name == "CollectiveReduce":
        attrs = {**GROUP, "merge_op": "Add", "final_op": "Div", "subdiv_offsets": [0]}
    for dtype in (*KINDS, bf16) if name == "CollectiveReduce" else KINDS:
        yield Call([values(rng, dtype, (2, 3))], attrs)
    for size in (0, -1):
        yield Bad([values(rng, f32, (2, 3))], attrs={**attrs, "group_size": size})
    one, vector = Call([np.array(3, f32)], attrs, fails=name != "CollectiveReduce"), [values(rng, f32, (2,))]
    yield one
    yield Call(vector, attrs, fails=name == "CollectiveBcastSend")
    if name == "CollectiveReduce":
        for changes in ({"subdiv_offsets": []}, {"subdiv_offsets": [0, 1, 2]}, {"merge_op": "Min", "final_op": "Id"}, {"communication_hint": "zzz"}, {"wait_for": [0]}):
            yield Call(vector, {**attrs, **changes})


@op("CollectiveReduceV2", "CollectiveGatherV2", family="control")
def collectives_with_inputs(name, rng):
    attrs = {"merge_op": "Mul", "final_op": "Div"} if name == "CollectiveReduceV2" else {}
    number = lambda value: np.array(value, i32)

    def call(kind, x, size=1, group=5, instance=7):
        return kind([x, number(size), number(group), number(instance), []], attrs=attrs)

    for dtype in (*KINDS, bf16) if name == "CollectiveReduceV2" else KINDS:
        yield call(Call, values(rng, dtype, (2, 3)))
    x = values(rng, f32, (2,))
    for size, group, instance in ((0, 5, 7), (-1, 5, 7), ([1], 5, 7), (1, [5], 7), (1, 5, [7, 8])):
        yield call(Bad, x, size, group, instance)
