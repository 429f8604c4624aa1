//! All cases of this project, against the list of known failures.

use std::path::Path;

use savedmodel_conformance::{Case, Coverage, KnownFailures, Settings, run};

#[test]
fn cases_are_as_the_known_failures_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = Case::find_all(root.join("cases")).unwrap();
    assert!(cases.len() > 700, "only {} cases were found", cases.len());
    let known = std::fs::read_to_string(root.join("known_failures.txt")).unwrap();
    let report = run(&cases, &Settings::default(), &|_| {});
    let surprises = KnownFailures::parse(&known).surprises(&report);
    let first: Vec<String> = surprises.iter().take(30).map(ToString::to_string).collect();
    assert!(surprises.is_empty(), "{} surprises, such as\n{}", surprises.len(), first.join("\n"));
    let coverage = Coverage::new(&savedmodel::registry(), &report);
    for (file, text) in [("operators.json", coverage.json()), ("../OPERATORS.md", coverage.markdown())] {
        let kept = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(kept == text, "{file} is not as `savedmodel-conformance --update` writes it");
    }
}
