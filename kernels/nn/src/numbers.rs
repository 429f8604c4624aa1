//! Numbers of any dtype in one of two types, for kernels that are not worth compiling for each.

use savedmodel_tensor::{Complex32, Complex64, DType, Element, Error, Result, Tensor, bf16, f16};

/// The elements of a tensor: floating-point numbers, of which complex ones are two, or integers.
pub enum Numbers {
    /// Exact in double precision.
    Real(Vec<f64>),
    /// Modulo 2^64.
    Whole(Vec<i64>),
}

/// What rounds a number in double precision to a dtype.
pub type Round = fn(f64) -> f64;

/// The rounding of a real dtype.
pub fn rounding(dtype: DType) -> Round {
    match dtype {
        DType::Half => |x| f16::from_f64(x).to_f64(),
        DType::Bfloat16 => |x| bf16::from_f64(x).to_f64(),
        DType::Double => |x| x,
        _ => |x| f64::from(x as f32),
    }
}

macro_rules! conversions {
    ($(real $real:ident $real_dtype:ident: |$x:ident| $widen:expr, |$y:ident| $round:expr;)* $(whole $whole:ident $whole_dtype:ident;)*) => {
        impl Numbers {
            /// The elements of a tensor.
            ///
            /// # Errors
            /// `UNIMPLEMENTED` for what is no number.
            pub fn of(tensor: &Tensor) -> Result<Numbers> {
                Ok(match tensor.dtype() {
                    $(DType::$real_dtype => {
                        let widen: fn(&$real) -> f64 = |$x| $widen;
                        Numbers::Real(tensor.as_slice::<$real>()?.iter().map(widen).collect())
                    })*
                    $(DType::$whole_dtype => Numbers::Whole(tensor.as_slice::<$whole>()?.iter().map(|&x| x as i64).collect()),)*
                    DType::Complex64 => {
                        let parts = |x: &Complex32| [x.re.into(), x.im.into()];
                        Numbers::Real(tensor.as_slice::<Complex32>()?.iter().flat_map(parts).collect())
                    }
                    DType::Complex128 => {
                        Numbers::Real(tensor.as_slice::<Complex64>()?.iter().flat_map(|x| [x.re, x.im]).collect())
                    }
                    dtype => return Err(Error::unimplemented(format!("{dtype} is no number"))),
                })
            }

            /// Writes the numbers into a tensor of as many elements, rounded to its dtype.
            ///
            /// # Errors
            /// `INTERNAL` when it is of another kind.
            pub fn write(&self, out: &mut Tensor) -> Result<()> {
                match (self, out.dtype()) {
                    $((Numbers::Real(numbers), DType::$real_dtype) => {
                        let round: fn(f64) -> $real = |$y| $round;
                        put(out, numbers.iter().map(|&x| round(x)))
                    })*
                    $((Numbers::Whole(numbers), DType::$whole_dtype) => put(out, numbers.iter().map(|&x| x as $whole)),)*
                    (Numbers::Real(numbers), DType::Complex64) => {
                        put(out, numbers.chunks_exact(2).map(|x| Complex32::new(x[0] as f32, x[1] as f32)))
                    }
                    (Numbers::Real(numbers), DType::Complex128) => {
                        put(out, numbers.chunks_exact(2).map(|x| Complex64::new(x[0], x[1])))
                    }
                    (_, dtype) => Err(Error::internal(format!("no numbers of {dtype}"))),
                }
            }
        }
    };
}

conversions! {
    real f32 Float: |x| f64::from(*x), |x| x as f32;
    real f64 Double: |x| *x, |x| x;
    real f16 Half: |x| x.to_f64(), |x| f16::from_f64(x);
    real bf16 Bfloat16: |x| x.to_f64(), |x| bf16::from_f64(x);
    whole i8 Int8; whole i16 Int16; whole i32 Int32; whole i64 Int64;
    whole u8 Uint8; whole u16 Uint16; whole u32 Uint32; whole u64 Uint64;
}

fn put<T: Element>(out: &mut Tensor, numbers: impl Iterator<Item = T>) -> Result<()> {
    out.as_mut_slice::<T>()?.iter_mut().zip(numbers).for_each(|(out, number)| *out = number);
    Ok(())
}
