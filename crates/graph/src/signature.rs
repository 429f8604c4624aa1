//! Signatures: how a model says that it wants to be called.

use indexmap::IndexMap;
use savedmodel_tensor::{DType, PartialShape, Tensor};

/// Which tensors of the graph make up one input or output of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TensorSource {
    /// One tensor, by name (`x:0`).
    Dense(String),
    /// A sparse tensor, by the names of its three parts.
    CooSparse {
        /// The indices, `int64[n, rank]`.
        indices: String,
        /// The values, `[n]`.
        values: String,
        /// The dense shape, `int64[rank]`.
        dense_shape: String,
    },
    /// Any other composite, by its components in order.
    Composite(Vec<TensorInfo>),
}

/// One input or output of a signature (TensorInfo in meta_graph.proto).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Where it is in the graph.
    pub source: TensorSource,
    /// Its dtype; `None` where the model does not say.
    pub dtype: Option<DType>,
    /// What is known of its shape.
    pub shape: PartialShape,
}

/// A named way to call a model (SignatureDef in meta_graph.proto).
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// The inputs, by name, sorted.
    pub inputs: IndexMap<String, TensorInfo>,
    /// The outputs, by name, sorted.
    pub outputs: IndexMap<String, TensorInfo>,
    /// The method, such as `tensorflow/serving/predict`.
    pub method_name: String,
    /// Values for inputs that a caller leaves out.
    pub defaults: IndexMap<String, Tensor>,
}
