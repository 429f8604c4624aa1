//! `SerializeSparse` and `SerializeManySparse`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_proto::Message;
use savedmodel_proto::tensor_proto::from_tensor;
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape, Tensor, Variant, VariantValue};

use crate::coo::{Coo, to_shape};
use crate::minibatch::Minibatch;

/// Packs a sparse tensor, or each row of one, into three elements: indices, values and dense shape.
///
/// They are serialised `TensorProto`s, or the tensors themselves in variants. `SerializeSparse` looks at nothing but
/// ranks; the rows of `SerializeManySparse` must be in order.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SerializeSparse>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SerializeManySparse>
pub const OPS: &[Op] = &[
    Op {
        shape: |_| Ok(vec![PartialShape::from([3])]),
        kernels: Kernels::All(&[("out_type", PACKED)], build),
        ..serialize("SerializeSparse")
    },
    Op {
        shape: |ctx: &ShapeContext<'_>| {
            let rows = crate::shapes::value(ctx, 2).dim(0);
            Ok(vec![PartialShape::new([rows, Some(3)])])
        },
        kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS), ("out_type", PACKED)], build_many),
        ..serialize("SerializeManySparse")
    },
];

const PACKED: &[DType] = &[DType::String, DType::Variant];

const fn serialize(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["sparse_indices: int64", "sparse_values: T", "sparse_shape: int64"],
        outputs: &["serialized_sparse: out_type"],
        attrs: &["T: type", "out_type: {string, variant} = DT_STRING"],
        effect: Effect::Pure,
        shape: savedmodel_op::shape::unknown,
        kernels: Kernels::one(build),
    }
}

/// A tensor as a variant value.
#[derive(Clone, Debug)]
pub struct TensorVariant(pub Tensor);

impl VariantValue for TensorVariant {
    fn type_name(&self) -> &'static str {
        "tensorflow::Tensor"
    }
}

/// Packed tensors, one after the other.
enum Packed {
    Strings(Vec<Bytes>),
    Variants(Vec<Variant>),
}

impl Packed {
    fn new(dtype: DType) -> Packed {
        if dtype == DType::String { Packed::Strings(Vec::new()) } else { Packed::Variants(Vec::new()) }
    }

    fn push(&mut self, tensor: &Tensor) -> Result<()> {
        match self {
            Packed::Strings(strings) => strings.push(to_bytes(tensor)?),
            Packed::Variants(variants) => variants.push(Variant::new(TensorVariant(tensor.clone()))),
        }
        Ok(())
    }

    /// Repeats the last element.
    fn repeat(&mut self, from: usize) {
        match self {
            Packed::Strings(strings) => strings.push(strings[from].clone()),
            Packed::Variants(variants) => variants.push(variants[from].clone()),
        }
    }

    fn into_tensor(self, shape: impl Into<Shape>) -> Result<Tensor> {
        match self {
            Packed::Strings(strings) => Tensor::from_strings(shape, strings),
            Packed::Variants(variants) => Tensor::from_variants(shape, variants),
        }
    }
}

/// A serialised `TensorProto`, with strings in its content too, as TensorFlow writes it.
fn to_bytes(tensor: &Tensor) -> Result<Bytes> {
    let mut proto = from_tensor(tensor)?;
    if tensor.dtype() == DType::String {
        let mut content = Vec::new();
        for string in &proto.string_val {
            let mut len = string.len();
            while len >= 128 {
                content.push(len as u8 | 128);
                len >>= 7;
            }
            content.push(len as u8);
        }
        proto.string_val.drain(..).for_each(|string| content.extend_from_slice(&string));
        proto.tensor_content = content.into();
    }
    Ok(proto.encode_to_vec().into())
}

/// Checks the ranks of the three inputs.
pub(crate) fn check_ranks(ctx: &Context<'_>) -> Result<()> {
    for (i, name, kind, rank) in
        [(0, "indices", "matrix", 2), (1, "values", "vector", 1), (2, "shape", "vector", 1)]
    {
        let shape = ctx.input(i).shape();
        if shape.rank() != rank {
            return Err(Error::invalid_argument(format!(
                "Input {name} should be a {kind} but received shape {shape}"
            )));
        }
    }
    Ok(())
}

/// The sparse tensor in the inputs, which must be in order and have more than one dimension.
pub(crate) fn checked<'a>(ctx: &'a Context<'_>) -> Result<Coo<'a>> {
    check_ranks(ctx)?;
    let (indices, values, sizes) = (ctx.input(0), ctx.input(1), ctx.input(2));
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if sizes.elements() < 2 {
        return refuse(format!(
            "Rank of input SparseTensor should be > 1, but saw rank: {}",
            sizes.elements()
        ));
    }
    let shape = indices.shape();
    if values.elements() != shape[0] {
        return refuse(format!(
            "Number of values must match first dimension of indices. Got {} values, indices shape: {shape}",
            values.elements()
        ));
    }
    if sizes.elements() != shape[1] {
        return refuse(format!(
            "Number of dimensions must match second dimension of indices. Got {} dimensions, indices shape: {shape}",
            sizes.elements()
        ));
    }
    to_shape(sizes.as_slice()?)?;
    let coo = Coo { indices: indices.as_slice()?, values, sizes: sizes.as_slice()? };
    coo.check()?;
    Ok(coo)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("out_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_ranks(ctx)?;
        let mut packed = Packed::new(dtype);
        ctx.inputs(0).try_for_each(|tensor| packed.push(tensor))?;
        ctx.set(0, packed.into_tensor([3])?);
        Ok(())
    }))
}

fn build_many(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("out_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let coo = checked(ctx)?;
        let rows = coo.sizes[0] as usize;
        // Refuses what does not fit before it is filled row by row.
        ctx.allocate(dtype, [rows, 3])?;
        let batch = Minibatch::new(&coo);
        let mut packed = Packed::new(dtype);
        // The first empty row is packed, others repeat it.
        let mut empty: Option<usize> = None;
        for row in 0..rows {
            match (batch.is_empty(row), empty) {
                (true, Some(place)) => {
                    packed.repeat(place);
                    packed.repeat(place + 1);
                }
                (is_empty, _) => {
                    empty = empty.or(is_empty.then_some(3 * row));
                    let (indices, values) = batch.row(row, &ctx.run())?;
                    packed.push(&indices)?;
                    packed.push(&values)?;
                }
            }
            match row {
                0 => packed.push(&batch.shape()?)?,
                _ => packed.repeat(2),
            }
        }
        ctx.set(0, packed.into_tensor([rows, 3])?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, check_rows, parse_tensor};

    #[test]
    fn bytes() {
        let serialize = |op: usize, inputs: [&str; 3]| {
            let test = inputs.iter().fold(OpTest::new(&OPS[op]), |test, text| test.input(parse_tensor(text)));
            test.run().unwrap().remove(0).strings().unwrap().to_vec()
        };
        let shape = &b"\x08\t\x12\x04\x12\x02\x08\x01\"\x08\x04\0\0\0\0\0\0\0"[..];
        let got = serialize(0, ["int64[1,1] 3", "string[1] 'bb'", "int64[1] 4"]);
        let index = &b"\x08\t\x12\x08\x12\x02\x08\x01\x12\x02\x08\x01\"\x08\x03\0\0\0\0\0\0\0"[..];
        assert_eq!(got, [index, &b"\x08\x07\x12\x04\x12\x02\x08\x01\"\x03\x02bb"[..], shape]);
        let got = serialize(1, ["int64[1,2] 1 3", "bool[1] true", "int64[2] 4 4"]);
        let (blank, none) = (&b"\x08\t\x12\x06\x12\0\x12\x02\x08\x01"[..], &b"\x08\n\x12\x02\x12\0"[..]);
        let one = &b"\x08\n\x12\x04\x12\x02\x08\x01\"\x01\x01"[..];
        let rows = [[blank, none, shape], [index, one, shape], [blank, none, shape], [blank, none, shape]];
        assert_eq!(got, rows.as_flattened());
    }

    #[test]
    fn errors() {
        let (one, many) = ("SerializeSparse", "SerializeManySparse");
        check_rows(
            crate::OPS,
            &[
                (
                    one,
                    "",
                    "int64[1] 0; float[1] 1; int64[1] 3",
                    "INVALID_ARGUMENT: Input indices should be a matrix but received shape [1]",
                ),
                (
                    one,
                    "",
                    "int64[1,1] 0; float[1] 1; int64[1,1] 3",
                    "INVALID_ARGUMENT: Input shape should be a vector but received shape [1,1]",
                ),
                (
                    many,
                    "",
                    "int64[1,1] 0; float[1] 1; int64[1] 3",
                    "INVALID_ARGUMENT: Rank of input SparseTensor should be > 1, but saw rank: 1",
                ),
                (
                    many,
                    "",
                    "int64[2,2] 2 0 0 1; float[2] 1 2; int64[2] 3 2",
                    "INVALID_ARGUMENT: indices[1] = [0,1] is out of order.",
                ),
                (
                    many,
                    "",
                    "int64[1,2] 0 0; float[1] 1; int64[2] 3 -2",
                    "INVALID_ARGUMENT: Expected shape dimensions to be non-negative, got -2",
                ),
                (
                    many,
                    "",
                    "int64[1,2] 0 0; float[1] 1; int64[2] 1099511627776 2",
                    "RESOURCE_EXHAUSTED: OOM when allocating tensor",
                ),
                (
                    many,
                    "",
                    "int64[1,2] 0 0; float[2] 1 2; int64[2] 3 2",
                    "INVALID_ARGUMENT: Number of values must match first dimension of indices.",
                ),
            ],
        );
    }
}
