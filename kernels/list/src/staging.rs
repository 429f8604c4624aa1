//! What staging areas of tuples (`Stage`, `MapStage`) have in common.

use savedmodel_op::{Construction, Context};
use savedmodel_tensor::{Code, DType, Error, Result, Tensor};

/// Where an area is kept, and how much it may hold.
#[derive(Clone, Debug)]
pub(crate) struct Area {
    pub container: String,
    pub name: String,
    /// The most tuples; 0 for any number.
    capacity: usize,
    /// The most bytes; 0 for any number.
    memory_limit: u64,
}

impl Area {
    /// What a node's attributes say.
    pub fn of(node: &Construction<'_>) -> Result<Area> {
        let shared: String = node.attr("shared_name")?;
        Ok(Area {
            container: node.attr("container")?,
            name: if shared.is_empty() { node.name.to_owned() } else { shared },
            capacity: node.attr("capacity")?,
            memory_limit: node.attr::<i64>("memory_limit")?.unsigned_abs(),
        })
    }

    /// Checks that a tuple of so many bytes could ever be put in.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when it could not.
    pub fn check_limit(&self, bytes: u64) -> Result<()> {
        if self.memory_limit == 0 || bytes <= self.memory_limit {
            return Ok(());
        }
        Err(Error::resource_exhausted(format!(
            "Attempted to insert tensors with combined size of '{bytes}' bytes into Staging Area with a memory limit of \
             '{}'.",
            self.memory_limit
        )))
    }

    /// Checks that there is room beside `count` tuples (`None` if their number does not matter) for `bytes` in all.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED` when there is none.
    pub fn check_room(&self, count: Option<usize>, bytes: u64) -> Result<()> {
        let fits = self.memory_limit == 0 || bytes <= self.memory_limit;
        if fits && (self.capacity == 0 || count.is_none_or(|count| count < self.capacity)) {
            return Ok(());
        }
        Err(waits("room in the staging area"))
    }
}

/// The error in the place of waiting.
#[cold]
pub(crate) fn waits(what: &str) -> Error {
    let text = format!("there is not {what}: TensorFlow would wait here for another run");
    Error::new(Code::DeadlineExceeded, text)
}

/// How many bytes a tensor counts as.
pub(crate) fn bytes(tensor: &Tensor) -> u64 {
    /// What TensorFlow's string object takes.
    const STRING: usize = 24;
    let total = match (tensor.dtype().size(), tensor.strings()) {
        (_, Ok(strings)) => strings.iter().map(|text| STRING + text.len()).sum(),
        (size, _) => tensor.elements() * size.unwrap_or(size_of::<Tensor>()),
    };
    total as u64
}

/// Sets the outputs from `start` on, all of which a tuple must have, in the dtypes of the node's outputs.
///
/// # Errors
/// `INVALID_ARGUMENT` when there are more, `INTERNAL` when there are fewer or of other dtypes.
pub(crate) fn give(ctx: &mut Context<'_>, start: usize, tuple: Vec<Tensor>, dtypes: &[DType]) -> Result<()> {
    let wanted = &dtypes[start..];
    if tuple.len() > wanted.len() {
        return Err(mismatch(tuple.len(), wanted.len()));
    }
    if let Some(i) = (0..wanted.len()).find(|&i| tuple.get(i).map(Tensor::dtype) != Some(wanted[i])) {
        return Err(Error::internal(match tuple.get(i) {
            Some(tensor) => format!(
                "Output {} of type {} does not match declared output type {}",
                start + i,
                tensor.dtype(),
                wanted[i]
            ),
            None => format!("Missing {}-th output", start + i),
        }));
    }
    tuple.into_iter().enumerate().for_each(|(i, tensor)| ctx.set(start + i, tensor));
    Ok(())
}

/// The error for a tuple of a wrong length.
pub(crate) fn mismatch(got: usize, wanted: usize) -> Error {
    Error::invalid_argument(format!("Mismatch stage/unstage: {got} vs. {wanted}"))
}
