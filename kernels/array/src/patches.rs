//! Patches of images and volumes laid out along the depth.

use savedmodel_math::par;
use savedmodel_op::Context;
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit};

use crate::layout::{Axis, Walk};
use crate::strided;

/// How patches are taken along one spatial dimension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Number of positions in a patch.
    pub size: usize,
    /// Distance between neighbouring patches.
    pub stride: usize,
    /// Distance between neighbouring positions of a patch.
    pub rate: usize,
}

impl Window {
    /// Number of patches along a dimension, and how much of the first lies before its beginning.
    fn fit(self, len: usize, same: bool) -> Result<(usize, i64)> {
        let too_large = || Error::invalid_argument("Computed output size would overflow");
        let reach = (self.size - 1).checked_mul(self.rate).and_then(|reach| reach.checked_add(1));
        let reach = reach.filter(|&reach| reach < 1 << 62).ok_or_else(too_large)?;
        if same {
            let count = len.div_ceil(self.stride);
            let covered = count.saturating_sub(1).checked_mul(self.stride).ok_or_else(too_large)?;
            return Ok((count, ((covered + reach) as i64 - len as i64) / 2));
        }
        let count = (len as i64 - reach as i64 + self.stride as i64) / self.stride as i64;
        let count = usize::try_from(count).map_err(|_| {
            Error::invalid_argument(format!(
                "Computed output size would be negative: {count} [input_size: {len}, effective_filter_size: {reach}, \
                 stride: {}]",
                self.stride
            ))
        })?;
        Ok((count, 0))
    }
}

/// Reads an attribute with one number for each dimension, of which those of batch and depth must be one.
pub(crate) fn spatial(values: &[i64], name: &str, rank: usize) -> Result<Vec<usize>> {
    if values.len() != rank {
        return Err(Error::invalid_argument(format!(
            "{name} must have {rank} numbers, has {}",
            values.len()
        )));
    }
    if let Some(value) = values.iter().find(|&&value| i32::try_from(value).is_err()) {
        return Err(Error::invalid_argument(format!(
            "Attr {name} has value {value} out of range for an int32"
        )));
    }
    if values[0] != 1 || values[rank - 1] != 1 {
        return Err(Error::unimplemented(format!("Only support {name} across space.")));
    }
    let size = |&value: &i64| usize::try_from(value).ok().filter(|&size| (1..1 << 31).contains(&size));
    let sizes = values[1..rank - 1].iter().map(size).collect::<Option<Vec<usize>>>();
    sizes.ok_or_else(|| Error::new(savedmodel_tensor::Code::OutOfRange, format!("{name} is out of range.")))
}

/// Where the patches of an input lie.
pub(crate) struct Patches {
    /// The output's shape.
    pub shape: Shape,
    windows: Vec<Window>,
    before: Vec<i64>,
}

impl Patches {
    /// The patches of an input whose spatial dimensions lie between batch and depth.
    pub fn new(input: &[usize], windows: &[Window], same: bool) -> Result<Patches> {
        let mut shape = Shape::from([input[0]]);
        let mut before = Vec::with_capacity(windows.len());
        let mut depth = input[windows.len() + 1];
        for (window, &len) in windows.iter().zip(&input[1..]) {
            let (count, pad) = window.fit(len, same)?;
            shape.push(count);
            // Where strides leave gaps, patches of volumes begin within the input, and those of images at its start.
            before.push(if windows.len() == 2 { pad.max(0) } else { pad });
            depth = depth
                .checked_mul(window.size)
                .ok_or_else(|| Error::invalid_argument("patches are too large"))?;
        }
        shape.push(depth);
        shape.checked_elements()?;
        Ok(Patches { shape, windows: windows.to_vec(), before })
    }

    /// Copies the patches, with zeros for what lies outside.
    pub fn take<U: Unit>(&self, ctx: &Context<'_>) -> Result<Tensor> {
        let input = ctx.input(0);
        let mut output = ctx.allocate(input.dtype(), &self.shape)?;
        let rank = self.windows.len();
        let (from, depth) = (&input.shape()[1..=rank], input.shape()[rank + 1]);
        let (out, src) = (output.units_mut::<U>()?, input.units::<U>()?);
        let image: usize = from.iter().product();
        let row = self.shape[rank + 1];
        par::for_rows_mut(out, row, (strided::grain::<U>() / row.max(1)).max(1), |first, patches| {
            let mut places = vec![0; rank];
            for (i, patch) in patches.chunks_exact_mut(row).enumerate() {
                let mut number = first + i;
                for k in (0..rank).rev() {
                    places[k] = number % self.shape[k + 1] * self.windows[k].stride;
                    number /= self.shape[k + 1];
                }
                let image = &src[number * image * depth..][..image * depth];
                self.copy(patch, image, &places, (from, depth));
            }
        });
        Ok(output)
    }

    /// Copies one patch, whose first position lies at `places` of the padded image.
    fn copy<U: Unit>(&self, out: &mut [U], image: &[U], places: &[usize], (from, depth): (&[usize], usize)) {
        let Some((last, outer)) = self.windows.split_last() else { return };
        let (last_place, last_len) = (places[outer.len()], from[outer.len()]);
        let axes: Vec<Axis> = outer.iter().map(|window| Axis { len: window.size, stride: 0 }).collect();
        let mut lines = out.chunks_exact_mut(last.size * depth);
        let mut walk = Walk::at(&axes, 0, 0);
        for line in &mut lines {
            let within = |k: usize| {
                let at = places[k] + walk.index()[k] * self.windows[k].rate;
                at.checked_add_signed(-self.before[k] as isize).filter(|&at| at < from[k])
            };
            let row = (0..outer.len()).try_fold(0, |row, k| Some(row * from[k] + within(k)?));
            for (i, out) in line.chunks_exact_mut(depth).enumerate() {
                let at = (last_place + i * last.rate).checked_add_signed(-self.before[outer.len()] as isize);
                match row.zip(at.filter(|&at| at < last_len)) {
                    Some((row, at)) => out.clone_from_slice(&image[(row * last_len + at) * depth..][..depth]),
                    None => out.fill(U::default()),
                }
            }
            walk.advance();
        }
    }
}
