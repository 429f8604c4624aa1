//! Inverse cosine transforms, in the integers of libjpeg-turbo's vector code.

use savedmodel_math::simd::{self, Isa};

use super::block::Block;

/// Eight columns, or rows, side by side.
type Lanes<T> = [T; 8];

/// Which transform, and the factors that its coefficients have.
pub enum Transform {
    /// The fast one, with 8 bits of precision.
    Fast([i16; 64]),
    /// The accurate one, with 13 bits.
    Accurate([i16; 64]),
    /// To 4, 2 or 1 samples a side.
    Reduced([i16; 64], usize),
}

impl Transform {
    /// The transform to blocks of `side` samples, for coefficients of these steps.
    pub fn new(steps: &[u16; 64], side: usize, accurate: bool) -> Transform {
        let plain = steps.map(|step| step as i16);
        match side {
            8 if accurate => Transform::Accurate(plain),
            8 => Transform::Fast(std::array::from_fn(|i| {
                ((i32::from(steps[i]) * i32::from(SCALES[i]) + (1 << 11)) >> 12) as i16
            })),
            side => Transform::Reduced(plain, side),
        }
    }

    /// Writes the samples of a block, of which rows are `stride` apart.
    #[inline(always)]
    fn apply(&self, block: &Block, out: &mut [u8], stride: usize) {
        match self {
            Transform::Fast(factors) => write(fast(block, factors), out, stride),
            Transform::Accurate(factors) => write(accurate(block, factors), out, stride),
            Transform::Reduced(factors, 4) => reduced_4(block, factors, out, stride),
            Transform::Reduced(factors, 2) => reduced_2(block, factors, out, stride),
            Transform::Reduced(factors, _) => {
                let sum = i32::from(block[0]).wrapping_mul(i32::from(factors[0]));
                // This one alone has no vector code: numbers far outside come round.
                out[0] = sample((((sum + 4) >> 3) << 22) >> 22);
            }
        }
    }
}

/// A row of blocks, and their samples.
pub struct Strip<'a> {
    /// The transform.
    pub transform: &'a Transform,
    /// The blocks.
    pub blocks: &'a [Block],
    /// Rows of samples.
    pub out: &'a mut [u8],
    /// Samples along a side of a block.
    pub side: usize,
}

impl simd::Kernel for Strip<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let stride = self.blocks.len() * self.side;
        for (x, block) in self.blocks.iter().enumerate() {
            self.transform.apply(block, &mut self.out[x * self.side..], stride);
        }
    }
}

#[inline(always)]
fn write(rows: [Lanes<u8>; 8], out: &mut [u8], stride: usize) {
    for (y, row) in rows.iter().enumerate() {
        out[y * stride..][..8].copy_from_slice(row);
    }
}

/// A sample around zero as a byte.
#[inline(always)]
fn sample(x: i32) -> u8 {
    (x.clamp(-128, 127) + 128) as u8
}

/// The scale of each coefficient in the fast transform, in parts of `1 << 14`.
#[rustfmt::skip]
const SCALES: [u16; 64] = [
    16384, 22725, 21407, 19266, 16384, 12873,  8867,  4520,
    22725, 31521, 29692, 26722, 22725, 17855, 12299,  6270,
    21407, 29692, 27969, 25172, 21407, 16819, 11585,  5906,
    19266, 26722, 25172, 22654, 19266, 15137, 10426,  5315,
    16384, 22725, 21407, 19266, 16384, 12873,  8867,  4520,
    12873, 17855, 16819, 15137, 12873, 10114,  6967,  3552,
     8867, 12299, 11585, 10426,  8867,  6967,  4799,  2446,
     4520,  6270,  5906,  5315,  4520,  3552,  2446,  1247,
];

/// The coefficients times their factors, row by row.
#[inline(always)]
fn scaled(block: &Block, factors: &[i16; 64]) -> [Lanes<i16>; 8] {
    std::array::from_fn(|y| std::array::from_fn(|x| block[y * 8 + x].wrapping_mul(factors[y * 8 + x])))
}

#[inline(always)]
fn transposed<T: Copy>(rows: [Lanes<T>; 8]) -> [Lanes<T>; 8] {
    std::array::from_fn(|y| std::array::from_fn(|x| rows[x][y]))
}

#[inline(always)]
fn add(a: Lanes<i16>, b: Lanes<i16>) -> Lanes<i16> {
    std::array::from_fn(|i| a[i].wrapping_add(b[i]))
}

#[inline(always)]
fn sub(a: Lanes<i16>, b: Lanes<i16>) -> Lanes<i16> {
    std::array::from_fn(|i| a[i].wrapping_sub(b[i]))
}

/// Times a factor in parts of 256, rounded down; numbers of more than 14 bits lose their highest.
#[inline(always)]
fn times(a: Lanes<i16>, factor: i32) -> Lanes<i16> {
    std::array::from_fn(|i| ((i32::from(a[i] << 2) * (factor << 6)) >> 16) as i16)
}

#[inline(always)]
fn fast(block: &Block, factors: &[i16; 64]) -> [Lanes<u8>; 8] {
    let columns = fast_pass(scaled(block, factors));
    let rows = fast_pass(transposed(columns));
    transposed(rows.map(|row| row.map(|x| sample(i32::from(x >> 5)))))
}

/// The transform along one axis, after Arai, Agui and Nakajima.
#[inline(always)]
fn fast_pass(v: [Lanes<i16>; 8]) -> [Lanes<i16>; 8] {
    const ROOT_2: i32 = 362;
    const C_1_848: i32 = 473;
    const C_1_082: i32 = 277;
    // Less one, which is taken from the product, as 2.613 would not fit.
    const C_1_613: i32 = 669 - 256;

    let (sum, difference) = (add(v[0], v[4]), sub(v[0], v[4]));
    let outer = add(v[2], v[6]);
    let inner = sub(times(sub(v[2], v[6]), ROOT_2), outer);
    let even = [add(sum, outer), add(difference, inner), sub(difference, inner), sub(sum, outer)];

    let (z13, z10) = (add(v[5], v[3]), sub(v[5], v[3]));
    let (z11, z12) = (add(v[1], v[7]), sub(v[1], v[7]));
    let odd_0 = add(z11, z13);
    let z5 = times(add(z10, z12), C_1_848);
    let odd_1 = sub(add(sub(times(z10, -C_1_613), z10), z5), odd_0);
    let odd_2 = sub(times(sub(z11, z13), ROOT_2), odd_1);
    let odd_3 = add(sub(times(z12, C_1_082), z5), odd_2);
    [
        add(even[0], odd_0),
        add(even[1], odd_1),
        add(even[2], odd_2),
        sub(even[3], odd_3),
        add(even[3], odd_3),
        sub(even[2], odd_2),
        sub(even[1], odd_1),
        sub(even[0], odd_0),
    ]
}

/// Bits of the accurate transform's factors.
const BITS: u32 = 13;
/// Bits that are kept between its passes.
const KEPT: u32 = 2;

#[inline(always)]
fn accurate(block: &Block, factors: &[i16; 64]) -> [Lanes<u8>; 8] {
    let input = scaled(block, factors).map(|row| row.map(i32::from));
    let columns = match block[8..].iter().all(|&x| x == 0) {
        true => [input[0].map(kept); 8],
        false => accurate_pass(input, BITS - KEPT).map(|row| row.map(narrow)),
    };
    let rows = accurate_pass(transposed(columns), BITS + KEPT + 3);
    transposed(rows.map(|row| row.map(sample)))
}

/// What fits into 16 bits.
#[inline(always)]
fn narrow(x: i32) -> i32 {
    x.clamp(i16::MIN.into(), i16::MAX.into())
}

/// What the first pass makes of columns with one coefficient: here the highest bits are lost.
#[inline(always)]
fn kept(x: i32) -> i32 {
    i32::from((x << KEPT) as i16)
}

/// The transform along one axis, after Loeffler, Ligtenberg and Moschytz; results lose `shift` bits.
#[inline(always)]
fn accurate_pass(v: [Lanes<i32>; 8], shift: u32) -> [Lanes<i32>; 8] {
    let mut out = [[0; 8]; 8];
    for i in 0..8 {
        let lane = accurate_lane(std::array::from_fn(|k| v[k][i]));
        for k in 0..8 {
            out[k][i] = lane[k].wrapping_add(1 << (shift - 1)) >> shift;
        }
    }
    out
}

#[inline(always)]
fn accurate_lane(v: [i32; 8]) -> [i32; 8] {
    let z1 = (v[2] + v[6]) * 4433;
    let (low, high) = (z1 - v[6] * 15137, z1 + v[2] * 6270);
    let (sum, difference) = ((v[0] + v[4]) << BITS, (v[0] - v[4]) << BITS);
    let even = [sum + high, difference + low, difference - low, sum - high];

    let (z1, z2) = (v[7] + v[1], v[5] + v[3]);
    let (z3, z4) = (v[7] + v[3], v[5] + v[1]);
    let z5 = (z3 + z4) * 9633;
    let (z1, z2) = (z1 * -7373, z2 * -20995);
    // Only damaged files have numbers so large that these come round.
    let (z3, z4) = (z5.wrapping_add(z3 * -16069), z5.wrapping_add(z4 * -3196));
    let odd = [
        (v[1] * 12299).wrapping_add(z1).wrapping_add(z4),
        (v[3] * 25172).wrapping_add(z2).wrapping_add(z3),
        (v[5] * 16819).wrapping_add(z2).wrapping_add(z4),
        (v[7] * 2446).wrapping_add(z1).wrapping_add(z3),
    ];
    std::array::from_fn(|k| match k {
        0..4 => even[k].wrapping_add(odd[k]),
        _ => even[7 - k].wrapping_sub(odd[7 - k]),
    })
}

/// A coefficient times its factor.
fn value(block: &Block, factors: &[i16; 64], at: usize) -> i32 {
    i32::from(block[at].wrapping_mul(factors[at]))
}

/// Rounds `shift` bits off.
fn descale(x: i32, shift: u32) -> i32 {
    x.wrapping_add(1 << (shift - 1)) >> shift
}

fn reduced_4(block: &Block, factors: &[i16; 64], out: &mut [u8], stride: usize) {
    let mut rows = [[0; 8]; 4];
    let is_flat = (8..64).filter(|at| !(32..40).contains(at)).all(|at| block[at] == 0);
    // The second pass does not look at column 4.
    for x in [0, 1, 2, 3, 5, 6, 7] {
        let column = lane_4(std::array::from_fn(|y| value(block, factors, y * 8 + x)));
        for (row, sum) in rows.iter_mut().zip(column) {
            row[x] = match is_flat {
                true => kept(value(block, factors, x)),
                false => narrow(descale(sum, BITS - KEPT + 1)),
            };
        }
    }
    for (y, row) in rows.into_iter().enumerate() {
        for (out, sum) in out[y * stride..][..4].iter_mut().zip(lane_4(row)) {
            *out = sample(descale(sum, BITS + KEPT + 3 + 1));
        }
    }
}

fn lane_4(v: [i32; 8]) -> [i32; 4] {
    let first = v[0] << (BITS + 1);
    let second = v[2] * 15137 - v[6] * 6270;
    let inner = v[7] * -1730 + v[5] * 11893 + v[3] * -17799 + v[1] * 8697;
    let outer = v[7] * -4176 + v[5] * -4926 + v[3] * 7373 + v[1] * 20995;
    let (high, low) = (first.wrapping_add(second), first.wrapping_sub(second));
    [high.wrapping_add(outer), low.wrapping_add(inner), low.wrapping_sub(inner), high.wrapping_sub(outer)]
}

fn reduced_2(block: &Block, factors: &[i16; 64], out: &mut [u8], stride: usize) {
    let mut rows = [[0; 8]; 2];
    for x in [0, 1, 3, 5, 7] {
        let column = lane_2(std::array::from_fn(|y| value(block, factors, y * 8 + x)));
        for (row, sum) in rows.iter_mut().zip(column) {
            row[x] = narrow(descale(sum, BITS - KEPT + 2));
        }
    }
    for (y, row) in rows.into_iter().enumerate() {
        for (out, sum) in out[y * stride..][..2].iter_mut().zip(lane_2(row)) {
            *out = sample(descale(sum, BITS + KEPT + 3 + 2));
        }
    }
}

fn lane_2(v: [i32; 8]) -> [i32; 2] {
    let first = v[0] << (BITS + 2);
    let other = v[7] * -5906 + v[5] * 6967 + v[3] * -10426 + v[1] * 29692;
    [first.wrapping_add(other), first.wrapping_sub(other)]
}
