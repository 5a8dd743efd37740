use super::*;

fn config(cluster: Value, user: Value) -> Value {
    let mut whole = json!({
        "clusters": [{"name": "other", "cluster": {"server": "http://x", "proxy-url": "x"}}, {"name": "c", "cluster": {"server": "https://k8s.example.com"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    });
    whole["clusters"][1]["cluster"].as_object_mut().unwrap().extend(cluster.as_object().unwrap().clone());
    whole["users"][0]["user"] = user;
    whole
}

fn faults(tree: &Value) -> Vec<String> {
    match read(tree, None, &Hosts::default()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.place.unwrap_or_else(|| "context".into())).collect(),
    }
}

#[test]
fn what_would_run_or_read_something_here_is_refused() {
    for key in ["exec", "auth-provider", "tokenFile", "client-certificate", "client-key", "as", "as-groups", "else"] {
        for value in [json!({"command": "id"}), json!("/etc/passwd"), json!(["system:masters"])] {
            assert_eq!(faults(&config(json!({}), json!({key: value}))), [format!("/users/0/user/{key}")]);
        }
    }
    for (key, value) in [
        ("certificate-authority", json!("/etc/passwd")),
        ("insecure-skip-tls-verify", json!(true)),
        ("insecure-skip-tls-verify", json!("true")),
        ("proxy-url", json!("http://proxy")),
        ("certificate-authority-data", json!("/etc/passwd")),
        ("certificate-authority-data", json!("AAAA")),
        ("certificate-authority-data", json!(5)),
        ("server", json!("http://k8s.example.com")),
        ("server", json!("file:///etc/passwd")),
        ("server", json!("https://user:password@k8s.example.com")),
        ("server", json!("https://127.0.0.1:6443")),
        ("server", json!("https://169.254.169.254/latest?x")),
        ("server", json!("https://localhost")),
        ("server", json!("k8s.example.com")),
        ("server", json!("")),
    ] {
        let found = faults(&config(json!({key: value.clone()}), json!({})));
        assert!(
            found.iter().all(|at| *at == format!("/clusters/1/cluster/{key}")) && !found.is_empty(),
            "{key} {value}"
        );
    }
    let user = json!({"token": "a\r\nX: y"});
    assert_eq!(faults(&config(json!({}), user)), ["/users/0/user/token"]);
    let user = json!({"client-certificate-data": STANDARD.encode("-----BEGIN CERTIFICATE-----")});
    assert_eq!(faults(&config(json!({}), user)), ["/users/0/user/client-key-data"]);
}

#[test]
fn what_is_kept_is_the_one_context() {
    let harmless =
        json!({"insecure-skip-tls-verify": false, "proxy-url": "", "extensions": [], "certificate-authority": null});
    let tree = config(harmless, json!({"token": "t", "exec": null}));
    let reading = read(&tree, None, &Hosts::default()).ok().unwrap();
    assert_eq!(reading.info.credentials, Some(ClusterCredentials::Token));
    assert_eq!(reading.info.server.as_deref(), Some("https://k8s.example.com/"));
    assert!(!reading.text.contains("other") && reading.text.contains("\"t\""), "{}", reading.text);
    let again = parse(&reading.text).unwrap();
    assert_eq!(read(&again, None, &Hosts::default()).ok().unwrap().text, reading.text);
    let missing = read(&tree, Some("y"), &Hosts::default()).err().unwrap();
    assert_eq!(missing[0].in_secret(), "`context`: there is no context `y`");
    assert_eq!(faults(&json!([])), [""]);
    assert_eq!(faults(&json!({})), ["/contexts"]);
    assert_eq!(faults(&json!({"current-context": "x"})), ["/current-context"]);
    let dangling = json!({"contexts": [{"name": "x", "context": {"cluster": "c"}}]});
    assert_eq!(faults(&dangling), ["/contexts/0/context/cluster"]);
}

#[test]
fn loopback_is_for_those_who_say_so() {
    let hosts = Hosts::read(&["127.0.0.1", "k8s.example.com"]).unwrap();
    let at = |server: &str| read(&config(json!({"server": server}), json!({})), None, &hosts).is_ok();
    assert!(at("http://127.0.0.1:8081") && at("https://k8s.example.com"));
    assert!(!at("http://k8s.example.com") && !at("http://127.0.0.2:8081") && !at("http://[::1]"));
}
