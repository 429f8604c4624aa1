//! Rules of the house that no compiler checks.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may know whom, besides outside packages: a package, or a directory of packages, and the rooms it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("crates/math", &[]),
    ("crates/tensor", &[]),
    ("crates/text", &[]),
    ("proto", &["tensor"]),
    ("crates/graph", &["tensor"]),
    ("crates/bundle", &["proto", "tensor"]),
    ("crates/op", &["graph", "math", "tensor", "text"]),
    (
        "kernels/dataset",
        &[
            "kernels-io",
            "kernels-list",
            "kernels-lookup",
            "kernels-parse",
            "kernels-random",
            "kernels-sparse",
            "op",
            "proto",
            "tensor",
            "text",
        ],
    ),
    ("kernels/io", &["bundle", "op", "tensor"]),
    ("kernels/summary", &["kernels-control", "kernels-image", "kernels-signal", "op", "proto", "tensor"]),
    ("kernels/xla", &["kernels-array", "kernels-linalg", "kernels-math", "kernels-nn", "op", "tensor"]),
    ("kernels/", &["math", "op", "proto", "tensor", "text", "kernels-array", "kernels-random"]),
    ("crates/optimize", &["graph", "op", "tensor"]),
    ("crates/loader", &["bundle", "graph", "op", "proto", "tensor"]),
    ("crates/export", &["bundle", "graph", "loader", "op", "proto", "tensor"]),
    ("crates/runtime", &["graph", "math", "op", "optimize", "tensor"]),
    ("crates/savedmodel", &["bundle", "export", "graph", "kernels-*", "loader", "op", "runtime", "tensor"]),
    ("crates/verify", &["", "proto", "tensor"]),
    ("crates/cli", &["", "loader", "proto", "tensor", "verify"]),
    ("examples/", &[""]),
    ("conformance", &["", "graph", "loader", "proto", "runtime", "verify"]),
    ("tests", &["", "loader", "op"]),
    ("benches", &["", "bundle", "graph", "kernels-*", "loader", "math", "op", "proto", "runtime", "tensor"]),
];

/// The only places where `unsafe` may stand.
const UNSAFE_HOMES: &[&str] = &[
    "crates/tensor/src/allocation.rs",
    "crates/tensor/src/buffer.rs",
    "crates/math/",
    "crates/bundle/src/file.rs",
];

const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files with this ending, by their paths from the root.
fn files(ending: &str) -> Vec<(String, String)> {
    fn walk(directory: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !matches!(&*name, "target" | "generated" | "cases" | "data")
            {
                walk(&path, ending, found);
            } else if path.is_file() && name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root, ending, &mut found);
    let relative = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    found.iter().map(|path| (relative(path), fs::read_to_string(path).unwrap())).collect()
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn files_are_short() {
    let lines = |(path, text): (String, String)| (path, text.lines().count());
    let long = files(".rs").into_iter().map(lines).filter(|(_, lines)| *lines > LONGEST_FILE);
    none(long.map(|(path, lines)| format!("{path} has {lines} lines, more than {LONGEST_FILE}")).collect());
}

#[test]
fn unsafe_stays_at_home() {
    let at_home = |path: &str| UNSAFE_HOMES.iter().any(|home| path.starts_with(home));
    let mut faults = Vec::new();
    for (path, text) in files(".rs") {
        let blocks = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
        if !at_home(&path) && !path.ends_with("tidy.rs") && blocks.iter().any(|block| text.contains(block)) {
            faults.push(format!("{path} has unsafe code"));
        }
        let package = path.strip_suffix("/src/lib.rs").or_else(|| path.strip_suffix("/src/main.rs"));
        if package.is_some_and(|package| !UNSAFE_HOMES.iter().any(|home| home.starts_with(package)))
            && !text.contains("#![forbid(unsafe_code)]")
        {
            faults.push(format!("{path} does not forbid unsafe code"));
        }
    }
    none(faults);
}

#[test]
fn arrows_point_one_way() {
    let mut faults = Vec::new();
    for (path, text) in files("Cargo.toml") {
        let Some(package) = path.strip_suffix("/Cargo.toml") else { continue };
        let fits = |name: &str| name == package || (name.ends_with('/') && package.starts_with(name));
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| fits(name)) else {
            faults.push(format!("{package} has no place among the arrows"));
            continue;
        };
        for room in rooms(&text) {
            let known = |allowed: &&&str| match allowed.strip_suffix('*') {
                Some(start) => room.starts_with(start),
                None => **allowed == room,
            };
            if !allowed.iter().any(|allowed| known(&allowed)) {
                faults.push(format!("{package} may not know savedmodel-{room}"));
            }
        }
    }
    none(faults);
}

/// The rooms that a manifest depends on outside of tests; the façade is the empty name.
fn rooms(manifest: &str) -> Vec<&str> {
    let dependencies = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let names = dependencies.take_while(|line| !line.starts_with('[')).filter_map(|line| {
        let name = line.split(['.', ' ', '=']).next()?.strip_prefix("savedmodel")?;
        Some(name.trim_start_matches('-'))
    });
    names.collect()
}
