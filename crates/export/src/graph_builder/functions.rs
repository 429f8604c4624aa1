//! Functions, made of graphs, and calls of them.

use savedmodel_graph::{AttrValue, FunctionRef};
use savedmodel_loader::op_defs;
use savedmodel_proto::op_def::ArgDef;
use savedmodel_proto::{FunctionDef, OpDef};
use savedmodel_tensor::{DType, Error, Result};

use super::GraphBuilder;
use crate::nodes::{function_name, split, types};

impl GraphBuilder {
    /// Adds a function whose body is another graph: some of its placeholders, by name, are the arguments, and some of its
    /// tensors the results. Nodes call it by attributes (`then_branch` of an `If`), or by [`GraphBuilder::call`].
    ///
    /// Functions that the body has come along. Of variables a function takes the handle, as a `resource` argument.
    ///
    /// ```
    /// use savedmodel_export::GraphBuilder;
    /// use savedmodel_tensor::{DType, PartialShape};
    /// let mut body = GraphBuilder::new();
    /// body.placeholder("a", DType::Float, &PartialShape::unknown())?;
    /// body.node("Mul", "square", &["a", "a"], [])?;
    /// let mut graph = GraphBuilder::new();
    /// graph.function("square", body, &["a"], &["square"])?;
    /// graph.placeholder("x", DType::Float, &PartialShape::unknown())?;
    /// assert_eq!(graph.call("square", "y", &["x"])?, ["y"]);
    /// # Ok::<(), savedmodel_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when another function has the name; `NOT_FOUND` when the body has no such placeholder or tensor;
    /// `INVALID_ARGUMENT` when a name is not allowed, a placeholder is no argument, or the body has variables.
    pub fn function(
        &mut self,
        name: &str,
        body: GraphBuilder,
        arguments: &[&str],
        results: &[&str],
    ) -> Result<()> {
        let at = |e: Error| e.at(format!("function '{name}'"));
        if op_defs::messages().contains_key(name) {
            return Err(at(Error::already_exists("an operator has that name")));
        }
        let made = definition(name, &body, arguments, results).map_err(at)?;
        for function in body.functions.into_iter().chain([made]) {
            match self.functions.iter().find(|known| function_name(known) == function_name(&function)) {
                Some(known) if *known == function => {}
                Some(_) => {
                    let text = format!("another function is called '{}'", function_name(&function));
                    return Err(at(Error::already_exists(text)));
                }
                None => self.functions.push(function),
            }
        }
        Ok(())
    }

    /// Adds a node that calls a function; gives its outputs. Inputs that are written `^x` are waited for.
    ///
    /// # Errors
    /// `NOT_FOUND` when the graph has no such function or input; `INVALID_ARGUMENT` when the name is taken, or number or
    /// dtypes of the inputs don't fit the function.
    pub fn call(&mut self, function: &str, name: &str, inputs: &[&str]) -> Result<Vec<String>> {
        let at = |e: Error| e.at(format!("call '{name}' of function '{function}'"));
        let signature = self.signature(function).map_err(at)?;
        let op = if signature.is_stateful { "StatefulPartitionedCall" } else { "PartitionedCall" };
        let dtypes = |args: &[ArgDef]| {
            let types = args.iter().map(|arg| DType::from_number(arg.r#type).map(AttrValue::Type));
            types.collect::<Option<Vec<_>>>().map(AttrValue::List)
        };
        let types = dtypes(&signature.input_arg).zip(dtypes(&signature.output_arg));
        let (takes, gives) = types.ok_or_else(|| at(Error::internal("an argument has no dtype")))?;
        let f = AttrValue::Function(FunctionRef { name: function.to_owned(), ..FunctionRef::default() });
        self.node(op, name, inputs, [("Tin", takes), ("Tout", gives), ("f", f)])
    }

    fn signature(&self, function: &str) -> Result<&OpDef> {
        let found = self.functions.iter().find(|known| function_name(known) == function);
        found.and_then(|function| function.signature.as_ref()).ok_or_else(|| {
            let known: Vec<&str> = self.functions.iter().map(function_name).collect();
            Error::not_found(format!("there is no function '{function}'; there are: {}", known.join(", ")))
        })
    }

    /// Checks that the functions that an attribute names are there.
    pub(super) fn check_functions(&self, value: &AttrValue) -> Result<()> {
        match value {
            AttrValue::Function(function) => self.signature(&function.name).map(|_| ()),
            AttrValue::List(items) => items.iter().try_for_each(|item| self.check_functions(item)),
            _ => Ok(()),
        }
    }
}

/// The definition of a function, with the tensors of its body named in the manner of functions.
fn definition(name: &str, body: &GraphBuilder, arguments: &[&str], results: &[&str]) -> Result<FunctionDef> {
    if let Some((variable, _)) = body.variables.first() {
        return Err(Error::invalid_argument(format!(
            "a function can't have variable '{variable}'; it takes the handle as an argument"
        )));
    }
    let mut signature = OpDef { name: name.to_owned(), ..OpDef::default() };
    for argument in arguments {
        let node = body.graph.node.iter().find(|node| node.name == *argument && node.op == "Placeholder");
        if node.is_none() {
            return Err(Error::not_found(format!("the body has no placeholder '{argument}'")));
        }
        if !is_legal(argument) || signature.input_arg.iter().any(|arg| arg.name == *argument) {
            let text = format!(
                "'{argument}' can't be the name of an argument, which is [a-z][a-z0-9_]*, or is there twice"
            );
            return Err(Error::invalid_argument(text));
        }
        signature.input_arg.push(arg((*argument).to_owned(), body.dtype(argument)?));
    }
    let mut function = FunctionDef::default();
    for node in body.graph.node.iter().filter(|node| !arguments.contains(&node.name.as_str())) {
        if node.op == "Placeholder" {
            return Err(Error::invalid_argument(format!("placeholder '{}' is no argument", node.name)));
        }
        if op_defs::messages().get(&node.op).is_none_or(|def| def.is_stateful) {
            signature.is_stateful = true;
            signature.control_output.push(node.name.clone());
            function.control_ret.insert(node.name.clone(), node.name.clone());
        }
        let mut node = node.clone();
        node.input
            .retain(|input| !arguments.contains(&input.trim_start_matches('^')) || !input.starts_with('^'));
        for input in node.input.iter_mut().filter(|input| !input.starts_with('^')) {
            *input = tensor(body, arguments, input)?;
        }
        function.node_def.push(node);
    }
    for (i, result) in results.iter().enumerate() {
        let output = format!("output_{i}");
        function.ret.insert(output.clone(), tensor(body, arguments, result)?);
        signature.output_arg.push(arg(output, body.dtype(result)?));
    }
    function.signature = Some(signature);
    Ok(function)
}

fn arg(name: String, dtype: DType) -> ArgDef {
    ArgDef { name, r#type: dtype.number(), ..ArgDef::default() }
}

fn is_legal(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(rest)
}

/// The name of a tensor in a function: an argument's own, else `node:output:index`.
fn tensor(body: &GraphBuilder, arguments: &[&str], tensor: &str) -> Result<String> {
    // Whether there is such a tensor is checked with it.
    body.dtype(tensor)?;
    let (name, mut index) = split(tensor);
    if arguments.contains(&name) {
        return Ok(name.to_owned());
    }
    let node = body.graph.node.iter().find(|node| node.name == name);
    let def = node.and_then(|node| op_defs::messages().get(&node.op));
    let (Some(node), Some(def)) = (node, def) else {
        return Err(Error::not_found(format!("there is no node '{name}' in the body")));
    };
    for arg in &def.output_arg {
        let count = types(std::slice::from_ref(arg), node, def).map_or(1, |types| types.len());
        if index < count {
            return Ok(format!("{name}:{}:{index}", arg.name));
        }
        index -= count;
    }
    Err(Error::internal(format!("the output of '{tensor}' has no name")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_tensor::{PartialShape, Tensor};

    fn body() -> GraphBuilder {
        let mut body = GraphBuilder::new();
        body.placeholder("a", DType::Float, &PartialShape::unknown()).unwrap();
        body.constant("axis", &Tensor::scalar(0_i32)).unwrap();
        body.node("Split", "s", &["axis", "a"], [("num_split", AttrValue::Int(2))]).unwrap();
        body.node("Unique", "u", &["a"], []).unwrap();
        body.node("AddV2", "sum", &["s:1", "u", "^a", "^axis"], []).unwrap();
        body
    }

    #[test]
    fn tensors_have_the_names_of_functions() {
        let mut graph = GraphBuilder::new();
        graph.function("f", body(), &["a"], &["sum", "u:1", "a"]).unwrap();
        let function = &graph.functions[0];
        assert_eq!(
            function.node_def.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(),
            ["axis", "s", "u", "sum"]
        );
        assert_eq!(function.node_def[3].input, ["s:output:1", "u:y:0", "^axis"]);
        let ret = |i: usize| function.ret[&format!("output_{i}")].as_str();
        assert_eq!((ret(0), ret(1), ret(2)), ("sum:z:0", "u:idx:0", "a"));
        graph.placeholder("x", DType::Float, &PartialShape::unknown()).unwrap();
        assert_eq!(graph.call("f", "y", &["x"]).unwrap(), ["y", "y:1", "y:2"]);
        assert_eq!(graph.outputs["y"], [DType::Float, DType::Int32, DType::Float]);
        assert_eq!(graph.graph.node.last().unwrap().op, "PartitionedCall");
    }

    #[test]
    fn what_is_no_function() {
        let check = |name: &str, body: GraphBuilder, arguments: &[&str], results: &[&str], want: &str| {
            let mut graph = GraphBuilder::new();
            graph.function("taken", GraphBuilder::new(), &[], &[]).unwrap();
            let error = graph.function(name, body, arguments, results).unwrap_err();
            assert!(error.to_string().contains(want), "{error}, without {want}");
        };
        let mut variable = GraphBuilder::new();
        variable.variable("v", Tensor::scalar(1.0_f32)).unwrap();
        check("f", variable, &[], &[], "variable 'v'");
        check("f", body(), &[], &["sum"], "placeholder 'a' is no argument");
        check("f", body(), &["b"], &["sum"], "no placeholder 'b'");
        check("f", body(), &["a", "a"], &["sum"], "or is there twice");
        check("f", body(), &["a"], &["none"], "'none'");
        check("f", body(), &["a"], &["sum:1"], "has 1 outputs");
        check("taken", body(), &["a"], &["sum"], "another function is called 'taken'");
        check("MatMul", body(), &["a"], &["sum"], "an operator has that name");
        let mut graph = GraphBuilder::new();
        graph.function("f", body(), &["a"], &["sum"]).unwrap();
        assert!(graph.call("g", "y", &[]).unwrap_err().message().contains("there are: f"));
        assert!(graph.call("f", "y", &[]).is_err());
        let unknown = AttrValue::Function(FunctionRef { name: "g".to_owned(), ..FunctionRef::default() });
        let types = || AttrValue::List(Vec::new());
        let error =
            graph.node("PartitionedCall", "y", &[], [("Tin", types()), ("Tout", types()), ("f", unknown)]);
        assert_eq!(error.unwrap_err().code(), savedmodel_tensor::Code::NotFound);
    }
}
