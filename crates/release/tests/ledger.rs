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
    Clock, ConfigMapLedger, Error, Key, Ledger, ListFilter, Marks, MemoryLedger, Release, Scope, SecretLedger,
    SqlLedger, Status, Token, codec, list,
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

/// A Postgres with an empty database, and the connection string that leads there.
fn postgres() -> Option<(e2e::Postgres, String)> {
    let Some(server) = e2e::Postgres::start().unwrap() else {
        println!("skipped: Postgres is not installed");
        return None;
    };
    let database = server.database("helm").unwrap();
    Some((server, database))
}

async fn sql_ledger(database: &str) -> SqlLedger {
    SqlLedger::connect(database, &|_| None, clock()).await.unwrap()
}

#[tokio::test]
async fn postgres_rows() {
    let Some((server, database)) = postgres() else { return };
    let ledger = sql_ledger(&database).await;
    conforms(&ledger).await;

    // The tables and their rows are as Helm 4.3.1 makes them (`pg_dump --schema-only`, and `SELECT *`).
    let columns = "SELECT table_name, column_name, data_type, character_maximum_length, column_default, is_nullable
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN ('releases_v1', 'custom_labels_v1',
        'gorp_migrations') ORDER BY table_name, ordinal_position";
    assert_eq!(server.sql("helm", columns).unwrap(), COLUMNS);
    let indexes =
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE 'whipstaff%' ORDER BY 1";
    assert_eq!(server.sql("helm", indexes).unwrap(), INDEXES);
    assert_eq!(server.sql("helm", "SELECT id FROM gorp_migrations ORDER BY 1").unwrap(), "custom_labels\ninit\n");
    let rows = "SELECT key, type, name, namespace, version, status, owner, createdat > 0, modifiedat FROM releases_v1
        WHERE name = 'web'";
    let row = "sh.helm.release.v1.web.v1|helm.sh/release.v1|web|two|1|failed|helm|t|0\n";
    assert_eq!(server.sql("helm", rows).unwrap(), row);
    let labels = "SELECT * FROM custom_labels_v1";
    assert_eq!(server.sql("helm", labels).unwrap(), "sh.helm.release.v1.web.v1|two|team|web\n");

    // A record of any size: there is no Secret that has to hold it.
    assert_eq!(ledger.limit(), None);
    let mut large = release("one", "large", 1, Status::Deployed);
    let mut seed = 1_u64;
    large.manifest = (0..3_000_000)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + u8::try_from((seed >> 33) % 90).unwrap())
        })
        .collect();
    ledger.create(&large).await.unwrap();
    assert_eq!(ledger.get(&Key::new("one", "large", 1)).await.unwrap().release.manifest, large.manifest);
}

const COLUMNS: &str = "\
custom_labels_v1|releasekey|character varying|64||YES
custom_labels_v1|releasenamespace|character varying|67||YES
custom_labels_v1|key|character varying|317||YES
custom_labels_v1|value|character varying|63||YES
gorp_migrations|id|text|||NO
gorp_migrations|applied_at|timestamp with time zone|||YES
releases_v1|key|character varying|90||NO
releases_v1|type|character varying|64||NO
releases_v1|body|text|||NO
releases_v1|name|character varying|64||NO
releases_v1|namespace|character varying|64||NO
releases_v1|version|integer|||NO
releases_v1|status|text|||NO
releases_v1|owner|text|||NO
releases_v1|createdat|integer|||NO
releases_v1|modifiedat|integer||0|NO
";

const INDEXES: &str = "\
CREATE INDEX custom_labels_v1_releasekey_releasenamespace_idx ON public.custom_labels_v1 USING btree (releasekey, releasenamespace)
CREATE INDEX releases_v1_createdat_idx ON public.releases_v1 USING btree (createdat)
CREATE INDEX releases_v1_key_namespace_idx ON public.releases_v1 USING btree (key, namespace)
CREATE INDEX releases_v1_modifiedat_idx ON public.releases_v1 USING btree (modifiedat)
CREATE INDEX releases_v1_owner_idx ON public.releases_v1 USING btree (owner)
CREATE INDEX releases_v1_status_idx ON public.releases_v1 USING btree (status)
CREATE INDEX releases_v1_version_idx ON public.releases_v1 USING btree (version)
CREATE UNIQUE INDEX gorp_migrations_pkey ON public.gorp_migrations USING btree (id)
CREATE UNIQUE INDEX releases_v1_pkey ON public.releases_v1 USING btree (key, namespace)
";

#[tokio::test]
async fn one_of_many_wins_in_postgres() {
    let Some((server, database)) = postgres() else { return };
    // Several at once find no tables.
    let ledgers = futures::future::join_all((0..6).map(|_| sql_ledger(&database))).await;
    let mut shop = release("one", "shop", 1, Status::PendingInstall);
    let made = futures::future::join_all(ledgers.iter().map(|ledger| ledger.create(&shop))).await;
    let won: Vec<_> = made.iter().filter_map(|made| made.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{made:?}");
    assert!(made.iter().flat_map(|made| made.as_ref().err()).all(|error| matches!(error, Error::AlreadyExists(_))));
    shop.set_status(Status::Deployed, "");
    let put = futures::future::join_all(ledgers.iter().map(|ledger| ledger.update(&shop, won[0]))).await;
    assert_eq!(put.iter().filter(|put| put.is_ok()).count(), 1, "{put:?}");
    assert!(put.iter().flat_map(|put| put.as_ref().err()).all(|error| matches!(error, Error::Conflict(_))), "{put:?}");

    // Somebody writes as Helm does, without knowing of versions or marks.
    shop.marks.holder = Some("a_1".into());
    let token = put.into_iter().find_map(Result::ok).unwrap();
    let token = ledgers[0].update(&shop, &token).await.unwrap();
    assert_eq!(ledgers[1].get(&Key::new("one", "shop", 1)).await.unwrap().release.marks, shop.marks);
    server.sql("helm", "UPDATE releases_v1 SET status = 'failed', modifiedat = 7").unwrap();
    assert!(matches!(ledgers[0].update(&shop, &token).await, Err(Error::Conflict(_))));
    assert_eq!(ledgers[1].get(&Key::new("one", "shop", 1)).await.unwrap().release.marks, Marks::default());

    // Whoever may not make tables does without marks.
    server.sql("helm", "DROP TABLE whipstaff_marks_v1; CREATE ROLE guest LOGIN BYPASSRLS; GRANT SELECT ON gorp_migrations TO guest").unwrap();
    let guest = sql_ledger(&database.replace("postgres@", "guest@")).await;
    let found = guest.get(&Key::new("one", "shop", 1)).await.unwrap();
    guest.update(&shop, &found.token).await.unwrap();
    assert_eq!(guest.get(&Key::new("one", "shop", 1)).await.unwrap().release.marks, Marks::default());
    assert!(guest.update(&shop, &found.token).await.is_err());
}

#[tokio::test]
async fn a_database_that_is_not_there_is_said_so_as_helm_says_it() {
    let Some((server, database)) = postgres() else { return };
    let port = server.port();
    let folder = server.folder().display();
    let ledger = sql_ledger(&format!("host={folder} port={port} user=postgres dbname=helm")).await;
    assert!(ledger.history("one", "none").await.unwrap().is_empty());
    // As `HELM_DRIVER=sql helm list` of Helm 4.3.1.
    for (text, want) in [
        (database.replace("?sslmode=disable", ""), "pq: SSL is not enabled on the server".to_owned()),
        (database.replace("/helm", "/none"), "pq: database \"none\" does not exist (3D000)".to_owned()),
        ("host=127.0.0.1 port=1 user=x".to_owned(), "dial tcp 127.0.0.1:1: connect: connection refused".to_owned()),
    ] {
        let error = SqlLedger::connect(&text, &|_| None, clock()).await.err().unwrap();
        assert_eq!(error.to_string(), want, "{text}");
    }
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
