//! The numbers of a packed matrix, in the forms that products take.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::blocks::Line;
use super::memory::{Memory, Plain};

/// Numbers that several may have.
#[derive(Debug)]
pub struct Numbers<T> {
    /// Shared with matrices that were packed together.
    data: Arc<Memory<T>>,
    /// Where those of this one start: at a cache line, so that rows don't cross any.
    start: usize,
}

impl<T> Clone for Numbers<T> {
    fn clone(&self) -> Self {
        Numbers { data: Arc::clone(&self.data), start: self.start }
    }
}

impl<T: Plain> Numbers<T> {
    /// Those from one of them on.
    pub fn new(data: Arc<Memory<T>>, start: usize) -> Numbers<T> {
        Numbers { data, start }
    }

    /// Some of them.
    pub fn get(&self, range: Range<usize>) -> &[T] {
        &self.data[self.start + range.start..self.start + range.end]
    }
}

/// How often a matrix unit splits the numbers of a matrix on its way before they are kept so: the first answer does not wait for it, and
/// matrices that are used once are not split twice.
const SPLITS: usize = 1;

/// The numbers of a matrix as they are, or split for a matrix unit, which takes half as much memory again: both are kept only when both are
/// asked for in turn.
#[derive(Debug)]
pub struct Kept<T>(Mutex<Forms<T>>);

#[derive(Debug)]
struct Forms<T> {
    plain: Option<Numbers<T>>,
    split: Option<Numbers<Line>>,
    /// How often the unit asked for them, or more than [`SPLITS`] if they stay as they are.
    asked: usize,
}

impl<T: Plain> Kept<T> {
    /// Numbers as they are.
    pub fn new(plain: Numbers<T>) -> Kept<T> {
        Kept(Mutex::new(Forms { plain: Some(plain), split: None, asked: 0 }))
    }

    /// Numbers that stay as they are: of many small matrices that one block of rows after another is multiplied with, which have to
    /// fit in a cache together.
    pub fn always_plain(plain: Numbers<T>) -> Kept<T> {
        Kept(Mutex::new(Forms { plain: Some(plain), split: None, asked: SPLITS + 1 }))
    }

    /// The numbers as they are; `join` makes them from those that are split.
    pub fn plain(&self, join: impl FnOnce(&Numbers<Line>) -> Numbers<T>) -> Numbers<T> {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Forms { plain, split, .. } = &mut *forms;
        match (&plain, split) {
            (Some(plain), _) => plain.clone(),
            (None, Some(split)) => plain.insert(join(split)).clone(),
            (None, None) => unreachable!("there is always one of both"),
        }
    }

    /// The numbers for a matrix unit: split, or as they are. `split` tries to split them, if they are worth to be kept so.
    pub fn for_unit(
        &self,
        is_worth: bool,
        split: impl FnOnce(&Numbers<T>) -> Option<Numbers<Line>>,
    ) -> Result<Numbers<Line>, Numbers<T>> {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(split) = &forms.split {
            return Ok(split.clone());
        }
        let Some(plain) = forms.plain.clone() else { unreachable!("there is always one of both") };
        forms.asked = forms.asked.saturating_add(usize::from(is_worth));
        if !is_worth || forms.asked != SPLITS + 1 {
            return Err(plain);
        }
        let Some(split) = split(&plain) else { return Err(plain) };
        (forms.plain, forms.split) = (None, Some(split.clone()));
        Ok(split)
    }
}

#[cfg(test)]
impl<T> Kept<T> {
    /// Whether the numbers are kept split.
    pub fn is_split(&self) -> bool {
        self.0.lock().unwrap().split.is_some()
    }
}
