//! The element types of tensors: TensorFlow's `DataType`.

use std::fmt;

use crate::unit::UnitKind;

macro_rules! dtypes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $tf:literal, $unit:ident;)*) => {
        /// An element type, numbered as TensorFlow's `DataType` enum (types.proto).
        ///
        /// Reference types (`DT_FLOAT_REF` …) are not dtypes here: whether an edge carries a
        /// reference is a fact of the operator's declaration.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum DType { $($(#[$doc])* $variant = $number,)* }

        impl DType {
            /// Every dtype, in order of number.
            pub const ALL: &'static [DType] = &[$(DType::$variant),*];

            /// The dtype of a `DataType` number (reference types give their base type).
            pub fn from_number(number: i32) -> Option<DType> {
                let base = if number > 100 { number - 100 } else { number };
                match base { $($number => Some(DType::$variant),)* _ => None }
            }

            /// The name that TensorFlow's Python prints, such as `float32`.
            pub fn name(self) -> &'static str {
                match self { $(DType::$variant => $name,)* }
            }

            /// The name in TensorFlow's op declarations and error texts, such as `float`.
            pub fn op_def_name(self) -> &'static str {
                match self { $(DType::$variant => $tf,)* }
            }

            /// What one element is in memory.
            pub fn unit(self) -> UnitKind {
                match self { $(DType::$variant => UnitKind::$unit,)* }
            }
        }
    };
}

dtypes! {
    /// IEEE single precision.
    Float = 1, "float32", "float", U32;
    /// IEEE double precision.
    Double = 2, "float64", "double", U64;
    /// Signed, 32 bits.
    Int32 = 3, "int32", "int32", U32;
    /// Unsigned, 8 bits.
    Uint8 = 4, "uint8", "uint8", U8;
    /// Signed, 16 bits.
    Int16 = 5, "int16", "int16", U16;
    /// Signed, 8 bits.
    Int8 = 6, "int8", "int8", U8;
    /// Bytes of any length.
    String = 7, "string", "string", Bytes;
    /// Two floats.
    Complex64 = 8, "complex64", "complex64", U64;
    /// Signed, 64 bits.
    Int64 = 9, "int64", "int64", U64;
    /// One byte, 0 or 1.
    Bool = 10, "bool", "bool", U8;
    /// Quantised, signed, 8 bits.
    Qint8 = 11, "qint8", "qint8", U8;
    /// Quantised, unsigned, 8 bits.
    Quint8 = 12, "quint8", "quint8", U8;
    /// Quantised, signed, 32 bits.
    Qint32 = 13, "qint32", "qint32", U32;
    /// The upper half of a float.
    Bfloat16 = 14, "bfloat16", "bfloat16", U16;
    /// Quantised, signed, 16 bits.
    Qint16 = 15, "qint16", "qint16", U16;
    /// Quantised, unsigned, 16 bits.
    Quint16 = 16, "quint16", "quint16", U16;
    /// Unsigned, 16 bits.
    Uint16 = 17, "uint16", "uint16", U16;
    /// Two doubles.
    Complex128 = 18, "complex128", "complex128", U128;
    /// IEEE half precision.
    Half = 19, "float16", "half", U16;
    /// A handle to a variable, table, queue or other resource.
    Resource = 20, "resource", "resource", Variant;
    /// A value of any other kind, such as a tensor list.
    Variant = 21, "variant", "variant", Variant;
    /// Unsigned, 32 bits.
    Uint32 = 22, "uint32", "uint32", U32;
    /// Unsigned, 64 bits.
    Uint64 = 23, "uint64", "uint64", U64;
    /// 8 bits: 5 of exponent, 2 of mantissa.
    Float8E5m2 = 24, "float8_e5m2", "float8_e5m2", U8;
    /// 8 bits: 4 of exponent, 3 of mantissa, finite.
    Float8E4m3fn = 25, "float8_e4m3fn", "float8_e4m3fn", U8;
    /// 8 bits: 4 of exponent, 3 of mantissa, finite, no negative zero.
    Float8E4m3fnuz = 26, "float8_e4m3fnuz", "float8_e4m3fnuz", U8;
    /// 8 bits: 4 of exponent with bias 11, 3 of mantissa, finite, no negative zero.
    Float8E4m3b11fnuz = 27, "float8_e4m3b11fnuz", "float8_e4m3b11fnuz", U8;
    /// 8 bits: 5 of exponent, 2 of mantissa, finite, no negative zero.
    Float8E5m2fnuz = 28, "float8_e5m2fnuz", "float8_e5m2fnuz", U8;
    /// Signed, 4 bits, each in a byte of its own.
    Int4 = 29, "int4", "int4", U8;
    /// Unsigned, 4 bits, each in a byte of its own.
    Uint4 = 30, "uint4", "uint4", U8;
    /// Signed, 2 bits, each in a byte of its own.
    Int2 = 31, "int2", "int2", U8;
    /// Unsigned, 2 bits, each in a byte of its own.
    Uint2 = 32, "uint2", "uint2", U8;
    /// 4 bits: 2 of exponent, 1 of mantissa, finite.
    Float4E2m1fn = 33, "float4_e2m1fn", "float4_e2m1fn", U8;
}

impl DType {
    /// The number in TensorFlow's `DataType` enum.
    pub fn number(self) -> i32 {
        i32::from(self as u8)
    }

    /// Bytes per element; `None` for strings, handles and variants.
    pub fn size(self) -> Option<usize> {
        self.unit().size()
    }

    /// The dtype with this name in an op declaration (`float`, `half`) or in Python (`float32`).
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.iter().copied().find(|d| d.op_def_name() == name || d.name() == name)
    }

    /// Whether this is a binary floating-point type (of any width).
    pub fn is_floating(self) -> bool {
        use DType::*;
        matches!(
            self,
            Float
                | Double
                | Half
                | Bfloat16
                | Float8E5m2
                | Float8E4m3fn
                | Float8E4m3fnuz
                | Float8E4m3b11fnuz
                | Float8E5m2fnuz
                | Float4E2m1fn
        )
    }

    /// Whether this is a plain (not quantised) integer type.
    pub fn is_integer(self) -> bool {
        use DType::*;
        matches!(
            self,
            Int8 | Int16 | Int32 | Int64 | Uint8 | Uint16 | Uint32 | Uint64 | Int4 | Uint4 | Int2 | Uint2
        )
    }

    /// Whether this is one of the two complex types.
    pub fn is_complex(self) -> bool {
        matches!(self, DType::Complex64 | DType::Complex128)
    }

    /// Whether this is a quantised type.
    pub fn is_quantized(self) -> bool {
        use DType::*;
        matches!(self, Qint8 | Quint8 | Qint16 | Quint16 | Qint32)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.op_def_name())
    }
}

impl fmt::Debug for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op_def_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_go_both_ways() {
        for &dtype in DType::ALL {
            assert_eq!(DType::from_number(dtype.number()), Some(dtype));
            assert_eq!(DType::from_number(dtype.number() + 100), Some(dtype));
            assert_eq!(DType::from_name(dtype.name()), Some(dtype));
            assert_eq!(DType::from_name(dtype.op_def_name()), Some(dtype));
        }
        assert_eq!(DType::from_number(0), None);
        assert_eq!(DType::from_number(99), None);
    }
}
