//! What the fused recurrent cells share: gates that lie side by side, and the loops over them.

use savedmodel_math::simd::{self, Isa, Kernel};
use savedmodel_op::{Context, shape};
use savedmodel_tensor::{Error, Result, Shape, Tensor};
use smallvec::SmallVec;

/// Tensors whose sum is cut into gates along an axis.
pub struct Gates<'a> {
    addends: SmallVec<[std::borrow::Cow<'a, [f32]>; 4]>,
    /// The shape of one gate.
    pub shape: Shape,
    /// Elements of one gate in a row.
    pub unit: usize,
    count: usize,
}

impl<'a> Gates<'a> {
    /// `count` gates along `axis` of the sum of some inputs.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the inputs do not broadcast, or the axis is not there or can't be cut into so many parts.
    pub fn new(
        ctx: &'a Context<'_>,
        inputs: std::ops::Range<usize>,
        axis: i64,
        count: usize,
    ) -> Result<Gates<'a>> {
        let mut whole = ctx.input(inputs.start).shape().clone();
        for i in inputs.clone().skip(1) {
            if ctx.input(i).shape() != &whole {
                whole = shape::broadcast_known(&whole, ctx.input(i).shape())?;
            }
        }
        let rank = whole.rank();
        let place = if axis < 0 { axis + rank as i64 } else { axis };
        let axis =
            usize::try_from(place).ok().filter(|&axis| axis < rank && whole[axis].is_multiple_of(count));
        let axis = axis.ok_or_else(|| {
            Error::invalid_argument(format!(
                "split_dim {place} of shape {whole} can't be cut into {count} parts"
            ))
        })?;
        let mut gate = whole.clone();
        gate.dims_mut()[axis] /= count;
        let unit = gate[axis..].iter().product();
        let mut addends = SmallVec::new();
        for i in inputs {
            let data = ctx.input(i).as_slice::<f32>()?;
            // What is as large as the sum, or as one of its rows, is read where it lies.
            let is_row = axis + 1 == rank && ctx.input(i).shape().last() == Some(&data.len());
            let fits = data.len() == whole.elements() || is_row && data.len() == count * unit;
            addends.push(if fits { data.into() } else { spread(ctx.input(i), &whole)?.into() });
        }
        Ok(Gates { addends, shape: gate, unit, count })
    }

    /// The sums of a row, all gates one after the other.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let len = self.count * self.unit;
        for (i, addend) in self.addends.iter().enumerate() {
            let part = if addend.len() == len { &addend[..] } else { &addend[row * len..][..len] };
            match i {
                0 => out.copy_from_slice(part),
                _ => simd::dispatch(Add(part, out)),
            }
        }
    }
}

/// An input of a cell that stands beside a gate.
///
/// # Errors
/// `UNIMPLEMENTED` when it is larger than the gate; `INVALID_ARGUMENT` when they do not fit together.
pub fn beside<'a>(state: &'a Tensor, gate: &Shape) -> Result<std::borrow::Cow<'a, [f32]>> {
    if state.shape() == gate {
        return Ok(state.as_slice::<f32>()?.into());
    }
    if shape::broadcast_known(state.shape(), gate)? != *gate {
        return Err(Error::unimplemented(format!("a state of shape {} for gates of {gate}", state.shape())));
    }
    Ok(spread(state, gate)?.into())
}

/// A copy of a tensor as large as `shape`, which it broadcasts to.
fn spread(tensor: &Tensor, shape: &Shape) -> Result<Vec<f32>> {
    let data = tensor.as_slice::<f32>()?;
    let skipped = shape.rank() - tensor.rank();
    let place = |mut at: usize| {
        let (mut place, mut step) = (0, 1);
        for (axis, &size) in tensor.shape().iter().enumerate().rev() {
            let inner: usize = shape[skipped + axis];
            if size != 1 {
                place += at % inner * step;
            }
            (at, step) = (at / inner, step * size);
        }
        place
    };
    Ok((0..shape.elements()).map(|at| data[place(at)]).collect())
}

struct Add<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.1.iter_mut().zip(self.0).for_each(|(sum, x)| *sum += x);
    }
}
