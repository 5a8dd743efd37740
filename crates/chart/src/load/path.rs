//! Paths as Go's `path` package sees them.

/// Gives the shortest equivalent of a path by its text alone, as Go's `path.Clean`.
#[must_use]
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn cleans_as_go() {
        for (path, want) in [
            ("", "."),
            ("a/b/../c", "a/c"),
            ("../../a", "../../a"),
            ("/../a/", "/a"),
            ("a//b/./c/", "a/b/c"),
            ("a/..", "."),
            ("./x", "x"),
        ] {
            assert_eq!(clean(path), want, "{path}");
        }
    }
}
