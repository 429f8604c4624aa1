//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::ragged::VALUES;
use crate::ragged_places::{NOWHERE, Partition, Places, width};

/// The dense tensor that has the values of a ragged one, and a default value where a row is too short.
///
/// Values beyond a given `shape` are left out; its unknown sizes (-1) are those of the longest rows. Row ids that are
/// out of order are taken as TensorFlow takes them: a value never goes before the one that it follows.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedTensorToTensor>
pub const OP: Op = Op {
    name: "RaggedTensorToTensor",
    inputs: &[
        "shape: Tshape",
        "values: T",
        "default_value: T",
        "row_partition_tensors: num_row_partition_tensors * Tindex",
    ],
    outputs: &["result: T"],
    attrs: &[
        "T: type",
        "Tindex: {int64, int32}",
        "Tshape: {int64, int32}",
        "num_row_partition_tensors: int >= 1",
        "row_partition_types: list(string)",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", VALUES), ("Tindex", dtypes::INDICES)], build),
};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    FirstDimSize,
    RowSplits,
    ValueRowIds,
}

fn kinds(names: &[String]) -> Result<Vec<Kind>> {
    let refuse = |text: &str| Err(Error::invalid_argument(text));
    let kind = |name: &String| match name.as_str() {
        "FIRST_DIM_SIZE" => Ok(Kind::FirstDimSize),
        "ROW_SPLITS" => Ok(Kind::RowSplits),
        "VALUE_ROWIDS" => Ok(Kind::ValueRowIds),
        "ROW_LENGTHS" | "ROW_LIMITS" | "ROW_STARTS" => {
            Err(Error::invalid_argument(format!("Cannot handle type {name}")))
        }
        _ => Err(Error::invalid_argument(format!("Unknown string for partition info type: {name}"))),
    };
    let kinds: Vec<Kind> = names.iter().map(kind).collect::<Result<_>>()?;
    match kinds.first() {
        None => refuse("No row_partition_types given."),
        Some(Kind::ValueRowIds) => refuse("Cannot handle VALUE_ROWIDS in first dimension."),
        Some(_) if kinds[1..].contains(&Kind::FirstDimSize) => refuse("FIRST_DIM_SIZE must be first"),
        Some(_) => Ok(kinds),
    }
}

/// The number of ragged dimensions that are split.
fn depth(kinds: &[Kind]) -> usize {
    kinds.len() - usize::from(kinds[0] == Kind::FirstDimSize)
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let kinds = kinds(&ctx.attr::<Vec<String>>("row_partition_types").unwrap_or_default())?;
    let unknown = || Ok(vec![PartialShape::unknown()]);
    let Some(values) = ctx.input(1).dims().map(<[_]>::to_vec) else { return unknown() };
    let told = match (ctx.value(0), ctx.input(0).dims()) {
        (Some(sizes), _) => told(sizes)?,
        (None, Some([Some(rank)])) if *rank <= Shape::MAX_RANK => PartialShape::of_rank(*rank),
        _ => PartialShape::unknown(),
    };
    Ok(vec![combine(depth(&kinds), &told, &values)?])
}

/// The partial shape that the input `shape` means.
fn told(sizes: &Tensor) -> Result<PartialShape> {
    match (sizes.rank(), sizes.to_i64s()?.as_slice()) {
        (0, [-1]) => Ok(PartialShape::unknown()),
        (0, _) => Err(Error::invalid_argument(
            "The only valid scalar shape tensor is the fully unknown shape specified as -1.",
        )),
        (1, sizes) => match sizes.iter().find(|&&size| size < -1) {
            Some(size) => Err(Error::invalid_argument(format!("Dimension {size} must be >= -1"))),
            None => PartialShape::from_i64(sizes),
        },
        (rank, _) => Err(Error::invalid_argument(format!("Shape must be at most rank 1 but is rank {rank}"))),
    }
}

/// What is known of the output's shape from the wanted shape and that of the values.
fn combine(depth: usize, told: &PartialShape, values: &[Option<usize>]) -> Result<PartialShape> {
    let Some(inner) = values.get(1..) else { return Ok(PartialShape::unknown()) };
    let own = PartialShape::new(std::iter::repeat_n(None, depth + 1).chain(inner.iter().copied()));
    own.merge(told).ok_or_else(|| {
        let rank = depth + values.len();
        let dims = told.dims().unwrap_or_default();
        let differs = |&i: &usize| dims[i].zip(inner[i - depth - 1]).is_some_and(|(a, b)| a != b);
        let what = match (depth + 1..rank.min(dims.len())).find(differs) {
            Some(i) if rank == dims.len() => {
                let (size, want) = (inner[i - depth - 1].unwrap_or(0), dims[i].unwrap_or(0));
                format!("rt_input.shape[{i}] = {size} but shape[{i}] = {want}")
            }
            _ => format!("rt_input.rank = {rank} but shape.rank = {}", dims.len()),
        };
        Error::invalid_argument(format!("rt_input.shape and shape={told} are incompatible: {what}"))
    })
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let kinds = kinds(&node.attr::<Vec<String>>("row_partition_types")?)?;
    if kinds.len() != node.inputs.len() - 3 {
        return Err(Error::invalid_argument(format!(
            "Number of row partition tensors ({}) does not equal the number of row partition types({}).",
            node.inputs.len() - 3,
            kinds.len()
        )));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (first, partitions) = partitions(ctx, &kinds)?;
        let sizes = sizes(ctx, first, &partitions)?;
        let (values, default) = (ctx.input(1), ctx.input(2));
        let mut output = ctx.allocate(values.dtype(), sizes.clone())?;
        if !sizes.contains(&0) {
            let runs = runs(ctx, &sizes, first, &partitions)?;
            let inner = Shape::from(&sizes[partitions.len() + 1..]);
            by_unit!(values.dtype(), U => fill::<U>(&mut output, values, &spread::<U>(default, &inner)?, &runs))?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// The number of rows and how the dimensions are split.
fn partitions(ctx: &Context<'_>, kinds: &[Kind]) -> Result<(usize, Vec<Partition>)> {
    let refuse = |text: &str| Err(Error::invalid_argument(text));
    let tensor = ctx.input(3);
    if tensor.elements() == 0 {
        return refuse("Invalid first partition input. Tensor requires at least one element.");
    }
    let first = match kinds[0] {
        Kind::FirstDimSize if tensor.elements() != 1 => return refuse("FIRST_DIM_SIZE must be a scalar."),
        Kind::FirstDimSize => {
            let size = tensor.to_i64s()?[0];
            usize::try_from(size)
                .map_err(|_| Error::invalid_argument(format!("Dimension {size} must be >= 0")))?
        }
        _ => tensor.elements() - 1,
    };
    let mut partitions = Vec::with_capacity(kinds.len());
    for (kind, tensor) in kinds.iter().zip(ctx.inputs(3)) {
        if *kind != Kind::FirstDimSize && tensor.rank() != 1 {
            return refuse("Row partition must be a vector.");
        }
        match kind {
            Kind::FirstDimSize => {}
            Kind::RowSplits => partitions.push(Partition::Splits(tensor.to_i64s()?)),
            Kind::ValueRowIds => partitions.push(Partition::RowIds(tensor.to_i64s()?)),
        }
    }
    Ok((first, partitions))
}

/// The output's shape.
fn sizes(ctx: &Context<'_>, first: usize, partitions: &[Partition]) -> Result<Shape> {
    let (values, default) = (ctx.input(1).shape(), ctx.input(2).shape());
    let refuse = |what: String| {
        Err(Error::invalid_argument(format!(
            "default_value.shape={default} and rt_input.flat_values.shape={values} are incompatible: {what}"
        )))
    };
    if default.rank() >= values.rank() {
        return refuse(format!(
            "default_value.rank = {}  must be less than rt_input.flat_values.rank = {}",
            default.rank(),
            values.rank()
        ));
    }
    let differs = |&i: &usize| default[i] != 1 && default[i] != values[i + 1];
    if let Some(i) = (0..default.rank()).find(differs) {
        return refuse(format!(
            "default_value.shape[{i}] = {} but rt_input.flat_values.shape[{}] = {}",
            default[i],
            i + 1,
            values[i + 1]
        ));
    }
    let dims: Vec<Option<usize>> = values.iter().map(|&size| Some(size)).collect();
    let known = combine(partitions.len(), &told(ctx.input(0))?, &dims)?;
    let size = |(i, dim): (usize, &Option<usize>)| match (dim, i.checked_sub(1)) {
        (Some(size), _) => *size,
        (None, None) => first,
        (None, Some(i)) => partitions.get(i).map_or(0, width),
    };
    let sizes: Shape = known.dims().unwrap_or_default().iter().enumerate().map(size).collect();
    sizes.checked_elements()?;
    Ok(sizes)
}

/// Values that go to consecutive places: the first place, the first value, how many.
type Stretch = (usize, usize, usize);

/// Where the values go, in the order of places.
fn runs(ctx: &Context<'_>, sizes: &Shape, first: usize, partitions: &[Partition]) -> Result<Vec<Stretch>> {
    let run = ctx.run();
    let outer = &sizes[..=partitions.len()];
    let size = |depth: usize| outer[depth + 1..].iter().product();
    let mut places = Places::outermost(first, outer[0], size(0), &run)?;
    for (i, partition) in partitions.iter().enumerate() {
        places = places.within(partition, size(i + 1), outer[i + 1], &run)?;
    }
    let (count, most) = (ctx.input(1).shape()[0], outer.iter().product::<usize>());
    if places.len() > count {
        return Err(Error::invalid_argument(format!(
            "row partitions tell of {} values, but there are {count}",
            places.len()
        )));
    }
    let mut runs: Vec<Stretch> = Vec::new();
    let mut end = 0;
    for (value, place) in places.iter().enumerate().filter(|&(_, place)| place != NOWHERE) {
        let place = place.max(end);
        if place >= most {
            return Err(Error::invalid_argument("value_rowids are out of order"));
        }
        match runs.last_mut() {
            Some((_, start, len)) if place == end && *start + *len == value => *len += 1,
            _ => runs.push((place, value, 1)),
        }
        end = place + 1;
    }
    Ok(runs)
}

/// The default for a whole value: a single element stands for all of them.
fn spread<U: Unit>(default: &Tensor, inner: &Shape) -> Result<Vec<U>> {
    let units = default.units::<U>()?;
    if units.len() == 1 || units.len() == inner.elements() {
        return Ok(units.to_vec());
    }
    if Shape::broadcast(default.shape(), inner).as_ref() != Some(inner) {
        return Err(Error::invalid_argument("Error broadcasting default_value"));
    }
    let element = |mut flat: usize| {
        let (mut at, mut stride) = (0, 1);
        for (&size, &own) in inner.iter().rev().zip(default.shape().iter().rev()) {
            at += if own == 1 { 0 } else { flat % size * stride };
            stride *= own;
            flat /= size;
        }
        units[at].clone()
    };
    Ok((0..inner.elements()).map(element).collect())
}

fn fill<U: Unit>(output: &mut Tensor, values: &Tensor, default: &[U], runs: &[Stretch]) -> Result<()> {
    let size: usize = values.shape()[1..].iter().product();
    let (values, output) = (values.units::<U>()?, output.units_mut::<U>()?);
    let pad = |gap: &mut [U]| match default {
        [one] => gap.fill(one.clone()),
        _ => gap.chunks_exact_mut(size).for_each(|place| place.clone_from_slice(default)),
    };
    let mut end = 0;
    for &(place, value, len) in runs {
        pad(&mut output[end * size..place * size]);
        end = place + len;
        output[place * size..end * size].clone_from_slice(&values[value * size..(value + len) * size]);
    }
    pad(&mut output[end * size..]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    const OP: &str = "RaggedTensorToTensor";
    const SPLITS: &str = "row_partition_types=[ROW_SPLITS]";
    const ROW_IDS: &str = "row_partition_types=[FIRST_DIM_SIZE,VALUE_ROWIDS]";

    #[test]
    fn row_splits() {
        let nested = "row_partition_types=[ROW_SPLITS,ROW_SPLITS]";
        check_rows(
            OPS,
            &[
                (
                    OP,
                    SPLITS,
                    "int64[2] -1 -1; float[3] 1 2 3; float[] 9; int64[4] 0 2 2 3",
                    "float[3,2] 1 2 9 9 3 9",
                ),
                (
                    OP,
                    SPLITS,
                    "int32[2] 4 1; float[3] 1 2 3; float[] 9; int32[4] 0 2 2 3",
                    "float[4,1] 1 9 3 9",
                ),
                (OP, SPLITS, "int64[] -1; float[3] 1 2 3; float[] 9; int64[3] 0 1 1", "float[2,1] 1 9"),
                (OP, SPLITS, "int64[2] 2 3; float[0]; float[] 9; int64[2] 0 0", "float[2,3] 9 9 9 9 9 9"),
                (OP, SPLITS, "int64[2] 0 -1; float[2] 1 2; float[] 9; int64[2] 0 2", "float[0,2]"),
                (
                    OP,
                    SPLITS,
                    "int64[4] -1 -1 -1 -1; string[1,2,2] 'a' 'b' 'c' 'd'; string[2,1] 'x' 'y'; int64[3] 0 1 1",
                    "string[2,1,2,2] 'a' 'b' 'c' 'd' 'x' 'x' 'y' 'y'",
                ),
                (
                    OP,
                    nested,
                    "int64[3] -1 -1 -1; int8[3] 1 2 3; int8[] 0; int64[3] 0 2 3; int64[4] 0 2 2 3",
                    "int8[2,2,2] 1 2 0 0 3 0 0 0",
                ),
                (
                    OP,
                    nested,
                    "int64[3] -1 -1 -1; int8[3] 1 2 3; int8[] 0; int64[2] 0 1; int64[3] 0 1 2",
                    "INVALID_ARGUMENT: Row partition size is greater than output size: 2 > 1",
                ),
                (
                    OP,
                    SPLITS,
                    "int64[2] -1 -1; float[3] 1 2 3; float[] 9; int64[2] 1 3",
                    "INVALID_ARGUMENT: Invalid row split size.",
                ),
                (
                    OP,
                    SPLITS,
                    "int64[2] -1 -1; float[3] 1 2 3; float[] 9; int64[2] 0 4",
                    "INVALID_ARGUMENT: row partitions tell of 4 values, but there are 3",
                ),
                (
                    OP,
                    SPLITS,
                    "int64[2] -1 1; float[3] 1 2 3; float[] 9; int64[2] 0 9223372036854775807",
                    "RESOURCE_EXHAUSTED",
                ),
                (
                    OP,
                    SPLITS,
                    "int64[2] -1 -1; float[0]; float[] 9; int64[0]",
                    "INVALID_ARGUMENT: Invalid first partition input.",
                ),
                (
                    OP,
                    "row_partition_types=[]",
                    "int64[2] -1 -1; float[2] 1 2; float[] 9; int64[2] 0 2",
                    "INVALID_ARGUMENT: No row_partition_types given.",
                ),
                (
                    OP,
                    nested,
                    "int64[2] -1 -1; float[2] 1 2; float[] 9; int64[2] 0 2",
                    "INVALID_ARGUMENT: Number of row partition tensors (1) does not equal",
                ),
            ],
        );
    }

    #[test]
    fn row_ids() {
        let ids = |ids: &str| -> &'static str {
            format!("int64[2] -1 -1; float[3] 1 2 3; float[] 9; {ids}").leak()
        };
        check_rows(
            OPS,
            &[
                (OP, ROW_IDS, ids("int64[] 4; int64[3] 0 0 3"), "float[4,2] 1 2 9 9 9 9 3 9"),
                (
                    OP,
                    ROW_IDS,
                    ids("int64[] 4; int64[3] 3 0 0"),
                    "INVALID_ARGUMENT: value_rowids are out of order",
                ),
                (OP, ROW_IDS, ids("int64[] 5; int64[3] 3 0 0"), "float[5,2] 9 9 9 9 9 9 1 2 3 9"),
                (OP, ROW_IDS, ids("int64[] 4; int64[2] 0 1"), "float[4,1] 1 2 9 9"),
                (
                    OP,
                    ROW_IDS,
                    "int64[2] 2 1; float[3] 1 2 3; float[] 9; int64[] 9000000000000; int64[3] 0 0 8",
                    "float[2,1] 1 9",
                ),
                (
                    OP,
                    ROW_IDS,
                    ids("int64[] 4; int64[3] 0 0 4"),
                    "INVALID_ARGUMENT: Got next_value_rowid=4 which is not less than 4",
                ),
                (
                    OP,
                    ROW_IDS,
                    ids("int64[] 4; int64[3] -1 0 4"),
                    "INVALID_ARGUMENT: Got current_value_rowid=-1 which is not less than 4",
                ),
                (
                    OP,
                    ROW_IDS,
                    ids("int64[] -5; int64[3] 0 0 0"),
                    "INVALID_ARGUMENT: Dimension -5 must be >= 0",
                ),
                (
                    OP,
                    ROW_IDS,
                    ids("int64[2] 5 5; int64[3] 0 0 0"),
                    "INVALID_ARGUMENT: FIRST_DIM_SIZE must be",
                ),
            ],
        );
    }

    #[test]
    fn shapes() {
        let call =
            |shape: &str, values: &str| -> &'static str { format!("{shape}; {values}; int64[2] 0 2").leak() };
        check_rows(
            OPS,
            &[
                (
                    OP,
                    SPLITS,
                    call("int64[] 3", "int8[2] 1 2; int8[] 0"),
                    "INVALID_ARGUMENT: The only valid scalar",
                ),
                (
                    OP,
                    SPLITS,
                    call("int64[2] -2 3", "int8[2] 1 2; int8[] 0"),
                    "INVALID_ARGUMENT: Dimension -2",
                ),
                (
                    OP,
                    SPLITS,
                    call("int64[1] 1", "int8[2] 1 2; int8[] 0"),
                    "INVALID_ARGUMENT: rt_input.shape and shape=[1] are incompatible: rt_input.rank = 2 but \
                     shape.rank = 1",
                ),
                (
                    OP,
                    SPLITS,
                    call("int64[3] -1 -1 3", "int8[2,2] 1 2 3 4; int8[] 0"),
                    "INVALID_ARGUMENT: rt_input.shape and shape=[?,?,3] are incompatible: rt_input.shape[2] = 2 but \
                     shape[2] = 3",
                ),
                (
                    OP,
                    SPLITS,
                    call("int64[] -1", "int8[2,2] 1 2 3 4; int8[3] 0 0 0"),
                    "INVALID_ARGUMENT: default_value.shape=[3] and rt_input.flat_values.shape=[2,2] are",
                ),
                (
                    OP,
                    SPLITS,
                    call("int64[] -1", "int8[2,2,3] 1 2 3 4 5 6 7 8 9 10 11 12; int8[2] 0 0"),
                    "INVALID_ARGUMENT: Error broadcasting default_value",
                ),
                (
                    OP,
                    SPLITS,
                    call("int64[] -1", "int8[] 1; int8[] 0"),
                    "INVALID_ARGUMENT: default_value.shape=[] and",
                ),
                (
                    OP,
                    SPLITS,
                    call("int64[2] 1099511627776 1099511627776", "int8[2] 1 2; int8[] 0"),
                    "INVALID_ARGUMENT: Shape [1099511627776,1099511627776] would have more than",
                ),
            ],
        );
    }
}
