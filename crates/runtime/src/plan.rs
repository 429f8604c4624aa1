//! What a compiled graph is: steps over numbered slots.

use std::fmt;
use std::sync::Arc;

use savedmodel_op::{InputRef, Kernel, Source};
use savedmodel_tensor::{DType, PartialShape, Tensor};

use crate::environment::LazyFunction;

/// A part of a graph, ready to run: immutable, without names in its hot part, shared between threads.
pub struct Plan {
    /// What is done, in order.
    pub(crate) steps: Vec<Step>,
    /// Who the steps are, for error messages; as long as `steps`.
    pub(crate) places: Vec<Place>,
    /// Tensors that never change.
    pub(crate) constants: Vec<Tensor>,
    /// Number of slots of a run.
    pub(crate) slots: usize,
    /// For each feed, the slot that it goes to; `None` if nothing needs it.
    pub(crate) feeds: Vec<Option<u32>>,
    /// For each fetch, where it lies in the end.
    pub(crate) fetches: Vec<InputRef>,
    /// What each feed must be.
    pub(crate) feed_infos: Vec<FeedInfo>,
}

/// What a feed must be, and what errors call it.
#[derive(Clone, Debug)]
pub(crate) struct FeedInfo {
    pub name: String,
    /// `None` where the model does not say.
    pub dtype: Option<DType>,
    pub shape: PartialShape,
}

/// One step of a plan.
pub(crate) struct Step {
    pub action: Action,
    pub inputs: Box<[InputRef]>,
    pub outputs: Box<[u32]>,
    /// Whether an input may be dead, so that the step must look before it runs.
    pub may_die: bool,
    /// Slots that are dead when the step must not run because of a control edge.
    pub guards: Box<[u32]>,
    /// The slot that tells those who wait for this step whether it ran.
    pub token: Option<u32>,
    /// Slots that nothing reads any more after this step.
    pub clears: Box<[u32]>,
}

/// What a step does: the closed set of control flow, and kernels.
pub enum Action {
    /// Runs a kernel.
    Op(Box<dyn Kernel>),
    /// Reads the variable that a reference points to.
    Load,
    /// Runs a function.
    Call(Arc<LazyFunction>),
    /// Runs one of two functions (then, else) by the first input.
    If([Arc<LazyFunction>; 2]),
    /// Runs one of several functions by the first input.
    Case(Vec<Arc<LazyFunction>>),
    /// Runs a function as long as another gives true.
    While(Box<While>),
    /// Runs a V1 loop.
    Frame(Box<Frame>),
    /// Passes the first input to one of two outputs by the second.
    Switch,
    /// Passes on the one input that is alive, and its number.
    Merge,
}

/// A loop over functions.
pub struct While {
    pub(crate) condition: Arc<LazyFunction>,
    pub(crate) body: Arc<LazyFunction>,
    /// Whether the body ends with the condition for the next turn, as its first result.
    pub(crate) is_joined: bool,
    /// Whether what the condition gives must be a scalar, as `Switch` wants it.
    pub(crate) wants_scalar: bool,
}

/// A V1 loop whose back edges are cut: one plan for all iterations.
///
/// The feeds of the plan are the loop variables (the outputs of the loop's Merge nodes, then, for those whose number
/// is asked for, their `value_index`), then the loop's constants. The fetches are the next values of the loop variables,
/// then the exits.
pub struct Frame {
    pub(crate) name: String,
    pub(crate) body: Plan,
    /// Number of loop variables; as many of the step's first inputs are their first values.
    pub(crate) variables: usize,
    /// Which of the loop variables' `value_index` are fed, after the variables.
    pub(crate) value_indices: Vec<usize>,
    /// Number of exits, the step's outputs.
    pub(crate) exits: usize,
}

/// Who a step is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub node: Arc<str>,
    pub op: Arc<str>,
    pub inputs: Box<[DType]>,
}

impl Plan {
    /// Number of steps, those of nested plans not counted.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Node and operator of each step, in order.
    pub fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        self.places.iter().map(|place| (&*place.node, &*place.op))
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} slots, {} constants", self.slots, self.constants.len())?;
        for (step, place) in self.steps.iter().zip(&self.places) {
            let inputs: Vec<String> = step.inputs.iter().map(show).collect();
            writeln!(f, "{:?} <- {} {:?} ({})", step.outputs, place.op, inputs, place.node)?;
        }
        Ok(())
    }
}

fn show(input: &InputRef) -> String {
    let last = if input.last_use { "!" } else { "" };
    match input.source {
        Source::Slot(slot) => format!("{slot}{last}"),
        Source::Constant(constant) => format!("c{constant}"),
    }
}
