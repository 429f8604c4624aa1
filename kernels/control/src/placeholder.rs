//! `Placeholder`, `PlaceholderV2` and `PlaceholderWithDefault`: tensors that the caller gives.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

/// A placeholder never runs when it is fed; without a value it fails, or gives its default.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Placeholder>
pub const OPS: &[Op] = &[
    placeholder("Placeholder", &["dtype: type", "shape: shape = { unknown_rank: true }"]),
    placeholder("PlaceholderV2", &["dtype: type", "shape: shape"]),
    Op {
        name: "PlaceholderWithDefault",
        inputs: &["input: dtype"],
        outputs: &["output: dtype"],
        attrs: &["dtype: type", "shape: shape"],
        effect: Effect::Pure,
        shape: declared_or_refused,
        kernels: Kernels::one(build_default),
    },
];

const fn placeholder(name: &'static str, attrs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs: &[],
        outputs: &["output: dtype"],
        attrs,
        effect: Effect::External,
        shape: declared,
        kernels: Kernels::one(build_unfed),
    }
}

/// A default may have another shape than the declared one, as long as nobody knows before the run.
fn declared_or_refused(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let want: PartialShape = ctx.attr("shape").unwrap_or_default();
    let given = ctx.input(0);
    if want.merge(&given).is_none() {
        return Err(Error::invalid_argument(format!(
            "the default has shape {given}, the placeholder {want}"
        )));
    }
    Ok(vec![given])
}

fn declared(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    match ctx.attr("shape") {
        Some(shape) => Ok(vec![shape]),
        None => shape::unknown(ctx),
    }
}

fn build_unfed(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    let shape: PartialShape = node.attr("shape")?;
    let with_shape = shape.rank().map_or_else(String::new, |_| format!(" and shape {shape}"));
    let text = format!(
        "You must feed a value for placeholder tensor '{}' with dtype {dtype}{with_shape}",
        node.name
    );
    Ok(Box::new(move |_: &mut Context<'_>| Err(Error::invalid_argument(text.clone()))))
}

fn build_default(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let value = ctx.take(0);
        ctx.set(0, value);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Tensor;

    #[test]
    fn without_a_value() {
        let run =
            OpTest::new(&OPS[0]).attr("dtype", DType::Float).attr("shape", PartialShape::from([2])).run();
        let message = "You must feed a value for placeholder tensor 'test' with dtype float and shape [2]";
        assert_eq!(run.unwrap_err().message(), message);
    }

    #[test]
    fn with_a_default() {
        let call = |shape: PartialShape| {
            OpTest::new(&OPS[2]).input(Tensor::scalar(3_i32)).attr("shape", shape).run()
        };
        assert_eq!(call(PartialShape::unknown()).unwrap()[0].to_scalar::<i32>(), Ok(3));
        // Nobody knew of the shape before the run.
        assert_eq!(call(PartialShape::from([2])).unwrap()[0].to_scalar::<i32>(), Ok(3));
    }
}
