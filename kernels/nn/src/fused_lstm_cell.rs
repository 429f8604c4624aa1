//! See [`OP`].

use savedmodel_math::recurrent::{LSTM_NS, Lstm};
use savedmodel_math::{par, simd};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result, Tensor};
use smallvec::SmallVec;

use crate::cell::{Gates, beside};

/// One step of an LSTM from the sums that its gates are made of.
///
/// This project's optimiser makes it. The sum of `addends` is cut into four parts along `axis`; `order` says which of them
/// are the input, forget, candidate and output gate.
pub const OP: Op = Op {
    name: "_FusedLstmCell",
    inputs: &["state: T", "addends: N * T"],
    outputs: &["next: T", "output: T"],
    attrs: &["N: int >= 1", "T: {float}", "axis: int", "order: list(int)"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis: i64 = node.attr("axis")?;
    let order: Vec<usize> = node.attr("order")?;
    let order: [usize; 4] = order.try_into().map_err(|_| node.unimplemented("order"))?;
    if order.iter().any(|&gate| gate >= 4) {
        return Err(node.unimplemented("order"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [next, out] = step(ctx, axis, order)?;
        ctx.set(0, next);
        ctx.set(1, out);
        Ok(())
    }))
}

/// The state after the step, and its output.
fn step(ctx: &Context<'_>, axis: i64, order: [usize; 4]) -> Result<[Tensor; 2]> {
    let gates = Gates::new(ctx, 1..ctx.input_len(), axis, 4)?;
    let state = beside(ctx.input(0), &gates.shape)?;
    let mut next = ctx.allocate(DType::Float, &gates.shape)?;
    let mut out = ctx.allocate(DType::Float, &gates.shape)?;
    let unit = gates.unit;
    let grain = par::grain(LSTM_NS).next_multiple_of(unit.max(1));
    par::for_chunks_mut2(next.as_mut_slice()?, out.as_mut_slice()?, grain, |start, next, out| {
        let mut sums: SmallVec<[f32; 1024]> = SmallVec::from_elem(0.0, 4 * unit);
        for (i, (next, out)) in next.chunks_exact_mut(unit).zip(out.chunks_exact_mut(unit)).enumerate() {
            let row = start / unit + i;
            gates.row(row, &mut sums);
            let gates = order.map(|gate| &sums[gate * unit..][..unit]);
            simd::dispatch(Lstm { gates, state: &state[row * unit..][..unit], next, out });
        }
    });
    Ok([next, out])
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{Result, Tensor};

    fn run(axis: i64, order: Vec<i64>, shapes: [&[usize]; 3]) -> Result<[Vec<f32>; 2]> {
        let tensor = |dims: &[usize], seed: usize| {
            let n: usize = dims.iter().product();
            Tensor::from_vec(dims, (0..n).map(|i| ((i + seed) * 7 % 11) as f32 / 4.0 - 1.0).collect())
                .unwrap()
        };
        let test = OpTest::new(&super::OP).attr("N", 2_i64).attr("axis", axis).attr("order", order);
        let test = shapes.iter().enumerate().fold(test, |test, (i, dims)| test.input(tensor(dims, i)));
        let outputs = test.run()?;
        Ok([0, 1].map(|i| outputs[i].as_slice::<f32>().unwrap().to_vec()))
    }

    #[test]
    fn as_its_formula() {
        let number = |i: usize, seed: usize| ((i + seed) * 7 % 11) as f64 / 4.0 - 1.0;
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        for (axis, shapes, inner) in [
            (1, [&[3, 5][..], &[3, 20], &[20]], 1),
            (-1, [&[3, 5], &[1, 20], &[3, 20]], 1),
            (1, [&[3, 5, 2], &[3, 20, 2], &[1, 20, 1]], 2),
        ] {
            let [next, out] = run(axis, vec![2, 0, 3, 1], shapes).unwrap();
            for at in 0..15 * inner {
                let (row, j) = (at / (5 * inner), at % (5 * inner));
                let sum = |gate: usize| {
                    let place = gate * 5 * inner + j;
                    let part = |dims: &[usize], seed| {
                        let place = if dims.last() == Some(&1) { place / inner } else { place };
                        let start = if dims.len() > 1 && dims[0] == 3 { row * 20 * inner } else { 0 };
                        number(start + place, seed)
                    };
                    part(shapes[1], 1) + part(shapes[2], 2)
                };
                let want = sigmoid(sum(0)) * number(at, 0) + sigmoid(sum(2)) * sum(3).tanh();
                assert!((f64::from(next[at]) - want).abs() < 1e-6, "{axis} {at}");
                assert!((f64::from(out[at]) - sigmoid(sum(1)) * want.tanh()).abs() < 1e-6, "{axis} {at}");
            }
        }
    }

    #[test]
    fn refusals() {
        let order = vec![0, 1, 2, 3];
        assert!(run(1, vec![0, 1, 2, 4], [&[1, 1], &[1, 4], &[4]]).is_err());
        assert!(run(1, order.clone(), [&[1, 1], &[1, 5], &[5]]).is_err());
        assert!(run(2, order.clone(), [&[1, 1], &[1, 4], &[4]]).is_err());
        assert!(run(1, order, [&[2, 1], &[1, 4], &[4]]).is_err());
    }
}
