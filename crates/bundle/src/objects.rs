//! Tensors of object-based checkpoints by the paths of their objects.

use std::collections::{BTreeMap, VecDeque};

use savedmodel_proto::TrackableObjectGraph;
use savedmodel_proto::trackable_object_graph::TrackableObject;

/// The attribute that is the value of a variable.
const VALUE: &str = "VARIABLE_VALUE";

/// The objects of an object-based checkpoint.
///
/// A path leads from attribute to attribute, from the root: `layer/kernel`. A `.` of a name is written `..`, and a `/` is
/// written `.S`, as in the names of the checkpoint's tensors.
pub struct CheckpointObjects(TrackableObjectGraph);

impl CheckpointObjects {
    /// The objects of a message.
    pub fn new(graph: TrackableObjectGraph) -> CheckpointObjects {
        CheckpointObjects(graph)
    }

    /// The shortest path to the object of each tensor, by the name of the tensor.
    pub fn paths(&self) -> BTreeMap<&str, String> {
        let (mut paths, mut found) = (vec![None; self.0.nodes.len()], BTreeMap::new());
        if let Some(root) = paths.first_mut() {
            *root = Some(String::new());
        }
        let mut queue = VecDeque::from([0]);
        while let Some(id) = queue.pop_front() {
            let (Some(object), Some(Some(path))) = (self.0.nodes.get(id), paths.get(id).cloned()) else {
                continue;
            };
            for attribute in &object.attributes {
                let own =
                    if attribute.name == VALUE { path.clone() } else { format!("{path}/{}", attribute.name) };
                found.entry(attribute.checkpoint_key.as_str()).or_insert(own);
            }
            for child in &object.children {
                let below = if path.is_empty() { String::new() } else { format!("{path}/") };
                if let Ok(child_id) = usize::try_from(child.node_id)
                    && let Some(place @ None) = paths.get_mut(child_id)
                {
                    *place = Some(below + &escaped(&child.local_name));
                    queue.push_back(child_id);
                }
            }
        }
        found
    }

    /// The name of the tensor of a path: the value of a variable, or an attribute that is named at the end.
    pub fn key(&self, path: &str) -> Option<&str> {
        let mut object = self.0.nodes.first()?;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            match self.child(object, part) {
                Some(child) => object = child,
                None if parts.peek().is_none() => return attribute(object, part),
                None => return None,
            }
        }
        attribute(object, VALUE)
    }

    fn child(&self, object: &TrackableObject, name: &str) -> Option<&TrackableObject> {
        let child = object.children.iter().find(|child| escaped(&child.local_name) == name)?;
        self.0.nodes.get(usize::try_from(child.node_id).ok()?)
    }
}

fn attribute<'o>(object: &'o TrackableObject, name: &str) -> Option<&'o str> {
    let found = object.attributes.iter().find(|attribute| attribute.name == name)?;
    Some(&found.checkpoint_key)
}

fn escaped(name: &str) -> String {
    name.replace('.', "..").replace('/', ".S")
}

#[cfg(test)]
mod tests {
    use savedmodel_proto::pbtxt;

    use super::*;

    fn objects() -> CheckpointObjects {
        let text = "nodes { children { node_id: 1 local_name: 'layer' } children { node_id: 2 local_name: 'a.b/c' } }
             nodes { children { node_id: 2 local_name: 'kernel' } children { node_id: 0 local_name: 'up' }
                     children { node_id: 9 local_name: 'lost' } }
             nodes { attributes { name: 'VARIABLE_VALUE' checkpoint_key: 'k' }
                     attributes { name: 'OTHER' checkpoint_key: 'o' } }";
        CheckpointObjects::new(pbtxt::parse(text).unwrap())
    }

    #[test]
    fn paths_lead_to_tensors() {
        let objects = objects();
        assert_eq!(
            objects.paths(),
            BTreeMap::from([("k", "a..b.Sc".to_owned()), ("o", "a..b.Sc/OTHER".to_owned())])
        );
        for (path, key) in [
            ("layer/kernel", Some("k")),
            ("a..b.Sc", Some("k")),
            ("layer/up/layer/kernel", Some("k")),
            ("layer/kernel/OTHER", Some("o")),
            ("layer", None),
            ("layer/none/kernel", None),
            ("layer/lost", None),
            ("", None),
        ] {
            assert_eq!(objects.key(path), key, "{path}");
        }
    }
}
