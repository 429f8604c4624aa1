//! Drawing by weights in constant time.

use crate::philox::Words;

/// Places of equal size, each shared by one class and another that fills it up (Walker's alias method, in Vose's form).
pub(crate) struct Alias {
    /// The part of a place that is its own, and who has the rest.
    places: Vec<(f32, usize)>,
}

impl Alias {
    /// Places for these weights.
    pub fn of(weights: &[f32]) -> Alias {
        let count = weights.len() as f64;
        let sum = weights.iter().fold(0.0, |sum, &weight| sum + f64::from(weight));
        // The product is rounded before it is divided, as TensorFlow's is.
        let mut left: Vec<f64> = weights.iter().map(|&w| f64::from(w * count as f32) / sum).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|&i| left[i] < 1.0);
        let mut places: Vec<(f32, usize)> = (0..left.len()).map(|i| (1.0, i)).collect();
        while let (Some(&from), Some(to)) = (large.last(), small.pop()) {
            large.pop();
            places[to] = (left[to] as f32, from);
            left[from] -= 1.0 - left[to];
            if left[from] < 1.0 { small.push(from) } else { large.push(from) }
        }
        Alias { places }
    }

    /// A class.
    pub fn draw(&self, words: &mut Words) -> usize {
        let part = words.uniform();
        let place = words.below(self.places.len() as u32) as usize;
        let (own, other) = self.places[place];
        if part < own { place } else { other }
    }
}
