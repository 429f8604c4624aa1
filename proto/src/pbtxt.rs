//! Protobuf's text format, as in `saved_model.pbtxt` and `checkpoint` files.
//!
//! Text is translated to the binary form, guided by the committed descriptors, and the binary form is decoded;
//! writing goes the other way. Fields that the descriptors don't know are skipped with their values.

pub(crate) mod lexer;
pub(crate) mod parse;
pub(crate) mod schema;
mod write;

use savedmodel_tensor::{Error, Result};

use crate::{Message, Name, decode};
use schema::{MessageId, SCHEMA};

/// Messages nested deeper than this are refused, as when they are read from the binary form.
const MAX_DEPTH: usize = 100;

/// The message that `text` describes.
///
/// ```
/// use savedmodel_proto::{NodeDef, pbtxt};
/// let node: NodeDef = pbtxt::parse("name: 'x' op: \"Const\" attr { key: \"dtype\" value { type: DT_INT32 } }")?;
/// assert_eq!((&node.name[..], &node.op[..], node.attr.len()), ("x", "Const", 1));
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
///
/// # Errors
/// `DATA_LOSS` with line and column when the text is not in text format, or a known field has a value of
/// another type, is given twice though it is single, or names an unknown enum value.
pub fn parse<M: Message + Name + Default>(text: &str) -> Result<M> {
    decode(parse::to_binary(text, &SCHEMA, message_id::<M>()?, false)?)
}

/// The text of a message.
///
/// # Errors
/// `INTERNAL` when the message is not one of this crate.
pub fn to_text<M: Message + Name>(message: &M) -> Result<String> {
    write::from_binary(&message.encode_to_vec(), message_id::<M>()?)
}

fn message_id<M: Name>() -> Result<MessageId> {
    let name = M::full_name();
    SCHEMA.message_id(&name).ok_or_else(|| Error::internal(format!("no descriptor of {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AttrValue, CheckpointState, GraphDef, SavedObject, StructuredValue, TensorProto};

    fn message<M: Message + Name + Default>(text: &str) -> std::result::Result<M, String> {
        parse(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn values_of_all_kinds() {
        let t: TensorProto = message(
            "dtype: DT_HALF, tensor_shape: < dim { size: -1 } dim: { size: 0x10 name: 'a' 'b' } unknown_rank: t >
             float_val: [1, -2.5e3, inf, -nan, 1.f, .5F]; double_val: -infinity int_val: -2147483648 int64_val: 017
             bool_val: [true, False, 1, 0] uint64_val: 18446744073709551615 # all
             string_val: \"\\n\\t\\\\\\\"\\x41\\101\\u00e9\\U0001F600\\377\"",
        )
        .unwrap();
        assert_eq!(t.dtype, crate::DataType::DtHalf as i32);
        let shape = t.tensor_shape.unwrap();
        assert_eq!((shape.dim[1].size, &shape.dim[1].name[..], shape.unknown_rank), (16, "ab", true));
        assert_eq!(t.float_val[..3], [1.0, -2500.0, f32::INFINITY]);
        assert!(t.float_val[3].is_nan());
        assert_eq!(t.float_val[4..], [1.0, 0.5]);
        assert_eq!((&t.double_val[..], &t.int64_val[..]), (&[f64::NEG_INFINITY][..], &[15][..]));
        assert_eq!((t.int_val[0], t.uint64_val[0]), (i32::MIN, u64::MAX));
        assert_eq!(t.bool_val, [true, false, true, false]);
        assert_eq!(t.string_val[0], "\n\t\\\"AA\u{e9}\u{1f600}".bytes().chain([0xff]).collect::<Vec<u8>>());
    }

    #[test]
    fn unknown_fields_are_skipped() {
        let text = "node { name: 'a' new: 1 other: { x: -inf y <> z: ['s', 't'] } more: [{a: 1}, <b: 2>] }
                    [ext.field]: 'x' 77: 3 versions { producer: 9 }";
        let graph: GraphDef = message(text).unwrap();
        assert_eq!((graph.node[0].name.as_str(), graph.versions.unwrap().producer), ("a", 9));
    }

    #[test]
    fn any_may_be_spelled_out() {
        let text = "serialized_user_proto { [type.googleapis.com/tensorflow.VersionDef] { producer: 5 } }";
        let any = message::<SavedObject>(text).unwrap().serialized_user_proto.unwrap();
        assert_eq!(
            (&any.type_url[..], &any.value[..]),
            ("type.googleapis.com/tensorflow.VersionDef", &[8, 5][..])
        );
        let wrapped = message::<crate::serving::ModelSpec>("version { value: 3 }").unwrap();
        assert_eq!(wrapped.version_choice, Some(crate::serving::model_spec::VersionChoice::Version(3)));
    }

    #[test]
    fn errors_name_the_place() {
        let check =
            |text: &str, want: &str| assert_eq!(message::<AttrValue>(text).unwrap_err(), want, "{text}");
        check("\n  i: 'x'", "2:6: expected an integer for field \"i\"");
        check("i: 9223372036854775808", "1:4: integer out of range for field \"i\"");
        check("i: 1 i: 2", "1:6: field \"i\" is given twice");
        check("i: 1 f: 2", "1:6: field \"f\" excludes another of oneof \"value\"");
        check("type: DT_NONE", "1:7: unknown value \"DT_NONE\" of enum tensorflow.DataType");
        check("s: 'x", "1:4: string without end");
        check("list { i: 1", "1:12: expected '}'");
        check("b: maybe", "1:4: expected a bool for field \"b\"");
        check("}", "1:1: expected a field name");
        check("i 1", "1:3: expected ':' after field \"i\"");
        check("s: '\\q'", "1:4: bad escape in string");
        check("tensor: 3", "1:9: expected a message for field \"tensor\"");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |n: usize| "list_value { values { ".repeat(n) + &"} }".repeat(n);
        assert!(message::<StructuredValue>(&deep(40)).is_ok());
        assert!(message::<StructuredValue>(&deep(100_000)).unwrap_err().ends_with("nested too deeply"));
        let unknown = "new { ".repeat(100_000);
        assert!(message::<StructuredValue>(&unknown).unwrap_err().ends_with("nested too deeply"));
    }

    #[test]
    fn text_comes_back() {
        let text = "model_checkpoint_path: \"a\\\"\\n\\303\\251\"\nall_model_checkpoint_paths: \"a\"\n\
                    all_model_checkpoint_timestamps: 1.5\nall_model_checkpoint_timestamps: inf\n\
                    last_preserved_timestamp: -2e-9\n";
        let state: CheckpointState = message(text).unwrap();
        assert_eq!(to_text(&state).unwrap(), text);
        let text = "name: \"f\"\nattr {\n  key: \"T\"\n  value {\n    list {\n      type: DT_FLOAT\n      type: 99\n    \
                    }\n  }\n}\n";
        let node: crate::NameAttrList = message(text).unwrap();
        assert_eq!(to_text(&node).unwrap(), text);
    }
}
