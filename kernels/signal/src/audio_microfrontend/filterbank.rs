//! The strengths of overlapping bands of frequencies, which are equally wide on the mel scale.

use super::spectrum::Fixed;

/// Bits behind the point of weights.
pub(crate) const BITS: u32 = 12;

/// What the bands are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    pub count: usize,
    pub lower: f32,
    pub upper: f32,
    pub sample_rate: i32,
}

/// A run of frequencies with what each adds to the band that ends in it, and to the next.
#[derive(Debug)]
struct Slope {
    start: usize,
    weights: Vec<(i16, i16)>,
}

/// The bands over the frequencies of a spectrum.
#[derive(Debug)]
pub(crate) struct Filterbank {
    /// One more than there are bands.
    slopes: Vec<Slope>,
}

fn mel(frequency: f32) -> f32 {
    (1127.0 * (f64::from(frequency) / 700.0).ln_1p()) as f32
}

impl Filterbank {
    /// `None` when the bands do not lie within the spectrum, which has so many frequencies.
    pub fn new(bands: Bands, frequencies: usize) -> Option<Filterbank> {
        let low = mel(bands.lower);
        let spacing = (mel(bands.upper) - low) / (bands.count + 1) as f32;
        let step = (0.5 * f64::from(bands.sample_rate) / f64::from(frequencies as f32 - 1.0)) as f32;
        let first = 1.5 + f64::from(bands.lower / step);
        // The constant part has no band of its own; below it there is nothing.
        if !(first > -1.0 && first < frequencies as f64 + 1.0) {
            return None;
        }
        let mut start = first as usize;
        let mut before = low;
        let mut slopes = Vec::new();
        for band in 0..=bands.count {
            let centre = low + spacing * (band + 1) as f32;
            let mut end = start;
            while mel(end as f32 * step) <= centre {
                end += 1;
                if end >= frequencies {
                    return None;
                }
            }
            let weigh = |at: usize| quantized((centre - mel(at as f32 * step)) / (centre - before));
            slopes.push(Slope { start, weights: (start..end).map(weigh).collect() });
            (start, before) = (end, centre);
        }
        (start < frequencies).then_some(Filterbank { slopes })
    }

    /// The strength of each band, scaled down by so many bits.
    pub fn strengths(&self, spectrum: &[Fixed], shift: u32) -> Vec<u32> {
        let energy = |x: &Fixed| {
            let square = |x: i16| i32::from(x).wrapping_mul(i32::from(x));
            i64::from(square(x.re).wrapping_add(square(x.im))) as u64
        };
        let mut falling = 0_u64;
        let mut strengths = Vec::with_capacity(self.slopes.len());
        for slope in &self.slopes {
            let (mut sum, mut next) = (falling, 0_u64);
            for (x, &(weight, other)) in spectrum[slope.start..].iter().zip(&slope.weights) {
                let energy = energy(x);
                sum = sum.wrapping_add((i64::from(weight) as u64).wrapping_mul(energy));
                next = next.wrapping_add((i64::from(other) as u64).wrapping_mul(energy));
            }
            strengths.push(root(sum) >> shift);
            falling = next;
        }
        strengths.remove(0);
        strengths
    }
}

/// The weight of a frequency, and what is left of one.
fn quantized(weight: f32) -> (i16, i16) {
    let scale = (1 << BITS) as f32;
    let own = (f64::from(weight * scale) + 0.5).floor();
    let other = ((1.0 - f64::from(weight)) * f64::from(scale) + 0.5).floor();
    (own as i32 as i16, other as i32 as i16)
}

/// The rounded square root, which is no larger than its 16 or 32 bits.
fn root(number: u64) -> u32 {
    let most = if number >> 32 == 0 { u64::from(u16::MAX) } else { u64::from(u32::MAX) };
    let root = number.isqrt();
    (root + u64::from(number - root * root > root && root < most)) as u32
}

#[cfg(test)]
mod tests {
    #[test]
    fn roots() {
        for (number, want) in
            [(0, 0), (2, 1), (3, 2), (6, 2), (7, 3), (0xFFFF_FFFF, 0xFFFF), (1 << 32, 1 << 16)]
        {
            assert_eq!(super::root(number), want, "{number}");
        }
        assert_eq!(super::root(u64::MAX), u32::MAX);
    }
}
