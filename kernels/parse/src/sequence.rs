//! The message `SequenceExample`: features of the whole, and lists of features.

use rustc_hash::FxHashMap;
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result};

use crate::wire::{Reader, delimited};

mod context;
mod lists;
mod one;

pub use context::parse_context;
pub use lists::parse_lists;

/// The serialised sequence examples and their names, for messages.
#[derive(Clone, Copy)]
pub struct Examples<'a> {
    /// The examples.
    pub examples: &'a [Bytes],
    /// None, or one for each.
    pub labels: &'a [Bytes],
    /// Whether outputs have a dimension for the examples.
    pub is_batch: bool,
}

impl Examples<'_> {
    /// The name of an example.
    pub fn label(&self, index: usize) -> String {
        self.labels
            .get(index)
            .map_or_else(|| "<unknown>".into(), |label| String::from_utf8_lossy(label).into_owned())
    }
}

/// A dense feature, of the whole or of each item of a list.
#[derive(Clone, Debug)]
pub struct DenseFeature {
    /// The dtype.
    pub dtype: DType,
    /// The shape.
    pub shape: PartialShape,
}

/// The features that are asked for, of the whole or as lists.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Dense ones, by number.
    pub dense: Vec<DenseFeature>,
    /// The dtypes of sparse ones; numbered after the dense ones.
    pub sparse: Vec<DType>,
    /// The dtypes of ragged ones and of their splits; numbered after the sparse ones.
    pub ragged: Vec<(DType, DType)>,
}

/// Features or lists, by number of name, then by number of example: `None` if it is missing.
pub type Found<'a> = Vec<Vec<Option<&'a [u8]>>>;

/// The names of features, of which one may stand in a kind several times.
#[derive(Clone, Debug)]
pub struct Keys {
    /// For each feature, dense, sparse and ragged ones in this order, the number of its name.
    pub number: Vec<usize>,
    /// The names.
    pub names: Vec<Bytes>,
    numbers: FxHashMap<Bytes, usize>,
}

impl Keys {
    /// The names of dense, sparse and ragged features; `what` is `Context` or `Sequence`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a name stands for two kinds of features.
    pub fn new(what: &str, dense: &[Bytes], sparse: &[Bytes], ragged: &[Bytes]) -> Result<Keys> {
        let mut keys = Keys { number: Vec::new(), names: Vec::new(), numbers: FxHashMap::default() };
        let clash = |name: &Bytes, kinds: &str| {
            let name = String::from_utf8_lossy(name);
            Err(Error::invalid_argument(format!("{what} feature {name} cannot be both {kinds}")))
        };
        if let Some(name) = ragged.iter().find(|name| sparse.contains(name)) {
            return clash(name, "ragged and sparse");
        }
        if let Some(name) = dense.iter().find(|name| sparse.contains(name) || ragged.contains(name)) {
            return clash(name, "dense and sparse");
        }
        for name in dense.iter().chain(sparse).chain(ragged) {
            let next = keys.names.len();
            let number = *keys.numbers.entry(name.clone()).or_insert(next);
            if number == next {
                keys.names.push(name.clone());
            }
            keys.number.push(number);
        }
        Ok(keys)
    }

    /// The name of a feature.
    pub fn name(&self, feature: usize) -> String {
        String::from_utf8_lossy(&self.names[self.number[feature]]).into_owned()
    }
}

/// Finds the features and lists that have these names, in all examples. Of equal names the last counts.
///
/// # Errors
/// `INVALID_ARGUMENT` when an example is no such message.
pub fn find<'a>(examples: &Examples<'a>, context: &Keys, lists: &Keys) -> Result<[Found<'a>; 2]> {
    let none = |keys: &Keys| vec![vec![None; examples.examples.len()]; keys.names.len()];
    let mut found = [none(context), none(lists)];
    for (index, example) in examples.examples.iter().enumerate() {
        let mut reader = Reader::new(example);
        find_in(&mut reader, [context, lists], |part, number, value| {
            let of_part: &mut Found<'a> = &mut found[part];
            of_part[number][index] = Some(value);
        })
        .ok_or_else(|| {
            let label = examples.label(index);
            Error::invalid_argument(format!("Invalid protocol message input, example id: {label}"))
        })?;
    }
    Ok(found)
}

fn find_in<'a>(
    reader: &mut Reader<'a>,
    keys: [&Keys; 2],
    mut take: impl FnMut(usize, usize, &'a [u8]),
) -> Option<()> {
    while !reader.is_at_end() {
        let part = match (reader.expect(delimited(1)), reader.peek()) {
            (Some(()), _) => 0,
            (None, tag) if tag == delimited(2) => {
                reader.skip(1);
                1
            }
            _ => {
                reader.skip_field()?;
                continue;
            }
        };
        let len = reader.length()?;
        let limit = reader.push_limit(len);
        while !reader.is_at_end() {
            reader.expect(delimited(1))?;
            let len = reader.length()?;
            let entry = reader.push_limit(len);
            reader.expect(delimited(1))?;
            let name = reader.string()?;
            reader.expect(delimited(2))?;
            let value = reader.string()?;
            if !reader.is_at_end() {
                return None;
            }
            reader.pop_limit(entry);
            if let Some(&number) = keys[part].numbers.get(name) {
                take(part, number, value);
            }
        }
        reader.pop_limit(limit);
    }
    Some(())
}
