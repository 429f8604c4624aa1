//! Variables that nothing in reach writes become constants.

use savedmodel_graph::{NodeId, Output};
use savedmodel_op::{Effect, Variable};
use savedmodel_tensor::{Result, Tensor};

use crate::reach::variable_name;
use crate::{Program, Scope, fold};

/// Makes handles constants, and reads of variables that are not written.
///
/// A session makes its plans anew when a frozen variable is written after all.
pub(crate) fn variables(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    let nodes: Vec<NodeId> = program.graph.nodes().collect();
    for &node in &nodes {
        handle(program, node, scope)?;
    }
    for &node in &nodes {
        referenced(program, node, scope)?;
    }
    let may_die = program.has_dead_values();
    for node in nodes {
        // What waits for nothing is read even where other nodes don't run.
        if may_die && !program.graph.controls(node).is_empty() {
            continue;
        }
        if let Some(value) = read(program, node, scope)? {
            // What waited for the read needs no longer wait for it, but for what the read waited for.
            let (before, after) = (program.graph.controls(node), program.graph.controlled(node));
            program.make_constant(node, value);
            for &waiting in &after {
                program.graph.disconnect_control(node, waiting);
                before.iter().for_each(|&source| program.graph.connect_control(source, waiting));
            }
        }
    }
    Ok(())
}

/// A node that always gives the same handle gives it as a constant.
fn handle(program: &mut Program, node: NodeId, scope: &Scope<'_>) -> Result<()> {
    let (graph, op) = (&program.graph, &program.graph.node(node).op);
    let is_handle = scope.registry.find(op).is_some_and(|op| op.effect == Effect::Handle);
    // References stay: what reads them must know that they are.
    let is_plain = matches!(&**op, "VarHandleOp") && graph.controls(node).is_empty();
    if is_handle
        && is_plain
        && !is_anonymous(program, node)
        && let Ok(values) = fold::evaluate(program, node, &[], scope)
        && let [value] = &values[..]
    {
        program.make_constant(node, value.clone());
    }
    Ok(())
}

/// Who takes the value of a variable of V1 that is not written takes a constant; who takes a reference still does.
fn referenced(program: &mut Program, node: NodeId, scope: &Scope<'_>) -> Result<()> {
    if !matches!(&*program.graph.node(node).op, "VariableV2" | "Variable")
        || !program.graph.controls(node).is_empty()
        || scope.written.contains(&variable_name(&program.graph, node))
    {
        return Ok(());
    }
    let readers: Vec<(NodeId, usize)> = program
        .graph
        .consumers(node)
        .into_iter()
        .filter(|&(_, reader, input)| !takes_reference(program, reader, input, scope))
        .map(|(_, reader, input)| (reader, input))
        .collect();
    if readers.is_empty() {
        return Ok(());
    }
    let Ok(handles) = fold::evaluate(program, node, &[], scope) else { return Ok(()) };
    let variable = match handles.first().and_then(|handles| handles.handles().ok()) {
        Some([handle]) => handle.get_arc::<Variable>(),
        _ => None,
    };
    let Some(value) = variable.and_then(|variable| variable.freeze(scope.epoch)) else { return Ok(()) };
    let name = program.graph.node(node).name.to_string();
    let constant = crate::fuse::constant(program, &format!("{name}/value"), value)?;
    for (reader, input) in readers {
        let mut inputs = program.graph.inputs(reader)?;
        let controls = program.graph.controls(reader);
        inputs[input] = constant;
        program.graph.disconnect_inputs(reader);
        inputs.iter().enumerate().for_each(|(i, &input)| program.graph.connect(input, reader, i));
        controls.into_iter().for_each(|control| program.graph.connect_control(control, reader));
    }
    Ok(())
}

fn takes_reference(program: &Program, reader: NodeId, input: usize, scope: &Scope<'_>) -> bool {
    let node = program.graph.node(reader);
    let refs = scope.registry.def(&node.op).and_then(|def| {
        let mut attrs = node.attrs.clone();
        def.complete(&mut attrs)?;
        def.input_refs(&attrs)
    });
    !refs.is_ok_and(|refs| refs.get(input) == Some(&false))
}

fn is_anonymous(program: &Program, node: NodeId) -> bool {
    const ANONYMOUS: &[u8] = b"cd2c89b7-88b7-44c8-ad83-06c2a9158347";
    let shared = program.graph.node(node).attrs.get("shared_name");
    matches!(shared, Some(savedmodel_graph::AttrValue::Bytes(name)) if name == ANONYMOUS)
}

fn read(program: &Program, node: NodeId, scope: &Scope<'_>) -> Result<Option<Tensor>> {
    if &*program.graph.node(node).op != "ReadVariableOp" {
        return Ok(None);
    }
    let Some(&source) = program.graph.inputs(node)?.first() else { return Ok(None) };
    if !program.graph.controls(source.node).is_empty() {
        return Ok(None);
    }
    let Some(variable) = frozen_variable(program, source) else { return Ok(None) };
    let variable = variable.filter(|variable| !scope.written.contains(variable.name()));
    Ok(variable.and_then(|variable| variable.freeze(scope.epoch)))
}

fn frozen_variable(program: &Program, source: Output) -> Option<Option<std::sync::Arc<Variable>>> {
    match program.constant(source)?.handles().ok()? {
        [handle] => Some(handle.get_arc::<Variable>()),
        _ => None,
    }
}
