//! Copies between dense and strided memory: the one loop under transpose, slice, reverse, broadcast and their kin.

use savedmodel_math::par;
use savedmodel_tensor::Unit;

use crate::layout::{Axis, Layout, Walk};

/// Side of the smallest square tiles in which planes are transposed.
const TILE: usize = 16;

/// Elements that one task should copy.
pub(crate) fn grain<U: Unit>() -> usize {
    let ns = if U::KIND.size().is_some() { 0.15 * size_of::<U>() as f64 } else { 12.0 };
    par::grain(ns)
}

/// Fills `out`, in order, with the elements of `src` that `layout` walks over.
///
/// # Panics
/// When `out` is not as long as the layout, or the layout leaves `src`.
pub(crate) fn gather<U: Unit>(out: &mut [U], src: &[U], layout: &Layout) {
    assert_eq!(out.len(), layout.len);
    let axes = layout.axes.as_slice();
    let Some((&inner, outer)) = axes.split_last() else {
        if let [only] = out {
            *only = src[layout.start as usize].clone();
        }
        return;
    };
    if let Some(p) = outer.iter().position(|axis| axis.stride == 1).filter(|_| inner.stride != 1) {
        return transposed(out, src, layout, p);
    }
    let Some((&middle, outer)) = outer.split_last() else {
        return par::for_chunks_mut(out, grain::<U>(), |offset, chunk| {
            row(chunk, src, layout.start + offset as isize * inner.stride, inner.stride);
        });
    };
    let grain_rows = (grain::<U>() / inner.len).max(1);
    let lines = Rows { len: inner.len, middle, outer, start: layout.start };
    par::for_rows_mut(out, inner.len, grain_rows, |first, rows| {
        lines.segments(rows, first, |rows, base| {
            plane(rows, src, base, middle.stride, inner);
        });
    });
}

/// Writes the elements of `src`, in order, to where `layout` walks in `out`.
///
/// # Panics
/// When `src` is not as long as the layout, or the layout leaves `out`.
pub(crate) fn scatter<U: Unit>(out: &mut [U], src: &[U], layout: &Layout) {
    assert_eq!(src.len(), layout.len);
    let Some((inner, outer)) = layout.axes.split_last() else {
        if let [only] = src {
            out[layout.start as usize] = only.clone();
        }
        return;
    };
    let mut walk = Walk::at(outer, layout.start, 0);
    for row in src.chunks_exact(inner.len) {
        let base = walk.offset();
        if inner.stride == 1 {
            out[base as usize..][..row.len()].clone_from_slice(row);
        } else {
            for (i, value) in row.iter().enumerate() {
                out[(base + i as isize * inner.stride) as usize] = value.clone();
            }
        }
        walk.advance();
    }
}

/// How rows lie in memory: `len` elements each, number after number along `middle`, then along the outer axes.
struct Rows<'a> {
    len: usize,
    middle: Axis,
    outer: &'a [Axis],
    start: isize,
}

impl Rows<'_> {
    /// Cuts rows, of which the first has number `first`, where the outer axes step, and gives each piece with the
    /// memory offset of its first row.
    fn segments<U>(&self, mut rows: &mut [U], first: usize, mut f: impl FnMut(&mut [U], isize)) {
        let mut walk = Walk::at(self.outer, self.start, first / self.middle.len);
        let mut at = first % self.middle.len;
        while !rows.is_empty() {
            let count = (rows.len() / self.len).min(self.middle.len - at);
            let (piece, rest) = rows.split_at_mut(count * self.len);
            f(piece, walk.offset() + at as isize * self.middle.stride);
            rows = rest;
            at = 0;
            walk.advance();
        }
    }
}

fn plane<U: Unit>(rows: &mut [U], src: &[U], base: isize, stride: isize, inner: Axis) {
    match inner.stride {
        1 => {
            for (i, out) in rows.chunks_exact_mut(inner.len).enumerate() {
                let from = (base + i as isize * stride) as usize;
                out.clone_from_slice(&src[from..from + inner.len]);
            }
        }
        _ => {
            for (i, out) in rows.chunks_exact_mut(inner.len).enumerate() {
                row(out, src, base + i as isize * stride, inner.stride);
            }
        }
    }
}

fn row<U: Unit>(out: &mut [U], src: &[U], base: isize, stride: isize) {
    match stride {
        1 => out.clone_from_slice(&src[base as usize..][..out.len()]),
        0 => out.fill(src[base as usize].clone()),
        -1 => {
            let end = base as usize + 1;
            let values = src[end - out.len()..end].iter().rev();
            out.iter_mut().zip(values).for_each(|(o, v)| *o = v.clone());
        }
        2.. => {
            let values = src[base as usize..].iter().step_by(stride as usize);
            out.iter_mut().zip(values).for_each(|(o, v)| *o = v.clone());
        }
        _ => {
            for (i, o) in out.iter_mut().enumerate() {
                *o = src[(base + i as isize * stride) as usize].clone();
            }
        }
    }
}

/// The innermost axis strides but axis `p` is contiguous: planes of the two are transposed tile by tile.
fn transposed<U: Unit>(out: &mut [U], src: &[U], layout: &Layout, p: usize) {
    let (outer, rest) = layout.axes.split_at(p);
    let (&contiguous, rest) = rest.split_first().expect("axis p exists");
    let (&inner, between) = rest.split_last().expect("the innermost axis is another than p");
    let planes: usize = between.iter().map(|axis| axis.len).product();
    let row_len = planes * inner.len;
    // A multiple of the sides of all tiles.
    let rows = (grain::<U>() / 2 / row_len).max(1).next_multiple_of(64);
    let lines = Rows { len: row_len, middle: contiguous, outer, start: layout.start };
    par::for_rows_mut(out, row_len, rows, |first, rows| {
        lines.segments(rows, first, |rows, base| {
            let mut walk = Walk::at(between, base, 0);
            for plane in 0..planes {
                transpose_plane(&mut rows[plane * inner.len..], row_len, src, walk.offset(), inner);
                walk.advance();
            }
        });
    });
}

/// Writes `out[p * pitch + q] = src[base + p + q * stride]` for all `q` of the axis and all `p` that `out` holds.
fn transpose_plane<U: Unit>(out: &mut [U], pitch: usize, src: &[U], base: isize, q: Axis) {
    let p_len = (out.len() - q.len) / pitch + 1;
    let plane = Rectangle { pitch, stride: q.stride, base, q_len: q.len, p_len };
    if q.len < TILE || p_len < TILE || U::KIND.size().is_none() {
        // Pieces that stay in the nearest cache.
        return plane.cut(512, out, |piece, out| piece.transpose_thin(out, src));
    }
    // Rows of 256 bytes make good use of every page and line that a tile touches.
    match size_of::<U>() {
        0..=4 => plane.cut(64, out, |piece, out| piece.transpose_tile::<U, 64>(out, src)),
        5..=8 => plane.cut(32, out, |piece, out| piece.transpose_tile::<U, 32>(out, src)),
        _ => plane.cut(TILE, out, |piece, out| piece.transpose_tile::<U, TILE>(out, src)),
    }
}

/// A part of a plane: `q` runs along the rows of the output, `p` along those of the source.
#[derive(Clone, Copy)]
struct Rectangle {
    pitch: usize,
    stride: isize,
    base: isize,
    q_len: usize,
    p_len: usize,
}

impl Rectangle {
    /// Cuts into squares of a side, and what is left over, each given with its part of the output.
    fn cut<U>(self, side: usize, out: &mut [U], mut f: impl FnMut(Rectangle, &mut [U])) {
        for q0 in (0..self.q_len).step_by(side) {
            for p0 in (0..self.p_len).step_by(side) {
                let piece = Rectangle {
                    base: self.base + p0 as isize + q0 as isize * self.stride,
                    q_len: side.min(self.q_len - q0),
                    p_len: side.min(self.p_len - p0),
                    ..self
                };
                f(piece, &mut out[p0 * self.pitch + q0..]);
            }
        }
    }

    fn transpose_tile<U: Unit, const SIDE: usize>(self, out: &mut [U], src: &[U]) {
        if (self.q_len, self.p_len) == (SIDE, SIDE) {
            self.transpose_square::<U, SIDE>(out, src);
        } else if SIDE > TILE {
            self.cut(TILE, out, |piece, out| piece.transpose_tile::<U, TILE>(out, src));
        } else {
            self.transpose_thin(out, src);
        }
    }

    /// Goes through a copy: the columns of a large matrix may all fall into the same few lines of the cache.
    fn transpose_square<U: Unit, const SIDE: usize>(self, out: &mut [U], src: &[U]) {
        let columns: [[U; SIDE]; SIDE] = std::array::from_fn(|q| {
            let from = (self.base + q as isize * self.stride) as usize;
            let column: &[U; SIDE] = src[from..from + SIDE].try_into().expect("the slice has this length");
            column.clone()
        });
        for p in 0..SIDE {
            let row = &mut out[p * self.pitch..][..SIDE];
            for (value, column) in row.iter_mut().zip(&columns) {
                *value = column[p].clone();
            }
        }
    }

    /// Runs along the longer side.
    fn transpose_thin<U: Unit>(self, out: &mut [U], src: &[U]) {
        if self.q_len <= self.p_len {
            for q in 0..self.q_len {
                let from = (self.base + q as isize * self.stride) as usize;
                let places = out[q..].iter_mut().step_by(self.pitch);
                places.zip(&src[from..from + self.p_len]).for_each(|(o, v)| *o = v.clone());
            }
        } else {
            for p in 0..self.p_len {
                row(&mut out[p * self.pitch..][..self.q_len], src, self.base + p as isize, self.stride);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::strides;

    /// Element by element, straight from the definition.
    fn slow(src: &[u32], start: usize, axes: &[Axis]) -> Vec<u32> {
        let Some((axis, rest)) = axes.split_first() else { return vec![src[start]] };
        let at = |i: usize| (start as isize + i as isize * axis.stride) as usize;
        (0..axis.len).flat_map(|i| slow(src, at(i), rest)).collect()
    }

    fn check(src_len: usize, start: usize, axes: &[(usize, isize)]) {
        let src: Vec<u32> = (0..src_len as u32).collect();
        let axes: Vec<Axis> = axes.iter().map(|&(len, stride)| Axis { len, stride }).collect();
        let layout = Layout::new(start, axes.iter().copied());
        let want = if layout.len == 0 { Vec::new() } else { slow(&src, start, &axes) };
        let mut got = vec![u32::MAX; layout.len];
        gather(&mut got, &src, &layout);
        assert_eq!(got, want, "{axes:?}");
        if axes.iter().all(|axis| axis.stride != 0) {
            let mut back = vec![u32::MAX; src_len];
            scatter(&mut back, &got, &layout);
            assert!(want.iter().all(|&v| back[v as usize] == v), "{axes:?}");
        }
    }

    #[test]
    fn walks_agree_with_the_definition() {
        check(1, 0, &[]);
        check(6, 5, &[(2, -3), (3, -1)]);
        check(100, 99, &[(5, -7), (3, -2)]);
        check(10, 3, &[(4, 0), (2, 5), (3, 0)]);
        check(24, 0, &[(0, 4), (2, 1)]);
        check(1000, 0, &[(40, 1), (25, 40)]);
        check(600, 20, &[(3, 100), (20, 1), (5, 20)]);
        check(120_000, 0, &[(300, 1), (400, 300)]);
        check(2100, 1000, &[(17, 1), (3, 500), (35, -18)]);
    }

    #[test]
    fn all_orders_of_four_axes() {
        for (a, b, c, d) in [(2, 3, 4, 5), (17, 2, 33, 3), (1, 40, 1, 20)] {
            let shape = [a, b, c, d];
            let s = strides(&shape);
            for code in 0..256_usize {
                let perm: [usize; 4] = std::array::from_fn(|i| code >> (2 * i) & 3);
                if (0..4).all(|axis| perm.contains(&axis)) {
                    check(a * b * c * d, 0, &perm.map(|p| (shape[p], s[p])));
                }
            }
        }
    }
}
