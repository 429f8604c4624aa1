//! `StochasticCastToInt`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result, bf16, f16};

use crate::arguments::{AUTO, PHILOX, keyed, to_scalar};
use crate::distribution::Real;
use crate::philox::Philox;

/// Rounds numbers up or down at random, the nearer integer being the likelier.
///
/// Integers stay, what is out of range is the nearest that is in it, NaN is zero. TensorFlow casts in the precision of the input,
/// where the highest integer may be one more than that, which wraps.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StochasticCastToInt>
pub const OP: Op = Op {
    name: "StochasticCastToInt",
    inputs: &["input: Tin", "key: uint64", "counter: uint64", "alg: int32"],
    outputs: &["output: Tout"],
    attrs: &["Tin: {half, bfloat16, float, double}", "Tout: {int8, int16, int32}"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(
        &[
            ("Tin", &[DType::Half, DType::Bfloat16, DType::Float, DType::Double]),
            ("Tout", &[DType::Int8, DType::Int16, DType::Int32]),
        ],
        build,
    ),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (from, to) = (node.inputs[0], node.outputs[0]);
    let round = match from {
        DType::Half => rounded::<f16>,
        DType::Bfloat16 => rounded::<bf16>,
        DType::Float => rounded::<f32>,
        _ => rounded::<f64>,
    };
    let (low, high) = match to {
        DType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        _ => (i32::MIN, i32::MAX),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        // Of the counter only one number is read, so that one will do.
        let (one, algorithm) = (ctx.input(2).shape()[..] == [1], to_scalar::<i32>(ctx.input(3), 3)?.into());
        if !one || ctx.input(1).shape()[..] != [1] || !matches!(algorithm, PHILOX | AUTO) {
            keyed(ctx.input(1), ctx.input(2), algorithm)?;
        }
        let (key, counter) = (ctx.input(1).as_slice::<u64>()?[0], ctx.input(2).as_slice::<u64>()?[0]);
        // TensorFlow takes them for the two halves of a seed.
        let values = round(ctx, Philox::seeded(counter, key), [low.into(), high.into()])?;
        let mut out = ctx.allocate(to, ctx.input(0).shape().clone())?;
        match to {
            DType::Int8 => give(&values, out.as_mut_slice()?, |x| x as i8),
            DType::Int16 => give(&values, out.as_mut_slice()?, |x| x as i16),
            _ => give(&values, out.as_mut_slice()?, |x| x),
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn give<T>(values: &[f64], out: &mut [T], narrow: impl Fn(i32) -> T) {
    for (out, &value) in out.iter_mut().zip(values) {
        let fits = value < 2_147_483_648.0;
        *out = narrow(if fits { value as i32 } else { i32::MIN });
    }
}

/// Numbers that are rounded to their own precision after each step.
trait Steps: Real {
    /// How many elements a loop over integers of 32 bits takes at once, and how many of them take from one block.
    const LANES: Option<(usize, usize)>;
    fn wide(self) -> f64;
    fn narrow(x: f64) -> Self;
}

macro_rules! steps {
    ($($t:ident: $lanes:expr, $x:ident => $wide:expr, $y:ident => $narrow:expr;)*) => {$(
        impl Steps for $t {
            const LANES: Option<(usize, usize)> = $lanes;
            fn wide(self) -> f64 {
                let $x = self;
                $wide
            }
            fn narrow($y: f64) -> $t {
                $narrow
            }
        }
    )*};
}

steps! {
    f16: None, x => x.to_f64(), y => f16::from_f32(y as f32);
    bf16: None, x => x.to_f64(), y => bf16::from_f32(y as f32);
    f32: Some((8, 8)), x => x.into(), y => y as f32;
    f64: Some((8, 4)), x => x, y => y;
}

/// The elements as whole numbers between the bounds, as far as their precision goes.
fn rounded<T: Steps>(ctx: &Context<'_>, mut stream: Philox, bounds: [f64; 2]) -> Result<Vec<f64>> {
    let [low, high] = bounds.map(|bound| T::narrow(bound).wide());
    let certain = |x: f64| {
        if x.is_nan() {
            Some(0.0)
        } else if x >= high {
            Some(high)
        } else if x <= low {
            Some(low)
        } else {
            (x.floor() == x).then_some(x)
        }
    };
    let add = |a: f64, b: f64| T::narrow(a + b).wide();
    let input = ctx.input(0).as_slice::<T>()?;
    let mut values = Vec::with_capacity(input.len());
    let (group, lanes) = T::LANES.filter(|_| high > 1e6).unwrap_or((usize::MAX, 1));
    let together = input.len() / group * group;
    for packet in input[..together].chunks_exact(lanes) {
        // All lanes take from one block, again and again.
        let drawn = T::uniform(stream.block());
        for (lane, x) in packet.iter().enumerate() {
            let (x, random) = (x.wide(), drawn[lane % T::PER_BLOCK].wide());
            let up = if x < 0.0 { random } else { add(1.0, -random) };
            values.push(certain(x).unwrap_or_else(|| add(x, up).floor()));
        }
    }
    for x in &input[together..] {
        let x = x.wide();
        values.push(certain(x).unwrap_or_else(|| {
            let random = T::uniform(stream.block())[0].wide();
            if x < 0.0 { add(x, random).floor() } else { add(add(x, 1.0), -random).floor() }
        }));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "StochasticCastToInt";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "Tout=int8",
                    "float[8] NaN inf -inf 1e10 -1e10 127.5 -128.5 2; uint64[1] 1; uint64[2] 1 2; int32[] 1",
                    "int8[8] 0 127 -128 127 -128 127 -128 2",
                ),
                (
                    op,
                    "Tout=int32",
                    "float[3] NaN inf 3e9; uint64[1] 1; uint64[2] 1 2; int32[] 3",
                    "int32[3] 0 -2147483648 -2147483648",
                ),
                (
                    op,
                    "Tout=int16",
                    "half[2] inf -65504; uint64[1] 1; uint64[2] 1 2; int32[] 1",
                    "int16[2] -32768 -32768",
                ),
                (
                    op,
                    "Tout=int8",
                    "float[1] 1.5; uint64[1] 1; uint64[2] 1 2; int32[] 2",
                    "INVALID_ARGUMENT: Unsupported algorithm id: 2",
                ),
                (
                    op,
                    "Tout=int8",
                    "float[1] 1.5; uint64[2] 1 1; uint64[2] 1 2; int32[] 1",
                    "INVALID_ARGUMENT: key must have shape [1], not [2]",
                ),
            ],
        );
    }
}
