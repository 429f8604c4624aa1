//! Constant tensors of the shape of another.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype, shape};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Complex32, Complex64, Element, Error, Result, Tensor, bf16, f16};

/// Zeros and ones of the dtype and shape of the input.
///
/// The zero of a string is the empty string, that of a variant (such as a tensor list) what its type says.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ZerosLike>.
pub const OPS: &[Op] = &[
    Op {
        name: "ZerosLike",
        inputs: &["x: T"],
        outputs: &["y: T"],
        attrs: &["T: type"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::All(&[("T", ZEROS)], zeros),
    },
    Op {
        name: "OnesLike",
        inputs: &["x: T"],
        outputs: &["y: T"],
        attrs: &["T: {realnumbertype, complex64, complex128, bool}"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: by_dtype!("T"; ones: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64 bool Complex32 Complex64),
    },
];

const ZEROS: &[DType] = &[
    Float, Double, Half, Bfloat16, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Complex64,
    Complex128, String, Variant,
];

fn zeros(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let output = match input.dtype() {
            Variant => match input.variants()? {
                [variant] if input.rank() == 0 => Tensor::from_variants([], vec![variant.zeros_like()?])?,
                _ => {
                    return Err(Error::invalid_argument(
                        "ZerosLike non-scalar Tensor with dtype=DT_VARIANT is not supported.",
                    ));
                }
            },
            dtype => ctx.run().allocate(dtype, input.shape())?,
        };
        ctx.set(0, output);
        Ok(())
    }))
}

trait One: Element {
    const ONE: Self;
}

macro_rules! one {
    ($($type:ty: $one:expr;)*) => { $(impl One for $type { const ONE: $type = $one; })* };
}

one! {
    f32: 1.0; f64: 1.0; f16: f16::ONE; bf16: bf16::ONE; bool: true;
    i8: 1; i16: 1; i32: 1; i64: 1; u8: 1; u16: 1; u32: 1; u64: 1;
    Complex32: Complex32::new(1.0, 0.0); Complex64: Complex64::new(1.0, 0.0);
}

fn ones<T: One>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape().clone();
        let mut output = match ctx.forward(0, T::DTYPE, &shape) {
            Some(input) => input,
            None => ctx.allocate(T::DTYPE, shape)?,
        };
        output.as_mut_slice::<T>()?.fill(T::ONE);
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("ZerosLike", "", "float[2] 1 NaN", "float[2] 0 0"),
                ("ZerosLike", "", "string[2] 'a' 'b'", "string[2] '' ''"),
                ("ZerosLike", "", "complex128[] 1+2i", "complex128[] 0+0i"),
                ("ZerosLike", "", "int32[0,2]", "int32[0,2]"),
                ("OnesLike", "", "half[2] 1 2", "half[2] 1 1"),
                ("OnesLike", "", "bfloat16[1,2] 1 2", "bfloat16[1,2] 1 1"),
                ("OnesLike", "", "bool[2] false true", "bool[2] true true"),
                ("OnesLike", "", "complex64[1] 1+2i", "complex64[1] 1+0i"),
                ("OnesLike", "", "uint64[0]", "uint64[0]"),
            ],
        );
    }
}
