//! The resource behind all `Queue*` operators.

use std::collections::VecDeque;
use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};

use savedmodel_kernels_random::philox::Words;
use savedmodel_op::{Context, Resource};
use savedmodel_tensor::{Code, DType, Error, PartialShape, Result, Shape, Tensor, by_unit};

use crate::queue_kind::{Kind, Order, list};
use crate::rows::{paste, row};

/// A queue of tuples of tensors.
///
/// Nothing waits: where TensorFlow would until another run puts something in or takes something out, there is an error,
/// `DEADLINE_EXCEEDED`, that says so.
#[derive(Debug)]
pub struct Queue {
    name: String,
    kind: Kind,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
struct State {
    tuples: VecDeque<Vec<Tensor>>,
    closed: bool,
    /// What a random order is drawn with.
    words: Words,
}

/// How many tuples are to be taken out.
#[derive(Clone, Copy)]
pub enum Wanted {
    /// One, as it is.
    One,
    /// So many, stacked.
    Many(usize),
    /// So many, or what is left in a closed queue, stacked.
    UpTo(usize),
}

impl Resource for Queue {
    fn fork(&self) -> Option<Queue> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Queue { name: self.name.clone(), kind: self.kind.clone(), state: Mutex::new(state) })
    }
}

impl Queue {
    /// An open queue without tuples.
    pub(crate) fn new(name: &str, kind: Kind) -> Queue {
        let seeds = match kind.order {
            Order::Random { seeds, .. } => seeds,
            _ => [1; 2],
        };
        let state = State { tuples: VecDeque::new(), closed: false, words: Words::seeded(seeds) };
        Queue { name: name.to_owned(), kind, state: Mutex::new(state) }
    }

    /// What it is made with.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Checks the dtypes that an operator puts in or takes out.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are not those of the queue.
    pub(crate) fn check_dtypes(&self, dtypes: &[DType]) -> Result<()> {
        if dtypes == self.kind.dtypes {
            return Ok(());
        }
        Err(Error::invalid_argument(format!(
            "Signature mismatch: the components of {} '{}' are {}",
            self.kind.name(),
            self.name,
            list(&self.kind.dtypes)
        )))
    }

    /// Puts a tuple in.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for wrong shapes, `CANCELLED` when the queue is closed, `DEADLINE_EXCEEDED` when it is full.
    pub(crate) fn enqueue(&self, tuple: Vec<Tensor>) -> Result<()> {
        self.check_shapes(&tuple)?;
        self.put(vec![tuple])
    }

    /// Checks the shapes of a tuple.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are not those of the queue.
    pub(crate) fn check_shapes(&self, tuple: &[Tensor]) -> Result<()> {
        for (i, (want, tensor)) in self.kind.shapes.iter().zip(tuple).enumerate() {
            if !want.accepts(tensor.shape()) {
                return Err(shape_mismatch(i, want, tensor.shape()));
            }
        }
        Ok(())
    }

    /// Puts the rows of tensors in.
    ///
    /// # Errors
    /// As [`Queue::enqueue`], and `INVALID_ARGUMENT` when they have different numbers of rows. Nothing is put in then.
    pub(crate) fn enqueue_rows(&self, tensors: &[Tensor]) -> Result<()> {
        let rows = tensors.first().and_then(|tensor| tensor.shape().first().copied());
        for (i, tensor) in tensors.iter().enumerate() {
            let own = tensor.shape().first().copied();
            if own.is_none() || own != rows {
                return Err(Error::invalid_argument(format!(
                    "All input tensors must have the same size in the 0th dimension. Component {i} has {}, and should \
                     have {}",
                    own.unwrap_or(0),
                    rows.unwrap_or(0)
                )));
            }
            if let Some(want) = self.kind.shapes.get(i) {
                let want =
                    PartialShape::new(iter::once(own).chain(want.dims().unwrap_or(&[]).iter().copied()));
                if !want.accepts(tensor.shape()) {
                    return Err(shape_mismatch(i, &want, tensor.shape()));
                }
            }
        }
        let tuple = |i: usize| tensors.iter().map(|tensor| row(tensor, i)).collect::<Result<Vec<_>>>();
        match rows {
            None | Some(0) => Ok(()),
            Some(rows) => self.put((0..rows).map(tuple).collect::<Result<_>>()?),
        }
    }

    fn put(&self, tuples: Vec<Vec<Tensor>>) -> Result<()> {
        let mut state = self.lock();
        if state.closed {
            let text = format!("{} '{}' is closed.", self.name_for_one(), self.name);
            return Err(Error::new(Code::Cancelled, text));
        }
        let (len, more) = (state.tuples.len(), tuples.len());
        if usize::try_from(self.kind.capacity).is_ok_and(|most| len + more > most) {
            return Err(self.stuck(&format!(
                "has no room (capacity {}, requested {more}, current size {len})",
                self.kind.capacity
            )));
        }
        for tuple in tuples {
            state.tuples.push_back(tuple);
            if self.kind.order == Order::Priority {
                heap::raise(&mut state.tuples);
            }
        }
        Ok(())
    }

    /// Takes tuples out.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when tuples are to be stacked and have no known shapes; `OUT_OF_RANGE` when the queue is closed
    /// and has too few, `DEADLINE_EXCEEDED` when it is open and has too few. Nothing is taken then.
    pub fn dequeue(&self, wanted: Wanted, ctx: &Context<'_>) -> Result<Vec<Tensor>> {
        if !matches!(wanted, Wanted::One) && self.kind.shapes.is_empty() {
            let text = format!(
                "{}'s DequeueMany and DequeueUpTo require the components to have specified shapes.",
                self.kind.name()
            );
            return Err(Error::invalid_argument(text));
        }
        let taken = self.take(wanted)?;
        if let Wanted::One = wanted {
            return Ok(taken.into_iter().next().unwrap_or_default());
        }
        let stacked = |(i, shape): (usize, &PartialShape)| self.stacked(&taken, i, shape, ctx);
        self.kind.shapes.iter().enumerate().map(stacked).collect()
    }

    /// Tensor `i` of all tuples.
    fn stacked(
        &self,
        tuples: &[Vec<Tensor>],
        i: usize,
        shape: &PartialShape,
        ctx: &Context<'_>,
    ) -> Result<Tensor> {
        let mut sizes = vec![tuples.len()];
        for (axis, &size) in shape.dims().unwrap_or(&[]).iter().enumerate() {
            let largest = || tuples.iter().map(|tuple| tuple[i].shape()[axis]).max().unwrap_or(0);
            sizes.push(size.unwrap_or_else(largest));
        }
        if shape.known().is_none() && sizes.len() > 5 && !tuples.is_empty() {
            let text = format!("CopyElementToLargerSlice Unhandled rank: {}", sizes.len() - 1);
            return Err(Error::unimplemented(text));
        }
        let mut output = ctx.run().allocate(self.kind.dtypes[i], sizes)?;
        for (at, tuple) in tuples.iter().enumerate() {
            by_unit!(output.dtype(), U => paste::<U>(&tuple[i], &mut output, at))?;
        }
        Ok(output)
    }

    fn take(&self, wanted: Wanted) -> Result<Vec<Vec<Tensor>>> {
        let (count, may_be_less) = match wanted {
            Wanted::One => (1, false),
            Wanted::Many(count) => (count, false),
            Wanted::UpTo(count) => (count, true),
        };
        let mut state = self.lock();
        let len = state.tuples.len();
        let few = format!("has insufficient elements (requested {count}, current size {len})");
        let stay = match self.kind.order {
            Order::Random { stay, .. } if !state.closed => stay,
            _ => 0,
        };
        if !state.closed && len.saturating_sub(stay) < count {
            return Err(self.stuck(&few));
        }
        if self.kind.order == Order::Priority && may_be_less && (1..count).contains(&len) {
            // As TensorFlow, which takes what there is, and then finds that there is no more.
            state.tuples.clear();
            let few = format!("has insufficient elements (requested {}, current size 0)", count - len);
            return Err(Error::out_of_range(format!("PriorityQueue '{}' is closed and {few}", self.name)));
        }
        if len < count && (len == 0 || !may_be_less) {
            let name = if let Wanted::One = wanted { self.name_for_one() } else { self.kind.name() };
            return Err(Error::out_of_range(format!("{name} '{}' is closed and {few}", self.name)));
        }
        Ok((0..count.min(len)).filter_map(|_| self.next(&mut state)).collect())
    }

    fn next(&self, state: &mut State) -> Option<Vec<Tensor>> {
        match self.kind.order {
            Order::First | Order::Padded => state.tuples.pop_front(),
            Order::Random { .. } => {
                let at = state.words.word() as usize % state.tuples.len().max(1);
                state.tuples.swap_remove_back(at)
            }
            Order::Priority => heap::pop(&mut state.tuples),
        }
    }

    /// Closes the queue: nothing can be put in any more.
    ///
    /// # Errors
    /// `CANCELLED` when it is closed, unless `again` is as good.
    pub(crate) fn close(&self, again: bool) -> Result<()> {
        let mut state = self.lock();
        if state.closed && !again {
            return Err(Error::new(Code::Cancelled, format!("Queue '{}' is already closed.", self.name)));
        }
        state.closed = true;
        Ok(())
    }

    /// Whether the queue is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The number of tuples.
    pub(crate) fn len(&self) -> usize {
        self.lock().tuples.len()
    }

    /// What TensorFlow's errors call a queue that one tuple goes into or comes out of.
    fn name_for_one(&self) -> &'static str {
        if self.kind.order == Order::Padded { "FIFOQueue" } else { self.kind.name() }
    }

    #[cold]
    fn stuck(&self, why: &str) -> Error {
        let kind = self.kind.name();
        let text = format!("{kind} '{}' {why}: TensorFlow would wait here for another run", self.name);
        Error::new(Code::DeadlineExceeded, text)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shape_mismatch(i: usize, want: &PartialShape, got: &Shape) -> Error {
    Error::invalid_argument(format!("Shape mismatch in tuple component {i}. Expected {want}, got {got}"))
}

/// Tuples in the order of a heap whose ties are those of C++'s standard library.
mod heap {
    use super::{Tensor, VecDeque};

    type Tuples = VecDeque<Vec<Tensor>>;

    fn priority(tuples: &Tuples, i: usize) -> i64 {
        tuples[i].first().and_then(|tensor| tensor.to_scalar().ok()).unwrap_or(i64::MAX)
    }

    /// Brings the last tuple to where it belongs.
    pub fn raise(tuples: &mut Tuples) {
        raise_from(tuples, tuples.len().saturating_sub(1));
    }

    fn raise_from(tuples: &mut Tuples, mut i: usize) {
        while i > 0 && priority(tuples, (i - 1) / 2) > priority(tuples, i) {
            tuples.swap(i, (i - 1) / 2);
            i = (i - 1) / 2;
        }
    }

    /// Takes a tuple of the least priority out: the last one goes down to the end in its place, and up from there.
    pub fn pop(tuples: &mut Tuples) -> Option<Vec<Tensor>> {
        let least = tuples.swap_remove_back(0)?;
        let mut i = 0;
        while 2 * i + 1 < tuples.len() {
            let right = 2 * i + 2;
            let is_right = right < tuples.len() && priority(tuples, right) <= priority(tuples, right - 1);
            let child = right - usize::from(!is_right);
            tuples.swap(i, child);
            i = child;
        }
        raise_from(tuples, i);
        Some(least)
    }
}

#[cfg(test)]
pub(crate) mod cases {
    use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};
    use savedmodel_op::{Op, ResourceManager};
    use savedmodel_tensor::{DType, PartialShape, Tensor};

    /// A queue of pairs of floats and strings, and what operators answer to it.
    pub(crate) struct Pairs {
        handle: Tensor,
        resources: ResourceManager,
    }

    impl Pairs {
        /// A queue of this capacity, first in, first out.
        pub(crate) fn new(capacity: i64, shapes: Vec<PartialShape>) -> Pairs {
            Pairs::of(&crate::fifo_queue::OPS[1], shapes, &[("capacity", capacity)])
        }

        /// A queue that an operator makes.
        pub(crate) fn of(op: &'static Op, shapes: Vec<PartialShape>, attrs: &[(&str, i64)]) -> Pairs {
            let resources = ResourceManager::new();
            let test = OpTest::new(op).resources(&resources).attr("shared_name", "q").attr("shapes", shapes);
            let test = test.attr("component_types", vec![DType::Float, DType::String]);
            let test = attrs.iter().fold(test, |test, &(name, value)| test.attr(name, value));
            Pairs { handle: test.run().unwrap().remove(0), resources }
        }

        /// What an operator answers.
        pub(crate) fn call(&self, name: &str, attrs: Vec<(&str, TestAttr)>, inputs: &str) -> String {
            let op = crate::OPS.iter().copied().flatten().find(|op| op.name == name).unwrap();
            let test = OpTest::new(op).resources(&self.resources).input(self.handle.clone());
            let test = attrs.into_iter().fold(test, |test, (name, value)| test.attr(name, value));
            let inputs = inputs.split(';').map(str::trim).filter(|text| !text.is_empty());
            show(&inputs.fold(test, |test, text| test.input(parse_tensor(text))).run())
        }

        /// Takes tuples out.
        pub(crate) fn dequeue(&self, name: &str, inputs: &str) -> String {
            let types = vec![DType::Float, DType::String];
            self.call(name, vec![("component_types", types.into())], inputs)
        }

        /// What an operator of pairs answers.
        pub(crate) fn answer(&self, name: &str, inputs: &str) -> String {
            if name.contains("Dequeue") {
                self.dequeue(name, inputs)
            } else {
                self.call(name, vec![], inputs)
            }
        }
    }
}
