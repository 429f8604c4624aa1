//! Where the elements of one tensor lie in another: lengths and strides, without data.

use smallvec::SmallVec;

/// One dimension of a [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Number of positions.
    pub len: usize,
    /// Elements from one position to the next.
    pub stride: isize,
}

pub(crate) type Axes = SmallVec<[Axis; 6]>;

/// A strided walk over memory: the dense tensor with these lengths, in row-major order, has its elements at
/// `start` plus index times stride, summed over the axes.
///
/// Axes of length one are left out and neighbours that walk evenly are merged, so that a plain copy has at most
/// one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Where the first element lies.
    pub start: isize,
    /// The axes, outermost first.
    pub axes: Axes,
    /// Number of elements.
    pub len: usize,
}

impl Layout {
    /// The walk over these axes from `start` on.
    pub fn new(start: usize, axes: impl IntoIterator<Item = Axis>) -> Layout {
        let mut merged = Axes::new();
        let mut len = 1;
        for axis in axes {
            len *= axis.len;
            if axis.len == 1 {
                continue;
            }
            match merged.last_mut() {
                Some(outer) if outer.stride == axis.stride * axis.len as isize => {
                    *outer = Axis { len: outer.len * axis.len, stride: axis.stride };
                }
                _ => merged.push(axis),
            }
        }
        if len == 0 {
            merged.clear();
        }
        Layout { start: start as isize, axes: merged, len }
    }

    /// The walk over a tensor of `shape` with its dimensions taken in the order `perm`.
    pub fn permuted(shape: &[usize], perm: &[usize]) -> Layout {
        let strides = strides(shape);
        Layout::new(0, perm.iter().map(|&p| Axis { len: shape[p], stride: strides[p] }))
    }

    /// The walk over the box of a tensor of `shape` that begins at `begin` and has the lengths `size`.
    pub fn window(shape: &[usize], begin: &[usize], size: &[usize]) -> Layout {
        let strides = strides(shape);
        let start = begin.iter().zip(&strides).map(|(&b, &s)| b * s as usize).sum();
        Layout::new(start, size.iter().zip(&strides).map(|(&len, &stride)| Axis { len, stride }))
    }

    /// The walk that repeats a tensor of shape `from` until it has the shape `to`, which it broadcasts to.
    pub fn broadcast(from: &[usize], to: &[usize]) -> Layout {
        let strides = broadcast_strides(from, to);
        Layout::new(0, to.iter().zip(strides).map(|(&len, stride)| Axis { len, stride }))
    }
}

/// The distance between neighbours along each dimension of a dense tensor.
pub(crate) fn strides(shape: &[usize]) -> SmallVec<[isize; 6]> {
    let mut strides = SmallVec::from_elem(1, shape.len());
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// The strides with which a tensor of shape `from` is read as one of shape `to`: zero along what is repeated.
pub(crate) fn broadcast_strides(from: &[usize], to: &[usize]) -> SmallVec<[isize; 6]> {
    let own = strides(from);
    let lead = to.len() - from.len();
    (0..to.len()).map(|i| if i < lead || from[i - lead] == 1 { 0 } else { own[i - lead] }).collect()
}

/// Walks over positions of a few axes, keeping the memory offset at hand.
pub(crate) struct Walk<'a> {
    axes: &'a [Axis],
    index: SmallVec<[usize; 6]>,
    offset: isize,
}

impl<'a> Walk<'a> {
    /// The walk at its position number `position` in row-major order.
    pub fn at(axes: &'a [Axis], start: isize, mut position: usize) -> Walk<'a> {
        let mut index = SmallVec::from_elem(0, axes.len());
        let mut offset = start;
        for (i, axis) in axes.iter().enumerate().rev() {
            index[i] = position % axis.len;
            position /= axis.len;
            offset += index[i] as isize * axis.stride;
        }
        Walk { axes, index, offset }
    }

    /// Where the current position lies.
    pub fn offset(&self) -> isize {
        self.offset
    }

    /// The current position along each axis.
    pub fn index(&self) -> &[usize] {
        &self.index
    }

    /// Goes on to the next position; after the last one comes the first.
    pub fn advance(&mut self) {
        for (axis, index) in self.axes.iter().zip(&mut self.index).rev() {
            *index += 1;
            self.offset += axis.stride;
            if *index < axis.len {
                return;
            }
            self.offset -= axis.stride * axis.len as isize;
            *index = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_merge() {
        let check = |layout: Layout, want: &[(usize, isize)]| {
            let got: Vec<_> = layout.axes.iter().map(|a| (a.len, a.stride)).collect();
            assert_eq!(got, want);
        };
        check(Layout::permuted(&[2, 3, 4], &[0, 1, 2]), &[(24, 1)]);
        check(Layout::permuted(&[2, 3, 4], &[1, 2, 0]), &[(12, 1), (2, 12)]);
        check(Layout::permuted(&[2, 1, 4], &[1, 0, 2]), &[(8, 1)]);
        check(Layout::window(&[4, 5, 6], &[1, 0, 0], &[2, 5, 6]), &[(60, 1)]);
        check(Layout::window(&[4, 5, 6], &[1, 0, 2], &[2, 5, 2]), &[(10, 6), (2, 1)]);
        check(Layout::broadcast(&[3, 1], &[2, 3, 4]), &[(2, 0), (3, 1), (4, 0)]);
        check(Layout::broadcast(&[], &[2, 3]), &[(6, 0)]);
        check(Layout::permuted(&[2, 0], &[1, 0]), &[]);
    }

    #[test]
    fn walks_start_anywhere() {
        let layout = Layout::permuted(&[2, 3], &[1, 0]);
        for start in 0..6 {
            let mut walk = Walk::at(&layout.axes, 0, start);
            let got: Vec<_> = (start..7)
                .map(|_| {
                    let offset = walk.offset();
                    walk.advance();
                    offset
                })
                .collect();
            assert_eq!(got, [0, 3, 1, 4, 2, 5, 0][start..]);
        }
    }
}
