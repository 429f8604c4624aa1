//! `CSVDataset`, `CSVDatasetV2` and `ExperimentalCSVDataset`.

use std::sync::Arc;

use savedmodel_kernels_io::file;
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Bytes, DType, Element, Error, Result, Tensor};
use savedmodel_text::numeral::{read_float, read_integer};

use crate::dataset::{DATASET, Dataset, Elements, Row, give, scalar};
use crate::files::{Compression, Source, checked, open, too_long};

/// Datasets of the records of files, of which each selected field becomes a component.
///
/// A field that is empty or `na_value` takes the default value; an empty default demands the field. Quoted fields may hold
/// delimiters, ends of lines and doubled quotes. Records end with `\n`, `\r` or both. After an error the next record is
/// read, and the next file when it can't be opened.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CSVDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CSVDatasetV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ExperimentalCSVDataset>
pub const OPS: &[Op] = &[
    Op { name: "CSVDataset", ..CSV },
    Op { name: "ExperimentalCSVDataset", ..CSV },
    Op {
        name: "CSVDatasetV2",
        inputs: &[
            "filenames: string",
            "compression_type: string",
            "buffer_size: int64",
            "header: bool",
            "field_delim: string",
            "use_quote_delim: bool",
            "na_value: string",
            "select_cols: int64",
            "record_defaults: output_types",
            "exclude_cols: int64",
        ],
        ..CSV
    },
];

const CSV: Op = Op {
    inputs: &[
        "filenames: string",
        "compression_type: string",
        "buffer_size: int64",
        "header: bool",
        "field_delim: string",
        "use_quote_delim: bool",
        "na_value: string",
        "select_cols: int64",
        "record_defaults: output_types",
    ],
    attrs: &[
        "output_types: list({float, double, int32, int64, string}) >= 1",
        "output_shapes: list(shape) >= 1",
    ],
    kernels: Kernels::one(build),
    ..DATASET
};

/// Where the defaults begin among the inputs.
const DEFAULTS: usize = 8;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let fields = node.attr::<Vec<DType>>("output_types")?.len();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let csv = Arc::new(Csv::of(ctx, fields)?);
        let names: Arc<[Bytes]> = ctx.input(0).strings()?.into();
        let rows = Dataset::new("CSVDataset", move |_| {
            Ok(Box::new(Records { csv: Arc::clone(&csv), names: Arc::clone(&names), at: 0, source: None }))
        });
        give(ctx, rows)
    }))
}

/// How records are taken apart, and what of them.
struct Csv {
    compression: Compression,
    has_header: bool,
    delimiter: u8,
    has_quotes: bool,
    missing: Bytes,
    /// The numbers of the fields that are taken, if there are any, or else of those that are not.
    selected: Vec<i64>,
    excluded: Vec<i64>,
    defaults: Vec<Tensor>,
}

impl Csv {
    fn of(ctx: &Context<'_>, fields: usize) -> Result<Csv> {
        let refuse = |text: String| Err(Error::invalid_argument(text));
        if ctx.input(0).rank() > 1 {
            return refuse("`filenames` must be a scalar or a vector.".into());
        }
        let text =
            |i: usize, name: &str| file::scalar(ctx.input(i), &format!("{name} must be a scalar, not"));
        let kind = text(1, "compression_type")?;
        let defaults: Vec<Tensor> = (0..fields).map(|i| ctx.input(DEFAULTS + i).clone()).collect();
        for (i, default) in defaults.iter().enumerate() {
            if default.rank() > 1 {
                return refuse("Each record default should be at most rank 1".into());
            }
            if default.elements() > 1 {
                let count = default.elements();
                return refuse(format!("There should only be 1 default per field but field {i} has {count}"));
            }
        }
        let columns = |i: usize, name: &str| -> Result<Vec<i64>> {
            let columns = ctx.input(i).to_i64s()?;
            if ctx.input(i).rank() != 1 {
                return Err(Error::invalid_argument(format!("`{name}` must be a vector")));
            }
            if !columns.is_sorted_by(|a, b| a < b) {
                let text = format!("{name} should be strictly increasing indices");
                return Err(Error::invalid_argument(text));
            }
            match columns.first() {
                Some(first) if *first < 0 => {
                    Err(Error::invalid_argument(format!("{name} should be non-negative indices")))
                }
                _ => Ok(columns),
            }
        };
        let selected = columns(7, "select_cols")?;
        let last = DEFAULTS + fields;
        let excluded = if ctx.input_len() > last { columns(last, "exclude_cols")? } else { Vec::new() };
        if scalar::<i64>(ctx, 2, "buffer_size")? <= 0 {
            return refuse("buffer_size should be positive".into());
        }
        let &[delimiter] = &text(4, "field_delim")?[..] else {
            return refuse("field_delim should be only 1 char".into());
        };
        let Some(compression) = Compression::of(kind) else {
            return refuse(format!("Unsupported compression_type: {}.", String::from_utf8_lossy(kind)));
        };
        if !selected.is_empty() && selected.len() != fields {
            return refuse("select_cols should match output size".into());
        }
        if !selected.is_empty() && !excluded.is_empty() {
            return refuse("Either select_cols or exclude_cols should be empty".into());
        }
        Ok(Csv {
            compression,
            has_header: scalar(ctx, 3, "header")?,
            delimiter,
            has_quotes: scalar(ctx, 5, "use_quote_delim")?,
            missing: text(6, "na_value")?.clone(),
            selected,
            excluded,
            defaults,
        })
    }

    fn takes(&self, field: i64) -> bool {
        match self.selected.is_empty() {
            true => self.excluded.binary_search(&field).is_err(),
            false => self.selected.binary_search(&field).is_ok(),
        }
    }

    /// The tensor of field `i` of those that are taken.
    fn value(&self, i: usize, text: Vec<u8>) -> Result<Tensor> {
        let refuse = |what: String| Error::invalid_argument(what);
        let Some(default) = self.defaults.get(i) else {
            let count = self.defaults.len();
            return Err(refuse(format!("Expect {count} fields but have more in record")));
        };
        if text.is_empty() || text == self.missing {
            return match default.elements() {
                1 => default.clone().reshape([]),
                _ => Err(refuse(format!("Field {i} is required but missing in record!"))),
            };
        }
        fn number<T: Element>(text: &[u8], read: fn(&[u8]) -> Option<T>) -> Option<Tensor> {
            read(text).map(Tensor::scalar)
        }
        let number = match default.dtype() {
            DType::Float => number::<f32>(&text, read_float),
            DType::Double => number::<f64>(&text, read_float),
            DType::Int32 => number::<i32>(&text, read_integer),
            DType::Int64 => number::<i64>(&text, read_integer),
            _ => return Tensor::from_strings([], [text]),
        };
        number.ok_or_else(|| {
            let (dtype, text) = (default.dtype(), String::from_utf8_lossy(&text));
            refuse(format!("Field {i} in record is not a valid {dtype}: {text}"))
        })
    }
}

/// A way through the records of files.
struct Records {
    csv: Arc<Csv>,
    names: Arc<[Bytes]>,
    at: usize,
    source: Option<Text>,
}

impl Elements for Records {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        loop {
            if let Some(text) = &mut self.source {
                if let Some(row) = text.record(&self.csv, run, |field| self.csv.takes(field))? {
                    let (wanted, found) = (self.csv.defaults.len(), row.len());
                    if wanted != found {
                        return Err(Error::invalid_argument(format!(
                            "Expect {wanted} fields but have {found} in record"
                        )));
                    }
                    return Ok(Some(row));
                }
                self.source = None;
            }
            let Some(name) = self.names.get(self.at) else { return Ok(None) };
            self.at += 1;
            let name = file::text(name)?;
            let text = Text { source: open(name, self.csv.compression)?, name: name.to_owned() };
            let text = self.source.insert(text);
            if self.csv.has_header && !matches!(text.record(&self.csv, run, |_| false), Ok(Some(_))) {
                return Err(Error::invalid_argument("Can't read header of file"));
            }
        }
    }
}

/// A file that is being read.
struct Text {
    source: Source,
    name: String,
}

/// A field, and what is wrong with it.
#[derive(Default)]
struct Field {
    text: Vec<u8>,
    is_last: bool,
    wrong: Option<&'static str>,
}

impl Text {
    fn peek(&mut self) -> Result<Option<u8>> {
        let first = self.source.fill_buf().map(|bytes| bytes.first().copied());
        checked(first, &self.name)
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.source.consume(1);
        }
        Ok(byte)
    }

    /// The fields of the next record that are taken; `None` at the end. It is read to its end, then its first error is told.
    fn record(&mut self, csv: &Csv, run: &Run<'_>, takes: impl Fn(i64) -> bool) -> Result<Option<Row>> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let (mut row, mut wrong, mut number, mut taken) = (Vec::new(), None, 0, 0);
        loop {
            let field = self.field(csv, run.limits.tensor_bytes)?;
            if takes(number) {
                match csv.value(taken, field.text) {
                    Ok(tensor) => row.push(tensor),
                    Err(error) if field.wrong.is_none() => wrong = wrong.or(Some(error)),
                    Err(_) => {}
                }
                taken += 1;
            }
            number += 1;
            wrong = wrong.or_else(|| field.wrong.map(Error::invalid_argument));
            if field.is_last {
                return wrong.map_or(Ok(Some(row)), Err);
            }
        }
    }

    /// The next field, up to what ends it.
    fn field(&mut self, csv: &Csv, limit: usize) -> Result<Field> {
        let mut field = Field::default();
        let is_quoted = csv.has_quotes && self.peek()? == Some(b'"');
        if is_quoted {
            self.source.consume(1);
        }
        loop {
            if field.text.len() >= limit {
                return Err(too_long(&self.name));
            }
            let mut byte = self.byte()?;
            if is_quoted {
                match byte {
                    None => {
                        field.is_last = true;
                        let open = "Reached end of file without closing quoted field in record";
                        field.wrong = field.wrong.or(Some(open));
                        return Ok(field);
                    }
                    Some(b'"') => byte = self.byte()?,
                    Some(byte) => {
                        field.text.push(byte);
                        continue;
                    }
                }
            }
            match byte {
                None => field.is_last = true,
                Some(byte) if byte == csv.delimiter => {}
                Some(b'\n') => field.is_last = true,
                Some(b'\r') => {
                    field.is_last = true;
                    if self.peek()? == Some(b'\n') {
                        self.source.consume(1);
                    }
                }
                Some(byte) => {
                    let inside = match (is_quoted, byte) {
                        (true, b'"') => None,
                        (true, _) => Some("Quote inside a string has to be escaped by another quote"),
                        (false, b'"') if csv.has_quotes => Some("Unquoted fields cannot have quotes inside"),
                        (false, _) => None,
                    };
                    field.wrong = field.wrong.or(inside);
                    field.text.push(byte);
                    continue;
                }
            }
            return Ok(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};
    use savedmodel_op::{Limits, ResourceManager};
    use savedmodel_tensor::{PartialShape, Shape};

    /// The records of a file, with an integer that has a default and a string that has none, `|` between.
    fn records(content: &[u8], options: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let name = file.path().to_string_lossy().into_owned().into_bytes();
        let option = |name: &str, or: &str| {
            let value = options.split(' ').find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
            parse_tensor(value.unwrap_or(or).replace('~', " ").as_str())
        };
        let inputs = vec![
            Tensor::from_strings([1], [name]).unwrap(),
            option("kind", "string[]~''"),
            option("buffer", "int64[]~8"),
            option("header", "bool[]~false"),
            option("delimiter", "string[]~','"),
            option("quotes", "bool[]~true"),
            option("na", "string[]~'NA'"),
            option("select", "int64[0]"),
            option("integer", "int32[1]~7"),
            option("text", "string[0]"),
            option("exclude", "int64[0]"),
        ];
        let types = TestAttr::from(vec![DType::Int32, DType::String]);
        let test = OpTest::new(&OPS[2]).attr("output_types", types);
        let test = test.attr("output_shapes", vec![PartialShape::from(&Shape::scalar()); 2]);
        let made = match inputs.into_iter().fold(test, OpTest::input).run() {
            Ok(made) => Dataset::of(&made[0]).unwrap(),
            Err(error) => return error.to_string(),
        };
        let (resources, limits) = (ResourceManager::new(), Limits::default());
        let run = Run { resources: &resources, limits: &limits };
        let (mut rows, mut all) = (made.start(&run).unwrap(), Vec::new());
        while let Some(row) = rows.next(&run).transpose() {
            all.push(
                show(&row).replace("int32[] ", "").replace("string[] ", "").replace("INVALID_ARGUMENT: ", ""),
            );
        }
        all.join(" | ")
    }

    #[test]
    fn table() {
        let check = |content: &str, options: &str, want: &str| {
            let got = records(content.as_bytes(), options);
            assert!(
                got == want || want.len() > 20 && got.contains(want),
                "{content} {options}\n{got}\n{want}"
            );
        };
        check("1,a\n2,b\r\n3,c\r4,d", "", "1; 'a' | 2; 'b' | 3; 'c' | 4; 'd'");
        check("1,\"a\"\"b,\n\"\n\"2\",\"\"\"\"", "", "1; 'a\"b,\n' | 2; '\"'");
        check(",a\nNA,b\n", "", "7; 'a' | 7; 'b'");
        check("1,NA\n2,b", "", "Field 1 is required but missing in record! | 2; 'b'");
        check("x,a", "", "Field 0 in record is not a valid int32: x");
        check(
            "1\n2,b,c\n3,",
            "text=string[1]~'d'",
            "Expect 2 fields but have 1 in record | Expect 2 fields but have more in record | 3; 'd'",
        );
        check(
            "1,a\"b\n2,\"a\"b\"\n3,\"c",
            "",
            "Unquoted fields cannot have quotes inside | Quote inside a string has to be escaped by another quote | Reached end of file without closing quoted field in record",
        );
        check("1,a\"b", "quotes=bool[]~false", "1; 'a\"b'");
        check("n,\"s\n\"\n1,a", "header=bool[]~true", "1; 'a'");
        check("", "header=bool[]~true", "Can't read header of file");
        check("1;x;a\n", "delimiter=string[]~';' select=int64[2]~0~2", "1; 'a'");
        check("y,1,x,a\n", "exclude=int64[2]~0~2", "1; 'a'");
        check("", "", "");
        check("", "select=int64[1]~0", "select_cols should match output size");
        check("", "select=int64[2]~1~1", "select_cols should be strictly increasing indices");
        check("", "exclude=int64[1]~-1", "exclude_cols should be non-negative indices");
        check(
            "",
            "select=int64[2]~0~1 exclude=int64[1]~2",
            "Either select_cols or exclude_cols should be empty",
        );
        check("", "buffer=int64[]~0", "buffer_size should be positive");
        check("", "delimiter=string[]~';;'", "field_delim should be only 1 char");
        check("", "kind=string[]~'LZ'", "Unsupported compression_type: LZ.");
        check("", "integer=int32[2]~1~2", "There should only be 1 default per field but field 0 has 2");
    }
}
