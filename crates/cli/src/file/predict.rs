//! Serialized `tensorflow.serving.PredictRequest` and `PredictResponse`.

use savedmodel_proto::serving::{ModelSpec, PredictRequest, PredictResponse};
use savedmodel_proto::tensor_proto::{from_tensor, to_tensor};
use savedmodel_proto::{Message, decode};
use savedmodel_tensor::{Result, Tensor};

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The signature that it asks for.
    pub signature: Option<String>,
    /// The outputs that it asks for; empty for all.
    pub filter: Vec<String>,
    /// Its tensors.
    pub inputs: Vec<(String, Tensor)>,
}

/// Reads a request.
///
/// # Errors
/// `DATA_LOSS` when the bytes are no request, `INVALID_ARGUMENT` when a tensor of it is malformed.
pub fn read(bytes: Vec<u8>) -> Result<Request> {
    let message: PredictRequest = decode(bytes)?;
    let signature = message.model_spec.map(|spec| spec.signature_name).filter(|name| !name.is_empty());
    let tensor = |(name, proto): (&String, _)| match to_tensor(proto) {
        Ok(tensor) => Ok((name.clone(), tensor)),
        Err(error) => Err(error.at(format!("input '{name}'"))),
    };
    let inputs = message.inputs.iter().map(tensor).collect::<Result<_>>()?;
    Ok(Request { signature, filter: message.output_filter, inputs })
}

/// The response with some outputs of a signature.
///
/// # Errors
/// `UNIMPLEMENTED` for variants that have no message.
pub fn response(outputs: &[(String, Tensor)], signature: &str) -> Result<Vec<u8>> {
    let message = |(name, tensor): &(String, Tensor)| match from_tensor(tensor) {
        Ok(proto) => Ok((name.clone(), proto)),
        Err(error) => Err(error.at(format!("output '{name}'"))),
    };
    let response = PredictResponse {
        model_spec: Some(ModelSpec { signature_name: signature.to_owned(), ..ModelSpec::default() }),
        outputs: outputs.iter().map(message).collect::<Result<_>>()?,
    };
    Ok(response.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_responses_written() {
        let tensor = Tensor::from_strings([2], ["a", "\0"]).unwrap();
        let spec = ModelSpec { signature_name: "s".to_owned(), ..ModelSpec::default() };
        let message = PredictRequest {
            model_spec: Some(spec),
            inputs: [("x".to_owned(), from_tensor(&tensor).unwrap())].into(),
            output_filter: vec!["y".to_owned()],
            ..PredictRequest::default()
        };
        let request = read(message.encode_to_vec()).unwrap();
        assert_eq!((request.signature.as_deref(), &request.filter[..]), (Some("s"), &["y".to_owned()][..]));
        assert_eq!(request.inputs[0].1.strings(), tensor.strings());
        assert_eq!(read(PredictRequest::default().encode_to_vec()).unwrap().signature, None);
        assert_eq!(read(vec![0xff; 9]).unwrap_err().code().name(), "DATA_LOSS");

        let bytes = response(&request.inputs, "s").unwrap();
        let decoded: PredictResponse = decode(bytes).unwrap();
        assert_eq!(decoded.model_spec.unwrap().signature_name, "s");
        assert_eq!(to_tensor(&decoded.outputs["x"]).unwrap().strings(), tensor.strings());
    }
}
