//! What the commands print. The texts are Helm's: `cargo xtask helm-cli` compares many more of them with what Helm 4.3.1
//! printed, and these need nothing but the binary.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

mod common;

use common::Place;

const MANIFEST: &str = "---
# Source: shop/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {a: hidden}

---
# Source: shop/templates/config.yaml
kind: ConfigMap
metadata: {name: rel, namespace: default}
data: {replicas: \"1\", kube: v1.37.0}
";

const TEST: &str = "---
# Source: shop/templates/test.yaml
kind: Pod
metadata: {name: t, annotations: {helm.sh/hook: test}}

";

#[test]
fn template() {
    let place = Place::new();
    let done = place.run("template rel shop");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(done.out, format!("{MANIFEST}{TEST}"));
    for line in ["template rel shop --skip-tests", "template shop rel --no-hooks --dry-run=client"] {
        let line = line.replace("shop rel", "rel shop");
        assert_eq!(place.run(&line).out, MANIFEST, "{line}");
    }
    let done = place.run("template rel shop -s templates/conf*.yaml --set replicas=3 -n web --kube-version 1.30");
    assert_eq!(
        done.out,
        "---\n# Source: shop/templates/config.yaml\nkind: ConfigMap\nmetadata: {name: rel, namespace: web}\n\
         data: {replicas: \"3\", kube: v1.30}\n\n"
    );
    let done = place.run("template shop --include-crds --name-template n-{{\"A\"|lower}} -s crds/*");
    assert_eq!(
        done.out,
        "---\n# Source: shop/crds/backup.yaml\nkind: CustomResourceDefinition\nmetadata: {name: backups}\n\n\n"
    );
}

#[test]
fn template_into_a_folder() {
    let place = Place::new();
    let done = place.run("template rel shop --output-dir out --release-name --include-crds");
    assert_eq!(
        done.out,
        "wrote out/shop/crds/backup.yaml\nwrote out/rel/shop/templates/secret.yaml\n\
         wrote out/rel/shop/templates/config.yaml\nwrote out/rel/shop/templates/test.yaml\n\n"
    );
    let text = place.read("out/rel/shop/templates/test.yaml");
    assert_eq!(text, TEST);
}

#[test]
fn a_render_that_fails() {
    let place = Place::new();
    let error = "YAML parse error on bad/templates/a.yaml: error converting YAML to JSON: yaml: mapping values are not \
                 allowed in this context";
    let done = place.run("template rel bad");
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert_eq!(done.err, format!("Error: {error}\n\nUse --debug flag to render out invalid YAML\n"));
    let done = place.run("template rel bad --debug");
    assert_eq!((done.code, done.out.as_str()), (1, "---\n# Source: bad/templates/a.yaml\na: b: c\n"));
    assert!(done.err.ends_with(&format!("\nError: {error}\n")), "{}", done.err);
    let done = place.run("install rel bad --dry-run=client");
    assert_eq!(done.err, format!("Error: INSTALLATION FAILED: {error}\n"));
    let done = place.run("template rel shop --set replicas=many");
    assert_eq!(
        done.err,
        "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nshop:\n\
         - at '/replicas': got string, want integer\n\n"
    );
    let done = place.run("template rel shop --set replicas=many --skip-schema-validation --skip-tests");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
}

#[test]
fn install_dry_run() {
    let place = Place::new();
    let done = place.run("install rel shop --dry-run=client --hide-secret");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let (head, rest) = done.out.split_once("LAST DEPLOYED: ").unwrap();
    let (time, rest) = rest.split_once('\n').unwrap();
    assert_eq!((head, time.len()), ("NAME: rel\n", "Mon Jan  2 15:04:05 2006".len()));
    let hidden = MANIFEST.replace(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hidden}\n\n",
        "# HIDDEN: The Secret output has been suppressed\n",
    ) + "\n";
    assert_eq!(
        rest,
        format!(
            "NAMESPACE: default\nSTATUS: pending-install\nREVISION: 1\nDESCRIPTION: Dry run complete\nHOOKS:\n{TEST}\
             MANIFEST:\n{hidden}\nNOTES:\nWelcome to rel.\n"
        )
    );
    assert!(!place.run("install rel shop --dry-run=client --hide-notes").out.contains("NOTES"));
    let json = place.run("install rel shop --dry-run=client -o json").out;
    assert!(json.starts_with("{\"name\":\"rel\",\"info\":{\"first_deployed\":\""), "{json}");
    let yaml = place.run("install rel shop --dry-run=client -o yaml").out;
    assert!(yaml.starts_with("apply_method: ssa\nchart:\n"), "{yaml}");
}

#[test]
fn show() {
    let place = Place::new();
    let chart = "apiVersion: v2\ndependencies:\n- name: db\n  repository: https://charts.example.com\n  version: ^1.0.0\n\
                 name: shop\nversion: 1.2.3\n\n";
    let values = "# how many\nreplicas: 1\nimage: {tag: v1, ports: [80, 443]}\n\n";
    let crds = "---\nkind: CustomResourceDefinition\nmetadata: {name: backups}\n\n";
    for (line, want) in [
        ("show chart shop", chart.to_owned()),
        ("inspect values ./shop", values.to_owned()),
        ("show readme shop", "# Shop\n\n".to_owned()),
        ("show crds shop", crds.to_owned()),
        ("show all shop", format!("{chart}---\n{values}---\n# Shop\n\n{crds}")),
        ("show values shop --jsonpath {.image.tag}:{.image.ports[*]}", "v1:80 443".to_owned()),
    ] {
        let done = place.run(line);
        assert_eq!((done.code, done.out, done.err.as_str()), (0, want, ""), "{line}");
    }
}

#[test]
fn dependency_list() {
    let place = Place::new();
    let want = "NAME\tVERSION\tREPOSITORY                \tSTATUS  \n\
                db  \t^1.0.0 \thttps://charts.example.com\tunpacked\n\n\
                WARNING: \"shop/charts/stray\" is not in Chart.yaml.\n";
    for line in ["dependency list shop", "dep ls ./shop/"] {
        assert_eq!(place.run(line).out, want, "{line}");
    }
    assert_eq!(
        place.run("dependencies list shop --max-col-width 12").out,
        "NAME\tVERSION\tREPOSITORY  \tSTATUS  \ndb  \t^1.0.0 \thttps://c...\tunpacked\n\n\
         WARNING: \"shop/charts/stray\" is not in Chart.yaml.\n"
    );
    assert_eq!(place.run("dependency list bad").out, "WARNING: no dependencies at bad/charts\n");
}

#[test]
fn settings() {
    let place = Place::new();
    let one = |name: &str, flags: &[&str], variables: &[(&str, &str)]| {
        let args: Vec<&str> = ["env", name].into_iter().chain(flags.iter().copied()).collect();
        place.run_with(&args, variables).out
    };
    assert_eq!(one("HELM_CACHE_HOME", &[], &[]), "HERE/home/.cache/helm\n");
    assert_eq!(one("HELM_CACHE_HOME", &[], &[("XDG_CACHE_HOME", "/x")]), "/x/helm\n");
    assert_eq!(one("HELM_REPOSITORY_CACHE", &[], &[("HELM_CACHE_HOME", "/y")]), "/y/repository\n");
    assert_eq!(one("HELM_NAMESPACE", &[], &[("HELM_NAMESPACE", "a")]), "a\n");
    assert_eq!(one("HELM_NAMESPACE", &["-nb"], &[("HELM_NAMESPACE", "a")]), "b\n");
    assert_eq!(one("HELM_DEBUG", &["--debug=0"], &[("HELM_DEBUG", "1")]), "false\n");
    assert_eq!(one("NOTHING", &[], &[]), "\n");
    place.write(
        "kube/config",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- {name: c, context: {cluster: k, user: u, namespace: ours}}\n",
    );
    let file = place.path().join("kube/config");
    assert_eq!(one("HELM_NAMESPACE", &["--kubeconfig", file.to_str().unwrap()], &[]), "ours\n");
    assert_eq!(place.run("version --short").out, format!("v{}\n", env!("CARGO_PKG_VERSION")));
    let args = ["version", "--template", "{{.Version}} {{.HelmVersion}}"];
    assert_eq!(place.run_with(&args, &[]).out, format!("v{} v4.3.1", env!("CARGO_PKG_VERSION")));
}
