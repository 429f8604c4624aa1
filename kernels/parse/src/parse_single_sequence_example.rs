//! `ParseSingleSequenceExample`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_proto::{Feature, FeatureList, SequenceExample, feature::Kind};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape, Tensor};

use crate::feature::Values;
use crate::merge;

/// Parses one `tf.SequenceExample`, whose features are named by inputs.
///
/// Messages and checks are older than those of `ParseSequenceExample`: a dense feature without a list is a mismatch.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParseSingleSequenceExample>.
pub const OP: Op = Op {
    name: "ParseSingleSequenceExample",
    inputs: &[
        "serialized: string",
        "feature_list_dense_missing_assumed_empty: string",
        "context_sparse_keys: Ncontext_sparse * string",
        "context_dense_keys: Ncontext_dense * string",
        "feature_list_sparse_keys: Nfeature_list_sparse * string",
        "feature_list_dense_keys: Nfeature_list_dense * string",
        "context_dense_defaults: Tcontext_dense",
        "debug_name: string",
    ],
    outputs: &[
        "context_sparse_indices: Ncontext_sparse * int64",
        "context_sparse_values: context_sparse_types",
        "context_sparse_shapes: Ncontext_sparse * int64",
        "context_dense_values: Tcontext_dense",
        "feature_list_sparse_indices: Nfeature_list_sparse * int64",
        "feature_list_sparse_values: feature_list_sparse_types",
        "feature_list_sparse_shapes: Nfeature_list_sparse * int64",
        "feature_list_dense_values: feature_list_dense_types",
    ],
    attrs: &[
        "Ncontext_sparse: int >= 0 = 0",
        "Ncontext_dense: int >= 0 = 0",
        "Nfeature_list_sparse: int >= 0 = 0",
        "Nfeature_list_dense: int >= 0 = 0",
        "context_sparse_types: list({float, int64, string}) >= 0 = []",
        "Tcontext_dense: list({float, int64, string}) >= 0 = []",
        "feature_list_dense_types: list({float, int64, string}) >= 0 = []",
        "context_dense_shapes: list(shape) >= 0 = []",
        "feature_list_sparse_types: list({float, int64, string}) >= 0 = []",
        "feature_list_dense_shapes: list(shape) >= 0 = []",
    ],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::one(build),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let count = |name: &str| ctx.attr::<Vec<DType>>(name).unwrap_or_default().len();
    let shapes = |name: &str| ctx.attr::<Vec<PartialShape>>(name).unwrap_or_default();
    let mut out = Vec::with_capacity(ctx.outputs);
    let sparse = |out: &mut Vec<PartialShape>, count: usize, width: usize| {
        out.extend(vec![PartialShape::new([None, Some(width)]); count]);
        out.extend(vec![PartialShape::of_rank(1); count]);
        out.extend(vec![PartialShape::from([width]); count]);
    };
    sparse(&mut out, count("context_sparse_types"), 1);
    out.extend(shapes("context_dense_shapes"));
    sparse(&mut out, count("feature_list_sparse_types"), 2);
    out.extend(shapes("feature_list_dense_shapes").iter().map(|shape| match shape.dims() {
        Some(dims) => PartialShape::new(std::iter::once(None).chain(dims.iter().copied())),
        None => PartialShape::unknown(),
    }));
    out.resize(ctx.outputs, PartialShape::unknown());
    Ok(out)
}

/// The dtypes and shapes that are asked for.
struct Wanted {
    context_sparse: Vec<DType>,
    context_dense: Vec<(DType, Shape)>,
    list_sparse: Vec<DType>,
    list_dense: Vec<(DType, Shape)>,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dense = |types: &str, shapes: &str, what: &str| -> Result<Vec<(DType, Shape)>> {
        let (types, shapes): (Vec<DType>, Vec<PartialShape>) = (node.attr(types)?, node.attr(shapes)?);
        if types.len() != shapes.len() || types.len() != node.attr::<usize>(&format!("N{what}"))? {
            return Err(Error::invalid_argument(format!("len({what}_keys) != len({what}_types)")));
        }
        let known = |shape: PartialShape| {
            shape
                .known()
                .ok_or_else(|| Error::invalid_argument(format!("Shape {shape} is not fully defined")))
        };
        types.into_iter().zip(shapes).map(|(dtype, shape)| Ok((dtype, known(shape)?))).collect()
    };
    let sparse = |what: &str| -> Result<Vec<DType>> {
        let types: Vec<DType> = node.attr(&format!("{what}_types"))?;
        if types.len() != node.attr::<usize>(&format!("N{what}"))? {
            return Err(Error::invalid_argument(format!("len({what}_keys) != len({what}_types)")));
        }
        Ok(types)
    };
    let wanted = Wanted {
        context_sparse: sparse("context_sparse")?,
        context_dense: dense("Tcontext_dense", "context_dense_shapes", "context_dense")?,
        list_sparse: sparse("feature_list_sparse")?,
        list_dense: dense("feature_list_dense_types", "feature_list_dense_shapes", "feature_list_dense")?,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let outputs = wanted.parse(ctx)?;
        for (i, output) in outputs.into_iter().enumerate() {
            ctx.set(i, output);
        }
        Ok(())
    }))
}

impl Wanted {
    fn parse(&self, ctx: &Context<'_>) -> Result<Vec<Tensor>> {
        let counts = [
            self.context_sparse.len(),
            self.context_dense.len(),
            self.list_sparse.len(),
            self.list_dense.len(),
        ];
        let kinds = [
            "context_sparse_keys",
            "context_dense_keys",
            "feature_list_sparse_keys",
            "feature_list_dense_keys",
        ];
        let mut keys = Vec::with_capacity(4);
        let mut input = 2;
        for (count, kind) in counts.into_iter().zip(kinds) {
            let key = |i: usize| scalar(ctx.input(input + i), &format!("{kind}[{i}]"));
            keys.push((0..count).map(key).collect::<Result<Vec<String>>>()?);
            input += count;
        }
        let defaults: Vec<&Tensor> = (0..counts[1]).map(|i| ctx.input(input + i)).collect();
        self.check_defaults(&defaults)?;
        let label = scalar(ctx.input(input + counts[1]), "debug_name")?;
        let empty_ok = ctx.input(1).strings()?;
        let example = decode(ctx.input(0))?;
        let context = example.context.unwrap_or_default().feature;
        let lists = example.feature_lists.unwrap_or_default().feature_list;
        let message = Message { label, empty_ok };
        let mut sparse: Vec<[Tensor; 3]> = Vec::new();
        for (name, &dtype) in keys[0].iter().zip(&self.context_sparse) {
            sparse.push(message.context_sparse(name, dtype, context.get(name))?);
        }
        let mut outputs: Vec<Tensor> =
            (0..3).flat_map(|part| sparse.iter().map(move |s| s[part].clone())).collect();
        for ((name, (dtype, shape)), default) in keys[1].iter().zip(&self.context_dense).zip(defaults) {
            outputs.push(message.context_dense((name, *dtype, shape), context.get(name), default)?);
        }
        sparse.clear();
        for (name, &dtype) in keys[2].iter().zip(&self.list_sparse) {
            sparse.push(message.list_sparse(name, dtype, lists.get(name))?);
        }
        outputs.extend((0..3).flat_map(|part| sparse.iter().map(move |s| s[part].clone())));
        for (name, (dtype, shape)) in keys[3].iter().zip(&self.list_dense) {
            outputs.push(message.list_dense((name, *dtype, shape), lists.get(name))?);
        }
        Ok(outputs)
    }

    fn check_defaults(&self, defaults: &[&Tensor]) -> Result<()> {
        for (d, ((_, shape), default)) in self.context_dense.iter().zip(defaults).enumerate() {
            if default.elements() > 0 && default.shape() != shape {
                return Err(Error::invalid_argument(format!(
                    "def_value[{d}].shape() == {} != context_dense_shapes_[{d}] == {shape}",
                    default.shape()
                )));
            }
        }
        Ok(())
    }
}

fn scalar(tensor: &Tensor, what: &str) -> Result<String> {
    match (tensor.rank(), tensor.strings()?) {
        (0, [text]) => Ok(String::from_utf8_lossy(text).into_owned()),
        _ => {
            let shape = tensor.shape();
            Err(Error::invalid_argument(format!("Expected {what} to be a scalar, got shape: {shape}")))
        }
    }
}

fn decode(serialized: &Tensor) -> Result<SequenceExample> {
    let (0, [bytes]) = (serialized.rank(), serialized.strings()?) else {
        let shape = serialized.shape();
        return Err(Error::invalid_argument(format!(
            "Expected serialized to be a scalar, got shape: {shape}"
        )));
    };
    savedmodel_proto::decode(bytes.clone()).map_err(|_| {
        let text = String::from_utf8_lossy(bytes);
        Error::invalid_argument(format!("Could not parse example input, value: '{text}'"))
    })
}

/// What messages and missing lists need to know.
struct Message<'a> {
    label: String,
    empty_ok: &'a [Bytes],
}

impl Message<'_> {
    fn context_sparse(&self, name: &str, dtype: DType, feature: Option<&Feature>) -> Result<[Tensor; 3]> {
        let found = match feature.and_then(|feature| feature.kind.as_ref()) {
            None => Values::new(dtype),
            Some(kind) => {
                values(kind, dtype).ok_or_else(|| self.mismatch("Context feature", name, None, dtype))?
            }
        };
        let n = found.len();
        let indices = Tensor::from_vec([n, 1], (0..n as i64).collect())?;
        Ok([indices, merge::values(found)?, Tensor::from_slice([1], &[n as i64])?])
    }

    fn context_dense(
        &self,
        (name, dtype, shape): (&str, DType, &Shape),
        feature: Option<&Feature>,
        default: &Tensor,
    ) -> Result<Tensor> {
        let Some(feature) = feature else {
            if default.elements() > 0 {
                return Ok(default.clone());
            }
            let label = &self.label;
            return Err(Error::invalid_argument(format!(
                "Name: {label}, Context feature '{name}' is required but could not be found."
            )));
        };
        let found = feature.kind.as_ref().and_then(|kind| values(kind, dtype));
        let found = found.ok_or_else(|| self.mismatch("Context feature", name, None, dtype))?;
        self.check_size((name, 0), dtype, shape, &found)?;
        merge::values(found)?.reshape(shape)
    }

    fn list_sparse(&self, name: &str, dtype: DType, list: Option<&FeatureList>) -> Result<[Tensor; 3]> {
        let items = list.map_or(&[][..], |list| &list.feature[..]);
        let (mut all, mut indices, mut longest) = (Values::new(dtype), Vec::new(), 0);
        for (t, item) in items.iter().enumerate() {
            let found = match &item.kind {
                None => Values::new(dtype),
                Some(kind) => {
                    values(kind, dtype).ok_or_else(|| self.mismatch("Feature List", name, Some(t), dtype))?
                }
            };
            indices.extend((0..found.len()).flat_map(|i| [t as i64, i as i64]));
            longest = longest.max(found.len());
            all.append(found);
        }
        let shape = Tensor::from_slice([2], &[items.len() as i64, longest as i64])?;
        Ok([Tensor::from_vec([indices.len() / 2, 2], indices)?, merge::values(all)?, shape])
    }

    fn list_dense(
        &self,
        (name, dtype, shape): (&str, DType, &Shape),
        list: Option<&FeatureList>,
    ) -> Result<Tensor> {
        if list.is_none() && !self.empty_ok.iter().any(|empty| &empty[..] == name.as_bytes()) {
            let label = &self.label;
            return Err(Error::invalid_argument(format!(
                "Name: {label}, Feature list '{name}' is required but could not be found.  Did you mean to include it \
                 in feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?"
            )));
        }
        let items = list.map_or(&[][..], |list| &list.feature[..]);
        let mut all = Values::new(dtype);
        for (t, item) in items.iter().enumerate() {
            let found = item.kind.as_ref().and_then(|kind| values(kind, dtype));
            let found = found.ok_or_else(|| self.mismatch("Feature list", name, Some(t), dtype))?;
            self.check_size((name, t), dtype, shape, &found)?;
            all.append(found);
        }
        let out: Shape = std::iter::once(items.len()).chain(shape.iter().copied()).collect();
        merge::values(all)?.reshape(out)
    }

    fn check_size(
        &self,
        (name, t): (&str, usize),
        dtype: DType,
        shape: &Shape,
        found: &Values,
    ) -> Result<()> {
        if found.len() == shape.checked_elements()? {
            return Ok(());
        }
        let label = &self.label;
        let size = found.len();
        Err(Error::invalid_argument(match dtype {
            DType::String => format!(
                "Name: {label}, Key {name}, Index: {t}.  Number of bytes values != expected.  Values size: {size} but \
                 output shape: {shape}"
            ),
            _ => format!(
                "Name: {label}, Key: {name}, Index: {t}.  Number of {dtype} values != expected.  values size: {size} \
                 but output shape: {shape}"
            ),
        }))
    }

    #[cold]
    fn mismatch(&self, what: &str, name: &str, index: Option<usize>, dtype: DType) -> Error {
        let (label, index) = (&self.label, index.map_or_else(String::new, |t| format!(", Index: {t}")));
        Error::invalid_argument(format!(
            "Name: {label}, {what}: {name}{index}.  Data types don't match. Expected type: {dtype}"
        ))
    }
}

/// The values of a list, if it is of this dtype.
fn values(kind: &Kind, dtype: DType) -> Option<Values> {
    Some(match (kind, dtype) {
        (Kind::BytesList(list), DType::String) => Values::String(list.value.clone()),
        (Kind::FloatList(list), DType::Float) => Values::Float(list.value.clone()),
        (Kind::Int64List(list), DType::Int64) => Values::Int64(list.value.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, floats, integers, none, sequence, string, texts, vector};
    use savedmodel_op::testing::OpTest;

    fn parse(example: Vec<u8>, may_miss: &'static str, name: &'static str) -> OpTest<'static> {
        let test = OpTest::new(&OP).attr("Tcontext_dense", vec![DType::Int64]);
        let test =
            test.attr("Ncontext_dense", 1_i64).attr("context_dense_shapes", vec![PartialShape::from([1])]);
        let test =
            test.attr("Nfeature_list_dense", 1_i64).attr("feature_list_dense_types", vec![DType::Float]);
        let test = test.attr("feature_list_dense_shapes", vec![PartialShape::from([2])]);
        let test =
            test.attr("Nfeature_list_sparse", 1_i64).attr("feature_list_sparse_types", vec![DType::String]);
        let test = test.attr("Ncontext_sparse", 0_i64);
        let test = test.input(string(example)).input(vector([may_miss.as_bytes()]));
        let keys = ["n", "w", "t"].into_iter().map(string);
        keys.fold(test, OpTest::input).input(none(DType::Int64)).input(string(name))
    }

    #[test]
    fn lists() {
        let (rows, words) = ([floats(&[1.0, 2.0]), floats(&[3.0, 4.0])], [texts(&["a"]), texts(&["b", "c"])]);
        let both = sequence(&[("n", integers(&[7]))], &[("t", &rows), ("w", &words)]);
        let want =
            "int64[1] 7; int64[3,2] 0 0 1 0 1 1; string[3] 'a' 'b' 'c'; int64[2] 2 2; float[2,2] 1 2 3 4";
        check(parse(both, "w", ""), want);
        let empty = sequence(&[("n", integers(&[1]))], &[]);
        check(parse(empty, "t", ""), "int64[1] 1; int64[0,2]; string[0]; int64[2] 0 0; float[0,2]");
    }

    #[test]
    fn refusals() {
        let refused = |example: Vec<u8>, want: &str| {
            check(parse(example, "w", "dbg"), &format!("INVALID_ARGUMENT: {want}"));
        };
        let n = || ("n", integers(&[1]));
        let missing = "Name: dbg, Context feature 'n' is required but could not be found.";
        refused(sequence(&[], &[("t", &[floats(&[1.0])])]), missing);
        let count = "Name: dbg, Key: t, Index: 0.  Number of float values != expected.  values size: 1 but output shape: \
                     [2]";
        refused(sequence(&[n()], &[("t", &[floats(&[1.0])])]), count);
        let dtype = "Name: dbg, Feature list: t, Index: 0.  Data types don't match. Expected type: float";
        refused(sequence(&[n()], &[("t", &[integers(&[1])])]), dtype);
        let missing = "Name: dbg, Feature list 't' is required but could not be found.  Did you mean to include it in \
                       feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?";
        refused(sequence(&[n()], &[]), missing);
        refused(b"\x01".to_vec(), "Could not parse example input, value: '\x01'");
        let dtype = "Name: dbg, Context feature: n.  Data types don't match. Expected type: int64";
        refused(sequence(&[("n", floats(&[1.0]))], &[]), dtype);
    }
}
