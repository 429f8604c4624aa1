//! Graphs, made node by node.

use rustc_hash::FxHashMap;
use savedmodel_graph::AttrValue;
use savedmodel_loader::op_defs;
use savedmodel_op::{Count, OpDef, TypeOf};
use savedmodel_proto::attr_value::Value;
use savedmodel_proto::{FunctionDef, FunctionDefLibrary, GraphDef, MetaGraphDef, VersionDef, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::export::{CheckpointTensor, ExportedVariable};
use crate::nodes::{constant, node, output_name, split, strings};
use crate::{Export, messages, saver};

mod functions;

/// The version of TensorFlow's graphs whose operators these are.
const PRODUCER: i32 = 2474;

/// Puts a graph together from TensorFlow's operators: placeholders, constants, variables, functions and any other node.
///
/// Tensors go by name: `x`, or `x:1` for another output than the first.
///
/// ```
/// use savedmodel_export::GraphBuilder;
/// use savedmodel_tensor::{DType, PartialShape, Tensor};
/// let mut graph = GraphBuilder::new();
/// let x = graph.placeholder("x", DType::Float, &PartialShape::new([None, Some(2)]))?;
/// let w = graph.variable("w", Tensor::from_slice([2, 1], &[1.0_f32, 2.0])?)?;
/// let y = graph.node("MatMul", "y", &[&x, &w], [])?;
/// assert_eq!(y, ["y"]);
/// assert!(graph.node("MatMul", "z", &[&x], []).is_err());
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    graph: GraphDef,
    /// The dtypes of each node's outputs.
    outputs: FxHashMap<String, Vec<DType>>,
    variables: Vec<(String, Tensor)>,
    functions: Vec<FunctionDef>,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new() -> GraphBuilder {
        GraphBuilder::default()
    }

    /// Adds a tensor that is fed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the name is taken or none.
    pub fn placeholder(&mut self, name: &str, dtype: DType, shape: &PartialShape) -> Result<String> {
        let attrs = [
            ("dtype", Value::Type(dtype.number())),
            ("shape", Value::Shape(shape::from_partial_shape(shape))),
        ];
        self.push(node::<String>("Placeholder", name, [], attrs), vec![dtype])?;
        Ok(name.to_owned())
    }

    /// Adds a constant.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the name is taken or none; `UNIMPLEMENTED` for variants that have no message.
    pub fn constant(&mut self, name: &str, value: &Tensor) -> Result<String> {
        self.push(constant(name, value)?, vec![value.dtype()])?;
        Ok(name.to_owned())
    }

    /// Adds a variable with its value; gives the tensor that reads it. The node `name` gives the handle, for operators that
    /// write.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the name is taken or none.
    pub fn variable(&mut self, name: &str, value: Tensor) -> Result<String> {
        let dtype = Value::Type(value.dtype().number());
        let attrs = [
            ("dtype", dtype.clone()),
            ("shape", Value::Shape(shape::from_shape(value.shape()))),
            ("shared_name", Value::S(name.to_owned().into())),
            ("container", Value::S(Default::default())),
        ];
        self.push(node::<String>("VarHandleOp", name, [], attrs), vec![DType::Resource])?;
        let read = format!("{name}/Read/ReadVariableOp");
        self.push(node("ReadVariableOp", read.clone(), [name], [("dtype", dtype)]), vec![value.dtype()])?;
        self.variables.push((name.to_owned(), value));
        Ok(read)
    }

    /// Adds a constant vector of strings.
    ///
    /// # Errors
    /// As [`GraphBuilder::constant`].
    pub fn strings(&mut self, name: &str, values: &[&str]) -> Result<String> {
        let values = values.iter().map(|value| (*value).to_owned()).collect::<Vec<String>>();
        self.push(strings(name, values)?, vec![DType::String])?;
        Ok(name.to_owned())
    }

    /// Adds a node of any of TensorFlow's operators; gives its outputs. Inputs that are written `^x` are waited for.
    ///
    /// Attributes that the inputs tell, such as `T` and `N`, may be left out, and those that have a default.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the name is taken, number or dtypes of the inputs don't fit the operator, or an attribute is
    /// missing or has a value that is not allowed; `NOT_FOUND` when TensorFlow has no such operator, or the graph no such
    /// input or function.
    pub fn node<'a>(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attrs: impl IntoIterator<Item = (&'a str, AttrValue)>,
    ) -> Result<Vec<String>> {
        let at = |e: Error| e.at(format!("node '{name}' ({op})"));
        let def = op_defs::find(op)
            .ok_or_else(|| at(Error::not_found(format!("Op type not registered '{op}' in TensorFlow"))))?;
        let given: savedmodel_graph::Attrs =
            attrs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Some(unknown) = given.keys().find(|attr| !attr.starts_with('_') && def.attr(attr).is_none()) {
            return Err(at(Error::invalid_argument(format!("there is no attr '{unknown}'"))));
        }
        given.values().try_for_each(|value| self.check_functions(value)).map_err(at)?;
        let (controls, tensors): (Vec<&str>, Vec<&str>) =
            inputs.iter().partition(|input| input.starts_with('^'));
        let dtypes = tensors.iter().map(|input| self.dtype(input)).collect::<Result<Vec<_>>>().map_err(at)?;
        for control in &controls {
            self.outputs_of(control.trim_start_matches('^')).map_err(at)?;
        }
        let mut all = given.clone();
        infer(&def, &dtypes, &mut all).map_err(at)?;
        let mut checked = all.clone();
        def.complete(&mut checked).map_err(at)?;
        let expected = def.input_dtypes(&checked).map_err(at)?;
        if expected != dtypes {
            return Err(at(Error::invalid_argument(format!(
                "the operator takes {}, but the inputs are {}",
                list(&expected),
                list(&dtypes)
            ))));
        }
        let outputs = def.output_dtypes(&checked).map_err(at)?;
        let mut message = node(op, name, tensors.iter().chain(&controls).copied(), []);
        for (attr, value) in &all {
            message.attr.insert(attr.clone(), messages::attr(value).map_err(at)?);
        }
        let names = (0..outputs.len()).map(|i| output_name(name, i)).collect();
        self.push(message, outputs)?;
        Ok(names)
    }

    fn push(&mut self, node: savedmodel_proto::NodeDef, outputs: Vec<DType>) -> Result<()> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-/\\>".contains(c);
        let first = |c: char| c.is_ascii_alphanumeric() || c == '.';
        if !node.name.starts_with(first) || !node.name.chars().all(legal) {
            return Err(Error::invalid_argument(format!("'{}' is not a valid node name", node.name)));
        }
        if self.outputs.contains_key(&node.name) {
            return Err(Error::invalid_argument(format!("Duplicate node name in graph: '{}'", node.name)));
        }
        self.outputs.insert(node.name.clone(), outputs);
        self.graph.node.push(node);
        Ok(())
    }

    fn outputs_of(&self, node: &str) -> Result<&[DType]> {
        self.outputs
            .get(node)
            .map(Vec::as_slice)
            .ok_or_else(|| Error::not_found(format!("there is no node '{node}' in the graph")))
    }

    fn dtype(&self, tensor: &str) -> Result<DType> {
        let (node, index) = split(tensor);
        let outputs = self.outputs_of(node)?;
        outputs.get(index).copied().ok_or_else(|| {
            Error::not_found(format!("node '{node}' has {} outputs, not '{tensor}'", outputs.len()))
        })
    }

    /// The graph as a metagraph, with its variables and the operations that save and restore them.
    ///
    /// # Errors
    /// None but those of making messages.
    pub fn export(self) -> Result<Export> {
        let mut graph = self.graph;
        graph.versions = Some(VersionDef { producer: PRODUCER, ..VersionDef::default() });
        if !self.functions.is_empty() {
            let library = FunctionDefLibrary { function: self.functions, ..FunctionDefLibrary::default() };
            graph.library = Some(library);
        }
        let mut export = Export::new(MetaGraphDef { graph_def: Some(graph), ..MetaGraphDef::default() });
        let mut checkpoint = Vec::new();
        for (name, value) in self.variables {
            let variable = ExportedVariable {
                key: Some(name.clone()),
                shape_and_slice: String::new(),
                value: Some(value.clone()),
            };
            checkpoint.push(CheckpointTensor { key: name.clone(), shape_and_slice: String::new(), value });
            export.trainable.insert(name.clone());
            export.set_variable(name, variable);
        }
        export.set_checkpoint(checkpoint, Vec::new());
        saver::attach(&mut export)?;
        Ok(export)
    }
}

/// Sets the attributes that the dtypes of the inputs tell.
fn infer(def: &OpDef, dtypes: &[DType], attrs: &mut savedmodel_graph::Attrs) -> Result<()> {
    let mut rest = dtypes;
    for (i, arg) in def.inputs.iter().enumerate() {
        let after = def.inputs[i + 1..].iter().filter(|arg| arg.count == Count::One).count();
        let count = match &arg.count {
            Count::One => 1,
            Count::Attr(name) => match attrs.get(name) {
                Some(AttrValue::Int(n)) => usize::try_from(*n).unwrap_or(0),
                _ => rest.len().saturating_sub(after),
            },
            Count::ListAttr => match &arg.dtype {
                TypeOf::ListAttr(name) => match attrs.get(name) {
                    Some(AttrValue::List(items)) => items.len(),
                    _ => rest.len().saturating_sub(after),
                },
                _ => 1,
            },
        };
        let Some((own, others)) = rest.split_at_checked(count) else {
            return Err(Error::invalid_argument(format!(
                "input '{}' is missing; there are {} inputs",
                arg.name,
                dtypes.len()
            )));
        };
        rest = others;
        if let Count::Attr(name) = &arg.count {
            attrs.entry(name.clone()).or_insert(AttrValue::Int(count as i64));
        }
        match (&arg.dtype, own.first()) {
            (TypeOf::Attr(name), Some(first)) => {
                attrs.entry(name.clone()).or_insert(AttrValue::Type(*first));
            }
            (TypeOf::ListAttr(name), _) => {
                let types = own.iter().map(|dtype| AttrValue::Type(*dtype)).collect();
                attrs.entry(name.clone()).or_insert(AttrValue::List(types));
            }
            _ => {}
        }
    }
    match rest.len() {
        0 => Ok(()),
        n => Err(Error::invalid_argument(format!("there are {n} more inputs than the operator takes"))),
    }
}

fn list(dtypes: &[DType]) -> String {
    let names: Vec<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
    format!("({})", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> GraphBuilder {
        let mut graph = GraphBuilder::new();
        graph.placeholder("x", DType::Float, &PartialShape::unknown()).unwrap();
        graph.constant("i", &Tensor::scalar(0_i32)).unwrap();
        graph
    }

    #[test]
    fn attributes_are_inferred() {
        let mut graph = graph();
        assert_eq!(
            graph.node("Split", "s", &["i", "x"], [("num_split", AttrValue::Int(2))]).unwrap().len(),
            2
        );
        graph.node("ConcatV2", "c", &["s", "s:1", "i", "^x"], []).unwrap();
        let concat = graph.graph.node.last().unwrap();
        assert_eq!(concat.attr["N"], crate::nodes::of(Value::I(2)));
        assert_eq!(concat.attr["Tidx"], crate::nodes::of(Value::Type(3)));
        assert_eq!(concat.input, ["s", "s:1", "i", "^x"]);
        graph.node("IdentityN", "n", &["x", "i"], []).unwrap();
        assert_eq!(graph.outputs["n"], [DType::Float, DType::Int32]);
    }

    #[test]
    fn what_does_not_fit() {
        let check = |op: &str, name: &str, inputs: &[&str], attrs: &[(&str, AttrValue)], want: &str| {
            let error = graph().node(op, name, inputs, attrs.iter().cloned()).unwrap_err();
            assert!(error.message().contains(want), "{op}: {error}");
        };
        check("NobodyKnows", "y", &[], &[], "NobodyKnows");
        check("Add", "y", &["x", "i"], &[], "takes (float32, float32), but the inputs are (float32, int32)");
        check("Add", "y", &["x"], &[], "input 'y' is missing");
        check("Relu", "y", &["x", "x"], &[], "1 more inputs");
        check("Relu", "x", &["x"], &[], "Duplicate node name");
        check("Relu", "a b", &["x"], &[], "not a valid node name");
        check("Relu", "y", &["x:1"], &[], "has 1 outputs");
        check("Relu", "y", &["z"], &[], "no node 'z'");
        check("Relu", "y", &["x", "^z"], &[], "no node 'z'");
        check("Relu", "y", &["x"], &[("alpha", AttrValue::Int(1))], "no attr 'alpha'");
        check("Cast", "y", &["x"], &[], "DstT");
        check("Relu", "y", &["x"], &[("T", AttrValue::Type(DType::String))], "string");
    }
}
