//! Calls of operators of other families, and of functions of single elements.

use std::sync::{Arc, OnceLock};

use savedmodel_kernels_array::walk;
use savedmodel_op::{
    AttrValue, Attrs, Callable, Construction, Context, InputRef, NoFunctions, Registry, Run, Source, TypeOf,
    Value,
};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

/// The operators that those of this family are made of.
fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut registry = Registry::new();
        registry.add(savedmodel_kernels_array::OPS);
        registry.add(savedmodel_kernels_linalg::OPS);
        registry.add(savedmodel_kernels_math::OPS);
        registry.add(savedmodel_kernels_nn::OPS);
        registry
    })
}

/// Runs an operator of which only attributes that do not follow from the inputs are given.
///
/// # Errors
/// Those of the operator.
pub(crate) fn call_all(
    run: &Run<'_>,
    op: &str,
    attrs: &[(&str, AttrValue)],
    inputs: Vec<Tensor>,
) -> Result<Vec<Tensor>> {
    let def = registry().def(op)?;
    let mut all = Attrs::default();
    for (arg, input) in def.inputs.iter().zip(&inputs) {
        if let TypeOf::Attr(name) = &arg.dtype {
            all.insert(name.clone(), AttrValue::Type(input.dtype()));
        }
    }
    all.extend(attrs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    def.complete(&mut all)?;
    let dtypes: Vec<DType> = inputs.iter().map(Tensor::dtype).collect();
    let shapes: Vec<PartialShape> = inputs.iter().map(|input| input.shape().into()).collect();
    let outputs = def.output_dtypes(&all)?;
    let kernel = registry().kernel(&Construction {
        name: op,
        op,
        attrs: &all,
        inputs: &dtypes,
        outputs: &outputs,
        shapes: &shapes,
        constants: &vec![None; inputs.len()],
        resources: run.resources,
        functions: &NoFunctions,
    })?;
    let taken = inputs.len() as u32;
    let refs: Vec<InputRef> =
        (0..taken).map(|i| InputRef { source: Source::Slot(i), last_use: true }).collect();
    let places: Vec<u32> = (taken..taken + outputs.len() as u32).collect();
    let mut slots: Vec<Value> = inputs.into_iter().map(Value::Tensor).collect();
    slots.resize_with(places.len() + refs.len(), Value::default);
    kernel.compute(&mut Context::new(&mut slots, &[], &refs, &places, *run))?;
    Ok(slots.drain(refs.len()..).filter_map(|mut value| value.take()).collect())
}

/// Runs an operator with one output.
///
/// # Errors
/// Those of the operator.
pub(crate) fn call(
    run: &Run<'_>,
    op: &str,
    attrs: &[(&str, AttrValue)],
    inputs: Vec<Tensor>,
) -> Result<Tensor> {
    call_all(run, op, attrs, inputs)?.pop().ok_or_else(|| Error::internal(format!("{op} gave nothing")))
}

/// A vector of sizes, axes or indices.
pub(crate) fn vector(values: &[usize]) -> Tensor {
    let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
    Tensor::from_vec([values.len()], values).expect("a vector has as many elements as it has")
}

/// The tensor with its dimensions in the order `perm`.
pub(crate) fn transpose(run: &Run<'_>, tensor: Tensor, perm: &[usize]) -> Result<Tensor> {
    if perm.iter().copied().eq(0..perm.len()) {
        return Ok(tensor);
    }
    call(run, "Transpose", &[], vec![tensor, vector(perm)])
}

/// The tensor as another dtype; integers wrap.
pub(crate) fn cast(run: &Run<'_>, tensor: Tensor, dtype: DType) -> Result<Tensor> {
    if tensor.dtype() == dtype {
        return Ok(tensor);
    }
    call(run, "Cast", &[("DstT", AttrValue::Type(dtype))], vec![tensor])
}

/// The tensor repeated until it has the shape.
pub(crate) fn broadcast(run: &Run<'_>, tensor: Tensor, shape: &[usize]) -> Result<Tensor> {
    // What is too large is refused before its shape is made a tensor.
    Shape::from(shape).checked_elements()?;
    call(run, "BroadcastTo", &[], vec![tensor, vector(shape)])
}

/// A function of scalars that an attribute names.
pub(crate) struct Scalars {
    function: Arc<dyn Callable>,
    /// What it gives as expressions of its arguments, if all its operators work element by element.
    formulas: Option<Vec<String>>,
}

impl Scalars {
    pub fn of(node: &Construction<'_>, attr: &str) -> Result<Scalars> {
        let function = node.function(attr)?;
        let formulas = function.formulas();
        Ok(Scalars { function, formulas })
    }

    /// Its only result as an expression of its arguments.
    pub fn formula(&self) -> Option<&str> {
        match self.formulas.as_deref() {
            Some([only]) => Some(only),
            _ => None,
        }
    }

    /// How the first argument must compare with the second to be replaced, if the greater or lesser of both is wanted: compiled
    /// functions keep the first where one is NaN.
    pub fn kept_unless(&self) -> Option<&'static str> {
        match self.formula()? {
            "Maximum(0,1)" => Some("Less"),
            "Minimum(0,1)" => Some("Greater"),
            _ => None,
        }
    }

    pub fn formulas(&self) -> Option<&[String]> {
        self.formulas.as_deref()
    }

    /// The results for each element of its arguments, which are vectors of one length and of the dtypes that it takes.
    ///
    /// # Errors
    /// Those of the function; `INVALID_ARGUMENT` when it does not give scalars of the dtypes that are wanted.
    pub fn call(&self, run: &Run<'_>, arguments: Vec<Tensor>, wanted: &[DType]) -> Result<Vec<Tensor>> {
        let len = arguments.first().map_or(1, Tensor::elements);
        if let (Some(compare), [first, second]) = (self.kept_unless(), &arguments[..]) {
            let replaced = call(run, compare, &[], arguments.clone())?;
            return Ok(vec![call(run, "SelectV2", &[], vec![replaced, second.clone(), first.clone()])?]);
        }
        if self.formulas.is_some() {
            let results = self.function.call(run, arguments)?;
            check(&results, wanted)?;
            let fit = |result: Tensor| match result.elements() {
                elements if elements == len => result.reshape([len]),
                // A constant.
                _ => broadcast(run, result, &[len]),
            };
            return results.into_iter().map(fit).collect();
        }
        let mut all: Vec<Tensor> =
            wanted.iter().map(|&dtype| run.allocate(dtype, [len])).collect::<Result<_>>()?;
        for i in 0..len {
            let scalars = arguments.iter().map(|argument| argument.row(i)).collect::<Result<_>>()?;
            let results = self.function.call(run, scalars)?;
            check(&results, wanted)?;
            if let Some(result) = results.iter().find(|result| result.elements() != 1) {
                let shape = result.shape();
                return Err(Error::invalid_argument(format!(
                    "a function of scalars gives a tensor of shape {shape}"
                )));
            }
            for (all, result) in all.iter_mut().zip(&results) {
                walk::put(all, result, &[i])?;
            }
        }
        Ok(all)
    }
}

fn check(results: &[Tensor], wanted: &[DType]) -> Result<()> {
    if results.iter().map(Tensor::dtype).eq(wanted.iter().copied()) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("a function of scalars gives {results:?}, not {wanted:?}")))
}
