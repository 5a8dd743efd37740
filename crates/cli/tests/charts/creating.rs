use std::collections::BTreeSet;

use super::common::Place;

/// The files below a folder.
fn files(place: &Place, folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![place.path().join(folder)];
    while let Some(path) = left.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => {
                    found.insert(path.strip_prefix(place.path()).unwrap().display().to_string());
                }
            }
        }
    }
    found
}

/// Every option that the starter has.
const ALL: &str = "
imagePullSecrets: [{name: x}]
serviceAccount: {annotations: {a: b}, automount: true}
podAnnotations: {a: b}
podLabels: {c: d}
service: {type: LoadBalancer, annotations: {a: b}}
ingress: {enabled: true, className: nginx, annotations: {a: b}, tls: [{secretName: t, hosts: [a.b]}]}
httpRoute: {enabled: true, annotations: {a: b}, rules: [{matches: [{path: {value: /}}], filters: [{type: X}]}, {}]}
resources: {limits: {memory: 1Mi}}
autoscaling: {enabled: true, targetMemoryUtilizationPercentage: 70}
env: [{name: A, value: b}]
volumes: [{name: v, emptyDir: {}}]
volumeMounts: [{name: v, mountPath: /v}]
nodeSelector: {a: b}
tolerations: [{key: a}]
affinity: {nodeAffinity: {}}
";

#[test]
fn a_chart_that_can_be_used_as_it_is() {
    let place = Place::new();
    let done = place.run("create ./new.shop");
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, "Creating ./new.shop\n", ""));
    assert!(place.path().join("new.shop/charts").is_dir());
    place.write("all.yaml", ALL);
    for values in ["", " -f all.yaml"] {
        let done = place.run(&format!("lint --strict new.shop{values}"));
        let want =
            "==> Linting new.shop\n[INFO] Chart.yaml: icon is recommended\n\n1 chart(s) linted, 0 chart(s) failed\n";
        assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, want, ""));
    }
    let kinds = |line: &str| -> Vec<String> {
        let out = place.run(line).out;
        out.lines().filter_map(|line| line.strip_prefix("kind: ")).map(str::to_owned).collect()
    };
    assert_eq!(kinds("template r new.shop"), ["ServiceAccount", "Service", "Deployment", "Pod"]);
    assert_eq!(
        kinds("template r new.shop -f all.yaml"),
        ["ServiceAccount", "Service", "Deployment", "HorizontalPodAutoscaler", "Ingress", "HTTPRoute", "Pod"]
    );
    assert_eq!(kinds("template r new.shop --set serviceAccount.create=false --skip-tests"), ["Service", "Deployment"]);
    let done = place.run("template r new.shop --set service.port=many");
    assert!(done.err.contains("- at '/service/port': got string, want integer"), "{}", done.err);
}

#[test]
fn what_was_there_already() {
    let place = Place::new();
    place.run("create web");
    let names = files(&place, "web");
    place.write("web/values.yaml", "mine: 1\n");
    place.write("web/templates/mine.yaml", "a: b\n");
    let done = place.run("create web");
    let warnings: BTreeSet<String> = done.out.lines().skip(1).map(str::to_owned).collect();
    let warned = |name: &String| format!("WARNING: File \"HERE/{name}\" already exists. Overwriting.");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(warnings, names.iter().map(warned).collect());
    assert!(!place.read("web/values.yaml").contains("mine"));
    assert_eq!(place.read("web/templates/mine.yaml"), "a: b\n");
}

#[test]
fn starters() {
    let place = Place::new();
    place.write("shop/templates/config.yaml", "name: <CHARTNAME>\n");
    place.write("shop/values.yaml", "# <CHARTNAME>\nname: <CHARTNAME>\n");
    let starter = place.path().join("shop");
    let done = place.run(&format!("create deep/in/new -p {}", starter.display()));
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, "Creating deep/in/new\n", ""));
    assert_eq!(
        place.read("deep/in/new/Chart.yaml"),
        "apiVersion: v2\nappVersion: 0.1.0\ndescription: A Helm chart for Kubernetes\nname: new\ntype: application\n\
         version: 0.1.0\n"
    );
    assert_eq!(place.read("deep/in/new/templates/config.yaml"), "name: new\n");
    assert_eq!(place.read("deep/in/new/values.yaml"), "# new\nname: new\n");
    let mut names: BTreeSet<String> =
        files(&place, "shop").iter().map(|name| name.replace("shop/", "deep/in/new/")).collect();
    names.retain(|name| !name.contains("/charts/"));
    names.extend(["db-1.0.1.tgz", "stray-1.0.0.tgz"].map(|name| format!("deep/in/new/charts/{name}")));
    assert_eq!(files(&place, "deep/in/new"), names);

    let home = place.path().join("data");
    let variables = [("HELM_DATA_HOME", home.to_str().unwrap())];
    let done = place.run_with(&["create", "web", "--starter", "mine"], &variables);
    let path = "HERE/data/starters/mine";
    assert_eq!(done.err, format!("Error: could not load {path}: stat {path}: no such file or directory\n"));
    place.write("data/starters/mine/Chart.yaml", "{apiVersion: v2, name: x, version: 9.0.0}");
    assert_eq!(place.run_with(&["create", "web", "--starter", "mine"], &variables).code, 0);
    assert_eq!(files(&place, "web").len(), 1);
    let done = place.run_with(&["create", "a: b", "--starter", starter.to_str().unwrap()], &[]);
    assert_eq!(
        done.err,
        "Error: transforming values file: error converting YAML to JSON: yaml: mapping values are not allowed in this context\n"
    );
}

#[test]
fn what_cannot_be_created() {
    let place = Place::new();
    place.write("file", "");
    let long = "a".repeat(251);
    for (args, want) in [
        (&["a b"][..], "chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\""),
        (&["/"], "chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\""),
        (&[&long], "chart name must be between 1 and 250 characters"),
        (&["no/such/web"], "stat HERE/no/such: no such file or directory"),
        (&["file/web"], "no such directory HERE/file"),
        (&["file"], "file HERE/file already exists and is not a directory"),
        (&["file", "--starter", "/nowhere"], "could not load /nowhere: stat /nowhere: no such file or directory"),
        (&["web", "--chart-api-version", "v9"], "unsupported chart API version: v9 (supported: v2, v3)"),
        (
            &["web", "--chart-api-version", "v3"],
            "this feature has been marked as experimental and is not enabled by default. Please set \
             HELM_EXPERIMENTAL_CHART_V3=1 in your environment to use this feature",
        ),
    ] {
        let args: Vec<&str> = ["create"].iter().chain(args).copied().collect();
        let done = place.run_with(&args, &[]);
        let name = args.get(1).unwrap();
        assert_eq!((done.code, done.out, done.err), (1, format!("Creating {name}\n"), format!("Error: {want}\n")));
    }
    assert!(!place.path().join("web").exists());
}

/// Helm makes a chart of the name `.`, which it cannot load itself.
#[test]
fn this_folder_is_no_name() {
    let place = Place::new();
    for name in [".", "..", ""] {
        let done = place.run_with(&["create", name], &[]);
        assert_eq!(done.code, 1, "{name}");
        assert!(done.err.ends_with(" is not allowed: name a folder\n"), "{}", done.err);
    }
    assert!(!place.path().join("Chart.yaml").exists());
}
