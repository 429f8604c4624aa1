//! A graph with the operator, read and run.

use std::fs;
use std::sync::Arc;

use savedmodel::{Code, LoadOptions, Registry, Result, SavedModel, Tensor};

const GRAPH: &str = r#"
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node {
  name: "shrunk" op: "Addons>Hardshrink" input: "x"
  attr { key: "T" value { type: DT_FLOAT } } attr { key: "upper" value { f: 2.0 } }
}
node { name: "y" op: "Neg" input: "shrunk" attr { key: "T" value { type: DT_FLOAT } } }
"#;

fn run(registry: Arc<Registry>, x: &[f32]) -> Result<Vec<f32>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("graph.pbtxt");
    fs::write(&path, GRAPH).unwrap();
    let options = LoadOptions { registry: Some(registry), ..LoadOptions::default() };
    let model = SavedModel::open(&path, None, &options)?;
    let outputs = model.prune(&["x:0"], &["y:0"])?.call(&[Tensor::from_slice([x.len()], x)?])?;
    Ok(outputs[0].as_slice::<f32>()?.to_vec())
}

#[test]
fn a_model_with_the_operator_runs() -> Result<()> {
    let outputs = run(savedmodel_custom_operator::registry(), &[-0.5, -0.75, 2.0, 2.5])?;
    assert_eq!(outputs, [-0.0, 0.75, -0.0, -2.5]);
    Ok(())
}

#[test]
fn without_it_the_model_is_refused() {
    let error = run(savedmodel::registry(), &[1.0]).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.to_string().contains("Addons>Hardshrink"), "{error}");
}
