"""Compares the committed descriptors with those of an installed TensorFlow and TensorFlow Serving API.

Every committed field, oneof and enum value must be TensorFlow's, and every field that TensorFlow has must be
there, except the ones listed here, which no SavedModel holds.

    python conformance/scripts/check_protos.py
"""

import importlib
import pathlib
import sys

from google.protobuf import descriptor_pb2, descriptor_pool

MODULES = """
tensorflow.core.example.example_pb2 tensorflow.core.framework.graph_pb2 tensorflow.core.framework.tensor_slice_pb2
tensorflow.core.framework.variable_pb2 tensorflow.core.protobuf.control_flow_pb2
tensorflow.core.protobuf.fingerprint_pb2 tensorflow.core.protobuf.meta_graph_pb2
tensorflow.core.protobuf.named_tensor_pb2 tensorflow.core.protobuf.queue_runner_pb2
tensorflow.core.protobuf.saved_model_pb2 tensorflow.core.protobuf.tensor_bundle_pb2
tensorflow.core.util.saved_tensor_slice_pb2 tensorflow.python.training.checkpoint_state_pb2
tensorflow_serving.apis.prediction_log_pb2
""".split()

LEFT_OUT = {
    "tensorflow.RunOptions.debug_options",
    "tensorflow.RunOptions.experimental",
    "tensorflow.serving.SessionRunResponse.metadata",
}

COMMITTED = pathlib.Path(__file__).parents[2] / "proto/src/generated/descriptors.binpb"


def messages(nested):
    for message in nested:
        yield message
        yield from messages(message.nested_types)


def fields(message):
    """The facts that decide how a message is written, in binary and in text."""
    return {
        f.name: (
            f.number,
            f.type,
            f.is_repeated,
            f.is_packed,
            f.has_presence and not message.GetOptions().map_entry,
            (f.message_type or f.enum_type).full_name if f.message_type or f.enum_type else None,
            f.containing_oneof.name if f.containing_oneof and not f.containing_oneof.name.startswith("_") else None,
        )
        for f in message.fields
    }


def compare_enum(mine, theirs):
    ours, truth = dict(mine.values_by_name), dict(theirs.values_by_name)
    numbers = lambda values: {name: value.number for name, value in values.items()}
    return [] if numbers(ours) == numbers(truth) else [mine.full_name]


def compare_message(mine, theirs):
    ours, truth = fields(mine), fields(theirs)
    wrong = [f"{mine.full_name}.{name}" for name, fact in ours.items() if truth.get(name) != fact]
    missing = [f"{mine.full_name}.{name}" for name in truth if name not in ours]
    return wrong + [name for name in missing if name not in LEFT_OUT]


def main():
    for module in MODULES:
        importlib.import_module(module)
    truth = descriptor_pool.Default()
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(COMMITTED.read_bytes()).file
    wrong, count = [], 0
    for file in files:
        pool.Add(file)
    for file in (pool.FindFileByName(file.name) for file in files):
        enums = list(file.enum_types_by_name.values())
        for message in messages(file.message_types_by_name.values()):
            wrong += compare_message(message, truth.FindMessageTypeByName(message.full_name))
            enums += message.enum_types
            count += len(message.fields)
        for enum in enums:
            wrong += compare_enum(enum, truth.FindEnumTypeByName(enum.full_name))
    print(f"{count} fields compared, {len(wrong)} differences", *wrong, sep="\n  ")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
