//! The bank of filters that sums frequencies as an ear does.

/// Triangular filters whose centres are evenly spaced in mel.
///
/// Each frequency belongs to the falling side of one filter and to the rising side of the next.
#[derive(Clone, Debug)]
pub(crate) struct FilterBank {
    channels: usize,
    /// For each frequency that counts, from `start` on, which filters it belongs to and how much to the first of both.
    bins: Vec<(Falling, f64)>,
    start: usize,
}

/// The filter on whose falling side a frequency lies; none if it is below the first centre.
type Falling = Option<usize>;

/// What a filter bank is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// Number of frequencies of a spectrum; the last is half the sample rate.
    pub bins: usize,
    /// Samples per second.
    pub sample_rate: i32,
    /// The lowest frequency that counts.
    pub lower: f64,
    /// The highest frequency that counts.
    pub upper: f64,
}

fn to_mel(frequency: f64) -> f64 {
    1127.0 * (frequency / 700.0).ln_1p()
}

impl FilterBank {
    /// A bank of filters; `None` if there is none for this range.
    pub fn new(range: Range, channels: usize) -> Option<FilterBank> {
        let Range { bins, sample_rate, lower, upper } = range;
        if channels < 1 || sample_rate <= 0 || bins < 2 || lower < 0.0 || upper <= lower {
            return None;
        }
        let low = to_mel(lower);
        let spacing = (to_mel(upper) - low) / (channels + 1) as f64;
        let centre = |channel: usize| low + spacing * (channel + 1) as f64;
        let width = 0.5 * f64::from(sample_rate) / (bins - 1) as f64;
        // The frequency zero never counts.
        let (start, end) = ((1.5 + lower / width) as usize, (upper / width).floor());
        // A spectrum that does not reach the upper frequency is left out altogether.
        if end.is_nan() || end >= bins as f64 {
            return Some(FilterBank { channels: 0, bins: Vec::new(), start: 0 });
        }
        let mut next = 0;
        let weigh = |bin: usize| {
            let mel = to_mel(bin as f64 * width);
            while next < channels && centre(next) < mel {
                next += 1;
            }
            let (above, below) = (centre(next), if next == 0 { low } else { centre(next - 1) });
            (next.checked_sub(1), (above - mel) / (above - below))
        };
        let bins = (start..end as usize + 1).map(weigh).collect();
        Some(FilterBank { channels, bins, start })
    }

    /// Sums the roots of a spectrum of squared strengths by filter; none if the spectrum does not reach far enough.
    pub fn sum(&self, spectrum: &[f32], sums: &mut Vec<f64>) {
        sums.clear();
        sums.resize(self.channels, 0.0);
        for (&(falling, weight), &squared) in self.bins.iter().zip(spectrum.iter().skip(self.start)) {
            let strength = f64::from(squared).sqrt();
            let weighted = strength * weight;
            if let Some(falling) = falling {
                sums[falling] += weighted;
            }
            let rising = falling.map_or(0, |falling| falling + 1);
            if rising < self.channels {
                sums[rising] += strength - weighted;
            }
        }
    }
}
