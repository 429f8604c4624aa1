//! Small files of all kinds and TensorFlow's answers.

use savedmodel_op::testing::{OpTest, show};
use savedmodel_tensor::{DType, Tensor};

use super::OPS;

/// Operator, attributes, the file in hexadecimal numbers, the answer.
type Row = (&'static str, &'static str, &'static str, &'static str);

fn answer((name, attrs, file, _): &Row) -> String {
    let op = OPS.iter().find(|op| op.name == *name).unwrap();
    let test =
        attrs.split_whitespace().fold(OpTest::new(op), |test, attr| match attr.split_once('=').unwrap() {
            ("dtype", dtype) => test.attr("dtype", DType::from_name(dtype).unwrap()),
            ("dct_method", method) => test.attr("dct_method", method),
            ("expand_animations", value) => test.attr("expand_animations", value == "true"),
            (name, value) => test.attr(name, value.parse::<i64>().unwrap()),
        });
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    let bytes: Vec<u8> =
        file.as_bytes().as_chunks().0.iter().map(|&[a, b]| digit(a) << 4 | digit(b)).collect();
    show(&test.input(Tensor::from_strings([], [bytes]).unwrap()).run())
}

#[test]
fn table() {
    let rows: &[Row] = &[
        (
            "DecodePng",
            "",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "uint8[1,2,3] 200 10 40 7 7 7",
        ),
        (
            "DecodePng",
            "channels=1",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "uint8[1,2,1] 70 7",
        ),
        (
            "DecodePng",
            "channels=4",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "uint8[1,2,4] 200 10 40 255 7 7 7 255",
        ),
        (
            "DecodePng",
            "channels=1",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000467414d410000b18f0bfc61050000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "uint8[1,2,1] 116 7",
        ),
        (
            "DecodePng",
            "",
            "89504e470d0a1a0a0000000d49484452000000040000000102030000008452e75e0000000c504c54450a0b0c0d0e0f1011121314150d1b309b0000000274524e5300809b2b4e180000000a4944415478da63900600001d001c237c8fac0000000049454e44ae426082",
            "uint8[1,4,4] 10 11 12 0 13 14 15 128 16 17 18 255 19 20 21 255",
        ),
        (
            "DecodePng",
            "channels=3",
            "89504e470d0a1a0a0000000d49484452000000040000000102030000008452e75e0000000c504c54450a0b0c0d0e0f1011121314150d1b309b0000000274524e5300809b2b4e180000000a4944415478da63900600001d001c237c8fac0000000049454e44ae426082",
            "uint8[1,4,3] 10 11 12 13 14 15 16 17 18 19 20 21",
        ),
        (
            "DecodePng",
            "channels=1 dtype=uint16",
            "89504e470d0a1a0a0000000d49484452000000040000000102030000008452e75e0000000c504c54450a0b0c0d0e0f1011121314150d1b309b0000000274524e5300809b2b4e180000000a4944415478da63900600001d001c237c8fac0000000049454e44ae426082",
            "uint16[1,4,1] 2570 3341 4112 4883",
        ),
        (
            "DecodePng",
            "channels=4",
            "89504e470d0a1a0a0000000d4948445200000003000000010100000000339b29190000000a4944415478da6358000000a200a17105cb410000000049454e44ae426082",
            "uint8[1,3,4] 255 255 255 1 0 0 0 1 255 255 255 1",
        ),
        (
            "DecodePng",
            "dtype=uint16",
            "89504e470d0a1a0a0000000d4948445200000001000000011004000000e58cd0410000000d4944415478da63103209ab0000020d01157620b7d60000000049454e44ae426082",
            "uint16[1,1,2] 4660 22136",
        ),
        (
            "DecodePng",
            "",
            "89504e470d0a1a0a0000000d4948445200000001000000011004000000e58cd0410000000d4944415478da63103209ab0000020d01157620b7d60000000049454e44ae426082",
            "uint8[1,1,2] 18 86",
        ),
        (
            "DecodePng",
            "channels=4",
            "89504e470d0a1a0a0000000d494844520000000200000001040000000014b9cd570000000274524e53000506f939b70000000a4944415478da6388070000610060b84922830000000049454e44ae426082",
            "uint8[1,2,4] 85 85 85 0 255 255 255 255",
        ),
        (
            "DecodePng",
            "",
            "89504e470d0a1a0a0000000d494844520000000200000002080000000120da626e0000000f4944415478da636064606260660100001f000b2a1978130000000049454e44ae426082",
            "uint8[2,2,1] 1 2 3 4",
        ),
        (
            "DecodePng",
            "",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde",
            "INVALID_ARGUMENT: Invalid PNG data, size 60",
        ),
        (
            "DecodePng",
            "",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b",
            "INVALID_ARGUMENT: Invalid PNG. Failed to initialize decoder.",
        ),
        (
            "DecodePng",
            "",
            "89504e470d0a1a0a0000000d494844520800000000000001080200000025b6eb8d000000094944415478da63000000010001b10db6930000000049454e44ae426082",
            "INVALID_ARGUMENT: Invalid PNG. Failed to initialize decoder.",
        ),
        (
            "DecodeGif",
            "",
            "47494638396103000200810000ff000000ff000000ff0908072c000000000300020000020444a811290021f90401000003002c0100010002000100000202d40a003b",
            "uint8[2,2,3,3] 255 0 0 0 255 0 0 0 255 9 8 7 255 0 0 0 255 0 255 0 0 0 255 0 0 0 255 9 8 7 0 0 255 0 255 0",
        ),
        (
            "DecodeImage",
            "expand_animations=false",
            "47494638396103000200810000ff000000ff000000ff0908072c000000000300020000020444a811290021f90401000003002c0100010002000100000202d40a003b",
            "uint8[2,3,3] 255 0 0 0 255 0 0 0 255 9 8 7 255 0 0 0 255 0",
        ),
        (
            "DecodeImage",
            "dtype=float",
            "47494638396103000200810000ff000000ff000000ff0908072c00000000010001000002024c01003b",
            "float[1,1,1,3] 0 1 0",
        ),
        (
            "DecodePng",
            "",
            "47494638396103000200810000ff000000ff000000ff0908072c000000000300020000020444a811290021f90401000003002c0100010002000100000202d40a003b",
            "INVALID_ARGUMENT: Got 2 frames, but animated gifs can only be decoded by tf.io.decode_gif or tf.io.decode_image",
        ),
        (
            "DecodePng",
            "",
            "47494638396103000200810000ff000000ff000000ff09080721f90401000000002c00000000020001000002020c0a003b",
            "uint8[1,2,3] 0 255 0 0 0 0",
        ),
        (
            "DecodeGif",
            "",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "uint8[1,1,2,3] 200 10 40 7 7 7",
        ),
        (
            "DecodeGif",
            "",
            "474946383961030002000000002c00000000010001000002024401003b",
            "INVALID_ARGUMENT: Invalid GIF data (size 29), missing color map for frame 0",
        ),
        (
            "DecodeGif",
            "",
            "47494638396103000200810000ff000000ff000000ff0908072c00000000",
            "INVALID_ARGUMENT: Invalid GIF data (size 30), failed to slurp gif file: Failed to read from given file",
        ),
        (
            "DecodeGif",
            "",
            "47494638396103000200810000ff000000ff000000ff0908072c000000000300020000020444a811290021f90401000003002c0100010002000100000202d40a00",
            "uint8[2,2,3,3] 255 0 0 0 255 0 0 0 255 9 8 7 255 0 0 0 255 0 255 0 0 0 255 0 0 0 255 9 8 7 0 0 255 0 255 0",
        ),
        (
            "DecodeImage",
            "channels=1",
            "47494638396103000200810000ff000000ff000000ff0908072c000000000300020000020444a811290021f90401000003002c0100010002000100000202d40a003b",
            "INVALID_ARGUMENT: channels must be 0 or 3 for GIF, got 1",
        ),
        (
            "DecodeBmp",
            "",
            "424d46000000000000003600000028000000020000000200000001001800000000001000000000000000000000000000000000000000000102030405060708090a0b0c0d0e0f",
            "uint8[2,2,3] 10 9 8 13 12 11 2 1 0 5 4 3",
        ),
        (
            "DecodeBmp",
            "channels=4",
            "424d3e00000000000000360000002800000001000000feffffff010018000000000008000000000000000000000000000000000000000001020304050607",
            "uint8[2,1,4] 2 1 0 255 6 5 4 255",
        ),
        (
            "DecodeBmp",
            "channels=3",
            "424d3a00000000000000360000002800000001000000010000000100200000000000040000000000000000000000000000000000000001020304",
            "uint8[1,1,3] 3 2 1",
        ),
        (
            "DecodeBmp",
            "",
            "424d3a00000000000000360000002800000003000000010000000100080000000000040000000000000000000000000000000000000001020304",
            "uint8[1,3,1] 1 2 3",
        ),
        (
            "DecodeImage",
            "dtype=uint16",
            "424d3a00000000000000360000002800000001000000010000000100200000000000040000000000000000000000000000000000000001020304",
            "uint16[1,1,4] 768 512 256 1024",
        ),
        (
            "DecodeBmp",
            "channels=1",
            "424d3a00000000000000360000002800000001000000010000000100200000000000040000000000000000000000000000000000000001020304",
            "INVALID_ARGUMENT: `channels` must be 0, 3 or 4 for BMP, but got 1",
        ),
        (
            "DecodeBmp",
            "",
            "424d36000000000000003600000028000000000000000100000001001800000000000000000000000000000000000000000000000000",
            "INVALID_ARGUMENT: Width must be positive",
        ),
        (
            "DecodeBmp",
            "",
            "424d36000000000000003600000028000000010000000000000001001800000000000000000000000000000000000000000000000000",
            "INVALID_ARGUMENT: Height must be nonzero",
        ),
        (
            "DecodeBmp",
            "",
            "424d3a00000000000000360000002800000001000000010000000100100000000000040000000000000000000000000000000000000031323334",
            "INVALID_ARGUMENT: Number of channels inherent in the image must be 1, 3 or 4, was 2",
        ),
        (
            "DecodeBmp",
            "",
            "424d36000000000000003600000028000000000001000000010001001800000000000000000000000000000000000000000000000000",
            "INVALID_ARGUMENT: Total possible pixel bytes must be less than 2^30",
        ),
        (
            "DecodeBmp",
            "",
            "424d36000000000000003600000028000000010000000100000001001800000000000000000000000000000000000000000000000000",
            "INVALID_ARGUMENT: Input size should match (header_size + row_size * abs_height) but they differ by -4",
        ),
        (
            "DecodeBmp",
            "",
            "424d",
            "INVALID_ARGUMENT: Incomplete bmp content, requires at least 32 bytes to find the header size, width, height, and bpp, got 2 bytes",
        ),
        (
            "DecodePng",
            "",
            "424d3a00000000000000360000002800000001000000010000000100180000000000040000000000000000000000000000000000000031323334",
            "INVALID_ARGUMENT: Trying to decode BMP format using a wrong op. Use `decode_bmp` or `decode_image` instead. Op used: DecodePng",
        ),
        (
            "DecodeBmp",
            "",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "INVALID_ARGUMENT: Trying to decode PNG format using DecodeBmp op. Use `decode_png` or `decode_image` instead.",
        ),
        (
            "DecodeBmp",
            "",
            "47494638396103000200810000ff000000ff000000ff0908072c000000000300020000020444a811290021f90401000003002c0100010002000100000202d40a003b",
            "INVALID_ARGUMENT: Trying to decode GIF format using DecodeBmp op. Use `decode_gif` or `decode_image` instead.",
        ),
        (
            "DecodeWebP",
            "",
            "524946462800000057454250565038201c0000007001009d012a01000100020034259c027401400000fef34aeb51b400",
            "uint8[1,1,1,3] 200 194 190",
        ),
        (
            "DecodeImage",
            "expand_animations=false",
            "524946462800000057454250565038201c0000007001009d012a01000100020034259c027401400000fef34aeb51b400",
            "uint8[1,1,3] 200 194 190",
        ),
        (
            "DecodeImage",
            "dtype=float",
            "524946462800000057454250565038201c0000007001009d012a01000100020034259c027401400000fef34aeb51b400",
            "INVALID_ARGUMENT: WebP only supports uint8 for dtype",
        ),
        (
            "DecodeWebP",
            "channels=4",
            "524946462800000057454250565038201c0000007001009d012a01000100020034259c027401400000fef34aeb51b400",
            "INVALID_ARGUMENT: Number of channels requested does not match input",
        ),
        (
            "DecodeWebP",
            "channels=1",
            "524946462800000057454250565038201c0000007001009d012a01000100020034259c027401400000fef34aeb51b400",
            "INVALID_ARGUMENT: WebP only supports 3 or 4 channels",
        ),
        (
            "DecodeWebP",
            "",
            "524946462800000057454250565038201c000000",
            "INVALID_ARGUMENT: Failed to decode WebP header.",
        ),
        (
            "DecodeImage",
            "",
            "ffd8ffe0",
            "INVALID_ARGUMENT: jpeg::Uncompress failed. Invalid JPEG data or crop window.",
        ),
        (
            "DecodeImage",
            "channels=2",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "INVALID_ARGUMENT: `channels` must be 0, 1, 3 or 4 but got 2",
        ),
        ("DecodeImage", "", "", "INVALID_ARGUMENT: Input is empty."),
        (
            "DecodeImage",
            "",
            "74657874",
            "INVALID_ARGUMENT: Unknown image file format. One of JPEG, JPEG XL, PNG, GIF, BMP, WebP required.",
        ),
        (
            "DecodeJpeg",
            "ratio=3",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "INVALID_ARGUMENT: ratio must be 1, 2, 4, or 8, got 3",
        ),
        (
            "DecodeJpeg",
            "dct_method=FLOAT",
            "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000f4944415478da6338c1a5c1cece0e0005b301109dec4fde0000000049454e44ae426082",
            "INVALID_ARGUMENT: dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}",
        ),
    ];
    let wrong = rows.iter().filter(|row| !answer(row).starts_with(row.3));
    let wrong: Vec<String> = wrong.map(|row| format!("{row:?}\n  got {}", answer(row))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
