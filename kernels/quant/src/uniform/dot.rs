//! See [`OPS`].

use savedmodel_math::gemm::{self, View};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Qint8, Qint32, Result, Shape};

use super::quantize::code;
use super::{Multiplier, Uniform, axis, limits};

/// Products of matrices of codes: with codes (`UniformQuantizedDot`), or with floats whose rows are quantised on the way
/// (`UniformQuantizedDotHybrid`).
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformQuantizedDot>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformQuantizedDotHybrid>
pub const OPS: &[Op] = &[
    Op {
        name: "UniformQuantizedDot",
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
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "UniformQuantizedDotHybrid",
        inputs: &["lhs: Tlhs", "rhs: Trhs", "rhs_scales: float", "rhs_zero_points: int32"],
        outputs: &["output: Tout"],
        attrs: &[
            "Tlhs: {float}",
            "Trhs: {qint8}",
            "Tout: {float}",
            "rhs_quantization_axis: int = -1",
            "rhs_quantization_min_val: int",
            "rhs_quantization_max_val: int",
        ],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build_hybrid),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([ctx.input(0).dim(0), ctx.input(1).dim(1)])])
}

/// `[m, k, n]` of the two matrices.
fn sizes(lhs: &Shape, rhs: &Shape) -> Result<[usize; 3]> {
    for (shape, name) in [(lhs, "lhs"), (rhs, "rhs")] {
        if shape.rank() != 2 {
            return Err(Error::invalid_argument(format!(
                "{name} rank must be 2, but given {name} shape {shape}"
            )));
        }
    }
    if lhs[1] != rhs[0] {
        return Err(Error::invalid_argument(format!(
            "lhs.dim_size(1) and rhs.dim_size(0) must be equal, but given lhs shape {lhs} and rhs shape {rhs}"
        )));
    }
    Ok([lhs[0], lhs[1], rhs[1]])
}

/// An axis that must be 1 or absent.
fn columns(node: &Construction<'_>, attr: &str) -> Result<Option<usize>> {
    match axis(node, attr)? {
        axis @ (None | Some(1)) => Ok(axis),
        Some(_) => {
            Err(Error::invalid_argument(format!("{attr} Attr must be 1 (per-channel) or -1 (per-tensor).")))
        }
    }
}

/// The products of codes less their zero points.
fn products([m, k, n]: [usize; 3], lhs: &[i32], rhs: &[Qint8], uniform: &Uniform) -> Vec<i32> {
    let mut products = vec![0; m * n];
    if products.is_empty() || k == 0 {
        return products;
    }
    let centered = |(i, code): (usize, &Qint8)| i32::from(code.0).wrapping_sub(uniform.zero(i % n));
    let rhs: Vec<i32> = rhs.iter().enumerate().map(centered).collect();
    gemm::integer([m, k, n], View::new(lhs, k), View::new(&rhs, n), &mut products);
    products
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if axis(node, "lhs_quantization_axis")?.is_some() {
        return Err(Error::invalid_argument("lhs_quantization_axis Attr must be -1 (per-tensor)."));
    }
    let rhs_axis = columns(node, "rhs_quantization_axis")?;
    let output_axis = columns(node, "output_quantization_axis")?;
    if rhs_axis.is_none() && output_axis.is_some() {
        return Err(Error::invalid_argument(
            "output_quantization_axis Attr must be -1 (per-tensor) if rhs_quantization_axis is.",
        ));
    }
    let [min, max] = limits(node, "output_")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (lhs, rhs) = (ctx.input(0), ctx.input(1));
        let [m, k, n] = sizes(lhs.shape(), rhs.shape())?;
        let left = Uniform::input(ctx, 2, lhs.shape(), None)?;
        let right = Uniform::input(ctx, 4, rhs.shape(), rhs_axis)?;
        let shape = Shape::from([m, n]);
        let output = Uniform::input(ctx, 6, &shape, output_axis)?;
        for (uniform, name) in [(&left, "lhs"), (&right, "rhs"), (&output, "output")] {
            uniform.positive(&format!("{name} scales elements must be all positive."))?;
        }
        let multipliers = (0..n)
            .map(|j| {
                let product = f64::from(left.scale(0)) * f64::from(right.scale(j));
                Multiplier::of(product / f64::from(output.scale(j)))
            })
            .collect::<Result<Vec<_>>>()?;
        let codes: Vec<i32> =
            lhs.as_slice::<Qint8>()?.iter().map(|x| i32::from(x.0).wrapping_sub(left.zero(0))).collect();
        let sums = products([m, k, n], &codes, rhs.as_slice()?, &right);
        let mut out = ctx.allocate(DType::Qint32, shape)?;
        for (i, (out, &sum)) in out.as_mut_slice::<Qint32>()?.iter_mut().zip(&sums).enumerate() {
            let j = i % n;
            *out = Qint32(multipliers[j].times(sum.into()).wrapping_add(output.zero(j)).min(max).max(min));
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// Codes of some floats less their zero point, and their scale, chosen to use all of 8 bits.
pub fn asymmetric(row: &[f32], codes: &mut [i32]) -> f32 {
    const MIN: f64 = -128.0;
    const MAX: f64 = 127.0;
    let low = f64::from(row.iter().copied().fold(0.0, f32::min));
    let high = f64::from(row.iter().copied().fold(0.0, f32::max));
    let scale = ((high - low) / (MAX - MIN)) as f32;
    let inverse = if high == low { 0.0 } else { ((MAX - MIN) / (high - low)) as f32 };
    if scale == 0.0 || !inverse.is_finite() {
        codes.fill(0);
        return 1.0;
    }
    let wide = f64::from(scale);
    let from_min = MIN.abs() + (low / wide).abs() < MAX.abs() + (high / wide).abs();
    let zero = if from_min { MIN - low / wide } else { MAX - high / wide };
    let zero = zero.round().clamp(MIN, MAX) as i32;
    for (to, &x) in codes.iter_mut().zip(row) {
        *to = code(x, inverse, zero, [-128, 127]).wrapping_sub(zero);
    }
    scale
}

fn build_hybrid(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let rhs_axis = columns(node, "rhs_quantization_axis")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (lhs, rhs) = (ctx.input(0), ctx.input(1));
        let [m, k, n] = sizes(lhs.shape(), rhs.shape())?;
        let right = Uniform::input(ctx, 2, rhs.shape(), rhs_axis)?;
        right.positive("rhs scales elements must be all positive.")?;
        let mut codes = vec![0; m * k];
        let rows = lhs.as_slice::<f32>()?.chunks_exact(k.max(1)).zip(codes.chunks_exact_mut(k.max(1)));
        let mut scales: Vec<f32> = rows.map(|(row, codes)| asymmetric(row, codes)).collect();
        scales.resize(m, 1.0);
        let sums = products([m, k, n], &codes, rhs.as_slice()?, &right);
        let mut out = ctx.allocate(DType::Float, [m, n])?;
        for (i, (out, &sum)) in out.as_mut_slice::<f32>()?.iter_mut().zip(&sums).enumerate() {
            *out = sum as f32 * scales[i / n] * right.scale(i % n);
        }
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (op, hybrid) = ("UniformQuantizedDot", "UniformQuantizedDotHybrid");
        let limits = "Tout=qint32 lhs_quantization_min_val=-128 lhs_quantization_max_val=127 rhs_quantization_min_val=-128 \
                      rhs_quantization_max_val=127 output_quantization_min_val=-2147483648 \
                      output_quantization_max_val=2147483647";
        let channels = "Tout=qint32 rhs_quantization_axis=1 output_quantization_axis=1 lhs_quantization_min_val=-128 \
                        lhs_quantization_max_val=127 rhs_quantization_min_val=-128 rhs_quantization_max_val=127 \
                        output_quantization_min_val=-2147483648 output_quantization_max_val=2147483647";
        let of_hybrid = "Tout=float rhs_quantization_min_val=-128 rhs_quantization_max_val=127";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    limits,
                    "qint8[1,3] 1 2 3; qint8[3,1] 1 -2 5; float[] 0.5; int32[] 1; float[] 0.25; int32[] 2; float[] 0.1; \
                     int32[] 4",
                    "qint32[1,1] 6",
                ),
                (
                    op,
                    channels,
                    "qint8[1,3] 1 2 3; qint8[3,2] 1 2 -2 3 5 4; float[] 0.5; int32[] 1; float[2] 0.25 0.5; int32[2] 2 3; \
                     float[2] 0.1 0.2; int32[2] 4 5",
                    "qint32[1,2] 6 7",
                ),
                (
                    hybrid,
                    of_hybrid,
                    "float[2,3] 1 2 3 -1 0.5 0; qint8[3,1] 1 -2 5; float[] 0.25; int32[] 2",
                    "float[2,1] 0 -0.25",
                ),
                (hybrid, of_hybrid, "float[2,0]; qint8[0,1]; float[] 0.25; int32[] 2", "float[2,1] 0 0"),
                (
                    op,
                    limits,
                    "qint8[1,2] 1 2; qint8[3,1] 1 -2 5; float[] 0.5; int32[] 1; float[] 0.25; int32[] 2; float[] 0.1; \
                     int32[] 4",
                    "INVALID_ARGUMENT: lhs.dim_size(1) and rhs.dim_size(0) must be equal, but given lhs shape [1,2] and rhs \
                     shape [3,1]",
                ),
                (
                    hybrid,
                    of_hybrid,
                    "float[1,1] 1; qint8[1,1] 1; float[1] 0.25; int32[] 2",
                    "INVALID_ARGUMENT: If quantization_axis is -1",
                ),
            ],
        );
    }
}
