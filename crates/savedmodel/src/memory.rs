//! How much memory the process may still take.

use std::fs;
use std::path::{Path, PathBuf};

/// The most bytes of one tensor, unless told: half of the memory that is free when a session is made, so that a tensor and what a
/// kernel needs beside it fit, and a request for more is refused rather than the process killed.
pub(crate) fn tensor_bytes() -> usize {
    /// Where nothing tells how much there is.
    const UNKNOWN: u64 = 1 << 38;
    /// A machine that is full for a moment should not refuse small tensors from then on.
    const LEAST: u64 = 1 << 28;
    let limit = available(Path::new("/")).map_or(UNKNOWN, |bytes| (bytes / 2).max(LEAST));
    usize::try_from(limit).unwrap_or(usize::MAX / 2)
}

/// What the system says is available, or what the process's control groups leave of it.
fn available(root: &Path) -> Option<u64> {
    let system = fs::read_to_string(root.join("proc/meminfo")).ok();
    let system =
        system.and_then(|text| field(&text, "MemAvailable:")).map(|kilobytes| kilobytes.saturating_mul(1024));
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let of_groups = groups.lines().filter_map(|line| group(root, line)).flat_map(|(top, path, names)| {
        // A limit holds for all groups below.
        path.ancestors()
            .map(PathBuf::from)
            .filter(|at| at.starts_with(&top))
            .filter_map(|at| left(&at, names))
            .collect::<Vec<_>>()
    });
    of_groups.chain(system).min()
}

/// The names of a group's files: its limit, and what it uses.
type Names = [&'static str; 2];

/// The directory of a line of `/proc/self/cgroup` that tells of memory, below which one, and the names of its files.
fn group(root: &Path, line: &str) -> Option<(PathBuf, PathBuf, Names)> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let (top, names) = if controllers.is_empty() {
        (root.join("sys/fs/cgroup"), ["memory.max", "memory.current"])
    } else if controllers.split(',').any(|name| name == "memory") {
        (root.join("sys/fs/cgroup/memory"), ["memory.limit_in_bytes", "memory.usage_in_bytes"])
    } else {
        return None;
    };
    let path = top.join(path.trim_start_matches('/'));
    Some((top, path, names))
}

/// What a group leaves; nothing if it has no limit. The pages of files that it may drop are free.
fn left(group: &Path, [limit, usage]: Names) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let files = read("memory.stat").and_then(|text| field(&text, "inactive_file")).unwrap_or(0);
    Some(number(limit)?.saturating_sub(number(usage)?.saturating_sub(files)))
}

/// The number behind a name, at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        available(root.path())
    }

    #[test]
    fn the_least_of_system_and_groups() {
        let system = ("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:   4000 kB\n");
        assert_eq!(machine(&[]), None);
        assert_eq!(machine(&[system]), Some(4_096_000));
        let second = [
            system,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("sys/fs/cgroup/a/b/memory.current", "100\n"),
            ("sys/fs/cgroup/a/memory.max", "1000\n"),
            ("sys/fs/cgroup/a/memory.current", "900\n"),
            ("sys/fs/cgroup/a/memory.stat", "anon 600\ninactive_file 300\n"),
        ];
        assert_eq!(machine(&second), Some(400));
        let first = [
            system,
            ("proc/self/cgroup", "5:cpu:/\n4:memory:/x\n"),
            ("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "2000"),
            ("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "2500"),
        ];
        assert_eq!(machine(&first), Some(0));
    }
}
