//! `AddN`.

use savedmodel_math::narrow::Narrow;
use savedmodel_math::par;
use savedmodel_op::{Builder, Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{
    Complex32, Complex64, DType, Element, Error, PartialShape, Result, Tensor, Variant, bf16, f16,
};

use crate::accumulate_nv2;
use crate::elementwise::{BLOCK, CHEAP, Zip, loops, narrow, tasks};

/// Adds tensors of one shape, element by element.
///
/// Integers wrap around; 16-bit floats are rounded after each addition; variants say themselves what their sum is.
/// The first two to nine tensors are added up, then the sums of each eight of the rest.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/AddN`.
pub const OP: Op = Op {
    name: "AddN",
    inputs: &["inputs: N * T"],
    outputs: &["sum: T"],
    attrs: &[
        "N: int >= 1",
        "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
         quint16, uint16, complex128, half, uint32, uint64, variant}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::ByDType("T", ROWS),
};

/// Numbers of any dtype: those of `AccumulateNV2`, too.
pub(crate) const NUMBERS: &[(DType, Builder)] = ROWS.split_at(ROWS.len() - 1).0;

const ROWS: &[(DType, Builder)] = &[
    (DType::Float, floats::<f32>),
    (DType::Double, floats::<f64>),
    (DType::Complex64, floats::<Complex32>),
    (DType::Complex128, floats::<Complex64>),
    (DType::Half, narrow_floats::<f16>),
    (DType::Bfloat16, narrow_floats::<bf16>),
    (DType::Int8, integers::<i8>),
    (DType::Int16, integers::<i16>),
    (DType::Int32, integers::<i32>),
    (DType::Int64, integers::<i64>),
    (DType::Uint8, integers::<u8>),
    (DType::Uint16, integers::<u16>),
    (DType::Uint32, integers::<u32>),
    (DType::Uint64, integers::<u64>),
    (DType::Variant, variants),
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let merged = ctx.inputs.iter().try_fold(PartialShape::unknown(), |known, input| known.merge(input));
    Ok(vec![merged.unwrap_or_default()])
}

fn floats<T: Element + std::ops::Add<Output = T>>(c: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(c, |a, b, out| loops::zip(a, b, out, |x, y| x + y))
}

fn narrow_floats<T: Element + Narrow>(c: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(c, |a, b, out| narrow::zip(|a, b, out| loops::zip(a, b, out, |x, y| x + y), a, b, out))
}

fn integers<T: Element + num_traits::WrappingAdd>(c: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(c, |a, b, out| loops::zip(a, b, out, |x: T, y: T| x.wrapping_add(&y)))
}

fn kernel<T: Element>(c: &Construction<'_>, add: Zip<T, T>) -> Result<Box<dyn Kernel>> {
    let from_zero = c.op() == accumulate_nv2::OP.name;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape().clone();
        if let Some(i) = (1..ctx.input_len()).find(|&i| *ctx.input(i).shape() != shape) {
            if from_zero {
                return Err(Error::invalid_argument("Parameters and update must be the same size"));
            }
            return Err(Error::invalid_argument(format!(
                "Inputs to operation of type AddN must have the same size and shape.  Input 0: {shape} != input {i}: {}",
                ctx.input(i).shape()
            )));
        }
        if from_zero {
            let mut sum = Tensor::zeros(T::DTYPE, shape)?;
            let last_first = (0..ctx.input_len()).rev().map(|i| ctx.input(i).as_slice());
            let last_first: Vec<&[T]> = last_first.collect::<Result<_>>()?;
            add_all(&mut sum, [&last_first, &[]], true, add)?;
            ctx.set(0, sum);
            return Ok(());
        }
        let (mut sum, forwarded) = match ctx.forward(0, T::DTYPE, &shape) {
            Some(sum) => (sum, true),
            None if ctx.input_len() == 1 => (ctx.take(0), true),
            None => (ctx.allocate(T::DTYPE, &shape)?, false),
        };
        if ctx.input_len() > 1 {
            let first = usize::from(forwarded);
            let rest: Vec<&[T]> = ctx.inputs(first).map(|x| x.as_slice()).collect::<Result<_>>()?;
            let head = (ctx.input_len() - 2) % 8 + 2 - first;
            add_all(&mut sum, rest.split_at(head).into(), forwarded, add)?;
        }
        ctx.set(0, sum);
        Ok(())
    }))
}

fn variants(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        if ctx.input_len() == 1 {
            let only = ctx.take(0);
            ctx.set(0, only);
            return Ok(());
        }
        let variant = |i: usize| match ctx.input(i).variants()? {
            [variant] if ctx.input(i).rank() == 0 => Ok(variant),
            _ => Err(Error::invalid_argument(format!(
                "AddN of non-scalar Tensor with dtype=DT_VARIANT is not supported; inputs[{i}] has shape: {}.",
                ctx.input(i).shape()
            ))),
        };
        let variants: Vec<&Variant> = (0..ctx.input_len()).map(variant).collect::<Result<_>>()?;
        let first = variants[0].clone();
        let sum = variants[1..].iter().try_fold(first, |sum, variant| sum.sum(variant))?;
        ctx.set(0, Tensor::from_variants([], vec![sum])?);
        Ok(())
    }))
}

/// Adds the first ones of `rest`, and the sums of each eight of the second; `started` says that `sum` holds a summand.
fn add_all<T: Element>(sum: &mut Tensor, rest: [&[&[T]]; 2], started: bool, add: Zip<T, T>) -> Result<()> {
    let ns = CHEAP * (rest[0].len() + rest[1].len()) as f64;
    tasks::for_chunks(sum.as_mut_slice()?, par::grain(ns), &|start, out| {
        accumulate(rest, started, start, out, add)
    });
    Ok(())
}

/// Adds block after block, so that sums stay in cache; `started` says that `out` holds a summand.
fn accumulate<T: Element>(rest: [&[&[T]]; 2], started: bool, start: usize, out: &mut [T], add: Zip<T, T>) {
    let [mut copy, mut sum] = [[T::default(); BLOCK]; 2];
    for (i, out) in out.chunks_mut(BLOCK).enumerate() {
        let first = start + i * BLOCK;
        let range = first..first + out.len();
        let (copy, sum) = (&mut copy[..out.len()], &mut sum[..out.len()]);
        let all = |xs: &[&[T]], started: bool, out: &mut [T], copy: &mut [T]| {
            if !started {
                add(&xs[0][range.clone()], &xs[1][range.clone()], out);
            }
            for x in &xs[if started { 0 } else { 2 }..] {
                copy.copy_from_slice(out);
                add(copy, &x[range.clone()], out);
            }
        };
        all(rest[0], started, out, copy);
        for eight in rest[1].chunks(8) {
            all(eight, false, sum, copy);
            copy.copy_from_slice(out);
            add(copy, sum, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    #[test]
    fn values() {
        let vector = |v: &[f32]| Tensor::from_slice([v.len()], v).unwrap();
        let add = || op(&[OP], "AddN");
        check(add(), [vector(&[1.0, 2.0])], vector(&[1.0, 2.0]));
        check(add(), [vector(&[1.0, 2.0]), vector(&[3.0, 4.0])], vector(&[4.0, 6.0]));
        check(add(), [vector(&[1.0]), vector(&[2.0]), vector(&[f32::NAN])], vector(&[f32::NAN]));
        check(
            add(),
            [Tensor::scalar(100_i8), Tensor::scalar(100_i8), Tensor::scalar(1_i8)],
            Tensor::scalar(-55_i8),
        );
        let brain = |v: f32| Tensor::scalar(bf16::from_f32(v));
        check(add(), [brain(256.0), brain(1.0), brain(1.0)], brain(256.0));
        let long: Vec<f32> = (0..2000).map(|i| i as f32).collect();
        let want: Vec<f32> = long.iter().map(|v| v * 3.0).collect();
        check(add(), [vector(&long), vector(&long), vector(&long)], vector(&want));
        // An input that stands twice can't be overwritten.
        let shared = vector(&long);
        check(add(), [shared.clone(), shared.clone(), shared], vector(&want));
        error(add(), [vector(&[1.0; 3]), vector(&[1.0])], "Input 0: [3] != input 1: [1]");
    }
}
