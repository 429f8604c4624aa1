//! Functions of objects, shown and called.

use super::{Room, case};

fn objects(name: &str) -> String {
    case("../objects").join(name).to_string_lossy().into_owned()
}

#[test]
fn functions_are_shown() {
    let (room, m) = (Room::new(), objects("objects"));
    let text = room.good(&["show", &m]);
    for part in ["Functions of the root", "(x, training=False, *, scale=2)", "(*xs, **named)"] {
        assert!(text.contains(part), "{text}");
    }
    let json = room.good_json(&["show", &m, "--json"]);
    let functions = json["meta_graphs"][0]["functions"].as_array().unwrap();
    let apply = functions.iter().find(|function| function["path"] == "scales.1.apply").unwrap();
    assert_eq!((&apply["parameters"], &apply["traces"]), (&"(x)".into(), &1.into()));
}

#[test]
fn functions_are_called() {
    let (room, m) = (Room::new(), objects("objects"));
    let call = |function: &str, arguments: &str| {
        room.write("x.json", arguments);
        room.good(&["run", &m, "--function", function, "--inputs", "x.json", "--outputs", "y.json"]);
        String::from_utf8(room.read("y.json")).unwrap().split_whitespace().collect::<String>()
    };
    assert_eq!(call("scales.1.apply", r#"{"args": [[1, 2.5]]}"#), r#"{"outputs":[3.0,7.5]}"#);
    let x = r#"{"tensor": [1.0], "dtype": "float32"}"#;
    assert_eq!(call("f", &format!(r#"{{"args": [{x}, true]}}"#)), r#"{"outputs":[3.0]}"#);
    let pair = r#"{"tuple": [1.0, 2.0]}"#;
    let nested = call("nested", &format!(r#"{{"args": [{pair}], "kwargs": {{"options": {{"c": "z"}}}}}}"#));
    for part in [r#""sum":3.0"#, r#""pair/first":1.0"#, r#""pair/second/1":"z""#] {
        assert!(nested.contains(part), "{nested}");
    }
    let step = room.good(&["run", &m, "--function", "step"]);
    assert!(step.contains("output_0") && step.contains("int32"), "{step}");

    room.write("x.json", r#"{"args": [[1.0], "no"]}"#);
    let parts = ["INVALID_ARGUMENT", "Option 4:", "calling 'f'"];
    room.bad(&["run", &m, "--function", "f", "--inputs", "x.json"], 1, &parts);
    room.bad(&["run", &m, "--function", "g"], 1, &["NOT_FOUND", "no attribute 'g'"]);
    room.bad(&["run", &m, "--function", "v"], 1, &["INVALID_ARGUMENT", "object 'v' is no function"]);
    room.write("x.json", "{");
    room.bad(&["run", &m, "--function", "f", "--inputs", "x.json"], 1, &["INVALID_ARGUMENT", "x.json"]);
    let v1 = case("v1_while").join("model").to_string_lossy().into_owned();
    room.bad(&["run", &v1, "--function", "f"], 1, &["FAILED_PRECONDITION", "TensorFlow 1"]);
}
