//! Faults do to a client what networks and servers do to it, in the very call that was named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{Api, ObjectMeta, PostParams, WatchEvent, WatchParams};
use sandbox::{Fault, Loss, Sandbox};

fn maps(sandbox: &Sandbox) -> Api<ConfigMap> {
    Api::namespaced(sandbox.client(), "default")
}

async fn create(sandbox: &Sandbox, name: &str) -> Result<ConfigMap, kube::Error> {
    let map =
        ConfigMap { metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }, ..ConfigMap::default() };
    maps(sandbox).create(&PostParams::default(), &map).await
}

async fn is_there(sandbox: &Sandbox, name: &str) -> bool {
    maps(&sandbox.fork()).get_opt(name).await.unwrap().is_some()
}

#[tokio::test]
async fn a_lost_request_has_no_effect_and_a_lost_response_has() {
    for (loss, effect) in [(Loss::Request, false), (Loss::Response, true)] {
        let sandbox = Sandbox::default();
        sandbox.faults().at(2, Fault::Lost(loss));
        create(&sandbox, "a").await.unwrap();
        let error = create(&sandbox, "b").await.unwrap_err();
        assert!(!matches!(error, kube::Error::Api(_)), "{error}");
        assert_eq!(is_there(&sandbox, "b").await, effect, "{loss:?}");
        create(&sandbox, "c").await.unwrap();
        assert_eq!(sandbox.faults().calls().len(), 3);
        assert_eq!(sandbox.faults().calls()[0], "POST /api/v1/namespaces/default/configmaps?");
    }
}

#[tokio::test]
async fn refusals_have_their_codes_and_no_effect() {
    for (fault, code) in
        [(Fault::Conflict, 409), (Fault::TooManyRequests, 429), (Fault::Internal, 500), (Fault::Unavailable, 503)]
    {
        let sandbox = Sandbox::default();
        sandbox.faults().at(1, fault);
        let Err(kube::Error::Api(status)) = create(&sandbox, "a").await else { panic!("{fault:?} was expected") };
        assert_eq!(status.code, code);
        assert!(!is_there(&sandbox, "a").await);
        create(&sandbox, "a").await.unwrap();
    }
}

#[tokio::test]
async fn whoever_was_killed_makes_no_more_calls() {
    for (loss, effect) in [(Loss::Request, false), (Loss::Response, true)] {
        let sandbox = Sandbox::default();
        sandbox.faults().kill_at(2, loss);
        create(&sandbox, "a").await.unwrap();
        create(&sandbox, "b").await.unwrap_err();
        sandbox.faults().killed().await;
        create(&sandbox, "c").await.unwrap_err();
        assert_eq!(is_there(&sandbox, "b").await, effect, "{loss:?}");
        assert!(!is_there(&sandbox, "c").await);
        sandbox.faults().clear();
        create(&sandbox, "c").await.unwrap();
        assert_eq!(sandbox.faults().calls().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_takes_the_time_of_the_runtime() {
    let sandbox = Sandbox::default();
    sandbox.faults().at(1, Fault::Slow(Duration::from_secs(40)));
    let before = tokio::time::Instant::now();
    create(&sandbox, "a").await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_dropped_tells_no_more_and_can_be_taken_up_again() {
    let sandbox = Sandbox::default();
    let from = create(&sandbox, "a").await.unwrap().metadata.resource_version.unwrap();
    sandbox.faults().at(2, Fault::Dropped(Duration::from_secs(5)));
    let api = maps(&sandbox);
    let mut watch = api.watch(&WatchParams::default(), &from).await.unwrap().boxed();
    create(&sandbox, "b").await.unwrap();
    let name = |event| match event {
        WatchEvent::Added(map) => ConfigMap::name_any(&map),
        other => panic!("{other:?}"),
    };
    assert_eq!(name(watch.next().await.unwrap().unwrap()), "b");
    let before = tokio::time::Instant::now();
    assert!(watch.next().await.is_none());
    assert!(before.elapsed() <= Duration::from_secs(5));
    create(&sandbox, "c").await.unwrap();
    let mut again = api.watch(&WatchParams::default(), &from).await.unwrap().boxed();
    for want in ["b", "c"] {
        assert_eq!(name(again.next().await.unwrap().unwrap()), want);
    }
}

#[tokio::test]
async fn a_fork_goes_its_own_way() {
    let sandbox = Sandbox::default();
    create(&sandbox, "a").await.unwrap();
    sandbox.faults().at(2, Fault::Internal);
    let fork = sandbox.fork();
    create(&fork, "b").await.unwrap();
    assert!(is_there(&fork, "a").await);
    assert!(!is_there(&sandbox, "b").await);
}

#[tokio::test]
async fn a_served_sandbox_breaks_the_connection() {
    let sandbox = Sandbox::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = sandbox.clone();
    let server = tokio::spawn(async move { serving.serve(listener).await });
    let client = kube::Client::try_from(kube::Config::new(url.parse().unwrap())).unwrap();
    let version = || async { client.apiserver_version().await };
    version().await.unwrap();
    sandbox.faults().at(2, Fault::Lost(Loss::Response));
    assert!(!matches!(version().await.unwrap_err(), kube::Error::Api(_)));
    version().await.unwrap();
    server.abort();
}
