//! Recorded answers, replayed and compared.
//!
//! What TensorFlow Serving logs, a [`PredictionLog`](savedmodel_proto::serving::PredictionLog) per request, is asked of a
//! model again with [`Replay`], and each output is compared with the logged one: [`compare`], by a [`Tolerance`].
//! `savedmodel verify` and the conformance runner are both made of this. The crate knows no kernel and prints
//! nothing.
#![forbid(unsafe_code)]

mod compare;
pub mod log;
mod number;
mod replay;
pub mod serving;
mod tolerance;

pub use compare::{Comparison, compare};
pub use log::Request;
pub use replay::{Replay, Verdict, answer, judge};
pub use tolerance::Tolerance;
