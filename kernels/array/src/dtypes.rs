//! The lists of dtypes that several operators of this family take.

use savedmodel_tensor::DType::{self, *};

/// Numbers and bool.
pub(crate) const POD: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128,
];

/// Numbers, bool, string.
pub(crate) const POD_STRING: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String,
];

/// Numbers, bool, string, three quantised types.
pub(crate) const POD_STRING_Q3: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Qint8, Quint8, Qint32,
];

/// Numbers, bool, string, three quantised types, two of eight bits with a point.
pub(crate) const POD_STRING_Q3_F8: &[DType] = &[
    Float,
    Double,
    Half,
    Bfloat16,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
    Complex64,
    Complex128,
    String,
    Qint8,
    Quint8,
    Qint32,
    Float8E5m2,
    Float8E4m3fn,
];

/// Numbers, bool, string, all quantised types, two of eight bits with a point.
pub(crate) const POD_STRING_Q5_F8: &[DType] = &[
    Float,
    Double,
    Half,
    Bfloat16,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
    Complex64,
    Complex128,
    String,
    Qint8,
    Quint8,
    Qint16,
    Quint16,
    Qint32,
    Float8E5m2,
    Float8E4m3fn,
];

/// Numbers, bool, pointers, two of eight bits with a point.
pub(crate) const POINTERS_F8: &[DType] = &[
    Float,
    Double,
    Half,
    Bfloat16,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
    Complex64,
    Complex128,
    String,
    Resource,
    Variant,
    Float8E5m2,
    Float8E4m3fn,
];

/// Numbers, bool, pointers, three quantised types, two of eight bits with a point.
pub(crate) const POINTERS_Q3_F8: &[DType] = &[
    Float,
    Double,
    Half,
    Bfloat16,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
    Complex64,
    Complex128,
    String,
    Resource,
    Variant,
    Qint8,
    Quint8,
    Qint32,
    Float8E5m2,
    Float8E4m3fn,
];

/// Numbers, bool, pointers, all quantised types, two of eight bits with a point.
pub(crate) const POINTERS_Q5_F8: &[DType] = &[
    Float,
    Double,
    Half,
    Bfloat16,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
    Complex64,
    Complex128,
    String,
    Resource,
    Variant,
    Qint8,
    Quint8,
    Qint16,
    Quint16,
    Qint32,
    Float8E5m2,
    Float8E4m3fn,
];

/// The dtypes of indices that may have sixteen bits.
pub(crate) const SMALL_INDICES: &[DType] = &[Int16, Int32, Int64];
