//! The resource behind all `Reader*` operators.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use savedmodel_kernels_list::{Queue, Wanted};
use savedmodel_op::{Context, Resource, Run};
use savedmodel_proto::{Message, ReaderBaseState};
use savedmodel_tensor::{Bytes, Error, Result};

/// What a reader gives at a time.
pub struct Record {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    /// Whether it is known to be the last one of its work unit.
    pub is_last: bool,
}

/// The next record of a work unit; `None` at its end.
pub type Records = Box<dyn FnMut(&Run<'_>) -> Result<Option<Record>> + Send>;

/// Begins a work unit, which is the name of a file or any other string.
pub type Start = Arc<dyn Fn(&Run<'_>, &Bytes) -> Result<Records> + Send + Sync>;

/// A reader: takes strings out of a queue, and gives the records of what they name.
pub struct Reader {
    start: Start,
    /// Whether TensorFlow can write its state.
    keeps_state: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counts: ReaderBaseState,
    current: Option<Records>,
    /// The error that was met in the current work unit, which is met again as long as it is that.
    failed: Option<Error>,
}

impl Resource for Reader {
    fn fork(&self) -> Option<Reader> {
        let state = self.lock();
        let copy = State { counts: state.counts.clone(), ..State::default() };
        // A file that is being read has a place that can't be copied.
        let is_idle = state.current.is_none();
        is_idle.then(|| Reader {
            start: Arc::clone(&self.start),
            keeps_state: self.keeps_state,
            state: Mutex::new(copy),
        })
    }
}

impl Reader {
    /// A reader that has read nothing yet.
    pub fn new(start: Start, keeps_state: bool) -> Reader {
        Reader { start, keeps_state, state: Mutex::default() }
    }

    /// Up to `most` records, all of one work unit if it is not the first that begins here and has none.
    ///
    /// # Errors
    /// Those of the queue and of the files, and `RESOURCE_EXHAUSTED` for more than a tensor may hold.
    pub fn read(&self, most: usize, queue: &Queue, ctx: &Context<'_>) -> Result<Vec<Record>> {
        let (mut state, run, mut bytes) = (self.lock(), ctx.run(), 0);
        let mut records = Vec::new();
        while records.len() < most {
            if state.current.is_none() {
                let work = next_work(queue, ctx)?;
                state.counts.current_work = work.clone();
                state.current = Some((self.start)(&run, &work)?);
                state.counts.work_started += 1;
            }
            let record = state.next(&run)?;
            let is_end = record.as_ref().is_none_or(|record| record.is_last);
            if let Some(record) = record {
                state.counts.num_records_produced += 1;
                bytes += size_of::<Record>() + record.key.len() + record.value.len();
                records.push(record);
            }
            if bytes > run.limits.tensor_bytes {
                return Err(Error::resource_exhausted("the records are larger than the limit"));
            }
            if is_end {
                state.current = None;
                state.counts.work_finished = state.counts.work_started;
                if !records.is_empty() {
                    break;
                }
            }
        }
        Ok(records)
    }

    /// How many records were given, and how many work units were finished.
    pub fn counts(&self) -> [i64; 2] {
        let counts = &self.lock().counts;
        [counts.num_records_produced, counts.work_finished]
    }

    /// Begins anew: forgets what is being read and the counts.
    pub fn reset(&self) {
        *self.lock() = State::default();
    }

    /// The state as a message.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` for readers whose place in a file would belong to it.
    pub fn save(&self) -> Result<Vec<u8>> {
        match self.keeps_state {
            true => Ok(self.lock().counts.encode_to_vec()),
            false => Err(Error::unimplemented("Reader SerializeState")),
        }
    }

    /// Takes the state of a message. After an error the reader begins anew.
    ///
    /// # Errors
    /// As [`Reader::save`], and `INVALID_ARGUMENT` when the message is no state between two work units.
    pub fn restore(&self, message: &Bytes) -> Result<()> {
        self.reset();
        if !self.keeps_state {
            return Err(Error::unimplemented("Reader RestoreState"));
        }
        let counts = ReaderBaseState::decode(message.clone()).map_err(|error| {
            Error::invalid_argument(format!("Could not parse state for a reader: {error}"))
        })?;
        let wrong = match () {
            () if counts.work_started.min(counts.work_finished).min(counts.num_records_produced) < 0 => {
                "Unexpected negative value"
            }
            () if counts.work_started > counts.work_finished => "Inconsistent work started vs. finished",
            () => {
                self.lock().counts = counts;
                return Ok(());
            }
        };
        Err(Error::invalid_argument(format!("{wrong} when restoring a reader: {counts:?}")))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Record>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some(records) = &mut self.current else { return Ok(None) };
        records(run).inspect_err(|error| self.failed = Some(error.clone()))
    }
}

/// The string that a queue gives next.
fn next_work(queue: &Queue, ctx: &Context<'_>) -> Result<Bytes> {
    let tuple = queue.dequeue(Wanted::One, ctx)?;
    let [tensor] = &tuple[..] else {
        return Err(Error::invalid_argument("Expected single component queue"));
    };
    match tensor.strings() {
        Ok([work]) => Ok(work.clone()),
        Ok(_) => Err(Error::invalid_argument("Expected to dequeue a one-element string tensor")),
        Err(_) => Err(Error::invalid_argument("Expected queue with single string component")),
    }
}

#[cfg(test)]
pub(crate) mod cases {
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, TestAttr, parse_tensor, show};
    use savedmodel_tensor::{DType, Tensor};
    use tempfile::TempDir;

    /// A reader with a queue of files, and what operators answer to it.
    pub(crate) struct Reading {
        folder: TempDir,
        resources: ResourceManager,
        reader: Tensor,
        queue: Tensor,
    }

    impl Reading {
        /// A reader that an operator makes, of files `0`, `1` and so on with these contents.
        pub(crate) fn of(name: &str, attrs: &[(&str, TestAttr)], files: &[&[u8]]) -> Reading {
            let (folder, resources) = (tempfile::tempdir().unwrap(), ResourceManager::new());
            let made = |test: OpTest<'_>| test.run().unwrap().remove(0);
            let queue = OpTest::new(operator("FIFOQueueV2")).attr("component_types", vec![DType::String]);
            let queue = made(queue.attr("shared_name", "q").resources(&resources));
            let test = OpTest::new(operator(name)).resources(&resources);
            let reader = made(attrs.iter().fold(test, |test, (name, value)| test.attr(name, value.clone())));
            for (i, content) in files.iter().enumerate() {
                let path = folder.path().join(i.to_string());
                std::fs::write(&path, content).unwrap();
                let name =
                    Tensor::from_strings([], [path.to_string_lossy().into_owned().into_bytes()]).unwrap();
                let put = OpTest::new(operator("QueueEnqueueV2")).resources(&resources);
                put.input(queue.clone()).input(name).run().unwrap();
            }
            Reading { folder, resources, reader, queue }
        }

        /// Where the files are.
        pub(crate) fn folder(&self) -> String {
            self.folder.path().to_string_lossy().into_owned()
        }

        /// What an operator answers.
        pub(crate) fn call(&self, name: &str, inputs: &str) -> String {
            let test = OpTest::new(operator(name)).resources(&self.resources).input(self.reader.clone());
            let test = if name.starts_with("ReaderRead") { test.input(self.queue.clone()) } else { test };
            let inputs = inputs.split(';').map(str::trim).filter(|text| !text.is_empty());
            show(&inputs.fold(test, |test, text| test.input(parse_tensor(text))).run())
        }

        /// Reads so many records.
        pub(crate) fn read(&self, count: &str) -> String {
            self.call("ReaderReadUpToV2", count)
        }
    }

    fn operator(name: &str) -> &'static savedmodel_op::Op {
        let all = crate::OPS.iter().chain(savedmodel_kernels_list::OPS).copied().flatten();
        all.into_iter().find(|op| op.name == name).unwrap()
    }
}
