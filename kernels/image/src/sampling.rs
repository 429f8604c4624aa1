//! Curves through which images are sampled.

use std::f32::consts::PI;

/// A curve that is even, and zero beyond its radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// Sine over its argument, damped by a wider one, within this radius.
    Lanczos(f32),
    /// A bell with a deviation of 0.5.
    Gaussian,
    /// One within half a pixel.
    Box,
    /// Falls in a line to zero at one pixel.
    Triangle,
    /// Keys' cubic.
    KeysCubic,
    /// The cubic of Mitchell and Netravali.
    MitchellCubic,
}

impl Curve {
    /// The curve that TensorFlow calls so.
    pub fn named(name: &str) -> Option<Curve> {
        Some(match name {
            "lanczos1" => Curve::Lanczos(1.0),
            "lanczos3" => Curve::Lanczos(3.0),
            "lanczos5" => Curve::Lanczos(5.0),
            "gaussian" => Curve::Gaussian,
            "box" => Curve::Box,
            "triangle" => Curve::Triangle,
            "keyscubic" => Curve::KeysCubic,
            "mitchellcubic" => Curve::MitchellCubic,
            _ => return None,
        })
    }

    /// Where it ends.
    pub fn radius(self) -> f32 {
        match self {
            Curve::Lanczos(radius) => radius,
            Curve::Gaussian => 1.5,
            Curve::Box | Curve::Triangle => 1.0,
            Curve::KeysCubic | Curve::MitchellCubic => 2.0,
        }
    }

    /// Its value at `x`, which is not negative.
    pub fn at(self, x: f32) -> f32 {
        match self {
            Curve::Lanczos(radius) if x > radius => 0.0,
            Curve::Lanczos(_) if x <= 1e-3 => 1.0,
            Curve::Lanczos(radius) => radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * PI * x * x),
            Curve::Gaussian if x >= 1.5 => 0.0,
            Curve::Gaussian => (f64::from(-x * x) / 0.5).exp() as f32,
            Curve::Box if x == 0.5 => 0.5,
            Curve::Box => f32::from(u8::from(x < 0.5)),
            Curve::Triangle => (1.0 - x).max(0.0),
            Curve::KeysCubic | Curve::MitchellCubic if x >= 2.0 => 0.0,
            Curve::KeysCubic if x >= 1.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Curve::KeysCubic => ((1.5 * x - 2.5) * x) * x + 1.0,
            Curve::MitchellCubic if x >= 1.0 => (((-7.0 / 18.0) * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0,
            Curve::MitchellCubic => (((7.0 / 6.0) * x - 2.0) * x) * x + 8.0 / 9.0,
        }
    }
}
