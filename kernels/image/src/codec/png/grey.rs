//! The brightness of colours, weighed in linear light when the file tells its gamma.
//!
//! As libpng computes it: through tables, of which those for 16 bits look at fewer bits when 8 are wanted.

/// Weights of red, green and blue by ITU-R BT.601, in parts of `1 << 15`.
const WEIGHTS: [u32; 3] = [9797, 19234, 3737];

/// A gamma of one, in the fixed point of PNG files.
const ONE: f64 = 100_000.0;

/// Bits of 16 that matter when 8 are wanted.
const BITS_FOR_8: u32 = 11;

/// How colours become grey.
pub struct Grey {
    is_16: bool,
    gamma: Option<Tables>,
}

/// Tables indexed by a sample's upper bits.
struct Tables {
    /// The lower bits that are left out.
    shift: u32,
    to_linear: Vec<u16>,
    from_linear: Vec<u16>,
    /// For samples that are grey already.
    whole: Option<Vec<u16>>,
}

impl Grey {
    /// For samples of 8 or 16 bits, of which 16 or 8 are wanted, in a file of this gamma (0 if it tells none).
    pub fn new(is_16: bool, wants_16: bool, significant_bits: u32, gamma: u32) -> Grey {
        let gamma = f64::from(gamma);
        let tables = is_significant(gamma).then(|| match is_16 {
            false => Tables::of_8(gamma),
            true => Tables::of_16(gamma, significant_bits, wants_16),
        });
        Grey { is_16, gamma: tables.filter(|_| gamma > 0.0) }
    }

    /// The brightness of a colour.
    pub fn of(&self, color: [u16; 3]) -> u16 {
        let is_grey = color[0] == color[1] && color[0] == color[2];
        match &self.gamma {
            None if is_grey => color[0],
            None => weigh(color, if self.is_16 { 1 << 14 } else { 0 }),
            Some(tables) if is_grey => {
                tables.whole.as_ref().map_or(color[0], |whole| tables.look(whole, color[0]))
            }
            Some(tables) => {
                let linear = weigh(color.map(|sample| tables.look(&tables.to_linear, sample)), 1 << 14);
                tables.look(&tables.from_linear, linear)
            }
        }
    }
}

fn weigh(color: [u16; 3], half: u32) -> u16 {
    let sum: u32 = color.iter().zip(WEIGHTS).map(|(&sample, weight)| u32::from(sample) * weight).sum();
    ((sum + half) >> 15) as u16
}

/// Whether a gamma differs from one by more than a twentieth.
fn is_significant(gamma: f64) -> bool {
    (gamma - ONE).abs() > 5000.0
}

/// `1 / gamma`, rounded to fixed point.
fn reciprocal(gamma: f64) -> f64 {
    (1e10 / gamma + 0.5).floor()
}

impl Tables {
    fn of_8(gamma: f64) -> Tables {
        let table = |gamma: f64| -> Vec<u16> {
            let power = |i: f64| (255.0 * (i / 255.0).powf(gamma / ONE) + 0.5).floor();
            let exact = !is_significant(gamma);
            (0..256_u16).map(|i| if exact { i } else { power(f64::from(i)) as u16 }).collect()
        };
        let screen = reciprocal(gamma);
        Tables {
            shift: 0,
            to_linear: table(reciprocal(gamma)),
            from_linear: table(reciprocal(screen)),
            whole: None,
        }
    }

    fn of_16(gamma: f64, significant_bits: u32, wants_16: bool) -> Tables {
        let mut shift = if (1..16).contains(&significant_bits) { 16 - significant_bits } else { 0 };
        if !wants_16 {
            shift = shift.max(16 - BITS_FOR_8);
        }
        let shift = shift.min(8);
        let screen = reciprocal(gamma);
        let whole = if wants_16 { table_16(shift, ONE) } else { table_16_to_8(shift, gamma * screen / ONE) };
        Tables {
            shift,
            to_linear: table_16(shift, reciprocal(gamma)),
            from_linear: table_16(shift, reciprocal(screen)),
            whole: Some(whole),
        }
    }

    fn look(&self, table: &[u16], sample: u16) -> u16 {
        table[usize::from(sample >> self.shift)]
    }
}

/// Powers of samples without their lowest bits, in 16 bits.
fn table_16(shift: u32, gamma: f64) -> Vec<u16> {
    let last = (1_u32 << (16 - shift)) - 1;
    let entry = |i: u32| match is_significant(gamma) {
        true => (65535.0 * (f64::from(i) * (1.0 / f64::from(last))).powf(gamma / ONE) + 0.5).floor() as u16,
        false if shift == 0 => i as u16,
        false => ((u64::from(i) * 65535 + (1 << (15 - shift))) / u64::from(last)) as u16,
    };
    (0..=last).map(entry).collect()
}

/// Powers of samples, rounded to 8 bits, in 16 bits; `gamma` is that of the inverse.
fn table_16_to_8(shift: u32, gamma: f64) -> Vec<u16> {
    let last = (1_u32 << (16 - shift)) - 1;
    let mut table = Vec::with_capacity(last as usize + 1);
    for value in (0..255_u16).map(|i| i * 257) {
        let edge = f64::from(value + 128) / 65535.0;
        let bound = (65535.0 * edge.powf((gamma + 0.5).floor() / ONE) + 0.5).floor() as u32;
        let bound = (bound * last + 32768) / 65535 + 1;
        table.resize(table.len().max(bound as usize), value);
    }
    table.resize(last as usize + 1, u16::MAX);
    table
}
