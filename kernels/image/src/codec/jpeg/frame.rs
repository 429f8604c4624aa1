//! The image that a file describes: its planes and what is known of their coefficients.

use savedmodel_tensor::{DType, Tensor};

use super::Outcome;
use crate::codec::Canvas;

/// Samples along a side of a block.
pub const SIDE: usize = 8;

/// What the planes of a file mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Brightness.
    Grey,
    /// Brightness and two differences of colour.
    YCbCr,
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow, black.
    Cmyk,
    /// As YCbCr, of inverted ink, and black.
    Ycck,
    /// Something without a name.
    Unknown,
}

/// A file's header.
#[derive(Debug)]
pub struct Frame {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Whether coefficients come in several scans of rising precision.
    pub progressive: bool,
    /// The planes.
    pub planes: Vec<Plane>,
    /// What they mean.
    pub space: Space,
    /// Whether Adobe's software wrote the file, which inverts ink.
    pub adobe: bool,
}

/// One plane of samples.
#[derive(Debug)]
pub struct Plane {
    /// The name by which scans call it.
    pub id: u8,
    /// Samples across, in units of the image's: 1 to 4.
    pub across: usize,
    /// Samples down.
    pub down: usize,
    /// The quantisation table that it uses.
    pub table: usize,
    /// The steps of its coefficients, once its first scan began.
    pub steps: Option<[u16; 64]>,
    /// How precisely each coefficient is known: bits that are missing, or -1 when nothing is.
    pub missing: [i8; 64],
    /// Blocks that hold samples, across and down.
    pub blocks: [usize; 2],
    /// Blocks that are stored in a row: whole groups of `across`.
    pub stride: usize,
    /// The coefficients, block after block.
    pub coefficients: Option<Tensor>,
}

impl Frame {
    /// The largest numbers of samples across and down.
    pub fn most(&self) -> [usize; 2] {
        let most = |f: fn(&Plane) -> usize| self.planes.iter().map(f).max().unwrap_or(1);
        [most(|plane| plane.across), most(|plane| plane.down)]
    }

    /// Groups of blocks, each covering the same part of all planes: across and down.
    pub fn groups(&self) -> [usize; 2] {
        let [across, down] = self.most();
        [self.width.div_ceil(across * SIDE), self.height.div_ceil(down * SIDE)]
    }

    /// The channels of libjpeg's own choice of colours; `None` when it has none.
    pub fn default_channels(&self) -> Option<usize> {
        match self.space {
            Space::Grey => Some(1),
            Space::YCbCr | Space::Rgb => Some(3),
            Space::Cmyk | Space::Ycck => Some(4),
            Space::Unknown => Some(self.planes.len()),
        }
    }

    /// Finds out the sizes of all planes and makes room for their coefficients, all zero.
    pub fn allocate(&mut self, canvas: Canvas<'_>) -> Outcome<()> {
        let ([across, down], [columns, rows]) = (self.most(), self.groups());
        for plane in &mut self.planes {
            plane.blocks = [
                (self.width * plane.across).div_ceil(across * SIDE),
                (self.height * plane.down).div_ceil(down * SIDE),
            ];
            plane.stride = columns * plane.across;
            let blocks = [plane.stride, rows * plane.down, SIDE * SIDE];
            plane.coefficients = Some(canvas.allocate(DType::Int16, blocks)?);
        }
        Ok(())
    }

    /// Whether libjpeg would smooth what a progressive file leaves open.
    pub fn is_incomplete(&self) -> bool {
        const SMOOTHED: usize = 10;
        self.progressive
            && self.planes.iter().all(|plane| plane.steps.is_some() && plane.missing[0] >= 0)
            && self.planes.iter().any(|plane| plane.missing[1..SMOOTHED].iter().any(|&bits| bits != 0))
    }
}
