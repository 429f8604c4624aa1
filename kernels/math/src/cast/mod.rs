//! `Cast`.
//!
//! An element goes through a carrier, the plain type that holds its source without loss: `f32`, `f64`, `i32`, `i64` or
//! `u64`. Sources are read into blocks of their carrier, and blocks are written to any destination.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Complex32, Complex64, DType, Element, Error, Result};

use crate::elementwise::{BLOCK, CHEAP, loops, map, tasks};

mod float8;
mod read;
mod write;

use read::Read;

/// Converts elements to another dtype.
///
/// Floats are rounded to integers towards zero; what does not fit an `int32` or `int64` becomes its least value. Narrower
/// integers keep the low bits of that at the end of a tensor, where no packet is full, and are clamped before. Floats are rounded to narrower floats to nearest even, or towards zero
/// with `Truncate`. Complex numbers lose their imaginary part. What is not zero, NaN included, is true.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Cast`.
pub const OP: Op = Op {
    name: "Cast",
    inputs: &["x: SrcT"],
    outputs: &["y: DstT"],
    attrs: &["SrcT: type", "DstT: type", "Truncate: bool = false"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (src, dst): (DType, DType) = (node.attr("SrcT")?, node.attr("DstT")?);
    if src == dst {
        return Ok(Box::new(|ctx: &mut Context<'_>| {
            let x = ctx.take(0);
            ctx.set(0, x);
            Ok(())
        }));
    }
    let truncate: bool = node.attr("Truncate")?;
    match (src, dst) {
        (DType::Complex64, DType::Complex128) => {
            return map::convert(CHEAP, |x, out| {
                loops::map(x, out, |x: Complex32| Complex64::new(x.re.into(), x.im.into()));
            });
        }
        (DType::Complex128, DType::Complex64) if truncate => {
            return map::convert(CHEAP, |x, out| narrow(x, out, chop));
        }
        (DType::Complex128, DType::Complex64) => {
            return map::convert(CHEAP, |x, out| narrow(x, out, |v| v as f32));
        }
        _ => {}
    }
    let found = supported(src, dst).then(|| {
        let chopped = if truncate { chopped_bits(src, dst) } else { 0 };
        None.or_else(|| Some(write::from_f32((src, dst), read::f32s(src)?, chopped)))
            .or_else(|| Some(write::from_f64((src, dst), read::f64s(src)?, chopped)))
            .or_else(|| Some(write::from_i32(dst, read::i32s(src)?)))
            .or_else(|| Some(write::from_i64(dst, read::i64s(src)?)))
            .or_else(|| Some(write::from_u64(dst, read::u64s(src)?)))
            .flatten()
    });
    found.flatten().ok_or_else(|| Error::unimplemented(format!("Cast {src} to {dst} is not supported")))
}

/// The kernel that reads blocks of the carrier `C` and writes them to elements that lie in memory like `D`s.
fn kernel<C: Element, D: Element>(
    dst: DType,
    read: Read<C>,
    write: impl Fn(&mut [C], &mut [D]) + Send + Sync + 'static,
) -> Box<dyn Kernel> {
    Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let mut out = ctx.allocate(D::DTYPE, x.shape())?;
        let reader = read(x)?;
        tasks::for_chunks(out.as_mut_slice::<D>()?, par::grain(2.0 * CHEAP), &|start, out| {
            let mut block = [C::default(); BLOCK];
            for (i, out) in out.chunks_mut(BLOCK).enumerate() {
                let first = start + i * BLOCK;
                let block = &mut block[..out.len()];
                reader(first..first + out.len(), block);
                write(block, out);
            }
        });
        drop(reader);
        let out = if D::DTYPE == dst { out } else { out.reinterpret(dst)? };
        ctx.set(0, out);
        Ok(())
    })
}

fn narrow(x: &[Complex64], out: &mut [Complex32], part: fn(f64) -> f32) {
    loops::map(x, out, |x| Complex32::new(part(x.re), part(x.im)));
}

/// Rounds towards zero.
fn chop(x: f64) -> f32 {
    f64::from_bits(x.to_bits() >> 29 << 29) as f32
}

const FLOATS: &[DType] = &[DType::Float, DType::Double, DType::Half, DType::Bfloat16];
const FLOATS8: &[DType] = &[DType::Float8E5m2, DType::Float8E4m3fn];
const INTEGERS4: &[DType] = &[DType::Int4, DType::Uint4];

/// Whether TensorFlow converts between these.
fn supported(src: DType, dst: DType) -> bool {
    let integer = |d: DType| (d.is_integer() || d.is_quantized()) && !small(d);
    let usual = |d: DType| integer(d) || FLOATS.contains(&d) || d.is_complex() || d == DType::Bool;
    let (from8, to8) = (FLOATS8.contains(&src), FLOATS8.contains(&dst));
    let (from4, to4) = (INTEGERS4.contains(&src), INTEGERS4.contains(&dst));
    src != dst
        && ((usual(src) || from8) && usual(dst)
            || (FLOATS.contains(&src) || from8) && to8
            || (integer(src) || from4) && to4
            || from4 && integer(dst))
}

/// Whether this is an integer of less than eight bits.
fn small(dtype: DType) -> bool {
    matches!(dtype, DType::Int4 | DType::Uint4 | DType::Int2 | DType::Uint2)
}

/// How many bits of the carrier's mantissa `Truncate` clears.
fn chopped_bits(src: DType, dst: DType) -> u32 {
    use DType::{Bfloat16, Complex64, Complex128, Double, Float, Float8E4m3fn, Float8E5m2, Half};
    let kept = match (src, dst) {
        (Double | Complex128, Float | Complex64) => 23,
        (Double | Complex128 | Float | Complex64, Half) => 10,
        (Float, Bfloat16) => 7,
        (_, Float8E5m2) => 2,
        (Double | Float | Half | Bfloat16, Float8E4m3fn) => 3,
        _ => return 0,
    };
    if matches!(src, Double | Complex128) { 52 - kept } else { 23 - kept }
}

#[cfg(test)]
mod tests;
