//! Shapes and dtypes of messages.

use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape};

use crate::tensor_shape_proto::Dim;
use crate::{DataType, TensorShapeProto};

/// The dtype of a `DataType` number; a reference type gives the type it refers to.
///
/// # Errors
/// `INVALID_ARGUMENT` for `DT_INVALID` and unknown numbers.
pub fn to_dtype(number: i32) -> Result<DType> {
    DType::from_number(number).ok_or_else(|| match DataType::try_from(number) {
        Ok(known) => Error::invalid_argument(format!("{} is not a type of tensors", known.as_str_name())),
        Err(_) => Error::invalid_argument(format!("Unknown data type {number}")),
    })
}

/// The shape of a message, where -1 is an unknown dimension.
///
/// # Errors
/// `INVALID_ARGUMENT` for dimensions below -1, more than 254 dimensions, or dimensions of an unknown rank.
pub fn to_partial_shape(proto: &TensorShapeProto) -> Result<PartialShape> {
    if !proto.unknown_rank {
        return PartialShape::from_i64(&sizes(proto));
    }
    if proto.dim.is_empty() {
        return Ok(PartialShape::unknown());
    }
    Err(Error::invalid_argument("An unknown shape must not have any dimensions set"))
}

/// The shape of a message that describes a tensor at hand.
///
/// # Errors
/// `INVALID_ARGUMENT` for negative dimensions, more than 254 dimensions, or more than `i64::MAX` elements.
pub fn to_shape(proto: &TensorShapeProto) -> Result<Shape> {
    Shape::from_i64(&sizes(proto))
}

/// The message of a shape.
pub fn from_shape(shape: &Shape) -> TensorShapeProto {
    from_partial_shape(&shape.into())
}

/// The message of a shape that may be partly known.
pub fn from_partial_shape(shape: &PartialShape) -> TensorShapeProto {
    let size = |dim: &Option<usize>| dim.map_or(-1, |dim| dim as i64);
    let dim = |dim| Dim { size: size(dim), name: String::new() };
    TensorShapeProto {
        dim: shape.dims().unwrap_or_default().iter().map(dim).collect(),
        unknown_rank: shape.dims().is_none(),
    }
}

fn sizes(proto: &TensorShapeProto) -> Vec<i64> {
    proto.dim.iter().map(|dim| dim.size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_go_both_ways() {
        for shape in [PartialShape::unknown(), PartialShape::of_rank(2), PartialShape::from([0, 3])] {
            assert_eq!(to_partial_shape(&from_partial_shape(&shape)), Ok(shape));
        }
        let bad = TensorShapeProto { dim: vec![Dim::default()], unknown_rank: true };
        assert!(to_partial_shape(&bad).is_err());
        assert!(to_shape(&from_partial_shape(&PartialShape::of_rank(1))).is_err());
    }

    #[test]
    fn numbers_that_are_no_dtype() {
        let message = |number| to_dtype(number).unwrap_err().message().to_owned();
        assert_eq!(message(0), "DT_INVALID is not a type of tensors");
        assert_eq!(message(99), "Unknown data type 99");
        assert_eq!(to_dtype(101), Ok(DType::Float));
        for &dtype in DType::ALL {
            assert!(DataType::try_from(dtype.number()).is_ok(), "{dtype}");
        }
    }
}
