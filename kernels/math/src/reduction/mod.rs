//! Reductions over any axes, on top of reductions of the middle of `[outer, middle, inner]`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Element, PartialShape, Result};

mod axes;

use axes::{Axes, Runs};

/// `out[o, i]` is made of all `x[o, m, i]`, where the sizes of `o`, `m` and `i` are given.
pub type Run<T> = fn(&[T], [usize; 3], &mut [T]);

/// An operator that reduces numbers.
pub const fn op(name: &'static str, attrs: &'static [&'static str], kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["input: T", "reduction_indices: Tidx"],
        outputs: &["output: T"],
        attrs,
        effect: Effect::Pure,
        shape,
        kernels,
    }
}

/// How a reduction treats reduced axes that do not lie next to each other, or are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// One after the other, since reductions of parts can be reduced again.
    Stepwise,
    /// All at once, after the elements were brought next to each other.
    Gathered,
    /// As [`Apart::Gathered`]; and the reduction of one element is not that element.
    Changing,
}

/// The kernel of a reduction.
///
/// # Errors
/// When the attributes are not those of a reduction.
pub fn kernel<T: Element>(node: &Construction<'_>, apart: Apart, run: Run<T>) -> Result<Box<dyn Kernel>> {
    let keep_dims: bool = node.attr("keep_dims")?;
    let known = match (node.constant(1), node.shapes.first().and_then(PartialShape::rank)) {
        (Some(indices), Some(rank)) => Axes::new(&indices.to_i64s()?, rank).ok(),
        _ => None,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let rank = ctx.input(0).rank();
        let found;
        let axes = match &known {
            Some(axes) if axes.rank() == rank => axes,
            _ => {
                found = Axes::new(&ctx.input(1).to_i64s()?, rank)?;
                &found
            }
        };
        let mut plan = axes.plan(ctx.input(0).shape(), keep_dims);
        let is_reduced = plan.runs.iter().any(|run| run.reduced);
        if !is_reduced && apart == Apart::Changing {
            plan.runs.push(axes::Run { size: 1, reduced: true });
        } else if !is_reduced {
            let copy = ctx.take(0).reshape(plan.shape)?;
            ctx.set(0, copy);
            return Ok(());
        }
        let mut out = ctx.allocate(T::DTYPE, plan.shape)?;
        let x = ctx.input(0).as_slice::<T>()?;
        match apart {
            Apart::Stepwise => stepwise(x, plan.runs, run, out.as_mut_slice()?),
            Apart::Gathered | Apart::Changing => gathered(x, &plan.runs, run, out.as_mut_slice()?),
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// Reduces one run after the other, innermost first.
fn stepwise<T: Element>(x: &[T], mut runs: Runs, run: Run<T>, out: &mut [T]) {
    let mut part: Option<Vec<T>> = None;
    while let Some(at) = runs.iter().rposition(|run| run.reduced) {
        let [outer, inner] = [&runs[..at], &runs[at + 1..]].map(|part| part.iter().map(|r| r.size).product());
        let axes = [outer, runs[at].size, inner];
        runs.remove(at);
        let x = part.as_deref().unwrap_or(x);
        if runs.iter().any(|run| run.reduced) {
            let mut next = vec![T::default(); outer * inner];
            run(x, axes, &mut next);
            part = Some(next);
        } else {
            run(x, axes, out);
        }
    }
}

/// Reduces all runs at once.
fn gathered<T: Element>(x: &[T], runs: &[axes::Run], run: Run<T>, out: &mut [T]) {
    let size = |reduced: bool| runs.iter().filter(|r| r.reduced == reduced).map(|r| r.size).product();
    let reduced: Vec<usize> = (0..runs.len()).filter(|&at| runs[at].reduced).collect();
    if let [at] = reduced[..] {
        let [outer, inner] = [&runs[..at], &runs[at + 1..]].map(|part| part.iter().map(|r| r.size).product());
        return run(x, [outer, runs[at].size, inner], out);
    }
    let mut near = Vec::with_capacity(x.len());
    if !x.is_empty() {
        let offsets = axes::offsets(runs, true);
        for start in axes::offsets(runs, false) {
            near.extend(offsets.iter().map(|offset| x[start + offset]));
        }
    }
    run(&near, [size(false), size(true), 1], out);
}

/// The shape of a reduction.
///
/// # Errors
/// `INVALID_ARGUMENT` when the axes are known and wrong.
pub fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let keep_dims = ctx.attr("keep_dims") == Some(true);
    let (Some(dims), Some(indices)) = (input.dims(), ctx.integers(1)) else {
        let known = if keep_dims { input.rank().map(PartialShape::of_rank) } else { None };
        return Ok(vec![known.unwrap_or_default()]);
    };
    let axes = Axes::new(&indices, dims.len())?;
    let one = keep_dims.then_some(Some(1));
    let dims = dims.iter().enumerate();
    let kept = dims.filter_map(|(axis, &dim)| if axes.is_reduced(axis) { one } else { Some(dim) });
    Ok(vec![PartialShape::new(kept)])
}
