//! The objects of a release as they are: how they stand, what they own, what has happened to them, and what is no longer
//! as the release put it.

use std::collections::BTreeMap;

use cluster::{Gvk, Object, ObjectRef, Readiness, Status};
use release::Release;
use serde_json::Value;

use crate::engine::{Engine, PARALLEL};
use crate::error::Error;
use crate::intent::{Apply, Target};
use crate::plan::{Foresight, Planned, how};

/// The most events that are told of one object.
const EVENTS: usize = 10;
/// How deep owners own: a Deployment has ReplicaSets, which have Pods.
const DEPTH: usize = 4;
/// What the objects of a kind can own, of what is worth showing.
const OWNED: &[(&str, &[(&str, &str)])] = &[
    ("Deployment", &[("apps/v1", "ReplicaSet")]),
    ("ReplicaSet", &[("v1", "Pod")]),
    ("StatefulSet", &[("v1", "Pod")]),
    ("DaemonSet", &[("v1", "Pod")]),
    ("ReplicationController", &[("v1", "Pod")]),
    ("Job", &[("v1", "Pod")]),
    ("CronJob", &[("batch/v1", "Job")]),
];
/// What objects of kinds that somebody has defined are made of: anybody's guess, and these are the usual ones.
const OF_OTHERS: &[(&str, &str)] = &[
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
    ("v1", "Service"),
];

/// An object as it is.
#[derive(Clone, Debug)]
pub struct LiveObject {
    /// The object.
    pub object: ObjectRef,
    /// How it stands.
    pub readiness: Readiness,
    /// The images of its containers, each once.
    pub images: Vec<String>,
    /// What has happened to it, the newest first.
    pub events: Vec<ObjectEvent>,
    /// What it owns.
    pub owns: Vec<LiveObject>,
}

/// What has happened to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectEvent {
    /// Whether it is something to worry about.
    pub is_warning: bool,
    /// One word.
    pub reason: String,
    /// More.
    pub message: String,
    /// How often.
    pub count: u64,
    /// When it was last seen, RFC 3339.
    pub seen: String,
}

/// What is no longer as the last revision put it.
#[derive(Clone, Debug)]
pub struct Drift {
    /// The last revision.
    pub release: Release,
    /// Its objects: [`Action::Unchanged`](crate::Action::Unchanged) when one is as it should be, `Create` when it is gone,
    /// and otherwise with the fields that sending it again would change, if that could be found out.
    pub objects: Vec<Planned>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Looks at the objects of a release.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what the cluster says of the record. An object that cannot be read is one whose status is
    /// not known.
    pub async fn live_objects(&self, target: &Target) -> Result<Vec<LiveObject>, Error> {
        let release = self.get(target, None).await?.release;
        let (objects, _) = self.old_objects(&release.manifest, &target.namespace).await?;
        let wanted = around(objects.iter().map(Object::id));
        // The objects themselves and what may stand around them are read at the same time.
        let (found, around) = futures::join!(
            cluster::all(&objects, PARALLEL, |object| self.cluster.get(object.id())),
            cluster::all(&wanted, PARALLEL, |like| async move {
                // What may not be read, or is not served, is left out.
                (like.clone(), self.cluster.list(like, "", "").await.unwrap_or_default())
            }),
        );
        let around = Around::new(around);
        let mut live = Vec::with_capacity(objects.len());
        for (object, found) in objects.iter().zip(found) {
            live.push(match found {
                Ok(Some(value)) => around.describe(object.id().clone(), &value, DEPTH),
                Ok(None) => nothing(object, Status::NotFound, "Resource not found".to_owned()),
                Err(error) => nothing(object, Status::Unknown, error.to_string()),
            });
        }
        Ok(live)
    }

    /// Finds out what is no longer as the last revision put it, by trying to send it again.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what the cluster says.
    pub async fn drift(&self, target: &Target) -> Result<Drift, Error> {
        let record = self.get(target, None).await?;
        let (mut objects, mut warnings) = self.old_objects(&record.release.manifest, &target.namespace).await?;
        self.own(target, &mut objects);
        let mut planned: Vec<Planned> =
            objects.into_iter().map(|object| Planned::new(object, crate::Action::Update)).collect();
        if !record.release.is_server_side() {
            self.baselines(&mut planned, std::slice::from_ref(&record), &target.namespace).await?;
        }
        // What others have taken counts as well.
        let apply = Apply { force_conflicts: true, ..Apply::default() };
        let foreseen = self.foresee(&mut planned, how(&record.release, apply, false), Foresight::Vague).await?;
        warnings.extend(foreseen.warnings);
        Ok(Drift { release: record.release, objects: planned, warnings })
    }
}

/// What is to be listed to find what some objects own, and what has happened: the kinds that theirs can own and those that
/// these own in turn, each once in each namespace.
fn around<'o>(objects: impl Iterator<Item = &'o ObjectRef>) -> Vec<ObjectRef> {
    let mut wanted: Vec<ObjectRef> = Vec::new();
    let mut want = |namespace: &str, (api_version, kind): (&str, &str)| {
        let gvk = Gvk::new(api_version, kind);
        let like = ObjectRef { gvk, namespace: namespace.to_owned(), name: String::new() };
        if !wanted.contains(&like) {
            wanted.push(like);
        }
    };
    for object in objects.filter(|object| !object.namespace.is_empty()) {
        want(&object.namespace, EVENT);
        let mut next = owned_by(&object.gvk).to_vec();
        let mut depth = 0;
        while depth < DEPTH && !next.is_empty() {
            next.iter().for_each(|kind| want(&object.namespace, *kind));
            next =
                next.iter().flat_map(|(api_version, kind)| owned_by(&Gvk::new(api_version, kind))).copied().collect();
            depth += 1;
        }
    }
    wanted
}

const EVENT: (&str, &str) = ("v1", "Event");

fn owned_by(gvk: &Gvk) -> &'static [(&'static str, &'static str)] {
    let is_built_in = !gvk.group.contains('.') || gvk.group.ends_with(".k8s.io");
    match OWNED.iter().find(|(kind, _)| is_built_in && *kind == gvk.kind) {
        Some((_, owned)) => owned,
        None if is_built_in => &[],
        None => OF_OTHERS,
    }
}

fn nothing(object: &Object, status: Status, message: String) -> LiveObject {
    LiveObject {
        object: object.id().clone(),
        readiness: Readiness { status, message, is_terminal: false },
        images: Vec::new(),
        events: Vec::new(),
        owns: Vec::new(),
    }
}

/// What stands around the objects of a release, by namespace.
#[derive(Default)]
struct Around {
    namespaces: BTreeMap<String, Neighbours>,
}

#[derive(Default)]
struct Neighbours {
    owned: Vec<(Gvk, Value)>,
    events: Vec<Value>,
}

impl Around {
    fn new(found: Vec<(ObjectRef, Vec<Value>)>) -> Self {
        let mut around = Self::default();
        for (like, values) in found {
            let neighbours = around.namespaces.entry(like.namespace).or_default();
            match (like.gvk.kind.as_str(), like.gvk.group.as_str()) {
                ("Event", "") => neighbours.events.extend(values),
                _ => neighbours.owned.extend(values.into_iter().map(|value| (like.gvk.clone(), value))),
            }
        }
        around
    }

    fn describe(&self, object: ObjectRef, live: &Value, depth: usize) -> LiveObject {
        let uid = text(live, "/metadata/uid");
        let neighbours = self.namespaces.get(&object.namespace);
        let is_owned = |value: &Value| {
            let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            !uid.is_empty() && owners.into_iter().flatten().any(|owner| text(owner, "/uid") == uid)
        };
        let owned = neighbours.into_iter().flat_map(|it| &it.owned).filter(|(_, value)| depth > 0 && is_owned(value));
        let owns = owned.map(|(gvk, value)| {
            let child = ObjectRef {
                gvk: gvk.clone(),
                namespace: object.namespace.clone(),
                name: text(value, "/metadata/name").to_owned(),
            };
            self.describe(child, value, depth - 1)
        });
        LiveObject {
            readiness: cluster::readiness(live),
            images: images(live),
            events: neighbours.map(|it| events(&it.events, &object, uid)).unwrap_or_default(),
            owns: owns.collect(),
            object,
        }
    }
}

/// The images of the containers of a pod, or of the pods that an object makes.
fn images(live: &Value) -> Vec<String> {
    let pods = ["/spec", "/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];
    let mut images = Vec::<String>::new();
    for containers in ["initContainers", "containers"] {
        let lists = pods.iter().filter_map(|pod| live.pointer(pod)?.get(containers)?.as_array());
        for image in lists.flatten().map(|container| text(container, "/image")).filter(|image| !image.is_empty()) {
            if !images.iter().any(|known| known == image) {
                images.push(image.to_owned());
            }
        }
    }
    images
}

fn events(all: &[Value], object: &ObjectRef, uid: &str) -> Vec<ObjectEvent> {
    let is_about = |event: &&Value| {
        let about = text(event, "/involvedObject/uid");
        let named = text(event, "/involvedObject/kind") == object.gvk.kind
            && text(event, "/involvedObject/name") == object.name;
        if about.is_empty() { named } else { about == uid }
    };
    let mut found: Vec<ObjectEvent> = all.iter().filter(is_about).map(event).collect();
    found.sort_by(|a, b| b.seen.cmp(&a.seen));
    found.truncate(EVENTS);
    found
}

fn event(event: &Value) -> ObjectEvent {
    let count = event.pointer("/series/count").or_else(|| event.get("count")).and_then(Value::as_u64);
    ObjectEvent {
        is_warning: text(event, "/type") == "Warning",
        reason: text(event, "/reason").to_owned(),
        message: text(event, "/message").to_owned(),
        count: count.unwrap_or(1).max(1),
        seen: cluster::last_seen(event).to_owned(),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_belongs_to_an_object_is_found() {
        let of = |kind: &str, name: &str, uid: &str, owner: &str| json!({"metadata": {"name": name, "uid": uid, "ownerReferences": [{"uid": owner}]}, "kind": kind});
        let event = |uid: &str, reason: &str, seen: &str| {
            json!({"type": "Warning", "reason": reason, "lastTimestamp": seen, "count": 3,
                "involvedObject": {"kind": "Deployment", "name": "shop", "uid": uid}})
        };
        let neighbours = Neighbours {
            owned: vec![
                (Gvk::new("apps/v1", "ReplicaSet"), of("ReplicaSet", "shop-1", "2", "1")),
                (Gvk::new("v1", "Pod"), of("Pod", "shop-1-a", "3", "2")),
                (Gvk::new("v1", "Pod"), of("Pod", "other", "4", "9")),
            ],
            events: vec![
                event("1", "Old", "2026-01-01T00:00:00Z"),
                event("1", "New", "2026-01-02T00:00:00Z"),
                event("0", "OfOneBefore", "2026-01-03T00:00:00Z"),
            ],
        };
        let around = Around { namespaces: BTreeMap::from([("web".to_owned(), neighbours)]) };
        let container = |image: &str| json!({"image": image});
        let live = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "uid": "1"},
            "spec": {"template": {"spec": {"initContainers": [container("a:1")], "containers": [container("b:1"), container("a:1")]}}}});
        let id = ObjectRef { gvk: Gvk::new("apps/v1", "Deployment"), namespace: "web".into(), name: "shop".into() };
        let found = around.describe(id, &live, DEPTH);
        assert_eq!(found.images, ["a:1", "b:1"]);
        let reasons: Vec<&str> = found.events.iter().map(|event| event.reason.as_str()).collect();
        assert_eq!((reasons, found.events[0].count), (vec!["New", "Old"], 3));
        assert_eq!((found.owns.len(), found.owns[0].object.name.as_str()), (1, "shop-1"));
        assert_eq!(found.owns[0].owns[0].object.name, "shop-1-a");
    }

    #[test]
    fn only_what_can_be_owned_is_listed() {
        let object = |api_version: &str, kind: &str, namespace: &str| ObjectRef {
            gvk: Gvk::new(api_version, kind),
            namespace: namespace.into(),
            name: "shop".into(),
        };
        let kinds = |objects: &[ObjectRef]| {
            let wanted = around(objects.iter());
            wanted.iter().map(|like| format!("{}/{}", like.namespace, like.gvk.kind)).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&[object("v1", "ConfigMap", "web"), object("v1", "Namespace", "")]), ["web/Event"]);
        assert_eq!(
            kinds(&[
                object("apps/v1", "Deployment", "web"),
                object("batch/v1", "CronJob", "web"),
                object("apps/v1", "StatefulSet", "db")
            ]),
            ["web/Event", "web/ReplicaSet", "web/Pod", "web/Job", "db/Event", "db/Pod"]
        );
        let custom = kinds(&[object("postgres.example.com/v1", "Cluster", "db")]);
        assert!(custom.contains(&"db/StatefulSet".to_owned()) && custom.contains(&"db/Pod".to_owned()), "{custom:?}");
        assert_eq!(kinds(&[object("networking.k8s.io/v1", "Ingress", "web")]), ["web/Event"]);
    }
}
