//! What shapes determine is computed once: sizes that are known, though others of the same tensor are not, and what is made of them.

use rustc_hash::{FxHashMap, FxHashSet};
use savedmodel_graph::{AttrValue, Attrs, Node, NodeId, Output};
use savedmodel_op::{Effect, FromAttr, Kernels, ShapeContext};
use savedmodel_tensor::{DType, PartialShape, Result, Tensor};

use crate::{Program, Scope, fold};

/// Numbers from this one up to [`LAST`] stand for sizes that are not known; sizes are never negative.
const FIRST: i64 = i32::MIN as i64;
/// Half as far from 0: no model has so many sizes.
const LAST: i64 = FIRST / 2;

/// Operators that ask for shapes.
const QUESTIONS: [&str; 4] = ["Shape", "ShapeN", "Size", "Rank"];

/// Computes what [`QUESTIONS`] ask as far as it is known, and what follows from that.
///
/// Only shapes that operators make sure of count: what is fed, and what variables hold, may have others than declared.
pub(crate) fn known(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    let asks = |node: NodeId| QUESTIONS.contains(&&*program.graph.node(node).op);
    if program.has_dead_values() || !program.graph.nodes().any(asks) {
        return Ok(());
    }
    let mut facts = Facts::new(scope);
    for node in in_order(program) {
        facts.learn(program, node)?;
    }
    Ok(())
}

/// The nodes, each behind those that it needs; without those of loops and what needs them.
fn in_order(program: &Program) -> Vec<NodeId> {
    let graph = &program.graph;
    let mut missing: FxHashMap<NodeId, usize> =
        graph.nodes().map(|node| (node, graph.predecessors(node).count())).collect();
    let mut order: Vec<NodeId> = graph.nodes().filter(|node| missing[node] == 0).collect();
    let mut done = 0;
    while let Some(&node) = order.get(done) {
        done += 1;
        for next in graph.successors(node) {
            if let Some(count) = missing.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    order.push(next);
                }
            }
        }
    }
    order
}

struct Facts<'a> {
    scope: &'a Scope<'a>,
    shapes: FxHashMap<Output, PartialShape>,
    /// Values made of sizes, some of which are not known.
    values: FxHashMap<Output, Tensor>,
    /// Whose size each number from [`FIRST`] on stands for.
    unknown: Vec<(Output, usize)>,
    /// Constants that were none before.
    fresh: FxHashSet<NodeId>,
}

impl<'a> Facts<'a> {
    fn new(scope: &'a Scope<'a>) -> Facts<'a> {
        let (shapes, values) = (FxHashMap::default(), FxHashMap::default());
        Facts { scope, shapes, values, unknown: Vec::new(), fresh: FxHashSet::default() }
    }

    fn learn(&mut self, program: &mut Program, id: NodeId) -> Result<()> {
        let op = program.graph.node(id).op.clone();
        let inputs = program.graph.inputs(id)?;
        if &*op == "Const" || program.feeds.contains(&id) {
            return Ok(());
        }
        let values = match &*op {
            "Shape" | "ShapeN" | "Size" | "Rank" => self.answers(program, id, &inputs),
            _ => self.carried(program, id, &inputs),
        };
        let is_known = |value: &Tensor| value.to_i64s().is_ok_and(|sizes| !sizes.iter().any(is_unknown));
        let may_go = program.graph.controls(id).is_empty();
        match values {
            Some(values) if may_go && values.iter().all(is_known) => {
                self.fresh.extend(fold::put(program, id, values)?);
                return Ok(());
            }
            Some(values) => {
                let output = |index| Output { node: id, index };
                self.values.extend(values.into_iter().enumerate().map(|(i, value)| (output(i), value)));
            }
            None => {}
        }
        if inputs.iter().any(|input| self.fresh.contains(&input.node))
            && let Some(values) = fold::folded(program, id, self.scope)?
        {
            self.fresh.extend(fold::put(program, id, values)?);
            return Ok(());
        }
        if &*op == "Reshape" {
            self.spare_reshape(program, id, &inputs)?;
        }
        self.infer(program, id)
    }

    /// The shape of an output, as far as it is known.
    fn shape(&self, program: &Program, output: Output) -> PartialShape {
        match program.constant(output) {
            Some(value) => value.shape().into(),
            None => self.shapes.get(&output).cloned().unwrap_or_default(),
        }
    }

    /// The value of an output, as far as it is known.
    fn value(&self, program: &Program, output: Output) -> Option<Tensor> {
        // A constant may hold such numbers that stand for sizes here.
        let is_plain = |value: &&Tensor| value.to_i64s().is_ok_and(|numbers| !numbers.iter().any(is_unknown));
        match program.constant(output) {
            Some(value) => Some(value).filter(is_plain).cloned(),
            None => self.values.get(&output).cloned(),
        }
    }

    /// What a question for shapes gives, as far as it is known.
    fn answers(&mut self, program: &Program, id: NodeId, inputs: &[Output]) -> Option<Vec<Tensor>> {
        let node = program.graph.node(id);
        let out_type = node.attrs.get("out_type").and_then(DType::from_attr).unwrap_or(DType::Int32);
        let number = |value: i64| match out_type {
            DType::Int64 => Some(Tensor::scalar(value)),
            DType::Int32 => i32::try_from(value).ok().map(Tensor::scalar),
            _ => None,
        };
        let op = node.op.clone();
        match &*op {
            "Rank" => Some(vec![Tensor::scalar(i32::try_from(self.shape(program, inputs[0]).rank()?).ok()?)]),
            "Size" => {
                Some(vec![number(self.shape(program, inputs[0]).known()?.checked_elements().ok()? as i64)?])
            }
            _ => inputs.iter().map(|&input| self.sizes(program, input, out_type)).collect(),
        }
    }

    /// The sizes of a tensor, with numbers that stand for those that are not known.
    fn sizes(&mut self, program: &Program, input: Output, dtype: DType) -> Option<Tensor> {
        let shape = self.shape(program, input);
        let dims = shape.dims()?;
        let mut sizes = Vec::with_capacity(dims.len());
        for (axis, dim) in dims.iter().enumerate() {
            sizes.push(match dim {
                Some(size) => i64::from(i32::try_from(*size).ok()?),
                None => {
                    let number = FIRST + self.unknown.len() as i64;
                    self.unknown.push((input, axis));
                    if number >= LAST {
                        return None;
                    }
                    number
                }
            });
        }
        match dtype {
            DType::Int64 => Tensor::from_slice([sizes.len()], &sizes).ok(),
            DType::Int32 => {
                let sizes: Vec<i32> = sizes.into_iter().map(|size| size as i32).collect();
                Tensor::from_slice([sizes.len()], &sizes).ok()
            }
            _ => None,
        }
    }

    /// What an operator that hands numbers on makes of some that are not all known.
    fn carried(&self, program: &Program, id: NodeId, inputs: &[Output]) -> Option<Vec<Tensor>> {
        let node = program.graph.node(id);
        // The inputs whose numbers it hands on as they are; of the others all must be known.
        let carries = match &*node.op {
            "Identity" | "StridedSlice" | "Slice" | "GatherV2" | "Gather" | "Reshape" | "ExpandDims"
            | "Squeeze" | "Unpack" | "Cast" => 0..1,
            "Pack" => 0..inputs.len(),
            "ConcatV2" => 0..inputs.len().checked_sub(1)?,
            _ => return None,
        };
        if !inputs[carries.clone()].iter().any(|input| self.values.contains_key(input)) {
            return None;
        }
        if &*node.op == "Cast"
            && !matches!(node.attrs.get("DstT"), Some(AttrValue::Type(DType::Int32 | DType::Int64)))
        {
            return None;
        }
        let value = |(i, &input): (usize, &Output)| match carries.contains(&i) {
            true => self.value(program, input),
            false => program.constant(input).cloned(),
        };
        let values: Vec<Tensor> = inputs.iter().enumerate().map(value).collect::<Option<_>>()?;
        fold::evaluate(program, id, &values, self.scope).ok()
    }

    /// Lets a reshape that keeps the one size that is not known say so, instead of waiting for that size.
    fn spare_reshape(&mut self, program: &mut Program, id: NodeId, inputs: &[Output]) -> Result<()> {
        let &[input, wanted] = inputs else { return Ok(()) };
        let Some(value) = self.values.get(&wanted) else { return Ok(()) };
        let (dtype, sizes) = (value.dtype(), value.to_i64s()?);
        let unknown: Vec<i64> = sizes.iter().copied().filter(is_unknown).collect();
        let &[number] = &unknown[..] else { return Ok(()) };
        let Some(&(tensor, axis)) = self.unknown.get((number - FIRST) as usize) else { return Ok(()) };
        let shape = self.shape(program, input);
        let Some(dims) = shape.dims() else { return Ok(()) };
        let others = dims.iter().enumerate().filter(|&(i, _)| i != axis).map(|(_, &dim)| dim);
        let held = others.into_iter().try_fold(1_usize, |product, dim| product.checked_mul(dim?));
        let wanted_sizes = sizes.iter().filter(|size| !is_unknown(size));
        let asked = wanted_sizes
            .into_iter()
            .try_fold(1_usize, |product, &size| product.checked_mul(usize::try_from(size).ok()?));
        // With no elements in the rest, any number would do for the size that is not known.
        if tensor != input || held.is_none() || held != asked || held == Some(0) {
            return Ok(());
        }
        let sizes: Vec<i64> =
            sizes.into_iter().map(|size| if is_unknown(&size) { -1 } else { size }).collect();
        let value = match dtype {
            DType::Int64 => Tensor::from_slice([sizes.len()], &sizes)?,
            _ => {
                Tensor::from_slice([sizes.len()], &sizes.iter().map(|&size| size as i32).collect::<Vec<_>>())?
            }
        };
        let name = program.graph.fresh_name(&format!("{}/sizes", program.graph.node(id).name));
        let constant = program.graph.add(Node::new(name, "Const"))?;
        program.make_constant(constant, value);
        let controls = program.graph.controls(id);
        program.graph.disconnect_inputs(id);
        program.graph.connect(input, id, 0);
        program.graph.connect(Output { node: constant, index: 0 }, id, 1);
        controls.into_iter().for_each(|control| program.graph.connect_control(control, id));
        Ok(())
    }

    /// Asks an operator for the shapes of its outputs.
    fn infer(&mut self, program: &Program, id: NodeId) -> Result<()> {
        let node = program.graph.node(id);
        let Some(op) = self.scope.registry.find(&node.op) else { return Ok(()) };
        if op.effect != Effect::Pure || matches!(op.kernels, Kernels::Runtime) {
            return Ok(());
        }
        let inputs = program.graph.inputs(id)?;
        if let Some(shape) = self.wanted(program, &node.op, &inputs) {
            self.shapes.insert(Output { node: id, index: 0 }, shape);
            return Ok(());
        }
        let def = self.scope.registry.def(&node.op)?;
        let mut attrs: Attrs = node.attrs.clone();
        def.complete(&mut attrs)?;
        let shapes: Vec<PartialShape> = inputs.iter().map(|&input| self.shape(program, input)).collect();
        let values: Vec<Option<Tensor>> =
            inputs.iter().map(|&input| program.constant(input).cloned()).collect();
        let outputs = def.output_dtypes(&attrs)?.len();
        let context = ShapeContext { attrs: &attrs, inputs: &shapes, values: &values, outputs };
        // What is wrong is said when the node runs.
        let found = (op.shape)(&context).unwrap_or_default();
        self.shapes
            .extend(found.into_iter().enumerate().map(|(index, shape)| (Output { node: id, index }, shape)));
        Ok(())
    }

    /// The shape that an input tells, of which some sizes are known.
    fn wanted(&self, program: &Program, op: &str, inputs: &[Output]) -> Option<PartialShape> {
        let input = match op {
            "Fill" => 0,
            "Reshape" | "BroadcastTo" => 1,
            _ => return None,
        };
        let input = *inputs.get(input)?;
        if program.constant(input).is_some() {
            return None;
        }
        let sizes = self.values.get(&input)?.to_i64s().ok()?;
        Some(PartialShape::new(sizes.into_iter().map(|size| usize::try_from(size).ok())))
    }
}

/// Whether a number stands for a size that is not known.
fn is_unknown(number: &i64) -> bool {
    (FIRST..LAST).contains(number)
}
