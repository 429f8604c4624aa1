//! The operations that save and restore variables and tables, as TensorFlow 1's Saver makes them.

use rustc_hash::FxHashSet;
use savedmodel_proto::attr_value::Value;
use savedmodel_proto::collection_def::{BytesList, Kind};
use savedmodel_proto::saver_def::CheckpointFormatVersion::V2;
use savedmodel_proto::{
    CollectionDef, GraphDef, Message as _, MetaGraphDef, NodeDef, SaveSliceInfoDef, SaverDef, VariableDef,
    saved_object, tensor_proto,
};
use savedmodel_tensor::{Result, Tensor};

use crate::Export;
use crate::export::{CheckpointTensor, SavedTable};
use crate::nodes::{Nodes, constant, node, strings};

const VARIABLES: &str = "variables";
const TRAINABLE: &str = "trainable_variables";

/// The names of the variables that are trained.
pub(crate) fn trainable(message: &MetaGraphDef) -> FxHashSet<String> {
    let mut names = FxHashSet::default();
    if let Some(Kind::BytesList(list)) =
        message.collection_def.get(TRAINABLE).and_then(|def| def.kind.as_ref())
    {
        let defs = list.value.iter().filter_map(|bytes| VariableDef::decode(bytes.clone()).ok());
        names.extend(defs.map(|def| crate::nodes::split(&def.variable_name).0.to_owned()));
    }
    for object in message.object_graph_def.iter().flat_map(|graph| &graph.nodes) {
        if let Some(saved_object::Kind::Variable(variable)) = &object.kind
            && variable.trainable
        {
            names.insert(variable.name.clone());
        }
    }
    names
}

impl Export {
    /// Sees to it that the operations that save and restore take checkpoints of the format that is written, and only those
    /// variables that have values: those of the graph are kept if they do, else others are added.
    ///
    /// # Errors
    /// When a variable's node is malformed.
    pub fn renew_saver(&mut self) -> Result<()> {
        let is_new = self.message.saver_def.as_ref().is_some_and(|saver| saver.version() == V2);
        let saved = self.variables.values().filter(|variable| variable.key.is_some());
        if is_new && !self.checkpoint.is_empty() && saved.into_iter().all(|variable| variable.value.is_some())
        {
            return Ok(());
        }
        let names = trainable(&self.message);
        note_trainable(self, &names);
        attach(self)
    }
}

/// Notes the trained ones among the variables of a graph, by node.
pub(crate) fn note_trainable(export: &mut Export, names: &FxHashSet<String>) {
    let Some(graph) = &export.message.graph_def else { return };
    export.trainable = graph
        .node
        .iter()
        .filter(|node| {
            export.variables.contains_key(&node.name)
                && (names.contains(&node.name) || names.contains(&shared_name(node)))
        })
        .map(|node| node.name.clone())
        .collect();
}

fn shared_name(node: &NodeDef) -> String {
    match node.attr.get("shared_name").and_then(|value| value.value.as_ref()) {
        Some(Value::S(name)) => String::from_utf8_lossy(name).into_owned(),
        _ => String::new(),
    }
}

/// Adds the operations that save and restore what is saved of the graph, and says which they are.
///
/// # Errors
/// When a variable's node is malformed.
pub(crate) fn attach(export: &mut Export) -> Result<()> {
    let mut graph = export.message.graph_def.take().unwrap_or_default();
    let mut saver = Saver::new(Nodes::new(&graph).fresh_scope("save"));
    let attached = saver.collect(export, &graph).and_then(|()| saver.finish(&mut graph));
    export.message.graph_def = Some(graph);
    export.message.saver_def = attached?;
    for (collection, defs) in [(VARIABLES, &saver.defs), (TRAINABLE, &saver.trainable)] {
        let list =
            Kind::BytesList(BytesList { value: defs.iter().map(|d| d.encode_to_vec().into()).collect() });
        export.message.collection_def.remove(collection);
        if !defs.is_empty() {
            let def = CollectionDef { kind: Some(list) };
            export.message.collection_def.insert(collection.to_owned(), def);
        }
    }
    let keys: FxHashSet<&String> = saver.restored.iter().map(|entry| &entry.key).collect();
    export.checkpoint.retain(|tensor| keys.contains(&tensor.key));
    Ok(())
}

/// A tensor of the checkpoint.
#[derive(Clone, PartialEq, Eq)]
struct Entry {
    key: String,
    shape_and_slice: String,
    dtype: i32,
}

struct Saver {
    scope: String,
    /// What is saved, and the tensors that give it.
    saved: Vec<(Entry, String)>,
    /// What is restored, one after the other.
    restored: Vec<Entry>,
    /// Nodes that read and assign.
    nodes: Vec<NodeDef>,
    assignments: Vec<String>,
    defs: Vec<VariableDef>,
    trainable: Vec<VariableDef>,
}

impl Saver {
    fn new(scope: String) -> Saver {
        Saver {
            scope,
            saved: Vec::new(),
            restored: Vec::new(),
            nodes: Vec::new(),
            assignments: Vec::new(),
            defs: Vec::new(),
            trainable: Vec::new(),
        }
    }

    fn collect(&mut self, export: &Export, graph: &GraphDef) -> Result<()> {
        for node in &graph.node {
            let variable = export.variables.get(&node.name);
            let Some(key) = variable.and_then(|variable| variable.key.as_ref()) else { continue };
            let slice = variable.map_or("", |variable| &variable.shape_and_slice);
            let stored =
                export.checkpoint.iter().find(|stored| stored.key == *key && stored.shape_and_slice == slice);
            if let Some(stored) = stored {
                self.variable(node, stored, export.trainable.contains(&node.name));
            }
        }
        export.saved_tables.iter().try_for_each(|table| self.table(table, export, graph))
    }

    fn variable(&mut self, variable: &NodeDef, stored: &CheckpointTensor, trainable: bool) {
        let number = self.assignments.len();
        let dtype = stored.value.dtype().number();
        let entry = Entry { key: stored.key.clone(), shape_and_slice: stored.shape_and_slice.clone(), dtype };
        let (read, assign) =
            (format!("{}/Read_{number}", self.scope), format!("{}/Assign_{number}", self.scope));
        let is_resource = variable.op == "VarHandleOp";
        let value = self.value(self.restored.len());
        let name = variable.name.as_str();
        if is_resource {
            self.nodes.push(node("ReadVariableOp", read.clone(), [name], [("dtype", Value::Type(dtype))]));
            let attrs = [("dtype", Value::Type(dtype)), ("validate_shape", Value::B(false))];
            self.nodes.push(node("AssignVariableOp", assign.clone(), [name.to_owned(), value], attrs));
        } else {
            self.nodes.push(node("Identity", read.clone(), [name], [("T", Value::Type(dtype))]));
            let attrs = [
                ("T", Value::Type(dtype)),
                ("use_locking", Value::B(true)),
                ("validate_shape", Value::B(true)),
            ];
            self.nodes.push(node("Assign", assign.clone(), [name.to_owned(), value], attrs));
        }
        if !self.saved.iter().any(|(known, _)| *known == entry) {
            self.saved.push((entry.clone(), read.clone()));
        }
        let def = VariableDef {
            variable_name: format!("{name}:0"),
            initializer_name: assign.clone(),
            snapshot_name: format!("{read}:0"),
            save_slice_info_def: slice_info(&entry),
            is_resource,
            trainable,
            ..VariableDef::default()
        };
        self.restored.push(entry);
        self.assignments.push(assign);
        self.defs.push(def.clone());
        if trainable {
            self.trainable.push(def);
        }
    }

    fn table(&mut self, table: &SavedTable, export: &Export, graph: &GraphDef) -> Result<()> {
        let find = |key: &String| export.checkpoint.iter().find(|stored| stored.key == *key);
        let [Some(keys), Some(values)] = table.keys.each_ref().map(find) else { return Ok(()) };
        let types = [&keys.value, &values.value].map(|value| value.dtype().number());
        let number = self.assignments.len();
        let first = self.restored.len();
        // Tables of TensorFlow 1's first years are references to strings.
        let nodes = Nodes::new(graph);
        let types_of_table = nodes.output_types(&graph.node[nodes.find(&table.node)?]).unwrap_or_default();
        let version = if types_of_table.iter().any(|&number| number > 100) { "" } else { "V2" };
        let (read, assign) =
            (format!("{}/Read_{number}", self.scope), format!("{}/Assign_{number}", self.scope));
        let attrs =
            |names: [&'static str; 2]| [(names[0], Value::Type(types[0])), (names[1], Value::Type(types[1]))];
        let export_op = format!("LookupTableExport{version}");
        self.nodes.push(node(&export_op, read.clone(), [&*table.node], attrs(["Tkeys", "Tvalues"])));
        let inputs = [table.node.clone(), self.value(first), self.value(first + 1)];
        let import_op = format!("LookupTableImport{version}");
        self.nodes.push(node(&import_op, assign.clone(), inputs, attrs(["Tin", "Tout"])));
        for (i, (key, dtype)) in table.keys.iter().zip(types).enumerate() {
            let entry = Entry { key: key.clone(), shape_and_slice: String::new(), dtype };
            self.saved.push((entry.clone(), crate::nodes::output_name(&read, i)));
            self.restored.push(entry);
        }
        self.assignments.push(assign);
        Ok(())
    }

    /// The restored tensor of a number.
    fn value(&self, number: usize) -> String {
        crate::nodes::output_name(&format!("{}/RestoreV2", self.scope), number)
    }

    /// Adds the nodes to the graph; nothing if there is nothing to save.
    fn finish(&mut self, graph: &mut GraphDef) -> Result<Option<SaverDef>> {
        if self.restored.is_empty() {
            return Ok(None);
        }
        let scope = self.scope.clone();
        let named = |name: &str| format!("{scope}/{name}");
        let prefix = Tensor::from_strings([], ["model"])?;
        graph.node.push(constant(named("filename/input"), &prefix)?);
        let string = tensor_proto::from_tensor(&prefix)?.dtype;
        let attrs = [("dtype", Value::Type(string)), ("shape", Value::Shape(Default::default()))];
        graph.node.push(node("PlaceholderWithDefault", named("Const"), [named("filename/input")], attrs));
        graph.node.append(&mut self.nodes);
        let (saved, sources): (Vec<Entry>, Vec<String>) = self.saved.drain(..).unzip();
        let save = lists(graph, &named("SaveV2"), &saved)?;
        let inputs = [named("Const")].into_iter().chain(save.1).chain(sources);
        graph.node.push(node("SaveV2", named("SaveV2"), inputs, [("dtypes", save.0)]));
        let inputs = [named("Const"), format!("^{}", named("SaveV2"))];
        graph.node.push(node("Identity", named("control_dependency"), inputs, [("T", Value::Type(string))]));
        let restore = lists(graph, &named("RestoreV2"), &self.restored)?;
        let inputs = [named("Const")].into_iter().chain(restore.1);
        graph.node.push(node("RestoreV2", named("RestoreV2"), inputs, [("dtypes", restore.0)]));
        let all = self.assignments.iter().map(|name| format!("^{name}"));
        graph.node.push(node("NoOp", named("restore_all"), all, []));
        Ok(Some(SaverDef {
            filename_tensor_name: format!("{}:0", named("Const")),
            save_tensor_name: format!("{}:0", named("control_dependency")),
            restore_op_name: named("restore_all"),
            max_to_keep: 5,
            keep_checkpoint_every_n_hours: 10_000.0,
            version: V2.into(),
            ..SaverDef::default()
        }))
    }
}

/// Adds the constants that name tensors and slices; gives the dtypes, and the names of the constants.
fn lists(graph: &mut GraphDef, scope: &str, entries: &[Entry]) -> Result<(Value, [String; 2])> {
    let names = ["tensor_names", "shape_and_slices"].map(|name| format!("{scope}/{name}"));
    let keys = entries.iter().map(|entry| entry.key.clone()).collect();
    let slices = entries.iter().map(|entry| entry.shape_and_slice.clone()).collect();
    graph.node.push(strings::<String>(names[0].clone(), keys)?);
    graph.node.push(strings::<String>(names[1].clone(), slices)?);
    let types = entries.iter().map(|entry| entry.dtype).collect();
    let list = savedmodel_proto::attr_value::ListValue { r#type: types, ..Default::default() };
    Ok((Value::List(Box::new(list)), names))
}

/// What a partitioned variable is a part of.
fn slice_info(entry: &Entry) -> Option<SaveSliceInfoDef> {
    let (dims, slice) = entry.shape_and_slice.rsplit_once(' ')?;
    let full_shape: Vec<i64> = dims.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let mut info = SaveSliceInfoDef { full_name: entry.key.clone(), full_shape, ..Default::default() };
    for (part, &dim) in slice.split(':').zip(&info.full_shape) {
        let (start, length) = match part.split_once(',') {
            Some((start, length)) => (start.parse().ok()?, length.parse().ok()?),
            None => (0, dim),
        };
        info.var_offset.push(start);
        info.var_shape.push(length);
    }
    Some(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_partitioned_variables() {
        let entry = |text: &str| Entry { key: "v".to_owned(), shape_and_slice: text.to_owned(), dtype: 1 };
        let info = slice_info(&entry("4 3 2,2:-")).unwrap();
        assert_eq!((info.full_shape, info.var_offset, info.var_shape), (vec![4, 3], vec![2, 0], vec![2, 3]));
        assert!(slice_info(&entry("")).is_none());
    }
}
