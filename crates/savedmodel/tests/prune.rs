//! Parts of graphs and functions, against what TensorFlow answers (conformance/scripts/make_objects.py).

use std::path::PathBuf;

use savedmodel::{Code, LoadOptions, Result, SavedModel, Tensor, Value};

fn case(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases").join(name)
}

fn load(name: &str) -> SavedModel {
    SavedModel::load(case(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn vector(values: &[f32]) -> Tensor {
    Tensor::from_slice([values.len()], values).unwrap()
}

fn floats(tensors: &[Tensor]) -> Vec<Vec<f32>> {
    tensors.iter().map(|tensor| tensor.as_slice::<f32>().unwrap().to_vec()).collect()
}

#[test]
fn feeds_and_fetches() {
    let model = load("objects/session");
    let check = |feeds: &[&str], fetches: &[&str], args: &[Tensor], expected: Result<&[&[f32]], &str>| {
        let got = model.prune(feeds, fetches).and_then(|f| f.call(args));
        match (got, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(floats(&got), expected, "{feeds:?} {fetches:?}"),
            (Err(error), Err(part)) => {
                assert!(error.message().contains(part), "{feeds:?} {fetches:?}: {error}, without '{part}'");
                assert!(matches!(error.code(), Code::InvalidArgument | Code::NotFound), "{error}");
            }
            (got, expected) => panic!("{feeds:?} {fetches:?}: {got:?}, not {expected:?}"),
        }
    };
    let (x, z) = (vector(&[1.0]), Tensor::scalar(2.0_f32));
    let both = [x.clone(), z.clone()];
    check(&["x:0", "z:0"], &["output:0"], &both, Ok(&[&[5.0]]));
    check(&["x"], &["output"], &both[..1], Err("output (AddV2) <- z (Placeholder)"));
    check(&["x"], &["shifted"], &both[..1], Ok(&[&[10.0]]));
    check(&["product:0", "z:0"], &["output:0"], &both, Ok(&[&[3.0]]));
    check(&["x:0"], &["x:0", "product:0"], &both[..1], Ok(&[&[1.0], &[3.0]]));
    check(&["x:0", "z:0"], &["product:0"], &both, Ok(&[&[3.0]]));
    check(&["x:0", "x:0"], &["product:0"], &both, Err("feed 'x:0' is given more than once"));
    check(&["none:0"], &["output:0"], &both, Err("The operation, 'none', does not exist in the graph."));
    check(&["x:1"], &["output:0"], &both, Err("The operation, 'x', exists but only has 1 outputs."));
    check(&["x:0"], &["none"], &both[..1], Err("The name 'none' refers to an Operation not in the graph."));
    check(&["x:0"], &["output:a"], &both[..1], Err("'output:a' is no tensor name"));
    check(&["x:0"], &["product:0"], &[Tensor::scalar(1_i32)], Err("feed x:0 must be float[?], got int32[]"));
    check(&[], &["reference:0"], &[], Ok(&[&[1.0, 2.0]]));
    check(&[], &["whole:0"], &[], Ok(&[&[1.0, 1.0, 1.0, 1.0]]));
}

#[test]
fn operations_and_nests() {
    let model = load("objects/session");
    let names = |names: [&str; 2]| Value::Tuple(names.map(Value::from).to_vec());
    let fetches = Value::Dict(
        [("nest".to_owned(), names(["shifted:0", "product:0"])), ("run".to_owned(), "increment".into())]
            .into(),
    );
    let function = model.prune_nest(&["x:0", "default:0"], fetches).unwrap();
    let got = function.call(&[vector(&[1.0]), Tensor::scalar(0.5_f32)]).unwrap();
    let nest = got.get("nest").unwrap().items().unwrap();
    assert_eq!(nest[0].tensor().unwrap().as_slice::<f32>().unwrap(), [3.5]);
    assert_eq!(nest[1].tensor().unwrap().as_slice::<f32>().unwrap(), [3.0]);
    assert!(matches!(got.get("run").unwrap(), Value::None));
    assert!(model.prune_nest(&[], Value::Int(1)).is_err());
    // What one function changes, another sees.
    let counted = |model: &SavedModel| {
        let got = model.runner().fetch("counted").run().unwrap();
        got[0].to_scalar::<i32>().unwrap()
    };
    assert_eq!(counted(&model), 2);
    model.runner().target("increment").run().unwrap();
    model.run(&[], &["^increment"], &[]).unwrap();
    assert_eq!(counted(&model), 4);
    let unfed = model.runner().feed("x", vector(&[1.0])).fetch("output").run().unwrap_err();
    assert!(unfed.message().contains("You must feed a value for placeholder tensor 'z'"), "{unfed}");
}

#[test]
fn signatures_of_sparse_tensors() {
    let model = load("objects/session");
    let signature = model.signature("serving_default").unwrap();
    assert_eq!(signature.signature().method_name, "custom/method");
    let longs = |shape: &[usize], values: &[i64]| Tensor::from_slice(shape.to_vec(), values).unwrap();
    let parts = || (longs(&[1, 2], &[0, 1]), vector(&[2.0]), longs(&[2], &[1, 3]));
    let (indices, values, dense_shape) = parts();
    let sparse = Value::Sparse { indices, values, dense_shape };
    let dense = |outputs: &Value| outputs.tensor().unwrap().as_slice::<f32>().unwrap().to_vec();
    let whole = [("x", vec![Value::from(1)].into()), ("z", 2.0.into()), ("sparse", sparse)];
    let got = signature.call_values(whole).unwrap();
    assert_eq!((dense(&got["output"]), dense(&got["sums"])), (vec![5.0], vec![2.0]));
    let Value::Sparse { values, .. } = &got["doubled"] else { panic!("{}", got["doubled"]) };
    assert_eq!(values.as_slice::<f32>().unwrap(), [4.0]);
    let (indices, values, dense_shape) = parts();
    let python =
        [("sparse_indices", indices), ("sparse_values", values), ("sparse_dense_shape", dense_shape)];
    let got =
        signature.call(python.into_iter().chain([("x", vector(&[1.0])), ("z", Tensor::scalar(2.0_f32))]));
    assert_eq!(got.unwrap()["sums"].as_slice::<f32>().unwrap(), [2.0]);
}

#[test]
fn inside_of_functions() {
    let model = load("objects/objects");
    let check = |feeds: &[&str], fetches: &[&str], args: &[Tensor], expected: &[f32]| {
        let got = model.prune(feeds, fetches).unwrap().call(args).unwrap();
        assert_eq!(floats(&got), [expected], "{feeds:?} {fetches:?}");
    };
    let x = [vector(&[1.0, 2.0])];
    let inner = |name: &str| format!("StatefulPartitionedCall/StatefulPartitionedCall/{name}:0");
    check(&["serving_default_x:0"], &[&inner("mul")], &x, &[3.0, 6.0]);
    check(&[&inner("x")], &[&inner("Sum")], &x, &[3.0]);
    check(&[&inner("Sum")], &["StatefulPartitionedCall:0"], &[Tensor::scalar(10.0_f32)], &[20.0, 40.0]);
    let unfed = model.prune(&[], &[&inner("mul")]).err().unwrap();
    assert!(unfed.message().contains("(Mul) <- "), "{unfed}");
    let names = model.expanded_graph().unwrap();
    assert!(names.find(inner("mul").trim_end_matches(":0")).is_some());
    let error = model.prune(&[], &["StatefulPartitionedCall/nothing:0"]).err().unwrap();
    assert_eq!(error.code(), Code::NotFound);

    let keras = load("models/keras3_mlp/model");
    let relu = "StatefulPartitionedCall_1/StatefulPartitionedCall/sequential_1/dense_1/Relu:0";
    let hidden = keras.prune(&["serving_default_features:0"], &[relu]).unwrap();
    let hidden = hidden.call(&[Tensor::from_vec([1, 7], vec![0.5_f32; 7]).unwrap()]).unwrap();
    assert!(hidden[0].as_slice::<f32>().unwrap().iter().all(|&v| v >= 0.0));
}

#[test]
fn inside_of_restored_functions() {
    let model = load("objects/objects");
    let root = model.root().unwrap();
    let weighted = root.function("weighted").unwrap();
    let scaled = weighted.prune(0, &["Sum:0"], &["mul:0"]).unwrap();
    let ten = [Tensor::scalar(10.0_f32)];
    assert_eq!(floats(&scaled.call(&ten).unwrap()), [[10.0, 20.0]]);
    root.variable("v").unwrap().assign(vector(&[5.0, 7.0])).unwrap();
    assert_eq!(floats(&scaled.call(&ten).unwrap()), [[50.0, 70.0]]);
    let unfed = weighted.prune(0, &[], &["Sum:0"]).err().unwrap();
    assert!(unfed.message().contains("Sum (Sum) <- x (_Arg)"), "{unfed}");
    assert_eq!(weighted.prune(1, &[], &[]).err().unwrap().code(), Code::OutOfRange);
    // What the fetches do not need does not run.
    let count = || root.variable("count").unwrap().value().unwrap().to_scalar::<i32>().unwrap();
    let step = root.function("step").unwrap();
    step.prune(0, &[], &["Const:0"]).unwrap().call(&[]).unwrap();
    assert_eq!(count(), 0);
    step.prune(0, &[], &["^AssignAddVariableOp"]).unwrap().call(&[]).unwrap();
    assert_eq!(count(), 1);
    let signature = root.function("signatures.serving_default").unwrap();
    assert!(signature.graph(0).unwrap().find("StatefulPartitionedCall/mul").is_some());
}

#[test]
fn inside_of_branches_and_loops() {
    const PLACE: &str = "StatefulPartitionedCall/StatefulPartitionedCall";
    for optimize in [false, true] {
        let options = LoadOptions { optimize, ..LoadOptions::default() };
        let model = SavedModel::load_with(case("objects/branches"), &options).unwrap();
        let inputs = ["serving_default_x", "serving_default_b", "serving_default_k"];
        let count =
            || model.root().unwrap().variable("n").unwrap().value().unwrap().to_scalar::<i32>().unwrap();
        let get = |(x, b, k): (f32, bool, i32), node: &str| {
            let arguments = [Tensor::scalar(x), Tensor::scalar(b), Tensor::scalar(k)];
            let name = format!("{PLACE}/{node}:0");
            let got = model.prune(&inputs, &[&name])?.call(&arguments)?;
            got[0].to_scalar::<f32>()
        };
        let product = "choice/then_branch/choice/StatefulPartitionedCall/product";
        let deep = "choice/else_branch/choice/nested/then_branch/choice/nested/deep";
        let [a, c] = ["branch0/case/indexed_case/a", "branch2/case/indexed_case/c"]
            .map(|n| format!("case/indexed_case/{n}"));
        let (one, two, three) = ((3.0, true, 1), (6.0, false, 0), (1.0, false, 3));
        for (arguments, node, expected) in [
            (one, product, Some(6.0)),
            (one, deep, None),
            (two, product, None),
            (two, deep, Some(42.0)),
            (two, &a, Some(52.0)),
            (three, deep, None),
            (three, &c, Some(-1.0)),
            (one, "choice", Some(7.0)),
        ] {
            let before = count();
            match (get(arguments, node), expected) {
                (Ok(got), Some(expected)) => assert_eq!(got, expected, "{arguments:?} {node}"),
                (Err(error), None) => {
                    assert_eq!(error.code(), Code::InvalidArgument);
                    assert!(error.to_string().contains("on a branch that was not taken"), "{error}");
                    assert!(error.to_string().contains(node), "{error}");
                }
                (got, expected) => panic!("{arguments:?} {node}: {got:?}, not {expected:?}"),
            }
            // Only what the fetch needs has run, which the counter is not for what lies in the first branch.
            let counts = node == "choice" || node.starts_with("case");
            assert_eq!(count() != before, counts, "{node}");
        }
        // What is in a branch can be fed, too.
        let fed = format!("{PLACE}/{product}:0");
        let arguments =
            [Tensor::scalar(1.0_f32), Tensor::scalar(true), Tensor::scalar(0_i32), Tensor::scalar(100.0_f32)];
        let feeds = [inputs[0], inputs[1], inputs[2], &fed];
        let y = model.prune(&feeds, &["StatefulPartitionedCall:1"]).unwrap().call(&arguments).unwrap();
        assert_eq!(y[0].to_scalar::<f32>().unwrap(), 101.0);
    }
    let model = load("objects/branches");
    let f = model.root().unwrap().function("f").unwrap();
    let product = "choice/then_branch/choice/StatefulPartitionedCall/product";
    assert!(f.graph(0).unwrap().find(product).is_some());
    let product = f.prune(0, &["x", "b"], &[product]).unwrap();
    let got = product.call(&[Tensor::scalar(4.0_f32), Tensor::scalar(true)]).unwrap();
    assert_eq!(got[0].to_scalar::<f32>().unwrap(), 8.0);

    let inside = format!("{PLACE}/loop/body/loop/sum:0");
    let error = model.prune(&[], &[&inside]).err().unwrap();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("is not fetchable"), "{error}");
    let name = error.message().split('\'').nth(3).unwrap();
    let sum = model.prune_function(name, &["loop/StatefulPartitionedCall/product", "t"], &["loop/sum"]);
    let error = sum.err().unwrap();
    assert!(error.message().contains("'t'"), "{error}");
    let names = model.function_names();
    assert!(names.iter().any(|function| function == name), "{names:?}");
    let none = format!("{PLACE}/loop/body/loop/nothing:0");
    assert_eq!(model.prune(&[], &[&none]).err().unwrap().code(), Code::NotFound);
    assert_eq!(model.prune_function("nothing", &[], &[]).err().unwrap().code(), Code::NotFound);
}

#[test]
fn inside_of_loops_of_tensorflow_1() {
    let model = load("models/v1_while/model");
    let graph = model.graph();
    let of = |op: &str| {
        let node = graph.nodes().find(|&node| &*graph.node(node).op == op);
        graph.node(node.unwrap_or_else(|| panic!("no {op}"))).name.to_string()
    };
    for inside in ["Merge", "Switch", "NextIteration", "Enter"].map(of) {
        let error = model.run(&[], &[&inside], &[]).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        let text = format!("'{inside}:0' has a value for each turn of loop '");
        assert!(error.message().contains(&text), "{error}, without {text}");
    }
}

#[test]
fn variables_of_graphs() {
    let model = load("objects/session");
    let variables = model.variables().unwrap();
    let shown: Vec<String> = variables
        .iter()
        .map(|v| format!("{} {}{} {}", v.name(), v.dtype(), v.shape(), v.trainable()))
        .collect();
    assert_eq!(
        shown,
        [
            "reference float[2] true",
            "factor float[] true",
            "count int32[] false",
            "split/v/part_0 float[2] true",
            "split/v/part_1 float[2] true"
        ]
    );
    let slice = variables[4].slice().unwrap();
    assert_eq!(
        (slice.full_name.as_str(), &slice.full_shape[..], &slice.offset[..]),
        ("split/v", &[4][..], &[2][..])
    );
    let product = model.prune(&["x:0"], &["product:0", "reference:0"]).unwrap();
    let one = [vector(&[1.0])];
    assert_eq!(floats(&product.call(&one).unwrap()), [vec![3.0], vec![1.0, 2.0]]);
    variables[1].assign(Tensor::scalar(4.0_f32)).unwrap();
    variables[0].assign_sub(vector(&[1.0, 1.0])).unwrap();
    assert_eq!(floats(&product.call(&one).unwrap()), [vec![4.0], vec![0.0, 1.0]]);
    let wrong = variables[0].assign_add(Tensor::scalar(1.0_f32)).unwrap_err();
    assert!(wrong.message().contains("Shape mismatch"), "{wrong}");
    let wrong = variables[0].assign_add(Tensor::from_slice([2], &[1_i32, 2]).unwrap()).unwrap_err();
    assert!(wrong.message().contains("variable 'reference' is float"), "{wrong}");
}
