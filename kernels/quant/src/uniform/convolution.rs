//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Qint8, Qint32, Result, Shape};

use super::dot::asymmetric;
use super::plan::{Attributes, Plan, ordered, transpose};
use super::{Multiplier, Uniform, axis, limits};

/// Convolutions of codes: with codes (`UniformQuantizedConvolution`), or with floats whose images are quantised on the way
/// (`UniformQuantizedConvolutionHybrid`).
///
/// Any number of spatial dimensions, dilation on both sides, groups of features and of batches. Dimensions may be in any
/// order, told by a serialized message.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformQuantizedConvolution>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformQuantizedConvolutionHybrid>
pub const OPS: &[Op] = &[
    Op {
        name: "UniformQuantizedConvolution",
        inputs: &[
            "lhs: Tin",
            "rhs: Tin",
            "lhs_scales: float",
            "lhs_zero_points: int32",
            "rhs_scales: float",
            "rhs_zero_points: int32",
            "output_scales: float",
            "output_zero_points: int32",
        ],
        outputs: &["output: Tout"],
        attrs: &[
            "Tin: {qint8}",
            "Tout: {qint32}",
            "window_strides: list(int) = []",
            "padding: string",
            "explicit_padding: list(int) = []",
            "lhs_dilation: list(int) = []",
            "rhs_dilation: list(int) = []",
            "batch_group_count: int = 1",
            "feature_group_count: int = 1",
            "dimension_numbers: string = ''",
            "lhs_quantization_axis: int = -1",
            "lhs_quantization_min_val: int",
            "lhs_quantization_max_val: int",
            "rhs_quantization_axis: int = -1",
            "rhs_quantization_min_val: int",
            "rhs_quantization_max_val: int",
            "output_quantization_axis: int = -1",
            "output_quantization_min_val: int",
            "output_quantization_max_val: int",
        ],
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::one(build),
    },
    Op {
        name: "UniformQuantizedConvolutionHybrid",
        inputs: &["lhs: Tlhs", "rhs: Trhs", "rhs_scales: float", "rhs_zero_points: int32"],
        outputs: &["output: Tout"],
        attrs: &[
            "Tlhs: {float}",
            "Trhs: {qint8}",
            "Tout: {float}",
            "window_strides: list(int) = []",
            "padding: string",
            "explicit_padding: list(int) = []",
            "lhs_dilation: list(int) = []",
            "rhs_dilation: list(int) = []",
            "batch_group_count: int = 1",
            "feature_group_count: int = 1",
            "dimension_numbers: string = ''",
            "rhs_quantization_axis: int = -1",
            "rhs_quantization_min_val: int",
            "rhs_quantization_max_val: int",
        ],
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::one(build_hybrid),
    },
];

/// The filters less their zero points, in the order of the plan.
fn filters(codes: &[Qint8], shape: &Shape, plan: &Plan, uniform: &Uniform) -> Vec<i32> {
    let each = codes.len() / plan.rhs[0].max(1);
    let codes = transpose(codes, shape.dims(), &plan.dimensions.rhs);
    let centered = |(i, code): (usize, &Qint8)| i32::from(code.0).wrapping_sub(uniform.zero(i / each.max(1)));
    codes.iter().enumerate().map(centered).collect()
}

/// An axis that must be the one of output features, or absent.
fn features(given: Option<usize>, wanted: usize, name: &str) -> Result<()> {
    match given {
        Some(axis) if axis != wanted => Err(Error::invalid_argument(format!(
            "{name}_quantization_axis Attr must be -1 (per-tensor) or the output feature dimension {wanted}, given: {axis}"
        ))),
        _ => Ok(()),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes::of(node)?;
    if axis(node, "lhs_quantization_axis")?.is_some() {
        return Err(Error::invalid_argument("lhs_quantization_axis Attr must be -1 (per-tensor)."));
    }
    let (rhs_axis, output_axis) =
        (axis(node, "rhs_quantization_axis")?, axis(node, "output_quantization_axis")?);
    if rhs_axis.is_none() && output_axis.is_some() {
        return Err(Error::invalid_argument(
            "output_quantization_axis Attr must be -1 (per-tensor) if rhs_quantization_axis is.",
        ));
    }
    let [min, max] = limits(node, "output_")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (lhs, rhs) = (ctx.input(0), ctx.input(1));
        let plan = Plan::of(&attributes, lhs.shape(), rhs.shape())?;
        features(rhs_axis, plan.dimensions.rhs[0], "rhs")?;
        features(output_axis, plan.dimensions.out[1], "output")?;
        let shape = plan.shape();
        let left = Uniform::input(ctx, 2, lhs.shape(), None)?;
        let right = Uniform::input(ctx, 4, rhs.shape(), rhs_axis)?;
        let output = Uniform::input(ctx, 6, &shape, output_axis)?;
        for uniform in [&left, &right, &output] {
            uniform.positive("lhs/rhs/output scales elements must be all positive.")?;
        }
        let multipliers = (0..plan.rhs[0])
            .map(|i| {
                let product = f64::from(left.scale(0)) * f64::from(right.scale(i));
                Multiplier::of(product / f64::from(output.scale(i)))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut out = ctx.allocate(DType::Qint32, shape)?;
        let images = transpose(lhs.as_slice::<Qint8>()?, lhs.shape(), &plan.dimensions.lhs);
        let images: Vec<i32> = images.iter().map(|x| i32::from(x.0).wrapping_sub(left.zero(0))).collect();
        let filters = filters(rhs.as_slice()?, rhs.shape(), &plan, &right);
        let codes = plan.run(&images, &filters, |sum, _, feature| {
            Qint32(
                multipliers[feature].times(sum.into()).wrapping_add(output.zero(feature)).min(max).max(min),
            )
        });
        out.as_mut_slice::<Qint32>()?.copy_from_slice(&ordered(&codes, &plan));
        ctx.set(0, out);
        Ok(())
    }))
}

fn build_hybrid(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes::of(node)?;
    let rhs_axis = axis(node, "rhs_quantization_axis")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (lhs, rhs) = (ctx.input(0), ctx.input(1));
        let plan = Plan::of(&attributes, lhs.shape(), rhs.shape())?;
        features(rhs_axis, plan.dimensions.rhs[0], "rhs")?;
        let right = Uniform::input(ctx, 2, rhs.shape(), rhs_axis)?;
        right.positive("rhs scales elements must be all positive.")?;
        let mut out = ctx.allocate(DType::Float, plan.shape())?;
        let images = transpose(lhs.as_slice::<f32>()?, lhs.shape(), &plan.dimensions.lhs);
        let size = (images.len() / plan.lhs[0].max(1)).max(1);
        let mut codes = vec![0; images.len()];
        let scales: Vec<f32> = images
            .chunks(size)
            .zip(codes.chunks_mut(size))
            .map(|(image, codes)| asymmetric(image, codes))
            .collect();
        let filters = filters(rhs.as_slice()?, rhs.shape(), &plan, &right);
        let values = plan.run(&codes, &filters, |sum, image, feature| {
            sum as f32 * scales.get(image).copied().unwrap_or(1.0) * right.scale(feature)
        });
        out.as_mut_slice::<f32>()?.copy_from_slice(&ordered(&values, &plan));
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (op, hybrid) = ("UniformQuantizedConvolution", "UniformQuantizedConvolutionHybrid");
        const LIMITS: &str = "lhs_quantization_min_val=-128 lhs_quantization_max_val=127 rhs_quantization_min_val=-128 \
                              rhs_quantization_max_val=127 output_quantization_min_val=-2147483648 \
                              output_quantization_max_val=2147483647 Tout=qint32";
        const CODES: &str =
            "qint8[1,1,4,4] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; qint8[2,1,2,2] -3 -2 -1 0 1 2 3 4";
        let leak = |text: String| -> &'static str { text.leak() };
        let scales = "float[] 0.5; int32[] 1; float[] 0.25; int32[] 2; float[] 0.1; int32[] 4";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    leak(format!("padding=SAME {LIMITS}")),
                    leak(format!("{CODES}; {scales}")),
                    "qint32[1,2,4,4] -11 -28 -46 -31 -81 -98 -116 -71 -151 -168 -186 -111 -125 -136 -147 -83 19 21 24 9 29 \
                     31 34 9 39 41 44 9 -10 -11 -12 -13",
                ),
                (
                    op,
                    leak(format!(
                        "padding=EXPLICIT explicit_padding=[1,0,0,2] window_strides=[2,1] lhs_dilation=[1,2] \
                         rhs_dilation=[2,1] {LIMITS}"
                    )),
                    leak(format!("{CODES}; {scales}")),
                    "qint32[1,2,2,8] -7 -6 -11 -8 -15 -11 -18 4 -56 -46 -66 -53 -76 -61 -86 4 8 14 9 16 10 19 11 4 14 34 14 \
                     36 14 39 14 4",
                ),
                (
                    hybrid,
                    "padding=VALID Tout=float rhs_quantization_min_val=-128 rhs_quantization_max_val=127",
                    "float[1,1,4,4] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; qint8[2,1,2,2] -3 -2 -1 0 1 2 3 4; \
                     float[] 0.25; int32[] 2",
                    "float[1,2,3,3] -6.5 -10 -13.5 -20.5 -24 -27.5 -34.5 -38 -41.5 3.5 4 4.5 5.5 6 6.5 7.5 8 8.5",
                ),
                (
                    op,
                    leak(format!("padding=WRONG {LIMITS}")),
                    leak(format!("{CODES}; {scales}")),
                    "INVALID_ARGUMENT: padding Attr must be one of [EXPLICIT | SAME | VALID], but given: WRONG",
                ),
                (
                    op,
                    leak(format!("padding=VALID window_strides=[0,1] {LIMITS}")),
                    leak(format!("{CODES}; {scales}")),
                    "INVALID_ARGUMENT: All elements of window_strides must be >= 1.",
                ),
                (
                    op,
                    leak(format!("padding=VALID feature_group_count=3 {LIMITS}")),
                    leak(format!("{CODES}; {scales}")),
                    "INVALID_ARGUMENT: feature_group_count must divide lhs feature dimension size",
                ),
            ],
        );
    }
}
