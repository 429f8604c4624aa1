//! What constants determine is computed once.

use savedmodel_graph::{Attrs, Node, NodeId, Output};
use savedmodel_op::{Construction, Context, Effect, InputRef, Kernels, Run, ShapeContext, Source, Value};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::{Program, Scope};

/// Results above this many bytes stay unfolded, unless they are no larger than what they are made of.
const LARGE: usize = 1 << 20;

/// Evaluates every pure node whose inputs are constants, again and again until none is left.
pub(crate) fn constants(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() {
        return Ok(());
    }
    let mut waiting: Vec<NodeId> = program.graph.nodes().collect();
    waiting.reverse();
    while let Some(node) = waiting.pop() {
        let Some(values) = folded(program, node, scope)? else { continue };
        let consumers: Vec<NodeId> = program.graph.successors(node).collect();
        put(program, node, values)?;
        waiting.extend(consumers);
    }
    Ok(())
}

/// The values of a pure node whose inputs are constants.
pub(crate) fn folded(program: &Program, id: NodeId, scope: &Scope<'_>) -> Result<Option<Vec<Tensor>>> {
    let node = program.graph.node(id);
    let Some(op) = scope.registry.find(&node.op) else { return Ok(None) };
    let foldable =
        op.effect == Effect::Pure && !matches!(op.kernels, Kernels::Runtime) && !op.outputs.is_empty();
    if !foldable
        || &*node.op == "Const"
        || program.feeds.contains(&id)
        || !program.graph.controls(id).is_empty()
    {
        return Ok(None);
    }
    let inputs = program.graph.inputs(id)?;
    let values: Option<Vec<Tensor>> = inputs.iter().map(|&input| program.constant(input).cloned()).collect();
    let Some(values) = values else { return Ok(None) };
    // What fails here fails when it is run, with its place.
    let Ok(results) = evaluate(program, id, &values, scope) else { return Ok(None) };
    values.iter().for_each(Tensor::release_pages);
    let bytes =
        |tensors: &[Tensor]| tensors.iter().map(|t| t.bytes().map_or(64 * t.elements(), <[u8]>::len)).sum();
    let (made, given): (usize, usize) = (bytes(&results), bytes(&values));
    let is_value = |t: &Tensor| t.dtype() != DType::Variant && t.dtype() != DType::Resource;
    Ok((results.iter().all(is_value) && (made <= LARGE || made <= given)).then_some(results))
}

/// Lets constants stand for the outputs of a node; gives them.
pub(crate) fn put(program: &mut Program, node: NodeId, values: Vec<Tensor>) -> Result<Vec<NodeId>> {
    if let [value] = &values[..] {
        program.make_constant(node, value.clone());
        return Ok(vec![node]);
    }
    let mut constants = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        let name = program.graph.fresh_name(&format!("{}/output_{index}", program.graph.node(node).name));
        let constant = program.graph.add(Node::new(name, "Const"))?;
        program.make_constant(constant, value);
        program.replace(Output { node, index }, Output { node: constant, index: 0 });
        constants.push(constant);
    }
    Ok(constants)
}

/// Runs the kernel of a node on known inputs.
pub(crate) fn evaluate(
    program: &Program,
    id: NodeId,
    inputs: &[Tensor],
    scope: &Scope<'_>,
) -> Result<Vec<Tensor>> {
    let node = program.graph.node(id);
    let def = scope.registry.def(&node.op)?;
    let mut attrs: Attrs = node.attrs.clone();
    def.complete(&mut attrs)?;
    let (input_dtypes, output_dtypes) = (def.input_dtypes(&attrs)?, def.output_dtypes(&attrs)?);
    let dtypes: Vec<DType> = inputs.iter().map(Tensor::dtype).collect();
    if dtypes != input_dtypes {
        return Err(Error::invalid_argument("the inputs have other dtypes than declared"));
    }
    let shapes: Vec<PartialShape> = inputs.iter().map(|input| input.shape().into()).collect();
    let constants: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
    let construction = Construction {
        name: &node.name,
        op: &node.op,
        attrs: &attrs,
        inputs: &input_dtypes,
        outputs: &output_dtypes,
        shapes: &shapes,
        constants: &constants,
        resources: scope.resources,
        functions: scope.functions,
    };
    let kernel = scope.registry.kernel(&construction)?;
    if let Some(op) = scope.registry.find(&node.op) {
        let outputs = output_dtypes.len();
        (op.shape)(&ShapeContext { attrs: &attrs, inputs: &shapes, values: &constants, outputs })?;
    }
    let places: Vec<u32> = (0..output_dtypes.len() as u32).collect();
    let refs: Vec<InputRef> =
        (0..inputs.len() as u32).map(|i| InputRef { source: Source::Constant(i), last_use: false }).collect();
    let mut slots = vec![Value::default(); output_dtypes.len()];
    let run = Run { resources: scope.resources, limits: scope.limits };
    kernel.compute(&mut Context::new(&mut slots, inputs, &refs, &places, run))?;
    let taken = slots
        .iter_mut()
        .map(|slot| slot.take().ok_or_else(|| Error::internal("a kernel left out an output")));
    taken.collect()
}
