//! Writes softmax regression over MNIST's images as two SavedModels: one as `simple_save` does, one with tags of its own; and
//! a third one with functions, one of which a branch takes.
//!
//! `cargo run -p savedmodel --example softmax DIR`

use std::path::Path;

use savedmodel::{
    AttrValue, DType, FunctionRef, GraphBuilder, PartialShape, Result, SavedModelBuilder, Signature, Tensor,
    simple_save,
};

fn softmax() -> Result<GraphBuilder> {
    let mut graph = GraphBuilder::new();
    let weights: Vec<f32> = (0..7840).map(|i| ((i % 13) as f32 - 6.0) / 13.0).collect();
    graph.placeholder("x", DType::Float, &PartialShape::new([None, Some(784)]))?;
    let w = graph.variable("w", Tensor::from_vec([784, 10], weights)?)?;
    let b = graph.variable("b", Tensor::from_vec([10], vec![0.5_f32; 10])?)?;
    graph.node("MatMul", "xw", &["x", &w], [])?;
    graph.node("BiasAdd", "logits", &["xw", &b], [])?;
    graph.node("Softmax", "y", &["logits"], [])?;
    Ok(graph)
}

/// `y` is `3 x` or `-x`, as a placeholder says.
fn choice() -> Result<GraphBuilder> {
    let body = |op: &str, inputs: &[&str]| -> Result<GraphBuilder> {
        let mut body = GraphBuilder::new();
        body.placeholder("factor", DType::Resource, &PartialShape::new([]))?;
        body.placeholder("x", DType::Float, &PartialShape::unknown())?;
        body.node("ReadVariableOp", "read", &["factor"], [("dtype", AttrValue::Type(DType::Float))])?;
        body.node(op, "y", inputs, [])?;
        Ok(body)
    };
    let mut graph = GraphBuilder::new();
    graph.function("scaled", body("Mul", &["x", "read"])?, &["factor", "x"], &["y"])?;
    graph.function("negated", body("Neg", &["x"])?, &["factor", "x"], &["y"])?;
    graph.placeholder("x", DType::Float, &PartialShape::new([None]))?;
    graph.placeholder("choice", DType::Bool, &PartialShape::new([]))?;
    graph.variable("factor", Tensor::scalar(3.0_f32))?;
    let function =
        |name: &str| AttrValue::Function(FunctionRef { name: name.to_owned(), ..FunctionRef::default() });
    let attrs = [
        ("Tout", AttrValue::List(vec![AttrValue::Type(DType::Float)])),
        ("then_branch", function("scaled")),
        ("else_branch", function("negated")),
    ];
    graph.node("If", "branch", &["choice", "factor", "x"], attrs)?;
    graph.call("negated", "call", &["factor", "branch"])?;
    graph.node("Neg", "y", &["call"], [])?;
    Ok(graph)
}

fn main() -> Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "softmax".to_owned());
    let directory = Path::new(&directory);
    simple_save(softmax()?, directory.join("simple"), &[("x", "x:0")], &[("y", "y:0")])?;
    let inputs = [("x", "x:0"), ("choice", "choice:0")];
    simple_save(choice()?, directory.join("functions"), &inputs, &[("y", "y:0")])?;
    let mut export = softmax()?.export()?;
    let signature = Signature::of("tensorflow/serving/predict", &[("images", "x:0")], &[("scores", "y:0")]);
    export.set_signature("predict_images", &signature)?;
    let mut train = export.clone();
    export.set_tags(["foo-tag"]);
    train.set_tags(["foo-tag", "train"]);
    SavedModelBuilder::new().meta_graph(export).meta_graph(train).save(directory.join("tags"))
}
