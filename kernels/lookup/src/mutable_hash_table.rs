//! `MutableHashTable` and its versions.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

use crate::handle::{self, KEYS, SharedTable};
use crate::table::Table;

const KERNELS: Kernels = Kernels::All(&[("key_dtype", KEYS), ("value_dtype", VALUES)], build);
const VALUES: &[DType] =
    &[DType::Float, DType::Double, DType::Int32, DType::Int64, DType::String, DType::Bool, DType::Variant];

const ATTRS: &[&str] = &[
    "container: string = ''",
    "shared_name: string = ''",
    "use_node_name_sharing: bool = false",
    "key_dtype: type",
    "value_dtype: type",
];

/// Gives a handle to a table of scalars that is empty at first and can be written at any time.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MutableHashTableV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "MutableHashTable",
        inputs: &[],
        outputs: &["table_handle: Ref(string)"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "MutableHashTableV2",
        inputs: &[],
        outputs: &["table_handle: resource"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "AnonymousMutableHashTable",
        inputs: &[],
        outputs: &["table_handle: resource"],
        attrs: &["key_dtype: type", "value_dtype: type"],
        // Each run gives another table, so that two nodes, or two runs, can't be made one.
        effect: Effect::Random,
        shape: shape::scalar,
        kernels: Kernels::All(&[("key_dtype", KEYS), ("value_dtype", VALUES)], build_anonymous),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (layout, table) = (handle::layout(node)?, SharedTable::new(node)?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handle = table.get(ctx, &layout, &|_, name| Table::mutable(name, layout.clone()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

fn build_anonymous(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let layout = handle::layout(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handle = handle::anonymous(ctx, &|_, name| Table::mutable(name, layout.clone()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, dtypes, ints, strings, table};
    use savedmodel_op::ResourceManager;
    use savedmodel_tensor::Tensor;

    #[test]
    fn written_at_any_time() {
        for name in ["MutableHashTable", "MutableHashTableV2", "AnonymousMutableHashTable"] {
            let resources = ResourceManager::new();
            let handle = table(&resources, name, dtypes(DType::String, DType::Int64), &[]).unwrap();
            let v = if name == "MutableHashTable" { "" } else { "V2" };
            let call = |op: &str, inputs: &[Tensor]| call(&format!("{op}{v}"), &handle, vec![], inputs);
            let export = || {
                let attrs = vec![("Tkeys", DType::String.into()), ("Tvalues", DType::Int64.into())];
                crate::testing::call(&format!("LookupTableExport{v}"), &handle, attrs, &[])
            };
            let check = |got: String, want: &str| assert_eq!(got, want, "{name}");
            check(export(), "[0][] [0][]");
            let insert = [strings([1, 3], &["a", "b", "a"]), ints([1, 3], &[1, 2, 3])];
            check(call("LookupTableInsert", &insert), "");
            let keys = strings([3], &["a", "x", "y"]);
            check(call("LookupTableFind", &[keys.clone(), ints([3], &[-1, -2, -3])]), "[3][3, -2, -3]");
            check(call("LookupTableFind", &[keys, ints([], &[-1])]), "[3][3, -1, -1]");
            check(export(), "[2][a, b] [2][3, 2]");
            let initialize = call("InitializeTable", &[strings([1], &["a"]), ints([1], &[1])]);
            assert!(initialize.ends_with("is not initializable"), "{initialize}");
            check(call("LookupTableImport", &[strings([1], &["q"]), ints([1], &[5])]), "");
            check(export(), "[1][q] [1][5]");
        }
    }

    #[test]
    fn removal_keeps_the_rest() {
        let resources = ResourceManager::new();
        let handle =
            table(&resources, "MutableHashTableV2", dtypes(DType::Int64, DType::Int64), &[]).unwrap();
        let n = 100_i64;
        let all: Vec<i64> = (0..n).collect();
        let squares: Vec<i64> = all.iter().map(|v| v * v).collect();
        call("LookupTableInsertV2", &handle, vec![], &[ints([100], &all), ints([100], &squares)]);
        let odd: Vec<i64> = all.iter().copied().filter(|v| v % 2 == 1).collect();
        call("LookupTableRemoveV2", &handle, vec![], &[ints([50], &odd)]);
        call("LookupTableRemoveV2", &handle, vec![], &[ints([1], &[1000])]);
        assert_eq!(call("LookupTableSizeV2", &handle, vec![], &[]), "[][50]");
        let found = call("LookupTableFindV2", &handle, vec![], &[ints([100], &all), ints([], &[-1])]);
        let want: Vec<i64> = all.iter().map(|v| if v % 2 == 1 { -1 } else { v * v }).collect();
        assert_eq!(found, format!("[100]{want:?}"));
    }
}
