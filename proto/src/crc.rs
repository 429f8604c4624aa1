//! Masked CRC-32C, the checksum of records and checkpoints.
//!
//! A checksum of bytes that hold checksums themselves would be weak, so TensorFlow stores it rotated and shifted.

const DELTA: u32 = 0xa282_ead8;

/// The form in which the checksum `crc` is stored.
pub fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(DELTA)
}

/// The checksum that is stored as `masked`.
pub fn unmask(masked: u32) -> u32 {
    masked.wrapping_sub(DELTA).rotate_left(15)
}

/// The masked checksum of `bytes`.
pub fn masked(bytes: &[u8]) -> u32 {
    mask(crc32c::crc32c(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums() {
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(unmask(mask(0xe306_9283)), 0xe306_9283);
        assert_ne!(masked(b"123456789"), 0xe306_9283);
    }
}
