//! Biases and activations become part of the product before them; scales of channels become part of its weights.

mod activation;
mod dilated;
mod expanded;
mod gelu;
mod hard_swish;
mod pad;
mod reshape;
mod scale;
mod tensordot;
mod transposed;

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{Bytes, DType, Result, Shape, Tensor};

use crate::{Program, Scope};

/// Lets convolutions pad and dilate, folds scales into weights, then fuses biases and activations.
///
/// Works on products whose weights are constants, and only where nothing else takes what lies between.
pub(crate) fn products(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() {
        return Ok(());
    }
    for node in program.graph.nodes().collect::<Vec<_>>() {
        dilated::take_in(program, node)?;
    }
    program.prune();
    for node in program.graph.nodes().collect::<Vec<_>>() {
        pad::take_in(program, node)?;
    }
    program.prune();
    for node in program.graph.nodes().collect::<Vec<_>>() {
        tensordot::join(program, node)?;
        transposed::take_in(program, node)?;
    }
    program.prune();
    for node in program.graph.nodes().collect::<Vec<_>>() {
        scale::fold(program, node)?;
    }
    for node in program.graph.nodes().collect::<Vec<_>>() {
        bias(program, node, scope)?;
    }
    program.prune();
    for node in program.graph.nodes().collect::<Vec<_>>() {
        expanded::join(program, node, scope)?;
    }
    Ok(())
}

/// The fused operator that stands for a product with what follows it.
fn fused_name(op: &str) -> Option<&'static str> {
    match op {
        "MatMul" => Some("_FusedMatMul"),
        "BatchMatMulV2" => Some("_FusedBatchMatMulV2"),
        "Conv2D" => Some("_FusedConv2D"),
        "Conv3D" => Some("_FusedConv3D"),
        "DepthwiseConv2dNative" => Some("_FusedDepthwiseConv2dNative"),
        _ => None,
    }
}

/// Whether a node is one of these and its channels are its innermost dimension.
pub(crate) fn is_product(program: &Program, node: NodeId) -> bool {
    let node = program.graph.node(node);
    let channels_last = match node.attrs.get("data_format") {
        Some(AttrValue::Bytes(format)) => matches!(&format[..], b"NHWC" | b"NDHWC"),
        _ => true,
    };
    let is_float = matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)));
    let takes_rows = !matches!(node.attrs.get("adj_x"), Some(AttrValue::Bool(true)));
    fused_name(&node.op).is_some() && channels_last && is_float && takes_rows
}

/// Whether one single input takes the node's first output, and nothing else of the node is used.
pub(crate) fn is_private(program: &Program, node: NodeId) -> bool {
    program.graph.successors(node).count() == 1
        && program.graph.controlled(node).is_empty()
        && program.graph.controls(node).is_empty()
        && !program.targets.contains(&node)
        && !program.fetches.iter().any(|fetch| fetch.node == node)
}

/// The product that gives an output, if nothing else takes it.
pub(crate) fn product_before(program: &Program, output: Output) -> Option<NodeId> {
    let node = output.node;
    (output.index == 0 && is_product(program, node) && is_private(program, node)).then_some(node)
}

/// The channels of a product, from its constant weights; none of a product with no weights, of which fused operators make nothing.
pub(crate) fn channels(program: &Program, product: NodeId) -> Option<usize> {
    let weights = program.graph.inputs(product).ok()?.get(1).copied()?;
    let weights = program.constant(weights).filter(|weights| weights.elements() > 0)?;
    let shape = weights.shape();
    let node = program.graph.node(product);
    match (&*node.op, shape.dims()) {
        ("MatMul" | "BatchMatMulV2", &[rows, _]) if is_transposed(node) => Some(rows),
        ("MatMul" | "BatchMatMulV2", &[_, columns]) => Some(columns),
        ("Conv2D", &[_, _, _, outputs]) | ("Conv3D", &[_, _, _, _, outputs]) => Some(outputs),
        ("DepthwiseConv2dNative", &[_, _, inputs, multiplier]) => inputs.checked_mul(multiplier),
        _ => None,
    }
}

/// Whether the second matrix of a product is given as its transpose.
pub(crate) fn is_transposed(product: &Node) -> bool {
    let flag = |name| matches!(product.attrs.get(name), Some(AttrValue::Bool(true)));
    flag("transpose_b") || flag("adj_y")
}

/// A constant with one value for each channel, as a vector; `[1, 1, 1, c]` counts as one.
pub(crate) fn per_channel(program: &Program, output: Output, channels: usize) -> Option<Tensor> {
    let value = program.constant(output)?;
    let is_vector = value.shape().last() == Some(&channels) && value.elements() == channels;
    (value.dtype() == DType::Float && is_vector).then(|| value.clone().reshape([channels]).ok())?
}

/// What a node adds to each channel of a product: the product and the bias.
pub(crate) fn added(program: &Program, node: NodeId) -> Option<(NodeId, Tensor)> {
    let inputs = program.graph.inputs(node).ok()?;
    let &[x, y] = &inputs[..] else { return None };
    let pair = |x: Output, y: Output| {
        let product = product_before(program, x)?;
        Some((product, per_channel(program, y, channels(program, product)?)?))
    };
    match &*program.graph.node(node).op {
        "BiasAdd" => pair(x, y),
        "AddV2" | "Add" => pair(x, y).or_else(|| pair(y, x)),
        _ => None,
    }
    // A bias of higher rank than the product would give the sum more dimensions than the product has.
    .filter(|&(product, _)| {
        program.constant(y).or(program.constant(x)).is_some_and(|b| b.rank() <= rank(program, product))
    })
}

/// The least rank of what a product gives.
pub(crate) fn rank(program: &Program, product: NodeId) -> usize {
    match &*program.graph.node(product).op {
        "MatMul" | "BatchMatMulV2" => 2,
        "Conv3D" => 5,
        _ => 4,
    }
}

fn bias(program: &mut Program, node: NodeId, scope: &Scope<'_>) -> Result<()> {
    let direct = added(program, node).map(|(product, bias)| (product, bias, None));
    let Some((product, bias, reshape)) = direct.or_else(|| reshape::added(program, node)) else {
        return Ok(());
    };
    let is_matrix = rank(program, product) == 2;
    let product_node = program.graph.node(product);
    let pads =
        matches!(product_node.attrs.get("padding"), Some(AttrValue::Bytes(p)) if &p[..] == b"EXPLICIT");
    let fused_name = match &*product_node.op {
        "DepthwiseConv2dNative" if pads => Some("_FusedDepthwiseConv2dExplicit"),
        op => fused_name(op),
    };
    let Some(name) = fused_name.filter(|name| scope.registry.find(name).is_some()) else {
        return Ok(());
    };
    let mut fused_ops = vec!["BiasAdd"];
    let mut last = node;
    let mut alpha = 0.2;
    let mut args = vec![];
    // What is added behind a reshape would need one, too.
    if reshape.is_none()
        && let Some((sum, other)) = sum_after(program, node)
    {
        fused_ops.push("Add");
        (last, args) = (sum, vec![other]);
    }
    if let Some((activation, function)) = activation::after(program, last, is_matrix) {
        if let Some(AttrValue::Float(value)) = program.graph.node(activation).attrs.get("alpha") {
            alpha = *value;
        }
        fused_ops.push(function);
        last = activation;
    }
    if !program.graph.controls(node).is_empty() || !program.graph.controls(last).is_empty() {
        return Ok(());
    }
    let count = 1 + args.len();
    let mut attrs = program.graph.node(product).attrs.clone();
    let texts = fused_ops.into_iter().map(|op| AttrValue::Bytes(Bytes::from_static(op.as_bytes()))).collect();
    attrs.insert("fused_ops".to_owned(), AttrValue::List(texts));
    attrs.insert("num_args".to_owned(), AttrValue::Int(count as i64));
    attrs.insert("leakyrelu_alpha".to_owned(), AttrValue::Float(alpha));
    if name == "_FusedConv2D" {
        attrs.insert("TArgs".to_owned(), AttrValue::List(vec![AttrValue::Type(DType::Float); count]));
    }
    let inputs = program.graph.inputs(product)?;
    let stem = program.graph.node(last).name.to_string();
    let fused = program.graph.fresh_name(&format!("{stem}/fused"));
    let fused = program.graph.add(Node { attrs, ..Node::new(fused, name) })?;
    inputs.iter().enumerate().for_each(|(i, &input)| program.graph.connect(input, fused, i));
    let bias = constant(program, &format!("{stem}/bias"), bias)?;
    for (i, arg) in std::iter::once(bias).chain(args).enumerate() {
        program.graph.connect(arg, fused, inputs.len() + i);
    }
    match reshape {
        Some(reshape) => reshape::take_over(program, last, (fused, reshape)),
        None => {
            program.take_over(last, fused);
            Ok(())
        }
    }
}

/// The sum that alone takes a node's output, and what else it takes, if that is no constant.
fn sum_after(program: &Program, node: NodeId) -> Option<(NodeId, Output)> {
    let next = program.graph.successors(node).next().filter(|_| is_private(program, node))?;
    let inputs = program.graph.inputs(next).ok()?;
    let is_sum = matches!(&*program.graph.node(next).op, "AddV2" | "Add");
    let other = inputs.iter().copied().find(|input| input.node != node).filter(|_| is_sum)?;
    program.constant(other).is_none().then_some((next, other))
}

/// Lets a node take `source` instead of its first input.
fn take_instead(program: &mut Program, node: NodeId, source: Output) -> Result<()> {
    let inputs = program.graph.inputs(node)?;
    program.graph.disconnect_inputs(node);
    for (i, input) in std::iter::once(source).chain(inputs.into_iter().skip(1)).enumerate() {
        program.graph.connect(input, node, i);
    }
    Ok(())
}

/// The numbers of an attribute, if it is a list of them.
fn ints(attr: Option<&AttrValue>) -> Option<Vec<i64>> {
    let Some(AttrValue::List(values)) = attr else { return None };
    let int = |value: &AttrValue| if let AttrValue::Int(value) = value { Some(*value) } else { None };
    values.iter().map(int).collect()
}

/// A new constant node.
pub(crate) fn constant(program: &mut Program, stem: &str, value: Tensor) -> Result<Output> {
    let name = program.graph.fresh_name(stem);
    let node = program.graph.add(Node::new(name, "Const"))?;
    program.make_constant(node, value);
    Ok(Output { node, index: 0 })
}

/// `weights` with each channel multiplied by a factor; the channel is the innermost dimension.
pub(crate) fn scaled(weights: &Tensor, factors: &[f32]) -> Result<Tensor> {
    let shape: Shape = weights.shape().clone();
    let mut values = weights.as_slice::<f32>()?.to_vec();
    for row in values.chunks_mut(factors.len().max(1)) {
        row.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
    }
    weights.release_pages();
    Tensor::from_vec(shape, values)
}
