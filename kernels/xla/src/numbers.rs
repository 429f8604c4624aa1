//! Numbers that attributes and tensors hold: dimensions, sizes, steps.

use savedmodel_op::Construction;
use savedmodel_tensor::{Bytes, Code, Error, Result, Tensor};

/// The numbers of a message that holds only numbers, by their fields.
pub(crate) struct Numbers([Vec<i64>; 16]);

impl Numbers {
    /// Those of the serialized message that an attribute is.
    ///
    /// # Errors
    /// `UNKNOWN`, as TensorFlow's compiler has it, when it is none.
    pub fn of(node: &Construction<'_>, attr: &str) -> Result<Numbers> {
        let bytes: Bytes = node.attr(attr)?;
        let wrong = || {
            Error::new(
                Code::Unknown,
                format!("attr {attr} of {} is not the message that it should be", node.op),
            )
        };
        let mut found = Numbers(std::array::from_fn(|_| Vec::new()));
        found.read(&bytes).ok_or_else(wrong)?;
        Ok(found)
    }

    fn read(&mut self, mut rest: &[u8]) -> Option<()> {
        while !rest.is_empty() {
            let tag = varint(&mut rest)?;
            if tag >> 3 == 0 {
                return None;
            }
            let mut place = self.0.get_mut((tag >> 3) as usize);
            let len = match tag & 7 {
                0 => {
                    let value = varint(&mut rest)? as i64;
                    place.into_iter().for_each(|place| place.push(value));
                    continue;
                }
                1 => 8,
                2 => usize::try_from(varint(&mut rest)?).ok()?,
                5 => 4,
                _ => return None,
            };
            let (mut packed, after) = rest.split_at_checked(len)?;
            rest = after;
            while let (2, Some(place), false) = (tag & 7, &mut place, packed.is_empty()) {
                place.push(varint(&mut packed)? as i64);
            }
        }
        Some(())
    }

    /// The numbers of a repeated field.
    pub fn list(&self, field: usize) -> &[i64] {
        &self.0[field]
    }

    /// The number of a field that is there once; zero if it is not there.
    pub fn one(&self, field: usize) -> i64 {
        self.0[field].last().copied().unwrap_or(0)
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for i in 0..10 {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 127) << (7 * i);
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

/// Checks that dimensions are different ones of a tensor of this rank.
///
/// # Errors
/// `INVALID_ARGUMENT` when they are not.
pub(crate) fn dims(given: &[i64], rank: usize, what: &str) -> Result<Vec<usize>> {
    let mut found: Vec<usize> = Vec::with_capacity(given.len());
    for &dim in given {
        match usize::try_from(dim) {
            Ok(dim) if dim < rank && !found.contains(&dim) => found.push(dim),
            _ => {
                let text = format!("{what} {given:?} are no dimensions of a tensor of rank {rank}");
                return Err(Error::invalid_argument(text));
            }
        }
    }
    Ok(found)
}

/// The numbers of a vector with one for each of `rank` dimensions, all of at least `least`.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is another tensor.
pub(crate) fn per_dim(tensor: &Tensor, rank: usize, least: i64, what: &str) -> Result<Vec<i64>> {
    let values = tensor.to_i64s()?;
    if tensor.rank() != 1 || values.len() != rank {
        let shape = tensor.shape();
        return Err(Error::invalid_argument(format!(
            "{what} must be a vector of {rank} numbers, got shape {shape}"
        )));
    }
    // What is beyond is an error of its size in any case.
    match values.iter().find(|&&value| value < least || value.unsigned_abs() > 1 << 40) {
        None => Ok(values),
        Some(value) => Err(Error::invalid_argument(format!("{what} must be at least {least}, got {value}"))),
    }
}

/// The dimensions of a tensor of this rank that are not among `dims`, in order.
pub(crate) fn others(rank: usize, dims: &[usize]) -> Vec<usize> {
    (0..rank).filter(|dim| !dims.contains(dim)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_numbers() {
        let check = |bytes: &[u8], want: Option<(&[i64], i64)>| {
            let mut numbers = Numbers(std::array::from_fn(|_| Vec::new()));
            let got = numbers.read(bytes).map(|()| (numbers.list(1), numbers.one(4)));
            assert_eq!(got, want, "{bytes:?}");
        };
        check(b"", Some((&[], 0)));
        check(b"\n\x03\x01\x80\x01 \x05", Some((&[1, 128], 5)));
        check(b"\x08\x01\x08\x02 \x05 \x06", Some((&[1, 2], 6)));
        check(b"\x82\x01\x01a", Some((&[], 0)));
        for bad in [&b"\x80"[..], b"\n\x05\x01", b"\n\x01\x80", b"\x02\x00", b"\x0b", b"\x00\x01"] {
            check(bad, None);
        }
    }
}
