//! Carriers as elements.

use num_complex::Complex;
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

/// The kernel from a source that `read` gives as `f32`, of which the lowest `chopped` mantissa bits are cleared.
pub fn from_f32(dst: DType, read: Read<f32>, chopped: u32) -> Built {
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
        Uint8 | Quint8 => kernel::<_, u8>(dst, read, |x, out| loops::map_hot(x, out, |x| int32(x) as u8)),
        _ => {
            return writers!(dst, read;
                Int8 | Qint8 => i8: |x| int32(x) as i8,
                Int16 | Qint16 => i16: |x| int32(x) as i16,
                Uint16 | Quint16 => u16: |x| int32(x) as u16,
                Int64 => i64: |x| int64(x.into()),
                Uint32 => u32: |x| int64(x.into()) as u32,
                Uint64 => u64: |x| uint64(x.into()),
                Bool => u8: |x| u8::from(x != 0.0),
                Float => f32: |x| x,
                Double => f64: |x| x.into(),
                Complex64 => Complex<f32>: |x| x.into(),
                Complex128 => Complex<f64>: |x| f64::from(x).into(),
            );
        }
    })
}

/// The kernel from a source that `read` gives as `f64`, of which the lowest `chopped` mantissa bits are cleared.
pub fn from_f64(dst: DType, read: Read<f64>, chopped: u32) -> Built {
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
        _ => {
            return writers!(dst, read;
                Int8 | Qint8 => i8: |x| int32_of(x) as i8,
                Int16 | Qint16 => i16: |x| int32_of(x) as i16,
                Int32 | Qint32 => i32: int32_of,
                Int64 => i64: int64,
                Uint8 | Quint8 => u8: |x| int32_of(x) as u8,
                Uint16 | Quint16 => u16: |x| int32_of(x) as u16,
                Uint32 => u32: |x| int64(x) as u32,
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

/// Towards zero; `i32::MIN` for what does not fit, as x86 does.
fn int32(x: f32) -> i32 {
    if (-2_147_483_648.0..2_147_483_648.0).contains(&x) { x as i32 } else { i32::MIN }
}

fn int32_of(x: f64) -> i32 {
    if x > -2_147_483_649.0 && x < 2_147_483_648.0 { x as i32 } else { i32::MIN }
}

fn int64(x: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&x) { x as i64 } else { i64::MIN }
}

/// As compilers make it of two signed conversions.
fn uint64(x: f64) -> u64 {
    let (low, high) = (int64(x), int64(x - 9_223_372_036_854_775_808.0));
    (low | high & low >> 63) as u64
}
