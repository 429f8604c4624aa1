"""Makes the end-to-end cases: `conformance/cases/models/<name>/{model/, prediction_log.tfrecord, case.json}`.

    python make_models.py            all models, each in a process of its own
    python make_models.py NAME...    these only

Builders are functions decorated with `@model` in `models/*.py`; the format is described in
conformance/README.md.
"""

import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "../cases/models")


def builders() -> dict:
    """Name to builder, over all modules of `models`."""
    import models

    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"models.{module.name}")
    return models.BUILDERS


def names() -> list[str]:
    """The builders' names, found without loading TensorFlow."""
    found = []
    for file in sorted(os.listdir(os.path.join(HERE, "models"))):
        if file.endswith(".py"):
            with open(os.path.join(HERE, "models", file)) as source:
                lines = source.read().splitlines()
            found += [
                after.removeprefix("def ").split("(")[0]
                for line, after in zip(lines, lines[1:])
                if line.startswith("@model")
            ]
    return found


def strip_debug(folder: str) -> None:
    """Drops what no runner reads and what differs from run to run."""
    shutil.rmtree(os.path.join(folder, "debug"), ignore_errors=True)
    for name in ("fingerprint.pb", "keras_metadata.pb"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.remove(path)


def make(name: str) -> None:
    """Builds one model, asks TensorFlow, and writes the case whole."""
    import environment
    import records
    import tensorflow as tf

    environment.seed(zlib.crc32(name.encode()) % 2**31)
    builder = builders()[name]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as scratch:
        folder = os.path.join(scratch, "model")
        case = builder(folder)
        strip_debug(folder)
        log = records.Log(folder, name)
        with tf.io.TFRecordWriter(os.path.join(scratch, "prediction_log.tfrecord")) as writer:
            for request in case.records:
                writer.write(log.record(request).SerializeToString(deterministic=True))
        facts = {"rtol": case.rtol, "atol": case.atol, "why": case.why, "source": "script"}
        if case.errors:
            facts["errors"] = [log.error(request) for request in case.errors]
        if case.afterwards:
            case.afterwards(folder)
        with open(os.path.join(scratch, "case.json"), "w") as file:
            json.dump(facts, file, indent=1)
            file.write("\n")
        target = os.path.join(CASES, name)
        os.makedirs(CASES, exist_ok=True)
        shutil.rmtree(target + ".tmp", ignore_errors=True)
        shutil.copytree(scratch, target + ".tmp")
        shutil.rmtree(target, ignore_errors=True)
        os.rename(target + ".tmp", target)
        size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(target) for f in fs)
        print(f"{name}: {len(case.records)} records, {len(case.errors)} errors, {size} bytes", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        make(sys.argv[2])
        return
    failed = []
    for name in sys.argv[1:] or names():
        run = subprocess.run([sys.executable, __file__, "--one", name], stderr=subprocess.PIPE, text=True)
        if run.returncode:
            failed.append(name)
            print(f"{name}: FAILED\n" + "\n".join(run.stderr.splitlines()[-12:]), flush=True)
    if failed:
        sys.exit(f"failed: {failed}")


if __name__ == "__main__":
    main()
