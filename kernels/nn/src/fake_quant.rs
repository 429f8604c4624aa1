//! `FakeQuantWithMinMaxVars`, `…Args` and `…VarsPerChannel`: values as they are after quantisation.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

/// Each clamps to a range and rounds to one of `2^num_bits` evenly spaced values in it, of which one is zero.
///
/// The range is moved a little so that zero is among the values. A range from zero to zero gives zeros.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FakeQuantWithMinMaxVars>
pub const OPS: &[Op] = &[
    Op {
        name: "FakeQuantWithMinMaxArgs",
        inputs: &["inputs: float"],
        attrs: &["min: float = -6.0", "max: float = 6.0", "num_bits: int = 8", "narrow_range: bool = false"],
        kernels: Kernels::one(build_args),
        ..vars("FakeQuantWithMinMaxVars")
    },
    vars("FakeQuantWithMinMaxVars"),
    Op { kernels: Kernels::one(build_channels), ..vars("FakeQuantWithMinMaxVarsPerChannel") },
];

const fn vars(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["inputs: float", "min: float", "max: float"],
        outputs: &["outputs: float"],
        attrs: &["num_bits: int = 8", "narrow_range: bool = false"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build_vars),
    }
}

/// The smallest and largest quantised value.
#[derive(Clone, Copy)]
struct Levels(f32, f32);

impl Levels {
    fn of(node: &Construction<'_>) -> Result<Levels> {
        let bits: i64 = node.attr("num_bits")?;
        if !(2..=16).contains(&bits) {
            return Err(Error::invalid_argument(format!(
                "num_bits must be between 2 and 16, inclusive, got {bits}"
            )));
        }
        let least = if node.attr("narrow_range")? { 1.0 } else { 0.0 };
        Ok(Levels(least, ((1_u32 << bits) - 1) as f32))
    }

    fn grid(self, min: f32, max: f32) -> Grid {
        if min == 0.0 && max == 0.0 {
            return Grid { low: 0.0, high: 0.0, scale: 0.0, inverse: 0.0, zero: 0.0 };
        }
        let scale = (max - min) / (self.1 - self.0);
        let exact = self.0 - min / scale;
        let nudged = if exact < self.0 {
            self.0
        } else if exact > self.1 {
            self.1
        } else {
            exact.round()
        };
        let low = (self.0 - nudged) * scale;
        let inverse = 1.0 / scale;
        Grid { low, high: (self.1 - nudged) * scale, scale, inverse, zero: (-low * inverse + 0.5).floor() }
    }
}

/// Evenly spaced values.
#[derive(Clone, Copy)]
struct Grid {
    low: f32,
    high: f32,
    scale: f32,
    inverse: f32,
    zero: f32,
}

impl Grid {
    #[inline(always)]
    fn nearest(self, x: f32) -> f32 {
        let x = if x > self.high { self.high } else { x };
        let x = if x < self.low { self.low } else { x };
        ((x - self.low) * self.inverse - self.zero + 0.5).floor() * self.scale
    }
}

const ELEMENT_NS: f64 = 1.0;

fn build_args(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (min, max): (f32, f32) = (node.attr("min")?, node.attr("max")?);
    if min >= max {
        return Err(Error::invalid_argument(format!("min has to be smaller than max, was: {min} >= {max}")));
    }
    let grid = Levels::of(node)?.grid(min, max);
    Ok(Box::new(move |ctx: &mut Context<'_>| quantize(ctx, grid)))
}

fn build_vars(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let levels = Levels::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let scalar = |name: &str, tensor: &Tensor| match tensor.rank() {
            0 => tensor.to_scalar::<f32>(),
            _ => {
                Err(Error::invalid_argument(format!("`{name}` must be rank 0 but is rank {}", tensor.rank())))
            }
        };
        let grid = levels.grid(scalar("min", ctx.input(1))?, scalar("max", ctx.input(2))?);
        quantize(ctx, grid)
    }))
}

fn quantize(ctx: &mut Context<'_>, grid: Grid) -> Result<()> {
    let input = ctx.input(0);
    let mut out = ctx.allocate(DType::Float, input.shape())?;
    par::for_zip(
        out.as_mut_slice()?,
        input.as_slice()?,
        par::grain(ELEMENT_NS),
        |out: &mut [f32], x: &[f32]| {
            out.iter_mut().zip(x).for_each(|(out, &x)| *out = grid.nearest(x));
        },
    );
    ctx.set(0, out);
    Ok(())
}

fn build_channels(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let levels = Levels::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, min, max) = (ctx.input(0), ctx.input(1), ctx.input(2));
        let Some(&channels) = input.shape().last() else {
            return Err(Error::invalid_argument("inputs must be at least a vector, got a scalar"));
        };
        for (name, tensor) in [("min", min), ("max", max)] {
            if tensor.rank() != 1 || tensor.elements() != channels {
                return Err(Error::invalid_argument(format!(
                    "{name} has incorrect size, expected {channels} was {}",
                    tensor.elements()
                )));
            }
        }
        let (min, max) = (min.as_slice::<f32>()?, max.as_slice::<f32>()?);
        let grids: Vec<Grid> = min.iter().zip(max).map(|(&min, &max)| levels.grid(min, max)).collect();
        let source = input.as_slice::<f32>()?;
        let mut out = ctx.allocate(DType::Float, input.shape())?;
        let rows = par::grain(ELEMENT_NS * channels as f64);
        par::for_rows_mut(out.as_mut_slice::<f32>()?, channels, rows, |first, out| {
            let source = &source[first * channels..first * channels + out.len()];
            for (out, x) in out.chunks_mut(channels).zip(source.chunks(channels)) {
                out.iter_mut().zip(x).zip(&grids).for_each(|((out, &x), grid)| *out = grid.nearest(x));
            }
        });
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
                    "float[2] 0.1 5; float[] -1; float[] 1",
                    "float[2] 0.101960786 1.0039216",
                ),
                ("FakeQuantWithMinMaxVars", "", "float[2] 0.1 5; float[] 0; float[] 0", "float[2] 0 0"),
                ("FakeQuantWithMinMaxArgs", "", "float[1] 7", "float[1] 5.9764705"),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "",
                    "float[1,2] 0.1 5; float[2] -1 0; float[2] 1 0",
                    "float[1,2] 0.101960786 0",
                ),
                (
                    "FakeQuantWithMinMaxVarsPerChannel",
                    "",
                    "float[2,3] 0 0 0 0 0 0; float[2] 0 1; float[2] 1 2",
                    "INVALID_ARGUMENT: min has incorrect size, expected 3 was 2",
                ),
            ],
        );
    }
}
