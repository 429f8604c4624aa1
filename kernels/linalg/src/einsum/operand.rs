//! Tensors as numbers at strides, with names for their dimensions.

use std::borrow::Cow;

use savedmodel_math::gemm::View;
use savedmodel_math::par;
use savedmodel_math::reduce::{self, Reduce, Sum};
use savedmodel_tensor::Element;

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

/// A tensor, or part of one such as a diagonal; every label stands once.
#[derive(Clone, Debug)]
pub struct Operand<'a, T: Clone> {
    /// The elements.
    pub data: Cow<'a, [T]>,
    /// The dimensions.
    pub axes: Vec<Axis>,
}

/// The dimensions of a dense tensor; a label that stands several times means the diagonal.
pub fn axes(labels: &[Label], dims: &[usize]) -> Vec<Axis> {
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
    axes
}

impl<'a, T: Element> Operand<'a, T> {
    fn axis(&self, label: Label) -> Axis {
        let absent = Axis { label, size: 1, stride: 0 };
        self.axes.iter().find(|axis| axis.label == label).copied().unwrap_or(absent)
    }

    /// Whether there is such a dimension.
    pub fn has(&self, label: Label) -> bool {
        self.axes.iter().any(|axis| axis.label == label)
    }

    /// Drops the dimensions of one element.
    pub fn without_units(mut self) -> Self {
        self.axes.retain(|axis| axis.size != 1);
        self
    }

    /// Adds up along all dimensions but these.
    pub fn sum_to(self, keep: impl Fn(Label) -> bool) -> Self
    where
        T: Reduce<Sum>,
    {
        let (kept, summed): (Vec<Axis>, Vec<Axis>) = self.axes.iter().partition(|axis| keep(axis.label));
        if summed.is_empty() {
            return self;
        }
        let order: Vec<Label> = kept.iter().chain(&summed).map(|axis| axis.label).collect();
        let dense = self.dense(&order);
        let rows = kept.iter().map(|axis| axis.size).product();
        let columns = summed.iter().map(|axis| axis.size).product();
        let mut sums = vec![T::default(); rows];
        reduce::sum(&dense, [rows, columns, 1], &mut sums);
        let labels: Vec<Label> = kept.iter().map(|axis| axis.label).collect();
        let dims: Vec<usize> = kept.iter().map(|axis| axis.size).collect();
        Operand { data: sums.into(), axes: axes(&labels, &dims) }
    }

    /// The elements with the dimensions in this order, which names all.
    pub fn dense(&self, order: &[Label]) -> Cow<'_, [T]> {
        let axes: Vec<Axis> = order.iter().map(|&label| self.axis(label)).collect();
        let count = axes.iter().map(|axis| axis.size).product();
        if one_stride(&axes) == Some(1) || count == 1 {
            return Cow::Borrowed(&self.data[..count]);
        }
        let mut out = vec![T::default(); count];
        copy(&self.data, &axes, &mut out);
        out.into()
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
        let axes = |labels: &[Label]| labels.iter().map(|&label| self.axis(label)).collect::<Vec<_>>();
        Some([one_stride(&axes(rows))?, one_stride(&axes(columns))?])
    }

    /// This operand, in memory of its own if its matrices have no single strides.
    pub fn into_matrices(self, batch: &[Label], rows: &[Label], columns: &[Label]) -> Self {
        if self.strides(rows, columns).is_some() {
            return self;
        }
        let order: Vec<Label> = [batch, rows, columns].concat();
        let dims: Vec<usize> = order.iter().map(|&label| self.axis(label).size).collect();
        let data = self.dense(&order).into_owned();
        Operand { axes: axes(&order, &dims), data: data.into() }
    }

    /// The matrix at an offset, of this many rows and columns.
    pub fn view(&self, offset: usize, [rows, columns]: [usize; 2], strides: [usize; 2]) -> View<'_, T> {
        let len = (rows - 1) * strides[0] + (columns - 1) * strides[1] + 1;
        View { data: &self.data[offset..offset + len], row_stride: strides[0], column_stride: strides[1] }
    }
}

/// The stride of dimensions that can be walked as one, innermost last.
fn one_stride(axes: &[Axis]) -> Option<usize> {
    let mut wide = axes.iter().rev().filter(|axis| axis.size != 1);
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

/// Elements copied per task.
const GRAIN: usize = 1 << 16;

/// Copies a strided block into a dense one.
fn copy<T: Element>(src: &[T], axes: &[Axis], out: &mut [T]) {
    let Some((inner, outer)) = axes.split_last() else { return };
    par::for_rows_mut(out, inner.size, (GRAIN / inner.size.max(1)).max(1), |first, out| {
        for (row, out) in (first..).zip(out.chunks_exact_mut(inner.size)) {
            let mut rest = row;
            let mut start = 0;
            for axis in outer.iter().rev() {
                start += rest % axis.size * axis.stride;
                rest /= axis.size;
            }
            if inner.stride == 1 {
                out.copy_from_slice(&src[start..start + inner.size]);
            } else {
                for (out, x) in out.iter_mut().zip(src[start..].iter().step_by(inner.stride.max(1))) {
                    *out = *x;
                }
            }
        }
    });
}

/// Puts the elements of `dense`, with the dimensions `from`, where `to` has them; what `to` skips stays.
pub fn scatter<T: Element>(dense: &[T], from: &[Label], to: &[Axis], out: &mut [T]) {
    let target = Operand::<T> { data: Cow::Borrowed(&[]), axes: to.to_vec() };
    for (&x, offset) in dense.iter().zip(target.offsets(from)) {
        out[offset] = x;
    }
}
