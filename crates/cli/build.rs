//! Lets the linker fold functions whose code is the same: kernels that differ by a dtype only often are.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).as_deref() == Ok(value);
    // There the toolchain's own linker can do it.
    if is("CARGO_CFG_TARGET_ARCH", "x86_64") && is("CARGO_CFG_TARGET_ENV", "gnu") && is("PROFILE", "release")
    {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
