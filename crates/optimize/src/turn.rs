//! The body of a loop and its condition as one program.

use rustc_hash::FxHashMap;
use savedmodel_graph::{Function, Node, NodeId, Output};
use savedmodel_op::{Effect, Registry};
use savedmodel_tensor::Result;

use crate::Program;

impl Program {
    /// Whether the condition can follow the body in one program: it takes what the body gives and changes nothing.
    pub fn can_join(body: &Function, condition: &Function, registry: &Registry) -> bool {
        let dtypes = |arguments: &[savedmodel_graph::Argument]| -> Vec<_> {
            arguments.iter().map(|argument| argument.dtype).collect()
        };
        let results = dtypes(&body.results);
        let effect =
            |function: &Function, node| registry.find(&function.graph.node(node).op).map(|op| op.effect);
        let changes = |node| effect(condition, node).is_none_or(Effect::is_observable);
        let may_die = |function: &Function| {
            let graph = &function.graph;
            graph
                .nodes()
                .any(|node| matches!(&*graph.node(node).op, "Switch" | "RefSwitch" | "Enter" | "RefEnter"))
        };
        results == dtypes(&body.arguments)
            && results == dtypes(&condition.arguments)
            && condition.result_outputs.len() == 1
            && !condition.graph.nodes().any(changes)
            && !may_die(body)
            && !may_die(condition)
    }

    /// One turn of a loop: this program, its body, then the condition on what it gave.
    ///
    /// The first fetch tells whether to go on; the others are those of the body.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the condition is malformed.
    pub fn joined(mut self, condition: &Function, registry: &Registry) -> Result<Program> {
        let graph = &condition.graph;
        let mut copies: FxHashMap<NodeId, NodeId> = FxHashMap::default();
        for id in graph.nodes().filter(|id| !condition.argument_nodes.contains(id)) {
            let node = graph.node(id);
            let name = self.graph.fresh_name(&format!("{}/{}", condition.name, node.name));
            copies.insert(id, self.graph.add(Node { name: name.into(), ..node.clone() })?);
        }
        let results = self.fetches.clone();
        let place =
            |output: Output| match condition.argument_nodes.iter().position(|&node| node == output.node) {
                Some(argument) => results[argument],
                None => Output { node: copies[&output.node], index: output.index },
            };
        for (&id, &copy) in &copies {
            for (number, &input) in graph.inputs(id)?.iter().enumerate() {
                self.graph.connect(place(input), copy, number);
            }
            for control in graph.controls(id).iter().filter_map(|control| copies.get(control)) {
                self.graph.connect_control(*control, copy);
            }
            // What looks at state looks at what the body left.
            let is_pure = registry.find(&graph.node(id).op).is_some_and(|op| op.effect == Effect::Pure);
            if !is_pure {
                self.targets.iter().for_each(|&target| self.graph.connect_control(target, copy));
            }
        }
        let go_on = place(condition.result_outputs[0]);
        self.fetches.insert(0, go_on);
        Ok(self)
    }
}
