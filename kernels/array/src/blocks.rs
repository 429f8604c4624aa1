//! What `SpaceToBatch` and `BatchToSpace` share: block sizes with what is padded or cropped around them.

use savedmodel_tensor::{Error, Result, Shape, Tensor};

/// A spatial dimension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Length of a block.
    pub size: usize,
    /// What is put or cut off before.
    pub before: usize,
    /// What is put or cut off after.
    pub after: usize,
}

/// The names that messages use.
pub(crate) struct Names {
    /// `paddings` or `crops`.
    pub margins: &'static str,
    /// `Paddings` or `Crops`.
    pub capital: &'static str,
}

/// The block sizes that a tensor holds.
pub(crate) fn sizes(block_shape: &Tensor) -> Result<Vec<i64>> {
    if block_shape.rank() != 1 {
        let text = format!("block_shape rank should be 1 instead of {}", block_shape.rank());
        return Err(Error::invalid_argument(text));
    }
    block_shape.to_i64s()
}

/// The blocks of the dimensions that follow the batch.
pub(crate) fn blocks(input: &Shape, sizes: &[i64], margins: &Tensor, names: &Names) -> Result<Vec<Block>> {
    let count = sizes.len();
    if input.rank() < 1 + count {
        let text = format!("input rank should be >= {} instead of {}", 1 + count, input.rank());
        return Err(Error::invalid_argument(text));
    }
    if margins.shape().dims() != [count, 2] {
        return Err(Error::invalid_argument(format!(
            "{} should have shape [{count}, 2] instead of {}",
            names.margins,
            margins.shape()
        )));
    }
    let margins = margins.to_i64s()?;
    let block = |(i, (&size, margin)): (usize, (&i64, &[i64]))| {
        let size = usize::try_from(size).ok().filter(|&size| size > 0).ok_or_else(|| {
            Error::invalid_argument(format!(
                "All values in block_shape must be positive, got value, {size} at index {i}."
            ))
        })?;
        match [usize::try_from(margin[0]), usize::try_from(margin[1])] {
            [Ok(before), Ok(after)] => Ok(Block { size, before, after }),
            _ => Err(Error::invalid_argument(format!("{} must be non-negative", names.capital))),
        }
    };
    sizes.iter().zip(margins.chunks_exact(2)).enumerate().map(block).collect()
}

/// The product of the block sizes.
pub(crate) fn area(blocks: &[Block]) -> Result<usize> {
    let area = blocks.iter().try_fold(1_usize, |area, block| area.checked_mul(block.size));
    area.filter(|&area| i64::try_from(area).is_ok())
        .ok_or_else(|| Error::invalid_argument("Product of block sizes is too large"))
}
