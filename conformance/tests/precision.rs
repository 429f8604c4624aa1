//! Rounded products give answers close to TensorFlow's.

use std::path::Path;

use savedmodel::{LoadOptions, Precision};
use savedmodel_proto::serving::PredictionLog;
use savedmodel_verify::{Replay, Tolerance, log};

#[test]
fn rounded_answers_are_close() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/models");
    for name in ["keras3_transformer", "keras3_mlp", "rewrite_convolutions"] {
        let case = cases.join(name);
        let options = LoadOptions { precision: Precision::Bfloat16, ..LoadOptions::default() };
        let mut replay = Replay::new(case.join("model"), options);
        for record in log::read::<PredictionLog>(&case.join("prediction_log.tfrecord")).unwrap() {
            for (output, comparison) in replay.verify(&record, Tolerance::Scale(0.03)).unwrap() {
                assert!(comparison.passed(), "{name} {output}: {comparison:?}");
            }
        }
    }
}
