//! Diagonals taken out of matrices.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, Unit, by_width};

use crate::diagonals::{Align, Band};
use crate::dtypes::POD;
use crate::{index, strided};

/// Takes the main diagonal (`MatrixDiagPart`) or a range of diagonals out of matrices.
///
/// A range is packed into rows, highest diagonal first, and short ones are padded.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixDiagPartV3>.
pub const OPS: &[Op] = &[
    main("MatrixDiagPart"),
    main("BatchMatrixDiagPart"),
    band("MatrixDiagPartV2", &["T: type"]),
    band(
        "MatrixDiagPartV3",
        &["T: type", "align: {'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'"],
    ),
];

const fn main(name: &'static str) -> Op {
    Op { name, inputs: &["input: T"], ..band(name, &["T: type"]) }
}

const fn band(name: &'static str, attrs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs: &["input: T", "k: int32", "padding_value: T"],
        outputs: &["diagonal: T"],
        attrs,
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", POD)], build),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    if ctx.inputs.len() > 2 {
        index::of_rank(ctx, 2, 0)?;
    }
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    let [batch @ .., rows, cols] = dims else { return Err(no_matrix(&input)) };
    let band = match (ctx.inputs.len(), ctx.value(1)) {
        (1, _) => Band::MAIN,
        (_, Some(k)) => Band::of(k)?,
        _ => return Ok(vec![PartialShape::unknown()]),
    };
    let longest = rows.zip(*cols).map(|(rows, cols)| band.longest(rows, cols));
    let count = (band.count() > 1).then_some(Some(band.count()));
    Ok(vec![PartialShape::new(batch.iter().copied().chain(count).chain([longest]))])
}

/// The error for an input without rows and columns.
pub(crate) fn no_matrix(shape: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("input must be at least 2-dim, received shape: {shape}"))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (align, has_band) = (Align::of(node)?, node.inputs.len() > 1);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let band = if has_band { Band::of(ctx.input(1))? } else { Band::MAIN };
        let input = ctx.input(0);
        let [.., rows, cols] = *input.shape().dims() else { return Err(no_matrix(input.shape())) };
        band.check(rows, cols)?;
        let padding = has_band.then(|| ctx.input(2));
        let output = by_width!(input.dtype(), U => take::<U>(ctx, (band, align), padding))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn take<U: Unit>(
    ctx: &Context<'_>,
    (band, align): (Band, Align),
    padding: Option<&Tensor>,
) -> Result<Tensor> {
    let input = ctx.input(0);
    let [.., rows, cols] = *input.shape().dims() else { return Err(no_matrix(input.shape())) };
    let padding = match padding {
        Some(padding) => {
            let value = padding.units::<U>()?.first().filter(|_| padding.elements() == 1).cloned();
            value.ok_or_else(|| Error::invalid_argument("Padding must be scalar."))?
        }
        None => U::default(),
    };
    let longest = band.longest(rows, cols);
    let mut output = ctx.allocate(input.dtype(), band.packed_shape(input.shape()))?;
    let each = band.count() * longest;
    let (out, src) = (output.units_mut::<U>()?, input.units::<U>()?);
    par::for_rows_mut(out, each, (strided::grain::<U>() / each.max(1)).max(1), |first, packed| {
        for (i, packed) in packed.chunks_exact_mut(each).enumerate() {
            let matrix = &src[(first + i) * rows * cols..][..rows * cols];
            packed.fill(padding.clone());
            for d in band.diagonals((rows, cols), longest, align) {
                let values = matrix.iter().skip(d.matrix).step_by(cols + 1);
                packed[d.packed..][..d.len].iter_mut().zip(values).for_each(|(o, v)| *o = v.clone());
            }
        }
    });
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        ("MatrixDiagPart", "", "float[2,3] 1 2 3 4 5 6", "float[2] 1 5"),
        ("BatchMatrixDiagPart", "", "float[2,3] 1 2 3 4 5 6", "float[2] 1 5"),
        (
            "MatrixDiagPartV2",
            "",
            "complex64[2,2] 1+1i 2+1i 3+1i 4+1i; int32[] 1; complex64[] 9+0i",
            "complex64[1] 2+1i",
        ),
        (
            "MatrixDiagPartV2",
            "",
            "float[2,3] 1 2 3 4 5 6; int32[2] -1 1; float[] 9",
            "float[3,2] 2 6 1 5 4 9",
        ),
        (
            "MatrixDiagPartV3",
            "",
            "float[2,3] 1 2 3 4 5 6; int32[2] -1 1; float[] 9",
            "float[3,2] 2 6 1 5 4 9",
        ),
        (
            "MatrixDiagPartV3",
            "align=LEFT_LEFT",
            "float[2,3] 1 2 3 4 5 6; int32[2] -1 2; float[] 9",
            "float[4,2] 3 9 2 6 1 5 4 9",
        ),
        (
            "MatrixDiagPartV3",
            "align=RIGHT_RIGHT",
            "float[2,3] 1 2 3 4 5 6; int32[2] -1 2; float[] 9",
            "float[4,2] 9 3 2 6 1 5 9 4",
        ),
        (
            "MatrixDiagPartV3",
            "align=LEFT_RIGHT",
            "float[3,2] 1 2 3 4 5 6; int32[2] -2 1; float[] 9",
            "float[4,2] 2 9 1 4 3 6 9 5",
        ),
        (
            "MatrixDiagPartV3",
            "",
            "float[2,2,3] 1 2 3 4 5 6 7 8 9 10 11 12; int32[2] 0 1; float[] 0",
            "float[2,2,2] 2 6 1 5 8 12 7 11",
        ),
        ("MatrixDiagPartV3", "", "float[0,3]; int32[] 0; float[] 9", "float[0]"),
        (
            "MatrixDiagPart",
            "",
            "float[3] 1 2 3",
            "INVALID_ARGUMENT: input must be at least 2-dim, received shape: [3]",
        ),
        (
            "MatrixDiagPartV3",
            "",
            "float[2,3] 1 2 3 4 5 6; int32[2] -2 1; float[] 9",
            "INVALID_ARGUMENT: lower_diag_index is out of bound: -2. It must be between -2 and 3",
        ),
        ("MatrixDiagPartV3", "", "float[2,3] 1 2 3 4 5 6; int32[2] -1 3; float[] 9", "INVALID_ARGUMENT"),
        (
            "MatrixDiagPartV3",
            "",
            "float[2,3] 1 2 3 4 5 6; int32[1,1] 1; float[] 9",
            "INVALID_ARGUMENT: diag_index must be a scalar or vector, received shape: [1,1]",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
