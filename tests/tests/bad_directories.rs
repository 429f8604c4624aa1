//! Directories that hold no sound SavedModel: each is a clear error.

use std::fs;
use std::path::Path;

use savedmodel::{Code, Error, LoadOptions, SavedModel, inspect};
use savedmodel_tests::{ModelCopy, model};

const MODEL: &str = "tf_keras_mlp";
const DATA: &str = "variables/variables.data-00000-of-00001";
const INDEX: &str = "variables/variables.index";

fn check(copy: &ModelCopy, code: Code, text: &str) {
    let error = SavedModel::load(copy.path()).expect_err(text);
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(text), "expected {text:?} in: {error}");
}

#[test]
fn nothing_there() {
    let empty = tempfile::tempdir().unwrap();
    let check = |directory: &Path, error: Error| {
        assert_eq!(error.code(), Code::NotFound, "{error}");
        let wanted = format!("{}/{{saved_model.pbtxt|saved_model.pb}}", directory.display());
        assert!(error.message().contains(&wanted), "{error}");
    };
    for directory in [empty.path().to_owned(), empty.path().join("none")] {
        check(&directory, SavedModel::load(&directory).unwrap_err());
        check(&directory, inspect(&directory).unwrap_err());
    }
    let file = model(MODEL).join("saved_model.pb");
    check(&file, SavedModel::load(&file).unwrap_err());
}

#[test]
fn half_written() {
    let copy = ModelCopy::of(MODEL);
    copy.remove("saved_model.pb");
    check(&copy, Code::NotFound, "SavedModel file does not exist");
}

#[test]
fn cut_and_damaged_graphs() {
    let copy = ModelCopy::of(MODEL);
    let whole = fs::read(copy.path().join("saved_model.pb")).unwrap();
    for part in 0..16 {
        copy.change("saved_model.pb", |content| *content = whole[..whole.len() * part / 16].to_vec());
        check(&copy, Code::DataLoss, "saved_model.pb");
        assert_eq!(inspect(copy.path()).unwrap_err().code(), Code::DataLoss);
    }
    copy.change("saved_model.pb", |content| *content = b"this is no message".to_vec());
    check(&copy, Code::DataLoss, "saved_model.pb");
}

/// Whatever byte is damaged: an error, or a model, but no panic.
#[test]
fn flipped_bytes() {
    let copy = ModelCopy::of("v1_while");
    let whole = fs::read(copy.path().join("saved_model.pb")).unwrap();
    for at in (0..whole.len()).step_by(97) {
        copy.change("saved_model.pb", |content| {
            content.clone_from(&whole);
            content[at] ^= 0x55;
        });
        if let Ok(model) = SavedModel::load(copy.path()) {
            model.signatures().keys().for_each(|name| drop(model.signature(name)));
        }
    }
}

#[test]
fn text_that_is_no_model() {
    let copy = ModelCopy::of("v1_pbtxt");
    copy.change("saved_model.pbtxt", |content| content.truncate(content.len() / 2));
    let error = SavedModel::load(copy.path()).unwrap_err();
    assert!(error.to_string().contains("saved_model.pbtxt"), "{error}");
}

#[test]
fn checkpoints_without_their_files() {
    let copy = ModelCopy::of(MODEL);
    copy.remove(DATA);
    check(&copy, Code::NotFound, "variables.data-00000-of-00001");
    copy.remove(INDEX);
    check(&copy, Code::NotFound, "Failed to find any matching files for ");
    let skipping = LoadOptions { skip_checkpoint: true, ..LoadOptions::default() };
    assert!(SavedModel::load_with(copy.path(), &skipping).is_ok());
}

#[test]
fn cut_and_damaged_checkpoints() {
    let copy = ModelCopy::of(MODEL);
    copy.change(DATA, |content| content.truncate(100));
    let error = SavedModel::load(copy.path()).unwrap_err();
    assert!(matches!(error.code(), Code::DataLoss | Code::OutOfRange), "{error}");

    let copy = ModelCopy::of(MODEL);
    copy.change(DATA, |content| content[40] ^= 1);
    check(&copy, Code::DataLoss, "hecksum");
    let trusting = LoadOptions { verify_checksums: false, ..LoadOptions::default() };
    assert!(SavedModel::load_with(copy.path(), &trusting).is_ok());

    let copy = ModelCopy::of(MODEL);
    let whole = fs::read(copy.path().join(INDEX)).unwrap();
    for part in 0..8 {
        copy.change(INDEX, |content| *content = whole[..whole.len() * part / 8].to_vec());
        let error = SavedModel::load(copy.path()).unwrap_err();
        assert_eq!(error.code(), Code::DataLoss, "{error}");
    }
}

#[test]
fn wrong_tags() {
    let load = |case: &str, tags: Option<&[&str]>| {
        let tags = tags.map(|tags| tags.iter().map(|&tag| tag.to_owned()).collect());
        SavedModel::load_with(model(case), &LoadOptions { tags, ..LoadOptions::default() })
    };
    let error = load("v1_several_metagraphs", Some(&["serve", "tpu"])).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    for set in ["[serve]", "[serve, gpu]", "[train]"] {
        assert!(error.message().contains(set), "{error}");
    }
    let error = load("v1_several_metagraphs", None).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("[serve, gpu]"), "{error}");
    assert_eq!(load("v1_several_metagraphs", Some(&["gpu", "serve"])).unwrap().tags(), ["serve", "gpu"]);
    assert_eq!(load(MODEL, Some(&[])).unwrap_err().code(), Code::NotFound);
}
