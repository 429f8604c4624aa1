//! What an operator file exports.

use savedmodel_tensor::{DType, Result};

use crate::shape::ShapeFn;
use crate::{Construction, Kernel};

/// Makes the kernel of one node.
pub type Builder = fn(&Construction<'_>) -> Result<Box<dyn Kernel>>;

/// An operator: what it is called, what it takes and gives, and how its kernels are made.
///
/// Inputs, outputs and attributes are written as in TensorFlow's `REGISTER_OP`: `"x: T"`, `"values: N * T"`,
/// `"components: Tcomponents"`, `"ref: Ref(T)"`; `"T: {float, double}"`, `"N: int >= 1"`,
/// `"data_format: string = 'NHWC'"`. A test compares them with TensorFlow's registry.
///
/// ```
/// use savedmodel_op::{by_dtype, shape, Construction, Context, Effect, Kernel, Kernels, Op};
/// use savedmodel_tensor::{Element, Result};
///
/// /// Sets every element to its default.
/// pub const OP: Op = Op {
///     name: "ZerosLike",
///     inputs: &["x: T"],
///     outputs: &["y: T"],
///     attrs: &["T: type"],
///     effect: Effect::Pure,
///     shape: shape::unchanged,
///     kernels: by_dtype!("T"; build: f32 i32),
/// };
///
/// fn build<T: Element>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
///     Ok(Box::new(|ctx: &mut Context<'_>| {
///         let shape = ctx.input(0).shape().clone();
///         let zeros = ctx.allocate(T::DTYPE, shape)?;
///         ctx.set(0, zeros);
///         Ok(())
///     }))
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Op {
    /// TensorFlow's name.
    pub name: &'static str,
    /// Inputs, in order.
    pub inputs: &'static [&'static str],
    /// Outputs, in order.
    pub outputs: &'static [&'static str],
    /// Attributes, in TensorFlow's order.
    pub attrs: &'static [&'static str],
    /// What running it does besides making its outputs.
    pub effect: Effect,
    /// What is known of the outputs' shapes before it runs.
    pub shape: ShapeFn,
    /// Its kernels.
    pub kernels: Kernels,
}

/// What running an operator does besides making its outputs; it tells the optimiser what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: equal inputs give equal outputs. May be folded, shared and dropped.
    Pure,
    /// Gives a handle to a resource that it makes if it must (`VarHandleOp`, `HashTableV2`).
    Handle,
    /// Looks at a resource, which others may change (`ReadVariableOp`, `LookupTableFindV2`).
    Read,
    /// Takes from a stream of its own (`RandomUniform`): never folded or shared, dropped if unused.
    Random,
    /// Changes a resource (`AssignVariableOp`): runs in a function even if nothing needs its outputs.
    Write,
    /// Does something outside of the graph or may refuse to go on (`Assert`, `PrintV2`, `WriteFile`).
    External,
}

impl Effect {
    /// Whether a function must run the operator even if none of its results needs it.
    pub fn is_observable(self) -> bool {
        matches!(self, Effect::Write | Effect::External)
    }
}

/// How the kernels of an operator are chosen.
#[derive(Clone, Copy)]
pub enum Kernels {
    /// By the value of a type attribute; write it with [`by_dtype!`](crate::by_dtype).
    ByDType(&'static str, &'static [(DType, Builder)]),
    /// One builder, for the listed dtypes of the named type attributes (none listed: any).
    All(&'static [(&'static str, &'static [DType])], Builder),
    /// The runtime runs it itself: control flow, calls, arguments.
    Runtime,
}

impl Kernels {
    /// A single builder for an operator without a type attribute that matters.
    pub const fn one(builder: Builder) -> Kernels {
        Kernels::All(&[], builder)
    }

    /// The dtypes that the kernels take, by type attribute.
    pub fn dtypes(&self) -> Vec<(&'static str, Vec<DType>)> {
        match self {
            Kernels::ByDType(attr, rows) => vec![(attr, rows.iter().map(|row| row.0).collect())],
            Kernels::All(rows, _) => rows.iter().map(|&(attr, dtypes)| (attr, dtypes.to_vec())).collect(),
            Kernels::Runtime => Vec::new(),
        }
    }
}

/// A table of kernels by dtype: `by_dtype!("T"; build_float: f32 f64; build_integer: i32 i64)`.
///
/// Each name before a colon is a generic function `fn build<T: Element…>(&Construction) -> Result<Box<dyn Kernel>>`;
/// the types after it, which must be in scope, are the elements it is compiled for.
#[macro_export]
macro_rules! by_dtype {
    ($attr:literal; $($build:ident: $($element:ty)+);+ $(;)?) => {
        $crate::Kernels::ByDType($attr, &[$($(
            (<$element as $crate::Element>::DTYPE, $build::<$element> as $crate::Builder),
        )+)+])
    };
}
