"""Makes the operator cases: `conformance/cases/ops/<family>/<Op>.tfrecord.gz`.

    python make_op_cases.py          every operator that has a spec
    python make_op_cases.py OP...    these only; the calls from security advisories are OP@advisories
    python make_op_cases.py --list   the specs

Specs are generators in `ops/*.py`; the format is described in conformance/README.md. Each operator runs in a process
of its own, made by fork; a call that kills TensorFlow is noted and left out.
"""

import importlib
import os
import pkgutil
import signal
import sys
import time

import environment  # noqa: F401  (sets TensorFlow up first)
import calls
import engine

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases/ops")
LEFT_OUT = os.path.join(CASES, "left_out.txt")
TIME_LIMIT = 240


def load_specs() -> dict:
    import ops

    for module in pkgutil.iter_modules(ops.__path__):
        importlib.import_module(f"ops.{module.name}")
    return calls.SPECS


def child(name: str, spec: calls.Spec, skip: set, progress: str) -> None:
    """Makes one operator's file; never returns."""
    code = 1
    try:
        signal.alarm(TIME_LIMIT)
        op = name.partition("@")[0]
        made = engine.Maker(op, spec, skip, progress).make()
        if made.groups:
            path = os.path.join(CASES, spec.family, f"{op}.tfrecord.gz")
            size = engine.write(path, made.groups)
            print(f"{name}: {made.counts()} {size} bytes", flush=True)
        for line in made.notes[:4]:
            print(f"  {name} {line[:300]}", flush=True)
        with open(progress, "w") as file:
            file.write("\n".join(made.notes))
        code = 0
    except BaseException as error:  # noqa: BLE001  (the parent wants to know of everything)
        import traceback

        print(f"{name}: FAILED {type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}", flush=True)
    finally:
        sys.stdout.flush()
        os._exit(code)


def make(name: str, spec: calls.Spec, left_out: dict) -> bool:
    """Forks until the operator's calls pass without a crash; keeps the notes of what was left out."""
    progress = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"op_case_{os.getpid()}")
    skip: set = set()
    while True:
        pid = os.fork()
        if pid == 0:
            child(name, spec, skip, progress)
        _, status = os.waitpid(pid, 0)
        with open(progress) as file:
            said = file.read().strip()
        if not os.WIFSIGNALED(status):
            left_out[name] = said.splitlines() if os.WEXITSTATUS(status) == 0 else []
            return os.WEXITSTATUS(status) == 0
        crashed = said
        print(f"{name}: call {crashed} ended by signal {os.WTERMSIG(status)}, left out", flush=True)
        if crashed in skip or len(skip) > 20:
            return False
        skip.add(crashed)


def read_left_out() -> dict:
    """Operator to the calls that earlier runs left out."""
    notes: dict = {}
    if os.path.exists(LEFT_OUT):
        with open(LEFT_OUT) as file:
            for line in file:
                name, _, rest = line.rstrip("\n").partition(": ")
                notes.setdefault(name, []).append(rest)
    return notes


def main() -> None:
    specs = load_specs()
    if sys.argv[1:] == ["--list"]:
        for name, spec in sorted(specs.items()):
            print(spec.family, name, spec.tolerance)
        return
    start, failed, left_out = time.time(), [], read_left_out()
    names = sys.argv[1:] or sorted(specs, key=lambda n: (specs[n].family, n))
    theirs = [name for name in names if (specs[name].family == "onednn") != environment.ONEDNN]
    for name in [name for name in names if name not in theirs]:
        if not make(name, specs[name], left_out):
            failed.append(name)
    text = "".join(f"{name}: {line}\n" for name in sorted(left_out) for line in left_out[name])
    environment.write_whole(LEFT_OUT, text.encode())
    environment.with_onednn(theirs)
    print(f"{time.time() - start:.0f} s; failed: {failed}")


if __name__ == "__main__":
    main()
