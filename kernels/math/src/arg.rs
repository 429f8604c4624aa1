//! `ArgMax` and `ArgMin`.

use savedmodel_math::reduce::{self, Ordered};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Tensor, bf16, f16};

/// The operators of this file.
///
/// The first of equal elements counts. NaN is passed over, unless there is nothing else.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/ArgMax`.
pub const OPS: &[Op] = &[
    Op {
        name: "ArgMax",
        inputs: &["input: T", "dimension: Tidx"],
        outputs: &["output: output_type"],
        attrs: &[
            T,
            "Tidx: {int16, int32, int64} = DT_INT32",
            "output_type: {int16, uint16, int32, int64} = DT_INT64",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; largest: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 bool),
    },
    Op {
        name: "ArgMin",
        inputs: &["input: T", "dimension: Tidx"],
        outputs: &["output: output_type"],
        attrs: &[T, "Tidx: {int32, int64} = DT_INT32", "output_type: {int32, int64} = DT_INT64"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; smallest: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 bool),
    },
];

const T: &str = "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, qint8, \
                 quint8, qint32, qint16, quint16, bool}";

/// `out[o, i]` is the position of an element among all `x[o, m, i]`.
type Run<T> = fn(&[T], [usize; 3], &mut [i64]);

fn largest<T: Element + Ordered>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, reduce::argmax)
}

fn smallest<T: Element + Ordered>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, reduce::argmin)
}

fn kernel<T: Element>(node: &Construction<'_>, run: Run<T>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("output_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let axis = axis(ctx.input(1), x.rank())?;
        if x.shape()[axis] == 0 {
            let text = format!("Reduction axis {axis} is empty in shape {}", x.shape());
            return Err(Error::invalid_argument(text));
        }
        let [outer, inner] = [&x.shape()[..axis], &x.shape()[axis + 1..]].map(|part| part.iter().product());
        let mut shape = x.shape().clone();
        let axes = [outer, shape.remove(axis), inner];
        let mut positions = ctx.allocate(DType::Int64, shape)?;
        run(x.as_slice()?, axes, positions.as_mut_slice()?);
        let out = match dtype {
            DType::Int64 => positions,
            DType::Int32 => converted(ctx, &positions, |i| i as i32)?,
            DType::Int16 => converted(ctx, &positions, |i| i as i16)?,
            _ => converted(ctx, &positions, |i| i as u16)?,
        };
        ctx.set(0, out);
        Ok(())
    }))
}

fn axis(dimension: &Tensor, rank: usize) -> Result<usize> {
    if dimension.rank() != 0 {
        return Err(Error::invalid_argument(format!(
            "dim must be a scalar, but received tensor of shape: {}",
            dimension.shape()
        )));
    }
    // TensorFlow reads 32 bits.
    let given = i64::from(dimension.to_i64s()?[0] as i32);
    let axis = if given < 0 { given + rank as i64 } else { given };
    usize::try_from(axis).ok().filter(|&axis| axis < rank).ok_or_else(|| {
        let lowest = -(rank as i64);
        Error::invalid_argument(format!(
            "Expected dimension in the range [{lowest}, {rank}), but got {given}"
        ))
    })
}

fn converted<U: Element>(ctx: &Context<'_>, positions: &Tensor, convert: fn(i64) -> U) -> Result<Tensor> {
    let mut out = ctx.allocate(U::DTYPE, positions.shape())?;
    let positions = positions.as_slice::<i64>()?;
    out.as_mut_slice::<U>()?.iter_mut().zip(positions).for_each(|(out, &i)| *out = convert(i));
    Ok(out)
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (input, dimension) = (ctx.input(0), ctx.integers(1));
    let (Some(dims), Some([dimension])) = (input.dims(), dimension.as_deref()) else {
        let rank = input.rank().and_then(|rank| rank.checked_sub(1));
        return Ok(vec![rank.map(PartialShape::of_rank).unwrap_or_default()]);
    };
    let Some(removed) = ctx.axis(*dimension, Some(dims.len()))? else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let kept = dims.iter().enumerate().filter(|(axis, _)| *axis != removed);
    Ok(vec![PartialShape::new(kept.map(|(_, &dim)| dim))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};

    fn row<T: Element>(name: &str, shape: [usize; 2], x: &[T], axis: i32, want: &[i64]) {
        let x = Tensor::from_slice(shape, x).unwrap();
        check(op(OPS, name), [x, Tensor::scalar(axis)], Tensor::from_slice([want.len()], want).unwrap());
    }

    #[test]
    fn values() {
        let nan = f32::NAN;
        row("ArgMax", [2, 3], &[1.0, nan, 5.0, nan, 5.0, 5.0], 1, &[2, 1]);
        row("ArgMax", [2, 3], &[1.0, 7.0, 5.0, 2.0, 7.0, 4.0], 0, &[1, 0, 0]);
        row("ArgMin", [2, 3], &[1.0, 7.0, 5.0, 2.0, 7.0, 4.0], -2, &[0, 0, 1]);
        row("ArgMax", [1, 2], &[nan, nan], 1, &[0]);
        row("ArgMax", [1, 2], &[f32::NEG_INFINITY; 2], 1, &[0]);
        row("ArgMax", [1, 3], &[false, true, true], 1, &[1]);
        row("ArgMin", [1, 3], &[7_u8, 3, 3], 1, &[1]);
        row("ArgMax", [1, 3], &[f16::ONE, f16::MAX, f16::ZERO], 1, &[1]);
        row("ArgMax", [0, 2], &[0.0_f32; 0], 1, &[]);
        let x = Tensor::from_slice([3], &[1_i64, 9, 2]).unwrap();
        let narrow = op(OPS, "ArgMax").attr("output_type", DType::Uint16);
        check(narrow, [x, Tensor::scalar(0_i64)], Tensor::scalar(1_u16));
    }

    #[test]
    fn errors() {
        let x = || Tensor::from_slice([0, 2], &[0.0_f32; 0]).unwrap();
        error(op(OPS, "ArgMax"), [x(), Tensor::scalar(0)], "Reduction axis 0 is empty in shape [0,2]");
        error(
            op(OPS, "ArgMax"),
            [x(), Tensor::scalar(2)],
            "Expected dimension in the range [-2, 2), but got 2",
        );
        let list = Tensor::from_slice([1], &[0]).unwrap();
        error(op(OPS, "ArgMin"), [x(), list], "dim must be a scalar, but received tensor of shape: [1]");
        error(
            op(OPS, "ArgMin"),
            [Tensor::scalar(1.0_f32), Tensor::scalar(0)],
            "in the range [0, 0), but got 0",
        );
    }
}
