//! Huffman codes made for an image, with libjpeg's choice among equal ones.

use super::huffman::Code;

/// The longest words before they are shortened to 16 bits.
const LONGEST: usize = 32;

/// The code for values that occur so often.
pub fn optimal(counts: &[u32; 256]) -> Code {
    let lengths = lengths(counts);
    let mut bits = [0_u8; LONGEST + 1];
    lengths.iter().filter(|&&length| length > 0).for_each(|&length| bits[length] += 1);
    // Two of the longest words become one shorter, and a word of at most 16 bits becomes two longer.
    for i in (17..=LONGEST).rev() {
        while bits[i] > 0 {
            let mut j = i - 2;
            while bits[j] == 0 {
                j -= 1;
            }
            bits[i] -= 2;
            bits[i - 1] += 1;
            bits[j + 1] += 2;
            bits[j] -= 1;
        }
    }
    // The word of ones alone, which was kept for a value that does not occur, is not told.
    if let Some(longest) = bits[..=16].iter_mut().rev().find(|count| **count > 0) {
        *longest -= 1;
    }
    let mut order: Vec<usize> = (0..256).filter(|&value| lengths[value] > 0).collect();
    order.sort_by_key(|&value| lengths[value]);
    let values: Vec<u8> = order.into_iter().map(|value| value as u8).collect();
    Code::new(&std::array::from_fn(|i| bits[i + 1]), &values)
}

/// The lengths of words; one value more than there are is given one.
fn lengths(counts: &[u32; 256]) -> [usize; 257] {
    let mut left = [1_u64; 257];
    left.iter_mut().zip(counts).for_each(|(left, &count)| *left = count.into());
    let mut lengths = [0; 257];
    // The next value of the same tree.
    let mut next = [None; 257];
    loop {
        // Of equal counts, the last.
        let least = |left: &[u64; 257], but: Option<usize>| {
            (0..257).rev().filter(|&i| left[i] > 0 && Some(i) != but).min_by_key(|&i| left[i])
        };
        let Some(a) = least(&left, None) else { return lengths };
        let Some(b) = least(&left, Some(a)) else { return lengths };
        left[a] += left[b];
        left[b] = 0;
        let mut at = a;
        lengths[at] += 1;
        while let Some(following) = next[at] {
            at = following;
            lengths[at] += 1;
        }
        next[at] = Some(b);
        let mut at = Some(b);
        while let Some(i) = at {
            lengths[i] += 1;
            at = next[i];
        }
    }
}
