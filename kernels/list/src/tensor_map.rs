//! The value that all `TensorMap*` operators pass around.

use std::hash::{Hash, Hasher};

use indexmap::IndexMap;
use savedmodel_op::Context;
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor, Variant, VariantValue, sum_inside};

/// A map from tensors to tensors, in the order in which keys were inserted.
///
/// It travels as the only element of a scalar `variant` tensor. Like every variant it is a value: an operator that
/// changes a map changes it in place if nobody else holds it, and a copy of it otherwise.
#[derive(Clone, Debug, Default)]
pub struct TensorMap {
    /// The values by key.
    pub entries: IndexMap<Key, Tensor>,
}

impl VariantValue for TensorMap {
    fn type_name(&self) -> &'static str {
        "tensorflow::TensorMap"
    }

    fn zeros_like(&self) -> Result<Variant> {
        let zeros =
            |(key, value): (&Key, &Tensor)| Ok((key.clone(), Tensor::zeros(value.dtype(), value.shape())?));
        Ok(Variant::new(TensorMap { entries: self.entries.iter().map(zeros).collect::<Result<_>>()? }))
    }

    /// The entries of both maps, and sums for the keys that both have.
    fn sum(&self, other: &Variant) -> Result<Variant> {
        let mut entries = self.entries.clone();
        for (key, value) in other.get::<TensorMap>().into_iter().flat_map(|map| &map.entries) {
            let value = match entries.get(key) {
                Some(mine) => sum_inside(mine, value)?,
                None => value.clone(),
            };
            entries.insert(key.clone(), value);
        }
        Ok(Variant::new(TensorMap { entries }))
    }
}

/// A key: two are equal if dtype, shape and all bytes are, so that NaN is equal to itself and -0 is not 0.
#[derive(Clone, Debug)]
pub struct Key(Tensor);

impl Key {
    /// The key that a tensor is.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` for handles and variants.
    pub fn new(tensor: Tensor) -> Result<Key> {
        match tensor.dtype() {
            dtype @ (DType::Resource | DType::Variant) => {
                Err(Error::unimplemented(format!("a tensor of {dtype} as the key of a tensor map")))
            }
            _ => Ok(Key(tensor)),
        }
    }

    /// The tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.0
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let (a, b) = (&self.0, &other.0);
        a.dtype() == b.dtype()
            && a.shape() == b.shape()
            && match (a.strings(), b.strings()) {
                (Ok(a), Ok(b)) => a == b,
                _ => a.bytes() == b.bytes(),
            }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.shape().dims().hash(state);
        match self.0.strings() {
            Ok(strings) => strings.hash(state),
            Err(_) => self.0.bytes().hash(state),
        }
    }
}

impl TensorMap {
    /// The map in a scalar `variant` tensor.
    ///
    /// # Errors
    /// None in practice.
    pub fn into_tensor(self) -> Result<Tensor> {
        Tensor::from_variants(Shape::scalar(), vec![Variant::new(self)])
    }

    /// The map that a scalar `variant` tensor holds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the tensor is no scalar or holds something else.
    pub fn of(handle: &Tensor) -> Result<&TensorMap> {
        match handle.variants()? {
            [variant] if handle.rank() == 0 => variant.get().ok_or_else(|| {
                Error::invalid_argument(format!("Input handle is not a map. Saw: '{variant:?}'"))
            }),
            _ => Err(Error::invalid_argument(format!("Input map must be a scalar. Saw: {}", handle.shape()))),
        }
    }

    /// Takes the map of input 0, to change; it is copied if somebody else holds it too.
    ///
    /// # Errors
    /// As [`TensorMap::of`], and those of `change`.
    pub(crate) fn change(
        ctx: &mut Context<'_>,
        change: impl FnOnce(&mut TensorMap) -> Result<()>,
    ) -> Result<Tensor> {
        TensorMap::of(ctx.input(0))?;
        let mut handle = ctx.take(0);
        let map = handle.units_mut::<Variant>()?[0].make_mut();
        change(map.ok_or_else(|| Error::internal("a map changed its type"))?)?;
        Ok(handle)
    }
}

/// An error that names a key that is not there.
pub(crate) fn missing(what: &str, key: &Key) -> Error {
    Error::invalid_argument(format!("{what} Could not find key {:?}.", key.tensor()))
}

#[cfg(test)]
pub(crate) mod cases {
    use super::*;
    use savedmodel_op::Op;
    use savedmodel_op::testing::{OpTest, parse_tensor, show};

    /// A map of tensors written as text.
    pub(crate) fn map(entries: &[(&str, &str)]) -> Tensor {
        let entry =
            |&(key, value): &(&str, &str)| (Key::new(parse_tensor(key)).unwrap(), parse_tensor(value));
        TensorMap { entries: entries.iter().map(entry).collect() }.into_tensor().unwrap()
    }

    /// What an operator answers to a map and tensors written as text; maps are shown by their entries.
    pub(crate) fn call(op: &'static Op, dtype: Option<DType>, map: Tensor, inputs: &[&str]) -> String {
        let test =
            inputs.iter().fold(OpTest::new(op).input(map), |test, text| test.input(parse_tensor(text)));
        let attr = if op.name.ends_with("Keys") { "key_dtype" } else { "value_dtype" };
        let test = dtype.into_iter().fold(test, |test, dtype| test.attr(attr, dtype));
        let entry = |(key, value): (&Key, &Tensor)| show(&Ok(vec![key.tensor().clone(), value.clone()]));
        match test.run() {
            Ok(outputs) if outputs[0].dtype() == DType::Variant => {
                let map = TensorMap::of(&outputs[0]).unwrap();
                map.entries.iter().map(entry).collect::<Vec<_>>().join(" | ")
            }
            result => show(&result),
        }
    }

    #[test]
    fn keys_by_bytes() {
        let key = |text: &str| Key::new(parse_tensor(text)).unwrap();
        assert_eq!(key("float[] nan"), key("float[] nan"));
        assert_ne!(key("float[] 0"), key("float[] -0"));
        assert_ne!(key("int32[1] 1"), key("int32[] 1"));
        assert_ne!(key("int32[] 1"), key("int64[] 1"));
        assert_eq!(key("string[1] 'a'"), key("string[1] 'a'"));
        assert!(Key::new(map(&[])).is_err());
        let zeros = TensorMap::of(&map(&[("int32[] 1", "float[1] 5")])).unwrap().zeros_like().unwrap();
        let zeros = zeros.get::<TensorMap>().unwrap();
        assert_eq!(show(&Ok(vec![zeros.entries[0].clone()])), "float[1] 0");
    }
}
