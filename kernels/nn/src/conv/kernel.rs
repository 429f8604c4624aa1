//! From tensors to convolutions and back.

use std::borrow::Cow;
use std::sync::OnceLock;

use savedmodel_math::gemm::{self, Activation, Epilogue, View, has_matrix_unit};
use savedmodel_op::Construction;
use savedmodel_tensor::{Code, Element, Error, PartialShape, Result, Shape, Tensor};

use super::all_taps::{self, suits_mirrored};
use super::attributes::Attributes;
use super::element::{Convolve, Multiply};
use super::forward::{self, Filter, Sizes, scaled};
use super::ready::Ready;
use crate::layout::{Images, inner_channels, partial, with_layout};
use crate::window::UNIT;

/// What an operator that convolves differs in.
pub struct Spec {
    /// Number of spatial dimensions.
    pub spatial: usize,
    /// The error for steps over images or channels.
    pub code: Code,
    /// The error for what TensorFlow has for some types only: see [`Attributes::check_plain`].
    pub plain: Code,
    /// Whether all types have dilations.
    pub dilates: bool,
    /// Whether a window without cells gives zeros and is no error.
    pub takes_nothing: bool,
    /// Checks input and filter and tells the groups and the output's channels.
    pub channels: fn(input: &Images, filter: &Shape) -> Result<Channels>,
    /// Checks the ranks of input and filter.
    pub ranks: fn(input: &Shape, filter: &Shape) -> Result<()>,
}

/// How a filter joins channels.
pub struct Channels {
    /// Groups that the channels fall into.
    pub groups: usize,
    /// Channels of the output.
    pub outputs: usize,
}

/// A convolution of one node.
pub struct Forward<T: Convolve> {
    spec: &'static Spec,
    /// How it moves.
    pub attributes: Attributes,
    /// For groups, and for being mirrored or not.
    ready: Ready<Filter<T::Wide>, (usize, bool)>,
    /// What the filter's output channels are multiplied by, or nothing.
    factors: Vec<T::Wide>,
    /// Whether the filter may be rounded.
    rounds: bool,
    /// The filter ready for convolution by tiles, if it never changes.
    tiled: Option<OnceLock<Option<<T::Wide as Multiply>::Tiled>>>,
    /// Whether all of a filter that never changes is finite.
    finite: OnceLock<bool>,
}

impl<T: Convolve> Forward<T> {
    /// Reads the node, and makes a constant filter ready if the channels of the input are known.
    ///
    /// # Errors
    /// As [`Attributes::of`].
    pub fn new(node: &Construction<'_>, spec: &'static Spec) -> Result<Forward<T>> {
        let attributes = Attributes::of(node, spec.spatial, spec.code)?;
        let constant = node.constant(1);
        let tiled = constant.is_some().then(OnceLock::new);
        let (ready, rounds) = (Ready::new(constant.is_some()), node.rounds());
        let this = Forward {
            spec,
            attributes,
            ready,
            factors: factors(node)?,
            rounds,
            tiled,
            finite: OnceLock::new(),
        };
        let unknown = PartialShape::unknown();
        let input = node.shapes.first().unwrap_or(&unknown);
        let (channels, space) = partial(input, spec.spatial, this.attributes.channels_first);
        if let (Some(filter), Some(channels)) = (constant, channels)
            && filter.rank() == spec.spatial + 2
            && filter.elements() > 0
        {
            // Sizes that are not known count as one, for which few convolutions gain by tiles.
            let mut cells = [1; 3];
            let known = cells[3 - spec.spatial..].iter_mut().zip(&space);
            known.for_each(|(cells, known)| *cells = known.unwrap_or(1));
            let input = Images { batch: 1, space: cells, channels };
            // What is wrong with the sizes is said when it runs.
            if let Ok(Channels { groups, outputs }) = (spec.channels)(&input, filter.shape())
                && groups > 0
            {
                let dims = this.attributes.dims(cells, window(filter.shape())).unwrap_or([UNIT; 3]);
                let output = Images { batch: 1, space: dims.map(|dim| dim.output), channels: outputs };
                let sizes = Sizes { input, output, dims, groups };
                // Now, while its pages are in memory for what is made of it.
                this.is_finite(filter)?;
                let mirrored = suits_mirrored(&sizes);
                let is_known = !mirrored || space.iter().all(Option::is_some);
                if is_known && this.tiles(&sizes, filter)?.is_none() {
                    this.ready.set((groups, mirrored), this.prepare(filter, &sizes, mirrored)?);
                }
            }
        }
        Ok(this)
    }

    /// The filter ready for convolution by tiles, if the convolution gains by them.
    fn tiles(&self, sizes: &Sizes, filter: &Tensor) -> Result<Option<&<T::Wide as Multiply>::Tiled>> {
        let is_faster_whole = self.rounds && has_matrix_unit();
        let Some(cell) = self.tiled.as_ref().filter(|_| !is_faster_whole && forward::suits_tiles(sizes))
        else {
            return Ok(None);
        };
        // One weight spoils all outputs of a tile.
        if !self.is_finite(filter)? {
            return Ok(None);
        }
        let (channels, outputs) = (sizes.input.channels, sizes.output.channels);
        if cell.get().is_none() {
            let tiled = T::Wide::tile(&self.scaled(filter)?, channels, outputs);
            filter.release_pages();
            return Ok(cell.get_or_init(|| tiled).as_ref());
        }
        Ok(cell.get().and_then(Option::as_ref))
    }

    fn is_finite(&self, filter: &Tensor) -> Result<bool> {
        if let Some(&finite) = self.finite.get() {
            return Ok(finite);
        }
        let finite = forward::is_finite(&T::widen(filter.as_slice()?));
        if self.tiled.is_some() {
            let _ = self.finite.set(finite);
            filter.release_pages();
        }
        Ok(finite)
    }

    fn scaled<'a>(&self, filter: &'a Tensor) -> Result<Cow<'a, [T::Wide]>> {
        Ok(scaled(T::widen(filter.as_slice()?), &self.factors))
    }

    fn prepare(&self, filter: &Tensor, sizes: &Sizes, mirrored: bool) -> Result<Filter<T::Wide>> {
        let (groups, outputs) = (sizes.groups, sizes.output.channels);
        let taps: usize = window(filter.shape()).iter().product();
        let channels = filter.elements() / (taps * outputs);
        let sizes = [taps, channels, outputs];
        if mirrored {
            let pack = |[k, n]: [usize; 2], matrix: View<'_, T::Wide>| match self.rounds {
                true => T::Wide::pack_rounded(k, n, matrix),
                false => T::Wide::pack(k, n, matrix, &[]),
            };
            return Ok(Filter::Mirrored(all_taps::mirrored_matrix(&self.scaled(filter)?, sizes, pack)));
        }
        if self.rounds {
            let taps_of_line = window(filter.shape())[2];
            let padding = gemm::padding(taps_of_line, self.attributes.dilation_of_line(), channels);
            // Cells of few numbers lie across cache lines, and a tile of them takes long to be read: outputs must be many.
            let gains = taps > 1 && groups == 1 && padding > 0 && (channels > 3 || outputs >= 64);
            return Ok(match gains {
                true => Filter::padded(&self.scaled(filter)?, taps_of_line * channels, outputs, padding),
                false => Filter::rounded(&self.scaled(filter)?, sizes, groups),
            });
        }
        Ok(Filter::scaled(&T::widen(filter.as_slice()?), sizes, groups, &self.factors))
    }

    /// The sizes for an input and a filter.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` as TensorFlow's.
    pub fn sizes(&self, input: &Shape, filter: &Shape) -> Result<Sizes> {
        (self.spec.ranks)(input, filter)?;
        let input = Images::of(input, self.attributes.channels_first);
        let Channels { groups, outputs } = (self.spec.channels)(&input, filter)?;
        let dims = self.attributes.dims(input.space, window(filter))?;
        let output = Images { batch: input.batch, space: dims.map(|dim| dim.output), channels: outputs };
        Ok(Sizes { input, output, dims, groups })
    }

    /// Whether a convolution can add to what its output holds: see [`Epilogue::accumulate`].
    ///
    /// # Errors
    /// `INTERNAL` when the filter is of another type.
    pub fn accumulates(&self, sizes: &Sizes, filter: &Tensor) -> Result<bool> {
        let is_product =
            sizes.groups == 1 && !suits_mirrored(sizes) && sizes.input.channels > 0 && filter.elements() > 0;
        let is_as_it_lies = T::DTYPE == T::Wide::DTYPE && !self.attributes.channels_first;
        Ok(is_product && is_as_it_lies && self.tiles(sizes, filter)?.is_none())
    }

    /// What a window without cells gives.
    fn give_nothing(
        &self,
        sizes: &Sizes,
        epilogue: &Epilogue<'_, T::Wide>,
        after: &dyn Fn(&mut [T::Wide]),
        out: &mut Tensor,
    ) -> Result<()> {
        if !epilogue.residual.is_empty() || !matches!(epilogue.activation, Activation::Identity) {
            return Err(Error::unimplemented("a filter without elements with an activation"));
        }
        with_layout(out, &sizes.output, self.attributes.channels_first, |out: &mut [T]| {
            T::round(out, |out| {
                out.fill(Default::default());
                if !epilogue.bias.is_empty() {
                    out.chunks_exact_mut(epilogue.bias.len())
                        .for_each(|row| row.copy_from_slice(epilogue.bias));
                }
                after(out);
            });
        })
    }

    /// The shape of the output.
    pub fn shape(&self, sizes: &Sizes) -> Shape {
        sizes.output.shape(self.attributes.spatial, self.attributes.channels_first)
    }

    /// Convolves into `out`, and lets `after` see the result with channels innermost.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the filter is empty but the output is not.
    pub fn run(
        &self,
        sizes: &Sizes,
        [input, filter]: [&Tensor; 2],
        epilogue: Epilogue<'_, T::Wide>,
        after: &dyn Fn(&mut [T::Wide]),
        out: &mut Tensor,
    ) -> Result<()> {
        if out.elements() == 0 {
            return Ok(());
        }
        if filter.elements() == 0 && !self.spec.takes_nothing {
            return Err(Error::invalid_argument(
                "filter must not have zero elements (i.e. all dimensions must be non-zero)",
            ));
        }
        if filter.elements() == 0 {
            return self.give_nothing(sizes, &epilogue, after, out);
        }
        if sizes.input.channels == 0 {
            out.as_mut_slice::<T>()?.fill(T::default());
            return Ok(());
        }
        let input = inner_channels::<T>(input, &sizes.input, self.attributes.channels_first)?;
        let mut input = T::widen(&input);
        let padded;
        let sizes = match self.is_finite(filter)? {
            true => sizes,
            // What is not finite times the zeros of a padding is no number.
            false => {
                padded = forward::pad(sizes, &mut input);
                &padded
            }
        };
        if let Some(filter) = self.tiles(sizes, filter)? {
            let mut is_done = false;
            with_layout(out, &sizes.output, self.attributes.channels_first, |out: &mut [T]| {
                T::round(out, |out| {
                    is_done = forward::convolve_tiles(sizes, &input, filter, epilogue, out);
                    if is_done {
                        after(out);
                    }
                });
            })?;
            if is_done {
                return Ok(());
            }
        }
        let mirrored = suits_mirrored(sizes);
        // A rounded filter lies in pairs of its own channels.
        let merged = if self.rounds || mirrored { *sizes } else { forward::merged(sizes) };
        let make = || self.prepare(filter, sizes, mirrored);
        self.ready.with((sizes.groups, mirrored), make, |filter| {
            with_layout(out, &sizes.output, self.attributes.channels_first, |out: &mut [T]| {
                T::round(out, |out| {
                    forward::convolve(&merged, &input, filter, epilogue, out);
                    after(out);
                });
            })
        })?
    }
}

/// The factors of a node's filter, or nothing.
///
/// # Errors
/// `INTERNAL` when they are of another type.
pub fn factors<W: Element>(node: &Construction<'_>) -> Result<Vec<W>> {
    node.factors().map_or(Ok(vec![]), |factors| factors.as_slice().map(<[_]>::to_vec))
}

/// The spatial sizes of a filter: depth, height and width.
pub fn window(filter: &Shape) -> [usize; 3] {
    let mut window = [1; 3];
    let spatial = filter.rank() - 2;
    window[3 - spatial..].copy_from_slice(&filter[..spatial]);
    window
}
