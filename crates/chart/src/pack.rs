//! A chart's files packed as Helm reads them; the same files give the same bytes.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use crate::chart::{Chart, File};
use crate::load::clean;
use crate::text::quote;

/// A chart could not be packed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The chart's name cannot be the name of a folder.
    #[error("{} is not a valid chart name", quote(.0))]
    Name(String),
    /// A file does not lie below the chart's folder.
    #[error("file {} does not lie in the chart", quote(.0))]
    Path(String),
    /// The archive could not be made.
    #[error("cannot pack the chart: {0}")]
    Archive(String),
}

/// Packs files under the folder `name` into a `.tgz`. `Chart.yaml` comes first, the others in the order given; times and
/// owners are left out, so that only the content counts.
///
/// # Errors
/// When the name or a path would lead out of the chart's folder.
pub fn pack(name: &str, files: &[File]) -> Result<Vec<u8>, PackError> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\\']) {
        return Err(PackError::Name(name.to_owned()));
    }
    let failed = |e: std::io::Error| PackError::Archive(e.to_string());
    let zip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::new(6));
    let mut archive = tar::Builder::new(zip);
    let (first, rest): (Vec<&File>, Vec<&File>) = files.iter().partition(|f| f.name == "Chart.yaml");
    for file in first.into_iter().chain(rest) {
        let path = clean(&file.name);
        if path != file.name || path.starts_with('/') || path.starts_with("..") || path == "." || path.contains('\\') {
            return Err(PackError::Path(file.name.clone()));
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(file.data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_cksum();
        archive.append_data(&mut header, format!("{name}/{path}"), &*file.data).map_err(failed)?;
    }
    let mut zip = archive.into_inner().map_err(failed)?;
    zip.flush().map_err(failed)?;
    zip.finish().map_err(failed)
}

/// Packs a chart that was loaded, with its subcharts as they were.
///
/// # Errors
/// As [`pack`].
pub fn pack_chart(chart: &Chart) -> Result<Vec<u8>, PackError> {
    pack(chart.name(), &chart.raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Limits, load_archive};

    fn file(name: &str, data: &str) -> File {
        File { name: name.into(), data: data.to_owned().into(), mod_time: None }
    }

    #[test]
    fn what_is_packed_loads_again() {
        let long = format!("templates/{}.yaml", "long".repeat(60));
        let files = [
            file("values.yaml", "a: 1\n"),
            file("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
            file(&long, "x"),
        ];
        let bytes = pack("shop", &files).unwrap();
        assert_eq!(bytes, pack("shop", &files).unwrap());
        let chart = load_archive(&bytes, &Limits::default()).unwrap();
        assert_eq!(chart.name(), "shop");
        assert_eq!(chart.templates.first().map(|f| f.name.as_str()), Some(long.as_str()));
        assert_eq!(pack_chart(&chart).unwrap(), bytes);
    }

    #[test]
    fn nothing_leaves_the_folder() {
        assert_eq!(pack("..", &[]), Err(PackError::Name("..".into())));
        for path in ["../a", "/a", "a/../../b", "", "a\\b"] {
            assert_eq!(pack("a", &[file(path, "")]), Err(PackError::Path(path.into())), "{path}");
        }
    }
}
