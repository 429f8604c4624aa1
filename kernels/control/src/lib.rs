//! Control flow, function calls, placeholders and assertions.
//!
//! What decides which other operators run (`If`, `While`, `Switch` …) is declared here and run by the runtime
//! itself; there is no kernel for it. Start reading at [`OPS`].
#![forbid(unsafe_code)]

mod assert;
mod branches;
mod calls;
mod flow;
mod no_op;
mod placeholder;
mod summary;

use savedmodel_op::Op;

/// The operators of this family.
pub const OPS: &[&[Op]] =
    &[&[assert::OP], branches::OPS, calls::OPS, flow::OPS, no_op::OPS, placeholder::OPS];

pub use summary::summarize;
