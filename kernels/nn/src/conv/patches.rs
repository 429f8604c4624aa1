//! The left operand of a convolution: for every output the input cells under its window, made when they are needed.

use std::ops::Range;

use savedmodel_math::gemm::{self, Lhs};

/// Where the taps of a filter lie along one dimension, relative to the input cell `at * stride` of output `at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Cells of the input.
    pub input: usize,
    /// Outputs.
    pub output: usize,
    /// Input cells between outputs.
    pub stride: usize,
    /// One per tap.
    pub offsets: Vec<isize>,
}

impl Axis {
    /// The taps of windows.
    pub fn of(axis: &gemm::Axis) -> Axis {
        let offset = |tap: usize| (tap * axis.dilation) as isize - axis.before as isize;
        Axis {
            input: axis.cells,
            output: axis.windows,
            stride: axis.stride,
            offsets: (0..axis.taps).map(offset).collect(),
        }
    }
}

/// The matrix of patches of images whose channels are innermost.
///
/// A row is an output (image, depth, height, width), a column a tap (depth, height, width) and a channel; outside the
/// image there are zeros.
pub struct Patches<'a, T> {
    data: &'a [T],
    axes: &'a [Axis; 3],
    /// Channels of the image, and those that the columns have.
    channels: (usize, Range<usize>),
    /// Adjacent taps whose cells are adjacent in memory, so that a run of them is one copy.
    joined: usize,
}

impl<'a, T: Copy + Default> Patches<'a, T> {
    /// Patches with the channels `part` of `channels`.
    pub fn new(data: &'a [T], axes: &'a [Axis; 3], channels: usize, part: Range<usize>) -> Self {
        let taps = &axes[2].offsets;
        let adjacent = part.len() == channels && taps.windows(2).all(|w| w[1] == w[0] + 1);
        let joined = if adjacent { taps.len().max(1) } else { 1 };
        Patches { data, axes, channels: (channels, part), joined }
    }

    /// Columns of the matrix.
    pub fn columns(&self) -> usize {
        self.axes.iter().map(|axis| axis.offsets.len()).product::<usize>() * self.channels.1.len()
    }

    /// Writes some columns of one row.
    fn row(&self, row: usize, columns: Range<usize>, out: &mut [T]) {
        let [depth, height, width] = self.axes;
        let (x, row) = (row % width.output, row / width.output);
        let (y, row) = (row % height.output, row / height.output);
        let (z, image) = (row % depth.output, row / depth.output);
        let run = self.joined * self.channels.1.len();
        let runs_of_row = width.offsets.len() / self.joined;
        let (mut column, mut out) = (columns.start, out);
        while column < columns.end {
            let (index, skip) = (column / run, column % run);
            let len = (run - skip).min(columns.end - column);
            let (part, rest) = out.split_at_mut(len);
            let (line, tap) = (index / runs_of_row, index % runs_of_row);
            let cells = [(z, depth, line / height.offsets.len()), (y, height, line % height.offsets.len())];
            match self.line(image, cells) {
                Some(line) => self.run(line, cell(x, width, tap), skip, part),
                None => part.fill(T::default()),
            }
            (column, out) = (column + len, rest);
        }
    }

    /// The first element of the line of the image under a tap, if that lies inside.
    fn line(&self, image: usize, cells: [(usize, &Axis, usize); 2]) -> Option<usize> {
        let mut line = image;
        for (at, axis, tap) in cells {
            let cell = usize::try_from(cell(at, axis, tap)).ok().filter(|&cell| cell < axis.input)?;
            line = line * axis.input + cell;
        }
        Some(line * self.axes[2].input * self.channels.0)
    }

    /// Writes a run of adjacent taps from the `skip`th element on; the first tap lies at `cell` of the line.
    fn run(&self, line: usize, cell: isize, skip: usize, out: &mut [T]) {
        let (stride, part) = (self.channels.0, &self.channels.1);
        let end = self.axes[2].input as isize;
        let inside = (-cell).clamp(0, self.joined as isize)..(end - cell).clamp(0, self.joined as isize);
        let place = |tap: isize| (tap as usize * part.len()).clamp(skip, skip + out.len()) - skip;
        let (from, to) = (place(inside.start), place(inside.end.max(inside.start)));
        out[..from].fill(T::default());
        out[to..].fill(T::default());
        if from < to {
            // The cell may lie before the image; what is copied from it does not.
            let first = (line + part.start + skip + from) as isize + cell * stride as isize;
            let first = first as usize;
            out[from..to].copy_from_slice(&self.data[first..first + to - from]);
        }
    }
}

fn cell(at: usize, axis: &Axis, tap: usize) -> isize {
    (at * axis.stride) as isize + axis.offsets[tap]
}

impl<T: Copy + Default + Sync> Lhs<T> for Patches<'_, T> {
    fn block<'a>(
        &'a self,
        rows: Range<usize>,
        columns: Range<usize>,
        buffer: &'a mut Vec<T>,
    ) -> (&'a [T], usize) {
        let width = columns.len();
        buffer.resize(rows.len() * width, T::default());
        for (row, out) in rows.zip(buffer.chunks_exact_mut(width.max(1))) {
            self.row(row, columns.clone(), out);
        }
        (buffer, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_columns_are_those_of_the_whole_row() {
        let axis = |input, output, stride, offsets: &[isize]| Axis {
            input,
            output,
            stride,
            offsets: offsets.to_vec(),
        };
        let data: Vec<i32> = (1..=2 * 4 * 5 * 3).collect();
        for (offsets, part) in [([-1, 0, 1], 0..3), ([-2, 0, 2], 0..3), ([-1, 0, 1], 1..3)] {
            let axes = [axis(1, 1, 1, &[0]), axis(4, 2, 2, &[0, 1]), axis(5, 5, 1, &offsets)];
            let patches = Patches::new(&data, &axes, 3, part.clone());
            let columns = patches.columns();
            for row in 0..20 {
                let (image, y, x) = (row / 10, row / 5 % 2, row % 5);
                let mut want = Vec::new();
                for dy in 0..2 {
                    for dx in offsets {
                        let cell = x as isize + dx;
                        let base = ((image * 4 + y * 2 + dy) as isize * 5 + cell) * 3;
                        want.extend(part.clone().map(|c| {
                            if (0..5).contains(&cell) { data[(base + c as isize) as usize] } else { 0 }
                        }));
                    }
                }
                for start in 0..columns {
                    for end in start..=columns {
                        let mut buffer = vec![7];
                        let (got, _) = patches.block(row..row + 1, start..end, &mut buffer);
                        assert_eq!(got, &want[start..end], "row {row}, columns {start}..{end}");
                    }
                }
            }
        }
    }
}
