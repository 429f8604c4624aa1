//! Times the loops: `cargo run --release -p savedmodel-math --example speed [filter]`.

use savedmodel_math::gemm::{Gemm, PackedB, View};
use savedmodel_math::{binary, reduce, softmax, unary};
use std::time::Instant;
/// The least time of one call of `f`, in nanoseconds; many short runs, so that one is likely to be undisturbed.
fn time(mut f: impl FnMut()) -> f64 {
    let start = Instant::now();
    f();
    let first = start.elapsed().as_nanos() as f64;
    let repeats = (2e5 / first).clamp(1.0, 1e4) as usize;
    let runs = (3e8 / (first * repeats as f64)).clamp(5.0, 300.0) as usize;
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        (0..repeats).for_each(|_| f());
        best = best.min(start.elapsed().as_nanos() as f64 / repeats as f64);
    }
    best
}

fn unary_speed(filter: &str) {
    type Unary = fn(&[f32], &mut [f32]);
    let x: Vec<f32> = (0..8192).map(|i| (i as f32 - 4096.0) * 1e-3).collect();
    let mut y = vec![0.0; x.len()];
    let table: [(&str, Unary); 21] = [
        ("exp", unary::exp),
        ("expm1", unary::expm1),
        ("log", unary::log),
        ("log1p", unary::log1p),
        ("sqrt", unary::sqrt),
        ("rsqrt", unary::rsqrt),
        ("sin", unary::sin),
        ("cos", unary::cos),
        ("tan", unary::tan),
        ("asin", unary::asin),
        ("atan", unary::atan),
        ("sinh", unary::sinh),
        ("tanh", unary::tanh),
        ("asinh", unary::asinh),
        ("erf", unary::erf),
        ("erfc", unary::erfc),
        ("sigmoid", unary::sigmoid),
        ("silu", unary::silu),
        ("softplus", unary::softplus),
        ("gelu", unary::gelu),
        ("gelu_tanh", unary::gelu_tanh),
    ];
    for (name, f) in table.into_iter().filter(|(name, _)| name.contains(filter)) {
        println!("{name:12} {:.3} ns", time(|| f(&x, &mut y)) / x.len() as f64);
    }
    for (name, f) in [("pow", binary::pow::<f32> as fn(&[f32], &[f32], &mut [f32])), ("atan2", binary::atan2)]
    {
        if name.contains(filter) {
            println!("{name:12} {:.3} ns", time(|| f(&x, &x, &mut y)) / x.len() as f64);
        }
    }
}

fn gemm_speed(filter: &str) {
    for [m, k, n] in [
        [1024, 1024, 1024],
        [2048, 2048, 2048],
        [512, 512, 512],
        [256, 256, 256],
        [128, 128, 128],
        [64, 64, 64],
        [32, 32, 32],
        [16, 16, 16],
        [1000, 777, 333],
        [3136, 64, 64],
        [196, 1152, 256],
        [1, 1024, 1024],
        [1, 4096, 4096],
        [4, 1024, 1024],
        [16, 1024, 1024],
        [128, 768, 768],
        [128, 768, 3072],
    ] {
        let name = format!("gemm {m}x{k}x{n}");
        if !name.contains(filter) {
            continue;
        }
        let a: Vec<f32> = (0..m * k).map(|i| (i % 13) as f32 - 6.0).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i % 11) as f32 - 5.0).collect();
        let packed = PackedB::new(k, n, View::new(&b, n));
        let mut c = vec![0.0; m * n];
        let flops = 2.0 * (m * k * n) as f64;
        let gemm = Gemm::default();
        let plain = time(|| gemm.run([m, k, n], View::new(&a, k), View::new(&b, n), &mut c));
        let transposed = time(|| gemm.run([m, k, n], View::new(&a, k), View::new(&b, k).t(), &mut c));
        let prepacked = time(|| gemm.run([m, k, n], View::new(&a, k), &packed, &mut c));
        // SAFETY: the slices hold the dense matrices that the strides describe.
        let reference = time(|| unsafe {
            let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
            let (k_stride, n_stride) = (k as isize, n as isize);
            matrixmultiply::sgemm(m, k, n, 1.0, a, k_stride, 1, b, n_stride, 1, 0.0, c, n_stride, 1);
        });
        let speed = |ns: f64| flops / ns;
        println!(
            "{name:22} {:7.1} GFLOP/s, B transposed {:7.1}, B packed {:7.1}, matrixmultiply {:7.1}",
            speed(plain),
            speed(transposed),
            speed(prepacked),
            speed(reference)
        );
    }
}

fn row_speed(filter: &str) {
    let x: Vec<f32> = (0..64 * 1000).map(|i| (i % 97) as f32 * 0.1).collect();
    let mut y = vec![0.0; x.len()];
    let n = x.len() as f64;
    for (name, f) in [
        ("softmax", (&|y: &mut [f32]| softmax::softmax_rows(&x, y, 1000)) as &dyn Fn(&mut [f32])),
        ("sum rows", &|y: &mut [f32]| reduce::sum(&x, [64, 1000, 1], &mut y[..64])),
        ("max rows", &|y: &mut [f32]| reduce::max(&x, [64, 1000, 1], &mut y[..64])),
        ("sum columns", &|y: &mut [f32]| reduce::sum(&x, [1, 64, 1000], &mut y[..1000])),
        ("sum narrow columns", &|y: &mut [f32]| reduce::sum(&x, [1, 16000, 4], &mut y[..4])),
    ] {
        if name.contains(filter) {
            println!("{name:20} {:.3} ns", time(|| f(&mut y)) / n);
        }
    }
}

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let threads = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        unary_speed(&filter);
        row_speed(&filter);
        gemm_speed(&filter);
    });
}
