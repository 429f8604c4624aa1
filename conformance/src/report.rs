//! What came of it.

use std::fmt;
use std::time::Duration;

use savedmodel_verify::Verdict;

/// Whether graphs were rewritten before they ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Each node of the model is one step.
    Plain,
    /// The graph is optimised.
    Optimized,
}

impl Mode {
    /// Both modes.
    pub const ALL: [Mode; 2] = [Mode::Plain, Mode::Optimized];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mode::Plain => "plain",
            Mode::Optimized => "optimized",
        })
    }
}

/// One record of a model, or one group of an operator's calls, in one mode.
#[derive(Clone, Debug)]
pub struct Check {
    /// What it is called within its case: the number of the record or group, or `error` and a number.
    pub name: String,
    /// How it ran.
    pub mode: Mode,
    /// What is wrong, if anything.
    pub fault: Option<String>,
    /// The largest error of an output over the scale of that output.
    pub error_over_scale: f64,
}

/// All checks of a case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The name of the case.
    pub name: String,
    /// The checks, in order, of both modes; empty when the operator is missing.
    pub checks: Vec<Check>,
    /// Why no check could run: the operator is not supported, or the case can't be read.
    pub blocked: Option<String>,
    /// How long it took.
    pub duration: Duration,
}

/// All cases.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The cases, in order of their names.
    pub cases: Vec<CaseReport>,
}

impl Check {
    pub(crate) fn of(name: String, mode: Mode, outcome: Outcome) -> Check {
        Check { name, mode, fault: outcome.fault, error_over_scale: outcome.error_over_scale }
    }

    /// Whether it is as TensorFlow has it.
    pub fn passed(&self) -> bool {
        self.fault.is_none()
    }
}

impl CaseReport {
    /// How many checks passed.
    pub fn passed(&self) -> usize {
        self.checks.iter().filter(|check| check.passed()).count()
    }

    /// Whether all passed.
    pub fn is_good(&self) -> bool {
        self.blocked.is_none() && self.passed() == self.checks.len()
    }

    /// The largest error of any output over the scale of that output.
    pub fn error_over_scale(&self) -> f64 {
        self.checks.iter().map(|check| check.error_over_scale).fold(0.0, f64::max)
    }
}

/// What a check found, before it has a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub fault: Option<String>,
    pub error_over_scale: f64,
}

impl Outcome {
    pub(crate) fn wrong(fault: impl Into<String>) -> Outcome {
        Outcome { fault: Some(fault.into()), error_over_scale: 0.0 }
    }

    /// The outcome of comparing outputs: the faults of all that fail.
    pub(crate) fn of(verdicts: &[Verdict]) -> Outcome {
        let faults: Vec<String> = verdicts
            .iter()
            .filter_map(|(name, comparison)| Some(format!("'{name}' {}", comparison.fault.as_ref()?)))
            .collect();
        let errors = verdicts.iter().map(|(_, comparison)| comparison.error_over_scale());
        Outcome {
            fault: (!faults.is_empty()).then(|| faults.join("; ")),
            error_over_scale: errors.fold(0.0, f64::max),
        }
    }

    /// The outcome of an answer where TensorFlow refuses: the code must be the same.
    pub(crate) fn of_refusal<T>(answer: Result<T, savedmodel::Error>, code: &str, message: &str) -> Outcome {
        match answer {
            Err(error) if error.code().name() == code && !is_panic(&error) => Outcome::default(),
            Err(error) => Outcome::wrong(format!("{error}\n  expected {code}: {message}")),
            Ok(_) => Outcome::wrong(format!("there is an answer, expected {code}: {message}")),
        }
    }
}

/// Whether the error stands for a defect, not for a refusal.
fn is_panic(error: &savedmodel::Error) -> bool {
    error.message().contains("panicked")
}
