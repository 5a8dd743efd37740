use super::*;
use crate::fetch::tests::{fetcher, ok, server};

const ANSWER: &str = r#"{"data":[
    {"id":"a/b","artifactHub":{"packageUrl":"https://hub/p"},"attributes":{"description":"d","repo":{"url":"u","name":"n"}},
     "relationships":{"latestChartVersion":{"data":{"version":"1.0.0","app_version":"2"}}}},
    {"id":"c/d","type":"chart"}]}"#;

#[test]
fn a_hub_is_asked_as_helm_asks_it() {
    let (url, asked) = server(|_, _| ok(ANSWER));
    let endpoint = format!("{url}/base/");
    let found = search(&endpoint, "a b&c", &fetcher()).unwrap().unwrap();
    assert_eq!(*asked.lock().unwrap(), ["/base/api/chartsvc/v1/charts/search?q=a+b%26c -"]);
    let first = Listed {
        url: "https://hub/p".into(),
        version: "1.0.0".into(),
        app_version: "2".into(),
        description: "d".into(),
        repository_url: "u".into(),
        repository_name: "n".into(),
    };
    assert_eq!(found, [first, Listed { url: format!("{endpoint}/charts/c/d"), ..Listed::default() }]);
}

#[test]
fn answers_that_make_no_sense_have_no_charts() {
    for answer in ["", "null", "[]", "{\"data\":", "{\"data\":null}"] {
        let (url, _) = server(move |_, _| ok(answer));
        assert_eq!(search(&url, "", &fetcher()).unwrap().unwrap(), [], "{answer}");
    }
    let (url, _) = server(|_, _| "HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned());
    assert!(search(&url, "", &fetcher()).unwrap().is_err());
    let error = search("nowhere", "", &fetcher()).err().unwrap().to_string();
    assert_eq!(error, "unable to create connection to \"nowhere\": no hostname provided");
}
