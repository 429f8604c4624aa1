//! See [`OP`].

use savedmodel_kernels_array::walk;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::calls::{Scalars, transpose};
use crate::check_dtypes;

/// Tensors sorted together along a dimension, in the order that a function of two elements of each tells, by whether those of
/// the first come before those of the second. What is equal stays in order.
///
/// <https://openxla.org/xla/operation_semantics#sort>
pub const OP: Op = Op {
    name: "XlaVariadicSort",
    inputs: &["inputs: T", "dimension: int32"],
    outputs: &["outputs: T"],
    attrs: &["T: list(type) >= 1", "comparator: func", "is_stable: bool"],
    effect: Effect::Pure,
    shape: |ctx| Ok((0..ctx.outputs).map(|i| ctx.input(i)).collect()),
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_dtypes(node)?;
    let comparator = Scalars::of(node, "comparator")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (run, count) = (ctx.run(), ctx.output_len());
        let shape = ctx.input(0).shape().clone();
        if let Some(other) = ctx.inputs(0).take(count).find(|other| *other.shape() != shape) {
            return Err(Error::invalid_argument(format!(
                "Sort operands must have one shape, got {shape} and {}",
                other.shape()
            )));
        }
        let dim = ctx.input(count).to_scalar::<i32>()?;
        let found = if dim < 0 { i64::from(dim) + shape.rank() as i64 } else { i64::from(dim) };
        let dim = usize::try_from(found).ok().filter(|&dim| dim < shape.rank()).ok_or_else(|| {
            Error::invalid_argument(format!("dimension {dim} is out of range for rank {}", shape.rank()))
        })?;
        // The sorted dimension goes to the end and back.
        let mut perm: Vec<usize> = (0..shape.rank()).collect();
        perm.remove(dim);
        perm.push(dim);
        let mut back: Vec<usize> = (0..shape.rank() - 1).collect();
        back.insert(dim, shape.rank() - 1);
        let rows: Vec<Tensor> = (0..count)
            .map(|i| transpose(&run, ctx.take(i), &perm)?.reshape([shape.elements()]))
            .collect::<Result<_>>()?;
        let order = Sorter { run: &run, comparator: &comparator, rows: &rows }.order(shape[dim])?;
        let turned: Vec<usize> = perm.iter().map(|&dim| shape[dim]).collect();
        for (i, row) in rows.iter().enumerate() {
            let sorted = walk::read(&run, row, &order, &[])?.reshape(turned.clone())?;
            ctx.set(i, transpose(&run, sorted, &back)?);
        }
        Ok(())
    }))
}

struct Sorter<'a> {
    run: &'a Run<'a>,
    comparator: &'a Scalars,
    rows: &'a [Tensor],
}

impl Sorter<'_> {
    /// The places from which the elements of all rows of length `len` come when they are sorted.
    ///
    /// Runs are merged, all of one length together: each element looks by bisection for its place in the run beside its own,
    /// so that few calls of the comparator with long vectors do.
    fn order(&self, len: usize) -> Result<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.rows[0].elements()).collect();
        let mut half = 1;
        while half < len {
            order = self.merged(order, len, half)?;
            half *= 2;
        }
        Ok(order)
    }

    /// The order after neighbouring runs of length `half` were merged.
    fn merged(&self, order: Vec<usize>, len: usize, half: usize) -> Result<Vec<usize>> {
        // For each element of a first run, how many of the second are known to come before it, and how many may.
        let firsts: Vec<usize> = (0..order.len()).filter(|i| i % len % (2 * half) < half).collect();
        let second = |i: usize| {
            let (row, column) = (i / len * len, i % len);
            let start = (column / (2 * half) * 2 * half + half).min(len);
            (row + start, (start + half).min(len) - start)
        };
        let mut bounds: Vec<(usize, usize)> = firsts.iter().map(|&i| (0, second(i).1)).collect();
        loop {
            let open: Vec<usize> = (0..firsts.len()).filter(|&k| bounds[k].0 < bounds[k].1).collect();
            if open.is_empty() {
                break;
            }
            let middle = |k: usize| (bounds[k].0 + bounds[k].1) / 2;
            let others: Vec<usize> = open.iter().map(|&k| order[second(firsts[k]).0 + middle(k)]).collect();
            let own: Vec<usize> = open.iter().map(|&k| order[firsts[k]]).collect();
            let before = self.compare(&others, &own)?;
            for (&k, &before) in open.iter().zip(before.as_slice::<bool>()?) {
                let middle = (bounds[k].0 + bounds[k].1) / 2;
                bounds[k] = if before { (middle + 1, bounds[k].1) } else { (bounds[k].0, middle) };
            }
        }
        Ok(place(&order, &firsts, &bounds, (len, half)))
    }

    fn compare(&self, first: &[usize], second: &[usize]) -> Result<Tensor> {
        let mut arguments = Vec::with_capacity(2 * self.rows.len());
        for row in self.rows {
            arguments.push(walk::read(self.run, row, first, &[])?);
            arguments.push(walk::read(self.run, row, second, &[])?);
        }
        Ok(self.comparator.call(self.run, arguments, &[DType::Bool])?.remove(0))
    }
}

/// Puts the elements of first runs behind as many of the second ones as `bounds` says, and these between them.
fn place(
    order: &[usize],
    firsts: &[usize],
    bounds: &[(usize, usize)],
    (len, half): (usize, usize),
) -> Vec<usize> {
    let mut merged = Vec::with_capacity(order.len());
    let mut k = 0;
    for row in order.chunks(len) {
        for pair in row.chunks(2 * half) {
            let (first, second) = pair.split_at(half.min(pair.len()));
            let mut taken = 0;
            for &element in first {
                debug_assert_eq!(order[firsts[k]], element);
                // A function that contradicts itself could want one before those that come before.
                let count = bounds[k].0.max(taken);
                merged.extend(&second[taken..count]);
                merged.push(element);
                (taken, k) = (count, k + 1);
            }
            merged.extend(&second[taken..]);
        }
    }
    merged
}
