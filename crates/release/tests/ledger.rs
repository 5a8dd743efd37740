//! What every ledger does, on each of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use release::{
    Clock, ConfigMapLedger, Error, Key, Ledger, ListFilter, Marks, MemoryLedger, Release, Scope, SecretLedger, Status,
    Token, codec, list,
};

/// A clock that goes on by a second each time it is looked at.
fn clock() -> Clock {
    let seconds = AtomicI64::new(1_700_000_000);
    Arc::new(move || Timestamp::from_second(seconds.fetch_add(1, Ordering::Relaxed)).unwrap())
}

fn release(namespace: &str, name: &str, version: u32, status: Status) -> Release {
    let mut release = Release {
        name: name.into(),
        namespace: namespace.into(),
        version,
        manifest: "---\n".into(),
        ..Release::default()
    };
    release.set_status(status, "made by a test");
    let mut chart = chart::Chart::default();
    chart.metadata.name = "shop".into();
    chart.metadata.version = format!("0.{version}.0");
    release.chart = Arc::new(chart);
    release
}

/// The suite; the namespaces `one` and `two` must be there and empty.
async fn conforms(ledger: &dyn Ledger) {
    create_get_update_delete(ledger).await;
    marks(ledger).await;
    history(ledger).await;
    lists(ledger).await;
    refusals(ledger).await;
}

async fn create_get_update_delete(ledger: &dyn Ledger) {
    let mut shop = release("one", "shop", 1, Status::PendingInstall);
    shop.labels = BTreeMap::from([("team".into(), "web".into())]);
    let key = Key::new("one", "shop", 1);
    assert!(matches!(ledger.get(&key).await, Err(Error::NotFound(_))));
    let first = ledger.create(&shop).await.unwrap();
    let record = ledger.get(&key).await.unwrap();
    assert_eq!(record.release, shop);
    assert_eq!(record.token, first);
    let error = ledger.create(&shop).await.unwrap_err();
    assert_eq!(error.to_string(), "release: already exists");

    shop.set_status(Status::Deployed, "Install complete");
    let second = ledger.update(&shop, &first).await.unwrap();
    assert_ne!(second, first);
    assert!(matches!(ledger.update(&shop, &first).await, Err(Error::Conflict(_))), "a stale token must not win");
    assert_eq!(ledger.get(&key).await.unwrap().release, shop);
    assert_eq!(ledger.peek(&key).await.unwrap().info, shop.info);
    let absent = release("one", "shop", 9, Status::Deployed);
    assert!(matches!(ledger.update(&absent, &second).await, Err(Error::NotFound(_))));

    ledger.delete(&key).await.unwrap();
    assert!(matches!(ledger.delete(&key).await, Err(Error::NotFound(_))));
    assert!(matches!(ledger.peek(&key).await, Err(Error::NotFound(_))));
}

async fn marks(ledger: &dyn Ledger) {
    let mut shop = release("one", "shop", 1, Status::PendingInstall);
    shop.marks = Marks { holder: Some("a_1".into()), successor: Some(2), died: true };
    let key = Key::new("one", "shop", 1);
    let token = ledger.create(&shop).await.unwrap();
    let head = ledger.history("one", "shop").await.unwrap().last().cloned().unwrap();
    assert_eq!(head.marks, shop.marks);
    assert!(head.written().is_some_and(|at| at.as_second() >= 1_700_000_000));
    assert_eq!(ledger.get(&key).await.unwrap().release, shop);
    // Whoever writes the record without them, as Helm does, takes them away.
    shop.marks = Marks::default();
    ledger.update(&shop, &token).await.unwrap();
    assert_eq!(ledger.get(&key).await.unwrap().release.marks, Marks::default());
    ledger.delete(&key).await.unwrap();
}

async fn history(ledger: &dyn Ledger) {
    for (name, version, status) in [
        ("a", 2, Status::Deployed),
        ("a", 10, Status::Failed),
        ("a", 1, Status::Superseded),
        ("ab", 1, Status::Deployed),
        ("a.b", 1, Status::Deployed),
    ] {
        ledger.create(&release("one", name, version, status)).await.unwrap();
    }
    ledger.create(&release("two", "a", 1, Status::Deployed)).await.unwrap();
    let history = ledger.history("one", "a").await.unwrap();
    let revisions: Vec<_> = history.heads().iter().map(|head| (head.key.revision, head.status)).collect();
    assert_eq!(revisions, [(1, Status::Superseded), (2, Status::Deployed), (10, Status::Failed)]);
    assert_eq!(history.next_revision(), 11);
    assert!(ledger.history("one", "none").await.unwrap().is_empty());
    let head = history.get(2).unwrap();
    assert_eq!(ledger.get(&head.key).await.unwrap().token, head.token);
}

async fn lists(ledger: &dyn Ledger) {
    let mut web = release("two", "web", 1, Status::Failed);
    web.labels = BTreeMap::from([("team".into(), "web".into())]);
    ledger.create(&web).await.unwrap();
    let names = async |scope: Scope, filter: ListFilter| {
        let items = list(ledger, &scope, &filter, 3).await.unwrap();
        let name = |item: &release::Item| {
            let peek = item.peek.as_ref().unwrap();
            format!("{} {} {}", item.head.key, item.head.status, peek.metadata.version)
        };
        items.iter().map(name).collect::<Vec<_>>()
    };
    let one = Scope::Namespace("one".into());
    let all = [
        "one/a.v10 failed 0.10.0",
        "two/a.v1 deployed 0.1.0",
        "one/a.b.v1 deployed 0.1.0",
        "one/ab.v1 deployed 0.1.0",
        "two/web.v1 failed 0.1.0",
    ];
    assert_eq!(names(Scope::All, ListFilter::default()).await, all);
    assert_eq!(names(one.clone(), ListFilter::default()).await, [all[0], all[2], all[3]]);
    let failed = ListFilter { statuses: vec![Status::Failed], ..ListFilter::default() };
    assert_eq!(names(Scope::All, failed).await, [all[0], all[4]]);
    let superseded = ListFilter { statuses: vec![Status::Superseded], ..ListFilter::default() };
    assert_eq!(names(Scope::All, superseded).await, ["one/a.v1 superseded 0.1.0"]);
    let team = ListFilter { selector: "team=web".parse().unwrap(), ..ListFilter::default() };
    assert_eq!(names(Scope::All, team).await, [all[4]]);
    let named = ListFilter { name: Some(Arc::new(|name| name.starts_with("ab"))), ..ListFilter::default() };
    assert_eq!(names(one, named).await, [all[3]]);
}

async fn refusals(ledger: &dyn Ledger) {
    let mut labelled = release("one", "labelled", 1, Status::Deployed);
    labelled.labels.insert("owner".into(), "me".into());
    let error = ledger.create(&labelled).await.unwrap_err();
    assert!(error.to_string().starts_with("user supplied labels contains system reserved label name"), "{error}");
    let error = ledger.create(&release("one", "No", 1, Status::Deployed)).await.unwrap_err();
    assert!(error.to_string().starts_with("invalid release name"), "{error}");
    assert!(ledger.history("one", "No=x,y").await.is_err(), "no selector may be smuggled in");
    for token in ["", "0", "1"] {
        let stale = ledger.update(&release("one", "a", 2, Status::Failed), &Token(token.into())).await;
        assert!(matches!(stale, Err(Error::Conflict(_))), "{token:?} {stale:?}");
    }
}

#[tokio::test]
async fn memory() {
    conforms(&MemoryLedger::new(clock())).await;
}

/// A Kubernetes with the namespaces of the suite.
async fn kubernetes() -> Client {
    let client = sandbox::Sandbox::default().client();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in ["one", "two"] {
        let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
        namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await.unwrap();
    }
    client
}

#[tokio::test]
async fn secrets() {
    conforms(&SecretLedger::new(kubernetes().await, clock())).await;
}

#[tokio::test]
async fn config_maps() {
    conforms(&ConfigMapLedger::new(kubernetes().await, clock())).await;
}

#[tokio::test]
async fn a_secret_is_as_helm_makes_it() {
    let client = kubernetes().await;
    let ledger = SecretLedger::new(client.clone(), clock());
    let mut shop = release("one", "shop", 3, Status::PendingUpgrade);
    shop.labels.insert("team".into(), "web".into());
    let token = ledger.create(&shop).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(client, "one");
    let labels = async || secrets.get("sh.helm.release.v1.shop.v3").await.unwrap().metadata.labels.unwrap();
    let expected = |status: &str, stamp: &str, at: &str| {
        let all =
            [("name", "shop"), ("owner", "helm"), ("status", status), ("team", "web"), ("version", "3"), (stamp, at)];
        all.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect::<BTreeMap<_, _>>()
    };
    assert_eq!(labels().await, expected("pending-upgrade", "createdAt", "1700000000"));
    shop.set_status(Status::Deployed, "Upgrade complete");
    ledger.update(&shop, &token).await.unwrap();
    assert_eq!(labels().await, expected("deployed", "modifiedAt", "1700000001"));
    let secret = secrets.get("sh.helm.release.v1.shop.v3").await.unwrap();
    assert_eq!(secret.type_.as_deref(), Some("helm.sh/release.v1"));
    let data = secret.data.unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["release"]);
    assert_eq!(codec::decode(&data["release"].0).unwrap().info, shop.info);
}

#[tokio::test]
async fn what_cannot_be_read_is_listed_all_the_same() {
    let client = kubernetes().await;
    let ledger = SecretLedger::new(client.clone(), clock());
    ledger.create(&release("one", "good", 1, Status::Deployed)).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(client, "one");
    for (object, name, data) in [
        ("sh.helm.release.v1.torn.v2", "torn", Some("bm9uc2Vuc2U=")),
        ("sh.helm.release.v1.void.v1", "void", None),
        ("by-hand", "strange", Some("bm9uc2Vuc2U=")),
    ] {
        let labels = [("owner", "helm"), ("name", name), ("status", "deployed"), ("version", "2")];
        let metadata = ObjectMeta {
            name: Some(object.into()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect()),
            ..ObjectMeta::default()
        };
        let data = data.map(|text| BTreeMap::from([("release".to_owned(), ByteString(text.as_bytes().to_vec()))]));
        secrets.create(&PostParams::default(), &Secret { metadata, data, ..Secret::default() }).await.unwrap();
    }
    let items = list(&ledger, &Scope::All, &ListFilter::default(), 2).await.unwrap();
    let said: Vec<_> = items
        .iter()
        .map(|item| (item.head.key.to_string(), item.peek.as_ref().err().map(ToString::to_string).unwrap_or_default()))
        .collect();
    let want = [
        ("one/good.v1", ""),
        ("one/strange.v2", "`by-hand` has the labels of a release record but not its name"),
        ("one/torn.v2", "release one/torn.v2 cannot be decoded"),
        ("one/void.v1", "release one/void.v1 cannot be decoded"),
    ];
    assert_eq!(said, want.map(|(key, error)| (key.to_owned(), error.to_owned())));
}

#[tokio::test]
async fn a_missing_namespace_is_said_to_be_missing() {
    let ledger = SecretLedger::new(kubernetes().await, clock());
    let error = ledger.create(&release("nowhere", "shop", 1, Status::Deployed)).await.unwrap_err();
    assert!(matches!(&error, Error::NamespaceMissing(namespace) if namespace == "nowhere"), "{error:?}");
    assert!(ledger.history("nowhere", "shop").await.unwrap().is_empty());
}

#[tokio::test]
async fn many_heads_come_in_pages() {
    let ledger = ConfigMapLedger::new(kubernetes().await, clock());
    for revision in 1..=510 {
        ledger.create(&release("one", "shop", revision, Status::Superseded)).await.unwrap();
    }
    let history = ledger.history("one", "shop").await.unwrap();
    assert_eq!((history.heads().len(), history.next_revision()), (510, 511));
}
