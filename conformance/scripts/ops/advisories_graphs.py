"""Calls from security advisories, of tables, lists, files, ragged tensors, text, images and shapes that overflow."""

import numpy as np
import tensorflow as tf
from calls import advisory, c64, f32, f64, i32, i64, u8
from ops.advisories import F, HUGE, I, L, N, S, length, list_of, raw
from ops.array_shapes import ints
from ops.text import one, text

# Shapes whose products overflow, for everything that makes tensors of told shapes.
for shape in (L(2**31, 2**31, 2**31), L(2**62, 4), L(-1, 2), L(2**63 - 1), np.array([[2]], i64)):
    case = "qj5r-f9mv-rffh"
    advisory("Fill", case, [shape, S(1)])
    advisory("Empty", case, [shape], {"dtype": f32, "init": True})
    advisory("BroadcastTo", case, [F(1), shape])
    advisory("RandomUniform", case, [shape], {"dtype": f32, "seed": 1})
    advisory("StatelessRandomUniform", case, [shape, ints(1, 2)])
    advisory("TruncatedNormal", case, [shape], {"dtype": f32, "seed": 1})
    advisory("RandomStandardNormal", case, [shape], {"dtype": f32, "seed": 1})
    advisory("StatelessRandomBinomial", case, [shape, ints(1, 2), f64(3), f64(0.5)], {"dtype": i64})
    advisory("StatelessRandomPoisson", case, [shape, ints(1, 2), f64(3)], {"dtype": i64})
    advisory("ScatterNd", case, [np.zeros((1, 1), i64), F(1), shape])
    advisory("SparseToDense", case, [np.zeros((1, shape.size), i64), shape, F(1), S(0)])
    advisory("UnravelIndex", case, [np.array(5, i64), shape])
    advisory("Reshape", case, [F(4), shape])
    advisory("TensorListReserve", case, lambda feed, shape=shape: [raw.TensorListStack(input_handle=raw.TensorListReserve(element_shape=feed(shape), num_elements=feed(N(2)), element_dtype=tf.float32), element_shape=feed(ints(2)), element_dtype=tf.float32)])
advisory("Tile", "TFSA-2020-014", [F(1, 1), L(2**40, 2**40)])
advisory("Tile", "TFSA-2020-014", [F(1, 1), L(-1, 2)])
advisory("LinSpace", "TFSA-2020-014", [S(0), S(1), N(-1)])
advisory("OneHot", "j8qh-3xrq-c825", [np.zeros((0, 2), i64), N(0), S(1), S(0)])
advisory("OneHot", "j8qh-3xrq-c825", [L(1), N(-1), S(1), S(0)])
advisory("OneHot", "j8qh-3xrq-c825", [L(1), N(2**31 - 1), F(1), S(0)])
for axis in (-(2**31), 2**31 - 1, -9, 7):
    advisory("ExpandDims", "c545-c4f9-rf6v", [F(2, 2), N(axis)])
    advisory("ArgMax", "crch-j389-5f84", [F(2, 2), N(axis)])
    advisory("ArgMin", "crch-j389-5f84", [F(2, 2), N(axis)])
    advisory("SplitV", "h4pc-gx2w-f2xv", [F(2, 2), ints(1, 1), N(axis)], {"num_split": 2})
    advisory("ConcatV2", "9c84-4hx6-xmm4", [[F(2, 2), F(2, 2)], N(axis)])
    advisory("GatherV2", "4vrf-ff7v-hpgr", [F(2, 2), ints(0), N(axis)])
    advisory("Unpack", "pgcq-h79j-2f69", [F(2, 2)], {"num": 2, "axis": axis})
    advisory("Cumsum", "pgcq-h79j-2f69", [F(2, 2), N(axis)])
    advisory("Roll", "pgcq-h79j-2f69", [F(2, 2), ints(1), ints(axis)])
for params, places in ((F(0, 2), [[0]]), (F(2, 0), [[0]]), (F(0), []), (F(2, 2), [[-1, 0]]), (F(2, 2), [[0, 0, 0]]), (F(), [[]])):
    advisory("GatherNd", "3w67-q784-6w7c", [params, np.array(places, i32)])
for x, y in ((F(0), F(2)), (F(0), F(1)), (F(0, 2), F(2, 2))):
    advisory("Minimum", "24x6-8c7m-hv3f", [x, y])
    advisory("Maximum", "24x6-8c7m-hv3f", [x, y])
for name in ("Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod"):
    advisory(name, "rhrq-64mq-hf9h", [ints(4, -5), ints(0, 3)])
    advisory(name, "rhrq-64mq-hf9h", [np.array([-(2**31)], i32), ints(-1)])
advisory("StridedSlice", "mhhc-q96p-mfm9", [F(2, 2), ints(0), ints(-9), ints(1)], {"ellipsis_mask": 1})
advisory("StridedSlice", "mhhc-q96p-mfm9", [F(2, 2), ints(0, 0), ints(-9, 1), ints(1, 1)], {"ellipsis_mask": 3})
advisory("SegmentSum", "hjmq-236j-8m87", [F(1), np.array([2**40], i64)])
advisory("SegmentSum", "hjmq-236j-8m87", [F(1, 2**10), np.array([2**31 - 2], i32)])
for sizes in (L(-1, 2), L(2, -1), L(HUGE, HUGE), L(2, HUGE), L(2, 2, HUGE)):
    advisory("SparseTensorToCSRSparseMatrix", "2022-29198", lambda feed, sizes=sizes: [raw.CSRSparseMatrixToDense(
        sparse_input=raw.SparseTensorToCSRSparseMatrix(indices=np.zeros((1, sizes.size), i64), values=feed(F(1)), dense_shape=tf.ensure_shape(feed(sizes), sizes.shape)), type=tf.float32)])
for dims, skip, kind in ((ints(2, 2), N(0), f32), (N(2), ints(0, 0), f32), (N(-1), N(0), f32), (N(2), N(-1), f32), (N(2**31 - 1), N(0), f32), (I(0), N(0), f32)):
    advisory("SobolSample", "2022-35935", [dims, N(3), skip], {"dtype": kind})
for counts in (ints(1, 2), I(0), N(-1), N(2**31 - 1)):
    advisory("SobolSample", "2022-35935", [N(2), counts, N(0)])
for shape in (L(), N(3), L(2, 2), L(2, 2, 2, 2), np.array([[2, 2]], i64)):
    advisory("SetSize", "2022-35993", [np.zeros((1, 2), i64), L(1), np.asarray(shape, i64)])
for signal, lengths in ((F(4, 4), ints(-1, 2)), (F(4, 4), ints(2**31 - 1, 2**31 - 1)), (F(4, 4), ints(4)), (F(4), ints(4, 4)), (F(0, 4), ints(4, 4)), (np.zeros((4, 4), f64), ints(4, 4))):
    advisory("RFFT2D", "2022-29205", [signal, lengths])
    advisory("IRFFT2D", "2022-29205", [signal.astype(c64), lengths])
for true, range_max, count in (([[9]], 5, 2), ([[-1]], 5, 2), ([[0]], 0, 1), ([[0]], -1, 1), ([[0]], 5, 9), ([[0]], 5, -1), ([0], 5, 1), ([[0, 1]], 5, 1)):
    for name in ("ThreadUnsafeUnigramCandidateSampler", "UniformCandidateSampler", "LogUniformCandidateSampler", "LearnedUnigramCandidateSampler"):
        advisory(name, "2022-41880", [np.array(true, i64)], {"num_true": 1, "num_sampled": count, "unique": True, "range_max": range_max, "seed": 1, "seed2": 2})

for name, dtype in (("ImmutableConst", tf.string), ("ImmutableConst", tf.resource), ("ImmutableConst", tf.variant), ("ImmutableConst", tf.float32)):
    case = {tf.string: "hhvc-g5hv-48c6", tf.float32: "j8c8-67vp-6mx7"}.get(dtype, "g4h2-gqm3-c9wq")
    advisory(name, case, lambda feed, dtype=dtype: [raw.ImmutableConst(dtype=dtype, shape=[2], memory_region_name="/nowhere")] if dtype in (tf.string, tf.float32) else [raw.ImmutableConst(dtype=dtype, shape=[2], memory_region_name="/nowhere").op])
for patterns in (text("/nowhere/*"), text("[", "a[b-"), text(""), text("\\"), np.zeros(0, object), text("/nowhere/**/[!a]?{b")):
    advisory("MatchingFiles", "9jjw-hf72-3mxw", [patterns])
for names, slices in ((np.zeros(0, object), np.zeros(0, object)), (text("a"), np.zeros(0, object)), (text("a", "b"), text("")), (one("a"), one(""))):
    advisory("RestoreV2", "gh6x-4whr-2qv4", [one("/nowhere"), names, slices], {"dtypes": [f32]})
advisory("RestoreV2", "7pxj-m4jf-r6h2", [text(), text("a"), text("")], {"dtypes": [f32]})
for files, name in ((one("/nowhere"), text()), (text(), one("a")), (text("a", "b"), one("a")), (one("/nowhere"), one("a"))):
    advisory("Restore", "gh6x-4whr-2qv4", [files, name], {"dt": f32})
for names, slices in ((text(), text()), (text("a", "b"), text("", "")), (text("a"), text()), (one("a"), one(""))):
    advisory("SaveV2", "wp77-4gmm-7cq8", [one("/nowhere/at/all"), names, slices, [F(1)]])
for value in (np.array([1 + 1j], c64), np.array([b"a"], object), np.array([True])):
    advisory("Save", "2022-35983", [one("/nowhere/at/all"), text("a"), [value]])
    advisory("SaveSlices", "2022-35983", [one("/nowhere/at/all"), text("a"), text(""), [value]])
for data in (b"GIF89a\x02\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\xff,\x00\x00\x00\x00\x02\x00\x01\x00\x00\x02", b"GIF89a\x02\x00\x01\x00\x80\x00\x00\xff\x00", b"GIF87a\x00\x00\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00;"):
    advisory("DecodeGif", "TFSA-2019-001", [one(data)])
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"
for data in (PNG, PNG + b"\x00\x00\x00\x0cIDATx\x9c", PNG[:20], b"\x89PNG", b""):
    advisory("DecodePng", "fq6p-6334-8gr4", [one(data)])
advisory("StringFormat", "2022-41911", [[np.array([[True, False], [False, True]])]], {"template": "%s", "placeholder": "%s"})
advisory("StringFormat", "2022-41911", [[np.array(True)]], {"template": "%s", "placeholder": "%s", "summarize": -1})
for tag, metadata in ((text("a", "b"), one("")), (one("a"), text("")), (text(), one("")), (one("a"), text())):
    advisory("TensorSummaryV2", "2022-29193", [tag, F(1), metadata])
for rate in (F(0), F(2), S(0), S(-1), S(np.nan)):
    advisory("AudioSummaryV2", "2022-35995", [one("a"), F(1, 4, 1), rate])

CROSS = {"ragged_values_types": [i64], "ragged_splits_types": [i64], "sparse_values_types": [], "dense_types": [], "input_order": "R", "hashed_output": True, "num_buckets": 5, "hash_key": 1, "out_values_type": i64, "out_row_splits_type": i64}
for case, numbers, splits, attrs in (("j47f-4232-hvv8", L(1, 2), L(0, 9), {}), ("j47f-4232-hvv8", L(1, 2), L(1, 2), {}), ("j47f-4232-hvv8", L(1, 2), L(0, 2, 1), {}), ("j47f-4232-hvv8", L(1, 2), L(), {}), ("j47f-4232-hvv8", L(1, 2), L(0, -1, 2), {}), ("j47f-4232-hvv8", np.zeros((2, 2), i64), L(0, 2), {}), ("fr77-rrx3-cp7g", L(1, 2), L(0, 2), {"input_order": "RR"}), ("fr77-rrx3-cp7g", L(1, 2), L(0, 2), {"input_order": "D"}), ("fr77-rrx3-cp7g", L(1, 2), L(0, 2), {"input_order": "X"}), ("fr77-rrx3-cp7g", L(1, 2), L(0, 2), {"num_buckets": -1})):
    advisory("RaggedCross", case, [[numbers], [splits], [], [], [], []], {**CROSS, **attrs})
advisory("RaggedCross", "vwhq-49r4-gj9v", [[], [], [], [], [], []], {**CROSS, "ragged_values_types": [], "ragged_splits_types": [], "input_order": ""})
advisory("RaggedCross", "vwhq-49r4-gj9v", [[], [], [np.zeros((1, 2), i64)], [L(1)], [L(2, 2, 2)], []], {**CROSS, "ragged_values_types": [], "ragged_splits_types": [], "sparse_values_types": [i64], "input_order": "S"})
for case, splits, values in (("w4xf-2pqw-5mq7", L(), F(2)), ("2022-36018", L(0, 9), F(2)), ("2022-36018", L(0, 1), F(2)), ("2022-36018", L(0, 2), F()), ("w4xf-2pqw-5mq7", np.zeros((1, 2), i64), F(2))):
    for batched in (True, False):
        advisory("RaggedTensorToVariant", case, lambda feed, splits=splits, values=values, batched=batched: [raw.RaggedTensorFromVariant(
            encoded_ragged=raw.RaggedTensorToVariant(rt_nested_splits=[feed(splits)], rt_dense_values=feed(values), batched_input=batched),
            input_ragged_rank=0 if batched else 1, output_ragged_rank=1, Tvalues=tf.float32).output_dense_values])
for shape in (np.zeros((1, 1, 2), i64), L(0)):
    advisory("SparseCountSparseOutput", "m342-ff57-4jcc", [shape, L(1), L(2, 2), F(0)], {"binary_output": False})
advisory("SparseCountSparseOutput", "m342-ff57-4jcc", [np.zeros((1, 2), i64), np.zeros((1, 1), i64), L(2, 2), F(0)], {"binary_output": False})
advisory("SparseCountSparseOutput", "m342-ff57-4jcc", [np.zeros((1, 2), i64), L(1), np.zeros((1, 2), i64), F(0)], {"binary_output": False})


def variable(feed, change):
    handle = raw.VarHandleOp(dtype=tf.int32, shape=None, shared_name="v")
    return [[raw.AssignVariableOp(resource=handle, value=feed(ints(4, 8)))], [change(handle)], [raw.ReadVariableOp(resource=handle, dtype=tf.int32)]]


advisory("ResourceScatterDiv", "ch4f-829c-v5pw", lambda feed: variable(feed, lambda handle: raw.ResourceScatterDiv(resource=handle, indices=feed(ints(1)), updates=feed(ints(2))))[:2] + [[raw.ResourceScatterDiv(resource=raw.VarHandleOp(dtype=tf.int32, shape=None, shared_name="v"), indices=feed(ints(0)), updates=feed(ints(0)))]])
for indices, updates in ((ints(0, 1), ints(1)), (ints(0), ints(1, 2)), (ints(9), ints(1)), (ints(-1), ints(1)), (ints(0), I(0)), (np.zeros((1, 1), i32), ints(1))):
    advisory("ResourceScatterUpdate", "7fvx-3jfc-2cpc", lambda feed, indices=indices, updates=updates: variable(feed, lambda handle: raw.ResourceScatterUpdate(resource=handle, indices=feed(indices), updates=feed(updates)))[:2])
advisory("AssignVariableOp", "q85f-69q7-55h2", lambda feed: [raw.ReadVariableOp(resource=raw.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="w"), dtype=tf.float32)])
for keys, values in ((text("a", "b"), np.array(1, i64)), (text("a", "b"), L(1)), (text("a"), L(1, 2)), (one("a"), L(1)), (text(), L()), (text("a"), np.zeros((1, 1), i64))):
    for make in (lambda: raw.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="t"), lambda: raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="t")):
        advisory("LookupTableImportV2", "2023-25672", lambda feed, keys=keys, values=values, make=make: [raw.LookupTableImportV2(table_handle=make(), keys=feed(keys), values=feed(values))])
advisory("TensorArrayConcatV2", "2023-25663", lambda feed: list(raw.TensorArrayConcatV2(handle=feed(text("a", "b")), flow_in=feed(S(0)), dtype=tf.float32)))
advisory("TensorArrayConcatV2", "2023-25663", lambda feed: list(raw.TensorArrayConcatV2(handle=feed(text("_tensor_arrays", "nothing")), flow_in=feed(S(0)), dtype=tf.float32)))
for shape in (ints(), np.zeros((1, 0), i32), N(-1), N(3), ints(-1), ints(2, -1)):
    advisory("TensorListConcat", "2022-41891", lambda feed, shape=shape: list(raw.TensorListConcatV2(input_handle=list_of(feed), element_shape=feed(shape), leading_dims=feed(L()), element_dtype=tf.float32)))
for lengths, shape in ((L(1, 9), ints(2)), (L(-1, 3), ints(2)), (np.array(2, i64), ints(2)), (L(1, 1), ints()), (L(), ints(2))):
    advisory("TensorListSplit", "2023-25673", lambda feed, lengths=lengths, shape=shape: length(raw.TensorListSplit(tensor=feed(F(2, 2)), element_shape=feed(shape), lengths=feed(lengths))))


# Graphs that were changed after they were made.
def node(graph, name):
    return next(node for node in graph.node if node.name == name)


def doubled(feed, value=F(2)):
    return [raw.Neg(x=raw.Identity(input=feed(value), name="inner"), name="outer")]


def constant(feed):
    return [raw.Neg(x=tf.constant(F(2), name="inner"), name="outer")]


def spoiled(name, case, change, build=doubled):
    advisory(name, case, build, spoil=lambda graph: change(graph))


spoiled("Identity", "q263-fvxm-m5mw", lambda graph: node(graph, "outer").input.__setitem__(0, "inner:7"))
spoiled("Identity", "q263-fvxm-m5mw", lambda graph: node(graph, "outer").input.__setitem__(0, "nowhere"))
spoiled("Identity", "q263-fvxm-m5mw", lambda graph: node(graph, "outer").input.__setitem__(0, "inner:-1"))
spoiled("Identity", "2022-41883", lambda graph: node(graph, "outer").input.pop())
spoiled("Identity", "2022-41883", lambda graph: node(graph, "outer").input.append("inner"))
spoiled("Identity", "9p77-mmrw-69c7", lambda graph: node(graph, "inner").attr.pop("T"))
spoiled("Identity", "9p77-mmrw-69c7", lambda graph: node(graph, "inner").attr["T"].Clear())
spoiled("Identity", "gjqc-q9g6-q2j3", lambda graph: node(graph, "inner").attr["T"].__setattr__("type", 3))
spoiled("Identity", "gjqc-q9g6-q2j3", lambda graph: node(graph, "outer").attr["T"].__setattr__("type", 7))
spoiled("Identity", "cwv3-863g-39vx", lambda graph: node(graph, "inner").input.__setitem__(0, "outer"))
spoiled("Identity", "vq36-27g6-p492", lambda graph: node(graph, "inner").attr["T"].__setattr__("type", 999))
spoiled("Const", "gjqc-q9g6-q2j3", lambda graph: node(graph, "inner").attr["dtype"].__setattr__("type", 3), constant)
spoiled("Const", "fx5c-h9f6-rv7c", lambda graph: node(graph, "inner").attr["dtype"].__setattr__("type", 101), constant)
spoiled("Const", "j3mj-fhpq-qqjj", lambda graph: node(graph, "inner").attr["value"].tensor.__setattr__("dtype", 999), constant)
spoiled("Const", "j3mj-fhpq-qqjj", lambda graph: node(graph, "inner").attr["value"].tensor.__setattr__("dtype", 0), constant)
for dims in ((-1,), (2**62, 4), (2**40,)):
    def reshaped(graph, dims=dims):
        tensor = node(graph, "inner").attr["value"].tensor
        tensor.tensor_shape.ClearField("dim")
        for size in dims:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = b""
        tensor.float_val[:] = []

    spoiled("Const", "4j82-5ccr-4r8v" if min(dims) < 0 else "j3mj-fhpq-qqjj", reshaped, constant)
spoiled("Const", "4j82-5ccr-4r8v", lambda graph: node(graph, "inner").attr["value"].tensor.tensor_shape.__setattr__("unknown_rank", True), constant)
spoiled("Const", "qhxx-j73r-qpm2", lambda graph: (node(graph, "inner").attr["value"].tensor.__setattr__("tensor_content", b"abc")), constant)


def loop(feed):
    with tf.compat.v1.name_scope("loop"):
        return [raw.Identity(input=raw.Exit(data=raw.Enter(data=feed(F(1)), frame_name="f", name="into"), name="out"))]


advisory("Exit", "5crj-c72x-m7gq", loop)
spoiled("Exit", "5crj-c72x-m7gq", lambda graph: node(graph, "loop/out").input.__setitem__(0, "feed0"), loop)
spoiled("Exit", "5crj-c72x-m7gq", lambda graph: node(graph, "loop/into").__setattr__("op", "Identity") or node(graph, "loop/into").attr.pop("frame_name"), loop)


def call(feed):
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)], autograph=False)
    def body(x):
        return raw.Neg(x=raw.Neg(x=x))

    return [tf.raw_ops.PartitionedCall(args=[feed(F(2))], Tout=[tf.float32], f=body.get_concrete_function())[0]]


def itself(graph):
    """The function calls itself."""
    function = graph.library.function[0]
    inner = function.node_def[0]
    inner.op = "PartitionedCall"
    inner.attr.clear()
    inner.attr["Tin"].list.type.append(1)
    inner.attr["Tout"].list.type.append(1)
    inner.attr["f"].func.name = function.signature.name
    function.node_def[1].input[0] = f"{inner.name}:output:0"


spoiled("PartitionedCall", "43jf-985q-588j", lambda graph: graph.library.function[0].ret.clear(), call)
spoiled("PartitionedCall", "43jf-985q-588j", lambda graph: graph.library.function[0].node_def[1].input.__setitem__(0, "nowhere:y:0"), call)
spoiled("PartitionedCall", "43jf-985q-588j", lambda graph: graph.library.function[0].signature.ClearField("name"), call)
spoiled("PartitionedCall", "43jf-985q-588j", lambda graph: graph.library.function[0].signature.input_arg.pop(), call)
spoiled("PartitionedCall", "247x-2f9f-5wp7", itself, call)
