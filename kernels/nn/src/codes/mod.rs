//! Products of 8-bit codes and what follows them, as oneDNN computes them: exact sums, then single precision.

pub mod convolution;
pub mod finish;
pub mod sums;
