//! `CompositeTensorVariantFromComponents` and `CompositeTensorVariantToComponents`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor, Variant, VariantValue};

/// They put the components of a ragged or sparse tensor, or of another one that is made of tensors, into one variant, and
/// give them back.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CompositeTensorVariantFromComponents>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CompositeTensorVariantToComponents>
pub const OPS: &[Op] = &[
    Op {
        name: "CompositeTensorVariantFromComponents",
        inputs: &["components: Tcomponents"],
        outputs: &["encoded: variant"],
        attrs: ATTRS,
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_from),
    },
    Op {
        name: "CompositeTensorVariantToComponents",
        inputs: &["encoded: variant"],
        outputs: &["components: Tcomponents"],
        attrs: ATTRS,
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::one(build_to),
    },
];

const ATTRS: &[&str] = &["metadata: string", "Tcomponents: list(type) >= 0"];

/// The components. What kind of tensor they make, the attribute `metadata`, matters to Python alone.
#[derive(Debug)]
struct Composite(Vec<Tensor>);

impl VariantValue for Composite {
    fn type_name(&self) -> &'static str {
        "CompositeTensorVariant"
    }
}

fn build_from(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let composite = Composite(ctx.inputs(0).cloned().collect());
        ctx.set(0, Tensor::from_variants(Shape::scalar(), vec![Variant::new(composite)])?);
        Ok(())
    }))
}

fn build_to(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtypes: Vec<DType> = node.attr("Tcomponents")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let components = {
            let encoded = ctx.input(0);
            let composite = match encoded.variants()? {
                [variant] => variant.get::<Composite>(),
                _ => None,
            };
            let wrong = || {
                Error::invalid_argument(
                    "The input CompositeTensorVariant could not be decoded: it holds something else",
                )
            };
            composite.ok_or_else(wrong)?.0.clone()
        };
        if components.len() != dtypes.len() {
            return Err(Error::invalid_argument(format!(
                "Encoded value has {} tensor components; expected {} components based on Tcomponents",
                components.len(),
                dtypes.len()
            )));
        }
        for (i, (component, &dtype)) in components.into_iter().zip(&dtypes).enumerate() {
            if component.dtype() != dtype {
                return Err(Error::invalid_argument(format!(
                    "Tensor component {i} had dtype {}; expected dtype {dtype}",
                    component.dtype()
                )));
            }
            ctx.set(i, component);
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn components_come_back() {
        let parts = || [parse_tensor("float[2] 1 2"), parse_tensor("string[] 'a'")];
        let from = |parts: [Tensor; 2]| {
            let dtypes: Vec<DType> = parts.iter().map(Tensor::dtype).collect();
            let test = OpTest::new(&OPS[0]).attr("metadata", "m").attr("Tcomponents", dtypes);
            parts.into_iter().fold(test, OpTest::input).run().unwrap().remove(0)
        };
        let to = |encoded: Tensor, dtypes: &[DType]| {
            OpTest::new(&OPS[1])
                .attr("metadata", "m")
                .attr("Tcomponents", dtypes.to_vec())
                .input(encoded)
                .run()
        };
        let back = to(from(parts()), &[DType::Float, DType::String]).unwrap();
        assert_eq!(format!("{back:?}"), format!("{:?}", parts().to_vec()));
        let error = |dtypes: &[DType]| to(from(parts()), dtypes).unwrap_err().to_string();
        assert!(error(&[DType::Float]).contains("expected 1 components"));
        assert!(error(&[DType::Float, DType::Int32]).contains("component 1 had dtype string"));
        let empty = Tensor::from_variants(Shape::scalar(), vec![Variant::default()]).unwrap();
        assert!(to(empty, &[]).is_err());
    }
}
