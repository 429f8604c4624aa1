//! `ReduceJoin`.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape};

/// Joins the strings along some dimensions.
///
/// Dimensions are joined in the order in which they are listed, so that the first one varies fastest; no dimensions at
/// all leave the strings as they are.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReduceJoin>.
pub const OP: Op = Op {
    name: "ReduceJoin",
    inputs: &["inputs: string", "reduction_indices: int32"],
    outputs: &["output: string"],
    attrs: &["keep_dims: bool = false", "separator: string = ''"],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::one(build),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let keep = ctx.attr("keep_dims").unwrap_or(false);
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    let Some(axes) = ctx.integers(1) else {
        return Ok(vec![if keep { PartialShape::of_rank(dims.len()) } else { PartialShape::unknown() }]);
    };
    // While a graph is built TensorFlow has another code for it.
    let axes = reduced(&axes, dims.len()).map_err(|e| Error::invalid_argument(e.message()))?;
    let kept = dims.iter().enumerate().filter_map(|(i, &dim)| match axes.contains(&i) {
        true => keep.then_some(Some(1)),
        false => Some(dim),
    });
    Ok(vec![PartialShape::new(kept)])
}

/// The axes counted from the front.
fn reduced(axes: &[i64], rank: usize) -> Result<Vec<usize>> {
    let mut found = Vec::with_capacity(axes.len());
    for &axis in axes {
        let from_front = if axis < 0 { axis + rank as i64 } else { axis };
        let Some(dim) = usize::try_from(from_front).ok().filter(|&dim| dim < rank) else {
            return Err(Error::out_of_range(format!(
                "Invalid reduction dimension {axis} for input with {rank} dimension(s)"
            )));
        };
        if found.contains(&dim) {
            return Err(Error::invalid_argument(format!("Duplicate reduction dimension {axis}")));
        }
        found.push(dim);
    }
    Ok(found)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let keep_dims: bool = node.attr("keep_dims")?;
    let separator: Bytes = node.attr("separator")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let shape = input.shape();
        let axes = reduced(&ctx.input(1).to_i64s()?, shape.rank())?;
        let others: Vec<usize> = (0..shape.rank()).filter(|dim| !axes.contains(dim)).collect();
        let out_shape: Shape = (0..shape.rank())
            .filter_map(|dim| if axes.contains(&dim) { keep_dims.then_some(1) } else { Some(shape[dim]) })
            .collect();
        let mut out = ctx.allocate(DType::String, out_shape)?;
        let slowest_first: Vec<usize> = axes.iter().rev().copied().collect();
        let (starts, steps) = (offsets(shape, &others), offsets(shape, &slowest_first));
        let strings = input.strings()?;
        let grain = par::grain(100.0 + 20.0 * steps.len() as f64);
        par::for_zip(out.units_mut::<Bytes>()?, &starts, grain, |out, starts| {
            for (out, start) in out.iter_mut().zip(starts) {
                *out = match steps[..] {
                    [step] => strings[start + step].clone(),
                    _ => {
                        let parts: Vec<&[u8]> = steps.iter().map(|step| &strings[start + step][..]).collect();
                        parts.join(&separator[..]).into()
                    }
                };
            }
        });
        ctx.set(0, out);
        Ok(())
    }))
}

/// The offsets of all elements along some dimensions, the first of them being the slowest.
fn offsets(shape: &Shape, dims: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0];
    for &dim in dims {
        let stride: usize = shape[dim + 1..].iter().product();
        offsets =
            offsets.iter().flat_map(|&start| (0..shape[dim]).map(move |i| start + i * stride)).collect();
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attrs, run, vector};
    use savedmodel_tensor::Tensor;

    #[test]
    fn joined() {
        let check = |axes: &[i32], attrs: Attrs<'_>, want: &str| {
            let input = Tensor::from_strings([2, 2], ["a", "b", "c", "d"]).unwrap();
            assert_eq!(run(&OP, attrs, &[input, vector(axes)]), want, "{axes:?}");
        };
        check(&[0], vec![], "ac|bd");
        check(&[-1], vec![("separator", "::".into())], "a::b|c::d");
        check(&[0, 1], vec![("separator", ".".into())], "a.c.b.d");
        check(&[1, 0], vec![("separator", ".".into())], "a.b.c.d");
        check(&[], vec![], "a|b|c|d");
        check(&[2], vec![], "OUT_OF_RANGE: Invalid reduction dimension 2 for input with 2 dimension(s)");
        check(&[0, -2], vec![], "INVALID_ARGUMENT: Duplicate reduction dimension -2");
    }

    #[test]
    fn shapes() {
        let check = |shape: &[usize], axes: &[i32], keep: bool, want: &[usize]| {
            let input = Tensor::zeros(DType::String, shape).unwrap();
            let out = crate::testing::outputs(&OP, vec![("keep_dims", keep.into())], &[input, vector(axes)])
                .unwrap();
            assert_eq!(out[0].shape().dims(), want);
        };
        check(&[2, 3], &[0], false, &[3]);
        check(&[2, 3], &[0], true, &[1, 3]);
        check(&[2, 0], &[1], false, &[2]);
        check(&[0, 3], &[1], false, &[0]);
    }
}
