//! What a dataset is.

use std::fmt;
use std::sync::Arc;

use savedmodel_op::{Context, Effect, Kernels, Op, Run, shape};
use savedmodel_tensor::{Element, Error, Result, Shape, Tensor, Variant, VariantValue};

/// The components of one element of a dataset.
pub type Row = Vec<Tensor>;

/// A way through the rows of a dataset.
pub trait Elements: Send {
    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// Those of functions that the dataset calls, and what the operator says.
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>>;
}

impl<F: FnMut(&Run<'_>) -> Result<Option<Row>> + Send> Elements for F {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        self(run)
    }
}

/// Rows that are about to be gone through.
pub type Started = Result<Box<dyn Elements>>;

type Start = dyn Fn(&Run<'_>) -> Started + Send + Sync;

/// A dataset: what starts a new way through its rows.
#[derive(Clone)]
pub struct Dataset {
    name: &'static str,
    start: Arc<Start>,
    count: i64,
}

/// The count of rows that never end.
pub const INFINITE: i64 = -1;
/// The count of rows that nobody knows before they were all gone through.
pub const UNKNOWN: i64 = -2;

impl Dataset {
    /// The dataset of an operator.
    pub fn new(name: &'static str, start: impl Fn(&Run<'_>) -> Started + Send + Sync + 'static) -> Dataset {
        Dataset { name, start: Arc::new(start), count: UNKNOWN }
    }

    /// The same with a count of rows that is known, or one of [`INFINITE`] and [`UNKNOWN`].
    #[must_use]
    pub fn counted(self, count: i64) -> Dataset {
        Dataset { count, ..self }
    }

    /// How many rows there are, or one of [`INFINITE`] and [`UNKNOWN`].
    pub fn count(&self) -> i64 {
        self.count
    }

    /// A count of something that is `of` as many rows, if those are known; else that of the rows.
    pub fn count_by(&self, of: impl FnOnce(i64) -> i64) -> i64 {
        if self.count < 0 { self.count } else { of(self.count) }
    }

    /// A new way through the rows.
    ///
    /// # Errors
    /// Those of the operator.
    pub fn start(&self, run: &Run<'_>) -> Started {
        (self.start)(run)
    }

    /// The dataset that a scalar `variant` holds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the tensor is none.
    pub fn of(tensor: &Tensor) -> Result<Dataset> {
        match tensor.variants() {
            Ok([variant]) if tensor.rank() == 0 => variant.get::<Dataset>().cloned(),
            _ => None,
        }
        .ok_or_else(|| Error::invalid_argument("Tensor must be a Dataset object."))
    }

    /// The dataset as a tensor.
    ///
    /// # Errors
    /// None but for lack of memory.
    pub fn into_tensor(self) -> Result<Tensor> {
        Tensor::from_variants(Shape::scalar(), vec![Variant::new(self)])
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl VariantValue for Dataset {
    fn type_name(&self) -> &'static str {
        "tensorflow::DatasetVariant"
    }
}

/// Gives a dataset as the only output.
pub fn give(ctx: &mut Context<'_>, dataset: Dataset) -> Result<()> {
    ctx.set(0, dataset.into_tensor()?);
    Ok(())
}

/// The value of a scalar argument.
///
/// # Errors
/// `INVALID_ARGUMENT` when input `i` is no scalar.
pub fn scalar<T: Element>(ctx: &Context<'_>, i: usize, name: &str) -> Result<T> {
    let tensor = ctx.input(i);
    if tensor.rank() != 0 {
        return Err(Error::invalid_argument(format!("{name} must be a scalar")));
    }
    tensor.to_scalar()
}

/// What most operators that make a dataset of another one have in common.
pub const DATASET: Op = Op {
    name: "",
    inputs: &["input_dataset: variant"],
    outputs: &["handle: variant"],
    attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1", "metadata: string = ''"],
    effect: Effect::Read,
    shape: shape::scalar,
    kernels: Kernels::Runtime,
};
