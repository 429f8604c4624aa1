//! Matrices made of their diagonals.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_width};

use crate::diagonals::{Align, Band};
use crate::dtypes::POD;
use crate::{index, strided};

/// Puts diagonals into matrices: the main one (`MatrixDiag`), or a range of them.
///
/// Sizes of -1 follow from the diagonals. Versions 2 and 3 differ in where a short diagonal stands in its row:
/// at the left, or as `align` says.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixDiagV3>.
pub const OPS: &[Op] = &[
    main("MatrixDiag"),
    main("BatchMatrixDiag"),
    band("MatrixDiagV2", &["T: type"]),
    band(
        "MatrixDiagV3",
        &["T: type", "align: {'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'"],
    ),
];

const fn main(name: &'static str) -> Op {
    Op { name, inputs: &["diagonal: T"], shape: main_shape, ..band(name, &["T: type"]) }
}

const fn band(name: &'static str, attrs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs: &["diagonal: T", "k: int32", "num_rows: int32", "num_cols: int32", "padding_value: T"],
        outputs: &["output: T"],
        attrs,
        effect: Effect::Pure,
        shape: band_shape,
        kernels: Kernels::All(&[("T", POD)], build),
    }
}

fn main_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let diagonal = ctx.input(0);
    let Some(dims) = diagonal.dims() else { return Ok(vec![diagonal]) };
    let last = *dims.last().ok_or_else(|| no_vector(&diagonal))?;
    Ok(vec![PartialShape::new(dims.iter().copied().chain([last]))])
}

fn band_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let diagonal = ctx.input(0);
    let (Some(dims), Some(k)) = (diagonal.dims(), ctx.value(1)) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let band = Band::of(k)?;
    let Some((last, batch)) = dims.split_last() else { return Err(no_vector(&diagonal)) };
    let batch = if band.count() > 1 { batch.split_last().map_or(batch, |(_, batch)| batch) } else { batch };
    let given = |i| ctx.value(i).and_then(|size| size.to_scalar::<i32>().ok());
    let sizes = match (last, given(2), given(3)) {
        (Some(longest), Some(rows), Some(cols)) => {
            let (rows, cols) = sizes(band, *longest, (rows.into(), cols.into()))?;
            [Some(rows), Some(cols)]
        }
        _ => [None, None],
    };
    Ok(vec![PartialShape::new(batch.iter().copied().chain(sizes))])
}

fn no_vector(shape: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("diagonal must be at least 1-dim, received shape: {shape}"))
}

/// Rows and columns of the matrices, of which -1 is to be found out.
fn sizes(band: Band, longest: usize, (rows, cols): (i64, i64)) -> Result<(usize, usize)> {
    let least_rows = longest as i64 - band.upper.min(0);
    let least_cols = longest as i64 + band.lower.max(0);
    for (what, size, least) in [("rows", rows, least_rows), ("columns", cols, least_cols)] {
        if size != -1 && size < least {
            return Err(Error::invalid_argument(format!("The number of {what} is too small.")));
        }
    }
    let (rows, cols) = match (rows, cols) {
        (-1, -1) => (least_rows.max(least_cols), least_rows.max(least_cols)),
        (-1, cols) => (least_rows, cols),
        (rows, -1) => (rows, least_cols),
        both => both,
    };
    if rows != least_rows && cols != least_cols {
        return Err(Error::invalid_argument(
            "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal.",
        ));
    }
    Ok((rows as usize, cols as usize))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (align, has_band) = (Align::of(node)?, node.inputs.len() > 1);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let diagonal = ctx.input(0).shape();
        let Some(&longest) = diagonal.last() else { return Err(no_vector(diagonal)) };
        let band = if has_band { Band::of(ctx.input(1))? } else { Band::MAIN };
        let given = if has_band { given(ctx)? } else { (-1, -1) };
        let mut dims = diagonal[..diagonal.rank() - 1].to_vec();
        if band.count() > 1 && dims.pop() != Some(band.count()) {
            return Err(Error::invalid_argument(
                "The number of diagonals provided in the input does not match the lower_diag_index and \
                 upper_diag_index range.",
            ));
        }
        let (rows, cols) = sizes(band, longest, given)?;
        dims.extend([rows, cols]);
        let shape = Shape::from(dims);
        let make = Make { band, align, longest, rows, cols };
        let padding = has_band.then(|| ctx.input(4));
        let output = by_width!(ctx.input(0).dtype(), U => make.matrices::<U>(ctx, shape, padding))?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The sizes that are asked for.
fn given(ctx: &Context<'_>) -> Result<(i64, i64)> {
    let size =
        |i, what| index::scalar(ctx.input(i), || Error::invalid_argument(format!("{what} must be a scalar")));
    if ctx.input(4).rank() != 0 {
        return Err(Error::invalid_argument("padding_value must be a scalar"));
    }
    Ok((size(2, "num_rows")?, size(3, "num_cols")?))
}

struct Make {
    band: Band,
    align: Align,
    longest: usize,
    rows: usize,
    cols: usize,
}

impl Make {
    fn matrices<U: Unit>(&self, ctx: &Context<'_>, shape: Shape, padding: Option<&Tensor>) -> Result<Tensor> {
        let packed = ctx.input(0);
        let mut output = ctx.allocate(packed.dtype(), shape)?;
        let padding = match padding {
            Some(padding) => padding.units::<U>()?[0].clone(),
            None => U::default(),
        };
        let (size, step) = (self.rows * self.cols, self.cols + 1);
        let each = self.band.count() * self.longest;
        let (out, src) = (output.units_mut::<U>()?, packed.units::<U>()?);
        par::for_rows_mut(out, size, (strided::grain::<U>() / size.max(1)).max(1), |first, matrices| {
            for (i, matrix) in matrices.chunks_exact_mut(size).enumerate() {
                matrix.fill(padding.clone());
                let packed = &src[(first + i) * each..][..each];
                for d in self.band.diagonals((self.rows, self.cols), self.longest, self.align) {
                    let places = matrix.iter_mut().skip(d.matrix).step_by(step);
                    places.zip(&packed[d.packed..][..d.len]).for_each(|(o, v)| *o = v.clone());
                }
            }
        });
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const MATRICES: &[Row] = &[
        ("MatrixDiag", "", "float[2,2] 1 2 3 4", "float[2,2,2] 1 0 0 2 3 0 0 4"),
        ("BatchMatrixDiag", "", "float[2,2] 1 2 3 4", "float[2,2,2] 1 0 0 2 3 0 0 4"),
        ("MatrixDiag", "", "bool[0]", "bool[0,0]"),
        (
            "MatrixDiagV2",
            "",
            "float[2] 1 2; int32[] 1; int32[] -1; int32[] -1; float[] 9",
            "float[3,3] 9 1 9 9 9 2 9 9 9",
        ),
        (
            "MatrixDiagV2",
            "",
            "int8[2] 1 2; int32[] 1; int32[] 2; int32[] -1; int8[] 9",
            "int8[2,3] 9 1 9 9 9 2",
        ),
        (
            "MatrixDiagV2",
            "",
            "float[2,3] 0 1 2 3 4 5; int32[2] 0 1; int32[] -1; int32[] -1; float[] 9",
            "float[3,3] 3 0 9 9 4 1 9 9 5",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2,3] 0 1 2 3 4 5; int32[2] 0 1; int32[] -1; int32[] -1; float[] 9",
            "float[3,3] 3 1 9 9 4 2 9 9 5",
        ),
        (
            "MatrixDiagV3",
            "align=LEFT_RIGHT",
            "float[2,3] 0 1 2 3 4 5; int32[2] -1 0; int32[] -1; int32[] -1; float[] 9",
            "float[3,3] 0 9 9 4 1 9 9 5 2",
        ),
        (
            "MatrixDiagV3",
            "align=LEFT_LEFT",
            "float[4,3] 0 1 2 3 4 5 6 7 8 1 2 3; int32[2] -1 2; int32[] 3; int32[] 4; float[] 9",
            "float[3,4] 6 3 0 9 1 7 4 1 9 2 8 5",
        ),
        (
            "MatrixDiagV3",
            "align=RIGHT_RIGHT",
            "float[4,3] 0 1 2 3 4 5 6 7 8 1 2 3; int32[2] -1 2; int32[] 3; int32[] 4; float[] 9",
            "float[3,4] 6 3 1 9 2 7 4 2 9 3 8 5",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[1,2,2] 1 2 3 4; int32[2] -1 0; int32[] -1; int32[] -1; float[] 9",
            "float[1,2,2] 1 9 3 2",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[] 0; int32[] 3; int32[] -1; float[] 9",
            "float[3,2] 1 9 9 2 9 9",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[] 0; int32[] -1; int32[] 3; float[] 9",
            "float[2,3] 1 9 9 9 2 9",
        ),
    ];

    #[test]
    fn matrices() {
        check_rows(crate::OPS, MATRICES);
    }

    const ERRORS: &[Row] = &[
        (
            "MatrixDiag",
            "",
            "float[] 1",
            "INVALID_ARGUMENT: diagonal must be at least 1-dim, received shape: []",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[2] 1 0; int32[] -1; int32[] -1; float[] 9",
            "INVALID_ARGUMENT: lower_diag_index must not be larger than upper_diag_index: 1 > 0",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[3] 1 0 1; int32[] -1; int32[] -1; float[] 9",
            "INVALID_ARGUMENT: diag_index must have only one or two elements, received 3 elements.",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[0]; int32[] -1; int32[] -1; float[] 9",
            "INVALID_ARGUMENT: Expected diag_index to have at least 1 element",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[1] 0; int32[] 3; int32[] 4; float[] 9",
            "INVALID_ARGUMENT: The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal.",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[1] 0; int32[] 1; int32[] 2; float[] 9",
            "INVALID_ARGUMENT: The number of rows is too small.",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[] 0; int32[1] -1; int32[] -1; float[] 9",
            "INVALID_ARGUMENT: num_rows must be a scalar",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[] 0; int32[] -1; int32[] -1; float[1] 9",
            "INVALID_ARGUMENT: padding_value must be a scalar",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[2] 0 1; int32[] -1; int32[] -1; float[] 9",
            "INVALID_ARGUMENT",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[3,2] 1 2 3 4 5 6; int32[2] 0 1; int32[] -1; int32[] -1; float[] 9",
            "INVALID_ARGUMENT: The number of diagonals provided in the input does not match the lower_diag_index and upper_diag_index range.",
        ),
        (
            "MatrixDiagV3",
            "",
            "float[2] 1 2; int32[] 5; int32[] 2; int32[] 2; float[] 9",
            "INVALID_ARGUMENT: The number of columns is too small.",
        ),
    ];

    #[test]
    fn errors() {
        check_rows(crate::OPS, ERRORS);
    }
}
