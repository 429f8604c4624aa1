//! Datasets that call no functions, gone through.

use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};
use savedmodel_op::{Limits, Op, ResourceManager, Run};
use savedmodel_tensor::{DType, PartialShape, Result, Tensor};

use crate::{Dataset, OPS};

fn op(name: &str) -> OpTest<'static> {
    let found: Option<&'static Op> = OPS.iter().flat_map(|ops| ops.iter()).find(|op| op.name == name);
    OpTest::new(found.unwrap_or_else(|| panic!("there is no {name}")))
}

fn make(name: &str, attrs: &[(&str, TestAttr)], inputs: Vec<Tensor>) -> Result<Tensor> {
    let shapes = TestAttr::from(vec![PartialShape::unknown()]);
    let types = TestAttr::from(vec![DType::Int64]);
    let mut test = op(name).attr("output_shapes", shapes);
    if !name.starts_with("Tensor") && !name.starts_with("Padded") {
        test = test.attr("output_types", types);
    }
    for (name, value) in attrs {
        test = test.attr(name, value.clone());
    }
    let mut outputs = inputs.into_iter().fold(test, OpTest::input).run()?;
    Ok(outputs.remove(0))
}

fn range(n: i64) -> Tensor {
    make("RangeDataset", &[], [0, n, 1].map(Tensor::scalar).into()).unwrap()
}

/// Goes through the dataset that was made; rows are separated by `|`.
fn rows(made: Result<Tensor>) -> String {
    let (resources, limits) = (ResourceManager::new(), Limits::default());
    let run = Run { resources: &resources, limits: &limits };
    let all = || -> Result<Vec<String>> {
        let mut elements = Dataset::of(&made?)?.start(&run)?;
        let mut all = Vec::new();
        while let Some(row) = elements.next(&run)? {
            all.push(show(&Ok(row)));
        }
        assert!(elements.next(&run)?.is_none(), "there is more after the end");
        Ok(all)
    };
    all().map_or_else(|error| error.to_string(), |all| all.join(" | "))
}

fn check(made: Result<Tensor>, want: &str) {
    let got = rows(made);
    assert!(want.strip_suffix('…').map_or(got == want, |start| got.contains(start)), "{got}");
}

#[test]
fn sources() {
    let slices =
        |inputs: &[&str]| make("TensorSliceDataset", &[], inputs.iter().map(|t| parse_tensor(t)).collect());
    check(slices(&["int32[2,2] 1 2 3 4"]), "int32[2] 1 2 | int32[2] 3 4");
    check(slices(&["int32[0,2]"]), "");
    check(slices(&["int32[] 1"]), "All components must be at least 1-dimensional…");
    check(Ok(range(3)), "int64[] 0 | int64[] 1 | int64[] 2");
    check(make("RangeDataset", &[], [5_i64, 0, -3].map(Tensor::scalar).into()), "int64[] 5 | int64[] 2");
    check(
        make("RangeDataset", &[], [5_i64, 0, 0].map(Tensor::scalar).into()),
        "step must be a non-zero integer…",
    );
}

#[test]
fn orders() {
    let of = |name: &str, n, count: i64| make(name, &[], vec![range(n), Tensor::scalar(count)]);
    check(of("TakeDataset", 5, 2), "int64[] 0 | int64[] 1");
    check(of("TakeDataset", 1, -1), "int64[] 0");
    check(of("SkipDataset", 3, 2), "int64[] 2");
    check(of("SkipDataset", 3, -1), "");
    check(of("RepeatDataset", 1, 3), "int64[] 0 | int64[] 0 | int64[] 0");
    check(of("RepeatDataset", 0, -1), "");
    check(make("ConcatenateDataset", &[], vec![range(1), range(2)]), "int64[] 0 | int64[] 0 | int64[] 1");
    check(make("ZipDataset", &[], vec![range(1), range(2)]), "int64[] 0; int64[] 0");
    let shard =
        |n: i64, i: i64| make("ShardDataset", &[], vec![range(5), Tensor::scalar(n), Tensor::scalar(i)]);
    check(shard(2, 1), "int64[] 1 | int64[] 3");
    check(shard(2, 2), "Index must be between 0 and 1…");
}

#[test]
fn batches() {
    let batch = |n, size: i64, drop| {
        make("BatchDatasetV2", &[], vec![range(n), Tensor::scalar(size), Tensor::scalar(drop)])
    };
    check(batch(3, 2, false), "int64[2] 0 1 | int64[1] 2");
    check(batch(3, 2, true), "int64[2] 0 1");
    check(batch(3, 0, true), "Batch size must be greater than zero…");
    check(
        make("UnbatchDataset", &[], vec![batch(3, 2, false).unwrap()]),
        "int64[] 0 | int64[] 1 | int64[] 2",
    );
    check(make("UnbatchDataset", &[], vec![range(1)]), "Cannot unbatch…");
    let padded = |shape: &str| {
        let inputs = vec![
            batch(3, 2, false).unwrap(),
            Tensor::scalar(2_i64),
            parse_tensor(shape),
            Tensor::scalar(-1_i64),
        ];
        make(
            "PaddedBatchDataset",
            &[("N", 1_i64.into()), ("Toutput_types", vec![DType::Int64].into())],
            inputs,
        )
    };
    check(padded("int64[1] -1"), "int64[2,2] 0 1 2 -1");
    check(padded("int64[1] 3"), "int64[2,3] 0 1 -1 2 -1 -1");
    check(padded("int64[1] 1"), "Attempted to pad to a smaller size…");
    check(padded("int64[2] -1 -1"), "All elements in a batch must have the same rank…");
}

#[test]
fn windows() {
    let window = |[size, shift, stride]: [i64; 3], drop: bool| {
        let settings = [size, shift, stride].map(Tensor::scalar);
        let inputs = [range(5)].into_iter().chain(settings).chain([Tensor::scalar(drop)]).collect();
        make("WindowDataset", &[], inputs)
    };
    let check_all = |made: Result<Tensor>, want: &[&str]| {
        let (resources, limits) = (ResourceManager::new(), Limits::default());
        let run = Run { resources: &resources, limits: &limits };
        let mut elements = Dataset::of(&made.unwrap()).unwrap().start(&run).unwrap();
        let mut all = Vec::new();
        while let Some(row) = elements.next(&run).unwrap() {
            all.push(rows(Ok(row[0].clone())).replace("int64[] ", ""));
        }
        assert!(elements.next(&run).unwrap().is_none());
        assert_eq!(all, want);
    };
    check_all(window([2, 2, 1], false), &["0 | 1", "2 | 3", "4"]);
    check_all(window([2, 1, 2], false), &["0 | 2", "1 | 3", "2 | 4", "3", "4"]);
    check_all(window([2, 1, 2], true), &["0 | 2", "1 | 3", "2 | 4"]);
    check_all(window([1, 3, 1], false), &["0", "3"]);
    check_all(window([9, 9, 1], true), &[]);
    for (settings, name) in [([0, 1, 1], "size"), ([1, -1, 1], "shift"), ([1, 1, 0], "stride")] {
        check(window(settings, false), &format!("Window {name} must be greater than zero…"));
    }
}

#[test]
fn unique_rows() {
    let unique = |slices: &str| {
        make("UniqueDataset", &[], vec![make("TensorSliceDataset", &[], vec![parse_tensor(slices)]).unwrap()])
    };
    check(unique("int64[4] 3 1 3 1"), "int64[] 3 | int64[] 1");
    check(unique("int32[3,2] 1 2 1 2 2 1"), "int32[2] 1 2 | int32[2] 2 1");
    check(unique("string[3] a b a"), "string[] 'a' | string[] 'b'");
    check(unique("float[1] 1"), "UniqueDataset only supports inputs with a single `tf.int32`…");
    let two = make("ZipDataset", &[("N", 2_i64.into())], vec![range(1), range(1)]);
    check(
        make("UniqueDataset", &[], vec![two.unwrap()]),
        "UniqueDataset only supports inputs with a single component…",
    );
}

#[test]
fn chosen_rows() {
    let directed = |selector: &str, stops: bool| {
        let selector = make("TensorSliceDataset", &[], vec![parse_tensor(selector)]).unwrap();
        let attrs = [("N", 2_i64.into()), ("stop_on_empty_dataset", stops.into())];
        make("DirectedInterleaveDataset", &attrs, vec![selector, range(1), range(3)])
    };
    check(directed("int64[4] 1 0 0 1", false), "int64[] 0 | int64[] 0 | int64[] 1");
    check(directed("int64[4] 1 0 0 1", true), "int64[] 0 | int64[] 0");
    check(directed("int64[1] 2", false), "Selector index out of range: 2 >= 2…");
    let fastest = [("N", 2_i64.into()), ("num_experiments", 1_i64.into())];
    check(make("ChooseFastestDataset", &fastest, vec![range(2), range(2)]), "int64[] 0 | int64[] 1");
}

#[test]
fn other_batches() {
    let rebatch = |sizes: &str, drops: bool| {
        let batched =
            make("BatchDatasetV2", &[], vec![range(5), Tensor::scalar(3_i64), Tensor::scalar(false)]);
        make("RebatchDatasetV2", &[], vec![batched.unwrap(), parse_tensor(sizes), Tensor::scalar(drops)])
    };
    check(rebatch("int64[] 2", false), "int64[2] 0 1 | int64[2] 2 3 | int64[1] 4");
    check(rebatch("int64[] 2", true), "int64[2] 0 1 | int64[2] 2 3");
    check(rebatch("int64[2] 4 0", false), "int64[4] 0 1 2 3 | int64[0] | int64[1] 4");
    check(rebatch("int64[] -2", false), "`batch_sizes` must be numbers…");
    check(
        make("RebatchDatasetV2", &[], vec![range(2), Tensor::scalar(2_i64), Tensor::scalar(true)]),
        "Input element must have the same, known batch size…",
    );
    let sparse = |shape: &str| {
        let rows = make("BatchDatasetV2", &[], vec![range(3), Tensor::scalar(2_i64), Tensor::scalar(false)]);
        make(
            "DenseToSparseBatchDataset",
            &[],
            vec![rows.unwrap(), Tensor::scalar(2_i64), parse_tensor(shape)],
        )
    };
    check(sparse("int64[1] 1"), "Input element had shape ([2]) that is larger…");
    check(sparse("int64[2] 1 1"), "Input element had shape ([2]) that is incompatible…");
    check(sparse("int64[1] -2"), "Dimension -2 must be >= -1…");
}

#[test]
fn sparse_rows() {
    let slices = |indices: &str| {
        let parts = [indices, "float[3] 1 2 3", "int64[2] 3 4"].map(parse_tensor);
        make("SparseTensorSliceDataset", &[], parts.into())
    };
    check(
        slices("int64[3,2] 0 1 0 3 2 0"),
        "int64[2,1] 1 3; float[2] 1 2; int64[1] 4 | int64[0,1]; float[0]; int64[1] 4 | int64[1,1] 0; float[1] 3; int64[1] 4",
    );
    check(slices("int64[3,2] 1 1 0 3 2 0"), "The SparseTensor must be ordered in the batch dimension…");
    check(slices("int64[3,2] 0 1 0 3 3 0"), "index 3 lies outside of 3 rows…");
}

#[test]
fn counts() {
    let count = |made: Result<Tensor>| op("DatasetCardinality").input(made.unwrap()).run().unwrap().remove(0);
    let is = |made, want: i64| assert_eq!(count(made).to_scalar::<i64>().unwrap(), want);
    let of = |name: &str, n, count: i64| make(name, &[], vec![range(n), Tensor::scalar(count)]);
    is(Ok(range(3)), 3);
    is(make("RangeDataset", &[], [5_i64, 0, -3].map(Tensor::scalar).into()), 2);
    is(make("RangeDataset", &[], [i64::MIN, i64::MAX, 1].map(Tensor::scalar).into()), i64::MAX);
    is(of("RepeatDataset", 3, -1), -1);
    is(of("RepeatDataset", i64::MAX, i64::MAX), i64::MAX);
    is(of("SkipDataset", 3, 9), 0);
    is(of("TakeDataset", 3, 2), 2);
    is(make("UniqueDataset", &[], vec![range(2)]), -2);
}

#[test]
fn what_is_no_dataset_is_refused() {
    check(
        make("TakeDataset", &[], vec![crate::optional::optional(None).unwrap(), Tensor::scalar(1_i64)]),
        "Tensor must be a Dataset object…",
    );
}

#[test]
fn seeds_tell_the_order() {
    let shuffled = |seed: i64| {
        let inputs = vec![range(6), Tensor::scalar(3_i64), Tensor::scalar(seed), Tensor::scalar(2_i64)];
        rows(make("ShuffleDataset", &[], inputs))
    };
    assert_eq!(shuffled(1), shuffled(1));
    assert_ne!(shuffled(1), shuffled(9));
}
