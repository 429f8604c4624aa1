//! Tensors to and from [`TensorProto`].

use std::sync::Arc;

use bytes::Bytes;
use savedmodel_tensor::{
    Buffer, Complex32, Complex64, DType, Element, Error, Float4E2m1fn, Float8E4m3b11fnuz, Float8E4m3fn,
    Float8E4m3fnuz, Float8E5m2, Float8E5m2fnuz, Handle, Int2, Int4, Qint8, Qint16, Qint32, Quint8, Quint16,
    Result, Shape, Tensor, Uint2, Uint4, Unit, Variant, VariantValue, bf16, f16,
};

use crate::shape::{from_shape, to_dtype, to_shape};
use crate::{ResourceHandleProto, TensorProto, VariantTensorDataProto};

/// The most bytes that one message may stand for when it does not hold them all, but repeats its last value.
pub const MAX_SPLAT_BYTES: usize = 1 << 31;

/// A variant value as its message holds it, for whoever knows the type to decode.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedVariant(pub VariantTensorDataProto);

impl VariantValue for EncodedVariant {
    fn type_name(&self) -> &'static str {
        "tensorflow::VariantTensorDataProto"
    }
}

/// The tensor of a message.
///
/// As in TensorFlow, `tensor_content` goes before values, values beyond the shape are ignored, missing ones
/// repeat the last, or are zero if there is none. A handle holds its [`ResourceHandleProto`] as resource, a
/// variant an [`EncodedVariant`].
///
/// # Errors
/// `INVALID_ARGUMENT` for a dtype or shape that no tensor has, for content of the wrong length, and for values repeated
/// beyond [`MAX_SPLAT_BYTES`]; `DATA_LOSS` for content that should be messages and is not.
pub fn to_tensor(proto: &TensorProto) -> Result<Tensor> {
    let bad = |what: String| Error::invalid_argument(format!("Cannot parse tensor from proto: {what}"));
    if proto.dtype > 100 {
        return Err(bad(format!("data type {} is a reference", proto.dtype)));
    }
    let dtype = to_dtype(proto.dtype).map_err(|e| bad(e.message().to_owned()))?;
    let shape = proto.tensor_shape.as_ref().map_or(Ok(Shape::scalar()), to_shape);
    let shape = shape.map_err(|e| bad(e.message().to_owned()))?;
    if shape.elements() == 0 {
        return Tensor::zeros(dtype, shape);
    }
    if proto.tensor_content.is_empty() {
        check_splat(proto, dtype, &shape)?;
        return from_values(proto, dtype, shape);
    }
    if dtype.size().is_none() {
        let parts = split_content(&proto.tensor_content, shape.elements());
        let parts = parts.ok_or_else(|| bad(format!("{dtype} content of wrong length")))?;
        return from_parts(dtype, shape, &parts);
    }
    let want = dtype.size().and_then(|size| size.checked_mul(shape.elements()));
    if want != Some(proto.tensor_content.len()) {
        let have = proto.tensor_content.len();
        return Err(bad(format!("{have} bytes of content for a {dtype} tensor of shape {shape}")));
    }
    let buffer = Buffer::copy_of(&proto.tensor_content)?;
    from_content(dtype, shape, buffer).map_err(|e| bad(e.message().to_owned()))
}

/// The tensor of raw elements, as `tensor_content` and checkpoints hold them.
///
/// The bits that elements of less than a byte leave unused, which TensorFlow ignores, are set as
/// [`Tensor`] wants them; all other elements stay where they are.
///
/// # Errors
/// `INVALID_ARGUMENT` when the bytes are no such tensor.
pub fn from_content(dtype: DType, shape: Shape, mut content: Buffer) -> Result<Tensor> {
    if let Some(normal) = narrow(dtype) {
        content.bytes_mut()?.iter_mut().for_each(|byte| *byte = normal(*byte));
    }
    Tensor::from_buffer(dtype, shape, content)
}

/// How many elements the values of a message make, when they are read as this dtype.
pub fn value_count(proto: &TensorProto, dtype: DType) -> usize {
    match dtype {
        DType::Float => proto.float_val.len(),
        DType::Double => proto.double_val.len(),
        DType::Complex64 => proto.scomplex_val.len() / 2,
        DType::Complex128 => proto.dcomplex_val.len() / 2,
        DType::Int64 => proto.int64_val.len(),
        DType::Uint32 => proto.uint32_val.len(),
        DType::Uint64 => proto.uint64_val.len(),
        DType::Bool => proto.bool_val.len(),
        DType::Half | DType::Bfloat16 => proto.half_val.len(),
        DType::String => proto.string_val.len(),
        DType::Resource => proto.resource_handle_val.len(),
        DType::Variant => proto.variant_val.len(),
        float8 if float8.is_floating() => proto.float8_val.len(),
        _ => proto.int_val.len(),
    }
}

/// How a dtype that leaves bits of its byte unused has them set.
fn narrow(dtype: DType) -> Option<fn(u8) -> u8> {
    match dtype {
        DType::Int4 => Some(|byte| ((byte as i8) << 4 >> 4) as u8),
        DType::Int2 => Some(|byte| ((byte as i8) << 6 >> 6) as u8),
        DType::Uint4 | DType::Float4E2m1fn => Some(|byte| byte & 0xf),
        DType::Uint2 => Some(|byte| byte & 0x3),
        _ => None,
    }
}

fn check_splat(proto: &TensorProto, dtype: DType, shape: &Shape) -> Result<()> {
    let size = dtype.size().unwrap_or(size_of::<Bytes>());
    let bytes = shape.elements().checked_mul(size);
    let small = bytes.is_some_and(|bytes| bytes <= MAX_SPLAT_BYTES);
    if small || crate::Message::encoded_len(proto) >= shape.elements() {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "a message would be spread over a {dtype} tensor of shape {shape}, above {MAX_SPLAT_BYTES} bytes"
    )))
}

fn from_values(proto: &TensorProto, dtype: DType, shape: Shape) -> Result<Tensor> {
    let p = proto;
    match dtype {
        DType::Float => fill(shape, p.float_val.iter().copied()),
        DType::Double => fill(shape, p.double_val.iter().copied()),
        DType::Int32 => fill(shape, p.int_val.iter().copied()),
        DType::Uint8 => fill(shape, p.int_val.iter().map(|&v| v as u8)),
        DType::Int16 => fill(shape, p.int_val.iter().map(|&v| v as i16)),
        DType::Int8 => fill(shape, p.int_val.iter().map(|&v| v as i8)),
        DType::String => fill_strings(shape, &p.string_val),
        DType::Complex64 => fill(shape, p.scomplex_val.chunks_exact(2).map(|v| Complex32::new(v[0], v[1]))),
        DType::Int64 => fill(shape, p.int64_val.iter().copied()),
        DType::Bool => fill(shape, p.bool_val.iter().copied()),
        DType::Qint8 => fill(shape, p.int_val.iter().map(|&v| Qint8(v as i8))),
        DType::Quint8 => fill(shape, p.int_val.iter().map(|&v| Quint8(v as u8))),
        DType::Qint32 => fill(shape, p.int_val.iter().map(|&v| Qint32(v))),
        DType::Bfloat16 => fill(shape, p.half_val.iter().map(|&v| bf16::from_bits(v as u16))),
        DType::Qint16 => fill(shape, p.int_val.iter().map(|&v| Qint16(v as i16))),
        DType::Quint16 => fill(shape, p.int_val.iter().map(|&v| Quint16(v as u16))),
        DType::Uint16 => fill(shape, p.int_val.iter().map(|&v| v as u16)),
        DType::Complex128 => fill(shape, p.dcomplex_val.chunks_exact(2).map(|v| Complex64::new(v[0], v[1]))),
        DType::Half => fill(shape, p.half_val.iter().map(|&v| f16::from_bits(v as u16))),
        DType::Resource => fill_units::<Variant>(
            dtype,
            shape,
            p.resource_handle_val.iter().map(|proto| to_handle(proto).into()),
        ),
        DType::Variant => fill_units(dtype, shape, p.variant_val.iter().map(to_variant)),
        DType::Uint32 => fill(shape, p.uint32_val.iter().copied()),
        DType::Uint64 => fill(shape, p.uint64_val.iter().copied()),
        DType::Float8E5m2 => fill(shape, p.float8_val.iter().map(|&v| Float8E5m2(v))),
        DType::Float8E4m3fn => fill(shape, p.float8_val.iter().map(|&v| Float8E4m3fn(v))),
        DType::Float8E4m3fnuz => fill(shape, p.float8_val.iter().map(|&v| Float8E4m3fnuz(v))),
        DType::Float8E4m3b11fnuz => fill(shape, p.float8_val.iter().map(|&v| Float8E4m3b11fnuz(v))),
        DType::Float8E5m2fnuz => fill(shape, p.float8_val.iter().map(|&v| Float8E5m2fnuz(v))),
        DType::Int4 => fill(shape, p.int_val.iter().map(|&v| Int4((v as i8) << 4 >> 4))),
        DType::Uint4 => fill(shape, p.int_val.iter().map(|&v| Uint4(v as u8 & 0xf))),
        DType::Int2 => fill(shape, p.int_val.iter().map(|&v| Int2((v as i8) << 6 >> 6))),
        DType::Uint2 => fill(shape, p.int_val.iter().map(|&v| Uint2(v as u8 & 0x3))),
        DType::Float4E2m1fn => fill(shape, p.float8_val.iter().map(|&v| Float4E2m1fn(v & 0xf))),
    }
}

fn fill<T: Element>(shape: Shape, values: impl Iterator<Item = T>) -> Result<Tensor> {
    let mut tensor = Tensor::zeros(T::DTYPE, shape)?;
    spread(tensor.as_mut_slice::<T>()?, values);
    Ok(tensor)
}

fn fill_units<U: Unit>(dtype: DType, shape: Shape, values: impl Iterator<Item = U>) -> Result<Tensor> {
    let mut tensor = Tensor::zeros(dtype, shape)?;
    spread(tensor.units_mut::<U>()?, values);
    Ok(tensor)
}

/// Writes the values, and the last one to what is left.
fn spread<T: Clone>(out: &mut [T], values: impl Iterator<Item = T>) {
    let mut filled = 0_usize;
    for (slot, value) in out.iter_mut().zip(values) {
        *slot = value;
        filled += 1;
    }
    if let Some(last) = filled.checked_sub(1).map(|last| out[last].clone()) {
        out[filled..].fill(last);
    }
}

/// Strings in one new allocation, so that they don't keep alive the whole file they were decoded from.
fn fill_strings<S: AsRef<[u8]>>(shape: Shape, values: &[S]) -> Result<Tensor> {
    let values = &values[..values.len().min(shape.elements())];
    let joined = Bytes::from(values.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>().concat());
    let mut rest = joined;
    let strings = values.iter().map(|value| rest.split_to(value.as_ref().len()));
    fill_units(DType::String, shape, strings)
}

/// Strings, or messages, as raw content: all lengths, as varints, before all bytes.
fn split_content(content: &[u8], count: usize) -> Option<Vec<&[u8]>> {
    let mut rest = content;
    let mut lengths = Vec::new();
    for _ in 0..count {
        lengths.push(usize::try_from(prost::encoding::decode_varint(&mut rest).ok()?).ok()?);
    }
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (part, after) = rest.split_at_checked(length)?;
        parts.push(part);
        rest = after;
    }
    rest.is_empty().then_some(parts)
}

fn from_parts(dtype: DType, shape: Shape, parts: &[&[u8]]) -> Result<Tensor> {
    match dtype {
        DType::Resource => {
            fill_units::<Variant>(dtype, shape, messages(parts)?.iter().map(|proto| to_handle(proto).into()))
        }
        DType::Variant => fill_units(dtype, shape, messages(parts)?.iter().map(to_variant)),
        _ => fill_strings(shape, parts),
    }
}

fn messages<M: crate::Message + crate::Name + Default>(parts: &[&[u8]]) -> Result<Vec<M>> {
    parts.iter().map(|part| crate::decode(Bytes::copy_from_slice(part))).collect()
}

fn to_handle(proto: &ResourceHandleProto) -> Handle {
    Handle::new(&proto.container, &proto.name, Arc::new(proto.clone()))
}

fn to_variant(proto: &VariantTensorDataProto) -> Variant {
    if *proto == VariantTensorDataProto::default() {
        return Variant::default();
    }
    Variant::new(EncodedVariant(proto.clone()))
}

/// The message of a tensor: numbers as `tensor_content`, all else as values.
///
/// # Errors
/// `UNIMPLEMENTED` for variants other than [`EncodedVariant`] and the empty one.
pub fn from_tensor(tensor: &Tensor) -> Result<TensorProto> {
    let mut proto = TensorProto {
        dtype: tensor.dtype().number(),
        tensor_shape: Some(from_shape(tensor.shape())),
        ..Default::default()
    };
    match tensor.dtype() {
        DType::String => proto.string_val = tensor.strings()?.to_vec(),
        DType::Resource => proto.resource_handle_val = tensor.handles()?.iter().map(from_handle).collect(),
        DType::Variant => {
            proto.variant_val = tensor.variants()?.iter().map(from_variant).collect::<Result<_>>()?;
        }
        _ => proto.tensor_content = Bytes::copy_from_slice(tensor.bytes().unwrap_or_default()),
    }
    Ok(proto)
}

fn from_handle(handle: &Handle) -> ResourceHandleProto {
    handle.get::<ResourceHandleProto>().cloned().unwrap_or_else(|| ResourceHandleProto {
        container: handle.container().to_owned(),
        name: handle.name().to_owned(),
        ..Default::default()
    })
}

fn from_variant(variant: &Variant) -> Result<VariantTensorDataProto> {
    if variant.is_empty() {
        return Ok(VariantTensorDataProto::default());
    }
    let encoded = variant.get::<EncodedVariant>().map(|encoded| encoded.0.clone());
    encoded.ok_or_else(|| {
        Error::unimplemented(format!("a variant of type {} can't be written", variant.type_name()))
    })
}
