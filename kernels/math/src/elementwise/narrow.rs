//! Loops over 16-bit floats made of loops over `f32`.

use savedmodel_math::narrow::Narrow;

use super::{BLOCK, Map, Zip};

/// `out[i] = f(x[i])`, computed in single precision and rounded once.
pub fn map<T: Narrow>(f: Map<f32, f32>, x: &[T], out: &mut [T]) {
    let (mut wide, mut result) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (x, out) in x.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
        let (wide, result) = (&mut wide[..x.len()], &mut result[..x.len()]);
        T::widen(x, wide);
        f(wide, result);
        T::narrow(result, out);
    }
}

/// `out[i] = f(x[i])`, where `f` gives something else than floats.
pub fn map_to<T: Narrow, U>(f: Map<f32, U>, x: &[T], out: &mut [U]) {
    let mut wide = [0.0; BLOCK];
    for (x, out) in x.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
        let wide = &mut wide[..x.len()];
        T::widen(x, wide);
        f(wide, out);
    }
}

/// `out[i] = f(a[i], b[i])`, computed in single precision and rounded once.
pub fn zip<T: Narrow>(f: Zip<f32, f32>, a: &[T], b: &[T], out: &mut [T]) {
    let mut result = [0.0; BLOCK];
    blocks(a, b, out, |a, b, out: &mut [T]| {
        let result = &mut result[..a.len()];
        f(a, b, result);
        T::narrow(result, out);
    });
}

/// `out[i] = f(a[i], b[i])`, where `f` gives something else than floats.
pub fn zip_to<T: Narrow, U>(f: Zip<f32, U>, a: &[T], b: &[T], out: &mut [U]) {
    blocks(a, b, out, f);
}

fn blocks<T: Narrow, U>(a: &[T], b: &[T], out: &mut [U], mut f: impl FnMut(&[f32], &[f32], &mut [U])) {
    let (mut x, mut y) = ([0.0; BLOCK], [0.0; BLOCK]);
    for ((a, b), out) in a.chunks(BLOCK).zip(b.chunks(BLOCK)).zip(out.chunks_mut(BLOCK)) {
        let (x, y) = (&mut x[..a.len()], &mut y[..a.len()]);
        T::widen(a, x);
        T::widen(b, y);
        f(x, y, out);
    }
}
