//! The resource behind all `TensorArray*` operators.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use savedmodel_op::{Context, Resource, Run};
use savedmodel_tensor::{DType, Error, Handle, PartialShape, Result, Shape, Tensor, sum_inside};

use crate::tensor_list::zeros;

/// An array of tensors of one dtype, each of which is written once, in any order.
///
/// It belongs to one run and lives as long as somebody holds its handle.
#[derive(Debug)]
pub(crate) struct TensorArray {
    name: String,
    options: Options,
    is_gradient: bool,
    state: Mutex<State>,
    gradients: Mutex<Vec<(String, Arc<TensorArray>)>>,
}

/// What an array is made with.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The dtype of its elements.
    pub dtype: DType,
    /// What is known of their shapes.
    pub shape: PartialShape,
    /// Whether writing beyond the end makes it longer.
    pub dynamic_size: bool,
    /// Whether an element can be read only once, so that its memory is free then.
    pub clear_after_read: bool,
    /// Whether the first write tells the shape of all elements.
    pub identical_shapes: bool,
}

#[derive(Debug)]
struct State {
    closed: bool,
    shape: PartialShape,
    dynamic_size: bool,
    elements: Vec<Element>,
}

#[derive(Clone, Debug, Default)]
struct Element {
    /// The value; none when it was never written, was cleared, or is only known by its shape.
    tensor: Option<Tensor>,
    /// The shape of what was written, here or at this place of the array that this is the gradient of.
    shape: Option<Shape>,
    read: bool,
    cleared: bool,
}

impl Resource for TensorArray {
    /// None: it belongs to one run.
    fn fork(&self) -> Option<TensorArray> {
        None
    }
}

static MADE: AtomicU64 = AtomicU64::new(0);

impl TensorArray {
    /// An array of `size` elements.
    pub fn new(name: &str, options: Options, size: usize, run: &Run<'_>) -> Result<TensorArray> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let shape = options.shape.clone();
        let state = State { closed: false, shape, dynamic_size: options.dynamic_size, elements: Vec::new() };
        let array = TensorArray {
            name: format!("{name}_{number}"),
            options,
            is_gradient: false,
            state: Mutex::new(state),
            gradients: Mutex::default(),
        };
        grow(&mut array.lock().elements, size, run)?;
        Ok(array)
    }

    /// The array that an input is a handle of: a resource, or the names under which the session knows it.
    pub fn of(ctx: &Context<'_>, i: usize) -> Result<Arc<TensorArray>> {
        let handle = ctx.input(i);
        match (handle.dtype(), handle.handles(), handle.strings()) {
            (DType::Resource, Ok([handle]), _) => handle.get_arc(),
            (DType::String, _, Ok([container, name])) => {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                ctx.run().resources.find(&text(container), &text(name))
            }
            (DType::String, ..) => {
                return Err(Error::invalid_argument(format!(
                    "Tensor array handle must be 2-element vector, but had shape: {}",
                    handle.shape()
                )));
            }
            _ => None,
        }
        .ok_or_else(|| Error::not_found(format!("input {i} is no handle of a TensorArray: {handle:?}")))
    }

    /// Its name, which no other array has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A handle to it.
    pub fn handle(self: &Arc<Self>) -> Handle {
        Handle::new(self.container(), &self.name, Arc::clone(self))
    }

    /// The container that TensorFlow keeps it in.
    pub fn container(&self) -> &'static str {
        if self.is_gradient { "_tensor_array_grads" } else { "_tensor_arrays" }
    }

    /// Checks that the array has the dtype that an operator wants to read.
    pub fn check_read(&self, dtype: DType) -> Result<()> {
        self.check_dtype(dtype, "requested")
    }

    /// Checks that the array has the dtype that an operator wants to write.
    pub fn check_write(&self, dtype: DType) -> Result<()> {
        self.check_dtype(dtype, "is trying to write")
    }

    fn check_dtype(&self, dtype: DType, what: &str) -> Result<()> {
        if dtype == self.options.dtype {
            return Ok(());
        }
        Err(Error::invalid_argument(format!(
            "TensorArray dtype is {} but Op {what} dtype {dtype}.",
            self.options.dtype
        )))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.closed {
            return Err(Error::invalid_argument(format!(
                "TensorArray {} has already been closed.",
                self.name
            )));
        }
        Ok(state)
    }

    /// The number of elements.
    pub fn size(&self) -> Result<usize> {
        Ok(self.open()?.elements.len())
    }

    /// The number of elements, and whether it may grow.
    pub fn size_limits(&self) -> Result<(usize, bool)> {
        let state = self.open()?;
        Ok((state.elements.len(), state.dynamic_size))
    }

    /// Forgets all elements; the array can't be used any more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.elements = Vec::new();
    }

    /// Adds to what is known of the elements' shape.
    pub fn merge_shape(&self, shape: &PartialShape) -> Result<PartialShape> {
        let mut state = self.open()?;
        state.shape = crate::tensor_list::merge(&state.shape, shape)?;
        Ok(state.shape.clone())
    }

    /// Writes an element, or adds to it if this is the gradient of an array.
    pub fn write(&self, index: i32, value: Tensor, run: &Run<'_>) -> Result<()> {
        let mut state = self.open()?;
        let size = state.elements.len();
        let place = usize::try_from(index).ok().filter(|&i| i < size || state.dynamic_size).ok_or_else(|| {
            let state = if state.dynamic_size { "resizeable" } else { "not resizeable" };
            Error::invalid_argument(format!(
                "TensorArray {}: Tried to write to index {index} but array is {state} and size is: {size}",
                self.name
            ))
        })?;
        if place >= size {
            grow(&mut state.elements, place + 1, run)?;
        }
        self.check_value(&state, place, &value)?;
        if self.options.identical_shapes && state.shape.known().is_none() {
            state.shape = value.shape().into();
        }
        let element = &mut state.elements[place];
        let shape = value.shape().clone();
        element.tensor = Some(match &element.tensor {
            Some(present) => sum_inside(present, &value)?,
            None => value,
        });
        element.shape = Some(shape);
        Ok(())
    }

    fn check_value(&self, state: &State, place: usize, value: &Tensor) -> Result<()> {
        let refuse = |what: String| {
            Err(Error::invalid_argument(format!(
                "TensorArray {}: Could not write to TensorArray index {place} because {what}",
                self.name
            )))
        };
        if !state.shape.accepts(value.shape()) {
            return refuse(format!(
                "the value shape is {} which is incompatible with the TensorArray's inferred element shape: {} \
                 (consider setting infer_shape=False).",
                value.shape(),
                state.shape
            ));
        }
        let element = &state.elements[place];
        if element.read {
            return refuse("it has already been read.".to_owned());
        }
        match &element.shape {
            Some(_) if !self.is_gradient => refuse("it has already been written to.".to_owned()),
            Some(shape) if shape != value.shape() => Err(Error::invalid_argument(format!(
                "TensorArray {}: Could not aggregate to TensorArray index {place} because the existing shape is \
                 {shape} but the new input shape is {}.",
                self.name,
                value.shape()
            ))),
            _ => Ok(()),
        }
    }

    /// Reads an element; one that was not written is zeros if its shape is known.
    pub fn read(&self, index: i32, run: &Run<'_>) -> Result<Tensor> {
        let mut state = self.open()?;
        let State { shape, elements, .. } = &mut *state;
        let size = elements.len();
        let element = usize::try_from(index).ok().and_then(|i| elements.get_mut(i)).ok_or_else(|| {
            Error::invalid_argument(format!("Tried to read from index {index} but array size is: {size}"))
        })?;
        if element.cleared {
            return Err(Error::invalid_argument(format!(
                "TensorArray {}: Could not read index {index} twice because it was cleared after a previous read \
                 (perhaps try setting clear_after_read = false?).",
                self.name
            )));
        }
        let tensor = match element.tensor.take() {
            Some(tensor) => tensor,
            None => {
                let known = element.shape.clone().or_else(|| shape.known());
                zeros(self.options.dtype, known.ok_or_else(|| self.unknown_shape(index, shape))?, run)?
            }
        };
        element.read = true;
        element.shape.get_or_insert_with(|| tensor.shape().clone());
        if self.options.clear_after_read {
            element.cleared = true;
        } else {
            element.tensor = Some(tensor.clone());
        }
        Ok(tensor)
    }

    #[cold]
    fn unknown_shape(&self, index: i32, shape: &PartialShape) -> Error {
        Error::invalid_argument(format!(
            "TensorArray {}: Could not read from TensorArray index {index}.  Furthermore, the element shape is not \
             fully defined: {shape}.  It is possible you are working with a resizeable TensorArray and stop_gradients \
             is not allowing the gradients to be written.  If you set the full element_shape property on the forward \
             TensorArray, the proper all-zeros tensor will be returned instead of incurring this error.",
            self.name
        ))
    }

    /// The array of gradients with respect to this one's elements; the same one for the same source.
    ///
    /// From then on this array can't grow. The elements of the gradients have `prepended` dimensions more.
    pub fn gradient(&self, source: &str, prepended: &[usize], run: &Run<'_>) -> Result<Arc<TensorArray>> {
        if self.is_gradient {
            return Err(Error::invalid_argument(format!(
                "Wrong input container. {}{}",
                self.container(),
                self.name
            )));
        }
        let mut gradients = self.gradients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = gradients.iter().find(|(name, _)| name == source) {
            return Ok(Arc::clone(found));
        }
        let mut state = self.open()?;
        state.dynamic_size = false;
        let longer = |shape: &Shape| prepended.iter().chain(shape.iter()).copied().collect::<Shape>();
        let mut elements = Vec::new();
        grow(&mut elements, state.elements.len(), run)?;
        for (element, other) in elements.iter_mut().zip(&state.elements) {
            element.shape = other.shape.as_ref().map(longer);
        }
        let shape = match state.shape.dims() {
            Some(dims) => PartialShape::new(prepended.iter().map(|&d| Some(d)).chain(dims.iter().copied())),
            None => PartialShape::unknown(),
        };
        let options = Options { dynamic_size: false, ..self.options.clone() };
        let state = State { closed: false, shape, dynamic_size: false, elements };
        let made = Arc::new(TensorArray {
            name: format!("{}@{source}", self.name),
            options,
            is_gradient: true,
            state: Mutex::new(state),
            gradients: Mutex::default(),
        });
        gradients.push((source.to_owned(), Arc::clone(&made)));
        Ok(made)
    }
}

/// Makes an array longer.
fn grow(elements: &mut Vec<Element>, size: usize, run: &Run<'_>) -> Result<()> {
    let fits = size <= run.limits.tensor_bytes / size_of::<Element>();
    if !fits || elements.try_reserve(size.saturating_sub(elements.len())).is_err() {
        return Err(Error::resource_exhausted(format!("OOM when making a TensorArray of {size} elements")));
    }
    elements.resize_with(size.max(elements.len()), Element::default);
    Ok(())
}
