//! `ParameterizedTruncatedNormal` and `StatelessParameterizedTruncatedNormal`.

use num_traits::Float;
use savedmodel_op::{Construction, Context, Kernel, Op, by_dtype};
use savedmodel_tensor::{Error, Result, Shape, Tensor, f16};

use crate::arguments::{seeded, shaped_by_first, to_shape};
use crate::broadcast::{broadcast, places};
use crate::distribution::Real;
use crate::generator::Generator;
use crate::source::Generation;
use crate::truncation::{MOST_ITERATIONS, Truncation};

/// Normally distributed numbers between bounds.
///
/// The parameters of the first form are scalars or have one element for each element of the first dimension; those of
/// the stateless form broadcast to a shape with which `shape` ends.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParameterizedTruncatedNormal>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessParameterizedTruncatedNormal>
pub const OPS: &[Op] = &[
    Op {
        name: "ParameterizedTruncatedNormal",
        inputs: &["shape: T", "means: dtype", "stdevs: dtype", "minvals: dtype", "maxvals: dtype"],
        outputs: &["output: dtype"],
        attrs: &[
            "seed: int = 0",
            "seed2: int = 0",
            "dtype: {half, bfloat16, float, double}",
            "T: {int32, int64}",
        ],
        effect: Generation::Node.effect(),
        shape: shaped_by_first,
        kernels: by_dtype!("dtype"; build: f16 f32 f64),
    },
    Op {
        name: "StatelessParameterizedTruncatedNormal",
        inputs: &[
            "shape: S",
            "seed: Tseed",
            "means: dtype",
            "stddevs: dtype",
            "minvals: dtype",
            "maxvals: dtype",
        ],
        outputs: &["output: dtype"],
        attrs: &["S: {int32, int64}", "Tseed: {int32, int64} = DT_INT64", "dtype: {half, float, double}"],
        effect: Generation::Seed.effect(),
        shape: shaped_by_first,
        kernels: by_dtype!("dtype"; build_stateless: f16 f32 f64),
    },
];

fn build<T: Real + Float>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let generator = Generator::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = to_shape(ctx.input(0))?;
        let mut output = ctx.allocate(T::DTYPE, &shape)?;
        let (batches, samples) = batches(ctx, &shape)?;
        let blocks = (batches as u64 * 2 * MOST_ITERATIONS as u64).wrapping_mul(samples as u64 + 3) / 4;
        let mut stream = generator.reserve(blocks);
        let parameter = |i: usize, batch: usize| -> Result<T> {
            let values = ctx.input(i).as_slice::<T>()?;
            Ok(if values.len() == 1 { values[0] } else { values[batch] })
        };
        for (batch, part) in output.as_mut_slice::<T>()?.chunks_mut(samples.max(1)).enumerate() {
            let truncation = Truncation::new(
                parameter(1, batch)?,
                parameter(2, batch)?,
                parameter(3, batch)?,
                parameter(4, batch)?,
            )?;
            truncation.fill(part.iter_mut(), &mut stream)?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// How many stretches of the output have parameters of their own, and how long they are.
fn batches(ctx: &Context<'_>, shape: &Shape) -> Result<(usize, usize)> {
    /// Stretches of output that share their parameters are cut to this length.
    const TOGETHER: usize = 100;
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let Some(&rows) = shape.first() else {
        return refuse("Shape tensor must not be empty".to_owned());
    };
    let names = ["means", "stddevs", "minvals", "maxvals"];
    for (i, name) in names.iter().enumerate() {
        if ctx.input(i + 1).rank() > 1 {
            let shape = ctx.input(i + 1).shape();
            return refuse(format!("Input {name} should be a scalar or vector, got shape: {shape}"));
        }
    }
    let single = |i: usize| ctx.input(i).elements() == 1;
    if single(1) && single(2) && ctx.input(3).rank() == 0 && ctx.input(4).rank() == 0 {
        return Ok((shape.elements().div_ceil(TOGETHER), TOGETHER));
    }
    for (i, name) in names.iter().enumerate() {
        let parameter = ctx.input(i + 1);
        if parameter.elements() != 1 && parameter.elements() != rows {
            return refuse(format!(
                "Input {name} should have length 1 or shape[0], got shape: {}",
                parameter.shape()
            ));
        }
    }
    Ok((rows, shape[1..].iter().product()))
}

fn build_stateless<T: Real + Float>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let mut stream = seeded(ctx.input(1))?;
        let parameters: [&Tensor; 4] = std::array::from_fn(|i| ctx.input(2 + i));
        let shapes = parameters.map(Tensor::shape);
        let shape = broadcast(&shapes).ok_or_else(|| {
            Error::invalid_argument(format!(
                "means, stddevs, minvals, maxvals must have compatible batch dimensions: {} vs. {} vs. {} vs. {}",
                shapes[0], shapes[1], shapes[2], shapes[3]
            ))
        })?;
        let asked = to_shape(ctx.input(0))?;
        if !asked.ends_with(&shape) {
            return Err(Error::invalid_argument("Shape passed in must end with broadcasted shape."));
        }
        let mut output = ctx.allocate(T::DTYPE, asked)?;
        let batches = shape.elements();
        let [means, deviations, lows, highs] = parameters.map(|p| {
            let values = p.as_slice::<T>().unwrap_or_default();
            places(p.shape(), &shape).map(|i| values[i]).collect::<Vec<T>>()
        });
        if output.elements() > 0 {
            let out = output.as_mut_slice::<T>()?;
            for i in 0..batches {
                let truncation = Truncation::new(means[i], deviations[i], lows[i], highs[i])?;
                truncation.fill(out[i..].iter_mut().step_by(batches), &mut stream)?;
            }
        }
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn stateless() {
        let op = "StatelessParameterizedTruncatedNormal";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int32[1] 6; int64[2] 1 2; float[] 0; float[] 1; float[] -1; float[] 2",
                    "float[6] 0.544110119342804 0.20738030970096588 0.0735643208026886 0.04643455147743225 \
                 -0.9538565278053284 0.8417285680770874",
                ),
                (
                    op,
                    "",
                    "int32[1] 6; int64[2] 1 2; float[] 0; float[] 1; float[] 4; float[] 9",
                    "float[6] 4.040020942687988 4.0008931159973145 4.3073577880859375 4.527717113494873 4.194155693054199 \
                 4.3787970542907715",
                ),
                (
                    op,
                    "",
                    "int32[1] 6; int64[2] 1 2; float[] 0; float[] 1; float[] 0.4; float[] 0.9",
                    "float[6] 0.8220301866531372 0.49602267146110535 0.8981115818023682 0.48019370436668396 \
                 0.6196756958961487 0.44238409399986267",
                ),
                (
                    op,
                    "",
                    "int32[2] 2 3; int64[2] 1 2; float[3] 0 10 20; float[] 1; float[2,3] -1 9 19 -2 8 18; float[3] 1 11 21",
                    "float[2,3] 0.6881208419799805 9.878703117370605 20.209936141967773 0.20318078994750977 \
                 10.57034683227539 19.33829689025879",
                ),
                (
                    op,
                    "",
                    "int32[1] 6; int64[2] 1 2; float[] 0; float[] 1; float[] -inf; float[] inf",
                    "INVALID_ARGUMENT: Invalid parameters",
                ),
                (
                    op,
                    "",
                    "int32[1] 6; int64[2] 1 2; float[] 0; float[] -1; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: Invalid parameters",
                ),
                (
                    op,
                    "",
                    "int32[1] 3; int64[2] 1 2; float[2] 0 1; float[] 1; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: Shape passed in must end with broadcasted shape.",
                ),
            ],
        );
    }

    #[test]
    fn stateful() {
        let op = "ParameterizedTruncatedNormal";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "seed=1 seed2=2",
                    "int32[2] 2 3; float[2] 0 5; float[2] 1 2; float[2] -1 4; float[2] 1 8",
                    "float[2,3] -0.18720650672912598 0.7151992321014404 -0.8892083168029785 5.277812480926514 \
                 6.022395133972168 7.875540733337402",
                ),
                (
                    op,
                    "seed=1 seed2=2",
                    "int32[2] 2 3; float[] 0; float[] 1; float[] -1; float[] 1",
                    "float[2,3] -0.18720650672912598 0.7151992321014404 -0.8892083168029785 -0.8282554149627686 \
                 0.7381794452667236 -0.9155457019805908",
                ),
                (
                    op,
                    "seed=1 seed2=2",
                    "int32[2] 2 3; float[3] 0 1 2; float[2] 1 2; float[2] -1 4; float[2] 1 8",
                    "INVALID_ARGUMENT: Input means should have length 1 or shape[0], got shape: [3]",
                ),
            ],
        );
    }
}
