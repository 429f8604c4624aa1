//! How two tensors of different shapes meet, element by element.

use std::ops::Range;

use savedmodel_tensor::Shape;
use smallvec::SmallVec;

use super::BLOCK;

/// The common dimensions of two operands, merged as far as both allow, outermost first.
#[derive(Debug)]
pub struct Broadcast {
    dims: SmallVec<[Dim; 6]>,
    len: usize,
}

/// A dimension of the result, and how far one step along it is in each operand: zero where it broadcasts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Dim {
    size: usize,
    steps: [usize; 2],
}

impl Broadcast {
    /// How tensors of shapes `a` and `b` meet in a result of shape `out`, which is what they broadcast to.
    pub fn new(a: &Shape, b: &Shape, out: &Shape) -> Broadcast {
        let mut dims: SmallVec<[Dim; 6]> = SmallVec::new();
        let mut steps = [1, 1];
        for axis in 0..out.rank() {
            let size = out[out.rank() - 1 - axis];
            let sizes = [a, b].map(|s| if axis < s.rank() { s[s.rank() - 1 - axis] } else { 1 });
            let dim = Dim { size, steps: [0, 1].map(|i| if sizes[i] == 1 { 0 } else { steps[i] }) };
            steps = [0, 1].map(|i| steps[i] * sizes[i]);
            if size == 1 {
                continue;
            }
            match dims.last_mut() {
                Some(inner) if (0..2).all(|i| dim.steps[i] == inner.steps[i] * inner.size) => {
                    inner.size *= size
                }
                _ => dims.push(dim),
            }
        }
        dims.reverse();
        Broadcast { dims, len: out.elements() }
    }

    /// Elements of the innermost dimension.
    fn row(&self) -> usize {
        self.dims.last().map_or(1, |dim| dim.size).max(1)
    }

    /// Whether rows are so short that several are put together in a block.
    fn packs_rows(&self) -> bool {
        self.row() <= BLOCK / 2
    }

    /// Elements at multiples of which the result may be cut into tasks.
    pub fn unit(&self) -> usize {
        if self.packs_rows() { BLOCK / self.row() * self.row() } else { 1 }
    }

    /// The part of `range` that makes the next block: some whole short rows, or a part of one long row.
    pub fn block(&self, range: &Range<usize>) -> Range<usize> {
        let row = self.row();
        let end = if self.packs_rows() {
            range.start + self.unit()
        } else {
            (range.start / row * row + row).min(range.start + BLOCK)
        };
        range.start..end.min(range.end)
    }

    /// Operand 0 or 1, ready to be read in blocks.
    pub fn operand<'a, T: Copy + Default>(&'a self, side: usize, data: &'a [T]) -> Operand<'a, T> {
        let outer = &self.dims[..self.dims.len().saturating_sub(1)];
        let kind = if data.len() == self.len {
            Kind::Whole
        } else if outer.iter().all(|dim| dim.steps[side] == 0) {
            Kind::Periodic
        } else {
            Kind::Strided
        };
        Operand { geometry: self, side, data, kind, scratch: [T::default(); BLOCK], held: None }
    }

    /// The positions in both operands of each element of the result, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (rows, row) = (self.len / self.row(), self.row());
        let steps = self.dims.last().map_or([0, 0], |dim| dim.steps);
        (0..rows).flat_map(move |i| {
            let [a, b] = [self.offset(0, i), self.offset(1, i)];
            (0..row).map(move |j| (a + j * steps[0], b + j * steps[1]))
        })
    }

    /// Where row `row` begins in an operand.
    fn offset(&self, side: usize, mut row: usize) -> usize {
        let outer = &self.dims[..self.dims.len().saturating_sub(1)];
        outer.iter().rev().fold(0, |offset, dim| {
            let index = row % dim.size;
            row /= dim.size;
            offset + index * dim.steps[side]
        })
    }
}

/// One operand, which gives its elements in the order of the result.
pub struct Operand<'a, T> {
    geometry: &'a Broadcast,
    side: usize,
    data: &'a [T],
    kind: Kind,
    scratch: [T; BLOCK],
    /// Where the row begins that `scratch` holds, so that it is not filled twice.
    held: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// It has the shape of the result.
    Whole,
    /// All rows are the same.
    Periodic,
    /// Rows lie at several places.
    Strided,
}

impl<T: Copy> Operand<'_, T> {
    /// The elements of a block that [`Broadcast::block`] gave.
    pub fn load(&mut self, range: Range<usize>) -> &[T] {
        let len = range.len();
        if self.kind == Kind::Whole {
            return &self.data[range];
        }
        let row = self.geometry.row();
        let step = self.geometry.dims.last().map_or(0, |dim| dim.steps[self.side]);
        let offset = self.geometry.offset(self.side, range.start / row);
        if !self.geometry.packs_rows() {
            let column = range.start % row;
            if step != 0 {
                return &self.data[offset + column..][..len];
            }
            if self.held != Some(offset) {
                self.scratch[..row.min(BLOCK)].fill(self.data[offset]);
                self.held = Some(offset);
            }
        } else if self.kind == Kind::Strided || self.held.is_none() {
            self.pack(range.start / row, row, step);
            self.held = Some(offset);
        }
        &self.scratch[..len]
    }

    /// Puts as many rows as fit, from row `first` on, next to each other.
    fn pack(&mut self, first: usize, row: usize, step: usize) {
        let rows = self.geometry.len / row;
        for (i, out) in self.scratch.chunks_exact_mut(row).enumerate().take(rows - first) {
            let offset = self.geometry.offset(self.side, first + i);
            if step == 0 {
                out.fill(self.data[offset]);
            } else {
                out.copy_from_slice(&self.data[offset..offset + row]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions by counting, as the definition of broadcasting says.
    fn naive(a: &Shape, b: &Shape, out: &Shape) -> Vec<(usize, usize)> {
        let position = |shape: &Shape, mut flat: usize| {
            let mut index = vec![0; out.rank()];
            for (axis, &size) in out.iter().enumerate().rev() {
                index[axis] = flat % size;
                flat /= size;
            }
            let lead = out.rank() - shape.rank();
            shape
                .iter()
                .zip(&index[lead..])
                .fold(0, |at, (&size, &i)| at * size + if size == 1 { 0 } else { i })
        };
        (0..out.elements()).map(|i| (position(a, i), position(b, i))).collect()
    }

    #[test]
    fn blocks_follow_the_definition() {
        let shapes: [(&[usize], &[usize]); 14] = [
            (&[], &[]),
            (&[7], &[]),
            (&[1], &[2000]),
            (&[300, 3], &[3]),
            (&[300, 3], &[300, 1]),
            (&[3, 700], &[3, 1]),
            (&[3, 700], &[700]),
            (&[4, 1, 300], &[5, 1]),
            (&[2, 3, 4, 5], &[2, 1, 4, 1]),
            (&[1, 600, 1], &[2, 1, 3]),
            (&[0, 3], &[1, 3]),
            (&[2, 1, 2, 1, 2], &[1, 2, 1, 2, 1]),
            (&[5, 257], &[1, 257]),
            (&[1, 1], &[1]),
        ];
        for (a, b) in shapes {
            let (a, b) = (Shape::from(a), Shape::from(b));
            let out = Shape::broadcast(&a, &b).unwrap();
            let want = naive(&a, &b, &out);
            let geometry = Broadcast::new(&a, &b, &out);
            assert_eq!(geometry.pairs().collect::<Vec<_>>(), want, "{a} {b}");
            let data: Vec<usize> = (0..a.elements().max(b.elements())).collect();
            let mut operands =
                [geometry.operand(0, &data[..a.elements()]), geometry.operand(1, &data[..b.elements()])];
            let mut left = 0..out.elements();
            while !left.is_empty() {
                let block = geometry.block(&left);
                left.start = block.end;
                for (side, operand) in operands.iter_mut().enumerate() {
                    let want = want[block.clone()].iter().map(|pair| [pair.0, pair.1][side]);
                    assert!(operand.load(block.clone()).iter().copied().eq(want), "{a} {b} {block:?}");
                }
            }
        }
    }
}
