//! What passes leave, as text, for whoever wants to look.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use savedmodel_graph::{AttrValue, NodeId, Output};

use crate::Program;

/// A program between two passes, or what was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which program it is, counted from 0 in the order in which optimising began.
    pub program: usize,
    /// What has just been done.
    pub stage: &'static str,
    /// What it looks like now: one line for each node, those whose outputs it takes first.
    pub text: String,
}

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Watcher {
    programs: usize,
    snapshots: Vec<Snapshot>,
}

/// What `work` gives, and what every program that is optimised on this thread meanwhile looked like after each pass.
///
/// ```
/// let (sum, snapshots) = savedmodel_optimize::watch::record(|| 1 + 1);
/// assert_eq!((sum, snapshots.len()), (2, 0));
/// ```
pub fn record<R>(work: impl FnOnce() -> R) -> (R, Vec<Snapshot>) {
    let outer = WATCHER.replace(Some(Watcher::default()));
    let result = work();
    let watcher = WATCHER.replace(outer).unwrap_or_default();
    (result, watcher.snapshots)
}

/// Says that optimising another program begins.
pub(crate) fn begin(program: &Program) {
    WATCHER.with_borrow_mut(|watcher| watcher.iter_mut().for_each(|watcher| watcher.programs += 1));
    see("before", program);
}

/// Shows what a stage made of the program that is worked on to those who record.
pub fn see(stage: &'static str, made: &impl fmt::Display) {
    WATCHER.with_borrow_mut(|watcher| {
        let Some(watcher) = watcher else { return };
        let program = watcher.programs.saturating_sub(1);
        watcher.snapshots.push(Snapshot { program, stage, text: made.to_string() });
    });
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |nodes: &[NodeId]| nodes.iter().map(|&node| self.name(node)).collect::<Vec<_>>().join(", ");
        writeln!(f, "feeds: {}", names(&self.feeds))?;
        for node in self.sources_first() {
            writeln!(f, "{}", self.line(node)?)?;
        }
        let fetches: Vec<String> = self.fetches.iter().map(|&fetch| self.output(fetch)).collect();
        writeln!(f, "fetches: {}", fetches.join(", "))?;
        writeln!(f, "targets: {}", names(&self.targets))
    }
}

impl Program {
    fn name(&self, node: NodeId) -> &str {
        &self.graph.node(node).name
    }

    fn output(&self, output: Output) -> String {
        match output.index {
            0 => self.name(output.node).to_owned(),
            index => format!("{}:{index}", self.name(output.node)),
        }
    }

    fn line(&self, id: NodeId) -> Result<String, fmt::Error> {
        let node = self.graph.node(id);
        let inputs = self.graph.inputs(id).unwrap_or_default().into_iter().map(|input| self.output(input));
        let controls = self.graph.controls(id).into_iter().map(|control| format!("^{}", self.name(control)));
        let inputs: Vec<String> = inputs.chain(controls).collect();
        let mut line = format!("{} = {}({})", node.name, node.op, inputs.join(", "));
        for (name, value) in node.attrs.iter().filter(|(name, _)| !name.starts_with('_')) {
            match value {
                AttrValue::Tensor(value) if value.elements() <= 8 => write!(line, " {name}={value:?}")?,
                value => write!(line, " {name}={value}")?,
            }
        }
        Ok(line)
    }

    /// All nodes, those of a loop of V1 in some order.
    fn sources_first(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.graph.len());
        let mut seen = rustc_hash::FxHashSet::default();
        for root in self.graph.nodes() {
            let mut stack = vec![(root, false)];
            while let Some((node, is_done)) = stack.pop() {
                if is_done {
                    order.push(node);
                } else if seen.insert(node) {
                    stack.push((node, true));
                    stack.extend(self.graph.predecessors(node).map(|source| (source, false)));
                }
            }
        }
        order
    }
}
