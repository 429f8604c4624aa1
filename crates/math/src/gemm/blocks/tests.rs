use super::super::driver::Product;
use super::super::tile::Tiled;
use super::super::{Activation, Axis, Epilogue, Gemm, PackedB, Rhs, View, Windows};
use super::*;
use crate::par::Pool;

/// Whole numbers of 24 bits between -1 and 1, so that all parts of them count.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let mix = |i: usize| (i * 7919 + seed * 104_729 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (0..count).map(|i| (mix(i) & 0xff_ffff) as f32 / 8_388_608.0 - 1.0).collect()
}

/// The product by the unit, whether it gains by that or not.
fn by_unit(gemm: &Gemm<f32>, [m, k, n]: [usize; 3], a: &[f32], b: &PackedB<f32>, c: &mut [f32]) {
    let mut product = Product::new(gemm, [b.units, n], Rhs::Packed(b), c);
    product.prepare_for_unit(m);
    run(&product, m, b.panels, &View::new(a, k));
}

/// In double precision, and the sum of the products' sizes.
fn exact([_, k, n]: [usize; 3], a: &[f32], b: &[f32], i: usize) -> (f64, f64) {
    (0..k).fold((0.0, 0.0), |(sum, size), p| {
        let product = f64::from(a[i / n * k + p]) * f64::from(b[p * n + i % n]);
        (sum + product, size + product.abs())
    })
}

const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [5, 33, 40],
    [16, 32, 16],
    [17, 64, 33],
    [33, 300, 17],
    [64, 513, 65],
    [70, 1100, 20],
    [300, 40, 70],
    [600, 31, 2100],
];

#[test]
fn products_are_as_exact_as_those_of_single_numbers() {
    if f32::unit().is_none() {
        return;
    }
    for size @ [m, k, n] in SIZES {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let packed = PackedB::new(k, n, View::new(&b, n));
        let mut c = vec![f32::NAN; m * n];
        by_unit(&Gemm::default(), size, &a, &packed, &mut c);
        for (i, &c) in c.iter().enumerate().step_by(m * n / 5000 + 1) {
            let (want, sum) = exact(size, &a, &b, i);
            let most = sum * f64::from(f32::EPSILON) * (k as f64).sqrt().max(2.0);
            assert!((f64::from(c) - want).abs() <= most, "{size:?} at {i}: {c} {want}");
        }
    }
}

#[test]
fn epilogues_follow_the_product() {
    if f32::unit().is_none() {
        return;
    }
    let small = |count: usize, seed: usize| -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 31) % 17) as f32 - 8.0).collect()
    };
    for size @ [m, k, n] in SIZES {
        let (a, b, bias) = (small(m * k, 1), small(k * n, 2), small(n, 3));
        let packed = PackedB::new(k, n, View::new(&b, n));
        let stride = n + 3;
        let residual = small(m * stride, 4);
        for activation in [Activation::Relu, Activation::Tanh] {
            let plain = |accumulate| {
                let epilogue = Epilogue { bias: &bias, residual: &residual, accumulate, activation };
                Gemm { epilogue, c_stride: Some(stride) }
            };
            for accumulate in [false, true] {
                let start = small(m * stride, 5);
                let (mut c, mut want) = (start.clone(), start);
                by_unit(&plain(accumulate), size, &a, &packed, &mut c);
                // Rows one by one are no work for the unit.
                for (row, want) in want.chunks_mut(stride).enumerate() {
                    let mut gemm = plain(accumulate);
                    gemm.epilogue.residual = &residual[row * stride..][..stride];
                    gemm.run([1, k, n], View::new(&a[row * k..], k), &packed, want);
                }
                assert_eq!(c, want, "{size:?} {activation:?} {accumulate}");
            }
        }
    }
}

#[test]
fn numbers_that_cannot_be_split_are_multiplied_as_they_are() {
    if f32::unit().is_none() {
        return;
    }
    let size @ [m, k, n] = [100, 70, 80];
    for odd in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, 1e-35, -3.0e-38] {
        for is_a in [true, false] {
            let (mut a, mut b) = (numbers(m * k, 1), numbers(k * n, 2));
            if is_a {
                a[40 * k + 7] = odd
            } else {
                b[7 * n + 40] = odd
            }
            // What is tiny counts alone.
            let alone = odd.abs() < 1e-30;
            if alone && is_a {
                a[40 * k..41 * k].iter_mut().for_each(|x| *x *= f32::from(*x == odd));
            }
            if alone && !is_a {
                b.iter_mut().skip(40).step_by(n).for_each(|x| *x *= f32::from(*x == odd));
            }
            let packed = PackedB::new(k, n, View::new(&b, n));
            let mut c = vec![0.0; m * n];
            by_unit(&Gemm::default(), size, &a, &packed, &mut c);
            for (i, &c) in c.iter().enumerate() {
                let (want, sum) = exact(size, &a, &b, i);
                let is_close = (f64::from(c) - want).abs() <= sum * 1e-6 + f64::from(f32::MIN_POSITIVE);
                let is_same = c.is_nan() && want.is_nan() || c == want as f32;
                assert!(is_same || is_close && want.is_finite(), "{odd} {is_a} at {i}: {c} {want}");
            }
        }
    }
}

#[test]
fn threads_do_not_change_the_result() {
    if f32::unit().is_none() {
        return;
    }
    let size @ [m, k, n] = [700, 300, 200];
    let (mut a, b) = (numbers(m * k, 1), numbers(k * n, 2));
    a[300 * k] = 3e38;
    let packed = PackedB::new(k, n, View::new(&b, n));
    let results = [1, 2, 5].map(|threads| {
        let pool = Pool::new(threads).unwrap();
        let _entered = pool.enter();
        let mut c = vec![0.0; m * n];
        by_unit(&Gemm::default(), size, &a, &packed, &mut c);
        c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    });
    assert!(results[0] == results[1] && results[0] == results[2]);
}

#[test]
fn windows_are_multiplied_as_by_microkernels() {
    let axis = |c, w, t, s, d, b| Axis::of([c, w, t, s, d, b]);
    let unit = axis(1, 1, 1, 1, 1, 0);
    if f32::unit().is_none() {
        return;
    }
    let mut regional = 0;
    for (grids, axes, channels, part, n) in [
        (1, [axis(4, 4, 3, 1, 1, 1), axis(9, 5, 3, 2, 1, 0), axis(16, 16, 3, 1, 1, 1)], 64, 0..64, 40),
        (2, [unit, axis(9, 9, 3, 1, 1, 1), axis(30, 30, 3, 1, 1, 1)], 32, 0..32, 40),
        (1, [unit, axis(9, 5, 3, 2, 1, 1), axis(9, 5, 3, 2, 1, 1)], 64, 0..64, 33),
        (1, [axis(4, 4, 3, 1, 1, 1), axis(4, 4, 3, 1, 1, 1), axis(5, 5, 3, 1, 1, 1)], 3, 0..3, 17),
        (2, [unit, unit, axis(600, 600, 3, 1, 160, 160)], 32, 0..32, 5),
        (2, [unit, unit, axis(600, 600, 3, 1, 8, 8)], 32, 0..32, 5),
        (1, [unit, axis(3, 3, 3, 1, 1, 1), axis(601, 300, 3, 2, 1, 0)], 7, 0..7, 33),
        (1, [unit, axis(4, 2, 3, 1, 1, 0), axis(4, 2, 3, 1, 1, 0)], 64, 32..64, 5),
        (1, [unit, axis(1, 3, 3, 1, 1, 2), axis(1, 4, 2, 1, 2, 3)], 32, 0..32, 32),
    ] {
        let cells = grids * axes.iter().map(|axis: &Axis| axis.cells).product::<usize>() * channels;
        let data: Vec<f32> = (0..cells).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
        let windows = Windows { data: &data, grids, axes, channels, part, padding: 0 };
        let [k, m] = [windows.columns(), windows.rows()];
        let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
        let packed = PackedB::new(k, n, View::new(&b, n));
        let (mut c, mut want) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
        let gemm = Gemm::default();
        let mut product = Product::new(&gemm, [k, n], Rhs::Packed(&packed), &mut c);
        product.prepare_for_unit(m);
        windows.run_blocks(&product, packed.panels);
        if let Some(regions) = windows.regions(&product) {
            let mut cells = vec![f32::NAN; m * n];
            let mut product = Product::new(&gemm, [k, n], Rhs::Packed(&packed), &mut cells);
            product.prepare_for_unit(m);
            windows.run_cells(&product, &regions, packed.panels);
            assert_eq!(c, cells, "{axes:?}");
            regional += 1;
        }
        let mut product = Product::new(&gemm, [k, n], Rhs::Packed(&packed), &mut want);
        product.prepare();
        windows.run_by_microkernels(&product, packed.panels);
        assert_eq!(c, want, "{axes:?}");
    }
    assert_eq!(regional, 4);
}

#[test]
fn numbers_are_kept_split_and_give_the_same() {
    if f32::unit().is_none() {
        return;
    }
    for size @ [m, k, n] in SIZES {
        let (a, mut b) = (numbers(m * k, 1), numbers(k * n, 2));
        b[0] = 0.0;
        let packed = PackedB::new(k, n, View::new(&b, n));
        let one_row = |packed: &PackedB<f32>| {
            let mut c = vec![f32::NAN; n];
            let gemm = Gemm::default();
            let mut product = Product::new(&gemm, [k, n], Rhs::Packed(packed), &mut c);
            product.prepare();
            product.block(&View::new(&a, k), 0..1, 0..packed.panels);
            c
        };
        let plain = one_row(&packed);
        let mut odd = a.clone();
        odd[m / 2 * k] = f32::MAX;
        let mut results = Vec::new();
        for a in [&a, &odd] {
            let mut c = vec![f32::NAN; m * n];
            let fresh = PackedB::new(k, n, View::new(&b, n));
            by_unit(&Gemm::default(), size, a, &fresh, &mut c);
            results.push(c);
        }
        for _ in 0..3 {
            for (a, want) in [&a, &odd].into_iter().zip(&results) {
                let mut c = vec![f32::NAN; m * n];
                by_unit(&Gemm::default(), size, a, &packed, &mut c);
                assert!(c == *want, "{size:?}");
            }
        }
        assert_eq!(packed.kept.is_split(), is_worth_keeping(m));
        assert_eq!(one_row(&packed), plain, "{size:?}");
    }
}
