//! `StringToNumber`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Bytes, Element, Error, Result, Tensor};
use savedmodel_text::numeral::{Float, Integer, read_float, read_integer};

use crate::each;

/// Reads numbers.
///
/// White space around a number is skipped. Floating-point numbers may be hexadecimal, infinite or NaN; what is too large
/// for them becomes infinite, while integers must fit.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringToNumber>.
pub const OP: Op = Op {
    name: "StringToNumber",
    inputs: &["string_tensor: string"],
    outputs: &["output: out_type"],
    attrs: &["out_type: {float, double, int32, int64, uint32, uint64} = DT_FLOAT"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("out_type"; build_float: f32 f64; build_integer: i32 i64 u32 u64),
};

/// Time to read a number, in nanoseconds.
const READ_NS: f64 = 40.0;

fn build_float<T: Element + Float>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| read(ctx, read_float::<T>)))
}

fn build_integer<T: Element + Integer>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| read(ctx, read_integer::<T>)))
}

fn read<T: Element>(ctx: &mut Context<'_>, parse: fn(&[u8]) -> Option<T>) -> Result<()> {
    let input = ctx.input(0);
    let numbers = each::results(input.strings()?, READ_NS, |_, string: &Bytes| {
        parse(string).ok_or_else(|| {
            let string = String::from_utf8_lossy(string);
            Error::invalid_argument(format!("StringToNumberOp could not correctly convert string: {string}"))
        })
    })?;
    let out = Tensor::from_vec(input.shape(), numbers)?;
    ctx.set(0, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, strings};
    use savedmodel_tensor::DType;

    #[test]
    fn read() {
        let check = |texts: &[&str], dtype: DType, want: &str| {
            assert_eq!(run(&OP, vec![("out_type", dtype.into())], &[strings(texts)]), want);
        };
        check(&[" 1.5\n", "0x10", "-inf", "1e39"], DType::Float, "1.5 16.0 -inf inf");
        check(&["1e39"], DType::Double, "1e39");
        check(&["-2147483648", " +7"], DType::Int32, "-2147483648 7");
        check(&["18446744073709551615"], DType::Uint64, "18446744073709551615");
        let error = "INVALID_ARGUMENT: StringToNumberOp could not correctly convert string:";
        check(&["1", "2x", "3x"], DType::Int64, &format!("{error} 2x"));
        check(&["2147483648"], DType::Int32, &format!("{error} 2147483648"));
        check(&[""], DType::Float, &format!("{error} "));
    }
}
