//! Diagonals put into matrices.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit, by_width};

use crate::diagonals::{Align, Band};
use crate::dtypes::POD;
use crate::matrix_diag_part::no_matrix;

/// Replaces the main diagonal (`MatrixSetDiag`) or a range of diagonals of matrices.
///
/// Writes into the input's memory when nobody else needs it.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixSetDiagV3>.
pub const OPS: &[Op] = &[
    main("MatrixSetDiag"),
    main("BatchMatrixSetDiag"),
    band("MatrixSetDiagV2", &["T: type"]),
    band(
        "MatrixSetDiagV3",
        &["T: type", "align: {'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'"],
    ),
];

const fn main(name: &'static str) -> Op {
    Op { name, inputs: &["input: T", "diagonal: T"], ..band(name, &["T: type"]) }
}

const fn band(name: &'static str, attrs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs: &["input: T", "diagonal: T", "k: int32"],
        outputs: &["output: T"],
        attrs,
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(&[("T", POD)], build),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (align, has_band) = (Align::of(node)?, node.inputs.len() > 2);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let band = if has_band { Band::of(ctx.input(2))? } else { Band::MAIN };
        check(band, ctx.input(0).shape(), ctx.input(1).shape())?;
        let mut output = ctx.take(0);
        if output.elements() > 0 {
            by_width!(output.dtype(), U => put::<U>(&mut output, ctx.input(1), (band, align)))?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn check(band: Band, input: &Shape, diagonal: &Shape) -> Result<()> {
    let [.., rows, cols] = *input.dims() else { return Err(no_matrix(input)) };
    if diagonal.rank() == 0 {
        return Err(Error::invalid_argument(format!(
            "diagonal must be at least 1-dim, received shape: {diagonal}"
        )));
    }
    band.check(rows, cols)?;
    let rank = diagonal.rank();
    if band.count() > 1 && (rank < 2 || diagonal[rank - 2] != band.count()) {
        return Err(Error::invalid_argument(
            "The number of diagonals provided in `diag` is not consistent with `lower_diag_index` and \
             `upper_diag_index`",
        ));
    }
    let expected = band.packed_shape(input);
    if *diagonal != expected {
        return Err(Error::invalid_argument(format!(
            "Either first dimensions of diagonal don't match input.shape[:-2], or diagonal.shape[:-1] is not equal to \
             the longests diagonal in range [lower_diag_index:upper_diag_index].\nInput shape: {input}\nDiagonal \
             shape: {diagonal}\nExpected diagonal shape: {expected}"
        )));
    }
    Ok(())
}

fn put<U: Unit>(output: &mut Tensor, packed: &Tensor, (band, align): (Band, Align)) -> Result<()> {
    let [.., rows, cols] = *output.shape().dims() else { return Err(no_matrix(output.shape())) };
    let longest = band.longest(rows, cols);
    let each = band.count() * longest;
    let src = packed.units::<U>()?;
    let matrices = output.units_mut::<U>()?.chunks_exact_mut(rows * cols);
    for (i, matrix) in matrices.enumerate() {
        let packed = &src[i * each..][..each];
        for d in band.diagonals((rows, cols), longest, align) {
            let places = matrix.iter_mut().skip(d.matrix).step_by(cols + 1);
            places.zip(&packed[d.packed..][..d.len]).for_each(|(o, v)| *o = v.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        ("MatrixSetDiag", "", "float[2,3] 1 2 3 4 5 6; float[2] 8 9", "float[2,3] 8 2 3 4 9 6"),
        ("BatchMatrixSetDiag", "", "float[1,2] 1 2; float[1] 8", "float[1,2] 8 2"),
        (
            "MatrixSetDiag",
            "",
            "bool[1,2,2] true true false false; bool[1,2] false true",
            "bool[1,2,2] false true false true",
        ),
        ("MatrixSetDiagV2", "", "float[2,3] 1 2 3 4 5 6; float[2] 8 9; int32[] 1", "float[2,3] 1 8 3 4 5 9"),
        (
            "MatrixSetDiagV2",
            "",
            "float[2,3] 1 2 3 4 5 6; float[2,2] 8 9 10 11; int32[2] 1 2",
            "float[2,3] 1 10 8 4 5 11",
        ),
        (
            "MatrixSetDiagV3",
            "",
            "float[2,3] 1 2 3 4 5 6; float[2,2] 8 9 10 11; int32[2] 1 2",
            "float[2,3] 1 10 9 4 5 11",
        ),
        (
            "MatrixSetDiagV3",
            "align=LEFT_LEFT",
            "float[2,3] 1 2 3 4 5 6; float[2,2] 8 9 10 11; int32[2] 1 2",
            "float[2,3] 1 10 8 4 5 11",
        ),
        ("MatrixSetDiagV3", "", "float[0,3]; float[0]; int32[] 0", "float[0,3]"),
        (
            "MatrixSetDiag",
            "",
            "float[2,3] 1 2 3 4 5 6; float[3] 8 9 7",
            "INVALID_ARGUMENT: Either first dimensions of diagonal don't match input.shape[:-2], or diagonal.shape[:-1] is not equal to the longests diagonal in range [lower_diag_index:upper_diag_index].\nInput shape: [2,3]\nDiagonal shape: [3]\nExpected diagonal shape: [2]",
        ),
        (
            "MatrixSetDiag",
            "",
            "float[3] 1 2 3; float[3] 8 9 7",
            "INVALID_ARGUMENT: input must be at least 2-dim, received shape: [3]",
        ),
        (
            "MatrixSetDiagV3",
            "",
            "float[2,3] 1 2 3 4 5 6; float[3,2] 8 9 10 11 1 1; int32[2] 1 2",
            "INVALID_ARGUMENT: The number of diagonals provided in `diag` is not consistent with `lower_diag_index` and `upper_diag_index`",
        ),
        ("MatrixSetDiagV3", "", "float[2,3] 1 2 3 4 5 6; float[2] 8 9; int32[] 3", "INVALID_ARGUMENT"),
        (
            "MatrixSetDiagV3",
            "",
            "float[2,3] 1 2 3 4 5 6; float[] 8; int32[] 0",
            "INVALID_ARGUMENT: diagonal must be at least 1-dim, received shape: []",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
