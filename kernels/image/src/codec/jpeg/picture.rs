//! From coefficients to pixels.

use savedmodel_math::par;
use savedmodel_math::simd;
use savedmodel_tensor::{DType, Tensor};

use super::block::Block;
use super::color::{Conversion, Pixels};
use super::frame::{Frame, Plane, SIDE, Space};
use super::idct::{Strip, Transform};
use super::upsample::{Row, Samples, Upsampling};
use super::{Fault, Options, Outcome};
use crate::codec::Canvas;

/// More samples than this are refused.
const MOST_SAMPLES: usize = 1 << 29;

/// What is drawn of a file, and how.
pub struct Picture {
    options: Options,
    conversion: Conversion,
    /// Height and width of the whole image.
    size: [usize; 2],
    /// The part that is wanted: top, left, height, width.
    part: [usize; 4],
    /// How each plane that is needed is drawn.
    layers: Vec<Layer>,
}

/// How a plane is drawn.
struct Layer {
    /// Samples along a side of a block.
    side: usize,
    upsampling: Upsampling,
    /// Columns of samples that are looked at.
    columns: std::ops::Range<usize>,
    /// Rows of samples.
    rows: usize,
}

impl Picture {
    /// Checks sizes, colours and the crop.
    pub fn of(frame: &Frame, options: &Options) -> Outcome<Picture> {
        let conversion = conversion(frame, options.channels)?;
        let size = [frame.height, frame.width].map(|side| side.div_ceil(options.ratio));
        if size[0] * size[1] * frame.planes.len() >= MOST_SAMPLES {
            return Err(Fault::Invalid);
        }
        let part = match options.crop {
            None => [0, 0, size[0], size[1]],
            Some(crop) => {
                let [top, left, height, width] = crop.map(|x| usize::try_from(x).unwrap_or(usize::MAX));
                let fits = |start: usize, length: usize, side: usize| {
                    length > 0 && start.checked_add(length).is_some_and(|end| end <= side)
                };
                if !fits(top, height, size[0]) || !fits(left, width, size[1]) {
                    return Err(Fault::Invalid);
                }
                [top, left, height, width]
            }
        };
        let mut picture = Picture { options: *options, conversion, size, part, layers: Vec::new() };
        picture.layers = picture.layers(frame)?;
        Ok(picture)
    }

    /// The first column that is drawn: crops begin at whole groups of blocks.
    fn start(&self, frame: &Frame) -> usize {
        match self.options.crop {
            Some(_) => self.part[1] / self.group(frame) * self.group(frame),
            None => 0,
        }
    }

    /// Columns of a group of blocks.
    fn group(&self, frame: &Frame) -> usize {
        let across = if frame.planes.len() == 1 { 1 } else { frame.most()[0] };
        SIDE / self.options.ratio * across
    }

    fn layers(&self, frame: &Frame) -> Outcome<Vec<Layer>> {
        let least = SIDE / self.options.ratio;
        let ([most_across, most_down], start) = (frame.most(), self.start(frame));
        let drawn = self.part[1] + self.part[3] - start;
        let planes = &frame.planes[..self.conversion.planes()];
        let side = |plane: &Plane| {
            let mut side = least;
            let fits = |side: usize| {
                (most_across * least).is_multiple_of(plane.across * side)
                    && (most_down * least).is_multiple_of(plane.down * side)
            };
            while side < SIDE && fits(side * 2) {
                side *= 2;
            }
            side
        };
        let whole = |plane: &Plane| (frame.width * plane.across * side(plane)).div_ceil(most_across * SIDE);
        let cropped = |plane: &Plane| match self.options.crop {
            Some(_) => (drawn * plane.across).div_ceil(most_across),
            None => whole(plane),
        };
        // libjpeg looks at the widths again only where a crop makes one very small.
        let looks_again = frame.planes.iter().any(|plane| cropped(plane) < 2 && whole(plane) >= 2);
        planes
            .iter()
            .map(|plane| {
                let side = side(plane);
                let width = if looks_again { cropped(plane) } else { whole(plane) };
                let grown = [plane.across * side / least, plane.down * side / least];
                let upsampling = self.upsampling(grown, [most_across, most_down], width)?;
                let blocks = if frame.planes.len() == 1 { 1 } else { plane.across };
                let first = start * blocks / self.group(frame) * side;
                // With blocks of larger sides than the image's, libjpeg's width of a crop is too small for its columns.
                let length = cropped(plane).max((drawn * grown[0]).div_ceil(most_across));
                let rows = (frame.height * plane.down * side).div_ceil(most_down * SIDE);
                Ok(Layer { side, upsampling, columns: first..first + length, rows })
            })
            .collect()
    }

    fn upsampling(&self, grown: [usize; 2], most: [usize; 2], width: usize) -> Outcome<Upsampling> {
        let [across, down] =
            [0, 1].map(|axis| most[axis].is_multiple_of(grown[axis]).then(|| most[axis] / grown[axis]));
        let fancy = self.options.fancy && self.options.ratio < SIDE;
        Ok(match (across, down) {
            (Some(2), Some(1)) if fancy && width > 2 => Upsampling::FancyAcross,
            (Some(1), Some(2)) if fancy => Upsampling::FancyDown,
            (Some(2), Some(2)) if fancy && width > 2 => Upsampling::FancyBoth,
            (Some(across), Some(down)) => Upsampling::Repeat(across, down),
            _ => return Err(Fault::Invalid),
        })
    }

    /// Draws the image, of which `groups` rows of groups of blocks are whole.
    pub fn draw(&self, canvas: Canvas<'_>, frame: &Frame, groups: usize) -> Outcome<Tensor> {
        let [top, left, height, width] = self.part;
        let channels = self.conversion.channels();
        let mut image = canvas.allocate(DType::Uint8, [height, width, channels])?;
        let read = self.rows(frame, groups).saturating_sub(top).min(height);
        if (read as f32 / height as f32) < self.options.fraction.min(1.0) {
            return Err(Fault::Ended);
        }
        let mut planes = Vec::new();
        for (plane, layer) in frame.planes.iter().zip(&self.layers) {
            planes.push((
                transform(canvas, plane, layer.side, self.options.accurate)?,
                plane.stride * layer.side,
            ));
        }
        let skip = left - self.start(frame);
        let row = width * channels;
        let out = &mut image.as_mut_slice::<u8>()?[..read * row];
        par::for_rows_mut(out, row, par::grain(width as f64 * 3.0), |first, rows| {
            let mut lines: Vec<Vec<u8>> = vec![vec![0; skip + width]; planes.len()];
            let mut room = Vec::new();
            for (i, out) in rows.chunks_exact_mut(row).enumerate() {
                for ((line, (data, stride)), layer) in lines.iter_mut().zip(&planes).zip(&self.layers) {
                    line.resize(skip + width, 0);
                    room.resize(layer.columns.len(), 0);
                    let Ok(data) = data.as_slice::<u8>() else { continue };
                    let columns = layer.columns.clone();
                    let samples = Samples { data, stride: *stride, columns, rows: layer.rows };
                    let (upsampling, y) = (layer.upsampling, top + first + i);
                    simd::dispatch(Row { upsampling, samples: &samples, y, room: &mut room, out: line });
                    line.drain(..skip);
                }
                simd::dispatch(Pixels { conversion: self.conversion, planes: &lines, out });
            }
        });
        Ok(image)
    }

    /// The rows that can be drawn when so many rows of groups are whole.
    fn rows(&self, frame: &Frame, groups: usize) -> usize {
        if groups == frame.groups()[1] {
            return self.size[0];
        }
        let down = frame.most()[1];
        let rows = groups * down * SIDE / self.options.ratio;
        let looks_below = self.layers.iter().any(|layer| layer.upsampling.needs_neighbours());
        rows.saturating_sub(if looks_below { down } else { 0 })
    }
}

fn conversion(frame: &Frame, channels: usize) -> Outcome<Conversion> {
    let channels = if channels == 0 { frame.planes.len().min(3) } else { channels };
    let inverted = frame.adobe;
    Ok(match (frame.space, channels) {
        (Space::Grey | Space::YCbCr, 1) => Conversion::Grey,
        (Space::Rgb, 1) => Conversion::RgbToGrey,
        (Space::Grey, 3) => Conversion::GreyToRgb,
        (Space::YCbCr, 3) => Conversion::YCbCrToRgb,
        (Space::Rgb, 3) => Conversion::Rgb,
        (Space::Cmyk, 3) => Conversion::CmykToRgb { inverted },
        (Space::Ycck, 3) => Conversion::YcckToRgb { inverted },
        _ => return Err(Fault::Invalid),
    })
}

/// All samples of a plane, with `side` samples along the sides of blocks.
fn transform(canvas: Canvas<'_>, plane: &Plane, side: usize, accurate: bool) -> Outcome<Tensor> {
    let (Some(coefficients), stride) = (&plane.coefficients, plane.stride * side) else {
        return Err(Fault::Invalid);
    };
    let blocks: &[Block] = coefficients.as_slice::<i16>()?.as_chunks().0;
    let rows = blocks.len() / plane.stride;
    let mut samples = canvas.allocate(DType::Uint8, [rows * side, stride])?;
    let transform = Transform::new(&plane.steps.unwrap_or([0; 64]), side, accurate);
    let grain = par::grain(plane.stride as f64 * 100.0);
    par::for_rows_mut(samples.as_mut_slice::<u8>()?, stride * side, grain, |first, out| {
        let blocks = blocks[first * plane.stride..].chunks_exact(plane.stride);
        for (out, blocks) in out.chunks_exact_mut(stride * side).zip(blocks) {
            simd::dispatch(Strip { transform: &transform, blocks, out, side });
        }
    });
    Ok(samples)
}
