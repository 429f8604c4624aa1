//! A report for build servers.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::{CaseReport, Mode, Report, Surprise};

/// How many faults of one case are written out.
const FAULTS: usize = 10;

/// A report as JUnit's XML: a suite for each directory of cases, a test for each case and mode. Known failures are skipped
/// tests; only what surprises fails.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn junit(report: &Report, surprises: &[Surprise]) -> String {
    let mut xml = Junit::new("savedmodel-conformance");
    let mut suites: Vec<TestSuite> = Vec::new();
    for case in &report.cases {
        let (suite, _) = case.name.rsplit_once('/').unwrap_or((&case.name, ""));
        if suites.last().is_none_or(|last| last.name.as_str() != suite) {
            suites.push(TestSuite::new(suite));
        }
        if let Some(last) = suites.last_mut() {
            last.add_test_cases(Mode::ALL.map(|mode| test(case, mode, surprises)));
        }
    }
    xml.add_test_suites(suites);
    xml.to_string().unwrap_or_default()
}

fn test(case: &CaseReport, mode: Mode, surprises: &[Surprise]) -> TestCase {
    let about = |name: &str| {
        let of_case = name.split('#').next() == Some(&case.name);
        of_case && Mode::ALL.iter().all(|&other| other == mode || !name.ends_with(&format!(" {other}")))
    };
    let found: Vec<String> = surprises
        .iter()
        .filter(|surprise| match surprise {
            Surprise::Failure { name, .. } | Surprise::Pass { name } => about(name),
        })
        .map(ToString::to_string)
        .collect();
    let failing =
        case.blocked.is_some() || case.checks.iter().any(|check| check.mode == mode && !check.passed());
    let mut status = match (found.is_empty(), failing) {
        (false, _) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (true, true) => TestCaseStatus::skipped(),
        (true, false) => TestCaseStatus::success(),
    };
    if !found.is_empty() {
        status.set_message(format!("{} of its checks are not as expected", found.len()));
        status.set_description(found[..found.len().min(FAULTS)].join("\n"));
    } else if failing {
        status.set_message("a known failure");
    }
    let (_, name) = case.name.rsplit_once('/').unwrap_or(("", &case.name));
    let mut test = TestCase::new(format!("{name} {mode}"), status);
    test.set_time(case.duration / 2);
    test
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Check, KnownFailures};

    #[test]
    fn only_surprises_fail() {
        let check = |mode, fault: Option<&str>| Check {
            name: "0".to_owned(),
            mode,
            fault: fault.map(str::to_owned),
            error_over_scale: 0.0,
        };
        let case = |name: &str, plain, optimized| CaseReport {
            name: name.to_owned(),
            checks: vec![check(Mode::Plain, plain), check(Mode::Optimized, optimized)],
            blocked: None,
            duration: Default::default(),
        };
        let cases = vec![
            case("ops/math/Add", None, Some("is <wrong>")),
            case("ops/math/Mul", Some("known"), Some("known")),
            case("ops/nn/Elu", None, None),
        ];
        let report = Report { cases };
        let surprises = KnownFailures::parse("ops/math/Mul").surprises(&report);
        let xml = junit(&report, &surprises);
        for part in [
            r#"tests="6" skipped="2" failures="1" errors="0""#,
            r#"<testsuite name="ops/math" tests="4" skipped="2" errors="0" failures="1">"#,
            "ops/math/Add#0 optimized fails: is &lt;wrong&gt;",
            r#"<testcase name="Elu plain""#,
        ] {
            assert!(xml.contains(part), "expected {part} in {xml}");
        }
    }
}
