//! `Barrier`, and the resource behind all `Barrier*` operators.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use savedmodel_op::{Construction, Context, Kernel, Op, Resource};
use savedmodel_tensor::{Bytes, Code, DType, Error, Handle, PartialShape, Result, Tensor};

use crate::queue::{Queue, Wanted};
use crate::queue_kind::{Kind, Order, known_shapes, list, operator};
use crate::rows::row;

/// A reference to a barrier of the session, made if there is none of that name: it collects the components of values by key,
/// and gives the complete ones.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Barrier>
pub const OP: Op = operator(
    "Barrier",
    &[
        "component_types: list(type) >= 1",
        "shapes: list(shape) >= 0 = []",
        "capacity: int = -1",
        "container: string = ''",
        "shared_name: string = ''",
    ],
    build,
    true,
);

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (container, shared): (String, String) = (node.attr("container")?, node.attr("shared_name")?);
    let name = if shared.is_empty() { node.name.to_owned() } else { shared };
    let dtypes: Vec<DType> = node.attr("component_types")?;
    let shapes = known_shapes(node, dtypes.len())?;
    if shapes.len() != dtypes.len() {
        return Err(Error::invalid_argument("All of the component shapes must be specified"));
    }
    if node.int32("capacity")? != -1 {
        return Err(Error::invalid_argument(
            "Barrier only accepts capacity=-1.  Feed the inputs to your Barrier through a queue to enforce a limited \
             capacity.",
        ));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = || Ok(Barrier::new(&name, dtypes.clone(), shapes.clone()));
        let barrier = ctx.run().resources.get_or_create(&container, &name, make)?;
        barrier.check(&dtypes, &shapes)?;
        ctx.set(0, Tensor::from_handles([], vec![Handle::new(&container, &name, barrier)])?);
        Ok(())
    }))
}

/// Values that come in parts, each under a key, and wait until all of their components are there.
///
/// Nothing waits but they: where TensorFlow would until another run puts something in, there is an error,
/// `DEADLINE_EXCEEDED`.
pub(crate) struct Barrier {
    name: String,
    state: Mutex<State>,
    /// The complete values: when their key was first seen, the key, and the components.
    ready: Queue,
}

#[derive(Clone)]
struct State {
    /// What counts the calls that bring new keys.
    index: i64,
    incomplete: HashMap<Bytes, Partial>,
    is_closed: bool,
    is_cancelled: bool,
}

/// A value of which some components are not there.
#[derive(Clone)]
struct Partial {
    index: i64,
    components: Vec<Option<Tensor>>,
}

impl Resource for Barrier {
    fn fork(&self) -> Option<Barrier> {
        let state = Mutex::new(self.lock().clone());
        Some(Barrier { name: self.name.clone(), state, ready: self.ready.fork()? })
    }
}

impl Barrier {
    fn new(name: &str, mut dtypes: Vec<DType>, mut shapes: Vec<PartialShape>) -> Barrier {
        dtypes.splice(0..0, [DType::Int64, DType::String]);
        shapes.splice(0..0, [PartialShape::from([]), PartialShape::from([])]);
        let kind = Kind { order: Order::Priority, dtypes, shapes, capacity: -1 };
        let state =
            State { index: i64::MIN, incomplete: HashMap::new(), is_closed: false, is_cancelled: false };
        let ready = Queue::new(&format!("{name}_queue"), kind);
        Barrier { name: name.to_owned(), state: Mutex::new(state), ready }
    }

    fn check(&self, dtypes: &[DType], shapes: &[PartialShape]) -> Result<()> {
        let differs = |what: &str, own: String, other: String| {
            Err(Error::invalid_argument(format!(
                "Shared barrier '{}' has component {what} {own} but requested component {what} were {other}",
                self.name
            )))
        };
        let kind = self.ready.kind();
        if self.dtypes() != dtypes {
            return differs("types", list(self.dtypes()), list(dtypes));
        }
        if &kind.shapes[2..] != shapes {
            return differs(
                "shapes",
                format!("[{}]", list(&kind.shapes[2..])),
                format!("[{}]", list(shapes)),
            );
        }
        Ok(())
    }

    /// The dtypes of a value's components.
    pub fn dtypes(&self) -> &[DType] {
        &self.ready.kind().dtypes[2..]
    }

    /// Gives each key its row of `values` as a component; values that are complete then are ready.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for no such component, one of another dtype or shape or without elements, and a key that has it
    /// already; `CANCELLED` for new keys when the barrier is closed. What came before stays.
    pub fn insert(&self, keys: &[Bytes], component: usize, values: &Tensor) -> Result<()> {
        let dtypes = self.dtypes();
        let Some(dtype) = dtypes.get(component) else {
            return Err(Error::invalid_argument(format!(
                "The component ID is out of range {component} > num_components (= {})",
                dtypes.len()
            )));
        };
        if *dtype != values.dtype() {
            return Err(Error::invalid_argument(format!(
                "Signature mismatch, have: {}, expected: {dtype}",
                values.dtype()
            )));
        }
        let values = if values.rank() == 0 { values.clone().reshape([1])? } else { values.clone() };
        if !keys.is_empty() && values.elements() == 0 {
            return Err(Error::invalid_argument(format!(
                "Tensors with no elements are not supported {}: received shape {}",
                self.name,
                values.shape()
            )));
        }
        if keys.len() > values.shape()[0] {
            let text = format!("there are {} keys for {} values", keys.len(), values.shape()[0]);
            return Err(Error::invalid_argument(text));
        }
        let mut state = self.lock();
        if state.is_closed && (state.is_cancelled || !keys.is_empty() && state.incomplete.is_empty()) {
            return Err(self.closed(&state, &format!("Number of new insertions: {}", keys.len())));
        }
        let (mut ready, mut is_new) = (Vec::new(), false);
        for (i, key) in keys.iter().enumerate() {
            let value = row(&values, i)?;
            self.insert_one(&mut state, key, (component, value), &mut is_new)
                .and_then(|complete| self.ready_tuple(key, complete))
                .map(|tuple| ready.extend(tuple))?;
        }
        state.index += i64::from(is_new);
        ready.into_iter().try_for_each(|tuple| self.ready.enqueue(tuple))
    }

    /// Gives the value, taken out, if it is complete.
    fn insert_one(
        &self,
        state: &mut State,
        key: &Bytes,
        (component, value): (usize, Tensor),
        is_new: &mut bool,
    ) -> Result<Option<Partial>> {
        if !state.incomplete.contains_key(key) {
            if state.is_closed {
                let key = String::from_utf8_lossy(key);
                return Err(self.closed(state, &format!("It was attempted to insert a brand new key: {key}")));
            }
            *is_new = true;
            let partial = Partial { index: state.index, components: vec![None; self.dtypes().len()] };
            state.incomplete.insert(key.clone(), partial);
        }
        let Some(partial) = state.incomplete.get_mut(key) else { return Ok(None) };
        if partial.components[component].is_some() {
            return Err(Error::invalid_argument(format!(
                "Key {} already has a value for component {component} in barrier {}",
                String::from_utf8_lossy(key),
                self.name
            )));
        }
        partial.components[component] = Some(value);
        if partial.components.iter().all(Option::is_some) {
            return Ok(state.incomplete.remove(key));
        }
        Ok(None)
    }

    /// What is put into the queue for a complete value, of which the shapes are looked at only now.
    fn ready_tuple(&self, key: &Bytes, complete: Option<Partial>) -> Result<Option<Vec<Tensor>>> {
        let Some(complete) = complete else { return Ok(None) };
        let head = [Tensor::scalar(complete.index), Tensor::from_strings([], [key.clone()])?];
        let tuple: Vec<Tensor> = head.into_iter().chain(complete.components.into_iter().flatten()).collect();
        self.ready.check_shapes(&tuple)?;
        Ok(Some(tuple))
    }

    /// Takes the first complete values out, stacked: where each key came, the keys, and the components.
    ///
    /// # Errors
    /// `OUT_OF_RANGE` when the barrier is closed and will not have so many; others as [`Queue::dequeue`].
    pub fn take(&self, count: i32, may_be_less: bool, ctx: &Context<'_>) -> Result<Vec<Tensor>> {
        let (mut wanted, state) = (i64::from(count), self.lock());
        if state.is_closed {
            let mut there = self.ready_size();
            match may_be_less {
                true => wanted = wanted.min(there),
                false => there += state.incomplete.len() as i64,
            }
            if there < wanted.max(1) {
                return Err(Error::out_of_range(format!(
                    "Barrier '{}' is closed and has insufficient elements (requested {wanted}, total size {there})",
                    self.name
                )));
            }
        }
        drop(state);
        let wanted = usize::try_from(wanted)
            .map_err(|_| Error::invalid_argument(format!("requested {wanted} < 0 elements")))?;
        self.ready.dequeue(if may_be_less { Wanted::UpTo(wanted) } else { Wanted::Many(wanted) }, ctx)
    }

    /// Lets no more keys in; when it cancels, forgets the values that are incomplete, too.
    ///
    /// # Errors
    /// `CANCELLED` when it is closed, unless it is cancelled only now.
    pub fn close(&self, cancels: bool) -> Result<()> {
        let mut state = self.lock();
        if state.is_closed && (state.is_cancelled || !cancels) {
            return Err(Error::new(Code::Cancelled, format!("Barrier '{}' is already closed.", self.name)));
        }
        (state.is_closed, state.is_cancelled) = (true, cancels);
        if cancels || state.incomplete.is_empty() {
            state.incomplete.clear();
            self.ready.close(true)?;
        }
        Ok(())
    }

    /// How many values are complete.
    pub fn ready_size(&self) -> i64 {
        self.ready.len() as i64
    }

    /// How many values are not.
    pub fn incomplete_size(&self) -> i64 {
        self.lock().incomplete.len() as i64
    }

    #[cold]
    fn closed(&self, state: &State, why: &str) -> Error {
        let text = format!(
            "Barrier {} is closed.  Pending enqueues cancelled: {}.  {why}.  Number of incomplete keys: {}.",
            self.name,
            i32::from(state.is_cancelled),
            state.incomplete.len()
        );
        Error::new(Code::Cancelled, text)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
