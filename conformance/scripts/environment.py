"""TensorFlow as every script here runs it: one thread, oneDNN off but for the family of that name, seeded, no rewriting of graphs.

Import this before anything of TensorFlow.
"""

import os
import subprocess
import sys

# Whether this process is one that `with_onednn` started.
ONEDNN = os.environ.get("CASES_ONEDNN") == "1"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1" if ONEDNN else "0"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["OMP_NUM_THREADS"] = "1"

import random

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2


def seed(number: int) -> None:
    """Seeds Python, NumPy and TensorFlow."""
    random.seed(number)
    np.random.seed(number)
    tf.random.set_seed(number)


def with_onednn(arguments: list[str]) -> None:
    """Runs this script with oneDNN on: TensorFlow asks once in a process."""
    if arguments:
        subprocess.run([sys.executable, sys.argv[0], *arguments], env={**os.environ, "CASES_ONEDNN": "1"}, check=True)


def session_config() -> config_pb2.ConfigProto:
    """One thread, and graphs run as they stand: answers are those of the kernels, not of a rewrite."""
    config = config_pb2.ConfigProto(
        intra_op_parallelism_threads=1,
        inter_op_parallelism_threads=1,
        use_per_session_threads=True,
    )
    options = config.graph_options
    options.optimizer_options.opt_level = config_pb2.OptimizerOptions.L0
    options.rewrite_options.disable_meta_optimizer = True
    options.rewrite_options.disable_model_pruning = True
    options.rewrite_options.constant_folding = rewriter_config_pb2.RewriterConfig.OFF
    options.rewrite_options.memory_optimization = rewriter_config_pb2.RewriterConfig.NO_MEM_OPT
    return config


def write_whole(path: str, content: bytes) -> None:
    """Writes a file so that a reader sees the old or the new one, never a part."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".tmp", "wb") as file:
        file.write(content)
    os.replace(path + ".tmp", path)
