//! `AsString`.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Complex32, Complex64, DType, Element, Error, Result, Tensor, bf16, f16};
use savedmodel_text::numeral::{Notation, Style};

/// Prints numbers as C's `printf` does.
///
/// Floating-point numbers are printed with `%f`, `%e` (`scientific`) or `%g` (`shortest`), booleans as `true` and
/// `false` whatever the width. `fill` is one of `printf`'s flags; signs are asked for in vain for unsigned integers.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AsString>.
pub const OP: Op = Op {
    name: "AsString",
    inputs: &["input: T"],
    outputs: &["output: string"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, complex64, \
         complex128, bool, variant, string}",
        "precision: int = -1",
        "scientific: bool = false",
        "shortest: bool = false",
        "width: int = -1",
        "fill: string = ''",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", DTYPES)], build),
};

const DTYPES: &[DType] = &[
    DType::Float,
    DType::Double,
    DType::Int32,
    DType::Uint8,
    DType::Int16,
    DType::Int8,
    DType::Int64,
    DType::Bfloat16,
    DType::Uint16,
    DType::Half,
    DType::Uint32,
    DType::Uint64,
    DType::Complex64,
    DType::Complex128,
    DType::Bool,
    DType::String,
];

/// Characters that one number may take at most, so that attributes can't ask for endless memory.
const MOST_CHARACTERS: i64 = 1 << 20;

/// Time to print a number, in nanoseconds.
const PRINT_NS: f64 = 250.0;

type Print = fn(&Tensor, Style, Notation, &mut [Bytes]) -> Result<()>;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("T")?;
    let (style, notation) = style(node, dtype)?;
    let print: Print = match dtype {
        DType::Float => |t, s, n, out| each(t, out, |v: f32| s.float(v.into(), n)),
        DType::Double => |t, s, n, out| each(t, out, |v: f64| s.float(v, n)),
        DType::Half => |t, s, n, out| each(t, out, |v: f16| s.float(v.into(), n)),
        DType::Bfloat16 => |t, s, n, out| each(t, out, |v: bf16| s.float(v.into(), n)),
        DType::Complex64 => |t, s, n, out| {
            each(t, out, |v: Complex32| format!("({},{})", s.float(v.re.into(), n), s.float(v.im.into(), n)))
        },
        DType::Complex128 => {
            |t, s, n, out| each(t, out, |v: Complex64| format!("({},{})", s.float(v.re, n), s.float(v.im, n)))
        }
        DType::Int8 => |t, s, _, out| each(t, out, |v: i8| s.integer(v.into())),
        DType::Int16 => |t, s, _, out| each(t, out, |v: i16| s.integer(v.into())),
        DType::Int32 => |t, s, _, out| each(t, out, |v: i32| s.integer(v.into())),
        DType::Int64 => |t, s, _, out| each(t, out, |v: i64| s.integer(v.into())),
        DType::Uint8 => |t, s, _, out| each(t, out, |v: u8| unsigned(s).integer(v.into())),
        DType::Uint16 => |t, s, _, out| each(t, out, |v: u16| unsigned(s).integer(v.into())),
        DType::Uint32 => |t, s, _, out| each(t, out, |v: u32| unsigned(s).integer(v.into())),
        DType::Uint64 => |t, s, _, out| each(t, out, |v: u64| unsigned(s).integer(v.into())),
        DType::Bool => |t, _, _, out| each(t, out, |v: bool| v.to_string()),
        DType::String => |t, s, _, out| {
            out.iter_mut().zip(t.strings()?).for_each(|(out, string)| *out = pad(string, s));
            Ok(())
        },
        _ => return Err(node.unimplemented("T")),
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut out = ctx.allocate(DType::String, ctx.input(0).shape())?;
        print(ctx.input(0), style, notation, out.units_mut()?)?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn each<T: Element>(tensor: &Tensor, out: &mut [Bytes], print: impl Fn(T) -> String + Sync) -> Result<()> {
    par::for_zip(out, tensor.as_slice::<T>()?, par::grain(PRINT_NS), |out, values| {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = print(value).into();
        }
    });
    Ok(())
}

fn unsigned(style: Style) -> Style {
    Style { plus: false, space: false, ..style }
}

fn pad(string: &Bytes, style: Style) -> Bytes {
    // Only where there is a width is there a precision.
    let most = style.precision.filter(|_| style.width > 0).unwrap_or(usize::MAX);
    let string: Bytes = if string.len() > most { string[..most].to_vec().into() } else { string.clone() };
    let missing = style.width.saturating_sub(string.len());
    if missing == 0 {
        return string;
    }
    let spaces = vec![b' '; missing];
    if style.left { [&string[..], &spaces].concat().into() } else { [&spaces, &string[..]].concat().into() }
}

fn style(node: &Construction<'_>, dtype: DType) -> Result<(Style, Notation)> {
    let (precision, width): (i64, i64) = (node.int32("precision")?, node.int32("width")?);
    let (scientific, shortest): (bool, bool) = (node.attr("scientific")?, node.attr("shortest")?);
    let fill: Bytes = node.attr("fill")?;
    let refuse = |why: String| Err(Error::invalid_argument(why));
    // Of strings nobody asks.
    if !dtype.is_floating() && !dtype.is_complex() && dtype != DType::String {
        if scientific || shortest {
            return refuse(format!("scientific and shortest format not supported for datatype {dtype}"));
        }
        if precision >= 0 {
            return refuse(format!("precision not supported for datatype {dtype}"));
        }
    }
    if fill.len() > 1 {
        return refuse("Fill string must be one or fewer characters".to_owned());
    }
    if scientific && shortest {
        return refuse("Cannot select both scientific and shortest notation".to_owned());
    }
    if width.max(precision) > MOST_CHARACTERS {
        return Err(Error::resource_exhausted(format!("numbers of more than {MOST_CHARACTERS} characters")));
    }
    let mut style = Style { precision: usize::try_from(precision).ok(), ..Style::default() };
    style.width = usize::try_from(width).unwrap_or(0);
    match &fill[..] {
        b"" => {}
        b" " => style.space = true,
        b"-" => style.left = true,
        b"0" => style.zeros = true,
        b"+" => style.plus = true,
        b"#" => style.point = true,
        _ => {
            let fill = String::from_utf8_lossy(&fill);
            return refuse(format!("Fill argument not supported: \"{fill}\""));
        }
    }
    let notation = match (scientific, shortest) {
        (true, _) => Notation::Scientific,
        (_, true) => Notation::General,
        _ => Notation::Fixed,
    };
    Ok((style, notation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attrs, run, vector};
    use savedmodel_tensor::Complex32;

    #[test]
    fn printed_as_in_tensorflow() {
        let check = |input: Tensor, attrs: Attrs, want: &str| assert_eq!(run(&OP, attrs, &[input]), want);
        let values = || vector(&[1.5_f32, 1e-9, 1_234_567.0, f32::INFINITY, -0.0]);
        check(values(), vec![], "1.500000|0.000000|1234567.000000|inf|-0.000000");
        check(values(), vec![("shortest", true.into())], "1.5|1e-09|1.23457e+06|inf|-0");
        check(vector(&[12.5_f64]), vec![("scientific", true.into()), ("precision", 1.into())], "1.2e+01");
        check(vector(&[f16::from_f32(0.1)]), vec![], "0.099976");
        check(vector(&[bf16::from_f32(-0.1)]), vec![("precision", 2.into())], "-0.10");
        check(
            vector(&[Complex32::new(1.5, -2.0)]),
            vec![("precision", 2.into()), ("width", 7.into())],
            "(   1.50,  -2.00)",
        );
        let filled = |width: i64, fill: &str| vec![("width", width.into()), ("fill", fill.into())];
        check(vector(&[1_i64, -2]), filled(5, "0"), "00001|-0002");
        check(vector(&[1_i32, -2]), filled(5, "-"), "1    |-2   ");
        check(vector(&[1_i32, -2]), filled(3, "+"), " +1| -2");
        check(vector(&[5_u8]), filled(3, "+"), "  5");
        check(vector(&[1.5_f32]), filled(9, "#"), " 1.500000");
        check(vector(&[u64::MAX]), vec![], "18446744073709551615");
        check(vector(&[true, false]), filled(8, ""), "true|false");
        check(crate::testing::strings(&["a", "é"]), filled(4, "0"), "   a|  é");
    }

    #[test]
    fn refusals() {
        let check = |input: Tensor, attrs: Attrs, want: &str| {
            assert_eq!(run(&OP, attrs, &[input]), format!("INVALID_ARGUMENT: {want}"));
        };
        check(vector(&[1]), vec![("precision", 2.into())], "precision not supported for datatype int32");
        let both = vec![("scientific", true.into()), ("shortest", true.into())];
        check(vector(&[1.0]), both, "Cannot select both scientific and shortest notation");
        let fill = vec![("width", 9.into()), ("fill", "x".into())];
        check(vector(&[1]), fill, "Fill argument not supported: \"x\"");
        check(vector(&[1]), vec![("fill", "ab".into())], "Fill string must be one or fewer characters");
    }
}
