//! See [`OP`].

use std::ops::Range;

use savedmodel_math::recurrent::{GRU_NS, Gru};
use savedmodel_math::{par, simd};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};
use smallvec::SmallVec;

use crate::cell::{Gates, beside};

/// One step of a GRU from the sums that its gates are made of.
///
/// This project's optimiser makes it. The sum of `x` (of the input) and that of `h` (of the state) are each cut into three
/// parts along an axis; `order` says which are the update gate, the reset gate and the candidate.
pub const OP: Op = Op {
    name: "_FusedGruCell",
    inputs: &["state: T", "x: X * T", "h: H * T"],
    outputs: &["output: T"],
    attrs: &["X: int >= 1", "H: int >= 1", "T: {float}", "x_axis: int", "h_axis: int", "order: list(int)"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (x_axis, h_axis): (i64, i64) = (node.attr("x_axis")?, node.attr("h_axis")?);
    let split: usize = node.attr("X")?;
    let order: Vec<usize> = node.attr("order")?;
    let order: [usize; 3] = order.try_into().map_err(|_| node.unimplemented("order"))?;
    if order.iter().any(|&gate| gate >= 3) {
        return Err(node.unimplemented("order"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let out = step(ctx, [(1..1 + split, x_axis), (1 + split..ctx.input_len(), h_axis)], order)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// The state after the step.
fn step(ctx: &Context<'_>, [x, h]: [(Range<usize>, i64); 2], order: [usize; 3]) -> Result<Tensor> {
    let (x, h) = (Gates::new(ctx, x.0, x.1, 3)?, Gates::new(ctx, h.0, h.1, 3)?);
    if x.shape != h.shape || x.unit != h.unit {
        return Err(Error::unimplemented(format!("gates of shapes {} and {}", x.shape, h.shape)));
    }
    let state = beside(ctx.input(0), &x.shape)?;
    let mut out = ctx.allocate(DType::Float, &x.shape)?;
    let unit = x.unit;
    let grain = (par::grain(GRU_NS) / unit.max(1)).max(1);
    par::for_rows_mut(out.as_mut_slice()?, unit, grain, |first, out| {
        let mut sums: SmallVec<[f32; 1024]> = SmallVec::from_elem(0.0, 6 * unit);
        let (of_x, of_h) = sums.split_at_mut(3 * unit);
        for (row, out) in (first..).zip(out.chunks_exact_mut(unit)) {
            x.row(row, of_x);
            h.row(row, of_h);
            let x = order.map(|gate| &of_x[gate * unit..][..unit]);
            let h = order.map(|gate| &of_h[gate * unit..][..unit]);
            simd::dispatch(Gru { x, h, state: &state[row * unit..][..unit], out });
        }
    });
    Ok(out)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Tensor;

    #[test]
    fn as_its_formula() {
        let number = |i: usize, seed: usize| ((i + seed) * 7 % 11) as f32 / 4.0 - 1.0;
        let tensor = |dims: &[usize], seed: usize| {
            Tensor::from_vec(dims, (0..dims.iter().product()).map(|i| number(i, seed)).collect()).unwrap()
        };
        let test = OpTest::new(&super::OP).attr("X", 1_i64).attr("H", 2_i64).attr("x_axis", 1_i64);
        let test = test.attr("h_axis", -1_i64).attr("order", vec![1_i64, 0, 2]);
        let shapes: [&[usize]; 4] = [&[2, 3], &[2, 9], &[2, 9], &[9]];
        let test = shapes.iter().enumerate().fold(test, |test, (i, dims)| test.input(tensor(dims, i)));
        let out = test.run().unwrap();
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        for (at, got) in out[0].as_slice::<f32>().unwrap().iter().enumerate() {
            let (row, j) = (at / 3, at % 3);
            let x = |gate: usize| number(row * 9 + gate * 3 + j, 1);
            let h = |gate: usize| number(row * 9 + gate * 3 + j, 2) + number(gate * 3 + j, 3);
            let z = sigmoid(x(1) + h(1));
            let candidate = (x(2) + sigmoid(x(0) + h(0)) * h(2)).tanh();
            assert!((got - (z * number(at, 0) + (1.0 - z) * candidate)).abs() < 1e-6, "{at}");
        }
    }
}
