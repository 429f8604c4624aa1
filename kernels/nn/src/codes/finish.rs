//! What follows a sum: scale, bias, summand, activation and the output's codes.

use savedmodel_math::par;
use savedmodel_tensor::{DType, Error, Qint8, Qint32, Quint8, Result, Tensor};

/// Nanoseconds that an element takes.
const ELEMENT_NS: f64 = 2.0;

/// The steps, with one number for each channel where there are several.
pub struct Finish<'a> {
    /// What sums are multiplied by; one, or one for each channel.
    pub factors: Vec<f32>,
    /// What is added then: nothing, or one for each channel.
    pub bias: Vec<f32>,
    /// What is added then, times a number, for each element.
    pub summand: Option<(&'a [f32], f32)>,
    /// Whether what is negative becomes zero then.
    pub relu: bool,
    /// What the result is divided by; what is multiplied by is its inverse, rounded.
    pub divisor: f32,
    /// The highest code.
    pub highest: f32,
}

impl Finish<'_> {
    /// Writes sums of which `channels` are adjacent.
    ///
    /// # Errors
    /// `ABORTED` when the bias is of another length.
    pub fn run(&self, mut sums: Vec<f32>, channels: usize, out: &mut Tensor) -> Result<()> {
        if sums.is_empty() {
            return Ok(());
        }
        if !self.bias.is_empty() && self.bias.len() != channels {
            return Err(Error::new(
                savedmodel_tensor::Code::Aborted,
                format!("a bias of {} elements for {channels} channels", self.bias.len()),
            ));
        }
        let factors = spread(&self.factors, channels, 1.0);
        let bias = spread(&self.bias, channels, 0.0);
        let grain = par::grain(ELEMENT_NS * channels as f64);
        par::for_rows_mut(&mut sums, channels, grain, |first, rows| {
            for (row, sums) in (first..).zip(rows.chunks_exact_mut(channels)) {
                for ((sum, factor), bias) in sums.iter_mut().zip(&factors).zip(&bias) {
                    *sum = *sum * factor + bias;
                }
                if let Some((summand, scale)) = self.summand {
                    let summand = &summand[row * channels..(row + 1) * channels];
                    for (sum, x) in sums.iter_mut().zip(summand) {
                        *sum = (f64::from(*sum) + f64::from(*x) * f64::from(scale)) as f32;
                    }
                }
                if self.relu {
                    sums.iter_mut().for_each(|sum| *sum = if *sum > 0.0 { *sum } else { 0.0 });
                }
            }
        });
        self.write(&sums, out)
    }

    /// Codes saturate; what is no number becomes the lowest code of 32 bits, or what of it is left in eight.
    fn write(&self, values: &[f32], out: &mut Tensor) -> Result<()> {
        let (inverse, highest) = (1.0 / self.divisor, self.highest);
        let grain = par::grain(ELEMENT_NS);
        let below = move |x: f32| {
            let x = x * inverse;
            nearest(if x > highest { highest } else { x })
        };
        match out.dtype() {
            DType::Quint8 => {
                let nan = if highest < 128.0 { 128 } else { 255 };
                par::for_zip(out.as_mut_slice()?, values, grain, |out, values| {
                    let code = |x: f32| if x.is_nan() { nan } else { x as u8 };
                    out.iter_mut().zip(values).for_each(|(out, &x)| *out = Quint8(code(below(x))));
                });
            }
            DType::Qint8 => par::for_zip(out.as_mut_slice()?, values, grain, |out, values| {
                let code = |x: f32| if x.is_nan() { i8::MIN } else { x as i8 };
                out.iter_mut().zip(values).for_each(|(out, &x)| *out = Qint8(code(below(x))));
            }),
            DType::Qint32 => par::for_zip(out.as_mut_slice()?, values, grain, |out, values| {
                let code = |x: f32| if x.is_nan() { i32::MIN } else { x as i32 };
                out.iter_mut().zip(values).for_each(|(out, &x)| *out = Qint32(code(below(x))));
            }),
            _ => out.as_mut_slice::<f32>()?.copy_from_slice(values),
        }
        Ok(())
    }
}

/// One number for each channel.
fn spread(numbers: &[f32], channels: usize, none: f32) -> Vec<f32> {
    match numbers {
        [] => vec![none; channels],
        &[one] => vec![one; channels],
        _ => numbers.to_vec(),
    }
}

/// The nearest integer, of two the even one; without a call, as processors without SSE4.1 have no instruction.
fn nearest(x: f32) -> f32 {
    const WHOLE: f32 = (1 << 23) as f32;
    let rounded = ((x.abs() + WHOLE) - WHOLE).copysign(x);
    if x.abs() < WHOLE { rounded } else { x }
}

/// The highest code of a type of outputs, in single precision.
pub fn highest(dtype: DType) -> f32 {
    match dtype {
        DType::Quint8 => 255.0,
        DType::Qint8 => 127.0,
        // The largest single below 2^31.
        _ => 2_147_483_520.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_even_numbers() {
        for x in [0.5_f32, 1.5, -2.5, -0.2, 0.49999997, 8_388_607.5, 16_777_215.0, -3e9, f32::INFINITY] {
            assert_eq!(nearest(x).to_bits(), x.round_ties_even().to_bits(), "{x}");
        }
        assert!(nearest(f32::NAN).is_nan());
    }

    #[test]
    fn codes_saturate() {
        let finish = |dtype, out: &mut Tensor| {
            let highest = highest(dtype);
            let finish = Finish {
                factors: vec![2.0],
                bias: vec![],
                summand: None,
                relu: false,
                divisor: 0.5,
                highest,
            };
            finish.run(vec![-1e9, -30.0, 0.0, 70.0, f32::NAN], 1, out).unwrap();
        };
        let mut out = Tensor::from_vec([5], vec![Quint8(9); 5]).unwrap();
        finish(DType::Quint8, &mut out);
        assert_eq!(out.as_slice::<Quint8>().unwrap(), [0, 0, 0, 255, 255].map(Quint8));
        let mut out = Tensor::from_vec([5], vec![Qint8(9); 5]).unwrap();
        finish(DType::Qint8, &mut out);
        assert_eq!(out.as_slice::<Qint8>().unwrap(), [-128, -120, 0, 127, -128].map(Qint8));
        let mut out = Tensor::from_vec([5], vec![Qint32(9); 5]).unwrap();
        finish(DType::Qint32, &mut out);
        assert_eq!(out.as_slice::<Qint32>().unwrap(), [i32::MIN, -120, 0, 280, i32::MIN].map(Qint32));
    }
}
