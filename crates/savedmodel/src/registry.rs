//! All operators of this project.

use std::sync::{Arc, OnceLock};

use savedmodel_loader::op_defs;
use savedmodel_op::Registry;

/// The operators of this project, to which [`LoadOptions::registry`](crate::LoadOptions) may hold additions: a clone to which
/// [`Registry::add`] adds operators of your own, which [`op`](crate::op) has the words for. `examples/custom-operator` is such a crate.
///
/// ```
/// assert!(savedmodel::registry().find("AddV2").is_some());
/// ```
pub fn registry() -> Arc<Registry> {
    static REGISTRY: OnceLock<Arc<Registry>> = OnceLock::new();
    Arc::clone(REGISTRY.get_or_init(|| {
        let mut registry = Registry::new();
        // Statics, so that each family's crate compiles its kernels, not this one all of them.
        let families = [
            savedmodel_kernels_array::OPS,
            savedmodel_kernels_control::OPS,
            savedmodel_kernels_dataset::OPS,
            savedmodel_kernels_image::OPS,
            savedmodel_kernels_io::OPS,
            savedmodel_kernels_linalg::OPS,
            savedmodel_kernels_list::OPS,
            savedmodel_kernels_lookup::OPS,
            savedmodel_kernels_math::OPS,
            savedmodel_kernels_nn::OPS,
            savedmodel_kernels_parse::OPS,
            savedmodel_kernels_quant::OPS,
            savedmodel_kernels_random::OPS,
            savedmodel_kernels_signal::OPS,
            savedmodel_kernels_sparse::OPS,
            savedmodel_kernels_state::OPS,
            savedmodel_kernels_summary::OPS,
            savedmodel_kernels_text::OPS,
            savedmodel_kernels_xla::OPS,
        ];
        families.iter().for_each(|family| registry.add(family));
        registry.tell_by(|name| op_defs::messages().contains_key(name));
        Arc::new(registry)
    }))
}
