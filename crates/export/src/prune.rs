//! The part of a metagraph that its signatures need.

use rustc_hash::{FxHashMap, FxHashSet};
use savedmodel_proto::attr_value::Value;
use savedmodel_proto::collection_def::{Kind, NodeList};
use savedmodel_proto::{AttrValue, CollectionDef, GraphDef, NodeDef, TensorShapeProto};
use savedmodel_tensor::{Error, Result};

use crate::export::is_callable;
use crate::messages::{rename_tensors, tensor_names};
use crate::nodes::{self, Fed, Nodes, node, output_name, split};
use crate::{Export, saver};

/// The collections that name the initialiser, besides the signature that does.
const INIT_COLLECTIONS: [&str; 2] = ["saved_model_main_op", "legacy_init_op"];
/// The dtype number of resource handles; references are above all of them.
const RESOURCE: i32 = 20;

impl Export {
    /// Keeps only what the signatures need: nodes, functions, variables, tables with what initialises them, and files.
    ///
    /// A tensor that a signature is fed and that nothing computes any more becomes a placeholder. The objects of TensorFlow 2
    /// go, so that what is written is a model in the manner of TensorFlow 1.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there are no signatures, one needs a placeholder that it is not fed, or the dtype of a fed tensor
    /// is not known; `NOT_FOUND` when a tensor is not in the graph.
    pub fn prune(&mut self) -> Result<()> {
        self.cut()?;
        saver::attach(self)
    }

    /// What [`Export::prune`] does but for the operations that save and restore.
    pub(crate) fn cut(&mut self) -> Result<()> {
        let mut graph = self.message.graph_def.take().unwrap_or_default();
        let trainable = saver::trainable(&self.message);
        let result = self.cut_graph(&graph);
        let Cut { keep, changed, placeholders, initializer } = match result {
            Ok(cut) => cut,
            Err(error) => {
                self.message.graph_def = Some(graph);
                return Err(error);
            }
        };
        let mut number = 0;
        graph.node.retain(|_| {
            number += 1;
            keep.contains(&(number - 1))
        });
        for node in &mut graph.node {
            if let Some(inputs) = changed.get(&node.name) {
                node.input.clone_from(inputs);
            }
        }
        self.replace_feeds(&mut graph, placeholders);
        forget_colocation(&mut graph);
        if self.message.object_graph_def.is_some() {
            name_tables(&mut graph);
        }
        nodes::drop_unused_functions(&mut graph);
        self.forget(&graph, initializer.as_deref());
        self.message.graph_def = Some(graph);
        saver::note_trainable(self, &trainable);
        Ok(())
    }

    fn cut_graph(&self, graph: &GraphDef) -> Result<Cut> {
        let nodes = Nodes::new(graph);
        let (mut keep, mut fed) = (FxHashSet::default(), Vec::new());
        if self.signatures().next().is_none() {
            return Err(Error::invalid_argument("there is no signature that tells what to keep"));
        }
        for (name, def) in self.message.signature_def.iter().filter(|(name, _)| is_callable(name)) {
            let at = |e: Error| e.at(format!("signature '{name}'"));
            let tensors = def.inputs.values().flat_map(|info| {
                tensor_names(info).into_iter().map(|name| (name, info.dtype, info.tensor_shape.clone()))
            });
            let own: Vec<Feed> = tensors
                .map(|(tensor, dtype, shape)| Feed::new(&nodes, tensor, dtype, shape))
                .collect::<Result<_>>()
                .map_err(at)?;
            let stops: Fed = own.iter().map(|feed| (feed.node.clone(), feed.index)).collect();
            let reached = nodes.reach(def.outputs.values().flat_map(tensor_names), &stops).map_err(at)?;
            if let Some(unfed) = reached.iter().map(|&i| &graph.node[i]).find(|node| is_placeholder(node)) {
                return Err(at(Error::invalid_argument(format!(
                    "the outputs need placeholder '{}', which is not among the inputs",
                    unfed.name
                ))));
            }
            keep.extend(reached);
            fed.extend(own);
        }
        let placeholders = self.placeholders(&nodes, fed, &mut keep)?;
        let mut group = Group { nodes: &nodes, keep: &keep, changed: FxHashMap::default() };
        let initializer = savedmodel_loader::initializer(&self.message)?.map(|found| found.operation);
        let initializer = match initializer {
            Some(name) if group.filter(nodes.find(&name)?)? => Some(name),
            _ => None,
        };
        let changed = group.changed;
        if let Some(name) = &initializer {
            keep.extend(reach_changed(&nodes, name, &changed)?);
        }
        Ok(Cut { keep, changed, placeholders, initializer })
    }

    /// The fed tensors that nothing computes, to become placeholders; those that are placeholders are kept.
    fn placeholders(
        &self,
        nodes: &Nodes<'_>,
        fed: Vec<Feed>,
        keep: &mut FxHashSet<usize>,
    ) -> Result<Vec<Feed>> {
        let mut made: Vec<Feed> = Vec::new();
        for feed in fed {
            let number = nodes.find(&feed.node)?;
            let is_input = nodes.graph.node[number].op.starts_with("Placeholder") && feed.index == 0;
            if is_input {
                keep.extend(nodes.reach([&feed.node], &Fed::default())?);
            } else if !keep.contains(&number)
                && !made.iter().any(|known| (&known.node, known.index) == (&feed.node, feed.index))
            {
                made.push(feed);
            }
        }
        Ok(made)
    }

    fn replace_feeds(&mut self, graph: &mut GraphDef, feeds: Vec<Feed>) {
        let mut renamed: FxHashMap<String, String> = FxHashMap::default();
        for feed in feeds {
            let taken = Nodes::new(graph);
            let name = match feed.index {
                0 if taken.find(&feed.node).is_err() => feed.node.clone(),
                index => taken.fresh_scope(&format!("{}_{index}", feed.node)),
            };
            let attrs = [("dtype", Value::Type(feed.dtype)), ("shape", Value::Shape(feed.shape))];
            graph.node.push(node::<String>("Placeholder", name.clone(), [], attrs));
            renamed.insert(output_name(&feed.node, feed.index), name);
        }
        for input in graph.node.iter_mut().flat_map(|node| &mut node.input) {
            let (source, index) = split(input);
            if let Some(new) = renamed.get(&output_name(source, index)) {
                input.clone_from(new);
            }
        }
        let rename = |tensor: &str| {
            let (source, index) = split(tensor);
            renamed.get(&output_name(source, index)).map(|new| format!("{new}:0"))
        };
        for def in self.message.signature_def.values_mut() {
            def.inputs.values_mut().chain(def.outputs.values_mut()).for_each(|i| rename_tensors(i, &rename));
        }
    }

    /// Takes away what the message says of nodes that are gone.
    fn forget(&mut self, graph: &GraphDef, initializer: Option<&str>) {
        let names: FxHashSet<&str> = graph.node.iter().map(|node| node.name.as_str()).collect();
        let message = &mut self.message;
        message.asset_file_def = savedmodel_loader::assets(message)
            .into_iter()
            .filter(|asset| {
                asset.tensor_info.iter().flat_map(tensor_names).all(|t| names.contains(split(t).0))
            })
            .collect();
        message.object_graph_def = None;
        message.saver_def = None;
        message.collection_def.clear();
        message.signature_def.retain(|name, _| is_callable(name));
        let files: FxHashSet<&str> =
            message.asset_file_def.iter().map(|asset| asset.filename.as_str()).collect();
        self.assets.retain(|name, _| files.contains(name.as_str()));
        self.variables.retain(|node, _| names.contains(node.as_str()));
        self.saved_tables.retain(|table| names.contains(table.node.as_str()));
        if let Some(name) = initializer {
            let list = Kind::NodeList(NodeList { value: vec![name.to_owned()] });
            let def = CollectionDef { kind: Some(list) };
            message.collection_def.insert(INIT_COLLECTIONS[0].to_owned(), def);
        }
    }
}

/// Gives names to tables that had none: without the objects that held them each run would have tables of its own, all empty.
fn name_tables(graph: &mut GraphDef) {
    for node in &mut graph.node {
        let Some(op) = savedmodel_loader::named_table(&node.op) else { continue };
        node.op = op.to_owned();
        let by_node = AttrValue { value: Some(Value::B(true)) };
        node.attr.insert("use_node_name_sharing".to_owned(), by_node);
    }
}

/// Takes away the wishes to be on the device of a node that is gone, which TensorFlow refuses.
fn forget_colocation(graph: &mut GraphDef) {
    let names: FxHashSet<String> = graph.node.iter().map(|node| format!("loc:@{}", node.name)).collect();
    for node in &mut graph.node {
        if let Some(Value::List(list)) = node.attr.get_mut("_class").and_then(|value| value.value.as_mut()) {
            list.s.retain(|class| names.contains(&*String::from_utf8_lossy(class)));
            if list.s.is_empty() {
                node.attr.remove("_class");
            }
        }
    }
}

/// What is left of a graph.
struct Cut {
    keep: FxHashSet<usize>,
    /// New inputs of some nodes.
    changed: FxHashMap<String, Vec<String>>,
    placeholders: Vec<Feed>,
    initializer: Option<String>,
}

/// A tensor that a signature is fed.
struct Feed {
    node: String,
    index: usize,
    dtype: i32,
    shape: TensorShapeProto,
}

impl Feed {
    fn new(nodes: &Nodes<'_>, tensor: &str, dtype: i32, shape: Option<TensorShapeProto>) -> Result<Feed> {
        let (node, index) = split(tensor);
        nodes.find(node)?;
        let dtype = nodes.dtype(tensor).or_else(|error| if dtype == 0 { Err(error) } else { Ok(dtype) })?;
        let unknown = TensorShapeProto { unknown_rank: true, ..TensorShapeProto::default() };
        Ok(Feed { node: node.to_owned(), index, dtype, shape: shape.unwrap_or(unknown) })
    }
}

fn is_placeholder(node: &NodeDef) -> bool {
    matches!(&*node.op, "Placeholder" | "PlaceholderV2")
}

/// Groups of initialisers, of which those go that only touch what is gone.
struct Group<'a, 'g> {
    nodes: &'a Nodes<'g>,
    keep: &'a FxHashSet<usize>,
    changed: FxHashMap<String, Vec<String>>,
}

impl Group<'_, '_> {
    /// Whether an initialiser stays; notes the inputs of groups that stay in part.
    fn filter(&mut self, number: usize) -> Result<bool> {
        let node = &self.nodes.graph.node[number];
        if node.op == "NoOp" && !node.input.is_empty() {
            let mut left = Vec::new();
            for input in &node.input {
                if self.filter(self.nodes.find(nodes::source(input))?)? {
                    left.push(input.clone());
                }
            }
            let stays = !left.is_empty();
            self.changed.insert(node.name.clone(), left);
            return Ok(stays);
        }
        let reached = self.nodes.reach([&node.name], &Fed::default())?;
        let mut resources =
            reached.iter().filter(|&&i| gives_resource(self.nodes, &self.nodes.graph.node[i]));
        let mut any = false;
        // What touches no resource may do anything.
        Ok(resources.by_ref().any(|i| {
            any = true;
            self.keep.contains(i)
        }) || !any)
    }
}

/// Whether a node makes a resource, rather than passing one on.
fn gives_resource(nodes: &Nodes<'_>, node: &NodeDef) -> bool {
    let types = nodes.output_types(node).unwrap_or_default();
    node.input.is_empty() && types.iter().any(|&number| number == RESOURCE || number > 100)
}

fn reach_changed(
    nodes: &Nodes<'_>,
    name: &str,
    changed: &FxHashMap<String, Vec<String>>,
) -> Result<FxHashSet<usize>> {
    let mut found = FxHashSet::default();
    let mut stack = vec![name.to_owned()];
    while let Some(name) = stack.pop() {
        let number = nodes.find(&name)?;
        if found.insert(number) {
            let inputs = changed.get(&name).unwrap_or(&nodes.graph.node[number].input);
            stack.extend(inputs.iter().map(|input| nodes::source(input).to_owned()));
        }
    }
    Ok(found)
}
