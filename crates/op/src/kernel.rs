//! What runs.

use std::sync::Arc;

use savedmodel_graph::FunctionRef;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::{Context, Run};

/// An operator made ready for one node: dtype chosen, attributes read, constants packed.
///
/// A kernel is shared by all runs of its plan, at the same time and on many threads; what must last from run
/// to run lives in the [`ResourceManager`](crate::ResourceManager). Any `Fn(&mut Context) -> Result<()>` is one.
pub trait Kernel: Send + Sync {
    /// Computes the outputs from the inputs.
    ///
    /// # Errors
    /// Says what is wrong; the executor adds where.
    fn compute(&self, ctx: &mut Context<'_>) -> Result<()>;
}

impl<F: Fn(&mut Context<'_>) -> Result<()> + Send + Sync> Kernel for F {
    fn compute(&self, ctx: &mut Context<'_>) -> Result<()> {
        self(ctx)
    }
}

/// A function of the library, compiled, for kernels that call functions.
pub trait Callable: Send + Sync {
    /// Runs the function in the run that the kernel is part of.
    ///
    /// # Errors
    /// Those of its kernels.
    fn call(&self, run: &Run<'_>, arguments: Vec<Tensor>) -> Result<Vec<Tensor>>;

    /// Its results as expressions of its arguments, such as `AddV2(0,1)`, if all that it does is done for each element of its
    /// arguments apart: called with vectors it gives what calls with their elements would. Parts of long ones are left out.
    fn formulas(&self) -> Option<Vec<String>> {
        None
    }
}

/// How a builder gets the functions that its attributes name.
pub trait Functions {
    /// The function, compiled.
    ///
    /// # Errors
    /// `NOT_FOUND` when the library has no such function; any that compiling it gives.
    fn callable(&self, function: &FunctionRef) -> Result<Arc<dyn Callable>>;
}

/// A library without functions, for tests of single operators.
pub struct NoFunctions;

impl Functions for NoFunctions {
    fn callable(&self, function: &FunctionRef) -> Result<Arc<dyn Callable>> {
        Err(Error::not_found(format!("Function {} is not defined.", function.name)))
    }
}
