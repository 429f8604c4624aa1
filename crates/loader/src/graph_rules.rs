//! What TensorFlow asks of a whole GraphDef before it looks at any operator.

use savedmodel_graph::Graph;
use savedmodel_proto::{GraphDef, NodeDef};
use savedmodel_tensor::{Error, Result};

use crate::graph_def::place;

/// The version of graphs that TensorFlow 2.21 writes and reads.
const VERSION: i32 = 2474;

/// Whether the versions, and each node by itself, are as TensorFlow takes them.
///
/// # Errors
/// `INVALID_ARGUMENT`, as TensorFlow says it.
pub(crate) fn check(message: &GraphDef) -> Result<()> {
    if let Some(versions) = &message.versions {
        let said = if versions.producer < 0 {
            format!(
                "GraphDef producer version {} below min producer 0 supported by TensorFlow 2.21.0.  Please regenerate your graph.",
                versions.producer
            )
        } else if versions.min_consumer > VERSION {
            format!(
                "GraphDef min consumer version {} above current version {VERSION} for TensorFlow 2.21.0.  Please upgrade TensorFlow.",
                versions.min_consumer
            )
        } else if versions.bad_consumers.contains(&VERSION) {
            format!(
                "GraphDef disallows consumer version {VERSION}.  Please upgrade TensorFlow: this version is likely buggy."
            )
        } else {
            String::new()
        };
        if !said.is_empty() {
            return Err(Error::invalid_argument(said));
        }
    }
    message.node.iter().try_for_each(|node| by_itself(node).map_err(|e| e.at(place(node))))
}

fn by_itself(node: &NodeDef) -> Result<()> {
    let fault = if !is_name(&node.name) {
        "Node name contains invalid characters"
    } else if node.op.is_empty() {
        return Err(Error::invalid_argument(format!("Node '{}' does not specify an operation", node.name)));
    } else if !node.input.iter().map(|input| input.starts_with('^')).is_sorted() {
        "Control dependencies must come after regular dependencies"
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(format!("Node '{}': {fault}", node.name)))
}

/// Parts between `>`, each of which begins with a letter, a digit or a dot.
fn is_name(name: &str) -> bool {
    name.split('>').all(|part| {
        let mut bytes = part.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'.')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b"-./_".contains(&b))
    })
}

/// Refuses cycles but those of loops, which go from a `NextIteration` to a `Merge`.
///
/// # Errors
/// `INVALID_ARGUMENT`, with the number of nodes that wait for each other.
pub(crate) fn check_order(graph: &Graph) -> Result<()> {
    let mut waits = vec![0_usize; graph.id_bound()];
    let (mut ready, mut left) = (Vec::new(), graph.len());
    for node in graph.nodes() {
        let is_loop = &*graph.node(node).op == "Merge"
            && graph.predecessors(node).any(|from| &*graph.node(from).op == "NextIteration");
        // A merge of a loop waits for one input, and for what controls it.
        waits[node.index()] =
            if is_loop { graph.controls(node).len() + 1 } else { graph.predecessors(node).count() };
        if waits[node.index()] == 0 {
            ready.push(node);
        }
    }
    while let Some(node) = ready.pop() {
        left -= 1;
        for next in graph.successors(node) {
            let waits = &mut waits[next.index()];
            if *waits > 0 {
                *waits -= 1;
                if *waits == 0 {
                    ready.push(next);
                }
            }
        }
    }
    if left > 0 { Err(Error::invalid_argument(format!("{left} nodes in a cycle"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use savedmodel_graph::FunctionRef;
    use savedmodel_op::Registry;
    use savedmodel_proto::pbtxt;
    use savedmodel_tensor::Code;

    use super::*;
    use crate::graph;

    fn refused(nodes: &str) -> Option<String> {
        let message: GraphDef = pbtxt::parse(nodes).unwrap();
        let error = graph(&message).err()?;
        assert_eq!(error.code(), Code::InvalidArgument, "{nodes}");
        Some(error.message().to_owned())
    }

    #[test]
    fn names() {
        for (name, good) in [
            ("a", true),
            ("a.b", true),
            (".a", true),
            ("a//b", true),
            ("a/-b_", true),
            ("a/", true),
            ("A>b", true),
            ("", false),
            ("_", false),
            ("_x", false),
            ("-x", false),
            ("/a", false),
            ("a b", false),
            ("a:0", false),
            ("^a", false),
            ("a*b", false),
            ("ä", false),
            ("a>", false),
            ("a>_b", false),
        ] {
            let said = refused(&format!("node {{ name: '{name}' op: 'NoOp' }}"));
            let expected = format!("Node '{name}': Node name contains invalid characters");
            assert_eq!(said, (!good).then_some(expected), "{name}");
        }
    }

    #[test]
    fn graphs() {
        let two =
            |first: &str, second: &str| format!("node {{ name: 'a' {first} }} node {{ name: 'b' {second} }}");
        let of = "attr { key: 'T' value { type: DT_FLOAT } }";
        for (nodes, expected) in [
            (two("op: 'NoOp'", "op: ''"), Some("Node 'b' does not specify an operation")),
            (
                two("op: 'Const'", "op: 'Identity' input: '^a' input: 'a'"),
                Some("Node 'b': Control dependencies must come after regular dependencies"),
            ),
            (two("op: 'NoOp' input: '^b'", "op: 'NoOp' input: '^a'"), Some("2 nodes in a cycle")),
            (two("op: 'Identity' input: 'b'", "op: 'Identity' input: 'b'"), Some("2 nodes in a cycle")),
            (two("op: 'Const'", "op: 'NoOp' input: '^b' input: '^a'"), Some("1 nodes in a cycle")),
            (two("op: 'Own'", "op: 'Own' input: 'a' input: 'a' input: '^a' input: '^a'"), None),
            (
                two(
                    &format!("op: 'NextIteration' input: 'b' {of}"),
                    &format!("op: 'Merge' input: 'c' input: 'a' attr {{ key: 'N' value {{ i: 2 }} }} {of}"),
                ) + "node { name: 'c' op: 'Own' }",
                None,
            ),
            (
                two("op: 'NextIteration' input: 'b'", "op: 'Merge' input: 'a' input: 'a' input: '^a'"),
                Some("2 nodes in a cycle"),
            ),
            ("versions { producer: 1 min_consumer: 2474 bad_consumers: 2473 }".to_owned(), None),
            (
                "versions { min_consumer: 2475 }".to_owned(),
                Some(
                    "GraphDef min consumer version 2475 above current version 2474 for TensorFlow 2.21.0.  Please upgrade TensorFlow.",
                ),
            ),
            (
                "versions { bad_consumers: 2474 }".to_owned(),
                Some(
                    "GraphDef disallows consumer version 2474.  Please upgrade TensorFlow: this version is likely buggy.",
                ),
            ),
            (
                "versions { producer: -5 }".to_owned(),
                Some(
                    "GraphDef producer version -5 below min producer 0 supported by TensorFlow 2.21.0.  Please regenerate your graph.",
                ),
            ),
        ] {
            assert_eq!(refused(&nodes).as_deref(), expected, "{nodes}");
        }
    }

    #[test]
    fn bodies_of_functions() {
        let message = pbtxt::parse(
            "function { signature { name: 'f' } node_def { name: 'a' op: 'NoOp' input: '^b' } node_def { name: 'b' op: 'NoOp' input: '^a' } }",
        );
        let library = crate::library(&message.unwrap(), Arc::new(Registry::default())).unwrap();
        let error = library.find(&FunctionRef { name: "f".into(), ..FunctionRef::default() }).unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::InvalidArgument, "2 nodes in a cycle"));
    }
}
