//! `RngSkip` and `RngReadAndSkip`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{PartialShape, Result, Tensor};

use crate::arguments::{from_variable, to_scalar};

/// Each moves the state of a generator on as drawing `delta` numbers would; one gives the state as it was.
///
/// The state is an `int64` vector variable of counter (two elements), key, and perhaps more.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RngSkip>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RngReadAndSkip>
pub const OPS: &[Op] = &[
    Op {
        name: "RngSkip",
        inputs: &["resource: resource", "algorithm: int64", "delta: int64"],
        outputs: &[],
        attrs: &[],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::one(build_skip),
    },
    Op {
        name: "RngReadAndSkip",
        inputs: &["resource: resource", "alg: int32", "delta: uint64"],
        outputs: &["value: int64"],
        attrs: &[],
        effect: Effect::Write,
        shape: value,
        kernels: Kernels::one(build_read),
    },
];

fn value(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::from([3])])
}

fn build_skip(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (algorithm, delta) = (to_scalar(ctx.input(1), 1)?, to_scalar::<i64>(ctx.input(2), 2)?);
        from_variable(ctx.variable(0)?, algorithm, delta as u64, |_| {})?;
        Ok(())
    }))
}

fn build_read(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (algorithm, delta) = (to_scalar::<i32>(ctx.input(1), 1)?, to_scalar(ctx.input(2), 2)?);
        let mut before = Vec::new();
        from_variable(ctx.variable(0)?, algorithm.into(), delta, |state| before.extend_from_slice(state))?;
        ctx.set(0, Tensor::from_vec([3], before)?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use savedmodel_op::testing::{OpTest, show};
    use savedmodel_op::{Op, Variable};
    use savedmodel_tensor::{DType, Handle, PartialShape, Tensor};

    fn call(name: &str, state: &Tensor, inputs: &[Tensor], dtype: Option<DType>) -> (String, String) {
        let variable = Arc::new(Variable::new("v", state.dtype(), PartialShape::unknown()));
        variable.assign(state.clone()).unwrap();
        let handle = Tensor::from_handles([], vec![Handle::new("", "v", Arc::clone(&variable))]).unwrap();
        let op: &'static Op = crate::OPS.iter().copied().flatten().find(|op| op.name == name).unwrap();
        let test = inputs.iter().cloned().fold(OpTest::new(op).input(handle), OpTest::input);
        let test = dtype.into_iter().fold(test, |test, dtype| test.attr("dtype", dtype));
        (show(&test.run()), show(&Ok(vec![variable.read().unwrap()])))
    }

    #[test]
    fn states() {
        let check = |name: &str, state: Tensor, inputs: &[Tensor], want: (&str, &str)| {
            let got = call(name, &state, inputs, None);
            assert!(got.0.starts_with(want.0) && got.1 == want.1, "{name}: {got:?}");
        };
        let state = |len: i64| Tensor::from_vec([len as usize], (1..=len).collect()).unwrap();
        let (alg, delta) = (Tensor::scalar(1_i32), Tensor::scalar(2_u64));
        check("RngReadAndSkip", state(4), &[alg, delta.clone()], ("int64[3] 1 2 3", "int64[4] 513 2 3 4"));
        let skip = |algorithm: i64, delta: i64| [Tensor::scalar(algorithm), Tensor::scalar(delta)];
        check("RngSkip", state(3), &skip(1, -2), ("", "int64[3] -511 2 3"));
        check("RngSkip", state(3), &skip(2, 1), ("UNIMPLEMENTED: Non-XLA devices", "int64[3] 1 2 3"));
        check(
            "RngSkip",
            state(3),
            &skip(9, 1),
            ("INVALID_ARGUMENT: Unsupported algorithm id: 9", "int64[3] 1 2 3"),
        );
        check(
            "RngSkip",
            state(2),
            &skip(1, 1),
            ("INVALID_ARGUMENT: For the Philox algorithm", "int64[2] 1 2"),
        );
        let floats = Tensor::from_vec([1], vec![1.0_f32]).unwrap();
        check("RngSkip", floats, &skip(1, 1), ("INVALID_ARGUMENT: dtype of RNG state", "float[1] 1"));
        let matrix = state(3).reshape([1, 3]).unwrap();
        check(
            "RngSkip",
            matrix,
            &skip(1, 1),
            ("INVALID_ARGUMENT: RNG state must have one", "int64[1,3] 1 2 3"),
        );
        let vector = [Tensor::from_vec([1], vec![1_i32]).unwrap(), delta];
        check("RngReadAndSkip", state(3), &vector, ("INVALID_ARGUMENT: input 1 (0-based)", "int64[3] 1 2 3"));
    }

    #[test]
    fn draws_move_on() {
        let state = Tensor::from_vec([3], vec![1_i64, 2, 3]).unwrap();
        let check = |name: &str, dtype: DType, more: &[Tensor], want: &str| {
            let inputs =
                [&[Tensor::scalar(1_i64), Tensor::from_vec([1], vec![3_i64]).unwrap()], more].concat();
            let dtype = if more.is_empty() { Some(dtype) } else { None };
            let got = call(name, &state, &inputs, dtype);
            assert_eq!(got, (want.to_owned(), "int64[3] 769 2 3".to_owned()), "{name}");
        };
        check("StatefulUniform", DType::Float, &[], "float[3] 0.45901167 0.53342485 0.9627732");
        check("StatefulTruncatedNormal", DType::Float, &[], "float[3] -0.26016375 -1.220522 -0.26770854");
        check("StatefulUniformFullInt", DType::Uint32, &[], "uint32[3] 1027260645 4064560964 3623566375");
        let bounds = [Tensor::scalar(0_i64), Tensor::scalar(100_i64)];
        check("StatefulUniformInt", DType::Int64, &bounds, "int64[3] 89 83 38");
    }
}
