//! What a kernel sees of a run.

use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::{ResourceManager, Variable};

/// What a slot of a running plan holds.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing yet, or nothing any more.
    #[default]
    Empty,
    /// The mark of a branch that is not taken (TensorFlow's dead tensor).
    Dead,
    /// A tensor.
    Tensor(Tensor),
}

impl Value {
    /// The tensor, if there is one.
    #[inline]
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Tensor(tensor) => Some(tensor),
            Value::Empty | Value::Dead => None,
        }
    }

    /// Takes the tensor out, leaving nothing.
    #[inline]
    pub fn take(&mut self) -> Option<Tensor> {
        match std::mem::take(self) {
            Value::Tensor(tensor) => Some(tensor),
            Value::Empty | Value::Dead => None,
        }
    }

    /// Whether this is the mark of a branch that is not taken.
    #[inline]
    pub fn is_dead(&self) -> bool {
        matches!(self, Value::Dead)
    }
}

/// Where an input of a step lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a slot of the run.
    Slot(u32),
    /// Among the constants of the plan.
    Constant(u32),
}

/// An input of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputRef {
    /// Where it lies.
    pub source: Source,
    /// Whether nothing reads it after this step, so that the kernel may keep or overwrite it.
    pub last_use: bool,
}

/// Limits that a session sets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes that one tensor may take.
    pub tensor_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { tensor_bytes: 1 << 38 }
    }
}

/// What all kernels of one run share.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The session's resources.
    pub resources: &'a ResourceManager,
    /// The session's limits.
    pub limits: &'a Limits,
}

impl Run<'_> {
    /// A tensor of zeros, within the limits of the session.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` above the limit or when there is no memory; `INVALID_ARGUMENT` when the shape overflows.
    #[inline]
    pub fn allocate(&self, dtype: DType, shape: impl Into<Shape>) -> Result<Tensor> {
        self.within_limits(dtype, shape.into(), Tensor::zeros)
    }

    #[inline]
    fn within_limits(
        &self,
        dtype: DType,
        shape: Shape,
        make: fn(DType, Shape) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let size = dtype.size().unwrap_or(size_of::<usize>());
        match shape.checked_elements()?.checked_mul(size) {
            Some(bytes) if bytes <= self.limits.tensor_bytes => make(dtype, shape),
            _ => Err(Error::resource_exhausted(format!(
                "OOM when allocating tensor with shape{shape} and type {dtype}: the limit is {} bytes",
                self.limits.tensor_bytes
            ))),
        }
    }
}

/// The inputs and outputs of one step of one run (TensorFlow's OpKernelContext).
pub struct Context<'a> {
    slots: &'a mut [Value],
    constants: &'a [Tensor],
    inputs: &'a [InputRef],
    outputs: &'a [u32],
    run: Run<'a>,
}

impl<'a> Context<'a> {
    /// The context of a step whose inputs and outputs lie in these places.
    #[inline]
    pub fn new(
        slots: &'a mut [Value],
        constants: &'a [Tensor],
        inputs: &'a [InputRef],
        outputs: &'a [u32],
        run: Run<'a>,
    ) -> Context<'a> {
        Context { slots, constants, inputs, outputs, run }
    }

    /// What all kernels of the run share.
    #[inline]
    pub fn run(&self) -> Run<'a> {
        self.run
    }

    /// Number of inputs.
    #[inline]
    pub fn input_len(&self) -> usize {
        self.inputs.len()
    }

    /// Number of outputs.
    #[inline]
    pub fn output_len(&self) -> usize {
        self.outputs.len()
    }

    /// Input `i`.
    ///
    /// # Panics
    /// When the operator's declaration has no such input, or it was taken.
    #[inline]
    pub fn input(&self, i: usize) -> &Tensor {
        let tensor = match self.inputs[i].source {
            Source::Slot(slot) => self.slots[slot as usize].tensor(),
            Source::Constant(constant) => self.constants.get(constant as usize),
        };
        tensor.expect("a step runs after all that it takes was made")
    }

    /// All inputs from `start` on.
    #[inline]
    pub fn inputs(&self, start: usize) -> impl ExactSizeIterator<Item = &Tensor> {
        (start..self.inputs.len()).map(|i| self.input(i))
    }

    /// Input `i`, to keep: moved when nothing reads it afterwards, else shared.
    ///
    /// # Panics
    /// As [`Context::input`].
    #[inline]
    pub fn take(&mut self, i: usize) -> Tensor {
        match self.inputs[i] {
            InputRef { source: Source::Slot(slot), last_use: true } if !self.is_input_twice(i) => {
                self.slots[slot as usize].take().expect("a step runs after all that it takes was made")
            }
            _ => self.input(i).clone(),
        }
    }

    #[inline]
    fn is_input_twice(&self, i: usize) -> bool {
        self.inputs.iter().enumerate().any(|(j, other)| j != i && other.source == self.inputs[i].source)
    }

    /// A tensor to write a result into.
    ///
    /// Its content is unspecified: all of it must be written.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` above the session's limit; `INVALID_ARGUMENT` when the shape overflows.
    #[inline]
    pub fn allocate(&self, dtype: DType, shape: impl Into<Shape>) -> Result<Tensor> {
        self.run.within_limits(dtype, shape.into(), Tensor::scratch)
    }

    /// Input `i` itself if its memory can be overwritten and has the wanted dtype and shape.
    ///
    /// The input is gone then; element-wise kernels write their result over it.
    #[inline]
    pub fn forward(&mut self, i: usize, dtype: DType, shape: &Shape) -> Option<Tensor> {
        let InputRef { source: Source::Slot(slot), last_use: true } = self.inputs[i] else { return None };
        if self.is_input_twice(i) {
            return None;
        }
        let Value::Tensor(tensor) = &mut self.slots[slot as usize] else { return None };
        if tensor.dtype() != dtype || tensor.shape() != shape || !tensor.is_unique() {
            return None;
        }
        self.slots[slot as usize].take()
    }

    /// Gives output `i`.
    ///
    /// # Panics
    /// When the operator's declaration has no such output.
    #[inline]
    pub fn set(&mut self, i: usize, tensor: Tensor) {
        self.slots[self.outputs[i] as usize] = Value::Tensor(tensor);
    }

    /// The resource that input `i` is a handle of.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the input is no scalar handle or points to something else.
    pub fn resource<T: std::any::Any>(&self, i: usize) -> Result<&T> {
        let wrong = || {
            let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            Error::invalid_argument(format!("input {i} is no handle of a {name}: {:?}", self.input(i)))
        };
        match self.input(i).handles() {
            Ok([handle]) => handle.get::<T>().ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// The variable that input `i` (a resource handle or a reference) points to.
    ///
    /// # Errors
    /// As [`Context::resource`].
    pub fn variable(&self, i: usize) -> Result<&Variable> {
        self.resource(i)
    }
}
