//! Fourier transforms along the axes of a tensor.

use std::sync::{Arc, Mutex, PoisonError};

use num_traits::Float;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftDirection, FftNum, FftPlanner};
use savedmodel_math::par;
use savedmodel_tensor::{Complex32, Complex64, Element, Error, Result};

/// Real numbers that are transformed, with their complex counterpart.
pub(crate) trait Real: Element + FftNum + Float {
    /// The tensor element of a complex number; the same type as `Complex<Self>`.
    type Pair: Element;
    /// The elements as the numbers that they are.
    fn numbers(pairs: &[Self::Pair]) -> &[Complex<Self>];
    /// The elements as the numbers that they are, to change.
    fn numbers_mut(pairs: &mut [Self::Pair]) -> &mut [Complex<Self>];
}

macro_rules! real {
    ($($real:ident $pair:ident;)*) => {
        $(impl Real for $real {
            type Pair = $pair;
            fn numbers(pairs: &[$pair]) -> &[Complex<$real>] {
                pairs
            }
            fn numbers_mut(pairs: &mut [$pair]) -> &mut [Complex<$real>] {
                pairs
            }
        })*
    };
}

real! {
    f32 Complex32;
    f64 Complex64;
}

/// How many lengths a node keeps prepared.
const KEPT: usize = 4;

/// Transforms of the lengths that a node met last.
pub(crate) struct Plans<P: ?Sized>(Mutex<Vec<(usize, Arc<P>)>>);

impl<P: ?Sized> Default for Plans<P> {
    fn default() -> Plans<P> {
        Plans(Mutex::default())
    }
}

impl<P: ?Sized> Plans<P> {
    /// The transform of this length, prepared with `make` if it must be.
    pub fn get(&self, len: usize, make: impl FnOnce() -> Arc<P>) -> Arc<P> {
        let find = |plans: &[(usize, Arc<P>)]| {
            plans.iter().find(|plan| plan.0 == len).map(|plan| Arc::clone(&plan.1))
        };
        if let Some(found) = find(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        // Prepared without the lock, so that runs of other lengths need not wait.
        let made = make();
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.truncate(KEPT - 1);
        plans.insert(0, (len, Arc::clone(&made)));
        made
    }
}

/// Complex transforms in one direction.
pub(crate) struct ComplexTransform<T: Real> {
    direction: FftDirection,
    plans: Plans<dyn Fft<T>>,
}

impl<T: Real> ComplexTransform<T> {
    /// Transforms in this direction; the inverse one is not divided by the length.
    pub fn new(inverse: bool) -> ComplexTransform<T> {
        let direction = if inverse { FftDirection::Inverse } else { FftDirection::Forward };
        ComplexTransform { direction, plans: Plans::default() }
    }

    /// Transforms the middle axis of `data`, seen as `[_, len, inner]`, in place.
    pub fn along(&self, data: &mut [Complex<T>], len: usize, inner: usize) {
        if len <= 1 || data.is_empty() {
            return;
        }
        let plan = self.plans.get(len, || FftPlanner::new().plan_fft(len, self.direction));
        if inner == 1 {
            return lines(&*plan, data, len);
        }
        let zero = Complex::new(T::zero(), T::zero());
        let mut turned = vec![zero; len * inner];
        for slab in data.chunks_exact_mut(len * inner) {
            transpose(slab, &mut turned, len, inner);
            lines(&*plan, &mut turned, len);
            transpose(&turned, slab, inner, len);
        }
    }
}

/// About how long a transform of one line takes.
fn grain(len: usize) -> usize {
    par::grain(len as f64 * f64::from(len.max(2).ilog2()))
}

fn lines<T: Real>(plan: &dyn Fft<T>, data: &mut [Complex<T>], len: usize) {
    par::for_rows_mut(data, len, grain(len), |_, rows| plan.process(rows));
}

/// Writes `from`, a matrix of `rows` by `columns`, as one of `columns` by `rows`.
fn transpose<T: Copy + Send + Sync>(from: &[T], to: &mut [T], rows: usize, columns: usize) {
    /// Columns that are turned together, so that lines of memory are used as long as they are near.
    const BAND: usize = 16;
    let bands = grain(rows).next_multiple_of(BAND);
    par::for_rows_mut(to, rows, bands, |first, part| {
        for (band, part) in part.chunks_mut(BAND * rows).enumerate() {
            let column = first + band * BAND;
            let width = part.len() / rows;
            for (row, line) in from.chunks_exact(columns).enumerate() {
                for (i, &x) in line[column..column + width].iter().enumerate() {
                    part[i * rows + row] = x;
                }
            }
        }
    });
}

/// Transforms of real lines, forward and back.
pub(crate) struct RealTransform<T: Real> {
    forward: Plans<dyn RealToComplex<T>>,
    backward: Plans<dyn ComplexToReal<T>>,
}

impl<T: Real> RealTransform<T> {
    /// Nothing prepared yet.
    pub fn new() -> RealTransform<T> {
        RealTransform { forward: Plans::default(), backward: Plans::default() }
    }

    /// Transforms lines of `len` numbers to the first half of their transforms.
    ///
    /// `source` gives where each line begins in `from`.
    pub fn forward(
        &self,
        len: usize,
        from: &[T],
        to: &mut [Complex<T>],
        source: impl Fn(usize) -> usize + Sync,
    ) -> Result<()> {
        let plan = self.forward.get(len, || RealFftPlanner::new().plan_fft_forward(len));
        let failed = Mutex::new(None);
        par::for_rows_mut(to, len / 2 + 1, grain(len), |first, rows| {
            let (mut line, mut scratch) = (plan.make_input_vec(), plan.make_scratch_vec());
            for (i, row) in rows.chunks_exact_mut(len / 2 + 1).enumerate() {
                line.copy_from_slice(&from[source(first + i)..][..len]);
                if let Err(e) = plan.process_with_scratch(&mut line, row, &mut scratch) {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(e.to_string());
                }
            }
        });
        outcome(failed)
    }

    /// Transforms the first halves of transforms back to real lines of `len` numbers, multiplied by `scale`.
    ///
    /// What can only be real is taken as real.
    pub fn backward(&self, len: usize, from: &[Complex<T>], to: &mut [T], scale: T) -> Result<()> {
        let plan = self.backward.get(len, || RealFftPlanner::new().plan_fft_inverse(len));
        let half = len / 2 + 1;
        let failed = Mutex::new(None);
        par::for_rows_mut(to, len, grain(len), |first, rows| {
            let (mut line, mut scratch) = (plan.make_input_vec(), plan.make_scratch_vec());
            for (i, row) in rows.chunks_exact_mut(len).enumerate() {
                line.copy_from_slice(&from[(first + i) * half..][..half]);
                line[0].im = T::zero();
                if len.is_multiple_of(2) {
                    line[half - 1].im = T::zero();
                }
                if let Err(e) = plan.process_with_scratch(&mut line, row, &mut scratch) {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(e.to_string());
                }
                row.iter_mut().for_each(|x| *x = *x * scale);
            }
        });
        outcome(failed)
    }
}

fn outcome(failed: Mutex<Option<String>>) -> Result<()> {
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(what) => Err(Error::internal(what)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_turn() {
        for (rows, columns) in [(1, 1), (3, 5), (40, 17), (2, 200)] {
            let from: Vec<usize> = (0..rows * columns).collect();
            let (mut to, mut back) = (vec![0; from.len()], vec![0; from.len()]);
            transpose(&from, &mut to, rows, columns);
            assert!(
                (0..from.len()).all(|i| to[i % columns * rows + i / columns] == i),
                "{rows} by {columns}"
            );
            transpose(&to, &mut back, columns, rows);
            assert_eq!(back, from);
        }
    }

    #[test]
    fn few_lengths_are_kept() {
        let plans = Plans::<usize>::default();
        for len in 0..20 {
            assert_eq!(*plans.get(len, || Arc::new(len)), len);
        }
        assert_eq!(plans.0.lock().unwrap().len(), KEPT);
        assert_eq!(*plans.get(19, || unreachable!("it is kept")), 19);
    }
}
