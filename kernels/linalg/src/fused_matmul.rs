//! See [`OPS`].

use std::borrow::Cow;

use savedmodel_math::gemm::{Activation, Epilogue, Gemm, PackedB, View};
use savedmodel_math::narrow::Narrow;
use savedmodel_op::shape::{broadcast_known, broadcast_shapes};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::batch_matmul::{Rule, shape};

/// Multiplies two matrices, adds a bias to each column and applies an activation, in one pass over the result.
///
/// Graph optimisers make them, TensorFlow's and ours; the one for batches multiplies all of them with one matrix. `fused_ops` is
/// `BiasAdd`, perhaps followed by `Add` of another tensor (of single precision, which broadcasts), then by one of `Relu`, `Relu6`, `Elu`, `LeakyRelu`, `Tanh`,
/// `Sigmoid`, `HardSwish`, `GeluExact` and `GeluApproximate`. A constant second matrix is packed when the kernel is made.
pub const OPS: &[Op] = &[
    Op {
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
        shape: |ctx| shapes(ctx, &Rule::MATMUL),
        kernels: Kernels::All(&[("T", &[DType::Float, DType::Half, DType::Bfloat16])], |node| {
            build(node, ["transpose_a", "transpose_b"], false)
        }),
    },
    Op {
        name: "_FusedBatchMatMulV2",
        inputs: &["x: T", "y: T", "args: num_args * T"],
        outputs: &["output: T"],
        attrs: &[
            "adj_x: bool = false",
            "adj_y: bool = false",
            "T: {bfloat16, half, float}",
            "num_args: int >= 0",
            "fused_ops: list(string) = []",
            "epsilon: float = 0.0001",
            "leakyrelu_alpha: float = 0.2",
        ],
        effect: Effect::Pure,
        shape: |ctx| shapes(ctx, &Rule::BROADCAST),
        kernels: Kernels::All(&[("T", &[DType::Float])], |node| build(node, ["adj_x", "adj_y"], true)),
    },
];

/// The shape of a product after its steps.
fn shapes(ctx: &ShapeContext<'_>, rule: &Rule) -> Result<Vec<PartialShape>> {
    let shapes = shape(ctx, rule)?;
    match (&shapes[..], ctx.inputs.len()) {
        ([product], 4) => Ok(vec![broadcast_shapes(product, &ctx.input(ADDED))?]),
        _ => Ok(shapes),
    }
}

/// The input that is added after the bias.
const ADDED: usize = 3;

fn build(node: &Construction<'_>, transpose: [&str; 2], batches: bool) -> Result<Box<dyn Kernel>> {
    let [transpose_a, transpose_b] = [node.attr::<bool>(transpose[0])?, node.attr::<bool>(transpose[1])?];
    if batches && transpose_a {
        return Err(node.unimplemented(transpose[0]));
    }
    let Steps { adds, activation } = steps(node)?;
    if adds && node.inputs.len() != 4 {
        return Err(node.unimplemented("fused_ops"));
    }
    if !adds && node.inputs.len() != 3 {
        return Err(Error::invalid_argument("Fused MatMul with BiasAdd must have one extra argument: bias."));
    }
    let dtype = node.outputs[0];
    if adds && dtype != DType::Float {
        return Err(node.unimplemented("T"));
    }
    let packed = match node.constant(1) {
        Some(b) if b.rank() == 2 && dtype == DType::Float => {
            let [k, n] = sizes(b, transpose_b);
            let view = View::maybe_t(b.as_slice()?, [k, n], transpose_b);
            Some(PackedB::perhaps_rounded(node.rounds(), [k, n], view))
        }
        _ => None,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) = (ctx.input(0), ctx.input(1));
        let is_row = a.rank() < 2 || a.rank() > 2 && !batches;
        if is_row || b.rank() != 2 {
            return Err(Error::invalid_argument(format!("In[0] and In[1] ndims must be == 2: {}", a.rank())));
        }
        let [outer @ .., rows, columns] = a.shape().dims() else { return Ok(()) };
        let (m, k) = if transpose_a { (*columns, *rows) } else { (*rows, *columns) };
        let [inner, n] = sizes(b, transpose_b);
        if k != inner {
            return Err(Error::invalid_argument(format!(
                "Matrix size-incompatible: In[0]: {}, In[1]: {}",
                a.shape(),
                b.shape()
            )));
        }
        let shape: Shape = outer.iter().copied().chain([m, n]).collect();
        let m = outer.iter().product::<usize>() * m;
        // TensorFlow's kernel does nothing then, not even add the bias.
        if k == 0 && !adds && !batches {
            let zeros = ctx.run().allocate(dtype, shape)?;
            ctx.set(0, zeros);
            return Ok(());
        }
        let bias = ctx.input(2).shape();
        if bias.dims() != [n] {
            return Err(Error::invalid_argument(format!("bias must be a vector of {n}, got {bias}")));
        }
        // What is added last is where the result comes, if nothing else needs it.
        let over = if adds { ctx.forward(ADDED, dtype, &shape) } else { None };
        let accumulate = over.is_some();
        let adds = adds && !accumulate;
        let mut out = over.map_or_else(|| ctx.allocate(dtype, shape), Ok)?;
        let [left, right, bias] = [wide(ctx.input(0))?, wide(ctx.input(1))?, wide(ctx.input(2))?];
        let added = if adds { Some(ctx.input(ADDED)) } else { None };
        // Another shape is added when the product is done.
        let later = added.filter(|added| added.shape() != out.shape());
        let residual = match added {
            Some(added) if later.is_none() => added.as_slice()?,
            _ => &[],
        };
        let epilogue = match later {
            Some(_) => Epilogue { bias: &bias, ..Epilogue::default() },
            None => Epilogue { bias: &bias, residual, accumulate, activation },
        };
        let gemm = Gemm { epilogue, ..Gemm::default() };
        let left = View::maybe_t(&left, [m, k], transpose_a);
        let run = |out: &mut [f32]| match &packed {
            Some(packed) => gemm.run([m, k, n], left, packed, out),
            None => gemm.run([m, k, n], left, View::maybe_t(&right, [k, n], transpose_b), out),
        };
        match dtype {
            DType::Half => rounded::<f16>(run, out.as_mut_slice()?),
            DType::Bfloat16 => rounded::<bf16>(run, out.as_mut_slice()?),
            _ => run(out.as_mut_slice()?),
        }
        if let Some(later) = later {
            out = sum(ctx, &out, later, activation)?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// The activation of the sum of two tensors that broadcast.
fn sum(ctx: &Context<'_>, a: &Tensor, b: &Tensor, activation: Activation) -> Result<Tensor> {
    let shape = broadcast_known(a.shape(), b.shape())?;
    let mut out = ctx.allocate(DType::Float, &shape)?;
    let strides = [a, b].map(|tensor| strides(tensor.shape(), &shape));
    let (a, b) = (a.as_slice::<f32>()?, b.as_slice::<f32>()?);
    let mut sums = Vec::with_capacity(out.elements());
    for mut at in 0..out.elements() {
        let mut places = [0; 2];
        for (axis, &size) in shape.iter().enumerate().rev() {
            places.iter_mut().zip(&strides).for_each(|(place, strides)| *place += at % size * strides[axis]);
            at /= size;
        }
        sums.push(a[places[0]] + b[places[1]]);
    }
    let len = sums.len();
    let none = View::new(&[], len);
    let epilogue = Epilogue { residual: &sums, activation, ..Epilogue::default() };
    Gemm { epilogue, ..Gemm::default() }.run([1, 0, len], none, none, out.as_mut_slice()?);
    Ok(out)
}

/// The distances between elements of a tensor that is read as of another shape.
fn strides(shape: &Shape, out: &Shape) -> Vec<usize> {
    let (mut strides, mut step) = (vec![0; out.rank()], 1);
    for (stride, &size) in strides.iter_mut().rev().zip(shape.iter().rev()) {
        *stride = if size == 1 { 0 } else { step };
        step *= size;
    }
    strides
}

fn sizes(matrix: &Tensor, transposed: bool) -> [usize; 2] {
    let [rows, columns] = [matrix.shape()[0], matrix.shape()[1]];
    if transposed { [columns, rows] } else { [rows, columns] }
}

/// The elements in single precision.
fn wide(tensor: &Tensor) -> Result<Cow<'_, [f32]>> {
    fn widened<T: Element + Narrow>(tensor: &Tensor) -> Result<Cow<'_, [f32]>> {
        let mut values = vec![0.0; tensor.elements()];
        T::widen(tensor.as_slice()?, &mut values);
        Ok(values.into())
    }
    match tensor.dtype() {
        DType::Half => widened::<f16>(tensor),
        DType::Bfloat16 => widened::<bf16>(tensor),
        _ => Ok(tensor.as_slice::<f32>()?.into()),
    }
}

/// What `run` computes, rounded once at the end.
fn rounded<T: Narrow>(run: impl FnOnce(&mut [f32]), out: &mut [T]) {
    let mut values = vec![0.0; out.len()];
    run(&mut values);
    T::narrow(&values, out);
}

/// What follows the bias.
struct Steps {
    /// Whether another tensor is added.
    adds: bool,
    activation: Activation,
}

/// What `fused_ops` names after `BiasAdd`.
fn steps(node: &Construction<'_>) -> Result<Steps> {
    let ops: Vec<String> = node.attr("fused_ops")?;
    let ops: Vec<&str> = ops.iter().map(String::as_str).collect();
    if ops.is_empty() {
        return Err(Error::invalid_argument("Fused MatMul must have at least one fused op."));
    }
    let ["BiasAdd", rest @ ..] = &ops[..] else { return Err(node.unimplemented("fused_ops")) };
    let (adds, rest) = match rest {
        ["Add", rest @ ..] => (true, rest),
        _ => (false, rest),
    };
    let activation = match rest {
        [] => Activation::Identity,
        ["Relu"] => Activation::Relu,
        ["Relu6"] => Activation::Relu6,
        ["Elu"] => Activation::Elu,
        ["LeakyRelu"] => Activation::LeakyRelu(node.attr("leakyrelu_alpha")?),
        ["Tanh"] => Activation::Tanh,
        ["Sigmoid"] => Activation::Sigmoid,
        ["HardSwish"] => Activation::HardSwish,
        ["GeluExact"] => Activation::Gelu,
        ["GeluApproximate"] => Activation::GeluTanh,
        _ => return Err(node.unimplemented("fused_ops")),
    };
    Ok(Steps { adds, activation })
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn bias_then_activation() {
        let call = |ops: Vec<&'static str>, bias: Vec<f32>| {
            let matrix = |shape: [usize; 2], values: &[f32]| Tensor::from_slice(shape, values).unwrap();
            let test = OpTest::new(&OPS[0])
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

    #[test]
    fn no_products_are_zeros_without_bias() -> Result<()> {
        let empty = |shape: [usize; 2]| Tensor::zeros(DType::Float, shape);
        let test = OpTest::new(&OPS[0]).input(empty([2, 0])?).input(empty([0, 3])?);
        let test = test.input(Tensor::from_slice([3], &[1.0_f32, 2.0, 3.0])?);
        let out = test.attr("fused_ops", vec!["BiasAdd"]).attr("num_args", 1_i64).run()?;
        assert_eq!(out[0].as_slice::<f32>()?, [0.0; 6]);
        Ok(())
    }

    #[test]
    fn another_tensor_is_added() {
        let call = |rows: usize, shape: &[usize], ops: Vec<&'static str>| {
            let numbers = |shape: &[usize], start: f32| {
                let values: Vec<f32> = (0..shape.iter().product()).map(|i| i as f32 + start).collect();
                Tensor::from_slice(shape, &values).unwrap()
            };
            let test = OpTest::new(&OPS[0]).input(numbers(&[rows, 1], 1.0)).constant(numbers(&[1, 2], 1.0));
            let test = test.input(numbers(&[2], 0.0)).input(numbers(shape, -9.0));
            let out = test
                .attr("fused_ops", ops)
                .attr("num_args", 2_i64)
                .run()
                .map_err(|e| e.message().to_owned())?;
            Ok((out[0].shape().dims().to_vec(), out[0].as_slice::<f32>().unwrap().to_vec()))
        };
        let add = || vec!["BiasAdd", "Add"];
        assert_eq!(call(2, &[2, 2], add()), Ok((vec![2, 2], vec![-8.0, -5.0, -5.0, -1.0])));
        assert_eq!(call(2, &[2], add()), Ok((vec![2, 2], vec![-8.0, -5.0, -7.0, -3.0])));
        assert_eq!(call(1, &[2, 1], add()), Ok((vec![2, 2], vec![-8.0, -6.0, -7.0, -5.0])));
        assert_eq!(call(1, &[1, 1, 2], add()), Ok((vec![1, 1, 2], vec![-8.0, -5.0])));
        assert_eq!(call(2, &[2, 1], vec!["BiasAdd", "Add", "Relu"]), Ok((vec![2, 2], vec![0.0; 4])));
        assert_eq!(call(0, &[1, 2], add()), Ok((vec![0, 2], vec![])));
        assert_eq!(call(2, &[3, 2], add()), Err("Incompatible shapes: [2,2] vs. [3,2]".to_owned()));
    }

    #[test]
    fn rows_of_any_number_of_dimensions() {
        let call = |shape: &[usize], adj_x: bool| {
            let values: Vec<f32> = (1..=shape.iter().product()).map(|i| i as f32).collect();
            let test = OpTest::new(&OPS[1]).input(Tensor::from_slice(shape, &values).unwrap());
            let test = test.constant(Tensor::from_slice([1, 2], &[1.0_f32, 1.0]).unwrap());
            let test = test.input(Tensor::from_slice([1], &[0.5_f32]).unwrap());
            let test = test.attr("fused_ops", vec!["BiasAdd"]).attr("num_args", 1_i64);
            let out = test.attr("adj_y", true).attr("adj_x", adj_x).run().map_err(|e| e.code())?;
            Ok((out[0].shape().dims().to_vec(), out[0].as_slice::<f32>().unwrap().to_vec()))
        };
        use savedmodel_tensor::Code;
        assert_eq!(call(&[2, 1, 2], false), Ok((vec![2, 1, 1], vec![3.5, 7.5])));
        assert_eq!(call(&[1, 2], false), Ok((vec![1, 1], vec![3.5])));
        assert_eq!(call(&[0, 3, 2], false), Ok((vec![0, 3, 1], vec![])));
        assert_eq!(call(&[2], false), Err(Code::InvalidArgument));
        assert_eq!(call(&[1, 2], true), Err(Code::Unimplemented));
    }
}
