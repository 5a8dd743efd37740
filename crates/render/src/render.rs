//! The renderer: a chart's templates, parsed once, executed over values (as Helm 4.3: `pkg/engine/engine.go`).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use chart::{Chart, Content, Dependency, Maintainer};
use gotext::{Arena, Functions, Limits, Map, MissingKey, Options, Runtime, Set, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::ahead::Ahead;
use crate::capabilities::Capabilities;
use crate::error::{RenderError, exec_error};
use crate::functions;
use crate::golang::path;
use crate::golang::time::{Time, local_zone, utc};
use crate::host::{Host, Lookup, Notices, Resolve};
use crate::objects::{Caps, Files as FilesObject};
use crate::parse::parse;
use crate::values::{from_tree, into_text, tree_map};

/// The type of `.Values` and of the dot at the top of a template.
const VALUES: &str = "common.Values";

/// What templates made: path to text, sorted by path.
pub type Files = BTreeMap<String, Arc<str>>;

/// `.Release`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that this render is for.
    pub revision: i64,
    /// Whether it is an upgrade or a rollback; otherwise it is an install.
    pub is_upgrade: bool,
}

/// What a render takes besides the chart.
#[derive(Clone)]
pub struct Inputs<'i> {
    /// The values as `.Values` shows them: coalesced with the chart's defaults.
    pub values: &'i goyaml::Map,
    /// The release.
    pub release: &'i Release,
    /// The cluster's capabilities.
    pub capabilities: &'i Capabilities,
    /// The cluster, for `lookup`; without one every lookup is empty.
    pub lookup: Option<Arc<dyn Lookup>>,
    /// The name service, for `getHostByName`; without it every answer is empty.
    pub resolve: Option<Arc<dyn Resolve>>,
    /// Renders as `helm lint` does: `required` and `fail` end nothing.
    pub lint: bool,
    /// Hears what is only noted in lint mode.
    pub notices: Option<Notices>,
    /// Refuses keys that are not there, as `helm lint --strict` does.
    pub strict: bool,
    /// Budgets; by default there are none but Go's own.
    pub limits: Limits,
    /// Ends the render when it turns true.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// The time it is.
    pub now: Timestamp,
    /// The local time zone.
    pub zone: TimeZone,
    /// Where randomness starts; from the operating system when there is none.
    pub seed: Option<[u8; 32]>,
}

impl<'i> Inputs<'i> {
    /// Inputs with no cluster, no budgets, UTC and randomness of the operating system.
    pub fn new(values: &'i goyaml::Map, release: &'i Release, capabilities: &'i Capabilities, now: Timestamp) -> Self {
        Self {
            values,
            release,
            capabilities,
            lookup: None,
            resolve: None,
            lint: false,
            notices: None,
            strict: false,
            limits: Limits::default(),
            interrupt: None,
            now,
            zone: TimeZone::UTC,
            seed: None,
        }
    }
}

/// A chart with its templates parsed: immutable, shared between renders.
pub struct Parsed {
    chart: Arc<Chart>,
    set: Set,
    /// The templates in the order they are executed, with the chart each belongs to.
    order: Vec<Template>,
}

/// A template file.
pub(crate) struct Template {
    pub(crate) path: String,
    base_path: Arc<str>,
    /// The number of its chart, counted as [`charts`] walks them.
    chart: usize,
}

/// The functions of all renders.
pub(crate) fn function_table() -> Arc<Functions> {
    static TABLE: OnceLock<Arc<Functions>> = OnceLock::new();
    let made = TABLE.get_or_init(|| {
        let mut table = Functions::new(functions::all().iter().copied());
        for method in functions::helm::VALUES_METHODS {
            table.add_method(VALUES, *method);
        }
        Arc::new(table)
    });
    Arc::clone(made)
}

/// Walks a chart and its subcharts, children before parents, as `recAllTpls` does.
fn charts<'c>(chart: &'c Chart, full_path: &str, out: &mut Vec<(&'c Chart, String)>) {
    for child in &chart.dependencies {
        charts(child, &format!("{full_path}/charts/{}", child.name()), out);
    }
    out.push((chart, full_path.to_owned()));
}

/// Lists the templates of a chart and its subcharts in the order they are parsed and executed.
pub(crate) fn template_paths(chart: &Chart) -> Vec<(Template, &Bytes)> {
    let mut all = Vec::new();
    charts(chart, chart.name(), &mut all);
    let mut templates: Vec<(Template, &Bytes)> = Vec::new();
    for (number, (owner, full_path)) in all.iter().enumerate() {
        let base_path: Arc<str> = path::join(&[full_path, "templates"]).into();
        for file in &owner.templates {
            if owner.is_library() && !base_name(&file.name).starts_with('_') {
                continue;
            }
            let path = path::join(&[full_path, &file.name]);
            templates.push((Template { path, base_path: Arc::clone(&base_path), chart: number }, file.data.bytes()));
        }
    }
    // Of two with the same path the last counts.
    templates.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    templates.reverse();
    templates.dedup_by(|later, kept| later.0.path == kept.0.path);
    // The deepest first, then backwards by name.
    templates.sort_by_cached_key(|(template, _)| Reverse(template.path.bytes().filter(|b| *b == b'/').count()));
    templates
}

/// Runs on a big stack: charts of others nest as deep as they like. On such a stack it runs where it is, so that who
/// takes several steps need not start a thread for each.
///
/// # Errors
/// Those of starting a thread.
pub fn on_big_stack<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T, RenderError> {
    gotext::with_big_stack(f).map_err(|e| RenderError::Thread(e.to_string()))
}

impl Parsed {
    /// Parses the templates of a chart whose dependencies have been processed.
    ///
    /// # Errors
    /// Names the template, line and problem, in Helm's words.
    pub fn new(chart: Arc<Chart>) -> Result<Self, RenderError> {
        Self::with(chart, Ahead::default())
    }

    /// Does the same with what was parsed ahead.
    ///
    /// # Errors
    /// As [`Parsed::new`].
    pub fn with(chart: Arc<Chart>, ahead: Ahead) -> Result<Self, RenderError> {
        let templates = template_paths(&chart);
        let texts: Vec<(String, Bytes)> =
            templates.iter().map(|(template, text)| (template.path.clone(), (*text).clone())).collect();
        let set = parse(&texts, ahead)?;
        let order = templates.into_iter().map(|(template, _)| template).collect();
        Ok(Self { chart, set, order })
    }

    /// The chart.
    pub fn chart(&self) -> &Arc<Chart> {
        &self.chart
    }

    /// Roughly the bytes of memory the parsed templates take, for caches.
    pub fn size(&self) -> usize {
        self.set.size()
    }

    /// Executes all templates that are no partials.
    ///
    /// # Errors
    /// Names the template and its place, in Helm's words, or the budget that was used up.
    pub fn render(&self, inputs: &Inputs<'_>) -> Result<Files, RenderError> {
        self.render_telling(inputs, |_, _| {})
    }

    /// Does the same, and tells of each file as soon as it is there.
    pub(crate) fn render_telling(
        &self,
        inputs: &Inputs<'_>,
        mut tell: impl FnMut(&str, &Arc<str>) + Send,
    ) -> Result<Files, RenderError> {
        on_big_stack(|| self.execute(inputs, &mut tell))?
    }

    fn execute(&self, inputs: &Inputs<'_>, tell: &mut dyn FnMut(&str, &Arc<str>)) -> Result<Files, RenderError> {
        let arena = Arena::new();
        let local = intern(&inputs.zone);
        let now = Time {
            seconds: inputs.now.as_second(),
            nanos: inputs.now.subsec_nanosecond().unsigned_abs(),
            zone: local_zone(local),
            clock: true,
        };
        let mut host = Host::new(now, local, inputs.seed);
        host.lint = inputs.lint;
        host.notices = inputs.notices.clone();
        host.lookup = if inputs.lint { None } else { inputs.lookup.clone() };
        host.resolve = inputs.resolve.clone();
        let scopes = Scopes::build(&arena, &self.chart, inputs);
        let options = Options {
            missing_key: if inputs.strict { MissingKey::Error } else { MissingKey::Zero },
            limits: inputs.limits.clone(),
            interrupt: inputs.interrupt.clone(),
        };
        let mut runtime = Runtime::new(&arena, &self.set, &options);
        let mut files = Files::new();
        // What a template prints grows in a place of its own, which is warm by then, and is copied once.
        let mut out = Vec::new();
        for template in &self.order {
            if base_name(&template.path).starts_with('_') {
                continue;
            }
            let Some(scope) = scopes.scopes.get(template.chart) else { continue };
            let about = arena.map();
            about.set(b"BasePath", arena.str(template.base_path.as_bytes()));
            about.set(b"Name", arena.str(&template.path));
            scope.set(b"Template", Value::Map(arena.view(about, Some(VALUES))));
            out.clear();
            let dot = Value::Map(arena.view(scope, Some(VALUES)));
            runtime
                .execute_to(&mut host, template.path.as_bytes(), dot, &mut out)
                .map_err(|e| exec_error(&template.path, &e))?;
            let text = into_text(&out);
            tell(&template.path, &text);
            files.insert(template.path.clone(), text);
        }
        Ok(files)
    }
}

/// Keeps a zone for the life of the process; there are few.
pub(crate) fn intern(zone: &TimeZone) -> &'static TimeZone {
    use std::sync::Mutex;
    if *zone == TimeZone::UTC {
        return utc();
    }
    static ZONES: Mutex<Vec<&'static TimeZone>> = Mutex::new(Vec::new());
    let mut zones = ZONES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(found) = zones.iter().find(|z| **z == zone) {
        return found;
    }
    let kept: &'static TimeZone = Box::leak(Box::new(zone.clone()));
    zones.push(kept);
    kept
}

pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The top-level objects of each chart, in the order of [`charts`].
struct Scopes<'a> {
    scopes: Vec<&'a Map<'a>>,
}

impl<'a> Scopes<'a> {
    fn build(arena: &'a Arena, chart: &'a Chart, inputs: &'a Inputs<'_>) -> Self {
        let release = arena.map();
        // What is only looked at is neither.
        release.set(b"IsInstall", Value::Bool(!inputs.release.is_upgrade && !inputs.lint));
        release.set(b"IsUpgrade", Value::Bool(inputs.release.is_upgrade));
        release.set(b"Name", arena.str(&inputs.release.name));
        release.set(b"Namespace", arena.str(&inputs.release.namespace));
        release.set(b"Revision", Value::int(inputs.release.revision));
        release.set(b"Service", arena.str("Helm"));
        let capabilities = arena.object(Caps::new(inputs.capabilities));
        let values = tree_map(arena, inputs.values);
        let mut made = Self { scopes: Vec::new() };
        made.chart(arena, chart, true, values, Value::Map(release), capabilities);
        made
    }

    fn chart(
        &mut self,
        arena: &'a Arena,
        chart: &'a Chart,
        is_root: bool,
        values: &'a Map<'a>,
        release: Value<'a>,
        capabilities: Value<'a>,
    ) -> &'a Map<'a> {
        let scope = arena.map();
        let subcharts = arena.map();
        let files: Vec<(&str, &Content)> = chart.files.iter().map(|file| (file.name.as_str(), &file.data)).collect();
        scope.set(b"Capabilities", capabilities);
        scope.set(b"Chart", Value::Map(metadata(arena, chart, is_root)));
        scope.set(b"Files", arena.object(FilesObject::new(arena, &files)));
        scope.set(b"Release", release);
        scope.set(b"Subcharts", Value::Map(subcharts));
        scope.set(b"Values", Value::Map(arena.view(values, Some(VALUES))));
        for child in &chart.dependencies {
            let below = table(values, child.name()).unwrap_or_else(|| arena.map());
            let made = self.chart(arena, child, false, below, release, capabilities);
            subcharts.set(arena.bytes(child.name()), Value::Map(made));
        }
        self.scopes.push(scope);
        scope
    }
}

/// The table at a dotted path.
pub(crate) fn table<'a>(values: &'a Map<'a>, path: &str) -> Option<&'a Map<'a>> {
    path.split('.').try_fold(values, |at, key| match at.get(key.as_bytes()) {
        Some(Value::Map(map)) => Some(map),
        _ => None,
    })
}

/// `.Chart`: the fields of `Chart.yaml` by their names in Go (as Helm 4.3: `pkg/chart/common.go`).
fn metadata<'a>(arena: &'a Arena, chart: &Chart, is_root: bool) -> &'a Map<'a> {
    let m = &chart.metadata;
    let map = arena.map();
    let texts = |items: &[String]| {
        let items: Vec<_> = items.iter().map(|item| arena.str(item)).collect();
        arena.list(&items)
    };
    let annotations = if m.annotations.is_empty() {
        gotext::GoType::StringMap.zero(arena)
    } else {
        let annotations = arena.typed_map(gotext::GoType::String);
        for (key, value) in &m.annotations {
            annotations.set(arena.bytes(key), arena.str(value));
        }
        Value::Map(annotations)
    };
    let dependencies: Vec<_> = m.dependencies.iter().map(|d| Value::Map(dependency(arena, d))).collect();
    let maintainers: Vec<_> = m.maintainers.iter().map(|person| Value::Map(maintainer(arena, person))).collect();
    map.set(b"APIVersion", arena.str(&m.api_version));
    map.set(b"Annotations", annotations);
    map.set(b"AppVersion", arena.str(&m.app_version));
    map.set(b"Condition", arena.str(&m.condition));
    map.set(b"Dependencies", arena.list(&dependencies));
    map.set(b"Deprecated", Value::Bool(m.deprecated));
    map.set(b"Description", arena.str(&m.description));
    map.set(b"Home", arena.str(&m.home));
    map.set(b"Icon", arena.str(&m.icon));
    map.set(b"IsRoot", Value::Bool(is_root));
    map.set(b"Keywords", texts(&m.keywords));
    map.set(b"KubeVersion", arena.str(&m.kube_version));
    map.set(b"Maintainers", arena.list(&maintainers));
    map.set(b"Name", arena.str(&m.name));
    map.set(b"Sources", texts(&m.sources));
    map.set(b"Tags", arena.str(&m.tags));
    map.set(b"Type", arena.str(&m.kind));
    map.set(b"Version", arena.str(&m.version));
    map
}

fn dependency<'a>(arena: &'a Arena, d: &Dependency) -> &'a Map<'a> {
    let map = arena.map();
    let tags: Vec<_> = d.tags.iter().map(|tag| arena.str(tag)).collect();
    let imports: Vec<_> = d.import_values.iter().map(|value| from_tree(arena, value)).collect();
    map.set(b"Alias", arena.str(&d.alias));
    map.set(b"Condition", arena.str(&d.condition));
    map.set(b"Enabled", Value::Bool(d.enabled));
    map.set(b"ImportValues", arena.list(&imports));
    map.set(b"Name", arena.str(&d.name));
    map.set(b"Repository", arena.str(&d.repository));
    map.set(b"Tags", arena.list(&tags));
    map.set(b"Version", arena.str(&d.version));
    map
}

fn maintainer<'a>(arena: &'a Arena, person: &Maintainer) -> &'a Map<'a> {
    let map = arena.map();
    map.set(b"Email", arena.str(&person.email));
    map.set(b"Name", arena.str(&person.name));
    map.set(b"URL", arena.str(&person.url));
    map
}
