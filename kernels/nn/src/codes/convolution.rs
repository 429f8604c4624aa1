//! Convolutions of 8-bit codes.

use std::borrow::Cow;

use savedmodel_op::{Construction, Context, Kernel};
use savedmodel_tensor::{Code, DType, Error, Qint8, Qint32, Result, Shape, Tensor};

use super::finish::{Finish, highest};
use super::sums::{Precision, larger, narrow, reach, scalar, widen};
use crate::conv::attributes::Attributes;
use crate::conv::forward::{Filter, Sizes, convolve};
use crate::conv::kernel::{Channels, window};
use crate::conv::ready::Ready;
use crate::layout::Images;
use crate::{conv2d, depthwise_conv2d_native};

/// Which input is what, and which steps there are.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The bias, if there is one.
    pub bias: Option<usize>,
    /// The first of four: the ends of the ranges of images and filters.
    pub ranges: usize,
    /// What is added, if there is something, and the first end of its range if it has one.
    pub summand: Option<(usize, Option<usize>)>,
    /// Whether what is negative becomes zero.
    pub relu: bool,
    /// The first end of the output's range, if it is given.
    pub frozen: Option<usize>,
    /// Whether each channel has filters of its own.
    pub depthwise: bool,
}

enum Taps {
    Single(Filter<f32>),
    Double(Filter<f64>),
}

/// The kernel of one node.
struct Convolution {
    form: Form,
    dtype: DType,
    attributes: Attributes,
    filter: Ready<Taps>,
}

/// Makes the kernel of a node.
///
/// # Errors
/// As TensorFlow's for strides, dilations and paddings.
pub fn build(node: &Construction<'_>, form: Form) -> Result<Box<dyn Kernel>> {
    let dilations: Vec<i64> = node.attr("dilations")?;
    let attributes = Attributes::of(node, 2, Code::Unimplemented).map_err(|error| {
        match (error.code(), &dilations[..]) {
            (Code::Unimplemented, &[batch, .., depth]) if [batch, depth] != [1, 1] => {
                Error::invalid_argument(error.message().to_owned())
            }
            _ => error,
        }
    })?;
    let filter = Ready::new(node.constant(1).is_some());
    let this = Convolution { form, dtype: node.outputs[0], attributes, filter };
    Ok(Box::new(move |ctx: &mut Context<'_>| this.run(ctx)))
}

impl Convolution {
    fn run(&self, ctx: &mut Context<'_>) -> Result<()> {
        let sizes = self.sizes(ctx.input(0).shape(), ctx.input(1).shape())?;
        let channels = sizes.output.channels;
        // TensorFlow gives no images the shape that they came with.
        let output = if sizes.input.batch == 0 { sizes.input } else { sizes.output };
        let mut out = ctx.allocate(self.dtype, output.shape(2, false))?;
        let summand = match self.form.summand {
            Some((i, _)) if ctx.input(i).dtype() == DType::Float => {
                Some(Cow::Borrowed(ctx.input(i).as_slice()?))
            }
            Some((i, _)) => Some(Cow::Owned(widen::<f32>(ctx.input(i))?)),
            None => None,
        };
        if out.elements() > 0 && summand.as_ref().is_some_and(|summand| summand.len() != out.elements()) {
            return Err(Error::invalid_argument("Summand cannot be forwarded in the current fusion."));
        }
        let finish = self.finish(ctx, channels, summand.as_deref())?;
        if out.elements() > 0 {
            finish.run(self.sums(ctx, &sizes)?, channels, &mut out)?;
        }
        let ends = self.range(ctx)?;
        ctx.set(0, out);
        ends.into_iter().zip(1..).for_each(|(end, i)| ctx.set(i, end));
        Ok(())
    }

    fn sizes(&self, input: &Shape, filter: &Shape) -> Result<Sizes> {
        for (name, shape) in [("input", input), ("filter", filter)] {
            if shape.rank() != 4 {
                return Err(Error::invalid_argument(format!("{name} must be 4-dimensional: {shape}")));
            }
        }
        if filter.elements() == 0 {
            return Err(Error::invalid_argument(
                "filter must not have zero elements (i.e. all dimensions must be non-zero)",
            ));
        }
        let images = Images::of(input, false);
        let channels = if self.form.depthwise { depthwise_conv2d_native::channels } else { conv2d::channels };
        let Channels { groups, outputs } = channels(&images, filter)?;
        let dims = self.attributes.dims(images.space, window(filter))?;
        let output = Images { batch: images.batch, space: dims.map(|dim| dim.output), channels: outputs };
        Ok(Sizes { input: images, output, dims, groups: groups.max(1) })
    }

    /// The sums of products.
    fn sums(&self, ctx: &Context<'_>, sizes: &Sizes) -> Result<Vec<f32>> {
        let (images, filter) = (ctx.input(0), ctx.input(1));
        let [batch, pixels, channels] = [sizes.output.batch, sizes.output.pixels(), sizes.output.channels];
        let size = batch * pixels * channels;
        let taps: usize = window(filter.shape()).iter().product();
        let shape = [taps, filter.elements() / (taps * channels), channels];
        let make = || {
            Ok(match Precision::of(filter.as_slice::<Qint8>()?, channels) {
                Precision::Single => Taps::Single(Filter::new(&widen(filter)?, shape, sizes.groups)),
                Precision::Double => Taps::Double(Filter::new(&widen(filter)?, shape, sizes.groups)),
            })
        };
        self.filter.with(sizes.groups, make, |taps| match taps {
            Taps::Single(filter) => {
                let mut sums = vec![0.0; size];
                convolve(sizes, &widen(images)?, filter, Default::default(), &mut sums);
                Ok(sums)
            }
            Taps::Double(filter) => {
                let mut sums = vec![0.0; size];
                convolve(sizes, &widen(images)?, filter, Default::default(), &mut sums);
                Ok(narrow(&sums))
            }
        })?
    }

    fn finish<'a>(
        &self,
        ctx: &Context<'_>,
        channels: usize,
        summand: Option<&'a [f32]>,
    ) -> Result<Finish<'a>> {
        let form = self.form;
        let limit = if ctx.input(0).dtype() == DType::Quint8 { 255.0 } else { 127.0 };
        let range = reach(ctx, form.ranges)?;
        let source = range / limit;
        let (min, max) = (ctx.input(form.ranges + 2), ctx.input(form.ranges + 3));
        if min.elements() == 0 || min.shape() != max.shape() || min.rank() > 1 {
            return Err(Error::invalid_argument(
                "`min_ and max_filter` must have same shape and contain at least one element.",
            ));
        }
        let (min, max) = (min.as_slice::<f32>()?, max.as_slice::<f32>()?);
        if ![1, channels].contains(&min.len()) {
            return Err(Error::invalid_argument(format!(
                "min_filter and max_filter have {} elements for {channels} channels",
                min.len()
            )));
        }
        let ranges: Vec<f32> = min.iter().zip(max).map(|(&min, &max)| larger(min, max)).collect();
        let highest = match form.summand {
            Some((i, _)) if ctx.input(i).dtype() == DType::Qint8 => 127.0,
            _ => highest(self.dtype),
        };
        let divisor = match form.frozen {
            Some(i) => reach(ctx, i)? / if self.dtype == DType::Quint8 { 255.0 } else { 127.0 },
            None => {
                let (low, high) =
                    (min.iter().copied().reduce(f32::min), max.iter().copied().reduce(f32::max));
                weight_scale(larger(low.unwrap_or_default(), high.unwrap_or_default())) * source
            }
        };
        let summand = match (summand, form.summand) {
            (Some(summand), Some((i, Some(ends)))) => {
                let frozen = form.frozen.unwrap_or(ends);
                if let Some(i) =
                    [ends, ends + 1, frozen, frozen + 1].into_iter().find(|&i| ctx.input(i).rank() != 0)
                {
                    let rank = ctx.input(i).rank();
                    return Err(Error::invalid_argument(format!("Shape must be rank 0 but is rank {rank}")));
                }
                let steps = if ctx.input(i).dtype() == DType::Quint8 { 255.0 } else { 127.0 };
                Some((summand, reach(ctx, ends)? / steps))
            }
            (summand, _) => summand.map(|summand| (summand, 1.0)),
        };
        let inverses = ranges.iter().map(|weights| 1.0 / (limit * 127.0 / (range * weights)));
        let bias = self.bias(ctx, inverses.collect())?;
        let factors = ranges.into_iter().map(|range| source * weight_scale(range)).collect();
        Ok(Finish { factors, bias, summand, relu: form.relu, divisor, highest })
    }

    /// The bias as floats: codes of 32 bits are products of what images and filters are codes of.
    fn bias(&self, ctx: &Context<'_>, scales: Vec<f32>) -> Result<Vec<f32>> {
        let Some(bias) = self.form.bias.map(|i| ctx.input(i)) else { return Ok(vec![]) };
        let ones = &bias.shape()[..bias.rank().saturating_sub(1)];
        if bias.rank() > 4 || ones.iter().any(|&size| size != 1) {
            return Err(Error::invalid_argument(format!(
                "For bias_dims > 1, all except the last dimension (channel) must be 1: {}",
                bias.shape()
            )));
        }
        if bias.dtype() == DType::Float {
            return Ok(bias.as_slice()?.to_vec());
        }
        let codes = bias.as_slice::<Qint32>()?;
        Ok(codes.iter().zip(scales.iter().cycle()).map(|(code, scale)| code.0 as f32 * scale).collect())
    }

    /// The ends of the output's range.
    fn range(&self, ctx: &Context<'_>) -> Result<[Tensor; 2]> {
        if let Some(i) = self.form.frozen {
            return Ok([Tensor::scalar(scalar(ctx, i)?), Tensor::scalar(scalar(ctx, i + 1)?)]);
        }
        let i = self.form.ranges;
        let steps = if ctx.input(0).dtype() == DType::Quint8 { 255.0 } else { 254.0 };
        let level = (scalar(ctx, i + 1)? - scalar(ctx, i)?) / steps;
        let (min, max) = (ctx.input(i + 2), ctx.input(i + 3));
        let levels = min.as_slice::<f32>()?.iter().zip(max.as_slice::<f32>()?);
        let levels: Vec<f32> = levels.map(|(min, max)| level * ((max - min) / 254.0)).collect();
        let ends = |end: i32| {
            Tensor::from_vec(min.shape().clone(), levels.iter().map(|level| level * end as f32).collect())
        };
        Ok([ends(i32::MIN)?, ends(i32::MAX)?])
    }
}

/// The distance of numbers that neighbouring codes of weights stand for.
pub fn weight_scale(range: f32) -> f32 {
    (f64::from(range) / 127.0) as f32
}
