//! `ParseSequenceExample` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use crate::features::{keys, ragged_types};
use crate::sequence::{Examples, Keys, find, parse_context, parse_lists};

mod attributes;

use attributes::{Attributes, check_count};

/// Parses `tf.SequenceExample`s: features of the whole and lists of features.
///
/// Lists of dense features are padded with zeros (or empty strings) to the longest; their lengths are an output too.
/// A scalar is one example without a dimension for examples.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParseSequenceExampleV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "ParseSequenceExample",
        inputs: &["serialized: string", "debug_name: string", "context_dense_defaults: Tcontext_dense"],
        outputs: &[
            "context_sparse_indices: Ncontext_sparse * int64",
            "context_sparse_values: context_sparse_types",
            "context_sparse_shapes: Ncontext_sparse * int64",
            "context_dense_values: Tcontext_dense",
            "feature_list_sparse_indices: Nfeature_list_sparse * int64",
            "feature_list_sparse_values: feature_list_sparse_types",
            "feature_list_sparse_shapes: Nfeature_list_sparse * int64",
            "feature_list_dense_values: feature_list_dense_types",
            "feature_list_dense_lengths: Nfeature_list_dense * int64",
        ],
        attrs: &[
            "feature_list_dense_missing_assumed_empty: list(string) >= 0",
            "context_sparse_keys: list(string) >= 0",
            "context_dense_keys: list(string) >= 0",
            "feature_list_sparse_keys: list(string) >= 0",
            "feature_list_dense_keys: list(string) >= 0",
            "Ncontext_sparse: int >= 0 = 0",
            "Ncontext_dense: int >= 0 = 0",
            "Nfeature_list_sparse: int >= 0 = 0",
            "Nfeature_list_dense: int >= 0 = 0",
            "context_sparse_types: list({float, int64, string}) >= 0 = []",
            "Tcontext_dense: list({float, int64, string}) >= 0 = []",
            "feature_list_dense_types: list({float, int64, string}) >= 0 = []",
            "context_dense_shapes: list(shape) >= 0 = []",
            "feature_list_sparse_types: list({float, int64, string}) >= 0 = []",
            "feature_list_dense_shapes: list(shape) >= 0 = []",
        ],
        effect: Effect::Pure,
        shape: infer,
        kernels: Kernels::one(build),
    },
    Op {
        name: "ParseSequenceExampleV2",
        inputs: &[
            "serialized: string",
            "debug_name: string",
            "context_sparse_keys: string",
            "context_dense_keys: string",
            "context_ragged_keys: string",
            "feature_list_sparse_keys: string",
            "feature_list_dense_keys: string",
            "feature_list_ragged_keys: string",
            "feature_list_dense_missing_assumed_empty: bool",
            "context_dense_defaults: Tcontext_dense",
        ],
        outputs: &[
            "context_sparse_indices: Ncontext_sparse * int64",
            "context_sparse_values: context_sparse_types",
            "context_sparse_shapes: Ncontext_sparse * int64",
            "context_dense_values: Tcontext_dense",
            "context_ragged_values: context_ragged_value_types",
            "context_ragged_row_splits: context_ragged_split_types",
            "feature_list_sparse_indices: Nfeature_list_sparse * int64",
            "feature_list_sparse_values: feature_list_sparse_types",
            "feature_list_sparse_shapes: Nfeature_list_sparse * int64",
            "feature_list_dense_values: feature_list_dense_types",
            "feature_list_dense_lengths: Nfeature_list_dense * int64",
            "feature_list_ragged_values: feature_list_ragged_value_types",
            "feature_list_ragged_outer_splits: feature_list_ragged_split_types",
            "feature_list_ragged_inner_splits: feature_list_ragged_split_types",
        ],
        attrs: &[
            "Ncontext_sparse: int >= 0 = 0",
            "Tcontext_dense: list({float, int64, string}) >= 0 = []",
            "context_sparse_types: list({float, int64, string}) >= 0 = []",
            "context_ragged_value_types: list({float, int64, string}) >= 0 = []",
            "context_ragged_split_types: list({int32, int64}) >= 0 = []",
            "context_dense_shapes: list(shape) >= 0 = []",
            "Nfeature_list_sparse: int >= 0 = 0",
            "Nfeature_list_dense: int >= 0 = 0",
            "feature_list_dense_types: list({float, int64, string}) >= 0 = []",
            "feature_list_sparse_types: list({float, int64, string}) >= 0 = []",
            "feature_list_ragged_value_types: list({float, int64, string}) >= 0 = []",
            "feature_list_ragged_split_types: list({int32, int64}) >= 0 = []",
            "feature_list_dense_shapes: list(shape) >= 0 = []",
        ],
        effect: Effect::Pure,
        shape: infer,
        kernels: Kernels::one(build_v2),
    },
];

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let count = |name: &str| ctx.attr::<Vec<DType>>(name).unwrap_or_default().len();
    let shapes = |name: &str| ctx.attr::<Vec<PartialShape>>(name).unwrap_or_default();
    let Some(rank @ 0..=1) = ctx.input(0).rank() else {
        return Ok(vec![PartialShape::unknown(); ctx.outputs]);
    };
    let lead: Vec<Option<usize>> = (rank == 1).then(|| ctx.input(0).dim(0)).into_iter().collect();
    let under = |more: &[Option<usize>], shape: &PartialShape| match shape.dims() {
        Some(dims) => PartialShape::new(lead.iter().chain(more).chain(dims).copied()),
        None => PartialShape::unknown(),
    };
    let mut out = Vec::with_capacity(ctx.outputs);
    let sparse = |out: &mut Vec<PartialShape>, count: usize, width: usize| {
        out.extend(vec![PartialShape::new([None, Some(width)]); count]);
        out.extend(vec![PartialShape::of_rank(1); count]);
        out.extend(vec![PartialShape::from([width]); count]);
    };
    sparse(&mut out, count("context_sparse_types"), rank + 1);
    out.extend(shapes("context_dense_shapes").iter().map(|shape| under(&[], shape)));
    let ragged = count("context_ragged_value_types");
    out.extend(vec![PartialShape::of_rank(1); ragged]);
    out.extend(vec![PartialShape::of_rank(rank); ragged]);
    sparse(&mut out, count("feature_list_sparse_types"), rank + 2);
    let dense = shapes("feature_list_dense_shapes");
    out.extend(dense.iter().map(|shape| under(&[None], shape)));
    out.extend(vec![PartialShape::new(lead.iter().copied()); dense.len()]);
    let ragged = count("feature_list_ragged_value_types");
    out.extend(vec![PartialShape::of_rank(1); ragged]);
    out.extend(vec![PartialShape::of_rank(rank); ragged]);
    out.resize(ctx.outputs, PartialShape::of_rank(1));
    Ok(out)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes::new(node)?;
    let names = |name: &str| node.attr::<Vec<Bytes>>(name);
    let (context_dense, context_sparse) = (names("context_dense_keys")?, names("context_sparse_keys")?);
    let (lists_dense, lists_sparse) = (names("feature_list_dense_keys")?, names("feature_list_sparse_keys")?);
    attributes.check_names(node, [&context_sparse, &context_dense, &lists_sparse, &lists_dense])?;
    let assumed_empty = names("feature_list_dense_missing_assumed_empty")?;
    let may_miss: Vec<bool> = lists_dense.iter().map(|name| assumed_empty.contains(name)).collect();
    let keys = [
        Keys::new("Context", &context_dense, &context_sparse, &[])?,
        Keys::new("Sequence", &lists_dense, &lists_sparse, &[])?,
    ];
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank(ctx.input(0))?;
        parse(ctx, &attributes, &keys, &may_miss, 2)
    }))
}

fn build_v2(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let mut attributes = Attributes::new(node)?;
    attributes.context.ragged =
        ragged_types(node, "context_ragged_value_types", "context_ragged_split_types")?;
    attributes.lists.ragged =
        ragged_types(node, "feature_list_ragged_value_types", "feature_list_ragged_split_types")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank(ctx.input(0))?;
        let Attributes { context, lists } = &attributes;
        let counts = [
            (3, context.dense.len(), "context_dense_keys) to match len(Tcontext_dense)"),
            (2, context.sparse.len(), "context_sparse_keys) to match Ncontext_sparse"),
            (4, context.ragged.len(), "context_ragged_keys) to match len(context_ragged_value_types)"),
            (6, lists.dense.len(), "feature_list_dense_keys) to match Nfeature_list_dense"),
            (8, lists.dense.len(), "feature_list_dense_missing_assumed_empty to match Nfeature_list_dense"),
            (5, lists.sparse.len(), "feature_list_sparse_keys) to match Nfeature_list_sparse"),
            (
                7,
                lists.ragged.len(),
                "feature_list_ragged_keys) to match len(feature_list_ragged_value_types)",
            ),
        ];
        for (input, wanted, what) in counts {
            check_count(ctx.input(input).elements(), wanted, what)?;
        }
        let names = |i: usize| keys(ctx.input(i));
        let keys = [
            Keys::new("Context", &names(3)?, &names(2)?, &names(4)?)?,
            Keys::new("Sequence", &names(6)?, &names(5)?, &names(7)?)?,
        ];
        let may_miss = ctx.input(8).as_slice::<bool>()?.to_vec();
        parse(ctx, &attributes, &keys, &may_miss, 9)
    }))
}

fn check_rank(serialized: &Tensor) -> Result<()> {
    if serialized.rank() <= 1 {
        return Ok(());
    }
    let shape = serialized.shape();
    Err(Error::invalid_argument(format!("Expected serialized to be a scalar or vector, got shape: {shape}")))
}

/// Parses input 0, whose names are input 1; default values begin at input `defaults`.
fn parse(
    ctx: &mut Context<'_>,
    attributes: &Attributes,
    [context_keys, list_keys]: &[Keys; 2],
    may_miss: &[bool],
    defaults: usize,
) -> Result<()> {
    let Attributes { context, lists } = attributes;
    attributes.check_defaults(ctx.inputs(defaults))?;
    let (serialized, labels) = (ctx.input(0), ctx.input(1).strings()?);
    let is_batch = serialized.rank() == 1;
    let examples = Examples { examples: serialized.strings()?, labels, is_batch };
    if !labels.is_empty() && labels.len() != examples.examples.len() {
        let message = "example_names must be empty or have the correct number of elements";
        return Err(Error::invalid_argument(message));
    }
    let run = ctx.run();
    let default_values: Vec<&Tensor> = ctx.inputs(defaults).collect();
    let [in_context, in_lists] = find(&examples, context_keys, list_keys)?;
    let context = parse_context(&run, &examples, context, (context_keys, &in_context), &default_values)?;
    let lists = parse_lists(&run, &examples, lists, (list_keys, &in_lists), may_miss)?;
    let mut outputs: Vec<Tensor> = Vec::new();
    (0..3).for_each(|part| outputs.extend(context.sparse.iter().map(|sparse| sparse[part].clone())));
    outputs.extend(context.dense);
    (0..2).for_each(|part| outputs.extend(context.ragged.iter().map(|ragged| ragged[part].clone())));
    (0..3).for_each(|part| outputs.extend(lists.sparse.iter().map(|sparse| sparse[part].clone())));
    (0..2).for_each(|part| outputs.extend(lists.dense.iter().map(|dense| dense[part].clone())));
    (0..3).for_each(|part| outputs.extend(lists.ragged.iter().map(|ragged| ragged[part].clone())));
    for (i, output) in outputs.into_iter().enumerate() {
        ctx.set(i, output);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, floats, integers, none, sequence, string, texts, vector};
    use savedmodel_op::testing::OpTest;

    fn parse(examples: Tensor, may_miss: bool) -> OpTest<'static> {
        let test = OpTest::new(&OPS[1])
            .attr("Tcontext_dense", vec![DType::Int64])
            .attr("Nfeature_list_dense", 1_i64);
        let test = test.attr("context_dense_shapes", vec![PartialShape::from([1])]);
        let test = test.attr("feature_list_dense_types", vec![DType::Float]);
        let test = test.attr("feature_list_dense_shapes", vec![PartialShape::from([2])]);
        let test = test.attr("feature_list_ragged_value_types", vec![DType::String]);
        let test = test.attr("feature_list_ragged_split_types", vec![DType::Int64]);
        let test = test.input(examples).input(none(DType::String));
        let keys: [&[&str]; 6] = [&[], &["n"], &[], &[], &["t"], &["w"]];
        let keys = keys
            .map(|keys| Tensor::from_strings([keys.len()], keys.iter().map(|k| (*k).to_owned())).unwrap());
        let test = keys.into_iter().fold(test, OpTest::constant);
        test.input(Tensor::from_slice([1], &[may_miss]).unwrap()).input(none(DType::Int64))
    }

    fn long() -> Vec<u8> {
        let (rows, words) = ([floats(&[1.0, 2.0]), floats(&[3.0, 4.0])], [texts(&["a"]), texts(&["b", "c"])]);
        sequence(&[("n", integers(&[7]))], &[("t", &rows), ("w", &words)])
    }

    #[test]
    fn lists() {
        let short = sequence(&[("n", integers(&[8]))], &[("t", &[floats(&[5.0, 6.0])])]);
        let want = "int64[2,1] 7 8; float[2,2,2] 1 2 3 4 5 6 0 0; int64[2] 2 1; string[3] 'a' 'b' 'c'; int64[3] 0 2 2; \
                    int64[3] 0 1 3";
        check(parse(vector([&long(), &short]), false), want);
        let empty = sequence(&[("n", integers(&[1]))], &[]);
        let want = "int64[1,1] 1; float[1,0,2]; int64[1] 0; string[0]; int64[2] 0 0; int64[1] 0";
        check(parse(vector([&empty]), true), want);
        let one = parse(string(long()), false).run().unwrap();
        let shapes: Vec<String> = one.iter().map(|tensor| tensor.shape().to_string()).collect();
        assert_eq!(shapes, ["[1]", "[2,2]", "[]", "[3]", "[]", "[3]"]);
    }

    #[test]
    fn refusals() {
        let refused = |example: Vec<u8>, want: &str| {
            check(parse(vector([&example]), false), &format!("INVALID_ARGUMENT: {want}"));
        };
        let n = || ("n", integers(&[1]));
        let none = "Inconsistent max number of elements for feature n: expected 1, but found 0";
        refused(sequence(&[], &[("t", &[floats(&[1.0, 2.0])])]), none);
        let count = "Feature list 't' has an unexpected number of values.  Total values size: 1 is not consistent with \
                     output shape: [?,2]";
        refused(sequence(&[n()], &[("t", &[floats(&[1.0])])]), count);
        let dtype =
            "Name: <unknown>, Feature list: t, Index: 0.  Data types don't match. Expected type: float";
        refused(sequence(&[n()], &[("t", &[integers(&[1])])]), dtype);
        let missing = "Name: <unknown>, Feature list 't' is required but could not be found.  Did you mean to include it \
                       in feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?";
        refused(sequence(&[n()], &[]), missing);
        refused(b"\x01".to_vec(), "Invalid protocol message input, example id: <unknown>");
        let dtype = "Name: <unknown>, Context feature: n.  Data types don't match. Expected type: int64";
        refused(sequence(&[("n", floats(&[1.0]))], &[]), dtype);
    }
}
