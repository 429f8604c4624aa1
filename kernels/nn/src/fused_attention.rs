//! See [`OP`].

use savedmodel_math::attention::{Attention, Mask, Operand};
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Tensor};

/// `softmax(scale q k + mask) v` for every head of every element of a batch.
///
/// This project's optimiser makes it. A layout names the dimensions of an operand: `b` batch, `h` head, `s` query or key, `d`
/// the innermost of its matrices; that of the result is `bhsd` or `bshd`. Scores have the dimensions batch, head, query and key.
/// A `mask` is added to them, or those that a mask `keep` does not keep are replaced by `other`; these broadcast with the scores. With `broadcast` batch and head of `q`, `k` and `v` do as well.
/// <https://arxiv.org/abs/1706.03762>
pub const OP: Op = Op {
    name: "_FusedAttention",
    inputs: &["q: T", "k: T", "v: T", "mask: num_masks * T", "keep: num_keeps * bool"],
    outputs: &["y: T"],
    attrs: &[
        "T: {float}",
        "num_masks: int >= 0",
        "num_keeps: int >= 0",
        "other: float = 0.0",
        "scale: float = 1.0",
        "layouts: list(string)",
        "broadcast: bool = false",
    ],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::new([None; 4])]),
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

/// Where batch, head, row and column of a matrix stand in its tensor.
type Places = [usize; 4];

struct FusedAttention {
    scale: f32,
    rounds: bool,
    other: f32,
    broadcast: bool,
    /// Of `q`, `k` and `v`.
    places: [Places; 3],
    heads_first: bool,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let layouts: Vec<String> = node.attr("layouts")?;
    let [q, k, v, y] = &layouts[..] else { return Err(node.unimplemented("layouts")) };
    let places = |layout: &String| {
        let find = |letter| layout.find(letter).filter(|_| layout.len() == 4);
        let [Some(b), Some(h), Some(s), Some(d)] = ['b', 'h', 's', 'd'].map(find) else {
            return Err(node.unimplemented("layouts"));
        };
        Ok([b, h, s, d])
    };
    let heads_first = match y.as_str() {
        "bhsd" => true,
        "bshd" => false,
        _ => return Err(node.unimplemented("layouts")),
    };
    Ok(Box::new(FusedAttention {
        scale: node.attr("scale")?,
        rounds: node.rounds(),
        other: node.attr("other")?,
        broadcast: node.attr("broadcast")?,
        places: [places(q)?, places(k)?, places(v)?],
        heads_first,
    }))
}

/// A tensor of rank four (at most) by batch, head, row and column.
struct Lying<'a> {
    tensor: &'a Tensor,
    sizes: [usize; 4],
    strides: [usize; 4],
}

impl<'a> Lying<'a> {
    fn of(tensor: &'a Tensor, places: Places) -> Result<Lying<'a>> {
        let rank = tensor.rank();
        if rank > 4 {
            return Err(Error::invalid_argument(format!(
                "attention takes tensors of rank 4, got {}",
                tensor.shape()
            )));
        }
        // A mask may lack its first dimensions.
        let mut dims = [1; 4];
        dims[4 - rank..].copy_from_slice(tensor.shape().dims());
        let mut strides = [0; 4];
        let mut stride = 1;
        for axis in (0..4).rev() {
            strides[axis] = if dims[axis] == 1 { 0 } else { stride };
            stride *= dims[axis];
        }
        Ok(Lying {
            tensor,
            sizes: places.map(|place| dims[place]),
            strides: places.map(|place| strides[place]),
        })
    }

    /// The matrices of one element of the batch.
    fn operand<T: Element>(&self, batch: usize) -> Result<Operand<'a, T>> {
        let [by_batch, head_stride, row_stride, column_stride] = self.strides;
        let data = self.tensor.as_slice::<T>()?.get(batch * by_batch..).unwrap_or_default();
        Ok(Operand { data, head_stride, row_stride, column_stride })
    }

    /// A matrix whose columns are never broadcast.
    fn with_columns(mut self) -> Self {
        self.strides[3] = self.strides[3].max(1);
        self
    }
}

impl FusedAttention {
    /// The size that two operands have in common.
    fn join(&self, what: &str, a: usize, b: usize, broadcast: bool) -> Result<usize> {
        match (a, b) {
            (a, b) if a == b => Ok(a),
            (1, size) | (size, 1) if broadcast => Ok(size),
            (a, b) => Err(Error::invalid_argument(format!("attention over {a} and {b} {what}"))),
        }
    }
}

impl Kernel for FusedAttention {
    fn compute(&self, ctx: &mut Context<'_>) -> Result<()> {
        let tensors = [0, 1, 2].map(|i| ctx.input(i));
        if let Some(tensor) = tensors.iter().find(|tensor| tensor.rank() != 4) {
            return Err(Error::invalid_argument(format!(
                "attention takes tensors of rank 4, got {}",
                tensor.shape()
            )));
        }
        let [q, k, v] = [0, 1, 2].map(|i| Lying::of(tensors[i], self.places[i]).map(Lying::with_columns));
        let (q, k, v) = (q?, k?, v?);
        let mask = ctx
            .inputs(3)
            .chain(ctx.inputs(4))
            .next()
            .map(|mask| Lying::of(mask, [0, 1, 2, 3]))
            .transpose()?;
        let of_mask = mask.as_ref().map_or([1; 4], |mask| mask.sizes);
        let outer = |axis: usize, what: &str| {
            let scores = self.join(what, q.sizes[axis], k.sizes[axis], self.broadcast)?;
            let masked = self.join(what, scores, of_mask[axis], true)?;
            self.join(what, masked, v.sizes[axis], self.broadcast)
        };
        let (batch, heads) = (outer(0, "elements of a batch")?, outer(1, "heads")?);
        let queries = self.join("queries", q.sizes[2], of_mask[2], true)?;
        let keys = self.join("keys", k.sizes[2], of_mask[3], true)?;
        self.join("keys", keys, v.sizes[2], false)?;
        let depth = self.join("columns", q.sizes[3], k.sizes[3], false)?;
        let width = v.sizes[3];
        let shape =
            if self.heads_first { [batch, heads, queries, width] } else { [batch, queries, heads, width] };
        let mut out = ctx.allocate(DType::Float, shape)?;
        let mut operands = Vec::with_capacity(batch);
        for b in 0..batch {
            let mask = match &mask {
                None => Mask::None,
                Some(mask) if mask.tensor.dtype() == DType::Bool => {
                    Mask::Select(mask.operand(b)?, self.other)
                }
                Some(mask) => Mask::Add(mask.operand(b)?),
            };
            let [q, k, v] = [&q, &k, &v].map(|lying| lying.operand(b));
            operands.push((q?, k?, v?, mask));
        }
        let size = heads * queries * width;
        if size > 0 {
            par::for_rows_mut(out.as_mut_slice()?, size, 1, |first, out| {
                for (&(q, k, v, mask), out) in operands[first..].iter().zip(out.chunks_exact_mut(size)) {
                    let &FusedAttention { scale, rounds, heads_first, .. } = self;
                    Attention {
                        heads,
                        queries,
                        keys,
                        depth,
                        width,
                        scale,
                        rounds,
                        heads_first,
                        q,
                        k,
                        v,
                        mask,
                    }
                    .run(out);
                }
            });
        }
        ctx.set(0, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Code;

    fn tensor<const RANK: usize>(dims: [usize; RANK], values: &[f32]) -> Tensor {
        Tensor::from_slice(dims, values).unwrap()
    }

    fn attend(
        tensors: &[Tensor],
        layouts: &[&'static str; 4],
        broadcast: bool,
    ) -> Result<(Vec<usize>, Vec<f32>)> {
        let test = tensors.iter().fold(OpTest::new(&OP), |test, tensor| test.input(tensor.clone()));
        let keeps = tensors[3..].iter().filter(|mask| mask.dtype() == DType::Bool).count() as i64;
        let test = test.attr("num_masks", tensors.len() as i64 - 3 - keeps).attr("num_keeps", keeps);
        let test = test.attr("other", -1e9_f32).attr("scale", 2.0_f32).attr("layouts", layouts.to_vec());
        let out = test.attr("broadcast", broadcast).run()?;
        Ok((out[0].shape().dims().to_vec(), out[0].as_slice::<f32>()?.to_vec()))
    }

    #[test]
    fn layouts_masks_and_broadcasting() {
        let big = 1e9;
        // Two heads, two queries, two keys of depth one; the mask leaves one key to each query.
        let q = tensor([1, 2, 2, 1], &[1.0; 4]);
        let k = tensor([1, 2, 2, 1], &[0.5, 1.0, -1.0, 3.0]);
        let v = tensor([1, 2, 2, 1], &[1.0, 2.0, 3.0, 4.0]);
        let mask = tensor([2, 2], &[-big, 0.0, 0.0, -big]);
        let all = [q.clone(), k.clone(), v.clone(), mask.clone()];
        let heads_first = attend(&all, &["bhsd", "bhsd", "bhsd", "bhsd"], false);
        assert_eq!(heads_first, Ok((vec![1, 2, 2, 1], vec![2.0, 1.0, 4.0, 3.0])));
        let turned = [q.clone(), k.clone().reshape([1, 2, 1, 2]).unwrap(), v.clone(), mask.clone()];
        let keys_first = attend(&turned, &["bshd", "bhds", "bshd", "bshd"], false);
        assert_eq!(keys_first.unwrap().1, [3.0, 4.0, 1.0, 2.0]);
        let keep = Tensor::from_slice([1, 2], &[true, false]).unwrap();
        let chosen =
            attend(&[q.clone(), k.clone(), v.clone(), keep], &["bhsd", "bhsd", "bhsd", "bhsd"], false);
        assert_eq!(chosen, Ok((vec![1, 2, 2, 1], vec![1.0, 1.0, 3.0, 3.0])));
        // Equal scores; one head of keys and values for both heads of queries.
        let zeros = tensor([1, 1, 2, 1], &[0.0; 2]);
        let shared = [q.clone(), zeros, tensor([1, 1, 2, 1], &[1.0, 2.0])];
        let layouts = ["bhsd", "bhsd", "bhsd", "bhsd"];
        assert_eq!(attend(&shared, &layouts, true), Ok((vec![1, 2, 2, 1], vec![1.5; 4])));
        assert_eq!(attend(&shared, &layouts, false).map_err(|e| e.code()), Err(Code::InvalidArgument));
        let short = [q.clone(), k, tensor([1, 2, 1, 1], &[1.0; 2])];
        assert_eq!(attend(&short, &layouts, true).map_err(|e| e.code()), Err(Code::InvalidArgument));
        let none = tensor([1, 2, 0, 1], &[]);
        assert_eq!(attend(&[q, none.clone(), none], &layouts, false), Ok((vec![1, 2, 2, 1], vec![0.0; 4])));
    }

    #[test]
    fn scores_are_scaled() {
        let one = tensor([1, 1, 1, 1], &[1.0]);
        let keys = tensor([1, 1, 2, 1], &[0.0, 0.5 * 3f32.ln()]);
        let values = tensor([1, 1, 2, 1], &[0.0, 1.0]);
        let (_, y) = attend(&[one, keys, values], &["bhsd", "bhsd", "bhsd", "bshd"], false).unwrap();
        assert!((y[0] - 0.75).abs() < 1e-6, "{y:?}");
    }
}
