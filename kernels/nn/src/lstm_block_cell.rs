//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, f16};

use crate::lstm::{Attributes, Cell, Layout, Peepholes, Step, Weights, check};

/// One step of a long short-term memory cell, with all that its gradient needs.
///
/// Gates lie in the order input, cell, forget, output; `cell_clip` holds when it is above zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LSTMBlockCell>
pub const OP: Op = Op {
    name: "LSTMBlockCell",
    inputs: &["x: T", "cs_prev: T", "h_prev: T", "w: T", "wci: T", "wcf: T", "wco: T", "b: T"],
    outputs: &["i: T", "cs: T", "f: T", "o: T", "ci: T", "co: T", "h: T"],
    attrs: &[
        "forget_bias: float = 1.0",
        "cell_clip: float = 3.0",
        "use_peephole: bool = false",
        "T: {half, float}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f16),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([ctx.input(0).dim(0), ctx.input(1).dim(1)]); 7])
}

fn build<T: Cell>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes {
        layout: Layout::Icfo,
        forget_bias: node.attr("forget_bias")?,
        clip: node.attr("cell_clip")?,
        peephole: node.attr("use_peephole")?,
    };
    let constant = Weights::constant::<T>(node, 3)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let x = ctx.input(0);
        if x.rank() != 2 {
            return Err(Error::invalid_argument(format!(
                "x_tensor must be rank 2 but is rank {}.",
                x.rank()
            )));
        }
        let sizes = check(ctx, 1, [x.shape()[0], x.shape()[1]], attributes.peephole)?;
        if sizes.batch == 0 || sizes.cell == 0 {
            return Err(Error::invalid_argument(format!(
                "cs_prev_tensor is empty, has shape: ({},{}).",
                sizes.batch, sizes.cell
            )));
        }
        let mut outputs: Vec<Tensor> =
            (0..7).map(|_| ctx.allocate(T::DTYPE, [sizes.batch, sizes.cell])).collect::<Result<_>>()?;
        let packed = if constant.is_none() { Some(Weights::pack::<T>(ctx.input(3), sizes)?) } else { None };
        let Some(weights) = constant.as_ref().or(packed.as_ref()) else {
            unreachable!("packed unless constant")
        };
        let peepholes = Peepholes {
            input: ctx.input(4).as_slice::<T>()?,
            forget: ctx.input(5).as_slice()?,
            output: ctx.input(6).as_slice()?,
        };
        let [i, cs, f, o, ci, co, h] = &mut outputs[..] else { unreachable!("seven outputs") };
        let mut step = Step {
            i: i.as_mut_slice()?,
            cs: cs.as_mut_slice()?,
            f: f.as_mut_slice()?,
            o: o.as_mut_slice()?,
            ci: ci.as_mut_slice()?,
            co: co.as_mut_slice()?,
            h: h.as_mut_slice()?,
        };
        let mut gates = weights.of_inputs::<T>(x.as_slice()?, ctx.input(7).as_slice()?, sizes);
        let last = (ctx.input(1).as_slice()?, ctx.input(2).as_slice()?);
        step.run((attributes, sizes), weights, &peepholes, &mut gates, last);
        outputs.into_iter().enumerate().for_each(|(i, output)| ctx.set(i, output));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "LSTMBlockCell";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "float[1,1] 1; float[1,1] 0.5; float[1,1] -1; float[2,4] 1 0.5 -1 2 0.5 1 0 -1; float[1] 1; \
                     float[1] 1; float[1] 1; float[4] 0 0 0 0",
                    "float[1,1] 0.62245935; float[1,1] -0.037649125; float[1,1] 0.5; float[1,1] 0.95257413; \
                     float[1,1] -0.46211717; float[1,1] -0.037631344; float[1,1] -0.035846643",
                ),
                (
                    op,
                    "use_peephole=true forget_bias=0 cell_clip=0.25",
                    "float[1,1] 1; float[1,1] 0.5; float[1,1] -1; float[2,4] 1 0.5 -1 2 0.5 1 0 -1; float[1] 1; \
                     float[1] 2; float[1] 3; float[4] 0 2 0 0",
                    "float[1,1] 0.7310586; float[1,1] 0.25; float[1,1] 0.5; float[1,1] 0.97702265; \
                     float[1,1] 0.9051483; float[1,1] 0.24491866; float[1,1] 0.23929108",
                ),
                (
                    op,
                    "",
                    "half[1,1] 0; half[1,1] 1; half[1,1] 0; half[2,4] 0 0 0 0 0 0 0 0; half[0]; half[0]; half[0]; \
                     half[4] 0 0 -1 0",
                    "half[1,1] 0.5; half[1,1] 0.5; half[1,1] 0.5; half[1,1] 0.5; half[1,1] 0; half[1,1] 0.4622; \
                     half[1,1] 0.2311",
                ),
                (
                    op,
                    "",
                    "float[1] 0; float[1,1] 1; float[1,1] 0; float[2,4] 0 0 0 0 0 0 0 0; float[1] 0; float[1] 0; \
                     float[1] 0; float[4] 0 0 0 0",
                    "INVALID_ARGUMENT: x_tensor must be rank 2 but is rank 1.",
                ),
                (
                    op,
                    "",
                    "float[1,1] 0; float[1,1] 1; float[1,1] 0; float[3,4] 0 0 0 0 0 0 0 0 0 0 0 0; float[1] 0; \
                     float[1] 0; float[1] 0; float[4] 0 0 0 0",
                    "INVALID_ARGUMENT: w.dim_size(0) != input_size + cell_size: 3 vs. 2",
                ),
                (
                    op,
                    "",
                    "float[0,1]; float[0,1]; float[0,1]; float[2,4] 0 0 0 0 0 0 0 0; float[1] 0; float[1] 0; \
                     float[1] 0; float[4] 0 0 0 0",
                    "INVALID_ARGUMENT: cs_prev_tensor is empty, has shape: (0,1).",
                ),
            ],
        );
    }
}
