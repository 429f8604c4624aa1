//! The operators that a runtime has.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use savedmodel_graph::AttrValue;
use savedmodel_tensor::{DType, Error, Result};

use crate::construction::no_kernel;
use crate::{Construction, Kernel, Kernels, Op, OpDef};

/// Operators by name.
///
/// Anyone may add their own: a list of [`Op`]s from any crate is as good as those of this project.
#[derive(Clone, Default)]
pub struct Registry {
    ops: FxHashMap<&'static str, Entry>,
    /// Whether TensorFlow has an operator.
    knows: Option<fn(&str) -> bool>,
}

#[derive(Clone)]
struct Entry {
    op: &'static Op,
    def: Arc<OnceLock<Result<OpDef>>>,
}

impl Registry {
    /// A registry without operators.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Adds operators, in the lists in which kernel crates keep them. A name that is there is replaced.
    pub fn add(&mut self, lists: &[&'static [Op]]) {
        for op in lists.iter().flat_map(|list| list.iter()) {
            self.ops.insert(op.name, Entry { op, def: Arc::default() });
        }
    }

    /// Takes what tells whether TensorFlow has an operator, for the error about one that is not here.
    pub fn tell_by(&mut self, knows: fn(&str) -> bool) {
        self.knows = Some(knows);
    }

    /// The error about an operator that is not here: `UNIMPLEMENTED` if TensorFlow has it, `NOT_FOUND`, as TensorFlow says, if not.
    pub fn missing(&self, name: &str) -> Error {
        if self.knows.is_some_and(|knows| !knows(name)) {
            return Error::not_found(format!(
                "Op type not registered '{name}': neither TensorFlow nor this registry has it; operators of one's own can be added"
            ));
        }
        Error::unimplemented(format!("operator {name} is not supported"))
    }

    /// The operator with this name.
    pub fn find(&self, name: &str) -> Option<&'static Op> {
        self.ops.get(name).map(|entry| entry.op)
    }

    /// The declaration of an operator.
    ///
    /// # Errors
    /// [`Registry::missing`] when there is no such operator.
    pub fn def(&self, name: &str) -> Result<&OpDef> {
        let entry = self.ops.get(name).ok_or_else(|| self.missing(name))?;
        entry.def.get_or_init(|| OpDef::of(entry.op)).as_ref().map_err(Clone::clone)
    }

    /// All operators, by name.
    pub fn ops(&self) -> Vec<&'static Op> {
        let mut ops: Vec<_> = self.ops.values().map(|entry| entry.op).collect();
        ops.sort_unstable_by_key(|op| op.name);
        ops
    }

    /// The kernel for a node.
    ///
    /// # Errors
    /// [`Registry::missing`] when there is no such operator; `INVALID_ARGUMENT`, naming operator, attribute and dtype, when it has no
    /// kernel for a dtype (nor has TensorFlow's CPU: the corpus counts an operator as whole when it has all of them), and when
    /// the attributes make no sense.
    pub fn kernel(&self, node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
        let op = self.find(node.op()).ok_or_else(|| self.missing(node.op()))?;
        let unsupported = |attr: &str, value: Option<&AttrValue>| {
            match value {
                // The one dtype for which TensorFlow has kernels that are not here: sums and conjugates of lists.
                Some(&AttrValue::Type(DType::Variant)) => {
                    let name = op.name;
                    Error::unimplemented(format!("operator {name} has no kernel for attr {attr} = variant"))
                }
                Some(value) => no_kernel(op.name, attr, &value.to_string()),
                None => no_kernel(op.name, attr, "nothing"),
            }
        };
        match op.kernels {
            Kernels::ByDType(attr, rows) => {
                let value = node.attrs().get(attr);
                let row = rows.iter().find(|row| matches!(value, Some(AttrValue::Type(d)) if *d == row.0));
                row.ok_or_else(|| unsupported(attr, value))?.1(node)
            }
            Kernels::All(attrs, builder) => {
                for &(attr, dtypes) in attrs {
                    let value = node.attrs().get(attr);
                    let fits = |value: &AttrValue| matches!(value, AttrValue::Type(d) if dtypes.contains(d));
                    let ok = match value {
                        Some(AttrValue::List(items)) => items.iter().all(fits),
                        Some(value) => fits(value),
                        None => false,
                    };
                    if !ok {
                        return Err(unsupported(attr, value));
                    }
                }
                builder(node)
            }
            Kernels::Runtime => Err(Error::internal(format!("{} is run by the runtime itself", op.name))),
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} operators", self.ops.len())
    }
}
