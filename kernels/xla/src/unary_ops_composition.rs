//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::calls::Ready;

/// Element-wise functions one after the other, each rounded to the dtype of all.
///
/// TensorFlow's rewrites leave it in graphs; it has no page of its own.
pub const OP: Op = Op {
    name: "_UnaryOpsComposition",
    inputs: &["x: T"],
    outputs: &["y: T"],
    attrs: &["T: {float, half, double}", "op_names: list(string)"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", &[DType::Double, DType::Float, DType::Half])], build),
};

/// The functions that may stand in it.
const FUNCTIONS: &[&str] = &[
    "Abs",
    "Ceil",
    "Cos",
    "Elu",
    "Exp",
    "Expm1",
    "Floor",
    "Inv",
    "Log",
    "Log1p",
    "Neg",
    "Reciprocal",
    "Relu",
    "Relu6",
    "Round",
    "Rsqrt",
    "Selu",
    "Sigmoid",
    "Sin",
    "Sqrt",
    "Square",
    "Tanh",
];

/// Those that may not when the dtype is half.
const WIDE: &[&str] = &["Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Rint", "Sinh", "Tan"];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let names: Vec<String> = node.attr("op_names")?;
    let known =
        |name: &str| FUNCTIONS.contains(&name) || node.inputs[0] != DType::Half && WIDE.contains(&name);
    let ready = |name: &String| match known(name) {
        true => Ready::unary(node, name),
        false => {
            Err(Error::invalid_argument(format!("Do not have a compute function registered for op: {name}")))
        }
    };
    let functions: Vec<Ready> = names.iter().map(ready).collect::<Result<_>>()?;
    if functions.is_empty() {
        return Err(Error::invalid_argument("Unary op composition must have at least one op"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let run = ctx.run();
        let first = ctx.take(0);
        let last = functions.iter().try_fold(first, |x, function| function.call(&run, x))?;
        ctx.set(0, last);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let name = "_UnaryOpsComposition";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (name, "op_names=[Abs,Sqrt,Neg]", "float[3] 4 -9 0", "float[3] -2 -3 -0"),
                (name, "op_names=[Square,Relu6]", "half[2] 2 -3", "half[2] 4 6"),
                (
                    name,
                    "op_names=[Acos]",
                    "half[1] 1",
                    "INVALID_ARGUMENT: Do not have a compute function registered for op: Acos",
                ),
                (
                    name,
                    "op_names=[]",
                    "float[1] 1",
                    "INVALID_ARGUMENT: Unary op composition must have at least one op",
                ),
            ],
        );
    }
}
