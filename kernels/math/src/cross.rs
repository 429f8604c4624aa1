//! `Cross`.

use num_traits::{Num, WrappingMul, WrappingSub};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, bf16, f16};

/// The cross products of vectors of three, which are the last dimension of both inputs.
///
/// Integers wrap around. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Cross`.
pub const OP: Op = Op {
    name: "Cross",
    inputs: &["a: T", "b: T"],
    outputs: &["product: T"],
    attrs: &["T: realnumbertype"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; floats: f32 f64 f16 bf16; integers: i8 i16 i32 i64 u8 u16 u32 u64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let a = ctx.input(0);
    match a.dims().and_then(<[_]>::last) {
        Some(Some(length)) if *length != 3 => {
            Err(Error::invalid_argument(format!("Dimension must be 3 but is {length}")))
        }
        _ => Ok(vec![a]),
    }
}

fn floats<T: Element + Num>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(|a, b, c, d| a * b - c * d)
}

fn integers<T: Element + WrappingMul + WrappingSub>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(|a, b, c, d| a.wrapping_mul(&b).wrapping_sub(&c.wrapping_mul(&d)))
}

/// `minor` is the determinant of a matrix of two rows: `a b - c d`.
fn kernel<T: Element>(minor: fn(T, T, T, T) -> T) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) = (ctx.input(0), ctx.input(1));
        if a.shape() != b.shape() {
            return Err(Error::invalid_argument(format!(
                "Both inputs must be of same shape: {} vs. {}",
                a.shape(),
                b.shape()
            )));
        }
        match a.shape().last() {
            None => return Err(Error::invalid_argument(format!("Input must be at least 1D{}", a.shape()))),
            Some(3) => {}
            Some(_) => {
                let text = "Cross-products are only defined for 3-element vectors.";
                return Err(Error::failed_precondition(text));
            }
        }
        let mut product = ctx.allocate(T::DTYPE, a.shape())?;
        let vectors = a.as_slice::<T>()?.chunks_exact(3).zip(b.as_slice::<T>()?.chunks_exact(3));
        for (out, (a, b)) in product.as_mut_slice::<T>()?.chunks_exact_mut(3).zip(vectors) {
            for (i, out) in out.iter_mut().enumerate() {
                let (j, k) = ((i + 1) % 3, (i + 2) % 3);
                *out = minor(a[j], b[k], a[k], b[j]);
            }
        }
        ctx.set(0, product);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let cross = || op(&[OP], "Cross");
        let rows = |v: [f32; 6]| Tensor::from_slice([2, 3], &v).unwrap();
        let (a, b) = (rows([1.0, 2.0, 5.0, 1.0, 0.0, 0.0]), rows([1.0, 2.0, 6.0, 0.0, 1.0, 0.0]));
        check(cross(), [a, b], rows([2.0, -1.0, 0.0, 0.0, 0.0, 1.0]));
        let bytes = |v: [u8; 3]| Tensor::from_slice([3], &v).unwrap();
        check(cross(), [bytes([1, 0, 0]), bytes([0, 0, 1])], bytes([0, 255, 0]));
        error(cross(), [Tensor::scalar(1), Tensor::scalar(1)], "Input must be at least 1D[]");
        error(
            cross(),
            [bytes([1; 3]), Tensor::scalar(1_u8)],
            "Both inputs must be of same shape: [3] vs. []",
        );
        let two = || Tensor::from_slice([2], &[1, 2]).unwrap();
        error(cross(), [two(), two()], "only defined for 3-element vectors");
    }
}
