//! Many rows at one moment, in any order.

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

use super::row::Row;

/// What rows can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Sort {
    Name,
    Namespace,
    Status,
    Revision,
    Updated,
    Chart,
}

impl Sort {
    const COUNT: usize = 6;

    /// Tells whether records have to be read to sort by it.
    pub fn needs_glances(self) -> bool {
        matches!(self, Self::Updated | Self::Chart)
    }
}

/// Rows, and their orders as far as somebody has asked for them.
#[derive(Debug)]
pub struct View {
    /// By name, then by namespace and revision.
    rows: Vec<Arc<Row>>,
    orders: [OnceLock<Box<[u32]>>; Sort::COUNT * 2],
    /// The orders of the view before, as far as they were made: they are nearly right, and then sorting is nearly nothing.
    before: [Option<Box<[u32]>>; Sort::COUNT * 2],
    /// Whether every row's record was read, or is gone.
    known: OnceLock<()>,
}

impl View {
    pub(super) fn new(rows: Vec<Arc<Row>>) -> Self {
        Self { rows, orders: Default::default(), before: Default::default(), known: OnceLock::new() }
    }

    /// As [`View::new`], of rows most of which are those of another view.
    pub(super) fn after(before: &Self, rows: Vec<Arc<Row>>) -> Self {
        let (places, new) = moved(&before.rows, &rows);
        let order = |order: &OnceLock<Box<[u32]>>| {
            let kept = order.get()?.iter().filter_map(|at| places.get(*at as usize).copied().flatten());
            Some(kept.chain(new.iter().copied()).collect())
        };
        Self { before: before.orders.each_ref().map(order), ..Self::new(rows) }
    }

    /// All rows by name, namespace and revision.
    pub fn rows(&self) -> &[Arc<Row>] {
        &self.rows
    }

    /// Tells whether the records of all rows have been read, as far as they are there.
    pub fn is_known(&self) -> bool {
        self.known.get().is_some()
    }

    /// Notes that the records of all rows have been read. Orders are kept from then on.
    pub fn set_known(&self) {
        let _ = self.known.set(());
    }

    /// All rows in an order, those that `is_before` says `true` of left out; it must do so of the first ones of the order only.
    /// Rows that are the same for the order are by name, namespace and revision, whichever way it goes.
    pub fn sorted(
        &self,
        sort: Sort,
        descending: bool,
        is_before: impl Fn(&Row) -> bool,
    ) -> impl Iterator<Item = &Arc<Row>> {
        let order = (sort != Sort::Name || descending).then(|| self.order(sort, descending));
        let row = move |at: usize| match order {
            Some(order) => order.get(at).and_then(|at| self.rows.get(*at as usize)),
            None => self.rows.get(at),
        };
        let (mut from, mut to) = (0, self.rows.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            if row(middle).is_some_and(|row| is_before(row)) { from = middle + 1 } else { to = middle }
        }
        (from..self.rows.len()).filter_map(row)
    }

    fn order(&self, sort: Sort, descending: bool) -> &[u32] {
        let at = sort as usize * 2 + usize::from(descending);
        let Some(order) = self.orders.get(at) else { return &[] };
        order.get_or_init(|| {
            let mut order: Vec<u32> = match self.before.get(at) {
                Some(Some(before)) => before.to_vec(),
                _ => (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).collect(),
            };
            let row = |at: &u32| self.rows.get(*at as usize);
            order.sort_by(|a, b| {
                let (Some(one), Some(other)) = (row(a), row(b)) else { return Ordering::Equal };
                let by = compare(sort, one, other);
                // Places in `rows` are in the order of names.
                if descending { by.reverse() } else { by }.then_with(|| a.cmp(b))
            });
            order.into()
        })
    }
}

/// Where each of the rows of before is now, and which are new; both by name and namespace.
fn moved(before: &[Arc<Row>], rows: &[Arc<Row>]) -> (Vec<Option<u32>>, Vec<u32>) {
    let place = |row: &Arc<Row>| (Arc::clone(&row.name), Arc::clone(&row.namespace));
    let (mut places, mut new) = (Vec::with_capacity(before.len()), Vec::new());
    let mut now = (0_u32..).zip(rows).peekable();
    for row in before {
        while let Some((at, _)) = now.next_if(|(_, other)| !Arc::ptr_eq(other, row) && place(other) < place(row)) {
            new.push(at);
        }
        let same = now.next_if(|(_, other)| Arc::ptr_eq(other, row) || place(other) == place(row));
        places.push(same.map(|(at, _)| at));
    }
    new.extend(now.map(|(at, _)| at));
    (places, new)
}

fn compare(sort: Sort, a: &Row, b: &Row) -> Ordering {
    match sort {
        Sort::Name => a.name().cmp(b.name()),
        Sort::Namespace => a.namespace().cmp(b.namespace()),
        Sort::Status => a.status().as_str().cmp(b.status().as_str()),
        Sort::Revision => a.revision().cmp(&b.revision()),
        Sort::Updated => nanos(a).cmp(&nanos(b)),
        Sort::Chart => chart(a).cmp(chart(b)),
    }
}

/// When a row was deployed; rows without a record come first.
fn nanos(row: &Row) -> Option<i128> {
    let glance = row.glance()?.ok()?;
    Some(glance.updated.map_or(0, |time| time.timestamp().as_nanosecond()))
}

/// The bytes of `NAME VERSION`, and nothing without a record.
fn chart(row: &Row) -> impl Iterator<Item = u8> {
    let glance = row.glance().and_then(Result::ok);
    let parts = glance.map(|glance| [&*glance.chart, " ", &*glance.version]).unwrap_or_default();
    parts.into_iter().flat_map(str::bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::glance::Glance;
    use crate::history::{Head, Token};
    use crate::marks::Marks;
    use crate::name::Key;
    use crate::status::Status;

    fn row(name: &str, revision: u32, chart: Option<&str>) -> Arc<Row> {
        let head = Head {
            key: Key::new("web", name, revision),
            status: if revision > 1 { Status::Failed } else { Status::Deployed },
            token: Token("1".into()),
            labels: BTreeMap::new(),
            marks: Marks::default(),
            system: BTreeMap::new(),
            misnamed: chart.is_none().then(|| name.to_owned()),
        };
        let row = Row::new(head, "web".into(), name.into());
        if let Some(chart) = chart {
            row.see(Ok(Glance { chart: chart.into(), ..Glance::default() })).unwrap();
        }
        Arc::new(row)
    }

    #[test]
    fn orders_are_right_also_when_they_come_from_those_before() {
        let before = View::new(["a", "b", "d", "e"].map(|name| row(name, 1, Some(name))).to_vec());
        let order = |view: &View, sort, descending| {
            view.sorted(sort, descending, |_| false)
                .map(|row| format!("{}{} ", row.name(), row.revision()))
                .collect::<String>()
        };
        for (sort, descending) in
            [(Sort::Revision, true), (Sort::Chart, false), (Sort::Chart, true), (Sort::Updated, false)]
        {
            order(&before, sort, descending);
            let [a, _, _, e] = before.rows() else { panic!() };
            let rows = vec![a.clone(), row("c", 3, Some("zz")), row("d", 2, Some("a")), e.clone(), row("f", 1, None)];
            let (after, anew) = (View::after(&before, rows.clone()), View::new(rows));
            assert_eq!(order(&after, sort, descending), order(&anew, sort, descending), "{sort:?} {descending}");
            assert_eq!(order(&after, sort, descending).len(), 15);
        }
    }

    #[test]
    fn every_order_goes_both_ways_and_names_stay_in_order() {
        let view =
            View::new(vec![row("a", 2, Some("z")), row("b", 1, Some("y")), row("c", 2, None), row("d", 1, Some("z"))]);
        let names = |sort, descending, after: Option<&str>| {
            let order: Vec<&str> = view.sorted(sort, descending, |_| false).map(|row| row.name()).collect();
            let passed: Vec<&str> = match after {
                Some(after) => order.iter().take_while(|name| **name != after).copied().chain([after]).collect(),
                None => Vec::new(),
            };
            view.sorted(sort, descending, |row| passed.contains(&row.name())).map(|row| row.name()).collect::<String>()
        };
        assert_eq!(names(Sort::Name, false, None), "abcd");
        assert_eq!(names(Sort::Name, true, Some("c")), "ba");
        assert_eq!(names(Sort::Revision, false, None), "bdac");
        assert_eq!(names(Sort::Revision, true, None), "acbd");
        assert_eq!(names(Sort::Status, false, Some("d")), "ac");
        assert_eq!(names(Sort::Chart, false, None), "cbad");
        assert_eq!(names(Sort::Chart, true, Some("d")), "bc");
        assert_eq!(names(Sort::Namespace, true, None), "abcd");
    }
}
