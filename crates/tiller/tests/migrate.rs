//! From Tiller's records to Helm 4's, over the sandbox: what is written, what is left alone, and that it may stop anywhere.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::Cluster;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use release::{Key, Ledger, SecretLedger, Status};
use sandbox::{Loss, Sandbox};
use serde_json::json;
use tiller::hapi::chart::{Chart, Config, File, Metadata, Template};
use tiller::hapi::release::status::Code;
use tiller::hapi::release::{Hook, Info, Release, Status as OldStatus, TestRun, TestSuite};
use tiller::{Driver, Error, Migrated, Migration, Standing, Step, Store, Wanted, record};

const TILLER: &str = "kube-system";

/// 2020-05-01T10:00:00Z, when everything was still Helm 2.
fn then(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: 1_588_327_200 + seconds, nanos: 0 })
}

fn revision(name: &str, revision: i32, code: Code) -> Release {
    let manifest = format!(
        "\n---\n# Source: shop/templates/settings.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}-settings\ndata:\n  revision: \"{revision}\""
    );
    let chart = Chart {
        metadata: Some(Metadata {
            name: "shop".to_owned(),
            version: format!("0.{revision}.0"),
            api_version: "v1".to_owned(),
            engine: "gotpl".to_owned(),
            ..Metadata::default()
        }),
        templates: vec![Template { name: "templates/settings.yaml".to_owned(), data: b"kind: ConfigMap".to_vec() }],
        values: Some(Config { raw: "replicas: 1\n".to_owned(), ..Config::default() }),
        files: vec![File { name: "README.md".to_owned(), data: b"# shop".to_vec() }],
        ..Chart::default()
    };
    Release {
        name: name.to_owned(),
        namespace: "web".to_owned(),
        version: revision,
        manifest,
        chart: Some(chart),
        config: Some(Config { raw: "color: blue\n".to_owned(), ..Config::default() }),
        info: Some(Info {
            status: Some(OldStatus {
                code: code.into(),
                notes: "have fun".to_owned(),
                last_test_suite_run: Some(TestSuite {
                    results: vec![TestRun {
                        name: "check".to_owned(),
                        status: 1,
                        started_at: then(9),
                        ..TestRun::default()
                    }],
                    ..TestSuite::default()
                }),
                ..OldStatus::default()
            }),
            first_deployed: then(0),
            last_deployed: then(i64::from(revision)),
            description: "Upgrade complete".to_owned(),
            ..Info::default()
        }),
        // A test that is to succeed, in the words of Helm 2.
        hooks: vec![Hook {
            name: "check".to_owned(),
            kind: "Pod".to_owned(),
            events: vec![9, 10],
            delete_policies: vec![2],
            ..Hook::default()
        }],
    }
}

struct World {
    sandbox: Sandbox,
}

impl World {
    fn of(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }

    /// One release `shop` with a superseded and a deployed revision, its object live.
    async fn with_shop() -> Self {
        let world = Self::of(Sandbox::default());
        world.namespace("web").await;
        world.keep(&revision("shop", 1, Code::Superseded)).await;
        world.keep(&revision("shop", 2, Code::Deployed)).await;
        world.live("shop-settings", BTreeMap::new()).await;
        world
    }

    fn config_maps(&self, namespace: &str) -> Api<ConfigMap> {
        Api::namespaced(self.sandbox.client(), namespace)
    }

    async fn namespace(&self, name: &str) {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let namespaces: Api<Namespace> = Api::all(self.sandbox.client());
        let _ = namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await;
    }

    /// Keeps a record as Tiller does.
    async fn keep(&self, release: &Release) {
        let code = release.info.as_ref().and_then(|info| info.status.as_ref()).map(OldStatus::code).unwrap();
        let labels = [
            ("OWNER", "TILLER".to_owned()),
            ("NAME", release.name.clone()),
            ("VERSION", release.version.to_string()),
            ("STATUS", code.as_str_name().to_owned()),
        ];
        let object = ConfigMap {
            metadata: ObjectMeta {
                name: Some(format!("{}.v{}", release.name, release.version)),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
                ..ObjectMeta::default()
            },
            data: Some([("release".to_owned(), record::encode(release).unwrap())].into()),
            ..ConfigMap::default()
        };
        self.namespace(TILLER).await;
        let name = object.metadata.name.clone().unwrap();
        // Tiller replaces what is there, annotations included.
        match self.config_maps(TILLER).get_opt(&name).await.unwrap() {
            None => self.config_maps(TILLER).create(&PostParams::default(), &object).await.map(drop),
            Some(_) => self.config_maps(TILLER).replace(&name, &PostParams::default(), &object).await.map(drop),
        }
        .unwrap();
    }

    async fn live(&self, name: &str, annotations: BTreeMap<String, String>) {
        let object = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            data: Some([("revision".to_owned(), "2".to_owned())].into()),
            ..ConfigMap::default()
        };
        self.config_maps("web").create(&PostParams::default(), &object).await.unwrap();
    }

    fn ledger(&self) -> SecretLedger {
        SecretLedger::new(self.sandbox.client(), Arc::new(|| Timestamp::constant(1_767_225_600, 0)))
    }

    fn migration(&self) -> Migration {
        let client = self.sandbox.client();
        Migration::new(
            Store::new(client.clone(), TILLER, Driver::ConfigMap),
            Arc::new(self.ledger()),
            Cluster::new(client),
            Arc::new(|| Timestamp::constant(1_767_225_600, 0)),
        )
    }

    async fn run(&self) -> Vec<Migrated> {
        self.migration().run(&Wanted::default(), &|_| {}).await.unwrap()
    }

    async fn plan(&self) -> Vec<Migrated> {
        self.migration().plan(&Wanted::default()).await.unwrap()
    }

    /// Helm 4's revisions of `shop`, with their statuses.
    async fn statuses(&self) -> Vec<(u32, Status)> {
        let history = self.ledger().history("web", "shop").await.unwrap();
        history.heads().iter().map(|head| (head.key.revision, head.status)).collect()
    }

    async fn tillers(&self) -> Vec<String> {
        let list = self.config_maps(TILLER).list(&ListParams::default().labels("OWNER=TILLER")).await.unwrap();
        list.items.into_iter().filter_map(|object| object.metadata.name).collect()
    }

    /// The calls since the last `clear` that change something.
    fn changes(&self) -> Vec<String> {
        self.sandbox.faults().calls().into_iter().filter(|call| !call.starts_with("GET")).collect()
    }
}

fn blocked(migrated: &[Migrated]) -> &str {
    match &migrated.first().unwrap().outcome.as_ref().unwrap().standing {
        Standing::Blocked(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plan_says_what_would_be_done_and_does_nothing() {
    let world = World::with_shop().await;
    world.sandbox.faults().clear();
    let plan = world.plan().await;
    let planned = plan.first().unwrap().outcome.as_ref().unwrap();
    assert_eq!(planned.standing, Standing::Pending);
    assert_eq!(planned.namespace, "web");
    assert_eq!(planned.adopted, 1);
    assert_eq!(planned.warnings, [""; 0]);
    let expected = [(1, (Status::Superseded, Step::Write)), (2, (Status::Deployed, Step::Write))];
    assert_eq!(planned.revisions, BTreeMap::from(expected));
    assert_eq!(world.changes(), [""; 0]);
}

#[tokio::test]
async fn a_release_is_brought_over_with_all_that_helm_4_keeps() {
    let world = World::with_shop().await;
    world.run().await;
    assert_eq!(world.statuses().await, [(1, Status::Superseded), (2, Status::Deployed)]);
    let release = world.ledger().get(&Key::new("web", "shop", 2)).await.unwrap().release;
    assert_eq!(release.info.description, "Upgrade complete");
    assert_eq!(release.info.notes, "have fun");
    assert_eq!(release.info.first_deployed.unwrap().to_string(), "2020-05-01T10:00:00Z");
    assert_eq!(release.info.last_deployed.unwrap().to_string(), "2020-05-01T10:00:02Z");
    assert_eq!(release.chart.metadata.version, "0.2.0");
    assert_eq!(release.chart.metadata.kind, "application");
    assert_eq!(release.chart.files.first().unwrap().name, "README.md");
    assert_eq!(serde_json::to_value(&release.config).unwrap(), json!({"color": "blue"}));
    let hook = release.hooks.first().unwrap();
    assert_eq!(hook.events.iter().map(ToString::to_string).collect::<Vec<_>>(), ["test"]);
    assert_eq!(hook.delete_policies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["before-hook-creation"]);
    assert_eq!(hook.last_run.phase.to_string(), "Succeeded");
    // Helm 4 finds the object marked as its own, as it was otherwise; Tiller's records stay.
    let live = world.config_maps("web").get("shop-settings").await.unwrap();
    assert_eq!(live.metadata.labels.unwrap()["app.kubernetes.io/managed-by"], "Helm");
    assert_eq!(live.metadata.annotations.unwrap()["meta.helm.sh/release-name"], "shop");
    assert_eq!(live.data.unwrap()["revision"], "2");
    assert_eq!(world.tillers().await, ["shop.v1", "shop.v2"]);
}

#[tokio::test]
async fn doing_it_twice_changes_nothing() {
    let world = World::with_shop().await;
    world.run().await;
    world.sandbox.faults().clear();
    let again = world.run().await;
    assert_eq!(again.first().unwrap().outcome.as_ref().unwrap().standing, Standing::Done);
    assert_eq!(world.changes(), [""; 0]);
    // Not even when Helm 4 has uninstalled it since.
    for revision in [1, 2] {
        world.ledger().delete(&Key::new("web", "shop", revision)).await.unwrap();
    }
    world.run().await;
    assert_eq!(world.statuses().await, []);
}

#[tokio::test]
async fn it_may_stop_in_any_call_and_be_done_again() {
    let calls = {
        let world = World::with_shop().await;
        world.sandbox.faults().clear();
        world.run().await;
        world.sandbox.faults().calls().len()
    };
    assert!(calls > 10, "{calls}");
    for call in 1..=calls {
        for loss in [Loss::Request, Loss::Response] {
            let world = World::with_shop().await;
            world.sandbox.faults().clear();
            world.sandbox.faults().kill_at(call, loss);
            let (migration, all) = (world.migration(), Wanted::default());
            tokio::select! {
                _ = migration.run(&all, &|_| {}) => {}
                () = world.sandbox.faults().killed() => {}
            }
            world.sandbox.faults().clear();
            // What Helm 4 sees meanwhile: nothing that it could upgrade, or all of it.
            let seen = world.statuses().await;
            assert!(
                seen.is_empty() || seen == [(1, Status::Superseded)] || seen.len() == 2,
                "{call} {loss:?}: {seen:?}"
            );
            let done = world.run().await;
            assert_eq!(done.first().unwrap().outcome.as_ref().unwrap().standing, Standing::Done, "{call} {loss:?}");
            assert_eq!(world.statuses().await, [(1, Status::Superseded), (2, Status::Deployed)], "{call} {loss:?}");
            let live = world.config_maps("web").get("shop-settings").await.unwrap();
            assert_eq!(live.metadata.labels.unwrap()["app.kubernetes.io/managed-by"], "Helm", "{call} {loss:?}");
            assert!(world.plan().await.iter().all(|one| one.outcome.as_ref().unwrap().standing == Standing::Done));
        }
    }
}

#[tokio::test]
async fn what_tiller_has_done_since_is_brought_over_as_well() {
    let world = World::with_shop().await;
    world.run().await;
    world.keep(&revision("shop", 2, Code::Superseded)).await;
    world.keep(&revision("shop", 3, Code::Deployed)).await;
    world.run().await;
    assert_eq!(world.statuses().await, [(1, Status::Superseded), (2, Status::Superseded), (3, Status::Deployed)]);
}

#[tokio::test]
async fn a_release_that_tiller_changes_meanwhile_is_not_handed_over() {
    let world = World::with_shop().await;
    let store = Store::new(world.sandbox.client(), TILLER, Driver::ConfigMap);
    let heads = store.heads(Some("shop")).await.unwrap();
    world.keep(&revision("shop", 2, Code::Failed)).await;
    let error = store.mark(heads.last().unwrap(), Timestamp::UNIX_EPOCH).await.unwrap_err();
    assert!(matches!(&error, Error::Changed(name) if name == "shop"), "{error}");
}

#[tokio::test]
async fn only_the_newest_revisions_come_when_that_is_asked() {
    let world = World::with_shop().await;
    let wanted = Wanted { names: vec!["shop".to_owned()], revisions: Some(1) };
    world.migration().run(&wanted, &|_| {}).await.unwrap();
    assert_eq!(world.statuses().await, [(2, Status::Deployed)]);
    let unknown = Wanted { names: vec!["shoe".to_owned()], revisions: None };
    assert!(matches!(world.migration().plan(&unknown).await, Err(Error::NoRelease(name)) if name == "shoe"));
}

#[tokio::test]
async fn another_release_of_that_name_stands_in_the_way() {
    let world = World::with_shop().await;
    let other = release::Release {
        name: "shop".to_owned(),
        namespace: "web".to_owned(),
        version: 7,
        ..release::Release::default()
    };
    world.ledger().create(&other).await.unwrap();
    assert!(blocked(&world.plan().await).contains("its revision 7 is not Tiller's"), "{:?}", world.plan().await);
    world.ledger().create(&release::Release { version: 2, ..other }).await.unwrap();
    world.sandbox.faults().clear();
    assert!(blocked(&world.run().await).contains("its revision 2 is not Tiller's"));
    assert_eq!(world.changes(), [""; 0]);
}

#[tokio::test]
async fn another_release_is_seen_in_revisions_that_are_not_wanted() {
    let world = World::with_shop().await;
    let other = release::Release {
        name: "shop".to_owned(),
        namespace: "web".to_owned(),
        version: 1,
        ..release::Release::default()
    };
    world.ledger().create(&other).await.unwrap();
    let wanted = Wanted { names: Vec::new(), revisions: Some(1) };
    assert!(blocked(&world.migration().plan(&wanted).await.unwrap()).contains("its revision 1 is not Tiller's"));
}

#[tokio::test]
async fn a_namespace_that_is_gone_stands_in_the_way() {
    let world = World::of(Sandbox::default());
    world.keep(&revision("shop", 1, Code::Deployed)).await;
    assert!(blocked(&world.run().await).contains("namespace `web` does not exist"));
}

#[tokio::test]
async fn a_person_hears_of_what_is_odd() {
    let world = World::with_shop().await;
    let another = [("meta.helm.sh/release-name", "other"), ("meta.helm.sh/release-namespace", "web")];
    world.keep(&revision("stall", 1, Code::PendingUpgrade)).await;
    world.live("stall-settings", another.map(|(key, value)| (key.to_owned(), value.to_owned())).into()).await;
    world.keep(&revision("attic", 1, Code::Deployed)).await;
    let done = world.run().await;
    let warnings = |name: &str| {
        let one = done.iter().find(|one| one.name == name).unwrap();
        one.outcome.as_ref().unwrap().warnings.join("\n")
    };
    assert!(warnings("stall").contains("revision 1 is `pending-upgrade`"), "{}", warnings("stall"));
    assert!(warnings("stall").contains("current value is \"other\""), "{}", warnings("stall"));
    assert!(warnings("attic").contains("1 of 1 objects are not in the cluster"), "{}", warnings("attic"));
    let live = world.config_maps("web").get("stall-settings").await.unwrap();
    assert_eq!(live.metadata.annotations.unwrap()["meta.helm.sh/release-name"], "other");
}

#[tokio::test]
async fn one_broken_record_stops_its_release_only() {
    let world = World::with_shop().await;
    world.keep(&revision("broken", 1, Code::Deployed)).await;
    let patch = Patch::Merge(json!({"data": {"release": "*"}}));
    world.config_maps(TILLER).patch("broken.v1", &PatchParams::default(), &patch).await.unwrap();
    let done = world.run().await;
    let error = done.first().unwrap().outcome.as_ref().unwrap_err();
    assert!(error.to_string().starts_with("record `broken.v1` of Tiller cannot be read"), "{error}");
    assert_eq!(done.last().unwrap().outcome.as_ref().unwrap().standing, Standing::Done);
}

#[tokio::test]
async fn a_record_is_what_its_labels_say_or_nothing() {
    let world = World::with_shop().await;
    let patch = Patch::Merge(json!({"metadata": {"labels": {"NAME": "other", "VERSION": "1"}}}));
    world.config_maps(TILLER).patch("shop.v2", &PatchParams::default(), &patch).await.unwrap();
    world.sandbox.faults().clear();
    let done = world.run().await;
    let error = done.first().unwrap().outcome.as_ref().unwrap_err();
    assert!(matches!(error, Error::Mislabelled { name, revision: 2, .. } if name == "shop"), "{error}");
    world.keep(&Release { namespace: "elsewhere".to_owned(), ..revision("shop", 3, Code::Deployed) }).await;
    let error = world.run().await.pop().unwrap().outcome.unwrap_err();
    assert!(matches!(&error, Error::Mislabelled { namespace, .. } if namespace == "web"), "{error}");
}

#[tokio::test]
async fn a_name_that_helm_4_does_not_take_stands_in_the_way() {
    let world = World::of(Sandbox::default());
    world.namespace("web").await;
    world.keep(&revision(&"a".repeat(54), 1, Code::Deployed)).await;
    assert!(blocked(&world.plan().await).contains("Helm 4 takes no such name"));
}

#[tokio::test]
async fn old_records_are_removed_when_they_were_brought_over() {
    let world = World::with_shop().await;
    let all = Wanted::default();
    assert_eq!(world.migration().cleanup(&all, false).await.unwrap().first().unwrap().removed, [""; 0]);
    world.run().await;
    world.keep(&revision("later", 1, Code::Deployed)).await;
    let would = world.migration().cleanup(&all, true).await.unwrap();
    assert_eq!(would.last().unwrap().removed, ["shop.v1", "shop.v2"]);
    assert_eq!(world.tillers().await, ["later.v1", "shop.v1", "shop.v2"]);
    world.migration().cleanup(&all, false).await.unwrap();
    assert_eq!(world.tillers().await, ["later.v1"]);
    assert_eq!(world.statuses().await, [(1, Status::Superseded), (2, Status::Deployed)]);
}
