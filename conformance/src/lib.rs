//! TensorFlow's own answers, replayed.
//!
//! A [`Case`] is a whole model with its records, or one operator with its calls; `README.md` beside this crate's manifest has the
//! formats. [`run`] runs each check of each case twice, on the graph as it is and on the optimised one, and gives a
//! [`Report`], which is printed as a table, written as JSON or JUnit, and compared with the exact list of
//! [`KnownFailures`]. Start reading at [`Case::find_all`].
#![forbid(unsafe_code)]

mod case;
mod coverage;
mod json;
mod junit;
mod known;
mod model;
mod operator;
mod report;
mod runner;
mod table;

pub use case::{Case, Kind};
pub use coverage::Coverage;
pub use json::json;
pub use junit::junit;
pub use known::{KnownFailures, Surprise};
pub use report::{CaseReport, Check, Mode, Report};
pub use runner::{Settings, run};
pub use table::table;
