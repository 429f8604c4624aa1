"""Makes the models of the object tests: `conformance/cases/objects/<name>/`, SavedModels with restored functions.

    python make_objects.py [NAME...]

What the tests expect of them stands in `crates/savedmodel/tests/objects.rs`, as TensorFlow answers.
"""

import collections
import os
import shutil
import sys
import tempfile

import environment  # noqa: F401
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "../cases/objects")

Pair = collections.namedtuple("Pair", ["first", "second"])


def spec(shape, dtype=tf.float32, name=None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, name)


class Scale(tf.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = tf.Variable(factor, name="factor")

    @tf.function(input_signature=[spec([None])])
    def apply(self, x):
        return x * self.factor


class Objects(tf.Module):
    """Variables, constants, an asset, nested modules, and functions with all kinds of arguments."""

    def __init__(self, asset):
        super().__init__()
        self.v = tf.Variable([1.0, 2.0], name="v")
        self.count = tf.Variable(0, trainable=False, name="count")
        self.scales = [Scale(2.0), Scale(3.0)]
        self.by_name = {"half": Scale(0.5)}
        self.offset = tf.constant([10.0, 20.0])
        self.asset = tf.saved_model.Asset(asset)

    @tf.function
    def f(self, x, training=False, *, scale=2):
        y = x * tf.cast(scale, x.dtype)
        return y + tf.ones([], x.dtype) if training else y

    @tf.function(input_signature=[spec([None])])
    def weighted(self, x):
        return tf.reduce_sum(x) * self.v + self.offset

    @tf.function(input_signature=[])
    def step(self):
        return self.count.assign_add(1)

    @tf.function
    def nested(self, pair, options):
        a, b = pair
        return {"sum": a + b, "pair": Pair(a, [b, options["c"]]), "none": None}

    @tf.function
    def many(self, *xs, **named):
        return tf.add_n(list(xs)) - named["less"]

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None, None], tf.float32)])
    def ragged(self, x):
        return x * 2.0, tf.reduce_sum(x, axis=2)

    @tf.function(input_signature=[tf.SparseTensorSpec([None, None], tf.float32)])
    def sparse(self, x):
        return tf.sparse.transpose(x), tf.sparse.to_dense(x)

    @tf.function(input_signature=[])
    def asset_lines(self):
        return tf.io.read_file(self.asset.asset_path)

    @tf.function(input_signature=[spec([None])])
    def loop(self, x):
        total = tf.zeros([2])
        for i in tf.range(tf.size(x)):
            total += x[i] * self.v
        return total


def objects(folder, scratch):
    asset = os.path.join(scratch, "words.txt")
    with open(asset, "w") as file:
        file.write("one\ntwo\n")
    module = Objects(asset)
    module.f(tf.constant([1.0]))
    module.f(tf.constant([1.0]), training=True)
    module.f.get_concrete_function(spec([None, None], tf.float32))
    module.f(tf.constant(3), scale=5)
    module.nested((tf.constant(1.0), tf.constant(2.0)), {"c": tf.constant("c")})
    module.many(tf.constant(1.0), tf.constant(2.0), less=tf.constant(0.5))
    tf.saved_model.save(module, folder, signatures={"serving_default": module.weighted, "step": module.step})


def arguments(folder, scratch):
    """What may stand for a tensor: with and without a declared signature."""

    class Arguments(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable([1.0, 2.0], name="v")

        @tf.function
        def listed(self, x):
            return x[0] + x[1]

        @tf.function
        def named(self, p):
            return p.first - p.second

        @tf.function
        def reduced(self, x):
            return tf.reduce_sum(x)

        @tf.function
        def scaled(self, x, y=2.0):
            return x * y

        @tf.function
        def cast(self, x, dtype=tf.float32):
            return tf.cast(x, dtype)

        @tf.function
        def slices(self, x):
            return x

        @tf.function(input_signature=[spec([2])])
        def floats(self, x):
            return x * self.v

        @tf.function(input_signature=[spec([None], tf.int32)])
        def ints(self, x):
            return x + 1

        @tf.function(input_signature=[spec([], tf.bool)])
        def negated(self, x):
            return tf.logical_not(x)

        @tf.function(input_signature=[spec([]), spec([])])
        def product(self, x, y=5.0):
            return x * y

        @tf.function(input_signature=[{"a": spec([]), "b": (spec([]),)}])
        def nested(self, x):
            return x["a"] + x["b"][0]

        @tf.function(input_signature=[tf.RaggedTensorSpec([2, None], tf.float32, row_splits_dtype=tf.int32)])
        def ragged(self, x):
            return x * 2.0

        @tf.function(input_signature=[tf.RaggedTensorSpec([None, None, 3], tf.float32, ragged_rank=1)])
        def inner(self, x):
            return x * 2.0

        @tf.function(input_signature=[tf.SparseTensorSpec([2, None], tf.float32)])
        def sparse(self, x):
            return tf.sparse.reduce_sum(x)

        @tf.function
        def traced_sparse(self, x):
            return tf.sparse.reduce_sum(x)

        @tf.function
        def traced_ragged(self, x):
            return tf.reduce_sum(x)

    module = Arguments()
    one = tf.constant(1.0)
    module.traced_sparse(tf.SparseTensor([[0, 0]], [1.0], [2, 1]))
    module.traced_ragged(tf.ragged.constant([[1.0], [2.0, 3.0]]))
    module.listed([one, one])
    module.named(Pair(one, one))
    module.reduced(tf.constant([1.0, 2.0]))
    module.reduced.get_concrete_function(spec([None], tf.int32))
    module.scaled(one)
    module.scaled(one, one)
    module.scaled(2.0, 4.0)
    module.cast(tf.constant(1))
    module.cast(tf.constant(1), tf.float64)
    module.slices(tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]), tf.constant([3])))
    names = ["floats", "ints", "negated", "product"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})


def random(folder, scratch):
    """Operators with seeds of their own, in functions that are called from several places."""

    class Random(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable(0.0, name="v")

        @tf.function(input_signature=[])
        def inner(self):
            return tf.random.uniform([2], seed=5)

        @tf.function(input_signature=[])
        def outer(self):
            return self.inner()

        @tf.function(input_signature=[])
        def twice(self):
            return tf.stack([self.inner(), self.inner()])

        @tf.function(input_signature=[])
        def loop(self):
            total = tf.zeros([2])
            for _ in tf.range(3):
                total += self.inner()
            return total

        @tf.function(input_signature=[spec([], tf.bool)])
        def branch(self, choice):
            return tf.cond(choice, self.inner, lambda: self.inner() + 1.0)

        @tf.function(input_signature=[])
        def shifted(self):
            return tf.random.normal([2], seed=3) + self.v

        @tf.function
        def traced(self, x):
            return x + tf.random.uniform([2], seed=5)

    module = Random()
    module.traced(tf.constant(1.0))
    module.traced(tf.constant([1.0, 1.0]))
    names = ["inner", "outer", "twice", "loop", "shifted"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})


def tables(folder, scratch):
    """A table out of a file, a table out of tensors, and one that grows."""
    vocabulary = os.path.join(scratch, "vocabulary.txt")
    with open(vocabulary, "w") as file:
        file.write("a\nb\nc\n")

    class Tables(tf.Module):
        def __init__(self):
            super().__init__()
            text = tf.lookup.TextFileInitializer(
                vocabulary, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER)
            self.file = tf.lookup.StaticHashTable(text, -1)
            tensors = tf.lookup.KeyValueTensorInitializer(["x", "y"], tf.constant([7, 8], tf.int64))
            self.tensors = tf.lookup.StaticHashTable(tensors, -2)
            self.mutable = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -3)
            self.mutable.insert(["kept"], tf.constant([5], tf.int64))

        @tf.function(input_signature=[spec([None], tf.string, "keys")])
        def find(self, keys):
            return {
                "file": self.file.lookup(keys),
                "tensors": self.tensors.lookup(keys),
                "mutable": self.mutable.lookup(keys),
            }

        @tf.function(input_signature=[spec([None], tf.string), spec([None], tf.int64)])
        def insert(self, keys, values):
            self.mutable.insert(keys, values)
            return self.mutable.size()

    module = Tables()
    tf.saved_model.save(module, folder, signatures=module.find)


def anonymous(folder, scratch):
    """Tables without names: in signatures, in functions alone, and in a Keras-like chain of objects."""
    lookup = tf.lookup

    class Anonymous(tf.Module):
        def __init__(self):
            super().__init__()
            values = tf.constant([1, 2], tf.int64)
            make = lookup.KeyValueTensorInitializer
            self.fixed = lookup.StaticHashTable(make(["a", "b"], values), -1, experimental_is_anonymous=True)
            self.apart = lookup.StaticHashTable(make(["a", "b"], values * 10), -1, experimental_is_anonymous=True)
            self.grows = lookup.experimental.MutableHashTable(tf.string, tf.int64, -7, experimental_is_anonymous=True)
            self.own = lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 0.5], experimental_is_anonymous=True)
            self.dense = lookup.experimental.DenseHashTable(
                tf.int64, tf.int64, -7, empty_key=-1, deleted_key=-2, experimental_is_anonymous=True)
            self.grows.insert(["kept"], tf.constant([4], tf.int64))
            self.own.insert(["row"], [[1.0, 2.0]])
            self.dense.insert(tf.constant([5, 6], tf.int64), tf.constant([50, 60], tf.int64))

        @tf.function(input_signature=[spec([None], tf.string, "keys")])
        def find(self, keys):
            return {"fixed": self.fixed.lookup(keys), "grows": self.grows.lookup(keys)}

        @tf.function(input_signature=[spec([None], tf.string, "keys")])
        def insert(self, keys):
            self.grows.insert(keys, tf.cast(tf.strings.length(keys), tf.int64))
            return {"size": self.grows.size()}

        @tf.function(input_signature=[spec([None], tf.string, "keys")])
        def rows(self, keys):
            return self.own.lookup(keys), self.apart.lookup(keys)

        @tf.function(input_signature=[spec([None], tf.int64, "keys")])
        def buckets(self, keys):
            return self.dense.lookup(keys)

    module = Anonymous()
    tf.saved_model.save(module, folder, signatures={"serving_default": module.find, "insert": module.insert})


def aliases(folder, scratch):
    """A function with a second name."""

    class Adder(tf.Module):
        @tf.function
        def double(self, x):
            return x + x

    module = Adder()
    module.double.get_concrete_function(spec([], tf.float32, "float_input"))
    module.double.get_concrete_function(spec([], tf.string, "string_input"))
    options = tf.saved_model.SaveOptions(function_aliases={"twice": module.double})
    tf.saved_model.save(module, folder, options=options)


def keras2(folder, scratch):
    """A model of Keras 2, with a layer that training changes, saved to be called as an object."""
    import tf_keras as keras

    inputs = keras.Input([3], name="features")
    x = keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones", name="dense")(inputs)
    outputs = keras.layers.BatchNormalization(name="norm")(x)
    tf.saved_model.save(keras.Model(inputs, outputs), folder)


def stateful(folder, scratch):
    """Functions whose results depend on the order of what they read and write."""

    class Stateful(tf.Module):
        def __init__(self):
            super().__init__()
            self.total = tf.Variable(0.0, name="total")

        @tf.function(input_signature=[spec([], name="x")])
        def add(self, x):
            self.total.assign_add(x)
            before = self.total.read_value()
            self.total.assign(self.total * 2.0)
            return {"before": before, "after": self.total.read_value()}

        @tf.function(input_signature=[spec([], tf.int32, "n")])
        def loop(self, n):
            seen = tf.TensorArray(tf.float32, 0, dynamic_size=True)
            for i in tf.range(n):
                if i % 2 == 0:
                    self.total.assign_add(1.0)
                else:
                    self.total.assign(self.total * 3.0)
                seen = seen.write(i, self.total.read_value())
            return {"seen": seen.stack(), "total": self.total.read_value()}

    module = Stateful()
    tf.saved_model.save(module, folder, signatures={"add": module.add, "loop": module.loop})


def checkpoint_tutorial(folder, scratch):
    """TensorFlow's own example of `tf.saved_model.load`: a Checkpoint with a variable and a function, no signature."""
    root = tf.train.Checkpoint(v=tf.Variable(3.0))
    root.f = tf.function(lambda x: root.v * x, input_signature=[spec(None)])
    tf.saved_model.save(root, folder)


def branches(folder, scratch):
    """Branches in branches, and a loop, with calls and state in them."""

    class Branches(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable(2.0, name="v")
            self.n = tf.Variable(0, name="n")

        @tf.function(input_signature=[spec([])])
        def inner(self, x):
            return tf.multiply(x, self.v, name="product")

        @tf.function(input_signature=[spec([]), spec([], tf.bool), spec([], tf.int32)])
        def f(self, x, b, k):
            def then():
                self.n.assign_add(1)
                return self.inner(x) + 1.0

            def other():
                self.n.assign_add(100)
                return tf.cond(x > 5.0, lambda: tf.multiply(x, 7.0, name="deep"), lambda: tf.identity(x), name="nested")

            y = tf.cond(b, then, other, name="choice")
            z = tf.switch_case(k, [
                lambda: tf.add(y, 10.0, name="a"), lambda: tf.multiply(y, 20.0, name="b"), lambda: tf.negative(y, name="c")],
                name="case")
            _, t = tf.while_loop(
                lambda i, t: i < k, lambda i, t: (i + 1, tf.add(t, self.inner(z), name="sum")), [0, 0.0], name="loop")
            return {"y": y, "z": z, "t": t}

    module = Branches()
    tf.saved_model.save(module, folder, signatures=module.f)


class Pieces(tf.experimental.ExtensionType):
    """A type of one's own."""

    __name__ = "conformance.Pieces"
    whole: tf.Tensor
    rows: tf.RaggedTensor


def composites(folder, scratch):
    """Signatures that give composite tensors, and functions that take them."""

    class Composites(tf.Module):
        @tf.function(input_signature=[spec([None], tf.string)])
        def words(self, x):
            words = tf.strings.split(x)
            return {"words": words, "sparse": words.to_sparse(), "count": words.row_lengths()}

        @tf.function(input_signature=[tf.RaggedTensorSpec([None, None, None], tf.float32)])
        def deep(self, x):
            return {"twice": x * 2.0}

        @tf.function(input_signature=[spec([None])])
        def pieces(self, x):
            return {"pieces": Pieces(whole=x, rows=tf.RaggedTensor.from_row_lengths(x, [tf.size(x)]))}

        @tf.function(input_signature=[spec([])])
        def slices(self, x):
            return {"slices": tf.IndexedSlices(tf.stack([x, -x]), tf.constant([1, 0]), tf.constant([5]))}

        @tf.function
        def joined(self, pieces):
            return tf.concat([pieces.whole, pieces.rows.values], 0)

        @tf.function(input_signature=[tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0)])
        def flat(self, x):
            return x * 2.0

    module = Composites()
    rows = tf.RaggedTensor.from_row_lengths(tf.constant([1.0]), [1])
    module.joined(Pieces(whole=tf.constant([1.0]), rows=rows))
    names = ["words", "deep", "pieces", "slices"]
    tf.saved_model.save(module, folder, signatures={name: getattr(module, name) for name in names})


def keras3(folder, scratch):
    """A Keras 3 model by `tf.saved_model.save`: functions capture variables under other names than the saver restores."""
    import keras

    inputs = keras.Input((2,), name="x")
    layer = keras.layers.Dense(2, kernel_initializer=keras.initializers.Constant([[1.0, 2.0], [3.0, 4.0]]), name="dense")
    model = keras.Model(inputs, layer(inputs))

    @tf.function(input_signature=[spec([None, 2], name="x")])
    def serve(x):
        return model(x)

    @tf.function(input_signature=[spec([None, 2], name="x")])
    def grow(x):
        layer.kernel.assign(layer.kernel * 2.0)
        return model(x)

    tf.saved_model.save(model, folder, signatures={"serving_default": serve, "grow": grow})


def session(folder, scratch):
    """A model of TensorFlow 1 with variables of all kinds, sparse tensors and a method name of its own."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        z = v1.placeholder(tf.float32, [], name="z")
        default = v1.placeholder_with_default(7.0, [], name="default")
        v1.get_variable("reference", initializer=tf.constant([1.0, 2.0]), use_resource=False)
        factor = v1.get_variable("factor", initializer=tf.constant(3.0), use_resource=True)
        count = v1.get_variable("count", initializer=tf.constant(1), trainable=False, use_resource=True)
        with v1.variable_scope("split", partitioner=v1.fixed_size_partitioner(2)):
            split = v1.get_variable("v", shape=[4], initializer=v1.ones_initializer(), use_resource=True)
        product = tf.multiply(x, factor, name="product")
        output = tf.add(product, z, name="output")
        tf.add(product, default, name="shifted")
        tf.identity(v1.convert_to_tensor(split), name="whole")
        count.assign_add(1, name="increment", read_value=False)
        tf.identity(count.read_value(), name="counted")
        sparse = v1.sparse_placeholder(tf.float32, [None, 3], name="sparse")
        sums = tf.sparse.reduce_sum(sparse, axis=1)
        doubled = tf.SparseTensor(sparse.indices, sparse.values * 2.0, sparse.dense_shape)
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.utils.build_tensor_info
        signature = v1.saved_model.build_signature_def(
            {"x": info(x), "z": info(z), "sparse": info(sparse)},
            {"output": info(output), "sums": info(sums), "doubled": info(doubled)},
            "custom/method")
        unfed = v1.saved_model.build_signature_def({"x": info(x)}, {"shifted": info(product)}, "custom/method")
        builder = v1.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature, "product": unfed}, strip_default_attrs=True)
        builder.save()


def saver(folder, scratch):
    """What TensorFlow 1's Saver writes: a `.meta`, and two checkpoints, one of each format."""
    os.makedirs(folder)
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        a = v1.get_variable("a", initializer=tf.constant([1.0, 2.0]), use_resource=False)
        b = v1.get_variable("b", initializer=tf.constant(3.0), use_resource=True)
        tf.add(tf.reduce_sum(x) * a, b, name="y")
        session.run(v1.global_variables_initializer())
        v1.train.Saver(save_relative_paths=True).save(session, os.path.join(folder, "new"))
        session.run([a.assign([10.0, 20.0]), b.assign(30.0)])
        old = v1.train.Saver(write_version=v1.train.SaverDef.V1, save_relative_paths=True)
        old.save(session, os.path.join(folder, "old"))


def main():
    for make in (
        objects, arguments, random, tables, anonymous, aliases, keras2, keras3, stateful, checkpoint_tutorial, branches, composites, session,
        saver
    ):
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = os.path.join(scratch, "model")
            make(folder, scratch)
            fingerprint = os.path.join(folder, "fingerprint.pb")
            if os.path.exists(fingerprint):
                os.remove(fingerprint)
            target = os.path.join(CASES, make.__name__)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder, target)


if __name__ == "__main__":
    main()
