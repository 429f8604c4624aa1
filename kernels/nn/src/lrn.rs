//! See [`OP`].

use savedmodel_math::{lane, par, simd};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Error, Result, f16};

use crate::conv::element::Convolve;

/// Divides each element by a power of the sum of squares of the channels around it:
/// `x / (bias + alpha * sum(x^2))^beta`, over `2 * depth_radius + 1` channels.
///
/// A channel that is not finite makes NaN of every element whose sum it does not enter, as in TensorFlow, which takes
/// the sums by multiplying with a band of ones. Half is computed in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LRN>
pub const OP: Op = Op {
    name: "LRN",
    inputs: &["input: T"],
    outputs: &["output: T"],
    attrs: &[
        "depth_radius: int = 5",
        "bias: float = 1.0",
        "alpha: float = 1.0",
        "beta: float = 0.5",
        "T: {half, bfloat16, float} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("T"; build: f32 f16),
};

fn build<T: Convolve<Wide = f32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let radius: i64 = node.attr("depth_radius")?;
    let radius = usize::try_from(radius)
        .ok()
        .filter(|&r| r < i32::MAX as usize)
        .ok_or_else(|| Error::invalid_argument(format!("depth_radius = {radius} larger than int max")))?;
    let norm =
        Norm { radius, bias: node.attr("bias")?, alpha: node.attr("alpha")?, beta: node.attr("beta")? };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        if input.rank() != 4 {
            return Err(Error::invalid_argument("in must be 4-dimensional"));
        }
        let channels = input.shape()[3];
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        let data = T::widen(input.as_slice()?);
        T::round(out.as_mut_slice()?, |out| {
            let grain = (par::grain(10.0) / channels.max(1)).max(1);
            par::for_rows_mut(out, channels, grain, |first, out| {
                let mut buffer = Squares::default();
                for (row, out) in (first..).zip(out.chunks_exact_mut(channels)) {
                    norm.row(&data[row * channels..(row + 1) * channels], out, &mut buffer);
                }
            });
        });
        ctx.set(0, out);
        Ok(())
    }))
}

struct Norm {
    radius: usize,
    bias: f32,
    alpha: f32,
    beta: f32,
}

impl Norm {
    /// Writes the result for the channels of one place; `buffer` keeps its memory from one to the next.
    fn row(&self, x: &[f32], out: &mut [f32], buffer: &mut Squares) {
        // Channels farther than all there are count no more.
        let radius = self.radius.min(x.len());
        buffer.squares.clear();
        buffer.squares.resize(x.len() + 2 * radius, 0.0);
        buffer.sums.clear();
        buffer.sums.resize(x.len(), 0.0);
        let Squares { squares, sums } = buffer;
        simd::dispatch(Row { norm: self, x, out, squares, sums, radius });
        let is_wild = |x: &&f32| !(**x * **x).is_finite();
        let wild = x.iter().filter(is_wild).count();
        if wild > 0 {
            for (channel, out) in out.iter_mut().enumerate() {
                let near = &x[channel.saturating_sub(radius)..(channel + radius + 1).min(x.len())];
                if near.iter().filter(is_wild).count() < wild {
                    *out = f32::NAN;
                }
            }
        }
    }
}

/// Squares of channels with zeros on both sides, and the sums of those around each.
#[derive(Default)]
struct Squares {
    squares: Vec<f32>,
    sums: Vec<f32>,
}

struct Row<'a> {
    norm: &'a Norm,
    x: &'a [f32],
    out: &'a mut [f32],
    squares: &'a mut [f32],
    sums: &'a mut [f32],
    radius: usize,
}

impl simd::Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: simd::Isa>(self) {
        let Row { norm: &Norm { bias, alpha, beta, .. }, x, out, squares, sums, radius } = self;
        squares[radius..].iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
        for offset in 0..=2 * radius {
            sums.iter_mut().zip(&squares[offset..]).for_each(|(sum, square)| *sum += square);
        }
        let power = |norm: f32| match beta {
            1.0 => 1.0 / norm,
            0.5 => 1.0 / norm.sqrt(),
            _ => lane::exp::<I>(lane::log::<I>(norm) * -beta),
        };
        for ((out, x), sum) in out.iter_mut().zip(x).zip(sums) {
            *out = x * power(*sum * alpha + bias);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "LRN",
                    "depth_radius=1 alpha=1.0 beta=0.5",
                    "float[1,1,1,4] 1 2 3 4",
                    "float[1,1,1,4] 0.4082483 0.5163978 0.5477226 0.7844645",
                ),
                (
                    "LRN",
                    "depth_radius=1 alpha=1.0 beta=1.0 bias=2.0",
                    "half[1,1,1,4] 1 2 3 4",
                    "half[1,1,1,4] 0.1428223 0.125 0.09680176 0.1481934",
                ),
                (
                    "LRN",
                    "depth_radius=1 alpha=0.5 beta=0.75 bias=2.0",
                    "float[1,1,2,4] 1 2 3 4 5 6 7 NaN",
                    "float[1,1,2,4] 0.3236612 0.3849002 0.3664445 0.538312 NaN NaN NaN NaN",
                ),
                (
                    "LRN",
                    "depth_radius=-1",
                    "float[1,1,1,4] 1 2 3 4",
                    "INVALID_ARGUMENT: depth_radius = -1 larger than int max",
                ),
                (
                    "LRN",
                    "depth_radius=100",
                    "float[1,1,1,4] 1 2 3 4",
                    "float[1,1,1,4] 0.1796053 0.3592106 0.5388159 0.7184212",
                ),
                ("LRN", "depth_radius=0", "float[1,1,1,0]", "float[1,1,1,0]"),
            ],
        );
    }
}
