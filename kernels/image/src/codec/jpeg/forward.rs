//! Pixels to quantised coefficients.

use savedmodel_math::par;

use super::block::Block;
use super::frame::SIDE;

/// What is encoded.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 or 3.
    pub channels: usize,
    /// Whether colour has half the height and width.
    pub downsample: bool,
}

impl Plan {
    /// Blocks of a group of the first plane, across and down; other planes have one.
    pub fn group(&self) -> usize {
        if self.channels == 3 && self.downsample { 2 } else { 1 }
    }
}

/// The coefficients of a plane.
#[derive(Debug)]
pub struct Blocks {
    /// All blocks, with those that fill up the last groups.
    pub blocks: Vec<Block>,
    /// Blocks in a row.
    pub stride: usize,
    /// Blocks that hold pixels, across and down.
    pub size: [usize; 2],
    /// Blocks of a group, across and down.
    pub group: usize,
}

/// The coefficients of all planes, in steps for brightness and for colour.
pub fn planes(pixels: &[u8], plan: Plan, steps: &[[u16; 64]; 2]) -> Vec<Blocks> {
    let count = plan.channels;
    (0..count)
        .map(|plane| {
            let most = plan.group();
            let group = if plane == 0 { most } else { 1 };
            // How many pixels across and down one sample stands for.
            let scale = most / group;
            let groups = [plan.width, plan.height].map(|side| side.div_ceil(most * SIDE));
            let size = [plan.width, plan.height].map(|side| (side * group).div_ceil(most * SIDE));
            let image = Image { pixels, plan, plane, scale };
            let stride = groups[0] * group;
            let mut blocks = vec![[0; 64]; stride * groups[1] * group];
            let steps = &steps[usize::from(plane > 0)];
            let grain = par::grain(stride as f64 * 300.0);
            par::for_rows_mut(&mut blocks[..stride * size[1]], stride, grain, |first, rows| {
                let mut samples = vec![0; size[0] * SIDE * SIDE];
                for (i, row) in rows.chunks_exact_mut(stride).enumerate() {
                    image.strip(first + i, &mut samples);
                    for (x, block) in row[..size[0]].iter_mut().enumerate() {
                        *block = quantised(&samples[x * SIDE..], size[0] * SIDE, steps);
                    }
                }
            });
            let mut blocks = Blocks { blocks, stride, size, group };
            blocks.fill_up();
            blocks
        })
        .collect()
}

impl Blocks {
    /// Gives blocks outside of the image the first coefficient of the last block before them in their group.
    fn fill_up(&mut self) {
        let [width, height] = self.size;
        for row in self.blocks.chunks_exact_mut(self.stride).take(height) {
            for x in width..self.stride {
                row[x][0] = row[x - 1][0];
            }
        }
        let rows = self.blocks.len() / self.stride;
        for y in height..rows {
            for x in 0..self.stride {
                let last = x / self.group * self.group + self.group - 1;
                self.blocks[y * self.stride + x][0] = self.blocks[(y - 1) * self.stride + last][0];
            }
        }
    }
}

/// One plane of an image.
struct Image<'a> {
    pixels: &'a [u8],
    plan: Plan,
    plane: usize,
    scale: usize,
}

impl Image<'_> {
    /// The samples of a row of blocks; beyond the edges, the last ones.
    fn strip(&self, row: usize, out: &mut [i16]) {
        let width = out.len() / SIDE;
        let rows = self.plan.height.div_ceil(self.scale);
        let mut lines = vec![vec![0; width * self.scale]; self.scale];
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            let y = (row * SIDE + y).min(rows - 1);
            for (i, line) in lines.iter_mut().enumerate() {
                self.line((y * self.scale + i).min(self.plan.height - 1), line);
            }
            match lines.as_slice() {
                [line] => out.iter_mut().zip(line).for_each(|(out, &sample)| *out = i16::from(sample) - 128),
                [top, bottom] => halve(top, bottom, out),
                _ => {}
            }
        }
    }

    /// The samples of a row of pixels; beyond the edge, the last one.
    fn line(&self, y: usize, out: &mut [u8]) {
        let Plan { width, channels, .. } = self.plan;
        let row = &self.pixels[y * width * channels..][..width * channels];
        if channels == 1 {
            out.iter_mut().zip(row).for_each(|(out, &grey)| *out = grey);
        } else {
            let (row, _) = row.as_chunks::<3>();
            let plane = self.plane;
            out.iter_mut().zip(row).for_each(|(out, &pixel)| *out = sample(pixel, plane));
        }
        if out.len() > width {
            let last = out[width - 1];
            out[width..].fill(last);
        }
    }
}

/// Means of four samples, of which halves go up in every other column.
fn halve(top: &[u8], bottom: &[u8], out: &mut [i16]) {
    let pairs = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
    for (x, (out, (top, bottom))) in out.iter_mut().zip(pairs).enumerate() {
        let sum: u16 = top.iter().chain(bottom).map(|&sample| u16::from(sample)).sum();
        *out = ((sum + 1 + x as u16 % 2) >> 2) as i16 - 128;
    }
}

/// Brightness or a difference of colour, with 16 bits of fraction.
#[inline(always)]
fn sample([red, green, blue]: [u8; 3], plane: usize) -> u8 {
    const HALF: i32 = 1 << 15;
    const CENTER: i32 = 128 << 16;
    let (r, g, b) = (i32::from(red), i32::from(green), i32::from(blue));
    let sum = match plane {
        0 => 19595 * r + 38470 * g + 7471 * b + HALF,
        1 => -11059 * r - 21709 * g + 32768 * b + CENTER + HALF - 1,
        _ => 32768 * r - 27439 * g - 5329 * b + CENTER + HALF - 1,
    };
    (sum >> 16) as u8
}

fn quantised(samples: &[i16], stride: usize, steps: &[u16; 64]) -> Block {
    let mut values: [[i32; 8]; 8] =
        std::array::from_fn(|y| std::array::from_fn(|x| i32::from(samples[y * stride + x])));
    values.iter_mut().for_each(|row| *row = transform(*row, None));
    for x in 0..8 {
        let column = transform(std::array::from_fn(|y| values[y][x]), Some(KEPT));
        for (row, value) in values.iter_mut().zip(column) {
            row[x] = value;
        }
    }
    std::array::from_fn(|i| {
        let (value, step) = (values[i / 8][i % 8], i32::from(steps[i]) * 8);
        let size = (value.abs() + step / 2) / step;
        if value < 0 { -size as i16 } else { size as i16 }
    })
}

/// Bits of the transform's factors.
const BITS: u32 = 13;
/// Bits that are kept between its passes.
const KEPT: u32 = 2;

/// The transform along one axis, after Loeffler, Ligtenberg and Moschytz; the second pass takes off what the first kept.
fn transform(v: [i32; 8], second: Option<u32>) -> [i32; 8] {
    let whole = |x: i32| match second {
        Some(kept) => (x + (1 << (kept - 1))) >> kept,
        None => x << KEPT,
    };
    let shift = if second.is_some() { BITS + KEPT } else { BITS - KEPT };
    let part = |x: i32| (x + (1 << (shift - 1))) >> shift;
    let sums: [i32; 4] = std::array::from_fn(|i| v[i] + v[7 - i]);
    let [d0, d1, d2, d3] = std::array::from_fn(|i| v[i] - v[7 - i]);

    let (outer, inner) = (sums[0] + sums[3], sums[1] + sums[2]);
    let (high, low) = (sums[0] - sums[3], sums[1] - sums[2]);
    let z1 = (high + low) * 4433;

    let (z2, z3, z4, z5) = (d3 + d0, d2 + d1, d3 + d1, d2 + d0);
    let both = (z4 + z5) * 9633;
    let (z2, z3) = (z2 * -7373, z3 * -20995);
    let (z4, z5) = (z4 * -16069 + both, z5 * -3196 + both);
    [
        whole(outer + inner),
        part(d0 * 12299 + z2 + z5),
        part(z1 + high * 6270),
        part(d1 * 25172 + z3 + z4),
        whole(outer - inner),
        part(d2 * 16819 + z3 + z5),
        part(z1 - low * 15137),
        part(d3 * 2446 + z2 + z4),
    ]
}
