//! The contract between operators and the runtime.
//!
//! An operator file exports one [`Op`]: its declaration in TensorFlow's own notation, its effect, its shape
//! function and a table of kernel builders by dtype. When a plan is made, the runtime hands a
//! [`Construction`] (attributes, dtypes, constants) to the builder of the node's dtype and gets a [`Kernel`];
//! when the plan runs, it hands the kernel a [`Context`] (inputs, outputs, resources). A kernel never sees a
//! graph, a plan or an executor.
//!
//! Start reading at [`Op`]; to write an operator, see `CONTRIBUTING.md` and any file under `kernels/`.
#![forbid(unsafe_code)]

mod construction;
mod context;
pub mod dtypes;
mod kernel;
pub mod message;
mod op;
mod op_def;
mod registry;
mod resources;
pub mod shape;
pub mod summary;
pub mod testing;
mod variable;

pub use construction::{Construction, FACTORS, FromAttr, ROUNDS};
pub use context::{Context, InputRef, Limits, Run, Source, Value};
pub use kernel::{Callable, Functions, Kernel, NoFunctions};
pub use op::{Builder, Effect, Kernels, Op};
pub use op_def::{ArgDef, AttrDef, AttrType, Count, OpDef, TypeOf};
pub use registry::Registry;
pub use resources::{Resource, ResourceManager};
pub use savedmodel_graph::{AttrValue, Attrs, FunctionRef};
#[doc(hidden)] // for `by_dtype!`
pub use savedmodel_tensor::Element;
pub use shape::ShapeContext;
pub use variable::Variable;
