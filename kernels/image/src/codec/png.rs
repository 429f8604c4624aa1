//! PNG images, with the channels and the depth that are asked for.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Reader};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use self::grey::Grey;
use super::Canvas;

mod grey;

/// A PNG image whose header is read.
pub struct Png<'a> {
    file: &'a [u8],
    reader: Reader<Cursor<&'a [u8]>>,
    from: Source,
    /// Height and width.
    pub size: [usize; 2],
    /// Channels of the result.
    pub channels: usize,
    /// The file's gamma, and how many bits of its samples matter; 0 if it does not tell.
    gamma: u32,
    significant_bits: u32,
}

/// What pixels of the file are.
struct Source {
    color: ColorType,
    /// Bits per sample.
    depth: u32,
    palette: Vec<[u8; 3]>,
    /// The chunk `tRNS`: alpha of the palette, or the transparent colour.
    transparent: Option<Vec<u8>>,
}

/// The gamma of files that tell to be sRGB.
const SRGB_GAMMA: u32 = 45455;

/// The largest height or width, and more pixels than there may be.
const LONGEST: u64 = 1_000_000;
const MOST_PIXELS: u64 = 1 << 29;

impl<'a> Png<'a> {
    /// Reads the header; 0 channels are the file's own.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the file is no PNG or too large.
    pub fn open(file: &'a [u8], channels: usize, limit: usize) -> Result<Png<'a>> {
        let limits = Limits { bytes: limit };
        let reader = Decoder::new_with_limits(Cursor::new(file), limits).read_info();
        let no_header = || Error::invalid_argument("Invalid PNG. Failed to initialize decoder.");
        let reader = reader.map_err(|_| no_header())?;
        let info = reader.info();
        let (width, height) = (u64::from(info.width), u64::from(info.height));
        if width.max(height) > LONGEST {
            return Err(no_header());
        }
        if width * height >= MOST_PIXELS {
            return Err(Error::invalid_argument(format!("PNG size too large for int: {width} by {height}")));
        }
        let transparent = info.trns.as_deref().map(<[u8]>::to_vec);
        let own = match info.color_type {
            ColorType::Indexed if transparent.is_some() => 4,
            ColorType::Indexed => 3,
            color => color.samples(),
        };
        let from = Source {
            color: info.color_type,
            depth: info.bit_depth as u32,
            palette: info.palette.as_deref().unwrap_or_default().as_chunks().0.to_vec(),
            transparent,
        };
        let channels = if channels == 0 { own } else { channels };
        let gamma = match (info.srgb, info.gama_chunk) {
            (Some(_), _) if is_in_place(file, *b"sRGB") => SRGB_GAMMA,
            (_, Some(gamma)) if is_in_place(file, *b"gAMA") => gamma.into_scaled(),
            _ => 0,
        };
        let significant_bits = info.sbit.as_deref().unwrap_or_default().iter().take(3).max();
        let significant_bits = significant_bits.copied().unwrap_or(0).into();
        let size = [height as usize, width as usize];
        Ok(Png { file, reader, from, size, channels, gamma, significant_bits })
    }

    /// Decodes to `[height, width, channels]` of the dtype `uint8` or `uint16`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the file is damaged.
    pub fn decode(mut self, canvas: Canvas<'_>, dtype: DType) -> Result<Tensor> {
        let [height, width] = self.size;
        let mut image = canvas.allocate(dtype, [height, width, self.channels])?;
        let invalid = || Error::invalid_argument(format!("Invalid PNG data, size {}", self.file.len()));
        if dtype == DType::Uint8 && self.from.is_as_wanted(self.channels) {
            self.reader.next_frame(image.as_mut_slice()?).map_err(|_| invalid())?;
            self.reader.finish().map_err(|_| invalid())?;
            return Ok(image);
        }
        let bytes = self.reader.output_buffer_size().ok_or_else(invalid)?;
        let mut raw = canvas.allocate(DType::Uint8, [bytes])?;
        let raw = raw.as_mut_slice::<u8>()?;
        self.reader.next_frame(raw).map_err(|_| invalid())?;
        self.reader.finish().map_err(|_| invalid())?;
        let rows = raw.chunks_exact((bytes / height).max(1));
        let row = width * self.channels;
        let is_16 = self.from.depth == 16;
        let grey = Grey::new(is_16, dtype == DType::Uint16, self.significant_bits, self.gamma);
        let (mut unpacked, mut samples) = (Vec::new(), Vec::new());
        if dtype == DType::Uint8 {
            for (out, src) in image.as_mut_slice::<u8>()?.chunks_exact_mut(row).zip(rows) {
                self.row(src, &grey, &mut unpacked, &mut samples).ok_or_else(invalid)?;
                let shift = self.from.expanded_depth() - 8;
                out.iter_mut().zip(&samples).for_each(|(out, &sample)| *out = (sample >> shift) as u8);
            }
        } else {
            for (out, src) in image.as_mut_slice::<u16>()?.chunks_exact_mut(row).zip(rows) {
                self.row(src, &grey, &mut unpacked, &mut samples).ok_or_else(invalid)?;
                let scale = if self.from.expanded_depth() == 8 { 257 } else { 1 };
                out.iter_mut().zip(&samples).for_each(|(out, &sample)| *out = sample * scale);
            }
        }
        Ok(image)
    }

    /// The wanted channels of a row, in the file's depth or at least 8 bits; `None` when a colour is missing.
    fn row(&self, src: &[u8], grey: &Grey, samples: &mut Vec<u16>, out: &mut Vec<u16>) -> Option<()> {
        unpack(src, self.from.depth, self.size[1] * self.from.color.samples(), samples);
        out.clear();
        for pixel in samples.chunks_exact(self.from.color.samples()) {
            let (color, alpha) = self.from.pixel(pixel)?;
            match self.channels {
                1 | 2 => out.push(if self.from.is_grey() { color[0] } else { grey.of(color) }),
                _ => out.extend(color),
            }
            if self.channels.is_multiple_of(2) {
                out.push(alpha);
            }
        }
        Some(())
    }
}

/// Whether a chunk stands before palette and pixels, as libpng wants those that tell of colours.
fn is_in_place(file: &[u8], name: [u8; 4]) -> bool {
    let mut rest = file.get(8..).unwrap_or_default();
    while let Some((length, chunk)) = rest.split_first_chunk::<4>() {
        match chunk.first_chunk() {
            Some(found) if *found == name => return true,
            Some(b"PLTE" | b"IDAT") | None => return false,
            Some(_) => {}
        }
        // Behind the data stands a checksum.
        let length = (u32::from_be_bytes(*length) as usize).saturating_add(8);
        rest = chunk.get(length..).unwrap_or_default();
    }
    false
}

/// Samples of `depth` bits, from the highest bits of each byte.
fn unpack(src: &[u8], depth: u32, count: usize, out: &mut Vec<u16>) {
    out.clear();
    match depth {
        16 => out.extend(src.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair))),
        8 => out.extend(src.iter().map(|&byte| u16::from(byte))),
        depth => {
            let mask = (1 << depth) - 1;
            let parts =
                move |byte: u8| (0..8 / depth).rev().map(move |i| u16::from(byte >> (i * depth)) & mask);
            out.extend(src.iter().flat_map(|&byte| parts(byte)));
        }
    }
    out.truncate(count);
}

impl Source {
    /// Bits per sample after palettes and small depths were expanded.
    fn expanded_depth(&self) -> u32 {
        self.depth.max(8)
    }

    /// Whether samples are bytes that need no change.
    fn is_as_wanted(&self, channels: usize) -> bool {
        self.depth == 8 && self.color != ColorType::Indexed && self.color.samples() == channels
    }

    fn is_grey(&self) -> bool {
        matches!(self.color, ColorType::Grayscale | ColorType::GrayscaleAlpha)
    }

    /// Colour and alpha; `None` when the palette lacks it.
    fn pixel(&self, samples: &[u16]) -> Option<([u16; 3], u16)> {
        Some(match *samples {
            [index] if self.color == ColorType::Indexed => {
                let color = self.palette.get(usize::from(index)).copied().unwrap_or_default();
                let listed = self.transparent.as_deref();
                let alpha = listed.map_or(self.filler(), |alpha| {
                    alpha.get(usize::from(index)).map_or(0xff, |&alpha| u16::from(alpha))
                });
                (color.map(u16::from), alpha)
            }
            [grey] => {
                // Small depths become the whole range of 8 bits.
                let scale = if self.depth < 8 { 255 / ((1 << self.depth) - 1) } else { 1 };
                ([grey * scale; 3], self.keyed(&[grey]))
            }
            [grey, alpha] => ([grey; 3], alpha),
            [red, green, blue] => ([red, green, blue], self.keyed(&[red, green, blue])),
            [red, green, blue, alpha] => ([red, green, blue], alpha),
            _ => return None,
        })
    }

    /// The alpha of a pixel of a file without alpha: it may name one transparent colour.
    fn keyed(&self, samples: &[u16]) -> u16 {
        let Some(key) = &self.transparent else { return self.filler() };
        // The reader leaves one byte of each sample of the key when samples have no more.
        let is_key = match self.depth {
            16 => key.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).eq(samples.iter().copied()),
            _ => key.iter().map(|&byte| u16::from(byte)).eq(samples.iter().copied()),
        };
        if is_key { 0 } else { ((1_u32 << self.expanded_depth()) - 1) as u16 }
    }

    /// The alpha of a file without any: the largest sample of its own depth, even if samples are expanded.
    fn filler(&self) -> u16 {
        ((1_u32 << self.depth) - 1) as u16
    }
}
