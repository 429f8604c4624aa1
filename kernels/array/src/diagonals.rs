//! Diagonals of matrices packed into rows, as the matrix-diagonal operators share them.

use savedmodel_op::Construction;
use savedmodel_tensor::{Error, Result, Shape, Tensor};

/// To which side of its row a diagonal that is shorter than the longest is aligned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Align {
    /// Whether diagonals above the main one stand to the left.
    super_left: bool,
    /// Whether diagonals below the main one stand to the left.
    sub_left: bool,
}

impl Align {
    /// What the first two versions of the operators do.
    pub const LEFT: Align = Align { super_left: true, sub_left: true };

    /// The attribute `align`, if the operator has one.
    pub fn of(node: &Construction<'_>) -> Result<Align> {
        if !node.attrs().contains_key("align") {
            return Ok(Align::LEFT);
        }
        let align: String = node.attr("align")?;
        let (upper, lower) = align.split_once('_').ok_or_else(|| node.unimplemented("align"))?;
        Ok(Align { super_left: upper == "LEFT", sub_left: lower == "LEFT" })
    }
}

/// A range of diagonals, counted upwards from the main one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    /// The lowest.
    pub lower: i64,
    /// The highest.
    pub upper: i64,
}

/// Where one diagonal lies in its matrix and in its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Diagonal {
    /// Position of its first element in the matrix.
    pub matrix: usize,
    /// Position of its first element in the packed rows of the matrix.
    pub packed: usize,
    /// Number of elements.
    pub len: usize,
}

impl Band {
    /// The main diagonal alone.
    pub const MAIN: Band = Band { lower: 0, upper: 0 };

    /// The band that a tensor of one or two numbers means.
    pub fn of(k: &Tensor) -> Result<Band> {
        if k.rank() > 1 {
            return Err(Error::invalid_argument(format!(
                "diag_index must be a scalar or vector, received shape: {}",
                k.shape()
            )));
        }
        let band = match k.to_i64s()?[..] {
            [] => return Err(Error::invalid_argument("Expected diag_index to have at least 1 element")),
            [only] => Band { lower: only, upper: only },
            [lower, upper] => Band { lower, upper },
            ref more => {
                return Err(Error::invalid_argument(format!(
                    "diag_index must have only one or two elements, received {} elements.",
                    more.len()
                )));
            }
        };
        if band.lower > band.upper {
            return Err(Error::invalid_argument(format!(
                "lower_diag_index must not be larger than upper_diag_index: {} > {}",
                band.lower, band.upper
            )));
        }
        Ok(band)
    }

    /// Number of diagonals.
    pub fn count(self) -> usize {
        (self.upper - self.lower + 1) as usize
    }

    /// Checks that both ends lie in a matrix.
    pub fn check(self, rows: usize, cols: usize) -> Result<()> {
        for (what, k) in [("lower", self.lower), ("upper", self.upper)] {
            if k != 0 && !(-(rows as i64) < k && k < cols as i64) {
                return Err(Error::invalid_argument(format!(
                    "{what}_diag_index is out of bound: {k}. It must be between -{rows} and {cols}"
                )));
            }
        }
        Ok(())
    }

    /// Length of the longest diagonal.
    pub fn longest(self, rows: usize, cols: usize) -> usize {
        let rows = rows as i64 + self.upper.min(0);
        let cols = cols as i64 - self.lower.max(0);
        rows.min(cols).max(0) as usize
    }

    /// The shape of the packed diagonals of a tensor of matrices.
    pub fn packed_shape(self, matrices: &[usize]) -> Shape {
        let [batch @ .., rows, cols] = matrices else { return Shape::scalar() };
        let mut shape = Shape::from(batch);
        if self.count() > 1 {
            shape.push(self.count());
        }
        shape.push(self.longest(*rows, *cols));
        shape
    }

    /// The diagonals of a matrix, highest first, packed into rows of `longest` elements.
    pub fn diagonals(
        self,
        (rows, cols): (usize, usize),
        longest: usize,
        align: Align,
    ) -> impl Iterator<Item = Diagonal> {
        (self.lower..=self.upper).rev().enumerate().map(move |(row, k)| {
            let (below, above) = ((-k).max(0) as usize, k.max(0) as usize);
            let len = rows.saturating_sub(below).min(cols.saturating_sub(above)).min(longest);
            let left = k >= 0 && align.super_left || k <= 0 && align.sub_left;
            let offset = if left { 0 } else { longest - len };
            Diagonal { matrix: below * cols + above, packed: row * longest + offset, len }
        })
    }
}
