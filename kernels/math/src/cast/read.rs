//! Elements as carriers.

use std::ops::Range;

use savedmodel_math::narrow::Narrow;
use savedmodel_tensor::{
    Complex32, Complex64, DType, Element, Float8E4m3fn, Float8E5m2, Int4, Qint8, Qint16, Qint32, Quint8,
    Quint16, Result, Tensor, Uint4, bf16, f16,
};

use super::float8;
use crate::elementwise::{Map, loops};

/// Makes a reader of a tensor.
pub type Read<C> = fn(&Tensor) -> Result<Reader<'_, C>>;

/// Gives the elements of a range as carriers.
pub type Reader<'a, C> = Box<dyn Fn(Range<usize>, &mut [C]) + Sync + 'a>;

fn reader<S: Element, C: 'static>(x: &Tensor, convert: Map<S, C>) -> Result<Reader<'_, C>> {
    let x = x.as_slice::<S>()?;
    Ok(Box::new(move |range, out| convert(&x[range], out)))
}

/// A reader for each source type: `readers!(dtype; Type: |x| carrier, …)`.
macro_rules! readers {
    ($dtype:expr; $($t:ident: $f:expr),+ $(,)?) => {
        $(if $dtype == <$t as Element>::DTYPE {
            return Some(|x| reader::<$t, _>(x, |x, out| loops::map(x, out, $f)));
        })+
    };
}

/// The reader of a dtype whose carrier is `f32`.
pub fn f32s(dtype: DType) -> Option<Read<f32>> {
    match dtype {
        DType::Half => return Some(|x| reader::<f16, _>(x, f16::widen)),
        DType::Bfloat16 => return Some(|x| reader::<bf16, _>(x, bf16::widen)),
        _ => {}
    }
    readers!(dtype;
        f32: |x| x,
        Complex32: |x| x.re,
        Float8E5m2: |x| float8::E5M2.decode(x.0),
        Float8E4m3fn: |x| float8::E4M3FN.decode(x.0),
    );
    None
}

/// The reader of a dtype whose carrier is `f64`.
pub fn f64s(dtype: DType) -> Option<Read<f64>> {
    readers!(dtype; f64: |x| x, Complex64: |x| x.re);
    None
}

/// The reader of a dtype whose carrier is `i32`.
pub fn i32s(dtype: DType) -> Option<Read<i32>> {
    readers!(dtype;
        bool: |x| x.into(), i8: |x| x.into(), u8: |x| x.into(), i16: |x| x.into(), u16: |x| x.into(), i32: |x| x,
        Qint8: |x| x.0.into(), Quint8: |x| x.0.into(), Qint16: |x| x.0.into(), Quint16: |x| x.0.into(),
        Qint32: |x| x.0, Int4: |x| x.0.into(), Uint4: |x| x.0.into(),
    );
    None
}

/// The reader of a dtype whose carrier is `i64`.
pub fn i64s(dtype: DType) -> Option<Read<i64>> {
    readers!(dtype; i64: |x| x, u32: |x| x.into());
    None
}

/// The reader of a dtype whose carrier is `u64`.
pub fn u64s(dtype: DType) -> Option<Read<u64>> {
    readers!(dtype; u64: |x| x);
    None
}
