//! TensorFlow Serving's JSON: the bodies of its REST calls.
//!
//! <https://www.tensorflow.org/tfx/serving/api_rest>

mod arguments;
mod decode;
mod encode;
mod examples;
mod value;

pub use arguments::Arguments;
pub use decode::{Body, Form};
pub use encode::reply;
pub use examples::{ExampleBody, all_results, results};
