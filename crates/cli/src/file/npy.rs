//! NumPy's `.npy` arrays.

mod header;
mod write;

use std::io::Read;
use std::sync::Arc;

use savedmodel_tensor::{Buffer, Bytes, DType, Error, Result, Shape, Tensor, bf16};

use header::{Header, Item};
pub use write::write;

/// An array as the file has it: little is known of what its bytes mean to a model.
#[derive(Debug)]
pub struct Array {
    item: Item,
    shape: Shape,
    /// Row-major elements, in the byte order of this machine.
    data: Vec<u8>,
}

/// Reads an array.
///
/// # Errors
/// `DATA_LOSS` when the file is damaged or cut; `UNIMPLEMENTED` for items that no tensor holds, such as Python objects.
pub fn read(mut input: impl Read) -> Result<Array> {
    let header = Header::read(&mut input)?;
    let size = header.item.size();
    let length = header.shape.elements().checked_mul(size);
    let length = length.ok_or_else(|| Error::resource_exhausted("the array is larger than any memory"))?;
    let mut data = Vec::new();
    // Memory grows with what is there, not with what is claimed.
    input.take(length as u64).read_to_end(&mut data)?;
    if data.len() != length {
        return Err(Error::data_loss(format!(
            "the array is cut: {} bytes of {length} for shape {}",
            data.len(),
            header.shape
        )));
    }
    if header.foreign_order {
        let word = header.item.word();
        data.chunks_exact_mut(word).for_each(<[u8]>::reverse);
    }
    if header.column_major {
        data = to_row_major(&data, &header.shape, size);
    }
    Ok(Array { item: header.item, shape: header.shape, data })
}

fn to_row_major(data: &[u8], shape: &Shape, size: usize) -> Vec<u8> {
    let mut strides = Vec::with_capacity(shape.rank());
    let mut stride = size;
    for &dim in shape.dims() {
        strides.push(stride);
        stride = stride.saturating_mul(dim);
    }
    let mut out = Vec::with_capacity(data.len());
    let mut index = vec![0; shape.rank()];
    let mut offset = 0;
    for _ in 0..shape.elements() {
        out.extend_from_slice(&data[offset..offset + size]);
        for axis in (0..shape.rank()).rev() {
            index[axis] += 1;
            offset += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            offset -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

impl Array {
    /// The array as a tensor for an input of dtype `wanted`.
    ///
    /// Nothing is cast. But NumPy lacks some of TensorFlow's dtypes, so a `bfloat16` may come as `float32` if every value is one,
    /// a quantised or narrow integer as the integer that holds it, and what `ml_dtypes` adds as the `V1` and `V2` that
    /// it is saved as.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the items have no dtype, or lie outside of the wanted one.
    pub fn into_tensor(self, wanted: Option<DType>) -> Result<Tensor> {
        match self.item {
            Item::Plain(dtype) => {
                let tensor = self.plain(dtype)?;
                match wanted {
                    Some(DType::Bfloat16) if dtype == DType::Float => to_bfloat16(&tensor),
                    Some(wanted) if holder(wanted) == Some(dtype) => narrowed(tensor, wanted),
                    _ => Ok(tensor),
                }
            }
            Item::Bytes(width) => {
                let strings = self.items(width).map(|item| Bytes::copy_from_slice(without_padding(item)));
                Tensor::from_strings(&self.shape, strings)
            }
            Item::Unicode(width) => {
                let texts = self.items(4 * width).map(text).collect::<Result<Vec<String>>>()?;
                Tensor::from_strings(self.shape, texts)
            }
            Item::Void(width) => match wanted {
                Some(dtype) if dtype.size() == Some(width) && is_extension(dtype) => self.plain(dtype),
                _ => Err(Error::invalid_argument(format!("items of type V{width} are no {}", name(wanted)))),
            },
        }
    }

    fn plain(self, dtype: DType) -> Result<Tensor> {
        Tensor::from_buffer(dtype, self.shape, Buffer::foreign(Arc::new(self.data)))
    }

    fn items(&self, size: usize) -> impl Iterator<Item = &[u8]> {
        // Items of no size are all empty, and there may be many of them.
        (0..self.shape.elements()).map(move |i| &self.data[i * size..(i + 1) * size])
    }
}

fn name(dtype: Option<DType>) -> &'static str {
    dtype.map_or("tensor of any dtype", DType::name)
}

/// NumPy pads strings with zeros.
fn without_padding(item: &[u8]) -> &[u8] {
    let end = item.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &item[..end]
}

fn text(item: &[u8]) -> Result<String> {
    let codes = item.chunks_exact(4).map(|c| u32::from_ne_bytes([c[0], c[1], c[2], c[3]]));
    let chars = codes.map(|code| char::from_u32(code).ok_or(code)).collect::<Result<String, u32>>();
    let text = chars.map_err(|code| Error::invalid_argument(format!("U+{code:04X} is no character")))?;
    Ok(text.trim_end_matches('\0').to_owned())
}

/// The NumPy dtype that stands for a dtype that NumPy lacks.
fn holder(dtype: DType) -> Option<DType> {
    match dtype {
        DType::Qint8 | DType::Int4 | DType::Int2 => Some(DType::Int8),
        DType::Quint8 | DType::Uint4 | DType::Uint2 => Some(DType::Uint8),
        DType::Qint16 => Some(DType::Int16),
        DType::Quint16 => Some(DType::Uint16),
        DType::Qint32 => Some(DType::Int32),
        _ => None,
    }
}

/// Whether `ml_dtypes` adds the dtype to NumPy.
fn is_extension(dtype: DType) -> bool {
    let narrow = matches!(dtype, DType::Int4 | DType::Uint4 | DType::Int2 | DType::Uint2);
    narrow || (dtype.is_floating() && !matches!(dtype, DType::Float | DType::Double | DType::Half))
}

fn narrowed(tensor: Tensor, wanted: DType) -> Result<Tensor> {
    let (low, high): (i16, i16) = match wanted {
        DType::Int4 => (-8, 7),
        DType::Int2 => (-2, 1),
        DType::Uint4 => (0, 15),
        DType::Uint2 => (0, 3),
        _ => return tensor.reinterpret(wanted),
    };
    let value = |&byte: &u8| if low < 0 { i16::from(byte as i8) } else { i16::from(byte) };
    let outside = tensor.bytes().unwrap_or_default().iter().map(value).find(|v| !(low..=high).contains(v));
    match outside {
        Some(value) => Err(Error::invalid_argument(format!("{value} is no {}", wanted.name()))),
        None => tensor.reinterpret(wanted),
    }
}

fn to_bfloat16(tensor: &Tensor) -> Result<Tensor> {
    let values = tensor.as_slice::<f32>()?;
    let narrow: Vec<bf16> = values.iter().map(|&value| bf16::from_f32(value)).collect();
    let changed =
        values.iter().zip(&narrow).find(|(wide, narrow)| !wide.is_nan() && narrow.to_f32() != **wide);
    match changed {
        Some((value, _)) => Err(Error::invalid_argument(format!(
            "{value} is no bfloat16; round the float32 array before it is saved"
        ))),
        None => Tensor::from_vec(tensor.shape(), narrow),
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_tensor::{Complex32, Complex64, Element, f16};

    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{header}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn loaded(descr: &str, shape: &str, data: &[u8], wanted: Option<DType>) -> Result<Tensor> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        read(&file(&header, data)[..])?.into_tensor(wanted)
    }

    fn check_round_trip(tensor: &Tensor) {
        let mut bytes = Vec::new();
        write(&mut bytes, tensor).unwrap();
        assert_eq!(bytes.iter().position(|&b| b == b'\n').unwrap() % 64, 63);
        let back = read(&bytes[..]).unwrap().into_tensor(Some(tensor.dtype())).unwrap();
        assert_eq!((back.dtype(), back.shape()), (tensor.dtype(), tensor.shape()));
        match tensor.dtype() {
            DType::String => assert_eq!(back.strings().unwrap(), tensor.strings().unwrap()),
            _ => assert_eq!(back.bytes(), tensor.bytes(), "{}", tensor.dtype()),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        fn numbers<T: Element>(values: [T; 2]) {
            check_round_trip(&Tensor::from_slice([2, 1], &values).unwrap());
        }
        numbers([1.5_f32, f32::NAN]);
        numbers([1.5_f64, -0.0]);
        numbers([f16::ONE, f16::INFINITY]);
        numbers([bf16::ONE, bf16::MAX]);
        numbers([-1_i8, 7]);
        numbers([u64::MAX, 7]);
        numbers([true, false]);
        numbers([Complex32::new(1.0, 2.0), Complex32::new(3.0, 4.0)]);
        numbers([Complex64::new(1.0, 2.0), Complex64::new(3.0, 4.0)]);
        for &dtype in DType::ALL.iter().filter(|dtype| dtype.size().is_some()) {
            check_round_trip(&Tensor::zeros(dtype, []).unwrap());
            check_round_trip(&Tensor::zeros(dtype, [0, 3]).unwrap());
            check_round_trip(&Tensor::zeros(dtype, [2, 1, 3]).unwrap());
        }
        check_round_trip(&Tensor::from_strings([3], ["", "a\0b", "Zürich"]).unwrap());
    }

    #[test]
    fn other_layouts_are_read() {
        let big = loaded(">i2", "(2,)", &[0, 1, 1, 0], None).unwrap();
        assert_eq!(big.as_slice::<i16>().unwrap(), [1, 256]);
        let header = "{'shape': (2, 3), 'descr': '|u1', 'fortran_order': True}";
        let columns = read(&file(header, &[0, 3, 1, 4, 2, 5])[..]).unwrap().into_tensor(None).unwrap();
        assert_eq!(columns.as_slice::<u8>().unwrap(), [0, 1, 2, 3, 4, 5]);
        let text: Vec<u8> = "aé\0\0".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let unicode = loaded("<U2", "(2,)", &text, Some(DType::String)).unwrap();
        assert_eq!(unicode.strings().unwrap(), ["aé".as_bytes(), b""]);
    }

    #[test]
    fn dtypes_that_numpy_lacks() {
        let bf16s = loaded("|V2", "(1,)", &bf16::ONE.to_bits().to_ne_bytes(), Some(DType::Bfloat16)).unwrap();
        assert_eq!(bf16s.as_slice::<bf16>().unwrap(), [bf16::ONE]);
        assert!(loaded("|V2", "(1,)", &[0, 0], Some(DType::Half)).is_err());
        assert!(loaded("|V2", "(1,)", &[0, 0], None).is_err());
        assert!(loaded("<f4", "()", &0.1_f32.to_le_bytes(), Some(DType::Bfloat16)).is_err());
        assert_eq!(loaded("|i1", "()", &[3], Some(DType::Qint8)).unwrap().dtype(), DType::Qint8);
        assert_eq!(loaded("|i1", "()", &[0xf8], Some(DType::Int4)).unwrap().dtype(), DType::Int4);
        assert!(loaded("|i1", "()", &[8], Some(DType::Int4)).is_err());
        assert_eq!(loaded("|i1", "()", &[3], Some(DType::Float)).unwrap().dtype(), DType::Int8);
    }

    #[test]
    fn bad_files_are_refused() {
        let code = |result: Result<Tensor>| result.unwrap_err().code().name();
        assert_eq!(code(loaded("<f4", "(2,)", &[0; 7], None)), "DATA_LOSS");
        assert_eq!(code(loaded("<f4", "(9223372036854775807, 3)", &[], None)), "DATA_LOSS");
        assert_eq!(code(loaded("|O", "()", &[], None)), "UNIMPLEMENTED");
        assert_eq!(code(loaded("<M8[ns]", "()", &[0; 8], None)), "UNIMPLEMENTED");
        assert_eq!(code(loaded("|b1", "()", &[2], None)), "INVALID_ARGUMENT");
        assert_eq!(code(loaded("<U1", "()", &[0, 0, 0x11, 0], None)), "INVALID_ARGUMENT");
        let whole = file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", &[0; 4]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]).unwrap_err().code().name(), "DATA_LOSS", "{end}");
        }
    }
}
