//! The greatest or least number with its index, for operators of compiled functions.

use savedmodel_math::par;

/// What is reduced: so many blocks of so many lines of numbers side by side.
#[derive(Clone, Copy, Debug)]
pub struct Blocks {
    /// The lines of a block, which become one.
    pub lines: usize,
    /// The numbers of a line.
    pub len: usize,
}

/// Nanoseconds that a number takes.
const NUMBER_NS: f64 = 1.5;

/// Over the lines of each block the greatest numbers (`IS_LEAST`: the least) and their indices, in place of what is in `best` unless
/// that is so already. Of equal numbers the least index counts; NaN is above and below all, and its first index counts.
pub fn reduce<const IS_LEAST: bool>(
    values: &[f32],
    indices: &[i32],
    blocks: Blocks,
    best: &mut [(f32, i32)],
) {
    let Blocks { lines, len } = blocks;
    let grain = par::grain(NUMBER_NS * (lines * len) as f64).max(1);
    par::for_rows_mut(best, len, grain, |first, rows| {
        for (block, best) in (first..).zip(rows.chunks_exact_mut(len)) {
            for line in block * lines..(block + 1) * lines {
                let here = line * len..(line + 1) * len;
                let others = values[here.clone()].iter().zip(&indices[here]);
                for (best, other) in best.iter_mut().zip(others) {
                    *best = better::<IS_LEAST>(*best, (*other.0, *other.1));
                }
            }
        }
    });
}

#[inline(always)]
fn better<const IS_LEAST: bool>((a, i): (f32, i32), (b, j): (f32, i32)) -> (f32, i32) {
    let is_beyond = if IS_LEAST { a < b } else { a > b };
    let stays = is_beyond || a.is_nan();
    let is_first = stays || a == b && i < j;
    (if stays { a } else { b }, if is_first { i } else { j })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let values = [1.0, 5.0, 5.0, -2.0, f32::NAN, 9.0, f32::NAN, 0.0];
        let indices = [0, 1, 2, 3, 4, 5, 6, 7];
        let all = |blocks: Blocks, is_least: bool, start: (f32, i32)| {
            let mut best = vec![start; values.len() / blocks.lines];
            let reduce = if is_least { reduce::<true> } else { reduce::<false> };
            reduce(&values, &indices, blocks, &mut best);
            best.iter().map(|(value, index)| format!("{value}@{index}")).collect::<Vec<_>>().join(" ")
        };
        let rows = Blocks { lines: 4, len: 1 };
        assert_eq!(all(rows, false, (f32::NEG_INFINITY, 0)), "5@1 NaN@4");
        assert_eq!(all(rows, true, (f32::INFINITY, 0)), "-2@3 NaN@4");
        assert_eq!(all(rows, false, (7.0, -1)), "7@-1 NaN@4");
        let columns = Blocks { lines: 4, len: 2 };
        assert_eq!(all(columns, false, (f32::NEG_INFINITY, 0)), "NaN@4 9@5");
        assert_eq!(all(columns, true, (1.0, 9)), "NaN@4 -2@3");
    }
}
