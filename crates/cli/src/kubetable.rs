//! Kubernetes' tables for a person, as Helm's status shows them.

use cluster::table_text;
use serde_json::Value;

use crate::status::Resources;

/// Each kind under a heading of its own.
pub(crate) fn sections(resources: &Resources) -> String {
    let mut text = String::new();
    let mut last = Value::Null;
    for (kind, objects) in resources {
        text.push_str(&format!("==> {kind}\n"));
        for object in objects {
            text.push_str(&table_text(object, &mut last));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(name: &str) -> Value {
        json!({"kind": "Table",
            "columnDefinitions": [{"name": "Name"}, {"name": "Data"}, {"name": "Wide", "priority": 1}, {"name": "Age"}],
            "rows": [{"cells": [name, 9, "hidden", "0s"]}]})
    }

    #[test]
    fn columns_as_kubectl() {
        let resources = Resources::from([
            ("v1/ConfigMap".to_owned(), vec![of("shop-shop"), of("a")]),
            ("v1/Gone".to_owned(), vec![json!({"kind": "Table", "rows": []})]),
        ]);
        let want = "==> v1/ConfigMap\nNAME        DATA   AGE\nshop-shop   9      0s\na     9     0s\n\n==> v1/Gone\n\n";
        assert_eq!(sections(&resources), want);
    }
}
