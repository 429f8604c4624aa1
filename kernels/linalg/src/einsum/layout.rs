//! Tensors as numbers at strides, with names for their dimensions; nothing here depends on what the numbers are.

use super::equation::Label;

/// A dimension of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// What it is called.
    pub label: Label,
    /// Its size.
    pub size: usize,
    /// Elements between neighbours.
    pub stride: usize,
}

/// The dimensions of a tensor, or of part of one such as a diagonal; every label stands once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout(pub Vec<Axis>);

/// Sums over some dimensions.
pub struct Totals {
    /// The elements in an order in which those that are added up are adjacent.
    pub walk: Layout,
    /// How many sums there are.
    pub rows: usize,
    /// How many elements each has.
    pub columns: usize,
}

impl Layout {
    /// That of a dense tensor; a label that stands several times means the diagonal.
    pub fn of(labels: &[Label], dims: &[usize]) -> Layout {
        let mut axes: Vec<Axis> = Vec::new();
        let mut stride = 1;
        for (&label, &size) in labels.iter().zip(dims).rev() {
            match axes.iter_mut().find(|axis| axis.label == label) {
                Some(axis) => axis.stride += stride,
                None => axes.push(Axis { label, size, stride }),
            }
            stride *= size;
        }
        axes.reverse();
        Layout(axes)
    }

    fn axis(&self, label: Label) -> Axis {
        let absent = Axis { label, size: 1, stride: 0 };
        self.0.iter().find(|axis| axis.label == label).copied().unwrap_or(absent)
    }

    /// Whether there is such a dimension.
    pub fn has(&self, label: Label) -> bool {
        self.0.iter().any(|axis| axis.label == label)
    }

    /// What the dimensions are called.
    pub fn labels(&self) -> Vec<Label> {
        self.0.iter().map(|axis| axis.label).collect()
    }

    /// The size of dimensions together.
    pub fn size(&self, labels: &[Label]) -> usize {
        labels.iter().map(|&label| self.axis(label).size).product()
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.0.iter().map(|axis| axis.size).product()
    }

    /// The dimensions with more than one element.
    pub fn without_units(mut self) -> Layout {
        self.0.retain(|axis| axis.size != 1);
        self
    }

    /// The same elements with the dimensions in this order.
    pub fn in_order(&self, order: &[Label]) -> Layout {
        Layout(order.iter().map(|&label| self.axis(label)).collect())
    }

    /// That of a dense copy.
    pub fn dense(&self) -> Layout {
        let dims: Vec<usize> = self.0.iter().map(|axis| axis.size).collect();
        Layout::of(&self.labels(), &dims)
    }

    /// Whether the elements lie one after the other.
    pub fn is_dense(&self) -> bool {
        self.stride() == Some(1) || self.elements() == 1
    }

    /// Adds up along all dimensions but these, which are left: how, if there is something to add.
    pub fn sum_to(&mut self, keep: &dyn Fn(Label) -> bool) -> Option<Totals> {
        let (kept, summed): (Vec<Axis>, Vec<Axis>) = self.0.iter().partition(|axis| keep(axis.label));
        if summed.is_empty() {
            return None;
        }
        let (kept, summed) = (Layout(kept), Layout(summed));
        let (rows, columns) = (kept.elements(), summed.elements());
        *self = kept.dense();
        Some(Totals { walk: Layout([kept.0, summed.0].concat()), rows, columns })
    }

    /// The position of each element of some dimensions, in row-major order.
    pub fn offsets(&self, labels: &[Label]) -> Vec<usize> {
        let mut offsets = vec![0];
        for &label in labels {
            let axis = self.axis(label);
            let step = |&offset: &usize| (0..axis.size).map(move |i| offset + i * axis.stride);
            offsets = offsets.iter().flat_map(step).collect();
        }
        offsets
    }

    /// How a matrix with these dimensions as rows and columns lies, if it has one stride for each.
    pub fn strides(&self, rows: &[Label], columns: &[Label]) -> Option<[usize; 2]> {
        Some([self.in_order(rows).stride()?, self.in_order(columns).stride()?])
    }

    /// The stride of dimensions that can be walked as one, innermost last.
    fn stride(&self) -> Option<usize> {
        let mut wide = self.0.iter().rev().filter(|axis| axis.size != 1);
        let Some(inner) = wide.next() else { return Some(1) };
        let mut next = inner.stride * inner.size;
        for axis in wide {
            if axis.stride != next {
                return None;
            }
            next *= axis.size;
        }
        Some(inner.stride)
    }

    /// Where row `row` begins, and the innermost dimension.
    pub fn row(&self, row: usize) -> (usize, Axis) {
        let Some((&inner, outer)) = self.0.split_last() else {
            return (0, Axis { label: Label::Ellipsis(0), size: 1, stride: 1 });
        };
        let (mut rest, mut start) = (row, 0);
        for axis in outer.iter().rev() {
            start += rest % axis.size * axis.stride;
            rest /= axis.size;
        }
        (start, inner)
    }
}
