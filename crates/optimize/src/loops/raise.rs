//! Loops of V1 become calls of functions for condition and body, which are optimised like any other.

use rustc_hash::{FxHashMap, FxHashSet};
use savedmodel_graph::{Argument, AttrValue, Function, FunctionRef, Graph, Node, NodeId, Output};
use savedmodel_op::Effect;
use savedmodel_tensor::{DType, Result};

use crate::{Program, Scope};

/// The attribute of a `While` that was a loop of V1: what goes on or ends it is a `Switch`, which wants a scalar.
pub const SWITCHES: &str = "_switches";

/// Puts a `While` in the place of every loop of V1 whose nodes are those that TensorFlow makes, innermost loops first.
pub(crate) fn frames(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    loop {
        let conds: Vec<NodeId> =
            program.graph.nodes().filter(|&node| is(program, node, "LoopCond")).collect();
        let mut raised = false;
        for cond in conds {
            if let Some(found) = Loop::find(program, cond, scope)? {
                found.raise(program, scope)?;
                program.prune();
                raised = true;
                break;
            }
        }
        if !raised {
            return Ok(());
        }
    }
}

fn is(program: &Program, node: NodeId, op: &str) -> bool {
    &*program.graph.node(node).op == op
}

/// A loop variable.
struct Variable {
    enter: NodeId,
    merge: NodeId,
    next: NodeId,
    /// Where its value comes into the body, and where it leaves the loop.
    switch: Option<NodeId>,
    exit: Option<NodeId>,
}

struct Loop {
    cond: NodeId,
    variables: Vec<Variable>,
    /// Enter nodes of values that stay the same.
    constants: Vec<NodeId>,
    inside: FxHashSet<NodeId>,
}

impl Loop {
    /// The loop that ends when `cond` says so, if it is one that can be raised.
    fn find(program: &Program, cond: NodeId, scope: &Scope<'_>) -> Result<Option<Loop>> {
        let Some(frame) = frame_of(program, cond) else { return Ok(None) };
        let of_frame =
            |&node: &NodeId| is(program, node, "Enter") && frame_name(program, node) == Some(&frame);
        let enters: Vec<NodeId> = program.graph.nodes().filter(of_frame).collect();
        let Some(inside) = inside(program, &enters, cond) else { return Ok(None) };
        let (mut variables, mut constants) = (Vec::new(), Vec::new());
        for enter in enters {
            let consumers = program.graph.consumers(enter);
            match consumers[..] {
                [(_, merge, _)] if is(program, merge, "Merge") => {
                    match variable(program, enter, merge, cond)? {
                        Some(variable) => variables.push(variable),
                        None => return Ok(None),
                    }
                }
                _ if consumers.iter().any(|&(_, node, _)| is(program, node, "Merge")) => return Ok(None),
                _ => constants.push(enter),
            }
        }
        let found = Loop { cond, variables, constants, inside };
        Ok(found.is_plain(program, scope)?.then_some(found))
    }

    /// Whether nothing crosses the border but what the variables bring in and out.
    fn is_plain(&self, program: &Program, scope: &Scope<'_>) -> Result<bool> {
        let switches: FxHashSet<NodeId> = self.variables.iter().filter_map(|v| v.switch).collect();
        let exits: FxHashSet<NodeId> = self.variables.iter().filter_map(|v| v.exit).collect();
        let body = self.needed(program, &self.body_ends(program)?, true);
        for &node in &self.inside {
            let op = &*program.graph.node(node).op;
            let is_border = self.is_border(node) || switches.contains(&node) || exits.contains(&node);
            let is_flow = matches!(op, "Exit" | "LoopCond" | "NextIteration" | "Enter" | "Merge")
                || op.starts_with("Ref");
            if is_flow && !is_border && node != self.cond {
                return Ok(false);
            }
            // What acts must do so as often as the body runs.
            let effect = scope.registry.find(op).map(|op| op.effect);
            let acts = !is_border && node != self.cond && effect != Some(Effect::Pure);
            if acts && !body.contains(&node) || self.is_kept(program, node) && !exits.contains(&node) {
                return Ok(false);
            }
            let escapes = |next: &NodeId| !self.inside.contains(next);
            if !exits.contains(&node) && program.graph.successors(node).any(|next| escapes(&next)) {
                return Ok(false);
            }
            let outside = |source: &NodeId| !self.inside.contains(source) && !is(program, *source, "Const");
            let is_enter = op == "Enter";
            if !is_enter && program.graph.predecessors(node).any(|source| outside(&source)) {
                return Ok(false);
            }
        }
        let only_switches =
            |&(_, node, input): &(usize, NodeId, usize)| switches.contains(&node) && input == 1;
        Ok(program.graph.consumers(self.cond).iter().all(only_switches)
            && program.graph.controlled(self.cond).is_empty()
            && !self
                .needed(program, &self.cond_ends(program)?, false)
                .iter()
                .any(|node| switches.contains(node)))
    }

    fn is_kept(&self, program: &Program, node: NodeId) -> bool {
        program.targets.contains(&node) || program.fetches.iter().any(|fetch| fetch.node == node)
    }

    fn is_border(&self, node: NodeId) -> bool {
        self.constants.contains(&node)
            || self.variables.iter().any(|v| {
                [v.enter, v.merge, v.next].contains(&node) || v.switch == Some(node) || v.exit == Some(node)
            })
    }

    fn body_ends(&self, program: &Program) -> Result<Vec<Output>> {
        let mut ends = Vec::new();
        for variable in &self.variables {
            ends.extend(program.graph.inputs(variable.next)?.first());
        }
        Ok(ends)
    }

    fn cond_ends(&self, program: &Program) -> Result<Vec<Output>> {
        Ok(program.graph.inputs(self.cond)?.first().copied().into_iter().collect())
    }

    /// The nodes inside that these outputs need; `with_acts` also those that act, and what they need.
    fn needed(&self, program: &Program, ends: &[Output], with_acts: bool) -> FxHashSet<NodeId> {
        let mut stack: Vec<NodeId> = ends.iter().map(|end| end.node).collect();
        if with_acts {
            let after_switch = |node: &NodeId| !self.is_border(*node) && self.follows_switch(program, *node);
            stack.extend(self.inside.iter().copied().filter(after_switch));
        }
        let mut seen = FxHashSet::default();
        while let Some(node) = stack.pop() {
            if (self.inside.contains(&node) || is(program, node, "Const"))
                && seen.insert(node)
                && !self.is_border(node)
            {
                stack.extend(program.graph.predecessors(node));
            }
        }
        seen
    }

    /// Whether a node runs only when the body does.
    fn follows_switch(&self, program: &Program, node: NodeId) -> bool {
        let mut stack = vec![node];
        let mut seen = FxHashSet::default();
        while let Some(node) = stack.pop() {
            if self.variables.iter().any(|variable| variable.switch == Some(node)) {
                return true;
            }
            if !self.is_border(node) && self.inside.contains(&node) && seen.insert(node) {
                stack.extend(program.graph.predecessors(node));
            }
        }
        false
    }

    fn raise(self, program: &mut Program, scope: &Scope<'_>) -> Result<()> {
        let body_ends = self.body_ends(program)?;
        let body = self.needed(program, &body_ends, true);
        let body = self.function(program, &body, &body_ends)?;
        let cond_ends = self.cond_ends(program)?;
        let cond = self.needed(program, &cond_ends, false);
        let cond = self.function(program, &cond, &cond_ends)?;
        let (cond, body) = (scope.library.define(cond), scope.library.define(body));
        let node = self.node(program, cond, body)?;
        for (i, variable) in self.variables.iter().enumerate() {
            let Some(exit) = variable.exit else { continue };
            program.replace(Output { node: exit, index: 0 }, Output { node, index: i });
            for waiting in program.graph.controlled(exit) {
                program.graph.disconnect_control(exit, waiting);
                program.graph.connect_control(node, waiting);
            }
            if program.targets.contains(&exit) {
                program.targets.push(node);
            }
        }
        program.targets.retain(|target| !self.inside.contains(target));
        program.targets.dedup();
        // Nothing outside takes anything from them any more, but each other they take.
        self.inside.iter().for_each(|&node| program.graph.remove(node));
        Ok(())
    }

    fn node(&self, program: &mut Program, cond: FunctionRef, body: FunctionRef) -> Result<NodeId> {
        let enters: Vec<NodeId> = self.enters().collect();
        let dtypes = enters.iter().map(|&enter| AttrValue::Type(dtype(program, enter))).collect();
        let name = program.graph.fresh_name(&format!("{}/loop", program.graph.node(self.cond).name));
        let node = Node::new(name, "While")
            .with("T", AttrValue::List(dtypes))
            .with("cond", AttrValue::Function(cond))
            .with("body", AttrValue::Function(body))
            .with(SWITCHES, AttrValue::Bool(true));
        let node = program.graph.add(node)?;
        for (i, &enter) in enters.iter().enumerate() {
            if let Some(&source) = program.graph.inputs(enter)?.first() {
                program.graph.connect(source, node, i);
            }
            for control in program.graph.controls(enter) {
                program.graph.connect_control(control, node);
            }
        }
        Ok(node)
    }

    /// The Enter nodes, in the order of the arguments.
    fn enters(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.variables.iter().map(|variable| variable.enter).chain(self.constants.iter().copied())
    }

    /// The function that gives `ends` (and, if there is one for each variable, the constants) from variables and constants.
    fn function(&self, program: &Program, nodes: &FxHashSet<NodeId>, ends: &[Output]) -> Result<Function> {
        let name = program.graph.node(self.cond).name.clone();
        let mut graph = Graph::new();
        let (mut arguments, mut argument_nodes) = (Vec::new(), Vec::new());
        let mut made: FxHashMap<Output, Output> = FxHashMap::default();
        for (i, enter) in self.enters().enumerate() {
            let dtype = dtype(program, enter);
            let node = Node::new(format!("argument_{i}"), "_Arg")
                .with("index", AttrValue::Int(i as i64))
                .with("T", AttrValue::Type(dtype));
            let node = graph.add(node)?;
            let argument = Output { node, index: 0 };
            arguments.push(Argument { name: format!("argument_{i}"), dtype });
            argument_nodes.push(node);
            made.insert(Output { node: enter, index: 0 }, argument);
            if let Some(variable) = self.variables.get(i) {
                made.insert(Output { node: variable.merge, index: 0 }, argument);
                variable.switch.map(|node| made.insert(Output { node, index: 1 }, argument));
            }
        }
        let copied = self.copy(program, nodes, &mut graph, &made)?;
        let place = |output: &Output| {
            made.get(output)
                .copied()
                .unwrap_or_else(|| Output { node: copied[&output.node], index: output.index })
        };
        let mut result_outputs: Vec<Output> = ends.iter().map(place).collect();
        let results =
            match result_outputs.len() == self.variables.len() && nodes_are_body(ends, self, program) {
                true => {
                    result_outputs
                        .extend(argument_nodes[ends.len()..].iter().map(|&node| Output { node, index: 0 }));
                    arguments.clone()
                }
                false => vec![Argument { name: "go_on".to_owned(), dtype: DType::Bool }],
            };
        let control_results = Vec::new();
        let attrs = Default::default();
        Ok(Function {
            name,
            arguments,
            results,
            graph,
            argument_nodes,
            result_outputs,
            control_results,
            attrs,
        })
    }

    fn copy(
        &self,
        program: &Program,
        nodes: &FxHashSet<NodeId>,
        graph: &mut Graph,
        made: &FxHashMap<Output, Output>,
    ) -> Result<FxHashMap<NodeId, NodeId>> {
        let mut own: Vec<NodeId> = nodes.iter().copied().filter(|&node| !self.is_border(node)).collect();
        own.sort_unstable();
        let mut copied: FxHashMap<NodeId, NodeId> = FxHashMap::default();
        for &node in &own {
            let name = graph.fresh_name(&program.graph.node(node).name);
            copied.insert(node, graph.add(Node { name: name.into(), ..program.graph.node(node).clone() })?);
        }
        for &node in &own {
            for (i, input) in program.graph.inputs(node)?.into_iter().enumerate() {
                let from = made.get(&input).copied();
                let from = from.unwrap_or_else(|| Output { node: copied[&input.node], index: input.index });
                graph.connect(from, copied[&node], i);
            }
            for control in program.graph.controls(node).iter().filter_map(|control| copied.get(control)) {
                graph.connect_control(*control, copied[&node]);
            }
        }
        Ok(copied)
    }
}

/// Whether these are the outputs that the next turn takes.
fn nodes_are_body(ends: &[Output], found: &Loop, program: &Program) -> bool {
    found.body_ends(program).is_ok_and(|body| body == ends)
}

fn variable(program: &Program, enter: NodeId, merge: NodeId, cond: NodeId) -> Result<Option<Variable>> {
    let inputs = program.graph.inputs(merge)?;
    let next = match inputs[..] {
        [a, b] if a.node == enter => b.node,
        [a, b] if b.node == enter => a.node,
        _ => return Ok(None),
    };
    let consumers = program.graph.consumers(merge);
    if !is(program, next, "NextIteration")
        || !program.graph.controls(next).is_empty()
        || !program.graph.controls(merge).is_empty()
        || consumers.iter().any(|&(output, ..)| output != 0)
        || program.graph.consumers(next).len() != 1
    {
        return Ok(None);
    }
    let switches: Vec<NodeId> = consumers
        .iter()
        .filter(|&&(_, node, input)| input == 0 && is(program, node, "Switch"))
        .map(|&(_, node, _)| node)
        .filter(|&node| program.graph.inputs(node).is_ok_and(|inputs| inputs[1].node == cond))
        .collect();
    let switch = match switches[..] {
        [] => return Ok(Some(Variable { enter, merge, next, switch: None, exit: None })),
        [switch] => switch,
        _ => return Ok(None),
    };
    let ended = program.graph.consumers(switch).into_iter().filter(|&(output, ..)| output == 0);
    let exits: Vec<NodeId> = ended.map(|(_, node, _)| node).collect();
    let exit = match exits[..] {
        [] => None,
        [exit] if is(program, exit, "Exit") => Some(exit),
        _ => return Ok(None),
    };
    Ok(Some(Variable { enter, merge, next, switch: Some(switch), exit }))
}

/// The name of the frame in which a loop's condition is asked.
fn frame_of(program: &Program, cond: NodeId) -> Option<savedmodel_tensor::Bytes> {
    let switch = program.graph.consumers(cond).iter().find(|&&(_, node, _)| is(program, node, "Switch"))?.1;
    let merge = program.graph.inputs(switch).ok()?.first()?.node;
    let inputs = program.graph.inputs(merge).ok()?;
    let enter = inputs.iter().find(|input| is(program, input.node, "Enter"))?.node;
    frame_name(program, enter).cloned()
}

fn frame_name(program: &Program, enter: NodeId) -> Option<&savedmodel_tensor::Bytes> {
    match program.graph.node(enter).attrs.get("frame_name") {
        Some(AttrValue::Bytes(name)) => Some(name),
        _ => None,
    }
}

/// All that comes after these Enter nodes, up to what leaves the loop; `None` if another loop is inside.
fn inside(program: &Program, enters: &[NodeId], cond: NodeId) -> Option<FxHashSet<NodeId>> {
    let mut inside: FxHashSet<NodeId> = FxHashSet::default();
    let mut stack = enters.to_vec();
    while let Some(node) = stack.pop() {
        if !inside.insert(node) {
            continue;
        }
        if is(program, node, "LoopCond") && node != cond {
            return None;
        }
        if !is(program, node, "Exit") {
            stack.extend(program.graph.successors(node));
        }
    }
    Some(inside)
}

fn dtype(program: &Program, enter: NodeId) -> DType {
    match program.graph.node(enter).attrs.get("T") {
        Some(AttrValue::Type(dtype)) => *dtype,
        _ => DType::Float,
    }
}
