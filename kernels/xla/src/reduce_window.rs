//! See [`OP`].

use savedmodel_kernels_nn as images;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor, bf16};

use crate::calls::{Scalars, broadcast, call};
use crate::gather::DTYPES;
use crate::numbers::per_dim;
use crate::pad::{Padding, pad};
use crate::window::{self, Dim, window};
use crate::{INDICES, numbers_attr};

/// What a function makes of an initial value and, one after the other, the elements of each of the windows over a tensor.
///
/// <https://openxla.org/xla/operation_semantics#reducewindow>
pub const OP: Op = Op {
    name: "XlaReduceWindow",
    inputs: &[
        "input: T",
        "init_value: T",
        "window_dimensions: Tindices",
        "window_strides: Tindices",
        "base_dilations: Tindices",
        "window_dilations: Tindices",
        "padding: Tindices",
    ],
    outputs: &["output: T"],
    attrs: &[numbers_attr!("T" ", bool"), INDICES, "computation: func"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", DTYPES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let reducer = Scalars::of(node, "computation")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, start) = (ctx.input(0), ctx.input(1));
        if start.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "init_value must be a scalar, got {}",
                start.shape()
            )));
        }
        let sizes = per_dim(ctx.input(2), input.rank(), 1, "window_dimensions")?;
        let steps = [Some(ctx.input(3)), Some(ctx.input(4)), Some(ctx.input(5))];
        let window = window(&sizes, steps, ctx.input(6))?;
        let output = reduce(&ctx.run(), &reducer, (input, start), &window)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn reduce(
    run: &Run<'_>,
    reducer: &Scalars,
    (input, start): (&Tensor, &Tensor),
    window: &[Dim],
) -> Result<Tensor> {
    if window.is_empty() {
        return Ok(input.clone());
    }
    if let Some(greatest) = of_images(run, reducer, (input, start), window)? {
        return Ok(greatest);
    }
    // Which of the elements of a window comes first makes no difference to the greatest and the least.
    if reducer.kept_unless().is_some() {
        let mut reduced = input.clone();
        for (i, dim) in window.iter().enumerate().filter(|(_, dim)| !dim.is_trivial()) {
            let mut line: Vec<Dim> = vec![Dim::TRIVIAL; window.len()];
            line[i] = *dim;
            reduced = along(run, reducer, (&reduced, start), &line)?;
        }
        return Ok(reduced);
    }
    along(run, reducer, (input, start), window)
}

/// The greatest elements, if the windows move over images with channels last and start at what is below all.
fn of_images(
    run: &Run<'_>,
    reducer: &Scalars,
    (input, start): (&Tensor, &Tensor),
    window: &[Dim],
) -> Result<Option<Tensor>> {
    let [batch, .., channels] = window else { return Ok(None) };
    let space = &window[1..window.len() - 1];
    let is_plain = |dim: &Dim| {
        dim.dilation == 1 && dim.padding.step == 1 && dim.padding.low >= 0 && dim.padding.high >= 0
    };
    let starts_low = match start.dtype() {
        DType::Float => start.to_scalar::<f32>()? == f32::NEG_INFINITY,
        DType::Bfloat16 => start.to_scalar::<bf16>()? == bf16::NEG_INFINITY,
        _ => false,
    };
    let fits = batch.is_trivial()
        && channels.is_trivial()
        && (2..=3).contains(&space.len())
        && space.iter().all(is_plain);
    if reducer.kept_unless() != Some("Less") || !starts_low || !fits {
        return Ok(None);
    }
    let mut dims = [images::UNIT; 3];
    for (i, (dim, &len)) in space.iter().zip(&input.shape()[1..]).enumerate() {
        dims[3 - space.len() + i] = images::Dim {
            input: len,
            window: dim.size,
            stride: dim.stride,
            dilation: 1,
            before: dim.padding.low as usize,
            output: dim.outputs(len)?,
        };
    }
    images::greatest(run, input, &dims)
}

fn along(
    run: &Run<'_>,
    reducer: &Scalars,
    (input, start): (&Tensor, &Tensor),
    window: &[Dim],
) -> Result<Tensor> {
    let shape = window::outputs(window, input.shape())?;
    let paddings: Vec<Padding> = window.iter().map(|dim| dim.padding).collect();
    let is_sum = reducer.is_sum();
    let zero = Tensor::zeros(input.dtype(), [])?;
    let padded = pad(run, input, if is_sum { &zero } else { start }, &paddings)?;
    if is_sum && input.dtype() == DType::Float {
        let mut sums = run.allocate(DType::Float, &shape[..])?;
        let (start, axes) = (start.to_scalar::<f32>()?, window::axes(window, padded.shape(), &shape, |_| 0));
        let out = sums.as_mut_slice::<f32>()?;
        out.fill(start);
        if !out.is_empty() {
            images::windows::add_sums(padded.as_slice()?, &axes, out);
        }
        return Ok(sums);
    }
    // What is padded takes no part, which sums, maxima and minima don't need to be told.
    let is_told = !is_sum && reducer.kept_unless().is_none() && padded.shape() != input.shape();
    let inside = is_told.then(|| {
        let inside = broadcast(run, Tensor::scalar(true), input.shape())?;
        pad(run, &inside, &Tensor::scalar(false), &paddings)
    });
    let inside = inside.transpose()?;
    let mut sums = broadcast(run, start.clone(), &shape)?.reshape([shape.iter().product()])?;
    if sums.elements() == 0 {
        return sums.reshape(shape);
    }
    for place in window::places(window) {
        let values = window::at(run, &padded, window, &place, &shape)?;
        let next = reducer.call(run, vec![sums.clone(), values], &[input.dtype()])?.remove(0);
        sums = match &inside {
            Some(inside) => {
                let inside = window::at(run, inside, window, &place, &shape)?;
                call(run, "SelectV2", &[], vec![inside, next, sums])?
            }
            None => next,
        };
    }
    sums.reshape(shape)
}
