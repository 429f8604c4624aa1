//! Plans, the executor and sessions.
//!
//! [`Session::prepare`] turns the part of a graph that some fetches need into a [`Plan`]: steps over numbered
//! slots, immutable and shared between threads. [`Session::run`] executes one. Control flow is a closed set of
//! steps ([`plan::Action`]), never a kernel; everything else is a kernel from the registry. This crate knows no
//! files and no message formats. Start reading at [`Session`], then `plan.rs`, `compile.rs` and `execute.rs`.
#![forbid(unsafe_code)]

mod compile;
mod environment;
mod execute;
mod formula;
mod frames;
mod function;
mod lifetimes;
pub mod plan;
pub mod profile;
mod schedule;
mod session;

pub use environment::{Environment, Options};
pub use function::BoundFunction;
pub use plan::Plan;
pub use savedmodel_optimize::{Bodies, Precision};
pub use session::{Fetch, Prepared, Session, SessionOptions};
