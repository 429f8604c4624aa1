//! Fourier transforms and the front end of audio models.
//!
//! `transform` does all transforms, over any of the axes of a tensor; the operators differ in what they ask of it.
//! Start reading at [`OPS`].
#![forbid(unsafe_code)]

mod audio_microfrontend;
mod audio_spectrogram;
mod audio_summary;
mod cosines;
mod decode_wav;
mod encode_wav;
mod fft;
mod mel;
mod mfcc;
mod rfft;
mod transform;

use savedmodel_op::Op;

pub use audio_summary::summary as audio_summary;

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    fft::OPS,
    rfft::OPS,
    &[
        audio_microfrontend::OP,
        audio_spectrogram::OP,
        audio_summary::OP,
        decode_wav::OP,
        encode_wav::OP,
        mfcc::OP,
    ],
];
