//! One tensor against another.

use std::fmt::Debug;

use savedmodel_tensor::{
    Complex32, Complex64, DType, Element, Error, Result, Tensor, Unit, bf16, by_width, f16,
};

use crate::Tolerance;
use crate::number::{Number, Real};

/// How a tensor compares with the one that was expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How many elements were expected.
    pub elements: usize,
    /// How many of them are outside of the tolerance (all, when dtype or shape is wrong).
    pub wrong: usize,
    /// The largest difference of finite numbers; 0 for what is no floating-point number.
    pub max_error: f64,
    /// The largest finite magnitude that was expected; 1 if there is none, or all is zero.
    pub scale: f64,
    /// What is wrong, in words.
    pub fault: Option<String>,
}

impl Comparison {
    /// Whether the tensor is as expected.
    pub fn passed(&self) -> bool {
        self.fault.is_none()
    }

    /// The largest error over the scale of the output.
    pub fn error_over_scale(&self) -> f64 {
        self.max_error / self.scale
    }

    fn equal(elements: usize) -> Comparison {
        Comparison { elements, wrong: 0, max_error: 0.0, scale: 1.0, fault: None }
    }

    pub(crate) fn different(elements: usize, fault: String) -> Comparison {
        Comparison { wrong: elements, fault: Some(fault), ..Comparison::equal(elements) }
    }
}

/// Compares a tensor with the expected one: dtype, shape, then every element.
///
/// # Errors
/// `UNIMPLEMENTED` for resources and variants, which have no value to compare.
pub fn compare(got: &Tensor, expected: &Tensor, tolerance: Tolerance) -> Result<Comparison> {
    let n = expected.elements();
    if got.dtype() != expected.dtype() || got.shape() != expected.shape() {
        let fault = format!("is {}, expected {}", got.describe(), expected.describe());
        return Ok(Comparison::different(n, fault));
    }
    match expected.dtype() {
        DType::Float => numbers::<f32>(got, expected, tolerance),
        DType::Double => numbers::<f64>(got, expected, tolerance),
        DType::Half => numbers::<f16>(got, expected, tolerance),
        DType::Bfloat16 => numbers::<bf16>(got, expected, tolerance),
        DType::Complex64 => numbers::<Complex32>(got, expected, tolerance),
        DType::Complex128 => numbers::<Complex64>(got, expected, tolerance),
        DType::Bool => values::<bool>(got, expected),
        DType::Int8 => values::<i8>(got, expected),
        DType::Int16 => values::<i16>(got, expected),
        DType::Int32 => values::<i32>(got, expected),
        DType::Int64 => values::<i64>(got, expected),
        DType::Uint64 => values::<u64>(got, expected),
        DType::String => Ok(sequences(got.strings()?, expected.strings()?, got)),
        dtype @ (DType::Resource | DType::Variant) => {
            Err(Error::unimplemented(format!("{dtype} tensors can't be compared")))
        }
        dtype => by_width!(dtype, U => units::<U>(got, expected)),
    }
}

fn values<T: Element>(got: &Tensor, expected: &Tensor) -> Result<Comparison> {
    Ok(sequences(got.as_slice::<T>()?, expected.as_slice::<T>()?, got))
}

/// Elements whose bits say all: narrow and quantised integers, floats of eight bits and less.
fn units<U: Unit>(got: &Tensor, expected: &Tensor) -> Result<Comparison> {
    let size = size_of::<U>();
    let bytes = |tensor: &Tensor| -> Result<Vec<Vec<u8>>> {
        let bytes = tensor.bytes().ok_or_else(|| Error::internal("a plain dtype without bytes"))?;
        Ok(bytes.chunks_exact(size).map(|unit| unit.iter().rev().copied().collect()).collect())
    };
    Ok(sequences(&bytes(got)?, &bytes(expected)?, got))
}

fn sequences<T: PartialEq + Debug>(got: &[T], expected: &[T], tensor: &Tensor) -> Comparison {
    let wrong: Vec<usize> = (0..expected.len()).filter(|&i| got[i] != expected[i]).collect();
    let Some(&first) = wrong.first() else { return Comparison::equal(expected.len()) };
    let (wrong, n) = (wrong.len(), expected.len());
    let place = position(first, tensor);
    let text = |value: &T| abbreviated(format!("{value:?}"));
    let (got, want) = (text(&got[first]), text(&expected[first]));
    let fault = format!("{wrong} of {n} differ; first at {place}: {got}, expected {want}");
    Comparison { wrong, ..Comparison::different(n, fault) }
}

fn numbers<T: Number>(got: &Tensor, expected: &Tensor, tolerance: Tolerance) -> Result<Comparison> {
    let (got_values, values) = (got.as_slice::<T>()?, expected.as_slice::<T>()?);
    let largest = values.iter().map(|&v| magnitude(widened(v))).filter(|m| m.is_finite()).fold(0.0, f64::max);
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let mut result = Comparison { scale, ..Comparison::equal(values.len()) };
    let mut worst: Option<(f64, usize)> = None;
    for (i, (&a, &b)) in got_values.iter().zip(values).enumerate() {
        let error = difference(widened(a), widened(b));
        if error.is_finite() {
            result.max_error = result.max_error.max(error);
        }
        if !is_close(a, b, error, largest, tolerance) {
            result.wrong += 1;
            if worst.is_none_or(|(most, _)| error > most) {
                worst = Some((error, i));
            }
        }
    }
    result.fault = worst.map(|(_, i)| {
        let (a, b) = (got_values[i], values[i]);
        format!(
            "{} of {} differ by more than {tolerance}; worst at {}: {a:?}, expected {b:?}; largest error {:.3e}, over the \
             output's scale {:.3e}",
            result.wrong,
            result.elements,
            position(i, got),
            result.max_error,
            result.error_over_scale()
        )
    });
    Ok(result)
}

fn widened<T: Number>(value: T) -> [f64; 2] {
    value.parts().map(Real::widen)
}

fn magnitude([re, im]: [f64; 2]) -> f64 {
    re.hypot(im)
}

/// The distance of two numbers: infinite when they are not both finite and not alike.
fn difference(a: [f64; 2], b: [f64; 2]) -> f64 {
    let part = |a: f64, b: f64| match (a.is_finite(), b.is_finite()) {
        (true, true) => (a - b).abs(),
        _ if a == b || (a.is_nan() && b.is_nan()) => 0.0,
        _ => f64::INFINITY,
    };
    part(a[0], b[0]).hypot(part(a[1], b[1]))
}

fn is_close<T: Number>(got: T, expected: T, error: f64, largest: f64, tolerance: Tolerance) -> bool {
    let epsilon = T::Part::EPSILON;
    let by_parts = |close: fn(T::Part, T::Part, u64) -> bool, n: u64| {
        got.parts().into_iter().zip(expected.parts()).all(|(a, b)| close(a, b, n))
    };
    match tolerance {
        Tolerance::Exact => by_parts(|a, b, _| a.bits() == b.bits() || both_nan(a, b), 0),
        Tolerance::Ulp(n) => by_parts(within_ulps, n),
        Tolerance::Eps(n) => error <= n * epsilon * largest.max(1.0),
        Tolerance::Close { rtol, atol } => {
            let size = magnitude(widened(expected));
            // An infinite allowance would excuse anything.
            error == 0.0 || error <= atol + if size.is_finite() { rtol * size } else { 0.0 }
        }
        Tolerance::Scale(s) => error <= s.max(4.0 * epsilon) * if largest > 0.0 { largest } else { 1.0 },
    }
}

fn both_nan<R: Real>(a: R, b: R) -> bool {
    a.widen().is_nan() && b.widen().is_nan()
}

fn within_ulps<R: Real>(a: R, b: R, ulps: u64) -> bool {
    if a.widen().is_finite() && b.widen().is_finite() {
        return a.position().abs_diff(b.position()) <= ulps;
    }
    a.widen() == b.widen() || both_nan(a, b)
}

fn position(mut flat: usize, tensor: &Tensor) -> String {
    let mut index = vec![0; tensor.rank()];
    for (slot, &dim) in index.iter_mut().zip(tensor.shape().dims()).rev() {
        *slot = flat % dim;
        flat /= dim;
    }
    format!("{index:?}")
}

fn abbreviated(text: String) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Element>(got: &[T], expected: &[T], tolerance: &str, wrong: usize) {
        let tensor = |values: &[T]| Tensor::from_slice([values.len()], values).unwrap();
        let result = compare(&tensor(got), &tensor(expected), tolerance.parse().unwrap()).unwrap();
        assert_eq!(result.wrong, wrong, "{got:?} against {expected:?} by {tolerance}: {result:?}");
        assert_eq!(result.passed(), wrong == 0);
    }

    #[test]
    fn floats_by_each_tolerance() {
        let next = f32::from_bits(1.0_f32.to_bits() + 2);
        check(&[1.0_f32, f32::NAN, 0.0], &[1.0, f32::NAN, -0.0], "exact", 1);
        check(&[next, 0.0], &[1.0, -0.0], "ulp 2", 0);
        check(&[next], &[1.0_f32], "ulp 1", 1);
        check(&[f32::MAX, f32::INFINITY], &[f32::INFINITY, f32::INFINITY], "ulp 4", 1);
        check(&[f16::from_f32(100.1), f16::ZERO], &[f16::from_f32(100.0), f16::ZERO], "eps 1", 1);
        check(&[f16::from_f32(100.1), f16::ZERO], &[f16::from_f32(100.0), f16::ZERO], "eps 2", 0);
        check(&[1.01_f64, 3.0], &[1.0, 3.02], "close 0 0.015", 1);
        check(&[1.01_f64, 3.0], &[1.0, 3.02], "close 0.011 0", 0);
        check(&[0.01_f64, 100.0], &[0.0, 100.0], "scale 2e-4", 0);
        check(&[0.01_f64, 100.0], &[0.0, 100.0], "scale 5e-5", 1);
        check(&[bf16::from_f32(1.02)], &[bf16::ONE], "scale 0", 0);
    }

    #[test]
    fn what_is_not_finite_must_be_alike() {
        for tolerance in ["exact", "ulp 9", "eps 9", "close 1 9", "scale 9"] {
            check(&[f64::NAN, f64::INFINITY], &[f64::NAN, f64::INFINITY], tolerance, 0);
            check(&[1.0, f64::INFINITY, 1.0], &[f64::NAN, f64::NEG_INFINITY, f64::INFINITY], tolerance, 3);
        }
    }

    #[test]
    fn complex_numbers() {
        let c = Complex64::new;
        check(&[c(3.0, 4.0)], &[c(3.0, 4.01)], "close 0.0021 0", 0);
        check(&[c(3.0, 4.0)], &[c(3.0, 4.01)], "close 0.0019 0", 1);
        check(&[c(f64::NAN, 4.0)], &[c(f64::NAN, 4.0)], "exact", 0);
        check(&[c(f64::NAN, 4.0)], &[c(f64::NAN, 5.0)], "close 0 0.1", 1);
    }

    #[test]
    fn everything_else_is_exact() {
        check(&[1_i32, 2], &[1, 3], "close 9 9", 1);
        check(&[1_u32, 2], &[1, 3], "close 9 9", 1);
        check(&[true], &[false], "close 9 9", 1);
        let strings = |s: [&'static str; 2]| Tensor::from_strings([2], s).unwrap();
        let result =
            compare(&strings(["a", "b"]), &strings(["a", "c"]), Tolerance::Exact).unwrap().fault.unwrap();
        assert_eq!(result, r#"1 of 2 differ; first at [1]: b"b", expected b"c""#);
    }

    #[test]
    fn dtype_and_shape_come_first() {
        let expected = Tensor::zeros(DType::Float, [2, 3]).unwrap();
        for got in [Tensor::zeros(DType::Double, [2, 3]).unwrap(), Tensor::zeros(DType::Float, [6]).unwrap()]
        {
            let result = compare(&got, &expected, Tolerance::default()).unwrap();
            assert_eq!((result.wrong, result.passed()), (6, false));
        }
        let resource = Tensor::zeros(DType::Resource, [1]).unwrap();
        assert!(compare(&resource, &resource, Tolerance::Exact).is_err());
    }

    #[test]
    fn the_worst_element_is_named() {
        let tensor = |v: Vec<f32>| Tensor::from_vec([2, 2], v).unwrap();
        let (got, expected) = (tensor(vec![1.0, 2.5, 3.0, 5.0]), tensor(vec![1.0, 2.0, 3.0, 4.0]));
        let result = compare(&got, &expected, Tolerance::Close { rtol: 0.0, atol: 0.1 }).unwrap();
        assert!(result.fault.as_ref().unwrap().contains("worst at [1, 1]: 5.0, expected 4.0"), "{result:?}");
        assert_eq!((result.max_error, result.error_over_scale()), (1.0, 0.25));
    }
}
