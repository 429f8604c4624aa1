//! The tensor itself.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::buffer::handles;
use crate::{Buffer, DType, Element, Error, Handle, Result, Shape, Unit, Variant};

mod make;

/// A dense, row-major tensor of any dtype, with shared data.
///
/// Numbers lie in a [`Buffer`]; strings, handles and variants in shared vectors. Cloning copies a pointer;
/// the `…_mut` doors copy the data first when it is shared, so a tensor is a value.
///
/// ```
/// use savedmodel_tensor::{DType, Tensor};
/// let t = Tensor::from_vec([2, 3], vec![1.0_f32, 2., 3., 4., 5., 6.])?;
/// assert_eq!((t.dtype(), t.shape().dims()), (DType::Float, &[2, 3][..]));
/// assert_eq!(t.view::<f32>()?[[1, 0]], 4.0);
/// let s = Tensor::from_strings([2], ["a", "b"])?;
/// assert_eq!(&s.strings()?[1][..], b"b");
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor {
    dtype: DType,
    shape: Shape,
    data: Data,
}

#[derive(Clone)]
enum Data {
    Plain(Buffer),
    Strings(Arc<Vec<Bytes>>),
    /// Variants or handles.
    Variants(Arc<Vec<Variant>>),
}

impl Tensor {
    /// The dtype.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The shape.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The number of dimensions.
    #[inline]
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// The number of elements.
    #[inline]
    pub fn elements(&self) -> usize {
        self.shape.elements()
    }

    /// The elements, when they are `T`s.
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        match &self.data {
            Data::Plain(buffer) if self.dtype == T::DTYPE => {
                buffer.elements().ok_or_else(|| not_a(self.dtype, T::DTYPE))
            }
            _ => Err(not_a(self.dtype, T::DTYPE)),
        }
    }

    /// The elements to write to, when they are `T`s; copied first if shared.
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another, `RESOURCE_EXHAUSTED` when there is no memory for the copy.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        match &mut self.data {
            Data::Plain(buffer) if self.dtype == T::DTYPE => buffer.elements_mut(),
            _ => Err(not_a(self.dtype, T::DTYPE)),
        }
    }

    /// The one element of a scalar (or of any tensor with one element).
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another, `INVALID_ARGUMENT` when there is not exactly one element.
    pub fn to_scalar<T: Element>(&self) -> Result<T> {
        match self.as_slice::<T>()? {
            [value] => Ok(*value),
            _ => Err(Error::invalid_argument(format!("expected a scalar, got shape {}", self.shape))),
        }
    }

    /// Lets memory that is mapped from a file go until it is read again; what others hold is as it was.
    pub fn release_pages(&self) {
        if let Data::Plain(buffer) = &self.data {
            buffer.release();
        }
    }

    /// An ndarray view of the elements.
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another.
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        ArrayViewD::from_shape(IxDyn(self.shape.dims()), self.as_slice()?)
            .map_err(|e| Error::internal(e.to_string()))
    }

    /// An ndarray copy of the elements.
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another.
    pub fn to_array<T: Element>(&self) -> Result<ArrayD<T>> {
        Ok(self.view::<T>()?.to_owned())
    }

    /// The strings of a string tensor.
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another.
    #[inline]
    pub fn strings(&self) -> Result<&[Bytes]> {
        match &self.data {
            Data::Strings(values) => Ok(values),
            _ => Err(not_a(self.dtype, DType::String)),
        }
    }

    /// The handles of a resource tensor.
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another.
    #[inline]
    pub fn handles(&self) -> Result<&[Handle]> {
        match &self.data {
            Data::Variants(values) if self.dtype == DType::Resource => Ok(handles(values)),
            _ => Err(not_a(self.dtype, DType::Resource)),
        }
    }

    /// The variants of a variant tensor.
    ///
    /// # Errors
    /// `INTERNAL` when the dtype is another.
    #[inline]
    pub fn variants(&self) -> Result<&[Variant]> {
        match &self.data {
            Data::Variants(values) if self.dtype == DType::Variant => Ok(values),
            _ => Err(not_a(self.dtype, DType::Variant)),
        }
    }

    /// The elements as memory units; `U` must be the unit of the dtype (see [`by_unit!`](crate::by_unit)).
    ///
    /// # Errors
    /// `INTERNAL` when `U` is another unit.
    pub fn units<U: Unit>(&self) -> Result<&[U]> {
        let found: Option<&dyn Any> = match &self.data {
            Data::Plain(buffer) if self.dtype.unit() == U::KIND => {
                return buffer.units().ok_or_else(|| not_of_unit::<U>(self.dtype));
            }
            Data::Plain(_) => None,
            Data::Strings(values) => Some(&**values),
            Data::Variants(values) => Some(&**values),
        };
        let values = found.and_then(|values| values.downcast_ref::<Vec<U>>());
        values.map(Vec::as_slice).ok_or_else(|| not_of_unit::<U>(self.dtype))
    }

    /// The memory units to write to; copied first if shared.
    ///
    /// # Errors
    /// `INTERNAL` when `U` is another unit, `RESOURCE_EXHAUSTED` when there is no memory for the copy.
    pub fn units_mut<U: Unit>(&mut self) -> Result<&mut [U]> {
        let found: Option<&mut dyn Any> = match &mut self.data {
            Data::Plain(buffer) if self.dtype.unit() == U::KIND => return buffer.units_mut(),
            Data::Plain(_) => None,
            Data::Strings(values) => Some(Arc::<Vec<_>>::make_mut(values)),
            Data::Variants(values) => Some(Arc::<Vec<_>>::make_mut(values)),
        };
        let values = found.and_then(|values| values.downcast_mut::<Vec<U>>());
        values.map(Vec::as_mut_slice).ok_or_else(|| not_of_unit::<U>(self.dtype))
    }

    /// The raw bytes of the elements; `None` for strings, handles and variants.
    #[inline]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Plain(buffer) => Some(buffer.bytes()),
            _ => None,
        }
    }

    /// The buffer under the elements; `None` for strings, handles and variants.
    pub fn buffer(&self) -> Option<&Buffer> {
        match &self.data {
            Data::Plain(buffer) => Some(buffer),
            _ => None,
        }
    }

    /// Whether nobody else holds the data, so that writing to it copies nothing.
    pub fn is_unique(&mut self) -> bool {
        match &mut self.data {
            Data::Plain(buffer) => buffer.is_unique(),
            Data::Strings(values) => Arc::get_mut(values).is_some(),
            Data::Variants(values) => Arc::get_mut(values).is_some(),
        }
    }

    /// The same data in another shape of as many elements, without a copy.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the numbers of elements differ.
    pub fn reshape(mut self, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        check_count(&shape, self.elements())?;
        self.shape = shape;
        Ok(self)
    }

    /// The same bytes as another dtype of the same size, without a copy.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the sizes differ or the bytes are no values of the new dtype.
    pub fn reinterpret(self, dtype: DType) -> Result<Tensor> {
        match self.data {
            Data::Plain(buffer) => Tensor::from_buffer(dtype, self.shape, buffer),
            _ => Err(not_a(self.dtype, dtype)),
        }
    }

    /// Rows `start..end` of the outermost dimension; numbers are shared without a copy.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a scalar or a range outside of the tensor.
    pub fn rows(&self, start: usize, end: usize) -> Result<Tensor> {
        let rows = self.shape.first().copied().unwrap_or(0);
        if self.rank() == 0 || start > end || end > rows {
            return Err(Error::invalid_argument(format!(
                "rows {start}..{end} of a tensor of shape {}",
                self.shape
            )));
        }
        let mut shape = self.shape.clone();
        shape.dims_mut()[0] = end - start;
        let row = self.shape[1..].iter().product::<usize>();
        Ok(Tensor { dtype: self.dtype, shape, data: self.part(start * row..end * row)? })
    }

    /// The elements from number `start` on as a tensor of a shape; numbers are shared without a copy.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there are not so many.
    pub fn section(&self, start: usize, shape: Shape) -> Result<Tensor> {
        let end = start.checked_add(shape.checked_elements()?).filter(|&end| end <= self.elements());
        let end = end.ok_or_else(|| {
            let own = &self.shape;
            Error::invalid_argument(format!(
                "a part of shape {shape} from {start} on of a tensor of shape {own}"
            ))
        })?;
        Ok(Tensor { dtype: self.dtype, shape, data: self.part(start..end)? })
    }

    /// Row `i` of the outermost dimension, without that dimension; numbers are shared without a copy.
    ///
    /// # Errors
    /// As [`Tensor::rows`].
    pub fn row(&self, i: usize) -> Result<Tensor> {
        let Some((_, dims)) = self.shape.split_first().filter(|&(&rows, _)| i < rows) else {
            return Err(Error::invalid_argument(format!("row {i} of a tensor of shape {}", self.shape)));
        };
        let row = dims.iter().product::<usize>();
        Ok(Tensor { dtype: self.dtype, shape: dims.into(), data: self.part(i * row..(i + 1) * row)? })
    }

    /// Some of the elements.
    fn part(&self, range: Range<usize>) -> Result<Data> {
        Ok(match &self.data {
            Data::Plain(buffer) => {
                let size = self.dtype.size().unwrap_or(1);
                let part = buffer.slice(range.start * size, range.len() * size);
                Data::Plain(part.ok_or_else(|| Error::internal("rows outside of their buffer"))?)
            }
            Data::Strings(values) => Data::Strings(Arc::new(values[range].to_vec())),
            Data::Variants(values) => Data::Variants(Arc::new(values[range].to_vec())),
        })
    }

    /// The values of an `int32` or `int64` tensor (shapes, axes, indices) as `i64`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the dtype is another.
    pub fn to_i64s(&self) -> Result<Vec<i64>> {
        match self.dtype {
            DType::Int64 => Ok(self.as_slice::<i64>()?.to_vec()),
            DType::Int32 => Ok(self.as_slice::<i32>()?.iter().map(|&v| v.into()).collect()),
            DType::Int16 => Ok(self.as_slice::<i16>()?.iter().map(|&v| v.into()).collect()),
            DType::Int8 => Ok(self.as_slice::<i8>()?.iter().map(|&v| v.into()).collect()),
            DType::Uint8 => Ok(self.as_slice::<u8>()?.iter().map(|&v| v.into()).collect()),
            DType::Uint16 => Ok(self.as_slice::<u16>()?.iter().map(|&v| v.into()).collect()),
            other => Err(Error::invalid_argument(format!("expected int32 or int64, got {other}"))),
        }
    }
}

#[cold]
fn not_a(found: DType, wanted: DType) -> Error {
    Error::internal(format!("expected a {wanted} tensor, got a {found} tensor"))
}

#[cold]
fn not_of_unit<U: Unit>(found: DType) -> Error {
    Error::internal(format!("expected elements of unit {:?}, got {found}", U::KIND))
}

fn defaults<T: Default>(n: usize) -> Option<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(n).ok()?;
    values.resize_with(n, T::default);
    Some(values)
}

fn check_count(shape: &Shape, n: usize) -> Result<()> {
    if shape.checked_elements()? == n {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("{n} values do not make a tensor of shape {shape}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_unit;

    #[test]
    fn every_dtype_is_made_written_and_cut() {
        fn fill<U: Unit>(t: &mut Tensor) -> Result<usize> {
            let units = t.units_mut::<U>()?;
            units.fill(U::default());
            Ok(units.len())
        }
        for &dtype in DType::ALL {
            let mut t = Tensor::zeros(dtype, [30, 2]).unwrap();
            let shared = t.clone();
            assert!(!t.is_unique());
            assert_eq!(by_unit!(dtype, U => fill::<U>(&mut t)), Ok(60), "{dtype}");
            assert!(t.is_unique());
            assert_eq!(shared.rows(1, 3).unwrap().shape().dims(), [2, 2]);
            let row = shared.row(1).unwrap();
            assert_eq!((row.shape().dims(), row.bytes()), (&[2][..], shared.rows(1, 2).unwrap().bytes()));
            assert!(shared.row(30).is_err() && Tensor::scalar(1.0_f32).row(0).is_err());
            assert!(shared.rows(2, 31).is_err());
            assert_eq!(t.reshape([60]).unwrap().rank(), 1);
        }
    }

    #[test]
    fn doors_refuse_other_dtypes() {
        let t = Tensor::scalar(1_i32);
        assert!(t.as_slice::<f32>().is_err());
        assert!(t.as_slice::<u32>().is_err());
        assert_eq!(t.units::<u32>().unwrap(), [1]);
        assert!(t.units::<u64>().is_err());
        assert!(t.strings().is_err());
        assert_eq!(t.to_scalar::<i32>(), Ok(1));
    }

    #[test]
    fn bools_are_checked() {
        let bytes = Buffer::copy_of(&[0, 1, 2]).unwrap();
        assert!(Tensor::from_buffer(DType::Bool, [3], bytes.clone()).is_err());
        let numbers = Tensor::from_buffer(DType::Uint8, [3], bytes.clone()).unwrap();
        assert!(numbers.reinterpret(DType::Bool).is_err());
        assert!(Tensor::from_buffer(DType::Uint8, [4], bytes).is_err());
    }

    #[test]
    fn huge_shapes_are_refused() {
        for dtype in [DType::Float, DType::String] {
            let error = Tensor::zeros(dtype, [1 << 40, 1 << 20]).unwrap_err();
            assert_eq!(error.code(), crate::Code::ResourceExhausted);
        }
    }

    #[test]
    fn arrays_go_both_ways() {
        let array = ndarray::arr2(&[[1, 2], [3, 4]]);
        let t = Tensor::from_array(&array.t().into_dyn()).unwrap();
        assert_eq!(t.as_slice::<i32>().unwrap(), [1, 3, 2, 4]);
        assert_eq!(t.to_array::<i32>().unwrap(), array.t().into_dyn());
    }
}
