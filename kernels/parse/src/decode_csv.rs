//! `DecodeCSV`.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Element, Error, PartialShape, Result, Tensor, Unit};
use savedmodel_text::numeral::{read_float, read_integer};

mod fields;

use fields::Layout;

/// Takes records apart into fields and reads them.
///
/// A field that is empty or `na_value` takes the default value; an empty default demands the field. Quoted fields may
/// hold delimiters, ends of lines and doubled quotes. Ends of lines before a field are passed over.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeCSV>.
pub const OP: Op = Op {
    name: "DecodeCSV",
    inputs: &["records: string", "record_defaults: OUT_TYPE"],
    outputs: &["output: OUT_TYPE"],
    attrs: &[
        "OUT_TYPE: list({float, double, int32, int64, string}) >= 1",
        "field_delim: string = ','",
        "use_quote_delim: bool = true",
        "na_value: string = ''",
        "select_cols: list(int) = []",
    ],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::one(build),
};

/// Time that a field takes, in nanoseconds.
const FIELD_NS: f64 = 60.0;

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.input(0); ctx.outputs])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let types: Vec<DType> = node.attr("OUT_TYPE")?;
    let layout = Layout::new(node, types.len())?;
    let missing: Bytes = node.attr("na_value")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        for (i, default) in ctx.inputs(1).enumerate() {
            let n = default.elements();
            if default.rank() > 1 {
                return Err(Error::invalid_argument("Each record default should be at most rank 1"));
            }
            if n >= 2 {
                return Err(Error::invalid_argument(format!(
                    "There should only be 1 default per field but field {i} has {n}"
                )));
            }
        }
        let records = ctx.input(0).strings()?;
        let defaults: Vec<&Tensor> = ctx.inputs(1).collect();
        let parse = |range: std::ops::Range<usize>| -> Result<Vec<Column>> {
            let mut columns: Vec<Column> =
                types.iter().map(|&dtype| Column::new(dtype, range.len())).collect();
            for record in range {
                let fields = layout.split(&records[record])?;
                if fields.len() != types.len() {
                    let (wanted, found) = (types.len(), fields.len());
                    return Err(Error::invalid_argument(format!(
                        "Expect {wanted} fields but have {found} in record {record}"
                    )));
                }
                for (f, (column, field)) in columns.iter_mut().zip(fields).enumerate() {
                    let is_missing = field.is_empty() || field == missing;
                    column.push(if is_missing { None } else { Some(field) }, defaults[f], (f, record))?;
                }
            }
            Ok(columns)
        };
        let grain = par::grain(100.0 + FIELD_NS * types.len() as f64);
        let parts = par::map_chunks(records.len(), grain, parse);
        let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
        let shape = ctx.input(0).shape().clone();
        for (f, &dtype) in types.iter().enumerate() {
            let mut out = ctx.allocate(dtype, shape.clone())?;
            let mut at = 0;
            for part in &parts {
                at += part[f].write(&mut out, at)?;
            }
            ctx.set(f, out);
        }
        Ok(())
    }))
}

/// The values of a field in some records.
enum Column {
    Float(Vec<f32>),
    Double(Vec<f64>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    String(Vec<Bytes>),
}

impl Column {
    fn new(dtype: DType, len: usize) -> Column {
        match dtype {
            DType::Float => Column::Float(Vec::with_capacity(len)),
            DType::Double => Column::Double(Vec::with_capacity(len)),
            DType::Int32 => Column::Int32(Vec::with_capacity(len)),
            DType::Int64 => Column::Int64(Vec::with_capacity(len)),
            _ => Column::String(Vec::with_capacity(len)),
        }
    }

    /// Adds a field, or the default for one that is missing.
    fn push(&mut self, field: Option<Bytes>, default: &Tensor, at: (usize, usize)) -> Result<()> {
        match self {
            Column::Float(out) => push(out, field, default, at, ("float", read_float)),
            Column::Double(out) => push(out, field, default, at, ("double", read_float)),
            Column::Int32(out) => push(out, field, default, at, ("int32", read_integer)),
            Column::Int64(out) => push(out, field, default, at, ("int64", read_integer)),
            Column::String(out) => {
                let value = field.or_else(|| default.strings().ok()?.first().cloned());
                out.push(value.ok_or_else(|| required(at))?);
                Ok(())
            }
        }
    }

    /// Writes the values from `at` on; how many they are.
    fn write(&self, out: &mut Tensor, at: usize) -> Result<usize> {
        fn copy<U: Unit, T>(
            out: &mut Tensor,
            at: usize,
            values: &[T],
            unit: impl Fn(&T) -> U,
        ) -> Result<usize> {
            let place = &mut out.units_mut::<U>()?[at..at + values.len()];
            place.iter_mut().zip(values).for_each(|(out, value)| *out = unit(value));
            Ok(values.len())
        }
        match self {
            Column::Float(values) => copy(out, at, values, |v| v.to_bits()),
            Column::Double(values) => copy(out, at, values, |v| v.to_bits()),
            Column::Int32(values) => copy(out, at, values, |v| v.cast_unsigned()),
            Column::Int64(values) => copy(out, at, values, |v| v.cast_unsigned()),
            Column::String(values) => copy(out, at, values, Bytes::clone),
        }
    }
}

/// Reads a number.
type Read<T> = fn(&[u8]) -> Option<T>;

fn push<T: Element>(
    out: &mut Vec<T>,
    field: Option<Bytes>,
    default: &Tensor,
    (f, record): (usize, usize),
    (what, read): (&str, Read<T>),
) -> Result<()> {
    let value = match field {
        Some(field) => read(&field).ok_or_else(|| {
            let text = String::from_utf8_lossy(&field);
            Error::invalid_argument(format!("Field {f} in record {record} is not a valid {what}: {text}"))
        })?,
        None => *default.as_slice::<T>()?.first().ok_or_else(|| required((f, record)))?,
    };
    out.push(value);
    Ok(())
}

#[cold]
fn required((f, record): (usize, usize)) -> Error {
    Error::invalid_argument(format!("Field {f} is required but missing in record {record}!"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn as_tensorflow() {
        let op = "DecodeCSV";
        savedmodel_op::testing::check_rows(
            &[&[super::OP]],
            &[
                (
                    op,
                    "",
                    r#"string[2] 1,2.5,a -3,,"b,""c"""; int32[0]; float[1] 9; string[1] ''"#,
                    r#"int32[2] 1 -3; float[2] 2.5 9; string[2] a b,"c""#,
                ),
                (
                    op,
                    "field_delim=| na_value=NA",
                    "string[1] 1|NA; int64[0]; double[1] 9",
                    "int64[1] 1; double[1] 9",
                ),
                (
                    op,
                    "select_cols=[0,2]",
                    "string[1] a,b,c; string[1] ''; string[1] ''",
                    "string[1] a; string[1] c",
                ),
                (op, "use_quote_delim=false", r#"string[1] a"b; string[1] ''"#, r#"string[1] a"b"#),
                (op, "", "string[0]; int32[0]", "int32[0]"),
                (
                    op,
                    "",
                    "string[1] 1,x; int32[0]; float[1] 9",
                    "INVALID_ARGUMENT: Field 1 in record 0 is not a valid float: x",
                ),
                (
                    op,
                    "",
                    "string[1] 1; int32[0]; float[1] 9",
                    "INVALID_ARGUMENT: Expect 2 fields but have 1 in record 0",
                ),
                (
                    op,
                    "",
                    "string[1] ,2; int32[0]; float[1] 9",
                    "INVALID_ARGUMENT: Field 0 is required but missing in record 0!",
                ),
                (
                    op,
                    "",
                    r#"string[1] "a; string[1] ''"#,
                    "INVALID_ARGUMENT: Quoted field has to end with quote followed by delim or end",
                ),
                (
                    op,
                    "",
                    r#"string[1] a"b; string[1] ''"#,
                    "INVALID_ARGUMENT: Unquoted fields cannot have quotes/CRLFs inside",
                ),
                (
                    op,
                    "",
                    "string[1] 1; int32[2] 1 2",
                    "INVALID_ARGUMENT: There should only be 1 default per field but field 0 has 2",
                ),
            ],
        );
    }
}
