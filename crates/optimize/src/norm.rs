//! Layer normalisation, as it is written with means and products, becomes one operator.

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{DType, Result, Tensor};

use crate::{Program, Scope};

const FUSED: &str = "_FusedLayerNorm";

/// Fuses normalisations over the innermost dimension with constant scales and offsets.
pub(crate) fn layers(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() || scope.registry.find(FUSED).is_none() {
        return Ok(());
    }
    for node in program.graph.nodes().collect::<Vec<_>>() {
        if let Some(found) = Pattern(program).find(node) {
            fuse(program, node, found)?;
        }
    }
    Ok(())
}

/// `x` with mean 0 and variance 1, times `gamma`, plus `beta`.
struct Found {
    x: Output,
    epsilon: f32,
    gamma: Option<Tensor>,
    beta: Option<Tensor>,
}

fn fuse(program: &mut Program, node: NodeId, found: Found) -> Result<()> {
    let stem = program.graph.node(node).name.to_string();
    let one = |value: f32| Tensor::from_vec([1], vec![value]);
    let gamma = found.gamma.map_or_else(|| one(1.0), Ok)?;
    let beta = found.beta.map_or_else(|| one(0.0), Ok)?;
    let gamma = crate::fuse::constant(program, &format!("{stem}/gamma"), gamma)?;
    let beta = crate::fuse::constant(program, &format!("{stem}/beta"), beta)?;
    let fused = Node::new(program.graph.fresh_name(&format!("{stem}/norm")), FUSED)
        .with("T", AttrValue::Type(DType::Float))
        .with("epsilon", AttrValue::Float(found.epsilon));
    let fused = program.graph.add(fused)?;
    for (i, input) in [found.x, gamma, beta].into_iter().enumerate() {
        program.graph.connect(input, fused, i);
    }
    program.take_over(node, fused);
    Ok(())
}

/// Looks for the parts of a normalisation.
struct Pattern<'a>(&'a Program);

impl Pattern<'_> {
    /// `x * inverse + (beta - mean * inverse)`, with `inverse = gamma / sqrt(variance + epsilon)`.
    fn find(&self, node: NodeId) -> Option<Found> {
        let is_float = matches!(self.0.graph.node(node).attrs.get("T"), Some(AttrValue::Type(DType::Float)));
        let root = Output { node, index: 0 };
        let sides = self.operands(root, &["AddV2", "Add"])?;
        both(sides)
            .into_iter()
            .filter(|_| is_float)
            .find_map(|(scaled, offset)| self.with_offset(scaled, offset))
    }

    fn with_offset(&self, scaled: Output, offset: Output) -> Option<Found> {
        both(self.operands(scaled, &["Mul"])?).into_iter().find_map(|(x, inverse)| {
            let (mean, beta) = self.offset(offset, inverse)?;
            let (epsilon, gamma) = self.inverse(x, mean, inverse)?;
            self.is_mean(mean, x).then_some(Found { x, epsilon, gamma, beta })
        })
    }

    /// The mean and `beta` of `beta - mean * inverse`.
    fn offset(&self, offset: Output, inverse: Output) -> Option<(Output, Option<Tensor>)> {
        let times_inverse = |product: Output| {
            let pairs = both(self.operands(product, &["Mul"])?);
            pairs.into_iter().find(|&(_, other)| other == inverse).map(|(mean, _)| mean)
        };
        let negated = |product: Output| self.operand(times_inverse(product)?, "Neg");
        if let Some(mean) = negated(offset) {
            return Some((mean, None));
        }
        if let Some((beta, product)) = self.operands(offset, &["Sub"]) {
            return Some((times_inverse(product)?, Some(self.row(beta)?)));
        }
        let sides = both(self.operands(offset, &["AddV2", "Add"])?);
        sides.into_iter().find_map(|(product, beta)| Some((negated(product)?, Some(self.row(beta)?))))
    }

    /// `epsilon` and `gamma` of `gamma / sqrt(variance + epsilon)`.
    fn inverse(&self, x: Output, mean: Output, inverse: Output) -> Option<(f32, Option<Tensor>)> {
        if let Some(sum) = self.operand(inverse, "Rsqrt") {
            return Some((self.epsilon(x, mean, sum)?, None));
        }
        let sides = both(self.operands(inverse, &["Mul"])?);
        sides.into_iter().find_map(|(root, gamma)| {
            let sum = self.operand(root, "Rsqrt")?;
            Some((self.epsilon(x, mean, sum)?, Some(self.row(gamma)?)))
        })
    }

    fn epsilon(&self, x: Output, mean: Output, sum: Output) -> Option<f32> {
        let sides = both(self.operands(sum, &["AddV2", "Add"])?);
        sides.into_iter().find_map(|(variance, epsilon)| {
            let epsilon =
                self.0.constant(epsilon).filter(|value| value.rank() == 0)?.to_scalar::<f32>().ok()?;
            let squares = self.averaged(variance)?;
            let pairs = both(self.operands(squares, &["SquaredDifference"])?);
            pairs.contains(&(x, mean)).then_some(epsilon)
        })
    }

    fn is_mean(&self, mean: Output, x: Output) -> bool {
        self.averaged(mean) == Some(x)
    }

    /// What is averaged over the innermost dimension, which stays with size 1.
    fn averaged(&self, output: Output) -> Option<Output> {
        let (x, axis) = self.operands(output, &["Mean"])?;
        let axis = self.0.constant(axis).filter(|axis| axis.elements() == 1)?.to_i64s().ok()?;
        let keeps =
            matches!(self.0.graph.node(output.node).attrs.get("keep_dims"), Some(AttrValue::Bool(true)));
        (axis == [-1] && keeps).then_some(x)
    }

    /// A constant of floats of which all dimensions but the innermost are 1.
    fn row(&self, output: Output) -> Option<Tensor> {
        let value = self.0.constant(output).filter(|value| value.dtype() == DType::Float)?;
        (value.shape().last() == Some(&value.elements())).then(|| value.clone())
    }

    fn operand(&self, output: Output, op: &str) -> Option<Output> {
        match self.inputs(output, &[op])?[..] {
            [x] => Some(x),
            _ => None,
        }
    }

    fn operands(&self, output: Output, ops: &[&str]) -> Option<(Output, Output)> {
        match self.inputs(output, ops)?[..] {
            [x, y] => Some((x, y)),
            _ => None,
        }
    }

    fn inputs(&self, output: Output, ops: &[&str]) -> Option<Vec<Output>> {
        let graph = &self.0.graph;
        let fits = output.index == 0 && ops.contains(&&*graph.node(output.node).op);
        graph.inputs(output.node).ok().filter(|_| fits && graph.controls(output.node).is_empty())
    }
}

fn both((a, b): (Output, Output)) -> [(Output, Output); 2] {
    [(a, b), (b, a)]
}
