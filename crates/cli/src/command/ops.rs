//! `savedmodel ops`.

use savedmodel_loader::op_defs;
use savedmodel_tensor::{DType, Error, Result};
use serde_json::{Map, Value, json};

use crate::arguments::Ops;
use crate::print;

/// What the cases of this project say of each operator.
const CASES: &str = include_str!("../../../../conformance/operators.json");

/// Lists the operators that there are, with their dtypes, and those of TensorFlow that are missing.
///
/// # Errors
/// Those of standard output.
pub fn run(arguments: &Ops) -> Result<()> {
    let registry = savedmodel::registry();
    let supported: Vec<(&str, Dtypes)> =
        registry.ops().iter().map(|op| (op.name, op.kernels.dtypes())).collect();
    let mut missing: Vec<&str> =
        op_defs::messages().keys().map(String::as_str).filter(|name| registry.find(name).is_none()).collect();
    missing.sort_unstable();
    let total = op_defs::messages().len();
    let cases: Map<String, Value> = serde_json::from_str(CASES)
        .map_err(|e| Error::internal(format!("the list of operators' cases is malformed: {e}")))?;
    if arguments.json {
        return print::out(&format!("{:#}\n", json(&supported, &missing, &cases, total)));
    }
    let mut table = print::table(["operator", "dtypes", "checks", "state"]);
    for (name, dtypes) in &supported {
        let known = |field: &str| match cases.get(*name).map(|case| &case[field]) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        table.add_row([*name, &text(dtypes), &known("checks"), &known("state")]);
    }
    let known = total - missing.len();
    print::out(&format!(
        "{table}\n{known} of TensorFlow's {total} operators.\nMissing: {}\n",
        missing.join(", ")
    ))
}

/// The dtypes of kernels, by attribute.
type Dtypes = Vec<(&'static str, Vec<DType>)>;

fn text(dtypes: &Dtypes) -> String {
    let attr = |(attr, dtypes): &(&str, Vec<DType>)| {
        if dtypes.is_empty() || dtypes.len() == DType::ALL.len() {
            return format!("{attr}: all");
        }
        let names: Vec<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
        // One line of at most so many names keeps the table narrow.
        let lines: Vec<String> = names.chunks(8).map(|line| line.join(" ")).collect();
        format!("{attr}: {}", lines.join("\n   "))
    };
    dtypes.iter().map(attr).collect::<Vec<_>>().join("\n")
}

fn json(supported: &[(&str, Dtypes)], missing: &[&str], cases: &Map<String, Value>, total: usize) -> Value {
    let operator = |(name, dtypes): &(&str, Dtypes)| {
        let dtypes: Map<String, Value> = dtypes
            .iter()
            .map(|(attr, dtypes)| ((*attr).to_owned(), dtypes.iter().map(|dtype| dtype.name()).collect()))
            .collect();
        let mut row =
            Map::from_iter([("name".to_owned(), json!(name)), ("dtypes".to_owned(), dtypes.into())]);
        row.extend(cases.get(*name).and_then(Value::as_object).cloned().unwrap_or_default());
        Value::Object(row)
    };
    json!({
        "tensorflow_operators": total,
        "supported": supported.iter().map(operator).collect::<Vec<_>>(),
        "missing": missing,
    })
}
