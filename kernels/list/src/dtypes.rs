//! The dtypes of the elements of lists.

use savedmodel_tensor::DType::{self, *};

/// The dtypes that a list's elements can be made, stacked and cut in.
pub(crate) const ELEMENTS: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Qint8, Quint8, Qint16, Quint16, Qint32, Variant,
];

/// The dtypes whose tensors an array can stack.
pub(crate) const STACKED: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Qint8, Quint8, Qint32, Variant,
];

/// The dtypes whose tensors an array can join.
pub(crate) const JOINED: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Qint8, Quint8, Qint32,
];
