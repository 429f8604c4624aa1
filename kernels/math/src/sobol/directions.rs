//! The direction numbers of Joe and Kuo.

/// Dimensions that there are numbers for.
pub const DIMENSIONS: usize = 21_200;

/// For each dimension but the first, highest bits first: the inner coefficients of its primitive polynomial (one less
/// than the degree), then the second to last of its first odd numbers, each without the lowest bit, which is set.
static PACKED: &[u8] = include_bytes!("directions.bin");

/// How many dimensions have polynomials of degree 1, 2, … 18: as many as there are primitive ones.
const OF_DEGREE: [usize; 18] = [1, 1, 2, 2, 6, 6, 18, 16, 48, 60, 176, 144, 630, 756, 1800, 2048, 7710, 7776];

/// The numbers of the first `dimensions` dimensions, one dimension after the other, each of `digits` binary digits after
/// the point.
pub fn directions(dimensions: usize, digits: usize) -> Vec<u32> {
    let shifted = |number: u32, i: usize| number << (digits - 1 - i);
    let mut all: Vec<u32> = (0..digits).map(|i| shifted(1, i)).collect();
    let degrees = (1..).zip(OF_DEGREE).flat_map(|(degree, count)| std::iter::repeat_n(degree, count));
    let mut bits = Bits(0);
    for degree in degrees.take(dimensions - 1) {
        let polynomial = bits.take(degree - 1);
        let start = all.len();
        for i in 0..degree {
            let number = bits.take(i) << 1 | 1;
            if i < digits {
                all.push(shifted(number, i));
            }
        }
        for i in degree..digits {
            let earlier = |back: usize| all[start + i - back];
            let mut number = earlier(degree) ^ earlier(degree) >> degree;
            for back in (1..degree).filter(|back| polynomial >> (degree - 1 - back) & 1 == 1) {
                number ^= earlier(back);
            }
            all.push(number);
        }
    }
    all
}

/// The place of the next packed bit.
struct Bits(usize);

impl Bits {
    fn take(&mut self, count: usize) -> u32 {
        let bit = |at: usize| u32::from(PACKED[at / 8] >> (7 - at % 8) & 1);
        let value = (self.0..self.0 + count).fold(0, |value, at| value << 1 | bit(at));
        self.0 += count;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_dimensions() {
        assert_eq!(OF_DEGREE.iter().sum::<usize>(), DIMENSIONS);
        let all = directions(DIMENSIONS, 8);
        assert_eq!(all.len(), DIMENSIONS * 8);
        assert_eq!(all[..8], [128, 64, 32, 16, 8, 4, 2, 1]);
        assert_eq!(all[8..16], [128, 192, 160, 240, 136, 204, 170, 255]);
        assert!(all.chunks(8).all(|numbers| (0..8).all(|i| numbers[i].trailing_zeros() == 7 - i as u32)));
    }
}
