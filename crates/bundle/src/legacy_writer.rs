//! Writing checkpoints of the first format.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use savedmodel_proto::shape::from_shape;
use savedmodel_proto::{
    Message as _, SavedSlice, SavedSliceMeta, SavedTensorSliceMeta, SavedTensorSlices, TensorProto,
    VersionDef,
};
use savedmodel_tensor::{Complex32, Complex64, DType, Error, Result, Shape, Tensor, f16};

use crate::TensorSlice;
use crate::bundle::with_suffix;
use crate::file::at;
use crate::ordered_code::slice_key;
use crate::table::TableWriter;

/// The version of the format that is written.
const VERSION: i32 = 1;

/// Collects slices of tensors, and writes them as one file of the first format, which appears whole.
pub struct LegacyWriter {
    path: PathBuf,
    tensors: Vec<SavedSliceMeta>,
    slices: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl LegacyWriter {
    /// A writer of the file at `path`.
    pub fn new(path: PathBuf) -> LegacyWriter {
        LegacyWriter { path, tensors: Vec::new(), slices: BTreeMap::new() }
    }

    /// Adds a part of a tensor of shape `whole`.
    ///
    /// # Errors
    /// `INTERNAL` when shape or dtype contradict an earlier slice, or the slice leaves the tensor; `UNIMPLEMENTED` or
    /// `INVALID_ARGUMENT` for dtypes that the format does not know.
    pub fn add(&mut self, name: &str, whole: &Shape, slice: &TensorSlice, part: &Tensor) -> Result<()> {
        let dtype = part.dtype();
        if !is_saved(dtype) {
            return Err(Error::unimplemented(format!("Saving data type {dtype} not yet supported")));
        }
        let known = self.tensors.iter().position(|tensor| tensor.name == name);
        let index = match known {
            Some(index) => {
                self.check(index, whole, dtype)?;
                index
            }
            None => {
                self.tensors.push(SavedSliceMeta {
                    name: name.to_owned(),
                    shape: Some(from_shape(whole)),
                    r#type: dtype.number(),
                    slice: Vec::new(),
                });
                self.tensors.len() - 1
            }
        };
        slice.ranges(whole)?;
        let saved =
            SavedSlice { name: name.to_owned(), slice: Some(slice.to_proto()), data: Some(values(part)?) };
        self.tensors[index].slice.push(slice.to_proto());
        let record = SavedTensorSlices { meta: None, data: Some(saved) };
        self.slices.entry(slice_key(name, slice)).or_insert_with(|| record.encode_to_vec());
        Ok(())
    }

    fn check(&self, index: usize, whole: &Shape, dtype: DType) -> Result<()> {
        let SavedSliceMeta { name, shape, r#type, .. } = &self.tensors[index];
        let existing = shape.as_ref().map_or(Ok(Shape::scalar()), savedmodel_proto::shape::to_shape)?;
        if existing != *whole {
            return Err(Error::internal(format!(
                "Mismatching shapes: existing tensor = {existing}, trying to add name {name}, shape = {whole}"
            )));
        }
        let existing = savedmodel_proto::shape::to_dtype(*r#type)?;
        if existing != dtype {
            return Err(Error::internal(format!(
                "Mismatching types: existing type = {existing}, trying to add name {name}, type = {dtype}"
            )));
        }
        Ok(())
    }

    /// Writes the file under a temporary name and gives it its own.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self) -> Result<()> {
        static WRITERS: AtomicU64 = AtomicU64::new(0);
        let number = WRITERS.fetch_add(1, Ordering::Relaxed);
        let temporary = with_suffix(&self.path, &format!(".tempstate{}_{number}", std::process::id()));
        let written = self.write(&temporary);
        let renamed =
            written.and_then(|()| fs::rename(&temporary, &self.path).map_err(|error| at(&self.path, error)));
        if renamed.is_err() {
            // What is left behind would be of no use to anybody.
            let _ = fs::remove_file(&temporary);
        }
        renamed
    }

    fn write(&self, path: &PathBuf) -> Result<()> {
        let file = File::create(path).map_err(|error| at(path, error))?;
        let mut table = TableWriter::new(BufWriter::new(file));
        let meta = SavedTensorSliceMeta {
            tensor: self.tensors.clone(),
            versions: Some(VersionDef { producer: VERSION, ..Default::default() }),
        };
        table.add(&[], &SavedTensorSlices { meta: Some(meta), data: None }.encode_to_vec())?;
        for (key, record) in &self.slices {
            table.add(key, record)?;
        }
        table.finish().map(|_| ())
    }
}

/// Whether TensorFlow's operators save the dtype, or at least try to.
fn is_saved(dtype: DType) -> bool {
    !matches!(dtype, DType::Bfloat16 | DType::Resource | DType::Variant | DType::Qint16 | DType::Quint16)
}

/// The elements in the field of their dtype; readers of this format look nowhere else.
fn values(tensor: &Tensor) -> Result<TensorProto> {
    let mut proto = TensorProto::default();
    match tensor.dtype() {
        DType::Float => proto.float_val = tensor.as_slice::<f32>()?.to_vec(),
        DType::Double => proto.double_val = tensor.as_slice::<f64>()?.to_vec(),
        DType::Half => {
            proto.half_val = tensor.as_slice::<f16>()?.iter().map(|x| x.to_bits().into()).collect()
        }
        DType::Bool => proto.bool_val = tensor.as_slice::<bool>()?.to_vec(),
        DType::Int64 => proto.int64_val = tensor.as_slice::<i64>()?.to_vec(),
        DType::String => proto.string_val = tensor.strings()?.to_vec(),
        DType::Complex64 => {
            proto.scomplex_val = tensor.as_slice::<Complex32>()?.iter().flat_map(|x| [x.re, x.im]).collect();
        }
        DType::Complex128 => {
            proto.dcomplex_val = tensor.as_slice::<Complex64>()?.iter().flat_map(|x| [x.re, x.im]).collect();
        }
        DType::Int32 | DType::Int16 | DType::Int8 | DType::Uint16 | DType::Uint8 => {
            proto.int_val = tensor.to_i64s()?.iter().map(|&x| x as i32).collect();
        }
        DType::Qint8 | DType::Quint8 | DType::Qint32 => {
            let plain = match tensor.dtype() {
                DType::Qint8 => DType::Int8,
                DType::Quint8 => DType::Uint8,
                _ => DType::Int32,
            };
            proto.int_val = tensor.clone().reinterpret(plain)?.to_i64s()?.iter().map(|&x| x as i32).collect();
        }
        other => {
            return Err(Error::invalid_argument(format!(
                "Tensor slice serialization not implemented for dtype {}",
                other.number()
            )));
        }
    }
    Ok(proto)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LegacyReader;

    #[test]
    fn there_and_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let tensor = |values: &[f32]| Tensor::from_slice([values.len()], values).unwrap();
        let mut writer = LegacyWriter::new(path.clone());
        let slice = |text: &str| text.parse::<TensorSlice>().unwrap();
        let whole = Shape::from([4]);
        writer.add("x", &whole, &slice("0,2"), &tensor(&[1.0, 2.0])).unwrap();
        writer.add("x", &whole, &slice("2,2"), &tensor(&[3.0, 4.0])).unwrap();
        let words = Tensor::from_strings([2], ["a", "bb"]).unwrap();
        writer.add("s", &Shape::from([2]), &TensorSlice::full(1), &words).unwrap();
        let wrong = writer.add("x", &Shape::from([5]), &slice("2,2"), &tensor(&[3.0, 4.0])).unwrap_err();
        let text = "INTERNAL: Mismatching shapes: existing tensor = [4], trying to add name x, shape = [5]";
        assert_eq!(wrong.to_string(), text);
        let unsigned = Tensor::from_slice([1], &[1_u32]).unwrap();
        let wrong = writer.add("u", &Shape::from([1]), &TensorSlice::full(1), &unsigned).unwrap_err();
        assert_eq!(wrong.code(), savedmodel_tensor::Code::InvalidArgument);
        writer.finish().unwrap();
        let reader = LegacyReader::open(&path).unwrap();
        assert_eq!(reader.tensor("x").unwrap().as_slice::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(reader.tensor("s").unwrap().strings().unwrap()[1], b"bb"[..]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let nowhere = LegacyWriter::new(directory.path().join("b/c")).finish().unwrap_err();
        assert_eq!(nowhere.code(), savedmodel_tensor::Code::NotFound);
    }
}
