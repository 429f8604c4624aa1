//! What runs once, right after the variables are restored.

use savedmodel_proto::MetaGraphDef;
use savedmodel_proto::collection_def::Kind;
use savedmodel_proto::tensor_info::Encoding;
use savedmodel_tensor::{Error, Result};

/// The operation that fills tables and whatever else is not in the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initializer {
    /// The operation's name.
    pub operation: String,
}

/// The signature under which TensorFlow 2 names the operation.
pub(crate) const INIT_SIGNATURE: &str = "__saved_model_init_op";

/// Finds the operation as TensorFlow's loader does: by signature, then in either of two collections.
///
/// # Errors
/// `FAILED_PRECONDITION` when a collection names more than one.
pub fn initializer(graph: &MetaGraphDef) -> Result<Option<Initializer>> {
    let signature = graph.signature_def.get(INIT_SIGNATURE).and_then(|def| def.outputs.get(INIT_SIGNATURE));
    if let Some(Encoding::Name(name)) = signature.and_then(|info| info.encoding.as_ref()) {
        return Ok(Some(Initializer { operation: operation_of(name) }));
    }
    for collection in ["saved_model_main_op", "legacy_init_op"] {
        let Some(Kind::NodeList(list)) =
            graph.collection_def.get(collection).and_then(|def| def.kind.as_ref())
        else {
            continue;
        };
        match &list.value[..] {
            [] => {}
            [name] => return Ok(Some(Initializer { operation: operation_of(name) })),
            _ => {
                return Err(Error::failed_precondition(format!(
                    "Expected exactly one main op in the collection {collection}, found {}",
                    list.value.len()
                )));
            }
        }
    }
    Ok(None)
}

fn operation_of(name: &str) -> String {
    name.split(':').next().unwrap_or_default().to_owned()
}
