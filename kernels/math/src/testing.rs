//! How the unit tables of this crate check an operator.

use savedmodel_op::Op;
use savedmodel_op::testing::OpTest;
use savedmodel_tensor::{DType, Tensor};

/// The operator of a list with this name.
pub fn op(ops: &'static [Op], name: &str) -> OpTest<'static> {
    OpTest::new(ops.iter().find(|op| op.name == name).unwrap_or_else(|| panic!("no operator {name}")))
}

fn with(test: OpTest<'static>, inputs: impl IntoIterator<Item = Tensor>) -> OpTest<'static> {
    inputs.into_iter().fold(test, OpTest::input)
}

/// The first output is `want`, up to a few units in the last place.
pub fn check(test: OpTest<'static>, inputs: impl IntoIterator<Item = Tensor>, want: Tensor) {
    let inputs: Vec<Tensor> = inputs.into_iter().collect();
    let shown = format!("{inputs:?}");
    let got = with(test, inputs).run().unwrap_or_else(|e| panic!("{shown:.200}: {e}")).remove(0);
    let context = || format!("{shown:.200}: {:.200}, not {:.200}", format!("{got:?}"), format!("{want:?}"));
    assert_eq!((got.dtype(), got.shape()), (want.dtype(), want.shape()), "{}", context());
    let same = match want.dtype() {
        DType::Float => all(&got, &want, |a: f32, b| close(a.into(), b.into(), 1e-6)),
        DType::Double => all(&got, &want, |a: f64, b| close(a, b, 1e-14)),
        DType::Half => all(&got, &want, |a: half::f16, b| close(a.into(), b.into(), 1e-3)),
        DType::Bfloat16 => all(&got, &want, |a: half::bf16, b| close(a.into(), b.into(), 4e-3)),
        DType::Complex64 => all(&got, &want, |a: num_complex::Complex32, b| {
            close(a.re.into(), b.re.into(), 1e-5) && close(a.im.into(), b.im.into(), 1e-5)
        }),
        DType::Complex128 => all(&got, &want, |a: num_complex::Complex64, b| {
            close(a.re, b.re, 1e-12) && close(a.im, b.im, 1e-12)
        }),
        DType::String => got.strings().unwrap() == want.strings().unwrap(),
        _ => got.bytes() == want.bytes(),
    };
    assert!(same, "{}", context());
}

fn all<T: savedmodel_tensor::Element>(got: &Tensor, want: &Tensor, same: impl Fn(T, T) -> bool) -> bool {
    got.as_slice().unwrap().iter().zip(want.as_slice().unwrap()).all(|(&a, &b)| same(a, b))
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * b.abs().max(1e-30)
}

/// Building or running fails with a message that holds `part`.
pub fn error(test: OpTest<'static>, inputs: impl IntoIterator<Item = Tensor>, part: &str) {
    let error = with(test, inputs).run().expect_err(part);
    assert!(error.message().contains(part), "{error}");
}
