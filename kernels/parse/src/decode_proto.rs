//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_proto::descriptors::{DescriptorPool, Field, Kind, MessageId};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use crate::proto_fields::{Wire, is_compatible, message};
use crate::wire::Reader;

/// The values of some fields of serialised messages, each padded with its default value to the most that a message has.
///
/// A packed list in a field that has but one value counts as a value, but is not read: that is the default one then.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeProtoV2>
pub const OP: Op = Op {
    name: "DecodeProtoV2",
    inputs: &["bytes: string"],
    outputs: &["sizes: int32", "values: output_types"],
    attrs: &[
        "message_type: string",
        "field_names: list(string)",
        "output_types: list(type) >= 0",
        "descriptor_source: string = 'local://'",
        "message_format: string = 'binary'",
        "sanitize: bool = false",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let count = ctx.attr::<Vec<String>>("field_names").unwrap_or_default().len();
    let types = ctx.attr::<Vec<DType>>("output_types").unwrap_or_default().len();
    let of = |last: Option<usize>| match ctx.input(0).dims() {
        Some(dims) => PartialShape::new(dims.iter().copied().chain([last])),
        None => PartialShape::unknown(),
    };
    Ok(std::iter::once(of(Some(count))).chain(std::iter::repeat_n(of(None), types)).collect())
}

/// One field that is asked for.
struct Wanted {
    number: u32,
    kind: Kind,
    wire: Wire,
    repeated: bool,
    dtype: DType,
    default: Default,
}

enum Default {
    Bits(u64),
    Text(Bytes),
}

/// How messages are made ready for reading.
#[derive(Clone, Copy)]
enum Format {
    Binary,
    Sanitized,
    Text,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (pool, message) = message(node)?;
    let (names, types): (Vec<String>, Vec<DType>) = (node.attr("field_names")?, node.attr("output_types")?);
    if names.len() != types.len() {
        return Err(Error::invalid_argument(
            "field_names and output_types attributes must have the same length",
        ));
    }
    let wanted = |(name, &dtype): (&String, &DType)| {
        let field = pool.field(message, name).or_else(|| pool.extension(message, name)).ok_or_else(|| {
            let message: String = node.attr("message_type").unwrap_or_default();
            Error::invalid_argument(format!("Unknown field: {name} in message type {message}"))
        })?;
        if !is_compatible(field.kind, dtype) {
            return Err(Error::invalid_argument(format!("Unexpected output type for {name}: {dtype}")));
        }
        let (kind, repeated) = (field.kind, field.repeated);
        let default = default(&pool, field, dtype);
        Ok(Wanted { number: field.number, kind, wire: Wire::of(kind), repeated, dtype, default })
    };
    let wanted = names.iter().zip(&types).map(wanted).collect::<Result<Vec<Wanted>>>()?;
    let format = match (&*node.attr::<String>("message_format")?, node.attr("sanitize")?) {
        ("binary", false) => Format::Binary,
        ("binary", true) => Format::Sanitized,
        ("text", _) => Format::Text,
        _ => return Err(Error::invalid_argument("format must be one of binary or text")),
    };
    Ok(Box::new(Decode { pool, message, wanted, format }))
}

fn default(pool: &DescriptorPool, field: &Field, dtype: DType) -> Default {
    let text = field.default.as_deref();
    let float = || match text {
        Some("nan" | "-nan") => f64::NAN,
        text => text.and_then(|text| text.parse().ok()).unwrap_or(0.0),
    };
    let integer = || text.and_then(|text| text.parse::<i128>().ok()).unwrap_or(0) as u64;
    Default::Bits(match field.kind {
        Kind::Double => float().to_bits(),
        Kind::Float => single(float() as f32, dtype),
        Kind::Bool => u64::from(text == Some("true")),
        Kind::Enum(id) => i64::from(pool.enum_value(id, text)) as u64,
        Kind::String | Kind::Bytes => return Default::Text(pool.default_bytes(field)),
        Kind::Message(_) | Kind::Group(_) => return Default::Text(Bytes::new()),
        _ => integer(),
    })
}

fn single(value: f32, dtype: DType) -> u64 {
    if dtype == DType::Double { f64::from(value).to_bits() } else { value.to_bits().into() }
}

struct Decode {
    pool: DescriptorPool,
    message: MessageId,
    wanted: Vec<Wanted>,
    format: Format,
}

impl Kernel for Decode {
    fn compute(&self, ctx: &mut Context<'_>) -> Result<()> {
        let input = ctx.input(0);
        if input.elements() == 0 {
            return Err(Error::invalid_argument("Bufs argument must contain at least one value"));
        }
        let ready = |bytes: &Bytes| match self.format {
            Format::Binary => Ok(bytes.clone()),
            Format::Sanitized => self.pool.canonical(self.message, bytes).map(Bytes::from),
            Format::Text => {
                let refuse = || Error::data_loss("Unable to parse text protobuf");
                let text = std::str::from_utf8(bytes).map_err(|_| refuse())?;
                self.pool.of_text(self.message, text).map(Bytes::from)
            }
        };
        let messages = input.strings()?.iter().map(ready).collect::<Result<Vec<Bytes>>>()?;
        let (prefix, count) = (input.shape().clone(), self.wanted.len());
        let of = |last: usize| prefix.iter().copied().chain([last]).collect::<savedmodel_tensor::Shape>();
        let mut sizes = ctx.allocate(DType::Int32, of(count))?;
        let mut most = vec![1; count];
        // Without fields there is nothing to write the sizes of.
        let mut rows = sizes.as_mut_slice::<i32>()?.chunks_exact_mut(count.max(1));
        for message in &messages {
            let found = self.count(message)?;
            if let Some(row) = rows.next() {
                row.iter_mut().zip(&found).for_each(|(size, &found)| *size = found as i32);
            }
            most.iter_mut().zip(&found).for_each(|(most, &found)| *most = found.max(*most));
        }
        let mut outputs =
            self.wanted.iter().zip(&most).map(|(wanted, &most)| ctx.allocate(wanted.dtype, of(most)));
        let mut outputs = outputs.by_ref().collect::<Result<Vec<Tensor>>>()?;
        let mut slots = outputs.iter_mut().map(Slots::of).collect::<Result<Vec<Slots<'_>>>>()?;
        for (row, message) in messages.iter().enumerate() {
            self.fill(message, (row, &most), &mut slots)?;
        }
        ctx.set(0, sizes);
        outputs.into_iter().enumerate().for_each(|(i, output)| ctx.set(i + 1, output));
        Ok(())
    }
}

/// What stands in a message for a field.
enum Item<'a> {
    One(&'a [u8]),
    Packed(&'a [u8]),
}

impl Decode {
    /// Calls `visit(field, item)` for every value of a field that is asked for, in the order in which they stand.
    fn walk<'a>(&self, bytes: &'a [u8], mut visit: impl FnMut(usize, Item<'a>) -> Result<()>) -> Result<()> {
        let bad = |what: &str| Error::data_loss(what.to_owned());
        let mut reader = Reader::new(bytes);
        let mut rest = bytes;
        while !reader.is_at_end() {
            let key = reader.varint64().ok_or_else(|| bad("Failed to consume entire buffer"))? as u32;
            let (number, wire) = (key >> 3, key & 7);
            let found = self.wanted.iter().position(|wanted| wanted.number == number && number > 0);
            let field = found.map(|index| &self.wanted[index]);
            let is_list = |field: &&Wanted| wire == Wire::Delimited.number() && field.wire != Wire::Delimited;
            if field.is_some_and(|field| is_list(&field)) {
                let length = reader.varint64().filter(|&length| length <= i32::MAX as u64);
                let body = length.and_then(|length| reader.take(length as usize));
                let body = body.ok_or_else(|| bad("ReadPackedValues: Skipping packed field failed."))?;
                visit(found.unwrap_or_default(), Item::Packed(body))?;
            } else {
                let body =
                    value(&mut reader, wire, number, 0).ok_or_else(|| bad("Failed skipping a field"))?;
                if field.is_some_and(|field| field.wire.number() == wire) {
                    let whole = &rest[..rest.len() - reader.rest().len()];
                    let body = if wire == Wire::Group.number() { whole } else { body };
                    visit(found.unwrap_or_default(), Item::One(body))?;
                }
            }
            rest = reader.rest();
        }
        Ok(())
    }

    /// How many values each field has.
    fn count(&self, bytes: &[u8]) -> Result<Vec<usize>> {
        let mut counts = vec![0_usize; self.wanted.len()];
        self.walk(bytes, |index, item| {
            let (field, count) = (&self.wanted[index], &mut counts[index]);
            let found = match item {
                Item::One(_) => 1,
                Item::Packed([]) => return Ok(()),
                Item::Packed(list) => packed(field.wire, list)?,
            };
            *count = if field.repeated { *count + found } else { 1 };
            Ok(())
        })?;
        match counts.iter().any(|&count| i32::try_from(count).is_err()) {
            true => Err(Error::data_loss("a field has too many values")),
            false => Ok(counts),
        }
    }

    fn fill(&self, bytes: &Bytes, (row, most): (usize, &[usize]), slots: &mut [Slots<'_>]) -> Result<()> {
        let mut next = vec![0; self.wanted.len()];
        self.walk(bytes, |index, item| {
            let (field, most, next) = (&self.wanted[index], most[index], &mut next[index]);
            let start = row * most;
            match item {
                Item::One(body) => {
                    let place = if field.repeated { *next } else { 0 };
                    match &mut slots[index] {
                        Slots::Text(texts) => texts[start + place] = bytes.slice_ref(body),
                        slots => slots.put(start + place, field.bits(body, false)),
                    }
                    *next = place + 1;
                }
                Item::Packed(_) if *next >= most => {
                    return Err(Error::data_loss(format!(
                        "ReadPackedValues: Tried to write more entries than allowed.  Field tag: {}, Max entries \
                         allowed: {most}",
                        field.number
                    )));
                }
                Item::Packed(list) if field.repeated => {
                    let mut reader = Reader::new(list);
                    while !reader.is_at_end() {
                        let Some(body) = value(&mut reader, field.wire.number(), 1, 0) else { break };
                        slots[index].put(start + *next, field.bits(body, true));
                        *next += 1;
                    }
                }
                Item::Packed(_) => {}
            }
            Ok(())
        })?;
        for (((field, slots), &most), next) in self.wanted.iter().zip(slots).zip(most).zip(next) {
            for place in row * most + next..(row + 1) * most {
                match (&mut *slots, &field.default) {
                    (Slots::Text(texts), Default::Text(text)) => texts[place] = text.clone(),
                    (slots, Default::Bits(bits)) => slots.put(place, *bits),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// How many values a packed list has.
fn packed(wire: Wire, list: &[u8]) -> Result<usize> {
    let size = match wire {
        Wire::Four => 4,
        Wire::Eight => 8,
        Wire::Varint => {
            let mut reader = Reader::new(list);
            let mut count = 0;
            while !reader.is_at_end() {
                reader.varint64().ok_or_else(|| Error::data_loss("Corrupt packed varint"))?;
                count += 1;
            }
            return Ok(count);
        }
        _ => return Err(Error::data_loss("a group encountered as packed")),
    };
    if !list.len().is_multiple_of(size) {
        let message = format!("Illegal data length for packed fixed-size type: {}", list.len());
        return Err(Error::data_loss(message));
    }
    Ok(list.len() / size)
}

/// Groups that are nested deeper than this are refused.
const DEEPEST: usize = 100;

/// The value of any one field, after its tag.
fn value<'a>(reader: &mut Reader<'a>, wire: u32, number: u32, depth: usize) -> Option<&'a [u8]> {
    let start = reader.rest();
    match wire {
        _ if number == 0 => return None,
        0 => _ = reader.varint64()?,
        1 => _ = reader.take(8)?,
        2 => return reader.string(),
        3 if depth == DEEPEST => return None,
        3 => loop {
            let key = reader.varint64()? as u32;
            if key & 7 == 4 {
                if key >> 3 != number {
                    return None;
                }
                break;
            }
            value(reader, key & 7, key >> 3, depth + 1)?;
        },
        5 => _ = reader.take(4)?,
        _ => return None,
    }
    Some(&start[..start.len() - reader.rest().len()])
}

impl Wanted {
    /// A number as the low bits of an element.
    fn bits(&self, body: &[u8], packed: bool) -> u64 {
        let varint = || Reader::new(body).varint64().unwrap_or_default();
        let four = || body.first_chunk().map_or(0, |&bytes| u32::from_le_bytes(bytes));
        match self.kind {
            // TensorFlow forgets the sign of packed ones.
            Kind::Int32 if packed => (varint() as u32).into(),
            Kind::Int32 | Kind::Enum(_) => i64::from(varint() as i32) as u64,
            Kind::Uint32 => (varint() as u32).into(),
            Kind::Sint32 => {
                let value = varint() as u32;
                i64::from((value >> 1) as i32 ^ -((value & 1) as i32)) as u64
            }
            Kind::Sint64 => {
                let value = varint();
                (value >> 1) ^ (value & 1).wrapping_neg()
            }
            Kind::Bool => u64::from(varint() != 0),
            Kind::Float => single(f32::from_bits(four()), self.dtype),
            Kind::Fixed32 => four().into(),
            Kind::Sfixed32 => i64::from(four() as i32) as u64,
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => {
                body.first_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes))
            }
            _ => varint(),
        }
    }
}

/// The elements of an output.
enum Slots<'a> {
    One(&'a mut [u8]),
    Four(&'a mut [u32]),
    Eight(&'a mut [u64]),
    Text(&'a mut [Bytes]),
}

impl Slots<'_> {
    fn of(tensor: &mut Tensor) -> Result<Slots<'_>> {
        Ok(match (tensor.dtype(), tensor.dtype().size()) {
            (DType::String, _) => Slots::Text(tensor.units_mut()?),
            (_, Some(1)) => Slots::One(tensor.units_mut()?),
            (_, Some(4)) => Slots::Four(tensor.units_mut()?),
            _ => Slots::Eight(tensor.units_mut()?),
        })
    }

    fn put(&mut self, place: usize, bits: u64) {
        match self {
            Slots::One(slots) => slots[place] = bits as u8,
            Slots::Four(slots) => slots[place] = bits as u32,
            Slots::Eight(slots) => slots[place] = bits,
            Slots::Text(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, TestAttr, show};

    fn decode(
        type_name: &str,
        fields: &[(&'static str, DType)],
        format: &'static str,
        bytes: &[&[u8]],
    ) -> String {
        let input = Tensor::from_strings([bytes.len()], bytes.iter().map(|bytes| bytes.to_vec())).unwrap();
        let names: Vec<&'static str> = fields.iter().map(|field| field.0).collect();
        let types: Vec<DType> = fields.iter().map(|field| field.1).collect();
        let test = OpTest::new(&OP)
            .input(input)
            .attr("message_type", TestAttr::from(type_name.to_owned().leak() as &str));
        show(
            &test.attr("field_names", names).attr("output_types", types).attr("message_format", format).run(),
        )
    }

    #[test]
    fn own_messages() {
        let dim = [("size", DType::Int64), ("name", DType::String)];
        let shape = "tensorflow.TensorShapeProto.Dim";
        let got = decode(shape, &dim, "binary", &[b"\x08\x05\x12\x01x", b""]);
        assert_eq!(got, "int32[2,2] 1 1 0 0; int64[2,1] 5 0; string[2,1] 'x' ''");
        assert_eq!(
            decode(shape, &dim, "text", &[b"size: 5"]),
            "int32[1,2] 1 0; int64[1,1] 5; string[1,1] ''"
        );
        for bad in [&b"\x08"[..], b"\x00", b"\x0c", b"\x12\x05x", b"\x0b\x08\x01"] {
            assert!(decode(shape, &dim, "binary", &[bad]).starts_with("DATA_LOSS"), "{bad:?}");
        }
        assert!(decode(shape, &dim, "text", &[b"sizes: 5"]).starts_with("DATA_LOSS"));
        let refused =
            |type_name: &str, fields: &[(&'static str, DType)], format: &'static str, bytes: &[&[u8]]| {
                let got = decode(type_name, fields, format, bytes);
                assert!(got.starts_with("INVALID_ARGUMENT"), "{got}");
            };
        refused("tensorflow.None", &dim, "binary", &[b""]);
        refused(shape, &[("none", DType::Int64)], "binary", &[b""]);
        refused(shape, &[("size", DType::Int32)], "binary", &[b""]);
        refused(shape, &dim, "json", &[b""]);
        refused(shape, &dim, "binary", &[]);
    }

    #[test]
    fn lists() {
        let tensor = [("int_val", DType::Int32), ("float_val", DType::Double), ("dtype", DType::Int32)];
        let call = |bytes: &[&[u8]]| decode("tensorflow.TensorProto", &tensor, "binary", bytes);
        let got = call(&[b"\x38\x01\x3a\x02\x02\x03\x38\x04", b"\x08\x03\x2d\0\0\xc0\x3f"]);
        let want = "int32[2,3] 4 0 0 0 1 1; int32[2,4] 1 2 3 4 0 0 0 0; double[2,1] 0 1.5; int32[2,1] 0 3";
        assert_eq!(got, want);
        assert!(call(&[b"\x2a\x03abc"]).starts_with("DATA_LOSS: Illegal data length"));
        assert!(call(&[b"\x3a\x01\x80"]).starts_with("DATA_LOSS: Corrupt packed varint"));
        assert!(call(&[b"\x38\x01\x3a\x00"]).starts_with("DATA_LOSS: ReadPackedValues: Tried to write more"));
    }
}
