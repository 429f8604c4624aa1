//! FarmHash's fingerprint of 64 bits (the `na` variant).

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// FarmHash's `Fingerprint64`, which never changes.
pub fn fingerprint64(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0..=16 => up_to_16(bytes),
        17..=32 => up_to_32(bytes),
        33..=64 => up_to_64(bytes),
        _ => long(bytes),
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

fn half_word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word).into()
}

fn shift_mix(v: u64) -> u64 {
    v ^ (v >> 47)
}

fn mix(u: u64, v: u64, mul: u64) -> u64 {
    let a = shift_mix((u ^ v).wrapping_mul(mul));
    shift_mix((v ^ a).wrapping_mul(mul)).wrapping_mul(mul)
}

fn add3(a: u64, b: u64, c: u64) -> u64 {
    a.wrapping_add(b).wrapping_add(c)
}

/// The multiplier that stands for the length.
fn length_factor(bytes: &[u8]) -> u64 {
    K2.wrapping_add(bytes.len() as u64 * 2)
}

fn up_to_16(s: &[u8]) -> u64 {
    let n = s.len();
    let mul = length_factor(s);
    if n >= 8 {
        let a = word(s, 0).wrapping_add(K2);
        let b = word(s, n - 8);
        let c = b.rotate_right(37).wrapping_mul(mul).wrapping_add(a);
        let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(mul);
        return mix(c, d, mul);
    }
    if n >= 4 {
        return mix(n as u64 + (half_word(s, 0) << 3), half_word(s, n - 4), mul);
    }
    if n == 0 {
        return K2;
    }
    let y = u64::from(s[0]) + (u64::from(s[n / 2]) << 8);
    let z = n as u64 + (u64::from(s[n - 1]) << 2);
    shift_mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
}

fn up_to_32(s: &[u8]) -> u64 {
    let n = s.len();
    let mul = length_factor(s);
    let a = word(s, 0).wrapping_mul(K1);
    let b = word(s, 8);
    let c = word(s, n - 8).wrapping_mul(mul);
    let d = word(s, n - 16).wrapping_mul(K2);
    let u = add3(a.wrapping_add(b).rotate_right(43), c.rotate_right(30), d);
    let v = add3(a, b.wrapping_add(K2).rotate_right(18), c);
    mix(u, v, mul)
}

fn up_to_64(s: &[u8]) -> u64 {
    let n = s.len();
    let mul = length_factor(s);
    let a = word(s, 0).wrapping_mul(K2);
    let b = word(s, 8);
    let c = word(s, n - 8).wrapping_mul(mul);
    let d = word(s, n - 16).wrapping_mul(K2);
    let y = add3(a.wrapping_add(b).rotate_right(43), c.rotate_right(30), d);
    let z = mix(y, add3(a, b.wrapping_add(K2).rotate_right(18), c), mul);
    let e = word(s, 16).wrapping_mul(mul);
    let f = word(s, 24);
    let g = y.wrapping_add(word(s, n - 32)).wrapping_mul(mul);
    let h = z.wrapping_add(word(s, n - 24)).wrapping_mul(mul);
    let u = add3(e.wrapping_add(f).rotate_right(43), g.rotate_right(30), h);
    mix(u, add3(e, f.wrapping_add(a).rotate_right(18), g), mul)
}

/// Two sums over 32 bytes from `at`, seeded with `a` and `b`.
fn weak(s: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let [w, x, y, z] = [0, 8, 16, 24].map(|i| word(s, at + i));
    let a = a.wrapping_add(w);
    let b = add3(b, a, z).rotate_right(21);
    let sum = add3(a, x, y);
    (sum.wrapping_add(z), add3(b, sum.rotate_right(44), a))
}

/// State of 56 bytes that takes in blocks of 64.
struct State {
    x: u64,
    y: u64,
    z: u64,
    v: (u64, u64),
    w: (u64, u64),
}

impl State {
    /// Takes in the block at `at`; the last block of all counts part of the state nine times.
    fn take(&mut self, s: &[u8], at: usize, mul: u64, weight: u64) {
        let x =
            add3(self.x, self.y, self.v.0).wrapping_add(word(s, at + 8)).rotate_right(37).wrapping_mul(mul);
        let y = add3(self.y, self.v.1, word(s, at + 48)).rotate_right(42).wrapping_mul(mul);
        let x = x ^ self.w.1.wrapping_mul(weight);
        let y = add3(y, self.v.0.wrapping_mul(weight), word(s, at + 40));
        let z = self.z.wrapping_add(self.w.0).rotate_right(33).wrapping_mul(mul);
        self.v = weak(s, at, self.v.1.wrapping_mul(mul), x.wrapping_add(self.w.0));
        self.w = weak(s, at + 32, z.wrapping_add(self.w.1), y.wrapping_add(word(s, at + 16)));
        (self.x, self.y, self.z) = (z, y, x);
    }
}

fn long(s: &[u8]) -> u64 {
    const SEED: u64 = 81;
    let y = SEED.wrapping_mul(K1).wrapping_add(113);
    let z = shift_mix(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2);
    let x = SEED.wrapping_mul(K2).wrapping_add(word(s, 0));
    let mut state = State { x, y, z, v: (0, 0), w: (0, 0) };
    let tail = (s.len() - 1) % 64;
    for at in (0..s.len() - 1 - tail).step_by(64) {
        state.take(s, at, K1, 1);
    }
    let mul = K1.wrapping_add((state.z & 0xff) << 1);
    state.w.0 = state.w.0.wrapping_add(tail as u64);
    state.v.0 = state.v.0.wrapping_add(state.w.0);
    state.w.0 = state.w.0.wrapping_add(state.v.0);
    state.take(s, s.len() - 64, mul, 9);
    let State { x, y, z, v, w } = state;
    let first = add3(mix(v.0, w.0, mul), shift_mix(y).wrapping_mul(K0), z);
    mix(first, mix(v.1, w.1, mul).wrapping_add(x), mul)
}
