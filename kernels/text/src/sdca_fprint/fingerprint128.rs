//! FarmHash's fingerprint of 128 bits, which is CityHash128.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// The fingerprint, its lower half first.
pub fn fingerprint128(string: &[u8]) -> [u64; 2] {
    let (seed, rest) = match string.split_at_checked(16) {
        Some((head, rest)) => ([word(head, 0), word(head, 8).wrapping_add(K0)], rest),
        None => ([K0, K1], string),
    };
    if rest.len() < 128 { short(rest, seed) } else { long(rest, seed) }
}

/// Eight bytes from a place on, the least significant first.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |&word| u64::from_le_bytes(word))
}

fn mix(x: u64) -> u64 {
    x ^ x >> 47
}

fn join(u: u64, v: u64) -> u64 {
    join_with(u, v, 0x9ddf_ea08_eb38_2d69)
}

fn join_with(u: u64, v: u64, factor: u64) -> u64 {
    let a = mix((u ^ v).wrapping_mul(factor));
    mix((v ^ a).wrapping_mul(factor)).wrapping_mul(factor)
}

/// Of up to 16 bytes.
fn tiny(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let factor = K2.wrapping_add(length as u64 * 2);
    match length {
        8.. => {
            let (a, b) = (word(bytes, 0).wrapping_add(K2), word(bytes, length - 8));
            let c = b.rotate_right(37).wrapping_mul(factor).wrapping_add(a);
            let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(factor);
            join_with(c, d, factor)
        }
        4.. => {
            let half = |at: usize| bytes[at..].first_chunk().map_or(0, |&half| u32::from_le_bytes(half));
            let (first, last) = (u64::from(half(0)), u64::from(half(length - 4)));
            join_with((length as u64).wrapping_add(first << 3), last, factor)
        }
        1.. => {
            let byte = |at: usize| u64::from(bytes[at]);
            let y = byte(0) + (byte(length >> 1) << 8);
            let z = length as u64 + (byte(length - 1) << 2);
            mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        0 => K2,
    }
}

/// Of less than 128 bytes.
fn short(bytes: &[u8], [mut a, mut b]: [u64; 2]) -> [u64; 2] {
    let length = bytes.len();
    let (mut c, mut d);
    if length <= 16 {
        a = mix(a.wrapping_mul(K1)).wrapping_mul(K1);
        c = b.wrapping_mul(K1).wrapping_add(tiny(bytes));
        d = mix(a.wrapping_add(if length >= 8 { word(bytes, 0) } else { c }));
    } else {
        c = join(word(bytes, length - 8).wrapping_add(K1), a);
        d = join(b.wrapping_add(length as u64), c.wrapping_add(word(bytes, length - 16)));
        a = a.wrapping_add(d);
        // The last bytes, of which there are up to 16, are in already.
        for at in (0..length - 16).step_by(16) {
            a = (a ^ mix(word(bytes, at).wrapping_mul(K1)).wrapping_mul(K1)).wrapping_mul(K1);
            b ^= a;
            c = (c ^ mix(word(bytes, at + 8).wrapping_mul(K1)).wrapping_mul(K1)).wrapping_mul(K1);
            d ^= c;
        }
    }
    let (a, b) = (join(a, c), join(d, b));
    [a ^ b, join(b, a)]
}

/// Two numbers of 32 bytes and two more.
fn weak(bytes: &[u8], a: u64, b: u64) -> [u64; 2] {
    let [w, x, y, z] = [0, 8, 16, 24].map(|at| word(bytes, at));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let sum = a.wrapping_add(x).wrapping_add(y);
    [sum.wrapping_add(z), b.wrapping_add(sum.rotate_right(44)).wrapping_add(a)]
}

/// What is carried along a long string.
struct State {
    x: u64,
    y: u64,
    z: u64,
    v: [u64; 2],
    w: [u64; 2],
}

impl State {
    /// Takes 64 bytes in.
    fn take(&mut self, bytes: &[u8]) {
        let State { mut x, mut y, mut z, v, w } = *self;
        let sum = |numbers: [u64; 4]| numbers.into_iter().fold(0, u64::wrapping_add);
        x = sum([x, y, v[0], word(bytes, 8)]).rotate_right(37).wrapping_mul(K1);
        y = sum([y, v[1], word(bytes, 48), 0]).rotate_right(42).wrapping_mul(K1);
        x ^= w[1];
        y = sum([y, v[0], word(bytes, 40), 0]);
        z = z.wrapping_add(w[0]).rotate_right(33).wrapping_mul(K1);
        let v = weak(bytes, v[1].wrapping_mul(K1), x.wrapping_add(w[0]));
        let w = weak(&bytes[32..], z.wrapping_add(w[1]), y.wrapping_add(word(bytes, 16)));
        *self = State { x: z, y, z: x, v, w };
    }
}

/// Of 128 bytes and more.
fn long(bytes: &[u8], [x, y]: [u64; 2]) -> [u64; 2] {
    let z = (bytes.len() as u64).wrapping_mul(K1);
    let v = (y ^ K1).rotate_right(49).wrapping_mul(K1).wrapping_add(word(bytes, 0));
    let v = [v, v.rotate_right(42).wrapping_mul(K1).wrapping_add(word(bytes, 8))];
    let w = [
        y.wrapping_add(z).rotate_right(35).wrapping_mul(K1).wrapping_add(x),
        x.wrapping_add(word(bytes, 88)).rotate_right(53).wrapping_mul(K1),
    ];
    let mut state = State { x, y, z, v, w };
    let whole = bytes.len() / 128 * 128;
    bytes[..whole].chunks_exact(64).for_each(|part| state.take(part));
    let State { mut x, mut y, mut z, mut v, mut w } = state;
    x = x.wrapping_add(v[0].wrapping_add(z).rotate_right(49).wrapping_mul(K0));
    y = y.wrapping_mul(K0).wrapping_add(w[1].rotate_right(37));
    z = z.wrapping_mul(K0).wrapping_add(w[0].rotate_right(27));
    w[0] = w[0].wrapping_mul(9);
    v[0] = v[0].wrapping_mul(K0);
    // The rest from its end, in parts of 32 bytes of which the last reaches back.
    for done in (1..=(bytes.len() - whole).div_ceil(32)).map(|part| part * 32) {
        let part = &bytes[bytes.len() - done..];
        y = x.wrapping_add(y).rotate_right(42).wrapping_mul(K0).wrapping_add(v[1]);
        w[0] = w[0].wrapping_add(word(part, 16));
        x = x.wrapping_mul(K0).wrapping_add(w[0]);
        z = z.wrapping_add(w[1]).wrapping_add(word(part, 0));
        w[1] = w[1].wrapping_add(v[0]);
        v = weak(part, v[0].wrapping_add(z), v[1]);
        v[0] = v[0].wrapping_mul(K0);
    }
    let (x, y) = (join(x, v[0]), join(y.wrapping_add(z), w[0]));
    let low = join(x.wrapping_add(v[1]), w[1]).wrapping_add(y);
    [low, join(x.wrapping_add(w[1]), y.wrapping_add(v[1]))]
}
