//! See [`OP`].

use savedmodel_kernels_array::walk;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, dtypes, shape};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::calls::transpose;
use crate::numbers::{Numbers, dims, others, per_dim};
use crate::{INDICES, numbers_attr};

/// Slices of a tensor, one for each vector of indices; where one would leave the tensor, it is moved inside.
///
/// <https://openxla.org/xla/operation_semantics#gather>
pub const OP: Op = Op {
    name: "XlaGather",
    inputs: &["operand: T", "start_indices: Tindices", "slice_sizes: Tindices"],
    outputs: &["output: T"],
    attrs: &["dimension_numbers: string", "indices_are_sorted: bool", numbers_attr!("T" ", bool"), INDICES],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", DTYPES)], build),
};

/// Numbers and bool.
pub(crate) const DTYPES: &[DType] = dtypes::POD_AND_POINTERS.split_at(15).0;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let numbers = Numbers::of(node, "dimension_numbers")
        .map_err(|_| Error::invalid_argument("Failed to parse dimension_numbers."))?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let operand = ctx.input(0);
        let sizes = per_dim(ctx.input(2), operand.rank(), 0, "slice_sizes")?;
        let sizes: Vec<usize> = sizes.iter().map(|&size| size as usize).collect();
        let output = gather(&ctx.run(), (operand, ctx.input(1)), &sizes, &numbers)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn gather(
    run: &Run<'_>,
    (operand, indices): (&Tensor, &Tensor),
    sizes: &[usize],
    numbers: &Numbers,
) -> Result<Tensor> {
    let vectors = Vectors::of(run, indices, numbers)?;
    let starts = vectors.starts(operand.shape(), numbers)?;
    let mut places = vec![0; vectors.count()];
    for (dim, (stride, starts)) in walk::strides(operand.shape()).into_iter().zip(&starts).enumerate() {
        let Some(last) = operand.shape()[dim].checked_sub(sizes[dim]) else {
            return Err(Error::invalid_argument(format!(
                "Slice size at index {dim} in gather op is out of range, must be within [0, {}), got {}.",
                operand.shape()[dim] + 1,
                sizes[dim]
            )));
        };
        for (place, &start) in places.iter_mut().zip(starts) {
            *place += start.clamp(0, last as i64) as usize * stride as usize;
        }
    }
    let gone: Vec<i64> = [numbers.list(2), numbers.list(5)].concat();
    let gone = dims(&gone, operand.rank(), "collapsed and batching dimensions")?;
    if let Some(&dim) = gone.iter().find(|&&dim| sizes[dim] > 1) {
        return Err(Error::invalid_argument(format!(
            "Gather op can only collapse slice dims with bound 1 or 0, but bound is {} for index {dim}.",
            sizes[dim]
        )));
    }
    let window: Vec<walk::Dim> = sizes.iter().copied().zip(walk::strides(operand.shape())).collect();
    let slices = walk::read(run, operand, &places, &window)?;
    let kept: Vec<usize> = others(operand.rank(), &gone).iter().map(|&dim| sizes[dim]).collect();
    // Dimensions of no elements may be gone, too.
    let shape = [vectors.batch.as_slice(), &kept].concat();
    let shape = if slices.elements() == Shape::from(&shape[..]).checked_elements()? {
        shape
    } else {
        return run.allocate(operand.dtype(), arranged(&shape, &order(&shape, kept.len(), numbers)?));
    };
    let order = order(&shape, kept.len(), numbers)?;
    transpose(run, slices.reshape(shape)?, &order)
}

/// From which dimension of batch and window each dimension of the result comes.
fn order(shape: &[usize], window: usize, numbers: &Numbers) -> Result<Vec<usize>> {
    let rank = shape.len();
    let offset = dims(numbers.list(1), rank, "offset_dims")?;
    if offset.len() != window {
        return Err(Error::invalid_argument(format!(
            "{} offset dimensions for slices of {window} dimensions",
            offset.len()
        )));
    }
    if !offset.is_sorted() {
        let text = format!("Output window dimensions in gather op must be ascending; got: {offset:?}.");
        return Err(Error::invalid_argument(text));
    }
    let batch = others(rank, &offset);
    let mut order = vec![0; rank];
    batch.iter().chain(&offset).enumerate().for_each(|(from, &to)| order[to] = from);
    Ok(order)
}

fn arranged(shape: &[usize], order: &[usize]) -> Vec<usize> {
    order.iter().map(|&dim| shape[dim]).collect()
}

/// Vectors of indices, that of each place of the batch after the other.
pub(crate) struct Vectors {
    /// The shape of the batch.
    pub batch: Vec<usize>,
    values: Vec<i64>,
    len: usize,
    /// The dimension of the indices along which a vector lies.
    dim: usize,
}

impl Vectors {
    pub fn of(run: &Run<'_>, indices: &Tensor, numbers: &Numbers) -> Result<Vectors> {
        let rank = indices.rank();
        let dim = usize::try_from(numbers.one(4)).ok().filter(|&dim| dim <= rank).ok_or_else(|| {
            let dim = numbers.one(4);
            Error::invalid_argument(format!(
                "index_vector_dim {dim} is out of range for indices of rank {rank}"
            ))
        })?;
        let mut batch = indices.shape().to_vec();
        let len = if dim == rank { 1 } else { batch.remove(dim) };
        let order: Vec<usize> = (0..rank).filter(|&i| i != dim).chain((dim < rank).then_some(dim)).collect();
        let values = transpose(run, indices.clone(), &order)?.to_i64s()?;
        Ok(Vectors { batch, values, len, dim })
    }

    pub fn count(&self) -> usize {
        self.batch.iter().product()
    }

    /// The index of each vector for each dimension of a tensor.
    pub fn starts(&self, shape: &Shape, numbers: &Numbers) -> Result<Vec<Vec<i64>>> {
        let map = dims(numbers.list(3), shape.rank(), "the dimensions that indices are for")?;
        if map.len() != self.len {
            return Err(Error::invalid_argument(format!(
                "vectors of {} indices for {} dimensions",
                self.len,
                map.len()
            )));
        }
        let mut starts = vec![vec![0; self.count()]; shape.rank()];
        for (i, dim) in map.into_iter().enumerate() {
            starts[dim] = self.values.iter().skip(i).step_by(self.len).copied().collect();
        }
        let batching = dims(numbers.list(5), shape.rank(), "batching dimensions")?;
        let rank = self.batch.len() + usize::from(self.dim <= self.batch.len());
        let along = dims(numbers.list(6), rank, "batching dimensions of the indices")?;
        for (dim, along) in batching.into_iter().zip(along) {
            let along = along - usize::from(along > self.dim);
            let Some(&size) = self.batch.get(along) else { continue };
            let inner: usize = self.batch[along + 1..].iter().product();
            starts[dim] = (0..self.count()).map(|i| (i / inner % size) as i64).collect();
        }
        Ok(starts)
    }
}
