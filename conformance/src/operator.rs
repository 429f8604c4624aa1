//! Single operators, call by call.

use std::sync::Arc;

use savedmodel::{Error, LoadOptions, Registry, Result, Tensor};
use savedmodel_graph::{FunctionLibrary, Graph};
use savedmodel_proto::collection_def::Kind;
use savedmodel_proto::serving::PredictionLog;
use savedmodel_proto::{MetaGraphDef, decode};
use savedmodel_runtime::{Options, Session, SessionOptions};
use savedmodel_verify::log::{self, Named};
use savedmodel_verify::{Request, Tolerance, judge};

use crate::report::Outcome;
use crate::{Case, Check, Mode};

/// A graph and its runs, which share a session.
struct Group {
    message: MetaGraphDef,
    tolerance: Tolerance,
    kind: Option<String>,
    runs: Vec<Run>,
}

struct Run {
    /// Empty, or `CODE: message`.
    expected: String,
    log: PredictionLog,
}

/// Runs all groups of calls in both modes.
pub(crate) fn run(case: &Case, options: &LoadOptions) -> Result<Vec<Check>> {
    let registry = options.registry.clone().unwrap_or_else(savedmodel::registry);
    if registry.find(case.operator()).is_none() {
        return Err(Error::unimplemented(format!("operator {} is not supported", case.operator())));
    }
    let mut settings = SessionOptions { threads: Some(1), ..SessionOptions::default() };
    settings.limits.tensor_bytes = options.tensor_limit();
    let mut checks = Vec::new();
    for (i, group) in read(case)?.iter().enumerate() {
        for mode in Mode::ALL {
            settings.plans = Options { optimize: mode == Mode::Optimized, ..Options::default() };
            checks.push(Check::of(i.to_string(), mode, check(group, settings, &registry)));
        }
    }
    Ok(checks)
}

fn read(case: &Case) -> Result<Vec<Group>> {
    let mut records = log::records(&case.path)?.into_iter();
    let mut groups = Vec::new();
    while let Some(record) = records.next() {
        let message: MetaGraphDef = decode(record)?;
        let strings = |name: &str| match message.collection_def.get(name).and_then(|def| def.kind.as_ref()) {
            Some(Kind::BytesList(list)) => {
                list.value.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
            }
            _ => Vec::new(),
        };
        let mut runs = Vec::new();
        for expected in strings("expected") {
            let record = records.next().ok_or_else(|| Error::data_loss("a group has too few records"))?;
            runs.push(Run { expected, log: decode(record)? });
        }
        let tolerance = strings("tolerance").first().map_or(Ok(Tolerance::Exact), |text| text.parse())?;
        groups.push(Group { tolerance, kind: strings("kind").into_iter().next(), runs, message });
    }
    Ok(groups)
}

fn check(group: &Group, settings: SessionOptions, registry: &Arc<Registry>) -> Outcome {
    let session = session(group, settings, registry);
    let mut all = Outcome::default();
    for (i, run) in group.runs.iter().enumerate() {
        let answer = session.as_ref().map_err(Error::clone).and_then(|session| answer(session, &run.log));
        let outcome = match run.expected.split_once(": ") {
            Some((code, message)) => Outcome::of_refusal(answer, code, message),
            None => compare(answer, run, group.tolerance),
        };
        all.error_over_scale = all.error_over_scale.max(outcome.error_over_scale);
        if let (Some(fault), None) = (outcome.fault, &all.fault) {
            let kind = group.kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
            all.fault = Some(format!("run {i}{kind}: {fault}"));
        }
    }
    all
}

fn compare(answer: Result<Named>, run: &Run, tolerance: Tolerance) -> Outcome {
    let verdicts = answer.and_then(|got| judge(&got, &log::response(&run.log)?, tolerance));
    match verdicts {
        Ok(verdicts) => Outcome::of(&verdicts),
        Err(error) => Outcome::wrong(error.to_string()),
    }
}

fn session(group: &Group, settings: SessionOptions, registry: &Arc<Registry>) -> Result<Session> {
    let message = group.message.graph_def.clone().unwrap_or_default();
    let graph: Graph = savedmodel_loader::graph(&message)?;
    let library: FunctionLibrary =
        savedmodel_loader::library(&message.library.unwrap_or_default(), Arc::clone(registry))?;
    Session::new(Arc::new(graph), Arc::new(library), Arc::clone(registry), settings)
}

fn answer(session: &Session, log: &PredictionLog) -> Result<Named> {
    let Request::Run { feeds, fetches, targets } = Request::of(log)? else {
        return Err(Error::invalid_argument("the record of a call is no session_run_log"));
    };
    let (names, values): (Vec<String>, Vec<Tensor>) = feeds.into_iter().unzip();
    let feeds = names.iter().map(|name| session.output(name)).collect::<Result<Vec<_>>>()?;
    let outputs = fetches.iter().map(|name| session.output(name)).collect::<Result<Vec<_>>>()?;
    let targets = targets.iter().map(|name| session.operation(name)).collect::<Result<Vec<_>>>()?;
    let plan = session.prepare(&feeds, &outputs, &targets)?;
    Ok(fetches.into_iter().zip(session.run(&plan, values)?).collect())
}
