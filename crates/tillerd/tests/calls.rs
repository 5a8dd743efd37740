//! The calls as a client of Helm 2 makes them, over the sandbox.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod common;

use common::{chart, client, install, sandbox, serve, store, tiller, upgrade, values};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use sandbox::Sandbox;
use tiller::hapi::chart::{Chart, Template};
use tiller::hapi::release::Release;
use tiller::hapi::release::status::Code;
use tiller::hapi::services::tiller::release_service_client::ReleaseServiceClient;
use tiller::hapi::services::tiller::{
    GetHistoryRequest, GetVersionRequest, InstallReleaseRequest, ListReleasesRequest, RollbackReleaseRequest,
    UninstallReleaseRequest, UpdateReleaseRequest,
};
use tonic::Code as GrpcCode;

const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\ndata:\n  greeting: {{ .Values.greeting }}\n  revision: \"{{ .Release.Revision }}\"\n";

fn code(release: &Release) -> Code {
    release.info.as_ref().unwrap().status.as_ref().unwrap().code()
}

async fn greeting(sandbox: &Sandbox, name: &str) -> Option<String> {
    let api: Api<ConfigMap> = Api::namespaced(sandbox.client(), "web");
    api.get_opt(name).await.unwrap().and_then(|object| object.data.unwrap_or_default().remove("greeting"))
}

#[tokio::test]
async fn a_release_from_its_installation_to_its_end() {
    let sandbox = sandbox();
    let served = serve(tiller(&sandbox, 0, "a"), None).await;
    let mut client = client(&served).await;
    let done = client.install_release(install("shop", SETTINGS)).await.unwrap().into_inner().release.unwrap();
    assert_eq!((code(&done), done.version), (Code::Deployed, 1));
    assert_eq!(
        done.manifest,
        "\n---\n# Source: shop/templates/all.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop-settings\ndata:\n  greeting: hello\n  revision: \"1\""
    );
    assert_eq!(greeting(&sandbox, "shop-settings").await.as_deref(), Some("hello"));
    let taken = client.install_release(install("shop", SETTINGS)).await.unwrap_err();
    assert_eq!(taken.code(), GrpcCode::Unknown);
    assert!(taken.message().starts_with("a release named shop already exists.\nRun: helm ls --all shop;"), "{taken}");

    let upgraded = client.update_release(upgrade("shop", SETTINGS, "greeting: again\n")).await.unwrap();
    assert_eq!(upgraded.into_inner().release.unwrap().version, 2);
    assert_eq!(greeting(&sandbox, "shop-settings").await.as_deref(), Some("again"));
    let back = RollbackReleaseRequest { name: "shop".to_owned(), ..RollbackReleaseRequest::default() };
    let back = client.rollback_release(back).await.unwrap().into_inner().release.unwrap();
    assert_eq!(back.info.unwrap().description, "Rollback to 1");
    assert_eq!(greeting(&sandbox, "shop-settings").await.as_deref(), Some("hello"));

    let history = GetHistoryRequest { name: "shop".to_owned(), max: 256 };
    let history = client.get_history(history).await.unwrap().into_inner().releases;
    let seen: Vec<_> = history.iter().map(|release| (release.version, code(release))).collect();
    assert_eq!(seen, [(3, Code::Deployed), (2, Code::Superseded), (1, Code::Superseded)]);
    let none = GetHistoryRequest { name: "shop".to_owned(), max: 0 };
    assert!(client.get_history(none).await.unwrap().into_inner().releases.is_empty());

    let purge = UninstallReleaseRequest { name: "shop".to_owned(), purge: true, ..UninstallReleaseRequest::default() };
    client.uninstall_release(purge.clone()).await.unwrap();
    assert_eq!(greeting(&sandbox, "shop-settings").await, None);
    assert!(store(&sandbox).heads(None).await.unwrap().is_empty());
    let gone = client.uninstall_release(purge).await.unwrap_err();
    assert_eq!(gone.message(), "release: \"shop\" not found");
}

#[tokio::test]
async fn lists_are_cut_sorted_and_filtered() {
    let sandbox = sandbox();
    let served = serve(tiller(&sandbox, 0, "a"), None).await;
    let mut client = client(&served).await;
    for name in ["b", "c", "a"] {
        client.install_release(install(name, SETTINGS)).await.unwrap();
    }
    let plain = ListReleasesRequest { sort_by: 1, ..ListReleasesRequest::default() };
    for (request, want, next, total) in [
        (plain.clone(), &["a", "b", "c"][..], "", 3),
        (ListReleasesRequest { sort_order: 1, limit: 2, ..plain.clone() }, &["c", "b"], "a", 3),
        (ListReleasesRequest { offset: "b".to_owned(), ..plain.clone() }, &["b", "c"], "", 3),
        (ListReleasesRequest { filter: "^[ab]$".to_owned(), ..plain.clone() }, &["a", "b"], "", 2),
        (ListReleasesRequest { sort_by: 2, ..plain.clone() }, &["b", "c", "a"], "", 3),
    ] {
        let mut stream = client.list_releases(request.clone()).await.unwrap().into_inner();
        let message = stream.message().await.unwrap().unwrap();
        let names: Vec<&str> = message.releases.iter().map(|release| release.name.as_str()).collect();
        assert_eq!((&names[..], message.next.as_str(), message.total), (want, next, total), "{request:?}");
        assert!(stream.message().await.unwrap().is_none());
    }
    let nowhere = ListReleasesRequest { namespace: "nowhere".to_owned(), ..plain.clone() };
    assert!(client.list_releases(nowhere).await.unwrap().into_inner().message().await.unwrap().is_none());
    for (request, text) in [
        (ListReleasesRequest { limit: -1, ..plain.clone() }, "limit -1 is negative"),
        (ListReleasesRequest { offset: "z".to_owned(), ..plain.clone() }, "offset \"z\" not found"),
        (ListReleasesRequest { filter: "[".to_owned(), ..plain }, "error parsing regexp: missing closing ]: `[`"),
    ] {
        assert_eq!(client.list_releases(request).await.unwrap_err().message(), text);
    }
}

#[tokio::test]
async fn values_of_the_revision_before() {
    let sandbox = sandbox();
    let served = serve(tiller(&sandbox, 0, "a"), None).await;
    let mut client = client(&served).await;
    let first = InstallReleaseRequest { values: values("a: {b: 1, c: x}\n"), ..install("shop", SETTINGS) };
    client.install_release(first).await.unwrap();
    for (request, want) in [
        (upgrade("shop", SETTINGS, "{}\n"), "a: {b: 1, c: x}\n"),
        (
            UpdateReleaseRequest { reuse_values: true, ..upgrade("shop", SETTINGS, "a: {b: 2}\n") },
            "a:\n  b: 2\n  c: x\n",
        ),
        (UpdateReleaseRequest { reset_values: true, ..upgrade("shop", SETTINGS, "{}\n") }, "{}\n"),
        (upgrade("shop", SETTINGS, "d: 1\n"), "d: 1\n"),
    ] {
        let release = client.update_release(request.clone()).await.unwrap().into_inner().release.unwrap();
        assert_eq!(release.config.unwrap().raw, want, "{request:?}");
    }
}

#[tokio::test]
async fn old_revisions_make_room_and_the_deployed_one_stays() {
    let sandbox = sandbox();
    let served = serve(tiller(&sandbox, 3, "a"), None).await;
    let mut client = client(&served).await;
    client.install_release(install("shop", SETTINGS)).await.unwrap();
    for _ in 0..4 {
        // A kind that nobody knows fails before anything is written; a name that nobody may have fails in the cluster.
        let wrong = SETTINGS.replace("{{ .Release.Name }}-settings", "NO");
        client.update_release(upgrade("shop", &wrong, "{}\n")).await.unwrap_err();
    }
    let heads = store(&sandbox).heads(Some("shop")).await.unwrap();
    let seen: Vec<_> = heads.iter().map(|head| (head.revision, head.status.as_str())).collect();
    assert_eq!(seen, [(1, "DEPLOYED"), (4, "FAILED"), (5, "FAILED")]);
}

#[tokio::test]
async fn definitions_of_old_charts_are_taken_by_new_clusters() {
    let sandbox = sandbox();
    let served = serve(tiller(&sandbox, 0, "a"), None).await;
    let mut client = client(&served).await;
    let both = "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata:\n  name: barrels.example.com\n  annotations:\n    \"helm.sh/hook\": crd-install\nspec:\n  group: example.com\n  version: v1\n  scope: Namespaced\n  names: {kind: Barrel, plural: barrels}\n---\napiVersion: example.com/v1\nkind: Barrel\nmetadata:\n  name: oak\nspec:\n  litres: 225\n";
    let done = client.install_release(install("brew", both)).await.unwrap().into_inner().release.unwrap();
    assert_eq!((code(&done), done.hooks.len()), (Code::Deployed, 1));
    let oak = cluster::Cluster::new(sandbox.client())
        .get(&cluster::ObjectRef {
            gvk: cluster::Gvk::new("example.com/v1", "Barrel"),
            namespace: "web".to_owned(),
            name: "oak".to_owned(),
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(oak["spec"]["litres"], 225, "what a definition without a schema does not know is kept");
}

#[tokio::test]
async fn clients_say_which_version_they_are() {
    let served = serve(tiller(&sandbox(), 0, "a"), None).await;
    let mut nobody = ReleaseServiceClient::new(common::channel(&served.address).await);
    let version = nobody.get_version(GetVersionRequest {}).await.unwrap().into_inner().version.unwrap();
    assert_eq!(version.sem_ver, "v2.17.0");
    let history = GetHistoryRequest { name: "x".to_owned(), max: 1 };
    let refused = nobody.get_history(history.clone()).await.unwrap_err();
    assert_eq!(refused.message(), "incompatible versions client[] server[v2.17.0]");
    let newer = |request| common::of_version(request, "v2.18.0");
    let mut newer = ReleaseServiceClient::with_interceptor(common::channel(&served.address).await, newer);
    let refused = newer.get_history(history).await.unwrap_err();
    assert_eq!(refused.message(), "incompatible versions client[v2.18.0] server[v2.17.0]");
}

#[tokio::test]
async fn hostile_charts_are_errors() {
    let sandbox = sandbox();
    let served = serve(tiller(&sandbox, 0, "a"), None).await;
    let mut client = client(&served).await;
    let without = Chart { metadata: None, ..chart(SETTINGS) };
    let endless = "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}";
    for (request, text) in [
        (InstallReleaseRequest { chart: None, ..install("x", SETTINGS) }, "no chart provided"),
        (
            InstallReleaseRequest { chart: Some(without), ..install("x", SETTINGS) },
            "chart metadata (Chart.yaml) missing",
        ),
        (
            InstallReleaseRequest { name: "../x".to_owned(), ..install("x", SETTINGS) },
            "release: \"../x.v1\" invalid key",
        ),
        (install("x", endless), "rendering template has a nested reference name"),
        (install("x", "{{ fail \"no\" }}"), "render error in \"shop/templates/all.yaml\""),
        (install("x", "kind: [\n"), "YAML parse error on shop/templates/all.yaml"),
        (InstallReleaseRequest { values: values("{"), ..install("x", SETTINGS) }, "yaml"),
    ] {
        let error = client.install_release(request).await.unwrap_err();
        assert!(error.message().contains(text), "{error}");
    }
    let deep = (0..120).fold(chart(SETTINGS), |inner, _| Chart { dependencies: vec![inner], ..chart(SETTINGS) });
    client.install_release(InstallReleaseRequest { chart: Some(deep), ..install("x", SETTINGS) }).await.unwrap_err();
    let large = Template { name: "templates/large".to_owned(), data: vec![b'x'; 21 << 20] };
    let large = Chart { templates: vec![large], ..chart("") };
    let refused = client.install_release(InstallReleaseRequest { chart: Some(large), ..install("x", "") }).await;
    assert_eq!(refused.unwrap_err().code(), GrpcCode::OutOfRange);
    assert!(store(&sandbox).heads(None).await.unwrap().is_empty(), "nothing of it is recorded");
}
