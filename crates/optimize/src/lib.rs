//! Rewrites of graphs before they are compiled.
//!
//! A [`Program`] is the part of a graph that a plan is made of; [`optimize`] rewrites it so that it gives the same values
//! with less work: calls are inlined, variables that nothing in reach writes become constants, what constants determine
//! is computed once, nodes that pass their input on go, loops are rid of what can be done before them, and operators that
//! follow each other become one. Graphs go in and graphs come out; what plans are, this crate does not know. Start reading at [`optimize`].
#![forbid(unsafe_code)]

mod attention;
mod branches;
mod cell;
mod chain;
mod embedding;
mod expand;
mod fold;
mod freeze;
mod fuse;
mod inline;
mod loops;
mod norm;
mod order;
mod precision;
mod program;
mod reach;
mod shapes;
mod simplify;
mod turn;
pub mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use savedmodel_graph::FunctionLibrary;
use savedmodel_op::{Functions, Limits, Registry, ResourceManager};
use savedmodel_tensor::Result;

pub use expand::{Bodies, expand};
pub use loops::SWITCHES;
pub use precision::Precision;
pub use program::Program;
pub use reach::{Written, is_random};

/// What passes may look at besides the program.
pub struct Scope<'a> {
    /// The operators.
    pub registry: &'a Registry,
    /// The functions.
    pub library: &'a FunctionLibrary,
    /// The state whose values may be frozen.
    pub resources: &'a ResourceManager,
    /// What kernels that are run for folding may allocate.
    pub limits: &'a Limits,
    /// The functions that kernels may ask for.
    pub functions: &'a dyn Functions,
    /// The variables that something in reach of the run may write, so that they can't be frozen.
    pub written: &'a Written,
    /// How exact products are.
    pub precision: Precision,
    /// What a write to a frozen variable counts up.
    pub epoch: &'a Arc<AtomicU64>,
}

type Pass = fn(&mut Program, &Scope<'_>) -> Result<()>;

/// What is done, in order; what nothing needs any more is taken away after each.
const PASSES: &[(&str, Pass)] = &[
    ("loops::frames", loops::frames),
    ("order::targets", |program, scope| {
        order::targets(program, scope);
        Ok(())
    }),
    ("inline::calls", inline::calls),
    ("freeze::variables", freeze::variables),
    ("order::loosen", |program, _| order::loosen(program)),
    ("fold::constants", fold::constants),
    ("simplify::pass_through", simplify::pass_through),
    ("shapes::known", shapes::known),
    ("loops::products", loops::products),
    ("norm::layers", norm::layers),
    ("attention::heads", attention::heads),
    ("fuse::products", fuse::products),
    ("embedding::lookups", embedding::lookups),
    ("cell::recurrent", cell::recurrent),
    ("chain::elementwise", chain::elementwise),
    ("precision::products", precision::products),
];

/// Rewrites a program.
///
/// # Errors
/// When a function that it calls is malformed.
pub fn optimize(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    watch::begin(program);
    for (name, pass) in PASSES {
        pass(program, scope)?;
        program.prune();
        watch::see(name, program);
    }
    Ok(())
}
