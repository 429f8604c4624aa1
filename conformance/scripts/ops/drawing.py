"""Random operators of training that are left in inference graphs: parts of images, sampled classes, crops."""

import numpy as np
import tensorflow as tf
from calls import Bad, Call, Scene, dtypes, f32, i64, op
from ops.array_shapes import ints

BOXES = np.array([[[0.1, 0.2, 0.6, 0.7], [0.0, 0.0, 1.0, 0.3]]], f32)


def boxes(name, size, given, covered=0.1, seed=(1, 2), **attrs):
    """A call of one of the three versions."""
    inputs = [size, given]
    if name != "SampleDistortedBoundingBox":
        inputs.append(np.array(covered, f32))
    else:
        attrs["min_object_covered"] = covered
    if name.startswith("Stateless"):
        return Call([*inputs, np.array(seed, i64)], attrs, fails=None)
    return Call(inputs, {"seed": seed[0], "seed2": seed[1], **attrs}, fails=None)


@op("SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2", "StatelessSampleDistortedBoundingBox", family="random")
def distorted(name, rng):
    size = ints(120, 80, 3)
    for dtype in dtypes(name):
        yield boxes(name, size.astype(dtype), BOXES)
    for seed in ((5, 0), (3, 9), (7, 7), (2**40 + 3, -9), (11, 12)):
        for covered in (0.0, 0.5, 0.9, 1.0, 1.5):
            yield boxes(name, ints(317, 423, 3), BOXES, covered, seed)
    none, whole = np.zeros((1, 0, 4), f32), {"use_image_if_no_bounding_boxes": True}
    yield boxes(name, size, none)
    for height, width in ((120, 80), (1, 1), (1, 50), (7, 3), (0, 5), (5, 0), (2**31 - 2, 2**31 - 2), (2**31 - 1, 5), (-1, 5)):
        yield boxes(name, np.array([height, width, 3], i64), none, **whole)
    for attrs in ({"aspect_ratio_range": [0.2, 5.0]}, {"aspect_ratio_range": [1.0, 1.0]}, {"area_range": [0.9, 1.0]}, {"area_range": [1.0, 1.0]},
                  {"area_range": [0.9, 0.1]}, {"area_range": [0.5, 1.5]}, {"area_range": [0.0, 0.5]}, {"area_range": [0.5]}, {"max_attempts": 1},
                  {"max_attempts": 0}, {"aspect_ratio_range": [0.0, 1.0]}, {"aspect_ratio_range": [1.0, 2.0, 3.0]}):
        yield boxes(name, ints(33, 47, 3), none, **whole, **attrs)
    for bad in (BOXES[0], BOXES[..., :3], BOXES * 2, -BOXES, BOXES * np.nan):
        yield boxes(name, size, bad)
    for bad in (size[:2], size[None]):
        yield boxes(name, bad, BOXES)
    yield boxes(name, size, BOXES, -0.5)
    if name != "SampleDistortedBoundingBox":
        yield boxes(name, size, BOXES, [0.1])


SAMPLERS = ("UniformCandidateSampler", "LogUniformCandidateSampler", "LearnedUnigramCandidateSampler", "ThreadUnsafeUnigramCandidateSampler",
            "FixedUnigramCandidateSampler", "AllCandidateSampler")


@op(*SAMPLERS, family="random", tolerance="ulp 4")
def candidates(name, rng):
    """Two runs of each node: the stream goes on, and one sampler learns."""
    raw = getattr(tf.raw_ops, name)

    def scene(classes, num_sampled, unique, seed=(1, 2), **rest):
        def build(feed):
            y = raw(true_classes=feed(classes), num_true=classes.shape[1], num_sampled=num_sampled, unique=unique, seed=seed[0], seed2=seed[1], **rest)
            return [list(y), list(y)]

        return Scene(build)

    if name == "AllCandidateSampler":
        for unique in (False, True):
            yield scene(np.array([[1, 2], [0, 3]], i64), 5, unique)
        yield Bad([np.array([[1, 9]], i64)], attrs={"num_true": 2, "num_sampled": 5, "unique": True, "seed": 1})
        return
    weights = {"unigrams": [1.0, 2.0, 3.5, 0.0, 0.5, 7.0, 1.0, 1.0, 0.25, 2.0]} if name.startswith("Fixed") else {}
    for seed in ((1, 2), (9, 0)):
        for unique in (False, True):
            for count in (1, 6, 9):
                yield scene(np.array([[1, 2], [0, 3], [9, 9]], i64), count, unique, seed, range_max=10, **weights)
    if not weights:
        for range_max in (1, 8, 1000, *([] if "Unigram" in name else [2**30 + 5])):
            yield scene(np.array([[0]], i64), 40, False, range_max=range_max)
        yield scene(np.array([[0, 7]], i64), 300, True, range_max=1000)
        yield Bad([np.array([[0]], i64)], attrs={"num_true": 1, "num_sampled": 5, "unique": True, "range_max": 4, "seed": 1})
    else:
        for rest in ({"distortion": 0.75}, {"distortion": 0.0}, {"num_reserved_ids": 2, "range_max": 12}, {"num_shards": 2, "shard": 1, "range_max": 5}):
            yield scene(np.array([[0, 4]], i64), 20, False, **{"range_max": 10, **weights, **rest})
    common = {"num_true": 1, "num_sampled": 2, "unique": False, "range_max": 10, "seed": 1, **weights}
    for classes in ([[10]], [[-1]], [[1, 2]], [1], 1):
        yield Bad([np.array(classes, i64)], attrs=common)
    for wrong in ({"range_max": 0}, {"num_sampled": 0}, {"num_true": 0}):
        yield Bad([np.array([[1]], i64)], attrs={**common, **wrong})
    if weights:
        for wrong in ({"range_max": 9}, {"unigrams": []}, {"vocab_file": "x"}, {"vocab_file": "/no/such/file", "unigrams": []}):
            yield Bad([np.array([[1]], i64)], attrs={**common, **wrong})
