//! What there is to run.

use std::fs;
use std::path::{Path, PathBuf};

use savedmodel::{Error, Result};
use savedmodel_verify::Tolerance;
use serde::Deserialize;

/// A file of operator calls, or a model with its records.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name: `models/keras3_mlp`, `ops/math/Add`.
    pub name: String,
    /// The file of an operator, the directory of a model.
    pub path: PathBuf,
    /// Which of the two it is.
    pub kind: Kind,
}

/// The kinds of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `<path>/model` with `<path>/prediction_log.tfrecord`.
    Model,
    /// Calls of one operator, after which the file is named.
    Operator,
}

/// What `case.json` says of a model's records.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Description {
    rtol: Option<f64>,
    atol: Option<f64>,
    /// Any tolerance, by its words; goes before `rtol` and `atol`.
    tolerance: Option<String>,
    /// Requests that TensorFlow refuses.
    pub errors: Vec<ExpectedError>,
}

/// A request that TensorFlow refuses.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExpectedError {
    /// A base64 PredictionLog without response.
    pub record_b64: String,
    /// The name of the status code.
    pub code: String,
    /// TensorFlow's text.
    pub message: String,
}

const LOG: &str = "prediction_log.tfrecord";
const OPERATOR: &str = ".tfrecord.gz";

impl Case {
    /// All cases below a directory, sorted: its models (`*/model/`) and operators (`*.tfrecord.gz`), named after their
    /// paths from there.
    ///
    /// # Errors
    /// Those of reading directories.
    pub fn find_all(root: impl AsRef<Path>) -> Result<Vec<Case>> {
        let root = root.as_ref();
        let mut cases = Vec::new();
        find(root, root, &mut cases)?;
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cases)
    }

    fn at(root: &Path, path: &Path, kind: Kind) -> Case {
        let relative = path.strip_prefix(root).unwrap_or(path);
        // The root itself may be the one case.
        let named = if relative.as_os_str().is_empty() {
            path.file_name().unwrap_or_default().as_ref()
        } else {
            relative
        };
        let name = named.to_string_lossy().replace('\\', "/");
        Case { name: name.trim_end_matches(OPERATOR).to_owned(), path: path.to_owned(), kind }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.path.join("model")
    }

    /// The operator that the case is about.
    pub(crate) fn operator(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    pub(crate) fn describe(&self) -> Result<Description> {
        let path = self.path.join("case.json");
        if !path.exists() {
            return Ok(Description::default());
        }
        serde_json::from_slice(&fs::read(&path)?)
            .map_err(|e| Error::invalid_argument(e.to_string()).at(format!("file '{}'", path.display())))
    }
}

impl Description {
    pub(crate) fn tolerance(&self) -> Result<Tolerance> {
        match (&self.tolerance, self.rtol, self.atol) {
            (Some(text), ..) => text.parse(),
            (None, None, None) => Ok(Tolerance::default()),
            (None, rtol, atol) => {
                Ok(Tolerance::Close { rtol: rtol.unwrap_or(0.0), atol: atol.unwrap_or(0.0) })
            }
        }
    }
}

fn find(root: &Path, directory: &Path, cases: &mut Vec<Case>) -> Result<()> {
    if directory.join(LOG).is_file() {
        cases.push(Case::at(root, directory, Kind::Model));
        return Ok(());
    }
    let at = |error: std::io::Error| Error::from(error).at(format!("directory '{}'", directory.display()));
    for entry in fs::read_dir(directory).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path.is_dir() {
            find(root, &path, cases)?;
        } else if path.to_string_lossy().ends_with(OPERATOR) {
            cases.push(Case::at(root, &path, Kind::Operator));
        }
    }
    Ok(())
}
