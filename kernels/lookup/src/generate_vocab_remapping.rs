//! `GenerateVocabRemapping`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape, Tensor};

use crate::table::{Layout, Table};
use crate::vocabulary::Vocabulary;

/// Where each of some lines of a new vocabulary stands in an old one, or -1; and how many stand there.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GenerateVocabRemapping>.
pub const OP: Op = Op {
    name: "GenerateVocabRemapping",
    inputs: &["new_vocab_file: string", "old_vocab_file: string"],
    outputs: &["remapping: int64", "num_present: int32"],
    attrs: &["new_vocab_offset: int >= 0", "num_new_vocab: int >= 0", "old_vocab_size: int >= -1 = -1"],
    // Files may change from run to run.
    effect: Effect::Read,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    for i in 0..2 {
        if ctx.input(i).rank().is_some_and(|rank| rank != 0) {
            return Err(Error::invalid_argument(format!("Shape must be rank 0 but is {}", ctx.input(i))));
        }
    }
    let count = ctx.attr::<i64>("num_new_vocab").and_then(|count| usize::try_from(count).ok());
    Ok(vec![PartialShape::new([count]), PartialShape::of_rank(0)])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let [offset, count, old_size] =
        [node.int32("new_vocab_offset")?, node.int32("num_new_vocab")?, node.int32("old_vocab_size")?];
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let new = vocabulary([-1, -2], -1).table(ctx.input(0), "new_vocab_file")?;
        // TensorFlow adds in 32 bits, and compares with a size of 64 without a sign.
        let end = (offset as i32).wrapping_add(count as i32) as u64;
        if end > new.size() as u64 {
            return Err(Error::invalid_argument(
                "lookup table size must be larger than last new vocab entry's line",
            ));
        }
        let old = vocabulary([-2, -1], old_size).table(ctx.input(1), "old_vocab_file")?;
        let count = count as usize;
        let ids: Vec<i64> = (offset..).take(count).collect();
        let none = Tensor::from_strings([], [Bytes::new()])?;
        let run = ctx.run();
        let tokens = new.find(&run, &Tensor::from_vec([count], ids)?, &none)?;
        let remapping = old.find(&run, &tokens, &Tensor::scalar(-1_i64))?;
        let present = remapping.as_slice::<i64>()?.iter().filter(|&&id| id != -1).count();
        ctx.set(0, remapping);
        ctx.set(1, Tensor::scalar(present as i32));
        Ok(())
    }))
}

fn vocabulary([key_index, value_index]: [i64; 2], size: i64) -> Vocabulary {
    Vocabulary { key_index, value_index, size: usize::try_from(size).ok(), delimiter: b'\t', offset: 0 }
}

impl Vocabulary {
    /// A table of what the file says, from lines to numbers or back.
    fn table(&self, file: &Tensor, what: &str) -> Result<Table> {
        let (0, [name]) = (file.rank(), file.strings()?) else {
            return Err(Error::invalid_argument(format!(
                "{what} should be a single string, but got {}",
                file.shape()
            )));
        };
        if name.is_empty() {
            return Err(Error::invalid_argument("new vocab filename cannot be empty."));
        }
        let (key_dtype, value_dtype) = match self.key_index {
            -1 => (DType::Int64, DType::String),
            _ => (DType::String, DType::Int64),
        };
        let table = Table::fixed("", Layout { key_dtype, value_dtype, value_shape: Shape::scalar() })?;
        self.fill(&table, name)?;
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, show};

    #[test]
    fn table() {
        let file = |content: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            file
        };
        let check = |new: &str, old: &str, attrs: [i64; 3], want: &str| {
            let (new, old) = (file(new), file(old));
            let name = |file: &tempfile::NamedTempFile| {
                Tensor::from_strings([], [file.path().to_str().unwrap().to_owned()]).unwrap()
            };
            let test = OpTest::new(&OP).input(name(&new)).input(name(&old));
            let test = test.attr("new_vocab_offset", attrs[0]).attr("num_new_vocab", attrs[1]);
            let got = show(&test.attr("old_vocab_size", attrs[2]).run());
            assert!(got.starts_with(want), "{got}");
        };
        let (new, old) = ("a\nb\nc\nd\n", "c\na\nx\n");
        check(new, old, [0, 4, -1], "int64[4] 1 -1 0 -1; int32[] 2");
        check(new, old, [1, 2, 1], "int64[2] -1 0; int32[] 1");
        check(new, old, [1, 0, -1], "int64[0]; int32[] 0");
        check(new, old, [1, 4, -1], "INVALID_ARGUMENT: lookup table size must be larger");
        check(new, "a\na\n", [0, 4, -1], "FAILED_PRECONDITION: HashTable has different value for same key");
        check("", old, [0, 0, -1], "OUT_OF_RANGE: Read less bytes than requested");
        check(new, old, [0, 1, 9], "INVALID_ARGUMENT: Invalid vocab_size");
        check(new, old, [i64::from(i32::MAX), 4, -1], "INVALID_ARGUMENT: lookup table size must be larger");
    }
}
