//! One feature within a sequence example.

use savedmodel_tensor::{Bytes, DType};

use crate::feature::{Values, tag};
use crate::wire::Reader;

/// Adds the values of a feature, whose tag comes next; how many there are.
///
/// `None` when the feature has another dtype, or none, or is malformed; values may have been added then.
pub fn read(reader: &mut Reader<'_>, dtype: DType, owner: &Bytes, values: &mut Values) -> Option<usize> {
    let before = values.len();
    reader.expect(tag(dtype))?;
    values.read(reader, owner)?;
    Some(values.len() - before)
}
