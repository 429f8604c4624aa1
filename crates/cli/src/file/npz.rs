//! NumPy's `.npz` archives: arrays by name.

use std::io::{Read, Seek, Write};

use savedmodel_tensor::{Error, Result, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::npy::{self, Array};

/// The arrays of an archive, by name.
///
/// # Errors
/// `DATA_LOSS` when the archive is damaged; as [`npy::read`] for each array.
pub fn read(input: impl Read + Seek) -> Result<Vec<(String, Array)>> {
    let mut archive = ZipArchive::new(input).map_err(damaged)?;
    let mut arrays: Vec<(String, Array)> = Vec::with_capacity(archive.len());
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).map_err(damaged)?;
        let name = file.name().map_err(damaged)?.trim_end_matches(".npy").to_owned();
        let at = |e: Error| e.at(format!("array '{name}'"));
        let array = npy::read(&mut file).map_err(at)?;
        // The checksum is looked at where the file ends.
        std::io::copy(&mut file.take(1), &mut std::io::sink()).map_err(|e| at(e.into()))?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// Writes tensors, by name.
///
/// # Errors
/// Those of the output; as [`npy::write`] for each tensor.
pub fn write<'t>(
    output: impl Write + Seek,
    tensors: impl IntoIterator<Item = (&'t str, &'t Tensor)>,
) -> Result<()> {
    let mut archive = ZipWriter::new(output);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (name, tensor) in tensors {
        archive.start_file(format!("{name}.npy"), options).map_err(failed)?;
        npy::write(&mut archive, tensor).map_err(|e| e.at(format!("output '{name}'")))?;
    }
    archive.finish().map_err(failed)?;
    Ok(())
}

fn damaged(error: zip::result::ZipError) -> Error {
    match error {
        zip::result::ZipError::Io(error) => Error::from(error),
        other => Error::data_loss(format!("bad .npz archive: {other}")),
    }
}

fn failed(error: zip::result::ZipError) -> Error {
    match error {
        zip::result::ZipError::Io(error) => Error::from(error),
        other => Error::unknown(format!("the archive can't be written: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn archive(method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, value) in [("x.npy", 1.0_f32), ("nested/y.npy", 2.0)] {
            writer.start_file(name, options).unwrap();
            npy::write(&mut writer, &Tensor::scalar(value)).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn stored_and_deflated_archives() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let arrays = read(Cursor::new(archive(method))).unwrap();
            let tensors: Vec<(String, f32)> = arrays
                .into_iter()
                .map(|(name, array)| (name, array.into_tensor(None).unwrap().to_scalar().unwrap()))
                .collect();
            assert_eq!(tensors, [("x".to_owned(), 1.0), ("nested/y".to_owned(), 2.0)]);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let tensors = [("a", Tensor::scalar(7_i64)), ("b/values", Tensor::from_strings([1], ["s"]).unwrap())];
        let mut file = Cursor::new(Vec::new());
        write(&mut file, tensors.iter().map(|(name, t)| (*name, t))).unwrap();
        let arrays = read(file).unwrap();
        assert_eq!(arrays.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b/values"]);
    }

    #[test]
    fn damaged_archives_are_refused() {
        let whole = archive(CompressionMethod::Deflated);
        for end in [0, 10, whole.len() / 2, whole.len() - 1] {
            assert!(read(Cursor::new(&whole[..end])).is_err(), "{end}");
        }
        let mut flipped = whole.clone();
        flipped[60] ^= 0xff;
        assert!(read(Cursor::new(flipped)).is_err());
    }
}
