//! Tensors put together from slices, and slices cut from tensors.

use std::ops::Range;

use savedmodel_tensor::{DType, Error, Result, Shape, Tensor, Unit, by_unit};

/// A box: the indices it covers in each dimension.
pub(crate) type Ranges = Vec<Range<usize>>;

/// The part of a tensor that `ranges`, which lie within it, cover.
pub(crate) fn cut(tensor: Tensor, ranges: &Ranges) -> Result<Tensor> {
    let shape: Shape = ranges.iter().map(ExactSizeIterator::len).collect();
    if shape == *tensor.shape() {
        return Ok(tensor);
    }
    if let Some((first, inner)) = ranges.split_first()
        && inner.iter().zip(&tensor.shape()[1..]).all(|(range, &size)| range.len() == size)
    {
        return tensor.rows(first.start, first.end);
    }
    let mut out = Tensor::zeros(tensor.dtype(), shape)?;
    let starts: Vec<_> = ranges.iter().map(|range| range.start).collect();
    let region = Region { extent: out.shape().to_vec(), from: starts, to: vec![0; ranges.len()] };
    copy(&tensor, &mut out, region)?;
    Ok(out)
}

/// The part of a tensor that `wanted` covers, from the slices that it is stored in.
///
/// `read` gives a slice by its index and is asked only for those that are needed, before memory for the whole is
/// taken.
///
/// # Errors
/// `DATA_LOSS` when slices overlap or leave a part of `wanted` out, and whatever `read` says.
pub(crate) fn assemble(
    dtype: DType,
    slices: &[Ranges],
    wanted: &Ranges,
    mut read: impl FnMut(usize) -> Result<Tensor>,
) -> Result<Tensor> {
    check_disjoint(slices)?;
    let elements = |ranges: &Ranges| {
        let sizes = ranges.iter().map(ExactSizeIterator::len);
        sizes.map(|size| size as u128).product::<u128>()
    };
    let mut found = 0;
    let mut parts = Vec::new();
    for (index, slice) in slices.iter().enumerate() {
        let common = intersect(slice, wanted);
        if elements(&common) == 0 {
            continue;
        }
        found += elements(&common);
        let tensor = read(index)?;
        let stored = slice.iter().map(ExactSizeIterator::len);
        if tensor.dtype() != dtype || !stored.eq(tensor.shape().iter().copied()) {
            return Err(Error::data_loss(format!("a slice is stored as {}", tensor.describe())));
        }
        parts.push((tensor, index, common));
    }
    if found != elements(wanted) {
        return Err(Error::data_loss("the stored slices do not cover the tensor"));
    }
    let mut out = Tensor::zeros(dtype, wanted.iter().map(ExactSizeIterator::len).collect::<Shape>())?;
    for (tensor, index, common) in parts {
        let offsets = |base: &Ranges| {
            let pairs = common.iter().zip(base);
            pairs.map(|(range, base)| range.start - base.start).collect::<Vec<_>>()
        };
        let region = Region {
            extent: common.iter().map(ExactSizeIterator::len).collect(),
            from: offsets(&slices[index]),
            to: offsets(wanted),
        };
        copy(&tensor, &mut out, region)?;
    }
    Ok(out)
}

fn intersect(a: &Ranges, b: &Ranges) -> Ranges {
    let common = a.iter().zip(b).map(|(a, b)| {
        let start = a.start.max(b.start);
        start..a.end.min(b.end).max(start)
    });
    common.collect()
}

/// Compares only slices that meet on the axis where most of them start apart.
fn check_disjoint(slices: &[Ranges]) -> Result<()> {
    let rank = slices.first().map_or(0, Vec::len);
    let starts = |axis: usize| {
        let mut starts: Vec<_> = slices.iter().map(|slice| slice[axis].start).collect();
        starts.sort_unstable();
        starts.dedup();
        starts.len()
    };
    let Some(axis) = (0..rank).max_by_key(|&axis| starts(axis)) else {
        return if slices.len() > 1 { Err(overlap()) } else { Ok(()) };
    };
    let mut sorted: Vec<_> = slices.iter().collect();
    sorted.sort_by_key(|slice| slice[axis].start);
    for (index, slice) in sorted.iter().enumerate() {
        let meets = sorted[index + 1..].iter().take_while(|other| other[axis].start < slice[axis].end);
        for other in meets {
            if intersect(slice, other).iter().all(|range| !range.is_empty()) {
                return Err(overlap());
            }
        }
    }
    Ok(())
}

#[cold]
fn overlap() -> Error {
    Error::data_loss("the stored slices overlap")
}

/// A box of `extent`, at one place in the tensor it is copied from and at another in the one it is copied to.
struct Region {
    extent: Vec<usize>,
    from: Vec<usize>,
    to: Vec<usize>,
}

fn copy(from: &Tensor, to: &mut Tensor, region: Region) -> Result<()> {
    fn of_unit<U: Unit>(from: &Tensor, to: &mut Tensor, region: Region) -> Result<()> {
        let (from_shape, to_shape) = (from.shape().to_vec(), to.shape().to_vec());
        copy_units(from.units::<U>()?, from_shape, to.units_mut::<U>()?, to_shape, region);
        Ok(())
    }
    by_unit!(from.dtype(), U => of_unit::<U>(from, to, region))
}

fn copy_units<U: Unit>(
    from: &[U],
    mut from_shape: Vec<usize>,
    to: &mut [U],
    mut to_shape: Vec<usize>,
    mut region: Region,
) {
    if region.extent.contains(&0) {
        return;
    }
    merge_full_dimensions(&mut from_shape, &mut to_shape, &mut region);
    let Some((&run, outer)) = region.extent.split_last() else {
        return to.clone_from_slice(from);
    };
    let mut index = vec![0; outer.len()];
    loop {
        let offset = |shape: &[usize], starts: &[usize]| {
            let position = |axis: usize| starts[axis] + index.get(axis).copied().unwrap_or(0);
            (0..shape.len()).fold(0, |offset, axis| offset * shape[axis] + position(axis))
        };
        let (source, target) = (offset(&from_shape, &region.from), offset(&to_shape, &region.to));
        to[target..target + run].clone_from_slice(&from[source..source + run]);
        let Some(axis) = (0..outer.len()).rev().find(|&axis| index[axis] + 1 < outer[axis]) else { return };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// Joins inner dimensions that are copied whole with the one outside of them, so that runs are long.
fn merge_full_dimensions(from: &mut Vec<usize>, to: &mut Vec<usize>, region: &mut Region) {
    while let [.., outer, inner] = region.extent[..]
        && from.last() == Some(&inner)
        && to.last() == Some(&inner)
    {
        let axis = region.extent.len() - 2;
        region.extent[axis] = outer * inner;
        for values in [&mut *from, &mut *to, &mut region.from, &mut region.to] {
            values[axis] *= inner;
        }
        for values in [&mut *from, &mut *to, &mut region.from, &mut region.to, &mut region.extent] {
            values.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube() -> Tensor {
        Tensor::from_vec([4, 3, 5], (0..60).collect::<Vec<i32>>()).unwrap()
    }

    /// The same by indices, one element at a time.
    fn plainly(tensor: &Tensor, ranges: &Ranges) -> Vec<i32> {
        let view = tensor.view::<i32>().unwrap();
        let mut out = Vec::new();
        for i in ranges[0].clone() {
            for j in ranges[1].clone() {
                out.extend(ranges[2].clone().map(|k| view[[i, j, k]]));
            }
        }
        out
    }

    #[test]
    fn cuts() {
        for ranges in [
            vec![0..4, 0..3, 0..5],
            vec![1..3, 0..3, 0..5],
            vec![1..3, 1..2, 0..5],
            vec![0..4, 0..3, 2..4],
            vec![1..2, 1..3, 4..5],
            vec![1..1, 0..3, 0..5],
        ] {
            let got = cut(cube(), &ranges).unwrap();
            assert_eq!(got.as_slice::<i32>().unwrap(), plainly(&cube(), &ranges), "{ranges:?}");
        }
    }

    #[test]
    fn slices_make_the_whole_and_parts_of_it() {
        let mut slices: Vec<Ranges> = Vec::new();
        for (rows, columns) in [(0..1, 0..2), (0..1, 2..3), (1..4, 0..1), (1..4, 1..3)] {
            slices.extend([0..4, 4..5].map(|depth| vec![rows.clone(), columns.clone(), depth]));
        }
        for wanted in
            [vec![0..4, 0..3, 0..5], vec![0..2, 1..3, 3..5], vec![3..4, 2..3, 4..5], vec![0..0, 0..3, 0..5]]
        {
            let read = |index: usize| cut(cube(), &slices[index]);
            let got = assemble(DType::Int32, &slices, &wanted, read).unwrap();
            assert_eq!(got.as_slice::<i32>().unwrap(), plainly(&cube(), &wanted), "{wanted:?}");
        }
    }

    #[test]
    fn gaps_and_overlaps_are_errors() {
        let check = |slices: &[Ranges], want: &str| {
            let wanted = vec![0..4, 0..3, 0..5];
            let error = assemble(DType::Int32, slices, &wanted, |i| cut(cube(), &slices[i])).unwrap_err();
            assert_eq!(error.message(), want);
        };
        check(&[vec![0..3, 0..3, 0..5]], "the stored slices do not cover the tensor");
        check(&[vec![0..3, 0..3, 0..5], vec![2..4, 0..3, 0..5]], "the stored slices overlap");
        check(&[vec![0..4, 0..2, 0..5], vec![0..4, 1..3, 0..5]], "the stored slices overlap");
        check(&[], "the stored slices do not cover the tensor");
    }
}
