//! Attention, as it is written with two products and a softmax between them, becomes one operator.

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{Bytes, DType, Result};

use crate::fuse::is_private;
use crate::{Program, Scope};

const FUSED: &str = "_FusedAttention";
/// Fuses attention over tensors that are known to have rank four.
pub(crate) fn heads(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() || scope.registry.find(FUSED).is_none() {
        return Ok(());
    }
    for node in program.graph.nodes().collect::<Vec<_>>() {
        drop_whole_mask(program, node)?;
    }
    program.prune();
    for node in program.graph.nodes().collect::<Vec<_>>() {
        if let Some(found) = find(program, node) {
            fuse(program, found)?;
        }
    }
    Ok(())
}

/// A tensor of rank four and a letter for each dimension. In the end `b` is the batch, `h` the head, `s` query or key, and `d` the
/// innermost dimension of its matrices.
#[derive(Clone, Debug)]
struct Operand {
    output: Output,
    letters: String,
    /// Whether the rank is known to be four.
    is_known: bool,
}

/// One attention.
struct Found {
    q: Operand,
    k: Operand,
    v: Operand,
    mask: Mask,
    scale: f32,
    broadcast: bool,
    /// The node whose output is the result, and how that lies.
    last: NodeId,
    layout: &'static str,
}

/// What is done to scaled scores.
#[derive(Clone, Copy)]
enum Mask {
    None,
    /// It is added.
    Add(Output),
    /// Scores where it is false are replaced by a number.
    Select(Output, f32),
}

/// Takes off a mask of the whole of `x` that is joined with another one, where both together choose between `x` and something else.
fn drop_whole_mask(program: &mut Program, node: NodeId) -> Result<()> {
    let inputs = program.graph.inputs(node)?;
    let &[condition, x, _] = &inputs[..] else { return Ok(()) };
    if &*program.graph.node(node).op != "SelectV2" || &*program.graph.node(condition.node).op != "LogicalAnd"
    {
        return Ok(());
    }
    let sides = program.graph.inputs(condition.node)?;
    let source = |output: Output, op: &str| {
        let fits = &*program.graph.node(output.node).op == op && output.index == 0;
        program.graph.inputs(output.node).ok().filter(|_| fits)
    };
    let is_whole = |output: Output| {
        let Some(fill) = source(output, "Fill") else { return false };
        let is_true = program.constant(fill[1]).is_some_and(|value| value.to_scalar::<bool>() == Ok(true));
        is_true && source(fill[0], "Shape").is_some_and(|shape| shape[0] == x)
    };
    let other = match sides[..] {
        [whole, other] if is_whole(whole) => other,
        [other, whole] if is_whole(whole) => other,
        _ => return Ok(()),
    };
    program.graph.disconnect_inputs(node);
    for (i, input) in [other, x, inputs[2]].into_iter().enumerate() {
        program.graph.connect(input, node, i);
    }
    Ok(())
}

fn fuse(program: &mut Program, found: Found) -> Result<()> {
    let layouts = [&*found.q.letters, &found.k.letters, &found.v.letters, found.layout];
    let texts = layouts.map(|layout| AttrValue::Bytes(Bytes::copy_from_slice(layout.as_bytes())));
    let name = program.graph.fresh_name(&format!("{}/attention", program.graph.node(found.last).name));
    let (added, kept, other) = match found.mask {
        Mask::None => (None, None, 0.0),
        Mask::Add(mask) => (Some(mask), None, 0.0),
        Mask::Select(mask, other) => (None, Some(mask), other),
    };
    let node = Node::new(name, FUSED)
        .with("T", AttrValue::Type(DType::Float))
        .with("num_masks", AttrValue::Int(i64::from(added.is_some())))
        .with("num_keeps", AttrValue::Int(i64::from(kept.is_some())))
        .with("other", AttrValue::Float(other))
        .with("scale", AttrValue::Float(found.scale))
        .with("layouts", AttrValue::List(texts.to_vec()))
        .with("broadcast", AttrValue::Bool(found.broadcast));
    let fused = program.graph.add(node)?;
    let inputs = [found.q.output, found.k.output, found.v.output].into_iter().chain(added).chain(kept);
    inputs.enumerate().for_each(|(i, input)| program.graph.connect(input, fused, i));
    program.take_over(found.last, fused);
    Ok(())
}

/// The attention whose second product a node is.
fn find(program: &Program, node: NodeId) -> Option<Found> {
    let second = Product::at(program, Output { node, index: 0 })?;
    let [x, y] = &second.operands;
    let softmax = |operand: &Operand| private_inputs(program, operand.output, &["Softmax"]);
    let (scores, logits, v) = match softmax(x) {
        Some(logits) => (x, logits, y),
        None => (y, softmax(y)?, x),
    };
    let [batch, head, query, key] = letters(&scores.letters)?;
    let mut v = v.renamed([batch, head, key])?;
    let result = renamed(&second.result, [batch, head, query])?;
    let (mask, mut scale, first) = masked(program, *logits.first()?)?;
    let [mut q, mut k] = first.sides()?;
    scale *= bare(program, &mut q) * bare(program, &mut k);
    untranspose(program, &mut v);
    let (last, layout) = match &*result {
        "bhsd" => transposed(program, node).map_or((node, "bhsd"), |last| (last, "bshd")),
        "bshd" => (node, "bshd"),
        _ => return None,
    };
    let broadcast = first.broadcasts || second.broadcasts;
    [&q, &k, &v].iter().all(|operand| operand.is_known).then_some(Found {
        q,
        k,
        v,
        mask,
        scale,
        broadcast,
        last,
        layout,
    })
}

/// A product of two tensors in the notation of `Einsum`.
struct Product {
    operands: [Operand; 2],
    result: String,
    /// Whether batches broadcast.
    broadcasts: bool,
}

impl Product {
    fn at(program: &Program, output: Output) -> Option<Product> {
        let node = program.graph.node(output.node);
        let inputs = program.graph.inputs(output.node).ok().filter(|_| output.index == 0)?;
        let is_float = matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)));
        let &[x, y] = &inputs[..] else { return None };
        let flag = |name| matches!(node.attrs.get(name), Some(AttrValue::Bool(true)));
        let (sides, result, broadcasts) = match &*node.op {
            _ if !is_float || !program.graph.controls(output.node).is_empty() => return None,
            "Einsum" => {
                let Some(AttrValue::Bytes(equation)) = node.attrs.get("equation") else { return None };
                let (sides, result) = std::str::from_utf8(equation).ok()?.split_once("->")?;
                let (x, y) = sides.split_once(',')?;
                ([x, y], result, false)
            }
            "BatchMatMul" | "BatchMatMulV2" => {
                let x = if flag("adj_x") { "bhji" } else { "bhij" };
                ([x, if flag("adj_y") { "bhkj" } else { "bhjk" }], "bhik", true)
            }
            _ => return None,
        };
        [sides[0], sides[1], result].into_iter().all(|side| letters(side).is_some()).then(|| {
            let operand = |output, letters: &str| Operand {
                output,
                letters: letters.to_owned(),
                is_known: !broadcasts,
            };
            Product {
                operands: [operand(x, sides[0]), operand(y, sides[1])],
                result: result.to_owned(),
                broadcasts,
            }
        })
    }

    /// Queries and keys, if the result is their scores: batch, head, query, key.
    fn sides(&self) -> Option<[Operand; 2]> {
        let [batch, head, query, key] = letters(&self.result)?;
        let inner = |operand: &Operand| operand.letters.chars().find(|&letter| !self.result.contains(letter));
        let [x, y] = &self.operands;
        let sides = |q: &Operand, k: &Operand| {
            Some([q.renamed([batch, head, query])?, k.renamed([batch, head, key])?])
        };
        sides(x, y).or_else(|| sides(y, x)).filter(|_| inner(x) == inner(y))
    }
}

/// Four letters, all different.
fn letters(text: &str) -> Option<[char; 4]> {
    let letters: [char; 4] = text.chars().collect::<Vec<_>>().try_into().ok()?;
    let differ = (1..4).all(|i| !letters[..i].contains(&letters[i]));
    (differ && letters.iter().all(char::is_ascii_alphabetic)).then_some(letters)
}

/// The letters with these three called `b`, `h` and `s`, and the one that is left `d`.
fn renamed(text: &str, known: [char; 3]) -> Option<String> {
    let name =
        |letter| known.iter().position(|&known| known == letter).map_or('d', |place| ['b', 'h', 's'][place]);
    let names: String = letters(text)?.into_iter().map(name).collect();
    letters(&names).map(|_| names)
}

impl Operand {
    fn renamed(&self, known: [char; 3]) -> Option<Operand> {
        Some(Operand { letters: renamed(&self.letters, known)?, ..self.clone() })
    }
}

/// The inputs of an operator whose output nothing else takes.
fn private_inputs(program: &Program, output: Output, ops: &[&str]) -> Option<Vec<Output>> {
    let node = program.graph.node(output.node);
    let is_float = matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)));
    let fits = output.index == 0 && ops.contains(&&*node.op) && is_float && is_private(program, output.node);
    program.graph.inputs(output.node).ok().filter(|_| fits)
}

/// Mask and scale of scores, and the product that they come from.
fn masked(program: &Program, logits: Output) -> Option<(Mask, f32, Product)> {
    let scores = |output| {
        let (output, scale) = unscaled(program, output).unwrap_or((output, 1.0));
        let product = Product::at(program, output).filter(|_| is_private(program, output.node))?;
        Some((scale, product))
    };
    if let Some((scale, product)) = scores(logits) {
        return Some((Mask::None, scale, product));
    }
    let with = |logits, mask| scores(logits).map(|(scale, product)| (mask, scale, product));
    match private_inputs(program, logits, &["AddV2", "Add", "SelectV2"])?[..] {
        [x, y] => with(x, Mask::Add(y)).or_else(|| with(y, Mask::Add(x))),
        [keep, x, other] => {
            let other = program.constant(other).filter(|other| other.rank() == 0)?.to_scalar::<f32>().ok()?;
            with(x, Mask::Select(keep, other))
        }
        _ => None,
    }
}

/// What a constant scales, and by how much, if nothing else takes the product.
fn unscaled(program: &Program, output: Output) -> Option<(Output, f32)> {
    let inputs = private_inputs(program, output, &["Mul", "RealDiv"])?;
    let &[x, y] = &inputs[..] else { return None };
    let factor = |output| {
        let value = program.constant(output).filter(|value| value.elements() == 1 && value.rank() <= 4)?;
        value.as_slice::<f32>().ok()?.first().copied()
    };
    if &*program.graph.node(output.node).op == "RealDiv" {
        return Some((x, 1.0 / factor(y)?));
    }
    factor(y).map(|factor| (x, factor)).or_else(|| Some((y, factor(x)?)))
}

/// Takes transposes and scales off an operand, and gives the product of the scales.
fn bare(program: &Program, operand: &mut Operand) -> f32 {
    untranspose(program, operand);
    let Some((output, scale)) = unscaled(program, operand.output) else { return 1.0 };
    operand.output = output;
    untranspose(program, operand);
    scale
}

/// Lets an operand be what its transpose is made of.
fn untranspose(program: &Program, operand: &mut Operand) {
    while let Some((source, order)) = transpose(program, operand.output) {
        let mut letters = [' '; 4];
        order.iter().zip(operand.letters.chars()).for_each(|(&axis, letter)| letters[axis] = letter);
        *operand = Operand { output: source, letters: letters.into_iter().collect(), is_known: true };
    }
}

/// The source of a transpose of four dimensions, and their order.
fn transpose(program: &Program, output: Output) -> Option<(Output, [usize; 4])> {
    let node = program.graph.node(output.node);
    let inputs = program.graph.inputs(output.node).ok()?;
    let fits = &*node.op == "Transpose" && program.graph.controls(output.node).is_empty();
    let &[source, order] = &inputs[..] else { return None };
    let order = program.constant(order).filter(|_| fits)?.to_i64s().ok()?;
    let order: [usize; 4] = order.iter().map(|&axis| axis as usize).collect::<Vec<_>>().try_into().ok()?;
    (0..4).all(|axis| order.contains(&axis)).then_some((source, order))
}

/// The transpose that alone takes a node's output and brings queries before heads.
fn transposed(program: &Program, node: NodeId) -> Option<NodeId> {
    let next = program.graph.successors(node).next().filter(|_| is_private(program, node))?;
    let (_, order) = transpose(program, Output { node: next, index: 0 })?;
    (order == [0, 2, 1, 3]).then_some(next)
}
