//! The header of an array: a Python dictionary, literally.

use std::io::Read;

use savedmodel_tensor::{DType, Error, Result, Shape};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Far above what NumPy itself reads without being told to trust the file.
const LONGEST: u64 = 1 << 20;

/// What the header says.
#[derive(Debug)]
pub struct Header {
    pub item: Item,
    pub shape: Shape,
    /// The bytes of each word are in the order of other machines.
    pub foreign_order: bool,
    pub column_major: bool,
}

/// The items of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Numbers and booleans.
    Plain(DType),
    /// Byte strings of at most so many bytes.
    Bytes(usize),
    /// Texts of at most so many characters, four bytes each.
    Unicode(usize),
    /// So many bytes of unknown meaning.
    Void(usize),
}

impl Item {
    /// Bytes of one item.
    pub fn size(self) -> usize {
        match self {
            Item::Plain(dtype) => dtype.size().unwrap_or(1),
            Item::Bytes(n) | Item::Void(n) => n,
            Item::Unicode(n) => n.saturating_mul(4),
        }
    }

    /// Bytes that change places when the byte order changes.
    pub fn word(self) -> usize {
        match self {
            Item::Plain(dtype) if dtype.is_complex() => self.size() / 2,
            Item::Plain(_) => self.size(),
            Item::Bytes(_) => 1,
            Item::Unicode(_) => 4,
            Item::Void(n) => n.max(1),
        }
    }
}

impl Header {
    pub fn read(input: &mut impl Read) -> Result<Header> {
        let mut start = [0; 8];
        fill(input, &mut start)?;
        if &start[..6] != MAGIC {
            return Err(Error::data_loss("this is no .npy array"));
        }
        let length = match start[6] {
            1 => {
                let mut length = [0; 2];
                fill(input, &mut length)?;
                u64::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                fill(input, &mut length)?;
                u64::from(u32::from_le_bytes(length))
            }
            version => return Err(Error::unimplemented(format!(".npy version {version} is unknown"))),
        };
        if length > LONGEST {
            return Err(Error::data_loss(format!("an .npy header of {length} bytes")));
        }
        let mut text = vec![0; length as usize];
        fill(input, &mut text)?;
        let text = String::from_utf8_lossy(&text);
        Header::parse(&text).ok_or_else(|| Error::data_loss(format!("bad .npy header: {}", text.trim())))?
    }

    fn parse(text: &str) -> Option<Result<Header>> {
        let mut parser = Parser { rest: text };
        let literal = parser.literal(0)?;
        if !parser.rest.trim().is_empty() {
            return None;
        }
        let Literal::Dict(entries) = literal else { return None };
        let find = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let Literal::Word(column_major) = find("fortran_order")? else { return None };
        let Literal::Sequence(dims) = find("shape")? else { return None };
        let dim = |literal: &Literal| match literal {
            Literal::Word(word) => word.parse::<i64>().ok().filter(|&dim| dim >= 0),
            _ => None,
        };
        let dims: Vec<i64> = dims.iter().map(dim).collect::<Option<_>>()?;
        let descr = match find("descr")? {
            Literal::Text(descr) => descr.as_str(),
            Literal::Sequence(fields) => single_field(fields)?,
            _ => return None,
        };
        let column_major = column_major == "True";
        Some(item(descr).and_then(|(item, foreign_order)| {
            // A product beyond all memory is a damaged file, not a wrong argument.
            let shape = Shape::from_i64(&dims).map_err(|e| Error::data_loss(e.message()))?;
            Ok(Header { item, shape, foreign_order, column_major })
        }))
    }
}

/// TensorFlow's quantised dtypes are structures of one field: `[('qint8', '|i1')]`.
fn single_field(fields: &[Literal]) -> Option<&str> {
    match fields {
        [Literal::Sequence(field)] => match &field[..] {
            [Literal::Text(_), Literal::Text(descr)] => Some(descr),
            _ => None,
        },
        _ => Some("a structure"),
    }
}

fn item(descr: &str) -> Result<(Item, bool)> {
    let unknown = || {
        let hint = if descr.contains('O') {
            "; save strings as dtype 'S' or 'U', not as Python objects"
        } else {
            ""
        };
        Error::unimplemented(format!("arrays of NumPy type '{descr}' can't be read{hint}"))
    };
    let (order, kind) = match descr.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), kind)) => (order, kind),
        _ => ("=", descr),
    };
    let foreign = order == if cfg!(target_endian = "big") { "<" } else { ">" };
    let plain = |dtype| Ok((Item::Plain(dtype), foreign));
    match kind {
        "?" | "b1" => plain(DType::Bool),
        "i1" => plain(DType::Int8),
        "i2" => plain(DType::Int16),
        "i4" => plain(DType::Int32),
        "i8" => plain(DType::Int64),
        "u1" => plain(DType::Uint8),
        "u2" => plain(DType::Uint16),
        "u4" => plain(DType::Uint32),
        "u8" => plain(DType::Uint64),
        "f2" => plain(DType::Half),
        "f4" => plain(DType::Float),
        "f8" => plain(DType::Double),
        "c8" => plain(DType::Complex64),
        "c16" => plain(DType::Complex128),
        _ => {
            let (letter, width) = kind.split_at_checked(1).ok_or_else(unknown)?;
            let width = width.parse().map_err(|_| unknown())?;
            match letter {
                "S" | "a" => Ok((Item::Bytes(width), false)),
                "U" => Ok((Item::Unicode(width), foreign)),
                "V" => Ok((Item::Void(width), foreign)),
                _ => Err(unknown()),
            }
        }
    }
}

fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    input.read_exact(bytes).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::data_loss("the array is cut in its header"),
        _ => Error::from(e),
    })
}

/// A Python literal, as far as headers have them.
#[derive(Debug)]
enum Literal {
    Text(String),
    /// A number, `True`, `False` or `None`.
    Word(String),
    /// A list or tuple.
    Sequence(Vec<Literal>),
    Dict(Vec<(String, Literal)>),
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    const DEEPEST: usize = 8;

    fn eat(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        let stripped = self.rest.strip_prefix(token);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn literal(&mut self, depth: usize) -> Option<Literal> {
        if depth > Parser::DEEPEST {
            return None;
        }
        if self.eat('{') {
            return self.entries(depth);
        }
        for (open, close) in [('(', ')'), ('[', ']')] {
            if self.eat(open) {
                return self.items(close, depth);
            }
        }
        for quote in ['\'', '"'] {
            if self.eat(quote) {
                let (text, rest) = self.rest.split_once(quote)?;
                self.rest = rest;
                return Some(Literal::Text(text.to_owned()));
            }
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        // NumPy under Python 2 wrote long integers with an L.
        (!word.is_empty()).then(|| Literal::Word(word.trim_end_matches('L').to_owned()))
    }

    fn items(&mut self, close: char, depth: usize) -> Option<Literal> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.literal(depth + 1)?);
            if !self.eat(',') && !self.rest.starts_with(close) {
                return None;
            }
        }
        Some(Literal::Sequence(items))
    }

    fn entries(&mut self, depth: usize) -> Option<Literal> {
        let mut entries = Vec::new();
        while !self.eat('}') {
            let Literal::Text(key) = self.literal(depth + 1)? else { return None };
            if !self.eat(':') {
                return None;
            }
            entries.push((key, self.literal(depth + 1)?));
            if !self.eat(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Literal::Dict(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Option<(Item, &[usize])>) {
        let got = Header::parse(text).and_then(Result::ok);
        assert_eq!(got.as_ref().map(|h| (h.item, h.shape.dims())), want, "{text}");
    }

    #[test]
    fn headers() {
        check(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
            Some((Item::Plain(DType::Float), &[3, 4])),
        );
        check("{'descr':'|S5','fortran_order':True,'shape':()}", Some((Item::Bytes(5), &[])));
        check("{'descr': [('qint8', '|i1')], 'fortran_order': False, 'shape': (2L,)}", {
            Some((Item::Plain(DType::Int8), &[2]))
        });
        check("{'descr': [('a', '|i1'), ('b', '<f4')], 'fortran_order': False, 'shape': ()}", None);
        check("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", None);
        check("{'descr': '<f4', 'shape': (1,)}", None);
        check("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", None);
        check(&"(".repeat(100_000), None);
    }
}
