//! Runs a plan on elements of one type.

use std::borrow::Cow;
use std::sync::OnceLock;

use savedmodel_math::gemm::View;
use savedmodel_math::par;
use savedmodel_math::reduce::{self, Reduce, Sum};
use savedmodel_op::Context;
use savedmodel_tensor::{Element, Result, Tensor};

use super::layout::{Layout, Totals};
use super::plan::{Plan, Products, Steps};
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

impl<T: Product + Reduce<Sum>> Contraction<T> {
    /// For a second operand that is constant or not.
    pub fn new(is_constant: bool) -> Contraction<T> {
        Contraction { is_constant, ready: OnceLock::new() }
    }

    /// Runs a plan for the inputs of a kernel.
    ///
    /// # Errors
    /// When the tensors are of another dtype.
    pub fn run(&self, plan: &Plan, ctx: &Context<'_>, out: &mut Tensor) -> Result<()> {
        let out = out.as_mut_slice::<T>()?;
        let Some(places) = &plan.places else { return self.elements(&plan.steps, ctx, out) };
        let mut dense = vec![T::default(); places.len()];
        self.elements(&plan.steps, ctx, &mut dense)?;
        out.fill(T::default());
        dense.iter().zip(places).for_each(|(&x, &place)| out[place] = x);
        Ok(())
    }

    fn elements(&self, steps: &Steps, ctx: &Context<'_>, out: &mut [T]) -> Result<()> {
        match steps {
            Steps::Empty => out.fill(T::default()),
            Steps::One { totals, walk } => {
                let data = summed(ctx.input(0).as_slice::<T>()?, totals.as_ref());
                out.copy_from_slice(&dense(&data, walk));
            }
            Steps::Two(products) => {
                let [a, b] = [ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?];
                self.products(products, [a, b], out);
            }
        }
        Ok(())
    }

    fn products(&self, plan: &Products, [a, b]: [&[T]; 2], out: &mut [T]) {
        let [a, b] = [summed(a, plan.totals[0].as_ref()), summed(b, plan.totals[1].as_ref())];
        let [a, b] = if plan.is_swapped { [&b[..], &a[..]] } else { [&a[..], &b[..]] };
        let lay = |i: usize, data| {
            plan.factors[i].walk.as_ref().map_or(Cow::Borrowed(data), |walk| dense(data, walk))
        };
        let [a, b] = [lay(0, a), lay(1, b)];
        match &plan.result {
            None => self.multiply(plan, [&a, &b], out),
            Some(walk) => {
                let mut product = vec![T::default(); out.len()];
                self.multiply(plan, [&a, &b], &mut product);
                out.copy_from_slice(&dense(&product, walk));
            }
        }
    }

    fn multiply(&self, plan: &Products, [a, b]: [&[T]; 2], out: &mut [T]) {
        let [left, right] = &plan.factors;
        let [m, k, n] = plan.sizes;
        let operands = |i: usize| {
            let a = view(&a[left.offsets[i]..], [m, k], left.strides);
            (a, view(&b[right.offsets[i]..], [k, n], right.strides))
        };
        if left.offsets.len() > 1 {
            return multiply_all(plan.sizes, out, operands);
        }
        let (a, b) = operands(0);
        let lay = [k, n, right.strides[0], right.strides[1]];
        if self.is_constant && plan.may_keep {
            let prepare = || T::prepare([k, n], b, false).map(|matrix| Ready { lay, matrix });
            if let Some(ready) = self.ready.get_or_init(prepare)
                && ready.lay == lay
            {
                return ready.matrix.multiply(plan.sizes, a, out);
            }
        }
        T::multiply(plan.sizes, a, b, out);
    }
}

/// A matrix of this many rows and columns.
fn view<T>(data: &[T], [rows, columns]: [usize; 2], strides: [usize; 2]) -> View<'_, T> {
    let len = (rows - 1) * strides[0] + (columns - 1) * strides[1] + 1;
    View { data: &data[..len], row_stride: strides[0], column_stride: strides[1] }
}

/// Sums of elements, if there is something to add.
fn summed<'a, T: Product + Reduce<Sum>>(data: &'a [T], totals: Option<&Totals>) -> Cow<'a, [T]> {
    let Some(totals) = totals else { return data.into() };
    let mut sums = vec![T::default(); totals.rows];
    reduce::sum(&dense(data, &totals.walk), [totals.rows, totals.columns, 1], &mut sums);
    sums.into()
}

/// Elements copied per task.
const GRAIN: usize = 1 << 16;

/// The elements in the order in which the layout walks them.
fn dense<'a, T: Element>(data: &'a [T], walk: &Layout) -> Cow<'a, [T]> {
    let count = walk.elements();
    if walk.is_dense() {
        return Cow::Borrowed(&data[..count]);
    }
    let mut out = vec![T::default(); count];
    let width = walk.row(0).1.size;
    par::for_rows_mut(&mut out, width, (GRAIN / width.max(1)).max(1), |first, out| {
        for (row, out) in (first..).zip(out.chunks_exact_mut(width)) {
            let (start, inner) = walk.row(row);
            if inner.stride == 1 {
                out.copy_from_slice(&data[start..start + width]);
            } else {
                let from = data[start..].iter().step_by(inner.stride.max(1));
                out.iter_mut().zip(from).for_each(|(out, x)| *out = *x);
            }
        }
    });
    out.into()
}
