//! What the loops of recurrent layers share: how often they turn, the list that they write, and the shapes.

use std::borrow::Cow;
use std::sync::Arc;

use savedmodel_math::gemm::{PackedB, View};
use savedmodel_op::{Construction, Context, shape};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::tensor_list::{TensorList, list_of, to_integer};

/// Where the inputs of a recurrent loop stand, and what is known of it when the kernel is made.
///
/// First come the list, if one is written, and the sequence; last the index of the first element and the counters with their
/// limits.
pub(crate) struct Recurrent {
    /// Whether outputs go to a list.
    pub has_list: bool,
    /// Where in the list each output goes, unless each has a place of its own.
    at: Option<i32>,
    counters: usize,
    weights: Option<Arc<PackedB<f32>>>,
}

/// How a call of the loop goes.
pub(crate) struct Turns {
    /// How often the loop turns.
    pub count: usize,
    /// The element of the sequence, and of the list, that the first turn takes.
    pub first: usize,
}

impl Recurrent {
    /// Reads the attributes, and packs the weights, input `weights`, if they are known.
    pub fn new(node: &Construction<'_>, weights: usize) -> Result<Recurrent> {
        let (lists, at): (usize, i64) = (node.attr("L")?, node.attr("at")?);
        let has_list = match lists {
            0 | 1 => lists == 1,
            _ => return Err(node.unimplemented("L")),
        };
        let at = match at {
            -1 => None,
            at => Some(i32::try_from(at).map_err(|_| node.unimplemented("at"))?),
        };
        let weights = node.constant(usize::from(has_list) + weights).map(pack).transpose()?;
        Ok(Recurrent { has_list, at, counters: node.attr("N")?, weights: weights.map(Arc::new) })
    }

    /// The weights, input `i` after the list.
    pub fn weights(&self, ctx: &Context<'_>, i: usize) -> Result<Arc<PackedB<f32>>> {
        match &self.weights {
            Some(weights) => Ok(Arc::clone(weights)),
            None => pack(ctx.input(usize::from(self.has_list) + i)).map(Arc::new),
        }
    }

    /// How often the loop turns: as long as each counter is below its limit.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a turn would take an element that the sequence or the list does not have.
    pub fn turns(&self, ctx: &Context<'_>) -> Result<Turns> {
        let integer = |i: usize| {
            let scalar = |shape: &Shape| format!("The loop condition must be a scalar, got shape {shape}");
            to_integer(ctx.input(i), scalar).map(i64::from)
        };
        let limits = ctx.input_len() - self.counters;
        let (starts, sequence) = (limits - self.counters, usize::from(self.has_list));
        let first = integer(starts - 1)?;
        let mut count = i64::from(u32::MAX);
        for i in 0..self.counters {
            count = count.min(integer(limits + i)? - integer(starts + i)?).max(0);
        }
        let len = ctx.input(sequence).shape().first().map_or(0, |&len| len as i64);
        // The turn that takes what is not there.
        let fails = |first: i64, len: i64| if first < 0 { 0 } else { (len - first).max(0) };
        let read = fails(first, len);
        if self.has_list {
            let list = list_of(ctx, 0, DType::Float)?.elements.len() as i64;
            let (write, index) = match self.at.map(i64::from) {
                Some(at) => (if at < list { i64::MAX } else { 0 }, at),
                None => (fails(first, list), first + fails(first, list)),
            };
            if write < count.min(read) {
                return Err(Error::invalid_argument(format!(
                    "Trying to modify element {index} in a list with {list} elements."
                )));
            }
        }
        if read < count {
            return Err(Error::invalid_argument(format!(
                "Trying to access element {} in a list with {len} elements.",
                first + read
            )));
        }
        Ok(Turns { count: count as usize, first: first.max(0) as usize })
    }

    /// Puts the outputs, a tensor of one row for each turn, into the list that is input 0.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they have another shape than the list's elements.
    pub fn write(&self, ctx: &mut Context<'_>, turns: &Turns, outputs: &Tensor) -> Result<Tensor> {
        let mut handle = ctx.take(0);
        let list = TensorList::of_mut(&mut handle)?;
        let item = Shape::from(&outputs.shape()[1..]);
        if !list.shape.accepts(&item) {
            return Err(Error::invalid_argument(format!(
                "Tried to set a tensor with incompatible shape at a list index. Item element shape: {item} list shape: {}",
                list.shape
            )));
        }
        match self.at {
            Some(at) => list.elements[at as usize] = Some(outputs.row(turns.count - 1)?),
            None => {
                for turn in 0..turns.count {
                    list.elements[turns.first + turn] = Some(outputs.row(turn)?);
                }
            }
        }
        Ok(handle)
    }
}

/// Which part of a row is which gate.
///
/// # Errors
/// `UNIMPLEMENTED` when the attribute names other parts than there are.
pub(crate) fn order<const GATES: usize>(node: &Construction<'_>) -> Result<[usize; GATES]> {
    let order: Vec<usize> = node.attr("order")?;
    let order = order.try_into().ok().filter(|order: &[usize; GATES]| order.iter().all(|&gate| gate < GATES));
    order.ok_or_else(|| node.unimplemented("order"))
}

fn pack(weights: &Tensor) -> Result<PackedB<f32>> {
    let &[k, n] = weights.shape().dims() else {
        return Err(Error::invalid_argument(format!("weights must be a matrix, got {}", weights.describe())));
    };
    let packed = PackedB::new(k, n, View::new(weights.as_slice()?, n));
    weights.release_pages();
    Ok(packed)
}

/// Rows and units of one step: what the sequence, the outputs and the states broadcast to.
///
/// # Errors
/// `INVALID_ARGUMENT` when they don't, or do not fit `weights`; `UNIMPLEMENTED` when a state has more dimensions.
pub(crate) fn step_shape(
    sequence: &Tensor,
    weights: &PackedB<f32>,
    h: &Tensor,
    others: &[&Tensor],
) -> Result<Shape> {
    let (&[_, rows, columns], &[h_rows, units]) = (sequence.shape().dims(), h.shape().dims()) else {
        return Err(Error::invalid_argument(format!(
            "In[0] and In[1] ndims must be == 2: {} and {}",
            sequence.describe(),
            h.describe()
        )));
    };
    if units != weights.k() {
        return Err(Error::invalid_argument(format!(
            "Matrix size-incompatible: In[0]: {}, In[1]: [{},{}]",
            h.shape(),
            weights.k(),
            weights.n()
        )));
    }
    let gates =
        shape::broadcast_known(&Shape::from(&[rows, columns][..]), &Shape::from(&[h_rows, weights.n()][..]))?;
    let mut step = Shape::from(&[gates[0], units][..]);
    for other in others {
        step = shape::broadcast_known(&step, other.shape())?;
    }
    match step.dims() {
        &[_, last] if last == units && columns == weights.n() => Ok(step),
        _ => Err(Error::unimplemented(format!("a loop of steps of shape {step} with {units} units"))),
    }
}

/// The rows of a matrix, or of a sequence of matrices, repeated to as many columns and rows as `step` has.
pub(crate) fn spread<'a>(tensor: &'a Tensor, [rows, columns]: [usize; 2]) -> Result<Cow<'a, [f32]>> {
    let (data, dims) = (tensor.as_slice::<f32>()?, tensor.shape().dims());
    let own_columns = dims.last().copied().unwrap_or(1);
    let own_rows = dims.len().checked_sub(2).map_or(1, |axis| dims[axis]);
    if (own_rows, own_columns) == (rows, columns) {
        return Ok(data.into());
    }
    let matrix = (own_rows * own_columns).max(1);
    let mut wide = Vec::with_capacity(data.len() / matrix * rows * columns);
    for part in data.chunks_exact(matrix) {
        for row in 0..rows {
            let row = &part[if own_rows == 1 { 0 } else { row } * own_columns..][..own_columns];
            wide.extend((0..columns).map(|column| row[if own_columns == 1 { 0 } else { column }]));
        }
    }
    Ok(wide.into())
}
