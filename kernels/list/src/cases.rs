//! Unit tables as text, with lists: `list float [2] | 1 2 | - | 3 4` has three elements, of which one is not set.

use savedmodel_op::testing::{Row, parse_tensor, run_row, show};
use savedmodel_tensor::{DType, PartialShape, Result, Shape, Tensor, Variant};

use crate::TensorList;

/// Runs each row with fed and with constant inputs, and compares the answers as text.
///
/// `[list … & list …]` is a vector of lists. An error passes when its text begins as told.
pub(crate) fn check(rows: &[Row]) {
    let fault = |&(name, attrs, inputs, want): &Row| {
        let inputs: Vec<Tensor> =
            inputs.split(';').map(str::trim).filter(|t| !t.is_empty()).map(parse).collect();
        match run_row(crate::OPS, name, attrs, &inputs) {
            Ok(results) => {
                let texts = results.iter().map(answer);
                let wrong = texts.into_iter().find(|got| match got.split_once(": ") {
                    Some(_) => !got.starts_with(want) || want.is_empty(),
                    None => got != want,
                })?;
                Some(format!("{name} {attrs}\n  got  {wrong}\n  want {want}"))
            }
            Err(fault) => Some(format!("{name} {attrs}: {fault}")),
        }
    };
    let faults: Vec<String> = rows.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {} rows\n{}", faults.len(), rows.len(), faults.join("\n"));
}

fn answer(result: &Result<Vec<Tensor>>) -> String {
    match result {
        Err(_) => show(result),
        Ok(tensors) => tensors.iter().map(text).collect::<Vec<_>>().join("; "),
    }
}

fn text(tensor: &Tensor) -> String {
    match tensor.variants() {
        Ok([list]) if tensor.rank() == 0 => list_text(list),
        Ok(lists) => format!("[{}]", lists.iter().map(list_text).collect::<Vec<_>>().join(" & ")),
        Err(_) => show(&Ok(vec![tensor.clone()])),
    }
}

fn list_text(variant: &Variant) -> String {
    let Some(list) = variant.get::<TensorList>() else { return format!("{variant:?}") };
    let element = |t: &Option<Tensor>| match t {
        None => " | -".to_owned(),
        Some(t) => {
            let text = show(&Ok(vec![t.clone()]));
            let same = list.shape.known().as_ref() == Some(t.shape());
            format!(" | {}", if same { text.split_once(' ').map_or("", |t| t.1) } else { &text })
                .trim_end()
                .to_owned()
        }
    };
    let max = list.max_elements.map(|n| format!(" max {n}")).unwrap_or_default();
    format!(
        "list {} {}{max}{}",
        list.dtype,
        list.shape,
        list.elements.iter().map(element).collect::<String>()
    )
}

fn parse(text: &str) -> Tensor {
    if let Some(lists) = text.strip_prefix('[') {
        let lists: Vec<Variant> = lists.trim_end_matches(']').split('&').map(parse_list).collect();
        return Tensor::from_variants([lists.len()], lists).unwrap();
    }
    match text.starts_with("list ") {
        true => Tensor::from_variants(Shape::scalar(), vec![parse_list(text)]).unwrap(),
        false => parse_tensor(text),
    }
}

fn parse_list(text: &str) -> Variant {
    let mut parts = text.trim().split(" | ");
    let mut head = parts.next().unwrap().split_whitespace().skip(1);
    let dtype = DType::from_name(head.next().unwrap()).unwrap();
    let shape = match head.next().unwrap() {
        "<unknown>" => PartialShape::unknown(),
        dims => {
            PartialShape::new(dims.trim_matches(['[', ']']).split_terminator(',').map(|d| d.parse().ok()))
        }
    };
    let max_elements = head.nth(1).map(|n| n.parse().unwrap());
    let element = |part: &str| match part.trim() {
        "-" => None,
        full if full.contains('[') => Some(parse_tensor(full)),
        values => Some(parse_tensor(&format!("{dtype}{} {values}", shape.known().unwrap()))),
    };
    let elements = parts.map(element).collect();
    Variant::new(TensorList { dtype, shape, max_elements, elements })
}
