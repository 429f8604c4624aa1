//! Convolutions in one group of images that an operator has made itself.

use savedmodel_math::gemm::Epilogue;
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

use crate::conv::element::Convolve;
use crate::conv::forward::{Filter, Sizes, convolve};
use crate::conv::kernel::window;
use crate::window::{Dim, Padding, UNIT};

/// Steps between windows or between the cells of windows, from an attribute for `spatial` dimensions, images and channels.
///
/// # Errors
/// `INVALID_ARGUMENT` for too few or too many steps, steps below one, and steps over images or channels.
pub fn steps(name: &str, values: &[i64], spatial: usize, channels_first: bool) -> Result<[usize; 3]> {
    if values.len() != spatial + 2 {
        return Err(Error::invalid_argument(format!("{name} must specify {} dimensions", spatial + 2)));
    }
    let (channels, space) = if channels_first { (1, 2) } else { (spatial + 1, 1) };
    if values[0] != 1 || values[channels] != 1 {
        return Err(Error::invalid_argument(format!(
            "Current implementation does not yet support {name} in the batch and depth dimensions."
        )));
    }
    let mut steps = [1; 3];
    for (step, &value) in steps[3 - spatial..].iter_mut().zip(&values[space..]) {
        *step = usize::try_from(value).ok().filter(|&value| value > 0).ok_or_else(|| {
            Error::invalid_argument(format!("{name} should be larger than 0, but got {value}"))
        })?;
    }
    Ok(steps)
}

/// How a filter moves: depth, height, width.
pub struct Moves {
    /// Number of spatial dimensions.
    pub spatial: usize,
    /// Distance between windows.
    pub strides: [usize; 3],
    /// Distance between the cells of a window.
    pub dilations: [usize; 3],
    /// How windows overhang.
    pub padding: Padding,
}

impl Moves {
    /// The windows of a spatial dimension; the first is that of `axis` 0.
    ///
    /// # Errors
    /// As [`Dim::new`].
    pub fn dim(&self, axis: usize, input: usize, window: usize) -> Result<Dim> {
        let at = axis + 3 - self.spatial;
        Dim::new(input, window, [self.strides[at], self.dilations[at]], &self.padding, axis)
    }

    /// The windows of a filter over an input, each depth, height, width.
    ///
    /// # Errors
    /// As [`Dim::new`].
    pub fn dims(&self, input: [usize; 3], window: [usize; 3]) -> Result<[Dim; 3]> {
        let mut dims = [UNIT; 3];
        let unused = 3 - self.spatial;
        for at in unused..3 {
            dims[at] = self.dim(at - unused, input[at], window[at])?;
        }
        Ok(dims)
    }

    /// The sizes of the output for a partly known input and filter.
    ///
    /// # Errors
    /// As [`Dim::new`].
    pub fn outputs(&self, input: &[Option<usize>], filter: &PartialShape) -> Result<Vec<Option<usize>>> {
        let output = |(axis, &input): (usize, &Option<usize>)| {
            let sizes = input.zip(filter.dim(axis));
            let at = axis + 3 - self.spatial;
            let steps = [self.strides[at], self.dilations[at]];
            sizes.map(|(input, window)| Dim::inferred(input, window, steps, &self.padding, axis)).transpose()
        };
        input.iter().enumerate().map(output).collect()
    }
}

/// Convolves images with a filter `[…, channels, outputs]`, both with channels innermost and without groups.
///
/// # Errors
/// When the filter has another dtype.
pub fn run<T: Convolve>(sizes: &Sizes, input: &[T], filter: &Tensor, out: &mut [T]) -> Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let taps = window(filter.shape()).iter().product();
    let filter = T::widen(filter.as_slice()?);
    let filter = Filter::new(&filter, [taps, sizes.input.channels, sizes.output.channels], 1);
    let input = T::widen(input);
    T::round(out, |out| convolve(sizes, &input, &filter, Epilogue::default(), out));
    Ok(())
}
