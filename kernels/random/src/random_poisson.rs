//! `RandomPoissonV2`, `RandomPoisson` and `StatelessRandomPoisson`.

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, by_dtype};
use savedmodel_tensor::{DType, Error, Result, Tensor, f16};

use crate::arguments::shaped_by_first;
use crate::draws::{Draws, MOST_TRIES, Output, allocate, hopeless, sample};
use crate::random_gamma::together;
use crate::source::{Generation, Source};

/// Numbers of events where `rate` are expected.
///
/// The first two forms give `shape` samples for each rate, the stateless one a tensor of `shape`, which ends with the
/// shape of `lam`. Rates below 10 use Knuth's method, others that of Hörmann (1993). A rate that is not a number is
/// refused; TensorFlow does not return from it.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomPoissonV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessRandomPoisson>
pub const OPS: &[Op] = &[
    Op {
        name: "RandomPoissonV2",
        inputs: &["shape: S", "rate: R"],
        attrs: &[
            "seed: int = 0",
            "seed2: int = 0",
            "S: {int32, int64}",
            "R: {half, float, double, int32, int64} = DT_DOUBLE",
            "dtype: {half, float, double, int32, int64} = DT_INT64",
        ],
        ..NODE
    },
    Op {
        name: "RandomPoisson",
        inputs: &["shape: S", "rate: dtype"],
        attrs: &["seed: int = 0", "seed2: int = 0", "S: {int32, int64}", "dtype: {half, float, double}"],
        kernels: by_dtype!("dtype"; build: f16 f32 f64),
        ..NODE
    },
    Op {
        name: "StatelessRandomPoisson",
        inputs: &["shape: T", "seed: Tseed", "lam: Rtype"],
        attrs: &[
            "Rtype: {half, float, double, int32, int64}",
            "dtype: {half, float, double, int32, int64}",
            "T: {int32, int64}",
            "Tseed: {int32, int64} = DT_INT64",
        ],
        effect: Generation::Seed.effect(),
        shape: shaped_by_first,
        ..NODE
    },
];

const NODE: Op = Op {
    name: "",
    inputs: &[],
    outputs: &["output: dtype"],
    attrs: &[],
    effect: Generation::Node.effect(),
    shape: |ctx| Ok(vec![together(ctx, 1)]),
    kernels: KERNELS,
};

const KERNELS: Kernels = by_dtype!("dtype"; build: f16 f32 f64 i32 i64);

fn build<T: Output>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let generation = Generation::of(node.op);
    let source = Source::of(node, generation)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rate = ctx.input(generation.parameters());
        let asked = source.output_shape(ctx)?;
        let mut output = allocate(ctx, T::DTYPE, asked, rate.shape(), generation == Generation::Node)?;
        let stream = source.stream(ctx, output.elements())?;
        let rates = to_f64s(rate)?;
        sample(&mut output, rates.len(), stream, |i| {
            let rate = rates[i];
            move |draws| draw::<T>(rate, draws)
        })?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The numbers of a tensor of any real dtype that random operators take.
pub(crate) fn to_f64s(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(match tensor.dtype() {
        DType::Half => tensor.as_slice::<f16>()?.iter().map(|v| v.to_f64()).collect(),
        DType::Float => tensor.as_slice::<f32>()?.iter().map(|&v| v.into()).collect(),
        DType::Double => tensor.as_slice::<f64>()?.to_vec(),
        _ => tensor.to_i64s()?.into_iter().map(|v| v as f64).collect(),
    })
}

fn draw<T: Output>(rate: f64, draws: Draws) -> Result<T> {
    if rate.is_nan() {
        return Err(Error::invalid_argument("the rate of a Poisson distribution is not a number"));
    }
    match rate {
        ..10.0 => Ok(T::from_f64(multiply(rate, draws, T::HIGHEST))),
        f64::INFINITY => Ok(T::INFINITY),
        _ => reject(rate, draws, T::HIGHEST).map(T::from_f64),
    }
}

/// Counts the factors until their product is small enough.
fn multiply(rate: f64, mut draws: Draws, highest: f64) -> f64 {
    let enough = (-rate).exp();
    let (mut product, mut count) = (1.0, 0.0);
    loop {
        product *= draws.uniform();
        if product <= enough && count <= highest {
            return count;
        }
        count += 1.0;
    }
}

/// Transformed rejection.
fn reject(rate: f64, mut draws: Draws, highest: f64) -> Result<f64> {
    let log_rate = rate.ln();
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    for _ in 0..MOST_TRIES {
        let u = draws.uniform() - 0.5;
        let v = draws.uniform();
        let shifted = 0.5 - u.abs();
        let k = ((2.0 * a / shifted + b) * u + rate + 0.43).floor();
        if k > highest {
            continue;
        }
        if shifted >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2.0) {
            return Ok(k);
        }
        if k < 0.0 || shifted < 0.013 && v > shifted {
            continue;
        }
        let s = (v * inverse_alpha / (a / (shifted * shifted) + b)).ln();
        let t = -rate + k * log_rate - libm::lgamma(k + 1.0);
        if s <= t {
            return Ok(k);
        }
    }
    Err(hopeless("RandomPoisson"))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "StatelessRandomPoisson";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "dtype=int64",
                    "int32[2] 2 3; int64[2] 1 2; float[3] 0.5 4 30",
                    "int64[2,3] 3 6 25 2 6 35",
                ),
                (op, "dtype=float", "int32[1] 3; int64[2] 1 2; double[3] -1 0 inf", "float[3] 0 0 inf"),
                (op, "dtype=int32", "int32[1] 1; int64[2] 1 2; double[] inf", "int32[1] 0"),
                (op, "dtype=int32", "int32[1] 1; int64[2] 1 2; double[] 1e30", "INTERNAL: RandomPoisson"),
                (
                    op,
                    "dtype=half",
                    "int32[1] 1; int64[2] 1 2; double[] NaN",
                    "INVALID_ARGUMENT: the rate of a Poisson",
                ),
                (
                    op,
                    "dtype=int64",
                    "int32[2] 2 2; int64[2] 1 2; int32[3] 1 4 30",
                    "INVALID_ARGUMENT: Shape passed in must end with broadcasted shape.",
                ),
            ],
        );
    }
}
