//! A call of a signature, as `run` and `bench` make it.

use savedmodel::{SavedModel, SignatureFunction};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::file::json::Form;
use crate::file::{Request, TensorFile};

/// What the inputs and the command line ask for together.
pub struct Call {
    /// The signature's name.
    pub signature: String,
    /// The outputs that are wanted; empty for all.
    pub filter: Vec<String>,
    /// The form of a JSON reply.
    pub form: Form,
    request: Request,
}

impl Call {
    /// Reads the inputs. The command line's signature goes before the file's.
    ///
    /// # Errors
    /// Those of the file.
    pub fn read(inputs: Option<&TensorFile>, signature: Option<String>) -> Result<Call> {
        let mut request = inputs.map_or_else(|| Ok(Request::empty()), Request::read)?;
        let signature = signature.or_else(|| request.signature.take());
        Ok(Call {
            signature: signature.unwrap_or_else(|| "serving_default".to_owned()),
            filter: std::mem::take(&mut request.filter),
            form: request.form,
            request,
        })
    }

    /// The signature of a model, and the tensors to call it with.
    ///
    /// # Errors
    /// When there is no such signature, it can't be planned, or the inputs don't fit it.
    pub fn prepare(self, model: &SavedModel) -> Result<(SignatureFunction<'_>, Vec<(String, Tensor)>)> {
        let function = model.signature(&self.signature)?;
        let inputs: Vec<(&str, Option<DType>)> = function.inputs().collect();
        let tensors = self.request.tensors(&inputs)?;
        Ok((function, tensors))
    }
}

/// The outputs that are wanted.
///
/// # Errors
/// `INVALID_ARGUMENT` when one of them is not there.
pub fn filtered(outputs: Vec<(String, Tensor)>, filter: &[String]) -> Result<Vec<(String, Tensor)>> {
    if let Some(name) = filter.iter().find(|name| !outputs.iter().any(|(other, _)| other == *name)) {
        let known: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Error::invalid_argument(format!(
            "output tensor alias not found in signature: {name} Outputs expected to be in the set {{{}}}.",
            known.join(",")
        )));
    }
    Ok(outputs.into_iter().filter(|(name, _)| filter.is_empty() || filter.contains(name)).collect())
}
