//! What the linker can do for a smaller binary.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).as_deref() == Ok(value);
    // There the toolchain's own linker can do it.
    if is("CARGO_CFG_TARGET_ARCH", "x86_64") && is("CARGO_CFG_TARGET_ENV", "gnu") && is("PROFILE", "release")
    {
        // Functions whose code is the same become one: kernels that differ by a dtype only often are.
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
        // Constants and tables of methods, too: what differs by the place of its constants only then is the same as well.
        println!("cargo::rustc-link-arg-bins=-Wl,--ignore-data-address-equality");
        if env::var("HOST") == env::var("TARGET") && glibc().is_some_and(|version| version >= (2, 36)) {
            // Addresses to adjust at start take a bit each, not 24 bytes.
            println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        }
    }
}

/// The version of this machine's C library: what is built here runs with that one or newer ones, and those before 2.36 don't know packed
/// relocations.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
