//! Steps of recurrent layers, one by one and all of a sequence.
//!
//! The gates of a step lie side by side in a row; an `order` says which part is which. All of a sequence stays in cache
//! between its steps, and nothing but numbers is touched: a step of a small layer takes less time than to ask for memory.
//!
//! ```
//! use savedmodel_math::gemm::{PackedB, View};
//! use savedmodel_math::recurrent::{Layer, Lstm};
//! // One unit whose state adds nothing to its gates, over two steps.
//! let weights = PackedB::new(1, 4, View::new(&[0.0f32; 4], 4));
//! let layer = Layer { weights: &weights, bias: &[], batch: 1, order: [0, 1, 2, 3] };
//! let (mut state, mut out) = ([0.0], [0.0; 2]);
//! layer.lstm(&[9.0, 9.0, 9.0, 9.0, -99.0, -99.0, 0.0, 99.0], &[0.0], &mut state, &mut out);
//! assert!((out[0] - 1f32.tanh()).abs() < 1e-3 && out[1] == 0.0);
//! ```

use crate::gemm::{Epilogue, Gemm, PackedB, View};
use crate::lane::{self, Few};
use crate::par;
use crate::simd::{self, Isa, Kernel};

/// Rough cost of one element of a step of [`Lstm`], in nanoseconds.
pub const LSTM_NS: f64 = 1.5;
/// Rough cost of one element of a step of [`Gru`], in nanoseconds.
pub const GRU_NS: f64 = 1.2;

/// A row of an LSTM: `next = σ(f) state + σ(i) tanh(g)`, `out = σ(o) tanh(next)`.
pub struct Lstm<'a> {
    /// Input, forget, candidate and output gate before their functions.
    pub gates: [&'a [f32]; 4],
    /// The state before.
    pub state: &'a [f32],
    /// The state after.
    pub next: &'a mut [f32],
    /// The output.
    pub out: &'a mut [f32],
}

impl Kernel for Lstm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Lstm { gates: [i, f, g, o], state, next, out } = self;
        let n = next.len();
        let (i, f, g, o, state, out) = (&i[..n], &f[..n], &g[..n], &o[..n], &state[..n], &mut out[..n]);
        for at in 0..n {
            next[at] = lstm_state::<I>([i[at], f[at], g[at]], state[at]);
        }
        for at in 0..n {
            out[at] = lane::sigmoid::<I>(o[at]) * lane::tanh::<I>(next[at]);
        }
    }
}

#[inline(always)]
fn lstm_state<I: Isa>([i, f, g]: [f32; 3], state: f32) -> f32 {
    let Few([f, i]) = Few([f, i]).sigmoid::<I>();
    f * state + i * lane::tanh::<I>(g)
}

/// As [`Lstm`], with the state written over.
struct LstmInPlace<'a> {
    gates: [&'a [f32]; 4],
    state: &'a mut [f32],
    out: &'a mut [f32],
}

impl Kernel for LstmInPlace<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let LstmInPlace { gates: [i, f, g, o], state, out } = self;
        let n = state.len();
        let (i, f, g, o, out) = (&i[..n], &f[..n], &g[..n], &o[..n], &mut out[..n]);
        for at in 0..n {
            state[at] = lstm_state::<I>([i[at], f[at], g[at]], state[at]);
        }
        for at in 0..n {
            out[at] = lane::sigmoid::<I>(o[at]) * lane::tanh::<I>(state[at]);
        }
    }
}

/// A row of a GRU: `z = σ(xz + hz)`, `r = σ(xr + hr)`, `out = z state + (1 - z) tanh(xn + r hn)`.
pub struct Gru<'a> {
    /// Update, reset and candidate of the input.
    pub x: [&'a [f32]; 3],
    /// Update, reset and candidate of the state.
    pub h: [&'a [f32]; 3],
    /// The state before.
    pub state: &'a [f32],
    /// The state after.
    pub out: &'a mut [f32],
}

impl Kernel for Gru<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Gru { x: [xz, xr, xn], h: [hz, hr, hn], state, out } = self;
        let n = out.len();
        let (xz, xr, xn, hz, hr, hn) = (&xz[..n], &xr[..n], &xn[..n], &hz[..n], &hr[..n], &hn[..n]);
        let state = &state[..n];
        for at in 0..n {
            out[at] = lane::tanh::<I>(xn[at] + lane::sigmoid::<I>(xr[at] + hr[at]) * hn[at]);
        }
        for at in 0..n {
            let z = lane::sigmoid::<I>(xz[at] + hz[at]);
            out[at] = z * state[at] + (1.0 - z) * out[at];
        }
    }
}

/// A recurrent layer over a sequence, of whose input the products are there already.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a, const GATES: usize> {
    /// What the output of the step before is multiplied with: `units` x `GATES * units`.
    pub weights: &'a PackedB<f32>,
    /// Added to that product, or empty.
    pub bias: &'a [f32],
    /// Rows of a step.
    pub batch: usize,
    /// Which part of a row is which gate, as the fields of [`Lstm`] and [`Gru`] name them.
    pub order: [usize; GATES],
}

impl<const GATES: usize> Layer<'_, GATES> {
    fn units(&self) -> usize {
        self.weights.k()
    }

    /// Calls `step` with each step's number, the outputs before it and its own, and memory for the gates.
    fn steps(&self, h: &[f32], out: &mut [f32], mut step: impl FnMut(usize, &[f32], &mut [f32], &mut [f32])) {
        let size = self.batch * self.units();
        assert!(h.len() == size && self.weights.n() == GATES * self.units());
        if size == 0 {
            return;
        }
        let mut gates = vec![0.0; GATES * size];
        for index in 0..out.len() / size {
            let (before, rest) = out.split_at_mut(index * size);
            let before = if index == 0 { h } else { &before[(index - 1) * size..] };
            step(index, before, &mut rest[..size], &mut gates);
        }
    }

    /// `bias` and the product of the outputs before, plus `residual` if there is one, for all gates.
    fn product(&self, before: &[f32], residual: &[f32], gates: &mut [f32]) {
        let epilogue = Epilogue { bias: self.bias, residual, ..Epilogue::default() };
        let sizes = [self.batch, self.units(), GATES * self.units()];
        let before = View::new(before, self.units());
        Gemm { epilogue, ..Gemm::default() }.run(sizes, before, self.weights, gates);
    }

    /// The parts of a row of gates, in the order of their names.
    fn parts<'r>(&self, row: &'r [f32]) -> [&'r [f32]; GATES] {
        self.order.map(|gate| &row[gate * self.units()..][..self.units()])
    }
}

impl Layer<'_, 4> {
    /// An LSTM: `out` gets the output of every step, `state` goes from the first to the last.
    ///
    /// `x` holds what the input adds to the gates, step by step; `h` is the output before the first.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn lstm(&self, x: &[f32], h: &[f32], state: &mut [f32], out: &mut [f32]) {
        let units = self.units();
        assert!(x.len() == 4 * out.len() && state.len() == h.len());
        let grain = par::grain(LSTM_NS).next_multiple_of(units.max(1));
        self.steps(h, out, |step, before, out, gates| {
            self.product(before, &x[step * gates.len()..][..gates.len()], gates);
            let gates = &*gates;
            par::for_chunks_mut2(state, out, grain, |start, state, out| {
                let rows = gates[4 * start..].chunks_exact(4 * units);
                let places = state.chunks_exact_mut(units).zip(out.chunks_exact_mut(units));
                for (row, (state, out)) in rows.zip(places) {
                    simd::dispatch(LstmInPlace { gates: self.parts(row), state, out });
                }
            });
        });
    }
}

impl Layer<'_, 3> {
    /// A GRU: `out` gets the output of every step.
    ///
    /// `x` holds what the input adds to the gates, step by step, without `x_bias` (which may be empty); `h` is the output
    /// before the first.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn gru(&self, x: &[f32], x_bias: &[f32], h: &[f32], out: &mut [f32]) {
        let units = self.units();
        assert!(x.len() == 3 * out.len() && (x_bias.is_empty() || x_bias.len() == 3 * units));
        let grain = (par::grain(GRU_NS) / units.max(1)).max(1);
        self.steps(h, out, |step, before, out, gates| {
            self.product(before, &[], gates);
            let (x, gates) = (&x[step * gates.len()..][..gates.len()], &*gates);
            par::for_rows_mut(out, units, grain, |first, out| {
                let mut sums = vec![0.0; x_bias.len()];
                for (row, out) in (first..).zip(out.chunks_exact_mut(units)) {
                    let part = row * 3 * units..(row + 1) * 3 * units;
                    let mut x = &x[part.clone()];
                    if !x_bias.is_empty() {
                        simd::dispatch(Sum { a: x, b: x_bias, out: &mut sums });
                        x = &sums;
                    }
                    let state = &before[row * units..][..units];
                    simd::dispatch(Gru { x: self.parts(x), h: self.parts(&gates[part]), state, out });
                }
            });
        });
    }
}

struct Sum<'a> {
    a: &'a [f32],
    b: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Sum<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.out.iter_mut().zip(self.a).zip(self.b).for_each(|((out, a), b)| *out = a + b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7 + seed * 5) % 23) as f32 / 11.0 - 1.0).collect()
    }

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// `h W + b` in double precision, row by row.
    fn product(h: &[f64], w: &[f32], b: &[f32], columns: usize) -> Vec<f64> {
        let units = w.len() / columns;
        let at = |row: usize, column: usize| -> f64 {
            let dot: f64 = (0..units).map(|k| h[row * units + k] * f64::from(w[k * columns + column])).sum();
            dot + b.get(column).map_or(0.0, |&b| f64::from(b))
        };
        (0..h.len() / units)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(r, c)| at(r, c))
            .collect()
    }

    fn close(got: &[f32], want: &[f64]) {
        for (got, want) in got.iter().zip(want) {
            assert!((f64::from(*got) - want).abs() < 1e-5, "{got} for {want}");
        }
        assert_eq!(got.len(), want.len());
    }

    #[test]
    fn lstm_as_its_formula() {
        at_each_level(|_| {
            for (steps, batch, units, has_bias) in [(3, 1, 16, true), (5, 3, 5, false), (2, 40, 33, true)] {
                let (columns, size) = (4 * units, batch * units);
                let w: Vec<f32> = numbers(units * columns, 1).iter().map(|w| w / units as f32).collect();
                let (x, h, c) = (numbers(steps * batch * columns, 2), numbers(size, 3), numbers(size, 4));
                let bias = if has_bias { numbers(columns, 5) } else { Vec::new() };
                let packed = PackedB::new(units, columns, View::new(&w, columns));
                let order = [2, 0, 3, 1];
                let layer = Layer { weights: &packed, bias: &bias, batch, order };
                let (mut state, mut out) = (c.clone(), vec![0.0; steps * size]);
                layer.lstm(&x, &h, &mut state, &mut out);
                let mut h: Vec<f64> = h.iter().map(|&h| f64::from(h)).collect();
                let mut c: Vec<f64> = c.iter().map(|&c| f64::from(c)).collect();
                for step in 0..steps {
                    let sums = product(&h, &w, &bias, columns);
                    for at in 0..size {
                        let (row, unit) = (at / units, at % units);
                        let gate = |which: usize| {
                            let place = row * columns + order[which] * units + unit;
                            sums[place] + f64::from(x[step * batch * columns + place])
                        };
                        c[at] = sigmoid(gate(1)) * c[at] + sigmoid(gate(0)) * gate(2).tanh();
                        h[at] = sigmoid(gate(3)) * c[at].tanh();
                    }
                    close(&out[step * size..][..size], &h);
                }
                close(&state, &c);
            }
        });
    }

    #[test]
    fn gru_as_its_formula() {
        at_each_level(|_| {
            for (steps, batch, units, has_bias) in [(3, 1, 32, true), (4, 3, 7, false), (2, 50, 20, true)] {
                let (columns, size) = (3 * units, batch * units);
                let w: Vec<f32> = numbers(units * columns, 1).iter().map(|w| w / units as f32).collect();
                let (x, h) = (numbers(steps * batch * columns, 2), numbers(size, 3));
                let [bias, x_bias] = if has_bias {
                    [5, 6].map(|seed| numbers(columns, seed))
                } else {
                    [Vec::new(), Vec::new()]
                };
                let packed = PackedB::new(units, columns, View::new(&w, columns));
                let order = [1, 0, 2];
                let layer = Layer { weights: &packed, bias: &bias, batch, order };
                let mut out = vec![0.0; steps * size];
                layer.gru(&x, &x_bias, &h, &mut out);
                let mut h: Vec<f64> = h.iter().map(|&h| f64::from(h)).collect();
                for step in 0..steps {
                    let sums = product(&h, &w, &bias, columns);
                    for (at, h) in h.iter_mut().enumerate() {
                        let (row, unit) = (at / units, at % units);
                        let place = |which: usize| order[which] * units + unit;
                        let input = |which: usize| {
                            let bias = x_bias.get(place(which)).map_or(0.0, |&b| f64::from(b));
                            f64::from(x[(step * batch + row) * columns + place(which)]) + bias
                        };
                        let state = |which: usize| sums[row * columns + place(which)];
                        let z = sigmoid(input(0) + state(0));
                        let candidate = (input(2) + sigmoid(input(1) + state(1)) * state(2)).tanh();
                        *h = z * *h + (1.0 - z) * candidate;
                    }
                    close(&out[step * size..][..size], &h);
                }
            }
        });
    }

    #[test]
    fn nothing() {
        let packed = PackedB::new(2, 8, View::new(&[0.0f32; 16], 8));
        let layer = Layer { weights: &packed, bias: &[], batch: 0, order: [0, 1, 2, 3] };
        layer.lstm(&[], &[], &mut [], &mut []);
        let layer = Layer { batch: 1, ..layer };
        let mut state = [1.0, 2.0];
        layer.lstm(&[], &[0.0; 2], &mut state, &mut []);
        assert_eq!(state, [1.0, 2.0]);
    }
}
