//! See [`OPS`].

use savedmodel_math::map;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

/// Rounds floats to the values that codes of `num_bits` over a range can have.
///
/// The range is moved a little so that zero is one of them: 0.1 over [-1, 1] becomes 0.10196079. The range is given by
/// attributes, by scalars, or by vectors for each channel (the last dimension). A range of [0, 0] makes zeros.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FakeQuantWithMinMaxVars>
pub const OPS: &[Op] = &[
    Op {
        name: "FakeQuantWithMinMaxArgs",
        inputs: &["inputs: float"],
        attrs: &["min: float = -6.0", "max: float = 6.0", "num_bits: int = 8", "narrow_range: bool = false"],
        kernels: Kernels::one(build_args),
        ..VARS
    },
    VARS,
    Op { name: "FakeQuantWithMinMaxVarsPerChannel", kernels: Kernels::one(build_channels), ..VARS },
];

const VARS: Op = Op {
    name: "FakeQuantWithMinMaxVars",
    inputs: &["inputs: float", "min: float", "max: float"],
    outputs: &["outputs: float"],
    attrs: &["num_bits: int = 8", "narrow_range: bool = false"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build_vars),
};

/// The lowest and the highest code, as floats.
///
/// # Errors
/// `INVALID_ARGUMENT` for too few or too many bits.
pub fn codes(node: &Construction<'_>) -> Result<[f32; 2]> {
    let bits: i64 = node.attr("num_bits")?;
    if !(2..=16).contains(&bits) {
        return Err(Error::invalid_argument("num_bits must be between 2 and 16, inclusive"));
    }
    let lowest = if node.attr::<bool>("narrow_range")? { 1.0 } else { 0.0 };
    Ok([lowest, ((1_i32 << bits) - 1) as f32])
}

/// A range in which zero is a value.
#[derive(Clone, Copy)]
pub struct Range {
    /// The lowest value.
    pub min: f32,
    /// The highest value.
    pub max: f32,
    scale: f32,
    inverse: f32,
    zero: f32,
}

impl Range {
    /// The range near `[min, max]`; none for `[0, 0]`.
    pub fn new([lowest, highest]: [f32; 2], min: f32, max: f32) -> Option<Range> {
        if min == 0.0 && max == 0.0 {
            return None;
        }
        let scale = (max - min) / (highest - lowest);
        let zero = lowest - min / scale;
        let zero = if zero < lowest {
            lowest
        } else if zero > highest {
            highest
        } else {
            f32::from(zero.round() as u16)
        };
        let inverse = (highest - lowest) / (max - min);
        let (min, max) = ((lowest - zero) * scale, (highest - zero) * scale);
        Some(Range { min, max, scale, inverse, zero: (-min * inverse + 0.5).floor() })
    }

    /// How far `x` lies above the lowest value of the range.
    #[inline(always)]
    fn above(self, x: f32) -> f32 {
        let x = if x > self.max { self.max } else { x };
        let x = if x < self.min { self.min } else { x };
        x - self.min
    }

    #[inline(always)]
    fn apply(self, x: f32) -> f32 {
        (self.above(x) * self.inverse - self.zero + 0.5).floor() * self.scale
    }

    /// [`Range::apply`] with a division, which can decide a tie otherwise; so does TensorFlow for scalar ranges.
    #[inline(always)]
    fn apply_dividing(self, x: f32) -> f32 {
        (self.above(x) / self.scale - self.zero + 0.5).floor() * self.scale
    }
}

fn build_args(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (min, max): (f32, f32) = (node.attr("min")?, node.attr("max")?);
    if min.partial_cmp(&max) != Some(std::cmp::Ordering::Less) {
        return Err(Error::invalid_argument(format!("min has to be smaller than max, was: {min} >= {max}")));
    }
    let range = Range::new(codes(node)?, min, max);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut out = ctx.allocate(DType::Float, ctx.input(0).shape())?;
        match range {
            Some(range) => {
                map::map(ctx.input(0).as_slice()?, out.as_mut_slice()?, map::CHEAP, move |x| range.apply(x));
            }
            None => out.as_mut_slice::<f32>()?.fill(0.0),
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn build_vars(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let codes = codes(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let range = Range::new(codes, limit(ctx.input(1), "min")?, limit(ctx.input(2), "max")?);
        let mut out = ctx.allocate(DType::Float, ctx.input(0).shape())?;
        match range {
            Some(range) => {
                let divide = move |x| range.apply_dividing(x);
                map::map(ctx.input(0).as_slice()?, out.as_mut_slice()?, map::CHEAP, divide);
            }
            None => out.as_mut_slice::<f32>()?.fill(0.0),
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// The scalar that a tensor must hold.
///
/// # Errors
/// `INVALID_ARGUMENT` for another rank.
pub fn limit(tensor: &Tensor, name: &str) -> Result<f32> {
    check_rank(tensor, name, 0)?;
    tensor.to_scalar()
}

fn check_rank(tensor: &Tensor, name: &str, rank: usize) -> Result<()> {
    if tensor.rank() != rank {
        return Err(Error::invalid_argument(format!(
            "`{name}` must be rank {rank} but is rank {}",
            tensor.rank()
        )));
    }
    Ok(())
}

/// The ranges of all channels, from vectors of the least and the greatest.
///
/// # Errors
/// `INVALID_ARGUMENT` unless there are as many as channels.
pub fn channel_ranges(limits: [&Tensor; 2], channels: usize, codes: [f32; 2]) -> Result<Vec<Option<Range>>> {
    for (limit, name) in limits.into_iter().zip(["min", "max"]) {
        check_rank(limit, name, 1)?;
        let size = limit.elements();
        if size != channels {
            return Err(Error::invalid_argument(format!(
                "{name} has incorrect size, expected {channels} was {size}"
            )));
        }
    }
    let [least, greatest] = limits;
    let pairs = least.as_slice::<f32>()?.iter().zip(greatest.as_slice::<f32>()?);
    Ok(pairs.map(|(&min, &max)| Range::new(codes, min, max)).collect())
}

fn build_channels(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let codes = codes(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let inputs = ctx.input(0);
        let Some(&channels) = inputs.shape().last() else {
            return Err(Error::invalid_argument("inputs must be at least rank 1 but is rank 0"));
        };
        let ranges = channel_ranges([ctx.input(1), ctx.input(2)], channels, codes)?;
        let mut out = ctx.allocate(DType::Float, inputs.shape())?;
        let rows = inputs.as_slice::<f32>()?.chunks_exact(channels.max(1));
        for (src, dst) in rows.zip(out.as_mut_slice::<f32>()?.chunks_exact_mut(channels.max(1))) {
            for ((dst, &x), range) in dst.iter_mut().zip(src).zip(&ranges) {
                *dst = range.map_or(0.0, |range| range.apply(x));
            }
        }
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "float[7] -0.9960785 -0.9960785 -0.5019608 0 0.1019608 0.5019608 1.003922",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "num_bits=4 narrow_range=true",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "float[7] -1 -1 -0.5714286 0 0.1428571 0.5714286 1",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 0; float[] 0",
                    "float[7] 0 0 0 0 0 0 0",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 1; float[] 3",
                    "float[7] 0 0 0 0 0.1019608 0.5019608 2",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -3; float[] -1",
                    "float[7] -2 -1.003922 -0.5019608 0 0 0 0",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 1; float[] -1",
                    "float[7] 0.9960785 0.9960785 0.9960785 0.9960785 0.9960785 0.9960785 0.9960785",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "num_bits=1",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: num_bits must be between 2 and 16, inclusive",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "num_bits=17",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: num_bits must be between 2 and 16, inclusive",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[1] 0; float[] 1",
                    "INVALID_ARGUMENT: `min` must be rank 0 but is rank 1",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] NaN; float[] 1",
                    "float[7] NaN NaN NaN NaN NaN NaN NaN",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "num_bits=16",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -10; float[] 10",
                    "float[7] -6.999924 -1.000076 -0.4998856 0 0.1000992 0.4998856 8",
                ),
                (
                    "FakeQuantWithMinMaxVars",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 2; float[] 2",
                    "float[7] NaN NaN NaN NaN NaN NaN NaN",
                ),
                (
                    "FakeQuantWithMinMaxArgs",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8",
                    "float[7] -6.02353 -0.9882353 -0.5176471 0 0.09411765 0.5176471 5.97647",
                ),
                (
                    "FakeQuantWithMinMaxArgs",
                    "min=0.5 max=1.0 num_bits=2",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8",
                    "float[7] 0 0 0 0 0.1666667 0.5 0.5",
                ),
                (
                    "FakeQuantWithMinMaxArgs",
                    "min=1.0 max=1.0",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8",
                    "INVALID_ARGUMENT: min has to be smaller than max, was: 1 >= 1",
                ),
                (
                    "FakeQuantWithMinMaxArgs",
                    "num_bits=20",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8",
                    "INVALID_ARGUMENT: num_bits must be between 2 and 16, inclusive",
                ),
                ("FakeQuantWithMinMaxArgs", "", "float[2] NaN inf", "float[2] NaN 5.97647"),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "",
                    "float[2,2] 1 2 0.3 -0.7; float[2] -1 0; float[2] 1 0",
                    "float[2,2] 1.003922 0 0.2980392 0",
                ),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "",
                    "float[2] 1 2; float[1] 0; float[1] 1",
                    "INVALID_ARGUMENT: min has incorrect size, expected 2 was 1",
                ),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "",
                    "float[2] 1 2; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: `min` must be rank 1 but is rank 0",
                ),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "",
                    "float[2] 1 2; float[2] 0 0; float[1] 1",
                    "INVALID_ARGUMENT: max has incorrect size, expected 2 was 1",
                ),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "num_bits=3",
                    "float[1,2,2] 1 2 0.3 -0.7; float[2] -1 0; float[2] 1 5",
                    "float[1,2,2] 1.142857 2.142857 0.2857143 0",
                ),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "",
                    "float[0,2]; float[2] -1 0; float[2] 1 5",
                    "float[0,2]",
                ),
            ],
        );
    }
}
