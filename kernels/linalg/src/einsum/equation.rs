//! Equations such as `...ij,jk->...ik`.

use savedmodel_tensor::{Error, Result};

/// A dimension: the name in the equation, or the place in the ellipsis, counted from the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A letter (or any other byte).
    Name(u8),
    /// A dimension that the ellipsis stands for.
    Ellipsis(usize),
}

/// One term: names around at most one ellipsis.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    before: Vec<u8>,
    /// What follows the ellipsis, if there is one.
    after: Option<Vec<u8>>,
}

/// An equation, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    inputs: Vec<Term>,
    output: Term,
}

impl Equation {
    /// Reads an equation of one or two inputs.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` as TensorFlow's.
    pub fn parse(text: &str) -> Result<Equation> {
        let sides: Vec<&str> = text.split("->").collect();
        let [inputs, output] = sides[..] else {
            return Err(Error::invalid_argument(format!(
                "Expecting exactly one '->' in einsum equation: {text}"
            )));
        };
        let inputs = inputs.split(',').map(Term::parse).collect::<Result<Vec<_>>>()?;
        if inputs.len() > 2 {
            return Err(Error::invalid_argument(format!(
                "Expecting 1 or 2 input subscripts in equation '{text}' but got: {}",
                inputs.len()
            )));
        }
        let output = Term::parse(output)?;
        if let Some(name) = output.names().find(|&name| !inputs.iter().any(|i| i.names().any(|n| n == name)))
        {
            return Err(Error::invalid_argument(format!(
                "Einsum output subscripts for equation '{text}' has label '{}' which is not present in the input \
                 subscripts",
                char::from(name)
            )));
        }
        Ok(Equation { inputs, output })
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// The labels of inputs of these ranks, and of the output.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` as TensorFlow's, when a rank does not fit.
    pub fn labels(&self, ranks: &[usize]) -> Result<(Vec<Vec<Label>>, Vec<Label>)> {
        let mut widest = 0;
        let mut inputs = Vec::new();
        for (i, (term, &rank)) in self.inputs.iter().zip(ranks).enumerate() {
            let names = term.names().count();
            let Some(ellipsis) = rank.checked_sub(names).filter(|&n| n == 0 || term.after.is_some()) else {
                let least = if term.after.is_some() { "at least " } else { "" };
                return Err(Error::invalid_argument(format!(
                    "Expected input {i} to have rank {least}{names} but got: {rank}"
                )));
            };
            widest = widest.max(ellipsis);
            inputs.push(term.labels(ellipsis));
        }
        if widest > 0 && self.output.after.is_none() {
            return Err(Error::invalid_argument(format!(
                "Output contains {widest} broadcasting dimension(s) but no ellipsis (...) was found in the output \
                 subscripts."
            )));
        }
        Ok((inputs, self.output.labels(widest)))
    }
}

impl Term {
    fn parse(text: &str) -> Result<Term> {
        let periods = text.matches('.').count();
        match text.split_once("...") {
            None if periods == 0 => Ok(Term { before: text.as_bytes().to_vec(), after: None }),
            Some((before, after)) if periods == 3 => {
                Ok(Term { before: before.as_bytes().to_vec(), after: Some(after.as_bytes().to_vec()) })
            }
            _ => Err(Error::invalid_argument(format!(
                "Expected at most one ellipsis (...), but found {periods} periods (.) in the input subscript: {text}"
            ))),
        }
    }

    fn names(&self) -> impl Iterator<Item = u8> {
        self.before.iter().chain(self.after.iter().flatten()).copied()
    }

    fn labels(&self, ellipsis: usize) -> Vec<Label> {
        let before = self.before.iter().map(|&name| Label::Name(name));
        let after = self.after.iter().flatten().map(|&name| Label::Name(name));
        before.chain((0..ellipsis).rev().map(Label::Ellipsis)).chain(after).collect()
    }
}
