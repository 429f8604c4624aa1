//! The primitives of `savedmodel-math`, each with what it reaches of the machine's limit.

use criterion::{Criterion, criterion_group, criterion_main};
use savedmodel_benches::{Roofline, Work};
use savedmodel_math::gemm::{Axis, Gemm, PackedB, View, Windows};
use savedmodel_math::{depthwise, softmax, unary};

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7 % 23) as f32 / 8.0 - 1.0).collect()
}

fn all(c: &mut Criterion) {
    let limits = Roofline::measure();
    products(c, &limits);
    convolutions(c, &limits);
    memory(c, &limits);
}

fn products(c: &mut Criterion, limits: &Roofline) {
    let mut group = c.benchmark_group("gemm, B packed");
    for [m, k, n] in [[1, 768, 768], [32, 128, 256], [49, 4608, 512], [128, 768, 3072], [1024, 1024, 1024]] {
        let (a, packed) = (numbers(m * k), PackedB::new(k, n, View::new(&numbers(k * n), n)));
        let mut out = vec![0.0; m * n];
        limits.bench(&mut group, &format!("{m}x{k}x{n}"), Work::Flop(2 * m * k * n), || {
            Gemm::default().run([m, k, n], View::new(&a, k), &packed, &mut out);
        });
    }
    group.finish();
}

fn axis(cells: usize, taps: usize) -> Axis {
    Axis { cells, windows: cells, taps, stride: 1, dilation: 1, before: taps / 2 }
}

fn convolutions(c: &mut Criterion, limits: &Roofline) {
    let mut group = c.benchmark_group("convolution 3x3");
    for (side, channels) in [(56, 64), (28, 128), (14, 256), (7, 512), (33, 77)] {
        let (k, rows) = (9 * channels, side * side);
        let (data, filter) = (numbers(rows * channels), numbers(k * channels));
        let packed = PackedB::new(k, channels, View::new(&filter, channels));
        let axes = [axis(1, 1), axis(side, 3), axis(side, 3)];
        let windows = Windows { data: &data, grids: 1, axes, channels, part: 0..channels, padding: 0 };
        let mut out = vec![0.0; rows * channels];
        let work = Work::Flop(2 * rows * k * channels);
        limits.bench(&mut group, &format!("{side}x{side}x{channels}"), work, || {
            Gemm::default().run_windows(&windows, &packed, &mut out);
        });
    }
    group.finish();
    let mut group = c.benchmark_group("depthwise 3x3");
    for (side, channels) in [(112, 32), (28, 192), (7, 960)] {
        let axes = [axis(1, 1), axis(side, 3), axis(side, 3)];
        let (image, filter) = (numbers(side * side * channels), numbers(9 * channels));
        let mut out = vec![0.0; side * channels];
        let work = Work::Flop(18 * side * side * channels);
        limits.bench(&mut group, &format!("{side}x{side}x{channels}"), work, || {
            for y in 0..side {
                let (image, filter) = (&image, &filter);
                let taps = depthwise::Taps { image, held: side, filter, axes: &axes, at: [0, y], channels };
                depthwise::line(&taps, &[], [0.0, 6.0], &mut out);
            }
        });
    }
    group.finish();
}

fn memory(c: &mut Criterion, limits: &Roofline) {
    type Function = fn(&[f32], &mut [f32]);
    let functions: [(&str, Function); 6] = [
        ("exp", unary::exp),
        ("tanh", unary::tanh),
        ("sigmoid", unary::sigmoid),
        ("erf", unary::erf),
        ("gelu", unary::gelu),
        ("sqrt", unary::sqrt),
    ];
    let mut group = c.benchmark_group("element-wise");
    for len in [1 << 12, 1 << 22] {
        let (x, mut y, work) = (numbers(len), vec![0.0; len], Work::Bytes(8 * len));
        for (name, function) in functions {
            limits.bench(&mut group, &format!("{name} {len}"), work, || function(&x, &mut y));
        }
        limits.bench(&mut group, &format!("softmax {}x512", len / 512), work, || {
            softmax::softmax_rows(&x, &mut y, 512);
        });
    }
    group.finish();
}

criterion_group!(benches, all);
criterion_main!(benches);
