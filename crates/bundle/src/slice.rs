//! Boxes within tensors.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use savedmodel_proto::TensorSliceProto;
use savedmodel_proto::tensor_slice_proto::Extent;
use savedmodel_proto::tensor_slice_proto::extent::HasLengthHack;
use savedmodel_tensor::{Error, Result, Shape};

/// A box within a tensor: for each dimension a start and a length, or all of it.
///
/// Written as in `shape_and_slices` attributes, `0,2:-` is the first two rows of a matrix.
///
/// ```
/// use savedmodel_bundle::TensorSlice;
/// use savedmodel_tensor::Shape;
/// let slice: TensorSlice = "0,2:-".parse()?;
/// assert_eq!(slice.shape(&Shape::from([4, 3]))?, Shape::from([2, 3]));
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorSlice(Vec<(usize, Option<usize>)>);

impl TensorSlice {
    /// All of a tensor of this rank.
    pub fn full(rank: usize) -> TensorSlice {
        TensorSlice(vec![(0, None); rank])
    }

    /// A start and a length for each dimension; no length means all of the dimension.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for numbers above `i64::MAX` and a start without a length.
    pub fn new(extents: Vec<(usize, Option<usize>)>) -> Result<TensorSlice> {
        let legal = |&(start, length): &(usize, Option<usize>)| {
            let end = start.checked_add(length.unwrap_or(0));
            end.is_some_and(|end| i64::try_from(end).is_ok()) && (length.is_some() || start == 0)
        };
        if extents.len() > Shape::MAX_RANK || !extents.iter().all(legal) {
            return Err(Error::invalid_argument(format!("bad tensor slice {extents:?}")));
        }
        Ok(TensorSlice(extents))
    }

    /// The slice of a message.
    pub(crate) fn from_proto(proto: &TensorSliceProto) -> Result<TensorSlice> {
        let bad = || Error::data_loss("a tensor slice with a negative start or length");
        let extents = proto.extent.iter().map(|extent| match &extent.has_length_hack {
            None => Ok((0, None)),
            Some(HasLengthHack::Length(length)) => {
                let start = usize::try_from(extent.start).map_err(|_| bad())?;
                Ok((start, Some(usize::try_from(*length).map_err(|_| bad())?)))
            }
        });
        TensorSlice::new(extents.collect::<Result<_>>()?)
    }

    /// The message of the slice.
    pub(crate) fn to_proto(&self) -> TensorSliceProto {
        let extent = |(start, length): (usize, Option<usize>)| Extent {
            start: start as i64,
            has_length_hack: length.map(|length| HasLengthHack::Length(length as i64)),
        };
        TensorSliceProto { extent: self.extents().map(extent).collect() }
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Start and length of each dimension.
    pub fn extents(&self) -> impl Iterator<Item = (usize, Option<usize>)> + '_ {
        self.0.iter().copied()
    }

    /// The indices that the slice covers in each dimension of a tensor of this shape.
    ///
    /// # Errors
    /// `INTERNAL`, as in TensorFlow, when the ranks differ or the slice leaves the tensor.
    pub fn ranges(&self, shape: &Shape) -> Result<Vec<Range<usize>>> {
        if shape.rank() != self.rank() {
            return Err(Error::internal(format!("Mismatching ranks: shape = {shape}, slice = {self}")));
        }
        let range = |(axis, (start, length)): (usize, (usize, Option<usize>))| {
            let size = shape[axis];
            let end = start + length.unwrap_or(size);
            (end <= size).then_some(start..end).ok_or_else(|| {
                Error::internal(format!(
                    "Extent in dimension {axis} out of bounds: shape = {shape}, slice = {self}"
                ))
            })
        };
        self.extents().enumerate().map(range).collect()
    }

    /// The shape of the slice of a tensor of this shape.
    ///
    /// # Errors
    /// As [`TensorSlice::ranges`].
    pub fn shape(&self, of: &Shape) -> Result<Shape> {
        Ok(self.ranges(of)?.iter().map(ExactSizeIterator::len).collect())
    }
}

impl fmt::Display for TensorSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (axis, (start, length)) in self.extents().enumerate() {
            f.write_str(if axis == 0 { "" } else { ":" })?;
            match length {
                Some(length) => write!(f, "{start},{length}")?,
                None => f.write_str("-")?,
            }
        }
        Ok(())
    }
}

impl FromStr for TensorSlice {
    type Err = Error;

    fn from_str(text: &str) -> Result<TensorSlice> {
        let bad = |part: &str| {
            Error::invalid_argument(format!(
                "Expected a pair of numbers or '-' but got '{part}': string = {text}"
            ))
        };
        let extent = |part: &str| {
            if part == "-" {
                return Ok((0, None));
            }
            let (start, length) = part.split_once(',').ok_or_else(|| bad(part))?;
            let number = |digits: &str| digits.parse::<i64>().map_err(|_| bad(part));
            let (start, length) = (number(start)?, number(length)?);
            if start < 0 || length <= 0 {
                return Err(Error::invalid_argument(format!(
                    "Expected non-negative start and positive length but got start = {start}, \
                     length = {length}: string = {text}"
                )));
            }
            Ok((start as usize, Some(length as usize)))
        };
        let parts = text.split(':').filter(|part| !part.is_empty());
        TensorSlice::new(parts.map(extent).collect::<Result<_>>()?)
    }
}

/// A `shape_and_slices` attribute that is not empty: the whole shape, then the slice, as in `4 3 0,2:-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeAndSlice {
    /// The shape of the whole tensor.
    pub shape: Shape,
    /// The part in question.
    pub slice: TensorSlice,
}

impl FromStr for ShapeAndSlice {
    type Err = Error;

    fn from_str(text: &str) -> Result<ShapeAndSlice> {
        let (shape, slice) = text.rsplit_once(' ').ok_or_else(|| {
            Error::invalid_argument(format!(
                "Need least two elements in shape_and_slice specification: {text}"
            ))
        })?;
        let slice: TensorSlice = slice.parse()?;
        let size = |part: &str| match part.parse::<i64>() {
            Ok(size) if size >= 0 => Ok(size),
            Ok(_) => Err(Error::invalid_argument(format!("Negative dimension in shape_and_slice: {text}"))),
            Err(_) => {
                Err(Error::invalid_argument(format!("Non numerical dimension in shape_and_slice: {text}")))
            }
        };
        let sizes = shape.split(' ').map(size).collect::<Result<Vec<_>>>()?;
        let shape = Shape::from_i64(&sizes)?;
        slice.ranges(&shape)?;
        Ok(ShapeAndSlice { shape, slice })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways() {
        for text in ["0,2:-:3,1", "-", ""] {
            let slice: TensorSlice = text.parse().unwrap();
            assert_eq!(slice.to_string(), text);
            assert_eq!(TensorSlice::from_proto(&slice.to_proto()), Ok(slice));
        }
        for text in ["1", "a,1", "-1,2", "1,0", "9223372036854775807,1", "99999999999999999999,1"] {
            assert!(text.parse::<TensorSlice>().is_err(), "{text}");
        }
    }

    #[test]
    fn shapes_and_slices() {
        let check = |text: &str, want: &str| {
            let error = text.parse::<ShapeAndSlice>().unwrap_err();
            assert!(error.message().starts_with(want), "{error}");
        };
        assert_eq!("4 3 0,2:-".parse::<ShapeAndSlice>().unwrap().shape, Shape::from([4, 3]));
        check("0,2", "Need least two elements");
        check("4 3 0,2", "Mismatching ranks");
        check("4 x 0,2:-", "Non numerical");
        check("4 -3 0,2:-", "Negative");
        check("4 3 1,9:1,1", "Extent in dimension 0 out of bounds: shape = [4,3], slice = 1,9:1,1");
    }
}
