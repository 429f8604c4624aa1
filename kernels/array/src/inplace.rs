//! Rows of a tensor replaced, added to or subtracted from.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Shape, Tensor};

use crate::index;
use crate::scatter_nd::{Combine, scatter_nd};

const fn inplace(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["x: T", "i: int32", "v: T"],
        outputs: &["y: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(build),
    }
}

/// Replaces (`InplaceUpdate`), adds to or subtracts from rows of a tensor.
///
/// Row numbers wrap around. As values never change here, the input stays what it is for other readers.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/InplaceUpdate>.
pub const OPS: &[Op] = &[inplace("InplaceUpdate"), inplace("InplaceAdd"), inplace("InplaceSub")];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let combine = match node.op() {
        "InplaceAdd" => Combine::Add,
        "InplaceSub" => Combine::Sub,
        _ => Combine::Update,
    };
    let dtype = node.inputs[0];
    let computes = dtype.is_floating() || dtype.is_integer() || dtype.is_complex();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (x, i, v) = (ctx.input(0).shape(), ctx.input(1), ctx.input(2).shape());
        check(x, i.shape(), v)?;
        if combine != Combine::Update && !computes {
            return Err(Error::invalid_argument(format!("Unsupported data type: {dtype}")));
        }
        let rows = x[0] as i64;
        let numbers: Vec<i64> = i.to_i64s()?.into_iter().map(|i| i.rem_euclid(rows.max(1))).collect();
        let numbers: Tensor = index::tensor(savedmodel_tensor::DType::Int64, [numbers.len(), 1], &numbers)?;
        let mut output = ctx.take(0);
        if output.elements() > 0 && ctx.input(2).elements() > 0 {
            scatter_nd(&mut output, &numbers, ctx.input(2), combine, false)?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn check(x: &Shape, i: &Shape, v: &Shape) -> Result<()> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if i.rank() != 1 {
        return refuse(format!("i must be a vector. {i}"));
    }
    if x.rank() != v.rank() || x.rank() == 0 {
        return refuse(format!("x and v shape doesn't match (ranks differ): {x} vs. {v}"));
    }
    if let Some(at) = (1..x.rank()).find(|&at| x[at] != v[at]) {
        return refuse(format!("x and v shape doesn't match at index {at} : {x} vs. {v}"));
    }
    if i[0] != v[0] {
        return refuse(format!("i and x shape doesn't match at index 0: {i} vs. {v}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                (
                    "InplaceAdd",
                    "",
                    "float[2,2] 1 2 3 4; int32[2] 0 0; float[2,2] 1 1 2 2",
                    "float[2,2] 4 5 3 4",
                ),
                (
                    "InplaceUpdate",
                    "",
                    "int32[2,2] 1 2 3 4; int32[2] 0 0; int32[2,2] 1 1 2 2",
                    "int32[2,2] 2 2 3 4",
                ),
                (
                    "InplaceUpdate",
                    "",
                    "string[1,2] 'a' 'b'; int32[1] 0; string[1,2] 'c' 'd'",
                    "string[1,2] 'c' 'd'",
                ),
                ("InplaceSub", "", "int8[2,2] 1 2 3 4; int32[2] 0 1; int8[2,2] 1 1 2 2", "int8[2,2] 0 1 1 2"),
                (
                    "InplaceSub",
                    "",
                    "float[2,2] 1 2 3 4; int32[2] 3 -1; float[2,2] 1 1 1 1",
                    "float[2,2] 1 2 1 2",
                ),
                (
                    "InplaceSub",
                    "",
                    "float[2,2] 1 2 3 4; int32[1] 1; float[2,2] 1 1 2 2",
                    "INVALID_ARGUMENT: i and x shape doesn't match at index 0: [1] vs. [2,2]",
                ),
                (
                    "InplaceSub",
                    "",
                    "float[2,2] 1 2 3 4; int32[] 1; float[2] 1 1",
                    "INVALID_ARGUMENT: i must be a vector. []",
                ),
                ("InplaceSub", "", "float[0,2]; int32[2] 2 0; float[2,2] 1 1 1 1", "float[0,2]"),
                (
                    "InplaceSub",
                    "",
                    "float[2,2] 1 2 3 4; int32[1] 1; float[1,3] 1 1 1",
                    "INVALID_ARGUMENT: x and v shape doesn't match at index 1 : [2,2] vs. [1,3]",
                ),
                (
                    "InplaceAdd",
                    "",
                    "bool[1] true; int32[1] 0; bool[1] true",
                    "INVALID_ARGUMENT: Unsupported data type: bool",
                ),
            ],
        );
    }
}
