//! Carriers as elements.

use num_complex::Complex;
use savedmodel_math::lane::{truncate_i32 as int32, truncate_i32_f64 as int32_of, truncate_i64 as int64};
use savedmodel_math::narrow::Narrow;
use savedmodel_op::Kernel;
use savedmodel_tensor::{DType, bf16, f16};

use super::float8;
use super::kernel;
use super::read::Read;
use crate::elementwise::{BLOCK, loops};

type Built = Option<Box<dyn Kernel>>;

/// The kernel of each destination: `writers!(dst, read, map; Dtypes => Type: |x| element, …)`.
macro_rules! writers {
    ($dst:expr, $read:expr; $($dtype:pat => $t:ty: $f:expr),+ $(,)?) => {
        match $dst {
            $($dtype => Some(kernel::<_, $t>($dst, $read, |x, out| loops::map(x, out, $f))),)+
            _ => None,
        }
    };
}

/// The kernel from `src`, which `read` gives as `f32`, of which the lowest `chopped` mantissa bits are cleared.
pub fn from_f32((src, dst): (DType, DType), read: Read<f32>, chopped: u32) -> Built {
    let packet = packet(src, dst);
    let chop = move |x: &mut [f32]| {
        if chopped > 0 {
            x.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits() >> chopped << chopped));
        }
    };
    use DType::*;
    Some(match dst {
        Half => kernel::<_, f16>(dst, read, move |x, out| {
            chop(x);
            f16::narrow(x, out);
        }),
        Bfloat16 => kernel::<_, bf16>(dst, read, move |x, out| {
            chop(x);
            bf16::narrow(x, out);
        }),
        Float8E5m2 => kernel::<_, u8>(dst, read, move |x, out| {
            chop(x);
            loops::map(x, out, |x| float8::E5M2.encode(x));
        }),
        Float8E4m3fn => kernel::<_, u8>(dst, read, move |x, out| {
            chop(x);
            loops::map(x, out, |x| float8::E4M3FN.encode(x));
        }),
        Int32 | Qint32 => kernel::<_, i32>(dst, read, |x, out| loops::map_hot(x, out, int32)),
        Int64 => kernel::<_, i64>(dst, read, |x, out| loops::map_hot(x, out, |x| int64(x.into()))),
        Bool => kernel::<_, u8>(dst, read, |x, out| loops::map_hot(x, out, |x| u8::from(x != 0.0))),
        Uint8 | Quint8 => kernel::<_, u8>(dst, read, move |x, out| {
            let (head, rest) = split(x, out, packet);
            loops::map_hot(head.0, head.1, |x| packed_i16(int32(x)).clamp(0, 255) as u8);
            loops::map_hot(rest.0, rest.1, |x| int32(x) as u8);
        }),
        Int8 | Qint8 => kernel::<_, i8>(dst, read, move |x, out| {
            packets(x, out, packet, |x| int32(x).clamp(-128, 127) as i8, |x| int32(x) as i8);
        }),
        Int16 | Qint16 => kernel::<_, i16>(dst, read, move |x, out| {
            packets(x, out, packet, |x| packed_i16(int32(x)), |x| int32(x) as i16);
        }),
        Uint16 | Quint16 => kernel::<_, u16>(dst, read, move |x, out| {
            packets(x, out, packet, |x| packed_u16(int32(x)), |x| int32(x) as u16);
        }),
        Uint32 => kernel::<_, u32>(dst, read, move |x, out| {
            let head = |x| uint32(int32(x), int32(x - 2_147_483_648.0));
            packets(x, out, packet, head, |x| int64(x.into()) as u32);
        }),
        _ => {
            return writers!(dst, read;
                Uint64 => u64: |x| uint64(x.into()),
                Float => f32: |x| x,
                Double => f64: |x| x.into(),
                Complex64 => Complex<f32>: |x| x.into(),
                Complex128 => Complex<f64>: |x| f64::from(x).into(),
            );
        }
    })
}

/// The kernel from `src`, which `read` gives as `f64`, of which the lowest `chopped` mantissa bits are cleared.
pub fn from_f64((src, dst): (DType, DType), read: Read<f64>, chopped: u32) -> Built {
    let packet = packet(src, dst);
    let single = move |x: f64| f64::from_bits(x.to_bits() >> chopped << chopped) as f32;
    use DType::*;
    Some(match dst {
        Float => kernel::<_, f32>(dst, read, move |x, out| loops::map(x, out, single)),
        Complex64 => {
            kernel::<_, Complex<f32>>(dst, read, move |x, out| loops::map(x, out, |x| single(x).into()))
        }
        Half => {
            kernel::<_, f16>(dst, read, move |x, out| f16::narrow(singles(x, &mut [0.0; BLOCK], single), out))
        }
        Bfloat16 => kernel::<_, bf16>(dst, read, move |x, out| {
            bf16::narrow(singles(x, &mut [0.0; BLOCK], single), out)
        }),
        Float8E5m2 => {
            kernel::<_, u8>(dst, read, move |x, out| loops::map(x, out, |x| float8::E5M2.encode(single(x))))
        }
        Float8E4m3fn => {
            kernel::<_, u8>(dst, read, move |x, out| loops::map(x, out, |x| float8::E4M3FN.encode(single(x))))
        }
        Int8 | Qint8 => kernel::<_, i8>(dst, read, move |x, out| {
            packets(x, out, packet, |x| int32_of(x).clamp(-128, 127) as i8, |x| int32_of(x) as i8);
        }),
        Int16 | Qint16 => kernel::<_, i16>(dst, read, move |x, out| {
            packets(x, out, packet, |x| packed_i16(int32_of(x)), |x| int32_of(x) as i16);
        }),
        Uint8 | Quint8 => kernel::<_, u8>(dst, read, move |x, out| {
            let head = |x| (packed_u16(int32_of(x)) as i16).clamp(0, 255) as u8;
            packets(x, out, packet, head, |x| int32_of(x) as u8);
        }),
        Uint16 | Quint16 => kernel::<_, u16>(dst, read, move |x, out| {
            packets(x, out, packet, |x| packed_u16(int32_of(x)), |x| int32_of(x) as u16);
        }),
        Uint32 => kernel::<_, u32>(dst, read, move |x, out| {
            let head = |x| uint32(int32_of(x), int32_of(x - 2_147_483_648.0));
            packets(x, out, packet, head, |x| int64(x) as u32);
        }),
        _ => {
            return writers!(dst, read;
                Int32 | Qint32 => i32: int32_of,
                Int64 => i64: int64,
                Uint64 => u64: uint64,
                Bool => u8: |x| u8::from(x != 0.0),
                Double => f64: |x| x,
                Complex128 => Complex<f64>: |x| x.into(),
            );
        }
    })
}

/// The block of carriers as floats, for the narrow floats, which are made of those.
fn singles<'a, C: Copy>(x: &[C], buffer: &'a mut [f32; BLOCK], single: impl Fn(C) -> f32) -> &'a [f32] {
    let buffer = &mut buffer[..x.len()];
    loops::map(x, buffer, single);
    buffer
}

/// The kernels from an integer carrier.
macro_rules! from_integers {
    ($($(#[$doc:meta])* $name:ident: $c:ty;)+) => {
        $($(#[$doc])* pub fn $name(dst: DType, read: Read<$c>) -> Built {
            use DType::*;
            match dst {
                Half => return Some(kernel::<_, f16>(dst, read, |x, out| {
                    f16::narrow(singles(x, &mut [0.0; BLOCK], |x| x as f32), out);
                })),
                Bfloat16 => return Some(kernel::<_, bf16>(dst, read, |x, out| {
                    bf16::narrow(singles(x, &mut [0.0; BLOCK], |x| x as f32), out);
                })),
                Float => return Some(kernel::<_, f32>(dst, read, |x, out| loops::map_hot(x, out, |x| x as f32))),
                _ => {}
            }
            writers!(dst, read;
                Int8 | Qint8 => i8: |x| x as i8,
                Int16 | Qint16 => i16: |x| x as i16,
                Int32 | Qint32 => i32: |x| x as i32,
                Int64 => i64: |x| x as i64,
                Uint8 | Quint8 => u8: |x| x as u8,
                Uint16 | Quint16 => u16: |x| x as u16,
                Uint32 => u32: |x| x as u32,
                Uint64 => u64: |x| x as u64,
                Int4 => i8: |x| (x as i8) << 4 >> 4,
                Uint4 => u8: |x| x as u8 & 15,
                Bool => u8: |x| u8::from(x != 0),
                Double => f64: |x| x as f64,
                Complex64 => Complex<f32>: |x| (x as f32).into(),
                Complex128 => Complex<f64>: |x| (x as f64).into(),
            )
        })+
    };
}

from_integers! {
    /// The kernel from a source that `read` gives as `i32`.
    from_i32: i32;
    /// The kernel from a source that `read` gives as `i64`.
    from_i64: i64;
    /// The kernel from a source that `read` gives as `u64`.
    from_u64: u64;
}

/// How many elements TensorFlow converts at a time, with instructions that clamp what does not fit; 0 where it has none.
fn packet(src: DType, dst: DType) -> usize {
    use DType::*;
    match (src, dst) {
        (Complex128, Uint32) => 0,
        (Half | Bfloat16 | Float | Double | Complex64 | Float8E5m2 | Float8E4m3fn, Uint32)
        | (Bfloat16, _) => 8,
        (Half | Double | Complex128, _) => 16,
        (Float, _) => 32,
        _ => 0,
    }
}

type Pair<'a, C, D> = (&'a [C], &'a mut [D]);

/// The elements that fill packets, and the rest. The blocks before the last one of a tensor have no rest.
fn split<'a, C, D>(x: &'a [C], out: &'a mut [D], packet: usize) -> (Pair<'a, C, D>, Pair<'a, C, D>) {
    let whole = x.len().checked_div(packet).unwrap_or(0) * packet;
    let (head, rest) = out.split_at_mut(whole);
    ((&x[..whole], head), (&x[whole..], rest))
}

/// `head` of the elements that fill packets, `rest` of the others.
fn packets<C: Copy, D>(x: &[C], out: &mut [D], packet: usize, head: impl Fn(C) -> D, rest: impl Fn(C) -> D) {
    let (packed, loose) = split(x, out, packet);
    loops::map_hot(packed.0, packed.1, head);
    loops::map(loose.0, loose.1, rest);
}

fn packed_i16(x: i32) -> i16 {
    x.clamp(-32768, 32767) as i16
}

fn packed_u16(x: i32) -> u16 {
    x.clamp(0, 65535) as u16
}

/// Of the signed conversions of a number and of the number less 2³¹.
fn uint32(low: i32, high: i32) -> u32 {
    (low | high & low >> 31) as u32
}

/// As compilers make it of two signed conversions.
fn uint64(x: f64) -> u64 {
    let (low, high) = (int64(x), int64(x - 9_223_372_036_854_775_808.0));
    (low | high & low >> 63) as u64
}
