//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::index;

/// Tells, for each number below the length, where in a permutation it stands.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/InvertPermutation>
pub const OP: Op = Op {
    name: "InvertPermutation",
    inputs: &["x: T"],
    outputs: &["y: T"],
    attrs: &["T: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", INDICES)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let output = inverse(ctx.input(0))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn inverse(t: &Tensor) -> Result<Tensor> {
    if t.rank() != 1 {
        return Err(Error::invalid_argument("invert_permutation expects a 1D vector."));
    }
    let len = t.elements();
    let mut places = vec![-1; len];
    for (i, number) in t.to_i64s()?.into_iter().enumerate() {
        let place = usize::try_from(number).ok().and_then(|number| places.get_mut(number));
        let place =
            place.ok_or_else(|| Error::invalid_argument(format!("{number} is not between 0 and {len}")))?;
        if *place != -1 {
            return Err(Error::invalid_argument(format!("{number} is duplicated in the input.")));
        }
        *place = i as i64;
    }
    index::tensor(t.dtype(), [len], &places)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("InvertPermutation", "", "int32[4] 2 0 3 1", "int32[4] 1 3 0 2"),
                ("InvertPermutation", "", "int64[1] 0", "int64[1] 0"),
                ("InvertPermutation", "", "int32[0]", "int32[0]"),
                ("InvertPermutation", "", "int32[2] 0 2", "INVALID_ARGUMENT: 2 is not between 0 and 2"),
                ("InvertPermutation", "", "int32[2] -1 0", "INVALID_ARGUMENT: -1 is not between 0 and 2"),
                ("InvertPermutation", "", "int32[2] 1 1", "INVALID_ARGUMENT: 1 is duplicated in the input."),
                (
                    "InvertPermutation",
                    "",
                    "int32[1,1] 0",
                    "INVALID_ARGUMENT: invert_permutation expects a 1D vector.",
                ),
            ],
        );
    }
}
