//! Files of tensors, told apart by their extensions.

pub mod examples;
pub mod json;
pub mod npy;
pub mod npz;
pub mod predict;
pub mod whole;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use savedmodel::Value;
use savedmodel_tensor::{DType, Error, Result, Tensor};

use json::{Body, Form};

/// The formats of inputs and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.npz`: arrays by name.
    Npz,
    /// `.json`: TensorFlow Serving's REST predict body and reply.
    Json,
    /// `.pb`: a `PredictRequest` in, a `PredictResponse` out.
    Predict,
}

/// A file whose format is known from its extension.
#[derive(Clone, Debug)]
pub struct TensorFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
}

impl std::str::FromStr for TensorFile {
    type Err = String;

    fn from_str(path: &str) -> Result<TensorFile, String> {
        let path = PathBuf::from(path);
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some("npz") => Format::Npz,
            Some("json") => Format::Json,
            Some("pb") => Format::Predict,
            _ => return Err("the name must end in .npz, .json or .pb".to_owned()),
        };
        Ok(TensorFile { path, format })
    }
}

/// What a file asks of a model.
#[derive(Debug)]
pub struct Request {
    /// The signature that the file names.
    pub signature: Option<String>,
    /// The outputs that it asks for; empty for all.
    pub filter: Vec<String>,
    /// The form of a JSON reply.
    pub form: Form,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Arrays(Vec<(String, npy::Array)>),
    Body(Body),
    Tensors(Vec<(String, Tensor)>),
}

impl Request {
    /// A request without inputs.
    pub fn empty() -> Request {
        Request::of(Values::Tensors(Vec::new()))
    }

    fn of(values: Values) -> Request {
        Request { signature: None, filter: Vec::new(), form: Form::Column, values }
    }

    /// Reads a file of inputs.
    ///
    /// # Errors
    /// Those of the file; `DATA_LOSS` or `INVALID_ARGUMENT` when it is not what its extension says.
    pub fn read(file: &TensorFile) -> Result<Request> {
        let at = |error: Error| error.at(format!("file '{}'", file.path.display()));
        let bytes = || std::fs::read(&file.path).map_err(Error::from);
        let request = || match file.format {
            Format::Npz => {
                let input = BufReader::new(File::open(&file.path)?);
                Ok(Request::of(Values::Arrays(npz::read(input)?)))
            }
            Format::Json => {
                let body = Body::parse(&bytes()?)?;
                let (signature, form) = (body.signature.clone(), body.form);
                Ok(Request { signature, form, ..Request::of(Values::Body(body)) })
            }
            Format::Predict => {
                let request = predict::read(bytes()?)?;
                let (signature, filter) = (request.signature, request.filter);
                Ok(Request { signature, filter, ..Request::of(Values::Tensors(request.inputs)) })
            }
        };
        request().map_err(at)
    }

    /// The tensors for the inputs of a signature.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when values don't fit the dtypes of the inputs.
    pub fn tensors(self, inputs: &[(&str, Option<DType>)]) -> Result<Vec<(String, Tensor)>> {
        match self.values {
            Values::Tensors(tensors) => Ok(tensors),
            Values::Body(body) => body.tensors(inputs),
            Values::Arrays(arrays) => {
                let tensor = |(name, array): (String, npy::Array)| {
                    let dtype = inputs.iter().find(|(other, _)| *other == name).and_then(|(_, dtype)| *dtype);
                    match array.into_tensor(dtype) {
                        Ok(tensor) => Ok((name, tensor)),
                        Err(error) => Err(error.at(format!("input '{name}'"))),
                    }
                };
                arrays.into_iter().map(tensor).collect()
            }
        }
    }
}

/// Reads what a function is called with: JSON, or arrays by the names of parameters.
///
/// # Errors
/// Those of the file; `INVALID_ARGUMENT` when it is no such thing.
pub fn read_arguments(file: &TensorFile) -> Result<json::Arguments> {
    let read = || match file.format {
        Format::Json => json::Arguments::parse(&std::fs::read(&file.path)?),
        Format::Npz => {
            let array = |(name, array): (String, npy::Array)| match array.into_tensor(None) {
                Ok(tensor) => Ok((name, Value::Array(tensor))),
                Err(error) => Err(error.at(format!("'{name}'"))),
            };
            let arrays = npz::read(BufReader::new(File::open(&file.path)?))?;
            let kwargs = arrays.into_iter().map(array).collect::<Result<_>>()?;
            Ok(json::Arguments { args: Vec::new(), kwargs })
        }
        Format::Predict => Err(Error::invalid_argument("arguments of functions are .json or .npz")),
    };
    read().map_err(|error| error.at(format!("file '{}'", file.path.display())))
}

/// Writes outputs whole or not at all.
///
/// # Errors
/// Those of the file; `UNIMPLEMENTED` or `INVALID_ARGUMENT` for tensors that the format does not hold.
pub fn write_outputs(
    file: &TensorFile,
    outputs: &[(String, Tensor)],
    signature: &str,
    form: Form,
) -> Result<()> {
    match file.format {
        Format::Npz => write_npz(&file.path, outputs),
        Format::Json => {
            let text = json::reply(outputs, form)?;
            whole::write(&file.path, |out| Ok(out.write_all(text.as_bytes())?))
        }
        Format::Predict => {
            let bytes = predict::response(outputs, signature)?;
            whole::write(&file.path, |out| Ok(out.write_all(&bytes)?))
        }
    }
}

/// Writes a tensor to an `.npy` file, whole or not at all.
///
/// # Errors
/// As [`npy::write`], and those of the file.
pub fn write_npy(path: &Path, tensor: &Tensor) -> Result<()> {
    whole::write(path, |out| npy::write(out, tensor))
}

/// Writes tensors by name to an `.npz` file, whole or not at all.
///
/// # Errors
/// As [`npz::write`], and those of the file.
pub fn write_npz(path: &Path, outputs: &[(String, Tensor)]) -> Result<()> {
    whole::write(path, |out| npz::write(out, outputs.iter().map(|(name, tensor)| (name.as_str(), tensor))))
}

/// Reads an array of an `.npy` file for a tensor of some dtype.
///
/// # Errors
/// As [`npy::read`] and [`npy::Array::into_tensor`].
pub fn read_npy(path: &Path, dtype: Option<DType>) -> Result<Tensor> {
    let read = || npy::read(BufReader::new(File::open(path)?))?.into_tensor(dtype);
    read().map_err(|e| e.at(format!("file '{}'", path.display())))
}
