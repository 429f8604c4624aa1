//! Windows over tensors of any rank, for operators of compiled functions.

use savedmodel_math::par;

use crate::pool::places::NOWHERE;

/// How windows move along one dimension.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// The elements.
    pub len: usize,
    /// The windows.
    pub outputs: usize,
    /// The elements of a window.
    pub size: usize,
    /// From one window to the next.
    pub stride: usize,
    /// From one element of a window to the next, at least one.
    pub dilation: usize,
    /// Elements before the first that are not there.
    pub low: i64,
}

impl Axis {
    /// Whether each window is one element.
    fn is_trivial(&self) -> bool {
        (self.size, self.stride, self.low, self.outputs) == (1, 1, 0, self.len)
    }
}

/// Nanoseconds that an element of a window takes.
const ELEMENT_NS: f64 = 0.3;

/// Adds the elements of each window, in order, to what is in `out`. All elements are there.
pub fn add_sums(data: &[f32], axes: &[Axis], out: &mut [f32]) {
    let strides = strides(axes);
    // Windows that move one by one along a line lie side by side, with all that is inside of it.
    let inner = axes.iter().rev().take_while(|axis| axis.is_trivial()).count();
    let mut outer = axes.len() - inner;
    if outer > 0 && axes[outer - 1].stride == 1 {
        outer -= 1;
    }
    let run: usize = axes[outer..].iter().map(|axis| axis.outputs).product();
    let mut places = Vec::new();
    each(axes, &strides, 0, &mut |place| places.push(place));
    let grain = par::grain(ELEMENT_NS * (run * places.len()) as f64);
    par::for_rows_mut(out, run, grain.max(1), |first, rows| {
        let mut base = 0;
        for (i, out) in rows.chunks_exact_mut(run).enumerate() {
            base = match axes[..outer].last() {
                Some(axis) if i > 0 && (first + i) % axis.outputs != 0 => {
                    base + axis.stride * strides[outer - 1]
                }
                _ => begin(first + i, &axes[..outer], &strides),
            };
            for &place in &places {
                let line = &data[base + place..][..run];
                out.iter_mut().zip(line).for_each(|(out, value)| *out += value);
            }
        }
    });
}

/// For each window the element that is chosen: each one takes the place of the one before unless that is greater or equal. Windows
/// without elements have [`NOWHERE`].
pub fn chosen(data: &[f32], axes: &[Axis]) -> Vec<usize> {
    let strides = strides(axes);
    let inner = axes.iter().rev().take_while(|axis| axis.is_trivial()).count();
    let outer = axes.len() - inner;
    let run: usize = axes[outer..].iter().map(|axis| axis.outputs).product();
    let mut chosen = vec![NOWHERE; axes.iter().map(|axis| axis.outputs).product()];
    let elements: usize = axes.iter().map(|axis| axis.size).product();
    let grain = par::grain(ELEMENT_NS * (run * elements) as f64);
    par::for_rows_mut(&mut chosen, run, grain.max(1), |first, rows| {
        for (row, chosen) in (first..).zip(rows.chunks_exact_mut(run.max(1))) {
            inside(&axes[..outer], &strides, row, 0, &mut |place| {
                for (here, chosen) in (place..).zip(chosen.iter_mut()) {
                    let stays = *chosen != NOWHERE && data[*chosen] >= data[here];
                    *chosen = if stays { *chosen } else { here };
                }
            });
        }
    });
    chosen
}

fn strides(axes: &[Axis]) -> Vec<usize> {
    let mut strides = vec![1; axes.len()];
    for axis in (1..axes.len()).rev() {
        strides[axis - 1] = strides[axis] * axes[axis].len;
    }
    strides
}

/// Calls `f` with the places of a window's elements, in order.
fn each(axes: &[Axis], strides: &[usize], place: usize, f: &mut impl FnMut(usize)) {
    let Some((axis, rest)) = axes.split_first() else { return f(place) };
    for element in 0..axis.size {
        each(rest, &strides[1..], place + element * axis.dilation * strides[0], f);
    }
}

/// Where a window begins.
fn begin(mut window: usize, axes: &[Axis], strides: &[usize]) -> usize {
    let mut base = 0;
    for (axis, stride) in axes.iter().zip(strides).rev() {
        base += window % axis.outputs * axis.stride * stride;
        window /= axis.outputs;
    }
    base
}

/// Calls `f` with the places of those elements of a window that are there, in order.
fn inside(axes: &[Axis], strides: &[usize], window: usize, place: usize, f: &mut impl FnMut(usize)) {
    let Some((axis, rest)) = axes.split_first() else { return f(place) };
    let after: usize = rest.iter().map(|axis| axis.outputs).product();
    let first = (window / after * axis.stride) as i64;
    let first = first.saturating_sub(axis.low);
    // Only elements that are there are gone through: a window may be all but empty.
    let step = axis.dilation as i64;
    let begin = if first < 0 { -(first / step) } else { 0 };
    for element in begin..axis.size as i64 {
        let at = first + element * step;
        if at >= axis.len as i64 {
            break;
        }
        if at >= 0 {
            inside(rest, &strides[1..], window % after, place + at as usize * strides[0], f);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(len: usize, [outputs, size, stride, dilation]: [usize; 4], low: i64) -> Axis {
        Axis { len, outputs, size, stride, dilation, low }
    }

    #[test]
    fn sums_of_windows() {
        let check = |axes: &[Axis], want: &[f32]| {
            let data: Vec<f32> = (0..axes.iter().map(|axis| axis.len).product()).map(|i| i as f32).collect();
            let mut out = vec![100.0; want.len()];
            add_sums(&data, axes, &mut out);
            assert_eq!(out, want);
        };
        check(&[axis(5, [3, 2, 1, 2], 0)], &[102.0, 104.0, 106.0]);
        check(&[axis(5, [2, 2, 2, 1], 0)], &[101.0, 105.0]);
        let channels = axis(2, [2, 1, 1, 1], 0);
        check(&[axis(3, [2, 2, 1, 1], 0), channels], &[102.0, 104.0, 106.0, 108.0]);
        check(&[axis(2, [1, 2, 1, 1], 0), axis(3, [2, 2, 1, 1], 0)], &[108.0, 112.0]);
        check(&[channels, axis(4, [2, 2, 2, 1], 0)], &[101.0, 105.0, 109.0, 113.0]);
    }

    #[test]
    fn chosen_elements() {
        let data = [3.0, 3.0, f32::NAN, 1.0, 5.0, 2.0];
        let all = |axes: &[Axis]| chosen(&data, axes);
        assert_eq!(all(&[axis(6, [3, 2, 2, 1], 0)]), [0, 3, 4]);
        assert_eq!(all(&[axis(6, [2, 3, 5, 1], 2)]), [0, 4]);
        assert_eq!(all(&[axis(6, [2, 2, 7, 1], 3)]), [NOWHERE, 4]);
        assert_eq!(all(&[axis(6, [1, 1 << 40, 1, 1], 1 << 39)]), [4]);
        assert_eq!(all(&[axis(6, [2, 4, 1, 2], 3)]), [1, 4]);
        assert_eq!(all(&[axis(3, [2, 2, 1, 1], 0), axis(2, [2, 1, 1, 1], 0)]), [2, 1, 4, 5]);
    }
}
