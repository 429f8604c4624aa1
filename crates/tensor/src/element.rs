//! The Rust types that tensors hold.

use std::fmt::Debug;

use half::{bf16, f16};
use num_complex::{Complex32, Complex64};

use crate::DType;

mod sealed {
    pub trait Sealed {}
}

/// A plain Rust type that is the element of some dtype.
///
/// Sealed: only types of which every bit pattern is a value (and `bool`, whose bytes are checked where
/// foreign bytes come in) may stand here, because buffers are viewed as slices of them.
pub trait Element: sealed::Sealed + Copy + Default + PartialEq + Debug + Send + Sync + 'static {
    /// The dtype of tensors of this element.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($type:ty => $dtype:ident;)*) => {
        $(impl sealed::Sealed for $type {}
        impl Element for $type { const DTYPE: DType = DType::$dtype; })*
    };
}

macro_rules! wrappers {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(transparent)]
        pub struct $name(pub $inner);
        elements! { $name => $name; })*
    };
}

elements! {
    f32 => Float; f64 => Double; f16 => Half; bf16 => Bfloat16;
    i8 => Int8; i16 => Int16; i32 => Int32; i64 => Int64;
    u8 => Uint8; u16 => Uint16; u32 => Uint32; u64 => Uint64;
    bool => Bool; Complex32 => Complex64; Complex64 => Complex128;
}

wrappers! {
    /// An element of `qint8`.
    Qint8(i8);
    /// An element of `quint8`.
    Quint8(u8);
    /// An element of `qint16`.
    Qint16(i16);
    /// An element of `quint16`.
    Quint16(u16);
    /// An element of `qint32`.
    Qint32(i32);
    /// The bits of a `float8_e5m2`.
    Float8E5m2(u8);
    /// The bits of a `float8_e4m3fn`.
    Float8E4m3fn(u8);
    /// The bits of a `float8_e4m3fnuz`.
    Float8E4m3fnuz(u8);
    /// The bits of a `float8_e4m3b11fnuz`.
    Float8E4m3b11fnuz(u8);
    /// The bits of a `float8_e5m2fnuz`.
    Float8E5m2fnuz(u8);
    /// An `int4`, sign extended.
    Int4(i8);
    /// A `uint4`, zero extended.
    Uint4(u8);
    /// An `int2`, sign extended.
    Int2(i8);
    /// A `uint2`, zero extended.
    Uint2(u8);
    /// The bits of a `float4_e2m1fn`.
    Float4E2m1fn(u8);
}
