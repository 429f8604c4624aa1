//! `MatchingFiles`.

use std::path::{Path, PathBuf};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::file;

mod glob;

/// Lists the files whose names match patterns, in order.
///
/// `*`, `?` and brackets match within one part of a path, and match names that begin with a dot too.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatchingFiles>.
pub const OP: Op = Op {
    name: "MatchingFiles",
    inputs: &["pattern: string"],
    outputs: &["filenames: string"],
    attrs: &[],
    // Files come and go.
    effect: Effect::Read,
    shape: shape::vector,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let patterns = ctx.input(0);
        if patterns.rank() > 1 {
            let shape = patterns.shape();
            let message = format!("Input patterns tensor must be scalar or vector, but had shape: {shape}");
            return Err(Error::invalid_argument(message));
        }
        let mut found = Vec::new();
        for pattern in patterns.strings()? {
            found.extend(matches(file::text(pattern)?));
        }
        found.sort_unstable();
        ctx.set(0, Tensor::from_strings([found.len()], found)?);
        Ok(())
    }))
}

/// The paths that match a pattern; what can't be listed has none.
fn matches(pattern: &str) -> Vec<String> {
    let (mut parts, root) = match pattern.strip_prefix('/') {
        Some(rest) => (rest.split('/'), "/"),
        None => (pattern.split('/'), ""),
    };
    let Some(first) = parts.next().filter(|_| !pattern.is_empty()) else { return Vec::new() };
    let mut paths = vec![(PathBuf::from(root), root.to_owned())];
    for (depth, part) in std::iter::once(first).chain(parts).enumerate() {
        let step = |(path, text): &(PathBuf, String)| {
            let separator = if depth == 0 { "" } else { "/" };
            let text = format!("{text}{separator}");
            names(path, part)
                .into_iter()
                .map(|name| (path.join(&name), text.clone() + &name))
                .collect::<Vec<_>>()
        };
        paths = paths.iter().flat_map(step).collect();
    }
    paths.into_iter().map(|(_, text)| text).collect()
}

/// The names in a directory that match a part of a pattern.
fn names(directory: &Path, part: &str) -> Vec<String> {
    if !part.contains(['*', '?', '[', '\\']) {
        let exists = directory.join(part).symlink_metadata().is_ok();
        return if exists { vec![part.to_owned()] } else { Vec::new() };
    }
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| glob::matches(part.as_bytes(), name.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn files() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_str().unwrap();
        for name in ["b.txt", "a.txt", "c.dat", ".h", "d1/e.txt", "d1/f.txt", "d2/e.txt"] {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let check = |patterns: &[&str], want: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|pattern| format!("{root}/{pattern}")).collect();
            let input = Tensor::from_strings([patterns.len()], patterns.clone()).unwrap();
            let out = OpTest::new(&OP).input(input).run().unwrap();
            let text = |name: &savedmodel_tensor::Bytes| {
                String::from_utf8_lossy(name).strip_prefix(root).unwrap()[1..].to_owned()
            };
            let got: Vec<String> = out[0].strings().unwrap().iter().map(text).collect();
            assert_eq!(got, want, "{patterns:?}");
        };
        check(&["*.txt"], &["a.txt", "b.txt"]);
        check(&["b*", "a*"], &["a.txt", "b.txt"]);
        check(&["*"], &[".h", "a.txt", "b.txt", "c.dat", "d1", "d2"]);
        check(&["[!a].t?t"], &["b.txt"]);
        check(&["**/e.txt"], &["d1/e.txt", "d2/e.txt"]);
        check(&["d1/"], &["d1/"]);
        check(&["\\a.txt"], &["a.txt"]);
        check(&["nope", "{a,b}.txt", "[a", "none/*"], &[]);
    }
}
