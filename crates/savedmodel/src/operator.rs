//! Single operators, run at once.

use std::sync::Arc;

use savedmodel_graph::{AttrValue, FunctionLibrary, Graph, Node, Output};
use savedmodel_runtime::{Options, Session, SessionOptions};
use savedmodel_tensor::{DType, Error, Result, Tensor};

/// The first output of an operator for these inputs.
///
/// # Errors
/// `UNIMPLEMENTED` when there is no such operator; those of its kernel.
pub(crate) fn run(op: &str, attrs: &[(&str, AttrValue)], inputs: Vec<Tensor>) -> Result<Tensor> {
    let mut graph = Graph::new();
    let mut node = Node::new("operator", op);
    for (name, value) in attrs {
        node = node.with(name, value.clone());
    }
    let node = graph.add(node)?;
    let mut feeds = Vec::with_capacity(inputs.len());
    for (i, input) in inputs.iter().enumerate() {
        let dtype = AttrValue::Type(input.dtype());
        let source = graph.add(Node::new(format!("input_{i}"), "Placeholder").with("dtype", dtype))?;
        let output = Output { node: source, index: 0 };
        graph.connect(output, node, i);
        feeds.push(output);
    }
    let options = SessionOptions {
        threads: Some(1),
        plans: Options { optimize: false, ..Options::default() },
        ..SessionOptions::default()
    };
    let library = Arc::new(FunctionLibrary::empty());
    let session = Session::new(Arc::new(graph), library, crate::registry(), options)?;
    let plan = session.prepare(&feeds, &[Output { node, index: 0 }], &[])?;
    session.run(&plan, inputs)?.pop().ok_or_else(|| Error::internal("a fetch gave nothing"))
}

/// A tensor as one of another dtype, as TensorFlow casts.
///
/// # Errors
/// `UNIMPLEMENTED` when there is no such cast.
pub(crate) fn cast(tensor: Tensor, dtype: DType) -> Result<Tensor> {
    if tensor.dtype() == dtype {
        return Ok(tensor);
    }
    let attrs = [("SrcT", AttrValue::Type(tensor.dtype())), ("DstT", AttrValue::Type(dtype))];
    run("Cast", &attrs, vec![tensor])
}

/// Tensors of one dtype and shape as one with a dimension more, the outermost.
///
/// # Errors
/// `INVALID_ARGUMENT` when their shapes differ.
pub(crate) fn pack(tensors: Vec<Tensor>, dtype: DType) -> Result<Tensor> {
    let attrs = [
        ("T", AttrValue::Type(dtype)),
        ("N", AttrValue::Int(tensors.len() as i64)),
        ("axis", AttrValue::Int(0)),
    ];
    run("Pack", &attrs, tensors)
}
