//! See [`OP`].

use savedmodel_math::gemm::{Activation, Epilogue, Gemm, PackedB, View};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Element, Error, Result, Tensor};

use crate::batch_matmul::{Rule, shape};

/// Multiplies two matrices, adds a bias to each column and applies an activation, in one pass over the result.
///
/// Graph optimisers make it, TensorFlow's and ours. `fused_ops` is `BiasAdd`, perhaps followed by one of `Relu`, `Relu6`,
/// `Elu`, `LeakyRelu`, `Tanh`, `Sigmoid`, `GeluExact` and `GeluApproximate`. A constant `b` is packed when the kernel is made.
pub const OP: Op = Op {
    name: "_FusedMatMul",
    inputs: &["a: T", "b: T", "args: num_args * T"],
    outputs: &["product: T"],
    attrs: &[
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "T: {bfloat16, half, float}",
        "num_args: int >= 0",
        "fused_ops: list(string) = []",
        "epsilon: float = 0.0001",
        "leakyrelu_alpha: float = 0.2",
    ],
    effect: Effect::Pure,
    shape: |ctx| shape(ctx, &Rule::MATMUL),
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let [transpose_a, transpose_b] = [node.attr::<bool>("transpose_a")?, node.attr::<bool>("transpose_b")?];
    let activation = activation(node)?;
    let packed = match node.constant(1) {
        Some(b) if b.rank() == 2 => {
            let [k, n] = sizes(b, transpose_b);
            Some(PackedB::new(k, n, view(b, [k, n], transpose_b)?))
        }
        _ => None,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b, bias) = (ctx.input(0), ctx.input(1), ctx.input(2));
        if a.rank() != 2 || b.rank() != 2 {
            return Err(Error::invalid_argument(format!("In[0] and In[1] ndims must be == 2: {}", a.rank())));
        }
        let ([m, k], [inner, n]) = (sizes(a, transpose_a), sizes(b, transpose_b));
        if k != inner {
            return Err(Error::invalid_argument(format!(
                "Matrix size-incompatible: In[0]: {}, In[1]: {}",
                a.shape(),
                b.shape()
            )));
        }
        if bias.shape().dims() != [n] {
            return Err(Error::invalid_argument(format!(
                "bias must be a vector of {n}, got {}",
                bias.shape()
            )));
        }
        let mut out = ctx.allocate(f32::DTYPE, [m, n])?;
        let gemm = Gemm {
            epilogue: Epilogue { bias: bias.as_slice()?, residual: &[], activation },
            ..Gemm::default()
        };
        let left = view(a, [m, k], transpose_a)?;
        match &packed {
            Some(packed) => gemm.run([m, k, n], left, packed, out.as_mut_slice()?),
            None => gemm.run([m, k, n], left, view(b, [k, n], transpose_b)?, out.as_mut_slice()?),
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn sizes(matrix: &Tensor, transposed: bool) -> [usize; 2] {
    let [rows, columns] = [matrix.shape()[0], matrix.shape()[1]];
    if transposed { [columns, rows] } else { [rows, columns] }
}

fn view(matrix: &Tensor, sizes: [usize; 2], transposed: bool) -> Result<View<'_, f32>> {
    Ok(View::maybe_t(matrix.as_slice()?, sizes, transposed))
}

/// The activation that `fused_ops` names after `BiasAdd`.
fn activation(node: &Construction<'_>) -> Result<Activation> {
    let ops: Vec<String> = node.attr("fused_ops")?;
    let ops: Vec<&str> = ops.iter().map(String::as_str).collect();
    let ["BiasAdd", rest @ ..] = &ops[..] else { return Err(node.unimplemented("fused_ops")) };
    match rest {
        [] => Ok(Activation::Identity),
        ["Relu"] => Ok(Activation::Relu),
        ["Relu6"] => Ok(Activation::Relu6),
        ["Elu"] => Ok(Activation::Elu),
        ["LeakyRelu"] => Ok(Activation::LeakyRelu(node.attr("leakyrelu_alpha")?)),
        ["Tanh"] => Ok(Activation::Tanh),
        ["Sigmoid"] => Ok(Activation::Sigmoid),
        ["GeluExact"] => Ok(Activation::Gelu),
        ["GeluApproximate"] => Ok(Activation::GeluTanh),
        _ => Err(node.unimplemented("fused_ops")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn bias_then_activation() {
        let call = |ops: Vec<&'static str>, bias: Vec<f32>| {
            let matrix = |shape: [usize; 2], values: &[f32]| Tensor::from_slice(shape, values).unwrap();
            let test = OpTest::new(&OP)
                .input(matrix([1, 2], &[1.0, 2.0]))
                .constant(matrix([2, 2], &[1.0, 2.0, 3.0, 4.0]));
            let test = test.input(Tensor::from_slice([bias.len()], &bias).unwrap());
            let run = test.attr("fused_ops", ops).attr("num_args", 1_i64).run();
            run.map(|out| out[0].as_slice::<f32>().unwrap().to_vec()).map_err(|e| e.code())
        };
        use savedmodel_tensor::Code;
        assert_eq!(call(vec!["BiasAdd"], vec![-8.0, 1.0]), Ok(vec![-1.0, 11.0]));
        assert_eq!(call(vec!["BiasAdd", "Relu"], vec![-8.0, 1.0]), Ok(vec![0.0, 11.0]));
        assert_eq!(call(vec!["BiasAdd", "Relu6"], vec![-8.0, 1.0]), Ok(vec![0.0, 6.0]));
        assert_eq!(call(vec!["BiasAdd", "Exp"], vec![-8.0, 1.0]), Err(Code::Unimplemented));
        assert_eq!(call(vec!["BiasAdd"], vec![1.0]), Err(Code::InvalidArgument));
    }
}
