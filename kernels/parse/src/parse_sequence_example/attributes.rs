//! What the attributes of both versions say.

use savedmodel_op::Construction;
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use crate::sequence::{DenseFeature, Wanted};

/// The features that are asked for.
pub struct Attributes {
    /// Features of the whole.
    pub context: Wanted,
    /// Lists of features.
    pub lists: Wanted,
}

impl Attributes {
    /// Dense and sparse features, as the attributes that both versions have tell.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when lists that belong together differ in length.
    pub fn new(node: &Construction<'_>) -> Result<Attributes> {
        let types = |name: &str| node.attr::<Vec<DType>>(name);
        let dense = |kind: &str, types: Vec<DType>| {
            let shapes: Vec<PartialShape> = node.attr(&format!("{kind}_shapes"))?;
            if types.len() != shapes.len() {
                return Err(Error::invalid_argument(format!(
                    "num_{kind} ({}) must match the size of {kind}_types ({}) and {kind}_shapes ({})",
                    types.len(),
                    types.len(),
                    shapes.len()
                )));
            }
            Ok(types.into_iter().zip(shapes).map(|(dtype, shape)| DenseFeature { dtype, shape }).collect())
        };
        let wanted = |dense: Vec<DenseFeature>, sparse| Wanted { dense, sparse, ragged: Vec::new() };
        let attributes = Attributes {
            context: wanted(
                dense("context_dense", types("Tcontext_dense")?)?,
                types("context_sparse_types")?,
            ),
            lists: wanted(
                dense("feature_list_dense", types("feature_list_dense_types")?)?,
                types("feature_list_sparse_types")?,
            ),
        };
        let counts = [
            ("Ncontext_sparse", attributes.context.sparse.len()),
            ("Nfeature_list_sparse", attributes.lists.sparse.len()),
            ("Nfeature_list_dense", attributes.lists.dense.len()),
        ];
        for (name, wanted) in counts {
            let found: usize = node.attr(name)?;
            if found != wanted {
                let message = format!("{name} ({found}) must match the number of types ({wanted})");
                return Err(Error::invalid_argument(message));
            }
        }
        Ok(attributes)
    }

    /// Checks that there is a name for each feature.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is not.
    pub fn check_names(&self, node: &Construction<'_>, names: [&Vec<Bytes>; 4]) -> Result<()> {
        let counts = [
            ("context_sparse", self.context.sparse.len()),
            ("context_dense", self.context.dense.len()),
            ("feature_list_sparse", self.lists.sparse.len()),
            ("feature_list_dense", self.lists.dense.len()),
        ];
        for ((what, wanted), names) in counts.into_iter().zip(names) {
            let told: usize = node.attr(&format!("N{what}"))?;
            if told != names.len() || wanted != names.len() {
                return Err(Error::invalid_argument(format!(
                    "num_{what} ({told}) must match the size of {what}_keys ({}) and {what}_types ({wanted})",
                    names.len()
                )));
            }
        }
        Ok(())
    }

    /// Checks the default values of dense features of the whole.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when one has another shape.
    pub fn check_defaults<'a>(&self, defaults: impl ExactSizeIterator<Item = &'a Tensor>) -> Result<()> {
        if defaults.len() != self.context.dense.len() {
            return Err(Error::invalid_argument(format!(
                "Expected len(context_dense_defaults) == len(context_dense_keys) but got: {} vs. {}",
                defaults.len(),
                self.context.dense.len()
            )));
        }
        for (d, (dense, default)) in self.context.dense.iter().zip(defaults).enumerate() {
            if default.elements() > 0 && dense.shape.known().as_ref() != Some(default.shape()) {
                return Err(Error::invalid_argument(format!(
                    "default_value[{d}].shape() == {} != context_dense_shapes[{d}] == {}",
                    default.shape(),
                    dense.shape
                )));
            }
        }
        Ok(())
    }
}

/// # Errors
/// `INVALID_ARGUMENT` when an input has not as many keys as are wanted.
pub fn check_count(found: usize, wanted: usize, what: &str) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("Expected len({what}")))
}
