//! Blocks of coefficients within planes.

use savedmodel_tensor::Result;

use super::frame::Frame;

/// The coefficients of a block, row by row.
pub type Block = [i16; 64];

/// Where the blocks of a scan's planes lie.
pub struct Blocks<'a> {
    planes: Vec<&'a mut [Block]>,
}

impl<'a> Blocks<'a> {
    /// The blocks of all planes of a frame.
    pub fn of(frame: &'a mut Frame) -> Result<Blocks<'a>> {
        let mut planes = Vec::new();
        for plane in &mut frame.planes {
            planes.push(match &mut plane.coefficients {
                Some(coefficients) => coefficients.as_mut_slice()?.as_chunks_mut().0,
                None => &mut [],
            });
        }
        Ok(Blocks { planes })
    }

    /// Block `at` of plane `plane`.
    pub fn get(&mut self, plane: usize, at: usize) -> &mut Block {
        &mut self.planes[plane][at]
    }
}
