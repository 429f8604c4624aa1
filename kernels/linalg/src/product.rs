//! Matrix products by element type.

use savedmodel_math::gemm::{self, Gemm, PackedB, View};
use savedmodel_math::narrow::Narrow;
use savedmodel_math::par;
use savedmodel_tensor::{Complex32, Complex64, Element, bf16, f16};

/// Multiplications that are worth a task.
const TASK_MACS: usize = 1 << 20;

/// An element type with matrix products.
pub trait Product: Element {
    /// What sums of products are taken in.
    type Sum: Copy + Default;

    /// `sum + a * b`; integers wrap.
    fn add_product(sum: Self::Sum, a: Self, b: Self) -> Self::Sum;

    /// The element nearest to a sum.
    fn of_sum(sum: Self::Sum) -> Self;

    /// `C = A B` for `[m, k, n]`.
    fn multiply(sizes: [usize; 3], a: View<Self>, b: View<Self>, c: &mut [Self]);

    /// Makes the `k` x `n` matrix `b` ready for many products, where that pays.
    ///
    /// It may be rounded to bfloat16 if `rounds` says so and the processor multiplies that faster.
    fn prepare(_sizes: [usize; 2], _b: View<Self>, _rounds: bool) -> Option<Box<dyn Prepared<Self>>> {
        None
    }

    /// The complex conjugate, if the type is complex.
    fn conjugate(self) -> Self {
        self
    }
}

/// A right operand made ready for many products.
pub trait Prepared<T>: Send + Sync {
    /// `C = A B` for `[m, k, n]`.
    fn multiply(&self, sizes: [usize; 3], a: View<T>, c: &mut [T]);
}

/// `C[i] = A B` for every matrix of `c`, where `operands(i)` gives A and B.
pub fn multiply_all<'a, T: Product>(
    [m, k, n]: [usize; 3],
    c: &mut [T],
    operands: impl Fn(usize) -> (View<'a, T>, View<'a, T>) + Sync,
) {
    let macs = (m * n).saturating_mul(k).max(1);
    par::for_rows_mut(c, m * n, (TASK_MACS / macs).max(1), |first, c| {
        for (index, c) in (first..).zip(c.chunks_exact_mut(m * n)) {
            let (a, b) = operands(index);
            if macs <= TINY_MACS {
                multiply_tiny(k, n, a, b, c);
            } else {
                T::multiply([m, k, n], a, b, c);
            }
        }
    });
}

/// Multiplications that are not worth a call.
const TINY_MACS: usize = 64;

fn multiply_tiny<T: Product>(k: usize, n: usize, a: View<T>, b: View<T>, c: &mut [T]) {
    for (i, row) in c.chunks_exact_mut(n).enumerate() {
        for (j, c) in row.iter_mut().enumerate() {
            let sum = (0..k).fold(T::Sum::default(), |sum, p| {
                let a = a.data[i * a.row_stride + p * a.column_stride];
                T::add_product(sum, a, b.data[p * b.row_stride + j * b.column_stride])
            });
            *c = T::of_sum(sum);
        }
    }
}

macro_rules! wide {
    ($($t:ty)*) => {$(
        impl Product for $t {
            type Sum = $t;
            fn add_product(sum: $t, a: $t, b: $t) -> $t {
                sum + a * b
            }
            fn of_sum(sum: $t) -> $t {
                sum
            }
            fn multiply(sizes: [usize; 3], a: View<$t>, b: View<$t>, c: &mut [$t]) {
                Gemm::default().run(sizes, a, b, c);
            }
            fn prepare(sizes: [usize; 2], b: View<$t>, rounds: bool) -> Option<Box<dyn Prepared<$t>>> {
                Some(Box::new(PackedB::perhaps_rounded(rounds, sizes, b)))
            }
        }
        impl Prepared<$t> for PackedB<$t> {
            fn multiply(&self, sizes: [usize; 3], a: View<$t>, c: &mut [$t]) {
                Gemm::default().run(sizes, a, self, c);
            }
        }
    )*};
}

wide! { f32 f64 }

macro_rules! narrow {
    ($($t:ty)*) => {$(
        impl Product for $t {
            type Sum = f32;
            fn add_product(sum: f32, a: $t, b: $t) -> f32 {
                sum + a.to_f32() * b.to_f32()
            }
            fn of_sum(sum: f32) -> $t {
                <$t>::from_f32(sum)
            }
            fn multiply(sizes: [usize; 3], a: View<$t>, b: View<$t>, c: &mut [$t]) {
                gemm::narrow(sizes, a, b, c);
            }
            fn prepare([k, n]: [usize; 2], b: View<$t>, _: bool) -> Option<Box<dyn Prepared<$t>>> {
                Some(Box::new(PackedB::new(k, n, View { data: &widen(b.data), ..strides_of(b) })))
            }
        }
        impl Prepared<$t> for PackedB<f32> {
            fn multiply(&self, sizes: [usize; 3], a: View<$t>, c: &mut [$t]) {
                let mut result = vec![0.0; c.len()];
                Gemm::default().run(sizes, View { data: &widen(a.data), ..strides_of(a) }, self, &mut result);
                <$t>::narrow(&result, c);
            }
        }
    )*};
}

fn widen<T: Narrow>(src: &[T]) -> Vec<f32> {
    let mut wide = vec![0.0; src.len()];
    T::widen(src, &mut wide);
    wide
}

fn strides_of<T>(view: View<'_, T>) -> View<'static, f32> {
    View { data: &[], row_stride: view.row_stride, column_stride: view.column_stride }
}

narrow! { f16 bf16 }

macro_rules! plain {
    ($($t:ty: $multiply:path, |$sum:ident, $a:ident, $b:ident| $add:expr $(, $conjugate:expr)?;)*) => {$(
        impl Product for $t {
            type Sum = $t;
            fn add_product($sum: $t, $a: $t, $b: $t) -> $t {
                $add
            }
            fn of_sum(sum: $t) -> $t {
                sum
            }
            fn multiply(sizes: [usize; 3], a: View<$t>, b: View<$t>, c: &mut [$t]) {
                $multiply(sizes, a, b, c);
            }
            $(fn conjugate(self) -> $t {
                $conjugate(&self)
            })?
        }
    )*};
}

plain! {
    i16: gemm::integer, |sum, a, b| sum.wrapping_add(a.wrapping_mul(b));
    i32: gemm::integer, |sum, a, b| sum.wrapping_add(a.wrapping_mul(b));
    i64: gemm::integer, |sum, a, b| sum.wrapping_add(a.wrapping_mul(b));
    Complex32: gemm::complex, |sum, a, b| sum + a * b, Complex32::conj;
    Complex64: gemm::complex, |sum, a, b| sum + a * b, Complex64::conj;
}
