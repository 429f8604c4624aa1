//! Normalisation of channels: `(x - mean) / sqrt(variance + epsilon) * scale + offset`.
//!
//! [`affine`] applies it, [`moments`] takes mean and variance from the batch; both in single precision.

pub mod affine;

use savedmodel_math::{map, reduce};

/// Mean and (uncorrected) variance of each channel of `x`, whose channels are innermost; zero without rows.
pub fn moments(x: &[f32], channels: usize) -> [Vec<f32>; 2] {
    let rows = x.len() / channels.max(1);
    let scale = 1.0 / rows.max(1) as f32;
    let (mut mean, mut variance) = (vec![0.0; channels], vec![0.0; channels]);
    if rows == 0 {
        return [mean, variance];
    }
    reduce::sum(x, [1, rows, channels], &mut mean);
    mean.iter_mut().for_each(|mean| *mean *= scale);
    let mut squares = x.to_vec();
    for row in squares.chunks_exact_mut(channels) {
        map::zip_in_place(row, &mean, map::CHEAP, |x, mean| (x - mean) * (x - mean));
    }
    reduce::sum(&squares, [1, rows, channels], &mut variance);
    variance.iter_mut().for_each(|variance| *variance *= scale);
    [mean, variance]
}
