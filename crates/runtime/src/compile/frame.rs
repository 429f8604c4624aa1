//! A V1 loop to one step.

use savedmodel_graph::{AttrValue, NodeId, Output};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use super::region::{Made, Region};
use crate::frames::{self, FrameId};
use crate::lifetimes::{Draft, Operand};
use crate::plan::{Action, Frame, Place};

/// What of a loop lies at its border.
struct Border {
    /// The Merge nodes at which loop variables enter each iteration, with their Enter and NextIteration.
    heads: Vec<Head>,
    /// The Enter nodes whose value stays the same in all iterations.
    constants: Vec<NodeId>,
    exits: Vec<NodeId>,
}

struct Head {
    merge: NodeId,
    enter: NodeId,
    next: NodeId,
}

impl Region<'_, '_> {
    /// Drafts the step that runs a whole loop.
    pub(super) fn frame(&mut self, frame: FrameId) -> Result<()> {
        let border = self.border(frame)?;
        let mut body = Region::new(self.compiler, frame);
        let mut inputs = Vec::new();
        for head in &border.heads {
            let made = self.entered(head.enter)?;
            body.feed(Output { node: head.merge, index: 0 }, &made);
            inputs.push(made);
        }
        let mut value_indices = Vec::new();
        for (i, head) in border.heads.iter().enumerate() {
            let asked = self.compiler.graph.consumers(head.merge).iter().any(|&(output, ..)| output == 1);
            if asked {
                let index = Made {
                    operand: Operand::Constant(0),
                    dtype: Some(DType::Int32),
                    shape: PartialShape::of_rank(0),
                    is_ref: false,
                    may_die: false,
                };
                body.feed(Output { node: head.merge, index: 1 }, &index);
                value_indices.push(i);
            }
        }
        for &enter in &border.constants {
            let made = self.entered(enter)?;
            body.feed(Output { node: enter, index: 0 }, &made);
            inputs.push(made);
        }
        body.build()?;
        let ends = border.heads.iter().map(|head| head.next).chain(border.exits.iter().copied());
        let fetches =
            ends.map(|node| body.border_input(node).map(|made| made.operand)).collect::<Result<Vec<_>>>()?;
        let action = Action::Frame(Box::new(Frame {
            name: self.compiler.frames.infos[frame].name.to_string(),
            variables: border.heads.len(),
            value_indices,
            exits: border.exits.len(),
            body: body.finish(&fetches, Vec::new()),
        }));
        self.frame_step(frame, action, &inputs, &border)
    }

    fn frame_step(&mut self, frame: FrameId, action: Action, inputs: &[Made], border: &Border) -> Result<()> {
        let enters = &self.compiler.frames.infos[frame].enters;
        let mut guards: Vec<_> = enters.iter().flat_map(|&enter| self.guards(enter)).collect();
        guards.sort_unstable();
        guards.dedup();
        let mut outputs = Vec::with_capacity(border.exits.len());
        for &exit in &border.exits {
            let value = self.new_value();
            let dtype = match self.attr_of(exit, "T") {
                Some(AttrValue::Type(dtype)) => Some(*dtype),
                _ => None,
            };
            let is_ref = &*self.compiler.graph.node(exit).op == "RefExit";
            let shape = PartialShape::unknown();
            let made = Made { operand: Operand::Value(value), dtype, shape, is_ref, may_die: true };
            self.put(Output { node: exit, index: 0 }, made);
            self.set_token(exit, value);
            outputs.push(value);
        }
        let may_die = !guards.is_empty() || inputs.iter().any(|made| made.may_die);
        let name = &self.compiler.frames.infos[frame].name;
        let dtypes: Vec<DType> = inputs.iter().filter_map(|made| made.dtype).collect();
        let place = Place { node: name.clone(), op: "Enter".into(), inputs: dtypes.into() };
        let inputs = inputs.iter().map(|made| made.operand).collect();
        self.push(Draft { action, inputs, outputs, may_die, guards, token: None, place });
        Ok(())
    }

    fn border(&self, frame: FrameId) -> Result<Border> {
        let (compiler, graph) = (self.compiler, self.compiler.graph);
        let info = &compiler.frames.infos[frame];
        let mut heads = Vec::new();
        for &node in compiler.nodes.iter().filter(|&&node| compiler.frames.of(node) == frame) {
            if compiler.is_loop_head(node) {
                heads.push(self.head(node)?);
            }
        }
        let mut constants = Vec::new();
        for &enter in &info.enters {
            let used = |node: &NodeId| compiler.nodes.binary_search(node).is_ok();
            let direct = graph.consumers(enter).iter().any(|(_, consumer, _)| {
                used(consumer) && !heads.iter().any(|head: &Head| head.merge == *consumer)
            });
            let is_constant =
                matches!(graph.node(enter).attrs.get("is_constant"), Some(AttrValue::Bool(true)));
            // Where nothing goes round there is one iteration alone, in which each Enter has its value.
            if direct && !is_constant && !heads.is_empty() {
                return Err(Error::unimplemented(format!(
                    "Enter node '{}' is neither a loop variable nor constant",
                    graph.node(enter).name
                )));
            }
            if direct || is_constant {
                constants.push(enter);
            }
        }
        Ok(Border { heads, constants, exits: info.exits.clone() })
    }

    fn head(&self, merge: NodeId) -> Result<Head> {
        let graph = self.compiler.graph;
        let sources: Vec<NodeId> = graph.inputs(merge)?.iter().map(|output| output.node).collect();
        match sources[..] {
            [enter, next] if frames::is_enter(graph, enter) && frames::is_next_iteration(graph, next) => {
                Ok(Head { merge, enter, next })
            }
            [next, enter] if frames::is_enter(graph, enter) && frames::is_next_iteration(graph, next) => {
                Ok(Head { merge, enter, next })
            }
            _ => Err(Error::unimplemented(format!(
                "Merge node '{}' of a loop does not join one Enter and one NextIteration",
                graph.node(merge).name
            ))),
        }
    }

    /// What an Enter node brings into the loop, as the frame outside sees it.
    fn entered(&mut self, enter: NodeId) -> Result<Made> {
        let mut made = self.border_input(enter)?;
        made.shape = PartialShape::unknown();
        Ok(made)
    }

    /// The input of an Enter, Exit or NextIteration node, loaded if the node does not take references.
    fn border_input(&mut self, node: NodeId) -> Result<Made> {
        let source = self.compiler.graph.inputs(node)?.first().copied();
        let source = source.ok_or_else(|| Error::invalid_argument("there is no input"));
        let source = source.map_err(|e| self.compiler.at(node, e))?;
        let keeps_ref = self.compiler.graph.node(node).op.starts_with("Ref");
        let made = if keeps_ref { self.resolve(source) } else { self.value(source) };
        made.map_err(|e| self.compiler.at(node, e))
    }

    /// A value that each iteration is given.
    fn feed(&mut self, output: Output, like: &Made) {
        let value = self.new_value();
        self.feeds.push(value);
        self.put(output, Made { operand: Operand::Value(value), may_die: false, ..like.clone() });
    }
}
