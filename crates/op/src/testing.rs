//! A harness for tests of single operators.

mod rows;

pub use rows::{Row, check_rows, parse_tensor, run_row, show};

use savedmodel_graph::{AttrValue, Attrs};
use savedmodel_tensor::{Bytes, DType, PartialShape, Result, Tensor};

use crate::{
    Construction, Context, Count, InputRef, Limits, NoFunctions, Op, OpDef, Registry, ResourceManager, Run,
    Source, TypeOf, Value,
};

/// One call of one operator.
///
/// Type and number attributes that follow from the inputs are filled in.
///
/// ```
/// use savedmodel_op::{testing::OpTest, Kernel, Kernels, Op, Effect, shape, Context, Construction};
/// use savedmodel_tensor::{Result, Tensor};
/// fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
///     Ok(Box::new(|ctx: &mut Context<'_>| {
///         let x = ctx.take(0);
///         ctx.set(0, x);
///         Ok(())
///     }))
/// }
/// const OP: Op = Op {
///     name: "Identity", inputs: &["input: T"], outputs: &["output: T"], attrs: &["T: type"],
///     effect: Effect::Pure, shape: shape::unchanged, kernels: Kernels::one(build),
/// };
/// let out = OpTest::new(&OP).input(Tensor::scalar(2_i32)).run()?;
/// assert_eq!(out[0].to_scalar::<i32>()?, 2);
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
pub struct OpTest<'a> {
    op: &'static Op,
    attrs: Attrs,
    inputs: Vec<Tensor>,
    constant: Vec<bool>,
    resources: Option<&'a ResourceManager>,
}

impl<'a> OpTest<'a> {
    /// A call without attributes and inputs yet.
    pub fn new(op: &'static Op) -> OpTest<'a> {
        OpTest { op, attrs: Attrs::default(), inputs: Vec::new(), constant: Vec::new(), resources: None }
    }

    /// Sets an attribute.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl Into<TestAttr>) -> Self {
        self.attrs.insert(name.to_owned(), value.into().0);
        self
    }

    /// Adds an input that is fed.
    #[must_use]
    pub fn input(mut self, tensor: Tensor) -> Self {
        self.inputs.push(tensor);
        self.constant.push(false);
        self
    }

    /// Adds an input that is known when the kernel is made.
    #[must_use]
    pub fn constant(mut self, tensor: Tensor) -> Self {
        self.inputs.push(tensor);
        self.constant.push(true);
        self
    }

    /// Uses these resources instead of none.
    #[must_use]
    pub fn resources(mut self, resources: &'a ResourceManager) -> Self {
        self.resources = Some(resources);
        self
    }

    /// Makes the kernel, runs it once, and gives its outputs.
    ///
    /// # Errors
    /// Those of the builder and of the kernel.
    pub fn run(mut self) -> Result<Vec<Tensor>> {
        let def = OpDef::of(self.op)?;
        infer(&def, &self.inputs, &mut self.attrs);
        def.complete(&mut self.attrs)?;
        let dtypes: Vec<DType> = self.inputs.iter().map(Tensor::dtype).collect();
        let wanted = def.input_dtypes(&self.attrs)?;
        let handles = def.input_refs(&self.attrs)?;
        for (i, (&got, &want)) in dtypes.iter().zip(&wanted).enumerate() {
            assert!(got == want || handles[i], "input {i} of {} is {got}, declared as {want}", self.op.name);
        }
        assert_eq!(dtypes.len(), wanted.len(), "number of inputs of {}", self.op.name);
        let outputs = def.output_dtypes(&self.attrs)?;
        let shapes: Vec<PartialShape> = self.inputs.iter().map(|t| t.shape().into()).collect();
        let constants: Vec<Option<Tensor>> =
            self.inputs.iter().zip(&self.constant).map(|(t, &known)| known.then(|| t.clone())).collect();
        let own = ResourceManager::new();
        let resources = self.resources.unwrap_or(&own);
        let node = Construction {
            name: "test",
            op: self.op.name,
            attrs: &self.attrs,
            inputs: &wanted,
            outputs: &outputs,
            shapes: &shapes,
            constants: &constants,
            resources,
            functions: &NoFunctions,
        };
        let mut registry = Registry::new();
        registry.add(&[std::slice::from_ref(self.op)]);
        let kernel = registry.kernel(&node)?;

        let n = self.inputs.len();
        let refs: Vec<InputRef> =
            (0..n).map(|i| InputRef { source: Source::Slot(i as u32), last_use: true }).collect();
        let places: Vec<u32> = (n..n + outputs.len()).map(|i| i as u32).collect();
        let mut slots: Vec<Value> = self.inputs.into_iter().map(Value::Tensor).collect();
        slots.resize_with(n + outputs.len(), Value::default);
        let limits = Limits::default();
        let run = Run { resources, limits: &limits };
        kernel.compute(&mut Context::new(&mut slots, &[], &refs, &places, run))?;
        let results: Vec<Tensor> = slots.drain(n..).filter_map(|mut value| value.take()).collect();
        assert_eq!(results.len(), outputs.len(), "number of outputs of {}", self.op.name);
        let references = def.output_refs(&self.attrs)?;
        for ((result, dtype), is_ref) in results.iter().zip(&outputs).zip(references) {
            let dtype = if is_ref { DType::Resource } else { *dtype };
            assert_eq!(result.dtype(), dtype, "dtype of an output of {}", self.op.name);
        }
        Ok(results)
    }
}

/// Fills in the type and number attributes that follow from the inputs.
fn infer(def: &OpDef, inputs: &[Tensor], attrs: &mut Attrs) {
    let listed: usize = def.inputs.iter().filter(|arg| arg.count == Count::One).count();
    let mut at = 0;
    for arg in &def.inputs {
        let many = match &arg.count {
            Count::One => 1,
            Count::Attr(name) => match attrs.get(name) {
                Some(AttrValue::Int(n)) => *n as usize,
                _ => {
                    let sharing = def.inputs.iter().filter(|other| other.count == arg.count).count();
                    inputs.len().saturating_sub(listed) / sharing
                }
            },
            Count::ListAttr => inputs.len().saturating_sub(listed),
        };
        let part = &inputs[at.min(inputs.len())..(at + many).min(inputs.len())];
        at += many;
        if let Count::Attr(name) = &arg.count {
            attrs.entry(name.clone()).or_insert(AttrValue::Int(many as i64));
        }
        match &arg.dtype {
            TypeOf::Attr(name) if !arg.is_ref => {
                if let Some(first) = part.first() {
                    attrs.entry(name.clone()).or_insert(AttrValue::Type(first.dtype()));
                }
            }
            TypeOf::ListAttr(name) => {
                let types = part.iter().map(|t| AttrValue::Type(t.dtype())).collect();
                attrs.entry(name.clone()).or_insert(AttrValue::List(types));
            }
            _ => {}
        }
    }
}

/// An attribute value made from a plain Rust value.
#[derive(Clone, Debug)]
pub struct TestAttr(AttrValue);

macro_rules! test_attr {
    ($($type:ty: $value:ident => $make:expr;)*) => {
        $(impl From<$type> for TestAttr {
            fn from($value: $type) -> TestAttr { TestAttr($make) }
        })*
    };
}

test_attr! {
    i64: v => AttrValue::Int(v);
    i32: v => AttrValue::Int(v.into());
    f32: v => AttrValue::Float(v);
    bool: v => AttrValue::Bool(v);
    &str: v => AttrValue::Bytes(Bytes::copy_from_slice(v.as_bytes()));
    DType: v => AttrValue::Type(v);
    PartialShape: v => AttrValue::Shape(v);
    Tensor: v => AttrValue::Tensor(v);
    AttrValue: v => v;
    Vec<i64>: v => AttrValue::List(v.into_iter().map(AttrValue::Int).collect());
    Vec<f32>: v => AttrValue::List(v.into_iter().map(AttrValue::Float).collect());
    Vec<DType>: v => AttrValue::List(v.into_iter().map(AttrValue::Type).collect());
    Vec<PartialShape>: v => AttrValue::List(v.into_iter().map(AttrValue::Shape).collect());
    Vec<&str>: v => AttrValue::List(v.into_iter().map(|s| TestAttr::from(s).0).collect());
}
