//! Warm calls of the small models of the conformance corpus.

use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use savedmodel::{LoadOptions, SavedModel, Tensor};

/// A call of `serving_default` with zeros for inputs, whose unknown dimensions are 1.
fn calls(c: &mut Criterion) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/cases/models");
    let mut group = c.benchmark_group("call");
    for name in ["keras3_mlp", "keras3_cnn", "keras3_lstm", "keras3_transformer", "v1_while"] {
        let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
        let model =
            SavedModel::load_with(models.join(name).join("model"), &options).expect("a model of the corpus");
        let function = model.signature("serving_default").expect("its signature");
        let zeros = function.signature().inputs.iter().map(|(name, info)| {
            let dims = info.shape.dims().unwrap_or_default().iter().map(|dim| dim.unwrap_or(1));
            (
                name.clone(),
                Tensor::zeros(info.dtype.expect("a dtype"), dims.collect::<Vec<_>>())
                    .expect("a small tensor"),
            )
        });
        let inputs: Vec<(String, Tensor)> = zeros.collect();
        group.bench_function(name, |b| b.iter(|| function.call(inputs.clone()).expect("an answer")));
    }
    group.finish();
}

criterion_group!(benches, calls);
criterion_main!(benches);
