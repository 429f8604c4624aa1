//! What chains read.

/// Numbers, read as if there were as many as in the output.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// One for each element.
    Slice(&'a [f32]),
    /// One for all.
    Scalar(f32),
    /// Repeated from one end to the other.
    Periodic(&'a [f32]),
    /// Each of them so many times.
    Repeated(&'a [f32], usize),
}

impl Operand<'_> {
    /// Whether it gives this many elements.
    pub(super) fn fits(&self, len: usize) -> bool {
        match *self {
            Operand::Slice(data) => data.len() == len,
            Operand::Scalar(_) => true,
            Operand::Periodic(data) => !data.is_empty() || len == 0,
            Operand::Repeated(data, times) => data.len().checked_mul(times) == Some(len),
        }
    }

    /// Whether its elements must be copied before they lie as they are read.
    pub(super) fn is_spread(&self) -> bool {
        matches!(self, Operand::Periodic(_) | Operand::Repeated(..))
    }

    /// Copies the elements of a range.
    pub(super) fn read(&self, start: usize, to: &mut [f32]) {
        let len = to.len();
        match *self {
            Operand::Slice(data) => to.copy_from_slice(&data[start..start + len]),
            Operand::Scalar(value) => to.fill(value),
            Operand::Periodic(data) => {
                let (before, after) = data.split_at(start % data.len());
                let mut done = 0;
                for part in [after, before] {
                    let count = part.len().min(len - done);
                    to[done..done + count].copy_from_slice(&part[..count]);
                    done += count;
                }
                // Periods may be short: what is there is copied as a whole.
                while done < len {
                    let count = done.min(len - done);
                    to.copy_within(..count, done);
                    done += count;
                }
            }
            Operand::Repeated(data, times) => {
                let mut at = start;
                while at < start + len {
                    let end = (at / times * times + times).min(start + len);
                    to[at - start..end - start].fill(data[at / times]);
                    at = end;
                }
            }
        }
    }
}
