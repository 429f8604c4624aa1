//! Shapes, known and partly known.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

use crate::{Error, Result};

/// The dimensions of a tensor, outermost first; a scalar has none. Up to five stand in place.
#[derive(PartialEq, Eq, Hash, Default)]
pub struct Shape(SmallVec<[usize; 5]>);

impl Clone for Shape {
    /// As a copy of memory: the vector's own clone goes dimension by dimension, and kernels clone shapes all the time.
    fn clone(&self) -> Shape {
        Shape(SmallVec::from_slice(&self.0))
    }
}

impl Shape {
    /// The most dimensions that TensorFlow allows.
    pub const MAX_RANK: usize = 254;

    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Shape::default()
    }

    /// A shape from the numbers of a message or a shape tensor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a negative dimension, more than 254 dimensions, or a number of elements
    /// above `i64::MAX`.
    pub fn from_i64(dims: &[i64]) -> Result<Shape> {
        if dims.len() > Shape::MAX_RANK {
            return Err(Error::invalid_argument(format!("Too many dimensions in tensor: {}", dims.len())));
        }
        let mut shape = Shape(SmallVec::with_capacity(dims.len()));
        for &dim in dims {
            let size = usize::try_from(dim).map_err(|_| {
                Error::invalid_argument(format!("Dimension {dim} of shape {dims:?} must be >= 0"))
            })?;
            shape.0.push(size);
        }
        shape.checked_elements()?;
        Ok(shape)
    }

    /// The number of elements.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it does not fit an `i64`.
    #[inline]
    pub fn checked_elements(&self) -> Result<usize> {
        // TensorFlow multiplies in order and takes a zero anywhere as zero only if nothing overflowed before.
        let product = self.0.iter().try_fold(1_i64, |n, &d| n.checked_mul(i64::try_from(d).ok()?));
        match product {
            Some(n) => Ok(n as usize),
            None if self.0.contains(&0) => Ok(0),
            None => {
                Err(Error::invalid_argument(format!("Shape {self} would have more than 2**63 - 1 elements")))
            }
        }
    }

    /// The number of elements of a shape that was checked when it was made.
    #[inline]
    pub fn elements(&self) -> usize {
        if self.0.contains(&0) { 0 } else { self.0.iter().product() }
    }

    /// The number of dimensions.
    #[inline]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The dimensions.
    #[inline]
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// The dimensions, to change.
    #[inline]
    pub fn dims_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }

    /// Adds an innermost dimension.
    pub fn push(&mut self, dim: usize) {
        self.0.push(dim);
    }

    /// Adds innermost dimensions.
    pub fn extend_from_slice(&mut self, dims: &[usize]) {
        self.0.extend_from_slice(dims);
    }

    /// Puts a dimension before `axis`.
    pub fn insert(&mut self, axis: usize, dim: usize) {
        self.0.insert(axis, dim);
    }

    /// Takes dimension `axis` out.
    pub fn remove(&mut self, axis: usize) -> usize {
        self.0.remove(axis)
    }

    /// The dimensions as TensorFlow's shape tensors hold them.
    pub fn to_i64(&self) -> Vec<i64> {
        self.0.iter().map(|&d| d as i64).collect()
    }

    /// The shape that two shapes broadcast to, as NumPy and TensorFlow do; `None` if they don't.
    pub fn broadcast(a: &Shape, b: &Shape) -> Option<Shape> {
        let (long, short) = if a.rank() >= b.rank() { (a, b) } else { (b, a) };
        let mut out = long.clone();
        let lead = long.rank() - short.rank();
        for (dim, &other) in out.0[lead..].iter_mut().zip(&short.0) {
            match (*dim, other) {
                (x, y) if x == y || y == 1 => {}
                (1, y) => *dim = y,
                _ => return None,
            }
        }
        Some(out)
    }
}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Shape {
        Shape(SmallVec::from_slice(dims))
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Shape {
        Shape(SmallVec::from_vec(dims))
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Shape {
        Shape(SmallVec::from_slice(&dims))
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Shape {
        shape.clone()
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(dims: I) -> Shape {
        Shape(dims.into_iter().collect())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, dim) in self.0.iter().enumerate() {
            write!(f, "{}{dim}", if i == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A shape of which the rank, or some dimensions, may be unknown.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct PartialShape(Option<SmallVec<[Option<usize>; 5]>>);

impl PartialShape {
    /// A shape of unknown rank.
    pub fn unknown() -> PartialShape {
        PartialShape(None)
    }

    /// A shape of known rank and unknown dimensions.
    pub fn of_rank(rank: usize) -> PartialShape {
        PartialShape(Some(SmallVec::from_elem(None, rank)))
    }

    /// A shape from dimensions of which some may be `None`.
    pub fn new(dims: impl IntoIterator<Item = Option<usize>>) -> PartialShape {
        PartialShape(Some(dims.into_iter().collect()))
    }

    /// A shape from TensorFlow's numbers, where -1 is unknown.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a dimension below -1 or more than 254 dimensions.
    pub fn from_i64(dims: &[i64]) -> Result<PartialShape> {
        if dims.len() > Shape::MAX_RANK {
            return Err(Error::invalid_argument(format!("Too many dimensions in tensor: {}", dims.len())));
        }
        let parse = |&dim: &i64| match dim {
            -1 => Ok(None),
            d => usize::try_from(d).map(Some).map_err(|_| {
                Error::invalid_argument(format!("Dimension {d} of shape {dims:?} must be >= -1"))
            }),
        };
        Ok(PartialShape(Some(dims.iter().map(parse).collect::<Result<_>>()?)))
    }

    /// The dimensions; `None` if the rank is unknown.
    #[inline]
    pub fn dims(&self) -> Option<&[Option<usize>]> {
        self.0.as_deref()
    }

    /// The rank, if known.
    #[inline]
    pub fn rank(&self) -> Option<usize> {
        self.0.as_ref().map(|dims| dims.len())
    }

    /// Dimension `axis`, if known.
    pub fn dim(&self, axis: usize) -> Option<usize> {
        *self.0.as_ref()?.get(axis)?
    }

    /// The whole shape, if every dimension is known.
    pub fn known(&self) -> Option<Shape> {
        self.0.as_ref()?.iter().copied().collect::<Option<SmallVec<_>>>().map(Shape)
    }

    /// Whether a tensor of `shape` may stand where this is declared.
    pub fn accepts(&self, shape: &Shape) -> bool {
        self.0.as_ref().is_none_or(|dims| {
            dims.len() == shape.rank()
                && dims.iter().zip(shape.dims()).all(|(d, &n)| d.is_none_or(|d| d == n))
        })
    }

    /// What is known when both describe the same tensor; `None` if they contradict each other.
    pub fn merge(&self, other: &PartialShape) -> Option<PartialShape> {
        let (Some(a), Some(b)) = (&self.0, &other.0) else {
            return Some(if self.0.is_some() { self.clone() } else { other.clone() });
        };
        if a.len() != b.len() {
            return None;
        }
        let merged = a.iter().zip(b).map(|(&x, &y)| match (x, y) {
            (Some(x), Some(y)) if x != y => None,
            (x, y) => Some(x.or(y)),
        });
        Some(PartialShape(Some(merged.collect::<Option<_>>()?)))
    }
}

impl From<&Shape> for PartialShape {
    fn from(shape: &Shape) -> PartialShape {
        PartialShape::new(shape.iter().map(|&d| Some(d)))
    }
}

impl<const N: usize> From<[usize; N]> for PartialShape {
    fn from(dims: [usize; N]) -> PartialShape {
        PartialShape::new(dims.map(Some))
    }
}

impl fmt::Display for PartialShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(dims) = &self.0 else { return f.write_str("<unknown>") };
        f.write_str("[")?;
        for (i, dim) in dims.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            match dim {
                Some(dim) => write!(f, "{dim}")?,
                None => f.write_str("?")?,
            }
        }
        f.write_str("]")
    }
}

impl fmt::Debug for PartialShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting() {
        let check = |a: &[usize], b: &[usize], want: Option<&[usize]>| {
            let (a, b) = (Shape::from(a), Shape::from(b));
            assert_eq!(Shape::broadcast(&a, &b), want.map(Shape::from), "{a} with {b}");
            assert_eq!(Shape::broadcast(&b, &a), want.map(Shape::from), "{b} with {a}");
        };
        check(&[], &[], Some(&[]));
        check(&[2, 3], &[], Some(&[2, 3]));
        check(&[2, 1], &[3], Some(&[2, 3]));
        check(&[0], &[1], Some(&[0]));
        check(&[2], &[0], None);
        check(&[4, 2], &[3, 1], None);
    }

    #[test]
    fn numbers_that_are_no_shape() {
        assert!(Shape::from_i64(&[2, -1]).is_err());
        assert!(Shape::from_i64(&[1 << 40, 1 << 40]).is_err());
        assert_eq!(Shape::from_i64(&[1 << 40, 1 << 40, 0]).unwrap().checked_elements(), Ok(0));
        assert!(Shape::from_i64(&[1; 255]).is_err());
        assert_eq!(PartialShape::from_i64(&[-1, 3]).unwrap().to_string(), "[?,3]");
    }

    #[test]
    fn partial_shapes_merge() {
        let a = PartialShape::new([None, Some(3)]);
        let b = PartialShape::new([Some(2), None]);
        assert_eq!(a.merge(&b).unwrap().known(), Some(Shape::from([2, 3])));
        assert_eq!(a.merge(&PartialShape::from([2, 4])), None);
        assert_eq!(a.merge(&PartialShape::unknown()), Some(a.clone()));
        assert!(a.accepts(&Shape::from([9, 3])) && !a.accepts(&Shape::from([3])));
    }
}
