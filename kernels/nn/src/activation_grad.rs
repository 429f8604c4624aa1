//! Gradients of the functions of [`crate::activation`]. See [`OPS`].

use savedmodel_math::{lane, map, simd};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Shape, bf16, f16};

/// The operators of this file.
///
/// The second input is what the function was applied to, except for `EluGrad` and `SeluGrad`, which take its result.
/// Rectifiers multiply the gradient with zero or one, so that NaN stays NaN. 16-bit floats are rounded once.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReluGrad> and the pages of the other names.
pub const OPS: &[Op] = &[
    Op {
        attrs: &[REAL],
        ..op("ReluGrad", FEATURES, by_dtype!("T"; relu: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64))
    },
    Op {
        attrs: &[REAL],
        ..op("Relu6Grad", FEATURES, by_dtype!("T"; relu6: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64))
    },
    Op {
        attrs: &["alpha: float = 0.20000000298023224", "T: {half, bfloat16, float, double} = DT_FLOAT"],
        ..op("LeakyReluGrad", FEATURES, by_dtype!("T"; leaky_relu: f32 f64 f16 bf16))
    },
    op("EluGrad", RESULTS, by_dtype!("T"; elu: f32 f64 f16 bf16)),
    op("SeluGrad", RESULTS, by_dtype!("T"; selu: f32 f64 f16 bf16)),
    op("SoftplusGrad", FEATURES, by_dtype!("T"; softplus: f32 f64 f16 bf16)),
    op("SoftsignGrad", FEATURES, by_dtype!("T"; softsign: f32 f64 f16 bf16)),
];

const REAL: &str =
    "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}";
const FEATURES: &[&str] = &["gradients: T", "features: T"];
const RESULTS: &[&str] = &["gradients: T", "outputs: T"];

const fn op(name: &'static str, inputs: &'static [&'static str], kernels: Kernels) -> Op {
    Op {
        name,
        inputs,
        outputs: &["backprops: T"],
        attrs: &["T: {half, bfloat16, float, double}"],
        effect: Effect::Pure,
        shape,
        kernels,
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (gradients, features) = (ctx.input(0), ctx.input(1));
    Ok(vec![gradients.merge(&features).unwrap_or(gradients)])
}

fn check(op: &str, a: &Shape, b: &Shape) -> Result<()> {
    if a != b {
        return Err(Error::invalid_argument(format!(
            "Inputs to operation {op} of type {op} must have the same size and shape.  Input 0: {a} != input 1: {b}"
        )));
    }
    Ok(())
}

/// An element type whose loops compute in `Wide`.
trait Grad: Element {
    type Wide: Copy + Send + Sync + 'static;

    fn zip(
        g: &[Self],
        x: &[Self],
        out: &mut [Self],
        f: impl Fn(Self::Wide, Self::Wide) -> Self::Wide + Sync + Copy,
    );
    /// The number of this type nearest to the result of a step.
    fn step(x: Self::Wide) -> Self::Wide;
    fn relu(g: Self::Wide, x: Self::Wide) -> Self::Wide;
    fn relu6(g: Self::Wide, x: Self::Wide) -> Self::Wide;
}

macro_rules! plain {
    ($($t:ty: $multiply:expr;)*) => {$(
        impl Grad for $t {
            type Wide = $t;
            fn zip(g: &[$t], x: &[$t], out: &mut [$t], f: impl Fn($t, $t) -> $t + Sync + Copy) {
                map::zip(g, x, out, map::CHEAP, f);
            }
            #[inline(always)]
            fn step(x: $t) -> $t {
                x
            }
            #[inline(always)]
            fn relu(g: $t, x: $t) -> $t {
                let multiply: fn($t, bool) -> $t = $multiply;
                multiply(g, x > (0 as $t))
            }
            #[inline(always)]
            fn relu6(g: $t, x: $t) -> $t {
                let multiply: fn($t, bool) -> $t = $multiply;
                multiply(g, x > (0 as $t) && x < (6 as $t))
            }
        }
    )*};
}

plain! {
    f32: |g, passes| g * (if passes { 1.0 } else { 0.0 });
    f64: |g, passes| g * (if passes { 1.0 } else { 0.0 });
    i8: |g, passes| if passes { g } else { 0 };
    i16: |g, passes| if passes { g } else { 0 };
    i32: |g, passes| if passes { g } else { 0 };
    i64: |g, passes| if passes { g } else { 0 };
    u8: |g, passes| if passes { g } else { 0 };
    u16: |g, passes| if passes { g } else { 0 };
    u32: |g, passes| if passes { g } else { 0 };
    u64: |g, passes| if passes { g } else { 0 };
}

macro_rules! narrow {
    ($($t:ty)*) => {$(
        impl Grad for $t {
            type Wide = f32;
            fn zip(g: &[$t], x: &[$t], out: &mut [$t], f: impl Fn(f32, f32) -> f32 + Sync + Copy) {
                map::zip_narrow(g, x, out, map::CHEAP, f);
            }
            #[inline(always)]
            fn step(x: f32) -> f32 {
                <$t>::from_f32(x).to_f32()
            }
            #[inline(always)]
            fn relu(g: f32, x: f32) -> f32 {
                <f32 as Grad>::relu(g, x)
            }
            #[inline(always)]
            fn relu6(g: f32, x: f32) -> f32 {
                <f32 as Grad>::relu6(g, x)
            }
        }
    )*};
}

narrow! { f16 bf16 }

/// A floating-point type that gradients are computed in.
trait Real: num_traits::Float + Send + Sync + 'static {
    fn of(value: f64) -> Self;
    fn exponential(self) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn of(value: f64) -> f32 {
        value as f32
    }
    #[inline(always)]
    fn exponential(self) -> f32 {
        lane::exp::<simd::Baseline>(self)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }
    #[inline(always)]
    fn exponential(self) -> f64 {
        self.exp()
    }
}

fn kernel<T: Grad>(
    node: &Construction<'_>,
    f: impl Fn(T::Wide, T::Wide) -> T::Wide + Send + Sync + 'static,
) -> Result<Box<dyn Kernel>> {
    let op = node.op().to_owned();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (gradients, features) = (ctx.input(0), ctx.input(1));
        check(&op, gradients.shape(), features.shape())?;
        let mut out = ctx.allocate(T::DTYPE, gradients.shape())?;
        T::zip(gradients.as_slice()?, features.as_slice()?, out.as_mut_slice()?, &f);
        ctx.set(0, out);
        Ok(())
    }))
}

fn relu<T: Grad>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, T::relu)
}

fn relu6<T: Grad>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, T::relu6)
}

fn leaky_relu<T: Grad<Wide: Real>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let slope = T::step(T::Wide::of(node.attr::<f32>("alpha")?.into()));
    kernel::<T>(node, move |g, x| if x > T::Wide::of(0.0) { g } else { g * slope })
}

fn elu<T: Grad<Wide: Real>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, |g, y| if y < T::Wide::of(0.0) { T::step(y + T::Wide::of(1.0)) * g } else { g })
}

fn selu<T: Grad<Wide: Real>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let scale = T::step(T::Wide::of(1.050_700_987_355_480_5));
    let scale_alpha = T::step(T::Wide::of(1.758_099_340_847_376_9));
    kernel::<T>(node, move |g, y| if y < T::Wide::of(0.0) { g * T::step(y + scale_alpha) } else { g * scale })
}

fn softplus<T: Grad<Wide: Real>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, |g, x| g / T::step(T::step((-x).exponential()) + T::Wide::of(1.0)))
}

fn softsign<T: Grad<Wide: Real>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, |g, x| {
        let below = T::step(T::Wide::of(1.0) + num_traits::Float::abs(x));
        g / T::step(below * below)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("ReluGrad", "", "float[4] 1 2 3 NaN; float[4] -1 0 2 3", "float[4] 0 0 3 NaN"),
                ("ReluGrad", "", "uint8[2] 7 9; uint8[2] 0 1", "uint8[2] 0 9"),
                ("Relu6Grad", "", "half[4] 1 2 3 4; half[4] -1 1 6 5", "half[4] 0 2 0 4"),
                ("LeakyReluGrad", "", "float[2] 1 2; float[2] -1 1", "float[2] 0.2 2"),
                ("LeakyReluGrad", "alpha=0.5", "bfloat16[2] 1 2; bfloat16[2] -1 1", "bfloat16[2] 0.5 2"),
                ("EluGrad", "", "double[2] 2 2; double[2] -0.5 1", "double[2] 1 2"),
                ("SeluGrad", "", "float[2] 1 1; float[2] -0.5 1", "float[2] 1.2580993 1.050701"),
                ("SoftplusGrad", "", "float[3] 1 1 1; float[3] 0 100 -100", "float[3] 0.5 1 0"),
                ("SoftsignGrad", "", "float[2] 1 1; float[2] -1 0", "float[2] 0.25 1"),
                ("SoftsignGrad", "", "float[0]; float[0]", "float[0]"),
                (
                    "EluGrad",
                    "",
                    "float[2] 1 1; float[3] 1 1 1",
                    "INVALID_ARGUMENT: Inputs to operation EluGrad of type EluGrad must have the same size and shape.  \
                     Input 0: [2] != input 1: [3]",
                ),
            ],
        );
    }
}
