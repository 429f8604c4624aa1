//! Slices written, added … to places that stand in the rows of indices.

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{
    Bytes, Complex32, Complex64, DType, Element, Error, PartialShape, Result, Shape, Tensor, bf16, by_unit,
    f16,
};

use crate::dtypes::{POD, POD_STRING};
use crate::gather::position;
use crate::gather_nd::{OUTSIDE, flat};
use crate::index;

/// Adds slices into zeros of a given shape, or (`ScatterNdNonAliasingAdd`) into a tensor.
///
/// Slices for one place add up: strings are joined, bools or-ed. A place outside of the shape is an error, or passed
/// over with `bad_indices_policy` IGNORE. Of a vector of indices `ScatterNdNonAliasingAdd` takes the first, as TensorFlow.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ScatterNd>.
pub const OPS: &[Op] = &[
    Op {
        name: "ScatterNd",
        inputs: &["indices: Tindices", "updates: T", "shape: Tindices"],
        outputs: &["output: T"],
        attrs: &["T: type", "Tindices: {int16, int32, int64}", "bad_indices_policy: string = ''"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::All(&[("T", POD_STRING), ("Tindices", INDICES)], build),
    },
    Op {
        name: "ScatterNdNonAliasingAdd",
        inputs: &["input: T", "indices: Tindices", "updates: T"],
        outputs: &["output: T"],
        attrs: &[
            "T: {numbertype, qint16, quint16, bool}",
            "Tindices: {int32, int64}",
            "bad_indices_policy: string = ''",
        ],
        effect: Effect::Pure,
        shape: savedmodel_op::shape::unchanged,
        kernels: Kernels::All(&[("T", POD), ("Tindices", INDICES)], build_add),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![index::shape_of_value(ctx, 2)?])
}

/// Whether `bad_indices_policy` says to pass over places outside of the tensor.
///
/// # Errors
/// `INVALID_ARGUMENT` for a policy that there is not.
pub fn ignores_bad_indices(node: &Construction<'_>) -> Result<bool> {
    match node.attr::<String>("bad_indices_policy")?.as_str() {
        "" | "DEFAULT" | "ERROR" => Ok(false),
        "IGNORE" => Ok(true),
        other => Err(Error::invalid_argument(format!("Unknown bad indices handling attribute: {other}"))),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let ignore = ignores_bad_indices(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (indices, updates, shape) = (ctx.input(0), ctx.input(1), ctx.input(2));
        if shape.rank() != 1 {
            return Err(Error::invalid_argument("Shape must be a vector"));
        }
        let shape = index::shape(&shape.to_i64s()?)?;
        at_least_vectors(indices, updates)?;
        if shape.elements() == 0 && indices.elements().max(updates.elements()) > 0 {
            return Err(Error::invalid_argument(format!(
                "Indices and updates specified for empty output.  indices shape: {}",
                indices.shape()
            )));
        }
        check_dimensions(indices.shape(), updates.shape(), &shape)?;
        check_vector(indices.shape(), updates.shape())?;
        let mut output = ctx.run().allocate(updates.dtype(), shape)?;
        scatter_nd(&mut output, indices, updates, Combine::Add, ignore)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_add(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let ignore = ignores_bad_indices(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut output = ctx.take(0);
        let (mut indices, mut updates) = (ctx.input(1).clone(), ctx.input(2).clone());
        at_least_vectors(&indices, &updates)?;
        let places = indices.shape()[0];
        let is_vector = indices.rank() == 1;
        if is_vector {
            indices = indices.reshape([places, 1])?;
        }
        check_dimensions(indices.shape(), updates.shape(), output.shape())?;
        if is_vector && places > 1 {
            (indices, updates) = (indices.rows(0, 1)?, updates.rows(0, 1)?);
        }
        scatter_nd(&mut output, &indices, &updates, Combine::Add, ignore)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// Refuses scalars.
pub(crate) fn at_least_vectors(indices: &Tensor, updates: &Tensor) -> Result<()> {
    for (what, t) in [("Indices", indices), ("Updates", updates)] {
        if t.rank() == 0 {
            return Err(Error::invalid_argument(format!(
                "{what} shape must have rank at least one. Found:[]"
            )));
        }
    }
    Ok(())
}

/// Refuses vectors of indices, which pass as one place and are then read as a list of places: both fit only if empty.
pub(crate) fn check_vector(indices: &Shape, updates: &Shape) -> Result<()> {
    match *indices.dims() {
        [places] if places > 0 || updates[0] > 0 => Err(Error::invalid_argument(format!(
            "Dimensions [0,1) of indices[shape={indices}] = {places} must match dimensions [0,1) of \
             updates[shape={updates}] = {}",
            updates[0]
        ))),
        _ => Ok(()),
    }
}

fn check_dimensions(indices: &Shape, updates: &Shape, shape: &Shape) -> Result<()> {
    let outer = indices.rank() - 1;
    let depth = indices[outer];
    let ends = (outer, updates.rank());
    if updates.get(..outer) != Some(&indices[..outer]) {
        return Err(Error::invalid_argument(format!(
            "Dimensions [0,{outer}) of indices[shape={indices}] must match dimensions [0,{outer}) of \
             updates[shape={updates}]"
        )));
    }
    if shape.get(depth..) != Some(&updates[outer..]) {
        return Err(Error::invalid_argument(format!(
            "Dimensions [{depth},{}) of input[shape={shape}] must match dimensions [{},{}) of \
             updates[shape={updates}]",
            shape.rank(),
            ends.0,
            ends.1
        )));
    }
    Ok(())
}

/// What happens where an update meets what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// The update takes its place.
    Update,
    /// They are added; strings joined, bools or-ed.
    Add,
    /// The update is subtracted; of bools, whether they differ.
    Sub,
    /// The larger stays.
    Max,
    /// The smaller stays.
    Min,
}

/// Combines the slices of `updates` with those of `target` whose places stand in the rows of `indices`, in order.
///
/// Ranks and dimensions of the three must have been checked against each other. Also for operators that write to
/// variables.
///
/// # Errors
/// `INVALID_ARGUMENT` when a place lies outside of the target, unless that is to be ignored; nothing is written then.
pub fn scatter_nd(
    target: &mut Tensor,
    indices: &Tensor,
    updates: &Tensor,
    combine: Combine,
    ignore: bool,
) -> Result<()> {
    let counts = [target.elements(), indices.elements(), updates.elements()];
    if counts[1..] == [0, 0] {
        return Ok(());
    }
    if counts.contains(&0) {
        return Err(Error::invalid_argument("Indices and updates specified for empty output shape"));
    }
    let Some((&depth, places)) = indices.shape().split_last() else { return Ok(()) };
    let slices = Slices {
        row: target.shape()[depth..].iter().product(),
        numbers: flat(indices, &target.shape()[..depth], places.iter().product())?,
    };
    if let Some(at) = slices.numbers.iter().position(|&number| number == OUTSIDE).filter(|_| !ignore) {
        let shown: Vec<String> =
            indices.to_i64s()?[at * depth..][..depth].iter().map(ToString::to_string).collect();
        return Err(Error::invalid_argument(format!(
            "indices{} = [{}] does not index into shape {}",
            position(&Shape::from(places), at),
            shown.join(", "),
            target.shape()
        )));
    }
    match combine {
        Combine::Update => by_unit!(target.dtype(), U => slices.each::<U>(
            target.units_mut()?, updates.units()?, |old, new| old.clone_from(new))),
        _ => slices.numbers_of(target, updates, combine)?,
    }
    Ok(())
}

struct Slices {
    row: usize,
    numbers: Vec<usize>,
}

impl Slices {
    fn each<T>(&self, target: &mut [T], updates: &[T], f: impl Fn(&mut T, &T)) {
        let places = self.numbers.iter().zip(updates.chunks_exact(self.row));
        for (&number, values) in places.filter(|&(&number, _)| number != OUTSIDE) {
            let slice = &mut target[number * self.row..][..self.row];
            slice.iter_mut().zip(values).for_each(|(old, new)| f(old, new));
        }
    }

    fn numbers_of(&self, target: &mut Tensor, updates: &Tensor, combine: Combine) -> Result<()> {
        match target.dtype() {
            DType::Float => self.reals::<f32>(target, updates, combine),
            DType::Double => self.reals::<f64>(target, updates, combine),
            DType::Half => self.reals::<f16>(target, updates, combine),
            DType::Bfloat16 => self.reals::<bf16>(target, updates, combine),
            DType::Int8 => self.reals::<i8>(target, updates, combine),
            DType::Int16 => self.reals::<i16>(target, updates, combine),
            DType::Int32 => self.reals::<i32>(target, updates, combine),
            DType::Int64 => self.reals::<i64>(target, updates, combine),
            DType::Uint8 => self.reals::<u8>(target, updates, combine),
            DType::Uint16 => self.reals::<u16>(target, updates, combine),
            DType::Uint32 => self.reals::<u32>(target, updates, combine),
            DType::Uint64 => self.reals::<u64>(target, updates, combine),
            DType::Complex64 => self.sums::<Complex32>(target, updates, combine),
            DType::Complex128 => self.sums::<Complex64>(target, updates, combine),
            DType::Bool if matches!(combine, Combine::Add | Combine::Sub) => {
                let both = if combine == Combine::Add { |a, b| a | b } else { |a: u8, b| a ^ b };
                self.each(target.units_mut::<u8>()?, updates.units()?, |old, new| *old = both(*old, *new));
                Ok(())
            }
            DType::String if combine == Combine::Add => {
                let joined = |old: &mut Bytes, new: &Bytes| *old = [&old[..], &new[..]].concat().into();
                self.each(target.units_mut::<Bytes>()?, updates.units()?, joined);
                Ok(())
            }
            other => Err(Error::unimplemented(format!("{combine:?} of slices of dtype {other}"))),
        }
    }

    fn sums<T: Sum>(&self, target: &mut Tensor, updates: &Tensor, combine: Combine) -> Result<()> {
        let (target, updates) = (target.as_mut_slice::<T>()?, updates.as_slice::<T>()?);
        match combine {
            Combine::Add => self.each(target, updates, |old, new| *old = old.plus(*new)),
            Combine::Sub => self.each(target, updates, |old, new| *old = old.minus(*new)),
            _ => return Err(Error::unimplemented(format!("{combine:?} of slices of dtype {}", T::DTYPE))),
        }
        Ok(())
    }

    fn reals<T: Sum + PartialOrd>(
        &self,
        target: &mut Tensor,
        updates: &Tensor,
        combine: Combine,
    ) -> Result<()> {
        let larger = |old: &mut T, new: &T| *old = if *old < *new { *new } else { *old }.flushed();
        let smaller = |old: &mut T, new: &T| *old = if *new < *old { *new } else { *old }.flushed();
        match combine {
            Combine::Max => self.each(target.as_mut_slice::<T>()?, updates.as_slice::<T>()?, larger),
            Combine::Min => self.each(target.as_mut_slice::<T>()?, updates.as_slice::<T>()?, smaller),
            _ => return self.sums::<T>(target, updates, combine),
        }
        Ok(())
    }
}

/// Addition and subtraction that wrap around where they must.
pub(crate) trait Sum: Element {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    /// What maxima and minima make of a subnormal number: a zero of its sign.
    fn flushed(self) -> Self {
        self
    }
}

macro_rules! sum {
    ($plus:ident $minus:ident: $($type:ty)*) => { $(impl Sum for $type {
        fn plus(self, other: $type) -> $type { self.$plus(other) }
        fn minus(self, other: $type) -> $type { self.$minus(other) }
    })* };
}

sum!(wrapping_add wrapping_sub: i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! float_sum {
    ($($type:ty $(: $flushed:expr)?;)*) => { $(impl Sum for $type {
        fn plus(self, other: $type) -> $type { self + other }
        fn minus(self, other: $type) -> $type { self - other }
        $(fn flushed(self) -> $type { $flushed(self) })?
    })* };
}

float_sum! {
    f32: |x: f32| if x.is_subnormal() { 0_f32.copysign(x) } else { x };
    f64: |x: f64| if x.is_subnormal() { 0_f64.copysign(x) } else { x };
    f16; bf16; Complex32; Complex64;
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    #[test]
    fn sums() {
        check_rows(
            crate::OPS,
            &[
                ("ScatterNd", "", "int32[2,1] 0 0; float[2] 1 2; int32[1] 3", "float[3] 3 0 0"),
                ("ScatterNd", "", "int64[2,2] 0 1 1 0; int8[2] 100 2; int64[2] 2 2", "int8[2,2] 0 100 2 0"),
                (
                    "ScatterNd",
                    "",
                    "int32[2,1] 1 1; complex64[2,2] 1+1i 2+1i 3+1i 4+1i; int32[2] 2 2",
                    "complex64[2,2] 0+0i 0+0i 4+2i 6+2i",
                ),
                ("ScatterNd", "", "int32[2,1] 0 0; string[2] 'a' 'b'; int32[1] 2", "string[2] 'ab' ''"),
                ("ScatterNd", "", "int32[2,1] 0 0; bool[2] true true; int32[1] 2", "bool[2] true false"),
                ("ScatterNd", "", "int32[0,1]; float[0]; int32[1] 2", "float[2] 0 0"),
                ("ScatterNd", "", "int32[0,1]; float[0]; int32[1] 0", "float[0]"),
                (
                    "ScatterNd",
                    "bad_indices_policy=IGNORE",
                    "int32[2,1] 0 -3; float[2] 1 2; int32[1] 3",
                    "float[3] 1 0 0",
                ),
                (
                    "ScatterNdNonAliasingAdd",
                    "",
                    "float[3] 7 4 9; int32[2,1] 1 1; float[2] 1 20",
                    "float[3] 7 25 9",
                ),
                (
                    "ScatterNdNonAliasingAdd",
                    "",
                    "bool[3] true false false; int32[2,1] 1 1; bool[2] true false",
                    "bool[3] true true false",
                ),
            ],
        );
    }

    const ERRORS: &[Row] = &[
        (
            "ScatterNd",
            "",
            "int32[2,1] 0 3; float[2] 1 2; int32[1] 3",
            "INVALID_ARGUMENT: indices[1] = [3] does not index into shape [3]",
        ),
        (
            "ScatterNd",
            "",
            "int32[1,2] 0 2; float[1] 1; int32[2] 2 2",
            "INVALID_ARGUMENT: indices[0] = [0, 2] does not index into shape [2,2]",
        ),
        (
            "ScatterNd",
            "",
            "int32[2,2] 0 0 1 1; float[2] 1 2; int32[1] 3",
            "INVALID_ARGUMENT: Dimensions [2,1) of input[shape=[3]] must match dimensions [1,1) of updates[shape=[2]]",
        ),
        (
            "ScatterNd",
            "",
            "int32[2,1] 0 1; float[3] 1 2 3; int32[1] 3",
            "INVALID_ARGUMENT: Dimensions [0,1) of indices[shape=[2,1]] must match dimensions [0,1) of updates[shape=[3]]",
        ),
        (
            "ScatterNd",
            "",
            "int32[2,1] 0 1; float[2,2] 1 2 3 4; int32[1] 3",
            "INVALID_ARGUMENT: Dimensions [1,1) of input[shape=[3]] must match dimensions [1,2) of updates[shape=[2,2]]",
        ),
        (
            "ScatterNd",
            "",
            "int32[2,1] 0 1; float[2] 1 2; int32[] 3",
            "INVALID_ARGUMENT: Shape must be a vector",
        ),
        (
            "ScatterNd",
            "",
            "int32[2,1] 0 1; float[2] 1 2; int32[1] -3",
            "INVALID_ARGUMENT: Dimension -3 must be >= 0",
        ),
        (
            "ScatterNd",
            "",
            "int32[] 0; float[] 1; int32[1] 2",
            "INVALID_ARGUMENT: Indices shape must have rank at least one. Found:[]",
        ),
        (
            "ScatterNd",
            "",
            "int32[2] 0 1; float[] 1; int32[2] 2 2",
            "INVALID_ARGUMENT: Updates shape must have rank at least one. Found:[]",
        ),
        (
            "ScatterNd",
            "",
            "int32[2,1] 0 1; float[2] 1 1; int32[1] 0",
            "INVALID_ARGUMENT: Indices and updates specified for empty output.  indices shape: [2,1]",
        ),
        (
            "ScatterNd",
            "",
            "int32[1,0]; float[1,2] 1 2; int32[1] 2",
            "INVALID_ARGUMENT: Indices and updates specified for empty output shape",
        ),
        (
            "ScatterNd",
            "bad_indices_policy=FOO",
            "int32[2,1] 0 0; float[2] 1 2; int32[1] 3",
            "INVALID_ARGUMENT: Unknown bad indices handling attribute: FOO",
        ),
        ("ScatterNd", "", "int16[2,1] 0 0; float[2] 1 2; int16[1] 3", "INVALID_ARGUMENT"),
    ];

    #[test]
    fn errors() {
        check_rows(crate::OPS, ERRORS);
    }
}
