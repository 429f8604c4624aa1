//! Two sparse tensors side by side, in order of their indices.

use std::cmp::Ordering;

use savedmodel_tensor::{Error, Result};

use crate::coo::Coo;

/// A place at which at least one of two sparse tensors has a value: the numbers of these values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// Only the first has one.
    Left(usize),
    /// Only the second has one.
    Right(usize),
    /// Both have.
    Both(usize, usize),
}

/// Walks through two sparse tensors whose indices are in order.
///
/// Where they are not in order, places are met as they come.
pub(crate) fn meetings<'a>(a: &'a Coo<'_>, b: &'a Coo<'_>) -> impl Iterator<Item = Meeting> + 'a {
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        let order = match (i < a.len(), j < b.len()) {
            (false, false) => return None,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => a.index(i).cmp(b.index(j)),
        };
        let (left, right) = (i, j);
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
        Some(match order {
            Ordering::Less => Meeting::Left(left),
            Ordering::Greater => Meeting::Right(right),
            Ordering::Equal => Meeting::Both(left, right),
        })
    })
}

/// The index at which a meeting takes place.
pub(crate) fn index_of<'a>(a: &Coo<'a>, b: &Coo<'a>, meeting: Meeting) -> &'a [i64] {
    match meeting {
        Meeting::Left(i) | Meeting::Both(i, _) => a.index(i),
        Meeting::Right(j) => b.index(j),
    }
}

/// Checks that two sparse tensors have the same shape.
///
/// # Errors
/// `INVALID_ARGUMENT` when they don't.
pub(crate) fn check_same_shape(a: &Coo<'_>, b: &Coo<'_>) -> Result<()> {
    if a.rank() != b.rank() {
        let show = |sizes: &[i64]| sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        return Err(Error::invalid_argument(format!(
            "Operands do not have the same ranks; got shapes: {} and {}",
            show(a.sizes),
            show(b.sizes)
        )));
    }
    match a.sizes.iter().zip(b.sizes).position(|(m, n)| m != n) {
        None => Ok(()),
        Some(axis) => Err(Error::invalid_argument(format!(
            "Operands' shapes do not match: got {} and {} for dimension {axis}",
            a.sizes[axis], b.sizes[axis]
        ))),
    }
}
