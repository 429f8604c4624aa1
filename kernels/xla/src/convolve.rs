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
        let text = format!(
            "Expected the size of kernel_input_features (value {channels}) in rhs times feature_group_count (value {groups}) in lhs \
             should equal the size of the z dimension (value {given}) in lhs, and {outputs} outputs to be a multiple of the groups."
        );
        return Err(Error::new(Code::Unknown, text));
    }
    let sizes = window::outputs(&conv.window, &conv.input.shape()[1..=space])?;
    let shape = [&[conv.input.shape()[0]], sizes.as_slice(), &[outputs]].concat();
    if shape.contains(&0) || conv.filter.elements() == 0 {
        return run.allocate(conv.input.dtype(), shape);
    }
    let is_plain = |dim: &Dim| dim.padding.step == 1 && dim.padding.low >= 0 && dim.padding.high >= 0;
    let is_float = conv.input.dtype().is_floating();
    let is_fast = is_float && (1..=2).contains(&space);
    if !is_fast || !conv.window.iter().all(is_plain) {
        conv.pad(run)?;
    }
    if is_fast { conv.images(run)?.reshape(shape) } else { conv.products(run, &sizes)?.reshape(shape) }
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

    /// By the operators for images; a line is an image of one row.
    fn images(mut self, run: &Run<'_>) -> Result<Tensor> {
        if let [dim] = self.window[..] {
            let line = |shape: &[usize], at: usize| [&shape[..at], &[1], &shape[at..]].concat();
            let (input, filter) = (line(self.input.shape(), 1), line(self.filter.shape(), 0));
            self.window = vec![Dim::TRIVIAL, dim];
            (self.input, self.filter) = (self.input.reshape(input)?, self.filter.reshape(filter)?);
        }
        let [h, w] = self.window[..] else { return Err(Error::internal("images have two dimensions")) };
        let list =
            |values: &[i64]| AttrValue::List(values.iter().map(|&value| AttrValue::Int(value)).collect());
        let four = |h: usize, w: usize| list(&[1, h as i64, w as i64, 1]);
        let paddings = [0, 0, h.padding.low, h.padding.high, w.padding.low, w.padding.high, 0, 0];
        let is_padded = paddings.iter().any(|&padding| padding != 0);
        let mut attrs = vec![
            ("strides", four(h.stride, w.stride)),
            ("dilations", four(h.dilation, w.dilation)),
            ("padding", AttrValue::Bytes(Bytes::from_static(if is_padded { b"EXPLICIT" } else { b"VALID" }))),
        ];
        if is_padded {
            attrs.push(("explicit_paddings", list(&paddings)));
        }
        let channels = self.input.shape()[3];
        let is_depthwise = self.groups == channels && channels > 1 && h.stride == w.stride;
        let op = if is_depthwise { "DepthwiseConv2dNative" } else { "Conv2D" };
        if is_depthwise {
            let [rows, columns, _, outputs] = self.filter.shape()[..] else { unreachable!("of rank four") };
            self.filter = self.filter.reshape([rows, columns, channels, outputs / channels])?;
        }
        call(run, op, &attrs, vec![self.input, self.filter])
    }

    /// By products of matrices of all windows of a group with its filter.
    fn products(self, run: &Run<'_>, sizes: &[usize]) -> Result<Tensor> {
        let (space, groups) = (self.window.len(), self.groups);
        let (batch, channels) = (self.input.shape()[0], self.filter.shape()[space]);
        let outputs = self.filter.shape()[space + 1] / groups;
        let strides = walk::strides(self.input.shape());
        let mut dims = vec![(groups, channels as isize), (batch, strides[0])];
        let steps = || self.window.iter().zip(&strides[1..]);
        dims.extend(steps().zip(sizes).map(|((dim, &stride), &size)| (size, dim.stride as isize * stride)));
        dims.extend(steps().map(|(dim, &stride)| (dim.size, dim.dilation as isize * stride)));
        dims.push((channels, 1));
        let (rows, depth) =
            (batch * sizes.iter().product::<usize>(), self.filter.elements() / groups / outputs);
        let patches = walk::read(run, &self.input, &[0], &dims)?.reshape([groups, rows, depth])?;
        let filter = transpose(run, self.filter.reshape([depth, groups, outputs])?, &[1, 0, 2])?;
        let products = call(run, "BatchMatMulV2", &[], vec![patches, filter])?;
        transpose(run, products, &[1, 0, 2])
    }
}
