//! Axes and sizes translated from one data format to another.

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::index;

const ATTRS: &[&str] =
    &["T: {int32, int64} = DT_INT32", "src_format: string = 'NHWC'", "dst_format: string = 'NCHW'"];

const fn translate(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["x: T"],
        outputs: &["y: T"],
        attrs: ATTRS,
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels,
    }
}

/// `DataFormatDimMap` translates axes; `DataFormatVecPermute` reorders a vector (or rows) with one entry for each
/// dimension, or for each spatial one.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DataFormatVecPermute>.
pub const OPS: &[Op] = &[
    translate("DataFormatDimMap", Kernels::All(&[("T", INDICES)], build_map)),
    translate("DataFormatVecPermute", Kernels::All(&[("T", INDICES)], build_permute)),
];

fn formats(node: &Construction<'_>) -> Result<(Vec<u8>, Vec<u8>)> {
    let (src, dst): (String, String) = (node.attr("src_format")?, node.attr("dst_format")?);
    for (which, attr, format) in [("Source", "src", &src), ("Destination", "dst", &dst)] {
        if !(4..=5).contains(&format.len()) {
            return Err(Error::invalid_argument(format!(
                "{which} format must be of length 4 or 5, received {attr}_format = {format}"
            )));
        }
    }
    if order(src.as_bytes(), dst.as_bytes()).is_none() {
        return Err(Error::invalid_argument(format!(
            "Destination and source format must determine a permutation, got {src} and {dst}"
        )));
    }
    Ok((src.into_bytes(), dst.into_bytes()))
}

/// For each letter of `to`, where it stands in `from`; `None` unless both have the same letters, each once.
fn order(from: &[u8], to: &[u8]) -> Option<Vec<usize>> {
    let places: Option<Vec<usize>> = to.iter().map(|letter| from.iter().position(|l| l == letter)).collect();
    let mut seen = places.clone()?;
    seen.sort_unstable();
    seen.dedup();
    places.filter(|_| seen.len() == from.len() && from.len() == to.len())
}

fn build_map(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (src, dst) = formats(node)?;
    let map = order(&dst, &src).unwrap_or_default();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let rank = map.len() as i64;
        let axes: Vec<i64> =
            x.to_i64s()?.into_iter().map(|axis| map[axis.rem_euclid(rank) as usize] as i64).collect();
        let output = index::tensor(x.dtype(), x.shape(), &axes)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_permute(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (src, dst) = formats(node)?;
    let whole = order(&src, &dst).unwrap_or_default();
    let spatial = |format: &[u8]| -> Vec<u8> {
        let letters: &[u8] = if format.len() == 5 { b"DHW" } else { b"HW" };
        format.iter().copied().filter(|letter| letters.contains(letter)).collect()
    };
    let inner = order(&spatial(&src), &spatial(&dst)).filter(|inner| inner.len() + 2 == whole.len());
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let order = match check(x, whole.len())? {
            len if len == whole.len() => &whole,
            _ => inner.as_ref().ok_or_else(|| {
                Error::invalid_argument("Format specifier must contain the spatial dimensions H and W")
            })?,
        };
        let columns = if x.rank() == 2 { 2 } else { 1 };
        let values = x.to_i64s()?;
        let permuted: Vec<i64> =
            order.iter().flat_map(|&from| &values[from * columns..][..columns]).copied().collect();
        let output = index::tensor(x.dtype(), x.shape(), &permuted)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The number of entries of a vector or matrix of two columns.
fn check(x: &Tensor, full: usize) -> Result<usize> {
    let spatial = full - 2;
    let shape = x.shape();
    let text = match *shape.dims() {
        [len] if len == full || len == spatial => return Ok(len),
        [_] => format!("1D input must be of size {spatial} or {full}, but got shape {shape}"),
        [len, _] if len != full && len != spatial => {
            format!("First dimension of 2D input must be of size {spatial} or {full}, but got shape {shape}")
        }
        [len, 2] => return Ok(len),
        [_, _] => format!("Second dimension of 2D input must be of size 2, but got shape {shape}"),
        _ => format!("input must be a vector or 2D tensor, but got shape {shape}"),
    };
    Err(Error::invalid_argument(text))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn axes() {
        check_rows(
            crate::OPS,
            &[
                ("DataFormatDimMap", "", "int32[4] 0 1 2 3", "int32[4] 0 2 3 1"),
                ("DataFormatDimMap", "src_format=NHWC dst_format=HWNC", "int64[2] -1 -4", "int64[2] 3 2"),
                ("DataFormatDimMap", "", "int32[2] 4 -5", "int32[2] 0 1"),
                ("DataFormatDimMap", "src_format=NDHWC dst_format=NCDHW", "int32[2,1] 1 4", "int32[2,1] 2 1"),
                (
                    "DataFormatDimMap",
                    "src_format=NHW",
                    "int32[1] 1",
                    "INVALID_ARGUMENT: Source format must be of length 4 or 5, received src_format = NHW",
                ),
                (
                    "DataFormatDimMap",
                    "src_format=NHWX",
                    "int32[1] 1",
                    "INVALID_ARGUMENT: Destination and source format must determine a permutation, got NHWX and NCHW",
                ),
            ],
        );
    }

    #[test]
    fn vectors() {
        check_rows(
            crate::OPS,
            &[
                ("DataFormatVecPermute", "", "int32[4] 10 11 12 13", "int32[4] 10 13 11 12"),
                ("DataFormatVecPermute", "", "int32[4,2] 1 2 3 4 5 6 7 8", "int32[4,2] 1 2 7 8 3 4 5 6"),
                ("DataFormatVecPermute", "", "int32[2] 10 11", "int32[2] 10 11"),
                (
                    "DataFormatVecPermute",
                    "src_format=NHWC dst_format=WHNC",
                    "int64[2] 10 11",
                    "int64[2] 11 10",
                ),
                (
                    "DataFormatVecPermute",
                    "src_format=NHWC dst_format=WHNC",
                    "int64[2,2] 10 11 12 13",
                    "int64[2,2] 12 13 10 11",
                ),
                (
                    "DataFormatVecPermute",
                    "src_format=NDHWC dst_format=NCDHW",
                    "int32[5] 1 2 3 4 5",
                    "int32[5] 1 5 2 3 4",
                ),
                (
                    "DataFormatVecPermute",
                    "",
                    "int32[3] 10 11 12",
                    "INVALID_ARGUMENT: 1D input must be of size 2 or 4, but got shape [3]",
                ),
                (
                    "DataFormatVecPermute",
                    "",
                    "int32[] 10",
                    "INVALID_ARGUMENT: input must be a vector or 2D tensor, but got shape []",
                ),
                (
                    "DataFormatVecPermute",
                    "",
                    "int32[4,3] 1 2 3 4 5 6 7 8 9 10 11 12",
                    "INVALID_ARGUMENT: Second dimension of 2D input must be of size 2, but got shape [4,3]",
                ),
                (
                    "DataFormatVecPermute",
                    "",
                    "int32[3,2] 1 2 3 4 5 6",
                    "INVALID_ARGUMENT: First dimension of 2D input must be of size 2 or 4, but got shape [3,2]",
                ),
            ],
        );
    }
}
