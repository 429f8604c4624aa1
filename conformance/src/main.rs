//! Runs conformance cases: those of this project, or any directory of SavedModels with their records.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use savedmodel::{Error, Result};
use savedmodel_conformance::{
    Case, Coverage, KnownFailures, Report, Settings, Surprise, json, junit, run, table,
};
use savedmodel_verify::Tolerance;

/// Replays TensorFlow's own answers and says what differs.
///
/// Exit status: 0 if all is as expected, 1 if not, 2 for wrong usage.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Directories of models (`*/model/` with `*/prediction_log.tfrecord`) or operator calls (`*.tfrecord.gz`); or parts of names
    /// of this project's cases, such as `math/Add`. All of this project's cases if none is given.
    what: Vec<String>,

    /// The known failures of this project's cases.
    #[arg(long, value_name = "FILE", default_value_os_t = own("known_failures.txt"))]
    known_failures: PathBuf,

    /// Write the failures that there are into the list of known failures; if all of this project's cases ran, also what `savedmodel ops`
    /// and OPERATORS.md say of each operator.
    #[arg(long)]
    update: bool,

    /// A tolerance for models, instead of their own: `exact`, `ulp N`, `eps N`, `close RTOL ATOL` or `scale S`.
    #[arg(long)]
    tolerance: Option<Tolerance>,

    /// How many cases run at once.
    #[arg(long, value_name = "N", default_value_t = Settings::default().jobs)]
    jobs: usize,

    /// Show all cases in the table, not only those that fail.
    #[arg(long)]
    all: bool,

    /// Say what is wrong with up to N checks.
    #[arg(long, value_name = "N", default_value_t = 20)]
    faults: usize,

    /// Write a JUnit report.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Write a JSON report.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match conform(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn conform(arguments: &Arguments) -> Result<bool> {
    let cases = find(&arguments.what)?;
    if cases.is_empty() {
        return Err(Error::not_found("there are no such cases"));
    }
    let bar = ProgressBar::new(cases.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    let settings = Settings { jobs: arguments.jobs, tolerance: arguments.tolerance };
    let report = run(&cases, &settings, &|case| {
        bar.set_message(case.name.clone());
        bar.inc(1);
    });
    bar.finish_and_clear();
    let mut known = read_known(&arguments.known_failures)?;
    if arguments.update {
        known = known.without(&report).and(KnownFailures::of(&report));
        fs::write(&arguments.known_failures, format!("{HEADER}{known}"))?;
        if arguments.what.is_empty() {
            let coverage = Coverage::new(&savedmodel::registry(), &report);
            fs::write(own("operators.json"), coverage.json())?;
            fs::write(own("../OPERATORS.md"), coverage.markdown())?;
        }
    }
    let surprises = known.surprises(&report);
    show(arguments, &report, &surprises);
    if let Some(path) = &arguments.junit {
        fs::write(path, junit(&report, &surprises))?;
    }
    if let Some(path) = &arguments.json {
        fs::write(path, format!("{:#}\n", json(&report, &surprises)))?;
    }
    Ok(surprises.is_empty())
}

const HEADER: &str = "\
# What is known to fail, exactly: a case, a check of it (ops/math/Add#3), or a check in one mode (ops/math/Add#3 optimized).
# Something in this list that passes is an error, too. `savedmodel-conformance --update` writes it.
";

fn read_known(path: &Path) -> Result<KnownFailures> {
    if !path.exists() {
        return Ok(KnownFailures::default());
    }
    Ok(KnownFailures::parse(&fs::read_to_string(path)?))
}

fn find(what: &[String]) -> Result<Vec<Case>> {
    let (directories, names): (Vec<&String>, Vec<&String>) =
        what.iter().partition(|name| Path::new(name).is_dir());
    let mut cases = Vec::new();
    for directory in &directories {
        cases.extend(Case::find_all(directory)?);
    }
    if directories.is_empty() || !names.is_empty() {
        let own = Case::find_all(own("cases"))?;
        let wanted =
            |case: &Case| names.is_empty() || names.iter().any(|name| case.name.contains(name.as_str()));
        cases.extend(own.into_iter().filter(wanted));
    }
    Ok(cases)
}

fn show(arguments: &Arguments, report: &Report, surprises: &[Surprise]) {
    println!("{}", table(report, arguments.all));
    for surprise in surprises.iter().take(arguments.faults) {
        println!("{surprise}");
    }
    if surprises.len() > arguments.faults {
        println!("… and {} more", surprises.len() - arguments.faults);
    }
}
