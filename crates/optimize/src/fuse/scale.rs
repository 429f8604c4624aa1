//! Scales of channels: batch normalisation and multiplication by a constant.

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_op::FACTORS;
use savedmodel_tensor::{DType, Result, Tensor};

use super::{
    added, channels, constant, is_private, is_transposed, per_channel, product_before, rank, scaled,
};
use crate::Program;

/// What a node does to the channels of a product: multiply, then add.
struct Affine {
    product: NodeId,
    factors: Option<Vec<f32>>,
    offsets: Option<Vec<f32>>,
}

/// Folds a batch normalisation with known statistics, or a product with a constant, into the weights before it, and the sum
/// with a constant into a bias.
pub(super) fn fold(program: &mut Program, node: NodeId) -> Result<()> {
    let Some(affine) = normalisation(program, node)?.or_else(|| arithmetic(program, node)) else {
        return Ok(());
    };
    // A sum times infinity is not the sum of its terms times infinity.
    if affine.factors.iter().flatten().any(|factor| !factor.is_finite()) {
        return Ok(());
    }
    let inputs = program.graph.inputs(affine.product)?;
    let transposed = is_transposed(program.graph.node(affine.product));
    let Some(weights) =
        program.constant(inputs[1]).filter(|weights| weights.dtype() == DType::Float && !transposed)
    else {
        return Ok(());
    };
    let stem = program.graph.node(node).name.to_string();
    let mut copy = Node {
        name: program.graph.fresh_name(&format!("{stem}/scaled")).into(),
        ..program.graph.node(affine.product).clone()
    };
    let weights = match affine.factors {
        Some(factors) if matches!(&*copy.op, "Conv2D" | "Conv3D") => {
            scale_later(&mut copy, factors)?;
            inputs[1]
        }
        Some(factors) => {
            let weights = scaled(weights, &factors)?;
            constant(program, &format!("{stem}/weights"), weights)?
        }
        None => inputs[1],
    };
    let product = program.graph.add(copy)?;
    program.graph.connect(inputs[0], product, 0);
    program.graph.connect(weights, product, 1);
    let mut last = product;
    if let Some(offsets) = affine.offsets {
        let bias = constant(program, &format!("{stem}/offset"), Tensor::from_vec([offsets.len()], offsets)?)?;
        let name = program.graph.fresh_name(&format!("{stem}/shifted"));
        let sum = Node::new(name, "BiasAdd").with("T", AttrValue::Type(DType::Float));
        last = program.graph.add(sum)?;
        program.graph.connect(Output { node: product, index: 0 }, last, 0);
        program.graph.connect(bias, last, 1);
    }
    program.take_over(node, last);
    Ok(())
}

/// Has a convolution's kernel scale the channels of its filter, by these factors times those that it knows already.
fn scale_later(convolution: &mut Node, mut factors: Vec<f32>) -> Result<()> {
    if let Some(AttrValue::Tensor(known)) = convolution.attrs.get(FACTORS) {
        factors.iter_mut().zip(known.as_slice::<f32>()?).for_each(|(factor, known)| *factor *= known);
    }
    let factors = Tensor::from_vec([factors.len()], factors)?;
    convolution.attrs.insert(FACTORS.to_owned(), AttrValue::Tensor(factors));
    Ok(())
}

fn normalisation(program: &Program, node: NodeId) -> Result<Option<Affine>> {
    let found = program.graph.node(node);
    let trains = !matches!(found.attrs.get("is_training"), Some(AttrValue::Bool(false)));
    let is_norm = matches!(&*found.op, "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3");
    if !is_norm || trains || !program.graph.controls(node).is_empty() {
        return Ok(None);
    }
    // Statistics that somebody takes stay where they are.
    let only_first = program.graph.consumers(node).iter().all(|&(output, ..)| output == 0)
        && program.fetches.iter().all(|fetch| fetch.node != node || fetch.index == 0);
    let inputs = program.graph.inputs(node)?;
    let &[x, scale, offset, mean, variance] = &inputs[..] else { return Ok(None) };
    let Some(product) = product_before(program, x).filter(|_| only_first) else { return Ok(None) };
    let Some(n) = channels(program, product) else { return Ok(None) };
    let all = [scale, offset, mean, variance].map(|input| per_channel(program, input, n));
    let [Some(scale), Some(offset), Some(mean), Some(variance)] = all else { return Ok(None) };
    let epsilon = match found.attrs.get("epsilon") {
        Some(AttrValue::Float(epsilon)) => f64::from(*epsilon),
        _ => 1e-4,
    };
    let (scale, offset) = (scale.as_slice::<f32>()?, offset.as_slice::<f32>()?);
    let (mean, variance) = (mean.as_slice::<f32>()?, variance.as_slice::<f32>()?);
    let factor = |i: usize| f64::from(scale[i]) / (f64::from(variance[i]) + epsilon).sqrt();
    let factors: Vec<f32> = (0..n).map(|i| factor(i) as f32).collect();
    let offsets = (0..n).map(|i| (f64::from(offset[i]) - f64::from(mean[i]) * factor(i)) as f32).collect();
    Ok(Some(Affine { product, factors: Some(factors), offsets: Some(offsets) }))
}

/// A product or sum of a product, which may have a bias already, with a constant for each channel.
fn arithmetic(program: &Program, node: NodeId) -> Option<Affine> {
    let is_sum = match &*program.graph.node(node).op {
        "Mul" => false,
        "AddV2" | "Add" => true,
        _ => return None,
    };
    let inputs = program.graph.inputs(node).ok().filter(|_| program.graph.controls(node).is_empty())?;
    let &[x, y] = &inputs[..] else { return None };
    let pair = |x: Output, y: Output| {
        let biased = biased(program, x);
        let product = biased.as_ref().map(|found| found.0).or_else(|| product_before(program, x))?;
        let fits = program.constant(y)?.rank() <= rank(program, product);
        let values = per_channel(program, y, channels(program, product)?).filter(|_| fits)?;
        let values = values.as_slice::<f32>().ok()?.to_vec();
        let joined = |f: fn(f32, f32) -> f32| {
            let (_, bias) = biased.as_ref()?;
            Some(bias.as_slice::<f32>().ok()?.iter().zip(&values).map(|(&b, &v)| f(b, v)).collect())
        };
        Some(match is_sum {
            // The first bias is for the fused operator.
            true => Affine { product, offsets: Some(joined(|b, v| b + v)?), factors: None },
            false => Affine { product, offsets: joined(|b, v| b * v), factors: Some(values) },
        })
    };
    pair(x, y).or_else(|| pair(y, x))
}

/// The product and the bias whose sum alone an output is, if nothing else takes it.
fn biased(program: &Program, output: Output) -> Option<(NodeId, Tensor)> {
    (output.index == 0 && is_private(program, output.node)).then(|| added(program, output.node))?
}
