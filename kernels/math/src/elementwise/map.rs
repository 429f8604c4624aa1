//! The driver of operators of one tensor.

use savedmodel_math::par;
use savedmodel_op::{Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Element, Result};

use super::{BLOCK, Map, tasks};

/// An operator of one tensor `x` and its result `y` of the same dtype and shape.
pub const fn op(name: &'static str, attrs: &'static [&'static str], kernels: Kernels) -> Op {
    let (inputs, outputs): (&[&str], &[&str]) = (&["x: T"], &["y: T"]);
    Op { name, inputs, outputs, attrs, effect: Effect::Pure, shape: shape::unchanged, kernels }
}

/// The kernel of a loop of `ns` nanoseconds per element whose result may lie where its input was.
///
/// # Errors
/// None.
pub fn kernel<T: Element>(ns: f64, run: Map<T, T>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = ctx.input(0).shape().clone();
        let out = match ctx.forward(0, T::DTYPE, &shape) {
            Some(mut out) => {
                over(out.as_mut_slice::<T>()?, ns, run);
                out
            }
            None => {
                let mut out = ctx.allocate(T::DTYPE, shape)?;
                into(ctx.input(0).as_slice::<T>()?, out.as_mut_slice::<T>()?, ns, run);
                out
            }
        };
        ctx.set(0, out);
        Ok(())
    }))
}

/// The kernel of a loop of `ns` nanoseconds per element whose result is of another dtype.
///
/// # Errors
/// None.
pub fn convert<T: Element, U: Element>(ns: f64, run: Map<T, U>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        let mut out = ctx.allocate(U::DTYPE, x.shape())?;
        into(x.as_slice::<T>()?, out.as_mut_slice::<U>()?, ns, run);
        ctx.set(0, out);
        Ok(())
    }))
}

fn into<T: Sync, U: Send>(x: &[T], out: &mut [U], ns: f64, run: Map<T, U>) {
    tasks::for_chunks(out, par::grain(ns), &|start, out| run(&x[start..start + out.len()], out));
}

fn over<T: Copy + Default + Send>(out: &mut [T], ns: f64, run: Map<T, T>) {
    tasks::for_chunks(out, par::grain(ns), &|_, out| {
        let mut copy = [T::default(); BLOCK];
        for out in out.chunks_mut(BLOCK) {
            let copy = &mut copy[..out.len()];
            copy.copy_from_slice(out);
            run(copy, out);
        }
    });
}
