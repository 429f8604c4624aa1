//! Products of elements of a list are taken before the loop that reads them one by one.

use savedmodel_graph::{Argument, AttrValue, Function, FunctionRef, Graph, Node, NodeId, Output};
use savedmodel_tensor::{DType, Result, Tensor};

use super::recurrent::{self, Rewritten};
use crate::{Program, Scope, fold, freeze, inline, order, simplify};

/// Where a loop multiplies each element of a list that is made of one tensor, multiplies the tensor instead.
///
/// One product of all elements is many times as fast as one for each, and no turn can change list or weights.
pub(crate) fn products(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() {
        return Ok(());
    }
    for node in program.graph.nodes().collect::<Vec<_>>() {
        if matches!(&*program.graph.node(node).op, "While" | "StatelessWhile") {
            repeated(program, node, scope)?;
        }
    }
    Ok(())
}

fn repeated(program: &mut Program, node: NodeId, scope: &Scope<'_>) -> Result<()> {
    let attrs = &program.graph.node(node).attrs;
    let (Some(AttrValue::Function(cond)), Some(AttrValue::Function(body))) =
        (attrs.get("cond"), attrs.get("body"))
    else {
        return Ok(());
    };
    let (Some(cond), Some(body)) = (scope.library.find(cond)?, scope.library.find(body)?) else {
        return Ok(());
    };
    let inputs = program.graph.inputs(node)?;
    let agree = |function: &Function| function.argument_nodes.len() == inputs.len();
    if !agree(&body) || !agree(&cond) || body.result_outputs.len() != inputs.len() {
        return Ok(());
    }
    let mut inside = Program::of(&body, &known(program, &body, &inputs)?, scope.registry)?;
    inline::calls(&mut inside, scope)?;
    freeze::variables(&mut inside, scope)?;
    order::loosen(&mut inside)?;
    fold::constants(&mut inside, scope)?;
    simplify::pass_through(&mut inside, scope)?;
    inside.prune();
    if inside.has_dead_values() {
        return Ok(());
    }
    let mut turn = Turn { before: inputs, inside, cond: Function::clone(&cond) };
    let count = turn.before.len();
    for product in turn.inside.graph.nodes().collect::<Vec<_>>() {
        turn.product(program, product)?;
    }
    if turn.before.len() > count {
        let rewritten = Rewritten { before: &turn.before, body: &turn.inside, cond: &turn.cond };
        if recurrent::layer(program, node, &rewritten, scope)? {
            return Ok(());
        }
        let (cond, body) = turn.define(&body, scope);
        replace(program, node, turn.before, [cond, body])?;
    }
    Ok(())
}

/// What is known of the arguments of a body: the constants that it hands on as they are.
fn known(program: &Program, body: &Function, inputs: &[Output]) -> Result<Vec<Option<Tensor>>> {
    let mut known = Vec::with_capacity(inputs.len());
    for (i, &input) in inputs.iter().enumerate() {
        let mut output = body.result_outputs[i];
        while &*body.graph.node(output.node).op == "Identity" {
            match body.graph.inputs(output.node)?.first() {
                Some(&source) => output = source,
                None => break,
            }
        }
        let stays = output.node == body.argument_nodes[i];
        known.push(program.constant(input).filter(|_| stays).cloned());
    }
    Ok(known)
}

/// A loop that is rewritten.
struct Turn {
    /// What the loop starts with.
    before: Vec<Output>,
    inside: Program,
    cond: Function,
}

/// A product of an element of a list with constant weights.
struct Found {
    /// The node that reads the element, and the number of the loop variable that is the list.
    read: NodeId,
    list: usize,
    weights: Tensor,
    columns: usize,
    transposed: bool,
}

impl Turn {
    fn product(&mut self, program: &mut Program, node: NodeId) -> Result<()> {
        let Some(found) = self.find(node)? else { return Ok(()) };
        let source = self.before[found.list];
        let from = program.graph.node(source.node);
        if &*from.op != "TensorListFromTensor" || !program.graph.controls(source.node).is_empty() {
            return Ok(());
        }
        let from = from.clone();
        let &[elements, _] = &program.graph.inputs(source.node)?[..] else { return Ok(()) };
        let name = self.inside.graph.node(node).name.to_string();
        let weights = crate::fuse::constant(program, &format!("{name}/weights"), found.weights)?;
        let product = Node::new(program.graph.fresh_name(&format!("{name}/all")), "BatchMatMulV2")
            .with("T", AttrValue::Type(DType::Float))
            .with("adj_y", AttrValue::Bool(found.transposed));
        let product = program.graph.add(product)?;
        program.graph.connect(elements, product, 0);
        program.graph.connect(weights, product, 1);
        let shape = Tensor::from_vec([2], vec![-1_i32, found.columns as i32])?;
        let outside = crate::fuse::constant(program, &format!("{name}/shape"), shape.clone())?;
        let list = Node::new(program.graph.fresh_name(&format!("{name}/list")), "TensorListFromTensor");
        let list = Node { attrs: from.attrs, ..list }.with("shape_type", AttrValue::Type(DType::Int32));
        let list = program.graph.add(list)?;
        program.graph.connect(Output { node: product, index: 0 }, list, 0);
        program.graph.connect(outside, list, 1);
        self.before.push(Output { node: list, index: 0 });
        self.read_instead(node, found.read, shape)
    }

    /// Lets the body read the product from a loop variable of its own.
    fn read_instead(&mut self, product: NodeId, read: NodeId, shape: Tensor) -> Result<()> {
        let index = self.inside.graph.inputs(read)?[1];
        let argument = argument(&mut self.inside.graph, self.inside.feeds.len())?;
        self.inside.feeds.push(argument);
        self.inside.fetches.push(Output { node: argument, index: 0 });
        let name = self.inside.graph.node(product).name.to_string();
        let shape = crate::fuse::constant(&mut self.inside, &format!("{name}/shape"), shape)?;
        let item = Node::new(self.inside.graph.fresh_name(&format!("{name}/item")), "TensorListGetItem")
            .with("element_dtype", AttrValue::Type(DType::Float));
        let item = self.inside.graph.add(item)?;
        self.inside.graph.connect(Output { node: argument, index: 0 }, item, 0);
        self.inside.graph.connect(index, item, 1);
        self.inside.graph.connect(shape, item, 2);
        self.inside.take_over(product, item);
        let argument = self::argument(&mut self.cond.graph, self.cond.argument_nodes.len())?;
        self.cond.argument_nodes.push(argument);
        let name = format!("{name}/list");
        self.cond.arguments.push(Argument { name, dtype: DType::Variant });
        Ok(())
    }

    fn find(&self, node: NodeId) -> Result<Option<Found>> {
        let graph = &self.inside.graph;
        let flag = |name: &str| matches!(graph.node(node).attrs.get(name), Some(AttrValue::Bool(true)));
        let is_float = matches!(graph.node(node).attrs.get("T"), Some(AttrValue::Type(DType::Float)));
        if &*graph.node(node).op != "MatMul"
            || !is_float
            || flag("transpose_a")
            || !graph.controls(node).is_empty()
        {
            return Ok(None);
        }
        let &[element, weights] = &graph.inputs(node)?[..] else { return Ok(None) };
        let Some(weights) = self.inside.constant(weights).filter(|weights| weights.rank() == 2) else {
            return Ok(None);
        };
        let read = element.node;
        if &*graph.node(read).op != "TensorListGetItem" || !graph.controls(read).is_empty() {
            return Ok(None);
        }
        let &[list, _, shape] = &graph.inputs(read)?[..] else { return Ok(None) };
        // Elements that are no matrices are refused by the loop; by a product of all they might not be.
        let is_matrix = self.inside.constant(shape).is_some_and(|shape| shape.shape().dims() == [2]);
        let number = self.inside.feeds.iter().position(|&feed| feed == list.node);
        let stays = |&i: &usize| self.inside.fetches.get(i) == Some(&list);
        let transposed = flag("transpose_b");
        let columns = weights.shape()[usize::from(!transposed)];
        let found = |list| Found { read, list, weights: weights.clone(), columns, transposed };
        Ok(number.filter(stays).filter(|_| is_matrix).map(found))
    }

    /// Adds condition and body to the library.
    fn define(&mut self, body: &Function, scope: &Scope<'_>) -> (FunctionRef, FunctionRef) {
        let added = self.cond.arguments[body.arguments.len()..].iter().cloned();
        let arguments: Vec<Argument> = body.arguments.iter().cloned().chain(added.clone()).collect();
        let results = body.results.iter().cloned().chain(added).collect();
        let inside = std::mem::replace(&mut self.inside, Program::empty());
        let body = Function {
            name: body.name.clone(),
            arguments,
            results,
            graph: inside.graph,
            argument_nodes: inside.feeds,
            result_outputs: inside.fetches,
            control_results: inside.targets,
            attrs: body.attrs.clone(),
        };
        (scope.library.define(self.cond.clone()), scope.library.define(body))
    }
}

fn argument(graph: &mut Graph, index: usize) -> Result<NodeId> {
    let node = Node::new(graph.fresh_name(&format!("argument_{index}")), "_Arg")
        .with("index", AttrValue::Int(index as i64))
        .with("T", AttrValue::Type(DType::Variant));
    graph.add(node)
}

/// Puts a loop over other functions and with more variables in the place of a loop.
fn replace(
    program: &mut Program,
    node: NodeId,
    before: Vec<Output>,
    [cond, body]: [FunctionRef; 2],
) -> Result<()> {
    let old = program.graph.node(node).clone();
    let name = program.graph.fresh_name(&format!("{}/ahead", old.name));
    let mut dtypes = match old.attrs.get("T") {
        Some(AttrValue::List(dtypes)) => dtypes.clone(),
        _ => return Ok(()),
    };
    let count = dtypes.len();
    dtypes.resize(before.len(), AttrValue::Type(DType::Variant));
    let new = Node { name: name.into(), ..old }
        .with("T", AttrValue::List(dtypes))
        .with("output_shapes", AttrValue::List(Vec::new()))
        .with("cond", AttrValue::Function(cond))
        .with("body", AttrValue::Function(body));
    let new = program.graph.add(new)?;
    before.iter().enumerate().for_each(|(i, &input)| program.graph.connect(input, new, i));
    for control in program.graph.controls(node) {
        program.graph.connect_control(control, new);
    }
    for index in 1..count {
        program.replace(Output { node, index }, Output { node: new, index });
    }
    program.take_over(node, new);
    program.graph.remove(node);
    Ok(())
}
