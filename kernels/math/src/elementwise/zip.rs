//! The driver of operators of two tensors that broadcast.

use savedmodel_math::par;
use savedmodel_op::{Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Element, Result, Shape, Tensor};

use super::broadcast::Broadcast;
use super::{BLOCK, Zip, tasks};

/// An operator of two tensors `x` and `y` that broadcast to its result `z` of the same dtype.
pub const fn op(name: &'static str, attrs: &'static [&'static str], kernels: Kernels) -> Op {
    let (inputs, outputs): (&[&str], &[&str]) = (&["x: T", "y: T"], &["z: T"]);
    Op { name, inputs, outputs, attrs, effect: Effect::Pure, shape: shape::broadcast, kernels }
}

/// The kernel of a loop of `ns` nanoseconds per element whose result may lie where an input was.
///
/// # Errors
/// None.
pub fn kernel<T: Element>(ns: f64, run: Zip<T, T>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| compute(ctx, ns, run)))
}

/// The same, for a loop that is not run unless `check` accepts the second operand.
///
/// # Errors
/// None.
pub fn checked<T: Element>(
    ns: f64,
    check: fn(&[T]) -> Result<()>,
    run: Zip<T, T>,
) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        shape::broadcast_known(ctx.input(0).shape(), ctx.input(1).shape())?;
        if ctx.input(0).elements() > 0 {
            check(ctx.input(1).as_slice()?)?;
        }
        compute(ctx, ns, run)
    }))
}

/// The kernel of a loop of `ns` nanoseconds per element whose result is of another dtype.
///
/// # Errors
/// None.
pub fn convert<T: Element, U: Element>(ns: f64, run: Zip<T, U>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| compute_to(ctx, ns, run)))
}

/// Runs a loop over inputs 0 and 1, with the result in place of one of them if that can be.
///
/// # Errors
/// `INVALID_ARGUMENT` when the shapes do not broadcast.
pub fn compute<T: Element>(ctx: &mut Context<'_>, ns: f64, run: Zip<T, T>) -> Result<()> {
    if let Some(result) = single(ctx, run)? {
        ctx.set(0, result);
        return Ok(());
    }
    let shapes = [ctx.input(0).shape().clone(), ctx.input(1).shape().clone()];
    let out = shape::broadcast_known(&shapes[0], &shapes[1])?;
    let tensor = if let Some(mut tensor) = ctx.forward(0, T::DTYPE, &out) {
        let work = Work { shapes: &shapes, out: &out, ns, run };
        work.over(0, tensor.as_mut_slice()?, ctx.input(1))?;
        tensor
    } else if let Some(mut tensor) = ctx.forward(1, T::DTYPE, &out) {
        let work = Work { shapes: &shapes, out: &out, ns, run };
        work.over(1, tensor.as_mut_slice()?, ctx.input(0))?;
        tensor
    } else {
        let mut tensor = ctx.allocate(T::DTYPE, &out)?;
        Work { shapes: &shapes, out: &out, ns, run }.fresh(
            ctx.input(0),
            ctx.input(1),
            tensor.as_mut_slice()?,
        )?;
        tensor
    };
    ctx.set(0, tensor);
    Ok(())
}

/// Runs a loop over inputs 0 and 1 whose result is of another dtype.
///
/// # Errors
/// As [`compute`].
pub fn compute_to<T: Element, U: Element>(ctx: &mut Context<'_>, ns: f64, run: Zip<T, U>) -> Result<()> {
    if let Some(result) = single(ctx, run)? {
        ctx.set(0, result);
        return Ok(());
    }
    let shapes = [ctx.input(0).shape().clone(), ctx.input(1).shape().clone()];
    let out = shape::broadcast_known(&shapes[0], &shapes[1])?;
    let mut tensor = ctx.allocate(U::DTYPE, &out)?;
    Work { shapes: &shapes, out: &out, ns, run }.fresh(ctx.input(0), ctx.input(1), tensor.as_mut_slice()?)?;
    ctx.set(0, tensor);
    Ok(())
}

/// The result for two tensors of one element each, such as counters of loops: without a look at shapes or tasks.
fn single<T: Element, U: Element>(ctx: &Context<'_>, run: Zip<T, U>) -> Result<Option<Tensor>> {
    let (a, b) = (ctx.input(0), ctx.input(1));
    if a.elements() != 1 || b.elements() != 1 {
        return Ok(None);
    }
    let (x, y) = (a.as_slice::<T>()?, b.as_slice::<T>()?);
    if a.rank() + b.rank() == 0 {
        let mut result = [U::default()];
        run(x, y, &mut result);
        return Ok(Some(Tensor::scalar(result[0])));
    }
    let shape = if a.rank() >= b.rank() { a.shape() } else { b.shape() };
    let mut result = Tensor::scratch(U::DTYPE, shape)?;
    run(x, y, result.as_mut_slice()?);
    Ok(Some(result))
}

struct Work<'a, T, U> {
    shapes: &'a [Shape; 2],
    out: &'a Shape,
    ns: f64,
    run: Zip<T, U>,
}

impl<T: Element, U: Element> Work<'_, T, U> {
    fn fresh(&self, a: &Tensor, b: &Tensor, out: &mut [U]) -> Result<()> {
        let (a, b) = (a.as_slice::<T>()?, b.as_slice::<T>()?);
        if self.shapes[0] == self.shapes[1] {
            tasks::for_chunks(out, par::grain(self.ns), &|start, out| {
                let range = start..start + out.len();
                (self.run)(&a[range.clone()], &b[range], out);
            });
            return Ok(());
        }
        let geometry = Broadcast::new(&self.shapes[0], &self.shapes[1], self.out);
        let grain = par::grain(self.ns).next_multiple_of(geometry.unit());
        tasks::for_chunks(out, grain, &|start, out| {
            let (mut a, mut b) = (geometry.operand(0, a), geometry.operand(1, b));
            let mut left = start..start + out.len();
            while !left.is_empty() {
                let block = geometry.block(&left);
                left.start = block.end;
                let out = &mut out[block.start - start..block.end - start];
                (self.run)(a.load(block.clone()), b.load(block), out);
            }
        });
        Ok(())
    }
}

impl<T: Element> Work<'_, T, T> {
    /// Runs with operand `side` in `out`, where the result goes.
    fn over(&self, side: usize, out: &mut [T], other: &Tensor) -> Result<()> {
        let other = other.as_slice::<T>()?;
        let geometry = Broadcast::new(&self.shapes[0], &self.shapes[1], self.out);
        let grain = par::grain(self.ns).next_multiple_of(geometry.unit());
        tasks::for_chunks(out, grain, &|start, out| {
            let mut other = geometry.operand(1 - side, other);
            let mut copy = [T::default(); BLOCK];
            let mut left = start..start + out.len();
            while !left.is_empty() {
                let block = geometry.block(&left);
                left.start = block.end;
                let out = &mut out[block.start - start..block.end - start];
                let copy = &mut copy[..out.len()];
                copy.copy_from_slice(out);
                match side {
                    0 => (self.run)(copy, other.load(block), out),
                    _ => (self.run)(other.load(block), copy, out),
                }
            }
        });
        Ok(())
    }
}
