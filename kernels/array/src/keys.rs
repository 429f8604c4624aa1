//! Numbers that are equal exactly when elements are, for operators that look for duplicates.

use rustc_hash::{FxBuildHasher, FxHashMap};
use savedmodel_tensor::{DType, Element, Error, Result, Tensor, bf16, f16};

/// What stands for an element; `None` for one that equals nothing, not even itself (NaN).
pub(crate) type Key = Option<u64>;

trait Keyed: Element {
    fn key(self) -> Key;
}

macro_rules! integers {
    ($($type:ty)*) => { $(impl Keyed for $type { fn key(self) -> Key { Some(self as u64) } })* };
}

macro_rules! floats {
    ($($type:ty)*) => { $(impl Keyed for $type {
        fn key(self) -> Key {
            // TensorFlow hashes the two zeros alike, except those of sixteen bits.
            let is_zero = size_of::<$type>() > 2 && self == <$type>::default();
            (!self.is_nan()).then(|| if is_zero { 0 } else { u64::from(self.to_bits()) })
        }
    })* };
}

integers!(i8 i16 i32 i64 u8 u16 u32 u64 bool);
floats!(f32 f64 f16 bf16);

/// The keys of the elements of several tensors of one dtype, comparable with each other.
///
/// # Errors
/// `UNIMPLEMENTED` for a dtype that can't be compared.
pub(crate) fn keys(tensors: &[&Tensor]) -> Result<Vec<Vec<Key>>> {
    fn each<T: Keyed>(tensors: &[&Tensor]) -> Result<Vec<Vec<Key>>> {
        tensors.iter().map(|t| Ok(t.as_slice::<T>()?.iter().map(|&v| v.key()).collect())).collect()
    }
    match tensors.first().map(|t| t.dtype()) {
        None => Ok(Vec::new()),
        Some(DType::Float) => each::<f32>(tensors),
        Some(DType::Double) => each::<f64>(tensors),
        Some(DType::Half) => each::<f16>(tensors),
        Some(DType::Bfloat16) => each::<bf16>(tensors),
        Some(DType::Int8) => each::<i8>(tensors),
        Some(DType::Int16) => each::<i16>(tensors),
        Some(DType::Int32) => each::<i32>(tensors),
        Some(DType::Int64) => each::<i64>(tensors),
        Some(DType::Uint8) => each::<u8>(tensors),
        Some(DType::Uint16) => each::<u16>(tensors),
        Some(DType::Uint32) => each::<u32>(tensors),
        Some(DType::Uint64) => each::<u64>(tensors),
        Some(DType::Bool) => each::<bool>(tensors),
        Some(DType::String) => strings(tensors),
        Some(other) => Err(Error::unimplemented(format!("elements of dtype {other} are not compared"))),
    }
}

fn strings(tensors: &[&Tensor]) -> Result<Vec<Vec<Key>>> {
    let mut seen: FxHashMap<&[u8], u64> = FxHashMap::default();
    let mut all = Vec::with_capacity(tensors.len());
    for t in tensors {
        let mut keys = Vec::with_capacity(t.elements());
        for string in t.strings()? {
            let next = seen.len() as u64;
            keys.push(Some(*seen.entry(string).or_insert(next)));
        }
        all.push(keys);
    }
    Ok(all)
}

/// Elements for which there is room before it is known how many are distinct.
const FEW: usize = 1 << 10;

/// Distinct things in the order in which they first appear.
#[derive(Default)]
pub(crate) struct Distinct {
    /// For each thing, the number of the distinct one that it equals.
    pub numbers: Vec<i64>,
    /// For each distinct one, where it first appears.
    pub firsts: Vec<usize>,
    /// For each distinct one, how often it appears.
    pub counts: Vec<i64>,
}

impl Distinct {
    /// Of elements.
    pub fn elements(keys: &[Key]) -> Distinct {
        let mut seen = FxHashMap::with_capacity_and_hasher(keys.len().min(FEW), FxBuildHasher);
        Distinct::of(keys.len(), |i, next| match keys[i] {
            Some(key) => *seen.entry(key).or_insert(next),
            None => next,
        })
    }

    /// Of `count` rows, each given as the keys of its elements.
    pub fn rows(count: usize, row: impl Fn(usize) -> Vec<Key>) -> Distinct {
        let mut seen: FxHashMap<Vec<u64>, usize> = FxHashMap::default();
        Distinct::of(count, |i, next| match row(i).into_iter().collect::<Option<Vec<u64>>>() {
            Some(keys) => *seen.entry(keys).or_insert(next),
            None => next,
        })
    }

    fn of(count: usize, mut number: impl FnMut(usize, usize) -> usize) -> Distinct {
        let mut distinct = Distinct { numbers: Vec::with_capacity(count), ..Distinct::default() };
        for i in 0..count {
            let number = number(i, distinct.firsts.len());
            if number == distinct.firsts.len() {
                distinct.firsts.push(i);
                distinct.counts.push(0);
            }
            distinct.counts[number] += 1;
            distinct.numbers.push(number as i64);
        }
        distinct
    }
}
