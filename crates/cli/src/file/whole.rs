//! Files that are written whole or not at all.

use std::fs::{File, Permissions};
use std::io::{BufWriter, Write};
use std::path::Path;

use savedmodel_tensor::{Error, Result};

/// Lets `content` write a file, which takes its place only when all of it is on disk.
///
/// # Errors
/// Those of `content` and of the file; then nothing is left behind, and what was there stays.
pub fn write(path: &Path, content: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    let at = |error: Error| error.at(format!("file '{}'", path.display()));
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".savedmodel-");
    if let Some(permissions) = permissions(path) {
        builder.permissions(permissions);
    }
    let file = builder.tempfile_in(directory).map_err(|e| at(e.into()))?;
    let mut buffered = BufWriter::new(file.as_file());
    content(&mut buffered)?;
    buffered.flush().map_err(|e| at(e.into()))?;
    drop(buffered);
    file.as_file().sync_all().map_err(|e| at(e.into()))?;
    file.persist(path).map_err(|e| at(e.error.into()))?;
    Ok(())
}

/// Those of the file that is replaced; else what the process gives to new files.
#[cfg(unix)]
fn permissions(path: &Path) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    let old = path.metadata().map(|metadata| metadata.permissions()).ok();
    Some(old.unwrap_or_else(|| Permissions::from_mode(0o666)))
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_what_fails() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let files = || std::fs::read_dir(&directory).unwrap().count();
        let fail = |out: &mut BufWriter<&File>| {
            out.write_all(b"half")?;
            Err(Error::internal("broken"))
        };
        assert!(write(&path, fail).is_err());
        assert_eq!(files(), 0);
        write(&path, |out| Ok(out.write_all(b"whole")?)).unwrap();
        assert!(write(&path, fail).is_err());
        assert_eq!((std::fs::read(&path).unwrap(), files()), (b"whole".to_vec(), 1));
        let error = write(&directory.path().join("none/out"), |_| Ok(())).unwrap_err();
        assert_eq!(error.code().name(), "NOT_FOUND");
    }
}
