//! `TensorListScatter`, `TensorListScatterV2` and `TensorListScatterIntoExistingList`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::{TensorList, to_integer, to_partial_shape};
use crate::tensor_list_from_tensor::check_rows;

/// Puts the rows of a tensor at some places of a new list, or of one that is there.
///
/// The list is made long enough for the highest index; with `num_elements` other than -1 it has that length. Rows that
/// are put into a list that is there are not held against its shape, as in TensorFlow.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListScatterV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListScatterIntoExistingList>
pub const OPS: &[Op] = &[
    Op {
        name: "TensorListScatter",
        inputs: &["tensor: element_dtype", "indices: int32", "element_shape: shape_type"],
        ..V2
    },
    V2,
    Op {
        name: "TensorListScatterIntoExistingList",
        inputs: &["input_handle: variant", "tensor: element_dtype", "indices: int32"],
        outputs: &["output_handle: variant"],
        attrs: &["element_dtype: type"],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build_existing),
    },
];

const V2: Op = Op {
    name: "TensorListScatterV2",
    inputs: &["tensor: element_dtype", "indices: int32", "element_shape: shape_type", "num_elements: int32"],
    outputs: &["output_handle: variant"],
    attrs: &["element_dtype: type", "shape_type: {int32, int64}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let sizes = ctx.input(2);
        if sizes.rank() > 1 {
            return Err(Error::invalid_argument(format!(
                "TensorListScatter: element_shape must be at most rank 1 but has the shape of {}",
                sizes.shape()
            )));
        }
        let shape = to_partial_shape(sizes)?;
        let wanted = match ctx.input_len() {
            4.. if ctx.input(3).rank() != 0 => {
                return Err(Error::invalid_argument("num_elements must be a scalar"));
            }
            4.. => to_integer(ctx.input(3), |s| format!("Expected argument 3 to be a scalar, got {s}"))?,
            _ => -1,
        };
        if wanted < -1 {
            return Err(Error::invalid_argument(format!(
                "TensorListScatter expects num_elements >= -1, found: {wanted}"
            )));
        }
        let tensor = ctx.input(0);
        check_rows(tensor, &shape)?;
        let places = places(ctx.input(1).as_slice()?, tensor.shape()[0], usize::try_from(wanted).ok())?;
        let mut list = TensorList::unset(tensor.dtype(), shape, 0, &ctx.run())?;
        list.resize(usize::try_from(wanted).unwrap_or(0), &ctx.run())?;
        put(&mut list, tensor, &places, &ctx.run())?;
        ctx.set(0, list.into_tensor()?);
        Ok(())
    }))
}

/// The indices, checked.
fn places(indices: &[i32], rows: usize, len: Option<usize>) -> Result<Vec<usize>> {
    if indices.len() != rows {
        return Err(Error::invalid_argument(format!(
            "Invalid number of rows in input tensor. Expected: {} Actual: {rows}",
            indices.len()
        )));
    }
    let place = |&index: &i32| {
        let place = usize::try_from(index)
            .map_err(|_| Error::invalid_argument("Indices in TensorListScatter must all be non-negative."))?;
        match len {
            Some(len) if place >= len => Err(Error::invalid_argument(format!(
                "TensorListScatter: Trying to scatter at index {index} in list with size {len}"
            ))),
            _ => Ok(place),
        }
    };
    indices.iter().map(place).collect()
}

/// Sets elements of a list, which is made longer if it must be.
fn put(list: &mut TensorList, tensor: &Tensor, places: &[usize], run: &Run<'_>) -> Result<()> {
    let len = places.iter().max().map_or(0, |&highest| highest + 1);
    if len > list.elements.len() {
        list.resize(len, run)?;
    }
    for (i, &place) in places.iter().enumerate() {
        list.elements[place] = Some(tensor.row(i)?);
    }
    Ok(())
}

fn build_existing(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let list = TensorList::of(ctx.input(0))?;
        let (tensor, indices) = (ctx.input(1), ctx.input(2));
        let refuse = |what: String| Err(Error::invalid_argument(what));
        if tensor.dtype() != list.dtype {
            return refuse(format!(
                "Invalid data types; input tensor type: {} list element_type: {}",
                tensor.dtype(),
                list.dtype
            ));
        }
        let Some(&rows) = tensor.shape().first() else {
            return refuse("Tensor must be at least a vector, but saw shape: []".to_owned());
        };
        if indices.rank() != 1 {
            return refuse(format!(
                "Expected indices to be a vector, but received shape: {}",
                indices.shape()
            ));
        }
        if indices.elements() != rows {
            return refuse(format!(
                "Expected len(indices) == tensor.shape[0], but saw: {} vs. {rows}",
                indices.elements()
            ));
        }
        let places = places(indices.as_slice()?, rows, None)?;
        let mut handle = ctx.take(0);
        put(TensorList::of_mut(&mut handle)?, ctx.input(1), &places, &ctx.run())?;
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn new_list() {
        let op = "TensorListScatterV2";
        crate::cases::check(&[
            (
                "TensorListScatter",
                "",
                "float[2,1] 1 2; int32[2] 2 0; int32[1] 1",
                "list float [1] | 2 | - | 1",
            ),
            (
                op,
                "",
                "string[1] 'a'; int32[1] 0; int32[] -1; int32[] 2",
                "list string <unknown> | string[] 'a' | -",
            ),
            (op, "", "int8[2] 1 2; int32[1,2] 1 1; int64[0]; int32[] -1", "list int8 [] | - | 2"),
            (
                op,
                "",
                "int8[1] 1; int32[1] 2; int64[0]; int32[] 2",
                "INVALID_ARGUMENT: TensorListScatter: Trying to scatter at index 2 in list with size 2",
            ),
            (
                op,
                "",
                "int8[1] 1; int32[1] -1; int64[0]; int32[] 2",
                "INVALID_ARGUMENT: Indices in TensorListScatter must all be non-negative.",
            ),
            (
                op,
                "",
                "int8[1] 1; int32[2] 0 1; int64[0]; int32[] 2",
                "INVALID_ARGUMENT: Invalid number of rows in input tensor. Expected: 2 Actual: 1",
            ),
            (
                op,
                "",
                "int8[1] 1; int32[1] 0; int64[0]; int32[] -2",
                "INVALID_ARGUMENT: TensorListScatter expects num_elements >= -1, found: -2",
            ),
            (
                op,
                "",
                "int8[1] 1; int32[1] 0; int64[1,1] 2; int32[] 1",
                "INVALID_ARGUMENT: TensorListScatter: element_shape must be at most rank 1 but has the shape of [1,1]",
            ),
        ]);
    }

    #[test]
    fn existing_list() {
        let op = "TensorListScatterIntoExistingList";
        crate::cases::check(&[
            (op, "", "list int8 [1] | 5 | 6; int8[2,1] 1 2; int32[2] 1 3", "list int8 [1] | 5 | 1 | - | 2"),
            (op, "", "list int8 [1] | 5; int8[0,1]; int32[0]", "list int8 [1] | 5"),
            (
                op,
                "",
                "list int8 [1] | 5; int8[1,1] 2; int32[1] -1",
                "INVALID_ARGUMENT: Indices in TensorListScatter must all be non-negative.",
            ),
            (
                op,
                "",
                "list int8 [1]; int8[1,1] 2; int32[2] 0 1",
                "INVALID_ARGUMENT: Expected len(indices) == tensor.shape[0], but saw: 2 vs. 1",
            ),
            (
                op,
                "",
                "list int8 [1]; int16[1,1] 2; int32[1] 0",
                "INVALID_ARGUMENT: Invalid data types; input tensor type: int16 list element_type: int8",
            ),
        ]);
    }
}
