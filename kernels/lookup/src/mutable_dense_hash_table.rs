//! `MutableDenseHashTable` and its versions.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::handle::{self, KEYS, SharedTable};
use crate::table::{Dense, DenseOptions, Layout, Table};

const KERNELS: Kernels = Kernels::All(&[("key_dtype", KEYS), ("value_dtype", VALUES)], build);
const VALUES: &[DType] =
    &[DType::Float, DType::Double, DType::Int32, DType::Int64, DType::Bool, DType::Resource, DType::Variant];

const ATTRS: &[&str] = &[
    "container: string = ''",
    "shared_name: string = ''",
    "use_node_name_sharing: bool = false",
    "key_dtype: type",
    "value_dtype: type",
    "value_shape: shape = {}",
    "initial_num_buckets: int = 131072",
    "max_load_factor: float = 0.800000011920929",
];

/// Gives a handle to a table with open addressing, of scalars or vectors, that can be written at any time.
///
/// Keys are scalars or vectors. The keys `empty_key` and `deleted_key` mark buckets without entry and can't be
/// used. Exports show the buckets as they are. The first version, which has no `deleted_key`, has no kernel that
/// could run in TensorFlow either.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MutableDenseHashTableV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "MutableDenseHashTable",
        inputs: &["empty_key: key_dtype"],
        outputs: &["table_handle: Ref(string)"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "MutableDenseHashTableV2",
        inputs: &["empty_key: key_dtype", "deleted_key: key_dtype"],
        outputs: &["table_handle: resource"],
        attrs: ATTRS,
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: KERNELS,
    },
    Op {
        name: "AnonymousMutableDenseHashTable",
        inputs: &["empty_key: key_dtype", "deleted_key: key_dtype"],
        outputs: &["table_handle: resource"],
        attrs: &[
            "key_dtype: type",
            "value_dtype: type",
            "value_shape: shape = {}",
            "initial_num_buckets: int = 131072",
            "max_load_factor: float = 0.800000011920929",
        ],
        // Each run gives another table, so that two nodes, or two runs, can't be made one.
        effect: Effect::Random,
        shape: shape::scalar,
        kernels: Kernels::All(&[("key_dtype", KEYS), ("value_dtype", VALUES)], build_anonymous),
    },
];

/// Makes a table from the attributes of a node and the keys that it takes.
struct Maker {
    layout: Layout,
    buckets: i64,
    max_load_factor: f32,
}

impl Maker {
    fn new(node: &Construction<'_>) -> Result<Maker> {
        if node.inputs.len() < 2 {
            return Err(Error::invalid_argument("Unknown input name: deleted_key"));
        }
        let (buckets, max_load_factor) = (node.attr("initial_num_buckets")?, node.attr("max_load_factor")?);
        Ok(Maker { layout: handle::layout(node)?, buckets, max_load_factor })
    }

    fn make(&self, run: &Run<'_>, name: &str, keys: [Tensor; 2]) -> Result<Table> {
        let [empty_key, deleted_key] = keys;
        let (initial_num_buckets, max_load_factor) = (self.buckets, self.max_load_factor);
        let options = DenseOptions { empty_key, deleted_key, initial_num_buckets, max_load_factor };
        Ok(Table::dense(name, self.layout.clone(), Dense::new(run, &self.layout, options)?))
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (maker, table) = (Maker::new(node)?, SharedTable::new(node)?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let keys = || [ctx.input(0).clone(), ctx.input(1).clone()];
        let handle = table.get(ctx, &maker.layout, &|run, name| maker.make(run, name, keys()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

fn build_anonymous(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let maker = Maker::new(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let keys = || [ctx.input(0).clone(), ctx.input(1).clone()];
        let handle = handle::anonymous(ctx, &|run, name| maker.make(run, name, keys()))?;
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, dtypes, ints, strings, table};
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::TestAttr;
    use savedmodel_tensor::PartialShape;

    type Attrs = Vec<(&'static str, TestAttr)>;

    fn make(keys: [Tensor; 2], buckets: i64, more: Attrs) -> Result<Tensor> {
        let attrs = dtypes(keys[0].dtype(), DType::Int64).into_iter();
        let attrs = attrs.chain([("initial_num_buckets", buckets.into())]).chain(more).collect();
        table(&ResourceManager::new(), "MutableDenseHashTableV2", attrs, &keys)
    }

    fn export(handle: &Tensor, key: DType) -> String {
        let attrs = vec![("Tkeys", key.into()), ("Tvalues", DType::Int64.into())];
        call("LookupTableExportV2", handle, attrs, &[])
    }

    #[test]
    fn buckets_lie_as_in_tensorflow() {
        let handle = make([ints([], &[0]), ints([], &[-1])], 4, vec![]).unwrap();
        let insert = |keys: &[i64], values: &[i64]| {
            let n = keys.len();
            call("LookupTableInsertV2", &handle, vec![], &[ints([n], keys), ints([n], values)])
        };
        let check = |want: &str| assert_eq!(export(&handle, DType::Int64), want);
        insert(&[5, 9, 13], &[1, 2, 3]);
        check("[4,1][13, 5, 9, 0] [4,1][3, 1, 2, 0]");
        insert(&[17, 21], &[4, 5]);
        check("[8,1][21, 9, 17, 0, 0, 13, 5, 0] [8,1][5, 2, 4, 0, 0, 3, 1, 0]");
        call("LookupTableRemoveV2", &handle, vec![], &[ints([2], &[9, 100])]);
        check("[8,1][21, -1, 17, 0, 0, 13, 5, 0] [8,1][5, 2, 4, 0, 0, 3, 1, 0]");
        insert(&[25], &[4]);
        check("[8,1][21, 25, 17, 0, 0, 13, 5, 0] [8,1][5, 4, 4, 0, 0, 3, 1, 0]");
        let error = insert(&[3, 0], &[4, 3]);
        assert_eq!(error, "INVALID_ARGUMENT: Using the empty_key as a table key is not allowed");
        check(
            "[16,1][0, 17, 0, 3, 0, 21, 5, 0, 0, 25, 0, 0, 0, 13, 0, 0] \
             [16,1][0, 4, 0, 4, 0, 5, 1, 0, 0, 4, 0, 0, 0, 3, 0, 0]",
        );
        let find = |keys: Tensor| call("LookupTableFindV2", &handle, vec![], &[keys, ints([], &[-5])]);
        assert_eq!(find(ints([3], &[5, 8, 3])), "[3][1, -5, 4]");
        assert_eq!(
            find(ints([1], &[-1])),
            "INVALID_ARGUMENT: Using the deleted_key as a table key is not allowed"
        );
        assert_eq!(find(ints([1, 2], &[5, 3])), "INVALID_ARGUMENT: Expected key shape [1] got [1,2]");
        assert_eq!(call("LookupTableSizeV2", &handle, vec![], &[]), "[][6]");
    }

    #[test]
    fn strings_and_vectors() {
        let handle = make([strings([], &[""]), strings([], &["#"])], 8, vec![]).unwrap();
        let keys = strings([4], &["a", "bb", "hello world", "a longer string here"]);
        call("LookupTableInsertV2", &handle, vec![], &[keys, ints([4], &[1, 2, 3, 4])]);
        let want = "[8,1][bb, , , a longer string here, a, , , hello world] [8,1][2, 0, 0, 4, 1, 0, 0, 3]";
        assert_eq!(export(&handle, DType::String), want);

        let shape: TestAttr = PartialShape::from([2]).into();
        let handle =
            make([ints([2], &[0, 0]), ints([2], &[-1, -1])], 8, vec![("value_shape", shape)]).unwrap();
        let (keys, values) = ([1, 2, 3, 4, -5, 7], [1, 2, 3, 4, 5, 6]);
        call("LookupTableInsertV2", &handle, vec![], &[ints([3, 2], &keys), ints([3, 2], &values)]);
        let want = "[8,2][0, 0, 0, 0, 0, 0, 1, 2, 0, 0, -5, 7, 0, 0, 3, 4] \
                    [8,2][0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 5, 6, 0, 0, 3, 4]";
        assert_eq!(export(&handle, DType::Int64), want);
        let find = |keys: Tensor| call("LookupTableFindV2", &handle, vec![], &[keys, ints([2], &[8, 9])]);
        assert_eq!(find(ints([2, 2], &[1, 2, 1, 3])), "[2,2][1, 2, 8, 9]");
        let import =
            |keys: Tensor, values: Tensor| call("LookupTableImportV2", &handle, vec![], &[keys, values]);
        assert_eq!(import(ints([2, 2], &[1, 2, 3, 4]), ints([2, 2], &[1, 2, 3, 4])), "");
        assert_eq!(find(ints([1, 2], &[1, 3])), "INTERNAL: Internal error in MutableDenseHashTable lookup");
        assert!(import(ints([2], &[1, 2]), ints([2], &[1, 2])).starts_with("INVALID_ARGUMENT"));
        assert_eq!(import(ints([0, 2], &[]), ints([0, 2], &[])), "");
        assert!(find(ints([1, 2], &[1, 3])).starts_with("INTERNAL"));
    }

    #[test]
    fn options_that_are_refused() {
        let check = |keys: [Tensor; 2], buckets: i64, more: Attrs, want: &str| {
            assert_eq!(make(keys, buckets, more).unwrap_err().message(), want);
        };
        let keys = || [ints([], &[0]), ints([], &[1])];
        check(keys(), 2, vec![], "Number of buckets must be at least 4 and a power of 2, got: 2");
        check(keys(), 6, vec![], "Number of buckets must be at least 4 and a power of 2, got: 6");
        let load = vec![("max_load_factor", 1.0_f32.into())];
        check(keys(), 4, load, "max_load_factor must be between 0 and 1, got: 1");
        let shapes = "Empty and deleted keys must have same shape, got shapes: [2] and []";
        check([ints([2], &[0, 0]), ints([], &[1])], 4, vec![], shapes);
        check([ints([], &[3]), ints([], &[3])], 4, vec![], "Empty and deleted keys cannot be equal");
        let matrix = "Empty key must be a scalar or a vector, got shape [1,1]";
        check([ints([1, 1], &[0]), ints([1, 1], &[1])], 4, vec![], matrix);
        assert!(make(keys(), 1 << 50, vec![]).is_err());
    }
}
