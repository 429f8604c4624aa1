//! Functions of one string, applied to all strings of a tensor, in parallel.

use savedmodel_math::par;
use savedmodel_op::Context;
use savedmodel_tensor::{Bytes, DType, Element, Result, Tensor};

/// Time that a look at one string takes, in nanoseconds.
pub const CHEAP: f64 = 50.0;
/// Time that making a new string takes, in nanoseconds.
pub const COPY: f64 = 200.0;

/// Input `i` with `f` applied to each string; in place when the input's memory is free.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn strings(
    ctx: &mut Context<'_>,
    i: usize,
    ns: f64,
    f: impl Fn(&Bytes) -> Bytes + Sync,
) -> Result<Tensor> {
    let shape = ctx.input(i).shape().clone();
    if let Some(mut tensor) = ctx.forward(i, DType::String, &shape) {
        par::for_chunks_mut(tensor.units_mut::<Bytes>()?, par::grain(ns), |_, chunk| {
            chunk.iter_mut().for_each(|string| *string = f(string));
        });
        return Ok(tensor);
    }
    let mut out = ctx.allocate(DType::String, shape)?;
    par::for_zip(out.units_mut::<Bytes>()?, ctx.input(i).strings()?, par::grain(ns), |out, strings| {
        for (out, string) in out.iter_mut().zip(strings) {
            *out = f(string);
        }
    });
    Ok(out)
}

/// The results of `f(number, string)`, in order; of several errors the first.
///
/// # Errors
/// Those of `f`.
pub fn results<T: Send>(
    strings: &[Bytes],
    ns: f64,
    f: impl Fn(usize, &Bytes) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let parts = par::map_chunks(strings.len(), par::grain(ns), |range| {
        range.map(|i| f(i, &strings[i])).collect::<Result<Vec<T>>>()
    });
    let mut all = Vec::with_capacity(strings.len());
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}

/// A tensor of the numbers that `f` gives for each string of input `i`.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn numbers<T: Element>(ctx: &Context<'_>, i: usize, f: impl Fn(&Bytes) -> T + Sync) -> Result<Tensor> {
    let input = ctx.input(i);
    let mut out = ctx.allocate(T::DTYPE, input.shape())?;
    par::for_zip(out.as_mut_slice::<T>()?, input.strings()?, par::grain(CHEAP), |out, strings| {
        for (out, string) in out.iter_mut().zip(strings) {
            *out = f(string);
        }
    });
    Ok(out)
}
