//! `OptionalFromValue`, `OptionalNone`, `OptionalHasValue` and `OptionalGetValue`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{
    DType, Error, PartialShape, Result, Shape, Tensor, Variant, VariantValue, sum_inside, zeros_inside,
};

use crate::dataset::Row;
use crate::reduce::set_all;

/// They make a variant of tensors, or of nothing, tell which it is, and give the tensors.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/OptionalFromValue>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/OptionalGetValue>
pub const OPS: &[Op] = &[
    Op {
        name: "OptionalFromValue",
        inputs: &["components: Toutput_types"],
        attrs: &["Toutput_types: list(type) >= 1"],
        kernels: Kernels::one(build_some),
        ..OPTIONAL
    },
    Op { name: "OptionalNone", kernels: Kernels::one(build_none), ..OPTIONAL },
    Op {
        name: "OptionalHasValue",
        inputs: &["optional: variant"],
        outputs: &["has_value: bool"],
        kernels: Kernels::one(build_has),
        ..OPTIONAL
    },
    Op {
        name: "OptionalGetValue",
        inputs: &["optional: variant"],
        outputs: &["components: output_types"],
        attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
        shape: shape::unknown,
        kernels: Kernels::one(build_get),
        ..OPTIONAL
    },
];

const OPTIONAL: Op = Op {
    name: "",
    inputs: &[],
    outputs: &["optional: variant"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::Runtime,
};

/// Tensors or nothing.
#[derive(Clone, Debug)]
struct Optional(Option<Row>);

impl VariantValue for Optional {
    fn type_name(&self) -> &'static str {
        "tensorflow::data::Optional"
    }

    fn zeros_like(&self) -> Result<Variant> {
        let zeros = |row: &Row| row.iter().map(zeros_inside).collect::<Result<Row>>();
        Ok(Variant::new(Optional(self.0.as_ref().map(zeros).transpose()?)))
    }

    /// The sums of the tensors; both or none must have them.
    fn sum(&self, other: &Variant) -> Result<Variant> {
        let sums = match (&self.0, other.get::<Optional>().and_then(|other| other.0.as_ref())) {
            (Some(a), Some(b)) if a.len() != b.len() => Err(format!(
                "Cannot add optionals because they have different numbers of components ({} vs. {}).",
                a.len(),
                b.len()
            )),
            (Some(a), Some(b)) => {
                Ok(Some(a.iter().zip(b).map(|(a, b)| sum_inside(a, b)).collect::<Result<Row>>()?))
            }
            (None, None) => Ok(None),
            _ => Err("Cannot add optionals because one has a value and the other doesn't.".to_owned()),
        };
        Ok(Variant::new(Optional(sums.map_err(Error::invalid_argument)?)))
    }
}

/// An optional as a tensor.
///
/// # Errors
/// None but for lack of memory.
pub fn optional(row: Option<Row>) -> Result<Tensor> {
    Tensor::from_variants(Shape::scalar(), vec![Variant::new(Optional(row))])
}

fn get<'a>(ctx: &'a Context<'_>) -> Result<&'a Option<Row>> {
    let tensor = ctx.input(0);
    let found = match tensor.variants() {
        Ok([variant]) if tensor.rank() == 0 => variant.get::<Optional>(),
        _ => None,
    };
    found.map(|optional| &optional.0).ok_or_else(|| {
        Error::invalid_argument(
            "Input to an operator of optionals must be a scalar variant that holds an Optional",
        )
    })
}

fn build_some(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let row = ctx.inputs(0).cloned().collect();
        ctx.set(0, optional(Some(row))?);
        Ok(())
    }))
}

fn build_none(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        ctx.set(0, optional(None)?);
        Ok(())
    }))
}

fn build_has(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let has = get(ctx)?.is_some();
        ctx.set(0, Tensor::scalar(has));
        Ok(())
    }))
}

fn build_get(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let types: Vec<DType> = node.attr("output_types")?;
    let shapes: Vec<PartialShape> = node.attr("output_shapes")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let Some(row) = get(ctx)?.clone() else {
            return Err(Error::invalid_argument("The given optional does not have a value."));
        };
        for (i, ((tensor, &dtype), shape)) in row.iter().zip(&types).zip(&shapes).enumerate() {
            let differs = |what: &str, want: String, found: String| {
                Err(Error::invalid_argument(format!(
                    "The given optional does not match the expected {what} for component {i}. Expected: {want}. Actual: {found}."
                )))
            };
            if tensor.dtype() != dtype {
                return differs("type", dtype.to_string(), tensor.dtype().to_string());
            }
            if !shape.accepts(tensor.shape()) {
                return differs("shape", shape.to_string(), tensor.shape().to_string());
            }
        }
        set_all(ctx, row)
    }))
}
