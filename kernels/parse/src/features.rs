//! What is asked of examples: names, dtypes and shapes of features.

use rustc_hash::FxHashMap;
use savedmodel_op::Construction;
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape, Tensor};

/// A feature of a fixed number of values, or of rows of a fixed size.
#[derive(Clone, Debug)]
pub struct Dense {
    /// The dtype.
    pub dtype: DType,
    /// The shape; only the first dimension may be unknown.
    pub shape: PartialShape,
    /// Whether the number of rows may vary.
    pub is_variable: bool,
    /// The number of values, in each row if that varies.
    pub stride: usize,
}

impl Dense {
    /// The features that the attributes `types` and `shapes` tell.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when their lengths differ or a shape is less known than it must be.
    pub fn all(types: &[DType], shapes: Vec<PartialShape>) -> Result<Vec<Dense>> {
        if types.len() != shapes.len() {
            return Err(Error::invalid_argument("len(dense_keys) != len(dense_shapes)"));
        }
        let one = |(i, (&dtype, shape)): (usize, (&DType, PartialShape))| {
            let dims = shape.dims().unwrap_or(&[None, None]);
            let is_variable = matches!(dims, [None, ..]);
            let inner: Option<Shape> = dims[usize::from(is_variable)..].iter().copied().collect();
            let inner = inner.ok_or_else(|| {
                let what = "has unknown rank or unknown inner dimensions";
                Error::invalid_argument(format!("dense_shapes[{i}] {what}: {shape}"))
            })?;
            Ok(Dense { dtype, is_variable, stride: inner.checked_elements()?, shape })
        };
        types.iter().zip(shapes).enumerate().map(one).collect()
    }

    /// The dimensions of a row, if the number of rows varies, or of all.
    pub fn inner(&self) -> impl Iterator<Item = usize> {
        let dims = self.shape.dims().unwrap_or_default();
        dims[usize::from(self.is_variable)..].iter().map(|dim| dim.unwrap_or(0))
    }
}

/// The features that an operator asks for, by kind.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// Features of a known size, by number.
    pub dense: Vec<Dense>,
    /// The dtypes of features that become sparse tensors; numbered after the dense ones.
    pub sparse: Vec<DType>,
    /// The dtypes of features that become ragged tensors, and of their splits; numbered after the sparse ones.
    pub ragged: Vec<(DType, DType)>,
}

/// The names of the features that an operator asks for.
#[derive(Clone, Debug)]
pub struct Names {
    /// The names, by number of feature.
    pub names: Vec<Bytes>,
    numbers: FxHashMap<Bytes, usize>,
}

impl Names {
    /// The names of all features, by number.
    ///
    /// # Errors
    /// `INTERNAL`, as in TensorFlow, when a name stands for two features.
    pub fn new(names: Vec<Bytes>) -> Result<Names> {
        let numbers: FxHashMap<Bytes, usize> = names.iter().cloned().zip(0..).collect();
        if numbers.len() < names.len() {
            return Err(Error::internal("Could not avoid collision. This should not happen."));
        }
        Ok(Names { names, numbers })
    }

    /// The number of the feature with this name.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        self.numbers.get(name).copied()
    }
}

/// A kind of feature, with the number within the kind.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Dense.
    Dense(usize),
    /// Sparse.
    Sparse(usize),
    /// Ragged.
    Ragged(usize),
}

impl Features {
    /// The number of features.
    pub(crate) fn len(&self) -> usize {
        self.dense.len() + self.sparse.len() + self.ragged.len()
    }

    /// The kind of the feature with this number.
    pub fn kind(&self, number: usize) -> Kind {
        let (dense, sparse) = (self.dense.len(), self.sparse.len());
        match number {
            _ if number < dense => Kind::Dense(number),
            _ if number < dense + sparse => Kind::Sparse(number - dense),
            _ => Kind::Ragged(number - dense - sparse),
        }
    }

    /// The dtype of the feature with this number.
    pub fn dtype(&self, number: usize) -> DType {
        match self.kind(number) {
            Kind::Dense(i) => self.dense[i].dtype,
            Kind::Sparse(i) => self.sparse[i],
            Kind::Ragged(i) => self.ragged[i].0,
        }
    }

    /// Checks the default values of dense features.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a shape does not fit.
    pub fn check_defaults<'a>(&self, defaults: impl ExactSizeIterator<Item = &'a Tensor>) -> Result<()> {
        if defaults.len() != self.dense.len() {
            return Err(Error::invalid_argument(format!(
                "Expected len(dense_defaults) == len(dense_keys) but got: {} vs. {}",
                defaults.len(),
                self.dense.len()
            )));
        }
        for (d, (dense, default)) in self.dense.iter().zip(defaults).enumerate() {
            let (shape, found) = (&dense.shape, default.shape());
            if dense.is_variable && default.elements() != 1 {
                return Err(Error::invalid_argument(format!(
                    "dense_shape[{d}] is a variable length shape: {shape}, therefore def_value[{d}] must contain a \
                     single element (the padding element).  But its shape is: {found}"
                )));
            }
            if !dense.is_variable && default.elements() > 0 && !shape.accepts(found) {
                return Err(Error::invalid_argument(format!(
                    "def_value[{d}].shape() == {found} is not compatible with dense_shapes_[{d}] == {shape}"
                )));
            }
        }
        Ok(())
    }
}

/// The strings of an input that lists keys.
///
/// # Errors
/// `INTERNAL` when it holds no strings.
pub fn keys(tensor: &Tensor) -> Result<Vec<Bytes>> {
    Ok(tensor.strings()?.to_vec())
}

/// A pair of attributes that list dtypes of ragged values and of their splits.
///
/// # Errors
/// `INVALID_ARGUMENT` when their lengths differ.
pub fn ragged_types(node: &Construction<'_>, values: &str, splits: &str) -> Result<Vec<(DType, DType)>> {
    let (types, split_types): (Vec<DType>, Vec<DType>) = (node.attr(values)?, node.attr(splits)?);
    if types.len() != split_types.len() {
        return Err(Error::invalid_argument(format!("len({values}) != len({splits})")));
    }
    Ok(types.into_iter().zip(split_types).collect())
}
