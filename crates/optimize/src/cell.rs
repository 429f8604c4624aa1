//! Steps of recurrent layers, as they are written with gates and products, become one operator each.

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{DType, Result};

use crate::fuse::is_private;
use crate::{Program, Scope};

const LSTM: &str = "_FusedLstmCell";
const GRU: &str = "_FusedGruCell";
/// The most tensors that a sum of gates is made of.
const MOST: usize = 4;

/// Fuses the cells of LSTM and GRU layers.
pub(crate) fn recurrent(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() || scope.registry.find(LSTM).is_none() || scope.registry.find(GRU).is_none()
    {
        return Ok(());
    }
    for node in program.graph.nodes().collect::<Vec<_>>() {
        let root = Output { node, index: 0 };
        if let Some(found) = Pattern(program).lstm(root) {
            lstm(program, node, found)?;
        } else if let Some(found) = Pattern(program).gru(root) {
            gru(program, node, found)?;
        }
    }
    Ok(())
}

/// A tensor that is cut into parts along an axis.
#[derive(Clone, PartialEq)]
struct Split {
    node: NodeId,
    axis: i64,
}

struct FoundLstm {
    split: Split,
    /// Input, forget, candidate and output gate.
    order: [usize; 4],
    state: Output,
    next: Output,
}

struct FoundGru {
    x: Split,
    h: Split,
    /// Update, reset, candidate.
    order: [usize; 3],
    state: Output,
}

fn lstm(program: &mut Program, node: NodeId, found: FoundLstm) -> Result<()> {
    let addends = addends(program, &found.split)?;
    let name = program.graph.fresh_name(&format!("{}/cell", program.graph.node(node).name));
    let cell = Node::new(name, LSTM)
        .with("N", AttrValue::Int(addends.len() as i64))
        .with("T", AttrValue::Type(DType::Float))
        .with("axis", AttrValue::Int(found.split.axis))
        .with("order", numbers(&found.order));
    let cell = program.graph.add(cell)?;
    for (i, &input) in [found.state].iter().chain(&addends).enumerate() {
        program.graph.connect(input, cell, i);
    }
    program.replace(found.next, Output { node: cell, index: 0 });
    program.replace(Output { node, index: 0 }, Output { node: cell, index: 1 });
    Ok(())
}

fn gru(program: &mut Program, node: NodeId, found: FoundGru) -> Result<()> {
    let (x, h) = (addends(program, &found.x)?, addends(program, &found.h)?);
    let name = program.graph.fresh_name(&format!("{}/cell", program.graph.node(node).name));
    let cell = Node::new(name, GRU)
        .with("X", AttrValue::Int(x.len() as i64))
        .with("H", AttrValue::Int(h.len() as i64))
        .with("T", AttrValue::Type(DType::Float))
        .with("x_axis", AttrValue::Int(found.x.axis))
        .with("h_axis", AttrValue::Int(found.h.axis))
        .with("order", numbers(&found.order));
    let cell = program.graph.add(cell)?;
    for (i, &input) in [found.state].iter().chain(&x).chain(&h).enumerate() {
        program.graph.connect(input, cell, i);
    }
    program.replace(Output { node, index: 0 }, Output { node: cell, index: 0 });
    Ok(())
}

fn numbers(order: &[usize]) -> AttrValue {
    AttrValue::List(order.iter().map(|&gate| AttrValue::Int(gate as i64)).collect())
}

/// What is added up to the tensor that is cut, in order.
fn addends(program: &Program, split: &Split) -> Result<Vec<Output>> {
    let mut addends = vec![program.graph.inputs(split.node)?[1]];
    while let Some(at) = addends.iter().position(|&addend| is_sum(program, addend)) {
        if addends.len() == MOST {
            break;
        }
        let parts = program.graph.inputs(addends[at].node)?;
        addends.splice(at..=at, parts);
    }
    Ok(addends)
}

/// Whether an output is a sum that nothing else takes.
fn is_sum(program: &Program, output: Output) -> bool {
    let node = program.graph.node(output.node);
    let channels_last = match node.attrs.get("data_format") {
        Some(AttrValue::Bytes(format)) => &format[..] == b"NHWC",
        _ => true,
    };
    matches!(&*node.op, "AddV2" | "Add" | "BiasAdd") && channels_last && is_private(program, output.node)
}

/// Looks for the parts of a cell.
struct Pattern<'a>(&'a Program);

impl Pattern<'_> {
    /// `σ(o) tanh(next)`, with `next = σ(f) state + σ(i) tanh(g)`.
    fn lstm(&self, root: Output) -> Option<FoundLstm> {
        self.both(root, "Mul")?.into_iter().find_map(|(gate, tanh)| {
            let (split, output) = self.gate(self.operand(gate, "Sigmoid")?, 4)?;
            let next = self.operand(tanh, "Tanh")?;
            let (state, [input, forget, candidate]) = self.next(next, &split)?;
            Some(FoundLstm { split, order: [input, forget, candidate, output], state, next })
        })
    }

    /// The state, and input, forget and candidate gate, of `σ(f) state + σ(i) tanh(g)`.
    fn next(&self, next: Output, split: &Split) -> Option<(Output, [usize; 3])> {
        let part = |output: Output| self.gate(output, 4).filter(|(of, _)| of == split).map(|(_, gate)| gate);
        self.sums(next)?.into_iter().find_map(|(old, new)| {
            let (input, candidate) = self.both(new, "Mul")?.into_iter().find_map(|(gate, tanh)| {
                Some((part(self.operand(gate, "Sigmoid")?)?, part(self.operand(tanh, "Tanh")?)?))
            })?;
            let (forget, state) = self
                .both(old, "Mul")?
                .into_iter()
                .find_map(|(gate, state)| Some((part(self.operand(gate, "Sigmoid")?)?, state)))?;
            Some((state, [input, forget, candidate]))
        })
    }

    /// `z state + (1 - z) tanh(xn + r hn)`, with `z = σ(xz + hz)` and `r = σ(xr + hr)`.
    fn gru(&self, root: Output) -> Option<FoundGru> {
        self.sums(root)?.into_iter().find_map(|(old, new)| {
            let (rest, candidate) =
                self.both(new, "Mul")?.into_iter().find(|&(rest, _)| self.is(rest, "Sub").is_some())?;
            let update = match self.is(rest, "Sub")?[..] {
                [one, update] if self.is_one(one) => update,
                _ => return None,
            };
            let pairs = self.both(old, "Mul")?.into_iter();
            let (_, state) = pairs.into_iter().find(|&(gate, _)| gate == update)?;
            let (xz, hz) = self.pair(self.operand(update, "Sigmoid")?)?;
            let inside = self.sums(self.operand(candidate, "Tanh")?)?;
            inside.into_iter().find_map(|(xn, product)| {
                let (reset, hn) = self
                    .both(product, "Mul")?
                    .into_iter()
                    .find(|&(gate, _)| self.operand(gate, "Sigmoid").is_some())?;
                let (xr, hr) = self.pair(self.operand(reset, "Sigmoid")?)?;
                let (xz, hz) = (xz.clone(), hz.clone());
                self.in_order([xz, xr, self.gate(xn, 3)?], [hz, hr, self.gate(hn, 3)?], state)
            })
        })
    }

    /// Puts the gates of input and state into order; the two sides of a sum may stand either way.
    fn in_order(&self, x: [(Split, usize); 3], h: [(Split, usize); 3], state: Output) -> Option<FoundGru> {
        let ([(a, az), (b, ar), (xn, n)], [(c, cz), (d, dr), (hn, m)]) = (x, h);
        let fits = |p: &Split, q: &Split| p == &xn && q == &hn;
        let update = fits(&a, &c) || fits(&c, &a);
        let reset = fits(&b, &d) || fits(&d, &b);
        let same = az == cz && ar == dr && n == m && xn != hn;
        (update && reset && same).then_some(FoundGru { x: xn, h: hn, order: [az, ar, n], state })
    }

    /// The sum of two parts of tensors that are cut into three.
    fn pair(&self, sum: Output) -> Option<((Split, usize), (Split, usize))> {
        let (a, b) = self.sums(sum)?[0];
        Some((self.gate(a, 3)?, self.gate(b, 3)?))
    }

    /// Which part of what an output is.
    fn gate(&self, output: Output, count: i64) -> Option<(Split, usize)> {
        let node = self.0.graph.node(output.node);
        let is_split = &*node.op == "Split"
            && matches!(node.attrs.get("num_split"), Some(&AttrValue::Int(parts)) if parts == count)
            && matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)));
        if !is_split || !self.0.graph.controls(output.node).is_empty() {
            return None;
        }
        let axis = self.0.graph.inputs(output.node).ok()?.first().copied()?;
        let axis = self.0.constant(axis).filter(|axis| axis.rank() == 0)?.to_i64s().ok()?;
        Some((Split { node: output.node, axis: *axis.first()? }, output.index))
    }

    fn is_one(&self, output: Output) -> bool {
        self.0.constant(output).is_some_and(|value| value.rank() == 0 && value.to_scalar::<f32>() == Ok(1.0))
    }

    fn operand(&self, output: Output, op: &str) -> Option<Output> {
        match self.is(output, op)?[..] {
            [x] => Some(x),
            _ => None,
        }
    }

    fn sums(&self, output: Output) -> Option<[(Output, Output); 2]> {
        self.both(output, "AddV2").or_else(|| self.both(output, "Add"))
    }

    /// The operands of an operator, in both orders.
    fn both(&self, output: Output, op: &str) -> Option<[(Output, Output); 2]> {
        match self.is(output, op)?[..] {
            [a, b] => Some([(a, b), (b, a)]),
            _ => None,
        }
    }

    /// The inputs of the node that gives an output, if it is this operator on floats and waits for nothing else.
    fn is(&self, output: Output, op: &str) -> Option<Vec<Output>> {
        let graph = &self.0.graph;
        let node = graph.node(output.node);
        let is_float = matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)));
        let fits = output.index == 0 && &*node.op == op && is_float && graph.controls(output.node).is_empty();
        graph.inputs(output.node).ok().filter(|_| fits)
    }
}
