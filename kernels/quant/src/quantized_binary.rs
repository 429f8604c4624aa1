//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Qint32, Quint8, Result, Shape};

use crate::range::{Range, give, with_range};

/// Sums and products of 8-bit codes, as 32-bit codes over ranges with room for them.
///
/// Of operands of unlike shapes one must be as large as the result; the elements of the other are repeated in order, as
/// TensorFlow repeats them, also where broadcasting would have it otherwise (`[2,1]` against `[2,3]`).
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedAdd>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedMul>
pub const OPS: &[Op] = &[op("QuantizedAdd"), op("QuantizedMul")];

const fn op(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["x: T1", "y: T2", "min_x: float", "max_x: float", "min_y: float", "max_y: float"],
        outputs: &["z: Toutput", "min_z: float", "max_z: float"],
        attrs: &[
            "T1: {qint8, quint8, qint32, qint16, quint16}",
            "T2: {qint8, quint8, qint32, qint16, quint16}",
            "Toutput: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32",
        ],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(
            &[("T1", &[DType::Quint8]), ("T2", &[DType::Quint8]), ("Toutput", &[DType::Qint32])],
            build,
        ),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(with_range(shape::broadcast_shapes(&ctx.input(0), &ctx.input(1))?))
}

/// Codes as they are in 32 bits.
struct Operand {
    values: Vec<i32>,
}

impl Operand {
    /// Those of an 8-bit operand, `alone` when it has one element.
    fn sum(codes: &[Quint8], range: Range, total: Range, alone: bool) -> Operand {
        if alone {
            let values = codes.iter().map(|&x| total.code::<Qint32>(range.float(x)).0).collect();
            return Operand { values };
        }
        let [first, second] = [0, 1].map(|code| total.unclamped::<Qint32>(range.float(Quint8(code))));
        let step = i64::from(second.wrapping_sub(first) as i32);
        let value = |x: &Quint8| {
            let value = first.saturating_add(i64::from(x.0).wrapping_mul(step));
            value.clamp(i32::MIN.into(), i32::MAX.into()) as i32
        };
        Operand { values: codes.iter().map(value).collect() }
    }

    /// Codes less the one that stands for zero.
    fn factor(codes: &[Quint8], range: Range) -> Operand {
        let zero = range.unclamped::<Quint8>(0.0) as i32;
        Operand { values: codes.iter().map(|x| i32::from(x.0).wrapping_sub(zero)).collect() }
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let multiply = node.op() == "QuantizedMul";
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x_range = Range::input(ctx, 2, ["min_x", "max_x"])?;
        let y_range = Range::input(ctx, 4, ["min_y", "max_y"])?;
        let (x, y) = (ctx.input(0), ctx.input(1));
        let shape = shape::broadcast_known(x.shape(), y.shape())?;
        for (range, name) in [(x_range, "x"), (y_range, "y")] {
            if range.max.partial_cmp(&range.min) != Some(std::cmp::Ordering::Greater) {
                return Err(Error::invalid_argument(format!("max_{name} must be larger than min_{name}.")));
            }
        }
        check(x.shape(), y.shape(), &shape)?;
        let mut out = ctx.allocate(DType::Qint32, &shape)?;
        let (a, b) = (x.as_slice::<Quint8>()?, y.as_slice::<Quint8>()?);
        let (x, y, range) = if multiply {
            let range = Range::of_products::<Quint8, Quint8>(x_range, y_range);
            (Operand::factor(a, x_range), Operand::factor(b, y_range), range)
        } else {
            let range = Range::of_sums(x_range, y_range, 16_384.0);
            let alone = [a.len() == 1, a.len() != 1 && b.len() == 1];
            (Operand::sum(a, x_range, range, alone[0]), Operand::sum(b, y_range, range, alone[1]), range)
        };
        let pairs = x.values.iter().cycle().zip(y.values.iter().cycle());
        for (out, (&x, &y)) in out.as_mut_slice::<Qint32>()?.iter_mut().zip(pairs) {
            *out = Qint32(if multiply { x.wrapping_mul(y) } else { x.wrapping_add(y) });
        }
        give(ctx, out, range);
        Ok(())
    }))
}

fn check(x: &Shape, y: &Shape, shape: &Shape) -> Result<()> {
    let count = shape.elements();
    if x != y && x.elements() != 1 && y.elements() != 1 && x.elements().min(y.elements()) == 0 {
        return Err(Error::invalid_argument("vector must have at least 1 element"));
    }
    if x.elements() != count && y.elements() != count {
        return Err(Error::unimplemented(format!("Broadcast between {x} and {y} not supported yet.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (add, mul) = ("QuantizedAdd", "QuantizedMul");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    add,
                    "",
                    "quint8[2,3] 1 2 3 4 5 200; quint8[3] 1 2 3; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[2,3] -64508 -63480 -62452 -63737 -62709 -11823; float[] -32768; float[] 32768",
                ),
                (
                    add,
                    "",
                    "quint8[2,3] 1 2 3 4 5 200; quint8[] 7; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[2,3] -59882 -59625 -59368 -59111 -58854 -8739; float[] -32768; float[] 32768",
                ),
                (
                    add,
                    "",
                    "quint8[2,3] 1 2 3 4 5 200; quint8[2,1] 1 2; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[2,3] -64508 -63480 -63994 -62966 -63480 -12594; float[] -32768; float[] 32768",
                ),
                (
                    mul,
                    "",
                    "quint8[2,3] 1 2 3 4 5 200; quint8[2,3] 1 2 3 4 5 6; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[2,3] -84 -166 -246 -324 -400 -15800; float[] -99076.53; float[] 99076.53",
                ),
                (
                    mul,
                    "",
                    "quint8[0]; quint8[1] 1; float[] 0; float[] 1; float[] -1; float[] 2",
                    "qint32[0]; float[] -99076.53; float[] 99076.53",
                ),
                (
                    mul,
                    "",
                    "quint8[1] 1; quint8[1] 1; float[0]; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: `min_x` must be rank 0 but is rank 1",
                ),
                (
                    add,
                    "",
                    "quint8[3] 1 200 7; quint8[3] 5 9 255; float[] -1; float[] 1; float[] -1; float[] inf",
                    "qint32[3] -2 -2 -2; float[] -inf; float[] inf",
                ),
                (
                    add,
                    "",
                    "quint8[1] 1; quint8[1] 1; float[] 0; float[] 0; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: max_x must be larger than min_x.",
                ),
                (
                    add,
                    "",
                    "quint8[2,1] 1 2; quint8[1,2] 1 2; float[] 0; float[] 1; float[] -1; float[] 2",
                    "UNIMPLEMENTED: Broadcast between [2,1] and [1,2] not supported yet.",
                ),
                (
                    add,
                    "",
                    "quint8[2] 1 2; quint8[3] 1 2 3; float[] 0; float[] 1; float[] -1; float[] 2",
                    "INVALID_ARGUMENT: Incompatible shapes: [2] vs. [3]",
                ),
            ],
        );
    }
}
