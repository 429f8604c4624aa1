//! The primitives of `savedmodel-math`, with what the machine can do at most printed first.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use savedmodel_math::gemm::{Axis, Gemm, PackedB, View, Windows};
use savedmodel_math::{depthwise, limits, softmax, unary};

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7 % 23) as f32 / 8.0 - 1.0).collect()
}

/// Elements are floating-point operations: compare with the first limit.
fn products(c: &mut Criterion) {
    println!(
        "limits of one thread: {:.1} GFLOP/s, {:.1} GB/s",
        limits::flops() / 1e9,
        limits::bandwidth() / 1e9
    );
    let mut group = c.benchmark_group("gemm, B packed");
    for [m, k, n] in [[1, 768, 768], [32, 128, 256], [49, 4608, 512], [128, 768, 3072], [1024, 1024, 1024]] {
        let (a, packed) = (numbers(m * k), PackedB::new(k, n, View::new(&numbers(k * n), n)));
        let mut out = vec![0.0; m * n];
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(format!("{m}x{k}x{n}"), |b| {
            b.iter(|| Gemm::default().run([m, k, n], View::new(&a, k), &packed, &mut out));
        });
    }
    group.finish();
}

fn axis(cells: usize, taps: usize) -> Axis {
    Axis { cells, windows: cells, taps, stride: 1, dilation: 1, before: taps / 2 }
}

fn convolutions(c: &mut Criterion) {
    let mut group = c.benchmark_group("convolution 3x3");
    for (side, channels) in [(56, 64), (28, 128), (14, 256), (7, 512), (33, 77)] {
        let (k, rows) = (9 * channels, side * side);
        let (data, filter) = (numbers(rows * channels), numbers(k * channels));
        let packed = PackedB::new(k, channels, View::new(&filter, channels));
        let axes = [axis(1, 1), axis(side, 3), axis(side, 3)];
        let windows = Windows { data: &data, grids: 1, axes, channels, part: 0..channels };
        let mut out = vec![0.0; rows * channels];
        group.throughput(Throughput::Elements((2 * rows * k * channels) as u64));
        group.bench_function(format!("{side}x{side}x{channels}"), |b| {
            b.iter(|| Gemm::default().run_windows(&windows, &packed, &mut out));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("depthwise 3x3");
    for (side, channels) in [(112, 32), (28, 192), (7, 960)] {
        let axes = [axis(1, 1), axis(side, 3), axis(side, 3)];
        let (image, filter) = (numbers(side * side * channels), numbers(9 * channels));
        let mut out = vec![0.0; side * channels];
        group.throughput(Throughput::Elements((18 * side * side * channels) as u64));
        group.bench_function(format!("{side}x{side}x{channels}"), |b| {
            b.iter(|| {
                for y in 0..side {
                    let taps =
                        depthwise::Taps { image: &image, filter: &filter, axes: &axes, at: [0, y], channels };
                    depthwise::line(&taps, &[], [0.0, 6.0], &mut out);
                }
            });
        });
    }
    group.finish();
}

/// Bytes are those read and written: compare with the second limit, which small sizes exceed in cache.
fn memory(c: &mut Criterion) {
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
        let (x, mut y) = (numbers(len), vec![0.0; len]);
        group.throughput(Throughput::Bytes(8 * len as u64));
        for (name, function) in functions {
            group.bench_function(format!("{name} {len}"), |b| b.iter(|| function(&x, &mut y)));
        }
        group.bench_function(format!("softmax {}x512", len / 512), |b| {
            b.iter(|| softmax::softmax_rows(&x, &mut y, 512));
        });
    }
    group.finish();
}

criterion_group!(benches, products, convolutions, memory);
criterion_main!(benches);
