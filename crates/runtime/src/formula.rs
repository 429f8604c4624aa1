//! What functions of single elements compute, as text.

use rustc_hash::FxHashMap;
use savedmodel_graph::{AttrValue, Function, Output};
use savedmodel_tensor::DType;

/// The operators each element of whose result depends on the elements of the inputs in its place.
const OPERATORS: &[&str] = &[
    "Abs",
    "Add",
    "AddV2",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Cast",
    "Ceil",
    "Cos",
    "Div",
    "DivNoNan",
    "Equal",
    "Exp",
    "Expm1",
    "Floor",
    "FloorDiv",
    "FloorMod",
    "Greater",
    "GreaterEqual",
    "Imag",
    "Invert",
    "IsFinite",
    "IsInf",
    "IsNan",
    "LeftShift",
    "Less",
    "LessEqual",
    "Log",
    "Log1p",
    "LogicalAnd",
    "LogicalNot",
    "LogicalOr",
    "Maximum",
    "Minimum",
    "Mod",
    "Mul",
    "Neg",
    "NextAfter",
    "NotEqual",
    "Pow",
    "Real",
    "RealDiv",
    "Reciprocal",
    "RightShift",
    "Rsqrt",
    "Sign",
    "SelectV2",
    "Sigmoid",
    "Sin",
    "Sqrt",
    "Square",
    "SquaredDifference",
    "Sub",
    "Tanh",
    "TruncateDiv",
    "TruncateMod",
    "Xdivy",
    "Xlogy",
    "ZerosLike",
];

/// The longest text that is kept.
const LONGEST: usize = 200;

/// The results of a function as expressions of its arguments; `None` if it does more than compute element by element.
pub(crate) fn of(function: &Function) -> Option<Vec<String>> {
    let arguments = function.argument_nodes.iter().enumerate();
    let mut known: FxHashMap<Output, String> =
        arguments.map(|(i, &node)| (Output { node, index: 0 }, i.to_string())).collect();
    let is_free = function.graph.nodes().all(|node| function.graph.controls(node).is_empty());
    if !is_free || !function.control_results.is_empty() {
        return None;
    }
    function.result_outputs.iter().map(|&output| expression(function, output, &mut known, 0)).collect()
}

fn expression(
    function: &Function,
    output: Output,
    known: &mut FxHashMap<Output, String>,
    depth: usize,
) -> Option<String> {
    const DEEPEST: usize = 200;
    if let Some(found) = known.get(&output) {
        return Some(found.clone());
    }
    if depth > DEEPEST || output.index != 0 {
        return None;
    }
    let node = function.graph.node(output.node);
    let made = match &*node.op {
        "Const" => match node.attrs.get("value") {
            Some(AttrValue::Tensor(value)) if value.rank() == 0 => "c".to_owned(),
            _ => return None,
        },
        op => {
            let parts = function.graph.inputs(output.node).ok()?;
            let parts: Vec<String> = parts
                .iter()
                .map(|&part| expression(function, part, known, depth + 1))
                .collect::<Option<_>>()?;
            match op {
                "Identity" | "StopGradient" => parts.into_iter().next()?,
                "Bitcast" => {
                    let size = |attr: &str| match node.attrs.get(attr) {
                        Some(AttrValue::Type(dtype)) => DType::size(*dtype),
                        _ => None,
                    };
                    if size("T").is_none() || size("T") != size("type") {
                        return None;
                    }
                    format!("Bitcast({})", parts.join(","))
                }
                _ if OPERATORS.contains(&op) => format!("{op}({})", parts.join(",")),
                _ => return None,
            }
        }
    };
    let made = if made.len() > LONGEST { "…".to_owned() } else { made };
    known.insert(output, made.clone());
    Some(made)
}

#[cfg(test)]
mod tests {
    use savedmodel_graph::{Graph, Node, NodeId};

    use super::*;

    /// A function of two arguments that gives the last of `nodes`, which take the nodes with these numbers.
    fn formula(nodes: &[(&str, &[usize])]) -> Option<Vec<String>> {
        let mut graph = Graph::new();
        let mut made: Vec<NodeId> = Vec::new();
        for (i, (op, inputs)) in [("_Arg", &[][..]), ("_Arg", &[])].iter().chain(nodes).enumerate() {
            let node = graph.add(Node::new(format!("n{i}"), *op)).unwrap();
            for (at, &input) in inputs.iter().enumerate() {
                graph.connect(Output { node: made[input], index: 0 }, node, at);
            }
            made.push(node);
        }
        of(&Function {
            name: "f".into(),
            arguments: Vec::new(),
            results: Vec::new(),
            graph,
            argument_nodes: made[..2].to_vec(),
            result_outputs: vec![Output { node: made[made.len() - 1], index: 0 }],
            control_results: Vec::new(),
            attrs: Default::default(),
        })
    }

    #[test]
    fn functions_of_elements_are_told_from_others() {
        let check = |nodes: &[(&str, &[usize])], want: Option<&str>| {
            assert_eq!(formula(nodes), want.map(|text| vec![text.to_owned()]), "{nodes:?}");
        };
        check(&[("AddV2", &[0, 1])], Some("AddV2(0,1)"));
        check(&[("AddV2", &[1, 0]), ("Identity", &[2])], Some("AddV2(1,0)"));
        check(&[("Mul", &[0, 0]), ("Maximum", &[2, 1])], Some("Maximum(Mul(0,0),1)"));
        check(&[("Sum", &[0, 1])], None);
        check(&[("Bitcast", &[0])], None);
        check(&[("Const", &[])], None);
        let doubled: Vec<[usize; 2]> = (1..40).map(|i| [i, i]).collect();
        let many: Vec<(&str, &[usize])> = doubled.iter().map(|pair| ("Add", &pair[..])).collect();
        assert_eq!(formula(&many).map(|texts| texts[0].len() <= LONGEST), Some(true));
    }
}
