//! One example, parsed to tensors without a dimension for examples.

use savedmodel_op::Run;
use savedmodel_tensor::{Bytes, DType, Error, Result, Shape, Tensor};

use crate::batch::Parsed;
use crate::example::{self, Entries};
use crate::feature::{Fixed, Values, dtype_of, floats, integers, strings};
use crate::features::{Features, Kind, Names};
use crate::merge;
use crate::wire::Reader;

/// Parses an example.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is malformed or has not what is asked for.
pub fn parse(
    run: &Run<'_>,
    example: &Bytes,
    features: &Features,
    names: &Names,
    defaults: &[&Tensor],
) -> Result<Parsed> {
    let mut entries = Entries::new();
    example::read(example, &mut entries)?;
    let mut found: Vec<Option<Tensor>> = vec![None; features.len()];
    // The last of equal names wins, unless it has no kind of list.
    for (name, feature) in entries.iter().rev() {
        let Some(number) = names.find(name) else { continue };
        let Some(&tag) = feature.first() else { continue };
        let dtype = dtype_of(tag).ok_or_else(|| Error::invalid_argument("Unsupported datatype."))?;
        if found[number].is_none() {
            let one = One { run, example, features, number, name };
            one.check(dtype)?;
            found[number] = Some(one.read(&mut Reader::new(&feature[1..]))?);
        }
    }
    let mut parsed = Parsed::default();
    for (number, found) in found.into_iter().enumerate() {
        match features.kind(number) {
            Kind::Dense(d) => parsed.dense.push(match found {
                Some(found) => found,
                None => missing(features, names, number, defaults[d])?,
            }),
            Kind::Sparse(_) => {
                let values = found.map_or_else(|| Tensor::zeros(features.dtype(number), [0]), Ok)?;
                let n = values.elements();
                let indices = Tensor::from_vec([n, 1], (0..n as i64).collect())?;
                parsed.sparse.push([indices, values, Tensor::from_slice([1], &[n as i64])?]);
            }
            Kind::Ragged(r) => {
                let values = found.map_or_else(|| Tensor::zeros(features.dtype(number), [0]), Ok)?;
                parsed.ragged.push([values, Tensor::zeros(features.ragged[r].1, [0])?]);
            }
        }
    }
    Ok(parsed)
}

fn missing(features: &Features, names: &Names, number: usize, default: &Tensor) -> Result<Tensor> {
    let dense = &features.dense[number];
    if dense.is_variable {
        let shape: Shape = std::iter::once(0).chain(dense.inner()).collect();
        return Tensor::zeros(dense.dtype, shape);
    }
    if default.elements() == 0 {
        return Err(Error::invalid_argument(format!(
            "Feature: {} (data type: {}) is required but could not be found.",
            String::from_utf8_lossy(&names.names[number]),
            dense.dtype
        )));
    }
    Ok(default.clone())
}

/// A feature of the example.
struct One<'a> {
    run: &'a Run<'a>,
    example: &'a Bytes,
    features: &'a Features,
    number: usize,
    name: &'a [u8],
}

impl One<'_> {
    fn check(&self, found: DType) -> Result<()> {
        let wanted = self.features.dtype(self.number);
        if found == wanted {
            return Ok(());
        }
        let name = String::from_utf8_lossy(self.name);
        Err(Error::invalid_argument(match self.features.kind(self.number) {
            Kind::Dense(_) => {
                format!(
                    "Key: {name}.  Data types don't match. Data type: {found} but expected type: {wanted}"
                )
            }
            _ => {
                format!("Key: {name}.  Data types don't match. Expected type: {wanted}, Actual type: {found}")
            }
        }))
    }

    fn read(&self, reader: &mut Reader<'_>) -> Result<Tensor> {
        match self.features.kind(self.number) {
            Kind::Dense(d) if !self.features.dense[d].is_variable => self.read_fixed(d, reader),
            kind => {
                let mut values = Values::new(self.features.dtype(self.number));
                let read = values.read(reader, self.example);
                read.ok_or_else(|| self.malformed(&format!("Parsing {} failed.", self.list())))?;
                let tensor = merge::values(values)?;
                match kind {
                    Kind::Dense(d) => self.rows(d, tensor),
                    _ => Ok(tensor),
                }
            }
        }
    }

    fn read_fixed(&self, d: usize, reader: &mut Reader<'_>) -> Result<Tensor> {
        let dense = &self.features.dense[d];
        let shape: Shape = dense.inner().collect();
        let mut out = self.run.allocate(dense.dtype, shape)?;
        let count = match dense.dtype {
            DType::Float => {
                let mut place = Fixed::new(out.as_mut_slice::<f32>()?);
                floats(reader, &mut place).map(|()| place.count())
            }
            DType::Int64 => {
                let mut place = Fixed::new(out.as_mut_slice::<i64>()?);
                integers(reader, &mut place).map(|()| place.count())
            }
            _ => {
                let mut place = Fixed::new(out.units_mut::<Bytes>()?);
                strings(reader, self.example, &mut place).map(|()| place.count())
            }
        };
        match count {
            Some(count) if count == dense.stride => Ok(out),
            Some(_) => Err(self.malformed(&format!("Some {} slice was not parsed.", self.list()))),
            None => Err(self.malformed(&format!("Parsing {} failed.", self.list()))),
        }
    }

    /// Values of a feature whose number of rows varies.
    fn rows(&self, d: usize, values: Tensor) -> Result<Tensor> {
        let (dense, n) = (&self.features.dense[d], values.elements());
        if n.checked_rem(dense.stride).unwrap_or(n) != 0 {
            return Err(Error::invalid_argument(format!(
                "Error while parsing feature with key {}: number of elements should be divisible by {}, found {n} \
                 instead",
                String::from_utf8_lossy(self.name),
                dense.stride
            )));
        }
        let rows = n.checked_div(dense.stride).unwrap_or(0);
        let shape: Shape = std::iter::once(rows).chain(dense.inner()).collect();
        values.reshape(shape)
    }

    fn list(&self) -> &'static str {
        match self.features.dtype(self.number) {
            DType::Float => "float_list",
            DType::String => "bytes_list",
            _ => "int64_list",
        }
    }

    #[cold]
    fn malformed(&self, why: &str) -> Error {
        let name = String::from_utf8_lossy(self.name);
        Error::invalid_argument(format!("Key: {name}.  Can't parse serialized Example: {why}"))
    }
}
