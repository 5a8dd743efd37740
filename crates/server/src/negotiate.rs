//! Which of the offered media types an `Accept` header wants.

use api::Media;

const DEFAULT: Media = Media { name: "application/json", text: false };

/// Chooses a media type; the first one offered when the header wants none of them, as RFC 9110 §12.5.1 allows.
pub(crate) fn choose(accept: Option<&str>, offered: &'static [Media]) -> &'static Media {
    let first = offered.first().unwrap_or(&DEFAULT);
    let Some(accept) = accept else { return first };
    let mut best: Option<(f32, u8, &Media)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        if quality <= 0.0 {
            continue;
        }
        let found = offered.iter().filter_map(|m| specificity(&name, m).map(|s| (s, m))).max_by_key(|(s, _)| *s);
        if let Some((exact, media)) = found
            && best.is_none_or(|(q, s, _)| (quality, exact) > (q, s))
        {
            best = Some((quality, exact, media));
        }
    }
    best.map_or(first, |(_, _, media)| media)
}

/// How well a range fits: not at all, `*/*`, `type/*`, or by name (also by one of its other names).
fn specificity(range: &str, media: &Media) -> Option<u8> {
    let (kind, _) = media.name.split_once('/')?;
    let same = range == media.name
        || media.name == "application/yaml"
            && matches!(range, "text/yaml" | "text/x-yaml" | "application/x-yaml" | "text/vnd.yaml");
    match range {
        _ if same => Some(3),
        // Whoever wants plain text gets whatever is plain text.
        "text/plain" | "text/*" if media.text => Some(2),
        // Several media types may fit `*/*`; all count the same, and the header then decides nothing.
        "*/*" if !media.text && media.name == "application/json" => Some(0),
        _ if range.strip_suffix("/*") == Some(kind) && media.name == "application/json" => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: &[Media] =
        &[Media { name: "application/json", text: false }, Media { name: "application/yaml", text: true }];

    #[test]
    fn the_header_decides() {
        for (accept, name) in [
            (None, "application/json"),
            (Some("*/*"), "application/json"),
            (Some("application/yaml"), "application/yaml"),
            (Some("text/yaml, */*"), "application/yaml"),
            (Some("application/x-yaml;q=0.5, application/json;q=0.4"), "application/yaml"),
            (Some("application/yaml;q=0.4, application/json"), "application/json"),
            (Some("text/plain"), "application/yaml"),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), "application/json"),
            (Some("application/*"), "application/json"),
            (Some("application/yaml;q=0"), "application/json"),
            (Some(";;,,"), "application/json"),
        ] {
            assert_eq!(choose(accept, OFFERED).name, name, "{accept:?}");
        }
    }
}
