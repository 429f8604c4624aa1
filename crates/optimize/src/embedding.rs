//! Lookups of rows with what surrounds them: indices modulo a constant or that count from the end, sums and means of what was found.

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{Bytes, DType, Result};

use crate::fuse::is_private;
use crate::{Program, Scope};

const FUSED: &str = "_FusedEmbedding";

/// Fuses gathers from the outermost dimension with what brings their indices into range, then with reductions of their rows.
pub(crate) fn lookups(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() || scope.registry.find(FUSED).is_none() {
        return Ok(());
    }
    for node in program.graph.nodes().collect::<Vec<_>>() {
        if &*program.graph.node(node).op == "GatherV2" {
            lookup(program, node)?;
        }
    }
    Ok(())
}

fn lookup(program: &mut Program, gather: NodeId) -> Result<()> {
    let inputs = program.graph.inputs(gather)?;
    let &[params, indices, axis] = &inputs[..] else { return Ok(()) };
    let node = program.graph.node(gather);
    let is_plain = matches!(node.attrs.get("batch_dims"), None | Some(AttrValue::Int(0)))
        && !matches!(node.attrs.get("Tindices"), Some(AttrValue::Type(DType::Int16)))
        && integer(program, axis) == Some(0)
        && program.graph.controls(gather).is_empty();
    if !is_plain {
        return Ok(());
    }
    let wrapped = wrapped(program, indices)?;
    let modulo = modulo(program, wrapped.map_or(indices, |(indices, _)| indices))?;
    let reduction = reduction(program, gather)?;
    if wrapped.is_none() && modulo.is_none() && reduction.is_none() {
        return Ok(());
    }
    let (indices, offset) = wrapped.unwrap_or((indices, 0));
    let (indices, modulus) = modulo.unwrap_or((indices, 0));
    let last = reduction.as_ref().map_or(gather, |reduction| reduction.node);
    let stem = program.graph.node(last).name.to_string();
    let mut fused = Node::new(program.graph.fresh_name(&format!("{stem}/fused")), FUSED)
        .with("modulus", AttrValue::Int(modulus))
        .with("offset", AttrValue::Int(offset));
    for attr in ["Tparams", "Tindices"] {
        if let Some(value) = program.graph.node(gather).attrs.get(attr) {
            fused.attrs.insert(attr.to_owned(), value.clone());
        }
    }
    if let Some(reduction) = reduction {
        fused = fused
            .with("combiner", AttrValue::Bytes(Bytes::from_static(reduction.combiner.as_bytes())))
            .with("axis", AttrValue::Int(reduction.axis))
            .with("keep_dims", AttrValue::Bool(reduction.keep_dims));
    }
    let fused = program.graph.add(fused)?;
    program.graph.connect(params, fused, 0);
    program.graph.connect(indices, fused, 1);
    program.take_over(last, fused);
    Ok(())
}

/// Indices of which those below zero have a constant added: the indices as they were, and the constant.
fn wrapped(program: &Program, output: Output) -> Result<Option<(Output, i64)>> {
    let is = |output: Output, op: &str| output.index == 0 && &*program.graph.node(output.node).op == op;
    if !is(output, "SelectV2") && !is(output, "Select") {
        return Ok(None);
    }
    let inputs = program.graph.inputs(output.node)?;
    let &[condition, sum, indices] = &inputs[..] else { return Ok(None) };
    if !is(condition, "Less") || !is(sum, "AddV2") && !is(sum, "Add") {
        return Ok(None);
    }
    let free = |output: Output| program.graph.controls(output.node).is_empty();
    if ![output, condition, sum].into_iter().all(free) {
        return Ok(None);
    }
    let (compared, summed) = (program.graph.inputs(condition.node)?, program.graph.inputs(sum.node)?);
    let below_zero = compared.first() == Some(&indices)
        && compared.get(1).and_then(|&zero| scalar(program, zero)) == Some(0);
    let offset = match summed[..] {
        [x, y] if x == indices => scalar(program, y),
        [x, y] if y == indices => scalar(program, x),
        _ => None,
    };
    Ok(offset.filter(|_| below_zero).map(|offset| (indices, offset)))
}

/// Indices that are taken modulo a positive constant: the indices as they were, and the constant.
fn modulo(program: &Program, output: Output) -> Result<Option<(Output, i64)>> {
    if output.index != 0
        || &*program.graph.node(output.node).op != "FloorMod"
        || !program.graph.controls(output.node).is_empty()
    {
        return Ok(None);
    }
    let inputs = program.graph.inputs(output.node)?;
    let &[indices, modulus] = &inputs[..] else { return Ok(None) };
    Ok(scalar(program, modulus).filter(|&modulus| modulus > 0).map(|modulus| (indices, modulus)))
}

struct Reduction {
    node: NodeId,
    combiner: &'static str,
    axis: i64,
    keep_dims: bool,
}

/// The sum or mean along one axis that alone takes what a gather of floats gives.
fn reduction(program: &Program, gather: NodeId) -> Result<Option<Reduction>> {
    let is_float =
        matches!(program.graph.node(gather).attrs.get("Tparams"), Some(AttrValue::Type(DType::Float)));
    if !is_float || !is_private(program, gather) {
        return Ok(None);
    }
    let Some(node) = program.graph.successors(gather).next() else { return Ok(None) };
    let combiner = match &*program.graph.node(node).op {
        "Mean" => "mean",
        "Sum" => "sum",
        _ => return Ok(None),
    };
    let inputs = program.graph.inputs(node)?;
    let axis = match inputs[..] {
        [x, axis] if x.node == gather => integer(program, axis),
        _ => None,
    };
    let keep_dims = matches!(program.graph.node(node).attrs.get("keep_dims"), Some(AttrValue::Bool(true)));
    let found = axis.filter(|_| program.graph.controls(node).is_empty());
    Ok(found.map(|axis| Reduction { node, combiner, axis, keep_dims }))
}

/// The integer that a constant is, which gives the indices no more dimensions than they have.
fn scalar(program: &Program, output: Output) -> Option<i64> {
    program.constant(output).filter(|value| value.rank() == 0)?;
    integer(program, output)
}

/// The one integer of a constant that has one element and at most one dimension.
fn integer(program: &Program, output: Output) -> Option<i64> {
    let value = program.constant(output).filter(|value| value.elements() == 1 && value.rank() <= 1)?;
    value.to_i64s().ok()?.first().copied()
}
