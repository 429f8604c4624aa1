//! See [`OP`].

use savedmodel_kernels_array::walk;
use savedmodel_kernels_nn as images;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, dtypes, shape};
use savedmodel_tensor::{Code, DType, Error, Result, Tensor};

use crate::calls::{Scalars, broadcast};
use crate::numbers::per_dim;
use crate::pad::{Padding, pad};
use crate::scatter::combine_at;
use crate::window::{self, Dim, window};
use crate::{INDICES, numbers_attr};

/// Initial values, with each element of a source combined with the one that a function selects in its window of the operand.
///
/// <https://openxla.org/xla/operation_semantics#selectandscatter>
pub const OP: Op = Op {
    name: "XlaSelectAndScatter",
    inputs: &[
        "operand: T",
        "window_dimensions: Tindices",
        "window_strides: Tindices",
        "padding: Tindices",
        "source: T",
        "init_value: T",
    ],
    outputs: &["output: T"],
    attrs: &[numbers_attr!("T"), INDICES, "select: func", "scatter: func"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", dtypes::NUMBERS)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let select = Scalars::of(node, "select")?;
    let combine = Scalars::of(node, "scatter")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (run, operand, source, start) = (ctx.run(), ctx.input(0), ctx.input(4), ctx.input(5));
        let sizes = per_dim(ctx.input(1), operand.rank(), 1, "window_dimensions")?;
        let window = window(&sizes, [Some(ctx.input(2)), None, None], ctx.input(3))?;
        let shape = window::outputs(&window, operand.shape())?;
        if source.shape().dims() != shape {
            let text = format!(
                "Source shape does not match the shape of window-reduced operand: source({}), window-reduced operand({shape:?})",
                source.shape()
            );
            return Err(Error::new(Code::Unknown, text));
        }
        if start.rank() != 0 {
            let text = format!("init_value must be a scalar, got {}", start.shape());
            return Err(Error::invalid_argument(text));
        }
        let is_usual = select.formula() == Some("GreaterEqual(0,1)") && combine.is_sum();
        if is_usual && operand.dtype() == DType::Float {
            let output = usual(&run, (operand, source, start), (&window, &shape))?;
            ctx.set(0, output);
            return Ok(());
        }
        let output = broadcast(&run, start.clone(), operand.shape())?;
        let selected = selected(&run, &select, operand, (&window, &shape))?;
        let output = combine_at(&run, &combine, output, (&selected, source.clone()), &[])?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// The sums of what comes to the greatest elements, as gradients of pools have it.
fn usual(
    run: &Run<'_>,
    (operand, source, start): (&Tensor, &Tensor, &Tensor),
    (window, shape): (&[Dim], &[usize]),
) -> Result<Tensor> {
    let mut output = run.allocate(DType::Float, operand.shape())?;
    let out = output.as_mut_slice::<f32>()?;
    out.fill(start.to_scalar()?);
    let axes = window::axes(window, operand.shape(), shape, |dim| dim.padding.low);
    let chosen = images::windows::chosen(operand.as_slice()?, &axes);
    for (to, value) in chosen.into_iter().zip(source.as_slice::<f32>()?) {
        if to != images::NOWHERE {
            out[to] += value;
        }
    }
    Ok(output)
}

/// The number of the element that is selected in each window; none in windows of padding.
fn selected(
    run: &Run<'_>,
    select: &Scalars,
    operand: &Tensor,
    (window, shape): (&[Dim], &[usize]),
) -> Result<Vec<Option<usize>>> {
    let paddings: Vec<Padding> = window.iter().map(|dim| dim.padding).collect();
    let numbers: Vec<usize> = (0..operand.elements()).collect();
    let numbers = walk::indices(run, &numbers)?.reshape(operand.shape())?;
    let numbers = pad(run, &numbers, &Tensor::scalar(-1_i64), &paddings)?;
    let mut chosen: Vec<Option<usize>> = vec![None; shape.iter().product()];
    if chosen.is_empty() {
        return Ok(chosen);
    }
    for place in window::places(window) {
        let next = window::at(run, &numbers, window, &place, shape)?;
        let next = next.as_slice::<i64>()?;
        // Windows that have one already compare it with the next.
        let rivals: Vec<usize> = (0..chosen.len()).filter(|&i| chosen[i].is_some() && next[i] >= 0).collect();
        let old: Vec<usize> = rivals.iter().filter_map(|&i| chosen[i]).collect();
        let new: Vec<usize> = rivals.iter().map(|&i| next[i] as usize).collect();
        for (chosen, &next) in chosen.iter_mut().zip(next).filter(|(chosen, _)| chosen.is_none()) {
            *chosen = usize::try_from(next).ok();
        }
        if rivals.is_empty() {
            continue;
        }
        let values = vec![walk::read(run, operand, &old, &[])?, walk::read(run, operand, &new, &[])?];
        let stays = select.call(run, values, &[DType::Bool])?;
        for ((&rival, &new), &stays) in rivals.iter().zip(&new).zip(stays[0].as_slice::<bool>()?) {
            if !stays {
                chosen[rival] = Some(new);
            }
        }
    }
    Ok(chosen)
}
