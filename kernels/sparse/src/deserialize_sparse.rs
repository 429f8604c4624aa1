//! `DeserializeSparse` and `DeserializeManySparse`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_proto::TensorProto;
use savedmodel_proto::tensor_proto::to_tensor;
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::coo::vector;
use crate::minibatch::{Part, stack};
use crate::serialize_sparse::TensorVariant;

/// Unpacks what [`SerializeSparse`](crate::serialize_sparse) packed; all dimensions of the input but the last become
/// dimensions of the output before those of the sparse tensors.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DeserializeSparse>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DeserializeManySparse>
pub const OPS: &[Op] = &[
    Op {
        name: "DeserializeSparse",
        inputs: &["serialized_sparse: Tserialized"],
        attrs: &["dtype: type", "Tserialized: {string, variant} = DT_STRING"],
        ..MANY
    },
    MANY,
];

const MANY: Op = Op {
    name: "DeserializeManySparse",
    inputs: &["serialized_sparse: string"],
    outputs: &["sparse_indices: int64", "sparse_values: dtype", "sparse_shape: int64"],
    attrs: &["dtype: type"],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| {
        Ok(vec![PartialShape::of_rank(2), PartialShape::of_rank(1), PartialShape::of_rank(1)])
    },
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let packed = ctx.input(0);
        let shape = packed.shape();
        let refuse = |what: &str| {
            Err(Error::invalid_argument(format!("Serialized sparse should have {what} {shape}")))
        };
        match shape.split_last() {
            None => return refuse("non-zero rank"),
            Some((3, outer)) if outer.contains(&0) => {
                return refuse("at least 1 serialized tensor, but has a zero dimension");
            }
            Some((3, _)) => {}
            Some(_) => return refuse("3 as the last dimension"),
        }
        let outer = &shape[..shape.rank() - 1];
        let parts: Vec<Part> =
            (0..outer.iter().product()).map(|i| part(packed, i, dtype)).collect::<Result<_>>()?;
        let outputs = match (outer, &parts[..]) {
            ([], [only]) => [only.indices.clone(), only.values.clone(), vector(only.sizes.clone())?],
            _ => stack(&parts, outer, dtype, &ctx.run())?,
        };
        outputs.into_iter().enumerate().for_each(|(i, tensor)| ctx.set(i, tensor));
        Ok(())
    }))
}

/// Sparse tensor `i` of those that are packed.
fn part(packed: &Tensor, i: usize, dtype: DType) -> Result<Part> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    let [indices, values, sizes] = unpack(packed, 3 * i)?;
    if indices.rank() != 2 || indices.dtype() != DType::Int64 {
        return refuse(format!(
            "Expected serialized_sparse[{i}, 0] to represent an index matrix but received shape {}",
            indices.shape()
        ));
    }
    if values.rank() != 1 {
        return refuse(format!(
            "Expected serialized_sparse[{i}, 1] to represent a values vector but received shape {}",
            values.shape()
        ));
    }
    if values.dtype() != dtype {
        return refuse(format!(
            "Requested SparseTensor of type {dtype} but SparseTensor[{i}].values.dtype() == {}",
            values.dtype()
        ));
    }
    let &[entries, rank] = &indices.shape()[..] else { return refuse("no index matrix".to_owned()) };
    if entries != values.elements() {
        return refuse(format!(
            "Expected row counts of SparseTensor[{i}].indices and SparseTensor[{i}].values to match but they do not: \
             {entries} vs. {}",
            values.elements()
        ));
    }
    if sizes.rank() != 1 || sizes.dtype() != DType::Int64 {
        return refuse(format!(
            "Expected serialized_sparse[{i}, 1] to be a shape vector but its shape is {}",
            sizes.shape()
        ));
    }
    if rank != sizes.elements() {
        return refuse(format!(
            "Expected column counts of SparseTensor[{i}].indices to match size of SparseTensor[{i}].shape but they do \
             not: {rank} vs. {}",
            sizes.elements()
        ));
    }
    let sizes = sizes.as_slice()?.to_vec();
    Ok(Part { indices, values, sizes })
}

fn unpack(packed: &Tensor, first: usize) -> Result<[Tensor; 3]> {
    let one = |i: usize| match packed.dtype() {
        DType::String => {
            let proto: TensorProto = savedmodel_proto::decode(packed.strings()?[first + i].clone())
                .map_err(|_| Error::invalid_argument("Could not parse serialized proto"))?;
            to_tensor(&proto).map_err(|_| Error::invalid_argument("Could not construct tensor from proto"))
        }
        _ => match packed.variants()?[first + i].get::<TensorVariant>() {
            Some(TensorVariant(tensor)) => Ok(tensor.clone()),
            None => Err(Error::invalid_argument("Could not get a tensor from serialized sparse")),
        },
    };
    Ok([one(0)?, one(1)?, one(2)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serialize_sparse;
    use savedmodel_op::testing::{OpTest, check_rows, parse_tensor, show};
    use savedmodel_tensor::Variant;

    fn serialize(many: bool, out: DType, inputs: &str) -> Tensor {
        let test = OpTest::new(&serialize_sparse::OPS[usize::from(many)]).attr("out_type", out);
        inputs
            .split(';')
            .fold(test, |test, text| test.input(parse_tensor(text.trim())))
            .run()
            .unwrap()
            .remove(0)
    }

    fn deserialize(packed: Tensor, dtype: DType) -> String {
        show(&OpTest::new(&OPS[0]).attr("dtype", dtype).input(packed).run())
    }

    #[test]
    fn there_and_back() {
        for out in [DType::String, DType::Variant] {
            let sparse = "int64[2,2] 0 1 2 3; string[2] 'a' 'bb'; int64[2] 3 4";
            assert_eq!(deserialize(serialize(false, out, sparse), DType::String), sparse);
            assert_eq!(deserialize(serialize(true, out, sparse), DType::String), sparse);
            let nested = serialize(true, out, sparse).reshape([1, 3, 3]).unwrap();
            let want = "int64[2,3] 0 0 1 0 2 3; string[2] 'a' 'bb'; int64[3] 1 3 4";
            assert_eq!(deserialize(nested, DType::String), want);
            let unsorted = "int64[2,1] 7 1; bool[2] true false; int64[1] 3";
            assert_eq!(deserialize(serialize(false, out, unsorted), DType::Bool), unsorted);
            let got = deserialize(serialize(false, out, unsorted), DType::Int8);
            let want = "INVALID_ARGUMENT: Requested SparseTensor of type int8 but SparseTensor[0].values.dtype() == bool";
            assert_eq!(got, want);
        }
    }

    #[test]
    fn errors() {
        let of = |sizes: &[&str]| {
            let packed: Vec<Tensor> = sizes.iter().map(|s| serialize(false, DType::Variant, s)).collect();
            let all: Vec<Variant> = packed.iter().flat_map(|p| p.variants().unwrap()).cloned().collect();
            deserialize(Tensor::from_variants([sizes.len(), 3], all).unwrap(), DType::Float)
        };
        let (one, two) = ("int64[1,1] 0; float[1] 1; int64[1] 3", "int64[1,2] 0 0; float[1] 1; int64[2] 3 5");
        assert!(
            of(&[one, two])
                .contains("rank prior to SparseTensor[1] was: 1 but rank of SparseTensor[1] is: 2")
        );
        assert!(of(&["int64[1,1] 0; float[1] 1; int64[1] -3", one]).contains("non-negative, got -3"));
        assert!(
            of(&["int64[1,1] 0; float[2] 1 2; int64[1] 3"]).contains("to match but they do not: 1 vs. 2")
        );
        assert!(
            of(&["int64[1,2] 0 0; float[1] 1; int64[1] 3"])
                .contains("to match size of SparseTensor[0].shape")
        );
        let empty = Tensor::from_variants([3], vec![Variant::default(); 3]).unwrap();
        assert!(deserialize(empty, DType::Float).contains("Could not get a tensor"));
        let op = "DeserializeSparse";
        check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "dtype=float",
                    "string[3] 'a' 'b' 'c'",
                    "INVALID_ARGUMENT: Could not parse serialized proto",
                ),
                (
                    op,
                    "dtype=float",
                    "string[2] 'a' 'b'",
                    "INVALID_ARGUMENT: Serialized sparse should have 3 as the last dimension [2]",
                ),
                (
                    op,
                    "dtype=float",
                    "string[] 'a'",
                    "INVALID_ARGUMENT: Serialized sparse should have non-zero rank []",
                ),
                (
                    op,
                    "dtype=float",
                    "string[2,0,3]",
                    "INVALID_ARGUMENT: Serialized sparse should have at least 1 serialized tensor, but has a zero",
                ),
            ],
        );
    }
}
