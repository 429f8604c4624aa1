//! Text files as sources of table entries.

use std::path::Path;

use savedmodel_tensor::{Bytes, DType, Error, Result, Tensor};
use savedmodel_text::numeral::{read_float, read_integer};

use crate::table::Table;

const LINE_NUMBER: i64 = -1;
const WHOLE_LINE: i64 = -2;

/// How keys and values are taken from the lines of a file.
pub struct Vocabulary {
    /// Column of the key; -1 is the number of the line, -2 the whole line.
    pub key_index: i64,
    /// Column of the value, as for the key.
    pub value_index: i64,
    /// How many lines are read; all if it is not given.
    pub size: Option<usize>,
    /// What columns are separated by.
    pub delimiter: u8,
    /// What is added to line numbers and `int32` columns.
    pub offset: i64,
}

/// A line that was read.
struct Line {
    text: Bytes,
    number: usize,
}

impl Vocabulary {
    /// Fills a table from a file.
    ///
    /// # Errors
    /// Those of the file system; `INVALID_ARGUMENT` for lines that do not have what is wanted; `OUT_OF_RANGE` when
    /// there is nothing to read; those of [`Table::initialize`], except that a filled table is left alone.
    pub fn fill(&self, table: &Table, filename: &[u8]) -> Result<()> {
        if filename.is_empty() {
            return Err(Error::invalid_argument("filename cannot be empty."));
        }
        self.check_dtypes(table.key_dtype(), table.value_dtype())?;
        let name = String::from_utf8_lossy(filename).into_owned();
        let content = Bytes::from(read_file(&name)?);
        let mut lines = Lines { content: &content, position: 0, number: 0, limit: self.size, name: &name };
        let first = lines.next()?.ok_or_else(|| self.nothing(&name))?;
        let mut keys = Column::new(table.key_dtype());
        let mut values = Column::new(table.value_dtype());
        self.add(&first, &name, (&mut keys, &mut values))?;
        if table.is_initialized() {
            return Ok(());
        }
        table.initialize_from(usize::MAX, || {
            let mut rest = || -> Result<()> {
                while let Some(line) = lines.next()? {
                    self.add(&line, &name, (&mut keys, &mut values))?;
                }
                Ok(())
            };
            let error = rest().err();
            let n = keys.len().min(values.len());
            Ok((keys.into_tensor(n)?, values.into_tensor(n)?, error))
        })
    }

    fn nothing(&self, name: &str) -> Error {
        match self.size {
            Some(0) => Error::out_of_range(format!("Finished reading 0 of lines from {name}")),
            _ => Error::out_of_range("Read less bytes than requested"),
        }
    }

    fn check_dtypes(&self, key: DType, value: DType) -> Result<()> {
        let text_like = |dtype: DType| dtype == DType::String || dtype.is_integer();
        let wrong = match (self.key_index, self.value_index) {
            (LINE_NUMBER, _) if key != DType::Int64 => {
                format!("Key index for line number requires table key dtype of int64, got {key}")
            }
            (WHOLE_LINE, _) if !text_like(key) => {
                format!("Key index for whole line requires string or integer table key, got {key}")
            }
            (_, LINE_NUMBER) if value != DType::Int64 => {
                format!("Value index for line number requires table value dtype of int64, got {value}")
            }
            (_, WHOLE_LINE) if !text_like(value) => {
                format!(
                    "Value index for whole line requires table value dtype of integer or string, got {value}"
                )
            }
            _ => return Ok(()),
        };
        Err(Error::invalid_argument(wrong))
    }

    fn add(&self, line: &Line, name: &str, to: (&mut Column, &mut Column)) -> Result<()> {
        let wanted = self.key_index.max(self.value_index);
        if wanted >= 0 {
            let columns = line.text.split(|&c| c == self.delimiter).count();
            if columns as i64 <= wanted {
                return Err(Error::invalid_argument(format!(
                    "Invalid number of columns in {name} line {} ({}) : expected at least {} got {columns}",
                    line.number,
                    String::from_utf8_lossy(&line.text),
                    wanted + 1
                )));
            }
        }
        to.0.push(self, self.key_index, line)?;
        to.1.push(self, self.value_index, line)
    }

    fn field(&self, index: i64, line: &Line) -> Bytes {
        if index < 0 {
            return line.text.clone();
        }
        let mut fields = line.text.split(|&c| c == self.delimiter);
        fields.nth(index as usize).map_or_else(Bytes::new, |field| line.text.slice_ref(field))
    }
}

/// The bytes of a file; errors are told as TensorFlow's file system tells them.
fn read_file(name: &str) -> Result<Vec<u8>> {
    std::fs::read(Path::new(name)).map_err(|error| {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text);
        Error::new(Error::from(error).code(), format!("{name}; {reason}"))
    })
}

struct Lines<'a> {
    content: &'a Bytes,
    position: usize,
    number: usize,
    limit: Option<usize>,
    name: &'a str,
}

impl Lines<'_> {
    /// The next line without its end; nothing after the last.
    fn next(&mut self) -> Result<Option<Line>> {
        let rest = &self.content[self.position..];
        let end = rest.iter().position(|&c| c == b'\n');
        let line = &rest[..end.unwrap_or(rest.len())];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let number = self.number;
        if end.is_none() && line.is_empty() {
            return match self.limit {
                Some(limit) if number != limit => Err(Error::invalid_argument(format!(
                    "Invalid vocab_size in {}: expected {limit} but got {number}",
                    self.name
                ))),
                _ => Ok(None),
            };
        }
        if self.limit.is_some_and(|limit| number >= limit) {
            return Ok(None);
        }
        self.position += end.map_or(rest.len(), |end| end + 1);
        if line.is_empty() {
            return Err(Error::invalid_argument(format!(
                "Invalid content in {}: empty line found at position {}.",
                self.name, self.position
            )));
        }
        self.number += 1;
        Ok(Some(Line { text: self.content.slice_ref(line), number }))
    }
}

/// Keys or values, growing line by line.
enum Column {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    String(Vec<Bytes>),
    Other(DType),
}

impl Column {
    fn new(dtype: DType) -> Column {
        match dtype {
            DType::Int32 => Column::Int32(Vec::new()),
            DType::Int64 => Column::Int64(Vec::new()),
            DType::Float => Column::Float(Vec::new()),
            DType::Double => Column::Double(Vec::new()),
            DType::String => Column::String(Vec::new()),
            other => Column::Other(other),
        }
    }

    fn push(&mut self, from: &Vocabulary, index: i64, line: &Line) -> Result<()> {
        let field = from.field(index, line);
        // Numbers end at a NUL, as C's strings do.
        let digits = field.split(|&c| c == 0).next().unwrap_or_default();
        let wrong = |what: &str| {
            let (field, number) = (String::from_utf8_lossy(&field), line.number);
            Error::invalid_argument(format!("Field {field} in line {number} is not a valid {what}."))
        };
        match self {
            Column::Int64(values) if index == LINE_NUMBER => {
                values.push((line.number as i64).wrapping_add(from.offset));
            }
            Column::Int32(values) => {
                let value: i32 = read_integer(digits).ok_or_else(|| wrong("int32"))?;
                values.push(i64::from(value).wrapping_add(from.offset) as i32);
            }
            Column::Int64(values) => values.push(read_integer(digits).ok_or_else(|| wrong("int64"))?),
            Column::Float(values) => values.push(read_float(digits).ok_or_else(|| wrong("float"))?),
            Column::Double(values) => values.push(read_float(digits).ok_or_else(|| wrong("double"))?),
            Column::String(values) => values.push(field.clone()),
            Column::Other(dtype) => {
                return Err(Error::invalid_argument(format!("Data type {dtype} not supported.")));
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Column::Int32(values) => values.len(),
            Column::Int64(values) => values.len(),
            Column::Float(values) => values.len(),
            Column::Double(values) => values.len(),
            Column::String(values) => values.len(),
            Column::Other(_) => 0,
        }
    }

    /// The first `n` as a vector.
    fn into_tensor(self, n: usize) -> Result<Tensor> {
        match self {
            Column::Int32(values) => Tensor::from_slice([n], &values[..n]),
            Column::Int64(values) => Tensor::from_slice([n], &values[..n]),
            Column::Float(values) => Tensor::from_slice([n], &values[..n]),
            Column::Double(values) => Tensor::from_slice([n], &values[..n]),
            Column::String(values) => Tensor::from_strings([n], values.into_iter().take(n)),
            Column::Other(dtype) => Tensor::zeros(dtype, [n]),
        }
    }
}
