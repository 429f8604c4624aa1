//! `InitializeTableFromTextFile` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, Error, Result};

use crate::table::Table;
use crate::vocabulary::Vocabulary;

/// Fills a table that is filled once from the lines of a file.
///
/// Keys and values are the whole line (-2), the number of the line plus `offset` (-1), or a column. `offset` is also
/// added to `int32` columns, but to no others. A carriage return before the end of a line is dropped.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/InitializeTableFromTextFileV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "InitializeTableFromTextFile",
        inputs: &["table_handle: Ref(string)", "filename: string"],
        ..V2
    },
    V2,
];

const V2: Op = Op {
    name: "InitializeTableFromTextFileV2",
    inputs: &["table_handle: resource", "filename: string"],
    outputs: &[],
    attrs: &[
        "key_index: int >= -2",
        "value_index: int >= -2",
        "vocab_size: int >= -1 = -1",
        "delimiter: string = '\\t'",
        "offset: int = 0",
    ],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let delimiter: Bytes = node.attr("delimiter")?;
    let &[delimiter] = &delimiter[..] else {
        return Err(Error::invalid_argument("delimiter should be only 1 char"));
    };
    let vocabulary = Vocabulary {
        key_index: node.attr("key_index")?,
        value_index: node.attr("value_index")?,
        size: usize::try_from(node.attr::<i64>("vocab_size")?).ok(),
        delimiter,
        offset: node.attr("offset")?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let table = ctx.resource::<Table>(0)?;
        table.check_initializable()?;
        let filename = ctx.input(1);
        let (0, [name]) = (filename.rank(), filename.strings()?) else {
            let shape = filename.shape();
            return Err(Error::invalid_argument(format!(
                "filename should be a single string, but got {shape}"
            )));
        };
        vocabulary.fill(table, name)
    }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{call, dtypes, strings, table};
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::TestAttr;
    use savedmodel_tensor::{DType, Shape, Tensor};

    type Attrs = Vec<(&'static str, TestAttr)>;

    /// What a file gives as a table with these columns and attributes.
    fn load(content: &str, columns: (i64, i64), dtype: (DType, DType), more: Attrs) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let handle = table(&ResourceManager::new(), "HashTableV2", dtypes(dtype.0, dtype.1), &[]).unwrap();
        let attrs = [("key_index", columns.0.into()), ("value_index", columns.1.into())];
        let name = Tensor::from_strings(Shape::scalar(), [path.clone()]).unwrap();
        let attrs = attrs.into_iter().chain(more).collect();
        let done = call("InitializeTableFromTextFileV2", &handle, attrs, &[name]);
        if !done.is_empty() {
            return done.replace(&path, "FILE");
        }
        let attrs = vec![("Tkeys", dtype.0.into()), ("Tvalues", dtype.1.into())];
        call("LookupTableExportV2", &handle, attrs, &[])
    }

    #[test]
    fn lines_and_columns() {
        use DType::{Float, Int32, Int64, String};
        let check = |content: &str, columns, dtype, more: Attrs, want: &str| {
            assert_eq!(load(content, columns, dtype, more), want, "{content:?}");
        };
        check("a\nb\r\nc", (-2, -1), (String, Int64), vec![], "[3][a, b, c] [3][0, 1, 2]");
        check(
            "a\rx\nb\n",
            (-2, -1),
            (String, Int64),
            vec![("offset", 10.into())],
            "[2][a\rx, b] [2][10, 11]",
        );
        check("a\nb\nc", (-2, -1), (String, Int64), vec![("vocab_size", 2.into())], "[2][a, b] [2][0, 1]");
        check("x\ny", (-1, -2), (Int64, String), vec![], "[2][0, 1] [2][x, y]");
        check("a\t 1 \nb\t+2", (0, 1), (String, Int64), vec![("offset", 5.into())], "[2][a, b] [2][1, 2]");
        check("a\t1\nb\t2", (0, 1), (String, Int32), vec![("offset", 5.into())], "[2][a, b] [2][6, 7]");
        check("a\t0x10\nb\tinf", (0, 1), (String, Float), vec![], "[2][a, b] [2][16.0, inf]");
        check("a,b", (1, 0), (String, String), vec![("delimiter", ",".into())], "[1][b] [1][a]");
    }

    #[test]
    fn what_is_wrong() {
        use DType::{Bool, Float, Int32, Int64, String};
        let check = |content: &str, columns, dtype, more: Attrs, want: &str| {
            assert_eq!(load(content, columns, dtype, more), want, "{content:?}");
        };
        let (lines, words) = ((-2, -1), (String, Int64));
        let empty = "INVALID_ARGUMENT: Invalid content in FILE: empty line found at position";
        check("a\n\nb", lines, words, vec![], &format!("{empty} 3."));
        check("a\n\r\nb", lines, words, vec![], &format!("{empty} 4."));
        check("", lines, words, vec![], "OUT_OF_RANGE: Read less bytes than requested");
        let size = "INVALID_ARGUMENT: Invalid vocab_size in FILE: expected 5 but got 3";
        check("a\nb\nc", lines, words, vec![("vocab_size", 5.into())], size);
        let none = "OUT_OF_RANGE: Finished reading 0 of lines from FILE";
        check("a", lines, words, vec![("vocab_size", 0.into())], none);
        let twice = "FAILED_PRECONDITION: HashTable has different value for same key. Key a has 0 and trying to add value 2";
        check("a\nb\na", lines, words, vec![], twice);
        let columns =
            "INVALID_ARGUMENT: Invalid number of columns in FILE line 1 (b) : expected at least 2 got 1";
        check("a\t1\nb", (0, 1), words, vec![], columns);
        check("a\tx", (0, 1), words, vec![], "INVALID_ARGUMENT: Field x in line 0 is not a valid int64.");
        check("a\t1", (0, 1), (String, Bool), vec![], "INVALID_ARGUMENT: Data type bool not supported.");
        let line_number =
            "INVALID_ARGUMENT: Value index for line number requires table value dtype of int64, got int32";
        check("a", lines, (String, Int32), vec![], line_number);
        let whole = "INVALID_ARGUMENT: Value index for whole line requires table value dtype of integer or string, got float";
        check("a", (-2, -2), (String, Float), vec![], whole);
        let delimiter = "INVALID_ARGUMENT: delimiter should be only 1 char";
        check("a", lines, words, vec![("delimiter", "".into())], delimiter);
    }

    #[test]
    fn files_that_are_none() {
        let handle =
            table(&ResourceManager::new(), "HashTableV2", dtypes(DType::String, DType::Int64), &[]).unwrap();
        let check = |name: Tensor, want: &str| {
            let attrs = vec![("key_index", (-2).into()), ("value_index", (-1).into())];
            assert_eq!(call("InitializeTableFromTextFileV2", &handle, attrs, &[name]), want);
        };
        check(strings([], &["/no/file"]), "NOT_FOUND: /no/file; No such file or directory");
        check(strings([], &["/"]), "FAILED_PRECONDITION: /; Is a directory");
        check(strings([], &[""]), "INVALID_ARGUMENT: filename cannot be empty.");
        check(strings([1], &["a"]), "INVALID_ARGUMENT: filename should be a single string, but got [1]");
    }
}
