//! The value that all `TensorList*` operators pass around.

use savedmodel_op::{Context, Run, ShapeContext};
use savedmodel_tensor::{
    DType, Error, PartialShape, Result, Shape, Tensor, Unit, Variant, VariantValue, by_unit, sum_inside,
    zeros_inside,
};

/// A list of tensors of one dtype, some of which may not be set.
///
/// It travels as the only element of a scalar `variant` tensor. Like every variant it is a value: an operator that
/// changes a list changes it in place if nobody else holds it, and a copy of it otherwise.
#[derive(Clone, Debug)]
pub struct TensorList {
    /// The dtype of the elements.
    pub dtype: DType,
    /// What is known of the elements' shapes.
    pub shape: PartialShape,
    /// The number of elements that pushing must not exceed, if there is a limit.
    pub max_elements: Option<usize>,
    /// The elements; `None` where nothing was set yet.
    pub elements: Vec<Option<Tensor>>,
}

impl VariantValue for TensorList {
    fn type_name(&self) -> &'static str {
        "tensorflow::TensorList"
    }

    /// Zeros in place of all elements; those that are not set stay so.
    fn zeros_like(&self) -> Result<Variant> {
        let zeros = |t: &Option<Tensor>| t.as_ref().map(zeros_inside).transpose();
        let elements = self.elements.iter().map(zeros).collect::<Result<_>>()?;
        Ok(Variant::new(TensorList { elements, ..self.like() }))
    }

    /// The sums of the elements of two lists; where one is not set the other stands.
    fn sum(&self, other: &Variant) -> Result<Variant> {
        let other: &TensorList = other.get().ok_or_else(|| not_a_list(other))?;
        let refuse = |what: &str, a: &dyn std::fmt::Display, b: &dyn std::fmt::Display| {
            Error::invalid_argument(format!(
                "Trying to add two lists of tensors {what}. One is {a} and the other is {b}"
            ))
        };
        if self.dtype != other.dtype {
            return Err(refuse("of different dtypes", &self.dtype, &other.dtype));
        }
        let shape = (self.shape.merge(&other.shape))
            .ok_or_else(|| refuse("with incompatible element shapes", &self.shape, &other.shape))?;
        let (n, m) = (self.elements.len(), other.elements.len());
        if n != m {
            return Err(refuse("with different lengths", &n, &m));
        }
        let sum = |(a, b): (&Option<Tensor>, &Option<Tensor>)| match (a, b) {
            (Some(a), Some(b)) => sum_inside(a, b).map(Some),
            (a, b) => Ok(a.clone().or_else(|| b.clone())),
        };
        let elements = self.elements.iter().zip(&other.elements).map(sum).collect::<Result<_>>()?;
        Ok(Variant::new(TensorList { shape, elements, ..self.like() }))
    }
}

impl TensorList {
    /// A list of `len` elements that are not set.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when so many do not fit into the limits of the session.
    pub fn unset(dtype: DType, shape: PartialShape, len: usize, run: &Run<'_>) -> Result<TensorList> {
        let mut list = TensorList { dtype, shape, max_elements: None, elements: Vec::new() };
        list.resize(len, run)?;
        Ok(list)
    }

    /// Cuts the list to `len` elements, or makes it that long with elements that are not set.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when so many do not fit into the limits of the session.
    pub fn resize(&mut self, len: usize, run: &Run<'_>) -> Result<()> {
        let fits = len <= run.limits.tensor_bytes / size_of::<Option<Tensor>>();
        let more = len.saturating_sub(self.elements.len());
        if !fits || self.elements.try_reserve(more).is_err() {
            return Err(Error::resource_exhausted(format!(
                "OOM when making a tensor list of {len} elements"
            )));
        }
        self.elements.resize(len, None);
        Ok(())
    }

    /// The list in a scalar `variant` tensor.
    ///
    /// # Errors
    /// None in practice.
    pub fn into_tensor(self) -> Result<Tensor> {
        Tensor::from_variants(Shape::scalar(), vec![Variant::new(self)])
    }

    /// The list that a scalar `variant` tensor holds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the tensor is no scalar or holds something else.
    pub fn of(handle: &Tensor) -> Result<&TensorList> {
        let [variant] = handle.variants()? else { return Err(not_scalar(handle)) };
        if handle.rank() != 0 {
            return Err(not_scalar(handle));
        }
        variant.get().ok_or_else(|| not_a_list(variant))
    }

    /// The list that a scalar `variant` tensor holds, to change; it is copied first if somebody else holds it too.
    ///
    /// # Errors
    /// As [`TensorList::of`].
    pub fn of_mut(handle: &mut Tensor) -> Result<&mut TensorList> {
        TensorList::of(handle)?;
        let lists = handle.units_mut::<Variant>()?;
        lists[0].make_mut().ok_or_else(|| Error::internal("a list changed its type"))
    }

    fn like(&self) -> TensorList {
        let (dtype, shape) = (self.dtype, self.shape.clone());
        TensorList { dtype, shape, max_elements: None, elements: Vec::new() }
    }

    /// Checks that an operator's `element_dtype` is the list's.
    pub(crate) fn check_dtype(&self, dtype: DType) -> Result<()> {
        if dtype == self.dtype {
            return Ok(());
        }
        Err(Error::invalid_argument(format!(
            "Invalid data types; op elements {dtype} but list elements {}",
            self.dtype
        )))
    }

    /// What an operator's `element_shape` and the list's own tell together.
    pub(crate) fn merged_shape(&self, element_shape: &Tensor) -> Result<PartialShape> {
        merge(&to_partial_shape(element_shape)?, &self.shape)
    }

    /// Element `i`, or zeros when it is not set and the shape is known.
    pub(crate) fn get(&self, i: usize, element_shape: &Tensor, run: &Run<'_>) -> Result<Tensor> {
        if let Some(tensor) = &self.elements[i] {
            return Ok(tensor.clone());
        }
        let mut shape = self.merged_shape(element_shape)?;
        if shape.known().is_none() {
            shape = merge_all(shape, self.elements.iter().flatten())?;
        }
        let shape = shape.known().ok_or_else(|| {
            Error::invalid_argument(format!(
                "Trying to read an uninitialized tensor but element_shape is not fully defined: {shape} and no list \
                 element is set."
            ))
        })?;
        zeros(self.dtype, shape, run)
    }
}

/// What an input of sizes tells of the elements' shape before anything runs.
pub(crate) fn known_shape(ctx: &ShapeContext<'_>, i: usize) -> PartialShape {
    ctx.value(i).and_then(|sizes| to_partial_shape(sizes).ok()).unwrap_or_default()
}

/// The shape of a tensor that holds `len` elements of shape `element` along its first dimension.
pub(crate) fn stacked(len: Option<usize>, element: &PartialShape) -> PartialShape {
    match element.dims() {
        Some(dims) => PartialShape::new(std::iter::once(len).chain(dims.iter().copied())),
        None => PartialShape::unknown(),
    }
}

/// A tensor of zeros (or empty strings, or empty variants).
pub(crate) fn zeros(dtype: DType, shape: Shape, run: &Run<'_>) -> Result<Tensor> {
    let mut tensor = run.allocate(dtype, shape)?;
    by_unit!(dtype, U => tensor.units_mut::<U>()?.fill(U::default()));
    Ok(tensor)
}

/// What is known of `shape` and of the shapes of all `tensors` together.
pub(crate) fn merge_all<'a>(
    shape: PartialShape,
    tensors: impl Iterator<Item = &'a Tensor>,
) -> Result<PartialShape> {
    tensors.into_iter().try_fold(shape, |shape, t| match shape.known() {
        Some(known) if known == *t.shape() => Ok(shape),
        _ => merge(&shape, &t.shape().into()),
    })
}

/// What two partial shapes tell together.
pub(crate) fn merge(a: &PartialShape, b: &PartialShape) -> Result<PartialShape> {
    a.merge(b).ok_or_else(|| {
        let what = match (a.rank(), b.rank()) {
            (Some(m), Some(n)) if m != n => format!("ranks during merge: {m} vs. {n}"),
            _ => format!("shapes during merge: {a} vs. {b}"),
        };
        Error::invalid_argument(format!("PartialTensorShape: Incompatible {what}"))
    })
}

/// The partial shape that a tensor of sizes means: -1 is an unknown size, a scalar -1 a shape of unknown rank.
pub(crate) fn to_partial_shape(sizes: &Tensor) -> Result<PartialShape> {
    match (sizes.rank(), sizes.to_i64s()?.as_slice()) {
        (0, [-1]) => Ok(PartialShape::unknown()),
        (0, _) => Err(Error::invalid_argument(
            "The only valid scalar shape tensor is the fully unknown shape specified as -1.",
        )),
        (1, sizes) => match sizes.iter().find(|&&size| size < -1) {
            Some(size) => Err(Error::invalid_argument(format!("Dimension {size} must be >= -1"))),
            None => PartialShape::from_i64(sizes),
        },
        (rank, _) => Err(Error::invalid_argument(format!("Shape must be at most rank 1 but is rank {rank}"))),
    }
}

/// The only value of an `int32` tensor.
pub(crate) fn to_integer(tensor: &Tensor, refuse: impl FnOnce(&Shape) -> String) -> Result<i32> {
    match tensor.as_slice::<i32>()? {
        [value] => Ok(*value),
        _ => Err(Error::invalid_argument(refuse(tensor.shape()))),
    }
}

/// The list that input `i` is, which must be of this dtype.
pub(crate) fn list_of<'a>(ctx: &'a Context<'_>, i: usize, dtype: DType) -> Result<&'a TensorList> {
    let list = TensorList::of(ctx.input(i))?;
    list.check_dtype(dtype)?;
    Ok(list)
}

/// Writes tensors one after the other; `None` stands for zeros, as many as `lens` says for its place.
///
/// # Errors
/// `INVALID_ARGUMENT` when a tensor does not have as many elements as `lens` says, or all do not fill `out`.
pub(crate) fn write_all<'a>(
    out: &mut Tensor,
    parts: impl Iterator<Item = (Option<&'a Tensor>, usize)>,
) -> Result<()> {
    fn write<'a, U: Unit>(
        out: &mut Tensor,
        parts: impl Iterator<Item = (Option<&'a Tensor>, usize)>,
    ) -> Result<()> {
        let uneven = || Error::invalid_argument("the elements of a tensor list do not have the list's shape");
        let mut rest = out.units_mut::<U>()?;
        for (tensor, len) in parts {
            let (place, after) = rest.split_at_mut_checked(len).ok_or_else(uneven)?;
            match tensor {
                Some(tensor) if tensor.elements() == len => place.clone_from_slice(tensor.units()?),
                Some(_) => return Err(uneven()),
                None => place.fill(U::default()),
            }
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(uneven()) }
    }
    by_unit!(out.dtype(), U => write::<U>(out, parts))
}

#[cold]
fn not_scalar(handle: &Tensor) -> Error {
    Error::invalid_argument(format!("Input list must be a scalar saw: {}", handle.shape()))
}

#[cold]
fn not_a_list(variant: &Variant) -> Error {
    Error::invalid_argument(format!("Input handle is not a list. Saw: '{variant:?}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(shape: &[i64], elements: &[Option<&[f32]>]) -> TensorList {
        let tensor = |e: &&[f32]| Tensor::from_slice([e.len()], e).unwrap();
        TensorList {
            dtype: DType::Float,
            shape: PartialShape::from_i64(shape).unwrap(),
            max_elements: None,
            elements: elements.iter().map(|e| e.as_ref().map(tensor)).collect(),
        }
    }

    fn shown(list: &Variant) -> String {
        let list: &TensorList = list.get().unwrap();
        format!("{} {:?}", list.shape, list.elements)
    }

    #[test]
    fn sums_and_zeros() {
        let check = |a: TensorList, b: TensorList, want: &str| {
            let got = a.sum(&Variant::new(b)).map(|sum| shown(&sum));
            let got = got.unwrap_or_else(|e| e.message().to_owned());
            assert!(got.starts_with(want), "{got}");
        };
        let two: &[f32] = &[1.0, 2.0];
        check(
            list(&[-1], &[Some(two), None, None]),
            list(&[2], &[Some(two), Some(two), None]),
            "[2] [Some(float[2] Ok([2.0, 4.0])), Some(float[2] Ok([1.0, 2.0])), None]",
        );
        check(
            list(&[-1], &[None]),
            list(&[-1], &[]),
            "Trying to add two lists of tensors with different lengths. One is 1 and the other is 0",
        );
        check(
            list(&[-1], &[Some(&[1.0])]),
            list(&[-1], &[Some(two)]),
            "Trying to add two tensors with incompatible element shapes. One is [1] and the other is [2]",
        );
        check(list(&[2], &[]), list(&[3], &[]), "Trying to add two lists of tensors with incompatible");
        let zeros = list(&[2], &[Some(two), None]).zeros_like().unwrap();
        assert_eq!(shown(&zeros), "[2] [Some(float[2] Ok([0.0, 0.0])), None]");
    }

    #[test]
    fn changed_in_place_only_when_alone() {
        let mut handle = list(&[2], &[None]).into_tensor().unwrap();
        let before: *const TensorList = TensorList::of(&handle).unwrap();
        TensorList::of_mut(&mut handle).unwrap().elements.push(None);
        assert!(std::ptr::eq(before, TensorList::of(&handle).unwrap()));
        let shared = handle.clone();
        TensorList::of_mut(&mut handle).unwrap().elements.push(None);
        assert_eq!(TensorList::of(&shared).unwrap().elements.len(), 2);
        assert_eq!(TensorList::of(&handle).unwrap().elements.len(), 3);
    }

    #[test]
    fn sizes_as_shapes() {
        let check = |sizes: Tensor, want: &str| {
            let got = to_partial_shape(&sizes).map_or_else(|e| e.message().to_owned(), |s| s.to_string());
            assert!(got.starts_with(want), "{got}");
        };
        check(Tensor::scalar(-1_i64), "<unknown>");
        check(Tensor::scalar(2_i32), "The only valid scalar shape");
        check(Tensor::from_vec([2], vec![-1_i32, 3]).unwrap(), "[?,3]");
        check(Tensor::from_vec([1], vec![-2_i32]).unwrap(), "Dimension -2 must be >= -1");
        check(Tensor::from_vec([1, 1], vec![2_i32]).unwrap(), "Shape must be at most rank 1 but is rank 2");
    }
}
