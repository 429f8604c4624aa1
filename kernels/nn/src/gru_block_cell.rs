//! See [`OP`].

use savedmodel_math::gemm::{Epilogue, Gemm, View};
use savedmodel_math::unary;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

/// One step of a gated recurrent unit, with all that its gradient needs.
///
/// The reset gate is applied to the last output before the product; single precision only.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GRUBlockCell>
pub const OP: Op = Op {
    name: "GRUBlockCell",
    inputs: &["x: T", "h_prev: T", "w_ru: T", "w_c: T", "b_ru: T", "b_c: T"],
    outputs: &["r: T", "u: T", "c: T", "h: T"],
    attrs: &["T: {float}"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([ctx.input(0).dim(0), ctx.input(1).dim(1)]); 4])
}

/// `[batch, input, cell]` of well-formed inputs.
fn sizes(ctx: &Context<'_>) -> Result<[usize; 3]> {
    const NAMES: [(&str, usize); 6] =
        [("x", 2), ("h_prev", 2), ("w_ru", 2), ("w_c", 2), ("b_ru", 1), ("b_c", 1)];
    for (i, (name, rank)) in NAMES.into_iter().enumerate() {
        let found = ctx.input(i).rank();
        if found != rank {
            return Err(Error::invalid_argument(format!("Rank of {name} must be {rank}, got {found}")));
        }
    }
    let (x, h) = (ctx.input(0).shape(), ctx.input(1).shape());
    let ([batch, input], cell) = ([x[0], x[1]], h[1]);
    let overflow = || Error::invalid_argument("sizes of the cell overflow");
    let rows = input.checked_add(cell).ok_or_else(overflow)?;
    let twice = cell.checked_mul(2).ok_or_else(overflow)?;
    let wanted = [
        (1, 0, batch, "batch_size"),
        (2, 0, rows, "input_size + cell_size"),
        (2, 1, twice, "cell_size * 2"),
        (3, 0, rows, "input_size + cell_size"),
        (3, 1, cell, "cell_size"),
        (4, 0, twice, "cell_size * 2"),
        (5, 0, cell, "cell_size"),
    ];
    for (i, axis, want, what) in wanted {
        let found = ctx.input(i).shape()[axis];
        if found != want {
            let (name, member) = (NAMES[i].0, if i == 1 { "dims" } else { "dim_size" });
            return Err(Error::invalid_argument(format!(
                "{name}.{member}({axis}) != {what}: {found} vs. {want}"
            )));
        }
    }
    Ok([batch, input, cell])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [batch, input, cell] = sizes(ctx)?;
        let mut outputs = Vec::with_capacity(4);
        for _ in 0..4 {
            outputs.push(ctx.allocate(DType::Float, [batch, cell])?);
        }
        let [r, u, c, h] = &mut outputs[..] else { return Err(Error::internal("a cell has four outputs")) };
        let [r, u, c, h] =
            [r.as_mut_slice::<f32>()?, u.as_mut_slice()?, c.as_mut_slice()?, h.as_mut_slice()?];
        let [x, last] = [ctx.input(0).as_slice::<f32>()?, ctx.input(1).as_slice()?];
        let [w_ru, w_c] = [ctx.input(2).as_slice::<f32>()?, ctx.input(3).as_slice()?];
        if batch > 0 && cell > 0 {
            let mut gates = vec![0.0; batch * cell * 2];
            product([batch, input, cell], (x, last), (w_ru, ctx.input(4).as_slice()?), &mut gates);
            unary::in_place::sigmoid(&mut gates);
            for (row, gates) in gates.chunks_exact(cell * 2).enumerate() {
                r[row * cell..(row + 1) * cell].copy_from_slice(&gates[..cell]);
                u[row * cell..(row + 1) * cell].copy_from_slice(&gates[cell..]);
            }
            let reset: Vec<f32> = last.iter().zip(&*r).map(|(h, r)| h * r).collect();
            product([batch, input, cell], (x, &reset), (w_c, ctx.input(5).as_slice()?), c);
            unary::in_place::tanh(c);
            for (((h, &u), &last), &c) in h.iter_mut().zip(&*u).zip(last).zip(&*c) {
                *h = u * (last - c) + c;
            }
        }
        outputs.into_iter().enumerate().for_each(|(i, output)| ctx.set(i, output));
        Ok(())
    }))
}

/// `[x, h] weights + bias`.
fn product(
    [batch, input, cell]: [usize; 3],
    (x, h): (&[f32], &[f32]),
    (weights, bias): (&[f32], &[f32]),
    out: &mut [f32],
) {
    let columns = bias.len();
    let (of_input, of_state) = weights.split_at(input * columns);
    let first = Gemm { epilogue: Epilogue { bias, ..Epilogue::default() }, ..Gemm::default() };
    first.run([batch, input, columns], View::new(x, input), View::new(of_input, columns), out);
    let second = Gemm { epilogue: Epilogue { accumulate: true, ..Epilogue::default() }, ..Gemm::default() };
    second.run([batch, cell, columns], View::new(h, cell), View::new(of_state, columns), out);
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "GRUBlockCell";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "float[1,1] 1; float[1,1] 0.5; float[2,2] 1 0.5 -1 2; float[2,1] 1 -1; float[2] 0 0.5; float[1] 1",
                    "float[1,1] 0.62245935; float[1,1] 0.8807971; float[1,1] 0.93399036; float[1,1] 0.5517329",
                ),
                (
                    op,
                    "",
                    "float[0,1]; float[0,1]; float[2,2] 1 0.5 -1 2; float[2,1] 1 -1; float[2] 0 0.5; float[1] 1",
                    "float[0,1]; float[0,1]; float[0,1]; float[0,1]",
                ),
                (
                    op,
                    "",
                    "float[1,1] 1; float[1,1] 0.5; float[1,2] 1 0.5; float[2,1] 1 -1; float[2] 0 0.5; float[1] 1",
                    "INVALID_ARGUMENT: w_ru.dim_size(0) != input_size + cell_size: 1 vs. 2",
                ),
                (
                    op,
                    "",
                    "float[1,1] 1; float[1,1] 0.5; float[2,2] 1 0.5 -1 2; float[2] 1 -1; float[2] 0 0.5; float[1] 1",
                    "INVALID_ARGUMENT: Rank of w_c must be 2, got 1",
                ),
            ],
        );
    }
}
