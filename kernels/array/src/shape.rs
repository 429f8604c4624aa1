//! Operators that tell the shape of their inputs.

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape as shapes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::index;

/// Shape (also of several tensors), number of elements and number of dimensions.
///
/// `Shape` and `Size` give `int32` unless asked for `int64`, and refuse what does not fit.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Shape> and the pages of the others.
pub const OPS: &[Op] = &[
    Op {
        name: "Shape",
        inputs: &["input: T"],
        outputs: &["output: out_type"],
        attrs: &["T: type", "out_type: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape: of_rank,
        kernels: Kernels::All(&[("out_type", INDICES)], build_shape),
    },
    Op {
        name: "ShapeN",
        inputs: &["input: N * T"],
        outputs: &["output: N * out_type"],
        attrs: &["N: int >= 1", "T: type", "out_type: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape: of_rank,
        kernels: Kernels::All(&[("out_type", INDICES)], build_shape),
    },
    Op {
        name: "Size",
        inputs: &["input: T"],
        outputs: &["output: out_type"],
        attrs: &["T: type", "out_type: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape: shapes::scalar,
        kernels: Kernels::All(&[("out_type", INDICES)], build_size),
    },
    Op {
        name: "Rank",
        inputs: &["input: T"],
        outputs: &["output: int32"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shapes::scalar,
        kernels: Kernels::one(build_rank),
    },
];

fn of_rank(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(ctx.inputs.iter().map(|input| PartialShape::new([input.rank()])).collect())
}

fn build_shape(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("out_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        for i in 0..ctx.input_len() {
            let dims = shape_tensor(dtype, ctx.input(i).shape())?;
            ctx.set(i, dims);
        }
        Ok(())
    }))
}

fn shape_tensor(dtype: DType, shape: &Shape) -> Result<Tensor> {
    let large = shape.iter().position(|&dim| i32::try_from(dim).is_err());
    match large.filter(|_| dtype == DType::Int32) {
        Some(i) => {
            Err(Error::invalid_argument(format!("Shape output type is 32-bit  but dim {i} is {}", shape[i])))
        }
        None => index::tensor(dtype, [shape.rank()], &shape.to_i64()),
    }
}

fn build_size(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("out_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let size = ctx.input(0).elements();
        if dtype == DType::Int32 && i32::try_from(size).is_err() {
            return Err(Error::invalid_argument(
                "Number of elements was larger than representable by 32-bit output type",
            ));
        }
        let size = index::tensor(dtype, [], &[size as i64])?;
        ctx.set(0, size);
        Ok(())
    }))
}

fn build_rank(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let rank = Tensor::scalar(ctx.input(0).rank() as i32);
        ctx.set(0, rank);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Shape", "", "float[2,1] 1 2", "int32[2] 2 1"),
                ("Shape", "out_type=int64", "string[]  'a'", "int64[0]"),
                ("Shape", "", "int32[0,4]", "int32[2] 0 4"),
                ("ShapeN", "", "float[1] 1; float[]  2; float[0,2]", "int32[1] 1; int32[0]; int32[2] 0 2"),
                ("ShapeN", "out_type=int64", "bool[1] true", "int64[1] 1"),
                ("Size", "", "float[2,2] 1 2 3 4", "int32[] 4"),
                ("Size", "out_type=int64", "string[0]", "int64[] 0"),
                ("Rank", "", "float[2,1,1] 1 2", "int32[] 3"),
                ("Rank", "", "string[] 'a'", "int32[] 0"),
            ],
        );
    }
}
