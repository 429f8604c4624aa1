//! How tensors are made.

use std::sync::Arc;

use bytes::Bytes;
use ndarray::ArrayViewD;

use super::{Data, Tensor, check_count, defaults};
use crate::{Buffer, DType, Element, Error, Handle, Result, Shape, UnitKind, Variant};

impl Tensor {
    /// A tensor of zeros (empty strings, empty handles, empty variants).
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when there is no such memory, `INVALID_ARGUMENT` when the shape overflows.
    pub fn zeros(dtype: DType, shape: impl Into<Shape>) -> Result<Tensor> {
        Tensor::made(dtype, shape.into(), Buffer::zeroed)
    }

    /// A tensor to be written: the content of numbers is unspecified, all else is as in [`Tensor::zeros`].
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    #[inline]
    pub fn scratch(dtype: DType, shape: impl Into<Shape>) -> Result<Tensor> {
        // Not any byte is a bool.
        let buffer = if dtype == DType::Bool { Buffer::zeroed } else { Buffer::recycled };
        Tensor::made(dtype, shape.into(), buffer)
    }

    fn made(dtype: DType, shape: Shape, buffer: fn(usize) -> Result<Buffer>) -> Result<Tensor> {
        let n = shape.checked_elements()?;
        let too_large = || {
            Error::resource_exhausted(format!(
                "OOM when allocating tensor with shape{shape} and type {dtype}"
            ))
        };
        let data = match dtype.unit() {
            UnitKind::Bytes => Data::Strings(Arc::new(defaults(n).ok_or_else(too_large)?)),
            UnitKind::Variant => Data::Variants(Arc::new(defaults(n).ok_or_else(too_large)?)),
            plain => {
                let bytes = plain.size().and_then(|size| n.checked_mul(size)).ok_or_else(too_large)?;
                Data::Plain(buffer(bytes).map_err(|_| too_large())?)
            }
        };
        Ok(Tensor { dtype, shape, data })
    }

    /// A tensor over a buffer that holds its elements.
    ///
    /// Memory that is not aligned for the dtype is copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the length does not fit dtype and shape, when the dtype is not plain memory, or
    /// when a byte of a bool is neither 0 nor 1.
    pub fn from_buffer(dtype: DType, shape: impl Into<Shape>, buffer: Buffer) -> Result<Tensor> {
        let shape = shape.into();
        let size = dtype.size().ok_or_else(|| {
            Error::invalid_argument(format!("a {dtype} tensor can't be made of plain bytes"))
        })?;
        let want = shape.checked_elements()?.checked_mul(size);
        if want != Some(buffer.len()) {
            return Err(Error::invalid_argument(format!(
                "{} bytes do not make a {dtype} tensor of shape {shape}",
                buffer.len()
            )));
        }
        if dtype == DType::Bool && buffer.bytes().iter().any(|&b| b > 1) {
            return Err(Error::invalid_argument("a byte of a bool tensor is neither 0 nor 1"));
        }
        let aligned = (buffer.bytes().as_ptr() as usize).is_multiple_of(size);
        let buffer = if aligned { buffer } else { Buffer::copy_of(buffer.bytes())? };
        Ok(Tensor { dtype, shape, data: Data::Plain(buffer) })
    }

    /// A tensor of numbers.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the number of values does not fit the shape.
    pub fn from_vec<T: Element>(shape: impl Into<Shape>, values: Vec<T>) -> Result<Tensor> {
        Tensor::from_slice(shape, &values)
    }

    /// A tensor of numbers, copied from a slice.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_slice<T: Element>(shape: impl Into<Shape>, values: &[T]) -> Result<Tensor> {
        let shape = shape.into();
        check_count(&shape, values.len())?;
        let mut tensor = Tensor::zeros(T::DTYPE, shape)?;
        tensor.as_mut_slice()?.copy_from_slice(values);
        Ok(tensor)
    }

    /// A scalar.
    #[inline]
    pub fn scalar<T: Element>(value: T) -> Tensor {
        Tensor { dtype: T::DTYPE, shape: Shape::scalar(), data: Data::Plain(Buffer::of(value)) }
    }

    /// A tensor of strings.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_strings<S: Into<Bytes>>(
        shape: impl Into<Shape>,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Tensor> {
        let values: Vec<Bytes> = values.into_iter().map(Into::into).collect();
        Tensor::from_pointers(DType::String, shape.into(), values, Data::Strings)
    }

    /// A tensor of resource handles.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_handles(shape: impl Into<Shape>, values: Vec<Handle>) -> Result<Tensor> {
        let values = values.into_iter().map(Variant::from).collect();
        Tensor::from_pointers(DType::Resource, shape.into(), values, Data::Variants)
    }

    /// A tensor of variants.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_variants(shape: impl Into<Shape>, values: Vec<Variant>) -> Result<Tensor> {
        Tensor::from_pointers(DType::Variant, shape.into(), values, Data::Variants)
    }

    fn from_pointers<T>(
        dtype: DType,
        shape: Shape,
        values: Vec<T>,
        data: fn(Arc<Vec<T>>) -> Data,
    ) -> Result<Tensor> {
        check_count(&shape, values.len())?;
        Ok(Tensor { dtype, shape, data: data(Arc::new(values)) })
    }

    /// A copy of an ndarray, in row-major order.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when there is no such memory.
    pub fn from_array<T: Element>(array: &ArrayViewD<'_, T>) -> Result<Tensor> {
        let mut tensor = Tensor::zeros(T::DTYPE, array.shape())?;
        let out = tensor.as_mut_slice::<T>()?;
        match array.as_slice() {
            Some(values) => out.copy_from_slice(values),
            None => out.iter_mut().zip(array.iter()).for_each(|(o, &v)| *o = v),
        }
        Ok(tensor)
    }
}
