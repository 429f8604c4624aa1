//! The plan of one frame in the making.

use rustc_hash::FxHashMap;
use savedmodel_graph::{AttrValue, NodeId, Output};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use super::{Compiler, Item};
use crate::frames::FrameId;
use crate::lifetimes::{self, Draft, Operand, ValueId};
use crate::plan::{Action, FeedInfo, Place, Plan};

/// What is known of a value.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub operand: Operand,
    /// `None` where the model does not say (a fed output of an unknown operator).
    pub dtype: Option<DType>,
    pub shape: PartialShape,
    /// Whether it is a reference to a variable.
    pub is_ref: bool,
    pub may_die: bool,
}

impl Made {
    pub fn fed(value: ValueId, feed: &FeedInfo) -> Made {
        let (dtype, shape) = (feed.dtype, feed.shape.clone());
        Made { operand: Operand::Value(value), dtype, shape, is_ref: false, may_die: false }
    }
}

pub(super) struct Region<'c, 'a> {
    pub compiler: &'c Compiler<'a>,
    pub frame: FrameId,
    pub feeds: Vec<ValueId>,
    made: FxHashMap<Output, Made>,
    /// For nodes that may not run: the value that is dead when they don't.
    tokens: FxHashMap<NodeId, ValueId>,
    pub constants: Vec<Tensor>,
    drafts: Vec<Draft>,
    values: usize,
}

impl<'c, 'a> Region<'c, 'a> {
    pub fn new(compiler: &'c Compiler<'a>, frame: FrameId) -> Region<'c, 'a> {
        Region {
            compiler,
            frame,
            feeds: Vec::new(),
            made: FxHashMap::default(),
            tokens: FxHashMap::default(),
            constants: Vec::new(),
            drafts: Vec::new(),
            values: 0,
        }
    }

    pub fn new_value(&mut self) -> ValueId {
        self.values += 1;
        self.values - 1
    }

    pub fn new_constant(&mut self, tensor: Tensor) -> Operand {
        self.constants.push(tensor);
        Operand::Constant((self.constants.len() - 1) as u32)
    }

    /// The tensor that an operand always is, if it is a constant.
    pub fn constant(&self, operand: Operand) -> Option<&Tensor> {
        match operand {
            Operand::Constant(constant) => self.constants.get(constant as usize),
            Operand::Value(_) => None,
        }
    }

    /// Says what an output is, unless that is known: what is fed comes first.
    pub fn put(&mut self, output: Output, made: Made) {
        self.made.entry(output).or_insert(made);
    }

    pub fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Drafts all steps.
    pub fn build(&mut self) -> Result<()> {
        for item in self.compiler.items(self.frame)? {
            match item {
                Item::Node(node) => self.node(node).map_err(|e| self.compiler.at(node, e))?,
                Item::Loop(frame) => self.frame(frame)?,
            }
        }
        Ok(())
    }

    pub fn finish(self, fetches: &[Operand], feed_infos: Vec<FeedInfo>) -> Plan {
        let assigned = lifetimes::assign(self.drafts, self.values, &self.feeds, fetches);
        Plan {
            steps: assigned.steps,
            places: assigned.places,
            constants: self.constants,
            slots: assigned.slots,
            feeds: assigned.feeds,
            fetches: assigned.fetches,
            feed_infos,
        }
    }

    /// What an output is, as it was made.
    pub fn resolve(&mut self, output: Output) -> Result<Made> {
        if let Some(made) = self.made.get(&output) {
            return Ok(made.clone());
        }
        let node = self.compiler.graph.node(output.node);
        // A constant outside of a loop may be used inside without an Enter.
        if &*node.op == "Const" && output.index == 0 {
            self.node(output.node)?;
        }
        self.made.get(&output).cloned().ok_or_else(|| {
            Error::invalid_argument(format!(
                "there is no output {} of node '{}' ({}) here",
                output.index, node.name, node.op
            ))
        })
    }

    /// An output as a value: what a reference points to is loaded.
    pub fn value(&mut self, output: Output) -> Result<Made> {
        let made = self.resolve(output)?;
        if !made.is_ref {
            return Ok(made);
        }
        let loaded = self.new_value();
        let node = self.compiler.graph.node(output.node);
        let place =
            Place { node: node.name.clone(), op: node.op.clone(), inputs: made.dtype.into_iter().collect() };
        self.push(Draft {
            action: Action::Load,
            inputs: vec![made.operand],
            outputs: vec![loaded],
            may_die: made.may_die,
            guards: Vec::new(),
            token: None,
            place,
        });
        Ok(Made { operand: Operand::Value(loaded), is_ref: false, ..made })
    }

    /// An output that the caller gets; of a reference, what the variable holds when all is done.
    pub fn fetch(&mut self, output: Output) -> Result<Operand> {
        Ok(self.value(output)?.operand)
    }

    /// The values that are dead when a node must not run because of its control edges.
    pub fn guards(&self, node: NodeId) -> Vec<ValueId> {
        self.compiler
            .graph
            .controls(node)
            .iter()
            .filter_map(|source| self.tokens.get(source).copied())
            .collect()
    }

    /// A token for a node that may not run, if somebody waits for it.
    pub fn token(&mut self, node: NodeId, may_die: bool) -> Option<ValueId> {
        if !may_die || self.compiler.graph.controlled(node).is_empty() {
            return None;
        }
        let token = self.new_value();
        self.tokens.insert(node, token);
        Some(token)
    }

    /// Lets those who wait for `node` look at a value of it.
    pub fn set_token(&mut self, node: NodeId, value: ValueId) {
        self.tokens.insert(node, value);
    }

    /// A value of each output of a step, known to be of these dtypes and shapes.
    pub fn outputs(
        &mut self,
        node: NodeId,
        dtypes: &[DType],
        shapes: &[PartialShape],
        traits: (bool, &[bool]),
    ) -> Vec<ValueId> {
        let (may_die, refs) = traits;
        let mut outputs = Vec::with_capacity(dtypes.len());
        for (index, &dtype) in dtypes.iter().enumerate() {
            let value = self.new_value();
            let made = Made {
                operand: Operand::Value(value),
                dtype: Some(dtype),
                shape: shapes.get(index).cloned().unwrap_or_default(),
                is_ref: refs.get(index).copied().unwrap_or(false),
                may_die,
            };
            self.put(Output { node, index }, made);
            outputs.push(value);
        }
        outputs
    }

    pub fn attr_of(&self, node: NodeId, name: &str) -> Option<&'a AttrValue> {
        self.compiler.graph.node(node).attrs.get(name)
    }
}
