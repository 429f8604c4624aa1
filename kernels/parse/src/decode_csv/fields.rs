//! Records and their fields.

use savedmodel_op::Construction;
use savedmodel_tensor::{Bytes, Error, Result};

/// How records are laid out.
pub struct Layout {
    delimiter: u8,
    quotes: bool,
    /// The columns that count, in order; all if there are none.
    columns: Vec<i64>,
}

impl Layout {
    /// The layout that the attributes tell.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a delimiter of more than one byte, and for columns that are out of order.
    pub fn new(node: &Construction<'_>, outputs: usize) -> Result<Layout> {
        let delimiter: Bytes = node.attr("field_delim")?;
        let columns: Vec<i64> = node.attr("select_cols")?;
        let &[delimiter] = &delimiter[..] else {
            return Err(Error::invalid_argument("field_delim should be only 1 char"));
        };
        let wrong = match &columns[..] {
            [] => None,
            _ if columns.len() != outputs => Some("select_cols should match output size"),
            _ if !columns.is_sorted_by(|a, b| a < b) => {
                Some("select_cols should be strictly increasing indices")
            }
            [first, ..] if *first < 0 => Some("select_cols should be non-negative indices"),
            _ => None,
        };
        match wrong {
            Some(wrong) => Err(Error::invalid_argument(wrong)),
            None => Ok(Layout { delimiter, quotes: node.attr("use_quote_delim")?, columns }),
        }
    }

    /// The fields of a record that count; they share its memory unless they hold doubled quotes.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for quotes and ends of lines in wrong places.
    pub fn split(&self, record: &Bytes) -> Result<Vec<Bytes>> {
        let mut fields = Vec::with_capacity(self.columns.len());
        let (mut at, mut column) = (0, 0);
        while at < record.len() {
            if matches!(record[at], b'\n' | b'\r') {
                at += 1;
                continue;
            }
            let is_quoted = self.quotes && record[at] == b'"';
            let (field, next) =
                if is_quoted { self.quoted(record, at + 1)? } else { self.plain(record, at)? };
            at = next;
            if self.counts(column, fields.len()) {
                fields.push(field);
                if fields.len() == self.columns.len() {
                    return Ok(fields);
                }
            }
            column += 1;
        }
        if record.last() == Some(&self.delimiter) && self.counts(column, fields.len()) {
            fields.push(Bytes::new());
        }
        Ok(fields)
    }

    /// Whether a column is the next one that counts.
    fn counts(&self, column: i64, found: usize) -> bool {
        self.columns.is_empty() || self.columns.get(found) == Some(&column)
    }

    /// The field that starts at `at`, and where the next one does.
    fn plain(&self, record: &Bytes, at: usize) -> Result<(Bytes, usize)> {
        let len = record[at..].iter().position(|&c| c == self.delimiter).unwrap_or(record.len() - at);
        let field = record.slice(at..at + len);
        if field.iter().any(|&c| self.quotes && c == b'"' || matches!(c, b'\n' | b'\r')) {
            return Err(Error::invalid_argument("Unquoted fields cannot have quotes/CRLFs inside"));
        }
        Ok((field, at + len + 1))
    }

    /// The field whose text starts at `start`, behind a quote, and where the next one starts.
    fn quoted(&self, record: &Bytes, start: usize) -> Result<(Bytes, usize)> {
        let mut unescaped: Option<Vec<u8>> = None;
        let (mut at, mut run) = (start, start);
        while at + 1 < record.len() && !(record[at] == b'"' && record[at + 1] == self.delimiter) {
            if record[at] != b'"' {
                at += 1;
                continue;
            }
            if record[at + 1] != b'"' {
                let message = "Quote inside a string has to be escaped by another quote";
                return Err(Error::invalid_argument(message));
            }
            unescaped.get_or_insert_default().extend_from_slice(&record[run..=at]);
            at += 2;
            run = at;
        }
        let ends = record.get(at) == Some(&b'"') && record.get(at + 1).is_none_or(|&c| c == self.delimiter);
        if !ends {
            let message = "Quoted field has to end with quote followed by delim or end";
            return Err(Error::invalid_argument(message));
        }
        let field = match unescaped {
            None => record.slice(start..at),
            Some(mut text) => {
                text.extend_from_slice(&record[run..at]);
                text.into()
            }
        };
        Ok((field, at + 2))
    }
}
