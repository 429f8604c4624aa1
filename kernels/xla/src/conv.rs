//! `XlaConv` and `XlaConvV2`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Limits, Op, Run, dtypes, shape};
use savedmodel_tensor::{Code, Error, Result, Tensor};

use crate::calls::{Ready, cast, saturated, transpose};
use crate::convolve::{Convolution, Images, channels_error, convolve};
use crate::dot::wide;
use crate::numbers::{Numbers, dims};
use crate::window::{Dim, outputs, window};
use crate::{INDICES, numbers_attr};

/// Convolutions of any number of spatial dimensions: strides, paddings that may cut off, dilations of input and filter, groups of
/// channels or of the batch, and dimensions in any order.
///
/// <https://openxla.org/xla/operation_semantics#conv_convolution>
pub const OPS: &[Op] = &[
    Op {
        name: "XlaConvV2",
        inputs: &[
            "lhs: LhsT",
            "rhs: RhsT",
            "window_strides: Tindices",
            "padding: Tindices",
            "lhs_dilation: Tindices",
            "rhs_dilation: Tindices",
            "feature_group_count: Tindices",
        ],
        outputs: &["output: preferred_element_type"],
        attrs: &[
            numbers_attr!("LhsT"),
            numbers_attr!("RhsT"),
            INDICES,
            "dimension_numbers: string",
            "precision_config: string",
            numbers_attr!("preferred_element_type"),
            "batch_group_count: int = 1",
        ],
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::All(
            &[
                ("LhsT", dtypes::NUMBERS),
                ("RhsT", dtypes::NUMBERS),
                ("preferred_element_type", dtypes::NUMBERS),
            ],
            |node| build(node, node.attr("batch_group_count")?),
        ),
    },
    Op {
        name: "XlaConv",
        inputs: &[
            "lhs: T",
            "rhs: T",
            "window_strides: Tindices",
            "padding: Tindices",
            "lhs_dilation: Tindices",
            "rhs_dilation: Tindices",
            "feature_group_count: Tindices",
        ],
        outputs: &["output: T"],
        attrs: &[numbers_attr!("T"), INDICES, "dimension_numbers: string", "precision_config: string"],
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::All(&[("T", dtypes::NUMBERS)], |node| build(node, 1)),
    },
];

fn build(node: &Construction<'_>, batch_groups: i64) -> Result<Box<dyn Kernel>> {
    // TensorFlow does not look at what it cannot read of `precision_config`.
    let numbers = Numbers::of(node, "dimension_numbers")?;
    let result = node.outputs[0];
    let ready = if batch_groups == 1 { Weights::of(node, &numbers)? } else { None };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let run = ctx.run();
        if let Some(weights) = &ready
            && let Some(output) = weights.convolve(&run, ctx.input(0))?
        {
            ctx.set(0, output);
            return Ok(());
        }
        check(&numbers, [0, 1, 2, 3, 4, 5, 6].map(|i| ctx.input(i)))?;
        let dtype = wide(ctx.input(0).dtype(), ctx.input(1).dtype(), result);
        let order = Order::of(&numbers, ctx.input(0).rank(), ctx.input(1).rank())?;
        let filter = transpose(&run, cast(&run, ctx.take(1), dtype)?, &order.filter)?;
        let input = transpose(&run, cast(&run, ctx.take(0), dtype)?, &order.input)?;
        let window = moves(&filter, [2, 3, 4, 5].map(|i| ctx.input(i)))?;
        let feature_groups = ctx.input(6).to_i64s()?;
        let (input, groups) = match (&feature_groups[..], batch_groups) {
            (&[groups], 1) => (input, groups),
            (&[1], groups) => (batch_to_features(&run, input, groups)?, groups),
            _ => return Err(groups_error(&feature_groups, batch_groups)),
        };
        let groups = usize::try_from(groups).ok().filter(|&groups| groups > 0);
        let groups = groups.ok_or_else(|| groups_error(&feature_groups, batch_groups))?;
        let output = convolve(&run, Convolution { input, filter, window, groups })?;
        ctx.set(0, saturated(&run, transpose(&run, output, &order.output)?, result)?);
        Ok(())
    }))
}

/// What TensorFlow's compiler looks at before it knows what the dimensions are.
fn check(
    numbers: &Numbers,
    [input, filter, strides, padding, base, dilations, groups]: [&Tensor; 7],
) -> Result<()> {
    let refuse = |text: String| Err(Error::new(Code::Unknown, text));
    for (name, steps) in [("window_stride", strides), ("lhs_dilation", base), ("rhs_dilation", dilations)] {
        if steps.rank() != 1 {
            return refuse(format!("expects {name} to be a vector, got shape {}", steps.shape()));
        }
    }
    if !matches!(padding.shape().dims(), [_, 2]) {
        let shape = padding.shape();
        return refuse(format!("expects padding to be a matrix with minor dimension 2, got shape {shape}"));
    }
    if groups.rank() != 0 {
        return refuse(format!("expects feature_group_count to be a scalar, got shape {}", groups.shape()));
    }
    let size = |tensor: &Tensor, dim: i64| {
        usize::try_from(dim).ok().and_then(|dim| tensor.shape().get(dim).copied())
    };
    let (channels, groups) = (size(filter, numbers.one(3)), groups.to_i64s()?[0]);
    match (channels, size(input, numbers.one(8))) {
        (Some(channels), Some(given)) if (channels as i64).checked_mul(groups) != Some(given as i64) => {
            refuse(channels_error(channels, groups, given))
        }
        _ => Ok(()),
    }
}

fn groups_error(features: &[i64], batches: i64) -> Error {
    let text = format!(
        "feature_group_count {features:?} and batch_group_count {batches} must be positive, and one of them 1"
    );
    Error::new(Code::Unknown, text)
}

/// The dimensions of each tensor in the order batch, space, features; of the filter: space, features in, features out.
struct Order {
    input: Vec<usize>,
    filter: Vec<usize>,
    output: Vec<usize>,
}

impl Order {
    fn of(numbers: &Numbers, input: usize, filter: usize) -> Result<Order> {
        if input != filter {
            let text = format!(
                "both input tensor and kernel tensor must have same number of dimensions: {input} {filter}"
            );
            return Err(Error::new(Code::Unknown, text));
        }
        let order = |first: &[i64], space: usize, last: &[i64], rank: usize| {
            let all = [first, numbers.list(space), last].concat();
            let found = dims(&all, rank, "dimensions of a convolution")?;
            if found.len() == rank {
                return Ok(found);
            }
            Err(Error::invalid_argument(format!(
                "dimension numbers of a convolution name {all:?} of a tensor of rank {rank}"
            )))
        };
        let output = order(&[numbers.one(9)], 12, &[numbers.one(10)], input)?;
        let mut back = vec![0; output.len()];
        output.iter().enumerate().for_each(|(from, &to)| back[to] = from);
        Ok(Order {
            input: order(&[numbers.one(7)], 11, &[numbers.one(8)], input)?,
            filter: order(&[], 6, &[numbers.one(3), numbers.one(4)], filter)?,
            output: back,
        })
    }
}

fn moves(filter: &Tensor, [strides, padding, base, dilations]: [&Tensor; 4]) -> Result<Vec<Dim>> {
    let sizes: Vec<i64> = filter.shape()[..filter.rank() - 2].iter().map(|&size| size as i64).collect();
    // One that is empty is as if it was not there.
    let given = [strides, base, dilations].map(|steps| (steps.shape().dims() != [0]).then_some(steps));
    if padding.shape().dims() == [0, 2] {
        let none = Tensor::zeros(padding.dtype(), [sizes.len(), 2])?;
        return window(&sizes, given, &none);
    }
    window(&sizes, given, padding)
}

/// A filter that never changes, made ready with the way that it moves.
struct Weights {
    filter: Ready,
    order: Order,
    window: Vec<Dim>,
    channels: usize,
}

impl Weights {
    /// None where something is not known, or wrong, which is said when it is called.
    fn of(node: &Construction<'_>, numbers: &Numbers) -> Result<Option<Weights>> {
        let [Some(filter), Some(strides), Some(padding), Some(base), Some(dilations), Some(groups)] =
            [1, 2, 3, 4, 5, 6].map(|i| node.constant(i))
        else {
            return Ok(None);
        };
        let (dtype, rank) = (filter.dtype(), filter.rank());
        let (Ok(order), Ok(groups)) = (Order::of(numbers, rank, rank), groups.to_i64s()) else {
            return Ok(None);
        };
        let groups = match groups[..] {
            [groups] if groups > 0 && node.inputs[0] == dtype && node.outputs[0] == dtype => groups as usize,
            _ => return Ok(None),
        };
        let limits = Limits::default();
        let run = Run { resources: node.resources, limits: &limits };
        let filter = transpose(&run, filter.clone(), &order.filter)?;
        let Ok(window) = moves(&filter, [strides, padding, base, dilations]) else { return Ok(None) };
        let channels = filter.shape()[rank - 2].saturating_mul(groups);
        if filter.elements() == 0 || filter.shape()[rank - 1] % groups != 0 {
            return Ok(None);
        }
        let Some(images) = Images::of(&filter, &window, groups)? else { return Ok(None) };
        let filter = Ready::new(node, images.op, &images.attrs, images.filter)?;
        Ok(Some(Weights { filter, order, window, channels }))
    }

    fn convolve(&self, run: &Run<'_>, input: &Tensor) -> Result<Option<Tensor>> {
        if input.rank() != self.order.input.len() || input.elements() == 0 {
            return Ok(None);
        }
        let input = transpose(run, input.clone(), &self.order.input)?;
        let space = self.window.len();
        let mut shape = input.shape().to_vec();
        let sizes = outputs(&self.window, &shape[1..=space])?;
        if shape[space + 1] != self.channels || sizes.contains(&0) {
            return Ok(None);
        }
        let output = self.filter.call(run, Images::rows(input)?)?;
        shape.splice(1.., sizes.into_iter().chain(output.shape().last().copied()));
        Ok(Some(transpose(run, output.reshape(shape)?, &self.order.output)?))
    }
}

/// Groups of the batch as groups of features.
fn batch_to_features(run: &Run<'_>, input: Tensor, groups: i64) -> Result<Tensor> {
    let shape = input.shape().to_vec();
    let (batch, channels, last) = (shape[0], shape[shape.len() - 1], shape.len() - 1);
    let found = usize::try_from(groups).ok().filter(|&groups| groups > 0 && batch.is_multiple_of(groups));
    let groups = found.ok_or_else(|| groups_error(&[1], groups))?;
    let split = [&[groups, batch / groups], &shape[1..]].concat();
    let order: Vec<usize> = (1..=last).chain([0, last + 1]).collect();
    let joined = [&[batch / groups], &shape[1..last], &[groups * channels]].concat();
    transpose(run, input.reshape(split)?, &order)?.reshape(joined)
}
