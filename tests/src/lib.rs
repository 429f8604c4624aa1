//! Models for tests, sound and damaged.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A model of the conformance cases.
pub fn model(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/cases/models").join(case).join("model")
}

/// A copy of a model, to be damaged.
pub struct ModelCopy(TempDir);

impl ModelCopy {
    /// A copy of the model of a conformance case.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn of(case: &str) -> ModelCopy {
        let directory = tempfile::tempdir().expect("a temporary directory");
        copy(&model(case), directory.path());
        ModelCopy(directory)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Removes a file.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove(&self, file: &str) {
        fs::remove_file(self.path().join(file)).expect(file);
    }

    /// Changes the content of a file.
    ///
    /// # Panics
    /// When there is none.
    pub fn change(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.path().join(file);
        let mut content = fs::read(&path).expect(file);
        change(&mut content);
        fs::write(path, content).expect(file);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a model") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            fs::create_dir(&target).expect("a directory");
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}
