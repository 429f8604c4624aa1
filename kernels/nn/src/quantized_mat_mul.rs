//! See [`OPS`].

use std::sync::OnceLock;

use savedmodel_math::gemm::{Gemm, PackedB, View};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Code, DType, Error, PartialShape, Qint8, Qint32, Result, Tensor};

use crate::codes::convolution::weight_scale;
use crate::codes::finish::{Finish, highest};
use crate::codes::sums::{Precision, larger, narrow, scalar, widen};

/// Products of matrices of 8-bit codes, with the steps after them that their names tell, as TensorFlow's oneDNN kernels compute
/// them.
///
/// `input_quant_mode` means something to `QuantizedMatMulWithBiasAndDequantize` alone: for the others images are codes from the smaller
/// end of their range on (`MIN_FIRST`), whatever it says. What that end adds to sums is added to a bias of floats only, and without a
/// scale. Transposition is checked with shapes that are known, but never done. All of that is TensorFlow's.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedMatMulWithBias>
pub const OPS: &[Op] = &[
    Op {
        name: "QuantizedMatMulWithBias",
        inputs: &[
            "a: T1",
            "b: T2",
            "bias: Tbias",
            "min_a: float",
            "max_a: float",
            "min_b: float",
            "max_b: float",
        ],
        attrs: &[
            LEFT,
            RIGHT,
            BIAS,
            "Toutput: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32",
            TRANSPOSE_A,
            TRANSPOSE_B,
            MODE,
        ],
        kernels: Kernels::All(&[UNSIGNED, SIGNED, ANY_BIAS, ("Toutput", &[DType::Qint32])], build),
        ..COMMON
    },
    Op {
        name: "QuantizedMatMulWithBiasAndDequantize",
        outputs: &["out: Toutput"],
        attrs: &[LEFT, RIGHT, BIAS, "Toutput: {float}", TRANSPOSE_A, TRANSPOSE_B, MODE],
        kernels: Kernels::All(&[UNSIGNED, SIGNED, ANY_BIAS, ("Toutput", &[DType::Float])], build),
        ..COMMON
    },
    Op {
        name: "QuantizedMatMulWithBiasAndRelu",
        inputs: &[
            "a: T1",
            "b: T2",
            "bias: float",
            "min_a: float",
            "max_a: float",
            "min_b: float",
            "max_b: float",
        ],
        attrs: &[
            LEFT,
            RIGHT,
            "Toutput: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32",
            TRANSPOSE_A,
            TRANSPOSE_B,
            MODE,
        ],
        kernels: Kernels::All(&[UNSIGNED, SIGNED, ("Toutput", &[DType::Qint32])], build),
        ..COMMON
    },
    Op { name: "QuantizedMatMulWithBiasAndReluAndRequantize", ..COMMON },
    Op { name: "QuantizedMatMulWithBiasAndRequantize", ..COMMON },
];

const COMMON: Op = Op {
    name: "",
    inputs: &[
        "a: T1",
        "b: T2",
        "bias: Tbias",
        "min_a: float",
        "max_a: float",
        "min_b: float",
        "max_b: float",
        "min_freezed_output: float",
        "max_freezed_output: float",
    ],
    outputs: &["out: Toutput", "min_out: float", "max_out: float"],
    attrs: &[
        LEFT,
        RIGHT,
        BIAS,
        "Toutput: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
        TRANSPOSE_A,
        TRANSPOSE_B,
        MODE,
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[UNSIGNED, SIGNED, ANY_BIAS, ("Toutput", &[DType::Quint8])], build),
};

const LEFT: &str = "T1: {qint8, quint8, qint32, qint16, quint16}";
const RIGHT: &str = "T2: {qint8, quint8, qint32, qint16, quint16}";
const BIAS: &str = "Tbias: {float, qint32}";
const TRANSPOSE_A: &str = "transpose_a: bool = false";
const TRANSPOSE_B: &str = "transpose_b: bool = false";
const MODE: &str = "input_quant_mode: {'MIN_FIRST', 'SCALED'} = 'MIN_FIRST'";

type Types = (&'static str, &'static [DType]);
const UNSIGNED: Types = ("T1", &[DType::Quint8]);
const SIGNED: Types = ("T2", &[DType::Qint8]);
const ANY_BIAS: Types = ("Tbias", &[DType::Float, DType::Qint32]);

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let transposed = |name: &str| usize::from(ctx.attr::<bool>(name).unwrap_or_default());
    let (a, b) = (transposed("transpose_a"), transposed("transpose_b"));
    if let (Some(left), Some(right)) = (ctx.input(0).dim(1 - a), ctx.input(1).dim(b))
        && left != right
    {
        return Err(Error::invalid_argument(format!("Dimensions must be equal, but are {left} and {right}")));
    }
    let mut shapes = vec![PartialShape::new([ctx.input(0).dim(0), ctx.input(1).dim(1)])];
    shapes.resize(ctx.outputs, PartialShape::of_rank(0));
    Ok(shapes)
}

enum Packed {
    Single(PackedB<f32>),
    Double(PackedB<f64>),
}

impl Packed {
    fn of(weights: &Tensor, [k, n]: [usize; 2]) -> Result<Packed> {
        Ok(match Precision::of(weights.as_slice::<Qint8>()?, n) {
            Precision::Single => Packed::Single(PackedB::new(k, n, View::new(&widen(weights)?, n))),
            Precision::Double => Packed::Double(PackedB::new(k, n, View::new(&widen(weights)?, n))),
        })
    }

    fn multiply(&self, a: &Tensor, sizes: [usize; 3]) -> Result<Vec<f32>> {
        let [m, k, n] = sizes;
        match self {
            Packed::Single(b) => {
                let mut sums = vec![0.0; m * n];
                Gemm::default().run(sizes, View::new(&widen(a)?, k), b, &mut sums);
                Ok(sums)
            }
            Packed::Double(b) => {
                let mut sums = vec![0.0; m * n];
                Gemm::default().run(sizes, View::new(&widen(a)?, k), b, &mut sums);
                Ok(narrow(&sums))
            }
        }
    }
}

/// The ranges of a call.
struct Ranges {
    a: [f32; 2],
    b: [f32; 2],
    /// Whether codes of `a` count from the smaller end of its range on.
    from_min: bool,
}

impl Ranges {
    fn source(&self) -> f32 {
        let [min, max] = self.a;
        (f64::from(if self.from_min { max - min } else { larger(min, max) }) / 255.0) as f32
    }

    fn weights(&self) -> f32 {
        larger(self.b[0], self.b[1])
    }

    /// The bias as floats.
    fn bias(&self, bias: &Tensor, weights: &Tensor) -> Result<Vec<f32>> {
        let [min, max] = self.a;
        let reach = if self.from_min { max - min } else { max };
        if bias.dtype() != DType::Float {
            // The order tells where an end is NaN.
            let weights = larger(self.b[1], self.b[0]);
            let scale = (255.0 * 127.0 / f64::from(reach * weights)) as f32;
            let float = |code: &Qint32| {
                let code = code.0 as f32;
                if self.from_min { code / scale } else { code * (1.0 / scale) }
            };
            return Ok(bias.as_slice::<Qint32>()?.iter().map(float).collect());
        }
        let mut bias = bias.as_slice::<f32>()?.to_vec();
        if self.from_min && !bias.is_empty() {
            let mut sums = vec![0_i32; bias.len()];
            for row in weights.as_slice::<Qint8>()?.chunks_exact(bias.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, code)| *sum = sum.wrapping_add(code.0.into()));
            }
            let first = 255.0 * min / reach;
            bias.iter_mut().zip(sums).for_each(|(bias, sum)| *bias += sum as f32 * first);
        }
        Ok(bias)
    }

    /// The ends of the range of 32-bit products.
    fn of_products(&self) -> [f32; 2] {
        let level = (self.a[1] - self.a[0]) / 255.0 * ((self.b[1] - self.b[0]) / 254.0);
        [level * i32::MIN as f32, level * i32::MAX as f32]
    }
}

/// Checks that the ends of all ranges are scalars.
fn check_ends(ctx: &Context<'_>) -> Result<()> {
    let ends = ["min_a", "max_a", "min_b", "max_b", "min_freezed_output", "max_freezed_output"];
    for (name, i) in ends.into_iter().zip(3..ctx.input_len()) {
        let rank = ctx.input(i).rank();
        if rank != 0 {
            return Err(Error::invalid_argument(format!("`{name}` must be rank 0 but is rank {rank}")));
        }
    }
    Ok(())
}

/// `[m, k, n]` of a call.
fn sizes(ctx: &Context<'_>) -> Result<[usize; 3]> {
    let (a, b, bias) = (ctx.input(0).shape(), ctx.input(1).shape(), ctx.input(2).shape());
    // What oneDNN makes of a bias of codes is a vector; a bias of floats it takes as it is.
    let is_vector = bias.rank() == 1 || ctx.input(2).dtype() != DType::Float;
    let ranks = [a.rank(), b.rank()] == [2, 2] && is_vector;
    if !ranks || a[0] > 0 && (a[1] != b[0] || b.elements() == 0 || bias.elements() != b[1]) {
        return Err(Error::new(
            Code::Aborted,
            format!("Operation received an exception: can't multiply {a} by {b} and add {bias}"),
        ));
    }
    Ok([a[0], a[1], b[1]])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let relu = node.op().contains("Relu");
    let dtype = node.outputs[0];
    let from_min = dtype != DType::Float || node.attr::<String>("input_quant_mode")? == "MIN_FIRST";
    let packed: Option<OnceLock<Packed>> = node.constant(1).is_some().then(OnceLock::new);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_ends(ctx)?;
        let sizes = sizes(ctx)?;
        let [m, k, n] = sizes;
        let ends = |i: usize| Ok::<_, Error>([scalar(ctx, i)?, scalar(ctx, i + 1)?]);
        let ranges = Ranges { a: ends(3)?, b: ends(5)?, from_min };
        let (source, weights) = (ranges.source(), weight_scale(ranges.weights()));
        let frozen = if ctx.input_len() > 7 { Some(ends(7)?) } else { None };
        let divisor = match (dtype, frozen) {
            (DType::Quint8, Some([min, max])) => (f64::from(larger(min, max)) / 255.0) as f32,
            (DType::Qint32, _) => source * weights,
            _ => 1.0,
        };
        let mut out = ctx.allocate(dtype, [m, n])?;
        if out.elements() > 0 {
            let bias = ranges.bias(ctx.input(2), ctx.input(1))?;
            let factors = vec![source * weights];
            let finish = Finish { factors, bias, summand: None, relu, divisor, highest: highest(dtype) };
            let b = ctx.input(1);
            let sums = match packed.as_ref().and_then(OnceLock::get) {
                Some(packed) => packed.multiply(ctx.input(0), sizes)?,
                None => {
                    let made = Packed::of(b, [k, n])?;
                    let sums = made.multiply(ctx.input(0), sizes)?;
                    packed.as_ref().map(|packed| packed.set(made)).transpose().unwrap_or_default();
                    sums
                }
            };
            finish.run(sums, n, &mut out)?;
        }
        ctx.set(0, out);
        if dtype != DType::Float {
            let [min, max] = frozen.unwrap_or_else(|| ranges.of_products());
            ctx.set(1, Tensor::scalar(min));
            ctx.set(2, Tensor::scalar(max));
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let whole = "QuantizedMatMulWithBiasAndDequantize";
        let (codes, ends) = (
            "quint8[1,2] 10 200; qint8[2,2] 3 -4 1 2",
            "float[] -1; float[] 1.55; float[] -1.27; float[] 1.27",
        );
        let leak = |text: String| -> &'static str { text.leak() };
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    whole,
                    "input_quant_mode=SCALED Toutput=float",
                    leak(format!("{codes}; float[2] 0.5 1; {ends}; float[] 0; float[] 1")),
                    "float[1,2] 0.5139804 1.0218823",
                ),
                (
                    whole,
                    "Toutput=float",
                    leak(format!("{codes}; float[2] 0.5 1; {ends}; float[] 0; float[] 1")),
                    "float[1,2] -399.477 201.036",
                ),
                (
                    "QuantizedMatMulWithBiasAndReluAndRequantize",
                    "",
                    leak(format!("{codes}; qint32[2] 1000 -1000; {ends}; float[] 0; float[] 0.255")),
                    "quint8[1,2] 123 0; float[] 0; float[] 0.255",
                ),
                (
                    "QuantizedMatMulWithBias",
                    "Toutput=qint32",
                    leak(format!("{codes}; qint32[3] 1 2 3; {ends}")),
                    "ABORTED: Operation received an exception",
                ),
                (
                    "QuantizedMatMulWithBias",
                    "Toutput=qint32",
                    leak(format!("quint8[2] 1 2; qint8[2,2] 3 -4 1 2; qint32[2] 1 2; {ends}")),
                    "ABORTED: Operation received an exception",
                ),
            ],
        );
    }
}
