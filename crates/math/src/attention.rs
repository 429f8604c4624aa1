//! Attention, `softmax(scale Q K^T + mask) V` for every head, with the scores of some queries at a time in cache.
//!
//! The softmax is that of [`crate::softmax`], the products are [`crate::gemm`]'s.
//!
//! ```
//! use savedmodel_math::attention::{Attention, Mask, Operand};
//! // Two queries over two keys of depth 1; the second key is masked off.
//! let operand = |data| Operand { data, head_stride: 0, row_stride: 1, column_stride: 1 };
//! let keep = Operand { data: &[true, false][..], head_stride: 0, row_stride: 0, column_stride: 1 };
//! let attention = Attention {
//!     heads: 1, queries: 2, keys: 2, depth: 1, width: 1, scale: 1.0, rounds: false, heads_first: false,
//!     q: operand(&[1.0, 2.0]), k: operand(&[3.0, 4.0]), v: operand(&[5.0, 6.0]),
//!     mask: Mask::Select(keep, -1e9),
//! };
//! let mut out = [0.0; 2];
//! attention.run(&mut out);
//! assert_eq!(out, [5.0, 5.0]);
//! ```

use crate::gemm::{Gemm, PackedB, Rhs, View};
use crate::par;
use crate::simd::{self, Isa, Kernel};
use crate::softmax;

/// Queries whose scores are held at a time.
const ROWS: usize = 64;
/// Queries from which it pays to pack keys and values.
const PACK_ROWS: usize = 24;

/// A matrix for each head: element (i, j) of head h is `data[h * head_stride + i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a, T = f32> {
    /// The elements.
    pub data: &'a [T],
    /// Distance between heads, 0 where they share one matrix.
    pub head_stride: usize,
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub column_stride: usize,
}

/// What is done to scaled scores, a matrix of `queries` x `keys` for each head; strides of 0 broadcast.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// Nothing.
    None,
    /// A number is added to each.
    Add(Operand<'a>),
    /// Those that are false are replaced by a number.
    Select(Operand<'a, bool>, f32),
}

impl<'a, T> Operand<'a, T> {
    /// The matrix of a head from some row on.
    fn view(&self, head: usize, row: usize) -> View<'a, T> {
        let data = self.data.get(head * self.head_stride + row * self.row_stride..).unwrap_or_default();
        View { data, row_stride: self.row_stride, column_stride: self.column_stride }
    }

    /// A row of a head: one element for each of `columns`, or one for all.
    fn row(&self, (head, row): (usize, usize), columns: usize) -> &'a [T] {
        &self.view(head, row).data[..if self.column_stride == 0 { 1 } else { columns }]
    }
}

/// All heads of one element of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// Number of heads.
    pub heads: usize,
    /// Rows of Q and of the result.
    pub queries: usize,
    /// Rows of K and V.
    pub keys: usize,
    /// Columns of Q and K.
    pub depth: usize,
    /// Columns of V and of the result.
    pub width: usize,
    /// What scores are multiplied with.
    pub scale: f32,
    /// Whether products may be of numbers rounded to bfloat16, where the processor multiplies these faster.
    pub rounds: bool,
    /// Whether the result lies as `[heads, queries, width]`, not as `[queries, heads, width]`.
    pub heads_first: bool,
    /// What is asked.
    pub q: Operand<'a>,
    /// What scores compare it with.
    pub k: Operand<'a>,
    /// What is averaged.
    pub v: Operand<'a>,
    /// What is done to the scaled scores.
    pub mask: Mask<'a>,
}

/// Keys (transposed) and values of a head, packed where that pays.
struct Packed(Option<[PackedB<f32>; 2]>);

impl Attention<'_> {
    /// Writes the result.
    ///
    /// # Panics
    /// When `out` has another size, or an operand does not fit the sizes.
    pub fn run(&self, out: &mut [f32]) {
        let row = self.heads * self.width;
        assert_eq!(out.len(), self.queries * row);
        if out.is_empty() {
            return;
        }
        if self.keys == 0 {
            return out.fill(0.0);
        }
        let packed: Vec<Packed> =
            par::map_chunks(self.heads, 1, |heads| heads.map(|head| self.pack(head)).collect::<Vec<_>>())
                .into_iter()
                .flatten()
                .collect();
        if self.heads_first {
            par::for_rows_mut(out, self.queries * self.width, 1, |first, out| {
                for (head, out) in (first..).zip(out.chunks_exact_mut(self.queries * self.width)) {
                    for (index, out) in out.chunks_mut(ROWS * self.width).enumerate() {
                        self.block((head, &packed[head]), index * ROWS, (out, self.width));
                    }
                }
            });
            return;
        }
        let rows = self.queries.div_ceil(self.queries.div_ceil(ROWS));
        par::for_rows_mut(out, row, rows, |first, out| {
            for (index, out) in out.chunks_mut(rows * row).enumerate() {
                for (head, packed) in packed.iter().enumerate() {
                    self.block((head, packed), first + index * rows, (&mut out[head * self.width..], row));
                }
            }
        });
    }

    fn pack(&self, head: usize) -> Packed {
        let pack = || {
            let pack = |sizes, matrix| PackedB::perhaps_rounded(self.rounds, sizes, matrix);
            let keys = pack([self.depth, self.keys], self.k.view(head, 0).t());
            [keys, pack([self.keys, self.width], self.v.view(head, 0))]
        };
        Packed((self.queries >= PACK_ROWS).then(pack))
    }

    /// The result for some queries of a head, whose rows lie `stride` apart in `out`, which ends with the last.
    fn block(&self, (head, packed): (usize, &Packed), first: usize, (out, stride): (&mut [f32], usize)) {
        let &Attention { keys, depth, width, .. } = self;
        let rows = (out.len() + stride - width) / stride;
        let (k, v): (Rhs<f32>, Rhs<f32>) = match &packed.0 {
            Some([k, v]) => (k.into(), v.into()),
            None => (self.k.view(head, 0).t().into(), self.v.view(head, 0).into()),
        };
        let mut scores = vec![0.0; rows * keys];
        Gemm::default().run([rows, depth, keys], self.q.view(head, first), k, &mut scores);
        for (row, scores) in scores.chunks_exact_mut(keys.max(1)).enumerate() {
            let (scale, place) = (self.scale, (head, first + row));
            simd::dispatch(MaskedRow { scores, scale, mask: self.mask, place });
        }
        let gemm = Gemm { c_stride: Some(stride), ..Gemm::default() };
        gemm.run([rows, keys, width], View::new(&scores, keys), v, out);
    }
}

/// The softmax of the scaled and masked scores of a query of a head.
struct MaskedRow<'a> {
    scores: &'a mut [f32],
    scale: f32,
    mask: Mask<'a>,
    place: (usize, usize),
}

impl Kernel for MaskedRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let MaskedRow { scores, scale, mask, place } = self;
        let keys = scores.len();
        match mask {
            Mask::None => scores.iter_mut().for_each(|x| *x *= scale),
            Mask::Add(operand) => match operand.row(place, keys) {
                &[mask] => scores.iter_mut().for_each(|x| *x = *x * scale + mask),
                mask => scores.iter_mut().zip(mask).for_each(|(x, mask)| *x = *x * scale + mask),
            },
            Mask::Select(operand, other) => match operand.row(place, keys) {
                &[keep] => scores.iter_mut().for_each(|x| *x = if keep { *x * scale } else { other }),
                keep => {
                    scores
                        .iter_mut()
                        .zip(keep)
                        .for_each(|(x, &keep)| *x = if keep { *x * scale } else { other });
                }
            },
        }
        softmax::in_place::<I>(scores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    fn exact(attention: &Attention<'_>, head: usize, query: usize) -> Vec<f64> {
        let at = |operand: &Operand<'_>, row: usize, column: usize| {
            let place =
                head * operand.head_stride + row * operand.row_stride + column * operand.column_stride;
            f64::from(operand.data[place])
        };
        let score = |key: usize| {
            let products =
                (0..attention.depth).map(|d| at(&attention.q, query, d) * at(&attention.k, key, d));
            let score = products.sum::<f64>() * f64::from(attention.scale);
            match attention.mask {
                Mask::None => score,
                Mask::Add(mask) => score + at(&mask, query, key),
                Mask::Select(mask, other) if !mask.data[key * mask.column_stride] => f64::from(other),
                Mask::Select(..) => score,
            }
        };
        let powers: Vec<f64> = (0..attention.keys).map(|key| score(key).exp()).collect();
        let total: f64 = powers.iter().sum();
        let value = |column| {
            let parts =
                powers.iter().enumerate().map(|(key, power)| power / total * at(&attention.v, key, column));
            parts.sum()
        };
        (0..attention.width).map(value).collect()
    }

    fn check([heads, queries, keys, depth, width]: [usize; 5], heads_first: bool, mask: Mask<'_>) {
        let (q, k) = (numbers(heads * queries * depth, 1), numbers(heads * keys * depth, 2));
        let v = numbers(heads * keys * width, 3);
        let operand = |data, rows: usize, columns: usize| match heads_first {
            true => Operand { data, head_stride: rows * columns, row_stride: columns, column_stride: 1 },
            false => Operand { data, head_stride: columns, row_stride: heads * columns, column_stride: 1 },
        };
        let attention = Attention {
            heads,
            queries,
            keys,
            depth,
            width,
            scale: 0.7,
            rounds: false,
            heads_first,
            q: operand(&q, queries, depth),
            k: operand(&k, keys, depth),
            v: operand(&v, keys, width),
            mask,
        };
        let mut out = vec![f32::NAN; heads * queries * width];
        attention.run(&mut out);
        let place = operand(&[], queries, width);
        for head in 0..heads {
            for query in 0..queries {
                for (column, want) in exact(&attention, head, query).into_iter().enumerate() {
                    let got = out[head * place.head_stride + query * place.row_stride + column];
                    // A score is a sum of up to 64 products; its exponential is as much off as it is.
                    assert!((f64::from(got) - want).abs() < 5e-6, "{head} {query} {column}: {got} {want}");
                }
            }
        }
    }

    #[test]
    fn agrees_with_double_precision() {
        at_each_level(|_| {
            for sizes in [[1, 1, 1, 1, 1], [2, 3, 77, 5, 4], [3, 77, 33, 16, 9], [2, 130, 64, 64, 64]] {
                let keys = sizes[2];
                let (added, keep) = (numbers(keys, 4), (0..keys).map(|key| key % 3 != 1).collect::<Vec<_>>());
                for column_stride in [0, 1] {
                    let added = Operand { data: &added[..], head_stride: 0, row_stride: 0, column_stride };
                    let keep = Operand { data: &keep[..], head_stride: 0, row_stride: 0, column_stride };
                    for mask in [Mask::None, Mask::Add(added), Mask::Select(keep, -3.0)] {
                        check(sizes, true, mask);
                        check(sizes, false, mask);
                    }
                }
            }
        });
    }

    #[test]
    fn nothing_to_look_at_gives_zeros() {
        let none = Operand { data: &[], head_stride: 0, row_stride: 0, column_stride: 1 };
        let q = Operand { data: &[1.0], head_stride: 0, row_stride: 1, column_stride: 1 };
        let (heads, queries, keys, depth, width) = (1, 1, 0, 1, 1);
        let (scale, rounds, heads_first, mask) = (1.0, false, true, Mask::None);
        let mut out = [f32::NAN];
        Attention {
            heads,
            queries,
            keys,
            depth,
            width,
            scale,
            rounds,
            heads_first,
            q,
            k: none,
            v: none,
            mask,
        }
        .run(&mut out);
        assert_eq!(out, [0.0]);
    }
}
