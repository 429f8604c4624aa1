//! The committed code and descriptors are those of the `.proto` files.
//!
//! Run with `SAVEDMODEL_REGENERATE=1` to write them anew.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;

/// Fields boxed to keep the messages that hold them, of which there are many, small.
const BOXED: [&str; 2] = [".tensorflow.AttrValue.value.list", ".tensorflow.AttrValue.value.tensor"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn proto_files() -> Vec<PathBuf> {
    let mut files: Vec<_> = ["tensorflow", "tensorflow_serving"]
        .iter()
        .flat_map(|dir| fs::read_dir(root().join(dir)).expect("proto directory"))
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    files
}

fn generate(out: &Path) {
    fs::create_dir_all(out).expect("output directory");
    let compiled = protox::Compiler::new([root()]).and_then(|mut compiler| {
        compiler.include_source_info(true).include_imports(true).open_files(proto_files())?;
        Ok(compiler.file_descriptor_set())
    });
    let documented = compiled.expect("the .proto files compile");
    let mut bare = documented.clone();
    bare.file.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(out.join("descriptors.binpb"), bare.encode_to_vec()).expect("write");
    let mut config = prost_build::Config::new();
    config.out_dir(out).bytes(["."]).btree_map(["."]).enable_type_names();
    for path in BOXED {
        config.boxed(path);
    }
    config.compile_fds(documented).expect("code");
}

#[test]
fn committed_code_is_fresh() {
    let committed = root().join("src/generated");
    if std::env::var_os("SAVEDMODEL_REGENERATE").is_some() {
        return generate(&committed);
    }
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let _ = fs::remove_dir_all(&fresh);
    generate(&fresh);
    let names = |dir: &Path| -> Vec<_> {
        let entries = fs::read_dir(dir).expect("directory");
        let mut names: Vec<_> = entries.map(|e| e.expect("entry").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&committed), names(&fresh));
    for name in names(&fresh) {
        let same = fs::read(committed.join(&name)).ok() == fs::read(fresh.join(&name)).ok();
        assert!(same, "{name:?} is stale: SAVEDMODEL_REGENERATE=1 cargo test -p savedmodel-proto");
    }
}
