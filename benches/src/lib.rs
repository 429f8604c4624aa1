//! What benchmarks share; they run with `cargo bench`, see the README beside this package.
#![forbid(unsafe_code)]

use std::time::Instant;

use criterion::{BenchmarkGroup, Throughput, measurement::WallTime};
use rayon::{ThreadPool, ThreadPoolBuilder};
use savedmodel_math::limits;

/// What one call does, as far as the machine limits it.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Floating-point operations; a fused multiply-add counts as two.
    Flop(usize),
    /// Bytes read and written.
    Bytes(usize),
}

/// The limits of one thread, against which calls are held: Williams, Waterman and Patterson, "Roofline: an insightful visual
/// performance model", 2009.
///
/// ```no_run
/// use savedmodel_benches::{Roofline, Work};
/// let mut criterion = criterion::Criterion::default();
/// let mut group = criterion.benchmark_group("sums");
/// let numbers = vec![1.0_f32; 1 << 20];
/// Roofline::measure().bench(&mut group, "1048576", Work::Bytes(4 << 20), || {
///     std::hint::black_box(numbers.iter().sum::<f32>());
/// });
/// ```
#[derive(Debug)]
pub struct Roofline {
    /// Single-precision operations a second.
    flops: f64,
    /// Bytes a second from and to memory.
    bandwidth: f64,
    /// What calls run in.
    thread: ThreadPool,
}

impl Roofline {
    /// Measures the limits, which takes a second or so, and prints them.
    ///
    /// # Panics
    /// When the system gives no thread.
    pub fn measure() -> Roofline {
        let (flops, bandwidth) = (limits::flops(), limits::bandwidth());
        println!("limits of one thread: {:.1} GFLOP/s, {:.1} GB/s", flops / 1e9, bandwidth / 1e9);
        Roofline {
            flops,
            bandwidth,
            thread: ThreadPoolBuilder::new().num_threads(1).build().expect("a thread"),
        }
    }

    /// Benchmarks `call` on one thread, and prints what its fastest sample reached of the limit; more than all of it where memory is the limit
    /// means that what it touches stayed in a cache.
    pub fn bench(
        &self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        name: &str,
        work: Work,
        mut call: impl FnMut() + Send,
    ) {
        let (amount, limit, unit) = match work {
            Work::Flop(count) => (count, self.flops, "GFLOP/s"),
            Work::Bytes(count) => (count, self.bandwidth, "GB/s"),
        };
        group.throughput(match work {
            Work::Flop(count) => Throughput::Elements(count as u64),
            Work::Bytes(count) => Throughput::Bytes(count as u64),
        });
        let mut fastest = f64::INFINITY;
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let start = Instant::now();
                self.thread.install(|| (0..times).for_each(|_| call()));
                let elapsed = start.elapsed();
                fastest = fastest.min(elapsed.as_secs_f64() / times as f64);
                elapsed
            });
        });
        // Nothing has run where a filter left it out.
        if fastest.is_finite() {
            let reached = amount as f64 / fastest;
            println!(
                "{:24}at best {:.1} {unit}, {:.0} % of the limit",
                "",
                reached / 1e9,
                100.0 * reached / limit
            );
        }
    }
}
