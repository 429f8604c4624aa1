//! `ParseExample` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use crate::batch::{Batch, Parsed};
use crate::features::{Dense, Features, Names, keys, ragged_types};
use crate::single;

/// Parses `tf.Example`s: dense features to tensors, the others to sparse or ragged ones.
///
/// A dense feature that is missing, or has no kind of list, takes its default value; an empty default demands the
/// feature. If the first dimension of a dense shape is unknown, rows are padded with the default to the longest. Of
/// features with the same name the last counts. The second version also takes one example as a scalar, with messages of
/// its own.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParseExampleV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "ParseExample",
        inputs: &[
            "serialized: string",
            "names: string",
            "sparse_keys: Nsparse * string",
            "dense_keys: Ndense * string",
            "dense_defaults: Tdense",
        ],
        outputs: &[
            "sparse_indices: Nsparse * int64",
            "sparse_values: sparse_types",
            "sparse_shapes: Nsparse * int64",
            "dense_values: Tdense",
        ],
        attrs: &[
            "Nsparse: int >= 0",
            "Ndense: int >= 0",
            "sparse_types: list({float, int64, string}) >= 0",
            "Tdense: list({float, int64, string}) >= 0",
            "dense_shapes: list(shape) >= 0",
        ],
        effect: Effect::Pure,
        shape: infer,
        kernels: Kernels::one(build),
    },
    Op {
        name: "ParseExampleV2",
        inputs: &[
            "serialized: string",
            "names: string",
            "sparse_keys: string",
            "dense_keys: string",
            "ragged_keys: string",
            "dense_defaults: Tdense",
        ],
        outputs: &[
            "sparse_indices: num_sparse * int64",
            "sparse_values: sparse_types",
            "sparse_shapes: num_sparse * int64",
            "dense_values: Tdense",
            "ragged_values: ragged_value_types",
            "ragged_row_splits: ragged_split_types",
        ],
        attrs: &[
            "Tdense: list({float, int64, string}) >= 0",
            "num_sparse: int >= 0",
            "sparse_types: list({float, int64, string}) >= 0",
            "ragged_value_types: list({float, int64, string}) >= 0",
            "ragged_split_types: list({int32, int64}) >= 0",
            "dense_shapes: list(shape) >= 0",
        ],
        effect: Effect::Pure,
        shape: infer,
        kernels: Kernels::one(build_v2),
    },
];

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let serialized = ctx.input(0);
    let vectors = if ctx.attr::<usize>("Nsparse").is_some() { 0..2 } else { 0..0 };
    if let Some(rank) = vectors.filter_map(|i| ctx.input(i).rank()).find(|&rank| rank != 1) {
        return Err(Error::invalid_argument(format!("Shape must be rank 1 but is rank {rank}")));
    }
    let sparse = ctx.attr::<Vec<DType>>("sparse_types").unwrap_or_default().len();
    let shapes: Vec<PartialShape> = ctx.attr("dense_shapes").unwrap_or_default();
    let Some(rank @ 0..=1) = serialized.rank() else { return Ok(vec![PartialShape::unknown(); ctx.outputs]) };
    let examples = (rank == 1).then(|| serialized.dim(0));
    let mut out = Vec::with_capacity(ctx.outputs);
    out.extend(vec![PartialShape::new([None, Some(rank + 1)]); sparse]);
    out.extend(vec![PartialShape::of_rank(1); sparse]);
    out.extend(vec![PartialShape::from([rank + 1]); sparse]);
    out.extend(shapes.iter().map(|shape| match shape.dims() {
        Some(dims) => PartialShape::new(examples.into_iter().chain(dims.iter().copied())),
        None => PartialShape::unknown(),
    }));
    out.resize(ctx.outputs, PartialShape::of_rank(1));
    Ok(out)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (sparse_types, dense_types): (Vec<DType>, Vec<DType>) =
        (node.attr("sparse_types")?, node.attr("Tdense")?);
    let dense = Dense::all(&dense_types, node.attr("dense_shapes")?)?;
    let (sparse_keys, dense_keys): (usize, usize) = (node.attr("Nsparse")?, node.attr("Ndense")?);
    if sparse_keys != sparse_types.len() {
        return Err(Error::invalid_argument("len(sparse_keys) != len(sparse_types)"));
    }
    if dense_keys != dense.len() {
        return Err(Error::invalid_argument("len(dense_keys) != len(dense_types)"));
    }
    let features = Features { dense, sparse: sparse_types, ragged: Vec::new() };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let serialized = ctx.input(0);
        if serialized.rank() != 1 {
            let shape = serialized.shape();
            let message = format!("Expected serialized to be a vector, got shape: {shape}");
            return Err(Error::invalid_argument(message));
        }
        let key = |i: usize| match ctx.input(2 + i).strings()? {
            [key] => Ok(key.clone()),
            _ => Err(Error::invalid_argument("keys must be scalars")),
        };
        let dense_first = (sparse_keys..sparse_keys + dense_keys).chain(0..sparse_keys);
        let names = Names::new(dense_first.map(key).collect::<Result<_>>()?)?;
        let parsed = parse(ctx, &features, &names, 2 + sparse_keys + dense_keys)?;
        set(ctx, 0, parsed);
        Ok(())
    }))
}

fn build_v2(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dense_types: Vec<DType> = node.attr("Tdense")?;
    let features = Features {
        dense: Dense::all(&dense_types, node.attr("dense_shapes")?)?,
        sparse: node.attr("sparse_types")?,
        ragged: ragged_types(node, "ragged_value_types", "ragged_split_types")?,
    };
    if node.attr::<usize>("num_sparse")? != features.sparse.len() {
        return Err(Error::invalid_argument("len(sparse_keys) != len(sparse_types)"));
    }
    let constant = |i: usize| node.constant(i);
    let names = match [3, 2, 4].map(constant) {
        [Some(dense), Some(sparse), Some(ragged)] => Some(names_v2(&features, [dense, sparse, ragged])?),
        _ => None,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        if ctx.input(0).rank() > 1 {
            let shape = ctx.input(0).shape();
            let message = format!("Expected serialized to be a scalar or vector, got shape: {shape}");
            return Err(Error::invalid_argument(message));
        }
        let parsed = match &names {
            Some(names) => parse(ctx, &features, names, 5)?,
            None => parse(ctx, &features, &names_v2(&features, [3, 2, 4].map(|i| ctx.input(i)))?, 5)?,
        };
        set(ctx, 0, parsed);
        Ok(())
    }))
}

/// The names of dense, sparse and ragged features, from one tensor each.
fn names_v2(features: &Features, tensors: [&Tensor; 3]) -> Result<Names> {
    let wanted = [features.dense.len(), features.sparse.len(), features.ragged.len()];
    let texts = [
        "len(dense_keys) == len(dense_types)",
        "len(sparse_keys) == num_sparse",
        "len(ragged_keys) == len(ragged_value_types)",
    ];
    let mut names: Vec<Bytes> = Vec::new();
    for ((tensor, wanted), text) in tensors.into_iter().zip(wanted).zip(texts) {
        let found = keys(tensor)?;
        if found.len() != wanted {
            let found = found.len();
            return Err(Error::invalid_argument(format!("Expected {text} but got: {found} vs. {wanted}")));
        }
        names.extend(found);
    }
    Names::new(names)
}

/// Parses input 0, the examples; default values begin at input `defaults`.
fn parse(ctx: &Context<'_>, features: &Features, names: &Names, defaults: usize) -> Result<Parsed> {
    let (serialized, labels) = (ctx.input(0), ctx.input(1));
    if labels.elements() > 0 && labels.shape() != serialized.shape() {
        return Err(Error::invalid_argument(format!(
            "Expected names have the same shape as serialized: name.shape={}, serialized.shape={}",
            labels.shape(),
            serialized.shape()
        )));
    }
    features.check_defaults(ctx.inputs(defaults))?;
    let defaults: Vec<&Tensor> = ctx.inputs(defaults).collect();
    let run: Run<'_> = ctx.run();
    let examples = serialized.strings()?;
    if serialized.rank() == 0 {
        return single::parse(&run, &examples[0], features, names, &defaults);
    }
    Batch { examples, labels: labels.strings()?, features, names, defaults }.parse(&run)
}

/// Gives sparse indices, values and shapes, dense values, ragged values and splits, from output `first` on.
pub fn set(ctx: &mut Context<'_>, first: usize, parsed: Parsed) {
    let mut next = first;
    let mut give = |ctx: &mut Context<'_>, tensor: Tensor| {
        ctx.set(next, tensor);
        next += 1;
    };
    for part in 0..3 {
        for sparse in &parsed.sparse {
            give(ctx, sparse[part].clone());
        }
    }
    for dense in parsed.dense {
        give(ctx, dense);
    }
    for part in 0..2 {
        for ragged in &parsed.ragged {
            give(ctx, ragged[part].clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, example, floats, integers, none, string, texts, vector};
    use savedmodel_op::testing::OpTest;

    fn first() -> Vec<u8> {
        example(&[("f", floats(&[1.0, 2.0])), ("i", integers(&[3])), ("s", texts(&["x", "yy"]))])
    }

    fn second() -> Vec<u8> {
        example(&[("i", integers(&[4, 5])), ("f", floats(&[3.0, 4.0]))])
    }

    fn v1(examples: Tensor, default: Tensor) -> OpTest<'static> {
        let shapes = vec![PartialShape::from([2])];
        let types = vec![DType::Int64, DType::String];
        let test =
            OpTest::new(&OPS[0]).attr("Nsparse", 2_i64).attr("Ndense", 1_i64).attr("sparse_types", types);
        let test = test.attr("dense_shapes", shapes).attr("Tdense", vec![DType::Float]).input(examples);
        let keys = ["i", "s", "f"].into_iter().map(string);
        keys.fold(test.input(none(DType::String)), OpTest::input).input(default)
    }

    fn v2(examples: Tensor, names: Tensor, default: Tensor) -> OpTest<'static> {
        let test = OpTest::new(&OPS[1]).attr("num_sparse", 1_i64).attr("sparse_types", vec![DType::String]);
        let test = test.attr("ragged_value_types", vec![DType::Float]);
        let test = test.attr("ragged_split_types", vec![DType::Int32]).attr("Tdense", vec![DType::Int64]);
        let test = test.attr("dense_shapes", vec![PartialShape::new([None])]);
        let keys = ["s", "i", "f"].map(|key| vector([key.as_bytes()]));
        keys.into_iter().fold(test.input(examples).input(names), OpTest::constant).input(default)
    }

    #[test]
    fn first_version() {
        let defaults = || Tensor::from_slice([2], &[7.0_f32, 8.0]).unwrap();
        let want = "int64[3,2] 0 0 1 0 1 1; int64[2,2] 0 0 0 1; int64[3] 3 4 5; string[2] 'x' 'yy'; int64[2] 2 2; \
                    int64[2] 2 2; float[2,2] 1 2 3 4";
        check(v1(vector([&first(), &second()]), none(DType::Float)), want);
        let want = "int64[0,2]; int64[0,2]; int64[0]; string[0]; int64[2] 0 0; int64[2] 0 0; float[0,2]";
        check(v1(vector([]), none(DType::Float)), want);
        let only_texts = example(&[("s", texts(&["z"]))]);
        let want = "int64[1,2] 0 0; int64[3,2] 0 0 0 1 1 0; int64[1] 3; string[3] 'x' 'yy' 'z'; int64[2] 2 1; \
                    int64[2] 2 2; float[2,2] 1 2 7 8";
        check(v1(vector([&first(), &only_texts]), defaults()), want);
    }

    #[test]
    fn refusals_of_first_version() {
        let refused = |second: &[u8], want: &str| {
            check(v1(vector([&first(), second]), none(DType::Float)), &format!("INVALID_ARGUMENT: {want}"));
        };
        let missing = "Name: <unknown>, Feature: f (data type: float) is required but could not be found.";
        refused(&example(&[("s", texts(&["z"]))]), missing);
        let dtype = "Name: <unknown>, Key: f, Index: 1.  Data types don't match. Data type: int64 but expected type: \
                     float";
        refused(&example(&[("f", integers(&[1]))]), dtype);
        let count = "Name: <unknown>, Key: f, Index: 1.  Number of float values != expected.  Values size: 1 but output \
                     shape: [2]";
        refused(&example(&[("f", floats(&[1.0]))]), count);
        refused(b"\x0a\x05zz", "Could not parse example input, value: '\n\x05zz'");
        let shape =
            "INVALID_ARGUMENT: def_value[0].shape() == [1] is not compatible with dense_shapes_[0] == [2]";
        check(v1(vector([&first()]), Tensor::from_slice([1], &[1.0_f32]).unwrap()), shape);
    }

    #[test]
    fn second_version() {
        let nine = || Tensor::scalar(9_i64);
        let want = "int64[2,2] 0 0 0 1; string[2] 'x' 'yy'; int64[2] 2 2; int64[2,2] 3 9 4 5; float[4] 1 2 3 4; \
                    int32[3] 0 2 4";
        check(v2(vector([&first(), &second()]), none(DType::String), nine()), want);
        let want = "int64[2,1] 0 1; string[2] 'x' 'yy'; int64[1] 2; int64[1] 3; float[2] 1 2; int32[0]";
        check(v2(string(first()), none(DType::String), nine()), want);
        let padding = "INVALID_ARGUMENT: dense_shape[0] is a variable length shape: [?], therefore def_value[0] must \
                       contain a single element (the padding element).  But its shape is: [0]";
        check(v2(string(first()), none(DType::String), none(DType::Int64)), padding);
        let names = "INVALID_ARGUMENT: Expected names have the same shape as serialized: name.shape=[2], \
                     serialized.shape=[1]";
        check(v2(vector([&first()]), vector([b"n", b"m"]), nine()), names);
        let square = vector([&first()]).reshape([1, 1]).unwrap();
        let rank = "INVALID_ARGUMENT: Expected serialized to be a scalar or vector, got shape: [1,1]";
        check(v2(square, none(DType::String), nine()), rank);
    }
}
