//! What every ledger does, on each of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use release::{Clock, Error, Key, Ledger, ListFilter, MemoryLedger, Release, Scope, Status, Token, list};

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
    let stale = ledger.update(&release("one", "a", 2, Status::Failed), &Token("0".into())).await;
    assert!(matches!(stale, Err(Error::Conflict(_))), "{stale:?}");
}

#[tokio::test]
async fn memory() {
    conforms(&MemoryLedger::new(clock())).await;
}
