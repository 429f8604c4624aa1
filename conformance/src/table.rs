//! A report to read.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use crate::{CaseReport, Mode, Report};

/// A report as a table, a row for each operator and model; `all` shows those rows, too, in which everything passed.
pub fn table(report: &Report, all: bool) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["case", "plain", "optimized", "error/scale", "ms", ""]);
    for case in report.cases.iter().filter(|case| all || !case.is_good()) {
        let error = case.error_over_scale();
        table.add_row([
            case.name.clone(),
            share(case, Mode::Plain),
            share(case, Mode::Optimized),
            if error > 0.0 { format!("{error:.1e}") } else { String::new() },
            case.duration.as_millis().to_string(),
            verdict(case),
        ]);
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let rows = if table.is_empty() { String::new() } else { format!("{table}\n") };
    format!("{rows}{}", total(report))
}

fn share(case: &CaseReport, mode: Mode) -> String {
    let checks = case.checks.iter().filter(|check| check.mode == mode);
    let (passed, all) =
        checks.fold((0, 0), |(passed, all), check| (passed + usize::from(check.passed()), all + 1));
    if case.blocked.is_some() { "-".to_owned() } else { format!("{passed}/{all}") }
}

fn verdict(case: &CaseReport) -> String {
    match &case.blocked {
        Some(reason) if reason.contains("is not supported") => "missing".to_owned(),
        Some(_) => "not run".to_owned(),
        None if case.is_good() => "ok".to_owned(),
        None => "FAILS".to_owned(),
    }
}

fn total(report: &Report) -> String {
    let good = report.cases.iter().filter(|case| case.is_good()).count();
    let blocked = report.cases.iter().filter(|case| case.blocked.is_some()).count();
    let passed: usize = report.cases.iter().map(CaseReport::passed).sum();
    let checks: usize = report.cases.iter().map(|case| case.checks.len()).sum();
    format!(
        "{good} of {} cases pass, {blocked} could not run; {passed} of {checks} checks pass",
        report.cases.len()
    )
}
