"""Turns calls into graphs, runs them in TensorFlow, and writes groups of cases."""

import ctypes
import os
import re
import zlib
from dataclasses import dataclass, field

import environment
import numpy as np
import tensorflow as tf
from calls import Call, Scene, Spec
from records import code_name, status, tensor_proto
from tensorflow.core.framework import graph_pb2, tensor_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.framework import op_def_library, op_def_registry
from tensorflow_serving.apis import prediction_log_pb2

tf1 = tf.compat.v1
# Old models hold operators that new graphs may not; a graph that an old one was imported to may.
OLD_GRAPH = graph_pb2.GraphDef()
OLD_GRAPH.versions.producer = 1
op_def_library._CheckOpDeprecation = lambda *ignored: None
M_PERTURB = -6
CONST_LIMIT = 4096
CRASH = "INVALID_ARGUMENT: TensorFlow dies of this call"


@dataclass
class Group:
    """A graph, and runs of it in one session: records, and what is expected of each ("" or "CODE: message")."""

    graph: graph_pb2.GraphDef
    tolerance: str
    kind: str
    logs: list = field(default_factory=list)
    expected: list = field(default_factory=list)

    def key(self) -> tuple:
        return self.graph.SerializeToString(deterministic=True), self.tolerance, self.kind


@dataclass
class Request:
    """One run: values by tensor name, tensors to fetch, operations to run."""

    feeds: dict
    fetches: list
    targets: list


def proto(value) -> tensor_pb2.TensorProto:
    if isinstance(value, tensor_pb2.TensorProto):
        return value
    value = np.asarray(value)
    return tensor_proto(value, tf.string if value.dtype == object else None)


def perturb(byte: int) -> None:
    """Fills fresh memory of this process with a byte, so that what is not initialized differs between runs."""
    ctypes.CDLL(None).mallopt(M_PERTURB, byte)


def single_op_graph(op: str, call: Call, const: tuple, shaped=False) -> tuple[graph_pb2.GraphDef, Request]:
    """Placeholders (of unknown shape, or `shaped`) or constants, and the one node `op` that uses them."""
    definition = op_def_registry.get(op)
    graph, feeds = graph_pb2.GraphDef(), {}
    node_inputs, attrs = [], dict(call.attrs)

    def source(label: str, value, constant: bool) -> str:
        value = proto(value)
        node = graph.node.add(name=label, op="Const" if constant else "Placeholder")
        node.attr["dtype"].type = value.dtype
        if constant:
            node.attr["value"].tensor.CopyFrom(value)
        else:
            if shaped:
                node.attr["shape"].shape.CopyFrom(value.tensor_shape)
            else:
                node.attr["shape"].shape.unknown_rank = True
            feeds[f"{label}:0"] = value
        node_inputs.append(label)
        return tf.dtypes.as_dtype(value.dtype)

    assert len(call.inputs) == len(definition.input_arg), (op, len(call.inputs))
    for index, (argument, value) in enumerate(zip(definition.input_arg, call.inputs)):
        constant = index in const
        if argument.number_attr or argument.type_list_attr:
            types = [source(f"{argument.name}_{i}", item, constant) for i, item in enumerate(value)]
            if argument.number_attr:
                attrs.setdefault(argument.number_attr, len(types))
                if argument.type_attr and types:
                    attrs.setdefault(argument.type_attr, types[0])
            else:
                attrs.setdefault(argument.type_list_attr, types)
        else:
            dtype = source(argument.name, value, constant)
            if argument.type_attr:
                attrs.setdefault(argument.type_attr, dtype)
    node = graph.node.add(name="op", op=op, input=node_inputs)
    for definition_attr in definition.attr:
        if definition_attr.name in attrs:
            set_attr(node.attr[definition_attr.name], definition_attr.type, attrs.pop(definition_attr.name))
    assert not attrs, f"{op} has no attributes {list(attrs)}"
    outputs = range(output_count(definition, node)) if call.outputs is None else call.outputs
    request = Request(feeds, [f"op:{i}" for i in outputs], [])
    if not request.fetches:
        request.targets.append("op")
    return graph, request


def set_attr(attr, kind: str, value) -> None:
    if kind.startswith("list("):
        single = kind[5:-1]
        attr.list.SetInParent()
        for item in value:
            if single == "type":
                attr.list.type.append(tf.dtypes.as_dtype(item).as_datatype_enum)
            elif single == "shape":
                attr.list.shape.add().CopyFrom(tf.TensorShape(item).as_proto())
            elif single == "string":
                attr.list.s.append(item.encode() if isinstance(item, str) else item)
            elif single == "tensor":
                attr.list.tensor.append(proto(item))
            else:
                getattr(attr.list, single[0]).append(item)
    elif kind == "type":
        attr.type = tf.dtypes.as_dtype("string" if value is object else value).as_datatype_enum
    elif kind == "shape":
        attr.shape.CopyFrom(tf.TensorShape(value).as_proto())
    elif kind == "tensor":
        attr.tensor.CopyFrom(proto(value))
    elif kind == "string":
        attr.s = value.encode() if isinstance(value, str) else value
    elif kind == "func":
        attr.func.name = value
    else:
        setattr(attr, kind[0], value)


def output_count(definition, node) -> int:
    count = 0
    defaults = {a.name: a.default_value for a in definition.attr}
    lookup = lambda attr: node.attr[attr] if attr in node.attr else defaults[attr]
    for argument in definition.output_arg:
        if argument.number_attr:
            count += lookup(argument.number_attr).i
        elif argument.type_list_attr:
            count += len(lookup(argument.type_list_attr).list.type)
        else:
            count += 1
    return count


def scene_graph(scene: Scene) -> tuple[graph_pb2.GraphDef, list[Request]]:
    """Builds a scene; every run feeds the placeholders that it needs."""
    feeds = {}
    with tf1.Graph().as_default() as graph:
        tf1.import_graph_def(OLD_GRAPH, name="")

        def feed(value):
            value = proto(value)
            # What is fed has no inputs: a control edge into it would be lost, and with it those that it implies.
            with tf.control_dependencies(None):
                placeholder = tf1.placeholder(tf.dtypes.as_dtype(value.dtype), None, f"feed{len(feeds)}")
            feeds[placeholder.name] = value
            return placeholder

        runs = scene.build(feed)
        if not runs or not isinstance(runs[0], list):
            runs = [list(runs)]
        requests = []
        for run in runs:
            fetches = [item.name for item in run if not isinstance(item, tf.Operation)]
            targets = [item.name for item in run if isinstance(item, tf.Operation)]
            requests.append(Request(feeds, fetches, targets))
        definition = graph.as_graph_def()
    definition.ClearField("versions")
    if not definition.library.function:
        definition.ClearField("library")
    return definition, requests


class BadGraph(Exception):
    """TensorFlow does not load the graph."""

    def __init__(self, reason, code: int):
        super().__init__(reason)
        self.code = code_name(code)


class Session:
    """A graph in a session of its own."""

    def __init__(self, definition: graph_pb2.GraphDef):
        self.graph = tf1.Graph()
        with self.graph.as_default():
            try:
                tf1.import_graph_def(definition, name="")
            except (ValueError, tf.errors.OpError) as error:
                raise BadGraph(error, getattr(error, "error_code", tf.errors.INVALID_ARGUMENT)) from None
        self.session = tf1.Session(graph=self.graph, config=environment.session_config())

    def run(self, request: Request) -> list:
        """The fetched tensors as protos."""
        tensor = self.graph.get_tensor_by_name
        feeds = {tensor(name)._as_tf_output(): tf.make_ndarray(value) for name, value in request.feeds.items()}
        outputs = [tensor(name)._as_tf_output() for name in request.fetches]
        operations = [self.graph.get_operation_by_name(name)._c_op for name in request.targets]
        self.session._extend_graph()
        answers = self.session._call_tf_sessionrun(None, feeds, outputs, operations, None)
        kinds = [tensor(name).dtype.base_dtype for name in request.fetches]
        return [tensor_proto(value, kind) for value, kind in zip(answers, kinds)]

    def close(self) -> None:
        self.session.close()


def unanswered(request: Request) -> prediction_log_pb2.PredictionLog:
    """The record of a run, without a response."""
    log = prediction_log_pb2.PredictionLog()
    asked = log.session_run_log.request
    for name, value in request.feeds.items():
        asked.feed.add(name=name).tensor.CopyFrom(value)
    asked.fetch.extend(request.fetches)
    asked.target.extend(request.targets)
    return log


def ask(session: Session, request: Request) -> tuple[prediction_log_pb2.PredictionLog, str]:
    """The record of a run and what is expected: "" or "CODE: message"."""
    log = unanswered(request)
    try:
        answers = session.run(request)
    except tf.errors.OpError as error:
        said = status(error)
        return log, f"{said['code']}: {said['message']}"
    log.session_run_log.response.SetInParent()
    for name, value in zip(request.fetches, answers):
        log.session_run_log.response.tensor.add(name=name).tensor.CopyFrom(value)
    return log, ""


class Maker:
    """Runs one operator's spec."""

    def __init__(self, op: str, spec: Spec, skip: set, progress: str):
        self.op, self.spec, self.skip, self.progress = op, spec, skip, progress
        self.groups: list[Group] = []
        self.notes: list[str] = []

    def counts(self) -> str:
        expected = [e for group in self.groups for e in group.expected]
        return f"{len(self.groups)} graphs, {len(expected)} runs, {sum(map(bool, expected))} errors,"

    def make(self) -> "Maker":
        rng = np.random.default_rng(zlib.crc32(self.op.encode()))
        # Calls of one graph share a session, unless the session remembers.
        stateful = op_def_registry.get(self.op).is_stateful
        pending: list[Group] = []
        by_key: dict = {}
        for index, item in enumerate(self.spec.generate(self.op, rng)):
            if str(index) in self.skip:
                self.notes.append(f"call {index} crashes TensorFlow: {brief(item)}")
                if self.spec.family == "advisories" and not getattr(item, "spoil", None):
                    pending.append(self.crash(index, item))
                continue
            with open(self.progress, "w") as file:
                file.write(str(index))
            group = self.run(index, item)
            if group is None:
                continue
            if isinstance(item, Call) and not stateful:
                known = by_key.setdefault(group.key(), group)
                if known is not group:
                    known.logs += group.logs
                    known.expected += group.expected
                    continue
            pending.append(group)
        self.groups = pending
        return self

    def crash(self, index: int, item) -> Group:
        """What is expected where TensorFlow dies of an advisory's call: an error."""
        graph, requests = self.plan(index, item)[0]
        assert len(requests) == 1, "which of the runs is it?"
        return Group(graph, item.tolerance or self.spec.tolerance, item.kind, [unanswered(requests[0])], [CRASH])

    def plan(self, index: int, item) -> list:
        """The graphs to try, best first: constants where the engine likes them, then everything fed."""
        if isinstance(item, Scene):
            graph, requests = scene_graph(item)
            if item.spoil:
                item.spoil(graph)
            return [(graph, requests)]
        fed = item.const or ()
        choices = [fed]
        if item.const is None and item.fails is False and small(item.inputs):
            if index % 4 == 1 and len(item.inputs) > 1:
                choices.insert(0, tuple(range(1, len(item.inputs))))
            elif index % 8 == 2:
                choices.insert(0, tuple(range(len(item.inputs))))
        plans = [single_op_graph(self.op, item, const) for const in choices]
        # Some shape functions want to know the rank.
        plans.append(single_op_graph(self.op, item, fed, shaped=True))
        return [(graph, [request]) for graph, request in plans]

    def run(self, index: int, item) -> Group | None:
        plans = self.plan(index, item)
        for graph, requests in plans:
            try:
                first = self.answers(graph, requests, 0x5A)
            except BadGraph as error:
                reason = str(error)
                # What is refused for want of a known rank alone is not refused.
                is_last = item.fails is None and graph is plans[-1][0]
                if item.spoil if isinstance(item, Scene) else (item.fails or is_last):
                    message = re.sub(r"\s*(for '\{\{node|; NodeDef:).*", "", reason, flags=re.S)
                    first = [(unanswered(requests[0]), f"{error.code}: {message}")]
                    return self.group(graph, item, first)
                continue
            if alike(first) != alike(self.answers(graph, requests, 0xC3)):
                self.notes.append(f"call {index} answers differently each time: {brief(item)}"[:600])
                return None
            group = self.group(graph, item, first)
            problem = self.surprise(item, group.expected)
            if problem:
                self.notes.append(f"call {index} {problem}: {brief(item)}"[:600])
                group.kind = "unchecked"
                return group if item.fails else None
            return group
        self.notes.append(f"call {index} does not make a graph: {reason}: {brief(item)}"[:600])
        return None

    def group(self, graph, item, answers: list) -> Group:
        logs, expected = [log for log, _ in answers], [said for _, said in answers]
        tolerance = narrowed(item.tolerance or self.spec.tolerance, logs)
        return Group(graph, tolerance, item.kind, logs, expected)

    def answers(self, graph, requests: list, byte: int) -> list:
        perturb(byte)
        session = Session(graph)
        try:
            return [ask(session, request) for request in requests]
        finally:
            session.close()
            perturb(0)

    @staticmethod
    def surprise(item, expected: list) -> str:
        """What is not as the spec said."""
        should = [False] * (len(expected) - 1) + [item.fails]
        for number, (want, got) in enumerate(zip(should, expected)):
            if want is not None and bool(got) != want:
                return f"run {number} {'fails: ' + got if got else 'passes'}"
        return ""


def alike(answers: list) -> list:
    """What must not change between two runs: messages may name a run's own resources."""
    return [(log, said.split(":")[0]) for log, said in answers]


def narrowed(tolerance: str, logs: list) -> str:
    """At most `eps 8` for numbers of 16 bits: their sums are mostly kept in float32, and one epsilon is much."""
    dtypes = {named.tensor.dtype for log in logs for named in log.session_run_log.response.tensor}
    rule, _, amount = tolerance.partition(" ")
    if rule == "eps" and dtypes & {types_pb2.DT_HALF, types_pb2.DT_BFLOAT16}:
        return f"eps {min(int(amount), 8)}"
    return tolerance


def small(inputs: list) -> bool:
    flat = [x for item in inputs for x in (item if isinstance(item, list) else [item])]
    return sum(getattr(x, "nbytes", 0) for x in flat) <= CONST_LIMIT


def brief(item) -> str:
    """A call in a line, for notes."""
    if isinstance(item, Scene):
        return "scene"

    def one(value):
        if isinstance(value, list):
            return "[" + ", ".join(map(one, value)) + "]"
        if isinstance(value, np.ndarray) and value.size > 8:
            return f"{value.dtype}{list(value.shape)}"
        return re.sub(r"\s+", " ", repr(value))

    return f"{one(item.inputs)} {item.attrs}"


def write(path: str, groups: list[Group]) -> int:
    """Writes groups as gzipped TFRecords: each a MetaGraphDef, then a PredictionLog per run."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=9)
    with tf.io.TFRecordWriter(path + ".tmp", options) as writer:
        for group in groups:
            meta = meta_graph_pb2.MetaGraphDef(graph_def=group.graph)
            meta.collection_def["expected"].bytes_list.value.extend(e.encode() for e in group.expected)
            meta.collection_def["tolerance"].bytes_list.value.append(group.tolerance.encode())
            if group.kind:
                meta.collection_def["kind"].bytes_list.value.append(group.kind.encode())
            writer.write(meta.SerializeToString(deterministic=True))
            for log in group.logs:
                writer.write(log.SerializeToString(deterministic=True))
    os.replace(path + ".tmp", path)
    return os.path.getsize(path)
