//! The Gaussian error linear unit, as it is written with products and an error function.

use savedmodel_graph::{NodeId, Output};

use super::is_private;
use crate::Program;

/// What a form of the function takes apart; constants are those of <https://arxiv.org/abs/1606.08415>.
struct Form<'a> {
    program: &'a Program,
    /// The node whose output the function is applied to.
    x: NodeId,
    /// The nodes that have been looked at.
    nodes: Vec<NodeId>,
}

/// The last node of the function of a node's output, and what fused operators call it, if nothing else takes anything between.
pub(super) fn after(program: &Program, x: NodeId) -> Option<(NodeId, &'static str)> {
    let is_kept = !program.graph.controlled(x).is_empty()
        || program.targets.contains(&x)
        || program.fetches.iter().any(|fetch| fetch.node == x);
    if is_kept {
        return None;
    }
    // The last product follows the halved number, or is the one that halves.
    let near: Vec<NodeId> = program.graph.successors(x).collect();
    let far = near.iter().flat_map(|&node| program.graph.successors(node));
    let mut ends: Vec<NodeId> = near.iter().copied().chain(far).collect();
    let further: Vec<NodeId> = ends.iter().flat_map(|&node| program.graph.successors(node)).collect();
    ends.extend(further);
    ends.into_iter().find_map(|end| {
        let mut form = Form { program, x, nodes: Vec::new() };
        let name = form.function(end)?;
        let takers_are_inside = near.iter().all(|taker| form.nodes.contains(taker));
        takers_are_inside.then_some((end, name))
    })
}

impl Form<'_> {
    /// `0.5 x (1 + erf(x / sqrt(2)))`, `0.5 x erfc(-x / sqrt(2))` or `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
    fn function(&mut self, end: NodeId) -> Option<&'static str> {
        let (scale, factors) = self.factors(Output { node: end, index: 0 }, true)?;
        let &[a, b] = &factors[..] else { return None };
        let bell = if a.node == self.x { b } else { a };
        let is_half = is_near(scale, 0.5) && (a.node == self.x) != (b.node == self.x);
        if !is_half {
            return None;
        }
        if let Some(inner) = self.inputs(bell, "Erfc") {
            return self.is_scaled(inner[0], -std::f32::consts::FRAC_1_SQRT_2).then_some("GeluExact");
        }
        let sum = self.inputs(bell, "AddV2").or_else(|| self.inputs(bell, "Add"))?;
        let (one, other) = if self.value(sum[0]).is_some() { (sum[0], sum[1]) } else { (sum[1], sum[0]) };
        if self.value(one) != Some(1.0) {
            return None;
        }
        if let Some(inner) = self.inputs(other, "Erf") {
            return self.is_scaled(inner[0], std::f32::consts::FRAC_1_SQRT_2).then_some("GeluExact");
        }
        let inner = self.inputs(other, "Tanh")?;
        self.is_cubic(inner[0]).then_some("GeluApproximate")
    }

    /// Whether an output is `x` times a factor.
    fn is_scaled(&mut self, output: Output, factor: f32) -> bool {
        self.factors(output, false).is_some_and(|(scale, factors)| {
            is_near(scale, factor) && factors.len() == 1 && factors[0].node == self.x
        })
    }

    /// Whether an output is `sqrt(2 / pi) (x + 0.044715 x^3)`.
    fn is_cubic(&mut self, output: Output) -> bool {
        let x = self.x;
        let Some((scale, factors)) = self.factors(output, false) else { return false };
        let &[sum] = &factors[..] else { return false };
        let terms = self.inputs(sum, "AddV2").or_else(|| self.inputs(sum, "Add"));
        let Some(terms) = terms.filter(|_| is_near(scale, (2.0 / std::f32::consts::PI).sqrt())) else {
            return false;
        };
        let cube = if terms[0].node == x { terms[1] } else { terms[0] };
        let Some((scale, factors)) = self.factors(cube, false) else { return false };
        let is_third_power = match &factors[..] {
            &[power] => self
                .inputs(power, "Pow")
                .is_some_and(|inputs| inputs[0].node == x && self.value(inputs[1]) == Some(3.0)),
            factors => factors.len() == 3 && factors.iter().all(|factor| factor.node == x),
        };
        terms.iter().any(|term| term.node == x) && is_near(scale, 0.044_715) && is_third_power
    }

    /// A product as a constant and factors that are none; `last` when others may take it.
    fn factors(&mut self, output: Output, last: bool) -> Option<(f32, Vec<Output>)> {
        if let Some(value) = self.value(output) {
            return Some((value, Vec::new()));
        }
        let node = output.node;
        let op = &*self.program.graph.node(node).op;
        let is_inside = node != self.x && output.index == 0 && (last || is_private(self.program, node));
        if !is_inside || !matches!(op, "Mul" | "Neg" | "RealDiv" | "Square") {
            return Some((1.0, vec![output]));
        }
        let inputs = self.program.graph.inputs(node).ok().filter(|_| self.nodes.len() < 16)?;
        self.nodes.push(node);
        let (mut scale, mut factors) = self.factors(*inputs.first()?, false)?;
        match op {
            "Neg" => scale = -scale,
            "Square" => (scale, factors) = (scale * scale, [factors.clone(), factors].concat()),
            "Mul" => {
                let (other, more) = self.factors(*inputs.get(1)?, false)?;
                (scale, factors) = (scale * other, [factors, more].concat());
            }
            _ => scale /= self.value(*inputs.get(1)?)?,
        }
        Some((scale, factors))
    }

    /// The inputs of a node with this operator whose output nothing else takes.
    fn inputs(&mut self, output: Output, op: &str) -> Option<Vec<Output>> {
        let fits = &*self.program.graph.node(output.node).op == op && is_private(self.program, output.node);
        let inputs = self.program.graph.inputs(output.node).ok().filter(|_| fits && output.index == 0)?;
        self.nodes.push(output.node);
        Some(inputs)
    }

    fn value(&self, output: Output) -> Option<f32> {
        self.program.constant(output).filter(|value| value.rank() == 0)?.to_scalar().ok()
    }
}

/// Models round the constants in various ways.
fn is_near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 2e-6 * b.abs()
}
