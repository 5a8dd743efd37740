//! Who may change a release, and what becomes of one whose process has died.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;
#[allow(dead_code, reason = "the crash suite starts processes in another way")]
#[path = "crash/process.rs"]
mod process;

use std::sync::Arc;
use std::time::Duration;

use cluster::{ApplyOptions, Cluster, Object};
use common::{World, change, chart, rollback, target, templates, uninstall};
use engine::{Cancel, Engine, Error, Event, Failure, Holder, Intent, OnFailure, Settings, Unlock};
use jiff::Timestamp;
use process::{Virtual, start};
use release::{Record, SecretLedger, Status};
use sandbox::{Config, Fault, Loss, Sandbox};
use serde_json::json;
use tokio::time::Instant;

/// A cluster whose pods run for a minute before they end.
struct Place {
    sandbox: Sandbox,
    time: Virtual,
}

impl Place {
    fn new() -> Self {
        let time = Virtual::new();
        let config = Config { clock: Arc::new(time), pod_run: Duration::from_secs(60), ..Config::default() };
        Self { sandbox: Sandbox::new(config), time }
    }

    fn process(&self) -> World {
        start(&self.sandbox, self.time, None)
    }

    fn process_with(&self, settings: Settings) -> World {
        process::start_with(&self.sandbox, self.time, None, settings)
    }

    /// Where a client stands that kept no lease, such as Helm.
    async fn record(&self) -> Record {
        let world = self.process();
        let ledger = world.engine.ledger();
        let last = ledger.history("web", "shop").await.unwrap().last().unwrap().key.clone();
        ledger.get(&last).await.unwrap()
    }

    /// What a Helm leaves that died in an upgrade.
    async fn helm_dies(&self) {
        let found = self.record().await.release;
        let mut pending = found.clone();
        pending.version += 1;
        pending.set_status(Status::PendingUpgrade, "Preparing upgrade");
        self.process().engine.ledger().create(&pending).await.unwrap();
    }
}

/// A chart whose hook takes a minute.
fn slow() -> chart::Chart {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: slow, annotations: {helm.sh/hook: \"pre-install,pre-upgrade\"}}\nspec:\n  template:\n    spec: {restartPolicy: Never, containers: [{name: it, image: it}]}\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: slowly}\n";
    templates(&[("job.yaml", job), ("map.yaml", map)])
}

fn apply(chart: chart::Chart) -> Intent {
    Intent::Apply(change(chart, json!({"text": "x"})))
}

fn warnings(world: &World) -> Vec<String> {
    let warning = |event| if let Event::Warning { message } = event { Some(message) } else { None };
    world.events().into_iter().filter_map(warning).collect()
}

#[tokio::test(start_paused = true)]
async fn who_works_for_long_is_not_disturbed() {
    let place = Place::new();
    let (one, two) = (place.process(), place.process());
    let begun = Instant::now();
    let (first, second) = tokio::join!(one.run(apply(slow())), async {
        tokio::time::sleep(Duration::from_secs(40)).await;
        let begun = Instant::now();
        let mut refused = Vec::new();
        for intent in [apply(chart("other")), Intent::Rollback(rollback(1)), Intent::Uninstall(uninstall())] {
            refused.push(two.run(intent).await.unwrap_err());
        }
        (refused, begun.elapsed() / 3)
    });
    let (refused, patience) = second;
    for error in refused {
        assert!(matches!(&error, Error::Pending { holder: Some(_), .. }), "{error}");
        assert_eq!(error.to_string(), "another operation (install/upgrade/rollback) is in progress");
    }
    assert!(patience <= Duration::from_secs(7), "{patience:?}");
    assert_eq!(first.unwrap().info.status, Status::Deployed);
    assert!(begun.elapsed() >= Duration::from_secs(60));
    assert_eq!(two.run(apply(chart("other"))).await.unwrap().version, 2);
}

#[tokio::test(start_paused = true)]
async fn one_process_does_not_do_two_things_with_a_release() {
    let place = Place::new();
    let world = place.process();
    let (first, second) = tokio::join!(world.run(apply(slow())), async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let begun = Instant::now();
        (world.run(apply(chart("other"))).await, begun.elapsed())
    });
    first.unwrap();
    assert!(matches!(second, (Err(Error::Pending { holder: None, .. }), Duration::ZERO)), "{second:?}");
}

/// Runs an upgrade that dies when it has stored its record.
async fn die(place: &Place, settings: Settings) {
    let doomed = place.process_with(settings);
    doomed.run(apply(chart("one"))).await.unwrap();
    place.sandbox.faults().clear();
    let run = doomed.run(apply(chart("two")));
    tokio::pin!(run);
    loop {
        tokio::select! {
            biased;
            _ = &mut run => panic!("it has not died"),
            () = tokio::task::yield_now() => {}
        }
        if place.sandbox.faults().calls().iter().any(|call| call.starts_with("POST /api/v1/namespaces/web/secrets")) {
            break;
        }
    }
    place.sandbox.faults().clear();
}

#[tokio::test(start_paused = true)]
async fn a_killed_command_is_waited_for_and_then_taken_over() {
    let place = Place::new();
    die(&place, Settings::default()).await;
    assert_eq!(place.record().await.release.info.status, Status::PendingUpgrade);
    let begun = Instant::now();
    let next = place.process();
    let release = next.run(apply(chart("three"))).await.unwrap();
    assert_eq!(release.version, 3);
    let waited = begun.elapsed();
    assert!(Duration::from_secs(14) <= waited && waited <= Duration::from_secs(18), "{waited:?}");
    let told: Vec<Event> = next.events().into_iter().filter(|event| matches!(event, Event::Locked { .. })).collect();
    let [Event::Locked { message, .. }] = told.as_slice() else { panic!("{told:?}") };
    assert!(message.ends_with("waiting for it, at most 15 seconds"), "{message}");
    assert_eq!(next.statuses().await, [Status::Superseded, Status::Failed, Status::Deployed]);
    let dead = next.engine.get(&target(), Some(2)).await.unwrap().release;
    assert_eq!(dead.info.description, "Release \"shop\" failed: its process died while it was pending-upgrade");
}

#[tokio::test(start_paused = true)]
async fn a_process_with_a_name_goes_on_at_once_after_a_restart() {
    let place = Place::new();
    let named = || Settings { holder: Holder::only("whipstaff-0"), ..Settings::default() };
    die(&place, named()).await;
    let begun = Instant::now();
    place.process_with(named()).run(apply(chart("three"))).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_helm_that_died_is_unlocked_on_request() {
    let place = Place::new();
    let world = place.process();
    world.run(apply(chart("one"))).await.unwrap();
    let unlock = || Intent::Unlock(Unlock { target: target(), expected_revision: None });
    let error = world.run(unlock()).await.unwrap_err();
    assert_eq!(error.to_string(), "release \"shop\" is not locked: no operation of it is in progress");

    place.helm_dies().await;
    tokio::time::sleep(Duration::from_secs(7200 + 300)).await;
    let begun = Instant::now();
    let error = world.run(apply(chart("two"))).await.unwrap_err();
    assert_eq!(error.to_string(), "another operation (install/upgrade/rollback) is in progress");
    assert_eq!(
        error.advice(place.time.now()).unwrap(),
        "revision 2 has been pending-upgrade for 2h5m; `unlock` ends it when the program that wrote it has died"
    );
    assert_eq!(begun.elapsed(), Duration::ZERO, "nothing tells that it might die");
    let ended = world.run(unlock()).await.unwrap();
    assert_eq!((ended.version, ended.info.status), (2, Status::Failed));
    assert_eq!(place.record().await.release.info.description, "Release unlocked from stale \"pending-upgrade\" state");
    assert_eq!(world.run(apply(chart("two"))).await.unwrap().version, 3);
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Failed, Status::Deployed]);
}

#[tokio::test(start_paused = true)]
async fn a_helm_that_died_is_unlocked_after_a_time_that_was_set() {
    let place = Place::new();
    let world = place.process_with(Settings { unlock_after: Some(Duration::from_secs(3600)), ..Settings::default() });
    world.run(apply(chart("one"))).await.unwrap();
    place.helm_dies().await;
    assert!(matches!(world.run(apply(chart("two"))).await, Err(Error::Pending { .. })));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.run(apply(chart("two"))).await.unwrap().version, 3);
}

#[tokio::test(start_paused = true)]
async fn what_a_finished_run_could_not_say_is_said_for_it() {
    let place = Place::new();
    let world = place.process();
    world.run(apply(chart("one"))).await.unwrap();
    place.sandbox.faults().clear();
    // The last record is the call before the lease goes.
    let calls = {
        let fork = Place { sandbox: place.sandbox.fork(), time: place.time };
        fork.process().run(apply(chart("two"))).await.unwrap();
        fork.sandbox.faults().calls().len()
    };
    place.sandbox.faults().kill_at(calls - 1, Loss::Request);
    place.process().run(apply(chart("two"))).await.unwrap_err();
    place.sandbox.faults().clear();
    assert_eq!(world.statuses().await, [Status::Superseded, Status::PendingUpgrade]);
    let unlock = Intent::Unlock(Unlock { target: target(), expected_revision: None });
    let release = place.process().run(unlock).await.unwrap();
    assert_eq!((release.version, release.info.status), (2, Status::Deployed));
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Deployed]);
}

/// A client whose role does not know leases.
async fn without_leases(place: &Place) -> World {
    let admin = place.process();
    let role = |name: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": [
        {"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["get"]}]})
    };
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "it"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "it"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "viewers"}]});
    for object in [role("it"), binding] {
        admin.engine.cluster().apply(&Object::new(object).unwrap(), &ApplyOptions::default()).await.unwrap();
    }
    let service = tower::ServiceBuilder::new()
        .map_request(|mut request: http::Request<_>| {
            request.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer viewer"));
            request
        })
        .service(place.sandbox.service());
    let client = kube::Client::new(service, "default");
    let time = place.time;
    let clock: release::Clock = Arc::new(move || time.now());
    let ledger = Arc::new(SecretLedger::new(client.clone(), Arc::clone(&clock)));
    World::of(Engine::with_ledger(Cluster::new(client), ledger, clock, Settings::default()))
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_leases_helms_rules_hold() {
    let place = Place::new();
    let world = without_leases(&place).await;
    world.run(apply(chart("one"))).await.unwrap();
    let told = warnings(&world);
    assert!(
        told.iter().any(|text| text.starts_with("the release is locked as Helm does it, without a lease: ")),
        "{told:?}"
    );
    assert!(told.iter().any(|text| text.contains("cannot create resource \"leases\"")), "{told:?}");
    place.helm_dies().await;
    assert!(matches!(world.run(apply(chart("two"))).await, Err(Error::Pending { .. })));
}

fn job_left(sandbox: &Sandbox) -> Vec<String> {
    sandbox.faults().calls().into_iter().filter(|call| !call.starts_with("GET ")).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_cancels_stops_what_comes_next_and_it_is_recorded() {
    let place = Place::new();
    let world = place.process();
    let plan = world.engine.plan(apply(slow())).await.unwrap();
    let cancel = Cancel::default();
    let begun = Instant::now();
    let (result, ()) = tokio::join!(world.engine.run_until(plan, &|_| {}, &cancel), async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        cancel.cancel();
    });
    let Err(Error::Failed { message, release, cause }) = result else { panic!("{result:?}") };
    assert_eq!(message, "context canceled");
    assert!(matches!(*cause, Failure::Cancelled));
    assert_eq!(release.info.description, "Release \"shop\" failed: context canceled");
    assert_eq!(begun.elapsed(), Duration::from_secs(20));
    assert_eq!(release.info.status, Status::Failed);
    assert_eq!(place.record().await.release.info.status, Status::Failed);
    assert!(!world.exists("slowly").await, "nothing is changed after it");
    // And at once when nothing was changed.
    let plan = world.engine.plan(apply(chart("two"))).await.unwrap();
    assert!(matches!(world.engine.run_until(plan, &|_| {}, &cancel).await, Err(Error::Cancelled)));
    assert_eq!(world.run(apply(chart("two"))).await.unwrap().info.status, Status::Deployed);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_upgrade_goes_back_when_asked() {
    let place = Place::new();
    let world = place.process();
    world.run(apply(chart("one"))).await.unwrap();
    let mut wish = change(slow(), json!({}));
    wish.on_failure = OnFailure { rollback: true, cleanup: false };
    let plan = world.engine.plan(Intent::Upgrade(wish)).await.unwrap();
    let cancel = Cancel::default();
    let (result, ()) = tokio::join!(world.engine.run_until(plan, &|_| {}, &cancel), async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        cancel.cancel();
    });
    let text = result.unwrap_err().to_string();
    assert!(text.contains("has been rolled back due to rollback-on-failure being set"), "{text}");
    assert_eq!(world.statuses().await, [Status::Superseded, Status::Failed, Status::Deployed]);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_taken_over_changes_nothing_more() {
    let place = Place::new();
    let world = place.process();
    let cluster = Cluster::new(place.sandbox.client());
    let (result, ()) = tokio::join!(world.run(apply(slow())), async {
        tokio::time::sleep(Duration::from_secs(22)).await;
        let lease = cluster.read_lease("web", "sh.whipstaff.lock.v1.shop").await.unwrap().unwrap();
        cluster
            .take_lease("web", "sh.whipstaff.lock.v1.shop", &lease, "somebody", Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        place.sandbox.faults().clear();
    });
    let text = result.unwrap_err().to_string();
    assert!(text.contains("another process has taken the release over"), "{text}");
    assert!(!world.exists("slowly").await);
    let changes = job_left(&place.sandbox);
    assert!(changes.iter().all(|call| call.contains("/leases/") || call.contains("/secrets/")), "{changes:?}");
    let lease = cluster.read_lease("web", "sh.whipstaff.lock.v1.shop").await.unwrap().unwrap();
    assert_eq!(lease.holder, "somebody", "what is somebody else's is not given back");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_is_lost_is_none_the_less_one() {
    let place = Place::new();
    let world = place.process();
    let renewals =
        |calls: Vec<String>| calls.iter().filter(|call| call.starts_with("PUT") && call.contains("leases")).count();
    let result = tokio::join!(world.run(apply(slow())), async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        let next = place.sandbox.faults().calls().len();
        // Some of what comes then is the renewal.
        (1..6).for_each(|more| place.sandbox.faults().at(next + more, Fault::Lost(Loss::Response)));
    });
    assert_eq!(result.0.unwrap().info.status, Status::Deployed);
    assert!(renewals(place.sandbox.faults().calls()) >= 10);
}

#[tokio::test(start_paused = true)]
async fn of_two_upgrades_at_once_one_wins() {
    let base = Place::new();
    base.process().run(apply(chart("one"))).await.unwrap();
    let (mut both, mut refused) = (0, 0);
    for half_milliseconds in 0..60 {
        let place = Place { sandbox: base.sandbox.fork(), time: base.time };
        // Each call takes a while, so that the calls of the two come in turn.
        (1..200).for_each(|call| place.sandbox.faults().at(call, Fault::Slow(Duration::from_millis(1))));
        let (one, two) = (place.process(), place.process());
        let (first, second) = tokio::join!(one.run(apply(chart("two"))), async {
            tokio::time::sleep(Duration::from_micros(500 * half_milliseconds)).await;
            two.run(apply(chart("three"))).await
        });
        let lost = match (&first, &second) {
            (Ok(_), Ok(_)) => None,
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => Some(error),
            (Err(one), Err(two)) => panic!("neither wins: {one}, {two}"),
        };
        match lost {
            None => both += 1,
            Some(Error::Pending { .. }) => refused += 1,
            Some(error) => panic!("{error}"),
        }
        let statuses = place.process().statuses().await;
        let deployed = statuses.iter().filter(|status| **status == Status::Deployed).count();
        assert_eq!((deployed, statuses.last()), (1, Some(&Status::Deployed)), "{statuses:?}");
    }
    println!("refused {refused} times, one after the other {both} times");
    assert!(refused > 10 && both > 10, "{refused} {both}");
}
