//! The exact list of known failures.

use std::collections::BTreeSet;
use std::fmt;

use crate::{CaseReport, Check, Mode, Report};

/// What is known to fail: whole cases, checks, or checks in one mode.
///
/// One per line: `ops/math/Add`, `ops/math/Add#3`, `ops/math/Add#3 optimized`. A `#` at the start of a line or after a space begins a
/// comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownFailures(BTreeSet<String>);

/// A way in which a report is not as the list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surprise {
    /// Something fails that is not in the list.
    Failure {
        /// The case, or the check with its mode.
        name: String,
        /// What is wrong.
        fault: String,
    },
    /// Something in the list passes, or is not there.
    Pass {
        /// The line of the list.
        name: String,
    },
}

impl fmt::Display for Surprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Surprise::Failure { name, fault } => write!(f, "{name} fails: {fault}"),
            Surprise::Pass { name } => write!(f, "{name} is in the list of known failures and does not fail"),
        }
    }
}

impl KnownFailures {
    /// The list in a text.
    pub fn parse(text: &str) -> KnownFailures {
        let lines = text.lines().map(|line| {
            let end = if line.starts_with('#') { 0 } else { line.find(" #").unwrap_or(line.len()) };
            line[..end].trim().to_owned()
        });
        KnownFailures(lines.filter(|line| !line.is_empty()).collect())
    }

    /// The shortest list that makes a report unsurprising.
    pub fn of(report: &Report) -> KnownFailures {
        KnownFailures(report.cases.iter().flat_map(lines).collect())
    }

    /// The list without what is said of these cases.
    #[must_use]
    pub fn without(&self, report: &Report) -> KnownFailures {
        let names: BTreeSet<&str> = report.cases.iter().map(|case| case.name.as_str()).collect();
        KnownFailures(self.0.iter().filter(|line| !names.contains(case_of(line))).cloned().collect())
    }

    /// Both lists.
    #[must_use]
    pub fn and(mut self, other: KnownFailures) -> KnownFailures {
        self.0.extend(other.0);
        self
    }

    /// Where the report is not as the list says, for the cases of the report.
    pub fn surprises(&self, report: &Report) -> Vec<Surprise> {
        report.cases.iter().flat_map(|case| self.case(case)).collect()
    }

    fn case(&self, case: &CaseReport) -> Vec<Surprise> {
        let own: Vec<&String> = self.0.iter().filter(|line| case_of(line) == case.name).collect();
        if let Some(reason) = &case.blocked {
            let failure = Surprise::Failure { name: case.name.clone(), fault: reason.clone() };
            return if own.contains(&&case.name) { Vec::new() } else { vec![failure] };
        }
        let covers = |line: &str, check: &Check| {
            let (both, one) = names(case, &check.name, check.mode);
            line == case.name || line == both || line == one
        };
        let mut failures: Vec<(String, &Check)> = Vec::new();
        for check in case.checks.iter().filter(|check| !own.iter().any(|line| covers(line, check))) {
            let Some(fault) = &check.fault else { continue };
            let (both, one) = names(case, &check.name, check.mode);
            // What fails in both modes in the same way is said once.
            match failures
                .iter_mut()
                .find(|(_, seen)| seen.name == check.name && seen.fault.as_ref() == Some(fault))
            {
                Some((name, _)) => *name = both,
                None => failures.push((one, check)),
            }
        }
        let failure = |(name, check): (String, &Check)| Surprise::Failure {
            name,
            fault: check.fault.clone().unwrap_or_default(),
        };
        let mut surprises: Vec<Surprise> = failures.into_iter().map(failure).collect();
        for line in own {
            let mut covered = case.checks.iter().filter(|check| covers(line, check)).peekable();
            if covered.peek().is_none() || covered.any(Check::passed) {
                surprises.push(Surprise::Pass { name: line.clone() });
            }
        }
        surprises
    }
}

impl fmt::Display for KnownFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The case that a line is about.
fn case_of(line: &str) -> &str {
    line.split('#').next().unwrap_or(line)
}

/// A check in both modes, and in one.
fn names(case: &CaseReport, check: &str, mode: Mode) -> (String, String) {
    let both = format!("{}#{check}", case.name);
    let one = format!("{both} {mode}");
    (both, one)
}

fn lines(case: &CaseReport) -> Vec<String> {
    let failing: Vec<_> = case.checks.iter().filter(|check| !check.passed()).collect();
    if case.blocked.is_some() || (!failing.is_empty() && failing.len() == case.checks.len()) {
        return vec![case.name.clone()];
    }
    let fails = |name: &str, mode: Mode| failing.iter().any(|check| check.name == name && check.mode == mode);
    let line = |check: &&Check| {
        let (both, one) = names(case, &check.name, check.mode);
        if Mode::ALL.into_iter().all(|mode| fails(&check.name, mode)) { both } else { one }
    };
    failing.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(checks: &[(&str, Mode, bool)]) -> Report {
        let check = |&(name, mode, passed): &(&str, Mode, bool)| Check {
            name: name.to_owned(),
            mode,
            fault: (!passed).then(|| "wrong".to_owned()),
            error_over_scale: 0.0,
        };
        let case = CaseReport {
            name: "ops/math/Add".to_owned(),
            checks: checks.iter().map(check).collect(),
            blocked: None,
            duration: Default::default(),
        };
        Report { cases: vec![case] }
    }

    #[test]
    fn a_list_made_of_a_report_fits_it_and_no_other() {
        use Mode::{Optimized, Plain};
        let reports = [
            (vec![("0", Plain, true), ("0", Optimized, true)], ""),
            (vec![("0", Plain, false), ("1", Plain, false)], "ops/math/Add\n"),
            (
                vec![
                    ("0", Plain, false),
                    ("0", Optimized, false),
                    ("1", Plain, true),
                    ("1", Optimized, true),
                ],
                "ops/math/Add#0\n",
            ),
            (vec![("0", Plain, true), ("0", Optimized, false)], "ops/math/Add#0 optimized\n"),
        ];
        for (checks, text) in &reports {
            assert_eq!(KnownFailures::of(&report(checks)).to_string(), *text);
            for (other, _) in &reports {
                let surprises = KnownFailures::parse(text).surprises(&report(other));
                assert_eq!(surprises.is_empty(), other == checks, "{text:?} {other:?} {surprises:?}");
            }
        }
    }

    #[test]
    fn lines_for_what_is_not_there_are_surprises() {
        let list = KnownFailures::parse("# all\nops/math/Add#7 # why\n\nops/nn/Elu\n");
        let report = report(&[("0", Mode::Plain, true)]);
        let names: Vec<String> = list.surprises(&report).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["ops/math/Add#7 is in the list of known failures and does not fail"]);
        assert_eq!(list.without(&report).to_string(), "ops/nn/Elu\n");
    }
}
