//! One node to one step.

use std::sync::Arc;

use savedmodel_graph::{AttrValue, Attrs, FunctionRef, NodeId, Output};
use savedmodel_op::{
    Construction, Context, Effect, FromAttr, InputRef, Kernels, Op, OpDef, ShapeContext, Value,
};
use savedmodel_optimize::{Program, SWITCHES};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use super::region::{Made, Region};
use crate::environment::LazyFunction;
use crate::lifetimes::{Draft, Operand};
use crate::plan::{Action, Place, While};

/// A node with all that is known before it runs.
struct Prepared {
    op: &'static Op,
    attrs: Attrs,
    inputs: Vec<Made>,
    input_dtypes: Vec<DType>,
    output_dtypes: Vec<DType>,
    output_refs: Vec<bool>,
}

impl Region<'_, '_> {
    /// Drafts the step of a node.
    pub(super) fn node(&mut self, id: NodeId) -> Result<()> {
        let node = self.compiler.graph.node(id);
        if &*node.op == "Const" {
            return self.constant_node(id);
        }
        let Some(op) = self.compiler.unit.env.registry.find(&node.op) else { return self.call_by_name(id) };
        let prepared = self.prepare(id, op)?;
        match op.kernels {
            Kernels::Runtime => self.runtime_node(id, prepared),
            _ => self.kernel_node(id, prepared),
        }
    }

    fn constant_node(&mut self, id: NodeId) -> Result<()> {
        let Some(AttrValue::Tensor(tensor)) = self.attr_of(id, "value") else {
            return Err(Error::invalid_argument("Const has no tensor in attr 'value'"));
        };
        let (dtype, shape) = (tensor.dtype(), tensor.shape().into());
        if let Some(&AttrValue::Type(declared)) = self.attr_of(id, "dtype")
            && declared != dtype
        {
            return Err(Error::invalid_argument(format!(
                "Type mismatch between value ({dtype}) and dtype ({declared})"
            )));
        }
        if !self.guards(id).is_empty() {
            // On a branch, a constant tells which branch was taken.
            let value = tensor.clone();
            let kernel = move |ctx: &mut Context<'_>| {
                ctx.set(0, value.clone());
                Ok(())
            };
            self.draft(id, Action::Op(Box::new(kernel)), &[], &[dtype], &[shape], &[]);
            return Ok(());
        }
        let operand = self.new_constant(tensor.clone());
        let made = Made { operand, dtype: Some(dtype), shape, is_ref: false, may_die: false };
        self.put(Output { node: id, index: 0 }, made);
        Ok(())
    }

    fn prepare(&mut self, id: NodeId, op: &'static Op) -> Result<Prepared> {
        let compiler = self.compiler;
        let node = compiler.graph.node(id);
        let def = compiler.unit.env.registry.def(&node.op)?;
        let mut attrs = node.attrs.clone();
        def.complete(&mut attrs)?;
        let input_dtypes = def.input_dtypes(&attrs)?;
        let wants_ref = def.input_refs(&attrs)?;
        let sources = compiler.graph.inputs(id)?;
        if sources.len() != input_dtypes.len() {
            return Err(Error::invalid_argument(format!(
                "NodeDef expected {} inputs but has {}",
                input_dtypes.len(),
                sources.len()
            )));
        }
        let mut inputs = Vec::with_capacity(sources.len());
        for (i, &source) in sources.iter().enumerate() {
            let made = if wants_ref[i] { self.resolve(source)? } else { self.value(source)? };
            self.check_input(i, source, &made, input_dtypes[i], wants_ref[i])?;
            inputs.push(made);
        }
        let output_dtypes = def.output_dtypes(&attrs)?;
        let output_refs = def.output_refs(&attrs)?;
        Ok(Prepared { op, attrs, inputs, input_dtypes, output_dtypes, output_refs })
    }

    fn check_input(&self, i: usize, source: Output, made: &Made, want: DType, want_ref: bool) -> Result<()> {
        let name = || format!("{}:{}", self.compiler.graph.node(source.node).name, source.index);
        if made.dtype.is_some_and(|got| got != want) {
            let got = made.dtype.map_or_else(String::new, |dtype| dtype.to_string());
            return Err(Error::invalid_argument(format!(
                "Input {i} was passed {got} from {} incompatible with expected {want}.",
                name()
            )));
        }
        if want_ref && !made.is_ref {
            return Err(Error::invalid_argument(format!(
                "Input {i} was passed {want} from {} incompatible with expected {want}_ref.",
                name()
            )));
        }
        Ok(())
    }

    fn kernel_node(&mut self, id: NodeId, node: Prepared) -> Result<()> {
        let shapes: Vec<PartialShape> = node.inputs.iter().map(|made| made.shape.clone()).collect();
        let constants: Vec<Option<Tensor>> =
            node.inputs.iter().map(|made| self.constant(made.operand).cloned()).collect();
        let env = &self.compiler.unit.env;
        let name = &self.compiler.graph.node(id).name;
        let placed = if node.op.effect == Effect::Random { self.site(id) } else { String::new() };
        let construction = Construction {
            name: if placed.is_empty() { name } else { &placed },
            op: node.op.name,
            attrs: &node.attrs,
            inputs: &node.input_dtypes,
            outputs: &node.output_dtypes,
            shapes: &shapes,
            constants: &constants,
            resources: &env.resources,
            functions: &self.compiler.functions,
        };
        let context = ShapeContext {
            attrs: &node.attrs,
            inputs: &shapes,
            values: &constants,
            outputs: node.output_dtypes.len(),
        };
        // What is wrong with shapes is said when the step runs: it may stand where nothing ever gets.
        let (out_shapes, action) = match (node.op.shape)(&context) {
            Ok(shapes) => {
                let kernel = env.registry.kernel(&construction)?;
                // What it packed it does not read again.
                constants.iter().flatten().for_each(Tensor::release_pages);
                (shapes, Action::Op(kernel))
            }
            Err(error) => {
                let refuse = move |_: &mut Context<'_>| Err(error.clone());
                (Vec::new(), Action::Op(Box::new(refuse)))
            }
        };
        if self.is_fixed_handle(&node) {
            return self.handle_node(id, &action, &node);
        }
        self.step(id, action, &node, &out_shapes);
        Ok(())
    }

    /// Whether a node always gives the same handle, so that it need not run each time.
    fn is_fixed_handle(&self, node: &Prepared) -> bool {
        const ANONYMOUS: &str = "cd2c89b7-88b7-44c8-ad83-06c2a9158347";
        let anonymous =
            node.attrs.get("shared_name").and_then(String::from_attr).as_deref() == Some(ANONYMOUS);
        node.op.effect == Effect::Handle
            && node.inputs.is_empty()
            && !anonymous
            && !node.op.name.starts_with("Anonymous")
    }

    fn handle_node(&mut self, id: NodeId, action: &Action, node: &Prepared) -> Result<()> {
        let Action::Op(kernel) = action else { return Ok(()) };
        let n = node.output_dtypes.len();
        let mut slots = vec![Value::default(); n];
        let places: Vec<u32> = (0..n as u32).collect();
        let inputs: [InputRef; 0] = [];
        kernel.compute(&mut Context::new(&mut slots, &[], &inputs, &places, self.compiler.unit.env.run()))?;
        for (index, mut value) in slots.into_iter().enumerate() {
            let tensor = value.take().ok_or_else(|| Error::internal("a kernel left out an output"))?;
            let is_ref = node.output_refs[index];
            // The shape of a reference says nothing of what it points to.
            let shape = if is_ref { PartialShape::unknown() } else { tensor.shape().into() };
            let dtype = Some(node.output_dtypes[index]);
            let operand = self.new_constant(tensor);
            self.put(Output { node: id, index }, Made { operand, dtype, shape, is_ref, may_die: false });
        }
        Ok(())
    }

    fn runtime_node(&mut self, id: NodeId, node: Prepared) -> Result<()> {
        let action = match node.op.name {
            "PartitionedCall" | "StatefulPartitionedCall" => {
                let site = || self.site(id) + "/";
                let known = self.known(&node.inputs);
                Action::Call(self.compiler.unit.function(&function_attr(&node, "f")?, known, site))
            }
            "If" | "StatelessIf" | "_If" => {
                let known = self.known(&node.inputs[1..]);
                Action::If([
                    self.lazy(id, &node, "then_branch", known.clone())?,
                    self.lazy(id, &node, "else_branch", known)?,
                ])
            }
            "While" | "StatelessWhile" | "_While" | "XlaWhile" => {
                Action::While(Box::new(self.repeated(id, &node)?))
            }
            "Case" | "StatelessCase" => {
                let branches: Option<Vec<FunctionRef>> = node.attrs.get("branches").and_then(Vec::from_attr);
                let branches = branches.filter(|branches| !branches.is_empty());
                let branches =
                    branches.ok_or_else(|| Error::invalid_argument("attr 'branches' names no functions"))?;
                let known = self.known(&node.inputs[1..]);
                let branch = |(i, function): (usize, &FunctionRef)| {
                    let site = || format!("{}/branch{i}/", self.site(id));
                    self.compiler.unit.function(function, known.clone(), site)
                };
                Action::Case(branches.iter().enumerate().map(branch).collect())
            }
            "Switch" | "RefSwitch" => return self.switch(id, &node),
            "Merge" | "RefMerge" => return self.merge(id, &node),
            "LoopCond" | "NextIteration" | "RefNextIteration" | "Enter" | "RefEnter" => {
                return self.pass_on(id, &node);
            }
            "_Arg" => return Err(Error::invalid_argument("an argument of a function has no value")),
            other => return Err(Error::unimplemented(format!("operator {other} can't stand here"))),
        };
        self.step(id, action, &node, &[]);
        Ok(())
    }

    fn lazy(
        &self,
        id: NodeId,
        node: &Prepared,
        attr: &str,
        known: Vec<Option<Tensor>>,
    ) -> Result<Arc<LazyFunction>> {
        let site = || format!("{}/{attr}/", self.site(id));
        Ok(self.compiler.unit.function(&function_attr(node, attr)?, known, site))
    }

    /// The name of a node with the calls that lead to it.
    fn site(&self, id: NodeId) -> String {
        format!("{}{}", self.compiler.site, self.compiler.graph.node(id).name)
    }

    fn repeated(&self, id: NodeId, node: &Prepared) -> Result<While> {
        let known = self.invariant(node)?;
        let condition = self.lazy(id, node, "cond", known.clone())?;
        let env = &self.compiler.unit.env;
        let (cond, body) = (function_attr(node, "cond")?, function_attr(node, "body")?);
        // Streams of random numbers belong to one of both.
        let is_joined = env.options.optimize
            && !env.is_random(&cond)
            && Program::can_join(&*env.library.get(&body)?, &*env.library.get(&cond)?, &env.registry);
        let body = self
            .compiler
            .unit
            .turn((&body, is_joined.then_some(&cond)), known, || format!("{}/body/", self.site(id)));
        let is_compiled = &*self.compiler.graph.node(id).op == "XlaWhile";
        let wants_scalar = is_compiled || node.attrs.get(SWITCHES).is_some();
        Ok(While { condition, body, is_joined, wants_scalar })
    }

    /// The arguments whose values never change while the plan lives.
    fn known(&self, arguments: &[Made]) -> Vec<Option<Tensor>> {
        if !self.compiler.unit.env.options.optimize {
            return Vec::new();
        }
        arguments.iter().map(|made| self.constant(made.operand).cloned()).collect()
    }

    /// The loop variables that start as constants and that the body hands on as they are.
    fn invariant(&self, node: &Prepared) -> Result<Vec<Option<Tensor>>> {
        let mut known = self.known(&node.inputs);
        if known.iter().all(Option::is_none) {
            return Ok(known);
        }
        let body = self.compiler.unit.env.library.get(&function_attr(node, "body")?)?;
        for (i, value) in known.iter_mut().enumerate() {
            let mut output = body.result_outputs.get(i).copied();
            while let Some(found) = output.filter(|found| &*body.graph.node(found.node).op == "Identity") {
                output = body.graph.inputs(found.node)?.first().copied();
            }
            if output.map(|output| output.node) != body.argument_nodes.get(i).copied() {
                *value = None;
            }
        }
        Ok(known)
    }

    /// A node whose operator is the name of a function.
    fn call_by_name(&mut self, id: NodeId) -> Result<()> {
        let node = self.compiler.graph.node(id);
        let reference = FunctionRef { name: node.op.to_string(), attrs: node.attrs.clone() };
        let Some(function) = self.compiler.unit.env.library.find(&reference)? else {
            return Err(self.compiler.unit.env.registry.missing(&node.op));
        };
        let sources = self.compiler.graph.inputs(id)?;
        if sources.len() != function.arguments.len() {
            return Err(Error::invalid_argument(format!(
                "function {} takes {} arguments, got {}",
                node.op,
                function.arguments.len(),
                sources.len()
            )));
        }
        let mut inputs = Vec::with_capacity(sources.len());
        for (i, &source) in sources.iter().enumerate() {
            let made = self.value(source)?;
            self.check_input(i, source, &made, function.arguments[i].dtype, false)?;
            inputs.push(made);
        }
        let site = || self.site(id) + "/";
        let action = Action::Call(self.compiler.unit.function(&reference, self.known(&inputs), site));
        let outputs: Vec<DType> = function.results.iter().map(|result| result.dtype).collect();
        self.draft(id, action, &inputs, &outputs, &[], &[]);
        Ok(())
    }

    /// Hands an input on under another name, at no cost when the plan runs.
    fn pass_on(&mut self, id: NodeId, node: &Prepared) -> Result<()> {
        let made =
            node.inputs.first().cloned().ok_or_else(|| Error::invalid_argument("there is no input"))?;
        if let (true, Operand::Value(value)) = (made.may_die, made.operand) {
            self.set_token(id, value);
        }
        self.put(Output { node: id, index: 0 }, made);
        Ok(())
    }

    fn switch(&mut self, id: NodeId, node: &Prepared) -> Result<()> {
        let data = &node.inputs[0];
        let may_die = node.inputs.iter().any(|made| made.may_die) || !self.guards(id).is_empty();
        let shapes = [data.shape.clone(), data.shape.clone()];
        let refs = [data.is_ref && node.output_refs[0]; 2];
        let outputs = self.outputs(id, &node.output_dtypes, &shapes, (true, &refs));
        let (guards, token) = (self.guards(id), self.token(id, may_die));
        let inputs = node.inputs.iter().map(|made| made.operand).collect();
        let place = self.place(id, &node.input_dtypes);
        self.push(Draft { action: Action::Switch, inputs, outputs, may_die, guards, token, place });
        Ok(())
    }

    fn merge(&mut self, id: NodeId, node: &Prepared) -> Result<()> {
        let may_die = node.inputs.iter().all(|made| made.may_die);
        let first = node.inputs.first().map(|made| made.shape.clone()).unwrap_or_default();
        let same = node.inputs.iter().all(|made| made.shape == first);
        let shapes = [if same { first } else { PartialShape::unknown() }, PartialShape::of_rank(0)];
        let outputs = self.outputs(id, &node.output_dtypes, &shapes, (may_die, &node.output_refs));
        let token = self.token(id, may_die);
        let inputs = node.inputs.iter().map(|made| made.operand).collect();
        let place = self.place(id, &node.input_dtypes);
        self.push(Draft {
            action: Action::Merge,
            inputs,
            outputs,
            may_die,
            guards: Vec::new(),
            token,
            place,
        });
        Ok(())
    }

    fn step(&mut self, id: NodeId, action: Action, node: &Prepared, shapes: &[PartialShape]) {
        self.draft(id, action, &node.inputs, &node.output_dtypes, shapes, &node.output_refs);
    }

    fn draft(
        &mut self,
        id: NodeId,
        action: Action,
        inputs: &[Made],
        output_dtypes: &[DType],
        shapes: &[PartialShape],
        refs: &[bool],
    ) {
        let guards = self.guards(id);
        let may_die = !guards.is_empty() || inputs.iter().any(|made| made.may_die);
        let outputs = self.outputs(id, output_dtypes, shapes, (may_die, refs));
        let token = self.token(id, may_die);
        let dtypes: Vec<DType> = inputs.iter().filter_map(|made| made.dtype).collect();
        let place = self.place(id, &dtypes);
        let inputs = inputs.iter().map(|made| made.operand).collect();
        self.push(Draft { action, inputs, outputs, may_die, guards, token, place });
    }

    fn place(&self, id: NodeId, inputs: &[DType]) -> Place {
        let node = self.compiler.graph.node(id);
        Place { node: node.name.clone(), op: node.op.clone(), inputs: inputs.into() }
    }
}

fn function_attr(node: &Prepared, attr: &str) -> Result<FunctionRef> {
    let function = node.attrs.get(attr).and_then(FunctionRef::from_attr);
    function.ok_or_else(|| Error::invalid_argument(format!("attr '{attr}' names no function")))
}

/// The dtypes of a node's outputs, if its operator is known.
pub(crate) fn output_dtypes(def: &OpDef, attrs: &Attrs) -> Option<Vec<DType>> {
    let mut attrs = attrs.clone();
    def.complete(&mut attrs).ok()?;
    def.output_dtypes(&attrs).ok()
}
