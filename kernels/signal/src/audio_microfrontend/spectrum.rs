//! The spectrum of a window of sound, in 16-bit fixed-point numbers.

/// Bits behind the point of a window's weights.
const WINDOW_BITS: u32 = 12;
/// Bits behind the point of all other numbers.
const BITS: u32 = 15;

/// A complex number of 16-bit fixed-point parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub re: i16,
    pub im: i16,
}

impl Fixed {
    /// The point of the unit circle at an angle.
    fn at(phase: f64) -> Fixed {
        let part = |x: f64| (0.5 + f64::from(i16::MAX) * x).floor() as i16;
        Fixed { re: part(phase.cos()), im: part(phase.sin()) }
    }

    fn plus(self, other: Fixed) -> Fixed {
        Fixed { re: self.re.wrapping_add(other.re), im: self.im.wrapping_add(other.im) }
    }

    fn minus(self, other: Fixed) -> Fixed {
        Fixed { re: self.re.wrapping_sub(other.re), im: self.im.wrapping_sub(other.im) }
    }

    fn times(self, other: Fixed) -> Fixed {
        let product = |a: i16, b: i16| i32::from(a) * i32::from(b);
        let re = product(self.re, other.re).wrapping_sub(product(self.im, other.im));
        let im = product(self.re, other.im).wrapping_add(product(self.im, other.re));
        Fixed { re: rounded(re), im: rounded(im) }
    }

    /// Divided by a small number, by a product with its reciprocal.
    fn over(self, divisor: i32) -> Fixed {
        let factor = i32::from(i16::MAX) / divisor;
        let part = |x: i16| rounded(i32::from(x) * factor);
        Fixed { re: part(self.re), im: part(self.im) }
    }
}

/// A product with as many bits behind the point as its factors.
fn rounded(product: i32) -> i16 {
    (product.wrapping_add(1 << (BITS - 1)) >> BITS) as i16
}

/// A transform of real numbers, of which there are as many as a power of two.
#[derive(Debug)]
pub(crate) struct Spectrum {
    weights: Vec<i16>,
    /// Of the transform of half as many complex numbers.
    twiddles: Vec<Fixed>,
    /// Of what makes its result one of real numbers.
    last: Vec<Fixed>,
}

impl Spectrum {
    /// For windows of `size` samples; `None` when there is but one.
    pub fn new(size: usize) -> Option<Spectrum> {
        let half = size.next_power_of_two() / 2;
        if half == 0 {
            return None;
        }
        let turn = f64::from((std::f64::consts::TAU / f64::from(size as f32)) as f32);
        let weight = |i: usize| {
            let weight = (0.5 - 0.5 * (turn * (i as f64 + 0.5)).cos()) as f32;
            (f64::from(weight * (1 << WINDOW_BITS) as f32) + 0.5).floor() as i16
        };
        let pi = std::f64::consts::PI;
        let twiddle = |i: usize| Fixed::at(-2.0 * pi * i as f64 / half as f64);
        let last = |i: usize| Fixed::at(-pi * ((i as f64 + 1.0) / half as f64 + 0.5));
        Some(Spectrum {
            weights: (0..size).map(weight).collect(),
            twiddles: (0..half).map(twiddle).collect(),
            last: (0..half / 2).map(last).collect(),
        })
    }

    /// Number of samples, filled up with zeros to a power of two.
    pub fn len(&self) -> usize {
        2 * self.twiddles.len()
    }

    /// The frequencies of a window, and the number of bits by which its samples were scaled up before.
    pub fn of(&self, samples: &[i16]) -> (Vec<Fixed>, u32) {
        let weigh = |(&sample, &weight): (&i16, &i16)| {
            (i32::from(sample).wrapping_mul(i32::from(weight)) >> WINDOW_BITS) as i16
        };
        let mut weighted: Vec<i16> = samples.iter().zip(&self.weights).map(weigh).collect();
        let most = weighted.iter().map(|&x| x.wrapping_abs()).max().unwrap_or(0).max(0);
        let shift = most.leading_zeros() - 1;
        weighted.iter_mut().for_each(|x| *x <<= shift);
        weighted.resize(self.len(), 0);
        let pairs: Vec<Fixed> = weighted.chunks_exact(2).map(|x| Fixed { re: x[0], im: x[1] }).collect();
        let mut out = vec![Fixed::default(); pairs.len()];
        self.transform(&mut out, &pairs, 1);
        (self.real(&out), shift)
    }

    /// Writes the transform of every `stride`th number.
    fn transform(&self, out: &mut [Fixed], numbers: &[Fixed], stride: usize) {
        let radix = match out.len() {
            1 => {
                // A transform of one number is still a division by one.
                out[0] = if stride == 1 { numbers[0].over(1) } else { numbers[0] };
                return;
            }
            n if n % 4 == 0 => 4,
            _ => 2,
        };
        let part = out.len() / radix;
        for (i, out) in out.chunks_exact_mut(part).enumerate() {
            self.transform(out, &numbers[i * stride..], stride * radix);
        }
        for k in 0..part {
            let at = |i: usize| self.twiddles[i * k * stride];
            if radix == 2 {
                let (a, b) = (out[k].over(2), out[k + part].over(2).times(at(1)));
                (out[k], out[k + part]) = (a.plus(b), a.minus(b));
                continue;
            }
            let first = out[k].over(4);
            let [a, b, c] = [1, 2, 3].map(|i| out[k + i * part].over(4).times(at(i)));
            let (low, high) = (first.plus(b), first.minus(b));
            let (sum, rest) = (a.plus(c), a.minus(c));
            let turned = Fixed { re: rest.im, im: rest.re.wrapping_neg() };
            out[k] = low.plus(sum);
            out[k + part] = high.plus(turned);
            out[k + 2 * part] = low.minus(sum);
            out[k + 3 * part] = high.minus(turned);
        }
    }

    /// The transform of real numbers from that of their pairs.
    fn real(&self, pairs: &[Fixed]) -> Vec<Fixed> {
        let half = pairs.len();
        let mut out = vec![Fixed::default(); half + 1];
        let first = pairs[0].over(2);
        out[0].re = first.re.wrapping_add(first.im);
        out[half].re = first.re.wrapping_sub(first.im);
        let halved = |a: i16, b: i32| ((i32::from(a) + b) >> 1) as i16;
        for (k, &last) in (1..).zip(&self.last) {
            let (here, there) = (pairs[k].over(2), pairs[half - k]);
            let there = Fixed { re: there.re, im: there.im.wrapping_neg() }.over(2);
            let (sum, turned) = (here.plus(there), here.minus(there).times(last));
            let (re, im) = (i32::from(turned.re), i32::from(turned.im));
            out[k] = Fixed { re: halved(sum.re, re), im: halved(sum.im, im) };
            out[half - k] = Fixed { re: halved(sum.re, -re), im: halved(turned.im, -i32::from(sum.im)) };
        }
        out
    }
}
