//! Examples for tests, and answers of TensorFlow as text.

use savedmodel_op::testing::{OpTest, show};
use savedmodel_proto::feature::Kind;
use savedmodel_proto::{
    BytesList, Example, Feature, FeatureList, FeatureLists, Features, FloatList, Int64List, Message,
    SequenceExample,
};
use savedmodel_tensor::{Bytes, DType, Shape, Tensor};

pub fn floats(value: &[f32]) -> Feature {
    Feature { kind: Some(Kind::FloatList(FloatList { value: value.to_vec() })) }
}

pub fn integers(value: &[i64]) -> Feature {
    Feature { kind: Some(Kind::Int64List(Int64List { value: value.to_vec() })) }
}

pub fn texts(value: &[&'static str]) -> Feature {
    let value = value.iter().map(|text| Bytes::from_static(text.as_bytes())).collect();
    Feature { kind: Some(Kind::BytesList(BytesList { value })) }
}

fn features(features: &[(&str, Feature)]) -> Option<Features> {
    let feature = features.iter().map(|(name, feature)| ((*name).to_owned(), feature.clone())).collect();
    Some(Features { feature })
}

pub fn example(named: &[(&str, Feature)]) -> Vec<u8> {
    Example { features: features(named) }.encode_to_vec()
}

pub fn sequence(context: &[(&str, Feature)], lists: &[(&str, &[Feature])]) -> Vec<u8> {
    let list = |(name, features): &(&str, &[Feature])| {
        ((*name).to_owned(), FeatureList { feature: features.to_vec() })
    };
    let feature_lists = Some(FeatureLists { feature_list: lists.iter().map(list).collect() });
    SequenceExample { context: features(context), feature_lists }.encode_to_vec()
}

pub fn string(value: impl Into<Bytes>) -> Tensor {
    Tensor::from_strings(Shape::scalar(), [value]).unwrap()
}

pub fn vector<const N: usize>(values: [&[u8]; N]) -> Tensor {
    Tensor::from_strings([N], values.map(Bytes::copy_from_slice)).unwrap()
}

pub fn none(dtype: DType) -> Tensor {
    Tensor::zeros(dtype, [0]).unwrap()
}

/// Runs the operator; what it gives must be this, or begin with it if it is an error.
#[track_caller]
pub fn check(test: OpTest<'_>, want: &str) {
    let result = test.run();
    let got = show(&result);
    assert!(got == want || result.is_err() && got.starts_with(want), "\ngot  {got}\nwant {want}");
}
