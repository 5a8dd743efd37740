//! Rendered files taken apart into documents and hooks, and put in order.

use render::manifests::{INSTALL_ORDER, sort_files};
use serde_json::{Value as Json, json};

use super::{Subject, charts};
use crate::answer::Answer;
use crate::rng::Rng;

/// Documents, kinds, hooks and weights.
pub(crate) const SUBJECT: Subject = Subject { name: "manifests", weight: 8, question, answer, show: charts::show };

const KINDS: &[&str] = &[
    "Pod",
    "Service",
    "ConfigMap",
    "Secret",
    "Deployment",
    "Namespace",
    "CustomResourceDefinition",
    "Zebra",
    "Aardvark",
    "Job",
    "ServiceAccount",
    "ClusterRole",
    "Ingress",
    "HorizontalPodAutoscaler",
    "StorageClass",
    "Service",
    "List",
    "APIService",
    "",
    "ValidatingWebhookConfiguration",
    "pod",
];
const HOOKS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-install,post-upgrade",
    "test",
    "test-success",
    "nope",
    "pre-install, nope",
    "",
    "PRE-INSTALL",
    " pre-delete ",
    "crd-install",
    "pre-rollback,post-rollback",
];
const WEIGHTS: &[&str] =
    &["\"1\"", "\"-5\"", "\"0\"", "x", "\"5\"", "5", "\"1.5\"", "\" 2\"", "\"99999999999999999999\"", "\"007\""];
const SEPARATORS: &[&str] = &[
    "---\n",
    "---\n",
    "\n---\n",
    "--- \n",
    "---",
    "----\n",
    "\n--- # c\n",
    "---\n---\n",
    "  ---\n",
    "---\r\n",
    "---\t\n",
    "--- x\n",
    "\n\n---\n\n",
];
const ODD: &[&str] = &[
    "",
    "\n",
    "# only a comment\n",
    "a: 1\n",
    "- 1\n",
    "text\n",
    "a: [\n",
    "kind: Pod\n\tx: 1\n",
    "kind: 5\n",
    "kind: [a]\n",
    "metadata: 1\n",
    "{}\n",
    "kind: Pod\nmetadata:\n  annotations: []\n",
    "kind: Pod\nmetadata:\n  annotations:\n    a: 1\n",
    "kind: Pod\nmetadata:\n  annotations:\n    a: true\n",
    "null\n",
    "apiVersion: v1\nkind: Pod\nkind: Service\n",
    "kind: Pod\nmetadata: {name: [x]}\n",
    "a: *x\n",
    "kind: Pod\nmetadata:\n  name:\n",
    "%YAML 1.1\n",
    "kind: ~\n",
    "Kind: Pod\n",
];

fn document(rng: &mut Rng) -> String {
    if rng.chance(12) {
        return rng.pick(ODD).to_owned();
    }
    let mut out = rng.pick(&["", "", "# comment\n", "\n", "  \n"]).to_owned();
    out += &format!(
        "apiVersion: {}\nkind: {}\nmetadata:\n  name: n{}\n",
        rng.pick(&["v1", "apps/v1", "x/v1"]),
        rng.pick(KINDS),
        rng.below(4)
    );
    if rng.chance(35) {
        out += "  annotations:\n";
        if rng.chance(80) {
            out += &format!("    \"helm.sh/hook\": {}\n", serde_json::Value::from(rng.pick(HOOKS)));
        }
        if rng.chance(40) {
            out += &format!("    helm.sh/hook-weight: {}\n", rng.pick(WEIGHTS));
        }
        if rng.chance(30) {
            out += &format!(
                "    helm.sh/hook-delete-policy: {}\n",
                rng.pick(&["hook-succeeded", "\"before-hook-creation, hook-failed\"", "nope", "\"\"", "HOOK-FAILED"])
            );
        }
        if rng.chance(15) {
            out += &format!(
                "    helm.sh/hook-output-log-policy: {}\n",
                rng.pick(&["hook-succeeded", "\"hook-failed,hook-succeeded\"", "nope"])
            );
        }
        if rng.chance(20) {
            out += "    other: x\n";
        }
    }
    out + rng.pick(&["", "data: {a: b}\n", "spec:\n  x: |\n    a\n    ---\n    b\n", "\n\n", "data:\n  a: \"1\"", "  "])
}

pub(super) fn question(rng: &mut Rng) -> Json {
    let mut files = serde_json::Map::new();
    for _ in 0..1 + rng.below(3) {
        let name = rng.pick(&[
            "t/templates/a.yaml",
            "t/templates/b.yaml",
            "t/charts/s/templates/a.yaml",
            "t/templates/_p.yaml",
            "t/templates/n.txt",
            "t/templates/sub/c.yaml",
        ]);
        let mut text = rng.pick(&["", "", "---\n", "\n", "\u{feff}"]).to_owned();
        for i in 0..1 + rng.below(4) {
            if i > 0 {
                text += rng.pick(SEPARATORS);
            }
            text += &document(rng);
        }
        if rng.chance(6) {
            text = crate::yaml_gen::mutate(&mut crate::yaml_gen::Rng(rng.next()), &text);
        }
        files.insert(name.to_owned(), text.into());
    }
    json!({"op": "manifests", "files": files})
}

fn answer(question: &Json) -> Answer {
    let files = question["files"].as_object().into_iter().flatten();
    let files = files.map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().into())).collect();
    Answer::result(sort_files(&files, INSTALL_ORDER).map_err(|unsorted| unsorted.message).map(|(hooks, sorted)| {
        let mut out = Vec::new();
        for manifest in sorted {
            out.extend([manifest.path, manifest.content]);
        }
        for hook in hooks {
            let list = |items: Vec<&str>| format!("[{}]", items.join(" "));
            out.push(format!(
                "{} {} {} {} {} {} {}",
                hook.path,
                hook.kind,
                hook.name,
                hook.weight,
                list(hook.events.iter().map(|e| e.as_str()).collect()),
                list(hook.delete_policies.iter().map(String::as_str).collect()),
                list(hook.output_log_policies.iter().map(String::as_str).collect()),
            ));
            out.push(hook.manifest);
        }
        out
    }))
}
