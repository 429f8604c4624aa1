//! Times the loops: `cargo run --release -p savedmodel-math --example speed [filter]`.

use savedmodel_math::{binary, unary};
use std::time::Instant;

/// The least time of one call of `f`, in nanoseconds.
fn time(mut f: impl FnMut()) -> f64 {
    let start = Instant::now();
    f();
    let repeats = (2e6 / start.elapsed().as_nanos() as f64).clamp(1.0, 1e5) as usize;
    let mut best = f64::INFINITY;
    for _ in 0..20 {
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

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| unary_speed(&filter));
}
