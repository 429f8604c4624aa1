//! `SparseCross`, `SparseCrossV2` and `SparseCrossHashed`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};
use savedmodel_text::hash::{fingerprint64, keyed64};

use crate::coo::{matrix, vector};
use crate::crossing::{Column, counts, hash, join};

/// Each gives all combinations of one feature of each input, row by row: sparse inputs first, then dense ones.
///
/// `SparseCross` joins them with `_X_` or hashes them, as `out_type` says; `SparseCrossV2` joins them with a separator
/// of its own, and `SparseCrossHashed` hashes them with a salt if `strong_hash`. A sparse input is read up to the first
/// row that is out of order.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseCross>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseCrossV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseCrossHashed>
pub const OPS: &[Op] = &[
    Op {
        name: "SparseCross",
        inputs: &[
            "indices: N * int64",
            "values: sparse_types",
            "shapes: N * int64",
            "dense_inputs: dense_types",
        ],
        outputs: &["output_indices: int64", "output_values: out_type", "output_shape: int64"],
        attrs: &[
            "N: int >= 0",
            "hashed_output: bool",
            "num_buckets: int >= 0",
            "hash_key: int",
            SPARSE_TYPES,
            DENSE_TYPES,
            "out_type: {int64, string}",
            "internal_type: {int64, string}",
        ],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build),
    },
    Op {
        name: "SparseCrossV2",
        inputs: &[
            "indices: N * int64",
            "values: sparse_types",
            "shapes: N * int64",
            "dense_inputs: dense_types",
            "sep: string",
        ],
        outputs: &["output_indices: int64", "output_values: string", "output_shape: int64"],
        attrs: &["N: int >= 0", SPARSE_TYPES, DENSE_TYPES],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build_v2),
    },
    Op {
        name: "SparseCrossHashed",
        inputs: &[
            "indices: N * int64",
            "values: sparse_types",
            "shapes: N * int64",
            "dense_inputs: dense_types",
            "num_buckets: int64",
            "strong_hash: bool",
            "salt: int64",
        ],
        outputs: &["output_indices: int64", "output_values: int64", "output_shape: int64"],
        attrs: &["N: int >= 0", SPARSE_TYPES, DENSE_TYPES],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(build_hashed),
    },
];

const SPARSE_TYPES: &str = "sparse_types: list({int64, string}) >= 0";
const DENSE_TYPES: &str = "dense_types: list({int64, string}) >= 0";

fn shape(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(crate::shapes::sparse(None, Some(2)).to_vec())
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (output, internal): (DType, DType) = (node.attr("out_type")?, node.attr("internal_type")?);
    let (buckets, key): (i64, i64) = (node.attr("num_buckets")?, node.attr("hash_key")?);
    let lens = Lens::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        if internal == DType::String {
            lens.check_strings(ctx)?;
        }
        let columns = lens.columns(ctx)?;
        let counts = counts(&columns, lens.rows(ctx)?, &ctx.run())?;
        let crossed = match output {
            DType::String => join(&columns, &counts, b"_X_")?,
            _ => {
                let hashes: Vec<Vec<u64>> = columns.iter().map(Column::fingerprints).collect();
                hash(&columns, &counts, &hashes, Some(key as u64), buckets)?
            }
        };
        set(ctx, &counts, crossed)
    }))
}

fn build_v2(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let lens = Lens::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let columns = lens.columns(ctx)?;
        let separator = ctx.input(lens.scalars());
        if separator.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "Input separator should be a scalar. Received: {separator:?}"
            )));
        }
        let counts = counts(&columns, lens.rows(ctx)?, &ctx.run())?;
        let crossed = join(&columns, &counts, &separator.strings()?[0])?;
        set(ctx, &counts, crossed)
    }))
}

fn build_hashed(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let lens = Lens::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let columns = lens.columns(ctx)?;
        let at = lens.scalars();
        let (buckets, strong) = (ctx.input(at).to_scalar::<i64>()?, ctx.input(at + 1).to_scalar::<bool>()?);
        let salt = ctx.input(at + 2).as_slice::<i64>()?;
        let &[first, second] = salt else {
            return Err(Error::invalid_argument(format!(
                "Input \"salt\" must have length 2 but has length {}",
                salt.len()
            )));
        };
        let key = [first as u64, second as u64];
        // TensorFlow hashes the lower half of a number, and leaves numbers of dense inputs as they are.
        let half = |number: i64| (number as u32).to_le_bytes();
        let hashes = |column: &Column<'_>| match (strong, column.is_dense) {
            (true, _) => column.hashes(|text| keyed64(key, text), |number| keyed64(key, &half(number))),
            (false, true) => column.fingerprints(),
            (false, false) => column.hashes(fingerprint64, |number| fingerprint64(&half(number))),
        };
        let counts = counts(&columns, lens.rows(ctx)?, &ctx.run())?;
        let hashes: Vec<Vec<u64>> = columns.iter().map(hashes).collect();
        let crossed = hash(&columns, &counts, &hashes, None, buckets)?;
        set(ctx, &counts, crossed)
    }))
}

fn set(ctx: &mut Context<'_>, counts: &[usize], crossed: Tensor) -> Result<()> {
    let rows = counts.iter().enumerate();
    let indices =
        rows.flat_map(|(row, &count)| (0..count).flat_map(move |i| [row as i64, i as i64])).collect();
    ctx.set(0, matrix(crossed.elements(), 2, indices)?);
    ctx.set(1, crossed);
    ctx.set(2, vector(vec![counts.len() as i64, counts.iter().max().copied().unwrap_or(0) as i64])?);
    Ok(())
}

/// How many inputs there are of each kind.
struct Lens {
    sparse: usize,
    dense: usize,
}

impl Lens {
    fn of(node: &Construction<'_>) -> Result<Lens> {
        let sparse: usize = node.attr("N")?;
        let values = node.attr::<Vec<DType>>("sparse_types")?.len();
        if values != sparse {
            return Err(Error::invalid_argument(format!("Expected {sparse} input values, got {values}")));
        }
        Ok(Lens { sparse, dense: node.attr::<Vec<DType>>("dense_types")?.len() })
    }

    /// The first input after the columns.
    fn scalars(&self) -> usize {
        3 * self.sparse + self.dense
    }

    fn dense<'a>(&self, ctx: &'a Context<'_>) -> impl Iterator<Item = &'a Tensor> {
        ctx.inputs(3 * self.sparse).take(self.dense)
    }

    /// Indices, values and shapes.
    fn sparse<'a>(&self, ctx: &'a Context<'_>) -> impl Iterator<Item = [&'a Tensor; 3]> {
        let count = self.sparse;
        (0..count).map(move |i| [0, 1, 2].map(|part| ctx.input(part * count + i)))
    }

    fn check_strings(&self, ctx: &Context<'_>) -> Result<()> {
        let refuse = |what: &str| {
            Err(Error::invalid_argument(format!("{what} should be of internal type 7 but received 9")))
        };
        if self.sparse(ctx).any(|[_, values, _]| values.dtype() == DType::Int64) {
            return refuse("Input values");
        }
        if self.dense(ctx).any(|values| values.dtype() == DType::Int64) {
            return refuse("Dense inputs");
        }
        Ok(())
    }

    /// The number of rows, which the first input tells.
    fn rows(&self, ctx: &Context<'_>) -> Result<usize> {
        let first = match self.sparse(ctx).next() {
            Some([_, _, sizes]) => sizes.as_slice::<i64>()?.first().copied(),
            None => self.dense(ctx).next().map(|tensor| tensor.shape()[0] as i64),
        };
        let rows = first.unwrap_or(0);
        usize::try_from(rows)
            .map_err(|_| Error::invalid_argument(format!("Expected batch size >= 0 got {rows}")))
    }

    fn columns<'a>(&self, ctx: &'a Context<'_>) -> Result<Vec<Column<'a>>> {
        self.check(ctx)?;
        let rows = self.rows(ctx)?;
        let is_in = |index: i64, row: i64| index == row;
        let sparse = self
            .sparse(ctx)
            .map(|[indices, values, _]| Column::sparse(indices, values, rows, is_in, &ctx.run()));
        sparse.chain(self.dense(ctx).map(Column::dense)).collect()
    }

    fn check(&self, ctx: &Context<'_>) -> Result<()> {
        let refuse = |text: String| Err(Error::invalid_argument(text));
        for (i, [indices, values, sizes]) in self.sparse(ctx).enumerate() {
            let (shape, len) = (indices.shape(), values.elements());
            if shape.rank() != 2 {
                return refuse(format!(
                    "Input indices should be a matrix but received shape {shape} at position {i}"
                ));
            }
            if shape[1] != 2 {
                return refuse(format!("Expected D2 of index to be 2 got {} at position {i}", shape[1]));
            }
            if values.rank() != 1 {
                return refuse(format!(
                    "Input values should be a vector but received shape {} at position {i}",
                    values.shape()
                ));
            }
            if shape[0] != len {
                return refuse(format!(
                    "Expected size of values to be {} got {len} at position {i}",
                    shape[0]
                ));
            }
            if sizes.rank() != 1 {
                return refuse(format!(
                    "Input shapes should be a vector but received shape {} at position {i}",
                    sizes.shape()
                ));
            }
            if sizes.elements() != 2 {
                return refuse(format!(
                    "shape should imply a 2D tensor, but got {} at position {i}",
                    sizes.shape()
                ));
            }
        }
        for (i, shape) in self.dense(ctx).map(Tensor::shape).enumerate() {
            if shape.rank() != 2 {
                return refuse(format!(
                    "Dense inputs should be a matrix but received shape {shape} at position {i}"
                ));
            }
        }
        self.check_rows(ctx)
    }

    /// Checks that all inputs have as many rows.
    fn check_rows(&self, ctx: &Context<'_>) -> Result<()> {
        let rows = self.rows(ctx)? as i64;
        let refuse = |own: i64, which: String| {
            Err(Error::invalid_argument(format!("Expected batch size {rows} got {own} at {which}")))
        };
        for (i, [_, _, sizes]) in self.sparse(ctx).enumerate() {
            let own = sizes.as_slice::<i64>()?[0];
            if own != rows {
                return refuse(own, format!("position {i}"));
            }
        }
        match self.dense(ctx).position(|tensor| tensor.shape()[0] as i64 != rows) {
            Some(i) => refuse(ctx.input(3 * self.sparse + i).shape()[0] as i64, format!("dense tensor {i}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    const ROWS: &str = "int64[3,2] 0 0 0 1 1 0; int64[2,2] 0 0 1 0";
    const SHAPES: &str = "int64[2] 2 2; int64[2] 2 1";
    const WORDS: &str = "string[3] 'a' 'b' 'c'; string[2] 'x' 'y'";
    const NUMBERS: &str = "int64[3] 5 8589934598 7; string[2] 'x' 'y'";

    fn call(values: &str, rest: &str) -> &'static str {
        format!("{ROWS}; {values}; {SHAPES}; {rest}").leak()
    }

    #[test]
    fn joined() {
        let (one, two) = ("SparseCross", "SparseCrossV2");
        let attrs = |rest: &str| -> &'static str {
            format!("hashed_output=false num_buckets=0 hash_key=7 N=2 {rest}").leak()
        };
        let words = "sparse_types=[string,string] dense_types=[]";
        let text = attrs(&format!("{words} out_type=string internal_type=string"));
        let three = "int64[3,2] 0 0 0 1 1 0";
        let one_column = "hashed_output=false num_buckets=0 hash_key=7 N=1 sparse_types=[string] dense_types=[] \
                          out_type=string internal_type=string";
        let single = |rows: &str, values: &str, shape: &str| -> &'static str {
            format!("{rows}; {values}; {shape}").leak()
        };
        check_rows(
            OPS,
            &[
                (
                    one,
                    text,
                    call(WORDS, ""),
                    "int64[3,2] 0 0 0 1 1 0; string[3] 'a_X_x' 'b_X_x' 'c_X_y'; int64[2] 2 2",
                ),
                (
                    one,
                    attrs("sparse_types=[int64,string] dense_types=[] out_type=string internal_type=int64"),
                    call(NUMBERS, ""),
                    "int64[3,2] 0 0 0 1 1 0; string[3] '5_X_x' '8589934598_X_x' '7_X_y'; int64[2] 2 2",
                ),
                (
                    two,
                    "N=2 sparse_types=[string,string] dense_types=[string]",
                    call(WORDS, "string[2,1] 'd' 'e'; string[] ','"),
                    "int64[3,2] 0 0 0 1 1 0; string[3] 'a,x,d' 'b,x,d' 'c,y,e'; int64[2] 2 2",
                ),
                (
                    one,
                    one_column,
                    single("int64[3,2] 0 0 5 1 1 0", "string[3] 'a' 'b' 'c'", "int64[2] 2 2"),
                    "int64[1,2] 0 0; string[1] 'a'; int64[2] 2 1",
                ),
                (
                    one,
                    attrs("sparse_types=[int64,string] dense_types=[] out_type=string internal_type=string"),
                    call(NUMBERS, ""),
                    "INVALID_ARGUMENT: Input values should be of internal type 7 but received 9",
                ),
                (
                    one,
                    one_column,
                    single(three, "string[3] 'a' 'b' 'c'", "int64[2] -1 2"),
                    "INVALID_ARGUMENT: Expected batch size >= 0 got -1",
                ),
                (
                    one,
                    one_column,
                    single(three, "string[3] 'a' 'b' 'c'", "int64[2] 9000000000000000 2"),
                    "RESOURCE_EXHAUSTED: OOM",
                ),
                (
                    one,
                    one_column,
                    single(three, "string[2] 'a' 'b'", "int64[2] 2 2"),
                    "INVALID_ARGUMENT: Expected size of values to be 3 got 2 at position 0",
                ),
                (
                    one,
                    one_column,
                    single("int64[2] 0 1", "string[2] 'a' 'b'", "int64[2] 2 2"),
                    "INVALID_ARGUMENT: Input indices should be a matrix but received shape [2] at position 0",
                ),
                (
                    two,
                    "N=2 sparse_types=[string,string] dense_types=[string]",
                    call(WORDS, "string[1,1] 'd'; string[] ','"),
                    "INVALID_ARGUMENT: Expected batch size 2 got 1 at dense tensor 0",
                ),
                (
                    two,
                    "N=2 sparse_types=[string,string] dense_types=[]",
                    call(WORDS, "string[1] ','"),
                    "INVALID_ARGUMENT: Input separator should be a scalar.",
                ),
            ],
        );
    }

    #[test]
    fn hashed() {
        let (op, words) = ("SparseCrossHashed", "N=2 sparse_types=[string,string] dense_types=[]");
        let numbers = "N=2 sparse_types=[int64,string] dense_types=[]";
        let dense = "N=2 sparse_types=[string,string] dense_types=[int64]";
        check_rows(
            OPS,
            &[
                (
                    op,
                    words,
                    call(WORDS, "int64[] 100; bool[] true; int64[2] 1 2"),
                    "int64[3,2] 0 0 0 1 1 0; int64[3] 34 16 93; int64[2] 2 2",
                ),
                (
                    op,
                    numbers,
                    call(NUMBERS, "int64[] 0; bool[] true; int64[2] 1 2"),
                    "int64[3,2] 0 0 0 1 1 0; int64[3] 1834757304181927512 4036838643631188773 6984676114628133058; \
                     int64[2] 2 2",
                ),
                (
                    op,
                    numbers,
                    call(NUMBERS, "int64[] 0; bool[] false; int64[2] 1 2"),
                    "int64[3,2] 0 0 0 1 1 0; int64[3] 631675939587555446 7888616869070512370 338336134791048699; \
                     int64[2] 2 2",
                ),
                (
                    op,
                    dense,
                    call(WORDS, "int64[2,1] 1 2; int64[] 0; bool[] false; int64[2] 1 2"),
                    "int64[3,2] 0 0 0 1 1 0; int64[3] 5739564452218565631 9117783702721625304 2886791424788624572; \
                     int64[2] 2 2",
                ),
                (
                    op,
                    words,
                    call(WORDS, "int64[] 100; bool[] true; int64[1] 1"),
                    "INVALID_ARGUMENT: Input \"salt\" must have length 2 but has length 1",
                ),
            ],
        );
    }
}
