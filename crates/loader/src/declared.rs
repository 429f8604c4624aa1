//! What TensorFlow asks of the nodes of a graph by its operators' declarations, whether or not somebody fetches them.

use rustc_hash::FxHashMap;
use savedmodel_graph::{Attrs, Graph, Node};
use savedmodel_op::OpDef;
use savedmodel_tensor::{DType, Error, Result};

use crate::op_defs;

/// The dtypes of a node's outputs; `None` where nothing is declared of its operator.
type Outputs = Option<Vec<DType>>;

/// Checks the attributes of nodes, and that their inputs are as many as declared and of those dtypes.
///
/// Operators that TensorFlow does not declare, such as a library's functions, pass.
///
/// # Errors
/// `INVALID_ARGUMENT`, with the node.
pub(crate) fn check(graph: &Graph) -> Result<()> {
    let mut found: FxHashMap<&str, Option<OpDef>> = FxHashMap::default();
    let mut outputs: Vec<Outputs> = vec![None; graph.id_bound()];
    let mut inputs = Vec::with_capacity(graph.len());
    for id in graph.nodes() {
        let node = graph.node(id);
        let Some(def) = found.entry(&node.op).or_insert_with(|| op_defs::find(&node.op)) else { continue };
        let (taken, given) = dtypes(def, &node.attrs).map_err(|e| e.at(place(node)))?;
        outputs[id.index()] = Some(given);
        inputs.push((id, taken));
    }
    for (id, taken) in inputs {
        let (node, sources) = (graph.node(id), graph.inputs(id)?);
        let refuse = |what: String| Err(Error::invalid_argument(what).at(place(node)));
        if sources.len() != taken.len() {
            return refuse(format!("{} inputs specified of {} inputs in Op", sources.len(), taken.len()));
        }
        for (number, (source, &wanted)) in sources.iter().zip(&taken).enumerate() {
            let given = outputs[source.node.index()].as_ref().and_then(|given| given.get(source.index));
            if given.is_some_and(|&given| given != wanted) {
                let from = &graph.node(source.node).name;
                return refuse(format!(
                    "Input {number} was passed {} from {from}:{} incompatible with expected {wanted}.",
                    given.copied().unwrap_or(wanted),
                    source.index
                ));
            }
        }
    }
    Ok(())
}

fn dtypes(def: &OpDef, attrs: &Attrs) -> Result<(Vec<DType>, Vec<DType>)> {
    let mut attrs = attrs.clone();
    def.complete(&mut attrs)?;
    Ok((def.input_dtypes(&attrs)?, def.output_dtypes(&attrs)?))
}

fn place(node: &Node) -> String {
    format!("node '{}' ({})", node.name, node.op)
}

#[cfg(test)]
mod tests {
    use savedmodel_proto::{GraphDef, pbtxt};
    use savedmodel_tensor::Code;

    use crate::graph;

    #[test]
    fn nodes_that_nobody_fetches() {
        let x = r#"node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }"#;
        let rows = [
            (r#"op: "Neg" input: "x" attr { key: "T" value { type: DT_FLOAT } }"#, ""),
            (
                r#"op: "Neg" input: "x" attr { key: "T" value { type: DT_FLOAT } } attr { key: "more" value { i: 1 } }"#,
                "",
            ),
            (r#"op: "SomebodysOwn" input: "x""#, ""),
            (r#"op: "Neg" input: "x""#, "has no value for attr 'T'"),
            (r#"op: "Neg" input: "x" attr { key: "T" value { i: 3 } }"#, "attr 'T'"),
            (r#"op: "Neg" input: "x" attr { key: "T" value { type: DT_STRING } }"#, "attr 'T'"),
            (
                r#"op: "Neg" input: "x" attr { key: "T" value { type: DT_INT32 } }"#,
                "was passed float from x:0",
            ),
            (
                r#"op: "Neg" input: "x" input: "x" attr { key: "T" value { type: DT_FLOAT } }"#,
                "2 inputs specified of 1",
            ),
            (r#"op: "Neg" attr { key: "T" value { type: DT_FLOAT } }"#, "0 inputs specified of 1"),
            (
                r#"op: "AddN" input: "x" attr { key: "T" value { type: DT_FLOAT } } attr { key: "N" value { i: 2 } }"#,
                "1 inputs specified of 2",
            ),
        ];
        for (node, want) in rows {
            let message: GraphDef = pbtxt::parse(&format!("{x} node {{ name: 'y' {node} }}")).unwrap();
            match (graph(&message), want) {
                (Ok(_), "") => {}
                (Err(error), want) if !want.is_empty() => {
                    assert_eq!(error.code(), Code::InvalidArgument, "{node}");
                    assert!(error.message().contains(want), "{node}: {error}");
                }
                (got, _) => panic!("{node}: {:?}", got.err()),
            }
        }
    }
}
