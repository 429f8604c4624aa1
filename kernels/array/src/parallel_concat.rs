//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Unit, by_unit};

use crate::dtypes::POD_STRING;

/// Puts tensors of one row each below each other; the shape is known from the attribute.
///
/// A row that no input fills is zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParallelConcat>
pub const OP: Op = Op {
    name: "ParallelConcat",
    inputs: &["values: N * T"],
    outputs: &["output: T"],
    attrs: &["N: int >= 1", "T: type", "shape: shape"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POD_STRING)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.attr("shape").unwrap_or_default()])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let shape: PartialShape = node.attr("shape")?;
    let shape = shape.known().filter(|shape| shape.rank() > 0);
    let shape = shape.ok_or_else(|| Error::invalid_argument("shape must be fully known, with rows"))?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut row = shape.clone();
        row.dims_mut()[0] = 1;
        if let Some(value) = ctx.inputs(0).find(|value| *value.shape() != row) {
            let text = format!("value and update shape doesn't match {shape} vs. {}", value.shape());
            return Err(Error::invalid_argument(text));
        }
        if ctx.input_len() > shape[0] {
            let text = format!("{} rows do not fit into shape {shape}", ctx.input_len());
            return Err(Error::invalid_argument(text));
        }
        by_unit!(ctx.input(0).dtype(), U => below::<U>(ctx, &shape))
    }))
}

fn below<U: Unit>(ctx: &mut Context<'_>, shape: &Shape) -> Result<()> {
    let mut output = ctx.run().allocate(ctx.input(0).dtype(), shape)?;
    let mut rest = output.units_mut::<U>()?;
    for value in ctx.inputs(0) {
        let (row, tail) = rest.split_at_mut(value.elements());
        row.clone_from_slice(value.units()?);
        rest = tail;
    }
    ctx.set(0, output);
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
                ("ParallelConcat", "shape=[2,2]", "float[1,2] 1 2; float[1,2] 3 4", "float[2,2] 1 2 3 4"),
                ("ParallelConcat", "shape=[1]", "string[1] 'a'", "string[1] 'a'"),
                (
                    "ParallelConcat",
                    "shape=[2,2]",
                    "float[1,2] 1 2; float[1,3] 3 4 5",
                    "INVALID_ARGUMENT: value and update shape doesn't match [2,2] vs. [1,3]",
                ),
            ],
        );
    }
}
