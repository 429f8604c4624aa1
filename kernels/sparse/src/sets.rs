//! Tensors as collections of sets: each row along the last dimension is one.

use std::borrow::Cow;
use std::ops::Range;

use savedmodel_op::Context;
use savedmodel_tensor::{Bytes, DType, Error, Result, Shape, Tensor};

use crate::coo::{Coo, list, to_shape};

/// Elements of sets: strings, or integers of any width.
pub(crate) trait Member: Ord + Clone + Send + Sync + 'static {
    /// All elements of a tensor.
    fn all(tensor: &Tensor) -> Result<Cow<'_, [Self]>>;
    /// A vector of the dtype that the elements came from.
    fn vector(values: Vec<Self>, dtype: DType) -> Result<Tensor>;
}

impl Member for i64 {
    fn all(tensor: &Tensor) -> Result<Cow<'_, [i64]>> {
        Ok(tensor.to_i64s()?.into())
    }
    fn vector(values: Vec<i64>, dtype: DType) -> Result<Tensor> {
        macro_rules! narrow {
            ($type:ty) => {
                Tensor::from_vec([values.len()], values.iter().map(|&value| value as $type).collect())
            };
        }
        match dtype {
            DType::Int8 => narrow!(i8),
            DType::Int16 => narrow!(i16),
            DType::Int32 => narrow!(i32),
            DType::Uint8 => narrow!(u8),
            DType::Uint16 => narrow!(u16),
            _ => Tensor::from_vec([values.len()], values),
        }
    }
}

impl Member for Bytes {
    fn all(tensor: &Tensor) -> Result<Cow<'_, [Bytes]>> {
        Ok(tensor.strings()?.into())
    }
    fn vector(values: Vec<Bytes>, _: DType) -> Result<Tensor> {
        Tensor::from_strings([values.len()], values)
    }
}

/// The kernels of a builder for all dtypes that sets are made of.
macro_rules! member_kernels {
    ($build:ident) => {
        savedmodel_op::Kernels::ByDType(
            "T",
            &[
                (savedmodel_tensor::DType::Int8, $build::<i64>),
                (savedmodel_tensor::DType::Int16, $build::<i64>),
                (savedmodel_tensor::DType::Int32, $build::<i64>),
                (savedmodel_tensor::DType::Int64, $build::<i64>),
                (savedmodel_tensor::DType::Uint8, $build::<i64>),
                (savedmodel_tensor::DType::Uint16, $build::<i64>),
                (savedmodel_tensor::DType::String, $build::<savedmodel_tensor::Bytes>),
            ],
        )
    };
}
pub(crate) use member_kernels;

/// The elements without repetitions, in order.
pub(crate) fn to_set<T: Member>(elements: &[T]) -> Vec<T> {
    let mut set = elements.to_vec();
    set.sort_unstable();
    set.dedup();
    set
}

/// The sparse tensor in three inputs of which `first` is the first; with `validate` its indices must be in order.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is none, or has fewer than two dimensions.
pub(crate) fn sparse<'a>(ctx: &'a Context<'_>, first: usize, validate: bool) -> Result<Coo<'a>> {
    let [indices, values, sizes] = [0, 1, 2].map(|i| ctx.input(first + i));
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if sizes.rank() != 1 {
        return refuse("Shape must be a 1D tensor.".to_owned());
    }
    let (rank, sizes) = (sizes.elements(), sizes.as_slice()?);
    to_shape(sizes)?;
    if rank < 2 {
        return refuse(format!("Invalid rank {rank}."));
    }
    if indices.rank() != 2 {
        return refuse(format!("indices must be a matrix, but got: {}", indices.shape()));
    }
    if values.rank() != 1 {
        return refuse(format!("vals must be a vec, but got: {}", values.shape()));
    }
    if indices.shape()[0] != values.elements() {
        return refuse(format!(
            "indices and values rows (indexing dimension) must match. (indices = {}, values = {})",
            indices.shape()[0],
            values.elements()
        ));
    }
    if indices.shape()[1] != rank {
        return refuse("Order length must be SparseTensor rank.".to_owned());
    }
    let coo = Coo { indices: indices.as_slice()?, values, sizes };
    if validate {
        coo.check()?;
    }
    Ok(coo)
}

/// The values of neighbours that are in the same row.
pub(crate) fn groups(coo: &Coo<'_>) -> Vec<Range<usize>> {
    let last = coo.rank() - 1;
    let mut groups: Vec<Range<usize>> = Vec::new();
    for i in 0..coo.len() {
        match groups.last_mut() {
            Some(group) if coo.index(group.start)[..last] == coo.index(i)[..last] => group.end = i + 1,
            _ => groups.push(i..i + 1),
        }
    }
    groups
}

/// Checks that the indices of a group lie below the sizes.
///
/// # Errors
/// `INTERNAL`, as TensorFlow says, for the first that does not.
pub(crate) fn check_group(coo: &Coo<'_>, group: &Range<usize>) -> Result<()> {
    for (j, &size) in coo.sizes.iter().enumerate() {
        if size <= 0 {
            return Err(Error::internal(format!("Invalid dim_size[{j}] = {size}.")));
        }
        let outside = group.clone().find(|&i| coo.index(i)[j] >= size);
        if let Some(i) = outside {
            let (row, index) = (i - group.start, coo.index(i)[j]);
            return Err(Error::internal(format!("indices[{row}, {j}] expected < {size}, got {index}.")));
        }
    }
    Ok(())
}

/// The shape without its last dimension, which two tensors of sets must share.
///
/// # Errors
/// `INVALID_ARGUMENT` when they don't, or when there are fewer than two dimensions.
pub(crate) fn group_shape(a: &[i64], b: &[i64]) -> Result<Shape> {
    for shape in [a, b] {
        if shape.len() < 2 {
            let text = format!("Shape {} has rank {} < 2", list(shape), shape.len());
            return Err(Error::invalid_argument(text));
        }
    }
    let (outer, other) = (&a[..a.len() - 1], &b[..b.len() - 1]);
    if outer != other {
        return Err(Error::invalid_argument(format!("Mismatched shapes {} vs {}", list(outer), list(other))));
    }
    to_shape(outer)
}
