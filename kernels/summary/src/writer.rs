//! Writers, as resources.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Resource, shape};
use savedmodel_tensor::{Bytes, Code, Element, Error, Result, Tensor};

use crate::events::{Events, Patience};

/// `SummaryWriter` gives a handle to the writer of a name, which `CreateSummaryFileWriter` opens unless it is open; its file is in
/// `logdir`. `FlushSummaryWriter` writes what waits, `CloseSummaryWriter` does too and ends the writer.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SummaryWriter>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CreateSummaryFileWriter>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FlushSummaryWriter>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CloseSummaryWriter>
pub const OPS: &[Op] = &[
    Op {
        name: "SummaryWriter",
        inputs: &[],
        outputs: &["writer: resource"],
        attrs: &["shared_name: string = ''", "container: string = ''"],
        effect: Effect::Handle,
        shape: shape::scalar,
        kernels: Kernels::one(build_handle),
    },
    Op {
        name: "CreateSummaryFileWriter",
        inputs: &[
            "writer: resource",
            "logdir: string",
            "max_queue: int32",
            "flush_millis: int32",
            "filename_suffix: string",
        ],
        kernels: Kernels::one(build_create),
        ..END
    },
    Op { name: "FlushSummaryWriter", kernels: Kernels::one(build_flush), ..END },
    Op { name: "CloseSummaryWriter", kernels: Kernels::one(build_close), ..END },
];

const END: Op = Op {
    name: "",
    inputs: &["writer: resource"],
    outputs: &[],
    attrs: &[],
    effect: Effect::External,
    shape: shape::none,
    kernels: Kernels::one(build_flush),
};

/// A writer that may be open. Copies of a session write to the same file.
pub(crate) struct Writer {
    container: String,
    name: String,
    open: Mutex<Option<Arc<Mutex<Events>>>>,
}

impl Resource for Writer {
    fn fork(&self) -> Option<Writer> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Writer { container: self.container.clone(), name: self.name.clone(), open: Mutex::new(open) })
    }
}

impl Writer {
    fn missing(&self) -> Error {
        let container = if self.container.is_empty() { "localhost" } else { &self.container };
        let name = &self.name;
        let text =
            format!("Resource {container}/{name}/N10tensorflow22SummaryWriterInterfaceE does not exist.");
        Error::new(Code::NotFound, text)
    }

    /// Does something with the file.
    ///
    /// # Errors
    /// `NOT_FOUND` when the writer is not open.
    pub fn with(&self, what: impl FnOnce(&mut Events) -> Result<()>) -> Result<()> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let events = open.ok_or_else(|| self.missing())?;
        what(&mut events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The only element of an input.
///
/// # Errors
/// `INVALID_ARGUMENT` when it has none or several.
pub(crate) fn one<'a, T: Element>(ctx: &'a Context<'_>, i: usize, name: &str) -> Result<&'a T> {
    match ctx.input(i).as_slice::<T>()? {
        [only] => Ok(only),
        _ => Err(not_one(ctx.input(i), name)),
    }
}

/// The only string of an input.
///
/// # Errors
/// As [`one`].
pub(crate) fn string<'a>(ctx: &'a Context<'_>, i: usize, name: &str) -> Result<&'a Bytes> {
    match ctx.input(i).strings()? {
        [only] => Ok(only),
        _ => Err(not_one(ctx.input(i), name)),
    }
}

fn not_one(tensor: &Tensor, name: &str) -> Error {
    Error::invalid_argument(format!("{name} must be a scalar, got shape {}", tensor.shape()))
}

fn build_handle(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (container, name): (String, String) = (node.attr("container")?, node.attr("shared_name")?);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = || Ok(Writer { container: container.clone(), name: name.clone(), open: Mutex::new(None) });
        let handle = ctx.run().resources.handle(&container, &name, make)?;
        ctx.set(0, Tensor::from_handles([], vec![handle])?);
        Ok(())
    }))
}

fn build_create(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let text = |i: usize, name: &str| {
            let bytes = string(ctx, i, name)?;
            let text = std::str::from_utf8(bytes);
            text.map_err(|_| Error::invalid_argument(format!("{name} is not UTF-8: {bytes:?}")))
        };
        let directory = PathBuf::from(text(1, "logdir")?);
        let patience = Patience { events: *one(ctx, 2, "max_queue")?, millis: *one(ctx, 3, "flush_millis")? };
        let suffix = text(4, "filename_suffix")?;
        let writer = ctx.resource::<Writer>(0)?;
        let mut open = writer.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            *open = Some(Arc::new(Mutex::new(Events::create(&directory, suffix, patience)?)));
        }
        Ok(())
    }))
}

fn build_flush(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| ctx.resource::<Writer>(0)?.with(Events::flush)))
}

fn build_close(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let writer = ctx.resource::<Writer>(0)?;
        let open = writer.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        open.map(drop).ok_or_else(|| writer.missing())
    }))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use savedmodel_op::ResourceManager;
    use savedmodel_op::testing::{OpTest, parse_tensor};
    use savedmodel_proto::tfrecord;

    /// Runs an operator of the family on the writer `w`: `"ok"`, or its error.
    pub fn call(
        resources: &ResourceManager,
        name: &str,
        attrs: &[(&str, i64)],
        inputs: Vec<Tensor>,
    ) -> String {
        let op = crate::OPS.iter().flat_map(|ops| ops.iter()).find(|op| op.name == name).unwrap();
        let handle = OpTest::new(&OPS[0]).attr("shared_name", "w").resources(resources).run().unwrap();
        let test = OpTest::new(op).resources(resources).input(handle[0].clone());
        let test = attrs.iter().fold(test, |test, &(name, value)| test.attr(name, value));
        let run = inputs.into_iter().fold(test, OpTest::input).run();
        run.map_or_else(|error| error.to_string(), |_| "ok".to_owned())
    }

    /// The inputs that make a file in a directory.
    pub fn place(directory: &std::path::Path, waiting: i32) -> Vec<Tensor> {
        let directory = Tensor::from_strings([], [directory.to_str().unwrap().to_owned()]).unwrap();
        let rest = ["int32[] 100000", "string[] '.v2'"].map(parse_tensor);
        [directory, Tensor::scalar(waiting)].into_iter().chain(rest).collect()
    }

    /// The events of the only file of a directory without the times, after the first.
    pub fn events(directory: &std::path::Path) -> Vec<Vec<u8>> {
        let mut files = std::fs::read_dir(directory).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none() && file.extension().unwrap() == "v2", "{}", file.display());
        let file = std::fs::read(file).unwrap();
        let mut records = tfrecord::Reader::new(&file[..]).map(|record| record.unwrap()[9..].to_vec());
        let first = b"\x1a\rbrain.Event:2R$\n\"tensorflow.core.util.events_writer";
        assert_eq!(records.next().unwrap(), first);
        records.collect()
    }

    #[test]
    fn life() {
        let (resources, directory) = (ResourceManager::new(), tempfile::tempdir().unwrap());
        let missing =
            "NOT_FOUND: Resource localhost/w/N10tensorflow22SummaryWriterInterfaceE does not exist.";
        let check = |name: &str, inputs: Vec<Tensor>, want: &str| {
            assert_eq!(call(&resources, name, &[], inputs), want, "{name}");
        };
        let scalar = || ["int64[] 0", "string[] 's'", "float[] 1"].map(parse_tensor).to_vec();
        for name in ["FlushSummaryWriter", "CloseSummaryWriter"] {
            check(name, vec![], missing);
        }
        check("WriteScalarSummary", scalar(), missing);
        let inside = directory.path().join("a/b");
        check("CreateSummaryFileWriter", place(&inside, 1), "ok");
        check("CreateSummaryFileWriter", place(directory.path(), 1), "ok");
        let mut lengths = Vec::new();
        for _ in 0..3 {
            check("WriteScalarSummary", scalar(), "ok");
            lengths.push(events(&inside).len());
        }
        assert_eq!(lengths, [0, 2, 2]);
        check("FlushSummaryWriter", vec![], "ok");
        check("WriteScalarSummary", scalar(), "ok");
        assert_eq!(events(&inside).len(), 3);
        check("CloseSummaryWriter", vec![], "ok");
        check("CloseSummaryWriter", vec![], missing);
        assert_eq!(events(&inside).len(), 4);
        let file = std::fs::read_dir(&inside).unwrap().next().unwrap().unwrap().path();
        for path in [file.clone(), file.join("x")] {
            let error = call(&resources, "CreateSummaryFileWriter", &[], place(&path, 1));
            assert!(error.starts_with("FAILED_PRECONDITION"), "{error}");
        }
    }
}
