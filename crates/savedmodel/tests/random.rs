//! Streams of random operators, against what TensorFlow draws (conformance/scripts/make_objects.py).

use std::path::PathBuf;

use savedmodel::{LoadOptions, SavedModel, Tensor, Value};

fn load(optimize: bool) -> SavedModel {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/objects/random");
    let options = LoadOptions { threads: Some(1), optimize, ..LoadOptions::default() };
    SavedModel::load_with(directory, &options).unwrap()
}

fn check(what: &str, got: &Tensor, expected: &[f32]) {
    let got = got.as_slice::<f32>().unwrap();
    let close = got.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 2e-6);
    assert!(close && got.len() == expected.len(), "{what}: {got:?}, not {expected:?}");
}

/// Each place at which a function is called has streams of its own, which go on from call to call whatever is assigned
/// in between.
#[test]
fn streams_go_on_where_a_function_is_called() {
    const FIRST: [f32; 2] = [0.388_311_27, 0.663_682_8];
    const SECOND: [f32; 2] = [0.429_072_62, 0.958_278_3];
    for optimize in [false, true] {
        let model = load(optimize);
        let root = model.root().unwrap();
        for (calls, draw) in [FIRST, SECOND].into_iter().enumerate() {
            let shifted = [[1.061_662_1, -0.878_578_3], [1.827_117_2, 2.605_521_7]][calls];
            let loops = [[1.524_854_9, 2.119_013_8], [0.980_371_36, 1.185_619]][calls];
            let both = [draw[0], draw[1], draw[0], draw[1]];
            for (name, expected) in [
                ("inner", &draw[..]),
                ("outer", &draw),
                ("twice", &both),
                ("loop", &loops),
                ("shifted", &shifted),
            ] {
                let function = root.function(name).unwrap().call::<Value>([], []).unwrap();
                check(name, function.tensor().unwrap(), expected);
                let signature = model.signature(name).unwrap().call::<&str>([]).unwrap();
                check(name, &signature["output_0"], expected);
            }
            let more = [draw[0] + 1.0, draw[1] + 1.0];
            let branch = |choice: bool| root.function("branch").unwrap().call([choice], []).unwrap();
            check("then", branch(true).tensor().unwrap(), &draw);
            check("else", branch(false).tensor().unwrap(), &more);
            let traced = |x: Tensor| root.function("traced").unwrap().call([x], []).unwrap();
            check("first trace", traced(Tensor::scalar(1.0_f32)).tensor().unwrap(), &more);
            let ones = Tensor::from_slice([2], &[1.0_f32, 1.0]).unwrap();
            check("second trace", traced(ones).tensor().unwrap(), &more);
            root.variable("v").unwrap().assign(Tensor::scalar(1.0_f32)).unwrap();
        }
    }
}
