//! See [`OP`].

use savedmodel_math::recurrent::Layer;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result, Tensor};

use crate::recurrent::{Recurrent, order, spread, step_shape};

/// The loop of an LSTM over a sequence.
///
/// This project's optimiser makes it of loops whose only work is one cell. `sequence` (steps, rows, gates) holds what the
/// input adds to the gates, `weights` (units, gates) and `bias` give what the output of the step before adds; `order` says which
/// parts are the input, forget, candidate and output gate. The first turn takes element `time` of the sequence; the loop turns while
/// each of `counters` is below its limit, all going up by one. Outputs are set in `lists` (if there is one) at the place of
/// their step, or at `at`. `turns` tells how many there were.
pub const OP: Op = Op {
    name: "_FusedLstmLoop",
    inputs: &[
        "lists: L * variant",
        "sequence: T",
        "h: T",
        "c: T",
        "weights: T",
        "bias: B * T",
        "time: int32",
        "counters: N * int32",
        "limits: N * int32",
    ],
    outputs: &["written: L * variant", "output: T", "state: T", "turns: int32"],
    attrs: &["L: int >= 0", "B: int >= 0", "N: int >= 1", "T: {float}", "order: list(int)", "at: int = -1"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

/// Where the weights stand after the list.
const WEIGHTS: usize = 3;

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let recurrent = Recurrent::new(node, WEIGHTS)?;
    let order = order::<4>(node)?;
    let biases: usize = node.attr("B")?;
    if biases > 1 {
        return Err(node.unimplemented("B"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let base = usize::from(recurrent.has_list);
        let turns = recurrent.turns(ctx)?;
        let (mut output, mut state) = (ctx.input(base + 1).clone(), ctx.input(base + 2).clone());
        if turns.count == 0 {
            if recurrent.has_list {
                let list = ctx.take(0);
                ctx.set(0, list);
            }
        } else {
            let weights = recurrent.weights(ctx, WEIGHTS)?;
            let step = step_shape(ctx.input(base), &weights, &output, &[&state])?;
            let (rows, units) = (step[0], step[1]);
            let mut all = ctx.allocate(DType::Float, &[turns.count, rows, units][..])?;
            let mut next = ctx.allocate(DType::Float, &step)?;
            next.as_mut_slice()?.copy_from_slice(&spread(&state, [rows, units])?);
            let sequence = spread(ctx.input(base), [rows, weights.n()])?;
            let size = rows * weights.n();
            let bias = if biases == 1 { ctx.input(base + WEIGHTS + 1).as_slice()? } else { &[] };
            let layer = Layer { weights: &weights, bias, batch: rows, order };
            let part = &sequence[turns.first * size..][..turns.count * size];
            layer.lstm(part, &spread(&output, [rows, units])?, next.as_mut_slice()?, all.as_mut_slice()?);
            drop(sequence);
            (output, state) = (all.row(turns.count - 1)?, next);
            if recurrent.has_list {
                let list = recurrent.write(ctx, &turns, &all)?;
                ctx.set(0, list);
            }
        }
        ctx.set(base, output);
        ctx.set(base + 1, state);
        ctx.set(base + 2, Tensor::scalar(turns.count as i32));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        const BARE: &str = "L=0 B=0 N=1 order=[0,1,2,3]";
        const LISTED: &str = "L=1 B=0 N=1 order=[0,1,2,3]";
        const FIRST: &str = "L=1 B=0 N=1 order=[0,1,2,3] at=0";
        let op = "_FusedLstmLoop";
        // An input gate that is shut and an open forget gate keep the state.
        crate::cases::check(&[
            (
                op,
                BARE,
                "float[2,1,4] -99 99 0 99 -99 99 0 99; float[1,1] 5; float[1,1] 0; float[1,4] 0 0 0 0; int32[] 0; \
                 int32[] 0; int32[] 2",
                "float[1,1] 0; float[1,1] 0; int32[] 2",
            ),
            (
                op,
                "L=0 B=1 N=2 order=[0,1,2,3]",
                "float[1,1,4] 0 0 0 0; float[1,1] 5; float[1,1] 0; float[1,4] 0 0 0 0; float[4] -99 99 0 99; int32[] 0; \
                 int32[] 3; int32[] -1; int32[] 9; int32[] 0",
                "float[1,1] 0; float[1,1] 0; int32[] 1",
            ),
            (
                op,
                LISTED,
                "list float [1,1] | - | -; float[1,1,4] 0 0 0 0; float[1,1] 5; float[1,1] 7; float[1,4] 0 0 0 0; int32[] 0; \
                 int32[] 0; int32[] 0",
                "list float [1,1] | - | -; float[1,1] 5; float[1,1] 7; int32[] 0",
            ),
            (
                op,
                FIRST,
                "list float [?,1] | -; float[2,2,4] -99 99 0 99 -99 99 0 99 -99 99 0 99 -99 99 0 99; float[1,1] 5; \
                 float[1,1] 0; float[1,4] 0 0 0 0; int32[] 0; int32[] 0; int32[] 2",
                "list float [?,1] | float[2,1] 0 0; float[2,1] 0 0; float[2,1] 0 0; int32[] 2",
            ),
        ]);
    }

    #[test]
    fn refusals() {
        const BARE: &str = "L=0 B=0 N=1 order=[0,1,2,3]";
        const LISTED: &str = "L=1 B=0 N=1 order=[0,1,2,3]";
        let op = "_FusedLstmLoop";
        crate::cases::check(&[
            (
                op,
                LISTED,
                "list float [1,1] | - | -; float[1,1,4] 0 0 0 0; float[1,1] 5; float[1,1] 7; float[1,4] 0 0 0 0; int32[] 0; \
                 int32[] 0; int32[] 2",
                "INVALID_ARGUMENT: Trying to access element 1 in a list with 1 elements.",
            ),
            (
                op,
                LISTED,
                "list float [1,1]; float[1,1,4] 0 0 0 0; float[1,1] 5; float[1,1] 7; float[1,4] 0 0 0 0; int32[] 0; \
                 int32[] 0; int32[] 2",
                "INVALID_ARGUMENT: Trying to modify element 0 in a list with 0 elements.",
            ),
            (
                op,
                LISTED,
                "list float [1,1] | -; float[1,1,4] 0 0 0 0; float[1,1] 5; float[1,1] 7; float[1,4] 0 0 0 0; int32[] -1; \
                 int32[] 0; int32[] 2",
                "INVALID_ARGUMENT: Trying to access element -1 in a list with 1 elements.",
            ),
            (
                op,
                LISTED,
                "list float [2] | - | -; float[1,1,4] 0 0 0 0; float[1,1] 5; float[1,1] 7; float[1,4] 0 0 0 0; int32[] 0; \
                 int32[] 0; int32[] 1",
                "INVALID_ARGUMENT: Tried to set a tensor with incompatible shape at a list index. Item element shape: [1,1] \
                 list shape: [2]",
            ),
            (
                op,
                BARE,
                "float[1,1,4] 0 0 0 0; float[1,2] 5 5; float[1,1] 0; float[1,4] 0 0 0 0; int32[] 0; int32[] 0; int32[] 1",
                "INVALID_ARGUMENT: Matrix size-incompatible: In[0]: [1,2], In[1]: [1,4]",
            ),
            (
                op,
                "L=0 B=0 N=1 order=[0,1,2,4]",
                "float[1,1,4] 0 0 0 0; float[1,1] 5; float[1,1] 0; float[1,4] 0 0 0 0; int32[] 0; int32[] 0; int32[] 1",
                "UNIMPLEMENTED: operator _FusedLstmLoop has no kernel for attr order",
            ),
        ]);
    }
}
