//! `Cumsum`, `Cumprod` and `CumulativeLogsumexp`.

use num_traits::{NumCast, One, WrappingAdd, WrappingMul, Zero};
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype, shape};
use savedmodel_tensor::{Complex32, Complex64, Element, Error, Result, Tensor, bf16, f16};

use crate::elementwise::tasks;

/// The operators of this file.
///
/// Along one axis, each result is made of the elements up to its own, without it if `exclusive`; or from it on, if
/// `reverse`. Results are rounded one after the other to their own type; integers wrap around.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Cumsum`.
pub const OPS: &[Op] = &[
    op(
        "Cumsum",
        NUMBERS,
        by_dtype!("T"; sum: f32 f64 f16 bf16 Complex32 Complex64; wrapping_sum: i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op(
        "Cumprod",
        NUMBERS,
        by_dtype!("T"; product: f32 f64 f16 bf16 Complex32 Complex64;
            wrapping_product: i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op(
        "CumulativeLogsumexp",
        &["exclusive: bool = false", "reverse: bool = false", "T: {bfloat16, half, float, double}", TIDX],
        by_dtype!("T"; log_sum_exp: f32 f64 f16 bf16),
    ),
];

const TIDX: &str = "Tidx: {int32, int64} = DT_INT32";

const NUMBERS: &[&str] = &[
    "exclusive: bool = false",
    "reverse: bool = false",
    "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, quint16, \
     uint16, complex128, half, uint32, uint64}",
    TIDX,
];

const fn op(name: &'static str, attrs: &'static [&'static str], kernels: Kernels) -> Op {
    let (inputs, outputs): (&[&str], &[&str]) = (&["x: T", "axis: Tidx"], &["out: T"]);
    Op { name, inputs, outputs, attrs, effect: Effect::Pure, shape: shape::unchanged, kernels }
}

type Built = Result<Box<dyn Kernel>>;

fn sum<T: Element + Zero>(node: &Construction<'_>) -> Built {
    kernel(node, T::zero(), |sum, x| sum + x)
}

fn wrapping_sum<T: Element + Zero + WrappingAdd>(node: &Construction<'_>) -> Built {
    kernel(node, T::zero(), |sum: T, x| sum.wrapping_add(&x))
}

fn product<T: Element + One>(node: &Construction<'_>) -> Built {
    kernel(node, T::one(), |product, x| product * x)
}

fn wrapping_product<T: Element + One + WrappingMul>(node: &Construction<'_>) -> Built {
    kernel(node, T::one(), |product: T, x| product.wrapping_mul(&x))
}

fn log_sum_exp<T: Element + num_traits::Float>(node: &Construction<'_>) -> Built {
    kernel(node, T::neg_infinity(), |sum, x| {
        let wide = |v: T| v.to_f64().unwrap_or(f64::NAN);
        let lowest = wide(T::min_value());
        let (a, b) = (wide(sum), wide(x));
        // What is no number counts like the sum so far, as in TensorFlow.
        let (low, high) = (if b < a { b } else { a }, if a < b { b } else { a });
        let value = if high <= lowest { high } else { high + (low - high).exp().ln_1p() };
        <T as NumCast>::from(value).unwrap_or_else(T::nan)
    })
}

fn kernel<T: Element>(
    node: &Construction<'_>,
    first: T,
    step: impl Fn(T, T) -> T + Copy + Send + Sync + 'static,
) -> Built {
    let (exclusive, reverse): (bool, bool) = (node.attr("exclusive")?, node.attr("reverse")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let axis = axis(ctx.input(1), x.rank())?;
        let [outer, inner]: [usize; 2] =
            [&x.shape()[..axis], &x.shape()[axis + 1..]].map(|part| part.iter().product());
        let n = x.shape()[axis];
        let mut out = ctx.allocate(T::DTYPE, x.shape())?;
        let data = x.as_slice::<T>()?;
        let slab = n * inner;
        if outer > 0 && slab > 0 {
            let grain = par::grain(2.0).next_multiple_of(slab);
            tasks::for_chunks(out.as_mut_slice::<T>()?, grain, &|start, out| {
                for (out, x) in out.chunks_exact_mut(slab).zip(data[start..].chunks_exact(slab)) {
                    let scan = Scan { inner, exclusive, reverse, first };
                    scan.run(x, out, step);
                }
            });
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn axis(axis: &Tensor, rank: usize) -> Result<usize> {
    if axis.rank() != 0 {
        return Err(Error::invalid_argument(format!("ScanOp: axis must be a scalar, not {}", axis.shape())));
    }
    let given = axis.to_i64s()?[0];
    let found = if given < 0 { given + rank as i64 } else { given };
    usize::try_from(found).ok().filter(|&axis| axis < rank).ok_or_else(|| {
        let lowest = -(rank as i64);
        Error::invalid_argument(format!(
            "ScanOp: Expected scan axis in the range [{lowest}, {rank}), but got {found}"
        ))
    })
}

struct Scan<T> {
    inner: usize,
    exclusive: bool,
    reverse: bool,
    first: T,
}

impl<T: Element> Scan<T> {
    /// Scans rows of `inner` elements, each on top of the one before.
    fn run(&self, x: &[T], out: &mut [T], step: impl Fn(T, T) -> T) {
        if self.inner == 1 {
            return self.line(x, out, step);
        }
        let rows = x.len() / self.inner;
        let mut sums = vec![self.first; self.inner];
        for i in 0..rows {
            let row = if self.reverse { rows - 1 - i } else { i };
            let range = row * self.inner..(row + 1) * self.inner;
            let (x, out) = (&x[range.clone()], &mut out[range]);
            if self.exclusive {
                out.copy_from_slice(&sums);
            }
            sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum = step(*sum, x));
            if !self.exclusive {
                out.copy_from_slice(&sums);
            }
        }
    }

    fn line(&self, x: &[T], out: &mut [T], step: impl Fn(T, T) -> T) {
        let mut sum = self.first;
        let mut visit = |(out, &x): (&mut T, &T)| {
            let before = sum;
            sum = step(sum, x);
            *out = if self.exclusive { before } else { sum };
        };
        if self.reverse {
            out.iter_mut().zip(x).rev().for_each(&mut visit);
        } else {
            out.iter_mut().zip(x).for_each(&mut visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};

    fn row(name: &str, axis: i32, flags: [bool; 2], want: [f32; 6]) {
        let x = Tensor::from_slice([2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let test = op(OPS, name).attr("exclusive", flags[0]).attr("reverse", flags[1]);
        check(test, [x, Tensor::scalar(axis)], Tensor::from_slice([2, 3], &want).unwrap());
    }

    #[test]
    fn values() {
        let inf = f32::INFINITY;
        row("Cumsum", 1, [false, false], [1.0, 3.0, 6.0, 4.0, 9.0, 15.0]);
        row("Cumsum", -1, [true, false], [0.0, 1.0, 3.0, 0.0, 4.0, 9.0]);
        row("Cumsum", 1, [false, true], [6.0, 5.0, 3.0, 15.0, 11.0, 6.0]);
        row("Cumsum", 0, [false, true], [5.0, 7.0, 9.0, 4.0, 5.0, 6.0]);
        row("Cumprod", 0, [false, false], [1.0, 2.0, 3.0, 4.0, 10.0, 18.0]);
        row("Cumprod", 0, [true, true], [4.0, 5.0, 6.0, 1.0, 1.0, 1.0]);
        row(
            "CumulativeLogsumexp",
            1,
            [false, false],
            [1.0, 2.313_261_7, 3.407_606, 4.0, 5.313_261_5, 6.407_606],
        );
        row("CumulativeLogsumexp", 0, [true, false], [-inf, -inf, -inf, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn dtypes() {
        let check = |x: Tensor, want: Tensor| check(op(OPS, "Cumsum"), [x, Tensor::scalar(0)], want);
        check(
            Tensor::from_slice([2], &[100_i8, 100]).unwrap(),
            Tensor::from_slice([2], &[100_i8, -56]).unwrap(),
        );
        let ones = Tensor::from_slice([300], &[bf16::ONE; 300]).unwrap();
        let sums: Vec<bf16> = (1..=300).map(|i| bf16::from_f32(256.min(i) as f32)).collect();
        check(ones, Tensor::from_slice([300], &sums).unwrap());
        check(
            Tensor::from_slice([0, 2], &[0.0_f32; 0]).unwrap(),
            Tensor::from_slice([0, 2], &[0.0_f32; 0]).unwrap(),
        );
    }

    #[test]
    fn errors() {
        let x = || Tensor::from_slice([2, 3], &[1.0_f32; 6]).unwrap();
        let list = Tensor::from_slice([1], &[0]).unwrap();
        error(
            op(OPS, "Cumsum"),
            [x(), Tensor::scalar(-3)],
            "Expected scan axis in the range [-2, 2), but got -1",
        );
        error(op(OPS, "Cumsum"), [x(), list], "ScanOp: axis must be a scalar, not [1]");
        error(op(OPS, "Cumprod"), [Tensor::scalar(1), Tensor::scalar(0)], "in the range [0, 0), but got 0");
    }
}
