//! Calls of operators of other families, and of functions of single elements.

use std::sync::{Arc, OnceLock};

use savedmodel_kernels_array::walk;
use savedmodel_op::{
    AttrValue, Attrs, Callable, Construction, Context, InputRef, Kernel, NoFunctions, Registry,
    ResourceManager, Run, Source, TypeOf, Value,
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

/// An operator made ready.
struct Made {
    kernel: Box<dyn Kernel>,
    /// The inputs that never change, which come last.
    constants: Vec<Tensor>,
    outputs: usize,
}

impl Made {
    /// Only attributes that do not follow from the inputs are given. Of the first inputs the dtypes and what is known of the shapes
    /// is, of the others the values.
    fn new(
        op: &str,
        attrs: &[(&str, AttrValue)],
        free: &[(DType, PartialShape)],
        constants: Vec<Tensor>,
        resources: &ResourceManager,
    ) -> Result<Made> {
        let def = registry().def(op)?;
        let known = constants.iter().map(|tensor| (tensor.dtype(), tensor.shape().into()));
        let (dtypes, shapes): (Vec<DType>, Vec<PartialShape>) = free.iter().cloned().chain(known).unzip();
        let mut all = Attrs::default();
        for (arg, &dtype) in def.inputs.iter().zip(&dtypes) {
            if let TypeOf::Attr(name) = &arg.dtype {
                all.insert(name.clone(), AttrValue::Type(dtype));
            }
        }
        all.extend(attrs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        def.complete(&mut all)?;
        let outputs = def.output_dtypes(&all)?;
        let values: Vec<Option<Tensor>> =
            free.iter().map(|_| None).chain(constants.iter().cloned().map(Some)).collect();
        let kernel = registry().kernel(&Construction {
            name: op,
            op,
            attrs: &all,
            inputs: &dtypes,
            outputs: &outputs,
            shapes: &shapes,
            constants: &values,
            resources,
            functions: &NoFunctions,
        })?;
        Ok(Made { kernel, constants, outputs: outputs.len() })
    }

    fn call(&self, run: &Run<'_>, inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let (free, known) = (inputs.len() as u32, self.constants.len() as u32);
        let slots = (0..free).map(|i| InputRef { source: Source::Slot(i), last_use: true });
        let constants = (0..known).map(|i| InputRef { source: Source::Constant(i), last_use: false });
        let refs: Vec<InputRef> = slots.chain(constants).collect();
        let places: Vec<u32> = (free..free + self.outputs as u32).collect();
        let mut slots: Vec<Value> = inputs.into_iter().map(Value::Tensor).collect();
        slots.resize_with(places.len() + slots.len(), Value::default);
        self.kernel.compute(&mut Context::new(&mut slots, &self.constants, &refs, &places, *run))?;
        Ok(slots.drain(free as usize..).filter_map(|mut value| value.take()).collect())
    }
}

/// An operator of one input, or of two of which the second never changes, such as weights, made ready.
pub(crate) struct Ready(Made);

impl Ready {
    pub fn unary(node: &Construction<'_>, op: &str) -> Result<Ready> {
        let free = [(node.inputs[0], node.shapes[0].clone())];
        Ok(Ready(Made::new(op, &[], &free, Vec::new(), node.resources)?))
    }

    pub fn new(
        node: &Construction<'_>,
        op: &str,
        attrs: &[(&str, AttrValue)],
        constant: Tensor,
    ) -> Result<Ready> {
        let free = [(constant.dtype(), PartialShape::unknown())];
        Ok(Ready(Made::new(op, attrs, &free, vec![constant], node.resources)?))
    }

    pub fn call(&self, run: &Run<'_>, input: Tensor) -> Result<Tensor> {
        self.0.call(run, vec![input])?.pop().ok_or_else(|| Error::internal("there is no output"))
    }
}

/// Runs an operator with one output, of which only attributes that do not follow from the inputs are given.
///
/// # Errors
/// Those of the operator.
pub(crate) fn call(
    run: &Run<'_>,
    op: &str,
    attrs: &[(&str, AttrValue)],
    inputs: Vec<Tensor>,
) -> Result<Tensor> {
    let free: Vec<(DType, PartialShape)> =
        inputs.iter().map(|input| (input.dtype(), input.shape().into())).collect();
    let made = Made::new(op, attrs, &free, Vec::new(), run.resources)?;
    made.call(run, inputs)?.pop().ok_or_else(|| Error::internal(format!("{op} gave nothing")))
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

/// Like [`cast`], but floats that no integer of the dtype is near become its least or largest, and NaN zero.
pub(crate) fn saturated(run: &Run<'_>, tensor: Tensor, dtype: DType) -> Result<Tensor> {
    if !tensor.dtype().is_floating() || !dtype.is_integer() {
        return cast(run, tensor, dtype);
    }
    let shape = tensor.shape().clone();
    let wide = cast(run, tensor, DType::Double)?;
    let floats = wide.as_slice::<f64>()?;
    let bits = 8 * dtype.size().unwrap_or(8) as u32;
    let integers = match dtype {
        DType::Uint64 => Tensor::from_vec(shape, floats.iter().map(|&x| x as u64).collect::<Vec<_>>())?,
        _ => {
            let (low, high) = if matches!(dtype, DType::Uint8 | DType::Uint16 | DType::Uint32) {
                (0, (1_i64 << bits) - 1)
            } else {
                (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits))
            };
            let clamped = floats.iter().map(|&x| (x as i64).clamp(low, high));
            Tensor::from_vec(shape, clamped.collect::<Vec<_>>())?
        }
    };
    cast(run, integers, dtype)
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

    /// Whether its result is the sum of two arguments.
    pub fn is_sum(&self) -> bool {
        matches!(self.formula(), Some("Add(0,1)" | "AddV2(0,1)"))
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
                walk::put(all, result, &[i], &[])?;
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
