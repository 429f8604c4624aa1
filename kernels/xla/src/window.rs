//! Windows that move over a tensor.

use savedmodel_kernels_array::walk;
use savedmodel_op::Run;
use savedmodel_tensor::{Error, Result, Tensor};

use savedmodel_kernels_nn::windows::Axis;

use crate::numbers::per_dim;
use crate::pad::Padding;

/// One dimension of a window.
#[derive(Clone, Copy)]
pub(crate) struct Dim {
    pub size: usize,
    pub stride: usize,
    pub dilation: usize,
    pub padding: Padding,
}

impl Dim {
    /// Along which nothing moves.
    pub const TRIVIAL: Dim =
        Dim { size: 1, stride: 1, dilation: 1, padding: Padding { low: 0, high: 0, step: 1 } };

    /// Whether what it gives is what it takes.
    pub fn is_trivial(&self) -> bool {
        let Padding { low, high, step } = self.padding;
        (self.size, self.stride, low, high, step) == (1, 1, 0, 0, 1)
    }

    /// The number of windows along a dimension.
    pub fn outputs(&self, len: usize) -> Result<usize> {
        let padded = self.padding.total(len)?;
        let span = self.size.checked_sub(1).and_then(|steps| steps.checked_mul(self.dilation));
        let span = span.ok_or_else(|| Error::invalid_argument("Window has a non-positive dimension."))?;
        Ok(if span >= padded { 0 } else { (padded - span - 1) / self.stride + 1 })
    }
}

/// The dimensions of a window: its sizes, strides, dilations of base and window (none: one), and paddings.
///
/// # Errors
/// `INVALID_ARGUMENT` when one of them does not fit a tensor of this rank.
pub(crate) fn window(sizes: &[i64], steps: [Option<&Tensor>; 3], padding: &Tensor) -> Result<Vec<Dim>> {
    let rank = sizes.len();
    if padding.shape().dims() != [rank, 2] {
        return Err(Error::invalid_argument(format!(
            "padding must be the last input and have shape [{rank}, 2], got {}",
            padding.shape()
        )));
    }
    let steps = steps.map(|given| match given {
        Some(tensor) => per_dim(tensor, rank, 1, "strides and dilations of a window"),
        None => Ok(vec![1; rank]),
    });
    let [strides, base, dilations] = steps;
    let (strides, base, dilations) = (strides?, base?, dilations?);
    let padding = per_dim(&padding.clone().reshape([2 * rank])?, 2 * rank, i64::MIN, "padding")?;
    let dim = |i: usize| Dim {
        size: usize::try_from(sizes[i]).unwrap_or(0),
        stride: strides[i] as usize,
        dilation: dilations[i] as usize,
        padding: Padding { low: padding[2 * i], high: padding[2 * i + 1], step: base[i] },
    };
    Ok((0..rank).map(dim).collect())
}

/// The numbers of windows along each dimension.
pub(crate) fn outputs(window: &[Dim], shape: &[usize]) -> Result<Vec<usize>> {
    window.iter().zip(shape).map(|(dim, &len)| dim.outputs(len)).collect()
}

/// The windows over a tensor of this shape, dimension by dimension, of which `low` elements before the first are not there.
pub(crate) fn axes(window: &[Dim], shape: &[usize], outputs: &[usize], low: fn(&Dim) -> i64) -> Vec<Axis> {
    let axis = |((dim, &len), &outputs): ((&Dim, &usize), &usize)| {
        let &Dim { size, stride, dilation, .. } = dim;
        Axis { len, outputs, size, stride, dilation, low: low(dim) }
    };
    window.iter().zip(shape).zip(outputs).map(axis).collect()
}

/// The places in a window, in order.
pub(crate) fn places(window: &[Dim]) -> impl Iterator<Item = Vec<usize>> {
    let count = window.iter().map(|dim| dim.size).product();
    let sizes: Vec<usize> = window.iter().map(|dim| dim.size).collect();
    (0..count).map(move |number: usize| {
        let mut rest = number;
        let mut place = vec![0; sizes.len()];
        for (place, size) in place.iter_mut().zip(&sizes).rev() {
            *place = rest % size;
            rest /= size;
        }
        place
    })
}

/// What lies at one place of each of the windows over a padded tensor, as a vector.
pub(crate) fn at(
    run: &Run<'_>,
    padded: &Tensor,
    window: &[Dim],
    place: &[usize],
    out: &[usize],
) -> Result<Tensor> {
    let strides = walk::strides(padded.shape());
    let start = (0..place.len()).map(|i| place[i] * window[i].dilation * strides[i] as usize).sum();
    let dims: Vec<walk::Dim> =
        (0..place.len()).map(|i| (out[i], (window[i].stride as isize).wrapping_mul(strides[i]))).collect();
    walk::read(run, padded, &[start], &dims)?.reshape([out.iter().product()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_windows() {
        let check = |sizes: &[i64], strides: Vec<i64>, padding: Vec<i64>, want: Result<Vec<usize>, &str>| {
            let (strides, padding) =
                (Tensor::from_vec([sizes.len()], strides), Tensor::from_vec([sizes.len(), 2], padding));
            let found = window(sizes, [Some(&strides.unwrap()), None, None], &padding.unwrap())
                .and_then(|window| outputs(&window, &[5, 4][..sizes.len()]));
            assert_eq!(found.as_deref().map_err(|e| e.message()), want.as_deref().map_err(|e| *e));
        };
        check(&[3, 2], vec![1, 2], vec![1, 1, 0, 0], Ok(vec![5, 2]));
        check(&[9], vec![1], vec![0, 0], Ok(vec![0]));
        check(&[1], vec![1 << 40], vec![0, -5], Ok(vec![0]));
        check(&[0], vec![1], vec![0, 0], Err("Window has a non-positive dimension."));
        check(
            &[1],
            vec![1],
            vec![i64::MIN, 0],
            Err("padding must be at least -9223372036854775808, got -9223372036854775808"),
        );
        check(&[1], vec![1], vec![-6, 0], Err("Padding result in negative size: -1"));
    }
}
