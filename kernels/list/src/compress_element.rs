//! `CompressElement` and `UncompressElement`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, Variant, VariantValue};

/// They put the tensors of a dataset's element into one variant, and give them back.
///
/// Nobody sees what the variant looks like inside, so nothing is compressed. `UncompressElement` answers
/// `INVALID_ARGUMENT` to a variant of another kind and `FAILED_PRECONDITION` when number or dtypes of the tensors are not
/// those of `output_types`; it does not look at `output_shapes`.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CompressElement>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UncompressElement>
pub const OPS: &[Op] = &[
    Op {
        name: "CompressElement",
        inputs: &["components: input_types"],
        outputs: &["compressed: variant"],
        attrs: &["input_types: list(type) >= 1"],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_from),
    },
    Op {
        name: "UncompressElement",
        inputs: &["compressed: variant"],
        outputs: &["components: output_types"],
        attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
        effect: Effect::Pure,
        shape: shapes,
        kernels: Kernels::one(build_to),
    },
];

fn shapes(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let shapes: Vec<PartialShape> = ctx.attr("output_shapes").unwrap_or_default();
    if shapes.len() != ctx.outputs {
        return Err(Error::invalid_argument(format!(
            "`output_shapes` must be the same length as `output_types` ({} vs. {})",
            shapes.len(),
            ctx.outputs
        )));
    }
    // The kernel does not check them.
    shape::unknown(ctx)
}

/// The tensors of an element.
#[derive(Debug)]
struct Element(Vec<Tensor>);

impl VariantValue for Element {
    fn type_name(&self) -> &'static str {
        "tensorflow.data.CompressedElement"
    }
}

fn build_from(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let element = Element(ctx.inputs(0).cloned().collect());
        ctx.set(0, Tensor::from_variants(Shape::scalar(), vec![Variant::new(element)])?);
        Ok(())
    }))
}

fn build_to(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtypes: Vec<DType> = node.attr("output_types")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let components = match ctx.input(0).variants()? {
            [variant] if ctx.input(0).rank() == 0 => {
                variant.get::<Element>().map(|element| element.0.clone())
            }
            _ => None,
        };
        let components = components.ok_or_else(|| {
            let got = ctx.input(0);
            Error::invalid_argument(format!(
                "Input does not contain a compressed element. Instead got tensor {got:?}"
            ))
        })?;
        if components.len() != dtypes.len() {
            let (want, got) = (dtypes.len(), components.len());
            let text = format!("Expected {want} outputs from uncompress, but got {got}");
            return Err(Error::failed_precondition(text));
        }
        for (i, (component, &dtype)) in components.into_iter().zip(&dtypes).enumerate() {
            let got = component.dtype();
            if got != dtype {
                let text = format!("Expected a tensor of type {dtype} but got a tensor of type {got}");
                return Err(Error::failed_precondition(text));
            }
            ctx.set(i, component);
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};

    #[test]
    fn tensors_come_back() {
        let compressed = || {
            let test = OpTest::new(&OPS[0]).attr("input_types", vec![DType::Float, DType::String]);
            let test = test.input(parse_tensor("float[2] 1 2")).input(parse_tensor("string[] 'a'"));
            test.run().unwrap().remove(0)
        };
        let check = |input: Tensor, dtypes: &[DType], want: &str| {
            let shapes = vec![PartialShape::unknown(); dtypes.len()];
            let test =
                OpTest::new(&OPS[1]).attr("output_types", dtypes.to_vec()).attr("output_shapes", shapes);
            let got = show(&test.input(input).run());
            assert!(got.starts_with(want), "{got}");
        };
        check(compressed(), &[DType::Float, DType::String], "float[2] 1 2; string[] 'a'");
        check(compressed(), &[DType::Float], "FAILED_PRECONDITION: Expected 1 outputs");
        check(
            compressed(),
            &[DType::Float; 2],
            "FAILED_PRECONDITION: Expected a tensor of type float but got",
        );
        check(compressed().reshape([1]).unwrap(), &[DType::Float, DType::String], "INVALID_ARGUMENT: ");
        let empty = Tensor::from_variants(Shape::scalar(), vec![Variant::default()]).unwrap();
        check(empty, &[DType::Float], "INVALID_ARGUMENT: Input does not contain a compressed element.");
    }
}
