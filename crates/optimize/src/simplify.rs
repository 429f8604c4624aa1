//! Nodes that pass their input on go.

use savedmodel_graph::{NodeId, Output};
use savedmodel_tensor::Result;

use crate::{Program, Scope};

/// Lets those who take the output of an identity take its input, and drops the identity.
///
/// One that orders others by control edges stays, and so does one that loads a reference.
pub(crate) fn pass_through(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    let nodes: Vec<NodeId> = program.graph.nodes().collect();
    for node in nodes {
        if is_product_with_one(program, node)? {
            continue;
        }
        let op = &*program.graph.node(node).op;
        if op == "IdentityN"
            && program.graph.controls(node).is_empty()
            && program.graph.controlled(node).is_empty()
        {
            let inputs = program.graph.inputs(node)?;
            if !program.targets.contains(&node)
                && !inputs.iter().any(|&input| gives_reference(program, input, scope))
            {
                for (index, &input) in inputs.iter().enumerate() {
                    program.replace(Output { node, index }, input);
                }
                program.graph.remove(node);
            }
            continue;
        }
        if !matches!(op, "Identity" | "StopGradient" | "PreventGradient" | "Snapshot")
            || program.targets.contains(&node)
        {
            continue;
        }
        if !program.graph.controls(node).is_empty() || !program.graph.controlled(node).is_empty() {
            continue;
        }
        let inputs = program.graph.inputs(node)?;
        let [source] = inputs[..] else { continue };
        if gives_reference(program, source, scope) {
            continue;
        }
        program.replace(Output { node, index: 0 }, source);
        program.graph.remove(node);
    }
    Ok(())
}

/// Lets those who take the product of a tensor with a scalar 1 take the tensor; tells whether it was such a product.
fn is_product_with_one(program: &mut Program, node: NodeId) -> Result<bool> {
    if &*program.graph.node(node).op != "Mul"
        || program.targets.contains(&node)
        || !program.graph.controls(node).is_empty()
        || !program.graph.controlled(node).is_empty()
    {
        return Ok(false);
    }
    let inputs = program.graph.inputs(node)?;
    let is_one = |input: Output| {
        program.constant(input).is_some_and(|value| value.rank() == 0 && value.to_scalar::<f32>() == Ok(1.0))
    };
    let other = match inputs[..] {
        [x, one] if is_one(one) => x,
        [one, x] if is_one(one) => x,
        _ => return Ok(false),
    };
    program.replace(Output { node, index: 0 }, other);
    program.graph.remove(node);
    Ok(true)
}

/// Whether an output is a reference, so that taking it later may mean another value.
fn gives_reference(program: &Program, source: Output, scope: &Scope<'_>) -> bool {
    let node = program.graph.node(source.node);
    let refs = scope.registry.def(&node.op).and_then(|def| {
        let mut attrs = node.attrs.clone();
        def.complete(&mut attrs)?;
        def.output_refs(&attrs)
    });
    refs.is_ok_and(|refs| refs.get(source.index).copied().unwrap_or(false))
}
