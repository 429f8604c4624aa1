//! `savedmodel ops`.

use savedmodel_loader::op_defs;
use savedmodel_tensor::{DType, Result};
use serde_json::{Map, Value, json};

use crate::arguments::Ops;
use crate::print;

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
    if arguments.json {
        return print::out(&format!("{:#}\n", json(&supported, &missing, total)));
    }
    let mut table = print::table(["operator", "dtypes"]);
    for (name, dtypes) in &supported {
        table.add_row([*name, &text(dtypes)]);
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

fn json(supported: &[(&str, Dtypes)], missing: &[&str], total: usize) -> Value {
    let operator = |(name, dtypes): &(&str, Dtypes)| {
        let dtypes: Map<String, Value> = dtypes
            .iter()
            .map(|(attr, dtypes)| ((*attr).to_owned(), dtypes.iter().map(|dtype| dtype.name()).collect()))
            .collect();
        json!({ "name": name, "dtypes": dtypes })
    };
    json!({
        "tensorflow_operators": total,
        "supported": supported.iter().map(operator).collect::<Vec<_>>(),
        "missing": missing,
    })
}
