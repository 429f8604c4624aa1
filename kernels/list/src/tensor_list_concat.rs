//! `TensorListConcat` and `TensorListConcatV2`: elements of a list, one after the other.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::{TensorList, known_shape, list_of, merge, stacked, write_all};

/// Joins the elements of a list along their first dimension, and tells how long each is.
///
/// An element that is not set is zeros: as long as all others if they are equally long, else as `leading_dims` says.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListConcat>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListConcatV2>
pub const OPS: &[Op] = &[
    Op {
        name: "TensorListConcat",
        inputs: &["input_handle: variant"],
        outputs: &["tensor: element_dtype", "lengths: int64"],
        attrs: &["element_dtype: type", "element_shape: shape = { unknown_rank: true }"],
        effect: Effect::Pure,
        shape: |ctx| Ok(shapes(&ctx.attr("element_shape").unwrap_or_default())),
        kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build),
    },
    Op {
        name: "TensorListConcatV2",
        inputs: &["input_handle: variant", "element_shape: shape_type", "leading_dims: int64"],
        outputs: &["tensor: element_dtype", "lengths: int64"],
        attrs: &["element_dtype: type", "shape_type: {int32, int64}"],
        effect: Effect::Pure,
        shape: |ctx| Ok(shapes(&known_shape(ctx, 1))),
        kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build_v2),
    },
];

fn shapes(element: &PartialShape) -> Vec<PartialShape> {
    vec![stacked(None, &rest_of(element)), PartialShape::of_rank(1)]
}

/// All dimensions but the first.
fn rest_of(shape: &PartialShape) -> PartialShape {
    match shape.dims() {
        Some([_, rest @ ..]) => PartialShape::new(rest.iter().copied()),
        _ => PartialShape::unknown(),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    let shape: PartialShape = node.attr("element_shape")?;
    if shape.rank() == Some(0) {
        return Err(Error::invalid_argument("element_shape must not be empty"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let list = list_of(ctx, 0, dtype)?;
        let (mut rest, mut first) = (rest_of(&shape), None);
        inspect(list, &mut rest, &mut first)?;
        let length = |_| {
            first.ok_or_else(|| {
                Error::invalid_argument(
                    "Concating lists with uninitialized tensors is not supported in this version of TensorListConcat. \
                     Consider updating your GraphDef to run the newer version.",
                )
            })
        };
        let outputs = join(ctx, list, &rest, length)?;
        set(ctx, outputs)
    }))
}

fn build_v2(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let list = list_of(ctx, 0, dtype)?;
        let shape = list.merged_shape(ctx.input(1))?;
        if shape.rank() == Some(0) {
            return Err(Error::invalid_argument(
                "Concat requires elements to be at least vectors, found scalars instead.",
            ));
        }
        let (mut rest, mut first) = (rest_of(&shape), shape.dim(0));
        inspect(list, &mut rest, &mut first)?;
        let leading = ctx.input(2).as_slice::<i64>()?;
        let length = |i| match (leading.get(i), first) {
            (Some(&dim), _) => usize::try_from(dim).map_err(|_| {
                Error::invalid_argument(format!("leading_dims[{i}] must be at least 0, got {dim}"))
            }),
            (None, Some(first)) => Ok(first),
            (None, None) => Err(Error::invalid_argument(format!(
                "List contains uninitialized tensor at index {i} but leading_dims has only {} elements.",
                leading.len()
            ))),
        };
        let outputs = join(ctx, list, &rest, length)?;
        set(ctx, outputs)
    }))
}

fn set(ctx: &mut Context<'_>, (tensor, lengths): (Tensor, Tensor)) -> Result<()> {
    ctx.set(0, tensor);
    ctx.set(1, lengths);
    Ok(())
}

/// Adds to what is known of the elements' other dimensions and first dimension what the elements tell.
///
/// The first dimension stays unknown unless all elements that are set agree. The elements of a list whose shape is
/// wholly known are not asked.
fn inspect(list: &TensorList, rest: &mut PartialShape, first: &mut Option<usize>) -> Result<()> {
    if list.elements.is_empty() && rest.known().is_none() {
        return Err(Error::invalid_argument(format!(
            "All except the first dimension must be fully defined when concating an empty tensor list. \
             element_shape: {rest}"
        )));
    }
    if list.shape.known().is_some() {
        return Ok(());
    }
    let given = *first;
    let mut agree = true;
    for (i, tensor) in list.elements.iter().enumerate() {
        let Some(tensor) = tensor else { continue };
        let Some((&len, dims)) = tensor.shape().split_first() else {
            return Err(Error::invalid_argument(format!(
                "Concat saw a scalar shape at index {i} but requires at least vectors."
            )));
        };
        *rest = merge(rest, &(&Shape::from(dims)).into())?;
        if let Some(given) = given.filter(|&given| given != len) {
            return Err(Error::invalid_argument(format!(
                "First entry of element_shape input does not match the first dim of list element at index: {i} \
                 Expected: {given} Actual: {len}"
            )));
        }
        agree &= first.is_none_or(|first| first == len);
        first.get_or_insert(len);
    }
    if !agree {
        *first = None;
    }
    Ok(())
}

/// The elements joined, and their lengths; `length` tells those of elements that are not set.
fn join(
    ctx: &Context<'_>,
    list: &TensorList,
    rest: &PartialShape,
    length: impl Fn(usize) -> Result<usize>,
) -> Result<(Tensor, Tensor)> {
    let mut shape = rest.known().ok_or_else(|| {
        Error::invalid_argument(format!(
            "Trying to concat list with only uninitialized tensors but element_shape_except_first_dim is not fully \
             defined: {rest}"
        ))
    })?;
    let one = shape.elements();
    let measure = |(i, tensor): (usize, &Option<Tensor>)| match tensor {
        Some(tensor) => Ok(tensor.shape().first().copied().unwrap_or(1)),
        None => length(i),
    };
    let lengths: Vec<usize> = list.elements.iter().enumerate().map(measure).collect::<Result<_>>()?;
    let total = lengths.iter().try_fold(0, |sum: usize, &len| sum.checked_add(len));
    shape.insert(0, total.ok_or_else(|| Error::invalid_argument("The lengths of the elements overflow"))?);
    let mut output = ctx.allocate(list.dtype, shape)?;
    write_all(&mut output, list.elements.iter().zip(&lengths).map(|(t, &len)| (t.as_ref(), len * one)))?;
    let lengths = Tensor::from_vec([lengths.len()], lengths.iter().map(|&len| len as i64).collect())?;
    Ok((output, lengths))
}

#[cfg(test)]
mod tests {
    #[test]
    fn first_version() {
        let op = "TensorListConcat";
        crate::cases::check(&[
            (
                op,
                "element_dtype=float",
                "list float [?,1] | float[1,1] 1 | float[2,1] 2 3",
                "float[3,1] 1 2 3; int64[2] 1 2",
            ),
            (op, "element_dtype=float element_shape=[-1,2]", "list float [?,2]", "float[0,2]; int64[0]"),
            (
                op,
                "element_dtype=float",
                "list float [?] | - | float[2] 3 4",
                "float[4] 0 0 3 4; int64[2] 2 2",
            ),
            (
                op,
                "element_dtype=float",
                "list float [?] | - | float[2] 3 4 | float[1] 3",
                "INVALID_ARGUMENT: Concating lists with uninitialized tensors is not supported in this version",
            ),
            (
                op,
                "element_dtype=float element_shape=[]",
                "list float []",
                "INVALID_ARGUMENT: element_shape must not",
            ),
            (
                op,
                "element_dtype=float",
                "list float []  | 1",
                "INVALID_ARGUMENT: Trying to concat list with only uninitialized tensors but element_shape_except",
            ),
        ]);
    }

    #[test]
    fn second_version() {
        let op = "TensorListConcatV2";
        crate::cases::check(&[
            (
                op,
                "element_dtype=float",
                "list float [?,1] | float[1,1] 1 | - | float[2,1] 2 3; int32[] -1; int64[2] 9 1",
                "float[4,1] 1 0 2 3; int64[3] 1 1 2",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 [2,1] | - | -; int64[2] -1 1; int64[1] 1",
                "int8[3,1] 0 0 0; int64[2] 1 2",
            ),
            (op, "element_dtype=string", "list string [?]; int32[] -1; int64[0]", "string[0]; int64[0]"),
            (
                op,
                "element_dtype=int8",
                "list int8 [?,?]; int64[] -1; int64[0]",
                "INVALID_ARGUMENT: All except the first dimension must be fully defined when concating an empty tensor \
                 list. element_shape: [?]",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 [?] | - | -; int64[] -1; int64[1] 1",
                "INVALID_ARGUMENT: List contains uninitialized tensor at index 1 but leading_dims has only 1 elements.",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 [?] | - | -; int64[] -1; int64[2] 1 -1",
                "INVALID_ARGUMENT: leading_dims[1]",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 [?] | int8[2] 1 2; int64[1] 3; int64[0]",
                "INVALID_ARGUMENT: First entry of element_shape input does not match the first dim of list element at \
                 index: 0 Expected: 3 Actual: 2",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 <unknown> | int8[] 1; int64[] -1; int64[0]",
                "INVALID_ARGUMENT: Concat saw a scalar shape at index 0 but requires at least vectors.",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 <unknown> | int8[1,1] 1 | int8[1] 1; int64[] -1; int64[0]",
                "INVALID_ARGUMENT: PartialTensorShape: Incompatible ranks during merge: 1 vs. 0",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 []; int64[] -1; int64[0]",
                "INVALID_ARGUMENT: Concat requires elements to be at least vectors, found scalars instead.",
            ),
        ]);
    }
}
