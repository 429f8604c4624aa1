//! `ParseExampleDataset`, `ParseExampleDatasetV2` and `ExperimentalParseExampleDataset`.

use std::sync::Arc;

use savedmodel_kernels_parse::{Batch, Dense, Features, Names, Parsed, ragged_types};
use savedmodel_kernels_sparse::{RaggedTensorVariant, TensorVariant};
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor, Variant};

use crate::dataset::{DATASET, Dataset, Row, give, scalar};

/// Datasets of what the `tf.Example`s in the rows of another one hold, one component for each key, in the order of the keys.
///
/// Sparse features are vectors of three variants, ragged ones are one variant. What is parsed in parallel is given in order.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParseExampleDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParseExampleDatasetV2>
pub const OPS: &[Op] = &[
    Op {
        name: "ParseExampleDataset",
        attrs: &[
            "sparse_keys: list(string) >= 0",
            "dense_keys: list(string) >= 0",
            "sparse_types: list({float, int64, string}) >= 0",
            "Tdense: list({float, int64, string}) >= 0",
            "dense_shapes: list(shape) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "sloppy: bool = false",
            "ragged_keys: list(string) >= 0 = []",
            "ragged_value_types: list({float, int64, string}) >= 0 = []",
            "ragged_split_types: list({int32, int64}) >= 0 = []",
        ],
        ..PARSE
    },
    Op {
        name: "ParseExampleDatasetV2",
        attrs: &[
            "sparse_keys: list(string) >= 0",
            "dense_keys: list(string) >= 0",
            "sparse_types: list({float, int64, string}) >= 0",
            "Tdense: list({float, int64, string}) >= 0",
            "dense_shapes: list(shape) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "deterministic: string = 'default'",
            "ragged_keys: list(string) >= 0 = []",
            "ragged_value_types: list({float, int64, string}) >= 0 = []",
            "ragged_split_types: list({int32, int64}) >= 0 = []",
        ],
        ..PARSE
    },
    Op {
        name: "ExperimentalParseExampleDataset",
        attrs: &[
            "sparse_keys: list(string) >= 0",
            "dense_keys: list(string) >= 0",
            "sparse_types: list({float, int64, string}) >= 0",
            "Tdense: list({float, int64, string}) >= 0",
            "dense_shapes: list(shape) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "sloppy: bool = false",
        ],
        ..PARSE
    },
];

const PARSE: Op = Op {
    inputs: &["input_dataset: variant", "num_parallel_calls: int64", "dense_defaults: Tdense"],
    kernels: Kernels::one(build),
    ..DATASET
};

/// What is asked of examples, and which component each feature is.
struct Asked {
    features: Features,
    names: Names,
    /// The places of dense, sparse and ragged features, in this order, among the components.
    places: Vec<usize>,
    types: Vec<DType>,
    shapes: Vec<PartialShape>,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let has_ragged = !node.op.starts_with("Experimental");
    if node.op.ends_with("V2") {
        let order: String = node.attr("deterministic")?;
        if !["true", "false", "default"].contains(&&*order) {
            let text =
                format!("Deterministic policy must be \"true\", \"false\" or \"default\", but is {order:?}");
            return Err(Error::invalid_argument(text));
        }
    }
    let ragged = match has_ragged {
        true => ragged_types(node, "ragged_value_types", "ragged_split_types")?,
        false => Vec::new(),
    };
    let dense = Dense::all(&node.attr::<Vec<DType>>("Tdense")?, node.attr("dense_shapes")?)?;
    let features = Features { dense, sparse: node.attr("sparse_types")?, ragged };
    let counts = [features.dense.len(), features.sparse.len(), features.ragged.len()];
    let mut keys: Vec<Bytes> = Vec::new();
    for (attr, count) in ["dense_keys", "sparse_keys", "ragged_keys"].into_iter().zip(counts) {
        let own: Vec<Bytes> =
            if attr == "ragged_keys" && !has_ragged { Vec::new() } else { node.attr(attr)? };
        if own.len() != count {
            let text = format!("there are {} {attr} for {count} dtypes", own.len());
            return Err(Error::invalid_argument(text));
        }
        keys.extend(own);
    }
    let mut sorted: Vec<&Bytes> = keys.iter().collect();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let key = String::from_utf8_lossy(pair[0]);
        return Err(Error::invalid_argument(format!("Duplicate key not allowed: {key}")));
    }
    let places = keys.iter().map(|key| sorted.partition_point(|other| *other < key)).collect();
    let (types, shapes) = (node.attr("output_types")?, node.attr("output_shapes")?);
    let asked = Arc::new(Asked { features, names: Names::new(keys)?, places, types, shapes });
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, calls) = (Dataset::of(ctx.input(0))?, scalar::<i64>(ctx, 1, "num_parallel_calls")?);
        if calls <= 0 && calls != -1 {
            return Err(Error::invalid_argument("num_parallel_calls must be greater than zero."));
        }
        asked.features.check_defaults(ctx.inputs(2))?;
        let (asked, defaults) = (Arc::clone(&asked), ctx.inputs(2).cloned().collect::<Arc<[Tensor]>>());
        let count = input.count();
        let parsed = Dataset::new("ParseExampleDataset", move |run| {
            let (mut rows, asked, defaults) = (input.start(run)?, Arc::clone(&asked), Arc::clone(&defaults));
            Ok(Box::new(move |run: &Run<'_>| {
                rows.next(run)?.map(|row| asked.row(&row, &defaults, run)).transpose()
            }))
        });
        give(ctx, parsed.counted(count))
    }))
}

impl Asked {
    /// What the examples of a row hold.
    fn row(&self, row: &[Tensor], defaults: &[Tensor], run: &Run<'_>) -> Result<Row> {
        let mut examples = Vec::new();
        for tensor in row {
            examples.extend_from_slice(tensor.strings()?);
        }
        let (features, names, defaults) = (&self.features, &self.names, defaults.iter().collect());
        let Parsed { dense, sparse, ragged } =
            Batch { examples: &examples, labels: &[], features, names, defaults }.parse(run)?;
        let mut tensors = dense;
        for parts in sparse {
            let parts = parts.map(|tensor| Variant::new(TensorVariant(tensor)));
            tensors.push(Tensor::from_variants([3], parts.into())?);
        }
        for [values, splits] in ragged {
            let variant = Variant::new(RaggedTensorVariant { splits: vec![splits], values });
            tensors.push(Tensor::from_variants([], vec![variant])?);
        }
        let mut components: Vec<Option<Tensor>> = vec![None; tensors.len()];
        for (tensor, &place) in tensors.into_iter().zip(&self.places) {
            self.check(&tensor, place)?;
            components[place] = Some(tensor);
        }
        Ok(components.into_iter().flatten().collect())
    }

    fn check(&self, tensor: &Tensor, place: usize) -> Result<()> {
        let wrong = |what: &str, wanted: String, got: String| {
            Err(Error::invalid_argument(format!(
                "Got wrong {what} for FastParseExample return value (expected {wanted}, got {got})."
            )))
        };
        match (self.types.get(place), self.shapes.get(place)) {
            (Some(&dtype), Some(_)) if dtype != tensor.dtype() => {
                wrong("type", dtype.to_string(), tensor.dtype().to_string())
            }
            (Some(_), Some(shape)) if !shape.accepts(tensor.shape()) => {
                wrong("shape", shape.to_string(), tensor.shape().to_string())
            }
            (Some(_), Some(_)) => Ok(()),
            _ => wrong("number", self.types.len().to_string(), self.places.len().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, TestAttr};
    use savedmodel_op::{Limits, ResourceManager};
    use savedmodel_proto::Message;

    /// An example with an integer `i` and floats `f`.
    fn example(i: i64, f: &[f32]) -> Bytes {
        use savedmodel_proto::{Example, Feature, Features, FloatList, Int64List, feature::Kind};
        let integer = Feature { kind: Some(Kind::Int64List(Int64List { value: vec![i] })) };
        let floats = Feature { kind: Some(Kind::FloatList(FloatList { value: f.to_vec() })) };
        let feature = [("i".to_owned(), integer), ("f".to_owned(), floats)].into();
        Example { features: Some(Features { feature }) }.encode_to_vec().into()
    }

    fn answer(attrs: &[(&str, TestAttr)], calls: i64, examples: Vec<Bytes>) -> Result<Vec<Row>> {
        let input = crate::sources::of_row(vec![Tensor::from_strings([examples.len()], examples)?]);
        let keys = |key: &'static str| TestAttr::from(vec![key]);
        let mut test = OpTest::new(&OPS[1]).attr("dense_keys", keys("i")).attr("ragged_keys", keys("f"));
        test = test.attr("sparse_keys", keys("s")).attr("sparse_types", vec![DType::String]);
        test = test.attr("Tdense", vec![DType::Int64]).attr("dense_shapes", vec![PartialShape::from([])]);
        test = test
            .attr("ragged_value_types", vec![DType::Float])
            .attr("ragged_split_types", vec![DType::Int32]);
        test = test.attr("output_types", vec![DType::Variant, DType::Int64, DType::Variant]);
        test = test.attr("output_shapes", vec![PartialShape::unknown(); 3]);
        test = attrs.iter().fold(test, |test, (name, value)| test.attr(name, value.clone()));
        let made = test
            .input(input.into_tensor()?)
            .input(Tensor::scalar(calls))
            .input(Tensor::scalar(5_i64))
            .run()?;
        let (resources, limits) = (ResourceManager::new(), Limits::default());
        let run = Run { resources: &resources, limits: &limits };
        let mut rows = Dataset::of(&made[0])?.start(&run)?;
        std::iter::from_fn(|| rows.next(&run).transpose()).collect()
    }

    #[test]
    fn in_the_order_of_keys() {
        let rows = answer(&[], -1, vec![example(3, &[1.0, 2.0]), example(4, &[])]).unwrap();
        let [row] = &rows[..] else { panic!("there is one row") };
        let ragged = row[0].variants().unwrap()[0].get::<RaggedTensorVariant>().unwrap();
        assert_eq!(ragged.values.as_slice::<f32>().unwrap(), [1.0, 2.0]);
        assert_eq!(ragged.splits[0].as_slice::<i32>().unwrap(), [0, 2, 2]);
        assert_eq!(row[1].as_slice::<i64>().unwrap(), [3, 4]);
        assert_eq!(row[2].shape().dims(), [3]);
    }

    #[test]
    fn refusals() {
        let check = |attrs: &[(&str, TestAttr)], calls: i64, examples: Vec<Bytes>, want: &str| {
            let got = answer(attrs, calls, examples).unwrap_err().to_string();
            assert!(got.contains(want), "{got}\n{want}");
        };
        check(&[], 0, vec![], "num_parallel_calls must be greater than zero.");
        let same = ("sparse_keys", TestAttr::from(vec!["i"]));
        check(&[same], 1, vec![], "Duplicate key not allowed: i");
        check(&[("deterministic", "never".into())], 1, vec![], "Deterministic policy must be");
        check(
            &[("sparse_types", Vec::<DType>::new().into())],
            1,
            vec![],
            "there are 1 sparse_keys for 0 dtypes",
        );
        let types = ("output_types", TestAttr::from(vec![DType::Variant, DType::Float, DType::Variant]));
        check(
            &[types],
            1,
            vec![example(3, &[])],
            "Got wrong type for FastParseExample return value (expected float",
        );
        check(&[], 1, vec![Bytes::from("\n\u{5}zz")], "Could not parse example input");
    }
}
