//! See [`OP`].

use savedmodel_kernels_array::walk;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::calls::{Scalars, transpose};
use crate::gather::{DTYPES, Vectors};
use crate::numbers::{Numbers, dims, others};
use crate::{INDICES, numbers_attr};

/// A tensor whose slices, one for each vector of indices, are combined with updates, in order; slices that leave the tensor
/// are left as they are.
///
/// <https://openxla.org/xla/operation_semantics#scatter>
pub const OP: Op = Op {
    name: "XlaScatter",
    inputs: &["operand: T", "scatter_indices: Tindices", "updates: T"],
    outputs: &["output: T"],
    attrs: &[
        "update_computation: func",
        "dimension_numbers: string",
        "indices_are_sorted: bool",
        numbers_attr!("T" ", bool"),
        INDICES,
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", DTYPES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let numbers = Numbers::of(node, "dimension_numbers")?;
    let combine = Scalars::of(node, "update_computation")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (run, operand) = (ctx.run(), ctx.take(0));
        let vectors = Vectors::of(&run, ctx.input(1), &numbers)?;
        let (updates, window) = windows(&run, &operand, ctx.input(2), (&vectors, &numbers))?;
        let starts = vectors.starts(operand.shape(), &numbers)?;
        let strides = walk::strides(operand.shape());
        let all: Vec<walk::Dim> = window.iter().copied().zip(strides).collect();
        // Windows that are the same or apart are combined whole.
        let apart =
            |(&size, starts): (&usize, &Vec<i64>)| size == 1 || starts.windows(2).all(|s| s[0] == s[1]);
        let whole = window.iter().zip(&starts).all(apart);
        let (dims, inside) = if whole { (&all[..], &[][..]) } else { (&[][..], &all[..]) };
        let targets = targets(&operand, &starts, &window, inside);
        let output = combine_at(&run, &combine, operand, (&targets, updates), dims)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The updates with those of each window together, and the sizes of windows, one for each dimension of the operand.
fn windows(
    run: &Run<'_>,
    operand: &Tensor,
    updates: &Tensor,
    (vectors, numbers): (&Vectors, &Numbers),
) -> Result<(Tensor, Vec<usize>)> {
    let inside = dims(numbers.list(1), updates.rank(), "update_window_dims")?;
    let inserted: Vec<i64> = [numbers.list(2), numbers.list(5)].concat();
    let inserted = dims(&inserted, operand.rank(), "inserted_window_dims")?;
    let outside = others(updates.rank(), &inside);
    let kept = others(operand.rank(), &inserted);
    let size = |dim: &usize| updates.shape()[*dim];
    let fits = kept.len() == inside.len()
        && outside.iter().map(size).eq(vectors.batch.iter().copied())
        && kept.iter().zip(&inside).all(|(&to, from)| size(from) <= operand.shape()[to]);
    if !fits {
        return Err(Error::invalid_argument(format!(
            "updates {} with windows along {inside:?} do not fit operand {} and indices of batch {:?}",
            updates.shape(),
            operand.shape(),
            vectors.batch
        )));
    }
    let mut window = vec![1; operand.rank()];
    kept.iter().zip(&inside).for_each(|(&to, from)| window[to] = size(from));
    let order: Vec<usize> = outside.into_iter().chain(inside).collect();
    Ok((transpose(run, updates.clone(), &order)?, window))
}

/// Where each window begins and the elements along the dimensions `inside` of it; none for windows that leave the operand.
fn targets(
    operand: &Tensor,
    starts: &[Vec<i64>],
    window: &[usize],
    inside: &[walk::Dim],
) -> Vec<Option<usize>> {
    let strides = walk::strides(operand.shape());
    let mut elements = vec![0];
    for &(size, stride) in inside {
        elements = elements.iter().flat_map(|&at| (0..size).map(move |i| at + i * stride as usize)).collect();
    }
    let windows = starts.first().map_or(1, Vec::len);
    let start = |i: usize| {
        let mut place = 0;
        for (dim, starts) in starts.iter().enumerate() {
            let last = operand.shape()[dim] as i64 - window[dim] as i64;
            let start = starts[i];
            if start < 0 || start > last {
                return None;
            }
            place += start as usize * strides[dim] as usize;
        }
        Some(place)
    };
    (0..windows)
        .flat_map(|i| {
            let start = start(i);
            elements.iter().map(move |&at| Some(start? + at))
        })
        .collect()
}

/// A tensor with updates combined with its elements, or with the boxes of some sizes that begin there, one after the other where several go to the same.
pub(crate) fn combine_at(
    run: &Run<'_>,
    combine: &Scalars,
    mut tensor: Tensor,
    (targets, updates): (&[Option<usize>], Tensor),
    dims: &[walk::Dim],
) -> Result<Tensor> {
    let size: usize = dims.iter().map(|dim| dim.0).product();
    let updates = updates.clone().reshape([updates.elements()])?;
    // Each round has at most one update for an element.
    let mut seen = vec![0_usize; tensor.elements()];
    let mut rounds: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for (from, target) in targets.iter().enumerate() {
        let Some(to) = *target else { continue };
        let round = seen[to];
        seen[to] += 1;
        if round == rounds.len() {
            rounds.push(Default::default());
        }
        rounds[round].0.push(from * size);
        rounds[round].1.push(to);
    }
    for (from, to) in rounds {
        let old = walk::read(run, &tensor, &to, dims)?;
        let (shape, len) = (old.shape().clone(), [old.elements()]);
        let new = walk::read(run, &updates, &from, &[(size, 1)])?;
        let arguments = vec![old.reshape(len)?, new.reshape(len)?];
        let results = combine.call(run, arguments, &[tensor.dtype()])?.remove(0).reshape(shape)?;
        walk::put(&mut tensor, &results, &to, dims)?;
    }
    Ok(tensor)
}
