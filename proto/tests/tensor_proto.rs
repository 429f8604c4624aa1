//! Tensors of messages, compared with TensorFlow's (`conformance/scripts/make_tensor_protos.py`).

use savedmodel_proto::tensor_proto::{EncodedVariant, MAX_SPLAT_BYTES, from_tensor, to_tensor, value_count};
use savedmodel_proto::{
    DataType, ResourceHandleProto, TensorProto, TensorShapeProto, VariantTensorDataProto, decode,
    tensor_shape_proto::Dim, tfrecord,
};
use savedmodel_tensor::{Code, DType, Result, Tensor};

const RECORDS: &[u8] = include_bytes!("data/tensors.tfrecord");

fn message(dtype: DataType, sizes: &[i64]) -> TensorProto {
    let dim = sizes.iter().map(|&size| Dim { size, ..Default::default() }).collect();
    TensorProto {
        dtype: dtype.into(),
        tensor_shape: Some(TensorShapeProto { dim, unknown_rank: false }),
        ..Default::default()
    }
}

#[test]
fn every_message_is_read_as_tensorflow_reads_it() {
    let records: Vec<_> = tfrecord::Reader::new(RECORDS).collect::<Result<_>>().unwrap();
    assert!(records.len() > 100);
    for pair in records.chunks(2) {
        let proto: TensorProto = decode(pair[0].clone()).unwrap();
        let got = to_tensor(&proto);
        if pair[1].is_empty() {
            assert_eq!(got.expect_err("an error").code(), Code::InvalidArgument, "{proto:?}");
            continue;
        }
        let written = from_tensor(&got.unwrap()).unwrap();
        assert_eq!(written, decode(pair[1].clone()).unwrap(), "{proto:?}");
    }
}

#[test]
fn values_are_counted() {
    let values = TensorProto {
        float_val: vec![1.0],
        scomplex_val: vec![1.0; 4],
        int_val: vec![1; 3],
        float8_val: vec![1; 5].into(),
        ..Default::default()
    };
    let check = |dtype, want| assert_eq!(value_count(&values, dtype), want, "{dtype}");
    check(DType::Float, 1);
    check(DType::Complex64, 2);
    check(DType::Quint8, 3);
    check(DType::Int4, 3);
    check(DType::Float8E5m2, 5);
    check(DType::String, 0);
}

#[test]
fn every_dtype_comes_back() {
    for &dtype in DType::ALL {
        let tensor = Tensor::zeros(dtype, [2, 3]).unwrap();
        let proto = from_tensor(&tensor).unwrap();
        let back = to_tensor(&proto).unwrap();
        assert_eq!((back.dtype(), back.shape()), (dtype, tensor.shape()));
        assert_eq!(from_tensor(&back).unwrap(), proto, "{dtype}");
    }
}

#[test]
fn handles_and_variants_keep_their_messages() {
    let handle = ResourceHandleProto { name: "table".into(), hash_code: 7, ..Default::default() };
    let variant = VariantTensorDataProto { type_name: "tensorflow::TensorList".into(), ..Default::default() };
    let resource =
        TensorProto { resource_handle_val: vec![handle.clone()], ..message(DataType::DtResource, &[]) };
    let values = vec![variant.clone(), VariantTensorDataProto::default()];
    let variants = TensorProto { variant_val: values, ..message(DataType::DtVariant, &[2]) };

    let tensor = to_tensor(&resource).unwrap();
    assert_eq!(tensor.handles().unwrap()[0].get::<ResourceHandleProto>(), Some(&handle));
    assert_eq!(from_tensor(&tensor), Ok(resource));
    let tensor = to_tensor(&variants).unwrap();
    assert_eq!(tensor.variants().unwrap()[0].get(), Some(&EncodedVariant(variant)));
    assert!(tensor.variants().unwrap()[1].is_empty());
    assert_eq!(from_tensor(&tensor), Ok(variants));
}

#[test]
fn small_messages_do_not_make_huge_tensors() {
    let check = |dtype, sizes: &[i64]| to_tensor(&message(dtype, sizes)).unwrap_err().code();
    let above = MAX_SPLAT_BYTES as i64 / 4 + 1;
    assert_eq!(check(DataType::DtFloat, &[above]), Code::InvalidArgument);
    assert_eq!(check(DataType::DtString, &[above]), Code::InvalidArgument);
    assert_eq!(check(DataType::DtInt8, &[1 << 60]), Code::InvalidArgument);
    let strings =
        TensorProto { tensor_content: vec![0xff; 9].into(), ..message(DataType::DtString, &[1 << 60]) };
    assert_eq!(to_tensor(&strings).unwrap_err().code(), Code::InvalidArgument);
}
