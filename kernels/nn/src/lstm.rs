//! The step of a long short-term memory cell, for the operators that run one or many.

use std::borrow::Cow;

use num_traits::Num;
use savedmodel_math::gemm::{Epilogue, Gemm, PackedB, View};
use savedmodel_math::narrow::Narrow;
use savedmodel_math::unary;
use savedmodel_op::{Construction, Context};
use savedmodel_tensor::{Element, Error, Result, Tensor, f16};

/// An element type of cells. Gates are summed in single precision.
pub trait Cell:
    Element + Num + PartialOrd + unary::Apply<unary::functions::Sigmoid> + unary::Apply<unary::functions::Tanh>
{
    /// The same numbers in single precision.
    fn wide(values: &[Self]) -> Cow<'_, [f32]>;

    /// The nearest numbers.
    fn store(wide: &[f32], to: &mut [Self]);

    /// The nearest number.
    fn of(value: f32) -> Self;
}

impl Cell for f32 {
    fn wide(values: &[f32]) -> Cow<'_, [f32]> {
        Cow::Borrowed(values)
    }
    fn store(wide: &[f32], to: &mut [f32]) {
        to.copy_from_slice(wide);
    }
    fn of(value: f32) -> f32 {
        value
    }
}

impl Cell for f16 {
    fn wide(values: &[f16]) -> Cow<'_, [f32]> {
        let mut wide = vec![0.0; values.len()];
        f16::widen(values, &mut wide);
        Cow::Owned(wide)
    }
    fn store(wide: &[f32], to: &mut [f16]) {
        f16::narrow(wide, to);
    }
    fn of(value: f32) -> f16 {
        f16::from_f32(value)
    }
}

/// In which order the gates lie in the columns of the weights.
#[derive(Clone, Copy)]
pub enum Layout {
    /// Input, cell, forget, output.
    Icfo,
    /// Input, forget, cell, output.
    Ifco,
}

/// The attributes of a cell.
#[derive(Clone, Copy)]
pub struct Attributes {
    /// Where the gates lie.
    pub layout: Layout,
    /// Added to the forget gate.
    pub forget_bias: f32,
    /// Bound of the cell's state, when above zero.
    pub clip: f32,
    /// Whether gates see the state.
    pub peephole: bool,
}

/// The sizes of a cell.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Rows.
    pub batch: usize,
    /// Columns of the input.
    pub input: usize,
    /// Columns of the state.
    pub cell: usize,
}

/// The weights of a cell, packed for many products.
pub struct Weights {
    input: PackedB<f32>,
    state: PackedB<f32>,
}

impl Weights {
    /// The weights of input `w` of a node, if they never change and fit any cell.
    pub fn constant<T: Cell>(node: &Construction<'_>, w: usize) -> Result<Option<Weights>> {
        match node.constant(w) {
            Some(w) if w.rank() == 2 && w.shape()[1] % 4 == 0 && w.shape()[0] >= w.shape()[1] / 4 => {
                let cell = w.shape()[1] / 4;
                let sizes = Sizes { batch: 0, input: w.shape()[0] - cell, cell };
                Ok(Some(Weights::pack::<T>(w, sizes)?))
            }
            _ => Ok(None),
        }
    }

    /// Packs the rows of the input and those of the state.
    pub fn pack<T: Cell>(w: &Tensor, sizes: Sizes) -> Result<Weights> {
        let gates = sizes.cell * 4;
        let wide = T::wide(w.as_slice::<T>()?);
        let (input, state) = wide.split_at(sizes.input * gates);
        Ok(Weights {
            input: PackedB::new(sizes.input, gates, View::new(input, gates)),
            state: PackedB::new(sizes.cell, gates, View::new(state, gates)),
        })
    }

    /// What the inputs of some rows and the bias make of the gates.
    pub fn of_inputs<T: Cell>(&self, x: &[T], bias: &[T], sizes: Sizes) -> Vec<f32> {
        let (gates, bias) = (sizes.cell * 4, T::wide(bias));
        let rows = x.len().checked_div(sizes.input).unwrap_or(0);
        let mut sums = bias.repeat(rows.max(if sizes.input == 0 { sizes.batch } else { 0 }));
        let product =
            Gemm { epilogue: Epilogue { accumulate: true, ..Epilogue::default() }, ..Gemm::default() };
        if rows > 0 {
            product.run(
                [rows, sizes.input, gates],
                View::new(&T::wide(x), sizes.input),
                &self.input,
                &mut sums,
            );
        }
        sums
    }

    /// Adds what the last output makes of the gates.
    fn add_state<T: Cell>(&self, h: &[T], gates: &mut [f32], sizes: Sizes) {
        let product =
            Gemm { epilogue: Epilogue { accumulate: true, ..Epilogue::default() }, ..Gemm::default() };
        let shape = [sizes.batch, sizes.cell, sizes.cell * 4];
        product.run(shape, View::new(&T::wide(h), sizes.cell), &self.state, gates);
    }
}

/// The diagonal weights with which gates see the state.
pub struct Peepholes<'a, T> {
    /// Of the input gate.
    pub input: &'a [T],
    /// Of the forget gate.
    pub forget: &'a [T],
    /// Of the output gate.
    pub output: &'a [T],
}

/// What a step makes, each `[batch, cell]`.
pub struct Step<'a, T> {
    /// Input gate.
    pub i: &'a mut [T],
    /// State.
    pub cs: &'a mut [T],
    /// Forget gate.
    pub f: &'a mut [T],
    /// Output gate.
    pub o: &'a mut [T],
    /// Cell input.
    pub ci: &'a mut [T],
    /// Cell output.
    pub co: &'a mut [T],
    /// Output.
    pub h: &'a mut [T],
}

impl<T: Cell> Step<'_, T> {
    /// One step from the state `cs`, the output `h` and what the inputs make of the gates.
    pub fn run(
        &mut self,
        (attributes, sizes): (Attributes, Sizes),
        weights: &Weights,
        peepholes: &Peepholes<'_, T>,
        gates: &mut [f32],
        (cs, h): (&[T], &[T]),
    ) {
        weights.add_state(h, gates, sizes);
        self.split(attributes.layout, sizes.cell, gates);
        let bias = T::of(attributes.forget_bias);
        self.f.iter_mut().for_each(|f| *f = *f + bias);
        if attributes.peephole {
            add_product(self.i, cs, peepholes.input);
            add_product(self.f, cs, peepholes.forget);
        }
        unary::in_place::sigmoid(self.i);
        unary::in_place::sigmoid(self.f);
        unary::in_place::tanh(self.ci);
        let (i, ci, f) = (&*self.i, &*self.ci, &*self.f);
        for (((state, (&i, &ci)), &f), &last) in self.cs.iter_mut().zip(i.iter().zip(ci)).zip(f).zip(cs) {
            *state = i * ci + f * last;
        }
        if attributes.clip > 0.0 {
            let (high, low) = (T::of(attributes.clip), T::zero() - T::of(attributes.clip));
            self.cs.iter_mut().for_each(|x| {
                *x = if *x > high {
                    high
                } else if *x < low {
                    low
                } else {
                    *x
                }
            });
        }
        unary::tanh(self.cs, self.co);
        if attributes.peephole {
            add_product(self.o, self.cs, peepholes.output);
        }
        unary::in_place::sigmoid(self.o);
        for ((h, &o), &co) in self.h.iter_mut().zip(&*self.o).zip(&*self.co) {
            *h = o * co;
        }
    }

    /// Hands the columns of the gates out.
    fn split(&mut self, layout: Layout, cell: usize, gates: &[f32]) {
        let (input, forget) = match layout {
            Layout::Icfo => (1, 2),
            Layout::Ifco => (2, 1),
        };
        for (row, gates) in gates.chunks_exact((cell * 4).max(1)).enumerate() {
            let (to, column) = (row * cell..(row + 1) * cell, |n: usize| &gates[n * cell..(n + 1) * cell]);
            T::store(column(0), &mut self.i[to.clone()]);
            T::store(column(input), &mut self.ci[to.clone()]);
            T::store(column(forget), &mut self.f[to.clone()]);
            T::store(column(3), &mut self.o[to]);
        }
    }
}

/// Adds `state * weights` to each row.
fn add_product<T: Cell>(to: &mut [T], state: &[T], weights: &[T]) {
    let rows = to.chunks_exact_mut(weights.len().max(1)).zip(state.chunks_exact(weights.len().max(1)));
    for (to, state) in rows {
        for ((to, &state), &weight) in to.iter_mut().zip(state).zip(weights) {
            *to = *to + state * weight;
        }
    }
}

/// Checks the inputs from `cs_prev` (input `first`) on against `[batch, columns]` of the input.
///
/// Peephole weights that are not `used` may have any length.
///
/// # Errors
/// `INVALID_ARGUMENT` for wrong ranks and sizes.
pub fn check(ctx: &Context<'_>, first: usize, [batch, input]: [usize; 2], used: bool) -> Result<Sizes> {
    const NAMES: [(&str, usize); 7] =
        [("cs_prev", 2), ("h_prev", 2), ("w", 2), ("wci", 1), ("wcf", 1), ("wco", 1), ("b", 1)];
    for (i, (name, rank)) in NAMES.into_iter().enumerate() {
        if ctx.input(first + i).rank() != rank {
            return Err(Error::invalid_argument(format!("{name} must be {rank}D")));
        }
    }
    let cell = ctx.input(first).shape()[1];
    let want = |i: usize, axis: usize, want: usize, what: &str| {
        let (name, got) = (NAMES[i].0, ctx.input(first + i).shape()[axis]);
        let member = if i < 2 { "dims" } else { "dim_size" };
        if got == want {
            return Ok(());
        }
        Err(Error::invalid_argument(format!("{name}.{member}({axis}) != {what}: {got} vs. {want}")))
    };
    let overflow = || Error::invalid_argument("sizes of the cell overflow");
    let rows = input.checked_add(cell).ok_or_else(overflow)?;
    let gates = cell.checked_mul(4).ok_or_else(overflow)?;
    want(0, 0, batch, "batch_size")?;
    want(1, 0, batch, "batch_size")?;
    want(1, 1, cell, "cell_size")?;
    want(2, 0, rows, "input_size + cell_size")?;
    want(2, 1, gates, "cell_size * 4")?;
    for weights in if used { 3..6 } else { 0..0 } {
        want(weights, 0, cell, "cell_size")?;
    }
    want(6, 0, gates, "cell_size * 4")?;
    Ok(Sizes { batch, input, cell })
}
