//! Floats of eight bits.

/// A format: one sign bit, then exponent, then mantissa.
pub struct Format {
    mantissa: i32,
    bias: i32,
    /// The code of what is too large: infinity, or NaN if the format has none.
    overflow: u8,
    nan: u8,
}

/// `float8_e5m2`.
pub const E5M2: Format = Format { mantissa: 2, bias: 15, overflow: 0x7c, nan: 0x7e };

/// `float8_e4m3fn`.
pub const E4M3FN: Format = Format { mantissa: 3, bias: 7, overflow: 0x7f, nan: 0x7f };

impl Format {
    /// The value of a code.
    pub fn decode(&self, code: u8) -> f32 {
        let (sign, code) = (if code < 0x80 { 1.0 } else { -1.0 }, code & 0x7f);
        if code >= self.overflow {
            return if self.overflow < self.nan && code == self.overflow {
                sign * f32::INFINITY
            } else {
                f32::NAN
            };
        }
        let (exponent, fraction) =
            (i32::from(code) >> self.mantissa, i32::from(code) & ((1 << self.mantissa) - 1));
        let (exponent, significand) = match exponent {
            0 => (1, fraction),
            normal => (normal, fraction | 1 << self.mantissa),
        };
        sign * significand as f32 * power_of_two(exponent - self.bias - self.mantissa)
    }

    /// The code of the nearest value, with an even mantissa if two are as near.
    pub fn encode(&self, x: f32) -> u8 {
        let sign = (x.to_bits() >> 24 & 0x80) as u8;
        if x.is_nan() {
            return sign | self.nan;
        }
        let exponent = ((x.to_bits() >> 23 & 0xff) as i32 - 127).max(1 - self.bias);
        if exponent > self.bias + 1 {
            return sign | self.overflow;
        }
        let quanta = (x.abs() * power_of_two(self.mantissa - exponent)).round_ties_even() as i32;
        let code = ((exponent + self.bias - 1) << self.mantissa) + quanta;
        sign | code.min(self.overflow.into()) as u8
    }
}

fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives() {
        for format in [E5M2, E4M3FN] {
            for code in 0..=255 {
                let value = format.decode(code);
                assert!(value.is_nan() || format.encode(value) == code, "{code} {value}");
            }
        }
    }

    #[test]
    fn rounding() {
        let x = [448.0, 464.0, 465.0, 480.0, 57344.0, 61440.0, 1e-3, 1.5e-5, 7e-6, -f32::INFINITY];
        let e5m2 = [95, 95, 95, 96, 123, 124, 20, 1, 0, 252];
        let e4m3fn = [126, 126, 127, 127, 127, 127, 1, 0, 0, 255];
        for (i, x) in x.into_iter().enumerate() {
            assert_eq!((E5M2.encode(x), E4M3FN.encode(x)), (e5m2[i], e4m3fn[i]), "{x}");
        }
        assert_eq!((E5M2.encode(f32::NAN), E4M3FN.encode(f32::NAN)), (126, 127));
    }
}
