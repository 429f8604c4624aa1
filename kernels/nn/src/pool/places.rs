//! Where the maxima of windows lie.

use savedmodel_math::par;

use crate::layout::Images;
use crate::pool::each_cell;
use crate::window::Dim;

/// What stands for the place of a window without cells.
pub const NOWHERE: usize = usize::MAX;

/// For every window and channel the index of the first greatest element, in all images, with channels innermost.
///
/// NaN is taken if it is the first, else skipped.
pub fn greatest<T: PartialOrd + Sync>(data: &[T], images: &Images, dims: &[Dim; 3]) -> Vec<usize> {
    let channels = images.channels;
    let [depth, height, width] = dims.map(|dim| dim.output);
    let image = images.pixels() * channels;
    let mut places = vec![NOWHERE; images.batch * depth * height * width * channels];
    let grain = par::grain((dims.iter().map(|dim| dim.window).product::<usize>() * channels) as f64);
    par::for_rows_mut(&mut places, channels, grain.max(1), |first, places| {
        for (index, places) in (first..).zip(places.chunks_exact_mut(channels.max(1))) {
            let at = [index / width / height % depth, index / width % height, index % width];
            let start = index / width / height / depth * image;
            each_cell(dims, at, |cell| {
                let first = start + cell * channels;
                for (channel, place) in places.iter_mut().enumerate() {
                    let here = first + channel;
                    if *place == NOWHERE || data[*place] < data[here] {
                        *place = here;
                    }
                }
            });
        }
    });
    places
}
