//! Whole models with their records.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use savedmodel::{Error, LoadOptions, Result};
use savedmodel_proto::serving::PredictionLog;
use savedmodel_verify::{Replay, Tolerance, log};

use crate::case::ExpectedError;
use crate::report::Outcome;
use crate::{Case, Check, Mode};

/// Runs all records of a model in both modes.
pub(crate) fn run(case: &Case, tolerance: Option<Tolerance>, options: &LoadOptions) -> Result<Vec<Check>> {
    let description = case.describe()?;
    let tolerance = tolerance.map_or_else(|| description.tolerance(), Ok)?;
    let records: Vec<PredictionLog> = log::read(&case.log())?;
    let refused = description.errors.iter().map(decode).collect::<Result<Vec<_>>>()?;
    let mut checks = Vec::new();
    for mode in Mode::ALL {
        let options = LoadOptions { optimize: mode == Mode::Optimized, ..options.clone() };
        let mut replay = Replay::new(case.model(), options);
        for (i, record) in records.iter().enumerate() {
            let outcome = match replay.verify(record, tolerance) {
                Ok(verdicts) => Outcome::of(&verdicts),
                Err(error) => Outcome::wrong(error.to_string()),
            };
            checks.push(Check::of(i.to_string(), mode, outcome));
        }
        for (i, (record, expected)) in refused.iter().zip(&description.errors).enumerate() {
            let outcome = Outcome::of_refusal(replay.answer(record), &expected.code, &expected.message);
            checks.push(Check::of(format!("error{i}"), mode, outcome));
        }
    }
    Ok(checks)
}

fn decode(error: &ExpectedError) -> Result<PredictionLog> {
    let bytes = BASE64_STANDARD
        .decode(&error.record_b64)
        .map_err(|e| Error::invalid_argument(format!("an expected error is no base64: {e}")))?;
    savedmodel_proto::decode(bytes)
}
