//! Functional branches as V1 control flow.

use std::sync::Arc;

use savedmodel_graph::{AttrValue, Function, FunctionLibrary, FunctionRef, Graph, Node, NodeId, Output};
use savedmodel_op::Registry;
use savedmodel_tensor::{DType, Result, Tensor};

use crate::expand::{self, Body, Place};

/// A branch and the output of a Switch that is there when it is taken.
struct Branch {
    /// What the names of its nodes begin with.
    name: String,
    function: Arc<Function>,
    /// What the Switch looks at.
    condition: Output,
    /// Which of its outputs is there.
    side: usize,
}

/// The function of a branch, with the name of its place.
type Named = (String, Arc<Function>);

/// Puts the bodies of an If or Case beside it; gives the nodes that were added. Any other node stays as it is, and so does
/// an If whose condition is no `bool`.
///
/// What goes into a branch goes through a Switch, so that nothing of a branch runs that is not taken, and what comes out of
/// the branches through a Merge.
pub(crate) fn put(
    graph: &mut Graph,
    node: NodeId,
    registry: &Registry,
    library: &FunctionLibrary,
) -> Result<Vec<NodeId>> {
    let Some(functions) = functions(graph, node, library)? else { return Ok(Vec::new()) };
    let inputs = graph.inputs(node)?;
    let fits = |(_, function): &Named| {
        function.argument_nodes.len() + 1 == inputs.len()
            && function.results.len() == functions[0].1.results.len()
    };
    if !functions.iter().all(fits) {
        return Ok(Vec::new());
    }
    let before = graph.controls(node);
    let is_pure = graph.node(node).op.starts_with("Stateless");
    let branches = conditions(graph, node, functions, inputs[0])?;
    let (mut bodies, mut done) = (Vec::new(), Vec::new());
    for branch in &branches {
        let (body, end) = put_branch(graph, branch, (&inputs[1..], &before), registry)?;
        if !is_pure {
            body.must_run.iter().for_each(|&source| graph.connect_control(source, end.node));
        }
        bodies.push(body);
        done.push(end);
    }
    let name = graph.node(node).name.to_string();
    let function = &branches[0].function;
    let mut results = Vec::with_capacity(function.results.len());
    for (i, result) in function.results.iter().enumerate() {
        let ends: Vec<Output> = bodies.iter().map(|body| body.results[i]).collect();
        results.push(merge(graph, &name, result.dtype, &ends)?);
    }
    let executed = merge(graph, &name, DType::Bool, &done)?;
    expand::stand_in(graph, node, function, &results, &[executed.node]);
    Ok(bodies.into_iter().flat_map(|body| body.added).collect())
}

/// The functions of the branches, with the names of their places.
fn functions(graph: &Graph, id: NodeId, library: &FunctionLibrary) -> Result<Option<Vec<Named>>> {
    let node = graph.node(id);
    let named: Vec<(String, &FunctionRef)> = match (&*node.op, node.attrs.get("branches")) {
        ("If" | "StatelessIf" | "_If", _) => {
            if !matches!(node.attrs.get("Tcond"), Some(AttrValue::Type(DType::Bool))) {
                return Ok(None);
            }
            ["else_branch", "then_branch"]
                .into_iter()
                .filter_map(|attr| match node.attrs.get(attr) {
                    Some(AttrValue::Function(function)) => Some((format!("{}/{attr}", node.name), function)),
                    _ => None,
                })
                .collect()
        }
        ("Case" | "StatelessCase", Some(AttrValue::List(items))) => {
            let functions = items.iter().filter_map(|item| match item {
                AttrValue::Function(function) => Some(function),
                _ => None,
            });
            functions.enumerate().map(|(i, f)| (format!("{}/branch{i}", node.name), f)).collect()
        }
        _ => return Ok(None),
    };
    let find = |(name, function): (String, &FunctionRef)| Ok((name, library.get(function)?));
    let found = named.into_iter().map(find).collect::<Result<Vec<_>>>()?;
    Ok((!found.is_empty()).then_some(found))
}

/// When each branch is taken. Of a Case it is the last for each index that no other has.
fn conditions(graph: &mut Graph, node: NodeId, functions: Vec<Named>, chosen: Output) -> Result<Vec<Branch>> {
    let whole = graph.node(node).name.to_string();
    let is_if = graph.node(node).op.ends_with("If");
    let last = functions.len() - 1;
    let mut branches = Vec::with_capacity(functions.len());
    let mut is_other: Option<Output> = None;
    for (i, (name, function)) in functions.into_iter().enumerate() {
        let (condition, side) = match is_other {
            _ if is_if => (chosen, i),
            Some(is_other) if i == last => (is_other, 0),
            None if i == last => {
                let always = constant(graph, &whole, (Tensor::scalar(true), chosen.node))?;
                (always, 1)
            }
            _ => {
                let index = constant(graph, &whole, (Tensor::scalar(i as i32), chosen.node))?;
                let is_it = add(graph, &whole, ("Equal", DType::Int32), &[chosen, index])?;
                is_other = Some(match is_other {
                    Some(before) => add(graph, &whole, ("LogicalOr", DType::Bool), &[before, is_it])?,
                    None => is_it,
                });
                (is_it, 1)
            }
        };
        branches.push(Branch { name, function, condition, side });
    }
    Ok(branches)
}

/// Puts the body of a branch into the graph; gives it with what is there when the branch is taken.
fn put_branch(
    graph: &mut Graph,
    branch: &Branch,
    (inputs, before): (&[Output], &[NodeId]),
    registry: &Registry,
) -> Result<(Body, Output)> {
    let switch = |graph: &mut Graph, input: Output, dtype: DType| {
        let switch = add(graph, &branch.name, ("Switch", dtype), &[input, branch.condition])?;
        before.iter().for_each(|&source| graph.connect_control(source, switch.node));
        Ok(Output { index: branch.side, ..switch })
    };
    let taken = switch(graph, branch.condition, DType::Bool)?;
    let pivot = add(graph, &branch.name, ("Identity", DType::Bool), &[taken])?;
    let arguments = inputs.iter().zip(&branch.function.arguments);
    let sources = arguments
        .map(|(&input, argument)| switch(graph, input, argument.dtype))
        .collect::<Result<Vec<_>>>()?;
    let place = Place { name: branch.name.clone(), sources, before: Vec::new(), pivot: Some(pivot.node) };
    let body = expand::put(graph, place, &branch.function, registry)?;
    let end = add(graph, &branch.name, ("Identity", DType::Bool), &[pivot])?;
    Ok((body, end))
}

fn merge(graph: &mut Graph, name: &str, dtype: DType, ends: &[Output]) -> Result<Output> {
    let merged = add(graph, name, ("Merge", dtype), ends)?;
    graph.node_mut(merged.node).attrs.insert("N".to_owned(), AttrValue::Int(ends.len() as i64));
    Ok(merged)
}

/// A constant that is there where and when another node is.
fn constant(graph: &mut Graph, name: &str, (value, beside): (Tensor, NodeId)) -> Result<Output> {
    let name = graph.fresh_name(&format!("{name}/Const"));
    let node = Node::new(name, "Const").with("dtype", AttrValue::Type(value.dtype()));
    let node = graph.add(node.with("value", AttrValue::Tensor(value)))?;
    graph.connect_control(beside, node);
    Ok(Output { node, index: 0 })
}

/// Adds a node below a name, of an operator with one dtype.
fn add(graph: &mut Graph, name: &str, (op, dtype): (&str, DType), inputs: &[Output]) -> Result<Output> {
    let mut node = Node::new(graph.fresh_name(&format!("{name}/{op}")), op);
    if op != "LogicalOr" {
        node.attrs.insert("T".to_owned(), AttrValue::Type(dtype));
    }
    let node = graph.add(node)?;
    for (number, &input) in inputs.iter().enumerate() {
        graph.connect(input, node, number);
    }
    Ok(Output { node, index: 0 })
}
