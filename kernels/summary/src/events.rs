//! Files of events.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use savedmodel_op::message::{bytes, varint};
use savedmodel_proto::tfrecord;
use savedmodel_tensor::{Code, Error, Result};

/// What waits to be written is written when it is larger, however much a writer may keep.
const MOST_WAITING_BYTES: usize = 16 << 20;

/// When events go to the file: that many may wait, for so many milliseconds. Negative is without end.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub events: i32,
    pub millis: i32,
}

impl Patience {
    fn is_over(self, waiting: usize, last: Instant) -> bool {
        // TensorFlow compares both as numbers without sign.
        let micros = i64::from(self.millis.wrapping_mul(1000)) as u64;
        waiting as u64 > i64::from(self.events) as u64 || last.elapsed().as_micros() > u128::from(micros)
    }
}

/// An open file of events, and those that wait to be written to it.
pub(crate) struct Events {
    file: BufWriter<File>,
    waiting: Vec<Vec<u8>>,
    waiting_bytes: usize,
    patience: Patience,
    last_flush: Instant,
}

impl Events {
    /// A new file in a directory, which is made if need be.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(directory: &Path, suffix: &str, patience: Patience) -> Result<Events> {
        let told = |error: std::io::Error| {
            let text = error.to_string();
            let reason = text.split(" (os error").next().unwrap_or(&text).to_owned();
            let code = match Error::from(error).code() {
                Code::AlreadyExists => Code::FailedPrecondition,
                code => code,
            };
            Error::new(code, format!("{}; {reason}", directory.display()))
        };
        if !directory.as_os_str().is_empty() && !directory.is_dir() {
            std::fs::create_dir_all(directory).map_err(told)?;
        }
        let (now, path) = (wall_time(), directory.join(file_name(suffix)));
        let file = BufWriter::new(File::create(path).map_err(told)?);
        let last_flush = Instant::now();
        let mut events = Events { file, waiting: Vec::new(), waiting_bytes: 0, patience, last_flush };
        let mut first = Vec::new();
        wall(&mut first, now.floor());
        bytes(&mut first, 3, b"brain.Event:2");
        let mut source = Vec::new();
        bytes(&mut source, 1, b"tensorflow.core.util.events_writer");
        bytes(&mut first, 10, &source);
        events.waiting.push(first);
        events.flush()?;
        Ok(events)
    }

    /// Takes an event, and writes all if it is time to.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn add(&mut self, event: Vec<u8>) -> Result<()> {
        self.waiting_bytes += event.len();
        self.waiting.push(event);
        if self.waiting_bytes > MOST_WAITING_BYTES
            || self.patience.is_over(self.waiting.len(), self.last_flush)
        {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn flush(&mut self) -> Result<()> {
        self.waiting_bytes = 0;
        let mut records = tfrecord::Writer::new(&mut self.file);
        for event in std::mem::take(&mut self.waiting) {
            records.write(&event)?;
        }
        self.file.flush()?;
        self.last_flush = Instant::now();
        Ok(())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Nobody is there to be told.
        _ = self.flush();
    }
}

/// An event of a step: a message in a field.
pub(crate) fn event(step: i64, field: u8, message: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(message.len() + 32);
    wall(&mut event, wall_time());
    if step != 0 {
        event.push(2 << 3);
        varint(&mut event, step as u64);
    }
    bytes(&mut event, field, message);
    event
}

fn wall(event: &mut Vec<u8>, seconds: f64) {
    event.push(1 << 3 | 1);
    event.extend(seconds.to_le_bytes());
}

/// Seconds since 1970.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_micros() as f64 / 1e6)
}

/// A name that no other file of this host has.
fn file_name(suffix: &str) -> PathBuf {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let dot = if suffix.starts_with('.') { "" } else { "." };
    let (seconds, process) = (wall_time() as u64, std::process::id());
    format!("events.out.tfevents.{seconds:010}.{}.{process}.{number}{dot}{suffix}", host()).into()
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let name = name.trim().replace(std::path::MAIN_SEPARATOR, "_");
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience() {
        let now = Instant::now();
        let check = |events: i32, millis: i32, waiting: usize, want: bool| {
            assert_eq!(
                Patience { events, millis }.is_over(waiting, now),
                want,
                "{events} {millis} {waiting}"
            );
        };
        check(0, i32::MAX / 1000, 1, true);
        check(1, i32::MAX / 1000, 1, false);
        check(-1, -1, 1000, false);
    }
}
