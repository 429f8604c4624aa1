//! The rows of a sparse tensor as sparse tensors of their own, and back.

use std::ops::Range;

use rustc_hash::FxHashMap;
use savedmodel_op::Run;
use savedmodel_tensor::{DType, Error, Result, Tensor, Unit, by_unit};

use crate::coo::{Coo, matrix, to_shape, vector};

/// A sparse tensor in order, cut into rows.
pub(crate) struct Minibatch<'a> {
    coo: &'a Coo<'a>,
    rows: FxHashMap<usize, Range<usize>>,
}

impl<'a> Minibatch<'a> {
    /// The rows of a sparse tensor that was checked to be in order.
    pub fn new(coo: &'a Coo<'a>) -> Minibatch<'a> {
        let mut rows: FxHashMap<usize, Range<usize>> = FxHashMap::default();
        for i in 0..coo.len() {
            rows.entry(coo.index(i)[0] as usize).or_insert(i..i).end = i + 1;
        }
        Minibatch { coo, rows }
    }

    /// Whether a row has no values.
    pub fn is_empty(&self, row: usize) -> bool {
        !self.rows.contains_key(&row)
    }

    /// Indices and values of a row.
    pub fn row(&self, row: usize, run: &Run<'_>) -> Result<(Tensor, Tensor)> {
        let range = self.rows.get(&row).cloned().unwrap_or(0..0);
        let inner = range.clone().flat_map(|i| &self.coo.index(i)[1..]).copied().collect();
        let indices = matrix(range.len(), self.coo.rank() - 1, inner)?;
        let mut values = run.allocate(self.coo.values.dtype(), [range.len()])?;
        let parts = self.coo.values.rows(range.start, range.end)?;
        by_unit!(values.dtype(), U => values.units_mut::<U>()?.clone_from_slice(parts.units()?));
        Ok((indices, values))
    }

    /// The dense shape of each row.
    pub fn shape(&self) -> Result<Tensor> {
        vector(self.coo.sizes[1..].to_vec())
    }
}

/// A sparse tensor that holds its parts.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub indices: Tensor,
    pub values: Tensor,
    pub sizes: Vec<i64>,
}

/// The sparse tensor whose rows these are, in dimensions `outer` (as many rows as there are parts) before their own.
///
/// Each of their dimensions is as large as the largest. Nothing is put in order.
///
/// # Errors
/// `INVALID_ARGUMENT` when their ranks or dtypes differ.
pub(crate) fn stack(parts: &[Part], outer: &[usize], dtype: DType, run: &Run<'_>) -> Result<[Tensor; 3]> {
    fn join<U: Unit>(values: &mut Tensor, parts: &[Part]) -> Result<()> {
        let mut rest = values.units_mut::<U>()?;
        for part in parts {
            let (own, after) = rest.split_at_mut(part.values.elements());
            own.clone_from_slice(part.values.units()?);
            rest = after;
        }
        Ok(())
    }
    let rank = parts.first().map_or(0, |part| part.sizes.len());
    let mut sizes = vec![0_i64; rank];
    for (i, part) in parts.iter().enumerate() {
        if part.sizes.len() != rank {
            return Err(Error::invalid_argument(format!(
                "Inconsistent shape across SparseTensors: rank prior to SparseTensor[{i}] was: {rank} but rank of \
                 SparseTensor[{i}] is: {}",
                part.sizes.len()
            )));
        }
        if part.values.dtype() != dtype {
            return Err(Error::invalid_argument(format!(
                "Requested SparseTensor of type {dtype} but SparseTensor[{i}].values.dtype() == {}",
                part.values.dtype()
            )));
        }
        to_shape(&part.sizes)?;
        sizes.iter_mut().zip(&part.sizes).for_each(|(size, &own)| *size = own.max(*size));
    }
    let count: usize = parts.iter().map(|part| part.values.elements()).sum();
    let mut indices = Vec::with_capacity(count * (outer.len() + rank));
    for (row, part) in parts.iter().enumerate() {
        let mut place = vec![0_i64; outer.len()];
        let mut rest = row;
        for (place, &size) in place.iter_mut().zip(outer).rev() {
            *place = (rest % size) as i64;
            rest /= size;
        }
        let own = part.indices.as_slice::<i64>()?;
        for i in 0..part.values.elements() {
            indices.extend_from_slice(&place);
            indices.extend_from_slice(&own[i * rank..(i + 1) * rank]);
        }
    }
    let mut values = run.allocate(dtype, [count])?;
    by_unit!(dtype, U => join::<U>(&mut values, parts))?;
    let sizes = outer.iter().map(|&size| size as i64).chain(sizes).collect();
    Ok([matrix(count, outer.len() + rank, indices)?, values, vector(sizes)?])
}
