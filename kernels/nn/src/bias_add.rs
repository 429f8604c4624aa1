//! See [`OPS`].

use savedmodel_math::map::{self, CHEAP};
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Element, Error, PartialShape, Result, Shape, bf16, f16};

/// Adds a vector along the channels: the last dimension, or dimension 1 in `NCHW`.
///
/// Integers wrap.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BiasAdd>
pub const OPS: &[Op] = &[
    Op {
        name: "BiasAdd",
        inputs: &["value: T", "bias: T"],
        outputs: &["output: T"],
        attrs: &[T, "data_format: {'NHWC', 'NCHW'} = 'NHWC'"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64),
    },
    Op {
        name: "BiasAddV1",
        inputs: &["value: T", "bias: T"],
        outputs: &["output: T"],
        attrs: &[T],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 Complex32 Complex64),
    },
];

const T: &str = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, \
                 qint16, quint16, uint16, complex128, half, uint32, uint64}";

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.input(0)])
}

/// An element type that sums.
trait Sum: Element {
    /// `out[i] = a[i] + b[i]`, or `a[i] + b[0]` for a single `b`.
    fn add(a: &[Self], b: &[Self], out: &mut [Self]);
    /// `out[i] = out[i] + b[i]`, or `out[i] + b[0]` for a single `b`.
    fn add_in_place(out: &mut [Self], b: &[Self]);
}

macro_rules! sums {
    ($($t:ty: |$x:ident, $y:ident| $sum:expr;)*) => {$(
        impl Sum for $t {
            fn add(a: &[$t], b: &[$t], out: &mut [$t]) {
                match b {
                    [$y] => {
                        let $y = *$y;
                        map::map(a, out, CHEAP, move |$x: $t| $sum);
                    }
                    _ => map::zip(a, b, out, CHEAP, |$x: $t, $y: $t| $sum),
                }
            }
            fn add_in_place(out: &mut [$t], b: &[$t]) {
                match b {
                    [$y] => {
                        let $y = *$y;
                        map::map_in_place(out, CHEAP, move |$x: $t| $sum);
                    }
                    _ => map::zip_in_place(out, b, CHEAP, |$x: $t, $y: $t| $sum),
                }
            }
        }
    )*};
}

sums! {
    f32: |x, y| x + y; f64: |x, y| x + y;
    i8: |x, y| x.wrapping_add(y); i16: |x, y| x.wrapping_add(y);
    i32: |x, y| x.wrapping_add(y); i64: |x, y| x.wrapping_add(y);
    u8: |x, y| x.wrapping_add(y); u16: |x, y| x.wrapping_add(y);
    u32: |x, y| x.wrapping_add(y); u64: |x, y| x.wrapping_add(y);
    Complex32: |x, y| x + y; Complex64: |x, y| x + y;
}

macro_rules! narrow {
    ($($t:ty)*) => {$(
        impl Sum for $t {
            fn add(a: &[$t], b: &[$t], out: &mut [$t]) {
                match b {
                    [y] => {
                        let y = y.to_f32();
                        map::map_narrow(a, out, CHEAP, move |x| x + y);
                    }
                    _ => map::zip_narrow(a, b, out, CHEAP, |x, y| x + y),
                }
            }
            fn add_in_place(out: &mut [$t], b: &[$t]) {
                let a = out.to_vec();
                Self::add(&a, b, out);
            }
        }
    )*};
}

narrow! { f16 bf16 }

/// Elements worth a call.
const PIECE: usize = 2048;

fn build<T: Sum>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let channels_first = node.op() == "BiasAdd" && node.attr::<String>("data_format")? == "NCHW";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape().clone();
        let inner = check(&shape, ctx.input(1).shape(), channels_first)?;
        let out = match ctx.forward(0, T::DTYPE, &shape) {
            Some(mut out) => {
                let bias = ctx.input(1).as_slice::<T>()?;
                pieces(out.as_mut_slice()?, bias, inner, |_, bias, out| T::add_in_place(out, bias));
                out
            }
            None => {
                let mut out = ctx.allocate(T::DTYPE, shape)?;
                let (value, bias) = (ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?);
                pieces(out.as_mut_slice()?, bias, inner, |start, bias, out| {
                    T::add(&value[start..start + out.len()], bias, out);
                });
                out
            }
        };
        ctx.set(0, out);
        Ok(())
    }))
}

/// The number of elements that lie between two channels.
fn check(value: &Shape, bias: &Shape, channels_first: bool) -> Result<usize> {
    if value.rank() < 2 {
        return Err(Error::invalid_argument(format!("Input tensor must be at least 2D: {value}")));
    }
    if bias.rank() != 1 {
        return Err(Error::invalid_argument(format!("Biases must be 1D: {bias}")));
    }
    let axis = if channels_first { 1 } else { value.rank() - 1 };
    if value[axis] != bias[0] {
        return Err(Error::invalid_argument(format!(
            "Must provide as many biases as the last dimension of the input tensor: {bias} vs. {value}"
        )));
    }
    Ok(value[axis + 1..].iter().product())
}

/// Calls `add(start, bias, out)` on pieces of `out` that have one channel, or a bias for every element.
fn pieces<T: Element>(out: &mut [T], bias: &[T], inner: usize, add: impl Fn(usize, &[T], &mut [T]) + Sync) {
    if bias.len() <= 1 {
        return add(0, bias, out);
    }
    let repeated = if inner == 1 { bias.repeat(PIECE.div_ceil(bias.len())) } else { Vec::new() };
    let piece = if inner == 1 { repeated.len() } else { inner };
    let grain = piece * (par::grain(CHEAP) / piece.max(1)).max(1);
    par::for_chunks_mut(out, grain, |offset, out| {
        for (i, out) in out.chunks_mut(piece.max(1)).enumerate() {
            let start = offset + i * piece;
            let channel = start / inner % bias.len();
            let bias = if inner == 1 { &repeated[..out.len()] } else { &bias[channel..=channel] };
            add(start, bias, out);
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("BiasAdd", "", "float[2,2] 1 2 3 4; float[2] 10 20", "float[2,2] 11 22 13 24"),
                ("BiasAdd", "", "int8[1,1] 127; int8[1] 1", "int8[1,1] -128"),
                (
                    "BiasAdd",
                    "data_format=NCHW",
                    "half[1,2,2] 1 2 3 4; half[2] 10 20",
                    "half[1,2,2] 11 12 23 24",
                ),
                (
                    "BiasAdd",
                    "data_format=NCHW",
                    "int64[2,2] 1 2 3 4; int64[2] 10 20",
                    "int64[2,2] 11 22 13 24",
                ),
                ("BiasAddV1", "", "complex64[1,1] 1+1i; complex64[1] 0-1i", "complex64[1,1] 1+0i"),
                ("BiasAdd", "", "float[0,2]; float[2] 1 2", "float[0,2]"),
                ("BiasAdd", "data_format=NCHW", "float[1,0,3]; float[0]", "float[1,0,3]"),
                (
                    "BiasAdd",
                    "",
                    "float[1,2] 1 2; float[1] 1",
                    "INVALID_ARGUMENT: Must provide as many biases as the last dimension of the input tensor: [1] vs. \
                     [1,2]",
                ),
                (
                    "BiasAdd",
                    "",
                    "float[1] 1; float[1] 1",
                    "INVALID_ARGUMENT: Input tensor must be at least 2D: [1]",
                ),
                ("BiasAdd", "", "float[1,1] 1; float[1,1] 1", "INVALID_ARGUMENT: Biases must be 1D: [1,1]"),
            ],
        );
    }
}
