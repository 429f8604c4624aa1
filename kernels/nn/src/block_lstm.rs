//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, f16};

use crate::lstm::{Attributes, Cell, Layout, Peepholes, Sizes, Step, Weights, check};

/// A long short-term memory cell over a sequence, time outermost; steps from `seq_len_max` on are zeros.
///
/// The gates of `BlockLSTM` lie in the order input, cell, forget, output, those of `BlockLSTMV2` in the order input,
/// forget, cell, output; the latter has no bias of the forget gate.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BlockLSTM>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BlockLSTMV2>
pub const OPS: &[Op] = &[
    Op {
        name: "BlockLSTM",
        attrs: &[
            "forget_bias: float = 1.0",
            "cell_clip: float = 3.0",
            "use_peephole: bool = false",
            "T: {half, float}",
        ],
        ..COMMON
    },
    Op {
        name: "BlockLSTMV2",
        attrs: &["cell_clip: float = 0.0", "use_peephole: bool = false", "T: {half, float}"],
        ..COMMON
    },
];

const COMMON: Op = Op {
    name: "",
    inputs: &[
        "seq_len_max: int64",
        "x: T",
        "cs_prev: T",
        "h_prev: T",
        "w: T",
        "wci: T",
        "wcf: T",
        "wco: T",
        "b: T",
    ],
    outputs: &["i: T", "cs: T", "f: T", "o: T", "ci: T", "co: T", "h: T"],
    attrs: &[],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f16),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let x = ctx.input(1);
    Ok(vec![PartialShape::new([x.dim(0), x.dim(1), ctx.input(2).dim(1)]); 7])
}

fn build<T: Cell>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let second = node.op() == "BlockLSTMV2";
    let attributes = Attributes {
        layout: if second { Layout::Ifco } else { Layout::Icfo },
        forget_bias: if second { 0.0 } else { node.attr("forget_bias")? },
        clip: node.attr("cell_clip")?,
        peephole: node.attr("use_peephole")?,
    };
    let constant = Weights::constant::<T>(node, 4)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (sizes, steps) = sizes(ctx)?;
        let time = ctx.input(1).shape()[0];
        let mut outputs: Vec<Tensor> =
            (0..7).map(|_| ctx.allocate(T::DTYPE, [time, sizes.batch, sizes.cell])).collect::<Result<_>>()?;
        if sizes.batch > 0 && sizes.cell > 0 {
            let packed =
                if constant.is_none() { Some(Weights::pack::<T>(ctx.input(4), sizes)?) } else { None };
            if let Some(weights) = constant.as_ref().or(packed.as_ref()) {
                run::<T>(ctx, (attributes, sizes), steps, weights, &mut outputs)?;
            }
        }
        outputs.into_iter().enumerate().for_each(|(i, output)| ctx.set(i, output));
        Ok(())
    }))
}

/// The sizes of the cell and the number of steps.
fn sizes(ctx: &Context<'_>) -> Result<(Sizes, usize)> {
    let (steps, x) = (ctx.input(0), ctx.input(1));
    if steps.rank() != 0 {
        return Err(Error::invalid_argument(format!(
            "`seq_len_max_tensor` must be rank 0 but is rank {}",
            steps.rank()
        )));
    }
    let &[time, batch, input] = x.shape().dims() else { return Err(Error::invalid_argument("x must be 3D")) };
    let sizes = check(ctx, 2, [batch, input], true)?;
    let steps = steps.to_scalar::<i64>()?;
    match usize::try_from(steps) {
        Ok(found) if found <= time => Ok((sizes, found)),
        _ => Err(Error::invalid_argument(format!("seq_len_max must be between 0 and {time} but is {steps}"))),
    }
}

/// Runs all steps, each from what the one before left in the outputs.
fn run<T: Cell>(
    ctx: &Context<'_>,
    (attributes, sizes): (Attributes, Sizes),
    steps: usize,
    weights: &Weights,
    outputs: &mut [Tensor],
) -> Result<()> {
    let peepholes = Peepholes {
        input: ctx.input(5).as_slice()?,
        forget: ctx.input(6).as_slice()?,
        output: ctx.input(7).as_slice()?,
    };
    let [i, cs, f, o, ci, co, h] = outputs else { return Err(Error::internal("a cell has seven outputs")) };
    let [i, f, o] = [i.as_mut_slice::<T>()?, f.as_mut_slice()?, o.as_mut_slice()?];
    let [cs, ci, co, h] =
        [cs.as_mut_slice::<T>()?, ci.as_mut_slice()?, co.as_mut_slice()?, h.as_mut_slice()?];
    let [x, bias] = [ctx.input(1).as_slice::<T>()?, ctx.input(8).as_slice()?];
    let (row, part) = (sizes.batch * sizes.input, sizes.batch * sizes.cell);
    let all = Sizes { batch: sizes.batch * steps, ..sizes };
    let mut gates = weights.of_inputs::<T>(&x[..steps * row], bias, all);
    for (step, gates) in gates.chunks_exact_mut(part * 4).enumerate() {
        let at = step * part..(step + 1) * part;
        let (cs_before, cs) = cs[..at.end].split_at_mut(at.start);
        let (h_before, h) = h[..at.end].split_at_mut(at.start);
        let last: (&[T], &[T]) = match step {
            0 => (ctx.input(2).as_slice()?, ctx.input(3).as_slice()?),
            _ => (&cs_before[at.start - part..], &h_before[at.start - part..]),
        };
        let mut step = Step {
            i: &mut i[at.clone()],
            f: &mut f[at.clone()],
            o: &mut o[at.clone()],
            ci: &mut ci[at.clone()],
            co: &mut co[at.clone()],
            cs,
            h,
        };
        step.run((attributes, sizes), weights, &peepholes, gates, last);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "BlockLSTM",
                    "",
                    "int64[] 1; float[2,1,1] 1 1; float[1,1] 0.5; float[1,1] -1; float[2,4] 1 0.5 -1 2 0.5 1 0 -1; \
                     float[1] 1; float[1] 1; float[1] 1; float[4] 0 0 0 0",
                    "float[2,1,1] 0.62245935 0; float[2,1,1] -0.037649125 0; float[2,1,1] 0.5 0; \
                     float[2,1,1] 0.95257413 0; float[2,1,1] -0.46211717 0; float[2,1,1] -0.037631344 0; \
                     float[2,1,1] -0.035846643 0",
                ),
                (
                    "BlockLSTMV2",
                    "",
                    "int64[] 2; half[2,1,1] 0 0; half[1,1] 1; half[1,1] 0; half[2,4] 0 0 0 0 0 0 0 0; half[1] 0; \
                     half[1] 0; half[1] 0; half[4] 0 0 0 0",
                    "half[2,1,1] 0.5 0.5; half[2,1,1] 0.5 0.25; half[2,1,1] 0.5 0.5; half[2,1,1] 0.5 0.5; \
                     half[2,1,1] 0 0; half[2,1,1] 0.4622 0.245; half[2,1,1] 0.2311 0.1225",
                ),
                (
                    "BlockLSTM",
                    "",
                    "int64[] 3; float[2,0,1]; float[0,1]; float[0,1]; float[2,4] 0 0 0 0 0 0 0 0; float[1] 0; \
                     float[1] 0; float[1] 0; float[4] 0 0 0 0",
                    "INVALID_ARGUMENT: seq_len_max must be between 0 and 2 but is 3",
                ),
                (
                    "BlockLSTM",
                    "",
                    "int64[1] 0; float[0,0,1]; float[0,1]; float[0,1]; float[2,4] 0 0 0 0 0 0 0 0; float[1] 0; \
                     float[1] 0; float[1] 0; float[4] 0 0 0 0",
                    "INVALID_ARGUMENT: `seq_len_max_tensor` must be rank 0 but is rank 1",
                ),
                (
                    "BlockLSTMV2",
                    "",
                    "int64[] 0; float[0,0,1]; float[0,1]; float[0,1]; float[2,4] 0 0 0 0 0 0 0 0; float[1] 0; \
                     float[2] 0 0; float[1] 0; float[4] 0 0 0 0",
                    "INVALID_ARGUMENT: wcf.dim_size(0) != cell_size: 2 vs. 1",
                ),
                (
                    "BlockLSTMV2",
                    "",
                    "int64[] 0; float[0,1]; float[0,1]; float[0,1]; float[2,4] 0 0 0 0 0 0 0 0; float[1] 0; \
                     float[2] 0 0; float[1] 0; float[4] 0 0 0 0",
                    "INVALID_ARGUMENT: x must be 3D",
                ),
            ],
        );
    }
}
