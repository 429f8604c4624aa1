//! Types of a program as it is, before it is rewritten: nobody would look at what a rewrite drops.

use savedmodel_graph::{AttrValue, Graph, NodeId};
use savedmodel_op::Registry;
use savedmodel_tensor::{DType, Error, Result};

/// Checks the attributes of each node, and that each input is of the type that its node takes.
///
/// # Errors
/// `INVALID_ARGUMENT` where the program itself would not compile either.
pub(crate) fn check(graph: &Graph, registry: &Registry) -> Result<()> {
    let mut made: Vec<Vec<DType>> = vec![Vec::new(); graph.id_bound()];
    let mut wanted = Vec::with_capacity(graph.len());
    for id in graph.nodes() {
        if let Some((inputs, outputs)) = types(graph, id, registry).map_err(|e| at(graph, id, e))? {
            made[id.index()] = outputs;
            wanted.push((id, inputs));
        }
    }
    for (id, wanted) in wanted {
        let sources = graph.inputs(id).map_err(|e| at(graph, id, e))?;
        for (i, (source, want)) in sources.into_iter().zip(wanted).enumerate() {
            let got = made[source.node.index()].get(source.index).copied();
            if let Some(got) = got.filter(|&got| got != want) {
                let name = &graph.node(source.node).name;
                let text = format!(
                    "Input {i} was passed {got} from {name}:{} incompatible with expected {want}.",
                    source.index
                );
                return Err(at(graph, id, Error::invalid_argument(text)));
            }
        }
    }
    Ok(())
}

/// The dtypes of inputs and outputs; none for what is fed and for operators that are not known.
fn types(graph: &Graph, id: NodeId, registry: &Registry) -> Result<Option<(Vec<DType>, Vec<DType>)>> {
    let node = graph.node(id);
    if let (true, Some(AttrValue::Tensor(tensor))) = (&*node.op == "Const", node.attrs.get("value")) {
        let dtype = tensor.dtype();
        return match node.attrs.get("dtype") {
            Some(&AttrValue::Type(declared)) if declared != dtype => Err(Error::invalid_argument(format!(
                "Type mismatch between value ({dtype}) and dtype ({declared})"
            ))),
            _ => Ok(Some((Vec::new(), vec![dtype]))),
        };
    }
    if &*node.op == "_Arg" || registry.find(&node.op).is_none() {
        return Ok(None);
    }
    let def = registry.def(&node.op)?;
    let mut attrs = node.attrs.clone();
    def.complete(&mut attrs)?;
    Ok(Some((def.input_dtypes(&attrs)?, def.output_dtypes(&attrs)?)))
}

fn at(graph: &Graph, id: NodeId, error: Error) -> Error {
    let node = graph.node(id);
    error.at(format!("node '{}' ({})", node.name, node.op))
}
