//! Which element of a parameter belongs to which of the shape that all broadcast to.

use savedmodel_tensor::Shape;

/// The shape that shapes broadcast to, if they do.
pub(crate) fn broadcast(shapes: &[&Shape]) -> Option<Shape> {
    shapes.iter().try_fold(Shape::scalar(), |all, shape| Shape::broadcast(&all, shape))
}

/// For each element of `all`, in order, the place of the element of `shape` that stands for it.
pub(crate) fn places(shape: &Shape, all: &Shape) -> impl Iterator<Item = usize> {
    let lead = all.rank() - shape.rank();
    let mut step = 1;
    let mut steps = vec![0; all.rank()];
    for (axis, &dim) in shape.iter().enumerate().rev() {
        steps[lead + axis] = if dim == 1 { 0 } else { step };
        step *= dim;
    }
    let dims = all.clone();
    (0..all.elements()).map(move |mut number| {
        let mut place = 0;
        for (&dim, step) in dims.iter().zip(&steps).rev() {
            place += number % dim * step;
            number /= dim;
        }
        place
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_repeat() {
        let check = |shape: &[usize], all: &[usize], want: &[usize]| {
            assert_eq!(places(&shape.into(), &all.into()).collect::<Vec<_>>(), want);
        };
        check(&[], &[3], &[0, 0, 0]);
        check(&[2, 1], &[2, 3], &[0, 0, 0, 1, 1, 1]);
        check(&[3], &[2, 3], &[0, 1, 2, 0, 1, 2]);
        check(&[1], &[0], &[]);
    }
}
