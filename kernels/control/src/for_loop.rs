//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

/// Calls a function with each number from `start` on, `delta` apart and before `limit`, and what it gave the time before.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/For>
pub const OP: Op = Op {
    name: "For",
    inputs: &["start: int32", "limit: int32", "delta: int32", "input: T"],
    outputs: &["output: T"],
    attrs: &["T: list(type) >= 0", "body: func"],
    effect: Effect::External,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let body = node.function("body")?;
    let dtypes: Vec<DType> = node.attr("T")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [start, limit, delta] =
            [number(ctx, 0, "start")?, number(ctx, 1, "limit")?, number(ctx, 2, "delta")?];
        if start.cmp(&limit) != 0.cmp(&delta) && start != limit {
            return Err(Error::invalid_argument(format!(
                "Invalid start/limit/delta: {start} {limit} {delta}"
            )));
        }
        let mut values: Vec<Tensor> = (3..ctx.input_len()).map(|i| ctx.take(i)).collect();
        let run = ctx.run();
        // In 64 bits, the number after the last one is no surprise.
        let mut i = i64::from(start);
        while if delta > 0 { i < limit.into() } else { i > limit.into() } {
            values.insert(0, Tensor::scalar(i as i32));
            values = body.call(&run, values)?;
            check(&values, &dtypes)?;
            i += i64::from(delta);
        }
        values.into_iter().enumerate().for_each(|(i, value)| ctx.set(i, value));
        Ok(())
    }))
}

fn number(ctx: &Context<'_>, i: usize, name: &str) -> Result<i32> {
    let tensor = ctx.input(i);
    if tensor.rank() != 0 {
        return Err(Error::invalid_argument(format!("{name} must be a scalar, but {}", tensor.shape())));
    }
    tensor.to_scalar::<i32>()
}

fn check(values: &[Tensor], dtypes: &[DType]) -> Result<()> {
    if values.len() != dtypes.len() {
        return Err(Error::internal(format!(
            "Expect to produce {} tensors, but only get {}",
            dtypes.len(),
            values.len()
        )));
    }
    match values.iter().zip(dtypes).position(|(value, &dtype)| value.dtype() != dtype) {
        None => Ok(()),
        Some(i) => Err(Error::invalid_argument(format!(
            "Expects arg[{}] to be {} but {} is provided",
            i + 1,
            dtypes[i],
            values[i].dtype()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_around() {
        let row = |dtypes: &[DType], want: Option<&str>| {
            let got = check(&[Tensor::scalar(1_i32), Tensor::scalar(1.0_f32)], dtypes);
            assert_eq!(got.err().map(|error| error.message().to_owned()).as_deref(), want);
        };
        row(&[DType::Int32, DType::Float], None);
        row(&[DType::Int32], Some("Expect to produce 1 tensors, but only get 2"));
        row(&[DType::Int32, DType::Double], Some("Expects arg[2] to be double but float is provided"));
    }
}
