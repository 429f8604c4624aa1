//! See [`OP`].

use savedmodel_math::lane::{round_away, truncate_i32, truncate_i64};
use savedmodel_math::map;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Qint8, Qint16, Qint32, Quint8, Quint16, Result, Shape, Tensor};

use crate::code::{Code, Slices, half_range};

/// Turns floats into codes over a range, and tells the range that the codes have.
///
/// The range always contains zero and is never narrower than `ensure_minimum_range`. `MIN_COMBINED` maps it onto all
/// codes, `MIN_FIRST` so that zero is a code, `SCALED` symmetrically around zero. NaN becomes what the processor makes of
/// it.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizeV2>
pub const OP: Op = Op {
    name: "QuantizeV2",
    inputs: &["input: float", "min_range: float", "max_range: float"],
    outputs: &["output: T", "output_min: float", "output_max: float"],
    attrs: &[
        "T: {qint8, quint8, qint32, qint16, quint16}",
        "mode: {'MIN_COMBINED', 'MIN_FIRST', 'SCALED'} = 'MIN_COMBINED'",
        "round_mode: {'HALF_AWAY_FROM_ZERO', 'HALF_TO_EVEN'} = 'HALF_AWAY_FROM_ZERO'",
        "narrow_range: bool = false",
        "axis: int = -1",
        "ensure_minimum_range: float = 0.009999999776482582",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: Qint8 Quint8 Qint16 Quint16 Qint32),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let limit = match ctx.attr::<i64>("axis").map(usize::try_from) {
        Some(Ok(axis)) => match input.dim(axis) {
            Some(1) => PartialShape::of_rank(0),
            Some(size) => PartialShape::new([Some(size)]),
            None => PartialShape::unknown(),
        },
        _ => PartialShape::of_rank(0),
    };
    Ok(vec![input, limit.clone(), limit])
}

/// How the range is laid onto the codes.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    MinCombined,
    MinFirst,
    Scaled,
}

struct Quantize {
    mode: Mode,
    to_even: bool,
    narrow: bool,
    axis: Option<usize>,
    least: f32,
}

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let mode: String = node.attr("mode")?;
    let quantize = Quantize {
        mode: match mode.as_str() {
            "MIN_COMBINED" => Mode::MinCombined,
            "MIN_FIRST" => Mode::MinFirst,
            _ => Mode::Scaled,
        },
        to_even: node.attr::<String>("round_mode")? == "HALF_TO_EVEN",
        narrow: node.attr("narrow_range")?,
        axis: axis(node)?,
        least: node.attr("ensure_minimum_range")?,
    };
    if quantize.to_even && quantize.mode != Mode::Scaled {
        return Err(Error::invalid_argument(format!(
            "Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED', but mode is '{mode}'."
        )));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let outputs = quantize.compute::<T>(ctx)?;
        for (i, output) in outputs.into_iter().enumerate() {
            ctx.set(i, output);
        }
        Ok(())
    }))
}

/// The attribute `axis`: none for -1.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is less.
pub fn axis(node: &Construction<'_>) -> Result<Option<usize>> {
    match node.attr::<i64>("axis")? {
        -1 => Ok(None),
        axis => usize::try_from(axis)
            .map(Some)
            .map_err(|_| Error::invalid_argument(format!("axis should be at least -1, got {axis}"))),
    }
}

impl Quantize {
    fn compute<T: Code>(&self, ctx: &Context<'_>) -> Result<[Tensor; 3]> {
        let input = ctx.input(0);
        self.check(ctx, input.shape())?;
        let slices = Slices::of(input.shape(), self.axis);
        if self.mode == Mode::MinFirst && slices.count != 1 {
            return Err(Error::unimplemented(
                "MIN_FIRST mode is not implemented for Quantize with axis != -1.",
            ));
        }
        let limits = ctx.input(1).as_slice::<f32>()?.iter().zip(ctx.input(2).as_slice::<f32>()?);
        let ranges = limits.map(|(&min, &max)| self.range(min, max)).collect::<Result<Vec<_>>>()?;
        let ranges: Vec<[f32; 3]> = ranges.into_iter().map(|range| self.scale::<T>(range)).collect();
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        slices.each(input.as_slice::<f32>()?, out.as_mut_slice::<T>()?, |slice, src, dst| {
            self.slice(ranges[slice], src, dst);
        });
        let limit = |i: usize| {
            let values = ranges.iter().map(|range| range[i]).collect();
            Tensor::from_vec(
                if slices.count == 1 { Shape::scalar() } else { Shape::from([slices.count]) },
                values,
            )
        };
        Ok([out, limit(0)?, limit(1)?])
    }

    fn check(&self, ctx: &Context<'_>, input: &Shape) -> Result<()> {
        if let Some(axis) = self.axis.filter(|&axis| axis >= input.rank()) {
            return Err(Error::invalid_argument(format!(
                "Axis is on a zero-based index, so its value must always be less than number of input's dims, but \
                 given axis value was {axis} and input's dims was {}",
                input.rank()
            )));
        }
        for (i, name) in [(1, "min_range"), (2, "max_range")] {
            let limit = ctx.input(i);
            match self.axis {
                Some(axis) if limit.rank() != 1 || limit.elements() != input[axis] => {
                    return Err(Error::invalid_argument(format!(
                        "If axis is specified, {name} must be a 1-D tensor whose size matches the axis dimension of the \
                         input and output tensors, but {name} is a {}-D tensor of size {} and input's axis dimension \
                         is of size {}",
                        limit.rank(),
                        limit.elements(),
                        input[axis]
                    )));
                }
                None if limit.elements() != 1 => {
                    return Err(Error::invalid_argument(format!(
                        "If axis is not specified, {name} must contain a single float element, but it contains {} \
                         elements",
                        limit.elements()
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The range, with zero in it and wide enough.
    fn range(&self, min: f32, max: f32) -> Result<[f32; 2]> {
        if max < min {
            return Err(Error::invalid_argument("input_max_range must be larger than input_min_range."));
        }
        let least = larger(1.0, larger(min.abs(), max.abs())) * self.least;
        let low = if min < 0.0 { min } else { 0.0 };
        Ok([low, larger(0.0, larger(max, low + least))])
    }

    /// The range that the codes have, and how many codes there are to one.
    fn scale<T: Code>(&self, [min, max]: [f32; 2]) -> [f32; 3] {
        match self.mode {
            Mode::MinCombined => {
                let codes = f64::from(T::HIGHEST) - f64::from(T::LOWEST);
                [min, max, (codes / f64::from(max - min)) as f32]
            }
            Mode::MinFirst => {
                let steps = 2_f64.powi(T::BITS as i32) - 1.0;
                [min, max, if max == min { 0.0 } else { (steps / f64::from(max - min)) as f32 }]
            }
            Mode::Scaled => {
                let lowest = T::LOWEST as f32 + if self.narrow { 1.0 } else { 0.0 };
                let highest = T::HIGHEST as f32;
                let side = |code: f32, limit: f32| if code * limit > 0.0 { code / limit } else { f32::MAX };
                let (below, above) = (side(lowest, min), side(highest, max));
                let scale = if above < below { above } else { below };
                [lowest / scale, highest / scale, scale]
            }
        }
    }

    fn slice<T: Code>(&self, [min, max, scale]: [f32; 3], src: &[f32], dst: &mut [T]) {
        let clamp = move |x: f32| {
            let x = if x > max { max } else { x };
            if x < min { min } else { x }
        };
        let half = half_range::<T>();
        match self.mode {
            Mode::MinCombined if T::LOWEST == 0 => {
                map::map(src, dst, map::CHEAP, move |x| wrap::<T>((clamp(x) - min) * scale + 0.5));
            }
            Mode::MinCombined => {
                map::map(src, dst, map::CHEAP, move |x| {
                    wrap::<T>(round_away((clamp(x) - min) * scale - half))
                });
            }
            Mode::MinFirst => {
                let first = (min * scale).round() - T::LOWEST as f32;
                let (low, high) = (T::LOWEST as f32, (T::HIGHEST as f32).min(2_147_483_520.0));
                map::map(src, dst, map::CHEAP, move |x| {
                    let code = round_away(x * scale) - first;
                    let code = if code < low { low } else { code };
                    T::of(truncate_i32(if code > high { high } else { code }))
                });
            }
            Mode::Scaled if self.to_even => {
                map::map(src, dst, map::CHEAP, move |x| wrap::<T>((clamp(x) * scale).round_ties_even()));
            }
            Mode::Scaled => map::map(src, dst, map::CHEAP, move |x| wrap::<T>(round_away(clamp(x) * scale))),
        }
    }
}

/// As `std::max` of C++: the first unless it is less.
fn larger(a: f32, b: f32) -> f32 {
    if a < b { b } else { a }
}

/// The low bits of the integer part in 64 bits, where what is out of range or NaN has none.
#[inline(always)]
fn wrap<T: Code>(x: f32) -> T {
    T::of(match T::BITS {
        // Numbers on the range of so few codes fit, and nothing is left of what NaN becomes.
        ..=16 => truncate_i32(x),
        _ if x.abs() < 9.223_372e18 => truncate_i64(x.into()) as i32,
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "QuantizeV2",
                    "T=quint8",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "quint8[9] 0 0 64 128 140 190 191 255 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint8 mode=MIN_FIRST",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "quint8[9] 0 0 64 128 141 190 192 255 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint8 mode=SCALED",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "quint8[9] 0 0 0 0 26 125 128 255 0; float[] 0; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint8 mode=SCALED round_mode=HALF_TO_EVEN narrow_range=true",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 3",
                    "quint8[9] 1 1 1 1 8 42 42 255 0; float[] 0.01176471; float[] 3",
                ),
                (
                    "QuantizeV2",
                    "T=qint8",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint8[9] -128 -128 -64 -1 12 62 63 127 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 mode=MIN_FIRST",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint8[9] -128 -128 -64 0 13 62 64 127 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 mode=SCALED",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint8[9] -128 -127 -64 0 13 62 64 127 0; float[] -1.007874; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 mode=SCALED round_mode=HALF_TO_EVEN narrow_range=true",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 3",
                    "qint8[9] -127 -42 -21 0 4 21 21 127 0; float[] -3; float[] 3",
                ),
                (
                    "QuantizeV2",
                    "T=quint16",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "quint16[9] 0 0 16384 32768 36044 48824 49151 65535 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint16 mode=MIN_FIRST",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "quint16[9] 0 0 16384 32768 36045 48824 49152 65535 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint16 mode=SCALED",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "quint16[9] 0 0 0 0 6554 32112 32768 65535 0; float[] 0; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint16 mode=SCALED round_mode=HALF_TO_EVEN narrow_range=true",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 3",
                    "quint16[9] 1 1 1 1 2184 10704 10922 65535 0; float[] 4.577707e-05; float[] 3",
                ),
                (
                    "QuantizeV2",
                    "T=qint16",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint16[9] -32768 -32768 -16384 -1 3276 16056 16383 32767 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint16 mode=MIN_FIRST",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint16[9] -32768 -32768 -16384 0 3277 16056 16384 32767 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint16 mode=SCALED",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint16[9] -32768 -32767 -16384 0 3277 16056 16384 32767 0; float[] -1.000031; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint16 mode=SCALED round_mode=HALF_TO_EVEN narrow_range=true",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 3",
                    "qint16[9] -32767 -10922 -5461 0 1092 5352 5461 32767 0; float[] -3; float[] 3",
                ),
                (
                    "QuantizeV2",
                    "T=qint32",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint32[9] -2147483648 -2147483648 -1073741824 0 214748416 1052267008 1073741824 -2147483648 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint32 mode=MIN_FIRST",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint32[9] -2147483648 -2147483648 -1073741824 0 214748368 1052267008 1073741824 2147483520 -2147483648; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint32 mode=SCALED",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "qint32[9] -2147483648 -2147483648 -1073741824 0 214748368 1052267008 1073741824 -2147483648 0; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint32 mode=SCALED round_mode=HALF_TO_EVEN narrow_range=true",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 3",
                    "qint32[9] -2147483648 -715827904 -357913952 0 71582792 350755680 357913952 -2147483648 0; float[] -3; float[] 3",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 mode=SCALED",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] 0; float[] 0",
                    "qint8[9] -128 -128 -128 0 127 127 127 127 0; float[] -0.01007874; float[] 0.01",
                ),
                (
                    "QuantizeV2",
                    "T=quint8",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] 1; float[] 3",
                    "quint8[9] 0 0 0 0 9 42 43 255 0; float[] 0; float[] 3",
                ),
                (
                    "QuantizeV2",
                    "T=quint8",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -3; float[] -1",
                    "quint8[9] 0 170 213 255 255 255 255 255 0; float[] -3; float[] 0",
                ),
                (
                    "QuantizeV2",
                    "T=quint8 ensure_minimum_range=0.5",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] 0; float[] 0",
                    "quint8[9] 0 0 0 0 51 250 255 255 0; float[] 0; float[] 0.5",
                ),
                (
                    "QuantizeV2",
                    "T=quint8",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] 1; float[] -1",
                    "INVALID_ARGUMENT: input_max_range must be larger than input_min_range.",
                ),
                (
                    "QuantizeV2",
                    "T=quint8 round_mode=HALF_TO_EVEN",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED', but mode is 'MIN_COMBINED'.",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 mode=SCALED axis=0",
                    "float[2,3] -1 0 1 2 3 4; float[2] -1 -4; float[2] 1 4",
                    "qint8[2,3] -127 0 127 64 95 127; float[2] -1.007874 -4.031496; float[2] 1 4",
                ),
                (
                    "QuantizeV2",
                    "T=quint8 mode=MIN_COMBINED axis=1",
                    "float[2,3] -1 0 1 2 3 4; float[3] -1 -4 0; float[3] 1 4 3",
                    "quint8[2,3] 0 128 85 255 223 255; float[3] -1 -4 0; float[3] 1 4 3",
                ),
                (
                    "QuantizeV2",
                    "T=quint8 mode=MIN_FIRST axis=1",
                    "float[2,3] -1 0 1 2 3 4; float[3] -1 -4 0; float[3] 1 4 3",
                    "UNIMPLEMENTED: MIN_FIRST mode is not implemented for Quantize with axis != -1.",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 axis=0",
                    "float[2,3] -1 0 1 2 3 4; float[3] -1 -4 0; float[3] 1 4 3",
                    "INVALID_ARGUMENT: If axis is specified, min_range must be a 1-D tensor whose size matches the axis dimension of the input and output tensors, but min_range is a 1-D tensor of size 3 and input's axis dimension is of size 2",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 axis=2",
                    "float[2,3] -1 0 1 2 3 4; float[3] -1 -4 0; float[3] 1 4 3",
                    "INVALID_ARGUMENT: Axis is on a zero-based index, so its value must always be less than number of input's dims, but given axis value was 2 and input's dims was 2",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 axis=-2",
                    "float[2,3] -1 0 1 2 3 4; float[] -1; float[] 1",
                    "INVALID_ARGUMENT: axis should be at least -1, got -2",
                ),
                (
                    "QuantizeV2",
                    "T=qint8",
                    "float[2,3] -1 0 1 2 3 4; float[1] -1; float[1] 1",
                    "qint8[2,3] -128 -1 127 127 127 127; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=qint8",
                    "float[2,3] -1 0 1 2 3 4; float[2] -1 2; float[2] 1 3",
                    "INVALID_ARGUMENT: If axis is not specified, min_range must contain a single float element, but it contains 2 elements",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 axis=0",
                    "float[1,2] 1 2; float[1] -1; float[1] 1",
                    "qint8[1,2] 127 127; float[] -1; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint8",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] NaN; float[] 1",
                    "quint8[9] 0 0 0 0 26 125 128 255 0; float[] 0; float[] 1",
                ),
                (
                    "QuantizeV2",
                    "T=quint8",
                    "float[9] -7 -1 -0.5 0 0.1 0.49 0.5 8 NaN; float[] -1; float[] inf",
                    "quint8[9] 0 0 0 0 0 0 0 0 0; float[] -1; float[] inf",
                ),
                (
                    "QuantizeV2",
                    "T=qint8 axis=0",
                    "float[2,3] -1 0 1 2 3 4; float[2] -1 2; float[2] 1 1",
                    "INVALID_ARGUMENT: input_max_range must be larger than input_min_range.",
                ),
                (
                    "QuantizeV2",
                    "T=qint8",
                    "float[0]; float[] -1; float[] 1",
                    "qint8[0]; float[] -1; float[] 1",
                ),
            ],
        );
    }
}
