//! `HashTable` and its versions.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

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
];

/// Gives a handle to a table that is filled once and then only read.
///
/// Before it is filled, look-ups fail, its size is zero, and it can't be exported.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/HashTableV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "HashTable",
        inputs: &[],
        outputs: &["table_handle: Ref(string)"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "HashTableV2",
        inputs: &[],
        outputs: &["table_handle: resource"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "AnonymousHashTable",
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
        let handle = table.get(ctx, &layout, &|_, name| Table::fixed(name, layout.clone()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

fn build_anonymous(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let layout = handle::layout(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let handle = handle::anonymous(ctx, &|_, name| Table::fixed(name, layout.clone()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, dtypes, floats, ints, strings, table};
    use savedmodel_op::ResourceManager;
    use savedmodel_tensor::Tensor;

    #[test]
    fn filled_once() {
        for name in ["HashTable", "HashTableV2", "AnonymousHashTable"] {
            let resources = ResourceManager::new();
            let handle = table(&resources, name, dtypes(DType::String, DType::Int64), &[]).unwrap();
            let v = if name == "HashTable" { "" } else { "V2" };
            let check = |op: &str, inputs: &[Tensor], want: &str| {
                assert_eq!(call(&format!("{op}{v}"), &handle, vec![], inputs), want, "{op} of {name}");
            };
            let one = ints([], &[-1]);
            check(
                "LookupTableFind",
                &[strings([1], &["a"]), one.clone()],
                "FAILED_PRECONDITION: Table not initialized.",
            );
            check("LookupTableSize", &[], "[][0]");
            check(
                "InitializeTable",
                &[strings([3], &["a", "b", "a"]), ints([3], &[1, 2, 3])],
                "FAILED_PRECONDITION: HashTable has different value for same key. Key a has 1 and trying to add value 3",
            );
            check(
                "InitializeTable",
                &[strings([1], &["b"]), ints([1], &[7])],
                "FAILED_PRECONDITION: HashTable has different value for same key. Key b has 2 and trying to add value 7",
            );
            check("InitializeTable", &[strings([3], &["a", "b", "a"]), ints([3], &[1, 2, 1])], "");
            check("InitializeTable", &[strings([2], &["a", "c"]), ints([2], &[5, 2])], "");
            check("LookupTableSize", &[], "[][2]");
            check("LookupTableFind", &[strings([1, 2], &["a", "x"]), one], "[1,2][1, -1]");
            check(
                "LookupTableFind",
                &[strings([1, 2], &["x", "y"]), ints([1, 2], &[-1, -2])],
                "[1,2][-1, -1]",
            );
        }
    }

    #[test]
    fn refusals() {
        let resources = ResourceManager::new();
        let handle = table(&resources, "HashTableV2", dtypes(DType::String, DType::Int64), &[]).unwrap();
        let check = |op: &str, inputs: &[Tensor], want: &str| {
            let got = call(op, &handle, vec![], inputs);
            assert!(got.ends_with(want), "{op}: {got}");
        };
        let (a, one) = (strings([1], &["a"]), ints([1], &[1]));
        let pair = [a.clone(), one.clone()];
        check(
            "LookupTableInsertV2",
            &pair,
            "Insert not supported by InitializableLookupTable implementations",
        );
        check(
            "InitializeTableV2",
            &[strings([0], &[]), ints([0], &[])],
            "keys and values cannot be empty tensors.",
        );
        check("InitializeTableV2", &[a.clone(), ints([2], &[1, 2])], "must have the same size 1 vs 2");
        check("InitializeTableV2", &[strings([1, 1], &["a"]), one.clone()], "but received shape[1,1]");
        check("LookupTableImportV2", &pair, "");
        check(
            "InitializeTableV2",
            &[strings([2], &["a", "b"]), ints([2], &[1, 2])],
            "initialized with different data.",
        );
        check(
            "LookupTableFindV2",
            &[strings([1, 2], &["a", "b"]), ints([2], &[1, 2])],
            "Expected shape [] or [1,2] for default value, got [2]",
        );
        check(
            "LookupTableFindV2",
            &[a, floats([], &[1.0])],
            "Signature mismatch, have: resource, string, float->float expected: resource, string, int64->int64",
        );
        check("LookupTableRemoveV2", &[one], "have: resource, int64-> expected: resource, string->");
    }

    #[test]
    fn shared_by_name() {
        let resources = ResourceManager::new();
        let attrs = |value: DType, name: &str| {
            [dtypes(DType::Int32, value), vec![("shared_name", name.into())]].concat()
        };
        let make = |value: DType, name: &str| table(&resources, "HashTableV2", attrs(value, name), &[]);
        let (a, b, c) = (make(DType::Int32, "x"), make(DType::Int32, "x"), make(DType::Int32, "y"));
        let handle = |t: &Result<Tensor>| t.as_ref().unwrap().handles().unwrap()[0].clone();
        assert!(handle(&a).same(&handle(&b)) && !handle(&a).same(&handle(&c)));
        let error = make(DType::Float, "x").unwrap_err();
        assert_eq!(error.message(), "Conflicting key/value dtypes int32->float with int32-int32 for table x");
        assert_eq!(make(DType::Int32, "_x").unwrap_err().message(), "shared_name cannot start with '_':_x");
    }
}
