//! Convolutions with dimensions in their usual order.

use savedmodel_kernels_array::walk;
use savedmodel_op::{AttrValue, Run};
use savedmodel_tensor::{Bytes, Code, Error, Result, Tensor};

use crate::calls::{call, transpose};
use crate::pad::{Padding, pad};
use crate::window::{self, Dim};

/// An input `[batch, space …, channels]`, a filter `[space …, channels of a group, outputs]`, and how it moves.
pub(crate) struct Convolution {
    pub input: Tensor,
    pub filter: Tensor,
    pub window: Vec<Dim>,
    pub groups: usize,
}

/// The convolution, `[batch, space …, outputs]`.
///
/// # Errors
/// `INVALID_ARGUMENT` when input, filter and groups do not fit.
pub(crate) fn convolve(run: &Run<'_>, mut conv: Convolution) -> Result<Tensor> {
    let (space, groups) = (conv.window.len(), conv.groups);
    let (channels, outputs) = (conv.filter.shape()[space], conv.filter.shape()[space + 1]);
    let given = conv.input.shape()[space + 1];
    if channels.checked_mul(groups) != Some(given) || outputs % groups != 0 {
        let text = channels_error(channels, groups as i64, given);
        return Err(Error::new(
            Code::Unknown,
            format!("{text}, and {outputs} outputs to be a multiple of the groups"),
        ));
    }
    let sizes = window::outputs(&conv.window, &conv.input.shape()[1..=space])?;
    let shape = [&[conv.input.shape()[0]], sizes.as_slice(), &[outputs]].concat();
    if shape.contains(&0) || conv.filter.elements() == 0 {
        return run.allocate(conv.input.dtype(), shape);
    }
    if !conv.window.iter().all(is_plain) {
        conv.pad(run)?;
    }
    if let Some(images) = Images::of(&conv.filter, &conv.window, groups)? {
        let input = Images::rows(conv.input)?;
        return call(run, images.op, &images.attrs, vec![input, images.filter])?.reshape(shape);
    }
    conv.pad(run)?;
    conv.products(run, &sizes)?.reshape(shape)
}

pub(crate) fn channels_error(channels: usize, groups: i64, given: usize) -> String {
    format!(
        "Expected the size of kernel_input_features (value {channels}) in rhs times feature_group_count (value {groups}) in lhs \
         should equal the size of the z dimension (value {given}) in lhs"
    )
}

/// Whether the operators for images do what is done at the edges of a dimension.
fn is_plain(dim: &Dim) -> bool {
    dim.padding.step == 1 && dim.padding.low >= 0 && dim.padding.high >= 0
}

/// An operator for images; a line is an image of one row.
pub(crate) struct Images {
    pub op: &'static str,
    pub attrs: Vec<(&'static str, AttrValue)>,
    pub filter: Tensor,
}

impl Images {
    /// The operator, if there is one that convolves with this filter.
    ///
    /// # Errors
    /// None.
    pub fn of(filter: &Tensor, window: &[Dim], groups: usize) -> Result<Option<Images>> {
        let [h, w] = match *window {
            [w] => [Dim::TRIVIAL, w],
            [h, w] => [h, w],
            _ => return Ok(None),
        };
        if !filter.dtype().is_floating() || !is_plain(&h) || !is_plain(&w) {
            return Ok(None);
        }
        let list =
            |values: &[i64]| AttrValue::List(values.iter().map(|&value| AttrValue::Int(value)).collect());
        let four = |h: usize, w: usize| list(&[1, h as i64, w as i64, 1]);
        let paddings = [0, 0, h.padding.low, h.padding.high, w.padding.low, w.padding.high, 0, 0];
        let is_padded = paddings.iter().any(|&padding| padding != 0);
        let padding: &[u8] = if is_padded { b"EXPLICIT" } else { b"VALID" };
        let mut attrs = vec![
            ("strides", four(h.stride, w.stride)),
            ("dilations", four(h.dilation, w.dilation)),
            ("padding", AttrValue::Bytes(Bytes::from_static(padding))),
        ];
        if is_padded {
            attrs.push(("explicit_paddings", list(&paddings)));
        }
        let sizes = filter.shape();
        let (channels, outputs) = (sizes[window.len()], sizes[window.len() + 1]);
        let is_depthwise = channels == 1 && groups > 1 && h.stride == w.stride;
        let last = if is_depthwise { [groups, outputs / groups] } else { [channels, outputs] };
        let filter = filter.clone().reshape([h.size, w.size, last[0], last[1]])?;
        Ok(Some(Images { op: if is_depthwise { "DepthwiseConv2dNative" } else { "Conv2D" }, attrs, filter }))
    }

    /// The input as images.
    pub fn rows(input: Tensor) -> Result<Tensor> {
        match *input.shape().dims() {
            [batch, columns, channels] => input.reshape([batch, 1, columns, channels]),
            _ => Ok(input),
        }
    }
}

impl Convolution {
    /// Puts zeros where the window goes over edges or gaps.
    fn pad(&mut self, run: &Run<'_>) -> Result<()> {
        let none = Padding { low: 0, high: 0, step: 1 };
        let paddings: Vec<Padding> =
            [none].into_iter().chain(self.window.iter().map(|dim| dim.padding)).chain([none]).collect();
        let zero = Tensor::zeros(self.input.dtype(), [])?;
        self.input = pad(run, &self.input, &zero, &paddings)?;
        self.window.iter_mut().for_each(|dim| dim.padding = none);
        Ok(())
    }

    /// By products of matrices of all windows of a group with its filter.
    fn products(self, run: &Run<'_>, sizes: &[usize]) -> Result<Tensor> {
        let (space, groups) = (self.window.len(), self.groups);
        let (batch, channels) = (self.input.shape()[0], self.filter.shape()[space]);
        let outputs = self.filter.shape()[space + 1] / groups;
        let strides = walk::strides(self.input.shape());
        let mut dims = vec![(groups, channels as isize), (batch, strides[0])];
        let steps = || self.window.iter().zip(&strides[1..]);
        dims.extend(
            steps()
                .zip(sizes)
                .map(|((dim, &stride), &size)| (size, (dim.stride as isize).wrapping_mul(stride))),
        );
        dims.extend(steps().map(|(dim, &stride)| (dim.size, (dim.dilation as isize).wrapping_mul(stride))));
        dims.push((channels, 1));
        let (rows, depth) =
            (batch * sizes.iter().product::<usize>(), self.filter.elements() / groups / outputs);
        let patches = walk::read(run, &self.input, &[0], &dims)?.reshape([groups, rows, depth])?;
        let filter = transpose(run, self.filter.reshape([depth, groups, outputs])?, &[1, 0, 2])?;
        let products = call(run, "BatchMatMulV2", &[], vec![patches, filter])?;
        transpose(run, products, &[1, 0, 2])
    }
}
