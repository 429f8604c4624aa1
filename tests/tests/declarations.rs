//! Every operator is declared as TensorFlow declares it.

use savedmodel_loader::op_defs;
use savedmodel_op::{ArgDef, AttrDef, OpDef};

#[test]
fn declarations_are_tensorflows() {
    let registry = savedmodel::registry();
    let mut faults = Vec::new();
    for op in registry.ops() {
        let ours = match registry.def(op.name) {
            Ok(ours) => ours,
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        match op_defs::find(op.name) {
            Some(theirs) => faults.extend(differences(ours, &theirs)),
            // Operators of this project, which its optimiser makes, have names that TensorFlow leaves to runtimes.
            None if op.name.starts_with('_') => {}
            None => faults.push(format!("{}: TensorFlow has no such operator", op.name)),
        }
    }
    assert!(faults.is_empty(), "{} differences\n{}", faults.len(), faults.join("\n"));
}

fn differences(ours: &OpDef, theirs: &OpDef) -> Vec<String> {
    let mut faults = Vec::new();
    let mut compare = |what: &str, ours: Vec<String>, theirs: Vec<String>| {
        if ours != theirs {
            faults.push(format!("{what}\n    are {}\n    not {}", ours.join(", "), theirs.join(", ")));
        }
    };
    let arguments = |args: &[ArgDef]| args.iter().map(|arg| format!("{arg:?}")).collect::<Vec<_>>();
    let name = &ours.name;
    compare(&format!("{name}: inputs"), arguments(&ours.inputs), arguments(&theirs.inputs));
    compare(&format!("{name}: outputs"), arguments(&ours.outputs), arguments(&theirs.outputs));
    compare(&format!("{name}: attributes"), attributes(&ours.attrs), attributes(&theirs.attrs));
    faults
}

/// Attributes by name: their order, and that of the values they may have, mean nothing.
fn attributes(attrs: &[AttrDef]) -> Vec<String> {
    let text = |attr: &AttrDef| {
        let mut allowed: Vec<String> =
            attr.allowed.iter().flatten().map(|value| format!("{value:?}")).collect();
        allowed.sort_unstable();
        allowed.dedup();
        let AttrDef { name, kind, is_list, default, minimum, .. } = attr;
        let list = if *is_list { "list of " } else { "" };
        format!("{name}: {list}{kind:?} {allowed:?} >= {minimum:?} = {default:?}")
    };
    let mut texts: Vec<String> = attrs.iter().map(text).collect();
    texts.sort_unstable();
    texts
}
