//! Which strings are messages.

use savedmodel_kernels_control::wire::read;
use savedmodel_proto::{TensorProto, decode};
use savedmodel_tensor::Bytes;

/// A field of a message: what must be true of its values.
type Field = (u64, fn(&Bytes) -> bool);

/// Whether a string is a message of such fields, and perhaps of others.
fn is_message(message: &Bytes, fields: &[Field]) -> bool {
    let holds = |&(field, check): &Field| read(message, field).is_some_and(|values| values.iter().all(check));
    read(message, 0).is_some() && fields.iter().all(holds)
}

fn is_text(value: &Bytes) -> bool {
    std::str::from_utf8(value).is_ok()
}

fn is_any(value: &Bytes) -> bool {
    is_message(value, &[])
}

fn is_tensor(value: &Bytes) -> bool {
    decode::<TensorProto>(value.clone()).is_ok()
}

fn is_value(value: &Bytes) -> bool {
    let fields: [Field; 7] =
        [(1, is_text), (4, is_any), (5, is_any), (6, is_any), (7, is_text), (8, is_tensor), (9, is_any)];
    is_message(value, &fields)
}

/// Whether a string is a `Summary`.
pub(crate) fn is_summary(value: &Bytes) -> bool {
    is_message(value, &[(1, is_value)])
}

/// Whether a string is a `SummaryMetadata`.
pub(crate) fn is_metadata(value: &Bytes) -> bool {
    is_message(value, &[(1, is_any), (2, is_text), (3, is_text)])
}

/// Whether a string is an `Event`.
pub(crate) fn is_event(value: &Bytes) -> bool {
    let fields: [Field; 6] =
        [(3, is_text), (5, is_summary), (6, is_any), (7, is_any), (8, is_any), (10, is_any)];
    is_message(value, &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let check = |is: fn(&Bytes) -> bool, message: &'static [u8], want: bool| {
            assert_eq!(is(&Bytes::from_static(message)), want, "{message:?}");
        };
        check(is_summary, b"", true);
        check(is_summary, b"\n\x08\n\x01a\x15\0\0\xc0?", true);
        check(is_summary, b"\n\x03\n\x01\xff", false);
        check(is_summary, b"\n\x04B\x02zz", false);
        check(is_event, b"\t\0\0\0\0\0\0\x08@\x10\x04", true);
        check(is_event, b"*\x02zz", false);
        check(is_event, b"zz", false);
        check(is_metadata, b"\x12\x01d", true);
        check(is_metadata, b"zz", false);
    }
}
