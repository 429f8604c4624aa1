//! `savedmodel verify`.

use std::fmt::Write as _;

use indexmap::IndexMap;
use indicatif::ProgressBar;
use savedmodel_proto::serving::PredictionLog;
use savedmodel_tensor::{Error, Result};
use savedmodel_verify::{Comparison, Replay, Request, Tolerance, Verdict, log};
use serde_json::{Value, json};

use crate::arguments::Verify;
use crate::print;

/// Replays the records and tells how the answers compare with the recorded ones.
///
/// # Errors
/// Those of the log; `FAILED_PRECONDITION` when a record is not answered as recorded.
pub fn run(arguments: &Verify) -> Result<()> {
    let tolerance = match (arguments.rtol, arguments.atol) {
        (None, None) => Tolerance::default(),
        (rtol, atol) => Tolerance::Close { rtol: rtol.unwrap_or(0.0), atol: atol.unwrap_or(0.0) },
    };
    let logs: Vec<PredictionLog> = log::read(&arguments.log)?;
    let mut replay = Replay::new(&arguments.directory, arguments.settings.options(&arguments.tags));
    let mut report = Report::new(tolerance);
    let bar = ProgressBar::new(logs.len() as u64);
    for log in &logs {
        report.add(log, replay.verify(log, tolerance));
        bar.inc(1);
    }
    bar.finish_and_clear();
    print::out(&if arguments.json { format!("{:#}\n", report.json()) } else { report.text() })?;
    match report.failures.len() {
        0 => Ok(()),
        n => Err(Error::failed_precondition(format!(
            "{n} of {} records are not answered as recorded",
            report.records
        ))),
    }
}

/// All records of a log.
#[derive(Default)]
pub struct Report {
    tolerance: Tolerance,
    records: usize,
    outputs: IndexMap<(String, String), Output>,
    pub failures: Vec<Failure>,
}

/// A record that is not answered as recorded.
pub struct Failure {
    record: usize,
    request: String,
    fault: String,
}

/// An output of a request, over all records.
#[derive(Default)]
struct Output {
    records: usize,
    elements: usize,
    wrong: usize,
    max_error: f64,
    error_over_scale: f64,
}

impl Report {
    /// A report without records.
    pub fn new(tolerance: Tolerance) -> Report {
        Report { tolerance, ..Report::default() }
    }

    /// Adds the verdicts of the next record.
    pub fn add(&mut self, log: &PredictionLog, verdicts: Result<Vec<Verdict>>) {
        let request = Request::of(log).map_or_else(|_| "?".to_owned(), |request| request.describe());
        let faults: Vec<String> = match &verdicts {
            Err(error) => vec![error.to_string()],
            Ok(verdicts) => verdicts
                .iter()
                .filter_map(|(name, comparison)| Some(format!("'{name}' {}", comparison.fault.as_ref()?)))
                .collect(),
        };
        for (name, comparison) in verdicts.into_iter().flatten() {
            self.outputs.entry((request.clone(), name)).or_default().add(&comparison);
        }
        if !faults.is_empty() {
            self.failures.push(Failure { record: self.records, request, fault: faults.join("\n") });
        }
        self.records += 1;
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut table = print::table([
            "request",
            "output",
            "records",
            "elements",
            "wrong",
            "max error",
            "error/scale",
            "",
        ]);
        for ((request, name), output) in &self.outputs {
            table.add_row([
                request.clone(),
                name.clone(),
                output.records.to_string(),
                output.elements.to_string(),
                output.wrong.to_string(),
                format!("{:.2e}", output.max_error),
                format!("{:.2e}", output.error_over_scale),
                if output.wrong == 0 { "ok" } else { "DIFFERS" }.to_owned(),
            ]);
        }
        let mut text = format!("{table}\n");
        // Writing to a string does not fail.
        for failure in &self.failures {
            let _ = writeln!(text, "record {} ({}): {}", failure.record, failure.request, failure.fault);
        }
        let passed = self.records - self.failures.len();
        let _ = writeln!(
            text,
            "{passed} of {} records are answered as recorded ({})",
            self.records, self.tolerance
        );
        text
    }

    fn json(&self) -> Value {
        let output = |((request, name), output): (&(String, String), &Output)| {
            json!({
                "request": request,
                "output": name,
                "records": output.records,
                "elements": output.elements,
                "wrong": output.wrong,
                "max_error": output.max_error,
                "error_over_scale": output.error_over_scale,
            })
        };
        let failure = |failure: &Failure| json!({ "record": failure.record, "request": failure.request, "fault": failure.fault });
        json!({
            "records": self.records,
            "passed": self.records - self.failures.len(),
            "failed": self.failures.len(),
            "tolerance": self.tolerance.to_string(),
            "outputs": self.outputs.iter().map(output).collect::<Vec<_>>(),
            "failures": self.failures.iter().map(failure).collect::<Vec<_>>(),
        })
    }
}

impl Output {
    fn add(&mut self, comparison: &Comparison) {
        self.records += 1;
        self.elements += comparison.elements;
        self.wrong += if comparison.passed() { 0 } else { comparison.wrong.max(1) };
        self.max_error = self.max_error.max(comparison.max_error);
        self.error_over_scale = self.error_over_scale.max(comparison.error_over_scale());
    }
}
