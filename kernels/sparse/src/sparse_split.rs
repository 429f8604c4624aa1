//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{Error, PartialShape, Result};

use crate::coo::{Coo, matrix, pick, vector};
use crate::shapes;

/// Cuts a sparse tensor into pieces along a dimension.
///
/// If the size of the dimension is no multiple of the number of pieces, the first ones are longer by one.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSplit>
pub const OP: Op = Op {
    name: "SparseSplit",
    inputs: &["split_dim: int64", "indices: int64", "values: T", "shape: int64"],
    outputs: &[
        "output_indices: num_split * int64",
        "output_values: num_split * T",
        "output_shape: num_split * int64",
    ],
    attrs: &["num_split: int >= 1", "T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let parts = shapes::sparse(None, shapes::rank(ctx, 1));
    Ok(parts.iter().flat_map(|part| vec![part.clone(); ctx.outputs / 3]).collect())
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let pieces: usize = node.attr("num_split")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (coo, axis) = check(ctx, pieces)?;
        let mut parts: Vec<(Vec<i64>, Vec<usize>)> = vec![Default::default(); pieces];
        let cuts = Cuts::new(coo.sizes[axis], pieces);
        for i in 0..coo.len() {
            let piece = cuts.piece(coo.index(i)[axis]);
            let (indices, places) = &mut parts[piece];
            indices.extend_from_slice(coo.index(i));
            indices[places.len() * coo.rank() + axis] -= cuts.start(piece);
            places.push(i);
        }
        let rank = coo.rank();
        let mut outputs = Vec::with_capacity(pieces);
        for (piece, (indices, places)) in parts.into_iter().enumerate() {
            let mut sizes = coo.sizes.to_vec();
            sizes[axis] = cuts.start(piece + 1) - cuts.start(piece);
            let values = pick(coo.values, &places, &ctx.run())?;
            outputs.push([matrix(places.len(), rank, indices)?, values, vector(sizes)?]);
        }
        for (piece, [indices, values, sizes]) in outputs.into_iter().enumerate() {
            ctx.set(piece, indices);
            ctx.set(pieces + piece, values);
            ctx.set(2 * pieces + piece, sizes);
        }
        Ok(())
    }))
}

fn check<'a>(ctx: &'a Context<'_>, pieces: usize) -> Result<(Coo<'a>, usize)> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let axis = ctx.input(0);
    if axis.rank() != 0 {
        return refuse(format!("Input axis should be a scalar but received shape {}", axis.shape()));
    }
    let axis = axis.to_scalar::<i64>()?;
    let inputs = [(1, "indices", 2, "matrix"), (2, "values", 1, "vector"), (3, "shape", 1, "vector")];
    for (i, name, rank, kind) in inputs {
        if ctx.input(i).rank() != rank {
            return refuse(format!(
                "Input {name} should be a {kind} but received shape {}",
                ctx.input(i).shape()
            ));
        }
    }
    let coo = Coo::of(ctx, 1)?;
    let rank = coo.rank() as i64;
    let at = if axis < 0 { axis.wrapping_add(rank) } else { axis };
    if !(0..rank).contains(&at) {
        return refuse(format!("Input axis should be in range [-{rank}, {rank}), got {axis}"));
    }
    let size = coo.sizes[at as usize];
    if size < pieces as i64 {
        return refuse(format!(
            "Input num_split should be between 1 and the splitting dimension size ({size}), got {pieces}"
        ));
    }
    coo.shape()?;
    coo.check_bounds()?;
    Ok((coo, at as usize))
}

/// Where a dimension is cut.
struct Cuts {
    size: i64,
    longer: i64,
}

impl Cuts {
    fn new(size: i64, pieces: usize) -> Cuts {
        Cuts { size: size / pieces as i64, longer: size % pieces as i64 }
    }

    /// Where a piece starts.
    fn start(&self, piece: usize) -> i64 {
        let piece = piece as i64;
        piece * self.size + piece.min(self.longer)
    }

    /// The piece that an index within the dimension lies in.
    fn piece(&self, index: i64) -> usize {
        let long = (self.size + 1) * self.longer;
        let piece = if index < long { index / (self.size + 1) } else { (index - self.longer) / self.size };
        piece as usize
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseSplit";
        let cut = |axis: &str| -> &'static str {
            format!("{axis}; int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4").leak()
        };
        check_rows(
            OPS,
            &[
                (
                    op,
                    "num_split=2",
                    cut("int64[] 1"),
                    "int64[2,2] 0 1 2 0; int64[1,2] 0 1; float[2] 1 3; float[1] 2; int64[2] 3 2; int64[2] 3 2",
                ),
                (
                    op,
                    "num_split=3",
                    cut("int64[] -1"),
                    "int64[2,2] 0 1 2 0; int64[0,2]; int64[1,2] 0 0; float[2] 1 3; float[0]; float[1] 2; int64[2] 3 2; \
                 int64[2] 3 1; int64[2] 3 1",
                ),
                (
                    op,
                    "num_split=2",
                    cut("int64[] 0"),
                    "int64[2,2] 0 1 0 3; int64[1,2] 0 0; float[2] 1 2; float[1] 3; int64[2] 2 4; int64[2] 1 4",
                ),
                (
                    op,
                    "num_split=2",
                    cut("int64[] 2"),
                    "INVALID_ARGUMENT: Input axis should be in range [-2, 2), got 2",
                ),
                (
                    op,
                    "num_split=2",
                    cut("int64[1] 0"),
                    "INVALID_ARGUMENT: Input axis should be a scalar but received",
                ),
                (
                    op,
                    "num_split=4",
                    cut("int64[] 0"),
                    "INVALID_ARGUMENT: Input num_split should be between 1 and the splitting dimension size (3), got 4",
                ),
                (
                    op,
                    "num_split=2",
                    "int64[] 0; int64[1,2] 0 9; float[1] 1; int64[2] 3 4",
                    "INVALID_ARGUMENT: Sparse index tuple indices[0, :] = [0, 9] is out of bounds",
                ),
            ],
        );
    }
}
