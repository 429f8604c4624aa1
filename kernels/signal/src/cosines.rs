//! The discrete cosine transform of the second kind.

use savedmodel_tensor::{Error, Result};

/// The first coefficients of transforms of one length.
#[derive(Clone, Debug)]
pub(crate) struct Cosines {
    length: usize,
    table: Vec<f64>,
}

impl Cosines {
    /// The first `coefficients` for sequences of `length`; `None` if that is impossible.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the table would be too large.
    pub fn new(length: i64, coefficients: i64) -> Result<Option<Cosines>> {
        /// The most numbers that the table may have.
        const MOST: usize = 1 << 28;
        if coefficients < 1 || length < coefficients || length >= i64::from(i32::MAX) {
            return Ok(None);
        }
        let (length, coefficients) = (length as usize, coefficients as usize);
        let size = length.checked_mul(coefficients).filter(|&size| size <= MOST).ok_or_else(|| {
            Error::resource_exhausted(format!("a table of {length} by {coefficients} cosines is too large"))
        })?;
        let scale = (2.0 / length as f64).sqrt();
        let step = std::f64::consts::PI / length as f64;
        let cosine = |at: usize| scale * ((at / length) as f64 * step * ((at % length) as f64 + 0.5)).cos();
        Ok(Some(Cosines { length, table: (0..size).map(cosine).collect() }))
    }

    /// Writes the coefficients of a sequence that may be shorter than the length.
    pub fn transform(&self, sequence: &[f64], coefficients: &mut [f32]) {
        for (coefficient, row) in coefficients.iter_mut().zip(self.table.chunks_exact(self.length)) {
            *coefficient = row.iter().zip(sequence).map(|(cosine, x)| cosine * x).sum::<f64>() as f32;
        }
    }
}
