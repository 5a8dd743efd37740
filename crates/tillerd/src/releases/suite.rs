//! Testing, as Helm 2.17: `pkg/releasetesting`.

use std::sync::Arc;

use futures::{StreamExt, stream};
use render::helm2::split;
use render::manifests::Head;
use tiller::hapi::release::hook::Event;
use tiller::hapi::release::test_run::Status as RunStatus;
use tiller::hapi::release::{Hook, TestRun, TestSuite};
use tiller::hapi::services::tiller::{TestReleaseRequest, TestReleaseResponse};

use super::{Releases, check_name};
use crate::failure::Failure;
use crate::objects::deadline;

/// How many tests run at the same time when nobody says.
const PARALLEL: usize = 20;

/// Hears what is to be told to the client.
pub(crate) type Tell = Arc<dyn Fn(TestReleaseResponse) + Send + Sync>;

struct Test {
    manifest: String,
    name: String,
    expects_success: bool,
}

impl Releases {
    /// Runs the tests of a release and tells how they go.
    pub(crate) async fn test(&self, request: TestReleaseRequest, tell: Tell) -> Result<(), Failure> {
        check_name(&request.name)?;
        let mut stored = self.store.last(&request.name).await?;
        let namespace = stored.release.namespace.clone();
        let tests = tests_of(&stored.release.hooks)?;
        let started_at = Some(self.moment());
        let say = |text: String, status: RunStatus| {
            let mut message = TestReleaseResponse { msg: text, ..TestReleaseResponse::default() };
            message.set_status(status);
            tell(message);
        };
        if tests.is_empty() {
            say("No Tests Found".to_owned(), RunStatus::Unknown);
        }
        let most = usize::try_from(request.max_parallel).ok().filter(|most| *most > 0).unwrap_or(PARALLEL);
        let at_once = if request.parallel { most } else { 1 };
        let runs = tests.iter().map(|test| self.run_test(test, &namespace, request.timeout, &say)).collect::<Vec<_>>();
        let results: Vec<TestRun> = stream::iter(runs).buffered(at_once).collect().await;
        let suite = TestSuite { started_at, completed_at: Some(self.moment()), results };
        stored.info().status.get_or_insert_default().last_test_suite_run = Some(suite);
        if request.logs {
            for test in &tests {
                match self.objects.logs(&namespace, &test.name).await {
                    // Clients take messages for formats.
                    Ok(logs) => {
                        let logs = logs.replace('%', "%%");
                        say(format!("\nPOD LOGS: {}\n{logs}", test.name), RunStatus::Running);
                    }
                    Err(error) => say(format!("ERROR: {error}"), RunStatus::Failure),
                }
            }
        }
        if request.cleanup {
            for test in &tests {
                if let Err(error) = self.objects.delete(&namespace, &test.manifest).await {
                    say(format!("ERROR: {error}"), RunStatus::Failure);
                }
            }
        }
        self.note(&mut stored).await;
        Ok(())
    }

    async fn run_test(
        &self,
        test: &Test,
        namespace: &str,
        timeout: i64,
        say: &(impl Fn(String, RunStatus) + Sync),
    ) -> TestRun {
        let name = &test.name;
        let mut run = TestRun { name: name.clone(), started_at: Some(self.moment()), ..TestRun::default() };
        say(format!("RUNNING: {name}"), RunStatus::Running);
        run.set_status(RunStatus::Running);
        match self.end_of(test, namespace, timeout).await {
            Ok(phase) => {
                let succeeded = phase == "Succeeded";
                if succeeded == test.expects_success {
                    run.set_status(RunStatus::Success);
                    say(format!("PASSED: {name}"), RunStatus::Success);
                } else {
                    run.set_status(RunStatus::Failure);
                    let text =
                        format!("FAILED: {name}, run `kubectl logs {name} --namespace {namespace}` for more info");
                    say(text, RunStatus::Failure);
                }
            }
            Err((Failure(error), status)) => {
                run.set_status(status);
                say(format!("ERROR: {error}"), RunStatus::Failure);
                run.info = error;
            }
        }
        run.completed_at = Some(self.moment());
        run
    }

    async fn end_of(&self, test: &Test, namespace: &str, timeout: i64) -> Result<String, (Failure, RunStatus)> {
        let made = self.objects.create(namespace, &test.manifest).await;
        let made = made.map_err(|error| (error, RunStatus::Failure))?;
        let Some(pod) = made.first() else {
            return Err((Failure::new(crate::objects::NO_OBJECTS), RunStatus::Failure));
        };
        self.objects.wait_pod(pod, deadline(timeout)).await.map_err(|error| (error, RunStatus::Unknown))
    }
}

/// The tests among hooks.
fn tests_of(hooks: &[Hook]) -> Result<Vec<Test>, Failure> {
    let is_test = |hook: &&Hook| {
        hook.events().any(|event| matches!(event, Event::ReleaseTestSuccess | Event::ReleaseTestFailure))
    };
    let mut tests = Vec::new();
    for hook in hooks.iter().filter(is_test) {
        for manifest in split(&hook.manifest) {
            let head = Head::read(manifest).map_err(|error| Failure::new(error.to_string()))?;
            if head.kind != "Pod" {
                return Err(Failure(format!("{} is not a pod", head.name)));
            }
            let hook = head.annotations.get("helm.sh/hook").map(String::as_str).unwrap_or_default().to_lowercase();
            let mut kinds = hook.split(',').map(str::trim);
            let found = kinds.find(|kind| matches!(*kind, "test-success" | "test-failure"));
            let Some(found) = found else {
                return Err(Failure::new("No test-success or test-failure hook found"));
            };
            tests.push(Test {
                manifest: manifest.to_owned(),
                name: head.name.trim_end_matches(',').to_owned(),
                expects_success: found == "test-success",
            });
        }
    }
    Ok(tests)
}
