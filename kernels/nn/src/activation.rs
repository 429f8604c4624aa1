//! Functions that networks apply to each element. See [`OPS`].

use savedmodel_math::{map, packet, unary};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype, shape};
use savedmodel_tensor::{Element, Result, bf16, f16};

/// The operators of this file.
///
/// All hand on NaN; `LeakyRelu` keeps the sign of zero. The slope of `LeakyRelu` is 0.2 unless given.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Relu> and the pages of the other names.
pub const OPS: &[Op] = &[
    Op {
        attrs: &[
            "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, qint8}",
        ],
        ..op("Relu", by_dtype!("T"; relu: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64))
    },
    Op {
        attrs: &[
            "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
        ],
        ..op("Relu6", by_dtype!("T"; relu6: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64))
    },
    Op {
        attrs: &["alpha: float = 0.20000000298023224", "T: {half, bfloat16, float, double} = DT_FLOAT"],
        ..op("LeakyRelu", by_dtype!("T"; leaky_relu: f32 f64 f16 bf16))
    },
    op("Elu", by_dtype!("T"; elu: f32 f64 f16 bf16)),
    op("Selu", by_dtype!("T"; selu: f32 f64 f16 bf16)),
    op("Softplus", by_dtype!("T"; softplus: f32 f64 f16 bf16)),
    op("Softsign", by_dtype!("T"; softsign: f32 f64 f16 bf16)),
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["features: T"],
        outputs: &["activations: T"],
        attrs: &["T: {half, bfloat16, float, double}"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels,
    }
}

/// A function over the elements of a slice, into another slice and in place.
type Loops<F, G> = (F, G);

/// The kernel of a function, over its input's memory where that may be.
fn kernel<T: Element>(
    (into, in_place): Loops<
        impl Fn(&[T], &mut [T]) + Send + Sync + 'static,
        impl Fn(&mut [T]) + Send + Sync + 'static,
    >,
) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape().clone();
        let out = match ctx.forward(0, T::DTYPE, &shape) {
            Some(mut out) => {
                in_place(out.as_mut_slice()?);
                out
            }
            None => {
                let mut out = ctx.allocate(T::DTYPE, shape)?;
                into(ctx.input(0).as_slice()?, out.as_mut_slice()?);
                out
            }
        };
        ctx.set(0, out);
        Ok(())
    }))
}

macro_rules! of_unary {
    ($($name:ident $function:ident;)*) => {$(
        fn $name<T>(_: &Construction<'_>) -> Result<Box<dyn Kernel>>
        where
            T: Element + unary::Apply<unary::functions::$function>,
        {
            kernel::<T>((unary::$name, unary::in_place::$name))
        }
    )*};
}

of_unary! {
    softsign Softsign;
}

fn elu<T: Exponential>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>((T::elu, |y: &mut [T]| in_place(y, T::elu)))
}

fn selu<T: Exponential>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>((T::selu, |y: &mut [T]| in_place(y, T::selu)))
}

fn softplus<T: Exponential>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>((T::softplus, |y: &mut [T]| in_place(y, T::softplus)))
}

fn in_place<T: Copy>(y: &mut [T], f: impl Fn(&[T], &mut [T])) {
    let x = y.to_vec();
    f(&x, y);
}

/// An element type with functions of an exponential, rounded after each step as TensorFlow does.
trait Exponential: Element {
    fn elu(x: &[Self], y: &mut [Self]);
    fn selu(x: &[Self], y: &mut [Self]);
    fn softplus(x: &[Self], y: &mut [Self]);
}

macro_rules! whole {
    ($($t:ty)*) => {$(
        impl Exponential for $t {
            fn elu(x: &[$t], y: &mut [$t]) {
                unary::elu(x, y);
            }
            fn selu(x: &[$t], y: &mut [$t]) {
                unary::selu(x, y);
            }
            fn softplus(x: &[$t], y: &mut [$t]) {
                unary::softplus(x, y);
            }
        }
    )*};
}

whole! { f32 f64 }

macro_rules! round {
    ($t:ident, $x:expr) => {
        $t::from_f32($x).to_f32()
    };
}

macro_rules! rounded {
    ($($t:ident)*) => {$(
        impl Exponential for $t {
            fn elu(x: &[$t], y: &mut [$t]) {
                map::map_narrow(x, y, EXPONENTIAL, |x| if x < 0.0 { round!($t, x.exp()) - 1.0 } else { x });
            }
            fn selu(x: &[$t], y: &mut [$t]) {
                let (scale, scale_alpha) = (round!($t, 1.050_701), round!($t, 1.758_099_3));
                map::map_narrow(x, y, EXPONENTIAL, |x| match x < 0.0 {
                    true => scale_alpha * round!($t, round!($t, x.exp()) - 1.0),
                    false => scale * x,
                });
            }
            fn softplus(x: &[$t], y: &mut [$t]) {
                // Beyond this there is nothing to add to 1, or nothing to add to `x`.
                let threshold = round!($t, round!($t, $t::EPSILON.to_f32().ln()) + 2.0);
                map::map_narrow(x, y, EXPONENTIAL, |x| {
                    let power = round!($t, x.exp());
                    if x > -threshold {
                        x
                    } else if x < threshold {
                        power
                    } else {
                        power.ln_1p()
                    }
                });
            }
        }
    )*};
}

/// Nanoseconds that an exponential takes.
const EXPONENTIAL: f64 = 8.0;

rounded! { f16 bf16 }

fn relu<T: Rectify>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let into = |x: &[T], y: &mut [T]| {
        T::apply(x, y, T::relu);
        T::relu_of_denormals(x, y);
    };
    kernel::<T>((into, |y| keeping_rest(y, |y| T::apply_in_place(y, T::relu), T::relu_of_denormals)))
}

fn relu6<T: Rectify>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let into = |x: &[T], y: &mut [T]| {
        T::apply(x, y, T::relu6);
        T::relu6_of_denormals(x, y);
    };
    kernel::<T>((into, |y| keeping_rest(y, |y| T::apply_in_place(y, T::relu6), T::relu6_of_denormals)))
}

/// `run` in place, and then what is to be put right in the elements at the end, of which the arguments are kept.
fn keeping_rest<T: Copy>(y: &mut [T], run: impl Fn(&mut [T]), put_right: impl Fn(&[T], &mut [T])) {
    const LONGEST: usize = 8;
    let start = y.len() / LONGEST * LONGEST;
    let Some(&last) = y[start..].last() else { return run(y) };
    let mut kept = [last; LONGEST];
    let kept = &mut kept[..y.len() - start];
    kept.copy_from_slice(&y[start..]);
    run(y);
    put_right(kept, &mut y[start..]);
}

fn leaky_relu<T: Leak>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let slope = T::slope(node.attr("alpha")?);
    let leak = move |x| T::leak(x, slope);
    kernel::<T>((move |x, y| T::apply(x, y, leak), move |y| T::apply_in_place(y, leak)))
}

/// An element type with rectifiers, computed as `Wide`.
trait Rectify: Element + Copy {
    type Wide: Copy + PartialOrd + Send + Sync + 'static;

    /// Puts denormals right where TensorFlow's loops differ from the function.
    fn relu_of_denormals(_: &[Self], _: &mut [Self]) {}
    /// The same of `relu6`.
    fn relu6_of_denormals(_: &[Self], _: &mut [Self]) {}

    fn relu(x: Self::Wide) -> Self::Wide;
    fn relu6(x: Self::Wide) -> Self::Wide;
    fn apply(x: &[Self], y: &mut [Self], f: impl Fn(Self::Wide) -> Self::Wide + Sync + Copy);
    fn apply_in_place(y: &mut [Self], f: impl Fn(Self::Wide) -> Self::Wide + Sync + Copy);
}

/// An element type with a slope below zero.
trait Leak: Rectify {
    /// `alpha` as TensorFlow rounds it.
    fn slope(alpha: f32) -> Self::Wide;
    fn leak(x: Self::Wide, slope: Self::Wide) -> Self::Wide;
}

/// In the rest zeros keep their sign; an odd rest begins with an element of its own, the others go in pairs.
fn relu_of_denormals<T: packet::Float + num_traits::Zero>(x: &[T], y: &mut [T]) {
    let rest = x.len() % T::PACKET;
    let first = x.len() - rest;
    for (i, (y, &x)) in y.iter_mut().zip(x).enumerate().skip(first) {
        if x.is_denormal() || num_traits::Zero::is_zero(&x) {
            *y = if i == first && rest % 2 == 1 { x } else { x.zero() };
        }
    }
}

/// In the rest zeros and denormals are what they are.
fn keep_rest<T: packet::Float + num_traits::Zero>(x: &[T], y: &mut [T]) {
    let first = x.len() - x.len() % T::PACKET;
    for (y, &x) in y.iter_mut().zip(x).skip(first) {
        if x.is_denormal() || num_traits::Zero::is_zero(&x) {
            *y = x;
        }
    }
}

macro_rules! plain {
    ($($t:ty $(: $relu:expr, $relu6:expr)?;)*) => {$(
        impl Rectify for $t {
            type Wide = $t;
            $(
                fn relu_of_denormals(x: &[$t], y: &mut [$t]) {
                    $relu(x, y);
                }
                fn relu6_of_denormals(x: &[$t], y: &mut [$t]) {
                    $relu6(x, y);
                }
            )?
            #[inline(always)]
            fn relu(x: $t) -> $t {
                if x <= (0 as $t) { 0 as $t } else { x }
            }
            #[inline(always)]
            fn relu6(x: $t) -> $t {
                let x = if x <= (0 as $t) { 0 as $t } else { x };
                if x > (6 as $t) { 6 as $t } else { x }
            }
            fn apply(x: &[$t], y: &mut [$t], f: impl Fn($t) -> $t + Sync + Copy) {
                map::map(x, y, map::CHEAP, f);
            }
            fn apply_in_place(y: &mut [$t], f: impl Fn($t) -> $t + Sync + Copy) {
                map::map_in_place(y, map::CHEAP, f);
            }
        }
    )*};
}

plain! {
    f32: relu_of_denormals, keep_rest;
    f64: relu_of_denormals, keep_rest;
    i8; i16; i32; i64; u8; u16; u32; u64;
}

macro_rules! narrow {
    ($($t:ty $(: $denormals:expr)?;)*) => {$(
        impl Rectify for $t {
            type Wide = f32;
            $(
                fn relu_of_denormals(x: &[$t], y: &mut [$t]) {
                    $denormals(x, y);
                }
                fn relu6_of_denormals(x: &[$t], y: &mut [$t]) {
                    $denormals(x, y);
                }
            )?
            #[inline(always)]
            fn relu(x: f32) -> f32 {
                // TensorFlow keeps the sign of zero for these types alone.
                if x < 0.0 { 0.0 } else { x }
            }
            #[inline(always)]
            fn relu6(x: f32) -> f32 {
                let x = Self::relu(x);
                if x > 6.0 { 6.0 } else { x }
            }
            fn apply(x: &[$t], y: &mut [$t], f: impl Fn(f32) -> f32 + Sync + Copy) {
                map::map_narrow(x, y, map::CHEAP, f);
            }
            fn apply_in_place(y: &mut [$t], f: impl Fn(f32) -> f32 + Sync + Copy) {
                let x = y.to_vec();
                map::map_narrow(&x, y, map::CHEAP, f);
            }
        }
    )*};
}

narrow! {
    f16;
    bf16: keep_rest;
}

macro_rules! leak {
    ($($t:ty: $slope:expr;)*) => {$(
        impl Leak for $t {
            fn slope(alpha: f32) -> Self::Wide {
                $slope(alpha)
            }
            #[inline(always)]
            fn leak(x: Self::Wide, slope: Self::Wide) -> Self::Wide {
                if x > 0.0 { x } else { x * slope }
            }
        }
    )*};
}

leak! {
    f32: |alpha| alpha;
    f64: f64::from;
    f16: |alpha| f16::from_f32(alpha).to_f32();
    bf16: |alpha| bf16::from_f32(alpha).to_f32();
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("Relu", "", "float[5] -1 -0 0 2 NaN", "float[5] 0 -0 0 2 NaN"),
                ("Relu", "", "int8[3] -128 0 127", "int8[3] 0 0 127"),
                ("Relu", "", "uint8[2] 0 255", "uint8[2] 0 255"),
                ("Relu", "", "bfloat16[2] -1 3", "bfloat16[2] 0 3"),
                ("Relu6", "", "float[4] -1 3 7 NaN", "float[4] 0 3 6 NaN"),
                ("Relu6", "", "half[2,2] -1 5.5 6.5 inf", "half[2,2] 0 5.5 6 6"),
                ("LeakyRelu", "", "float[3] -1 2 NaN", "float[3] -0.2 2 NaN"),
                ("LeakyRelu", "alpha=0.1", "bfloat16[1] -1", "bfloat16[1] -0.1"),
                ("Elu", "", "double[3] -1 0 2", "double[3] -0.6321205588285577 0 2"),
                ("Selu", "", "float[2] -1 1", "float[2] -1.1113307 1.050701"),
                ("Softplus", "", "float[3] -100 0 100", "float[3] 3.7835058e-44 0.6931472 100"),
                ("Softsign", "", "half[2] -3 1", "half[2] -0.75 0.5"),
                (
                    "Relu",
                    "",
                    "qint8[1] 1",
                    "INVALID_ARGUMENT: operator Relu has no kernel for attr T = qint8",
                ),
                ("Softsign", "", "float[0]", "float[0]"),
            ],
        );
    }
}
