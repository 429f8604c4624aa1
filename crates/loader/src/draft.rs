//! What is decoded of a file to load it: all but the functions, most of which nobody calls.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::DecodeError;
use savedmodel_proto::{
    FunctionDef, FunctionDefLibrary, GraphDef, Message, MetaGraphDef, SavedModel, fields,
};
use savedmodel_tensor::Result;

use crate::file::{self, Source};
use crate::functions;

/// The metagraphs of a file, whose functions are still encoded.
#[derive(Debug)]
pub struct Draft {
    /// What was read.
    pub source: Source,
    /// The directory, with `variables/` and `assets/`.
    pub directory: PathBuf,
    pub(crate) meta_graphs: Vec<Part>,
}

/// A metagraph and the functions of its library, which the message lacks.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub message: MetaGraphDef,
    pub functions: Vec<Bytes>,
}

impl Draft {
    /// Reads what a path means.
    ///
    /// # Errors
    /// As [`Source::read`], but what is wrong with a function is said when it is called.
    pub fn read(source: Source) -> Result<Draft> {
        let place = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
        let (directory, meta_graphs) = match &source {
            Source::Directory(directory) => {
                let path = file::find(directory)?;
                let parts = |message: SavedModel| message.meta_graphs.into_iter().map(Part::new).collect();
                let parts: Vec<Part> = file::read(&path, saved_model, parts)?;
                if parts.is_empty() {
                    return Err(file::without_metagraph(&path));
                }
                (directory.clone(), parts)
            }
            Source::GraphDef(path) => {
                (place(path), vec![file::read(path, graph_def, Part::of_graph)?.with_saver()])
            }
            Source::MetaGraph(path) => {
                let part =
                    file::read(path, meta_graph, Part::new).or_else(|error| match file::text_message(path) {
                        Ok(message) => Ok(Part::new(message)),
                        Err(_) => Err(error),
                    });
                (place(path), vec![part?])
            }
        };
        Ok(Draft { source, directory, meta_graphs })
    }
}

impl Part {
    fn new(mut message: MetaGraphDef) -> Part {
        let library = message.graph_def.as_mut().and_then(|graph| graph.library.as_mut());
        let decoded: Vec<FunctionDef> =
            library.map(|library| std::mem::take(&mut library.function)).unwrap_or_default();
        Part { message, functions: decoded.iter().map(functions::encoded).collect() }
    }

    fn of_graph(graph: GraphDef) -> Part {
        Part::new(MetaGraphDef { graph_def: Some(graph), ..MetaGraphDef::default() })
    }

    fn with_saver(mut self) -> Part {
        self.message.saver_def = self.message.graph_def.as_ref().and_then(file::saver);
        self
    }
}

// What follows merges from `&mut Bytes`, as decoding does: from anything else, all messages' code would be compiled again.

/// The number of the field that leads to the functions: the metagraphs of a SavedModel, the graph of a metagraph, the library of
/// a graph.
const INNER: u32 = 2;
/// The number of a library's functions.
const FUNCTION: u32 = 1;

fn saved_model(bytes: Bytes) -> Result<Vec<Part>, DecodeError> {
    let (mut parts, mut rest) = (Vec::new(), SavedModel::default());
    for field in fields::of(bytes) {
        match field? {
            fields::Field { number: INNER, content: Some(content), .. } => parts.push(meta_graph(content)?),
            mut other => rest.merge(&mut other.whole)?,
        }
    }
    Ok(parts)
}

fn meta_graph(bytes: Bytes) -> Result<Part, DecodeError> {
    let mut part = Part::default();
    for field in fields::of(bytes) {
        match field? {
            fields::Field { number: INNER, content: Some(content), .. } => part.merge_graph(content)?,
            mut other => part.message.merge(&mut other.whole)?,
        }
    }
    Ok(part)
}

fn graph_def(bytes: Bytes) -> Result<Part, DecodeError> {
    let mut part = Part::default();
    part.merge_graph(bytes)?;
    Ok(part)
}

impl Part {
    fn merge_graph(&mut self, bytes: Bytes) -> Result<(), DecodeError> {
        let graph = self.message.graph_def.get_or_insert_default();
        for field in fields::of(bytes) {
            match field? {
                fields::Field { number: INNER, content: Some(content), .. } => {
                    let library = graph.library.get_or_insert_with(FunctionDefLibrary::default);
                    for field in fields::of(content) {
                        match field? {
                            fields::Field { number: FUNCTION, content: Some(function), .. } => {
                                self.functions.push(function);
                            }
                            mut other => library.merge(&mut other.whole)?,
                        }
                    }
                }
                mut other => graph.merge(&mut other.whole)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_proto::{NodeDef, OpDef};

    fn message() -> MetaGraphDef {
        let node = |name: &str| NodeDef { name: name.into(), op: "NoOp".into(), ..NodeDef::default() };
        let function = |name: &str| FunctionDef {
            signature: Some(OpDef { name: name.into(), ..OpDef::default() }),
            node_def: vec![node("inner")],
            ..FunctionDef::default()
        };
        let library =
            FunctionDefLibrary { function: vec![function("f"), function("g")], ..Default::default() };
        let graph =
            GraphDef { node: vec![node("a"), node("b")], library: Some(library), ..GraphDef::default() };
        MetaGraphDef {
            graph_def: Some(graph),
            object_graph_def: Some(Default::default()),
            ..MetaGraphDef::default()
        }
    }

    /// Whichever way a message comes, it is the same.
    #[test]
    fn functions_are_set_aside() {
        let want = Part::new(message());
        assert_eq!(want.functions.len(), 2);
        let model =
            SavedModel { meta_graphs: vec![message(), MetaGraphDef::default()], ..SavedModel::default() };
        let parts = saved_model(model.encode_to_vec().into()).unwrap();
        assert_eq!(parts.len(), 2);
        let alone = meta_graph(message().encode_to_vec().into()).unwrap();
        for part in [&parts[0], &alone] {
            assert_eq!((&part.message, &part.functions), (&want.message, &want.functions));
        }
        let graph = graph_def(message().graph_def.unwrap().encode_to_vec().into()).unwrap();
        assert_eq!((graph.message.graph_def, graph.functions), (want.message.graph_def, want.functions));
    }

    #[test]
    fn damage_outside_of_functions_is_found() {
        let whole = message().encode_to_vec();
        for cut in 1..whole.len() {
            let model = [&[0x12, whole.len() as u8][..], &whole[..cut]].concat();
            assert!(saved_model(model.into()).is_err(), "{cut}");
        }
    }
}
