//! The operators that write summaries to files of events, which TensorBoard reads.
//!
//! A [`writer`] is a resource with an open file ([`events`]); [`write_summary`] has what puts summaries of all kinds there. Those
//! that give summaries as strings are in the families of what they summarise. Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod events;
mod message;
mod write_summary;
mod writer;

/// Every operator of this family.
pub static OPS: &[&[Op]] = &[write_summary::OPS, writer::OPS];
