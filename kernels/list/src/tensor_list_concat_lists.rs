//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Variant};

use crate::TensorList;

/// Appends to each list of a tensor of lists the elements of another.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListConcatLists>
pub const OP: Op = Op {
    name: "TensorListConcatLists",
    inputs: &["input_a: variant", "input_b: variant"],
    outputs: &["output: variant"],
    attrs: &["element_dtype: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (a, b) = (ctx.input(0), ctx.input(1));
    let both = a.merge(&b).ok_or_else(|| different_shapes(&a, &b))?;
    Ok(vec![both])
}

fn different_shapes(a: &dyn std::fmt::Display, b: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("Incompatible input TensorList tensor shapes: {a} vs. {b}"))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) = (ctx.input(0), ctx.input(1));
        if a.shape() != b.shape() {
            return Err(different_shapes(a.shape(), b.shape()));
        }
        for (i, (a, b)) in a.variants()?.iter().zip(b.variants()?).enumerate() {
            check(i, a, b, dtype)?;
        }
        let mut handles = ctx.take(0);
        let others = ctx.input(1).variants()?;
        for (list, other) in handles.units_mut::<Variant>()?.iter_mut().zip(others) {
            let (list, other) = list
                .make_mut::<TensorList>()
                .zip(other.get::<TensorList>())
                .ok_or_else(|| Error::internal("a list changed its type"))?;
            list.elements.extend_from_slice(&other.elements);
        }
        ctx.set(0, handles);
        Ok(())
    }))
}

fn check(i: usize, a: &Variant, b: &Variant, dtype: DType) -> Result<()> {
    let (a, b) = (list_of("input_a", i, a, dtype)?, list_of("input_b", i, b, dtype)?);
    if a.shape == b.shape {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "input_a and input_b TensorList element shapes are not identical at index {i}.  Saw {} vs. {}",
        a.shape, b.shape
    )))
}

fn list_of<'a>(name: &str, i: usize, variant: &'a Variant, dtype: DType) -> Result<&'a TensorList> {
    let list = variant.get::<TensorList>().ok_or_else(|| {
        Error::invalid_argument(format!("{name} is not a TensorList at index {i}.  Saw: '{variant:?}'"))
    })?;
    if list.dtype == dtype {
        return Ok(list);
    }
    Err(Error::invalid_argument(format!(
        "{name}[{i}].dtype != element_dtype.  Saw: {} vs. {dtype}",
        list.dtype
    )))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListConcatLists";
        let int8 = "element_dtype=int8";
        crate::cases::check(&[
            (op, int8, "list int8 [1] | 1; list int8 [1] | - | 2", "list int8 [1] | 1 | - | 2"),
            (
                op,
                int8,
                "[list int8 [1] & list int8 [0]]; [list int8 [1] | 7 & list int8 [0]]",
                "[list int8 [1] | 7 & list int8 [0]]",
            ),
            (
                op,
                int8,
                "list int8 [1]; list int8 [?]",
                "INVALID_ARGUMENT: input_a and input_b TensorList element shapes are not identical at index 0.  Saw [1] \
                 vs. [?]",
            ),
            (
                op,
                int8,
                "list int8 [1]; list int16 [1]",
                "INVALID_ARGUMENT: input_b[0].dtype != element_dtype.  Saw: int16 vs. int8",
            ),
            (
                op,
                int8,
                "list int8 [1]; [list int8 [1]]",
                "INVALID_ARGUMENT: Incompatible input TensorList tensor shapes: [] vs. [1]",
            ),
        ]);
    }
}
