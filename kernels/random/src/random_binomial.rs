//! `StatelessRandomBinomial` and `StatefulRandomBinomial`.

use num_traits::Float;
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, by_dtype};
use savedmodel_tensor::{DType, Element, Error, Result, Shape, Tensor, f16};

use crate::broadcast::{broadcast, places};
use crate::draws::{Draws, MOST_TRIES, Output, allocate, hopeless};
use crate::philox::Philox;
use crate::source::{Generation, Source};

/// Numbers of successes in `counts` trials, each of which succeeds with probability `probs`.
///
/// `shape` ends with the shape that both broadcast to. A count that is not a number is refused; TensorFlow does not
/// return from it.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessRandomBinomial>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatefulRandomBinomial>
pub const OPS: &[Op] = &[
    Op {
        name: "StatelessRandomBinomial",
        inputs: &["shape: S", "seed: Tseed", "counts: T", "probs: T"],
        attrs: &[
            "S: {int32, int64}",
            "Tseed: {int32, int64} = DT_INT64",
            "T: {half, float, double, int32, int64} = DT_DOUBLE",
            "dtype: {half, float, double, int32, int64} = DT_INT64",
        ],
        ..of(Generation::Seed)
    },
    Op {
        name: "StatefulRandomBinomial",
        inputs: &["resource: resource", "algorithm: int64", "shape: S", "counts: T", "probs: T"],
        attrs: &[
            "S: {int32, int64}",
            "T: {half, float, double, int32, int64} = DT_DOUBLE",
            "dtype: {half, float, double, int32, int64} = DT_INT64",
        ],
        ..of(Generation::Variable)
    },
];

const fn of(generation: Generation) -> Op {
    Op {
        name: "",
        inputs: &[],
        outputs: &["output: dtype"],
        attrs: &[],
        effect: generation.effect(),
        shape: generation.shape(),
        kernels: KERNELS,
    }
}

const KERNELS: Kernels = by_dtype!("T"; build: f16 f32 f64);

type Run<T> = fn(&mut Tensor, &[(T, T)], Philox) -> Result<()>;

fn build<T: Element + Float>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let run: Run<T> = match node.attr("dtype")? {
        DType::Half => run::<T, f16>,
        DType::Float => run::<T, f32>,
        DType::Double => run::<T, f64>,
        DType::Int32 => run::<T, i32>,
        DType::Int64 => run::<T, i64>,
        _ => return Err(node.no_kernel("dtype")),
    };
    let dtype: DType = node.attr("dtype")?;
    let generation = Generation::of(node.op);
    let source = Source::of(node, generation)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let first = generation.parameters();
        let (counts, probs) = (ctx.input(first), ctx.input(first + 1));
        let shape = broadcast(&[counts.shape(), probs.shape()]).ok_or_else(|| {
            Error::invalid_argument(format!(
                "counts and probs must have compatible batch dimensions: {} vs. {}",
                counts.shape(),
                probs.shape()
            ))
        })?;
        let pairs = pairs(counts, probs, &shape)?;
        let mut output = allocate(ctx, dtype, source.output_shape(ctx)?, &shape, false)?;
        let stream = source.stream(ctx, reserved(output.elements(), pairs.len()))?;
        run(&mut output, &pairs, stream)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// How many numbers a stream in a variable goes on by, as TensorFlow counts.
fn reserved(outputs: usize, distributions: usize) -> usize {
    let samples = outputs.checked_div(distributions).unwrap_or(0);
    distributions.saturating_mul(2 * 100).saturating_mul(samples + 3) / 4
}

fn pairs<T: Element>(counts: &Tensor, probs: &Tensor, shape: &Shape) -> Result<Vec<(T, T)>> {
    let (a, b) = (counts.as_slice::<T>()?, probs.as_slice::<T>()?);
    let places = places(counts.shape(), shape).zip(places(probs.shape(), shape));
    Ok(places.map(|(i, j)| (a[i], b[j])).collect())
}

fn run<T: Float, U: Output>(output: &mut Tensor, pairs: &[(T, T)], stream: Philox) -> Result<()> {
    let output = output.as_mut_slice::<U>()?;
    if output.is_empty() {
        return Ok(());
    }
    let samples = output.len() / pairs.len();
    for (batch, &(count, prob)) in pairs.iter().enumerate() {
        let method = Method::of(count, prob)?;
        for sample in 0..samples {
            let number = (batch * samples + sample) as u64;
            output[sample * pairs.len() + batch] = U::from_f64(method.draw(number, stream)?);
        }
    }
    Ok(())
}

/// How the samples of one distribution are drawn.
#[derive(Clone, Copy, Debug)]
enum Method {
    /// They are all the same.
    Always(f64),
    /// By sums of geometric numbers: count, probability, and whether failures are counted.
    Invert(f64, f64, bool),
    /// By transformed rejection: count, probability, and whether failures are counted.
    Reject(f64, f64, bool),
}

impl Method {
    fn of<T: Float>(count: T, prob: T) -> Result<Method> {
        let to_f64 = |x: T| x.to_f64().unwrap_or(f64::NAN);
        let (n, zero, one) = (to_f64(count), T::zero(), T::one());
        let half = one / (one + one);
        if n <= 0.0 || prob <= zero {
            return Ok(Method::Always(0.0));
        }
        if prob >= one {
            return Ok(Method::Always(n));
        }
        if prob.is_nan() {
            return Ok(Method::Always(f64::NAN));
        }
        if n.is_nan() {
            return Err(Error::invalid_argument("the count of a binomial distribution is not a number"));
        }
        let failures = prob > half;
        if n.is_infinite() {
            return Ok(Method::Always(if failures { f64::NAN } else { n }));
        }
        let p = if failures { one - prob } else { prob };
        // The product is rounded to the dtype of the inputs before it is compared.
        match to_f64(count * p) >= 10.0 {
            true => Ok(Method::Reject(n, to_f64(p), failures)),
            false => Ok(Method::Invert(n, to_f64(p), failures)),
        }
    }

    /// Sample `number` of all, each of which has blocks of its own.
    fn draw(self, number: u64, stream: Philox) -> Result<f64> {
        let draws = |blocks: u64| Draws::of(stream.skipped(blocks.wrapping_mul(number)));
        let (n, k, failures) = match self {
            Method::Always(x) => return Ok(x),
            Method::Invert(n, p, failures) => (n, invert(n, p, draws(42)), failures),
            Method::Reject(n, p, failures) => (n, reject(n, p, draws(256))?, failures),
        };
        Ok(if failures { n - k } else { k })
    }
}

/// Counts the geometric numbers whose sum stays within `count`.
fn invert(count: f64, prob: f64, mut draws: Draws) -> f64 {
    let (mut sum, mut k) = (0.0, 0.0);
    loop {
        sum += (draws.uniform().ln() / (-prob).ln_1p()).ceil();
        if sum > count {
            return k;
        }
        k += 1.0;
    }
}

/// Hörmann's transformed rejection (BTRS, 1993).
fn reject(count: f64, prob: f64, mut draws: Draws) -> Result<f64> {
    let deviation = (count * prob * (1.0 - prob)).sqrt();
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * prob;
    let c = count * prob + 0.5;
    let tight = 0.92 - 4.2 / b;
    let r = prob / (1.0 - prob);
    let alpha = (2.83 + 5.1 / b) * deviation;
    let m = ((count + 1.0) * prob).floor();
    for _ in 0..MOST_TRIES {
        let (u, v) = (draws.uniform() - 0.5, draws.uniform());
        let shifted = 0.5 - u.abs();
        let k = ((2.0 * a / shifted + b) * u + c).floor();
        if shifted >= 0.07 && v <= tight {
            return Ok(k);
        }
        if k < 0.0 || k > count {
            continue;
        }
        let v = (v * alpha / (a / (shifted * shifted) + b)).ln();
        let bound = (m + 0.5) * ((m + 1.0) / (r * (count - m + 1.0))).ln()
            + (count + 1.0) * ((count - m + 1.0) / (count - k + 1.0)).ln()
            + (k + 0.5) * (r * (count - k + 1.0) / (k + 1.0)).ln()
            + stirling_tail(m)
            + stirling_tail(count - m)
            - stirling_tail(k)
            - stirling_tail(count - k);
        if v <= bound {
            return Ok(k);
        }
    }
    Err(hopeless("RandomBinomial"))
}

/// What Stirling's formula leaves of the logarithm of `k!`.
fn stirling_tail(k: f64) -> f64 {
    const TAILS: [f64; 10] = [
        0.0810614667953272,
        0.0413406959554092,
        0.0276779256849983,
        0.02079067210376509,
        0.0166446911898211,
        0.0138761288230707,
        0.0118967099458917,
        0.0104112652619720,
        0.00925546218271273,
        0.00833056343336287,
    ];
    if k <= 9.0 {
        return TAILS[k.max(0.0) as usize];
    }
    let square = (k + 1.0) * (k + 1.0);
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / (k + 1.0)
}

#[cfg(test)]
mod tests {
    use super::reserved;
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn streams_go_on_as_far_as_tensorflow_says() {
        for (outputs, distributions, expected) in
            [(5, 5, 1000), (5, 1, 400), (6, 1, 450), (6, 3, 750), (100, 1, 5150), (0, 1, 150), (0, 0, 0)]
        {
            assert_eq!(reserved(outputs, distributions), expected);
        }
    }

    #[test]
    fn table() {
        let op = "StatelessRandomBinomial";
        check_rows(
            OPS,
            &[
                (op, "", "int32[1] 6; int64[2] 1 2; double[] 10; double[] 0.3", "int64[6] 5 5 5 4 4 3"),
                (
                    op,
                    "dtype=float",
                    "int32[2] 3 2; int64[2] 1 2; float[2] 100 1000; float[2] 0.3 0.9",
                    "float[3,2] 36 889 33 909 37 892",
                ),
                (op, "dtype=float", "int32[1] 1; int64[2] 1 2; float[] -1; float[] 0.3", "float[1] 0"),
                (op, "dtype=float", "int32[1] 1; int64[2] 1 2; float[] 3; float[] NaN", "float[1] NaN"),
                (op, "dtype=float", "int32[1] 2; int64[2] 1 2; float[2] 3 4; float[] 1", "float[2] 3 4"),
                (
                    op,
                    "dtype=float",
                    "int32[1] 2; int64[2] 1 2; float[3] 3 4 5; float[] 1",
                    "INVALID_ARGUMENT: Shape passed in must end with broadcasted shape.",
                ),
                (
                    op,
                    "dtype=float",
                    "int32[1] 2; int64[2] 1 2; float[3] 3 4 5; float[2] 1 1",
                    "INVALID_ARGUMENT: counts and probs must have compatible batch dimensions: [3] vs. [2]",
                ),
                (
                    op,
                    "dtype=float",
                    "int32[1] 2; int64[2] 1 2; float[2] inf inf; float[2] 0.5 0.7",
                    "float[2] inf NaN",
                ),
                (
                    op,
                    "dtype=float",
                    "int32[1] 1; int64[2] 1 2; float[] NaN; float[] 0.5",
                    "INVALID_ARGUMENT: the count of a binomial distribution is not a number",
                ),
            ],
        );
    }
}
