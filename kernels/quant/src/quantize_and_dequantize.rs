//! See [`OPS`].

use num_traits::Float;
use savedmodel_math::map;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype, shape};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Tensor};

use crate::code::Slices;

/// Rounds floats to the values that codes of `num_bits` can have, with zero in place.
///
/// The range is given, or that of the input, each for all or for every slice along `axis`; it is widened on one side so
/// that it is symmetric (signed) or begins at zero. The versions differ in how `num_bits` and the range are given;
/// `V2` and `V4` take a range only for all, as in TensorFlow.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizeAndDequantizeV2>
pub const OPS: &[Op] = &[
    Op {
        name: "QuantizeAndDequantize",
        inputs: &["input: T"],
        attrs: &[
            SIGNED,
            "num_bits: int = 8",
            "range_given: bool = false",
            "input_min: float = 0.0",
            "input_max: float = 0.0",
            T,
        ],
        ..V2
    },
    V2,
    Op {
        name: "QuantizeAndDequantizeV3",
        inputs: &["input: T", "input_min: T", "input_max: T", "num_bits: int32"],
        attrs: &[SIGNED, "range_given: bool = true", T, NARROW, AXIS],
        ..V2
    },
    Op { name: "QuantizeAndDequantizeV4", ..V2 },
];

const V2: Op = Op {
    name: "QuantizeAndDequantizeV2",
    inputs: &["input: T", "input_min: T", "input_max: T"],
    outputs: &["output: T"],
    attrs: &[
        SIGNED,
        "num_bits: int = 8",
        "range_given: bool = false",
        T,
        "round_mode: {'HALF_TO_EVEN', 'HALF_UP'} = 'HALF_TO_EVEN'",
        NARROW,
        AXIS,
    ],
    effect: Effect::Pure,
    shape: with_limits,
    kernels: by_dtype!("T"; build: f32 f64),
};

/// The shape of the input; limits are numbers, or vectors when there is an axis.
fn with_limits(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let axis = ctx.attr::<i64>("axis").unwrap_or(-1);
    let wanted = usize::from(axis != -1);
    let ranks = [1, 2].map(|i| ctx.input(i).rank());
    if let Some(rank) = ranks.into_iter().flatten().find(|&rank| rank != wanted) {
        return Err(Error::invalid_argument(format!("Shape must be rank {wanted} but is rank {rank}")));
    }
    shape::unchanged(ctx)
}

const SIGNED: &str = "signed_input: bool = true";
const T: &str = "T: {bfloat16, half, float, double}";
const NARROW: &str = "narrow_range: bool = false";
const AXIS: &str = "axis: int = -1";

/// What a node asks for.
struct Rounding {
    signed: bool,
    /// None if it is an input.
    bits: Option<i64>,
    given: Given,
    half_up: bool,
    narrow: bool,
    axis: Option<usize>,
}

/// Where the range comes from.
enum Given {
    /// The input itself.
    Nowhere,
    /// Attributes.
    Attributes(f32, f32),
    /// Inputs 1 and 2, which must be scalars unless they may be slices.
    Inputs { slices: bool },
}

fn build<T: Element + Float>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let rounding = Rounding::of(node)?;
    if let Some(bits) = rounding.bits {
        rounding.check_bits(bits, "signed_input_")?;
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let bits = match rounding.bits {
            Some(bits) => bits,
            None => rounding.bits_of(ctx.input(3))?,
        };
        let out = rounding.compute::<T>(ctx, bits)?;
        ctx.set(0, out);
        Ok(())
    }))
}

impl Rounding {
    fn of(node: &Construction<'_>) -> Result<Rounding> {
        let optional = |name: &str| node.attrs().get(name).is_some();
        let axis: i64 = if optional("axis") { node.attr("axis")? } else { -1 };
        if axis < -1 {
            return Err(Error::invalid_argument(format!("axis should be at least -1, got {axis}")));
        }
        let bits = if optional("num_bits") { Some(node.attr("num_bits")?) } else { None };
        let given = if !node.attr::<bool>("range_given")? {
            Given::Nowhere
        } else if optional("input_min") {
            let (min, max): (f32, f32) = (node.attr("input_min")?, node.attr("input_max")?);
            if min > max || min.is_nan() || max.is_nan() {
                return Err(bad_range(min, max));
            }
            Given::Attributes(min, max)
        } else {
            Given::Inputs { slices: bits.is_none() }
        };
        Ok(Rounding {
            signed: node.attr("signed_input")?,
            bits,
            given,
            half_up: optional("round_mode") && node.attr::<String>("round_mode")? == "HALF_UP",
            narrow: optional("narrow_range") && node.attr::<bool>("narrow_range")?,
            axis: usize::try_from(axis).ok(),
        })
    }

    fn check_bits(&self, bits: i64, name: &str) -> Result<()> {
        if bits <= 0 || bits >= if self.signed { 62 } else { 63 } {
            return Err(Error::invalid_argument(format!(
                "num_bits is out of range: {bits} with {name} {}",
                u8::from(self.signed)
            )));
        }
        Ok(())
    }

    fn bits_of(&self, bits: &Tensor) -> Result<i64> {
        if bits.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "Invalid shape. The `num_bits` tensor should be a scalar. Got dimensions: {}",
                bits.rank()
            )));
        }
        let bits = bits.to_i64s()?[0];
        self.check_bits(bits, "`signed_input_`")?;
        Ok(bits)
    }

    fn compute<T: Element + Float>(&self, ctx: &Context<'_>, bits: i64) -> Result<Tensor> {
        let input = ctx.input(0);
        // TensorFlow's third version takes no scalars.
        if self.axis.map_or(self.bits.is_none() && input.rank() == 0, |axis| axis >= input.rank()) {
            return Err(Error::invalid_argument(format!(
                "Axis requested is larger than input dimensions. Axis: {} Input Dimensions: {}",
                self.axis.map_or(-1, |axis| axis as i64),
                input.rank()
            )));
        }
        let slices = Slices::of(input.shape(), self.axis);
        let data = input.as_slice::<T>()?;
        let ranges = self.ranges::<T>(ctx, slices, data)?;
        let scales: Vec<Scale<T>> = ranges.iter().map(|&range| self.scale(bits, range)).collect();
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        let clamps = !matches!(self.given, Given::Nowhere);
        let half = T::from(0.5).unwrap_or_else(T::zero);
        slices.each(data, out.as_mut_slice::<T>()?, |slice, src, dst| {
            let Scale { min, max, scale, inverse } = scales[slice];
            let clamp = move |x: T| {
                let x = if clamps && x > max { max } else { x };
                if clamps && x < min { min } else { x }
            };
            if self.half_up {
                map::map(src, dst, 1.0, move |x| (clamp(x) * scale + half).floor() * inverse);
            } else {
                map::map(src, dst, 1.0, move |x| half_to_even(clamp(x) * scale) * inverse);
            }
        });
        Ok(out)
    }

    /// The range of every slice.
    fn ranges<T: Element + Float>(
        &self,
        ctx: &Context<'_>,
        slices: Slices,
        data: &[T],
    ) -> Result<Vec<[T; 2]>> {
        let of = |v: f32| T::from(v).unwrap_or_else(T::zero);
        let may_slice = match self.given {
            Given::Nowhere => return Ok(extremes(slices, data)),
            Given::Attributes(min, max) => return Ok(vec![[of(min), of(max)]; slices.count]),
            Given::Inputs { slices } => slices,
        };
        let mut limits = Vec::new();
        for (i, name) in [(1, "input_min"), (2, "input_max")] {
            let limit = ctx.input(i);
            if !may_slice && limit.rank() != 0 {
                return Err(Error::invalid_argument(format!("{name} must be a scalar.")));
            }
            if let Some(axis) = self.axis.filter(|_| limit.rank() != 1) {
                return Err(Error::invalid_argument(format!(
                    "Shape must be rank 1 for {name}_tensor when the axis is specified, which is {axis}"
                )));
            }
            if limit.elements() != slices.count {
                return Err(Error::invalid_argument(format!(
                    "{name}_tensor has incorrect size, was {} expected {} to match dim {} of the input {}",
                    limit.elements(),
                    slices.count,
                    self.axis.map_or(-1, |axis| axis as i64),
                    limit.shape()
                )));
            }
            limits.push(limit.as_slice::<T>()?);
        }
        let ranges: Vec<[T; 2]> = limits[0].iter().zip(limits[1]).map(|(&min, &max)| [min, max]).collect();
        match ranges.iter().find(|[min, max]| min > max || min.is_nan() || max.is_nan()) {
            Some(&[min, max]) if self.axis.is_none() => Err(bad_range(
                min.to_f64().unwrap_or_default() as f32,
                max.to_f64().unwrap_or_default() as f32,
            )),
            _ => Ok(ranges),
        }
    }

    /// The widest scale for which the range fits the codes, with zero in place.
    fn scale<T: Float>(&self, bits: i64, [min, max]: [T; 2]) -> Scale<T> {
        let one = 1_i64 << (bits - i64::from(self.signed));
        let lowest = if self.signed { i64::from(self.narrow) - one } else { 0 };
        let of = |v: i64| T::from(v).unwrap_or_else(T::zero);
        let (lowest, highest) = (of(lowest), of(one - 1));
        let side = |code: T, limit: T| if code * limit > T::zero() { code / limit } else { T::max_value() };
        let (below, above) = (side(lowest, min), side(highest, max));
        if below < above {
            let inverse = min / lowest;
            Scale { min, max: highest * inverse, scale: below, inverse }
        } else {
            let inverse = max / highest;
            Scale { min: lowest * inverse, max, scale: above, inverse }
        }
    }
}

fn bad_range(min: f32, max: f32) -> Error {
    Error::invalid_argument(format!("Invalid range: input_min {min} > input_max {max}"))
}

#[derive(Clone, Copy)]
struct Scale<T> {
    min: T,
    max: T,
    scale: T,
    inverse: T,
}

fn extremes<T: Float>(slices: Slices, data: &[T]) -> Vec<[T; 2]> {
    let mut ranges = vec![[T::infinity(), T::neg_infinity()]; slices.count];
    slices.each(data, &mut vec![(); data.len()], |slice, src, _| {
        let [min, max] = &mut ranges[slice];
        for &x in src {
            *min = min.min(x);
            *max = max.max(x);
        }
    });
    ranges
}

fn half_to_even<T: Float>(x: T) -> T {
    let rounded = x.round();
    let two = T::one() + T::one();
    let is_tie = (x - x.trunc()).abs() * two == T::one();
    if is_tie && (rounded / two).fract() != T::zero() { x.trunc() } else { rounded }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "float[7] -1.007874 -1 -0.503937 0 0.1023622 0.503937 1",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=false",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "float[7] -6.992126 -1.007874 -0.503937 0 0.1259843 0.503937 8",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true signed_input=false num_bits=4",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "float[7] 0 0 0 0 0.1333333 0.5333334 1",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true narrow_range=true round_mode=HALF_UP num_bits=3",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 3",
                    "float[7] -3 -1 0 0 0 1 3",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true axis=1 num_bits=4",
                    "float[2,2] 1 2 0.3 -0.7; float[2] -1 0; float[2] 1 5",
                    "INVALID_ARGUMENT: input_min must be a scalar.",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=false axis=0 num_bits=4",
                    "double[2,2] 1 2 0.3 -0.7; double[2] -1 0; double[2] 1 5",
                    "double[2,2] 1.1428571428571428 2 0.26249999999999996 -0.7",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "num_bits=0",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: num_bits is out of range: 0 with signed_input_ 1",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "num_bits=62 signed_input=false",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "axis=1",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: Axis requested is larger",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "axis=-2",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: axis should be at least -1, got -2",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true",
                    "float[0]; float[] -1; float[] 1",
                    "float[0]",
                ),
                ("QuantizeAndDequantizeV2", "", "float[0]; float[] -1; float[] 1", "float[0]"),
                ("QuantizeAndDequantizeV2", "", "float[2] 0 0; float[] -1; float[] 1", "float[2] 0 0"),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true",
                    "float[2] NaN inf; float[] -1; float[] 1",
                    "float[2] NaN 1",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "",
                    "float[3] NaN 1 -2; float[] -1; float[] 1",
                    "float[3] NaN 1 -2",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[1] -1; float[1] 1",
                    "INVALID_ARGUMENT: input_min must be a scalar.",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "range_given=true",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1; int32[] 4",
                    "float[7] -1.142857 -1 -0.5714286 0 0.1428571 0.5714286 1",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "range_given=false axis=0",
                    "float[2,2] 1 2 0.3 -0.7; float[2] -1 0; float[2] 1 5; int32[] 4",
                    "float[2,2] 1.142857 2 0.2625 -0.7",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1; int32[] 0",
                    "INVALID_ARGUMENT: num_bits is out of range: 0 with `signed_input_` 1",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1; int32[1] 8",
                    "INVALID_ARGUMENT: Invalid shape. The `num_bits` tensor should be a scalar. Got dimensions: 1",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 1; float[] -1; int32[] 8",
                    "INVALID_ARGUMENT: Invalid range: input_min 1 > input_max -1",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=true axis=0",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: Shape must be rank 1 for input_min_tensor when the axis is specified",
                ),
                (
                    "QuantizeAndDequantizeV2",
                    "range_given=false axis=0",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[7] -1 2 3 4 5 6 7; float[7] 1 2 3 4 5 6 7",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8",
                ),
                (
                    "QuantizeAndDequantizeV4",
                    "range_given=true axis=0",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: Shape must be rank 1 for input_min_tensor when the axis is specified",
                ),
                (
                    "QuantizeAndDequantizeV4",
                    "range_given=true axis=0",
                    "float[2] 1 2; float[2] -1 -1; float[2] 1 1",
                    "INVALID_ARGUMENT: input_min must be a scalar.",
                ),
                (
                    "QuantizeAndDequantizeV4",
                    "range_given=false axis=0",
                    "float[2] 1 2; float[2] -1 -1; float[2] 1 1",
                    "float[2] 1 2",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "range_given=true axis=0",
                    "float[2] 1 2; float[2] -1 -1; float[2] 1 1; int32[] 8",
                    "float[2] 1 1",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "range_given=true axis=0",
                    "float[2,2] 1 2 3 4; float[2] -1 -1; float[2] 2 3; int32[] 3",
                    "float[2,2] 1.333333 2 3 3",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "range_given=true axis=1",
                    "float[2,2] 1 2 3 4; float[2] -1 -1; float[2] 2 3; int32[] 3",
                    "float[2,2] 1.333333 2 2 3",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "range_given=true axis=1",
                    "float[2,2] 1 2 3 4; float[2] -1 3; float[2] 2 -3; int32[] 3",
                    "float[2,2] 1.333333 -inf 2 -inf",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "range_given=true",
                    "float[2,2] 1 2 3 4; float[] -1; float[] 2; int32[] 3",
                    "float[2,2] 1.333333 2 2 2",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "axis=3",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] 1; float[] 2; int32[] 8",
                    "INVALID_ARGUMENT: Axis requested is larger than input dimensions. Axis: 3 Input Dimensions: 1",
                ),
                (
                    "QuantizeAndDequantizeV3",
                    "axis=0",
                    "float[] 3; float[] 1; float[] 2; int32[] 8",
                    "INVALID_ARGUMENT: Axis requested is larger than input dimensions. Axis: 0 Input Dimensions: 0",
                ),
                (
                    "QuantizeAndDequantizeV4",
                    "range_given=true",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8; float[] -1; float[] 1",
                    "float[7] -1.007874 -1 -0.503937 0 0.1023622 0.503937 1",
                ),
                (
                    "QuantizeAndDequantize",
                    "range_given=true input_min=-1.0 input_max=1.0",
                    "float[7] -7 -1 -0.5 0 0.1 0.5 8",
                    "float[7] -1.007874 -1 -0.503937 0 0.1023622 0.503937 1",
                ),
            ],
        );
    }
}
