"""Requests as Python values, and the `PredictionLog` records that TensorFlow's answers make of them."""

import base64
import re
from dataclasses import dataclass, field

import environment  # noqa: F401  (sets TensorFlow up first)
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import prediction_log_pb2

tf1 = tf.compat.v1


@dataclass
class Predict:
    """A call of a signature: input name to value."""

    inputs: dict
    signature: str = "serving_default"
    tags: tuple = ("serve",)


@dataclass
class Run:
    """A run of the graph: tensor name to value, names to fetch, operations to run."""

    feeds: dict = field(default_factory=dict)
    fetches: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    tags: tuple = ("serve",)


@dataclass
class Classify:
    """A classify call: examples through a signature with `classes` and `scores`."""

    examples: list
    signature: str = "classify"
    tags: tuple = ("serve",)


@dataclass
class Regress:
    """A regress call: examples through a signature with `outputs`."""

    examples: list
    signature: str = "regress"
    tags: tuple = ("serve",)


@dataclass
class Case:
    """What is asked of a model, and how close the answers must be."""

    records: list
    errors: list = field(default_factory=list)
    rtol: float = 1e-5
    atol: float = 1e-6
    why: str = "float32 sums in another order"
    # Called with the model's folder after TensorFlow has answered.
    afterwards: object = None


def tensor_proto(value, dtype=None) -> tensor_pb2.TensorProto:
    if isinstance(value, tensor_pb2.TensorProto):
        return value
    if dtype in (tf.string, tf.dtypes.string):
        value = np.asarray(value, dtype=object)
    return tf.make_tensor_proto(value, dtype=dtype)


def code_name(code: int) -> str:
    return next(name for name, value in vars(tf.errors).items() if value == code and isinstance(value, int))


def status(error: tf.errors.OpError) -> dict:
    """The code's name and the message without the place where it arose."""
    message = re.sub(r"\{\{[^}]*\}\} ?", "", error.message.split("\n\t [[")[0].split("\n\n")[0])
    return {"code": code_name(error.error_code), "message": message}


class Model:
    """A loaded metagraph in a session of its own."""

    def __init__(self, folder: str, tags: tuple):
        self.graph = tf1.Graph()
        self.session = tf1.Session(graph=self.graph, config=environment.session_config())
        with self.graph.as_default():
            self.meta = tf1.saved_model.loader.load(self.session, list(tags), folder)

    def raw_run(self, feeds: dict, fetches: list, targets: list) -> list[np.ndarray]:
        """`Session.run` by name; errors are TensorFlow's own, without Python's additions."""
        session, graph = self.session, self.graph
        named = {}
        for name, value in feeds.items():
            tensor = graph.get_tensor_by_name(name)
            named[tensor._as_tf_output()] = tf.make_ndarray(tensor_proto(value, tensor.dtype.base_dtype))
        outputs = [graph.get_tensor_by_name(name)._as_tf_output() for name in fetches]
        operations = [graph.get_operation_by_name(name)._c_op for name in targets]
        session._extend_graph()
        return session._call_tf_sessionrun(None, named, outputs, operations, None)

    def signature(self, key: str):
        return self.meta.signature_def[key]

    def call(self, key: str, inputs: dict) -> tuple[dict, dict]:
        """Calls a signature; returns the inputs and the outputs as protos."""
        signature = self.signature(key)
        protos = {
            name: tensor_proto(value, tf.dtypes.as_dtype(signature.inputs[name].dtype))
            for name, value in inputs.items()
        }
        feeds, fetches = {}, {}
        for name, value in protos.items():
            feeds[signature.inputs[name].name] = value
        for name, info in signature.outputs.items():
            encoding = info.WhichOneof("encoding")
            if encoding == "coo_sparse":
                fetches[f"{name}/indices"] = info.coo_sparse.indices_tensor_name
                fetches[f"{name}/values"] = info.coo_sparse.values_tensor_name
                fetches[f"{name}/dense_shape"] = info.coo_sparse.dense_shape_tensor_name
            elif encoding == "composite_tensor":
                for index, component in enumerate(info.composite_tensor.components):
                    fetches[f"{name}/{index}"] = component.name
            else:
                fetches[name] = info.name
        values = self.raw_run(feeds, list(fetches.values()), [])
        dtypes = [self.graph.get_tensor_by_name(name).dtype.base_dtype for name in fetches.values()]
        answers = {
            name: tensor_proto(value, dtype) for name, value, dtype in zip(fetches, values, dtypes)
        }
        return protos, answers


class Log:
    """Runs requests against a SavedModel, a session per tag set, and keeps the records."""

    def __init__(self, folder: str, name: str):
        self.folder, self.name, self.models = folder, name, {}

    def model(self, tags: tuple) -> Model:
        if tags not in self.models:
            self.models[tags] = Model(self.folder, tags)
        return self.models[tags]

    def record(self, request) -> prediction_log_pb2.PredictionLog:
        """The request with TensorFlow's answer; raises TensorFlow's error."""
        log = self.unanswered(request)
        model = self.model(request.tags)
        if isinstance(request, Predict):
            _, outputs = model.call(request.signature, request.inputs)
            for name, value in outputs.items():
                log.predict_log.response.outputs[name].CopyFrom(value)
        elif isinstance(request, Run):
            values = model.raw_run(request.feeds, request.fetches, request.targets)
            for name, value in zip(request.fetches, values):
                dtype = model.graph.get_tensor_by_name(name).dtype.base_dtype
                named = log.session_run_log.response.tensor.add(name=name)
                named.tensor.CopyFrom(tensor_proto(value, dtype))
        elif isinstance(request, Classify):
            self._classify(model, request, log.classify_log.response)
        else:
            self._regress(model, request, log.regress_log.response)
        return log

    def unanswered(self, request) -> prediction_log_pb2.PredictionLog:
        """The record with its request only."""
        log = prediction_log_pb2.PredictionLog()
        log.log_metadata.saved_model_tags.extend(request.tags)
        if isinstance(request, Run):
            asked = log.session_run_log.request
            graph = self.model(request.tags).graph
            for name, value in request.feeds.items():
                dtype = graph.get_tensor_by_name(name).dtype.base_dtype
                asked.feed.add(name=name).tensor.CopyFrom(tensor_proto(value, dtype))
            asked.fetch.extend(request.fetches)
            asked.target.extend(request.targets)
        elif isinstance(request, Predict):
            asked = log.predict_log.request
            signature = self.model(request.tags).signature(request.signature)
            for name, value in request.inputs.items():
                dtype = tf.dtypes.as_dtype(signature.inputs[name].dtype)
                asked.inputs[name].CopyFrom(tensor_proto(value, dtype))
        else:
            kind = log.classify_log if isinstance(request, Classify) else log.regress_log
            asked = kind.request
            asked.input.example_list.examples.extend(request.examples)
        asked.model_spec.name = self.name
        if not isinstance(request, Run):
            asked.model_spec.signature_name = request.signature
        return log

    @staticmethod
    def _examples(request) -> np.ndarray:
        return np.array([example.SerializeToString(deterministic=True) for example in request.examples], object)

    def _classify(self, model: Model, request: Classify, response) -> None:
        _, outputs = model.call(request.signature, {"inputs": self._examples(request)})
        classes = tf.make_ndarray(outputs["classes"]) if "classes" in outputs else None
        scores = tf.make_ndarray(outputs["scores"]) if "scores" in outputs else None
        rows, columns = (classes if classes is not None else scores).shape
        for row in range(rows):
            result = response.result.classifications.add()
            for column in range(columns):
                entry = result.classes.add()
                if classes is not None:
                    entry.label = classes[row, column].decode()
                if scores is not None:
                    entry.score = scores[row, column]

    def _regress(self, model: Model, request: Regress, response) -> None:
        _, outputs = model.call(request.signature, {"inputs": self._examples(request)})
        for value in tf.make_ndarray(outputs["outputs"]).reshape(-1):
            response.result.regressions.add().value = value

    def error(self, request) -> dict:
        """The request that TensorFlow refuses, with the code and message of its refusal."""
        log = self.unanswered(request)
        try:
            self.record(request)
        except tf.errors.OpError as error:
            record = base64.b64encode(log.SerializeToString(deterministic=True)).decode()
            return {**status(error), "record_b64": record}
        raise AssertionError(f"{self.name}: {request} was expected to fail")
