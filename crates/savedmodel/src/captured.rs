//! Variables that functions capture under another name than the one they are restored under.
//!
//! TensorFlow writes such models of layers of Keras 3. Its loader of objects goes by the objects, for which both names are one
//! variable.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use savedmodel_bundle::Checkpoint;
use savedmodel_graph::{AttrValue, Graph, NodeId, Output};
use savedmodel_loader::MetaGraph;
use savedmodel_runtime::Session;
use savedmodel_tensor::Result;

use crate::load;

/// The calls of functions in the main graph: name of the function, inputs.
pub(crate) fn calls(graph: &Graph) -> Result<Vec<(&str, Vec<Output>)>> {
    let mut found = Vec::new();
    for node in graph.nodes() {
        if let Some(AttrValue::Function(reference)) = graph.node(node).attrs.get("f") {
            found.push((&*reference.name, graph.inputs(node)?));
        }
    }
    Ok(found)
}

/// Puts the variables that functions capture in place of those that the checkpoint's values went to.
pub(crate) fn join(session: &Session, meta: &MetaGraph) -> Result<()> {
    let (graph, Some(restore)) = (&meta.graph, &meta.restore) else { return Ok(()) };
    let restored: HashSet<_> =
        restore.entries.iter().map(|entry| load::resource_name(graph, entry.variable)).collect();
    let is_other = |node: NodeId| {
        &*graph.node(node).op == "VarHandleOp" && !restored.contains(&load::resource_name(graph, node))
    };
    let calls = calls(graph)?;
    if !meta.has_objects() || !meta.checkpoint.with_extension("index").is_file() {
        return Ok(());
    }
    if !calls.iter().flat_map(|(_, inputs)| inputs).any(|input| is_other(input.node)) {
        return Ok(());
    }
    let objects = meta.objects()?;
    let Some(saved) = Checkpoint::open(&meta.checkpoint)?.object_graph()? else { return Ok(()) };
    let keys = objects.checkpoint_keys(&saved);
    let by_key: HashMap<&str, NodeId> =
        restore.entries.iter().map(|entry| (&*entry.key, entry.variable)).collect();
    for (name, inputs) in calls {
        let Some(def) = objects.functions.get(name) else { continue };
        let Some(free) = inputs.len().checked_sub(def.bound_inputs.len()) else { continue };
        for (&id, input) in def.bound_inputs.iter().zip(&inputs[free..]) {
            let key = keys.get(id).and_then(Option::as_deref);
            let Some(&node) = key.and_then(|key| by_key.get(key)) else { continue };
            if is_other(input.node) {
                // Functions know it by this name, and plans ask by it what is written.
                let (_, variable) = load::variable(session, graph, input.node)?;
                let (_, restored) = load::variable(session, graph, node)?;
                if let (false, Some(value)) = (Arc::ptr_eq(&variable, &restored), restored.get()) {
                    variable.assign(value)?;
                }
                let (container, name) = load::resource_name(graph, node);
                session.resources().put(&container, &name, variable);
            }
        }
    }
    Ok(())
}
