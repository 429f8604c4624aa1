use super::*;
use crate::simd::testing::at_each_level;
use num_complex::Complex32;

const SIZES: [[usize; 3]; 22] = [
    [1, 1, 1],
    [3, 7, 1],
    [1, 17, 33],
    [7, 3, 65],
    [17, 33, 65],
    [33, 65, 17],
    [65, 300, 129],
    [8, 256, 32],
    [8, 257, 33],
    [9, 512, 16],
    [23, 31, 8],
    [24, 31, 8],
    [100, 1, 100],
    [0, 3, 4],
    [3, 0, 4],
    [3, 4, 0],
    [1, 0, 5],
    [2, 1000, 40],
    [1, 70, 3000],
    [6, 64, 31],
    [130, 20, 30],
    [1, 300, 10],
];

fn matrix(rows: usize, columns: usize, seed: usize) -> Vec<f32> {
    (0..rows * columns).map(|i| ((i * 7919 + seed * 31) % 17) as f32 - 8.0).collect()
}

/// The plain product of small integers, which is exact.
fn naive([m, k, n]: [usize; 3], a: View<f32>, b: View<f32>) -> Vec<f32> {
    let at = |v: &View<f32>, i: usize, j: usize| v.data[i * v.row_stride + j * v.column_stride];
    (0..m * n).map(|i| (0..k).map(|p| at(&a, i / n, p) * at(&b, p, i % n)).sum()).collect()
}

#[test]
fn products_agree_with_the_plain_loop() {
    at_each_level(|level| {
        for size @ [m, k, n] in SIZES {
            let (a, b) = (matrix(m, k, 1), matrix(k, n, 2));
            for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
                let (a, b) = (View::maybe_t(&a, [m, k], ta), View::maybe_t(&b, [k, n], tb));
                let want = naive(size, a, b);
                let mut c = vec![f32::NAN; m * n];
                Gemm::default().run(size, a, b, &mut c);
                assert_eq!(c, want, "{level:?} {size:?} {ta} {tb}");
                let bias = matrix(1, n, 3);
                let epilogue = Epilogue { bias: &bias, accumulate: true, ..Epilogue::default() };
                let added = Gemm { epilogue, ..Gemm::default() };
                added.run(size, a, b, &mut c);
                let twice = |c: &[f32]| {
                    let want = want.iter().zip(bias.iter().cycle()).map(|(w, bias)| 2.0 * w + bias);
                    c.iter().zip(want).all(|(c, want)| *c == want)
                };
                assert!(twice(&c), "{level:?} {size:?} accumulated");
                let packed = PackedB::new(k, n, b);
                c.copy_from_slice(&want);
                added.run(size, a, &packed, &mut c);
                assert!(twice(&c), "{level:?} {size:?} packed, accumulated");
                c.fill(f32::NAN);
                Gemm::default().run(size, a, &packed, &mut c);
                assert_eq!(c, want, "{level:?} {size:?} packed");
                let (a64, b64): (Vec<f64>, Vec<f64>) = (
                    a.data.iter().map(|&x| f64::from(x)).collect(),
                    b.data.iter().map(|&x| f64::from(x)).collect(),
                );
                let (a, b) = (View::maybe_t(&a64, [m, k], ta), View::maybe_t(&b64, [k, n], tb));
                let mut c = vec![f64::NAN; m * n];
                Gemm::default().run(size, a, b, &mut c);
                assert!(c.iter().zip(&want).all(|(c, w)| *c == f64::from(*w)), "{level:?} {size:?} double");
            }
        }
    });
}

#[test]
fn epilogues_follow_the_product() {
    at_each_level(|level| {
        for size @ [m, k, n] in SIZES {
            let (a, b) = (matrix(m, k, 3), matrix(k, n, 4));
            let (a, b) = (View::new(&a, k), View::new(&b, n));
            let (bias, residual) = (matrix(1, n, 5), matrix(m, n, 6));
            let product = naive(size, a, b);
            for activation in [
                Activation::Identity,
                Activation::Relu,
                Activation::Clip(-3.0, 5.0),
                Activation::LeakyRelu(0.5),
                Activation::Tanh,
            ] {
                for with_residual in [false, true] {
                    let residual: &[f32] = if with_residual { &residual } else { &[] };
                    let epilogue = Epilogue { bias: &bias, residual, activation, ..Epilogue::default() };
                    let mut c = vec![f32::NAN; m * n];
                    Gemm { epilogue, ..Gemm::default() }.run(size, a, b, &mut c);
                    for (i, (&c, &product)) in c.iter().zip(&product).enumerate() {
                        let x = product + bias[i % n] + residual.get(i).unwrap_or(&0.0);
                        let want = match activation {
                            Activation::Relu => x.max(0.0),
                            Activation::Clip(lo, hi) => x.clamp(lo, hi),
                            Activation::LeakyRelu(slope) => {
                                if x < 0.0 {
                                    x * slope
                                } else {
                                    x
                                }
                            }
                            Activation::Tanh => x.tanh(),
                            _ => x,
                        };
                        assert!((c - want).abs() < 1e-6, "{level:?} {size:?} {activation:?}: {c} {want}");
                    }
                }
            }
        }
    });
}

#[test]
fn threads_do_not_change_the_result() {
    let size @ [m, k, n] = [301, 700, 333];
    let a: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
    let b: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.73).cos()).collect();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut c = vec![0.0; m * n];
        pool.install(|| Gemm::default().run(size, View::new(&a, k), View::new(&b, n), &mut c));
        c
    };
    let one = run(1);
    assert_eq!(one, run(3));
    let exact =
        |i: usize| (0..k).map(|p| f64::from(a[i / n * k + p]) * f64::from(b[p * n + i % n])).sum::<f64>();
    assert!((0..m * n).step_by(997).all(|i| (f64::from(one[i]) - exact(i)).abs() < 1e-4));
}

#[test]
fn batches_and_strides() {
    let (a, b) = (matrix(10, 12, 1), matrix(12, 7, 2));
    let mut c = vec![0.0; 5 * 2 * 7];
    let batch = Gemm::default();
    batch.run_batch([2, 12, 7], (View::new(&a, 12), 24), (View::new(&b, 7), 0), &mut c);
    assert_eq!(c, naive([10, 12, 7], View::new(&a, 12), View::new(&b, 7)));
    let mut wide = vec![-1.0; 10 * 9];
    let strided = Gemm { c_stride: Some(9), ..Gemm::default() };
    strided.run([10, 12, 7], View::new(&a, 12), View::new(&b, 7), &mut wide);
    assert!(wide.chunks(9).zip(c.chunks(7)).all(|(w, c)| w[..7] == *c && w[7..] == [-1.0; 2]));
}

#[test]
fn other_types_agree() {
    for size @ [m, k, n] in SIZES {
        let (a, b) = (matrix(m, k, 1), matrix(k, n, 2));
        for (ta, tb) in [(false, false), (true, true)] {
            let want = naive(size, View::maybe_t(&a, [m, k], ta), View::maybe_t(&b, [k, n], tb));
            let int = |x: &[f32]| x.iter().map(|&x| x as i16).collect::<Vec<i16>>();
            let (ai, bi, mut c) = (int(&a), int(&b), vec![0i16; m * n]);
            integer(size, View::maybe_t(&ai, [m, k], ta), View::maybe_t(&bi, [k, n], tb), &mut c);
            assert_eq!(c, int(&want));
            let complex_of = |x: &[f32]| x.iter().map(|&x| Complex32::new(0.0, x)).collect::<Vec<_>>();
            let (ac, bc, mut c) = (complex_of(&a), complex_of(&b), vec![Complex32::ZERO; m * n]);
            complex(size, View::maybe_t(&ac, [m, k], ta), View::maybe_t(&bc, [k, n], tb), &mut c);
            assert!(c.iter().zip(&want).all(|(c, w)| c.re == -w));
            let half = |x: &[f32]| x.iter().map(|&x| half::bf16::from_f32(x)).collect::<Vec<_>>();
            let (ah, bh, mut c) = (half(&a), half(&b), half(&want));
            c.fill(half::bf16::NAN);
            narrow(size, View::maybe_t(&ah, [m, k], ta), View::maybe_t(&bh, [k, n], tb), &mut c);
            assert_eq!(c, half(&want));
        }
    }
}

#[test]
fn columns_are_scaled_while_they_are_packed() {
    let (k, n) = (7, 70);
    let numbers = |count: usize| (0..count).map(|i| (i * 7 % 11) as f32 - 5.0).collect::<Vec<f32>>();
    let (b, factors, a) = (numbers(k * n), numbers(n), numbers(3 * k));
    let scaled: Vec<f32> = b.iter().enumerate().map(|(i, x)| x * factors[i % n]).collect();
    let run = |packed: &PackedB<f32>| {
        let mut c = vec![f32::NAN; 3 * n];
        Gemm::default().run([3, k, n], View::new(&a, k), packed, &mut c);
        c
    };
    let want = run(&PackedB::new(k, n, View::new(&scaled, n)));
    assert_eq!(run(&PackedB::scaled(k, n, View::new(&b, n), &factors)), want);
}
