//! Which operators there are, and what the cases say of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use savedmodel::{DType, Registry};
use serde_json::{Map, Value, json};

use crate::Report;

/// The dtypes that TensorFlow's own CPU kernels take.
const CPU_KERNELS: &str = include_str!("../../crates/op/data/cpu_kernels.csv");

/// Dtypes by attribute.
type Dtypes = BTreeMap<String, BTreeSet<&'static str>>;

/// What is known of each operator of a registry.
#[derive(Clone, Debug)]
pub struct Coverage(BTreeMap<&'static str, Operator>);

#[derive(Clone, Debug, Default)]
struct Operator {
    dtypes: Dtypes,
    /// Dtypes that TensorFlow's kernels take and ours do not.
    missing: Dtypes,
    checks: usize,
    held: usize,
}

impl Operator {
    fn state(&self) -> &'static str {
        match (self.missing.is_empty(), self.held == self.checks) {
            (false, _) => "dtypes missing",
            (_, false) => "cases fail",
            _ if self.checks == 0 => "no cases of its own",
            _ => "whole",
        }
    }
}

impl Coverage {
    /// The operators of a registry, with the checks of a report that are about one operator.
    pub fn new(registry: &Registry, report: &Report) -> Coverage {
        let theirs = cpu_kernels();
        let mut operators = BTreeMap::new();
        for op in registry.ops().iter().filter(|op| !op.name.starts_with('_')) {
            let own = op.kernels.dtypes().into_iter().filter(|(_, dtypes)| !dtypes.is_empty());
            let name = |dtype: DType| dtype.name();
            let dtypes: Dtypes =
                own.map(|(attr, dtypes)| (attr.to_owned(), dtypes.into_iter().map(name).collect())).collect();
            let missing = dtypes.iter().filter_map(|(attr, ours)| {
                let lacking: BTreeSet<&str> =
                    theirs.get(op.name)?.get(attr)?.difference(ours).copied().collect();
                (!lacking.is_empty()).then(|| (attr.clone(), lacking))
            });
            let missing = missing.collect();
            operators.insert(op.name, Operator { dtypes, missing, checks: 0, held: 0 });
        }
        for case in &report.cases {
            let name = case.name.strip_prefix("ops/").and_then(|rest| rest.split('/').nth(1));
            if let Some(operator) = name.and_then(|name| operators.get_mut(name)) {
                operator.checks += case.checks.len();
                operator.held += case.passed();
            }
        }
        Coverage(operators)
    }

    /// For `savedmodel ops`: checks, those that hold, missing dtypes and the state, by operator.
    pub fn json(&self) -> String {
        let rows = self.0.iter().map(|(name, operator)| {
            let missing: Map<String, Value> = operator
                .missing
                .iter()
                .map(|(attr, dtypes)| (attr.clone(), dtypes.iter().copied().collect()))
                .collect();
            let row = json!({
                "checks": operator.checks,
                "held": operator.held,
                "missing_dtypes": missing,
                "state": operator.state(),
            });
            format!("  {}: {row}", Value::from(*name))
        });
        format!("{{\n{}\n}}\n", rows.collect::<Vec<_>>().join(",\n"))
    }

    /// For people: OPERATORS.md.
    pub fn markdown(&self) -> String {
        let whole = self.0.values().filter(|operator| operator.state() == "whole").count();
        let mut text = format!(
            "# Operators\n\n`savedmodel-conformance --update` writes this page. There are {} operators. An operator is *whole* when its kernels take all \
             dtypes\nthat TensorFlow's CPU kernels take and all checks of its own hold, optimised and not: {whole} are. Of TensorFlow's other \
             operators,\n`savedmodel ops` lists the names.\n\n| operator | dtypes | checks | state |\n|---|---|--:|---|\n",
            self.0.len()
        );
        for (name, operator) in &self.0 {
            let checks = match operator.checks {
                0 => String::new(),
                n if n == operator.held => n.to_string(),
                n => format!("{} of {n}", operator.held),
            };
            let missing = match operator.missing.is_empty() {
                true => String::new(),
                false => format!(": {}", list(&operator.missing)),
            };
            let _ = writeln!(
                text,
                "| {name} | {} | {checks} | {}{missing} |",
                list(&operator.dtypes),
                operator.state()
            );
        }
        text
    }
}

fn list(dtypes: &Dtypes) -> String {
    let attr = |(attr, dtypes): (&String, &BTreeSet<&str>)| {
        let names: Vec<&str> = dtypes.iter().copied().collect();
        format!(
            "{attr}: {}",
            if names.len() == DType::ALL.len() { "all".to_owned() } else { names.join(" ") }
        )
    };
    dtypes.iter().map(attr).collect::<Vec<_>>().join("; ")
}

/// By operator; several kernels of one add up.
fn cpu_kernels() -> BTreeMap<&'static str, Dtypes> {
    let mut kernels: BTreeMap<&str, Dtypes> = BTreeMap::new();
    for line in CPU_KERNELS.lines().skip(1) {
        let mut fields = line.split(',');
        let (Some(op), Some(constraints)) = (fields.next(), fields.next()) else { continue };
        for (attr, names) in constraints.split(';').filter_map(|constraint| constraint.split_once('=')) {
            let dtypes = names.split('|').filter_map(DType::from_name).map(DType::name);
            kernels.entry(op).or_default().entry(attr.trim().to_owned()).or_default().extend(dtypes);
        }
    }
    kernels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CaseReport, Check, Mode};

    #[test]
    fn what_holds_is_whole() {
        let check = |fault: Option<&str>| Check {
            name: "0".to_owned(),
            mode: Mode::Plain,
            fault: fault.map(str::to_owned),
            error_over_scale: 0.0,
        };
        let case = |name: &str, checks| CaseReport {
            name: name.to_owned(),
            checks,
            blocked: None,
            duration: Default::default(),
        };
        let cases = vec![
            case("ops/math/AddV2", vec![check(None), check(None)]),
            case("ops/math/Exp", vec![check(Some("wrong"))]),
            case("models/any", vec![check(Some("wrong"))]),
        ];
        let coverage = Coverage::new(&savedmodel::registry(), &Report { cases });
        let text = coverage.markdown();
        for row in ["| 2 | whole |", "| 0 of 1 | cases fail |", "no cases of its own"] {
            assert!(text.contains(row), "{row}");
        }
        let json: Value = serde_json::from_str(&coverage.json()).unwrap();
        assert_eq!(json["AddV2"]["held"], 2);
        assert_eq!(json["Exp"]["state"], "cases fail");
    }

    #[test]
    fn tensorflows_kernels_are_read() {
        assert!(cpu_kernels()["Abs"]["T"].contains("float32"));
    }
}
