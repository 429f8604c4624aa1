//! Matrix products.
//!
//! [`Gemm`] computes `C = activation(A B + bias + residual)` for `f32` and `f64`: microkernels in registers,
//! B in panels packed once ([`PackedB`]) or on the fly, A read in place when its rows are contiguous.
//! Products with one row stream through B as it lies. Any strides are taken, so transposes cost nothing but packing.
//! Each element of C is summed in ascending order of k in blocks, the same for any number of threads.
//! Large products go to the processor's matrix unit where it has one, split so that they are as exact as in single precision.
//! [`narrow`] takes half and bfloat16 and accumulates in single precision, [`integer`] wraps, [`complex`] goes through
//! matrixmultiply. [`PackedB::rounded`] trades digits for speed.
//!
//! ```
//! use savedmodel_math::gemm::{Gemm, View};
//! let (a, b) = ([1.0f32, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
//! let mut c = [0.0; 4];
//! Gemm::default().run([2, 2, 2], View::new(&a, 2), View::new(&b, 2), &mut c);
//! assert_eq!(c, [19.0, 22.0, 43.0, 50.0]);
//! ```

#[cfg(target_arch = "x86_64")]
mod amx;
mod blocks;
mod driver;
mod epilogue;
mod finish;
mod kept;
mod memory;
mod other;
mod pack;
mod pairs;
mod row;
#[cfg(target_arch = "x86_64")]
mod six_rows;
pub(crate) mod sums;
pub(crate) mod tile;
pub(crate) mod vector;
#[cfg(target_arch = "x86_64")]
mod wide_rows;
mod windows;

pub(crate) use blocks::multiply_cached as multiply_cached_blocks;
pub use driver::Scalar;
pub use epilogue::{Activation, Epilogue};
pub(crate) use finish::Finish;
pub use other::{Complex, complex, integer, narrow};
pub(crate) use pack::Panel;
pub use pack::{Lhs, PackedB, View};
pub use pairs::{has_fast_pairs, has_matrix_unit, is_worth_rounding};
pub(crate) use tile::multiply_cached;
pub use windows::{Axis, Windows, padding};

use crate::par;

/// A product, but for its operands.
#[derive(Clone, Copy, Debug)]
pub struct Gemm<'a, T> {
    /// What follows the product.
    pub epilogue: Epilogue<'a, T>,
    /// Distance between rows of C, or `None` when they are adjacent.
    pub c_stride: Option<usize>,
}

impl<T> Default for Gemm<'_, T> {
    fn default() -> Self {
        Gemm { epilogue: Epilogue::default(), c_stride: None }
    }
}

/// B as it lies, or packed.
#[derive(Clone, Copy, Debug)]
pub enum Rhs<'a, T: 'static> {
    /// A strided matrix.
    View(View<'a, T>),
    /// A packed one.
    Packed(&'a PackedB<T>),
}

impl<'a, T: 'static> From<View<'a, T>> for Rhs<'a, T> {
    fn from(view: View<'a, T>) -> Self {
        Rhs::View(view)
    }
}

impl<'a, T: 'static> From<&'a PackedB<T>> for Rhs<'a, T> {
    fn from(packed: &'a PackedB<T>) -> Self {
        Rhs::Packed(packed)
    }
}

/// Rows up to which columns of B that are contiguous are multiplied where they lie.
const DOT_ROWS: usize = 6;
/// Rows from which packing B pays.
const PACK_ROWS: usize = 24;

impl<T: Scalar> Gemm<'_, T> {
    /// C (`m` x `n`) from A (`m` x `k`) and B (`k` x `n`), for `[m, k, n]`.
    ///
    /// # Panics
    /// When a matrix, the bias or the residual does not fit the sizes.
    pub fn run<'b>(&self, [m, k, n]: [usize; 3], a: View<T>, b: impl Into<Rhs<'b, T>>, c: &mut [T]) {
        a.check(m, k);
        let b = b.into();
        if let Rhs::View(b) = b
            && !self.epilogue.accumulate
            && (m == 1 && b.column_stride == 1 || m <= DOT_ROWS && b.row_stride == 1)
        {
            self.check([m, k, n], &Rhs::View(b), c.len());
            return self.rows([m, k, n], a, b, c);
        }
        self.run_lhs([m, k, n], &a, b, c);
    }

    /// The product row by row.
    fn rows(&self, [m, k, n]: [usize; 3], a: View<T>, b: View<T>, c: &mut [T]) {
        let stride = self.c_stride.unwrap_or(n);
        for row in 0..m {
            let a = View { data: a.data.get(row * a.row_stride..).unwrap_or_default(), ..a };
            let start = row * stride;
            let residual = self.epilogue.residual.get(start..start + n).unwrap_or_default();
            let epilogue = Epilogue { residual, ..self.epilogue };
            row::row(&epilogue, k, (a, b), &mut c[start..start + n]);
        }
    }

    /// [`Gemm::run`] with rows of A that are made when they are needed.
    ///
    /// # Panics
    /// As [`Gemm::run`].
    pub fn run_lhs<'b>(&self, [m, k, n]: [usize; 3], a: &impl Lhs<T>, b: impl Into<Rhs<'b, T>>, c: &mut [T]) {
        let b = b.into();
        self.check([m, k, n], &b, c.len());
        if m == 0 || n == 0 {
            return;
        }
        match b {
            Rhs::Packed(packed) if packed.rounded && !blocks::takes_rounded::<T>(m) => {
                let units = packed.units;
                let paired = pairs::rows(a, [m, k], units);
                driver::run(self, [m, units, n], &View::new(&paired, units), b, c);
            }
            Rhs::View(view) if view.column_stride != 1 || m >= PACK_ROWS => {
                let packed = PackedB::new(k, n, view);
                driver::run(self, [m, k, n], a, Rhs::Packed(&packed), c);
            }
            Rhs::Packed(packed) if packed.rounded => driver::run(self, [m, packed.units, n], a, b, c),
            _ => driver::run(self, [m, k, n], a, b, c),
        }
    }

    fn check(&self, [m, k, n]: [usize; 3], b: &Rhs<T>, c_len: usize) {
        match b {
            Rhs::View(view) => view.check(k, n),
            Rhs::Packed(packed) => assert!(packed.k() == k && packed.n() == n),
        }
        let stride = self.c_stride.unwrap_or(n);
        let size = m.checked_sub(1).map_or(Some(0), |last| last.checked_mul(stride)?.checked_add(n));
        let fits = |len: usize| size.is_some_and(|size| size <= len);
        assert!(stride >= n && fits(c_len), "C outside its slice");
        assert!(self.epilogue.bias.is_empty() || self.epilogue.bias.len() == n);
        assert!(self.epilogue.residual.is_empty() || fits(self.epilogue.residual.len()));
    }

    /// `count` products of matrices that lie `a_step` and `b_step` elements apart (0 to use one for all); those of C are
    /// adjacent and dense.
    ///
    /// # Panics
    /// As [`Gemm::run`], and when `c` is not `count` matrices.
    pub fn run_batch(
        &self,
        [m, k, n]: [usize; 3],
        (a, a_step): (View<T>, usize),
        (b, b_step): (View<T>, usize),
        c: &mut [T],
    ) {
        let macs = (m * n).saturating_mul(k).max(1);
        let grain = (driver::TASK_MACS / macs).max(1);
        par::for_rows_mut(c, m * n, grain, |first, c| {
            for (index, c) in (first..).zip(c.chunks_exact_mut(m * n)) {
                let a = View { data: a.data.get(index * a_step..).unwrap_or_default(), ..a };
                let b = View { data: b.data.get(index * b_step..).unwrap_or_default(), ..b };
                self.run([m, k, n], a, b, c);
            }
        });
    }
}

#[cfg(test)]
mod tests;
