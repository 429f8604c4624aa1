//! Reductions of numbers and truth values over some axes.
//!
//! Integers wrap around, 16-bit floats are accumulated in single precision, `Max` and `Min` are NaN where an element
//! is. Sums are taken in blocks, so that their error grows with the logarithm of the length. Without axes, elements are
//! what they were. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Sum` and the pages of the other names.

use half::{bf16, f16};
use num_traits::{AsPrimitive, Float, PrimInt, WrappingMul};
use savedmodel_math::narrow::Narrow;
use savedmodel_math::reduce::{self, Reduce};
use savedmodel_op::{Construction, Effect, Kernel, Kernels, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Element, Result};

use crate::reduction::{self, Apart, kernel};

/// The operators of this file.
///
/// `Mean` of integers sums them in 64 bits and rounds towards zero. `EuclideanNorm` of integers squares and sums in
/// their own type, and rounds the root down.
pub const OPS: &[Op] = &[
    reduction::op(
        "Sum",
        &[KEEP_DIMS, NUMBERS, TIDX],
        by_dtype!("T"; sum: f32 f64 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64; narrow_sum: f16 bf16),
    ),
    reduction::op(
        "Mean",
        &[KEEP_DIMS, NUMBERS, TIDX],
        by_dtype!("T"; mean: f32 f64 Complex32 Complex64; mean_at_once: f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    reduction::op(
        "Prod",
        &[KEEP_DIMS, NUMBERS, TIDX],
        by_dtype!("T"; prod: f32 f64 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64; narrow_prod: f16 bf16),
    ),
    reduction::op(
        "Max",
        &[KEEP_DIMS, ORDERED, TIDX],
        by_dtype!("T"; max: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    reduction::op(
        "Min",
        &[KEEP_DIMS, ORDERED, TIDX],
        by_dtype!("T"; min: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    reduction::op(
        "EuclideanNorm",
        &[KEEP_DIMS, NUMBERS, TIDX],
        by_dtype!("T"; norm: f32 f64; narrow_norm: f16 bf16; integer_norm: i8 i16 i32 i64 u8 u16 u32 u64;
            complex_norm: Complex32 Complex64),
    ),
    logical("All", |node| kernel(node, Apart::Stepwise, reduce::all)),
    logical("Any", |node| kernel(node, Apart::Stepwise, reduce::any)),
];

const KEEP_DIMS: &str = "keep_dims: bool = false";

const TIDX: &str = "Tidx: {int32, int64} = DT_INT32";

const NUMBERS: &str = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, \
                       qint16, quint16, uint16, complex128, half, uint32, uint64}";

const ORDERED: &str = "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, \
                       qint8, quint8, qint32, qint16, quint16}";

const fn logical(name: &'static str, build: savedmodel_op::Builder) -> Op {
    Op {
        name,
        inputs: &["input: bool", "reduction_indices: Tidx"],
        outputs: &["output: bool"],
        attrs: &[KEEP_DIMS, TIDX],
        effect: Effect::Pure,
        shape: reduction::shape,
        kernels: Kernels::one(build),
    }
}

type Built = Result<Box<dyn Kernel>>;

fn sum<T: Element + Reduce<reduce::Sum>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Stepwise, reduce::sum::<T>)
}

fn narrow_sum<T: Element + Reduce<reduce::Sum>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Gathered, reduce::sum::<T>)
}

fn mean<T: Element + Reduce<reduce::Mean>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Stepwise, reduce::mean::<T>)
}

fn mean_at_once<T: Element + Reduce<reduce::Mean>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Gathered, reduce::mean::<T>)
}

fn prod<T: Element + Reduce<reduce::Prod>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Stepwise, reduce::prod::<T>)
}

fn narrow_prod<T: Element + Reduce<reduce::Prod>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Gathered, reduce::prod::<T>)
}

fn max<T: Element + Reduce<reduce::Max>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Stepwise, reduce::max::<T>)
}

fn min<T: Element + Reduce<reduce::Min>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Stepwise, reduce::min::<T>)
}

fn norm<T: Element + Float + Reduce<reduce::Sum>>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Changing, |x: &[T], axes, out| {
        let squares: Vec<T> = x.iter().map(|&x| x * x).collect();
        reduce::sum(&squares, axes, out);
        out.iter_mut().for_each(|out| *out = out.sqrt());
    })
}

fn narrow_norm<T: Element + Narrow>(node: &Construction<'_>) -> Built {
    kernel(node, Apart::Changing, |x: &[T], axes, out| {
        let (mut wide, mut sums) = (vec![0.0; x.len()], vec![0.0; out.len()]);
        T::widen(x, &mut wide);
        wide.iter_mut().for_each(|x| *x *= *x);
        // The squares are numbers of the narrow type, and infinite where that has none so large.
        let mut squares = x.to_vec();
        T::narrow(&wide, &mut squares);
        T::widen(&squares, &mut wide);
        reduce::sum(&wide, axes, &mut sums);
        sums.iter_mut().for_each(|sum| *sum = sum.sqrt());
        T::narrow(&sums, out);
    })
}

fn integer_norm<T>(node: &Construction<'_>) -> Built
where
    T: Element + PrimInt + WrappingMul + AsPrimitive<f64> + Reduce<reduce::Sum>,
    f64: AsPrimitive<T>,
{
    kernel(node, Apart::Changing, |x: &[T], axes, out| {
        // A sum that became negative has no root; processors give the lowest value of 32 or 64 bits for it.
        let lowest = if size_of::<T>() < 4 { T::zero() } else { T::min_value() };
        let squares: Vec<T> = x.iter().map(|x| x.wrapping_mul(x)).collect();
        reduce::sum(&squares, axes, out);
        for out in out {
            let root = AsPrimitive::<f64>::as_(*out).sqrt();
            *out = if root.is_nan() { lowest } else { root.as_() };
        }
    })
}

fn complex_norm<T>(node: &Construction<'_>) -> Built
where
    T: Element + crate::complex::Number + Reduce<reduce::Sum>,
{
    kernel(node, Apart::Changing, |x: &[T], axes, out| {
        let squares: Vec<T> = x.iter().map(|x| T::narrow(x.widen().norm_sqr().into())).collect();
        reduce::sum(&squares, axes, out);
        out.iter_mut().for_each(|out| *out = T::narrow(out.widen().re.sqrt().into()));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    fn row<T: Element>(name: &str, shape: [usize; 3], x: &[T], axes: &[i32], want: (&[usize], &[T])) {
        let axes = Tensor::from_slice([axes.len()], axes).unwrap();
        let want = Tensor::from_slice(want.0, want.1).unwrap();
        check(op(OPS, name), [Tensor::from_slice(shape, x).unwrap(), axes], want);
    }

    #[test]
    fn values() {
        let x: Vec<f32> = (0..24).map(|v| v as f32).collect();
        row("Sum", [2, 3, 4], &x, &[0, 2], (&[3], &[60.0, 92.0, 124.0]));
        row("Sum", [2, 3, 4], &x, &[-1], (&[2, 3], &[6.0, 22.0, 38.0, 54.0, 70.0, 86.0]));
        row("Sum", [2, 3, 4], &x, &[], (&[2, 3, 4], &x));
        row("Mean", [2, 3, 4], &x, &[0, 1, 2], (&[], &[11.5]));
        row("Mean", [2, 3, 4], &x, &[0, 2], (&[3], &[7.5, 11.5, 15.5]));
        row("Max", [2, 3, 4], &x, &[0, 2], (&[3], &[15.0, 19.0, 23.0]));
        row("Min", [2, 3, 4], &x, &[1], (&[2, 4], &[0.0, 1.0, 2.0, 3.0, 12.0, 13.0, 14.0, 15.0]));
        row("Prod", [1, 2, 2], &[2.0, 3.0, 4.0, f32::NAN], &[1], (&[1, 2], &[8.0, f32::NAN]));
        row("EuclideanNorm", [1, 1, 2], &[3.0, -4.0], &[2], (&[1, 1], &[5.0]));
        row("EuclideanNorm", [2, 1, 1], &[3.0, -4.0], &[1], (&[2, 1], &[3.0, 4.0]));
        row("EuclideanNorm", [1, 1, 2], &[30_000; 2], &[2], (&[1, 1], &[42_426]));
        row("EuclideanNorm", [1, 1, 3], &[30_000; 3], &[2], (&[1, 1], &[i32::MIN]));
        row("Mean", [1, 3, 1], &[2, -4, -3], &[1], (&[1, 1], &[-1]));
        row("Mean", [2, 1, 2], &[i32::MAX; 4], &[0, 2], (&[1], &[i32::MAX]));
        row("Sum", [1, 1, 2], &[100_i8, 100], &[2], (&[1, 1], &[-56]));
        row("EuclideanNorm", [4, 1, 1], &[3, 4, 5, 100_i8], &[0], (&[1, 1], &[8]));
        row("Sum", [1, 1, 4992], &[bf16::ONE; 4992], &[0, 2], (&[1], &[bf16::from_f32(4992.0)]));
        row("Mean", [1, 1, 2], &[f16::from_f32(6e4); 2], &[2], (&[1, 1], &[f16::INFINITY]));
        let c = Complex32::new;
        row("EuclideanNorm", [1, 1, 2], &[c(3.0, 4.0), c(1.0, 0.0)], &[2], (&[1, 1], &[c(5.099_02, 0.0)]));
    }

    #[test]
    fn empty_ones() {
        let inf = f32::INFINITY;
        for (name, want) in [("Sum", 0.0), ("Mean", f32::NAN), ("Max", -inf), ("Min", inf), ("Prod", 1.0)] {
            row(name, [2, 0, 1], &[], &[1, 2], (&[2], &[want; 2]));
        }
        row("Max", [1, 0, 1], &[0; 0], &[1], (&[1, 1], &[i32::MIN]));
        row("Mean", [1, 0, 1], &[0; 0], &[1], (&[1, 1], &[0]));
        row("Sum", [0, 2, 3], &[0.0_f32; 0], &[1], (&[0, 3], &[]));
    }

    #[test]
    fn truth_values() {
        let x = Tensor::from_slice([2, 2], &[true, false, true, true]).unwrap();
        let vector = |v: &[bool]| Tensor::from_slice([v.len()], v).unwrap();
        check(op(OPS, "All"), [x.clone(), Tensor::scalar(1)], vector(&[false, true]));
        check(op(OPS, "Any"), [x.clone(), Tensor::scalar(0_i64)], vector(&[true, true]));
        check(
            op(OPS, "All").attr("keep_dims", true),
            [x, Tensor::scalar(0)],
            Tensor::from_slice([1, 2], &[true, false]).unwrap(),
        );
    }

    #[test]
    fn wrong_axes() {
        let x = || Tensor::from_slice([2, 3], &[0.0_f32; 6]).unwrap();
        let axes = |v: &[i32]| Tensor::from_slice([v.len()], v).unwrap();
        error(
            op(OPS, "Sum"),
            [x(), axes(&[2])],
            "Invalid reduction dimension (2 for input with 2 dimension(s)",
        );
        error(op(OPS, "Sum"), [x(), axes(&[0, -2])], "Axes contains duplicate dimension: 0");
    }
}
