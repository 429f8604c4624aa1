//! `savedmodel show`.

use std::fmt::Write as _;

use comfy_table::Table;
use indexmap::IndexMap;
use savedmodel::{
    FunctionInfo, Inspection, MetaGraphInfo, PartialShape, Signature, TensorInfo, TensorSource, TypeClass,
    inspect,
};
use savedmodel_loader::Source;
use savedmodel_tensor::{DType, Result};
use serde_json::{Map, Value, json};

use crate::arguments::Show;
use crate::print;

/// Tells what a SavedModel holds.
///
/// # Errors
/// Those of reading it.
pub fn run(arguments: &Show) -> Result<()> {
    let inspection = inspect(&arguments.model)?;
    if arguments.json {
        return print::out(&format!("{:#}\n", json(&inspection)));
    }
    let kind = match Source::of(&arguments.model) {
        Source::Directory(_) => "SavedModel",
        Source::GraphDef(_) => "GraphDef",
        Source::MetaGraph(_) => "MetaGraphDef",
    };
    let mut text = format!("{kind} {}\n", arguments.model.display());
    for graph in &inspection.meta_graphs {
        meta_graph(graph, &mut text);
    }
    print::out(&text)
}

fn meta_graph(graph: &MetaGraphInfo, out: &mut String) {
    let version = match graph.tensorflow_version.as_str() {
        "" => "an unknown TensorFlow",
        version => &format!("TensorFlow {version}"),
    };
    // Writing to a string does not fail.
    let _ = writeln!(out, "\nMetagraph [{}], written by {version}", graph.tags.join(", "));
    if graph.signatures.is_empty() {
        bare(graph, out);
    } else {
        let _ = writeln!(out, "\nSignatures\n{}", signatures(&graph.signatures));
    }
    functions(graph, out);
    if !graph.variables.is_empty() {
        let mut table = print::table(["variable", "dtype", "shape"]);
        for variable in &graph.variables {
            table.add_row([&variable.name, name(variable.dtype), &variable.shape]);
        }
        let _ = writeln!(out, "\nVariables ({})\n{table}", graph.variables.len());
    }
    if !graph.assets.is_empty() {
        let _ = writeln!(out, "\nAssets ({}): {}", graph.assets.len(), graph.assets.join(", "));
    }
    let uses: Vec<String> = graph.operators.iter().map(|op| format!("{} ×{}", op.name, op.count)).collect();
    let _ = writeln!(out, "\nOperators ({}): {}", uses.len(), uses.join(", "));
    let missing: Vec<&str> = unsupported(graph).collect();
    let _ = match missing.len() {
        0 => writeln!(out, "All operators are supported."),
        n => writeln!(out, "Not supported ({n}): {}", missing.join(", ")),
    };
}

/// Where a graph without signatures begins and ends.
fn bare(graph: &MetaGraphInfo, out: &mut String) {
    let mut table = print::table(["", "tensor", "dtype", "shape"]);
    for input in &graph.placeholders {
        table.add_row(["placeholder", &input.name, name(input.dtype), &input.shape]);
    }
    for (node, op) in &graph.leaves {
        table.add_row(["end", node, op, ""]);
    }
    // Writing to a string does not fail.
    let _ = writeln!(out, "\nNo signatures; run it by --feed and --fetch\n{table}");
}

fn unsupported(graph: &MetaGraphInfo) -> impl Iterator<Item = &str> {
    graph.operators.iter().filter(|op| !op.supported).map(|op| op.name.as_str())
}

/// Signatures as a table: a row for each input and output.
pub fn signatures(signatures: &IndexMap<String, Signature>) -> Table {
    let mut table = print::table(["signature", "method", "", "name", "dtype", "shape"]);
    for (key, signature) in signatures {
        let mut first = (key.as_str(), signature.method_name.as_str());
        let inputs = signature.inputs.iter().map(|entry| ("input", entry));
        for (side, (tensor, info)) in inputs.chain(signature.outputs.iter().map(|entry| ("output", entry))) {
            let shape =
                kind(info).map_or_else(|| info.shape.to_string(), |kind| format!("{} {kind}", info.shape));
            table.add_row([first.0, first.1, side, tensor, name(info.dtype), &shape]);
            first = ("", "");
        }
        if signature.inputs.is_empty() && signature.outputs.is_empty() {
            table.add_row([first.0, first.1, "", "", "", ""]);
        }
    }
    table
}

/// The functions of the root, which are what a person calls; those of other objects are counted.
fn functions(graph: &MetaGraphInfo, out: &mut String) {
    let is_own = |function: &&FunctionInfo| !function.path.contains('.');
    let mut table = print::table(["function", "parameters", "traces"]);
    for function in graph.functions.iter().filter(is_own) {
        table.add_row([&function.path, &function.parameters, &function.traces.to_string()]);
    }
    if !table.is_empty() {
        let others = graph.functions.len() - table.row_iter().count();
        let _ = writeln!(out, "\nFunctions of the root; {others} more of its objects\n{table}");
    }
}

fn name(dtype: Option<DType>) -> &'static str {
    dtype.map_or("?", DType::name)
}

/// What a tensor is when it is more than one.
fn kind(info: &TensorInfo) -> Option<&str> {
    match &info.source {
        TensorSource::Dense(_) => None,
        TensorSource::CooSparse { .. } => Some("sparse"),
        TensorSource::Composite { spec, .. } => Some(match spec.class {
            TypeClass::Ragged => "ragged",
            TypeClass::Sparse => "sparse",
            _ => &spec.name,
        }),
    }
}

fn json(inspection: &Inspection) -> Value {
    let graphs: Vec<Value> = inspection.meta_graphs.iter().map(graph_json).collect();
    json!({ "meta_graphs": graphs })
}

fn graph_json(graph: &MetaGraphInfo) -> Value {
    let signatures: Map<String, Value> =
        graph.signatures.iter().map(|(name, signature)| (name.clone(), signature_json(signature))).collect();
    let leaf = |(name, op): &(String, String)| json!({ "name": name, "op": op });
    let variable = |variable: &savedmodel::VariableInfo| json!({ "name": variable.name, "dtype": variable.dtype.map(DType::name), "shape": variable.shape });
    let operator = |op: &savedmodel::OperatorUse| json!({ "name": op.name, "count": op.count, "supported": op.supported });
    let function = |function: &FunctionInfo| json!({ "path": function.path, "parameters": function.parameters, "traces": function.traces });
    json!({
        "tags": graph.tags,
        "tensorflow_version": graph.tensorflow_version,
        "signatures": signatures,
        "variables": graph.variables.iter().map(variable).collect::<Vec<_>>(),
        "placeholders": graph.placeholders.iter().map(variable).collect::<Vec<_>>(),
        "leaves": graph.leaves.iter().map(leaf).collect::<Vec<_>>(),
        "assets": graph.assets,
        "operators": graph.operators.iter().map(operator).collect::<Vec<_>>(),
        "functions": graph.functions.iter().map(function).collect::<Vec<_>>(),
        "unsupported": unsupported(graph).collect::<Vec<_>>(),
    })
}

fn signature_json(signature: &Signature) -> Value {
    let infos = |infos: &IndexMap<String, TensorInfo>| -> Map<String, Value> {
        infos.iter().map(|(name, info)| (name.clone(), info_json(info))).collect()
    };
    json!({
        "method_name": signature.method_name,
        "inputs": infos(&signature.inputs),
        "outputs": infos(&signature.outputs),
        "defaults": signature.defaults.keys().collect::<Vec<_>>(),
    })
}

fn info_json(info: &TensorInfo) -> Value {
    let mut value = json!({ "dtype": info.dtype.map(DType::name), "shape": shape_json(&info.shape) });
    let source = match &info.source {
        TensorSource::Dense(name) => ("name", json!(name)),
        TensorSource::CooSparse { indices, values, dense_shape } => {
            ("coo_sparse", json!({ "indices": indices, "values": values, "dense_shape": dense_shape }))
        }
        TensorSource::Composite { spec, components } => {
            value["type"] = json!(spec.name);
            ("components", components.iter().map(info_json).collect())
        }
    };
    value[source.0] = source.1;
    value
}

/// A list with -1 for unknown dimensions; null for an unknown rank.
fn shape_json(shape: &PartialShape) -> Value {
    shape
        .dims()
        .map_or(Value::Null, |dims| dims.iter().map(|dim| dim.map_or(json!(-1), |dim| json!(dim))).collect())
}
