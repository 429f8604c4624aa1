"""TF1 state: reference variables, partitioned variables, counters, several metagraphs, init ops."""

import contextlib

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from models import model
from models.v1_graphs import save, save_single, signature, v1_graph
from records import Case, Classify, Predict, Regress, Run

tf1 = tf.compat.v1
EXACT = dict(rtol=0, atol=0, why="integers, or single roundings in a fixed order")


@model
def v1_ref_variables(folder):
    """VariableV2 with Assign, AssignAdd, AssignSub and the scatter family, from record to record."""
    with v1_graph():
        counter = tf1.get_variable("counter", initializer=3)
        table = tf1.get_variable("table", initializer=np.arange(12, dtype=np.float32).reshape(4, 3))
        by = tf1.placeholder(tf.int32, [], "by")
        rows = tf1.placeholder(tf.int32, [None], "rows")
        update = tf1.placeholder(tf.float32, [None, 3], "update")
        index = {"rows": rows, "update": update}
        save_single(folder, {
            "get": signature({}, {"counter": counter, "table": table}),
            "add": signature({"by": by}, {"counter": tf1.assign_add(counter, by)}),
            "sub": signature({"by": by}, {"counter": tf1.assign_sub(counter, by)}),
            "set": signature({"by": by}, {"counter": tf1.assign(counter, by)}),
            "scatter_update": signature(index, {"table": tf1.scatter_update(table, rows, update)}),
            "scatter_add": signature(index, {"table": tf1.scatter_add(table, rows, update)}),
            "scatter_mul": signature(index, {"table": tf1.scatter_mul(table, rows, update)}),
            "scatter_max": signature(index, {"table": tf1.scatter_max(table, rows, update)}),
            "initialized": signature({}, {"yes": tf1.is_variable_initialized(counter)}),
        })
    ones = np.full((2, 3), 2, np.float32)
    return Case(
        [
            Predict({}, "get"),
            Predict({"by": 4}, "add"),
            Predict({"by": 10}, "sub"),
            Predict({"by": -7}, "set"),
            Predict({"by": 1}, "add"),
            Predict({"rows": [3, 0], "update": ones}, "scatter_update"),
            Predict({"rows": [1, 1], "update": ones}, "scatter_add"),
            Predict({"rows": [2, 3], "update": -ones}, "scatter_mul"),
            Predict({"rows": [2, 2], "update": ones}, "scatter_max"),
            Predict({"rows": [], "update": ones[:0]}, "scatter_add"),
            Predict({}, "get"),
            Predict({}, "initialized"),
        ],
        errors=[Predict({"rows": [4], "update": ones[:1]}, "scatter_add")],
        **EXACT,
    )


@model
def v1_uninitialized(folder):
    """A local variable that no checkpoint fills: reading it fails until its initializer has run."""
    with v1_graph():
        local = tf1.get_variable("local", initializer=[1.0, 2.0], collections=[tf1.GraphKeys.LOCAL_VARIABLES])
        kept = tf1.get_variable("kept", initializer=5.0)
        out = tf.add(local, kept, name="out")
        save_single(folder, {"serving_default": signature({}, {"kept": kept})})
    return Case(
        [Predict({}), Run({}, [], ["local/Assign"]), Run({}, [out.name]), Run({}, ["local/read:0"])],
        **EXACT,
    )


@model
def v1_uninitialized_error(folder):
    """As above, without the initializer; an init op counts the loads."""
    with v1_graph():
        local = tf1.get_variable("local", initializer=[1.0, 2.0], collections=[tf1.GraphKeys.LOCAL_VARIABLES])
        loads = tf1.get_variable("loads", initializer=10)
        init = tf1.assign_add(loads, 1).op
        with tf1.control_dependencies([init]):
            init = tf1.no_op("main")
        save_single(folder, {"serving_default": signature({}, {"loads": loads})}, init=init)
    return Case([Predict({})], errors=[Run({}, ["local/read:0"])], **EXACT)


@model
def v1_partitioned(folder):
    """Partitioned variables: one checkpoint entry in slices, read as a concatenation."""
    with v1_graph():
        tokens = tf1.placeholder(tf.int64, [None], "tokens")
        partition = tf1.fixed_size_partitioner(3)
        embedding = tf1.get_variable(
            "embedding", [10, 4], initializer=tf1.random_normal_initializer(seed=3), partitioner=partition
        )
        columns = tf1.get_variable(
            "columns", [4, 5], initializer=tf1.random_normal_initializer(seed=4),
            partitioner=tf1.fixed_size_partitioner(2, axis=1),
        )
        rows = tf1.nn.embedding_lookup(embedding, tokens, partition_strategy="div")
        out = tf.matmul(rows, tf.convert_to_tensor(columns))
        save_single(folder, {"serving_default": signature({"tokens": tokens}, {"rows": rows, "out": out})})
    return Case([Predict({"tokens": t}) for t in ([0], [9, 3, 3, 6, 1], [])])


@contextlib.contextmanager
def changed(folder):
    """The metagraph that is in a folder, written back with what is done to it."""
    path = f"{folder}/saved_model.pb"
    with open(path, "rb") as file:
        message = saved_model_pb2.SavedModel.FromString(file.read())
    yield message.meta_graphs[0]
    with open(path, "wb") as file:
        file.write(message.SerializeToString(deterministic=True))


@model
def v1_old_placeholder(folder):
    """A graph of version 21, in which a placeholder with the shape of a scalar takes any shape."""
    with v1_graph():
        x = tf1.placeholder(tf.float32, None, "x")
        y = tf.matmul(x, tf.constant(np.arange(6, dtype=np.float32).reshape(2, 3)))
        save_single(folder, {"serving_default": signature({"x": x}, {"y": y, "shape": tf.shape(x)})})
    with changed(folder) as graph:
        graph.graph_def.versions.producer = 21
        for node in graph.graph_def.node:
            if node.name == "x":
                node.attr["shape"].shape.Clear()
                node.attr.pop("_output_shapes", None)
    return Case([Predict({"x": np.arange(2 * n).reshape(n, 2)}) for n in (3, 1)], errors=[Predict({"x": 1.0})], **EXACT)


@model
def v1_no_saver(folder):
    """A metagraph without SaverDef, as modules of TensorFlow Hub's first format are: variables are found by their names."""
    with v1_graph():
        x = tf1.placeholder(tf.float32, [None, 4], "x")
        kernel = tf1.get_variable(
            "kernel", [4, 3], initializer=tf1.random_normal_initializer(seed=3),
            partitioner=tf1.fixed_size_partitioner(2),
        )
        bias = tf1.get_variable("bias", initializer=np.arange(3, dtype=np.float32), use_resource=True)
        scale = tf1.get_variable("scale", initializer=np.float32(0.5), trainable=False)
        out = (tf.matmul(x, tf.convert_to_tensor(kernel)) + bias) * scale
        save_single(folder, {"default": signature({"x": x}, {"out": out})})
    with changed(folder) as graph:
        graph.ClearField("saver_def")
        kept = [node for node in graph.graph_def.node if not node.name.startswith("save/")]
        del graph.graph_def.node[:]
        graph.graph_def.node.extend(kept)
    return Case([Predict({"x": np.arange(4 * n).reshape(n, 4)}, "default") for n in (2, 0)])


@model
def v1_resource_variables(folder):
    """VarHandleOp in a TF1 graph, with control dependencies that order reads and writes."""
    with v1_graph():
        total = tf1.get_variable("total", initializer=np.zeros(2, np.float64), use_resource=True)
        x = tf1.placeholder(tf.float64, [2], "x")
        before = total.read_value()
        with tf1.control_dependencies([before]):
            add = total.assign_add(x)
        with tf1.control_dependencies([add]):
            after = total.read_value()
        save_single(folder, {"serving_default": signature({"x": x}, {"before": before, "after": after})})
    return Case(
        [Predict({"x": [1, 2]}), Predict({"x": [0.5, -2]}), Predict({"x": [1e300, 1]})],
        errors=[Predict({"x": [1, 2, 3]})],
        **EXACT,
    )


def example(**values) -> tf.train.Example:
    result = tf.train.Example()
    for name, value in values.items():
        if isinstance(value[0], (bytes, str)):
            result.features.feature[name].bytes_list.value.extend(v.encode() for v in value)
        elif isinstance(value[0], float):
            result.features.feature[name].float_list.value.extend(value)
        else:
            result.features.feature[name].int64_list.value.extend(value)
    return result


@model
def v1_classify_regress(folder):
    """tf.Example in, classify and regress signatures out; ParseExample with dense and sparse keys."""
    with v1_graph():
        serialized = tf1.placeholder(tf.string, [None], "examples")
        parsed = tf1.parse_example(serialized, {
            "x": tf1.FixedLenFeature([2], tf.float32),
            "bias": tf1.FixedLenFeature([], tf.float32, default_value=0.25),
            "tags": tf1.VarLenFeature(tf.string),
        })
        weights = tf1.get_variable("weights", initializer=[[1.0, -2.0, 0.5], [0.25, 1.0, -1.0]])
        scores = tf.nn.softmax(tf.matmul(parsed["x"], weights))
        labels = tf.tile(tf.constant([["cat", "dog", "owl"]]), [tf.shape(scores)[0], 1])
        value = tf.reduce_sum(parsed["x"], 1) + parsed["bias"]
        count = tf1.sparse_reduce_sum(tf1.SparseTensor(
            parsed["tags"].indices, tf.ones_like(parsed["tags"].values, tf.float32), parsed["tags"].dense_shape
        ), 1)
        inputs = {"inputs": serialized}
        method = "tensorflow/serving/"
        save_single(folder, {
            "classify": signature(inputs, {"classes": labels, "scores": scores}, method + "classify"),
            "scores_only": signature(inputs, {"scores": scores}, method + "classify"),
            "classes_only": signature(inputs, {"classes": labels}, method + "classify"),
            "regress": signature(inputs, {"outputs": value}, method + "regress"),
            "regress_column": signature(inputs, {"outputs": value[:, None]}, method + "regress"),
            "predict": signature(inputs, {"tags": parsed["tags"].values, "shape": parsed["tags"].dense_shape, "n": count}),
        })
    first = example(x=[1.0, 2.0], tags=["a", "bb"])
    second = example(x=[-0.5, 4.0], bias=[7.0])
    raw = [e.SerializeToString(deterministic=True) for e in (first, second)]
    return Case(
        [
            Classify([first, second]),
            Classify([first], "scores_only"),
            Classify([second, first], "classes_only"),
            Regress([first, second]),
            Regress([second], "regress_column"),
            Predict({"inputs": raw}, "predict"),
        ],
        errors=[
            Predict({"inputs": [b"\x00junk"]}, "predict"),
            Predict({"inputs": [example(bias=[1.0]).SerializeToString()]}, "predict"),
            Predict({"inputs": [example(x=[1, 2]).SerializeToString()]}, "predict"),
            Predict({"inputs": [example(x=[1.0]).SerializeToString()]}, "predict"),
        ],
    )


@model
def v1_several_metagraphs(folder):
    """Three tag sets over one checkpoint; the graphs differ."""

    def graph(factor):
        x = tf1.placeholder(tf.float32, [None], "x")
        weight = tf1.get_variable("weight", initializer=4.0)
        return {"serving_default": signature({"x": x}, {"y": x * weight * factor})}

    with v1_graph():
        session, builder = save(folder, graph(1.0))
    for factor, tags in ((10.0, ("serve", "gpu")), (100.0, ("train",))):
        with v1_graph():
            save(folder, graph(factor), tags, session=session, builder=builder)
    builder.save()
    x = np.array([1, 2], np.float32)
    tag_sets = (("serve",), ("serve", "gpu"), ("train",))
    return Case([Predict({"x": x}, tags=tags) for tags in tag_sets], **EXACT)


@model
def v1_pbtxt(folder):
    """saved_model.pbtxt in place of saved_model.pb."""
    with v1_graph():
        x = tf1.placeholder(tf.float32, [None, 2], "x")
        weight = tf1.get_variable("weight", initializer=[[0.5], [-3.0]])
        text = tf.constant(["tab\t", "quote\"", "back\\slash", "nul\0", "ünïcode", "\n"], name="text")
        numbers = tf.constant([float("inf"), -float("inf"), float("nan"), -0.0, 1e-40], name="numbers")
        save_single(folder, as_text=True, signatures={
            "serving_default": signature({"x": x}, {"y": tf.matmul(x, weight)}),
            "constants": signature({}, {"text": tf.identity(text), "numbers": tf.identity(numbers)}),
        })
    return Case([Predict({"x": [[1, 2], [3, 4.5]]}), Predict({}, "constants")], **EXACT)


@model
def v1_sharded(folder):
    """A checkpoint of several data shards."""
    with v1_graph():
        x = tf1.placeholder(tf.float32, [None, 3], "x")
        parts = []
        for device in range(3):
            with tf1.device(f"/job:localhost/replica:0/task:0/device:CPU:{device}"):
                parts.append(tf1.get_variable(f"part{device}", initializer=np.random.randn(3, 2).astype(np.float32)))
        y = tf.concat([tf.matmul(x, part) for part in parts], 1)
        session = tf1.Session(config=tf1.ConfigProto(device_count={"CPU": 3}))
        session.run(tf1.global_variables_initializer())
        save_single(
            folder, {"serving_default": signature({"x": x}, {"y": y})},
            saver=tf1.train.Saver(sharded=True), session=session, clear_devices=True,
        )
    return Case([Predict({"x": np.random.randn(b, 3).astype(np.float32)}) for b in (1, 4)])
