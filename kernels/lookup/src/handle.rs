//! Handles: which table a node means, and tables from handles.

use std::sync::{Arc, OnceLock};

use savedmodel_op::{Construction, Context, Run};
use savedmodel_tensor::{DType, Error, Handle, PartialShape, Result, Shape, Tensor};

use crate::Layout;
use crate::table::Table;

/// The dtypes of keys.
pub const KEYS: &[DType] = &[DType::Int32, DType::Int64, DType::String];

/// What makes a table under the name that it is given.
pub type Make<'a> = &'a dyn Fn(&Run<'_>, &str) -> Result<Table>;

/// Dtypes and value shape from the attributes of a node that makes a table.
///
/// # Errors
/// `INVALID_ARGUMENT` when the shape of values is not fully known.
pub fn layout(node: &Construction<'_>) -> Result<Layout> {
    let value_shape = match node.attrs().get("value_shape") {
        None => Shape::scalar(),
        Some(_) => {
            let shape: PartialShape = node.attr("value_shape")?;
            shape
                .known()
                .ok_or_else(|| Error::invalid_argument(format!("Shape {shape} is not fully defined")))?
        }
    };
    Ok(Layout { key_dtype: node.attr("key_dtype")?, value_dtype: node.attr("value_dtype")?, value_shape })
}

/// The table that a node shares by name with other nodes, made when the node runs first.
///
/// The name is `shared_name`, else the node's own. Without `use_node_name_sharing` it gets a mark that no
/// `shared_name` may begin with, so that only this node, in all plans of its session, means that table.
pub struct SharedTable {
    container: String,
    name: String,
    handle: OnceLock<Handle>,
}

impl SharedTable {
    /// The table of a node.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for names that TensorFlow refuses.
    pub fn new(node: &Construction<'_>) -> Result<SharedTable> {
        let container: String = node.attr("container")?;
        let mut letters = container.bytes();
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'.';
        let starts = letters.next().is_none_or(plain);
        if !starts || !letters.all(|c| plain(c) || matches!(c, b'-' | b'_' | b'/')) {
            let message = format!("container contains invalid characters: {container}");
            return Err(Error::invalid_argument(message));
        }
        let shared: String = node.attr("shared_name")?;
        if shared.starts_with('_') {
            return Err(Error::invalid_argument(format!("shared_name cannot start with '_':{shared}")));
        }
        let name = match shared {
            _ if !shared.is_empty() => shared,
            _ if node.attr("use_node_name_sharing")? => node.name.to_owned(),
            _ => format!("_{}", node.name),
        };
        Ok(SharedTable { container, name, handle: OnceLock::new() })
    }

    /// The handle, as a tensor; the table is made if there is none of that name.
    ///
    /// # Errors
    /// Those of `make`; `INVALID_ARGUMENT` when there is a table of other dtypes under that name.
    pub fn get(&self, ctx: &Context<'_>, layout: &Layout, make: Make<'_>) -> Result<Tensor> {
        if let Some(handle) = self.handle.get() {
            return Tensor::from_handles(Shape::scalar(), vec![handle.clone()]);
        }
        let run = ctx.run();
        let make = || make(&run, &self.name);
        let table: Arc<Table> = run.resources.get_or_create(&self.container, &self.name, make)?;
        if (table.key_dtype(), table.value_dtype()) != (layout.key_dtype, layout.value_dtype) {
            return Err(Error::invalid_argument(format!(
                "Conflicting key/value dtypes {}->{} with {}-{} for table {}",
                layout.key_dtype,
                layout.value_dtype,
                table.key_dtype(),
                table.value_dtype(),
                self.name
            )));
        }
        let handle = self.handle.get_or_init(|| Handle::new(&self.container, &self.name, table));
        Tensor::from_handles(Shape::scalar(), vec![handle.clone()])
    }
}

/// A handle to a new table that nothing but the handle names.
///
/// # Errors
/// Those of `make`.
pub fn anonymous(ctx: &Context<'_>, make: Make<'_>) -> Result<Tensor> {
    const NAME: &str = "AnonymousTable";
    let table = make(&ctx.run(), NAME)?;
    Tensor::from_handles(Shape::scalar(), vec![Handle::new("", NAME, Arc::new(table))])
}

/// Whether a node's first input is a reference to a string, as in TensorFlow 1.
pub fn takes_reference(node: &Construction<'_>) -> bool {
    node.inputs.first() == Some(&DType::String)
}
