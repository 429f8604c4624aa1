//! Drawing numbers one by one, for distributions that reject some, and giving them out.

use savedmodel_op::Context;
use savedmodel_tensor::{Element, Error, Result, Shape, Tensor, bf16, f16};

use crate::distribution::{RESERVED, Real};
use crate::philox::Philox;

/// Uniform and normal numbers of 64 bits from one stream, taken from blocks back to front.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    stream: Philox,
    uniforms: ([f64; 4], usize),
    normals: ([f64; 4], usize),
}

impl Draws {
    /// The numbers of a stream.
    pub fn of(stream: Philox) -> Draws {
        Draws { stream, uniforms: ([0.0; 4], 0), normals: ([0.0; 4], 0) }
    }

    /// The next number that is equally likely in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        next(&mut self.uniforms, || f64::uniform(self.stream.block()))
    }

    /// The next number that is normally distributed.
    pub fn normal(&mut self) -> f64 {
        next(&mut self.normals, || f64::normal(self.stream.block()))
    }
}

fn next((numbers, left): &mut ([f64; 4], usize), refill: impl FnOnce() -> [f64; 4]) -> f64 {
    if *left == 0 {
        (*numbers, *left) = (refill(), f64::PER_BLOCK);
    }
    *left -= 1;
    numbers[*left]
}

/// How often a sampler tries before it gives up; a distribution that is left after so many tries is none.
pub(crate) const MOST_TRIES: usize = 1_000_000;

/// The error of a sampler that gives up.
#[cold]
pub(crate) fn hopeless(what: &str) -> Error {
    Error::internal(format!("{what}: the rejection sampler failed to accept a sample"))
}

/// Elements that a drawn number is given out as.
pub(crate) trait Output: Element {
    /// The largest number that can be given out.
    const HIGHEST: f64;
    /// What infinity is given out as.
    const INFINITY: Self;
    /// The number as C++ casts it on x86.
    fn from_f64(x: f64) -> Self;
}

macro_rules! outputs {
    ($($type:ident: $highest:expr, $infinity:expr, $x:ident => $from:expr;)*) => {
        $(impl Output for $type {
            const HIGHEST: f64 = $highest;
            const INFINITY: $type = $infinity;
            #[inline]
            fn from_f64($x: f64) -> $type { $from }
        })*
    };
}

outputs! {
    f64: f64::MAX, f64::INFINITY, x => x;
    f32: f32::MAX as f64, f32::INFINITY, x => x as f32;
    f16: 65504.0, f16::INFINITY, x => f16::from_f32(x as f32);
    bf16: 3.3895e38, bf16::INFINITY, x => bf16::from_f32(x as f32);
    i32: i32::MAX as f64, 0, x => if x < -(i32::MIN as f64) { x as i32 } else { i32::MIN };
    i64: i64::MAX as f64, 0, x => if x < -(i64::MIN as f64) { x as i64 } else { i64::MIN };
}

/// Draws the same number of samples for each of `batches` parameters.
///
/// The samples of a parameter stand `batches` apart. `sampler` is called once for each parameter with its number; what
/// it gives is called for each sample with the blocks that are set aside for it.
pub(crate) fn sample<T: Output, F: Fn(Draws) -> Result<T>>(
    output: &mut Tensor,
    batches: usize,
    stream: Philox,
    sampler: impl Fn(usize) -> F,
) -> Result<()> {
    let output = output.as_mut_slice::<T>()?;
    if output.is_empty() {
        return Ok(());
    }
    let samples = output.len() / batches;
    for batch in 0..batches {
        let draw = sampler(batch);
        for sample in 0..samples {
            let skip = RESERVED.wrapping_mul((batch * samples + sample) as u64);
            output[sample * batches + batch] = draw(Draws::of(stream.skipped(skip)))?;
        }
    }
    Ok(())
}

/// A tensor for samples: of the shape that was asked for, which ends with `parameters`, or of both together.
pub(crate) fn allocate(
    ctx: &Context<'_>,
    dtype: savedmodel_tensor::DType,
    asked: Shape,
    parameters: &Shape,
    together: bool,
) -> Result<Tensor> {
    if together {
        let all: Shape = asked.iter().chain(parameters.iter()).copied().collect();
        return ctx.allocate(dtype, all);
    }
    if asked.elements() > 0 && !asked.ends_with(parameters) {
        return Err(Error::invalid_argument("Shape passed in must end with broadcasted shape."));
    }
    ctx.allocate(dtype, asked)
}
