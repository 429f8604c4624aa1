//! `UnsortedSegmentSum` and its like.

use num_traits::{Bounded, One, WrappingAdd, WrappingMul, Zero};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{
    Complex32, Complex64, Element, Error, PartialShape, Result, Shape, Tensor, bf16, f16,
};

use super::Accumulate;

/// The operators of this file.
///
/// `segment_ids` numbers the rows that its shape makes of the first dimensions of `data`; a row of a negative number is
/// left out. Segments that do not occur are zero, one in `UnsortedSegmentProd`, the lowest finite value in
/// `UnsortedSegmentMax`, the highest in `UnsortedSegmentMin`. Integers wrap around.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnsortedSegmentSum`.
pub const OPS: &[Op] = &[
    op(
        "UnsortedSegmentSum",
        &[NUMBERS, "Tindices: {int16, int32, int64}", TNUMSEGMENTS],
        by_dtype!("T"; sum: f32 f64 f16 bf16 Complex32 Complex64; wrapping_sum: i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op(
        "UnsortedSegmentProd",
        &[NUMBERS, TINDICES, TNUMSEGMENTS],
        by_dtype!("T"; product: f32 f64 f16 bf16 Complex32 Complex64;
            wrapping_product: i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op(
        "UnsortedSegmentMax",
        &["T: realnumbertype", TINDICES, TNUMSEGMENTS],
        by_dtype!("T"; maximum: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    ),
    op(
        "UnsortedSegmentMin",
        &["T: realnumbertype", TINDICES, TNUMSEGMENTS],
        by_dtype!("T"; minimum: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
    ),
];

const NUMBERS: &str = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, \
                       qint16, quint16, uint16, complex128, half, uint32, uint64}";

const TINDICES: &str = "Tindices: {int32, int64}";

const TNUMSEGMENTS: &str = "Tnumsegments: {int32, int64} = DT_INT32";

const fn op(name: &'static str, attrs: &'static [&'static str], kernels: Kernels) -> Op {
    let inputs = &["data: T", "segment_ids: Tindices", "num_segments: Tnumsegments"];
    Op { name, inputs, outputs: &["output: T"], attrs, effect: Effect::Pure, shape, kernels }
}

type Built = Result<Box<dyn Kernel>>;

fn sum<T: Element + Zero>(_: &Construction<'_>) -> Built {
    kernel(T::zero(), super::add::<T>)
}

fn wrapping_sum<T: Element + Zero + WrappingAdd>(_: &Construction<'_>) -> Built {
    kernel(T::zero(), super::wrapping_add::<T>)
}

fn product<T: Element + One>(_: &Construction<'_>) -> Built {
    kernel(T::one(), super::multiply::<T>)
}

fn wrapping_product<T: Element + One + WrappingMul>(_: &Construction<'_>) -> Built {
    kernel(T::one(), super::wrapping_multiply::<T>)
}

fn maximum<T: Element + PartialOrd + Bounded>(_: &Construction<'_>) -> Built {
    kernel(T::min_value(), super::maximum::<T>)
}

fn minimum<T: Element + PartialOrd + Bounded>(_: &Construction<'_>) -> Built {
    kernel(T::max_value(), super::minimum::<T>)
}

fn kernel<T: Element>(first: T, accumulate: Accumulate<T>) -> Built {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (data, ids) = (ctx.input(0), ctx.input(1));
        let segments = segments(ctx.input(2))?;
        if !data.shape().starts_with(ids.shape()) {
            return Err(Error::invalid_argument(format!(
                "data.shape = {} does not start with segment_ids.shape = {}",
                data.shape(),
                ids.shape()
            )));
        }
        let rest = &data.shape()[ids.rank()..];
        let row: usize = rest.iter().product();
        let shape: Shape = std::iter::once(segments).chain(rest.iter().copied()).collect();
        let numbers = ids.to_i64s()?;
        let end = segments as i64;
        let wrong = numbers.iter().position(|&id| id >= end);
        if let Some(i) = wrong.filter(|_| data.elements() > 0) {
            return Err(out_of_range(ids.shape(), i, numbers[i], end));
        }
        let mut output = ctx.allocate(T::DTYPE, shape)?;
        let (x, out) = (data.as_slice::<T>()?, output.as_mut_slice::<T>()?);
        out.fill(first);
        for (i, id) in numbers.into_iter().enumerate() {
            if let (Ok(id), true) = (usize::try_from(id), row > 0) {
                accumulate(&mut out[id * row..][..row], &x[i * row..][..row]);
            }
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn segments(number: &Tensor) -> Result<usize> {
    if number.rank() != 0 {
        let text = format!("num_segments should be a scalar, not shape {}", number.shape());
        return Err(Error::invalid_argument(text));
    }
    // TensorFlow counts segments with 32 bits.
    let number = number.to_i64s()?[0] as i32;
    usize::try_from(number)
        .map_err(|_| Error::invalid_argument(format!("Input num_segments == {number} must not be negative.")))
}

#[cold]
fn out_of_range(shape: &Shape, mut flat: usize, id: i64, segments: i64) -> Error {
    let mut index = shape.clone();
    for (axis, &size) in shape.iter().enumerate().rev() {
        index.dims_mut()[axis] = flat % size;
        flat /= size;
    }
    let place = if shape.rank() == 0 { String::new() } else { index.to_string() };
    Error::invalid_argument(format!("segment_ids{place} = {id} is out of range [0, {segments})"))
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (data, ids) = (ctx.input(0), ctx.input(1));
    let (Some(dims), Some(rank)) = (data.dims(), ids.rank()) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let Some(rest) = dims.get(rank..) else { return Ok(vec![PartialShape::unknown()]) };
    let segments = ctx.value(2).map(segments).transpose()?;
    Ok(vec![PartialShape::new(std::iter::once(segments).chain(rest.iter().copied()))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};

    fn vector<T: Element>(v: &[T]) -> Tensor {
        Tensor::from_slice([v.len()], v).unwrap()
    }

    fn row<T: Element>(name: &str, ids: &[i32], segments: i32, want: &[T], x: &[T]) {
        let matrix = |v: &[T]| Tensor::from_slice([v.len() / 2, 2], v).unwrap();
        check(op(OPS, name), [matrix(x), vector(ids), Tensor::scalar(segments)], matrix(want));
    }

    #[test]
    fn values() {
        let (x, low, high) = ([1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0], f32::MIN, f32::MAX);
        row("UnsortedSegmentSum", &[2, 0, 2], 3, &[3.0, 4.0, 0.0, 0.0, 6.0, 8.0], &x);
        row("UnsortedSegmentProd", &[2, -1, 2], 3, &[1.0, 1.0, 1.0, 1.0, 5.0, 12.0], &x);
        row("UnsortedSegmentMax", &[1, -1, 1], 2, &[low, low, 5.0, 6.0], &x);
        row("UnsortedSegmentMin", &[0, 0, 0], 2, &[1.0, 2.0, high, high], &x);
        row("UnsortedSegmentMax", &[0], 2, &[3_i8, 4, -128, -128], &[3, 4]);
        row("UnsortedSegmentMin", &[0], 2, &[f16::ONE, f16::ONE, f16::MAX, f16::MAX], &[f16::ONE; 2]);
        row("UnsortedSegmentSum", &[0, 0], 1, &[200_u8, 44], &[100, 150, 100, 150]);
        let data = Tensor::from_slice([2, 2, 1], &[1.0_f32, 2.0, 3.0, 4.0]).unwrap();
        let ids = Tensor::from_slice([2, 2], &[0_i64, 1, 1, 0]).unwrap();
        let want = Tensor::from_slice([2, 1], &[5.0_f32, 5.0]).unwrap();
        check(op(OPS, "UnsortedSegmentSum"), [data, ids, Tensor::scalar(2_i64)], want);
        let inputs = [vector(&[1.0_f32, 2.0]), Tensor::scalar(1), Tensor::scalar(2)];
        check(
            op(OPS, "UnsortedSegmentSum"),
            inputs,
            Tensor::from_slice([2, 2], &[0.0_f32, 0.0, 1.0, 2.0]).unwrap(),
        );
    }

    #[test]
    fn errors() {
        let sum = || op(OPS, "UnsortedSegmentSum");
        let x = || vector(&[1.0_f32; 3]);
        let ids = || vector(&[0, 1, 3]);
        error(sum(), [x(), ids(), Tensor::scalar(3)], "segment_ids[2] = 3 is out of range [0, 3)");
        error(sum(), [x(), ids(), Tensor::scalar(-1)], "Input num_segments == -1 must not be negative.");
        error(sum(), [x(), ids(), vector(&[4])], "num_segments should be a scalar, not shape [1]");
        error(
            sum(),
            [x(), vector(&[0, 1]), Tensor::scalar(2)],
            "data.shape = [3] does not start with segment_ids.shape = [2]",
        );
    }
}
