//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::dtypes::{INDICES, POD_AND_POINTERS};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit, by_unit};

use crate::{index, strided};

/// Shifts elements along axes; what leaves at one end comes in at the other.
///
/// Shifts of an axis that is named more than once add up.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Roll>
pub const OP: Op = Op {
    name: "Roll",
    inputs: &["input: T", "shift: Tshift", "axis: Taxis"],
    outputs: &["output: T"],
    attrs: &["T: type", "Tshift: {int32, int64}", "Taxis: {int32, int64}"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", POD_AND_POINTERS), ("Tshift", INDICES), ("Taxis", INDICES)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shifts = shifts(ctx)?;
        let output = match shifts.iter().rposition(|&shift| shift != 0) {
            Some(last) => by_unit!(ctx.input(0).dtype(), U => roll::<U>(ctx, &shifts[..=last]))?,
            None => ctx.take(0),
        };
        ctx.set(0, output);
        Ok(())
    }))
}

/// How far each axis moves, below its length.
fn shifts(ctx: &Context<'_>) -> Result<Vec<usize>> {
    let (input, shift, axis) = (ctx.input(0).shape(), ctx.input(1), ctx.input(2));
    if input.rank() == 0 {
        return Err(Error::invalid_argument("input must be 1-D or higher"));
    }
    for (name, t) in [("shift", shift), ("axis", axis)] {
        if t.rank() > 1 {
            let text = format!("{name} must be a scalar or a 1-D vector. Found: {}", t.shape());
            return Err(Error::invalid_argument(text));
        }
    }
    if shift.shape() != axis.shape() {
        return Err(Error::invalid_argument("shift and axis must have the same size"));
    }
    let mut shifts = vec![0; input.rank()];
    for (shift, axis) in shift.to_i64s()?.into_iter().zip(axis.to_i64s()?) {
        let place = index::axis(axis, input.rank())
            .ok_or_else(|| Error::invalid_argument(format!("axis {axis} is out of range")))?;
        let len = input[place].max(1) as i64;
        // TensorFlow adds up 32 bits.
        let sum = (shifts[place] as i32).wrapping_add(shift as i32);
        shifts[place] = i64::from(sum).rem_euclid(len) as usize;
    }
    Ok(shifts)
}

/// Moves whole lines along the innermost axis that is shifted, in two pieces each.
fn roll<U: Unit>(ctx: &Context<'_>, shifts: &[usize]) -> Result<Tensor> {
    let input = ctx.input(0);
    let shape = input.shape();
    let mut output = ctx.allocate(input.dtype(), shape)?;
    let last = shifts.len() - 1;
    let inner: usize = shape[last + 1..].iter().product();
    let line = shape[last] * inner;
    let (out, src) = (output.units_mut::<U>()?, input.units::<U>()?);
    par::for_rows_mut(out, line, (strided::grain::<U>() / line.max(1)).max(1), |first, lines| {
        for (i, out) in lines.chunks_exact_mut(line).enumerate() {
            let from = source(shape, &shifts[..last], first + i);
            let (head, tail) = src[from * line..][..line].split_at(line - shifts[last] * inner);
            out[..tail.len()].clone_from_slice(tail);
            out[tail.len()..].clone_from_slice(head);
        }
    });
    Ok(output)
}

/// The line that comes to stand at number `line`.
fn source(shape: &Shape, shifts: &[usize], mut line: usize) -> usize {
    let (mut from, mut stride) = (0, 1);
    for (&shift, &len) in shifts.iter().zip(shape.dims()).rev() {
        from += (line % len + len - shift) % len * stride;
        line /= len;
        stride *= len;
    }
    from
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Roll", "", "float[4] 1 2 3 4; int32[] 1; int32[] 0", "float[4] 4 1 2 3"),
                ("Roll", "", "float[2,3] 1 2 3 4 5 6; int32[2] 1 1; int64[2] 0 -1", "float[2,3] 6 4 5 3 1 2"),
                (
                    "Roll",
                    "",
                    "string[2,2] 'a' 'b' 'c' 'd'; int64[] -1; int32[] 0",
                    "string[2,2] 'c' 'd' 'a' 'b'",
                ),
                ("Roll", "", "float[4] 1 2 3 4; int32[2] 1 2; int32[2] 0 0", "float[4] 2 3 4 1"),
                (
                    "Roll",
                    "",
                    "int8[3,1,2] 1 2 3 4 5 6; int32[2] 2 5; int32[2] 0 1",
                    "int8[3,1,2] 3 4 5 6 1 2",
                ),
                ("Roll", "", "float[4] 1 2 3 4; int32[] -5; int32[] -1", "float[4] 2 3 4 1"),
                ("Roll", "", "float[0]; int32[] 1; int32[] 0", "float[0]"),
                (
                    "Roll",
                    "",
                    "float[4] 1 2 3 4; int32[2] 1 2; int32[1] 0",
                    "INVALID_ARGUMENT: shift and axis must have the same size",
                ),
                (
                    "Roll",
                    "",
                    "float[4] 1 2 3 4; int32[1,1] 1; int32[1] 0",
                    "INVALID_ARGUMENT: shift must be a scalar or a 1-D vector. Found: [1,1]",
                ),
                (
                    "Roll",
                    "",
                    "float[4] 1 2 3 4; int32[1] 1; int32[1,1] 0",
                    "INVALID_ARGUMENT: axis must be a scalar or a 1-D vector. Found: [1,1]",
                ),
                (
                    "Roll",
                    "",
                    "float[] 1; int32[] 1; int32[] 0",
                    "INVALID_ARGUMENT: input must be 1-D or higher",
                ),
                (
                    "Roll",
                    "",
                    "float[4] 1 2 3 4; int32[] 1; int32[] 1",
                    "INVALID_ARGUMENT: axis 1 is out of range",
                ),
            ],
        );
    }
}
