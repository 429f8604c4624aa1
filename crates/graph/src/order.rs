//! Orders of execution.

use savedmodel_tensor::{Error, Result};

use crate::{Graph, NodeId};

/// A topological order of the part of a graph that some nodes need.
#[derive(Clone, Debug)]
pub struct Order(pub Vec<NodeId>);

impl Order {
    /// The nodes that `targets` need, each after all that it needs; among equals, in order of target and input.
    ///
    /// `before` gives what a node waits for; edges that it leaves out (the back edges of loops, the inputs of
    /// fed tensors) are not followed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the graph has a cycle.
    pub fn of(
        graph: &Graph,
        targets: impl IntoIterator<Item = NodeId>,
        mut before: impl FnMut(NodeId) -> Result<Vec<NodeId>>,
    ) -> Result<Order> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; graph.id_bound()];
        let mut order = Vec::new();
        let mut stack: Vec<(NodeId, std::vec::IntoIter<NodeId>)> = Vec::new();
        for target in targets {
            if marks[target.index()] == Mark::New {
                marks[target.index()] = Mark::Open;
                stack.push((target, before(target)?.into_iter()));
            }
            while let Some((node, rest)) = stack.last_mut() {
                let node = *node;
                match rest.next() {
                    Some(next) if marks[next.index()] == Mark::New => {
                        marks[next.index()] = Mark::Open;
                        stack.push((next, before(next)?.into_iter()));
                    }
                    Some(next) if marks[next.index()] == Mark::Open => {
                        let name = &graph.node(next).name;
                        return Err(Error::invalid_argument(format!(
                            "the graph has a cycle through node '{name}'"
                        )));
                    }
                    Some(_) => {}
                    None => {
                        marks[node.index()] = Mark::Done;
                        order.push(node);
                        stack.pop();
                    }
                }
            }
        }
        Ok(Order(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Node, Output};

    #[test]
    fn only_what_is_needed_in_order_and_no_cycles() {
        let mut graph = Graph::new();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|n| graph.add(Node::new(n, "NoOp")).unwrap());
        graph.connect(Output { node: a, index: 0 }, c, 0);
        graph.connect_control(b, c);
        graph.connect_control(c, d);
        let before = |graph: &Graph, id| Ok(graph.predecessors(id).collect());
        let order = Order::of(&graph, [c], |id| before(&graph, id)).unwrap().0;
        assert_eq!((order.len(), order[2]), (3, c));
        graph.connect_control(d, a);
        assert!(Order::of(&graph, [c], |id| before(&graph, id)).is_err());
    }
}
