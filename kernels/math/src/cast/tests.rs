use super::*;
use crate::testing::{check, error, op};
use savedmodel_op::testing::OpTest;
use savedmodel_tensor::{Float8E4m3fn, Float8E5m2, Int4, Quint8, Tensor, Uint4, bf16, f16};

fn cast(dst: DType) -> OpTest<'static> {
    op(&[OP], "Cast").attr("DstT", dst)
}

fn row<S: Element, D: Element>(x: &[S], want: &[D]) {
    let tensor = Tensor::from_slice([x.len()], x).unwrap();
    check(cast(D::DTYPE), [tensor], Tensor::from_slice([want.len()], want).unwrap());
}

#[test]
fn floats_to_integers() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    row(&[-2.7, 2.5, 3e9, nan, -inf], &[-2, 2, i32::MIN, i32::MIN, i32::MIN]);
    row(&[-2.7, 3e9, 1e30], &[-2_i64, 3_000_000_000, i64::MIN]);
    row(&[300.0, -1.0, 3e9, nan, 70000.0], &[44_u8, 255, 0, 0, 112]);
    row(&[300.0, 70000.0, -40000.0], &[300_i16, 4464, 25536]);
    row(&[300.0, -1.0, 3e9, nan, 5e9], &[300_u32, u32::MAX, 3_000_000_000, 0, 705_032_704]);
    row(
        &[-1.0, 5e9, 1e30, 1.9e19, 1.8e19],
        &[u64::MAX, 5_000_000_000, 1 << 63, 1 << 63, 18_000_000_000_000_000_000],
    );
    row(&[-2_147_483_648.5, 2_147_483_647.5, 1e10], &[i32::MIN, i32::MAX, i32::MIN]);
    row(&[f16::from_f32(-2.5), f16::INFINITY], &[-2, i32::MIN]);
    row(&[0.0, -0.0, nan, 1e-30], &[false, false, true, true]);
    row(&[255.5_f64, 2.0], &[Quint8(255), Quint8(2)]);
}

#[test]
fn packets_are_clamped_and_the_rest_wraps() {
    let (inf, low) = (f32::INFINITY, 2_147_483_648);
    row(
        &[inf, -1.0, 3e9, 5e9, -3e9, 1.0, 2.0, 3.0, inf],
        &[low, u32::MAX, 3_000_000_000, low, low, 1, 2, 3, 0],
    );
    let mut x = [70000.0; 33];
    (x[1], x[2]) = (-1.0, f32::NAN);
    let mut want = [255_u8; 33];
    (want[1], want[2], want[32]) = (0, 0, 112);
    row(&x, &want);
    let (mut wide, mut bytes) = ([70000.0_f64; 17], [0_u8; 17]);
    (wide[1], bytes[1], bytes[16]) = (300.0, 255, 112);
    row(&wide, &bytes);
    row(&[Complex32::new(300.0, 0.0); 40], &[44_u8; 40]);
    row(
        &[bf16::from_f32(-40192.0); 9],
        &[-32768, -32768, -32768, -32768, -32768, -32768, -32768, -32768, 25344_i16],
    );
}

#[test]
fn integers() {
    row(&[300, -1, 200], &[44_i8, -1, -56]);
    row(&[-1_i8, 5], &[u64::MAX, 5]);
    row(&[u32::MAX], &[4_294_967_295_i64]);
    row(&[u64::MAX], &[1.844_674_4e19_f32]);
    row(&[true, false], &[1.0_f32, 0.0]);
    row(&[-3_i64, 0], &[true, false]);
    row(&[-300, 127, 200, -9], &[Int4(4), Int4(-1), Int4(-8), Int4(7)]);
    row(&[Int4(-8), Int4(7)], &[Uint4(8), Uint4(7)]);
    row(&[65519_i64, 65520], &[f16::from_f32(65504.0), f16::INFINITY]);
    row(&[257_i64], &[bf16::from_f32(256.0)]);
}

#[test]
fn floats() {
    row(&[65519.0_f32, 65520.0], &[f16::from_f32(65504.0), f16::INFINITY]);
    row(&[3.4e38_f32, 65519.0], &[bf16::INFINITY, bf16::from_f32(65536.0)]);
    row(&[1e-8_f64, 2.5], &[1e-8_f32, 2.5]);
    row(&[1.9_f32, 448.0], &[Float8E5m2(0x40), Float8E5m2(0x5f)]);
    row(&[Float8E5m2(0x3e), Float8E5m2(0x7c)], &[1.5_f64, f64::INFINITY]);
    row(&[Complex32::new(2.7, -1.0), Complex32::new(0.0, 1.0)], &[true, false]);
    row(&[Complex32::new(2.7, -1.0)], &[2]);
    row(&[Complex64::new(2.5, -1.0)], &[Complex32::new(2.5, -1.0)]);
    row(&[1.5_f32], &[Complex64::new(1.5, 0.0)]);
}

/// Eight numbers at a time are converted in another way than those that are left.
#[test]
fn small_floats_to_unsigned() {
    let number = 2_147_483_648_u32;
    let want = [1, 4_294_967_294, number, number, 3, number, 7, u32::MAX, 0];
    row(&[0x3e, 0xc0, 0x7f, 0x7c, 0x42, 0xfc, 0x47, 0xbc, 0x7f].map(Float8E5m2), &want);
    row(&[0x3c, 0xc0, 0x7f, 0x7f, 0x44, 0xff, 0x4e, 0xb8, 0xff].map(Float8E4m3fn), &want);
}

#[test]
fn towards_zero() {
    let check = |x: f64, src: DType, dst: DType, want: f64| {
        let x = cast(src).input(Tensor::scalar(x)).run().unwrap().remove(0);
        let y = cast(dst).attr("Truncate", true).input(x).run().unwrap().remove(0);
        let y = cast(DType::Double).input(y).run().unwrap().remove(0);
        assert_eq!(y.to_scalar::<f64>().unwrap(), want, "{src} to {dst}");
    };
    check(1.999_999_999, DType::Double, DType::Float, 1.999_999_880_790_710_4);
    check(65520.0, DType::Double, DType::Half, 65504.0);
    check(65519.0, DType::Double, DType::Bfloat16, 65536.0);
    check(65519.0, DType::Float, DType::Bfloat16, 65280.0);
    check(1.99, DType::Bfloat16, DType::Float8E5m2, 1.75);
    check(1.99, DType::Half, DType::Float8E4m3fn, 1.875);
}

#[test]
fn pairs() {
    let strings = Tensor::from_strings([1], ["1"]).unwrap();
    error(cast(DType::Int32), [strings.clone()], "Cast string to int32 is not supported");
    check(cast(DType::String), [strings.clone()], strings);
    error(cast(DType::Int4), [Tensor::scalar(1.0_f32)], "Cast float to int4 is not supported");
    error(cast(DType::Float8E5m2), [Tensor::scalar(1)], "Cast int32 to float8_e5m2 is not supported");
    error(cast(DType::Float), [Tensor::scalar(Uint4(1))], "Cast uint4 to float is not supported");
    let all = DType::ALL;
    let count = all.iter().flat_map(|&a| all.iter().filter(move |&&b| a != b && supported(a, b))).count();
    assert_eq!(count, 20 * 19 + 2 * 20 + 4 * 2 + 2 + 13 * 2 * 2 + 2);
}
