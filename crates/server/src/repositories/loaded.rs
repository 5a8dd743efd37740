//! Charts that were fetched, loaded, as many as there is room for in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::uploads::weight;

/// A chart.
#[derive(Clone)]
struct Loaded {
    archive: Bytes,
    chart: Arc<chart::Chart>,
    weight: usize,
    used: u64,
}

/// Charts by the digest of their archive; those that were used longest ago go first.
pub(super) struct LoadedCharts {
    all: Mutex<(HashMap<String, Loaded>, u64)>,
    most: usize,
}

impl LoadedCharts {
    pub(super) fn new(most: usize) -> Self {
        Self { all: Mutex::default(), most }
    }

    pub(super) fn get(&self, digest: &str) -> Option<(Bytes, Arc<chart::Chart>)> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let (charts, clock) = &mut *all;
        let found = charts.get_mut(digest)?;
        *clock += 1;
        found.used = *clock;
        Some((found.archive.clone(), Arc::clone(&found.chart)))
    }

    pub(super) fn put(&self, digest: &str, archive: Bytes, chart: Arc<chart::Chart>) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let (charts, clock) = &mut *all;
        *clock += 1;
        let weight = archive.len() + weight(&chart);
        charts.insert(digest.to_owned(), Loaded { archive, chart, weight, used: *clock });
        let mut total: usize = charts.values().map(|loaded| loaded.weight).sum();
        while total > self.most {
            let oldest = charts.iter().min_by_key(|(_, loaded)| loaded.used);
            let Some((digest, weight)) = oldest.map(|(digest, loaded)| (digest.clone(), loaded.weight)) else { return };
            charts.remove(&digest);
            total -= weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let loaded = LoadedCharts::new(25);
        let put = |name: &str| loaded.put(name, Bytes::from_static(&[0; 10]), Arc::new(chart::Chart::default()));
        put("a");
        put("b");
        assert!(loaded.get("a").is_some());
        put("c");
        assert_eq!(["a", "b", "c"].map(|name| loaded.get(name).is_some()), [true, false, true]);
        loaded.put("d", Bytes::from_static(&[0; 30]), Arc::new(chart::Chart::default()));
        assert!(loaded.get("d").is_none() && loaded.get("c").is_none());
    }
}
