//! What is done to the strengths of bands: noise is taken away, loudness evened out, logarithms taken.

/// Bits behind the point of rates of smoothing.
const SMOOTHING_BITS: u32 = 14;
/// Bits behind the point of the ratio of signal to noise.
const RATIO_BITS: u32 = 12;
/// Bits behind the point of what the gain makes of it.
const GAIN_BITS: u32 = 6;

/// A number as the compiler of TensorFlow's kernel makes it of a float on x86.
fn truncated(x: f32) -> i32 {
    if x >= i32::MIN as f32 && x < i32::MAX as f32 { x as i32 } else { i32::MIN }
}

/// An estimate of the noise in each band, which follows it slowly.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    pub bits: i32,
    rates: [u32; 2],
    floor: u32,
    estimates: Vec<u32>,
}

impl Noise {
    /// `rates` are those of even and odd bands; `floor` is what part of a signal always stays.
    pub fn new(bits: i32, rates: [f32; 2], floor: f32, bands: usize) -> Noise {
        let fixed = |x: f32| u32::from(truncated(x * (1 << SMOOTHING_BITS) as f32) as u16);
        // The floor is kept in 16 bits too.
        Noise { bits, rates: rates.map(fixed), floor: fixed(floor), estimates: vec![0; bands] }
    }

    pub fn reduce(&mut self, signal: &mut [u32]) {
        let (bits, floor) = (self.bits as u32, u64::from(self.floor));
        for (i, (x, kept)) in signal.iter_mut().zip(&mut self.estimates).enumerate() {
            let rate = self.rates[i % 2];
            let rest = (1_u32 << SMOOTHING_BITS).wrapping_sub(rate);
            let scaled = x.wrapping_shl(bits);
            let (new, old) = (u64::from(scaled) * u64::from(rate), u64::from(*kept) * u64::from(rest));
            *kept = (new.wrapping_add(old) >> SMOOTHING_BITS) as u32;
            let floor = ((u64::from(*x) * floor) >> SMOOTHING_BITS) as u32;
            *x = (scaled - scaled.min(*kept)).wrapping_shr(bits).max(floor);
        }
    }
}

/// What evens out loudness: a gain for each estimate of noise, which quadratic curves between powers of two give.
#[derive(Debug)]
pub(crate) struct Gain {
    curves: Vec<[i16; 3]>,
    shift: u32,
}

impl Gain {
    /// `noise_bits` are those by which estimates of noise are scaled, `correction` those that the spectrum scales by.
    pub fn new((strength, offset, bits): (f32, f32, i32), noise_bits: i32, correction: i32) -> Gain {
        let scale = |bits: i32| 1_u32.wrapping_shl(bits as u32) as f32;
        let input = scale(noise_bits.wrapping_sub(correction));
        let at = |x: u32| {
            let power = f64::from(x as f32 / input + offset).powf(f64::from(-strength)) as f32;
            let gain = scale(bits) * power;
            if gain > f32::from(i16::MAX) { i16::MAX } else { truncated(gain + 0.5) as i16 }
        };
        let curve = |interval: u32| {
            let start = 1_u32 << (interval - 1);
            let end = if interval == 32 { start + (start - 1) } else { 2 * start };
            let [y0, y1, y2] = [start, start + start / 2, end].map(|x| i32::from(at(x)));
            let slope = 4 * (y1 - y0) - (y2 - y0);
            [y0 as i16, slope as i16, (y2 - y0 - slope) as i16]
        };
        let points = [0, 1].map(|x| [at(x), 0, 0]);
        let shift = bits.wrapping_sub(correction).wrapping_sub(RATIO_BITS as i32) as u32;
        Gain { curves: points.into_iter().chain((2..=32).map(curve)).collect(), shift }
    }

    fn of(&self, noise: u32) -> i16 {
        let interval = 32 - noise.leading_zeros();
        let [value, slope, bend] = self.curves[interval as usize];
        if noise < 2 {
            return value;
        }
        let part = if interval < 11 { noise << (11 - interval) } else { noise >> (interval - 11) };
        let part = (part & 0x3FF) as i32;
        let curve = ((i32::from(bend) * part) >> 5).wrapping_add(i32::from(slope) << 5).wrapping_mul(part);
        ((curve.wrapping_add(1 << 14) >> 15) + i32::from(value)) as i16
    }

    pub fn apply(&self, signal: &mut [u32], noise: &Noise) {
        for (x, &noise) in signal.iter_mut().zip(&noise.estimates) {
            let gain = i32::from(self.of(noise)) as u32;
            let ratio = (u64::from(*x) * u64::from(gain)).wrapping_shr(self.shift) as u32;
            *x = if ratio < 2 << RATIO_BITS {
                (ratio * ratio) >> (2 + 2 * RATIO_BITS - GAIN_BITS)
            } else {
                (ratio >> (RATIO_BITS - GAIN_BITS)) - (1 << GAIN_BITS)
            };
        }
    }
}

/// The natural logarithm times a power of two, or zero where it would not be above zero.
pub(crate) fn logarithm(x: u32, shift: i32) -> u32 {
    /// Bits behind the point.
    const BITS: u32 = 16;
    /// Straight lines that stand for the logarithm between two powers of two.
    const LINES: u32 = 128;
    const ROUND: u32 = 1 << (BITS - 1);
    if x < 2 {
        return 0;
    }
    let whole = x.ilog2();
    let part = x - (1 << whole);
    let part = if whole < BITS { part << (BITS - whole) } else { part >> (whole - BITS) };
    let above = |line: u32| {
        let x = f64::from(line) / f64::from(LINES);
        (f64::from(1 << BITS) * (x.ln_1p() / std::f64::consts::LN_2 - x)).round() as i32
    };
    let line = part / ((1 << BITS) / LINES);
    let within = (part - line * ((1 << BITS) / LINES)) as i32;
    let (from, to) = (above(line), above(line + 1));
    let binary = (whole << BITS) + part + (from + (((to - from) * within) >> BITS)) as u32;
    let factor = (std::f64::consts::LN_2 * f64::from(1 << BITS)) as u64;
    let natural = ((factor * u64::from(binary) + u64::from(ROUND)) >> BITS) as u32;
    natural.wrapping_shl(shift as u32).wrapping_add(ROUND) >> BITS
}
