//! Where the time of runs goes.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use savedmodel_math::limits;
pub use savedmodel_optimize::watch::{Snapshot, record as record_passes};
use savedmodel_tensor::{DType, Shape};

/// One step that ran.
#[derive(Clone, Debug)]
pub struct StepTime {
    /// Its node.
    pub node: Arc<str>,
    /// Its operator.
    pub op: Arc<str>,
    /// In how many functions and loops it is nested.
    pub depth: usize,
    /// When it began, since recording began.
    pub start: Duration,
    /// How long it took, nested steps included.
    pub duration: Duration,
    /// Dtypes and shapes of its inputs; of those that are neither dead nor gone.
    pub inputs: Vec<(DType, Shape)>,
    /// Dtypes and shapes of its outputs.
    pub outputs: Vec<(DType, Shape)>,
}

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

struct Recorder {
    began: Instant,
    steps: Vec<StepTime>,
    depth: usize,
}

/// What `work` gives, and all steps that ran on this thread meanwhile, in the order in which they ended.
///
/// Recording costs some hundred nanoseconds a step.
///
/// ```
/// let (sum, steps) = savedmodel_runtime::profile::record(|| 1 + 1);
/// assert_eq!((sum, steps.len()), (2, 0));
/// ```
pub fn record<R>(work: impl FnOnce() -> R) -> (R, Vec<StepTime>) {
    let recorder = Recorder { began: Instant::now(), steps: Vec::new(), depth: 0 };
    let outer = RECORDER.replace(Some(recorder));
    let result = work();
    let recorder = RECORDER.replace(outer);
    (result, recorder.map_or_else(Vec::new, |recorder| recorder.steps))
}

/// Whether steps on this thread are recorded.
pub(crate) fn is_on() -> bool {
    RECORDER.with_borrow(Option::is_some)
}

/// A step that runs.
pub(crate) struct Running {
    start: Instant,
    inputs: Vec<(DType, Shape)>,
}

pub(crate) fn begin(inputs: Vec<(DType, Shape)>) -> Running {
    RECORDER.with_borrow_mut(|recorder| recorder.iter_mut().for_each(|recorder| recorder.depth += 1));
    Running { start: Instant::now(), inputs }
}

impl Running {
    pub(crate) fn end(self, node: &Arc<str>, op: &Arc<str>, outputs: Vec<(DType, Shape)>) {
        let duration = self.start.elapsed();
        RECORDER.with_borrow_mut(|recorder| {
            let Some(recorder) = recorder else { return };
            recorder.depth -= 1;
            recorder.steps.push(StepTime {
                node: Arc::clone(node),
                op: Arc::clone(op),
                depth: recorder.depth,
                start: self.start - recorder.began,
                duration,
                inputs: self.inputs,
                outputs,
            });
        });
    }
}
