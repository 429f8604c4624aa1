//! `Multinomial` and `StatelessMultinomial`.

use num_traits::AsPrimitive;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Tensor, bf16, f16};

use crate::arguments::seeded;
use crate::distribution::{RESERVED, to_f64};
use crate::generator::Generator;
use crate::philox::{Philox, Words};

/// Draws classes by their logarithmic, not normalised probabilities, each row by its own.
///
/// Classes whose logit is infinite or NaN are never drawn.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Multinomial>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessMultinomial>
pub const OPS: &[Op] = &[
    Op {
        name: "Multinomial",
        inputs: &["logits: T", "num_samples: int32"],
        outputs: &["output: output_dtype"],
        attrs: &[
            "seed: int = 0",
            "seed2: int = 0",
            "T: realnumbertype",
            "output_dtype: {int32, int64} = DT_INT64",
        ],
        effect: Effect::Random,
        shape,
        kernels: by_dtype!("T"; build: f16 bf16 f32 f64),
    },
    Op {
        name: "StatelessMultinomial",
        inputs: &["logits: T", "num_samples: int32", "seed: Tseed"],
        outputs: &["output: output_dtype"],
        attrs: &[
            "T: realnumbertype",
            "Tseed: {int32, int64} = DT_INT64",
            "output_dtype: {int32, int64} = DT_INT64",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build_stateless: f16 bf16 f32 f64),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let samples = ctx.integers(1).and_then(|n| usize::try_from(*n.first()?).ok());
    Ok(vec![PartialShape::new([ctx.input(0).dim(0), samples])])
}

fn build<T: Element + AsPrimitive<f64>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let generator = Generator::of(node)?;
    let dtype: DType = node.attr("output_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (rows, samples) = check(ctx)?;
        let words = (rows as u64).wrapping_mul(samples.div_ceil(4) as u64 * 8);
        let stream = generator.reserve(words.wrapping_mul(RESERVED));
        run::<T>(ctx, dtype, samples, stream)
    }))
}

fn build_stateless<T: Element + AsPrimitive<f64>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("output_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (_, samples) = check(ctx)?;
        let stream = seeded(ctx.input(2))?;
        run::<T>(ctx, dtype, samples, stream)
    }))
}

/// The number of rows and of samples to draw by each.
fn check(ctx: &Context<'_>) -> Result<(usize, usize)> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let (logits, samples) = (ctx.input(0), ctx.input(1));
    let &[rows, classes] = &logits.shape()[..] else {
        return refuse(format!("logits should be a matrix, got shape {}", logits.shape()));
    };
    if samples.rank() != 0 {
        return refuse(format!("num_samples should be a scalar, got shape {}", samples.shape()));
    }
    let samples = samples.to_scalar::<i32>()?;
    let Ok(samples) = usize::try_from(samples) else {
        return refuse(format!("num_samples should be non-negative, got {samples}"));
    };
    if classes == 0 {
        return refuse("num_classes should be positive, got 0".to_owned());
    }
    Ok((rows, samples))
}

fn run<T: Element + AsPrimitive<f64>>(
    ctx: &mut Context<'_>,
    dtype: DType,
    samples: usize,
    stream: Philox,
) -> Result<()> {
    let logits = ctx.input(0);
    let (rows, classes) = (logits.shape()[0], logits.shape()[1]);
    let mut output = ctx.allocate(dtype, [rows, samples])?;
    let mut words = Words::of(stream);
    let mut totals = Vec::with_capacity(classes);
    for (row, logits) in logits.as_slice::<T>()?.chunks_exact(classes).enumerate() {
        accumulate(logits, &mut totals);
        draw(&mut output, row * samples..(row + 1) * samples, &totals, &mut words)?;
    }
    ctx.set(0, output);
    Ok(())
}

/// The running totals of the probabilities, not normalised.
fn accumulate<T: Element + AsPrimitive<f64>>(logits: &[T], totals: &mut Vec<f64>) {
    let finite = |x: &f64| x.is_finite();
    let largest = logits.iter().map(|x| x.as_()).filter(finite).fold(f64::MIN, f64::max);
    let mut total = 0.0;
    totals.clear();
    totals.extend(logits.iter().map(|x| {
        let logit: f64 = x.as_();
        if logit.is_finite() {
            total += (logit - largest).exp();
        }
        total
    }));
}

fn draw(output: &mut Tensor, range: std::ops::Range<usize>, totals: &[f64], words: &mut Words) -> Result<()> {
    let mut class = || {
        let point = to_f64(words.word(), words.word()) * totals.last().copied().unwrap_or(0.0);
        totals.partition_point(|&total| total <= point)
    };
    match output.dtype() {
        DType::Int32 => output.as_mut_slice::<i32>()?[range].iter_mut().for_each(|o| *o = class() as i32),
        _ => output.as_mut_slice::<i64>()?[range].iter_mut().for_each(|o| *o = class() as i64),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "StatelessMultinomial";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "output_dtype=int32",
                    "float[2,3] 0 1 2 5 -inf 5; int32[] 5; int64[2] 1 2",
                    "int32[2,5] 2 2 1 2 2 2 2 0 2 2",
                ),
                (op, "", "float[2,2] inf 0 NaN NaN; int32[] 3; int64[2] 1 2", "int64[2,3] 1 1 1 2 2 2"),
                ("Multinomial", "seed=1 seed2=2", "double[1,3] 0 1 2; int32[] 5", "int64[1,5] 1 2 1 1 2"),
                (op, "", "half[0,3]; int32[] 2; int64[2] 1 2", "int64[0,2]"),
                (
                    op,
                    "",
                    "float[2,0]; int32[] 2; int64[2] 1 2",
                    "INVALID_ARGUMENT: num_classes should be positive, got 0",
                ),
                (
                    op,
                    "",
                    "float[2]  0 1; int32[] 2; int64[2] 1 2",
                    "INVALID_ARGUMENT: logits should be a matrix, got shape [2]",
                ),
                (
                    op,
                    "",
                    "float[1,1] 0; int32[1] 2; int64[2] 1 2",
                    "INVALID_ARGUMENT: num_samples should be a scalar",
                ),
                (
                    op,
                    "",
                    "float[1,1] 0; int32[] -1; int64[2] 1 2",
                    "INVALID_ARGUMENT: num_samples should be non-negative, got -1",
                ),
            ],
        );
    }
}
