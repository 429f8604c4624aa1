//! Products of other element types.

use super::pack::View;
use super::{Gemm, Rhs};
use crate::narrow::Narrow;
use crate::par;
use crate::simd::{self, Isa, Kernel};
use num_complex::{Complex32, Complex64};
use num_traits::{PrimInt, WrappingAdd, WrappingMul};

/// Elements converted or multiplied per task.
const GRAIN: usize = 1 << 18;

/// `C = A B` for half or bfloat16, accumulated in single precision and rounded once, for `[m, k, n]`.
///
/// # Panics
/// When a matrix does not fit the sizes.
pub fn narrow<T: Narrow>([m, k, n]: [usize; 3], a: View<T>, b: View<T>, c: &mut [T]) {
    a.check(m, k);
    b.check(k, n);
    assert_eq!(c.len(), m * n);
    let (a_wide, b_wide) = (widen(a.data), widen(b.data));
    let mut wide = vec![0.0; c.len()];
    let a = View { data: &a_wide, row_stride: a.row_stride, column_stride: a.column_stride };
    let b = View { data: &b_wide, row_stride: b.row_stride, column_stride: b.column_stride };
    Gemm::default().run([m, k, n], a, Rhs::View(b), &mut wide);
    par::for_zip(c, &wide, GRAIN, |c, wide| T::narrow(wide, c));
}

fn widen<T: Narrow>(src: &[T]) -> Vec<f32> {
    let mut wide = vec![0.0; src.len()];
    par::for_zip(&mut wide, src, GRAIN, |wide, src| T::widen(src, wide));
    wide
}

/// `C = A B` for integers, wrapping, for `[m, k, n]`.
///
/// # Panics
/// When a matrix does not fit the sizes.
pub fn integer<T>([m, k, n]: [usize; 3], a: View<T>, b: View<T>, c: &mut [T])
where
    T: PrimInt + WrappingAdd + WrappingMul + Send + Sync,
{
    a.check(m, k);
    b.check(k, n);
    assert_eq!(c.len(), m * n);
    let dense: Vec<T>;
    let b = if b.column_stride == 1 {
        b
    } else {
        let at = |i: usize| b.data[i / n.max(1) * b.row_stride + i % n.max(1) * b.column_stride];
        dense = (0..k * n).map(at).collect();
        View::new(&dense, n)
    };
    let rows = (GRAIN / (k * n).max(1)).max(1);
    par::for_rows_mut(c, n, rows, |first, c| {
        for (row, c) in (first..).zip(c.chunks_exact_mut(n)) {
            c.fill(T::zero());
            for p in 0..k {
                let factor = a.data[row * a.row_stride + p * a.column_stride];
                simd::dispatch(Axpy(factor, &b.data[p * b.row_stride..][..n], c));
            }
        }
    });
}

struct Axpy<'a, T>(T, &'a [T], &'a mut [T]);

impl<T: PrimInt + WrappingAdd + WrappingMul> Kernel for Axpy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (c, b) in self.2.iter_mut().zip(self.1) {
            *c = c.wrapping_add(&self.0.wrapping_mul(b));
        }
    }
}

/// A complex type with a product.
pub trait Complex: Copy + Send + Sync {
    /// One part of C, whose strides the views and `n` tell.
    ///
    /// # Safety
    /// All elements of the views and of C lie where the pointers and strides say.
    #[doc(hidden)]
    unsafe fn multiply(sizes: [usize; 3], a: View<Self>, b: View<Self>, c: *mut Self);
}

macro_rules! complex_types {
    ($($t:ty, $real:ty, $function:ident;)*) => {$(
        impl Complex for $t {
            unsafe fn multiply([m, k, n]: [usize; 3], a: View<$t>, b: View<$t>, c: *mut $t) {
                let stride = |x: usize| x as isize;
                let flag = matrixmultiply::CGemmOption::Standard;
                // SAFETY: the caller vouches for pointers and strides; a complex number is an array of two reals.
                unsafe {
                    matrixmultiply::$function(
                        flag, flag, m, k, n, [1.0, 0.0],
                        a.data.as_ptr().cast::<[$real; 2]>(), stride(a.row_stride), stride(a.column_stride),
                        b.data.as_ptr().cast::<[$real; 2]>(), stride(b.row_stride), stride(b.column_stride),
                        [0.0, 0.0], c.cast::<[$real; 2]>(), stride(n), 1,
                    );
                }
            }
        }
    )*};
}

complex_types! {
    Complex32, f32, cgemm;
    Complex64, f64, zgemm;
}

/// `C = A B` for complex numbers, for `[m, k, n]`.
///
/// # Panics
/// When a matrix does not fit the sizes.
pub fn complex<T: Complex>([m, k, n]: [usize; 3], a: View<T>, b: View<T>, c: &mut [T]) {
    a.check(m, k);
    b.check(k, n);
    assert_eq!(c.len(), m * n);
    let rows = (GRAIN / (k * n).max(1)).max(8);
    par::for_rows_mut(c, n, rows, |first, c| {
        let a = View { data: a.data.get(first * a.row_stride..).unwrap_or_default(), ..a };
        // SAFETY: the views were checked for all rows, these are `c.len() / n` of them; C is dense.
        unsafe { T::multiply([c.len() / n, k, n], a, b, c.as_mut_ptr()) };
    });
}
