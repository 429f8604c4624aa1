//! Files and images by their hashes, which are those of TensorFlow's.

use savedmodel_op::{Limits, ResourceManager, Run};
use savedmodel_tensor::{Bytes, Tensor};

use super::{Options, Settings, decode, encode, shape};
use crate::codec::Canvas;

/// Waves that become finer, so that there are edges and smooth parts.
fn image([height, width, channels]: [usize; 3]) -> Vec<u8> {
    let pixel = |y: usize, x: usize, c: usize| (x * x * 3 + y * y * 5 + x * y * 7 + c * 41) >> 2;
    let row = |y: usize| (0..width).flat_map(move |x| (0..channels).map(move |c| pixel(y, x, c) as u8));
    (0..height).flat_map(row).collect()
}

/// The hash of Fowler, Noll and Vo.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn settings() -> Settings {
    Settings::default()
}

fn base() -> Bytes {
    encode(&image([17, 33, 3]), [17, 33, 3], &settings()).unwrap()
}

fn progressive() -> Bytes {
    encode(&image([40, 51, 3]), [40, 51, 3], &Settings { progressive: true, ..settings() }).unwrap()
}

fn grey() -> Bytes {
    encode(&image([40, 19, 1]), [40, 19, 1], &settings()).unwrap()
}

fn whole() -> Bytes {
    encode(&image([17, 33, 3]), [17, 33, 3], &Settings { downsample: false, ..settings() }).unwrap()
}

fn draw(file: &[u8], options: &Options) -> savedmodel_tensor::Result<Tensor> {
    let (resources, limits) = (ResourceManager::new(), Limits::default());
    decode(Canvas { run: Run { resources: &resources, limits: &limits } }, file, options)
}

#[test]
fn files() {
    let metadata = Bytes::from_static(b"abc");
    for (size, settings, want) in [
        ([17, 33, 3], settings(), 0xa29c_eb9a_c507_f36f),
        ([40, 19, 1], settings(), 0x1369_33c3_aadf_c250),
        ([17, 33, 3], Settings { quality: 5, ..settings() }, 0x2e59_7514_7420_f163),
        ([9, 70, 3], Settings { quality: 100, ..settings() }, 0x130d_c9ea_4ac2_4d06),
        ([17, 33, 3], Settings { downsample: false, ..settings() }, 0x8ffe_400b_8e67_1912),
        ([17, 33, 3], Settings { optimize: true, ..settings() }, 0xbcc6_537c_0056_9544),
        ([40, 51, 3], Settings { progressive: true, ..settings() }, 0x045d_ed04_753c_b81c),
        ([40, 51, 1], Settings { progressive: true, quality: 100, ..settings() }, 0xce1a_da45_2690_7f39),
        (
            [1, 1, 1],
            Settings { metadata, density_unit: 2, density: [7, 300], ..settings() },
            0xd458_d8c7_2283_5db9,
        ),
    ] {
        let file = encode(&image(size), size, &settings).unwrap();
        assert_eq!(hash(&file), want, "{size:?} {settings:?}: {} bytes", file.len());
        assert_eq!(shape(&file).unwrap(), size);
    }
    assert!(encode(&[], [0, 3, 1], &settings()).is_err());
}

#[test]
fn images() {
    let options = Options::default();
    let crop = Some([3, 5, 9, 11]);
    for (name, file, wants) in [
        (
            "base",
            base(),
            [
                0x8c85_9609_2914_732d,
                0xc7cb_23e6_e5d5_4fc5,
                0x3455_7f2c_d95e_c9ba,
                0x56f0_363f_7eac_b0bf,
                0x7864_a57b_e805_880e,
                0xa956_971f_aa82_bc4c,
                0x0cda_85bd_bd23_bdb6,
                0x9e20_af65_5e34_1177,
            ],
        ),
        (
            "progressive",
            progressive(),
            [
                0x9c61_66b6_b937_c427,
                0x9b7a_aa04_8e9f_6e2e,
                0x17aa_7103_66a9_c304,
                0xaf92_05f2_bb6c_932e,
                0x5ecd_fc16_a872_ef5f,
                0xe6b1_017f_0512_7b76,
                0x0517_52e2_2c37_ddf4,
                0x9e20_af65_5e34_1177,
            ],
        ),
        (
            "grey",
            grey(),
            [
                0xe20e_de54_a144_d854,
                0x5e54_d9fb_5729_517c,
                0x7f96_33e2_4893_002c,
                0x3dd8_cc09_2f4c_a8f0,
                0x7dfb_91ce_638f_934a,
                0xe20e_de54_a144_d854,
                0xe20e_de54_a144_d854,
                0x4083_6893_7901_588d,
            ],
        ),
        (
            "whole",
            whole(),
            [
                0x173d_d0cd_5918_a9e3,
                0x4e5a_30cf_bc07_2ef9,
                0xbee6_483b_7f66_227a,
                0x43b6_d596_b55a_c854,
                0xae42_c0ed_15f8_b71e,
                0x173d_d0cd_5918_a9e3,
                0x0cda_85bd_bd23_bdb6,
                0x8604_c688_257c_39ca,
            ],
        ),
    ] {
        let asked = [
            options,
            Options { accurate: true, ..options },
            Options { ratio: 2, ..options },
            Options { ratio: 4, ..options },
            Options { ratio: 8, ..options },
            Options { fancy: false, ..options },
            Options { channels: 1, ..options },
            Options { crop, ..options },
        ];
        for (options, want) in asked.iter().zip(wants) {
            let image = draw(&file, options).unwrap();
            assert_eq!(hash(image.as_slice().unwrap()), want, "{name} {options:?}");
        }
    }
    let grey = draw(&grey(), &Options { channels: 3, ..options }).unwrap();
    assert_eq!(hash(grey.as_slice().unwrap()), 0x7db8_8b8d_2819_b0e6);
}

#[test]
fn files_that_end_too_soon() {
    let file = base();
    let cut = &file[..file.len() * 2 / 3];
    assert!(draw(cut, &Options::default()).is_err());
    let recovered = draw(cut, &Options { recover: true, ..Options::default() }).unwrap();
    assert_eq!(hash(recovered.as_slice().unwrap()), 0x2836_a0e5_28b3_1678);
    let cut = &file[..file.len() - 20];
    assert!(draw(cut, &Options::default()).is_err());
    let partly = draw(cut, &Options { fraction: 0.8, ..Options::default() }).unwrap();
    let rows = partly.as_slice::<u8>().unwrap().chunks_exact(33 * 3);
    assert_eq!(rows.filter(|row| row.iter().all(|&x| x == 0)).count(), 3);
    let file = progressive();
    let cut = draw(&file[..file.len() / 2], &Options { recover: true, ..Options::default() });
    assert_eq!(cut.unwrap_err().message(), "JPEG files with progressive coding that is not complete");
}

#[test]
fn damaged_files_are_done_with() {
    let mut state = 1_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for file in [base(), progressive(), grey(), whole()] {
        for round in 0..300 {
            let mut damaged = file.to_vec();
            for _ in 0..1 + random(4) {
                let at = random(damaged.len());
                damaged[at] = random(256) as u8;
            }
            if round % 3 == 0 {
                damaged.truncate(random(damaged.len()));
            }
            let options = Options {
                channels: [0, 1, 3][random(3)],
                ratio: 1 << random(4),
                fancy: random(2) == 0,
                accurate: random(2) == 0,
                recover: random(2) == 0,
                fraction: random(2) as f32,
                crop: [None, Some([1, 1, 2, 2])][random(2)],
            };
            // The answer is not what matters.
            let _ = draw(&damaged, &options);
        }
    }
}
