//! Element-wise operators that follow each other become one, which goes over memory once.

use rustc_hash::FxHashSet;
use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{Bytes, DType, Result};

use crate::{Program, Scope};

/// The operator that stands for several.
const FUSED: &str = "_FusedElementwise";
/// The most operators that one stands for, and the most inputs it has: what it holds must fit the first-level cache.
const MOST: usize = 24;

/// Fuses element-wise operators on floats of which only the last is taken by others.
pub(crate) fn elementwise(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() {
        return Ok(());
    }
    let known = names(scope);
    let mut done: FxHashSet<NodeId> = FxHashSet::default();
    for root in after_consumers(program) {
        if done.contains(&root) || !is_elementwise(program, root, &known) {
            continue;
        }
        let group = group(program, root, &known, &done)?;
        done.extend(&group);
        if group.len() > 1 {
            fuse(program, &group, scope)?;
        }
    }
    Ok(())
}

/// The operators that the fused one can stand for.
fn names(scope: &Scope<'_>) -> FxHashSet<String> {
    let attr =
        scope.registry.def(FUSED).ok().and_then(|def| def.attrs.iter().find(|attr| attr.name == "ops"));
    let text = |value: &AttrValue| match value {
        AttrValue::Bytes(name) => String::from_utf8(name.to_vec()).ok(),
        _ => None,
    };
    attr.and_then(|attr| attr.allowed.as_ref()).into_iter().flatten().filter_map(text).collect()
}

fn is_elementwise(program: &Program, id: NodeId, known: &FxHashSet<String>) -> bool {
    let node = program.graph.node(id);
    let channels_last = match node.attrs.get("data_format") {
        Some(AttrValue::Bytes(format)) => &format[..] == b"NHWC",
        _ => true,
    };
    known.contains(&*node.op)
        && channels_last
        && matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)))
        && program.graph.controls(id).is_empty()
        && program.graph.controlled(id).is_empty()
        && !program.targets.contains(&id)
        && !program.feeds.contains(&id)
}

/// All nodes, each after those that take its outputs.
fn after_consumers(program: &Program) -> Vec<NodeId> {
    let graph = &program.graph;
    let mut waiting: rustc_hash::FxHashMap<NodeId, usize> =
        graph.nodes().map(|node| (node, graph.successors(node).count())).collect();
    let mut ready: Vec<NodeId> = graph.nodes().filter(|node| waiting[node] == 0).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for source in graph.predecessors(node) {
            if let Some(count) = waiting.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    ready.push(source);
                }
            }
        }
    }
    order
}

/// A node with those before it whose results nothing outside of the group takes, each before those that take it.
fn group(
    program: &Program,
    root: NodeId,
    known: &FxHashSet<String>,
    done: &FxHashSet<NodeId>,
) -> Result<Vec<NodeId>> {
    let mut group = vec![root];
    let mut at = 0;
    while at < group.len() {
        let sources: Vec<NodeId> = program.graph.predecessors(group[at]).collect();
        for source in sources {
            let joins = group.len() < MOST
                && !group.contains(&source)
                && !done.contains(&source)
                && is_elementwise(program, source, known)
                && program.graph.successors(source).all(|taker| group.contains(&taker))
                && program.fetches.iter().all(|fetch| fetch.node != source);
            if !joins {
                continue;
            }
            group.push(source);
            if outside(program, &group)?.len() > MOST {
                group.pop();
                continue;
            }
            // One that was passed over may have had this one as its last taker outside.
            at = 0;
        }
        at += 1;
    }
    let mut order = Vec::with_capacity(group.len());
    while order.len() < group.len() {
        let is_ready = |node: &NodeId| {
            !order.contains(node)
                && program
                    .graph
                    .predecessors(*node)
                    .all(|source| !group.contains(&source) || order.contains(&source))
        };
        match group.iter().copied().find(is_ready) {
            Some(next) => order.push(next),
            None => return Ok(vec![root]),
        }
    }
    Ok(order)
}

/// What a group takes from nodes that don't belong to it.
fn outside(program: &Program, group: &[NodeId]) -> Result<Vec<Output>> {
    let mut inputs: Vec<Output> = Vec::new();
    for &node in group {
        for input in program.graph.inputs(node)? {
            if !group.contains(&input.node) && !inputs.contains(&input) {
                inputs.push(input);
            }
        }
    }
    Ok(inputs)
}

fn fuse(program: &mut Program, group: &[NodeId], scope: &Scope<'_>) -> Result<()> {
    let inputs = outside(program, group)?;
    if inputs.is_empty() || inputs.len() > MOST {
        return Ok(());
    }
    let (mut ops, mut operands) = (Vec::new(), Vec::new());
    for &node in group {
        let op = program.graph.node(node).op.clone();
        let taken = program.graph.inputs(node)?;
        let declared = scope.registry.def(&op)?.inputs.len();
        if taken.is_empty() || taken.len() > 2 || taken.len() != declared {
            return Ok(());
        }
        for side in 0..2 {
            let input = taken[side.min(taken.len() - 1)];
            let number = match group.iter().position(|&other| other == input.node) {
                Some(result) => inputs.len() + result,
                None => inputs.iter().position(|&other| other == input).unwrap_or_default(),
            };
            operands.push(AttrValue::Int(number as i64));
        }
        ops.push(AttrValue::Bytes(Bytes::copy_from_slice(op.as_bytes())));
    }
    let Some(&last) = group.last() else { return Ok(()) };
    let stem = program.graph.node(last).name.to_string();
    let node = Node::new(program.graph.fresh_name(&format!("{stem}/fused")), FUSED)
        .with("N", AttrValue::Int(inputs.len() as i64))
        .with("T", AttrValue::Type(DType::Float))
        .with("ops", AttrValue::List(ops))
        .with("operands", AttrValue::List(operands));
    let fused = program.graph.add(node)?;
    inputs.iter().enumerate().for_each(|(i, &input)| program.graph.connect(input, fused, i));
    program.take_over(last, fused);
    Ok(())
}
