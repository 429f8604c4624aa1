//! Two operands as batches of matrices.

use std::sync::OnceLock;

use savedmodel_math::reduce::{Reduce, Sum};

use super::equation::Label;
use super::operand::{Operand, axes};
use crate::product::{Prepared, Product, multiply_all};

/// Products of two operands; the second is made ready once if it never changes.
pub struct Contraction<T: Product> {
    is_constant: bool,
    ready: OnceLock<Option<Ready<T>>>,
}

/// A right operand and how it lay: rows, columns and their strides.
struct Ready<T> {
    lay: [usize; 4],
    matrix: Box<dyn Prepared<T>>,
}

/// The dimensions of a product.
struct Roles {
    /// In both operands and the output.
    batch: Vec<Label>,
    /// In the first operand and the output.
    rows: Vec<Label>,
    /// In the second operand and the output.
    columns: Vec<Label>,
    /// In both operands only.
    inner: Vec<Label>,
}

impl<T: Product + Reduce<Sum>> Contraction<T> {
    /// For a second operand that is constant or not.
    pub fn new(is_constant: bool) -> Contraction<T> {
        Contraction { is_constant, ready: OnceLock::new() }
    }

    /// Writes the product, dense with the labels `output`; no size is zero.
    pub fn run(&self, a: Operand<'_, T>, b: Operand<'_, T>, output: &[Label], out: &mut [T]) {
        let was_reduced = b.axes.iter().any(|axis| !output.contains(&axis.label) && !a.has(axis.label));
        let in_b: Vec<Label> = b.axes.iter().map(|axis| axis.label).collect();
        let a = a.sum_to(|label| output.contains(&label) || in_b.contains(&label));
        let in_a: Vec<Label> = a.axes.iter().map(|axis| axis.label).collect();
        let b = b.sum_to(|label| output.contains(&label) || in_a.contains(&label));
        let roles = Roles::of(&a, &b, output);
        let wide: Vec<Label> = output.iter().copied().filter(|&l| a.has(l) || b.has(l)).collect();
        if wide == [&roles.batch[..], &roles.rows, &roles.columns].concat() {
            self.multiply(a, b, &roles, !was_reduced, out);
            return;
        }
        let swapped =
            Roles { batch: roles.batch, rows: roles.columns, columns: roles.rows, inner: roles.inner };
        if wide == [&swapped.batch[..], &swapped.rows, &swapped.columns].concat() {
            self.multiply(b, a, &swapped, false, out);
            return;
        }
        let roles = Roles {
            batch: swapped.batch,
            rows: swapped.columns,
            columns: swapped.rows,
            inner: swapped.inner,
        };
        let order = [&roles.batch[..], &roles.rows, &roles.columns].concat();
        let size = |label: &Label| {
            let axis = a.axes.iter().chain(&b.axes).find(|axis| axis.label == *label);
            axis.map_or(1, |axis| axis.size)
        };
        let dims: Vec<usize> = order.iter().map(size).collect();
        let mut product = vec![T::default(); out.len()];
        self.multiply(a, b, &roles, !was_reduced, &mut product);
        let product = Operand { data: product.into(), axes: axes(&order, &dims) };
        out.copy_from_slice(&product.dense(&wide));
    }

    /// Multiplies with the output in the order of the roles; `may_keep` tells whether `b` is the second input itself.
    fn multiply(&self, a: Operand<'_, T>, b: Operand<'_, T>, roles: &Roles, may_keep: bool, out: &mut [T]) {
        let Roles { batch, rows, columns, inner } = roles;
        let a = a.into_matrices(batch, rows, inner);
        let b = b.into_matrices(batch, inner, columns);
        let count = |operand: &Operand<'_, T>, labels: &[Label]| {
            let axes = operand.axes.iter().filter(|axis| labels.contains(&axis.label));
            axes.map(|axis| axis.size).product::<usize>()
        };
        let (m, k, n) = (count(&a, rows), count(&a, inner), count(&b, columns));
        let (Some(a_strides), Some(b_strides)) = (a.strides(rows, inner), b.strides(inner, columns)) else {
            return;
        };
        let (a_offsets, b_offsets) = (a.offsets(batch), b.offsets(batch));
        if a_offsets.len() > 1 {
            multiply_all([m, k, n], out, |index| {
                let a = a.view(a_offsets[index], [m, k], a_strides);
                (a, b.view(b_offsets[index], [k, n], b_strides))
            });
            return;
        }
        let (a, b) = (a.view(0, [m, k], a_strides), b.view(0, [k, n], b_strides));
        let lay = [k, n, b_strides[0], b_strides[1]];
        if self.is_constant && may_keep {
            let prepare = || T::prepare([k, n], b, false).map(|matrix| Ready { lay, matrix });
            if let Some(ready) = self.ready.get_or_init(prepare)
                && ready.lay == lay
            {
                ready.matrix.multiply([m, k, n], a, out);
                return;
            }
        }
        T::multiply([m, k, n], a, b, out);
    }
}

impl Roles {
    fn of<T: Product>(a: &Operand<'_, T>, b: &Operand<'_, T>, output: &[Label]) -> Roles {
        let in_output = |in_a: bool, in_b: bool| {
            let labels = output.iter().copied().filter(|&l| a.has(l) == in_a && b.has(l) == in_b);
            labels.collect::<Vec<_>>()
        };
        let inner = a.axes.iter().map(|axis| axis.label).filter(|l| !output.contains(l)).collect();
        Roles {
            batch: in_output(true, true),
            rows: in_output(true, false),
            columns: in_output(false, true),
            inner,
        }
    }
}
