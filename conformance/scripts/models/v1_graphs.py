"""How TF1 graphs are built and saved here."""

import contextlib

import tensorflow as tf

tf1 = tf.compat.v1


@contextlib.contextmanager
def v1_graph():
    """A graph with TF1's control flow (Switch, Merge, Enter) and reference variables."""
    with tf1.Graph().as_default() as graph:
        v2_loops = tf1.control_flow_v2_enabled()
        resources = tf1.resource_variables_enabled()
        tf1.disable_control_flow_v2()
        tf1.disable_resource_variables()
        try:
            yield graph
        finally:
            if v2_loops:
                tf1.enable_control_flow_v2()
            if resources:
                tf1.enable_resource_variables()


def info(tensors: dict) -> dict:
    return {name: tf1.saved_model.utils.build_tensor_info(tensor) for name, tensor in tensors.items()}


def signature(inputs: dict, outputs: dict, method="tensorflow/serving/predict"):
    return tf1.saved_model.build_signature_def(info(inputs), info(outputs), method)


def save(folder, signatures, tags=("serve",), init=None, session=None, builder=None, **options):
    """Initializes the graph's variables and saves it; returns the session and the builder, for more metagraphs."""
    if session is None:
        session = tf1.Session()
        session.run(tf1.global_variables_initializer())
    first = builder is None
    builder = builder or tf1.saved_model.Builder(folder)
    arguments = dict(signature_def_map=signatures, main_op=init, **options)
    if first:
        builder.add_meta_graph_and_variables(session, list(tags), **arguments)
    else:
        builder.add_meta_graph(list(tags), **arguments)
    return session, builder


def save_single(folder, signatures, as_text=False, **arguments) -> None:
    """Saves the current graph as the only metagraph."""
    _, builder = save(folder, signatures, **arguments)
    builder.save(as_text=as_text)
