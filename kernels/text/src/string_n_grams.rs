//! `StringNGrams`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

/// Joins runs of neighbouring strings in each row of a ragged tensor.
///
/// Rows are padded with `pad_width` strings on both ends, but never with more than one less than the width of the runs
/// (which is what -1 stands for).
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringNGrams>.
pub const OP: Op = Op {
    name: "StringNGrams",
    inputs: &["data: string", "data_splits: Tsplits"],
    outputs: &["ngrams: string", "ngrams_splits: Tsplits"],
    attrs: &[
        "separator: string",
        "ngram_widths: list(int) >= 0",
        "left_pad: string",
        "right_pad: string",
        "pad_width: int",
        "preserve_short_sequences: bool",
        "Tsplits: {int32, int64} = DT_INT64",
    ],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::All(&[("Tsplits", &[DType::Int32, DType::Int64])], build),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let wrong = [0, 1].into_iter().filter_map(|i| ctx.input(i).rank()).find(|&rank| rank != 1);
    if let Some(rank) = wrong {
        return Err(Error::invalid_argument(format!("Shape must be rank 1 but is rank {rank}")));
    }
    let data = ctx.input(0).rank().map_or_else(PartialShape::unknown, |_| PartialShape::of_rank(1));
    Ok(vec![data, ctx.input(1)])
}

/// What is made of each row.
struct NGrams {
    separator: Bytes,
    widths: Vec<i64>,
    left_pad: Bytes,
    right_pad: Bytes,
    pad_width: i64,
    preserve_short: bool,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let splits_dtype: DType = node.attr("Tsplits")?;
    let n_grams = NGrams {
        separator: node.attr("separator")?,
        widths: node.attr("ngram_widths")?,
        left_pad: node.attr("left_pad")?,
        right_pad: node.attr("right_pad")?,
        pad_width: node.int32("pad_width")?,
        preserve_short: node.attr("preserve_short_sequences")?,
    };
    if let Some(width) = n_grams.widths.iter().find(|&&width| i32::try_from(width).is_err()) {
        return Err(Error::invalid_argument(format!(
            "Attr ngram_widths has value {width} out of range for an int32"
        )));
    }
    if n_grams.widths.iter().any(|&width| width <= 0) {
        return Err(Error::invalid_argument("ngram_widths must contain positive values"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let data = ctx.input(0).strings()?;
        let splits = ctx.input(1).to_i64s()?;
        check_splits(&splits, data.len())?;
        let splits_shape = ctx.input(1).shape().clone();
        if data.is_empty() || splits.is_empty() {
            // TensorFlow leaves both as empty as they are, whatever the padding.
            let out = ctx.allocate(DType::String, ctx.input(0).shape())?;
            ctx.set(1, indices(&vec![0; splits.len()], splits_dtype)?.reshape(splits_shape)?);
            ctx.set(0, out);
            return Ok(());
        }
        let mut out = Vec::new();
        let mut out_splits = Vec::with_capacity(splits.len());
        out_splits.extend(splits.first().map(|_| 0));
        for row in splits.windows(2) {
            n_grams.add_row(&data[row[0] as usize..row[1] as usize], &mut out)?;
            out_splits.push(out.len() as i64);
        }
        ctx.set(0, Tensor::from_strings([out.len()], out)?);
        ctx.set(1, indices(&out_splits, splits_dtype)?.reshape(splits_shape)?);
        Ok(())
    }))
}

/// A vector of `int32` or `int64`.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn indices(values: &[i64], dtype: DType) -> Result<Tensor> {
    match dtype {
        DType::Int32 => Tensor::from_vec([values.len()], values.iter().map(|&v| v as i32).collect()),
        _ => Tensor::from_slice([values.len()], values),
    }
}

fn check_splits(splits: &[i64], len: usize) -> Result<()> {
    let (Some(&first), Some(&last)) = (splits.first(), splits.last()) else { return Ok(()) };
    if first != 0 {
        return Err(Error::invalid_argument(format!("First split value must be 0, got {first}")));
    }
    for pair in splits.windows(2) {
        if pair[1] < pair[0] || pair[1] > len as i64 {
            let (low, split) = (pair[0], pair[1]);
            return Err(Error::invalid_argument(format!(
                "Invalid split value {split}, must be in [{low}, {len}]"
            )));
        }
    }
    if last != len as i64 {
        let message = format!("Last split value must be data size. Expected {len}, got {last}");
        return Err(Error::invalid_argument(message));
    }
    Ok(())
}

impl NGrams {
    fn pad_width(&self, width: i64) -> i64 {
        if self.pad_width < 0 { width - 1 } else { self.pad_width.min(width - 1) }
    }

    fn add_row(&self, row: &[Bytes], out: &mut Vec<Bytes>) -> Result<()> {
        let start = out.len();
        let len = row.len() as i64;
        for &width in &self.widths {
            let count = (len + 2 * self.pad_width(width) - width + 1).max(0);
            self.add(row, width, count, out);
        }
        if !self.preserve_short || out.len() > start || row.is_empty() {
            return Ok(());
        }
        if self.pad_width < 0 {
            return Err(Error::invalid_argument(format!(
                "Pad width should be >= 0 when preserve_short_sequences is True and ngram_widths are not provided, \
                 got {}",
                self.pad_width
            )));
        }
        self.add(row, len.saturating_add(self.pad_width.saturating_mul(2)), 1, out);
        Ok(())
    }

    /// Adds `count` runs of `width` strings.
    fn add(&self, row: &[Bytes], width: i64, count: i64, out: &mut Vec<Bytes>) {
        let pad = self.pad_width(width);
        for i in 0..count {
            let left = (pad - i).max(0);
            let right = (pad - (count - (i + 1))).max(0);
            let tokens = (width - left - right).max(0) as usize;
            let start = if left > 0 { 0 } else { (i - pad) as usize };
            let parts = std::iter::repeat_n(&self.left_pad, left as usize)
                .chain(row.iter().skip(start).take(tokens))
                .chain(std::iter::repeat_n(&self.right_pad, right as usize));
            let parts: Vec<&[u8]> = parts.map(|part| &part[..]).collect();
            out.push(parts.join(&self.separator[..]).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attrs, run, strings, vector};

    fn attrs(widths: Vec<i64>, pad: i64, short: bool) -> Attrs<'static> {
        vec![
            ("separator", "|".into()),
            ("ngram_widths", widths.into()),
            ("left_pad", "L".into()),
            ("right_pad", "R".into()),
            ("pad_width", pad.into()),
            ("preserve_short_sequences", short.into()),
        ]
    }

    #[test]
    fn runs() {
        let check = |widths: &[i64], pad: i64, short: bool, want: &str| {
            let inputs = [strings(&["a", "b", "c", "d"]), vector(&[0_i64, 3, 3, 4])];
            let got = run(&OP, attrs(widths.to_vec(), pad, short), &inputs);
            assert_eq!(got.replace('|', "").replace(" / ", "/"), want, "{widths:?} {pad}");
        };
        check(&[2], 0, false, "abbc/0 2 2 2");
        check(&[2], 0, true, "abbcd/0 2 2 3");
        check(&[2], -1, false, "LaabbccRLRLddR/0 4 5 7");
        check(&[3], 1, false, "LababcbcRLdR/0 3 3 4");
        check(&[4], 2, true, "LLabLabcabcRbcRRLLRRLLdRLdRR/0 4 5 7");
        check(&[1, 3], 0, false, "abcabcd/0 4 4 5");
        check(&[], 2, true, "LLabcRRLLdRR/0 1 1 2");
        let none = run(&OP, attrs(vec![2], 1, false), &[strings(&[]), vector(&[0_i64, 0])]);
        assert_eq!(none, " / 0 0");
    }

    #[test]
    fn refusals() {
        let check = |splits: &[i32], widths: Vec<i64>, want: &str| {
            let got = run(&OP, attrs(widths, 0, false), &[strings(&["a", "b"]), vector(splits)]);
            assert_eq!(got, format!("INVALID_ARGUMENT: {want}"));
        };
        check(&[0, 2], vec![0], "ngram_widths must contain positive values");
        check(&[1, 2], vec![1], "First split value must be 0, got 1");
        check(&[0, 3], vec![1], "Invalid split value 3, must be in [0, 2]");
        check(&[0, 2, 1], vec![1], "Invalid split value 1, must be in [2, 2]");
        check(&[0, 1], vec![1], "Last split value must be data size. Expected 2, got 1");
    }
}
