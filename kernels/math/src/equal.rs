//! `Equal` and `NotEqual`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{
    Complex32, Complex64, DType, PartialShape, Qint8, Qint16, Qint32, Quint8, Quint16, Result, Shape, Tensor,
};

use crate::elementwise::broadcast::Broadcast;
use crate::elementwise::{CHEAP, zip_kernels};

/// The operators of this file.
///
/// NaN is equal to nothing. With `incompatible_shape_error` false, tensors whose shapes do not broadcast are as a whole
/// not equal, which a scalar tells. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Equal`.
pub const OPS: &[Op] = &[
    op("Equal", Kernels::All(&[("T", DTYPES)], |node| build(node, EQUAL, |a, b| a == b, false))),
    op("NotEqual", Kernels::All(&[("T", DTYPES)], |node| build(node, NOT_EQUAL, |a, b| a != b, true))),
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["x: T", "y: T"],
        outputs: &["z: bool"],
        attrs: &["T: type", "incompatible_shape_error: bool = true"],
        effect: Effect::Pure,
        shape,
        kernels,
    }
}

const DTYPES: &[DType] = {
    use DType::*;
    &[
        Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool,
        Complex64, Complex128, Qint8, Quint8, Qint16, Quint16, Qint32, String,
    ]
};

const EQUAL: Kernels = zip_kernels!("T" => bool, CHEAP;
    floats |x, y| x == y,
    hot [i32 i64 u8] |x, y| x == y,
    each [i8 i16 u16 u32 u64 bool Complex32 Complex64 Qint8 Quint8 Qint16 Quint16 Qint32] |x, y| x == y);

const NOT_EQUAL: Kernels = zip_kernels!("T" => bool, CHEAP;
    floats |x, y| x != y,
    hot [i32 i64 u8] |x, y| x != y,
    each [i8 i16 u16 u32 u64 bool Complex32 Complex64 Qint8 Quint8 Qint16 Quint16 Qint32] |x, y| x != y);

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    match shape::broadcast(ctx) {
        Err(_) if ctx.attr("incompatible_shape_error") == Some(false) => Ok(vec![PartialShape::of_rank(0)]),
        Ok(known) if ctx.attr("incompatible_shape_error") == Some(false) && known[0].known().is_none() => {
            Ok(vec![PartialShape::unknown()])
        }
        found => found,
    }
}

fn build(
    node: &Construction<'_>,
    numbers: Kernels,
    strings: fn(&[u8], &[u8]) -> bool,
    differ: bool,
) -> Result<Box<dyn Kernel>> {
    let strict: bool = node.attr("incompatible_shape_error")?;
    let dtype: DType = node.attr("T")?;
    let compare: Box<dyn Kernel> = match numbers {
        _ if dtype == DType::String => Box::new(move |ctx: &mut Context<'_>| compare_strings(ctx, strings)),
        Kernels::ByDType(_, rows) => {
            let row = rows.iter().find(|row| row.0 == dtype).ok_or_else(|| node.no_kernel("T"))?;
            row.1(node)?
        }
        _ => return Err(node.no_kernel("T")),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        if !strict && Shape::broadcast(ctx.input(0).shape(), ctx.input(1).shape()).is_none() {
            ctx.set(0, Tensor::scalar(differ));
            return Ok(());
        }
        compare.compute(ctx)
    }))
}

fn compare_strings(ctx: &mut Context<'_>, same: fn(&[u8], &[u8]) -> bool) -> Result<()> {
    let (x, y) = (ctx.input(0), ctx.input(1));
    let shape = shape::broadcast_known(x.shape(), y.shape())?;
    let mut z = ctx.allocate(DType::Bool, &shape)?;
    let (a, b) = (x.strings()?, y.strings()?);
    let pairs = Broadcast::new(x.shape(), y.shape(), &shape);
    for (z, (i, j)) in z.as_mut_slice::<bool>()?.iter_mut().zip(pairs.pairs()) {
        *z = same(&a[i], &b[j]);
    }
    ctx.set(0, z);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Element;

    fn equal() -> OpTest<'static> {
        op(OPS, "Equal")
    }

    fn vector<T: Element>(values: &[T]) -> Tensor {
        Tensor::from_slice([values.len()], values).unwrap()
    }

    #[test]
    fn values() {
        let strings = |v: &[&'static str]| Tensor::from_strings([v.len()], v.iter().copied()).unwrap();
        let nan = f32::NAN;
        check(
            equal(),
            [vector(&[1.0_f32, 0.0, nan]), vector(&[1.0_f32, -0.0, nan])],
            vector(&[true, true, false]),
        );
        check(
            op(OPS, "NotEqual"),
            [vector(&[1.0_f32, nan]), vector(&[1.0_f32, nan])],
            vector(&[false, true]),
        );
        check(equal(), [vector(&[true, false]), Tensor::scalar(false)], vector(&[false, true]));
        check(equal(), [vector(&[Qint8(1)]), vector(&[Qint8(2)])], vector(&[false]));
        check(equal(), [strings(&["a", "b"]), strings(&["b"])], vector(&[false, true]));
        check(op(OPS, "NotEqual"), [strings(&["a"]), strings(&["a"])], vector(&[false]));
    }

    #[test]
    fn shapes_that_do_not_broadcast() {
        let (x, y) = (vector(&[1, 2]), vector(&[1, 2, 3]));
        error(equal(), [x.clone(), y.clone()], "Incompatible shapes: [2] vs. [3]");
        let lenient = |name: &str| op(OPS, name).attr("incompatible_shape_error", false);
        check(lenient("Equal"), [x.clone(), y.clone()], Tensor::scalar(false));
        check(lenient("NotEqual"), [x, y], Tensor::scalar(true));
    }
}
