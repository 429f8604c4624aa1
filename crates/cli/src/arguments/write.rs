//! What may be asked of the commands that write models.

use std::path::PathBuf;

use clap::Args;

use super::{Model, Tags};

/// Which signatures a written model has.
#[derive(Debug, Args)]
pub struct Part {
    /// A signature to keep; all, if none is named and none is made. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub signature: Vec<String>,
    /// An input of a new signature, and its tensor in the graph: `NAME=TENSOR:0`. May be repeated.
    #[arg(long, value_name = "NAME=TENSOR:0", requires = "output")]
    pub input: Vec<Named>,
    /// An output of a new signature, and its tensor in the graph: `NAME=TENSOR:0`. May be repeated.
    #[arg(long, value_name = "NAME=TENSOR:0")]
    pub output: Vec<Named>,
    /// What the new signature is called; `serving_default` if left out.
    #[arg(long, value_name = "NAME", requires = "output")]
    pub name: Option<String>,
}

/// A name and what it stands for.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub tensor: String,
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Named, String> {
        match text.split_once('=') {
            Some((name, tensor)) if !name.is_empty() && !tensor.is_empty() => {
                Ok(Named { name: name.to_owned(), tensor: tensor.to_owned() })
            }
            _ => Err("expected NAME=TENSOR:0".to_owned()),
        }
    }
}

/// Which model is written where.
#[derive(Debug, Args)]
pub struct Rewrite {
    #[command(flatten)]
    pub model: Model,
    /// Where the new model goes. A name that ends in `.pb` or `.pbtxt` means a GraphDef, for which variables stay behind; one that ends in
    /// `.meta` or `.meta.pbtxt` a MetaGraphDef, with a checkpoint beside it; any other a SavedModel's directory.
    pub out: PathBuf,
    #[command(flatten)]
    pub part: Part,
}

/// Writes a model in another form.
#[derive(Debug, Args)]
pub struct Convert {
    #[command(flatten)]
    pub rewrite: Rewrite,
    /// Write the SavedModel as `saved_model.pbtxt`.
    #[arg(long)]
    pub text: bool,
}

/// Changes the method name of a signature, in place or in a copy.
#[derive(Debug, Args)]
pub struct SetMethod {
    /// The SavedModel's directory.
    pub directory: PathBuf,
    /// The signature.
    pub signature: String,
    /// The method name, such as `tensorflow/serving/predict`.
    pub method: String,
    /// Write a copy to this directory, and leave the model as it is.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub tags: Tags,
}
