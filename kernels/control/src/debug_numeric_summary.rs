//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::debug_identity::{check_name, is_shut};
use crate::numbers::numbers;

/// How many values are NaN; or some numbers that tell of a tensor's health: which, `tensor_debug_mode` says.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DebugNumericSummaryV2>
pub const OPS: &[Op] = &[
    Op {
        name: "DebugNumericSummaryV2",
        inputs: &["input: T"],
        outputs: &["output: output_dtype"],
        attrs: &[
            "output_dtype: {float, double} = DT_FLOAT",
            "T: type",
            "tensor_debug_mode: int = -1",
            "tensor_id: int = -1",
        ],
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::All(
            &[("T", COUNTED), ("output_dtype", &[DType::Float, DType::Double])],
            build_summary,
        ),
    },
    Op {
        name: "DebugNanCount",
        inputs: &["input: T"],
        outputs: &["output: int64"],
        attrs: &[
            "T: type",
            "device_name: string = ''",
            "tensor_name: string = ''",
            "debug_urls: list(string) = []",
            "gated_grpc: bool = false",
        ],
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], build_count),
    },
];

const COUNTED: &[DType] = &[
    DType::Bool,
    DType::Half,
    DType::Bfloat16,
    DType::Float,
    DType::Double,
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Int64,
    DType::Uint8,
    DType::Uint16,
    DType::Uint32,
    DType::Uint64,
];

fn build_count(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_name(node)?;
    let shut = is_shut(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let counts = match shut {
            true => Vec::new(),
            false => vec![numbers(ctx.input(0))?.iter().filter(|x| x.is_nan()).count() as i64],
        };
        ctx.set(0, Tensor::from_slice([counts.len()], &counts)?);
        Ok(())
    }))
}

/// How many elements are of each kind.
#[derive(Default)]
struct Census {
    negative_infinite: usize,
    infinite: usize,
    nan: usize,
    negative: usize,
    zero: usize,
    positive: usize,
}

impl Census {
    fn of(tensor: &Tensor) -> Result<Census> {
        // Denormals are flushed to zero before they are looked at.
        let least = match tensor.dtype() {
            DType::Float | DType::Bfloat16 => f32::MIN_POSITIVE.into(),
            DType::Double => f64::MIN_POSITIVE,
            _ => 0.0,
        };
        let values = match tensor.dtype() {
            DType::Bool => tensor.as_slice::<bool>()?.iter().map(|&x| x.into()).collect(),
            _ => numbers(tensor)?,
        };
        let mut census = Census::default();
        for x in values {
            let kind = match x {
                f64::NEG_INFINITY => &mut census.negative_infinite,
                f64::INFINITY => &mut census.infinite,
                _ if x.is_nan() => &mut census.nan,
                _ if x == 0.0 || x.abs() < least => &mut census.zero,
                _ if x < 0.0 => &mut census.negative,
                _ => &mut census.positive,
            };
            *kind += 1;
        }
        Ok(census)
    }
}

/// Shapes are told by so many of their last dimensions.
const DIMENSIONS: usize = 6;

fn build_summary(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (mode, id): (i64, i64) = (node.int32("tensor_debug_mode")?, node.attr("tensor_id")?);
    let dtype = node.outputs[0];
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let (limit, power) = if dtype == DType::Float { (1 << 24, 24) } else { (1 << 53, 53) };
        if mode != REDUCE_INF_NAN && id > limit {
            return Err(Error::invalid_argument(format!(
                "DebugNumericSummaryV2Op requires tensor_id to be less than or equal to (2^{power}). Given tensor_id:{id}"
            )));
        }
        let summary = summary(input, mode, id as f64)?;
        let n = summary.len();
        let output = match dtype {
            DType::Float => Tensor::from_vec([n], summary.iter().map(|&x| x as f32).collect()),
            _ => Tensor::from_vec([n], summary),
        }?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn summary(input: &Tensor, mode: i64, id: f64) -> Result<Vec<f64>> {
    let (dtype, rank) = (f64::from(input.dtype().number()), input.rank() as f64);
    let elements = input.elements() as f64;
    let of = |counts: &[usize]| counts.iter().map(|&count| count as f64).collect::<Vec<_>>();
    if mode == SHAPE {
        let dims = input.shape().dims();
        let last = &dims[dims.len().saturating_sub(DIMENSIONS)..];
        let mut summary = [vec![id, dtype, rank, elements], of(last)].concat();
        summary.resize(4 + DIMENSIONS, 0.0);
        return Ok(summary);
    }
    if ![CURT_HEALTH, CONCISE_HEALTH, FULL_HEALTH, REDUCE_INF_NAN].contains(&mode) {
        return Err(Error::unimplemented(format!("Unimplemented tensor debug mode: {mode}")));
    }
    let census = Census::of(input)?;
    let unusual = [census.negative_infinite, census.infinite, census.nan];
    Ok(match mode {
        CURT_HEALTH => vec![id, f64::from(u8::from(unusual.iter().any(|&count| count > 0)))],
        CONCISE_HEALTH => [vec![id, elements], of(&unusual)].concat(),
        FULL_HEALTH => {
            // There is but one device, which has no number.
            let usual = [census.negative, census.zero, census.positive];
            [vec![id, -1.0, dtype, rank, elements], of(&unusual), of(&usual)].concat()
        }
        _ => {
            let marks = unusual.iter().zip([f64::NEG_INFINITY, f64::INFINITY, f64::NAN]);
            marks.map(|(&count, mark)| if count > 0 { mark } else { 0.0 }).collect()
        }
    })
}

const CURT_HEALTH: i64 = 2;
const CONCISE_HEALTH: i64 = 3;
const FULL_HEALTH: i64 = 4;
const SHAPE: i64 = 5;
const REDUCE_INF_NAN: i64 = 8;

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn summaries() {
        let op = "DebugNumericSummaryV2";
        let x = "float[8] 1 -1 0 NaN inf -inf 5 1e-45";
        check_rows(
            OPS,
            &[
                (op, "tensor_debug_mode=2 tensor_id=7", x, "float[2] 7 1"),
                (op, "tensor_debug_mode=3 tensor_id=7", x, "float[5] 7 8 1 1 1"),
                (op, "tensor_debug_mode=4 tensor_id=7", x, "float[11] 7 -1 1 1 8 1 1 1 1 2 2"),
                (op, "tensor_debug_mode=8 output_dtype=double", x, "double[3] -inf inf NaN"),
                (op, "tensor_debug_mode=8", "bool[2] true false", "float[3] 0 0 0"),
                (
                    op,
                    "tensor_debug_mode=5",
                    "uint8[1,2,1,2,1,1,1,3] 1 2 3 4 5 6 7 8 9 10 11 12",
                    "float[10] -1 4 8 12 1 2 1 1 1 3",
                ),
                (op, "tensor_debug_mode=5", "half[0,2]", "float[10] -1 19 2 0 0 2 0 0 0 0"),
                (op, "", x, "UNIMPLEMENTED: Unimplemented tensor debug mode: -1"),
                (
                    op,
                    "tensor_debug_mode=2 tensor_id=16777217",
                    x,
                    "INVALID_ARGUMENT: DebugNumericSummaryV2Op requires tensor_id to be less than or equal to (2^24)",
                ),
            ],
        );
    }

    #[test]
    fn counts() {
        let op = "DebugNanCount";
        check_rows(
            OPS,
            &[
                (op, "tensor_name=x:0", "float[3] NaN 1 NaN", "int64[1] 2"),
                (op, "tensor_name=x", "int32[2] 1 2", "int64[1] 0"),
                (op, "tensor_name=x gated_grpc=true", "float[1] NaN", "int64[0]"),
                (op, "", "float[1] 1", "INVALID_ARGUMENT: Failed to parse tensor name: \"\""),
                (
                    op,
                    "tensor_name=x:y",
                    "float[1] 1",
                    "INVALID_ARGUMENT: Invalid string value for output_slot: \"y\"",
                ),
            ],
        );
    }
}
