//! Which tensor of a checkpoint is the value of which object.

use savedmodel_proto::TrackableObjectGraph;
use savedmodel_proto::trackable_object_graph::TrackableObject;

use super::ObjectGraph;

impl ObjectGraph {
    /// For each object that a checkpoint with these objects holds, the key of its value; that of a table is what its two keys begin with.
    ///
    /// The two graphs are walked side by side by attribute, as TensorFlow restores: numbers of objects mean nothing.
    pub fn checkpoint_keys(&self, saved: &TrackableObjectGraph) -> Vec<Option<String>> {
        let mut partners: Vec<Option<&TrackableObject>> = vec![None; self.objects.len()];
        partners[0] = saved.nodes.first();
        let find = |id: i32| usize::try_from(id).ok().and_then(|id| saved.nodes.get(id));
        let mut stack = vec![0];
        while let Some(id) = stack.pop() {
            let Some(partner) = partners[id] else { continue };
            for (name, child) in &self.objects[id].children {
                let same = partner.children.iter().find(|reference| reference.local_name == *name);
                if let (None, Some(found)) = (partners[*child], same.and_then(|r| find(r.node_id))) {
                    partners[*child] = Some(found);
                    stack.push(*child);
                }
            }
        }
        self.slots(saved, &mut partners);
        partners.into_iter().map(|partner| partner.and_then(key)).collect()
    }

    /// Slot variables are nobody's attributes: optimizer, variable and the slot's name tell which they are.
    fn slots<'s>(&self, saved: &'s TrackableObjectGraph, partners: &mut [Option<&'s TrackableObject>]) {
        let place = |id: i32| usize::try_from(id).ok().filter(|&id| id < self.objects.len());
        for id in 0..self.objects.len() {
            let Some(partner) = partners[id] else { continue };
            for slot in &self.objects[id].slots {
                let (Some(variable), Some(own)) =
                    (place(slot.original_variable_node_id), place(slot.slot_variable_node_id))
                else {
                    continue;
                };
                let same = partner.slot_variables.iter().find(|other| {
                    let of = usize::try_from(other.original_variable_node_id).ok();
                    let of = of.and_then(|id| saved.nodes.get(id));
                    other.slot_name == slot.slot_name
                        && matches!((of, partners[variable]), (Some(a), Some(b)) if std::ptr::eq(a, b))
                });
                if let Some(found) = same.and_then(|s| usize::try_from(s.slot_variable_node_id).ok()) {
                    partners[own] = partners[own].or(saved.nodes.get(found));
                }
            }
        }
    }
}

fn key(object: &TrackableObject) -> Option<String> {
    let named = |name| object.attributes.iter().find(|attribute| attribute.name == name);
    let value = named("VARIABLE_VALUE").or_else(|| named("table"))?;
    Some(value.checkpoint_key.clone())
}
