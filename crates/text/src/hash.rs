//! Hashes whose values TensorFlow promises, or stores.

use std::hash::Hasher;

mod farm;

use siphasher::sip::SipHasher24;

pub use farm::fingerprint64;

/// SipHash-2-4 with a key of two numbers (TensorFlow's strong keyed hash).
pub fn keyed64(key: [u64; 2], bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(key[0], key[1]);
    hasher.write(bytes);
    hasher.finish()
}

/// TensorFlow's `Hash64` with its usual seed: MurmurHash64A.
///
/// Buckets of `StringToHashBucket` and of dense hash tables depend on it.
pub fn hash64(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0x00DE_CAFC_AFFE;
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(M);
    let (words, tail) = bytes.as_chunks::<8>();
    for &word in words {
        let word = u64::from_le_bytes(word).wrapping_mul(M);
        hash = (hash ^ (word ^ (word >> 47)).wrapping_mul(M)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0; 8];
        last[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 47)).wrapping_mul(M);
    hash ^ (hash >> 47)
}

/// Two hashes made one, in order (TensorFlow's `Hash64Combine`).
pub fn combine64(a: u64, b: u64) -> u64 {
    let mixed = b.wrapping_add(0x9e37_79b9_7f4a_7800).wrapping_add(a << 10).wrapping_add(a >> 4);
    a ^ mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_length_class() {
        let check = |len: usize, fingerprint: u64, keyed: u64, legacy: u64| {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 7 + 33) as u8 % 94 + 33).collect();
            const M: u64 = i64::MAX as u64;
            let got = (fingerprint64(&bytes) % M, keyed64([1, 2], &bytes) % M, hash64(&bytes) % M);
            assert_eq!(got, (fingerprint, keyed, legacy), "{len} bytes");
        };
        check(0, 1936946117179621456, 443797209252341628, 105434511174508092);
        check(1, 8703560047562643528, 8739144461460338331, 4153049495964690067);
        check(3, 7482581548956243925, 2362690095013410970, 4191275631108790855);
        check(4, 6094000055670886203, 5086525941295656895, 8098371209403665645);
        check(7, 3916379464361543854, 2168720558083191364, 3548918491457470761);
        check(8, 4545153404833136873, 804140890477952576, 8624967855043302098);
        check(9, 8608724880170890969, 7824689788108125615, 723509480253202762);
        check(16, 4560654469018186804, 7136238384046929043, 442076294779085916);
        check(17, 2319117507913517784, 5745380475791952838, 6429147308043348539);
        check(32, 3156369389210392847, 7838279162841727760, 5306603137736799679);
        check(33, 1091206569590419803, 5557923770357643246, 9218204388506027278);
        check(64, 7506195792989907160, 4861278568943660856, 1189869072661428350);
        check(65, 7573308281337370328, 8788314904974463272, 3710185449863808433);
        check(100, 1304924732493854013, 4187906147682813237, 8111459671859280359);
        check(128, 7885312058328403111, 4136232378392962798, 1077627307055077322);
        check(200, 7614924809873429839, 4436178565274104214, 4067768040610212868);
    }

    #[test]
    fn combined() {
        assert_eq!(combine64(0, 0), 0x9e37_79b9_7f4a_7800);
        assert_eq!(combine64(1, 2), 0x9e37_79b9_7f4a_7c03);
    }
}
