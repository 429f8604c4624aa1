//! `SegmentSum` and the others that want sorted numbers of segments.

use num_traits::{AsPrimitive, One, PrimInt, WrappingAdd, WrappingMul, Zero};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{
    Complex32, Complex64, Element, Error, PartialShape, Result, Shape, Tensor, bf16, f16,
};

use super::Accumulate;

/// The operators of this file.
///
/// There are as many segments as the last number says, and one more; those that do not occur are zero, or one in
/// `SegmentProd`. Integers wrap around, and everything is rounded to its own type at once; so is the number of rows by
/// which `SegmentMean` divides.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/SegmentSum`.
pub const OPS: &[Op] = &[
    op(
        "SegmentSum",
        NUMBERS,
        by_dtype!("T"; sum: f32 f64 f16 bf16 Complex32 Complex64; wrapping_sum: i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op(
        "SegmentMean",
        NUMBERS,
        by_dtype!("T"; mean: f32 f64 f16 bf16; complex_mean: Complex32 Complex64;
            integer_mean: i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op(
        "SegmentProd",
        NUMBERS,
        by_dtype!("T"; product: f32 f64 f16 bf16 Complex32 Complex64;
            wrapping_product: i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op("SegmentMax", ORDERED, by_dtype!("T"; maximum: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64)),
    op("SegmentMin", ORDERED, by_dtype!("T"; minimum: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64)),
];

const TINDICES: &str = "Tindices: {int32, int64}";

const NUMBERS: &[&str] = &[
    "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, quint16, \
     uint16, complex128, half, uint32, uint64}",
    TINDICES,
];

const ORDERED: &[&str] = &["T: realnumbertype", TINDICES];

const fn op(name: &'static str, attrs: &'static [&'static str], kernels: Kernels) -> Op {
    let (inputs, outputs): (&[&str], &[&str]) = (&["data: T", "segment_ids: Tindices"], &["output: T"]);
    Op { name, inputs, outputs, attrs, effect: Effect::Pure, shape, kernels }
}

type Built = Result<Box<dyn Kernel>>;

fn sum<T: Element + Zero>(_: &Construction<'_>) -> Built {
    kernel(T::zero(), super::add::<T>, |_, _| {})
}

fn wrapping_sum<T: Element + Zero + WrappingAdd>(_: &Construction<'_>) -> Built {
    kernel(T::zero(), super::wrapping_add::<T>, |_, _| {})
}

fn mean<T: Element + num_traits::Float>(_: &Construction<'_>) -> Built
where
    usize: AsPrimitive<T>,
{
    kernel(T::zero(), super::add::<T>, |out, n| out.iter_mut().for_each(|out| *out = *out / n.as_()))
}

fn complex_mean<T: Element + crate::complex::Number + Zero>(_: &Construction<'_>) -> Built {
    kernel(T::zero(), super::add::<T>, |out, n| {
        out.iter_mut().for_each(|out| *out = T::narrow(out.widen() / n as f64));
    })
}

fn integer_mean<T: Element + PrimInt + WrappingAdd>(_: &Construction<'_>) -> Built
where
    usize: AsPrimitive<T>,
{
    kernel(T::zero(), super::wrapping_add::<T>, |out, n| {
        // Neither a count that wraps to zero nor the least integer over -1 may stop the process.
        out.iter_mut().for_each(|out| *out = out.checked_div(&n.as_()).unwrap_or(T::zero()));
    })
}

fn product<T: Element + One>(_: &Construction<'_>) -> Built {
    kernel(T::one(), super::multiply::<T>, |_, _| {})
}

fn wrapping_product<T: Element + One + WrappingMul>(_: &Construction<'_>) -> Built {
    kernel(T::one(), super::wrapping_multiply::<T>, |_, _| {})
}

fn maximum<T: Element + PartialOrd>(_: &Construction<'_>) -> Built {
    kernel(T::default(), super::maximum::<T>, |_, _| {})
}

fn minimum<T: Element + PartialOrd>(_: &Construction<'_>) -> Built {
    kernel(T::default(), super::minimum::<T>, |_, _| {})
}

/// `absent` fills segments that do not occur; `finish` gets a segment and its number of rows.
fn kernel<T: Element>(absent: T, accumulate: Accumulate<T>, finish: fn(&mut [T], usize)) -> Built {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let data = ctx.input(0);
        let ids = ids(data.shape(), ctx.input(1))?;
        let mut shape = data.shape().clone();
        shape.dims_mut()[0] = ids.last().map_or(0, |&last| last as usize + 1);
        let mut output = ctx.allocate(T::DTYPE, shape)?;
        let (x, out) = (data.as_slice::<T>()?, output.as_mut_slice::<T>()?);
        out.fill(absent);
        let row: usize = data.shape()[1..].iter().product();
        let mut start = 0;
        for group in ids.chunk_by(|a, b| a == b) {
            let out = &mut out[group[0] as usize * row..][..row];
            let rows = start * row..(start + group.len()) * row;
            start += group.len();
            if row > 0 {
                let (first, rest) = x[rows].split_at(row);
                out.copy_from_slice(first);
                rest.chunks_exact(row).for_each(|x| accumulate(out, x));
                finish(out, group.len());
            }
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// The numbers of segments, of which none is negative or less than the one before.
fn ids(data: &Shape, ids: &Tensor) -> Result<Vec<i64>> {
    let wrong = |text: &str| Err(Error::invalid_argument(text));
    if data.rank() == 0 {
        return wrong("input must be at least rank 1");
    }
    if ids.rank() != 1 {
        return wrong("segment_ids should be a vector.");
    }
    if ids.elements() != data[0] {
        return wrong("segment_ids should be the same size as dimension 0 of input.");
    }
    let ids = ids.to_i64s()?;
    let rows = ids.last().map_or(0, |last| last.saturating_add(1));
    if !ids.is_empty() && rows <= 0 {
        return wrong("segment ids must be >= 0");
    }
    for (i, &id) in ids.iter().enumerate() {
        if ids.get(i + 1).is_some_and(|&next| next < id) {
            return wrong("segment ids are not increasing");
        }
        if !(0..rows).contains(&id) {
            return wrong(&format!(
                "Segment id {id} out of range [0, {rows}), possibly because 'segment_ids' input is not sorted."
            ));
        }
    }
    Ok(ids)
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let data = ctx.input(0);
    Ok(vec![match data.dims() {
        Some([_, rest @ ..]) => PartialShape::new(std::iter::once(None).chain(rest.iter().copied())),
        _ => PartialShape::unknown(),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};

    fn row<T: Element>(name: &str, x: &[T], ids: &[i32], want: &[T]) {
        let ids = Tensor::from_slice([ids.len()], ids).unwrap();
        let row = x.len() / ids.elements();
        let x = Tensor::from_slice([ids.elements(), row], x).unwrap();
        check(op(OPS, name), [x, ids], Tensor::from_slice([want.len() / row, row], want).unwrap());
    }

    #[test]
    fn values() {
        let x = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        row("SegmentSum", &x, &[0, 0, 2], &[4.0, 6.0, 0.0, 0.0, 5.0, 6.0]);
        row("SegmentMean", &x, &[0, 0, 2], &[2.0, 3.0, 0.0, 0.0, 5.0, 6.0]);
        row("SegmentMax", &x, &[0, 0, 2], &[3.0, 4.0, 0.0, 0.0, 5.0, 6.0]);
        row("SegmentMin", &x, &[0, 0, 2], &[1.0, 2.0, 0.0, 0.0, 5.0, 6.0]);
        row("SegmentProd", &x, &[0, 0, 2], &[3.0, 8.0, 1.0, 1.0, 5.0, 6.0]);
        row("SegmentMean", &[100_i8; 3], &[0, 0, 0], &[14]);
        row("SegmentMean", &[1_i8; 256], &[0; 256], &[0]);
        row("SegmentMean", &[1, 2, -6], &[0, 0, 0], &[-1]);
        row("SegmentMax", &[f32::NAN, 1.0], &[0, 0], &[1.0]);
        row("SegmentMax", &[1.0, f32::NAN], &[0, 0], &[f32::NAN]);
        row("SegmentMean", &[f16::from_f32(6e4); 2], &[0, 0], &[f16::INFINITY]);
        row("SegmentSum", &[Complex32::new(1.0, 2.0); 2], &[0, 0], &[Complex32::new(2.0, 4.0)]);
        let (x, ids) = (
            Tensor::from_slice([0, 2], &[0.0_f32; 0]).unwrap(),
            Tensor::from_slice([0], &[0_i64; 0]).unwrap(),
        );
        check(op(OPS, "SegmentSum"), [x.clone(), ids], x);
    }

    #[test]
    fn errors() {
        let fails = |ids: &[i32], part: &str| {
            let x = Tensor::from_slice([3, 1], &[1.0_f32; 3]).unwrap();
            error(op(OPS, "SegmentSum"), [x, Tensor::from_slice([ids.len()], ids).unwrap()], part);
        };
        fails(&[0, 2, 1], "segment ids are not increasing");
        fails(&[-1, 0, 1], "Segment id -1 out of range [0, 2)");
        fails(&[0, 1, -1], "segment ids must be >= 0");
        fails(&[0, 1], "segment_ids should be the same size as dimension 0 of input.");
        let ids = Tensor::from_slice([1, 1], &[0]).unwrap();
        let x = Tensor::from_slice([1], &[0]).unwrap();
        error(op(OPS, "SegmentSum"), [x, ids.clone()], "segment_ids should be a vector.");
        error(op(OPS, "SegmentSum"), [Tensor::scalar(1), ids], "input must be at least rank 1");
    }
}
