//! Writes softmax regression over MNIST's images as two SavedModels: one as `simple_save` does, one with tags of its own.
//!
//! `cargo run -p savedmodel --example softmax DIR`

use std::path::Path;

use savedmodel::{
    DType, GraphBuilder, PartialShape, Result, SavedModelBuilder, Signature, Tensor, simple_save,
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

fn main() -> Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "softmax".to_owned());
    let directory = Path::new(&directory);
    simple_save(softmax()?, directory.join("simple"), &[("x", "x:0")], &[("y", "y:0")])?;
    let mut export = softmax()?.export()?;
    let signature = Signature::of("tensorflow/serving/predict", &[("images", "x:0")], &[("scores", "y:0")]);
    export.set_signature("predict_images", &signature)?;
    let mut train = export.clone();
    export.set_tags(["foo-tag"]);
    train.set_tags(["foo-tag", "train"]);
    SavedModelBuilder::new().meta_graph(export).meta_graph(train).save(directory.join("tags"))
}
