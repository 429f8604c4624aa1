//! V1 loops: which node runs in which frame.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use savedmodel_graph::{AttrValue, Graph, NodeId};
use savedmodel_tensor::{Error, Result};

use crate::schedule;

/// The number of a frame; 0 is the graph outside of all loops.
pub(crate) type FrameId = usize;

/// A loop.
#[derive(Debug)]
pub(crate) struct FrameInfo {
    pub name: Arc<str>,
    pub parent: FrameId,
    pub depth: usize,
    pub enters: Vec<NodeId>,
    pub exits: Vec<NodeId>,
    pub next_iterations: Vec<NodeId>,
}

/// The frames of the needed part of a graph.
pub(crate) struct Frames {
    /// By node index: the frame in which the node runs; for an Exit, the frame that it leaves.
    frame_of: Vec<FrameId>,
    pub infos: Vec<FrameInfo>,
}

impl Frames {
    /// Finds the frame of each of `nodes`, which are all that is needed, in order of their numbers.
    ///
    /// `before` gives what a node waits for.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when nodes of one loop don't agree about it, or a cycle is no loop.
    pub fn find(graph: &Graph, nodes: &[NodeId], before: impl Fn(NodeId) -> Vec<NodeId>) -> Result<Frames> {
        let root = FrameInfo {
            name: "".into(),
            parent: 0,
            depth: 0,
            enters: Vec::new(),
            exits: Vec::new(),
            next_iterations: Vec::new(),
        };
        let mut frames = Frames { frame_of: vec![0; graph.id_bound()], infos: vec![root] };
        if !nodes.iter().any(|&node| is_enter(graph, node)) {
            return Ok(frames);
        }
        let number: FxHashMap<NodeId, usize> = nodes.iter().enumerate().map(|(i, &node)| (node, i)).collect();
        let forward = |node: NodeId| -> Vec<NodeId> {
            let back_edges = is_merge(graph, node);
            before(node)
                .into_iter()
                .filter(|&source| !(back_edges && is_next_iteration(graph, source)))
                .collect()
        };
        let sources: Vec<Vec<usize>> =
            nodes.iter().map(|&node| forward(node).iter().map(|source| number[source]).collect()).collect();
        let order = schedule::order(&sources).map_err(|i| schedule::cycle(&graph.node(nodes[i]).name))?;
        let mut by_name: FxHashMap<(Arc<str>, FrameId), FrameId> = FxHashMap::default();
        for index in order {
            let node = nodes[index];
            let outer = forward(node)
                .into_iter()
                .map(|source| frames.after(graph, source))
                .max_by_key(|&frame| frames.infos[frame].depth)
                .unwrap_or(0);
            let frame =
                if is_enter(graph, node) { frames.enter(graph, node, outer, &mut by_name)? } else { outer };
            frames.frame_of[node.index()] = frame;
            if is_exit(graph, node) {
                if frame == 0 {
                    return Err(Error::invalid_argument(format!(
                        "Exit node '{}' is in no loop",
                        graph.node(node).name
                    )));
                }
                frames.infos[frame].exits.push(node);
            }
            if is_next_iteration(graph, node) {
                frames.infos[frame].next_iterations.push(node);
            }
        }
        Ok(frames)
    }

    fn enter(
        &mut self,
        graph: &Graph,
        node: NodeId,
        parent: FrameId,
        by_name: &mut FxHashMap<(Arc<str>, FrameId), FrameId>,
    ) -> Result<FrameId> {
        let Some(AttrValue::Bytes(name)) = graph.node(node).attrs.get("frame_name") else {
            return Err(Error::invalid_argument(format!(
                "Enter node '{}' has no frame_name",
                graph.node(node).name
            )));
        };
        let name: Arc<str> = String::from_utf8_lossy(name).into();
        let depth = self.infos[parent].depth + 1;
        let frame = *by_name.entry((Arc::clone(&name), parent)).or_insert_with(|| {
            let (enters, exits, next_iterations) = (Vec::new(), Vec::new(), Vec::new());
            self.infos.push(FrameInfo { name, parent, depth, enters, exits, next_iterations });
            self.infos.len() - 1
        });
        self.infos[frame].enters.push(node);
        Ok(frame)
    }

    /// The frame in which a node runs; for an Exit, the frame that it leaves.
    pub fn of(&self, node: NodeId) -> FrameId {
        self.frame_of[node.index()]
    }

    /// The frame in which what a node gives is seen.
    pub fn after(&self, graph: &Graph, node: NodeId) -> FrameId {
        let frame = self.of(node);
        if is_exit(graph, node) { self.infos[frame].parent } else { frame }
    }

    /// The child of `outer` that is `inner` or holds it; `None` if `inner` is not inside of `outer`.
    pub fn child_of(&self, outer: FrameId, mut inner: FrameId) -> Option<FrameId> {
        while inner != 0 {
            let parent = self.infos[inner].parent;
            if parent == outer {
                return Some(inner);
            }
            inner = parent;
        }
        None
    }
}

/// Whether the node brings a tensor into a loop.
pub(crate) fn is_enter(graph: &Graph, node: NodeId) -> bool {
    matches!(&*graph.node(node).op, "Enter" | "RefEnter")
}

/// Whether the node brings a tensor out of a loop.
pub(crate) fn is_exit(graph: &Graph, node: NodeId) -> bool {
    matches!(&*graph.node(node).op, "Exit" | "RefExit")
}

/// Whether the node passes on the one input that is alive.
pub(crate) fn is_merge(graph: &Graph, node: NodeId) -> bool {
    matches!(&*graph.node(node).op, "Merge" | "RefMerge" | "_XlaMerge")
}

/// Whether the node gives a tensor to the next iteration.
pub(crate) fn is_next_iteration(graph: &Graph, node: NodeId) -> bool {
    matches!(&*graph.node(node).op, "NextIteration" | "RefNextIteration")
}
