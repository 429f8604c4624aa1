//! See [`OP`].

use savedmodel_op::message::varint;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_proto::descriptors::Kind;
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use crate::proto_fields::{Wire, is_compatible, message};

/// Serialised messages of the values of their fields, of which `sizes` says how many there are.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EncodeProto>
pub const OP: Op = Op {
    name: "EncodeProto",
    inputs: &["sizes: int32", "values: Tinput_types"],
    outputs: &["bytes: string"],
    attrs: &[
        "field_names: list(string)",
        "message_type: string",
        "descriptor_source: string = 'local://'",
        "Tinput_types: list(type) >= 1",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let sizes = ctx.input(0);
    let Some(dims) = sizes.dims() else { return Ok(vec![PartialShape::unknown()]) };
    let Some((_, prefix)) = dims.split_last() else {
        return Err(Error::invalid_argument(format!("Shape must be at least rank 1 but is {sizes}")));
    };
    Ok(vec![PartialShape::new(prefix.iter().copied())])
}

/// One field that is written.
struct Written {
    name: String,
    number: u32,
    kind: Kind,
    packed: bool,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (pool, message) = message(node)?;
    let written = |name: String| match pool.field(message, &name) {
        Some(field) => {
            let (number, kind, packed) = (field.number, field.kind, field.packed);
            Ok(Written { name, number, kind, packed })
        }
        None => {
            let message: String = node.attr("message_type").unwrap_or_default();
            Err(Error::invalid_argument(format!("Unknown field: {name} in message type {message}")))
        }
    };
    let names: Vec<String> = node.attr("field_names")?;
    let fields = names.into_iter().map(written).collect::<Result<Vec<Written>>>()?;
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|&i| fields[i].number);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let prefix = check(ctx, &fields)?;
        let mut out = ctx.allocate(DType::String, prefix)?;
        let sizes = ctx.input(0).as_slice::<i32>()?;
        let rows = sizes.chunks_exact(fields.len().max(1));
        for (row, (out, sizes)) in out.units_mut::<Bytes>()?.iter_mut().zip(rows).enumerate() {
            let mut bytes = Vec::new();
            for &i in &order {
                if sizes[i] != 0 {
                    fields[i].write(ctx.input(i + 1), (row, sizes[i]), &mut bytes)?;
                }
            }
            *out = bytes.into();
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// The shape of the messages, which all inputs agree on.
fn check(ctx: &Context<'_>, fields: &[Written]) -> Result<Vec<usize>> {
    let invalid = |message: String| Err(Error::invalid_argument(message));
    if ctx.input_len() != fields.len() + 1 {
        return invalid("Length of inputs list must match field_names".to_owned());
    }
    let mut prefix: Option<&[usize]> = None;
    for (field, values) in fields.iter().zip(ctx.inputs(1)) {
        let (name, dtype, shape) = (&field.name, values.dtype(), values.shape());
        if !is_compatible(field.kind, dtype) {
            return invalid(format!("Incompatible type for field {name}.  Saw dtype: {dtype}"));
        }
        let [own @ .., _] = shape.dims() else {
            return invalid(format!("Invalid shape for field {name}.  Saw shape {shape}"));
        };
        if own.is_empty() {
            return invalid(format!("Invalid shape for field {name}.  Saw shape {shape}"));
        }
        if *prefix.get_or_insert(own) != own {
            return invalid("Values must match up to the last dimension".to_owned());
        }
    }
    let prefix = prefix.unwrap_or_default().to_vec();
    let sizes = ctx.input(0);
    let expected: Vec<usize> = prefix.iter().copied().chain([fields.len()]).collect();
    if sizes.shape().dims() != expected {
        return invalid(format!(
            "sizes should be batch_size + [len(field_names)].  Saw: {} but expected: {expected:?}",
            sizes.shape()
        ));
    }
    let most =
        ctx.inputs(1).map(|values| values.shape().last().copied().unwrap_or(0)).collect::<Vec<usize>>();
    for (i, (&size, &most)) in sizes.as_slice::<i32>()?.iter().zip(most.iter().cycle()).enumerate() {
        if i64::from(size) > most as i64 {
            let (message, field) = (i / fields.len(), i % fields.len());
            return invalid(format!(
                "Size to write must not be larger than value tensor; but saw: {size} > {most} at message {message} field \
                 {field}"
            ));
        }
    }
    Ok(prefix)
}

impl Written {
    /// Writes so many values of a row.
    fn write(&self, values: &Tensor, (row, size): (usize, i32), out: &mut Vec<u8>) -> Result<()> {
        let width = values.shape().last().copied().unwrap_or(0);
        // A negative size is taken for a list of nothing.
        let places = row * width..row * width + usize::try_from(size).unwrap_or(0);
        let wire = Wire::of(self.kind);
        if let Wire::Delimited | Wire::Group = wire {
            for text in &values.strings()?[places] {
                self.tag(wire.number(), out);
                if wire == Wire::Delimited {
                    varint(out, text.len() as u64);
                }
                out.extend_from_slice(text);
                if wire == Wire::Group {
                    self.tag(END_GROUP, out);
                }
            }
            return Ok(());
        }
        let mut list = Vec::new();
        for place in places {
            if !self.packed {
                self.tag(wire.number(), &mut list);
            }
            let bits = self.bits(values, place)?;
            match wire {
                Wire::Four => list.extend((bits as u32).to_le_bytes()),
                Wire::Eight => list.extend(bits.to_le_bytes()),
                _ => varint(&mut list, bits),
            }
        }
        if self.packed {
            self.tag(Wire::Delimited.number(), out);
            let length = match wire {
                Wire::Four | Wire::Eight if size < 0 => {
                    size.wrapping_mul(if wire == Wire::Four { 4 } else { 8 }) as u32
                }
                _ => list.len() as u32,
            };
            varint(out, length.into());
        }
        out.append(&mut list);
        Ok(())
    }

    fn tag(&self, wire: u32, out: &mut Vec<u8>) {
        varint(out, (self.number << 3 | wire).into());
    }

    /// An element as it is written: a number in base 128, or so many bytes.
    fn bits(&self, values: &Tensor, place: usize) -> Result<u64> {
        let value = match values.dtype() {
            DType::Float => values.as_slice::<f32>()?[place].to_bits().into(),
            DType::Double => {
                let value = values.as_slice::<f64>()?[place];
                if self.kind == Kind::Float { (value as f32).to_bits().into() } else { value.to_bits() }
            }
            DType::Int32 => i64::from(values.as_slice::<i32>()?[place]) as u64,
            DType::Int64 => values.as_slice::<i64>()?[place] as u64,
            DType::Uint32 => values.as_slice::<u32>()?[place].into(),
            DType::Uint64 => values.as_slice::<u64>()?[place],
            _ => values.as_slice::<bool>()?[place].into(),
        };
        Ok(match self.kind {
            Kind::Int32 | Kind::Enum(_) => i64::from(value as i32) as u64,
            Kind::Uint32 => (value as u32).into(),
            Kind::Sint32 => {
                let value = value as i32;
                (((value << 1) ^ (value >> 31)) as u32).into()
            }
            Kind::Sint64 => {
                let value = value as i64;
                ((value << 1) ^ (value >> 63)) as u64
            }
            _ => value,
        })
    }
}

/// The wire type that ends a group.
const END_GROUP: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    fn encode(
        message: &'static str,
        fields: Vec<&'static str>,
        inputs: &[&str],
    ) -> std::result::Result<Vec<Vec<u8>>, String> {
        let test = inputs.iter().map(|text| parse_tensor(text)).fold(OpTest::new(&OP), OpTest::input);
        let run = test.attr("message_type", message).attr("field_names", fields).run();
        run.map(|out| out[0].strings().unwrap().iter().map(|bytes| bytes.to_vec()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn table() {
        let dim = "tensorflow.TensorShapeProto.Dim";
        let both = vec!["name", "size"];
        let got =
            encode(dim, both.clone(), &["int32[2,2] 1 1 0 1", "string[2,1] 'x' 'y'", "int64[2,1] 5 -1"]);
        let minus_one = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec();
        assert_eq!(got.unwrap(), [b"\x08\x05\x12\x01x".to_vec(), minus_one]);
        let refused = |inputs: &[&str], want: &str| {
            let got = encode(dim, vec!["size"], inputs).unwrap_err();
            assert!(got.starts_with(want), "{got}");
        };
        refused(&["int32[1,1] 2", "int64[1,1] 1"], "INVALID_ARGUMENT: Size to write must not be larger");
        refused(&["int32[1] 1", "int64[1,1] 1"], "INVALID_ARGUMENT: sizes should be batch_size");
        refused(&["int32[1,1] 1", "int32[1,1] 1"], "INVALID_ARGUMENT: Incompatible type for field size");
        refused(&["int32[1] 1", "int64[1] 1"], "INVALID_ARGUMENT: Invalid shape for field size");
        let unknown = encode(dim, vec!["sizes"], &["int32[1,1] 1", "int64[1,1] 1"]).unwrap_err();
        assert!(unknown.starts_with("INVALID_ARGUMENT: Unknown field: sizes"), "{unknown}");
    }

    #[test]
    fn packed_lists() {
        let lists = vec!["int_val", "float_val"];
        let inputs = ["int32[1,2] 2 1", "int64[1,3] 300 1 7", "double[1,1] 1.5"];
        let got = encode("tensorflow.TensorProto", lists.clone(), &inputs).unwrap();
        assert_eq!(got, [b"\x2a\x04\0\0\xc0\x3f\x3a\x03\xac\x02\x01".to_vec()]);
        let negative = ["int32[1,2] -1 -1", "int64[1,3] 300 1 7", "double[1,1] 1.5"];
        let got = encode("tensorflow.TensorProto", lists, &negative).unwrap();
        assert_eq!(got, [b"\x2a\xfc\xff\xff\xff\x0f\x3a\x00".to_vec()]);
    }
}
