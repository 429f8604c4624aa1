//! A report for programs.

use serde_json::{Value, json};

use crate::{CaseReport, Check, Report, Surprise};

/// A report as JSON: every case with every check, and what surprises.
pub fn json(report: &Report, surprises: &[Surprise]) -> Value {
    let passed: usize = report.cases.iter().map(CaseReport::passed).sum();
    let checks: usize = report.cases.iter().map(|case| case.checks.len()).sum();
    json!({
        "passed": passed,
        "checks": checks,
        "surprises": surprises.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "cases": report.cases.iter().map(case).collect::<Vec<_>>(),
    })
}

fn case(case: &CaseReport) -> Value {
    json!({
        "name": case.name,
        "passed": case.is_good(),
        "not_run": case.blocked,
        "error_over_scale": case.error_over_scale(),
        "ms": case.duration.as_secs_f64() * 1e3,
        "checks": case.checks.iter().map(check).collect::<Vec<_>>(),
    })
}

fn check(check: &Check) -> Value {
    json!({
        "name": check.name,
        "mode": check.mode.to_string(),
        "passed": check.passed(),
        "error_over_scale": check.error_over_scale,
        "fault": check.fault,
    })
}
