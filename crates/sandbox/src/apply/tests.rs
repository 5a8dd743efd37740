use serde_json::{Value, json};

use super::*;
use crate::schema::BUILTIN;

struct Apps;

impl Versions for Apps {
    fn ty(&self, version: &str) -> Option<Type> {
        (version == "apps/v1").then(|| BUILTIN.kind("apps", "v1", "Deployment")).flatten()
    }

    fn convert(&self, object: &Value, version: &str) -> Option<Value> {
        (version == "apps/v1").then(|| object.clone())
    }
}

fn write<'a>(manager: &'a str, now: &str) -> Write<'a> {
    Write {
        versions: &Apps,
        version: "apps/v1",
        manager,
        subresource: "",
        ignored: ignored_fields("", true),
        now: now.into(),
        empty: empty(),
    }
}

fn web(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"}, "spec": spec})
}

fn container(image: &str, env: &Value) -> Value {
    json!({"template": {"spec": {"containers": [{"name": "a", "image": image, "env": env}]}}})
}

fn empty() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}})
}

#[test]
fn what_is_no_longer_applied_goes() {
    let one = web(&container("1", &json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])));
    let live = write("helm", "t1").apply(&empty(), &one, false).unwrap();
    let two = web(&container("1", &json!([{"name": "B", "value": "2"}])));
    let live = write("helm", "t2").apply(&live, &two, false).unwrap();
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["env"], json!([{"name": "B", "value": "2"}]));
    assert_eq!(live["metadata"]["managedFields"][0]["time"], "t2");
}

#[test]
fn what_another_owns_stays_and_is_a_conflict_to_change() {
    let mut config = web(&container("1", &json!([])));
    config["spec"]["replicas"] = json!(2);
    let live = write("helm", "t1").apply(&empty(), &config, false).unwrap();
    let mut scaled = live.clone();
    scaled["spec"]["replicas"] = json!(5);
    scaled["metadata"]["uid"] = json!("u");
    write("kubectl", "t2").update(&live, &mut scaled);
    let error = write("helm", "t3").apply(&scaled, &config, false).unwrap_err();
    assert_eq!(error.message, "Apply failed with 1 conflict: conflict with \"kubectl\" using apps/v1: .spec.replicas");
    assert_eq!(error.code, 409);
    let forced = write("helm", "t3").apply(&scaled, &config, true).unwrap();
    assert_eq!(forced["spec"]["replicas"], 2);
    let without = web(&container("1", &json!([])));
    let kept = write("helm", "t3").apply(&scaled, &without, false).unwrap();
    assert_eq!(kept["spec"]["replicas"], 5);
}

#[test]
fn the_same_again_changes_nothing() {
    let config = web(&container("1", &json!([{"name": "A", "value": "1"}])));
    let live = write("helm", "t1").apply(&empty(), &config, false).unwrap();
    let again = write("helm", "t2").apply(&live, &config, false).unwrap();
    assert_eq!(live, again);
}

#[test]
fn an_undeclared_field_is_refused() {
    let config = web(&json!({"nope": 1}));
    let error = write("helm", "t1").apply(&empty(), &config, false).unwrap_err();
    assert_eq!(
        error.message,
        "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema"
    );
}
