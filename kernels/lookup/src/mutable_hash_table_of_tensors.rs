//! `MutableHashTableOfTensors` and its versions.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::Layout;
use crate::handle::{self, KEYS, SharedTable};
use crate::table::Table;

const KERNELS: Kernels = Kernels::All(&[("key_dtype", KEYS), ("value_dtype", VALUES)], build);
const VALUES: &[DType] =
    &[DType::Float, DType::Double, DType::Int32, DType::Int64, DType::String, DType::Bool];

const ATTRS: &[&str] = &[
    "container: string = ''",
    "shared_name: string = ''",
    "use_node_name_sharing: bool = false",
    "key_dtype: type",
    "value_dtype: type",
    "value_shape: shape = {}",
];

/// Gives a handle to a table of vectors that is empty at first and can be written at any time.
///
/// All values have the shape `value_shape`, which must be given: the default, a scalar, is refused.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MutableHashTableOfTensorsV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "MutableHashTableOfTensors",
        inputs: &[],
        outputs: &["table_handle: Ref(string)"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "MutableHashTableOfTensorsV2",
        inputs: &[],
        outputs: &["table_handle: resource"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "AnonymousMutableHashTableOfTensors",
        inputs: &[],
        outputs: &["table_handle: resource"],
        attrs: &["key_dtype: type", "value_dtype: type", "value_shape: shape = {}"],
        // Each run gives another table, so that two nodes, or two runs, can't be made one.
        effect: Effect::Random,
        shape: shape::scalar,
        kernels: Kernels::All(&[("key_dtype", KEYS), ("value_dtype", VALUES)], build_anonymous),
    },
];

fn layout(node: &Construction<'_>) -> Result<Layout> {
    let layout = handle::layout(node)?;
    if layout.value_shape.rank() == 1 {
        return Ok(layout);
    }
    let shape = &layout.value_shape;
    Err(Error::invalid_argument(format!("Default value must be a vector, got shape {shape}")))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (layout, table) = (layout(node)?, SharedTable::new(node)?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handle = table.get(ctx, &layout, &|_, name| Table::mutable(name, layout.clone()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

fn build_anonymous(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let layout = layout(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handle = handle::anonymous(ctx, &|_, name| Table::mutable(name, layout.clone()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, dtypes, floats, strings, table};
    use savedmodel_op::ResourceManager;
    use savedmodel_tensor::{PartialShape, Tensor};

    fn make(resources: &ResourceManager, shape: PartialShape) -> Result<Tensor> {
        let attrs = [dtypes(DType::String, DType::Float), vec![("value_shape", shape.into())]].concat();
        table(resources, "MutableHashTableOfTensorsV2", attrs, &[])
    }

    #[test]
    fn vectors() {
        let resources = ResourceManager::new();
        let handle = make(&resources, [2].into()).unwrap();
        let check = |op: &str, inputs: &[Tensor], want: &str| {
            assert_eq!(call(op, &handle, vec![], inputs), want, "{op}");
        };
        let keys = strings([2], &["a", "b"]);
        check("LookupTableInsertV2", &[keys.clone(), floats([2, 2], &[1., 2., 3., 4.])], "");
        let find = "LookupTableFindV2";
        check(find, &[strings([1, 2], &["b", "x"]), floats([2], &[9., 8.])], "[1,2,2][3.0, 4.0, 9.0, 8.0]");
        check(
            find,
            &[strings([2], &["x", "a"]), floats([2, 2], &[9., 8., 7., 6.])],
            "[2,2][9.0, 8.0, 1.0, 2.0]",
        );
        check(find, &[strings([], &["x"]), floats([2], &[9., 8.])], "[2][9.0, 8.0]");
        let wrong = "INVALID_ARGUMENT: Expected shape [2,2] for value, got [2]";
        check("LookupTableInsertV2", &[keys, floats([2], &[1., 2.])], wrong);
        let attrs = vec![("Tkeys", DType::String.into()), ("Tvalues", DType::Float.into())];
        assert_eq!(call("LookupTableExportV2", &handle, attrs, &[]), "[2][a, b] [2,2][1.0, 2.0, 3.0, 4.0]");
    }

    #[test]
    fn shapes_that_are_refused() {
        let check = |shape: PartialShape, want: &str| {
            let error = make(&ResourceManager::new(), shape).unwrap_err();
            assert_eq!(error.message(), want);
        };
        check([2, 2].into(), "Default value must be a vector, got shape [2,2]");
        check(PartialShape::of_rank(0), "Default value must be a vector, got shape []");
        check(PartialShape::of_rank(1), "Shape [?] is not fully defined");
    }
}
