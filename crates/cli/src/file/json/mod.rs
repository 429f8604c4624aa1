//! TensorFlow Serving's JSON: the bodies of its REST predict call.
//!
//! <https://www.tensorflow.org/tfx/serving/api_rest>

mod decode;
mod encode;
mod value;

pub use decode::{Body, Form};
pub use encode::reply;
