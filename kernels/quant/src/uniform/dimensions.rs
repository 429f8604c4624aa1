//! What the dimensions of a convolution are: batch, features and space, in any order.

use savedmodel_tensor::{Error, Result};

/// For each operand the dimensions in the order batch (of a filter: output features), features, space.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimensions {
    /// Of the images.
    pub lhs: Vec<usize>,
    /// Of the filters.
    pub rhs: Vec<usize>,
    /// Of the result.
    pub out: Vec<usize>,
}

/// Numbers of a serialized `UniformQuantizedConvolutionDimensionNumbersAttr`, by field.
#[derive(Clone, Debug, Default)]
pub struct Numbers([Vec<i64>; 9]);

impl Numbers {
    /// Reads the message.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is none.
    pub fn parse(bytes: &[u8]) -> Result<Numbers> {
        let wrong = || Error::invalid_argument("Error parsing convolution dimension numbers.");
        let mut numbers = Numbers::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let tag = varint(&mut rest).ok_or_else(wrong)?;
            let field =
                usize::try_from(tag >> 3).ok().filter(|field| (1..=9).contains(field)).ok_or_else(wrong)?;
            let values = &mut numbers.0[field - 1];
            let repeated = field % 3 == 0;
            if !repeated {
                values.clear();
            }
            match tag & 7 {
                0 => values.push(varint(&mut rest).ok_or_else(wrong)? as i64),
                2 if repeated => {
                    let length = varint(&mut rest).ok_or_else(wrong)?;
                    let length =
                        usize::try_from(length).ok().filter(|&n| n <= rest.len()).ok_or_else(wrong)?;
                    let (mut packed, after) = rest.split_at(length);
                    rest = after;
                    while !packed.is_empty() {
                        values.push(varint(&mut packed).ok_or_else(wrong)? as i64);
                    }
                }
                _ => return Err(wrong()),
            }
        }
        Ok(numbers)
    }

    /// The dimensions of operands of this rank; those of the usual order when nothing is said.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are no permutations.
    pub fn dimensions(&self, rank: usize) -> Result<Dimensions> {
        let [a, b, c, d, e, f, g, h, i] = &self.0;
        if c.is_empty() {
            let usual: Vec<usize> = (0..rank).collect();
            return Ok(Dimensions { lhs: usual.clone(), rhs: usual.clone(), out: usual });
        }
        Ok(Dimensions {
            lhs: permutation(rank, a, b, c)?,
            rhs: permutation(rank, e, d, f)?,
            out: permutation(rank, g, h, i)?,
        })
    }
}

fn permutation(rank: usize, first: &[i64], second: &[i64], space: &[i64]) -> Result<Vec<usize>> {
    if space.len() + 2 != rank {
        return Err(Error::invalid_argument(format!(
            "Spatial dimensions size must be rank - 2. Given rank {rank} and spatial dimensions size {}",
            space.len()
        )));
    }
    let one = |values: &[i64]| values.first().copied().unwrap_or(0);
    let mut order = Vec::with_capacity(rank);
    for number in [one(first), one(second)].into_iter().chain(space.iter().copied()) {
        match usize::try_from(number) {
            Ok(found) if found < rank && !order.contains(&found) => order.push(found),
            _ => {
                return Err(Error::invalid_argument(format!(
                    "Each dimension number must be in region [0, rank). Given rank {rank} and dimension number value {number}"
                )));
            }
        }
    }
    Ok(order)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let usual = Numbers::parse(&[]).unwrap().dimensions(3).unwrap();
        assert_eq!(usual.rhs, [0, 1, 2]);
        // Images and results with features last, filters with both kinds of features last.
        let bytes = [16, 3, 24, 1, 24, 2, 32, 2, 40, 3, 50, 2, 0, 1, 64, 3, 74, 2, 1, 2];
        let found = Numbers::parse(&bytes).unwrap().dimensions(4).unwrap();
        assert_eq!((found.lhs, found.rhs, found.out), (vec![0, 3, 1, 2], vec![3, 2, 0, 1], vec![0, 3, 1, 2]));
        assert!(Numbers::parse(&[24]).is_err());
        assert!(Numbers::parse(&[24, 1]).unwrap().dimensions(4).is_err());
    }
}
