//! `savedmodel bench`.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use savedmodel_tensor::Result;
use serde_json::{Value, json};

use super::call::Call;
use crate::arguments::Bench;
use crate::print;

/// Measures loading, the first call and the next ones.
///
/// # Errors
/// Those of files, model and run.
pub fn run(arguments: Bench) -> Result<()> {
    let call = Call::read(arguments.ask)?;
    let start = Instant::now();
    let model = arguments.load.open()?;
    let load = start.elapsed();
    let start = Instant::now();
    let prepared = call.prepare(&model)?;
    prepared.call()?;
    let first = start.elapsed();
    let mut times = Vec::with_capacity(arguments.runs as usize);
    let bar = ProgressBar::new(arguments.runs.into());
    for _ in 0..arguments.runs {
        let start = Instant::now();
        prepared.call()?;
        times.push(start.elapsed());
        bar.inc(1);
    }
    bar.finish_and_clear();
    times.sort_unstable();
    let figures = json!({
        "load_ms": milliseconds(load),
        "first_ms": milliseconds(first),
        "median_ms": milliseconds(median(&times)),
        "min_ms": times.first().copied().map(milliseconds),
        "p99_ms": times.get((times.len() * 99).div_ceil(100) - 1).copied().map(milliseconds),
        "peak_rss_mb": peak_rss_mb(),
    });
    print::out(&if arguments.json { format!("{figures}\n") } else { table(&figures) })
}

fn table(figures: &Value) -> String {
    let mut table = print::table(["figure", "value"]);
    for (name, value) in figures.as_object().into_iter().flatten() {
        table.add_row([name.clone(), value.to_string()]);
    }
    format!("{table}\n")
}

fn median(sorted: &[Duration]) -> Duration {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2 }
}

/// To the nanosecond, as small models take few thousands of these.
fn milliseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

/// The most memory that the process has had, where the system tells.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kilobytes / 1024.0 * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        let times = [1, 2, 4, 8].map(Duration::from_millis);
        assert_eq!(median(&times), Duration::from_millis(3));
        assert_eq!(median(&times[..3]), Duration::from_millis(2));
        assert_eq!(milliseconds(Duration::from_nanos(1_234_567)), 1.234_567);
        if cfg!(target_os = "linux") {
            assert!(peak_rss_mb().unwrap() > 0.5);
        }
    }
}
