//! Deleting, as Helm 2.17: `pkg/tiller/release_uninstall.go`.

use render::helm2::{UNINSTALL_ORDER, split};
use render::manifests::{Head, compare_kinds};
use tiller::Stored;
use tiller::hapi::release::Release;
use tiller::hapi::release::hook::Event;
use tiller::hapi::release::status::Code;
use tiller::hapi::services::tiller::UninstallReleaseRequest;

use super::{Releases, check_name, description};
use crate::failure::Failure;
use crate::objects::{MISSING, NO_OBJECTS};

/// The annotation that keeps an object.
const POLICY: &str = "helm.sh/resource-policy";

impl Releases {
    /// Deletes a release; what comes back beside it tells what was kept.
    pub(crate) async fn uninstall(&self, request: UninstallReleaseRequest) -> Result<(Release, String), Failure> {
        check_name(&request.name)?;
        self.locked(&request.name, self.uninstall_now(&request)).await
    }

    async fn uninstall_now(&self, request: &UninstallReleaseRequest) -> Result<(Release, String), Failure> {
        let mut history = self.store.history(&request.name).await?;
        let Some(mut last) = history.pop() else { return Err(Failure::new("no release provided")) };
        if last.code() == Code::Deleted {
            if !request.purge {
                return Err(Failure(format!("the release named {:?} is already deleted", request.name)));
            }
            self.purge(&history, &last).await?;
            return Ok((last.release, String::new()));
        }
        let before = last.release.clone();
        self.begin_deletion(&mut last).await?;
        if !request.disable_hooks
            && let Err(error) = self.hooks_of(&mut last, Event::PreDelete, request.timeout).await
        {
            // Nothing is deleted, and the record is again as it was.
            last.release = before;
            self.note(&mut last).await;
            return Err(error);
        }
        let (kept, mut errors) = self.delete_objects(&last.release).await;
        if !request.disable_hooks
            && let Err(Failure(error)) = self.hooks_of(&mut last, Event::PostDelete, request.timeout).await
        {
            errors.push(error);
        }
        last.set(Code::Deleted);
        last.info().description = description(&request.description, "Deletion complete");
        if request.purge {
            self.purge(&history, &last).await?;
            return Ok((last.release, kept));
        }
        self.note(&mut last).await;
        if !errors.is_empty() {
            return Err(Failure(format!("deletion completed with {} error(s): {}", errors.len(), errors.join("; "))));
        }
        Ok((last.release, kept))
    }

    /// Says that a release is being deleted, before anything is.
    pub(super) async fn begin_deletion(&self, stored: &mut Stored) -> Result<(), Failure> {
        stored.set(Code::Deleting);
        let now = self.moment();
        stored.info().deleted = Some(now);
        stored.info().description = "Deletion in progress (or silently failed)".to_owned();
        Ok(self.store.update(stored, self.now()).await?)
    }

    async fn purge(&self, older: &[Stored], last: &Stored) -> Result<(), Failure> {
        // The newest goes last: until then it is seen that the release is deleted.
        for stored in older.iter().chain([last]) {
            self.store.delete(&stored.release.name, stored.release.version).await?;
        }
        Ok(())
    }

    /// Deletes the objects of a release one after the other; what was kept, and what went wrong.
    pub(super) async fn delete_objects(&self, release: &Release) -> (String, Vec<String>) {
        let documents = match documents(&release.manifest) {
            Ok(documents) => documents,
            Err(error) => {
                let text = format!("corrupted release record. You must manually delete the resources: {error}");
                return (release.manifest.clone(), vec![text]);
            }
        };
        let (mut kept, mut errors) = (String::new(), Vec::new());
        for (head, document) in documents {
            if head.annotations.get(POLICY).is_some_and(|policy| policy != "delete") {
                let shown = self.objects.show(&release.namespace, document).await;
                if shown.is_ok_and(|shown| !shown.contains(MISSING)) {
                    if kept.is_empty() {
                        kept.push_str("These resources were kept due to the resource policy:\n");
                    }
                    kept.push_str(&format!("[{}] {}\n", head.kind, head.name));
                }
                continue;
            }
            let document = document.trim();
            if document.is_empty() {
                continue;
            }
            if let Err(Failure(mut error)) = self.objects.delete(&release.namespace, document).await {
                if error == NO_OBJECTS {
                    let object =
                        if head.name.is_empty() { String::new() } else { format!("[{}] {}", head.kind, head.name) };
                    error = format!("release {:?}: object {object:?} not found, skipping delete", release.name);
                }
                errors.push(error);
            }
        }
        (kept, errors)
    }
}

/// The documents of a manifest in the order in which they are deleted.
fn documents(manifest: &str) -> Result<Vec<(Head, &str)>, String> {
    let mut documents = Vec::new();
    for document in split(manifest) {
        let head = Head::read(document).map_err(|error| format!("YAML parse error on manifest: {error}"))?;
        documents.push((head, document));
    }
    documents.sort_by(|(a, _), (b, _)| compare_kinds(&a.kind, &b.kind, UNINSTALL_ORDER));
    Ok(documents)
}
