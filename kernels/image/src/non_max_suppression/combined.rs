//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use super::boxes::Area;
use super::priority::{Queue, sort};
use super::select::{check_overlap, count, threshold};

/// Chooses boxes for each class of each image, and of these the best of each image.
///
/// Boxes may be shared by all classes. Results are filled up with zeros: to `max_total_size`, or with `pad_per_class` to
/// what all classes may give if that is less.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CombinedNonMaxSuppression>
pub const OP: Op = Op {
    name: "CombinedNonMaxSuppression",
    inputs: &[
        "boxes: float",
        "scores: float",
        "max_output_size_per_class: int32",
        "max_total_size: int32",
        "iou_threshold: float",
        "score_threshold: float",
    ],
    outputs: &[
        "nmsed_boxes: float",
        "nmsed_scores: float",
        "nmsed_classes: float",
        "valid_detections: int32",
    ],
    attrs: &["pad_per_class: bool = false", "clip_boxes: bool = true"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let batch = ctx.input(0).dim(0).or(ctx.input(1).dim(0));
    let size = |i: usize| ctx.integers(i).and_then(|size| usize::try_from(*size.first()?).ok());
    let length = match ctx.attr("pad_per_class") {
        Some(false) => size(3),
        _ => match (size(2), size(3), ctx.input(1).dim(2)) {
            (Some(each), Some(total), Some(classes)) => Some(total.min(each.saturating_mul(classes))),
            _ => None,
        },
    };
    Ok(vec![
        PartialShape::new([batch, length, Some(4)]),
        PartialShape::new([batch, length]),
        PartialShape::new([batch, length]),
        PartialShape::new([batch]),
    ])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let pads_per_class: bool = node.attr("pad_per_class")?;
    let clips: bool = node.attr("clip_boxes")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let call = Call::of(ctx)?;
        let most = call.per_class.saturating_mul(call.classes).min(i32::MAX as usize);
        let length = if pads_per_class { call.total.min(most) } else { call.total };
        let (boxes, scores) = (ctx.input(0).as_slice::<f32>()?, ctx.input(1).as_slice::<f32>()?);
        let mut found = [
            ctx.run().allocate(DType::Float, [call.batch, length, 4])?,
            ctx.run().allocate(DType::Float, [call.batch, length])?,
            ctx.run().allocate(DType::Float, [call.batch, length])?,
        ];
        let mut valid = vec![0; call.batch];
        for (image, valid) in valid.iter_mut().enumerate() {
            let boxes = &boxes[image * call.boxes * call.shared * 4..];
            let scores = &scores[image * call.boxes * call.classes..];
            let chosen = call.image(boxes, scores);
            let chosen = &chosen[..chosen.len().min(length)];
            *valid = chosen.len() as i32;
            write(&mut found, image * length, chosen, clips)?;
        }
        let [boxes, scores, classes] = found;
        ctx.set(0, boxes);
        ctx.set(1, scores);
        ctx.set(2, classes);
        ctx.set(3, Tensor::from_vec([valid.len()], valid)?);
        Ok(())
    }))
}

/// Writes detections from number `start` on.
fn write(found: &mut [Tensor; 3], start: usize, chosen: &[Detection], clips: bool) -> Result<()> {
    let [boxes, scores, classes] = found;
    let (boxes, scores) = (boxes.as_mut_slice::<f32>()?, scores.as_mut_slice::<f32>()?);
    let classes = classes.as_mut_slice::<f32>()?;
    for (i, detection) in chosen.iter().enumerate() {
        let corners = match clips {
            true => detection.corners.map(|x| x.clamp(0.0, 1.0)),
            false => detection.corners,
        };
        boxes[(start + i) * 4..][..4].copy_from_slice(&corners);
        scores[start + i] = detection.score;
        classes[start + i] = detection.class as f32;
    }
    Ok(())
}

/// A box that was chosen for a class.
#[derive(Clone, Copy)]
struct Detection {
    score: f32,
    class: usize,
    corners: [f32; 4],
}

/// Sizes and thresholds of one call.
struct Call {
    batch: usize,
    boxes: usize,
    /// Sets of boxes: one, or one for each class.
    shared: usize,
    classes: usize,
    per_class: usize,
    total: usize,
    overlap: f32,
    score: f32,
}

impl Call {
    fn of(ctx: &Context<'_>) -> Result<Call> {
        let refuse = |text: String| Err(Error::invalid_argument(text));
        let (boxes, scores) = (ctx.input(0).shape(), ctx.input(1).shape());
        let &[batch, count_of_boxes, shared, columns] = boxes.dims() else {
            return refuse(format!("boxes must be 4-D [batch, num_boxes, q, 4], got shape {boxes}"));
        };
        let &[score_batch, score_boxes, classes] = scores.dims() else {
            return refuse(format!("scores must be 3-D [batch, num_boxes, num_classes], got shape {scores}"));
        };
        let wrong = if shared != 1 && shared != classes {
            Some("third dimension of boxes must be either 1 or num classes")
        } else if columns != 4 {
            Some("boxes must have 4 columns")
        } else if score_boxes != count_of_boxes {
            Some("scores has incompatible shape")
        } else if score_batch != batch {
            Some("boxes and scores must have same batch size")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return refuse(wrong.to_owned());
        }
        let per_class = count(ctx, 2, "max_size_per_class")?;
        if per_class <= 0 {
            return refuse("max_size_per_class must be positive".to_owned());
        }
        let total = count(ctx, 3, "max_total_size")?;
        if total <= 0 {
            return refuse("max_total_size must be > 0".to_owned());
        }
        let overlap = threshold(ctx, 4, "iou_threshold")?;
        let score = threshold(ctx, 5, "score_threshold")?;
        check_overlap(overlap)?;
        let (per_class, total) = (per_class as usize, total as usize);
        if per_class.min(count_of_boxes).saturating_mul(classes) > i32::MAX as usize {
            return refuse("size_per_class * num_classes causes overflow".to_owned());
        }
        Ok(Call { batch, boxes: count_of_boxes, shared, classes, per_class, total, overlap, score })
    }

    /// The detections of one image, best first.
    fn image(&self, boxes: &[f32], scores: &[f32]) -> Vec<Detection> {
        let grain = par::grain(self.boxes as f64 * 20.0);
        let chosen = par::map_chunks(self.classes, grain, |classes| {
            classes.map(|class| self.class(boxes, scores, class)).collect::<Vec<_>>()
        });
        // The places that a class does not fill take part in sorting, which decides the order of equal scores.
        let length = self.per_class.min(self.boxes);
        let empty = Detection { score: f32::NEG_INFINITY, class: usize::MAX, corners: [0.0; 4] };
        let mut all = vec![empty; length * self.classes];
        for (class, chosen) in chosen.iter().flatten().enumerate() {
            all[class * length..][..chosen.len()].copy_from_slice(chosen);
        }
        sort(&mut all, |a, b| b.score < a.score);
        all.retain(|detection| detection.class != usize::MAX);
        all
    }

    /// The boxes that are chosen for one class, best first.
    fn class(&self, boxes: &[f32], scores: &[f32], class: usize) -> Vec<Detection> {
        let limit = self.per_class.min(self.boxes);
        let mut waiting = Queue::new(|a: &(usize, f32), b: &(usize, f32)| a.1 < b.1);
        for index in 0..self.boxes {
            let score = scores[index * self.classes + class];
            if score > self.score {
                waiting.push((index, score));
            }
        }
        let set = if self.shared > 1 { class } else { 0 };
        let (boxes, _) = boxes.as_chunks::<4>();
        let (mut areas, mut chosen): (Vec<Area>, Vec<Detection>) = (Vec::new(), Vec::new());
        while chosen.len() < limit {
            let Some((index, score)) = waiting.pop() else { break };
            let corners = boxes[index * self.shared + set];
            let area = Area::of(corners);
            if !areas.iter().rev().any(|other| area.overlap(other) > self.overlap) {
                areas.push(area);
                chosen.push(Detection { score, class, corners });
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[1,3,1,4] 0 0 1 1 0 0.1 1 1.1 2 2 3 3; float[1,3,2] 0.5 0.1 0.9 0.2 0.3 0.8; int32[] 2; int32[] 3; float[] 0.5; float[] 0.15",
                    "float[1,3,4] 0 0.1 1 1 1 1 1 1 1 1 1 1; float[1,3] 0.9 0.8 0.3; float[1,3] 0 1 0; int32[1] 3",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "clip_boxes=false pad_per_class=true",
                    "float[1,2,2,4] 0 0 1 1 0 0.1 1 1.1 2 2 3 3 -1 -1 0 0; float[1,2,2] 0.5 0.1 0.9 0.2; int32[] 1; int32[] 3; float[] 0.5; float[] 0.15",
                    "float[1,2,4] 2 2 3 3 -1 -1 0 0; float[1,2] 0.9 0.2; float[1,2] 0 1; int32[1] 2",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[1,6,1,4] 0 0 0 1 0 0 0 0.9 0 0 0 0.8 0 0 0 0.7 0 0 0 0.6 0 0 0 0.5; float[1,6,3] 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1; int32[] 6; int32[] 12; float[] 0.5; float[] 0.15",
                    "float[1,12,4] 0 0 0 0.6 0 0 0 0.7 0 0 0 0.9 0 0 0 0.6 0 0 0 0.5 0 0 0 0.8 0 0 0 1 0 0 0 0.7 0 0 0 0.9 0 0 0 1 0 0 0 0.5 0 0 0 0.8; float[1,12] 1 1 1 1 1 1 1 1 1 1 1 1; float[1,12] 1 2 2 2 2 2 2 1 1 0 1 1; int32[1] 12",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[2,1,1,4] 0 0 nan 1 -1 -1 2 2; float[2,1,1] 1 nan; int32[] 6; int32[] 1; float[] 0.5; float[] 0.15",
                    "float[2,1,4] 0 0 nan 1 0 0 0 0; float[2,1] 1 0; float[2,1] 0 0; int32[2] 1 0",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[0,1,1,4]; float[0,1,1]; int32[] 6; int32[] 1; float[] 0.5; float[] 0.15",
                    "float[0,1,4]; float[0,1]; float[0,1]; int32[0]",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[1,0,1,4]; float[1,0,1]; int32[] 6; int32[] 1; float[] 0.5; float[] 0.15",
                    "float[1,1,4] 0 0 0 0; float[1,1] 0; float[1,1] 0; int32[1] 0",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[1,1,1,4] 0 0 1 1; float[1,1] 1; int32[] 6; int32[] 1; float[] 0.5; float[] 0.15",
                    "INVALID_ARGUMENT: scores must be 3-D [batch, num_boxes, num_classes], got shape [1,1]",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[1,1,1,4] 0 0 1 1; float[1,1,1] 1; int32[] 6; int32[] 0; float[] 0.5; float[] 0.15",
                    "INVALID_ARGUMENT: max_total_size must be > 0",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[1,1,1,4] 0 0 1 1; float[1,2,1] 1 2; int32[] 6; int32[] 1; float[] 0.5; float[] 0.15",
                    "INVALID_ARGUMENT: scores has incompatible shape",
                ),
                (
                    "CombinedNonMaxSuppression",
                    "",
                    "float[1,1,1,4] 0 0 1 1; float[1,1,1] 1; int32[] 6; int32[] 1; float[1] 0.5; float[] 0.15",
                    "INVALID_ARGUMENT: iou_threshold must be 0-D, got shape [1]",
                ),
            ],
        );
    }
}
