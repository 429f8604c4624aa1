//! `MergeV2Checkpoints`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use savedmodel_bundle::{BundleReader, BundleWriter};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Code, Error, Result};

use crate::file;

/// Makes one checkpoint of several.
///
/// Slices of one tensor may come from several of them, whole tensors may not. TensorFlow keeps a data file for each, here
/// all goes to one.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MergeV2Checkpoints>.
pub const OP: Op = Op {
    name: "MergeV2Checkpoints",
    inputs: &["checkpoint_prefixes: string", "destination_prefix: string"],
    outputs: &[],
    attrs: &["delete_old_dirs: bool = true", "allow_missing_files: bool = false"],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (delete, may_miss): (bool, bool) = (node.attr("delete_old_dirs")?, node.attr("allow_missing_files")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (prefixes, destination) = (ctx.input(0), ctx.input(1));
        if prefixes.rank() != 1 {
            let shape = prefixes.shape();
            let message = format!("Input checkpoint_prefixes should be an 1-D tensor, got {shape} instead.");
            return Err(Error::invalid_argument(message));
        }
        let (0, [destination]) = (destination.rank(), destination.strings()?) else {
            let shape = destination.shape();
            let message = format!("Input destination_prefix should be a scalar tensor, got {shape} instead.");
            return Err(Error::invalid_argument(message));
        };
        let prefixes = prefixes.strings()?.iter().map(file::path).collect::<Result<Vec<PathBuf>>>()?;
        let readers = open(&prefixes, may_miss)?;
        merge(&readers, &file::path(destination)?)?;
        for (prefix, _) in readers {
            remove(prefix, delete);
        }
        Ok(())
    }))
}

fn open(prefixes: &[PathBuf], may_miss: bool) -> Result<Vec<(&Path, BundleReader)>> {
    let mut readers = Vec::new();
    for prefix in prefixes {
        match BundleReader::open(prefix) {
            Ok(reader) => readers.push((&**prefix, reader)),
            Err(error) if error.code() == Code::NotFound && may_miss => {}
            Err(error) if error.code() == Code::NotFound => {
                let prefix = prefix.display();
                return Err(Error::invalid_argument(format!(
                    "allow_missing_files was set to false and {prefix} did not exist.{error}"
                )));
            }
            Err(error) => return Err(error),
        }
    }
    if readers.is_empty() {
        let message = "At least one prefix checkpoint file must exist, but none existed.";
        return Err(Error::invalid_argument(message));
    }
    Ok(readers)
}

fn merge(readers: &[(&Path, BundleReader)], destination: &Path) -> Result<()> {
    let mut writer = BundleWriter::new(destination)?;
    let mut whole = BTreeSet::new();
    for (prefix, reader) in readers {
        for entry in reader.entries() {
            if entry.slices.is_empty() {
                if !whole.insert(entry.name.to_owned()) {
                    return Err(Error::invalid_argument(format!(
                        "Duplicate tensor keyed by {} encountered, when merging prefix: {}",
                        entry.name,
                        prefix.display()
                    )));
                }
                writer.add(entry.name, &reader.tensor(entry.name)?)?;
            }
            for slice in &entry.slices {
                writer.add_slice(entry.name, &entry.shape, slice, &reader.slice(entry.name, slice)?)?;
            }
        }
    }
    writer.finish()
}

/// Removes a checkpoint and, if told so and it is empty then, its directory. What can't be removed stays.
fn remove(prefix: &Path, directory_too: bool) {
    let (Some(directory), Some(name)) = (prefix.parent(), prefix.file_name().and_then(|name| name.to_str()))
    else {
        return;
    };
    let is_part = |file: &str| {
        let suffix = file.strip_prefix(name);
        suffix.is_some_and(|suffix| suffix == ".index" || suffix.starts_with(".data-"))
    };
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_part) {
            _ = std::fs::remove_file(entry.path());
        }
    }
    if directory_too {
        _ = std::fs::remove_dir(directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_bundle::TensorSlice;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{Shape, Tensor};

    fn run(prefixes: &[PathBuf], destination: &Path, may_miss: bool) -> Result<()> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let inputs = Tensor::from_strings([prefixes.len()], prefixes.iter().map(|path| text(path)))?;
        let destination = Tensor::from_strings(Shape::scalar(), [text(destination)])?;
        let test = OpTest::new(&OP).input(inputs).input(destination);
        test.attr("allow_missing_files", may_miss).run().map(|_| ())
    }

    fn part(prefix: &Path, slice: Option<&str>, name: &str) {
        let mut writer = BundleWriter::new(prefix).unwrap();
        let values = Tensor::from_vec([2], vec![1.0_f32, 2.0]).unwrap();
        match slice {
            None => writer.add(name, &values).unwrap(),
            Some(slice) => {
                let slice: TensorSlice = slice.parse().unwrap();
                writer.add_slice(name, &Shape::from([4]), &slice, &values).unwrap();
            }
        }
        writer.finish().unwrap();
    }

    #[test]
    fn slices_come_together_and_sources_go() {
        let directory = tempfile::tempdir().unwrap();
        let prefixes = ["p1_temp/part", "p2_temp/part"].map(|name| directory.path().join(name));
        part(&prefixes[0], Some("0,2"), "x");
        part(&prefixes[1], Some("2,2"), "x");
        let merged = directory.path().join("m");
        run(&prefixes, &merged, false).unwrap();
        let x = BundleReader::open(&merged).unwrap().tensor("x").unwrap();
        assert_eq!(x.as_slice::<f32>().unwrap(), [1.0, 2.0, 1.0, 2.0]);
        assert!(!directory.path().join("p1_temp").exists());
    }

    #[test]
    fn refusals() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        part(&at("p1"), None, "x");
        part(&at("p2"), None, "x");
        let error = run(&[at("p1"), at("p2")], &at("m"), false).unwrap_err();
        let want =
            format!("Duplicate tensor keyed by x encountered, when merging prefix: {}", at("p2").display());
        assert_eq!(error.message(), want);
        let error = run(&[at("p1"), at("nope")], &at("m"), false).unwrap_err();
        assert!(error.message().starts_with("allow_missing_files was set to false and "), "{error}");
        let error = run(&[at("nope")], &at("m"), true).unwrap_err();
        assert_eq!(error.message(), "At least one prefix checkpoint file must exist, but none existed.");
        run(&[at("p1"), at("nope")], &at("m"), true).unwrap();
        assert!(at("m.index").exists() && at("p2.index").exists());
    }
}
