//! See [`OP`].

use savedmodel_math::recurrent::Layer;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result, Tensor};

use crate::recurrent::{Recurrent, order, spread, step_shape};

/// The loop of a GRU over a sequence.
///
/// This project's optimiser makes it of loops whose only work is one cell. `sequence` (steps, rows, gates) and `x_bias` hold what
/// the input adds to the gates, `weights` (units, gates) and `h_bias` give what the output of the step before adds; `order` says which
/// parts are the update gate, the reset gate and the candidate. Else as `_FusedLstmLoop`.
pub const OP: Op = Op {
    name: "_FusedGruLoop",
    inputs: &[
        "lists: L * variant",
        "sequence: T",
        "h: T",
        "weights: T",
        "x_bias: X * T",
        "h_bias: H * T",
        "time: int32",
        "counters: N * int32",
        "limits: N * int32",
    ],
    outputs: &["written: L * variant", "output: T", "turns: int32"],
    attrs: &[
        "L: int >= 0",
        "X: int >= 0",
        "H: int >= 0",
        "N: int >= 1",
        "T: {float}",
        "order: list(int)",
        "at: int = -1",
    ],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

/// Where the weights stand after the list.
const WEIGHTS: usize = 2;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let recurrent = Recurrent::new(node, WEIGHTS)?;
    let order = order::<3>(node)?;
    let (x_biases, h_biases): (usize, usize) = (node.attr("X")?, node.attr("H")?);
    if x_biases > 1 || h_biases > 1 {
        return Err(node.unimplemented(if x_biases > 1 { "X" } else { "H" }));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let base = usize::from(recurrent.has_list);
        let turns = recurrent.turns(ctx)?;
        let mut output = ctx.input(base + 1).clone();
        if turns.count == 0 {
            if recurrent.has_list {
                let list = ctx.take(0);
                ctx.set(0, list);
            }
        } else {
            let weights = recurrent.weights(ctx, WEIGHTS)?;
            let step = step_shape(ctx.input(base), &weights, &output, &[])?;
            let (rows, units) = (step[0], step[1]);
            let mut all = ctx.allocate(DType::Float, &[turns.count, rows, units][..])?;
            let sequence = spread(ctx.input(base), [rows, weights.n()])?;
            let size = rows * weights.n();
            let bias = |count: usize, i: usize| match count {
                0 => Ok(&[][..]),
                _ => ctx.input(i).as_slice::<f32>(),
            };
            let x_bias = bias(x_biases, base + WEIGHTS + 1)?;
            let bias = bias(h_biases, base + WEIGHTS + 1 + x_biases)?;
            let layer = Layer { weights: &weights, bias, batch: rows, order };
            let part = &sequence[turns.first * size..][..turns.count * size];
            layer.gru(part, x_bias, &spread(&output, [rows, units])?, all.as_mut_slice()?);
            drop(sequence);
            output = all.row(turns.count - 1)?;
            if recurrent.has_list {
                let list = recurrent.write(ctx, &turns, &all)?;
                ctx.set(0, list);
            }
        }
        ctx.set(base, output);
        ctx.set(base + 1, Tensor::scalar(turns.count as i32));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        const BARE: &str = "L=0 X=0 H=0 N=1 order=[0,1,2]";
        const BIASED: &str = "L=1 X=1 H=1 N=1 order=[0,1,2]";
        let op = "_FusedGruLoop";
        crate::cases::check(&[
            // An update gate that is shut takes the candidate, tanh(0).
            (
                op,
                BARE,
                "float[2,1,3] -99 0 0 -99 0 0; float[1,1] 5; float[1,3] 0 0 0; int32[] 0; int32[] 0; int32[] 2",
                "float[1,1] 0; int32[] 2",
            ),
            // One that is open keeps the state.
            (
                op,
                BIASED,
                "list float [1,1] | - | -; float[2,1,3] 0 0 0 0 0 0; float[1,1] 5; float[1,3] 0 0 0; float[3] 99 0 0; \
                 float[3] 1 0 0; int32[] 0; int32[] 4; int32[] 6",
                "list float [1,1] | 5 | 5; float[1,1] 5; int32[] 2",
            ),
            (
                op,
                BIASED,
                "list float [1,1] | -; float[2,1,3] 0 0 0 0 0 0; float[1,1] 5; float[1,3] 0 0 0; float[3] 99 0 0; \
                 float[3] 1 0 0; int32[] 1; int32[] 9; int32[] 6",
                "list float [1,1] | -; float[1,1] 5; int32[] 0",
            ),
            (
                op,
                BARE,
                "float[2,3,3] 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0; float[2,1] 5 5; float[1,3] 0 0 0; int32[] 0; int32[] 0; \
                 int32[] 2",
                "INVALID_ARGUMENT: Incompatible shapes: [3,3] vs. [2,3]",
            ),
        ]);
    }
}
