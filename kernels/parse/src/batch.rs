//! A vector of examples, parsed in parallel.

use savedmodel_math::par;
use savedmodel_op::Run;
use savedmodel_tensor::{Bytes, DType, Error, Result, Shape, Tensor};

use crate::example::{self, Entries};
use crate::feature::{Fixed, dtype_of, floats, integers, strings};
use crate::features::{Features, Kind, Names};
use crate::merge::{self, Column};
use crate::wire::Reader;

/// Bytes of examples that are one task.
const TASK_BYTES: usize = 32 << 10;

/// What is parsed: examples, perhaps their names for messages, and what is asked of them.
pub struct Batch<'a> {
    /// Serialised examples.
    pub examples: &'a [Bytes],
    /// Names of the examples; none, or one for each.
    pub labels: &'a [Bytes],
    /// The features that are asked for.
    pub features: &'a Features,
    /// Their names.
    pub names: &'a Names,
    /// Values for dense features that are missing.
    pub defaults: Vec<&'a Tensor>,
}

/// The tensors that features become.
#[derive(Default)]
pub struct Parsed {
    /// Indices, values and shape of each sparse feature.
    pub sparse: Vec<[Tensor; 3]>,
    /// Dense features.
    pub dense: Vec<Tensor>,
    /// Values and splits of each ragged feature.
    pub ragged: Vec<[Tensor; 2]>,
}

/// Rows of a dense output that a task fills, or nothing where the number of values varies.
enum Rows<'a> {
    Float(&'a mut [f32]),
    Int64(&'a mut [i64]),
    String(&'a mut [Bytes]),
    Varying,
}

/// Some examples and what becomes of them.
struct Task<'a> {
    first: usize,
    rows: Vec<Rows<'a>>,
    /// What can't be written to its place at once, by number of feature.
    columns: Vec<Option<Column>>,
    result: Result<()>,
}

impl Batch<'_> {
    /// Parses all examples.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the first example that is malformed or has not what is asked for.
    pub fn parse(&self, run: &Run<'_>) -> Result<Parsed> {
        let n = self.examples.len();
        let bytes: usize = self.examples.iter().map(|example| example.len() + 100).sum();
        let grain = (n.saturating_mul(TASK_BYTES) / bytes.max(1)).max(1);
        let mut dense = Vec::with_capacity(self.features.dense.len());
        for feature in &self.features.dense {
            let shape: Shape = std::iter::once(n).chain(feature.inner()).collect();
            dense.push(if feature.is_variable { None } else { Some(run.allocate(feature.dtype, shape)?) });
        }
        let mut tasks: Vec<Task<'_>> = (0..n)
            .step_by(grain)
            .map(|first| Task { first, rows: Vec::new(), columns: self.columns(), result: Ok(()) })
            .collect();
        for (tensor, feature) in dense.iter_mut().zip(&self.features.dense) {
            share_rows(&mut tasks, tensor.as_mut(), grain * feature.stride)?;
        }
        par::for_chunks_mut(&mut tasks, 1, |_, tasks| {
            for task in tasks {
                let end = n.min(task.first + grain);
                task.result = self.run_task(task, end);
            }
        });
        let mut columns = Vec::with_capacity(tasks.len());
        for task in tasks {
            task.result?;
            columns.push(task.columns);
        }
        self.merge(run, dense, columns)
    }

    fn columns(&self) -> Vec<Option<Column>> {
        let column = |number| match self.features.kind(number) {
            Kind::Dense(i) if !self.features.dense[i].is_variable => None,
            _ => Some(Column::new(self.features.dtype(number))),
        };
        (0..self.features.len()).map(column).collect()
    }

    fn run_task(&self, task: &mut Task<'_>, end: usize) -> Result<()> {
        let mut entries = Entries::new();
        let mut seen = vec![usize::MAX; self.features.len()];
        for index in task.first..end {
            example::read(&self.examples[index], &mut entries)?;
            // The last of equal names wins.
            for (name, feature) in entries.iter().rev() {
                if let Some(number) = self.names.find(name) {
                    self.take(task, index, (number, feature), &mut seen)?;
                }
            }
            self.fill_missing(task, index, &seen)?;
        }
        Ok(())
    }

    fn take(
        &self,
        task: &mut Task<'_>,
        index: usize,
        (number, feature): (usize, &[u8]),
        seen: &mut [usize],
    ) -> Result<()> {
        let found = match feature.first() {
            None => None,
            Some(&tag) => {
                Some(dtype_of(tag).ok_or_else(|| Error::invalid_argument("Unsupported datatype."))?)
            }
        };
        let is_dense = matches!(self.features.kind(number), Kind::Dense(_));
        if found.is_none() && is_dense || seen[number] == index {
            return Ok(());
        }
        seen[number] = index;
        let wanted = self.features.dtype(number);
        if let Some(found) = found.filter(|&found| found != wanted) {
            return Err(self.fault(
                index,
                number,
                &match is_dense {
                    true => format!("Data types don't match. Data type: {found} but expected type: {wanted}"),
                    false => format!("Data types don't match. Expected type: {wanted}, Actual type: {found}"),
                },
            ));
        }
        let mut reader = Reader::new(feature.get(1..).unwrap_or_default());
        let owner = &self.examples[index];
        match &mut task.columns[number] {
            Some(column) => {
                let before = column.values.len();
                if found.is_some() {
                    let read = column.values.read(&mut reader, owner);
                    read.ok_or_else(|| self.malformed(index, number))?;
                }
                column.ends.push(column.values.len());
                self.check_stride(index, number, column.values.len() - before)
            }
            None => self.take_row(&mut task.rows[number], index - task.first, (index, number), &mut reader),
        }
    }

    /// Writes the values of a dense feature to their place.
    fn take_row(
        &self,
        rows: &mut Rows<'_>,
        row: usize,
        (index, number): (usize, usize),
        reader: &mut Reader<'_>,
    ) -> Result<()> {
        let stride = self.features.dense[number].stride;
        let place = row * stride..(row + 1) * stride;
        let (count, what) = match rows {
            Rows::Float(rows) => {
                let mut place = Fixed::new(&mut rows[place]);
                (floats(reader, &mut place).map(|()| place.count()), "float")
            }
            Rows::Int64(rows) => {
                let mut place = Fixed::new(&mut rows[place]);
                (integers(reader, &mut place).map(|()| place.count()), "int64")
            }
            Rows::String(rows) => {
                let mut place = Fixed::new(&mut rows[place]);
                (strings(reader, &self.examples[index], &mut place).map(|()| place.count()), "bytes")
            }
            Rows::Varying => (None, ""),
        };
        match count {
            Some(count) if count == stride => Ok(()),
            Some(count) => Err(self.fault(
                index,
                number,
                &format!(
                    "Number of {what} values != expected.  Values size: {count} but output shape: {}",
                    self.features.dense[number].shape
                ),
            )),
            None => Err(self.malformed(index, number)),
        }
    }

    fn check_stride(&self, index: usize, number: usize, count: usize) -> Result<()> {
        let Kind::Dense(d) = self.features.kind(number) else { return Ok(()) };
        let dense = &self.features.dense[d];
        if count.checked_rem(dense.stride).unwrap_or(count) == 0 {
            return Ok(());
        }
        let what = match dense.dtype {
            DType::Float => "float",
            DType::String => "bytes",
            _ => "int64",
        };
        let shape = &dense.shape;
        Err(self.fault(
            index,
            number,
            &format!(
                "Number of {what} values is not a multiple of stride length. Saw {count} values but output shape is: \
                 {shape}"
            ),
        ))
    }

    fn fill_missing(&self, task: &mut Task<'_>, index: usize, seen: &[usize]) -> Result<()> {
        for (number, &last) in seen.iter().enumerate() {
            if last == index {
                continue;
            }
            if let Some(column) = &mut task.columns[number] {
                column.ends.push(column.values.len());
                continue;
            }
            let default = self.defaults[number];
            let dense = &self.features.dense[number];
            if default.elements() == 0 {
                return Err(Error::invalid_argument(format!(
                    "Name: {}, Feature: {} (data type: {}) is required but could not be found.",
                    self.label(index),
                    String::from_utf8_lossy(&self.names.names[number]),
                    dense.dtype
                )));
            }
            let row = index - task.first;
            let place = row * dense.stride..(row + 1) * dense.stride;
            match &mut task.rows[number] {
                Rows::Float(rows) => rows[place].copy_from_slice(default.as_slice()?),
                Rows::Int64(rows) => rows[place].copy_from_slice(default.as_slice()?),
                Rows::String(rows) => rows[place].clone_from_slice(default.strings()?),
                Rows::Varying => {}
            }
        }
        Ok(())
    }

    fn merge(
        &self,
        run: &Run<'_>,
        dense: Vec<Option<Tensor>>,
        mut parts: Vec<Vec<Option<Column>>>,
    ) -> Result<Parsed> {
        let mut parsed = Parsed::default();
        let mut dense = dense.into_iter();
        for number in 0..self.features.len() {
            let columns: Vec<Column> = parts.iter_mut().filter_map(|part| part[number].take()).collect();
            let dtype = self.features.dtype(number);
            match self.features.kind(number) {
                Kind::Dense(d) => parsed.dense.push(match dense.next().flatten() {
                    Some(tensor) => tensor,
                    None => merge::padded(
                        run,
                        &self.features.dense[d],
                        self.defaults[d],
                        self.examples.len(),
                        columns,
                    )?,
                }),
                Kind::Sparse(_) => parsed.sparse.push(merge::sparse(dtype, self.examples.len(), columns)?),
                Kind::Ragged(r) => {
                    parsed.ragged.push(merge::ragged(dtype, self.features.ragged[r].1, columns)?)
                }
            }
        }
        Ok(parsed)
    }

    fn label(&self, index: usize) -> String {
        self.labels
            .get(index)
            .map_or_else(|| "<unknown>".into(), |label| String::from_utf8_lossy(label).into_owned())
    }

    #[cold]
    fn fault(&self, index: usize, number: usize, what: &str) -> Error {
        let name = String::from_utf8_lossy(&self.names.names[number]);
        Error::invalid_argument(format!("Name: {}, Key: {name}, Index: {index}.  {what}", self.label(index)))
    }

    #[cold]
    fn malformed(&self, index: usize, number: usize) -> Error {
        self.fault(index, number, "Can't parse serialized Example.")
    }
}

/// Gives each task its rows of a dense output.
fn share_rows<'a>(tasks: &mut [Task<'a>], tensor: Option<&'a mut Tensor>, len: usize) -> Result<()> {
    fn share<'a, T>(
        tasks: &mut [Task<'a>],
        values: &'a mut [T],
        len: usize,
        rows: fn(&'a mut [T]) -> Rows<'a>,
    ) {
        let mut rest = values;
        for task in tasks {
            let (part, others) = rest.split_at_mut(len.min(rest.len()));
            task.rows.push(rows(part));
            rest = others;
        }
    }
    match tensor {
        Some(tensor) if tensor.dtype() == DType::Float => {
            share(tasks, tensor.as_mut_slice()?, len, Rows::Float)
        }
        Some(tensor) if tensor.dtype() == DType::Int64 => {
            share(tasks, tensor.as_mut_slice()?, len, Rows::Int64)
        }
        Some(tensor) => share(tasks, tensor.units_mut()?, len, Rows::String),
        None => tasks.iter_mut().for_each(|task| task.rows.push(Rows::Varying)),
    }
    Ok(())
}
