//! Tables without names, as `tf.lookup` makes them with `experimental_is_anonymous=True`.

/// The operator of the same table with a name, for an operator of tables without names.
///
/// ```
/// # use savedmodel_loader::named_table;
/// assert_eq!(named_table("AnonymousHashTable"), Some("HashTableV2"));
/// assert_eq!(named_table("HashTableV2"), None);
/// ```
pub fn named_table(op: &str) -> Option<&'static str> {
    match op {
        "AnonymousHashTable" => Some("HashTableV2"),
        "AnonymousMutableDenseHashTable" => Some("MutableDenseHashTableV2"),
        "AnonymousMutableHashTable" => Some("MutableHashTableV2"),
        "AnonymousMutableHashTableOfTensors" => Some("MutableHashTableOfTensorsV2"),
        _ => None,
    }
}
