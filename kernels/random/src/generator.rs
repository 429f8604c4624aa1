//! Streams that last from run to run.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Resource};
use savedmodel_tensor::Result;

use crate::philox::Philox;

/// The stream of one stateful node, shared by all plans of a session.
#[derive(Debug)]
pub struct Generator(Mutex<Philox>);

impl Generator {
    /// The stream of a node with attributes `seed` and `seed2`; when both are zero it begins anywhere.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the seeds are missing.
    pub fn of(node: &Construction<'_>) -> Result<Arc<Generator>> {
        let (seed, seed2): (i64, i64) = (node.attr("seed")?, node.attr("seed2")?);
        let name = format!("{}/{}/{seed}/{seed2}", node.name, node.op);
        node.resources.get_or_create("", &name, || {
            let stream = match (seed, seed2) {
                (0, 0) => Philox::seeded(entropy(), entropy()),
                (seed, seed2) => Philox::seeded(seed as u64, seed2 as u64),
            };
            Ok(Generator(Mutex::new(stream)))
        })
    }

    /// The stream as it is, of which nobody else gets the next `blocks` blocks.
    pub fn reserve(&self, blocks: u64) -> Philox {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = *stream;
        stream.skip(blocks);
        start
    }
}

impl Resource for Generator {
    fn fork(&self) -> Option<Generator> {
        Some(Generator(Mutex::new(self.reserve(0))))
    }
}

/// A number that nobody can foretell.
pub(crate) fn entropy() -> u64 {
    RandomState::new().build_hasher().finish()
}
