//! Transposition.

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{
    Complex32, Complex64, DType, Error, PartialShape, Result, Shape, Tensor, Unit, by_unit,
};

use crate::dtypes::POINTERS_F8;
use crate::layout::Layout;
use crate::{index, strided};

/// Reorders the dimensions, and for `ConjugateTranspose` conjugates complex numbers too.
///
/// Axes that stay neighbours are moved as one, and a reordering of axes of length one moves nothing.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Transpose>.
pub const OPS: &[Op] = &[
    Op {
        name: "Transpose",
        inputs: &["x: T", "perm: Tperm"],
        outputs: &["y: T"],
        attrs: &["T: type", "Tperm: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", POINTERS_F8), ("Tperm", INDICES)], build),
    },
    Op {
        name: "ConjugateTranspose",
        inputs: &["x: T", "perm: Tperm"],
        outputs: &["y: T"],
        attrs: &["T: type", "Tperm: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", POINTERS_F8), ("Tperm", INDICES)], build),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let rank = input.rank().or(ctx.input(1).dim(0)).filter(|&rank| rank <= Shape::MAX_RANK);
    let Some(rank) = rank else { return Ok(vec![PartialShape::unknown()]) };
    Ok(vec![match ctx.integers(1) {
        Some(perm) => PartialShape::new(order(&perm, rank)?.iter().map(|&axis| input.dim(axis))),
        None => PartialShape::of_rank(rank),
    }])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let conjugate = node.op() == "ConjugateTranspose" && node.inputs.first().is_some_and(|x| x.is_complex());
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let perm = ctx.input(1);
        if perm.rank() != 1 {
            return Err(Error::invalid_argument(format!("perm must be rank 1, got shape {}", perm.shape())));
        }
        let input = ctx.input(0);
        let perm = order(&perm.to_i64s()?, input.rank())?;
        let shape: Shape = perm.iter().map(|&axis| input.shape()[axis]).collect();
        let layout = Layout::permuted(input.shape(), &perm);
        let in_order = layout.axes.is_empty() || layout.axes.len() == 1 && layout.axes[0].stride == 1;
        let mut output = if in_order {
            ctx.take(0).reshape(shape)?
        } else {
            by_unit!(input.dtype(), U => reorder::<U>(ctx, shape, &layout))?
        };
        if conjugate {
            conjugate_all(&mut output)?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn reorder<U: Unit>(ctx: &Context<'_>, shape: Shape, layout: &Layout) -> Result<Tensor> {
    let input = ctx.input(0);
    let mut output = ctx.allocate(input.dtype(), shape)?;
    strided::gather(output.units_mut::<U>()?, input.units()?, layout);
    Ok(output)
}

fn conjugate_all(t: &mut Tensor) -> Result<()> {
    if t.dtype() == DType::Complex64 {
        t.as_mut_slice::<Complex32>()?.iter_mut().for_each(|z| *z = z.conj());
    } else {
        t.as_mut_slice::<Complex64>()?.iter_mut().for_each(|z| *z = z.conj());
    }
    Ok(())
}

/// The permutation, checked against the rank.
fn order(perm: &[i64], rank: usize) -> Result<Vec<usize>> {
    if perm.len() != rank {
        return Err(Error::invalid_argument(format!(
            "transpose expects a vector of size {rank}. But input(1) is a vector of size {}",
            perm.len()
        )));
    }
    let mut seen = vec![false; rank];
    let mut order = Vec::with_capacity(rank);
    for &axis in perm {
        // TensorFlow counts with 32 bits.
        let place = index::axis(i64::from(axis as i32), rank);
        let place =
            place.ok_or_else(|| Error::invalid_argument(format!("{axis} is out of range [0 .. {rank})")))?;
        seen[place] = true;
        order.push(place);
    }
    if let Some(missing) = seen.iter().position(|&seen| !seen) {
        let shown: Vec<String> = perm.iter().map(ToString::to_string).collect();
        return Err(Error::invalid_argument(format!("{missing} is missing from {{{}}}.", shown.join(","))));
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Transpose", "", "float[2,3] 1 2 3 4 5 6; int32[2] 1 0", "float[3,2] 1 4 2 5 3 6"),
                (
                    "Transpose",
                    "",
                    "string[2,1,2] 'a' 'b' 'c' 'd'; int64[3] 2 0 1",
                    "string[2,2,1] 'a' 'c' 'b' 'd'",
                ),
                (
                    "Transpose",
                    "",
                    "int8[2,2,2] 1 2 3 4 5 6 7 8; int32[3] 0 2 1",
                    "int8[2,2,2] 1 3 2 4 5 7 6 8",
                ),
                ("Transpose", "", "float[] 1; int32[0]", "float[] 1"),
                ("Transpose", "", "float[0,3]; int32[2] 1 0", "float[3,0]"),
                ("Transpose", "", "complex64[1,2] 1+2i 3-4i; int32[2] 1 0", "complex64[2,1] 1+2i 3-4i"),
                (
                    "ConjugateTranspose",
                    "",
                    "complex64[2,2] 1+2i 3-4i 5+1i 0-1i; int32[2] 1 0",
                    "complex64[2,2] 1-2i 5-1i 3+4i 0+1i",
                ),
                ("ConjugateTranspose", "", "complex128[1] 1+2i; int32[1] 0", "complex128[1] 1-2i"),
                ("ConjugateTranspose", "", "float[1,2] 1 2; int32[2] 1 0", "float[2,1] 1 2"),
                (
                    "Transpose",
                    "",
                    "float[2,2] 1 2 3 4; int32[2] 0 0",
                    "INVALID_ARGUMENT: 1 is missing from {0,0}.",
                ),
                (
                    "Transpose",
                    "",
                    "float[2,2] 1 2 3 4; int32[2] 0 2",
                    "INVALID_ARGUMENT: 2 is out of range [0 .. 2)",
                ),
                ("Transpose", "", "float[2,2] 1 2 3 4; int32[2] -1 0", "float[2,2] 1 3 2 4"),
                (
                    "Transpose",
                    "",
                    "float[2,2] 1 2 3 4; int32[1] 0",
                    "INVALID_ARGUMENT: transpose expects a vector of size 2. But input(1) is a vector of size 1",
                ),
                (
                    "Transpose",
                    "",
                    "float[2] 1 2; int32[] 0",
                    "INVALID_ARGUMENT: perm must be rank 1, got shape []",
                ),
            ],
        );
    }
}
