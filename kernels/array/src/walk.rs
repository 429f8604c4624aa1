//! Boxes of tensors, read and written by where they lie: for kernels of other families.

use savedmodel_op::Run;
use savedmodel_tensor::{DType, Result, Shape, Tensor, Unit, by_unit};

use crate::layout::{Axis, Layout};
use crate::strided;

/// A dimension of a box: its length, and the distance between neighbours in elements.
pub type Dim = (usize, isize);

/// The boxes that begin at each of `starts`, one after the other.
///
/// # Errors
/// When there is no memory for them.
///
/// # Panics
/// When a box leaves the tensor.
pub fn read(run: &Run<'_>, tensor: &Tensor, starts: &[usize], dims: &[Dim]) -> Result<Tensor> {
    let shape: Shape = [starts.len()].into_iter().chain(dims.iter().map(|dim| dim.0)).collect();
    let mut boxes = run.allocate(tensor.dtype(), shape)?;
    by_unit!(tensor.dtype(), U => fill::<U>(&mut boxes, tensor, starts, dims))?;
    Ok(boxes)
}

fn fill<U: Unit>(boxes: &mut Tensor, tensor: &Tensor, starts: &[usize], dims: &[Dim]) -> Result<()> {
    let mut layout = layout(dims);
    let (boxes, source) = (boxes.units_mut::<U>()?, tensor.units::<U>()?);
    if layout.len == 1 {
        boxes.iter_mut().zip(starts).for_each(|(place, &start)| *place = source[start].clone());
    } else if layout.len > 0 {
        for (part, &start) in boxes.chunks_exact_mut(layout.len).zip(starts) {
            layout.start = start as isize;
            strided::gather(part, source, &layout);
        }
    }
    Ok(())
}

/// Writes the elements of `values` into the box that begins at `start`.
///
/// # Errors
/// When there is no memory to copy a shared tensor.
///
/// # Panics
/// When the box leaves the tensor, or has another number of elements than there are values.
pub fn write(tensor: &mut Tensor, values: &Tensor, start: usize, dims: &[Dim]) -> Result<()> {
    let mut layout = layout(dims);
    layout.start = start as isize;
    by_unit!(values.dtype(), U => strided::scatter(tensor.units_mut::<U>()?, values.units::<U>()?, &layout));
    Ok(())
}

/// Writes the boxes that `values` holds one after the other to where they begin.
///
/// # Errors
/// When there is no memory to copy a shared tensor.
///
/// # Panics
/// When a box leaves the tensor.
pub fn put(tensor: &mut Tensor, values: &Tensor, starts: &[usize], dims: &[Dim]) -> Result<()> {
    fn each<U: Unit>(
        tensor: &mut Tensor,
        values: &Tensor,
        starts: &[usize],
        mut layout: Layout,
    ) -> Result<()> {
        let (out, values) = (tensor.units_mut::<U>()?, values.units::<U>()?);
        if layout.len == 1 {
            values.iter().zip(starts).for_each(|(value, &start)| out[start] = value.clone());
        } else if layout.len > 0 {
            for (part, &start) in values.chunks_exact(layout.len).zip(starts) {
                layout.start = start as isize;
                strided::scatter(out, part, &layout);
            }
        }
        Ok(())
    }
    by_unit!(values.dtype(), U => each::<U>(tensor, values, starts, layout(dims)))
}

/// The distance between neighbours along each dimension of a tensor of this shape.
pub fn strides(shape: &[usize]) -> Vec<isize> {
    crate::layout::strides(shape).to_vec()
}

fn layout(dims: &[Dim]) -> Layout {
    Layout::new(0, dims.iter().map(|&(len, stride)| Axis { len, stride }))
}

/// A tensor of 64-bit indices.
///
/// # Errors
/// When there is no memory for it.
pub fn indices(run: &Run<'_>, values: &[usize]) -> Result<Tensor> {
    let mut tensor = run.allocate(DType::Int64, [values.len()])?;
    tensor.as_mut_slice::<i64>()?.iter_mut().zip(values).for_each(|(place, &value)| *place = value as i64);
    Ok(tensor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::{Limits, ResourceManager};

    #[test]
    fn boxes_there_and_back() {
        let (resources, limits) = (ResourceManager::new(), Limits::default());
        let run = Run { resources: &resources, limits: &limits };
        let x = Tensor::from_vec([3, 4], (0..12).collect::<Vec<i32>>()).unwrap();
        let boxes = read(&run, &x, &[0, 5], &[(2, 4), (2, 2)]).unwrap();
        assert_eq!(boxes.shape().dims(), [2, 2, 2]);
        assert_eq!(boxes.as_slice::<i32>().unwrap(), [0, 2, 4, 6, 5, 7, 9, 11]);
        assert_eq!(read(&run, &x, &[7, 1], &[]).unwrap().as_slice::<i32>().unwrap(), [7, 1]);
        let mut y = Tensor::zeros(DType::Int32, [2, 3]).unwrap();
        write(&mut y, &Tensor::from_vec([2], vec![1, 2]).unwrap(), 1, &[(2, 3)]).unwrap();
        put(&mut y, &Tensor::from_vec([2], vec![3, 4]).unwrap(), &[5, 0], &[]).unwrap();
        assert_eq!(y.as_slice::<i32>().unwrap(), [4, 1, 0, 0, 2, 3]);
    }
}
