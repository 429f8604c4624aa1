"""Writes TensorFlow's own operator declarations as data files of crates/op.

* `op_defs.pb`: a serialized `tensorflow.OpList`, sorted by name, of every
  operator in TensorFlow's registry. Texts (summaries, descriptions) are
  dropped; arguments, attributes with their defaults, allowed values and
  minimums, control outputs, flags and deprecation stay. Deflated (raw zlib,
  `op_defs.pb.deflate`) when it would exceed the size limit.
* `cpu_kernels.csv`: the dtypes (and, rarely, other attributes) that CPU kernels are registered for, a row
  per operator, label and block of combinations: `attr=dtype|dtype`, joined
  with `;`. Every combination of a row has a kernel; attributes not named are
  free, and an empty second column means no constraint. A kernel with a label
  is only chosen by nodes whose `_kernel` attribute names it.

Run: /root/tfvenv/bin/python conformance/scripts/make_op_defs.py
"""

import csv
import io
import os
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

from tensorflow.core.framework import op_def_pb2, types_pb2
from tensorflow.python.client import pywrap_tf_session as c_api
from tensorflow.python.framework import kernels

DATA = os.path.join(os.path.dirname(__file__), "../../crates/op/data")
UNCOMPRESSED_LIMIT = 400 * 1000


def registry() -> op_def_pb2.OpList:
    """All registered operators without their texts, sorted by name."""
    ops = op_def_pb2.OpList()
    buffer = c_api.TF_GetAllOpList()
    ops.ParseFromString(c_api.TF_GetBuffer(buffer))
    slim = op_def_pb2.OpList()
    for op in sorted(ops.op, key=lambda op: op.name):
        op.ClearField("summary")
        op.ClearField("description")
        for arg in (*op.input_arg, *op.output_arg, *op.attr):
            arg.ClearField("description")
        for arg in (*op.input_arg, *op.output_arg):
            arg.ClearField("experimental_full_type")
            arg.ClearField("handle_data")
        slim.op.append(op)
    return slim


def allowed(values) -> tuple[str, ...]:
    """The allowed dtypes, or the allowed values of another attribute, of a constraint."""
    dtypes = [types_pb2.DataType.Name(t)[3:].lower() for t in values.type]
    others = [text.decode() for text in values.s] + [str(x).lower() for x in (*values.b, *values.i)]
    return tuple(sorted(dtypes or others))


def merged(kernels_of_op: set[tuple]) -> set[tuple]:
    """Joins registrations that differ in the dtypes of one attribute only."""
    attrs = sorted({attr for kernel in kernels_of_op for attr, _ in kernel})
    for attr in attrs:
        groups: dict[tuple, set] = {}
        for kernel in kernels_of_op:
            rest = tuple(item for item in kernel if item[0] != attr)
            groups.setdefault(rest, set()).add(dict(kernel).get(attr))
        kernels_of_op = set()
        for rest, choices in groups.items():
            if None in choices:  # a registration without this constraint
                kernels_of_op.add(rest)
                choices.discard(None)
            if choices:
                dtypes = tuple(sorted(dtype for choice in choices for dtype in choice))
                kernels_of_op.add(tuple(sorted((*rest, (attr, dtypes)))))
    return kernels_of_op


def cpu_kernels(ops: op_def_pb2.OpList) -> list[tuple[str, str, str]]:
    """(op, constraints, label) of the kernel registrations for CPU, without dtypes that the declaration rules out."""
    declared = {
        op.name: {a.name: allowed(a.allowed_values.list) for a in op.attr if a.allowed_values.list.type}
        for op in ops.op
    }
    found: dict[tuple, set] = {}
    for kernel in kernels.get_all_registered_kernels().kernel:
        if kernel.device_type not in ("CPU", "DEFAULT"):
            continue
        legal = declared.get(kernel.op, {})
        constraints = []
        for constraint in kernel.constraint:
            choices = allowed(constraint.allowed_values.list)
            choices = tuple(choice for choice in choices if choice in legal.get(constraint.name, choices))
            constraints.append((constraint.name, choices))
        if not all(choices for _, choices in constraints):
            continue
        constraints = tuple(sorted(constraints))
        found.setdefault((kernel.op, kernel.label), set()).add(constraints)
    rows = []
    for (op, label), variants in found.items():
        for variant in merged(variants):
            text = ";".join(f"{attr}={'|'.join(dtypes)}" for attr, dtypes in variant)
            rows.append((op, text, label))
    return sorted(rows)


def write_whole(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".tmp", "wb") as file:
        file.write(content)
    os.replace(path + ".tmp", path)
    print(f"{os.path.relpath(path)}: {len(content)} bytes")


def main() -> None:
    ops = registry()
    print(len(ops.op), "operators")
    content = ops.SerializeToString(deterministic=True)
    if len(content) <= UNCOMPRESSED_LIMIT:
        write_whole(os.path.join(DATA, "op_defs.pb"), content)
    else:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        write_whole(os.path.join(DATA, "op_defs.pb.deflate"), packer.compress(content) + packer.flush())

    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("op", "constraints", "label"))
    table.writerows(cpu_kernels(ops))
    write_whole(os.path.join(DATA, "cpu_kernels.csv"), text.getvalue().encode())


if __name__ == "__main__":
    main()
