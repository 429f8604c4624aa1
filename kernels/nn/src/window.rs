//! Windows that slide over dimensions: paddings, output sizes, and which cells a window covers.

use savedmodel_op::{Construction, FromAttr};
use savedmodel_tensor::{Error, Result};

/// How a window may overhang its input.
#[derive(Clone, Debug, PartialEq)]
pub enum Padding {
    /// Not at all.
    Valid,
    /// So that there is an output for each stride; the odd cell comes after the input.
    Same,
    /// By these numbers of cells before and after, for each spatial dimension.
    Explicit(Vec<[usize; 2]>),
}

/// One spatial dimension of a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim {
    /// Cells of the input.
    pub input: usize,
    /// Cells of the window.
    pub window: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Distance between the cells of a window.
    pub dilation: usize,
    /// Cells of padding before the input.
    pub before: usize,
    /// Number of windows.
    pub output: usize,
}

/// A dimension over which nothing slides.
pub const UNIT: Dim = Dim { input: 1, window: 1, stride: 1, dilation: 1, before: 0, output: 1 };

impl Dim {
    /// Places windows, with `explicit` cells before and after for [`Padding::Explicit`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when stride or dilation is zero, or the window is longer than all it may cover by more than
    /// the stride allows.
    pub fn new(
        input: usize,
        window: usize,
        [stride, dilation]: [usize; 2],
        padding: &Padding,
        axis: usize,
    ) -> Result<Dim> {
        let size = |value: usize| {
            i64::try_from(value).ok().filter(|&v| v < 1 << 31).ok_or_else(|| {
                Error::invalid_argument(format!("window over {input} cells: {value} is too large"))
            })
        };
        let (n, w, s, d) = (size(input)?, size(window)?, size(stride)?, size(dilation)?);
        if s == 0 {
            return Err(Error::invalid_argument("Stride must be > 0, but got 0"));
        }
        if d == 0 {
            return Err(Error::invalid_argument("Dilation rate must be >= 1, but got 0"));
        }
        let extent = (w - 1) * d + 1;
        let (before, output) = match padding {
            Padding::Valid => (0, (n - extent + s) / s),
            Padding::Same => {
                let output = (n + s - 1) / s;
                (((output - 1) * s + extent - n).max(0) / 2, output)
            }
            Padding::Explicit(cells) => {
                let [before, after] = cells.get(axis).copied().unwrap_or_default();
                let (before, after) = (size(before)?, size(after)?);
                (before, (n + before + after - extent + s) / s)
            }
        };
        let output = usize::try_from(output).map_err(|_| {
            Error::invalid_argument(format!(
                "Computed output size would be negative: {output} [input_size: {input}, effective_filter_size: \
                 {extent}, stride: {stride}]"
            ))
        })?;
        Ok(Dim { input, window, stride, dilation, before: before as usize, output })
    }

    /// The number of windows over sizes that are known before a run, where no stride makes up for a window that is too
    /// long.
    ///
    /// # Errors
    /// As [`Dim::new`].
    pub fn inferred(
        input: usize,
        window: usize,
        steps: [usize; 2],
        padding: &Padding,
        axis: usize,
    ) -> Result<usize> {
        let dim = Dim::new(input, window, steps, padding, axis)?;
        let around = match padding {
            Padding::Explicit(cells) => cells.get(axis).copied().unwrap_or_default().iter().sum(),
            _ => 0,
        };
        // `Dim::new` has checked that all of these are below 2^31.
        let (cells, extent) = (input + around, (window as i64 - 1) * steps[1] as i64 + 1);
        if *padding != Padding::Same && extent > cells as i64 {
            return Err(Error::invalid_argument(format!(
                "Negative dimension size caused by subtracting {extent} from {cells}"
            )));
        }
        Ok(dim.output)
    }

    /// The cells of the input that the window of output `at` covers, when it is not dilated.
    pub fn covered(&self, at: usize) -> std::ops::Range<usize> {
        let start = at * self.stride;
        let end = (start + self.window).saturating_sub(self.before).min(self.input);
        start.saturating_sub(self.before).min(end)..end
    }
}

/// Checks that steps are numbers of 32 bits.
///
/// # Errors
/// `INVALID_ARGUMENT` as TensorFlow's, before anything else is said of them.
pub fn check_steps(name: &str, values: &[i64]) -> Result<()> {
    match values.iter().find(|&&value| i32::try_from(value).is_err()) {
        Some(value) => {
            Err(Error::invalid_argument(format!("Attr {name} has value {value} out of range for an int32")))
        }
        None => Ok(()),
    }
}

/// The attributes `padding` and `explicit_paddings` or `padding_list` (if the operator has it), for `spatial` dimensions.
///
/// # Errors
/// `INVALID_ARGUMENT` as TensorFlow's.
pub fn padding(node: &Construction<'_>, spatial: usize, channels_first: bool) -> Result<Padding> {
    let name: String = node.attr("padding")?;
    let cells = |attr: &str| node.attrs().get(attr).and_then(FromAttr::from_attr);
    of_attributes(&name, cells, spatial, channels_first)
}

/// [`padding`] from what `cells` tells of an attribute. A list of paddings that are not all zero goes before the attribute.
///
/// # Errors
/// `INVALID_ARGUMENT` as TensorFlow's.
pub fn of_attributes(
    name: &str,
    cells: impl Fn(&str) -> Option<Vec<i64>>,
    spatial: usize,
    channels_first: bool,
) -> Result<Padding> {
    match cells("padding_list") {
        Some(list) if list.iter().any(|&cells| cells != 0) => {
            explicit("EXPLICIT", &list, spatial, channels_first)
        }
        _ => explicit(name, &cells("explicit_paddings").unwrap_or_default(), spatial, channels_first),
    }
}

/// [`padding`] from the values of the attributes.
///
/// # Errors
/// `INVALID_ARGUMENT` as TensorFlow's.
pub fn explicit(name: &str, cells: &[i64], spatial: usize, channels_first: bool) -> Result<Padding> {
    if name != "EXPLICIT" {
        if !cells.is_empty() {
            return Err(Error::invalid_argument(
                "explicit_paddings attribute must be empty if the padding attribute is not EXPLICIT",
            ));
        }
        return Ok(if name == "SAME" { Padding::Same } else { Padding::Valid });
    }
    let wanted = 2 * (spatial + 2);
    if cells.len() != wanted {
        return Err(Error::invalid_argument(format!(
            "explicit_paddings attribute must contain {wanted} values, but got: {}",
            cells.len()
        )));
    }
    let cells: Vec<usize> = cells
        .iter()
        .map(|&c| usize::try_from(c))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::invalid_argument("All elements of explicit_paddings must be nonnegative"))?;
    let mut pairs: Vec<[usize; 2]> = cells.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    let channels = if channels_first { pairs.remove(1) } else { pairs.pop().unwrap_or_default() };
    if pairs.remove(0) != [0, 0] || channels != [0, 0] {
        return Err(Error::invalid_argument(
            "Nonzero explicit padding in the batch or depth dimensions is not supported",
        ));
    }
    Ok(Padding::Explicit(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let check = |input, window, steps, padding: Padding, want: [usize; 2]| {
            let dim = Dim::new(input, window, steps, &padding, 0).unwrap();
            assert_eq!([dim.before, dim.output], want, "{dim:?}");
        };
        check(5, 3, [1, 1], Padding::Valid, [0, 3]);
        check(5, 3, [2, 1], Padding::Same, [1, 3]);
        check(6, 3, [2, 1], Padding::Same, [0, 3]);
        check(5, 3, [1, 2], Padding::Same, [2, 5]);
        check(2, 1, [3, 1], Padding::Same, [0, 1]);
        check(0, 3, [1, 1], Padding::Same, [1, 0]);
        check(1, 2, [1, 1], Padding::Valid, [0, 0]);
        check(1, 4, [2, 1], Padding::Valid, [0, 0]);
        check(3, 2, [1, 1], Padding::Explicit(vec![[10, 1]]), [10, 13]);
        let known =
            |input, padding| Dim::inferred(input, 2, [2, 1], &padding, 0).map_err(|error| error.to_string());
        assert_eq!(known(4, Padding::Valid), Ok(2));
        assert_eq!(known(1, Padding::Same), Ok(1));
        assert_eq!(known(1, Padding::Explicit(vec![[1, 0]])), Ok(1));
        assert!(known(1, Padding::Valid).unwrap_err().contains("subtracting 2 from 1"));
        let error = |input, window, steps| Dim::new(input, window, steps, &Padding::Valid, 0).unwrap_err();
        assert!(error(1, 3, [1, 1]).message().contains("negative: -1"));
        assert!(error(1, 1, [0, 1]).message().contains("Stride"));
        assert!(error(1, 1, [1, 0]).message().contains("Dilation"));
        assert!(error(1, usize::MAX, [1, 1]).message().contains("too large"));
    }

    #[test]
    fn coverage() {
        let dim = Dim::new(5, 3, [2, 1], &Padding::Same, 0).unwrap();
        assert_eq!([dim.covered(0), dim.covered(1), dim.covered(2)], [0..2, 1..4, 3..5]);
        let far = Dim::new(1, 1, [1, 1], &Padding::Explicit(vec![[2, 2]]), 0).unwrap();
        assert_eq!([far.covered(0), far.covered(2), far.covered(4)], [0..0, 0..1, 1..1]);
    }
}
