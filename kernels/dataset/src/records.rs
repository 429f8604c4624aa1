//! Datasets of what is in files: `TextLineDataset`, `TFRecordDataset`, `FixedLengthRecordDataset` and their like.

use std::io::{Cursor, ErrorKind};
use std::sync::Arc;

use savedmodel_kernels_io::file;
use savedmodel_op::{Context, Kernels, Op, Run};
use savedmodel_tensor::{Bytes, Error, Result, Shape, Tensor};

use crate::dataset::{DATASET, Dataset, Row, give, scalar};
use crate::files::{self, Compression, Source, line, record, skip, take, too_long};

/// Datasets of the lines of files without what ends them, of TFRecords, and of records of one length between a header and a
/// footer.
///
/// Files are read one after the other, perhaps decompressed. After an error the next file is taken.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TextLineDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TFRecordDatasetV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FixedLengthRecordDatasetV2>
pub const OPS: &[Op] = &[
    Op {
        name: "TextLineDataset",
        inputs: &["filenames: string", "compression_type: string", "buffer_size: int64"],
        kernels: Kernels::one(|_| Ok(Box::new(lines))),
        ..FILES
    },
    Op {
        name: "TFRecordDataset",
        inputs: &["filenames: string", "compression_type: string", "buffer_size: int64"],
        kernels: Kernels::one(|_| Ok(Box::new(records))),
        ..FILES
    },
    Op {
        name: "TFRecordDatasetV2",
        inputs: &[
            "filenames: string",
            "compression_type: string",
            "buffer_size: int64",
            "byte_offsets: int64",
        ],
        kernels: Kernels::one(|_| Ok(Box::new(records))),
        ..FILES
    },
    Op {
        name: "FixedLengthRecordDataset",
        inputs: &[
            "filenames: string",
            "header_bytes: int64",
            "record_bytes: int64",
            "footer_bytes: int64",
            "buffer_size: int64",
        ],
        kernels: Kernels::one(|_| Ok(Box::new(fixed))),
        ..FILES
    },
    Op {
        name: "FixedLengthRecordDatasetV2",
        inputs: &[
            "filenames: string",
            "header_bytes: int64",
            "record_bytes: int64",
            "footer_bytes: int64",
            "buffer_size: int64",
            "compression_type: string",
        ],
        kernels: Kernels::one(|_| Ok(Box::new(fixed))),
        ..FILES
    },
];

const FILES: Op = Op { attrs: &["metadata: string = ''"], ..DATASET };

fn compression(ctx: &Context<'_>, i: usize) -> Result<Compression> {
    let name = file::scalar(ctx.input(i), "compression_type must be a scalar, not")?;
    Compression::of(name).ok_or_else(|| Error::invalid_argument("Unsupported compression_type."))
}

/// The names that input 0 holds; the size of buffers in input `buffer` does not matter, if it is no less than `least`.
fn names(ctx: &Context<'_>, buffer: usize, least: i64) -> Result<Arc<[Bytes]>> {
    let names = ctx.input(0);
    if names.rank() > 1 {
        return Err(Error::invalid_argument("`filenames` must be a scalar or a vector."));
    }
    if scalar::<i64>(ctx, buffer, "buffer_size")? < least {
        return Err(Error::invalid_argument("`buffer_size` must be >= 0 (0 == default)"));
    }
    Ok(names.strings()?.into())
}

/// Opens a file that is no directory.
fn open(name: &str, compression: Compression) -> Result<Source> {
    if std::fs::metadata(name).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(file::error(name, ErrorKind::IsADirectory.into()));
    }
    files::open(name, compression)
}

/// The next record of a file; `None` at its end.
type Next = Box<dyn FnMut(&Run<'_>) -> Result<Option<Vec<u8>>> + Send>;

/// The dataset of the records of files, each of which `start` begins with its number and name.
fn of_files(
    names: Arc<[Bytes]>,
    start: impl Fn(&Run<'_>, usize, &str) -> Result<Next> + Send + Sync + 'static,
) -> Dataset {
    let start = Arc::new(start);
    Dataset::new("files", move |_| {
        let (names, start, mut at) = (names.clone(), Arc::clone(&start), 0);
        let mut current: Option<Next> = None;
        Ok(Box::new(move |run: &Run<'_>| -> Result<Option<Row>> {
            loop {
                if let Some(next) = &mut current {
                    let record = next(run);
                    if let Ok(Some(record)) = record {
                        return Ok(Some(vec![Tensor::from_strings(Shape::scalar(), [record])?]));
                    }
                    current = None;
                    record?;
                }
                let Some(name) = names.get(at) else { return Ok(None) };
                at += 1;
                current = Some(start(run, at - 1, file::text(name)?)?);
            }
        }))
    })
}

fn lines(ctx: &mut Context<'_>) -> Result<()> {
    let (names, compression) = (names(ctx, 2, 0)?, compression(ctx, 1)?);
    let lines = of_files(names, move |_, _, name| {
        let (mut source, name) = (open(name, compression)?, name.to_owned());
        Ok(Box::new(move |run: &Run<'_>| line(&mut source, &name, run)))
    });
    give(ctx, lines)
}

fn records(ctx: &mut Context<'_>) -> Result<()> {
    // TensorFlow's own functions leave the size to it with -1.
    let (names, compression) = (names(ctx, 2, -1)?, compression(ctx, 1)?);
    let offsets = if ctx.input_len() == 4 { ctx.input(3).to_i64s()? } else { Vec::new() };
    let records = of_files(names, move |_, index, name| {
        let mut source = open(name, compression)?;
        let offset = offsets.get(index).map_or(0, |&offset| u64::try_from(offset).unwrap_or(0));
        skip(&mut source, offset, name)?;
        let name = name.to_owned();
        Ok(Box::new(move |run: &Run<'_>| record(&mut source, &name, run)))
    });
    give(ctx, records)
}

/// Bytes before the records, in one, and after them.
#[derive(Clone, Copy)]
struct Lengths([i64; 3]);

impl Lengths {
    /// How many records there are in a file of `size` bytes, and what is wrong when they leave some over.
    fn records(self, size: u64, name: &str) -> (u64, Option<String>) {
        let [header, record, footer] = self.0;
        let body = i64::try_from(size).unwrap_or(i64::MAX).saturating_sub(header.saturating_add(footer));
        let wrong = (body % record != 0).then(|| {
            format!(
                "Excluding the header ({header} bytes) and footer ({footer} bytes), input file \"{name}\" has body length \
                 {body} bytes, which is not an exact multiple of the record length ({record} bytes)."
            )
        });
        ((body / record).max(0).unsigned_abs(), wrong)
    }
}

fn fixed(ctx: &mut Context<'_>) -> Result<()> {
    let names = names(ctx, 4, 0)?;
    let mut lengths = [0; 3];
    for (i, (name, least)) in
        [("header_bytes", 0), ("record_bytes", 1), ("footer_bytes", 0)].into_iter().enumerate()
    {
        lengths[i] = scalar(ctx, 1 + i, name)?;
        if lengths[i] < least {
            let bound = if least == 0 { ">= 0" } else { "> 0" };
            return Err(Error::invalid_argument(format!("`{name}` must be {bound}")));
        }
    }
    let compression = if ctx.input_len() == 6 { compression(ctx, 5)? } else { Compression::None };
    let lengths = Lengths(lengths);
    let records = of_files(names, move |run, _, name| {
        let (mut source, limit) = (open(name, compression)?, run.limits.tensor_bytes as u64);
        let (mut left, mut wrong) = if compression == Compression::None {
            let size = std::fs::metadata(name).map_err(|error| file::error(name, error))?.len();
            let (count, wrong) = lengths.records(size, name);
            (count, wrong.map_or(Ok(None), |wrong| Err(Error::invalid_argument(wrong)))?)
        } else {
            let all = take(&mut source, limit, name)?;
            if all.len() as u64 == limit {
                return Err(too_long(name));
            }
            let found = lengths.records(all.len() as u64, name);
            source = Box::new(Cursor::new(all));
            found
        };
        let [header, record, _] = lengths.0.map(i64::unsigned_abs);
        skip(&mut source, header, name)?;
        let name = name.to_owned();
        Ok(Box::new(move |_: &Run<'_>| {
            if left == 0 {
                // How long the body of a compressed file is shows at its end.
                return wrong.take().map_or(Ok(None), |wrong| Err(Error::data_loss(wrong)));
            }
            left -= 1;
            if record >= limit {
                return Err(too_long(&name));
            }
            let bytes = take(&mut source, record, &name)?;
            Ok((bytes.len() as u64 == record).then_some(bytes))
        }))
    });
    give(ctx, records)
}
