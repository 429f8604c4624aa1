//! Planes to the channels of an image.

use savedmodel_math::simd::{self, Isa};

/// How planes become channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// The first plane alone.
    Grey,
    /// The first plane three times.
    GreyToRgb,
    /// Brightness and two differences to red, green and blue.
    YCbCrToRgb,
    /// As they are.
    Rgb,
    /// The brightness of red, green and blue.
    RgbToGrey,
    /// Ink to light; inverted ink where Adobe's software wrote it.
    CmykToRgb { inverted: bool },
    /// Differences of ink to ink to light.
    YcckToRgb { inverted: bool },
}

impl Conversion {
    /// Planes that are looked at.
    pub fn planes(self) -> usize {
        match self {
            Conversion::Grey | Conversion::GreyToRgb => 1,
            Conversion::YCbCrToRgb | Conversion::Rgb | Conversion::RgbToGrey => 3,
            Conversion::CmykToRgb { .. } | Conversion::YcckToRgb { .. } => 4,
        }
    }

    /// Channels of the image.
    pub fn channels(self) -> usize {
        if matches!(self, Conversion::Grey | Conversion::RgbToGrey) { 1 } else { 3 }
    }

    #[inline(always)]
    fn row(self, planes: &[Vec<u8>], out: &mut [u8]) {
        match (self, planes) {
            (Conversion::Grey, [grey]) => out.copy_from_slice(&grey[..out.len()]),
            (Conversion::GreyToRgb, [grey]) => {
                let (out, _) = out.as_chunks_mut::<3>();
                out.iter_mut().zip(grey).for_each(|(out, &grey)| *out = [grey; 3]);
            }
            (Conversion::YCbCrToRgb, [a, b, c]) => each([a, b, c], out, |[y, cb, cr]| rgb(y, cb, cr)),
            (Conversion::Rgb, [a, b, c]) => each([a, b, c], out, |pixel| pixel),
            (Conversion::RgbToGrey, [a, b, c]) => {
                for (((out, &r), &g), &b) in out.iter_mut().zip(a).zip(b).zip(c) {
                    let sum = 19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b);
                    *out = ((sum + (1 << 15)) >> 16) as u8;
                }
            }
            (Conversion::CmykToRgb { inverted }, [a, b, c, d]) => {
                each([a, b, c, d], out, |[c, m, y, k]| light([c, m, y], k, inverted));
            }
            (Conversion::YcckToRgb { inverted }, [a, b, c, d]) => {
                each([a, b, c, d], out, |[y, cb, cr, k]| light(rgb(y, cb, cr).map(|x| 255 - x), k, inverted))
            }
            _ => {}
        }
    }
}

/// A row of pixels from one row of each plane.
pub struct Pixels<'a> {
    /// How planes become channels.
    pub conversion: Conversion,
    /// The rows of the planes.
    pub planes: &'a [Vec<u8>],
    /// The pixels.
    pub out: &'a mut [u8],
}

impl simd::Kernel for Pixels<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.conversion.row(self.planes, self.out);
    }
}

#[inline(always)]
fn each<const N: usize>(planes: [&Vec<u8>; N], out: &mut [u8], f: impl Fn([u8; N]) -> [u8; 3]) {
    let (out, _) = out.as_chunks_mut::<3>();
    let planes = planes.map(|plane| &plane[..out.len()]);
    for (x, out) in out.iter_mut().enumerate() {
        *out = f(planes.map(|plane| plane[x]));
    }
}

/// Red, green and blue of brightness and differences, in 16 bits of fraction.
#[inline(always)]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91881 * cr + HALF) >> 16);
    let green = y + ((-22554 * cb - 46802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|x| x.clamp(0, 255) as u8)
}

/// The light that ink and black leave.
#[inline(always)]
fn light(ink: [u8; 3], black: u8, inverted: bool) -> [u8; 3] {
    let flip = |x: u8| u32::from(if inverted { x } else { 255 - x });
    ink.map(|ink| (flip(black) * flip(ink) / 255) as u8)
}
