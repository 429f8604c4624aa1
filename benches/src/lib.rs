//! Benchmarks, run with `cargo bench`; see the README beside this package.
#![forbid(unsafe_code)]
