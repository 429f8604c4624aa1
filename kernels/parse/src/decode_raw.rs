//! `DecodeRaw` and `DecodePaddedRaw`.

use std::sync::Arc;

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Buffer, Bytes, DType, Error, PartialShape, Result, Shape, Tensor, UnitKind};

/// Takes the bytes of strings as numbers.
///
/// Strings must be of one length, or are cut and filled with zeros to `fixed_length` (padded version). The parts of
/// complex numbers have their bytes swapped one by one.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeRaw> and
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodePaddedRaw>.
pub const OPS: &[Op] = &[
    Op {
        name: "DecodeRaw",
        inputs: &["bytes: string"],
        outputs: &["output: out_type"],
        attrs: &[
            "out_type: {half, float, double, int32, uint16, uint8, int16, int8, int64, complex64, complex128, bool, \
             bfloat16}",
            "little_endian: bool = true",
        ],
        effect: Effect::Pure,
        shape: infer,
        kernels: Kernels::All(&[("out_type", RAW)], build),
    },
    Op {
        name: "DecodePaddedRaw",
        inputs: &["input_bytes: string", "fixed_length: int32"],
        outputs: &["output: out_type"],
        attrs: &[
            "out_type: {half, float, double, int32, uint16, uint8, int16, int8, int64, bfloat16}",
            "little_endian: bool = true",
        ],
        effect: Effect::Pure,
        shape: infer,
        kernels: Kernels::All(&[("out_type", PADDED)], build_padded),
    },
];

const RAW: &[DType] = &[
    DType::Half,
    DType::Float,
    DType::Double,
    DType::Int32,
    DType::Uint16,
    DType::Uint8,
    DType::Int16,
    DType::Int8,
    DType::Int64,
    DType::Complex64,
    DType::Complex128,
    DType::Bool,
    DType::Bfloat16,
];

const PADDED: &[DType] = &[
    DType::Float,
    DType::Double,
    DType::Int32,
    DType::Uint16,
    DType::Uint8,
    DType::Int16,
    DType::Int8,
    DType::Int64,
    DType::Bfloat16,
];

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    Ok(vec![PartialShape::new(dims.iter().copied().chain([None]))])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (dtype, little): (DType, bool) = (node.attr("out_type")?, node.attr("little_endian")?);
    let size = dtype.size().unwrap_or(1);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let strings = ctx.input(0).strings()?;
        let len = strings.first().map_or(0, Bytes::len);
        if let Some((i, other)) = strings.iter().enumerate().find(|string| string.1.len() != len) {
            return Err(Error::invalid_argument(format!(
                "DecodeRaw requires input strings to all be the same size, but element {i} has size {len} != {}",
                other.len()
            )));
        }
        if len % size != 0 {
            return Err(Error::invalid_argument(format!(
                "Input to DecodeRaw has length {len} that is not a multiple of {size}, the size of {dtype}"
            )));
        }
        let mut shape = ctx.input(0).shape().clone();
        shape.push(len / size);
        let out = match strings {
            // One string in the machine's order is used where it lies.
            [string] if little && dtype != DType::Bool => {
                Tensor::from_buffer(dtype, shape, Buffer::foreign(Arc::new(string.clone())))?
            }
            _ => decode(ctx, dtype, shape, len, little)?,
        };
        ctx.set(0, out);
        Ok(())
    }))
}

fn build_padded(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (dtype, little): (DType, bool) = (node.attr("out_type")?, node.attr("little_endian")?);
    let size = dtype.size().unwrap_or(1);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let length = ctx.input(1);
        let (0, [length]) = (length.rank(), length.as_slice::<i32>()?) else {
            let shape = length.shape();
            return Err(Error::invalid_argument(format!("k must be scalar, got shape {shape}")));
        };
        if length % size as i32 != 0 {
            return Err(Error::invalid_argument(format!(
                "fixed_length ({length}) must be a multiple of the size of out_type ({size})"
            )));
        }
        let Some(len) = usize::try_from(*length).ok().filter(|&len| len > 0) else {
            let message = format!("fixed_length ({length}) must be greater than zero.");
            return Err(Error::invalid_argument(message));
        };
        let mut shape = ctx.input(0).shape().clone();
        shape.push(len / size);
        let out = decode(ctx, dtype, shape, len, little)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// The first `len` bytes of each string, filled up with zeros.
fn decode(ctx: &Context<'_>, dtype: DType, shape: Shape, len: usize, little: bool) -> Result<Tensor> {
    let mut out = ctx.allocate(dtype, shape)?;
    let strings = ctx.input(0).strings()?;
    match dtype.unit() {
        UnitKind::U8 if dtype == DType::Bool => {
            fill(out.units_mut::<u8>()?, strings, len, |[byte]: [u8; 1]| u8::from(byte != 0))
        }
        UnitKind::U8 => fill(out.units_mut::<u8>()?, strings, len, |[byte]: [u8; 1]| byte),
        UnitKind::U16 if little => fill(out.units_mut::<u16>()?, strings, len, u16::from_le_bytes),
        UnitKind::U16 => fill(out.units_mut::<u16>()?, strings, len, u16::from_be_bytes),
        UnitKind::U32 if little => fill(out.units_mut::<u32>()?, strings, len, u32::from_le_bytes),
        UnitKind::U32 => fill(out.units_mut::<u32>()?, strings, len, u32::from_be_bytes),
        UnitKind::U64 if little => fill(out.units_mut::<u64>()?, strings, len, u64::from_le_bytes),
        UnitKind::U64 if dtype == DType::Complex64 => {
            fill(out.units_mut::<u64>()?, strings, len, |bytes| u64::from_be_bytes(bytes).rotate_left(32));
        }
        UnitKind::U64 => fill(out.units_mut::<u64>()?, strings, len, u64::from_be_bytes),
        _ => fill(out.units_mut::<[u64; 2]>()?, strings, len, |bytes: [u8; 16]| {
            let halves = bytes.as_chunks::<8>().0;
            let part =
                |i: usize| if little { u64::from_le_bytes(halves[i]) } else { u64::from_be_bytes(halves[i]) };
            [part(0), part(1)]
        }),
    }
    Ok(out)
}

fn fill<U: Send, const N: usize>(
    out: &mut [U],
    strings: &[Bytes],
    len: usize,
    number: impl Fn([u8; N]) -> U + Sync,
) {
    par::for_rows_mut(out, len / N, par::grain(20.0 + len as f64 / 8.0), |first, rows| {
        for (row, string) in rows.chunks_exact_mut(len / N).zip(&strings[first..]) {
            let (numbers, rest) = string[..string.len().min(len)].as_chunks::<N>();
            let mut last = [0; N];
            last[..rest.len()].copy_from_slice(rest);
            let (given, padding) = row.split_at_mut(numbers.len());
            given.iter_mut().zip(numbers).for_each(|(out, &bytes)| *out = number(bytes));
            padding.iter_mut().for_each(|out| *out = number(std::mem::replace(&mut last, [0; N])));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, vector};
    use savedmodel_op::testing::OpTest;

    fn raw<const N: usize>(strings: [&[u8]; N], dtype: DType) -> OpTest<'static> {
        OpTest::new(&OPS[0]).attr("out_type", dtype).input(vector(strings))
    }

    fn padded<const N: usize>(strings: [&[u8]; N], dtype: DType, len: i32) -> OpTest<'static> {
        OpTest::new(&OPS[1]).attr("out_type", dtype).input(vector(strings)).input(Tensor::scalar(len))
    }

    #[test]
    fn numbers() {
        check(raw([b"\x01\0\x02\0", b"\xff\xff\0\x01"], DType::Int16), "int16[2,2] 1 2 -1 256");
        check(raw([b"\x01\0\x02\0"], DType::Int16).attr("little_endian", false), "int16[1,2] 256 512");
        check(raw([b"\0\x02"], DType::Bool), "bool[1,2] false true");
        check(raw([], DType::Int32), "int32[0,0]");
        let complex = raw([b"\x3f\x80\0\0\x40\0\0\0"], DType::Complex64).attr("little_endian", false);
        check(complex, "complex64[1,1] 1+2i");
        check(padded([b"\x01\0\x02", b""], DType::Int16, 4), "int16[2,2] 1 2 0 0");
        let big = padded([b"\x01\0\x02", b""], DType::Int16, 4).attr("little_endian", false);
        check(big, "int16[2,2] 256 512 0 0");
        check(padded([b"abcdef"], DType::Uint8, 2), "uint8[1,2] 97 98");
        check(padded([b"\0\0\x80\x3f"], DType::Float, 8), "float[1,2] 1 0");
    }

    #[test]
    fn refusals() {
        let sizes = "INVALID_ARGUMENT: DecodeRaw requires input strings to all be the same size, but element 1 has \
                     size 1 != 2";
        check(raw([b"a", b"bc"], DType::Uint8), sizes);
        let multiple = "INVALID_ARGUMENT: Input to DecodeRaw has length 3 that is not a multiple of 2, the size of int16";
        check(raw([b"abc"], DType::Int16), multiple);
        let multiple = "INVALID_ARGUMENT: fixed_length (-3) must be a multiple of the size of out_type (2)";
        check(padded([b"a"], DType::Int16, -3), multiple);
        for len in [0, -2] {
            let zero = format!("INVALID_ARGUMENT: fixed_length ({len}) must be greater than zero.");
            check(padded([b"a"], DType::Int16, len), &zero);
        }
    }
}
