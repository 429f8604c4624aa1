//! Inputs that several random operators take.

use savedmodel_op::{ShapeContext, Variable};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::philox::Philox;

/// The shape that a vector of sizes means.
pub(crate) fn to_shape(sizes: &Tensor) -> Result<Shape> {
    if sizes.rank() != 1 || !matches!(sizes.dtype(), DType::Int32 | DType::Int64) {
        return Err(Error::invalid_argument(format!(
            "shape must be a vector of {{int32,int64}}, got shape {}",
            sizes.shape()
        )));
    }
    let sizes = sizes.to_i64s()?;
    match sizes.iter().find(|&&size| size < 0) {
        Some(size) => Err(Error::invalid_argument(format!("Dimension {size} must be >= 0"))),
        None => Shape::from_i64(&sizes),
    }
}

/// What a vector of sizes at input `i` tells before anything runs.
pub(crate) fn shape_of(ctx: &ShapeContext<'_>, i: usize) -> PartialShape {
    match (ctx.value(i).and_then(|sizes| to_shape(sizes).ok()), ctx.input(i).dim(0)) {
        (Some(shape), _) => (&shape).into(),
        (None, Some(rank)) if rank <= Shape::MAX_RANK => PartialShape::of_rank(rank),
        _ => PartialShape::unknown(),
    }
}

/// The one output has the shape that the first input holds.
pub(crate) fn shaped_by_first(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![shape_of(ctx, 0)])
}

/// A scalar argument.
pub(crate) fn to_scalar<T: savedmodel_tensor::Element>(tensor: &Tensor, position: usize) -> Result<T> {
    match tensor.as_slice::<T>()? {
        &[value] if tensor.rank() == 0 => Ok(value),
        _ => Err(Error::invalid_argument(format!(
            "input {position} (0-based) must have shape [], not {}",
            tensor.shape()
        ))),
    }
}

/// The bounds of integers to draw, checked unless nothing is drawn.
pub(crate) fn to_bounds<T: savedmodel_tensor::Element + PartialOrd + std::fmt::Display>(
    low: &Tensor,
    high: &Tensor,
    len: usize,
) -> Result<Option<(T, T)>> {
    let one = |name: &str, bound: &Tensor| match bound.as_slice::<T>()? {
        &[value] if bound.rank() == 0 => Ok(value),
        _ => Err(Error::invalid_argument(format!("{name} must be 0-D, got shape {}", bound.shape()))),
    };
    let (low, high) = (one("minval", low)?, one("maxval", high)?);
    if len == 0 {
        return Ok(None);
    }
    if low >= high {
        return Err(Error::invalid_argument(format!("Need minval < maxval, got {low} >= {high}")));
    }
    Ok(Some((low, high)))
}

/// The stream that the two numbers of a seed stand for.
pub(crate) fn seeded(seed: &Tensor) -> Result<Philox> {
    if seed.shape()[..] != [2] {
        return Err(Error::invalid_argument(format!("seed must have shape [2], not {}", seed.shape())));
    }
    let [a, b] = match seed.dtype() {
        DType::Int32 => two(seed.as_slice::<i32>()?, |v| v as u64),
        DType::Int64 => two(seed.as_slice::<i64>()?, |v| v as u64),
        other => return Err(Error::invalid_argument(format!("Invalid seed type: {other}"))),
    };
    // One block under a fixed key, so that seeds that differ in one bit give streams that have nothing in common.
    let mix = Philox::new(0x0246_1e29_3ec8_f720, u128::from(a) | u128::from(b) << 64).block().map(u128::from);
    let key = (mix[0] | mix[1] << 32) as u64;
    Ok(Philox::new(key, mix[2] << 64 | mix[3] << 96))
}

fn two<T: Copy>(values: &[T], widen: impl Fn(T) -> u64) -> [u64; 2] {
    [widen(values[0]), widen(values[1])]
}

/// The stream that a key, a counter and the number of an algorithm stand for.
pub(crate) fn keyed(key: &Tensor, counter: &Tensor, algorithm: i64) -> Result<Philox> {
    if key.shape()[..] != [1] {
        return Err(Error::invalid_argument(format!(
            "key must have shape [1], not {}. (Note that batched keys are not supported yet.)",
            key.shape()
        )));
    }
    // TensorFlow takes the number of the algorithm for the size of its counter, and Philox then reads one too many.
    let words = match algorithm {
        PHILOX | AUTO => 2,
        other => other,
    };
    if counter.rank() != 1 || (counter.elements() as i64) < words {
        return Err(Error::invalid_argument(format!(
            "counter must be a vector with length at least {words}; got shape: {}. (Note that batched counters are not \
             supported yet.)",
            counter.shape()
        )));
    }
    if algorithm != PHILOX && algorithm != AUTO {
        return Err(Error::invalid_argument(format!("Unsupported algorithm id: {algorithm}")));
    }
    let counter = counter.as_slice::<u64>()?;
    Ok(Philox::new(key.as_slice::<u64>()?[0], u128::from(counter[0]) | u128::from(counter[1]) << 64))
}

/// The number of the algorithm that is implemented.
pub(crate) const PHILOX: i64 = 1;
/// The number that leaves the choice of the algorithm to the device.
pub(crate) const AUTO: i64 = 3;
const THREE_FRY: i64 = 2;

/// The stream that a variable holds; the variable then holds the one after `outputs` numbers.
///
/// `before` gets the variable's value as it was.
pub(crate) fn from_variable(
    variable: &Variable,
    algorithm: i64,
    outputs: u64,
    before: impl FnOnce(&[i64]),
) -> Result<Philox> {
    check_algorithm(algorithm)?;
    let mut stream = None;
    variable.update(|state| {
        check_state(state)?;
        let words = state.as_mut_slice::<i64>()?;
        stream = Some(advance(words, outputs, before)?);
        Ok(())
    })?;
    stream.ok_or_else(|| Error::internal("a variable was not updated"))
}

/// The same for a variable that begins with the number of the algorithm.
pub(crate) fn from_tagged_variable(variable: &Variable, outputs: u64) -> Result<Philox> {
    let mut stream = None;
    variable.update(|state| {
        check_state(state)?;
        let words = state.as_mut_slice::<i64>()?;
        let Some((&mut algorithm, rest)) = words.split_first_mut() else {
            return Err(Error::invalid_argument("Size of tensor must be at least 1"));
        };
        check_algorithm(algorithm)?;
        stream = Some(advance(rest, outputs, |_| {})?);
        Ok(())
    })?;
    stream.ok_or_else(|| Error::internal("a variable was not updated"))
}

fn check_algorithm(algorithm: i64) -> Result<()> {
    match algorithm {
        PHILOX | AUTO => Ok(()),
        THREE_FRY => Err(Error::unimplemented("Non-XLA devices don't support the ThreeFry algorithm.")),
        other => Err(Error::invalid_argument(format!("Unsupported algorithm id: {other}"))),
    }
}

/// The stream of a state, which then is the one after `outputs` numbers.
fn advance(words: &mut [i64], outputs: u64, before: impl FnOnce(&[i64])) -> Result<Philox> {
    let [low, high, key, ..] = words else {
        return Err(Error::invalid_argument(format!(
            "For the Philox algorithm, the size of state must be at least 3; got {}",
            words.len()
        )));
    };
    let start = Philox::new(*key as u64, u128::from(*low as u64) | u128::from(*high as u64) << 64);
    let next = start.skipped(outputs.wrapping_mul(crate::distribution::RESERVED)).counter();
    before(&[*low, *high, *key]);
    (*low, *high) = (next as u64 as i64, (next >> 64) as u64 as i64);
    Ok(start)
}

fn check_state(state: &Tensor) -> Result<()> {
    if state.dtype() != DType::Int64 {
        return Err(Error::invalid_argument(format!(
            "dtype of RNG state variable must be int64, not {}",
            state.dtype()
        )));
    }
    if state.rank() != 1 {
        return Err(Error::invalid_argument(format!(
            "RNG state must have one and only one dimension, not {}",
            state.rank()
        )));
    }
    Ok(())
}
