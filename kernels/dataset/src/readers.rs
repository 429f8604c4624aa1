//! `TextLineReader`, `WholeFileReader`, `IdentityReader`, `FixedLengthRecordReader` and `TFRecordReader`, in both versions.

use std::sync::Arc;

use savedmodel_kernels_io::file;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{Bytes, Error, Handle, Result, Tensor};

use crate::files::{Compression, line, open, record, skip, take, too_long};
use crate::reader::{Reader, Record, Records, Start};

/// Handles to readers of the session, made if there are none of that name: of the lines of files, whole files, the strings
/// themselves, records of one length, and TFRecords.
///
/// A record's key is its file's name with its number or place, or the name alone.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TextLineReaderV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WholeFileReaderV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IdentityReaderV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FixedLengthRecordReaderV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TFRecordReaderV2>
pub const OPS: &[Op] = &[
    reader("TextLineReader", REFERENCE, LINES, build_lines),
    reader("TextLineReaderV2", RESOURCE, LINES, build_lines),
    reader("WholeFileReader", REFERENCE, PLAIN, build_files),
    reader("WholeFileReaderV2", RESOURCE, PLAIN, build_files),
    reader("IdentityReader", REFERENCE, PLAIN, build_identity),
    reader("IdentityReaderV2", RESOURCE, PLAIN, build_identity),
    reader(
        "FixedLengthRecordReader",
        REFERENCE,
        &[
            "header_bytes: int = 0",
            "record_bytes: int",
            "footer_bytes: int = 0",
            "hop_bytes: int = 0",
            "container: string = ''",
            "shared_name: string = ''",
        ],
        build_fixed,
    ),
    reader(
        "FixedLengthRecordReaderV2",
        RESOURCE,
        &[
            "header_bytes: int = 0",
            "record_bytes: int",
            "footer_bytes: int = 0",
            "hop_bytes: int = 0",
            "container: string = ''",
            "shared_name: string = ''",
            "encoding: string = ''",
        ],
        build_fixed,
    ),
    reader("TFRecordReader", REFERENCE, RECORDS, build_records),
    reader("TFRecordReaderV2", RESOURCE, RECORDS, build_records),
];

const REFERENCE: &[&str] = &["reader_handle: Ref(string)"];
const RESOURCE: &[&str] = &["reader_handle: resource"];
const PLAIN: &[&str] = &["container: string = ''", "shared_name: string = ''"];
const LINES: &[&str] = &["skip_header_lines: int = 0", "container: string = ''", "shared_name: string = ''"];
const RECORDS: &[&str] =
    &["container: string = ''", "shared_name: string = ''", "compression_type: string = ''"];

type Build = fn(&Construction<'_>) -> Result<Box<dyn Kernel>>;

const fn reader(
    name: &'static str,
    outputs: &'static [&'static str],
    attrs: &'static [&'static str],
    build: Build,
) -> Op {
    Op {
        name,
        inputs: &[],
        outputs,
        attrs,
        effect: Effect::Handle,
        shape: shape::unknown,
        kernels: Kernels::one(build),
    }
}

fn kernel(node: &Construction<'_>, keeps_state: bool, start: Start) -> Result<Box<dyn Kernel>> {
    let (container, shared): (String, String) = (node.attr("container")?, node.attr("shared_name")?);
    let name = if shared.is_empty() { node.name.to_owned() } else { shared };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let make = || Ok(Reader::new(Arc::clone(&start), keeps_state));
        let handle: Handle = ctx.run().resources.handle(&container, &name, make)?;
        ctx.set(0, Tensor::from_handles([], vec![handle])?);
        Ok(())
    }))
}

/// The value of an attribute that must not be negative.
fn count(node: &Construction<'_>, attr: &str) -> Result<u64> {
    let value: i64 = node.attr(attr)?;
    u64::try_from(value).map_err(|_| Error::invalid_argument(format!("{attr} must be >= 0 not {value}")))
}

/// The record of a number or place in a file.
fn numbered(name: &str, number: u64, value: Vec<u8>) -> Record {
    Record { key: format!("{name}:{number}").into_bytes(), value, is_last: false }
}

fn build_lines(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let header = count(node, "skip_header_lines")?;
    let start = move |run: &Run<'_>, work: &Bytes| -> Result<Records> {
        let name = file::text(work)?.to_owned();
        let (mut source, mut number) = (open(&name, Compression::None)?, 0);
        while number < header && line(&mut source, &name, run)?.is_some() {
            number += 1;
        }
        Ok(Box::new(move |run: &Run<'_>| {
            number += 1;
            Ok(line(&mut source, &name, run)?.map(|line| numbered(&name, number, line)))
        }))
    };
    kernel(node, false, Arc::new(start))
}

fn build_files(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let start = |_: &Run<'_>, work: &Bytes| -> Result<Records> {
        let work = work.clone();
        Ok(Box::new(move |run: &Run<'_>| {
            let (name, limit) = (file::text(&work)?, run.limits.tensor_bytes as u64);
            let value = take(&mut open(name, Compression::None)?, limit, name)?;
            if value.len() as u64 == limit {
                return Err(too_long(name));
            }
            Ok(Some(Record { key: work.to_vec(), value, is_last: true }))
        }))
    };
    kernel(node, true, Arc::new(start))
}

fn build_identity(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let start = |_: &Run<'_>, work: &Bytes| -> Result<Records> {
        let work = work.to_vec();
        Ok(Box::new(move |_: &Run<'_>| {
            Ok(Some(Record { key: work.clone(), value: work.clone(), is_last: true }))
        }))
    };
    kernel(node, true, Arc::new(start))
}

fn build_fixed(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (header, length) = (count(node, "header_bytes")?, count(node, "record_bytes")?);
    let (footer, hop) = (count(node, "footer_bytes")?, count(node, "hop_bytes")?);
    let hop = if hop == 0 { length } else { hop };
    if !node.op.ends_with("V2") {
        // As TensorFlow, whose kernel of the first version asks for what only the second has.
        return Err(Error::not_found("No attr named 'encoding' in NodeDef:"));
    }
    // An encoding of another name is none.
    let encoding: String = node.attr("encoding")?;
    let compression = Compression::of(encoding.as_bytes()).unwrap_or(Compression::None);
    let whole = length.saturating_add(footer);
    let start = move |_: &Run<'_>, work: &Bytes| -> Result<Records> {
        let name = file::text(work)?.to_owned();
        let mut source = open(&name, compression)?;
        if header > 0 && skip(&mut source, header, &name)? < header {
            return Err(Error::out_of_range("reached end of file"));
        }
        // What was read and not left behind yet.
        let (mut ahead, mut number) = (Vec::new(), 0);
        Ok(Box::new(move |run: &Run<'_>| {
            if number > 0 {
                let known = hop.min(ahead.len() as u64);
                ahead.drain(..known as usize);
                if skip(&mut source, hop - known, &name)? < hop - known {
                    return Ok(None);
                }
            }
            if whole >= run.limits.tensor_bytes as u64 {
                return Err(too_long(&name));
            }
            let more = whole - ahead.len() as u64;
            let read = take(&mut source, more, &name)?;
            if (read.len() as u64) < more {
                return Ok(None);
            }
            ahead.extend(read);
            number += 1;
            Ok(Some(numbered(&name, number - 1, ahead[..length as usize].to_vec())))
        }))
    };
    kernel(node, false, Arc::new(start))
}

fn build_records(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let kind: String = node.attr("compression_type")?;
    if kind == "SNAPPY" {
        return Err(node.unimplemented("compression_type"));
    }
    // A compression of another name is none.
    let compression = Compression::of(kind.as_bytes()).unwrap_or(Compression::None);
    let start = move |_: &Run<'_>, work: &Bytes| -> Result<Records> {
        let name = file::text(work)?.to_owned();
        let (mut source, mut offset) = (open(&name, compression)?, 0);
        Ok(Box::new(move |run: &Run<'_>| {
            /// Length and checksums of a record.
            const FRAME: u64 = 16;
            let at = offset;
            let record = record(&mut source, &name, run)?;
            offset += record.as_ref().map_or(0, |record| record.len() as u64 + FRAME);
            Ok(record.map(|record| numbered(&name, at, record)))
        }))
    };
    kernel(node, false, Arc::new(start))
}

#[cfg(test)]
mod tests {
    use crate::reader::cases::Reading;

    #[test]
    fn kinds() {
        let check = |reading: Reading, want: &[&str]| {
            for &want in want {
                let got = reading.read("int64[] 9").replace(&reading.folder(), "");
                assert!(got == want || want.contains(": ") && got.starts_with(want), "{got}\n{want}");
            }
        };
        let end = "DEADLINE_EXCEEDED: FIFOQueue 'q' has insufficient";
        let lines = Reading::of(
            "TextLineReaderV2",
            &[("skip_header_lines", 1.into())],
            &[b"h\na\r\n\nb", b"h", b"x\r\n\r"],
        );
        check(lines, &["string[3] '/0:2' '/0:3' '/0:4'; string[3] 'a' '' 'b'", end]);
        let files = Reading::of("WholeFileReaderV2", &[], &[b"a\nb", b""]);
        check(files, &["string[1] '/0'; string[1] 'a\nb'", "string[1] '/1'; string[1] ''", end]);
        let names = Reading::of("IdentityReaderV2", &[], &[b"a"]);
        check(names, &["string[1] '/0'; string[1] '/0'", end]);
        let lengths = [("record_bytes", 2.into()), ("hop_bytes", 3.into()), ("header_bytes", 1.into())];
        let fixed = Reading::of("FixedLengthRecordReaderV2", &lengths, &[b"0123456789", b"", b"012"]);
        check(
            fixed,
            &[
                "string[3] '/0:0' '/0:1' '/0:2'; string[3] '12' '45' '78'",
                "OUT_OF_RANGE: reached end of file",
            ],
        );
        let other =
            Reading::of("TFRecordReaderV2", &[("compression_type", "other".into())], &[b"no record at all"]);
        check(other, &["DATA_LOSS: ", "DATA_LOSS: "]);
    }
}
