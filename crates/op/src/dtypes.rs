//! Lists of dtypes for the tables of operators.

use savedmodel_tensor::DType::{self, *};

/// Every dtype.
pub const ALL: &[DType] = DType::ALL;

/// What TensorFlow calls `TF_CALL_ALL_TYPES`: numbers, bool, string, resource, variant.
pub const POD_AND_POINTERS: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Resource, Variant,
];

/// Real and complex numbers.
pub const NUMBERS: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Complex64,
    Complex128,
];

/// Integers and floating-point numbers.
pub const REAL_NUMBERS: &[DType] =
    &[Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64];

/// The four floating-point types that kernels compute in.
pub const FLOATS: &[DType] = &[Float, Double, Half, Bfloat16];

/// Integers of eight bits and more.
pub const INTEGERS: &[DType] = &[Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64];

/// The dtypes of shapes, axes and most indices.
pub const INDICES: &[DType] = &[Int32, Int64];

/// The quantised types.
pub const QUANTIZED: &[DType] = &[Qint8, Quint8, Qint16, Quint16, Qint32];
