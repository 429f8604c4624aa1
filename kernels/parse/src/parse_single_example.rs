//! `ParseSingleExample`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use crate::features::{Dense, Features, Names};
use crate::parse_example::set;
use crate::single;

/// Parses one `tf.Example`, whose features are named by attributes.
///
/// Outputs have no dimension for examples, and nothing is padded.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParseSingleExample>.
pub const OP: Op = Op {
    name: "ParseSingleExample",
    inputs: &["serialized: string", "dense_defaults: Tdense"],
    outputs: &[
        "sparse_indices: num_sparse * int64",
        "sparse_values: sparse_types",
        "sparse_shapes: num_sparse * int64",
        "dense_values: Tdense",
    ],
    attrs: &[
        "num_sparse: int >= 0",
        "sparse_keys: list(string) >= 0",
        "dense_keys: list(string) >= 0",
        "sparse_types: list({float, int64, string}) >= 0",
        "Tdense: list({float, int64, string}) >= 0",
        "dense_shapes: list(shape) >= 0",
    ],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::one(build),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let sparse = ctx.attr::<Vec<DType>>("sparse_types").unwrap_or_default().len();
    let mut out = vec![PartialShape::new([None, Some(1)]); sparse];
    out.extend(vec![PartialShape::of_rank(1); sparse]);
    out.extend(vec![PartialShape::from([1]); sparse]);
    out.extend(ctx.attr::<Vec<PartialShape>>("dense_shapes").unwrap_or_default());
    out.resize(ctx.outputs, PartialShape::unknown());
    Ok(out)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dense_types: Vec<DType> = node.attr("Tdense")?;
    let features = Features {
        dense: Dense::all(&dense_types, node.attr("dense_shapes")?)?,
        sparse: node.attr("sparse_types")?,
        ragged: Vec::new(),
    };
    let (sparse_keys, mut keys): (Vec<Bytes>, Vec<Bytes>) =
        (node.attr("sparse_keys")?, node.attr("dense_keys")?);
    if keys.len() != features.dense.len() {
        return Err(Error::invalid_argument("len(dense_keys) != len(dense_types)"));
    }
    if sparse_keys.len() != features.sparse.len() || node.attr::<usize>("num_sparse")? != sparse_keys.len() {
        return Err(Error::invalid_argument(format!(
            "num_sparse ({}) must match the size of sparse_keys ({}) and sparse_types ({})",
            node.attr::<i64>("num_sparse")?,
            sparse_keys.len(),
            features.sparse.len()
        )));
    }
    keys.extend(sparse_keys);
    let names = Names::new(keys)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let serialized = ctx.input(0);
        let (0, [example]) = (serialized.rank(), serialized.strings()?) else {
            let shape = serialized.shape();
            let message = format!("Expected serialized to be a scalar, got shape: {shape}");
            return Err(Error::invalid_argument(message));
        };
        features.check_defaults(ctx.inputs(1))?;
        let defaults: Vec<&Tensor> = ctx.inputs(1).collect();
        let parsed = single::parse(&ctx.run(), example, &features, &names, &defaults)?;
        set(ctx, 0, parsed);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, example, floats, integers, none, string, texts, vector};
    use savedmodel_op::testing::OpTest;

    fn parse(example: Tensor, default: Tensor) -> OpTest<'static> {
        let test = OpTest::new(&OP).attr("num_sparse", 1_i64).attr("sparse_keys", vec!["s"]);
        let test = test.attr("dense_keys", vec!["f"]).attr("sparse_types", vec![DType::String]);
        test.attr("dense_shapes", vec![PartialShape::from([2])]).input(example).input(default)
    }

    #[test]
    fn features() {
        let both = example(&[("f", floats(&[1.0, 2.0])), ("s", texts(&["x", "yy"]))]);
        let want = "int64[2,1] 0 1; string[2] 'x' 'yy'; int64[1] 2; float[2] 1 2";
        check(parse(string(both), none(DType::Float)), want);
        let floats = example(&[("f", floats(&[3.0, 4.0]))]);
        check(parse(string(floats), none(DType::Float)), "int64[0,1]; string[0]; int64[1] 0; float[2] 3 4");
        let texts = example(&[("s", texts(&["z"]))]);
        let default = Tensor::from_slice([2], &[7.0_f32, 8.0]).unwrap();
        check(parse(string(texts), default), "int64[1,1] 0; string[1] 'z'; int64[1] 1; float[2] 7 8");
    }

    #[test]
    fn refusals() {
        let refused = |example: Vec<u8>, want: &str| {
            check(parse(string(example), none(DType::Float)), &format!("INVALID_ARGUMENT: {want}"));
        };
        refused(example(&[]), "Feature: f (data type: float) is required but could not be found.");
        let dtype = "Key: f.  Data types don't match. Data type: int64 but expected type: float";
        refused(example(&[("f", integers(&[1]))]), dtype);
        let count = "Key: f.  Can't parse serialized Example: Some float_list slice was not parsed.";
        refused(example(&[("f", floats(&[1.0]))]), count);
        refused(b"\x01".to_vec(), "Could not parse example input, value: '\x01'");
        let rank = "INVALID_ARGUMENT: Expected serialized to be a scalar, got shape: [1]";
        check(parse(vector([b""]), none(DType::Float)), rank);
    }
}
