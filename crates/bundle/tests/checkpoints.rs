//! Checkpoints written by TensorFlow (`conformance/scripts/make_checkpoints.py`), whole and damaged, and our own.

use std::fs;
use std::path::{Path, PathBuf};

use savedmodel_bundle::{
    BundleReader, BundleWriter, Checkpoint, ReadOptions, TensorSlice, latest_checkpoint,
};
use savedmodel_proto::tensor_proto::{from_tensor, to_tensor};
use savedmodel_proto::{NamedTensorProto, TensorProto, decode, tfrecord};
use savedmodel_tensor::{Code, DType, Result, Shape, Tensor};

const FOLDERS: [&str; 6] = ["plain", "sharded", "sliced", "objects", "legacy", "legacy_sharded"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn expected(name: &str) -> Vec<(String, TensorProto)> {
    let file = fs::read(folder(name).join("expected.tfrecord")).unwrap();
    let named = |record: Result<_>| {
        let named: NamedTensorProto = decode(record.unwrap()).unwrap();
        // Read and written again, so that unused bits of small integers are as in all tensors.
        (named.name, from_tensor(&to_tensor(&named.tensor.unwrap()).unwrap()).unwrap())
    };
    tfrecord::Reader::new(&file[..]).map(named).collect()
}

/// A copy of a checkpoint, and its file that ends in `suffix`, to be damaged.
fn copied(name: &str, suffix: &str) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let copy = tempfile::tempdir().unwrap();
    let mut chosen = None;
    for entry in fs::read_dir(folder(name)).unwrap() {
        let from = entry.unwrap().path();
        let to = copy.path().join(from.file_name().unwrap());
        fs::copy(&from, &to).unwrap();
        if to.to_str().unwrap().ends_with(suffix) {
            chosen = Some((to.clone(), fs::read(&to).unwrap()));
        }
    }
    let (file, bytes) = chosen.unwrap();
    (copy, file, bytes)
}

/// Reads everything; the first error.
fn read_all(directory: &Path) -> Result<Vec<(String, TensorProto)>> {
    let checkpoint = Checkpoint::open(directory.join("ckpt"))?;
    let read = |name: &str| Ok((name.to_owned(), from_tensor(&checkpoint.tensor(name)?)?));
    checkpoint.entries().iter().map(|entry| read(entry.name)).collect()
}

#[test]
fn every_tensor_is_tensorflows() {
    for name in FOLDERS {
        let expected = expected(name);
        for map in [true, false] {
            let options = ReadOptions { map, ..Default::default() };
            let checkpoint = Checkpoint::open_with(folder(name).join("ckpt"), options).unwrap();
            assert!(checkpoint.entries().len() >= expected.len(), "{name}");
            for (key, want) in &expected {
                let tensor = checkpoint.tensor(key).unwrap();
                let entry = checkpoint.entry(key).unwrap();
                assert_eq!((entry.dtype, &entry.shape), (tensor.dtype(), tensor.shape()), "{name} {key}");
                assert_eq!(from_tensor(&tensor).unwrap(), *want, "{name} {key}");
            }
        }
    }
}

#[test]
fn slices_are_put_together() {
    for (name, key, spec) in [("sliced", "rows", "4 3 1,2:1,1"), ("legacy", "parts", "5 4 1,3:2,2")] {
        let checkpoint = Checkpoint::open(folder(name).join("ckpt")).unwrap();
        assert_eq!(checkpoint.entry(key).unwrap().slices.len(), 2);
        let whole = checkpoint.tensor(key).unwrap();
        let slice = spec.rsplit_once(' ').unwrap().1;
        let part = checkpoint.restore(key, spec).unwrap();
        let view = whole.view::<i32>().unwrap();
        let ranges = slice.parse::<TensorSlice>().unwrap().ranges(whole.shape()).unwrap();
        let want = ranges[0].clone().flat_map(|i| ranges[1].clone().map(move |j| (i, j)));
        let want: Vec<_> = want.map(|(i, j)| view[[i, j]]).collect();
        assert_eq!(part.as_slice::<i32>().unwrap(), want, "{name}");
    }
}

#[test]
fn errors_are_tensorflows() {
    let checkpoint = Checkpoint::open(folder("sliced").join("ckpt")).unwrap();
    let check = |name: &str, spec: &str, code, message: &str| {
        let error = checkpoint.restore(name, spec).unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message));
    };
    check("nope", "", Code::NotFound, "Key nope not found in checkpoint");
    let outside = "Extent in dimension 0 out of bounds: shape = [4,3], slice = 1,9:1,1";
    check("rows", "4 3 1,9:1,1", Code::Internal, outside);
    let shape = "tensor_name = rows; shape in shape_and_slice spec [5,3] does not match the shape stored in \
                 checkpoint: [4,3]";
    check("rows", "5 3 0,1:-", Code::InvalidArgument, shape);
    let absent = Checkpoint::open(folder("sliced").join("none")).err().unwrap();
    assert_eq!(absent.code(), Code::NotFound);
    assert!(absent.message().contains("Failed to find any matching files for"), "{absent}");
}

#[test]
fn a_bad_checksum_names_both() {
    let (copy, file, mut bytes) = copied("objects", ".data-00000-of-00001");
    bytes[1] ^= 1;
    fs::write(file, bytes).unwrap();
    let prefix = copy.path().join("ckpt");
    assert!(read_all(copy.path()).is_err());
    let reader = BundleReader::open(&prefix).unwrap();
    let errors = reader.entries().filter_map(|entry| reader.tensor(entry.name).err()).collect::<Vec<_>>();
    let start = format!("TensorBundle at {} shard 0 (", prefix.display());
    assert!(errors.iter().all(|error| error.code() == Code::DataLoss));
    assert!(errors[0].message().starts_with(&start), "{}", errors[0]);
    assert!(errors[0].message().contains("Checksum does not match: stored "), "{}", errors[0]);
    assert!(errors[0].message().contains(" vs. calculated on the restored bytes "), "{}", errors[0]);
    let options = ReadOptions { verify: false, ..Default::default() };
    let trusting = BundleReader::open_with(&prefix, options).unwrap();
    assert!(trusting.entries().all(|entry| trusting.tensor(entry.name).is_ok()));
}

#[test]
fn every_truncation_is_an_error() {
    for (name, suffix) in [
        ("objects", ".index"),
        ("sliced", ".index"),
        ("objects", "-00001"),
        ("legacy_sharded", "00000-of-00002"),
    ] {
        let (copy, file, bytes) = copied(name, suffix);
        for length in 0..bytes.len() {
            fs::write(&file, &bytes[..length]).unwrap();
            assert!(read_all(copy.path()).is_err(), "{name} {suffix} cut at {length}");
        }
    }
}

#[test]
fn no_flipped_bit_gives_other_values() {
    let shard = "00000-of-00002";
    for (name, suffix) in [("sharded", ".index"), ("sharded", shard), ("legacy_sharded", shard)] {
        let whole = read_all(&folder(name)).unwrap();
        let (copy, file, mut bytes) = copied(name, suffix);
        for index in 0..bytes.len() {
            bytes[index] ^= 1 << (index % 8);
            fs::write(&file, &bytes).unwrap();
            bytes[index] ^= 1 << (index % 8);
            // What is padding, or not needed to read the tensors, may change.
            if let Ok(read) = read_all(copy.path()) {
                assert!(read == whole, "{name} {suffix} byte {index}");
            }
        }
    }
}

#[test]
fn what_is_written_is_read() {
    for name in FOLDERS {
        for shards in [1, 3] {
            let directory = tempfile::tempdir().unwrap();
            let prefix = directory.path().join("deep/er/ckpt");
            let mut writer = BundleWriter::with_shards(&prefix, shards).unwrap();
            for (key, proto) in expected(name) {
                writer.add(&key, &to_tensor(&proto).unwrap()).unwrap();
            }
            writer.finish().unwrap();
            let reader = BundleReader::open(&prefix).unwrap();
            for (key, want) in expected(name) {
                assert_eq!(from_tensor(&reader.tensor(&key).unwrap()).unwrap(), want, "{name} {key}");
            }
            assert_eq!(fs::read_dir(prefix.parent().unwrap()).unwrap().count(), shards + 1);
        }
    }
}

#[test]
fn written_slices_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = directory.path().join("ckpt");
    let whole = Tensor::from_vec([4, 3], (0..12).collect::<Vec<i32>>()).unwrap();
    let shape = Shape::from([4, 3]);
    let slice = |text: &str| text.parse::<TensorSlice>().unwrap();
    let mut writer = BundleWriter::new(&prefix).unwrap();
    writer.add_slice("m", &shape, &slice("1,3:-"), &whole.rows(1, 4).unwrap()).unwrap();
    writer.add_slice("m", &shape, &slice("0,1:-"), &whole.rows(0, 1).unwrap()).unwrap();
    let mut refused = |name: &str, spec: &str, part: &Tensor| {
        writer.add_slice(name, &shape, &slice(spec), part).unwrap_err().code()
    };
    assert_eq!(refused("m", "0,1:-", &whole.rows(0, 1).unwrap()), Code::InvalidArgument);
    assert_eq!(refused("m", "0,2:-", &whole.rows(0, 1).unwrap()), Code::InvalidArgument);
    assert_eq!(refused("m", "2,3:-", &whole.rows(0, 3).unwrap()), Code::Internal);
    assert_eq!(refused("m", "-:-", &whole), Code::InvalidArgument);
    assert_eq!(writer.add("m", &whole).unwrap_err().message(), "Adding duplicate key: m");
    assert_eq!(writer.add("", &whole).unwrap_err().code(), Code::InvalidArgument);
    let handle = Tensor::zeros(DType::Resource, Shape::scalar()).unwrap();
    assert_eq!(writer.add("h", &handle).unwrap_err().code(), Code::Unimplemented);
    writer.finish().unwrap();
    let reader = BundleReader::open(&prefix).unwrap();
    assert_eq!(reader.tensor("m").unwrap().as_slice::<i32>().unwrap(), whole.as_slice::<i32>().unwrap());
}

#[test]
fn mapped_tensors_are_not_copied() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = directory.path().join("ckpt");
    let mut writer = BundleWriter::new(&prefix).unwrap();
    writer.add("a", &Tensor::zeros(DType::Int8, [3]).unwrap()).unwrap();
    writer.add("b", &Tensor::zeros(DType::Double, [100]).unwrap()).unwrap();
    writer.finish().unwrap();
    let reader = BundleReader::open(&prefix).unwrap();
    let at = |name: &str| reader.tensor(name).unwrap().bytes().unwrap().as_ptr();
    assert_eq!(at("b") as usize - at("a") as usize, 64);
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::with_shards(directory.path().join("ckpt"), 2).unwrap();
    writer.add("a", &Tensor::scalar(1_i32)).unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn objects_and_the_latest_checkpoint_are_found() {
    let latest = latest_checkpoint(folder("objects")).unwrap().unwrap();
    assert_eq!(latest, folder("objects").join("ckpt"));
    let graph = Checkpoint::open(latest).unwrap().object_graph().unwrap().unwrap();
    let children: Vec<_> = graph.nodes[0].children.iter().map(|child| child.local_name.as_str()).collect();
    assert!(children.contains(&"v") && children.contains(&"child"), "{children:?}");
    assert_eq!(latest_checkpoint(folder("plain")), Ok(None));
    assert!(Checkpoint::open(folder("plain").join("ckpt")).unwrap().object_graph().unwrap().is_none());
}
