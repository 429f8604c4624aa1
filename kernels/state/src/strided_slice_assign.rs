//! `StridedSliceAssign` and `ResourceStridedSliceAssign`.

use savedmodel_kernels_array::tensor_strided_slice_update::StridedAssignment;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::update::update;

/// Each replaces a strided slice of a variable by a value, which broadcasts to the slice's shape.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StridedSliceAssign>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResourceStridedSliceAssign>
pub const OPS: &[Op] = &[
    Op {
        name: "StridedSliceAssign",
        inputs: &["ref: Ref(T)", "begin: Index", "end: Index", "strides: Index", "value: T"],
        outputs: &["output_ref: Ref(T)"],
        attrs: ATTRS,
        effect: Effect::Write,
        shape: shape::unknown,
        kernels: Kernels::All(&[("T", DTYPES)], build),
    },
    Op {
        name: "ResourceStridedSliceAssign",
        inputs: &["ref: resource", "begin: Index", "end: Index", "strides: Index", "value: T"],
        outputs: &[],
        attrs: ATTRS,
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::All(&[("T", DTYPES)], build),
    },
];

const ATTRS: &[&str] = &[
    "T: type",
    "Index: {int32, int64}",
    "begin_mask: int = 0",
    "end_mask: int = 0",
    "ellipsis_mask: int = 0",
    "new_axis_mask: int = 0",
    "shrink_axis_mask: int = 0",
];

const DTYPES: &[DType] = &[
    DType::Float,
    DType::Double,
    DType::Half,
    DType::Bfloat16,
    DType::Float8E5m2,
    DType::Float8E4m3fn,
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Int64,
    DType::Uint8,
    DType::Uint16,
    DType::Uint32,
    DType::Uint64,
    DType::Qint8,
    DType::Quint8,
    DType::Qint32,
    DType::Bool,
    DType::Complex64,
    DType::Complex128,
    DType::String,
    DType::Resource,
    DType::Variant,
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let assignment = StridedAssignment::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        update(ctx, |ctx, variable| {
            if variable.dtype() != ctx.input(4).dtype() {
                return Err(Error::invalid_argument(format!(
                    "the value is {}, the variable {}",
                    ctx.input(4).dtype(),
                    variable.dtype()
                )));
            }
            assignment.apply(ctx, variable)
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::Variable;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};
    use savedmodel_tensor::{Handle, PartialShape, Tensor};
    use std::sync::Arc;

    #[test]
    fn table() {
        let check = |op: usize, bounds: [&str; 3], value: &str, want: &str| {
            let variable = Arc::new(Variable::new("v", DType::Float, PartialShape::unknown()));
            variable.assign(parse_tensor("float[4] 1 2 3 4")).unwrap();
            let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
            let value = parse_tensor(value);
            let test = OpTest::new(&OPS[op]).attr("T", value.dtype()).input(handle);
            let test = bounds.iter().fold(test, |test, text| test.input(parse_tensor(text)));
            let got = show(&test.input(value).run().map(|_| vec![variable.read().unwrap()]));
            assert!(got == want || got.starts_with("INVALID") && got.starts_with(want), "{got}");
        };
        let middle = ["int32[1] 1", "int32[1] 3", "int32[1] 1"];
        check(0, middle, "float[2] 8 9", "float[4] 1 8 9 4");
        check(1, middle, "float[] 8", "float[4] 1 8 8 4");
        check(1, middle, "float[1,2] 8 9", "float[4] 1 8 9 4");
        check(0, ["int64[1] -1", "int64[1] -9", "int64[1] -2"], "float[2] 8 9", "float[4] 1 9 3 8");
        check(0, ["int32[1] 1", "int32[1] 1", "int32[1] 1"], "float[2] 8 9", "float[4] 1 2 3 4");
        check(
            1,
            middle,
            "float[3] 7 8 9",
            "INVALID_ARGUMENT: Cannot broadcast input shape [3] into final shape [2]",
        );
        check(1, ["int32[1] 1", "int32[1] 3", "int32[1] 0"], "float[2] 8 9", "INVALID_ARGUMENT: ");
        check(1, middle, "int32[2] 8 9", "INVALID_ARGUMENT: the value is int32, the variable float");
    }
}
