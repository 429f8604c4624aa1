//! Bands of matrices.

use savedmodel_math::par;
use savedmodel_op::dtypes::{INDICES, NUMBERS};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor, Unit, by_width};

use crate::dtypes::POD;
use crate::{index, strided};

/// Keeps a band around the main diagonal of matrices and sets the rest to zero.
///
/// A negative number of diagonals keeps that whole triangle.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixBandPart>.
pub const OPS: &[Op] = &[
    Op {
        name: "MatrixBandPart",
        inputs: &["input: T", "num_lower: Tindex", "num_upper: Tindex"],
        outputs: &["band: T"],
        attrs: &["T: type", "Tindex: {int32, int64} = DT_INT64"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(&[("T", POD), ("Tindex", INDICES)], build),
    },
    Op {
        name: "BatchMatrixBandPart",
        inputs: &["input: T", "num_lower: int64", "num_upper: int64"],
        outputs: &["band: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(&[("T", NUMBERS)], build),
    },
];

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let [.., rows, cols] = *input.shape().dims() else {
            let text = format!("input must be at least 2-dim, received shape: {}", input.shape());
            return Err(Error::invalid_argument(text));
        };
        let below = count(ctx.input(1), ("num_lower", "rows", rows))?;
        let above = count(ctx.input(2), ("num_upper", "columns", cols))?;
        let mut output = ctx.take(0);
        let is_whole = |count: i64, most: usize| count < 0 || count == most as i64;
        if !(is_whole(below, rows) && is_whole(above, cols)) {
            let (below, above) = (kept(below, rows), kept(above, cols));
            by_width!(output.dtype(), U => clear::<U>(&mut output, (rows, cols), (below, above)))?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// How many diagonals are asked for on one side.
fn count(t: &Tensor, (name, what, most): (&str, &str, usize)) -> Result<i64> {
    let count = index::scalar(t, || {
        Error::invalid_argument(format!("{name} must be scalar, got shape {}", t.shape()))
    })?;
    if count > most as i64 {
        return Err(Error::invalid_argument(format!(
            "{name} must be negative or less or equal to number of {what} ({most}) got: {count}"
        )));
    }
    Ok(count)
}

/// How many are kept: as many as there may be for a negative number, of which TensorFlow keeps 32 bits.
fn kept(count: i64, most: usize) -> usize {
    usize::try_from(count as i32).map_or(most, |count| count.min(most))
}

fn clear<U: Unit>(
    output: &mut Tensor,
    (rows, cols): (usize, usize),
    (below, above): (usize, usize),
) -> Result<()> {
    let grain = (strided::grain::<U>() / cols.max(1)).max(1);
    par::for_rows_mut(output.units_mut::<U>()?, cols, grain, |first, lines| {
        for (i, line) in lines.chunks_exact_mut(cols).enumerate() {
            let row = (first + i) % rows;
            let start = row.saturating_sub(below).min(cols);
            let end = (row + above + 1).min(cols).max(start);
            line[..start].fill(U::default());
            line[end..].fill(U::default());
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("MatrixBandPart", "", "float[2,2] 1 2 3 4; int64[] 0; int64[] 0", "float[2,2] 1 0 0 4"),
                (
                    "MatrixBandPart",
                    "",
                    "float[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; int32[] 1; int32[] -1",
                    "float[3,4] 1 2 3 4 5 6 7 8 0 10 11 12",
                ),
                (
                    "MatrixBandPart",
                    "",
                    "float[4,2] 1 2 3 4 5 6 7 8; int64[] -5; int64[] 0",
                    "float[4,2] 1 0 3 4 5 6 7 8",
                ),
                (
                    "MatrixBandPart",
                    "",
                    "int8[2,2,2] 1 2 3 4 5 6 7 8; int64[] 0; int64[] 1",
                    "int8[2,2,2] 1 2 0 4 5 6 0 8",
                ),
                (
                    "MatrixBandPart",
                    "",
                    "float[2,2] 1 2 3 4; int64[] -9223372036854775808; int64[] -1",
                    "float[2,2] 1 2 3 4",
                ),
                (
                    "MatrixBandPart",
                    "",
                    "float[2,2] 1 2 3 4; int64[] -9223372036854775808; int64[] 0",
                    "float[2,2] 1 0 0 4",
                ),
                ("MatrixBandPart", "", "bool[0,2]; int64[] 0; int64[] 1", "bool[0,2]"),
                ("BatchMatrixBandPart", "", "float[2,2] 1 2 3 4; int64[] 0; int64[] 0", "float[2,2] 1 0 0 4"),
                (
                    "MatrixBandPart",
                    "",
                    "float[2,2] 1 2 3 4; int64[] 3; int64[] 0",
                    "INVALID_ARGUMENT: num_lower must be negative or less or equal to number of rows (2) got: 3",
                ),
                (
                    "MatrixBandPart",
                    "",
                    "float[2,2] 1 2 3 4; int64[] 0; int64[] 3",
                    "INVALID_ARGUMENT: num_upper must be negative or less or equal to number of columns (2) got: 3",
                ),
                (
                    "MatrixBandPart",
                    "",
                    "float[2,2] 1 2 3 4; int64[1] 0; int64[] 3",
                    "INVALID_ARGUMENT: num_lower must be scalar, got shape [1]",
                ),
                (
                    "MatrixBandPart",
                    "",
                    "float[2] 1 2; int64[] 0; int64[] 3",
                    "INVALID_ARGUMENT: input must be at least 2-dim, received shape: [2]",
                ),
            ],
        );
    }
}
