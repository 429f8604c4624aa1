//! Images to files.

use savedmodel_tensor::{Bytes, Error, Result};

use super::coder::{Coder, Counts};
use super::forward::{Plan, planes};
use super::header::ZIGZAG;
use super::huffman::{Code, standard};
use super::optimal::optimal;
use super::writer::Writer;

/// How an image is encoded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From 0 to 100.
    pub quality: u32,
    /// Whether the image comes in scans of rising precision.
    pub progressive: bool,
    /// Whether codes are made for the image.
    pub optimize: bool,
    /// Whether colour has half the image's height and width.
    pub downsample: bool,
    /// 1 for pixels per inch, 2 per centimetre.
    pub density_unit: u8,
    /// Pixels per unit, across and down.
    pub density: [u16; 2],
    /// An XMP packet, if not empty.
    pub metadata: Bytes,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            quality: 95,
            progressive: false,
            optimize: false,
            downsample: true,
            density_unit: 1,
            density: [300; 2],
            metadata: Bytes::new(),
        }
    }
}

/// One scan: planes, first and last coefficient, bits known before and left after.
#[derive(Clone, Copy, Debug)]
struct Scan(&'static [usize], [usize; 2], [u32; 2]);

const SEQUENTIAL: [&[Scan]; 2] = [&[Scan(&[0], [0, 63], [0, 0])], &[Scan(&[0, 1, 2], [0, 63], [0, 0])]];

/// The scans of libjpeg's simple progression, for grey and for colours.
const PROGRESSIVE: [&[Scan]; 2] = [
    &[
        Scan(&[0], [0, 0], [0, 1]),
        Scan(&[0], [1, 5], [0, 2]),
        Scan(&[0], [6, 63], [0, 2]),
        Scan(&[0], [1, 63], [2, 1]),
        Scan(&[0], [0, 0], [1, 0]),
        Scan(&[0], [1, 63], [1, 0]),
    ],
    &[
        Scan(&[0, 1, 2], [0, 0], [0, 1]),
        Scan(&[0], [1, 5], [0, 2]),
        Scan(&[2], [1, 63], [0, 1]),
        Scan(&[1], [1, 63], [0, 1]),
        Scan(&[0], [6, 63], [0, 2]),
        Scan(&[0], [1, 63], [2, 1]),
        Scan(&[0, 1, 2], [0, 0], [1, 0]),
        Scan(&[2], [1, 63], [1, 0]),
        Scan(&[1], [1, 63], [1, 0]),
        Scan(&[0], [1, 63], [1, 0]),
    ],
];

/// The file of an image of `[height, width, channels]`, with 1 or 3 channels.
///
/// # Errors
/// `INTERNAL` when the image is empty or too large for the format.
pub fn encode(pixels: &[u8], size: [usize; 3], settings: &Settings) -> Result<Bytes> {
    let [height, width, channels] = size;
    let sides = 1..=65500;
    let is_too_large = height.saturating_mul(width) >= 1 << 29 || settings.metadata.len() > 65533 - 29;
    if !sides.contains(&height) || !sides.contains(&width) || is_too_large {
        return Err(Error::internal("JPEG encoding failed"));
    }
    let is_color = usize::from(channels == 3);
    let plan = Plan { height, width, channels, downsample: settings.downsample };
    let steps = [BRIGHTNESS_STEPS, COLOR_STEPS].map(|basic| steps(&basic, settings.quality));
    let planes = planes(pixels, plan, &steps);

    let mut writer = Writer::default();
    writer.start(settings);
    for (number, steps) in (0..).zip(&steps[..=is_color]) {
        let order: Vec<u8> = ZIGZAG[..64].iter().map(|&at| steps[usize::from(at)] as u8).collect();
        writer.segment(0xdb, &[&[number], order.as_slice()]);
    }
    writer.frame(settings.progressive, plan);
    let scans = if settings.progressive { PROGRESSIVE } else { SEQUENTIAL };
    let makes_codes = settings.progressive || settings.optimize;
    for &Scan(parts, band, bits) in scans[is_color] {
        let coder = Coder { planes: &planes, parts, band, bits, progressive: settings.progressive };
        let mut counts = Counts::default();
        if makes_codes {
            coder.run(&mut counts);
        }
        let codes: [Option<Code>; 4] = std::array::from_fn(|table| {
            let is_used = coder.uses(table);
            let usual = || standard(table > 1, table % 2);
            is_used.then(|| if makes_codes { Some(optimal(&counts.0[table])) } else { usual() }).flatten()
        });
        writer.scan(&coder, &codes);
    }
    Ok(writer.finish())
}

/// The steps of a quality, of those for quality 50.
fn steps(basic: &[u16; 64], quality: u32) -> [u16; 64] {
    let quality = quality.clamp(1, 100);
    let scale = if quality < 50 { 5000 / quality } else { 200 - quality * 2 };
    basic.map(|step| ((u32::from(step) * scale + 50) / 100).clamp(1, 255) as u16)
}

#[rustfmt::skip]
const BRIGHTNESS_STEPS: [u16; 64] = [
    16,  11,  10,  16,  24,  40,  51,  61,
    12,  12,  14,  19,  26,  58,  60,  55,
    14,  13,  16,  24,  40,  57,  69,  56,
    14,  17,  22,  29,  51,  87,  80,  62,
    18,  22,  37,  56,  68, 109, 103,  77,
    24,  35,  55,  64,  81, 104, 113,  92,
    49,  64,  78,  87, 103, 121, 120, 101,
    72,  92,  95,  98, 112, 100, 103,  99,
];

#[rustfmt::skip]
const COLOR_STEPS: [u16; 64] = [
    17,  18,  24,  47,  99,  99,  99,  99,
    18,  21,  26,  66,  99,  99,  99,  99,
    24,  26,  56,  99,  99,  99,  99,  99,
    47,  66,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
];
