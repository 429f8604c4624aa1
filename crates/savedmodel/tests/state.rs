//! State: order, sharing between callers, forks, and what a checkpoint leaves out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use savedmodel::{Code, LoadOptions, SavedModel, Tensor, Value, profile, wait_until_complete};

fn directory(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/objects").join(name)
}

fn load(name: &str) -> SavedModel {
    SavedModel::load(directory(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn floats(value: &Value) -> Vec<f32> {
    value.tensor().unwrap().as_slice::<f32>().unwrap().to_vec()
}

/// TensorFlow's answers, through functions and signatures in turn.
#[test]
fn reads_and_writes_keep_their_order() {
    for optimize in [false, true] {
        let options = LoadOptions { optimize, ..LoadOptions::default() };
        let model = SavedModel::load_with(directory("stateful"), &options).unwrap();
        let root = model.root().unwrap();
        let check = |got: &Value, expected: [f32; 2]| {
            let [before, after] = ["before", "after"].map(|name| floats(got.get(name).unwrap())[0]);
            assert_eq!([before, after], expected);
        };
        check(&root.function("add").unwrap().call([1.0], []).unwrap(), [1.0, 2.0]);
        check(&root.function("add").unwrap().call([3.0], []).unwrap(), [5.0, 10.0]);
        let got = root.function("loop").unwrap().call([5], []).unwrap();
        assert_eq!(floats(got.get("seen").unwrap()), [11.0, 33.0, 34.0, 102.0, 103.0]);
        let got = model.signature("add").unwrap().call_values([("x", 1.0)]).unwrap();
        assert_eq!((floats(&got["before"]), floats(&got["after"])), (vec![104.0], vec![208.0]));
        let got = model.signature("loop").unwrap().call_values([("n", 2)]).unwrap();
        assert_eq!((floats(&got["seen"]), floats(&got["total"])), (vec![209.0, 627.0], vec![627.0]));
    }
}

/// A loop writes its arrays in each turn, and takes values that it merges; that is no write to a variable.
#[test]
fn variables_beside_loops_are_constants() {
    let path = directory("../models/v1_dynamic_rnn/model");
    let model = SavedModel::load(path).unwrap();
    let signature = model.signature("serving_default").unwrap();
    let x = Tensor::from_slice([1, 2, 3], &[1.0_f32; 6]).unwrap();
    let lengths = Tensor::from_slice([1], &[2]).unwrap();
    let call = || signature.call_values([("x", x.clone()), ("lengths", lengths.clone())]);
    call().unwrap();
    let (outputs, steps) = profile::record(call);
    assert_eq!(outputs.unwrap()["state"].tensor().unwrap().shape().dims(), [1, 4]);
    let reads = steps.iter().filter(|step| &*step.op == "VariableV2");
    assert_eq!(reads.map(|step| &*step.node).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn callers_share_state() {
    const THREADS: usize = 4;
    const CALLS: usize = 50;
    let model = load("objects");
    let v = model.root().unwrap().variable("v").unwrap();
    v.assign(Tensor::from_slice([2], &[0.0_f32, 0.0]).unwrap()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (model, v) = (&model, v.clone());
            scope.spawn(move || {
                let root = model.root().unwrap();
                let step = root.function("step").unwrap();
                let weighted = model.signature("serving_default").unwrap();
                for call in 0..CALLS {
                    step.call::<Value>([], []).unwrap();
                    let value = (thread * CALLS + call) as f32;
                    v.assign(Tensor::from_slice([2], &[value, value]).unwrap()).unwrap();
                    // A call sees each variable whole.
                    let got = weighted.call_values([("x", vec![Value::from(1)])]).unwrap();
                    let got = floats(&got["output_0"]);
                    assert_eq!(got[1] - got[0], 10.0);
                }
            });
        }
    });
    let count = model.root().unwrap().variable("count").unwrap().value().unwrap();
    assert_eq!(count.to_scalar::<i32>().unwrap(), (THREADS * CALLS) as i32);
}

#[test]
fn forks_have_state_of_their_own() {
    let mut model = load("objects");
    let weighted = |model: &SavedModel| {
        let x = vec![Value::from(1)];
        floats(&model.signature("serving_default").unwrap().call_values([("x", x)]).unwrap()["output_0"])
    };
    let assign = |model: &SavedModel, values: &[f32; 2]| {
        let v = model.root().unwrap().variable("v").unwrap();
        v.assign(Tensor::from_slice([2], values).unwrap()).unwrap();
    };
    assert_eq!(weighted(&model), [11.0, 22.0]);
    assign(&model, &[5.0, 6.0]);
    let fork = model.fork().unwrap();
    assert_eq!(weighted(&fork), [15.0, 26.0]);
    assign(&fork, &[7.0, 8.0]);
    assert_eq!((weighted(&model), weighted(&fork)), (vec![15.0, 26.0], vec![17.0, 28.0]));
    model.reset().unwrap();
    assert_eq!((weighted(&model), weighted(&fork)), (vec![11.0, 22.0], vec![17.0, 28.0]));

    let tables = load("tables");
    let find = |model: &SavedModel| {
        let keys = Tensor::from_strings([2], ["kept", "new"]).unwrap();
        let found = model.signature("serving_default").unwrap().call([("keys", keys)]).unwrap();
        found["mutable"].as_slice::<i64>().unwrap().to_vec()
    };
    let insert = |model: &SavedModel, value: i64| {
        let insert = model.root().unwrap().function("insert").unwrap();
        insert.call([Value::List(vec!["new".into()]), Value::List(vec![value.into()])], []).unwrap();
    };
    insert(&tables, 9);
    let fork = tables.fork().unwrap();
    assert_eq!((find(&tables), find(&fork)), (vec![5, 9], vec![5, 9]));
    insert(&fork, 10);
    assert_eq!((find(&tables), find(&fork)), (vec![5, 9], vec![5, 10]));
    insert(&tables, 11);
    assert_eq!((find(&tables), find(&fork)), (vec![5, 11], vec![5, 10]));

    // Streams go on from where they are, each for itself.
    let random = load("random");
    let draw = |model: &SavedModel| {
        model.signature("inner").unwrap().call::<&str>([]).unwrap()["output_0"]
            .as_slice::<f32>()
            .unwrap()
            .to_vec()
    };
    let first = draw(&random);
    let fork = random.fork().unwrap();
    let second = draw(&random);
    assert_eq!(draw(&fork), second);
    assert_ne!(first, second);
}

#[test]
fn tables_without_names_are_their_objects() {
    let model = load("anonymous");
    let words = || Tensor::from_strings([4], ["a", "kept", "new", "row"]).unwrap();
    let find = |model: &SavedModel| {
        let found = model.signature("serving_default").unwrap().call([("keys", words())]).unwrap();
        let grows = found["grows"].as_slice::<i64>().unwrap().to_vec();
        assert_eq!(found["fixed"].as_slice::<i64>().unwrap(), [1, -1, -1, -1]);
        let found = model.root().unwrap().function("find").unwrap().call([words()], []).unwrap();
        assert_eq!(found.get("grows").unwrap().tensor().unwrap().as_slice::<i64>().unwrap(), grows);
        grows
    };
    assert_eq!(find(&model), [-7, 4, -7, -7]);

    // These are in no signature.
    let root = model.root().unwrap();
    let rows = root.function("rows").unwrap().call([words()], []).unwrap();
    let rows: Vec<&Tensor> = rows.items().unwrap().iter().map(|value| value.tensor().unwrap()).collect();
    assert_eq!(rows[0].as_slice::<f32>().unwrap(), [0.0, 0.5, 0.0, 0.5, 0.0, 0.5, 1.0, 2.0]);
    assert_eq!(rows[1].as_slice::<i64>().unwrap(), [10, -1, -1, -1]);
    let keys = Tensor::from_slice([2], &[5_i64, 7]).unwrap();
    let found = root.function("buckets").unwrap().call([keys], []).unwrap();
    assert_eq!(found.tensor().unwrap().as_slice::<i64>().unwrap(), [50, -7]);

    let fork = model.fork().unwrap();
    let word = |text: &'static str| Tensor::from_strings([1], [text]).unwrap();
    let by_signature = model.signature("insert").unwrap().call([("keys", word("new"))]).unwrap();
    assert_eq!(by_signature["size"].as_slice::<i64>().unwrap(), [2]);
    let by_object = root.function("insert").unwrap().call([word("row")], []).unwrap();
    assert_eq!(by_object.get("size").unwrap().tensor().unwrap().as_slice::<i64>().unwrap(), [3]);
    assert_eq!((find(&model), find(&fork)), (vec![-7, 4, 3, 3], vec![-7, 4, -7, -7]));
    let op = model.graph().nodes().find(|&node| model.graph().node(node).op.contains("HashTable")).unwrap();
    assert!(model.graph().node(op).op.starts_with("Anonymous"));
}

#[test]
fn a_failed_restore_changes_nothing() {
    let model = load("session");
    let product = model.prune(&["x:0"], &["product:0"]).unwrap();
    let one = [Tensor::from_slice([1], &[1.0_f32]).unwrap()];
    let factor = &model.variables().unwrap()[1];
    factor.assign(Tensor::scalar(8.0_f32)).unwrap();
    for wrong in [directory("none"), directory("saver/new")] {
        let error = model.restore(&wrong).unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{error}");
    }
    assert_eq!(product.call(&one).unwrap()[0].as_slice::<f32>().unwrap(), [8.0]);
    model.restore(directory("session/variables/variables")).unwrap();
    assert_eq!(product.call(&one).unwrap()[0].as_slice::<f32>().unwrap(), [3.0]);
}

/// A copy of a model with the checkpoint of another.
fn with_checkpoint_of(name: &str, other: &str, to: &Path) {
    std::fs::create_dir_all(to.join("variables")).unwrap();
    for file in ["variables.index", "variables.data-00000-of-00001"] {
        let from = directory(other).join("variables").join(file);
        std::fs::copy(from, to.join("variables").join(file)).unwrap();
    }
    let aside = to.join("aside.pb");
    std::fs::copy(directory(name).join("saved_model.pb"), &aside).unwrap();
    std::fs::rename(aside, to.join("saved_model.pb")).unwrap();
}

#[test]
fn checkpoints_may_be_left_out() {
    let skipped = LoadOptions { skip_checkpoint: true, ..LoadOptions::default() };
    let model = SavedModel::load_with(directory("checkpoint_tutorial"), &skipped).unwrap();
    let root = model.root().unwrap();
    let v = root.variable("v").unwrap();
    assert!(!v.is_initialized());
    assert_eq!(root.function("f").unwrap().call([2.0], []).unwrap_err().code(), Code::FailedPrecondition);
    v.assign(Tensor::scalar(5.0_f32)).unwrap();
    assert_eq!(floats(&root.function("f").unwrap().call([2.0], []).unwrap()), [10.0]);

    let scratch = std::env::temp_dir().join(format!("savedmodel-partial-{}", std::process::id()));
    let partial = LoadOptions { allow_partial_checkpoint: true, ..LoadOptions::default() };
    let (whole, partially) = (|| SavedModel::load(&scratch), || SavedModel::load_with(&scratch, &partial));
    // Both have a variable `v`, of other shapes.
    with_checkpoint_of("objects", "random", &scratch);
    assert_eq!(partially().unwrap_err().code(), Code::InvalidArgument);
    with_checkpoint_of("objects", "arguments", &scratch);
    let error = whole().unwrap_err();
    assert!(error.code() == Code::NotFound && error.to_string().contains("count"), "{error}");
    let model = partially().unwrap();
    let root = model.root().unwrap();
    assert!(root.variable("v").unwrap().is_initialized());
    assert!(!root.variable("count").unwrap().is_initialized());
    // More than what is needed may be there.
    with_checkpoint_of("arguments", "objects", &scratch);
    assert!(whole().unwrap().root().unwrap().variable("v").unwrap().is_initialized());
    with_checkpoint_of("objects", "keras2", &scratch);
    let error = partially().unwrap_err();
    assert!(error.message().contains("holds none of the variables"), "{error}");
    std::fs::remove_dir_all(&scratch).unwrap();
}

#[test]
fn incomplete_directories_can_be_waited_for() {
    let scratch = std::env::temp_dir().join(format!("savedmodel-wait-{}", std::process::id()));
    std::fs::create_dir_all(scratch.join("variables")).unwrap();
    assert_eq!(SavedModel::load(&scratch).unwrap_err().code(), Code::NotFound);
    let late = wait_until_complete(&scratch, Duration::from_millis(5)).unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    let copy = scratch.clone();
    let writer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        with_checkpoint_of("checkpoint_tutorial", "checkpoint_tutorial", &copy);
    });
    wait_until_complete(&scratch, Duration::from_secs(30)).unwrap();
    writer.join().unwrap();
    SavedModel::load(&scratch).unwrap();
    std::fs::remove_dir_all(&scratch).unwrap();
}
