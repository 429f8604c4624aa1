//! `RandomGamma`, `StatelessRandomGammaV2` and `StatelessRandomGammaV3`.

use num_traits::AsPrimitive;
use savedmodel_op::{Construction, Context, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, PartialShape, Result, f16};

use crate::arguments::{shape_of, shaped_by_first};
use crate::draws::{Draws, Output, allocate, sample};
use crate::source::{Generation, Source};

/// Numbers of gamma distributions with the given shapes `alpha` and rate 1.
///
/// The first form gives `shape` samples for each `alpha`, the stateless ones a tensor of `shape`, which ends with the
/// shape of `alpha`. The method is that of Marsaglia and Tsang (2000).
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RandomGamma>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StatelessRandomGammaV3>
pub const OPS: &[Op] = &[
    Op {
        name: "RandomGamma",
        inputs: &["shape: S", "alpha: T"],
        outputs: &["output: T"],
        attrs: &["seed: int = 0", "seed2: int = 0", "S: {int32, int64}", "T: {half, float, double}"],
        effect: Generation::Node.effect(),
        shape: |ctx| Ok(vec![together(ctx, 1)]),
        kernels: by_dtype!("T"; build: f16 f32 f64),
    },
    Op {
        name: "StatelessRandomGammaV2",
        inputs: &["shape: T", "seed: Tseed", "alpha: dtype"],
        outputs: &["output: dtype"],
        attrs: &["dtype: {half, float, double}", "T: {int32, int64}", "Tseed: {int32, int64} = DT_INT64"],
        effect: Generation::Seed.effect(),
        shape: shaped_by_first,
        kernels: by_dtype!("dtype"; build_seed: f16 f32 f64),
    },
    Op {
        name: "StatelessRandomGammaV3",
        inputs: &["shape: shape_dtype", "key: uint64", "counter: uint64", "alg: int32", "alpha: dtype"],
        outputs: &["output: dtype"],
        attrs: &["dtype: {half, float, double}", "shape_dtype: {int32, int64} = DT_INT32"],
        effect: Generation::Key.effect(),
        shape: shaped_by_first,
        kernels: by_dtype!("dtype"; build_key: f16 f32 f64),
    },
];

/// The shape that the first input holds, followed by that of input `parameters`.
pub(crate) fn together(ctx: &ShapeContext<'_>, parameters: usize) -> PartialShape {
    match (shape_of(ctx, 0).dims(), ctx.input(parameters).dims()) {
        (Some(asked), Some(each)) => PartialShape::new(asked.iter().chain(each).copied()),
        _ => PartialShape::unknown(),
    }
}

trait Alpha: Output + Element + AsPrimitive<f64> {}
impl<T: Output + Element + AsPrimitive<f64>> Alpha for T {}

fn build<T: Alpha>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build_from::<T>(node, Generation::Node)
}

fn build_seed<T: Alpha>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build_from::<T>(node, Generation::Seed)
}

fn build_key<T: Alpha>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build_from::<T>(node, Generation::Key)
}

fn build_from<T: Alpha>(node: &Construction<'_>, generation: Generation) -> Result<Box<dyn Kernel>> {
    let source = Source::of(node, generation)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let alpha = ctx.input(generation.parameters());
        let asked = source.output_shape(ctx)?;
        let mut output = allocate(ctx, T::DTYPE, asked, alpha.shape(), generation == Generation::Node)?;
        let stream = source.stream(ctx, output.elements())?;
        let alphas = alpha.as_slice::<T>()?;
        sample(&mut output, alphas.len(), stream, |i| {
            let gamma = Gamma::new(alphas[i].as_());
            move |draws| Ok(T::from_f64(gamma.draw(draws)))
        })?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// A gamma distribution.
struct Gamma {
    alpha: f64,
    d: f64,
    c: f64,
}

impl Gamma {
    fn new(alpha: f64) -> Gamma {
        let d = alpha + if alpha < 1.0 { 2.0 / 3.0 } else { -1.0 / 3.0 };
        Gamma { alpha, d, c: 1.0 / 3.0 / d.sqrt() }
    }

    fn draw(&self, mut draws: Draws) -> f64 {
        let Gamma { alpha, d, c } = *self;
        if alpha == 1.0 {
            return -(-draws.uniform()).ln_1p();
        }
        loop {
            let x = draws.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            let u = draws.uniform();
            if u < 1.0 - 0.0331 * (x * x) * (x * x) || u.ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                let scale = if alpha < 1.0 { draws.uniform().powf(1.0 / alpha) } else { 1.0 };
                return d * v * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "StatelessRandomGammaV2";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int32[2] 2 3; int64[2] 1 2; double[3] 0.5 1 3",
                    "double[2,3] 0.06695361383821083 2.2487352006448047 3.40351477562984 0.62823544551181 1.89350913788573 \
                 2.447971215673901",
                ),
                (
                    op,
                    "",
                    "int32[2] 2 2; int64[2] 1 2; float[] 2",
                    "float[2,2] 2.8172736167907715 1.9241365194320679 3.3360066413879395 2.218280553817749",
                ),
                (op, "", "int32[1] 1; int64[2] 1 2; float[] -2", "float[1] NaN"),
                (op, "", "int32[1] 1; int64[2] 1 2; float[] 0", "float[1] 0"),
                (
                    op,
                    "",
                    "int32[2] 2 2; int64[2] 1 2; float[3] 1 2 3",
                    "INVALID_ARGUMENT: Shape passed in must end with broadcasted shape.",
                ),
            ],
        );
    }
}
