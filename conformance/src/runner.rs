//! Running cases side by side.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use savedmodel::{Error, LoadOptions, Result};
use savedmodel_verify::Tolerance;

use crate::{Case, CaseReport, Check, Kind, Report, model, operator};

/// How cases are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many cases run at once; each on one thread.
    pub jobs: usize,
    /// A tolerance for the records of models, instead of their own.
    pub tolerance: Option<Tolerance>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { jobs: thread::available_parallelism().map_or(1, usize::from), tolerance: None }
    }
}

/// Runs cases; `done` is told of each one that ended. Panics become faults of their checks; where they arose is told once on
/// standard error.
pub fn run(cases: &[Case], settings: &Settings, done: &(dyn Fn(&CaseReport) + Sync)) -> Report {
    shorten_panics();
    let next = AtomicUsize::new(0);
    let reports: Mutex<Vec<(usize, CaseReport)>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..settings.jobs.clamp(1, cases.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(i) else { break };
                    let report = run_case(case, settings);
                    done(&report);
                    reports.lock().unwrap_or_else(PoisonError::into_inner).push((i, report));
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.sort_by_key(|(i, _)| *i);
    Report { cases: reports.into_iter().map(|(_, report)| report).collect() }
}

/// A defect that panics may do so in hundreds of checks.
fn shorten_panics() {
    static PLACES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or_default();
        if PLACES.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone()) {
            eprintln!("panic at {place}: {text}");
        }
    }));
}

fn run_case(case: &Case, settings: &Settings) -> CaseReport {
    let start = Instant::now();
    let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
    let checks = || -> Result<Vec<Check>> {
        match case.kind {
            Kind::Model => model::run(case, settings.tolerance, &options),
            Kind::Operator => operator::run(case, &options),
        }
    };
    let result = catch_unwind(AssertUnwindSafe(checks))
        .unwrap_or_else(|_| Err(Error::internal("the case panicked outside of a kernel")));
    let (checks, blocked) = match result {
        Ok(checks) => (checks, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    CaseReport { name: case.name.clone(), checks, blocked, duration: start.elapsed() }
}
