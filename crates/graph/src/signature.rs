//! Signatures: how a model says that it wants to be called.

use indexmap::IndexMap;
use savedmodel_tensor::{DType, PartialShape, Tensor};

use crate::TypeSpec;

/// Which tensors of the graph make up one input or output of a signature.
#[derive(Clone, Debug)]
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
    /// Any other composite.
    Composite {
        /// What it is.
        spec: Box<TypeSpec>,
        /// The tensors that it is made of, in order.
        components: Vec<TensorInfo>,
    },
}

/// One input or output of a signature (TensorInfo in meta_graph.proto).
#[derive(Clone, Debug)]
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

impl Signature {
    /// A signature of a method over tensors of the graph, by name: `("x", "x:0")`. Dtypes and shapes are left open.
    ///
    /// ```
    /// use savedmodel_graph::Signature;
    /// let signature = Signature::of("tensorflow/serving/predict", &[("x", "x:0")], &[("y", "dense/BiasAdd:0")]);
    /// assert!(signature.inputs["x"].dtype.is_none());
    /// ```
    pub fn of(method: &str, inputs: &[(&str, &str)], outputs: &[(&str, &str)]) -> Signature {
        let info = |&(name, tensor): &(&str, &str)| {
            let source = TensorSource::Dense(tensor.to_owned());
            (name.to_owned(), TensorInfo { source, dtype: None, shape: PartialShape::unknown() })
        };
        let mut signature = Signature {
            inputs: inputs.iter().map(info).collect(),
            outputs: outputs.iter().map(info).collect(),
            method_name: method.to_owned(),
            ..Signature::default()
        };
        signature.inputs.sort_keys();
        signature.outputs.sort_keys();
        signature
    }
}
