//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Qint32, Result, Shape};

use super::requantize::requantize;
use super::{Uniform, axis, limits};

/// The sum of codes, as codes with the scale and zero point of the output; operands broadcast.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformQuantizedAdd>
pub const OP: Op = Op {
    name: "UniformQuantizedAdd",
    inputs: &[
        "lhs: T",
        "rhs: T",
        "lhs_scales: float",
        "lhs_zero_points: int32",
        "rhs_scales: float",
        "rhs_zero_points: int32",
        "output_scales: float",
        "output_zero_points: int32",
    ],
    outputs: &["output: T"],
    attrs: &[
        "lhs_quantization_axis: int = -1",
        "lhs_quantization_min_val: int",
        "lhs_quantization_max_val: int",
        "rhs_quantization_axis: int = -1",
        "rhs_quantization_min_val: int",
        "rhs_quantization_max_val: int",
        "output_quantization_axis: int = -1",
        "output_quantization_min_val: int",
        "output_quantization_max_val: int",
        "T: {qint32}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", &[DType::Qint32])], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![shape::broadcast_shapes(&ctx.input(0), &ctx.input(1))?])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axes = [
        axis(node, "lhs_quantization_axis")?,
        axis(node, "rhs_quantization_axis")?,
        axis(node, "output_quantization_axis")?,
    ];
    let [min, max] = limits(node, "output_")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shapes = [ctx.input(0).shape(), ctx.input(1).shape()];
        let operands =
            [Uniform::input(ctx, 2, shapes[0], axes[0])?, Uniform::input(ctx, 4, shapes[1], axes[1])?];
        let Some(shape) = Shape::broadcast(shapes[0], shapes[1]) else {
            return Err(Error::invalid_argument(format!(
                "Cannot Add tensors of shapes: {}{}",
                shapes[0], shapes[1]
            )));
        };
        let output = Uniform::input(ctx, 6, &shape, axes[2])?;
        check(&shapes, &shape, axes)?;
        for uniform in [&operands[0], &operands[1], &output] {
            uniform.positive("lhs/rhs/output scales elements must be all positive.")?;
        }
        let mut values = Vec::with_capacity(2);
        for (i, operand) in operands.iter().enumerate() {
            values.push(converted(ctx, i, operand, &output, shape.rank())?);
        }
        let mut out = ctx.allocate(DType::Qint32, &shape)?;
        let places = [0, 1].map(|i| Places::of(shapes[i], &shape));
        let slices = output.slices(&shape);
        for (index, out) in out.as_mut_slice::<Qint32>()?.iter_mut().enumerate() {
            let slice = index / slices.inner.max(1) % slices.count.max(1);
            let [a, b] = [0, 1].map(|i| values[i][places[i].at(index)]);
            *out = Qint32(a.wrapping_add(b).wrapping_add(output.zero(slice)).min(max).max(min));
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn check(shapes: &[&Shape; 2], shape: &Shape, axes: [Option<usize>; 3]) -> Result<()> {
    for (i, name) in ["lhs", "rhs"].into_iter().enumerate() {
        if let (Some(axis), Some(output)) = (axes[i], axes[2])
            && shapes[i].rank() - axis != shape.rank() - output
        {
            return Err(Error::invalid_argument(format!(
                "If {name} and output is both per-axis quantized, the quantization axis must match."
            )));
        }
    }
    Ok(())
}

/// The codes of an operand with the scales of the output and without a zero point.
fn converted(
    ctx: &Context<'_>,
    i: usize,
    operand: &Uniform,
    output: &Uniform,
    rank: usize,
) -> Result<Vec<i32>> {
    let shape = ctx.input(i).shape();
    let lead = rank - shape.rank();
    // A dimension that broadcasts along the output's axis would have several scales.
    let axis = output
        .axis
        .and_then(|axis| axis.checked_sub(lead))
        .filter(|&axis| shape[axis] == output.scales.len());
    if output.axis.is_some() && axis.is_none() {
        return Err(Error::unimplemented(format!(
            "operand {i} of shape {shape} broadcasts along the axis of quantization of the output"
        )));
    }
    let wanted = Uniform { scales: output.scales.clone(), zeros: vec![0; output.zeros.len()], axis };
    let codes = ctx.input(i).as_slice::<Qint32>()?;
    requantize(codes, shape, [operand, &wanted], [i32::MIN, i32::MAX])
}

/// Where the elements of an operand stand that is broadcast: sizes of the result, and distances in the operand.
struct Places(Vec<[usize; 2]>);

impl Places {
    fn of(operand: &Shape, shape: &Shape) -> Places {
        let (mut places, mut stride) = (Vec::new(), 1);
        for (axis, &size) in shape.iter().enumerate().rev() {
            let own = axis.checked_sub(shape.rank() - operand.rank()).map_or(1, |axis| operand[axis]);
            places.push([size, if own == 1 { 0 } else { stride }]);
            stride *= own;
        }
        Places(places)
    }

    fn at(&self, index: usize) -> usize {
        let mut rest = index;
        self.0.iter().fold(0, |place, &[size, stride]| {
            let at = rest % size;
            rest /= size;
            place + at * stride
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "UniformQuantizedAdd";
        let limits = "lhs_quantization_min_val=-2147483648 lhs_quantization_max_val=2147483647 \
                      rhs_quantization_min_val=-2147483648 rhs_quantization_max_val=2147483647 \
                      output_quantization_min_val=-2147483648 output_quantization_max_val=2147483647";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    limits,
                    "qint32[2,2] 1 200 3 -4; qint32[2] 10 20; float[] 0.5; int32[] 1; float[] 0.25; int32[] 2; \
                     float[] 0.1; int32[] 4",
                    "qint32[2,2] 24 1044 34 24",
                ),
                (
                    op,
                    limits,
                    "qint32[2] 1 200; qint32[3] 10 20 30; float[] 0.5; int32[] 1; float[] 0.25; int32[] 2; \
                     float[] 0.1; int32[] 4",
                    "INVALID_ARGUMENT: Cannot Add tensors of shapes: [2][3]",
                ),
                (
                    op,
                    limits,
                    "qint32[1] 1; qint32[1] 10; float[] -0.5; int32[] 1; float[] 0.25; int32[] 2; float[] 0.1; int32[] 4",
                    "INVALID_ARGUMENT: lhs/rhs/output scales elements must be all positive.",
                ),
            ],
        );
    }
}
