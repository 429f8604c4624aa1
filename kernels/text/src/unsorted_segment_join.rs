//! `UnsortedSegmentJoin`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape, Tensor};

/// Joins the strings of each segment.
///
/// No separator stands behind what is empty so far, and a separator ends at its first NUL.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnsortedSegmentJoin>.
pub const OP: Op = Op {
    name: "UnsortedSegmentJoin",
    inputs: &["inputs: string", "segment_ids: Tindices", "num_segments: Tnumsegments"],
    outputs: &["output: string"],
    attrs: &["separator: string = ''", "Tindices: {int32, int64}", "Tnumsegments: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::All(
        &[("Tindices", &[DType::Int32, DType::Int64]), ("Tnumsegments", &[DType::Int32, DType::Int64])],
        build,
    ),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (data, ids) = (ctx.input(0), ctx.input(1));
    let (Some(dims), Some(rank)) = (data.dims(), ids.rank()) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    if rank > dims.len() {
        return Err(Error::invalid_argument(format!(
            "Shape must be at least rank {rank} but is rank {}",
            dims.len()
        )));
    }
    let count = ctx.integers(2).and_then(|n| usize::try_from(*n.first()?).ok());
    let rest = dims.get(rank..).unwrap_or_default();
    Ok(vec![PartialShape::new(std::iter::once(count).chain(rest.iter().copied()))])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let separator: Bytes = node.attr("separator")?;
    let end = separator.iter().position(|&c| c == 0).unwrap_or(separator.len());
    let separator = separator.slice(..end);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (data, ids) = (ctx.input(0), ctx.input(1));
        let count = match ctx.input(2).to_i64s()?[..] {
            [] => return Err(Error::invalid_argument("Number of segments cannot be empty.")),
            [count] if ctx.input(2).rank() == 0 => count,
            _ => return Err(Error::invalid_argument("Number of segments must be a scalar")),
        };
        check_shapes(data.shape(), ids.shape())?;
        let rest = &data.shape()[ids.rank()..];
        let segments = Shape::from_i64(&[count])?[0];
        let shape: Shape = std::iter::once(segments).chain(rest.iter().copied()).collect();
        let ids = ids.to_i64s()?;
        if ids.iter().any(|id| !(0..count).contains(id)) {
            return Err(Error::invalid_argument(
                "segment_ids are not allowed to exceed num_segments or to have negative values.",
            ));
        }
        // Only what has members takes memory, so that many empty segments cost no more than their handles.
        let out = ctx.allocate(DType::String, shape.clone())?;
        let mut texts = vec![Vec::new(); out.elements()];
        let inner: usize = rest.iter().product();
        for (row, id) in data.strings()?.chunks(inner.max(1)).zip(ids) {
            for (text, string) in texts[id as usize * inner..][..inner].iter_mut().zip(row) {
                if !text.is_empty() {
                    text.extend_from_slice(&separator);
                }
                text.extend_from_slice(string);
            }
        }
        ctx.set(0, Tensor::from_strings(shape, texts)?);
        Ok(())
    }))
}

fn check_shapes(data: &Shape, ids: &Shape) -> Result<()> {
    if ids.rank() == 0 {
        return Err(Error::invalid_argument("Segment_id cannot have rank 0"));
    }
    if ids.rank() > data.rank() {
        return Err(Error::out_of_range(format!(
            "Invalid segment_id rank {} for input with {} dimension(s)",
            ids.rank(),
            data.rank()
        )));
    }
    for (i, (segment, dim)) in ids.iter().zip(data.iter()).enumerate() {
        if segment != dim {
            let rank = data.rank();
            return Err(Error::invalid_argument(format!(
                "Segment dimension is {segment} while input dimension is {rank} in rank {i}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, strings, vector};

    fn check(data: Tensor, ids: Tensor, count: i32, want: &str) {
        let attrs = vec![("separator", ":\0x".into())];
        assert_eq!(run(&OP, attrs, &[data, ids, Tensor::scalar(count)]), want);
    }

    #[test]
    fn joined() {
        check(strings(&["a", "", "b", "c"]), vector(&[2, 0, 2, 0]), 3, "c||a:b");
        let matrix = || Tensor::from_strings([2, 2], ["a", "b", "c", "d"]).unwrap();
        check(matrix(), vector(&[0_i64, 0]), 1, "a:c|b:d");
        check(matrix(), Tensor::from_slice([2, 2], &[1, 0, 1, 1]).unwrap(), 2, "b|a:c:d");
        check(strings(&[]), vector::<i32>(&[]), 2, "|");
    }

    #[test]
    fn refusals() {
        let ids = "INVALID_ARGUMENT: segment_ids are not allowed to exceed num_segments or to have negative values.";
        check(strings(&["a"]), vector(&[1]), 1, ids);
        check(strings(&["a"]), vector(&[-1]), 1, ids);
        check(strings(&["a"]), Tensor::scalar(0), 1, "INVALID_ARGUMENT: Segment_id cannot have rank 0");
        let rank = "OUT_OF_RANGE: Invalid segment_id rank 2 for input with 1 dimension(s)";
        check(strings(&["a"]), Tensor::from_slice([1, 1], &[0]).unwrap(), 1, rank);
        let shape = "INVALID_ARGUMENT: Segment dimension is 2 while input dimension is 1 in rank 0";
        check(strings(&["a"]), vector(&[0, 0]), 1, shape);
        let got = run(&OP, vec![], &[strings(&["a"]), vector(&[0]), Tensor::scalar(-1)]);
        assert!(got.starts_with("INVALID_ARGUMENT"), "{got}");
    }
}
