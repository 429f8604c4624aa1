use super::*;
use crate::simd::testing::at_each_level;

const AXES: [[usize; 3]; 16] = [
    [1, 1, 1],
    [3, 5, 1],
    [2, 64, 1],
    [5, 65, 1],
    [2, 5000, 1],
    [1, 400_000, 1],
    [1, 5, 3],
    [3, 700, 3],
    [1, 300_000, 2],
    [2, 131, 64],
    [2, 9, 513],
    [1, 130, 4200],
    [1, 90_000, 7],
    [400, 3, 130],
    [2, 0, 3],
    [0, 3, 2],
];

fn input<T>(axes: [usize; 3], f: impl Fn(i64) -> T) -> Vec<T> {
    let len: usize = axes.iter().product();
    (0..len as i64).map(|i| f(i * 7919 % 211 - 105)).collect()
}

/// The identity, the fold and the last step of the plain loop.
type Oracle<T, W> = (W, fn(W, T) -> W, fn(W, usize) -> T);

fn check<T: Copy + PartialEq + std::fmt::Debug, W: Copy + Sync>(
    f: fn(&[T], [usize; 3], &mut [T]),
    element: impl Fn(i64) -> T + Sync,
    (identity, fold, finish): Oracle<T, W>,
) {
    at_each_level(|level| {
        for axes @ [outer, middle, inner] in AXES {
            let src = input(axes, &element);
            let mut dst = vec![element(50); outer * inner];
            f(&src, axes, &mut dst);
            for (index, got) in dst.iter().enumerate() {
                let at = |m: usize| src[(index / inner * middle + m) * inner + index % inner];
                let want = finish((0..middle).fold(identity, |acc, m| fold(acc, at(m))), middle);
                assert_eq!(*got, want, "{level:?} {axes:?} [{index}]");
            }
        }
    });
}

#[test]
fn integers_wrap() {
    check(sum::<i8>, |i| i as i8, (0i8, |a, x| a.wrapping_add(x), |a, _| a));
    check(prod::<u16>, |i| i as u16 | 1, (1u16, |a, x| a.wrapping_mul(x), |a, _| a));
    check(max::<i32>, |i| i as i32 - 1000, (i32::MIN, |a, x| a.max(x), |a, _| a));
    check(min::<u8>, |i| i as u8, (u8::MAX, |a, x| a.min(x), |a, _| a));
    check(mean::<i8>, |i| i as i8, (0, |a, x| a + i64::from(x), |a, n| (a / n.max(1) as i64) as i8));
    check(mean::<i64>, |i| i, (0, |a, x| a + x, |a, n| a / (n.max(1) as i64)));
}

#[test]
fn floats_follow_the_exact_sum() {
    // Small integers, whose sums are exact in any order.
    check(sum::<f32>, |i| i as f32, (0.0f64, |a, x| a + f64::from(x), |a, _| a as f32));
    check(sum::<f64>, |i| i as f64, (0.0f64, |a, x| a + x, |a, _| a));
    check(sum::<f16>, |i| f16::from_f64(i as f64), (0.0, |a, x| a + x.to_f64(), |a, _| f16::from_f64(a)));
    check(max::<bf16>, |i| bf16::from_f64(i as f64), (bf16::NEG_INFINITY, bf16::max, |a, _| a));
    let complex = |i: i64| Complex::new(i as f32, -2.0 * i as f32);
    check(sum::<Complex<f32>>, complex, (Complex::ZERO, |a, x| a + x, |a, _| a));
    check(any, |i| i == 3, (false, |a, x| a | x, |a, _| a));
    check(all, |i| i != 3, (true, |a, x| a & x, |a, _| a));
}

#[test]
fn long_sums_stay_accurate() {
    let x = vec![0.1f32; 10_000_000];
    let mut y = [0.0];
    mean(&x, [1, x.len(), 1], &mut y);
    assert!((y[0] - 0.1).abs() < 3e-8, "{}", y[0]);
    let mut y = [0.0; 2];
    mean(&x, [1, x.len() / 2, 2], &mut y);
    assert!((y[1] - 0.1).abs() < 1e-7, "{}", y[1]);
}

#[test]
fn nan_wins_in_max_and_min() {
    let mut x = vec![1.0f32; 3000];
    x[1234] = f32::NAN;
    let mut y = [0.0];
    max(&x, [1, 3000, 1], &mut y);
    assert!(y[0].is_nan());
    let mut y = [0.0; 3];
    min(&x, [1, 1000, 3], &mut y);
    assert_eq!([y[0].is_nan(), y[1].is_nan(), y[2].is_nan()], [false, true, false]);
}

#[test]
fn half_mean_overflows_as_its_sum() {
    let mut y = [f16::ZERO];
    mean(&[f16::from_f32(60_000.0); 2], [1, 2, 1], &mut y);
    assert_eq!(y[0], f16::INFINITY);
}

#[test]
fn positions_are_first_among_equals() {
    at_each_level(|level| {
        for axes @ [outer, middle, inner] in AXES {
            if middle == 0 {
                continue;
            }
            let src = input(axes, |i| if i == 100 { f32::NAN } else { i as f32 });
            let mut dst = vec![-1; outer * inner];
            argmax(&src, axes, &mut dst);
            let mut low = vec![-1; outer * inner];
            argmin(&src, axes, &mut low);
            for index in 0..dst.len() {
                let at = |m: usize| src[(index / inner * middle + m) * inner + index % inner];
                let (mut want, mut want_low) = ((0, f32::MIN), (0, f32::MAX));
                for m in 0..middle {
                    want = if at(m) > want.1 { (m, at(m)) } else { want };
                    want_low = if at(m) < want_low.1 { (m, at(m)) } else { want_low };
                }
                assert_eq!(
                    (dst[index], low[index]),
                    (want.0 as i64, want_low.0 as i64),
                    "{level:?} {axes:?}"
                );
            }
        }
        let mut y = [-1];
        argmax(&[f32::NAN, 5.0], [1, 2, 1], &mut y);
        assert_eq!(y, [1]);
    });
}
