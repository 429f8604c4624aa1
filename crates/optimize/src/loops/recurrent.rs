//! Loops that do nothing but one recurrent cell for each element of a sequence become one operator.

use savedmodel_graph::{AttrValue, Function, Node, NodeId, Output};
use savedmodel_tensor::{DType, Result, Tensor};

use crate::{Program, Scope, cell, fold, inline, simplify};

/// A loop whose input products are taken before it.
pub(super) struct Rewritten<'a> {
    /// What it starts with.
    pub before: &'a [Output],
    pub body: &'a Program,
    pub cond: &'a Function,
}

/// Puts one operator in the place of the loop `node`, if its body is an LSTM or GRU cell, counters, and a list that is
/// written; tells whether it was.
pub(super) fn layer(
    program: &mut Program,
    node: NodeId,
    rewritten: &Rewritten<'_>,
    scope: &Scope<'_>,
) -> Result<bool> {
    let mut body = rewritten.body.clone();
    cell::recurrent(&mut body, scope)?;
    body.prune();
    let cells: Vec<NodeId> = body.graph.nodes().filter(|&node| gates(&body, node).is_some()).collect();
    let &[cell] = &cells[..] else { return Ok(false) };
    let Some(limits) = limits(rewritten.cond, scope)? else { return Ok(false) };
    let search = Search { program, before: rewritten.before, body: &body };
    let Some(found) = search.find(cell, limits)? else { return Ok(false) };
    put(program, node, rewritten.before, found)?;
    Ok(true)
}

/// How many gates a cell has; `None` if the node is none.
fn gates(body: &Program, cell: NodeId) -> Option<usize> {
    match &*body.graph.node(cell).op {
        "_FusedLstmCell" => Some(4),
        "_FusedGruCell" => Some(3),
        _ => None,
    }
}

/// What a condition compares: a loop variable and its limit, another loop variable or a constant.
struct Bound {
    counter: usize,
    limit: Limit,
}

#[derive(Clone)]
enum Limit {
    Variable(usize),
    Constant(Tensor),
}

/// The bounds that must all hold for the loop to go on, if the condition is made of such.
fn limits(cond: &Function, scope: &Scope<'_>) -> Result<Option<Vec<Bound>>> {
    let mut cond = Program::of(cond, &[], scope.registry)?;
    inline::calls(&mut cond, scope)?;
    fold::constants(&mut cond, scope)?;
    simplify::pass_through(&mut cond, scope)?;
    cond.prune();
    if !cond.targets.is_empty() || cond.has_dead_values() {
        return Ok(None);
    }
    let mut bounds = Vec::new();
    let mut waiting = cond.fetches.clone();
    while let Some(output) = waiting.pop() {
        let node = cond.graph.node(output.node);
        if !cond.graph.controls(output.node).is_empty() {
            return Ok(None);
        }
        let inputs = cond.graph.inputs(output.node)?;
        let variable = |output: Output| cond.feeds.iter().position(|&feed| feed == output.node);
        match (&*node.op, &inputs[..]) {
            ("LogicalAnd", _) => waiting.extend(inputs),
            ("Less", &[counter, limit]) => {
                let bound = match (variable(limit), cond.constant(limit)) {
                    (Some(limit), _) => Limit::Variable(limit),
                    (_, Some(limit)) => Limit::Constant(limit.clone()),
                    _ => return Ok(None),
                };
                let Some(counter) = variable(counter) else { return Ok(None) };
                bounds.push(Bound { counter, limit: bound });
            }
            _ => return Ok(None),
        }
    }
    Ok((!bounds.is_empty()).then_some(bounds))
}

/// What a loop variable is.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// It stays what it was.
    Same,
    /// An integer that goes up by one.
    Counter,
    /// The list that outputs are put into.
    Written,
    /// The output of the cell.
    Output,
    /// The other state of an LSTM.
    State,
}

struct Found {
    roles: Vec<Role>,
    /// The tensor whose rows the turns take.
    sequence: Output,
    /// The counter that says which.
    time: usize,
    /// Where in the list all outputs go, unless each goes to the place of its turn.
    at: Option<i64>,
    weights: Tensor,
    /// The biases beside the input's products and beside the output's.
    biases: [Option<Tensor>; 2],
    bounds: Vec<Bound>,
    order: AttrValue,
}

struct Search<'a> {
    program: &'a Program,
    before: &'a [Output],
    body: &'a Program,
}

impl Search<'_> {
    fn find(&self, cell: NodeId, bounds: Vec<Bound>) -> Result<Option<Found>> {
        let gates = gates(self.body, cell).unwrap_or_default();
        let Some(roles) = self.roles(cell, gates)? else { return Ok(None) };
        let inputs = self.body.graph.inputs(cell)?;
        let split = match self.body.graph.node(cell).attrs.get("X") {
            Some(&AttrValue::Int(x)) => 1 + x as usize,
            _ => inputs.len(),
        };
        let is_role = |output: Output, role: Role| self.variable(output).is_some_and(|i| roles[i] == role);
        let state = if gates == 4 { Role::State } else { Role::Output };
        if !is_role(inputs[0], state) || !self.cuts_columns(cell) {
            return Ok(None);
        }
        let (x, h) = inputs[1..].split_at(split - 1);
        let [mut sequence, mut product] = [None, None];
        let mut biases = [None, None];
        for (side, addends) in [x, h].into_iter().enumerate() {
            for &addend in addends {
                let constant = self.body.constant(addend);
                let taken = match (&*self.body.graph.node(addend.node).op, constant) {
                    (_, Some(bias)) => biases[side].replace(bias.clone()).is_none(),
                    ("TensorListGetItem", _) => sequence.replace((side, addend)).is_none(),
                    ("MatMul", _) => product.replace((side, addend)).is_none(),
                    _ => false,
                };
                if !taken {
                    return Ok(None);
                }
            }
        }
        let (Some((0, sequence)), Some((side, product))) = (sequence, product) else { return Ok(None) };
        if side != usize::from(gates == 3) {
            return Ok(None);
        }
        let Some(weights) = self.weights(product, gates, |output| is_role(output, Role::Output))? else {
            return Ok(None);
        };
        let columns = weights.shape()[1];
        let mut fitting = [None, None];
        for (fit, bias) in fitting.iter_mut().zip(biases) {
            let Some(bias) = bias else { continue };
            if bias.elements() != columns || bias.rank() > 2 || bias.shape().last() != Some(&columns) {
                return Ok(None);
            }
            *fit = Some(bias.reshape([columns])?);
        }
        let Some((sequence, time)) = self.sequence(sequence, columns, &roles)? else { return Ok(None) };
        let at = match roles.iter().position(|&role| role == Role::Written) {
            Some(list) => match self.place(list, time)? {
                Some(at) => at,
                None => return Ok(None),
            },
            None => None,
        };
        let counts = |bound: &Bound| {
            roles[bound.counter] == Role::Counter
                && match &bound.limit {
                    Limit::Variable(limit) => roles[*limit] == Role::Same,
                    Limit::Constant(limit) => limit.rank() == 0 && limit.dtype() == DType::Int32,
                }
        };
        let order = self.body.graph.node(cell).attrs.get("order").cloned();
        let (true, Some(order)) = (bounds.iter().all(counts), order) else { return Ok(None) };
        Ok(Some(Found { roles, sequence, time, at, weights, biases: fitting, bounds, order }))
    }

    /// What each variable is, if the body does nothing else.
    fn roles(&self, cell: NodeId, gates: usize) -> Result<Option<Vec<Role>>> {
        let body = self.body;
        if !body.targets.is_empty() || body.graph.nodes().any(|node| !body.graph.controls(node).is_empty()) {
            return Ok(None);
        }
        let output = Output { node: cell, index: usize::from(gates == 4) };
        let mut roles = Vec::with_capacity(body.fetches.len());
        for (i, &fetch) in body.fetches.iter().enumerate() {
            let inputs = body.graph.inputs(fetch.node)?;
            let own = |input: &Output| input.node == body.feeds[i];
            let role = match &*body.graph.node(fetch.node).op {
                _ if fetch.node == body.feeds[i] => Role::Same,
                // Only what stays the same is known.
                _ if &*body.graph.node(body.feeds[i]).op == "Const" => Role::Same,
                _ if fetch == output => Role::Output,
                _ if fetch.node == cell => Role::State,
                "AddV2" | "Add"
                    if inputs.iter().any(own) && inputs.iter().any(|&input| self.is_one(input)) =>
                {
                    Role::Counter
                }
                "TensorListSetItem" if own(&inputs[0]) && inputs[2] == output => Role::Written,
                _ => return Ok(None),
            };
            if role != Role::Same && role != Role::Counter && roles.contains(&role) {
                return Ok(None);
            }
            roles.push(role);
        }
        let has = |role: Role| roles.contains(&role);
        Ok((has(Role::Output) && has(Role::State) == (gates == 4)).then_some(roles))
    }

    fn variable(&self, output: Output) -> Option<usize> {
        self.body.feeds.iter().position(|&feed| feed == output.node)
    }

    fn is_one(&self, output: Output) -> bool {
        self.body.constant(output).is_some_and(|one| one.rank() == 0 && one.to_scalar::<i32>() == Ok(1))
    }

    /// Whether gates lie side by side in the rows of matrices.
    fn cuts_columns(&self, cell: NodeId) -> bool {
        let attrs = &self.body.graph.node(cell).attrs;
        ["axis", "x_axis", "h_axis"]
            .iter()
            .all(|name| matches!(attrs.get(*name), None | Some(AttrValue::Int(1)) | Some(AttrValue::Int(-1))))
    }

    /// The weights of the product of the output before, which must be square for each gate.
    fn weights(
        &self,
        product: Output,
        gates: usize,
        is_output: impl Fn(Output) -> bool,
    ) -> Result<Option<Tensor>> {
        let &[h, weights] = &self.body.graph.inputs(product.node)?[..] else { return Ok(None) };
        let node = self.body.graph.node(product.node);
        let plain = ["transpose_a", "transpose_b"]
            .iter()
            .all(|flag| !matches!(node.attrs.get(*flag), Some(AttrValue::Bool(true))));
        let weights = self.body.constant(weights).filter(|weights| {
            matches!(weights.shape().dims(), &[units, columns] if units > 0 && units.checked_mul(gates) == Some(columns))
        });
        Ok(weights.filter(|_| plain && is_output(h)).cloned())
    }

    /// The tensor whose rows an item of a list is, and the counter that says which.
    fn sequence(&self, item: Output, columns: usize, roles: &[Role]) -> Result<Option<(Output, usize)>> {
        let &[list, index, _] = &self.body.graph.inputs(item.node)?[..] else { return Ok(None) };
        let (Some(list), Some(time)) = (self.variable(list), self.variable(index)) else { return Ok(None) };
        let source = self.before[list].node;
        let graph = &self.program.graph;
        if roles[list] != Role::Same
            || roles[time] != Role::Counter
            || &*graph.node(source).op != "TensorListFromTensor"
            || !graph.controls(source).is_empty()
        {
            return Ok(None);
        }
        let product = graph.inputs(source)?[0];
        // Products that this pass makes are of as many columns as their constant weights.
        let of_columns = |product: Output| -> Result<bool> {
            let inputs = graph.inputs(product.node)?;
            let node = graph.node(product.node);
            let axis = usize::from(!matches!(node.attrs.get("adj_y"), Some(AttrValue::Bool(true))));
            let weights = inputs.get(1).and_then(|&weights| self.program.constant(weights));
            Ok(&*node.op == "BatchMatMulV2"
                && weights.is_some_and(|weights| weights.rank() == 2 && weights.shape()[axis] == columns))
        };
        Ok(of_columns(product)?.then_some((product, time)))
    }

    /// Where outputs go in the list that variable `list` is: to the place of the turn (`None`), or all to one.
    fn place(&self, list: usize, time: usize) -> Result<Option<Option<i64>>> {
        let set = self.body.fetches[list].node;
        let index = self.body.graph.inputs(set)?[1];
        let grows = self.body.graph.node(set).attrs.get("resize_if_index_out_of_bounds");
        if matches!(grows, Some(AttrValue::Bool(true))) {
            return Ok(None);
        }
        if self.variable(index) == Some(time) {
            return Ok(Some(None));
        }
        let constant = self.body.constant(index).and_then(|index| index.to_scalar::<i32>().ok());
        Ok(constant.filter(|&at| at >= 0).map(|at| Some(i64::from(at))))
    }
}

/// Puts the operator in the place of the loop.
fn put(program: &mut Program, node: NodeId, before: &[Output], found: Found) -> Result<()> {
    let Found { roles, sequence, time, at, weights, biases, bounds, order } = found;
    let at_role = |role: Role| roles.iter().position(|&other| other == role);
    let loop_name = program.graph.node(node).name.to_string();
    let weights = crate::fuse::constant(program, &format!("{loop_name}/weights"), weights)?;
    let count = |biases: &[Option<Tensor>]| AttrValue::Int(biases.iter().flatten().count() as i64);
    let lists = at_role(Role::Written);
    let state = at_role(Role::State);
    let mut inputs: Vec<Output> = lists.map(|list| before[list]).into_iter().collect();
    inputs.push(sequence);
    inputs.extend([Role::Output, Role::State].into_iter().filter_map(at_role).map(|i| before[i]));
    inputs.push(weights);
    let op = if state.is_some() { "_FusedLstmLoop" } else { "_FusedGruLoop" };
    let mut layer = Node::new(program.graph.fresh_name(&format!("{loop_name}/layer")), op)
        .with("L", AttrValue::Int(lists.iter().count() as i64))
        .with("N", AttrValue::Int(bounds.len() as i64))
        .with("T", AttrValue::Type(DType::Float))
        .with("order", order)
        .with("at", AttrValue::Int(at.unwrap_or(-1)));
    layer = match state {
        Some(_) => layer.with("B", count(&biases)),
        None => layer.with("X", count(&biases[..1])).with("H", count(&biases[1..])),
    };
    for bias in biases.into_iter().flatten() {
        inputs.push(crate::fuse::constant(program, &format!("{loop_name}/bias"), bias)?);
    }
    inputs.push(before[time]);
    inputs.extend(bounds.iter().map(|bound| before[bound.counter]));
    for bound in bounds {
        inputs.push(match bound.limit {
            Limit::Variable(limit) => before[limit],
            Limit::Constant(limit) => crate::fuse::constant(program, &format!("{loop_name}/limit"), limit)?,
        });
    }
    let layer = program.graph.add(layer)?;
    inputs.iter().enumerate().for_each(|(i, &input)| program.graph.connect(input, layer, i));
    for control in program.graph.controls(node) {
        program.graph.connect_control(control, layer);
    }
    let base = usize::from(lists.is_some());
    let turns = Output { node: layer, index: base + 1 + usize::from(state.is_some()) };
    for (index, role) in roles.iter().enumerate() {
        let new = match role {
            Role::Same => before[index],
            Role::Written => Output { node: layer, index: 0 },
            Role::Output => Output { node: layer, index: base },
            Role::State => Output { node: layer, index: base + 1 },
            Role::Counter => {
                let name = program.graph.fresh_name(&format!("{loop_name}/counted"));
                let sum = Node::new(name, "AddV2").with("T", AttrValue::Type(DType::Int32));
                let sum = program.graph.add(sum)?;
                program.graph.connect(before[index], sum, 0);
                program.graph.connect(turns, sum, 1);
                Output { node: sum, index: 0 }
            }
        };
        program.replace(Output { node, index }, new);
    }
    program.take_over(node, layer);
    program.graph.remove(node);
    Ok(())
}
