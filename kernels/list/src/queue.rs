//! The resource behind all `Queue*` operators.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use savedmodel_op::{Context, Resource};
use savedmodel_tensor::{Code, DType, Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

/// A queue of tuples of tensors, first in, first out.
///
/// Nothing waits: where TensorFlow would until another run puts something in or takes something out, there is an error,
/// `DEADLINE_EXCEEDED`, that says so.
#[derive(Debug)]
pub(crate) struct Queue {
    name: String,
    kind: Kind,
    state: Mutex<State>,
}

/// What a queue is made with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kind {
    /// The dtypes of a tuple.
    pub dtypes: Vec<DType>,
    /// The shapes of a tuple's tensors; none if they may have any.
    pub shapes: Vec<Shape>,
    /// How many tuples there may be; negative for no limit.
    pub capacity: i64,
}

#[derive(Clone, Debug, Default)]
struct State {
    tuples: VecDeque<Vec<Tensor>>,
    closed: bool,
}

/// How many tuples are to be taken out.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
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
    pub fn new(name: &str, kind: Kind) -> Queue {
        Queue { name: name.to_owned(), kind, state: Mutex::default() }
    }

    /// Checks that a queue found by name is of the kind that an operator wants.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not.
    pub fn check_kind(&self, wanted: &Kind) -> Result<()> {
        let Kind { dtypes, shapes, capacity } = &self.kind;
        let name = &self.name;
        let text = if *capacity != wanted.capacity {
            format!(
                "Shared queue '{name}' has capacity {capacity} but requested capacity was {}",
                wanted.capacity
            )
        } else if *dtypes != wanted.dtypes {
            let (own, other) = (list(dtypes), list(&wanted.dtypes));
            format!(
                "Shared queue '{name}' has component types {own} but requested component types were {other}"
            )
        } else if *shapes != wanted.shapes {
            let (own, other) = (list(shapes), list(&wanted.shapes));
            format!(
                "Shared queue '{name}' has component shapes {own} but requested component shapes were {other}."
            )
        } else {
            return Ok(());
        };
        Err(Error::invalid_argument(text))
    }

    /// Checks the dtypes that an operator puts in or takes out.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are not those of the queue.
    pub fn check_dtypes<'a>(&self, mut dtypes: impl ExactSizeIterator<Item = &'a DType>) -> Result<()> {
        if dtypes.len() == self.kind.dtypes.len() && dtypes.by_ref().eq(&self.kind.dtypes) {
            return Ok(());
        }
        Err(Error::invalid_argument(format!(
            "Signature mismatch: the components of FIFOQueue '{}' are {}",
            self.name,
            list(&self.kind.dtypes)
        )))
    }

    /// Puts a tuple in.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for wrong shapes, `CANCELLED` when the queue is closed, `DEADLINE_EXCEEDED` when it is full.
    pub fn enqueue(&self, tuple: Vec<Tensor>) -> Result<()> {
        for (i, (want, tensor)) in self.kind.shapes.iter().zip(&tuple).enumerate() {
            if tensor.shape() != want {
                return Err(shape_mismatch(i, want, tensor.shape()));
            }
        }
        self.put(vec![tuple])
    }

    /// Puts the rows of tensors in.
    ///
    /// # Errors
    /// As [`Queue::enqueue`], and `INVALID_ARGUMENT` when they have different numbers of rows. Nothing is put in then.
    pub fn enqueue_rows(&self, tensors: &[Tensor]) -> Result<()> {
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
            if let Some(want) = self.kind.shapes.get(i).filter(|want| tensor.shape()[1..] != want[..]) {
                let want = std::iter::once(own.unwrap_or(0)).chain(want.iter().copied()).collect();
                return Err(shape_mismatch(i, &want, tensor.shape()));
            }
        }
        let row = |i: usize| {
            let one = |tensor: &Tensor| tensor.rows(i, i + 1)?.reshape(&tensor.shape()[1..]);
            tensors.iter().map(one).collect::<Result<Vec<_>>>()
        };
        match rows {
            None | Some(0) => Ok(()),
            Some(rows) => self.put((0..rows).map(row).collect::<Result<_>>()?),
        }
    }

    fn put(&self, tuples: Vec<Vec<Tensor>>) -> Result<()> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::new(Code::Cancelled, format!("FIFOQueue '{}' is closed.", self.name)));
        }
        let (len, more) = (state.tuples.len(), tuples.len());
        if usize::try_from(self.kind.capacity).is_ok_and(|most| len + more > most) {
            return Err(self.stuck(&format!(
                "has no room (capacity {}, requested {more}, current size {len})",
                self.kind.capacity
            )));
        }
        state.tuples.extend(tuples);
        Ok(())
    }

    /// Takes tuples out.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when tuples are to be stacked and have no known shapes; `OUT_OF_RANGE` when the queue is closed
    /// and has too few, `DEADLINE_EXCEEDED` when it is open and has too few. Nothing is taken then.
    pub fn dequeue(&self, wanted: Wanted, ctx: &Context<'_>) -> Result<Vec<Tensor>> {
        if !matches!(wanted, Wanted::One) && self.kind.shapes.is_empty() {
            return Err(Error::invalid_argument(
                "FIFOQueue's DequeueMany and DequeueUpTo require the components to have specified shapes.",
            ));
        }
        let taken = self.take(wanted)?;
        if let Wanted::One = wanted {
            return Ok(taken.into_iter().next().unwrap_or_default());
        }
        let stacked = |(i, (&dtype, shape)): (usize, (&DType, &Shape))| {
            let shape: Shape = std::iter::once(taken.len()).chain(shape.iter().copied()).collect();
            let mut output = ctx.allocate(dtype, shape)?;
            by_unit!(dtype, U => stack::<U>(&mut output, taken.iter().map(|tuple| &tuple[i])))?;
            Ok(output)
        };
        self.kind.dtypes.iter().zip(&self.kind.shapes).enumerate().map(stacked).collect()
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
        if len < count && !state.closed {
            return Err(self.stuck(&few));
        }
        if len < count && (len == 0 || !may_be_less) {
            return Err(Error::out_of_range(format!("FIFOQueue '{}' is closed and {few}", self.name)));
        }
        Ok(state.tuples.drain(..count.min(len)).collect())
    }

    /// Closes the queue: nothing can be put in any more.
    ///
    /// # Errors
    /// `CANCELLED` when it is closed, unless `again` is as good.
    pub fn close(&self, again: bool) -> Result<()> {
        let mut state = self.lock();
        if state.closed && !again {
            return Err(Error::new(Code::Cancelled, format!("Queue '{}' is already closed.", self.name)));
        }
        state.closed = true;
        Ok(())
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The number of tuples.
    pub fn len(&self) -> usize {
        self.lock().tuples.len()
    }

    #[cold]
    fn stuck(&self, why: &str) -> Error {
        let text = format!("FIFOQueue '{}' {why}: TensorFlow would wait here for another run", self.name);
        Error::new(Code::DeadlineExceeded, text)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    format!("[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

fn shape_mismatch(i: usize, want: &Shape, got: &Shape) -> Error {
    Error::invalid_argument(format!("Shape mismatch in tuple component {i}. Expected {want}, got {got}"))
}

fn stack<'a, U: Unit>(output: &mut Tensor, tensors: impl Iterator<Item = &'a Tensor>) -> Result<()> {
    let mut rest = output.units_mut::<U>()?;
    for tensor in tensors {
        let (place, after) = rest.split_at_mut(tensor.elements());
        place.clone_from_slice(tensor.units()?);
        rest = after;
    }
    Ok(())
}

/// The shapes that an attribute declares, all of which must be known.
pub(crate) fn known_shapes(shapes: &[PartialShape], dtypes: usize) -> Result<Vec<Shape>> {
    if !shapes.is_empty() && shapes.len() != dtypes {
        return Err(Error::invalid_argument(format!(
            "Different number of component types ({dtypes}) vs. shapes ({}).",
            shapes.len()
        )));
    }
    let known = |shape: &PartialShape| {
        let text =
            || Error::invalid_argument(format!("the shapes of a FIFOQueue must be known, got {shape}"));
        shape.known().ok_or_else(text)
    };
    shapes.iter().map(known).collect()
}

#[cfg(test)]
pub(crate) mod cases {
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};
    use savedmodel_tensor::{DType, PartialShape, Tensor};

    /// A queue of pairs of floats and strings, and what operators answer to it.
    pub(crate) struct Pairs {
        handle: Tensor,
        resources: ResourceManager,
    }

    impl Pairs {
        /// A queue of this capacity, made by an operator.
        pub(crate) fn new(capacity: i64, shapes: Vec<PartialShape>) -> Pairs {
            let resources = ResourceManager::new();
            let test = OpTest::new(&crate::fifo_queue::OPS[1]).resources(&resources).attr("shared_name", "q");
            let types = vec![DType::Float, DType::String];
            let test = test.attr("component_types", types).attr("shapes", shapes).attr("capacity", capacity);
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
    }
}
